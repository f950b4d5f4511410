r"""Regressions on industry-year columns without going back to the rows.

Linkage measures are constant within industry-year cells. With D the dummies of the cells and M what
takes effects and other regressors out, cross-products of any such columns X (cells, l) are

.. math:: \tilde X'\Omega\tilde X = X' G X, \quad \tilde X'\Omega y = X' d, \qquad
          G = D'\Omega M D, \quad d = D'\Omega M y. \tag{1}

G (cells x cells) and d are found once, in time linear in the rows; after that a regression on other
shocks costs a few small products, however many rows there are. With the largest effect swept out
as in :mod:`spillover.panel.absorb`,

.. math:: D'\Omega M_1 D = D'\Omega D - C'N^{-1}C, \tag{2}

C the weighted cross-table of its levels with the cells; the other effects, control columns and
regressors then come off as Schur complements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from spillover.errors import IdentificationError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from spillover.inference.exposure_terms import Exposure
    from spillover.panel.absorb import Absorber
    from spillover.panel.estimated import Estimated

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

MOST_CELLS = 6000


@dataclass(frozen=True, eq=False)
class Cells:
    """The arrays of equation (1).

    Attributes
    ----------
    where : (cells,) array
        Flat places on the grid (sectors, regions, years) that have rows.
    gram : (cells, cells) array
        G.
    """

    where: Codes
    gram: Matrix

    @classmethod
    def of(cls, estimated: Estimated, place: Codes, other: Codes) -> Cells:
        """Prepare the cells of a regression.

        Parameters
        ----------
        estimated : Estimated
        place : (n,) array
            Row -> flat place on the grid.
        other : (z,) array
            Positions of the regressors that are no linkage measures; they are taken out.

        Raises
        ------
        SchemaError
            If there are more than 6,000 cells.
        """
        where, code = np.unique(place, return_inverse=True)
        if len(where) > MOST_CELLS:
            raise SchemaError(
                f"{len(where):,} cells of industry, region and year; randomisation takes up to "
                f"{MOST_CELLS:,}. Use national presence."
            )
        code = code.astype(np.intp)
        w = estimated.design.weights
        gram = _absorbed_gram(estimated.absorber, code, w, len(where))
        if len(other):
            Z = estimated.X[:, other]
            weighted = Z if w is None else Z * w[:, None]
            U = np.column_stack([np.bincount(code, column) for column in weighted.T])
            gram = gram - U @ np.linalg.lstsq(weighted.T @ Z, U.T, rcond=None)[0]
        return cls(where, (gram + gram.T) / 2)

    def sums(self, place: Codes, values: Matrix) -> Matrix:
        """Sum a column of the rows by cell: (n,) -> (cells,)."""
        size = int(self.where.max()) + 1
        return np.bincount(place, values, size)[self.where].astype(np.float64)


def _absorbed_gram(absorber: Absorber | None, code: Codes, w: Matrix | None, cells: int) -> Matrix:
    if absorber is None:
        return np.diag(np.bincount(code, w, cells).astype(np.float64))
    data = np.ones(len(code)) if w is None else w
    levels = len(absorber.totals)
    cross = sparse.csr_array(
        sparse.coo_array((data, (absorber.largest, code)), shape=(levels, cells))
    )
    swept = sparse.diags_array(1 / absorber.totals) @ cross
    gram: Matrix = np.diag(np.bincount(code, data, cells)) - (cross.T @ swept).toarray()
    if absorber.reduced is None:
        return gram
    n = len(code)
    dummies = sparse.csr_array((np.ones(n), code, np.arange(n + 1)), shape=(n, cells))
    reduced = absorber.reduced
    right = (reduced.weighted.T @ dummies).toarray() - (reduced.cross.T @ cross).toarray()
    result: Matrix = gram - right.T @ reduced.solve(right)
    return result


@dataclass(frozen=True, eq=False)
class Draw:
    """A regression on given shocks.

    Attributes
    ----------
    beta : (l, q) array
        Coefficients for each of q outcomes.
    bread : (l, l) array
    rho : (clusters, l, q) array
    P : (clusters, l, l) array
        As in :mod:`spillover.inference.exposure_scores`.
    """

    beta: Matrix
    bread: Matrix
    rho: Matrix
    P: Matrix


def regress(
    cells: Cells,
    exposures: Sequence[Exposure],
    shocks: Sequence[Matrix],
    outcomes: Matrix,
) -> Draw:
    """Regress outcomes on the measures that shocks make, with exposure-robust scores.

    Parameters
    ----------
    cells : Cells
    exposures : sequence of Exposure
    shocks : sequence of (sectors, regions, years) arrays
        One per exposure.
    outcomes : (cells, q) array
        Sums by cell of what effects and other regressors leave of each outcome, weighted.

    Returns
    -------
    Draw

    Raises
    ------
    IdentificationError
        If the measures are collinear.
    """
    pairs = list(zip(exposures, shocks, strict=True))
    X = np.column_stack([one.spread(g).ravel()[cells.where] for one, g in pairs])
    GX = cells.gram @ X
    V = X.T @ GX
    scale = 1 / np.sqrt(np.maximum(np.diagonal(V), 1e-300))
    scaled = V * scale * scale[:, None]
    if np.linalg.eigvalsh(scaled)[0] < 1e-10:
        raise IdentificationError("The measures of these shocks are collinear.")
    bread = np.linalg.inv(scaled) * scale * scale[:, None]
    beta = bread @ (X.T @ outcomes)
    h = [one.residualise(g) for one, g in pairs]
    shape = h[0].shape

    def by_shock(sums: Matrix) -> Matrix:
        grid = np.zeros(shape)
        grid.ravel()[cells.where] = sums
        scores = [
            (a * one.collect(grid)).sum(axis=(1, 2)) for one, a in zip(exposures, h, strict=True)
        ]
        return np.column_stack(scores)

    left = outcomes - GX @ beta
    rho = np.stack([by_shock(column) @ bread for column in left.T], axis=-1)
    P = np.stack([by_shock(column) @ bread for column in (GX @ bread).T], axis=-1)
    return Draw(beta, bread, rho, P)

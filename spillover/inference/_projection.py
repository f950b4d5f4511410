"""What clusters share through the regressors and the absorbed effects.

With P the projection on regressors and effects, the wild bootstrap's covariance and Satterthwaite's
degrees of freedom are made of cross products p_(g)' W P q_(h) of columns cut to clusters g and h.
No n x n matrix is formed, nor one of dummies. The effects enter by the pieces of
:class:`~spillover.panel.absorb.Absorber`, whose projection is the sum of the largest effect's group
means and of the other effects' part S^-1 that these means leave.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from spillover.panel.absorb import Absorber, Reduced

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

BLOCK = 2_000_000
"""Elements of a block of cross products."""


class Sums(NamedTuple):
    """Weighted sums of one column by cluster: with the slopes, and in each level of each effect."""

    slopes: Matrix  # (clusters, k)
    largest: sparse.csr_array | None  # (clusters, levels)
    others: sparse.csr_array | None  # (clusters, m), the largest effect swept out


@dataclass(frozen=True, eq=False)
class Projection:
    """The weighted projection on regressors and absorbed effects.

    Attributes
    ----------
    X : (n, k) array
        Regressors that the effects leave.
    bread : (k, k) array
        (X'WX)^-1.
    absorber : Absorber or None
    weights : (n,) array or None
    """

    X: Matrix
    bread: Matrix
    absorber: Absorber | None
    weights: Matrix | None

    def without(self, columns: list[int]) -> Projection:
        """Return the projection on the effects and the other regressors."""
        X = np.delete(self.X, columns, axis=1)
        gram = X.T @ (X if self.weights is None else X * self.weights[:, None])
        return Projection(
            X, np.asarray(np.linalg.inv(gram), dtype=np.float64), self.absorber, self.weights
        )

    @cached_property
    def root(self) -> Matrix:
        """Square roots of the weights (n,)."""
        return np.ones(len(self.X)) if self.weights is None else np.sqrt(self.weights)

    def sums(self, column: Matrix, codes: Codes, count: int) -> Sums:
        """Sum a column (n,) by cluster; see :class:`Sums`."""
        weighted = column if self.weights is None else column * self.weights
        slopes = sums_by(self.X * weighted[:, None], codes, count)
        absorber = self.absorber
        if absorber is None:
            return Sums(slopes, None, None)
        largest = sparse.coo_array(
            (weighted, (codes, absorber.largest)), shape=(count, len(absorber.totals))
        ).tocsr()
        reduced = absorber.reduced
        if reduced is None or len(reduced.kept) == 0:
            return Sums(slopes, largest, None)
        levels = effect_columns(reduced)
        others = sparse.coo_array(
            (
                np.repeat(weighted, levels.shape[1]),
                (np.repeat(codes, levels.shape[1]), levels.flat),
            ),
            shape=(count, reduced.dummies.shape[1]),
        ).tocsr()
        return Sums(slopes, largest, (others - largest @ reduced.cross).tocsr())

    def cross(self, left: Sums, right: Sums) -> Iterator[tuple[slice, Matrix]]:
        """Yield blocks of rows of p_(g)' W P q_(h) (clusters of left x clusters of right)."""
        slopes = self.bread @ right.slopes.T
        scaled = solved = None
        if left.largest is not None and right.largest is not None and self.absorber is not None:
            inverse = sparse.diags_array(1 / self.absorber.totals)
            scaled = (inverse @ right.largest.T).tocsr()
        if left.others is not None and right.others is not None and self.absorber is not None:
            reduced = self.absorber.reduced
            solved = None if reduced is None else reduced.solve(right.others.T.toarray())
        rows, columns = len(left.slopes), len(right.slopes)
        step = max(1, BLOCK // columns)
        for start in range(0, rows, step):
            part = slice(start, min(start + step, rows))
            block = left.slopes[part] @ slopes
            if scaled is not None and left.largest is not None:
                block += (left.largest[part] @ scaled).toarray()
            if solved is not None and left.others is not None:
                block += left.others[part] @ solved
            yield part, block

    def cross_matrix(self, left: Matrix, right: Matrix, codes: Codes, count: int) -> Matrix:
        """Return p_(g)' W P q_(h) for all pairs of clusters (count, count)."""
        blocks = self.cross(self.sums(left, codes, count), self.sums(right, codes, count))
        return np.vstack([block for _, block in blocks])


def sums_by(columns: Matrix, codes: NDArray[np.integer], count: int) -> Matrix:
    """Sum columns (n, k) within groups.

    Returns
    -------
    (count, k) array

    Examples
    --------
    >>> sums_by(np.array([[1.0], [2.0], [4.0]]), np.array([0, 1, 0]), 2)
    array([[5.],
           [2.]])
    """
    result = np.empty((count, columns.shape[1]))
    for j, column in enumerate(columns.T):
        result[:, j] = np.bincount(codes, column, count)
    return result


def effect_columns(reduced: Reduced) -> NDArray[np.int32]:
    """Return the column of each observation's level of each effect besides the largest (n, q)."""
    levels: NDArray[np.int32] = reduced.dummies.indices.reshape(reduced.dummies.shape[0], -1)
    return levels

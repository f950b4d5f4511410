"""The second stage of Gandhi, Navarro & Rivers (2020): the constant of integration.

Output less the flexible input's integral leaves omega - C(other inputs). The moments have several
roots: those with a negative mean elasticity are set aside where another solves them as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from spillover.errors import IdentificationError, preview
from spillover.production._effects import net_of_years
from spillover.production._share import monomials
from spillover.production.law import Concentrated, concentrate
from spillover.production.ols import slopes
from spillover.production.polynomial import basis, exponents
from spillover.production.preparation import law_powers, relative
from spillover.production.second import Solved, solve_gmm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.production.data import Inputs
    from spillover.production.gnr import Gnr

    Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Integration:
    """The second stage, in coordinates ``d = R c`` in which C's columns are orthonormal.

    Attributes
    ----------
    at : (n,) array of int
        Rows of the inputs.
    law : Concentrated
        In d.
    R : (p, p) array
    starts : (s, p) array
        Of c: least squares in levels and differences, half of it, and none.
    base, slope : (k,) and (k, p) arrays
        The inputs' mean elasticities are base + slope c.
    """

    at: NDArray[np.int64]
    law: Concentrated
    R: Array
    starts: Array
    base: Array
    slope: Array

    @classmethod
    def of(cls, inputs: Inputs, level: Array, settings: Gnr, *, base: Array) -> Integration:
        """Lay the law of motion of omega = level - C c out.

        Parameters
        ----------
        inputs : Inputs
        level : (n,) array
            Output less the integral and the unforeseen shock.
        settings : Gnr
        base : (k,) array
            Mean elasticities of the inputs without C.

        Returns
        -------
        Integration

        Raises
        ------
        IdentificationError
            If C's terms are collinear.
        """
        at, degree = inputs.second, settings.integration_degree
        before = inputs.previous[at]
        C = basis(inputs.X, degree, standardise=False)[:, 1:]
        R = _triangle(C[at], inputs, at, settings)
        scaled = linalg.solve_triangular(R, C.T, trans="T").T
        relative_level, relative_C = relative(inputs, level, scaled, years=settings.years)
        X = inputs.X
        if settings.free_timing == "flexible":
            X = np.column_stack([inputs.lagged(inputs.free), inputs.state])
        law = concentrate(
            now=(level[at], scaled[at]),
            lag=(relative_level[before], relative_C[before]),
            instruments=basis(X[at], degree)[:, 1:],
            weights=inputs.weights[at],
            powers=law_powers(settings, inputs.markov.shape[1]),
            multipliers=inputs.markov[at] if inputs.markov.shape[1] else None,
            labels=inputs.names.markov,
            years=inputs.year[at] if settings.years else None,
        )
        w = inputs.weights[at]
        levels = slopes(C[at], level[at], w)
        changes = slopes(C[at] - C[before], level[at] - level[before], w)
        starts = np.vstack([levels, changes, 0.5 * levels, 0.0 * levels])
        slope = _mean_slope(inputs, exponents(inputs.X.shape[1], degree)[1:])
        return cls(at, law, R, starts, base, slope)

    def solve(
        self, names: tuple[str, ...], inputs: Inputs, *, near: Array | None, more: int
    ) -> Solved:
        """Set the moments E[xi x terms of C] to zero.

        Parameters
        ----------
        names : tuple of str
            Of C's terms.
        inputs : Inputs
        near : (p,) array, optional
            c from which alone to start.
        more : int
            Starts from a grid of elasticities.

        Returns
        -------
        Solved
            All in terms of c.
        """
        k, R = len(self.base), self.R

        def sensible(d: Array) -> bool:
            return bool((self.base + self.slope @ linalg.solve_triangular(R, d) >= 0).all())

        def lift(elasticities: Array) -> Array:
            c = np.zeros(len(R))
            c[:k] = elasticities - self.base  # C's first terms are the inputs themselves
            return R @ c

        found = solve_gmm(
            self.law,
            (self.starts if near is None else near[None]) @ R.T,
            names,
            firm=inputs.firm[self.at],
            more=more if near is None else 0,
            sensible=sensible if near is None else None,
            lift=(k, lift),
        )
        table = found.starts.copy()
        for columns in ([f"start_{name}" for name in names], list(names)):
            table[columns] = linalg.solve_triangular(R, table[columns].to_numpy().T).T
        return replace(
            found,
            b=linalg.solve_triangular(R, found.b),
            starts=table,
            criterion=lambda c: found.criterion(R @ c),
        )


def _triangle(C: Array, inputs: Inputs, at: NDArray[np.int64], settings: Gnr) -> Array:
    """Return R of C's columns less their means (of the year, if years have effects)."""
    weights = inputs.weights[at]
    year = inputs.year[at] if settings.years else np.zeros(len(at), dtype=np.int64)
    centred = np.sqrt(weights)[:, None] * net_of_years(C, year, weights)
    R = np.asarray(linalg.qr(centred, mode="r")[0][: C.shape[1]], dtype=np.float64)
    size = np.linalg.norm(centred, axis=0)
    if np.abs(np.diagonal(R)).min() < 1e-10 * float(size.max()):
        raise IdentificationError(
            f"The terms of C in {preview(inputs.names.inputs)} are collinear. Lower "
            f"integration_degree={settings.integration_degree}."
        )
    return R


def _mean_slope(inputs: Inputs, table: NDArray[np.int64]) -> Array:
    """Mean derivatives of C's terms by each input, (k, p)."""
    out = []
    for j in range(inputs.X.shape[1]):
        lowered = table.copy()
        lowered[:, j] = np.maximum(lowered[:, j] - 1, 0)
        terms = monomials(inputs.X, lowered)
        out.append(inputs.weights @ terms / inputs.weights.sum() * table[:, j])
    return np.array(out)

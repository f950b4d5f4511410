"""The law of motion of productivity, solved inside the criterion at a cost free of the rows.

For trial coefficients b, productivity is w(b) = a - X b, and its law of motion is a regression of
w on powers of its own lag (times multipliers: the constant, drivers, the probability of survival).
w at t-1 is linear in (a, X) at t-1, so that its powers are combinations of the monomials of these
variables. The cross-products of the monomials are summed over the rows once; for every further b
the moments and the sum of squares follow from them by algebra on a few dozen numbers. The variables
are centred and made uncorrelated first, which keeps the cross-products well conditioned.

>>> import numpy as np
>>> rng = np.random.default_rng(1)
>>> k = rng.normal(size=(400, 1)); w0 = rng.normal(size=400); w1 = 0.7 * w0 + rng.normal(size=400)
>>> k1 = k + 0.1 * w0[:, None] + rng.normal(size=(400, 1))
>>> law = concentrate(now=(w1 + 0.4 * k1[:, 0], k1), lag=(w0 + 0.4 * k[:, 0], k),
...     instruments=k1, weights=np.ones(400), powers=(1,))
>>> b = np.array([0.4])
>>> xi, gamma = law.rows(b)                       # row by row, by QR
>>> bool(np.allclose(law.moments(b), k1.T @ xi)), bool(np.isclose(law.ssr(b), xi @ xi))
(True, True)
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import linalg

from spillover.production.polynomial import basis, count_terms, exponents, project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Pair = "tuple[NDArray[np.float64], NDArray[np.float64]]"


@dataclass(frozen=True, eq=False)
class Concentrated:
    """Cross-products from which moments and sums of squares of the innovation follow for any b.

    Attributes
    ----------
    now, lag : pairs of (n,) and (n, p) arrays
        a and X at t and at t-1.
    outcome : (n,) array
        What the innovation is taken from: a at t, or output itself (then xi holds the unforeseen
        shock too).
    fit_outcome : bool
        Whether the law of motion is fitted to ``outcome`` (the sum of squares is then least)
        rather than to a at t.
    instruments : (n, m) array
    multipliers : (n, q) array
        First column one.
    powers : tuple of int, (q,)
        Highest power of lagged productivity that goes with each multiplier.
    weights : (n,) array
    cross : array
        Cross-products of monomials, (a, X, outcome) at t and instruments.
    whiten : (p + 1, p + 1) array
        Turns the coefficients of (a, X) at t-1 into those of the uncorrelated variables.
    """

    now: tuple[NDArray[np.float64], NDArray[np.float64]]
    lag: tuple[NDArray[np.float64], NDArray[np.float64]]
    outcome: NDArray[np.float64]
    fit_outcome: bool
    instruments: NDArray[np.float64]
    multipliers: NDArray[np.float64]
    powers: tuple[int, ...]
    weights: NDArray[np.float64]
    cross: NDArray[np.float64]
    whiten: NDArray[np.float64]
    _places: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
    _exponents: NDArray[np.int64]
    _counts: NDArray[np.float64]

    @property
    def parameters(self) -> int:
        """Number of coefficients searched for.

        Returns
        -------
        int
        """
        return int(self.now[1].shape[1])

    def _lift(self, b: NDArray[Any]) -> NDArray[Any]:
        """Return the powers of lagged productivity as combinations of the monomials."""
        c = self.whiten @ np.concatenate([np.ones(1), -b])
        c = c / np.sqrt(c @ c)
        power = c[:, None] ** np.arange(max(self.powers) + 1)
        value = self._counts.astype(c.dtype)
        for variable in range(len(c)):
            value = value * power[variable, self._exponents[:, variable]]
        row, column, which = self._places
        lift = np.zeros((row[-1] + 1, column[-1] + 1), dtype=c.dtype)
        lift[row, column] = value[which]
        return lift

    def _solve(self, b: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Return gamma, the regressors' Gram matrix and cross-products, and a - X b in columns."""
        lift = self._lift(b)
        size = lift.shape[0]
        gram = lift.T @ self.cross[:size, :size] @ lift
        right = lift.T @ self.cross[:size, size:]
        d = np.concatenate([np.ones(1), -b])
        p = len(b)
        target = np.zeros(p + 2, dtype=d.dtype)
        target[: p + 1] = d
        result = target.copy()
        result[0], result[-1] = 0, 1
        fitted = result if self.fit_outcome else target
        gamma = np.linalg.solve(gram, right[:, : p + 2] @ fitted)
        return gamma, gram, right, result

    def moments(self, b: NDArray[Any]) -> NDArray[Any]:
        """Return the weighted sums of instruments times innovations.

        Parameters
        ----------
        b : (p,) array, real or complex

        Returns
        -------
        (m,) array
        """
        gamma, _, right, result = self._solve(b)
        size, p = self._places[0][-1] + 1, len(b)
        other = self.cross[size:, size:]
        out: NDArray[Any] = other[p + 2 :, : p + 2] @ result - right[:, p + 2 :].T @ gamma
        return out

    def ssr(self, b: NDArray[Any]) -> Any:  # noqa: ANN401 (a number, real or complex)
        """Return the weighted sum of squared innovations.

        Parameters
        ----------
        b : (p,) array, real or complex

        Returns
        -------
        number
        """
        gamma, gram, right, result = self._solve(b)
        size, p = self._places[0][-1] + 1, len(b)
        other = self.cross[size:, size:][: p + 2, : p + 2]
        return (
            result @ other @ result
            - 2 * gamma @ (right[:, : p + 2] @ result)
            + (gamma @ gram @ gamma)
        )

    def r2(self, b: NDArray[np.float64]) -> float:
        """Return the share of productivity's variance that the law of motion explains.

        Parameters
        ----------
        b : (p,) array

        Returns
        -------
        float
        """
        result = self.outcome - self.now[1] @ b
        spread = result - self.weights @ result / self.weights.sum()
        return 1.0 - float(self.ssr(b)) / float(self.weights @ spread**2)

    @property
    def instrument_cross(self) -> NDArray[np.float64]:
        """Weighted cross-product of the instruments, (m, m).

        Returns
        -------
        array
        """
        m = self.instruments.shape[1]
        return self.cross[-m:, -m:]

    def regressors(self, b: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the law's right-hand side by row: multipliers times powers, in natural units.

        Parameters
        ----------
        b : (p,) array

        Returns
        -------
        (n, sum of powers + q) array
        """
        lagged = self.lag[0] - self.lag[1] @ b
        out = np.empty((len(lagged), sum(self.powers) + len(self.powers)), order="F")
        at = 0
        for multiplier, top in zip(self.multipliers.T, self.powers, strict=True):
            out[:, at] = multiplier
            for power in range(at + 1, at + top + 1):
                np.multiply(out[:, power - 1], lagged, out=out[:, power])
            at += top + 1
        return out

    def rows(self, b: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the innovation by row and the law's coefficients, in natural units.

        Parameters
        ----------
        b : (p,) array

        Returns
        -------
        xi : (n,) array
        gamma : array
        """
        result = self.outcome - self.now[1] @ b
        target = result if self.fit_outcome else self.now[0] - self.now[1] @ b
        fit = project(self.regressors(b), target, self.weights)
        return result - fit.fitted, fit.coefficients

    def partialled(self, b: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the instruments less their projection on the law's right-hand side, (n, m).

        Parameters
        ----------
        b : (p,) array

        Returns
        -------
        array
        """
        fit = project(self.regressors(b), self.instruments, self.weights)
        return self.instruments - fit.fitted


def concentrate(
    *,
    now: tuple[NDArray[np.float64], NDArray[np.float64]],
    lag: tuple[NDArray[np.float64], NDArray[np.float64]],
    instruments: NDArray[np.float64],
    weights: NDArray[np.float64],
    powers: Sequence[int] = (3,),
    multipliers: NDArray[np.float64] | None = None,
    outcome: NDArray[np.float64] | None = None,
    fit_outcome: bool = False,
) -> Concentrated:
    """Sum the cross-products over the rows.

    Parameters
    ----------
    now, lag : pairs of (n,) and (n, p) arrays
        a and X at t and at t-1, all finite.
    instruments : (n, m) array
    weights : (n,) array
    powers : sequence of int
        For the constant first, then for each multiplier.
    multipliers : (n, q - 1) array, optional
    outcome : (n,) array, optional
        By default a at t.
    fit_outcome : bool

    Returns
    -------
    Concentrated
    """
    ones = np.ones((len(weights), 1))
    scaled = ones if multipliers is None else np.column_stack([ones, multipliers])
    before = np.column_stack([lag[0], lag[1]])
    total = weights.sum()
    centred = before - (weights @ before) / total
    whiten, uncorrelated = _whitened(centred, weights)
    tops = tuple(int(power) for power in powers)
    table = exponents(before.shape[1], max(tops))
    monomials = basis(uncorrelated, max(tops), standardise=False)
    result = now[0] if outcome is None else outcome
    sizes = [count_terms(before.shape[1], top) for top in tops]
    fixed = [now[0], now[1], result, instruments]
    cross = _cross(monomials, scaled, sizes, fixed, weights)
    counts = np.array(
        [factorial(sum(row)) / np.prod([factorial(e) for e in row]) for row in table.tolist()]
    )
    return Concentrated(
        now,
        lag,
        result,
        fit_outcome,
        instruments,
        scaled,
        tops,
        weights,
        cross,
        whiten,
        _place(table, tops),
        table,
        counts,
    )


def _cross(
    monomials: NDArray[np.float64],
    multipliers: NDArray[np.float64],
    sizes: list[int],
    fixed: list[NDArray[np.float64]],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the weighted cross-products of multiplied monomials and further columns."""
    more = [part if part.ndim == 2 else part[:, None] for part in fixed]
    width = sum(sizes) + sum(part.shape[1] for part in more)
    columns = np.empty((len(weights), width), order="F")
    root = np.sqrt(weights)
    at = 0
    for multiplier, size in zip(multipliers.T, sizes, strict=True):
        scale = (multiplier * root)[:, None]
        np.multiply(monomials[:, :size], scale, out=columns[:, at : at + size])
        at += size
    for part in more:
        np.multiply(part, root[:, None], out=columns[:, at : at + part.shape[1]])
        at += part.shape[1]
    out: NDArray[np.float64] = columns.T @ columns
    return out


def _whitened(
    centred: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return R with centred = U R and uncorrelated U of unit variance (dependent ones zero)."""
    covariance = centred.T @ (centred * weights[:, None]) / weights.sum()
    scale = np.sqrt(np.diagonal(covariance))
    scale = np.where(scale > 0, scale, 1.0)
    values, vectors = linalg.eigh(covariance / scale / scale[:, None])
    good = values > 1e-12 * values[-1]
    root = np.sqrt(np.where(good, values, 1.0))
    turn = vectors * good / root / scale[:, None]
    return (vectors * root * good).T * scale, np.asfortranarray(centred @ turn)


def _place(
    table: NDArray[np.int64], tops: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Say where each monomial's coefficient stands: its row, its column (power), which monomial."""
    degree = table.sum(axis=1)
    rows, columns, which = [], [], []
    row = column = 0
    for top in tops:
        inside = np.flatnonzero(degree <= top)
        rows.append(row + inside)
        columns.append(column + degree[inside])
        which.append(inside)
        row, column = row + len(inside), column + top + 1
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(which)

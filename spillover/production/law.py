"""The law of motion of productivity, solved inside the criterion at a cost free of the rows.

For trial coefficients b, productivity is w(b) = a - X b, and its law of motion is a regression of
w on powers of its own lag (times multipliers: the constant, drivers, the probability of survival),
and on years where these have effects. w at t-1 is linear in (a, X) at t-1, so that its powers are
combinations of the monomials of these variables. The cross-products of the monomials are summed
over the rows once; for every further b the moments and the sum of squares follow from them by
algebra on a few dozen numbers. Variables are centred and made uncorrelated first, multipliers net
of each other, which keeps the cross-products well conditioned.

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
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import linalg

from spillover.errors import IdentificationError
from spillover.production._crosses import ByRow, Monomials, Rows, by_powers, cross_products
from spillover.production.polynomial import project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Pair = tuple[Array, Array]

DEPENDENT = 1e-9
"""A multiplier counts as a combination of the others below this share of its own size."""


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
    years : bool
        Whether the law has year effects (its constants).
    instrument_cross : (m, m) array
        Weighted cross-product of the instruments (net of year means, if years have effects).
    """

    now: Pair
    lag: Pair
    outcome: Array
    fit_outcome: bool
    instruments: Array
    multipliers: Array
    powers: tuple[int, ...]
    weights: Array
    years: bool
    instrument_cross: Array
    _products: Monomials | ByRow
    _other: Array
    _whiten: Array
    _rows: Rows
    _offset: float  # mean innovation: the law is fitted to a, the innovation taken from outcome

    @property
    def parameters(self) -> int:
        """Number of coefficients searched for.

        Returns
        -------
        int
        """
        return int(self.now[1].shape[1])

    def _solve(self, b: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Return gamma, the regressors' Gram matrix and cross-products, and a - X b in columns."""
        c = self._whiten @ np.concatenate([np.ones(1), -b])
        gram, right = self._products.products(c / np.sqrt(c @ c))
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
        p = len(b)
        out: NDArray[Any] = self._other[p + 2 :, : p + 2] @ result - right[:, p + 2 :].T @ gamma
        return out + self._offset * (self.weights @ self.instruments)

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
        p = len(b)
        other = self._other[: p + 2, : p + 2]
        return (
            result @ other @ result
            - 2 * gamma @ (right[:, : p + 2] @ result)
            + (gamma @ gram @ gamma)
            + self._offset**2 * self.weights.sum()
        )

    def r2(self, b: Array) -> float:
        """Return the share of productivity's variance (within years) that the law explains.

        Parameters
        ----------
        b : (p,) array

        Returns
        -------
        float
        """
        spread = self._rows.within(self.outcome - self.now[1] @ b)
        return 1.0 - float(self.ssr(b)) / float(self.weights @ spread**2)

    def spread(self) -> Array:
        """Return the standard deviation of each column of X at t (within years), (p,).

        Returns
        -------
        array
        """
        p = self.parameters
        return np.asarray(np.sqrt(np.diagonal(self._other)[1 : p + 1] / self.weights.sum()))

    def regressors(self, b: Array) -> Array:
        """Return the law's right-hand side by row: multipliers times powers, in natural units.

        Parameters
        ----------
        b : (p,) array

        Returns
        -------
        (n, sum of powers + q) array
            Without the constant and net of year means, if years have effects.
        """
        out = by_powers(self.lag[0] - self.lag[1] @ b, self.multipliers, self.powers)
        return np.asarray(self._rows.within(out[:, 1:])) if self.years else out

    def net(self, x: Array) -> Array:
        """Take year means out of columns, if years have effects.

        Parameters
        ----------
        x : (n,) or (n, k) array

        Returns
        -------
        array of x's shape
        """
        return np.asarray(self._rows.within(x)) if self.years else x

    def fitted_to(self, b: Array) -> Array:
        """Return what the law's coefficients are fitted to, by row.

        Parameters
        ----------
        b : (p,) array

        Returns
        -------
        (n,) array
        """
        return self.net((self.outcome if self.fit_outcome else self.now[0]) - self.now[1] @ b)

    def rows(self, b: Array) -> tuple[Array, Array]:
        """Return the innovation by row and the law's coefficients, in natural units.

        Parameters
        ----------
        b : (p,) array

        Returns
        -------
        xi : (n,) array
        gamma : array
            In the order of :meth:`regressors`.
        """
        fit = project(self.regressors(b), self.fitted_to(b), self.weights)
        return self.net(self.outcome - self.now[1] @ b) - fit.fitted, fit.coefficients

    def partialled(self, b: Array) -> Array:
        """Return the instruments less their projection on the law's right-hand side, (n, m).

        Parameters
        ----------
        b : (p,) array

        Returns
        -------
        array
        """
        instruments = self.net(self.instruments)
        return instruments - project(self.regressors(b), instruments, self.weights).fitted


def concentrate(
    *,
    now: Pair,
    lag: Pair,
    instruments: Array,
    weights: Array,
    powers: Sequence[int] = (3,),
    multipliers: Array | None = None,
    labels: Sequence[str] = (),
    outcome: Array | None = None,
    fit_outcome: bool = False,
    years: NDArray[np.int64] | None = None,
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
    labels : sequence of str, (q - 1,)
        The multipliers' names, for messages.
    outcome : (n,) array, optional
        By default a at t.
    fit_outcome : bool
    years : (n,) array, optional
        Years at t, to give each an effect.

    Returns
    -------
    Concentrated

    Raises
    ------
    IdentificationError
        If a multiplier is constant, a combination of the others, or does not vary within years.
    """
    ones = np.ones((len(weights), 1))
    scaled = ones if multipliers is None else np.column_stack([ones, multipliers])
    tops = tuple(int(power) for power in powers)
    groups = np.unique(np.zeros(len(weights)) if years is None else years, return_inverse=True)[1]
    before = np.column_stack([lag[0], lag[1]])
    whiten, uncorrelated = _whitened(before - (weights @ before) / weights.sum(), weights)
    rows = Rows(uncorrelated, scaled, tops, weights, groups.astype(np.int64))
    apart = _apart(rows, labels, years=years is not None)
    rows = Rows(uncorrelated, apart, tops, weights, rows.groups)
    result = now[0] if outcome is None else outcome
    fixed = rows.within(np.column_stack([now[0], now[1], result, instruments]))
    other = (fixed * weights[:, None]).T @ fixed
    raw = fixed[:, -instruments.shape[1] :] if years is not None else instruments
    return Concentrated(
        now=now,
        lag=lag,
        outcome=result,
        fit_outcome=fit_outcome,
        instruments=instruments,
        multipliers=scaled,
        powers=tops,
        weights=weights,
        years=years is not None,
        instrument_cross=(raw * weights[:, None]).T @ raw,
        _products=cross_products(rows, fixed),
        _other=other,
        _whiten=whiten,
        _rows=rows,
        _offset=0.0
        if fit_outcome or years is not None
        else float(weights @ (result - now[0]) / weights.sum()),
    )


def _apart(rows: Rows, labels: Sequence[str], *, years: bool) -> Array:
    """Return multipliers of unit size, net of those before with no lower power: the same span."""
    out = [rows.multipliers[:, 0]]
    names = [*labels, *(f"multiplier {j}" for j in range(len(labels) + 1, len(rows.powers)))]
    total = rows.weights.sum()
    for j in range(1, len(rows.powers)):
        column = rows.multipliers[:, j]
        others = [out[i] for i in range(j) if rows.powers[i] >= rows.powers[j]]
        left = column
        if others:
            left = column - project(np.column_stack(others), column, rows.weights).fitted
        own = float(rows.weights @ column**2 / total)
        size = float(rows.weights @ left**2 / total)
        varies = float(rows.weights @ rows.within(left) ** 2 / total) if years else size
        if not min(size, varies) > DEPENDENT**2 * max(own, 1e-300):
            raise IdentificationError(
                f"{names[j - 1]!r} in the law of motion is constant or a combination of the others"
                + (", or does not vary within years (years=True takes such out)" if years else "")
                + ". Leave it out, or pool groups with by=None."
            )
        out.append(left / np.sqrt(size))
    return np.column_stack(out)


def _whitened(centred: Array, weights: Array) -> tuple[Array, Array]:
    """Return R with centred = U R and uncorrelated U of unit variance (dependent ones zero)."""
    covariance = centred.T @ (centred * weights[:, None]) / weights.sum()
    scale = np.sqrt(np.diagonal(covariance))
    scale = np.where(scale > 0, scale, 1.0)
    values, vectors = linalg.eigh(covariance / scale / scale[:, None])
    good = values > 1e-12 * values[-1]
    root = np.sqrt(np.where(good, values, 1.0))
    turn = vectors * good / root / scale[:, None]
    return (vectors * root * good).T * scale, np.asfortranarray(centred @ turn)

"""The share regression of Gandhi, Navarro & Rivers (2020) and its integral.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x = rng.normal(1, 0.3, size=(500, 2))
>>> D = 0.5 + 0.1 * x[:, 0]                            # the elasticity, up to E[exp(epsilon)]
>>> share = share_regression(x, np.log(D), degree=1, weights=np.ones(500))
>>> share.coefficients.round(6).tolist(), round(share.constant, 6)
([0.5, 0.1, 0.0], 1.0)
>>> bool(np.allclose(integral(share, x), D * x[:, 1]))
True
>>> bool(np.allclose(derivative(share, x, 0), 0.1 * x[:, 1]))
True
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from spillover.errors import IdentificationError
from spillover.production.polynomial import basis, exponents, independent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LIMIT = 500
"""Most Gauss-Newton steps from one start."""


@dataclass(frozen=True, eq=False)
class Share:
    """The flexible input's elasticity as a polynomial in all inputs.

    Attributes
    ----------
    coefficients : (p,) array
        Of elasticity times E, by the terms of ``polynomial.exponents``.
    constant : float
        E, the mean of exp(epsilon).
    elasticity, epsilon : (n,) arrays
        By row.
    ssr, r2 : float
        Of the log share.
    degree, iterations : int
    converged : bool
    notes : tuple of str
    """

    coefficients: Array
    constant: float
    elasticity: Array
    epsilon: Array
    ssr: float
    r2: float
    degree: int
    iterations: int
    converged: bool
    notes: tuple[str, ...] = ()


def share_regression(
    x: Array, log_share: Array, degree: int, weights: Array, *, unit_constant: bool = False
) -> Share:
    """Regress the log share on the log of a polynomial by non-linear least squares.

    Parameters
    ----------
    x : (n, k) array
        All inputs, in logs, the flexible one last.
    log_share : (n,) array
    degree : int
    weights : (n,) array
    unit_constant : bool
        Take E = 1 instead of the mean of exp(epsilon).

    Returns
    -------
    Share

    Raises
    ------
    IdentificationError
        If the polynomial's terms are collinear.
    """
    B = basis(x, degree, standardise=False)
    root = np.sqrt(weights)
    Q, R, kept = independent(root[:, None] * B)
    if len(kept) < B.shape[1]:
        raise IdentificationError(
            f"{B.shape[1] - len(kept)} of {B.shape[1]} terms of the share regression are collinear "
            f"with the others. Lower share_degree={degree}."
        )
    q = Q / root[:, None]
    runs = [_gauss_newton(q, log_share, weights, d) for d in _starts(q, log_share, weights)]
    d, ssr, iterations, converged = min(runs, key=lambda run: (not run[3], run[1]))
    coefficients = np.empty(B.shape[1])
    coefficients[kept] = linalg.solve_triangular(R, d)
    D = q @ d
    epsilon = np.log(D) - log_share
    constant = 1.0 if unit_constant else float(np.average(np.exp(epsilon), weights=weights))
    spread = log_share - np.average(log_share, weights=weights)
    total = float(weights @ spread**2)
    return Share(
        coefficients,
        constant,
        D / constant,
        epsilon,
        ssr,
        1 - ssr / total if total > 0 else float("nan"),
        degree,
        iterations,
        converged,
        _notes(runs, ssr, converged),
    )


def _notes(
    runs: list[tuple[Array, float, int, bool]], ssr: float, converged: bool
) -> tuple[str, ...]:
    notes = [] if converged else ["the share regression did not converge"]
    worse = [run[1] for run in runs if run[3] and run[1] > ssr * (1 + 1e-6)]
    if worse:
        notes.append(
            f"{len(worse)} of {len(runs)} starts of the share regression end at another minimum "
            f"(sum of squares {min(worse):.6g}, {ssr:.6g} at the one chosen)"
        )
    return tuple(notes)


def _starts(q: Array, log_share: Array, weights: Array) -> list[Array]:
    """Three starts: the mean share, the share's regression, the log share's moved above zero."""
    root = np.sqrt(weights)[:, None]

    def fit(outcome: Array) -> Array:
        return (root * q).T @ (root[:, 0] * outcome)

    one = fit(np.ones(len(q)))
    flat = np.exp(np.average(log_share, weights=weights)) * one
    linear, moved = fit(np.exp(log_share)), fit(log_share)
    low = float((q @ moved).min())
    starts = [flat, moved + (0.1 - low) * one]
    return [*starts, linear] if (q @ linear).min() > 0 else starts


def _gauss_newton(
    q: Array, log_share: Array, weights: Array, d: Array
) -> tuple[Array, float, int, bool]:
    """Gauss-Newton with halved steps; the elasticity stays positive in every row."""
    root = np.sqrt(weights)

    def loss(d: Array) -> float:
        D = q @ d
        if D.min() <= 0:
            return float("inf")
        return float(weights @ (log_share - np.log(D)) ** 2)

    value = loss(d)
    for iteration in range(1, LIMIT + 1):
        D = q @ d
        J = root[:, None] * q / D[:, None]
        error = root * (log_share - np.log(D))
        Q, R = linalg.qr(J, mode="economic", check_finite=False)
        gain = Q.T @ error
        step = linalg.solve_triangular(R, gain)
        if gain @ gain <= 1e-18 * value + 1e-300:
            return d, value, iteration, True
        size, new = 1.0, loss(d + step)
        while not new <= value and size > 1e-10:
            size /= 2
            new = loss(d + size * step)
        if not new <= value:
            return d, value, iteration, bool(gain @ gain <= 1e-10 * value)
        d, value = d + size * step, new
    return d, value, LIMIT, False


def integral(share: Share, x: Array) -> Array:
    """Integrate the elasticity over the flexible input, from a log of zero.

    Parameters
    ----------
    share : Share
    x : (n, k) array

    Returns
    -------
    (n,) array
    """
    return _weighted(share, x, None)


def derivative(share: Share, x: Array, variable: int) -> Array:
    """Differentiate the integral by one of the other inputs.

    Parameters
    ----------
    share : Share
    x : (n, k) array
    variable : int
        Column of ``x``, not the last.

    Returns
    -------
    (n,) array
    """
    return _weighted(share, x, variable)


def _weighted(share: Share, x: Array, variable: int | None) -> Array:
    table = exponents(x.shape[1], share.degree)
    c = share.coefficients / share.constant / (table[:, -1] + 1)
    powers = table.copy()
    powers[:, -1] += 1
    if variable is not None:
        c = c * table[:, variable]
        powers[:, variable] = np.maximum(powers[:, variable] - 1, 0)
    kept = np.flatnonzero(c)
    return monomials(x, powers[kept]) @ c[kept]


def monomials(x: Array, table: NDArray[np.int64]) -> Array:
    """Return products of powers of the columns.

    Parameters
    ----------
    x : (n, k) array
    table : (p, k) array
        Exponents, one row per product.

    Returns
    -------
    (n, p) array

    Examples
    --------
    >>> monomials(np.array([[2.0, 3.0]]), np.array([[0, 0], [2, 1]])).tolist()
    [[1.0, 12.0]]
    """
    top = int(table.max(initial=0))
    power = [np.ones_like(x)]
    for _ in range(top):
        power.append(power[-1] * x)
    out = np.empty((len(x), len(table)), order="F")
    for at, row in enumerate(table.tolist()):
        out[:, at] = 1.0
        for variable, exponent in enumerate(row):
            if exponent:
                out[:, at] *= power[exponent][:, variable]
    return out

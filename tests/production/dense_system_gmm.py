"""Oracle: system GMM (Blundell & Bond 1998) on dense cubes of firms and calendar years.

The package stacks rows in sparse matrices (spillover.panel.dynamic_*); this was written apart from
that, and shares no code with it.

>>> import numpy as np
>>> rng = np.random.default_rng(2)
>>> fixed, y = rng.normal(size=400), np.empty((400, 8))
>>> y[:, 0] = fixed / 0.5 + rng.normal(size=400)
>>> for t in range(1, 8):
...     y[:, t] = 0.5 * y[:, t - 1] + fixed + rng.normal(size=400)
>>> panel = lay_out(y, np.empty((400, 8, 0)), min_lag=2)
>>> fit = system_gmm(panel, np.ones(400))
>>> panel.instruments, bool(abs(fit.b[0] - 0.5) < 0.1), bool(abs(fit.m2) < 2.5)
(14, True, True)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import linalg

Array = np.ndarray


class Layout(NamedTuple):
    """Differenced and level equations of every firm; rows that are not observed are zero.

    Attributes
    ----------
    y_diff, y_level : (n, K-1) and (n, K) arrays
    X_diff, X_level : (n, K-1, p) and (n, K, p) arrays
        Lagged outcome, inputs, lagged inputs, constant, years.
    Z_diff, Z_level : (n, K-1, q) and (n, K, r) arrays
        Instruments of each equation.
    """

    y_diff: Array
    y_level: Array
    X_diff: Array
    X_level: Array
    Z_diff: Array
    Z_level: Array
    seen_diff: Array
    seen_level: Array

    @property
    def instruments(self) -> int:
        """Number of instruments.

        Returns
        -------
        int
        """
        return int(self.Z_diff.shape[2] + self.Z_level.shape[2])

    @property
    def stacked(self) -> tuple[Array, Array, Array]:
        """Outcome (n, 2K-1), regressors (n, 2K-1, p), instruments (n, 2K-1, q + r).

        Returns
        -------
        tuple of three arrays
        """
        q, r = self.Z_diff.shape[2], self.Z_level.shape[2]
        Z = np.concatenate(
            [
                np.pad(self.Z_diff, ((0, 0), (0, 0), (0, r))),
                np.pad(self.Z_level, ((0, 0), (0, 0), (q, 0))),
            ],
            axis=1,
        )
        X = np.concatenate([self.X_diff, self.X_level], axis=1)
        return np.concatenate([self.y_diff, self.y_level], axis=1), X, Z


class SystemFit(NamedTuple):
    """A system-GMM estimate.

    ``vcov`` is robust to dependence within firms, with Windmeijer's (2005) correction for two
    steps; ``hansen`` its J; ``m1``, ``m2``, ``m3`` Arellano & Bond's tests for serial correlation
    of the differenced errors; ``deficient`` whether a moments' covariance had no inverse.
    """

    b: Array
    vcov: Array
    hansen: float
    m1: float
    m2: float
    deficient: bool
    m3: float = float("nan")


def _previous(a: Array, lag: int) -> Array:
    """Shift along the years, NaN at the start."""
    out = np.full_like(a, np.nan)
    if lag < a.shape[1]:
        out[:, lag:] = a[:, : a.shape[1] - lag] if lag else a
    return out


def lay_out(
    y: Array,
    X: Array,
    *,
    min_lag: int = 3,
    max_lag: int | None = None,
    level_lag: int | None = None,
    collapse: bool = True,
    years: bool = True,
) -> Layout:
    """Set up both equations of y on its lag, X and lagged X.

    Parameters
    ----------
    y : (n, T) array
        One column per calendar year; NaN where not observed.
    X : (n, T, k) array
    min_lag, max_lag : int
        Lags of y and X, in levels, that instrument the differenced equation.
    level_lag : int, optional
        Lag of the differences that instrument the level equation; ``min_lag - 1`` by default.
    collapse : bool
        One instrument per variable and lag, instead of one per variable, lag and year.
    years : bool
        Year effects.

    Returns
    -------
    Layout
    """
    T, level = y.shape[1], min_lag - 1 if level_lag is None else level_lag
    start = max(1, min_lag - 1)
    assert start + 2 <= T, "too few years"
    base = np.concatenate([_previous(y, 1)[:, :, None], X, _previous(X, 1)], axis=2)
    ones = np.ones((*y.shape, 1))
    dummies = np.broadcast_to(np.eye(T)[:, start + 1 :], (len(y), T, T - start - 1))
    common = np.concatenate([ones, dummies], axis=2) if years else ones
    full = np.concatenate([base, common], axis=2)
    level_seen = np.isfinite(base).all(axis=2) & np.isfinite(y)
    diff_seen = level_seen & np.c_[np.zeros(len(y), bool), level_seen[:, :-1]]
    variables = np.concatenate([y[:, :, None], X], axis=2)
    Z_diff = _lag_instruments(variables, min_lag, max_lag, start + 1, collapse=collapse)
    Z_level = _difference_instruments(variables, level, start, collapse=collapse)
    Z_level = np.concatenate([Z_level, common[:, start:]], axis=2)

    def cut(a: Array, seen: Array, begin: int) -> Array:
        keep = seen[:, begin:]
        out = a[:, begin:]
        return np.where(keep if out.ndim == 2 else keep[:, :, None], out, 0.0)

    X_level = cut(full, level_seen, start)
    kept = np.ones(full.shape[2], dtype=bool)
    kept[base.shape[2] :] = (X_level[:, :, base.shape[2] :] != 0).any(axis=(0, 1))
    return Layout(
        y_diff=cut(y - _previous(y, 1), diff_seen, start + 1),
        y_level=cut(y, level_seen, start),
        X_diff=cut(full - _previous(full, 1), diff_seen, start + 1)[:, :, kept],
        X_level=X_level[:, :, kept],
        Z_diff=_alive(np.where(diff_seen[:, start + 1 :, None], Z_diff, 0.0)),
        Z_level=_alive(np.where(level_seen[:, start:, None], Z_level, 0.0)),
        seen_diff=diff_seen[:, start + 1 :],
        seen_level=level_seen[:, start:],
    )


def _alive(Z: Array) -> Array:
    """Leave out instruments that are zero in every row, such as those of a year without rows."""
    return Z[:, :, (Z != 0).any(axis=(0, 1))]


def _lag_instruments(
    variables: Array, low: int, high: int | None, begin: int, *, collapse: bool
) -> Array:
    """Levels ``low`` or more years ago, (n, T - begin, q)."""
    T = variables.shape[1]
    top = T - 1 if high is None else min(high, T - 1)
    columns = []
    for j in range(variables.shape[2]):
        for lag in range(low, top + 1):
            moved = np.nan_to_num(_previous(variables[:, :, j], lag))[:, begin:]
            columns += [moved[:, :, None]] if collapse else _by_year(moved, begin, lag)
    return np.concatenate(columns, axis=2)


def _difference_instruments(variables: Array, lag: int, begin: int, *, collapse: bool) -> Array:
    """Differences ``lag`` years ago, (n, T - begin, r)."""
    columns = []
    for j in range(variables.shape[2]):
        change = variables[:, :, j] - _previous(variables[:, :, j], 1)
        moved = np.nan_to_num(_previous(change, lag))[:, begin:]
        columns += [moved[:, :, None]] if collapse else _by_year(moved, begin, lag + 1)
    return np.concatenate(columns, axis=2)


def _by_year(moved: Array, begin: int, lag: int) -> list[Array]:
    """One column per year in which the lag can be there."""
    n, K = moved.shape
    out = []
    for t in range(max(0, lag - begin), K):
        column = np.zeros((n, K, 1))
        column[:, t, 0] = moved[:, t]
        out.append(column)
    return out


def system_gmm(panel: Layout, weights: Array, *, two_step: bool = True) -> SystemFit:
    """Estimate by one- or two-step system GMM.

    Parameters
    ----------
    panel : Layout
    weights : (n,) array
        How often a firm counts.
    two_step : bool

    Returns
    -------
    SystemFit
    """
    y, X, Z = panel.stacked
    zx = np.einsum("itq,itp->iqp", Z, X, optimize=True)
    zy = np.einsum("itq,it->iq", Z, y, optimize=True)
    A, target = np.tensordot(weights, zx, 1), weights @ zy
    W1, short = _inverse(_first_weight(panel, weights))
    b1, B1 = _solve(A, W1, target)
    scores = zy - zx @ b1
    S = (scores * weights[:, None]).T @ scores
    W2, short2 = _inverse(S)
    robust1 = B1 @ A.T @ W1 @ S @ W1 @ A @ B1
    if not two_step:
        g = target - A @ b1
        gain = B1 @ A.T @ W1
        m1, m2, m3 = (
            _serial(panel, b1, gain, robust1, scores=scores, weights=weights, order=j)
            for j in (1, 2, 3)
        )
        return SystemFit(b1, robust1, float(g @ W2 @ g), m1, m2, short or short2, m3)
    b2, B2 = _solve(A, W2, target)
    vcov = _windmeijer(b2, B2, robust1, A=A, W=W2, moments=(zx, zy), scores=scores, weights=weights)
    g = target - A @ b2
    second, gain = zy - zx @ b2, B2 @ A.T @ W2
    m1, m2, m3 = (
        _serial(panel, b2, gain, vcov, scores=second, weights=weights, order=j) for j in (1, 2, 3)
    )
    return SystemFit(b2, vcov, float(g @ W2 @ g), m1, m2, short or short2, m3)


def _first_weight(panel: Layout, weights: Array) -> Array:
    """Moments' covariance for independent errors in levels: differences are their differences."""
    K = panel.Z_level.shape[1]
    D = np.diff(np.eye(K), axis=0)
    left = np.einsum("tk,itq->ikq", D, panel.Z_diff, optimize=True)
    M = np.concatenate([left, panel.Z_level], axis=2) * np.sqrt(weights)[:, None, None]
    M = M.reshape(-1, M.shape[2])
    out: Array = M.T @ M
    return out


def _inverse(S: Array) -> tuple[Array, bool]:
    """(Pseudo-)inverse of a covariance, on the scale of its diagonal, and whether it is short."""
    size = np.sqrt(np.diagonal(S))
    size = np.where(size > 0, size, 1.0)
    values, vectors = linalg.eigh(S / size / size[:, None])
    good = values > 1e-11 * values[-1]
    half = vectors[:, good] / np.sqrt(values[good])
    return half @ half.T / size / size[:, None], not bool(good.all())


def _solve(A: Array, W: Array, target: Array) -> tuple[Array, Array]:
    B = np.asarray(linalg.pinvh(A.T @ W @ A), dtype=float)
    return B @ (A.T @ (W @ target)), B


def _windmeijer(
    b: Array,
    B: Array,
    robust1: Array,
    *,
    A: Array,
    W: Array,
    moments: tuple[Array, Array],
    scores: Array,
    weights: Array,
) -> Array:
    """Windmeijer's (2005) finite-sample covariance of the two-step estimate."""
    zx, zy = moments
    g = W @ (weights @ (zy - zx @ b))
    inner = scores @ g  # each firm's first-step score times the weighted moments
    D = np.empty((len(b), len(b)))
    for j in range(len(b)):
        change = (zx[:, :, j] * (weights * inner)[:, None]).sum(axis=0) + scores.T @ (
            weights * (zx[:, :, j] @ g)
        )
        D[:, j] = B @ (A.T @ (W @ change))
    return B + D @ B + B @ D.T + D @ robust1 @ D.T


def _serial(
    panel: Layout,
    b: Array,
    gain: Array,
    vcov: Array,
    *,
    scores: Array,
    weights: Array,
    order: int,
) -> float:
    """Arellano & Bond's (1991) statistic for serial correlation of the differenced errors."""
    u = panel.y_diff - panel.X_diff @ b
    if order >= u.shape[1]:
        return float("nan")
    back = np.zeros_like(u)
    back[:, order:] = np.where(panel.seen_diff[:, order:], u[:, :-order], 0.0)
    each = np.einsum("it,it->i", back, u)
    slope = np.einsum("it,itp,i->p", back, panel.X_diff, weights, optimize=True)
    cross = gain @ (scores.T @ (weights * each))
    variance = float(weights @ each**2 - 2 * slope @ cross + slope @ vcov @ slope)
    return float(weights @ each / np.sqrt(variance)) if variance > 0 else float("nan")


def cube(columns: Array, firm: Array, year: Array, firms: int) -> Array:
    """Lay columns (n, k) out as (firms, calendar years, k), NaN where there is no row.

    Examples
    --------
    >>> cube(np.array([[1.0], [2.0]]), np.array([0, 0]), np.array([5, 7]), 1)[0, :, 0].tolist()
    [1.0, nan, 2.0]
    """
    first, last = int(year.min()), int(year.max())
    out = np.full((firms, last - first + 1, columns.shape[1]), np.nan)
    out[firm, year - first] = columns
    return out

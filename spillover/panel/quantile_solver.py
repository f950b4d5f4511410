"""Exact quantile regression by linear programming.

The minimum of the check function is the dual of the bounded programme (Koenker & Bassett 1978)::

    max y'a   subject to   X'a = (1 - tau) X'1,   0 <= a <= 1,

whose multipliers are the coefficients. A primal-dual interior-point method with Mehrotra's
predictor and corrector (Portnoy & Koenker 1997) comes close to it in some twenty steps; the k rows
that it leaves between the bounds are then solved exactly, and the solution's optimality is
*checked*: the multipliers of these rows must lie in [0, 1]. Where the check fails (ties, a solution
that is not unique), HiGHS solves the programme by the simplex method.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, optimize

from spillover.errors import ConvergenceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

STEPS = 80
GAP = 1e-12
"""Relative duality gap at which the interior-point method stops."""


def solve_quantile(
    y: Matrix, X: Matrix, tau: float, weights: Matrix | None = None, *, exact: bool = True
) -> Matrix:
    """Return the coefficients that minimise the weighted check function.

    Parameters
    ----------
    y : (n,) array
    X : (n, k) array
        Of full column rank.
    tau : float
        The quantile, between 0 and 1.
    weights : (n,) array, optional
        Positive.
    exact : bool
        Whether to end on a vertex of the programme whose optimality is checked; otherwise the
        interior-point solution stands (some 1e-9 away), which is enough for bootstrap draws.

    Returns
    -------
    (k,) array

    Raises
    ------
    ConvergenceError
        If neither method ends.

    References
    ----------
    Portnoy, S. & Koenker, R. (1997). The Gaussian hare and the Laplacian tortoise. Statistical
    Science 12(4), 279-300.

    Examples
    --------
    >>> y = np.array([1.0, 2.0, 3.0, 10.0])
    >>> solve_quantile(y, np.ones((4, 1)), 0.75 - 1e-9)
    array([3.])
    """
    w = np.ones(len(y)) if weights is None else weights
    scale = np.sqrt(np.einsum("ij,ij->j", X, X) / len(y))
    size = float(np.abs(y - np.median(y)).mean()) or 1.0
    A, c = X * (w / w.mean())[:, None] / scale, y * (w / w.mean()) / size
    beta, a, done = _interior(c, A, tau)
    if exact or not done:
        vertex = _vertex(c, A, tau, a) if done else None
        beta = _simplex(c, A, tau) if vertex is None else vertex
    result: Matrix = beta / scale * size
    return result


def _interior(y: Matrix, X: Matrix, tau: float) -> tuple[Matrix, Matrix, bool]:
    """Mehrotra's method for min -y'a, X'a = (1 - tau) X'1, a + s = 1, a and s not negative.

    z and w are the multipliers of the bounds; -y - X d = z - w at the solution, so that -d are the
    coefficients.
    """
    n = len(y)
    a = np.full(n, 1.0 - tau)
    s = 1.0 - a
    d = -linalg.lstsq(X, y)[0]
    gapless = -y - X @ d
    floor = max(1e-3 * float(np.abs(gapless).mean()), 1e-8)
    z, w = np.maximum(gapless, 0.0) + floor, np.maximum(-gapless, 0.0) + floor
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for _ in range(STEPS):
            gap = float(a @ z + s @ w)
            if gap < GAP * (1.0 + float(np.abs(y).sum())):
                return -d, a, True
            q = 1.0 / (z / a + w / s)
            try:
                factor = linalg.cho_factor((X * q[:, None]).T @ X)
            except (linalg.LinAlgError, ValueError):
                break
            left = -y - X @ d - z + w
            da, dd, dz, dw = _direction(
                X, q, factor, (a, s, z, w), left=left, for_a=-a * z, for_s=-s * w
            )
            step_a = min(_reach(a, da), _reach(s, -da))
            step_z = min(_reach(z, dz), _reach(w, dw))
            ahead = (a + step_a * da) @ (z + step_z * dz) + (s - step_a * da) @ (w + step_z * dw)
            mu = (float(ahead) / gap) ** 3 * gap / (2 * n)
            da, dd, dz, dw = _direction(
                X,
                q,
                factor,
                (a, s, z, w),
                left=left,
                for_a=mu - a * z - da * dz,
                for_s=mu - s * w + da * dw,
            )
            step_a = 0.9995 * min(_reach(a, da), _reach(s, -da))
            step_z = 0.9995 * min(_reach(z, dz), _reach(w, dw))
            step_a, step_z = min(step_a, 1.0), min(step_z, 1.0)
            a, d = a + step_a * da, d + step_z * dd
            s, z, w = 1.0 - a, z + step_z * dz, w + step_z * dw
            s = np.maximum(s, 1e-300)
    return -d, a, False


def _direction(
    X: Matrix,
    q: Matrix,
    factor: tuple[Matrix, bool],
    at: tuple[Matrix, Matrix, Matrix, Matrix],
    *,
    left: Matrix,
    for_a: Matrix,
    for_s: Matrix,
) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Solve the Newton equations with the given right-hand sides of a z and s w."""
    a, s, z, w = at
    moved = left - for_a / a + for_s / s
    dd = linalg.cho_solve(factor, X.T @ (q * moved))
    da = q * (X @ dd - moved)
    dz = (for_a - z * da) / a
    dw = (for_s + w * da) / s
    return da, dd, dz, dw


def _reach(value: Matrix, change: Matrix) -> float:
    """How far ``value`` can move along ``change`` and stay positive, in parts of it."""
    down = change < 0
    return float(np.min(-value[down] / change[down], initial=1e6))


def _vertex(y: Matrix, X: Matrix, tau: float, a: Matrix) -> Matrix | None:
    """Solve the rows between the bounds exactly; None unless that is optimal for certain."""
    n, k = X.shape
    inside = np.argpartition(-np.minimum(a, 1.0 - a), k - 1)[:k]
    basis = X[inside]
    try:
        beta: Matrix = linalg.solve(basis, y[inside])
    except (linalg.LinAlgError, linalg.LinAlgWarning):
        return None
    residuals = y - X @ beta
    others = np.ones(n, dtype=bool)
    others[inside] = False
    if np.abs(residuals[others]).min(initial=np.inf) <= 1e-11 * (1 + np.abs(y).max()):
        return None  # further rows lie on the plane: a tie
    above = others & (residuals > 0)
    multipliers = linalg.solve(basis.T, (1 - tau) * X.sum(axis=0) - X[above].sum(axis=0))
    slack = 1e-9
    if (multipliers < slack).any() or (multipliers > 1 - slack).any():
        return None
    return beta


def _simplex(y: Matrix, X: Matrix, tau: float) -> Matrix:
    out = optimize.linprog(
        -y,
        A_eq=X.T,
        b_eq=(1 - tau) * X.sum(axis=0),
        bounds=(0.0, 1.0),
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if out.status != 0:
        raise ConvergenceError(
            f"Quantile {tau:g}: the linear programme did not end ({out.message}). Check the "
            "regressors for values of very different size."
        )
    return -np.asarray(out.eqlin.marginals, dtype=np.float64)

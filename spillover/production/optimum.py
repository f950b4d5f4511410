"""Deterministic search from several starts, with derivatives exact to rounding.

The criteria are built of sums, products and quotients, so that a complex step (Squire & Trapp
1998) gives their derivatives without differencing error.

>>> import numpy as np
>>> starts = np.array([[0.5, 0.0], [-2.0, 1.0]])
>>> found = search(lambda b: np.array([b[0] ** 2 - 1, b[1] - 2]), starts)
>>> found.optima.round(6).tolist(), found.objectives.round(12).tolist()
([[1.0, 2.0], [-1.0, 2.0]], [0.0, 0.0])
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

STEP = 1e-20
ROOT = 1e-20
"""A sum of squares that fell to this share of its start's is a root: no more steps are needed."""
TIE = 1e-10
"""Optima whose objective, as a share of its value at the first start, differs less are tied."""


@dataclass(frozen=True, eq=False)
class Search:
    """Where each start led.

    Attributes
    ----------
    starts, optima : (s, p) arrays
    objectives : (s,) array
    converged : (s,) array of bool
    scale : float
        The objective's size, for judging ties.
    """

    starts: NDArray[np.float64]
    optima: NDArray[np.float64]
    objectives: NDArray[np.float64]
    converged: NDArray[np.bool_]
    scale: float

    def choose(
        self,
        merit: Callable[[NDArray[np.float64]], float],
        sensible: Callable[[NDArray[np.float64]], bool] | None = None,
    ) -> int:
        """Return the start with the least objective; among ties a sensible one, then the best.

        Parameters
        ----------
        merit : callable
            Larger is better; asked only if there are ties.
        sensible : callable, optional
            Whether coefficients make sense.

        Returns
        -------
        int
        """
        apart = self.distinct()
        if apart.size == 0:
            return int(np.nanargmin(self.objectives))
        least = self.objectives[apart[0]]
        tied = apart[self.objectives[apart] <= least + TIE * self.scale]
        if sensible is not None:
            good = [at for at in tied if sensible(self.optima[at])]
            tied = np.array(good, dtype=np.int64) if good else tied
        if len(tied) == 1:
            return int(tied[0])
        return int(max(tied, key=lambda at: merit(self.optima[at])))

    def distinct(self, apart: float = 1e-3) -> NDArray[np.int64]:
        """Return one converged start for each distinct optimum, the least objective first.

        Parameters
        ----------
        apart : float
            Smallest difference in any coefficient.

        Returns
        -------
        array of int
        """
        kept: list[int] = []
        for at in np.argsort(self.objectives, kind="stable"):
            far = all(np.abs(self.optima[at] - self.optima[k]).max() > apart for k in kept)
            if self.converged[at] and far:
                kept.append(int(at))
        return np.array(kept, dtype=np.int64)


def jacobian(
    function: Callable[[NDArray[Any]], NDArray[Any]], b: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Differentiate by the complex step.

    Parameters
    ----------
    function : callable
        (p,) -> (m,) or a number; analytic.
    b : (p,) array

    Returns
    -------
    (m, p) array, or (p,) for a number
    """
    columns = []
    for at in range(len(b)):
        point = b.astype(complex)
        point[at] += STEP * 1j
        columns.append(np.imag(function(point)) / STEP)
    return np.stack(columns, axis=-1)


def search(
    residuals: Callable[[NDArray[Any]], NDArray[Any]], starts: NDArray[np.float64]
) -> Search:
    """Minimise a small sum of squares from every start (Levenberg-Marquardt).

    Parameters
    ----------
    residuals : callable
        (p,) -> (m,), m at least p; analytic.
    starts : (s, p) array

    Returns
    -------
    Search
    """

    def slope(b: NDArray[np.float64]) -> NDArray[np.float64]:
        return jacobian(residuals, b)

    def squares(b: NDArray[Any]) -> Any:  # noqa: ANN401 (a number, real or complex)
        return np.sum(residuals(b) ** 2)

    def one(start: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, bool]:
        found = optimize.least_squares(
            residuals,
            start,
            jac=slope,
            method="lm",
            x_scale="jac",
            ftol=1e-15,
            xtol=1e-13,
            gtol=1e-15,
            max_nfev=400,
        )
        root = 2.0 * found.cost <= ROOT * squares(start)
        polished = found.x if root else _newton(squares, found.x)
        return polished, float(squares(polished)), bool(found.status > 0)

    return _from_each(one, starts, squares)


def search_scalar(objective: Callable[[NDArray[Any]], Any], starts: NDArray[np.float64]) -> Search:
    """Minimise a smooth objective from every start (BFGS, then Newton).

    Parameters
    ----------
    objective : callable
        (p,) -> number; analytic.
    starts : (s, p) array

    Returns
    -------
    Search
    """

    def value(b: NDArray[np.float64]) -> float:
        return float(objective(b))

    def slope(b: NDArray[np.float64]) -> NDArray[np.float64]:
        return jacobian(objective, b)

    def one(start: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, bool]:
        options: Any = {"gtol": 1e-9 * abs(value(start)), "maxiter": 400}
        found: Any = optimize.minimize(value, start, jac=slope, method="BFGS", options=options)
        polished = _newton(objective, found.x)
        steep = np.abs(slope(polished)).max()
        done = bool(steep <= 1e-6 * max(abs(value(polished)), 1e-300))
        return polished, value(polished), done or bool(found.success)

    return _from_each(one, starts, value)


def _from_each(
    one: Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], float, bool]],
    starts: NDArray[np.float64],
    objective: Callable[[NDArray[np.float64]], float],
) -> Search:
    optima = np.full_like(starts, np.nan)
    values = np.full(len(starts), np.inf)
    converged = np.zeros(len(starts), dtype=bool)
    for at, start in enumerate(starts):
        with np.errstate(all="ignore"):
            try:
                found, value, done = one(start)
            except (np.linalg.LinAlgError, ValueError):
                continue  # a start at which the law of motion is singular: reported unconverged
        if np.isfinite(found).all() and np.isfinite(value):
            optima[at], values[at], converged[at] = found, value, done
    with np.errstate(all="ignore"):
        try:
            scale = objective(starts[0])
        except np.linalg.LinAlgError:
            scale = float("nan")
    return Search(starts, optima, values, converged, scale if np.isfinite(scale) else 1.0)


def _newton(
    objective: Callable[[NDArray[Any]], Any], b: NDArray[np.float64], steps: int = 4
) -> NDArray[np.float64]:
    """Take Newton steps as long as they make the gradient smaller."""
    slope = jacobian(objective, b)
    for _ in range(steps):
        size = np.linalg.norm(slope)
        if not np.isfinite(size) or size == 0:
            break
        gap = 1e-6 * np.maximum(np.abs(b), 1e-2)
        hessian = np.column_stack(
            [
                (jacobian(objective, b + shift) - jacobian(objective, b - shift))
                / (2 * shift.sum())
                for shift in np.diag(gap)
            ]
        )
        hessian = (hessian + hessian.T) / 2
        try:
            move = np.linalg.solve(hessian, slope)
        except np.linalg.LinAlgError:
            break
        ahead = jacobian(objective, b - move)
        if not np.linalg.norm(ahead) < size or np.abs(move).max() > 0.1:
            break
        b, slope = b - move, ahead
    return b


def grid(
    value: Callable[[NDArray[np.float64]], float], parameters: int, keep: int
) -> NDArray[np.float64]:
    """Return the best points of a regular grid over elasticities from 0 to 1.

    Parameters
    ----------
    value : callable
        Objective.
    parameters : int
    keep : int

    Returns
    -------
    (at most keep, parameters) array
    """
    if keep <= 0:
        return np.empty((0, parameters))
    steps = {1: 21, 2: 9, 3: 5, 4: 3}.get(parameters, 2)
    points = np.array(list(product(np.linspace(0.0, 1.0, steps), repeat=min(parameters, 6))))
    points = np.pad(points, ((0, 0), (0, parameters - points.shape[1])))
    scores = np.full(len(points), np.inf)
    with np.errstate(all="ignore"):
        for at, point in enumerate(points):
            try:
                scores[at] = value(point)
            except np.linalg.LinAlgError:
                continue
    order = np.argsort(np.where(np.isfinite(scores), scores, np.inf), kind="stable")
    return _spread(points[order], 0.2, keep)


def _spread(points: NDArray[np.float64], apart: float, keep: int) -> NDArray[np.float64]:
    """Take points in their order, leaving out those near to one that was taken."""
    taken: list[NDArray[np.float64]] = []
    for point in points:
        if all(np.abs(point - other).max() > apart for other in taken):
            taken.append(point)
        if len(taken) == keep:
            break
    return np.array(taken).reshape(len(taken), points.shape[1])

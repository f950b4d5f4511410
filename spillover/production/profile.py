"""The second stage's objective along one coefficient, the others re-optimised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from spillover.production.estimate import Estimate

    Array = NDArray[np.float64]
    Criterion = Callable[[Array], float]


def trace(
    criterion: Criterion, estimate: Estimate, at: int, line: Sequence[float] | Array
) -> list[float]:
    """Minimise the objective over all searched coefficients but one, along a line of its values.

    At every value the search starts from the optima that the estimation found; then the line is
    walked in both directions, and each value is also tried from its neighbour's solution.

    Parameters
    ----------
    criterion : callable
    estimate : Estimate
    at : int
        Place of the coefficient among ``estimate.searched``.
    line : sequence of float

    Returns
    -------
    list of float
    """
    best = estimate.beta[[estimate.names.index(term) for term in estimate.searched]]
    starts = [np.delete(end, at) for end in (best, *_ends(estimate))]
    found = [
        min((_least(criterion, start, at, value) for start in starts), key=lambda end: end[0])
        for value in map(float, line)
    ]
    steps = range(1, len(found))
    for here, before in [(i, i - 1) for i in steps] + [(i - 1, i) for i in reversed(steps)]:
        tried = _least(criterion, found[before][1], at, float(line[here]))
        found[here] = min(found[here], tried, key=lambda end: end[0])
    return [value for value, _ in found]


def _ends(estimate: Estimate) -> list[Array]:
    """Return the distinct optima of the search but the one chosen."""
    if estimate.starts is None:
        return []
    done = estimate.starts[estimate.starts["converged"] & ~estimate.starts["chosen"]]
    found = done[list(estimate.searched)].round(2).drop_duplicates().to_numpy(dtype=float)
    return list(found[:4])


def _least(criterion: Criterion, others: Array, at: int, value: float) -> tuple[float, Array]:
    """Minimise the objective over all coefficients but one; return its value and theirs."""

    def objective(free: Array) -> float:
        with np.errstate(all="ignore"):
            return float(criterion(np.insert(free, at, value)))

    if others.size == 0:
        return objective(others), others
    found = optimize.minimize(objective, others, method="Nelder-Mead", options={"maxiter": 400})
    return float(found.fun), np.asarray(found.x, dtype=float)

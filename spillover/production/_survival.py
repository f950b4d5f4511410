"""The probability of a firm's staying in the panel: a probit, as in Olley & Pakes (1996).

>>> c, _ = probit(np.ones((4, 1)), np.array([1.0, 1, 1, 0]), np.ones(4))
>>> round(float(special.ndtr(c[0])), 6)
0.75
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from spillover.errors import IdentificationError
from spillover.production.polynomial import basis, project

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.production.data import Inputs

    Array = NDArray[np.float64]

FAR = 35.0
"""A probit index this far on the wrong side is beyond computing."""


@dataclass(frozen=True, eq=False)
class Survival:
    """Probability of being in the panel a year later by row, NaN where it is unknown."""

    probability: Array
    nobs: int
    exits: int
    iterations: int
    comes_back: int


def survival_probability(
    inputs: Inputs, proxy: Array, degree: int, *, gaps_are_exits: bool = True
) -> Survival | None:
    """Fit a probit of staying in the panel one year more; None if nobody leaves.

    Parameters
    ----------
    inputs : Inputs
    proxy : (n,) array
        Log investment, NaN where there is none; such rows get no probability.
    degree : int
        Of the polynomial in state inputs and proxy.
    gaps_are_exits : bool
        Whether a firm that comes back counts as leaving; else its row is left out.

    Returns
    -------
    Survival or None
    """
    stays = inputs.survives.copy()
    later = np.r_[inputs.firm[1:] == inputs.firm[:-1], False] & (stays == 0)
    if not gaps_are_exits:
        stays[later] = np.nan
    usable = np.isfinite(proxy)
    at = np.flatnonzero(usable & np.isfinite(stays))
    exits = int(inputs.weights[at] @ (stays[at] == 0))
    if exits == 0:
        return None
    seen = np.flatnonzero(usable)
    B = basis(np.column_stack([inputs.state[seen], proxy[seen]]), degree)
    fit_at = np.searchsorted(seen, at)
    c, iterations = probit(B[fit_at], stays[at], inputs.weights[at])
    probability = np.full(len(inputs), np.nan)
    probability[seen] = special.ndtr(B @ c)
    back = int(inputs.weights[later & usable].sum())
    return Survival(probability, int(inputs.weights[at].sum()), exits, iterations, back)


def probit(B: Array, stays: Array, weights: Array, limit: int = 100) -> tuple[Array, int]:
    """Fit a probit by Fisher scoring.

    Parameters
    ----------
    B : (n, p) array
    stays : (n,) array of 0 and 1
    weights : (n,) array
    limit : int
        Most iterations.

    Returns
    -------
    coefficients : (p,) array
    iterations : int

    Raises
    ------
    IdentificationError
        If the data separate exits from stayers.
    """
    sign = np.where(stays == 1, 1.0, -1.0)
    c = np.zeros(B.shape[1])
    c[0] = special.ndtri(np.average(stays, weights=weights))
    value, idle = _log_likelihood(B @ c, sign, weights), 0
    for iteration in range(1, limit + 1):
        index = B @ c
        if not (-sign * index).max() < FAR or value > -1e-4:
            break
        log_density = -0.5 * index**2 - 0.5 * np.log(2 * np.pi)
        information = np.exp(2 * log_density - special.log_ndtr(index) - special.log_ndtr(-index))
        newton = sign * np.exp(special.log_ndtr(-sign * index) - log_density)
        step = project(B, newton, weights * information).coefficients
        size = 1.0
        while size > 1e-6:
            new = _log_likelihood(B @ (c + size * step), sign, weights)
            if new >= value - 1e-12 * abs(value):
                break
            size /= 2
        c = c + size * step
        gain, value = new - value, new
        # far-out rows may be told apart perfectly: their fit still rises without end, by nothing
        idle = idle + 1 if abs(gain) <= 1e-10 * (1 + abs(value)) else 0
        if idle and (np.abs(size * step).max() < 1e-7 or idle >= 3):
            return c, iteration
    raise IdentificationError(
        f"The probit of survival does not settle: {int(weights @ (stays == 0))} exits for "
        f"{B.shape[1]} terms, or exits are told apart perfectly. Lower survival_degree, pool "
        "groups, or set exit_correction=False."
    )


def _log_likelihood(index: Array, sign: Array, weights: Array) -> float:
    return float(weights @ special.log_ndtr(sign * index))

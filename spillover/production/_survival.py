"""The probability of a firm's staying in the panel: a probit, as in Olley & Pakes (1996).

>>> c, _ = probit(np.ones((4, 1)), np.array([1.0, 1, 1, 0]), np.ones(4))
>>> round(float(special.ndtr(c[0])), 6)
0.75
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from spillover.errors import IdentificationError
from spillover.production.polynomial import basis, project

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.production.data import Inputs

    Array = NDArray[np.float64]

FAR = 35.0
"""A probit index this far on the wrong side is beyond computing."""
MEND = "Lower survival_degree, pool groups, or set exit_correction=False."


@dataclass(frozen=True, eq=False)
class Survival:
    """Probability of being in the panel a year later by row, NaN where it is unknown.

    Attributes
    ----------
    probability : (n,) array
    nobs, exits, comes_back : int
        Rows with a known fate; those that leave; those that leave and come back later.
    iterations, degree : int
        Of the probit; of the polynomial that it settled with.
    notes : tuple of str
    """

    probability: Array
    nobs: int
    exits: int
    iterations: int
    comes_back: int
    degree: int
    notes: tuple[str, ...] = ()


def survival_probability(
    inputs: Inputs,
    proxy: Array,
    degree: int,
    *,
    gaps_are_exits: bool = True,
    years: bool = False,
    lower: bool = False,
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
    years : bool
        Year effects. Where all or none leave in a year, the probability is 0 or 1.
    lower : bool
        Lower the degree until the probit settles.

    Returns
    -------
    Survival or None

    Raises
    ------
    IdentificationError
        If the probit settles at none of the degrees.
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
    X = np.column_stack([inputs.state[seen], proxy[seen]])
    tried = range(degree, 0, -1) if lower else [degree]
    for chosen in tried:
        try:
            fitted, iterations, terms = _fit(
                inputs, X, stays, at=at, seen=seen, degree=chosen, years=years
            )
            break
        except IdentificationError:
            if chosen == tried[-1]:
                raise
    probability = np.full(len(inputs), np.nan)
    probability[seen] = fitted
    return Survival(
        probability,
        int(inputs.weights[at].sum()),
        exits,
        iterations,
        int(inputs.weights[later & usable].sum()),
        chosen,
        _notes(exits, terms, chosen, degree),
    )


def _notes(exits: int, terms: int, chosen: int, degree: int) -> tuple[str, ...]:
    notes = []
    if chosen < degree:
        notes.append(
            f"the probit of survival does not settle with degree {degree}; degree {chosen} is used"
        )
    if exits < terms:
        notes.append(f"the probit of survival has {terms} terms for {exits} exits")
    return tuple(notes)


def _fit(
    inputs: Inputs,
    X: Array,
    stays: Array,
    *,
    at: NDArray[np.int64],
    seen: NDArray[np.int64],
    degree: int,
    years: bool,
) -> tuple[Array, int, int]:
    """Return the probability by row of ``seen``, the iterations, and the number of terms."""
    B, when = basis(X, degree), inputs.year[seen]
    out = np.full(len(seen), np.nan)
    mixed = np.ones(len(seen), dtype=bool)
    if years:
        rate = _rates(inputs.year[at], stays[at], inputs.weights[at])
        here = pd.Series(when).map(rate).to_numpy(dtype=float)
        out[here == 0], out[here == 1] = 0.0, 1.0
        mixed = (here > 0) & (here < 1)
        at = at[mixed[np.searchsorted(seen, at)]]
        if not at.size:
            return out, 0, 0
        dummies = when[:, None] == np.unique(when[mixed])[1:]
        B = np.column_stack([B, dummies.astype(float)])
    c, iterations = probit(B[np.searchsorted(seen, at)], stays[at], inputs.weights[at])
    out[mixed] = special.ndtr(B[mixed] @ c)
    return out, iterations, B.shape[1]


def _rates(year: NDArray[np.int64], stays: Array, weights: Array) -> dict[int, float]:
    """Share of rows that stay, by year."""
    frame = pd.DataFrame({"year": year, "stays": stays * weights, "weights": weights})
    sums = frame.groupby("year").sum()
    return dict(zip(sums.index, sums["stays"] / sums["weights"], strict=True))


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
        If the terms tell exits and stayers apart, or scoring does not converge.
    """
    sign, exits = np.where(stays == 1, 1.0, -1.0), int(weights @ (stays == 0))
    c = np.zeros(B.shape[1])
    c[0] = special.ndtri(np.average(stays, weights=weights))
    value, idle = _log_likelihood(B @ c, sign, weights), 0
    for iteration in range(1, limit + 1):
        index = B @ c
        if value > -1e-4:
            raise IdentificationError(
                f"The probit of survival tells {exits} exits apart perfectly with {B.shape[1]} "
                f"terms. {MEND}"
            )
        if not (-sign * index).max() < FAR:
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
        f"The probit of survival does not settle: {exits} exits for {B.shape[1]} terms. {MEND}"
    )


def _log_likelihood(index: Array, sign: Array, weights: Array) -> float:
    return float(weights @ special.log_ndtr(sign * index))

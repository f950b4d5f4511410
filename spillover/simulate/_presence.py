"""Foreign presence by industry and year, and the fixed point it forms with productivity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spillover.errors import ConvergenceError
from spillover.simulate._settings import OUTPUT_RESPONSE, Settings

Array = NDArray[np.float64]
Index = NDArray[np.intp]

TOLERANCE = 1e-13
MAX_STEPS = 500
STEP = 0.5


@dataclass(frozen=True)
class Presence:
    """Horizontal, Backward and Forward, each (n, periods), as shares from 0 to 1."""

    horizontal: Array
    backward: Array
    forward: Array

    def effect(self, settings: Settings) -> Array:
        """Effect on log productivity, (n, periods)."""
        effect = settings.horizontal * self.horizontal + settings.backward * self.backward
        return effect + settings.forward * self.forward

    def gap(self, other: Presence) -> float:
        """Largest absolute difference between two sets of measures."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return max(float(np.abs(mine - theirs).max()) for mine, theirs in pairs)


@dataclass(frozen=True)
class FixedPoint:
    """The effect (n, periods) at the solution, the steps it took and the last change."""

    effect: Array
    steps: int
    gap: float


def cell_sums(
    cell: Index, output: Array, exports: Array, foreign_share: Array, shape: tuple[int, int]
) -> Array:
    """Sum up what the measures need by industry and year.

    Parameters
    ----------
    cell : (rows,) integer array
        ``industry * periods + period``.
    output, exports, foreign_share : (rows,) arrays
    shape : (n, periods)

    Returns
    -------
    (4, n, periods) array
        Foreign output, output, foreign output net of exports, output net of exports.
    """
    home = output - exports
    parts = (foreign_share * output, output, foreign_share * home, home)
    size = shape[0] * shape[1]
    return np.stack([np.bincount(cell, part, minlength=size).reshape(shape) for part in parts])


def presence(sums: Array, supply_shares: Array, input_shares: Array) -> Presence:
    """Compute the measures of Javorcik (2004) from industry-year sums.

    Parameters
    ----------
    sums : (4, n, periods) array
        As from :func:`cell_sums`.
    supply_shares, input_shares : (n, n) arrays
        Weights of Backward and Forward, the own sector set to zero.

    Returns
    -------
    Presence
    """
    horizontal = sums[0] / sums[1]
    return Presence(horizontal, supply_shares @ horizontal, input_shares @ (sums[2] / sums[3]))


def solve(
    settings: Settings, treated: Array, others: Array, supply_shares: Array, input_shares: Array
) -> FixedPoint:
    """Find the presence that the outputs it causes give back.

    A spillover raises the output of the firms it reaches, which changes the output weights of
    presence, which changes the spillover. All treated firms of an industry and year share one
    effect, so the problem lives on (n, periods) sums; damped iteration solves it.

    Parameters
    ----------
    settings : Settings
    treated, others : (4, n, periods) arrays
        Sums, without spillovers, over the firms that spillovers reach and over the others.
    supply_shares, input_shares : (n, n) arrays

    Returns
    -------
    FixedPoint

    Raises
    ------
    ConvergenceError
        If presence still moves by more than 1e-13 after 500 steps.
    """
    current = presence(treated + others, supply_shares, input_shares)
    gap = np.inf
    for step in range(1, MAX_STEPS + 1):
        effect = current.effect(settings)
        scaled = treated * np.exp(OUTPUT_RESPONSE * effect)
        implied = presence(scaled + others, supply_shares, input_shares)
        gap = implied.gap(current)
        if gap <= TOLERANCE:
            return FixedPoint(effect, step, gap)
        current = Presence(
            *(
                (1.0 - STEP) * old + STEP * new
                for old, new in zip(vars(current).values(), vars(implied).values(), strict=True)
            )
        )
    raise ConvergenceError(
        f"presence and output found no common solution: presence still moves by {gap:.2g} "
        f"(tolerance {TOLERANCE:g}) after {MAX_STEPS} steps. The effects horizontal="
        f"{settings.horizontal:g}, backward={settings.backward:g}, forward={settings.forward:g} "
        "are too strong for this panel; bring them nearer to zero."
    )

"""The equation of Oster (2019) for the bias; see :mod:`spillover.inference.oster`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Moments(NamedTuple):
    """What enters the equation.

    Attributes
    ----------
    short, long : float
        Coefficients.
    r2_short, r2_long : float
    outcome, term, left : float
        Variances: of the outcome, of the term, of what the other regressors leave of it.
    """

    short: float
    long: float
    r2_short: float
    r2_long: float
    outcome: float
    term: float
    left: float

    def cubic(self, rmax: float, delta: float) -> tuple[float, float, float, float]:
        """Return the coefficients of 1, nu, nu^2, nu^3."""
        gap = self.short - self.long
        room = (rmax - self.r2_long) * self.outcome
        gained = (self.r2_long - self.r2_short) * self.outcome
        return (
            delta * room * gap * self.term,
            delta * room * (self.term - self.left)
            - gained * self.left
            - self.term * self.left * gap**2,
            self.left * gap * self.term * (delta - 2),
            (delta - 1) * self.left * (self.term - self.left),
        )

    def biases(self, rmax: float, delta: float) -> list[float]:
        """Return the real roots, those that selection implies first, by size."""
        coefficients = np.array(self.cubic(rmax, delta)[::-1])
        gap = self.short - self.long
        scale = abs(gap) or abs(self.long) or 1.0
        scaled = coefficients * scale ** np.array([3, 2, 1, 0])
        largest = np.abs(scaled).max()
        if largest == 0:
            return [0.0]
        scaled = scaled / largest
        roots = np.roots(np.trim_zeros(np.where(np.abs(scaled) < 1e-14, 0.0, scaled), "f"))
        real = roots.real[np.abs(roots.imag) <= 1e-7 * (1 + np.abs(roots.real))] * scale
        return sorted((float(v) for v in real), key=lambda v: (not self.implied(v, delta), abs(v)))

    def implied(self, bias: float, delta: float) -> bool:
        """Whether a bias has the sign that selection implies."""
        size = abs(self.short - self.long)
        return abs(bias) <= 1e-12 * size or np.sign(bias) == np.sign(delta) * np.sign(
            self.short - self.long
        )

    def delta(self, rmax: float, beta: float) -> float:
        """Return the delta at which beta* is ``beta``; infinite if none is large enough."""
        gap, nu = self.short - self.long, self.long - beta
        room = (rmax - self.r2_long) * self.outcome
        gained = (self.r2_long - self.r2_short) * self.outcome
        third = nu**3 * self.left * (self.term - self.left)
        above = (
            nu * gained * self.left
            + nu * self.term * self.left * gap**2
            + 2 * nu**2 * self.left * gap * self.term
            + third
        )
        below = (
            room * gap * self.term
            + nu * room * (self.term - self.left)
            + nu**2 * self.left * gap * self.term
            + third
        )
        if below == 0:
            return np.nan if above == 0 else np.inf
        return above / below


def bias_of(moments: Moments, rmax: float, delta: float) -> tuple[float, list[float]]:
    """Choose among the biases.

    Returns
    -------
    float and list of float
        The bias, nan if none of several roots has the implied sign; and the other roots.
    """
    roots = moments.biases(rmax, delta)
    if len(roots) > 1 and not moments.implied(roots[0], delta):
        return np.nan, roots
    return roots[0], roots[1:]

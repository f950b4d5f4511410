r"""Tests with the null imposed, and the sets that they do not reject.

With the null imposed the residuals are a function of the value b0 that is tested. Let
:math:`\delta = \hat\beta - b_0`, and let shock cluster k contribute
:math:`u_k(b_0) = \rho_k + \delta \kappa_k` to :math:`\delta = \sum_k u_k(b_0)`: rho from the
residuals of the estimate, kappa from the regressor, with :math:`\sum_k \kappa_k = 1`. The test
rejects where

.. math:: T^2 = \delta^2 \Big/ \sum_k u_k(b_0)^2 > c^2, \tag{1}

so the set of values that it keeps solves a quadratic inequality in delta,

.. math:: \delta^2 (1/c^2 - \textstyle\sum \kappa_k^2) - 2 \delta \sum \rho_k \kappa_k
          - \sum \rho_k^2 \le 0: \tag{2}

an interval if :math:`\sum \kappa_k^2 < 1/c^2`, else the complement of an interval or the whole
line (Adao, Kolesar & Morales 2019, section IV.B).

**Critical values.** :math:`S = 1/\sum_k \kappa_k^2` is the effective number of shocks behind the
coefficient. Equation (1) is a self-normalised sum: with n equal independent normal terms
:math:`t = T \sqrt{(n-1)/(n-T^2)}` has Student's distribution with n - 1 degrees of freedom, and T
cannot exceed the root of n. ``critical="effective"`` puts S in the place of n, so that

.. math:: c^2 = S\,t^2 / (S - 1 + t^2), \qquad t = t_{1-\alpha/2}(S - 1). \tag{3}

Then (2) is an interval whenever S > 1. ``critical="normal"`` is the published test, c = 1.96 at
5 percent, under which the interval is bounded only if S > 3.84.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

from spillover.errors import SchemaError, check_choice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

Critical = Literal["effective", "normal"]
CRITICAL = ("effective", "normal")
Shape = Literal["interval", "complement", "line"]


@dataclass(frozen=True)
class ConfidenceSet:
    """The values of a coefficient that a test does not reject.

    Attributes
    ----------
    shape : {"interval", "complement", "line"}
        From ``low`` to ``high``; all but what lies strictly between them; every number.
    low, high : float

    Examples
    --------
    >>> ConfidenceSet("complement", -1.0, 2.0).contains(0.0)
    False
    >>> print(ConfidenceSet("complement", -1.0, 2.0))
    (-inf, -1] or [2, inf)
    """

    shape: Shape
    low: float
    high: float

    def contains(self, value: float) -> bool:
        """Whether the test keeps a value.

        Parameters
        ----------
        value : float

        Returns
        -------
        bool
        """
        if self.shape == "complement":
            return value <= self.low or value >= self.high
        return self.low <= value <= self.high

    @property
    def hull(self) -> tuple[float, float]:
        """The smallest interval around the set: unbounded unless it is an interval.

        Returns
        -------
        (float, float)
        """
        return (self.low, self.high) if self.shape == "interval" else (-np.inf, np.inf)

    def __str__(self) -> str:
        if self.shape == "complement":
            return f"(-inf, {self.low:.4g}] or [{self.high:.4g}, inf)"
        if self.shape == "line":
            return "the whole line"
        return f"[{self.low:.4g}, {self.high:.4g}]"


def effective_number(kappa: Matrix) -> float:
    """Return 1 / sum kappa_k^2, the effective number of shocks behind a coefficient.

    Parameters
    ----------
    kappa : (shocks,) array
        What each shock contributes to the variation of the regressor; sums to 1.

    Returns
    -------
    float

    Examples
    --------
    >>> effective_number(np.array([0.25, 0.25, 0.25, 0.25]))
    4.0
    """
    return float(1 / (kappa @ kappa))


def check_level(level: float) -> None:
    """Raise :class:`SchemaError` unless ``level`` lies between 0 and 1."""
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
        raise SchemaError(f"level={level!r} must lie between 0 and 1; 0.95 is usual.")


def critical_square(level: float, effective: float, critical: Critical) -> float:
    """Return c^2 of equation (1).

    Parameters
    ----------
    level : float
        Of confidence.
    effective : float
        Effective number of shocks.
    critical : {"effective", "normal"}

    Returns
    -------
    float
        Infinite if one shock or fewer stand behind the coefficient: nothing is rejected.

    Examples
    --------
    >>> round(critical_square(0.95, 20.0, "normal"), 3), round(critical_square(0.95, 5.0,
    ...     "effective"), 3)
    (3.841, 3.292)
    """
    check_choice("critical", critical, CRITICAL)
    check_level(level)
    if critical == "normal":
        return float(stats.norm.ppf((1 + level) / 2) ** 2)
    if effective <= 1:
        return np.inf
    t = stats.t.ppf((1 + level) / 2, effective - 1) ** 2
    return float(effective * t / (effective - 1 + t))


def null_p_value(rho: Matrix, kappa: Matrix, delta: float, critical: Critical) -> float:
    """Return the p-value of equation (1).

    Parameters
    ----------
    rho, kappa : (shocks,) arrays
    delta : float
        The estimate less the value tested.
    critical : {"effective", "normal"}

    Returns
    -------
    float

    Examples
    --------
    >>> kappa = np.full(8, 1 / 8)
    >>> rho = np.array([1.0, -1, 2, -2, 1, -1, 0, 0])
    >>> round(null_p_value(rho, kappa, 6.0, "normal"), 4)
    0.1396
    """
    check_choice("critical", critical, CRITICAL)
    u = rho + delta * kappa
    square = _ratio(delta**2, float(u @ u))
    return joint_p_value(square, 1, effective_number(kappa), critical)


def joint_p_value(square: float, count: int, effective: float, critical: Critical) -> float:
    """Return the p-value of a self-normalised quadratic form in ``count`` coefficients.

    With n equal normal terms, ``square / (n - square)`` is Hotelling's statistic over n - 1.

    Examples
    --------
    >>> round(joint_p_value(3.841459, 1, 10.0, "normal"), 6)
    0.05
    """
    if critical == "normal":
        return float(stats.chi2.sf(square, count))
    if effective <= count:
        return 1.0
    if square >= effective:
        return 0.0
    ratio = square / (effective - square) * (effective - count) / count
    return float(stats.f.sf(ratio, count, effective - count))


def _ratio(numerator: float, denominator: float) -> float:
    if numerator == 0:
        return 0.0
    return numerator / denominator if denominator > 0 else np.inf


def invert(
    estimate: float, rho: Matrix, kappa: Matrix, level: float, critical: Critical
) -> ConfidenceSet:
    """Solve equation (2) for the values that the test keeps.

    Parameters
    ----------
    estimate : float
    rho, kappa : (shocks,) arrays
    level : float
    critical : {"effective", "normal"}

    Returns
    -------
    ConfidenceSet

    Examples
    --------
    >>> kappa = np.full(8, 1 / 8)
    >>> rho = np.array([1.0, -1, 2, -2, 1, -1, 0, 0])
    >>> print(invert(6.0, rho, kappa, 0.95, "normal"))
    [-3.417, 15.42]
    """
    c2 = critical_square(level, effective_number(kappa), critical)
    a = 1 / c2 - kappa @ kappa
    b, c = float(rho @ kappa), float(rho @ rho)
    if abs(a) < 1e-14:  # a half-line: the far end has gone to infinity
        ends = sorted([-c / (2 * b), np.sign(b) * np.inf]) if b else [-np.inf, np.inf]
        shape: Shape = "interval" if b else "line"
        return ConfidenceSet(shape, float(estimate - ends[1]), float(estimate - ends[0]))
    disc = b * b + a * c
    if disc < 0:
        return ConfidenceSet("line", -np.inf, np.inf)
    roots = sorted([(b - np.sqrt(disc)) / a, (b + np.sqrt(disc)) / a])
    low, high = float(estimate - roots[1]), float(estimate - roots[0])
    return ConfidenceSet("interval" if a > 0 else "complement", low, high)

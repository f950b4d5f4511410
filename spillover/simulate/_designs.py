"""The designs of synthetic production panels: parameters, checked before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from spillover.errors import SchemaError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHARES = {"timing", "persistence", "wage_persistence", "presence_persistence", "idle"}


def _check(design: Design, positive: Mapping[str, float], inside: tuple[str, ...]) -> None:
    """Check that numbers are finite, what must be positive is, and what must lie inside (0, 1)."""
    for field in fields(design):
        value = getattr(design, field.name)
        if not np.isfinite(value):
            raise SchemaError(f"{field.name}={value}: give a finite number.")
        if field.name.endswith("_sd") and value < 0.0:
            raise SchemaError(f"{field.name}={value}: a standard deviation is 0 or more.")
        if field.name in _SHARES and not 0.0 <= value < 1.0:
            raise SchemaError(f"{field.name}={value}: give a number from 0 to below 1.")
    for name, value in positive.items():
        if value <= 0.0:
            raise SchemaError(f"{name}={value}: give a number above 0.")
    for name in inside:
        if not 0.0 < getattr(design, name) < 1.0:
            raise SchemaError(f"{name}={getattr(design, name)}: give a number between 0 and 1.")


@dataclass(frozen=True, kw_only=True)
class AcfDesign:
    """Value added with labour timing, wage shocks and optimisation error, after ACF (2015).

    Parameter values are those of the paper as recalled; they are data, not code of theirs.

    Attributes
    ----------
    labour : float
        Elasticity of labour; that of capital is ``1 - labour`` (constant returns, which the closed
        form of investment needs).
    persistence, productivity_sd : float
        Autocorrelation and standard deviation of log productivity.
    timing : float
        Labour is chosen at ``t - timing`` (their *b*), 0 with full knowledge of productivity.
    wage_sd, wage_persistence : float
        Firm-specific log wage, a first-order autoregression that the econometrician does not see.
    labour_error_sd : float
        Optimisation error in log labour; materials follow planned, not actual, labour.
    output_error_sd, proxy_error_sd : float
        Measurement errors of log output and of log materials.
    depreciation, discount, adjustment_sd : float
        Capital: yearly depreciation, discount factor, standard deviation over firms of the log
        cost of adjustment.
    """

    labour: float = 0.6
    persistence: float = 0.7
    productivity_sd: float = 0.3
    timing: float = 0.5
    wage_sd: float = 0.1
    wage_persistence: float = 0.3
    labour_error_sd: float = 0.0
    output_error_sd: float = 0.1
    proxy_error_sd: float = 0.0
    depreciation: float = 0.2
    discount: float = 0.95
    adjustment_sd: float = 0.6

    def __post_init__(self) -> None:
        _check(self, {}, ("labour", "depreciation", "discount"))

    @property
    def early_variance(self) -> float:
        """Variance of the productivity shock between t - 1 and t - timing."""
        return float(self.productivity_sd**2 * (1 - self.persistence ** (2 * (1 - self.timing))))

    @property
    def late_variance(self) -> float:
        """Variance of the productivity shock between t - timing and t."""
        return float(self.productivity_sd**2 * (1 - self.persistence ** (2 * self.timing)))

    @property
    def shock_variance(self) -> float:
        """Variance of a year's whole shock to productivity."""
        return float(self.productivity_sd**2 * (1 - self.persistence**2))


@dataclass(frozen=True, kw_only=True)
class EndogenousDesign(AcfDesign):
    """As :class:`AcfDesign`, with last year's foreign presence in the law of motion.

    Productivity follows ``persistence * omega(t-1) + effect * horizontal(t-1) + shock``. Firms see
    their industry's presence and invest in view of the productivity that it will bring, so capital
    is correlated with what an exogenous law of motion takes for a shock.

    Attributes
    ----------
    labour, persistence, productivity_sd, timing, wage_sd, wage_persistence : float
        As in :class:`AcfDesign`.
    labour_error_sd, output_error_sd, proxy_error_sd : float
        As in :class:`AcfDesign`.
    depreciation, discount, adjustment_sd : float
        As in :class:`AcfDesign`.
    effect : float
        Effect of presence (0 to 1) in year t - 1 on log productivity in year t.
    industries : int
    presence_mean, presence_sd : float
        Median presence, and the standard deviation of its log odds.
    presence_persistence : float
        Autocorrelation of the log odds.
    """

    effect: float = 0.5
    industries: int = 20
    presence_mean: float = 0.3
    presence_sd: float = 0.6
    presence_persistence: float = 0.9

    def __post_init__(self) -> None:
        _check(self, {"industries": self.industries}, ("labour", "depreciation", "discount"))
        _check(self, {}, ("presence_mean",))
        if self.presence_persistence == self.persistence:
            raise SchemaError(
                f"presence_persistence equals persistence ({self.persistence}): firms' forecast is "
                "not defined there; change one of them slightly."
            )


@dataclass(frozen=True, kw_only=True)
class OpDesign:
    """Value added with exit: firms leave when productivity is below a threshold in capital.

    Log investment is ``log(depreciation) + productivity_slope * omega + capital_slope * k``, a
    stand-in for the policy function (increasing in productivity, which is all that the estimator
    uses); firms whose productivity is among the lowest ``idle`` share do not invest. Labour is the
    static optimum with an independent optimisation error, so that the first stage of Olley and
    Pakes (1996) identifies its elasticity.

    Attributes
    ----------
    labour, capital : float
        Elasticities.
    persistence, productivity_sd, output_error_sd, labour_error_sd : float
    exit_level, exit_slope : float
        A firm leaves when ``omega < exit_level - exit_slope * k``: large firms bear worse luck.
    productivity_slope, capital_slope, depreciation, idle : float
        Investment, see above.
    entrant_capital, entrant_sd : float
        Mean and standard deviation of entrants' log capital.
    """

    labour: float = 0.6
    capital: float = 0.4
    persistence: float = 0.7
    productivity_sd: float = 0.3
    output_error_sd: float = 0.1
    labour_error_sd: float = 0.37
    exit_level: float = -0.25
    exit_slope: float = 0.3
    productivity_slope: float = 2.0
    capital_slope: float = 0.7
    depreciation: float = 0.2
    idle: float = 0.05
    entrant_capital: float = -0.3
    entrant_sd: float = 0.7

    def __post_init__(self) -> None:
        _check(self, {"capital": self.capital}, ("labour", "depreciation"))
        if self.productivity_slope <= 0.0:
            raise SchemaError(
                f"productivity_slope={self.productivity_slope}: investment must rise with "
                "productivity, or no proxy estimator can work. Give a number above 0."
            )


@dataclass(frozen=True, kw_only=True)
class GnrDesign:
    """Gross output with flexible materials, capital and labour set the year before.

    Output is ``(a_k K^r + a_l L^r + a_m M^r)^(v/r) exp(omega + error)`` with
    ``r = 1 - 1/substitution``, ``v`` the sum of the three weights and ``a`` the weights over ``v``;
    Cobb-Douglas at ``substitution=1``, where the weights are the elasticities. Materials maximise
    expected profit at given prices.

    Attributes
    ----------
    capital, labour, materials : float
        Weights; their sum is returns to scale, below 1.
    substitution : float
        Elasticity of substitution, above 0.
    persistence, productivity_sd, output_error_sd : float
    price_sd : float
        Standard deviation of the yearly log price of materials (an independent draw a year).
    depreciation : float
    """

    capital: float = 0.25
    labour: float = 0.25
    materials: float = 0.4
    substitution: float = 1.0
    persistence: float = 0.7
    productivity_sd: float = 0.2
    output_error_sd: float = 0.1
    price_sd: float = 0.0
    depreciation: float = 0.2

    def __post_init__(self) -> None:
        _check(
            self,
            {"substitution": self.substitution},
            ("capital", "labour", "materials", "depreciation"),
        )
        if self.scale >= 1.0:
            raise SchemaError(
                f"capital, labour and materials sum to {self.scale:g}: with a given price, firms "
                "have a best size only below 1. Lower the weights."
            )

    @property
    def scale(self) -> float:
        """Returns to scale."""
        return self.capital + self.labour + self.materials


Design = AcfDesign | EndogenousDesign | OpDesign | GnrDesign

DESIGNS: dict[str, Design] = {
    "acf1": AcfDesign(),
    "acf2": AcfDesign(timing=0.0, wage_sd=0.0, labour_error_sd=0.37),
    "acf3": AcfDesign(labour_error_sd=0.37),
    "op_exit": OpDesign(),
    "gnr": GnrDesign(),
    "endogenous": EndogenousDesign(),
}
"""Designs that have a name."""


def design_of(design: str | Design) -> Design:
    """Return the design of that name, or the design itself.

    Raises
    ------
    SchemaError
        If there is none of that name, or it is something else.

    Examples
    --------
    >>> design_of("acf2").labour_error_sd
    0.37
    """
    if isinstance(design, str):
        if design not in DESIGNS:
            raise SchemaError(
                f"design={design!r} is not known.{did_you_mean(design, list(DESIGNS))}"
            )
        return DESIGNS[design]
    if not isinstance(design, Design):
        raise SchemaError(
            f"design is of type {type(design).__name__}: give a name ({', '.join(DESIGNS)}) or a "
            "design such as sp.simulate.AcfDesign(proxy_error_sd=0.2)."
        )
    return design

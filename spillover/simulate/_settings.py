"""The settings of a synthetic panel, checked before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from spillover.errors import SchemaError, preview

if TYPE_CHECKING:
    from collections.abc import Iterable

CAPITAL, EMPLOYMENT, MATERIALS = 0.15, 0.30, 0.50
"""Output elasticities of the Cobb-Douglas technology; returns to scale are 0.95."""

EMPLOYMENT_RESPONSE = 0.5
"""Elasticity of employment to productivity."""

OUTPUT_RESPONSE = (1.0 + EMPLOYMENT * EMPLOYMENT_RESPONSE) / (1.0 - MATERIALS)
"""Elasticity of output to productivity once employment and materials have adjusted (2.3)."""

DOMESTIC_BELOW = 0.10
"""Firms with a foreign share below this are domestic."""

DEPRECIATION = 0.10
LARGEST_EFFECT = 20.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything the data-generating process needs to know besides the random numbers."""

    firms_per_industry: int
    years: tuple[int, ...]
    regions: int
    horizontal: float
    backward: float
    forward: float
    foreign_share_of_firms: float
    greenfield: float
    foreign_premium: float
    selection: float
    industry_shock: float
    noise: float
    feedback: bool
    domestic_only_effect: bool
    exit_rate: float
    entry_rate: float

    def __post_init__(self) -> None:
        self._check_counts()
        for name in ("horizontal", "backward", "forward"):
            value = getattr(self, name)
            if not abs(value) <= LARGEST_EFFECT:
                raise SchemaError(
                    f"{name}={value}: effects are on log productivity per unit of presence from "
                    f"0 to 1 (0.3 means about 3 percent for 10 points more presence); give a "
                    f"number between -{LARGEST_EFFECT:g} and {LARGEST_EFFECT:g}."
                )
        for name in ("selection", "industry_shock", "noise"):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise SchemaError(f"{name}={getattr(self, name)}: give a number of 0 or more.")
        ranges = {"foreign_share_of_firms": 0.5, "greenfield": 1.0, "entry_rate": 1.0}
        for name, top in ranges.items():
            if not 0.0 <= getattr(self, name) <= top:
                raise SchemaError(f"{name}={getattr(self, name)}: give a share from 0 to {top:g}.")
        if not 0.0 <= self.exit_rate < 1.0:
            raise SchemaError(f"exit_rate={self.exit_rate}: give a share from 0 to below 1.")
        if not np.isfinite(self.foreign_premium):
            raise SchemaError(f"foreign_premium={self.foreign_premium}: give a finite number.")

    def _check_counts(self) -> None:
        if self.firms_per_industry < 2:
            raise SchemaError(
                f"firms_per_industry={self.firms_per_industry}: presence compares foreign and "
                "domestic firms of an industry; give 2 or more."
            )
        if self.regions < 1:
            raise SchemaError(f"regions={self.regions}: give 1 or more.")
        gaps = [year for last, year in pairwise(self.years) if year != last + 1]
        if len(self.years) < 2 or gaps:
            where = f" (broken before {preview(gaps)})" if gaps else ""
            raise SchemaError(
                f"years={preview(self.years)}: give two or more consecutive years in rising "
                f"order, such as range(2000, 2008){where}."
            )

    @property
    def periods(self) -> int:
        """Number of years."""
        return len(self.years)


def whole_years(years: Iterable[int]) -> tuple[int, ...]:
    """Return the years as plain integers.

    Raises
    ------
    SchemaError
        If a year is not a whole number.

    Examples
    --------
    >>> whole_years(range(2000, 2003))
    (2000, 2001, 2002)
    """
    given = tuple(years)
    bad = [year for year in given if not isinstance(year, int | np.integer)]
    if bad:
        raise SchemaError(f"years: {preview(bad)} is not a whole number.")
    return tuple(int(year) for year in given)

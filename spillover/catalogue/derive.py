"""Columns that studies make of a firm panel or a country panel: growth, gaps, shares, lags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spillover.panel.design import DOMESTIC_BELOW

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[[pd.DataFrame], "pd.Series[Any]"]

SMALL = 50
CELL = ["industry", "year"]


def moderator(function: Callable[..., Any], made: str, /, **options: object) -> Make:
    """Return a maker of one column by a function of :mod:`spillover.moderators`.

    Examples
    --------
    >>> from spillover import moderators
    >>> frame = pd.DataFrame({"exports": [0.0, 2.0]})
    >>> moderator(moderators.exporter, "exporter")(frame).tolist()
    [0.0, 1.0]
    """

    def make(frame: pd.DataFrame) -> pd.Series[Any]:
        bare = frame.drop(columns=made, errors="ignore")
        column: pd.Series[Any] = function(bare, **options)[made]
        return column

    return make


def lagged(column: str, unit: str = "firm", years: int = 1) -> Make:
    """Return a maker of the value of an earlier calendar year; missing where there is none.

    Examples
    --------
    >>> frame = pd.DataFrame({"firm": [1, 1, 2], "year": [2000, 2001, 2001], "x": [5.0, 6.0, 7.0]})
    >>> lagged("x")(frame).tolist()
    [nan, 5.0, nan]
    """

    def make(frame: pd.DataFrame) -> pd.Series[Any]:
        keys = pd.MultiIndex.from_arrays([frame[unit], frame["year"] - years])
        values = frame.set_index([unit, "year"])[column].reindex(keys)
        return pd.Series(values.to_numpy(), frame.index)

    return make


def log_growth(column: str, years: int = 1) -> Make:
    """Return a maker of log growth over calendar years within the firm.

    Examples
    --------
    >>> frame = pd.DataFrame({"firm": 1, "year": [2000, 2001], "x": [1.0, np.e]})
    >>> log_growth("x")(frame).tolist()
    [nan, 1.0]
    """
    before = lagged(column, years=years)

    def make(frame: pd.DataFrame) -> pd.Series[Any]:
        with np.errstate(divide="ignore", invalid="ignore"):
            growth: pd.Series[Any] = np.log(frame[column] / before(frame))
        return growth

    return make


def ratio(top: str, bottom: str) -> Make:
    """Return a maker of one column over another; missing where the second is not positive."""

    def make(frame: pd.DataFrame) -> pd.Series[Any]:
        divided: pd.Series[Any] = frame[top] / frame[bottom].where(frame[bottom] > 0)
        return divided

    return make


def at_least(column: str, value: float) -> Make:
    """Return a maker of 1 where a column is at least a value, else 0."""

    def make(frame: pd.DataFrame) -> pd.Series[Any]:
        return (frame[column] >= value).astype(float)

    return make


def between(column: str, low: float, high: float) -> Make:
    """Return a maker of 1 from ``low`` (included) to ``high`` (excluded), else 0."""

    def make(frame: pd.DataFrame) -> pd.Series[Any]:
        return ((frame[column] >= low) & (frame[column] < high)).astype(float)

    return make


def cohort(frame: pd.DataFrame) -> pd.Series[Any]:
    """Name a foreign firm's ownership and years since entry: "majority 0-1", ..., "minority 4+"."""
    foreign = frame["foreign_share"] >= DOMESTIC_BELOW
    entry = frame["year"].where(foreign).groupby(frame["firm"]).transform("min")
    years = (frame["year"] - entry).fillna(-1)
    age = np.select([years < 2, years < 4], ["0-1", "2-3"], "4+")
    owner = np.where(frame["foreign_share"] >= 0.5, "majority ", "minority ")
    names = pd.Series(np.char.add(owner.astype(str), age.astype(str)), frame.index)
    return names.where(foreign, "domestic")


def country_presence(frame: pd.DataFrame) -> pd.Series[Any]:
    """Return the output-weighted foreign share by country, industry and year."""
    keys = [frame["country"], frame["industry"], frame["year"]]
    foreign = (frame["foreign_share"] * frame["output"]).groupby(keys).transform("sum")
    share: pd.Series[Any] = foreign / frame["output"].groupby(keys).transform("sum")
    return share


def location_quotient(column: str, *, foreign: bool = False) -> Make:
    """Return a maker of a region's weight in its industry over its weight in all industries.

    Aitken, Hanson & Harrison (1997): the region's part of the industry's exports (of foreign
    firms), relative to its part of national exports. Missing where either total is zero.

    Parameters
    ----------
    column : str
        ``"exports"`` or ``"output"``.
    foreign : bool
        Count only foreign firms in the numerator.
    """

    def make(frame: pd.DataFrame) -> pd.Series[Any]:
        whole = frame[column]
        part = whole.where(frame["foreign_share"] >= DOMESTIC_BELOW, 0.0) if foreign else whole
        region, industry, year = (frame[name] for name in ("region", "industry", "year"))
        local = part.groupby([region, industry, year]).transform("sum")
        nation = part.groupby([industry, year]).transform("sum")
        base = whole.groupby([region, year]).transform("sum") / whole.groupby(year).transform("sum")
        share = local / nation.where(nation > 0)
        quotient: pd.Series[Any] = share / base.where(base > 0)
        return quotient

    return make

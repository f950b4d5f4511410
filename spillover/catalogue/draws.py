"""Further columns of a replica: plain random draws by firm, industry or country. SYNTHETIC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Draw = Callable[[pd.DataFrame, Any], "pd.Series[Any]"]


def uniform(low: float, high: float, by: Sequence[str] = ()) -> Draw:
    """Return a draw between two numbers, one a row or one a group."""

    def draw(frame: pd.DataFrame, random: np.random.Generator) -> pd.Series[Any]:
        codes, count = _groups(frame, by)
        return pd.Series(random.uniform(low, high, count)[codes], frame.index)

    return draw


def binary(share: float, by: Sequence[str] = ()) -> Draw:
    """Return a draw of 0 and 1, one a row or one a group."""

    def draw(frame: pd.DataFrame, random: np.random.Generator) -> pd.Series[Any]:
        codes, count = _groups(frame, by)
        return pd.Series((random.random(count) < share).astype(float)[codes], frame.index)

    return draw


def names(values: Sequence[str], by: Sequence[str]) -> Draw:
    """Return a draw of names, one a group."""

    def draw(frame: pd.DataFrame, random: np.random.Generator) -> pd.Series[Any]:
        codes, count = _groups(frame, by)
        return pd.Series(random.choice(np.asarray(values), count)[codes], frame.index)

    return draw


def part_of(column: str, low: float, high: float) -> Draw:
    """Return a draw of a part of another column."""
    share = uniform(low, high)

    def draw(frame: pd.DataFrame, random: np.random.Generator) -> pd.Series[Any]:
        part: pd.Series[Any] = frame[column] * share(frame, random)
        return part

    return draw


def stretched(column: str, log_mean: float, log_sd: float, by: Sequence[str]) -> Draw:
    """Return a column times a log-normal factor, one a group: a longer tail of sizes."""

    def draw(frame: pd.DataFrame, random: np.random.Generator) -> pd.Series[Any]:
        codes, count = _groups(frame, by)
        longer: pd.Series[Any] = frame[column] * random.lognormal(log_mean, log_sd, count)[codes]
        return longer

    return draw


def adoption(first: int, last: int, never: float) -> Draw:
    """Return 0 before and 1 from a country's year of accession, drawn between two years.

    Parameters
    ----------
    first, last : int
    never : float
        Share of countries that never accede.
    """

    def draw(frame: pd.DataFrame, random: np.random.Generator) -> pd.Series[Any]:
        codes, count = _groups(frame, ("country",))
        year = random.integers(first, last + 1, count).astype(float)
        year[random.random(count) < never] = np.inf
        return pd.Series((frame["year"].to_numpy() >= year[codes]).astype(float), frame.index)

    return draw


def walk(start: float, spread: float, drift: float, step: float) -> Draw:
    """Return a positive path by country: the exponential of a random walk with drift."""

    def draw(frame: pd.DataFrame, random: np.random.Generator) -> pd.Series[Any]:
        codes, count = _groups(frame, ("country",))
        years = np.unique(frame["year"])
        level = start + spread * random.normal(size=(count, 1))
        path = level + np.cumsum(drift + step * random.normal(size=(count, len(years))), axis=1)
        return pd.Series(np.exp(path)[codes, np.searchsorted(years, frame["year"])], frame.index)

    return draw


def counter(rate: float) -> Draw:
    """Return a count by country that rises by Poisson draws, as treaties do."""

    def draw(frame: pd.DataFrame, random: np.random.Generator) -> pd.Series[Any]:
        codes, count = _groups(frame, ("country",))
        years = np.unique(frame["year"])
        path = random.poisson(rate, (count, len(years))).cumsum(axis=1).astype(float)
        return pd.Series(path[codes, np.searchsorted(years, frame["year"])], frame.index)

    return draw


def _groups(frame: pd.DataFrame, by: Sequence[str]) -> tuple[np.ndarray, int]:
    if not by:
        return np.arange(len(frame)), len(frame)
    codes = frame.groupby(list(by)).ngroup().to_numpy()
    return codes, int(codes.max()) + 1

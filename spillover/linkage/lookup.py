"""Where the values of an industry and year lie, so that rows can look them up."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spillover._frames import as_eager, positions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import narwhals as nw
    from numpy.typing import NDArray

    from spillover._industries import Split
    from spillover.linkage.grid import Axes
    from spillover.linkage.result import Linkages

    Array = NDArray[np.float64]

BLOCK = 500_000
"""Rows looked up at a time: few enough for a core's cache, many enough to be worth a call."""


@dataclass(frozen=True)
class Places:
    """Industries, regions and years as a flat array; its last place is for no match.

    Industries are the sectors and, after them, those that stand for several sectors.
    """

    axes: Axes
    split: Split
    first: int
    span: int

    @classmethod
    def of(cls, links: Linkages) -> Places:
        """Return the places of the axes of ``links``, whatever gaps its years have."""
        first = int(links.axes.years.min())
        span = int(links.axes.years.max()) - first + 1
        return cls(links.axes, links.split, first, span)

    @property
    def industries(self) -> list[str]:
        """The sectors, then those that stand for several."""
        return [*self.axes.sectors, *self.split]

    @property
    def size(self) -> int:
        """How many places there are; the last, for no match, not counted."""
        return len(self.industries) * len(self.axes.regions) * self.span

    def places(self, keys: nw.DataFrame[Any]) -> NDArray[np.intp]:
        """Return where each row stands."""
        year = keys["year"].to_numpy() - self.first
        place = positions(keys["industry"], self.industries)
        known = (year >= 0) & (year < self.span) & (place >= 0)
        if "region" in keys.columns:
            region = positions(keys["region"], self.axes.regions)
            known &= region >= 0
            place *= len(self.axes.regions)
            place += region
        place *= self.span
        if known.all():
            place += year.astype(np.intp, copy=False)
            return place
        place += np.where(known, year, 0).astype(np.intp)
        place[~known] = self.size
        return place

    @property
    def turns(self) -> range:
        """As many as the industry with the most sectors has sectors."""
        return range(max(map(len, self.split.values()), default=1))

    def sectors(self, turn: int) -> tuple[NDArray[np.intp], Array]:
        """Return the sector that each industry stands for in one turn, and its weight.

        A sector stands for itself in the first turn. Who has no more turns has -1 and 0.
        """
        listed = [*(((code, 1.0),) for code in self.axes.sectors), *self.split.values()]
        pairs = [shares[turn] if turn < len(shares) else ("", 0.0) for shares in listed]
        weights = np.array([weight for _, weight in pairs])
        place = pd.Index(self.axes.sectors).get_indexer(pd.Index([code for code, _ in pairs]))
        return np.where(weights > 0, place, -1), weights

    def fill(self, table: pd.DataFrame, column: str, turn: int = 0) -> Array:
        """Lay a column of a table of sectors and years out on the grid, for one turn."""
        names = [name for name in ("industry", "region", "year") if name in table]
        keys = as_eager(table[names].astype({"year": float}))
        flat = np.full(self.size + 1, np.nan)
        flat[self.places(keys)] = table[column]
        place, _ = self.sectors(turn)
        values = flat[:-1].reshape(len(place), -1)[place]
        return np.append(np.where(place[:, None] >= 0, values, np.nan), np.nan)

    def parts(self, turn: int) -> Array:
        """Lay the weights of one turn out on the grid."""
        _, weights = self.sectors(turn)
        return np.append(np.repeat(weights, self.size // len(weights)), float(turn == 0))

    def mean(self, table: pd.DataFrame, column: str) -> Array:
        """Lay a column out: the weighted mean over the sectors that an industry stands for."""
        return weighted((self.parts(turn), self.fill(table, column, turn)) for turn in self.turns)


def weighted(parts_and_values: Iterable[tuple[Array, Array]]) -> Array:
    """Add up part × value, leaving out parts of zero; missing where a value is."""
    total: Array = sum(
        (np.where(part > 0, part * value, 0.0) for part, value in parts_and_values),
        start=np.zeros(1),
    )
    return total


def gather(keys: nw.DataFrame[Any], grid: Places, laid: Mapping[str, Array]) -> dict[str, Array]:
    """Give every row its place's value in each laid-out column, in blocks of rows on all cores."""
    found = {name: np.empty(len(keys)) for name in laid}

    def look(start: int) -> None:
        block = slice(start, start + BLOCK)
        place = grid.places(keys[block])
        for name, values in laid.items():
            np.take(values, place, out=found[name][block], mode="clip")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(look, range(0, len(keys), BLOCK)))  # a list, so that errors are raised
    return found

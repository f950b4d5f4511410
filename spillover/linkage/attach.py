"""Join the measures to the firms: validated many-to-one, nothing dropped in silence."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from warnings import warn

import narwhals as nw
import numpy as np
import pandas as pd

from spillover._frames import NativeFrame, as_eager, positions
from spillover.errors import (
    SchemaError,
    SpilloverWarning,
    check_choice,
    did_you_mean,
    preview,
    preview_counts,
    rows,
)
from spillover.firms import FirmPanel
from spillover.linkage.build import check_linkages
from spillover.linkage.carried import carry
from spillover.linkage.presence import Presence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.linkage.definition import LinkageDefinition
    from spillover.linkage.grid import Axes
    from spillover.linkage.result import Linkages

KEYS = ("industry", "region", "year")
BLOCK = 500_000
"""Rows looked up at a time: few enough for a core's cache, many enough to be worth a call."""


def attach(
    firms: FirmPanel | NativeFrame,
    links: Linkages,
    *,
    measures: Sequence[str] | None = None,
    suffix: str = "",
    unmatched: Literal["warn", "raise"] = "warn",
) -> NativeFrame:
    """Give every firm-year the linkage measures of its industry and year.

    Parameters
    ----------
    firms : FirmPanel or data frame
        With the columns industry and year (and those of the definition, if it leaves one out).
    links : Linkages
    measures : sequence of str, optional
        Columns of ``links.data``: measures, their weights (``backward_weight``), controls. By
        default the measures and controls that were built.
    suffix : str
        Added to the new columns' names, to hold several definitions side by side.
    unmatched : {"warn", "raise"}
        What to do when firm-years have no measure; with "warn" they stay, with missing values.

    Returns
    -------
    data frame
        In the library of ``firms``: all its rows, in their order, and the new columns. A pandas
        frame also carries ``links`` in its ``attrs``, so that a regression can say how its
        regressors were made.

    Raises
    ------
    SchemaError
        For absent key columns, unknown measures, or columns that already exist.

    Warns
    -----
    SpilloverWarning
        Once, with the count of firm-years without a measure and the industries and years.

    Examples
    --------
    >>> import spillover as sp
    >>> io = sp.IOTable.from_arrays(["A", "B"], total=[[10, 30], [20, 40]], output=[100, 120],
    ...     unit="EUR")
    >>> firms = pd.DataFrame({"firm": [1, 2, 3], "year": 2000, "industry": ["A", "A", "B"],
    ...     "output": [60.0, 40.0, 120.0], "exports": 0.0, "foreign_share": [0.5, 0.0, 1.0]})
    >>> sp.attach(firms, sp.linkages(firms, io))[["firm", "horizontal", "backward"]]
       firm  horizontal  backward
    0     1         0.3      0.75
    1     2         0.3      0.75
    2     3         1.0      0.10
    """
    check_choice("unmatched", unmatched, ("warn", "raise"))
    links = check_linkages(links)
    frame = firms.frame if isinstance(firms, FirmPanel) else as_eager(firms, "firms")
    names = _new_names(frame, links, _default(links) if measures is None else measures, suffix)
    joined = _look_up(frame, links, names)
    _report_missing(joined, _key_names(links), list(names.values()), unmatched)
    native = joined.to_native()
    if isinstance(native, pd.DataFrame):
        native.attrs = dict(frame.to_native().attrs)
        carry(native, links, names)
    return native


def _key_names(links: Linkages) -> tuple[str, ...]:
    return tuple(name for name in KEYS if name in links.data.columns)


def _default(links: Linkages) -> list[str]:
    left_out = {*KEYS, "firms"}
    return [
        name for name in links.data.columns if name not in left_out and not name.endswith("_weight")
    ]


def _new_names(
    frame: nw.DataFrame[Any], links: Linkages, measures: Sequence[str], suffix: str
) -> dict[str, str]:
    for key in _key_names(links):
        if key not in frame.columns:
            hint = did_you_mean(key, frame.columns)
            raise SchemaError(f"The firms have no column {key!r}.{hint}")
    offered = [name for name in links.data.columns if name not in (*KEYS, "firms")]
    if isinstance(measures, str) or not measures or len(set(measures)) < len(measures):
        raise SchemaError(
            f"measures={measures!r} must be a list of different measures, such as ['backward']."
        )
    for name in measures:
        if name not in offered:
            raise SchemaError(f"{name!r} is no linkage measure.{did_you_mean(name, offered)}")
    if not isinstance(suffix, str):
        raise SchemaError(f"suffix={suffix!r} must be text, such as '_2'.")
    names = {name: name + suffix for name in measures}
    clash = [new for new in names.values() if new in frame.columns]
    if clash:
        raise SchemaError(
            f"The firms already have {preview(clash)}. Pass suffix='_2', say, or drop the columns."
        )
    return names


def _keys(frame: nw.DataFrame[Any], names: Sequence[str]) -> nw.DataFrame[Any]:
    """Return the keys as they are compared: industry and region as text, year as a number."""
    if not frame.schema["year"].is_numeric():
        raise SchemaError(
            f"year holds {frame.schema['year']}, not numbers. Convert it to whole years."
        )
    kind = frame.schema["year"]
    whole = kind.is_integer() and kind != nw.UInt64 and not frame["year"].is_null().any()
    year = nw.col("year").cast(nw.Int64 if whole else nw.Float64)
    return frame.select(*(_text(frame, name) for name in names if name != "year"), year)


def _text(frame: nw.DataFrame[Any], name: str) -> nw.Expr:
    """Codes as text: 15.0 is "15"; a missing number is "-1", which is no code."""
    code, kind = nw.col(name), frame.schema[name]
    if kind.is_float():
        code = nw.when(code.is_finite()).then(code).otherwise(-1.0).cast(nw.Int64).alias(name)
    return code if kind == nw.String else code.cast(nw.String)


def _check_whole(frame: nw.DataFrame[Any], names: Sequence[str]) -> None:
    for name in names:
        if frame.schema[name].is_float():
            known = frame[name].to_numpy()
            broken = known[~np.isnan(known) & (known % 1 != 0)]
            if len(broken):
                raise SchemaError(
                    f"{name}: {rows(len(broken))} hold values that are not whole "
                    f"({preview(broken.tolist(), 3)})."
                )


@dataclass(frozen=True)
class _Grid:
    """Industries, regions and years as a flat array; its last place is for no match."""

    axes: Axes
    first: int
    span: int

    @classmethod
    def of(cls, axes: Axes) -> _Grid:
        first = int(axes.years.min())
        return cls(axes, first, int(axes.years.max()) - first + 1)

    @property
    def size(self) -> int:
        return len(self.axes.sectors) * len(self.axes.regions) * self.span

    def places(self, keys: nw.DataFrame[Any]) -> NDArray[np.intp]:
        """Return where each row stands."""
        year = keys["year"].to_numpy() - self.first
        place = positions(keys["industry"], self.axes.sectors)
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

    def fill(self, table: pd.DataFrame, column: str) -> NDArray[np.float64]:
        """Lay a column of a table of industry-years out on the grid."""
        names = [name for name in ("industry", "region", "year") if name in table]
        keys = as_eager(table[names].astype({"year": float}))
        grid = np.full(self.size + 1, np.nan)
        grid[self.places(keys)] = table[column]
        grid[self.size] = np.nan
        return grid


def _look_up(
    frame: nw.DataFrame[Any], links: Linkages, names: Mapping[str, str]
) -> nw.DataFrame[Any]:
    """Add each row's measures; its industry and year say where they stand."""
    keys = _key_names(links)
    _check_whole(frame, keys)
    grid = _Grid.of(links.axes)
    laid = {measure: grid.fill(links.data, measure) for measure in names}
    without_own = "horizontal" in names and links.definition.leave_one_out
    if without_own:
        laid |= {f"_{name}": grid.fill(links.cells, name) for name in ("foreign", "total", "firms")}
    found = _gather(_keys(frame, keys), grid, laid)
    if without_own:
        sums = (found[f"_{name}"] for name in ("foreign", "total", "firms"))
        found["horizontal"] = _leave_one_out(frame, links.definition, *sums)
    columns = []
    for measure, name in names.items():
        series = nw.new_series(name, found[measure], backend=frame.implementation)
        columns.append(series.fill_nan(None) if np.isnan(found[measure]).any() else series)
    return frame.with_columns(columns)


def _gather(
    keys: nw.DataFrame[Any], grid: _Grid, laid: Mapping[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    """Give every row its place's value in each laid-out column, in blocks of rows on all cores."""
    found = {name: np.empty(len(keys)) for name in laid}

    def gather(start: int) -> None:
        block = slice(start, start + BLOCK)
        place = grid.places(keys[block])
        for name, values in laid.items():
            np.take(values, place, out=found[name][block], mode="clip")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(gather, range(0, len(keys), BLOCK)))  # a list, so that errors are raised
    return found


def _leave_one_out(
    frame: nw.DataFrame[Any],
    definition: LinkageDefinition,
    foreign: NDArray[np.float64],
    total: NDArray[np.float64],
    firms: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return Horizontal without the firm itself, given its industry-year's sums by row."""
    presence = Presence.of(definition)
    needed = list(dict.fromkeys(presence.columns))
    for name in needed:
        if name not in frame.columns:
            raise SchemaError(f"Leaving the firm out needs the column {name!r}.")
    known = frame.select(
        nw.col(name).cast(nw.Float64).fill_nan(None) if frame.schema[name].is_numeric() else name
        for name in needed
    )
    share = known["foreign_share"].to_numpy()
    if ((share < 0) | (share > 1)).any():
        raise SchemaError(
            "foreign_share holds values outside 0 to 1. Leaving the firm out needs shares: attach "
            "to the panel that sp.read_firms returned."
        )
    own = known.select(presence.foreignness().alias("F"), presence.weighting().alias("w"))
    counted = ~np.isnan(own["w"].to_numpy())
    weight = np.where(counted, own["w"].to_numpy(), 0.0)
    own_foreign = np.where(counted, own["F"].to_numpy(), 0.0) * weight
    rest = total - weight
    result = np.full(len(rest), np.nan)
    np.divide(foreign - own_foreign, rest, out=result, where=(firms - counted > 0) & (rest > 0))
    return result


def _report_missing(
    joined: nw.DataFrame[Any],
    keys: Sequence[str],
    measures: Sequence[str],
    how: Literal["warn", "raise"],
) -> None:
    if not any(joined[name].is_null().any() for name in measures):
        return
    lacking = joined.select(*keys, *measures).filter(
        nw.any_horizontal(nw.col(*measures).is_null(), ignore_nulls=False)
    )
    cells = lacking.group_by(*keys).agg(nw.len().alias("n")).sort(*keys).rows()
    listed = preview_counts({" ".join(map(str, key)): n for *key, n in cells})
    counts = {name: int(lacking[name].is_null().sum()) for name in measures}
    which = ", ".join(f"{name} in {count:,}" for name, count in counts.items() if count)
    text = (
        f"{len(lacking):,} of {len(joined):,} firm-years lack a linkage measure ({which}); "
        f"industry-years: {listed}."
    )
    if how == "raise":
        raise SchemaError(text + " Pass unmatched='warn' to keep them with missing values.")
    warn(text + " They stay, with missing values.", SpilloverWarning, stacklevel=3)

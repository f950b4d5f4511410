"""Join the measures to the firms: validated many-to-one, nothing dropped in silence."""

from __future__ import annotations

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
from spillover.linkage.presence import firm_weight, foreign_indicator
from spillover.linkage.result import MEASURES, Linkages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.linkage.definition import LinkageDefinition

KEYS = ("industry", "year")


def attach(
    firms: FirmPanel | NativeFrame,
    links: Linkages,
    *,
    measures: Sequence[str] = MEASURES,
    suffix: str = "",
    unmatched: Literal["warn", "raise"] = "warn",
) -> NativeFrame:
    """Give every firm-year the linkage measures of its industry and year.

    Parameters
    ----------
    firms : FirmPanel or data frame
        With the columns industry and year (and those of the definition, if it leaves one out).
    links : Linkages
    measures : sequence of str
        Columns of ``links.data``: horizontal, backward, forward, backward_weight, forward_weight.
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
    names = _new_names(frame, links, measures, suffix)
    joined = _look_up(frame, links, names)
    _report_missing(joined, list(names.values()), unmatched)
    native = joined.to_native()
    if isinstance(native, pd.DataFrame):
        native.attrs = dict(frame.to_native().attrs)
        carry(native, links, names)
    return native


def _new_names(
    frame: nw.DataFrame[Any], links: Linkages, measures: Sequence[str], suffix: str
) -> dict[str, str]:
    for key in KEYS:
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


def _keys(frame: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Return the keys as they are compared: industry as text, year as a number."""
    if not frame.schema["year"].is_numeric():
        raise SchemaError(
            f"year holds {frame.schema['year']}, not numbers. Convert it to whole years."
        )
    for name in KEYS:
        if frame.schema[name].is_float():
            known = frame[name].to_numpy()
            broken = known[~np.isnan(known) & (known % 1 != 0)]
            if len(broken):
                raise SchemaError(
                    f"{name}: {rows(len(broken))} hold values that are not whole "
                    f"({preview(broken.tolist(), 3)})."
                )
    industry = nw.col("industry")
    if frame.schema["industry"].is_float():  # 15.0 is "15"; a missing code is "-1", no sector
        industry = nw.when(industry.is_finite()).then(industry).otherwise(-1.0)
        industry = industry.cast(nw.Int64).alias("industry")
    if frame.schema["industry"] != nw.String:
        industry = industry.cast(nw.String)
    return frame.select(industry, nw.col("year").cast(nw.Float64))


def _places(keys: nw.DataFrame[Any], grid: _Grid) -> NDArray[np.intp]:
    """Return each row's place in the flat grid; 0 is for no match."""
    year = keys["year"].to_numpy() - grid.first
    known = (year >= 0) & (year < grid.span)
    place = positions(keys["industry"], grid.sectors) + 1
    place *= grid.span
    place += np.where(known, year, 0).astype(np.intp)
    place[~known] = 0
    return place


@dataclass(frozen=True)
class _Grid:
    """Industries and years as a flat (1 + sectors, span of years) array; row 0 is for no match."""

    sectors: list[str]
    first: int
    span: int

    @classmethod
    def of(cls, table: pd.DataFrame) -> _Grid:
        years = table["year"]
        first = int(years.min())
        return cls(table["industry"].unique().tolist(), first, int(years.max()) - first + 1)

    def fill(self, table: pd.DataFrame, column: str) -> NDArray[np.float64]:
        """Lay a column of a table of industry-years out on the grid."""
        row = pd.Index(self.sectors).get_indexer(pd.Index(table["industry"])) + 1
        grid = np.full((len(self.sectors) + 1) * self.span, np.nan)
        grid[row * self.span + table["year"].to_numpy() - self.first] = table[column]
        return grid


def _look_up(
    frame: nw.DataFrame[Any], links: Linkages, names: Mapping[str, str]
) -> nw.DataFrame[Any]:
    """Add each row's measures; its industry and year say where they stand."""
    grid = _Grid.of(links.data)
    place = _places(_keys(frame), grid)

    def values(table: pd.DataFrame, column: str) -> NDArray[np.float64]:
        return grid.fill(table, column).take(place, mode="clip")

    columns = []
    for measure, name in names.items():
        if measure == "horizontal" and links.definition.leave_one_out:
            sums = [values(links.cells, column) for column in ("foreign", "total", "firms")]
            found = _leave_one_out(frame, links.definition, *sums)
        else:
            found = values(links.data, measure)
        series = nw.new_series(name, found, backend=frame.implementation)
        columns.append(series.fill_nan(None))
    return frame.with_columns(columns)


def _leave_one_out(
    frame: nw.DataFrame[Any],
    definition: LinkageDefinition,
    foreign: NDArray[np.float64],
    total: NDArray[np.float64],
    firms: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return Horizontal without the firm itself, given its industry-year's sums by row."""
    needed = ["foreign_share"] + ([] if definition.weight == "none" else [definition.weight])
    for name in needed:
        if name not in frame.columns:
            raise SchemaError(f"Leaving the firm out needs the column {name!r}.")
    known = frame.select(nw.col(name).cast(nw.Float64).fill_nan(None) for name in needed)
    share = known["foreign_share"].to_numpy()
    if ((share < 0) | (share > 1)).any():
        raise SchemaError(
            "foreign_share holds values outside 0 to 1. Leaving the firm out needs shares: attach "
            "to the panel that sp.read_firms returned."
        )
    own = known.select(foreign_indicator(definition).alias("F"), firm_weight(definition).alias("w"))
    counted = ~np.isnan(own["w"].to_numpy())
    weight = np.where(counted, own["w"].to_numpy(), 0.0)
    own_foreign = np.where(counted, own["F"].to_numpy(), 0.0) * weight
    rest = total - weight
    result = np.full(len(rest), np.nan)
    np.divide(foreign - own_foreign, rest, out=result, where=(firms - counted > 0) & (rest > 0))
    return result


def _report_missing(
    joined: nw.DataFrame[Any], measures: Sequence[str], how: Literal["warn", "raise"]
) -> None:
    lacking = joined.select(*KEYS, *measures).filter(
        nw.any_horizontal(nw.col(*measures).is_null(), ignore_nulls=False)
    )
    if len(lacking) == 0:
        return
    cells = lacking.group_by(*KEYS).agg(nw.len().alias("n")).sort(*KEYS).rows()
    listed = preview_counts({f"{industry} {year}": n for industry, year, n in cells})
    counts = {name: int(lacking[name].is_null().sum()) for name in measures}
    which = ", ".join(f"{name} in {count:,}" for name, count in counts.items() if count)
    text = (
        f"{len(lacking):,} of {len(joined):,} firm-years lack a linkage measure ({which}); "
        f"industry-years: {listed}."
    )
    if how == "raise":
        raise SchemaError(text + " Pass unmatched='warn' to keep them with missing values.")
    warn(text + " They stay, with missing values.", SpilloverWarning, stacklevel=3)

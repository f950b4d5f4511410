r"""Capital from investment: the perpetual inventory method.

``timing="end"`` (default): investment of a year is part of that year's stock,
:math:`K_t = (1 - \delta) K_{t-1} + I_t`. ``timing="start"``: it is productive a year later, as in
Olley and Pakes (1996), :math:`K_t = (1 - \delta) K_{t-1} + I_{t-1}`. *t - 1* is the calendar year
before, never the row before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from warnings import warn

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spillover._frames import NativeFrame, as_eager
from spillover.errors import (
    SchemaError,
    SpilloverWarning,
    check_choice,
    did_you_mean,
    preview,
    rows,
)
from spillover.firms import FirmPanel
from spillover.production._columns import add_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = NDArray[np.float64]


def perpetual_inventory(
    panel: FirmPanel | NativeFrame,
    depreciation: float | str,
    *,
    initial: Literal["first", "steady_state"] = "first",
    growth: float = 0.0,
    investment: str = "investment",
    capital: str = "capital",
    timing: Literal["end", "start"] = "end",
    missing: Literal["break", "zero"] = "break",
    into: str = "capital_stock",
) -> NativeFrame:
    """Build capital stocks from investment, firm by firm and year by year.

    Parameters
    ----------
    panel : FirmPanel or data frame
        With firm, year and ``investment`` (real, in the prices of the stock).
    depreciation : float or str
        Yearly rate between 0 and 1, or the column that holds it (by industry, say).
    initial : {"first", "steady_state"}
        Where a firm's stock starts: at its own ``capital`` in the first year that has one, or at
        what its first investment would keep growing at ``growth``: ``I (1 + g) / (g + delta)`` at
        the end of the year (``timing="end"``), ``I / (g + delta)`` at its start.
    growth : float
        Long-run growth of investment, for ``"steady_state"``.
    investment, capital : str
        Columns; ``capital`` is only read with ``initial="first"``.
    timing : {"end", "start"}
        Whether the stock holds the year's own investment or last year's; see the module.
    missing : {"break", "zero"}
        What a missing investment does: it ends the spell (no stock there, and a new start as soon
        as ``initial`` allows), or it counts as no investment. A firm without a row for a year
        always starts anew after it.
    into : str
        Name of the new column.

    Returns
    -------
    FirmPanel or data frame
        As ``panel``, with all its rows in their order and the new column.

    Raises
    ------
    SchemaError
        If columns are absent or hold no numbers, a rate is out of range, or firm-years repeat.

    Warns
    -----
    SpilloverWarning
        Once, with the counts: missing investment, spells that started anew after a gap, rows
        without a stock, stocks that are not positive.

    Examples
    --------
    >>> firms = pd.DataFrame({"firm": 1, "year": [2000, 2001, 2002], "investment": [9.0, 10, 30],
    ...     "capital": [100.0, 98, 97]})
    >>> perpetual_inventory(firms, 0.1)["capital_stock"].tolist()
    [100.0, 100.0, 120.0]
    """
    check_choice("initial", initial, ("first", "steady_state"))
    check_choice("timing", timing, ("end", "start"))
    check_choice("missing", missing, ("break", "zero"))
    frame = panel.frame if isinstance(panel, FirmPanel) else as_eager(panel, "panel")
    if into in frame.columns:
        raise SchemaError(f"The panel already has a column {into!r}. Drop it or choose into=.")
    needed = ["firm", "year", investment] + ([capital] if initial == "first" else [])
    _check_columns(frame, needed + ([depreciation] if isinstance(depreciation, str) else []))
    rate = _rates(frame, depreciation)
    _check_number("growth", growth, "2 percent a year is 0.02")
    if initial == "steady_state" and (growth + rate <= 0).any():
        raise SchemaError(f"growth={growth}: growth and depreciation must sum to more than 0.")
    spent = _numbers(frame, investment)
    unknown = int(np.isnan(spent).sum())
    if missing == "zero":
        spent = np.nan_to_num(spent)
    own = _numbers(frame, capital) if initial == "first" else np.full(len(frame), np.nan)
    if initial == "steady_state":
        factor = (1 + growth) if timing == "end" else 1.0
        own = np.where(spent >= 0, spent * factor / (growth + rate), np.nan)
    order, previous = _calendar(frame)
    stock, starts = _accumulate(spent[order], own[order], rate[order], previous, timing=timing)
    out = np.empty(len(frame))
    out[order] = stock
    note = _note(
        Counts(
            unknown=unknown,
            zeroed=missing == "zero",
            anew=int(starts.sum()) - len(np.unique(_firm_codes(frame)[order][starts])),
            without=int(np.isnan(out).sum()),
            flat=int((out <= 0).sum()),
            rows=len(frame),
        ),
        investment,
    )
    if note:
        warn(f"{into}: {note}.", SpilloverWarning, stacklevel=2)
    native = add_columns(frame, {into: out})
    if not isinstance(panel, FirmPanel):
        return native
    notes = (*panel.report.notes, *([f"{into}: {note}"] if note else []))
    return FirmPanel(native, replace(panel.report, notes=notes))


@dataclass(frozen=True)
class Counts:
    """What happened to the rows."""

    unknown: int
    zeroed: bool
    anew: int
    without: int
    flat: int
    rows: int


def _note(counts: Counts, investment: str) -> str:
    """Say in one line what a reader should know, or ""."""
    parts = []
    if counts.unknown:
        what = "counted as zero" if counts.zeroed else "where the stock breaks off"
        parts.append(f"{investment} is missing in {rows(counts.unknown)}, {what}")
    if counts.anew:
        spells = "1 spell starts" if counts.anew == 1 else f"{counts.anew:,} spells start"
        parts.append(f"{spells} anew after a gap")
    if counts.without:
        parts.append(f"no stock in {counts.without:,} of {rows(counts.rows)}")
    if counts.flat:
        parts.append(f"the stock is not positive in {rows(counts.flat)}")
    return "; ".join(parts)


def _check_columns(frame: nw.DataFrame[Any], names: Sequence[str]) -> None:
    for name in names:
        if name not in frame.columns:
            raise SchemaError(
                f"The panel has no column {name!r}.{did_you_mean(name, frame.columns)}"
            )
        if name != "firm" and not frame.schema[name].is_numeric():
            raise SchemaError(f"{name} holds {frame.schema[name]}, not numbers. Convert it.")
    for name in ("firm", "year"):
        column = frame[name]
        lost = int(column.is_null().sum())
        if not lost and frame.schema[name].is_float():
            lost = int(column.is_nan().sum())
        if lost:
            raise SchemaError(f"{name} is missing in {rows(lost)}. Fill it or drop the rows.")


def _numbers(frame: nw.DataFrame[Any], name: str) -> Array:
    values = np.array(frame[name].cast(nw.Float64).to_numpy(), dtype=float)
    bad = np.isinf(values)
    if bad.any():
        raise SchemaError(f"{name} is infinite in {rows(int(bad.sum()))}. Mend or leave missing.")
    return values


def _rates(frame: nw.DataFrame[Any], depreciation: float | str) -> Array:
    if isinstance(depreciation, str):
        rate = _numbers(frame, depreciation)
        name = f"The column {depreciation!r}"
    else:
        _check_number("depreciation", depreciation, "ten percent a year is 0.1")
        rate = np.full(len(frame), float(depreciation))
        name = f"depreciation={depreciation}"
    bad = ~((rate >= 0) & (rate <= 1))
    if bad.any():
        raise SchemaError(
            f"{name} is no rate between 0 and 1 in {rows(int(bad.sum()))} "
            f"({preview(np.unique(rate[bad])[:3].tolist())}). Ten percent a year is 0.1."
        )
    return rate


def _check_number(name: str, value: object, hint: str) -> None:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not np.isfinite(float(str(value))):
        raise SchemaError(f"{name}={value!r} must be a finite number; {hint}.")


def _firm_codes(frame: nw.DataFrame[Any]) -> NDArray[np.int64]:
    return np.asarray(pd.factorize(frame["firm"].to_pandas())[0], dtype=np.int64)


def _calendar(frame: nw.DataFrame[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the order by firm and year, and each sorted row's row of the year before (or -1)."""
    firm = _firm_codes(frame)
    year = np.asarray(frame["year"].to_numpy(), dtype=float)
    if (year % 1 != 0).any():
        raise SchemaError("year holds fractions. Convert it to whole years.")
    order = np.lexsort([year, firm])
    firm, year = firm[order], year[order]
    same = firm[1:] == firm[:-1]
    twice = same & (year[1:] == year[:-1])
    if twice.any():
        at = order[1:][twice][:3]
        listed = [f"{frame['firm'][int(i)]} {frame['year'][int(i)]}" for i in at]
        raise SchemaError(
            f"{rows(int(twice.sum()))} repeat a firm-year ({preview(listed)}). Keep one of each."
        )
    previous = np.full(len(firm), -1, dtype=np.intp)
    follows = np.flatnonzero(same & (year[1:] == year[:-1] + 1)) + 1
    previous[follows] = follows - 1
    return order, previous


def _accumulate(
    spent: Array,
    own: Array,
    rate: Array,
    previous: NDArray[np.intp],
    *,
    timing: Literal["end", "start"],
) -> tuple[Array, NDArray[np.bool_]]:
    """Carry the stock forward along the calendar; rows are sorted by firm and year.

    Returns
    -------
    stock : (n,) array
        NaN where there is none.
    starts : (n,) bool array
        Rows where a spell starts.
    """
    stock = np.full(len(spent), np.nan)
    starts = np.zeros(len(spent), dtype=bool)
    here = np.arange(len(spent))
    depth = here - np.maximum.accumulate(np.where(previous < 0, here, 0))
    for step in range(int(depth.max()) + 1 if len(depth) else 0):
        at = np.flatnonzero(depth == step)
        before = previous[at]
        added = spent[at] if timing == "end" else np.where(before >= 0, spent[before], np.nan)
        carried = np.where(before >= 0, (1 - rate[at]) * stock[before] + added, np.nan)
        broken = (before >= 0) & np.isfinite(stock[before]) & np.isnan(added)
        begin = np.isnan(carried) & ~broken & np.isfinite(own[at])
        stock[at] = np.where(begin, own[at], carried)
        starts[at] = begin
    return stock, starts

"""From inflows of foreign investment to a change of foreign presence, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from spillover.case.kazakhstan import kazakhstan
from spillover.case.sourcing import LEVELS, Sourcing, sourcing
from spillover.errors import SchemaError, check_choice, preview

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.iotables import IOTable

    Array = NDArray[np.float64]

MEASURES = ("stock", "inflow")
START, END = 2005, 2014
FLOWS = {
    ("processing", START): ("F057", "F057", "F057"),
    ("processing", END): ("F069", "F058", "F064"),
    ("construction", START): ("F059", "F059", "F059"),
    ("construction", END): ("F060", "F060", "F060"),
    ("trade", START): ("F061", "F061", "F061"),
    ("trade", END): ("F062", "F062", "F062"),
}
"""Figures of the thesis behind low, central and high flows, by activity and year."""
UNITS = {"million US dollars": 1.0, "billion US dollars": 1e3}
_YEARS = range(2005, 2017)
VALUE_ADDED: Mapping[str, Mapping[int, float]] = {
    name: dict(zip(_YEARS, values, strict=True))
    for name, values in {
        "processing": (6.9, 9.4, 12.0, 15.7, 12.5, 16.8, 21.4, 23.0, 25.2, 22.8, 18.9, 14.9),
        "construction": (4.5, 7.9, 9.9, 10.8, 9.1, 11.4, 12.4, 12.8, 14.1, 13.2, 11.0, 8.1),
        "trade": (7.3, 9.9, 13.9, 17.4, 15.0, 20.5, 27.7, 32.9, 37.6, 37.4, 33.4, 24.6),
    }.items()
}
"""Billion US dollars at current prices: United Nations Statistics Division, National Accounts Main
Aggregates, ISIC D, F and G-H, rounded. They carry a table's output from its year to others."""
POINTS = 100.0


@dataclass(frozen=True, eq=False, repr=False)
class PresenceChange:
    """By how many percentage points foreign presence rose, by sector of a table.

    Attributes
    ----------
    table : pandas.DataFrame
        code, sector (of :func:`.sourcing`), activity, low, central, high.
    how : str
        How it was made.
    """

    table: pd.DataFrame
    how: str

    def __repr__(self) -> str:
        groups = self.table.groupby("activity")[list(LEVELS)].mean()
        said = [
            f"{name} {row['low']:.1f} / {row['central']:.1f} / {row['high']:.1f}"
            for name, row in groups.iterrows()
            if row["high"] > 0
        ]
        return f"PresenceChange(percentage points, low / central / high: {', '.join(said)})"

    def _repr_html_(self) -> str:
        shown = self.table.to_html(index=False, border=0, float_format=lambda v: f"{v:.2f}")
        return f"<div><p><b>{escape(repr(self))}</b></p><p>{escape(self.how)}</p>{shown}</div>"


def thesis_flows() -> pd.DataFrame:
    """Return inflows of foreign investment by activity, as the thesis prints them.

    Returns
    -------
    pandas.DataFrame
        activity, year, low, central, high (million US dollars a year), figures (ids). For
        processing in 2014 the central number is the National Bank's, the low one that of the agency
        that draws investors, the high one the National Bank's after the industrial programme began,
        whose year is not printed.

    Examples
    --------
    >>> thesis_flows().query("activity == 'processing'")[["year", "low", "central", "high"]]
       year     low  central    high
    0  2005   346.0    346.0   346.0
    1  2014  1000.0   3748.0  5658.0
    """
    figures = kazakhstan().figures
    value = dict(zip(figures["id"], figures["value"].astype(float), strict=True))
    unit = dict(zip(figures["id"], figures["unit"], strict=True))
    rows = []
    for (activity, year), ids in FLOWS.items():
        values = [value[i] * UNITS[unit[i]] for i in ids]
        rows.append((activity, year, *values, ";".join(dict.fromkeys(ids))))
    return pd.DataFrame(rows, columns=["activity", "year", *LEVELS, "figures"])


def presence_change(
    io: IOTable,
    flows: pd.DataFrame | None = None,
    *,
    measure: Literal["stock", "inflow"] = "stock",
    start: int = START,
    end: int = END,
    output: Mapping[str, tuple[float, float]] | None = None,
    capital_output: tuple[float, float, float] = (0.7, 1.0, 1.5),
    depreciation: float = 0.1,
    names: Mapping[str, str] | None = None,
) -> PresenceChange:
    """Turn inflows of foreign investment by activity into a change of foreign presence.

    Parameters
    ----------
    io : IOTable
        Of the country; its sectors are given to activities as by :meth:`.Sourcing.assign`.
    flows : pandas.DataFrame, optional
        activity, year, central and, if uncertain, low and high, in million of the table's currency.
        Years between those given are interpolated. By default :func:`thesis_flows`.
    measure : {"stock", "inflow"}
        Stock of foreign investment over capital, or a year's inflow over gross output.
    start, end : int
        The change is from the one year to the other.
    output : mapping of activity to (start, end), optional
        Gross output, in the unit of ``flows``. By default the table's, carried from its year with
        the United Nations' value added of the activity in current dollars.
    capital_output : (low, central, high)
        Capital over gross output; a high ratio makes a low presence. A judgement.
    depreciation : float
        Of the stock, a year.
    names : mapping, optional
        See :meth:`.Sourcing.assign`.

    Returns
    -------
    PresenceChange
        Sectors of one activity share its change; activities without flows count as unchanged.

    Raises
    ------
    SchemaError
        If flows lack a column or one of the years, numbers are out of range, or output is unknown.

    Notes
    -----
    The linkage measures want the foreign share of *output*, which nobody publishes for Kazakhstan.
    The stock in year t is ``S_t = (1 - d) S_{t-1} + F_t``, with ``S = F (1 + g) / (g + d)`` in the
    first year for growth g of the flows; presence is ``S / (c Y)`` with capital ``c Y``. It counts
    purchases of existing firms as new presence, and reinvested earnings only where flows do.

    Examples
    --------
    >>> import spillover as sp
    >>> io = sp.IOTable.from_arrays(["C10T12", "F"], total=[[100, 200], [50, 100]],
    ...     output=[50_000, 20_000], unit="million USD", year=2007)
    >>> presence_change(io)
    PresenceChange(percentage points, low / central / high: construction 5.2 / 7.9 / 11.2, \
processing -0.3 / 12.7 / 29.7)
    """
    check_choice("measure", measure, MEASURES)
    table = _flows(thesis_flows() if flows is None else flows, start, end)
    ratios = _ratios(capital_output, depreciation)
    rows = sourcing().assign(io, names)
    levels: dict[str, tuple[float, float, float]] = {}
    for activity, part in table.groupby("activity"):
        if not (rows["activity"] == activity).any():
            continue
        produced = _output(str(activity), io, rows, (start, end), output)
        path = part.sort_values("year").set_index("year")[list(LEVELS)]
        yearly = {n: np.interp(np.arange(start, end + 1), path.index, path[n]) for n in LEVELS}
        worth = ratios if measure == "stock" else None
        levels[str(activity)] = _change(yearly, produced, worth, depreciation)
    known = sorted(set(sourcing().table["activity"]))
    unknown = sorted(set(table["activity"]) - set(known))
    if unknown:
        raise SchemaError(f"flows name the activities {preview(unknown)}; there are {known}.")
    for position, level in enumerate(LEVELS):
        rows[level] = [levels.get(a, (0.0, 0.0, 0.0))[position] for a in rows["activity"]]
    silent = sorted(set(rows["activity"]) - set(levels))
    ratio = "stock of inflows over capital" if measure == "stock" else "yearly inflow over output"
    how = f"Change from {start} to {end} of the {ratio}, by activity."
    how += f" No flows are known for {', '.join(silent)}: counted as unchanged." if silent else ""
    return PresenceChange(rows, how)


def _flows(flows: object, start: int, end: int) -> pd.DataFrame:
    if not isinstance(flows, pd.DataFrame):
        raise SchemaError(f"flows is a {type(flows).__name__}; give a pandas frame.")
    lacking = [name for name in ("activity", "year", "central") if name not in flows]
    if lacking:
        raise SchemaError(f"flows lacks the columns {preview(lacking)}.")
    table = flows.copy()
    for level in LEVELS:
        table[level] = table[level if level in table else "central"].astype(float)
    if not start < end:
        raise SchemaError(f"start={start!r} must lie before end={end!r}.")
    values = table[list(LEVELS)].to_numpy()
    if not np.isfinite(values).all() or (np.diff(values, axis=1) < 0).any():
        raise SchemaError("flows must be numbers that do not fall from low to central to high.")
    for activity, years in table.groupby("activity")["year"]:
        if years.duplicated().any():
            raise SchemaError(f"flows of {activity!r} hold a year twice.")
        if years.min() > start or years.max() < end:
            raise SchemaError(
                f"flows of {activity!r} run from {years.min()} to {years.max()}, and {start} to "
                f"{end} is asked for."
            )
    return table


def _ratios(capital_output: tuple[float, float, float], depreciation: float) -> Array:
    ratios = np.asarray(capital_output, dtype=np.float64)
    if ratios.shape != (3,) or not (np.diff(ratios) >= 0).all() or not (ratios > 0).all():
        raise SchemaError(
            f"capital_output={capital_output!r}: give (low, central, high), positive and rising."
        )
    if not 0 <= depreciation < 1:
        raise SchemaError(f"depreciation={depreciation!r} is a rate from 0 to below 1.")
    return ratios


def _output(
    activity: str,
    io: IOTable,
    rows: pd.DataFrame,
    span: tuple[int, int],
    output: Mapping[str, tuple[float, float]] | None,
) -> tuple[float, float]:
    """Return gross output at start and end."""
    start, end = span
    if output is not None and activity in output:
        first, last = output[activity]
    else:
        known = VALUE_ADDED.get(activity, {})
        years = [year for year in (start, end, io.year) if year not in known]
        if years:
            raise SchemaError(
                f"No value added of {activity!r} is known for {preview(years)}: pass "
                f"output={{{activity!r}: (gross output in {start}, in {end})}}."
            )
        at = (rows["activity"] == activity).to_numpy()
        base = float(np.asarray(io.output)[at].sum()) / known[io.year]  # type: ignore[index]
        first, last = base * known[start], base * known[end]
    if not (first > 0 and last > 0):
        raise SchemaError(f"output of {activity!r} is {(first, last)!r}; it must be positive.")
    return float(first), float(last)


def _change(
    flows: Mapping[str, Array],
    produced: tuple[float, float],
    ratios: Array | None,
    depreciation: float,
) -> tuple[float, float, float]:
    """Return low, central and high change of presence, in percentage points.

    ``flows`` are yearly, by level; ``ratios`` capital over output, None for flows over output.
    """
    found = []
    for position, level in enumerate(LEVELS):
        worth = flows[level] if ratios is None else accumulate(flows[level], depreciation)
        ratio = 1.0 if ratios is None else ratios[-1 - position]
        first, last = (
            min(float(worth[at] / (ratio * output)), 1.0)
            for at, output in zip((0, -1), produced, strict=True)
        )
        found.append(POINTS * (last - first))
    low, central, high = sorted(found)
    return low, central, high


def accumulate(flows: Array, depreciation: float) -> Array:
    """Return stocks from yearly flows by perpetual inventory.

    Parameters
    ----------
    flows : (years,) array
    depreciation : float

    Returns
    -------
    (years,) array
        The first stock is that of flows that have always grown at their mean rate.

    Examples
    --------
    >>> accumulate(np.array([10.0, 10.0]), 0.1)
    array([100., 100.])
    """
    growth = (flows[-1] / flows[0]) ** (1 / (len(flows) - 1)) - 1 if flows[0] > 0 else np.inf
    stock = np.empty(len(flows))
    settled = growth + depreciation > 0 and np.isfinite(growth)
    stock[0] = flows[0] * (1 + growth) / (growth + depreciation) if settled else flows[0]
    for t in range(1, len(flows)):
        stock[t] = (1 - depreciation) * stock[t - 1] + flows[t]
    return stock


def presence_levels(
    io: IOTable, presence: PresenceChange | Mapping[str, float | tuple[float, float, float]]
) -> Array:
    """Return low, central and high presence of each sector of a table.

    Parameters
    ----------
    io : IOTable
    presence : PresenceChange, or mapping of sector to number or (low, central, high)
        In percentage points; sectors that are not named have none.

    Returns
    -------
    (3, sectors) array

    Raises
    ------
    SchemaError
        For unknown sectors, or numbers outside -100 to 100 or falling.
    """
    if isinstance(presence, PresenceChange):
        table = presence.table
        values = {
            str(code): tuple(row)
            for code, row in zip(table["code"], table[list(LEVELS)].to_numpy(), strict=True)
        }
    elif isinstance(presence, Mapping):
        values = {
            str(k): tuple(v) if isinstance(v, tuple | list) else (v,) * 3
            for k, v in presence.items()
        }
    else:
        raise SchemaError(
            f"presence is a {type(presence).__name__}; give what sp.case.presence_change(io) "
            "returns, or a mapping of sectors to percentage points."
        )
    unknown = sorted(set(values) - set(io.sectors))
    if unknown:
        raise SchemaError(f"presence names {preview(unknown)}, which are no sectors of the table.")
    for code, given in values.items():
        if (
            len(given) != len(LEVELS)
            or not all(abs(float(v)) <= POINTS for v in given)
            or not given[0] <= given[1] <= given[2]
        ):
            raise SchemaError(
                f"presence of {code!r} is {given!r}: give percentage points, low to high."
            )
    zero = (0.0, 0.0, 0.0)
    return np.array([values.get(code, zero) for code in io.sectors], dtype=np.float64).T


def check_sourcing(given: object) -> Sourcing:
    """Return the sourcing, that of the case by default, or raise."""
    if given is None:
        return sourcing()
    if not isinstance(given, Sourcing):
        raise SchemaError(
            f"sourcing is a {type(given).__name__}; give sp.case.sourcing(), with other numbers by "
            ".with_ranges({...})."
        )
    return given

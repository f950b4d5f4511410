"""How far behind a firm is, and how well it can absorb: gap and absorptive capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, check_choice
from spillover.moderators._columns import add, chosen, keys_of, numbers, ratio_of, read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from spillover._frames import NativeFrame
    from spillover.firms import FirmPanel

Productivity = str | tuple[str, str]
Frontier = float | str


def technology_gap(
    panel: FirmPanel | NativeFrame,
    *,
    productivity: Productivity = "tfp",
    frontier: Frontier = "mean",
    of: Literal["foreign", "domestic", "all"] = "foreign",
    by: Sequence[str] = ("industry", "year"),
    square: bool = False,
    name: str = "gap",
) -> NativeFrame:
    """Add a firm's distance to the frontier of its industry and year, in logs.

    Parameters
    ----------
    panel : FirmPanel or data frame
    productivity : str or (str, str)
        A column in logs; or two in levels, of which the first is divided by the second:
        ``("output", "employment")`` for output per worker.
    frontier : "mean" or float
        Of the firms that make the frontier: the mean (of logs for a column in logs, of levels for
        a ratio, whose log is then taken), or a percentile above 0; 100 is the best firm.
    of : {"foreign", "domestic", "all"}
        Whose productivity makes the frontier; foreign from a share of 10 percent.
    by : sequence of str
        What makes a group.
    square : bool
        Add the square, too, as ``<name>_squared``.
    name : str
        The new column. Above 0 the firm is behind.

    Returns
    -------
    FirmPanel or data frame
        As ``panel``.

    Raises
    ------
    SchemaError
        For absent columns, an unknown frontier, or a name that is taken.

    Warns
    -----
    SpilloverWarning
        With the count of firm-years without a gap: no firm at the frontier, or no productivity.

    Notes
    -----
    A firm that makes the frontier is part of its own frontier. A gap from the outcome's own data is
    tied to the outcome by construction: use that of an earlier year (``lag(gap)`` in the formula).

    References
    ----------
    Findlay, R. (1978), Quarterly Journal of Economics 92(1): a wide gap leaves more to learn.
    Kokko, A. (1994), Journal of Development Economics 43(2): it may be too wide. Girma, S.,
    Greenaway, D. & Wakelin, K. (2001), Scottish Journal of Political Economy 48(2): a percentile
    as the frontier. All three are recalled. Takii, S. (2005), Journal of Development Economics
    76(2); Sjöholm, F. (1999), Journal of Development Studies 36(1).

    Examples
    --------
    >>> frame = pd.DataFrame({"industry": "a", "year": 2000, "tfp": [1.0, 1.5, 2.0],
    ...     "foreign_share": [0.0, 0.0, 1.0]})
    >>> technology_gap(frame, square=True)[["gap", "gap_squared"]].to_numpy().tolist()
    [[1.0, 1.0], [0.5, 0.25], [0.0, 0.0]]
    """
    keys = keys_of(by)
    frame = read(panel, [*_columns(productivity), *keys, *_share(of)], "technology_gap")
    own, best, logs = _compared(frame, productivity, frontier, of, keys)
    gap = best - own if logs else _log(best) - _log(own)
    columns = {name: gap} | ({f"{name}_squared": gap**2} if square else {})
    without = f"want of {of} firms in the group" if of != "all" else "want of firms in the group"
    reasons = {"want of own productivity": own.isna(), without: best.isna()}
    return add(panel, columns, reasons)


def absorptive_capacity(
    panel: FirmPanel | NativeFrame,
    *,
    productivity: Productivity = "tfp",
    frontier: Frontier = 100.0,
    of: Literal["foreign", "domestic", "all"] = "all",
    by: Sequence[str] = ("industry", "year"),
    lag: int = 1,
    at: Literal["lag", "entry"] = "lag",
    square: bool = False,
    name: str = "absorptive_capacity",
) -> NativeFrame:
    """Add a firm's productivity relative to the frontier of its industry, in an earlier year.

    Parameters
    ----------
    panel : FirmPanel or data frame
        With firm and year.
    productivity : str or (str, str)
        As in :func:`technology_gap`.
    frontier : "mean" or float
        As in :func:`technology_gap`; by default the best firm.
    of : {"all", "foreign", "domestic"}
    by : sequence of str
    lag : int
        Calendar years back, 0 or more, for ``at="lag"``.
    at : {"lag", "entry"}
        ``"entry"`` takes the firm's first year with a value, for all its years: what it could
        absorb before presence had any effect on it. Its first year in the panel need not be its
        first year of life.
    square : bool
        Add the square, too, as ``<name>_squared``.
    name : str
        The new column: own productivity over the frontier's, in levels (1 at the frontier).

    Returns
    -------
    FirmPanel or data frame
        As ``panel``.

    Raises
    ------
    SchemaError
        For absent columns, an unknown option, a firm with two rows in a year, or a name that is
        taken.

    Warns
    -----
    SpilloverWarning
        With the count of firm-years without a value: no row ``lag`` years before, say.

    References
    ----------
    Cohen, W. & Levinthal, D. (1990), Administrative Science Quarterly 35(1), for the term; Girma,
    S. (2005), Oxford Bulletin of Economics and Statistics 67(3), for productivity relative to the
    best firm, a year earlier (both recalled).

    Examples
    --------
    >>> frame = pd.DataFrame({"firm": [1, 2, 1, 2], "year": [2000, 2000, 2001, 2001],
    ...     "industry": "a", "output": [5.0, 10.0, 8.0, 8.0], "employment": 1.0})
    >>> made = absorptive_capacity(frame, productivity=("output", "employment"), at="entry")
    >>> made["absorptive_capacity"].tolist()
    [0.5, 1.0, 0.5, 1.0]
    """
    check_choice("at", at, ("lag", "entry"))
    if isinstance(lag, bool) or not isinstance(lag, int) or lag < 0:
        raise SchemaError(f"lag={lag!r}: give a whole number of calendar years, 0 or more.")
    keys = keys_of(by)
    names = ["firm", "year", *_columns(productivity), *keys, *_share(of)]
    frame = read(panel, names, "absorptive_capacity")
    own, best, logs = _compared(frame, productivity, frontier, of, keys)
    now = pd.Series(np.exp(own - best)) if logs else own / best.where(best > 0)
    if at == "entry":
        moved = _first_value(frame, now)
        why = {"firms without a value in any year": moved.isna()}
    else:
        moved = earlier(frame, now, lag)
        why = {f"want of a value {lag} year(s) before": moved.isna()}
    columns = {name: moved} | ({f"{name}_squared": moved**2} if square else {})
    return add(panel, columns, why)


def earlier(frame: pd.DataFrame, values: pd.Series[Any], years: int) -> pd.Series[Any]:
    """Return the firm's value of an earlier calendar year; missing where there is none.

    Raises
    ------
    SchemaError
        If a firm has two rows in a year.
    """
    if years == 0:
        return values
    index = pd.MultiIndex.from_arrays([frame["firm"], frame["year"]])
    if index.has_duplicates:
        count = int(index.duplicated().sum())
        raise SchemaError(
            f"{count:,} rows repeat a firm and year; the value {years} year(s) before is not "
            "unique. Keep one row per firm and year."
        )
    before = pd.MultiIndex.from_arrays([frame["firm"], frame["year"] - years])
    return pd.Series(pd.Series(values.to_numpy(), index).reindex(before).to_numpy(), frame.index)


def _first_value(frame: pd.DataFrame, values: pd.Series[Any]) -> pd.Series[Any]:
    """Give all of a firm's years the value of the first year that has one."""
    known = pd.DataFrame({"firm": frame["firm"], "year": frame["year"], "value": values})
    known = known.dropna().sort_values("year", kind="stable").drop_duplicates("firm")
    first: pd.Series[Any] = frame["firm"].map(known.set_index("firm")["value"])
    return first.astype(float)


def _columns(productivity: Productivity) -> list[str]:
    if isinstance(productivity, str):
        return [productivity]
    pair = list(productivity)
    if len(pair) != 2:
        raise SchemaError(
            f"productivity={productivity!r}: give a column in logs, or a pair of columns in "
            "levels, such as ('output', 'employment')."
        )
    return pair


def _share(of: str) -> list[str]:
    return [] if of == "all" else ["foreign_share"]


def _compared(
    frame: pd.DataFrame, productivity: Productivity, frontier: Frontier, of: str, keys: list[str]
) -> tuple[pd.Series[float], pd.Series[float], bool]:
    """Return own and frontier productivity, and whether both are in logs."""
    logs = isinstance(productivity, str)
    own = (
        numbers(frame, productivity)
        if isinstance(productivity, str)
        else ratio_of(frame, *productivity)
    )
    own = own.where(np.isfinite(own) & (True if logs else own > 0))
    there = own.where(chosen(frame, of))
    groups = there.groupby([frame[key] for key in keys])
    if frontier == "mean":
        return own, groups.transform("mean"), logs
    good = isinstance(frontier, int | float) and not isinstance(frontier, bool)
    if not good or not 0 < float(frontier) <= 100:
        raise SchemaError(
            f"frontier={frontier!r}: give 'mean', or a percentile above 0 and up to 100."
        )
    quantile = float(frontier) / 100
    best = groups.quantile(quantile)
    index = pd.MultiIndex.from_frame(frame[keys]) if len(keys) > 1 else pd.Index(frame[keys[0]])
    return own, pd.Series(best.reindex(index).to_numpy(), frame.index), logs


def _log(values: pd.Series[float]) -> pd.Series[float]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return pd.Series(np.log(values), values.index)

"""From a firm panel in levels to the logged, checked, sorted arrays of each group.

>>> import pandas as pd
>>> frame = pd.DataFrame({"firm": [7, 7, 7, 8], "year": [2000, 2001, 2003, 2001],
...     "industry": "15", "output": [8.0, 9.0, 7.0, 5.0], "employment": [3.0, 4.0, 2.0, 2.0],
...     "capital": [9.0, 9.0, 8.0, 0.0], "materials": [2.0, 3.0, 2.0, 1.0]})
>>> groups, report = build_inputs(frame, output="output", free=["employment"],
...     state=["capital"], proxy="materials", by="industry", least=1)
>>> one = groups["15"]                           # rows sorted by firm and year
>>> one.y.shape, one.free.shape, one.state.shape, one.proxy.shape, one.X.shape, one.names.inputs
((3,), (3, 1), (3, 1), (3,), (3, 2), ('employment', 'capital'))
>>> one.previous.tolist(), one.lagged(one.year.astype(float)).tolist()   # calendar lag, NaN: none
([-1, 0, -1], [nan, 2000.0, nan])
>>> dict(report.dropped), one.row.tolist()       # row: position in `frame`
({'capital is not positive': 1}, [0, 1, 2])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, did_you_mean, preview, rows
from spillover.production._checks import group_problem
from spillover.production.inputs import Inputs, Names, Report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["ALL", "Inputs", "Names", "Report", "build_inputs", "codes", "firm_codes"]

ALL = "all"
"""The name of the one group when there is no ``by``."""


def build_inputs(
    frame: pd.DataFrame,
    *,
    output: str,
    free: Sequence[str] = (),
    state: Sequence[str] = (),
    proxy: str | None = None,
    by: str | None = "industry",
    markov: Sequence[str] = (),
    extra: Sequence[str] = (),
    complete: Sequence[str] = (),
    linear: Sequence[str] = (),
    logged: bool = False,
    optional: Sequence[str] = (),
    driver_lag: int = 1,
    least: int = 30,
    least_firms: int = 1,
    least_second: int = 0,
) -> tuple[dict[str, Inputs], Report]:
    """Log, check and split a panel.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns firm, year, ``by`` and those named below, in levels.
    output, free, state, proxy : names of columns
    by : str, optional
        Groups estimated apart.
    markov : sequence of str
        Drivers of productivity, taken as they are (never logged).
    extra : sequence of str
        Columns passed through as they are.
    complete : sequence of str
        Those of them whose missing or infinite values cost the row.
    linear : sequence of str
        Columns among free, state and proxy that are not to be logged, such as age.
    logged : bool
        Output and inputs are logs already.
    optional : sequence of str
        Columns whose missing or non-positive values do not cost the row (they become NaN).
    driver_lag : {0, 1}
        Years by which the drivers lag.
    least, least_firms, least_second : int
        Groups with fewer rows, firms, or rows with a lag (and known drivers) are reported as
        failed.

    Returns
    -------
    groups : dict of str to Inputs
        In the order of their names.
    report : Report

    Raises
    ------
    SchemaError
        For absent, repeated or non-numeric columns, years that are not whole, and for repeated
        firm-years.
    """
    numeric = [output, *free, *state, *([proxy] if proxy else [])]
    _check_columns(frame, numeric, [*markov, *extra], by, linear)
    why = _row_reasons(frame, numeric, by, {*linear} | ({*numeric} if logged else set()), optional)
    for name in complete:
        unknown = ~np.isfinite(frame[name].to_numpy(dtype=float, na_value=np.nan))
        why[(why == "").to_numpy() & unknown] = f"{name} is missing or infinite"
    good = (why == "").to_numpy()
    _check_repeated(frame, good)
    values = {}
    for name in dict.fromkeys(numeric):
        column = frame[name].to_numpy(dtype=float, na_value=np.nan)
        values[name] = column if logged or name in linear else _log(column)
    survives = _survives(frame)
    names = Names(output, tuple(free), tuple(state), proxy, tuple(markov))
    raw = {n: frame[n].to_numpy(dtype=float, na_value=np.nan) for n in (*markov, *extra)}
    label = codes(frame[by]) if by else np.full(len(frame), ALL, dtype=object)
    lost = _by_reason(why, label)
    groups: dict[str, Inputs] = {}
    failed: dict[str, str] = {}
    number, listed = pd.factorize(label[good])
    for group, place in sorted(zip(listed, range(len(listed)), strict=True)):
        rows_of = np.flatnonzero(good)[number == place]
        made = _one_group(
            group,
            frame,
            rows_of,
            values=values,
            raw=raw,
            survives=survives,
            names=names,
            driver_lag=driver_lag,
        )
        problem = group_problem(made, least, least_firms, set(optional), least_second)
        if problem:
            failed[group] = problem
            why.iloc[rows_of] = f"{by or 'sample'} {group} is not estimated: {problem}"
        else:
            groups[group] = made
    dropped = why[why != ""].value_counts(sort=True)
    counts = {str(reason): int(count) for reason, count in dropped.items()}
    used = sum(len(group) for group in groups.values())
    return groups, Report(len(frame), used, counts, failed, why, where=lost)


def _by_reason(why: pd.Series[str], label: NDArray[Any]) -> dict[str, dict[str, int]]:
    """Count the rows left out by reason and group."""
    lost = (why != "").to_numpy()
    table = pd.DataFrame({"why": why.to_numpy()[lost], "group": label[lost]})
    return {
        str(reason): {str(group): int(n) for group, n in part["group"].value_counts().items()}
        for reason, part in table.groupby("why", sort=True)
    }


def codes(column: pd.Series[Any]) -> NDArray[Any]:
    """Return codes as text; 15 and 15.0 are "15".

    Parameters
    ----------
    column : Series

    Returns
    -------
    array of str

    Examples
    --------
    >>> codes(pd.Series([15.0, 17.0])).tolist(), codes(pd.Series(["015", "C"])).tolist()
    (['15', '17'], ['015', 'C'])
    """
    if pd.api.types.is_float_dtype(column.dtype):
        known = column.dropna()
        if np.isfinite(known.to_numpy(dtype=float)).all() and (known % 1 == 0).all():
            column = column.astype("Int64")
    return column.astype(str).to_numpy(dtype=object)


def _log(column: NDArray[np.float64]) -> NDArray[np.float64]:
    positive = column > 0
    return np.where(positive, np.log(np.where(positive, column, 1.0)), np.nan)


def firm_codes(firms: pd.Series[Any]) -> NDArray[np.int64]:
    """Return firms as numbers in the order of their names, whatever the order of rows.

    Parameters
    ----------
    firms : Series

    Returns
    -------
    array of int

    Examples
    --------
    >>> firm_codes(pd.Series(["b", "a", "b"])).tolist()
    [1, 0, 1]
    """
    try:
        return pd.factorize(firms, sort=True)[0].astype(np.int64)
    except TypeError:  # names of several types, which have no order
        return pd.factorize(firms)[0].astype(np.int64)


def _check_columns(
    frame: pd.DataFrame,
    numeric: list[str],
    others: list[str],
    by: str | None,
    linear: Sequence[str],
) -> None:
    """Raise for columns that are absent, used twice or no numbers; all at once."""
    problems = [
        f"linear={name!r} is no output, input or proxy.{did_you_mean(name, numeric)}"
        for name in linear
        if name not in numeric
    ]
    for name in dict.fromkeys(["firm", "year", *([by] if by else []), *numeric, *others]):
        if name not in frame.columns:
            hint = did_you_mean(name, [str(column) for column in frame.columns])
            problems.append(f"there is no column {name!r}.{hint}")
        elif name in (*numeric, *others, "year"):
            kind = frame[name].dtype
            if not pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind):
                first = preview(frame[name].dropna().head(3).tolist())
                problems.append(f"{name} holds no numbers (first values: {first}). Convert it.")
            elif name == "year" and (broken := _broken_years(frame)):
                problems.append(broken)
    twice = [name for name in dict.fromkeys(numeric) if numeric.count(name) > 1]
    if twice:
        problems.append(f"{preview(twice)} has two roles. Name each input once.")
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise SchemaError(f"The production function cannot be set up:\n{lines}")


def _broken_years(frame: pd.DataFrame) -> str:
    """Name the years that are no whole numbers, or ""."""
    year = frame["year"].to_numpy(dtype=float, na_value=np.nan)
    broken = year[~np.isnan(year) & (year % 1 != 0)]
    if not broken.size:
        return ""
    first = preview(broken[:3].tolist())
    return f"year is not whole in {rows(broken.size)} (first: {first}). Convert it."


def _row_reasons(
    frame: pd.DataFrame,
    numeric: list[str],
    by: str | None,
    unlogged: set[str],
    optional: Sequence[str],
) -> pd.Series[str]:
    """Give every row the first reason that keeps it out, or ""."""
    why = np.full(len(frame), "", dtype=object)

    def mark(bad: NDArray[np.bool_], reason: str) -> None:
        why[bad & (why == "")] = reason

    for key in ["firm", "year", *([by] if by else [])]:
        mark(frame[key].isna().to_numpy(), f"{key} is missing")
    for name in dict.fromkeys(numeric):
        if name in optional:
            continue
        column = frame[name].to_numpy(dtype=float, na_value=np.nan)
        mark(np.isnan(column), f"{name} is missing")
        mark(np.isinf(column), f"{name} is infinite")
        if name not in unlogged:
            mark(column <= 0, f"{name} is not positive")
    return pd.Series(why, index=frame.index, name="why_missing", dtype=object)


def _check_repeated(frame: pd.DataFrame, good: NDArray[np.bool_]) -> None:
    keys = frame.loc[good, ["firm", "year"]]
    twice = keys.duplicated(keep=False)
    if twice.any():
        first = keys[twice].drop_duplicates().head(3).itertuples(index=False)
        shown = "; ".join(f"firm {row.firm}, {row.year}" for row in first)
        raise SchemaError(
            f"{int(twice.sum()):,} rows share their firm and year with another ({shown}). "
            "Keep one row per firm and year."
        )


def _survives(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Tell whether the firm is in the panel in the next calendar year."""
    known = frame["firm"].notna().to_numpy() & frame["year"].notna().to_numpy()
    out = np.full(len(frame), np.nan)
    if not known.any():
        return out
    firm = pd.factorize(frame["firm"])[0].astype(np.int64)
    year = np.where(known, frame["year"].to_numpy(dtype=float, na_value=np.nan), 0).astype(np.int64)
    last = year[known].max()
    span = int(last - year[known].min()) + 3
    key = firm * span + (year - year[known].min())
    there = np.isin(key + 1, key[known])
    out[known] = there[known]
    out[known & (year == last)] = np.nan
    return out


def _one_group(
    group: str,
    frame: pd.DataFrame,
    at: NDArray[np.int64],
    *,
    values: Mapping[str, NDArray[np.float64]],
    raw: Mapping[str, NDArray[np.float64]],
    survives: NDArray[np.float64],
    names: Names,
    driver_lag: int,
) -> Inputs:
    firm = firm_codes(frame["firm"].iloc[at])
    year = frame["year"].iloc[at].to_numpy(dtype=np.int64)
    order = np.lexsort((year, firm))
    at, firm, year = at[order], firm[order], year[order]
    previous = np.full(len(at), -1, dtype=np.int64)
    follows = np.flatnonzero((firm[1:] == firm[:-1]) & (year[1:] == year[:-1] + 1)) + 1
    previous[follows] = follows - 1

    def stack(columns: Sequence[str]) -> NDArray[np.float64]:
        return (
            np.column_stack([values[name][at] for name in columns])
            if columns
            else np.empty((len(at), 0))
        )

    drivers = (
        np.column_stack([raw[name][at] for name in names.markov])
        if names.markov
        else np.empty((len(at), 0))
    )
    if driver_lag:
        drivers = np.where((previous >= 0)[:, None], drivers[previous], np.nan)
    return Inputs(
        group=group,
        y=values[names.output][at],
        free=stack(names.free),
        state=stack(names.state),
        proxy=values[names.proxy][at] if names.proxy else None,
        markov=drivers,
        firm=firm,
        year=year,
        previous=previous,
        survives=survives[at],
        weights=np.ones(len(at)),
        row=at,
        names=names,
        extra={name: raw[name][at] for name in raw if name not in names.markov},
    )

"""The checks that a firm panel must pass, each with its count, first rows and mend."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pandas as pd

from spillover.errors import SchemaError, preview, rows

LATEST_YEAR = 9999
EXACT = 2**53
"""Whole numbers beyond this are not exact as floats."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one column."""

    column: str
    text: str

    def __str__(self) -> str:
        return f"{self.column}: {self.text}"


def collected(problems: list[Problem]) -> SchemaError:
    """Return one error that lists every problem."""
    lines = "\n".join(f"  - {problem}" for problem in problems)
    many = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return SchemaError(f"The firm panel has {many}:\n{lines}")


def key_problems(frame: nw.DataFrame[Any], numeric: list[str]) -> list[Problem]:
    """Find columns of the wrong type, before any value is looked at.

    Parameters
    ----------
    frame : narwhals.DataFrame
        Canonical names.
    numeric : list of str
        Columns that must hold numbers.

    Returns
    -------
    list of Problem
    """
    problems = []
    for name in ("year", *numeric):
        dtype = frame.schema[name]
        if dtype.is_numeric() or (dtype == nw.Boolean and name == "foreign_share"):
            continue
        problems.append(_not_numbers(frame[name]))
    if frame.schema["year"].is_numeric():
        problems += _not_whole(frame, "year", LATEST_YEAR, "Years are whole numbers.")
    codes = "Give the codes as text or whole numbers."
    dtype = frame.schema["industry"]
    if dtype.is_float():
        problems += _not_whole(frame, "industry", EXACT, codes)
    elif not (dtype.is_integer() or isinstance(dtype, nw.String | nw.Categorical | nw.Enum)):
        problems.append(Problem("industry", f"holds {_kind(frame['industry'])}. {codes}"))
    first = frame["firm"].drop_nulls().head(1).to_list()
    if first and not isinstance(first[0], Hashable):
        problems.append(Problem("firm", f"holds {_kind(frame['firm'])}. Give text or numbers."))
    return problems


def _kind(column: nw.Series[Any]) -> str:
    """Name a column's type with its first values."""
    name = "values of several types" if column.dtype == nw.Object else str(column.dtype)
    return f"{name} (first values: {preview(column.drop_nulls().head(3).to_list(), 3)})"


def _not_numbers(column: nw.Series[Any]) -> Problem:
    """Say what stands where numbers should; of text, the first values that are no numbers."""
    text = column.drop_nulls()
    if column.dtype == nw.String:
        values = pd.Series(text.to_list(), dtype=object)
        odd = values[pd.to_numeric(values, errors="coerce").isna()]
        where = (
            f"text; {rows(len(odd))} cannot be read as a number ({preview(odd.unique(), 3)})"
            if len(odd)
            else f"numbers written as text (first values: {preview(values[:3], 3)})"
        )
        return Problem(column.name, f"holds {where}. Convert it, as with pandas.to_numeric.")
    return Problem(column.name, f"holds {_kind(column)}, not numbers. Convert it to numbers.")


def _not_whole(frame: nw.DataFrame[Any], name: str, top: int, mend: str) -> list[Problem]:
    """Find numbers that are infinite, too large, or fractions."""
    value = nw.col(name)
    known = frame.select(value).drop_nulls()
    if frame.schema[name].is_float():
        known = known.filter(~value.is_nan())
        finite = known.filter(value.is_finite())
        found = {
            "infinite": known.filter(~value.is_finite()),
            "not whole": finite.filter(value != value.round(0)),
        }
        known = finite
    else:
        found = {}
    found[f"beyond {top:,}"] = known.filter((value > top) | (value < -top))
    return [
        Problem(
            name, f"{what} in {rows(len(bad))} ({preview(bad[name].head(3).to_list(), 3)}). {mend}"
        )
        for what, bad in found.items()
        if len(bad)
    ]


def value_problems(
    frame: nw.DataFrame[Any], numeric: list[str], foreign_share_unit: str
) -> list[Problem]:
    """Find values out of range and repeated firm-years.

    Parameters
    ----------
    frame : narwhals.DataFrame
        Canonical names and types.
    numeric : list of str
    foreign_share_unit : {"share", "percent"}
        As the user declared it.

    Returns
    -------
    list of Problem
    """
    problems = []
    for name in numeric:
        infinite = ~(nw.col(name).is_null() | nw.col(name).is_finite())
        problems += _flag(frame, name, infinite, "infinite", "Fix or blank them.")
        if name in {"foreign_share", "investment", "value_added"}:
            continue
        problems += _flag(frame, name, nw.col(name) < 0, "negative", "Fix or blank them.")
    problems += _share_problems(frame, foreign_share_unit)
    return problems + _repeated(frame)


def _flag(frame: nw.DataFrame[Any], name: str, bad: nw.Expr, what: str, mend: str) -> list[Problem]:
    flagged = frame.filter(bad.fill_null(value=False))
    if len(flagged) == 0:
        return []
    where = f"{rows(len(flagged))} ({_first(flagged, name)})"
    return [Problem(name, f"{what} in {where}. {mend}")]


def _first(flagged: nw.DataFrame[Any], name: str) -> str:
    first = flagged.select("firm", "year", name).head(3).rows()
    shown = "; ".join(f"firm {firm}, {year}: {value:g}" for firm, year, value in first)
    return shown + ("; ..." if len(flagged) > 3 else "")


def _share_problems(frame: nw.DataFrame[Any], unit: str) -> list[Problem]:
    share = nw.col("foreign_share")
    if frame["foreign_share"].is_null().all():
        return [
            Problem(
                "foreign_share", "missing in every row; presence cannot be measured without it."
            )
        ]
    if unit == "share":
        mend = "If they are percent, pass foreign_share_unit='percent'."
        return _flag(frame, "foreign_share", (share < 0) | (share > 1), "outside 0 to 1", mend)
    top = frame["foreign_share"].max()
    if 0 < top <= 0.01:
        return [
            Problem(
                "foreign_share",
                f"declared as percent, but no value is above 1 (largest: {100 * top:g}). "
                "If they are shares, pass foreign_share_unit='share'.",
            )
        ]
    percent = frame.with_columns(share * 100)
    return _flag(
        percent,
        "foreign_share",
        (share < 0) | (share > 100),
        "outside 0 to 100",
        "Fix or blank them.",
    )


def _repeated(frame: nw.DataFrame[Any]) -> list[Problem]:
    if not frame.select("firm", "year").is_duplicated().any():
        return []
    counts = frame.group_by("firm", "year").agg(nw.len().alias("n")).filter(nw.col("n") > 1)
    first = counts.sort("firm", "year").head(3).rows()
    shown = "; ".join(f"firm {firm}, {year}: {n} rows" for firm, year, n in first)
    return [
        Problem(
            "firm, year",
            f"{len(counts):,} firm-year(s) stand more than once ({shown}"
            f"{'; ...' if len(counts) > 3 else ''}). Keep one row per firm and year.",
        )
    ]


def report_notes(frame: nw.DataFrame[Any]) -> tuple[str, ...]:
    """List what a reader of a valid panel should still know.

    Parameters
    ----------
    frame : narwhals.DataFrame
        Canonical names and types.

    Returns
    -------
    tuple of str
    """
    notes = []
    for name in ("output", "foreign_share"):
        missing = int(frame[name].is_null().sum())
        if missing:
            notes.append(
                f"{name} is missing in {missing:,} of {rows(len(frame))}, "
                "which do not count towards presence"
            )
    if "exports" in frame.columns:
        above = len(frame.filter((nw.col("exports") > nw.col("output")).fill_null(value=False)))
        if above:
            notes.append(f"exports exceed output in {rows(above)}")
    return tuple(notes)

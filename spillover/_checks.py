"""The checks that a firm panel must pass, each with its count, first rows and mend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw

from spillover.errors import preview


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one column."""

    column: str
    text: str

    def __str__(self) -> str:
        return f"{self.column}: {self.text}"


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
        first = preview(frame[name].drop_nulls().head(3).to_list(), 3)
        problems.append(
            Problem(
                name, f"holds {dtype}, not numbers (first values: {first}). Convert it to numbers."
            )
        )
    if frame.schema["year"].is_float():
        problems += _fractional(frame, "year", "Years are whole numbers.")
    dtype = frame.schema["industry"]
    if dtype.is_float():
        problems += _fractional(frame, "industry", "Give the codes as text or whole numbers.")
    elif dtype == nw.Object or not (
        dtype.is_integer() or dtype in {nw.String, nw.Categorical, nw.Enum}
    ):
        problems.append(
            Problem("industry", f"holds {dtype}. Give the codes as text or whole numbers.")
        )
    return problems


def _fractional(frame: nw.DataFrame[Any], name: str, mend: str) -> list[Problem]:
    known = frame.select(nw.col(name).fill_nan(None)).drop_nulls()
    whole = known.filter(nw.col(name).is_finite())
    bad = whole.filter(nw.col(name) != nw.col(name).round(0))
    found = bad[name].head(3).to_list()
    infinite = len(known) - len(whole)
    problems = []
    if found:
        problems.append(
            Problem(name, f"{len(bad):,} values are not whole ({preview(found, 3)}). {mend}")
        )
    if infinite:
        problems.append(Problem(name, f"{infinite:,} values are infinite. {mend}"))
    return problems


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
        problems += _flag(frame, name, ~nw.col(name).is_finite(), "infinite", "Fix or blank them.")
        if name in {"foreign_share", "investment", "value_added"}:
            continue
        problems += _flag(frame, name, nw.col(name) < 0, "negative", "Fix or blank them.")
    problems += _share_problems(frame, foreign_share_unit)
    return problems + _repeated(frame)


def _flag(frame: nw.DataFrame[Any], name: str, bad: nw.Expr, what: str, mend: str) -> list[Problem]:
    flagged = frame.filter(bad.fill_null(value=False))
    if len(flagged) == 0:
        return []
    return [Problem(name, f"{len(flagged):,} values are {what} ({_rows(flagged, name)}). {mend}")]


def _rows(flagged: nw.DataFrame[Any], name: str) -> str:
    first = flagged.select("firm", "year", name).head(3).rows()
    shown = "; ".join(f"firm {firm}, {year}: {value:g}" for firm, year, value in first)
    return shown + ("; ..." if len(flagged) > 3 else "")


def _share_problems(frame: nw.DataFrame[Any], unit: str) -> list[Problem]:
    share = nw.col("foreign_share")
    top = frame["foreign_share"].max()
    if top is None:
        return [Problem("foreign_share", "every value is missing; presence cannot be measured.")]
    if unit == "share":
        mend = "If they are percent, pass foreign_share_unit='percent'."
        return _flag(frame, "foreign_share", (share < 0) | (share > 1), "outside 0 to 1", mend)
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
            f"{len(counts):,} firm-years stand more than once ({shown}). "
            "Keep one row per firm and year.",
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
                f"{name} is missing in {missing:,} of {len(frame):,} rows, "
                "which do not count towards presence"
            )
    if "exports" in frame.columns:
        above = len(frame.filter((nw.col("exports") > nw.col("output")).fill_null(value=False)))
        if above:
            notes.append(f"exports exceed output in {above:,} rows")
    return tuple(notes)

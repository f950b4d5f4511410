"""Firm panels that stay where they are: DuckDB relations, Polars LazyFrames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw

from spillover._canonical import NUMERIC
from spillover._frames import collect
from spillover.errors import SchemaError, did_you_mean, preview
from spillover.firms import FirmPanel

if TYPE_CHECKING:
    from spillover._frames import NativeFrame

NEEDED = ("firm", "year", "industry", "foreign_share")
KEYS = NEEDED[:3]
SIGNED = ("foreign_share", "investment", "value_added")


def lazy_rows(firms: FirmPanel | NativeFrame) -> nw.LazyFrame[Any] | None:
    """Return the checked rows of a lazy frame, and None for everything else.

    Parameters
    ----------
    firms : FirmPanel or data frame

    Returns
    -------
    narwhals.LazyFrame or None
        Numbers as floats, NaN as missing values, industries as text.

    Raises
    ------
    SchemaError
        If a lazy frame lacks a canonical column, holds text for numbers, has no rows, missing
        keys, repeated firm-years, negative or infinite numbers, or foreign shares outside 0 to 1.
        The checks run where the data lie.
    """
    if isinstance(firms, FirmPanel):
        return None
    frame = nw.from_native(firms, pass_through=True)
    if not isinstance(frame, nw.LazyFrame):
        return None
    numbers = _check_columns(frame)
    frame = frame.with_columns(*(_number(name) for name in numbers if name != "year"))
    _check_values(frame, [name for name in numbers if name not in {"year", *SIGNED}])
    industry = nw.col("industry")
    if frame.collect_schema()["industry"].is_numeric():
        industry = industry.cast(nw.Int64)
    frame = frame.with_columns(nw.col("year").cast(nw.Int64), industry.cast(nw.String))
    repeated = collect(
        frame.group_by("firm", "year")
        .agg(nw.len().alias("n"))
        .filter(nw.col("n") > 1)
        .select(nw.len().alias("cells"))
    ).rows()[0][0]
    if repeated:
        raise SchemaError(f"{repeated:,} firm-years stand more than once in the lazy frame.")
    return frame


def _number(name: str) -> nw.Expr:
    """Cast to floats; decimals and whole numbers could overflow as they are squared."""
    return nw.col(name).cast(nw.Float64).fill_nan(None)


def _check_columns(frame: nw.LazyFrame[Any]) -> list[str]:
    """Return the canonical columns that hold numbers, once they do."""
    schema = frame.collect_schema()
    for name in NEEDED:
        if name not in schema:
            hint = did_you_mean(name, schema.names())
            raise SchemaError(f"The lazy frame has no column {name!r}; rename it first.{hint}")
    numbers = [name for name in ("year", *NUMERIC) if name in schema]
    for name in numbers:
        if not schema[name].is_numeric():
            raise SchemaError(f"{name} holds {schema[name]}, not numbers. Convert it to numbers.")
    return numbers


def _check_values(frame: nw.LazyFrame[Any], unsigned: list[str]) -> None:
    share, year = nw.col("foreign_share"), nw.col("year").cast(nw.Float64).fill_nan(None)
    bad = {name: (nw.col(name) < 0) | ~nw.col(name).is_finite() for name in unsigned}
    found = collect(
        frame.select(
            nw.len().alias("rows"),
            share.count().alias("shares"),
            ((share < 0) | (share > 1)).sum().alias("outside"),
            (year != year.round(0)).sum().alias("parts"),
            *(nw.col(name).is_null().sum().alias(f"no {name}") for name in ("firm", "industry")),
            year.is_null().sum().alias("no year"),
            *(expression.sum().alias(f"bad {name}") for name, expression in bad.items()),
        )
    ).rows(named=True)[0]
    if not found["rows"]:
        raise SchemaError("The lazy frame has no rows. Check how it was filtered or read.")
    missing = [name for name in KEYS if found[f"no {name}"]]
    if missing:
        raise SchemaError(f"The lazy frame lacks {preview(missing)} in some rows; filter them out.")
    if not found["shares"]:
        raise SchemaError("In the lazy frame no row has a foreign share; presence needs it.")
    if found["outside"]:
        raise SchemaError(
            f"{found['outside']:,} foreign shares lie outside 0 to 1; divide percent by 100."
        )
    if found["parts"]:
        raise SchemaError(f"year: {found['parts']:,} rows hold no whole years.")
    for name in unsigned:
        if found[f"bad {name}"]:
            raise SchemaError(
                f"{name!r} is negative or infinite in {found[f'bad {name}']:,} rows of the lazy "
                "frame. Fix or blank them."
            )

"""Firm panels that stay where they are: DuckDB relations, Polars LazyFrames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw

from spillover._frames import collect
from spillover.errors import SchemaError, did_you_mean, preview
from spillover.firms import FirmPanel

if TYPE_CHECKING:
    from spillover._frames import NativeFrame

NEEDED = ("firm", "year", "industry", "foreign_share")


def lazy_rows(firms: FirmPanel | NativeFrame) -> nw.LazyFrame[Any] | None:
    """Return the checked rows of a lazy frame, and None for everything else.

    Parameters
    ----------
    firms : FirmPanel or data frame

    Returns
    -------
    narwhals.LazyFrame or None

    Raises
    ------
    SchemaError
        If a lazy frame lacks a canonical column, has missing keys, repeated firm-years, or foreign
        shares outside 0 to 1. The checks run where the data lie.
    """
    if isinstance(firms, FirmPanel):
        return None
    frame = nw.from_native(firms, pass_through=True)
    if not isinstance(frame, nw.LazyFrame):
        return None
    schema = frame.collect_schema()
    for name in NEEDED:
        if name not in schema:
            hint = did_you_mean(name, schema.names())
            raise SchemaError(f"The lazy frame has no column {name!r}; rename it first.{hint}")
    if schema["industry"] != nw.String:
        frame = frame.with_columns(nw.col("industry").cast(nw.String))
    share = nw.col("foreign_share")
    found = collect(
        frame.select(
            nw.col("firm").is_null().sum().alias("firm"),
            nw.col("year").is_null().sum().alias("year"),
            nw.col("industry").is_null().sum().alias("industry"),
            ((share < 0) | (share > 1)).sum().alias("foreign_share"),
        )
    ).rows(named=True)[0]
    missing = [name for name in ("firm", "year", "industry") if found[name]]
    if missing:
        raise SchemaError(f"The lazy frame lacks {preview(missing)} in some rows; filter them out.")
    if found["foreign_share"]:
        raise SchemaError(
            f"{found['foreign_share']:,} foreign shares lie outside 0 to 1; divide percent by 100."
        )
    repeated = collect(
        frame.group_by("firm", "year")
        .agg(nw.len().alias("n"))
        .filter(nw.col("n") > 1)
        .select(nw.len().alias("cells"))
    ).rows()[0][0]
    if repeated:
        raise SchemaError(f"{repeated:,} firm-years stand more than once in the lazy frame.")
    return frame

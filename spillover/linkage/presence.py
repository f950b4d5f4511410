"""Foreign presence by industry and year: one pass over the firm rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import pandas as pd

from spillover._frames import collect, row_engine
from spillover.errors import SchemaError, did_you_mean

if TYPE_CHECKING:
    from spillover.linkage.definition import LinkageDefinition


def foreign_indicator(definition: LinkageDefinition) -> nw.Expr:
    """Return the expression of a firm's foreignness, FS or 1[FS >= threshold].

    Parameters
    ----------
    definition : LinkageDefinition

    Returns
    -------
    narwhals.Expr
        Missing where the foreign share is missing.
    """
    share = nw.col("foreign_share")
    if definition.threshold is None:
        return share
    return (share >= definition.threshold).cast(nw.Float64)


def firm_weight(definition: LinkageDefinition) -> nw.Expr:
    """Return the expression of a firm's weight, missing where it or the share is missing.

    Parameters
    ----------
    definition : LinkageDefinition

    Returns
    -------
    narwhals.Expr
    """
    share = nw.col("foreign_share")
    if definition.weight == "none":
        return share * 0.0 + 1.0
    return nw.when(~share.is_null()).then(nw.col(definition.weight))


def check_columns(columns: list[str], definition: LinkageDefinition) -> None:
    """Raise unless the panel has what the definition needs.

    Parameters
    ----------
    columns : list of str
        The panel's columns.
    definition : LinkageDefinition

    Raises
    ------
    SchemaError
    """
    if definition.weight != "none" and definition.weight not in columns:
        raise SchemaError(
            f"weight={definition.weight!r} needs the column {definition.weight!r}, which the panel "
            f"lacks.{did_you_mean(definition.weight, columns)}"
        )
    if definition.nets_exports and "exports" not in columns:
        raise SchemaError(
            "Forward counts output net of exports (Javorcik 2004), but the panel has no column "
            "'exports'. Map it in read_firms(columns={'exports': ...}), or choose "
            "LinkageDefinition(forward_exports='gross')."
        )


def presence_cells(frame: nw.DataFrame[Any], definition: LinkageDefinition) -> pd.DataFrame:
    """Sum foreign and total weight by industry and year.

    Parameters
    ----------
    frame : narwhals.DataFrame
        A checked firm panel with canonical names.
    definition : LinkageDefinition

    Returns
    -------
    pandas.DataFrame
        One row per industry-year, sorted: industry, year, rows (firm-years), firms (those with a
        foreign share and a weight), foreign and total (the numerator and denominator of
        Horizontal), and, where exports are netted, net_firms, net_foreign and net_total.
    """
    foreign, weight = foreign_indicator(definition), firm_weight(definition)
    sums = {"foreign": foreign * weight, "total": weight}
    counts = {"firms": "total"}
    if definition.nets_exports:
        net = weight - nw.col("exports")
        sums |= {"net_foreign": foreign * net, "net_total": net}
        counts["net_firms"] = "net_total"
    cells = collect(
        row_engine(_needed(frame, definition))
        .select("industry", "year", **sums)
        .group_by("industry", "year")
        .agg(
            nw.len().alias("rows"),
            *(nw.col(column).count().alias(name) for name, column in counts.items()),
            *(nw.col(name).sum() for name in sums),
        )
    )
    cells = cells.sort("industry", "year")
    order = ["firms", "foreign", "total", "net_firms", "net_foreign", "net_total"]
    names = ["industry", "year", "rows", *(name for name in order if name in cells.columns)]
    # by way of lists, so that types do not depend on the library the firms came in
    return pd.DataFrame({name: cells[name].to_list() for name in names})


def _needed(frame: nw.DataFrame[Any], definition: LinkageDefinition) -> nw.DataFrame[Any]:
    names = ["industry", "year", "foreign_share"]
    if definition.weight != "none":
        names.append(definition.weight)
    if definition.nets_exports:
        names.append("exports")
    return frame.select(*names)

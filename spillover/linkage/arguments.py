"""Checks of the arguments of :func:`spillover.linkages`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover._industries import is_label
from spillover.errors import (
    ConcordanceError,
    SchemaError,
    check_choice,
    preview,
    preview_counts,
)
from spillover.iotables import IOTable
from spillover.linkage.controls import CONTROLS
from spillover.linkage.definition import LinkageDefinition
from spillover.linkage.operators import MEASURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.linkage.grid import Axes

    Matrix = NDArray[np.float64]


def check_arguments(named: object, measures: Sequence[str], controls: Sequence[str]) -> None:
    """Raise unless these are definitions, measures and controls that exist."""
    if not isinstance(named, Mapping) or not named:
        raise SchemaError(
            f"definition is a {type(named).__name__}; give a LinkageDefinition, such as "
            "sp.LinkageDefinition(own_sector='include'), or a dict of several."
        )
    for name, one in named.items():
        if not isinstance(one, LinkageDefinition):
            raise SchemaError(
                f"definition {name!r} is a {type(one).__name__}; give a LinkageDefinition."
            )
    for given, what, options in (
        (measures, "measures", list(MEASURES)),
        (controls, "controls", list(CONTROLS)),
    ):
        if isinstance(given, str):
            raise SchemaError(f"{what}={given!r} must be a list, such as [{given!r}].")
        for name in given:
            check_choice(what, name, options)
        if len(set(given)) < len(given) or (what == "measures" and not given):
            raise SchemaError(
                f"{what}={given!r} must be a list of different {what}, such as [{options[0]!r}]."
            )


def check_used(
    named: Mapping[str, LinkageDefinition],
    external: pd.DataFrame | None,
    region_weights: pd.DataFrame | None,
) -> None:
    """Raise if an argument is given that no definition uses."""
    for given, what, option, value in (
        (external, "external", "unobserved", "external"),
        (region_weights, "region_weights", "region", "weighted"),
    ):
        if given is not None and all(getattr(one, option) != value for one in named.values()):
            raise SchemaError(
                f"{what}= is used by {option}={value!r} only, which no definition says. Choose "
                f"LinkageDefinition({option}={value!r}), or leave {what}= out."
            )


def sorted_tables(io: object) -> tuple[IOTable, ...]:
    """Return the tables by year, all with the same sectors."""
    if isinstance(io, IOTable):
        return (io,)
    tables = list(io.values()) if isinstance(io, Mapping) else io
    if (
        not isinstance(tables, list | tuple)
        or not tables
        or not all(isinstance(table, IOTable) for table in tables)
    ):
        raise SchemaError(
            f"io is a {type(io).__name__}; give an IOTable, as sp.read_io returns it, or several."
        )
    if isinstance(io, Mapping):
        wrong = [year for year, table in io.items() if table.year not in {None, year}]
        if wrong:
            raise SchemaError(f"io: the tables given for {preview(wrong)} say another year.")
        years = list(io)
        if not all(isinstance(year, int | np.integer) for year in years):
            raise SchemaError(f"io: years are whole numbers, not {preview(years)}.")
    else:
        years = [table.year for table in tables]
    if None in years or len(set(years)) < len(years):
        raise SchemaError(f"Several tables need distinct years; they say {preview(years, 12)}.")
    for table in tables[1:]:
        if table.sectors != tables[0].sectors:
            odd = sorted(set(table.sectors) ^ set(tables[0].sectors)) or ["their order"]
            raise SchemaError(
                f"The tables differ in their sectors: {preview(odd)}. Aggregate them to one list "
                "with io.aggregate(concordance)."
            )
    dated = zip(years, tables, strict=True)
    return tuple(
        replace(table, year=year) for year, table in sorted(dated, key=lambda pair: pair[0])
    )


def region_matrix(weights: pd.DataFrame | None, axes: Axes) -> Matrix:
    """Return what firms of each region (columns) count around each region (rows)."""
    if weights is None:
        raise SchemaError("region='weighted' needs region_weights=, a frame of regions × regions.")
    if not isinstance(weights, pd.DataFrame):
        raise SchemaError(
            f"region_weights is a {type(weights).__name__}; give a frame of regions × regions."
        )
    table = weights.copy()
    table.index, table.columns = table.index.astype(str), table.columns.astype(str)
    lacking = sorted(set(axes.regions) - (set(table.index) & set(table.columns)))
    if lacking:
        raise SchemaError(f"region_weights lacks the regions {preview(lacking)}.")
    if table.index.has_duplicates or table.columns.has_duplicates:
        raise SchemaError("region_weights holds a region more than once.")
    matrix = table.loc[list(axes.regions), list(axes.regions)].to_numpy(dtype=float)
    if not (np.isfinite(matrix) & (matrix >= 0)).all():
        raise SchemaError("region_weights holds negative or missing weights.")
    return matrix


def check_sourcing(definition: LinkageDefinition, sectors: Sequence[str]) -> None:
    """Raise if local sourcing is given for industries that are no sectors."""
    unknown = sorted({code for code, _, _ in definition.local_sourcing.shares} - set(sectors))
    if unknown:
        raise SchemaError(
            f"local_sourcing names {preview(unknown)}, which are no sectors of the table."
        )


def check_sectors(cells: pd.DataFrame, sectors: Sequence[str]) -> None:
    """Raise unless the industries of the firms are sectors of the table."""
    rows = cells.groupby("industry")["rows"].sum()
    unknown = rows[~rows.index.isin(sectors)]
    if not len(unknown):
        return
    counts = {str(code): max(1, round(count)) for code, count in unknown.items()}
    mend = "Recode the firms with firms.with_industries(concordance), or drop them."
    if any(is_label(code, set(sectors)) for code in counts):
        mend = "Give the panel that with_industries(..., several='split') returned, not its frame."
    raise ConcordanceError(
        f"{len(unknown)} of {len(rows)} industries of the panel are no sectors of the table: "
        f"{preview_counts(counts)}. The table's sectors are {preview(sectors, 8)}. {mend}"
    )

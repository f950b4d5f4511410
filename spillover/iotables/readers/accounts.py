"""Social accounting matrices, long tables in Eurostat's codes, and R data files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, did_you_mean, preview
from spillover.iotables.readers.matrix import (
    combine,
    companion,
    extra_options,
    find_square,
    labelled,
    pivot,
    read_matrix,
)
from spillover.iotables.readers.sources import (
    Parts,
    choose,
    existing,
    load_frame,
    name_of,
    need,
    text,
    to_numbers,
)
from spillover.iotables.readers.wiod import cut_country

if TYPE_CHECKING:
    from spillover.iotables.readers.sources import Options, Source

# Accounts of a GTAP-style matrix that are not sectors: factors, institutions, taxes, the world.
SAM_USES = ("PRIV", "GOV", "INV", "BOP")
SAM_ACCOUNTS = frozenset(
    (*SAM_USES, "Capital", "DEPR", "ITT", "Land", "NatRes", "REGY", "Labor", "SkLab", "UnSkLab")
) | {"dtax", "etax", "itax", "mtax", "ptax", "vtax", "ftax"}


def read_sam(source: Source, options: Options) -> Parts:
    """Read a social accounting matrix whose sector accounts merge activity and commodity.

    Rows receive and columns pay, so that the block of sectors is a table with total flows.
    Final demand is PRIV + GOV + INV. Exports are the column BOP and, where there is one, ITT
    (transport margins sold abroad); imports are the row BOP and the import duties ``mtax``;
    output is the column total less imports. A long form with columns region, row, col, value
    holds several countries.
    """
    where = name_of(source)
    frame = load_frame(source, options.sheet)
    country = options.country or ""
    if {"region", "row", "col", "value"} <= set(frame.columns):
        country = str(choose("country", options.country, frame["region"].unique().tolist(), where))
        frame = pivot(frame[frame["region"] == country], "row", "col", "value")
    frame = labelled(frame, where)
    lacking = [a for a in SAM_USES if a not in frame.index or a not in frame.columns]
    if lacking:
        msg = f"{where} lacks the account(s) {preview(lacking)} of a social accounting matrix."
        raise SchemaError(msg)
    if set(frame.index) != set(frame.columns):
        odd = sorted(set(frame.index) ^ set(frame.columns))
        msg = f"{where} is not square: {preview(odd)} stand(s) in rows or columns only."
        raise SchemaError(msg)
    sectors = [str(label) for label in frame.index if label not in SAM_ACCOUNTS]
    numbers = to_numbers(frame, where)
    abroad = [account for account in ("BOP", "ITT") if account in numbers.columns]
    duties = [account for account in ("BOP", "mtax") if account in numbers.index]
    imports = numbers.loc[duties, sectors].sum(axis=0, skipna=False)
    final = numbers.loc[sectors, ["PRIV", "GOV", "INV"]].sum(axis=1, skipna=False)
    return Parts(
        sectors,
        total=numbers.loc[sectors, sectors],
        final_demand=final,
        exports=numbers.loc[sectors, abroad].sum(axis=1, skipna=False),
        imports=imports,
        output=numbers[sectors].sum(axis=0, skipna=False) - imports,
        unit="million USD",
        country=country,
        year=options.year,
        source="social accounting matrix",
    )


# Columns that hold codes, by origin of the long table, and ESA 2010 codes of the uses.
_LONG_COLUMNS = (("t_rows2", "t_cols2"), ("prod_na", "induse"))
_CONSUMPTION = ("P3_S14", "P3_S15", "P3_S13")
_FINAL: tuple[tuple[str, ...], ...] = (
    (*_CONSUMPTION, "P51", "P52_P53"),
    (*_CONSUMPTION, "P51", "P52", "P53"),
    (*_CONSUMPTION, "P5"),
    ("P3", "P5"),
    ("P3_S14", "P3_S13", "P5", "P52"),  # the 1995 table of Germany: its P5 is fixed capital only
    ("P3_S14", "P3_S13", "P5"),
)
_ALL_USES = ("TU", "TFU", "TFINU")


def _long_wide(source: Source, options: Options) -> tuple[pd.DataFrame, Parts]:
    """Select one country, year and unit of a long table and make it wide."""
    where = name_of(source)
    frame = load_frame(source, options.sheet)
    value = "values" if "values" in frame.columns else "value"
    meta = Parts([], country=options.country or "", year=options.year)
    if "geo" in frame.columns:
        meta.country = str(
            choose("country", options.country, frame["geo"].unique().tolist(), where)
        )
        frame = frame[frame["geo"] == meta.country]
    if "time" in frame.columns:
        years = frame["time"].astype(str).str[:4].astype(int)
        meta.year = choose("year", options.year, years.unique().tolist(), where)
        frame = frame[years == meta.year]
    if "unit" in frame.columns:
        meta.unit = str(choose("unit", None, frame["unit"].unique().tolist(), where))
    pairs = [pair for pair in _LONG_COLUMNS if set(pair) <= set(frame.columns)]
    if not pairs or value not in frame.columns:
        msg = f"{where} has no {value!r}, or none of the pairs of code columns {_LONG_COLUMNS}."
        raise SchemaError(msg)
    row, column = pairs[0]
    rows, columns = frame[row].map(_bare), frame[column].map(_bare)
    cells = pd.DataFrame({"row": rows, "column": columns, "value": frame[value]})
    if f"{row}_lab" in frame.columns:
        meta.labels = dict(zip(rows, frame[f"{row}_lab"].map(text), strict=True))
    repeated = cells.loc[cells.duplicated(["row", "column"]), "row"]
    if len(repeated):
        msg = f"{where} lists {len(repeated)} cell(s) twice, first in row {preview(repeated, 3)}."
        raise SchemaError(msg)
    return pivot(cells, "row", "column", "value"), meta


def _bare(code: object) -> str:
    """Return a product code as the industry's: ``CPA_A01`` is ``A01``."""
    return text(code).removeprefix("CPA_")


def _final_uses(wide: pd.DataFrame, sectors: list[str], where: str) -> tuple[str, ...]:
    """Choose the columns of final demand that, with exports, add up to the table's own total.

    Sources differ in whether ``P5`` contains changes in stocks and whether consumption of
    non-profit institutions has its own column, so that the sum decides.
    """
    candidates = [names for names in _FINAL if set(names) <= set(wide.columns)]
    sums = [name for name in _ALL_USES if name in wide.columns]
    if not candidates or "P6" not in wide.columns:
        msg = (
            f"{where}: no known set of final-demand and export columns; name them with "
            f"final_demand= and exports=. Columns: {preview(wide.columns, 90)}."
        )
        raise SchemaError(msg)
    if not sums:
        return candidates[0]
    block = wide.loc[sectors]
    inner = block[sectors].sum(axis=1)
    for names in candidates:
        uses = block[[*names, "P6"]].sum(axis=1)
        for name in sums:
            size = 1e-3 * float(block[name].abs().sum())
            if min((block[name] - u).abs().sum() for u in (uses, uses + inner)) <= size:
                return names
    msg = (
        f"{where}: no set of final-demand columns adds up to {preview(sums)}; name them with "
        f"final_demand= and exports=."
    )
    raise SchemaError(msg)


def _eurostat_names(wide: pd.DataFrame, options: Options, where: str) -> Options:
    """Find final demand, exports, output and the sums among the codes of a long table."""
    sums = [s for s in ("TOTAL",) if s in wide.index and s in wide.columns]
    sectors = [c for c in wide.columns if c in set(wide.index) - {*sums, *options.ignore_rows}]
    return replace(
        options,
        final_demand=options.final_demand or _final_uses(wide, sectors, where),
        exports=options.exports or ("P6",),
        output=options.output or ("P1" if "P1" in wide.index else None),
        imports=options.imports or (("P7",) if "P7" in wide.index else ()),
        ignore_rows=(*options.ignore_rows, *sums),
    )


def read_iotables_long(source: Source, options: Options) -> Parts:
    """Read a long table in the form of Eurostat and of the R package iotables.

    Columns: a pair of codes (``t_rows2``/``t_cols2`` or ``prod_na``/``induse``), ``values``, and
    optionally geo, time, unit and labels. ESA codes of uses are known, and a total of uses in the
    table decides which of them make up final demand; ``imported=`` or ``domestic=`` names the
    companion file. Sectors lose the prefix ``CPA_``.
    """
    where = name_of(source)
    wide, meta = _long_wide(source, options)
    options = _eurostat_names(wide, options, where)
    main = find_square(wide, options, where)
    second = companion(options)
    extra = None
    if second is not None:
        other, _ = _long_wide(second, options)
        extra = find_square(other, extra_options(options, other), name_of(second), like=main)
    parts = combine(main, options, extra, where)
    parts.notes.clear()  # value added, taxes and subtotals are known not to be sectors
    parts.country, parts.year, parts.unit = meta.country, meta.year, meta.unit
    parts.labels = {code: name for code, name in meta.labels.items() if code in main.sectors}
    return parts


def read_rda(source: Source, options: Options) -> Parts:
    """Read a data frame or matrix from an R file (``.rda``, ``.RData``, ``.rds``).

    Labels such as ``ESP_01T09`` make it a world table, of which ``country=`` is cut; otherwise
    it is read like a matrix.
    """
    if isinstance(source, pd.DataFrame):
        msg = "format 'rda' reads an R file, not a data frame."
        raise SchemaError(msg)
    path = existing(source)
    need("pyreadr", "reading R data files")
    import pyreadr  # noqa: PLC0415

    try:
        objects = {str(name): value for name, value in pyreadr.read_r(str(path)).items()}
    except (pyreadr.PyreadrError, pyreadr.LibrdataError) as error:
        msg = (
            f"{path.name} holds an R object that is no data frame or matrix, such as a list "
            f"({error}). Save its matrices as data frames in R first."
        )
        raise SchemaError(msg) from error
    name = options.object_name
    if name is None and len(objects) == 1:
        name = next(iter(objects))
    if name not in objects:
        hint = did_you_mean(str(name), list(objects))
        msg = f"{path.name} holds {preview(objects)}; choose one with object_name=.{hint}"
        raise SchemaError(msg)
    frame = objects[name]
    if options.country is not None and all("_" in text(label) for label in frame.index):
        return _cut_labelled(frame, options, path.name)
    return read_matrix(frame, options)


def _cut_labelled(frame: pd.DataFrame, options: Options, where: str) -> Parts:
    """Cut a country out of a world table whose labels are ``COUNTRY_SECTOR``."""
    frame = labelled(frame, where)
    n = len(frame)
    if list(frame.columns[:n]) != list(frame.index):
        msg = f"{where}: the first {n} columns must repeat the labels of the rows."
        raise SchemaError(msg)
    numbers = to_numbers(frame, where).to_numpy()
    rows = [str(label).split("_", 1) for label in frame.index]
    uses = [str(label).split("_", 1)[0] for label in frame.columns[n:]]
    country = choose("country", options.country, uses, where)
    parts = cut_country(
        numbers[:, :n],
        numbers[:, n:],
        numbers.sum(axis=1),
        country,
        industries=[industry for place, industry in rows if place == country],
        row_industry=np.array([industry for _, industry in rows]),
        row_country=np.array([place for place, _ in rows]),
        use_country=np.array(uses),
    )
    parts.year = options.year
    return parts

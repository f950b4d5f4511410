"""Workbooks of statistical offices: Czech Statistical Office, Banco Central de Chile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

from spillover.errors import SchemaError, preview
from spillover.iotables.readers.matrix import companion
from spillover.iotables.readers.sources import (
    Parts,
    existing,
    name_of,
    pick_sheet,
    raw_sheets,
    text,
    to_numbers,
)

if TYPE_CHECKING:
    from pathlib import Path

    from spillover.iotables.readers.sources import Options, Source


def _file(source: Source, kind: str) -> Path:
    if isinstance(source, pd.DataFrame):
        msg = f"format {kind!r} reads a workbook, not a data frame."
        raise SchemaError(msg)
    return existing(source)


def _year(texts: list[str]) -> int | None:
    """Return the first year named in some texts."""
    found = re.search(r"(?<!\d)(19|20)\d\d(?!\d)", " ".join(texts))
    return int(found[0]) if found else None


def _words(raw: pd.DataFrame, rows: int) -> list[str]:
    """Return the non-empty texts of the first rows."""
    return [
        word for row in raw.iloc[:rows].itertuples(index=False) for v in row if (word := text(v))
    ]


def _series(values: pd.Series, sectors: list[str], where: str) -> pd.Series:
    return to_numbers(values.set_axis(sectors).to_frame(), where).iloc[:, 0]


def _czso_frame(path: Path, sheet: str | None) -> tuple[pd.DataFrame, Parts]:
    """Read one Czech table; the parts hold flows under ``total`` whatever they are."""
    raw = pick_sheet(path, raw_sheets(path), sheet)
    codes = raw[0].map(text)
    start = next((i for i, c in enumerate(codes) if c.startswith(("CZ-NACE", "CZ-CPA"))), None)
    end = next((i for i, c in enumerate(codes) if c.startswith("P.2")), None)
    if start is None or end is None:
        msg = f"{path.name} has no 'CZ-NACE' or 'CZ-CPA' header and 'P.2' row in its first column."
        raise SchemaError(msg)
    rows = [i for i in range(start + 1, end) if codes[i]]
    sectors = [codes[i] for i in rows]
    header = raw.iloc[rows[0] - 1].map(text)
    columns = [i for i, code in enumerate(header) if i > 1 and code in set(sectors)]
    if [header[i] for i in columns] != sectors:
        msg = f"{path.name}: the sector codes of rows and columns differ."
        raise SchemaError(msg)
    exports = next((i for i, code in enumerate(header) if code == "P.6"), None)
    foot = {code: i for i, code in enumerate(codes) if i >= end}
    if exports is None or "P.1" not in foot:
        msg = f"{path.name} lacks the column 'P.6' (exports) or the row 'P.1' (output)."
        raise SchemaError(msg)
    final = range(columns[-1] + 2, exports)  # the column between is the sum of intermediate uses
    flows = to_numbers(
        raw.iloc[rows, columns].set_axis(sectors, axis=0).set_axis(sectors, axis=1), path.name
    )
    uses = to_numbers(raw.iloc[rows, [*final, exports]].set_axis(sectors, axis=0), path.name)
    parts = Parts(
        sectors,
        total=flows,
        final_demand=uses.iloc[:, :-1].sum(axis=1, skipna=False),
        exports=uses.iloc[:, -1],
        output=_series(raw.iloc[foot["P.1"], columns], sectors, path.name),
        imports=_series(raw.iloc[foot["P.7"], columns], sectors, path.name)
        if "P.7" in foot
        else None,
        unit="million CZK",
        country="CZE",
        year=_year(_words(raw, start)),
        source="Czech Statistical Office, symmetric input-output table",
        labels=dict(zip(sectors, raw.iloc[rows, 1].map(text), strict=True)),
    )
    return raw.iloc[: start + 1], parts


def read_czso(source: Source, options: Options) -> Parts:
    """Read a symmetric table of the Czech Statistical Office (``.xls``).

    The file of total flows alone gives a table that does not separate imports; with the domestic
    file as ``domestic=`` imported flows are the difference. The domestic file can stand alone.
    """
    path = _file(source, "czso")
    head, parts = _czso_frame(path, options.sheet)
    if any("tuzemsk" in word.lower() for word in _words(head, len(head))):
        parts.domestic, parts.total = parts.total, None
    second = companion(options)
    if second is None:
        return parts
    if options.imported is not None or parts.domestic is not None:
        msg = f"give the file of total flows first and the domestic one as domestic= ({path.name})."
        raise SchemaError(msg)
    _, home = _czso_frame(_file(second, "czso"), options.sheet)
    if home.sectors != parts.sectors or home.year != parts.year:
        msg = f"{path.name} and {name_of(second)} differ in their sectors or year."
        raise SchemaError(msg)
    parts.domestic, parts.output = home.total, home.output
    parts.final_demand, parts.exports = home.final_demand, home.exports
    return parts


_BCCH_UNITS = {
    "miles de millones de pesos": "billion CLP (thousand million)",
    "millones de pesos": "million CLP",
}


def read_bcch(source: Source, options: Options) -> Parts:
    """Read a 12 x 12 table of Banco Central de Chile (``.xlsx``): domestic flows, basic prices.

    Imported inputs are known there as one row, not as a matrix, so that the table has domestic
    flows only.
    """
    path = _file(source, "bcch")
    title = "matriz de insumo-producto"
    sheets = raw_sheets(path)
    chosen = options.sheet or next(
        (n for n in sheets if any(w.lower().startswith(title) for w in _words(sheets[n], 6))), None
    )
    if chosen is None or chosen not in sheets:
        wanted = chosen or "Matriz de insumo-producto"
        msg = f"{path.name} has no sheet {wanted!r}; its sheets: {preview(sheets)}."
        raise SchemaError(msg)
    raw = sheets[chosen]
    head = next((i for i, v in enumerate(raw[1].map(text)) if v == "Actividad"), None)
    foot = next((i for i, v in enumerate(raw[1].map(text)) if v == "Total"), None)
    if head is None or foot is None or "doméstica" not in " ".join(_words(raw, head)).lower():
        msg = f"{path.name}, sheet {chosen!r}: no domestic table between 'Actividad' and 'Total'."
        raise SchemaError(msg)
    rows = [i for i in range(head + 1, foot) if text(raw.iloc[i, 1])]
    sectors = [text(raw.iloc[i, 1]) for i in rows]
    columns = [j for j in range(2, raw.shape[1]) if text(raw.iloc[head + 1, j]) in set(sectors)]
    titles = {j: text(raw.iloc[head, j]).lower() for j in range(columns[-1] + 1, raw.shape[1])}
    final = [j for j, t in titles.items() if t.startswith(("consumo", "formación", "variación"))]
    exports = [j for j, t in titles.items() if t.startswith("exportaciones")]
    output = [j for j, t in titles.items() if t.startswith("producción")]
    if not final or not exports or not output:
        msg = f"{path.name}, sheet {chosen!r} lacks columns of final demand, exports or output."
        raise SchemaError(msg)
    block = to_numbers(raw.iloc[rows].set_axis(sectors, axis=0), path.name)
    words = _words(raw, head)
    unit = next((u for k, u in _BCCH_UNITS.items() if k in " ".join(words).lower()), "CLP")
    return Parts(
        sectors,
        domestic=block.iloc[:, columns].set_axis(sectors, axis=1),
        final_demand=block.iloc[:, final].sum(axis=1, skipna=False),
        exports=block.iloc[:, exports[0]],
        output=block.iloc[:, output[0]],
        unit=unit,
        country="CHL",
        year=_year([*words, chosen.replace("_", " ")]),
        source="Banco Central de Chile, matriz de insumo-producto",
        labels=_glossary(sheets, sectors),
    )


def _glossary(sheets: dict[str, pd.DataFrame], sectors: list[str]) -> dict[str, str]:
    """Read sector names from the sheet of explanations."""
    raw = next((frame for name, frame in sheets.items() if name.startswith("Glosa")), None)
    if raw is None or raw.shape[1] < 3:
        return {}
    names = {text(code): text(name) for code, name in zip(raw[1], raw[2], strict=True)}
    return {code: names[code] for code in sectors if code in names}

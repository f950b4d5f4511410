"""Statistics Canada: symmetric tables, and tables made from supply and use, as long CSV files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, preview
from spillover.iotables.readers.archives import Member, located, members
from spillover.iotables.readers.sources import Parts, choose, name_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.iotables.readers.sources import Options, Source

# Industries are business (BS), non-profit (NP) and government (GS) sectors; P codes are primary
# inputs.
_INDUSTRY = re.compile(r"\[(BS|NP|GS)[^\]]*\]\s*$")
_PRIMARY = re.compile(r"\[P[^\]]*\]\s*$")
_CODE = re.compile(r"\s*\[([^\]]+)\]\s*$")
_SCALES = {"units": 1.0, "thousands": 1e3, "millions": 1e6, "billions": 1e9}
_BASIC = "Basic price"
_KEYS = ("REF_DATE", "GEO", "VALUE", "SCALAR_FACTOR", "UOM")
_CHUNK = 500_000


def is_statcan(columns: set[str]) -> bool:
    """Tell a table of Statistics Canada by its columns."""
    return {"REF_DATE", "GEO", "VALUE"} <= columns and (
        {"Supply", "Use"} <= columns or {"Industry", "Product"} <= columns
    )


def read_statcan(source: Source, options: Options) -> Parts:
    """Read one year and geography of a long table of Statistics Canada.

    ``country=`` chooses GEO (``"Canada"`` or a province). Two layouts, CSV or the zip archive that
    holds it:

    - Symmetric (tables 36-10-0001, 36-10-0084; columns Supply, Use, Valuation): industry by
      industry flows of domestic products at basic prices; imports are a row of their own, known by
      buyer only.
    - Supply and use (36-10-0438, 36-10-0478; columns Supply and use, Industry, Product, Valuation):
      total flows of an industry-by-industry table under fixed product sales structures (each
      product's uses and imports are split over industries by their shares in its output; Eurostat
      2008, model D). Products that no domestic industry makes are left out with their imports.

    The file is read twice, in chunks; memory is that of one year and geography.
    """
    frame, year, geo, where = _slice(source, options)
    numbers, unit = _values(frame, where)
    frame = frame.assign(VALUE=numbers)
    if {"Supply", "Use"} <= set(frame.columns):
        parts = _symmetric(frame, where)
    else:
        parts = _supply_use(frame, where)
    parts.unit, parts.year = unit, year
    parts.country = "CAN" if geo == "Canada" else geo
    parts.source = "Statistics Canada"
    return parts


def _slice(source: Source, options: Options) -> tuple[pd.DataFrame, int, str, str]:
    """Choose year and geography, and read only their rows."""
    if isinstance(source, pd.DataFrame):
        where, pieces = name_of(source), [source]
        heads = source[["REF_DATE", "GEO"]]
    else:
        member = _member(source)
        where = member.name
        with member.open() as stream:
            heads = pd.read_csv(stream, usecols=["REF_DATE", "GEO"]).drop_duplicates()
    dates = heads["REF_DATE"].astype(str).str[:4].astype(int)
    geo = choose("country", options.country, heads["GEO"].unique().tolist(), where)
    there = dates[(heads["GEO"] == geo).to_numpy()].unique().tolist()
    year = int(choose("year", options.year, there, f"{where}, {geo},"))
    if not isinstance(source, pd.DataFrame):
        with member.open() as stream:
            chunks = pd.read_csv(stream, chunksize=_CHUNK, low_memory=False)
            pieces = [_rows(chunk, year, geo) for chunk in chunks]
    frame = _rows(pd.concat(pieces, ignore_index=True), year, geo)
    lacking = [key for key in (*_KEYS, "Valuation") if key not in frame.columns]
    if lacking:
        msg = f"{where} lacks the column(s) {preview(lacking)}; found {preview(frame.columns, 20)}."
        raise SchemaError(msg)
    return frame, year, str(geo), where


def _rows(frame: pd.DataFrame, year: int, geo: str) -> pd.DataFrame:
    dates = frame["REF_DATE"].astype(str).str[:4].astype(int)
    return frame[((dates == year) & (frame["GEO"] == geo)).to_numpy()]


def _member(source: Source) -> Member:
    """Return the CSV itself, or the data file (not the metadata) of a zip archive."""
    path = located(source, "statcan")
    found = [m for m in members(path) if m.suffix == ".csv" and "metadata" not in m.name.casefold()]
    if len(found) != 1:
        msg = (
            f"{path.name} holds {len(found)} CSV files of data; expected one, such as 36100001.csv."
        )
        raise SchemaError(msg)
    return found[0]


def _values(frame: pd.DataFrame, where: str) -> tuple[pd.Series, str]:
    """Bring values to one scale; blanks are zero, as the source leaves suppressed cells out."""
    scales = frame["SCALAR_FACTOR"].astype(str).str.strip().str.casefold()
    units = frame["UOM"].dropna().unique().tolist()
    unknown = sorted(set(scales) - set(_SCALES))
    if unknown or len(units) != 1:
        msg = (
            f"{where}: SCALAR_FACTOR {preview(unknown) or 'known'}, UOM {preview(units)}; expected "
            f"one unit, in {preview(_SCALES)}."
        )
        raise SchemaError(msg)
    common = str(scales.mode().iloc[0])
    values = pd.to_numeric(frame["VALUE"], errors="raise").fillna(0.0).astype(float)
    unit = "CAD" if str(units[0]).casefold() == "dollars" else str(units[0])
    prefix = {"units": "", "thousands": "thousand ", "millions": "million "}.get(common, "billion ")
    return values * scales.map(_SCALES) / _SCALES[common], f"{prefix}{unit}"


def _table(frame: pd.DataFrame, row: str, column: str) -> pd.DataFrame:
    """Make wide; a cell that occurs twice is added up only if its rows differ in no key."""
    twice = frame.loc[frame.duplicated([row, column]), row]
    if len(twice):
        msg = f"Statistics Canada: {len(twice)} cell(s) occur twice, first in {preview(twice, 3)}."
        raise SchemaError(msg)
    wide = frame.set_index([row, column])["VALUE"].unstack()  # noqa: PD010 (a repeat must fail)
    rows, columns = frame[row].drop_duplicates(), frame[column].drop_duplicates()
    return wide.reindex(index=rows, columns=columns).fillna(0.0)


def _basic(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    found = frame[frame["Valuation"].astype(str).str.startswith(_BASIC)]
    if found.empty:
        kinds = preview(frame["Valuation"].unique())
        msg = f"{where} has no rows with Valuation {_BASIC!r}; found {kinds}."
        raise SchemaError(msg)
    return found


def _industries(labels: pd.Index) -> list[str]:
    return [str(label) for label in labels if _INDUSTRY.search(str(label))]


def _uses(labels: pd.Index, industries: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Split the columns beside the industries into final uses at home, exports and imports."""
    known = set(industries)
    rest = [str(v) for v in labels if v not in known and not str(v).startswith("Total")]
    imports = [v for v in rest if "import" in v.casefold()]
    exports = [v for v in rest if "export" in v.casefold()]
    return [v for v in rest if v not in {*imports, *exports}], exports, imports


def _named(parts: Parts, labels: list[str], where: str) -> Parts:
    codes = [match[1] if (match := _CODE.search(v)) else v for v in labels]
    if not codes:
        msg = f"{where} has no industries with codes such as [BS111]."
        raise SchemaError(msg)
    parts.sectors = codes
    parts.labels = {c: _CODE.sub("", v) for c, v in zip(codes, labels, strict=True)}
    return parts


def _symmetric(frame: pd.DataFrame, where: str) -> Parts:
    wide = _table(_basic(frame, where), "Supply", "Use")
    sectors = [v for v in _industries(wide.index) if v in wide.columns]
    final, exports, _ = _uses(wide.columns, sectors)
    block = wide.loc[sectors]
    imported = [v for v in wide.index if "import" in str(v).casefold()]
    total = "Total use" in wide.columns
    parts = Parts(
        [],
        domestic=block[sectors].to_numpy(),
        final_demand=block[final].sum(axis=1).to_numpy(),
        exports=block[exports].sum(axis=1).to_numpy(),
        output=block["Total use"].to_numpy() if total else None,
        notes=[]
        if not imported
        else ["imports are known by buyer only, so that imported flows between sectors are not"],
    )
    return _named(parts, sectors, where)


def _supply_use(frame: pd.DataFrame, where: str) -> Parts:
    kind = next((c for c in ("Supply and use", "Supply and Use") if c in frame.columns), None)
    if kind is None:
        msg = f"{where} lacks the column 'Supply and use'; found {preview(frame.columns, 20)}."
        raise SchemaError(msg)
    basic = _basic(frame, where)
    supply = _table(basic[basic[kind] == "Supply"], "Product", "Industry")
    use = _table(basic[basic[kind] == "Use"], "Product", "Industry")
    sectors = _industries(supply.columns)
    products = [
        v for v in supply.index if not str(v).startswith("Total") and not _PRIMARY.search(str(v))
    ]
    use = use.reindex(index=products, fill_value=0.0)
    made = supply.loc[products, sectors].to_numpy().T
    final, exports, _ = _uses(use.columns, sectors)
    q = made.sum(axis=0)
    kept = q > 0
    share = made[:, kept] / q[kept]
    bought = _imports(frame, kind, products)
    parts = Parts(
        [],
        total=share @ use.reindex(columns=sectors, fill_value=0.0).to_numpy()[kept],
        final_demand=share @ use[final].sum(axis=1).to_numpy()[kept],
        exports=share @ use[exports].sum(axis=1).to_numpy()[kept],
        imports=share @ bought[kept],
        output=made.sum(axis=1),
    )
    lost = float(np.abs(use.to_numpy()[~kept]).sum())
    if lost:
        parts.notes.append(
            f"{int((~kept).sum())} product(s) that no domestic industry makes were left out "
            f"(uses of {lost:,.6g})"
        )
    return _named(parts, sectors, where)


def _imports(frame: pd.DataFrame, kind: str, products: list[str]) -> NDArray[np.float64]:
    """Add up imports by product, from other countries and (for a province) other provinces.

    They are a column of supply or of use, at one or several valuations: the first by name (supply,
    basic price) counts. Some tables enter them with a minus.
    """
    rows = frame[frame["Industry"].astype(str).str.contains("import", case=False)]
    rows = rows[rows["Product"].isin(products)]
    if rows.empty:
        return np.zeros(len(products))
    part, valuation = min(zip(rows[kind], rows["Valuation"], strict=True))
    same = rows[(rows[kind] == part) & (rows["Valuation"] == valuation)]
    sums = same.groupby("Product")["VALUE"].sum().reindex(products).fillna(0.0)
    return np.asarray(np.abs(sums.to_numpy(dtype=np.float64)))

"""A small world with known numbers, and functions that write it in the official layouts.

Three countries (one of them KAZ) with three industries, a rest of the world, whole numbers without
pattern, balanced rows. :func:`known` cuts a country out by plain loops, apart from the package.
The layouts are those of the publishers' files; where a public description of a layout was
followed, the function names it.
"""

from __future__ import annotations

import json
import struct
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

COUNTRIES = ("AUS", "KAZ", "MEX", "ROW")
INDUSTRIES = 3
USES = 5


@dataclass(frozen=True)
class World:
    """Flows Z (12, 12) and final uses F (12, 20), country by country."""

    Z: np.ndarray
    F: np.ndarray

    @property
    def output(self) -> np.ndarray:
        return self.Z.sum(axis=1) + self.F.sum(axis=1)


def world(uses: int = USES) -> World:
    rng = np.random.default_rng(7)
    n = len(COUNTRIES) * INDUSTRIES
    Z = rng.integers(0, 40, (n, n)).astype(float)
    F = rng.integers(10, 90, (n, len(COUNTRIES) * uses)).astype(float)
    F[:, uses - 1 :: uses] -= 40  # changes in inventories may be negative
    return World(Z, F)


def known(w: World, country: str) -> dict[str, np.ndarray]:
    """Domestic, imported, final_demand, exports, imports and output of a country, cell by cell."""
    uses = w.F.shape[1] // len(COUNTRIES)
    home = COUNTRIES.index(country)
    out: dict[str, np.ndarray] = {
        "domestic": np.zeros((INDUSTRIES, INDUSTRIES)),
        "imported": np.zeros((INDUSTRIES, INDUSTRIES)),
        **{k: np.zeros(INDUSTRIES) for k in ("final_demand", "exports", "imports", "output")},
    }
    for s in range(len(COUNTRIES)):
        for i in range(INDUSTRIES):
            row = s * INDUSTRIES + i
            for u in range(len(COUNTRIES)):
                for j in range(INDUSTRIES):
                    cell = w.Z[row, u * INDUSTRIES + j]
                    if s == home and u == home:
                        out["domestic"][i, j] += cell
                    elif s == home:
                        out["exports"][i] += cell
                    elif u == home:
                        out["imported"][i, j] += cell
                        out["imports"][i] += cell
                for k in range(uses):
                    cell = w.F[row, u * uses + k]
                    if s == home and u == home:
                        out["final_demand"][i] += cell
                    elif s == home:
                        out["exports"][i] += cell
                    elif u == home:
                        out["imports"][i] += cell
            if s == home:
                out["output"][i] = w.Z[row].sum() + w.F[row].sum()
    return out


def _value_added(w: World) -> np.ndarray:
    """Value added and taxes together, so that columns add up to output."""
    return w.output - w.Z.sum(axis=0)


NAMES = ("Agriculture", "Mining, quarrying", "Manufacturing")


def _sheet(
    w: World,
    *,
    title: list[object],
    codes: list[str] | None,
    use_codes: list[str],
    use_labels: list[str],
    upper: dict[str, str],
    row_code: list[str],
    below: list[tuple[object, object, object, object, str]],
    total: tuple[object, object, object, object],
) -> list[list[object]]:
    """Rows of a workbook with the geometry that WIOD and the ADB share."""
    places = [upper.get(c, c) for c in COUNTRIES]
    n = len(places)
    head: list[list[object]] = [[t] for t in title]
    left: list[object] = [None] * 4
    lines: list[list[object]] = []
    if codes is not None:
        lines.append([*codes * n, *use_labels * n, total[0]])
    lines.append([*NAMES * n, *[f"use {u}" for u in use_codes] * n, total[1]])
    lines.append(
        [*(p for p in places for _ in NAMES), *(p for p in places for _ in use_codes), total[2]]
    )
    c_codes = [f"c{i + 1}" for i in range(INDUSTRIES)]
    lines.append([*c_codes * n, *use_codes * n, total[3]])
    first = 2 if codes is not None else len(head)
    rows = [*head]
    while len(rows) < first + len(lines):
        rows.append([])
    for k, line in enumerate(lines):
        rows[first + k] = [*(rows[first + k][:1] or [None]), *left[1:], *line]
    width = 4 + len(lines[0])
    rows = [row + [None] * (width - len(row)) for row in rows]
    industry = codes if codes is not None else [None] * INDUSTRIES
    for r in range(n * INDUSTRIES):
        i = r % INDUSTRIES
        rows.append(
            [
                industry[i],
                NAMES[i],
                places[r // INDUSTRIES],
                row_code[i],
                *w.Z[r],
                *w.F[r],
                w.output[r],
            ]
        )
    added = _value_added(w)
    for a, b, c, d, kind in below:
        values = {"va": 0.75 * added, "tax": 0.25 * added, "sum": w.Z.sum(axis=0)}.get(
            kind, w.output if kind == "out" else 0 * added
        )
        rows.append([a, b, c, d, *values, *[0.0] * w.F.shape[1], None])
    return rows


def _write(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    with pd.ExcelWriter(path, engine="openpyxl") as writer:
        for name, rows in sheets.items():
            pd.DataFrame(rows).to_excel(writer, sheet_name=name, header=False, index=False)
    return path


def wiod2013_rows(w: World, year: int = 2009) -> list[list[object]]:
    """WIOD 2013: as in the test file of IndEcol/pymrio (wiot09_row_sep12.xlsx)."""
    return _sheet(
        w,
        title=[
            f"World Input-Output Table for {year}",
            "3 countries, in current prices",
            "(industry-by-industry)",
            "(millions of US$)",
        ],
        codes=["AtB", "C", "15t16"],
        use_codes=["c37", "c38", "c39", "c41", "c42"],
        use_labels=[""] * USES,
        upper={"ROW": "RoW"},
        row_code=["c1", "c2", "c3"],
        below=[
            (None, "Total intermediate consumption", "TOT", "r60", "sum"),
            (None, "taxes less subsidies on products", None, "r99", "tax"),
            (None, "Cif/ fob adjustments on exports", None, "r61", "zero"),
            (None, "Direct purchases abroad by residents", None, "r62", "zero"),
            (None, "Value added at basic prices", None, "r64", "va"),
            (None, "International Transport Margins", None, None, "zero"),
            (None, "Output at basic prices", None, "r69", "out"),
        ],
        total=(None, "Total output", None, None),
    )


def wiod2013(folder: Path, w: World) -> Path:
    return _write(folder / "wiot09_row_sep12.xlsx", {"WIOT_2009": wiod2013_rows(w)})


def wiod2016_rows(w: World) -> list[list[object]]:
    """WIOD 2016: as in the parser tests of it-is-me-mario/MARIO and in readers of the workbook."""
    codes = ["A01", "B", "C10-C12"]
    names = ["CONS_h", "CONS_np", "CONS_g", "GFCF", "INVEN"]
    return _sheet(
        w,
        title=[
            "Intercountry Input-Output Table",
            "43 countries, in current prices",
            "(industry-by-industry)",
            "(millions of US$)",
        ],
        codes=codes,
        use_codes=["c57", "c58", "c59", "c60", "c61"],
        use_labels=names,
        upper={},
        row_code=["r1", "r2", "r3"],
        below=[
            ("II_fob", "Total intermediate consumption", "TOT", "r65", "sum"),
            ("TXSP", "taxes less subsidies on products", "TOT", "r66", "tax"),
            ("EXP_adj", "Cif/ fob adjustments on exports", "TOT", "r67", "zero"),
            ("PURR", "Direct purchases abroad by residents", "TOT", "r68", "zero"),
            ("VA", "Value added at basic prices", "TOT", "r70", "va"),
            ("IntTTM", "International Transport Margins", "TOT", "r71", "zero"),
            ("GO", "Output at basic prices", "TOT", "r73", "out"),
        ],
        total=("GO", "Total output", "TOT", "c62"),
    )


def wiod2016(folder: Path, w: World) -> Path:
    return _write(folder / "WIOT2014_Nov16_ROW.xlsx", {"2014": wiod2016_rows(w)})


def wiod2016_binary(folder: Path, w: World) -> Path:
    return write_xlsb(folder / "WIOT2014_Nov16_ROW.xlsb", "2014", wiod2016_rows(w))


def wiod2016_frame(w: World, year: int = 2014) -> pd.DataFrame:
    """The data frame ``wiot`` of the release for R; documented by users of WIOTS_in_R.zip."""
    codes = ["A01", "B", "C10-C12"]
    columns = [f"{c}{i + 1}" for c in COUNTRIES for i in range(INDUSTRIES)]
    columns += [f"{c}{57 + k}" for c in COUNTRIES for k in range(USES)]
    frame = pd.DataFrame(np.hstack([w.Z, w.F]), columns=columns)
    frame["TOT"] = w.output
    keys = {
        "IndustryCode": codes * len(COUNTRIES),
        "IndustryDescription": list(NAMES) * len(COUNTRIES),
        "Country": [c for c in COUNTRIES for _ in codes],
        "RNr": [float(i + 1) for _ in COUNTRIES for i in range(INDUSTRIES)],
        "Year": [float(year)] * len(frame),
    }
    frame = pd.concat([pd.DataFrame(keys), frame], axis=1)
    for k, (code, values) in enumerate(
        {"II_fob": w.Z.sum(axis=0), "VA": _value_added(w), "GO": w.output}.items()
    ):
        cells = [*values, *[0.0] * w.F.shape[1], 0.0]
        frame.loc[len(frame)] = [code, code, "TOT", 65.0 + k, float(year), *cells]
    return frame


def wiod2016_csv(folder: Path, w: World) -> Path:
    path = folder / "WIOT2014_October16_ROW.csv"
    wiod2016_frame(w).to_csv(path, index=False)
    return path


def adb_rows(w: World, *, legacy: bool = False, prices: str = "current") -> list[list[object]]:
    """ADB MRIO: as in the parser tests of it-is-me-mario/MARIO; some years have a row of codes."""
    title: list[object] = [
        "Multiregional Input-Output Table 2021",
        f"63 economies, at {prices} prices (industry by industry)",
        "In millions of US$",
        None,
    ]
    rows = _sheet(
        w,
        title=title,
        codes=None,
        use_codes=["F1", "F2", "F3", "F4", "F5"],
        use_labels=[""] * USES,
        upper={"ROW": "RoW"},
        row_code=["c1", "c2", "c3"],
        below=[
            (None, "Intermediate input total", "TOT", "r60", "sum"),
            (None, "Taxes less subsidies on products", "TOT", "r99", "tax"),
            (None, "CIF / FOB adjustments", "TOT", "r61", "zero"),
            (None, "Value added at basic prices", "TOT", "r64", "va"),
            (None, "International Transport Margins", "TOT", "trs", "zero"),
            (None, "TOTAL", "TOT", "r69", "out"),
        ],
        total=(None, "TOTAL", "ToT", None),
    )
    if legacy:
        numbers = [None] * 4 + [f"{k:04d}" for k in range(len(rows[0]) - 5)] + [None]
        rows.insert(4, numbers)
    return rows


def adb(folder: Path, w: World, *, legacy: bool = False) -> Path:
    legend: list[list[object]] = [["Code", "Country"], ["KAZ", "Kazakhstan"]]
    return _write(
        folder / "ADB-MRIO62-2021_August 2024.xlsx",
        {"ADB MRIO 2021": adb_rows(w, legacy=legacy), "Legend": legend},
    )


ICIO_USES = {
    2016: ("HFCE", "NPS", "GGFC", "GFCF", "INV"),
    2018: ("HFCE", "NPISH", "GGFC", "GFCF", "INVNT"),
    2021: ("HFCE", "NPISH", "GGFC", "GFCF", "INVNT"),
    2025: ("HFCE", "NPISH", "GGFC", "GFCF", "INVNT"),
}
ICIO_CODES = {
    2016: ("C01T05AGR", "C10T14MIN", "C15T16FOD"),
    2018: ("01T03", "05T06", "10T12"),
    2021: ("01T02", "05T06", "10T12"),
    2025: ("A01", "B05", "C17_18"),
}


def icio_frame(w: World, release: int, *, split: bool = False) -> pd.DataFrame:
    """OECD ICIO: 2016 and 2018 as in the test files of IndEcol/pymrio, later ones as in MARIO.

    With ``split`` the flows of Mexico are divided over MX1 (a quarter) and MX2 (the rest), and
    those of MEX itself are zero, while final demand stays with MEX.
    """
    codes, uses = ICIO_CODES[release], ICIO_USES[release]
    rows = [f"{c}_{i}" for c in COUNTRIES for i in codes]
    final = [f"{c}_{u}" for c in COUNTRIES for u in uses]
    frame = pd.DataFrame(np.hstack([w.Z, w.F]), index=rows, columns=[*rows, *final])
    if split:
        frame = _split_mexico(frame, rows)
    products = list(frame.index)
    block = frame.loc[products, products]
    total = frame.sum(axis=1)
    added = total - block.sum(axis=0)
    if release == 2016:
        frame.columns = [_reversed(c, uses) for c in frame.columns]
        order = [c for c in frame.columns if c in set(products)]
        frame = frame[[*order, *sorted(set(frame.columns) - set(order))]]
        frame["DISC"] = 0.0
        frame.loc["VA+TAXSUB", products] = added
        frame.loc["OUT", products] = total
    elif release == 2018:
        frame["TOTAL"] = total
        for c in COUNTRIES:
            frame.loc[f"{c}_TAXSUB", products] = 0.1 * added / len(COUNTRIES)
        frame.loc["VALU", products] = 0.9 * added
        frame.loc["OUTPUT", products] = total
    else:
        frame["OUT"] = total
        for name, share in (("TLS", 0.1), ("VA", 0.9)):
            frame.loc[name, products] = share * added
        frame.loc["OUT", products] = total
    return frame


def _reversed(label: str, uses: tuple[str, ...]) -> str:
    country, _, item = label.partition("_")
    return f"{item}_{country}" if item in uses else label


def _split_mexico(frame: pd.DataFrame, rows: list[str]) -> pd.DataFrame:
    own = [r for r in rows if r.startswith("MEX_")]
    parts = {"MX1": 0.25, "MX2": 0.75}
    extra = [r.replace("MEX", p) for p in parts for r in own]
    index = [*rows, *extra]
    final = [c for c in frame.columns if c not in set(rows)]
    wide = frame.reindex(index=index, columns=[*index, *final]).fillna(0.0)
    for part, share in parts.items():
        for r in own:
            wide.loc[r.replace("MEX", part)] = share * wide.loc[r]
    for part, share in parts.items():
        for r in own:
            wide[r.replace("MEX", part)] = share * wide[r]
    wide.loc[own] = 0.0
    wide[own] = 0.0
    return wide


def icio(folder: Path, w: World, release: int, *, split: bool = False) -> Path:
    names = {
        2016: "ICIO2016_2011.csv",
        2018: "ICIO2018_2014.CSV",
        2021: "ICIO2021_2018.csv",
        2025: "2022_SML.csv",
    }
    path = folder / names[release]
    icio_frame(w, release, split=split).to_csv(path, index_label="V1" if release > 2018 else "")
    return path


EORA_USES = (
    "Household final consumption P.3h",
    "Non-profit institutions serving households P.3n",
    "Government final consumption P.3g",
    "Gross fixed capital formation P.51",
    "Changes in inventories P.52",
)


def eora(folder: Path, w: World, *, year: int = 2015) -> Path:
    """Eora26: as in the test files of IndEcol/pymrio; labels end with a tab as in the release.

    The region ROW of Eora has one row and column only; here the whole rest of the world stands
    under ROW with its industries, so that all numbers are those of the world.
    """
    folder.mkdir(parents=True, exist_ok=True)
    labels = [f"{c.title()}land\t{c}\tIndustries\t{i}\t" for c in COUNTRIES for i in NAMES]
    uses = [f"{c.title()}land\t{c}\tFinal Demand\t{u}\t" for c in COUNTRIES for u in EORA_USES]
    tables = {
        f"Eora26_{year}_bp_T.txt": w.Z,
        f"Eora26_{year}_bp_FD.txt": w.F,
        f"Eora26_{year}_bp_VA.txt": np.outer([0.7, 0.3], _value_added(w)),
    }
    for name, table in tables.items():
        lines = ["\t".join(f"{v:.10g}" for v in row) for row in table]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "labels_T.txt").write_text("\n".join(labels) + "\n", encoding="utf-8")
    (folder / "labels_FD.txt").write_text("\n".join(uses) + "\n", encoding="utf-8")
    added = "Primary Inputs\tCompensation of employees D.1\t\nPrimary Inputs\tOther\t\n"
    (folder / "labels_VA.txt").write_text(added, encoding="utf-8")
    return folder


def zipped(path: Path, files: list[Path]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
    return path


def exiobase(folder: Path, w: World) -> Path:
    """EXIOBASE 3 as pymrio unpacks it: tab-separated Z, Y, unit and file_parameters.json."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = pd.MultiIndex.from_product([COUNTRIES, NAMES], names=["region", "sector"])
    uses = pd.MultiIndex.from_product([COUNTRIES, EORA_USES], names=["region", "category"])
    pd.DataFrame(w.Z, index=rows, columns=rows).to_csv(folder / "Z.txt", sep="\t")
    pd.DataFrame(w.F, index=rows, columns=uses).to_csv(folder / "Y.txt", sep="\t")
    pd.DataFrame({"unit": ["M.EUR"] * len(rows)}, index=rows).to_csv(folder / "unit.txt", sep="\t")
    parameters = {
        "systemtype": "IOSystem",
        "files": {
            "Z": {"name": "Z.txt", "nr_index_col": "2", "nr_header": "2"},
            "Y": {"name": "Y.txt", "nr_index_col": "2", "nr_header": "2"},
            "unit": {"name": "unit.txt", "nr_index_col": "2", "nr_header": "1"},
        },
    }
    (folder / "file_parameters.json").write_text(json.dumps(parameters), encoding="utf-8")
    return folder


# A minimal writer of Excel's binary format (MS-XLSB): records of (type, length, body).
def _record(kind: int, body: bytes = b"") -> bytes:
    out = bytes([kind]) if kind < 0x80 else struct.pack("<H", kind)
    size = len(body)
    while True:
        byte, size = size & 0x7F, size >> 7
        out += bytes([byte | (0x80 if size else 0)])
        if not size:
            return out + body


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def write_xlsb(path: Path, sheet: str, rows: list[list[object]]) -> Path:
    """Write one sheet of numbers, text and blank cells."""
    strings: dict[str, int] = {}
    width = max(len(row) for row in rows)
    body = _record(0x0181) + _record(0x0194, struct.pack("<IIII", 0, len(rows) - 1, 0, width - 1))
    body += _record(0x0191)
    for r, row in enumerate(rows):
        body += _record(0x00, struct.pack("<I", r) + b"\x00" * 13)
        for c, value in enumerate(row):
            place = struct.pack("<II", c, 0)
            if isinstance(value, str):
                index = strings.setdefault(value, len(strings))
                body += _record(0x07, place + struct.pack("<I", index))
            elif value is not None:
                body += _record(0x05, place + struct.pack("<d", float(value)))
    body += _record(0x0192) + _record(0x0182)
    shared = _record(0x019F, struct.pack("<II", len(strings), len(strings)))
    for text in strings:
        shared += _record(0x13, b"\x00" + _wide(text))
    shared += _record(0x01A0)
    book = _record(0x0183) + _record(0x018F)
    book += _record(0x019C, struct.pack("<II", 0, 1) + _wide("rId1") + _wide(sheet))
    book += _record(0x0190) + _record(0x0184)
    relations = (
        '<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats'
        '.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats'
        '.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.bin"/>'
        "</Relationships>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.bin", book)
        archive.writestr("xl/_rels/workbook.bin.rels", relations)
        archive.writestr("xl/worksheets/sheet1.bin", body)
        archive.writestr("xl/sharedStrings.bin", shared)
    return path

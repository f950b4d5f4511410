"""World tables in workbooks: WIOD 2013 and 2016 releases, ADB MRIO.

The three share one geometry: a header of names, countries and codes (``c1``, ``c2``, ...), four
columns of row labels, industries, final uses, total output; sums and value added below.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

from spillover.errors import SchemaError, preview
from spillover.iotables.readers.archives import Member, located, members, pick, years_in
from spillover.iotables.readers.sources import choose, need, text
from spillover.iotables.readers.world import Column, Layout, cut_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from spillover.iotables.readers.sources import Options, Parts, Source

WORKBOOKS = (".xlsx", ".xlsm", ".xlsb")
_HEAD = 12
_CODE = re.compile(r"c\d+")
_LABELS = 4  # columns of row labels
_SPELLING = {"ROM": "ROU"}  # Romania in early files


@dataclass(frozen=True)
class Release:
    """How a release differs from its siblings.

    Attributes
    ----------
    format : str
        Its name in ``read_io``.
    uses : tuple of str
        Codes of final uses, without which a column is an industry.
    by_industry_code : bool
        Sectors are the industry codes of the first header row (``A01``), not ``c1``.
    files : str
        Pattern of its file names.
    source, expected : str
        Citation; description for messages.
    """

    format: str
    uses: tuple[str, ...]
    by_industry_code: bool
    files: str
    source: str
    expected: str


WIOD2013 = Release(
    "wiod2013",
    ("c37", "c38", "c39", "c40", "c41", "c42"),
    by_industry_code=False,
    files=r"(?i)wiot(\d\d)(?!\d)",
    source="World Input-Output Database, 2013 release (Timmer et al. 2015)",
    expected="wiotYY_row_*.xlsx with industries c1..c35 and final uses c37..c42",
)
WIOD2016 = Release(
    "wiod2016",
    ("CONS_h", "CONS_np", "CONS_g", "GFCF", "INVEN"),
    by_industry_code=True,
    files=r"(?i)wiot(?:20)\d\d",
    source="World Input-Output Database, 2016 release (Timmer et al. 2015)",
    expected="WIOTyyyy_Nov16_ROW.xlsb or .xlsx with 56 industries and final uses CONS_h, CONS_np, "
    "CONS_g, GFCF, INVEN",
)
ADB = Release(
    "adb_mrio",
    ("F1", "F2", "F3", "F4", "F5"),
    by_industry_code=False,
    files=r"(?i)adb[-_ ]?mrio",
    source="Asian Development Bank, Multiregional Input-Output Tables",
    expected="ADB-MRIO*.xlsx with sectors c1..c35 and final uses F1..F5",
)
# Codes c37..c42 are industries in the 2016 release, which must be looked for first.
RELEASES = (WIOD2016, ADB, WIOD2013)


@dataclass(frozen=True)
class Header:
    """What stands above and beside the numbers."""

    start: int  # first row of numbers
    codes: list[str]
    names: list[str]
    countries: list[str]
    industry_codes: list[str]
    title: str


def find_header(head: Sequence[Sequence[object]]) -> Header | None:
    """Find the header in the first rows of a sheet: the row of codes, and what is above it."""
    rows = [[text(cell) for cell in row] for row in head]
    for i, row in enumerate(rows):
        if i >= 2 and sum(bool(_CODE.fullmatch(word)) for word in row) >= 2:
            width = max(len(r) for r in rows)
            above = [r + [""] * (width - len(r)) for r in rows[: i + 1]]
            codes = above[i - 3] if i >= 3 else [""] * width
            first = " ".join(r[0] for r in above if r)
            return Header(i + 1, above[i], above[i - 2], above[i - 1], codes, first)
    return None


def release_of(header: Header) -> Release | None:
    """Tell the release from the codes of final uses in a header."""
    found = {*header.codes, *header.industry_codes}
    return next((r for r in RELEASES if len(found & set(r.uses)) >= 2), None)


@contextmanager
def open_sheets(member: Member) -> Iterator[dict[str, Iterable[Sequence[object]]]]:
    """Open a workbook for reading row by row; sheets give rows of cell values."""
    if member.suffix == ".xlsb":
        need("pyxlsb", "reading .xlsb files")
        import pyxlsb  # noqa: PLC0415

        with member.open() as stream, pyxlsb.open_workbook(stream) as book:
            yield {name: _binary_rows(book, name) for name in book.sheets}
        return
    need("openpyxl", "reading .xlsx files")
    import openpyxl  # type: ignore[import-untyped]  # noqa: PLC0415

    with member.open() as stream:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        yield {sheet.title: sheet.iter_rows(values_only=True) for sheet in book.worksheets}
        book.close()


def _binary_rows(book: object, name: str) -> Iterator[Sequence[object]]:
    with book.get_sheet(name) as sheet:  # type: ignore[attr-defined]
        for row in sheet.rows():
            yield [cell.v for cell in row]


def heads(member: Member) -> dict[str, list[Sequence[object]]]:
    """Return the first rows of every sheet."""
    with open_sheets(member) as sheets:
        return {name: list(islice(rows, _HEAD)) for name, rows in sheets.items()}


def read_wiod2013(source: Source, options: Options) -> Parts:
    """Cut one country out of a world table of WIOD's 2013 release.

    Reads the official workbook row by row: 1,443 rows of 1,645 cells take about a minute, and
    0.15 GB in all. Sectors are c1..c35 (ISIC Rev. 3), in million current USD at basic prices.
    """
    return read_sheets(source, options, WIOD2013)


def read_adb(source: Source, options: Options) -> Parts:
    """Cut one economy out of an ADB Multiregional Input-Output Table.

    Reads a workbook row by row: the 62-economy table (2,213 rows of 2,525 cells) takes some
    minutes, and 0.2 GB in all; keep the result with ``io.to_frame().to_csv()``. Sectors are
    c1..c35, in million USD. The title says whether prices are current or constant, and the unit
    repeats it.
    """
    return read_sheets(source, options, ADB)


def read_sheets(source: Source, options: Options, release: Release) -> Parts:
    """Read a workbook of one of the three releases (or the one of a year in a folder or zip)."""
    path = located(source, release.format)
    member, year = pick(path, _candidates(path, release), options, release.expected)
    with open_sheets(member) as sheets:
        names = [n for n in sheets if options.sheet in {None, n}]
        found = []
        for name in names:
            rows = iter(sheets[name])
            head = list(islice(rows, _HEAD))
            header = find_header(head)
            if header is not None and release_of(header) is release:
                rest = chain(head[header.start :], rows)
                parts = _cut(header, rest, options, release, member.name)
                parts.year = _agreed(header, member, release, options, year)
                return _describe(parts, header, release, member)
            found.append(f"{name!r} with {_seen(header, head)}")
    msg = (
        f"{member.name} has no sheet in the layout of {release.format!r}: found "
        f"{'; '.join(found) or 'no such sheet'}. Expected {release.expected}."
    )
    raise SchemaError(msg)


def _seen(header: Header | None, head: Sequence[Sequence[object]]) -> str:
    if header is None:
        words = [word for row in head for cell in row if (word := text(cell))]
        return f"no row of codes c1, c2, ... but {preview(words, 4) or 'nothing'}"
    return f"column codes {preview(list(dict.fromkeys(c for c in header.codes if c))[-8:], 8)}"


def _candidates(path: Path, release: Release) -> list[tuple[Member, int | None]]:
    """List workbooks of a release with the year in their names; a lone file need not have one."""
    if path.is_file() and path.suffix.lower() in WORKBOOKS:
        return [(Member(path), _year(path.stem, release))]
    found = [m for m in members(path) if m.suffix in WORKBOOKS and re.search(release.files, m.name)]
    return [(member, _year(member.stem, release)) for member in found]


def _year(stem: str, release: Release) -> int | None:
    short = re.match(WIOD2013.files, stem)
    if release is WIOD2013 and short:
        digits = int(short[1])
        return digits + (1900 if digits >= 50 else 2000)
    found = years_in(re.sub(r"(?i)wiot", " ", stem))
    return found[0] if found else None


def _cut(
    header: Header,
    rows: Iterable[Sequence[object]],
    options: Options,
    release: Release,
    where: str,
) -> Parts:
    keys = header.industry_codes if release.by_industry_code else header.codes
    columns, output = [], None
    for j in range(_LABELS, len(keys)):
        country = _country(header.countries[j])
        if country in {"", "TOT"}:
            total = header.names[j].casefold().startswith("total")
            output = j if total and output is None else output
        else:
            columns.append(Column(j, country, keys[j], keys[j] in release.uses))
    label = 0 if release.by_industry_code else _LABELS - 1
    layout = Layout(columns, output_column=output, passive_rows=_PASSIVE)
    lines = ((_country(text(row[2])), text(row[label]), row) for row in rows if any(row[:_LABELS]))
    parts = cut_rows(
        _products(lines), layout, options.country, where=where, expected=release.expected
    ).parts
    names = {
        keys[j]: header.names[j]
        for j in range(_LABELS, len(keys))
        if _country(header.countries[j]) == parts.country
    }
    parts.labels = {sector: names[sector] for sector in parts.sectors}
    return parts


# Rows below the products carry no country, or TOT.
_PASSIVE = frozenset({""})


def _products(
    lines: Iterable[tuple[str, str, Sequence[object]]],
) -> Iterator[tuple[str, str, Sequence[object]]]:
    for country, item, row in lines:
        yield country, "" if country in {"", "TOT"} else item, row


def _country(word: str) -> str:
    upper = word.upper()
    return _SPELLING.get(upper, upper)


def _agreed(
    header: Header, member: Member, release: Release, options: Options, year: int | None
) -> int | None:
    """Return the year of the file name, else of its title; the title must not contradict."""
    titled = years_in(header.title)
    if _year(member.stem, release) is None and titled:
        return choose("year", options.year, titled[:1], member.name)
    return year


def _describe(parts: Parts, header: Header, release: Release, member: Member) -> Parts:
    prices = re.search(r"(?i)constant \d{4} prices", f"{header.title} {member.name}")
    if "_PYP" in member.name.upper():
        parts.unit = "million USD at prices of the previous year"
    else:
        parts.unit = "million USD" if prices is None else f"million USD at {prices[0].lower()}"
    parts.source = release.source
    return parts

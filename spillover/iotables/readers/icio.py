"""OECD Inter-Country Input-Output tables: one CSV a year, labels ``COUNTRY_INDUSTRY``."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from spillover.errors import SchemaError, preview
from spillover.iotables.readers.archives import Member, located, members, pick, years_in
from spillover.iotables.readers.world import Column, Layout, cut_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from spillover.iotables.readers.sources import Options, Parts, Source

# Final uses of the releases 2016 to 2025; DIRP, P33 and DPABR are direct purchases abroad.
_HOME = ("HFCE", "NPISH", "NPS", "GGFC", "GFCF", "INVNT", "INV", "FD")
FINAL = frozenset((*_HOME, "DIRP", "DIRPA", "P33", "DPABR", "NONRES"))
_TOTALS = frozenset({"OUT", "OUTPUT", "TOTAL"})
_PASSIVE = frozenset({"TLS", "TAXSUB", "VA", "VALU", "VA+TAXSUB"})
_SPLIT = re.compile(r"(MX|CN)\d$")
_WHOLE = {"MX": "MEX", "CN": "CHN"}
_EXPECTED = (
    "a CSV with rows and columns COUNTRY_INDUSTRY, final uses COUNTRY_HFCE, NPISH, GGFC, GFCF, "
    "INVNT, DPABR (2016 release: HFCE_COUNTRY) and a row OUT, OUTPUT or TOTAL, named such as "
    "ICIO2021_2018.csv, 2018.csv or 2018_SML.csv"
)


def read_icio(source: Source, options: Options) -> Parts:
    """Cut one country out of an OECD Inter-Country Input-Output table.

    Reads the CSV of the 2016, 2018, 2021, 2023 or 2025 release (extended or small), alone, in a
    zip archive or in a folder, line by line: 4,053 lines of 4,538 cells take some 5 seconds and
    little memory. Regions that Mexico and China are split into (MX1, CN1, ...) are added up to MEX
    and CHN. Direct purchases abroad by residents stand in the columns of the buying country, so
    that they are exports of the country that they are bought in. Million USD at basic prices.
    """
    path = located(source, "icio")
    member, year = pick(path, _candidates(path), options, _EXPECTED)
    lines = csv.reader(member.lines())
    header = next(lines, [])
    layout = _layout(header, member.name)
    parts = cut_rows(
        _rows(lines), layout, options.country, where=member.name, expected=_EXPECTED
    ).parts
    release = re.match(r"(?i)icio[-_]?(20\d\d)[-_ ]", member.stem)
    parts.year, parts.unit = year, "million USD"
    parts.source = "OECD Inter-Country Input-Output tables"
    parts.source += f", {release[1]} release" if release else ""
    return parts


def _candidates(path: Path) -> list[tuple[Member, int | None]]:
    """List the yearly files; the last year in a name counts (``ICIO2018_2010``)."""
    found = [m for m in members(path) if m.suffix == ".csv" and "readme" not in m.name.casefold()]
    years = [years_in(member.stem) for member in found]
    return [(m, y[-1] if y else None) for m, y in zip(found, years, strict=True)]


def whole(country: str) -> str:
    """Return the country that a region is part of.

    Examples
    --------
    >>> whole("CN2"), whole("MX1"), whole("KAZ")
    ('CHN', 'MEX', 'KAZ')
    """
    return _WHOLE[country[:2]] if _SPLIT.match(country) else country


def split_label(label: str) -> tuple[str, str, bool] | None:
    """Split a label into country, item and whether it is a final use.

    Examples
    --------
    >>> split_label("AUS_A01_02"), split_label("KAZ_HFCE"), split_label("HFCE_KAZ")
    (('AUS', 'A01_02', False), ('KAZ', 'HFCE', True), ('KAZ', 'HFCE', True))
    """
    first, _, rest = label.partition("_")
    if not rest:
        return None
    if first in FINAL and rest not in FINAL:
        return whole(rest), first, True
    return whole(first), rest, rest in FINAL


def is_header(header: Sequence[str]) -> bool:
    """Tell whether a header line has final uses of a country among its labels."""
    known = [split for label in header[1:] if (split := split_label(label.strip()))]
    return sum(final for *_, final in known) >= 2 and len(known) > 2


def _layout(header: Sequence[str], where: str) -> Layout:
    columns, output, residual, odd = [], None, None, []
    for j, word in enumerate(header):
        label, split = word.strip(), split_label(word.strip())
        if j == 0:
            continue
        if split is not None:
            columns.append(Column(j, *split))
        elif label in _TOTALS:
            output = j
        elif label == "DISC":
            residual = j
        else:
            odd.append(label)
    if odd or not any(c.final for c in columns):
        msg = (
            f"{where}: the header is not that of an inter-country table: "
            f"{len(columns)} labels COUNTRY_ITEM, "
            f"{'none of them a known final use' if not odd else f'and {preview(odd)}'}. "
            f"Expected {_EXPECTED}."
        )
        raise SchemaError(msg)
    return Layout(columns, output, _TOTALS, residual, _PASSIVE)


def _rows(lines: Iterator[list[str]]) -> Iterator[tuple[str, str, list[str]]]:
    for cells in lines:
        if not cells or not cells[0].strip():
            continue
        label = cells[0].strip()
        split = split_label(label)
        if split is None:
            yield "", label, cells
        elif split[1] in _PASSIVE:  # the 2018 release has taxes by country
            yield "", split[1], cells
        else:
            yield split[0], split[1], cells

"""Eora26: tab-separated matrices without labels, and files of labels beside them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spillover.errors import SchemaError, preview
from spillover.iotables.readers.archives import Member, located, members, pick
from spillover.iotables.readers.world import Column, Cut, Layout, cut_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from spillover.iotables.readers.sources import Options, Parts, Source

Array = NDArray[np.float64]
_DATA = re.compile(r"(?i)eora26_((?:19|20)\d\d)_(bp|pp)_(T|FD|VA)\.txt$")
_EXPECTED = (
    "Eora26_YYYY_bp_T.txt, _FD.txt and _VA.txt with labels_T.txt and labels_FD.txt (in the same "
    "place, or in indices.zip beside it)"
)
_TOLERANCE = 0.01


def read_eora26(source: Source, options: Options) -> Parts:
    """Cut one country out of Eora26 (190 regions, 26 sectors, thousand USD at basic prices).

    Reads a folder or the zip archive of a year, line by line: 4,915 lines take some 10 seconds and
    little memory. Gross output is the sum of a row (intermediate and final uses); where it differs
    from inputs plus value added by more than 1 %, a note says so. The region ROW is the source's
    statistical discrepancy: what is sold to it is in exports, what comes from it has no product
    and is noted. Files at purchasers' prices (``pp``) are refused.
    """
    path = located(source, "eora26")
    found = {m.name.casefold(): m for m in [*_indices(path), *members(path)]}
    tables = [(m, match) for m in found.values() if (match := _DATA.search(m.name))]
    basic = [
        (m, int(match[1])) for m, match in tables if (match[2].lower(), match[3]) == ("bp", "T")
    ]
    if not basic and tables:
        msg = f"{path.name} holds purchasers' prices only; a table needs basic prices (bp)."
        raise SchemaError(msg)
    member, year = pick(path, basic, options, _EXPECTED)
    need = [f"Eora26_{year}_bp_{kind}.txt" for kind in ("FD", "VA")]
    need += ["labels_T.txt", "labels_FD.txt"]
    lacking = [name for name in need if name.casefold() not in found]
    if lacking:
        msg = f"{path.name} lacks {preview(lacking)}. Expected {_EXPECTED}."
        raise SchemaError(msg)
    final, value_added, labels_t, labels_fd = (found[name.casefold()] for name in need)
    industries, uses = _labels(labels_t), _labels(labels_fd)
    columns = [Column(j, *label, final=False) for j, label in enumerate(industries)]
    columns += [Column(j + len(columns), *label, final=True) for j, label in enumerate(uses)]
    cut = cut_rows(
        _rows(member, final, industries, len(columns)),
        Layout(columns),
        options.country,
        where=member.name,
        expected=_EXPECTED,
    )
    parts = cut.parts
    _compare(cut, value_added, [j for j, (c, _) in enumerate(industries) if c == parts.country])
    parts.year, parts.unit = year, "thousand USD"
    parts.source = "Eora26 (Lenzen et al. 2012, 2013)"
    return parts


def _indices(path: Path) -> list[Member]:
    """Labels that are distributed apart, for all years."""
    beside = (path if path.is_dir() else path.parent) / "indices.zip"
    return members(beside) if beside.is_file() else []


def _labels(member: Member) -> list[tuple[str, str]]:
    """Read country code and sector (columns 2 and 4) of every row or column."""
    rows = [line.split("\t") for line in member.lines() if line.strip()]
    bad = [i + 1 for i, row in enumerate(rows) if len(row) < 4]
    if bad:
        msg = (
            f"{member.name}: line(s) {preview(bad)} have fewer than the four columns country, "
            "code, entity and sector."
        )
        raise SchemaError(msg)
    return [(row[1].strip(), row[3].strip()) for row in rows]


def _rows(
    flows: Member, final: Member, labels: list[tuple[str, str]], width: int
) -> Iterator[tuple[str, str, list[str]]]:
    """Join the lines of flows and of final uses, which have the same order."""
    sizes = []
    for label, left, right in _together(labels, flows, final):
        cells = left.split("\t") + right.split("\t")
        sizes.append(len(cells))
        if len(cells) != width:
            msg = (
                f"{flows.name} and {final.name}: line {len(sizes)} has {len(cells)} cells, but the "
                f"labels list {width} columns."
            )
            raise SchemaError(msg)
        yield *label, cells


def _together(
    labels: list[tuple[str, str]], flows: Member, final: Member
) -> Iterator[tuple[tuple[str, str], str, str]]:
    try:
        yield from zip(labels, _filled(flows), _filled(final), strict=True)
    except ValueError as error:
        msg = (
            f"{flows.name}, {final.name} and labels_T.txt do not have the same number of lines "
            f"({len(labels)} labels)."
        )
        raise SchemaError(msg) from error


def _filled(member: Member) -> Iterator[str]:
    return (line.rstrip("\t") for line in member.lines() if line.strip())


def _compare(cut: Cut, value_added: Member, places: list[int]) -> None:
    """Note sectors whose inputs and value added differ from the sum of their uses."""
    rows = [line.split("\t") for line in _filled(value_added)]
    added = np.array([[float(row[j]) for j in places] for row in rows]).sum(axis=0)
    parts = cut.parts
    inputs = np.asarray(parts.domestic).sum(axis=0) + np.asarray(parts.imported).sum(axis=0)
    output = np.asarray(parts.output)
    gap = np.abs(inputs + cut.unmatched + added - output) > _TOLERANCE * np.abs(output)
    if gap.any():
        names = [parts.sectors[i] for i in np.flatnonzero(gap)]
        parts.notes.append(
            f"inputs with value added differ from the sum of uses by more than {_TOLERANCE:.0%} in "
            f"{len(names)} of {len(output)} sectors ({preview(names)}); output is the sum of uses"
        )

"""Telling the layout of a file from its name, header and first cells."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pandas as pd

from spillover.iotables.readers import accounts, icio, sheets, statcan, wiod_frames
from spillover.iotables.readers.archives import Member, located, members
from spillover.iotables.readers.sources import EXCEL, TEXT, existing, load_frame, raw_sheets, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from spillover.iotables.readers.sources import Source


def detect_format(source: Source) -> str:
    """Tell the layout of a file from its suffix, header and first cells.

    Parameters
    ----------
    source : str, Path or DataFrame
        A file, a zip archive, a folder or a frame.

    Returns
    -------
    str
        A key of ``FORMATS``. ``.npz`` by suffix; R files by name (``wiod95.rda``,
        ``WIOT2014_October16_ROW.RData``, else ``rda``); workbooks by their titles and codes of
        final uses (c37, CONS_h, F1: the world tables); tables by their column names
        (``AUS_HFCE``: inter-country tables of the OECD; ``RNr``: WIOD 2016; ``REF_DATE``, GEO:
        Statistics Canada; ``country, year, type, row, FD``: national WIOD tables;
        ``iotables_row`` or ``induse`` or ``t_cols2``: Eurostat's long form;
        ``region, row, col, value`` or accounts PRIV, GOV, INV, BOP: social accounting matrix;
        ``row, column, value``: long form); folders and archives by what they hold. Everything
        else is a matrix.
    """
    if isinstance(source, pd.DataFrame):
        return _detect_frame(source)
    path = located(source, "auto")
    if path.is_dir() or path.suffix.lower() == ".zip":
        return _detect_bundle(path)
    return _detect_file(existing(path))


def _detect_file(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return "wiod2013_npz"
    if suffix in wiod_frames.R_FILES:
        return _detect_r(path.name)
    if suffix in sheets.WORKBOOKS:
        return _detect_workbook(sheets.heads(Member(path)))
    if suffix in EXCEL:
        return _detect_workbook(
            {name: sheet.head(12).to_numpy().tolist() for name, sheet in raw_sheets(path).items()}
        )
    if suffix in TEXT:
        header = _header(Member(path), TEXT[suffix])
        return _detect_header(header) or _detect_frame(load_frame(path))
    return _detect_frame(load_frame(path))


def _header(member: Member, separator: str = ",") -> list[str]:
    line = next(iter(member.lines()), "")
    return [word.strip() for word in next(csv.reader([line], delimiter=separator), [])]


def _detect_header(header: Sequence[str]) -> str | None:
    """Recognise the large tables by their header alone."""
    if statcan.is_statcan(set(header)):
        return "statcan"
    if wiod_frames.is_wiod2016(header):
        return "wiod2016"
    return "icio" if icio.is_header(header) else None


def _detect_frame(frame: pd.DataFrame) -> str:
    columns = {text(column) for column in frame.columns}
    large = _detect_header([text(column) for column in frame.columns])
    if large not in {None, "icio"}:
        return str(large)
    if {"country", "year", "type", "row", "FD", "EXPO", "OUT"} <= columns:
        return "wiod2013_national"
    if columns & {"iotables_col", "induse", "t_cols2"} and columns & {"values", "value"}:
        return "iotables_long"
    if {"region", "row", "col", "value"} <= columns or set(accounts.SAM_USES) <= columns:
        return "sam"
    return "long" if {"row", "column", "value"} <= columns else "matrix"


def _detect_workbook(heads: Mapping[str, Sequence[Sequence[object]]]) -> str:
    for head in heads.values():
        header = sheets.find_header(head)
        release = sheets.release_of(header) if header is not None else None
        if release is not None:
            return release.format
        words = [text(cell) for row in head[:6] for cell in row]
        if any(word.startswith(("CZ-NACE", "CZ-CPA")) for word in words):
            return "czso"
        if any(word.lower().startswith("matriz de insumo-producto") for word in words):
            return "bcch"
    return "matrix"


def _detect_r(name: str) -> str:
    folded = name.casefold()
    if folded.startswith("wiot2"):
        return "wiod2016"
    return "wiod2013" if folded[:4] == "wiod" and folded[4:6].isdigit() else "rda"


def _detect_bundle(path: Path) -> str:
    """Recognise a folder or an archive by the first of its files that tells."""
    found = members(path)
    names = {member.name.casefold() for member in found}
    if any(name.startswith("eora26_") for name in names):
        return "eora26"
    if "file_parameters.json" in names or {"a.txt", "y.txt"} <= names:
        return "exiobase3"
    for member in found:
        if member.suffix in sheets.WORKBOOKS:
            chosen = _detect_workbook(sheets.heads(member))
        elif member.suffix in wiod_frames.R_FILES:
            chosen = _detect_r(member.name)
        elif member.suffix == ".csv" and "metadata" not in member.name.casefold():
            chosen = _detect_header(_header(member)) or "matrix"
        else:
            continue
        if chosen not in {"matrix", "rda", "czso", "bcch"}:
            return chosen
    return "matrix"

"""WIOD as data frames: the 2016 release for R (or its CSV export), R package wiod for 2013."""

from __future__ import annotations

import csv
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spillover.errors import SchemaError, preview
from spillover.iotables.readers.archives import Member, located, members, pick, years_in
from spillover.iotables.readers.sheets import (
    WIOD2013,
    WIOD2016,
    WORKBOOKS,
    read_sheets,
    read_wiod2013,
)
from spillover.iotables.readers.sources import choose, load_frame, name_of, need, text
from spillover.iotables.readers.wiod import cut_country
from spillover.iotables.readers.world import Column, Layout, cut_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from spillover.iotables.readers.sources import Options, Parts, Source

Array = NDArray[np.float64]
R_FILES = (".rdata", ".rda", ".rds")
_TEXT = (".csv", ".parquet")
_LABEL = re.compile(r"([A-Z]{3})(\d+)")
_KEYS = ("IndustryCode", "IndustryDescription", "Country", "RNr", "Year")
_FIRST_USE, _LAST_USE = 57, 61
_EXPECTED = (
    "columns IndustryCode, IndustryDescription, Country, RNr, Year, AUS1..ROW56, AUS57..ROW61, TOT"
)
# The R package rounds each of the 1,640 cells of a row to a whole million.
_ROUNDING = 120.0


def read_objects(member: Member) -> dict[str, pd.DataFrame]:
    """Read the data frames and matrices of an R file."""
    need("pyreadr", "reading R data files")
    import pyreadr  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        file = member.path
        if member.inside is not None:
            file = Path(folder) / member.name
            with member.open() as stream:
                file.write_bytes(stream.read())
        try:
            return {str(name): frame for name, frame in pyreadr.read_r(str(file)).items()}
        except (pyreadr.PyreadrError, pyreadr.LibrdataError) as error:
            msg = (
                f"{member.name} holds an R object that pyreadr cannot read ({error}). In R, "
                "load it, turn the table into a plain data frame with as.data.frame() and save "
                "it again, or write it with write.csv(wiot, row.names = FALSE)."
            )
            raise SchemaError(msg) from error


def read_wiod2016(source: Source, options: Options) -> Parts:
    """Cut one country out of a world table of WIOD's 2016 release.

    Takes the official workbook (``.xlsb`` with pyxlsb, or ``.xlsx``; row by row, some minutes
    and 0.2 GB), the data frame of the release for R (``.RData``; 2,472 x 2,690 numbers,
    about 55 MB), a CSV export of it (line by line, seconds) or a data frame. 43 countries and ROW,
    56 industries (ISIC Rev. 4), million current USD at basic prices.
    """
    if isinstance(source, pd.DataFrame):
        return _frame(source, options, name_of(source))
    path = located(source, "wiod2016")
    if _holds(path, WORKBOOKS, WIOD2016.files):
        return read_sheets(path, options, WIOD2016)
    member, year = pick(path, _candidates(path), options, WIOD2016.expected)
    if member.suffix in R_FILES:
        objects = read_objects(member)
        name = options.object_name or ("wiot" if "wiot" in objects else next(iter(objects), ""))
        chosen = choose("object_name", name, objects, member.name)
        parts = _frame(objects[chosen], options, member.name)
    elif member.suffix == ".csv":
        parts = _csv(member, options)
    else:
        parts = _frame(load_frame(path), options, member.name)
    parts.year = parts.year if parts.year is not None else year
    return parts


def _holds(path: Path, suffixes: Sequence[str], pattern: str) -> bool:
    """Tell whether a path is, or a folder or archive has, a file of these suffixes."""
    if path.suffix.lower() in suffixes:
        return True
    found = members(path) if path.is_dir() or path.suffix.lower() == ".zip" else []
    return any(m.suffix in suffixes and re.search(pattern, m.name) for m in found)


def _candidates(path: Path) -> list[tuple[Member, int | None]]:
    kinds = (*R_FILES, *_TEXT)
    found = [m for m in members(path) if m.suffix in kinds]
    years = [years_in(re.sub(r"(?i)wiot", " ", m.stem)) for m in found]
    return [(m, y[0] if y else None) for m, y in zip(found, years, strict=True)]


def is_wiod2016(columns: Iterable[object]) -> bool:
    """Tell the frame of the 2016 release by its columns."""
    return {"IndustryCode", "Country", "RNr"} <= {text(column) for column in columns}


def _layout(header: Sequence[str], where: str) -> Layout:
    matches = [(j, _LABEL.fullmatch(name)) for j, name in enumerate(header)]
    columns = [Column(j, m[1], m[2], _FIRST_USE <= int(m[2]) <= _LAST_USE) for j, m in matches if m]
    lacking = [key for key in _KEYS if key not in header]
    if lacking or not any(c.final for c in columns):
        reason = f"lacks {preview(lacking)}" if lacking else "has no final uses such as AUS57"
        msg = f"{where} {reason}; found {preview(header, 8)}. Expected {_EXPECTED}."
        raise SchemaError(msg)
    total = header.index("TOT") if "TOT" in header else None
    return Layout(columns, output_column=total, passive_rows=frozenset({""}))


def _finish(
    header: Sequence[str],
    rows: Iterable[tuple[str, str, Sequence[object] | Array]],
    names: dict[tuple[str, str], tuple[str, str]],
    options: Options,
    where: str,
) -> Parts:
    """Cut, and replace running numbers by industry codes (collected while the rows go by)."""
    parts = cut_rows(
        rows, _layout(header, where), options.country, where=where, expected=_EXPECTED
    ).parts
    known = [names[parts.country, number] for number in parts.sectors]
    parts.sectors = [code for code, _ in known]
    parts.labels = dict(known)
    parts.unit, parts.source = "million USD", WIOD2016.source
    return parts


def _frame(frame: pd.DataFrame, options: Options, where: str) -> Parts:
    header = [text(column) for column in frame.columns]
    _layout(header, where)
    years = frame["Year"].dropna().astype(int)
    year = choose("year", options.year, years.unique().tolist(), where)
    frame = frame[(frame["Year"] == year).to_numpy()]
    keys = frame[list(_KEYS[:4])].map(text)
    names = {
        (str(country), str(number)): (str(code), str(name))
        for code, name, country, number in keys.itertuples(index=False)
    }
    numbers = frame.drop(columns=list(_KEYS)).to_numpy(dtype=np.float64)
    rest = [name for name in header if name not in _KEYS]
    labels = zip(keys["Country"], keys["RNr"], strict=True)
    rows = ((*_product(*label), cells) for label, cells in zip(labels, numbers, strict=True))
    parts = _finish([*rest, *_KEYS], rows, names, options, where)
    parts.year = int(year)
    return parts


def _product(country: str, number: str) -> tuple[str, str]:
    """Blank the number of rows of totals, taxes and value added, whose country is TOT."""
    return country, "" if country in {"", "TOT"} else number


def _csv(member: Member, options: Options) -> Parts:
    lines = csv.reader(member.lines())
    header = [word.strip() for word in next(lines, [])]
    _layout(header, member.name)
    place = {key: header.index(key) for key in _KEYS}
    with member.open() as stream:
        years = pd.read_csv(stream, usecols=["Year"])["Year"].dropna().astype(int)
    year = choose("year", options.year, years.unique().tolist(), member.name)
    names: dict[tuple[str, str], tuple[str, str]] = {}

    def rows() -> Iterator[tuple[str, str, list[str]]]:
        for cells in lines:
            if not cells or _whole(cells[place["Year"]]) != str(year):
                continue
            country, number = cells[place["Country"]].strip(), _whole(cells[place["RNr"]])
            names[country, number] = (
                cells[place["IndustryCode"]].strip(),
                cells[place["IndustryDescription"]].strip(),
            )
            yield *_product(country, number), cells

    parts = _finish(header, rows(), names, options, member.name)
    parts.year = int(year)
    return parts


def _whole(word: str) -> str:
    return word.strip().removesuffix(".0")


def read_wiod2013_any(source: Source, options: Options) -> Parts:
    """Cut one country out of WIOD's 2013 release: official workbook, or file of R package wiod.

    The R file (``wiod95.rda`` to ``wiod11.rda``) has whole millions, so that rows balance up to
    their rounding; it holds 1,435 x 1,640 numbers, about 20 MB.
    """
    if isinstance(source, pd.DataFrame) or located(source, "wiod2013").suffix.lower() != ".rda":
        return read_wiod2013(source, options)
    path = located(source, "wiod2013")
    objects = read_objects(Member(path))
    digits = next((match[1] for n in objects if (match := re.fullmatch(r"inter(\d\d)", n))), "")
    need_names = [f"inter{digits}", f"final{digits}", f"output{digits}", "countries", "industries"]
    lacking = [name for name in need_names if name not in objects]
    if lacking:
        msg = (
            f"{path.name} holds {preview(objects, 8)} but lacks {preview(lacking)}, as a file of "
            "the R package wiod has it."
        )
        raise SchemaError(msg)
    Z, F, x = (objects[name].to_numpy(dtype=np.float64) for name in need_names[:3])
    countries = [_whole(str(v)) for v in objects["countries"].iloc[:, 0]]
    industries = [str(v) for v in objects["industries"].iloc[:, 0]]
    year = int(digits) + (1900 if int(digits) >= 50 else 2000)
    n, m = len(countries) * len(industries), len(countries)
    if Z.shape != (n, n) or F.shape[0] != n or F.shape[1] % m or x.size != n:
        msg = (
            f"{path.name}: inter{digits} {Z.shape}, final{digits} {F.shape} and output{digits} "
            f"{x.shape} do not fit {m} countries and {len(industries)} industries."
        )
        raise SchemaError(msg)
    names = [name.upper() for name in countries]
    parts = cut_country(
        Z,
        F,
        x.ravel(),
        choose("country", options.country, names, path.name),
        industries=industries,
        row_industry=np.tile(industries, m),
        row_country=np.repeat(names, len(industries)),
        use_country=np.repeat(names, F.shape[1] // m),
    )
    parts.year = choose("year", options.year, [year], path.name)
    parts.unit, parts.source, parts.rounding = "million USD", WIOD2013.source, _ROUNDING
    return parts

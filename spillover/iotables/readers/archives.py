"""The files inside a folder or a zip archive, and the years in their names."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pandas as pd

from spillover.errors import SchemaError, preview
from spillover.iotables.readers.sources import choose, existing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spillover.iotables.readers.sources import Options, Source

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


@dataclass(frozen=True)
class Member:
    """One file: on disk, or inside a zip archive."""

    path: Path
    inside: str | None = None

    @property
    def name(self) -> str:
        """File name without its folders."""
        return Path(self.inside).name if self.inside is not None else self.path.name

    @property
    def stem(self) -> str:
        """File name without its last suffix."""
        return Path(self.name).stem

    @property
    def suffix(self) -> str:
        """Last suffix in lower case."""
        return Path(self.name).suffix.lower()

    def open(self) -> IO[bytes]:
        """Open for reading bytes; a file of an archive is unpacked in memory."""
        if self.inside is None:
            return self.path.open("rb")
        with zipfile.ZipFile(self.path) as archive:
            return io.BytesIO(archive.read(self.inside))

    def lines(self) -> Iterator[str]:
        """Yield the lines of a text file as they are read, without their ends."""
        if self.inside is None:
            with self.path.open(encoding="utf-8-sig", newline="") as stream:
                yield from (line.rstrip("\r\n") for line in stream)
            return
        with (
            zipfile.ZipFile(self.path) as archive,
            archive.open(self.inside) as raw,
            io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as stream,
        ):
            yield from (line.rstrip("\r\n") for line in stream)


def located(source: Source, kind: str) -> Path:
    """Return the path of a file or folder that exists; a data frame is refused."""
    if isinstance(source, pd.DataFrame):
        msg = f"format {kind!r} reads a file, a zip archive or a folder, not a data frame."
        raise SchemaError(msg)
    path = Path(source)
    if not path.exists():
        return existing(path)  # raises, with a hint
    return path


def members(path: Path) -> list[Member]:
    """List the file itself, or the files in a folder (two levels) or in a zip archive."""
    if path.is_dir():
        files = [*path.glob("*"), *path.glob("*/*")]
        return [Member(file) for file in sorted(files) if file.is_file()]
    if zipfile.is_zipfile(path) and path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
        return [Member(path, name) for name in sorted(names)]
    return [Member(path)]


def years_in(text: str) -> list[int]:
    """Return the four-digit years in a text, in order.

    Examples
    --------
    >>> years_in("ICIO2018_2010"), years_in("ADB-MRIO62-2021_August 2024")
    ([2018, 2010], [2021, 2024])
    """
    return [int(year) for year in _YEAR.findall(text.replace("_", " "))]


def pick(
    path: Path, candidates: Sequence[tuple[Member, int | None]], options: Options, expected: str
) -> tuple[Member, int | None]:
    """Choose the member of the year that was asked for, or the only one.

    A single file whose name has no year takes the year of ``options``.
    """
    if not candidates:
        found = preview([member.name for member in members(path)], 8) or "nothing"
        msg = f"{path.name} holds {found}; expected {expected}."
        raise SchemaError(msg)
    if len(candidates) == 1 and candidates[0][1] is None:
        return candidates[0][0], options.year
    years = [year for _, year in candidates if year is not None]
    year = choose("year", options.year, years, path.name)
    chosen = [member for member, own in candidates if own == year]
    if len(chosen) > 1:
        names = preview([member.name for member in chosen], 8)
        msg = f"{path.name} holds {len(chosen)} files for {year}: {names}. Give the path of one."
        raise SchemaError(msg)
    return chosen[0], year

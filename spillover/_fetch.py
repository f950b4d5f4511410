"""Bringing public input-output tables to this computer.

Nothing here is shipped: the user fetches each table from its publisher, under the publisher's
licence, into a cache folder.
"""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import pandas as pd

from spillover._public import ALWAYS, TABLES
from spillover.errors import SchemaError, SpilloverError, did_you_mean
from spillover.iotables.read import read_io
from spillover.iotables.readers.sources import need

if TYPE_CHECKING:
    from spillover._public import PublicTable
    from spillover.iotables.read import Layout
    from spillover.iotables.table import IOTable

_log = logging.getLogger("spillover")
_CHUNK = 1 << 20


def tables() -> pd.DataFrame:
    """List the public tables that :func:`fetch` knows.

    Returns
    -------
    DataFrame
        ``name``, ``title``, ``format`` (of ``read_io``), ``first``, ``last`` year, ``kazakhstan``
        (whether it is a country of its own), ``download`` (``"direct"``, or ``"by hand"`` where
        there is no address or a registration), ``megabytes`` (where known), ``licence``,
        ``citation``, ``page``.

    Examples
    --------
    >>> import spillover as sp
    >>> known = sp.datasets.tables()
    >>> known.loc[known["kazakhstan"], "name"].tolist()
    ['icio2018', 'icio2021', 'icio2023', 'icio2025', 'adb_mrio', 'eora26']
    """
    rows = [
        {
            "name": name,
            "title": table.title,
            "format": table.format,
            "first": table.first,
            "last": table.last,
            "kazakhstan": table.kazakhstan,
            "download": "direct" if table.addresses else "by hand",
            "megabytes": table.megabytes,
            "licence": table.licence,
            "citation": table.citation,
            "page": table.page,
        }
        for name, table in TABLES.items()
    ]
    return pd.DataFrame(rows)


def fetch(name: str, *, year: int | None = None, folder: str | Path | None = None) -> Path:
    """Bring a public table to this computer, once, and return its path for ``read_io``.

    Parameters
    ----------
    name : str
        As in :func:`tables`, such as ``"icio2023"``.
    year : int, optional
        Needed where years are in different files.
    folder : str or Path, optional
        Cache folder; otherwise the environment variable ``SPILLOVER_CACHE``, otherwise the user's
        cache folder. A file that was placed by hand in the subfolder ``name`` is used as it is.

    Returns
    -------
    Path
        A file, or the folder of files that were placed by hand.

    Raises
    ------
    SchemaError
        If there is no such table or year, or the package pooch is missing.
    SpilloverError
        If there is no address, the download fails, or the file differs from its checksum; the
        message says where to get the file and where to place it.

    Notes
    -----
    Where the repository states checksums (Zenodo), they are used. Elsewhere none can be verified
    beforehand: the SHA-256 of the first download is logged and recorded beside the file, and later
    calls check against that record, which protects from damage but not from a wrong first file.

    Examples
    --------
    >>> import spillover as sp
    >>> sp.datasets.fetch("icio2023", year=2014).name  # doctest: +SKIP
    'icio2023_2011-2015.zip'
    """
    table = _known(name)
    place = _cache(folder) / name
    address = _address(name, table, year)
    if address is None:
        return _placed(name, table, place, year)
    file = place / _file_name(name, address)
    if file.is_file():
        _verify(file)
        return file
    placed = _loose(place)
    if placed and not any(place.glob("*.sha256")):
        return placed[0] if len(placed) == 1 else place
    return _download(name, table, address, file)


def io_table(
    name: str,
    *,
    country: str,
    year: int | None = None,
    folder: str | Path | None = None,
    **layout: Unpack[Layout],
) -> IOTable:
    """Fetch a public table and read the table of one country and year from it.

    Parameters
    ----------
    name : str
        As in :func:`tables`.
    country : str
        Code of the source, such as ``"KAZ"``.
    year, folder : optional
        See :func:`fetch`.
    **layout
        Options of the format; see :func:`spillover.read_io`.

    Returns
    -------
    IOTable

    Raises
    ------
    SchemaError, SpilloverError
        See :func:`fetch` and :func:`spillover.read_io`.

    Examples
    --------
    >>> import spillover as sp
    >>> sp.datasets.io_table("icio2023", country="KAZ", year=2014)  # doctest: +SKIP
    IOTable(KAZ 2014, 45 sectors, domestic+imported flows, million USD)
    """
    table = _known(name)
    path = fetch(name, year=year, folder=folder)
    return read_io(path, format=table.format, country=country, year=year, **layout)


def _known(name: str) -> PublicTable:
    if name not in TABLES:
        raise SchemaError(f"there is no public table {name!r}.{did_you_mean(name, list(TABLES))}")
    return TABLES[name]


def _cache(folder: str | Path | None) -> Path:
    if folder is not None:
        return Path(folder)
    chosen = os.environ.get("SPILLOVER_CACHE")
    if chosen:
        return Path(chosen)
    need("pooch", "keeping downloads in the user's cache folder")
    import pooch  # noqa: PLC0415

    return Path(pooch.os_cache("spillover"))


def _address(name: str, table: PublicTable, year: int | None) -> str | None:
    """Return the address of the file that has the year; None if there is none at all."""
    first = table.first if table.first is not None else ALWAYS[0]
    last = table.last if table.last is not None else ALWAYS[1]
    span = f"{table.first or ''}–{table.last or ''}"
    if year is not None and not first <= year <= last:
        msg = f"{name} has no year {year}. Available: {span}."
        raise SchemaError(msg)
    if not table.addresses:
        return None
    yearly = any("{year}" in address for address in table.addresses.values())
    if year is None and (yearly or len(table.addresses) > 1):
        msg = f"{name} has several files: say year=. Available: {span}."
        raise SchemaError(msg)
    spans = table.addresses.items()
    return next(a for (lo, hi), a in spans if year is None or lo <= year <= hi).format(year=year)


def _file_name(name: str, address: str) -> str:
    """Return the name in the cache: the address's own, or the table's with the last part."""
    last = address.rsplit("/", 1)[-1]
    if last.endswith(".zip"):
        return last
    span = next((k for k, v in TABLES[name].addresses.items() if v == address), None)
    years = "" if span is None or span == ALWAYS else f"_{span[0]}-{span[1]}"
    return f"{name}{years}.zip"


def _loose(place: Path) -> list[Path]:
    """Files that were put into the folder of a table, without records of checksums."""
    files = place.glob("*") if place.is_dir() else []
    return sorted(f for f in files if f.suffix != ".sha256")


def _placed(name: str, table: PublicTable, place: Path, year: int | None) -> Path:
    """Return the file or folder that the user placed by hand, or say how to."""
    files = _loose(place)
    if files:
        return files[0] if len(files) == 1 else place
    wanted = f" for {year}" if year is not None else ""
    msg = (
        f"{name} ({table.title}) cannot be fetched by address. {table.by_hand} Page: {table.page} "
        f"Place the file{wanted}, as it is, in {place} and call again; or read it directly: "
        f"read_io(path, format={table.format!r}, country=...)."
    )
    raise SpilloverError(msg)


def _download(name: str, table: PublicTable, address: str, file: Path) -> Path:
    need("pooch", f"fetching {name}")
    import pooch  # noqa: PLC0415

    _log.info("%s: %s Licence: %s. Cite: %s.", name, table.title, table.licence, table.citation)
    try:
        known = _repository_hash(table, file.name) if table.doi else None
        pooch.retrieve(url=address, known_hash=known, fname=file.name, path=file.parent)
    except (OSError, ValueError) as error:
        msg = (
            f"{name} could not be fetched from {address} ({type(error).__name__}: {error}). "
            f"Download it by hand, from there or from {table.page}, and place it as {file}; "
            f"then call again. A cache elsewhere: folder= or the variable SPILLOVER_CACHE."
        )
        raise SpilloverError(msg) from error
    digest = _sha256(file)
    _record(file).write_text(f"{digest}  {address}\n", encoding="utf-8")
    _log.info("%s: SHA-256 of %s is %s", name, file.name, digest)
    return file


def _repository_hash(table: PublicTable, file_name: str) -> str:
    """Ask the repository of a DOI for the checksum of a file."""
    import pooch  # noqa: PLC0415

    registry = pooch.create(path=pooch.os_cache("spillover"), base_url=f"doi:{table.doi}/")
    registry.load_registry_from_doi()
    if file_name not in registry.registry:
        msg = f"the record doi:{table.doi} has no file {file_name}"
        raise ValueError(msg)
    return str(registry.registry[file_name])


def _record(file: Path) -> Path:
    return file.with_name(f"{file.name}.sha256")


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _verify(file: Path) -> None:
    """Compare a file of the cache with the checksum recorded at its download, if there is one."""
    record = _record(file)
    if not record.is_file():
        return
    recorded = record.read_text(encoding="utf-8").split()[0]
    if _sha256(file) != recorded:
        msg = (
            f"{file} differs from the checksum recorded when it was downloaded ({recorded}). "
            f"Delete both it and {record.name}, and fetch again."
        )
        raise SpilloverError(msg)

"""The files that come with the package, and a synthetic demonstration of all of it.

The demonstration (a firm panel and an input-output table) is SYNTHETIC: no firm, industry or
country in it exists, and its true spillovers are known (:func:`demo_truth`).

Public input-output tables are not shipped: :func:`tables` lists them, :func:`fetch` brings one from
its publisher, and :func:`io_table` reads one country of it.
"""

from __future__ import annotations

import builtins
import json
import tomllib
from typing import TYPE_CHECKING, Any

import pandas as pd

from spillover._data import data_path
from spillover._fetch import fetch, io_table, tables
from spillover.errors import SchemaError, did_you_mean
from spillover.firms import FirmPanel, read_firms
from spillover.iotables import IOTable, read_io

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "demo_firms",
    "demo_io",
    "demo_truth",
    "fetch",
    "io_table",
    "list",
    "path",
    "tables",
]

_SUFFIXES = (".csv", ".csv.gz", ".json", ".toml", ".yaml", ".yml", ".parquet")


def list() -> pd.DataFrame:  # noqa: A001
    """List the data files that come with the package.

    Returns
    -------
    pandas.DataFrame
        ``name`` (for :func:`path`) and ``kilobytes``. What the files hold and where they come
        from stands in ``data/README.md``.

    Examples
    --------
    >>> import spillover as sp
    >>> "demo/firms.csv" in set(sp.datasets.list()["name"])
    True
    """
    files = _files()
    sizes = [round(file.stat().st_size / 1000, 1) for file in files.values()]
    return pd.DataFrame({"name": builtins.list(files), "kilobytes": sizes})


def path(name: str) -> Path:
    """Return the path of a data file that comes with the package.

    Parameters
    ----------
    name : str
        As in :func:`list`, such as ``"demo/firms.csv"``.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    SchemaError
        If there is no such file.

    Examples
    --------
    >>> import spillover as sp
    >>> sp.datasets.path("demo/firms.csv").name
    'firms.csv'
    """
    files = _files()
    if name not in files:
        hint = did_you_mean(str(name), builtins.list(files))
        raise SchemaError(f"spillover ships no data file {name!r}.{hint}")
    return files[name]


def demo_firms() -> FirmPanel:
    """Read the SYNTHETIC demonstration panel.

    Its columns carry a user's own names and its foreign shares are percentages; the mapping to
    canonical names is the one in ``demo/map.toml``, so this is what reading one's own file takes.

    Returns
    -------
    FirmPanel
        About 6,000 firm-years; besides the canonical columns it has ``tfp``, measured log
        productivity. Money in thousands of a currency that does not exist.

    Examples
    --------
    >>> import spillover as sp
    >>> firms = sp.datasets.demo_firms()
    >>> firms.report.years, firms.report.industries
    ((2005, 2014), 24)
    """
    settings = _map()["firms"]
    return read_firms(
        path(f"demo/{settings['file']}"),
        columns=settings["columns"],
        foreign_share_unit=settings["foreign_share_unit"],
    )


def demo_io() -> IOTable:
    """Read the SYNTHETIC demonstration input-output table.

    Returns
    -------
    IOTable
        Domestic and imported flows of 24 industries, the ones of :func:`demo_firms`.

    Examples
    --------
    >>> import spillover as sp
    >>> io = sp.datasets.demo_io()
    >>> io.labels["29"]
    'Motor vehicles'
    """
    settings = _map()["io"]
    layout = dict(settings["layout"])
    layout["imported"] = path(f"demo/{layout['imported']}")
    return read_io(
        path(f"demo/{settings['file']}"),
        format=settings["format"],
        unit=settings["unit"],
        source=settings["source"],
        labels=settings["labels"],
        **layout,
    )


def demo_truth() -> Mapping[str, Any]:
    """Return what the demonstration was built with.

    Returns
    -------
    mapping
        ``"horizontal"``, ``"backward"``, ``"forward"``: true effects on the log productivity of
        domestic firms per unit of presence (0 to 1); ``"elasticities"`` of the technology;
        ``"settings"``: the arguments of :func:`spillover.simulate.panel`.

    Examples
    --------
    >>> import spillover as sp
    >>> sp.datasets.demo_truth()["backward"]
    0.5
    """
    truth: dict[str, Any] = json.loads(path("demo/truth.json").read_text(encoding="utf-8"))
    return truth


def _files() -> dict[str, Path]:
    """Name -> path of every data file, sorted by name."""
    root = data_path()
    found = sorted(file for file in root.rglob("*") if file.name.endswith(_SUFFIXES))
    return {file.relative_to(root).as_posix(): file for file in found}


def _map() -> dict[str, Any]:
    return tomllib.loads(path("demo/map.toml").read_text(encoding="utf-8"))

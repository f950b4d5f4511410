"""World tables: cutting the table of one country out of a multi-country table; WIOD 2013."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spillover.errors import SchemaError, preview
from spillover.iotables.readers.sources import Parts, choose, existing, load_frame, name_of

if TYPE_CHECKING:
    from spillover.iotables.readers.sources import Options, Source

Array = NDArray[np.float64]
_WIOD = "World Input-Output Database, 2013 release (Timmer et al. 2015)"
_UNIT = "million USD"
# The release rounds each of the 1,640 cells of a row to a whole million.
_ROUNDING = 120.0


def cut_country(
    Z: Array,
    F: Array,
    output: Array,
    country: str,
    *,
    industries: list[str],
    row_industry: NDArray[np.str_],
    row_country: NDArray[np.str_],
    use_country: NDArray[np.str_],
) -> Parts:
    """Cut one country out of a world table.

    Parameters
    ----------
    Z : (N, N) array
        Intermediate flows between all country-industries, suppliers in rows.
    F : (N, m) array
        Final uses, ``m`` columns.
    output : (N,) array
        Gross output.
    country : str
        The country to cut.
    industries : list of str
        Its industries, in the order wanted.
    row_industry, row_country : (N,) arrays
        Industry and country of each row and column of ``Z``.
    use_country : (m,) array
        Country of each column of ``F``.

    Returns
    -------
    Parts
        Domestic block; imports from all partners added up by product; final demand for domestic
        products; exports of intermediate and final products to all other countries.
    """
    home, buys = row_country == country, use_country == country
    inside = np.flatnonzero(home)
    order = {name: i for i, name in zip(inside, row_industry[home], strict=True)}
    own = np.array([order[name] for name in industries])
    product = np.array([[name == other for other in row_industry] for name in industries])
    abroad = (product & ~home).astype(float)
    into = abroad @ Z[:, own]
    final_into = abroad @ F[:, buys].sum(axis=1)
    return Parts(
        industries,
        domestic=Z[np.ix_(own, own)],
        imported=into,
        final_demand=F[np.ix_(own, np.flatnonzero(buys))].sum(axis=1),
        exports=Z[own][:, ~home].sum(axis=1) + F[own][:, ~buys].sum(axis=1),
        output=output[own],
        imports=into.sum(axis=1) + final_into,
        country=country,
    )


def _labels(folder: Path) -> dict[str, str]:
    """Read industry labels from ``industries.csv`` beside the data, where it exists."""
    file = folder / "industries.csv"
    if not file.is_file():
        return {}
    frame = pd.read_csv(file, dtype=str)
    return dict(zip(frame.iloc[:, 0], frame.iloc[:, 1], strict=True))


def read_national(source: Source, options: Options) -> Parts:
    """Read one country and year from national tables stacked in one frame.

    Columns: country, year, type (``dom`` or ``imp``), row, one column for each industry, FD, EXPO
    and OUT. Imports by product are the uses of the ``imp`` rows.
    """
    where = name_of(source)
    frame = load_frame(source)
    country = choose("country", options.country, frame["country"].unique().tolist(), where)
    frame = frame[frame["country"] == country]
    years = frame["year"].unique().tolist()
    year = choose("year", options.year, years, f"{where}, {country},")
    frame = frame[frame["year"] == year]
    domestic = frame[frame["type"] == "dom"].set_index("row")
    imported = frame[frame["type"] == "imp"].set_index("row")
    industries = [str(row) for row in domestic.index]
    missing = [c for c in (*industries, "FD", "EXPO", "OUT") if c not in frame.columns]
    if missing or set(imported.index) != set(industries):
        msg = (
            f"{where}, {country} {year}: dom rows, imp rows and columns must list the same "
            f"industries, with FD, EXPO and OUT; missing: {preview(missing or ['imp rows'])}."
        )
        raise SchemaError(msg)
    imported = imported.loc[industries]
    into = imported[industries].astype(float)
    return Parts(
        industries,
        domestic=domestic[industries].astype(float),
        imported=into,
        final_demand=domestic["FD"].astype(float),
        exports=domestic["EXPO"].astype(float),
        output=domestic["OUT"].astype(float),
        imports=into.sum(axis=1) + imported["FD"].astype(float),
        unit=_UNIT,
        country=str(country),
        year=year,
        source=_WIOD,
        labels={} if isinstance(source, pd.DataFrame) else _labels(Path(source).parent),
    )


def read_world_npz(source: Source, options: Options) -> Parts:
    """Cut one country out of a world table in an ``.npz`` file.

    The file has ``Z`` (N, N), ``F`` (N, 5 x countries) and ``x`` (N,), country-major; the order is
    that of ``countries.txt`` and ``industries.csv`` in the same folder. The year is in its name.
    """
    if isinstance(source, pd.DataFrame):
        msg = "format 'wiod2013_npz' reads an .npz file, not a data frame."
        raise SchemaError(msg)
    path = existing(source)
    countries = existing(path.parent / "countries.txt").read_text(encoding="utf-8").split()
    labels = _labels(existing(path.parent / "industries.csv").parent)
    found = re.search(r"(19|20)\d\d$", path.stem)
    year = choose("year", options.year, [int(found[0])], path.name) if found else options.year
    country = choose("country", options.country, countries, path.name)
    with np.load(path, allow_pickle=False) as data:
        missing = [key for key in ("Z", "F", "x") if key not in data]
        if missing:
            msg = f"{path.name} lacks the array(s) {preview(missing)}."
            raise SchemaError(msg)
        Z, F, x = (np.asarray(data[key], dtype=np.float64) for key in ("Z", "F", "x"))
    industries = list(labels)
    n, m = len(countries) * len(industries), len(countries)
    if Z.shape != (n, n) or x.shape != (n,) or F.shape[0] != n or F.shape[1] % m:
        msg = (
            f"{path.name}: Z {Z.shape}, F {F.shape} and x {x.shape} do not fit {m} countries and "
            f"{len(industries)} industries."
        )
        raise SchemaError(msg)
    parts = cut_country(
        Z,
        F,
        x,
        country,
        industries=industries,
        row_industry=np.tile(industries, m),
        row_country=np.repeat(countries, len(industries)),
        use_country=np.repeat(countries, F.shape[1] // m),
    )
    parts.unit, parts.year, parts.source, parts.labels = _UNIT, year, _WIOD, labels
    parts.rounding = _ROUNDING
    return parts

"""Any table that pymrio reads, and EXIOBASE 3 through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, preview
from spillover.iotables.readers.archives import located, years_in
from spillover.iotables.readers.sources import choose, need, text
from spillover.iotables.readers.world import Column, Layout, cut_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spillover.iotables.readers.sources import Options, Parts, Source


def cut_system(system: object, country: str | None, where: str) -> Parts:
    """Cut one country out of a ``pymrio.IOSystem`` with flows ``Z`` and final demand ``Y``.

    Rows of ``Z`` and ``Y`` are used one by one, without a copy of the matrices. Regions stand in
    the first level of the labels, sectors or categories in the following.
    """
    Z, Y = _flows(system, where), _matrix(system, "Y", where)
    labels = [_split(label) for label in Z.index]
    if [_split(label) for label in Z.columns] != labels or len(Y) != len(Z):
        msg = f"{where}: rows and columns of Z, and rows of Y, must have the same labels."
        raise SchemaError(msg)
    columns = [Column(j, *label, final=False) for j, label in enumerate(labels)]
    uses = [_split(label) for label in Y.columns]
    columns += [Column(len(labels) + j, *label, final=True) for j, label in enumerate(uses)]
    parts = cut_rows(
        _rows(Z, Y, labels),
        Layout(columns),
        country,
        where=where,
        expected="the same sectors in rows and columns of Z",
    ).parts
    parts.unit, parts.source = (
        _unit(system),
        text(getattr(getattr(system, "meta", None), "name", "")) or where,
    )
    return parts


def _matrix(system: object, name: str, where: str) -> pd.DataFrame:
    frame = getattr(system, name, None)
    if not isinstance(frame, pd.DataFrame):
        msg = f"{where} has no {name}; run its calc_system() or calc_all() first."
        raise SchemaError(msg)
    return frame


def _flows(system: object, where: str) -> pd.DataFrame:
    """Return Z, or compute it from A and x where the source gives coefficients only."""
    if isinstance(getattr(system, "Z", None), pd.DataFrame):
        return _matrix(system, "Z", where)
    A, x = _matrix(system, "A", where), _matrix(system, "x", where)
    return A.mul(x.iloc[:, 0].to_numpy(), axis=1)


def _split(label: object) -> tuple[str, str]:
    """Return region and sector of a label; further levels are joined."""
    if isinstance(label, tuple):
        return text(label[0]), " / ".join(text(part) for part in label[1:])
    msg = f"the label {text(label)!r} has no levels region and sector."
    raise SchemaError(msg)


def _rows(
    Z: pd.DataFrame, Y: pd.DataFrame, labels: list[tuple[str, str]]
) -> Iterator[tuple[str, str, np.ndarray[Any, np.dtype[np.float64]]]]:
    flows = Z.to_numpy(dtype=np.float64)
    final = Y.to_numpy(dtype=np.float64)
    for label, left, right in zip(labels, flows, final, strict=True):
        yield *label, np.concatenate([left, right])


def _unit(system: object) -> str:
    unit = getattr(system, "unit", None)
    if not isinstance(unit, pd.DataFrame) or unit.empty:
        return ""
    found = unit.iloc[:, 0].map(text).unique().tolist()
    if len(found) > 1:
        msg = f"the sectors have different units ({preview(found)}); a table needs one currency."
        raise SchemaError(msg)
    return str(found[0])


def read_exiobase3(source: Source, options: Options) -> Parts:
    """Cut one region out of EXIOBASE 3 (zip archive or folder), read by pymrio.

    pymrio loads the whole table with its extensions: 9,800 x 9,800 numbers (product by product)
    take 0.8 GB a matrix, 7,987 x 7,987 (industry by industry) 0.5 GB. Regions are 44 countries in
    two-letter codes and five rests of continents; Kazakhstan is in the rest of Asia (WA).
    """
    need("pymrio", "reading EXIOBASE 3")
    import pymrio  # noqa: PLC0415

    path = located(source, "exiobase3")
    try:
        system = pymrio.parse_exiobase3(path)
    except (OSError, KeyError, ValueError, pymrio.ReadError, pymrio.ParserError) as error:
        msg = (
            f"pymrio cannot read {path.name} as EXIOBASE 3 ({type(error).__name__}: {error}). "
            "Expected IOT_YYYY_ixi.zip, IOT_YYYY_pxp.zip or their unpacked folder."
        )
        raise SchemaError(msg) from error
    if getattr(system, "Z", None) is None and getattr(system, "x", None) is None:
        system.calc_system()
    parts = cut_system(system, options.country, path.name)
    years = years_in(path.stem)
    parts.year = choose("year", options.year, years[-1:], path.name) if years else options.year
    parts.source = "EXIOBASE 3 (Stadler et al. 2018)"
    return parts

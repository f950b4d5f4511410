"""``read_io``: one door for every layout of input-output tables."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from spillover.errors import SchemaError, SpilloverWarning, check_choice, did_you_mean, preview
from spillover.iotables.balance import check_balance
from spillover.iotables.detect import detect_format
from spillover.iotables.readers import (
    accounts,
    eora,
    icio,
    matrix,
    mrio,
    offices,
    sheets,
    statcan,
    wiod,
    wiod_frames,
)
from spillover.iotables.readers.sources import Options, Parts, Source, name_of
from spillover.iotables.table import IOTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_NAMES = ("final_demand", "exports", "imports", "output")
_FRAME = ("orientation", "ignore_rows", "ignore_columns", "blank")
_COMPANION = ("flows", "domestic", "imported")


@dataclass(frozen=True)
class _Format:
    """A reader, the options it uses beside country and year, and whether it states the unit."""

    reader: Callable[[Source, Options], Parts]
    options: tuple[str, ...] = ()


FORMATS: Mapping[str, _Format] = {
    "matrix": _Format(matrix.read_matrix, (*_NAMES, *_FRAME, *_COMPANION, "sheet")),
    "long": _Format(matrix.read_long, (*_NAMES, *_FRAME, *_COMPANION, "sheet")),
    "wiod2013_national": _Format(wiod.read_national),
    "wiod2013_npz": _Format(wiod.read_world_npz),
    "wiod2013": _Format(wiod_frames.read_wiod2013_any, ("sheet",)),
    "wiod2016": _Format(wiod_frames.read_wiod2016, ("sheet", "object_name")),
    "icio": _Format(icio.read_icio),
    "adb_mrio": _Format(sheets.read_adb, ("sheet",)),
    "eora26": _Format(eora.read_eora26),
    "exiobase3": _Format(mrio.read_exiobase3),
    "statcan": _Format(statcan.read_statcan),
    "czso": _Format(offices.read_czso, ("domestic", "sheet")),
    "bcch": _Format(offices.read_bcch, ("sheet",)),
    "sam": _Format(accounts.read_sam, ("sheet",)),
    "iotables_long": _Format(
        accounts.read_iotables_long, (*_NAMES, *_COMPANION, "ignore_rows", "sheet")
    ),
    "rda": _Format(accounts.read_rda, (*_NAMES, *_FRAME, "flows", "object_name")),
}


class Layout(TypedDict, total=False):
    """Options of :func:`read_io` that describe the file; each format uses some of them.

    Attributes
    ----------
    flows : {'domestic', 'total'}
        What the flows of a plain table are; this must be said, because files rarely do.
    domestic, imported : str, Path or DataFrame
        A second file, with flows of domestic or of imported products only. If the first has total
        flows, uses of imported products are taken out of its final demand and exports.
    orientation : {'suppliers_in_rows', 'users_in_rows'}
        Which side of the square sells.
    final_demand, exports, imports : str or sequence of str
        Columns beside the square, added up. ``imports`` may be a row below it.
    output : str
        Column or row with gross output; left out, output is the sum of uses.
    ignore_rows, ignore_columns : str or sequence of str
        Rows (value added, taxes, totals) and columns that are not part of the table. Those not
        named are left out too, with a warning that lists them.
    blank : {'error', 'zero'}
        What an empty cell of the square means.
    sheet, object_name : str
        Sheet of a workbook; object of an R file.
    """

    flows: Literal["domestic", "total"]
    domestic: Source
    imported: Source
    orientation: Literal["suppliers_in_rows", "users_in_rows"]
    final_demand: str | Sequence[str]
    exports: str | Sequence[str]
    imports: str | Sequence[str]
    output: str
    ignore_rows: str | Sequence[str]
    ignore_columns: str | Sequence[str]
    blank: Literal["error", "zero"]
    sheet: str
    object_name: str


def _options(format_: str, country: str | None, year: int | None, layout: Layout) -> Options:
    """Put the options together; refuse those that the reader would not look at."""
    known = list(Layout.__annotations__)
    usable = FORMATS[format_].options
    for name in layout:
        if name not in known:
            msg = f"read_io has no option {name!r}.{did_you_mean(name, known)}"
            raise SchemaError(msg)
        if name not in usable:
            allowed = preview(usable, 20) or "none"
            msg = f"format {format_!r} does not use {name}=; its own options: {allowed}."
            raise SchemaError(msg)
    plain: dict[str, Any] = dict(layout)
    for name in ("final_demand", "exports", "imports", "ignore_rows", "ignore_columns"):
        value = plain.get(name, ())
        plain[name] = (value,) if isinstance(value, str) else tuple(value or ())
    return Options(country=country, year=year, **plain)


def read_io(
    path: Source,
    *,
    format: str = "auto",  # noqa: A002
    country: str | None = None,
    year: int | None = None,
    unit: str | None = None,
    source: str | None = None,
    labels: Mapping[str, str] | None = None,
    negative: Literal["error", "keep"] = "error",
    balance: Literal["raise", "warn", "ignore"] = "raise",
    tolerance: float = 0.02,
    absolute: float = 0.0,
    **layout: Unpack[Layout],
) -> IOTable:
    """Read an input-output table and check that it balances.

    Parameters
    ----------
    path : str, Path or DataFrame
        The file, or a frame in one of the layouts; a zip archive or a folder of world tables.
    format : str
        ``"auto"`` recognises the layout (see :func:`detect_format`). Otherwise ``"matrix"``
        (square table, header row, labels in the first column), ``"long"`` (row, column, value),
        ``"czso"`` (Czech Statistical Office), ``"bcch"`` (Banco Central de Chile), ``"statcan"``
        (Statistics Canada), ``"sam"`` (GTAP-style social accounting matrix), ``"iotables_long"``
        (Eurostat, R package iotables), ``"rda"`` (R data), or a world table, of which ``country``
        is cut: ``"wiod2013"``, ``"wiod2013_national"``, ``"wiod2013_npz"``, ``"wiod2016"``,
        ``"icio"`` (OECD), ``"adb_mrio"``, ``"eora26"``, ``"exiobase3"``. What each is, which
        options it has and which countries and years it covers: ``docs/io-tables.md``.
    country, year : optional
        Which table of a file, archive or folder with several; else they only describe the table.
    unit, source, labels : optional
        Override what the reader knows; ``unit`` is needed where the layout has none.
    negative : {'error', 'keep'}
        See :meth:`IOTable.from_arrays`.
    balance : {'raise', 'warn', 'ignore'}
        What to do if output and uses differ.
    tolerance, absolute : float
        See :meth:`IOTable.check_balance`.
    **layout
        What the file looks like: flows, domestic, imported, orientation, final_demand, exports,
        imports, output, ignore_rows, ignore_columns, blank, sheet, object_name; each format uses
        some of them, see :class:`Layout`.

    Returns
    -------
    IOTable

    Raises
    ------
    SchemaError
        If the layout is not the one said, a country, year, column or sheet does not exist (the
        message lists what does), an option does not belong to the format, an optional package is
        missing, or the table does not balance.

    Warns
    -----
    SpilloverWarning
        Rows and columns that were left out; gaps with ``balance="warn"``, or that the rounding of
        the source explains; negative value added.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"food": [1, 2], "steel": [3, 2], "use": [6, 6]},
    ...                      index=["food", "steel"])
    >>> read_io(frame, flows="domestic", final_demand="use", unit="million EUR")
    IOTable(the data frame, 2 sectors, domestic flows, million EUR)
    """
    check_choice("balance", balance, ("raise", "warn", "ignore"))
    chosen = detect_format(path) if format == "auto" else format
    if chosen not in FORMATS:
        msg = f"format={format!r} is unknown.{did_you_mean(chosen, ['auto', *FORMATS])}"
        raise SchemaError(msg)
    options = _options(chosen, country, year, layout)
    parts = FORMATS[chosen].reader(path, options)
    parts = replace(
        parts,
        unit=unit or parts.unit,
        source=source or parts.source or name_of(path),
        labels=labels or parts.labels,
    )
    return _checked(
        parts,
        name_of(path),
        negative=negative,
        balance=balance,
        tolerance=tolerance,
        absolute=absolute,
    )


def from_pymrio(
    iosystem: object,
    country: str,
    *,
    year: int | None = None,
    unit: str | None = None,
    source: str | None = None,
    negative: Literal["error", "keep"] = "error",
    balance: Literal["raise", "warn", "ignore"] = "raise",
    tolerance: float = 0.02,
    absolute: float = 0.0,
) -> IOTable:
    """Cut the table of one country out of a ``pymrio.IOSystem``.

    Every world table that pymrio reads (EXIOBASE, GLORIA, WIOD, ICIO, Eora26 and one's own) can be
    used this way.

    Parameters
    ----------
    iosystem : pymrio.IOSystem
        With flows ``Z`` (or ``A`` and ``x``) and final demand ``Y``; regions in the first level of
        the labels.
    country : str
        One of its regions.
    year, unit, source : optional
        What the numbers are; ``unit`` and ``source`` override what the system says. pymrio says
        million USD for Eora26, which is in thousand USD.
    negative, balance, tolerance, absolute
        See :func:`read_io`.

    Returns
    -------
    IOTable
        Domestic and imported flows apart; categories of ``Y`` that begin with "Export" are exports.

    Raises
    ------
    SchemaError
        If the region does not exist, matrices are missing, or the table does not balance.

    Examples
    --------
    >>> import pymrio  # doctest: +SKIP
    >>> world = pymrio.load_test()  # doctest: +SKIP
    >>> from_pymrio(world, "reg2", unit="million EUR").sectors[:2]  # doctest: +SKIP
    ('food', 'mining')
    """
    check_choice("balance", balance, ("raise", "warn", "ignore"))
    parts = mrio.cut_system(iosystem, country, "the pymrio system")
    parts = replace(parts, unit=unit or parts.unit, source=source or parts.source, year=year)
    return _checked(
        parts,
        parts.source,
        negative=negative,
        balance=balance,
        tolerance=tolerance,
        absolute=absolute,
    )


def _checked(
    parts: Parts,
    name: str,
    *,
    negative: Literal["error", "keep"],
    balance: str,
    tolerance: float,
    absolute: float,
) -> IOTable:
    """Build the table, warn of the reader's notes, and check that it balances."""
    io = _build(parts, name, negative)
    if parts.notes:
        msg = f"{name}: {'; '.join(parts.notes)}."
        warnings.warn(msg, SpilloverWarning, stacklevel=3)
    _check(io, balance, tolerance, absolute, parts.rounding)
    return io


def _build(parts: Parts, name: str, negative: Literal["error", "keep"]) -> IOTable:
    if not parts.unit:
        msg = f"{name} does not state its unit; say unit=, such as 'million EUR'."
        raise SchemaError(msg)
    return IOTable.from_arrays(
        parts.sectors,
        domestic=parts.domestic,
        imported=parts.imported,
        total=parts.total,
        final_demand=parts.final_demand,
        exports=parts.exports,
        output=parts.output,
        imports=parts.imports,
        unit=parts.unit,
        country=parts.country,
        year=parts.year,
        source=parts.source,
        labels=parts.labels,
        negative=negative,
    )


def _check(io: IOTable, balance: str, tolerance: float, absolute: float, rounding: float) -> None:
    """Check the row identity, as an error or a warning; rounding by the source is a warning."""
    if balance == "ignore":
        return
    try:
        check_balance(io, tolerance, absolute, stacklevel=5)
    except SchemaError as error:
        if balance == "raise" and rounding <= absolute:
            raise
        if balance == "raise":
            check_balance(io, tolerance, rounding, stacklevel=5)
        reason = "Its source rounds its cells. " if rounding > absolute else ""
        warnings.warn(f"{reason}{error}", SpilloverWarning, stacklevel=4)

"""Square tables with labelled rows and columns, in wide or long form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, check_choice, did_you_mean, preview
from spillover.iotables.readers.sources import Parts, load_frame, name_of, text, to_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spillover.iotables.readers.sources import Options, Source

ORIENTATIONS = ("suppliers_in_rows", "users_in_rows")
VECTORS = ("final_demand", "exports", "output", "imports")
_SUMS = {"total", "totals", "sum", "subtotal", "grand total"}


@dataclass
class Square:
    """The square of flows and the vectors beside and below it, all labelled by sector."""

    sectors: list[str]
    flows: pd.DataFrame
    final_demand: pd.Series | None
    exports: pd.Series | None
    output: pd.Series | None
    imports: pd.Series | None
    notes: list[str]


def labelled(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """Give rows and columns their labels as text, and refuse unclear ones.

    Row labels stand in the index or in the first column, whichever shares more labels with the
    columns. Empty rows and columns without a label are dropped.
    """
    columns = {text(v) for v in frame.columns} - {""}
    by_index = len(columns & {text(v) for v in frame.index})
    by_column = len(columns & {text(v) for v in frame.iloc[:, 0]}) if frame.shape[1] else 0
    if frame.shape[1] and by_index <= by_column:
        frame = frame.set_index(frame.columns[0])
    frame = frame.set_axis([text(v) for v in frame.index], axis=0)
    frame = frame.set_axis([text(v) for v in frame.columns], axis=1)
    filled = frame.notna().to_numpy()
    for axis, labels in enumerate((frame.index, frame.columns)):
        kind = ("row", "column")[axis]
        unnamed = [i for i, label in enumerate(labels) if not label]
        data = [i + 1 for i in unnamed if filled.take(i, axis).any()]
        if data:
            msg = f"{where}: {kind}(s) {preview(data)} hold data but have no label."
            raise SchemaError(msg)
        repeated = labels[(labels != "") & labels.duplicated()].unique()
        if len(repeated):
            msg = f"{where}: {len(repeated)} {kind} label(s) occur more than once: "
            msg += f"{preview(repeated)}."
            raise SchemaError(msg)
    return frame.loc[frame.index != "", frame.columns != ""]


def _vector(
    frame: pd.DataFrame, names: Sequence[str], sectors: list[str], role: str, where: str
) -> pd.Series | None:
    """Add up the named columns (or rows below the square) over the sectors."""
    if not names:
        return None
    parts: list[pd.Series] = []
    for name in names:
        if name in frame.columns:
            parts.append(frame[name].loc[sectors])
        elif name in frame.index and role in {"output", "imports"}:
            parts.append(frame.T[name].loc[sectors])
        else:
            hint = did_you_mean(name, [str(column) for column in frame.columns])
            msg = f"{where} has no column {name!r} for {role}=.{hint}"
            raise SchemaError(msg)
    block = to_numbers(pd.concat(parts, axis=1), f"{where}, {role}")
    return block.sum(axis=1, skipna=False)


def find_square(
    frame: pd.DataFrame, options: Options, where: str, like: Square | None = None
) -> Square:
    """Find the sectors, cut the square out, and collect the vectors around it.

    Sectors are the labels that stand in rows and columns and are not to be ignored. Rows and
    columns that are neither sectors, nor named, nor to be ignored are listed in the notes.
    A companion must have the sectors of the table that it is ``like``.
    """
    check_choice("orientation", options.orientation, ORIENTATIONS)
    check_choice("blank", options.blank, ("error", "zero"))
    frame = labelled(frame, where)
    if options.orientation == "users_in_rows":
        frame = frame.T
    _check_names(frame, options, where)
    ignored = {*options.ignore_rows, *options.ignore_columns}
    named = {*options.final_demand, *options.exports, *options.imports, options.output}
    shared = [c for c in frame.columns if c in set(frame.index)]
    sectors = [c for c in shared if c not in ignored | named] if like is None else like.sectors
    absent = [s for s in sectors if s not in set(shared)]
    if absent:
        msg = f"{where} lacks {len(absent)} sector(s) of the first table: {preview(absent)}."
        raise SchemaError(msg)
    sums = [s for s in sectors if s.casefold() in _SUMS]
    if sums:
        msg = f"{where}: {preview(sums)} looks like a sum, not a sector; name it in ignore_rows=."
        raise SchemaError(msg)
    if not sectors:
        msg = (
            f"{where}: no label stands both in the rows ({preview(frame.index, 3)}) and in the "
            f"columns ({preview(frame.columns, 3)}); a table needs the same sectors in both."
        )
        raise SchemaError(msg)
    flows = to_numbers(frame.loc[sectors, sectors], where)
    if options.blank == "zero":
        flows = flows.fillna(0.0)
    vectors = {
        role: _vector(frame, _names(options, role), sectors, role, where) for role in VECTORS
    }
    if options.blank == "zero":
        vectors = {role: None if v is None else v.fillna(0.0) for role, v in vectors.items()}
    known = set(sectors) | ignored | named
    notes = [
        f"{len(left)} {axis}(s) are not sectors and were left out: {preview(left, 20)}"
        for axis, labels in (("row", frame.index), ("column", frame.columns))
        if (left := [str(label) for label in labels if label not in known])
    ]
    return Square(sectors, flows, **vectors, notes=notes)


def _names(options: Options, role: str) -> tuple[str, ...]:
    value = getattr(options, role)
    return (value,) if isinstance(value, str) else value or ()


def _check_names(frame: pd.DataFrame, options: Options, where: str) -> None:
    """Refuse ignored labels that do not exist: they are typing errors."""
    for option, labels in (("ignore_rows", frame.index), ("ignore_columns", frame.columns)):
        unknown = [name for name in getattr(options, option) if name not in labels]
        if unknown:
            hint = did_you_mean(unknown[0], [str(label) for label in labels])
            msg = f"{where} has no label {preview(unknown)} for {option}=.{hint}"
            raise SchemaError(msg)


def combine(main: Square, options: Options, extra: Square | None, where: str) -> Parts:
    """Put one square, or a square and its domestic or imported companion, together."""
    if options.flows is None:
        msg = (
            f"say whether {where} holds flows='domestic' (of domestic products) or flows='total' "
            "(of domestic and imported products together)."
        )
        raise SchemaError(msg)
    check_choice("flows", options.flows, ("domestic", "total"))
    parts = Parts(main.sectors, notes=list(main.notes))
    uses = {role: getattr(main, role) for role in VECTORS}
    setattr(parts, options.flows, main.flows)
    if extra is not None and options.domestic is not None:
        if options.flows == "domestic":
            msg = "flows='domestic' and domestic= are given at once; the first file is the total."
            raise SchemaError(msg)
        parts.domestic = extra.flows
        uses |= {"final_demand": extra.final_demand, "exports": extra.exports}
    elif extra is not None:
        parts.imported = extra.flows
        if options.flows == "total":
            uses |= {
                role: _less(uses[role], getattr(extra, role))
                for role in ("final_demand", "exports")
            }
    for role, value in uses.items():
        setattr(parts, role, value)
    if all(value is None for value in uses.values()):
        parts.notes.append(
            "no final demand, exports or output was named, so that output is the sum of "
            "intermediate sales"
        )
    return parts


def _less(total: pd.Series | None, imported: pd.Series | None) -> pd.Series | None:
    """Take imported products out of a use, where both are known."""
    return total if total is None or imported is None else total - imported


def companion(options: Options) -> Source | None:
    """Return the second file, of which there can be one."""
    if options.domestic is not None and options.imported is not None:
        msg = "give domestic= or imported=, not both: with the total, one determines the other."
        raise SchemaError(msg)
    return options.domestic if options.domestic is not None else options.imported


def extra_options(options: Options, frame: pd.DataFrame) -> Options:
    """Drop names that the companion does not have; imports and output come from the main file."""
    labels = {text(v) for v in (*frame.columns, *frame.index, *frame.iloc[:, 0])}

    def known(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if name in labels)

    return replace(
        options,
        final_demand=known(options.final_demand),
        exports=known(options.exports),
        ignore_rows=known(options.ignore_rows),
        ignore_columns=known(options.ignore_columns),
        output=None,
        imports=(),
    )


def read_matrix(source: Source, options: Options) -> Parts:
    """Read a square table with one header row and labels in the first column."""
    where = name_of(source)
    main = find_square(load_frame(source, options.sheet), options, where)
    second = companion(options)
    extra = None
    if second is not None:
        frame = load_frame(second, options.sheet)
        extra = find_square(frame, extra_options(options, frame), name_of(second), like=main)
    parts = combine(main, options, extra, where)
    parts.country, parts.year = options.country or "", options.year
    return parts


def read_long(source: Source, options: Options) -> Parts:
    """Read rows of (row, column, value), with an optional column ``flow``.

    With ``flow`` the layout is that of ``IOTable.to_frame``; cells that are not listed are zero.
    Without it the cells form a wide table that is read like a matrix.
    """
    where = name_of(source)
    frame = load_frame(source, options.sheet)
    missing = [c for c in ("row", "column", "value") if c not in frame.columns]
    if missing:
        columns = [str(c) for c in frame.columns]
        hint = did_you_mean(missing[0], columns)
        msg = f"{where} lacks the column(s) {preview(missing)} of a long table.{hint}"
        raise SchemaError(msg)
    frame = frame.assign(row=frame["row"].map(text), column=frame["column"].map(text))
    keys = ["row", "column", "flow"] if "flow" in frame.columns else ["row", "column"]
    repeated = frame.loc[frame.duplicated(keys), "row"]
    if len(repeated):
        msg = f"{where} lists {len(repeated)} cell(s) twice, first in row {preview(repeated, 3)}."
        raise SchemaError(msg)
    if "flow" not in frame.columns:
        wide = pivot(frame, "row", "column", "value")
        return read_matrix(wide, options)
    return _from_flows(frame, options, where)


def pivot(frame: pd.DataFrame, row: str, column: str, value: str) -> pd.DataFrame:
    """Turn long into wide, in order of appearance; cells that are not listed are zero."""
    rows, columns = frame[row].drop_duplicates(), frame[column].drop_duplicates()
    wide = frame.set_index([row, column])[value].unstack()  # noqa: PD010 (a repeat must fail)
    return wide.reindex(index=rows, columns=columns).fillna(0.0)


def _from_flows(frame: pd.DataFrame, options: Options, where: str) -> Parts:
    known = ("domestic", "imported", "total", *VECTORS)
    for flow in frame["flow"].drop_duplicates():
        check_choice(f"flow in {where}", flow, known)
    cells = frame[frame["flow"].isin(known[:3])]
    sectors = list(dict.fromkeys([*cells["row"], *cells["column"]]))
    parts = Parts(sectors, country=options.country or "", year=options.year)
    for flow, group in frame.groupby("flow", sort=False):
        values = to_numbers(group[["value"]], where)["value"].to_numpy()
        if flow in VECTORS:
            vector = pd.Series(values, index=group["row"])
            unknown = [name for name in vector.index if name not in sectors]
            if unknown:
                msg = f"{where}: {flow} has rows that are no sectors: {preview(unknown)}."
                raise SchemaError(msg)
            setattr(parts, str(flow), vector.reindex(sectors, fill_value=0.0))
        else:
            matrix = np.zeros((len(sectors), len(sectors)))
            place = pd.Index(sectors)
            matrix[place.get_indexer(group["row"]), place.get_indexer(group["column"])] = values
            setattr(parts, str(flow), matrix)
    return parts

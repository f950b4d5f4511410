"""Turn money into quantities: divide by a price index, matched many-to-one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal
from warnings import warn

import narwhals as nw
import numpy as np
import pandas as pd

from spillover._frames import NativeFrame, as_eager
from spillover.errors import (
    SchemaError,
    SpilloverWarning,
    check_choice,
    did_you_mean,
    preview,
    preview_counts,
    rows,
)
from spillover.firms import FirmPanel
from spillover.production._columns import add_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray


def deflate(
    panel: FirmPanel | NativeFrame,
    price_index: NativeFrame,
    *,
    columns: Mapping[str, str] | Sequence[str],
    by: Sequence[str] = ("industry", "year"),
    into: str = "real_{}",
    base_year: int | None = None,
    unmatched: Literal["raise", "missing"] = "raise",
) -> NativeFrame:
    """Divide columns in money by the price index of their cell.

    Parameters
    ----------
    panel : FirmPanel or data frame
    price_index : data frame
        One row per cell of ``by``, and a column of prices (1 in the base year, or 100, or whatever:
        only a unit). Codes and years may be text or whole numbers.
    columns : mapping of str to str, or sequence of str
        Column of the panel -> column of prices, as in ``{"output": "output_price", "materials":
        "input_price"}``; a plain list divides all by the table's one price column.
    by : sequence of str
        Columns that both tables have.
    into : str
        Name of the new column, ``{}`` standing for the old one; ``"{}"`` replaces it.
    base_year : int, optional
        Divide each price series by its value in this year first, so that quantities are in that
        year's prices; ``year`` must then be in ``by``.
    unmatched : {"raise", "missing"}
        What to do with cells of the panel that have no price: raise, or leave the new columns
        missing there and warn with the count.

    Returns
    -------
    FirmPanel or data frame
        As ``panel``, with all its rows in their order and the new columns.

    Raises
    ------
    SchemaError
        If columns are absent or clash, a cell stands twice in the price index, a price is not
        positive, a series lacks the base year, or cells have no price (``unmatched="raise"``).

    Warns
    -----
    SpilloverWarning
        With ``unmatched="missing"``: rows and cells without a price, listed.

    Examples
    --------
    >>> firms = pd.DataFrame({"firm": [1, 1, 2], "year": [2000, 2001, 2001],
    ...     "industry": ["15", "15", "17"], "output": [100.0, 120.0, 80.0]})
    >>> prices = pd.DataFrame({"industry": [15, 15, 17], "year": [2000, 2001, 2001],
    ...     "price": [1.0, 1.2, 1.6]})
    >>> deflate(firms, prices, columns=["output"])["real_output"].tolist()
    [100.0, 100.0, 50.0]
    """
    check_choice("unmatched", unmatched, ("raise", "missing"))
    frame = panel.frame if isinstance(panel, FirmPanel) else as_eager(panel, "panel")
    keys = _check_keys(by, frame, as_eager(price_index, "price_index"))
    table = as_eager(price_index, "price_index").to_pandas()
    pairs = _pairs(columns, keys, frame, table)
    names = _new_names(pairs, frame, into)
    prices = _prices(table, keys, list(dict.fromkeys(pairs.values())))
    if base_year is not None:
        prices = _rebase(prices, keys, base_year)
    place, cells = _places(frame, keys, prices)
    note = _report(prices, place, cells, pairs, unmatched)
    new = {}
    for column, price in pairs.items():
        level = np.append(prices[price].to_numpy(dtype=float), np.nan)[place]
        new[names[column]] = frame[column].cast(nw.Float64).to_numpy() / level
    native = add_columns(frame, new)
    if not isinstance(panel, FirmPanel):
        return native
    notes = (*panel.report.notes, *([note] if note else []))
    return FirmPanel(native, replace(panel.report, notes=notes))


def _check_keys(
    by: Sequence[str], frame: nw.DataFrame[Any], table: nw.DataFrame[Any]
) -> tuple[str, ...]:
    if isinstance(by, str) or not by or len(set(by)) < len(by):
        raise SchemaError(f"by={by!r} must be a list of different columns, such as ['year'].")
    for what, present in (("The panel", frame.columns), ("The price index", table.columns)):
        for key in by:
            if key not in present:
                raise SchemaError(f"{what} has no column {key!r}.{did_you_mean(key, present)}")
    return tuple(by)


def _pairs(
    columns: Mapping[str, str] | Sequence[str],
    keys: tuple[str, ...],
    frame: nw.DataFrame[Any],
    table: pd.DataFrame,
) -> dict[str, str]:
    """Return panel column -> price column, checked."""
    offered = [str(name) for name in table.columns if name not in keys]
    if isinstance(columns, str) or not columns:
        raise SchemaError(
            f"columns={columns!r} must be a list of the panel's columns or a mapping such as "
            "{'output': 'output_price'}."
        )
    if isinstance(columns, Mapping):
        pairs = {str(column): str(price) for column, price in columns.items()}
    elif len(offered) == 1:
        pairs = dict.fromkeys(columns, offered[0])
    else:
        raise SchemaError(
            f"The price index has {len(offered)} columns of prices ({preview(offered)}): say which "
            "belongs to what, as in columns={'output': 'output_price'}."
        )
    for column, price in pairs.items():
        if column not in frame.columns:
            hint = did_you_mean(column, frame.columns)
            raise SchemaError(f"The panel has no column {column!r}.{hint}")
        if column in keys or not frame.schema[column].is_numeric():
            raise SchemaError(f"{column} holds no money to deflate ({frame.schema[column]}).")
        if price not in offered:
            raise SchemaError(f"There is no price column {price!r}.{did_you_mean(price, offered)}")
    return pairs


def _new_names(pairs: Mapping[str, str], frame: nw.DataFrame[Any], into: str) -> dict[str, str]:
    if not isinstance(into, str) or into.count("{}") != 1:
        raise SchemaError(f"into={into!r} must hold {{}} once, as in 'real_{{}}'.")
    names = {column: into.replace("{}", column) for column in pairs}
    clash = [new for old, new in names.items() if new in frame.columns and new != old]
    if clash:
        raise SchemaError(
            f"The panel already has {preview(clash)}. Drop the columns, or choose another into=."
        )
    return names


def _text(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return codes as they are compared: text without blanks; 15, 15.0 and "15" are one code."""
    if pd.api.types.is_float_dtype(values.dtype):
        known = values.dropna()
        if (known % 1 == 0).all():
            values = values.astype("Int64")
    text = values.astype("string").str.strip()
    return text.astype(object).where(text.notna(), None)


def _prices(table: pd.DataFrame, keys: tuple[str, ...], columns: list[str]) -> pd.DataFrame:
    """Return the price table with its keys as text, after checking that it is one row a cell."""
    out = pd.DataFrame({key: _text(table[key]) for key in keys})
    for column in columns:
        numbers = table[column]
        if not pd.api.types.is_numeric_dtype(numbers.dtype):
            first = preview(numbers.dropna().head(3).tolist())
            raise SchemaError(f"Price {column!r} holds no numbers (first values: {first}).")
        out[column] = numbers.to_numpy(dtype=float, na_value=np.nan)
    empty = out[list(keys)].isna().any(axis=1)
    if empty.any():
        raise SchemaError(
            f"{rows(int(empty.sum()))} of the price index lack {' or '.join(keys)}. Fill or drop."
        )
    twice = out.duplicated(list(keys))
    if twice.any():
        cells = [" ".join(cell) for cell in out.loc[twice, list(keys)].to_numpy()]
        raise SchemaError(
            f"{len(set(cells)):,} cells of {' × '.join(keys)} stand more than once in the price "
            f"index: {preview(dict.fromkeys(cells))}. Keep one price a cell."
        )
    for column in columns:
        bad = out[(out[column] <= 0) | np.isinf(out[column])]
        if len(bad):
            cells = [" ".join(cell) for cell in bad[list(keys)].to_numpy()]
            raise SchemaError(
                f"Price {column!r} is not a positive number in {rows(len(bad))}: {preview(cells)}. "
                "Mend it, or leave it missing."
            )
    return out


def _rebase(prices: pd.DataFrame, keys: tuple[str, ...], base_year: int) -> pd.DataFrame:
    """Divide each series by its value in the base year."""
    if "year" not in keys:
        raise SchemaError(f"base_year={base_year} needs 'year' in by=; it is {list(keys)}.")
    others = [key for key in keys if key != "year"]
    columns = [name for name in prices.columns if name not in keys]
    base = prices[prices["year"] == str(base_year)]
    if others:
        found = prices[others].merge(base, on=others, how="left", validate="m:1")[columns]
    else:
        found = base[columns].reindex(base.index.repeat(len(prices)))
    if len(found) == 0 or found.isna().any().any():
        lacking = (
            prices.loc[found.isna().any(axis=1).to_numpy(), others].drop_duplicates().to_numpy()
            if len(found)
            else np.array([["all"]])
        )
        cells = [" ".join(cell) for cell in lacking]
        raise SchemaError(
            f"base_year={base_year}: {len(cells)} price series have no price then: "
            f"{preview(cells)}. Choose a year that all have."
        )
    out = prices.copy()
    out[columns] = prices[columns].to_numpy() / found.to_numpy()
    return out


def _places(
    frame: nw.DataFrame[Any], keys: tuple[str, ...], prices: pd.DataFrame
) -> tuple[NDArray[np.intp], pd.Series[str]]:
    """Return each row's place in the price table (-1 for none), and the name of its cell."""
    own = pd.DataFrame({key: _text(frame[key].to_pandas()).to_numpy() for key in keys})
    known = pd.MultiIndex.from_frame(prices[list(keys)])
    wanted = pd.MultiIndex.from_frame(own)
    cell = own[keys[0]].fillna("(missing)").astype(str)
    for key in keys[1:]:
        cell = cell + " " + own[key].fillna("(missing)").astype(str)
    return known.get_indexer(wanted), cell


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count:,} cells"


def _report(
    prices: pd.DataFrame,
    place: NDArray[np.intp],
    cells: pd.Series[str],
    pairs: Mapping[str, str],
    unmatched: Literal["raise", "missing"],
) -> str:
    """Raise or warn about rows that get no price; return the note for the panel's report."""
    lacking = np.zeros(len(place), dtype=bool)
    for price in dict.fromkeys(pairs.values()):
        level = np.append(prices[price].to_numpy(dtype=float), np.nan)[place]
        lacking |= np.isnan(level)
    if not lacking.any():
        return ""
    counts = cells[lacking].value_counts(sort=False).sort_index()
    listed = preview_counts({str(cell): int(count) for cell, count in counts.items()})
    text = (
        f"{int(lacking.sum()):,} of {rows(len(place))} have no price, in {_cells(len(counts))}: "
        f"{listed}"
    )
    if unmatched == "raise":
        raise SchemaError(
            f"{text}. Complete the price index, or pass unmatched='missing' to leave the deflated "
            "columns missing there."
        )
    warn(f"{text}. The deflated columns are missing there.", SpilloverWarning, stacklevel=3)
    return f"{text}; deflated columns missing there"

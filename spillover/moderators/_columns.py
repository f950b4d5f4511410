"""Read columns of any panel, add new ones in its own library, count what is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from warnings import warn

import narwhals as nw
import numpy as np
import pandas as pd

from spillover._frames import as_eager
from spillover.errors import SchemaError, SpilloverWarning, check_choice, did_you_mean, preview
from spillover.firms import FirmPanel
from spillover.panel.design import DOMESTIC_BELOW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover._frames import NativeFrame

    Rows = NDArray[np.bool_]

Of = ("all", "domestic", "foreign")
"""Which firms a statistic is taken over."""


def read(panel: FirmPanel | NativeFrame, names: Sequence[str], caller: str) -> pd.DataFrame:
    """Return columns of a panel as pandas, with rows numbered from 0.

    Raises
    ------
    SchemaError
        If a column is absent.
    """
    eager = panel.frame if isinstance(panel, FirmPanel) else as_eager(panel, "panel")
    wanted = list(dict.fromkeys(names))
    absent = [name for name in wanted if name not in eager.columns]
    if absent:
        raise SchemaError(
            f"moderators.{caller}() needs the column(s) {preview(absent, 12)}, which the panel "
            f"does not have.{did_you_mean(absent[0], list(eager.columns))}"
        )
    frame: pd.DataFrame = eager.select(wanted).to_pandas().reset_index(drop=True)
    return frame


def numbers(frame: pd.DataFrame, name: str) -> pd.Series[float]:
    """Return a column as floats; missing stays missing.

    Raises
    ------
    SchemaError
        If it holds no numbers.
    """
    if frame[name].dtype.kind not in "biuf":
        raise SchemaError(f"The column {name!r} holds {frame[name].dtype}, not numbers.")
    return pd.Series(frame[name].to_numpy(dtype=np.float64, na_value=np.nan), frame.index)


def ratio_of(frame: pd.DataFrame, top: str, bottom: str) -> pd.Series[float]:
    """Divide one column by another; missing where the second is not positive."""
    below = numbers(frame, bottom)
    return numbers(frame, top) / below.where(below > 0)


def chosen(frame: pd.DataFrame, of: str) -> Rows:
    """Return which rows are domestic or foreign firms; all if so asked.

    Raises
    ------
    SchemaError
        For another word.
    """
    check_choice("of", of, Of)
    if of == "all":
        return np.ones(len(frame), dtype=bool)
    share = numbers(frame, "foreign_share")
    rows = share >= DOMESTIC_BELOW if of == "foreign" else share < DOMESTIC_BELOW
    return np.asarray(rows, dtype=bool)


def keys_of(by: Sequence[str]) -> list[str]:
    """Check the columns that make a group.

    Raises
    ------
    SchemaError
        If they are no list of names.
    """
    if isinstance(by, str) or not by or not all(isinstance(name, str) for name in by):
        raise SchemaError(f"by={by!r}: give a list of columns, such as ('industry', 'year').")
    return list(by)


def add(
    panel: FirmPanel | NativeFrame,
    columns: Mapping[str, pd.Series[Any]],
    reasons: Mapping[str, Rows | pd.Series[Any]] | None = None,
    *,
    stacklevel: int = 3,
) -> NativeFrame:
    """Return the panel with the columns; warn once of missing values.

    Parameters
    ----------
    panel : FirmPanel or data frame
    columns : mapping of str to (rows,) series
    reasons : mapping of str to (rows,) bool array
        Why the first column is missing; a row counts for the first reason that applies.
    stacklevel : int
        Frames up to the caller whom the warning is for.

    Raises
    ------
    SchemaError
        If the panel has a column of that name.
    """
    eager = panel.frame if isinstance(panel, FirmPanel) else as_eager(panel, "panel")
    taken = [name for name in columns if name in eager.columns]
    if taken:
        raise SchemaError(
            f"The panel already has {preview(taken)}: drop it, or choose another name with name=."
        )
    native = eager.to_native()
    if isinstance(native, pd.DataFrame):
        made = native.assign(**{name: values.to_numpy() for name, values in columns.items()})
        made.attrs = dict(native.attrs)
    else:
        space = nw.get_native_namespace(eager)
        more = [
            nw.new_series(name, values.to_numpy(dtype=np.float64), nw.Float64, backend=space)
            for name, values in columns.items()
        ]
        made = eager.with_columns(*more).to_native()
    text = _missing(columns, reasons or {})
    if text:
        warn(text, SpilloverWarning, stacklevel=stacklevel)
    if not isinstance(panel, FirmPanel):
        return made
    notes = (*panel.report.notes, text) if text else panel.report.notes
    return replace(panel, data=made, report=replace(panel.report, notes=notes))


def _missing(
    columns: Mapping[str, pd.Series[Any]], reasons: Mapping[str, Rows | pd.Series[Any]]
) -> str:
    """Count the missing values of the first column by reason; empty if there are none."""
    name, values = next(iter(columns.items()))
    left = values.isna().to_numpy()
    total = int(left.sum())
    if not total:
        return ""
    counts = {}
    for why, rows in reasons.items():
        here = left & np.asarray(rows, dtype=bool)
        if here.any():
            counts[why] = int(here.sum())
            left = left & ~here
    if left.any():
        counts["a missing value"] = int(left.sum())
    listed = ", ".join(f"{count:,} for {why}" for why, count in counts.items())
    return f"{name} is missing in {total:,} of {len(values):,} rows: {listed}."

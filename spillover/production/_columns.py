"""New columns in a panel of whatever library, and whether a panel has the rows of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from spillover.errors import SchemaError, did_you_mean, rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from spillover._frames import NativeFrame
    from spillover.production.result import Productivity


def add_columns(
    frame: nw.DataFrame[Any], columns: Mapping[str, NDArray[np.float64]]
) -> NativeFrame:
    """Return the native frame with further columns, NaN as missing; pandas keeps its ``attrs``.

    Examples
    --------
    >>> made = add_columns(nw.from_native(pd.DataFrame({"a": [1]}, index=[7])),
    ...     {"b": np.array([2.0])})
    >>> made.to_dict()
    {'a': {7: 1}, 'b': {7: 2.0}}
    """
    new = [
        nw.new_series(name, values, backend=frame.implementation).fill_nan(None)
        for name, values in columns.items()
    ]
    native = frame.with_columns(new).to_native()
    if isinstance(native, pd.DataFrame):
        native.attrs = dict(frame.to_native().attrs)
    return native


def check_same_rows(result: Productivity, frame: nw.DataFrame[Any]) -> None:
    """Raise unless a panel has the rows of a result, in their order."""
    n = len(result.tfp)
    if len(frame) != n:
        raise SchemaError(
            f"The panel has {rows(len(frame))}, the result {n:,}. Give the panel that productivity "
            "was estimated on."
        )
    if "year" not in frame.columns:
        raise SchemaError(f"The panel has no column 'year'.{did_you_mean('year', frame.columns)}")
    year = frame["year"].to_numpy()
    for name, inputs in result.inputs.items():
        other = np.flatnonzero(year[inputs.row] != inputs.year)
        if other.size:
            raise SchemaError(
                f"The panel's rows are not those of the result: {rows(other.size)} of group {name} "
                "are of another year. Give the panel that productivity was estimated on, in the "
                "same order."
            )

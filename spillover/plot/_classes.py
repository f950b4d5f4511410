"""Log productivity by class of firm, for its density."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spillover._frames import as_eager
from spillover.errors import SchemaError, did_you_mean, preview
from spillover.firms import FirmPanel
from spillover.production._columns import check_same_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spillover._frames import NativeFrame
    from spillover.production.result import Productivity

MOST_CLASSES, FEWEST = 4, 10  # densities in a figure; firm-years that each needs


def tfp_and_class(
    result: Productivity,
    panel: FirmPanel | NativeFrame,
    *,
    by: str,
    threshold: float,
    cells: Sequence[str],
) -> tuple[pd.Series[float], pd.Series[Any]]:
    """Return log productivity less its cell's mean, and each row's class."""
    own = panel.frame if isinstance(panel, FirmPanel) else as_eager(panel, "panel")
    check_same_rows(result, own)
    frame = own.to_pandas()
    _check_columns(frame, [*cells, "foreign_share" if by == "foreign" else by])
    tfp = pd.Series(result.tfp.to_numpy(dtype=float), index=frame.index)
    if cells:
        tfp = tfp - tfp.groupby([frame[name] for name in cells]).transform("mean")
    classes = _classes(frame, by, threshold)
    counts = classes[tfp.notna()].value_counts()
    if counts.empty:
        raise SchemaError(f"No row has both productivity and a known {by!r}.")
    small = sorted(counts.index[counts < FEWEST])
    if small:
        raise SchemaError(
            f"{preview(small)} has fewer than {FEWEST} firm-years with productivity: too few for a "
            "density."
        )
    return tfp, classes


def _check_columns(frame: pd.DataFrame, names: Sequence[str]) -> None:
    for name in names:
        if name not in frame.columns:
            hint = did_you_mean(name, [str(column) for column in frame.columns])
            raise SchemaError(f"The panel has no column {name!r}.{hint}")


def _classes(frame: pd.DataFrame, by: str, threshold: float) -> pd.Series[Any]:
    """Return each row's class as text, missing where it is not known."""
    if by == "foreign":
        if not 0.0 < threshold <= 1.0:
            raise SchemaError(f"threshold={threshold}: give a foreign share from 0 to 1.")
        share = frame["foreign_share"].astype(float)
        names = pd.Series(np.where(share >= threshold, "foreign", "domestic"), index=frame.index)
        return names.where(share.notna())
    column = frame[by]
    number = column.nunique()
    if number > MOST_CLASSES:
        raise SchemaError(
            f"{by} has {number} values; at most {MOST_CLASSES} densities can be told apart. Group "
            "them in a new column."
        )
    return column.astype(str).where(column.notna())

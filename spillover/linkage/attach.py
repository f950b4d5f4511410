"""Join the measures to the firms: validated many-to-one, nothing dropped in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast
from warnings import warn

import narwhals as nw
import pandas as pd

from spillover._frames import NativeFrame, as_eager
from spillover.errors import SchemaError, SpilloverWarning, check_choice, did_you_mean, preview
from spillover.firms import FirmPanel
from spillover.linkage.build import check_linkages
from spillover.linkage.carried import carry
from spillover.linkage.presence import check_columns, firm_weight, foreign_indicator
from spillover.linkage.result import MEASURES, Linkages

if TYPE_CHECKING:
    from collections.abc import Sequence

KEYS = ("industry", "year")


def attach(
    firms: FirmPanel | NativeFrame,
    links: Linkages,
    *,
    measures: Sequence[str] = MEASURES,
    suffix: str = "",
    unmatched: Literal["warn", "raise"] = "warn",
) -> NativeFrame:
    """Give every firm-year the linkage measures of its industry and year.

    Parameters
    ----------
    firms : FirmPanel or data frame
        With the columns industry and year (and those of the definition, if it leaves one out).
    links : Linkages
    measures : sequence of str
        Columns of ``links.data``: horizontal, backward, forward, backward_weight, forward_weight.
    suffix : str
        Added to the new columns' names, to hold several definitions side by side.
    unmatched : {"warn", "raise"}
        What to do when firm-years have no measure; with "warn" they stay, with missing values.

    Returns
    -------
    data frame
        In the library of ``firms``: all its rows, in their order, and the new columns. A pandas
        frame also carries ``links`` in its ``attrs``, so that a regression can say how its
        regressors were made.

    Raises
    ------
    SchemaError
        For absent key columns, unknown measures, or columns that already exist.

    Warns
    -----
    SpilloverWarning
        Once, with the count of firm-years without a measure and the industries and years.

    Examples
    --------
    >>> import spillover as sp
    >>> io = sp.IOTable.from_arrays(["A", "B"], total=[[10, 30], [20, 40]], output=[100, 120],
    ...     unit="EUR")
    >>> firms = pd.DataFrame({"firm": [1, 2, 3], "year": 2000, "industry": ["A", "A", "B"],
    ...     "output": [60.0, 40.0, 120.0], "exports": 0.0, "foreign_share": [0.5, 0.0, 1.0]})
    >>> sp.attach(firms, sp.linkages(firms, io))[["firm", "horizontal", "backward"]]
       firm  horizontal  backward
    0     1         0.3      0.75
    1     2         0.3      0.75
    2     3         1.0      0.10
    """
    check_choice("unmatched", unmatched, ("warn", "raise"))
    links = check_linkages(links)
    frame = firms.frame if isinstance(firms, FirmPanel) else as_eager(firms, "firms")
    names = _new_names(frame, links, measures, suffix)
    frame = _text_keys(frame)
    joined = _leave_one_out(_join(frame, links, list(measures)), links, measures)
    _report_missing(joined, measures, unmatched)
    native = joined.rename(names).to_native()
    if isinstance(native, pd.DataFrame):
        carry(native, links, tuple(names.values()))
    return native


def _new_names(
    frame: nw.DataFrame[Any], links: Linkages, measures: Sequence[str], suffix: str
) -> dict[str, str]:
    for key in KEYS:
        if key not in frame.columns:
            hint = did_you_mean(key, frame.columns)
            raise SchemaError(f"The firms have no column {key!r}.{hint}")
    offered = [name for name in links.data.columns if name not in (*KEYS, "firms")]
    for name in measures:
        if name not in offered:
            raise SchemaError(f"{name!r} is no linkage measure.{did_you_mean(name, offered)}")
    names = {name: name + suffix for name in measures}
    clash = [new for new in names.values() if new in frame.columns]
    if clash:
        raise SchemaError(
            f"The firms already have {preview(clash)}. Pass suffix='_2', say, or drop the columns."
        )
    taken = [name for name in names if name in frame.columns]
    if taken:
        raise SchemaError(f"Rename the firms' columns {preview(taken)} before a second attach.")
    return names


def _text_keys(frame: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Give the keys the types of ``links.data``: industry as text, year as a whole number."""
    industry, year = frame.schema["industry"], frame.schema["year"]
    if not year.is_numeric():
        raise SchemaError(f"year holds {year}, not numbers. Convert it to whole years.")
    casts = []
    if industry != nw.String or frame.implementation.is_pyarrow():  # large_string joins no string
        codes = nw.col("industry")
        casts.append((codes.cast(nw.Int64) if industry.is_float() else codes).cast(nw.String))
    if year != nw.Int64:
        casts.append(nw.col("year").cast(nw.Int64))
    return frame.with_columns(casts) if casts else frame


def _join(frame: nw.DataFrame[Any], links: Linkages, measures: list[str]) -> nw.DataFrame[Any]:
    """Left-join on industry and year; the right side is unique by construction, rows keep order."""
    columns = [*KEYS, *measures]
    table = links.data[columns]
    if links.definition.leave_one_out and "horizontal" in measures:
        table = table.merge(
            links.cells[[*KEYS, "foreign", "total", "firms"]]
            .add_prefix("_")
            .rename(columns={f"_{key}": key for key in KEYS}),
            on=list(KEYS),
            how="left",
            validate="1:1",
        )
    right = nw.from_dict(
        {name: table[name].tolist() for name in KEYS}
        | {name: table[name].to_numpy() for name in table.columns if name not in KEYS},
        schema={
            name: (nw.String if name == "industry" else nw.Int64 if name == "year" else nw.Float64)
            for name in table.columns
        },
        backend=frame.implementation,
    )
    right = right.with_columns(
        nw.col(name).fill_nan(None) for name in table.columns if name not in KEYS
    )
    return _ordered_left_join(frame, right)


def _ordered_left_join(frame: nw.DataFrame[Any], right: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    if frame.implementation.is_pandas():
        index = cast("pd.DataFrame", frame.to_native()).index
        native = cast("pd.DataFrame", frame.join(right, on=list(KEYS), how="left").to_native())
        return nw.from_native(native.set_axis(index, axis=0), eager_only=True)
    position = "_row_position"
    numbered = frame.with_row_index(position)
    return numbered.join(right, on=list(KEYS), how="left").sort(position).drop(position)


def _leave_one_out(
    joined: nw.DataFrame[Any], links: Linkages, measures: Sequence[str]
) -> nw.DataFrame[Any]:
    """Take the firm itself out of Horizontal's numerator and denominator."""
    definition = links.definition
    if not definition.leave_one_out or "horizontal" not in measures:
        return joined
    check_columns([*joined.columns, "exports"], definition)
    if "foreign_share" not in joined.columns:
        raise SchemaError("Leaving the firm out needs its column 'foreign_share'.")
    weight = firm_weight(definition)
    counted = ~weight.is_null()
    own = nw.when(counted).then(weight).otherwise(0.0)
    own_foreign = nw.when(counted).then(foreign_indicator(definition) * weight).otherwise(0.0)
    others = nw.col("_firms") - counted.cast(nw.Float64)
    rest = nw.col("_total") - own
    result = nw.when((others > 0) & (rest > 0)).then((nw.col("_foreign") - own_foreign) / rest)
    return joined.with_columns(horizontal=result).drop("_foreign", "_total", "_firms")


def _report_missing(
    joined: nw.DataFrame[Any], measures: Sequence[str], how: Literal["warn", "raise"]
) -> None:
    lacking = joined.filter(nw.any_horizontal(nw.col(*measures).is_null(), ignore_nulls=False))
    if len(lacking) == 0:
        return
    cells = lacking.group_by(*KEYS).agg(nw.len().alias("n")).sort(*KEYS).rows()
    listed = preview([f"{industry} {year} ({n})" for industry, year, n in cells], 8)
    text = (
        f"{len(lacking):,} of {len(joined):,} firm-years lack a linkage measure; "
        f"industry-years (firm-years): {listed}."
    )
    if how == "raise":
        raise SchemaError(text + " Pass unmatched='warn' to keep them with missing values.")
    warn(text + " They stay, with missing values.", SpilloverWarning, stacklevel=3)

"""Join the measures to the firms: validated many-to-one, nothing dropped in silence."""

from __future__ import annotations

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
from spillover.linkage.build import check_linkages
from spillover.linkage.carried import carry
from spillover.linkage.lookup import Places, gather, weighted
from spillover.linkage.presence import Presence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover._industries import Split
    from spillover.linkage.definition import LinkageDefinition
    from spillover.linkage.result import Linkages

    Array = NDArray[np.float64]

KEYS = ("industry", "region", "year")
SUMS = ("foreign", "total", "firms")


def attach(
    firms: FirmPanel | NativeFrame,
    links: Linkages,
    *,
    measures: Sequence[str] | None = None,
    suffix: str = "",
    unmatched: Literal["warn", "raise"] = "warn",
) -> NativeFrame:
    """Give every firm-year the linkage measures of its industry and year.

    A firm of an industry that stands for several sectors
    (:meth:`FirmPanel.with_industries` with ``several="split"``) gets the weighted mean of its
    sectors' measures, which is missing if one of them is.

    Parameters
    ----------
    firms : FirmPanel or data frame
        With the columns industry and year (and those of the definition, if it leaves one out).
    links : Linkages
    measures : sequence of str, optional
        Columns of ``links.data``: measures, their weights (``backward_weight``), controls. By
        default the measures and controls that were built.
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
        For absent key columns, unknown measures, columns that already exist, or industries that
        the firms and ``links`` split in different ways.

    Warns
    -----
    SpilloverWarning
        Once, with the count of firm-years without a measure (and of those that stand for several
        sectors) and the industries and years.

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
    links = _with_split(check_linkages(links), firms)
    frame = firms.frame if isinstance(firms, FirmPanel) else as_eager(firms, "firms")
    names = _new_names(frame, links, _default(links) if measures is None else measures, suffix)
    joined = _look_up(frame, links, names)
    _report_missing(joined, links, list(names.values()), unmatched)
    native = joined.to_native()
    if isinstance(native, pd.DataFrame):
        native.attrs = dict(frame.to_native().attrs)
        carry(native, links, names)
    return native


def _with_split(links: Linkages, firms: FirmPanel | NativeFrame) -> Linkages:
    """Let ``links`` know which sectors the firms' split industries stand for."""
    given: Split = firms.split if isinstance(firms, FirmPanel) else {}
    differ = [label for label, shares in given.items() if links.split.get(label, shares) != shares]
    if differ:
        raise SchemaError(
            f"The firms and the linkages give other weights to the sectors of {preview(differ)}. "
            "Recode both with one concordance."
        )
    if given.keys() <= links.split.keys():
        return links
    return replace(links, split={**links.split, **given})


def _key_names(links: Linkages) -> tuple[str, ...]:
    return tuple(name for name in KEYS if name in links.data.columns)


def _default(links: Linkages) -> list[str]:
    left_out = {*KEYS, "firms"}
    return [
        name for name in links.data.columns if name not in left_out and not name.endswith("_weight")
    ]


def _new_names(
    frame: nw.DataFrame[Any], links: Linkages, measures: Sequence[str], suffix: str
) -> dict[str, str]:
    for key in _key_names(links):
        if key not in frame.columns:
            hint = did_you_mean(key, frame.columns)
            raise SchemaError(f"The firms have no column {key!r}.{hint}")
    offered = [name for name in links.data.columns if name not in (*KEYS, "firms")]
    if isinstance(measures, str) or not measures or len(set(measures)) < len(measures):
        raise SchemaError(
            f"measures={measures!r} must be a list of different measures, such as ['backward']."
        )
    for name in measures:
        if name not in offered:
            raise SchemaError(f"{name!r} is no linkage measure.{did_you_mean(name, offered)}")
    if not isinstance(suffix, str):
        raise SchemaError(f"suffix={suffix!r} must be text, such as '_2'.")
    names = {name: name + suffix for name in measures}
    clash = [new for new in names.values() if new in frame.columns]
    if clash:
        raise SchemaError(
            f"The firms already have {preview(clash)}. Pass suffix='_2', say, or drop the columns."
        )
    return names


def _keys(frame: nw.DataFrame[Any], names: Sequence[str]) -> nw.DataFrame[Any]:
    """Return the keys as they are compared: industry and region as text, year as a number."""
    if not frame.schema["year"].is_numeric():
        raise SchemaError(
            f"year holds {frame.schema['year']}, not numbers. Convert it to whole years."
        )
    kind = frame.schema["year"]
    whole = kind.is_integer() and kind != nw.UInt64 and not frame["year"].is_null().any()
    year = nw.col("year").cast(nw.Int64 if whole else nw.Float64)
    return frame.select(*(_text(frame, name) for name in names if name != "year"), year)


def _text(frame: nw.DataFrame[Any], name: str) -> nw.Expr:
    """Codes as text: 15.0 is "15"; a missing number is "-1", which is no code."""
    code, kind = nw.col(name), frame.schema[name]
    if kind.is_float():
        code = nw.when(code.is_finite()).then(code).otherwise(-1.0).cast(nw.Int64).alias(name)
    return code if kind == nw.String else code.cast(nw.String)


def _check_whole(frame: nw.DataFrame[Any], names: Sequence[str]) -> None:
    for name in names:
        if frame.schema[name].is_float():
            known = frame[name].to_numpy()
            broken = known[~np.isnan(known) & (known % 1 != 0)]
            if len(broken):
                raise SchemaError(
                    f"{name}: {rows(len(broken))} hold values that are not whole "
                    f"({preview(broken.tolist(), 3)})."
                )


def _look_up(
    frame: nw.DataFrame[Any], links: Linkages, names: Mapping[str, str]
) -> nw.DataFrame[Any]:
    """Add each row's measures; its industry and year say where they stand."""
    keys = _key_names(links)
    _check_whole(frame, keys)
    grid = Places.of(links)
    laid = {measure: grid.mean(links.data, measure) for measure in names}
    without_own = "horizontal" in names and links.definition.leave_one_out
    turns = grid.turns if without_own else range(0)
    for turn in turns:
        laid |= {f"_{name}{turn}": grid.fill(links.cells, name, turn) for name in SUMS}
        laid[f"_part{turn}"] = grid.parts(turn)
    found = gather(_keys(frame, keys), grid, laid)
    if without_own:
        own = _own_sums(frame, links.definition)
        found["horizontal"] = weighted(
            (
                part := found[f"_part{turn}"],
                _without(own, part, *(found[f"_{name}{turn}"] for name in SUMS)),
            )
            for turn in turns
        )
    columns = []
    for measure, name in names.items():
        series = nw.new_series(name, found[measure], backend=frame.implementation)
        columns.append(series.fill_nan(None) if np.isnan(found[measure]).any() else series)
    return frame.with_columns(columns)


def _own_sums(frame: nw.DataFrame[Any], definition: LinkageDefinition) -> tuple[Array, ...]:
    """Return what each firm adds to the sums of its industry-year, in the order of ``SUMS``."""
    presence = Presence.of(definition)
    needed = list(dict.fromkeys(presence.columns))
    for name in needed:
        if name not in frame.columns:
            raise SchemaError(f"Leaving the firm out needs the column {name!r}.")
    known = frame.select(
        nw.col(name).cast(nw.Float64).fill_nan(None) if frame.schema[name].is_numeric() else name
        for name in needed
    )
    share = known["foreign_share"].to_numpy()
    if ((share < 0) | (share > 1)).any():
        raise SchemaError(
            "foreign_share holds values outside 0 to 1. Leaving the firm out needs shares: attach "
            "to the panel that sp.read_firms returned."
        )
    own = known.select(presence.foreignness().alias("F"), presence.weighting().alias("w"))
    counted = ~np.isnan(own["w"].to_numpy())
    weight = np.where(counted, own["w"].to_numpy(), 0.0)
    return np.where(counted, own["F"].to_numpy(), 0.0) * weight, weight, counted


def _without(
    own: tuple[Array, ...], part: Array, foreign: Array, total: Array, firms: Array
) -> Array:
    """Return Horizontal without the firm itself, of which ``part`` counts in the sums."""
    own_foreign, own_total, counted = (part * value for value in own)
    rest = total - own_total
    result = np.full(len(rest), np.nan)
    np.divide(foreign - own_foreign, rest, out=result, where=(firms - counted > 0) & (rest > 0))
    return result


def _report_missing(
    joined: nw.DataFrame[Any],
    links: Linkages,
    measures: Sequence[str],
    how: Literal["warn", "raise"],
) -> None:
    if not any(joined[name].is_null().any() for name in measures):
        return
    keys = _key_names(links)
    lacking = joined.select(*keys, *measures).filter(
        nw.any_horizontal(nw.col(*measures).is_null(), ignore_nulls=False)
    )
    cells = lacking.group_by(*keys).agg(nw.len().alias("n")).sort(*keys).rows()
    listed = preview_counts({" ".join(map(str, key)): n for *key, n in cells})
    counts = {name: int(lacking[name].is_null().sum()) for name in measures}
    which = ", ".join(f"{name} in {count:,}" for name, count in counts.items() if count)
    text = (
        f"{len(lacking):,} of {len(joined):,} firm-years lack a linkage measure ({which}); "
        f"industry-years: {listed}."
    )
    shared = sum(n for industry, *_, n in cells if industry in links.split)
    if shared:
        text += f" {shared:,} of them stand for several sectors, one of which lacks it."
    if how == "raise":
        raise SchemaError(text + " Pass unmatched='warn' to keep them with missing values.")
    warn(text + " They stay, with missing values.", SpilloverWarning, stacklevel=3)

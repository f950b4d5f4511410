"""From a data frame and a formula to arrays: the sample, with every left-out row counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from spillover._frames import NativeFrame, as_eager
from spillover.errors import SchemaError
from spillover.panel.codes import compress, encode
from spillover.panel.formula import Effect, Model, effect_name
from spillover.panel.source import DOMESTIC_BELOW, Mask, Sample, Source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.panel.source import Parts

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Rows = NDArray[np.bool_]

__all__ = ["DOMESTIC_BELOW", "Design", "Mask", "Sample", "build_design", "compress", "encode"]


@dataclass(frozen=True)
class Design:
    """The arrays behind a regression.

    Attributes
    ----------
    y : (n,) array
    X : (n, k) array
    terms : list of str
        The k regressors; endogenous ones last.
    effects : mapping of str to (n,) array
        Codes 0, 1, ... of each absorbed effect.
    clusters : mapping of str to (n,) array
        Codes of each clustering level.
    weights : (n,) array or None
    used : (rows of the data,) bool array
        Which rows stayed.
    dropped : mapping of str to int
        Rows left out, by reason.
    endogenous : tuple of str
        The terms that are instrumented.
    Z : (n, l) array or None
        The excluded instruments.
    Z_terms : tuple of str
        Their names.
    """

    y: Matrix
    X: Matrix
    terms: list[str]
    effects: Mapping[str, Codes]
    clusters: Mapping[str, Codes]
    weights: Matrix | None
    used: Rows
    dropped: Mapping[str, int]
    endogenous: tuple[str, ...] = ()
    Z: Matrix | None = None
    Z_terms: tuple[str, ...] = ()


def build_design(
    model: Model,
    data: NativeFrame,
    *,
    sample: Sample,
    levels: Sequence[Effect],
    weights: str | None,
    singletons: Literal["drop", "keep"],
    length: int = 0,
) -> tuple[Design, str]:
    """Select the sample and evaluate the formula on it.

    Parameters
    ----------
    model : Model
    data : data frame
    sample : see :func:`spillover.fit`
    levels : sequence of Effect
        Clustering levels to code, besides the absorbed effects.
    weights : str, optional
    singletons : {"drop", "keep"}
    length : int
        Calendar years over which the columns are differenced; 0 for levels.

    Returns
    -------
    Design and the sample's name

    Raises
    ------
    SchemaError
        For absent columns, weights that are not positive, or an empty sample.
    """
    source = Source(
        as_eager(data, "data"),
        [model],
        sample=sample,
        levels=levels,
        weights=weights,
        length=length,
    )
    design = design_of(source, model, levels=levels, weights=weights, singletons=singletons)
    return design, source.label


def design_of(
    source: Source,
    model: Model,
    *,
    levels: Sequence[Effect],
    weights: str | None,
    singletons: Literal["drop", "keep"],
) -> Design:
    """Evaluate the formula on a sample, and leave out what cannot be used.

    Parameters
    ----------
    source : Source
    model : Model
    levels : sequence of Effect
        Clustering levels to code, besides the absorbed effects.
    weights : str, optional
    singletons : {"drop", "keep"}

    Returns
    -------
    Design

    Raises
    ------
    SchemaError
        For absent columns, weights that are not positive, or an empty sample.
    """
    parts = source.parts(model)
    w = source.weights(weights) if weights else None
    keep, dropped = usable_rows(
        source, model, parts, levels=levels, weights=weights, singletons=singletons
    )
    if not keep.any():
        raise SchemaError(f"No observation is left. Dropped: {_counts(dropped)}.")
    if source.has_categories(model):  # code them by the levels that the rows have
        parts = source.parts(model, keep)
        inside = np.ones(len(parts.y), dtype=bool)
    else:
        inside = keep
    used = source.chosen.copy()
    used[source.chosen] = keep
    return Design(
        y=take(parts.y, inside),
        X=stack(parts.X, inside),
        terms=parts.terms,
        effects={effect_name(e): compress(take(source.codes(e), keep)) for e in model.absorbed},
        clusters={effect_name(e): compress(take(source.codes(e), keep)) for e in levels},
        weights=None if w is None else take(w, keep),
        used=used,
        dropped=dropped,
        endogenous=parts.endogenous,
        Z=stack(parts.Z, inside) if parts.endogenous else None,
        Z_terms=tuple(parts.Z_terms),
    )


def take(column: NDArray, rows: Rows) -> NDArray:  # type: ignore[type-arg]
    """Select rows; the column itself where all are."""
    return column if rows.all() else column[rows]


def stack(columns: Sequence[Matrix], rows: Rows) -> Matrix:
    """Put columns side by side, on the rows."""
    if not columns:
        return np.empty((int(rows.sum()), 0))
    return np.column_stack(columns if rows.all() else [column[rows] for column in columns])


def usable_rows(
    source: Source,
    model: Model,
    parts: Parts,
    *,
    levels: Sequence[Effect],
    weights: str | None,
    singletons: Literal["drop", "keep"],
) -> tuple[Rows, dict[str, int]]:
    """Find the rows of a sample that a model can use; count the others by reason.

    Returns
    -------
    (rows,) bool array and dict of str to int
    """
    values = [(model.outcome, parts.y), *zip(parts.terms, parts.X, strict=True)]
    values += zip(parts.Z_terms, parts.Z, strict=True)
    if weights:
        values.append((f"weights {weights}", source.weights(weights)))
    dropped = dict(source.dropped)
    keep = np.ones(len(parts.y), dtype=bool)
    if source.unmatched is not None and source.unmatched.any():
        keep = ~source.unmatched
        years = "1 year" if source.length == 1 else f"{source.length} years"
        dropped[f"no row {years} earlier"] = int(source.unmatched.sum())
    for name, column in values:
        gaps = source.gaps(column)
        if gaps is not None:
            bad = keep & gaps
            infinite = int(np.isinf(column[bad]).sum())
            dropped[f"{name} missing"] = int(bad.sum()) - infinite
            dropped[f"{name} infinite"] = infinite
            keep = keep & ~bad
    for effect in (*model.absorbed, *levels):
        absent = source.absent(effect)
        if absent is not None and (bad := keep & absent).any():
            dropped[f"{effect_name(effect)} missing"] = int(bad.sum())
            keep = keep & ~bad
    if singletons == "drop" and model.absorbed:
        held = source.held(model.absorbed, keep)
        dropped["alone in an absorbed effect"] = int(keep.sum() - held.sum())
        keep = held
    return keep, {why: count for why, count in dropped.items() if count}


def _counts(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {why}" for why, count in dropped.items()) or "none"

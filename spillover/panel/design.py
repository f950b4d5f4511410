"""From a data frame and a formula to arrays: the sample, with every left-out row counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from warnings import warn

import numpy as np
import pandas as pd

from spillover._frames import NativeFrame, as_eager
from spillover.errors import SchemaError, SpilloverWarning, check_choice, preview
from spillover.panel.formula import (
    Effect,
    Model,
    check_present,
    effect_name,
    evaluate,
    required_columns,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

Mask = Sequence[bool] | np.ndarray[Any, np.dtype[np.bool_]] | pd.Series
Sample = Literal["all", "domestic", "foreign"] | Mask | Callable[[pd.DataFrame], Mask]
DOMESTIC_BELOW = 0.10
"""Firms with a smaller foreign share are domestic (the OECD's and IMF's line for direct
investment)."""


@dataclass(frozen=True)
class Design:
    """The arrays behind a regression.

    Attributes
    ----------
    y : (n,) array
    X : (n, k) array
    terms : list of str
        The k regressors.
    effects : mapping of str to (n,) array
        Codes 0, 1, ... of each absorbed effect.
    clusters : mapping of str to (n,) array
        Codes of each clustering level.
    weights : (n,) array or None
    used : (rows of the data,) bool array
        Which rows stayed.
    dropped : mapping of str to int
        Rows left out, by reason.
    """

    y: Matrix
    X: Matrix
    terms: list[str]
    effects: Mapping[str, Codes]
    clusters: Mapping[str, Codes]
    weights: Matrix | None
    used: NDArray[np.bool_]
    dropped: Mapping[str, int]


def build_design(
    model: Model,
    data: NativeFrame,
    *,
    sample: Sample,
    levels: Sequence[Effect],
    weights: str | None,
    singletons: Literal["drop", "keep"],
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

    Returns
    -------
    Design and the sample's name

    Raises
    ------
    SchemaError
        For absent columns, weights that are not positive, or an empty sample.
    """
    if isinstance(sample, str):
        check_choice("sample", sample, ("all", "domestic", "foreign"))
    eager = as_eager(data, "data")
    wanted = required_columns(model)
    check_present(wanted, eager.columns, "in the formula")
    grouped = {name for effect in (*model.absorbed, *levels) for name in effect}
    check_present(sorted(grouped), eager.columns, "absorbed effect or cluster")
    extra = [weights] if weights else []
    check_present(extra, eager.columns, "weights")
    by_share = isinstance(sample, str) and sample != "all"
    if by_share:
        check_present(["foreign_share"], eager.columns, f"needed by sample={sample!r}")
        extra.append("foreign_share")
    names = list(dict.fromkeys([*wanted, *sorted(grouped), *extra]))
    frame = (eager if callable(sample) else eager.select(names)).to_pandas()
    chosen, label, dropped = _choose(frame, sample)
    frame = frame if chosen.all() else frame.loc[chosen]
    design = _evaluate(model, frame, levels, weights, dropped)
    if singletons == "drop":
        design = _without_singletons(design)
    if len(design.y) == 0:
        raise SchemaError(f"No observation is left. Dropped: {_counts(design.dropped)}.")
    design = _without_absent_categories(design, model, frame)
    used = chosen.copy()
    used[chosen] = design.used
    return replace(design, used=used), label


def _without_absent_categories(design: Design, model: Model, frame: pd.DataFrame) -> Design:
    """Code categories by the levels that the rows of the regression have."""
    names = [name for name in required_columns(model) if frame[name].dtype.kind not in "biuf"]
    if not names and "C(" not in model.regressors:
        return design
    left = frame.loc[design.used]
    for name in names:
        if isinstance(left[name].dtype, pd.CategoricalDtype):
            left = left.assign(**{name: left[name].cat.remove_unused_categories()})
    absorbing = bool(model.absorbed)
    X, terms = evaluate(model.regressors, left, intercept=not absorbing, implied=absorbing)
    return replace(design, X=X, terms=terms)


def _counts(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {why}" for why, count in dropped.items()) or "none"


def _choose(frame: pd.DataFrame, sample: Sample) -> tuple[NDArray[np.bool_], str, dict[str, int]]:
    """Return the rows of the sample, its name, and what was left out of it for missing shares."""
    if isinstance(sample, str):
        if sample == "all":
            return np.ones(len(frame), dtype=bool), "all firms", {}
        if frame["foreign_share"].dtype.kind not in "biuf":
            held = frame["foreign_share"].dtype
            raise SchemaError(f"'foreign_share' holds {held}, not numbers from 0 to 1.")
        share = frame["foreign_share"].to_numpy(dtype=np.float64, na_value=np.nan)
        if sample == "domestic":
            chosen, label = share < DOMESTIC_BELOW, f"foreign share < {DOMESTIC_BELOW:g}"
        else:
            chosen, label = share >= DOMESTIC_BELOW, f"foreign share >= {DOMESTIC_BELOW:g}"
        unknown = int(np.isnan(share).sum())
        dropped = {f"other than {sample} firms": int(len(share) - chosen.sum()) - unknown}
        if unknown:
            dropped["foreign_share missing"] = unknown
        return chosen, f"{sample} firms ({label})", {k: v for k, v in dropped.items() if v}
    mask = np.asarray(sample(frame) if callable(sample) else sample)
    if mask.dtype != bool or mask.shape != (len(frame),):
        raise SchemaError(
            f"sample= must be one True or False per row: shape {(len(frame),)}, got "
            f"{mask.dtype} of shape {mask.shape}."
        )
    left_out = int((~mask).sum())
    name = getattr(sample, "__name__", "<lambda>")
    label = "selected firms" if name == "<lambda>" else name.replace("_", " ")
    return mask, label, {"not selected": left_out} if left_out else {}


def _evaluate(
    model: Model,
    frame: pd.DataFrame,
    levels: Sequence[Effect],
    weights: str | None,
    dropped: dict[str, int],
) -> Design:
    outcome, outcome_names = evaluate(model.outcome, frame, intercept=False)
    if outcome.shape[1] != 1:
        raise SchemaError(f"The outcome {model.outcome!r} has {len(outcome_names)} columns.")
    absorbing = bool(model.absorbed)
    X, terms = evaluate(model.regressors, frame, intercept=not absorbing, implied=absorbing)
    if not terms:
        raise SchemaError(
            f"{model.regressors!r} leaves no regressor: it is empty, or its categories do not vary."
        )
    effects = {effect_name(e): encode(frame, e) for e in model.absorbed}
    absorbed = set(model.absorbed)
    clusters = {
        effect_name(e): effects[effect_name(e)] if e in absorbed else encode(frame, e)
        for e in levels
    }
    values = {model.outcome: outcome[:, 0]} | {t: X[:, j] for j, t in enumerate(terms)}
    w = None
    if weights:
        if frame[weights].dtype.kind not in "biuf":
            raise SchemaError(f"weights {weights!r} holds {frame[weights].dtype}, not numbers.")
        w = frame[weights].to_numpy(dtype=np.float64, na_value=np.nan)
        if (w <= 0).any():
            raise SchemaError(
                f"weights {weights!r}: {int((w <= 0).sum())} values are not positive."
            )
        values[f"weights {weights}"] = w
    keep = np.ones(len(frame), dtype=bool)
    keep = _complete(values, {**effects, **clusters}, keep, dropped)
    full = keep.all()

    def take(array: NDArray[Any]) -> NDArray[Any]:
        return array if full else array[keep]

    return Design(
        y=take(outcome[:, 0]),
        X=take(X),
        terms=terms,
        effects={name: compress(take(codes)) for name, codes in effects.items()},
        clusters={name: compress(take(codes)) for name, codes in clusters.items()},
        weights=None if w is None else take(w),
        used=keep,
        dropped=dropped,
    )


def _complete(
    values: Mapping[str, Matrix],
    codes: Mapping[str, Codes],
    keep: NDArray[np.bool_],
    dropped: dict[str, int],
) -> NDArray[np.bool_]:
    """Find the complete rows; count the missing by the first column that lacks them."""
    infinite = {}
    for name, column in values.items():
        bad = keep & ~np.isfinite(column)
        if not bad.any():
            continue
        unbounded = int(np.isinf(column[bad]).sum())
        if unbounded:
            infinite[name] = unbounded
        dropped[f"{name} missing"] = int(bad.sum()) - unbounded
        dropped[f"{name} infinite"] = unbounded
        keep = keep & ~bad
    for name, code in codes.items():
        bad = keep & (code < 0)
        if bad.any():
            dropped[f"{name} missing"] = int(bad.sum())
            keep = keep & ~bad
    for why in [why for why, count in dropped.items() if count == 0]:
        del dropped[why]
    if infinite:
        listed = preview([f"{name} ({count:,} rows)" for name, count in infinite.items()])
        warn(
            f"Infinite values, such as the logarithm of zero, were left out: {listed}.",
            SpilloverWarning,
            stacklevel=5,
        )
    return keep


def encode(frame: pd.DataFrame, effect: Effect) -> Codes:
    """Code the levels of an effect or of an interaction; -1 where a part is missing.

    Examples
    --------
    >>> encode(pd.DataFrame({"region": ["N", "S", "N"], "year": [1, 1, 2]}), ("region", "year"))
    array([0, 2, 1])
    """
    codes, uniques = pd.factorize(frame[effect[0]])
    size = len(uniques)
    for name in effect[1:]:
        more, uniques = pd.factorize(frame[name])
        joint = codes.astype(np.int64) * len(uniques) + more
        joint[(codes < 0) | (more < 0)] = -1
        size *= len(uniques)
        codes = _renumber(joint, size)
    return np.asarray(codes, dtype=np.intp)


def compress(codes: Codes) -> Codes:
    """Renumber the levels that occur to 0, 1, ... without holes.

    Examples
    --------
    >>> compress(np.array([5, 2, 5]))
    array([1, 0, 1])
    """
    return _renumber(codes, int(codes.max(initial=-1)) + 1)


def _renumber(codes: NDArray[Any], size: int) -> Codes:
    """Renumber codes below ``size`` by a table where that is small, else by hashing."""
    if size > 8 * len(codes) + 1000:
        result = np.full(len(codes), -1, dtype=np.intp)
        known = codes >= 0
        result[known] = pd.factorize(codes[known])[0]
        return result
    seen = np.zeros(size + 1, dtype=bool)
    seen[codes] = True
    seen[size] = False  # where index -1, a missing code, points to
    number = np.cumsum(seen) - 1
    number[size] = -1
    return np.asarray(number[codes], dtype=np.intp)


def _without_singletons(design: Design) -> Design:
    """Drop observations that are alone in a level of an absorbed effect, until none is left."""
    keep = np.ones(len(design.y), dtype=bool)
    effects = dict(design.effects)
    while True:
        alone = np.zeros(len(keep), dtype=bool)
        for codes in effects.values():
            counts = np.bincount(codes[keep], minlength=int(codes.max(initial=0)) + 1)
            alone |= keep & (counts[codes] == 1)
        if not alone.any():
            break
        keep &= ~alone
    if keep.all():
        return design
    used = design.used.copy()
    used[used] = keep
    return replace(
        design,
        y=design.y[keep],
        X=design.X[keep],
        effects={name: compress(codes[keep]) for name, codes in effects.items()},
        clusters={name: compress(codes[keep]) for name, codes in design.clusters.items()},
        weights=None if design.weights is None else design.weights[keep],
        used=used,
        dropped={**design.dropped, "alone in an absorbed effect": int((~keep).sum())},
    )

"""What tables and plots need to know about a fitted model, and nothing more.

Any object with ``outcome``, ``absorbed``, ``tidy()`` and ``glance()`` will do; ``inference``,
``definitions``, ``sample`` and ``synthetic`` are read where they exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, cast

import pandas as pd

from spillover.errors import SchemaError, preview

#: Names of the linkage measures as the literature prints them.
DEFAULT_LABELS: Mapping[str, str] = {
    "horizontal": "Horizontal",
    "backward": "Backward",
    "forward": "Forward",
    "Intercept": "Constant",
}
_NEEDED = ("tidy", "glance", "absorbed", "outcome")


class FitLike(Protocol):
    """The part of a fitted model that tables and plots read."""

    @property
    def outcome(self) -> str:
        """Name of the dependent variable."""

    @property
    def absorbed(self) -> Sequence[str]:
        """Names of the absorbed effects, such as ``"firm"`` or ``"region^year"``."""

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """One row a term: term, estimate, std_error, statistic, p_value, conf_low, conf_high."""

    def glance(self) -> pd.DataFrame:
        """One row a model: nobs, r2, r2_within and so on."""


def collect_fits(fits: object, names: Sequence[str] | None = None) -> dict[str, FitLike]:
    """Turn one fit, a list of fits or a mapping of fits into a mapping name -> fit.

    Parameters
    ----------
    fits : fit, iterable of fits, or mapping of name to fit
    names : sequence of str, optional
        Names for a list of fits; the default is (1), (2), ...

    Returns
    -------
    dict

    Raises
    ------
    SchemaError
        If there is no fit, an object is no fit, or names are missing, repeated or no text.
    """
    if isinstance(fits, Mapping):
        if names is not None:
            raise SchemaError("fits is a mapping, so its keys are the names: leave out names=.")
        chosen, models = list(fits.keys()), list(fits.values())
    else:
        models = _as_list(fits)
        chosen = [f"({i})" for i in range(1, len(models) + 1)] if names is None else list(names)
    if not models:
        raise SchemaError("fits is empty: give at least one fitted model.")
    if isinstance(names, str) or len(chosen) != len(models):
        raise SchemaError(
            f"names has {1 if isinstance(names, str) else len(chosen)} name(s) for "
            f"{len(models)} fit(s): give a list with one name per fit."
        )
    _check_names(chosen)
    for name, model in zip(chosen, models, strict=True):
        _check_fit(name, model)
    return dict(zip(chosen, models, strict=True))


def _as_list(fits: object) -> list[Any]:
    """List the fits; a lone fit becomes a list of one."""
    if not _missing_parts(fits):
        return [fits]
    if isinstance(fits, str | pd.DataFrame | pd.Series) or not isinstance(fits, Iterable):
        _check_fit("fits", fits)
        return []
    return list(fits)


def _missing_parts(model: object) -> list[str]:
    """Name the attributes of a fit that ``model`` lacks."""
    return [part for part in _NEEDED if not hasattr(model, part)]


def _check_fit(name: str, model: object) -> None:
    """Raise unless ``model`` can be read like a fit."""
    missing = _missing_parts(model)
    if missing or isinstance(model, type):
        lacks = f"it lacks {preview(missing)}" if missing else "it is a class"
        raise SchemaError(
            f"{name} is of type {type(model).__name__}, which is not a fitted model: {lacks}. "
            "Give what sp.fit() returns, a list of such fits, or a mapping of name to fit."
        )


def _check_names(names: Sequence[object]) -> None:
    """Raise unless the names are distinct, non-empty text."""
    bad = [name for name in names if not isinstance(name, str) or not name.strip()]
    if bad:
        raise SchemaError(f"names must be non-empty text; found {preview(bad)}.")
    repeated = sorted({str(name) for name in names if names.count(name) > 1})
    if repeated:
        raise SchemaError(
            f"{len(repeated)} model name(s) occur more than once: {preview(repeated)}. "
            "Give every model its own name."
        )


def tidy_frame(name: str, fit: FitLike, needed: Sequence[str], level: float) -> pd.DataFrame:
    """Read a fit's coefficients, indexed by term.

    Parameters
    ----------
    name : str
        The model's name, for messages.
    fit : FitLike
    needed : sequence of str
        Columns that must be there besides ``term``.
    level : float
        Coverage of the confidence interval.

    Raises
    ------
    SchemaError
        If a column is missing or a term occurs twice.
    """
    frame = fit.tidy(level=level)
    missing = [column for column in ("term", *needed) if column not in frame.columns]
    if missing:
        raise SchemaError(f"tidy() of model {name!r} has no column {preview(missing)}.")
    frame = frame.assign(term=frame["term"].astype(str))
    repeated = frame.loc[frame["term"].duplicated(), "term"].tolist()
    if repeated:
        raise SchemaError(f"tidy() of model {name!r} lists {preview(repeated)} more than once.")
    return frame.set_index("term")


def check_level(level: float) -> float:
    """Return ``level`` if it is a coverage strictly between 0 and 1, raise otherwise."""
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
        raise SchemaError(f"level={level!r} is no coverage between 0 and 1; 0.95 is usual.")
    return float(level)


def check_labels(labels: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return ``labels`` (empty if None), raise unless it maps text to text."""
    if labels is None:
        return {}
    if not isinstance(labels, Mapping):
        raise SchemaError(
            f"labels is a {type(labels).__name__}: give a mapping such as "
            "{'backward': 'Backward linkages'}."
        )
    bad = [key for key, value in labels.items() if not isinstance(value, str)]
    if bad:
        raise SchemaError(f"labels of {preview(bad)} are no text: give each term a string.")
    return labels


def pretty(name: str) -> str:
    """Print the interaction of effects with a times sign.

    Examples
    --------
    >>> pretty("region^year")
    'region × year'
    """
    return " × ".join(part.strip() for part in name.split("^"))


def term_label(term: str, labels: Mapping[str, str]) -> str:
    """Return the label to print for a term; the parts of an interaction are labelled singly.

    Examples
    --------
    >>> term_label("backward:small", {"small": "Small firm"})
    'Backward × Small firm'
    """
    if term in labels:
        return labels[term]
    known = {**DEFAULT_LABELS, **labels}
    return " × ".join(known.get(part, pretty(part)) for part in _interaction_parts(term))


def _interaction_parts(term: str) -> list[str]:
    """Split a term at its colons, except inside brackets (levels of a category)."""
    parts, depth = [""], 0
    for char in term:
        depth += (char in "([") - (char in ")]")
        if char == ":" and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts] if all(part.strip() for part in parts) else [term]


def glance_row(fit: FitLike) -> dict[str, Any]:
    """Read a fit's one-row summary as a dictionary without the missing entries."""
    frame = fit.glance()
    if len(frame) != 1:
        raise SchemaError(f"glance() returned {len(frame)} rows: it must return exactly one.")
    return {str(key): value for key, value in frame.iloc[0].items() if not _is_missing(value)}


def _is_missing(value: object) -> bool:
    """Tell whether a scalar is None, NaN or <NA>."""
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(cast("float", value))))


def inference_label(fit: FitLike, summary: Mapping[str, Any]) -> str:
    """Say how the standard errors were made, such as "clustered by industry × year"."""
    inference = getattr(fit, "inference", None)
    label = inference if isinstance(inference, str) else getattr(inference, "label", None)
    return pretty(str(label or summary.get("inference", "")))


def cluster_counts(fit: FitLike, summary: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the number of clusters in each dimension, empty if there are none."""
    counts = getattr(getattr(fit, "inference", None), "n_clusters", None)
    if counts is None:
        counts = summary.get("clusters", ())
    if isinstance(counts, Iterable) and not isinstance(counts, str):
        return tuple(int(count) for count in counts)
    return (int(counts),)


def any_synthetic(objects: Iterable[object]) -> bool:
    """Tell whether an object says that its data are made up.

    It does if it has a true ``synthetic`` attribute or the word in its ``source``.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> any_synthetic([SimpleNamespace(source="Synthetic panel, seed 1")])
    True
    """
    return any(
        bool(getattr(item, "synthetic", False))
        or "synthetic" in str(getattr(item, "source", "")).lower()
        for item in objects
    )

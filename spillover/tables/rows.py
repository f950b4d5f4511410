"""Rows of a regression table: coefficients, absorbed effects, statistics."""

from __future__ import annotations

import fnmatch
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from spillover._fits import FitLike, cluster_counts, glance_row, inference_label, pretty
from spillover.errors import SchemaError, did_you_mean
from spillover.tables.cells import format_count, format_number, stars_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

Show = Literal["std_error", "confint", "t"]
#: Key (block, row, part) and cells of each line.
Rows = list[tuple[tuple[str, str, str], list[str]]]

#: Rows printed below the coefficients; one that no model knows is left out.
DEFAULT_STATISTICS = ("inference", "clusters", "nobs", "r2", "r2_within", "sample")
_STATISTIC_LABELS = {
    "inference": "Standard errors",
    "clusters": "Clusters",
    "nobs": "Observations",
    "r2": "R²",
    "r2_within": "Within R²",
    "rmse": "RMSE",
    "df_resid": "Residual d.f.",
    "sample": "Sample",
}
SHOWN: Mapping[Show, tuple[str, ...]] = {
    "std_error": ("std_error",),
    "confint": ("conf_low", "conf_high"),
    "t": ("statistic",),
}


def choose_terms(
    tidies: Sequence[pd.DataFrame],
    order: Sequence[str] | None,
    keep: Sequence[str] | None,
    drop: Sequence[str] | None,
) -> tuple[list[str], list[str]]:
    """Return the terms to print, in order, and those left out."""
    every = list(dict.fromkeys(term for tidy in tidies for term in tidy.index))
    every.sort(key=lambda term: term == "Intercept")
    terms = _match("keep", keep, every) if keep is not None else every
    terms = [term for term in every if term in terms]
    if drop is not None:
        gone = _match("drop", drop, every)
        terms = [term for term in terms if term not in gone]
    if not terms:
        raise SchemaError("keep and drop leave no term to print: loosen them.")
    if order is not None:
        first = [term for term in _match("order", order, every) if term in terms]
        terms = [*first, *(term for term in terms if term not in first)]
    return terms, [term for term in every if term not in terms]


def _match(argument: str, patterns: Sequence[str], terms: Sequence[str]) -> list[str]:
    """List the terms that a sequence of names and patterns stands for, in its order."""
    if isinstance(patterns, str):
        raise SchemaError(f"{argument}={patterns!r} must be a list of terms, not one string.")
    found: dict[str, None] = {}
    for pattern in patterns:
        exact = [term for term in terms if term == pattern]
        matched = exact or fnmatch.filter(terms, str(pattern))
        if not matched:
            hint = did_you_mean(str(pattern), list(terms))
            raise SchemaError(f"{argument} names {pattern!r}, which is in no model.{hint}")
        found.update(dict.fromkeys(matched))
    return list(found)


def coefficient_rows(
    tidies: Sequence[pd.DataFrame],
    shown: Mapping[str, str],
    show: Show,
    digits: int,
    levels: Mapping[float, str],
) -> Rows:
    """Write each term's estimates, and below them what ``show`` asks for."""
    rows: Rows = []
    for term, label in shown.items():
        top, below = [], []
        for tidy in tidies:
            if term not in tidy.index:
                top.append("")
                below.append("")
                continue
            values: dict[str, Any] = {str(key): value for key, value in tidy.loc[term].items()}
            mark = stars_for(float(values["p_value"]), levels) if levels else ""
            top.append(format_number(float(values["estimate"]), digits) + mark)
            numbers = [format_number(float(values[column]), digits) for column in SHOWN[show]]
            below.append(f"[{', '.join(numbers)}]" if show == "confint" else f"({numbers[0]})")
        rows.append((("coefficients", label, "estimate"), top))
        rows.append((("coefficients", label, show), below))
    return rows


def absorbed_rows(fits: Sequence[FitLike], labels: Mapping[str, str]) -> Rows:
    """Write one Yes/blank row per absorbed effect; region^year and year^region are one."""
    own = [{_effect_key(effect) for effect in fit.absorbed} for fit in fits]
    first = {_effect_key(effect): str(effect) for fit in reversed(fits) for effect in fit.absorbed}
    keys = dict.fromkeys(_effect_key(effect) for fit in fits for effect in fit.absorbed)
    return [
        (
            ("absorbed effects", _effect_label(first[key], labels), ""),
            ["Yes" if key in mine else "" for mine in own],
        )
        for key in keys
    ]


def _effect_key(effect: object) -> frozenset[str]:
    """Return what an absorbed effect is made of, whatever the order."""
    return frozenset(part.strip() for part in str(effect).split("^"))


def _effect_label(effect: str, labels: Mapping[str, str]) -> str:
    """Print an absorbed effect: labelled as a whole, or part by part."""
    if effect in labels:
        return labels[effect]
    return pretty("^".join(labels.get(part.strip(), part) for part in effect.split("^")))


def summary(fit: FitLike) -> dict[str, Any]:
    """Collect what is known of a model as a whole, by name of the statistic."""
    values = glance_row(fit)
    counts = cluster_counts(fit, values)
    known = {
        "inference": inference_label(fit, values),
        "clusters": " / ".join(format_count(count) for count in counts),
        "sample": str(values.get("sample", getattr(fit, "sample", ""))),
    }
    return {**values, **known}


def statistic_rows(
    summaries: Sequence[Mapping[str, Any]],
    statistics: Sequence[str],
    labels: Mapping[str, str],
    digits: int,
) -> Rows:
    """Write inference, counts and fit statistics."""
    if isinstance(statistics, str):
        raise SchemaError(f"statistics={statistics!r} must be a list of names, not one string.")
    known = list(dict.fromkeys(key for summary in summaries for key in summary))
    rows: Rows = []
    for key in statistics:
        if key not in known and key not in _STATISTIC_LABELS:
            raise SchemaError(
                f"statistics names {key!r}, which no model has.{did_you_mean(key, known)}"
            )
        cells = [_statistic_cell(key, summary.get(key, ""), digits) for summary in summaries]
        label = labels.get(key, _STATISTIC_LABELS.get(key, key))
        if key == "inference" and key not in labels:
            label, cells = _shorten_inference(label, cells)
        if any(cells):
            rows.append((("statistics", label, ""), cells))
    return rows


def _statistic_cell(key: str, value: object, digits: int) -> str:
    """Format one statistic by its type."""
    if isinstance(value, bool | np.bool_):
        return "Yes" if value else "No"
    if not isinstance(value, Real):
        return str(value)
    number = float(value)
    whole = isinstance(value, Integral) or (key in {"nobs", "df_resid"} and number.is_integer())
    return format_count(number) if whole else format_number(number, digits)


def _shorten_inference(label: str, cells: list[str]) -> tuple[str, list[str]]:
    """Move "clustered by" into the row's label if every model has it."""
    prefix = "clustered by "
    if all(cell.startswith(prefix) for cell in cells):
        return "Clustered by", [cell.removeprefix(prefix) for cell in cells]
    return label, cells

"""Notes below a regression table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spillover._fits import FitLike
    from spillover.tables.rows import Show


def shown_note(show: Show, level: float, summaries: Mapping[str, Mapping[str, Any]]) -> str:
    """Say what stands below the coefficients, and how it was made if all models agree."""
    what = {
        "std_error": "Standard errors in parentheses",
        "confint": f"{level * 100:g}% confidence intervals in brackets",
        "t": "t statistics in parentheses",
    }[show]
    kinds = {str(summary["inference"]) for summary in summaries.values()}
    common = kinds.pop() if len(kinds) == 1 else ""
    return f"{what}; inference: {common}." if common else f"{what}."


def stars_note(levels: Mapping[float, str]) -> str:
    """Print the star levels, weakest first, with at least two decimals."""
    marks = [
        f"{symbol} p < {max(f'{level:g}', f'{level:.2f}', key=len)}"
        for level, symbol in levels.items()
    ]
    return f"{', '.join(marks)}." if marks else ""


def definition_notes(models: Mapping[str, FitLike], shown: Mapping[str, str]) -> list[str]:
    """Say how the regressors were made; terms and models with one definition share a line."""
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for term, label in shown.items():
        texts: dict[str, list[str]] = {}
        for name, fit in models.items():
            definition = (getattr(fit, "definitions", None) or {}).get(term)
            if definition:
                texts.setdefault(str(definition), []).append(name)
        for text, where in texts.items():
            only = tuple(where) if len(texts) > 1 else ()
            grouped.setdefault((text, only), []).append(label)
    lines = []
    for (text, only), terms in grouped.items():
        where_text = f" in {', '.join(only)}" if only else ""
        lines.append(f"{', '.join(terms)}{where_text}: {text.rstrip('.')}.")
    return lines


def transform_notes(models: Mapping[str, FitLike]) -> list[str]:
    """Say which models are in differences."""
    made: dict[str, list[str]] = {}
    for name, fit in models.items():
        if text := str(getattr(fit, "transform", "") or ""):
            made.setdefault(text, []).append(name)
    every = len(made) == 1 and len(next(iter(made.values()))) == len(models)
    return [
        f"In {text}." if every else f"{', '.join(names)}: in {text}."
        for text, names in made.items()
    ]


def left_out_note(terms: Sequence[str]) -> str:
    """Name the terms that are estimated but not printed."""
    return f"Not shown: {', '.join(terms)}." if terms else ""

"""Build a regression table from fitted models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from spillover._fits import (
    FitLike,
    any_synthetic,
    check_labels,
    check_level,
    collect_fits,
    term_label,
    tidy_frame,
)
from spillover.errors import SchemaError, check_choice, preview
from spillover.tables.notes import (
    definition_notes,
    left_out_note,
    shown_note,
    stars_note,
    transform_notes,
)
from spillover.tables.result import RegressionTable
from spillover.tables.rows import (
    DEFAULT_STATISTICS,
    SHOWN,
    Show,
    absorbed_rows,
    choose_terms,
    coefficient_rows,
    statistic_rows,
    summary,
)

STAR_LEVELS: Mapping[float, str] = {0.10: "*", 0.05: "**", 0.01: "***"}


def regression(
    fits: FitLike | Iterable[FitLike] | Mapping[str, FitLike],
    *,
    names: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    order: Sequence[str] | None = None,
    keep: Sequence[str] | None = None,
    drop: Sequence[str] | None = None,
    stars: bool | Mapping[float, str] = True,
    digits: int = 3,
    show: Show = "std_error",
    level: float = 0.95,
    statistics: Sequence[str] = DEFAULT_STATISTICS,
    title: str | None = None,
    notes: str | Sequence[str] | None = None,
    synthetic: bool = False,
) -> RegressionTable:
    """Set fitted models side by side, as a journal prints them.

    Parameters
    ----------
    fits : fit, iterable of fits, or mapping of name to fit
        What :func:`spillover.fit` returns; anything with ``outcome``, ``absorbed``, ``tidy()``
        and ``glance()`` will do.
    names : sequence of str, optional
        Column names for a list of fits; the default is (1), (2), ...
    labels : mapping of str to str, optional
        Text to print for terms, dependent variables, absorbed effects and statistics. The parts
        of interactions are looked up singly.
    order : sequence of str, optional
        Terms to print first; the others follow in the order of their appearance, the constant
        last. A pattern such as ``"lag_*"`` stands for all the terms it matches.
    keep, drop : sequence of str, optional
        Terms (or patterns) to print, or to leave out. What is left out is named in the notes.
    stars : bool or mapping of float to str
        True marks p-values below 10, 5 and 1 %; a mapping sets levels and symbols; False prints
        none.
    digits : int
        Digits after the decimal point. A non-zero number that would print as zero gets two
        significant digits.
    show : {"std_error", "confint", "t"}
        What stands below each coefficient.
    level : float
        Coverage of the confidence interval.
    statistics : sequence of str
        Rows below the coefficients: "inference", "clusters", "sample", or any column of
        ``glance()``.
    title : str, optional
    notes : str or sequence of str, optional
        Further lines below the table.
    synthetic : bool
        Add the line "Synthetic data". It is added in any case if a fit says so.

    Returns
    -------
    RegressionTable

    Raises
    ------
    SchemaError
        If an object is no fit, there are none, names repeat, a term or statistic is in no
        model, or two terms would print under one label.

    Examples
    --------
    >>> import pandas as pd
    >>> from types import SimpleNamespace
    >>> tidy = pd.DataFrame({"term": ["backward"], "estimate": [0.04], "std_error": [0.01],
    ...                      "statistic": [4.0], "p_value": [0.001]})
    >>> fit = SimpleNamespace(outcome="tfp", absorbed=("firm", "region^year"),
    ...                       tidy=lambda level=0.95: tidy,
    ...                       glance=lambda: pd.DataFrame({"nobs": [1200], "r2": [0.5]}))
    >>> print(regression(fit).to_text())
    =============================
    Dependent variable     tfp
                           (1)
    -----------------------------
    Backward             0.040***
                        (0.010)
    -----------------------------
    Absorbed effects
      firm                 Yes
      region × year        Yes
    -----------------------------
    Observations          1,200
    R²                   0.500
    =============================
    Standard errors in parentheses.
    * p < 0.10, ** p < 0.05, *** p < 0.01.
    """
    models = collect_fits(fits, names)
    labels = check_labels(labels)
    _check_options(digits, show)
    levels = _star_levels(stars)
    needed = ("estimate", *SHOWN[show], *(("p_value",) if levels else ()))
    tidies = {
        name: tidy_frame(name, fit, needed, check_level(level)) for name, fit in models.items()
    }
    terms, left_out = choose_terms(list(tidies.values()), order, keep, drop)
    shown = {term: term_label(term, labels) for term in terms}
    _check_distinct(shown)
    summaries = {name: summary(fit) for name, fit in models.items()}
    rows = coefficient_rows(list(tidies.values()), shown, show, digits, levels)
    rows += absorbed_rows(list(models.values()), labels)
    rows += statistic_rows(list(summaries.values()), statistics, labels, digits)
    frame = pd.DataFrame(
        [cells for _, cells in rows],
        index=pd.MultiIndex.from_tuples([key for key, _ in rows], names=["block", "row", "part"]),
        columns=list(models),
        dtype=object,
    )
    lines = [
        shown_note(show, level, {} if "inference" in statistics else summaries),
        stars_note(levels),
    ]
    lines += transform_notes(models)
    lines += definition_notes(models, shown)
    lines += [left_out_note([term_label(term, labels) for term in left_out])]
    lines += [notes] if isinstance(notes, str) else [str(note) for note in notes or ()]
    lines += ["Synthetic data."] if synthetic or any_synthetic(models.values()) else []
    return RegressionTable(
        frame=frame,
        outcomes=tuple(labels.get(str(fit.outcome), str(fit.outcome)) for fit in models.values()),
        title=title or "",
        notes=tuple(line for line in lines if line),
        digits=digits,
    )


def _check_options(digits: object, show: object) -> None:
    """Raise unless the options on form are usable."""
    check_choice("show", show, list(SHOWN))
    if isinstance(digits, bool) or not isinstance(digits, int) or not 0 <= digits <= 12:
        raise SchemaError(f"digits={digits!r} must be a whole number from 0 to 12.")


def _star_levels(stars: object) -> dict[float, str]:
    """Return the levels and symbols to use, strictest last."""
    if isinstance(stars, bool):
        return dict(STAR_LEVELS) if stars else {}
    if not isinstance(stars, Mapping):
        raise SchemaError(
            f"stars={stars!r} must be True, False, or a mapping such as {{0.05: '*'}}."
        )
    for level, symbol in stars.items():
        if not isinstance(level, float) or not 0 < level < 1 or not isinstance(symbol, str):
            raise SchemaError(
                f"stars maps {level!r} to {symbol!r}: it must map levels between 0 and 1 to text."
            )
        if not symbol or any(char.isdigit() for char in symbol):
            raise SchemaError(f"stars gives level {level} the symbol {symbol!r}: use *, † or so.")
    return dict(sorted(stars.items(), reverse=True))


def _check_distinct(shown: Mapping[str, str]) -> None:
    """Raise if two terms would print under one label."""
    by_label: dict[str, list[str]] = {}
    for term, label in shown.items():
        by_label.setdefault(label, []).append(term)
    clash = {label: terms for label, terms in by_label.items() if len(terms) > 1}
    if clash:
        label, terms = next(iter(clash.items()))
        raise SchemaError(
            f"terms {preview(terms)} would all print as {label!r}: give them distinct labels."
        )

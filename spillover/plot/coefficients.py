"""Dot-and-whisker plot of coefficients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spillover._fits import (
    FitLike,
    any_synthetic,
    check_labels,
    check_level,
    collect_fits,
    glance_row,
    inference_label,
    term_label,
    tidy_frame,
)
from spillover.errors import SchemaError, did_you_mean
from spillover.plot.theme import (
    FULL_WIDTH,
    GREY,
    Style,
    check_axes,
    figure_of,
    footnote,
    literal,
    new_figure,
    shorten,
    styles,
    theme,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STEP = 0.62  # share of a term's height that its models fill


def coefficients(
    fits: FitLike | Iterable[FitLike] | Mapping[str, FitLike],
    *,
    terms: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    names: Sequence[str] | None = None,
    level: float = 0.95,
    reference: float | None = 0.0,
    unit: str = "",
    synthetic: bool = False,
    ax: Axes | None = None,
) -> Figure:
    """Draw coefficients with their confidence intervals, models side by side.

    Parameters
    ----------
    fits : fit, iterable of fits, or mapping of name to fit
    terms : sequence of str, optional
        Terms to draw, from top to bottom; the default is all but the constant.
    labels : mapping of str to str, optional
        Text to print for terms and for the dependent variable.
    names : sequence of str, optional
        Names of the models in a list of fits; the default is (1), (2), ...
    level : float
        Coverage of the intervals.
    reference : float or None
        Where to draw the reference line; None draws none.
    unit : str
        Unit of the coefficients, for the axis: "log points per percentage point", say.
    synthetic : bool
        Say below the figure that the data are synthetic; said in any case if a fit says so.
    ax : matplotlib axes, optional
        Where to draw; the default is a new figure.

    Returns
    -------
    matplotlib.figure.Figure
        The new figure, or the one that ``ax`` belongs to.

    Raises
    ------
    SchemaError
        If an object is no fit, a term is in no model, or there is nothing to draw.

    Examples
    --------
    >>> import pandas as pd
    >>> from types import SimpleNamespace
    >>> tidy = pd.DataFrame({"term": ["backward"], "estimate": [0.04],
    ...                      "conf_low": [0.02], "conf_high": [0.06]})
    >>> fit = SimpleNamespace(outcome="tfp", absorbed=("firm",), tidy=lambda level: tidy,
    ...                       glance=lambda: pd.DataFrame({"nobs": [1200]}))
    >>> coefficients(fit).axes[0].get_xlabel()
    'Coefficient with 95% confidence interval'
    """
    models = collect_fits(fits, names)
    labels = check_labels(labels)
    if ax is not None:
        check_axes(ax)
    needed = ("estimate", "conf_low", "conf_high")
    level = check_level(level)
    tidies = {name: tidy_frame(name, fit, needed, level) for name, fit in models.items()}
    drawn = _choose_terms(tidies, terms)
    with theme():
        figure: Figure | None = None
        axes = ax
        if axes is None:
            height = 0.9 + max(0.32, 0.16 * len(models) + 0.12) * len(drawn)
            figure, grid = new_figure(1, (FULL_WIDTH * 0.75, height + 0.25))
            axes = grid[0]
        if reference is not None:
            axes.axvline(reference, color=GREY, linewidth=0.8, zorder=0)
        offsets = _offsets(len(models))
        without = 0
        for (name, tidy), offset, style in zip(
            tidies.items(), offsets, styles(len(models)), strict=True
        ):
            without += _draw_model(axes, tidy, drawn, name=name, offset=offset, style=style)
        _finish(axes, [term_label(term, labels) for term in drawn], level, unit)
        if len(models) > 1:
            axes.legend(
                loc="lower left",
                bbox_to_anchor=(0, 1.01),
                ncols=_legend_columns(list(models)),
                borderaxespad=0,
                handletextpad=0.4,
                columnspacing=1.4,
            )
        notes = _notes(models, labels, without)
        notes += ["Synthetic data."] if synthetic or any_synthetic(models.values()) else []
        footnote(axes if figure is None else figure, notes)
    return figure_of(axes)


def _choose_terms(tidies: Mapping[str, pd.DataFrame], terms: Sequence[str] | None) -> list[str]:
    """Return the terms to draw, or raise if one is in no model."""
    known = list(dict.fromkeys(term for tidy in tidies.values() for term in tidy.index))
    if isinstance(terms, str):
        raise SchemaError(f"terms={terms!r} must be a list of terms, not one string.")
    chosen = [term for term in known if term != "Intercept"] if terms is None else list(terms)
    for term in chosen:
        if term not in known:
            raise SchemaError(
                f"terms names {term!r}, which is in no model.{did_you_mean(str(term), known)}"
            )
    if not chosen:
        raise SchemaError("there is no term to draw: name some in terms=.")
    return list(dict.fromkeys(chosen))


def _legend_columns(names: Sequence[str], width: int = 72) -> int:
    """Return how many legend entries fit in a line of the figure, by their letters."""
    longest = max(len(name) for name in names) + 6
    return max(1, min(len(names), 4, width // longest))


def _offsets(count: int) -> np.ndarray:
    """Spread the models of one term around its position, first model on top."""
    half = _STEP / 2 * (count - 1) / count
    return np.linspace(-half, half, count)


def _draw_model(
    ax: Axes,
    tidy: pd.DataFrame,
    terms: Sequence[str],
    *,
    name: str,
    offset: float,
    style: Style,
) -> int:
    """Draw one model's dots and whiskers; return how many dots have no interval."""
    part = tidy.reindex(list(terms))[["estimate", "conf_low", "conf_high"]].astype(float)
    y = np.arange(len(terms)) + offset
    seen = part["estimate"].notna().to_numpy()
    estimate, low, high = (part[column].to_numpy()[seen] for column in part.columns)
    y = y[seen]
    closed = np.isfinite(low) & np.isfinite(high)
    ax.errorbar(
        ((low + high) / 2)[closed],
        y[closed],
        xerr=((high - low) / 2)[closed],
        fmt="none",
        ecolor=style.colour,
        elinewidth=1.1,
        capsize=2.5,
        capthick=1.1,
    )
    ax.plot(
        estimate,
        y,
        linestyle="none",
        marker=style.marker,
        color=style.colour,
        markerfacecolor=style.colour if style.filled else "white",
        markeredgewidth=1.0,
        markersize=4.5,
        label=literal(name),
    )
    return int((~closed).sum())


def _finish(ax: Axes, labels: Sequence[str], level: float, unit: str) -> None:
    """Label the axes, terms from top to bottom."""
    ax.set_yticks(range(len(labels)), [literal(shorten(label, 40)) for label in labels])
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.spines[["left", "top", "right"]].set_visible(False)
    for boundary in range(1, len(labels)):
        ax.axhline(boundary - 0.5, color="#e6e6e6", linewidth=0.6, zorder=0)
    what = f"Coefficient with {level * 100:g}% confidence interval"
    ax.set_xlabel(f"{what} ({literal(unit)})" if unit else what)


def _notes(models: Mapping[str, FitLike], labels: Mapping[str, str], without: int) -> list[str]:
    """Say what was explained, how intervals were made, and which are missing."""
    outcomes = {name: labels.get(fit.outcome, fit.outcome) for name, fit in models.items()}
    kinds = {name: inference_label(fit, glance_row(fit)) for name, fit in models.items()}
    lines = [_by_model("Dependent variable", outcomes), _by_model("Inference", kinds)]
    if without:
        lines.append(f"{without} coefficient(s) without an interval.")
    return [line for line in lines if line]


def _by_model(what: str, values: Mapping[str, str]) -> str:
    """Write one value for all models, or each value with its models."""
    if len(set(values.values())) == 1:
        common = next(iter(values.values()))
        return f"{what}: {common}." if common else ""
    grouped: dict[str, list[str]] = {}
    for name, value in values.items():
        grouped.setdefault(value or "not stated", []).append(name)
    parts = [f"{', '.join(names)}: {value}" for value, names in grouped.items()]
    return f"{what} in {'; '.join(parts)}."

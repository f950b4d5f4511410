"""Figures of estimated production functions: elasticities, productivity, the search's objective."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import seaborn as sns

from spillover._fits import check_labels
from spillover.errors import SchemaError, did_you_mean, rows
from spillover.plot._classes import tfp_and_class
from spillover.plot.theme import (
    COLOURS,
    FULL_WIDTH,
    GREY,
    MARKERS,
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
from spillover.production.result import Productivity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spillover._frames import NativeFrame
    from spillover.firms import FirmPanel

_STEP = 0.6  # share of a group's height that its inputs fill
_LINES = ("-", "--", ":", "-.")
LONGEST, TWO_COLUMNS = 48, 34  # letters of a class's name; of entries that fit side by side


def elasticities(
    result: Productivity,
    *,
    groups: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    truth: Mapping[str, float] | None = None,
    synthetic: bool = False,
    ax: Axes | None = None,
) -> Figure:
    """Draw output elasticities by group with their 95 percent intervals.

    Parameters
    ----------
    result : Productivity
    groups : sequence of str, optional
        Groups from top to bottom; all of them by default.
    labels : mapping of str to str, optional
    truth : mapping of str to float, optional
        True elasticities, drawn as lines: of simulated data.
    synthetic : bool
        Say below the figure that the data are synthetic; said in any case if the result says so.
    ax : matplotlib axes, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If ``result`` is no productivity result, or a group was not estimated.

    Examples
    --------
    >>> import spillover as sp
    >>> data = sp.simulate.production("acf1", firms=50, rng=1).data
    >>> figure = elasticities(sp.productivity(data, method="ols", by=None))
    >>> figure.axes[0].get_xlabel()
    'Elasticity of value added'
    """
    table = _check_result(result, ax).elasticities
    labels = check_labels(labels)
    chosen = _choose(groups, list(dict.fromkeys(table["group"])), "group")
    inputs = list(dict.fromkeys(table["input"]))
    with theme():
        figure: Figure | None = None
        axes = ax
        if axes is None:
            height = 1.0 + max(0.3, 0.14 * len(inputs) + 0.1) * len(chosen)
            figure, grid = new_figure(1, (FULL_WIDTH * 0.75, height))
            axes = grid[0]
        offsets = _STEP / 2 * (len(inputs) - 1) / len(inputs) * np.linspace(-1, 1, len(inputs))
        without = 0
        for name, offset, style in zip(inputs, offsets, styles(len(inputs)), strict=True):
            part = table[table["input"] == name].set_index("group").reindex(chosen)
            label = literal(_name(name, labels))
            without += _draw_input(axes, part, offset=float(offset), style=style, label=label)
            if truth is not None and name in truth:
                axes.axvline(truth[name], color=style.colour, linewidth=0.8, linestyle="--")
        _finish_groups(axes, [labels.get(group, group) for group in chosen])
        axes.set_xlabel(literal(f"Elasticity of {_name(result.output, labels)}"))
        if len(inputs) > 1:
            _legend(axes, min(len(inputs), 4))
        closed = bool(table["std_error"].notna().any())
        errors = f"Standard errors: {result.inference}" if closed else "No standard errors"
        notes = [f"Method: {result.method}. {errors}."]
        notes += ["Lines: 95% confidence intervals."] if closed else []
        notes += ["Dashed: true elasticities."] if truth else []
        if 0 < without < len(chosen) * len(inputs):
            notes.append(f"{without} without an interval.")
        notes += ["Synthetic data."] if synthetic or result.synthetic else []
        footnote(axes if figure is None else figure, [" ".join(notes)])
    return figure_of(axes)


def _draw_input(axes: Axes, part: pd.DataFrame, *, offset: float, style: Style, label: str) -> int:
    """Draw one input's dots and whiskers over groups; return how many have no interval."""
    at = np.arange(len(part)) + offset
    closed = part["std_error"].notna().to_numpy()
    low, high = part["conf_low"][closed], part["conf_high"][closed]
    axes.hlines(at[closed], low, high, color=style.colour, linewidth=1.1)
    axes.plot(
        part["estimate"],
        at,
        linestyle="none",
        marker=style.marker,
        color=style.colour,
        markerfacecolor=style.colour if style.filled else "white",
        markersize=4.5,
        label=label,
    )
    return int((~closed & part["estimate"].notna().to_numpy()).sum())


def tfp_density(
    result: Productivity,
    panel: FirmPanel | NativeFrame,
    *,
    by: str = "foreign",
    threshold: float = 0.1,
    within: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    synthetic: bool = False,
    ax: Axes | None = None,
) -> Figure:
    """Draw the density of log productivity by class of firm, such as domestic and foreign.

    The mean of each cell of ``within`` is taken off: groups with elasticities of their own cannot
    be compared in levels.

    Parameters
    ----------
    result : Productivity
    panel : FirmPanel or data frame
        The one that was estimated on, row by row.
    by : str
        "foreign" splits at ``threshold`` of the column foreign_share; or a column of up to four
        values.
    threshold : float
        Foreign share from which a firm counts as foreign.
    within : sequence of str, optional
        Columns of the cells whose mean is taken off; the result's groups and year by default,
        ``[]`` for none.
    labels : mapping of str to str, optional
    synthetic : bool
        Say below the figure that the data are synthetic; said in any case if the result says so.
    ax : matplotlib axes, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If the panel has other rows than the result or lacks a column, or a class is too small.

    Examples
    --------
    >>> import spillover as sp
    >>> data = sp.simulate.production("acf1", firms=50, rng=1).data
    >>> data["foreign_share"] = (data["employment"] > data["employment"].median()).astype(float)
    >>> figure = tfp_density(sp.productivity(data, method="ols", by=None), data)
    >>> [text.get_text().split(" (")[0] for text in figure.axes[0].get_legend().get_texts()]
    ['domestic', 'foreign']
    """
    _check_result(result, ax)
    labels = check_labels(labels)
    cells = [*([result.by] if result.by else []), "year"] if within is None else list(within)
    tfp, classes = tfp_and_class(result, panel, by=by, threshold=threshold, cells=cells)
    known = tfp.notna() & classes.notna()
    with theme():
        figure: Figure | None = None
        axes = ax
        if axes is None:
            figure, grid = new_figure(1, (FULL_WIDTH * 0.75, 3.0))
            axes = grid[0]
        for name, colour, line in zip(
            sorted(classes[known].unique()), COLOURS, _LINES, strict=False
        ):
            values = tfp[known & (classes == name)]
            shown = shorten(labels.get(name, name), LONGEST)
            text = literal(f"{shown} ({len(values):,} firm-years)")
            sns.kdeplot(values, ax=axes, color=colour, linestyle=line, linewidth=1.5, label=text)
            axes.axvline(float(values.mean()), color=colour, linestyle=line, linewidth=0.7)
        less = " and ".join(cells)
        axes.set_xlabel(
            "Log productivity" + (f", less the mean of its {less} (log points)" if cells else "")
        )
        axes.set_ylabel("Density (1 / log point)")
        wide = max(len(entry) for entry in axes.get_legend_handles_labels()[1])
        _legend(axes, 1 if wide > TWO_COLUMNS else 2)
        lost = int((~known).sum())
        notes = [f"Method: {result.method}. Thin lines: means."]
        notes += [f"{rows(lost)} without productivity or class left out."] if lost else []
        notes += ["Synthetic data."] if synthetic or result.synthetic else []
        footnote(axes if figure is None else figure, [" ".join(notes)])
    return figure_of(axes)


def objective_profile(
    result: Productivity,
    group: str,
    name: str | Sequence[str] | None = None,
    *,
    values: Sequence[float] | None = None,
    labels: Mapping[str, str] | None = None,
    truth: Mapping[str, float] | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw the second stage's objective along each elasticity, the others re-optimised.

    Two valleys are a warning: the search can end in either. Triangles mark where it ended.

    Parameters
    ----------
    result : Productivity
        By a method with a search: op, lp, acf.
    group : str
    name : str or sequence of str, optional
        Coefficients, one panel each; all by default.
    values : sequence of float, optional
        Where to evaluate; from 0.6 below to 0.6 above the estimate by default.
    labels : mapping of str to str, optional
    truth : mapping of str to float, optional
        True values, of simulated data.
    synthetic : bool
        As in :func:`elasticities`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If the group was not estimated, or the method searches for no such coefficient.

    Examples
    --------
    >>> import spillover as sp
    >>> data = sp.simulate.production("acf2", firms=200, rng=1).data
    >>> result = sp.productivity(data, method="lp", by=None)
    >>> objective_profile(result, "all", values=[0.3, 0.4, 0.5]).axes[0].get_xlabel()
    'Coefficient of capital'
    """
    estimate = _check_result(result)[group]
    labels = check_labels(labels)
    searched = list(estimate.searched)
    names = _choose([name] if isinstance(name, str) else name, searched, "coefficient")
    if not names:
        raise SchemaError(f"method={result.method!r} has no search whose objective could be drawn.")
    with theme():
        figure, grid = new_figure(len(names), (min(FULL_WIDTH, 3.4 * len(names)), 2.7))
        for axes, term in zip(grid, names, strict=True):
            profile = result.profile(group, term, values)
            axes.plot(profile["value"], profile["objective"], color=COLOURS[0], linewidth=1.3)
            chosen = float(estimate.beta[list(estimate.names).index(term)])
            axes.axvline(chosen, color="#000000", linewidth=1.0)
            if truth is not None and term in truth:
                axes.axvline(truth[term], color=COLOURS[1], linewidth=1.0, linestyle="--")
            low, high = profile["value"].min(), profile["value"].max()
            ends = _ends(estimate.starts, term)
            shown = ends[(ends >= low) & (ends <= high)]
            axes.plot(
                shown,
                np.full(len(shown), 0.02),
                linestyle="none",
                marker=MARKERS[2],
                color=GREY,
                markersize=5,
                transform=axes.get_xaxis_transform(),
            )
            axes.set_ylim(bottom=min(0.0, float(profile["objective"].min())))
            axes.ticklabel_format(axis="y", scilimits=(-3, 3))
            axes.set_xlabel(literal(f"Coefficient of {_name(term, labels)}"))
        grid[0].set_ylabel("Objective, others re-optimised")
        notes = [f"Method: {result.method}; group {group}. Line: estimate."]
        notes += ["Dashed: truth."] if truth else []
        notes += ["Triangles: where the search ended from its starts."]
        notes += ["Synthetic data."] if synthetic or result.synthetic else []
        footnote(figure, [" ".join(notes)])
    return figure


def _check_result(result: object, ax: Axes | None = None) -> Productivity:
    if ax is not None:
        check_axes(ax)
    if not isinstance(result, Productivity):
        raise SchemaError(
            f"result is a {type(result).__name__}; give what sp.productivity(...) returned."
        )
    return result


def _name(column: str, labels: Mapping[str, str]) -> str:
    """Return a column's label, by default its name in words."""
    return labels.get(column, column.replace("_", " "))


def _legend(axes: Axes, columns: int) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.01), ncols=columns, borderaxespad=0)


def _choose(given: Sequence[str] | None, known: list[str], what: str) -> list[str]:
    if given is None:
        return known
    if isinstance(given, str):
        raise SchemaError(f"{given!r} must be a list of {what}s, not one string.")
    for item in given:
        if item not in known:
            raise SchemaError(f"There is no {what} {item!r}.{did_you_mean(str(item), known)}")
    return list(dict.fromkeys(given))


def _ends(starts: pd.DataFrame | None, term: str) -> np.ndarray[Any, Any]:
    if starts is None or term not in starts:
        return np.empty(0)
    return np.unique(starts[term].to_numpy(dtype=float).round(3))


def _finish_groups(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), [literal(shorten(label, 40)) for label in labels])
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines[["left", "top", "right"]].set_visible(False)
    for boundary in range(1, len(labels)):
        axes.axhline(boundary - 0.5, color="#e6e6e6", linewidth=0.6, zorder=0)
    axes.axvline(0.0, color=GREY, linewidth=0.8, zorder=0)

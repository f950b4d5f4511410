"""Rejection rates of a true null, by standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spillover._fits import check_labels, term_label
from spillover.errors import SchemaError, did_you_mean
from spillover.inference.placebo import Placebo
from spillover.plot.theme import (
    FULL_WIDTH,
    GREY,
    LIGHT,
    check_axes,
    figure_of,
    footnote,
    literal,
    new_figure,
    styles,
    theme,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES: Mapping[str, str] = {
    "firm": "Clustered by firm",
    "industry^year": "Clustered by industry-year",
    "industry": "Clustered by industry",
    "industry and year": "Clustered by industry and year",
    "hetero": "Heteroskedasticity-robust",
    "wild": "Wild bootstrap by industry",
    "exposure": "Exposure-robust (AKM)",
    "null imposed, normal": "Exposure-robust, null imposed (AKM0)",
    "null imposed": "Exposure-robust, null imposed,\neffective shocks",
}
"""What the standard errors of a placebo are called in the figure."""


def placebo(
    result: Placebo,
    *,
    terms: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw how often each standard error rejects a true null.

    Parameters
    ----------
    result : Placebo
        From :func:`spillover.placebo`.
    terms : sequence of str, optional
        By default all linkage terms.
    labels : mapping of str to str, optional
        Text to print for terms and for standard errors.
    ax : matplotlib axes, optional
        Where to draw; the default is a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If ``result`` is no placebo, or a term is not in it.

    Notes
    -----
    The line is the nominal rate; the band is where a right error stays in 95 of 100 placebos with
    as many draws.

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(industries=8, firms_per_industry=10, rng=1)
    >>> figure = sp.plot.placebo(sp.inference.placebo(world.firms, world.io, draws=20, rng=1))
    >>> figure.axes[0].get_xlabel()
    'Share of draws that reject at 5 %, percent'
    """
    if not isinstance(result, Placebo):
        raise SchemaError(
            f"result is a {type(result).__name__}; give what sp.placebo(...) returns."
        )
    given = check_labels(labels)
    table = 100 * result.table()
    chosen = list(table.columns) if terms is None else [*terms]
    for term in chosen:
        if term not in table:
            raise SchemaError(f"{term!r} is no term.{did_you_mean(str(term), list(table.columns))}")
    if ax is not None:
        check_axes(ax)
    level = 100 * result.level
    half = 1.96 * np.sqrt(level * (100 - level) / result.draws)
    with theme():
        figure: Figure | None = None
        axes = ax
        if axes is None:
            figure, grid = new_figure(1, (FULL_WIDTH * 0.8, 1.2 + 0.34 * len(table)))
            axes = grid[0]
        axes.axvspan(max(level - half, 0), level + half, color=LIGHT, alpha=0.5, linewidth=0)
        axes.axvline(level, color=GREY, linewidth=0.8)
        offsets = np.linspace(-0.2, 0.2, len(chosen)) if len(chosen) > 1 else np.zeros(1)
        for term, offset, style in zip(chosen, offsets, styles(len(chosen)), strict=True):
            axes.plot(
                table[term],
                np.arange(len(table)) + offset,
                linestyle="none",
                marker=style.marker,
                color=style.colour,
                markerfacecolor=style.colour if style.filled else "white",
                markersize=5,
                label=literal(term_label(term, given)),
            )
        names = [literal(given.get(name, NAMES.get(name, name))) for name in table.index]
        axes.set_yticks(range(len(table)), names)
        axes.set_ylim(len(table) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(left=0)
        axes.set_xlabel(f"Share of draws that reject at {level:g} %, percent")
        if len(chosen) > 1:
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1.01), ncols=3, borderaxespad=0)
        notes = [
            f"A true null, {result.draws:,} draws. Presence: {result.shocks}.",
            "Synthetic data." if result.synthetic else "",
        ]
        footnote(axes if figure is None else figure, notes)
    return figure_of(axes)

"""The effect of a linkage over a moderator, with the moderator's distribution beneath."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from spillover._fits import check_labels, term_label
from spillover.errors import SchemaError
from spillover.inference.marginal import MarginalEffects
from spillover.inference.marginal import marginal_effects as compute
from spillover.plot.theme import COLOURS, FULL_WIDTH, GREY, LIGHT, footnote, literal, shorten, theme

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spillover.panel import Fit

BLUE, ORANGE = COLOURS[:2]
BINS = 40


def marginal_effects(
    fit: Fit | MarginalEffects,
    term: str | None = None,
    over: str | None = None,
    *,
    unit: str = "",
    labels: Mapping[str, str] | None = None,
    synthetic: bool = False,
    **options: Any,  # noqa: ANN401 (those of the computation)
) -> Figure:
    r"""Draw the effect of a variable over a moderator, and how the moderator is distributed.

    Parameters
    ----------
    fit : Fit or MarginalEffects
        A regression with the two interacted, or what
        :func:`spillover.inference.marginal_effects` returns.
    term, over : str, optional
        The variable and the moderator; needed with a fit.
    unit : str
        Of the effect, for the axis; by default outcome per unit of the term.
    labels : mapping of str to str, optional
        Text to print for the columns and the outcome.
    synthetic : bool
        Say that the data are synthetic; said in any case if the fit does.
    **options
        Of :func:`spillover.inference.marginal_effects`: ``data``, ``values``, ``at``, ``level``.

    Returns
    -------
    matplotlib.figure.Figure
        Two axes: the effect, and below it the moderator on the rows of the regression.

    Raises
    ------
    SchemaError
        If ``fit`` is of another type, names are missing, or whatever
        :func:`spillover.inference.marginal_effects` refuses.

    Notes
    -----
    Where the interval excludes zero the line is thick and its band dark. A moderator with at most
    10 values, or a category, is drawn value by value.

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(industries=8, firms_per_industry=15, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> panel["size"] = np.log(panel["employment"])
    >>> fit = sp.fit("tfp ~ backward + backward:size + size | industry + year", panel,
    ...     cluster="industry^year")
    >>> figure = sp.plot.marginal_effects(fit, "backward", over="size")
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['Effect of Backward\n(tfp per unit)', 'Observations']
    """
    result = _result(fit, term, over, options)
    given = check_labels(labels)
    name = literal(term_label(result.term, given))
    outcome = given.get(result.outcome, result.outcome)
    with theme():
        figure, upper, lower = _canvas()
        if result.continuous:
            _draw_line(upper, result)
            _draw_histogram(lower, result)
        else:
            _draw_points(upper, lower, result, given)
        upper.axhline(0.0, color=GREY, linewidth=0.8, zorder=0)
        for value in result.crossings:
            upper.axvline(value, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
        upper.set_ylabel(f"Effect of {name}\n({literal(unit or f'{outcome} per unit')})")
        lower.set_xlabel(literal(term_label(result.over, given)))
        lower.set_ylabel("Observations")
        said = synthetic or result.synthetic
        footnote(figure, [*result.lines(), "Synthetic data." if said else ""])
    return figure


def _result(
    fit: Fit | MarginalEffects, term: str | None, over: str | None, options: Mapping[str, Any]
) -> MarginalEffects:
    if isinstance(fit, MarginalEffects):
        if term is not None or over is not None or options:
            raise SchemaError(
                "The effects are computed already: leave out term, over and their options."
            )
        return fit
    if term is None or over is None:
        raise SchemaError("Name the variable and the moderator: (fit, 'horizontal', over='gap').")
    return compute(fit, term, over, **options)


def _canvas() -> tuple[Figure, Axes, Axes]:
    """Make a figure with a high and a low panel that share the moderator's axis."""
    figure, (upper, lower) = plt.subplots(
        2,
        1,
        figsize=(FULL_WIDTH * 0.7, 4.0),
        layout="constrained",
        sharex=True,
        height_ratios=(3, 1),
    )
    plt.close(figure)
    upper.tick_params(labelbottom=False)
    return figure, upper, lower


def _draw_line(axes: Axes, result: MarginalEffects) -> None:
    """Draw the effect with its band, thick and dark where the interval excludes zero."""
    table = result.table.sort_values("value")
    x = table["value"].to_numpy()
    clear = ((table["conf_low"] > 0) | (table["conf_high"] < 0)).to_numpy()
    axes.fill_between(x, table["conf_low"], table["conf_high"], color=LIGHT, alpha=0.4, linewidth=0)
    axes.fill_between(
        x, table["conf_low"], table["conf_high"], where=clear, color=BLUE, alpha=0.25, linewidth=0
    )
    y = table["estimate"].to_numpy()
    axes.plot(x, y, color=BLUE, linewidth=1.0)
    axes.plot(x, np.where(clear, y, np.nan), color=BLUE, linewidth=2.2)
    axes.margins(x=0.01)


def _draw_histogram(axes: Axes, result: MarginalEffects) -> None:
    """Draw the moderator, within the values at which the effect is shown."""
    low, high = result.table["value"].min(), result.table["value"].max()
    inside = result.observed[(result.observed >= low) & (result.observed <= high)]
    axes.hist(inside, bins=BINS, range=(low, high), color=LIGHT, edgecolor="white", linewidth=0.3)


def _draw_points(
    upper: Axes, lower: Axes, result: MarginalEffects, labels: Mapping[str, str]
) -> None:
    """Draw each value with its interval; filled where it excludes zero."""
    table = result.table
    places = np.arange(len(table))
    upper.vlines(places, table["conf_low"], table["conf_high"], color=BLUE, linewidth=1.1)
    clear = (table["conf_low"] > 0) | (table["conf_high"] < 0)
    for chosen, filling in ((clear, BLUE), (~clear, "white")):
        upper.plot(
            places[chosen.to_numpy()],
            table.loc[chosen, "estimate"],
            linestyle="none",
            marker="o",
            color=BLUE,
            markerfacecolor=filling,
            markersize=5,
        )
    counts = pd.Series(result.observed).value_counts().reindex(table["value"], fill_value=0)
    lower.bar(places, counts.to_numpy(), width=0.6, color=LIGHT)
    numeric = table["value"].dtype.kind == "f"
    texts = [f"{value:g}" if numeric else str(value) for value in table["value"]]
    lower.set_xticks(places, [literal(shorten(labels.get(text, text), 18)) for text in texts])
    lower.set_xlim(-0.6, len(table) - 0.4)

"""Power over effects, and what selection on unobservables would do to an estimate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from spillover._fits import check_labels, term_label
from spillover.errors import SchemaError
from spillover.inference.oster import Oster
from spillover.inference.power import POINTS
from spillover.inference.power_curve import PowerCurve
from spillover.plot.diagnostics import BLUE, ORANGE, Canvas
from spillover.plot.theme import FULL_WIDTH, GREY, footnote, literal, new_figure, styles, theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINES = ("-", "--", "-.", ":")
DELTA_SHOWN = 3.0
"""Largest absolute delta drawn."""


def power(
    curves: PowerCurve | Mapping[str, PowerCurve],
    *,
    unit: str = "",
    analytic: bool = True,
    labels: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw how often effects of several sizes are found.

    Parameters
    ----------
    curves : PowerCurve, or mapping of str to PowerCurve
        From :func:`spillover.inference.power_curve`; several of the same term, by inference say.
    unit : str
        Of the effect, for the axis. By default effects of linkage regressors are drawn per 10
        percentage points of the measure, others per unit.
    analytic : bool
        Draw the formula of :func:`spillover.power` too (with a single curve).
    labels : mapping of str to str, optional
        Text to print for the term and the outcome.
    ax : matplotlib axes, optional
        Where to draw; the default is a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If something is no power curve, or the curves are of different terms.

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(industries=8, firms_per_industry=10, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> fit = sp.fit("tfp ~ backward | firm + year", panel, cluster="industry^year")
    >>> curve = sp.inference.power_curve(fit, "backward", draws=50)
    >>> sp.plot.power(curve).axes[0].get_xlabel()
    'True effect on tfp of 10 percentage points more Backward'
    """
    named = dict(curves) if isinstance(curves, Mapping) else {"": curves}
    if not named or not all(isinstance(curve, PowerCurve) for curve in named.values()):
        raise SchemaError(
            "curves must be what sp.inference.power_curve(...) returns, or a mapping."
        )
    first = next(iter(named.values()))
    if any(curve.term != first.term for curve in named.values()):
        raise SchemaError("The curves are of different terms; draw one figure for each.")
    given = check_labels(labels)
    scale = POINTS if first.linkage else 1.0
    with theme():
        canvas = Canvas.of(ax, (FULL_WIDTH * 0.75, 3.2))
        axes = canvas.axes
        axes.axhline(100 * first.power, color=GREY, linewidth=0.8, zorder=0)
        axes.axhline(100 * first.alpha, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
        for i, ((name, curve), style) in enumerate(
            zip(named.items(), styles(len(named)), strict=True)
        ):
            table, text = curve.table.sort_values("effect"), name or curve.test
            axes.plot(
                table["effect"] * scale,
                100 * table["power"],
                color=style.colour,
                linestyle=LINES[i % len(LINES)],
                marker=style.marker,
                markerfacecolor=style.colour if style.filled else "white",
                markersize=3.5,
                linewidth=1.2,
                label=literal(text),
            )
            if analytic and len(named) == 1:
                axes.plot(
                    table["effect"] * scale,
                    100 * table["analytic"],
                    color=ORANGE,
                    linestyle="--",
                    linewidth=1.2,
                    label="by the formula",
                )
        axes.set_ylim(0, 102)
        axes.set_ylabel(f"Found at {100 * first.alpha:g}%, percent of draws")
        axes.set_xlabel(_effect_label(first, unit, given))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.01), ncols=2, borderaxespad=0)
        found = [
            f"{name + ': ' if name else ''}{curve.mde * scale:.3g}"
            for name, curve in named.items()
            if np.isfinite(curve.mde)
        ]
        notes = [
            f"{first.draws:,} draws of the outcome on the real design, errors by "
            f"{', '.join(dict.fromkeys(curve.errors_by for curve in named.values()))}.",
            f"Smallest effect found in {100 * first.power:g}% of draws: {'; '.join(found)}."
            if found
            else "",
        ]
        return canvas.notes(notes, synthetic=any(curve.synthetic for curve in named.values()))


def oster(
    result: Oster,
    *,
    upper: float = 1.0,
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """Draw the bias-adjusted effect, and the selection that would explain it away, over R_max.

    Parameters
    ----------
    result : Oster
        From :func:`spillover.inference.oster`.
    upper : float
        Of R_max.
    labels : mapping of str to str, optional
        Text to print for the term and the outcome.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If ``result`` is of another type, or ``upper`` is not above the long R^2.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> import spillover as sp
    >>> rng = np.random.default_rng(1)
    >>> w, u = rng.standard_normal((2, 2000))
    >>> data = pd.DataFrame({"w": w, "x": w + u + rng.standard_normal(2000)})
    >>> data["y"] = 0.5 * data["x"] + w + u + rng.standard_normal(2000)
    >>> short, long = (sp.fit(f, data, inference="hetero") for f in ("y ~ x", "y ~ x + w"))
    >>> figure = sp.plot.oster(sp.inference.oster(short, long, "x"))
    >>> figure.axes[0].get_ylabel()
    'Effect of x on y with δ = 1'
    """
    if not isinstance(result, Oster):
        raise SchemaError(
            f"result is a {type(result).__name__}; give what sp.inference.oster(...) returns."
        )
    given = check_labels(labels)
    curve, m = result.curve(201, upper=upper), result.moments
    name = literal(term_label(result.term, given))
    outcome = literal(given.get(result.outcome, result.outcome))
    with theme():
        figure, (left, right) = new_figure(2, (FULL_WIDTH, 3.0))
        left.axhline(0.0, color=GREY, linewidth=0.8, zorder=0)
        left.axhline(m.long, color="black", linewidth=0.9, linestyle="--", label="long")
        left.axhline(m.short, color="black", linewidth=0.9, linestyle=":", label="short")
        left.plot(curve["r_max"], curve["beta_star"], color=BLUE, linewidth=1.4, label="adjusted")
        left.set_ylabel(f"Effect of {name} on {outcome} with δ = {result.delta:g}")
        left.legend(loc="lower left", bbox_to_anchor=(0, 1.01), ncols=3, borderaxespad=0)
        needed = curve["delta_for_target"].where(curve["delta_for_target"].abs() <= DELTA_SHOWN)
        right.axhline(1.0, color=GREY, linewidth=0.8, zorder=0)
        right.plot(curve["r_max"], needed, color=ORANGE, linewidth=1.4)
        right.set_ylabel(f"δ for an effect of {result.target:g}")
        for axes in (left, right):
            for value in result.table["r_max"]:
                axes.axvline(value, color=GREY, linewidth=0.7, linestyle=":", zorder=0)
            axes.set_xlim(m.r2_long, upper)
            axes.set_xlabel(f"R² with the unobservables, $R_{{max}}$ ({result.r2})")
        notes = [
            f"R² {m.r2_short:.3g} (short), {m.r2_long:.3g} (long). δ: selection on unobservables "
            "relative to that on the added controls; above the line at 1 they would have to matter "
            f"more. |δ| up to {DELTA_SHOWN:g}. Dotted: the values of R_max in the table.",
        ]
        notes += ["Synthetic data."] if result.synthetic else []
        footnote(figure, notes)
    return figure


def _effect_label(curve: PowerCurve, unit: str, labels: Mapping[str, str]) -> str:
    outcome = labels.get(curve.outcome, curve.outcome)
    name = term_label(curve.term, labels)
    if unit:
        return literal(f"True effect of {name} on {outcome} ({unit})")
    more = "10 percentage points more" if curve.linkage else "one unit more"
    return literal(f"True effect on {outcome} of {more} {name}")

"""Effects by years since treatment, estimators side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spillover._fits import check_labels
from spillover.errors import SchemaError, check_choice
from spillover.panel.events import NAMES, EventStudy
from spillover.plot.diagnostics import Canvas
from spillover.plot.theme import FULL_WIDTH, GREY, LIGHT, literal, styles, theme

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPREAD = 0.5
"""Part of a year over which the estimators of one event time stand beside each other."""


def event_study(
    result: EventStudy,
    *,
    estimators: Sequence[str] | None = None,
    level: float = 0.95,
    unit: str = "",
    labels: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw effects before and after treatment with intervals, estimators side by side.

    Parameters
    ----------
    result : EventStudy
        From :func:`spillover.panel.event_study`, or a study's ``event_study``.
    estimators : sequence of str, optional
        Which to draw; all by default.
    level : float
        Of the intervals.
    unit : str
        Of the effect, for the axis; by default the outcome.
    labels : mapping of str to str, optional
        Text to print for the outcome and the treatment.
    ax : matplotlib axes, optional
        Where to draw; the default is a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If ``result`` is of another type, an estimator was not computed, or ``level`` is not valid.

    Notes
    -----
    The shaded years come before treatment, where effects should be zero. A point without an
    interval is zero by construction. The ends hold all earlier and later years.

    Examples
    --------
    >>> import spillover as sp
    >>> study = sp.studies["buthe_milner_2008"]
    >>> found = study.event_study(study.replica(1, scale=0.3).panel, estimators=["twfe"])
    >>> figure = sp.plot.event_study(found, labels={"wto": "accession"})
    >>> figure.axes[0].get_xlabel()
    'Years since accession'
    """
    if not isinstance(result, EventStudy):
        raise SchemaError(
            f"result is a {type(result).__name__}; give what sp.panel.event_study(...) returns."
        )
    given = check_labels(labels)
    chosen = list(result.estimates) if estimators is None else list(estimators)
    for name in chosen:
        check_choice("estimators", name, tuple(result.estimates))
    table = result.tidy(level)
    events = sorted(table["event"].unique())
    places = np.linspace(-SPREAD / 2, SPREAD / 2, len(chosen)) if len(chosen) > 1 else [0.0]
    with theme():
        canvas = Canvas.of(ax, (FULL_WIDTH * 0.85, 3.4))
        axes = canvas.axes
        axes.axvspan(min(events) - 0.5, -0.5, color=LIGHT, alpha=0.3, linewidth=0)
        axes.axhline(0.0, color=GREY, linewidth=0.8, zorder=0)
        for name, offset, style in zip(chosen, places, styles(len(chosen)), strict=True):
            part = table[table["estimator"] == name]
            x = part["event"].to_numpy(dtype=np.float64) + offset
            axes.vlines(x, part["conf_low"], part["conf_high"], color=style.colour, linewidth=1.1)
            axes.plot(
                x,
                part["estimate"],
                linestyle="none",
                marker=style.marker,
                color=style.colour,
                markerfacecolor=style.colour if style.filled else "white",
                markersize=4.5,
                label=NAMES[name],
            )
        axes.set_xticks(events, [result.label(int(event)) for event in events])
        axes.set_xlim(min(events) - 0.5, max(events) + 0.5)
        treatment = given.get(result.treatment, result.treatment)
        axes.set_xlabel(f"Years since {literal(treatment)}")
        outcome = given.get(result.outcome, result.outcome)
        axes.set_ylabel(f"Effect on {literal(outcome)}" + (f"\n({literal(unit)})" if unit else ""))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.01), ncols=3, borderaxespad=0)
        notes = [f"{100 * level:g}% intervals.", *result.notes()]
        notes = [note for note in notes if note != "Synthetic data"]
        return canvas.notes(notes, synthetic=result.synthetic)

"""Which clusters drive a result, and does the outcome move before presence does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from spillover._fits import check_labels, term_label
from spillover.errors import SchemaError
from spillover.inference.diagnostics import ClusterInfluence, check_term
from spillover.inference.leads import Leads
from spillover.inference.leave_one_out import LeaveOneOut
from spillover.inference.power import numbers_of
from spillover.plot._point_labels import label_points, two_lines
from spillover.plot.theme import (
    COLOURS,
    FULL_WIDTH,
    GREY,
    LIGHT,
    check_axes,
    figure_of,
    footnote,
    literal,
    new_figure,
    shorten,
    theme,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE = COLOURS[:2]
MOST_NAMES = 45
"""Groups up to which each gets a line with its name."""


class Canvas(NamedTuple):
    """Where a figure is drawn: its own, or the user's axes."""

    axes: Axes
    own: Figure | None

    @classmethod
    def of(cls, ax: Axes | None, size: tuple[float, float]) -> Canvas:
        """Check the axes, or make a figure."""
        if ax is not None:
            check_axes(ax)
            return cls(ax, None)
        figure, grid = new_figure(1, size)
        return cls(grid[0], figure)

    def notes(self, lines: list[str], *, synthetic: bool) -> Figure:
        """Write the notes and return the figure."""
        lines = [*lines, "Synthetic data."] if synthetic else lines
        footnote(self.axes if self.own is None else self.own, lines)
        return figure_of(self.axes)


def leave_one_out(
    result: LeaveOneOut,
    term: str,
    *,
    unit: str = "",
    labels: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw an estimate without each industry (or other group), against that with all.

    Parameters
    ----------
    result : LeaveOneOut
        From :func:`spillover.inference.leave_one_out`.
    term : str
    unit : str
        Of the coefficient, for the axis; by default outcome per unit of the term.
    labels : mapping of str to str, optional
        Text to print for terms, the outcome, and groups.
    ax : matplotlib axes, optional
        Where to draw; the default is a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If ``result`` is of another type, or has no such term.

    Notes
    -----
    Groups are sorted by the estimate without them; beyond 45 only the 15 lowest and highest are
    drawn, and the note says so. Filled squares: the estimate has another sign, or its interval
    includes zero where that with all does not.

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(industries=8, firms_per_industry=10, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> fit = sp.fit("tfp ~ backward | firm + year", panel, cluster="industry^year")
    >>> figure = sp.plot.leave_one_out(sp.inference.leave_one_out(fit), "backward")
    >>> figure.axes[0].get_xlabel()
    'Estimate without the industry, with 95% interval (tfp per unit of Backward)'
    """
    _check(result, LeaveOneOut, "sp.inference.leave_one_out")
    given = check_labels(labels)
    rows = result.of(term).dropna(subset="estimate")
    if rows.empty:
        raise SchemaError(f"{term!r} is identified without no group; there is nothing to draw.")
    notes = [f"Line and band: with all groups ({result.inference})."]
    if result.intervals != "none":
        notes.append(f"Intervals without one {result.by}: {result.intervals}.")
    lost = len(result.of(term)) - len(rows)
    if lost:
        notes.append(f"Not identified without {lost} of the groups.")
    if len(rows) > MOST_NAMES:
        rows = pd.concat([rows.head(15), rows.tail(15)], ignore_index=True)
        notes.append("The 15 lowest and the 15 highest estimates only.")
    full = numbers_of(result.full, term)
    turned = _turned(rows, full)
    if turned.any():
        notes.append("Squares: another sign, or no longer distinguishable from zero.")
    with theme():
        canvas = Canvas.of(ax, (FULL_WIDTH * 0.85, 1.1 + 0.19 * len(rows)))
        axes = canvas.axes
        if np.isfinite(full["conf_low"]) and np.isfinite(full["conf_high"]):
            axes.axvspan(full["conf_low"], full["conf_high"], color=LIGHT, alpha=0.35, linewidth=0)
        axes.axvline(full["estimate"], color="black", linewidth=1.0)
        axes.axvline(0.0, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
        _whiskers(axes, rows, np.arange(len(rows)), turned)
        names = [literal(shorten(given.get(str(name), str(name)), 46)) for name in rows["label"]]
        axes.set_yticks(range(len(rows)), names)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        drawn = "" if rows["conf_low"].isna().all() else f", with {100 * result.level:g}% interval"
        axes.set_xlabel(
            f"Estimate without the {literal(result.by)}{drawn} "
            f"({_unit(unit, term, result.outcome, given)})"
        )
        return canvas.notes(notes, synthetic=result.synthetic)


def influence(
    result: ClusterInfluence,
    term: str,
    *,
    names: int = 4,
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """Draw each cluster's partial leverage against its size, and the estimate without it.

    Parameters
    ----------
    result : ClusterInfluence
        From :func:`spillover.inference.effective_clusters`.
    term : str
    names : int
        How many clusters to name in each panel: those that stand out most.
    labels : mapping of str to str, optional
        Text to print for terms and clusters.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If ``result`` is of another type, or has no such term.

    Notes
    -----
    The broken line is the partial leverage of G equal clusters, 1/G; the solid one the estimate
    with all clusters. After MacKinnon, Nielsen & Webb (2023), Stata Journal 23(4).

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(industries=8, firms_per_industry=10, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> fit = sp.fit("tfp ~ backward | firm + year", panel, cluster="industry^year")
    >>> figure = sp.plot.influence(sp.inference.effective_clusters(fit), "backward")
    >>> [ax.get_xlabel() for ax in figure.axes]
    ['Observations of the cluster', 'Estimate without the cluster']
    """
    _check(result, ClusterInfluence, "sp.inference.effective_clusters")
    check_term(term, list(result.params.index))
    given = check_labels(labels)
    table = result.table(term)
    missing = int(table["without"].isna().sum())
    share = 100 * table["partial_leverage"]
    texts = {name: _cluster_name(name, result.labels, given) for name in table.index}
    with theme():
        figure, (left, right) = new_figure(2, (FULL_WIDTH, 3.0), sharey=True)
        for axes, across in ((left, table["nobs"]), (right, table["without"])):
            axes.axhline(100 / len(table), color=GREY, linewidth=0.8, linestyle="--", zorder=0)
            axes.plot(
                across,
                share,
                linestyle="none",
                marker="o",
                color=BLUE,
                markerfacecolor="none",
                markersize=4,
            )
            axes.margins(0.15)
        right.axvline(float(result.params[term]), color="black", linewidth=1.0, zorder=0)
        left.set_ylim(bottom=0)
        left.set_ylabel(f"Partial leverage for {literal(term_label(term, given))}, percent")
        left.set_xlabel("Observations of the cluster")
        right.set_xlabel("Estimate without the cluster")
        effective = ", ".join(
            f"{value:.1f} (ρ = {rho:g})"
            for rho, value in result.effective.loc[term].items()
            if np.isfinite(value)
        )
        notes = [
            f"{len(table):,} clusters of {result.by}; effective number: {effective}.",
            "Solid line: estimate with all clusters. Broken line: share of each if all were equal.",
        ]
        notes += [f"Not identified without {missing} of the clusters."] if missing else []
        notes += ["Synthetic data."] if result.synthetic else []
        footnote(figure, notes)
        estimate = np.array([[float(result.params[term]), height] for height in right.get_ylim()])
        _name_extremes(left, table["nobs"], share, texts, count=names)
        _name_extremes(right, table["without"], share, texts, count=names, lines=[estimate])
    return figure


def leads(
    result: Leads,
    *,
    level: float = 0.95,
    unit: str = "",
    labels: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw the coefficients of future, present and past values of a regressor.

    Parameters
    ----------
    result : Leads
        From :func:`spillover.inference.leads`.
    level : float
        Of the intervals.
    unit : str
        Of the coefficients, for the axis; by default outcome per unit of the term.
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
        If ``result`` is of another type, or ``level`` is not valid.

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(industries=8, firms_per_industry=10, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> fit = sp.fit("tfp ~ backward | firm + year", panel, cluster="industry^year")
    >>> figure = sp.plot.leads(sp.inference.leads(fit, panel, "backward"))
    >>> figure.axes[0].get_xlabel()
    'Years from Backward to the outcome (negative: Backward is measured later)'
    """
    _check(result, Leads, "sp.inference.leads")
    given = check_labels(labels)
    table = result.tidy(level)
    name = literal(term_label(result.term, given))
    joint = result.joint
    with theme():
        canvas = Canvas.of(ax, (FULL_WIDTH * 0.75, 3.0))
        axes = canvas.axes
        axes.axhline(0.0, color=GREY, linewidth=0.8, zorder=0)
        axes.axvspan(table["years"].min() - 0.5, -0.5, color=LIGHT, alpha=0.3, linewidth=0)
        for ahead, colour, marker, text in (
            (True, ORANGE, "s", "leads: zero under strict exogeneity"),
            (False, BLUE, "o", "present and past"),
        ):
            part = table[(table["years"] < 0) == ahead]
            axes.errorbar(
                part["years"],
                part["estimate"],
                yerr=[
                    part["estimate"] - part["conf_low"],
                    part["conf_high"] - part["estimate"],
                ],
                fmt=marker,
                color=colour,
                markerfacecolor="white" if ahead else colour,
                markersize=5,
                elinewidth=1.1,
                capsize=2.5,
                label=text,
            )
        axes.set_xticks(table["years"])
        axes.set_xlim(table["years"].min() - 0.5, table["years"].max() + 0.5)
        axes.set_xlabel(f"Years from {name} to the outcome (negative: {name} is measured later)")
        axes.set_ylabel(f"Coefficient\n({_unit(unit, result.term, result.fit.outcome, given)})")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.01), ncols=2, borderaxespad=0)
        notes = [
            f"{100 * level:g}% intervals; {result.fit.inference.label}. "
            f"All leads zero ({result.method}): p = {joint['p_value']:.3f}.",
        ]
        return canvas.notes(notes, synthetic=result.fit.synthetic)


def _check(result: object, kind: type, source: str) -> None:
    if not isinstance(result, kind):
        raise SchemaError(f"result is a {type(result).__name__}; give what {source}(...) returns.")


def _unit(unit: str, term: str, outcome: str, labels: Mapping[str, str]) -> str:
    return literal(unit or f"{labels.get(outcome, outcome)} per unit of {term_label(term, labels)}")


def _turned(rows: pd.DataFrame, full: Mapping[str, float]) -> np.ndarray:
    """Say which rows tell another story than all together."""
    outside = full["conf_low"] > 0 or full["conf_high"] < 0
    covers = (rows["conf_low"] <= 0) & (rows["conf_high"] >= 0)
    other = np.sign(rows["estimate"]) != np.sign(full["estimate"])
    return np.asarray(other | (covers & outside), dtype=bool)


def _whiskers(axes: Axes, rows: pd.DataFrame, y: np.ndarray, turned: np.ndarray) -> None:
    """Draw estimates with intervals; those that turned stand out by colour, shape and filling."""
    for chosen, colour, marker in ((~turned, BLUE, "o"), (turned, ORANGE, "s")):
        part = rows[chosen]
        if part.empty:
            continue
        low, high = part["conf_low"].to_numpy(), part["conf_high"].to_numpy()
        axes.hlines(y[chosen], low, high, color=colour, linewidth=1.1)
        axes.plot(
            part["estimate"],
            y[chosen],
            linestyle="none",
            marker=marker,
            color=colour,
            markerfacecolor=colour if marker == "s" else "white",
            markersize=4.5,
        )


def _cluster_name(name: object, known: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """Write a cluster's name, its industry in words where it is known."""
    text = str(name)
    if text in labels:
        return labels[text]
    return " ".join(known.get(part, part) for part in text.split("^"))


def _name_extremes(
    axes: Axes,
    across: pd.Series[float],
    share: pd.Series[float],
    texts: Mapping[object, str],
    *,
    count: int,
    lines: Sequence[np.ndarray] = (),
) -> None:
    """Name the points that lie farthest from the middle, in units of each axis's spread."""
    known = across.notna()
    x, y = across[known].astype(float), share[known]
    if count < 1 or len(x) < 2:
        return
    distance = np.zeros(len(x))
    for values in (x, y):
        spread = float(values.std()) or 1.0
        distance += ((values - values.median()) / spread).to_numpy() ** 2
    top = np.argsort(-distance)[:count]
    spots = np.column_stack([x, y]).astype(np.float64)
    label_points(
        axes,
        spots[top],
        [two_lines(texts[x.index[i]], 16) for i in top],
        others=spots,
        segments=lines,
    )

"""Key sectors: backward against forward linkage indices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from spillover._fits import check_labels
from spillover.errors import SchemaError
from spillover.iotables import IOTable
from spillover.iotables.key_linkages import key_linkages as indices
from spillover.iotables.key_linkages import oversold
from spillover.plot._notes import write_notes
from spillover.plot._point_labels import label_points, two_lines
from spillover.plot.theme import COLOURS, FULL_WIDTH, GREY, new_figure, theme, unique_short

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from spillover.iotables.table import Flows

_NAME_ALL_UP_TO = 26  # sectors
_EXTREMES = 3  # sectors named at either end of either index, if not all are
_LOG_FROM = 4.0  # largest index over the smallest one
_TICKS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15, 20)


def key_linkages(
    io: IOTable,
    *,
    flows: Flows = "total",
    labels: Mapping[str, str] | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw the backward and forward linkage indices of all sectors; key sectors exceed 1 in both.

    Parameters
    ----------
    io : IOTable
    flows : {"total", "domestic", "imported"}
        Which intermediate flows; ``"domestic"`` for linkages within the country.
    labels : mapping of str to str, optional
        Sector -> text to print; it comes before ``io.labels``.
    synthetic : bool
        Say below the figure that the data are synthetic; said in any case if ``io.source`` does.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If ``io`` is no table, the flows are not known, or no sector has output.
    IdentificationError
        If an inverse does not exist.

    Notes
    -----
    The indices are those of :func:`spillover.iotables.key_linkages`. Key sectors are filled and
    named; of the others in a table with more than 26 sectors only those with the largest and the
    smallest indices are named. Axes are logarithmic where the indices spread widely.

    Examples
    --------
    >>> import spillover as sp
    >>> figure = sp.plot.key_linkages(sp.datasets.demo_io(), flows="domestic")
    >>> figure.axes[0].get_ylabel()
    'Backward linkage (mean of all sectors = 1)'
    """
    if not isinstance(io, IOTable):
        raise SchemaError(
            f"io is of type {type(io).__name__}, which is no input-output table: give what "
            "sp.read_io() returns."
        )
    given = check_labels(labels)
    table = indices(io, flows=flows)
    drawn = table[table["backward"].notna()].reset_index(drop=True)
    names = [
        given.get(code, name) for code, name in zip(drawn["sector"], drawn["label"], strict=True)
    ]
    with theme():
        figure, (ax,) = new_figure(1, (FULL_WIDTH, 5.6))
        _frame(ax, drawn)
        _draw(ax, drawn)
        write_notes(figure, _notes(io, flows, table), [io], synthetic=synthetic)
        _name(ax, drawn, names)
    return figure


def _frame(ax: Axes, table: pd.DataFrame) -> None:
    """Set scales, limits and titles of the axes and write what the quadrants are."""
    for column, axis, limit, scale in (
        ("forward", ax.xaxis, ax.set_xlim, ax.set_xscale),
        ("backward", ax.yaxis, ax.set_ylim, ax.set_yscale),
    ):
        values = table[column].to_numpy(dtype=float)
        low, high = min(values.min(), 1.0), max(values.max(), 1.0)
        if low > 0 and high / low > _LOG_FROM:
            scale("log")
            room = 0.07 * np.log(high / low)
            low, high = low * np.exp(-room), high * np.exp(room)
            axis.set_major_locator(FixedLocator(_ticks(low, high)))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        else:
            room = 0.07 * (high - low) or 0.1
            low, high = low - room, high + room
            axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        limit(low, high)
    ax.set_xlabel("Forward linkage (mean of all sectors = 1)")
    ax.set_ylabel("Backward linkage (mean of all sectors = 1)")
    ax.axhline(1, color=GREY, linewidth=0.7, zorder=1)
    ax.axvline(1, color=GREY, linewidth=0.7, zorder=1)
    corners = (
        (1, 1, "Key sectors"),
        (0, 1, "Strong backward linkage"),
        (1, 0, "Strong forward linkage"),
        (0, 0, "Weak linkages"),
    )
    for x, y, text in corners:
        ax.annotate(
            text,
            (x, y),
            xycoords="axes fraction",
            xytext=(3 - 6 * x, 3 - 6 * y),
            textcoords="offset points",
            ha="right" if x else "left",
            va="top" if y else "bottom",
            fontsize=7.5,
            color="#6b6b6b",
            style="italic",
        )


def _ticks(low: float, high: float) -> list[float]:
    """Choose at most eight round numbers between the ends of a logarithmic axis, 1 among them."""
    inside = [tick for tick in _TICKS if low <= tick <= high]
    step = -(-len(inside) // 8)
    start = inside.index(1) % step
    return [float(tick) for tick in inside[start::step]]


def _draw(ax: Axes, table: pd.DataFrame) -> None:
    """Draw key sectors as filled squares, the others as hollow dots."""
    for is_key, style in (
        (False, {"marker": "o", "markerfacecolor": "white", "color": GREY, "markersize": 3.8}),
        (True, {"marker": "s", "color": COLOURS[0], "markersize": 4.5}),
    ):
        part = table[table["key"] == is_key]
        ax.plot(part["forward"], part["backward"], linestyle="none", zorder=3, **style)  # type: ignore[arg-type]


def _named(table: pd.DataFrame) -> NDArray[np.intp]:
    """Return the rows to name: key sectors first, then the others, the most extreme first."""
    distance = np.hypot(np.log(table["backward"]), np.log(table["forward"])).to_numpy()
    order = np.lexsort((-distance, ~table["key"].to_numpy()))
    if len(table) <= _NAME_ALL_UP_TO:
        return order
    ends = {
        row
        for column in ("backward", "forward")
        for row in [
            *table[column].nlargest(_EXTREMES).index,
            *table[column].nsmallest(_EXTREMES).index,
        ]
    }
    return np.array([row for row in order if table["key"].iloc[row] or row in ends], dtype=np.intp)


def _name(ax: Axes, table: pd.DataFrame, names: list[str]) -> None:
    """Write the names of sectors beside their dots."""
    short = [two_lines(text) for text in unique_short(names, 48, table["sector"].tolist())]
    rows = _named(table)
    spots = table[["forward", "backward"]].to_numpy(dtype=float)
    styles = [
        {"color": COLOURS[0], "fontsize": 7} if table["key"].iloc[row] else {"color": "#5a5a5a"}
        for row in rows
    ]
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    cross = [np.array([[left, 1.0], [right, 1.0]]), np.array([[1.0, bottom], [1.0, top]])]
    label_points(
        ax,
        spots[rows],
        [short[row] for row in rows],
        others=spots,
        styles=styles,
        segments=cross,
    )


def _notes(io: IOTable, flows: Flows, table: pd.DataFrame) -> list[str]:
    """Say what the indices are, what is left out and what is overstated."""
    lines = [
        "Backward: column sums of the Leontief inverse; forward: row sums of the Ghosh inverse; "
        f"both over their mean. {flows.capitalize()} intermediate flows. "
        f"Key sectors (squares): {int(table['key'].sum())} of {len(table)}."
    ]
    idle = table.loc[table["backward"].isna(), "label"].tolist()
    if idle:
        lines.append(f"Left out, without output: {', '.join(idle)}.")
    over = oversold(io, flows=flows)
    if over:
        lines.append(
            f"Forward is overstated by {len(over)} sector(s) whose {flows} intermediate sales "
            f"exceed their output: {', '.join(over[:8])}{', …' if len(over) > 8 else ''}."
        )
    return lines

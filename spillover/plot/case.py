"""Figures of the case evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D

from spillover.case.kazakhstan import KazakhstanCase
from spillover.errors import SchemaError
from spillover.plot.theme import FULL_WIDTH, footnote, frame, new_figure, theme

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DIRECTIONS = {
    "against": ("v", "against spillovers", "#1a1a1a", "#1a1a1a"),
    "supports": ("^", "for spillovers", "#1a1a1a", "white"),
    "neither": ("o", "neither", "#8c8c8c", "#8c8c8c"),
}
_SHADES = LinearSegmentedColormap.from_list("findings", ["#f4f8fb", "#8fb8d8"])
_SHIFTS = {1: (0.0,), 2: (-0.23, 0.19), 3: (-0.3, 0.0, 0.28)}
_CHANNELS = (
    "horizontal",
    "labour",
    "backward",
    "forward",
    "export",
    "local content",
    "absorptive capacity",
    "research",
    "openness",
    "procurement",
    "institutions",
    "any channel",
)


def evidence(case: KazakhstanCase) -> Figure:
    """Draw how many findings there are by mechanism and channel, and what they speak for.

    Parameters
    ----------
    case : KazakhstanCase
        What ``sp.case.kazakhstan()`` or its ``filter`` returns.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If ``case`` is something else, or has no findings left.

    Notes
    -----
    Shades count findings. Marks tell directions apart by shape, so that the figure can be read in
    grey: a filled triangle that points down stands before the number of findings against
    spillovers, a hollow one that points up before those for them, a dot before those that speak
    for neither. Counts are of findings in a text, not of independent observations.

    Examples
    --------
    >>> import spillover as sp
    >>> figure = sp.plot.evidence(sp.case.kazakhstan().filter(section="6"))
    >>> len(figure.axes[0].get_yticklabels()) > 5
    True
    """
    if not isinstance(case, KazakhstanCase):
        raise SchemaError(
            f"case is of type {type(case).__name__}: give what sp.case.kazakhstan() returns."
        )
    if case.evidence.empty:
        raise SchemaError("No finding is left to draw: filter by fewer conditions.")
    counts = case.counts()
    total = counts.pivot_table(
        index="mechanism", columns="channel", values="findings", aggfunc="sum", fill_value=0
    )
    total = total.loc[total.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    total = total[[name for name in _CHANNELS if name in total.columns]]
    with theme():
        figure, (ax,) = new_figure(1, (FULL_WIDTH, 1.6 + 0.34 * len(total)))
        values = total.to_numpy(dtype=float)
        ax.imshow(
            np.where(values > 0, values, np.nan),
            cmap=_SHADES,
            aspect="auto",
            vmin=0,
            vmax=values.max(),
        )
        _label_axes(ax, total)
        for row, mechanism in enumerate(total.index):
            for column, channel in enumerate(total.columns):
                here = (counts["mechanism"] == mechanism) & (counts["channel"] == channel)
                numbers = counts[here].set_index("direction")["findings"]
                _write_cell(ax, (column, row), numbers)
        _legend(ax)
        footnote(figure, [_note(case)])
    return figure


def _label_axes(ax: Axes, total: pd.DataFrame) -> None:
    """Name rows and columns with their sums, and draw the grid."""
    rows, columns = total.sum(axis=1), total.sum(axis=0)
    ax.set_yticks(range(len(total)), [f"{name} ({rows[name]})" for name in total.index])
    names = [f"{name} ({columns[name]})" for name in total.columns]
    ax.set_xticks(range(len(names)), names, rotation=40, ha="left", rotation_mode="anchor")
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.set_ylabel("Mechanism (findings)")
    ax.set_xticks(np.arange(-0.5, len(names)), minor=True)
    ax.set_yticks(np.arange(-0.5, len(total)), minor=True)
    ax.grid(which="minor", color="#dddddd", linewidth=0.5)
    ax.tick_params(which="minor", length=0)
    frame(ax)


def _write_cell(ax: Axes, where: tuple[int, int], numbers: pd.Series[int]) -> None:
    """Write the marks and numbers of one cell, side by side."""
    column, row = where
    here = [name for name in _DIRECTIONS if name in numbers.index]
    wide = 0.07 if len(here) > 1 and numbers[here[0]] > 9 else 0.0  # room for two digits
    for at, (shift, name) in enumerate(zip(_SHIFTS.get(len(here), ()), here, strict=True)):
        marker, _, edge, face = _DIRECTIONS[name]
        ax.plot(
            column + shift - 0.09 + (wide if at else -wide),
            row,
            marker,
            markersize=3.2,
            markeredgewidth=0.7,
            color=edge,
            markerfacecolor=face,
        )
        ax.annotate(
            str(numbers[name]),
            (column + shift - 0.01 + (wide if at else -wide), row),
            va="center_baseline",
            fontsize=6.4,
            color="#1a1a1a",
        )


def _legend(ax: Axes) -> None:
    """Explain the marks below the map."""
    handles = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker=marker,
            markersize=4.5,
            color=edge,
            markerfacecolor=face,
            markeredgewidth=0.7,
            label=label,
        )
        for marker, label, edge, face in _DIRECTIONS.values()
    ]
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, -0.01), ncols=3)


def _note(case: KazakhstanCase) -> str:
    """Say what is counted and how much of it comes from interviews."""
    kinds = case.evidence["source_kind"].value_counts()
    return (
        f"{len(case.evidence)} findings of the thesis on Kazakhstan, "
        f"{kinds.get('elite interview', 0)} of them from interviews with officials and managers; "
        "darker cells hold more. Findings in a text, not independent observations: several stem "
        "from one informant or one story."
    )

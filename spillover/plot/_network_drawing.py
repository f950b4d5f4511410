"""Drawing of the linkage network: two columns of industries and the arrows between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.patheffects as effects
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path

from spillover.plot.theme import literal, unique_short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ROW = 0.22  # inches between industries
LEFT, RIGHT = 0.0, 1.0
_LARGEST_DOT = 11.0  # points across
_WIDEST, _NARROWEST = 7.0, 0.5  # points: the links
_FILLED = 0.8  # of the height of a row, by the links of one dot side by side
_GAP, _HEAD = 8.0, 4.5  # points: from a dot to a link, and the length of an arrow's head
_DOT = "#333333"


def position(rank: NDArray[np.intp], count: int) -> Array:
    """Return the height of a row among ``count`` ones, 0 (top) to 1."""
    height: Array = (rank + 0.5) / count
    return height


def blank(ax: Axes) -> None:
    """Set limits and hide what a network has no use for."""
    ax.set_xlim(-0.03, 1.03)
    ax.set_ylim(1.0, 0.0)
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)


def column(ax: Axes, x: float, sizes: pd.Series[float], names: Sequence[str], head: str) -> None:
    """Draw one column: dots by size, names outside, what it is above."""
    codes = [str(code) for code in sizes.index]
    y = position(np.arange(len(codes)), len(codes))
    values = sizes.fillna(0.0).clip(lower=0.0).to_numpy(dtype=float)
    top = values.max() or 1.0
    diameters = np.maximum(_LARGEST_DOT * np.sqrt(values / top), 1.5)
    ax.scatter(
        np.full(len(codes), x), y, s=diameters**2, color=_DOT, linewidth=0, zorder=5, clip_on=False
    )
    side, align = (-1, "right") if x == LEFT else (1, "left")
    short = unique_short(names, 40, codes)
    for at, name, value in zip(y, short, values, strict=True):
        number = f"{100 * value:.1f}%"
        _beside(ax, (x, at), number, points=-9 if side < 0 else 33, align="right")
        _beside(ax, (x, at), literal(name), points=39 * side, align=align)
    ax.annotate(
        literal(head),
        (x, 0),
        xytext=(side * 9, 4),
        textcoords="offset points",
        ha=align,
        va="bottom",
        fontsize=7.5,
        color="#5a5a5a",
        annotation_clip=False,
    )


def _beside(ax: Axes, dot: tuple[float, float], text: str, *, points: float, align: str) -> None:
    """Write a text some points to the right of a dot."""
    ax.annotate(
        text,
        dot,
        xytext=(points, 0),
        textcoords="offset points",
        ha=align,
        va="center",
        fontsize=7,
        annotation_clip=False,
    )


class _Bend:
    """The curve of a link: it leaves and arrives horizontally, some points above its dots."""

    def __init__(self, above: tuple[float, float]) -> None:
        self.above = above

    def __call__(
        self,
        posA: tuple[float, float],
        posB: tuple[float, float],
        shrinkA: float = 0.0,
        shrinkB: float = 0.0,
        **patches: object,
    ) -> Path:
        """Return the curve from one place on the screen to another, less what is taken off."""
        del patches  # matplotlib hands the patches at both ends to every connection style
        point = shrinkA / _GAP  # in pixels
        start, end = posA[0] + shrinkA, posB[0] - shrinkB
        y0, y1 = (pos[1] + up * point for pos, up in zip((posA, posB), self.above, strict=True))
        middle = (start + end) / 2
        points = [(start, y0), (middle, y0), (middle, y1), (end, y1)]
        return Path(points, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])


def arrows(ax: Axes, edges: pd.DataFrame, left: list[str], right: list[str]) -> None:
    """Draw the links as curves with a head at the measured industry, the smallest on top."""
    y0 = position(pd.Index(left).get_indexer(pd.Index(edges["partner"])), len(left))
    y1 = position(pd.Index(right).get_indexer(pd.Index(edges["industry"])), len(right))
    widths, shades = _look(edges["contribution"].to_numpy())
    height = 72 * _FILLED * ROW * max(len(left), len(right))
    leave = _stack(y0, y1, widths, height / len(left))
    arrive = _stack(y1, y0, widths, height / len(right))
    for i, (partner, industry) in enumerate(zip(edges["partner"], edges["industry"], strict=True)):
        link = FancyArrowPatch(
            (LEFT, y0[i]),
            (RIGHT, y1[i]),
            connectionstyle=_Bend((leave[i], arrive[i])),  # type: ignore[arg-type]
            arrowstyle="-",
            shrinkA=_GAP,
            shrinkB=_GAP + _HEAD,
            linewidth=widths[i],
            color=shades[i],
            capstyle="butt",
            zorder=2,
            gid=f"{partner}->{industry}",
        )
        casing = effects.withStroke(linewidth=widths[i] + 0.8, foreground="white")
        link.set_path_effects([casing])
        ax.add_patch(link)
        _head(ax, y1[i], arrive[i], widths[i], shades[i])


def _stack(here: Array, there: Array, widths: Array, room: float) -> Array:
    """Return how far above its dot each link starts (points), so that those of a dot lie apart.

    They are stacked in the order of their other ends, closer than their widths where ``room``
    (points) is too little for all.
    """
    above = np.zeros(len(here))
    for place in np.unique(here):
        own = np.flatnonzero(here == place)
        own = own[np.argsort(there[own], kind="stable")]
        total = widths[own].sum()
        middle = total / 2 - (np.cumsum(widths[own]) - widths[own] / 2)
        above[own] = middle * min(1.0, room / total)
    return above


def _head(
    ax: Axes, y: float, above: float, width: float, colour: tuple[float, float, float]
) -> None:
    """Draw an arrow's head before the dot of the measured industry; its size is in points."""
    half = width / 2 + 1.3
    back = -_GAP - _HEAD - 0.2
    corners = np.array(
        [(back, above - half), (-_GAP, above), (back, above + half), (back, above - half)]
    )
    shape = Path(corners, [Path.MOVETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY])
    ax.plot(
        [RIGHT],
        [y],
        marker=shape,
        markersize=2 * float(np.abs(corners).max()),  # matplotlib scales a path by its largest part
        color=colour,
        markeredgewidth=0,
        linestyle="none",
        zorder=3,
        clip_on=False,
    )


def _look(values: Array) -> tuple[Array, list[tuple[float, float, float]]]:
    """Return widths (points) in proportion to contributions, and shades: the larger the darker."""
    part = values / values.max()
    widths = np.maximum(_WIDEST * part, _NARROWEST)
    colours = sns.color_palette("mako_r", as_cmap=True)
    shades = [tuple(float(c) for c in colours(0.18 + 0.62 * p)[:3]) for p in np.sqrt(part)]
    return widths, shades  # type: ignore[return-value]


def legend(figure: Figure, edges: pd.DataFrame) -> None:
    """Show how wide links of round contributions are."""
    drawn = edges["contribution"].to_numpy(dtype=float)
    values = np.array(round_steps(100 * drawn.min(), 100 * drawn.max())) / 100
    widths, shades = _look(np.append(values, drawn.max()))
    handles = [
        Line2D(
            [], [], color=shade, linewidth=width, label=f"{100 * value:g}", solid_capstyle="butt"
        )
        for value, width, shade in zip(values, widths, shades, strict=False)
    ]
    figure.legend(
        handles=handles,
        title="Contribution, percentage points",
        title_fontsize=7.5,
        loc="outside upper right",
        ncols=len(handles),
    )


def round_steps(low: float, high: float) -> list[float]:
    """Return at most three of 1, 2, 5, 10, ... between two positive numbers.

    Examples
    --------
    >>> round_steps(2.3, 13.0), round_steps(0.004, 9.0), round_steps(6.0, 7.0)
    ([5.0, 10.0], [0.005, 0.2, 5.0], [5.0])
    """
    powers = range(int(np.floor(np.log10(low))), int(np.floor(np.log10(high))) + 1)
    series = [float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)]
    inside = [step for step in series if low <= step <= high]
    if not inside:
        return [max(step for step in series if step <= high)]
    return inside if len(inside) <= 3 else [inside[0], inside[len(inside) // 2], inside[-1]]

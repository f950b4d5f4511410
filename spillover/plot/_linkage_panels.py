"""Panels of the linkage figure: lines over time, dots by industry, heat maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from spillover.plot.theme import (
    COLOURS,
    FULL_WIDTH,
    GREY,
    LIGHT,
    SEQUENTIAL,
    frame,
    literal,
    mark_missing,
    missing_patch,
    new_figure,
    unique_short,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Wide = Mapping[str, pd.DataFrame]
_DARK = "#333333"
_BREAK_AFTER = 13  # characters of a label on one line


def time(
    wide: Wide,
    measures: Mapping[str, str],
    names: Mapping[str, str],
    highlight: Sequence[str] | None,
    weight: pd.DataFrame | None,
) -> Figure:
    """Draw a line per industry and the mean, one panel per measure."""
    figure, grid = new_figure(len(measures), (max(3.4, 2.45 * len(measures)), 2.7))
    for ax, (measure, title) in zip(grid, measures.items(), strict=True):
        data = wide[measure]
        for code in data.index:
            _line(ax, _row(data, code), color=LIGHT, linewidth=0.6, zorder=1)
        named = _extremes(data) if highlight is None else list(highlight)
        colours = dict(zip(named, np.resize(list(COLOURS), len(named)), strict=True))
        for code in named:
            _line(ax, _row(data, code), color=colours[code], linewidth=1.0, zorder=2)
        average = mean(data, weight)
        _line(ax, average, color=_DARK, linewidth=2.2, zorder=3)
        ax.set_title(literal(title))
        ax.set_xlabel("Year")
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        ax.margins(x=0.02)
        if _minimum(data) >= 0:
            ax.set_ylim(bottom=0)
        ends = [_end(_row(data, code), names[code], colours[code], code) for code in named]
        _direct_labels(ax, [*ends, _end(average, "Mean", _DARK, "mean")])
    grid[0].set_ylabel("Percent")
    return figure


def mean(data: pd.DataFrame, weight: pd.DataFrame | None) -> pd.Series[float]:
    """Average over industries year by year; missing values and their weights are left out."""
    if weight is None:
        return data.mean()
    used = weight.where(data.notna(), 0.0).fillna(0.0)
    return (data.fillna(0.0) * used).sum() / used.sum().replace(0.0, np.nan)


def _line(ax: Axes, values: pd.Series[float], **style: object) -> None:
    """Draw a series over years; gaps break it, and a year alone between gaps gets a dot."""
    seen = values.notna().to_numpy()
    beside = np.zeros(len(seen), dtype=bool)
    beside[1:] |= seen[:-1]
    beside[:-1] |= seen[1:]
    years = values.index.to_numpy(dtype=float)
    y = values.to_numpy(dtype=float)
    ax.plot(years, y, solid_capstyle="round", **style)  # type: ignore[arg-type]
    alone = seen & ~beside
    if alone.any():
        rest = {key: style[key] for key in ("color", "zorder")}
        ax.plot(years[alone], y[alone], linestyle="none", marker="o", markersize=2.5, **rest)  # type: ignore[arg-type]


def _row(data: pd.DataFrame, code: str) -> pd.Series[float]:
    """Return one industry's values over the years."""
    return pd.Series(data.loc[code].to_numpy(dtype=float), index=data.columns)


def _minimum(data: pd.DataFrame) -> float:
    """Return the smallest value; infinite if there is none."""
    values = data.to_numpy(dtype=float)
    return float(np.min(values, where=~np.isnan(values), initial=np.inf))


def _extremes(data: pd.DataFrame) -> list[str]:
    """Name the highest and the lowest industry in the last year that has any value."""
    seen = data.dropna(axis=1, how="all")
    if seen.empty:
        return []
    last = seen.iloc[:, -1].dropna()
    return list(dict.fromkeys([str(last.idxmax()), str(last.idxmin())]))


class _End(NamedTuple):
    """Right end of a line and what to write there."""

    value: float
    name: str
    colour: str
    code: str


def _end(values: pd.Series[float], name: str, colour: str, code: str) -> _End | None:
    """Find the last value of a line; None if it has no value."""
    seen = values.dropna()
    return _End(float(seen.iloc[-1]), name, colour, code) if len(seen) else None


def _direct_labels(ax: Axes, ends: Sequence[_End | None]) -> None:
    """Write the names of lines at their right ends, apart from each other."""
    found = sorted((end for end in ends if end is not None), key=lambda end: end.value)
    low, high = ax.get_ylim()
    heights = [0.075 * (high - low) * (2 if len(end.name) > _BREAK_AFTER else 1) for end in found]
    spots = spread([end.value for end in found], heights)
    short = unique_short([end.name for end in found], 26, [end.code for end in found])
    for end, spot, text in zip(found, spots, short, strict=True):
        ax.annotate(
            literal(_two_lines(text)),
            xy=(1, spot),
            xycoords=("axes fraction", "data"),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=6.5,
            linespacing=0.95,
            color=end.colour,
            annotation_clip=False,
        )


def spread(values: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Move ascending positions up until labels of the given heights do not overlap.

    Examples
    --------
    >>> spread([1.0, 1.5, 4.0], heights=[1.0, 1.0, 1.0])
    [1.0, 2.0, 4.0]
    """
    out: list[float] = []
    for i, value in enumerate(values):
        free = out[-1] + (heights[i - 1] + heights[i]) / 2 if out else value
        out.append(max(value, free))
    return out


def _two_lines(text: str) -> str:
    """Break a label at the space nearest to its middle if it is long."""
    spaces = [i for i, char in enumerate(text) if char == " "]
    if len(text) <= _BREAK_AFTER or not spaces:
        return text
    middle = min(spaces, key=lambda i: abs(i - len(text) / 2))
    return f"{text[:middle]}\n{text[middle + 1 :]}"


def industry(
    wide: Wide, measures: Mapping[str, str], names: Mapping[str, str], years: Sequence[int]
) -> Figure:
    """Draw dots by industry, sorted by the first measure; two years are joined by a line."""
    first, last = years[0], years[-1]
    leading = wide[next(iter(measures))]
    order = list(leading[last].sort_values(ascending=False, kind="stable").index)
    n = len(order)
    size = (FULL_WIDTH if len(measures) > 1 else 4.6, 1.1 + _height(n))
    figure, grid = new_figure(len(measures), size, sharey=True)
    for ax, (measure, title) in zip(grid, measures.items(), strict=True):
        data = wide[measure].loc[order]
        _dumbbells(ax, data[first].to_numpy(), data[last].to_numpy(), joined=first != last)
        ax.set_title(literal(title))
        ax.set_xlabel("Percent")
        ax.set_ylim(n - 0.4, -0.6)
        ax.grid(axis="y", color="#ebebeb", linewidth=0.6)
        ax.set_axisbelow(True)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.xaxis.set_major_locator(MaxNLocator(4))
        if _minimum(data[[first, last]]) >= 0:
            ax.set_xlim(0, ax.get_xlim()[1])
    labels = unique_short([names[code] for code in order], 34, order)
    grid[0].set_yticks(range(n), [literal(label) for label in labels])
    _industry_legend(
        figure,
        first,
        last,
        any(frame_[[first, last]].isna().any(axis=None) for frame_ in wide.values()),
    )
    return figure


def _height(n: int) -> float:
    """Return the height in inches of n rows of industries."""
    return 0.165 * n if n > 10 else 0.26 * n


def _dumbbells(ax: Axes, start: np.ndarray, end: np.ndarray, *, joined: bool) -> None:
    """Draw one measure's dots; industries without any value are hatched."""
    y = np.arange(len(end))
    if joined:
        ax.hlines(y, start, end, color=LIGHT, linewidth=1.6, zorder=2)
        ax.plot(
            start,
            y,
            "o",
            color=GREY,
            markerfacecolor="white",
            markersize=3.6,
            zorder=3,
            clip_on=False,
        )
    ax.plot(end, y, "o", color=COLOURS[0], markersize=4, zorder=4, clip_on=False)
    for row in y[np.isnan(end) & np.isnan(start)]:
        ax.axhspan(
            row - 0.4, row + 0.4, facecolor="#ececec", edgecolor=LIGHT, hatch="////", linewidth=0
        )


def _industry_legend(figure: Figure, first: int, last: int, missing: bool) -> None:
    """Explain the dots above the panels."""
    solid = Line2D(
        [], [], linestyle="none", marker="o", color=COLOURS[0], markersize=4, label=str(last)
    )
    handles: list[object] = [solid]
    if first != last:
        hollow = Line2D(
            [],
            [],
            linestyle="none",
            marker="o",
            color=GREY,
            markerfacecolor="white",
            markersize=3.6,
            label=str(first),
        )
        handles.insert(0, hollow)
    if missing:
        handles.append(missing_patch())
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))


def heatmap(wide: Wide, measures: Mapping[str, str], names: Mapping[str, str]) -> Figure:
    """Draw industries by years, one panel and one colour scale per measure."""
    n = len(names)
    size = (FULL_WIDTH if len(measures) > 1 else 4.6, 1.4 + _height(n))
    figure, grid = new_figure(len(measures), size, sharey=True)
    labels = unique_short(list(names.values()), 34, list(names))
    missing = False
    for ax, (measure, title) in zip(grid, measures.items(), strict=True):
        data = wide[measure]
        missing |= bool(data.isna().any(axis=None))
        mark_missing(ax)
        if data.notna().any(axis=None):
            sns.heatmap(
                data,
                ax=ax,
                cmap=SEQUENTIAL,
                vmin=min(0.0, _minimum(data)),
                cbar_kws={"label": "Percent", "location": "bottom", "aspect": 14, "pad": 0.02},
                xticklabels=False,
                yticklabels=False,
            )
        _heat_axes(ax, data)
        ax.set_title(literal(title))
    grid[0].set_yticks(np.arange(n) + 0.5, [literal(label) for label in labels], rotation=0)
    if missing:
        figure.legend(handles=[missing_patch()], loc="outside upper right")
    return figure


def _heat_axes(ax: Axes, data: pd.DataFrame) -> None:
    """Set limits, frame and year labels of a heat map."""
    years = list(data.columns)
    step = max(1, -(-len(years) // 5))
    ax.set_xlim(0, len(years))
    ax.set_ylim(len(data), 0)
    ax.set_xticks(
        [i + 0.5 for i in range(0, len(years), step)],
        [str(years[i]) for i in range(0, len(years), step)],
        rotation=0,
    )
    ax.tick_params(length=0)
    ax.set_xlabel("Year")
    ax.set_ylabel("")
    frame(ax)

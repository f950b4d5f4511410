"""What a linkage measure is made of: a waterfall of partner industries' contributions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from spillover._fits import DEFAULT_LABELS, check_labels
from spillover.errors import SchemaError
from spillover.linkage.build import check_linkages
from spillover.plot._notes import write_notes
from spillover.plot.theme import (
    COLOURS,
    FULL_WIDTH,
    GREY,
    LIGHT,
    literal,
    new_figure,
    theme,
    unique_short,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spillover.linkage import Linkages

_DARK = "#333333"
_TEXT = "#5a5a5a"
_BAR = 0.62  # height of a bar, in rows
_SHARES = {"backward": ("sales", "buys"), "forward": ("inputs", "sells")}


@dataclass(frozen=True)
class _Row:
    """One bar: where it starts and how long it is (percentage points), and what to write."""

    name: str
    start: float
    length: float
    note: str
    colour: str

    @property
    def end(self) -> float:
        """Where the next bar starts."""
        return self.start + self.length


def contributions(
    links: Linkages,
    industry: str,
    year: int,
    measure: str = "backward",
    *,
    region: str | None = None,
    largest: int = 10,
    labels: Mapping[str, str] | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw how partner industries add up to one industry's linkage measure in one year.

    Parameters
    ----------
    links : Linkages
        What :func:`spillover.linkages` returns.
    industry : str
        The measured industry.
    year : int
    measure : str
    region : str, optional
        Needed where presence is regional.
    largest : int
        How many partners get a bar of their own, the largest contributions first; the rest is one
        bar.
    labels : mapping of str to str, optional
        Text to print for industries and the measure; it comes before ``links.labels``.
    synthetic : bool
        Say below the figure that the data are synthetic; said in any case if ``links`` says so.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        For an unknown industry, year, region or measure, ``largest`` below 1, or an industry
        without partners.

    Notes
    -----
    The bars are the contributions of :meth:`Linkages.explain` in percentage points; beside each
    stands the share of the dealings times the partner's foreign presence.

    Examples
    --------
    >>> import spillover as sp
    >>> links = sp.linkages(sp.datasets.demo_firms(), sp.datasets.demo_io())
    >>> figure = sp.plot.contributions(links, "29", 2014, largest=3)
    >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ['Textiles', 'Other transport equipment', 'Glass, cement, ceramics', '5 others', 'Backward']
    """
    check_linkages(links)
    if not isinstance(largest, int) or isinstance(largest, bool) or largest < 1:
        raise SchemaError(f"largest={largest!r} must be a whole number of partners, 1 or more.")
    given = check_labels(labels)
    parts = links.explain(industry, year, measure, region=region)
    if parts.empty:
        raise SchemaError(
            f"{industry!r} has no partner with a share in {measure} in {year}: there is nothing "
            "to take apart."
        )
    parts["label"] = [
        given.get(code, label) for code, label in zip(parts["partner"], parts["label"], strict=True)
    ]
    known = {**DEFAULT_LABELS, **given}
    title = known.get(measure, measure.replace("_", " ").capitalize())
    whole = f"of {_SHARES[measure][0]}" if measure in _SHARES else "in weights"
    rows = _rows(parts, largest, title, whole)
    place = given.get(industry, links.labels.get(industry, industry))
    with theme():
        figure, (ax,) = new_figure(1, (FULL_WIDTH, 1.25 + 0.27 * len(rows)))
        _draw(ax, rows)
        where = f"{place} ({region})" if region else place
        ax.set_title(literal(f"{title} of {where}, {year}"))
        lines = _notes(links, parts, measure, (industry, year, region))
        write_notes(figure, lines, [links], synthetic=synthetic)
    return figure


def _rows(parts: pd.DataFrame, largest: int, title: str, whole: str) -> list[_Row]:
    """Cumulate the contributions: the largest partners, the others, and their sum."""
    order = parts["contribution"].abs().sort_values(ascending=False, kind="stable").index
    parts = parts.loc[order]
    rest = parts.iloc[largest:]
    if len(rest) == 1:  # one partner needs no summary
        rest = rest.iloc[:0]
    shown = parts.iloc[: len(parts) - len(rest)]
    names = unique_short(shown["label"].tolist(), 44, shown["partner"].tolist())
    rows: list[_Row] = []
    at = 0.0
    for name, share, presence, value in zip(
        names, shown["share"], shown["presence"], shown["contribution"], strict=True
    ):
        beside = "no firm data" if np.isnan(presence) else f"{presence:.1%}"
        rows.append(_Row(name, at, 100 * value, f"{share:.1%} × {beside}", _colour(value)))
        at = rows[-1].end
    if len(rest):
        value = float(rest["contribution"].sum())
        note = f"{rest['share'].sum():.1%} {whole}"
        rows.append(_Row(f"{len(rest)} others", at, 100 * value, note, GREY))
        at = rows[-1].end
    note = f"{parts['share'].sum():.1%} {whole}"
    return [*rows, _Row(title, 0.0, 100 * float(parts["contribution"].sum()), note, _DARK)]


def _colour(value: float) -> str:
    """Return the colour of a contribution: negative ones stand out."""
    return COLOURS[0] if value >= 0 else COLOURS[1]


def _draw(ax: Axes, rows: list[_Row]) -> None:
    """Draw the bars, what joins them, and what stands beside them."""
    y = np.arange(len(rows))
    for at, row in zip(y, rows, strict=True):
        hatch = "////" if row.colour == COLOURS[1] else None
        ax.barh(
            at,
            row.length,
            _BAR,
            left=row.start,
            color=row.colour,
            hatch=hatch,
            edgecolor="white" if hatch else "none",
            linewidth=0,
            zorder=3,
        )
    for at, row in zip(y[:-1], rows[:-1], strict=True):
        ax.vlines(row.end, at + _BAR / 2, at + 1 - _BAR / 2, color=GREY, linewidth=0.6, zorder=2)
    ax.axvline(0, color=_DARK, linewidth=0.7, zorder=1)
    _label(ax, y, rows)
    ax.axhline(len(rows) - 1.5, color=LIGHT, linewidth=0.6, zorder=0)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_yticks(y, [literal(row.name) for row in rows])
    ax.get_yticklabels()[-1].set_fontweight("bold")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("Percentage points", loc="left")


def _label(ax: Axes, y: np.ndarray, rows: list[_Row]) -> None:
    """Write the value and where it comes from on the right of every bar."""
    ends = [max(row.start, row.end) for row in rows]
    low, high = min(0.0, *(min(row.start, row.end) for row in rows)), max(ends)
    room = (high - low) or 1.0
    ax.set_xlim(low - 0.01 * room, high + 0.42 * room)
    ticks = MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    ax.set_xticks([tick for tick in ticks if low <= tick <= high])
    ax.spines["bottom"].set_bounds(low, high)
    digits = 2 if room < 100 else 1
    for at, row, end in zip(y, rows, ends, strict=True):
        total = row is rows[-1]
        value = ax.annotate(
            f"{row.length:.{digits}f}",
            (end, at),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
            fontweight="bold" if total else "normal",
            color=_DARK,
        )
        ax.annotate(
            row.note,
            (1, 0.5),
            xycoords=value,
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=6.5,
            color=_TEXT,
        )


def _notes(
    links: Linkages, parts: pd.DataFrame, measure: str, cell: tuple[str, int, str | None]
) -> list[str]:
    """Say what the numbers are, and what is not observed."""
    weight = "weight of the partner"
    if measure in _SHARES:
        dealings, verb = _SHARES[measure]
        weight = f"share of the industry's {dealings} that the partner {verb}"
    lines = [
        f"Beside each bar: contribution in percentage points; {weight} × foreign presence there."
    ]
    unseen = parts[parts["presence"].isna()]
    if len(unseen):
        lines.append(
            f"{len(unseen)} partner(s) without firm data, with {unseen['share'].sum():.1%} in "
            "weights, count as zero."
        )
    if measure in links.data.columns and _missing(links, measure, cell):
        lines.append(
            "The measure itself is missing for this industry and year; the bars add up what is "
            "observed."
        )
    described = links.definition.describe()
    return [*lines, f"Definition: {described}." if described else ""]


def _missing(links: Linkages, measure: str, cell: tuple[str, int, str | None]) -> bool:
    """Tell whether the measure has no value in the data."""
    industry, year, region = cell
    data = links.data
    row = (data["industry"].astype(str) == industry) & (data["year"] == year)
    if region is not None:
        row &= data["region"].astype(str) == region
    return bool(data.loc[row, measure].isna().all())

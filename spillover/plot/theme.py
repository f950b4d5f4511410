"""The look of all figures, and the small helpers that they share."""

from __future__ import annotations

import textwrap
from contextlib import contextmanager
from functools import lru_cache
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from spillover.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.figure import Figure

#: Okabe and Ito's colours, ordered so that neighbours differ in lightness, too.
COLOURS = ("#0072B2", "#D55E00", "#000000", "#56B4E9", "#009E73", "#CC79A7", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#8c8c8c"
LIGHT = "#c4c4c4"
SEQUENTIAL = "mako_r"  # perceptually uniform, light to dark, safe for colour-blind readers
FULL_WIDTH = 7.0  # inches: the text width of a journal page
FOOTNOTE_SIZE = 6.5
_FONTS = ("Arial", "Helvetica", "Liberation Sans", "Nimbus Sans", "DejaVu Sans")


class Style(NamedTuple):
    """How one model is drawn: colour, marker, and whether the marker is filled."""

    colour: str
    marker: str
    filled: bool


@contextmanager
def theme(overrides: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Draw with the look of this package's figures, for the length of a ``with`` block.

    Parameters
    ----------
    overrides : mapping, optional
        Further matplotlib settings.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> before = mpl.rcParams["axes.spines.top"]
    >>> with theme():
    ...     mpl.rcParams["axes.spines.top"]
    False
    >>> mpl.rcParams["axes.spines.top"] == before
    True
    """
    settings = {**_settings(), **(overrides or {})}
    with plt.rc_context(cast("Any", settings)):
        yield


@lru_cache(maxsize=1)
def _settings() -> dict[str, Any]:
    """Return the settings of the theme."""
    installed = set(font_manager.get_font_names())
    fonts = [font for font in _FONTS if font in installed or font == "DejaVu Sans"]
    return {
        **sns.axes_style("ticks"),
        **sns.plotting_context("paper", font_scale=0.9),
        "font.family": list(dict.fromkeys([fonts[0], "DejaVu Sans"])),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": "#333333",
        "axes.linewidth": 0.7,
        "axes.titlesize": 9,
        "axes.titleweight": "normal",
        "axes.titlelocation": "left",
        "axes.labelsize": 8,
        "xtick.labelsize": 7.5,
        "ytick.labelsize": 7.5,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "legend.fontsize": 7.5,
        "legend.frameon": False,
        "hatch.linewidth": 0.5,
        "figure.dpi": 120,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
    }


def new_figure(
    columns: int, size: tuple[float, float], *, sharey: bool = False
) -> tuple[Figure, list[Axes]]:
    """Create a figure that pyplot does not keep; return it with its axes, side by side.

    A figure that pyplot keeps would be shown twice by notebooks and would never be freed.
    """
    figure, grid = plt.subplots(
        1, columns, figsize=size, layout="constrained", squeeze=False, sharey=sharey
    )
    plt.close(figure)
    return figure, list(grid[0])


def figure_of(ax: Axes) -> Figure:
    """Return the figure that axes belong to, also from within a subfigure."""
    return ax.figure.figure


def check_axes(ax: object) -> None:
    """Raise unless ``ax`` is matplotlib axes."""
    if not isinstance(ax, Axes):
        raise SchemaError(
            f"ax is of type {type(ax).__name__}: give matplotlib axes, such as fig.add_subplot()."
        )


def styles(count: int) -> list[Style]:
    """Return ``count`` styles that differ in marker, colour and filling, or raise."""
    n = len(COLOURS)
    if count > 2 * n:
        raise SchemaError(
            f"{count} models cannot be told apart in one figure: draw at most {2 * n}, or use "
            "several figures."
        )
    filled = [(i % n % 2 == 0) != (i >= n) for i in range(count)]
    colours, markers = islice(cycle(COLOURS), count), islice(cycle(MARKERS), count)
    return [Style(*style) for style in zip(colours, markers, filled, strict=True)]


def shorten(text: str, width: int) -> str:
    """Cut a text to at most ``width`` characters, with an ellipsis if anything is lost.

    Examples
    --------
    >>> shorten("Electrical and optical equipment", 14)
    'Electrical an…'
    >>> shorten("Mining", 14)
    'Mining'
    """
    flat = " ".join(text.split())
    return flat if len(flat) <= width else flat[: width - 1].rstrip(" ,;:-") + "…"


def unique_short(texts: Sequence[str], width: int, codes: Sequence[str]) -> list[str]:
    """Shorten labels; those that would become equal get their code in front.

    Examples
    --------
    >>> unique_short(["Transport by water", "Transport by air"], 10, ["c24", "c25"])
    ['c24 Trans…', 'c25 Trans…']
    """
    short = [shorten(text, width) for text in texts]
    return [
        shorten(f"{code} {text}", width) if short.count(cut) > 1 and code != text else cut
        for text, cut, code in zip(texts, short, codes, strict=True)
    ]


def literal(text: str) -> str:
    """Keep dollar signs in names from being read as mathematics."""
    return text.replace("$", r"\$")


def footnote(target: Figure | Axes, parts: Sequence[str]) -> None:
    """Write notes below a figure, or below the x label of axes that belong to the user."""
    lines = [literal(part) for part in parts if part]
    if not lines:
        return
    if isinstance(target, Axes):
        target.set_xlabel("\n".join([target.get_xlabel(), *lines]))
        return
    width = int(target.get_figwidth() * 72 / (0.545 * FOOTNOTE_SIZE))
    text = "\n".join(wrapped for line in lines for wrapped in textwrap.wrap(line, width))
    target.supxlabel(
        text, x=0.01, ha="left", fontsize=FOOTNOTE_SIZE, color="#444444", linespacing=1.3
    )


def missing_patch(label: str = "no data") -> Patch:
    """Return the legend entry of what is missing."""
    return Patch(facecolor="#ececec", edgecolor=LIGHT, hatch="////", label=label, linewidth=0.5)


def mark_missing(ax: Axes) -> None:
    """Hatch the background of a heat map, which shows through where there is no value."""
    ax.patch.set(facecolor="#ececec", edgecolor=LIGHT, hatch="////")


def frame(ax: Axes) -> None:
    """Draw all four spines of a heat map, thin."""
    for spine in ax.spines.values():
        spine.set(visible=True, linewidth=0.6, color="#333333")

"""Notes below the figures of linkages: where the data are from, wrapped to the figure's width."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from spillover._fits import any_synthetic
from spillover.plot.theme import FOOTNOTE_SIZE, footnote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

_WIDTH = 0.545  # of a character, in its size: the widest of the theme's fonts


def write_notes(
    figure: Figure, lines: Sequence[str], sources: Sequence[object], *, synthetic: bool
) -> None:
    """Write notes, the tables behind the figure, and whether the data are synthetic.

    Parameters
    ----------
    figure : matplotlib figure
    lines : sequence of str
    sources : sequence of Linkages or IOTable
        What the figure was made of; tables with the same origin are named once.
    synthetic : bool
        Say that the data are synthetic even if the sources do not.
    """
    origins = list(dict.fromkeys(text for text in map(_origin, sources) if text))
    parts = [*lines]
    if origins:
        parts.append(f"Input-output table: {'; '.join(origins)}.")
    if synthetic or any_synthetic(sources):
        parts.append("Synthetic data.")
    width = int(figure.get_figwidth() * 72 / (_WIDTH * FOOTNOTE_SIZE))
    footnote(figure, [line for part in parts for line in textwrap.wrap(part, width)])


def _origin(source: object) -> str:
    """Name country, year and source of a table as far as they are known."""
    parts = [getattr(source, name, None) for name in ("country", "year", "source")]
    return ", ".join(str(part).rstrip(".") for part in parts if part not in {None, ""})

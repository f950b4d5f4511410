"""Heat map of an input-output table."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import LogNorm, Normalize, PowerNorm
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from spillover._fits import any_synthetic
from spillover.errors import SchemaError, check_choice
from spillover.plot.theme import (
    SEQUENTIAL,
    check_axes,
    figure_of,
    footnote,
    frame,
    literal,
    mark_missing,
    new_figure,
    shorten,
    theme,
    unique_short,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spillover.iotables.shares import OwnSector

Flows = Literal["total", "domestic", "imported"]
Shares = Literal["supply", "input", "flows"]
Scale = Literal["auto", "linear", "power", "log"]
_ANNOTATE_UP_TO = 12  # sectors
_FLAT_UP_TO, _NAMED_UP_TO = 5, 20  # sectors with names below their columns, flat or turned
_LOG_DECADES = 5
_LOG_FROM, _POWER_FROM = 50, 5  # largest value over the median one


class IOTableLike(Protocol):
    """The part of :class:`spillover.IOTable` that the figure reads."""

    @property
    def sectors(self) -> Sequence[str]:
        """Return the sector codes."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Return the sectors' names."""

    def flows(self, which: Flows) -> np.ndarray:
        """Return flows, supplying sectors in rows."""

    def supply_shares(self, *, flows: Flows, own_sector: OwnSector) -> pd.DataFrame:
        """Return shares of suppliers' sales, suppliers in rows."""

    def input_shares(self, *, flows: Flows, own_sector: OwnSector) -> pd.DataFrame:
        """Return shares of users' purchases, users in rows."""


def io_table(
    io: IOTableLike,
    *,
    flows: Flows = "total",
    shares: Shares = "supply",
    own_sector: OwnSector = "exclude",
    labels: bool | Mapping[str, str] = True,
    annotate: bool | Literal["auto"] = "auto",
    scale: Scale = "auto",
    synthetic: bool = False,
    ax: Axes | None = None,
) -> Figure:
    """Draw an input-output table as a heat map, suppliers in rows and users in columns.

    Parameters
    ----------
    io : IOTable
    flows : {"total", "domestic", "imported"}
        Which intermediate flows.
    shares : {"supply", "input", "flows"}
        "supply" draws shares of each supplier's intermediate sales (rows, the weights of
        Backward), "input" shares of each user's purchases (columns, the weights of Forward),
        "flows" the flows themselves.
    own_sector : str
        Passed on to ``io.supply_shares`` or ``io.input_shares``. Where it leaves the own sector
        out, the diagonal is hatched.
    labels : bool or mapping of str to str
        Print the sectors' names (from ``io.labels``, or from the mapping) or their codes only.
        With many sectors the columns carry codes, which the rows explain.
    annotate : bool or "auto"
        Write the values into the cells; "auto" does so up to 12 sectors.
    scale : {"auto", "linear", "power", "log"}
        Scale of the colours. "auto" takes a square root or a logarithm for skewed values; on the
        log scale zeros are white, as are the smallest twentieth of the flows.
    synthetic : bool
        Say below the figure that the data are synthetic; said in any case if ``io.source`` does.
    ax : matplotlib axes, optional
        Where to draw; the default is a new figure whose size grows with the table.

    Returns
    -------
    matplotlib.figure.Figure
        The new figure, or the one that ``ax`` belongs to.

    Raises
    ------
    SchemaError
        If an option is unknown, ``io`` is no table, or the flows are not known.

    Examples
    --------
    >>> import pandas as pd
    >>> from types import SimpleNamespace
    >>> alpha = pd.DataFrame([[0.0, 0.6], [0.3, 0.0]], index=["a", "b"], columns=["a", "b"])
    >>> io = SimpleNamespace(sectors=("a", "b"), labels={"a": "Food"}, unit="million EUR",
    ...                      country="X", year=2000, source="", flows=None, input_shares=None,
    ...                      supply_shares=lambda flows, own_sector: alpha)
    >>> io_table(io).axes[0].get_ylabel()
    'Supplying industry'
    """
    check_choice("flows", flows, ["total", "domestic", "imported"])
    check_choice("shares", shares, ["supply", "input", "flows"])
    check_choice("scale", scale, ["auto", "linear", "power", "log"])
    check_choice("annotate", annotate, [True, False, "auto"])
    _check_table(io)
    if ax is not None:
        check_axes(ax)
    codes = [str(code) for code in io.sectors]
    values, hatched = _matrix(io, flows, shares, own_sector)
    n = len(codes)
    rows, columns, wide = _tick_labels(codes, _names(io, labels))
    with theme():
        figure: Figure | None = None
        axes = ax
        if axes is None:
            figure, grid = new_figure(1, _size(n, wide))
            axes = grid[0]
        norm = _norm(values, scale, log_allowed=shares == "flows")
        writes = n <= _ANNOTATE_UP_TO if annotate == "auto" else bool(annotate)
        across, down = _inches(axes) if figure is None else (n * _cell(n), n * _cell(n))
        label = _wrap(_colour_label(io, flows, shares), down, 8)
        _draw(axes, values, norm, writes, label)
        _label_cells(axes, rows, columns)
        axes.set(xlabel="Using industry", ylabel="Supplying industry")
        axes.set_title(_wrap(_title(io, flows, shares), across, 9))
        notes = _notes(io, values, norm, hatched)
        notes += ["Synthetic data."] if synthetic or any_synthetic([io]) else []
        footnote(axes if figure is None else figure, notes)
    return figure_of(axes)


def _check_table(io: object) -> None:
    """Raise unless ``io`` can be read like an input-output table."""
    missing = [
        name
        for name in ("sectors", "flows", "supply_shares", "input_shares")
        if not hasattr(io, name)
    ]
    if missing:
        raise SchemaError(
            f"io is of type {type(io).__name__}, which is no input-output table (it lacks "
            f"{', '.join(missing)}): give what sp.read_io() returns."
        )


def _matrix(
    io: IOTableLike, flows: Flows, shares: Shares, own_sector: OwnSector
) -> tuple[pd.DataFrame, bool]:
    """Return what to draw (shares in percent), and whether the diagonal was taken out."""
    codes = list(io.sectors)
    if shares == "flows":
        return pd.DataFrame(np.array(io.flows(flows), dtype=float), codes, codes), False
    if shares == "supply":
        frame_ = io.supply_shares(flows=flows, own_sector=own_sector)
    else:
        frame_ = io.input_shares(flows=flows, own_sector=own_sector).T
    values = pd.DataFrame(frame_.to_numpy(dtype=float) * 100, codes, codes)
    hatched = own_sector.startswith("exclude")
    return (values.mask(np.eye(len(codes), dtype=bool)) if hatched else values), hatched


def _names(io: IOTableLike, labels: bool | Mapping[str, str]) -> dict[str, str]:
    """Return the names to print, by sector code; empty if codes are wanted."""
    if labels is False:
        return {}
    given = getattr(io, "labels", None) or {} if labels is True else labels
    if not isinstance(given, Mapping):
        raise SchemaError(f"labels={labels!r} must be True, False or a mapping of code to name.")
    return {str(code): str(name) for code, name in given.items()}


def _tick_labels(
    codes: Sequence[str], names: Mapping[str, str]
) -> tuple[list[str], list[str], bool]:
    """Return labels of rows and columns, and whether the rows are wide."""
    if not any(code in names and names[code] != code for code in codes):
        short = [literal(shorten(code, 20)) for code in codes]
        return short, short, max(len(code) for code in short) > 8
    full = [names.get(code, code) for code in codes]
    if len(codes) <= _NAMED_UP_TO:
        short = [literal(text) for text in unique_short(full, 24, codes)]
        return short, short, True
    rows = [
        text if text == code else f"{code}  {text}" for code, text in zip(codes, full, strict=True)
    ]
    return [literal(shorten(row, 38)) for row in rows], [literal(code) for code in codes], True


def _cell(n: int) -> float:
    """Return the side of a cell in inches."""
    return float(np.clip(3.6 / n, 0.15, 0.9))


def _size(n: int, wide: bool) -> tuple[float, float]:
    """Return the figure's size in inches for n sectors."""
    side = n * _cell(n)
    width = side + (2.2 if wide else 0.9) + 1.0
    turned = wide and _FLAT_UP_TO < n <= _NAMED_UP_TO
    return max(width, 3.4), side + (2.0 if turned else 1.3)


def _inches(ax: Axes) -> tuple[float, float]:
    """Return the width and the height of axes in inches."""
    box = ax.get_window_extent()
    return box.width / ax.figure.dpi, box.height / ax.figure.dpi


def _wrap(text: str, inches: float, size: float) -> str:
    """Break a text of a font size (points) into lines of a given width."""
    return literal(textwrap.fill(text, max(16, int(inches * 72 / (0.52 * size)))))


def _label_cells(ax: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Write the sectors' labels; those of the columns are turned unless they have the room."""
    n = len(rows)
    font = 7.5 if n <= _NAMED_UP_TO else 6.5
    flat = n <= _FLAT_UP_TO or (n <= _NAMED_UP_TO and max(len(text) for text in columns) <= 3)
    across = [textwrap.fill(text, 14) for text in columns] if n <= _FLAT_UP_TO else columns
    ax.set_xticks(np.arange(n) + 0.5, across, rotation=0 if flat else 90, fontsize=font)
    ax.set_yticks(np.arange(n) + 0.5, rows, rotation=0, fontsize=font)
    ax.tick_params(length=0)


def _norm(values: pd.DataFrame, scale: Scale, *, log_allowed: bool) -> Normalize:
    """Choose the colour scale: from how far the largest value is above the median one."""
    numbers = values.to_numpy()
    positive = numbers[np.isfinite(numbers) & (numbers > 0)]
    if positive.size == 0:
        return Normalize(0.0, 1.0)
    top = float(positive.max())
    skew = top / float(np.median(positive))
    if scale == "auto":
        power: Scale = "power" if skew > _POWER_FROM else "linear"
        scale = "log" if skew > _LOG_FROM and log_allowed else power
    if scale == "log":
        bottom = max(float(np.percentile(positive, 5)), top / 10**_LOG_DECADES)
        return LogNorm(min(bottom, top / 2), top)
    low = min(0.0, float(np.nanmin(numbers)))
    return PowerNorm(0.5, 0.0, top) if scale == "power" else Normalize(low, top)


def _draw(
    ax: Axes, values: pd.DataFrame, norm: Normalize, annotate: bool, colour_label: str
) -> None:
    """Draw the cells and the colour bar."""
    n = len(values)
    logarithmic = isinstance(norm, LogNorm)
    colours = sns.color_palette(SEQUENTIAL, as_cmap=True).with_extremes(under="white")
    mark_missing(ax)
    seen = values.clip(lower=float(norm.vmin or 1.0) / 2) if logarithmic else values
    sns.heatmap(
        seen,
        ax=ax,
        cmap=colours,
        norm=norm,
        mask=values.isna(),
        annot=_annotations(values) if annotate else None,
        fmt="",
        annot_kws={"fontsize": 7 if n <= 8 else 6},
        linewidths=0.4 if n <= 40 else 0,
        linecolor="white",
        cbar_kws={
            "label": colour_label,
            "extend": "min" if logarithmic else "neither",
            "aspect": 20 if n <= 20 else 40,
            "pad": 0.015,
        },
    )
    bar = ax.collections[0].colorbar
    if bar is not None:
        _finish_bar(bar.ax, logarithmic)
    frame(ax)


def _finish_bar(ax: Axes, logarithmic: bool) -> None:
    """Set the ticks of the colour bar."""
    ax.tick_params(labelsize=7)
    ax.yaxis.set_major_locator(LogLocator() if logarithmic else MaxNLocator(6))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.10g}"))


def _annotations(values: pd.DataFrame) -> np.ndarray:
    """Write values with as many digits as the largest one needs."""
    top = float(np.nanmax(np.abs(values.to_numpy()))) if values.notna().any(axis=None) else 0.0
    digits = 0 if top >= 100 else 1 if top >= 1 else 3
    numbers = values.to_numpy()
    return np.array([[f"{number:,.{digits}f}" for number in row] for row in numbers])


def _colour_label(io: IOTableLike, flows: Flows, shares: Shares) -> str:
    """Say what the colours mean, with the unit."""
    if shares == "supply":
        return "Share of the supplier's intermediate sales, percent"
    if shares == "input":
        return "Share of the user's intermediate purchases, percent"
    unit = str(getattr(io, "unit", "")) or "unit not given"
    return f"{flows.capitalize()} intermediate flows, {unit}"


def _title(io: IOTableLike, flows: Flows, shares: Shares) -> str:
    """Name country, year, what is drawn and its unit."""
    year = getattr(io, "year", None)
    place = " ".join(str(part) for part in (getattr(io, "country", ""), year) if part)
    unit = str(getattr(io, "unit", "")) if shares == "flows" else "percent"
    kind = {"supply": "supply shares", "input": "input shares", "flows": "flows"}[shares]
    what = f"{flows} intermediate {kind}" if shares == "flows" else f"{kind}, {flows} flows"
    return (
        f"{place}: {what}" + (f" ({unit})" if unit else "")
        if place
        else (what.capitalize() + (f" ({unit})" if unit else ""))
    )


def _notes(io: IOTableLike, values: pd.DataFrame, norm: Normalize, hatched: bool) -> list[str]:
    """Say where the table is from and what the colours cannot show."""
    source = str(getattr(io, "source", ""))
    lines = [f"Source: {source.rstrip('.')}."] if source else []
    if hatched:
        lines.append("Hatched: own sector, left out.")
    negative = int((values.to_numpy() < 0).sum())
    if negative and not (norm.vmin is not None and norm.vmin < 0):
        lines.append(f"{negative} negative flow(s) drawn like zero.")
    if isinstance(norm, LogNorm):
        lines.append(f"Logarithmic colours; white: zero or below {norm.vmin:,.2g}.")
    elif isinstance(norm, PowerNorm):
        lines.append("Square-root colours.")
    return lines

"""Figures of the predicted spillover for one country, and of what local sourcing does to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import gaussian_kde

from spillover.case.counterfactual import CASE, TEXTBOOK, Counterfactual
from spillover.case.sourcing_sensitivity import SourcingSensitivity
from spillover.errors import SchemaError
from spillover.plot._panels import two_panels
from spillover.plot.theme import COLOURS, FULL_WIDTH, GREY, LIGHT, footnote, new_figure, theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_LINES = {"textbook": ("-", COLOURS[0], TEXTBOOK), "case": ("--", COLOURS[1], CASE)}
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
_POINTS = 400
_DRAWN = 5
_GAP = 0.055


def counterfactual(result: Counterfactual) -> Figure:
    """Draw the predicted gain with textbook sourcing and with the case's, as two distributions.

    Parameters
    ----------
    result : Counterfactual
        From ``sp.case.counterfactual(...)``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If ``result`` is something else.

    Notes
    -----
    Bars below the densities are 95 percent intervals with the mean. The panel on the right shows
    which input the spread of the case's prediction comes from (Sobol's total shares, which may add
    up to more than 100).

    Examples
    --------
    >>> import spillover as sp
    >>> io = sp.IOTable.from_arrays(["C10T12", "C29"], total=[[0, 80], [20, 0]], output=[150, 100],
    ...     unit="million USD")
    >>> change = {"C29": (2.0, 10.0, 15.0)}
    >>> result = sp.case.counterfactual(io, change, industries=["C10T12"], draws=200)
    >>> sp.plot.counterfactual(result).axes[0].get_xlabel()
    'Gain of domestic productivity over the period, percent'
    """
    if not isinstance(result, Counterfactual):
        raise SchemaError(
            f"result is a {type(result).__name__}; give what sp.case.counterfactual(...) returns."
        )
    with theme():
        figure, left, right = two_panels((FULL_WIDTH, 3.3), (3.2, 1.0))
        _densities(left, result)
        _shares(right, result)
        footnote(figure, result.notes())
    return figure


def _densities(ax: Axes, result: Counterfactual) -> None:
    table = result.tidy().set_index("prediction")
    draws = result.draws[["textbook", "case"]]
    low, high = draws.quantile(0.001).min(), draws.quantile(0.998).max()
    grid = np.linspace(min(low, 0.0), high, _POINTS)
    peak = 0.0
    for name, (dashes, colour, label) in _LINES.items():
        values = draws[name].to_numpy(dtype=np.float64)
        density = _density(values, grid)
        peak = max(peak, float(density.max()))
        ax.fill_between(grid, density, color=colour, alpha=0.12, linewidth=0)
        ax.plot(grid, density, color=colour, linestyle=dashes, linewidth=1.6, label=label)
    for number, (name, (dashes, colour, _)) in enumerate(_LINES.items()):
        row, height = table.loc[name], -(number + 1) * _GAP * 1.6 * peak
        ax.plot([row["conf_low"], row["conf_high"]], [height] * 2, color=colour, linewidth=1.4,
                linestyle=dashes)  # fmt: skip
        ax.plot(row["mean"], height, marker="os"[number], color=colour, markersize=5)
        ax.annotate(
            f"{row['mean']:.2f} [{row['conf_low']:.2f}, {row['conf_high']:.2f}]",
            (row["conf_high"], height),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.set_ylim(-4 * _GAP * peak, 1.08 * peak)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("Gain of domestic productivity over the period, percent")
    ax.set_title("What the estimates predict")
    ax.legend(loc="upper right")


def _density(values: Array, grid: Array) -> Array:
    """Return a kernel density, or a spike where values do not vary."""
    if np.ptp(values) > 0:
        return np.asarray(gaussian_kde(values)(grid))
    spike = np.zeros_like(grid)
    spike[np.abs(grid - values[0]).argmin()] = 1.0
    return spike


def _shares(ax: Axes, result: Counterfactual) -> None:
    table = result.variance.sort_values("total")
    names = table["input"].tolist()
    shares = 100 * table["total"].clip(lower=0).to_numpy(dtype=np.float64)
    ax.barh(names, shares, color=LIGHT, edgecolor="#333333", linewidth=0.6, height=0.55)
    for position, share in enumerate(shares):
        ax.text(share + 2, position, f"{share:.0f}", va="center", fontsize=7.5)
    ax.set_xlim(0, 119)
    ax.set_xticks([0, 50, 100])
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("Share of variance, percent")
    ax.set_title("Spread is due to")


def sourcing(result: SourcingSensitivity) -> Figure:
    """Draw Backward against local sourcing, from none to all.

    Parameters
    ----------
    result : SourcingSensitivity
        From ``sp.case.sourcing_sensitivity(...)``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If ``result`` is something else.

    Notes
    -----
    The thick line moves all buyers at once, the thin ones a single sector, the others staying at
    the case's central value; the five steepest are drawn. The band is what the case's ranges allow.

    Examples
    --------
    >>> import spillover as sp
    >>> io = sp.IOTable.from_arrays(["C10T12", "C29"], total=[[0, 80], [20, 0]], output=[150, 100],
    ...     unit="million USD")
    >>> found = sp.case.sourcing_sensitivity(io, {"C29": 10.0}, industries=["C10T12"])
    >>> sp.plot.sourcing(found).axes[0].get_ylabel()
    'Mean Backward, percentage points'
    """
    if not isinstance(result, SourcingSensitivity):
        raise SchemaError(
            f"result is a {type(result).__name__}; give what sp.case.sourcing_sensitivity(...) "
            "returns."
        )
    row = result.tidy().iloc[0]
    with theme():
        figure, (ax,) = new_figure(1, (FULL_WIDTH * 0.85, 3.6))
        ax.axhspan(row["low"], row["high"], color=LIGHT, alpha=0.4, linewidth=0)
        ax.axhline(row["central"], color=GREY, linewidth=0.8, linestyle=":")
        ax.annotate("sourcing of the case", (0.01, row["high"]), xytext=(0, -9),
                    textcoords="offset points", fontsize=7, color="#444444")  # fmt: skip
        groups = result.curves.groupby("varied", sort=False)
        curves = {str(name): part for name, part in groups}
        slopes = {name: float(np.ptp(part["backward"])) for name, part in curves.items()}
        steep = sorted((n for n in curves if n != "every buyer"), key=lambda n: -slopes[n])
        whole = curves["every buyer"]
        ax.plot(whole["local_sourcing"], whole["backward"], color="black", linewidth=2.2,
                label="every buyer")  # fmt: skip
        for name, colour, dashes in zip(steep, COLOURS[:2] + COLOURS[3:], _DASHES, strict=False):
            part = curves[name]
            ax.plot(part["local_sourcing"], part["backward"], color=colour, linestyle=dashes,
                    linewidth=1.2, label=f"{name} only")  # fmt: skip
        ax.set_xlim(0, 1)
        ax.set_ylim(bottom=0)
        ax.set_xlabel("Local sourcing: part of the table's purchases made from domestic suppliers")
        ax.set_ylabel("Mean Backward, percentage points")
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        left_out = len(steep) - min(len(steep), _DRAWN)
        footnote(
            figure,
            [
                f"{len(result.industries)} industries weighted by output; Backward: "
                f"{result.definition.describe()}. Band: low to high of the case, dotted: central.",
                f"{left_out} sectors with less slope are not drawn." if left_out else "",
            ],
        )
    return figure

"""Figures of crucial-case inference: beliefs, and how they hang on judgements."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from spillover.case.crucial import CrucialCase
from spillover.case.crucial import failure_factor as factor
from spillover.case.effect import EffectUpdate
from spillover.errors import SchemaError
from spillover.plot._panels import two_panels
from spillover.plot.theme import (
    COLOURS,
    FULL_WIDTH,
    GREY,
    footnote,
    frame,
    literal,
    new_figure,
    shorten,
    theme,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_PRIORS = (0.25, 0.5, 0.9)
_TRUST = (0.25, 0.5, 1.0)
_OVERLAPS = (0.0, 0.5, 1.0)
_LINES = ("-", "--", "-.", ":")
_CLUE_WIDTH = 68
_DARK = 0.55


def crucial_case(
    case: CrucialCase,
    *,
    priors: Sequence[float] = _PRIORS,
    trust: Sequence[float] = _TRUST,
    overlaps: Sequence[float] = _OVERLAPS,
) -> Figure:
    """Draw a belief over the clues of a case, and where other judgements would take it.

    Parameters
    ----------
    case : CrucialCase
        From ``sp.case.crucial_case(...)``.
    priors : sequence of float
        Beliefs before the case to start from; up to four.
    trust, overlaps : sequence of float
        Powers of the likelihood ratios, and overlaps of clues of one group.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If ``case`` is something else, or there are more than four priors.

    Notes
    -----
    Left: lines with the likelihoods as given; bands from the least to the greatest over trust and
    overlap. Right: each cell holds the range over overlaps. There is no single number.

    Examples
    --------
    >>> import spillover as sp
    >>> clues = sp.case.kazakhstan().clues("T1")
    >>> case = sp.case.crucial_case("openness brings spillovers", 0.5, clues)
    >>> len(sp.plot.crucial_case(case).axes)
    2
    """
    if not isinstance(case, CrucialCase):
        raise SchemaError(
            f"case is a {type(case).__name__}; give what sp.case.crucial_case(...) returns."
        )
    if not 1 <= len(priors) <= len(_LINES):
        raise SchemaError(f"priors={priors!r}: give one to {len(_LINES)}.")
    case.sensitivity(priors=priors, trust=trust, overlaps=overlaps)  # refuses what is out of range
    with theme():
        size = (FULL_WIDTH * 1.25, 1.7 + 0.24 * (len(case.clues) + 1))
        figure, left, right = two_panels(size, (1.5, 1.0))
        _paths(left, case, priors, trust, overlaps)
        _heat(right, case, priors, trust, overlaps)
        figure.suptitle(literal(case.hypothesis), x=0.01, ha="left", fontsize=10)
        footnote(
            figure,
            [
                "Left: clues are added from top to bottom; lines: likelihoods as given, overlap "
                f"{case.overlap:g}; bands: all trusts {_listed(trust)} and overlaps "
                f"{_listed(overlaps)}.",
                "Trust: power to which likelihood ratios are raised. Overlap: how far clues of one "
                "group repeat each other. All likelihoods are judgements.",
            ],
        )
    return figure


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _path(case: CrucialCase, prior: float, power: float, overlap: float) -> Array:
    """Return the probability before the first and after each clue."""
    counted = replace(case, prior=prior, overlap=overlap).tidy()["counted"].to_numpy()
    weights = power * np.log(10) / 10 * counted.astype(np.float64)
    odds = np.log(prior / (1 - prior)) + np.concatenate([[0.0], np.cumsum(weights)])
    return np.asarray(1 / (1 + np.exp(-odds)))


def _paths(
    ax: Axes,
    case: CrucialCase,
    priors: Sequence[float],
    trust: Sequence[float],
    overlaps: Sequence[float],
) -> None:
    steps = np.arange(len(case.clues) + 1)
    for prior, colour, dashes in zip(priors, COLOURS, _LINES, strict=False):
        every = np.array([_path(case, prior, p, o) for p in trust for o in overlaps])
        edges = every.min(axis=0), every.max(axis=0)
        ax.fill_betweenx(steps, *edges, color=colour, alpha=0.1, linewidth=0)
        for edge in edges:
            ax.plot(edge, steps, color=colour, linestyle=dashes, linewidth=0.5, alpha=0.7)
        ax.plot(_path(case, prior, 1.0, case.overlap), steps, color=colour, linestyle=dashes,
                linewidth=1.5, label=f"{prior:g} before")  # fmt: skip
    signs = {1: "▲", -1: "▼", 0: "="}
    names = [
        f"{shorten(clue.name, _CLUE_WIDTH)} {signs[int(np.sign(round(clue.decibels, 9)))]}"
        for clue in case.clues
    ]
    ax.set_yticks(steps, ["before the case", *map(literal, names)], fontsize=7)
    ax.set_ylim(len(case.clues) + 0.4, -0.4)
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(0, 1)
    ax.grid(axis="y", color="#eeeeee", linewidth=0.5)
    ax.set_xlabel("Probability of the hypothesis (▲ clue for it, ▼ against)")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, columnspacing=1.0,
              handlelength=2.2, borderaxespad=0.1)  # fmt: skip


def _heat(
    ax: Axes,
    case: CrucialCase,
    priors: Sequence[float],
    trust: Sequence[float],
    overlaps: Sequence[float],
) -> None:
    table = case.sensitivity(priors=priors, trust=trust, overlaps=overlaps)
    low, high = (
        table.pivot_table(index="prior", columns="trust", values="posterior", aggfunc=how)
        for how in ("min", "max")
    )
    middle = ((low + high) / 2).to_numpy()
    ax.imshow(middle, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    for i, prior in enumerate(low.index):
        for j, power in enumerate(low.columns):
            ax.text(
                j,
                i,
                f"{low.loc[prior, power]:.2f}\nto {high.loc[prior, power]:.2f}",
                ha="center",
                va="center",
                fontsize=7.5,
                color="white" if middle[i, j] > _DARK else "black",
            )
    ax.set_xticks(range(len(low.columns)), [f"{value:g}" for value in low.columns])
    ax.set_yticks(range(len(low.index)), [f"{value:g}" for value in low.index])
    ax.tick_params(length=0)
    ax.set_xlabel("Trust in the likelihoods")
    ax.set_ylabel("Probability before the case")
    ax.set_title("After: range over overlaps")
    frame(ax)


def failure_factor(
    *, success_if_false: Sequence[float] = (0.1, 0.3, 0.5), mark: tuple[float, float] | None = None
) -> Figure:
    """Draw what one failed case does to the odds, against how sure its success was.

    Parameters
    ----------
    success_if_false : sequence of float
        Probability that the case would have shown the effect although the hypothesis is false; one
        line each, up to four.
    mark : (success_if_true, success_if_false), optional
        A case to mark.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If a probability is not between 0 and 1, or there are more than four lines.

    Examples
    --------
    >>> import spillover as sp
    >>> sp.plot.failure_factor(mark=(0.9, 0.5)).axes[0].get_yscale()
    'log'
    """
    if not 1 <= len(success_if_false) <= len(_LINES):
        raise SchemaError(f"success_if_false: give one to {len(_LINES)}.")
    grid = np.linspace(0.01, 0.99, 197)
    with theme():
        figure, (ax,) = new_figure(1, (FULL_WIDTH * 0.75, 3.3))
        ax.axhline(1, color=GREY, linewidth=0.8)
        for q, colour, dashes in zip(success_if_false, COLOURS, _LINES, strict=False):
            ax.plot(grid, [factor(p, q) for p in grid], color=colour, linestyle=dashes,
                    linewidth=1.6, label=f"{q:g}")  # fmt: skip
        if mark is not None:
            height = factor(*mark)
            ax.plot(mark[0], height, marker="o", color="black", markersize=6)
            ax.annotate(f"times {height:.2g}", (mark[0], height), xytext=(6, 5),
                        textcoords="offset points", ha="left", va="bottom", fontsize=8)  # fmt: skip
        ax.set_yscale("log")
        ticks = [0.01, 0.03, 0.1, 0.3, 1.0]
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
        ax.set_xlim(0, 1)
        ax.set_xlabel("Probability that the case would succeed if the hypothesis holds")
        ax.set_ylabel("Odds after failure, over odds before")
        ax.legend(title="Success if it does not hold", loc="lower left", title_fontsize=7.5)
        footnote(
            figure,
            ["A failed case is crucial only where success was all but certain (far right)."],
        )
    return figure


def effect_update(update: EffectUpdate) -> Figure:
    """Draw the distribution of an effect before and after a case that showed none.

    Parameters
    ----------
    update : EffectUpdate
        From ``sp.case.update_effect(...)``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If ``update`` is something else.

    Examples
    --------
    >>> import spillover as sp
    >>> update = sp.case.update_effect(0.168, 0.3, change=10, noticeable=5, blur=2)
    >>> len(sp.plot.effect_update(update).axes)
    2
    """
    if not isinstance(update, EffectUpdate):
        raise SchemaError(
            f"update is a {type(update).__name__}; give what sp.case.update_effect(...) returns."
        )
    table, said = update.table, update.summary()
    shown = table[table["prior"] + table["posterior"] > 1e-3 * table["prior"].max()]
    with theme():
        figure, left, right = two_panels((FULL_WIDTH, 3.0), (1.7, 1.0))
        for name, colour, dashes in (("prior", COLOURS[0], "--"), ("posterior", COLOURS[1], "-")):
            row = said.loc[name]
            word = "before" if name == "prior" else "after"
            label = f"{word}: mean {row['mean']:.2f}, chance above 0 {row['positive']:.2f}"
            left.plot(shown["effect"], shown[name], color=colour, linestyle=dashes, linewidth=1.6,
                      label=label)  # fmt: skip
            left.fill_between(shown["effect"], shown[name], color=colour, alpha=0.1, linewidth=0)
        left.axvline(0, color=GREY, linewidth=0.8)
        left.set_yticks([])
        left.spines["left"].set_visible(False)
        left.set_ylim(0, 1.35 * float(shown[["prior", "posterior"]].to_numpy().max()))
        left.set_xlabel("Effect, percent per percentage point of presence")
        left.set_title("Belief about the effect")
        left.legend(loc="upper left")
        right.plot(shown["effect"], shown["likelihood"], color="black", linewidth=1.4)
        right.set_ylim(0, 1.03)
        right.set_xlabel("Effect, percent per point")
        right.set_ylabel("Chance that none is noticed")
        right.set_title("What silence tells")
        footnote(
            figure,
            [
                f"A case that shows no effect was {update.chance:.2f} probable beforehand. Where "
                "the curve on the right is high, silence says little."
            ],
        )
    return figure

"""How often each specification reports a spillover, in worlds with and without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spillover.case.worlds import Worlds
from spillover.errors import SchemaError
from spillover.plot.theme import COLOURS, FULL_WIDTH, GREY, LIGHT, footnote, new_figure, theme
from spillover.simulate.worlds_design import WORLDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKS = {
    "textbook": ("o", COLOURS[0], True, "textbook: suppliers gain"),
    "enclave": ("s", COLOURS[1], False, "enclave: no purchases at home"),
    "paper": ("^", COLOURS[2], False, "paper: local in the books only"),
}
_SHIFT = 0.24
_Z = 1.96


def worlds(result: Worlds) -> Figure:
    """Draw rejection rates by specification and world.

    Parameters
    ----------
    result : Worlds
        From ``sp.case.worlds(...)``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If ``result`` is something else.

    Notes
    -----
    Whiskers are 95 percent intervals of the simulation (Wilson's). Where nothing spills over, a
    sound test reports a positive effect in half of its level; the grey line says so.

    Examples
    --------
    >>> import spillover as sp
    >>> result = sp.case.worlds(2, names=["enclave"], specifications=["levels"], rng=1)
    >>> sp.plot.worlds(result).axes[0].get_xlabel()
    'Draws that report a spillover (below: that reject), percent'
    """
    if not isinstance(result, Worlds):
        raise SchemaError(
            f"result is a {type(result).__name__}; give what sp.case.worlds(...) returns."
        )
    rates = result.rates()
    names = list(dict.fromkeys(rates["specification"]))
    first = rates.drop_duplicates("specification").set_index("specification")
    tests = [name for name in names if first.loc[name, "kind"] == "test"]
    gap = 0.7 if tests and len(tests) < len(names) else 0.0
    place = {name: n + gap * (name in tests) for n, name in enumerate(names)}
    with theme():
        figure, (ax,) = new_figure(1, (FULL_WIDTH * 0.9, 1.3 + 0.3 * len(names)))
        ax.axvline(50 * result.level, color=GREY, linewidth=0.8)
        homes = list(dict.fromkeys(rates["world"]))
        shifts = np.linspace(-_SHIFT, _SHIFT, len(homes)) if len(homes) > 1 else [0.0]
        for home, shift in zip(homes, shifts, strict=True):
            part = rates[(rates["world"] == home) & (rates["draws"] > 0)]
            places = [place[name] + shift for name in part["specification"]]
            _draw(ax, part["rate"], part["draws"], places, home)
        if gap:
            middle = place[tests[0]] - (1 + gap) / 2
            ax.axhline(middle, color=LIGHT, linewidth=0.8)
        ax.set_yticks(list(place.values()), [first.loc[name, "label"] for name in names])
        ax.set_ylim(max(place.values()) + 0.6, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(-1.5, 101.5)
        ax.set_xlabel("Draws that report a spillover (below: that reject), percent")
        figure.legend(loc="outside upper left", ncols=len(homes), columnspacing=1.5)
        footnote(figure, result.notes())
    return figure


def _draw(ax: Axes, rates: object, draws: object, places: list[float], home: str) -> None:
    marker, colour, filled, label = _MARKS.get(home, ("D", GREY, True, WORLDS.get(home, home)))
    rate = np.asarray(rates, dtype=np.float64)
    low, high = wilson(rate, np.asarray(draws, dtype=np.float64))
    ax.hlines(places, 100 * low, 100 * high, color=colour, linewidth=0.9)
    ax.plot(
        100 * rate,
        places,
        linestyle="none",
        marker=marker,
        color=colour,
        markerfacecolor=colour if filled else "white",
        markersize=5,
        label=label,
    )


def wilson(
    rate: np.ndarray[tuple[int], np.dtype[np.float64]],
    count: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> tuple[
    np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]
]:
    """Return Wilson's 95 percent interval of a share.

    Parameters
    ----------
    rate, count : (n,) arrays

    Returns
    -------
    tuple of (n,) arrays

    Examples
    --------
    >>> low, high = wilson(np.array([0.0]), np.array([100.0]))
    >>> round(float(high[0]), 3)
    0.037
    """
    spread = _Z**2 / count
    centre = (rate + spread / 2) / (1 + spread)
    half = np.sqrt(rate * (1 - rate) * spread + spread**2 / 4) / (1 + spread)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)

"""What a price is made of: the official local content and what domestic suppliers sell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from spillover.case.local_content import LocalContent
from spillover.errors import SchemaError
from spillover.plot.theme import FULL_WIDTH, footnote, literal, new_figure, theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ORIGINS = {
    "domestic supplier": ("#0072B2", "", "domestic suppliers"),
    "foreign-owned supplier": ("#9ecae1", "....", "foreign-owned suppliers at home"),
    "imported": ("#ffffff", "////", "imported"),
    "own": ("#d9d9d9", "", "wages, taxes, margins, other costs"),
}
_NARROW = 0.06


def local_content(content: LocalContent | Mapping[str, LocalContent]) -> Figure:
    """Draw what a price is made of, and what the official and the suppliers' share count.

    Parameters
    ----------
    content : LocalContent, or mapping of name to LocalContent
        From ``sp.case.local_content(...)``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If ``content`` is something else, or empty.

    Notes
    -----
    For each product, the upper bar is the price: all that is not hatched counts as local. The lower
    bar is what is bought from others; only the dark part comes from domestic suppliers.

    Examples
    --------
    >>> import spillover as sp
    >>> car = sp.case.local_content(100, {"kit": (50, "imported"), "wages": 12})
    >>> len(sp.plot.local_content(car).axes[0].get_yticks())
    2
    """
    named = _named(content)
    with theme():
        figure, (ax,) = new_figure(1, (FULL_WIDTH, 1.5 + 0.85 * len(named)))
        ticks: list[float] = []
        labels: list[str] = []
        for number, (name, one) in enumerate(named.items()):
            top = 2.4 * number
            _bar(ax, one, top, price=True)
            _bar(ax, one, top + 1, price=False)
            ticks += [top, top + 1]
            lead = f"{name}: " if name else ""
            labels += [literal(f"{lead}price"), "inputs bought"]
        ax.set_yticks(ticks, labels)
        ax.set_ylim(max(ticks) + 0.6, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(0, 134)
        ax.set_xticks([0, 25, 50, 75, 100])
        ax.spines["bottom"].set_bounds(0, 100)
        ax.set_xlabel("Percent of the price, or of the inputs bought", x=50 / 134)
        handles, keys = ax.get_legend_handles_labels()
        found = dict(zip(keys, handles, strict=True))
        unique = {label: found[label] for _, _, label in _ORIGINS.values() if label in found}
        ax.legend(unique.values(), unique.keys(), loc="lower left", bbox_to_anchor=(0, 1.01),
                  ncols=2, borderaxespad=0)  # fmt: skip
        footnote(figure, ["Official share: price less imported components, over the price."])
    return figure


def _named(content: object) -> Mapping[str, LocalContent]:
    """Return named products, or raise."""
    named = {"": content} if isinstance(content, LocalContent) else content
    if isinstance(named, Mapping):
        found = {str(k): one for k, one in named.items() if isinstance(one, LocalContent)}
        if found and len(found) == len(named):
            return found
    raise SchemaError(
        f"content is a {type(content).__name__}; give what sp.case.local_content(...) returns, or "
        "a mapping of names to several."
    )


def _bar(ax: Axes, content: LocalContent, place: float, *, price: bool) -> None:
    parts = content.parts.groupby("origin")["amount"].sum()
    shown = {name: float(parts.get(name, 0.0)) for name in _ORIGINS if price or name != "own"}
    whole = sum(shown.values())
    start = 0.0
    for name, amount in shown.items():
        share = 100 * amount / whole if whole else 0.0
        if share <= 0:
            continue
        colour, hatch, label = _ORIGINS[name]
        ax.barh(place, share, left=start, height=0.72, color=colour, hatch=hatch,
                edgecolor="#333333", linewidth=0.6, label=label)  # fmt: skip
        if share > 100 * _NARROW:
            dark = name == "domestic supplier"
            ax.text(
                start + share / 2,
                place,
                f"{share:.0f}",
                ha="center",
                va="center",
                fontsize=7.5,
                color="white" if dark else "black",
                bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "linewidth": 0}
                if hatch
                else None,
            )
        start += share
    if price:
        said = f"official: {100 * content.official:.0f} percent"
    elif np.isnan(content.supplier):
        said = "nothing is bought"
    else:
        said = f"from domestic\nsuppliers: {100 * content.supplier:.0f} percent"
    ax.text(102, place, said, va="center", fontsize=7.5)

"""Write names beside points of a scatter plot so that they cover neither points nor each other.

Every name gets candidate places around its point. A place costs what it covers and how far away it
is; two places cost where the names overlap or a line to a point runs through a name. Places are
chosen in turn, given the others, from several fixed starting orders; the cheapest outcome is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spillover.plot.theme import figure_of, literal, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_DISTANCES = (5.0, 9.0, 14.0, 20.0, 28.0, 38.0, 50.0, 64.0)  # points from the dot
_ANGLES = (0, 180, 45, 135, -45, -135, 90, -90, 20, 160, -20, -160, 70, 110, -70, -110)
_LEADER_FROM = 8.0  # points: a name farther away gets a line to its dot
_KEPT = 56  # places per name, the cheapest
_STARTS, _SWEEPS = 24, 8
_LEADER_POINTS = np.linspace(0.0, 1.0, 9)[1:]
_HORIZONTAL = {1: "left", 0: "center", -1: "right"}
_VERTICAL = {1: "bottom", 0: "center", -1: "top"}


@dataclass(frozen=True)
class _Places:
    """Candidate places of one name.

    Attributes
    ----------
    boxes : (n, 4) array
        x0, y0, x1, y1 in pixels.
    leaders : (n, 8, 2) array
        Points on the line from the dot, in pixels; all on the dot if no line is drawn.
    offsets : (n, 2) array
        From the dot, in points.
    cost : (n,) array
        What the place covers besides other names.
    """

    boxes: Array
    leaders: Array
    offsets: Array
    cost: Array


def two_lines(text: str, width: int = 20) -> str:
    r"""Break a name into at most two lines.

    Examples
    --------
    >>> two_lines("Electrical and optical equipment")
    'Electrical and\noptical equipment'
    >>> two_lines("Mining")
    'Mining'
    """
    words = text.split()
    if len(text) <= width + 4 or len(words) < 2:
        return shorten(text, 2 * width)
    splits = [(" ".join(words[:i]), " ".join(words[i:])) for i in range(1, len(words))]
    first, second = min(splits, key=lambda pair: max(len(pair[0]), len(pair[1])))
    lines = [shorten(line, width + 8).replace(" (…", "…") for line in (first, second)]
    return "\n".join(lines)


def label_points(
    ax: Axes,
    spots: Array,
    texts: Sequence[str],
    *,
    others: Array,
    styles: Sequence[dict[str, Any]] | None = None,
    segments: Sequence[Array] = (),
) -> list[Annotation]:
    """Write texts beside their points.

    The limits of the axes must be final. Every text is written: where there is no free place,
    where it covers least. Texts that are there already are not covered.

    Parameters
    ----------
    ax : matplotlib axes
    spots : (n, 2) array
        The points to name, in data units.
    texts : sequence of str
    others : (m, 2) array
        All points that should not be covered (the named ones, too), in data units.
    styles : sequence of dict, optional
        Text properties of each name.
    segments : sequence of (2, 2) arrays
        Lines that should not be covered, in data units.

    Returns
    -------
    list of matplotlib annotations
    """
    figure = figure_of(ax)
    fixed = list(ax.texts)
    looks = [
        {"fontsize": 6.5, "linespacing": 0.95, **style} for style in styles or [{}] * len(texts)
    ]
    notes = [
        ax.annotate(
            literal(text), tuple(spot), xytext=(0, 0), textcoords="offset points", zorder=6, **look
        )
        for spot, text, look in zip(spots, texts, looks, strict=True)
    ]
    for note in notes:
        note.set_in_layout(False)
    figure.draw_without_rendering()  # settles the layout, which the places depend on
    obstacles = np.array([text.get_window_extent().extents for text in fixed]).reshape(-1, 4)
    dots = ax.transData.transform(others[np.isfinite(others).all(axis=1)])
    lines = np.vstack([np.empty((0, 2)), *(_along(ax.transData.transform(s)) for s in segments)])
    offered = [
        _places(ax, dot, _size(note), dots=dots, lines=lines, obstacles=obstacles)
        for dot, note in zip(ax.transData.transform(np.asarray(spots)), notes, strict=True)
    ]
    for spot, note, (places, row), look in zip(spots, notes, _settle(offered), looks, strict=True):
        offset = places.offsets[row]
        side = _sides(offset)
        note.set_position(tuple(offset))
        note.set(ha=_HORIZONTAL[side[0]], va=_VERTICAL[side[1]])
        if np.hypot(*offset) > _LEADER_FROM:
            _lead(ax, spot, offset, str(look.get("color", "#333333")))
    return notes


def _size(note: Annotation) -> Array:
    """Return the width and the height of a text in pixels."""
    return np.array(note.get_window_extent().size, dtype=np.float64)


def _along(line: Array, gap: float = 4.0) -> Array:
    """Return points along a line of pixels, a few pixels apart."""
    steps = max(2, int(np.hypot(*(line[1] - line[0])) / gap) + 1)
    points: Array = np.linspace(line[0], line[1], steps)
    return points


def _sides(offset: Array) -> tuple[int, int]:
    """Say on which side of its dot a name is: -1, 0 (centred) or 1 across and up."""
    across, up = offset / np.hypot(*offset)
    return (
        int(np.sign(across)) if abs(across) > 0.3 else 0,
        int(np.sign(up)) if abs(up) > 0.3 else 0,
    )


def _places(
    ax: Axes, dot: Array, size: Array, *, dots: Array, lines: Array, obstacles: Array
) -> _Places:
    """List the places for one name, the cheapest ones first."""
    scale = figure_of(ax).dpi / 72
    distance = np.repeat(_DISTANCES, len(_ANGLES))
    angle = np.radians(np.tile(_ANGLES, len(_DISTANCES)))
    offsets = np.column_stack([np.cos(angle), np.sin(angle)]) * distance[:, None]
    sides = np.array([_sides(offset) for offset in offsets])
    corner = dot + offsets * scale - size * (1 - sides) / 2
    boxes = np.hstack([corner, corner + size])
    drawn = distance > _LEADER_FROM
    reach = np.where(drawn, scale, 0.0)[:, None] * offsets
    leaders = dot + reach[:, None] * _LEADER_POINTS[:, None]
    frame = ax.bbox.extents
    outside = np.maximum(frame[:2] - boxes[:, :2], boxes[:, 2:] - frame[2:]).max(axis=1).clip(0)
    apart = dots[np.hypot(*(dots - dot).T) > 0.5]
    gaps = np.linalg.norm(apart[None, :, None] - leaders[:, None], axis=-1).min(axis=-1)
    pad = np.array([-1.0, -1.0, 1.0, 1.0]) * 2.5 * scale
    cost = (
        0.03 * distance
        + 0.15 * (sides[:, 0] == 0)
        + 10 * (outside > 0)
        + outside
        + 5 * _inside(boxes + pad, dots).sum(axis=1)
        + 0.15 * _inside(boxes, lines).sum(axis=1)
        + 10 * (_overlap(boxes, obstacles) > 0).sum(axis=1)
        + 3 * ((gaps < 3 * scale).sum(axis=1) * drawn)
    )
    best = np.argsort(cost, kind="stable")[:_KEPT]
    return _Places(boxes[best], leaders[best], offsets[best], cost[best])


def _settle(offered: Sequence[_Places]) -> list[tuple[_Places, int]]:
    """Choose a place for every name: the cheapest outcome of several starting orders."""
    if not offered:
        return []
    own = np.concatenate([places.cost for places in offered])
    pair = _clashes(offered)
    first = np.cumsum([0, *(len(places.cost) for places in offered)])
    best: tuple[float, NDArray[np.intp]] = (np.inf, first[:-1])
    rng = np.random.default_rng(0)  # only the order of trying: the same in every call
    names = np.arange(len(offered))
    for start in range(_STARTS):
        order = names if start == 0 else rng.permutation(names)
        chosen = _descend(order, first, own, pair)
        total = float(own[chosen].sum() + pair[np.ix_(chosen, chosen)].sum() / 2)
        if total < best[0] - 1e-9:
            best = (total, chosen)
    rows = best[1] - first[:-1]
    return [(places, int(row)) for places, row in zip(offered, rows, strict=True)]


def _descend(
    order: NDArray[np.intp], first: NDArray[np.intp], own: Array, pair: Array
) -> NDArray[np.intp]:
    """Choose places one name after the other, then again given the others, until none moves."""
    chosen = first[:-1].copy()
    placed: list[int] = []
    for sweep in range(_SWEEPS):
        before = chosen.copy()
        for name in order:
            rest = chosen[[other for other in (placed if sweep == 0 else order) if other != name]]
            part = slice(first[name], first[name + 1])
            chosen[name] = first[name] + int(np.argmin(own[part] + pair[part, rest].sum(axis=1)))
            placed.append(int(name))
        if sweep and (chosen == before).all():
            break
    return chosen


def _clashes(offered: Sequence[_Places]) -> Array:
    """Return what every two places of different names cost together."""
    boxes = np.vstack([places.boxes for places in offered])
    owner = np.repeat(np.arange(len(offered)), [len(places.cost) for places in offered])
    area = _overlap(boxes + np.array([-1.0, -1.0, 1.0, 1.0]), boxes)
    cost = np.where(area > 0, 12 + 0.01 * area, 0.0)
    leaders = np.vstack([places.leaders for places in offered])
    hits = np.zeros(cost.shape, dtype=bool)
    for step in range(leaders.shape[1]):
        hits |= _inside(boxes, leaders[:, step])
    cost += 8.0 * (hits | hits.T)
    cost[owner[:, None] == owner] = 0.0
    return np.asarray(cost, dtype=np.float64)


def _overlap(first: Array, second: Array) -> Array:
    """Return the areas that boxes share, (first, second)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    area: Array = (high - low).clip(0).prod(axis=-1)
    return area


def _inside(boxes: Array, points: Array) -> NDArray[np.bool_]:
    """Tell which points lie within which boxes, (boxes, points)."""
    low, high = boxes[:, None, :2] < points, boxes[:, None, 2:] > points
    return np.asarray((low & high).all(axis=-1), dtype=np.bool_)


def _lead(ax: Axes, spot: Array, offset: Array, colour: str) -> None:
    """Draw the thin line from a dot to its name."""
    line = ax.annotate(
        "",
        tuple(spot),
        xytext=tuple(offset),
        textcoords="offset points",
        arrowprops={
            "arrowstyle": "-",
            "color": colour,
            "linewidth": 0.4,
            "shrinkA": 0.5,
            "shrinkB": 2.5,
        },
        zorder=5,
    )
    line.set_in_layout(False)

"""Which industries' foreign presence reaches which industries: the links behind a measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover._fits import DEFAULT_LABELS, check_labels
from spillover.errors import SchemaError, check_choice
from spillover.linkage.build import check_linkages
from spillover.plot import _network_drawing as drawing
from spillover.plot._notes import write_notes
from spillover.plot.theme import FULL_WIDTH, literal, new_figure, theme

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from spillover.linkage import Linkages

    Array = NDArray[np.float64]

_ROUNDS = 24  # of putting industries near those they are linked with
_COLUMNS = {
    "backward": ("Buyers with foreign presence", "Suppliers"),
    "forward": ("Suppliers with foreign presence", "Buyers"),
}


@dataclass(frozen=True)
class _Links:
    """The links to draw, and what to say of all.

    Attributes
    ----------
    edges : DataFrame
        partner, industry, contribution (shares), largest first.
    presence : Series
        By partner.
    value : Series
        The measure (its observed part), by industry.
    count, total, negative, unseen : int, float, int, int
        All links that contribute, their sum, links with a negative contribution, and industries
        without observed presence.
    """

    edges: pd.DataFrame
    presence: pd.Series[float]
    value: pd.Series[float]
    count: int
    total: float
    negative: int
    unseen: int


def network(
    links: Linkages,
    measure: str = "backward",
    year: int | None = None,
    *,
    region: str | None = None,
    threshold: float = 0.0,
    largest: int = 40,
    labels: Mapping[str, str] | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw which industries' foreign presence makes up a measure in which industries.

    Parameters
    ----------
    links : Linkages
        What :func:`spillover.linkages` returns.
    measure : str
        Any but Horizontal, which links no industries.
    year : int, optional
        The default is the last year.
    region : str, optional
        Needed where presence is regional.
    threshold : float
        Leave links out that contribute less (0.01: one percentage point).
    largest : int
        How many links to draw at most, the largest ones.
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
        For an unknown year, region or measure, a bad ``threshold`` or ``largest``, or if no link
        is left.

    Notes
    -----
    Industries with foreign presence stand on the left, measured industries on the right; an
    industry may stand on both sides. A link is as wide as its contribution, the share times the
    presence (:meth:`Linkages.explain`), and the darker the larger; dots grow with presence and
    with the measure. Only industries with a drawn link are shown, ordered so that links cross
    little. The note says how many links there are and what part of their sum is drawn.

    Examples
    --------
    >>> import spillover as sp
    >>> links = sp.linkages(sp.datasets.demo_firms(), sp.datasets.demo_io())
    >>> figure = sp.plot.network(links, "backward", 2014, largest=10)
    >>> figure.get_suptitle()
    'Backward, 2014: where it comes from'
    """
    check_linkages(links)
    if measure == "horizontal":
        raise SchemaError("Horizontal links no industries: choose a measure between industries.")
    check_choice("measure", measure, list(links.operators))
    given = check_labels(labels)
    _check_cut(threshold, largest)
    when = int(links.axes.years[-1]) if year is None else year
    found = _links(links, measure, (when, region), threshold, largest)
    left, right = _order(found.edges, list(links.axes.sectors))
    names = {code: given.get(code, links.labels.get(code, code)) for code in {*left, *right}}
    title = {**DEFAULT_LABELS, **given}.get(measure, measure.replace("_", " ").capitalize())
    with theme():
        height = 1.5 + drawing.ROW * max(len(left), len(right), 4)
        figure, (ax,) = new_figure(1, (FULL_WIDTH, height))
        drawing.blank(ax)
        heads = _COLUMNS.get(measure, ("Industries with foreign presence", "Measured industries"))
        heads = f"{heads[0]} →\n(dots: presence)", f"→ {heads[1]}\n(dots: {title})"
        for x, codes, sizes, head in zip(
            (drawing.LEFT, drawing.RIGHT),
            (left, right),
            (found.presence, found.value),
            heads,
            strict=True,
        ):
            drawing.column(ax, x, sizes.reindex(codes), [names[code] for code in codes], head)
        drawing.arrows(ax, found.edges, left, right)
        drawing.legend(figure, found.edges)
        where = f" in {region}" if region else ""
        figure.suptitle(
            literal(f"{title}{where}, {when}: where it comes from"), x=0.01, ha="left", fontsize=9
        )
        write_notes(figure, _notes(links, found), [links], synthetic=synthetic)
    return figure


def _check_cut(threshold: float, largest: int) -> None:
    """Raise unless ``threshold`` and ``largest`` can cut a list of links."""
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or threshold < 0:
        raise SchemaError(f"threshold={threshold!r} must be a contribution, such as 0.01 or 0.")
    if isinstance(largest, bool) or not isinstance(largest, int) or largest < 1:
        raise SchemaError(f"largest={largest!r} must be a whole number of links, 1 or more.")


def _links(
    links: Linkages,
    measure: str,
    when: tuple[int, str | None],
    threshold: float,
    largest: int,
) -> _Links:
    """Compute all contributions in a year (and region) and keep the largest ones."""
    year, region = when
    check_choice("region", region or "", links.axes.regions)
    shares = links.exposure(measure, year)
    shocks = links.shocks(measure)
    chosen = shocks["year"] == year
    if region is not None:
        chosen &= shocks["region"].astype(str) == region
    cell = shocks[chosen]
    presence = pd.Series(cell["presence"].to_numpy(float), index=cell["industry"].astype(str))
    presence = presence.reindex(shares.columns)
    matrix = shares * presence.fillna(0.0)
    row, column = np.nonzero(matrix.to_numpy())
    everything = pd.DataFrame(
        {
            "partner": shares.columns[column],
            "industry": shares.index[row],
            "contribution": matrix.to_numpy()[row, column],
        }
    ).sort_values("contribution", ascending=False, kind="stable", ignore_index=True)
    positive = everything[everything["contribution"] > 0]
    kept = positive[positive["contribution"] >= threshold].head(largest)
    if kept.empty:
        top = f"{positive['contribution'].max():.4f}" if len(positive) else "none"
        raise SchemaError(
            f"No link of {measure} in {year} contributes at least {threshold}; the largest: {top}."
        )
    return _Links(
        edges=kept,
        presence=presence,
        value=matrix.sum(axis=1),
        count=len(positive),
        total=float(positive["contribution"].sum()),
        negative=len(everything) - len(positive),
        unseen=int(presence.isna().sum()),
    )


def _order(edges: pd.DataFrame, sectors: Sequence[str]) -> tuple[list[str], list[str]]:
    """Order both columns so that links are short: each industry near the mean of its partners."""
    known = [code for code in sectors if code in set(edges["partner"])]
    measured = [code for code in sectors if code in set(edges["industry"])]
    weight = np.zeros((len(measured), len(known)))
    rows = pd.Index(measured).get_indexer(pd.Index(edges["industry"]))
    columns = pd.Index(known).get_indexer(pd.Index(edges["partner"]))
    weight[rows, columns] = edges["contribution"]
    sizes = weight.sum(axis=0)
    left, right = np.argsort(-sizes, kind="stable"), np.arange(len(measured))
    best = (np.inf, left, right)
    for _ in range(_ROUNDS):
        right = np.argsort(weight @ _places(left) / weight.sum(axis=1), kind="stable")
        left = np.argsort(weight.T @ _places(right) / sizes, kind="stable")
        length = np.abs(_places(right)[:, None] - _places(left)[None, :])
        cost = float((weight * length).sum())
        if cost < best[0] - 1e-12:
            best = (cost, left, right)
    return [known[i] for i in best[1]], [measured[i] for i in best[2]]


def _places(order: NDArray[np.intp]) -> Array:
    """Return where each industry stands in an order, 0 (top) to 1."""
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return drawing.position(rank, len(order))


def _notes(links: Linkages, found: _Links) -> list[str]:
    """Say how much of the measure is drawn and what is not observed."""
    drawn = found.edges["contribution"]
    lines = [
        f"The {len(drawn)} largest of {found.count:,} links (share × foreign presence), each at "
        f"least {100 * drawn.min():.2g} percentage points; they carry "
        f"{drawn.sum() / found.total:.0%} of the sum over all industries."
    ]
    if found.negative:
        lines.append(f"{found.negative} link(s) with a negative contribution are not drawn.")
    if found.unseen:
        lines.append(
            f"{found.unseen} of {len(found.presence)} industries have no observed presence and "
            "count as zero."
        )
    return [*lines, f"Definition: {links.definition.describe()}."]

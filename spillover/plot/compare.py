"""How much the definition of a linkage measure matters: scatter plots and correlations."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import seaborn as sns
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from spillover._fits import DEFAULT_LABELS, check_labels
from spillover.errors import SchemaError, check_choice, preview
from spillover.linkage.build import check_linkages
from spillover.plot._notes import write_notes
from spillover.plot._point_labels import label_points, two_lines
from spillover.plot.theme import (
    COLOURS,
    GREY,
    MARKERS,
    SEQUENTIAL,
    literal,
    new_figure,
    shorten,
    theme,
    unique_short,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spillover.linkage import Linkages

_NAMED = 5  # industries
_APART = 1e-9  # a difference (in shares) that is rounding


def compare(
    first: Linkages,
    second: Linkages,
    measure: str = "backward",
    *,
    names: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw one definition's values against another's, by industry and year.

    Parameters
    ----------
    first, second : Linkages
        What :func:`spillover.linkages` returns for two definitions: on the horizontal and on the
        vertical axis. They must have the same sectors, years and regions.
    measure : str
        Built by both.
    names : (str, str), optional
        What to call the two; the default describes their definitions.
    labels : mapping of str to str, optional
        Text to print for industries and the measure; it comes before ``first.labels``.
    synthetic : bool
        Say below the figure that the data are synthetic; said in any case if one of the two does.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If sectors, years or regions differ, a measure was not built, no industry-year has both
        values, or ``names`` are not two.

    Notes
    -----
    Named and marked are up to five industries with the largest mean absolute difference over the
    years. Values that are missing in one or both are counted below the figure, as are Pearson's
    and Spearman's rank correlation over the industry-years that have both.

    Examples
    --------
    >>> import spillover as sp
    >>> firms, io = sp.datasets.demo_firms(), sp.datasets.demo_io()
    >>> own = sp.LinkageDefinition(own_sector="include")
    >>> figure = sp.plot.compare(sp.linkages(firms, io), sp.linkages(firms, io, own))
    >>> figure.axes[0].get_xlabel()
    'Javorcik (2004), percent'
    """
    check_linkages(first, "first")
    check_linkages(second, "second")
    given = check_labels(labels)
    called = _names(first, second, names)
    wide = _aligned({"first": first, "second": second}, measure)
    both = wide.dropna()
    if both.empty:
        raise SchemaError(f"No industry-year has {measure} in both: there is nothing to compare.")
    industries = both.index.get_level_values("industry").astype(str)
    gap = (both["second"] - both["first"]).abs().groupby(industries).mean()
    named = [str(code) for code in gap[gap > _APART].nlargest(_NAMED).index]
    texts = {code: given.get(code, first.labels.get(code, code)) for code in named}
    with theme():
        figure, (ax,) = new_figure(1, (4.9, 5.3))
        _scatter_axes(ax, 100 * both, called)
        title = {**DEFAULT_LABELS, **given}.get(measure, measure.replace("_", " ").capitalize())
        ax.set_title(literal(f"{title} by industry and year"))
        write_notes(figure, _scatter_notes(wide, both), [first, second], synthetic=synthetic)
        _scatter(ax, 100 * both, industries, texts)
    return figure


def _names(first: Linkages, second: Linkages, names: Sequence[str] | None) -> tuple[str, str]:
    """Return what to call the two."""
    if names is None:
        described = first.definition.describe(), second.definition.describe()
        return described if described[0] != described[1] else ("First", "Second")
    given = [] if isinstance(names, str) else list(names)
    if len(given) != 2 or not all(isinstance(name, str) for name in given):
        raise SchemaError(f"names={names!r} must be two texts, for the first and the second.")
    return given[0], given[1]


def _aligned(links: Mapping[str, Linkages], measure: str) -> pd.DataFrame:
    """Put a measure of several linkages side by side, or raise if they do not match.

    Returns one column each, indexed by industry, region ("" if national) and year.
    """
    base_name, base = next(iter(links.items()))
    for name, one in links.items():
        check_choice(f"measure of {name!r}", measure, one.measures)
        for what, ours, theirs in (
            ("sectors", base.axes.sectors, one.axes.sectors),
            ("regions", base.axes.regions, one.axes.regions),
            ("years", base.axes.years.tolist(), one.axes.years.tolist()),
        ):
            if set(ours) != set(theirs):
                odd = sorted(set(ours) ^ set(theirs), key=str)
                odd = ["national" if value == "" else value for value in odd]
                raise SchemaError(
                    f"{base_name!r} and {name!r} differ in their {what}: only one of them has "
                    f"{preview(odd)}. Build both from the same firms and tables."
                )
    columns = {}
    for name, one in links.items():
        data = one.data if "region" in one.data else one.data.assign(region="")
        keyed = data.astype({"industry": str, "region": str})
        columns[name] = keyed.set_index(["industry", "region", "year"])[measure].astype(float)
    return pd.DataFrame(columns)


def _scatter_axes(ax: Axes, values: pd.DataFrame, called: tuple[str, str]) -> None:
    """Set equal limits, the 45° line and what the axes are."""
    low, high = float(values.to_numpy().min()), float(values.to_numpy().max())
    room = 0.04 * (high - low) or 1.0
    low = 0.0 if 0 <= low < 0.3 * high else low - room
    ax.set_xlim(low, high + room)
    ax.set_ylim(low, high + room)
    ax.set_aspect("equal")
    ax.plot(
        [low, high + room], [low, high + room], color=GREY, linewidth=0.8, zorder=1, label="45°"
    )
    x, y = ("\n".join(textwrap.wrap(f"{name}, percent", 52)) for name in called)
    ax.set_xlabel(literal(x))
    ax.set_ylabel(literal(y))


def _scatter(
    ax: Axes, values: pd.DataFrame, industries: pd.Index[str], texts: Mapping[str, str]
) -> None:
    """Draw the dots and name the industries that differ most, where they differ most."""
    points = values[["first", "second"]].to_numpy()
    rest = ~industries.isin(list(texts))
    ax.plot(
        *points[rest].T,
        marker="o",
        color=GREY,
        markerfacecolor="none",
        markersize=3,
        markeredgewidth=0.6,
        linestyle="none",
        clip_on=False,
        zorder=2,
    )
    spots = []
    for code, colour, marker in zip(texts, COLOURS, MARKERS, strict=False):
        own = points[industries == code]
        ax.plot(
            *own.T,
            marker=marker,
            color=colour,
            markersize=3.8,
            linestyle="none",
            clip_on=False,
            zorder=3,
            label=code,
        )
        spots.append(own[np.argmax(np.abs(own[:, 1] - own[:, 0]))])
    short = unique_short(list(texts.values()), 48, list(texts))
    line = np.array([ax.get_xlim(), ax.get_ylim()]).T
    label_points(
        ax,
        np.array(spots).reshape(-1, 2),
        [two_lines(text) for text in short],
        others=points,
        styles=[{"color": "#333333"}] * len(short),
        segments=[line],
    )


def _scatter_notes(wide: pd.DataFrame, both: pd.DataFrame) -> list[str]:
    """Give the correlations and count what is missing."""
    cells = "industry-region-years" if (wide.index.get_level_values(1) != "").any() else ""
    pearson, rank = (_correlation(both, method) for method in ("pearson", "spearman"))
    lines = [
        f"Correlation over {len(both):,} {cells or 'industry-years'}: {pearson} (Pearson), {rank} "
        f"(rank). Line: 45°."
    ]
    lost = wide.isna()
    one, none = int((lost.sum(axis=1) == 1).sum()), int(lost.all(axis=1).sum())
    if one or none:
        lines.append(f"Not drawn: {one:,} missing in one of the two, {none:,} in both.")
    return lines


def _correlation(both: pd.DataFrame, method: str) -> str:
    """Write a correlation; it is not defined for a constant."""
    if len(both) < 2 or both.nunique().min() < 2:
        return "not defined"
    ranked = both.rank() if method == "spearman" else both
    return f"{np.corrcoef(ranked['first'], ranked['second'])[0, 1]:.3f}"


def correlations(
    links: Mapping[str, Linkages],
    measure: str = "backward",
    *,
    within: bool = False,
    synthetic: bool = False,
) -> Figure:
    """Draw the correlations of one measure between any number of definitions.

    Parameters
    ----------
    links : mapping of str to Linkages
        Name -> what :func:`spillover.linkages` returns; that function returns such a mapping if it
        is given several definitions. All must have the same sectors, years and regions.
    measure : str
        Built by all.
    within : bool
        Correlate deviations from the mean over years of the industry (and region): what is left
        for estimates with industry or firm effects.
    synthetic : bool
        Say below the figure that the data are synthetic; said in any case if one of them does.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        If there are fewer than two definitions, sectors, years or regions differ, a measure was
        not built, or fewer than two industry-years have all values.

    Notes
    -----
    Pearson's correlations over the industry-years that have a value in all definitions; the others
    are counted below the figure. Definitions are ordered by average-linkage clustering with one
    less the correlation as the distance. A definition that does not vary has no correlation:
    hatched.

    Examples
    --------
    >>> import spillover as sp
    >>> links = sp.linkages(sp.datasets.demo_firms(), sp.datasets.demo_io(), {
    ...     "base": sp.LinkageDefinition(), "own": sp.LinkageDefinition(own_sector="include"),
    ...     "majority": sp.LinkageDefinition(threshold=0.5)})
    >>> [text.get_text() for text in sp.plot.correlations(links).axes[0].texts]
    ['0.73', '0.69', '0.95']
    """
    if not isinstance(links, Mapping) or len(links) < 2:
        raise SchemaError(
            "links must map at least two names to Linkages, such as sp.linkages(firms, io, "
            "{'base': ..., 'majority': ...})."
        )
    for name, one in links.items():
        check_linkages(one, f"links[{name!r}]")
    wide = _aligned(links, measure)
    complete = wide.dropna()
    if len(complete) < 2:
        raise SchemaError(
            f"{len(complete)} industry-year(s) have {measure} in all {len(links)} definitions: "
            f"{preview(wide.notna().sum().to_dict().items())} have values."
        )
    table = correlation_matrix(complete, within=within)
    with theme():
        size = 1.0 + 0.36 * len(table)
        widest = max(len(shorten(str(name), 44)) for name in table)
        figure, (ax,) = new_figure(1, (size + 0.075 * widest + 0.9, max(size, 2.2) + 0.5))
        _heat(ax, table)
        title = DEFAULT_LABELS.get(measure, measure.replace("_", " ").capitalize())
        ax.set_title(literal(f"{title}: correlations" + (" within industries" if within else "")))
        notes = [f"{len(complete):,} industry-years with a value in all definitions."]
        if len(wide) > len(complete):
            notes.append(f"Left out: {len(wide) - len(complete):,} that lack one.")
        write_notes(figure, [" ".join(notes)], list(links.values()), synthetic=synthetic)
    return figure


def correlation_matrix(values: pd.DataFrame, *, within: bool = False) -> pd.DataFrame:
    """Correlate columns and order them so that those close to each other stand together.

    Parameters
    ----------
    values : pandas.DataFrame
        Without missing values; indexed by industry, region and year if ``within``.
    within : bool
        Take the mean over years of each industry and region off first.

    Returns
    -------
    pandas.DataFrame
        Symmetric; missing for a column that does not vary.

    Examples
    --------
    >>> correlation_matrix(pd.DataFrame({"a": [1.0, 2, 3], "b": [3.0, 1, 2], "c": [1.0, 2, 4]}))
              a         c         b
    a  1.000000  0.981981 -0.500000
    c  0.981981  1.000000 -0.327327
    b -0.500000 -0.327327  1.000000
    """
    scale = values.abs().max()
    if within:
        values = values - values.groupby(level=["industry", "region"]).transform("mean")
    varies = (values - values.mean()).abs().max() > 1e-12 * scale
    table = values.loc[:, varies].corr().reindex(index=values.columns, columns=values.columns)
    distance = 1 - table.fillna(0.0).to_numpy(copy=True)
    np.fill_diagonal(distance, 0.0)
    condensed = squareform((distance + distance.T) / 2, checks=False).clip(0)
    order = leaves_list(linkage(condensed, "average", optimal_ordering=True))
    if order[0] > order[-1]:  # either direction is as good: start with what was given first
        order = order[::-1]
    chosen: pd.DataFrame = table.iloc[order, order]
    return chosen


def _heat(ax: Axes, table: pd.DataFrame) -> None:
    """Draw the lower triangle with its numbers; definitions are numbered."""
    n = len(table)
    values = table.to_numpy()
    below = np.tril(np.ones((n, n), dtype=bool), -1)
    known = values[below & ~np.isnan(values)]
    lowest = float(np.floor(known.min() * 10 - 1e-9) / 10) if known.size else 0.0
    text = np.array([["" if np.isnan(v) else f"{v:.2f}" for v in row] for row in values])
    sns.heatmap(
        table,
        ax=ax,
        mask=~below | np.isnan(values),
        cmap=SEQUENTIAL,
        vmin=max(-1.0, lowest),
        vmax=1.0,
        annot=text,
        fmt="",
        annot_kws={"fontsize": 7},
        linewidths=0.6,
        linecolor="white",
        cbar_kws={"label": "Correlation", "shrink": 0.75, "pad": 0.02},
    )
    for row, column in np.argwhere(below & np.isnan(values)):
        ax.axvspan(
            column,
            column + 1,
            1 - (row + 1) / n,
            1 - row / n,
            facecolor="#ececec",
            edgecolor="#c4c4c4",
            hatch="////",
            linewidth=0,
        )
    numbers = [f"({i + 1})" for i in range(n)]
    names = unique_short([str(name) for name in table], 44, numbers)
    rows = [f"{name}  {number}" for name, number in zip(names, numbers, strict=True)]
    ax.set_xticks(np.arange(n - 1) + 0.5, numbers[:-1], rotation=0)
    ax.set_yticks(np.arange(n) + 0.5, [literal(row) for row in rows], rotation=0)
    ax.set_xlim(0, n - 1)
    ax.tick_params(length=0)
    ax.set(xlabel="", ylabel="")

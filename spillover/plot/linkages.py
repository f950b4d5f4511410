"""Linkage measures over time, by industry, or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import pandas as pd

from spillover._fits import DEFAULT_LABELS, any_synthetic, check_labels
from spillover.errors import SchemaError, check_choice, did_you_mean, preview
from spillover.plot import _linkage_panels as panels
from spillover.plot.theme import footnote, theme

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

Kind = Literal["time", "industry", "heatmap"]


class LinkagesLike(Protocol):
    """The part of :class:`spillover.Linkages` that figures read."""

    @property
    def data(self) -> pd.DataFrame:
        """Return industry, year and one column a measure."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Return the sectors' names."""


@dataclass(frozen=True)
class _Selection:
    """What to draw, checked."""

    data: pd.DataFrame
    measures: dict[str, str]
    industries: dict[str, str]
    years: list[int]


def linkages(
    links: LinkagesLike,
    *,
    measures: Sequence[str] = ("horizontal", "backward", "forward"),
    kind: Kind = "time",
    industries: Sequence[str] | None = None,
    year: int | tuple[int, int] | None = None,
    labels: Mapping[str, str] | None = None,
    highlight: Sequence[str] | None = None,
    weights: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw linkage measures, in percent.

    Parameters
    ----------
    links : Linkages
        What :func:`spillover.linkages` returns.
    measures : sequence of str
        Columns of ``links.data``, one panel each.
    kind : {"time", "industry", "heatmap"}
        "time" draws a thin line per industry and their mean, "industry" dots by industry in one
        year or from one year to another, "heatmap" industries by years.
    industries : sequence of str, optional
        Industries to draw; the default is all.
    year : int or (int, int), optional
        For "industry": one year, or the first and the last one; the default is the whole span.
        For the other kinds a pair limits the years.
    labels : mapping of str to str, optional
        Text to print for industries and measures; it comes before ``links.labels``.
    highlight : sequence of str, optional
        For "time": industries to name in every panel; the default is the highest and the lowest
        in the last year.
    weights : str, optional
        For "time": column of ``links.data`` to weight the mean by, such as "firms".
    synthetic : bool
        Say below the figure that the data are synthetic; said in any case if ``links`` says so.

    Returns
    -------
    matplotlib.figure.Figure

    Notes
    -----
    Where a measure is missing, lines are broken and cells and rows are hatched; nothing is drawn
    as zero.

    Raises
    ------
    SchemaError
        If a measure, industry or year is not in ``links.data``, or nothing is left to draw.

    Examples
    --------
    >>> import pandas as pd
    >>> from types import SimpleNamespace
    >>> data = pd.DataFrame({"industry": ["a", "a", "b", "b"], "year": [2000, 2001] * 2,
    ...                      "backward": [0.1, 0.2, 0.05, 0.1]})
    >>> links = SimpleNamespace(data=data, labels={"a": "Food"}, source="synthetic table")
    >>> linkages(links, measures=["backward"]).axes[0].get_title("left")
    'Backward'
    """
    check_choice("kind", kind, ["time", "industry", "heatmap"])
    chosen = _select(links, measures, industries, year, check_labels(labels))
    if weights is not None and weights not in chosen.data.columns:
        raise SchemaError(
            f"weights={weights!r} is no column of links.data."
            f"{did_you_mean(weights, [str(column) for column in chosen.data.columns])}"
        )
    named = _check_highlight(highlight, chosen.industries)
    wide = {measure: _wide(chosen, measure) for measure in chosen.measures}
    if kind == "industry":
        ends = list(dict.fromkeys([chosen.years[0], chosen.years[-1]]))
        wide = {measure: values[ends] for measure, values in wide.items()}
    with theme():
        if kind == "time":
            weight = None if weights is None else _wide(chosen, weights) / 100
            figure = panels.time(wide, chosen.measures, chosen.industries, named, weight)
        elif kind == "industry":
            figure = panels.industry(wide, chosen.measures, chosen.industries, chosen.years)
        else:
            figure = panels.heatmap(wide, chosen.measures, chosen.industries)
        footnote(
            figure, _notes(links, chosen, wide, kind=kind, weights=weights, synthetic=synthetic)
        )
    return figure


def _select(
    links: LinkagesLike,
    measures: Sequence[str],
    industries: Sequence[str] | None,
    year: int | tuple[int, int] | None,
    labels: Mapping[str, str],
) -> _Selection:
    """Check what is asked for against the data and cut the data to it."""
    data = getattr(links, "data", None)
    if not isinstance(data, pd.DataFrame):
        raise SchemaError(
            f"links is of type {type(links).__name__} and has no frame `data`: give what "
            "sp.linkages() returns."
        )
    measures = _as_list("measures", measures)
    columns = [str(column) for column in data.columns]
    for column in ("industry", "year", *measures):
        if column not in columns:
            raise SchemaError(
                f"links.data has no column {column!r}.{did_you_mean(column, columns)}"
            )
    text = [name for name in measures if not pd.api.types.is_numeric_dtype(data[name])]
    if text:
        raise SchemaError(f"{preview(text)} in links.data holds no numbers: it cannot be drawn.")
    if data.duplicated(["industry", "year"]).any():
        twice = data.loc[data.duplicated(["industry", "year"]), "industry"].unique()
        raise SchemaError(f"links.data has an industry-year twice: {preview(twice)}.")
    data = data.assign(industry=data["industry"].astype(str), year=data["year"].astype(int))
    known = list(dict.fromkeys(data["industry"]))
    wanted = known if industries is None else _as_list("industries", industries)
    unknown = [code for code in wanted if code not in known]
    if unknown:
        raise SchemaError(
            f"industries names {preview(unknown)}, not in links.data."
            f"{did_you_mean(unknown[0], known)}"
        )
    years = _years(sorted({int(value) for value in data["year"]}), year)
    data = data[data["industry"].isin(wanted) & data["year"].between(years[0], years[-1])]
    if data[measures].isna().all(axis=None):
        raise SchemaError(f"{preview(measures)} has no value in the industries and years chosen.")
    names = {**getattr(links, "labels", {}), **labels}
    shown = {
        measure: labels.get(measure, DEFAULT_LABELS.get(measure, measure)) for measure in measures
    }
    return _Selection(data, shown, {code: names.get(code, code) for code in wanted}, years)


def _as_list(argument: str, values: Sequence[str]) -> list[str]:
    """Return a non-empty list of distinct strings, or raise."""
    if isinstance(values, str):
        raise SchemaError(f"{argument}={values!r} must be a list, not one string.")
    out = list(dict.fromkeys(str(value) for value in values))
    if not out:
        raise SchemaError(f"{argument} is empty: name at least one.")
    return out


def _years(known: Sequence[int], year: int | tuple[int, int] | None) -> list[int]:
    """Return the years from first to last that were asked for and are in the data."""
    if not known:
        raise SchemaError("links.data has no rows: there is nothing to draw.")
    if year is None:
        return list(known)
    ends = list(year) if isinstance(year, tuple | list) else [year]
    missing = [value for value in ends if value not in known]
    if missing or len(ends) not in {1, 2}:
        raise SchemaError(
            f"year={year!r}: give one year or a pair from {known[0]} to {known[-1]}; "
            f"not in links.data: {preview(missing) if missing else 'none'}."
        )
    return [value for value in known if min(ends) <= value <= max(ends)]


def _check_highlight(
    highlight: Sequence[str] | None, industries: Mapping[str, str]
) -> list[str] | None:
    """Return the industries to name, or raise if one is not drawn."""
    if highlight is None:
        return None
    if isinstance(highlight, str):
        raise SchemaError(f"highlight={highlight!r} must be a list, not one string.")
    unknown = [code for code in highlight if code not in industries]
    if unknown:
        raise SchemaError(
            f"highlight names {preview(unknown)}, which is not drawn."
            f"{did_you_mean(str(unknown[0]), list(industries))}"
        )
    return list(highlight)


def _wide(chosen: _Selection, column: str) -> pd.DataFrame:
    """Spread one column to industries by years, in percent; every year has a column."""
    wide = chosen.data.set_index(["industry", "year"])[column].unstack("year") * 100  # noqa: PD010
    years = range(chosen.years[0], chosen.years[-1] + 1)
    return wide.astype(float).reindex(index=list(chosen.industries), columns=list(years))


def _notes(
    links: LinkagesLike,
    chosen: _Selection,
    wide: Mapping[str, pd.DataFrame],
    *,
    kind: Kind,
    weights: str | None,
    synthetic: bool,
) -> list[str]:
    """Say what was drawn, what is missing and where the data come from."""
    lines = []
    if kind == "time":
        mean = f"mean weighted by {weights}" if weights else "unweighted mean"
        lines.append(f"Thin lines: industries; thick line: their {mean}.")
    empty = [
        f"{chosen.measures[measure]}: {int(frame.isna().all(axis=1).sum())}"
        for measure, frame in wide.items()
        if frame.isna().all(axis=1).any()
    ]
    if empty:
        lines.append(
            f"Industries without any value, of {len(chosen.industries)}: {', '.join(empty)}."
        )
    origin = [str(getattr(links, name, "")) for name in ("country", "source")]
    if any(origin):
        lines.append(f"Input-output table: {', '.join(part for part in origin if part)}.")
    return [*lines, "Synthetic data."] if synthetic or any_synthetic([links]) else lines

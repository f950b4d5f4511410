"""What a linkage regressor is made of, row by row: exposure shares and industry shocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from spillover._industries import is_label
from spillover.errors import SchemaError, preview, rows
from spillover.linkage.operators import MEASURES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from spillover.linkage.carried import CarriedLinkages
    from spillover.linkage.result import Linkages
    from spillover.panel.estimated import Estimated, FrameKeys, Key

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

_CALL = re.compile(r"^(lag|lead|diff)\((\w+), (\d+)\)$")
TIES = 1e-9
"""Difference between a column and what its shares and shocks give, relative to its spread, that is
rounding."""


class Part(NamedTuple):
    """A linkage regressor's column and what was done to it."""

    column: str
    lag: int
    difference: int
    factor: str


def read_term(term: str, columns: Mapping[str, CarriedLinkages]) -> Part | None:
    """Tell from a term's name whether it is a linkage measure, and what was done to it.

    Parameters
    ----------
    term : str
        ``backward``, ``lag(backward, 1)``, ``diff(backward, 3)``, ``backward:size``.
    columns : mapping
        Column -> the linkages it was made from.

    Returns
    -------
    Part or None
        None if no factor, or more than one, is a linkage measure.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> columns = {"backward": SimpleNamespace(measure="backward")}
    >>> read_term("lag(backward, 2):size", columns)
    Part(column='backward', lag=2, difference=0, factor='size')
    >>> read_term("size", columns) is None
    True
    """
    found, others = [], []
    for factor in term.split(":"):
        call = _CALL.match(factor)
        name = call[2] if call else factor
        if name in columns and columns[name].measure in MEASURES:
            years = int(call[3]) if call else 0
            kind = call[1] if call else ""
            lag = {"lag": years, "lead": -years}.get(kind, 0)
            found.append((name, lag, years if kind == "diff" else 0))
        else:
            others.append(factor)
    if len(found) != 1:
        return None
    return Part(*found[0], ":".join(others))


@dataclass(frozen=True, eq=False)
class Layout:
    """The grid of a set of linkages and where each row of the regression stands on it.

    Attributes
    ----------
    links : Linkages
    place : (n,) array
        Row -> flat index of (sector, region, year).
    home : (n,) array
        Row -> sector.
    totals : (sectors, regions, years) array
        Weight of the rows in each cell.
    by_region : bool
        Whether period effects are those of region-years.
    """

    links: Linkages
    place: Codes
    home: Codes
    totals: Matrix
    by_region: bool

    @classmethod
    def of(cls, links: Linkages, estimated: Estimated) -> Layout:
        """Find each row's place.

        Parameters
        ----------
        links : Linkages
        estimated : Estimated

        Raises
        ------
        SchemaError
            If rows have no industry, region or year that the linkages know.
        """
        keys, axes = estimated.frame_keys, links.axes
        _, regions, years = axes.shape
        home = _positions(_key(keys, "industry"), list(axes.sectors), "industry")
        year = _positions(_key(keys, "year"), axes.years.tolist(), "year")
        region = np.zeros(len(home), dtype=np.intp)
        if regions > 1 or axes.regions != ("",):
            region = _positions(_key(keys, "region"), list(axes.regions), "region")
        place = (home * regions + region) * years + year
        sums = np.bincount(place, estimated.design.weights, int(np.prod(axes.shape)))
        absorbed = [set(name.split("^")) for name in estimated.design.effects]
        return cls(
            links,
            np.asarray(place, dtype=np.intp),
            home,
            sums.reshape(axes.shape).astype(np.float64),
            any({"region", "year"} <= names for names in absorbed),
        )

    def sums(self, values: Matrix) -> Matrix:
        """Sum a column by cell: (n,) -> (sectors, regions, years)."""
        shape = self.links.axes.shape
        summed = np.bincount(self.place, values, int(np.prod(shape))).astype(np.float64)
        return summed.reshape(shape)


def _key(keys: FrameKeys, name: str) -> Key:
    key: Key | None = getattr(keys, name, None)
    if key is None:
        raise SchemaError(f"Exposure-robust inference needs the data's column {name!r}.")
    return key


def _positions(key: Key, names: list[object], what: str) -> Codes:
    """Return where each row's value stands among ``names``; text and whole numbers are alike."""
    index = pd.Index([_text(name) for name in names])
    found = index.get_indexer(pd.Index([_text(value) for value in key.uniques]))
    result = np.append(found, -1)[key.codes]
    if (result < 0).any():
        unknown = [u for u, at in zip(key.uniques, found, strict=True) if at < 0]
        lost = (
            f"{what}: {rows(int((result < 0).sum()))} of the regression are not on the linkages' "
            f"axes ({preview(unknown) or 'missing'})."
        )
        if any(is_label(str(one), {str(name) for name in names}) for one in unknown):
            lost += (
                " They stand for several sectors, which exposure-robust inference does not take: "
                "recode with several='largest', or leave them out by sample=."
            )
        raise SchemaError(lost)
    return np.asarray(result, dtype=np.intp)


def _text(value: object) -> str:
    number = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value)) if number else str(value)  # type: ignore[call-overload]


@dataclass(frozen=True, eq=False)
class Exposure:
    """One linkage regressor: shares (who is exposed to whom) and shocks (presence over time).

    Attributes
    ----------
    term, measure : str
    layout : Layout
    operators : (distinct, sectors, sectors) array
        Rows the measured industries, columns those whose presence counts.
    index : (years,) array
        Which operator holds in each year; -1 where there is none.
    shocks : (sectors, regions, years) array
        Presence, 0 where it is not observed.
    observed : (sectors, regions, years) bool array
    factor : (n,) array or None
        What the measure is multiplied by in an interaction.
    """

    term: str
    measure: str
    layout: Layout
    operators: Matrix
    index: Codes
    shocks: Matrix
    observed: NDArray[np.bool_]
    factor: Matrix | None = None

    @classmethod
    def of(
        cls, term: str, part: Part, tag: CarriedLinkages, layout: Layout, factor: Matrix | None
    ) -> Exposure:
        """Take shares and shocks out of the linkages that a column carries."""
        links = tag.linkages
        value = links.fields[MEASURES[tag.measure].kind].value
        index = links.vintages.index
        if part.lag:
            value, index = _moved(value, links, part.lag), _moved_index(index, links, part.lag)
        if part.difference:
            value = value - _moved(value, links, part.difference)
        return cls(
            term,
            tag.measure,
            layout,
            links.operators[tag.measure],
            index,
            np.nan_to_num(value),
            np.isfinite(value),
            factor,
        )

    def spread(self, shocks: Matrix) -> Matrix:
        """Return what shocks (sectors, regions, years) make of the measure, cell by cell."""
        result = np.zeros_like(shocks)
        for number, matrix in enumerate(self.operators):
            years = self.index == number
            result[..., years] = np.tensordot(matrix, shocks[..., years], axes=1)
        return result

    def collect(self, sums: Matrix) -> Matrix:
        """Return R: sums by cell, added up over the cells exposed to each shock."""
        result = np.zeros_like(sums)
        for number, matrix in enumerate(self.operators):
            years = self.index == number
            result[..., years] = np.tensordot(matrix.T, sums[..., years], axes=1)
        return result

    def residualise(self, shocks: Matrix) -> Matrix:
        """Take the exposure-weighted mean of each period out of observed shocks.

        The period is the year, or the region-year where those effects are absorbed.
        """
        total = self.collect(self.layout.totals) * self.observed
        axes = (0,) if self.layout.by_region else (0, 1)
        weight = total.sum(axis=axes, keepdims=True)
        mean = (total * shocks).sum(axis=axes, keepdims=True)
        mean = np.divide(mean, weight, out=np.zeros_like(mean), where=weight > 0)
        return np.where(self.observed, shocks - mean, 0.0)

    @property
    def exposure_weights(self) -> Matrix:
        """Share of each shock cluster in total exposure (sectors,), adding up to 1."""
        total = (self.collect(self.layout.totals) * self.observed).sum(axis=(1, 2))
        weights: Matrix = total / total.sum()
        return weights

    def rows(self, cells: Matrix) -> Matrix:
        """Give every row its cell's value, times the factor."""
        values: Matrix = cells.ravel()[self.layout.place]
        return values if self.factor is None else values * self.factor

    def cell_sums(self, values: Matrix) -> Matrix:
        """Sum (n,) values, times the factor, by cell."""
        return self.layout.sums(values if self.factor is None else values * self.factor)


def _moved(value: Matrix, links: Linkages, years: int) -> Matrix:
    """Return presence as it was ``years`` earlier; missing outside the panel."""
    source = pd.Index(links.axes.years).get_indexer(pd.Index(links.axes.years - years))
    result: Matrix = np.where(source >= 0, value[..., source], np.nan)
    return result


def _moved_index(index: Codes, links: Linkages, years: int) -> Codes:
    source = pd.Index(links.axes.years).get_indexer(pd.Index(links.axes.years - years))
    return np.where(source >= 0, index[source], -1)


def find_exposures(
    estimated: Estimated, tags: Mapping[str, CarriedLinkages], difference: int = 0
) -> dict[int, Exposure]:
    """Find the linkage regressors of a regression.

    Parameters
    ----------
    estimated : Estimated
    tags : mapping of str to CarriedLinkages
        Column -> the linkages it was made from.
    difference : int
        Years over which all variables were differenced, 0 for levels.

    Returns
    -------
    mapping of int to Exposure
        Position among ``design.terms`` -> the regressor.
    """
    layouts: dict[int, Layout] = {}
    found = {}
    for j, term in enumerate(estimated.design.terms):
        part = read_term(term, tags)
        if part is None:
            continue
        if difference:
            part = part._replace(difference=part.difference or difference)
        tag = tags[part.column]
        key = id(tag.linkages)
        if key not in layouts:
            layouts[key] = Layout.of(tag.linkages, estimated)
        plain = Exposure.of(term, part, tag, layouts[key], None)
        if part.factor:
            factor = _factor(plain, estimated.design.X[:, j])
            plain = Exposure.of(term, part, tag, layouts[key], factor)
        found[j] = plain
    return found


def _factor(plain: Exposure, column: Matrix) -> Matrix:
    """Divide an interaction by its measure; where that is zero so is the interaction."""
    measure = plain.rows(plain.spread(plain.shocks))
    factor = np.zeros_like(column)
    np.divide(column, measure, out=factor, where=measure != 0)
    return factor

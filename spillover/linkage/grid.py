"""Presence on a (sectors, regions, years) grid: missing cells, lags, stocks, regions, sourcing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, preview
from spillover.linkage.definition import OWNERS, LinkageDefinition
from spillover.linkage.presence import Cells, Presence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.linkage.operators import Kind

    Array = NDArray[np.float64]
    Places = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True)
class Axes:
    """What the axes of every presence array stand for.

    Attributes
    ----------
    sectors, regions : tuple of str
        One region, "", if presence is national.
    years : (years,) array of int
    """

    sectors: tuple[str, ...]
    regions: tuple[str, ...]
    years: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(sectors, regions, years)."""
        return len(self.sectors), len(self.regions), len(self.years)

    def places(self, cells: pd.DataFrame) -> Places:
        """Return where each cell stands: its sector, region and year."""
        row = pd.Index(self.sectors).get_indexer(pd.Index(cells["industry"]))
        region = (
            pd.Index(self.regions).get_indexer(pd.Index(cells["region"]))
            if "region" in cells
            else np.zeros(len(cells), dtype=np.intp)
        )
        return row, region, np.searchsorted(self.years, cells["year"].to_numpy())

    def spread(self, values: NDArray[Any], places: Places) -> Array:
        """Lay a column of cells out on the grid, zero where there is no cell."""
        grid = np.zeros(self.shape)
        grid[places] = values
        return grid


@dataclass(frozen=True)
class Grid:
    """The cells and where they stand on the axes.

    Attributes
    ----------
    cells : Cells
        Of the nation or of regions.
    axes : Axes
    places : tuple of (cells,) arrays of int
        As from :meth:`Axes.places`.
    """

    cells: Cells
    axes: Axes
    places: Places

    @classmethod
    def of(cls, cells: Cells, sectors: tuple[str, ...], *, regional: bool) -> Grid:
        """Find the axes of the cells.

        Parameters
        ----------
        cells : Cells
        sectors : tuple of str
            Of the table.
        regional : bool

        Returns
        -------
        Grid

        Raises
        ------
        SchemaError
            If no firm has a region.
        """
        years = np.sort(cells.keys["year"].unique())
        cells = cells.scoped(regional=regional)
        keys = cells.keys
        if len(keys) == 0:
            raise SchemaError("Presence by region needs the column 'region'; it is empty.")
        regions = tuple(sorted(keys["region"].unique())) if regional else ("",)
        axes = Axes(sectors, regions, years)
        return cls(cells, axes, axes.places(keys))

    @cached_property
    def keys(self) -> dict[str, Any]:
        """Industry, (region,) year of every place on the axes."""
        sectors, regions, years = self.axes.shape
        names = pd.Index(self.axes.sectors, dtype=self.cells.keys["industry"].dtype)
        keys: dict[str, Any] = {"industry": names.repeat(regions * years).array}
        if self.axes.regions != ("",):
            codes = np.array(self.axes.regions, dtype=object)
            keys["region"] = np.tile(np.repeat(codes, years), sectors)
        keys["year"] = np.tile(self.axes.years, sectors * regions)
        return keys

    def field(self, presence: Presence, region_weights: Array | None) -> Field:
        """Divide the sums of one presence, by region after weighting them."""
        sums = self.cells.of(presence)
        foreign, total, firms = (
            self.axes.spread(sums[name], self.places) for name in ("foreign", "total", "firms")
        )
        if region_weights is not None:
            foreign, total, firms = (
                np.einsum("rs,jst->jrt", weights, grid)
                for weights, grid in (
                    (region_weights, foreign),
                    (region_weights, total),
                    (region_weights > 0, firms),
                )
            )
        value = np.full(self.axes.shape, np.nan)
        np.divide(foreign, total, out=value, where=(firms > 0) & (total > 0))
        return Field(value, firms)


@dataclass(frozen=True)
class Field:
    """Presence of one kind.

    Attributes
    ----------
    value : (sectors, regions, years) array
        NaN where it is not observed.
    firms : (sectors, regions, years) array
    """

    value: Array
    firms: Array

    @property
    def observed(self) -> Array:
        """1 where presence is known, else 0."""
        return np.isfinite(self.value).astype(float)


def build_fields(
    grid: Grid,
    definition: LinkageDefinition,
    region_weights: Array | None,
    external: pd.DataFrame | None,
) -> dict[Kind, Field]:
    """Divide sums into presence and apply what the definition does to it.

    Parameters
    ----------
    grid : Grid
    definition : LinkageDefinition
    region_weights : (regions, regions) array or None
    external : pandas.DataFrame or None
        industry, (year,) horizontal.

    Returns
    -------
    mapping
        "plain", "sourced" and "net" presence.
    """
    axes = grid.axes
    plain = grid.field(Presence.of(definition), region_weights)
    net = grid.field(Presence.of(definition, net=True), region_weights)
    if definition.unobserved == "external" and external is not None:
        known = _external(external, axes)
        plain, net = (
            Field(np.where(np.isfinite(f.value), f.value, known), f.firms) for f in (plain, net)
        )
    sourced = _sourced(grid, definition, region_weights, plain)
    fields: dict[Kind, Field] = {"plain": plain, "sourced": sourced, "net": net}
    return {
        kind: Field(over_time(field.value, axes.years, definition), field.firms)
        for kind, field in fields.items()
    }


def _external(external: pd.DataFrame, axes: Axes) -> Array:
    if not isinstance(external, pd.DataFrame):
        raise SchemaError(
            f"external is a {type(external).__name__}; give a pandas frame of industry, horizontal."
        )
    for name in ("industry", "horizontal"):
        if name not in external.columns:
            raise SchemaError(f"external= needs the column {name!r} (and year, if it varies).")
    unknown = sorted(set(external["industry"].astype(str)) - set(axes.sectors))
    if unknown:
        raise SchemaError(f"external= names {preview(unknown)}, which are no sectors of the table.")
    value = external["horizontal"].to_numpy(dtype=float)
    if ((value < 0) | (value > 1)).any():
        raise SchemaError("external= holds presence outside 0 to 1; presence is a share.")
    keys = ["industry", "year"] if "year" in external.columns else ["industry"]
    if external.duplicated(keys).any():
        twice = external.loc[external.duplicated(keys), "industry"].astype(str)
        raise SchemaError(f"external= holds {preview(twice.unique())} more than once.")
    result = np.full(axes.shape, np.nan)
    row = pd.Index(axes.sectors).get_indexer(pd.Index(external["industry"].astype(str)))
    if "year" not in external.columns:
        result[row] = value[:, None, None]
        return result
    column = pd.Index(axes.years).get_indexer(pd.Index(external["year"]))
    inside = column >= 0
    result[row[inside], :, column[inside]] = value[inside, None]
    return result


def over_time(value: Array, years: NDArray[np.int64], definition: LinkageDefinition) -> Array:
    """Accumulate and lag presence along the last axis, as the definition says.

    Examples
    --------
    >>> over_time(np.array([0.5, 0.5]), np.array([2000, 2001]), LinkageDefinition(stock=0, lag=1))
    array([nan, 0.5])
    """
    if definition.stock is not None:
        value = accumulate(value, years, definition.stock)
    return lagged(value, years, definition.lag) if definition.lag else value


def accumulate(value: Array, years: NDArray[np.int64], depreciation: float) -> Array:
    """Return K_t = H_t + (1 - d) K_{t-1} along the last axis, missing from a gap on.

    Examples
    --------
    >>> accumulate(np.array([0.5, 0.5, 0.5]), np.array([2000, 2001, 2002]), 0.1)
    array([0.5  , 0.95 , 1.355])
    """
    stock = np.array(value)
    for t in range(1, len(years)):
        before = stock[..., t - 1] if years[t] == years[t - 1] + 1 else np.nan
        stock[..., t] = value[..., t] + (1 - depreciation) * before
    return stock


def lagged(value: Array, years: NDArray[np.int64], lag: int) -> Array:
    """Return the values of ``lag`` calendar years before, along the last axis.

    Examples
    --------
    >>> lagged(np.array([0.1, 0.2, 0.3]), np.array([2000, 2001, 2003]), 1)
    array([nan, 0.1, nan])
    """
    source = pd.Index(years).get_indexer(pd.Index(years - lag))
    result: Array = np.where(source >= 0, value[..., source], np.nan)
    return result


def _sourced(
    grid: Grid, definition: LinkageDefinition, region_weights: Array | None, plain: Field
) -> Field:
    """Scale presence by the part of purchases that foreign firms really make at home.

    External presence has no owners: the part of all owners holds for it.
    """
    sourcing, axes = definition.local_sourcing, grid.axes

    def parts(owner: str) -> Array:
        return np.array([sourcing.of_owner(code, owner) for code in axes.sectors])[:, None, None]

    whole = plain.value * parts("all")
    if not sourcing.by_owner:
        return Field(whole, plain.firms)
    fields = {
        name: grid.field(Presence.of(definition, owner=group), region_weights)
        for name, group in OWNERS.items()
    }
    value = sum((parts(name) * field.value for name, field in fields.items()), np.zeros(axes.shape))
    return Field(np.where(np.isfinite(value), value, whole), plain.firms)

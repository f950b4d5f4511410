"""Foreign presence by industry and year: one pass over the firms for all definitions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from spillover._frames import collect
from spillover._industries import Split, spread
from spillover.errors import SchemaError, did_you_mean
from spillover.linkage.groups import ENTRY_AGE, FirmGroup, with_entry_age

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from spillover.linkage.definition import LinkageDefinition

CELL = ("industry", "year")
REGIONAL = ("industry", "region", "year")
SQUARED = "output_squared"
NOWHERE = ""
"""The region of the rows without one; they count in no region, but in the nation."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Which sums a presence needs: the weight, and which firms are foreign how much.

    Attributes
    ----------
    weight : str
        Column, or "none".
    threshold : float or None
    groups : tuple of FirmGroup
        All of them must hold for a firm to count as foreign.
    net : bool
        Take exports off the weight.
    """

    weight: str
    threshold: float | None
    groups: tuple[FirmGroup, ...]
    net: bool

    @classmethod
    def of(
        cls, definition: LinkageDefinition, *, net: bool = False, owner: FirmGroup | None = None
    ) -> Presence:
        """Return what a definition asks for.

        Parameters
        ----------
        definition : LinkageDefinition
        net : bool
            Net of exports, if the definition nets them.
        owner : FirmGroup, optional
            A degree of ownership to restrict it to.

        Returns
        -------
        Presence
        """
        groups = tuple(group for group in (definition.foreign, owner) if group is not None)
        net = net and definition.nets_exports
        return cls(definition.weight, definition.threshold, groups, net)

    @property
    def columns(self) -> list[str]:
        """The panel's columns that it needs.

        Returns
        -------
        list of str
        """
        names = ["foreign_share"]
        names += [] if self.weight == "none" else [self.weight]
        names += ["exports"] if self.net else []
        return [*names, *(group.column for group in self.groups)]

    def weighting(self) -> nw.Expr:
        """Return a firm's weight, missing where it or the foreign share is missing."""
        share = nw.col("foreign_share")
        if self.weight == "none":
            return share * 0.0 + 1.0
        weight = nw.when(~share.is_null()).then(nw.col(self.weight))
        return weight - nw.col("exports") if self.net else weight

    def foreignness(self) -> nw.Expr:
        """Return how foreign a firm counts: FS or 1[FS >= threshold], 0 outside the groups."""
        share = nw.col("foreign_share")
        foreign = share if self.threshold is None else (share >= self.threshold).cast(nw.Float64)
        if not self.groups:
            return foreign
        return nw.when(self._inside()).then(foreign).otherwise(share * 0.0)

    def unknown(self) -> nw.Expr:
        """Return whether a foreign firm counts, but its membership in the groups is not known."""
        share = nw.col("foreign_share")
        foreign = share > 0 if self.threshold is None else share >= self.threshold
        unknown = self.groups[0].unknown()
        for group in self.groups[1:]:
            unknown = unknown | group.unknown()
        return foreign & ~self.weighting().is_null() & unknown

    def _inside(self) -> nw.Expr:
        inside = self.groups[0].member()
        for group in self.groups[1:]:
            inside = inside & group.member()
        return inside


@dataclass(frozen=True)
class Cells:
    """The sums over firms, by industry and year (and region).

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per cell, sorted; the keys, ``rows``, and the sums.
    numbers : mapping of Presence to int
        Which numerator belongs to which presence.
    weights : mapping of (weight, net) to int
        Which denominator belongs to which weight.
    """

    frame: pd.DataFrame
    numbers: dict[Presence, int]
    weights: dict[tuple[str, bool], int]

    @cached_property
    def keys(self) -> pd.DataFrame:
        """Industry, (region,) year of the cells."""
        return self.frame[[name for name in REGIONAL if name in self.frame.columns]]

    @property
    def nowhere(self) -> int:
        """Firm-years without a region, where regions were asked for."""
        if "region" not in self.frame.columns:
            return 0
        return round(float(self.frame.loc[self.frame["region"] == NOWHERE, "rows"].sum()))

    def by_sector(self, split: Split) -> Cells:
        """Return the cells of sectors: each split industry's sums times its sectors' weights.

        The weights depend on the industry alone, so that the sums over firms are those of firms
        that stand in each sector with their part. Counts of firms become sums of parts.

        Parameters
        ----------
        split : mapping of str to Shares

        Returns
        -------
        Cells
        """
        sums = [str(name) for name in self.frame if name not in REGIONAL]
        powers = {name: 2 if name == SQUARED else 1 for name in sums}
        frame = spread(self.frame, split, powers)
        if frame is self.frame:
            return self
        return replace(self, frame=frame.groupby(list(self.keys), as_index=False).sum())

    def scoped(self, *, regional: bool) -> Cells:
        """Return the cells of regions (without :data:`NOWHERE`), or sums over all regions.

        Parameters
        ----------
        regional : bool

        Returns
        -------
        Cells
        """
        if "region" not in self.frame.columns:
            return self
        if regional:
            frame = self.frame[self.frame["region"] != NOWHERE].reset_index(drop=True)
        else:
            frame = self.frame.drop(columns="region").groupby(list(CELL), as_index=False).sum()
        return replace(self, frame=frame)

    def of(self, presence: Presence) -> dict[str, NDArray[Any]]:
        """Return the sums of one presence.

        Parameters
        ----------
        presence : Presence

        Returns
        -------
        mapping of str to (cells,) array
            rows, firms (with a weight), foreign, total (numerator and denominator of presence),
            unknown (foreign firms of unknown group).
        """
        weight, number = self.weights[presence.weight, presence.net], self.numbers[presence]
        columns = {
            "rows": "rows",
            "firms": f"firms{weight}",
            "foreign": f"foreign{number}",
            "total": f"total{weight}",
        }
        sums = {name: self._arrays[column] for name, column in columns.items()}
        nothing = np.zeros(len(self.frame), dtype=np.int64)
        return sums | {"unknown": self._arrays.get(f"unknown{number}", nothing)}

    @cached_property
    def _arrays(self) -> dict[str, NDArray[Any]]:
        """The sums without pandas: many definitions look them up."""
        return {
            str(name): self.frame[name].to_numpy() for name in self.frame if name not in REGIONAL
        }


def check_columns(columns: Sequence[str], presences: Iterable[Presence], *, regional: bool) -> None:
    """Raise unless the panel has what the presences need.

    Parameters
    ----------
    columns : sequence of str
        The panel's columns.
    presences : iterable of Presence
    regional : bool

    Raises
    ------
    SchemaError
    """
    if regional and "region" not in columns:
        raise SchemaError("Presence by region needs the column 'region', which the panel lacks.")
    for presence in presences:
        if presence.net and "exports" not in columns:
            raise SchemaError(
                "Forward counts output net of exports (Javorcik 2004), but the panel has no column "
                "'exports'. Map it in read_firms(columns={'exports': ...}), or choose "
                "LinkageDefinition(forward_exports='gross')."
            )
        for name in presence.columns:
            if name not in columns and name != ENTRY_AGE:
                raise SchemaError(
                    f"The definition needs the column {name!r}, which the panel lacks."
                    f"{did_you_mean(name, columns)}"
                )


def sum_cells(
    rows: nw.LazyFrame[Any], presences: Iterable[Presence], *, regional: bool, controls: bool
) -> Cells:
    """Sum foreign and total weight by industry and year, for all presences in one pass.

    Parameters
    ----------
    rows : narwhals.LazyFrame
        A checked firm panel with canonical names.
    presences : iterable of Presence
    regional : bool
        By region as well; rows without a region stand in the region "".
    controls : bool
        Sum output and its square too.

    Returns
    -------
    Cells
    """
    numbers = {presence: number for number, presence in enumerate(dict.fromkeys(presences))}
    weights = {key: n for n, key in enumerate(dict.fromkeys((p.weight, p.net) for p in numbers))}
    keys = REGIONAL if regional else CELL
    if regional:
        rows = rows.with_columns(_region_text(rows))
    sums = collect(
        _denominators(rows, keys, numbers, weights, controls=controls)
        .join(_numerators(rows, keys, numbers), on=list(keys), how="left")
        .sort(*keys)
    )
    parts = [name for name in sums.columns if name.startswith(("foreign", "unknown"))]
    nothing = nw.col(*parts).cast(nw.Float64).fill_null(0.0)  # cells without foreign firms
    totals = nw.col(*(f"total{number}" for number in weights.values())).cast(nw.Float64)
    sums = sums.with_columns(nothing, totals)
    # by way of lists, so that types do not depend on the library the firms came in
    frame = pd.DataFrame({name: sums[name].to_list() for name in sums.columns})
    counted = {name: np.int64 for name in parts if name.startswith("unknown")}
    return Cells(frame.astype(counted), numbers, weights)


def _region_text(rows: nw.LazyFrame[Any]) -> nw.Expr:
    """Regions as text, as :func:`spillover.attach` compares them: 15.0 is "15"."""
    region = nw.col("region")
    if rows.collect_schema()["region"].is_float():
        region = region.fill_nan(None).cast(nw.Int64)
    return region.cast(nw.String).fill_null(NOWHERE)


def _denominators(
    rows: nw.LazyFrame[Any],
    keys: Sequence[str],
    numbers: dict[Presence, int],
    weights: dict[tuple[str, bool], int],
    *,
    controls: bool,
) -> nw.LazyFrame[Any]:
    """Sum every weight over all firms."""
    values = {f"total{weights[p.weight, p.net]}": p.weighting() for p in numbers}
    totals = {name: nw.col(name).sum() for name in values}
    for (weight, _), number in weights.items():
        if weight == "none":  # a sum of ones is a count
            values[f"total{number}"] = nw.col("foreign_share")
            totals[f"total{number}"] = nw.col(f"total{number}").count()
    counted = {f"firms{number}": f"total{number}" for number in weights.values()}
    if controls:
        values |= {"output": nw.col("output"), SQUARED: nw.col("output") ** 2}
        totals |= {name: nw.col(name).sum() for name in ("output", SQUARED)}
    return (
        rows.select(*keys, **values)
        .group_by(*keys)
        .agg(
            nw.len().alias("rows"),
            *(nw.col(column).count().alias(name) for name, column in counted.items()),
            *(total.alias(name) for name, total in totals.items()),
        )
    )


def _numerators(
    rows: nw.LazyFrame[Any], keys: Sequence[str], numbers: dict[Presence, int]
) -> nw.LazyFrame[Any]:
    """Sum foreign weights over the foreign firms, the few that can add to them."""
    foreign = with_entry_age(
        rows.filter(nw.col("foreign_share") > 0), [group for p in numbers for group in p.groups]
    )
    weights = {key: f"w{n}" for n, key in enumerate({(p.weight, p.net): p for p in numbers})}
    shares = {key: f"s{n}" for n, key in enumerate({(p.threshold, p.groups): p for p in numbers})}
    pieces: dict[str, nw.Expr] = {}  # what presences share is computed once
    sums: dict[str, nw.Expr] = {}
    for presence, number in numbers.items():
        weight = weights[presence.weight, presence.net]
        share = shares[presence.threshold, presence.groups]
        pieces |= {weight: presence.weighting(), share: presence.foreignness()}
        sums[f"foreign{number}"] = nw.col(share) * nw.col(weight)
        if any(group.column != "foreign_share" for group in presence.groups):
            pieces[f"unknown{number}"] = presence.unknown().cast(nw.Int64)
            sums[f"unknown{number}"] = nw.col(f"unknown{number}")
    return (
        foreign.select(*keys, **pieces)
        .select(*keys, **sums)
        .group_by(*keys)
        .agg(*(nw.col(name).sum() for name in sums))
    )

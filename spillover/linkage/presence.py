"""Foreign presence by industry and year: one pass over the firms for all definitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pandas as pd

from spillover._frames import collect
from spillover.errors import SchemaError, did_you_mean
from spillover.linkage.groups import ENTRY_AGE, FirmGroup, with_entry_age

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from spillover.linkage.definition import LinkageDefinition

CELL = ("industry", "year")
REGIONAL = ("industry", "region", "year")


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
        """Return whether a foreign firm's membership in the groups is not known."""
        return (nw.col("foreign_share") > 0) & self._inside().is_null()

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

    def of(self, presence: Presence, *, regional: bool = False) -> pd.DataFrame:
        """Return the sums of one presence.

        Parameters
        ----------
        presence : Presence
        regional : bool
            By region, or summed over regions.

        Returns
        -------
        pandas.DataFrame
            industry, (region,) year, rows, firms (with a weight), foreign, total (numerator and
            denominator of presence), unknown (foreign firms of unknown group).
        """
        names = {
            f"firms{self.weights[presence.weight, presence.net]}": "firms",
            f"total{self.weights[presence.weight, presence.net]}": "total",
            f"foreign{self.numbers[presence]}": "foreign",
        }
        keys = list(REGIONAL if "region" in self.frame.columns else CELL)
        table = self.frame[[*keys, "rows", *names]].rename(columns=names)
        unknown = self.frame.get(f"unknown{self.numbers[presence]}", 0)
        table = table.assign(unknown=unknown)
        if regional or "region" not in table.columns:
            return table
        return table.drop(columns="region").groupby(list(CELL), as_index=False).sum()


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
        By region as well; then rows without a region are left out.
    controls : bool
        Sum output and its square too.

    Returns
    -------
    Cells
    """
    numbers = {presence: number for number, presence in enumerate(dict.fromkeys(presences))}
    weights = {key: n for n, key in enumerate(dict.fromkeys((p.weight, p.net) for p in numbers))}
    keys = REGIONAL if regional else CELL
    rows = with_entry_age(rows, [group for p in numbers for group in p.groups])
    if regional:
        rows = rows.filter(~nw.col("region").is_null())
    values: dict[str, nw.Expr] = {}
    for presence, number in numbers.items():
        weight = presence.weighting()
        values[f"total{weights[presence.weight, presence.net]}"] = weight
        values[f"foreign{number}"] = presence.foreignness() * weight
        if presence.groups:
            values[f"unknown{number}"] = presence.unknown().cast(nw.Int64)
    if controls:
        values |= {"output": nw.col("output"), "output_squared": nw.col("output") ** 2}
    counted = {f"firms{number}": f"total{number}" for number in weights.values()}
    sums = collect(
        rows.select(*keys, **values)
        .group_by(*keys)
        .agg(
            nw.len().alias("rows"),
            *(nw.col(column).count().alias(name) for name, column in counted.items()),
            *(nw.col(name).sum() for name in values),
        )
    ).sort(*keys)
    # by way of lists, so that types do not depend on the library the firms came in
    frame = pd.DataFrame({name: sums[name].to_list() for name in sums.columns})
    return Cells(frame, numbers, weights)

"""The measures as matrices: what each industry's presence weighs in another industry's measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from spillover.errors import SchemaError, preview

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.iotables import IOTable
    from spillover.linkage.definition import LinkageDefinition

    Matrix = NDArray[np.float64]

Kind = Literal["plain", "sourced", "net"]
"""Which presence a measure weighs: Horizontal; Horizontal times local sourcing; net of exports."""


@dataclass(frozen=True)
class Shares:
    """What one table says in one year; each matrix is (sectors, sectors).

    Attributes
    ----------
    A : array
        alpha: rows supply, columns use; the share of the row's sales.
    S : array
        sigma: rows buy, columns supply; the share of the row's inputs.
    allocation : array
        Z_jk / x_j, rows supply; under the own-sector rule. Empty unless it is needed.
    technical : array
        Z_jk / x_k, likewise.
    inputs : array
        Z_jk / x_k with the own sector, for demand. Empty unless it is needed.
    """

    A: Matrix
    S: Matrix
    allocation: Matrix
    technical: Matrix
    inputs: Matrix

    def mixed(self, other: Shares, weight: float) -> Shares:
        """Return (1 - weight) times these and weight times the other shares."""
        return Shares(
            *(
                (1 - weight) * getattr(self, name) + weight * getattr(other, name)
                for name in ("A", "S", "allocation", "technical", "inputs")
            )
        )


@dataclass(frozen=True)
class Measure:
    """One linkage measure.

    Attributes
    ----------
    operator : callable
        Shares -> matrix (sectors, sectors), rows the measured industries.
    kind : {"plain", "sourced", "net"}
        The presence it weighs.
    meaning : str
        In words, j the measured industry.
    source : str
    """

    operator: Callable[[Shares], Matrix]
    kind: Kind
    meaning: str
    source: str


def _chains(coefficients: Matrix) -> Matrix:
    """Sum c + c^2 + c^3 + ... = (I - c)^-1 - I."""
    identity = np.eye(len(coefficients))
    if np.abs(np.linalg.eigvals(coefficients)).max(initial=0.0) >= 1 - 1e-12:
        raise SchemaError(
            "Total linkages do not converge: some sectors sell (or buy) as intermediates all they "
            "make, or more. Check the table with io.balance()."
        )
    chains: Matrix = np.asarray(np.linalg.inv(identity - coefficients) - identity)
    return chains


MEASURES: Mapping[str, Measure] = {
    "horizontal": Measure(
        lambda s: np.eye(len(s.A)), "plain", "presence in j itself", "Javorcik (2004), II.B"
    ),
    "backward": Measure(
        lambda s: s.A, "sourced", "presence where j sells: A H", "Javorcik (2004), II.B"
    ),
    "forward": Measure(
        lambda s: s.S, "net", "presence where j buys: S HN", "Javorcik (2004), II.B"
    ),
    "supply_backward": Measure(
        lambda s: s.S @ s.A,
        "sourced",
        "j buys from industries that sell to foreign firms: S A H",
        "Merlevede & Schoors (2008)",
    ),
    "second_tier_backward": Measure(
        lambda s: s.A @ s.A,
        "sourced",
        "j sells to industries that sell to foreign firms: A A H",
        "supplier of a supplier",
    ),
    "total_backward": Measure(
        lambda s: _chains(s.allocation),
        "sourced",
        "presence along all chains of sales: ((I - Z/x_row)^-1 - I) H",
        "Ghosh inverse",
    ),
    "total_forward": Measure(
        lambda s: _chains(s.technical).T,
        "net",
        "presence along all chains of inputs: ((I - Z/x_column)^-1 - I)' HN",
        "Leontief inverse",
    ),
}
"""Every linkage measure by name."""


@dataclass(frozen=True)
class Vintages:
    """The shares that hold in each year.

    Attributes
    ----------
    shares : tuple of Shares
        The distinct ones.
    index : (years,) array of int
        Which of them holds in each year of the panel.
    labels : tuple of str
        Where each comes from.
    """

    shares: tuple[Shares, ...]
    index: NDArray[np.intp]
    labels: tuple[str, ...]

    def operator(self, name: str) -> Matrix:
        """Return a measure's matrices, (distinct, sectors, sectors)."""
        return np.stack([MEASURES[name].operator(shares) for shares in self.shares])


def read_shares(io: IOTable, definition: LinkageDefinition, needed: Collection[str]) -> Shares:
    """Take the definition's shares out of a table.

    Parameters
    ----------
    io : IOTable
    definition : LinkageDefinition
    needed : collection of str
        Measures and controls; those that divide by output need all of it to be positive.

    Returns
    -------
    Shares
    """
    flows, own = definition.flows, definition.own_sector
    A = io.supply_shares(flows=flows, denominator=definition.denominator, own_sector=own)
    S = io.input_shares(flows=flows, own_sector=own)
    allocation = inputs = np.empty((0, 0))
    if "total_backward" in needed:
        allocation = io.allocation_coefficients(flows=flows).to_numpy()
    if {"total_forward", "demand"} & {*needed}:
        inputs = io.technical_coefficients(flows=flows).to_numpy()
    return Shares(
        A.to_numpy(), S.to_numpy(), _own_rule(allocation, own), _own_rule(inputs, own), inputs
    )


def _own_rule(coefficients: Matrix, own: str) -> Matrix:
    diagonal = np.eye(len(coefficients), dtype=bool)
    if own == "include":
        return coefficients
    return np.where(diagonal if own == "only" else ~diagonal, coefficients, 0.0)


def choose_vintages(
    tables: Sequence[IOTable],
    years: NDArray[np.int64],
    definition: LinkageDefinition,
    needed: Collection[str] = (),
) -> Vintages:
    """Settle which shares hold in which year.

    Parameters
    ----------
    tables : sequence of IOTable
        One table, for all years; or several with distinct years, sorted.
    years : (years,) array
        Of the panel.
    definition : LinkageDefinition
    needed : collection of str
        See :func:`read_shares`.

    Returns
    -------
    Vintages

    Raises
    ------
    SchemaError
        With ``vintage="exact"``, if years have no table.
    """
    shares = [read_shares(table, definition, needed) for table in tables]
    names = tuple(str(table.year) for table in tables)
    if len(tables) == 1:
        return Vintages((shares[0],), np.zeros(len(years), dtype=np.intp), names)
    dates = np.array([table.year for table in tables])
    right = np.searchsorted(dates, years).clip(0, len(dates) - 1)
    exact = dates[right] == years
    if definition.vintage == "exact" and not exact.all():
        raise SchemaError(
            f"No table for the years {preview(years[~exact].tolist())} (tables: "
            f"{preview(dates.tolist(), 12)}). Choose vintage='nearest' or 'interpolate'."
        )
    left = (right - ~exact).clip(0)
    if definition.vintage != "interpolate":
        nearer_left = years - dates[left] <= dates[right] - years
        nearest = np.where(exact | ~nearer_left, right, left)
        nearest = np.where(years > dates[-1], len(dates) - 1, nearest)
        return Vintages(tuple(shares), nearest.astype(np.intp), names)
    inside = (years > dates[left]) & (years < dates[right])
    weight = np.where(
        inside, (years - dates[left]) / np.maximum(dates[right] - dates[left], 1), 0.0
    )
    start = np.where(inside, left, np.where(years > dates[-1], len(dates) - 1, right))
    mixes = {(int(s), int(r), float(w)): None for s, r, w in zip(start, right, weight, strict=True)}
    order = {mix: number for number, mix in enumerate(mixes)}
    return Vintages(
        tuple(shares[s] if w == 0 else shares[s].mixed(shares[r], w) for s, r, w in mixes),
        np.array(
            [order[int(s), int(r), float(w)] for s, r, w in zip(start, right, weight, strict=True)],
            dtype=np.intp,
        ),
        tuple(names[s] if w == 0 else f"{names[s]}-{names[r]} at {w:.2f}" for s, r, w in mixes),
    )

"""The linkage measures as plain loops over firms and sectors, written from the formulas.

Javorcik (2004), section II, with i firm, j, k, m sectors, t year:

    Horizontal_jt = sum_{i in j} F_it w_it / sum_{i in j} w_it
    Backward_jt   = sum_{k != j} a_jk Horizontal_kt,  a_jk = Z_jk / d_j
    Forward_jt    = sum_{m != j} s_jm HN_mt,          s_jm = Z_mj / sum_m Z_mj
    HN_mt         = sum_{i in m} F_it (Y_it - X_it) / sum_{i in m} (Y_it - X_it)

Nothing here is taken from the package: no arrays, no data frames, one number at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

MISSING = None


@dataclass(frozen=True)
class FirmYear:
    """One row of a panel; None is a missing value."""

    firm: int
    year: int
    industry: str
    output: float | None
    foreign_share: float | None
    exports: float | None
    employment: float | None = None
    capital: float | None = None


@dataclass(frozen=True)
class Table:
    """An input-output table of nested lists, suppliers in rows."""

    sectors: list[str]
    domestic: list[list[float]]
    imported: list[list[float]]
    final_demand: list[float]
    exports: list[float]

    def flow(self, supplier: int, user: int, flows: str) -> float:
        home, abroad = self.domestic[supplier][user], self.imported[supplier][user]
        return {"domestic": home, "imported": abroad, "total": home + abroad}[flows]

    def gross_output(self, supplier: int) -> float:
        return fsum([*self.domestic[supplier], self.final_demand[supplier], self.exports[supplier]])


@dataclass(frozen=True)
class Row:
    """The measures of one sector and year."""

    horizontal: float | None
    backward: float | None
    forward: float | None
    backward_weight: float
    forward_weight: float
    firms: int


def foreignness(row: FirmYear, threshold: float | None) -> float | None:
    if row.foreign_share is None or threshold is None:
        return row.foreign_share
    return 1.0 if row.foreign_share >= threshold else 0.0


def weight(row: FirmYear, kind: str, net: bool) -> float | None:
    """Output, employment, capital or one per firm; output less exports if ``net``."""
    if kind == "none":
        return 1.0
    value = getattr(row, kind)
    if not net:
        return value
    return None if value is None or row.exports is None else value - row.exports


def presence(rows, sector, year, definition, *, net=False, without=None):
    """Return (foreign presence or None, number of firms that count)."""
    numerator, denominator = [], []
    for row in rows:
        if row.industry != sector or row.year != year or row is without:
            continue
        foreign = foreignness(row, definition.threshold)
        w = weight(row, definition.weight, net)
        if foreign is None or w is None:
            continue
        numerator.append(foreign * w)
        denominator.append(w)
    total = fsum(denominator)
    return (fsum(numerator) / total if total > 0 else None), len(denominator)


def _share(own_flow: float, others: list[float], rest: float, flow: float, j, k, own_sector):
    """Return the share of ``flow`` (from or to k); ``rest`` is what the denominator has besides."""
    if own_sector == "exclude_renormalised":
        denominator = fsum([*others, rest])
    else:
        denominator = fsum([own_flow, *others, rest])
    kept = {"include": True, "only": j == k}.get(own_sector, j != k)
    if not kept or flow == 0:
        return 0.0
    return flow / denominator


def alpha(table: Table, j: int, k: int, definition) -> float:
    """Share of j's sales that k buys."""
    n = range(len(table.sectors))
    flows = [table.flow(j, user, definition.flows) for user in n]
    others = [flows[user] for user in n if user != j]
    rest = 0.0
    if definition.denominator == "intermediate_and_final":
        rest = table.final_demand[j]
    elif definition.denominator == "output":
        rest = table.gross_output(j) - fsum(flows)
    return _share(flows[j], others, rest, flows[k], j, k, definition.own_sector)


def sigma(table: Table, j: int, m: int, definition) -> float:
    """Share of j's inputs that m sells."""
    n = range(len(table.sectors))
    flows = [table.flow(supplier, j, definition.flows) for supplier in n]
    others = [flows[supplier] for supplier in n if supplier != j]
    return _share(flows[j], others, 0.0, flows[m], j, m, definition.own_sector)


def _sum(shares, values, unobserved):
    """Return (weighted presence, weight of the observed)."""
    observed = fsum(s for s, value in zip(shares, values, strict=True) if value is not None)
    leans = any(s > 0 and value is None for s, value in zip(shares, values, strict=True))
    if leans and unobserved == "missing":
        return None, observed
    total = fsum(s * value for s, value in zip(shares, values, strict=True) if value is not None)
    return total, observed


def measures(rows: list[FirmYear], table: Table, definition) -> dict[tuple[str, int], Row]:
    """Return every measure of every sector of the table in every year of the panel."""
    n = range(len(table.sectors))
    result = {}
    for year in sorted({row.year for row in rows}):
        horizontal, firms, supplied = [], [], []
        for sector in table.sectors:
            value, count = presence(rows, sector, year, definition)
            horizontal.append(value)
            firms.append(count)
            net = definition.weight == "output" and definition.forward_exports == "net"
            supplied.append(presence(rows, sector, year, definition, net=net)[0])
        for j in n:
            a = [alpha(table, j, k, definition) for k in n]
            s = [sigma(table, j, m, definition) for m in n]
            backward, backward_weight = _sum(a, horizontal, definition.unobserved)
            forward, forward_weight = _sum(s, supplied, definition.unobserved)
            result[table.sectors[j], year] = Row(
                horizontal[j], backward, forward, backward_weight, forward_weight, firms[j]
            )
    return result


def leave_one_out(rows: list[FirmYear], definition) -> list[float | None]:
    """Return each firm-year's Horizontal without itself, in numerator and denominator."""
    return [presence(rows, row.industry, row.year, definition, without=row)[0] for row in rows]

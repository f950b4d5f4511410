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
from itertools import pairwise
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
    part = getattr(row, "part", 1.0)
    if kind == "none":
        return part
    value = getattr(row, kind)
    if value is None or (net and row.exports is None):
        return None
    return part * (value - row.exports if net else value)


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


# Every other option and measure. The cards: Merlevede & Schoors (2008) supply-backward and second
# tier; Merlevede et al. (2014) cohorts; Javorcik & Spatareanu (2008, 2011) ownership and origin;
# Blalock & Gertler (2008) regions, interpolated coefficients; Javorcik (2004) demand.


@dataclass(frozen=True)
class PlacedFirm(FirmYear):
    """A firm-year with its region and its owner's home."""

    region: str | None = None
    origin: str | None = None


@dataclass(frozen=True)
class PartOfFirm(PlacedFirm):
    """A firm-year as it counts in one of its sectors; sizes are the whole firm's."""

    part: float = 1.0


@dataclass(frozen=True)
class Setting:
    """What a calculation rests on besides firms, tables and the definition."""

    region_weights: dict[tuple[str, str], float] | None = None
    external: dict[tuple[str, int], float] | None = None


def foreign_age(row: FirmYear, rows) -> int | None:
    years = [r.year for r in rows if r.firm == row.firm and (r.foreign_share or 0.0) > 0]
    return row.year - min(years) if years else None


def inside(row: FirmYear, column: str, values, low, high, rows) -> bool:
    """Whether a firm belongs to a group; one that is not known does not."""
    value = foreign_age(row, rows) if column == "foreign_age" else getattr(row, column)
    if value is None:
        return False
    if values is not None:
        return value in values
    return (low is None or value >= low) and (high is None or value < high)


OWNERS = {"minority": (None, 0.5), "majority": (0.5, 0.99), "full": (0.99, None)}


def counts_as(row: FirmYear, definition, owner, rows) -> float | None:
    """FS or its dummy; zero for firms outside the group or degree of ownership."""
    foreign = foreignness(row, definition.threshold)
    group = definition.foreign
    if foreign is None:
        return None
    if group is not None and not inside(
        row, group.column, group.values, group.low, group.high, rows
    ):
        return 0.0
    if owner is not None and not inside(row, "foreign_share", None, *OWNERS[owner], rows):
        return 0.0
    return foreign


def nets(definition) -> bool:
    return definition.weight == "output" and definition.forward_exports == "net"


def sums(rows, sector, year, definition, *, net=False, owner=None, regions=None, without=None):
    """Return numerator, denominator and the number of firms; ``regions`` weighs regions."""
    numerator, denominator, firms = [], [], 0
    for row in rows:
        if row.industry != sector or row.year != year or row is without:
            continue
        around = 1.0 if regions is None else regions.get(row.region, 0.0)
        if around == 0:
            continue
        foreign = counts_as(row, definition, owner, rows)
        w = weight(row, definition.weight, net and nets(definition))
        if foreign is None or w is None:
            continue
        numerator.append(around * foreign * w)
        denominator.append(around * w)
        firms += 1
    return fsum(numerator), fsum(denominator), firms


def around(region: str, rows, definition, setting: Setting):
    """Return what firms of each region count around a region; None: all count alike."""
    if definition.region == "none":
        return None
    if definition.region == "own":
        return {region: 1.0}
    known = {r.region for r in rows if r.region is not None}
    return {s: setting.region_weights[region, s] for s in known}


def presence_at(rows, sector, region, year, definition, setting, *, net=False, owner=None):
    regions = around(region, rows, definition, setting)
    numerator, denominator, firms = sums(
        rows, sector, year, definition, net=net, owner=owner, regions=regions
    )
    if firms and denominator > 0:
        return numerator / denominator
    if definition.unobserved == "external" and owner is None:
        return setting.external.get((sector, year))
    return None


def through_time(at, year: int, years: list[int], definition) -> float | None:
    """Presence ``at(year)`` accumulated, then lagged, in calendar years."""
    when = year - definition.lag
    if when not in years:
        return None
    if definition.stock is None:
        return at(when)
    stock = at(years[0])
    for before, now in pairwise(years):
        if now > when:
            break
        flow = at(now)
        stock = (
            None
            if now != before + 1 or flow is None or stock is None
            else flow + (1 - definition.stock) * stock
        )
    return stock


def reaches(year: int, years: list[int], definition) -> bool:
    """Whether the panel's years suffice for the lag and the stock, whatever the firms."""
    return through_time(lambda _: 1.0, year, years, definition) is not None


def part_bought_at_home(definition, sector: str, owner: str) -> float:
    listed = {(code, who): part for code, who, part in definition.local_sourcing.shares}
    for key in ((sector, owner), (sector, "all")):
        if key in listed:
            return listed[key]
    return definition.local_sourcing.otherwise


def sourced_at(rows, sector, region, year, definition, setting) -> float | None:
    """Presence, each firm's scaled by the part that firms like it buy at home."""
    whole = presence_at(rows, sector, region, year, definition, setting)
    if all(owner == "all" for _, owner, _ in definition.local_sourcing.shares):
        return whole and whole * part_bought_at_home(definition, sector, "all")
    parts = [
        (
            presence_at(rows, sector, region, year, definition, setting, owner=owner),
            part_bought_at_home(definition, sector, owner),
        )
        for owner in OWNERS
    ]
    if any(presence is None for presence, _ in parts):  # from elsewhere: owners unknown
        return whole and whole * part_bought_at_home(definition, sector, "all")
    return fsum(presence * part for presence, part in parts)


Mixture = list[tuple[float, Table]]


def tables_for(year: int, tables: dict[int, Table], vintage: str) -> Mixture:
    """Return the tables that hold in a year and their weights."""
    dated = sorted(tables)
    if len(dated) == 1:
        return [(1.0, tables[dated[0]])]
    if year in tables:
        return [(1.0, tables[year])]
    if vintage == "exact":
        raise LookupError(year)
    before, after = [d for d in dated if d < year], [d for d in dated if d > year]
    if vintage == "nearest" or not before or not after:
        nearest = min(dated, key=lambda d: (abs(d - year), d))
        return [(1.0, tables[nearest])]
    b, a = before[-1], after[0]
    return [((a - year) / (a - b), tables[b]), ((year - b) / (a - b), tables[a])]


def mixed(mixture: Mixture, entry) -> list[list[float]]:
    """Return the matrix of ``entry(table, row, column)``, coefficients interpolated, not flows."""
    n = range(len(mixture[0][1].sectors))
    return [[fsum(w * entry(table, j, k) for w, table in mixture) for k in n] for j in n]


def coefficient(table: Table, j: int, k: int, definition, by: str, *, own=None) -> float:
    """Z_jk over the output of the seller or of the buyer, under the own-sector rule."""
    own = definition.own_sector if own is None else own
    kept = {"include": True, "only": j == k}.get(own, j != k)
    flow = table.flow(j, k, definition.flows)
    if not kept or flow == 0:
        return 0.0
    return flow / table.gross_output(j if by == "seller" else k)


def product(left, right) -> list[list[float]]:
    n = range(len(left))
    return [[fsum(left[i][m] * right[m][j] for m in n) for j in n] for i in n]


def chains(matrix) -> list[list[float]]:
    """Add up the chains of one, two, three, ... links."""
    n = range(len(matrix))
    total, term = [list(row) for row in matrix], matrix
    while max(max(row) for row in term) > 1e-18:
        term = product(term, matrix)
        total = [[total[i][j] + term[i][j] for j in n] for i in n]
    return total


def transposed(matrix) -> list[list[float]]:
    return [list(column) for column in zip(*matrix, strict=True)]


def operator(measure: str, mixture: Mixture, definition) -> list[list[float]]:
    """Return what each sector's presence weighs in each sector's measure."""
    n = len(mixture[0][1].sectors)
    if measure == "horizontal":
        return [[float(i == j) for j in range(n)] for i in range(n)]
    A = mixed(mixture, lambda t, j, k: alpha(t, j, k, definition))
    S = mixed(mixture, lambda t, j, m: sigma(t, j, m, definition))
    if measure == "total_backward":
        return chains(mixed(mixture, lambda t, j, k: coefficient(t, j, k, definition, "seller")))
    if measure == "total_forward":
        inputs = mixed(mixture, lambda t, j, k: coefficient(t, j, k, definition, "buyer"))
        return chains(transposed(inputs))
    return {
        "backward": A,
        "forward": S,
        "supply_backward": product(S, A),
        "second_tier_backward": product(A, A),
    }[measure]


BUILT = (
    "horizontal",
    "backward",
    "forward",
    "supply_backward",
    "second_tier_backward",
    "total_backward",
    "total_forward",
)


def regions_of(rows, definition) -> list[str]:
    return sorted({r.region for r in rows if r.region}) if definition.region != "none" else [""]


def every_measure(rows, tables, definition, setting=Setting(), measures=BUILT):
    """Return (sector, region, year) -> measure -> (value, weight of what is observed)."""
    years = sorted({row.year for row in rows})
    sectors = next(iter(tables.values())).sectors
    result = {}
    for region in regions_of(rows, definition):

        def plain(sector, year, region=region):
            return presence_at(rows, sector, region, year, definition, setting)

        def net(sector, year, region=region):
            return presence_at(rows, sector, region, year, definition, setting, net=True)

        def sourced(sector, year, region=region):
            return sourced_at(rows, sector, region, year, definition, setting)

        for year in years:
            mixture = tables_for(year, tables, definition.vintage)
            for measure in measures:
                at = {"horizontal": plain, "forward": net, "total_forward": net}.get(
                    measure, sourced
                )
                values = [
                    through_time(lambda when, s=s, at=at: at(s, when), year, years, definition)
                    for s in sectors
                ]
                shares = operator(measure, mixture, definition)
                for sector, row, own in zip(sectors, shares, values, strict=True):
                    value, observed = _sum(row, values, definition.unobserved)
                    if measure == "horizontal":
                        value = own
                    if not reaches(year, years, definition):
                        value = None
                    found = result.setdefault((sector, region, year), {})
                    found[measure] = value, observed
    return result


def leave_one_out_in_region(rows, definition) -> list[float | None]:
    """Return each firm-year's Horizontal of its region (if any) without itself."""
    found = []
    for row in rows:
        regions = {row.region: 1.0} if definition.region == "own" else None
        numerator, denominator, firms = sums(
            rows, row.industry, row.year, definition, regions=regions, without=row
        )
        known = definition.region == "none" or row.region is not None
        found.append(numerator / denominator if known and firms and denominator > 0 else None)
    return found


def demand(rows, tables, definition, sector: str, year: int) -> float:
    """Add up c_jk Y_kt over all buyers k, the sector itself among them (Javorcik 2004)."""
    mixture = tables_for(year, tables, definition.vintage)
    sectors = mixture[0][1].sectors
    c = mixed(mixture, lambda t, j, k: coefficient(t, j, k, definition, "buyer", own="include"))
    made = [
        fsum(r.output or 0.0 for r in rows if (r.industry, r.year) == (code, year))
        for code in sectors
    ]
    return fsum(
        share * output for share, output in zip(c[sectors.index(sector)], made, strict=True)
    )


def herfindahl(rows, sector: str, year: int) -> float | None:
    sold = [r.output for r in rows if (r.industry, r.year) == (sector, year) and r.output]
    return fsum((one / fsum(sold)) ** 2 for one in sold) if sold else None


def import_penetration(tables, sector: str, year: int) -> float | None:
    """M / (Y - X + M) in the nearest table, M the imports of j's products for use as inputs."""
    table = tables_for(year, tables, "nearest")[0][1]
    j = table.sectors.index(sector)
    imports = fsum(table.imported[j])
    supply = table.gross_output(j) - table.exports[j] + imports
    return imports / supply if supply > 0 else None

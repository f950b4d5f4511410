"""Panels and tables for the linkage tests: conversions, a fixed example, random draws."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import product

import numpy as np
import pandas as pd
from hypothesis import strategies as st

import spillover as sp

from .oracle import FirmYear, PlacedFirm, Setting, Table

COLUMNS = tuple(FirmYear.__dataclass_fields__)
NUMBERS = ("output", "foreign_share", "exports", "employment", "capital")
MEASURES = ["horizontal", "backward", "forward", "backward_weight", "forward_weight", "firms"]

# Every option away from its default, one at a time, and a few together.
CHANGES = [
    {},
    {"weight": "employment"},
    {"weight": "capital"},
    {"weight": "none"},
    {"threshold": 0.1},
    {"threshold": 0.5},
    {"threshold": 1.0},
    {"own_sector": "exclude_renormalised"},
    {"own_sector": "include"},
    {"own_sector": "only"},
    {"flows": "domestic"},
    {"flows": "imported"},
    {"denominator": "intermediate_and_final"},
    {"denominator": "output"},
    {"denominator": "output", "own_sector": "exclude_renormalised", "flows": "domestic"},
    {"denominator": "intermediate_and_final", "own_sector": "exclude_renormalised"},
    {"forward_exports": "gross"},
    {"unobserved": "missing"},
    {"unobserved": "missing", "own_sector": "include", "forward_exports": "gross"},
    {"leave_one_out": True},
]


def name_of(change: dict) -> str:
    return ", ".join(f"{key}={value}" for key, value in change.items()) or "Javorcik (2004)"


@contextmanager
def quiet():
    """Silence the package's warnings; the tests of the warnings themselves do without this."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SpilloverWarning)
        yield


def frame_of(rows: list[FirmYear]) -> pd.DataFrame:
    frame = pd.DataFrame([asdict(row) for row in rows], columns=list(COLUMNS))
    return frame.astype(dict.fromkeys(NUMBERS, float))


def io_of(table: Table, scale: float = 1.0) -> sp.IOTable:
    return sp.IOTable.from_arrays(
        table.sectors,
        domestic=np.array(table.domestic, dtype=float) * scale,
        imported=np.array(table.imported, dtype=float) * scale,
        final_demand=np.array(table.final_demand, dtype=float) * scale,
        exports=np.array(table.exports, dtype=float) * scale,
        unit="million EUR",
    )


def linked(rows: list[FirmYear], table: Table, definition=sp.JAVORCIK_2004) -> sp.Linkages:
    with quiet():
        return sp.linkages(frame_of(rows), io_of(table), definition)


def fixed_panel(seed: int = 20, firms: int = 30, years: int = 3, missing: float = 0.08):
    """Return firm-years in four of five sectors, with missing values; exports below output."""
    rng = np.random.default_rng(seed)
    industry = rng.choice(["A", "B", "C", "D"], size=firms)
    rows = []
    for i, year in product(range(firms), range(2000, 2000 + years)):
        output = float(rng.lognormal(3, 1))
        values = {
            "output": output,
            "foreign_share": float(rng.choice([0.0, 0.0, 0.1, 0.25, 0.5, 0.8, 1.0])),
            "exports": output * float(rng.uniform(0, 0.9)),
            "employment": float(rng.integers(1, 400)),
            "capital": float(rng.lognormal(4, 1)),
        }
        for name in NUMBERS:
            if rng.uniform() < missing:
                values[name] = None
        rows.append(FirmYear(firm=i, year=year, industry=str(industry[i]), **values))
    return rows


def fixed_table(seed: int = 7, sectors: tuple[str, ...] = ("A", "B", "C", "D", "E")) -> Table:
    rng = np.random.default_rng(seed)
    n = len(sectors)
    return Table(
        sectors=list(sectors),
        domestic=rng.gamma(1.0, 20.0, (n, n)).tolist(),
        imported=rng.gamma(1.0, 5.0, (n, n)).tolist(),
        final_demand=rng.uniform(100, 200, n).tolist(),
        exports=rng.uniform(50, 100, n).tolist(),
    )


SECTORS = ("A", "B", "C", "D", "E")
# Quarters and sixty-fourths: sums of products are exact in floating point, in any order, so that
# a cell whose total is zero is zero for every library.
money = st.integers(0, 4000).map(lambda quarters: quarters / 4)
share = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 64).map(lambda k: k / 64))


def optional(values):
    return st.one_of(values, values, values, values, st.none())


@st.composite
def tables(draw) -> Table:
    n = draw(st.integers(2, 5))
    flow = st.one_of(st.integers(0, 400), st.just(0)).map(float)
    matrix = st.lists(st.lists(flow, min_size=n, max_size=n), min_size=n, max_size=n)
    vector = st.lists(st.integers(1, 300).map(float), min_size=n, max_size=n)
    return Table(list(SECTORS[:n]), draw(matrix), draw(matrix), draw(vector), draw(vector))


@st.composite
def panels(draw, sectors: list[str]) -> list[FirmYear]:
    used = draw(st.lists(st.sampled_from(sectors), min_size=1, unique=True))
    row = st.builds(
        FirmYear,
        firm=st.integers(0, 25),
        year=st.integers(2000, 2002),
        industry=st.sampled_from(used),
        output=optional(st.one_of(money, money, money, st.just(0.0))),
        foreign_share=optional(share),
        exports=optional(money),
        employment=optional(st.integers(0, 500).map(float)),
        capital=optional(money),
    )
    rows = draw(st.lists(row, min_size=1, max_size=60, unique_by=lambda r: (r.firm, r.year)))
    if all(r.foreign_share is None for r in rows):  # refused by read_firms, see its own tests
        rows[0] = FirmYear(**{**asdict(rows[0]), "foreign_share": 0.5})
    return rows


@st.composite
def cases(draw) -> tuple[list[FirmYear], Table]:
    table = draw(tables())
    return draw(panels(table.sectors)), table


definitions = st.builds(
    sp.LinkageDefinition,
    weight=st.sampled_from(["output", "employment", "capital", "none"]),
    threshold=st.sampled_from([None, 0.1, 0.25, 0.5, 1.0]),
    leave_one_out=st.booleans(),
    own_sector=st.sampled_from(["exclude", "exclude_renormalised", "include", "only"]),
    flows=st.sampled_from(["total", "domestic"]),
    denominator=st.sampled_from(["intermediate", "intermediate_and_final", "output"]),
    forward_exports=st.sampled_from(["net", "gross"]),
    unobserved=st.sampled_from(["zero", "missing"]),
) | st.builds(
    sp.LinkageDefinition,
    flows=st.just("imported"),
    own_sector=st.sampled_from(["exclude", "exclude_renormalised", "include", "only"]),
)


# Panels with regions and origins, tables of several years, and definitions with every option.

REGIONS = ("north", "south", "west")
ALL_MEASURES = list(sp.MEASURES)
PLACED_COLUMNS = tuple(PlacedFirm.__dataclass_fields__)


def placed_frame(rows: list[PlacedFirm]) -> pd.DataFrame:
    frame = pd.DataFrame([asdict(row) for row in rows], columns=list(PLACED_COLUMNS))
    return frame.astype(dict.fromkeys(NUMBERS, float))


def weights_frame(setting: Setting) -> pd.DataFrame:
    return pd.DataFrame(
        [[setting.region_weights[r, s] for s in REGIONS] for r in REGIONS], REGIONS, REGIONS
    )


def external_frame(setting: Setting) -> pd.DataFrame:
    listed = [(*key, value) for key, value in setting.external.items()]
    return pd.DataFrame(listed, columns=["industry", "year", "horizontal"])


def build(rows, tables, definition, setting=None, shares=None, **options):
    """Return sp.linkages of oracle objects; ``tables`` is one table, or year -> table.

    ``shares`` gives industry codes to sectors: code -> sector -> weight.
    """
    io = (
        {year: io_of(table) for year, table in tables.items()}
        if isinstance(tables, dict)
        else io_of(tables)
    )
    if setting is not None and definition.region == "weighted":
        options["region_weights"] = weights_frame(setting)
    if setting is not None and definition.unobserved == "external":
        options["external"] = external_frame(setting)
    with quiet():
        firms = placed_frame(rows)
        if shares is not None:
            codes = sp.Concordance.from_mapping(shares)
            firms = sp.read_firms(firms).with_industries(codes, several="split")
        return sp.linkages(firms, io, definition, **options)


def placed_panel(
    seed: int = 3, firms: int = 60, years: tuple[int, ...] = (2000, 2001, 2002), missing=0.05
) -> list[PlacedFirm]:
    """Return firm-years in four of five sectors and three regions; some values are missing."""
    rng = np.random.default_rng(seed)
    rows = []
    for firm in range(firms):
        industry, region = str(rng.choice(list("ABCD"))), str(rng.choice(REGIONS))
        origin = str(rng.choice(["USA", "CAN", "DEU"]))
        for year in years:
            output = float(rng.lognormal(3, 1))
            share = float(rng.choice([0.0, 0.0, 0.05, 0.1, 0.3, 0.5, 0.8, 0.99, 1.0]))
            exports = float(rng.choice([0.0, 0.3, 0.8])) * output
            row = PlacedFirm(
                firm=firm,
                year=year,
                industry=industry,
                output=output,
                foreign_share=share,
                exports=exports,
                employment=float(rng.integers(1, 400)),
                capital=float(rng.lognormal(4, 1)),
                region=region,
                origin=origin if share else None,
            )
            gone = [name for name in (*NUMBERS, "region", "origin") if rng.uniform() < missing]
            rows.append(replace(row, **dict.fromkeys(gone)))
    return rows


def ample_table(seed: int = 7, sectors: tuple[str, ...] = SECTORS) -> Table:
    """Return a table most of whose output goes to final demand, so that chains converge fast."""
    table = fixed_table(seed, sectors)
    return replace(table, final_demand=[value * 5 for value in table.final_demand])


@st.composite
def ample_tables(draw, n: int) -> Table:
    flow = st.one_of(st.integers(0, 40), st.just(0)).map(float)
    matrix = st.lists(st.lists(flow, min_size=n, max_size=n), min_size=n, max_size=n)
    final = st.lists(st.integers(600, 900).map(float), min_size=n, max_size=n)
    exports = st.lists(st.integers(0, 300).map(float), min_size=n, max_size=n)
    return Table(list(SECTORS[:n]), draw(matrix), draw(matrix), draw(final), draw(exports))


@st.composite
def placed_cases(draw):
    """Return firm-years, year -> table, and region weights and external presence."""
    n = draw(st.integers(2, 4))
    dates = draw(st.lists(st.sampled_from([1998, 2000, 2001, 2004]), min_size=1, unique=True))
    tables = {year: draw(ample_tables(n)) for year in dates}
    used = draw(st.lists(st.sampled_from(SECTORS[:n]), min_size=1, unique=True))
    years = st.sampled_from(draw(st.sampled_from([(2000, 2001, 2002), (2000, 2002, 2003)])))
    row = st.builds(
        PlacedFirm,
        firm=st.integers(0, 15),
        year=years,
        industry=st.sampled_from(used),
        output=optional(st.one_of(money, money, st.just(0.0))),
        foreign_share=optional(share),
        exports=optional(st.one_of(money, st.just(0.0))),
        employment=optional(st.integers(0, 300).map(float)),
        capital=optional(money),
        region=optional(st.sampled_from(REGIONS)),
        origin=optional(st.sampled_from(["USA", "CAN", "DEU"])),
    )
    rows = draw(st.lists(row, min_size=1, max_size=50, unique_by=lambda r: (r.firm, r.year)))
    # read_firms refuses panels without any foreign share; regions need a firm that has one
    rows[0] = replace(rows[0], foreign_share=0.5, region="south", origin="USA")
    quarters = st.integers(0, 4).map(lambda quarter: quarter / 4)
    weights = {pair: draw(quarters) for pair in product(REGIONS, REGIONS)}
    known = st.tuples(st.sampled_from(SECTORS[:n]), st.sampled_from([1999, 2000, 2001, 2002]))
    external = draw(st.dictionaries(known, share, max_size=4))
    return rows, tables, Setting(weights, external)


groups = st.sampled_from(
    [
        None,
        sp.FirmGroup.minority(),
        sp.FirmGroup.majority(),
        sp.FirmGroup.shared(),
        sp.FirmGroup.full(),
        sp.FirmGroup.origin("USA", "CAN"),
        sp.FirmGroup.exporters(),
        sp.FirmGroup.non_exporters(),
        sp.FirmGroup.entered(0, 1),
        sp.FirmGroup.entered(1),
        sp.FirmGroup.of_size(50, 250),
    ]
)
sourcings = st.one_of(
    st.just(sp.LocalSourcing()),
    share.map(sp.LocalSourcing.of),
    st.dictionaries(st.sampled_from(SECTORS[:2]), share, max_size=2).map(sp.LocalSourcing.of),
    st.dictionaries(
        st.tuples(
            st.sampled_from(SECTORS[:2]), st.sampled_from(["all", "minority", "majority", "full"])
        ),
        share,
        min_size=1,
        max_size=4,
    ).map(sp.LocalSourcing.of),
)
any_definition = st.builds(
    sp.LinkageDefinition,
    weight=st.sampled_from(["output", "output", "employment", "none"]),
    threshold=st.sampled_from([None, 0.1, 0.5]),
    foreign=groups,
    own_sector=st.sampled_from(["exclude", "exclude_renormalised", "include", "only"]),
    flows=st.sampled_from(["total", "domestic"]),
    denominator=st.sampled_from(["intermediate", "intermediate_and_final", "output"]),
    forward_exports=st.sampled_from(["net", "gross"]),
    unobserved=st.sampled_from(["zero", "missing", "external"]),
    region=st.sampled_from(["none", "none", "own", "weighted"]),
    vintage=st.sampled_from(["nearest", "interpolate"]),
    lag=st.sampled_from([0, 0, 0, 1, 2]),
    stock=st.sampled_from([None, None, 0.0, 0.25, 1.0]),
    local_sourcing=sourcings,
)

"""Panels and tables for the linkage tests: conversions, a fixed example, random draws."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import asdict
from itertools import product

import numpy as np
import pandas as pd
from hypothesis import strategies as st

import spillover as sp

from .oracle import FirmYear, Table

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

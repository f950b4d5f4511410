"""Several tables, lags and accumulated presence: which year's shares and which year's presence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import spillover as sp

from . import oracle
from .panels import (
    ALL_MEASURES,
    ample_table,
    build,
    fixed_table,
    io_of,
    placed_frame,
    placed_panel,
    quiet,
)
from .test_measures import TOLERANCE, assert_as_in_the_loops

YEARS = (1998, 2000, 2001, 2003, 2007)
ROWS = placed_panel(firms=40, years=YEARS)
TABLES = {2000: ample_table(1), 2004: ample_table(2)}


def shares(links: sp.Linkages, year: int, measure: str = "backward") -> np.ndarray:
    return links.exposure(measure, year).to_numpy()


def of_table(table: oracle.Table, measure: str = "backward", **options) -> np.ndarray:
    return shares(build(ROWS, table, sp.LinkageDefinition(**options)), 2000, measure)


@pytest.mark.parametrize("vintage", ["nearest", "interpolate"])
@pytest.mark.parametrize("own", ["exclude", "exclude_renormalised", "include"])
def test_as_in_the_loops(vintage, own):
    definition = sp.LinkageDefinition(vintage=vintage, own_sector=own)
    assert_as_in_the_loops(ROWS, TABLES, definition, oracle.Setting())


def test_nearest_table_and_the_earlier_one_of_two():
    links = build(placed_panel(years=(1990, 2001, 2002, 2003, 2020)), TABLES, sp.JAVORCIK_2004)
    first, last = (of_table(table) for table in TABLES.values())
    for year, expected in {1990: first, 2001: first, 2002: first, 2003: last, 2020: last}.items():
        np.testing.assert_array_equal(shares(links, year), expected)
    assert "(2000, 2004)" in repr(links)


@pytest.mark.parametrize("measure", ["backward", "forward"])
@pytest.mark.parametrize("own", ["exclude", "exclude_renormalised", "include", "only"])
def test_interpolated_shares_move_in_a_line(measure, own):
    definition = sp.LinkageDefinition(vintage="interpolate", own_sector=own)
    links = build(placed_panel(years=tuple(range(1999, 2006))), TABLES, definition)
    first, last = (of_table(table, measure, own_sector=own) for table in TABLES.values())
    for year in range(1999, 2006):
        part = min(max((year - 2000) / 4, 0), 1)
        expected = (1 - part) * first + part * last
        np.testing.assert_allclose(shares(links, year, measure), expected, rtol=1e-14, atol=1e-16)
        total = {"exclude": None, "only": None}.get(own, 1.0)
        if total:
            np.testing.assert_allclose(shares(links, year, measure).sum(axis=1), total, rtol=1e-14)


def test_coefficients_are_interpolated_not_flows():
    """A table in another currency, or of an economy twice the size, weighs as much."""
    definition = sp.LinkageDefinition(vintage="interpolate")
    with quiet():
        base = sp.linkages(
            placed_frame(ROWS), {y: io_of(t) for y, t in TABLES.items()}, definition
        ).data
        dearer = sp.linkages(
            placed_frame(ROWS),
            {2000: io_of(TABLES[2000]), 2004: io_of(TABLES[2004], scale=1000.0)},
            definition,
        ).data
    pd.testing.assert_frame_equal(base, dearer, rtol=TOLERANCE)


def test_measures_made_of_products_use_the_interpolated_shares():
    links = build(
        placed_panel(years=(2002,)),
        TABLES,
        sp.LinkageDefinition(vintage="interpolate"),
        measures=ALL_MEASURES,
    )
    A, S = shares(links, 2002), shares(links, 2002, "forward")
    np.testing.assert_allclose(shares(links, 2002, "second_tier_backward"), A @ A, rtol=1e-14)
    np.testing.assert_allclose(shares(links, 2002, "supply_backward"), S @ A, rtol=1e-14)


def test_exact_years():
    exact = sp.LinkageDefinition(vintage="exact")
    rows = placed_panel(years=(2000, 2004))
    links = build(rows, TABLES, exact)
    for year, table in TABLES.items():
        np.testing.assert_array_equal(shares(links, year), of_table(table))
    with pytest.raises(sp.SchemaError, match=r"No table for the years 1998, 2001, 2003, 2007"):
        build(ROWS, TABLES, exact)
    assert_as_in_the_loops(ROWS, TABLES[2000], exact, oracle.Setting())  # one table: for all years


def test_sequences_and_mappings_in_any_order():
    frame = placed_frame(ROWS)
    dated = [replace(io_of(table), year=year) for year, table in TABLES.items()]
    with quiet():
        base = sp.linkages(frame, {y: io_of(t) for y, t in TABLES.items()}).data
        for given in (dated, tuple(dated), dated[::-1], {2004: dated[1], 2000: dated[0]}):
            pd.testing.assert_frame_equal(sp.linkages(frame, given).data, base)
        alone = sp.linkages(frame, dated[0]).data
        pd.testing.assert_frame_equal(sp.linkages(frame, dated[:1]).data, alone)
        pd.testing.assert_frame_equal(sp.linkages(frame, {1950: io_of(TABLES[2000])}).data, alone)


def test_tables_that_do_not_go_together():
    frame = placed_frame(ROWS)
    dated = [replace(io_of(table), year=year) for year, table in TABLES.items()]
    swapped = replace(io_of(fixed_table(2, ("B", "A", "C", "D", "E"))), year=2001)
    other = replace(io_of(fixed_table(2, ("A", "B", "C", "D", "F"))), year=2001)
    for given, message in (
        ([dated[0], io_of(TABLES[2004])], "distinct years"),
        ([dated[0], dated[0]], "distinct years"),
        ({2000: dated[0], 2005: dated[1]}, "tables given for 2005 say another year"),
        ({"2000": io_of(TABLES[2000]), "2004": io_of(TABLES[2004])}, "years are whole numbers"),
        ([dated[0], swapped], "their order"),
        ([dated[0], other], "differ in their sectors: 'E', 'F'"),
        ([], "io is a list"),
        ({}, "io is a dict"),
        ([dated[0], "table"], "io is a list"),
        ("table.csv", "io is a str"),
    ):
        with pytest.raises(sp.SchemaError, match=message), quiet():
            sp.linkages(frame, given)


# Lags and stocks


@pytest.mark.parametrize("unobserved", ["zero", "missing"])
@pytest.mark.parametrize(
    "options", [{"lag": 1}, {"lag": 2}, {"stock": 0.1}, {"stock": 0.0, "lag": 1}]
)
def test_presence_of_other_years_as_in_the_loops(options, unobserved):
    definition = sp.LinkageDefinition(unobserved=unobserved, **options)
    for years in ((2000, 2001, 2002, 2003), YEARS):
        rows = placed_panel(firms=40, years=years)
        assert_as_in_the_loops(rows, TABLES, definition, oracle.Setting())


def test_a_lag_is_in_calendar_years():
    """Shares are this year's, presence last year's; a year the panel skips is not known."""
    now = build(ROWS, TABLES, sp.JAVORCIK_2004)
    lagged = build(ROWS, TABLES, sp.LinkageDefinition(lag=1))
    table = lagged.data.set_index(["year", "industry"])
    for year in (1998, 2000, 2003, 2007):
        assert table.loc[year, ["horizontal", "backward", "forward"]].isna().all(axis=None)
    before = now.data.set_index(["year", "industry"]).loc[2000, "horizontal"]
    pd.testing.assert_series_equal(table.loc[2001, "horizontal"], before)
    np.testing.assert_allclose(
        table.loc[2001, "backward"], shares(now, 2001) @ before.fillna(0), rtol=1e-13
    )


def test_a_lag_longer_than_the_panel():
    with quiet():
        data = build(ROWS, TABLES, sp.LinkageDefinition(lag=50)).data
    assert data[["horizontal", "backward", "forward"]].isna().all(axis=None)


def test_a_stock_by_hand():
    """0.5 a year, depreciating 10 percent: 0.5, 0.95, 1.355."""
    frame = pd.DataFrame(
        {
            "firm": 1,
            "year": [2000, 2001, 2002, 2004, 2005],
            "industry": "A",
            "output": 1.0,
            "exports": 0.0,
            "foreign_share": 0.5,
        }
    )
    io = sp.IOTable.from_arrays(["A"], total=[[1.0]], output=[2.0], unit="EUR")
    definition = sp.LinkageDefinition(stock=0.1, own_sector="include")
    with pytest.warns(sp.SpilloverWarning, match="missing in 2004, 2005"):
        data = sp.linkages(frame, io, definition).data
    for name in ("horizontal", "backward", "forward"):
        np.testing.assert_allclose(data[name], [0.5, 0.95, 1.355, np.nan, np.nan], rtol=1e-15)
    all_gone = sp.linkages(frame[:3], io, replace(definition, stock=1.0)).data
    assert all_gone["horizontal"].tolist() == [0.5, 0.5, 0.5]
    kept = sp.linkages(frame[:3], io, replace(definition, stock=0.0)).data
    assert kept["horizontal"].tolist() == [0.5, 1.0, 1.5]


def test_what_a_lag_cannot_know_is_no_lost_weight():
    """The first years of a lag are expected; years that the panel skips are told."""
    table = io_of(ample_table(sectors=("A", "B", "C", "D")))
    whole = placed_frame(placed_panel(missing=0.0))
    links = sp.linkages(whole, table, sp.LinkageDefinition(lag=1))  # no warning
    assert links.unobserved.empty
    skipping = placed_frame(placed_panel(missing=0.0, years=YEARS))
    with pytest.warns(sp.SpilloverWarning, match=r"^Measures are missing in 2000, 2003, 2007"):
        sp.linkages(skipping, table, sp.LinkageDefinition(lag=1))


def test_a_lag_attached():
    table = io_of(ample_table(sectors=("A", "B", "C", "D")))
    frame = placed_frame(placed_panel(missing=0.0))
    links = sp.linkages(frame, table, sp.LinkageDefinition(lag=1))
    with pytest.warns(sp.SpilloverWarning, match=r"60 of 180 firm-years lack a linkage measure"):
        attached = sp.attach(frame, links)
    missing = attached[["horizontal", "backward", "forward"]].isna()
    assert missing.eq(attached["year"] == 2000, axis=0).all(axis=None)


# The options themselves


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lag": -1}, "lag=-1 must be a whole number"),
        ({"lag": 0.5}, "lag=0.5 must"),
        ({"lag": True}, "lag=True must"),
        ({"lag": "1"}, "lag='1' must"),
        ({"stock": -0.1}, "stock=-0.1 is a rate"),
        ({"stock": 1.5}, "stock=1.5 is a rate"),
        ({"stock": "0.1"}, "stock='0.1' is a rate"),
        ({"stock": np.nan}, "stock=nan is a rate"),
        ({"vintage": "newest"}, "vintage='newest' is not an option. Did you mean 'nearest'"),
        ({"region": "owns"}, "region='owns' is not an option. Did you mean 'own'"),
        ({"unobserved": "externl"}, "Did you mean 'external'"),
        ({"foreign": "majority"}, "foreign='majority' is no FirmGroup"),
        ({"local_sourcing": 0.5}, "local_sourcing=0.5 is no LocalSourcing"),
        ({"leave_one_out": True, "lag": 1}, "leave_one_out takes"),
        ({"leave_one_out": True, "stock": 0.1}, "leave_one_out takes"),
        ({"leave_one_out": True, "stock": 0.0}, "leave_one_out takes"),
        ({"leave_one_out": True, "region": "weighted"}, "leave_one_out takes"),
    ],
)
def test_bad_values(options, message):
    with pytest.raises(sp.SchemaError, match=message):
        sp.LinkageDefinition(**options)


def test_every_option_has_its_own_description_and_hash():
    options = [
        {},
        {"lag": 1},
        {"lag": 2},
        {"stock": 0.0},
        {"stock": 0.05},
        {"stock": 0.1},
        {"region": "own"},
        {"region": "weighted"},
        {"vintage": "exact"},
        {"vintage": "interpolate"},
        {"unobserved": "external"},
        {"foreign": sp.FirmGroup.full()},
        {"foreign": sp.FirmGroup.full(1.0)},
        {"foreign": sp.FirmGroup.minority()},
        {"foreign": sp.FirmGroup.entered(1, 3)},
        {"foreign": sp.FirmGroup.entered(1)},
        {"local_sourcing": sp.LocalSourcing.of(0.5)},
        {"local_sourcing": sp.LocalSourcing.of({"A": 0.5})},
        {"local_sourcing": sp.LocalSourcing.of({"A": 0.25})},
        {"local_sourcing": sp.LocalSourcing.of({("A", "full"): 0.25})},
        {"threshold": 0.1, "foreign": sp.FirmGroup.full(), "lag": 1, "region": "own"},
    ]
    definitions = [sp.LinkageDefinition(**option) for option in options]
    assert len({d.describe() for d in definitions}) == len(options)
    assert len(set(definitions)) == len(options)
    assert set(definitions) == {sp.LinkageDefinition(**option) for option in options}

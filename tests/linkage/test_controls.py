"""Demand, concentration and import penetration, against plain loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

import spillover as sp

from . import oracle
from .panels import (
    ample_table,
    any_definition,
    build,
    fixed_table,
    io_of,
    placed_cases,
    placed_frame,
    placed_panel,
    quiet,
)
from .test_measures import SETTINGS, number

CONTROLS = ["demand", "herfindahl", "import_penetration"]
ROWS, TABLE = placed_panel(), ample_table()


@SETTINGS
@given(case=placed_cases(), definition=any_definition)
def test_as_in_the_loops(case, definition):
    rows, tables, setting = case
    links = build(rows, tables, definition, setting, controls=CONTROLS)
    for row in links.data.itertuples():
        wanted = (
            oracle.demand(rows, tables, definition, row.industry, row.year),
            number(oracle.herfindahl(rows, row.industry, row.year)),
            number(oracle.import_penetration(tables, row.industry, row.year)),
        )
        found = (row.demand, row.herfindahl, row.import_penetration)
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


def equal_firms(*outputs: float) -> list[oracle.FirmYear]:
    return [oracle.FirmYear(i, 2000, "A", y, 0.5, 0.0) for i, y in enumerate(outputs)]


def concentration(*outputs: float) -> float:
    with quiet():
        data = sp.linkages(
            placed_frame(equal_firms(*outputs)), io_of(TABLE), controls=["herfindahl"]
        ).data
    return data.loc[0, "herfindahl"]


@pytest.mark.parametrize("n", [1, 2, 7, 50])
def test_equal_firms_have_one_over_their_number(n):
    assert concentration(*[3.7] * n) == pytest.approx(1 / n, rel=1e-14)


def test_splitting_a_firm_lowers_concentration_and_merging_raises_it():
    assert concentration(4.0, 2.0, 2.0) < concentration(4.0, 4.0) < concentration(8.0)
    assert concentration(6.0, 2.0) == pytest.approx(0.75**2 + 0.25**2, rel=1e-15)
    assert concentration(6.0, 2.0, 0.0) == concentration(6.0, 2.0)


def test_firms_without_a_foreign_share_sell_as_well():
    rows = [*equal_firms(5.0), oracle.FirmYear(9, 2000, "A", 5.0, None, 0.0)]
    with quiet():
        data = sp.linkages(placed_frame(rows), io_of(TABLE), controls=["herfindahl", "demand"]).data
    assert data.loc[0, "herfindahl"] == 0.5
    flow = TABLE.flow(0, 0, "total") / TABLE.gross_output(0)
    assert data.loc[0, "demand"] == pytest.approx(10 * flow, rel=1e-14)


def test_demand_is_that_of_all_buyers_whatever_backward_counts():
    """Javorcik (2004) sums over every buying sector; the own-sector rule is Backward's."""
    own = {
        rule: build(ROWS, TABLE, sp.LinkageDefinition(own_sector=rule), controls=["demand"]).data
        for rule in ("exclude", "include", "only", "exclude_renormalised")
    }
    for data in own.values():
        np.testing.assert_array_equal(data["demand"], own["include"]["demand"])


def test_demand_follows_the_flows_of_the_definition():
    home = build(ROWS, TABLE, sp.LinkageDefinition(flows="domestic"), controls=["demand"]).data
    total = build(ROWS, TABLE, sp.JAVORCIK_2004, controls=["demand"]).data
    assert (home["demand"] < total["demand"]).all()


def test_controls_stand_after_the_measures_and_go_to_the_firms():
    links = build(ROWS, TABLE, sp.JAVORCIK_2004, controls=CONTROLS)
    assert list(links.data.columns[-3:]) == CONTROLS
    with quiet():
        attached = sp.attach(placed_frame(ROWS), links)
        named = sp.attach(attached, links, suffix="_2")
    added = [name for name in attached if name not in placed_frame(ROWS)]
    assert added == ["horizontal", "backward", "forward", *CONTROLS]
    assert [name for name in named if name not in attached] == [f"{name}_2" for name in added]
    cells = links.data.set_index(["industry", "year"])["demand"]
    wanted = [cells[r.industry, r.year] for r in ROWS]
    np.testing.assert_array_equal(attached["demand"], wanted)


def test_controls_are_national_where_presence_is_regional():
    national = build(ROWS, TABLE, sp.JAVORCIK_2004, controls=CONTROLS).data
    regional = build(ROWS, TABLE, sp.LinkageDefinition(region="own"), controls=CONTROLS).data
    for _, part in regional.groupby("region"):
        np.testing.assert_allclose(part[CONTROLS], national[CONTROLS], rtol=1e-13)


def test_import_penetration_needs_imports():
    io = io_of(TABLE)
    domestic = sp.IOTable.from_arrays(
        io.sectors,
        domestic=io.domestic,
        final_demand=io.final_demand,
        exports=io.exports,
        unit="EUR",
    )
    definition = sp.LinkageDefinition(flows="domestic")
    with quiet(), pytest.raises(sp.SchemaError, match="needs imports by product"):
        sp.linkages(placed_frame(ROWS), domestic, definition, controls=["import_penetration"])


def test_import_penetration_takes_all_imports_where_the_table_has_them():
    """Imports for final use, too: M = 30 of 100 - 20 + 30 used at home."""
    io = sp.IOTable.from_arrays(
        ["A"], total=[[40.0]], final_demand=[70.0], exports=[20.0], imports=[30.0], unit="EUR"
    )
    firms = placed_frame(equal_firms(1.0))
    data = sp.linkages(firms, io, controls=["import_penetration"]).data
    assert io.output[0] == 100
    assert data.loc[0, "import_penetration"] == pytest.approx(30 / 110, rel=1e-15)


def test_import_penetration_is_that_of_the_nearest_table():
    tables = {2000: fixed_table(1), 2010: fixed_table(2)}
    rows = placed_panel(years=(1999, 2004, 2005, 2006))
    data = build(rows, tables, sp.JAVORCIK_2004, controls=["import_penetration"]).data
    by_year = data.set_index(["industry", "year"])["import_penetration"].unstack()
    assert (by_year[1999] == by_year[2004]).all()
    assert (by_year[2004] == by_year[2005]).all()
    assert (by_year[2005] != by_year[2006]).all()


def test_whole_numbers_are_squared_without_overflow():
    duckdb = pytest.importorskip("duckdb")
    frame = placed_frame(equal_firms(5e9, 5e9))  # noqa: F841 (read by name)
    relation = duckdb.connect().sql(
        "select firm, year, industry, foreign_share, exports, output::bigint as output from frame"
    )
    with quiet():
        data = sp.linkages(relation, io_of(TABLE), controls=["herfindahl"]).data
    assert data.loc[0, "herfindahl"] == 0.5


def test_one_firm_more_in_another_year_changes_nothing_here():
    later = [replace(r, firm=r.firm + 100, year=2001) for r in equal_firms(9.0)]
    with quiet():
        data = sp.linkages(
            placed_frame(equal_firms(3.0, 3.0) + later), io_of(TABLE), controls=["herfindahl"]
        ).data
    assert data.query("industry == 'A'")["herfindahl"].tolist() == [0.5, 1.0]

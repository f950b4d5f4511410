"""Which foreign firms a measure counts: groups that part them add up; unknown ones are counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings

import spillover as sp

from . import oracle
from .panels import (
    ALL_MEASURES,
    ample_table,
    build,
    io_of,
    placed_cases,
    placed_frame,
    placed_panel,
    quiet,
)
from .test_measures import SETTINGS, TOLERANCE, assert_as_in_the_loops

ROWS, TABLE = placed_panel(missing=0.0), ample_table()
GROUP = sp.FirmGroup
ONE_SECTOR = sp.IOTable.from_arrays(["A"], total=[[1.0]], output=[2.0], unit="EUR")


def one_industry(*shares: float, **columns) -> pd.DataFrame:
    """Return firms of equal size in one industry and year."""
    n = len(shares)
    frame = pd.DataFrame(
        {"firm": range(n), "year": 2000, "industry": "A", "output": 1.0, "exports": 0.0}
    )
    return frame.assign(foreign_share=shares, **columns)


def counted(frame: pd.DataFrame, group: sp.FirmGroup, year: int = 2000) -> float:
    """Return how many firms count as foreign in the group, each fully."""
    definition = sp.LinkageDefinition(foreign=group, threshold=1e-9)
    with quiet():
        links = sp.linkages(frame, ONE_SECTOR, definition)
    found = links.data.query("year == @year").iloc[0]
    return round(found["horizontal"] * found["firms"], 12)


# What belongs to a group, from the cards


@pytest.mark.parametrize(
    ("group", "members"),
    [
        (GROUP.minority(), [0.1, 0.3, 0.49]),
        (GROUP.majority(), [0.5, 0.98, 0.99, 1.0]),
        (GROUP.shared(), [0.1, 0.3, 0.49, 0.5, 0.98]),
        (GROUP.full(), [0.99, 1.0]),
        (GROUP.full(1.0), [1.0]),
        (GROUP.shared(1.0), [0.1, 0.3, 0.49, 0.5, 0.98, 0.99]),
    ],
)
def test_degrees_of_ownership(group, members):
    shares = [0.0, 0.05, 0.1, 0.3, 0.49, 0.5, 0.98, 0.99, 1.0]
    yearly = one_industry(*shares).assign(year=range(2000, 2009))
    definition = sp.LinkageDefinition(foreign=group, threshold=1e-9)
    found = sp.linkages(yearly, ONE_SECTOR, definition).data["horizontal"]
    assert [share for share, counts in zip(shares, found, strict=True) if counts] == members


def test_origin_exports_and_size():
    frame = one_industry(
        1.0,
        1.0,
        1.0,
        0.0,
        origin=["USA", "CAN", "DEU", None],
        exports=[0.0, 0.5, 1e-300, 1.0],
        employment=[9.0, 10.0, 49.0, 20.0],
    )
    assert counted(frame, GROUP.origin("USA", "CAN")) == 2
    assert counted(frame, GROUP.origin("FRA")) == 0
    assert counted(frame, GROUP.exporters()) == 2
    assert counted(frame, GROUP.non_exporters()) == 1
    assert counted(frame, GROUP.of_size(10, 50)) == 2
    assert counted(frame, GROUP.of_size(10)) == 2
    assert counted(frame, GROUP("small", "employment", high=10)) == 1


def test_a_group_by_a_column_of_ones_own():
    frame = one_industry(1.0, 1.0, 0.0, greenfield=[1, 0, 1])
    assert counted(frame, GROUP("greenfield", "greenfield", values=(1,))) == 1


# Age of entry

HISTORY = pd.DataFrame(
    {
        "firm": [1, 1, 1, 2, 2, 3, 3],
        "year": [2000, 2001, 2003, 2000, 2001, 2000, 2003],
        "industry": "A",
        "output": 1.0,
        "exports": 0.0,
        "foreign_share": [0.0, 0.4, 0.6, 1.0, 0.0, 0.0, 0.0],
    }
)


def test_the_age_of_entry_counts_from_the_first_foreign_year():
    """Firm 1 enters in 2001; firm 2 is foreign when the panel starts and is sold; 3 never is."""
    cases = {(0, 1): [1, 1, 0], (1, 2): [0, 0, 0], (2, 3): [0, 0, 1], (0, None): [1, 1, 1]}
    for (low, high), members in cases.items():
        group = GROUP.entered(low, high)
        assert [counted(HISTORY, group, year) for year in (2000, 2001, 2003)] == members


def test_a_column_with_the_age_of_entry_takes_precedence():
    aged = HISTORY.assign(foreign_age=[np.nan, 7, 9, 3, 4, np.nan, np.nan])
    assert counted(aged, GROUP.entered(3, 5), 2000) == 1
    assert counted(aged, GROUP.entered(7, 9), 2001) == 1
    assert counted(aged, GROUP.entered(0, 3), 2000) == 0


@pytest.mark.parametrize(
    "convert", [pl.from_pandas, pa.Table.from_pandas, lambda f: pl.from_pandas(f).lazy()]
)
def test_the_age_of_entry_in_other_libraries(convert):
    assert counted(HISTORY, GROUP.entered(0, 1), 2001) == 1
    with quiet():
        links = sp.linkages(
            convert(HISTORY),
            ONE_SECTOR,
            sp.LinkageDefinition(foreign=GROUP.entered(0, 1)),
        )
    assert links.data["horizontal"].tolist() == [1 / 3, 0.2, 0.0]


# Parts and wholes

PARTITIONS = {
    "ownership": [GROUP.shared(), GROUP.full()],
    "majority": [GROUP.minority(), GROUP.majority()],
    "exports": [GROUP.exporters(), GROUP.non_exporters()],
    "age": [GROUP.entered(0, 1), GROUP.entered(1, 2), GROUP.entered(2)],
    "size": [GROUP.of_size(0, 10), GROUP.of_size(10, 50), GROUP.of_size(50)],
    "origin": [GROUP.origin("USA", "CAN"), GROUP.origin("DEU")],
}


@pytest.mark.parametrize("weight", ["output", "employment", "none"])
@pytest.mark.parametrize("parts", PARTITIONS.values(), ids=PARTITIONS)
def test_groups_that_part_the_foreign_firms_add_up(parts, weight):
    """With the 10 percent line for the whole as well, as the card says."""
    whole = sp.LinkageDefinition(threshold=0.1, weight=weight)
    names = {"all": whole} | {group.name: replace(whole, foreign=group) for group in parts}
    with quiet():
        built = sp.linkages(placed_frame(ROWS), io_of(TABLE), names, measures=ALL_MEASURES)
    for measure in ALL_MEASURES:
        added = sum(built[group.name].data[measure] for group in parts)
        np.testing.assert_allclose(
            added, built["all"].data[measure], rtol=TOLERANCE, atol=TOLERANCE, err_msg=measure
        )


def test_without_the_line_small_shares_are_in_neither_part():
    parts = [build(ROWS, TABLE, sp.LinkageDefinition(foreign=g)) for g in PARTITIONS["ownership"]]
    whole = build(ROWS, TABLE, sp.JAVORCIK_2004)
    gap = whole.data["horizontal"] - sum(part.data["horizontal"] for part in parts)
    assert (gap.dropna() > 1e-4).any()
    assert (gap.dropna() > -TOLERANCE).all()


@settings(SETTINGS, max_examples=12)
@given(case=placed_cases())
def test_any_panel_parted_by_age_and_ownership(case):
    rows, tables, _ = case
    for parts in (
        [GROUP.entered(0, 1), GROUP.entered(1)],
        [GROUP("below", "foreign_share", high=0.5), GROUP.majority()],
    ):
        definitions = {group.name: sp.LinkageDefinition(foreign=group) for group in parts}
        definitions["all"] = sp.JAVORCIK_2004
        io = {year: io_of(table) for year, table in tables.items()}
        with quiet():
            links = sp.linkages(placed_frame(rows), io, definitions, measures=ALL_MEASURES)
        *built, whole = (one.data for one in links.values())
        np.testing.assert_allclose(
            sum(part[ALL_MEASURES] for part in built),
            whole[ALL_MEASURES],
            rtol=1e-11,
            atol=TOLERANCE,
        )


@pytest.mark.parametrize("group", [g for parts in PARTITIONS.values() for g in parts], ids=repr)
def test_each_group_as_in_the_loops(group):
    assert_as_in_the_loops(
        placed_panel(5), TABLE, sp.LinkageDefinition(foreign=group), oracle.Setting()
    )


# Not known


def test_foreign_firms_of_unknown_group_are_counted_in_the_warning():
    """Those that would count: not domestic firms, not firms below the line or without weight."""
    frame = one_industry(1.0, 0.6, 0.05, 0.5, 0.0, origin=["USA", None, None, None, None]).assign(
        output=[1.0, 1.0, 1.0, np.nan, 1.0]
    )
    with quiet():
        panel = sp.read_firms(frame)
    group = GROUP.origin("USA")
    for threshold, count in ((None, 2), (0.1, 1)):
        definition = sp.LinkageDefinition(foreign=group, threshold=threshold)
        with pytest.warns(sp.SpilloverWarning, match=rf"^{count} foreign firm-years count as out"):
            links = sp.linkages(panel, ONE_SECTOR, definition)
        assert links.data["horizontal"].tolist() == [1 / 4]


def test_a_group_by_a_column_that_the_panel_lacks():
    with pytest.raises(sp.SchemaError, match="needs the column 'origin'"):
        sp.linkages(
            one_industry(1.0),
            ONE_SECTOR,
            sp.LinkageDefinition(foreign=GROUP.origin("USA")),
        )


# Leaving the firm out


@pytest.mark.parametrize("region", ["none", "own"])
@pytest.mark.parametrize("group", [None, GROUP.majority(), GROUP.origin("USA"), GROUP.exporters()])
def test_leaving_the_firm_out_of_a_group_and_a_region(region, group):
    rows = placed_panel(8)
    definition = sp.LinkageDefinition(leave_one_out=True, region=region, foreign=group)
    links = build(rows, TABLE, definition)
    with quiet():
        got = sp.attach(placed_frame(rows), links)["horizontal"]
    wanted = [
        np.nan if value is None else value
        for value in oracle.leave_one_out_in_region(rows, definition)
    ]
    np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-11)


def test_leaving_the_firm_out_of_a_cohort_needs_its_age():
    definition = sp.LinkageDefinition(leave_one_out=True, foreign=GROUP.entered(0, 1))
    with quiet():
        links = sp.linkages(HISTORY, ONE_SECTOR, definition)
        with pytest.raises(sp.SchemaError, match="needs the column 'foreign_age'"):
            sp.attach(HISTORY, links)
        aged = HISTORY.assign(foreign_age=[np.nan, 0, 2, 0, 1, np.nan, np.nan])
        attached = sp.attach(aged, links)
    wanted = {(1, 2000): 0.5, (2, 2000): 0.0, (3, 2000): 0.5, (1, 2001): 0.0, (2, 2001): 0.4}
    found = attached.set_index(["firm", "year"])["horizontal"]
    assert {key: found[key] for key in wanted} == wanted


# The value itself


def test_groups_are_values():
    assert GROUP("x", "origin", values=["USA"]) == GROUP("x", "origin", values=("USA",))
    assert len({GROUP.full(), GROUP.full(), GROUP.full(1.0), GROUP.majority()}) == 3
    assert hash(sp.LinkageDefinition(foreign=GROUP("x", "origin", values=["USA"])))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either values"),
        ({"values": (1,), "low": 1}, "either values"),
        ({"values": ()}, "list of values"),
        ({"values": "USA"}, "list of values"),
        ({"low": 0.5, "high": 0.1}, "no value lies"),
        ({"low": 0.5, "high": 0.5}, "no value lies"),
    ],
)
def test_groups_that_hold_nothing_or_everything(arguments, message):
    with pytest.raises(sp.SchemaError, match=message):
        GROUP("x", "origin", **arguments)


def test_each_group_has_its_own_description():
    every = [g for parts in PARTITIONS.values() for g in parts]
    every += [GROUP.full(1.0), GROUP.shared(1.0), GROUP.origin("USA"), GROUP("USA", "bloc", ("x",))]
    texts = {sp.LinkageDefinition(foreign=group).describe() for group in every}
    assert len(texts) == len(every)

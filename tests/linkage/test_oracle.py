"""sp.linkages and sp.attach against plain loops written from the formulas (oracle.py)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import spillover as sp

from . import oracle
from .panels import (
    CHANGES,
    MEASURES,
    cases,
    definitions,
    fixed_panel,
    fixed_table,
    frame_of,
    io_of,
    linked,
    name_of,
    quiet,
)

SETTINGS = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TOLERANCE = 1e-12


def number(value: float | None) -> float:
    return np.nan if value is None else value


def assert_same(links: sp.Linkages, expected: dict[tuple[str, int], oracle.Row]) -> None:
    data = links.data
    keys = list(zip(data["industry"], data["year"], strict=True))
    assert sorted(keys) == sorted(expected), "one row per sector of the table and year of the panel"
    for name in MEASURES:
        wanted = [number(getattr(expected[key], name)) for key in keys]
        np.testing.assert_allclose(
            data[name].to_numpy(float), wanted, rtol=TOLERANCE, atol=TOLERANCE, err_msg=name
        )


def used_up(table: oracle.Table, definition: sp.LinkageDefinition) -> bool:
    """Whether some sector has sales to others, but nothing to divide them by.

    Only gross output less the own flow can be so, where imports are in the flows.
    """
    if (definition.denominator, definition.own_sector) != ("output", "exclude_renormalised"):
        return False
    for j in range(len(table.sectors)):
        flows = [table.flow(j, k, definition.flows) for k in range(len(table.sectors))]
        own = flows.pop(j)
        if any(flows) and table.gross_output(j) - own <= 0:
            return True
    return False


@SETTINGS
@given(case=cases(), definition=definitions)
def test_any_panel_any_table_any_definition(case, definition):
    rows, table = case
    if used_up(table, definition):
        with pytest.raises(sp.SchemaError, match="zero or negative"):
            linked(rows, table, definition)
        return
    assert_same(linked(rows, table, definition), oracle.measures(rows, table, definition))


@settings(SETTINGS, max_examples=10)
@given(case=cases())
def test_the_definition_of_javorcik_2004(case):
    rows, table = case
    assert_same(linked(rows, table), oracle.measures(rows, table, sp.JAVORCIK_2004))


@pytest.mark.parametrize("change", CHANGES, ids=name_of)
@pytest.mark.parametrize("seed", [1, 2])
def test_each_option(change, seed):
    rows, table = fixed_panel(seed), fixed_table(seed)
    definition = sp.LinkageDefinition(**change)
    assert_same(linked(rows, table, definition), oracle.measures(rows, table, definition))


@pytest.mark.parametrize("change", CHANGES[1:-1], ids=name_of)
def test_each_option_changes_some_number(change):
    """A comparison with the loops says nothing about an option that both ignore."""
    rows, table = fixed_panel(), fixed_table()
    base = linked(rows, table).data.drop(columns=["industry", "year"]).to_numpy()
    changed = linked(rows, table, sp.LinkageDefinition(**change)).data
    other = changed.drop(columns=["industry", "year"]).to_numpy()
    assert not np.allclose(base, other, rtol=1e-6, equal_nan=True)


@pytest.mark.parametrize("change", CHANGES, ids=name_of)
def test_shares_are_the_formulas(change):
    table, definition = fixed_table(), sp.LinkageDefinition(**change)
    links = linked(fixed_panel(), table, definition)
    n = range(len(table.sectors))
    alpha = [[oracle.alpha(table, j, k, definition) for k in n] for j in n]
    sigma = [[oracle.sigma(table, j, m, definition) for m in n] for j in n]
    np.testing.assert_allclose(links.supply_shares, alpha, rtol=TOLERANCE)
    np.testing.assert_allclose(links.input_shares, sigma, rtol=TOLERANCE)


@settings(SETTINGS, max_examples=30)
@given(case=cases(), definition=definitions)
def test_attach(case, definition):
    """Backward and Forward of the firm's industry and year, Horizontal with or without the firm."""
    rows, table = case
    definition = replace(definition, flows="total", denominator="intermediate")
    links = linked(rows, table, definition)
    with quiet():
        attached = sp.attach(frame_of(rows), links)
    cells = oracle.measures(rows, table, definition)
    wanted = {
        name: [getattr(cells[row.industry, row.year], name) for row in rows]
        for name in ("horizontal", "backward", "forward")
    }
    if definition.leave_one_out:
        wanted["horizontal"] = oracle.leave_one_out(rows, definition)
    for name, values in wanted.items():
        np.testing.assert_allclose(
            attached[name].to_numpy(float),
            [number(value) for value in values],
            rtol=TOLERANCE,
            atol=TOLERANCE,
            err_msg=name,
        )


def test_leave_one_out_loses_no_more_than_the_cancellation_in_floats():
    """Total less own is exact to eps times total / rest, whatever the numbers."""
    rows = fixed_panel(5, firms=60, years=2, missing=0.0)
    definition = sp.LinkageDefinition(leave_one_out=True)
    with quiet():
        got = sp.attach(frame_of(rows), linked(rows, fixed_table(), definition))["horizontal"]
    for row, value, wanted in zip(rows, got, oracle.leave_one_out(rows, definition), strict=True):
        total = sum(r.output for r in rows if (r.industry, r.year) == (row.industry, row.year))
        slack = 16 * np.finfo(float).eps * total / (total - row.output)
        assert abs(value - wanted) <= slack


def test_a_one_firm_industry_is_missing_not_zero_when_the_firm_is_left_out():
    rows = [
        oracle.FirmYear(1, 2000, "A", 10.0, 1.0, 0.0),
        oracle.FirmYear(2, 2000, "B", 10.0, 1.0, 0.0),
        oracle.FirmYear(3, 2000, "B", 30.0, 0.0, 0.0),
    ]
    links = linked(rows, fixed_table(), sp.LinkageDefinition(leave_one_out=True))
    with quiet():
        horizontal = sp.attach(frame_of(rows), links)["horizontal"]
    assert horizontal.isna().tolist() == [True, False, False]
    assert horizontal.tolist()[1:] == [0.0, 1.0]


def test_a_firm_that_does_not_count_sees_all_the_others():
    rows = [
        oracle.FirmYear(1, 2000, "A", 10.0, None, 0.0),
        oracle.FirmYear(2, 2000, "A", 10.0, 1.0, 0.0),
        oracle.FirmYear(3, 2000, "A", None, 0.5, 0.0),
        oracle.FirmYear(4, 2000, "A", 30.0, 0.0, 0.0),
    ]
    links = linked(rows, fixed_table(), sp.LinkageDefinition(leave_one_out=True))
    with quiet():
        horizontal = sp.attach(frame_of(rows), links)["horizontal"]
    assert horizontal.tolist() == [0.25, 0.0, 0.25, 1.0]


def test_no_firm_with_a_positive_weight_in_any_sector():
    """Every cell is unobserved; only the package's own warning may come out of it."""
    rows = [oracle.FirmYear(1, 2000, "A", 0.0, 1.0, 0.0)]
    with pytest.warns(sp.SpilloverWarning) as caught:
        links = sp.linkages(frame_of(rows), io_of(fixed_table()))
    assert [w.category for w in caught] == [sp.SpilloverWarning]
    assert links.data["horizontal"].isna().all()
    assert (links.data["backward"] == 0).all()
    assert not links.unobserved.isna().any(axis=None)


def test_imported_flows_have_no_output_to_be_divided_by():
    for denominator in ("output", "intermediate_and_final"):
        definition = sp.LinkageDefinition(flows="imported", denominator=denominator)
        with pytest.raises(sp.SchemaError, match="imported"):
            linked(fixed_panel(), fixed_table(), definition)

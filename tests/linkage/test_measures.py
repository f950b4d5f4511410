"""Every measure under every option against plain loops; the measures beyond Javorcik (2004)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

import spillover as sp
from spillover.iotables import shares

from . import oracle
from .panels import (
    ALL_MEASURES,
    SECTORS,
    ample_table,
    any_definition,
    build,
    frame_of,
    io_of,
    linked,
    placed_cases,
    placed_panel,
    quiet,
)

SETTINGS = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TOLERANCE = 1e-12


def number(value: float | None) -> float:
    return np.nan if value is None else value


def assert_as_in_the_loops(rows, tables, definition, setting, **options) -> sp.Linkages:
    links = build(rows, tables, definition, setting, measures=ALL_MEASURES, **options)
    tables = tables if isinstance(tables, dict) else {2000: tables}
    expected = oracle.every_measure(rows, tables, definition, setting)
    data = links.data if "region" in links.data else links.data.assign(region="")
    keys = list(zip(data["industry"], data["region"], data["year"], strict=True))
    assert sorted(keys) == sorted(expected)
    for name in ALL_MEASURES:
        columns = [name] if name == "horizontal" else [name, f"{name}_weight"]
        for place, column in enumerate(columns):
            wanted = [number(expected[key][name][place]) for key in keys]
            np.testing.assert_allclose(
                data[column].to_numpy(float), wanted, rtol=1e-11, atol=TOLERANCE, err_msg=column
            )
    return links


@SETTINGS
@given(case=placed_cases(), definition=any_definition)
def test_any_measure_of_any_definition(case, definition):
    rows, tables, setting = case
    assert_as_in_the_loops(rows, tables, definition, setting)


ROWS, TABLE = placed_panel(), ample_table()
OWN = ("exclude", "exclude_renormalised", "include", "only")


@pytest.mark.parametrize("unobserved", ["zero", "missing"])
@pytest.mark.parametrize("own", OWN)
def test_own_sector_rules_come_before_the_products(own, unobserved):
    definition = sp.LinkageDefinition(own_sector=own, unobserved=unobserved)
    assert_as_in_the_loops(ROWS, TABLE, definition, oracle.Setting())


def test_the_products_differ_from_a_diagonal_dropped_afterwards():
    """Chains may come back to the sector itself: j sells to k, k to foreign firms in j."""
    links = linked(ROWS, TABLE)
    A, S = links.exposure("backward", 2000), links.exposure("forward", 2000)
    with quiet():
        built = sp.linkages(frame_of(ROWS), io_of(TABLE), measures=ALL_MEASURES)
    assert (np.diag(A) == 0).all()
    for name, left in (("second_tier_backward", A), ("supply_backward", S)):
        matrix = built.exposure(name, 2000)
        np.testing.assert_allclose(matrix, left.to_numpy() @ A.to_numpy(), rtol=TOLERANCE)
        assert (np.diag(matrix) > 0).all()


def test_supply_backward_and_second_tier_are_not_the_same():
    links = build(ROWS, TABLE, sp.JAVORCIK_2004, measures=ALL_MEASURES)
    gap = (links.data["supply_backward"] - links.data["second_tier_backward"]).abs()
    assert (gap > 1e-3).any()


def three_sectors(flows, output=100.0) -> oracle.Table:
    """Return a table without imports whose sectors make ``output`` each."""
    final = [output - sum(row) for row in flows]
    return oracle.Table(list("ABC"), flows, [[0.0] * 3] * 3, final, [0.0] * 3)


FULL_C = [
    oracle.FirmYear(1, 2000, "A", 10.0, 0.0, 0.0),
    oracle.FirmYear(2, 2000, "B", 10.0, 0.0, 0.0),
    oracle.FirmYear(3, 2000, "C", 10.0, 1.0, 0.0),
]


def values(links: sp.Linkages, name: str) -> list[float]:
    return links.data.set_index("industry").loc[list("ABC"), name].tolist()


def test_a_chain_of_three_by_hand():
    """A sells 40 to B, B sells 50 to C, of 100 made by each; only C is foreign."""
    table = three_sectors([[0, 40, 0], [0, 0, 50], [0, 0, 0]])
    links = linked(FULL_C, table)
    with quiet():
        links = sp.linkages(frame_of(FULL_C), io_of(table), measures=ALL_MEASURES)
    assert values(links, "backward") == [0.0, 1.0, 0.0]
    assert values(links, "second_tier_backward") == [1.0, 0.0, 0.0]
    # B buys only from A, who sells to nobody foreign; C buys only from B, who sells to C
    assert values(links, "supply_backward") == [0.0, 0.0, 1.0]
    np.testing.assert_allclose(values(links, "total_backward"), [0.4 * 0.5, 0.5, 0.0], rtol=1e-15)
    assert values(links, "total_forward") == [0.0, 0.0, 0.0]  # C sells to nobody


def test_total_forward_by_hand():
    """C sells 30 to B and B sells 20 to A: A's inputs carry 0.2 × 0.3 of C."""
    table = three_sectors([[0, 0, 0], [20, 0, 0], [0, 30, 0]])
    with quiet():
        links = sp.linkages(frame_of(FULL_C), io_of(table), measures=ALL_MEASURES)
    np.testing.assert_allclose(values(links, "total_forward"), [0.2 * 0.3, 0.3, 0.0], rtol=1e-15)
    assert values(links, "forward") == [0.0, 1.0, 0.0]


def test_total_is_direct_where_customers_sell_nothing_on():
    table = three_sectors([[0, 10, 30], [0, 0, 0], [0, 0, 0]])
    definition = sp.LinkageDefinition(denominator="output")
    with quiet():
        links = sp.linkages(frame_of(FULL_C), io_of(table), definition, measures=ALL_MEASURES)
    np.testing.assert_allclose(
        values(links, "total_backward"), values(links, "backward"), rtol=1e-15
    )
    assert values(links, "total_backward")[0] == pytest.approx(0.3, rel=1e-15)


def test_without_intermediate_flows_nothing_is_linked():
    with quiet():
        links = sp.linkages(
            frame_of(FULL_C), io_of(three_sectors([[0.0] * 3] * 3)), measures=ALL_MEASURES
        )
    for name in ("total_backward", "total_forward"):
        total = links.data[name] + links.data["horizontal"]
        pd.testing.assert_series_equal(total, links.data["horizontal"], check_names=False)


def test_total_linkages_that_do_not_converge():
    """A table that sells all it makes as intermediates has no finite total."""
    flows = [[0.0, 50.0, 50.0], [50.0, 0.0, 50.0], [50.0, 50.0, 0.0]]
    table = three_sectors(flows)
    with pytest.raises(sp.SchemaError, match="do not converge"), quiet():
        sp.linkages(frame_of(FULL_C), io_of(table), measures=["total_backward"])
    assert values(linked(FULL_C, table), "backward") == [0.5, 0.5, 0.0]


# exclude_renormalised


@pytest.mark.parametrize("own", [1e6, 1e9, 1e12])
def test_a_large_own_flow_does_not_blur_the_other_shares(own):
    flows = np.array([[own, 0.3, 0.1], [0.2, own, 0.7], [0.7, 0.4, own]])
    rest = {"own_sector": "exclude_renormalised"}
    for matrix in (
        shares.supply_shares(flows, **rest),
        shares.supply_shares(flows, flows.sum(axis=1), **rest),
        shares.input_shares(flows, **rest),
    ):
        np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=0, atol=TOLERANCE)
    io = sp.IOTable.from_arrays(list("ABC"), domestic=flows, final_demand=[1, 1, 1], unit="EUR")
    alpha = io.supply_shares("domestic", own_sector="exclude_renormalised")
    np.testing.assert_allclose(alpha.sum(axis=1), 1.0, rtol=0, atol=TOLERANCE)
    assert alpha.loc["A", "B"] == pytest.approx(0.75, rel=1e-15)


def test_renormalised_rows_sum_to_one_and_excluded_ones_to_the_rest():
    io = io_of(TABLE)
    alpha = {own: io.supply_shares(own_sector=own) for own in OWN}
    np.testing.assert_allclose(alpha["exclude_renormalised"].sum(axis=1), 1.0, rtol=1e-14)
    np.testing.assert_allclose(
        alpha["exclude"].sum(axis=1), 1 - np.diag(alpha["include"]), rtol=1e-14
    )
    np.testing.assert_array_equal(alpha["exclude"] + alpha["only"], alpha["include"])


# Bounds and invariances

BOUNDED = ["horizontal", "backward", "forward", "supply_backward", "second_tier_backward"]


@settings(SETTINGS, max_examples=30)
@given(case=placed_cases(), definition=any_definition)
def test_shares_of_shares_stay_within_0_and_1(case, definition):
    """Where exports do not exceed output and flows are part of the denominator."""
    rows, tables, setting = case
    rows = [
        replace(r, exports=None if None in (r.output, r.exports) else min(r.output, r.exports))
        for r in rows
    ]
    definition = replace(definition, flows="domestic", stock=None)
    data = build(rows, tables, definition, setting, measures=BOUNDED).data
    found = data[BOUNDED].to_numpy()
    assert np.nanmin(found, initial=0.0) >= 0
    assert np.nanmax(found, initial=0.0) <= 1 + TOLERANCE
    for name in BOUNDED[1:]:
        assert (data[name].fillna(0) <= data[f"{name}_weight"] + TOLERANCE).all()


def same(left: sp.Linkages, right: sp.Linkages) -> None:
    pd.testing.assert_frame_equal(left.data, right.data, rtol=TOLERANCE, atol=TOLERANCE)


@settings(SETTINGS, max_examples=15)
@given(case=placed_cases(), definition=any_definition)
def test_currency_order_and_split_firms_do_not_matter(case, definition):
    rows, tables, setting = case
    base = build(rows, tables, definition, setting, measures=ALL_MEASURES)
    same(build(rows[::-1], tables, definition, setting, measures=ALL_MEASURES), base)
    money = {
        "output": lambda r: r.output and r.output * 1024,
        "exports": lambda r: r.exports and r.exports * 1024,
    }
    dearer = [replace(r, **{name: make(r) for name, make in money.items()}) for r in rows]
    scaled = {
        year: replace(
            t,
            domestic=[[z * 8 for z in row] for row in t.domestic],
            imported=[[z * 8 for z in row] for row in t.imported],
            final_demand=[f * 8 for f in t.final_demand],
            exports=[e * 8 for e in t.exports],
        )
        for year, t in tables.items()
    }
    same(build(dearer, scaled, definition, setting, measures=ALL_MEASURES), base)
    if definition.weight == "none" or getattr(definition.foreign, "column", "") == "employment":
        return  # a firm in two halves is two firms, each of half the size
    halves = [
        replace(
            r,
            firm=r.firm + shift,
            output=r.output and r.output / 2,
            exports=r.exports and r.exports / 2,
            employment=r.employment and r.employment / 2,
        )
        for r in rows
        for shift in (0, 1000)
    ]
    split = build(halves, tables, definition, setting, measures=ALL_MEASURES)
    pd.testing.assert_frame_equal(
        split.data.drop(columns="firms"),
        base.data.drop(columns="firms"),
        rtol=TOLERANCE,
        atol=TOLERANCE,
    )


def test_sectors_that_deal_with_themselves_only():
    """Backward then is Horizontal, but what is unobserved counts as zero, as it was asked."""
    table = three_sectors([[10.0, 0, 0], [0, 20.0, 0], [0, 0, 30.0]])
    rows = FULL_C[1:]
    data = linked(rows, table, sp.LinkageDefinition(own_sector="include")).data
    assert data["horizontal"].isna().tolist() == [True, False, False]
    assert data["backward"].tolist() == [0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"measures": "backward"}, r"must be a list"),
        ({"measures": ["bakward"]}, r"Did you mean 'backward'"),
        ({"measures": ["backward", "backward"]}, r"different"),
        ({"measures": []}, r"list of different measures"),
        ({"controls": ["hhi"]}, r"controls='hhi' is not an option"),
        ({"controls": "demand"}, r"must be a list"),
    ],
)
def test_measures_and_controls_that_do_not_exist(arguments, message):
    with quiet(), pytest.raises(sp.SchemaError, match=message):
        sp.linkages(frame_of(FULL_C), io_of(three_sectors([[0.0] * 3] * 3)), **arguments)


def test_every_measure_says_what_it_is():
    assert tuple(sp.MEASURES) == oracle.BUILT
    for measure in sp.MEASURES.values():
        assert measure.meaning
        assert measure.source
        assert measure.kind in {"plain", "sourced", "net"}


def test_a_product_that_is_only_imported_has_no_output_to_divide_by():
    """Textbook measures divide by intermediate flows; a zero output does not stop them."""
    io = sp.IOTable.from_arrays(
        SECTORS[:2],
        domestic=[[0.0, 0.0], [0.0, 5.0]],
        imported=[[0.0, 3.0], [0.0, 1.0]],
        final_demand=[0.0, 5.0],
        unit="EUR",
    )
    assert io.output.tolist() == [0.0, 10.0]
    rows = [FULL_C[0], replace(FULL_C[2], industry="B")]
    data = sp.linkages(frame_of(rows), io, controls=["demand"]).data
    assert data["backward"].tolist() == [1.0, 0.0]
    np.testing.assert_allclose(data["demand"], [10 * 0.3, 10 * 0.6], rtol=1e-15)
    with pytest.raises(sp.SchemaError, match="output is zero"):
        sp.linkages(frame_of(rows), io, measures=["total_backward"])

"""LinkageDefinition, the invariants of the measures, the report of lost weight."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from itertools import product

import numpy as np
import pandas as pd
import pytest

import spillover as sp

from .oracle import FirmYear, Table
from .panels import CHANGES, fixed_panel, fixed_table, frame_of, io_of, linked, name_of, quiet

ROWS, TABLE = fixed_panel(), fixed_table()
TOLERANCE = 1e-12


def cells(links: sp.Linkages, name: str) -> pd.DataFrame:
    """Return a measure as a table of sectors by years, sectors in the table's order."""
    return links.data.pivot_table(
        index="industry", columns="year", values=name, sort=False, dropna=False
    )


# The definition itself


def test_the_defaults_are_javorcik_2004():
    assert sp.LinkageDefinition() == sp.JAVORCIK_2004
    stated = {
        "weight": "output",
        "threshold": None,
        "leave_one_out": False,
        "own_sector": "exclude",
        "flows": "total",
        "denominator": "intermediate",
        "forward_exports": "net",
    }
    assert {name: getattr(sp.JAVORCIK_2004, name) for name in stated} == stated


def test_it_is_frozen_hashable_and_comparable():
    definition = sp.LinkageDefinition(threshold=0.1)
    with pytest.raises(FrozenInstanceError):
        definition.threshold = 0.5
    assert {definition: 1}[sp.LinkageDefinition(threshold=0.1)] == 1
    assert definition != sp.JAVORCIK_2004
    assert replace(definition, threshold=None) == sp.JAVORCIK_2004


def test_arguments_are_named():
    with pytest.raises(TypeError):
        sp.LinkageDefinition("output")


@pytest.mark.parametrize(
    ("option", "value", "hint"),
    [
        ("weight", "ouput", "Did you mean 'output'"),
        ("own_sector", "excluded", "Did you mean 'exclude'"),
        ("flows", "home", "Choose from 'total'"),
        ("denominator", "final", "intermediate"),
        ("forward_exports", "nett", "Did you mean 'net'"),
        ("unobserved", "nan", "zero"),
    ],
)
def test_unknown_options_are_refused_with_a_hint(option, value, hint):
    with pytest.raises(sp.SchemaError, match=f"{option}='{value}' is not an option") as caught:
        sp.LinkageDefinition(**{option: value})
    assert hint in str(caught.value)


@pytest.mark.parametrize("value", [0, -0.1, 1.01, 10, np.nan, np.inf])
def test_thresholds_are_shares(value):
    with pytest.raises(sp.SchemaError, match="threshold="):
        sp.LinkageDefinition(threshold=value)


@pytest.mark.parametrize("value", ["0.1", "majority", [0.1]])
def test_thresholds_are_numbers(value):
    with pytest.raises(sp.SchemaError, match="threshold="):
        sp.LinkageDefinition(threshold=value)


@pytest.mark.parametrize("value", ["no", 2, None])
def test_leave_one_out_is_yes_or_no(value):
    with pytest.raises(sp.SchemaError, match="leave_one_out="):
        sp.LinkageDefinition(leave_one_out=value)


def test_every_definition_has_its_own_description():
    options = {
        "weight": ["output", "employment", "capital", "none"],
        "threshold": [None, 0.1, 0.25, 0.5],
        "leave_one_out": [False, True],
        "own_sector": ["exclude", "exclude_renormalised", "include", "only"],
        "flows": ["total", "domestic", "imported"],
        "denominator": ["intermediate", "intermediate_and_final", "output"],
        "forward_exports": ["net", "gross"],
        "unobserved": ["zero", "missing"],
    }
    texts = [
        sp.LinkageDefinition(**dict(zip(options, values, strict=True))).describe()
        for values in product(*options.values())
    ]
    assert len(set(texts)) == len(texts) == 4 * 4 * 2 * 4 * 3 * 3 * 2 * 2


def test_the_result_keeps_its_definition():
    definition = sp.LinkageDefinition(threshold=0.1, own_sector="include")
    links = linked(ROWS, TABLE, definition)
    assert links.definition == definition
    assert definition.describe() in repr(links)


@pytest.mark.parametrize("other", ["Javorcik (2004)", None, {"weight": "output"}])
def test_something_else_instead_of_a_definition(other):
    with pytest.raises(sp.SchemaError, match="definition"):
        linked(ROWS, TABLE, other)


def test_something_else_instead_of_a_table():
    with quiet(), pytest.raises(sp.SchemaError, match="io"):
        sp.linkages(frame_of(ROWS), np.eye(5))


def test_columns_that_the_definition_needs():
    frame = frame_of(fixed_panel(missing=0.0))
    table = io_of(fixed_table(sectors=("A", "B", "C", "D")))
    with pytest.raises(sp.SchemaError, match=r"needs the column 'employment'"):
        sp.linkages(
            frame.drop(columns="employment"), table, sp.LinkageDefinition(weight="employment")
        )
    without = frame.drop(columns="exports")
    with pytest.raises(sp.SchemaError, match="forward_exports='gross'"):
        sp.linkages(without, table)
    gross = sp.LinkageDefinition(forward_exports="gross")
    pd.testing.assert_frame_equal(
        sp.linkages(without, table, gross).data, sp.linkages(frame, table, gross).data
    )
    sp.linkages(without, table, sp.LinkageDefinition(weight="employment"))


def test_industries_that_are_no_sectors():
    frame = frame_of([*ROWS, FirmYear(99, 2000, "Q", 1.0, 0.0, 0.0)])
    with quiet(), pytest.raises(sp.ConcordanceError, match=r"1 of 5 industries .*'Q' \(1 row\)"):
        sp.linkages(frame, io_of(TABLE))


# Invariants (numbers as in the note on linkage measures)


def test_1_rows_of_alpha_and_sigma_sum_to_one_less_the_own_share():
    Z = np.array(TABLE.domestic) + np.array(TABLE.imported)
    own_sales, own_inputs = np.diag(Z) / Z.sum(axis=1), np.diag(Z) / Z.sum(axis=0)
    for own_sector, alpha_sum, sigma_sum in [
        ("include", 1, 1),
        ("exclude", 1 - own_sales, 1 - own_inputs),
        ("exclude_renormalised", 1, 1),
        ("only", own_sales, own_inputs),
    ]:
        links = linked(ROWS, TABLE, sp.LinkageDefinition(own_sector=own_sector))
        np.testing.assert_allclose(links.supply_shares.sum(axis=1), alpha_sum, rtol=TOLERANCE)
        np.testing.assert_allclose(links.input_shares.sum(axis=1), sigma_sum, rtol=TOLERANCE)


@pytest.mark.parametrize("change", CHANGES, ids=name_of)
def test_2_measures_lie_between_zero_and_one(change):
    """Where shares do not sum to more than one and nobody exports more than he makes."""
    rows = [r for r in ROWS if None in (r.exports, r.output) or r.exports <= r.output]
    data = linked(rows, TABLE, sp.LinkageDefinition(**change)).data
    for name in ("horizontal", "backward", "forward", "backward_weight", "forward_weight"):
        known = data[name].dropna()
        assert known.between(-TOLERANCE, 1 + TOLERANCE).all(), name
    assert (data["backward"].fillna(0) <= data["backward_weight"] + TOLERANCE).all()
    assert (data["forward"].fillna(0) <= data["forward_weight"] + TOLERANCE).all()


def test_3_full_and_shared_ownership_add_up_to_all_foreign_firms():
    """Firms are told apart by recoding the others to domestic, so that denominators stay."""

    def only(keep):
        return [
            row
            if row.foreign_share is None or keep(row.foreign_share)
            else replace(row, foreign_share=0.0)
            for row in ROWS
        ]

    definition = sp.LinkageDefinition(threshold=0.1)
    both = linked(ROWS, TABLE, definition).data
    full = linked(only(lambda fs: fs >= 0.99), TABLE, definition).data
    shared = linked(only(lambda fs: 0.1 <= fs < 0.99), TABLE, definition).data
    assert full["horizontal"].max() > 0
    assert shared["horizontal"].max() > 0
    for name in ("horizontal", "backward", "forward"):
        np.testing.assert_allclose(full[name] + shared[name], both[name], rtol=TOLERANCE)


@pytest.mark.parametrize("denominator", ["intermediate", "intermediate_and_final", "output"])
@pytest.mark.parametrize("own_sector", ["exclude", "exclude_renormalised", "include", "only"])
def test_4_equal_presence_everywhere_makes_backward_a_row_sum(own_sector, denominator):
    c = 0.37
    rows = [
        FirmYear(i, 2000, sector, 10.0 + i, c, 1.0) for i, sector in enumerate(TABLE.sectors * 3)
    ]
    definition = sp.LinkageDefinition(
        own_sector=own_sector, denominator=denominator, flows="domestic"
    )
    links = linked(rows, TABLE, definition)
    data = links.data
    np.testing.assert_allclose(data["horizontal"], c, rtol=TOLERANCE)
    np.testing.assert_allclose(
        data["backward"], c * links.supply_shares.sum(axis=1), rtol=TOLERANCE
    )
    np.testing.assert_allclose(data["forward"], c * links.input_shares.sum(axis=1), rtol=TOLERANCE)


def test_own_sector_in_less_own_sector_out_is_the_own_part():
    inside = linked(ROWS, TABLE, sp.LinkageDefinition(own_sector="include"))
    outside = linked(ROWS, TABLE)
    only = linked(ROWS, TABLE, sp.LinkageDefinition(own_sector="only"))
    own_sales = np.diag(inside.supply_shares)[:, None]
    own = own_sales * cells(inside, "horizontal").fillna(0)
    difference = cells(inside, "backward") - cells(outside, "backward")
    np.testing.assert_allclose(difference, own, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(cells(only, "backward"), own, rtol=TOLERANCE)
    np.testing.assert_allclose(
        cells(inside, "forward") - cells(outside, "forward"),
        cells(only, "forward"),
        rtol=0,
        atol=TOLERANCE,
    )


def test_renormalising_scales_by_one_less_the_own_share():
    plain = linked(ROWS, TABLE)
    scaled = linked(ROWS, TABLE, sp.LinkageDefinition(own_sector="exclude_renormalised"))
    Z = np.array(TABLE.domestic) + np.array(TABLE.imported)
    for name, own in (
        ("backward", np.diag(Z) / Z.sum(axis=1)),
        ("forward", np.diag(Z) / Z.sum(axis=0)),
    ):
        np.testing.assert_allclose(
            cells(scaled, name), cells(plain, name).div(1 - own, axis=0), rtol=TOLERANCE
        )


@pytest.mark.parametrize("change", CHANGES, ids=name_of)
def test_weights_are_the_measures_when_everyone_is_foreign(change):
    rows = [r if r.foreign_share is None else replace(r, foreign_share=1.0) for r in ROWS]
    definition = sp.LinkageDefinition(**{**change, "unobserved": "zero"})
    data = linked(rows, TABLE, definition).data
    np.testing.assert_allclose(data["horizontal"].dropna(), 1, rtol=TOLERANCE)
    np.testing.assert_allclose(data["backward"], data["backward_weight"], rtol=TOLERANCE)
    np.testing.assert_allclose(data["forward"], data["forward_weight"], rtol=TOLERANCE)


def test_measures_are_missing_exactly_where_they_lean_on_unobserved_sectors():
    zero = linked(ROWS, TABLE).data
    data = linked(ROWS, TABLE, sp.LinkageDefinition(unobserved="missing")).data
    for name, shares in (("backward", "supply_shares"), ("forward", "input_shares")):
        full = getattr(linked(ROWS, TABLE), shares).sum(axis=1).to_numpy().repeat(3)
        leans = zero[f"{name}_weight"].to_numpy() < full - 1e-9
        assert data[name].isna().tolist() == leans.tolist()
        kept = ~leans
        np.testing.assert_allclose(data.loc[kept, name], zero.loc[kept, name], rtol=TOLERANCE)


def test_exports_matter_for_forward_only():
    rows = [replace(r, exports=None if r.exports is None else r.exports / 3) for r in ROWS]
    base, other = linked(ROWS, TABLE).data, linked(rows, TABLE).data
    pd.testing.assert_frame_equal(base.drop(columns="forward"), other.drop(columns="forward"))
    assert not np.allclose(base["forward"], other["forward"])


def test_without_exports_net_is_gross():
    rows = [replace(r, exports=0.0) for r in ROWS]
    gross = linked(rows, TABLE, sp.LinkageDefinition(forward_exports="gross")).data
    pd.testing.assert_frame_equal(linked(rows, TABLE).data, gross)


def test_aggregating_sectors_changes_the_measures_by_the_exact_formula():
    """H of the merged sector is the weight-average; the measure of a third sector is not kept."""
    rows = [r for r in fixed_panel(missing=0.0) if r.year == 2000]
    table = fixed_table(sectors=("A", "B", "C", "D"))
    merged = [replace(r, industry="A" if r.industry == "B" else r.industry) for r in rows]
    M = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    small = Table(
        ["A", "C", "D"],
        (M @ np.array(table.domestic) @ M.T).tolist(),
        (M @ np.array(table.imported) @ M.T).tolist(),
        (M @ np.array(table.final_demand)).tolist(),
        (M @ np.array(table.exports)).tolist(),
    )
    fine = linked(rows, table)
    coarse = linked(merged, small).data.set_index("industry")
    H = fine.data.set_index("industry")["horizontal"]
    total = fine.cells.set_index("industry")["total"]
    average = (H["A"] * total["A"] + H["B"] * total["B"]) / (total["A"] + total["B"])
    assert coarse.loc["A", "horizontal"] == pytest.approx(average, rel=TOLERANCE)
    alpha = fine.supply_shares.loc["C"]
    by_hand = (alpha["A"] + alpha["B"]) * average + alpha["D"] * H["D"]
    assert coarse.loc["C", "backward"] == pytest.approx(by_hand, rel=TOLERANCE)
    before = fine.data.set_index("industry").loc["C", "backward"]
    assert abs(coarse.loc["C", "backward"] - before) > 1e-4


# The report of lost weight, by hand. Sales of A: 1/8 to itself, 3/4 to F, 1/8 to M; of F: 1/5 to A,
# 3/10 to M. Inputs of A: 1/3 from F, 1/2 from M; of F: 2/5 from A, 4/15 from M.

SMALL = sp.IOTable.from_arrays(
    ["A", "F", "M"], total=[[10, 60, 10], [20, 50, 30], [30, 40, 50]], output=[200] * 3, unit="EUR"
)
BOTH_YEARS = [
    FirmYear(1, 2000, "A", 60.0, 0.5, 0.0),
    FirmYear(1, 2001, "A", 60.0, 0.5, 0.0),
    FirmYear(2, 2001, "F", 60.0, 0.5, 0.0),
]


def test_lost_weight_in_numbers():
    """M is never seen, F in one of two years; averages over A and F (the sectors with firms).

    Backward: M (1/8 + 3/10) / 2 = 17/80, F (3/4 + 0) / 2 * 1/2 = 15/80, together 40.0 %.
    Forward: M (1/2 + 4/15) / 2 = 23/60, F (1/3 + 0) / 2 * 1/2 = 5/60, together 46.7 %.
    """
    with pytest.warns(sp.SpilloverWarning) as caught:
        links = sp.linkages(frame_of(BOTH_YEARS), SMALL)
    assert len(caught) == 1
    text = str(caught[0].message)
    assert caught[0].filename == __file__, "the warning points at the caller"
    assert text.startswith("2 sectors of the table have no usable firm data in at least one year")
    assert "'F', 'M'" in text
    assert "zero foreign presence" in text
    assert "40.0% of the supply shares and 46.7% of the input shares" in text
    lost = links.unobserved.set_index("industry")
    assert lost.index.tolist() == ["F", "M"]
    assert lost["years"].tolist() == [1, 2]
    np.testing.assert_allclose(lost["backward_share"], [15 / 80, 17 / 80], rtol=TOLERANCE)
    np.testing.assert_allclose(lost["forward_share"], [5 / 60, 23 / 60], rtol=TOLERANCE)


def test_observed_weights_in_numbers():
    with quiet():
        data = sp.linkages(frame_of(BOTH_YEARS), SMALL).data
    by_cell = data.set_index(["industry", "year"])
    np.testing.assert_allclose(by_cell.loc["A", "backward_weight"], [0, 3 / 4], rtol=TOLERANCE)
    np.testing.assert_allclose(by_cell.loc["F", "backward_weight"], [1 / 5, 1 / 5], rtol=TOLERANCE)
    np.testing.assert_allclose(by_cell.loc["A", "forward_weight"], [0, 1 / 3], rtol=TOLERANCE)
    np.testing.assert_allclose(
        by_cell.loc["M", "forward_weight"], [1 / 9, 1 / 9 + 1 / 3], rtol=TOLERANCE
    )


def test_lost_weight_of_sectors_without_usable_exports():
    """F reports output but no exports: it counts in Backward, and is lost to Forward both years.

    Forward: M 23/60, F (1/3 + 0) / 2 = 10/60, together 55.0 %.
    """
    rows = [replace(r, exports=None) if r.industry == "F" else r for r in BOTH_YEARS]
    with pytest.warns(sp.SpilloverWarning) as caught:
        links = sp.linkages(frame_of(rows), SMALL)
    texts = [str(warning.message) for warning in caught]
    assert any("40.0% of the supply shares and 55.0% of the input" in text for text in texts)
    lost = links.unobserved.set_index("industry")
    assert lost["years"].tolist() == [2, 2]
    np.testing.assert_allclose(lost["backward_share"], [15 / 80, 17 / 80], rtol=TOLERANCE)
    np.testing.assert_allclose(lost["forward_share"], [10 / 60, 23 / 60], rtol=TOLERANCE)
    weights = links.data.set_index(["industry", "year"])["forward_weight"]
    np.testing.assert_allclose(weights["A"], [0, 0], atol=TOLERANCE)
    np.testing.assert_allclose(weights["M"], [1 / 9, 1 / 9], rtol=TOLERANCE)


def test_lost_weight_says_what_missing_does():
    definition = sp.LinkageDefinition(unobserved="missing")
    with pytest.warns(sp.SpilloverWarning, match="Measures that lean on them are missing"):
        sp.linkages(frame_of(BOTH_YEARS), SMALL, definition)


def test_nothing_is_said_when_nothing_is_lost():
    rows = [FirmYear(i, 2000, sector, 10.0, 0.5, 0.0) for i, sector in enumerate("AFM")]
    links = sp.linkages(frame_of(rows), SMALL)  # a SpilloverWarning would be an error here
    assert links.unobserved.empty


def test_missing_exports_do_not_pass_in_silence():
    """One of A's two firms lacks exports: it is left out of HN, and the reader is told."""
    rows = [
        FirmYear(1, 2000, "A", 60.0, 0.0, 0.0),
        FirmYear(2, 2000, "A", 40.0, 0.5, None),
        FirmYear(3, 2000, "F", 60.0, 0.5, 0.0),
        FirmYear(4, 2000, "M", 60.0, 0.5, 0.0),
    ]
    with pytest.warns(sp.SpilloverWarning, match="exports"):
        sp.linkages(frame_of(rows), SMALL)

"""IOTable: validation, identities, balance, aggregation, printing."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spillover.errors import ConcordanceError, SchemaError, SpilloverWarning
from spillover.iotables import Concordance, IOTable
from spillover.iotables.table import FLOWS

SECTORS = ["food", "steel", "cars"]
DOMESTIC = np.array([[10.0, 0.0, 5.0], [4.0, 20.0, 30.0], [1.0, 2.0, 8.0]])
IMPORTED = np.array([[1.0, 2.0, 0.0], [0.0, 5.0, 9.0], [0.0, 0.0, 3.0]])
FINAL = np.array([60.0, 3.0, 70.0])
EXPORTS = np.array([5.0, 20.0, 40.0])


def make(**changes: Any) -> IOTable:
    pieces: dict[str, Any] = {
        "sectors": SECTORS,
        "domestic": DOMESTIC,
        "imported": IMPORTED,
        "final_demand": FINAL,
        "exports": EXPORTS,
        "unit": "million EUR",
        "country": "XYZ",
        "year": 2000,
    }
    pieces |= changes
    return IOTable.from_arrays(pieces.pop("sectors"), **pieces)


def test_total_and_output_follow() -> None:
    io = make()
    np.testing.assert_array_equal(io.flows(), DOMESTIC + IMPORTED)
    np.testing.assert_array_equal(io.output, [80, 77, 121])
    assert io.separates_imports
    np.testing.assert_array_equal(make(imported=None, total=DOMESTIC + IMPORTED).imported, IMPORTED)
    by_difference = make(domestic=None, total=DOMESTIC + IMPORTED)
    np.testing.assert_array_equal(by_difference.flows("domestic"), DOMESTIC)


def test_output_of_a_total_table_is_less_imports() -> None:
    imports = IMPORTED.sum(axis=1) + 2.0
    io = make(domestic=None, imported=None, total=DOMESTIC + IMPORTED, imports=imports)
    expected = (DOMESTIC + IMPORTED).sum(axis=1) + FINAL + EXPORTS - imports
    np.testing.assert_allclose(io.output, expected)
    assert not io.balance()["gap"].any()
    assert not io.separates_imports


def test_arrays_are_read_only_copies() -> None:
    own = DOMESTIC.copy()
    io = make(domestic=own)
    own[0, 0] = -1
    assert io.flows("domestic")[0, 0] == 10
    for name in ("domestic", "imported", "total", "final_demand", "exports", "output"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(io, name)[0] = 0
    with pytest.raises(AttributeError):
        io.unit = "x"  # type: ignore[misc]


def test_equal_by_identity_and_hashable() -> None:
    io = make()
    assert io == io
    assert io != make()
    assert len({io, make()}) == 2


def test_labelled_input_is_aligned() -> None:
    moved = ["cars", "food", "steel"]
    frame = pd.DataFrame(DOMESTIC, SECTORS, SECTORS).loc[moved, reversed(moved)]
    io = make(domestic=frame, final_demand=pd.Series(FINAL, SECTORS).loc[moved])
    np.testing.assert_array_equal(io.flows("domestic"), DOMESTIC)
    np.testing.assert_array_equal(io.final_demand, FINAL)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"sectors": ["food", "food", "cars"]}, r"occur more than once: 'food'"),
    ({"sectors": ["food", " ", "cars"]}, r"1 sector code\(s\) are blank \(positions 1\)"),
    ({"sectors": ["food", None, "cars"]}, r"are blank"),
    ({"sectors": []}, r"no sector at all"),
    ({"sectors": "food"}, r"sectors is one text"),
    ({"domestic": DOMESTIC[:2]}, r"domestic has shape \(2, 3\); 3 sectors need \(3, 3\)"),
    ({"exports": [1.0]}, r"exports has shape \(1,\)"),
    ({"output": [1.0, np.nan, 2.0]}, r"output has 1 missing or infinite .*steel"),
    ({"imported": np.full((3, 3), np.inf)}, r"9 missing or infinite value.*food→food"),
    ({"final_demand": ["a", "b", "c"]}, r"final_demand is not numeric"),
    ({"domestic": None, "imported": None}, r"give domestic or total"),
    ({"unit": " "}, r"unit is empty"),
    ({"total": DOMESTIC}, r"total differs from domestic \+ imported by up to 9"),
    (
        {"domestic": DOMESTIC - 2},
        r"domestic has 2 negative flow\(s\), the smallest -2.*negative='keep'",
    ),
    ({"output": [0.0, 77.0, 121.0]}, r"1 sector\(s\) deliver domestic flows .*food"),
    ({"output": [-1.0, 77.0, 121.0]}, r"output is negative in 1 sector\(s\): food"),
    (
        {"domestic": pd.DataFrame(DOMESTIC, SECTORS, ["food", "steel", "boats"])},
        r"columns of domestic lacks 1 sector\(s\): 'cars' and has 1 .*'boats'",
    ),
    ({"exports": pd.Series(EXPORTS, ["food", "steel", "x"])}, r"exports lacks .*'cars'"),
    ({"negative": "drop"}, r"negative='drop' is not an option"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_bad_input_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        make(**changes)


def test_all_problems_at_once() -> None:
    with pytest.raises(SchemaError) as caught:
        make(sectors=["a", "a", "b"], domestic=DOMESTIC[:2], exports=[np.nan, 0, 0], unit="")
    text = str(caught.value)
    assert "4 problems" in text
    assert re.search(r"1\. .*once.*\n.*2\. domestic.*\n.*3\. exports.*\n.*4\. unit", text)


def test_final_demand_may_be_negative() -> None:
    assert make(final_demand=[-1.0, 3.0, 70.0]).output[0] == 19


def test_negative_flows_are_kept_with_a_warning() -> None:
    negative = DOMESTIC.copy()
    negative[0, 1] = -0.5
    with pytest.warns(SpilloverWarning, match=r"domestic has 1 negative.*'food', 'steel'") as seen:
        io = make(domestic=negative, negative="keep")
    assert len(seen) == 1
    assert seen[0].filename == __file__
    assert io.flows("domestic")[0, 1] == -0.5


def test_zero_output_rows() -> None:
    Z = np.array([[0.0, 0.0], [0.0, 3.0]])
    io = IOTable.from_arrays(["a", "b"], domestic=Z, final_demand=[0, 1], unit="m")
    assert io.idle_sectors == ("a",)
    assert io.supply_shares("domestic", own_sector="include").to_numpy().tolist() == [
        [0, 0],
        [0, 1],
    ]
    # a product that is only imported: total flows without domestic output
    total = np.array([[0.0, 2.0], [1.0, 3.0]])
    oil = IOTable.from_arrays(
        ["a", "b"], total=total, imports=[2, 0], final_demand=[0, 1], unit="m"
    )
    assert oil.output.tolist() == [0, 5]


def test_zero_output_total_without_imports_is_refused() -> None:
    with pytest.raises(SchemaError, match="deliver total flows"):
        IOTable.from_arrays(["a", "b"], total=np.ones((2, 2)), output=[0, 3], unit="m")


def test_unknown_flows_are_refused() -> None:
    total = make(domestic=None, imported=None, total=DOMESTIC)
    with pytest.raises(SchemaError, match=r"does not separate .* Use flows='total'"):
        total.supply_shares("domestic")
    domestic = make(imported=None)
    with pytest.raises(SchemaError, match=r"holds domestic flows only.* Use flows='domestic'"):
        domestic.input_shares()
    with pytest.raises(SchemaError, match="Did you mean 'domestic'"):
        domestic.flows("domestc")  # type: ignore[arg-type]


def test_denominators() -> None:
    io = make()
    for name, d in (
        ("intermediate", DOMESTIC.sum(axis=1)),
        ("intermediate_and_final", DOMESTIC.sum(axis=1) + FINAL),
        ("output", io.output),
    ):
        got = io.supply_shares("domestic", name, "include")  # type: ignore[arg-type]
        np.testing.assert_allclose(got.to_numpy(), DOMESTIC / d[:, None], rtol=1e-14)
        assert got.index.tolist() == got.columns.tolist() == SECTORS
    with pytest.raises(SchemaError, match="imported flows are no part"):
        io.supply_shares("imported", "output")
    with pytest.raises(SchemaError, match="Did you mean 'output'"):
        io.supply_shares("imported", "outputs")  # type: ignore[arg-type]


def test_shares_above_one_are_announced() -> None:
    io = make(imported=IMPORTED + np.array([[100.0], [0.0], [0.0]]))
    with pytest.warns(SpilloverWarning, match=r"denominator='output' in 1 .*'food'") as seen:
        io.supply_shares("total", "output")
    assert seen[0].filename == __file__


def test_coefficients_and_inverses_are_labelled() -> None:
    io = make()
    A, B = io.technical_coefficients("domestic"), io.allocation_coefficients("domestic")
    np.testing.assert_allclose(A, DOMESTIC / io.output[None, :])
    np.testing.assert_allclose(B, DOMESTIC / io.output[:, None])
    final = pd.Series(FINAL + EXPORTS, SECTORS)
    np.testing.assert_allclose(io.leontief("domestic").dot(final), io.output)
    value_added = io.output - DOMESTIC.sum(axis=0)
    np.testing.assert_allclose(value_added @ io.ghosh("domestic"), io.output)


def test_value_added() -> None:
    io = make()
    expected = io.output - (DOMESTIC + IMPORTED).sum(axis=0)
    assert io.value_added().to_dict() == dict(zip(SECTORS, expected, strict=True))
    domestic_only = make(imported=None).value_added()
    np.testing.assert_allclose(domestic_only, io.output - DOMESTIC.sum(axis=0))


def test_balance_frame() -> None:
    frame = make(output=[80.0, 77.0, 242.0]).balance()
    assert frame.columns.tolist() == [
        "sector",
        "output",
        "uses",
        "gap",
        "relative_gap",
        "value_added",
    ]
    assert frame["gap"].tolist() == [0, 0, 121]
    assert frame["relative_gap"].tolist() == [0, 0, 0.5]


def test_check_balance_names_the_worst() -> None:
    io = make(output=[81.0, 77.0, 242.0])
    with pytest.raises(SchemaError, match=r"in 1 of 3 sectors .*cars \(output 242, uses 121\)"):
        io.check_balance()
    io.check_balance(absolute=121)
    io.check_balance(0.5)
    with pytest.raises(SchemaError, match="must not be negative"):
        io.check_balance(-1)


def test_check_balance_recognises_a_transposed_table() -> None:
    io = make(domestic=DOMESTIC.T, imported=IMPORTED.T, output=[80.0, 77.0, 121.0])
    with pytest.raises(SchemaError, match="looks transposed: rows must supply and columns use"):
        io.check_balance()


def test_missing_imports_are_suspected() -> None:
    io = make(domestic=None, imported=None, total=DOMESTIC + IMPORTED, output=[80.0, 77.0, 121.0])
    with pytest.raises(SchemaError, match="give imports="):
        io.check_balance()


def test_negative_value_added_is_flagged() -> None:
    io = make(final_demand=[60.0, 3.0, 0.0], exports=[5.0, 20.0, 0.0])
    with pytest.warns(SpilloverWarning, match=r"value added is negative in 1 .*'cars'") as seen:
        io.check_balance()
    assert seen[0].filename == __file__


GROUPS = Concordance.from_mapping({"food": "light", "steel": "heavy", "cars": "heavy"})


def test_aggregation_adds_up() -> None:
    io = make(labels={"food": "Food", "heavy": "Heavy"})
    coarse = io.aggregate(GROUPS)
    assert coarse.sectors == ("light", "heavy")
    np.testing.assert_array_equal(coarse.flows("domestic"), [[10, 5], [5, 60]])
    np.testing.assert_array_equal(coarse.output, [80, 198])
    assert not coarse.balance()["gap"].any()
    assert coarse.labels == {"heavy": "Heavy"}
    parts = coarse.flows("domestic") + coarse.flows("imported")
    np.testing.assert_array_equal(coarse.flows(), parts)


def test_aggregation_needs_every_sector() -> None:
    partial = Concordance.from_mapping({"food": "light"}, source_name="old", target_name="new")
    with pytest.raises(ConcordanceError, match=r"2 of 3 .* old → new: 'steel', 'cars'"):
        make().aggregate(partial)


def test_weighted_aggregation_splits_rows_and_columns() -> None:
    split = Concordance.from_mapping(
        {"food": "a", "steel": {"a": 0.25, "b": 0.75}, "cars": "b"},
    )
    coarse = make().aggregate(split)
    W = np.array([[1, 0], [0.25, 0.75], [0, 1]])
    for name in FLOWS:
        Z = make().flows(name)
        loops = np.zeros((2, 2))
        for i in range(3):
            for j in range(3):
                for a in range(2):
                    for b in range(2):
                        loops[a, b] += W[i, a] * Z[i, j] * W[j, b]
        np.testing.assert_allclose(coarse.flows(name), loops, rtol=1e-14)
    assert coarse.output.sum() == pytest.approx(make().output.sum(), rel=1e-14)


positive = st.floats(0.0, 1e6, allow_subnormal=False)


@given(
    arrays(np.float64, (4, 4), elements=positive),
    arrays(np.float64, (4,), elements=st.floats(1, 1e6)),
    st.lists(st.sampled_from("AB"), min_size=4, max_size=4),
)
def test_aggregation_keeps_the_row_identity(Z: Any, final: Any, targets: list[str]) -> None:
    io = IOTable.from_arrays(list("wxyz"), domestic=Z, final_demand=final, unit="m")
    groups = Concordance.from_mapping(dict(zip("wxyz", targets, strict=True)))
    coarse = io.aggregate(groups)
    assert (coarse.balance()["relative_gap"].abs() < 1e-12).all()
    assert coarse.flows("domestic").sum() == pytest.approx(Z.sum(), rel=1e-12)
    assert coarse.value_added().sum() == pytest.approx(io.value_added().sum(), rel=1e-6, abs=1e-6)
    # own sales of a group contain the sales among its members
    for group in set(targets):
        inside = [i for i, t in enumerate(targets) if t == group]
        own = coarse.flows("domestic")[coarse.sectors.index(group), coarse.sectors.index(group)]
        assert own == pytest.approx(Z[np.ix_(inside, inside)].sum(), rel=1e-12)


def test_printing() -> None:
    io = make(source="<office>")
    assert repr(io) == "IOTable(XYZ 2000, 3 sectors, domestic+imported flows, million EUR)"
    page = io._repr_html_()
    assert "XYZ 2000" in page
    assert "&lt;office&gt;" in page
    only = make(imported=None, country="", year=None)
    assert repr(only) == "IOTable(unnamed, 3 sectors, domestic flows, million EUR)"
    assert "with imported inputs" in only._repr_html_()


def test_to_frame_lists_every_number() -> None:
    frame = make().to_frame()
    assert frame.columns.tolist() == ["row", "column", "flow", "value"]
    sums = frame.groupby("flow")["value"].sum()
    assert sums["domestic"] == DOMESTIC.sum()
    assert sums["output"] == 278
    assert "total" not in sums

"""Supply and use tables: checks, the four models, and a published example."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spillover.errors import IdentificationError, SchemaError, SpilloverWarning
from spillover.iotables import SupplyUse
from spillover.iotables.transformation import MODELS, transformation

PRODUCTS = ["agriculture", "manufacturing", "services"]
INDUSTRIES = ["farms", "mills", "offices"]

# United Nations (2018), Handbook on Supply and Use Tables and Input-Output Tables with Extensions
# and Applications, chapter 12: the worked example. Table 12.3, p. 376 (two decimals); products in
# the rows. Its totals differ from the sums of its cells by up to 0.02.
SUPPLY = np.array([[25.77, 5.15, 7.04], [1.35, 402.51, 40.21], [13.32, 25.64, 717.41]])
DOMESTIC = np.array([[4.35, 9.28, 0.61], [8.08, 107.80, 46.29], [3.78, 62.72, 211.40]])
IMPORTED = np.array([[0.77, 6.40, 0.48], [1.49, 100.14, 35.30], [0.28, 17.20, 42.52]])
FINAL = np.array([[13.18, 0.08, 10.47], [32.04, 73.94, 175.94], [344.77, 20.75, 112.95]])
VALUE_ADDED = np.array([21.70, 129.78, 428.07])

# Tables 12.5 (p. 387), 12.7 (p. 388), 12.12 (p. 392) and 12.16 (p. 396).
HANDBOOK: dict[str, dict[str, Any]] = {
    "product_technology": {
        "domestic": [[6.40, 9.33, -1.50], [10.45, 116.03, 35.68], [-0.33, 61.13, 217.11]],
        "imported": [[1.11, 6.91, -0.37], [1.01, 109.33, 26.58], [-0.79, 17.48, 43.31]],
        "value_added": [20.10, 123.88, 435.56],
    },
    "industry_technology": {
        "domestic": [[2.89, 8.80, 2.55], [6.85, 102.84, 52.47], [5.10, 69.51, 203.30]],
        "imported": [[0.57, 6.00, 1.08], [2.47, 94.92, 39.53], [0.77, 18.22, 41.00]],
        "value_added": [19.31, 143.79, 416.45],
    },
    "fixed_industry_sales": {
        "domestic": [[6.65, 11.66, -2.98], [8.39, 112.47, 37.25], [1.17, 55.66, 224.02]],
        "final": [[15.22, -1.60, 11.51], [13.49, 78.65, 183.05], [361.28, 17.72, 104.80]],
    },
    "fixed_product_sales": {
        "domestic": [[3.04, 7.73, 4.28], [8.04, 101.09, 49.20], [5.13, 70.97, 204.82]],
        "imported": [[0.53, 4.96, 1.18], [1.46, 92.21, 33.50], [0.54, 26.57, 43.61]],
        "final": [[15.12, 0.64, 9.64], [42.52, 67.73, 164.72], [332.35, 26.39, 125.00]],
    },
}
# Tables 12.4 (p. 386), 12.6 (p. 388) and 12.11 (p. 391). The fourth decimal of the two inverses
# depends on decimals of the supply table that are not printed.
MATRICES = {
    "product_technology": [
        [1.4809, -0.2117, -0.2692],
        [-0.0022, 1.1075, -0.1053],
        [-0.0274, -0.0357, 1.0631],
    ],
    "industry_technology": [
        [0.6372, 0.0335, 0.3294],
        [0.0119, 0.9289, 0.0592],
        [0.0092, 0.0526, 0.9382],
    ],
    "fixed_industry_sales": [
        [1.5779, -0.0193, -0.0144],
        [-0.0256, 1.0807, -0.0603],
        [-0.5523, -0.0614, 1.0747],
    ],
}


def make(**changes: Any) -> SupplyUse:
    parts: dict[str, Any] = {
        "supply": SUPPLY,
        "domestic": DOMESTIC,
        "imported": IMPORTED,
        "final_demand": FINAL[:, :2].sum(axis=1),
        "exports": FINAL[:, 2],
        "unit": "billion",
    }
    codes = [changes.pop("products", PRODUCTS), changes.pop("industries", INDUSTRIES)]
    return SupplyUse.from_arrays(*codes, **{**parts, **changes})


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.filterwarnings("ignore:.*gives negative flows")
def test_the_example_of_the_un_handbook(model: Any) -> None:
    expected = HANDBOOK[model]
    io = make().to_symmetric(model)
    for name in ("domestic", "imported"):
        if name in expected:
            np.testing.assert_allclose(io.flows(name), expected[name], atol=0.0151)  # type: ignore[arg-type]
    if "value_added" in expected:
        np.testing.assert_allclose(io.value_added(), expected["value_added"], atol=0.03)
    if "final" in expected:
        final = np.array(expected["final"])
        np.testing.assert_allclose(io.final_demand, final[:, :2].sum(axis=1), atol=0.02)
        np.testing.assert_allclose(io.exports, final[:, 2], atol=0.0151)
    if model in MATRICES:
        T = transformation(SUPPLY, model)
        np.testing.assert_allclose(T, MATRICES[model], atol=1.1e-3)
    by_product = "technology" in model
    assert io.sectors == tuple(PRODUCTS if by_product else INDUSTRIES)


@pytest.mark.parametrize("model", ["product_technology", "fixed_industry_sales"])
def test_negative_flows_are_counted(model: Any) -> None:
    printed = HANDBOOK[model]["domestic"]
    count = int((np.array(printed) < 0).sum())
    with pytest.warns(SpilloverWarning, match=rf"domestic has {count} of 9 .*smallest") as seen:
        make().to_symmetric(model)
    assert len(seen) == 1
    assert seen[0].filename == __file__


def loops(sut: SupplyUse, model: str, U: Any) -> Any:
    """The models in words, cell by cell, without matrix algebra where none is needed."""
    m, n = sut.supply.shape
    q, g = sut.supply.sum(axis=1), sut.supply.sum(axis=0)
    if model == "industry_technology":
        # product r takes of the inputs of industry j its share in the output of j
        return [
            [sum(U[p, j] * sut.supply[r, j] / g[j] for j in range(n)) for r in range(m)]
            for p in range(m)
        ]
    if model == "fixed_product_sales":
        # industry i sells of product p its share in the output of p
        return [
            [sum(sut.supply[p, i] / q[p] * U[p, j] for p in range(m)) for j in range(n)]
            for i in range(n)
        ]
    if model == "product_technology":
        # the coefficients a solve: inputs of j = sum over its products of a times output
        a = np.linalg.lstsq(sut.supply.T, U.T, rcond=None)[0].T
        return a * q
    # fixed industry sales: product p sold to j = sum over industries of b[i, j] times output
    b = np.linalg.lstsq(sut.supply, U, rcond=None)[0]
    return g[:, None] * b


positive = st.floats(0.1, 100, allow_subnormal=False)


@st.composite
def random_tables(draw: Any, square: bool = True) -> SupplyUse:
    m = draw(st.integers(2, 4))
    n = m if square else draw(st.integers(2, 5))
    supply = draw(arrays(np.float64, (m, n), elements=positive))
    if square:
        supply = supply + np.diag(supply.sum(axis=1) + supply.sum(axis=0))
    use = draw(arrays(np.float64, (2, m, n), elements=st.floats(0, 10)))
    final = supply.sum(axis=1) - use[0].sum(axis=1)
    return SupplyUse.from_arrays(
        [f"p{i}" for i in range(m)],
        [f"i{j}" for j in range(n)],
        supply=supply,
        domestic=use[0],
        imported=use[1],
        final_demand=0.25 * final,
        exports=0.75 * final,
        unit="m",
    )


@pytest.mark.filterwarnings("ignore:.*gives negative flows")
@pytest.mark.parametrize("model", MODELS)
@given(sut=random_tables())
def test_models_against_loops_and_identities(model: Any, sut: SupplyUse) -> None:
    io = sut.to_symmetric(model)
    for name in ("domestic", "imported"):
        expected = loops(sut, model, getattr(sut, name))
        np.testing.assert_allclose(io.flows(name), expected, rtol=1e-8, atol=1e-8)  # type: ignore[arg-type]
    by_product = "technology" in model
    output = sut.product_output if by_product else sut.industry_output
    np.testing.assert_allclose(io.output, output, rtol=1e-12)
    np.testing.assert_allclose(io.balance()["gap"], 0, atol=1e-8 * output.max())
    # value added is transformed like an input
    T = transformation(sut.supply, model)
    expected = sut.value_added @ T if by_product else sut.value_added
    np.testing.assert_allclose(io.value_added(), expected, rtol=1e-6, atol=1e-7 * output.max())
    assert io.flows("domestic").sum() == pytest.approx(sut.domestic.sum(), rel=1e-8)  # type: ignore[union-attr]


@given(sut=random_tables(square=False))
def test_models_without_an_inverse_take_rectangular_tables(sut: SupplyUse) -> None:
    for model in ("industry_technology", "fixed_product_sales"):
        io = sut.to_symmetric(model)  # type: ignore[arg-type]
        np.testing.assert_allclose(io.flows(), loops(sut, model, sut.total), rtol=1e-9, atol=1e-9)
        assert (io.flows() >= 0).all()


@pytest.mark.parametrize("model", MODELS)
def test_without_secondary_products_the_use_table_is_the_answer(model: Any) -> None:
    sut = make(supply=np.diag(SUPPLY.sum(axis=1)))
    assert sut.secondary_share == 0
    io = sut.to_symmetric(model)
    np.testing.assert_allclose(io.flows("domestic"), DOMESTIC, rtol=1e-12)
    np.testing.assert_allclose(io.flows("imported"), IMPORTED, rtol=1e-12)
    np.testing.assert_allclose(io.final_demand, sut.final_demand, rtol=1e-12)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.filterwarnings("ignore:.*gives negative flows")
def test_invariance_to_order_labels_and_units(model: Any) -> None:
    first = make().to_symmetric(model)
    turn = [2, 0, 1]
    supply = pd.DataFrame(SUPPLY, PRODUCTS, INDUSTRIES)
    use = pd.DataFrame(DOMESTIC, PRODUCTS, INDUSTRIES)
    again = make(
        make=supply.iloc[turn].T,
        supply=None,
        domestic=use.iloc[turn, turn],
        final_demand=pd.Series(FINAL[:, :2].sum(axis=1), PRODUCTS).iloc[turn],
    ).to_symmetric(model)
    np.testing.assert_allclose(again.flows("domestic"), first.flows("domestic"), rtol=1e-12)
    np.testing.assert_allclose(again.final_demand, first.final_demand, rtol=1e-12)
    scaled = make(supply=1e6 * SUPPLY, domestic=1e6 * DOMESTIC, imported=1e6 * IMPORTED)
    np.testing.assert_allclose(
        scaled.to_symmetric(model).flows(), 1e6 * first.flows(), rtol=1e-9, atol=1e-6
    )


def test_total_use_alone_balances_with_imports() -> None:
    imports = IMPORTED.sum(axis=1) + 1.0
    sut = make(
        domestic=None,
        imported=None,
        total=DOMESTIC + IMPORTED,
        imports=imports,
        final_demand=FINAL[:, :2].sum(axis=1) + 1.0,
    )
    sut.check_balance(1e-3)
    for model in ("industry_technology", "fixed_product_sales"):
        io = sut.to_symmetric(model)  # type: ignore[arg-type]
        assert io.domestic is None
        assert io.imports is not None
        assert io.imports.sum() == pytest.approx(imports.sum())
        assert io.balance()["gap"].abs().max() < 0.03


def test_balance_frame_and_check() -> None:
    sut = make()
    frame = sut.balance()
    assert frame["kind"].tolist() == ["product"] * 3 + ["industry"] * 3
    np.testing.assert_allclose(frame["gap"], [-0.01, -0.02, 0, 0, 0, 0], atol=1e-9)
    sut.check_balance(1e-3)
    bad = make(value_added=VALUE_ADDED * [1, 2, 1])
    with pytest.raises(SchemaError, match=r"1 of 6 .*industry mills \(433.3 against 563.1\)"):
        bad.check_balance()


BAD: list[tuple[dict[str, Any], str]] = [
    ({"make": SUPPLY.T}, r"exactly one of them"),
    ({"supply": None}, r"exactly one of them"),
    ({"domestic": None, "imported": None}, r"give domestic or total intermediate use"),
    ({"supply": SUPPLY[:2]}, r"supply has shape \(2, 3\); its codes need \(3, 3\)"),
    ({"unit": ""}, r"unit is empty"),
    ({"products": ["a", "a", "b"]}, r"more than once: 'a'"),
    ({"exports": [1.0, np.nan, 0.0]}, r"exports has 1 missing .*manufacturing"),
    ({"supply": -SUPPLY}, r"supply has 9 negative cell\(s\).*farms"),
    ({"value_added": [1.0]}, r"value_added has shape \(1,\)"),
    ({"final_demand": ["x", "y", "z"]}, r"final_demand is not numeric"),
    ({"total": DOMESTIC}, r"total differs from domestic \+ imported"),
    (
        {"domestic": pd.DataFrame(DOMESTIC, PRODUCTS, ["farms", "mills", "shops"])},
        r"the columns of domestic lacks 1 code\(s\): 'offices' and has 1 unknown .*'shops'",
    ),
    ({"negative": "drop"}, r"negative='drop' is not an option"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_bad_input_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        make(**changes)


def test_kept_negative_cells_are_announced() -> None:
    with pytest.warns(SpilloverWarning, match=r"domestic has 1 negative") as seen:
        make(domestic=DOMESTIC - np.eye(3) * [5, 0, 0], negative="keep")
    assert seen[0].filename == __file__


def test_models_that_cannot_work_say_so() -> None:
    wide = make(
        industries=["i", "j"],
        **{
            k: v[:, :2]
            for k, v in (("supply", SUPPLY), ("domestic", DOMESTIC), ("imported", IMPORTED))
        },
    )
    assert np.isnan(wide.secondary_share)
    with pytest.raises(SchemaError, match=r"3 products and 2 industries.*'fixed_product_sales'"):
        wide.to_symmetric("fixed_industry_sales")
    twin = make(supply=np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 5.0]]))
    with pytest.raises(IdentificationError, match=r"singular\. Use model='industry_technology'"):
        twin.to_symmetric("product_technology")
    empty = make(supply=SUPPLY * np.array([[0], [1], [1]]))
    with pytest.raises(IdentificationError, match="no output of product 'agriculture'"):
        empty.to_symmetric("product_technology")
    with pytest.raises(SchemaError, match=r"1 product code\(s\) have uses .*'agriculture'"):
        empty.to_symmetric()
    idle = make(supply=SUPPLY * np.array([1, 0, 1]))
    with pytest.raises(SchemaError, match=r"1 industry code\(s\) have inputs .*'mills'"):
        idle.to_symmetric("industry_technology")
    with pytest.raises(SchemaError, match="Did you mean 'product_technology'"):
        make().to_symmetric("product_technlogy")  # type: ignore[arg-type]


def test_printing_and_frozen_arrays() -> None:
    sut = make(country="AUT", year=2011, labels={"farms": "Farms"})
    assert repr(sut) == (
        "SupplyUse(AUT 2011, 3 products × 3 industries, domestic+imported use, billion)"
    )
    assert "Secondary output" in sut._repr_html_()
    assert sut.to_symmetric().labels == {"farms": "Farms"}
    with pytest.raises(ValueError, match="read-only"):
        sut.supply[0, 0] = 1

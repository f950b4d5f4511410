"""Lags, leads and differences go by calendar year within the firm, never by row."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from linearmodels.panel import FirstDifferenceOLS

import spillover as sp
from spillover.errors import IdentificationError, SchemaError
from spillover.panel.names import PanelCall, names_used, panel_calls, protect, restore
from spillover.panel.transforms import Calendar, with_calls

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
STORED = json.loads((REFERENCE / "panel_differences.json").read_text(encoding="utf-8"))


def iid(formula, frame, **options):
    return sp.fit(formula, frame, inference="iid", **options)


@pytest.fixture(scope="module")
def made_up():
    return pd.read_csv(REFERENCE / "panel_input.csv")


def by_hand(frame, column, years):
    """The firm's value ``years`` earlier, by a merge."""
    earlier = frame[["firm", "year", column]].assign(year=frame["year"] + years)
    return frame[["firm", "year"]].merge(earlier, how="left", on=["firm", "year"])[column]


# --- calls in formulas ---------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["lag", "lead", "diff"])
@pytest.mark.parametrize("years", [1, 2, 4])
def test_calls_equal_a_merge(panel, function, years):
    shuffled = panel.sample(frac=1, random_state=2)
    made = with_calls(shuffled, [f"{function}(x, {years})"])[f"{function}(x, {years})"]
    moved = by_hand(shuffled, "x", -years if function == "lead" else years).to_numpy()
    expected = shuffled["x"] - moved if function == "diff" else moved
    assert np.isnan(expected).any()
    np.testing.assert_array_equal(made, expected)


def test_calls_in_outcome_and_regressors_equal_columns_made_by_hand(panel):
    frame = panel.assign(
        dy=panel["y"] - by_hand(panel, "y", 1),
        lx=by_hand(panel, "x", 1),
        ez2=np.exp(by_hand(panel, "z", -2)),
        llw=by_hand(panel.assign(lw=np.log(panel["w"])), "lw", 1),
    )
    fit = iid("diff(y) ~ lag(x) + exp(lead(z, k=2)) + lag(log(w), 1):x | firm", panel)
    truth = iid("dy ~ lx + ez2 + llw:x | firm", frame)
    assert list(fit.params.index) == ["lag(x, 1)", "exp(lead(z, 2))", "lag(log(w), 1):x"]
    np.testing.assert_allclose(fit.params, truth.params, rtol=1e-12)
    np.testing.assert_allclose(fit.vcov, truth.vcov, rtol=1e-12)
    assert fit.outcome == "diff(y)"
    assert fit.dropped["diff(y) missing"] == truth.dropped["dy missing"]


def test_calls_within_calls(panel):
    frame = panel.assign(a=by_hand(panel, "x", 1))
    frame["b"] = frame["a"] - by_hand(frame, "a", 2)
    fit, truth = iid("y ~ diff(lag(x), 2)", panel), iid("y ~ b", frame)
    np.testing.assert_allclose(fit.params.to_numpy(), truth.params.to_numpy(), rtol=1e-12)


def test_a_lag_may_come_from_a_row_that_the_sample_leaves_out(panel):
    last = int(panel["year"].max())
    frame = panel.assign(lx=by_hand(panel, "x", 1))
    fit = iid("y ~ lag(x)", panel, sample=(panel["year"] == last).to_numpy())
    truth = iid("y ~ lx", frame[frame["year"] == last])
    assert fit.nobs == truth.nobs > 10
    np.testing.assert_allclose(fit.params.to_numpy(), truth.params.to_numpy(), rtol=1e-12)


def test_plm_has_the_same_lags(made_up):
    stored = STORED["lags"]
    fit = iid("y ~ lag(x) + lag(z, 2) + lead(x)", made_up)
    assert fit.nobs == stored["nobs"]
    np.testing.assert_allclose(fit.params, stored["coefficients"], rtol=1e-10)
    np.testing.assert_allclose(fit.vcov, stored["vcov"], rtol=1e-9)


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_kind_of_frame(panel, kind):
    spec = "diff(y) ~ lag(x) + z | firm"
    library = pytest.importorskip(kind)
    other = library.from_pandas(panel) if kind == "polars" else library.Table.from_pandas(panel)
    one, two = iid(spec, panel), iid(spec, other)
    np.testing.assert_allclose(one.params, two.params, rtol=1e-13)
    assert one.dropped == two.dropped


@pytest.mark.parametrize("name", ["lag", "log", "scale", "C", "np", "diff", "exp", "Q"])
def test_a_column_may_have_a_function_s_name(panel, name):
    frame = panel.rename(columns={"x": name})
    fit = iid(f"y ~ {name} + z | firm", frame)
    truth = iid("y ~ x + z | firm", panel)
    assert list(fit.params.index) == [name, "z"]
    np.testing.assert_allclose(fit.params.to_numpy(), truth.params.to_numpy(), rtol=1e-13)


def test_a_column_and_a_function_of_one_name_stand_side_by_side(panel):
    frame = panel.rename(columns={"x": "log"}).assign(diff=panel["z"])
    fit = iid("y ~ log + log(w) + log:diff + lag(diff)", frame)
    truth = iid("y ~ x + log(w) + x:z + lag(z)", panel)
    assert list(fit.params.index) == ["Intercept", "log", "log(w)", "lag(diff, 1)", "log:diff"]
    np.testing.assert_allclose(fit.params.to_numpy(), truth.params.to_numpy(), rtol=1e-11)


def test_names_and_aliases():
    columns = ["x", "log", "a name", "class"]
    side = "log(x) + log + `a name` + lag(`a name`, 2) + C(x, contr.treatment)"
    assert restore(protect(side, columns)).replace("`", "") == side.replace("`", "")
    assert sorted(names_used(side, columns)) == ["a name", "log", "x"]
    assert names_used("scale(x) + bs(class, df=4)", columns) == ["x"]
    assert panel_calls("my_lag(x) + x.lag(2)") == []
    assert panel_calls("lag(x, k = 3)") == [PanelCall("lag", "x", 3)]


def test_transforms_with_state_find_their_columns(panel):
    fit = iid("y ~ scale(x) + bs(z, df=4)", panel)
    assert len(fit.params) == 6


@pytest.mark.parametrize(
    ("formula", "match"),
    [
        ("y ~ lag(x, 0)", r"'lag\(x, 0\)'.*at least 1"),
        ("y ~ lag(x, -1)", "at least 1"),
        ("y ~ lag(x, 1.5)", "whole number"),
        ("y ~ lag()", r"write lag\(x\)"),
        ("y ~ lag(x, 1, 2)", "write lag"),
        ("y ~ lag(x, z)", "write lag"),
        ("y ~ lag(x", "bracket is not closed"),
        ("y ~ lag(x + z)", "2 variables in its brackets"),
        ("y ~ lag(xx)", "no column 'xx'"),
        ("y ~ lag(C(size))", "3 variables in its brackets"),
    ],
)
def test_bad_calls(panel, formula, match):
    with pytest.raises(SchemaError, match=match):
        iid(formula, panel)


@pytest.mark.parametrize("spec", [{"formula": "y ~ lag(x)"}, {"transform": "first_difference"}])
def test_years_must_be_whole_numbers(panel, spec):
    spec = {"formula": "y ~ x"} | spec
    text = panel.assign(year=panel["year"].astype(str))
    with pytest.raises(SchemaError, match=r"year holds .* convert it to whole numbers"):
        sp.fit(data=text, inference="iid", **spec)


def test_years_with_fractions(panel):
    frame = panel.assign(year=panel["year"].astype(float))
    frame.loc[5, "year"] = 2003.5
    with pytest.raises(SchemaError, match="no whole number in 1 row, as in 2003\\.5"):
        iid("y ~ lag(x)", frame)


@pytest.mark.parametrize("far", [0, 10**9], ids=["table", "sorted"])
def test_repeated_firm_years_are_an_error(panel, far):
    twice = pd.concat([panel, panel.iloc[[3, 7]]], ignore_index=True)
    twice.loc[0, "year"] += far
    with pytest.raises(SchemaError, match=r"4 rows share their firm and year.*firm"):
        iid("y ~ lag(x)", twice)


def test_missing_firms_and_years_have_no_lag(panel):
    frame = panel.astype({"firm": "Int64", "year": "Int64"})
    frame.loc[[0, 5], "firm"] = pd.NA
    frame.loc[[1, 9], "year"] = pd.NA
    made = with_calls(frame, ["lag(x)"])["lag(x, 1)"]
    assert made[[0, 5, 1, 9]].isna().all()
    rest = frame.drop([0, 1, 5, 9]).reset_index(drop=True)
    expected = by_hand(rest.astype({"firm": int, "year": int}), "x", 1)
    np.testing.assert_array_equal(made.drop([0, 1, 5, 9]), expected)


def test_sparse_firm_years_give_the_same_partners(panel):
    """Where the table of firm-years would be too large, they are sorted instead."""
    dense = Calendar.from_frame(panel)
    far = pd.concat([panel, panel.iloc[[0]].assign(year=10**9)], ignore_index=True)
    sparse = Calendar.from_frame(far)
    assert dense.rows is not None
    assert sparse.rows is None
    for years in (1, 3, -2):
        np.testing.assert_array_equal(dense.partner(years), sparse.partner(years)[:-1])


# --- transform= ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "years"), [
    ({"transform": "first_difference"}, 1),
    ({"transform": "long_difference", "length": 2}, 2),
    ({"transform": "long_difference", "length": 4}, 4),
])  # fmt: skip
@pytest.mark.parametrize("effects", ["", " | year", " | region^year"])
def test_differences_equal_columns_made_by_hand(panel, options, years, effects):
    frame = panel.assign(**{f"d{c}": panel[c] - by_hand(panel, c, years) for c in ["y", "x", "z"]})
    kept = frame.dropna()
    spec = {"cluster": ["firm", "industry"], "weights": "w"}
    with pytest.warns(sp.SpilloverWarning, match="clusters"):
        fit = sp.fit(f"y ~ x + z{effects}", panel, sample="domestic", **options, **spec)
    with pytest.warns(sp.SpilloverWarning, match="clusters"):
        truth = sp.fit(f"dy ~ dx + dz{effects}", kept, sample="domestic", **spec)
    np.testing.assert_allclose(fit.params.to_numpy(), truth.params.to_numpy(), rtol=1e-11)
    np.testing.assert_allclose(fit.vcov.to_numpy(), truth.vcov.to_numpy(), rtol=1e-10)
    assert fit.levels == truth.levels
    assert fit.outcome == "y"
    gone = "no row 1 year earlier" if years == 1 else f"no row {years} years earlier"
    domestic = panel["foreign_share"] < 0.1
    assert fit.dropped[gone] == int((domestic & frame["dy"].isna()).sum())
    assert fit.nobs + sum(fit.dropped.values()) == len(panel)
    words = "In first differences" if years == 1 else f"In differences over {years} calendar years"
    assert words in repr(fit)


def test_plm_first_differences(made_up):
    """plm differences rows, so only firms without gaps are comparable; a constant is its drift."""
    gap = made_up.sort_values("year").groupby("firm")["year"].diff()
    broken = made_up.loc[gap.index[gap > 1], "firm"].unique()
    whole = made_up[~made_up["firm"].isin(broken)]
    stored = STORED["fd"]
    assert whole["firm"].nunique() == STORED["whole_firms"]
    fit = iid("y ~ x + z", whole, transform="first_difference")
    assert fit.nobs == stored["nobs"]
    np.testing.assert_allclose(fit.params, stored["coefficients"], rtol=1e-10)
    np.testing.assert_allclose(fit.vcov, stored["vcov"], rtol=1e-9)


@pytest.mark.parametrize(("name", "formula", "options"), [
    ("gaps", "y ~ x + z", {"transform": "first_difference"}),
    ("long", "y ~ x", {"transform": "long_difference", "length": 3}),
])  # fmt: skip
def test_plm_differences_by_calendar(made_up, name, formula, options):
    fit = iid(formula, made_up, **options)
    assert fit.nobs == STORED[name]["nobs"]
    np.testing.assert_allclose(fit.params, STORED[name]["coefficients"], rtol=1e-10)
    np.testing.assert_allclose(fit.vcov, STORED[name]["vcov"], rtol=1e-9)


def test_linearmodels_first_differences(panel):
    """On firms without gaps; linearmodels takes no constant."""
    gap = panel.groupby("firm")["year"].diff()
    whole = panel[~panel["firm"].isin(panel.loc[gap > 1, "firm"])]
    index = whole.set_index(["firm", "year"])
    theirs = FirstDifferenceOLS(index["y"], index[["x", "z"]]).fit(cov_type="unadjusted")
    fit = iid("y ~ 0 + x + z", whole, transform="first_difference")
    assert fit.nobs == theirs.nobs
    np.testing.assert_allclose(fit.params, theirs.params, rtol=1e-10)
    np.testing.assert_allclose(fit.vcov, theirs.cov, rtol=1e-9)


def test_interactions_are_differenced_as_products(panel):
    made = panel["x"] * panel["z"]
    frame = panel.assign(p=made)
    one = iid("y ~ x:z | year", panel, transform="first_difference")
    two = iid("y ~ p | year", frame, transform="first_difference")
    np.testing.assert_allclose(one.params.to_numpy(), two.params.to_numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("formula", "options", "match"),
    [
        ("y ~ x", {"transform": "long_difference"}, "needs length="),
        ("y ~ x", {"transform": "long_difference", "length": 1}, "from 2 up; got 1"),
        ("y ~ x", {"transform": "long_difference", "length": 2.5}, "got 2.5"),
        ("y ~ x", {"transform": "first_difference", "length": 2}, "goes with"),
        ("y ~ x", {"length": 2}, "goes with transform='long_difference'"),
        ("y ~ x", {"transform": "differences"}, "Did you mean"),
        ("y ~ x + C(size)", {"transform": "first_difference"}, "absorb it after"),
        ("y ~ x | year", {"transform": "long_difference", "length": 30}, "No observation is left"),
    ],
)
def test_bad_differences(panel, formula, options, match):
    with pytest.raises(SchemaError, match=match):
        iid(formula, panel, **options)


def test_differences_need_firm_and_year(panel):
    with pytest.raises(SchemaError, match=r"no column 'firm'.*lags and differences"):
        iid("y ~ x", panel.drop(columns="firm"), transform="first_difference")


def test_what_does_not_change_has_no_difference(panel):
    frame = panel.assign(fixed=panel["firm"] * 1.0)
    with pytest.raises(IdentificationError, match="fixed is constant"):
        iid("y ~ x + fixed | year", frame, transform="first_difference")


def test_clusters_that_split_firms_are_remarked_on(panel):
    """Neighbouring differences of a firm share a year, so errors are correlated over time."""
    fit = sp.fit("y ~ x | year", panel, transform="first_difference", cluster="industry^year")
    assert "overlap in time, which clusters of industry^year do not cover" in repr(fit)
    assert iid("y ~ x", panel, transform="first_difference").remarks
    assert not sp.fit("y ~ x | year", panel, transform="first_difference", cluster="firm").remarks
    assert not sp.fit("y ~ x | year", panel, cluster="industry^year").remarks


def test_tables_say_that_columns_are_differenced(panel):
    fit = iid("y ~ x", panel, transform="long_difference", length=2)
    text = str(sp.tables.regression({"levels": iid("y ~ x", panel), "long": fit}))
    assert "differences over 2 calendar years" in text

"""Leads by calendar year against columns made by hand, and the test's size and power."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import SchemaError
from spillover.inference.leads import joint_test

pytestmark = pytest.mark.filterwarnings(
    "ignore:Only .* clusters:spillover.errors.SpilloverWarning",
)


def make(seed=1, anticipation=0.0, firms=60, years=9, gaps=True):
    rng = np.random.default_rng(seed)
    frame = pd.MultiIndex.from_product(
        [range(firms), range(2000, 2000 + years)], names=["firm", "year"]
    ).to_frame(index=False)
    frame["industry"] = frame["firm"] % 12
    path = rng.standard_normal((firms, years + 1)).cumsum(axis=1)
    frame["x"] = path[:, :-1].ravel()
    frame["z"] = rng.standard_normal(len(frame))
    frame["w"] = rng.uniform(0.5, 2, len(frame))
    frame["y"] = (
        0.5 * frame["x"]
        + anticipation * path[:, 1:].ravel()
        + rng.standard_normal(firms)[frame["firm"]]
        + rng.standard_normal(len(frame))
    )
    return frame[rng.random(len(frame)) < 0.9].reset_index(drop=True) if gaps else frame


def shifted(frame, years, column="x"):
    """The value of the same firm some calendar years later, by merging."""
    other = frame[["firm", "year", column]].assign(year=lambda d: d["year"] - years)
    return frame[["firm", "year"]].merge(other, how="left", on=["firm", "year"])[column]


@pytest.mark.parametrize("weights", [None, "w"])
def test_columns_by_hand(weights):
    data = make()
    fit = sp.fit("y ~ x + z | firm + year", data, cluster="industry", weights=weights)
    options = {} if weights is None else {"weights": weights}
    found = sp.inference.leads(fit, data, "x", leads=(1, 2), lags=1, **options)
    by_hand = data.assign(l2=shifted(data, 2), l1=shifted(data, 1), b1=shifted(data, -1))
    expected = sp.fit(
        "y ~ x + z + l1 + l2 + b1 | firm + year", by_hand, cluster="industry", weights=weights
    )
    tidy = found.tidy().set_index("years")
    assert list(tidy.index) == [-2, -1, 0, 1]
    for years, name in ((-2, "l2"), (-1, "l1"), (0, "x"), (1, "b1")):
        assert tidy.loc[years, "estimate"] == pytest.approx(expected.params[name])
        assert tidy.loc[years, "std_error"] == pytest.approx(expected.std_errors[name])
    pd.testing.assert_series_equal(found.joint, expected.wald(["l1", "l2"]))
    assert found.method == "F"


def test_from_a_formula_and_from_a_fit():
    data = make()
    data["foreign_share"] = np.where(data["firm"] % 3 == 0, 0.5, 0.0)
    options = {"cluster": ["industry", "year"], "sample": "domestic"}
    fit = sp.fit("y ~ x | firm + year", data, **options)
    one = sp.inference.leads(fit, data, "x", leads=1)
    two = sp.inference.leads("y ~ x | firm + year", data, "x", leads=1, **options)
    assert one.fit.nobs == two.fit.nobs
    np.testing.assert_allclose(one.tidy()["estimate"], two.tidy()["estimate"], rtol=1e-10)
    assert one.fit.sample == fit.sample
    np.testing.assert_allclose(one.fit.std_errors, two.fit.std_errors, rtol=1e-10)


def test_differences():
    data = make()
    fit = sp.fit("y ~ x | year", data, transform="long_difference", length=2, cluster="industry")
    found = sp.inference.leads(fit, data, "x", leads=1)
    assert found.fit.transform == fit.transform
    by_hand = data.assign(l1=shifted(data, 1))
    expected = sp.fit(
        "y ~ x + l1 | year", by_hand, transform="long_difference", length=2, cluster="industry"
    )
    np.testing.assert_allclose(found.tidy()["estimate"], expected.params[["l1", "x"]], rtol=1e-9)


def test_a_lead_that_is_there_already():
    data = make()
    fit = sp.fit("y ~ x + lead(x, 1) | firm", data, cluster="industry")
    found = sp.inference.leads(fit, data, "x", leads=1)
    pd.testing.assert_series_equal(found.fit.params, fit.params)


def test_anticipation_is_found():
    data = make(anticipation=0.4)
    fit = sp.fit("y ~ x | firm + year", data, cluster="industry")
    found = sp.inference.leads(fit, data, "x")
    assert found.joint["p_value"] < 1e-3
    tidy = found.tidy().set_index("years")
    assert tidy.loc[-1, "estimate"] == pytest.approx(0.4, abs=0.15)
    assert "negative where the regressor comes later" in repr(found)
    assert "<table" in found._repr_html_()


@pytest.mark.slow
def test_size():
    p = []
    for seed in range(300):
        data = make(seed, firms=40, years=7, gaps=False)
        fit = sp.fit("y ~ x | firm + year", data, cluster="firm")
        p.append(sp.inference.leads(fit, data, "x").joint["p_value"])
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.035)


@pytest.mark.filterwarnings("ignore::spillover.errors.SpilloverWarning")
@pytest.mark.parametrize("inference", ["wild", "exposure"])
def test_joint_test_follows_the_inference(inference):
    world = sp.simulate.panel(backward=0.3, rng=1, industries=8, firms_per_industry=12)
    panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    fit = sp.fit("tfp ~ backward + lead(backward, 1) | firm + year", panel, cluster="industry")
    make_it = {"wild": sp.inference.with_wild, "exposure": sp.inference.with_exposure}[inference]
    other = make_it(fit)
    joint, method = joint_test(other, ["lead(backward, 1)"])
    assert inference in method
    # one lead: the joint test is that of its coefficient
    assert joint["p_value"] == pytest.approx(other.pvalues["lead(backward, 1)"], abs=1e-9)


@pytest.mark.filterwarnings("ignore::spillover.errors.SpilloverWarning")
@pytest.mark.parametrize("kind", ["wild", "exposure", "randomisation", "cr2", "driscoll_kraay"])
def test_the_inference_of_the_fit_is_used_again(kind):
    world = sp.simulate.panel(backward=0.3, rng=1, industries=8, firms_per_industry=12)
    panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    options = {"cluster": "industry"} if kind in {"wild", "cr2"} else {}
    fit = sp.fit("tfp ~ backward | firm + year", panel, inference=kind, **options)
    found = sp.inference.leads(fit, panel, "backward")
    assert found.fit.inference.kind == kind
    assert found.fit.inference.levels == fit.inference.levels
    expected = {"wild": "wild bootstrap", "cr2": "F", "driscoll_kraay": "F"}
    assert found.method.startswith(expected.get(kind, "exposure-robust"))
    assert 0 <= found.joint["p_value"] <= 1


def test_bad_input():
    data = make()
    fit = sp.fit("y ~ x | firm", data, cluster="industry")
    leads = sp.inference.leads
    with pytest.raises(SchemaError, match="no regressor"):
        leads(fit, data, "q")
    for wrong in ((), 0, (1, 1), "1", 1.5, True):
        with pytest.raises(SchemaError, match="leads="):
            leads(fit, data, "x", leads=wrong)
    with pytest.raises(SchemaError, match="lags="):
        leads(fit, data, "x", lags=-1)
    weighted = sp.fit("y ~ x | firm", data, cluster="industry", weights="w")
    with pytest.raises(SchemaError, match="pass weights="):
        leads(weighted, data, "x")
    with pytest.raises(SchemaError, match="kept no arrays"):
        leads(sp.fit("y ~ x | firm", data, cluster="industry", lean=True), data, "x")
    with pytest.raises(SchemaError, match="instrumented"):
        leads("y ~ 1 | firm | x ~ z", data, "x")

"""Smallest effects, their errors, and simulated power, against known designs and brute force."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import spillover as sp
from spillover.errors import SchemaError, SpilloverWarning
from spillover.inference._power_tests import by_wild, drawn_fit
from spillover.inference._read import clustered_covariance, named_clusters
from spillover.inference.power import design_errors
from spillover.inference.power_curve import _scale

pytestmark = pytest.mark.filterwarnings(
    "ignore:Only .* clusters:spillover.errors.SpilloverWarning",
)
DATA = pd.read_csv(Path(__file__).parents[1] / "reference" / "inference_input.csv")


@pytest.fixture(scope="module")
def linked():
    world = sp.simulate.panel(backward=0.3, rng=1, industries=12, firms_per_industry=12)
    return sp.attach(world.firms, sp.linkages(world.firms, world.io))


def test_formula_and_units(linked):
    fit = sp.fit("tfp ~ backward + employment | firm + year", linked, cluster="industry")
    result = sp.power(fit, power=0.9, alpha=0.1)
    table, df = result.table, fit.inference.df
    expected = (stats.t.ppf(0.95, df) + stats.t.ppf(0.9, df)) * fit.std_errors
    np.testing.assert_allclose(table["mde"], expected, rtol=1e-12)
    assert table.loc["backward", "mde_10_points"] == pytest.approx(0.1 * expected["backward"])
    assert np.isnan(table.loc["employment", "mde_10_points"])
    rows = linked[fit.used]
    left = rows["backward"].astype(float)
    for _ in range(500):  # two-way means, one after the other until they settle
        for effect in ("firm", "year"):
            left = left - left.groupby(rows[effect]).transform("mean")
    assert table.loc["backward", "within_sd"] == pytest.approx(np.std(left), rel=1e-8)
    assert table.loc["backward", "mde_within_sd"] == pytest.approx(
        table.loc["backward", "mde"] * table.loc["backward", "within_sd"]
    )
    assert "10 %" in repr(result)
    assert "<table" in result._repr_html_()


def test_units_follow_the_data():
    fit = sp.fit("y ~ x + z | firm", DATA, cluster="firm")
    moved = sp.fit("y ~ x + z | firm", DATA.assign(x=DATA["x"] * 50), cluster="firm")
    one, two = sp.power(fit).table.loc["x"], sp.power(moved).table.loc["x"]
    assert two["mde"] * 50 == pytest.approx(one["mde"])
    for column in ("mde_within_sd", "mde_outcome_sd"):
        assert two[column] == pytest.approx(one[column])


def test_every_inference(linked):
    fit = sp.fit("tfp ~ backward | firm + year", linked, cluster="industry")
    small = sp.inference.with_small_sample(fit, "cr2")
    row = sp.power(small).table.loc["backward"]
    df = small.dfs["backward"]
    assert row["df"] == df
    expected = (stats.t.ppf(0.975, df) + stats.t.ppf(0.8, df)) * small.std_errors["backward"]
    assert row["mde"] == pytest.approx(expected)
    wild = sp.inference.with_wild(fit, draws=499)
    low, high = wild.confint().loc["backward"]
    row = sp.power(wild).table.loc["backward"]
    expected = (high - low) / 2 + stats.t.ppf(0.8, 11) * wild.std_errors["backward"]
    assert row["mde"] == pytest.approx(expected)
    assert "half the interval" in repr(sp.power(wild))
    unbounded = replace(wild, intervals=lambda level: wild.confint(level).assign(conf_high=np.inf))
    assert np.isinf(sp.power(unbounded).table.loc["backward", "mde"])
    assert "No effect would be found" in repr(sp.power(unbounded))
    lean = sp.fit("y ~ x | firm", DATA, cluster="firm", lean=True)
    assert np.isnan(sp.power(lean).table.loc["x", "within_sd"])


@pytest.mark.parametrize("df", [np.inf, 5.0, 40.0])
def test_design_errors_by_simulation(df):
    rng = np.random.default_rng(1)
    noise = rng.standard_normal(2_000_000) if np.isinf(df) else rng.standard_t(df, 2_000_000)
    for effect in (0.2, 1.0, -2.5):
        estimate = effect + 0.8 * noise
        found = np.abs(estimate) > stats.t.ppf(0.975, df) * 0.8
        row = design_errors([effect], 0.8, df).iloc[0]
        assert row["power"] == pytest.approx(found.mean(), abs=1e-3)
        wrong = (np.sign(estimate[found]) != np.sign(effect)).mean()
        assert row["type_s"] == pytest.approx(wrong, abs=4e-3)
        size = np.abs(estimate[found]).mean() / abs(effect)
        assert row["exaggeration"] == pytest.approx(size, rel=5e-3)


def test_limits_of_design_errors():
    table = design_errors([0.0, 1e-9, 100.0], 1.0)
    assert table["power"].tolist() == pytest.approx([0.05, 0.05, 1.0])
    assert table["type_s"].iloc[1:].tolist() == pytest.approx([0.5, 0.0], abs=1e-6)
    assert table["exaggeration"].iloc[2] == pytest.approx(1.0)
    assert np.isnan(table["exaggeration"].iloc[0])
    assert design_errors([1.0], 1.0, 1.0)["exaggeration"].isna().all()


def test_of_effect_and_observed_power():
    fit = sp.fit("y ~ x + z | firm", DATA, cluster="firm")
    result = sp.power(fit)
    mde = result.table.loc["x", "mde"]
    assert result.of_effect("x", mde)["power"][0] == pytest.approx(0.8, abs=1e-4)
    with pytest.warns(SpilloverWarning, match="restates the p-value"):
        result.of_effect("x", [0.1, float(fit.params["x"])])


def test_monte_carlo_finds_the_mde_in_four_of_five():
    """A known design: 80 clusters with common errors; the test sees only the data."""
    rng = np.random.default_rng(7)
    clusters, size, draws = 80, 6, 250
    frame = pd.DataFrame({"g": np.repeat(np.arange(clusters), size)})
    frame["x"] = rng.standard_normal(clusters)[frame["g"]] + rng.standard_normal(len(frame))
    x = (frame["x"] - frame["x"].mean()).to_numpy()
    z = x / (x @ x)
    omega = (0.5 * np.bincount(frame["g"], z) ** 2).sum() + (z @ z)
    df = clusters - 1
    effect = float((stats.t.ppf(0.975, df) + stats.t.ppf(0.8, df)) * np.sqrt(omega))
    found, smallest = [], []
    for _ in range(draws):
        common = np.sqrt(0.5) * rng.standard_normal(clusters)[frame["g"]]
        frame["y"] = effect * frame["x"] + common + rng.standard_normal(len(frame))
        fit = sp.fit("y ~ x", frame, cluster="g")
        found.append(fit.pvalues["x"] < 0.05)
        smallest.append(sp.power(fit, "x").table.loc["x", "mde"])
    assert np.mean(found) == pytest.approx(0.8, abs=3 * np.sqrt(0.16 / draws))
    assert np.mean(smallest) == pytest.approx(effect, rel=0.03)


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("y ~ x + z | firm + year", {"cluster": "industry"}),
        ("y ~ x + z | firm + year", {"cluster": "industry", "weights": "w"}),
        ("y ~ x + z", {"cluster": "firm"}),
        ("y ~ x | industry | z ~ lat + lon", {"cluster": "firm"}),
    ],
)
def test_draws_are_refits_and_effects_are_shifts(formula, options):
    data = DATA.assign(z=DATA["z"] + 0.05 * DATA["lat"] + 0.03 * DATA["lon"])
    fit = sp.fit(formula, data, singletons="keep", **options)
    errors = np.random.default_rng(3).standard_normal(fit.nobs)
    drawn = drawn_fit(fit, fit.estimated, errors)
    for effect in (0.0, 0.7):
        refit = sp.fit(
            formula, data.assign(y=errors + effect * data["x"]), singletons="keep", **options
        )
        assert refit.params["x"] - effect == pytest.approx(drawn.params["x"], rel=1e-8)
        levels = named_clusters(drawn.estimated, options["cluster"])
        vcov = clustered_covariance(drawn.estimated, levels)
        np.testing.assert_allclose(refit.vcov, vcov, rtol=1e-7)
        np.testing.assert_allclose(refit.residuals, drawn.residuals, rtol=1e-7, atol=1e-9)


def test_variance_of_the_draws_is_the_estimated_one():
    fit = sp.fit("y ~ x + z | firm + year", DATA, cluster="industry")
    codes = fit.estimated.design.clusters["industry"]
    scale = _scale(fit.estimated, "industry", codes)
    variance = 0.0
    for g in range(int(codes.max()) + 1):
        part = np.where(codes == g, fit.residuals * scale, 0.0)
        variance += drawn_fit(fit, fit.estimated, part).params["x"] ** 2
    assert np.sqrt(variance) == pytest.approx(fit.std_errors["x"], rel=1e-9)


def test_curve_is_near_the_formula():
    fit = sp.fit("y ~ x + z | firm + year", DATA, cluster="firm")
    curve = sp.inference.power_curve(fit, "x", draws=800, rng=2)
    smallest = sp.power(fit, "x").table.loc["x", "mde"]
    assert curve.mde == pytest.approx(smallest, rel=0.12)
    table = curve.table
    assert table["power"].iloc[0] < 0.1
    assert table["power"].iloc[-1] == 1.0
    assert np.abs(table["power"] - table["analytic"]).max() < 0.08
    assert curve.std_error == pytest.approx(fit.std_errors["x"], rel=0.1)
    half = table["effect"].sub(smallest / 2).abs().idxmin()
    expected = design_errors([table["effect"][half]], fit.std_errors["x"], fit.inference.df)
    assert table["exaggeration"][half] == pytest.approx(expected["exaggeration"][0], rel=0.15)
    assert "Effect found with probability 0.8" in repr(curve)
    assert "<table" in curve._repr_html_()


def test_reproducible_and_symmetric():
    fit = sp.fit("y ~ x | year", DATA, cluster="firm")
    one = sp.inference.power_curve(fit, "x", [-0.3, 0.3], draws=300, rng=5)
    two = sp.inference.power_curve(fit, "x", [-0.3, 0.3], draws=300, rng=5)
    pd.testing.assert_frame_equal(one.table, two.table)
    assert one.table["power"][0] == pytest.approx(one.table["power"][1], abs=0.1)


def test_wild_is_the_wild_bootstrap_of_the_draw():
    fit = sp.fit("y ~ x + z | year", DATA, cluster="industry")
    errors = np.random.default_rng(3).standard_normal(fit.nobs)
    drawn = drawn_fit(fit, fit.estimated, errors)
    kept = by_wild(fit, "x", 0.1, np.random.default_rng(1))(drawn)
    low, high = sp.inference.wild_bootstrap(
        drawn, "x", draws=399, level=0.9, rng=np.random.default_rng(1)
    ).interval
    for value in np.linspace(low - 0.2, high + 0.2, 41):
        inside = low <= value <= high
        # with a refit on the shifted outcome
        shifted = drawn_fit(fit, fit.estimated, errors - value * DATA["x"].to_numpy())
        p = sp.inference.wild_bootstrap(
            shifted, "x", draws=399, rng=np.random.default_rng(1)
        ).p_value
        assert kept(value) == (p > 0.1) == inside


@pytest.mark.parametrize("test", ["cr2", "cr3", "hetero", "iid", "hc3", "wild", "exposure"])
@pytest.mark.filterwarnings("ignore::spillover.errors.SpilloverWarning")
def test_every_test_has_power(linked, test):
    fit = sp.fit("tfp ~ backward | firm + year", linked, cluster="industry")
    effect = 4 * float(fit.std_errors["backward"])
    curve = sp.inference.power_curve(
        fit, "backward", [0.0, effect, 6 * effect], test=test, draws=40, rng=1, errors_by="industry"
    )
    power = curve.table["power"]
    # classical errors ignore the clusters, and reject too often by much
    assert power[0] <= (0.9 if test in {"iid", "hetero", "hc3"} else 0.2)
    assert power[0] < power[1] <= power[2] or power[1] == 1
    assert power[2] == 1.0
    assert curve.linkage


def test_a_function_as_the_test():
    fit = sp.fit("y ~ x | year", DATA, cluster="firm")

    def by_industry(drawn):
        return sp.inference.with_small_sample(drawn, "cr2", cluster="industry")

    curve = sp.inference.power_curve(fit, "x", [0.0, 5.0], test=by_industry, draws=20)
    assert curve.test == "by_industry"
    assert curve.table["power"].iloc[1] == 1.0


def test_not_reached():
    fit = sp.fit("y ~ x | year", DATA, cluster="firm")
    curve = sp.inference.power_curve(fit, "x", [0.0, 0.01], draws=50)
    assert np.isnan(curve.mde)
    assert "beyond the effects tried" in repr(curve)


def test_bad_input():
    fit = sp.fit("y ~ x | year", DATA, cluster="firm")
    curve = sp.inference.power_curve
    with pytest.raises(SchemaError, match="no term"):
        sp.power(fit, "q")
    for options in ({"power": 80}, {"alpha": 0}, {"power": True}, {"power": 0.01}):
        with pytest.raises(SchemaError, match=r"power|alpha"):
            sp.power(fit, **options)
    with pytest.raises(SchemaError, match="effects="):
        sp.power(fit).of_effect("x", [np.inf])
    with pytest.raises(SchemaError, match="effects="):
        sp.power(fit).of_effect("x", "large")
    with pytest.raises(SchemaError, match="test='sandwich'"):
        curve(fit, "x", test="sandwich")
    with pytest.raises(SchemaError, match="draws"):
        curve(fit, "x", draws=0)
    with pytest.raises(SchemaError, match="kept no arrays"):
        curve(sp.fit("y ~ x", DATA, inference="hetero", lean=True), "x")
    plain = sp.fit("y ~ x | year", DATA, inference="hetero")
    with pytest.raises(SchemaError, match="errors_by="):
        curve(plain, "x", test="cluster")
    with pytest.raises(SchemaError, match="not clustered"):
        curve(plain, "x", test="cluster", errors_by="industry")

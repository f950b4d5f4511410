"""Synthetic production panels: every equation of the design holds in the data that come out."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import SchemaError, SpilloverWarning
from spillover.simulate import AcfDesign, EndogenousDesign, GnrDesign, OpDesign
from spillover.simulate._designs import DESIGNS
from spillover.simulate._paths import aggregate, horizon, planned_investment

ALL = sorted(DESIGNS)


def lagged(sim, values):
    """Values of the firm's year before, and the mask of rows that have one."""
    data = sim.data
    same = data["firm"].eq(data["firm"].shift()) & data["year"].eq(data["year"].shift() + 1)
    return pd.Series(np.asarray(values)).shift(), same.to_numpy()


@pytest.mark.parametrize("design", ALL)
def test_output_is_the_technology_plus_productivity_plus_noise(design):
    sim = sp.simulate.production(design, firms=300, rng=3)
    logs = np.log(sim.data[["employment", "capital", "materials"]])
    fitted = sim.omega + sum(sim.elasticities[n] * logs[n] for n in sim.elasticities)
    error = np.log(sim.data["output"]) - fitted
    settings = sim.truth["settings"]
    assert error.mean() == pytest.approx(0.0, abs=0.01)
    assert error.std() == pytest.approx(settings["output_error_sd"], rel=0.05)
    assert abs(np.corrcoef(error, logs["capital"])[0, 1]) < 0.05


@pytest.mark.parametrize("design", ALL)
def test_capital_is_built_from_last_years_investment(design):
    sim = sp.simulate.production(design, firms=200, rng=4)
    data, delta = sim.data, sim.truth["settings"]["depreciation"]
    stock, same = lagged(sim, data["capital"])
    spent, _ = lagged(sim, data["investment"])
    built = ((1 - delta) * stock + spent)[same]
    np.testing.assert_allclose(data["capital"][same], built, rtol=1e-10)


@pytest.mark.parametrize("design", ["acf1", "acf2", "acf3", "gnr", "endogenous"])
def test_law_of_motion(design):
    sim = sp.simulate.production(design, firms=600, rng=5)
    before, same = lagged(sim, sim.omega)
    settings = sim.truth["settings"]
    rho = settings["persistence"]
    xi = sim.omega - rho * before
    if design == "endogenous":
        xi = xi - settings["effect"] * lagged(sim, sim.data["horizontal"])[0]
    xi = xi[same]
    assert xi.mean() == pytest.approx(0.0, abs=0.015)
    assert xi.std() == pytest.approx(settings["productivity_sd"] * np.sqrt(1 - rho**2), rel=0.03)
    past = lagged(sim, np.log(sim.data["capital"]))[0][same]
    assert abs(np.corrcoef(xi, past)[0, 1]) < 0.04
    now = np.log(sim.data["capital"])[same]  # predetermined
    assert abs(np.corrcoef(xi, now)[0, 1]) < 0.04


def test_investment_solves_the_firms_problem():
    """The closed form against simulated futures, with labour chosen on a grid."""
    design = AcfDesign(labour=0.55, timing=0.4, discount=0.9, depreciation=0.3, wage_sd=0.2)
    random = np.random.default_rng(0)
    omega, wage, n = 0.2, -0.1, 100_000
    total, w, p = 0.0, np.full(n, omega), np.full(n, wage)
    rho, b, phi = design.persistence, design.timing, design.wage_persistence
    sd = design.productivity_sd
    grid = np.exp(np.linspace(-8, 8, 4001))
    for ahead in range(25):
        half = rho ** (1 - b) * w + random.normal(0, sd * np.sqrt(1 - rho ** (2 - 2 * b)), n)
        w = rho**b * half + random.normal(0, sd * np.sqrt(1 - rho ** (2 * b)), n)
        p = phi * p + random.normal(0, design.wage_sd * np.sqrt(1 - phi**2), n)
        expected = np.exp(rho**b * half + sd**2 * (1 - rho ** (2 * b)) / 2)
        ratio = expected / np.exp(p)  # best labour is increasing in it; profit per unit of capital
        knots = np.quantile(ratio, np.linspace(0, 1, 200))
        best = [(q * grid**design.labour - grid).max() for q in knots]
        profit = np.exp(p) * np.interp(ratio, knots, best)
        total += (design.discount * 0.7) ** ahead * profit.mean()
    closed = planned_investment(
        design, np.array([omega]), np.array([wage]), np.zeros((horizon(design), 1))
    )
    assert closed[0] == pytest.approx(design.discount * total, rel=0.01)


def test_labour_is_the_static_optimum_at_the_time_it_is_chosen():
    sim = sp.simulate.production("acf2", firms=400, rng=6)
    data = sim.data
    best = np.log(data["capital"]) + (np.log(0.6) + sim.omega) / 0.4
    error = np.log(data["employment"]) - best
    assert error.std() == pytest.approx(0.37, rel=0.03)
    assert abs(np.corrcoef(error, sim.omega)[0, 1]) < 0.04
    planned = 0.4 * np.log(data["capital"]) + 0.6 * best + sim.omega
    np.testing.assert_allclose(np.log(data["materials"]), planned, atol=1e-10)


def test_materials_follow_actual_labour_without_optimisation_error():
    sim = sp.simulate.production("acf1", firms=50, rng=6)
    data = sim.data
    made = data["capital"] ** 0.4 * data["employment"] ** 0.6 * np.exp(sim.omega)
    np.testing.assert_allclose(data["materials"], made, rtol=1e-10)


def test_measurement_error_of_the_proxy():
    exact = sp.simulate.production("acf1", firms=200, rng=7)
    noisy = sp.simulate.production(AcfDesign(proxy_error_sd=0.5), firms=200, rng=7)
    gap = np.log(noisy.data["materials"] / exact.data["materials"])
    assert gap.std() == pytest.approx(0.5, rel=0.05)
    pd.testing.assert_series_equal(noisy.data["output"], exact.data["output"])


def test_exit_follows_the_threshold():
    design = OpDesign()
    sim = sp.simulate.production("op_exit", firms=1000, rng=8)
    data = sim.data
    k = np.log(data["capital"])
    assert (sim.omega >= design.exit_level - design.exit_slope * k - 1e-9).all()
    last = data["year"].max()
    alive = data.assign(k=k)[data["year"] < last]
    next_year = set(zip(data["firm"], data["year"], strict=True))
    stays = [(f, y + 1) in next_year for f, y in zip(alive["firm"], alive["year"], strict=True)]
    rate = 1 - np.mean(stays)
    assert 0.03 < rate < 0.15
    assert alive["k"][stays].mean() > alive["k"][~np.array(stays)].mean()  # small firms leave
    assert data.groupby("year").size().eq(1000).all()
    spells = data.groupby("firm")["year"].agg(["min", "max", "size"])
    assert (spells["max"] - spells["min"] + 1 == spells["size"]).all()  # nobody comes back
    idle = (data["investment"] == 0).mean()
    assert 0.0 < idle < 0.06
    threshold = sim.omega[data["investment"] == 0].max()
    assert threshold < sim.omega[data["investment"] > 0].min()


@pytest.mark.parametrize("substitution", [1.0, 0.6, 1.5])
def test_gnr_materials_are_the_best(substitution):
    design = GnrDesign(substitution=substitution, price_sd=0.3)
    sim = sp.simulate.production(design, firms=100, rng=9)
    data = sim.data
    price = data["materials_cost"] / data["materials"]
    assert price.groupby(data["year"]).std().max() < 1e-12
    assert price.std() > 0.1

    def profit(m):
        v, r = design.scale, 1 - 1 / substitution
        weights = np.array([design.capital, design.labour, design.materials]) / v
        inputs = [data["capital"], data["employment"], m]
        if r == 0:
            made = np.prod([x**a for x, a in zip(inputs, weights, strict=True)], axis=0) ** v
        else:
            made = sum(a * x**r for x, a in zip(inputs, weights, strict=True)) ** (v / r)
        return made * np.exp(sim.omega + 0.005) - price * m

    best = profit(data["materials"])
    for factor in (0.9, 0.999, 1.001, 1.1):
        assert (profit(data["materials"] * factor) < best).all()


def test_gnr_share_is_the_elasticity():
    sim = sp.simulate.production("gnr", firms=500, rng=10)
    share = np.log(sim.data["materials_cost"] / sim.data["output"])
    assert share.mean() == pytest.approx(np.log(0.4) + 0.005, abs=0.005)
    assert share.std() == pytest.approx(0.1, rel=0.03)
    assert sim.truth["elasticities"] == {"capital": 0.25, "employment": 0.25, "materials": 0.4}


def test_ces_elasticities_are_the_derivatives():
    design = GnrDesign(substitution=0.5)
    sim = sp.simulate.production(design, firms=50, rng=11)
    k, ell, m = (np.log(sim.data[n].to_numpy()) for n in ("capital", "employment", "materials"))
    step = 1e-5
    for name, at in (("capital", 0), ("employment", 1), ("materials", 2)):
        up, down = [k, ell, m], [k, ell, m]
        up[at], down[at] = up[at] + step, down[at] - step
        slope = (aggregate(design, *up)[0] - aggregate(design, *down)[0]) / (2 * step)
        np.testing.assert_allclose(sim.elasticities[name], slope, rtol=1e-6)
    np.testing.assert_allclose(sim.elasticities.sum(axis=1), design.scale, rtol=1e-12)


def test_presence_is_of_the_industry_and_capital_responds_to_it():
    sim = sp.simulate.production("endogenous", firms=1000, rng=12)
    data = sim.data
    assert data["industry"].nunique() == 20
    assert data.groupby(["industry", "year"])["horizontal"].nunique().max() == 1
    assert data["horizontal"].between(0, 1).all()
    spent = np.log(data["investment"] / data["capital"])
    X = np.column_stack([np.ones(len(data)), sim.omega, data["horizontal"]])
    slope = np.linalg.lstsq(X, spent, rcond=None)[0][2]
    assert slope > 0.2


def test_no_presence_effect_is_the_first_acf_design():
    design = EndogenousDesign(effect=0.0)
    sim = sp.simulate.production(design, firms=400, rng=13)
    assert sim.truth["effect"] == 0.0
    corr = np.corrcoef(np.log(sim.data["investment"]), sim.data["horizontal"])[0, 1]
    assert abs(corr) < 0.1


@pytest.mark.parametrize("design", ALL)
def test_seed_shape_and_schema(design):
    one = sp.simulate.production(design, firms=60, years=range(2001, 2005), rng=1)
    two = sp.simulate.production(design, firms=60, years=range(2001, 2005), rng=1)
    other = sp.simulate.production(design, firms=60, years=range(2001, 2005), rng=2)
    pd.testing.assert_frame_equal(one.data, two.data)
    pd.testing.assert_series_equal(one.omega, two.omega)
    assert not one.data["output"].equals(other.data["output"])
    assert len(one.data) == 240
    assert not one.data.duplicated(["firm", "year"]).any()
    assert one.data.index.equals(one.omega.index)
    assert one.data[["firm", "year"]].equals(
        one.data[["firm", "year"]].sort_values(["firm", "year"])
    )
    assert sp.read_firms(one.data).report.rows == 240
    assert "SYNTHETIC" in repr(one)
    assert "SYNTHETIC" in one._repr_html_()
    assert one.design == design
    assert np.isfinite(one.data.select_dtypes("number")).all().all()


def test_generator_is_used():
    rng = np.random.default_rng(0)
    first = sp.simulate.production("gnr", firms=5, rng=rng)
    second = sp.simulate.production("gnr", firms=5, rng=rng)
    assert not first.data["output"].equals(second.data["output"])


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"design": "acf4"}, "Did you mean 'acf"),
        ({"design": 3}, "of type int"),
        ({"firms": 1}, "firms=1"),
        ({"years": [2000]}, "two or more"),
        ({"years": [2000, 2002]}, "consecutive"),
    ],
)
def test_bad_arguments(kwargs, match):
    with pytest.raises(SchemaError, match=match):
        sp.simulate.production(**kwargs)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: AcfDesign(labour=1.0), "labour=1.0"),
        (lambda: AcfDesign(wage_sd=-0.1), "wage_sd=-0.1"),
        (lambda: AcfDesign(timing=1.0), "timing=1.0"),
        (lambda: AcfDesign(persistence=float("nan")), "finite"),
        (lambda: OpDesign(productivity_slope=0.0), "must rise"),
        (lambda: OpDesign(capital=0.0), "capital=0.0"),
        (lambda: GnrDesign(materials=0.6), "below 1"),
        (lambda: GnrDesign(substitution=0.0), "above 0"),
        (lambda: EndogenousDesign(industries=0), "industries=0"),
        (lambda: EndogenousDesign(presence_persistence=0.7), "forecast"),
    ],
)
def test_bad_designs(make, match):
    with pytest.raises(SchemaError, match=match):
        make()


# --- which estimators are right, and which ought to be wrong -----------------------------------
def elasticities(design, **call):
    """Elasticities by input on one panel of the design."""
    data = sp.simulate.production(design, rng=21).data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpilloverWarning)
        result = sp.productivity(data, by=None, **call)
    return result.elasticities.set_index("input")["estimate"]


@pytest.mark.parametrize("design", ["acf1", "acf2", "acf3", "op_exit", "endogenous"])
def test_least_squares_is_biased(design):
    found = elasticities(design, method="ols")
    assert found["employment"] > 0.8
    assert found["capital"] < 0.2


def test_levinsohn_petrin_needs_the_second_design():
    found = elasticities("acf1", method="lp")
    assert found["employment"] == pytest.approx(0.0, abs=0.03)
    assert found["capital"] == pytest.approx(1.12, abs=0.12)  # the paper's mean, as recalled
    found = elasticities("acf2", method="lp")
    assert found["employment"] == pytest.approx(0.6, abs=0.02)
    assert found["capital"] == pytest.approx(0.4, abs=0.05)
    found = elasticities("acf3", method="lp")
    assert found["employment"] == pytest.approx(0.473, abs=0.02)  # the paper's mean, as recalled


def test_acf_is_right_in_the_first_design():
    found = elasticities("acf1", method="acf", overidentified=True)
    assert found["employment"] == pytest.approx(0.6, abs=0.03)
    assert found["capital"] == pytest.approx(0.4, abs=0.06)


def test_exit_correction_matters():
    without = elasticities("op_exit", method="op", exit_correction=False)
    with_it = elasticities("op_exit", method="op", survival_degree=2)
    assert without["capital"] < 0.32
    assert with_it["capital"] == pytest.approx(0.4, abs=0.1)
    assert with_it["employment"] == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize("design", ["gnr", GnrDesign(substitution=0.6)])
def test_gross_output(design):
    truth = sp.simulate.production(design, rng=21).truth["elasticities"]
    found = elasticities(design, method="gnr")
    for name, value in truth.items():
        assert found[name] == pytest.approx(value, abs=0.04), name
    wrong = elasticities(design, method="ols", output="output")
    assert wrong["materials"] > truth["materials"] + 0.3


def test_presence_belongs_in_the_law_of_motion():
    one_step = {"method": "acf", "overidentified": True, "markov": ["horizontal"]}
    data = sp.simulate.production("endogenous", rng=21).data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpilloverWarning)
        result = sp.productivity(data, by=None, **one_step)
    found = result.elasticities.set_index("input")["estimate"]
    assert found["capital"] == pytest.approx(0.4, abs=0.06)
    law = result.law_of_motion.set_index("term")["estimate"]
    assert law["horizontal"] == pytest.approx(0.5, abs=0.12)

"""Synthetic panels: reproducible, well formed, and the truth is what they say it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import ConvergenceError, SchemaError

MEASURES = ["horizontal", "backward", "forward"]
FORMULA = "tfp ~ horizontal + backward + forward | firm + year + region^year"
SMALL = {"industries": 6, "firms_per_industry": 15, "years": range(2001, 2007), "regions": 3}


@pytest.fixture(scope="module")
def sim():
    return sp.simulate.panel(horizontal=-0.2, backward=0.4, forward=0.3, rng=7, **SMALL)


@pytest.fixture(scope="module")
def full():
    return sp.simulate.panel(rng=11)


# --- reproducibility -----------------------------------------------------------------------------


def test_same_seed_same_panel(sim):
    again = sp.simulate.panel(horizontal=-0.2, backward=0.4, forward=0.3, rng=7, **SMALL)
    pd.testing.assert_frame_equal(sim.firms, again.firms, check_exact=True)
    pd.testing.assert_frame_equal(sim.links, again.links, check_exact=True)
    np.testing.assert_array_equal(sim.io.domestic, again.io.domestic)


def test_a_generator_is_as_good_as_its_seed(sim):
    generator = np.random.default_rng(7)
    again = sp.simulate.panel(horizontal=-0.2, backward=0.4, forward=0.3, rng=generator, **SMALL)
    pd.testing.assert_frame_equal(sim.firms, again.firms, check_exact=True)


def test_other_seed_other_panel(sim):
    other = sp.simulate.panel(horizontal=-0.2, backward=0.4, forward=0.3, rng=8, **SMALL)
    assert not np.allclose(sim.links["horizontal"], other.links["horizontal"])
    assert not np.allclose(sim.io.total, other.io.total)


def test_global_random_state_is_untouched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    sp.simulate.panel(rng=1, **SMALL)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


# --- form ----------------------------------------------------------------------------------------


def test_reads_as_a_firm_panel_without_a_warning(full):
    panel = sp.read_firms(full.firms)
    assert len(panel) == len(full.firms)
    assert set(panel.data["industry"]) == set(full.io.sectors)


def test_values_are_possible(full):
    firms = full.firms
    assert firms.drop(columns="origin").notna().all().all()
    for name in ("output", "employment", "capital", "materials", "wage_bill", "value_added"):
        assert (firms[name] > 0).all(), name
    assert (firms["exports"] >= 0).all()
    assert (firms["exports"] <= 0.9 * firms["output"]).all()
    assert (firms["investment"] >= 0).all()
    np.testing.assert_allclose(firms["value_added"], firms["output"] - firms["materials"])
    foreign = firms["foreign_share"] > 0
    assert firms.loc[foreign, "foreign_share"].between(0.1, 1.0).all()
    assert firms.loc[foreign, "foreign_share"].nunique() > 20
    np.testing.assert_array_equal(firms["origin"].notna(), foreign)
    assert not firms.duplicated(["firm", "year"]).any()


def test_firms_keep_industry_and_region_and_live_without_gaps(full):
    firms = full.firms.groupby("firm")
    constant = full.firms[["firm", "industry", "region"]].drop_duplicates()
    assert len(constant) == firms.ngroups
    assert (firms["year"].max() - firms["year"].min() + 1 == firms.size()).all()


def test_capital_follows_investment(full):
    firms = full.firms.assign(next=full.firms.groupby("firm")["capital"].shift(-1)).dropna(
        subset="next"
    )
    np.testing.assert_allclose(firms["next"], 0.9 * firms["capital"] + firms["investment"])


def test_panel_is_unbalanced_and_ownership_changes(full):
    firms = full.firms
    life = firms.groupby("firm")["year"].agg(["min", "max"])
    assert (life["min"] > 2000).sum() > 100
    assert (life["max"] < 2007).sum() > 100
    owned = firms["foreign_share"] > 0
    was = owned.groupby(firms["firm"]).shift()
    assert (owned & (was == False)).sum() > 20  # noqa: E712
    assert (~owned & (was == True)).sum() > 5  # noqa: E712
    born_foreign = owned & was.isna() & (firms["year"] > 2000)
    assert born_foreign.sum() > 20


def test_presence_moves_within_industries(full):
    horizontal = full.links["horizontal"]
    assert horizontal.min() >= 0
    assert 0.3 < horizontal.max() < 0.9
    assert horizontal.groupby(full.links["industry"]).std().mean() > 0.05


def test_every_industry_is_observed_every_year():
    sim = sp.simulate.panel(firms_per_industry=2, exit_rate=0.8, entry_rate=0.0, rng=3)
    assert sim.links.notna().all().all()
    assert len(sim.firms.groupby(["industry", "year"])) == 20 * 8


def test_entry_and_exit_can_be_switched_off():
    sim = sp.simulate.panel(exit_rate=0.0, entry_rate=0.0, greenfield=0.0, rng=3, **SMALL)
    assert (sim.firms.groupby("firm").size() == 6).all()
    assert sim.firms["firm"].nunique() == 6 * 15


def test_no_foreign_firms_no_presence():
    sim = sp.simulate.panel(foreign_share_of_firms=0.0, rng=3, **SMALL)
    assert (sim.links[MEASURES] == 0).all().all()


def test_a_given_table_is_used():
    io = sp.simulate.io_table(5, rng=2)
    sim = sp.simulate.panel(io=io, firms_per_industry=10, rng=2)
    assert sim.io is io
    assert sorted(sim.firms["industry"].unique()) == list(io.sectors)


def test_representations_say_synthetic(sim):
    assert sim.synthetic is True
    assert repr(sim).startswith("SYNTHETIC")
    assert "SYNTHETIC" in sim._repr_html_()
    assert "SYNTHETIC" in sim.io.source
    assert "backward 0.4" in repr(sim)


def test_truth_holds_the_arguments_and_cannot_be_changed(sim):
    assert [sim.truth[name] for name in MEASURES] == [-0.2, 0.4, 0.3]
    assert sim.truth["settings"]["years"] == (2001, 2002, 2003, 2004, 2005, 2006)
    with pytest.raises(TypeError):
        sim.truth["backward"] = 0.0


# --- the truth is the truth ----------------------------------------------------------------------


def brute_force(firms, io):
    """Javorcik's (2004) formulas, written as loops over firms and sectors."""
    Z, names = io.flows("total"), list(io.sectors)
    rows = []
    for year in sorted(firms["year"].unique()):
        H, N = {}, {}
        for name in names:
            fy = y = fx = x = 0.0
            for row in firms[(firms["year"] == year) & (firms["industry"] == name)].itertuples():
                fy += row.foreign_share * row.output
                y += row.output
                fx += row.foreign_share * (row.output - row.exports)
                x += row.output - row.exports
            H[name], N[name] = fy / y, fx / x
        for j, name in enumerate(names):
            sold, bought = sum(Z[j, :]), sum(Z[:, j])
            others = [(k, other) for k, other in enumerate(names) if k != j]
            backward = sum(Z[j, k] / sold * H[other] for k, other in others)
            forward = sum(Z[m, j] / bought * N[other] for m, other in others)
            rows.append((name, year, H[name], backward, forward))
    return pd.DataFrame(rows, columns=["industry", "year", *MEASURES])


@pytest.mark.parametrize("feedback", [False, True])
@pytest.mark.parametrize("domestic_only", [False, True])
def test_presence_equals_loops_over_the_final_data(feedback, domestic_only):
    sim = sp.simulate.panel(
        horizontal=-0.5, backward=1.0, forward=0.5, selection=0.5, feedback=feedback,
        domestic_only_effect=domestic_only, rng=5, **SMALL,
    )  # fmt: skip
    slow = brute_force(sim.firms, sim.io)
    merged = sim.links.merge(slow, on=["industry", "year"], suffixes=("", "_slow"))
    assert len(merged) == len(sim.links) == len(slow)
    for name in MEASURES:
        np.testing.assert_allclose(merged[name], merged[f"{name}_slow"], rtol=0, atol=1e-12)


def test_presence_equals_the_linkage_measures(full):
    links = sp.linkages(full.firms, full.io).data
    merged = full.links.merge(links, on=["industry", "year"], suffixes=("", "_measured"))
    assert len(merged) == len(full.links)
    for name in MEASURES:
        np.testing.assert_allclose(merged[name], merged[f"{name}_measured"], rtol=0, atol=1e-12)


def solow(firms):
    logs = np.log(firms[["capital", "employment", "materials"]].to_numpy())
    return np.log(firms["output"]) - logs @ [0.15, 0.30, 0.50]


def test_with_feedback_tfp_is_the_residual_of_the_technology():
    sim = sp.simulate.panel(
        horizontal=-0.2, backward=0.4, forward=0.3, selection=0.5, feedback=True, rng=5, **SMALL
    )
    np.testing.assert_allclose(sim.firms["tfp"], solow(sim.firms), rtol=0, atol=1e-11)


def test_without_feedback_output_has_the_same_truth_and_other_noise():
    quiet = sp.simulate.panel(backward=0.4, industry_shock=0.0, noise=0.0, rng=5, **SMALL)
    np.testing.assert_allclose(quiet.firms["tfp"], solow(quiet.firms), rtol=0, atol=1e-11)
    noisy = sp.simulate.panel(backward=0.4, noise=0.2, industry_shock=0.0, rng=5)
    difference = noisy.firms["tfp"] - solow(noisy.firms)
    assert difference.std() == pytest.approx(0.2 * np.sqrt(2), rel=0.05)


def test_without_noise_the_effects_are_recovered_exactly(sim):
    quiet = sp.simulate.panel(
        horizontal=-0.2, backward=0.4, forward=0.3, industry_shock=0.0, noise=0.0, rng=7, **SMALL
    )
    estimate, _, _ = fixed_effects(quiet)
    np.testing.assert_allclose(estimate, [-0.2, 0.4, 0.3], rtol=0, atol=1e-9)


def test_spillovers_reach_all_firms_only_on_request():
    common = {"horizontal": 0.5, "industry_shock": 0.0, "noise": 0.0, "rng": 7, **SMALL}
    common["foreign_share_of_firms"] = 0.4
    estimates = []
    for domestic_only in (True, False):
        data = sp.simulate.panel(domestic_only_effect=domestic_only, **common).panel()
        foreign = data[data["foreign_share"] >= 0.1]
        estimates.append(_regress(foreign)[0])
    np.testing.assert_allclose(estimates[0], [0.0, 0.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(estimates[1], [0.5, 0.3, 0.0], atol=1e-9)


def test_a_shock_common_to_an_industry_cancels_from_every_measure(full):
    shock = np.random.default_rng(1).normal(0.0, 0.5, 160)
    cell = full.firms.groupby(["industry", "year"]).ngroup()
    moved = full.firms.assign(
        output=full.firms["output"] * np.exp(shock[cell]),
        exports=full.firms["exports"] * np.exp(shock[cell]),
    )
    before = sp.linkages(full.firms, full.io).data
    after = sp.linkages(moved, full.io).data
    np.testing.assert_allclose(before[MEASURES], after[MEASURES], rtol=0, atol=1e-12)


def test_fixed_point_is_tight_and_its_failure_is_an_error(sim):
    assert sim.gap < 1e-12
    assert sim.steps < 100
    with pytest.raises(ConvergenceError, match=r"horizontal=20.*nearer to zero"):
        sp.simulate.panel(horizontal=20.0, rng=1, **SMALL)


# --- what an estimator finds ---------------------------------------------------------------------


def _regress(data):
    """Firm, year and region-year effects by dummies; errors clustered by industry and year.

    Plain NumPy on purpose: it shares no code with the package.
    """
    columns = data[["tfp", *MEASURES]].to_numpy(dtype=float)
    dummies = pd.get_dummies(data["region"] + data["year"].astype(str), dtype=float).to_numpy()
    firm = pd.factorize(data["firm"])[0]
    stacked = np.column_stack([columns, dummies])
    means = pd.DataFrame(stacked).groupby(firm).transform("mean").to_numpy()
    within = stacked - means
    columns, dummies = within[:, :4], within[:, 4:]
    projected, _, rank, _ = np.linalg.lstsq(dummies, columns, rcond=1e-10)
    y, X = np.hsplit(columns - dummies @ projected, [1])
    bread = np.linalg.inv(X.T @ X)
    estimate = bread @ X.T @ y.ravel()
    scores = X * (y.ravel() - X @ estimate)[:, None]
    cluster = pd.factorize(data["industry"] + data["year"].astype(str))[0]
    sums = pd.DataFrame(scores).groupby(cluster).sum().to_numpy()
    n, clusters = len(y), len(sums)
    parameters = 3 + rank + firm.max() + 1
    factor = clusters / (clusters - 1) * (n - 1) / (n - parameters)
    variance = bread @ (sums.T @ sums) @ bread * factor
    return estimate, np.sqrt(np.diag(variance)), clusters


def fixed_effects(sim):
    data = sim.panel()
    return _regress(data[data["foreign_share"] < 0.1])


def draws(count, start, **settings):
    rows = [fixed_effects(sp.simulate.panel(rng=start + r, **settings)) for r in range(count)]
    estimates, errors, clusters = zip(*rows, strict=True)
    return np.array(estimates), np.array(errors), np.array(clusters)


def test_estimates_centre_on_the_truth():
    truth = {"horizontal": -0.2, "backward": 0.4, "forward": 0.2}
    estimates, _, _ = draws(30, 100, firms_per_industry=30, **truth)
    bias = estimates.mean(axis=0) - list(truth.values())
    assert (np.abs(bias) < 3 * estimates.std(axis=0, ddof=1) / np.sqrt(30)).all()


def test_sp_fit_agrees_with_dummies(full):
    fit = sp.fit(FORMULA, full.panel(), sample="domestic", cluster="industry^year")
    estimate, _, _ = fixed_effects(full)
    np.testing.assert_allclose(fit.params[MEASURES], estimate, rtol=0, atol=1e-9)


def test_feedback_biases_horizontal_downwards():
    estimates, _, _ = draws(20, 200, firms_per_industry=30, feedback=True)
    mean, error = estimates.mean(axis=0), estimates.std(axis=0, ddof=1) / np.sqrt(20)
    assert mean[0] < -3 * error[0]
    assert abs(mean[1] - 0.3) < 3 * error[1]


def test_selection_biases_horizontal_and_backward_upwards():
    estimates, _, _ = draws(40, 300, firms_per_industry=30, selection=2.0)
    mean, error = estimates.mean(axis=0), estimates.std(axis=0, ddof=1) / np.sqrt(40)
    assert mean[0] > 3 * error[0]
    assert mean[1] - 0.3 > 3 * error[1]


def test_foreigners_pick_productive_firms_only_under_selection():
    gaps = []
    for selection in (0.0, 1.0):
        firms = sp.simulate.panel(selection=selection, greenfield=0.0, rng=4).firms
        domestic = firms[firms["foreign_share"] == 0]
        bought = domestic["firm"].isin(firms.loc[firms["foreign_share"] > 0, "firm"])
        gaps.append(domestic.groupby(bought)["tfp"].mean().diff().iloc[-1])
    assert abs(gaps[0]) < 0.1
    assert gaps[1] > 0.15


@pytest.mark.slow
def test_monte_carlo_bias_and_coverage():
    truth = np.array([0.0, 0.3, 0.0])
    estimates, covered = [], []
    for seed in range(20_000, 20_500):
        data = sp.simulate.panel(rng=seed).panel()
        fit = sp.fit(FORMULA, data, sample="domestic", cluster="industry^year")
        low, high = fit.confint(level=0.95).loc[MEASURES].to_numpy().T
        estimates.append(fit.params[MEASURES].to_numpy())
        covered.append((low <= truth) & (truth <= high))
    error = np.std(estimates, axis=0, ddof=1) / np.sqrt(500)
    assert (np.abs(np.mean(estimates, axis=0) - truth) < 3 * error).all()
    coverage = np.mean(covered, axis=0)
    assert (coverage >= 0.92).all(), coverage
    assert (coverage <= 0.97).all(), coverage


# --- the input-output table ----------------------------------------------------------------------


@pytest.mark.parametrize(("density", "import_share"), [(0.01, 0.0), (0.5, 0.25), (1.0, 0.6)])
def test_io_table_balances(density, import_share):
    io = sp.simulate.io_table(12, density=density, import_share=import_share, rng=3)
    rows = io.domestic.sum(axis=1) + io.final_demand + io.exports
    np.testing.assert_allclose(rows, io.output, rtol=1e-12)
    np.testing.assert_allclose(io.domestic + io.imported, io.total, rtol=1e-12)
    added = io.output - io.total.sum(axis=0)
    assert (added > 0.2 * io.output).all()
    assert (io.domestic >= 0).all()
    assert (io.imported >= 0).all()
    off_diagonal = io.total - np.diag(np.diag(io.total))
    assert (off_diagonal.sum(axis=0) > 0).all()
    assert (off_diagonal.sum(axis=1) > 0).all()
    assert io.imported.sum() / io.total.sum() == pytest.approx(import_share, abs=0.15)


def test_io_table_density():
    io = sp.simulate.io_table(60, density=0.3, rng=3)
    cells = (io.total > 0).sum() - 60
    assert cells / (60 * 59) == pytest.approx(0.3, abs=0.05)


def test_io_table_is_reproducible():
    one, two = sp.simulate.io_table(8, rng=3), sp.simulate.io_table(8, rng=3)
    np.testing.assert_array_equal(one.total, two.total)
    assert not np.allclose(one.total, sp.simulate.io_table(8, rng=4).total)
    assert sp.simulate.io_table(120, rng=1).sectors[0] == "S001"


# --- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"industries": 1}, "industries=1"),
        ({"firms_per_industry": 1}, "firms_per_industry=1.*2 or more"),
        ({"years": [2000]}, "two or more consecutive"),
        ({"years": [2000, 2002]}, r"broken before 2002"),
        ({"years": [2000.5, 2001.5]}, "2000.5, 2001.5 is not a whole"),
        ({"regions": 0}, "regions=0"),
        ({"backward": 30.0}, "backward=30.*per unit of presence"),
        ({"horizontal": float("nan")}, "horizontal=nan"),
        ({"noise": -0.1}, "noise=-0.1"),
        ({"industry_shock": float("inf")}, "industry_shock=inf"),
        ({"selection": -1.0}, "selection=-1.0"),
        ({"foreign_share_of_firms": 20}, "foreign_share_of_firms=20.*from 0 to 0.5"),
        ({"greenfield": 1.1}, "greenfield=1.1"),
        ({"exit_rate": 1.0}, "exit_rate=1.0"),
        ({"entry_rate": 1.5}, "entry_rate=1.5"),
        ({"foreign_premium": float("nan")}, "foreign_premium=nan"),
    ],
)
def test_wrong_arguments_are_explained(arguments, message):
    with pytest.raises(SchemaError, match=message):
        sp.simulate.panel(**arguments)


def test_industries_must_match_the_table():
    with pytest.raises(SchemaError, match="industries=4, but io has 5 sectors"):
        sp.simulate.panel(industries=4, io=sp.simulate.io_table(5))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_sectors": 1}, "n_sectors=1"),
        ({"density": 0.0}, "density=0"),
        ({"density": 1.5}, "density=1.5"),
        ({"import_share": 1.0}, "import_share=1"),
    ],
)
def test_wrong_table_arguments_are_explained(arguments, message):
    with pytest.raises(SchemaError, match=message):
        sp.simulate.io_table(**arguments)

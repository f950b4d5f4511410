"""The three worlds: the economy as designed, specifications as named, and rates as counted."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu

import spillover as sp
from spillover.case.worlds import chance_above
from spillover.case.worlds_specifications import SPECIFICATIONS, estimate, observe, two_step
from spillover.errors import SchemaError
from spillover.plot.worlds import wilson
from spillover.simulate import WorldDesign, world

NAMES = ("textbook", "enclave", "paper")
RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "worlds.json"


@pytest.fixture(scope="module")
def economies() -> dict[str, sp.simulate.WorldData]:
    return {name: world(name, rng=4) for name in NAMES}


@pytest.fixture(scope="module")
def result() -> sp.case.Worlds:
    return sp.case.worlds(2, rng=1)


# The economy -------------------------------------------------------------------------------------


def test_tables_balance(economies):
    for data in economies.values():
        io = data.io
        rows = io.domestic.sum(axis=1) + io.final_demand + io.exports
        np.testing.assert_allclose(rows, io.output)
        assert (io.output - io.flows().sum(axis=0) > 0).all()  # value added


def test_worlds_share_firms_demand_and_investors(economies):
    one, two, three = (economies[name] for name in NAMES)
    for other in (two, three):
        for column in ("firm", "year", "industry", "foreign_share", "capital", "employment"):
            assert (one.firms[column] == other.firms[column]).all()
    np.testing.assert_allclose(  # presence moves with demand, weights with the table
        np.corrcoef(one.truth["demand"], two.truth["demand"])[0, 1], 1, atol=0.02
    )


def test_only_real_purchases_spill_over(economies):
    assert (economies["enclave"].truth["gain"] == 0).all()
    textbook, paper = (economies[name].truth["gain"].mean() for name in ("textbook", "paper"))
    assert 0 < paper < 0.25 * textbook
    data = economies["textbook"]
    np.testing.assert_allclose(data.truth["gain"], data.design.effect * data.truth["backward"])


def test_sourcing_differs_as_designed(economies):
    share = {name: data.sourcing.set_index("sector") for name, data in economies.items()}
    assert share["textbook"]["true"].between(0.8, 1).all()
    assert (share["enclave"]["true"] == 0).all()
    assert share["paper"]["true"].between(0, 0.2).all()
    assert share["paper"]["official"].between(0.8, 1).all()
    for name in ("textbook", "enclave"):
        assert (share[name]["official"] == share[name]["true"]).all()
    assert all(table["case"].between(0, 1).all() for table in share.values())


def test_books_of_the_paper_world_are_those_of_the_textbook(economies):
    one, two = (economies[name] for name in ("textbook", "paper"))
    np.testing.assert_allclose(one.sourcing["official"], two.sourcing["official"])
    np.testing.assert_allclose(one.io.domestic, two.io.domestic)
    enclave = economies["enclave"].io
    imported = [io.imported.sum() / io.flows().sum() for io in (one.io, enclave)]
    assert imported[1] > imported[0] + 0.03


def test_output_is_what_the_design_says(economies):
    """Domestic firms: gain and demand move measured productivity one for one."""
    one, two = economies["textbook"], economies["enclave"]
    keys = ["industry", "year"]
    gap = one.firms.assign(gap=one.firms["tfp"] - two.firms["tfp"])
    gap = gap[gap["foreign_share"] == 0].groupby(keys)["gap"].mean()
    truth = [data.truth.set_index(keys) for data in (one, two)]
    expected = truth[0]["gain"] - truth[1]["gain"]
    expected += one.design.demand * (truth[0]["demand"] - truth[1]["demand"])
    np.testing.assert_allclose(gap, expected.loc[gap.index], atol=1e-10)


def test_small_domestic_firms_are_not_covered():
    whole = world("enclave", WorldDesign(uncovered=0.0), rng=2).firms
    seen = world("enclave", WorldDesign(uncovered=1.0), rng=2).firms
    assert whole["firm"].nunique() == 22 * 40
    assert set(seen["firm"]) < set(whole["firm"])
    hidden = whole[~whole["firm"].isin(seen["firm"])]
    assert (hidden["foreign_share"] == 0).all()
    assert hidden["employment"].mean() < seen["employment"].mean()


def test_foreign_firms_follow_demand_only_with_selection():
    def together(selection: float) -> float:
        found = []
        for seed in range(8):
            data = world("enclave", WorldDesign(selection=selection), rng=seed)
            share = (
                data.firms.assign(foreign=data.firms["foreign_share"] > 0)
                .groupby(["industry", "year"])["foreign"].mean()
            )  # fmt: skip
            demand = data.truth.set_index(["industry", "year"])["demand"]
            frame = pd.DataFrame({"share": share, "demand": demand})
            within = frame - frame.groupby("industry").transform("mean")
            found.append(within.corr().iloc[0, 1])
        return float(np.mean(found))

    assert abs(together(0.0)) < 0.15
    assert together(1.0) > 0.4


def test_same_seed_same_world_and_refusals():
    pd.testing.assert_frame_equal(world("paper", rng=3).firms, world("paper", rng=3).firms)
    with pytest.raises(SchemaError, match="Did you mean 'enclave'"):
        world("enclav")
    for wrong in ({"effect": -1}, {"years": 3}, {"uncovered": 2}, {"noise": np.nan}):
        with pytest.raises(SchemaError):
            WorldDesign(**wrong)


# What is estimated -------------------------------------------------------------------------------


def test_measures_are_those_of_linkages(economies):
    data = economies["paper"]
    seen = observe(data).panel
    local = dict(zip(data.sourcing["sector"], data.sourcing["case"], strict=True))
    for column, rule in {
        "backward": sp.LinkageDefinition(),
        "backward_domestic": sp.LinkageDefinition(flows="domestic"),
        "backward_case": sp.LinkageDefinition(local_sourcing=sp.LocalSourcing.of(local)),
    }.items():
        links = sp.linkages(data.firms, data.io, rule).data.set_index(["industry", "year"])
        keys = pd.MultiIndex.from_frame(seen[["industry", "year"]])
        np.testing.assert_allclose(seen[column], links.loc[keys, "backward"], rtol=1e-12)


def test_two_steps_are_least_squares_by_industry(economies):
    frame = economies["enclave"].firms
    rest = two_step(frame)
    part = frame[frame["industry"] == "FOO"]
    home = part[part["foreign_share"] < 0.1]
    dummies = pd.get_dummies(home["year"]).astype(float)
    X = np.hstack([home[["log_capital", "log_employment", "log_materials"]], dummies])
    beta = np.linalg.solve(X.T @ X, X.T @ home["log_output"].to_numpy())[:3]
    by_hand = part["log_output"] - part[["log_capital", "log_employment", "log_materials"]] @ beta
    np.testing.assert_allclose(rest[part.index], by_hand, atol=1e-8)


def test_specifications_are_the_regressions_they_name(economies):
    data = economies["textbook"]
    found = {one.specification: one for one in estimate(data, list(SPECIFICATIONS))}
    panel = observe(data).panel
    inputs = "log_capital + log_employment + log_materials"
    formula = f"log_output ~ {inputs} + horizontal + backward + forward | firm + year"
    plain = sp.fit(formula, panel, sample="domestic", cluster="firm")
    assert found["levels_firm"].estimate == pytest.approx(plain.params["backward"])
    assert found["levels_firm"].p_value == pytest.approx(plain.pvalues["backward"])
    tfp = sp.fit("tfp ~ horizontal + backward + forward | firm + year", panel, sample="domestic",
                 cluster="industry^year")  # fmt: skip
    assert found["tfp_index"].std_error == pytest.approx(tfp.std_errors["backward"])
    with warnings.catch_warnings():  # few effective shocks
        warnings.simplefilter("ignore", sp.SpilloverWarning)
        robust = sp.fit(formula, panel, sample="domestic", inference="exposure",
                        inference_settings={"share_controls": True})  # fmt: skip
    assert found["exposure_shares"].p_value == pytest.approx(robust.pvalues["backward"])
    assert found["exposure_shares"].estimate == pytest.approx(robust.params["backward"])
    race = sp.fit(formula.replace("forward |", "forward + backward_case |"), panel,
                  sample="domestic", cluster="industry^year")  # fmt: skip
    assert found["race_adjusted"].estimate == pytest.approx(race.params["backward_case"])
    same = [one.estimate for name, one in found.items() if name.startswith("levels")]
    np.testing.assert_allclose(same, plain.params["backward"])


def test_effect_is_recovered_without_selection():
    """Estimates are centred at effect times sourcing where foreign firms do not follow demand."""
    design = WorldDesign(selection=0.0, demand=0.0, noise=0.005, shock=0.0, uncovered=0.0)
    found = sp.case.worlds(
        6, design=design, names=["textbook", "enclave"], specifications=["levels"], rng=2
    )
    mean = found.rates().set_index("world")["estimate"]
    assert mean["textbook"] == pytest.approx(0.27, abs=0.04)  # 0.3 x 0.9
    assert mean["enclave"] == pytest.approx(0.0, abs=0.03)


# What is counted ---------------------------------------------------------------------------------


def test_rates_are_counts(result):
    rates = result.rates()
    assert set(rates["specification"]) == set(SPECIFICATIONS)
    part = result.draws[result.draws["specification"] == "levels"]
    share = part.groupby("world")["reported"].mean()
    mine = rates[rates["specification"] == "levels"].set_index("world")["rate"]
    assert (mine == share.loc[mine.index]).all()
    spill = result.draws["specification"] != "leads"
    positive = (result.draws["p_value"] <= 0.05) & (result.draws["estimate"] > 0)
    assert (result.draws["reported"][spill] == positive[spill]).all()
    assert result.table().columns.tolist() == list(NAMES)
    assert result.count == 2


def test_texts(result):
    assert "Levels, output; by firm" in repr(result)
    assert "synthetic economies" in result._repr_html_()
    assert any("Synthetic data" in note for note in result.notes())


def test_chance_is_mann_whitneys():
    rng = np.random.default_rng(1)
    one, two = rng.normal(1, 1, 40), rng.normal(0, 1, 30).round(1)
    chance, error = chance_above(one, two)
    known = mannwhitneyu(one, two).statistic / (40 * 30)
    assert chance == pytest.approx(known)
    assert 0 < error < 0.1
    assert np.isnan(chance_above(one, np.array([]))[0])


def test_wilson_interval_is_scipys():
    from scipy.stats import binomtest  # noqa: PLC0415

    low, high = wilson(np.array([0.1, 0.0]), np.array([50.0, 50.0]))
    for at, count in enumerate((5, 0)):
        known = binomtest(count, 50).proportion_ci(method="wilson")
        assert low[at] == pytest.approx(known.low, abs=1e-4)
        assert high[at] == pytest.approx(known.high, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"draws": 1}, "2 or more"),
        ({"names": ["enclav"]}, "Did you mean 'enclave'"),
        ({"names": "enclave"}, "give a list"),
        ({"specifications": ["level"]}, "Did you mean 'levels'"),
        ({"level": 0.0}, "between 0 and 1"),
    ],
)
def test_worlds_refuse(change, message):
    with pytest.raises(SchemaError, match=message):
        sp.case.worlds(**{"draws": 2, **change})


def test_the_record_says_what_the_docs_say():
    """The enclave reports spillovers under selection; the paper world cannot be told from it."""
    record = json.loads(RESULTS.read_text())
    assert record["draws"] >= 200
    assert set(record["specifications"]) == set(SPECIFICATIONS)
    cells = {cell["selection"]: pd.DataFrame(cell["rates"]) for cell in record["cells"]}
    rate = {s: t.set_index(["specification", "world"])["rate"] for s, t in cells.items()}
    assert rate[1.0]["levels", "enclave"] > 4 * rate[0.0]["levels", "enclave"]
    chances = pd.DataFrame(record["cells"][1]["separation"])
    pair = (chances["first"] == "enclave") & (chances["second"] == "paper")
    official = chances[pair & (chances["specification"] == "levels")]["chance"].iloc[0]
    assert abs(official - 0.5) < 0.12

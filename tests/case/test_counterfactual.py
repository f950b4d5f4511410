"""The predicted spillover: against arithmetic by hand, closed forms and simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import spillover as sp
from spillover.case.counterfactual import EFFECTS, triangular
from spillover.case.presence import VALUE_ADDED, accumulate
from spillover.errors import SchemaError


@pytest.fixture(scope="module")
def io() -> sp.IOTable:
    return sp.IOTable.from_arrays(
        ["C10T12", "C24", "C29", "F"],
        total=[[10, 5, 15, 70], [0, 40, 50, 10], [2, 3, 5, 20], [5, 5, 5, 85]],
        output=[300, 200, 100, 400],
        unit="million USD",
        year=2007,
    )


# Presence ----------------------------------------------------------------------------------------


def test_flows_of_the_thesis_are_its_figures():
    flows = sp.case.thesis_flows().set_index(["activity", "year"])
    assert flows.loc[("processing", 2005), "central"] == 346
    assert flows.loc[("processing", 2014), ["low", "central", "high"]].tolist() == [
        1000,
        3748,
        5658,
    ]
    assert flows.loc[("construction", 2014), "central"] == 799
    assert flows.loc[("trade", 2014), "central"] == 2731


def test_stock_by_hand():
    flows = np.array([100.0, 120.0, 144.0])
    first = 100 * 1.2 / 0.3
    expected = [first, 0.9 * first + 120, 0.9 * (0.9 * first + 120) + 144]
    np.testing.assert_allclose(accumulate(flows, 0.1), expected)
    long = np.full(200, 5.0)
    assert accumulate(long, 0.1)[0] == pytest.approx(50)  # constant flows: 5 / 0.1


def test_change_of_presence_by_hand(io):
    flows = pd.DataFrame(
        {"activity": "construction", "year": [2005, 2006], "central": [10.0, 20.0]}
    )
    known = {"construction": (500.0, 800.0)}
    inflow = sp.case.presence_change(io, flows, measure="inflow", end=2006, output=known)
    table = inflow.table.set_index("code")
    assert table.loc["F", "central"] == pytest.approx(100 * (20 / 800 - 10 / 500))
    assert (table.loc["C10T12", ["low", "central", "high"]] == 0).all()
    assert "No flows are known for processing" in inflow.how
    stock = sp.case.presence_change(io, flows, end=2006, output=known, capital_output=(1, 2, 4))
    first = 10 * 2 / 1.1
    last = 0.9 * first + 20
    expected = [100 * (last / (c * 800) - first / (c * 500)) for c in (4, 2, 1)]
    values = stock.table.set_index("code").loc["F", ["low", "central", "high"]].astype(float)
    np.testing.assert_allclose(values, sorted(expected))


def test_output_is_carried_with_value_added(io):
    made = sp.case.presence_change(io, measure="inflow").table.set_index("code")
    added = VALUE_ADDED["construction"]
    output = {year: 400 * added[year] / added[2007] for year in (2005, 2014)}
    expected = 100 * (min(799 / output[2014], 1) - min(134 / output[2005], 1))
    assert made.loc["F", "central"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"measure": "stocks"}, "Did you mean 'stock'"),
        ({"start": 2014, "end": 2005}, "must lie before"),
        ({"start": 2000}, "run from 2005 to 2014"),
        ({"capital_output": (1.5, 1.0, 0.7)}, "positive and rising"),
        ({"depreciation": 1.0}, "rate from 0"),
        ({"output": {"processing": (0.0, 1.0)}}, "must be positive"),
        ({"flows": pd.DataFrame({"activity": ["trade"]})}, "lacks the columns 'year'"),
        ({"flows": {"trade": 1}}, "pandas frame"),
    ],
)
def test_presence_refuses(io, change, message):
    with pytest.raises(SchemaError, match=message):
        sp.case.presence_change(io, **change)


def test_presence_needs_a_year_or_output(io):
    undated = sp.IOTable.from_arrays(io.sectors, total=io.flows(), output=io.output, unit="USD")
    with pytest.raises(SchemaError, match="output="):
        sp.case.presence_change(undated)


# The prediction ----------------------------------------------------------------------------------


def test_central_prediction_by_hand(io):
    """Processing sectors weighted 3:2:1; shares of sales without the own sector."""
    found = sp.case.counterfactual(io, {"C29": 10.0, "F": 5.0}, effect=0.2)
    food, metals, cars = (
        (15 * 10 + 70 * 5) / 100,
        (50 * 10 + 10 * 5) / 100,
        20 * 5 / 30,
    )
    textbook = 0.2 * (3 * food + 2 * metals + cars) / 6
    adjusted = 0.2 * (
        3 * (15 * 10 * 0.03 + 70 * 5 * 0.5) / 100
        + 2 * (50 * 10 * 0.03 + 10 * 5 * 0.5) / 100
        + 20 * 5 * 0.5 / 30
    ) / 6  # fmt: skip
    central = found.tidy().set_index("prediction")["central"]
    assert central["textbook"] == pytest.approx(textbook)
    assert central["case"] == pytest.approx(adjusted)
    assert central["lost"] == pytest.approx(textbook - adjusted)
    assert found.kept == pytest.approx(adjusted / textbook)
    assert found.buyers["contribution"].sum() == pytest.approx(textbook / 0.2)


def test_published_effects_are_those_of_the_paper():
    assert EFFECTS["all"][:2] == (0.168, 0.0241)
    assert EFFECTS["published"][:2] == (0.178, 0.0295)
    assert EFFECTS["homogeneous"][:2] == (0.307, 0.0380)


def test_textbook_spread_is_that_of_the_effect_alone(io):
    found = sp.case.counterfactual(io, {"C29": 10.0}, effect=(0.2, 0.05), draws=40_000, rng=1)
    scale = found.tidy()["central"].iloc[0] / 0.2
    assert found.draws["textbook"].mean() == pytest.approx(0.2 * scale, rel=0.01)
    assert found.draws["textbook"].std() == pytest.approx(0.05 * scale, rel=0.02)
    tails = stats.norm.ppf([0.025, 0.975], 0.2 * scale, 0.05 * scale)
    np.testing.assert_allclose(found.interval().loc["textbook"], tails, rtol=0.03)


def test_between_countries_widens(io):
    found = sp.case.counterfactual(io, {"C29": 10.0}, between=0.3)
    assert found.effect[1] == pytest.approx(np.hypot(0.0241, 0.3))


def test_triangular_quantiles_are_scipys():
    rank = np.linspace(0, 1, 11)[:, None]
    levels = np.array([[0.1, 0.0, 0.4], [0.3, 0.0, 0.4], [0.9, 1.0, 0.4]])
    found = triangular(rank, levels)
    for column, (low, mode, high) in enumerate(levels.T[:2]):
        known = stats.triang((mode - low) / (high - low), low, high - low).ppf(rank[:, 0])
        np.testing.assert_allclose(found[:, column], known, atol=1e-12)
    assert (found[:, 2] == 0.4).all()


def test_shares_of_variance_have_a_closed_form(io):
    """One buyer: the case's prediction is a product of three independent inputs."""
    mine = sp.case.sourcing().with_ranges({"cars": (0.1, 0.4, 0.9)})
    found = sp.case.counterfactual(
        io, {"C29": (2.0, 6.0, 12.0)}, effect=(0.2, 0.06), sourcing=mine, draws=60_000, rng=2
    )
    triangle = [
        stats.triang((m - a) / (b - a), a, b - a) for a, m, b in [(0.1, 0.4, 0.9), (2, 6, 12)]
    ]
    means = {"effect": 0.2, "sourcing": triangle[0].mean(), "presence": triangle[1].mean()}
    squares = {
        "effect": 0.06**2,
        "sourcing": triangle[0].var(),
        "presence": triangle[1].var(),
    }
    second = {k: means[k] ** 2 + squares[k] for k in means}
    whole = np.prod(list(second.values())) - np.prod([m**2 for m in means.values()])
    table = found.variance.set_index("input")
    for name in means:
        others = [k for k in means if k != name]
        alone = squares[name] * np.prod([means[k] ** 2 for k in others]) / whole
        total = squares[name] * np.prod([second[k] for k in others]) / whole
        assert table.loc[name, "first"] == pytest.approx(alone, abs=0.03)
        assert table.loc[name, "total"] == pytest.approx(total, abs=0.03)


def test_sectors_on_their_own_are_surer_than_together(io):
    change = {"C29": 10.0, "F": 10.0, "C24": 10.0}
    together, apart = (
        sp.case.counterfactual(io, change, effect=0.2, together=flag, rng=3).draws["case"].std()
        for flag in (True, False)
    )
    assert apart < 0.85 * together


def test_full_sourcing_is_the_textbook(io):
    everything = sp.case.sourcing().with_ranges(
        dict.fromkeys(sp.case.sourcing().table["sector"], 1)
    )
    found = sp.case.counterfactual(io, {"C29": 10.0}, sourcing=everything)
    assert found.draws["lost"].abs().max() < 1e-12


def test_same_seed_same_draws(io):
    one, two = (sp.case.counterfactual(io, {"C29": 1.0}, rng=5).draws for _ in range(2))
    pd.testing.assert_frame_equal(one, two)


def test_industries_can_be_chosen(io):
    found = sp.case.counterfactual(io, {"C29": 10.0}, industries=["F"], effect=0.2)
    assert found.tidy()["central"].iloc[0] == pytest.approx(0.2 * 5 / 100 * 10)
    with pytest.raises(SchemaError, match="different sectors"):
        sp.case.counterfactual(io, {"C29": 10.0}, industries=["X"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"effect": "al"}, "Did you mean 'all'"),
        ({"effect": (0.1, -1.0)}, "must not be negative"),
        ({"effect": None}, "give a number"),
        ({"draws": 10}, "100 or more"),
        ({"sourcing": 0.5}, "with_ranges"),
        ({"definition": "javorcik"}, "LinkageDefinition"),
    ],
)
def test_counterfactual_refuses(io, change, message):
    with pytest.raises(SchemaError, match=message):
        sp.case.counterfactual(io, {"C29": 1.0}, **change)
    with pytest.raises(SchemaError, match="presence_change"):
        sp.case.counterfactual(io, 3.0)
    with pytest.raises(SchemaError, match="level"):
        sp.case.counterfactual(io, {"C29": 1.0}).interval(2)


def test_notes_say_what_was_done(io):
    found = sp.case.counterfactual(io, {"C29": 1.0})
    text = " ".join(found.notes())
    assert "Havranek & Irsova (2011)" in text
    assert "judgements" in text
    assert "imported inputs in" in text
    assert "Counterfactual(" in repr(found)
    assert "Sourcing" in found._repr_html_()


# The country itself ------------------------------------------------------------------------------


def test_prediction_for_kazakhstan(shared):
    """With the social accounting matrix: small in any case, and about halved by the case."""
    file = shared / "io_kazakhstan_gtap_sam" / "kazakhstan_sam57.csv"
    io = sp.read_io(file, country="KAZ", year=2007)
    change = sp.case.presence_change(io)
    found = sp.case.counterfactual(io, change, rng=1)
    table = found.tidy().set_index("prediction")
    assert 0.5 < table.loc["textbook", "mean"] < 1.2
    assert table.loc["textbook", "conf_high"] < 2
    assert 0.3 < found.kept < 0.65
    single = sp.case.counterfactual(io, change, effect="javorcik_2004", rng=1)
    interval = single.interval().loc["textbook"]
    assert interval["conf_low"] < 0 < 10 < interval["conf_high"]


def test_inflows_are_of_the_size_of_the_national_banks_stocks(shared):
    """Net stocks, in euros, lie below what the thesis's gross inflows add up to."""
    frame = pd.read_csv(shared / "kazakhstan" / "fdi_by_activity_long.csv", low_memory=False)
    rows = frame[
        (frame["direction"] == "FDI inward stock")
        & (frame["unit"] == "EUR m")
        & frame["industry_product"].isin(["C  Manufacturing", "D  Manufacturing"])
    ]
    stock = rows.groupby("year")["value"].max()
    flows = sp.case.thesis_flows().query("activity == 'processing'").sort_values("year")
    years = np.arange(2005, 2015)
    found = accumulate(np.interp(years, flows["year"], flows["central"]), 0.1)
    dollars = 1.33 * stock.loc[2014]  # the euro of 2014
    assert 0.5 < dollars / found[-1] < 1.3

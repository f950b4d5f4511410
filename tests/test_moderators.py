"""Moderators against loops by hand; every kind of frame, in any order; every gap counted."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover import moderators

pytestmark = pytest.mark.filterwarnings("ignore:.* is missing in:spillover.errors.SpilloverWarning")


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(3)
    n = 240
    made = pd.DataFrame(
        {
            "firm": np.repeat(np.arange(60), 4),
            "year": np.tile([2000, 2001, 2003, 2004], 60),
            "industry": np.repeat(rng.choice(["a", "b", "c"], 60), 4),
            "region": np.repeat(rng.choice(["n", "s"], 60), 4),
            "output": rng.lognormal(3, 1, n),
            "employment": rng.integers(1, 50, n).astype(float),
            "wage_bill": rng.lognormal(2, 0.5, n),
            "exports": np.where(rng.random(n) < 0.5, 0.0, rng.lognormal(1, 1, n)),
            "foreign_share": np.where(rng.random(n) < 0.7, 0.0, rng.random(n)),
            "tfp": rng.normal(size=n),
        }
    )
    made.loc[made["industry"] == "c", "foreign_share"] = 0.0  # an industry without foreign firms
    made.loc[[5, 17], "tfp"] = np.nan
    return made.sample(frac=1, random_state=np.random.default_rng(0)).reset_index(drop=True)


def by_hand(frame, column, statistic, chosen):
    """A statistic over the chosen rows of each row's industry and year, by a loop."""
    result = []
    for _, row in frame.iterrows():
        same = (frame["industry"] == row["industry"]) & (frame["year"] == row["year"]) & chosen
        values = frame.loc[same, column].dropna()
        result.append(statistic(values) if len(values) else np.nan)
    return np.array(result)


# Gap and absorptive capacity ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frontier", "statistic"),
    [
        ("mean", np.mean),
        (90, lambda v: np.quantile(v, 0.9)),
        (100, np.max),
    ],
)
def test_the_gap_is_the_distance_to_foreign_firms(frame, frontier, statistic):
    made = moderators.technology_gap(frame, frontier=frontier, square=True)
    best = by_hand(frame, "tfp", statistic, frame["foreign_share"] >= 0.1)
    np.testing.assert_allclose(made["gap"], best - frame["tfp"], rtol=1e-12)
    np.testing.assert_allclose(made["gap_squared"], made["gap"] ** 2)
    assert made["gap"].isna().to_numpy()[frame["industry"] == "c"].all()


def test_a_ratio_is_averaged_in_levels_and_compared_in_logs(frame):
    made = moderators.technology_gap(frame, productivity=("output", "employment"))
    own = frame["output"] / frame["employment"]
    best = by_hand(frame.assign(own=own), "own", np.mean, frame["foreign_share"] >= 0.1)
    np.testing.assert_allclose(made["gap"], np.log(best / own), rtol=1e-12)


def test_the_frontier_may_be_all_or_domestic_firms(frame):
    best = by_hand(frame, "tfp", np.max, frame["foreign_share"] < 0.1)
    made = moderators.technology_gap(frame, of="domestic", frontier=100)
    np.testing.assert_allclose(made["gap"], best - frame["tfp"], rtol=1e-12)
    whole = moderators.technology_gap(frame.drop(columns="foreign_share"), of="all", frontier=100)
    assert whole["gap"].min() == 0


def test_a_gap_does_not_depend_on_units_of_money(frame):
    pair = ("output", "employment")
    one = moderators.technology_gap(frame, productivity=pair)["gap"]
    rich = frame.assign(output=frame["output"] * 1e6)
    np.testing.assert_allclose(moderators.technology_gap(rich, productivity=pair)["gap"], one)


@pytest.mark.parametrize("lag", [0, 1, 2, 3])
def test_absorptive_capacity_is_of_an_earlier_calendar_year(frame, lag):
    best = by_hand(frame, "tfp", np.max, frame["tfp"].notna())
    now = np.exp(frame["tfp"] - best)
    lookup = {(f, y): v for f, y, v in zip(frame["firm"], frame["year"], now, strict=True)}
    keys = zip(frame["firm"], frame["year"], strict=True)
    wanted = [lookup.get((f, y - lag), np.nan) for f, y in keys]
    made = moderators.absorptive_capacity(frame, lag=lag)
    np.testing.assert_allclose(made["absorptive_capacity"], wanted, rtol=1e-12)
    assert made["absorptive_capacity"].max() <= 1


def test_absorptive_capacity_at_entry_is_that_of_the_first_year_with_a_value(frame):
    now = moderators.absorptive_capacity(frame, lag=0)
    made = moderators.absorptive_capacity(frame, at="entry", square=True)
    for firm, part in now.groupby("firm"):
        known = part.dropna(subset="absorptive_capacity").sort_values("year")
        here = made.loc[made["firm"] == firm, "absorptive_capacity"]
        assert (here == known["absorptive_capacity"].iloc[0]).all()


def test_two_rows_of_a_firm_and_year_are_refused(frame):
    twice = pd.concat([frame, frame.head(1)])
    with pytest.raises(sp.SchemaError, match="1 rows repeat a firm and year"):
        moderators.absorptive_capacity(twice)


# Industry ----------------------------------------------------------------------------------------


def test_herfindahl_is_that_of_the_linkages():
    world = sp.simulate.panel(industries=6, firms_per_industry=15, rng=2)
    links = sp.linkages(world.firms, world.io, controls=["herfindahl"])
    attached = sp.attach(world.firms, links, measures=["herfindahl"])
    made = moderators.herfindahl(world.firms)
    np.testing.assert_allclose(made["herfindahl"], attached["herfindahl"], rtol=1e-10)


def test_herfindahl_by_hand_with_other_markets_and_weights(frame):
    keys = ["industry", "region", "year"]
    made = moderators.herfindahl(frame, weight="employment", by=keys)
    for _, part in made.groupby(keys):
        shares = part["employment"] / part["employment"].sum()
        np.testing.assert_allclose(part["herfindahl"], (shares**2).sum(), rtol=1e-12)


def test_foreign_mean_weighs_foreign_firms_only(frame):
    made = moderators.foreign_mean(frame, "exports", weight="output", name="x", empty=0.0)
    for _, part in made.groupby(["industry", "year"]):
        foreign = part[part["foreign_share"] >= 0.1]
        wanted = np.average(foreign["exports"], weights=foreign["output"]) if len(foreign) else 0.0
        np.testing.assert_allclose(part["x"], wanted, rtol=1e-12)
    assert moderators.foreign_mean(frame, "exports")["foreign_exports"].isna().any()


def test_above_compares_with_the_percentile_of_the_chosen_firms(frame):
    line = by_hand(frame, "tfp", np.median, frame["foreign_share"] < 0.1)
    made = moderators.above(frame, "tfp", of="domestic")
    known = frame["tfp"].notna()
    assert (made.loc[known, "high_tfp"] == (frame["tfp"] > line)[known]).all()
    assert made.loc[~known, "high_tfp"].isna().all()


# Firms -------------------------------------------------------------------------------------------


def test_age_since_foundation_first_row_and_foreign_entry():
    frame = pd.DataFrame(
        {
            "firm": [1, 1, 1, 2],
            "year": [2000, 2002, 2003, 2001],
            "foreign_share": [0.0, 0.4, 0.0, 0.0],
            "founded": [1990, 1990, 1990, 2001],
        }
    )
    assert moderators.age(frame)["age"].tolist() == [0, 2, 3, 0]
    assert moderators.age(frame, founded="founded")["age"].tolist() == [10, 12, 13, 0]
    entered = moderators.age(frame, since="foreign", name="since")["since"]
    assert entered.tolist() == pytest.approx([np.nan, 0, 1, np.nan], nan_ok=True)
    with pytest.raises(sp.SchemaError, match="1 rows come before the year in 'founded'"):
        moderators.age(frame.assign(founded=[1990, 1990, 1990, 2005]), founded="founded")


def test_human_capital_is_a_share_or_a_relative_wage(frame):
    skilled = frame.assign(skilled=frame["employment"] / 4)
    assert moderators.human_capital(skilled)["human_capital"].eq(0.25).all()
    wage = frame["wage_bill"] / frame["employment"]
    mean = by_hand(frame.assign(wage=wage), "wage", np.mean, frame["employment"] > 0)
    made = moderators.human_capital(frame, skilled=None)
    np.testing.assert_allclose(made["human_capital"], wage / mean, rtol=1e-12)
    with pytest.raises(sp.SchemaError, match="more 'skilled' than 'employment'"):
        moderators.human_capital(skilled.assign(skilled=1000.0))


def test_ownership_parts_foreign_firms():
    shares = [0.0, 0.09, 0.1, 0.49, 0.5, 0.98, 0.99, 1.0, np.nan]
    made = moderators.ownership(
        pd.DataFrame({"foreign_share": shares}),
        kinds=["foreign", "minority", "majority", "partial", "full"],
    )
    expected = {
        "foreign": [0, 0, 1, 1, 1, 1, 1, 1],
        "minority": [0, 0, 1, 1, 0, 0, 0, 0],
        "majority": [0, 0, 0, 0, 1, 1, 1, 1],
        "partial": [0, 0, 1, 1, 1, 1, 0, 0],
        "full": [0, 0, 0, 0, 0, 0, 1, 1],
    }
    for kind, values in expected.items():
        assert made[f"{kind}_owned"].tolist()[:-1] == values
        assert np.isnan(made[f"{kind}_owned"].iloc[-1])
    both = made["minority_owned"] + made["majority_owned"]
    pd.testing.assert_series_equal(both, made["foreign_owned"], check_names=False)


def test_origin_agreement_and_region():
    frame = pd.DataFrame(
        {
            "year": [1994, 1996, 1996, 1996, 1996],
            "foreign_share": [1.0, 1.0, 0.0, 1.0, np.nan],
            "origin": ["DEU", "DEU", "DEU", None, "USA"],
            "region": ["x", "y", "y", None, "z"],
        }
    )
    eu = moderators.origin(frame, {"eu": ["DEU", "FRA"]})["origin_eu"]
    assert eu.tolist() == pytest.approx([1, 1, 0, np.nan, np.nan], nan_ok=True)
    inside = moderators.trade_agreement(frame, {"DEU": 1995})["trade_agreement"]
    assert inside.tolist() == pytest.approx([0, 1, 0, np.nan, np.nan], nan_ok=True)
    place = moderators.region(frame, {"centre": ["y", "z"]})["region_centre"]
    assert place.tolist() == pytest.approx([0, 1, 1, np.nan, 1], nan_ok=True)


def test_exporters_and_research():
    frame = pd.DataFrame({"exports": [0.0, 1.0, 5.0, np.nan], "output": [10.0, 10.0, 10.0, 10.0]})
    assert moderators.exporter(frame)["exporter"].tolist()[:3] == [0, 1, 1]
    made = moderators.exporter(frame, threshold=0.2, share=True)
    assert made["exporter"].tolist() == pytest.approx([0, 0, 1, np.nan], nan_ok=True)
    assert made["exporter_share"].tolist()[:3] == [0, 0.1, 0.5]
    spent = moderators.research(frame.rename(columns={"exports": "research_spending"}))
    assert spent["research"].tolist()[:3] == [0, 0.1, 0.5]
    assert spent["research_any"].tolist() == pytest.approx([0, 1, 1, np.nan], nan_ok=True)


# All of them -------------------------------------------------------------------------------------

CALLS = {
    "technology_gap": {},
    "absorptive_capacity": {},
    "herfindahl": {},
    "foreign_mean": {"column": "exports"},
    "above": {"column": "tfp"},
    "age": {},
    "human_capital": {"skilled": None},
    "ownership": {},
    "region": {"groups": {"north": ["n"]}},
    "exporter": {},
}


@pytest.mark.parametrize("name", CALLS)
def test_rows_keep_their_order_and_the_frame_its_kind(frame, name):
    pl = pytest.importorskip("polars")
    pa = pytest.importorskip("pyarrow")
    function = getattr(moderators, name)
    made = function(frame, **CALLS[name])
    new = [column for column in made if column not in frame]
    assert new
    pd.testing.assert_frame_equal(made[list(frame)], frame)
    assert not set(new) & set(frame)
    odd = function(frame.set_axis(frame.index[::-1] + 7), **CALLS[name])
    np.testing.assert_array_equal(odd[new], made[new])
    for other in (pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        found = function(other, **CALLS[name])
        assert type(found) is type(other)
        values = found.select(new).to_pandas()
        np.testing.assert_allclose(values, made[new], rtol=1e-12)


@pytest.mark.filterwarnings("ignore")
def test_a_firm_panel_stays_one_and_notes_what_is_missing(frame):
    panel = sp.read_firms(frame)
    made = moderators.technology_gap(panel)
    assert isinstance(made, sp.FirmPanel)
    assert "gap" in made.data
    assert made.report.notes[-1].startswith("gap is missing in")
    assert len(made.report.notes) == len(panel.report.notes) + 1


def test_what_is_missing_is_counted_by_reason_once(frame):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = moderators.technology_gap(frame)
    (one,) = caught
    total = int(made["gap"].isna().sum())
    apart = int(frame["tfp"].isna().sum())
    assert str(one.message) == (
        f"gap is missing in {total:,} of 240 rows: {apart} for want of own productivity, "
        f"{total - apart} for want of foreign firms in the group."
    )
    assert one.filename == __file__


def test_notes_of_the_linkages_survive(frame):
    marked = frame.copy()
    marked.attrs["source"] = "kept"
    assert moderators.herfindahl(marked).attrs == {"source": "kept"}


def test_absent_columns_and_taken_names_are_refused(frame):
    with pytest.raises(sp.SchemaError, match=r"technology_gap\(\) needs the column\(s\) 'tpf'"):
        moderators.technology_gap(frame, productivity="tpf")
    with pytest.raises(sp.SchemaError, match="already has 'tfp'"):
        moderators.technology_gap(frame, name="tfp")
    with pytest.raises(sp.SchemaError, match="not numbers"):
        moderators.technology_gap(frame, productivity="industry")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda f: moderators.technology_gap(f, frontier=0), "frontier=0"),
        (lambda f: moderators.technology_gap(f, frontier="best"), "frontier='best'"),
        (lambda f: moderators.technology_gap(f, productivity=("a",)), "a pair of columns"),
        (lambda f: moderators.technology_gap(f, of="foregin"), "of='foregin'"),
        (lambda f: moderators.technology_gap(f, by="year"), "by='year'"),
        (lambda f: moderators.absorptive_capacity(f, lag=-1), "lag=-1"),
        (lambda f: moderators.absorptive_capacity(f, at="exit"), "at='exit'"),
        (lambda f: moderators.above(f, "tfp", percentile=100), "percentile=100"),
        (lambda f: moderators.ownership(f, kinds="full"), "kinds='full'"),
        (lambda f: moderators.ownership(f, kinds=["whole"]), "kinds='whole'"),
        (lambda f: moderators.region(f, {}), "groups={}"),
        (lambda f: moderators.region(f, {"n": "n"}), "'n' must be a list"),
        (lambda f: moderators.exporter(f, threshold=1), "threshold=1"),
        (lambda f: moderators.trade_agreement(f, {"DEU": "1995"}), "first year"),
    ],
)
def test_wrong_arguments_are_named(frame, call, text):
    with pytest.raises(sp.SchemaError, match=text):
        call(frame)

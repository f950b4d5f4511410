"""Capital by perpetual inventory against a walk through the calendar, firm by firm."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spillover as sp
from spillover.errors import SchemaError, SpilloverWarning
from spillover.production.inventory import perpetual_inventory


def one_firm(**columns):
    return pd.DataFrame({"firm": "a", **columns})


def stock(frame, rate=0.1, **kwargs):
    return perpetual_inventory(frame, rate, **kwargs)["capital_stock"].to_numpy()


def walk(frame, rate, initial, growth, timing, missing):
    """The recursion, written as a walk over every calendar year of each firm."""
    result = {}
    for firm, part in frame.groupby("firm"):
        rows = {row.year: row for row in part.itertuples()}
        state = np.nan
        for year in range(min(rows), max(rows) + 1):
            if year not in rows:
                state = np.nan
                continue
            row = rows[year]

            def spent(r):
                return 0.0 if missing == "zero" and np.isnan(r.investment) else r.investment

            now = spent(row)
            had = not np.isnan(state) and year - 1 in rows
            if had:
                add = now if timing == "end" else spent(rows[year - 1])
                state = (1 - rate) * state + add
            elif initial == "first":
                state = row.capital
            else:
                state = now * ((1 + growth) if timing == "end" else 1) / (growth + rate)
            result[firm, year] = state
    keys = zip(frame["firm"], frame["year"], strict=True)
    return np.array([result[key] for key in keys])


def random_panel(seed):
    random = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(8), range(2000, 2010)], names=["firm", "year"])
    frame = pd.DataFrame(index=index).reset_index()
    frame["investment"] = random.lognormal(0, 1, len(frame))
    frame["capital"] = random.lognormal(3, 1, len(frame))
    frame.loc[random.random(len(frame)) < 0.15, "investment"] = np.nan
    frame.loc[random.random(len(frame)) < 0.4, "capital"] = np.nan
    frame = frame[random.random(len(frame)) > 0.15]
    return frame.sample(frac=1.0, random_state=seed)


@given(
    st.integers(0, 10_000),
    st.sampled_from(["first", "steady_state"]),
    st.sampled_from(["end", "start"]),
    st.sampled_from(["break", "zero"]),
)
@pytest.mark.filterwarnings("ignore::spillover.errors.SpilloverWarning")
def test_against_a_walk(seed, initial, timing, missing):
    frame = random_panel(seed)
    options = {"initial": initial, "growth": 0.03, "timing": timing, "missing": missing}
    expected = walk(frame, 0.08, **options)
    np.testing.assert_allclose(stock(frame, 0.08, **options), expected, rtol=1e-12)


def test_by_hand():
    frame = one_firm(year=[2000, 2001, 2002], investment=[10.0, 20.0, 30.0], capital=[100.0, 1, 1])
    np.testing.assert_allclose(stock(frame), [100, 110, 129])
    np.testing.assert_allclose(stock(frame, timing="start"), [100, 100, 110])
    steady = stock(frame, initial="steady_state", growth=0.1)
    np.testing.assert_allclose(steady, [55, 69.5, 92.55])
    start = stock(frame, initial="steady_state", growth=0.1, timing="start")
    np.testing.assert_allclose(start, [50, 55, 69.5])


@pytest.mark.parametrize("timing", ["end", "start"])
def test_steady_state_is_steady(timing):
    growth = 0.04
    frame = one_firm(year=range(2000, 2010), investment=100 * (1 + growth) ** np.arange(10))
    K = stock(frame, 0.12, initial="steady_state", growth=growth, timing=timing)
    np.testing.assert_allclose(K[1:] / K[:-1], 1 + growth, rtol=1e-12)


def test_simulated_capital_comes_back():
    sim = sp.simulate.production("acf1", firms=50, rng=1)
    K = stock(sim.data, 0.2, timing="start")
    np.testing.assert_allclose(K, sim.data["capital"], rtol=1e-10)


def test_a_gap_starts_anew_and_is_counted():
    frame = one_firm(year=[2000, 2001, 2004], investment=[1.0, 1.0, 1.0], capital=[10.0, 9, 50])
    with pytest.warns(SpilloverWarning, match="1 spell starts anew after a gap"):
        K = stock(frame)
    np.testing.assert_allclose(K, [10, 10, 50])


def test_missing_investment_is_counted():
    frame = one_firm(
        year=range(2000, 2005), investment=[1.0, 1, np.nan, 1, 1], capital=[10.0, 9, 8, 7, 6]
    )
    with pytest.warns(SpilloverWarning, match="missing in 1 row, where the stock breaks off"):
        K = stock(frame)
    np.testing.assert_allclose(K, [10, 10, np.nan, 7, 7.3])
    with pytest.warns(SpilloverWarning, match="counted as zero"):
        K = stock(frame, missing="zero")
    np.testing.assert_allclose(K, [10, 10, 9, 9.1, 9.19])


def test_firms_without_a_start_have_no_stock():
    frame = one_firm(year=[2000, 2001], investment=[1.0, 2.0], capital=[np.nan, np.nan])
    with pytest.warns(SpilloverWarning, match="no stock in 2 of 2 rows"):
        assert np.isnan(stock(frame)).all()
    late = frame.assign(capital=[np.nan, 5.0])
    with pytest.warns(SpilloverWarning, match="no stock in 1 of 2 rows"):
        np.testing.assert_allclose(stock(late), [np.nan, 5.0])


def test_stocks_that_are_not_positive_are_counted():
    frame = one_firm(year=[2000, 2001], investment=[0.0, 0.0])
    with pytest.warns(SpilloverWarning, match="not positive in 2 rows"):
        stock(frame, initial="steady_state")


def test_rate_by_column():
    frame = pd.DataFrame(
        {"firm": [1, 1, 2, 2], "year": [0, 1, 0, 1], "investment": 0.0, "capital": 10.0,
         "rate": [0.1, 0.1, 0.5, 0.5]}
    )  # fmt: skip
    np.testing.assert_allclose(stock(frame, "rate"), [10, 9, 10, 5])


def test_libraries_order_and_panel():
    pl = pytest.importorskip("polars")
    sim = sp.simulate.production("acf1", firms=20, rng=1)
    base = stock(sim.data, 0.2)
    shuffled = sim.data.sample(frac=1.0, random_state=0)
    result = perpetual_inventory(shuffled, 0.2)
    assert result.index.equals(shuffled.index)
    np.testing.assert_allclose(result["capital_stock"].sort_index(), base, rtol=1e-12)
    polars = perpetual_inventory(pl.from_pandas(sim.data), 0.2)
    assert isinstance(polars, pl.DataFrame)
    np.testing.assert_allclose(polars["capital_stock"].to_numpy(), base, rtol=1e-12)
    panel = perpetual_inventory(sp.read_firms(sim.data), 0.2, into="k")
    assert isinstance(panel, sp.FirmPanel)
    np.testing.assert_allclose(panel.to_pandas()["k"], base, rtol=1e-12)


def test_panel_report_notes():
    sim = sp.simulate.production("acf1", firms=5, rng=1)
    panel = sp.read_firms(
        sim.data.assign(investment=sim.data["investment"].where(sim.data.index > 0))
    )
    with pytest.warns(SpilloverWarning):
        result = perpetual_inventory(panel, 0.2, missing="zero")
    assert any(
        note.startswith("capital_stock: investment is missing") for note in result.report.notes
    )


GOOD = one_firm(year=[2000, 2001], investment=[1.0, 1.0], capital=[5.0, 5.0])


@pytest.mark.parametrize(
    ("frame", "kwargs", "match"),
    [
        (GOOD, {"depreciation": 10}, "Ten percent a year is 0.1"),
        (GOOD, {"depreciation": "delta"}, "no column 'delta'"),
        (GOOD, {"depreciation": 0.1, "initial": "frist"}, "Did you mean 'first'"),
        (GOOD, {"depreciation": 0.1, "timing": "mid"}, "timing='mid'"),
        (GOOD, {"depreciation": 0.1, "missing": "skip"}, "missing='skip'"),
        (GOOD, {"depreciation": 0.1, "investment": "capex"}, "no column 'capex'"),
        (GOOD, {"depreciation": 0.1, "into": "capital"}, "already has a column"),
        (GOOD, {"depreciation": 0.1, "initial": "steady_state", "growth": -0.1}, "more than 0"),
        (GOOD.assign(year=2000), {"depreciation": 0.1}, "repeat a firm-year"),
        (GOOD.assign(firm=None), {"depreciation": 0.1}, "firm is missing in 2 rows"),
        (GOOD.assign(year=[2000, np.nan]), {"depreciation": 0.1}, "year is missing in 1 row"),
        (GOOD.assign(year=[2000, 2000.5]), {"depreciation": 0.1}, "fractions"),
        (GOOD.assign(investment="a"), {"depreciation": 0.1}, "not numbers"),
        (GOOD.assign(investment=np.inf), {"depreciation": 0.1}, "infinite in 2 rows"),
    ],
)
def test_bad_input(frame, kwargs, match):
    with pytest.raises(SchemaError, match=match):
        perpetual_inventory(frame, **kwargs)

"""Columns made of a panel, against loops by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spillover import moderators
from spillover.catalogue import derive

FRAME = pd.DataFrame(
    {
        "firm": ["a", "a", "a", "b", "b", "c", "c", "d"],
        "year": [2000, 2001, 2003, 2000, 2001, 2000, 2001, 2001],
        "industry": ["x", "x", "x", "x", "x", "y", "y", "x"],
        "region": ["n", "n", "n", "s", "s", "n", "n", "s"],
        "country": ["k", "k", "k", "k", "k", "l", "l", "l"],
        "output": [10.0, 12.0, 15.0, 40.0, 44.0, 5.0, 6.0, 9.0],
        "exports": [0.0, 2.0, 3.0, 20.0, 22.0, 1.0, 0.0, 9.0],
        "employment": [5.0, 5.0, 6.0, 10.0, 11.0, 60.0, 60.0, 3.0],
        "foreign_share": [0.0, 0.0, 0.0, 0.3, 0.6, 0.0, 0.0, 0.2],
    }
)


def test_lags_go_by_calendar_year():
    assert derive.lagged("output")(FRAME).tolist() == pytest.approx(
        [np.nan, 10.0, np.nan, np.nan, 40.0, np.nan, 5.0, np.nan], nan_ok=True
    )
    assert derive.lagged("output", years=2)(FRAME).dropna().tolist() == [12.0]


def test_lags_do_not_depend_on_the_order_of_rows():
    shuffled = FRAME.sample(frac=1, random_state=np.random.default_rng(0))
    made = derive.log_growth("output")(shuffled).sort_index()
    pd.testing.assert_series_equal(made, derive.log_growth("output")(FRAME))


def test_cohorts_name_owner_and_age():
    assert derive.cohort(FRAME).tolist() == [
        *("domestic", "domestic", "domestic", "minority 0-1", "majority 0-1"),
        *("domestic", "domestic", "minority 0-1"),
    ]


def test_presence_by_country():
    assert derive.country_presence(FRAME)[1] == pytest.approx(0.6 * 44 / 56)
    assert derive.country_presence(FRAME)[7] == pytest.approx(0.2)


def test_location_quotient_is_a_share_over_a_share():
    quotient = derive.location_quotient("exports")(FRAME)
    local, industry = 22 + 9, 2 + 22 + 9  # region s, industry x, 2001
    region, nation = 22 + 9, 2 + 22 + 0 + 9
    assert quotient[4] == pytest.approx((local / industry) / (region / nation))
    foreign = derive.location_quotient("exports", foreign=True)(FRAME)
    assert foreign[4] == pytest.approx(1.0 / (region / nation))
    assert foreign[1] == 0.0


def test_ratio_is_missing_where_the_bottom_is_not_positive():
    frame = pd.DataFrame({"a": [1.0, 1.0], "b": [2.0, 0.0]})
    assert derive.ratio("a", "b")(frame).tolist() == pytest.approx([0.5, np.nan], nan_ok=True)
    assert derive.between("b", 0.0, 2.0)(frame).tolist() == [0.0, 1.0]
    assert derive.at_least("b", 2.0)(frame).tolist() == [1.0, 0.0]


def test_a_moderator_is_made_anew_whatever_the_panel_calls_it():
    make = derive.moderator(moderators.exporter, "sells_abroad", name="sells_abroad")
    frame = FRAME.assign(sells_abroad=5.0)
    assert make(frame).tolist() == [0, 1, 1, 1, 1, 1, 0, 1]
    assert frame["sells_abroad"].eq(5.0).all()

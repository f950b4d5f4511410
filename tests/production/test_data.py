from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spillover.errors import SchemaError
from spillover.production.data import build_inputs

ROLES = {
    "output": "value_added",
    "free": ["employment"],
    "state": ["capital"],
    "proxy": "materials",
    "least": 1,
}


def test_a_lag_is_the_previous_calendar_year_of_the_same_firm(panel):
    groups, _ = build_inputs(panel, by=None, **ROLES)
    one = groups["all"]
    keys = {(f, y): i for i, (f, y) in enumerate(zip(one.firm, one.year, strict=True))}
    want = [keys.get((f, y - 1), -1) for f, y in zip(one.firm, one.year, strict=True)]
    assert one.previous.tolist() == want
    lagged = one.lagged(one.y)
    assert np.isnan(lagged[one.previous < 0]).all()
    assert np.array_equal(lagged[one.has_lag], one.y[one.previous[one.has_lag]])


def test_rows_come_back_by_position_and_in_logs(panel):
    shuffled = panel.sample(frac=1, random_state=3)
    groups, report = build_inputs(shuffled, by="industry", **ROLES)
    for group, one in groups.items():
        part = shuffled.iloc[one.row]
        assert (part["industry"] == group).all()
        np.testing.assert_array_equal(one.y, np.log(part["value_added"].to_numpy()))
        np.testing.assert_array_equal(one.year, part["year"])
    assert report.used == len(panel)


def test_every_dropped_row_has_its_first_reason(panel):
    bad = panel.copy()
    bad.loc[0, "value_added"] = -1.0
    bad.loc[[1, 2], "capital"] = np.nan
    bad.loc[2, "materials"] = 0.0
    bad.loc[3, "materials"] = np.inf
    bad.loc[4, "industry"] = None
    groups, report = build_inputs(bad, by="industry", **ROLES)
    assert dict(report.dropped) == {
        "value_added is not positive": 1,
        "capital is missing": 2,
        "materials is infinite": 1,
        "industry is missing": 1,
    }
    assert sum(len(one) for one in groups.values()) == len(panel) - 5
    assert (report.why != "").sum() == 5


def test_optional_proxy_stays_as_nan(panel):
    bad = panel.copy()
    bad.loc[:9, "materials"] = 0.0
    groups, report = build_inputs(bad, by=None, optional=("materials",), **ROLES)
    assert np.isnan(groups["all"].proxy).sum() == 10
    assert not report.dropped


def test_bad_groups_do_not_lose_the_others(panel):
    bad = panel.copy()
    odd = bad["industry"] == "17"
    bad.loc[odd, "materials"] = 5.0
    groups, report = build_inputs(bad, by="industry", **ROLES)
    assert list(groups) == ["15"]
    assert report.failed == {"17": "the proxy 'materials' does not vary"}
    bad["half"] = bad["capital"]
    groups, report = build_inputs(bad, by=None, **{**ROLES, "state": ["capital", "half"]})
    assert "linear combination of the other inputs" in report.failed["all"]


def test_repeated_firm_years_and_columns_are_refused(panel):
    with pytest.raises(SchemaError, match="2 rows share their firm and year"):
        build_inputs(pd.concat([panel, panel.iloc[[5]]]), by=None, **ROLES)
    with pytest.raises(SchemaError, match=r"no column 'capitall'\. Did you mean 'capital'"):
        build_inputs(panel, by=None, **{**ROLES, "state": ["capitall"]})
    with pytest.raises(SchemaError, match="two roles"):
        build_inputs(panel, by=None, **{**ROLES, "state": ["materials"]})
    with pytest.raises(SchemaError, match="no numbers"):
        build_inputs(panel.astype({"capital": str}), by=None, **ROLES)


def test_survival_looks_at_the_whole_panel(panel):
    groups, _ = build_inputs(panel, by="industry", **ROLES)
    years = set(zip(panel["firm"], panel["year"], strict=True))
    for one in groups.values():
        part = panel.iloc[one.row]
        for value, firm, year in zip(one.survives, part["firm"], part["year"], strict=True):
            if year == panel["year"].max():
                assert np.isnan(value)
            else:
                assert value == ((firm, year + 1) in years)


def test_drivers_are_last_years(panel):
    groups, _ = build_inputs(panel, by=None, markov=["driver"], **ROLES)
    now, _ = build_inputs(panel, by=None, markov=["driver"], driver_lag=0, **ROLES)
    one = groups["all"]
    np.testing.assert_array_equal(one.markov, one.lagged(now["all"].markov))


def test_take_renews_lags_and_codes(inputs):
    keep = np.random.default_rng(0).random(len(inputs)) < 0.6
    part = inputs.take(keep)
    assert np.unique(part.firm).tolist() == list(range(part.firms))
    has = part.has_lag
    np.testing.assert_array_equal(part.year[has] - 1, part.year[part.previous[has]])
    np.testing.assert_array_equal(part.firm[has], part.firm[part.previous[has]])
    lost = inputs.has_lag[keep] & ~has
    assert not keep[inputs.previous[np.flatnonzero(keep)[lost]]].any()

"""What `sp.productivity` does with bad input: clear errors, counted warnings, other groups kept."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import IdentificationError, SchemaError, SpilloverWarning

DYNAMIC = ["lp", "acf", "wooldridge", "gnr"]


def said(panel, **call):
    """The result and the one warning's text, "" without one."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SpilloverWarning)
        result = sp.productivity(panel, **call)
    texts = [str(one.message) for one in caught if one.category is SpilloverWarning]
    assert len(texts) <= 1
    return result, "".join(texts)


@pytest.fixture
def bad(panel):
    return panel.copy()


@pytest.mark.parametrize("method", ["ols", "fe", *DYNAMIC])
def test_values_that_are_not_positive_are_counted_by_column_and_group(bad, method):
    first = bad.index[bad["industry"] == "15"]
    bad.loc[first[:3], "capital"] = 0.0
    bad.loc[first[3], "employment"] = -2.0
    result, text = said(bad, method=method, **({"degree": 2} if method == "acf" else {}))
    assert text.startswith(f"Productivity by {method}: 4 rows left out: ")
    assert "capital is not positive (3 in '15')" in text
    assert "employment is not positive (1 in '15')" in text
    assert result.report.where["capital is not positive"] == {"15": 3}
    assert (result.why_missing[first[:3]] == "capital is not positive").all()
    assert result.tfp.isna().sum() == 4


@pytest.mark.parametrize("method", ["lp", "acf", "wooldridge"])
def test_a_proxy_that_does_not_vary(bad, method):
    options = {"degree": 2}
    bad.loc[bad["industry"] == "17", "materials"] = 3.0
    result, text = said(bad, method=method, **options)
    assert "1 group(s) not estimated: 17 (the proxy 'materials' does not vary)" in text
    assert list(result.estimates) == ["15"]
    with pytest.raises(
        IdentificationError, match="15: the proxy 'materials' does not vary; 17: the"
    ):
        sp.productivity(bad.assign(materials=3.0), method=method, **options)


def test_investment_that_does_not_vary(bad):
    bad["investment"] = np.where(bad["industry"] == "15", 2.0, bad["capital"] * bad["materials"])
    result, text = said(bad, method="op", degree=2)
    assert "15 (the proxy 'investment' does not vary)" in text
    assert list(result.estimates) == ["17"]
    few = bad.assign(investment=bad["investment"].where(bad.index < 20, 0.0))
    with pytest.raises(IdentificationError, match=r"'investment' is positive in only \d+ rows"):
        sp.productivity(few, method="op", degree=2)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("lp", {"degree": 12}),
        ("acf", {"degree": 7}),
        ("wooldridge", {"degree": 12}),
        ("gnr", {"share_degree": 7}),
    ],
)
def test_too_few_observations_for_the_polynomial(panel, method, options):
    few = panel[panel["firm"] < 12]
    with pytest.raises(IdentificationError, match="too few") as caught:
        sp.productivity(few, method=method, by=None, least_rows=30, **options)
    assert "all: " in str(caught.value)
    assert "ower" in str(caught.value)  # what to do: lower the degree
    both = pd.concat([few.assign(industry="small"), panel[panel["firm"] >= 12]])
    if method == "lp":  # the others are kept
        result, text = said(both, method=method, least_rows=30, **options)
        assert "small" in result.report.failed
        assert "small (" in text
        assert set(result.estimates) == {"15", "17"}
        assert result.report.used == len(both) - len(few)
        lost = result.why_missing[result.tfp.isna()]
        assert lost.str.startswith("industry small is not estimated: ").all()


@pytest.mark.parametrize("method", DYNAMIC)
def test_rows_after_a_gap_are_counted(panel, method):
    options = {"degree": 2} if method in {"acf", "wooldridge"} else {}
    result, text = said(panel, method=method, **options)
    ordered = panel.sort_values(["firm", "year"])
    step = ordered.groupby("firm")["year"].diff()
    want = (step > 1).groupby(ordered["industry"]).sum()
    assert f"year: {want.sum()} rows after a gap have no lag" in text
    assert result.glance().set_index("group")["gaps"].to_dict() == want.to_dict()
    # the lag is the calendar year before: the row before is never taken for it
    assert result["15"].nobs_second == (step[ordered["industry"] == "15"] == 1).sum()


def test_without_gaps_nothing_is_said():
    frame = sp.simulate.production("acf2", firms=100, rng=1).data
    assert said(frame, method="lp", by=None)[1] == ""


@pytest.mark.parametrize("method", DYNAMIC)
def test_a_panel_without_consecutive_years(panel, method):
    every = panel[panel["year"] % 2 == 0]
    with pytest.raises(
        IdentificationError, match="15: 0 rows with the firm's calendar year before"
    ):
        sp.productivity(every, method=method)


def test_firm_effects_need_firms_with_two_rows(panel):
    with pytest.raises(IdentificationError, match="no firm has two rows"):
        sp.productivity(panel[panel["year"] == 2003], method="fe", by=None)


def test_repeated_firm_years(panel):
    twice = pd.concat([panel, panel.iloc[[4, 9]]])
    with pytest.raises(SchemaError) as caught:
        sp.productivity(twice, method="lp")
    firm, year = panel.loc[4, ["firm", "year"]]
    assert "4 rows share their firm and year with another" in str(caught.value)
    assert f"firm {firm}, {year}" in str(caught.value)
    assert "Keep one row per firm and year." in str(caught.value)


def test_collinear_inputs(bad):
    random = np.random.default_rng(0).lognormal(size=len(bad))
    bad["land"] = np.where(bad["industry"] == "15", bad["capital"] ** 2, random)
    result, text = said(bad, method="ols", state=["capital", "land"])
    assert "15 ('land' is a linear combination of the other inputs)" in text
    assert list(result.estimates) == ["17"]


def test_an_industry_with_too_few_firms(bad):
    small = bad["firm"].isin(bad.loc[bad["industry"] == "17", "firm"].unique()[:8])
    frame = bad[(bad["industry"] == "15") | small]
    result, text = said(frame, method="ols", least_rows=20)
    assert "17 (8 firms, fewer than the 10 asked for)" in text
    assert list(result.estimates) == ["15"]
    assert result.tfp[frame["industry"] == "17"].isna().all()
    assert sp.productivity(frame, method="ols", least_rows=20, least_firms=5)["17"].nobs < 64


def test_drivers_that_are_missing_or_do_not_vary(bad):
    call = {"method": "acf", "degree": 2, "markov": ["driver"]}
    bad.loc[bad["industry"] == "17", "driver"] = 0.3
    bad.loc[bad.index[::5], "driver"] = np.nan
    result, text = said(bad, **call)
    assert "17 (the driver 'driver' does not vary)" in text
    one = result.inputs["15"]
    unknown = int(one.has_lag.sum()) - len(one.second)
    assert unknown > 0
    assert (
        f"'driver': unknown in {unknown} rows, which the law of motion leaves out in '15'" in text
    )
    with pytest.raises(IdentificationError, match="'driver' is known in only 0 rows with a lag"):
        sp.productivity(bad.assign(driver=np.nan), **call)
    twin = bad.assign(twin=1 - 2 * bad["driver"])
    with pytest.raises(IdentificationError, match="driver 'twin' is a linear combination"):
        said(twin[twin["industry"] == "15"], **{**call, "markov": ["driver", "twin"]})


def test_years_must_be_whole_numbers(panel):
    with pytest.raises(SchemaError, match=r"year is not whole in 1,431 rows \(first: 2000\.5"):
        sp.productivity(panel.assign(year=panel["year"] + 0.5), method="ols")
    with pytest.raises(SchemaError, match="year holds no numbers"):
        sp.productivity(panel.assign(year=panel["year"].astype(str)), method="ols")
    whole = sp.productivity(panel.assign(year=panel["year"].astype(float)), method="ols")
    assert whole.tfp.notna().all()


@pytest.mark.parametrize("kind", [int, float, "Int64", "category"])
def test_codes_of_groups_may_be_numbers(panel, kind):
    frame = panel.assign(industry=panel["industry"].astype(int).astype(kind))
    result = sp.productivity(frame, method="ols")
    assert list(result.estimates) == ["15", "17"]
    assert result[15] is result["15"]
    assert result[15.0] is result["15"]
    with pytest.raises(SchemaError, match="no group '16'"):
        result[16]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"by": ["industry", "year"]}, r"by=\['industry', 'year'\] must be one column"),
        ({"least_rows": "many"}, "least_rows='many' must be a whole number"),
        ({"least_firms": 0}, "least_firms=0 must be a whole number"),
        ({"linear": ["capitl"]}, "linear='capitl' is no output, input or proxy. Did you mean"),
        ({"bootstrap": True}, "draws=True"),
        ({"free": [], "state": []}, "There is no input"),
    ],
)
def test_arguments(panel, call, message):
    with pytest.raises(SchemaError, match=message):
        sp.productivity(panel, **{"method": "ols", **call})


def test_wooldridge_on_gross_output_is_noted(panel):
    _, text = said(panel, method="wooldridge", output="output", degree=2)
    assert "materials are the proxy and no input" in text


def test_no_data_at_all(panel):
    with pytest.raises(SchemaError, match="The panel has no rows"):
        sp.productivity(panel.iloc[:0], method="ols")
    with pytest.raises(SchemaError, match="panel is a list; give a pandas, Polars or PyArrow"):
        sp.productivity([1, 2], method="ols")
    with pytest.raises(
        IdentificationError, match=r"No row is left. Left out: .* capital is missing"
    ):
        sp.productivity(panel.assign(capital=np.nan), method="ols")

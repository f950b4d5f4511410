from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import spillover as sp
from spillover.errors import IdentificationError, SchemaError, SpilloverWarning
from spillover.production import Acf, Lp

#: The panel has gaps, which is said in a warning; tests that are about it catch it.
pytestmark = pytest.mark.filterwarnings("ignore:.*after a gap:spillover.errors.SpilloverWarning")


@pytest.mark.parametrize("method", ["ols", "fe", "lp", "acf"])
def test_tfp_is_output_less_inputs_on_the_panels_index(panel, method):
    shuffled = panel.sample(frac=1, random_state=1)
    result = _quietly(shuffled, method=method)
    assert result.tfp.index.equals(shuffled.index)
    beta = result.tidy().pivot_table(index="group", columns="term", values="estimate")
    own = beta.loc[shuffled["industry"]].to_numpy()[:, ::-1]  # employment, capital
    logs = np.log(shuffled[["employment", "capital"]].to_numpy())
    want = np.log(shuffled["value_added"].to_numpy()) - (own * logs).sum(axis=1)
    np.testing.assert_allclose(result.tfp, want, atol=1e-10)
    assert (result.why_missing == "").all()
    ordered = _quietly(panel, method=method)
    np.testing.assert_allclose(result.tfp.sort_index(), ordered.tfp, atol=1e-6)


def _quietly(panel, **more):
    import warnings  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpilloverWarning)
        return sp.productivity(panel, **more)


@pytest.mark.parametrize("library", [pl.from_pandas, pa.Table.from_pandas])
def test_other_libraries_give_the_same(panel, library):
    base = sp.productivity(panel, method="lp")
    other = sp.productivity(library(panel), method="lp")
    np.testing.assert_array_equal(other.tfp, base.tfp)


def test_missing_tfp_says_why(panel):
    bad = panel.copy()
    bad.loc[0, "capital"] = 0.0
    bad.loc[1, "value_added"] = np.nan
    bad.loc[2, "industry"] = "99"
    with pytest.warns(SpilloverWarning) as caught:
        result = sp.productivity(bad, method="lp")
    assert len(caught) == 1
    text = str(caught[0].message)
    assert (
        "2 rows left out: capital is not positive (1 in '17'), value_added is missing (1 in '15')"
    ) in text
    assert "1 group(s) not estimated: 99 (1 rows, fewer than the 60 asked for)" in text
    assert result.tfp.isna().sum() == 3
    assert result.why_missing[0] == "capital is not positive"
    assert result.why_missing[1] == "value_added is missing"
    assert result.why_missing[2].startswith("industry 99 is not estimated")
    with pytest.raises(SchemaError, match="'99' was not estimated"):
        result["99"]


def test_one_bad_industry_does_not_lose_the_others(panel):
    bad = panel.copy()
    bad.loc[bad["industry"] == "17", "materials"] = 3.0
    with pytest.warns(SpilloverWarning, match="17 .the proxy 'materials' does not vary"):
        result = sp.productivity(bad, method="lp")
    assert list(result.estimates) == ["15"]
    assert result["15"].beta == pytest.approx(sp.productivity(panel, method="lp")["15"].beta)
    bad["materials"] = 3.0
    with pytest.raises(IdentificationError, match="No group can be estimated by lp"):
        sp.productivity(bad, method="lp")


def test_value_added_is_made_if_absent(panel):
    with pytest.warns(SpilloverWarning, match="value added is output less materials"):
        made = sp.productivity(panel.drop(columns="value_added"), method="ols")
    want = sp.productivity(panel, method="ols")
    np.testing.assert_allclose(made.tidy()["estimate"], want.tidy()["estimate"], rtol=1e-8)


def test_gross_output_takes_the_proxy_as_an_input(panel):
    result = _quietly(panel, method="lp", output="output", by=None)
    assert result["all"].inputs == ("employment", "capital", "materials")
    assert result.settings.gross
    assert result["all"].overid.df == 2
    plain = _quietly(panel, method="ols", output="output", by=None)
    assert plain["all"].inputs == ("employment", "materials", "capital")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "acff"}, "method='acff' is not an option. Did you mean 'acf'"),
        ({"method": "lp", "degre": 2}, "no option 'degre'. Did you mean 'degree'"),
        ({"method": "lp", "settings": Acf()}, r"settings is a Acf; method='lp' takes .*Lp"),
        ({"method": "lp", "settings": Lp(), "degree": 2}, "not both"),
        ({"method": "ols", "proxy": "materials"}, "takes no proxy"),
        ({"method": "ols", "markov": ["driver"]}, "no law of motion"),
        ({"method": "lp", "by": "sector"}, "by='sector' is no column"),
        ({"method": "lp", "free": ["labour"]}, "no column 'labour'"),
        ({"method": "lp", "driver_lag": 2}, "driver_lag=2"),
        ({"method": "lp", "bootstrap": 1}, "draws=1"),
        ({"method": "lp", "output": "sales"}, "no column 'sales'"),
    ],
)
def test_wrong_calls_fail_at_once(panel, arguments, message):
    with pytest.raises(SchemaError, match=message):
        sp.productivity(panel, **arguments)


def test_every_method_has_settings_and_an_estimator():
    from spillover.production.methods import METHODS  # noqa: PLC0415

    for method in METHODS.values():
        assert callable(method.function())
        assert method.settings_class().__doc__


def test_drivers_reach_the_law_of_motion(panel):
    result = _quietly(panel, method="acf", markov="driver", by=None, interact=1, degree=2)
    terms = result.law_of_motion["term"].tolist()
    assert terms == ["constant", "omega", "omega^2", "omega^3", "driver", "driver:omega"]


def test_shifters_enter_the_first_stage(panel):
    base = _quietly(panel, method="acf", by=None, degree=2)
    more = _quietly(panel, method="acf", by=None, degree=2, shifters=("driver",))
    assert more["all"].first_stage["terms"] == base["all"].first_stage["terms"] + 1
    gap = panel.copy()
    gap.loc[3, "driver"] = np.nan
    short = _quietly(gap, method="acf", by=None, degree=2, shifters=("driver",))
    assert short.why_missing[3] == "driver is missing or infinite"


def test_tables_and_display(panel):
    result = _quietly(panel, method="acf", degree=2)
    tidy = result.tidy(level=0.9)
    assert tidy.columns.tolist() == [
        "group",
        "term",
        "estimate",
        "std_error",
        "statistic",
        "p_value",
        "conf_low",
        "conf_high",
    ]
    assert result.glance()["group"].tolist() == ["15", "17"]
    assert len(result.starts) == 2 * 8
    sums = result.elasticities.groupby("group")["estimate"].sum()
    np.testing.assert_allclose(result.returns_to_scale["estimate"], sums)
    assert "Productivity by acf" in repr(result)
    assert "<table" in result._repr_html_()
    with pytest.raises(SchemaError, match="level=2"):
        result.tidy(level=2)


def test_profile_is_least_at_the_estimate(panel):
    result = _quietly(panel, method="acf", by=None, degree=2)
    best = result["all"].beta[0]
    line = result.profile("all", "employment", [best - 0.05, best, best + 0.05])
    assert line["objective"][1] < 1e-12
    assert (line["objective"][[0, 2]] > 1e-12).all()
    with pytest.raises(SchemaError, match="searches for no coefficient 'labour'"):
        result.profile("all", "labour")


def test_input_is_left_alone(panel):
    before = panel.copy()
    _quietly(panel.drop(columns="value_added"), method="ols")
    _quietly(panel, method="lp")
    pd.testing.assert_frame_equal(panel, before)


@pytest.mark.parametrize("library", [lambda f: f, pl.from_pandas, pa.Table.from_pandas])
def test_tfp_can_be_attached_in_any_library(panel, library):
    native = library(panel)
    bad = panel.assign(capital=panel["capital"].where(panel.index > 2))
    result = _quietly(library(bad), method="ols")
    made = result.attach(native)
    assert type(made) is type(native)
    column = pd.Series(
        made["tfp"].to_pandas() if not isinstance(made, pd.DataFrame) else made["tfp"]
    )
    np.testing.assert_array_equal(column.to_numpy(dtype=float), result.tfp.to_numpy())
    assert column[:3].isna().all()
    with pytest.raises(SchemaError, match="already has a column 'tfp'"):
        result.attach(made)
    with pytest.raises(SchemaError, match=r"The panel has 1,430 rows, the result 1,431"):
        result.attach(panel.iloc[1:])
    with pytest.raises(SchemaError, match=r"rows are not those of the result: .* another year"):
        result.attach(panel.sample(frac=1, random_state=1))


def test_a_firm_panel_keeps_its_kind_and_index(panel):
    firms = sp.read_firms(panel.assign(foreign_share=0.0))
    result = sp.productivity(firms, method="fe")
    assert result.tfp.index.equals(firms.data.index)
    made = result.attach(firms)
    assert isinstance(made, sp.FirmPanel)
    pd.testing.assert_series_equal(made.data["tfp"], result.tfp)
    frame = panel.set_axis(panel.index[::-1] * 3)
    frame["tfp"] = sp.productivity(frame, method="fe").tfp
    np.testing.assert_array_equal(frame["tfp"], result.tfp)


def test_what_pandas_says_about_itself_stays():
    frame = sp.simulate.production("acf1", firms=50, rng=1).data
    result = sp.productivity(frame, method="ols", by=None)
    assert result.synthetic
    prices = pd.DataFrame({"year": range(2000, 2010), "price": 1.0})
    for made in (
        result.attach(frame),
        sp.deflate(frame, prices, columns=["output"], by=["year"]),
        sp.perpetual_inventory(frame, 0.2),
    ):
        assert made.attrs == frame.attrs


def test_display_is_short_whatever_the_panel(panel):
    many = panel.assign(industry=(panel["firm"] % 15).astype(str))
    result = _quietly(many, method="ols", least_rows=10, least_firms=2)
    assert "... and 3 more groups" in repr(result)
    assert "and 3 more groups" in result._repr_html_()
    spoilt = many.assign(capital=many["capital"].where(many["firm"] > 20, -1.0))
    shown = repr(_quietly(spoilt, method="ols", least_rows=90))
    assert len(shown.splitlines()) < 40
    assert "more reasons (.report)" in shown


def test_one_group_shows_itself_in_a_line(panel):
    one = sp.productivity(panel, method="ols")["15"]
    shown = f"employment {one.beta[0]:.4f}, capital {one.beta[1]:.4f}; 716 rows"
    assert repr(one) == f"Estimate(ols: {shown})"


def test_levels_can_be_compared_over_industries(panel):
    result = sp.productivity(panel, method="ols")
    level = sp.production.reference_tfp(result.tfp, panel, base_year=2003)
    base = panel["year"] == 2003
    np.testing.assert_allclose(level[base].groupby(panel["industry"]).mean(), 0, atol=1e-12)
    gap = (result.tfp - level).groupby(panel["industry"]).agg(["min", "max"])
    np.testing.assert_allclose(gap["min"], gap["max"])


def test_profile_finds_the_lower_branch_wherever_it_starts(panel):
    """The others' optimum is followed along the line in both directions."""
    result = _quietly(panel, method="acf", by=None, degree=2)
    line = np.linspace(0.2, 1.1, 19)
    profile = result.profile("all", "employment", line)
    criterion = result["all"].criterion
    grid = np.linspace(-1, 2, 601)
    brute = [min(criterion(np.array([b, k])) for k in grid) for b in line]
    assert (profile["objective"] <= np.array(brute) * (1 + 1e-6) + 1e-15).all()

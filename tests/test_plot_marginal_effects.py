"""Effects over a moderator: against differences of predictions and statsmodels; the figure."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from matplotlib import pyplot as plt

import spillover as sp
from spillover.errors import SchemaError

pytestmark = [
    pytest.mark.filterwarnings("ignore:Only .* clusters:spillover.errors.SpilloverWarning"),
    pytest.mark.filterwarnings("ignore:gap is missing:spillover.errors.SpilloverWarning"),
]


@pytest.fixture(autouse=True)
def _no_side_effects():
    with mpl.rc_context():
        mpl.use("agg")
        before = dict(mpl.rcParams)
        yield
        assert dict(mpl.rcParams) == before
        assert plt.get_fignums() == []


@pytest.fixture(scope="module")
def panel():
    world = sp.simulate.panel(industries=10, firms_per_industry=20, backward=0.3, rng=1)
    panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    panel["size"] = np.log(panel["employment"])
    panel["owner"] = np.select(
        [panel["foreign_share"] > 0.5, panel["foreign_share"] > 0.1], ["majority", "minority"], "no"
    )
    return panel


FORMULAS = {
    "linear": "tfp ~ backward + backward:size + size | firm + year",
    "star": "tfp ~ backward*size | firm + year",
    "square": "tfp ~ backward + backward:size + backward:I(size**2) + size + I(size**2) | year",
    "inverse U": "tfp ~ backward + I(backward**2) + backward:size + size | firm + year",
    "three": "tfp ~ backward + backward:size + backward:size:horizontal + horizontal + size | year",
    "log": "tfp ~ log(1 + backward):size + backward + size | year",
    "no effects": "tfp ~ backward + backward:size + size",
    "exponential": "tfp ~ backward:exp(size / 4) + backward | year",
}


def predicted(fit, values):
    """The regression's own terms at given values, evaluated by Python itself."""
    space = {name: np.asarray(value, dtype=float) for name, value in values.items()}
    total = 0.0
    for term, beta in fit.params.items():
        product = 1.0
        for part in term.split(":"):
            functions = {"log": np.log, "exp": np.exp, "I": lambda x: x, "Intercept": 1.0}
            product = product * eval(part, functions, space)
        total = total + beta * product
    return total


@pytest.mark.parametrize("name", FORMULAS)
def test_effects_are_differences_of_predictions(panel, name):
    fit = sp.fit(FORMULAS[name], panel, cluster="industry^year")
    values = [2.0, 3.5, 5.0]
    found = sp.inference.marginal_effects(fit, "backward", "size", data=panel, values=values)
    at = {n: panel.loc[fit.used, n].mean() for n in ("backward", "horizontal")}
    step = 1e-5
    for value, estimate in zip(values, found.table["estimate"], strict=True):
        places = {**at, "size": value}
        high = predicted(fit, {**places, "backward": at["backward"] + step})
        low = predicted(fit, {**places, "backward": at["backward"] - step})
        assert estimate == pytest.approx((high - low) / (2 * step), rel=1e-6)


def test_errors_are_those_of_statsmodels(panel):
    formula = "tfp ~ backward + backward:size + size"
    fit = sp.fit(formula, panel, inference="iid")
    other = smf.ols(formula, panel).fit()
    found = sp.inference.marginal_effects(fit, "backward", "size", values=[2.0, 4.0]).table
    for row, value in enumerate((2.0, 4.0)):
        test = other.t_test(f"backward + {value} * backward:size = 0")
        one = found.iloc[row]
        assert one["estimate"] == pytest.approx(test.effect.item(), rel=1e-9)
        assert one["std_error"] == pytest.approx(test.sd.item(), rel=1e-9)
        assert one["p_value"] == pytest.approx(float(test.pvalue), rel=1e-7)
        low, high = test.conf_int()[0]
        assert (one["conf_low"], one["conf_high"]) == pytest.approx((low, high), rel=1e-8)


@pytest.mark.filterwarnings("ignore:The shares of a measure:spillover.errors.SpilloverWarning")
@pytest.mark.parametrize("inference", ["cluster", "hetero", "iid", "wild", "exposure", "cr3"])
def test_centring_the_moderator_gives_the_same_with_any_covariance(panel, inference):
    """The coefficient on presence, with the moderator less 3, is the effect at 3."""
    options = {"inference": inference}
    if inference in ("cluster", "wild", "cr3"):
        options["cluster"] = "industry"
    formula = "tfp ~ backward + backward:size + size | firm + year"
    fit = sp.fit(formula, panel, **options)
    found = sp.inference.marginal_effects(fit, "backward", "size", data=panel, values=[3.0]).table
    centred = panel.assign(size=panel["size"] - 3.0)
    centred.attrs = panel.attrs
    other = sp.fit(formula, centred, **options)
    assert found["estimate"].item() == pytest.approx(other.params["backward"], rel=1e-8)
    if inference != "exposure":  # whose shocks enter each interaction anew
        assert found["std_error"].item() == pytest.approx(other.std_errors["backward"], rel=1e-6)


def test_a_fit_with_plain_columns_needs_no_data(panel):
    fit = sp.fit(FORMULAS["linear"], panel, cluster="industry^year")
    one = sp.inference.marginal_effects(fit, "backward", "size")
    two = sp.inference.marginal_effects(fit, "backward", "size", data=panel)
    pd.testing.assert_frame_equal(one.table, two.table)
    pd.testing.assert_frame_equal(one.shares, two.shares)
    assert one.synthetic


def test_a_column_that_is_the_square_moves_with_its_root(panel):
    wide = sp.moderators.technology_gap(panel, square=True)
    tail = "+ horizontal + gap + {0} | firm + year"
    column = "tfp ~ backward + backward:gap + backward:gap_squared " + tail.format("gap_squared")
    inline = "tfp ~ backward + backward:gap + backward:I(gap**2) " + tail.format("I(gap**2)")
    fits = [sp.fit(text, wide, cluster="industry^year") for text in (column, inline)]
    one, two = (sp.inference.marginal_effects(f, "backward", "gap", data=wide) for f in fits)
    pd.testing.assert_frame_equal(one.table, two.table, rtol=1e-7)
    assert one.at == {}


def test_lags_and_differences(panel):
    formula = "tfp ~ lag(backward) + lag(backward):size + size | firm"
    fit = sp.fit(formula, panel, cluster="industry^year")
    found = sp.inference.marginal_effects(
        fit, "lag(backward, 1)", "size", data=panel, values=[1.0, 2.0]
    )
    b = fit.params
    step = b["lag(backward, 1):size"]
    assert np.diff(found.table["estimate"]).item() == pytest.approx(step, rel=1e-9)
    changes = sp.fit(
        "tfp ~ backward + backward:size + size | year", panel, transform="first_difference",
        cluster="industry^year",
    )  # fmt: skip
    with pytest.raises(SchemaError, match="pass data="):
        sp.inference.marginal_effects(changes, "backward", "size")
    moved = sp.inference.marginal_effects(changes, "backward", "size", data=panel, values=[0.0])
    assert moved.table["estimate"].item() == pytest.approx(changes.params["backward"], rel=1e-9)


def test_instrumented_presence(panel):
    formula = "tfp ~ size | year | backward + backward:size ~ forward + forward:size"
    fit = sp.fit(formula, panel, cluster="industry^year")
    found = sp.inference.marginal_effects(fit, "backward", "size", data=panel, values=[0.0, 1.0])
    b = fit.params
    wanted = [b["backward"], b["backward"] + b["backward:size"]]
    np.testing.assert_allclose(found.table["estimate"], wanted, rtol=1e-9)


def test_categories_are_taken_level_by_level(panel):
    formula = "tfp ~ backward + backward:C(owner) + C(owner) | year"
    fit = sp.fit(formula, panel, cluster="industry^year")
    found = sp.inference.marginal_effects(fit, "backward", "owner", data=panel)
    b = fit.params
    assert found.table["value"].tolist() == ["majority", "minority", "no"]
    wanted = [0.0, b["backward:C(owner)[T.minority]"], b["backward:C(owner)[T.no]"]]
    np.testing.assert_allclose(found.table["estimate"], b["backward"] + np.array(wanted))
    assert not found.continuous
    with pytest.raises(SchemaError, match="has no value 'yes'"):
        sp.inference.marginal_effects(fit, "backward", "owner", data=panel, values=["yes"])


def test_the_moderator_may_be_the_variable_itself(panel):
    fit = sp.fit(
        "tfp ~ horizontal + I(horizontal**2) | firm + year", panel, cluster="industry^year"
    )
    found = sp.inference.marginal_effects(
        fit, "horizontal", "horizontal", data=panel, values=[0.0, 0.5]
    )
    b = fit.params
    wanted = [b["horizontal"], b["horizontal"] + b["I(horizontal ** 2)"]]
    np.testing.assert_allclose(found.table["estimate"], wanted, rtol=1e-8)


def test_shares_count_each_row_and_each_firm(panel):
    fit = sp.fit(FORMULAS["linear"], panel, cluster="industry^year", sample="domestic")
    found = sp.inference.marginal_effects(fit, "backward", "size")
    rows = panel[fit.used]
    b, V = fit.params, fit.vcov
    from scipy import stats  # noqa: PLC0415

    half = stats.t.ppf(0.975, fit.inference.df)
    for unit, sizes in (
        ("observations", rows["size"]),
        ("firms", rows.groupby("firm")["size"].mean()),
    ):
        effect = b["backward"] + b["backward:size"] * sizes
        variance = (
            V.loc["backward", "backward"]
            + 2 * sizes * V.loc["backward", "backward:size"]
            + sizes**2 * V.loc["backward:size", "backward:size"]
        )
        clear = np.abs(effect) > half * np.sqrt(variance)
        row = found.shares.loc[unit]
        assert row["positive"] == pytest.approx((effect > 0).mean())
        assert row["negative_significant"] == pytest.approx((clear & (effect < 0)).mean())
        assert row["positive_significant"] == pytest.approx((clear & (effect > 0)).mean())


def test_crossings_are_where_the_line_meets_zero(panel):
    fit = sp.fit(FORMULAS["linear"], panel, cluster="industry^year")
    b = fit.params
    root = -b["backward"] / b["backward:size"]
    found = sp.inference.marginal_effects(
        fit, "backward", "size", values=np.linspace(root - 2, root + 3, 101)
    )
    assert found.crossings == pytest.approx((root,), rel=1e-8)
    assert f"changes its sign at size = {root:.4g}" in repr(found)


def test_what_else_the_effect_depends_on_is_held_and_said(panel):
    fit = sp.fit(FORMULAS["three"], panel, cluster="industry^year")
    found = sp.inference.marginal_effects(fit, "backward", "size", data=panel)
    assert list(found.at) == ["horizontal"]
    assert "Held at horizontal" in repr(found)
    other = sp.inference.marginal_effects(
        fit, "backward", "size", data=panel, at={"horizontal": 0.0}, values=[1.0]
    )
    b = fit.params
    assert other.table["estimate"].item() == pytest.approx(b["backward"] + b["backward:size"])


def test_large_scales_do_not_hide_a_coefficient(panel):
    wide = panel.assign(sales=panel["output"] * 1e10)
    fit = sp.fit("tfp ~ backward + backward:sales + sales", wide, cluster="industry^year")
    found = sp.inference.marginal_effects(fit, "backward", "sales", values=[0.0])
    assert found.table["estimate"].item() == pytest.approx(fit.params["backward"], rel=1e-9)


@pytest.mark.parametrize(
    ("formula", "names", "text"),
    [
        ("linear", ("backwards", "size"), "Did you mean 'backward'"),
        ("linear", ("backward", "sizes"), "Did you mean 'size'"),
        ("linear", ("size", "firm"), "does not stand in a product"),
        ("apart", ("backward", "size"), "not interacted"),
        ("poly", ("backward", "size"), "depends on all rows"),
    ],
)
def test_what_cannot_be_computed_is_said(panel, formula, names, text):
    more = {
        "apart": "tfp ~ backward + size | year",
        "poly": "tfp ~ backward:poly(size, 2) | year",
    }
    fit = sp.fit({**FORMULAS, **more}[formula], panel, cluster="industry^year")
    with pytest.raises(SchemaError, match=text):
        sp.inference.marginal_effects(fit, *names, data=panel)


def test_other_data_are_refused(panel):
    fit = sp.fit(FORMULAS["linear"], panel, cluster="industry^year")
    with pytest.raises(SchemaError, match="the frame that it was fitted on"):
        sp.inference.marginal_effects(fit, "backward", "size", data=panel.head(10))
    with pytest.raises(SchemaError, match=r"what sp\.fit"):
        sp.inference.marginal_effects(panel, "backward", "size")
    with pytest.raises(SchemaError, match="at= names 'region'"):
        sp.inference.marginal_effects(fit, "backward", "size", at={"region": 1})


# The figure --------------------------------------------------------------------------------------


def test_the_figure_draws_the_effect_above_and_the_moderator_below(panel):
    fit = sp.fit(FORMULAS["linear"], panel, cluster="industry^year")
    found = sp.inference.marginal_effects(fit, "backward", "size")
    figure = sp.plot.marginal_effects(fit, "backward", over="size", labels={"size": "ln size"})
    upper, lower = figure.axes
    line = upper.lines[0]
    np.testing.assert_allclose(line.get_xdata(), found.table["value"])
    np.testing.assert_allclose(line.get_ydata(), found.table["estimate"])
    low, high = found.table["value"].iloc[[0, -1]]
    inside = ((found.observed >= low) & (found.observed <= high)).sum()
    assert sum(bar.get_height() for bar in lower.patches) == inside
    assert lower.get_xlabel() == "ln size"
    text = figure._supxlabel.get_text()
    assert "Synthetic data." in text
    assert "have a positive effect" in text
    figure.draw_without_rendering()


def test_few_values_are_drawn_one_by_one(panel):
    wide = panel.assign(big=(panel["size"] > panel["size"].median()) * 1)
    fit = sp.fit("tfp ~ backward + backward:big + big | year", wide, cluster="industry^year")
    figure = sp.plot.marginal_effects(sp.inference.marginal_effects(fit, "backward", "big"))
    lower = figure.axes[1]
    figure.draw_without_rendering()
    assert [label.get_text() for label in lower.get_xticklabels()] == ["0", "1"]
    counts = wide["big"].value_counts().sort_index()
    assert [bar.get_height() for bar in lower.patches] == counts.tolist()


def test_the_figure_wants_names_or_a_result(panel):
    fit = sp.fit(FORMULAS["linear"], panel, cluster="industry^year")
    with pytest.raises(SchemaError, match="Name the variable"):
        sp.plot.marginal_effects(fit)
    found = sp.inference.marginal_effects(fit, "backward", "size")
    with pytest.raises(SchemaError, match="computed already"):
        sp.plot.marginal_effects(found, "backward")


def test_a_study_by_gap_is_drawn_with_the_general_tools():
    study = sp.studies["kinuthia_2016"]
    replica = study.replica(1, scale=0.4)
    fit = study.run(replica.panel, replica.io, equations=["gap"]).fits["gap"]
    figure = sp.plot.marginal_effects(fit, "backward", over="gap")
    assert "Synthetic data." in figure._supxlabel.get_text()

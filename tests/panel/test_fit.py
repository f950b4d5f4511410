"""Fits equal least squares with explicit dummies, and do not depend on how the data are written."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import spillover as sp
from spillover.errors import SpilloverWarning

EFFECTS = {
    "one": ["firm"],
    "two": ["firm", "year"],
    "three": ["firm", "year", "industry"],
    "interacted": ["firm", "industry^year"],
    "two interacted": ["firm", "industry^year", "region^year"],
    "three-way interaction": ["firm", "region^year^size", "industry"],
    "nested": ["firm", "region"],
    "nested and crossing": ["firm", "region", "year", "region^year"],
    "four": ["firm", "year", "industry", "size"],
    "interaction alone": ["industry^year"],
}
FEW = pytest.mark.filterwarnings("ignore:Only .* clusters:spillover.errors.SpilloverWarning")


def formula(effects, regressors="x + z"):
    return f"y ~ {regressors} | {' + '.join(effects)}"


def kept(frame, fit):
    return frame[fit.used].reset_index(drop=True)


# --- against explicit dummies --------------------------------------------------------------------


@pytest.mark.parametrize("weights", [None, "w"], ids=["equal", "weighted"])
@pytest.mark.parametrize("effects", EFFECTS.values(), ids=EFFECTS.keys())
def test_equals_explicit_dummies(panel, oracle, effects, weights):
    fit = sp.fit(formula(effects), panel, inference="iid", weights=weights)
    truth = oracle(kept(panel, fit), "y", ["x", "z"], effects, weights)
    assert fit.df_absorbed == truth.rank
    assert fit.df_resid == fit.nobs - 2 - truth.rank
    np.testing.assert_allclose(fit.params, truth.params, rtol=1e-10)
    np.testing.assert_allclose(fit.vcov, truth.vcov, rtol=1e-9)
    np.testing.assert_allclose(fit.residuals, truth.residuals, atol=1e-10)
    np.testing.assert_allclose(fit.r2, truth.r2, rtol=1e-11)
    np.testing.assert_allclose(fit.r2_within, truth.r2_within, rtol=1e-10)
    np.testing.assert_allclose(fit.rmse, truth.rmse, rtol=1e-11)
    assert fit.absorbed == tuple(effects)


@pytest.mark.parametrize("weights", [None, "w"], ids=["equal", "weighted"])
@pytest.mark.parametrize("constant", [True, False], ids=["constant", "none"])
def test_without_effects_equals_statsmodels(panel, weights, constant):
    """Without a constant, r2 is around zero, as statsmodels and R have it."""
    X = panel[["x", "z"]].to_numpy()
    X = sm.add_constant(X) if constant else X
    w = panel[weights] if weights else np.ones(len(panel))
    truth = sm.WLS(panel["y"], X, weights=w).fit()
    fit = sp.fit(
        "y ~ x + z" if constant else "y ~ 0 + x + z", panel, inference="iid", weights=weights
    )
    assert list(fit.params.index) == (["Intercept"] if constant else []) + ["x", "z"]
    np.testing.assert_allclose(fit.params, truth.params, rtol=1e-11)
    np.testing.assert_allclose(fit.vcov, truth.cov_params(), rtol=1e-10)
    np.testing.assert_allclose(fit.r2, truth.rsquared, rtol=1e-12)
    np.testing.assert_allclose(fit.rmse, np.sqrt(truth.mse_resid), rtol=1e-12)
    np.testing.assert_allclose(fit.residuals, truth.resid, atol=1e-11)
    np.testing.assert_allclose(fit.pvalues, truth.pvalues, rtol=1e-8)
    np.testing.assert_allclose(fit.confint(0.9), truth.conf_int(0.1), rtol=1e-10)
    assert fit.df_absorbed == 0
    assert fit.df_resid == truth.df_resid


def test_disconnected_components(panel, oracle, dummies):
    """Two countries, say: no firm, year or industry of one is in the other."""
    other = panel.sample(frac=0.5, random_state=3)
    other = other.assign(
        firm=other["firm"] + 1000,
        year=other["year"] + 50,
        y=-other["y"],
        industry=other["industry"] + 100,
    )
    both = pd.concat([panel, other], ignore_index=True)
    for effects in (["firm", "year"], ["firm", "industry^year"], ["firm", "year", "industry"]):
        fit = sp.fit(formula(effects), both, inference="iid")
        sample = kept(both, fit)
        truth = oracle(sample, "y", ["x", "z"], effects)
        assert fit.df_absorbed == np.linalg.matrix_rank(dummies(sample, effects)) == truth.rank
        np.testing.assert_allclose(fit.params, truth.params, rtol=1e-10)
        np.testing.assert_allclose(fit.vcov, truth.vcov, rtol=1e-9)
        np.testing.assert_allclose(fit.residuals, truth.residuals, atol=1e-10)


def test_singletons_change_no_coefficient(panel, oracle):
    """Kept, they cost a level and add a row each, so degrees of freedom stay too."""
    effects = ["firm", "industry^year"]
    dropped = sp.fit(formula(effects), panel, inference="iid")
    held = sp.fit(formula(effects), panel, inference="iid", singletons="keep")
    truth = oracle(panel, "y", ["x", "z"], effects)
    assert held.nobs == len(panel) > dropped.nobs
    assert held.df_resid == dropped.df_resid
    np.testing.assert_allclose(held.params, truth.params, rtol=1e-10)
    np.testing.assert_allclose(dropped.params, held.params, rtol=1e-10)
    np.testing.assert_allclose(dropped.vcov, held.vcov, rtol=1e-10)
    assert held.df_absorbed == truth.rank


def test_levels_are_those_of_the_sample(panel):
    fit = sp.fit("y ~ x | firm + industry^year", panel, inference="iid")
    sample = kept(panel, fit)
    assert fit.levels == {
        "firm": sample["firm"].nunique(),
        "industry^year": sample.groupby(["industry", "year"]).ngroups,
    }


def test_true_coefficients_are_recovered():
    """A panel that is exactly linear in regressors and effects has no residuals."""
    rng = np.random.default_rng(2)
    n = 3000
    frame = pd.DataFrame(
        {
            "firm": rng.integers(0, 300, n),
            "year": rng.integers(0, 9, n),
            "x": rng.normal(size=n),
            "z": rng.normal(size=n),
        }
    )
    frame["y"] = (
        2.5 * frame["x"] - 1.25 * frame["z"] + np.sin(frame["firm"]) * 10 + frame["year"] ** 2
    )
    fit = sp.fit("y ~ x + z | firm + year", frame, inference="iid")
    np.testing.assert_allclose(fit.params, [2.5, -1.25], rtol=1e-13)
    np.testing.assert_allclose(fit.residuals, 0, atol=1e-12)
    assert fit.r2 == pytest.approx(1, abs=1e-14)


# --- invariance ----------------------------------------------------------------------------------


def same(one, two, rtol=1e-10):
    assert list(one.params.index) == list(two.params.index)
    assert (one.nobs, one.df_resid, one.df_absorbed) == (two.nobs, two.df_resid, two.df_absorbed)
    assert one.inference.n_clusters == two.inference.n_clusters
    assert dict(one.dropped) == dict(two.dropped)
    np.testing.assert_allclose(one.params, two.params, rtol=rtol)
    np.testing.assert_allclose(one.vcov, two.vcov, rtol=rtol)
    np.testing.assert_allclose(
        [one.r2, one.r2_within, one.rmse], [two.r2, two.r2_within, two.rmse], rtol=rtol
    )


SPEC = "y ~ x + z + grouped | firm + year + region^year"
CLUSTER = ("industry^year", "firm")


@pytest.fixture(scope="module")
def base(panel):
    return sp.fit(SPEC, panel, cluster=CLUSTER, weights="w")


def refit(frame, spec=SPEC):
    return sp.fit(spec, frame, cluster=CLUSTER, weights="w")


def test_order_of_rows(panel, base):
    shuffled = panel.sample(frac=1, random_state=5)
    again = refit(shuffled)
    same(base, again)
    there = pd.Series(again.residuals, shuffled.index[again.used])
    here = pd.Series(base.residuals, panel.index[base.used])
    pd.testing.assert_series_equal(there.sort_index(), here, rtol=1e-8)


RELABEL = {
    "permuted": lambda ids: ids.map(
        dict(zip(range(2100), np.random.default_rng(1).permutation(10_000)[:2100], strict=True))
    ),
    "negative": lambda ids: -7 * ids - 3,
    "text": lambda ids: "id " + ids.astype(str),
    "accents and blanks": lambda ids: ids.map(lambda value: f" é\t{value}"),
    "object": lambda ids: ids.astype(str).astype(object),
    "category": lambda ids: ids.astype("category"),
    "category with unused levels": lambda ids: pd.Categorical(
        ids, categories=np.arange(3000)[::-1]
    ),
    "float": lambda ids: ids + 0.25,
    "small int": lambda ids: ids.astype("int16"),
    "nullable": lambda ids: ids.astype("Int64"),
    "dates": lambda ids: pd.Timestamp("2000-01-31") + pd.to_timedelta(ids, "D"),
    "tuples": lambda ids: ids.map(lambda value: (value, "a")),
}


@pytest.mark.parametrize("relabel", RELABEL.values(), ids=RELABEL.keys())
def test_labels_of_effects_and_clusters(panel, base, relabel):
    codes = {name: relabel(panel[name]) for name in ["firm", "year", "industry", "region"]}
    same(base, refit(panel.assign(**codes)))


def test_label_pairs_that_join_alike_stay_apart():
    """(1, 23) and (12, 3) are two levels, whatever is put between them."""
    frame = pd.DataFrame(
        {"a": ["1", "12"] * 20, "b": ["23", "3"] * 20, "x": np.arange(40.0) ** 2 % 17}
    )
    frame["y"] = frame["x"] + (frame["a"] == "1")
    fit = sp.fit("y ~ x | a^b", frame, inference="iid")
    assert fit.levels == {"a^b": 2}


def polars(frame):
    return pytest.importorskip("polars").from_pandas(frame)


def lazy(frame):
    return polars(frame).lazy()


def polars_categories(frame):
    pl = pytest.importorskip("polars")
    text = pl.col("firm", "region", "industry").cast(pl.String).cast(pl.Categorical)
    return polars(frame).with_columns(text)


def arrow(frame):
    return pytest.importorskip("pyarrow").Table.from_pandas(frame, preserve_index=False)


def arrow_backed(frame):
    pytest.importorskip("pyarrow")
    return frame.convert_dtypes(dtype_backend="pyarrow")


def nullable(frame):
    return frame.convert_dtypes()


@pytest.mark.parametrize(
    "convert", [polars, lazy, polars_categories, arrow, arrow_backed, nullable]
)
def test_kind_of_frame(panel, convert):
    holes = panel.copy()
    holes.loc[[3, 40, 41], "x"] = np.nan
    holes.loc[[7, 40], "y"] = np.nan
    spec = "y ~ x + exp(z) + C(size) | firm + year + region^year"
    expected = refit(holes, spec)
    assert expected.dropped["y missing"] == 2
    assert expected.dropped["x missing"] == 2
    same(expected, refit(convert(holes), spec), rtol=1e-12)


def test_narrow_floats_are_widened(panel, base):
    narrow = panel.assign(**{c: panel[c].astype("float32") for c in ["x", "z", "y", "w"]})
    fit = refit(narrow)
    assert fit.residuals.dtype == np.float64
    np.testing.assert_allclose(fit.params, base.params, rtol=1e-4)


def test_index_of_the_frame_is_irrelevant(panel, base):
    repeated = panel.set_index(panel.index % 7)
    same(base, refit(repeated), rtol=1e-14)
    spec = "y ~ log(w) + C(size) + x | firm + year"
    same(refit(panel, spec), refit(repeated, spec), rtol=1e-14)
    same(base, refit(panel.set_index(["region", "size"], drop=False)), rtol=1e-14)
    same(base, refit(panel.set_axis(panel.index[::-1])), rtol=1e-14)


@pytest.mark.parametrize("order", list(permutations(["firm", "year", "region^year"]))[1:])
def test_order_of_effects(panel, base, order):
    same(base, refit(panel, f"y ~ x + z + grouped | {' + '.join(order)}"))


def test_order_of_names_in_an_interaction(panel, base):
    same(
        base,
        sp.fit(
            "y ~ x + z + grouped | firm + year + year ^ region",
            panel,
            weights="w",
            cluster=("year^industry", "firm"),
        ),
    )


@pytest.mark.parametrize(("column", "factor"), [("x", 1e8), ("x", 1e-8), ("y", 1e6), ("z", -3.0)])
def test_rescaled_column(panel, base, column, factor):
    fit = refit(panel.assign(**{column: factor * panel[column]}))
    scale = pd.Series(1.0, base.params.index)
    if column == "y":
        scale[:] = factor
    else:
        scale[column] = 1 / factor
    np.testing.assert_allclose(fit.params, base.params * scale, rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors, base.std_errors * scale.abs(), rtol=1e-9)
    np.testing.assert_allclose(fit.r2_within, base.r2_within, rtol=1e-9)


@pytest.mark.parametrize("shift", [1.0, -250.0, 1e6])
def test_constant_added_to_regressors_and_outcome(panel, base, shift):
    moved = panel.assign(x=panel["x"] + shift, y=panel["y"] - shift)
    same(base, refit(moved), rtol=1e-12 * max(1000.0, abs(shift)))


def test_firm_and_year_constants_added_to_the_outcome(panel, base):
    moved = panel.assign(y=panel["y"] + 5.0 * panel["firm"] - 3.0 * (panel["year"] % 4))
    fit = refit(moved)
    np.testing.assert_allclose(fit.params, base.params, rtol=1e-9)
    np.testing.assert_allclose(fit.vcov, base.vcov, rtol=1e-9)
    np.testing.assert_allclose(fit.residuals, base.residuals, atol=1e-9)


def test_frisch_waugh_lovell(panel, oracle):
    effects = ["firm", "year"]
    full = sp.fit(formula(effects), panel, inference="iid")
    sample = kept(panel, full)
    y = oracle(sample, "y", ["z"], effects).residuals
    x = oracle(sample, "x", ["z"], effects).residuals
    np.testing.assert_allclose(x @ y / (x @ x), full.params["x"], rtol=1e-10)


def test_integer_weights_equal_repeated_rows(panel):
    weighted = panel.assign(w=panel["year"] % 3 + 1)
    repeated = panel.loc[panel.index.repeat(weighted["w"])]
    one = sp.fit(
        "y ~ x + z | firm + industry^year",
        weighted,
        weights="w",
        inference="iid",
        singletons="keep",
    )
    two = sp.fit("y ~ x + z | firm + industry^year", repeated, inference="iid", singletons="keep")
    np.testing.assert_allclose(one.params, two.params, rtol=1e-10)
    assert one.df_absorbed == two.df_absorbed
    np.testing.assert_allclose([one.r2, one.r2_within], [two.r2, two.r2_within], rtol=1e-10)


def test_equal_weights_are_no_weights(panel):
    doubled = panel.assign(w=2.0)
    for inference in ("cluster", "hetero", "iid"):
        plain = sp.fit("y ~ x + z | firm + year", doubled, inference=inference)
        fit = sp.fit("y ~ x + z | firm + year", doubled, inference=inference, weights="w")
        np.testing.assert_allclose(fit.params, plain.params, rtol=1e-12)
        np.testing.assert_allclose(fit.vcov, plain.vcov, rtol=1e-11)


def test_the_data_are_not_changed(panel):
    copy = panel.copy()
    sp.fit("y ~ log(w) + x | firm + year", copy, sample="domestic", weights="w")
    pd.testing.assert_frame_equal(copy, panel, check_exact=True)


# --- which clusters ------------------------------------------------------------------------------


def test_auto_clusters_grouped_regressors_by_industry_and_year(panel):
    fit = sp.fit("y ~ x + grouped | firm + year", panel)
    assert fit.inference.levels == ("industry^year",)
    assert fit.inference.label == "clustered by industry^year"
    assert "grouped" in fit.inference.reason
    assert "x" not in fit.inference.reason.split()
    assert fit.inference.df == fit.inference.n_clusters[0] - 1
    explicit = sp.fit("y ~ x + grouped | firm + year", panel, cluster="industry^year")
    np.testing.assert_array_equal(fit.vcov, explicit.vcov)
    assert explicit.inference.reason == ""


def test_auto_clusters_by_firm_where_regressors_vary_by_firm(panel):
    fit = sp.fit("y ~ x + z | firm + year", panel)
    assert fit.inference.levels == ("firm",)
    assert fit.inference.n_clusters == (panel[fit.used]["firm"].nunique(),)
    explicit = sp.fit("y ~ x + z | firm + year", panel, cluster="firm")
    np.testing.assert_array_equal(fit.vcov, explicit.vcov)


def test_auto_finds_a_grouped_regressor_with_a_little_noise(panel):
    """Leave-one-out measures vary a bit within industry-years; they still count as grouped."""
    noise = np.random.default_rng(1).normal(size=len(panel))
    level = panel["grouped"].std()
    slight = sp.fit("y ~ g | firm + year", panel.assign(g=panel["grouped"] + 0.1 * level * noise))
    strong = sp.fit("y ~ g | firm + year", panel.assign(g=panel["grouped"] + level * noise))
    assert slight.inference.levels == ("industry^year",)
    assert strong.inference.levels == ("firm",)


def test_auto_is_robust_where_nothing_can_be_clustered_by(panel):
    fit = sp.fit("y ~ x + z", panel[["y", "x", "z"]])
    assert fit.inference.kind == "hetero"
    assert fit.inference.n_clusters == ()
    assert "no industry, year or firm" in fit.inference.reason
    robust = sp.fit("y ~ x + z", panel, inference="hetero")
    np.testing.assert_array_equal(fit.vcov, robust.vcov)


def test_auto_without_firm_column(panel):
    fit = sp.fit("y ~ grouped | industry + year", panel.drop(columns="firm"))
    assert fit.inference.levels == ("industry^year",)


def test_order_of_clusters(panel, base):
    swapped = sp.fit(SPEC, panel, weights="w", cluster=CLUSTER[::-1])
    np.testing.assert_allclose(swapped.vcov, base.vcov, rtol=1e-11)
    assert swapped.inference.n_clusters == base.inference.n_clusters[::-1]


def test_two_way_counts_and_degrees_of_freedom(panel):
    with pytest.warns(SpilloverWarning, match="Only 7 clusters of year"):
        fit = sp.fit("y ~ x | firm", panel, cluster=["firm", "year"])
    assert fit.inference.n_clusters == (panel[fit.used]["firm"].nunique(), 7)
    assert fit.inference.df == 6
    assert fit.inference.label == "clustered by firm and year"


def test_few_clusters_warn_once_where_the_user_called(panel):
    with pytest.warns(SpilloverWarning, match="Only 8 clusters of industry") as caught:
        sp.fit("y ~ x | firm", panel, cluster="industry")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "40" in str(caught[0].message)


def test_forty_clusters_do_not_warn(panel):
    forty = panel[panel["firm"] < 41]
    sp.fit("y ~ x | firm", forty[forty["firm"] != 3], cluster="firm", singletons="keep")


@FEW
def test_cluster_names_may_have_blanks(panel):
    one = sp.fit("y ~ x | firm", panel, cluster="industry ^ year")
    two = sp.fit("y ~ x | firm", panel, cluster=["industry^year"])
    np.testing.assert_array_equal(one.vcov, two.vcov)
    assert one.inference.levels == ("industry^year",)

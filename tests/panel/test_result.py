"""The result: its tables, tests and intervals, its views, and what maketables reads of it."""

from __future__ import annotations

import html
import re
from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import spillover as sp
from spillover.errors import SchemaError, SpilloverError

FEW = pytest.mark.filterwarnings("ignore:Only .* clusters:spillover.errors.SpilloverWarning")


@pytest.fixture(scope="module")
def fit(panel):
    return sp.fit(
        "y ~ x + z + grouped | firm + industry^year",
        panel.assign(grouped=panel["grouped"] + 0.2 * panel["w"]),
        cluster="firm",
        sample="domestic",
    )


@pytest.fixture(scope="module")
def pooled(panel):
    return sp.fit("y ~ x + z + grouped", panel, cluster="firm")


@pytest.fixture(scope="module")
def truth(panel):
    X = sm.add_constant(panel[["x", "z", "grouped"]])
    groups = pd.factorize(panel["firm"])[0]
    return sm.OLS(panel["y"], X).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)


# --- tables --------------------------------------------------------------------------------------


def test_tidy(fit):
    table = fit.tidy()
    assert list(table.columns) == [
        "term",
        "estimate",
        "std_error",
        "statistic",
        "p_value",
        "conf_low",
        "conf_high",
    ]
    assert list(table["term"]) == ["x", "z", "grouped"]
    assert table.index.equals(pd.RangeIndex(3))
    np.testing.assert_array_equal(table["estimate"], fit.params)
    np.testing.assert_allclose(table["std_error"], np.sqrt(np.diag(fit.vcov)), rtol=1e-14)
    np.testing.assert_allclose(table["statistic"], table["estimate"] / table["std_error"])
    half = stats.t.ppf(0.975, fit.inference.df) * table["std_error"]
    np.testing.assert_allclose(table["conf_high"] - table["estimate"], half, rtol=1e-11)
    np.testing.assert_allclose(table["estimate"] - table["conf_low"], half, rtol=1e-11)


def test_glance(fit):
    row = fit.glance()
    assert row.shape[0] == 1
    row = row.iloc[0]
    assert row["outcome"] == "y"
    assert row["sample"].startswith("domestic")
    assert row["nobs"] == fit.nobs
    assert row["df_resid"] == fit.df_resid
    assert row["absorbed"] == "firm + industry^year"
    assert row["inference"] == "clustered by firm"
    assert row["clusters"] == fit.inference.n_clusters[0]
    for name in ("r2", "r2_within", "rmse"):
        assert row[name] == getattr(fit, name)


@FEW
def test_glance_counts_the_fewest_clusters_or_none(panel):
    two = sp.fit("y ~ x | firm", panel, cluster=["firm", "year"]).glance()
    assert two["clusters"].iloc[0] == 7
    none = sp.fit("y ~ x | firm", panel, inference="hetero").glance()
    assert none["clusters"].isna().all()
    assert none["clusters"].dtype == "Int64"
    assert none["inference"].iloc[0] == "heteroskedasticity-robust"


def test_glances_stack(fit, pooled):
    assert len(pd.concat([fit.glance(), pooled.glance()], ignore_index=True)) == 2


def test_frozen(fit):
    with pytest.raises(FrozenInstanceError):
        fit.nobs = 3


# --- intervals and tests, against statsmodels -----------------------------------------------------


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_confint(pooled, truth, level):
    got = pooled.confint(level)
    assert list(got.columns) == ["conf_low", "conf_high"]
    np.testing.assert_allclose(got, truth.conf_int(1 - level), rtol=1e-9)
    np.testing.assert_allclose(pooled.tidy(level)[["conf_low", "conf_high"]], got, rtol=1e-14)


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, np.nan])
def test_confint_level(pooled, level):
    with pytest.raises(SchemaError, match="between 0 and 1"):
        pooled.confint(level)


@pytest.mark.parametrize("terms", [["x"], ["x", "z"], ["grouped", "x"], ["Intercept", "z"], None])
def test_wald_is_statsmodels_f_test(pooled, truth, terms):
    names = ["x", "z", "grouped"] if terms is None else terms
    columns = ["const" if name == "Intercept" else name for name in names]
    R = np.array([[float(c == name) for c in truth.params.index] for name in columns])
    expected = truth.f_test(R)
    got = pooled.wald(terms)
    assert got["statistic"] == pytest.approx(float(expected.fvalue), rel=1e-9)
    assert got["p_value"] == pytest.approx(float(expected.pvalue), rel=1e-7)
    assert got["df_num"] == len(names) == expected.df_num
    assert got["df_denom"] == expected.df_denom == pooled.inference.df


def test_wald_of_one_term_is_its_t_test(fit):
    test = fit.wald(["z"])
    assert test["statistic"] == pytest.approx(fit.tstats["z"] ** 2, rel=1e-12)
    assert test["p_value"] == pytest.approx(fit.pvalues["z"], rel=1e-9)


def test_wald_classical_is_the_textbook_f(panel):
    """From the sums of squares of the two models."""
    full = sp.fit("y ~ x + z + w | firm + year", panel, inference="iid")
    small = sp.fit("y ~ w | firm + year", panel, inference="iid")
    ssr = full.residuals @ full.residuals
    F = (small.residuals @ small.residuals - ssr) / 2 / (ssr / full.df_resid)
    assert full.wald(["x", "z"])["statistic"] == pytest.approx(F, rel=1e-9)


def test_wald_does_not_depend_on_units(panel, pooled):
    scaled = sp.fit("y ~ x + z + grouped", panel.assign(x=1e9 * panel["x"]), cluster="firm")
    assert scaled.wald()["statistic"] == pytest.approx(pooled.wald()["statistic"], rel=1e-8)


def test_wald_unknown_term(fit):
    with pytest.raises(SchemaError, match=r"'groupd' is no term.*Did you mean 'grouped'"):
        fit.wald(["groupd"])


def test_wald_of_nothing(panel):
    with pytest.raises(SchemaError, match="term"):
        sp.fit("y ~ x | firm", panel).wald([])
    with pytest.raises(SchemaError, match="term"):
        sp.fit("y ~ 1", panel).wald()


@FEW
def test_wald_of_more_terms_than_clusters_can_tell_apart(panel):
    """The covariance has rank 4 at most with five clusters; six terms cannot be tested on it."""
    fit = sp.fit("y ~ x + z + w + grouped + C(size) | firm + year", panel, cluster="region")
    with pytest.raises(SpilloverError, match=r"rank|clusters"):
        fit.wald()
    assert 0 < fit.wald(["x", "z"])["p_value"] < 1


@FEW
@pytest.mark.filterwarnings("ignore:The multi-way clustered:spillover.errors.SpilloverWarning")
def test_wald_on_a_covariance_that_was_clipped(panel):
    """Two-way clusters here give a negative eigenvalue; set to zero, V has no inverse."""
    fit = sp.fit("y ~ x + z | firm + year", panel, cluster=["industry", "year"], weights="w")
    assert np.linalg.matrix_rank(fit.vcov) == 1
    with pytest.raises(SpilloverError, match=r"rank|clusters"):
        fit.wald()


# --- views ---------------------------------------------------------------------------------------


def test_repr_says_what_was_done(fit):
    text = repr(fit)
    for part in (
        "Fit: y ~ x + z + grouped | firm + industry^year",
        "estimate",
        f"{fit.nobs} observations",
        f"firm ({fit.levels['firm']})",
        "clustered by firm",
        f"{fit.inference.n_clusters[0]} firm clusters",
        f"t({fit.inference.df})",
        "other than domestic firms",
        "alone in an absorbed effect",
    ):
        assert part in text
    assert f"{fit.params['x']:.4g}" in text


def test_repr_without_effects_says_so(panel):
    text = repr(sp.fit("y ~ x", panel, inference="iid"))
    assert "Absorbed: nothing" in text
    assert "classical" in text
    assert "Left out" not in text


def test_html_has_every_number_and_note(fit):
    page = fit._repr_html_()
    assert f"{fit.params['x']:.4f}" in page
    assert f"{fit.std_errors['z']:.4f}" in page
    assert "clustered by firm" in page
    assert page.count("<table") == page.count("</table>") == 1


HOSTILE = '<img src=x onerror="alert(1)">&'


def test_html_escapes_names(panel):
    """From the outcome, the regressors and the sample's name, wherever they are printed."""
    frame = panel.rename(columns={"x": HOSTILE, "y": "<b>y</b>"})
    fit = sp.fit(f"`<b>y</b>` ~ `{HOSTILE}` + z | firm", frame, cluster="firm")
    page = fit._repr_html_()
    assert "<img" not in page
    assert "<b>y" not in page
    assert html.escape(HOSTILE, quote=False) in page or html.escape(HOSTILE) in page
    tags = set(re.findall(r"</?([a-z]+)", page))
    assert tags <= {"div", "p", "b", "br", "table", "thead", "tbody", "tr", "th", "td", "style"}


def test_html_escapes_categories(panel):
    frame = panel.assign(kind=panel["size"].map({0: "a", 1: "<script>b</script>", 2: "c"}))
    page = sp.fit("y ~ x + kind | firm", frame, cluster="firm")._repr_html_()
    assert "<script" not in page


# --- maketables: the six names of its plug-in format ---------------------------------------------


@pytest.fixture
def maketables():
    return pytest.importorskip("maketables")


def test_maketables_attributes(fit, pooled):
    """As PLUGIN_EXTRACTOR_FORMAT.md of maketables asks: columns, index, keys and None."""
    table = fit.__maketables_coef_table__
    assert list(table.index) == ["x", "z", "grouped"]
    assert table.index.name == "Coefficient"
    assert list(table.columns) == ["b", "se", "t", "p", "ci95l", "ci95u"]
    np.testing.assert_array_equal(table["b"], fit.params)
    np.testing.assert_array_equal(table["se"], fit.std_errors)
    np.testing.assert_array_equal(table["p"], fit.pvalues)
    np.testing.assert_array_equal(table[["ci95l", "ci95u"]], fit.confint())
    assert fit.__maketables_depvar__ == "y"
    assert fit.__maketables_fixef_string__ == "firm+industry^year"
    assert pooled.__maketables_fixef_string__ is None
    assert fit.__maketables_var_labels__ is None
    assert fit.__maketables_vcov_info__ == {"vcov_type": "CRV1", "clustervar": ["firm"]}
    assert fit.__maketables_stat__("N") == fit.nobs
    assert fit.__maketables_stat__("r2") == fit.r2
    assert fit.__maketables_stat__("r2_within") == fit.r2_within
    assert fit.__maketables_stat__("rmse") == fit.rmse
    assert fit.__maketables_stat__("se_type") == "clustered by firm"
    assert fit.__maketables_stat__("aic") is None


def test_maketables_counts(fit, panel):
    assert fit.__maketables_stat__("n_clusters") == fit.inference.n_clusters[0]
    assert fit.__maketables_stat__("df_resid") == fit.df_resid
    assert sp.fit("y ~ x", panel, inference="iid").__maketables_stat__("n_clusters") is None


def test_maketables_unclustered(panel):
    info = sp.fit("y ~ x", panel, inference="hetero").__maketables_vcov_info__
    assert info == {"vcov_type": "hetero", "clustervar": None}


def test_maketables_finds_the_fit(maketables, fit):
    extractor = maketables.get_extractor(fit)
    assert type(extractor).__name__ == "PluginExtractor"
    assert extractor.depvar(fit) == "y"
    assert extractor.fixef_string(fit) == "firm+industry^year"


def test_maketables_renders(maketables, fit, pooled):
    table = maketables.ETable(
        [fit, pooled], model_stats=["N", "r2", "r2_within", "se_type", "n_clusters"]
    )
    tex = table.make("tex")
    assert f"{fit.params['x']:.3f}" in tex
    assert f"({pooled.std_errors['z']:.3f})" in tex
    assert "clustered by firm" in tex
    assert str(fit.nobs) in tex
    rows = {line.split("&")[0].strip(): line for line in tex.splitlines() if "&" in line}
    assert [cell.strip(" \\") for cell in rows["firm"].split("&")[1:]] == ["x", "-"]
    assert [cell.strip(" \\") for cell in rows["Clusters"].split("&")[1:]] == [
        str(one.inference.n_clusters[0]) for one in (fit, pooled)
    ]


# --- linkage regressors --------------------------------------------------------------------------


def test_definitions_travel_from_linkages_to_the_fit():
    world = sp.simulate.panel(backward=0.3, rng=1)
    panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    fit = sp.fit("tfp ~ backward + forward | firm + year", panel, sample="domestic")
    assert set(fit.definitions) == {"backward", "forward"}
    assert fit.inference.levels == ("industry^year",)
    for text in fit.definitions.values():
        assert text in repr(fit)

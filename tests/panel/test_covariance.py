"""Standard errors against linearmodels, pyfixest, statsmodels and the formulas written out.

Our small-sample rule is G/(G-1) (N-1)/(N-K), with K the regressors and the exact rank of the
effects, where effects nested in a cluster count as one constant. The packages agree on the
sandwich and differ in K, so each comparison first states the other's factor.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from linearmodels import PanelOLS
from linearmodels.iv.absorbing import AbsorbingLS
from scipy import stats

import spillover as sp
from spillover.errors import IdentificationError, SpilloverWarning
from spillover.panel.covariance import Inference, cluster_meat, covariance

pytestmark = pytest.mark.filterwarnings(
    "ignore:Only .* clusters:spillover.errors.SpilloverWarning",
    "ignore:The multi-way clustered:spillover.errors.SpilloverWarning",
)

SLOPES = ["x", "z"]


def labels(frame, level):
    return frame[level.split("^")].astype(str).agg("|".join, axis=1)


def codes(frame, level):
    return pd.factorize(labels(frame, level))[0]


def brute_force(X, e, frame, levels, w=None):
    """Cameron, Gelbach & Miller (2011) with loops over clusters."""
    w = np.ones(len(e)) if w is None else w
    bread = np.linalg.inv((X * w[:, None]).T @ X)
    scores = X * (w * e)[:, None]

    def meat(keys):
        total = np.zeros((X.shape[1], X.shape[1]))
        for rows in frame.groupby(keys).indices.values():
            s = scores[rows].sum(axis=0)
            total += np.outer(s, s)
        return total

    keys = [labels(frame, level).rename(str(i)) for i, level in enumerate(levels)]
    middle = sum(meat(key) for key in keys)
    if len(keys) == 2:
        middle = middle - meat(keys)
    return bread @ middle @ bread


def without_negative_eigenvalues(V, X, w=None):
    """Cameron, Gelbach & Miller (2011), section 2.3, with regressors scaled to be alike."""
    D = np.diag(1 / np.sqrt(np.diag(np.linalg.inv((X if w is None else X * w[:, None]).T @ X))))
    values, vectors = np.linalg.eigh(D @ V @ D)
    return np.linalg.inv(D) @ (vectors * np.maximum(values, 0)) @ vectors.T @ np.linalg.inv(D)


# effects, clusters, and the effects that are nested in one of the clusters
CASES = {
    "firm by firm": (["firm"], ["firm"], ["firm"]),
    "firm, year by firm": (["firm", "year"], ["firm"], ["firm"]),
    "firm, year by region": (["firm", "year"], ["region"], ["firm"]),
    "firm, year by industry-year": (["firm", "year"], ["industry^year"], []),
    "firm, industry-year by industry-year": (
        ["firm", "industry^year"],
        ["industry^year"],
        ["industry^year"],
    ),
    "firm, region-year by firm": (["firm", "region^year"], ["firm"], ["firm"]),
    "firm, region-year by region": (["firm", "region^year"], ["region"], ["firm", "region^year"]),
    "firm, region, year by firm": (["firm", "region", "year"], ["firm"], ["firm"]),
    "firm, year by firm and year": (["firm", "year"], ["firm", "year"], ["firm", "year"]),
    "firm, year by industry and year": (["firm", "year"], ["industry", "year"], ["year"]),
    "firm by industry-year and region": (["firm"], ["industry^year", "region"], ["firm"]),
}


@pytest.mark.parametrize("weights", [None, "w"], ids=["equal", "weighted"])
@pytest.mark.parametrize(("effects", "clusters", "nested"), CASES.values(), ids=CASES.keys())
def test_clustered_covariance_written_out(
    panel, oracle, dummies, effects, clusters, nested, weights
):
    fit = sp.fit(f"y ~ x + z | {' + '.join(effects)}", panel, cluster=clusters, weights=weights)
    sample = panel[fit.used].reset_index(drop=True)
    truth = oracle(sample, "y", SLOPES, effects, weights)
    w = None if weights is None else sample[weights].to_numpy()
    n, groups = len(sample), [labels(sample, level).nunique() for level in clusters]
    k = 2 + truth.rank
    if nested:
        k += 1 - int(np.linalg.matrix_rank(dummies(sample, nested)))
    factor = min(groups) / (min(groups) - 1) * (n - 1) / (n - k)
    expected = factor * brute_force(truth.X, truth.residuals, sample, clusters, w)
    if len(clusters) == 2:
        expected = without_negative_eigenvalues(expected, truth.X, w)
    np.testing.assert_allclose(fit.vcov, expected, rtol=1e-9)
    assert fit.inference.n_clusters == tuple(groups)
    assert fit.inference.df == min(groups) - 1


@pytest.mark.parametrize("weights", [None, "w"], ids=["equal", "weighted"])
def test_hetero_written_out(panel, oracle, weights):
    effects = ["firm", "industry^year"]
    fit = sp.fit("y ~ x + z | firm + industry^year", panel, inference="hetero", weights=weights)
    sample = panel[fit.used].reset_index(drop=True)
    truth = oracle(sample, "y", SLOPES, effects, weights)
    w = np.ones(len(sample)) if weights is None else sample[weights].to_numpy()
    bread = np.linalg.inv((truth.X * w[:, None]).T @ truth.X)
    scores = truth.X * (w * truth.residuals)[:, None]
    factor = fit.nobs / (fit.nobs - 2 - truth.rank)
    np.testing.assert_allclose(fit.vcov, factor * bread @ scores.T @ scores @ bread, rtol=1e-9)
    assert fit.inference.df == fit.df_resid


def test_three_way_clusters(panel):
    """Inclusion and exclusion: + singles - pairs + the triple."""
    rng = np.random.default_rng(3)
    n = 400
    ids = {name: rng.integers(0, size, n) for name, size in [("a", 9), ("b", 7), ("c", 5)]}
    scores = rng.normal(size=(n, 2))
    frame = pd.DataFrame(ids)
    expected = np.zeros((2, 2))
    for names, sign in [
        ("a", 1),
        ("b", 1),
        ("c", 1),
        ("ab", -1),
        ("ac", -1),
        ("bc", -1),
        ("abc", 1),
    ]:
        for rows in frame.groupby(list(names)).indices.values():
            s = scores[rows].sum(axis=0)
            expected += sign * np.outer(s, s)
    np.testing.assert_allclose(cluster_meat(scores, ids), expected, rtol=1e-10)


# --- statsmodels: K is the number of columns, dummies included ---------------------------------


@pytest.mark.parametrize("level", ["firm", "region", "industry^year"])
@pytest.mark.parametrize("weights", [None, "w"], ids=["equal", "weighted"])
def test_pooled_against_statsmodels(panel, level, weights):
    """Without effects the two rules are one."""
    X = sm.add_constant(panel[SLOPES].to_numpy())
    w = np.ones(len(panel)) if weights is None else panel[weights]
    truth = sm.WLS(panel["y"], X, weights=w).fit(
        cov_type="cluster", cov_kwds={"groups": codes(panel, level)}, use_t=True
    )
    fit = sp.fit("y ~ x + z", panel, cluster=level, weights=weights)
    np.testing.assert_allclose(fit.vcov, truth.cov_params(), rtol=1e-10)
    np.testing.assert_allclose(fit.tstats, truth.tvalues, rtol=1e-10)
    np.testing.assert_allclose(fit.pvalues, truth.pvalues, rtol=1e-8)
    np.testing.assert_allclose(fit.confint(), truth.conf_int(), rtol=1e-9)


def test_pooled_hetero_against_statsmodels(panel):
    X = sm.add_constant(panel[SLOPES].to_numpy())
    truth = sm.OLS(panel["y"], X).fit(cov_type="HC1", use_t=True)
    fit = sp.fit("y ~ x + z", panel, inference="hetero")
    np.testing.assert_allclose(fit.vcov, truth.cov_params(), rtol=1e-10)
    np.testing.assert_allclose(fit.pvalues, truth.pvalues, rtol=1e-8)


def test_dummies_against_statsmodels(panel):
    """Industry-year clusters nest no firm: statsmodels' K, all columns of full rank, is ours."""
    fit = sp.fit("y ~ x + z | firm + year", panel, cluster="industry^year")
    sample = panel[fit.used].reset_index(drop=True)
    blocks = [pd.get_dummies(sample["firm"]), pd.get_dummies(sample["year"], drop_first=True)]
    X = np.hstack([sample[SLOPES].to_numpy(), *(b.to_numpy(dtype=float) for b in blocks)])
    truth = sm.OLS(sample["y"], X).fit(
        cov_type="cluster", cov_kwds={"groups": codes(sample, "industry^year")}, use_t=True
    )
    np.testing.assert_allclose(fit.vcov, truth.cov_params().to_numpy()[:2, :2], rtol=1e-9)


def test_two_way_pooled_against_statsmodels(panel):
    """statsmodels gives each of the three terms its own G/(G-1); without, the sandwich is ours."""
    X = sm.add_constant(panel[SLOPES].to_numpy())
    groups = np.column_stack([codes(panel, "firm"), codes(panel, "year")])
    truth = sm.OLS(panel["y"], X).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    fit = sp.fit("y ~ x + z", panel, cluster=["firm", "year"])
    n, g = fit.nobs, min(fit.inference.n_clusters)
    factor = g / (g - 1) * (n - 1) / (n - 3)
    np.testing.assert_allclose(fit.vcov, factor * truth.cov_params(), rtol=1e-9)


# --- linearmodels ------------------------------------------------------------------------------


def panel_ols(sample, time_effects, **options):
    data = sample.set_index(["firm", pd.to_datetime(sample["year"].astype(str))])
    model = PanelOLS(data["y"], data[SLOPES], entity_effects=True, time_effects=time_effects)
    return model.fit(**options), data


@pytest.mark.parametrize("time_effects", [False, True], ids=["firm", "firm, year"])
@pytest.mark.parametrize("clusters", [["firm"], ["firm", "year"], ["industry^year"]])
def test_clusters_against_panel_ols(panel, time_effects, clusters):
    """PanelOLS scales by N/(N - K), K with every effect (auto_df=False, count_effects=True).

    It leaves out G/(G-1) unless group_debias is set.
    """
    effects = "firm + year" if time_effects else "firm"
    fit = sp.fit(f"y ~ x + z | {effects}", panel, cluster=clusters)
    sample = panel[fit.used].reset_index(drop=True)
    groups = pd.DataFrame({level: codes(sample, level) for level in clusters})
    data = sample.set_index(["firm", pd.to_datetime(sample["year"].astype(str))])
    theirs, _ = panel_ols(
        sample,
        time_effects,
        cov_type="clustered",
        clusters=groups.set_index(data.index),
        auto_df=False,
        count_effects=True,
    )
    n, g = fit.nobs, min(fit.inference.n_clusters)
    nested = [name for name in fit.absorbed if name in clusters]
    k_ours = 2 + fit.df_absorbed
    if nested:
        rank = sum(fit.levels[name] for name in nested) - (len(nested) - 1)
        k_ours += 1 - rank
    factor = g / (g - 1) * (n - 1) / (n - k_ours) / (n / (n - 2 - fit.df_absorbed))
    np.testing.assert_allclose(fit.params, theirs.params, rtol=1e-9)
    np.testing.assert_allclose(fit.vcov, factor * theirs.cov, rtol=1e-9)
    np.testing.assert_allclose(fit.r2_within, theirs.rsquared, rtol=1e-9)


@pytest.mark.parametrize(("inference", "name"), [("iid", "unadjusted"), ("hetero", "robust")])
def test_unclustered_against_panel_ols(panel, inference, name):
    """Here both count every effect: N - K for the classical, N/(N - K) for the robust."""
    fit = sp.fit("y ~ x + z | firm + year", panel, inference=inference)
    theirs, _ = panel_ols(panel[fit.used].reset_index(drop=True), True, cov_type=name)
    np.testing.assert_allclose(fit.vcov, theirs.cov, rtol=1e-9)


@pytest.mark.parametrize("weights", [None, "w"], ids=["equal", "weighted"])
@pytest.mark.parametrize("level", ["region", "industry^year"])
def test_clusters_against_absorbing_ls(panel, level, weights):
    """With debiased=False and group_debias off AbsorbingLS returns the bare sandwich."""
    effects = ["firm", "industry", "region^year"]
    fit = sp.fit(f"y ~ x + z | {' + '.join(effects)}", panel, cluster=level, weights=weights)
    sample = panel[fit.used].reset_index(drop=True)
    absorb = pd.DataFrame({e: pd.Categorical(labels(sample, e)) for e in effects})
    w = None if weights is None else sample[[weights]]
    theirs = AbsorbingLS(sample["y"], sample[SLOPES], absorb=absorb, weights=w).fit(
        cov_type="clustered",
        clusters=codes(sample, level),
        debiased=False,
        method="lsmr",
        absorb_options={"atol": 1e-15, "btol": 1e-15, "conlim": 1e14, "maxiter": 20_000},
    )
    n, (g,) = fit.nobs, fit.inference.n_clusters
    k = 2 + fit.df_absorbed
    if level == "region":  # firms and region-years are nested: together they count as one
        k += 1 - (fit.levels["firm"] + fit.levels["region^year"] - 5)
    factor = g / (g - 1) * (n - 1) / (n - k)
    np.testing.assert_allclose(fit.params, theirs.params, rtol=1e-8)
    np.testing.assert_allclose(fit.vcov, factor * theirs.cov, rtol=1e-8)


# --- pyfixest ----------------------------------------------------------------------------------

PYFIXEST = {
    "firm, year by firm": ("firm + year", ["firm"]),
    "firm, year by region": ("firm + year", ["region"]),
    "firm, year by industry-year": ("firm + year", ["industry^year"]),
    "firm, year by firm and year": ("firm + year", ["firm", "year"]),
    "firm, industry-year by industry-year": ("firm + industry^year", ["industry^year"]),
    "three by firm and year": ("firm + year + industry", ["firm", "year"]),
    "disjoint by industry-year": ("firm + year + region^year", ["industry^year"]),
    "disjoint by firm": ("firm + year + region^year", ["firm"]),
    "pooled by firm": ("", ["firm"]),
}


def pyfixest_fit(frame, effects, vcov, weights):
    pf = pytest.importorskip("pyfixest")
    formula = "y ~ x + z" + (f" | {effects}" if effects else "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own deprecations, and singletons
        return pf.feols(
            formula,
            frame,
            vcov=vcov,
            weights=weights,
            fixef_rm="singleton",
            fixef_tol=1e-13,
            fixef_maxiter=100_000,
        )


def level_count(fit, nested):
    """What pyfixest takes off for effects: levels of the others less one for each beyond one."""
    if not fit.absorbed:
        return 0
    others = [n for name, n in fit.levels.items() if name not in nested]
    if len(others) == len(fit.levels):
        return sum(others) - (len(others) - 1)
    return sum(others) - len(others) + 1


@pytest.mark.parametrize("weights", [None, "w"], ids=["equal", "weighted"])
@pytest.mark.parametrize(("effects", "clusters"), PYFIXEST.values(), ids=PYFIXEST.keys())
def test_clusters_against_pyfixest(panel, effects, clusters, weights):
    """pyfixest counts levels where we use the rank; the ratio of N - K makes up for it.

    It is one where the effects are connected and not nested in each other.
    """
    frame = panel.assign(iy=codes(panel, "industry^year"))
    formula = "y ~ x + z" + (f" | {effects}" if effects else "")
    fit = sp.fit(formula, panel, cluster=clusters, weights=weights)
    names = ["iy" if level == "industry^year" else level for level in clusters]
    theirs = pyfixest_fit(frame, effects, {"CRV1": "+".join(names)}, weights)
    sample = panel[fit.used]
    nested = [
        name
        for name in fit.absorbed
        if any(
            labels(sample, level).groupby(labels(sample, name)).nunique().max() == 1
            for level in clusters
        )
    ]
    k_theirs = 2 + (0 if effects else 1) + level_count(fit, nested)
    k_ours = 2 + (0 if effects else 1) + fit.df_absorbed
    if nested:
        k_ours += 1 - (sum(fit.levels[name] for name in nested) - (len(nested) - 1))
    ratio = (fit.nobs - k_theirs) / (fit.nobs - k_ours)
    assert (ratio == 1) == ("region^year" not in effects)
    assert fit.nobs == theirs._N
    np.testing.assert_allclose(fit.params, theirs.coef()[fit.params.index], rtol=1e-9)
    np.testing.assert_allclose(fit.vcov, ratio * theirs._vcov, rtol=1e-8)
    if ratio == 1:
        theirs_p = theirs.pvalue()[fit.params.index]  # 1 - cdf: cancels below 1e-16
        np.testing.assert_allclose(fit.pvalues, theirs_p, rtol=1e-7, atol=1e-14)
    np.testing.assert_allclose(fit.r2, theirs._r2, rtol=1e-9)


@pytest.mark.parametrize("weights", [None, "w"], ids=["equal", "weighted"])
@pytest.mark.parametrize("inference", ["iid", "hetero"])
def test_unclustered_against_pyfixest(panel, inference, weights):
    fit = sp.fit("y ~ x + z | firm + year", panel, inference=inference, weights=weights)
    theirs = pyfixest_fit(panel, "firm + year", inference, weights)
    np.testing.assert_allclose(fit.vcov, theirs._vcov, rtol=1e-9)
    np.testing.assert_allclose(fit.r2_within, theirs._r2_within, rtol=1e-9)
    np.testing.assert_allclose(fit.pvalues, theirs.pvalue(), rtol=1e-7, atol=1e-14)


# --- edges -------------------------------------------------------------------------------------


def arguments(n=40, k=2, **changes):
    rng = np.random.default_rng(1)
    X, e = rng.normal(size=(n, k)), rng.normal(size=n)
    given = {
        "bread": np.linalg.inv(X.T @ X),
        "scores": X * e[:, None],
        "residuals": e,
        "weights": None,
        "clusters": {},
        "parameters": k,
        "parameters_outside_clusters": k,
    }
    return {**given, **changes}


def test_single_cluster_is_named():
    with pytest.raises(IdentificationError, match="one cluster of region; cluster at a finer"):
        covariance("cluster", **arguments(clusters={"region": np.zeros(40, dtype=int)}))


def test_every_row_its_own_cluster_is_the_robust_covariance():
    """Up to the factor: n/(n-1) (n-1)/(n-k) is n/(n-k)."""
    one = covariance("cluster", **arguments(clusters={"row": np.arange(40)}))
    two = covariance("hetero", **arguments())
    np.testing.assert_allclose(one, two, rtol=1e-12)


def test_indefinite_two_way_covariance_is_clipped_to_the_nearest():
    """V1 + V2 - V12 can have a negative eigenvalue; it becomes zero, with a warning."""
    rng = np.random.default_rng(0)
    for seed in range(200):
        rng = np.random.default_rng(seed)
        clusters = {"a": rng.integers(0, 3, 40), "b": rng.integers(0, 3, 40)}
        given = arguments(clusters=clusters)
        raw = given["bread"] @ cluster_meat(given["scores"], clusters) @ given["bread"]
        if np.linalg.eigvalsh((raw + raw.T) / 2)[0] < -1e-4:
            break
    else:
        pytest.fail("no seed gives an indefinite matrix")
    with pytest.warns(SpilloverWarning, match="1 negative eigenvalues"):
        clipped = covariance("cluster", **given)
    scale = np.sqrt(np.diag(given["bread"]))
    values, vectors = np.linalg.eigh(raw / np.outer(scale, scale))
    kept = values[1] * np.outer(vectors[:, 1], vectors[:, 1]) * np.outer(scale, scale)
    np.testing.assert_allclose(clipped, 3 / 2 * 39 / 38 * kept, atol=1e-12)
    assert np.linalg.eigvalsh(clipped)[0] > -1e-15


def test_clipping_does_not_depend_on_units(panel):
    """Ten times the regressor, a tenth of its standard error, also where V is clipped."""
    cluster = {"cluster": ["industry", "year"], "weights": "w"}
    one = sp.fit("y ~ x + z | firm + year", panel, **cluster)
    ten = sp.fit("y ~ x + z | firm + year", panel.assign(x=10 * panel["x"]), **cluster)
    np.testing.assert_allclose(ten.std_errors * [10, 1], one.std_errors, rtol=1e-8)


@pytest.mark.parametrize(
    ("inference", "label"),
    [
        (Inference("cluster", ("industry^year",), (96,), 95), "clustered by industry^year"),
        (Inference("cluster", ("a", "b"), (9, 8), 7), "clustered by a and b"),
        (Inference("hetero", (), (), 30), "heteroskedasticity-robust"),
        (Inference("iid", (), (), 30), "classical"),
    ],
)
def test_labels(inference, label):
    assert inference.label == label


def test_moulton_factor():
    """Equal groups, group-constant regressor and error: the variance ratio is about n per group.

    Moulton (1990): 1 + (n/g - 1) rho_x rho_u with both correlations one.
    """
    rng = np.random.default_rng(11)
    groups, size = 400, 10
    g = np.repeat(np.arange(groups), size)
    frame = pd.DataFrame({"g": g, "x": rng.normal(size=groups)[g], "y": rng.normal(size=groups)[g]})
    grouped = sp.fit("y ~ x", frame, cluster="g")
    naive = sp.fit("y ~ x", frame, inference="hetero")
    ratio = grouped.vcov.loc["x", "x"] / naive.vcov.loc["x", "x"]
    assert ratio == pytest.approx(size, rel=0.01)
    cells = sp.fit("y ~ x", frame.groupby("g", as_index=False).mean(), inference="hetero")
    assert grouped.std_errors["x"] == pytest.approx(cells.std_errors["x"], rel=0.005)


def test_pvalues_use_the_number_of_clusters(panel):
    fit = sp.fit("y ~ x | firm", panel, cluster="region")
    assert fit.inference.df == 4
    expected = 2 * stats.t.sf(abs(fit.params["x"] / fit.std_errors["x"]), 4)
    assert fit.pvalues["x"] == pytest.approx(expected, rel=1e-12)

"""Instruments: Stata's ivregress and ivreg2, R's AER, linearmodels and pyfixest agree."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyfixest as pf
import pytest
from linearmodels.iv import IV2SLS, IVGMM, IVLIML
from scipy import stats

import spillover as sp
from spillover.errors import IdentificationError, SchemaError
from spillover.panel.formula import parse_formula
from spillover.panel.iv import Moments, _kappa

pytestmark = pytest.mark.filterwarnings("ignore:Only .* clusters:spillover.errors.SpilloverWarning")

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
IVREG2 = json.loads((REFERENCE / "ivreg2_simulated.json").read_text(encoding="utf-8"))
AER = json.loads((REFERENCE / "panel_differences.json").read_text(encoding="utf-8"))
PRINTED = 2e-7
"""Stata's logs print 9 digits, its data 8."""


@pytest.fixture(scope="module")
def endogenous(panel):
    """The panel with two endogenous regressors and four instruments."""
    rng = np.random.default_rng(8)
    n = len(panel)
    shared, Z = rng.normal(size=n), rng.normal(size=(n, 4))
    Z += panel[["grouped"]].to_numpy() * 0.3
    frame = panel.assign(**{f"q{j + 1}": Z[:, j] for j in range(4)})
    frame["e1"] = Z @ [0.6, 0.4, 0.2, -0.3] + shared + rng.normal(size=n)
    frame["e2"] = Z @ [-0.2, 0.5, 0.5, 0.3] - shared + rng.normal(size=n)
    frame["y"] += frame["e1"] - 0.5 * frame["e2"] + 1.5 * shared
    return frame


# --- the formula ---------------------------------------------------------------------------------


def test_parts_of_the_formula():
    model = parse_formula("y ~ x | firm + year | e1 + e2 ~ q1 + log(q2)")
    assert (model.endogenous, model.instruments) == ("e1 + e2", "q1 + log(q2)")
    assert str(model) == "y ~ x | firm + year | e1 + e2 ~ q1 + log(q2)"
    without = parse_formula("y ~ x | e1 ~ q1")
    assert (without.absorbed, without.endogenous) == ((), "e1")


@pytest.mark.parametrize(
    ("formula", "match"),
    [
        ("y ~ x | firm | e1", "3 parts on the right.*endogenous ~ instruments"),
        ("y ~ x | e1 ~ q1 | firm", "exactly one '~' before"),
        ("y ~ x | firm | e1 ~ q1 ~ q2", "exactly one '~' before"),
        ("y ~ x | firm | ~ q1", "lacks a side"),
        ("y ~ x | firm | e1 ~", "lacks a side"),
        ("y ~ x | firm | year | e1 ~ q1", "4 parts"),
        ("y ~ x | firm | e1 ~ qq", "no column 'qq'"),
        ("y ~ x | firm | e1 + e2 ~ q1", "2 endogenous regressors.*'e1', 'e2'.*there are 1"),
        ("y ~ x + e1 | firm | e1 ~ q1", "'e1' is both a regressor and endogenous"),
        ("y ~ x | firm | e1 ~ e1", "'e1' is its own instrument"),
        ("y ~ x | firm | e1 ~ x + q1", "'x' is a regressor and thus an instrument already"),
    ],
)
def test_bad_formulas(endogenous, formula, match):
    with pytest.raises(SchemaError, match=match):
        sp.fit(formula, endogenous)


def test_estimator_and_instruments_go_together(endogenous):
    with pytest.raises(SchemaError, match="formula has no instruments"):
        sp.fit("y ~ x | firm", endogenous, estimator="liml")
    with pytest.raises(SchemaError, match="formula has instruments"):
        sp.fit("y ~ x | firm | e1 ~ q1", endogenous, estimator="ols")
    with pytest.raises(SchemaError, match="estimator='2sls' is not an option"):
        sp.fit("y ~ x | firm | e1 ~ q1", endogenous, estimator="2sls")


# --- Stata ---------------------------------------------------------------------------------------


def stata_logs(path):
    """Cut a log into its models: name -> text."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"#{10} !(.*?)! #{10}\n(.*?)(?=#{10} !|\Z)", text, re.DOTALL)
    return dict(found)


def stata_numbers(body, rename):
    """Read coefficients, covariance and scalars of one model."""
    head, _, tail = body.partition("********* Variance")
    tail = tail.partition("********* GMM")[0]
    rows = [line.split("\t") for line in tail.splitlines() if line.count("\t") >= 1]
    rows = [row for row in rows if row[0]]
    names = [rename.get(row[0], row[0]) for row in rows]
    vcov = pd.DataFrame([[float(cell) for cell in row[1:]] for row in rows], names, names)
    pairs = [line.split("\t") for line in head.splitlines() if line.count("\t") == 1]
    scalars = {rename.get(key, key): float(value) for key, value in pairs if key and value}
    return pd.Series({name: scalars[name] for name in names}), vcov, scalars


def compare(fit, body, rename):
    params, vcov, scalars = stata_numbers(body, rename)
    assert set(params.index) == set(fit.params.index)
    np.testing.assert_allclose(fit.params[params.index], params, rtol=PRINTED)
    scale = np.sqrt(np.outer(np.diagonal(vcov), np.diagonal(vcov)))
    difference = (fit.vcov.loc[vcov.index, vcov.columns] - vcov) / scale
    assert np.abs(difference.to_numpy()).max() < 1e-6
    return scalars


@pytest.mark.parametrize("kind", ["unadjusted", "robust", "cluster"])
@pytest.mark.parametrize("method", ["2sls", "liml", "gmm"])
def test_stata_ivregress_housing(shared, method, kind):
    folder = shared / "test_vectors" / "linearmodels_stata"
    body = stata_logs(folder / "iv_stata-iv-housing-results.txt")[f"{method}-{kind}-small"]
    frame = pd.read_csv(folder / "iv_housing.csv")
    fit = sp.fit(
        "rent ~ pcturban | hsngval ~ faminc + C(region)",
        frame,
        estimator={"2sls": "iv"}.get(method, method),
        inference={"unadjusted": "iid", "robust": "hetero"}.get(kind, "cluster"),
        cluster="division",
    )
    scalars = compare(fit, body, {"_cons": "Intercept"})
    if "J" in scalars:
        assert fit.overidentification.statistic == pytest.approx(scalars["J"], rel=1e-8)


def simulated(shared):
    folder = shared / "test_vectors" / "linearmodels_stata"
    frame = pd.read_stata(folder / "iv_simulated-data.dta")
    return frame, stata_logs(folder / "iv_stata-iv-simulated-results.txt")


def test_stata_ivregress_simulated(shared):
    """Every model of the log with small-sample factors: weights, constants, several of each."""
    frame, logs = simulated(shared)
    done = 0
    for name, body in logs.items():
        match = re.fullmatch(
            r"(\w+)-num_endog_(\d)-num_exog_(\d)-num_instr_(\d)-weighted_(\w+)-(.*)-(small.*)", name
        )
        if match is None:
            continue
        method, endog, exog, instruments, weighted, vce, extra = match.groups()
        kind = {"vce(unadjusted)": "iid", "vce(robust)": "hetero"}.get(vce, "")
        cluster = re.fullmatch(r"vce\(cluster (\w+)\)", vce)
        if not kind and cluster is None:
            continue
        exogenous = [f"x{j}" for j in range(3, 3 + int(exog))]
        formula = (
            f"y_robust ~ {' + '.join(exogenous) or '1'} | "
            f"{' + '.join(f'x{j + 1}' for j in range(int(endog)))} ~ "
            f"{' + '.join(f'z{j + 1}' for j in range(int(instruments)))}"
        )
        outcome = {"iid": "y_unadjusted", "hetero": "y_robust"}.get(kind, "y_clustered")
        formula = formula.replace("y_robust", outcome)
        if "noconstant" in extra:
            formula = formula.replace("~ 1 |", "~ 0 |").replace("~ x", "~ 0 + x", 1)
        fit = sp.fit(
            formula,
            frame,
            estimator={"2sls": "iv"}.get(method, method),
            inference=kind or "cluster",
            cluster=cluster[1] if cluster else "auto",
            weights="weights" if weighted == "True" else None,
        )
        compare(fit, body, {"_cons": "Intercept"})
        done += 1
    assert done > 20


@pytest.mark.parametrize("name", [name for name in IVREG2 if name != "source"])
def test_stata_ivreg2(name):
    """Coefficients, first stages, Kleibergen-Paap, Cragg-Donald, Sargan and Hansen."""
    stored = IVREG2[name]
    frame = pd.read_csv(REFERENCE / f"ivreg2_{stored['data']}.csv")
    kind = {"iid": "iid", "hc1": "hetero", "cl": "cluster"}[name.split()[1]]
    liml = "_liml" in name
    fit = sp.fit(
        stored["formula"],
        frame,
        inference=kind,
        cluster="cluster_id" if kind == "cluster" else "auto",
        estimator="liml" if liml else "iv",
    )
    params = pd.Series(stored["params"])
    np.testing.assert_allclose(fit.params[params.index], params, rtol=2e-8)
    np.testing.assert_allclose(
        fit.std_errors[params.index], pd.Series(stored["std_errors"]), rtol=2e-8
    )
    stage = fit.first_stage
    names = list(stored["first_stage_f"])
    np.testing.assert_allclose(
        stage.table.loc[names, "f"], pd.Series(stored["first_stage_f"]), rtol=1e-7
    )
    np.testing.assert_allclose(
        stage.table.loc[names, "partial_r2"], pd.Series(stored["partial_r2"]), rtol=1e-7
    )
    assert stage.kleibergen_paap_f == pytest.approx(stored["widstat"], rel=1e-7)
    assert stage.kleibergen_paap_lm == pytest.approx(stored["idstat"], rel=1e-7)
    assert stage.lm_df == stored["iddf"]
    assert stage.lm_p_value == pytest.approx(stored["idp"], rel=1e-5)
    assert stage.cragg_donald_f == pytest.approx(stored["cdf"], rel=1e-7)
    test = fit.overidentification
    if kind == "iid" and not liml:  # with LIML ours is Anderson and Rubin's, as in ivregress
        assert test.name == "Sargan"
        assert test.statistic == pytest.approx(stored["sargan"], rel=1e-6)
    elif kind != "iid":
        assert test.name == "Hansen J"
        assert test.statistic == pytest.approx(stored["j"], rel=1e-6)


def test_kleibergen_paap_with_absorbed_effects_and_two_endogenous():
    """The value that FixedEffectModels.jl tests against ivreg2 (its Ftest.csv, MIT licence)."""
    frame = pd.read_csv(REFERENCE / "fixedeffectmodels_ftest.csv")
    fit = sp.fit("Y ~ 1 | id | X1 + X2 ~ Z1 + Z2", frame, inference="hetero")
    assert fit.first_stage.kleibergen_paap_f == pytest.approx(14.5348449357, rel=1e-10)
    assert np.isnan(fit.first_stage.effective_f)


# --- R -------------------------------------------------------------------------------------------


def test_aer_ivreg():
    frame = pd.read_csv(REFERENCE / "panel_input.csv")
    spec = "y ~ z | x ~ lag(x) + lead(x)"
    fit = sp.fit(spec, frame, inference="iid")
    assert fit.nobs == AER["iv"]["nobs"]
    np.testing.assert_allclose(fit.params, AER["iv"]["coefficients"], rtol=1e-10)
    np.testing.assert_allclose(fit.vcov, AER["iv"]["vcov"], rtol=1e-9)
    weak = AER["iv_weak"]
    assert fit.first_stage.table.loc["x", "f"] == pytest.approx(weak["f"], rel=1e-10)
    assert fit.overidentification.statistic == pytest.approx(weak["sargan"], rel=1e-9)
    assert fit.overidentification.p_value == pytest.approx(weak["sargan_p"], rel=1e-8)
    robust = sp.fit(spec, frame, inference="hetero")
    np.testing.assert_allclose(robust.vcov, AER["iv_hc1"], rtol=1e-8, atol=1e-12)
    clustered = sp.fit(spec, frame, cluster="firm")
    np.testing.assert_allclose(clustered.vcov, AER["iv_cluster"], rtol=1e-8, atol=1e-12)


# --- linearmodels on the columns that the effects leave ------------------------------------------

SIDES = {
    "one, exact": ("e1", "q1"),
    "one, over": ("e1", "q1 + q2 + q3"),
    "two, exact": ("e1 + e2", "q1 + q2"),
    "two, over": ("e1 + e2", "q1 + q2 + q3 + q4"),
}
PEERS = {"iv": IV2SLS, "liml": IVLIML, "gmm": IVGMM}


def columns_left(fit):
    """Residualised columns of a fit, for the peer."""
    made, design = fit.estimated, fit.estimated.design
    p = len(design.endogenous)
    X = pd.DataFrame(made.X, columns=design.terms)
    Z = pd.DataFrame(made.Z, columns=design.Z_terms)
    first = X.iloc[:, :-p] if X.shape[1] > p else None
    return pd.Series(made.y), first, X.iloc[:, -p:], Z


@pytest.mark.parametrize("kind", ["iid", "hetero", "cluster"])
@pytest.mark.parametrize("method", PEERS)
@pytest.mark.parametrize("sides", SIDES.values(), ids=SIDES.keys())
@pytest.mark.parametrize("regressors", ["x + z", "1"])
def test_linearmodels(endogenous, sides, method, kind, regressors):
    spec = f"y ~ {regressors} | firm + industry^year | {sides[0]} ~ {sides[1]}"
    fit = sp.fit(spec, endogenous, inference=kind, cluster="industry", estimator=method)
    y, X, endog, Z = columns_left(fit)
    clusters = fit.estimated.design.clusters.get("industry")
    options = {"iid": "unadjusted", "hetero": "robust", "cluster": "clustered"}[kind]
    grouped = {"clusters": clusters} if kind == "cluster" else {}
    built = PEERS[method](
        y, X, endog, Z, **({"weight_type": options, **grouped} if method == "gmm" else {})
    )
    theirs = built.fit(cov_type=options, **grouped)
    np.testing.assert_allclose(fit.params, theirs.params[fit.params.index], rtol=1e-8)
    n, k = fit.nobs, len(fit.params)
    if kind == "cluster":
        outside = fit.df_absorbed - fit.levels["industry^year"] + 1  # within industries
        factor = 8 / 7 * (n - 1) / (n - k - outside)
    else:
        factor = n / fit.df_resid
    V = theirs.cov.loc[fit.params.index, fit.params.index]
    np.testing.assert_allclose(fit.vcov, V * factor, rtol=1e-7, atol=1e-12)
    test = fit.overidentification
    if sides[1].count("+") == sides[0].count("+"):
        assert test is None
    elif method == "gmm" and kind != "iid":
        assert test.statistic == pytest.approx(theirs.j_stat.stat, rel=1e-8)
        assert test.p_value == pytest.approx(theirs.j_stat.pval, rel=1e-7)
    elif method == "iv" and kind == "iid":
        assert test.statistic == pytest.approx(
            theirs.sargan.stat * (n - fit.df_absorbed) / n, rel=1e-9
        )
    elif method == "liml" and kind == "iid":
        assert test.statistic == pytest.approx(
            theirs.anderson_rubin.stat * (n - fit.df_absorbed) / n, rel=1e-8
        )


def test_linearmodels_with_weights(endogenous):
    spec = "y ~ x + z | e1 ~ q1 + q2"
    for method, peer in PEERS.items():
        fit = sp.fit(spec, endogenous, inference="hetero", estimator=method, weights="w")
        frame = endogenous.assign(Intercept=1.0)
        theirs = peer(
            frame["y"],
            frame[["Intercept", "x", "z"]],
            frame["e1"],
            frame[["q1", "q2"]],
            weights=frame["w"] / frame["w"].mean(),
        ).fit(cov_type="robust", debiased=True)
        np.testing.assert_allclose(fit.params, theirs.params, rtol=1e-9)
        np.testing.assert_allclose(fit.vcov, theirs.cov, rtol=1e-8)


# --- pyfixest ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vcov", "options"),
    [
        ("iid", {"inference": "iid"}),
        ("hetero", {"inference": "hetero"}),
        ({"CRV1": "region"}, {"cluster": "region"}),
        ({"CRV1": "cell"}, {"cluster": "industry^year"}),
    ],
)
@pytest.mark.parametrize("regressors", ["x + z", "1"])
def test_pyfixest(endogenous, vcov, options, regressors):
    """One endogenous regressor: coefficients, errors, first-stage F and effective F.

    Without regressors besides, pyfixest's effective F is that of the paper; with some, it does not
    take them out of the instruments. It is always robust, ours follows the regression.
    """
    frame = endogenous.assign(cell=endogenous["industry"] * 100 + endogenous["year"])
    spec = f"y ~ {regressors} | firm + year | e1 ~ q1 + q2 + q3"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pf.feols(
            spec,
            frame,
            vcov=vcov,
            fixef_rm="singleton",
            demeaner=pf.LsmrDemeaner(fixef_atol=1e-13, fixef_btol=1e-13),
        )
        theirs.first_stage()
        theirs.IV_Diag()
    fit = sp.fit(spec, frame, **options)
    assert fit.nobs == theirs._N
    names = list(fit.params.index)
    np.testing.assert_allclose(fit.params, theirs.coef()[names], rtol=1e-8)
    np.testing.assert_allclose(fit.std_errors, theirs.se()[names], rtol=1e-7)
    stage = fit.first_stage
    assert stage.table.loc["e1", "f"] == pytest.approx(theirs._f_stat_1st_stage, rel=1e-6)
    if regressors == "1" and vcov != "iid":
        assert stage.effective_f == pytest.approx(theirs._eff_F, rel=1e-6)


# --- properties ----------------------------------------------------------------------------------


def test_one_endogenous_all_first_stage_measures_coincide(endogenous):
    """With one instrument F, Kleibergen-Paap and the effective F are one; iid, Cragg-Donald too."""
    for kind in ("iid", "hetero", "cluster"):
        stage = sp.fit(
            "y ~ x | firm | e1 ~ q1", endogenous, inference=kind, cluster="region"
        ).first_stage
        f = stage.table.loc["e1", "f"]
        assert stage.kleibergen_paap_f == pytest.approx(f, rel=1e-10)
        assert stage.effective_f == pytest.approx(f, rel=1e-10)
        if kind == "iid":
            assert stage.cragg_donald_f == pytest.approx(f, rel=1e-10)
        np.testing.assert_allclose(stage.critical_values, [37.42, 23.11, 15.06, 12.05], atol=0.006)


def test_first_stage_is_the_regression_on_the_instruments(endogenous):
    fit = sp.fit("y ~ x | firm + year | e1 ~ q1 + q2", endogenous, cluster=["region", "industry"])
    first = sp.fit("e1 ~ x + q1 + q2 | firm + year", endogenous, cluster=["region", "industry"])
    wald = first.wald(["q1", "q2"])
    assert fit.first_stage.table.loc["e1", "f"] == pytest.approx(wald["statistic"], rel=1e-9)
    assert fit.first_stage.table.loc["e1", "p_value"] == pytest.approx(wald["p_value"], rel=1e-8)


def test_critical_values_against_a_direct_computation(endogenous):
    """Montiel Olea and Pflueger (2013, theorem 2 and section 2.3), from a robust first stage."""
    fit = sp.fit("y ~ x | e1 ~ q1 + q2 + q3", endogenous, inference="hetero")
    first = sp.fit("e1 ~ x + q1 + q2 + q3", endogenous, inference="hetero")
    frame = endogenous.assign(Intercept=1.0)
    X1, Z = frame[["Intercept", "x"]].to_numpy(), frame[["q1", "q2", "q3"]].to_numpy()
    Z = Z - X1 @ np.linalg.lstsq(X1, Z, rcond=None)[0]
    names = ["q1", "q2", "q3"]
    values, vectors = np.linalg.eigh(Z.T @ Z)
    root = vectors * np.sqrt(values) @ vectors.T
    W = root @ first.vcov.loc[names, names].to_numpy() @ root
    pi = first.params[names].to_numpy()
    assert fit.first_stage.effective_f == pytest.approx(pi @ Z.T @ Z @ pi / np.trace(W), rel=1e-9)
    for bias, critical in fit.first_stage.critical_values.items():
        x = 1 / bias
        df = (
            np.trace(W) ** 2
            * (1 + 2 * x)
            / (np.trace(W.T @ W) + 2 * x * np.trace(W) * np.linalg.eigvalsh(W).max())
        )
        assert critical == pytest.approx(stats.ncx2.ppf(0.95, df, x * df) / df, rel=1e-9)


def test_estimates_do_not_depend_on_the_basis_of_the_instruments(endogenous):
    frame = endogenous.assign(
        a=endogenous["q1"] + endogenous["q2"], b=endogenous["q1"] - 3 * endogenous["q2"] + 1
    )
    for method in PEERS:
        one = sp.fit("y ~ x | firm | e1 ~ q1 + q2", frame, estimator=method, cluster="region")
        two = sp.fit("y ~ x | firm | e1 ~ a + b", frame, estimator=method, cluster="region")
        np.testing.assert_allclose(one.params, two.params, rtol=1e-9)
        np.testing.assert_allclose(one.vcov, two.vcov, rtol=1e-8)
        for name in ("kleibergen_paap_f", "kleibergen_paap_lm", "cragg_donald_f", "effective_f"):
            assert getattr(one.first_stage, name) == pytest.approx(
                getattr(two.first_stage, name), rel=1e-8
            )
        assert one.overidentification.statistic == pytest.approx(
            two.overidentification.statistic, rel=1e-7
        )


def test_exactly_identified_all_methods_agree(endogenous):
    fits = [
        sp.fit("y ~ x | firm + year | e1 + e2 ~ q1 + q2", endogenous, estimator=method)
        for method in PEERS
    ]
    for other in fits[1:]:
        np.testing.assert_allclose(fits[0].params, other.params, rtol=1e-8)
        np.testing.assert_allclose(fits[0].vcov, other.vcov, rtol=1e-7)


def test_a_regressor_as_its_own_instrument_is_least_squares(endogenous):
    frame = endogenous.assign(copy=endogenous["e1"] * 2 + 1)
    one = sp.fit("y ~ x | firm | e1 ~ copy", frame, cluster="firm")
    two = sp.fit("y ~ x + e1 | firm", frame, cluster="firm")
    np.testing.assert_allclose(one.params, two.params, rtol=1e-10)
    np.testing.assert_allclose(one.vcov, two.vcov, rtol=1e-9)


def test_kappa_is_one_without_surplus_instruments():
    rng = np.random.default_rng(1)
    X1, Z, Y = rng.normal(size=(90, 2)), rng.normal(size=(90, 1)), rng.normal(size=(90, 2))
    assert _kappa(Y, X1, np.hstack([X1, Z]), None) == pytest.approx(1, abs=1e-12)


def test_differences_of_instruments(endogenous):
    """Outcome, regressors and instruments are all differenced."""
    shifted = endogenous[["firm", "year"]].merge(
        endogenous.assign(year=endogenous["year"] + 1), how="left", on=["firm", "year"]
    )
    frame = endogenous.assign(
        **{f"d{c}": endogenous[c] - shifted[c] for c in ["y", "x", "e1", "q1", "q2"]}
    )
    fit = sp.fit("y ~ x | year | e1 ~ q1 + q2", endogenous, transform="first_difference")
    truth = sp.fit("dy ~ dx | year | de1 ~ dq1 + dq2", frame)
    np.testing.assert_allclose(fit.params.to_numpy(), truth.params.to_numpy(), rtol=1e-10)
    assert fit.first_stage.effective_f == pytest.approx(truth.first_stage.effective_f, rel=1e-9)


def test_categories_among_the_instruments(endogenous):
    made = pd.get_dummies(endogenous["size"], dtype=float).iloc[:, 1:].add_prefix("s")
    frame = endogenous.join(made)
    one = sp.fit("y ~ x | year | e1 ~ q1 + C(size)", endogenous)
    two = sp.fit("y ~ x | year | e1 ~ q1 + s1 + s2", frame)
    np.testing.assert_allclose(one.params, two.params, rtol=1e-10)
    assert one.first_stage.instruments == ("q1", "C(size)[T.1]", "C(size)[T.2]")


def test_missing_instruments_are_counted(endogenous):
    frame = endogenous.copy()
    frame.loc[[4, 8, 15], "q1"] = np.nan
    fit = sp.fit("y ~ x | year | e1 ~ q1", frame)
    assert fit.dropped["q1 missing"] == 3


def test_the_result_says_what_it_is(endogenous):
    text = repr(sp.fit("y ~ x | firm | e1 ~ q1 + q2", endogenous, estimator="gmm"))
    for words in ("two-step GMM", "First stage of e1: F(2,", "effective F", "Hansen J"):
        assert words in text
    both = sp.fit("y ~ x | firm | e1 + e2 ~ q1 + q2", endogenous)
    assert "Kleibergen-Paap F" in repr(both)
    assert both.overidentification is None
    assert both.estimator == "iv"


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "match"),
    [
        ("y ~ x | firm | e1 ~ fixed", "fixed does not vary within 'firm'"),
        ("y ~ x | firm | fixed ~ q1", "fixed does not vary within 'firm'"),
        ("y ~ x | firm | e1 ~ q1 + twice", "'q1', 'twice' are perfectly collinear"),
        ("y ~ x | firm | e1 ~ q1 + almost", "'x', 'almost' are perfectly collinear"),
        ("y ~ x | firm | e1 + e1twice ~ q1 + q2", "'e1', 'e1twice' are perfectly collinear"),
        ("y ~ x + one | e1 ~ q1", "'Intercept', 'one'"),
    ],
)
def test_collinear(endogenous, formula, match):
    frame = endogenous.assign(
        fixed=endogenous["firm"] * 1.0,
        twice=endogenous["q1"] * 2,
        almost=endogenous["x"] + endogenous["firm"],
        e1twice=endogenous["e1"] * 2,
        one=1.0,
    )
    with pytest.raises(IdentificationError, match=match):
        sp.fit(formula, frame, inference="iid")


def test_instruments_that_do_not_tell_two_regressors_apart(endogenous):
    """Both first stages are multiples of one another."""
    rng = np.random.default_rng(3)
    frame = endogenous.assign(noise=rng.normal(size=len(endogenous)))
    W = np.column_stack([np.ones(len(frame)), frame[["q1", "q2"]]])
    frame["noise"] -= W @ np.linalg.lstsq(W, frame["noise"], rcond=None)[0]
    frame["f1"] = frame["q1"] + frame["q2"] + frame["noise"]
    frame["f2"] = 2 * (frame["q1"] + frame["q2"]) - frame["noise"]
    with pytest.raises(IdentificationError, match="'f1', 'f2' does not tell 'f1', 'f2' apart"):
        sp.fit("y ~ 1 | f1 + f2 ~ q1 + q2", frame, inference="iid")
    with pytest.raises(IdentificationError, match="instruments say nothing about 'noise'"):
        sp.fit("y ~ 1 | noise ~ q1 + q2", frame, inference="iid")


def test_gmm_with_fewer_clusters_than_instruments(endogenous):
    spec = "y ~ x + z | e1 ~ q1 + q2 + q3 + q4"
    with pytest.raises(
        IdentificationError, match="7 moments has rank 5 with 5 clusters of 'region'"
    ):
        sp.fit(spec, endogenous, estimator="gmm", cluster="region")
    assert sp.fit(spec, endogenous, estimator="gmm", cluster="industry").nobs == len(endogenous)


def test_moments_follow_the_clusters():
    rng = np.random.default_rng(5)
    Z, e, w = rng.normal(size=(60, 3)), rng.normal(size=60), rng.uniform(1, 2, 60)
    groups = rng.integers(0, 12, 60)
    expected = sum(
        np.outer(s, s)
        for g in range(12)
        for s in [(Z[groups == g] * (w * e)[groups == g, None]).sum(axis=0)]
    )
    got = Moments("cluster", {"g": groups}, 0).covariance(Z, e, w)
    np.testing.assert_allclose(got, expected, rtol=1e-12)

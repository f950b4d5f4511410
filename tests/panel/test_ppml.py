"""Poisson regression with absorbed effects: R's glm, pyfixest, and separation by brute force."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.optimize import linprog

import spillover as sp
from spillover.panel import absorb_reweighted
from spillover.panel.ppml import Ppml, estimate_ppml

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
STORED = json.loads((REFERENCE / "panel_ppml.json").read_text(encoding="utf-8"))["fits"]
RTOL = 1e-6
"""R's covariance is that of the step before the last."""


@pytest.fixture(scope="module")
def frame():
    data = pd.read_csv(REFERENCE / "panel_input.csv")
    return data.assign(sales=np.maximum(data["y"] - 0.5, 0))


EFFECTS = {
    "plain": [],
    "weighted": [],
    "year": ["year"],
    "firm_year": ["firm", "year"],
    "firm_year_industry_weighted": ["firm", "year", "industry"],
}


@pytest.mark.parametrize("name", EFFECTS)
def test_glm(frame, design_of, name):
    stored, effects = STORED[name], EFFECTS[name]
    design = design_of(
        "sales ~ x + z" + (f" | {' + '.join(effects)}" if effects else ""),
        frame,
        cluster=["industry"],
        weights=stored["weights"],
    )
    fit = estimate_ppml(design)
    assert int(fit.keep.sum()) == stored["nobs"]
    assert fit.df_resid == stored["nobs"] - stored["rank"]
    np.testing.assert_allclose(fit.beta, stored["coefficients"], rtol=1e-9)
    np.testing.assert_allclose(fit.details.deviance, stored["deviance"], rtol=1e-12)
    groups, n, k = fit.n_clusters[0], stored["nobs"], stored["rank"]
    if "industry" in effects:  # nested in the clusters: counts as one constant
        k -= frame["industry"].nunique() - 1
    factor = groups / (groups - 1) * (n - 1) / (n - k)
    np.testing.assert_allclose(
        fit.vcov, factor * np.array(stored["industry_HC0"]), rtol=RTOL, atol=1e-9
    )
    if "industry" not in effects:
        np.testing.assert_allclose(fit.vcov, stored["industry_HC1"], rtol=RTOL, atol=1e-9)
    robust = estimate_ppml(design, kind="hetero").vcov
    np.testing.assert_allclose(
        robust, np.array(stored["hc0"]) * n / (n - stored["rank"]), rtol=RTOL, atol=1e-9
    )
    np.testing.assert_allclose(
        estimate_ppml(design, kind="iid").vcov, np.array(stored["naive"]), rtol=RTOL, atol=1e-9
    )
    if not effects:
        r2 = 1 - stored["deviance"] / stored["null"]
        np.testing.assert_allclose(fit.statistics["r2"], r2, rtol=1e-10)


@pytest.mark.parametrize("effects", [[], ["firm"], ["firm", "year"], ["firm", "industry^year"]])
def test_pyfixest(frame, design_of, effects):
    pyfixest = pytest.importorskip("pyfixest")
    spec = "sales ~ x + z" + (f" | {' + '.join(effects)}" if effects else "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pyfixest.fepois(spec, frame, vcov={"CRV1": "region"}, iwls_tol=1e-13)
    kept = frame
    if effects:  # the package drops singletons as the design is made
        kept = frame
        while True:
            sizes = [kept.groupby(effect.split("^"))["x"].transform("size") for effect in effects]
            alone = np.any([size == 1 for size in sizes], axis=0)
            if not alone.any():
                break
            kept = kept[~alone]
    ours = estimate_ppml(design_of(spec, kept, cluster=["region"]))
    assert int(ours.keep.sum()) == theirs._N
    np.testing.assert_allclose(ours.beta, theirs.coef(), rtol=1e-6)
    if "industry^year" not in effects:  # else its K counts levels, not the rank
        np.testing.assert_allclose(np.sqrt(np.diagonal(ours.vcov)), theirs.se(), rtol=1e-5)


def test_statsmodels_with_dummies(frame, design_of):
    ours = estimate_ppml(design_of("sales ~ x + z | industry + year", frame))
    D = pd.get_dummies(frame[["industry", "year"]].astype(str), drop_first=True)
    X = np.column_stack([frame[["x", "z"]], np.ones(len(frame)), D.to_numpy(float)])
    theirs = sm.GLM(frame["sales"], X, family=sm.families.Poisson()).fit(tol=1e-14)
    np.testing.assert_allclose(ours.beta, theirs.params[:2], rtol=1e-8)
    np.testing.assert_allclose(ours.details.fitted, theirs.fittedvalues, rtol=1e-8)
    scale, shifted = 1e6, frame.assign(sales=1e6 * frame["sales"], x=frame["x"] / 50)
    again = estimate_ppml(design_of("sales ~ x + z | industry + year", shifted))
    np.testing.assert_allclose(again.beta, ours.beta * [50, 1], rtol=1e-8)
    np.testing.assert_allclose(again.details.fitted, scale * ours.details.fitted, rtol=1e-7)


@pytest.mark.parametrize("effects", ["firm + year", "firm + industry^year + region^year"])
@pytest.mark.parametrize("weights", [None, "w"])
def test_the_way_for_many_levels_gives_the_same(frame, design_of, effects, weights, monkeypatch):
    """A factor for every step, or one that preconditions the steps after it."""
    design = design_of(f"sales ~ x + z | {effects}", frame, cluster=["industry"], weights=weights)
    plain = estimate_ppml(design)
    monkeypatch.setattr(absorb_reweighted, "SMALL", 0)
    again = estimate_ppml(design)
    np.testing.assert_allclose(again.beta, plain.beta, rtol=1e-10)
    np.testing.assert_allclose(again.vcov, plain.vcov, rtol=1e-9)
    np.testing.assert_allclose(again.details.fitted, plain.details.fitted, rtol=1e-9)
    np.testing.assert_array_equal(again.keep, plain.keep)
    assert again.details.iterations <= plain.details.iterations + 3


def brute_separated(y, X):
    """The largest set, by a linear programme: max sum s, s <= X g where y = 0, X g = 0 else."""
    zero = y == 0
    k = X.shape[1]
    m = int(zero.sum())
    A_ub = np.hstack([-X[zero], np.eye(m)])
    A_eq = np.hstack([X[~zero], np.zeros((int((~zero).sum()), m))])
    out = linprog(
        np.concatenate([np.zeros(k), -np.ones(m)]),
        A_ub=A_ub,
        b_ub=np.zeros(m),
        A_eq=A_eq,
        b_eq=np.zeros(len(A_eq)),
        bounds=[(None, None)] * k + [(0, 1)] * m,
    )
    result = np.zeros(len(y), dtype=bool)
    result[zero] = out.x[k:] > 0.5
    return result


@pytest.mark.filterwarnings("ignore:.*predicts their zeros:spillover.errors.SpilloverWarning")
@pytest.mark.parametrize("seed", range(12))
def test_separated_rows_are_those_of_a_linear_programme(design_of, seed):
    rng = np.random.default_rng(seed)
    n = 120
    frame = pd.DataFrame(
        {"a": rng.integers(0, 6, n), "b": rng.integers(0, 5, n), "x": rng.normal(size=n)}
    )
    frame["d"] = (rng.random(n) < 0.08) * rng.integers(1, 3, n)  # rare, and often without sales
    frame["sales"] = rng.poisson(np.exp(0.5 * frame["x"] - 0.5))
    frame.loc[(frame["d"] > 0) & (rng.random(n) < 0.8), "sales"] = 0
    frame.loc[(frame["a"] == 1) & (frame["b"] < 3), "sales"] = 0
    frame.loc[(frame["a"] == 2) & (frame["x"] > 0), "sales"] = 0
    D = [np.eye(6)[frame["a"]], np.eye(5)[frame["b"]]]
    X = np.column_stack([frame[["x", "d"]], *D])
    expected = brute_separated(frame["sales"].to_numpy(), X)
    try:
        fit = estimate_ppml(design_of("sales ~ x + d | a + b", frame))
    except sp.IdentificationError:  # all rows with d > 0 are separated
        assert expected[frame["d"] > 0].all()
        return
    np.testing.assert_array_equal(~fit.keep, expected)
    kept = fit.keep
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = sm.GLM(frame["sales"][kept], X[kept], family=sm.families.Poisson()).fit(
            tol=1e-14, method="IRLS", wls_method="pinv"
        )
    np.testing.assert_allclose(fit.beta, theirs.params[:2], rtol=1e-6)


def test_separated_rows_are_said(frame, design_of):
    """b = 0 lies within a = 0, the rest of which has no sales: their difference separates it."""
    n = np.arange(len(frame))
    two = frame.assign(a=np.where(n < 30, 0, 1 + n % 3), b=np.where(n < 10, 0, 1 + n % 5))
    two["sales"] = np.where((n >= 10) & (n < 30), 0.0, two["sales"] + (n < 10))
    with pytest.warns(sp.SpilloverWarning, match=r"20 rows left out: .* predicts their zeros"):
        fit = estimate_ppml(design_of("sales ~ x | a + b", two))
    np.testing.assert_array_equal(~fit.keep, (n >= 10) & (n < 30))
    assert fit.dropped == {"separated: regressors and effects predict zero for certain": 20}
    kept = estimate_ppml(design_of("sales ~ x | a + b", two[fit.keep]))
    np.testing.assert_allclose(fit.beta, kept.beta, rtol=1e-9)
    two["c"] = two["x"] + ((n >= 10) & (n < 30))
    with pytest.raises(
        sp.IdentificationError,
        match=r"'x', 'c' are perfectly collinear.* 20 rows had been left out",
    ):
        estimate_ppml(design_of("sales ~ x + c", two))


def test_separation_is_counted(frame, design_of):
    rare = frame.assign(d=0.0)
    rare.loc[rare.index[:9], "d"] = 1.0
    rare.loc[rare.index[:8], "sales"] = 0.0
    rare.loc[rare.index[8], "sales"] = 2.0
    fit = estimate_ppml(design_of("sales ~ x + d | year", rare))
    assert fit.keep.all()
    assert not fit.dropped
    rare.loc[rare.index[8], "d"] = 0.0
    with pytest.raises(sp.IdentificationError, match=r"d is constant.* 8 rows had been left out"):
        estimate_ppml(design_of("sales ~ x + d | year", rare))
    with_level = frame.assign(sales=np.where(frame["region"] == 2, 0.0, frame["sales"]))
    fit = estimate_ppml(design_of("sales ~ x | region + year", with_level))
    assert fit.dropped == {
        "in a level of an absorbed effect whose outcomes are all zero": int(
            (frame["region"] == 2).sum()
        )
    }


def test_bad_input(frame, design_of):
    with pytest.raises(sp.SchemaError, match=r"negative in 1\d\d rows"):
        estimate_ppml(design_of("y ~ x", frame))
    with pytest.raises(sp.IdentificationError, match="zero in every row"):
        estimate_ppml(design_of("sales ~ x", frame.assign(sales=0.0)))
    with pytest.raises(sp.IdentificationError, match="g does not vary within 'firm'"):
        estimate_ppml(design_of("sales ~ x + g | firm", frame.assign(g=frame["firm"] % 3)))
    with pytest.raises(sp.ConvergenceError, match="2 iterations"):
        estimate_ppml(design_of("sales ~ x", frame), Ppml(iterations=2))
    with pytest.raises(sp.SchemaError, match="tolerance"):
        Ppml(tolerance=2.0)
    one = design_of("sales ~ x", frame.assign(one=1), cluster=["one"])
    with pytest.raises(sp.IdentificationError, match="one cluster of one"):
        estimate_ppml(one)

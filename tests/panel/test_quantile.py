"""Quantile regression: R's quantreg, brute force, HiGHS, and what must not change a result."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.regression.quantile_regression import hall_sheather as theirs

import spillover as sp
from spillover.panel.quantile import Quantile, densities, estimate_quantile, hall_sheather
from spillover.panel.quantile_solver import _simplex, solve_quantile

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
STORED = json.loads((REFERENCE / "panel_quantile.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def frame():
    return pd.read_csv(REFERENCE / "panel_input.csv")


@pytest.mark.parametrize("stored", STORED["fits"], ids=lambda s: f"{s['formula']} {s['tau']}")
def test_quantreg(frame, design_of, stored):
    years = "year" in stored["formula"]
    design = design_of(
        "y ~ x + z | year" if years else "y ~ x + z",
        frame,
        weights="w" if stored["weighted"] else None,
    )
    at = slice(1, None) if years else slice(None)
    for density, name in (("gaussian", "ker"), ("difference", "nid")):
        fit = estimate_quantile(design, Quantile(stored["tau"], density=density), kind="hetero")
        assert fit.terms == ["Intercept", "x", "z"][at]
        np.testing.assert_allclose(fit.beta, stored["coefficients"][at], rtol=1e-9)
        if stored["weighted"]:
            continue
        n = len(frame)
        factor = n / fit.df_resid  # quantreg has none
        rtol = 1e-8 if name == "ker" else 1e-6  # quantreg takes a small number off the spread
        rtol = 0.02 if years else rtol  # R: "Solution may be nonunique", in the dummies
        np.testing.assert_allclose(fit.vcov, factor * np.array(stored[name])[at, at], rtol=rtol)
        np.testing.assert_allclose(fit.statistics["r2"], stored["pseudo_r2"], rtol=1e-9)


def test_iid_errors_are_near_quantregs(frame, design_of):
    """Its sparsity comes from an L1 fit of few order statistics, ours from a kernel."""
    for stored in STORED["fits"][1:4]:
        fit = estimate_quantile(design_of("y ~ x + z", frame), Quantile(stored["tau"]), kind="iid")
        ratio = np.sqrt(np.diagonal(fit.vcov) / np.diagonal(stored["iid"]))
        assert np.all(np.abs(ratio - 1) < 0.35)
        assert ratio.std() < 1e-9  # one density for all


def test_iid_formula(frame, design_of):
    design = design_of("y ~ x + z", frame)
    fit = estimate_quantile(design, Quantile(0.3), kind="iid")
    f, _ = densities(design.y, design.X, fit.beta, 0.3, how="gaussian")
    n, k = design.X.shape
    expected = 0.3 * 0.7 / f.mean() ** 2 * np.linalg.inv(design.X.T @ design.X) * n / (n - k)
    np.testing.assert_allclose(fit.vcov, expected, rtol=1e-10)


def test_parente_santos_silva_by_brute_force(frame, design_of):
    """Their equations (2) to (4), written out row by row, with our small-sample factor."""
    design = design_of("y ~ x + z", frame, cluster=["industry"])
    taus = (0.25, 0.6)
    fit = estimate_quantile(design, Quantile(taus, density="uniform"))
    y, X = design.y, design.X
    n, k = X.shape
    codes = design.clusters["industry"]
    groups = codes.max() + 1
    bread = np.zeros((2 * k, 2 * k))
    scores = np.zeros((groups, 2 * k))
    for q, tau in enumerate(taus):
        u = y - X @ fit.beta[q * k : (q + 1) * k]
        phi = stats.norm.ppf(tau)
        h = n ** (-1 / 3) * stats.norm.ppf(0.975) ** (2 / 3)
        h *= (1.5 * stats.norm.pdf(phi) ** 2 / (2 * phi**2 + 1)) ** (1 / 3)
        mad = np.median(np.abs(u - np.median(u)))
        c = mad * (stats.norm.ppf(tau + h) - stats.norm.ppf(tau - h))
        B = np.zeros((k, k))
        for i in range(n):
            B += (abs(u[i]) <= c) / (2 * c) * np.outer(X[i], X[i])
            scores[codes[i], q * k : (q + 1) * k] += X[i] * (tau - (u[i] < -1e-9))
        bread[q * k : (q + 1) * k, q * k : (q + 1) * k] = np.linalg.inv(B)
    meat = sum(np.outer(s, s) for s in scores)
    factor = groups / (groups - 1) * (n - 1) / (n - k)
    np.testing.assert_allclose(fit.vcov, factor * bread @ meat @ bread, rtol=1e-9, atol=1e-14)
    assert fit.n_clusters == (groups,)
    assert fit.df == groups - 1


def test_two_way_clusters_add_and_subtract(frame, design_of):
    design = design_of("y ~ x + z", frame, cluster=["industry", "year"])
    both = estimate_quantile(design, Quantile(0.5))
    one = {}
    for name in ("industry", "year"):
        one[name] = estimate_quantile(design, clusters={name: design.clusters[name]})
    joint = design_of("y ~ x + z", frame, cluster=["industry^year"])
    one["both"] = estimate_quantile(joint)

    def bare(fit):
        return fit.vcov / (fit.n_clusters[0] / (fit.n_clusters[0] - 1))

    groups = min(both.n_clusters)
    expected = (
        (bare(one["industry"]) + bare(one["year"]) - bare(one["both"])) * groups / (groups - 1)
    )
    np.testing.assert_allclose(both.vcov, expected, rtol=1e-9)


def test_brute_force_over_all_bases():
    """With n = 9 and k = 2, the optimum is one of the 36 lines through two points."""
    rng = np.random.default_rng(4)
    X = np.column_stack([np.ones(9), rng.normal(size=9)])
    y = rng.normal(size=9)
    w = rng.uniform(0.5, 2, 9)
    for tau in (0.2, 0.5, 0.77):
        best, value = None, np.inf
        for rows in combinations(range(9), 2):
            beta = np.linalg.solve(X[list(rows)], y[list(rows)])
            u = y - X @ beta
            loss = w @ (u * (tau - (u < 0)))
            if loss < value:
                best, value = beta, loss
        np.testing.assert_allclose(solve_quantile(y, X, tau, w), best, rtol=1e-10)


def test_solver_against_highs_and_statsmodels():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(1500), rng.normal(size=(1500, 5))])
    y = X @ rng.normal(size=6) + rng.standard_t(3, 1500) * (1 + 0.3 * X[:, 1] ** 2)
    for tau in (0.05, 0.5, 0.9):
        ours = solve_quantile(y, X, tau)
        np.testing.assert_allclose(ours, _simplex(y, X, tau), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(solve_quantile(y, X, tau, exact=False), ours, atol=1e-6)
        theirs = sm.QuantReg(y, X).fit(q=tau).params

        def loss(beta, tau=tau):
            u = y - X @ beta
            return u @ (tau - (u < 0))

        assert loss(ours) <= loss(theirs) + 1e-9  # theirs is iterated to about 1e-3
        np.testing.assert_allclose(ours, theirs, atol=5e-3)


@pytest.mark.parametrize("tau", [0.25, 0.5, 0.9])
def test_ties_and_dummies(tau):
    """Whole numbers and small groups: many optima; ours must be one of them."""
    rng = np.random.default_rng(3)
    group = rng.integers(0, 12, 300)
    X = np.column_stack([rng.integers(0, 3, 300), np.eye(12)[group]]).astype(float)
    y = rng.integers(0, 6, 300).astype(float)
    beta = solve_quantile(y, X, tau)

    def loss(b):
        u = y - X @ b
        return u @ (tau - (u < 0))

    np.testing.assert_allclose(loss(beta), loss(_simplex(y, X, tau)), rtol=1e-10)


def test_equivariance(frame, design_of):
    """Koenker & Bassett (1978, theorem 3.2): scale, shift, reparametrisation, monotone signs."""
    design = design_of("y ~ x + z", frame)
    y, X = design.y, design.X
    beta = solve_quantile(y, X, 0.3)
    np.testing.assert_allclose(solve_quantile(1e6 * y, X, 0.3), 1e6 * beta, rtol=1e-9)
    np.testing.assert_allclose(solve_quantile(-y, X, 0.7), -beta, rtol=1e-9)
    np.testing.assert_allclose(
        solve_quantile(y + X @ [1, 2, 3], X, 0.3), beta + np.array([1, 2, 3]), rtol=1e-9
    )
    A = np.array([[1.0, 0.3, 0], [0, 2e4, 1], [0, 0, 1e-3]])
    np.testing.assert_allclose(A @ solve_quantile(y, X @ A, 0.3), beta, rtol=1e-7)


def test_weights_are_repetitions(frame, design_of):
    design = design_of("y ~ x + z", frame)
    times = np.random.default_rng(1).integers(1, 4, len(design.y))
    repeated = solve_quantile(np.repeat(design.y, times), np.repeat(design.X, times, axis=0), 0.41)
    np.testing.assert_allclose(
        solve_quantile(design.y, design.X, 0.41, times.astype(float)), repeated, rtol=1e-9
    )


def test_joint_covariance_holds_each_quantiles_own(frame, design_of):
    design = design_of("y ~ x + z | year", frame, cluster=["industry"])
    many = estimate_quantile(design, Quantile((0.25, 0.75)))
    assert many.terms == ["x [0.25]", "z [0.25]", "x [0.75]", "z [0.75]"]
    assert list(many.details.params.columns) == [0.25, 0.75]
    for q, tau in enumerate((0.25, 0.75)):
        alone = estimate_quantile(design, Quantile(tau))
        at = slice(2 * q, 2 * q + 2)
        np.testing.assert_allclose(many.beta[at], alone.beta)
        np.testing.assert_allclose(many.vcov[at, at], alone.vcov)


def test_bootstrap_of_rows_is_near_quantregs(frame, design_of):
    design = design_of("y ~ x + z", frame)
    fit = estimate_quantile(design, Quantile(0.5, bootstrap=800, rng=2), kind="hetero")
    np.testing.assert_allclose(np.sqrt(np.diagonal(fit.vcov)), STORED["boot_se"], rtol=0.12)


def test_cluster_bootstrap_by_hand(frame, design_of):
    """The same draws, each written out as a longer data set and solved by HiGHS."""
    design = design_of("y ~ x + z", frame, cluster=["industry"])
    fit = estimate_quantile(design, Quantile(0.5, bootstrap=20, rng=7))
    codes = design.clusters["industry"]
    groups = codes.max() + 1
    rng = np.random.default_rng(7)
    draws = []
    for _ in range(20):
        rows = np.concatenate([np.flatnonzero(codes == g) for g in rng.integers(0, groups, groups)])
        draws.append(_simplex(design.y[rows], design.X[rows], 0.5))
    # an optimum of repeated rows need not be unique
    np.testing.assert_allclose(fit.details.draws, draws, atol=0.02)
    np.testing.assert_allclose(fit.vcov, np.cov(np.array(fit.details.draws).T), rtol=1e-12)
    again = estimate_quantile(design, Quantile(0.5, bootstrap=20, rng=7))
    np.testing.assert_array_equal(again.vcov, fit.vcov)


def test_canay_subtracts_the_effects_of_least_squares(frame, design_of):
    design = design_of("y ~ x + z | firm + year", frame, cluster=["firm"])
    fit = estimate_quantile(design, Quantile(0.5, effects="canay", bootstrap=10))
    ols = sp.fit("y ~ x + z | firm + year", frame, cluster="firm", singletons="keep")
    X = frame[["x", "z"]].to_numpy()
    effects = frame["y"] - X @ ols.params.to_numpy() - ols.residuals
    shifted = frame["y"] - (effects - effects.mean())
    expected = _simplex(shifted.to_numpy(), np.column_stack([X, np.ones(len(X))]), 0.5)
    np.testing.assert_allclose(fit.beta, expected[:2], rtol=1e-8)
    with pytest.raises(sp.SchemaError, match="a bootstrap of both"):
        Quantile(0.5, effects="canay")
    with pytest.raises(sp.IdentificationError, match="needs an absorbed effect"):
        estimate_quantile(design_of("y ~ x", frame), Quantile(effects="canay", bootstrap=5))


def test_mundlak_means(frame, design_of):
    design = design_of("y ~ x + z | firm + year", frame, cluster=["firm"])
    fit = estimate_quantile(design, Quantile(0.5, effects="mundlak"))
    assert fit.terms == ["x", "z", "mean(x | firm)", "mean(z | firm)"]
    means = frame.groupby("firm")[["x", "z"]].transform("mean")
    years = pd.get_dummies(frame["year"]).to_numpy(float)
    X = np.column_stack([frame[["x", "z"]], means, years])
    np.testing.assert_allclose(fit.beta, _simplex(design.y, X, 0.5)[:4], rtol=1e-8)


def test_hall_sheather_is_statsmodels_and_stays_inside():
    for n, tau in ((50, 0.5), (1000, 0.2), (10**6, 0.9)):
        np.testing.assert_allclose(hall_sheather(n, tau), theirs(n, tau), rtol=1e-12)
    assert 0.02 - hall_sheather(30, 0.02) >= 0


def test_bad_input(frame, design_of):
    for quantiles in (0.0, 1.2, (0.5, 0.25), ()):
        with pytest.raises(sp.SchemaError, match="between 0 and 1"):
            Quantile(quantiles)
    with pytest.raises(sp.SchemaError, match="density='epan' is not an option"):
        Quantile(density="epan")
    with pytest.raises(sp.IdentificationError, match=r"firm \(60 levels\) are too many .*mundlak"):
        estimate_quantile(design_of("y ~ x | firm", frame), Quantile(limit=50))
    same = frame.assign(g=frame["industry"] * 1.0)
    with pytest.raises(sp.IdentificationError, match="g does not vary within 'industry'"):
        estimate_quantile(design_of("y ~ x + g | industry", same))
    two = design_of("y ~ x", frame, cluster=["industry", "year"])
    with pytest.raises(sp.SchemaError, match="one level of clusters"):
        estimate_quantile(two, Quantile(bootstrap=5))
    one = design_of("y ~ x", frame.assign(one=1), cluster=["one"])
    with pytest.raises(sp.IdentificationError, match="in one cluster of one"):
        estimate_quantile(one)
    flat = design_of("y ~ x", frame.assign(y=(frame["y"] > 3) * 1.0))
    with pytest.raises(sp.IdentificationError, match="too many equal values"):
        estimate_quantile(flat, Quantile(0.5, density="uniform"))

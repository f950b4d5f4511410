"""CR2, CR3, HC2, HC3 and degrees of freedom: clubSandwich, dfadjust, sandwich, and brute force."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import spillover as sp
from spillover.errors import ConvergenceError, SchemaError
from spillover.inference import _leverage, _projection
from spillover.inference._read import projection_of
from spillover.inference.methods import METHODS
from spillover.inference.small_sample import leverages, with_small_sample

pytestmark = pytest.mark.filterwarnings(
    "ignore:Only .* clusters:spillover.errors.SpilloverWarning",
)
REFERENCE = Path(__file__).parents[1] / "reference"
SLOPES = ["x", "z"]
STORED = json.loads((REFERENCE / "inference_small_sample.json").read_text())["cases"]


@pytest.fixture(scope="module")
def panel():
    return pd.read_csv(REFERENCE / "inference_input.csv")


def fit_case(panel, case, cluster=None):
    effects = case["effects"]
    formula = "y ~ x + z" + (" | " + " + ".join(effects) if effects else "")
    return sp.fit(
        formula, panel, cluster=cluster or case["cluster"], weights=case.get("weights"),
        singletons="keep",
    )  # fmt: skip


def name_of(case):
    return f"{'+'.join(case['effects']) or 'none'} by {case['cluster']}, w={case['weights']}"


@pytest.mark.parametrize("case", STORED, ids=name_of)
def test_club_sandwich(panel, case):
    fit = fit_case(panel, case)
    np.testing.assert_allclose(fit.params[SLOPES], case["coefficients"], rtol=1e-9)
    for kind in ("cr2", "cr3"):
        if kind.upper() not in case:
            continue
        stored = case[kind.upper()]
        found = with_small_sample(fit, kind, df="satterthwaite")
        G = found.inference.n_clusters[0]
        factor = (G - 1) / G if kind == "cr3" else 1.0  # theirs is the bare sum of squares
        mine = found.vcov.loc[SLOPES, SLOPES] / factor
        np.testing.assert_allclose(mine, stored["vcov"], rtol=1e-8)
        np.testing.assert_allclose(found.dfs[SLOPES], stored["df"], rtol=1e-7)


@pytest.mark.parametrize("case", [c for c in STORED if "HC2" in c], ids=name_of)
def test_sandwich_leverage_corrections(panel, case):
    if "NaN" in np.ravel(case["HC2"]):
        pytest.skip("an observation decides a dummy alone; sandwich gives NaN")
    fit = fit_case(panel, case)
    for kind in ("hc2", "hc3"):
        found = with_small_sample(fit, kind)
        np.testing.assert_allclose(found.vcov.loc[SLOPES, SLOPES], case[kind.upper()], rtol=1e-8)
        assert found.inference.n_clusters == ()
        assert (found.dfs == fit.df_resid).all()
    if "HC2_df" in case:
        found = with_small_sample(fit, "hc2", df="satterthwaite")
        np.testing.assert_allclose(found.dfs[SLOPES], case["HC2_df"], rtol=1e-7)


@pytest.mark.parametrize("case", [c for c in STORED if "imbens_kolesar" in c], ids=name_of)
def test_dfadjust(panel, case):
    fit = fit_case(panel, case)
    for rule, name in (("imbens_kolesar", "imbens_kolesar"), ("satterthwaite", "bell_mccaffrey")):
        found = with_small_sample(fit, "cr2", df=rule)
        np.testing.assert_allclose(found.std_errors[SLOPES], case[name]["std_error"], rtol=1e-8)
        np.testing.assert_allclose(found.dfs[SLOPES], case[name]["df"], rtol=1e-6)


def full_design(frame, effects):
    blocks = [frame[SLOPES].to_numpy(dtype=np.float64)]
    for effect in effects or [None]:
        if effect is None:
            blocks.append(np.ones((len(frame), 1)))
            continue
        labels = frame[effect.split("^")].astype(str).agg("|".join, axis=1)
        blocks.append(pd.get_dummies(labels).to_numpy(dtype=np.float64))
    return np.hstack(blocks)


def power_of(block, power):
    values, vectors = np.linalg.eigh(block)
    gain = np.where(values > 1e-9, np.maximum(values, 1e-9) ** -power, 0.0)
    return (vectors * gain) @ vectors.T


def brute_force(frame, effects, cluster, power, weights=None):
    """Everything n x n."""
    root = np.ones(len(frame)) if weights is None else np.sqrt(frame[weights].to_numpy())
    A = full_design(frame, effects) * root[:, None]
    y = frame["y"].to_numpy() * root
    inverse = np.linalg.pinv(A, rcond=1e-11)
    P = A @ inverse
    e = y - P @ y
    labels = frame[cluster.split("^")].astype(str).agg("|".join, axis=1)
    codes = pd.factorize(labels)[0]
    M = np.eye(len(y)) - P
    rows = np.zeros((2, len(y)))
    V = np.zeros((2, 2))
    for g in np.unique(codes):
        mine = np.flatnonzero(codes == g)
        rows[:, mine] = inverse[:2, mine] @ power_of(M[np.ix_(mine, mine)], power)
        score = rows[:, mine] @ e[mine]
        V += np.outer(score, score)
    dfs = []
    for row in rows:
        cut = np.where(codes[:, None] == np.unique(codes), row[:, None], 0.0)
        omega = cut.T @ M @ cut
        dfs.append(np.trace(omega) ** 2 / (omega**2).sum())
    return V, dfs


BRUTE = [
    (["firm", "year"], "industry", None),
    (["firm", "industry^year"], "industry^year", None),
    (["firm", "industry^year", "region"], "region^year", None),
    (["year"], "firm", "w"),
    (["firm", "region^year"], "industry", "w"),
    (["industry", "year", "region"], "region", "w"),
]


@pytest.mark.parametrize("way", ["few columns", "few rows", "lanczos"])
@pytest.mark.parametrize("kind", ["cr2", "cr3"])
@pytest.mark.parametrize(("effects", "cluster", "weights"), BRUTE)
def test_brute_force(panel, effects, cluster, weights, kind, way, monkeypatch):
    """Effects not nested in the clusters; three ways to the same leverage matrix."""
    if way == "few rows":
        whole = _leverage.by_eigenvalues

        def other_side(U, columns, power):
            padded = np.hstack([U, np.zeros((len(U), max(0, len(U) - U.shape[1])))])
            return whole(padded, columns, power)

        monkeypatch.setattr(_leverage, "by_eigenvalues", other_side)
    if way == "lanczos":
        monkeypatch.setattr(_leverage, "DENSE", -1)
    case = {"effects": effects, "weights": weights}
    fit = fit_case(panel, case, cluster)
    V, dfs = brute_force(panel, effects, cluster, {"cr2": 0.5, "cr3": 1.0}[kind], weights)
    found = with_small_sample(fit, kind, df="satterthwaite")
    G = found.inference.n_clusters[0]
    np.testing.assert_allclose(
        found.vcov.loc[SLOPES, SLOPES] / ((G - 1) / G if kind == "cr3" else 1.0), V, rtol=1e-7
    )
    np.testing.assert_allclose(found.dfs[SLOPES], dfs, rtol=1e-6)


@pytest.mark.parametrize("weights", [None, "w"])
def test_cr3_is_the_jackknife(panel, weights):
    """Leave out one region after the other, and refit."""
    fit = sp.fit("y ~ x + z | firm + year", panel, cluster="region", weights=weights)
    found = with_small_sample(fit, "cr3")
    deviations = []
    for region in panel["region"].unique():
        left = panel[panel["region"] != region]
        again = sp.fit("y ~ x + z | firm + year", left, cluster="region", weights=weights)
        deviations.append(again.params - fit.params)
    D = np.array(deviations)
    G = len(D)
    np.testing.assert_allclose(found.vcov, (G - 1) / G * D.T @ D, rtol=1e-8)
    assert (found.dfs == G - 1).all()


def test_many_clusters_in_blocks(panel, monkeypatch):
    fit = sp.fit("y ~ x + z | year + industry", panel, cluster="firm")
    whole = with_small_sample(fit, "cr2")
    monkeypatch.setattr(_projection, "BLOCK", 90)
    parts = with_small_sample(fit, "cr2")
    np.testing.assert_allclose(parts.dfs, whole.dfs, rtol=1e-12)


@pytest.mark.parametrize("effects", ["", "| firm", "| firm + year", "| firm + industry^year"])
@pytest.mark.parametrize("weights", [None, "w"])
def test_leverages_are_the_diagonal(panel, effects, weights):
    fit = sp.fit("y ~ x + z " + effects, panel, cluster="firm", weights=weights, singletons="keep")
    names = effects.strip("| ").split(" + ") if effects else []
    root = np.ones(len(panel)) if weights is None else np.sqrt(panel[weights].to_numpy())
    A = full_design(panel, names) * root[:, None]
    expected = np.einsum("ij,ji->i", A, np.linalg.pinv(A, rcond=1e-11))
    found = leverages(projection_of(fit.estimated, "this"))
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)
    assert found.sum() == pytest.approx(fit.df_absorbed + len(fit.params), rel=1e-9)


def test_a_cluster_alone_in_an_effect(panel):
    """A cluster with a regressor of its own (a saturated direction) does not break CR2."""
    frame = panel.assign(own=(panel["region"] == 3).astype(float))
    fit = sp.fit("y ~ x + z + own", frame, cluster="region")
    V, _ = brute_force(frame.assign(flag=frame["own"]), ["flag"], "region", 0.5)
    found = with_small_sample(fit, "cr2")
    np.testing.assert_allclose(found.vcov.loc[SLOPES, SLOPES], V, rtol=1e-8)
    assert found.std_errors["own"] > 0


def test_fit_shows_its_degrees_of_freedom(panel):
    fit = sp.fit("y ~ x + z | firm + year", panel, cluster="industry")
    found = with_small_sample(fit, "cr2")
    assert found.inference.label == "CR2, clustered by industry"
    assert (found.dfs < fit.inference.df).all()
    assert (found.pvalues > fit.pvalues).all()
    low, high = found.confint().loc["x"]
    half = stats.t.ppf(0.975, found.dfs["x"]) * found.std_errors["x"]
    assert (high - low) / 2 == pytest.approx(half, rel=1e-12)
    by_region = with_small_sample(fit, "cr3", cluster=panel["region"])
    assert by_region.inference.n_clusters == (9,)


def test_errors(panel):
    fit = sp.fit("y ~ x + z | firm", panel, cluster=["industry", "region"])
    with pytest.raises(SchemaError, match="one clustering level; the fit has 2"):
        with_small_sample(fit, "cr2")
    with pytest.raises(SchemaError, match="take one clustering level"):
        with_small_sample(fit, "cr2", cluster=["industry", "region"])
    with pytest.raises(SchemaError, match="kind='CR2' is not an option"):
        with_small_sample(fit, "CR2", cluster="region")
    with pytest.raises(SchemaError, match="df='bm' is not an option"):
        with_small_sample(fit, "cr2", cluster="region", df="bm")
    weighted = sp.fit("y ~ x + z | firm", panel, cluster="region", weights="w")
    with pytest.raises(SchemaError, match="without weights"):
        with_small_sample(weighted, "cr2", df="imbens_kolesar")


def test_no_settling_is_said(panel, monkeypatch):
    fit = sp.fit("y ~ x + z | firm + region^year", panel, cluster="industry")
    monkeypatch.setattr(_leverage, "DENSE", -1)
    monkeypatch.setattr(_leverage, "STEPS", 4)
    with pytest.raises(ConvergenceError, match="did not settle"):
        with_small_sample(fit, "cr2")


@pytest.mark.filterwarnings("ignore:Only .* years", "ignore:Only .* locations")
@pytest.mark.filterwarnings("ignore:The .* confidence set")
def test_every_method_by_name(panel):
    fit = sp.fit("y ~ x + z | firm + year", panel, cluster="industry")
    settings = {
        "wild": {"draws": 99},
        "conley": {"latitude": panel["lat"], "longitude": panel["lon"], "cutoff": 300},
    }
    for name, method in METHODS.items():
        if name in {"exposure", "randomisation"}:  # need linkages; they have their own tests
            continue
        found = method(fit, **settings.get(name, {}))
        assert found.inference.kind == name
        assert (found.params == fit.params).all()
        table = found.tidy()
        assert np.isfinite(table[["std_error", "p_value", "conf_low", "conf_high"]]).all(axis=None)
        assert found.inference.label in repr(found)


def test_instruments_and_lean_fits_are_refused(panel):
    by_instrument = sp.fit("y ~ z | firm | x ~ w", panel, cluster="region")
    with pytest.raises(SchemaError, match="for least squares"):
        with_small_sample(by_instrument, "cr2")
    lean = sp.fit("y ~ x + z | firm", panel, cluster="region", lean=True)
    with pytest.raises(SchemaError, match="kept no arrays"):
        with_small_sample(lean, "cr2")


def test_effects_nested_in_clusters_take_up_the_common_part(panel):
    """Imbens and Kolesar's degrees of freedom are then Bell and McCaffrey's."""
    nested = sp.fit("y ~ x + z | firm + year", panel, cluster="region")
    one, two = (with_small_sample(nested, df=rule) for rule in ("imbens_kolesar", "satterthwaite"))
    np.testing.assert_allclose(one.dfs, two.dfs, rtol=1e-8)
    pooled = sp.fit("y ~ x + z", panel, cluster="region")
    one, two = (with_small_sample(pooled, df=rule) for rule in ("imbens_kolesar", "satterthwaite"))
    assert (np.abs(one.dfs / two.dfs - 1) > 0.01).any()

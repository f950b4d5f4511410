"""Numbers of other software: R's plm, sandwich and clubSandwich, and Stata's xtreg.

R's were made by tests/reference/panel_plm.R, which says how to make them again; Stata's are the
logs that linearmodels publishes with its tests.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spillover as sp

pytestmark = pytest.mark.filterwarnings("ignore:Only .* clusters:spillover.errors.SpilloverWarning")

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
MADE_UP = json.loads((REFERENCE / "panel_plm.json").read_text(encoding="utf-8"))
TEACHING = json.loads((REFERENCE / "panel_plm_teaching.json").read_text(encoding="utf-8"))
EXACT = 1e-10
"""R's file has 15 digits."""


@pytest.fixture(scope="module")
def made_up():
    return pd.read_csv(REFERENCE / "panel_input.csv")


def test_the_input_is_what_its_script_makes(made_up):
    code = (REFERENCE / "make_panel_input.py").read_text(encoding="utf-8")
    space = {"__name__": "make_panel_input"}
    exec(compile(code, "make_panel_input.py", "exec"), space)
    pd.testing.assert_frame_equal(space["make"](), made_up, rtol=1e-9, atol=1e-11)


def test_versions_are_recorded():
    for stored in (MADE_UP, TEACHING):
        assert set(stored["versions"]) == {"R", "plm", "sandwich", "lmtest", "clubSandwich"}
        assert all("call" in model for name, model in stored.items() if name != "versions")


def factor(fit, k, groups=None):
    """G/(G-1) (N-1)/(N-K)."""
    g = min(fit.inference.n_clusters) if groups is None else groups
    return g / (g - 1) * (fit.nobs - 1) / (fit.nobs - k)


# --- plm: K never counts the effects; ours counts nested ones as one constant ---------------------


def check_within(frame, formula, effects, stored, rtol=EXACT):
    """Compare with a plm within model by firm (and year)."""
    k, nobs = len(stored["terms"]), stored["nobs"]
    spec = f"{formula} | {' + '.join(effects)}"
    classical = sp.fit(spec, frame, inference="iid", singletons="keep")
    assert classical.nobs == nobs
    assert classical.df_resid == stored["df_residual"]
    np.testing.assert_allclose(classical.params, stored["coefficients"], rtol=rtol)
    np.testing.assert_allclose(classical.vcov, stored["classical"], rtol=rtol)
    np.testing.assert_allclose(classical.r2_within, stored["r2_within"], rtol=rtol)
    np.testing.assert_allclose(classical.residuals @ classical.residuals, stored["ssr"], rtol=rtol)

    by_firm = sp.fit(spec, frame, cluster="firm", singletons="keep")
    outside = k + 1 + classical.df_absorbed - classical.levels["firm"]
    ours = factor(by_firm, outside)
    hc0 = np.array(stored["vcovHC_arellano_HC0"])
    np.testing.assert_allclose(by_firm.vcov, ours * hc0, rtol=rtol)
    # plm's "sss" is G/(G-1) (N-1)/(N-k), k the slopes alone
    np.testing.assert_allclose(
        by_firm.vcov, ours / factor(by_firm, k) * np.array(stored["vcovHC_arellano_sss"]), rtol=rtol
    )

    by_year = sp.fit(spec, frame, cluster="year", singletons="keep")
    nested = by_year.levels["year"] if "year" in effects else 1
    outside = k + classical.df_absorbed - nested + 1
    hc0 = np.array(stored["vcovHC_arellano_HC0_time"])
    np.testing.assert_allclose(by_year.vcov, factor(by_year, outside) * hc0, rtol=rtol)

    both = sp.fit(spec, frame, cluster=["firm", "year"], singletons="keep")
    raw = np.array(stored["vcovDC_HC0"])
    if np.linalg.eigvalsh(raw)[0] > 0:  # else ours sets the negative eigenvalues to zero
        np.testing.assert_allclose(both.vcov, factor(both, k + 1) * raw, rtol=rtol)


WITHIN = {"firm": ["firm"], "firm_year": ["firm", "year"]}


@pytest.mark.parametrize(("name", "effects"), WITHIN.items(), ids=WITHIN.keys())
def test_plm_within(made_up, name, effects):
    check_within(made_up, "y ~ x + z", effects, MADE_UP[f"within_{name}"])


@pytest.mark.parametrize(("name", "effects"), WITHIN.items(), ids=WITHIN.keys())
def test_plm_on_grunfeld(shared, name, effects):
    frame = pd.read_csv(shared / "firms_teaching_panels" / "Grunfeld.csv")
    stored = TEACHING[f"grunfeld_{name}"]
    assert stored["terms"] == ["value", "capital"]
    check_within(frame, "inv ~ value + capital", effects, stored)


@pytest.mark.parametrize(("name", "effects"), WITHIN.items(), ids=WITHIN.keys())
def test_plm_on_empluk(shared, name, effects):
    """Arellano and Bond's firms: 140, unbalanced, 1976 to 1984."""
    frame = pd.read_csv(shared / "firms_teaching_panels" / "EmplUK.csv")
    stored = TEACHING[f"empluk_{name}"]
    assert stored["terms"] == ["log(wage)", "log(capital)", "log(output)"]
    formula = "log(emp) ~ log(wage) + log(capital) + log(output)"
    check_within(frame, formula, effects, stored)


def test_grunfeld_textbook_numbers(shared):
    """Baltagi (2005, tables 2.1 and 3.1): 0.110 and 0.310 within; 0.118 and 0.358 two-way."""
    frame = pd.read_csv(shared / "firms_teaching_panels" / "Grunfeld.csv")
    one = sp.fit("inv ~ value + capital | firm", frame, inference="iid")
    two = sp.fit("inv ~ value + capital | firm + year", frame, inference="iid")
    np.testing.assert_array_equal(one.params.round(3), [0.110, 0.310])
    np.testing.assert_array_equal(two.params.round(3), [0.118, 0.358])


# --- lm with dummies and sandwich: K is the rank of everything -----------------------------------

# stored name -> effects, one-way cluster, two-way clusters, effects nested in either
DUMMIES = {
    "dummies_firm": (["firm"], "firm", ["firm", "year"], {"firm"}, {"firm"}),
    "dummies_firm_year": (
        ["firm", "year"],
        "industry^year",
        ["firm", "year"],
        set(),
        {"firm", "year"},
    ),
    "dummies_firm_industry_regionyear": (
        ["firm", "industry", "region^year"],
        "industry^year",
        ["industry^year", "firm"],
        set(),
        {"firm"},
    ),
    "dummies_firm_year_weighted": (
        ["firm", "year"],
        "industry^year",
        ["firm", "year"],
        set(),
        {"firm", "year"},
    ),
    "pooled": ([], "industry^year", ["firm", "year"], set(), set()),
}


def free(fit, k, nested):
    """K where the nested effects count as one constant (those here are connected)."""
    if not nested:
        return k
    return k + 1 - (sum(fit.levels[name] for name in nested) - (len(nested) - 1))


@pytest.mark.parametrize("name", DUMMIES)
def test_lm_with_dummies_and_sandwich(made_up, name):
    effects, one_way, two_way, nested_one, nested_two = DUMMIES[name]
    stored = MADE_UP[name]
    spec = "y ~ x + z" + (f" | {' + '.join(effects)}" if effects else "")
    options = {"weights": "w" if "weighted" in name else None, "singletons": "keep"}
    k = stored["rank"]

    classical = sp.fit(spec, made_up, inference="iid", **options)
    assert classical.df_resid == stored["df_residual"]
    assert classical.df_absorbed == k - (2 if effects else k)
    np.testing.assert_allclose(classical.params, stored["coefficients"], rtol=EXACT)
    np.testing.assert_allclose(classical.vcov, stored["classical"], rtol=EXACT)
    np.testing.assert_allclose(classical.r2, stored["r2"], rtol=EXACT)
    np.testing.assert_allclose(classical.rmse, stored["sigma"], rtol=EXACT)

    robust = sp.fit(spec, made_up, inference="hetero", **options)
    np.testing.assert_allclose(robust.vcov, stored["vcovHC_HC1"], rtol=EXACT)

    one = sp.fit(spec, made_up, cluster=one_way, **options)
    count = free(one, k, nested_one)
    for label in ("vcovCL_HC0_unadjusted", "vcovCR_CR0"):
        np.testing.assert_allclose(
            one.vcov, factor(one, count) * np.array(stored[label]), rtol=EXACT
        )
    hc1 = np.array(stored["vcovCL_HC1"])  # G/(G-1) (N-1)/(N-K), K all columns
    np.testing.assert_allclose(one.vcov, factor(one, count) / factor(one, k) * hc1, rtol=EXACT)
    if not nested_one:
        np.testing.assert_allclose(one.vcov, hc1, rtol=EXACT)

    two = sp.fit(spec, made_up, cluster=two_way, **options)
    raw = np.array(stored["twoway_HC0_unadjusted"])
    assert np.linalg.eigvalsh(raw)[0] > 0
    expected = factor(two, free(two, k, nested_two)) * raw
    np.testing.assert_allclose(two.vcov, expected, rtol=EXACT)


@pytest.mark.parametrize("name", DUMMIES)
@pytest.mark.parametrize("multi0", [False, True])
def test_sandwich_two_way_choices(made_up, name, multi0):
    """vcovCL gives each of the three terms its own G/(G-1); ours all the smallest.

    With multi0=TRUE the intersection gets none, and (N-1)/(N-K) becomes one for it. From our own
    one-way terms, undone and scaled R's way, R's numbers must come out.
    """
    effects, _, (first, second), *_ = DUMMIES[name]
    stored = MADE_UP[name]
    spec = "y ~ x + z" + (f" | {' + '.join(effects)}" if effects else "")
    weights = "w" if "weighted" in name else None
    joint = "^".join(dict.fromkeys([*first.split("^"), *second.split("^")]))
    k, expected = stored["rank"], 0.0
    for level, sign in ((first, 1), (second, 1), (joint, -1)):
        fit = sp.fit(spec, made_up, cluster=level, weights=weights, singletons="keep")
        nested = {
            effect
            for effect in effects
            if set(effect.split("^")) >= set(level.split("^"))
            or (effect == "firm" and level == "firm")
        }
        bare = fit.vcov.to_numpy() / factor(fit, free(fit, k, nested))
        # type="HC1" is (N-1)/(N-K) on all terms; cadjust adds G/(G-1)
        if sign < 0 and multi0:
            expected = expected - bare
        else:
            expected = expected + sign * factor(fit, k) * bare
    label = f"twoway_HC1_multi0_{str(multi0).upper()}"
    np.testing.assert_allclose(expected, stored[label], rtol=1e-9)


# --- Stata: xtreg, fe on the simulated panel of linearmodels' tests -------------------------------

STATA = {
    "cluster": ("cluster", ""),
    "robust": ("cluster", ""),  # xtreg, fe vce(robust) clusters by panel
    "conventional": ("iid", ""),
    "cluster-weighted": ("cluster", "w"),
    "robust-weighted": ("cluster", "w"),
    "conventional-weighted": ("iid", "w"),
}


def stata_block(folder, name, missing):
    """Read one regression of the log: slopes, t statistics, scalars, covariance."""
    log = (folder / "stata-panel-simulated-results.txt").read_text(encoding="utf-8")
    head = f"#!fixed_effect-{name}-{missing}!#"
    text = log.split(head, 1)[1].split("\n#####", 1)[0]
    number = r"(-?[\d.]+(?:e[+-]?\d+)?)"
    slopes = re.findall(rf"^x\d\w*\t{number}\n\t{number}\n\t", text, re.MULTILINE)
    scalars = dict(re.findall(rf"^([a-zA-Z_0-9]+)\t{number}$", text, re.MULTILINE))
    rows = re.findall(r"^x\d\w*((?:\t\S+){6})$", text.split("Variance", 1)[1], re.MULTILINE)
    vcov = np.array([row.split() for row in rows], dtype=np.float64)[:, :5]
    return np.array(slopes, dtype=np.float64).T, scalars, vcov


@pytest.mark.parametrize("missing", ["", "_light", "_heavy"], ids=["full", "light", "heavy"])
@pytest.mark.parametrize("name", STATA)
def test_stata_xtreg(shared, name, missing):
    """Stata, too, counts the nested firm effects as one constant, and prints 8 to 11 digits."""
    folder = shared / "test_vectors" / "linearmodels_stata"
    inference, weights = STATA[name]
    key = name if weights else f"{name}-"
    (params, tstats), scalars, vcov = stata_block(folder, key, missing)
    frame = pd.read_stata(folder / "simulated-panel.dta")
    regressors = " + ".join(f"x{j}{missing}" for j in range(1, 6))
    fit = sp.fit(
        f"y{missing} ~ {regressors} | firm",
        frame,
        inference=inference,
        cluster="firm",
        weights=weights or None,
        singletons="keep",
    )
    assert fit.nobs == int(scalars["N"])
    assert fit.inference.df == int(scalars["df_r"])
    np.testing.assert_allclose(fit.params, params, rtol=2e-9)
    np.testing.assert_allclose(fit.tstats, tstats, rtol=2e-9)
    np.testing.assert_allclose(fit.vcov, vcov, rtol=1e-9, atol=6e-12)
    np.testing.assert_allclose(fit.r2_within, float(scalars["r2_w"]), rtol=1e-9)
    if not weights and inference == "cluster":
        assert fit.inference.n_clusters == (int(scalars["N_g"]),)

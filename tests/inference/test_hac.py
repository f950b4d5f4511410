"""Driscoll-Kraay and Newey-West against plm, fixest and loops."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import IdentificationError, SchemaError, SpilloverWarning
from spillover.inference.hac import (
    default_lags,
    driscoll_kraay,
    newey_west,
    with_driscoll_kraay,
    with_newey_west,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:Only .* clusters:spillover.errors.SpilloverWarning",
    "ignore:Only .* years:spillover.errors.SpilloverWarning",
)
REFERENCE = Path(__file__).parents[1] / "reference"
SLOPES = ["x", "z"]
STORED = json.loads((REFERENCE / "inference_hac.json").read_text())


@pytest.fixture(scope="module")
def panel():
    return pd.read_csv(REFERENCE / "inference_input.csv")


def fit_of(panel, effects, weights=None):
    formula = "y ~ x + z" + (" | " + " + ".join(effects) if effects else "")
    return sp.fit(formula, panel, cluster="firm", weights=weights, singletons="keep")


def slopes(fit):
    return fit.vcov.loc[SLOPES, SLOPES].to_numpy()


@pytest.mark.parametrize("case", STORED["plm"], ids=lambda c: "+".join(c["effects"]) or "pooled")
def test_plm(panel, case):
    fit = fit_of(panel, case["effects"])
    for lags, scc, nw in zip(case["lags"], case["scc"], case["nw"], strict=True):
        found = with_driscoll_kraay(fit, lags=lags, small_sample=False)
        np.testing.assert_allclose(slopes(found), scc, rtol=1e-8)
        found = with_newey_west(fit, lags=lags, small_sample=False)
        np.testing.assert_allclose(slopes(found), nw, rtol=1e-8)
    found = with_driscoll_kraay(fit, small_sample=False)
    place = case["lags"].index(case["default_lags"])
    np.testing.assert_allclose(slopes(found), case["scc"][place], rtol=1e-8)
    assert found.inference.df == panel["year"].nunique() - 1


def test_plm_small_sample_factor(panel):
    """plm's sss is T/(T-1) (N-1)/(N-k) without the effects in k; so is ours without effects."""
    case = STORED["plm"][0]
    fit = fit_of(panel, [])
    np.testing.assert_allclose(slopes(with_driscoll_kraay(fit, lags=2)), case["scc_sss"], rtol=1e-8)


@pytest.mark.parametrize(
    "case",
    STORED["fixest"],
    ids=lambda c: f"{'+'.join(c['effects']) or 'pooled'}, w={c['weights']}",
)
def test_fixest(panel, case):
    fit = fit_of(panel, case["effects"], case["weights"])
    for lags, dk, nw in zip((1, 2), case["dk"], case["nw"], strict=True):
        found = with_driscoll_kraay(fit, lags=lags, small_sample=False)
        np.testing.assert_allclose(slopes(found), dk, rtol=1e-8)
        found = with_newey_west(fit, lags=lags, small_sample=False)
        np.testing.assert_allclose(slopes(found), nw, rtol=1e-8)
    if case["effects"] in ([], ["firm"]):  # elsewhere our exact rank and its count differ
        found = with_driscoll_kraay(fit, lags=2)
        np.testing.assert_allclose(slopes(found), case["dk_default"], rtol=1e-8)


def test_gaps_in_the_years(panel):
    """Lags count calendar years: a year nobody reports pairs with nothing."""
    frame = panel[~panel["year"].isin([2004, 2005])]
    fit = fit_of(frame, ["firm"])
    estimated = fit.estimated
    scores, bread = estimated.squares.scores, estimated.squares.bread
    years = frame["year"].to_numpy()
    h = {t: scores[years == t].sum(axis=0) for t in np.unique(years)}
    firm = frame["firm"].to_numpy()
    within = {(i, t): s for i, t, s in zip(firm, years, scores, strict=True)}
    meat, nw = np.zeros((2, 2)), np.zeros((2, 2))
    for lag in range(-3, 4):
        weight = 1 - abs(lag) / 4
        for t, s in h.items():
            meat += weight * np.outer(s, h.get(t - lag, np.zeros(2)))
        for (i, t), s in within.items():
            nw += weight * np.outer(s, within.get((i, t - lag), np.zeros(2)))
    found = driscoll_kraay(bread, scores, years, 3)
    np.testing.assert_allclose(found, bread @ meat @ bread, rtol=1e-10)
    found = newey_west(bread, scores, pd.factorize(firm)[0], years, 3)
    np.testing.assert_allclose(found, bread @ nw @ bread, rtol=1e-10)


def test_no_lags_is_clustering(panel):
    fit = fit_of(panel, ["firm"])
    by_year = sp.fit("y ~ x + z | firm", panel, cluster="year")
    found = with_driscoll_kraay(fit, lags=0)
    np.testing.assert_allclose(found.vcov, by_year.vcov, rtol=1e-10)
    cells = sp.fit("y ~ x + z | firm", panel, cluster="industry^year")
    by_cell = with_newey_west(fit, lags=0, unit="industry")
    G = cells.inference.n_clusters[0]
    np.testing.assert_allclose(by_cell.vcov * G / (G - 1), cells.vcov, rtol=1e-10)


def test_years_may_be_given(panel):
    fit = fit_of(panel, ["firm"])
    renamed = fit_of(panel.rename(columns={"year": "when"}), ["firm"])
    with pytest.raises(SchemaError, match="no column 'year'"):
        with_driscoll_kraay(renamed)
    found = with_driscoll_kraay(renamed, years=panel["year"])
    np.testing.assert_allclose(found.vcov, with_driscoll_kraay(fit).vcov, rtol=1e-12)
    assert found.inference.label == "Driscoll-Kraay, 1 lag"


def test_default_bandwidth():
    assert [default_lags(t) for t in (2, 15, 16, 80, 81, 256)] == [1, 1, 2, 2, 3, 4]


@pytest.mark.filterwarnings("default:Only .* years")
def test_few_years_are_said(panel):
    with pytest.warns(SpilloverWarning, match="Only 9 years"):
        with_driscoll_kraay(fit_of(panel, ["firm"]))


def test_errors(panel):
    fit = fit_of(panel, ["firm"])
    with pytest.raises(SchemaError, match="lags=-1"):
        with_driscoll_kraay(fit, lags=-1)
    with pytest.raises(SchemaError, match=r"lags=1\.5"):
        with_newey_west(fit, lags=1.5)
    with pytest.raises(SchemaError, match="no numbers"):
        with_driscoll_kraay(fit, years=np.array(["a"] * len(panel)))
    with pytest.raises(SchemaError, match="1 years are missing or no whole numbers"):
        with_driscoll_kraay(fit, years=panel["year"].astype(float).replace(2001.0, 2001.0) * 1.0
                            + (np.arange(len(panel)) == 0) * 0.5)  # fmt: skip
    with pytest.raises(IdentificationError, match="several years"):
        with_driscoll_kraay(fit, years=np.full(len(panel), 2001))
    with pytest.raises(SchemaError, match="'firms' is no cluster"):
        with_newey_west(fit, unit="firms")

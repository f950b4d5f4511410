"""lp and acf against R's prodest 1.0.1 (tests/reference/production_lp_acf.R).

prodest searches by R's BFGS with at most 100 steps and without a tight tolerance, from starting
values with random noise. So its free inputs' coefficients (least squares) must agree to rounding,
its criterion at the point where it stopped to the accuracy of its algebra, and its coefficients
only as far as its search went. Ours must never have a larger criterion.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from spillover.production.acf import Acf, estimate_acf
from spillover.production.data import build_inputs
from spillover.production.lp import Lp, estimate_lp
from spillover.production.polynomial import basis

FOLDER = Path(__file__).parents[1] / "reference"
REFERENCE = json.loads((FOLDER / "production_lp_acf.json").read_text())
PEER_LP = Lp(degree=2, law_outcome="fitted")
PEER_ACF = Acf(degree=2)
INDUSTRIES = sorted(REFERENCE["plants"])
ROUNDING = 1e-9
"""prodest inverts the cross-products of raw powers of productivity: its criterion's own error."""


@pytest.fixture(scope="module")
def plants(shared):
    place = FOLDER / "make_production_plants.py"
    spec = importlib.util.spec_from_file_location("make_production_plants", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    frame = module.plants(shared / "firms_chile_enia" / "enia_1986_1994.parquet")
    groups, _ = build_inputs(
        frame,
        output="value_added",
        free=["employment"],
        state=["capital"],
        proxy="materials",
        logged=True,
    )
    return groups


def check_lp(inputs, peer):
    estimate = estimate_lp(inputs, PEER_LP)
    a = inputs.free.shape[1]
    theirs = np.array(peer["beta"])
    np.testing.assert_allclose(estimate.beta[:a], theirs[:a], rtol=1e-9)
    n = estimate.nobs_second
    assert estimate.criterion(theirs[a:]) * n == pytest.approx(peer["value"], rel=3e-7)
    assert estimate.objective <= estimate.criterion(theirs[a:]) * (1 + 1e-12)
    np.testing.assert_allclose(estimate.beta[a:], theirs[a:], atol=2e-4)


def by_rows(inputs, b):
    """prodest's ACF criterion, by QR on the rows."""
    B = basis(np.column_stack([inputs.X, inputs.proxy]), 2)
    phi = B @ np.linalg.lstsq(B, inputs.y, rcond=None)[0]
    rows = np.flatnonzero(inputs.previous >= 0)
    before = inputs.previous[rows]
    w = phi - inputs.X @ b
    P = basis(w[before][:, None], 3)
    xi = w[rows] - P @ np.linalg.lstsq(P, w[rows], rcond=None)[0]
    Z = np.column_stack([inputs.free[before], inputs.state[rows]])
    return xi @ Z @ np.linalg.solve(Z.T @ Z, Z.T @ xi) / len(rows)


def check_acf(inputs, peers):
    estimate = estimate_acf(inputs, PEER_ACF)
    found = [peer for peer in peers if "NA" not in peer["beta"]]
    for peer in found:
        theirs = np.array(peer["beta"])
        ours = estimate.criterion(theirs)
        assert ours == pytest.approx(peer["value"], rel=1e-7, abs=ROUNDING)
        assert ours == pytest.approx(by_rows(inputs, theirs), rel=1e-6, abs=1e-17)
        assert estimate.objective <= ours
    return estimate, found


def test_chilean_lp(chilean_inputs):
    check_lp(chilean_inputs, REFERENCE["chilean"]["lp"])
    published = [0.1985242, 0.1693710, 0.116542]
    np.testing.assert_allclose(estimate_lp(chilean_inputs, PEER_LP).beta, published, atol=1e-6)


def test_chilean_acf(chilean_inputs):
    """prodest ends near a local optimum whose moments are not zero; ours are."""
    estimate, found = check_acf(chilean_inputs, REFERENCE["chilean"]["acf"])
    assert estimate.objective < 1e-20
    assert min(peer["value"] for peer in found) > 6e-5
    np.testing.assert_allclose(estimate.beta, [0.645674, 0.644030, 0.250808], atol=1e-5)
    fixed, near = REFERENCE["chilean"]["acf_from"]
    # From a start near ours, prodest goes to where ours is, as far as its BFGS gets.
    assert near["value"] < 1e-6
    # From within-firm least squares both end in the same local optimum.
    starts = estimate.starts
    local = starts.loc[(starts["objective"] - fixed["value"]).abs().idxmin()]
    assert local["objective"] == pytest.approx(fixed["value"], rel=1e-5)
    np.testing.assert_allclose(local[["fX1", "fX2", "sX"]].astype(float), fixed["beta"], atol=2e-3)


@pytest.mark.parametrize("industry", INDUSTRIES)
def test_plants_lp(plants, industry):
    assert len(plants[industry]) == REFERENCE["plants"][industry]["rows"]
    check_lp(plants[industry], REFERENCE["plants"][industry]["lp"])


@pytest.mark.parametrize("industry", INDUSTRIES)
def test_plants_acf(plants, industry):
    estimate, found = check_acf(plants[industry], REFERENCE["plants"][industry]["acf"])
    assert estimate.objective < 1e-20
    for peer in found:
        if peer["value"] < 1e-12:  # prodest came all the way down: to a zero of ours too
            theirs = np.array(peer["beta"])
            there = estimate_acf(plants[industry], PEER_ACF, near=theirs)
            assert there.objective < 1e-20
            np.testing.assert_allclose(there.beta, theirs, atol=1e-3)


def test_two_solutions_in_one_industry(plants):
    """In 312 the moments have two zeros; prodest found the other one, and ours lists it."""
    estimate = estimate_acf(plants["312"], PEER_ACF)
    peer = min(REFERENCE["plants"]["312"]["acf"], key=lambda peer: peer["value"])
    starts = estimate.starts[estimate.starts["objective"] < 1e-20]
    gaps = np.abs(starts[["employment", "capital"]].to_numpy() - peer["beta"]).max(axis=1)
    assert gaps.min() < 1e-3
    assert any("equally well" in note for note in estimate.notes)

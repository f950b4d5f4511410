"""Cell algebra against rows, and randomisation inference against refits."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import spillover as sp
from spillover.errors import IdentificationError, SchemaError
from spillover.inference import randomise
from spillover.inference.cell_algebra import regress
from spillover.inference.exposure import infer
from spillover.inference.exposure_terms import find_exposures
from spillover.inference.randomisation import cells_of, complete_sectors, redraw
from spillover.inference.share_controls import with_share_controls

_SPEC = importlib.util.spec_from_file_location(
    "exposure_panels", Path(__file__).with_name("exposure_panels.py")
)
panels = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(panels)

FORMULA = "y ~ horizontal + backward + forward + x | firm + year"


@pytest.fixture(scope="module")
def fit():
    panel, _ = panels.attached()
    fit = sp.fit(FORMULA, panel, inference="hetero")
    found = find_exposures(fit.estimated, fit.links)
    return replace(fit, estimated=with_share_controls(fit.estimated, found.values()))


@pytest.mark.parametrize("effects", ["firm", "firm + year", "firm + region^year + industry", "1"])
@pytest.mark.parametrize("weights", [None, "w"])
def test_cells_agree_with_rows(effects, weights):
    panel, _ = panels.attached()
    formula = "y ~ horizontal + backward + forward + x" + ("" if effects == "1" else f"| {effects}")
    fit = sp.fit(formula, panel, inference="hetero", weights=weights)
    robust = infer(fit)
    cells, outcome, place = cells_of(fit, robust)
    draw = regress(cells, robust.exposures, [one.shocks for one in robust.exposures], outcome)
    assert draw.beta[:, 0] == pytest.approx(fit.params[list(robust.terms)].to_numpy(), rel=1e-9)
    assert draw.bread == pytest.approx(robust.score.bread, rel=1e-9)
    # G by brute force: the dummies of the cells, residualised
    D = (place[:, None] == cells.where).astype(float)
    absorber, w = fit.estimated.absorber, fit.estimated.design.weights
    left = D if absorber is None else absorber.residualise(D)
    Z = fit.estimated.X[:, robust.score.other]
    w = np.ones(len(D)) if w is None else w
    left = panels.residuals(left, Z, w)
    assert cells.gram == pytest.approx(left.T @ (w[:, None] * left), abs=1e-9)


def test_cell_scores_are_those_of_the_rows(fit):
    robust = infer(fit)
    cells, outcome, _ = cells_of(fit, robust)
    draw = regress(cells, robust.exposures, [one.shocks for one in robust.exposures], outcome)
    assert draw.rho[..., 0] == pytest.approx(robust.score.rho, abs=1e-10)
    assert pytest.approx(robust.score.P, abs=1e-10) == draw.P


def refit(fit, robust, shocks, y):
    """Null-imposed statistics of each term by rows, on drawn shocks and a given outcome."""
    estimated = fit.estimated
    raw = np.column_stack(
        [one.rows(one.spread(g)) for one, g in zip(robust.exposures, shocks, strict=True)]
    )
    left = estimated.absorber.residualise(raw)
    X = np.hstack([left, estimated.X[:, robust.score.other]])
    beta = np.linalg.lstsq(X, y, rcond=None)[0]
    bread = np.linalg.inv(X.T @ X)
    result = []
    for m in range(len(shocks)):
        others = np.delete(X, m, axis=1)
        e0 = y - others @ np.linalg.lstsq(others, y, rcond=None)[0]
        r = np.column_stack([
            (one.residualise(g) * one.collect(one.cell_sums(e0))).sum(axis=(1, 2))
            for one, g in zip(robust.exposures, shocks, strict=True)
        ])  # fmt: skip
        u = r @ bread[m, : len(shocks)]
        result.append((beta[m], beta[m] ** 2 / (u**2).sum()))
    return np.array(result)


@pytest.mark.parametrize("scheme", ["permute", "flip"])
@pytest.mark.parametrize("null", [0.0, 1.5])
def test_p_values_by_refits(fit, scheme, null):
    random = randomise(fit, draws=25, scheme=scheme, rng=4)
    coefficients = replace(random, statistic="coefficient")
    robust = infer(fit)
    estimated = fit.estimated
    movable = complete_sectors(robust.exposures)
    for m, term in enumerate(robust.terms):
        # the null on this term, the others re-estimated: what is left is the outcome of the draws
        others = np.delete(estimated.X, m, axis=1)
        y = estimated.y - null * estimated.X[:, m]
        e0 = y - others @ np.linalg.lstsq(others, y, rcond=None)[0]
        ours = refit(fit, robust, [one.shocks for one in robust.exposures], e0)[m]
        rng = np.random.default_rng(4)
        drawn = np.array([
            refit(fit, robust, redraw(robust.exposures, movable, scheme, rng), e0)[m]
            for _ in range(25)
        ])  # fmt: skip
        studentised = (1 + (drawn[:, 1] >= ours[1] * (1 - 1e-9)).sum()) / 26
        assert random.p_value(term, null) == pytest.approx(studentised)
        plain = (1 + (np.abs(drawn[:, 0]) >= abs(ours[0]) * (1 - 1e-9)).sum()) / 26
        assert coefficients.p_value(term, null) == pytest.approx(plain)


def test_interval_holds_what_is_not_rejected(fit):
    random = randomise(fit, draws=199, rng=2)
    interval = random.confint(0.9)
    for term in random.terms:
        low, high = interval.loc[term]
        assert low <= random.params[term] <= high
        for end, outward in ((low, -1), (high, 1)):
            if np.isfinite(end):
                step = 1e-4 * (high - low) if np.isfinite(high - low) else 1e-4
                assert random.p_value(term, end - outward * step) >= 0.1
                assert random.p_value(term, end + outward * step) < 0.1
    assert random.p_value("backward", float(random.params["backward"])) == 1.0


def test_redraws(fit):
    robust = infer(fit)
    movable = complete_sectors(robust.exposures)
    rng = np.random.default_rng(1)
    drawn = redraw(robust.exposures, movable, "permute", rng)
    for one, shocks in zip(robust.exposures, drawn, strict=True):
        ours = {tuple(path.ravel()) for path in one.shocks[movable]}
        assert {tuple(path.ravel()) for path in shocks[movable]} == ours
    # Horizontal and Backward weigh the same presence
    assert (drawn[0] == drawn[1]).all()
    flipped = redraw(robust.exposures, movable, "flip", rng)
    one = robust.exposures[1]
    before, after = (
        one.residualise(one.shocks),
        flipped[1] - (one.shocks - one.residualise(one.shocks)),
    )
    assert np.abs(after) == pytest.approx(np.abs(before), abs=1e-12)


def test_sectors_with_gaps_keep_their_path():
    firms = panels.make_firms()
    gone = (firms["industry"] == "C") & (firms["year"] == 2003)
    with pytest.warns(sp.SpilloverWarning, match="no usable firm data"):
        links = sp.linkages(firms[~gone], panels.make_table())
    panel = sp.attach(firms[~gone], links)
    fit = sp.fit("y ~ backward + forward | firm + year", panel, inference="hetero")
    random = randomise(fit, draws=19, rng=1)
    assert "C" not in random.sectors
    assert len(random.sectors) == 6


def test_reproducible_and_printed(fit):
    first, second = (randomise(fit, draws=39, rng=3) for _ in range(2))
    assert first.table().equals(second.table())
    assert "paths of presence permuted" in repr(first)
    assert "<table" in first._repr_html_()
    assert 1 / 40 <= first.joint_p_value <= 1


def test_what_cannot_be_randomised(fit):
    with pytest.raises(SchemaError, match="draws=5"):
        randomise(fit, draws=5)
    with pytest.raises(SchemaError, match="scheme='shuffle'"):
        randomise(fit, scheme="shuffle")
    with pytest.raises(SchemaError, match="no linkage term"):
        randomise(fit, draws=19).p_value("x")
    panel, links = panels.attached()
    mixed = sp.fit("y ~ backward:x | firm + year", panel, inference="hetero")
    with pytest.raises(SchemaError, match="varies within industry-years"):
        randomise(mixed, links, draws=19)
    robust = infer(fit)
    cells, outcome, _ = cells_of(fit, robust)
    still = [np.zeros_like(one.shocks) for one in robust.exposures]
    with pytest.raises(IdentificationError, match="collinear"):
        regress(cells, robust.exposures, still, outcome)


def test_too_many_cells(fit, monkeypatch):
    monkeypatch.setattr("spillover.inference.cell_algebra.MOST_CELLS", 10)
    with pytest.raises(SchemaError, match="35 cells"):
        randomise(fit, draws=19)

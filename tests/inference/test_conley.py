"""Conley errors against fixest and sums over all pairs of observations."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import IdentificationError, SchemaError, SpilloverWarning
from spillover.inference.conley import EARTH, conley, spatial_kernel, with_conley

pytestmark = pytest.mark.filterwarnings(
    "ignore:Only .* clusters:spillover.errors.SpilloverWarning",
    "ignore:Only .* locations:spillover.errors.SpilloverWarning",
    "ignore:The spatial variance:spillover.errors.SpilloverWarning",
)
REFERENCE = Path(__file__).parents[1] / "reference"
SLOPES = ["x", "z"]
STORED = json.loads((REFERENCE / "inference_hac.json").read_text())["fixest"]


@pytest.fixture(scope="module")
def panel():
    return pd.read_csv(REFERENCE / "inference_input.csv")


def fit_of(panel, effects, weights=None):
    formula = "y ~ x + z" + (" | " + " + ".join(effects) if effects else "")
    return sp.fit(formula, panel, cluster="firm", weights=weights, singletons="keep")


@pytest.mark.parametrize(
    "case", STORED, ids=lambda c: f"{'+'.join(c['effects']) or 'pooled'}, w={c['weights']}"
)
def test_fixest(panel, case):
    fit = fit_of(panel, case["effects"], case["weights"])
    compared = 0
    for cutoff, stored in zip(case["cutoffs"], case["conley"], strict=True):
        found = with_conley(fit, panel["lat"], panel["lon"], cutoff=cutoff, small_sample=False)
        if (np.diagonal(found.vcov) <= 0).any():
            continue  # fixest clips the eigenvalues then; we say that there is none
        compared += 1
        np.testing.assert_allclose(found.vcov.loc[SLOPES, SLOPES], stored, rtol=1e-8)
    assert compared >= 2


def haversine(lat, lon):
    phi, theta = np.radians(lat), np.radians(lon)
    half = (
        np.sin((phi[:, None] - phi) / 2) ** 2
        + np.cos(phi[:, None]) * np.cos(phi) * np.sin((theta[:, None] - theta) / 2) ** 2
    )
    return 2 * EARTH * np.arcsin(np.sqrt(np.minimum(half, 1)))


@pytest.mark.parametrize("kernel", ["uniform", "bartlett"])
@pytest.mark.parametrize("cutoff", [50.0, 700.0, 3000.0])
@pytest.mark.parametrize("timed", [None, 0, 2])
def test_all_pairs(kernel, cutoff, timed):
    rng = np.random.default_rng(3)
    n = 400
    place = rng.integers(0, 60, n)
    lat, lon = rng.uniform(-70, 70, 60)[place], rng.uniform(-180, 180, 60)[place]
    years = rng.integers(2000, 2006, n)
    scores, bread = rng.normal(size=(n, 3)), np.diag([1.0, 2.0, 0.5])
    distance = haversine(lat, lon)
    K = (distance <= cutoff) * (1.0 if kernel == "uniform" else 1 - distance / cutoff)
    if timed is not None:
        gap = np.abs(years[:, None] - years)
        same = place[:, None] == place
        K = K * (gap == 0) + same * ((gap > 0) & (gap <= timed)) * (1 - gap / (timed + 1))
    found = conley(
        bread, scores, lat, lon, cutoff, kernel=kernel,
        years=None if timed is None else years, lags=timed or 0,
    )  # fmt: skip
    np.testing.assert_allclose(found, bread @ scores.T @ K @ scores @ bread, rtol=1e-9, atol=1e-9)


def test_serial_part_by_firm(panel):
    fit = fit_of(panel, ["firm"])
    scores, bread = fit.estimated.squares.scores, fit.estimated.squares.bread
    distance = haversine(panel["lat"].to_numpy(), panel["lon"].to_numpy())
    gap = np.abs(panel["year"].to_numpy()[:, None] - panel["year"].to_numpy())
    same = panel["firm"].to_numpy()[:, None] == panel["firm"].to_numpy()
    K = (distance <= 400) * (gap == 0) + same * ((gap > 0) & (gap <= 3)) * (1 - gap / 4)
    found = with_conley(
        fit, panel["lat"], panel["lon"], cutoff=400, within_year=True, lags=3, unit="firm",
        small_sample=False,
    )  # fmt: skip
    np.testing.assert_allclose(found.vcov, bread @ scores.T @ K @ scores @ bread, rtol=1e-9)
    assert found.inference.label == "Conley, 400 km (uniform) within years, 3 lags"


def test_a_short_cutoff_is_clustering_by_location(panel):
    fit = sp.fit("y ~ x + z | firm", panel, cluster="region")
    found = with_conley(fit, panel["lat"], panel["lon"], cutoff=1e-3)
    G = found.inference.n_clusters[0]
    np.testing.assert_allclose(found.vcov * G / (G - 1), fit.vcov, rtol=1e-10)
    assert found.inference.df == G - 1


def test_distances_cross_the_date_line():
    K = spatial_kernel(np.array([60.0, 60.0]), np.array([179.9, -179.9]), 12.0)
    assert K.toarray().all()
    K = spatial_kernel(np.array([60.0, 60.0]), np.array([179.9, -179.9]), 11.0)
    assert K.nnz == 2


@pytest.mark.filterwarnings("default:Only .* locations")
def test_few_locations_are_said(panel):
    with pytest.warns(SpilloverWarning, match="Only 9 locations"):
        with_conley(fit_of(panel, ["firm"]), panel["lat"], panel["lon"], cutoff=300)


def test_errors(panel):
    fit = fit_of(panel, ["firm"])
    lat, lon = panel["lat"], panel["lon"]
    with pytest.raises(SchemaError, match=r"beyond 90 degrees in .* swapped"):
        with_conley(fit, lon * 2, lat, cutoff=100)
    with pytest.raises(SchemaError, match="cutoff=0"):
        with_conley(fit, lat, lon, cutoff=0)
    with pytest.raises(SchemaError, match="kernel='gauss' is not an option"):
        with_conley(fit, lat, lon, cutoff=100, kernel="gauss")
    with pytest.raises(SchemaError, match="within_year=True"):
        with_conley(fit, lat, lon, cutoff=100, lags=2)
    with pytest.raises(SchemaError, match="missing in 1 rows"):
        with_conley(fit, lat.where(lat.index > 0), lon, cutoff=100)
    with pytest.raises(SchemaError, match="one value per observation"):
        with_conley(fit, lat[:5], lon, cutoff=100)
    with pytest.raises(IdentificationError, match="one location"):
        with_conley(fit, lat * 0, lon * 0, cutoff=100)
    with pytest.raises(IdentificationError, match="every location to every other"):
        with_conley(fit, lat, lon, cutoff=20_000)

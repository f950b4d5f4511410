"""Influence of clusters against summclust, refits with dummies, and the definitions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import IdentificationError, SchemaError

pytestmark = pytest.mark.filterwarnings(
    "ignore:Only .* clusters:spillover.errors.SpilloverWarning",
)
REFERENCE = Path(__file__).parents[1] / "reference"
STORED = json.loads((REFERENCE / "inference_influence.json").read_text())["cases"]
DATA = pd.read_csv(REFERENCE / "inference_input.csv")


def formula(effects, terms="x + z"):
    return f"y ~ {terms}" + (" | " + " + ".join(effects) if effects else "")


@pytest.mark.parametrize("stored", STORED, ids=lambda c: f"{c['effects']} {c['cluster']}")
def test_summclust(stored):
    fit = sp.fit(formula(stored["effects"]), DATA, cluster=stored["cluster"])
    found = sp.inference.effective_clusters(fit)
    assert [str(name) for name in found.sizes.index] == stored["clusters"]
    assert found.sizes.tolist() == stored["sizes"]
    np.testing.assert_allclose(found.leverage, stored["leverage"], rtol=1e-9)
    tidy = found.tidy().set_index("term")
    for term in ("x", "z"):
        np.testing.assert_allclose(
            found.partial_leverage[term], stored["partial_leverage"][term], rtol=1e-9
        )
        np.testing.assert_allclose(found.without[term], stored["without"][term], rtol=1e-8)
        assert found.jackknife[term] == pytest.approx(stored["jackknife"][term], rel=1e-8)
        assert found.sizes.std() / found.sizes.mean() == pytest.approx(stored["cv_sizes"], rel=1e-9)
        assert tidy.loc[term, "cv_partial_leverage"] == pytest.approx(
            stored["cv_partial_leverage"][term], rel=1e-9
        )


def dummies(frame, effects):
    blocks = [
        pd.get_dummies(frame[e.split("^")].astype(str).agg("|".join, axis=1)).to_numpy(float)
        for e in effects
    ]
    return np.hstack(blocks)


def slopes(frame, effects, weights=None):
    """Weighted least squares on x, z and all dummies, by the pseudo-inverse."""
    X = np.hstack([frame[["x", "z"]].to_numpy(float), dummies(frame, effects)])
    root = np.ones((len(frame), 1)) if weights is None else np.sqrt(frame[[weights]].to_numpy())
    return (
        (np.linalg.pinv(X * root, rcond=1e-11) @ (frame[["y"]].to_numpy() * root))[:2, 0],
        X,
        root,
    )


CASES = [
    (("firm", "year"), "industry", None),
    (("firm", "year"), "industry", "w"),
    (("firm", "region^year"), "industry^year", "w"),
    (("firm", "year"), "firm", None),
    (("firm",), "firm", "w"),
]


@pytest.mark.parametrize(("effects", "by", "weights"), CASES)
def test_refits_by_brute_force(effects, by, weights):
    fit = sp.fit(formula(effects), DATA, cluster=by, weights=weights, singletons="keep")
    found = sp.inference.effective_clusters(fit)
    labels = DATA[by.split("^")].astype(str).agg("^".join, axis=1)
    assert set(found.without.index.astype(str)) == set(labels)
    for name in found.without.index:
        rest = DATA[labels != str(name)]
        expected, _, _ = slopes(rest, effects, weights)
        np.testing.assert_allclose(found.without.loc[name], expected, rtol=1e-7, atol=1e-9)
    _, X, root = slopes(DATA, effects, weights)
    A = X * root
    hat = np.einsum("ij,ji->i", A, np.linalg.pinv(A, rcond=1e-11))
    expected = pd.Series(hat).groupby(labels).sum()
    np.testing.assert_allclose(
        found.leverage.rename(index=str).loc[expected.index], expected, rtol=1e-8
    )
    assert found.leverage.sum() == pytest.approx(2 + fit.df_absorbed)


def test_effective_number_by_definition():
    """G* from the full regressor matrix and error covariances, as Carter et al. define it."""
    effects = ("year",)
    fit = sp.fit(formula(effects), DATA, cluster="industry")
    rho = 0.3
    found = sp.inference.effective_clusters(fit, rho=(0, rho, 1))
    X = np.hstack([DATA[["x", "z"]].to_numpy(float), dummies(DATA, effects)])
    inverse = np.linalg.inv(X.T @ X)
    for value in (0.0, rho, 1.0):
        for j, term in enumerate(("x", "z")):
            gamma = []
            for _, rows in DATA.groupby("industry").indices.items():
                omega = np.full((len(rows), len(rows)), value)
                np.fill_diagonal(omega, 1.0)
                part = X[rows] @ inverse[:, j]
                gamma.append(part @ omega @ part)
            gamma = np.array(gamma)
            spread = np.mean((gamma / gamma.mean() - 1) ** 2)
            expected = len(gamma) / (1 + spread)
            assert found.effective.loc[term, value] == pytest.approx(expected, rel=1e-9)


def test_equal_clusters_count_in_full():
    frame = pd.DataFrame({"g": np.repeat(range(6), 4)})
    frame["x"] = np.where(frame["g"] % 2, 1.0, -1.0)
    frame["y"] = np.arange(24) % 7
    found = sp.inference.effective_clusters(sp.fit("y ~ x", frame, cluster="g"))
    assert found.effective.loc["x"].tolist() == pytest.approx([6.0, 6.0])
    assert found.tidy().loc[1, "cv_partial_leverage"] == pytest.approx(0.0, abs=1e-12)


def test_common_part_absorbed():
    """Firm effects leave nothing common within firms: G*(1) is not defined, and said so."""
    fit = sp.fit("y ~ x | firm", DATA, cluster="firm")
    found = sp.inference.effective_clusters(fit)
    assert np.isnan(found.effective.loc["x", 1.0])
    assert found.effective.loc["x", 0.0] > 5
    assert "Not defined for rho = 1" in repr(found)


def test_not_identified_without_a_cluster():
    """A regressor that varies in one industry only, and a pair that differ in one only."""
    data = DATA.assign(
        only=np.where(DATA["industry"] == 2, DATA["x"], 0.0),
        twin=DATA["z"] + np.where(DATA["industry"] == 4, DATA["x"] ** 2, 0.0),
    )
    fit = sp.fit("y ~ x + z + only + twin | year", data, cluster="industry")
    found = sp.inference.effective_clusters(fit)
    missing = found.without.isna()
    assert missing.loc[2].tolist() == [False, False, True, False]
    assert missing.loc[4].tolist() == [False, True, False, True]
    assert not missing.drop(index=[2, 4]).to_numpy().any()
    rest = data[data["industry"] != 4]
    expected = sp.fit("y ~ x + z + only | year", rest, cluster="industry").params
    assert found.without.loc[4, "x"] == pytest.approx(expected["x"], rel=1e-8)
    assert found.without.loc[4, "only"] == pytest.approx(expected["only"], rel=1e-8)
    rest = data[data["industry"] != 2]
    expected = sp.fit("y ~ x + z + twin | year", rest, cluster="industry").params
    np.testing.assert_allclose(found.without.loc[2, ["x", "z", "twin"]], expected, rtol=1e-7)
    assert np.isnan(found.jackknife["only"])
    assert "Not identified without some cluster: z, only, twin" in repr(found)
    assert found.table("only").index[0] == 2


def test_table_and_invariance():
    fit = sp.fit("y ~ x + z | firm + year", DATA, cluster="industry")
    found = sp.inference.effective_clusters(fit)
    table = found.table("x")
    assert table["change"].abs().is_monotonic_decreasing
    assert found.tidy().set_index("term").loc["x", "most_influential"] == table.index[0]
    assert found.partial_leverage.sum().tolist() == pytest.approx([1.0, 1.0])
    order = np.random.default_rng(1).permutation(len(DATA))
    moved = DATA.iloc[order].assign(x=lambda d: d["x"] * 100)
    again = sp.inference.effective_clusters(
        sp.fit("y ~ x + z | firm + year", moved, cluster="industry")
    )
    np.testing.assert_allclose(again.effective, found.effective, rtol=1e-9)
    np.testing.assert_allclose(again.without["x"] * 100, found.without["x"], rtol=1e-7)
    assert "<table" in found._repr_html_()


def test_array_of_clusters_and_names():
    values = np.where(DATA["industry"] < 3, "low", "high")
    fit = sp.fit("y ~ x | year", DATA, cluster="industry")
    found = sp.inference.effective_clusters(fit, pd.Series(values, name="tier"), rho=0.5)
    assert set(found.sizes.index) == {"low", "high"}
    assert found.by == "tier"
    assert list(found.effective.columns) == [0.5]


def test_bad_input():
    fit = sp.fit("y ~ x | year", DATA, cluster=["industry", "firm"])
    clusters = sp.inference.effective_clusters
    with pytest.raises(SchemaError, match="name one"):
        clusters(fit)
    with pytest.raises(SchemaError, match="rho"):
        clusters(fit, "industry", rho=1.5)
    with pytest.raises(SchemaError, match="no cluster"):
        clusters(fit, "sector")
    with pytest.raises(SchemaError, match="no term"):
        clusters(fit, "industry").table("q")
    with pytest.raises(SchemaError, match="kept no arrays"):
        clusters(sp.fit("y ~ x", DATA, inference="hetero", lean=True), "industry")
    with pytest.raises(IdentificationError, match="one cluster"):
        clusters(fit, np.zeros(len(DATA)))
    with pytest.raises(SchemaError, match="instruments"):
        clusters(sp.fit("y ~ 1 | year | x ~ z", DATA, cluster="industry"))

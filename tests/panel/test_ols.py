"""What is not identified is refused by name; what is just identified passes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import IdentificationError
from spillover.panel.ols import least_squares


def refuse(formula, frame, match, **options):
    with pytest.raises(IdentificationError, match=match) as caught:
        sp.fit(formula, frame, inference=options.pop("inference", "iid"), **options)
    return str(caught.value)


# --- taken up by the effects ---------------------------------------------------------------------


@pytest.mark.parametrize("weights", [None, "w"])
def test_regressor_constant_within_firms(panel, weights):
    frame = panel.assign(age=np.sin(panel["firm"]))
    message = refuse("y ~ x + age | firm + year", frame, "age does not vary", weights=weights)
    assert "'firm'" in message
    assert "'year'" not in message
    assert "x does" not in message


def test_regressor_constant_within_industry_years(panel):
    message = refuse("y ~ grouped + x | firm + industry^year", panel, "grouped does not vary")
    assert "'industry^year'" in message
    assert "coarser" in message


def test_regressor_constant_within_several_effects_names_them_all(panel):
    frame = panel.assign(size=panel["region"] * 1.5)
    message = refuse("y ~ size | firm + region + year", frame, "size does not vary")
    assert "'firm', 'region'" in message


@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e7])
def test_regressor_that_the_effects_span_only_jointly(panel, scale):
    """Age: the year less the firm's first year."""
    frame = panel.assign(age=scale * (panel["year"] - 3.7 * panel["firm"]))
    message = refuse("y ~ x + age | firm + year", frame, "age is a linear combination")
    assert "firm + year together" in message
    assert sp.fit("y ~ x + age | firm", frame, inference="iid").nobs == len(panel)


def test_jointly_absorbed_around_a_huge_mean(panel):
    """What the storage of 1e8 rounds off, 1e-8, is no variation, though the spread is but 1e-3."""
    frame = panel.assign(level=1e8 + 1e-3 * (np.sin(panel["firm"]) + np.cos(panel["year"])))
    refuse("y ~ x + level | firm + year", frame, "level is a linear combination")


def test_jointly_absorbed_in_disconnected_parts(panel):
    """A dummy for the part is spanned by either effect."""
    other = panel.assign(firm=panel["firm"] + 500, year=panel["year"] + 50)
    both = pd.concat([panel.assign(part=0.0), other.assign(part=1.0)], ignore_index=True)
    message = refuse("y ~ part + x | firm + year", both, "part does not vary")
    assert "'firm', 'year'" in message


def test_categories_taken_up_by_the_effect(panel):
    refuse("y ~ x + C(year) | firm + year", panel, r"C\(year\)\[T\.2001\] does not vary")


# --- constant and collinear ----------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.0, 1.0, -3e9, 1e-9])
@pytest.mark.parametrize("effects", ["", " | firm"])
def test_constant(panel, value, effects):
    frame = panel.assign(c=value)
    match = "c is constant" if effects or value == 0 else "'Intercept', 'c' are perfectly"
    refuse(f"y ~ x + c{effects}", frame, match)


def test_constant_in_the_sample_only(panel):
    frame = panel.assign(foreign=(panel["foreign_share"] >= 0.1).astype(float))
    sp.fit("y ~ foreign | firm", frame, inference="iid")
    message = refuse("y ~ x + foreign | firm", frame, "foreign is constant", sample="domestic")
    assert "widen the sample" in message


@pytest.mark.parametrize("factor", [1.0, -2.5, 1e6, 1e-6])
@pytest.mark.parametrize("effects", ["", " | firm + year"])
def test_collinear_pair(panel, factor, effects):
    frame = panel.assign(twin=factor * panel["x"])
    message = refuse(f"y ~ x + z + twin{effects}", frame, "'x', 'twin' are perfectly collinear")
    assert "'z'" not in message
    assert ("effects are absorbed" in message) == bool(effects)


def test_collinear_only_after_absorption(panel):
    frame = panel.assign(twin=panel["x"] + np.sqrt(panel["firm"]))
    assert sp.fit("y ~ x + twin | year", frame, inference="iid").nobs == len(panel)
    refuse("y ~ x + twin | firm + year", frame, "'x', 'twin'.*once the effects are absorbed")


def test_collinear_three(panel):
    frame = panel.assign(sum=panel["x"] + 2 * panel["z"])
    refuse("y ~ x + z + grouped + sum | firm", frame, "'x', 'z', 'sum' are perfectly collinear")


@pytest.mark.parametrize(("noise", "rtol"), [(1e-1, 1e-11), (1e-2, 1e-10), (1e-3, 1e-8)])
def test_nearly_collinear_but_identified(panel, oracle, noise, rtol):
    rng = np.random.default_rng(4)
    frame = panel.assign(twin=panel["x"] + noise * rng.normal(size=len(panel)))
    fit = sp.fit("y ~ x + twin | firm + year", frame, inference="iid", singletons="keep")
    truth = oracle(frame, "y", ["x", "twin"], ["firm", "year"])
    np.testing.assert_allclose(fit.params, truth.params, rtol=rtol)
    np.testing.assert_allclose(fit.vcov, truth.vcov, rtol=100 * rtol)


def test_nearly_absorbed_but_identified(panel, oracle):
    """A thousandth of the regressor varies within firms; that is what identifies it."""
    rng = np.random.default_rng(5)
    frame = panel.assign(slow=100 * np.sin(panel["firm"]) + 0.1 * rng.normal(size=len(panel)))
    fit = sp.fit("y ~ slow | firm + year", frame, inference="iid", singletons="keep")
    truth = oracle(frame, "y", ["slow"], ["firm", "year"])
    np.testing.assert_allclose(fit.params, truth.params, rtol=1e-9)
    np.testing.assert_allclose(fit.vcov, truth.vcov, rtol=1e-9)


def test_regressors_of_very_different_size(panel):
    one = sp.fit("y ~ x + z | firm + year", panel, inference="iid")
    frame = panel.assign(x=1e12 * panel["x"], z=1e-12 * panel["z"])
    two = sp.fit("y ~ x + z | firm + year", frame, inference="iid")
    np.testing.assert_allclose(two.params, one.params * [1e-12, 1e12], rtol=1e-10)
    np.testing.assert_allclose(two.std_errors, one.std_errors * [1e-12, 1e12], rtol=1e-10)


def test_huge_mean_and_small_spread(panel):
    """GDP in tenge, say: the mean is a billion times the spread that identifies."""
    small = np.round(panel["x"] * 2**20) / 2**20
    one = sp.fit("y ~ x + z | firm + year", panel.assign(x=small), inference="iid")
    two = sp.fit("y ~ x + z | firm + year", panel.assign(x=small + 2.0**30), inference="iid")
    np.testing.assert_allclose(two.params, one.params, rtol=1e-11)
    np.testing.assert_allclose(two.vcov, one.vcov, rtol=1e-11)


# --- degrees of freedom --------------------------------------------------------------------------


def test_no_degrees_of_freedom():
    frame = pd.DataFrame(
        {
            "firm": [1, 1, 2, 2, 3, 3],
            "year": [1, 2, 1, 2, 1, 2],
            "x": [1.0, 4, 2, 3, 7, 1],
            "z": [2.0, 1, 5, 5, 3, 9],
            "y": [1.0, 2, 4, 3, 5, 5],
        }
    )
    sp.fit("y ~ x | firm + year", frame, inference="iid")
    message = refuse("y ~ x + z | firm + year", frame, "no degrees of freedom are left")
    assert "6 observations" in message
    assert "2 coefficients" in message
    assert "rank 4" in message


def test_more_regressors_than_rows():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(3, 5)), columns=list("yabcd"))
    refuse("y ~ a + b + c + d", frame, "perfectly collinear|degrees of freedom")


def test_single_cluster(panel):
    frame = panel.assign(country="KAZ")
    refuse("y ~ x | firm", frame, "one cluster of country", inference="cluster", cluster="country")
    refuse(
        "y ~ x | firm",
        frame,
        "one cluster of country",
        inference="cluster",
        cluster=["firm", "country"],
    )


# --- the algebra ---------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_least_squares_is_that_of_lapack(weighted):
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(50, 4)) * [1, 1e5, 1e-5, 1], rng.normal(size=50)
    w = rng.uniform(0.1, 3, 50) if weighted else None
    root = np.sqrt(np.ones(50) if w is None else w)
    got = least_squares(y, X, w)
    size = np.array([1, 1e5, 1e-5, 1])  # LAPACK takes the columns at one size, then back
    Q, R = np.linalg.qr(X / size * root[:, None])
    beta = np.linalg.solve(R, Q.T @ (y * root)) / size
    np.testing.assert_allclose(got.beta, beta, rtol=1e-11)
    np.testing.assert_allclose(got.residuals, y - X @ beta, atol=1e-11)
    inverse = np.linalg.inv(R) / size[:, None]
    np.testing.assert_allclose(got.bread, inverse @ inverse.T, rtol=1e-9)
    np.testing.assert_array_equal(got.bread, got.bread.T)
    np.testing.assert_allclose(got.scores, X * (root**2 * got.residuals)[:, None], rtol=1e-12)

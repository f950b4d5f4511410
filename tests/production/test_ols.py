"""Least squares and within-firm least squares against sp.fit."""

from __future__ import annotations

import numpy as np
import pytest

import spillover as sp
from spillover.production.ols import Fe, Ols, estimate_fe, estimate_ols


@pytest.fixture(scope="module")
def logs(panel):
    names = ["value_added", "employment", "capital"]
    return panel.assign(**{name: np.log(panel[name]) for name in names}, foreign_share=0.0)


FORMULA = "value_added ~ employment + capital"


@pytest.mark.parametrize(
    ("settings", "formula"), [(Ols(), FORMULA), (Ols(years=True), FORMULA + " | year")]
)
def test_ols_is_fit(inputs, logs, settings, formula):
    estimate = estimate_ols(inputs, settings)
    fit = sp.fit(formula, logs, cluster="firm", singletons="keep")
    terms = ["employment", "capital"]
    np.testing.assert_allclose(estimate.beta, fit.params[terms], rtol=1e-10)
    np.testing.assert_allclose(estimate.std_errors, fit.std_errors[terms], rtol=1e-8)


@pytest.mark.parametrize("years", [False, True])
def test_fe_is_fit(inputs, logs, years):
    estimate = estimate_fe(inputs, Fe(years=years))
    fit = sp.fit(
        FORMULA + (" | firm + year" if years else " | firm"),
        logs,
        cluster="firm",
        singletons="keep",
    )
    terms = ["employment", "capital"]
    np.testing.assert_allclose(estimate.beta, fit.params[terms], rtol=1e-10)
    np.testing.assert_allclose(estimate.std_errors, fit.std_errors[terms], rtol=1e-8)

"""sp.fit with the estimators besides least squares: the result, and what is made of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.panel import Binary, Gmm, Ppml, Quantile
from spillover.panel.quantile import estimate_quantile

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
pytestmark = pytest.mark.filterwarnings("ignore:Only .* clusters:spillover.errors.SpilloverWarning")


@pytest.fixture(scope="module")
def frame():
    data = pd.read_csv(REFERENCE / "panel_input.csv")
    return data.assign(
        sales=np.maximum(data["y"] - 0.5, 0), exports=(data["y"] > 0.5) * 1.0, size=data["w"]
    )


def test_quantiles_in_one_result(frame, design_of):
    settings = Quantile((0.25, 0.5, 0.75))
    fit = sp.fit(
        "y ~ x + z | year", frame, estimator="quantile", settings=settings, cluster="industry"
    )
    direct = estimate_quantile(design_of("y ~ x + z | year", frame, cluster=["industry"]), settings)
    np.testing.assert_allclose(fit.params, direct.beta)
    np.testing.assert_allclose(fit.vcov, direct.vcov)
    split = sp.panel.by_quantile(fit)
    assert list(split) == [0.25, 0.5, 0.75]
    for tau, one in split.items():
        assert list(one.params.index) == ["x", "z"]
        np.testing.assert_allclose(one.std_errors, fit.std_errors[[f"x [{tau:g}]", f"z [{tau:g}]"]])
        assert one.r2 == fit.details.pseudo_r2[tau]
        assert one.sample.endswith(f"quantile {tau:g}")
    test = sp.panel.equal_slopes(fit, ["x"])
    names = [f"x [{tau}]" for tau in ("0.25", "0.5", "0.75")]
    R = np.array([[-1.0, 1, 0], [-1, 0, 1]])
    gap = R @ fit.params[names]
    F = gap @ np.linalg.solve(R @ fit.vcov.loc[names, names] @ R.T, gap) / 2
    np.testing.assert_allclose(test["statistic"], F)
    assert (test["df_num"], test["df_denom"]) == (2, 8)
    text = repr(fit)
    assert "Estimator: quantile; pseudo R2" in text
    assert "density of the errors by gaussian" in text
    with pytest.raises(sp.SchemaError, match="fit several"):
        sp.panel.equal_slopes(split[0.5])
    with pytest.raises(sp.SchemaError, match="'q' is no term"):
        sp.panel.equal_slopes(fit, ["q"])


def test_margins_through_the_formula(frame):
    """Square, interaction and category: against moving the data and predicting anew."""
    formula = "exports ~ x + I(x ** 2) + z + x:z + C(region)"
    fit = sp.fit(formula, frame, estimator="logit", cluster="industry")
    ame = sp.panel.margins(fit)
    assert list(ame.params.index) == ["x", "z", *(f"C(region)[T.{r}]" for r in (1, 2, 3))]
    assert "Average marginal effects" in repr(ame)
    b = fit.params

    def mean(x, region=None):
        eta = b["Intercept"] + b["x"] * x + b["I(x ** 2)"] * x**2 + b["z"] * frame["z"]
        eta = eta + b["x:z"] * x * frame["z"]
        where = frame["region"] if region is None else pd.Series(region, frame.index)
        for r in (1, 2, 3):
            eta = eta + b[f"C(region)[T.{r}]"] * (where == r)
        return (1 / (1 + np.exp(-eta))).mean()

    h = 1e-5
    np.testing.assert_allclose(
        ame.params["x"], (mean(frame["x"] + h) - mean(frame["x"] - h)) / (2 * h), rtol=1e-6
    )
    np.testing.assert_allclose(
        ame.params["C(region)[T.2]"], mean(frame["x"], 2) - mean(frame["x"], 0), rtol=1e-8
    )
    np.testing.assert_allclose(ame.tidy()["std_error"], ame.details.margins.tidy()["std_error"])
    with pytest.raises(sp.SchemaError, match="takes a fit with estimator='probit'"):
        sp.panel.margins(sp.fit("y ~ x", frame))


def test_rows_samples_and_tables(frame):
    frame = frame.assign(foreign_share=np.where(frame["firm"] % 4 == 0, 0.5, 0.0))
    fit = sp.fit(
        "sales ~ x + lag(z, 1) | firm + year",
        frame,
        sample="domestic",
        estimator="ppml",
        settings=Ppml(),
        cluster="firm",
    )
    assert fit.used.sum() == fit.nobs == len(fit.residuals)
    assert (frame.loc[fit.used, "foreign_share"] == 0).all()
    assert "lag(z, 1) missing" in fit.dropped
    assert len(frame) - fit.nobs == sum(fit.dropped.values())
    assert fit.levels["firm"] == frame.loc[fit.used, "firm"].nunique()
    ols = sp.fit("y ~ x | firm + year", frame, cluster="firm")
    table = sp.tables.regression([ols, fit])
    assert "lag(z, 1)" in str(table)
    lean = sp.fit("sales ~ x | year", frame, estimator="ppml", lean=True)
    assert lean.residuals is None
    first = sp.fit("y ~ x", frame, estimator="quantile", transform="first_difference")
    assert first.transform == "first differences"


def test_options_that_do_not_fit(frame):
    with pytest.raises(sp.SchemaError, match=r"takes settings=sp\.panel\.Ppml"):
        sp.fit("sales ~ x", frame, estimator="ppml", settings=Gmm())
    with pytest.raises(sp.SchemaError, match="goes with one of the estimators"):
        sp.fit("sales ~ x", frame, settings=Binary())
    with pytest.raises(sp.SchemaError, match="takes no instruments"):
        sp.fit("sales ~ 1 | x ~ z", frame, estimator="ppml")
    with pytest.raises(sp.SchemaError, match="Did you mean 'system_gmm'"):
        sp.fit("y ~ x", frame, estimator="sytem_gmm")
    with pytest.raises(sp.SchemaError, match="is not an option"):
        sp.fit("y ~ x", frame, estimator="quantile", inference="bootstrap")

"""Probit and logit: R's glm and sandwich, statsmodels, margins, and perfect prediction."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import spillover as sp
from spillover.panel.binary import LOGIT, PROBIT, Binary, estimate_binary
from spillover.panel.binary_margins import Terms, average_effects

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
STORED = json.loads((REFERENCE / "panel_binary.json").read_text(encoding="utf-8"))["fits"]


@pytest.fixture(scope="module")
def frame():
    data = pd.read_csv(REFERENCE / "panel_input.csv")
    return data.assign(
        exports=(data["y"] > 0.5) * 1.0,
        large=(data["w"] > 2) * 1.0,
        **{"x:z": data["x"] * data["z"]},
    )


SPECS = {
    "probit": "x + z + large",
    "logit": "x + z + large",
    "probit_year": "x + z | year",
    "logit_industry": "x + z | industry",
    "probit_weighted": "x + z",
    "logit_interaction": "x + z + x:z",
}


@pytest.mark.parametrize("name", SPECS)
def test_glm(frame, design_of, name):
    stored, link = STORED[name], name.split("_")[0]
    design = design_of(
        f"exports ~ {SPECS[name]}", frame, cluster=["industry"], weights=stored["weights"]
    )
    settings = Binary(information="expected")
    fit = estimate_binary(design, link, settings)
    n, k = stored["nobs"], stored["rank"]
    assert fit.df_resid == n - k
    np.testing.assert_allclose(fit.beta, stored["coefficients"], rtol=1e-8)
    np.testing.assert_allclose(fit.vcov, stored["industry_HC1"], rtol=1e-6, atol=1e-9)
    robust = estimate_binary(design, link, settings, kind="hetero").vcov
    np.testing.assert_allclose(robust, np.array(stored["hc0"]) * n / (n - k), rtol=1e-6, atol=1e-9)
    naive = estimate_binary(design, link, settings, kind="iid").vcov
    np.testing.assert_allclose(naive, np.array(stored["naive"]), rtol=1e-6, atol=1e-9)
    if not stored["weights"]:
        np.testing.assert_allclose(-2 * fit.details.loglik, stored["deviance"], rtol=1e-10)
        r2 = 1 - stored["deviance"] / stored["null"]
        np.testing.assert_allclose(fit.statistics["r2"], r2, rtol=1e-9)
    if name == "logit_interaction":
        return
    table = fit.details.margins.tidy().set_index("term")
    for margin in stored["margins"]:
        row = table.loc[margin["term"]]
        np.testing.assert_allclose(row["estimate"], margin["ame"], rtol=1e-8)
        np.testing.assert_allclose(row["std_error"], margin["se"], rtol=1e-6)


@pytest.mark.parametrize("link", ["probit", "logit"])
def test_statsmodels_discrete(frame, design_of, link):
    """Its covariance has no (N-1)/(N-K) for clusters, and the observed information as its bread."""
    design = design_of("exports ~ x + z + large", frame, cluster=["industry"])
    ours = estimate_binary(design, link)
    model = {"probit": sm.Probit, "logit": sm.Logit}[link](design.y, design.X)
    theirs = model.fit(
        disp=0,
        tol=1e-14,
        cov_type="cluster",
        cov_kwds={"groups": design.clusters["industry"], "use_correction": False},
    )
    np.testing.assert_allclose(ours.beta, theirs.params, rtol=1e-7)
    n, k, groups = len(design.y), design.X.shape[1], ours.n_clusters[0]
    factor = groups / (groups - 1) * (n - 1) / (n - k)
    np.testing.assert_allclose(ours.vcov, factor * theirs.cov_params(), rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(ours.details.loglik, theirs.llf, rtol=1e-10)
    margins = theirs.get_margeff(dummy=True).summary_frame()
    table = ours.details.margins.tidy()
    np.testing.assert_allclose(table["estimate"], margins["dy/dx"], rtol=1e-7)
    np.testing.assert_allclose(
        table["std_error"], np.sqrt(factor) * margins["Std. Err."], rtol=1e-6
    )
    assert ours.details.margins.discrete == ("large",)


def finite_difference(made, beta, name, response, moved):
    """Average effect by moving the data, and its gradient by moving each coefficient."""

    def value(b):
        low, high, step = moved
        return float(np.mean(response.cdf(high @ b) - response.cdf(low @ b)) / step)

    gradient = np.empty(len(beta))
    for j in range(len(beta)):
        up, down = beta.copy(), beta.copy()
        up[j] += 1e-5
        down[j] -= 1e-5
        gradient[j] = (value(up) - value(down)) / 2e-5
    return value(beta), gradient


@pytest.mark.parametrize("response", [PROBIT, LOGIT], ids=["probit", "logit"])
def test_margins_through_every_term(response):
    """Interactions, a square, a logarithm, a category: against data moved by hand."""
    rng = np.random.default_rng(5)
    n = 400
    x, z = rng.normal(size=n), rng.uniform(1, 3, n)
    d = (rng.random(n) < 0.4) * 1.0
    r = rng.integers(0, 3, n)
    names = ["Intercept", "x", "z", "I(x ** 2)", "x:z", "d", "x:d", "r[T.1]", "r[T.2]", "log(q)"]
    q = rng.uniform(1, 2, n)

    def columns(x=x, z=z, d=d, r1=(r == 1) * 1.0, r2=(r == 2) * 1.0):
        return np.column_stack([np.ones(n), x, z, x**2, x * z, d, x * d, r1, r2, np.log(q)])

    X = columns()
    beta = rng.normal(0, 0.4, X.shape[1])
    vcov = np.cov(rng.normal(size=(40, X.shape[1])).T)
    got = average_effects(X, beta, vcov, names, response, weights=None, df=30)
    assert list(got.estimates.index) == ["x", "z", "d", "r[T.1]", "r[T.2]", "log(q)"]
    zero, one, h = np.zeros(n), np.ones(n), 1e-5
    moves = {
        "x": (columns(x=x - h), columns(x=x + h), 2 * h),
        "z": (columns(z=z - h), columns(z=z + h), 2 * h),
        "d": (columns(d=zero), columns(d=one), 1.0),
        "r[T.1]": (columns(r1=zero, r2=zero), columns(r1=one, r2=zero), 1.0),
        "r[T.2]": (columns(r1=zero, r2=zero), columns(r1=zero, r2=one), 1.0),
    }
    G = []
    for name, moved in moves.items():
        value, gradient = finite_difference(X, beta, name, response, moved)
        np.testing.assert_allclose(got.estimates[name], value, rtol=1e-6)
        G.append(gradient)
    G = np.array(G)
    np.testing.assert_allclose(
        got.vcov.loc[list(moves), list(moves)], G @ vcov @ G.T, rtol=1e-4, atol=1e-8
    )
    low = got.tidy(0.9)
    np.testing.assert_allclose(
        low["conf_high"] - low["conf_low"], 2 * stats.t.ppf(0.95, 30) * low["std_error"]
    )


def test_an_interaction_without_its_main_effect_is_said():
    X = np.column_stack([np.ones(50), np.linspace(-1, 1, 50), np.linspace(-1, 1, 50) ** 3])
    got = average_effects(
        X, np.ones(3), np.eye(3), ["Intercept", "x", "x:z"], PROBIT, weights=None, df=9
    )
    assert list(got.estimates.index) == []
    assert got.notes == (
        "no marginal effect of x, z: z is in an interaction but not a regressor of its own",
    )
    assert Terms(X, ["Intercept", "x", "x:z"]).lacking == ["z"]


def test_mundlak_and_incidental_parameters(frame, design_of):
    design = design_of("exports ~ x + z | firm", frame, cluster=["firm"])
    with (
        pytest.warns(sp.SpilloverWarning, match=r"\d+ rows left out: in levels of 'firm'"),
        pytest.warns(sp.SpilloverWarning, match=r"firm \(\d\.\d rows in each of .*incidental"),
    ):
        dummies = estimate_binary(design, "logit")
    constant = frame.groupby("firm")["exports"].transform("nunique") == 1
    assert dummies.dropped == {
        "in a level of an absorbed effect whose outcome never varies": int(constant.sum())
    }
    np.testing.assert_array_equal(dummies.keep, ~constant)
    kept = frame[~constant]
    D = np.eye(kept["firm"].nunique())[pd.factorize(kept["firm"])[0]]
    theirs = sm.Logit(kept["exports"], np.hstack([kept[["x", "z"]], D])).fit(disp=0, tol=1e-13)
    np.testing.assert_allclose(dummies.beta, theirs.params[:2], rtol=1e-7)
    mundlak = estimate_binary(design, "logit", Binary(effects="mundlak"))
    assert mundlak.terms == ["x", "z", "mean(x | firm)", "mean(z | firm)"]
    assert mundlak.keep.all()
    means = frame.groupby("firm")[["x", "z"]].transform("mean")
    X = np.column_stack([frame[["x", "z"]], means, np.ones(len(frame))])
    theirs = sm.Logit(frame["exports"], X).fit(disp=0, tol=1e-13)
    np.testing.assert_allclose(mundlak.beta, theirs.params[:4], rtol=1e-7)
    assert set(mundlak.details.margins.estimates.index) == set(mundlak.terms)


def test_perfect_prediction_is_named_and_counted(frame, design_of):
    named = frame.assign(big=((frame["x"] > 1) & (frame["exports"] == 1)) * 1.0)
    count = int(named["big"].sum())
    with pytest.raises(
        sp.IdentificationError, match=rf"big = 1 goes with the outcome 1 in all its {count} rows"
    ):
        estimate_binary(design_of("exports ~ x + big", named))
    apart = frame.assign(t=frame["y"] - 0.5, u=frame["x"])
    with pytest.raises(
        sp.IdentificationError, match=rf"'t'.* parts the outcomes .* in {len(frame)} rows"
    ):
        estimate_binary(design_of("exports ~ x + t", apart))
    # quasi-separation along two regressors, neither of which separates alone
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=300), rng.normal(size=300)
    y = np.where(a + b > 1, 1.0, (rng.random(300) < 0.5) * 1.0)
    cut = np.maximum(a + b - 1, 0)
    two = pd.DataFrame({"exports": y, "a": a, "cut": cut})
    with pytest.raises(sp.IdentificationError, match=r"a combination of 'cut' parts"):
        estimate_binary(design_of("exports ~ a + cut", two), "logit")


def test_strong_but_not_separated_is_fine(design_of):
    rng = np.random.default_rng(2)
    x = rng.normal(size=2000) * 6
    y = (x + rng.logistic(size=2000) > 0) * 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = estimate_binary(design_of("y ~ x", pd.DataFrame({"y": y, "x": x})), "logit")
    assert abs(fit.beta[1] - 1) < 4 * np.sqrt(fit.vcov[1, 1])


def test_rows_units_and_order_do_not_matter(frame, design_of):
    spec = "exports ~ x + z | year"
    base = estimate_binary(design_of(spec, frame, cluster=["industry"]))
    shuffled = frame.sample(frac=1, random_state=np.random.default_rng(0)).assign(
        x=lambda d: 1e5 * d["x"]
    )
    again = estimate_binary(design_of(spec, shuffled, cluster=["industry"]))
    np.testing.assert_allclose(again.beta * [1e5, 1], base.beta, rtol=1e-7)
    np.testing.assert_allclose(
        again.vcov * np.outer([1e5, 1], [1e5, 1]), base.vcov, rtol=1e-6, atol=1e-9
    )


def test_bad_input(frame, design_of):
    with pytest.raises(sp.SchemaError, match=r"is 0 or 1; it holds 2\.0"):
        estimate_binary(design_of("exports ~ x", frame.assign(exports=frame["exports"] * 2)))
    with pytest.raises(sp.IdentificationError, match="is 1 in every row"):
        estimate_binary(design_of("exports ~ x", frame.assign(exports=1.0)))
    with pytest.raises(sp.SchemaError, match="link='cloglog'"):
        estimate_binary(design_of("exports ~ x", frame), "cloglog")
    by_level = frame.assign(exports=(frame["industry"] > 4) * 1.0)
    with pytest.raises(sp.IdentificationError, match=r"varies within no level.*'industry'"):
        estimate_binary(design_of("exports ~ x | industry", by_level))
    with pytest.raises(sp.IdentificationError, match="'x', 'x2' are perfectly collinear"):
        estimate_binary(design_of("exports ~ x + x2", frame.assign(x2=2 * frame["x"])))

"""Year effects in op, lp, acf and gnr against brute force, and what they are for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import optimize

from spillover.errors import IdentificationError, SchemaError
from spillover.production._effects import net_of_years, year_dummies
from spillover.production._survival import survival_probability
from spillover.production.acf import Acf, estimate_acf
from spillover.production.data import build_inputs
from spillover.production.gnr import Gnr, estimate_gnr
from spillover.production.lp import Lp, estimate_lp
from spillover.production.ols import Fe, Ols, estimate_fe, estimate_ols
from spillover.production.op import Op, estimate_op
from spillover.production.polynomial import basis

from .conftest import draw_panel


def laid_out(panel, output="value_added", proxy="materials", **options):
    groups, _ = build_inputs(
        panel,
        output=output,
        free=["employment"],
        state=["capital"],
        proxy=proxy,
        by=None,
        **options,
    )
    return groups["all"]


def priced(panel, column, size=0.4):
    """The same panel with a price index in one column that was not taken out."""
    return panel.assign(**{column: panel[column] * np.exp(size * np.sin(3.0 * panel["year"]))})


@pytest.fixture(scope="module")
def drawn():
    panel = draw_panel(3, firms=250, years=7)
    rng = np.random.default_rng(0)
    last = panel.groupby("firm")["year"].transform("max")
    gone = rng.random(250) < 0.3  # some firms leave for good
    panel = panel[~(gone[panel["firm"]] & (panel["year"] > last - 2))].copy()
    panel["investment"] = panel["materials"] * np.exp(rng.normal(0, 0.1, len(panel)))
    panel["share"] = 0.4 * panel["employment"] ** 0.02 * np.exp(rng.normal(0, 0.1, len(panel)))
    return panel


METHODS = {
    "ols": (estimate_ols, Ols(years=True)),
    "fe": (estimate_fe, Fe(years=True)),
    "lp": (estimate_lp, Lp(years=True)),
    "lp fitted": (estimate_lp, Lp(years=True, law_outcome="fitted")),
    "lp moments": (estimate_lp, Lp(years=True, criterion="gmm")),
    "acf": (estimate_acf, Acf(years=True, degree=2)),
    "acf translog": (estimate_acf, Acf(years=True, degree=2, function="translog", starts=2)),
    "acf tested": (estimate_acf, Acf(years=True, degree=2, overidentified=True)),
    "op": (estimate_op, Op(years=True, degree=2)),
    "gnr": (estimate_gnr, Gnr(years=True, share="share")),
}


def inputs_for(name, panel):
    if name.startswith("op"):
        return laid_out(panel, proxy="investment")
    if name == "gnr":
        return laid_out(panel, output="output", extra=("share",))
    return laid_out(panel)


@pytest.mark.parametrize("name", METHODS)
def test_a_price_index_in_output_changes_nothing_but_the_level_of_tfp(name, drawn):
    estimator, settings = METHODS[name]
    output = "output" if name == "gnr" else "value_added"
    right = inputs_for(name, drawn)
    one = estimator(right, settings)
    other = estimator(inputs_for(name, priced(drawn, output)), settings)
    np.testing.assert_allclose(other.beta, one.beta, atol=2e-6)
    assert other.objective == pytest.approx(one.objective, rel=1e-5, abs=1e-18, nan_ok=True)
    moved = other.omega - one.omega
    np.testing.assert_allclose(moved, 0.4 * np.sin(3.0 * right.year), atol=1e-5)
    without = estimator(inputs_for(name, priced(drawn, output)), replace(settings, years=False))
    assert np.abs(without.beta - one.beta).max() > 1e-4


def innovation(inputs, phi, X, b, outcome=None, degree=3, more=None):
    """The law of motion by lstsq: year dummies, powers of last year's relative productivity."""
    w = phi - X @ b
    known = np.isfinite(w)
    means = pd.Series(w[known]).groupby(inputs.year[known]).mean()
    relative = w - means.reindex(inputs.year).to_numpy()
    rows = inputs.second
    rows = rows[np.isfinite(relative[inputs.previous[rows]])]
    before = relative[inputs.previous[rows]]
    D = pd.get_dummies(inputs.year[rows]).to_numpy(dtype=float)
    P = np.column_stack([D, *[before**power for power in range(1, degree + 1)]])
    if more is not None:
        P = np.column_stack([P, more(rows, before)])
    target = w[rows] if outcome is None else (outcome - X @ b)[rows]
    return target - P @ np.linalg.lstsq(P, target, rcond=None)[0], rows


def first_stage(inputs, columns, degree):
    D = pd.get_dummies(inputs.year).to_numpy(dtype=float)
    return np.column_stack([basis(columns, degree)[:, 1:], D])


def test_acf_by_brute_force(drawn):
    inputs = laid_out(drawn)
    out = estimate_acf(inputs, Acf(degree=2, years=True))
    B = first_stage(inputs, np.column_stack([inputs.X, inputs.proxy]), 2)
    phi = sm.OLS(inputs.y, B).fit().fittedvalues
    np.testing.assert_allclose(out.phi, phi, atol=1e-9)
    xi, rows = innovation(inputs, phi, inputs.X, out.beta)
    before = inputs.previous[rows]
    for z in (inputs.free[before, 0], inputs.state[rows, 0]):
        assert abs(np.corrcoef(z, xi)[0, 1]) < 1e-10
    np.testing.assert_allclose(out.xi[rows], xi, atol=1e-9)
    assert out.markov.index.tolist() == ["omega", "omega^2", "omega^3"]


def test_lp_by_brute_force(drawn):
    inputs = laid_out(drawn)
    out = estimate_lp(inputs, Lp(degree=2, years=True))
    B = first_stage(inputs, np.column_stack([inputs.state, inputs.proxy]), 2)
    fit = sm.OLS(inputs.y, np.column_stack([inputs.free, B])).fit()
    assert out.beta[0] == pytest.approx(fit.params[0], rel=1e-9)
    phi, net = (
        fit.fittedvalues - inputs.free @ fit.params[:1],
        inputs.y - inputs.free @ out.beta[:1],
    )

    def squares(b):
        xi, _ = innovation(inputs, phi, inputs.state, np.array([b]), outcome=net)
        return xi @ xi / len(xi)

    near = (out.beta[1] - 0.2, out.beta[1] + 0.2)
    best = optimize.minimize_scalar(squares, bounds=near, options={"xatol": 1e-10})
    assert out.beta[1] == pytest.approx(best.x, abs=1e-6)
    assert out.objective == pytest.approx(best.fun, rel=1e-9)


def test_op_with_exit_by_brute_force(drawn):
    inputs = laid_out(drawn, proxy="investment")
    out = estimate_op(inputs, Op(degree=2, survival_degree=1, years=True))
    B = first_stage(inputs, np.column_stack([inputs.state, inputs.proxy]), 2)
    fit = sm.OLS(inputs.y, np.column_stack([inputs.free, B])).fit()
    assert out.beta[0] == pytest.approx(fit.params[0], rel=1e-9)
    known = inputs.year < inputs.year.max()
    D = pd.get_dummies(inputs.year[known]).to_numpy(dtype=float)
    Z = np.column_stack([D, inputs.state[known, 0], inputs.proxy[known]])
    link = sm.families.links.Probit()
    probit = sm.GLM(inputs.survives[known], Z, family=sm.families.Binomial(link)).fit(tol=1e-13)
    P = np.full(len(inputs), np.nan)
    P[known] = probit.predict(Z)
    ours = survival_probability(inputs, inputs.proxy, 1, years=True)
    np.testing.assert_allclose(ours.probability[known], P[known], atol=1e-8)
    chance = inputs.lagged(P)
    phi, net = (
        fit.fittedvalues - inputs.free @ fit.params[:1],
        inputs.y - inputs.free @ out.beta[:1],
    )

    def terms(rows, h):
        p = chance[rows]
        return np.column_stack([p, p**2, p**3, h * p, h * p**2, h**2 * p])

    def squares(b):
        state = inputs.state
        xi, _ = innovation(inputs, phi, state, np.array([b]), outcome=net, more=terms)
        return xi @ xi / len(xi)

    near = (out.beta[1] - 0.1, out.beta[1] + 0.1)
    best = optimize.minimize_scalar(squares, bounds=near, options={"xatol": 1e-10})
    assert out.objective == pytest.approx(best.fun, rel=1e-9)
    assert out.beta[1] == pytest.approx(best.x, abs=1e-5)


def test_gnr_sets_its_moments_to_zero(drawn):
    inputs = laid_out(drawn, output="output", extra=("share",))
    out = estimate_gnr(inputs, Gnr(years=True, share="share"))
    C = basis(inputs.X, 2, standardise=False)[:, 1:]
    assert out.objective < 1e-20
    level = out.omega + C @ out.beta + (out.phi - inputs.y)  # less the unforeseen shock
    xi, rows = innovation(inputs, level, C, out.beta)
    for z in C[rows].T:
        assert abs(np.corrcoef(z, xi)[0, 1]) < 1e-8
    np.testing.assert_allclose(out.xi[rows], xi, atol=1e-8)


def test_years_without_exit_have_sure_survival(drawn):
    frame = drawn.copy()
    early = frame["year"] <= frame["year"].min() + 1
    whole = frame["firm"].isin(frame.loc[frame["year"] == frame["year"].min() + 2, "firm"])
    inputs = laid_out(frame[~early | whole], proxy="investment")
    fit = survival_probability(inputs, inputs.proxy, 1, years=True)
    sure = inputs.year == inputs.year.min() + 1
    assert (inputs.survives[sure] == 1).all()
    assert (fit.probability[sure] == 1).all()
    assert np.isnan(fit.probability[inputs.year == inputs.year.max()]).all()


def test_weights_are_copies_with_year_effects(drawn):
    copied = pd.concat([drawn, drawn[drawn["firm"] < 40].assign(firm=lambda d: d["firm"] + 1000)])
    for name in ("acf", "lp", "op", "gnr"):
        estimator, settings = METHODS[name]
        inputs = inputs_for(name, drawn)
        counts = np.where(np.unique(drawn["firm"]) < 40, 2, 1)
        weighted = estimator(inputs.drawn(counts), settings)
        rows = estimator(inputs_for(name, copied), settings)
        np.testing.assert_allclose(weighted.beta, rows.beta, atol=1e-6)


def test_a_driver_that_only_varies_by_year_is_refused(drawn):
    frame = drawn.assign(driver=np.cos(drawn["year"]))
    inputs = laid_out(frame, markov=["driver"])
    estimate_acf(inputs, Acf(degree=2))
    for estimator, settings in ((estimate_acf, Acf(years=True)), (estimate_lp, Lp(years=True))):
        with pytest.raises(IdentificationError, match=r"'driver'.*does not vary within years"):
            estimator(inputs, settings)
    constant = laid_out(frame.assign(driver=2.0), markov=["driver"])
    with pytest.raises(IdentificationError, match="'driver' in the law of motion is constant"):
        estimate_acf(constant, Acf(degree=2))


@pytest.mark.parametrize("kind", [Acf, Lp, Op, Gnr])
def test_years_is_yes_or_no(kind):
    with pytest.raises(SchemaError, match="years=2000"):
        kind(years=2000)


def test_means_leave_missing_rows_out():
    x = np.array([[1.0, 2.0], [3.0, np.nan], [5.0, 4.0]])
    year = np.array([1, 1, 1])
    out = net_of_years(x, year, np.array([1.0, 9.0, 3.0]))
    np.testing.assert_allclose(out[[0, 2], 0], np.array([1.0, 5.0]) - 4.0)
    np.testing.assert_allclose(out[[0, 2], 1], np.array([2.0, 4.0]) - 3.5)
    assert year_dummies(year).shape == (3, 0)

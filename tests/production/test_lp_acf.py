"""lp and acf against regressions spelled out with numpy and statsmodels, and their invariances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import optimize, stats

from spillover.errors import IdentificationError, SchemaError
from spillover.production.acf import Acf, estimate_acf, terms
from spillover.production.data import build_inputs
from spillover.production.lp import Lp, estimate_lp
from spillover.production.ols import Ols, estimate_ols
from spillover.production.polynomial import basis

from .conftest import draw_panel


def second_rows(inputs):
    rows = np.flatnonzero(inputs.previous >= 0)
    return rows, inputs.previous[rows]


def innovation(w1, w0, degree, more=None):
    P = np.column_stack([w0**p for p in range(degree + 1)] + ([] if more is None else [more]))
    gamma = np.linalg.lstsq(P, w1, rcond=None)[0]
    return w1 - P @ gamma, gamma, P


def acf_xi(inputs, b, degree, markov_degree, markov=False):
    """Both stages by lstsq."""
    B = basis(np.column_stack([inputs.X, inputs.proxy]), degree, standardise=False)
    phi = B @ np.linalg.lstsq(B, inputs.y, rcond=None)[0]
    rows, before = second_rows(inputs)
    w = phi - inputs.X @ b
    more = inputs.markov[rows] if markov else None
    return (*innovation(w[rows], w[before], markov_degree, more), rows, before)


@pytest.fixture(scope="module")
def plain(inputs):
    return replace(
        inputs,
        markov=np.empty((len(inputs), 0)),
        names=replace(inputs.names, markov=()),
    )


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_lp_first_stage_is_partialled_least_squares(plain, degree):
    estimate = estimate_lp(plain, Lp(degree=degree))
    B = basis(np.column_stack([plain.state, plain.proxy]), degree)
    fit = sm.OLS(plain.y, np.column_stack([plain.free, B])).fit()
    assert estimate.beta[0] == pytest.approx(fit.params[0], rel=1e-9)
    assert estimate.first_stage["r2"] == pytest.approx(fit.rsquared, rel=1e-10)
    np.testing.assert_allclose(estimate.phi, fit.fittedvalues, atol=1e-9)


@pytest.mark.parametrize("law_outcome", ["output", "fitted"])
def test_lp_second_stage_is_the_least_sum_of_squares(plain, law_outcome):
    estimate = estimate_lp(plain, Lp(law_outcome=law_outcome))
    rows, before = second_rows(plain)
    phi = estimate.phi - plain.free @ estimate.beta[:1]
    net = plain.y - plain.free @ estimate.beta[:1]

    def squares(b):
        target = (net if law_outcome == "output" else phi)[rows] - plain.state[rows] @ b
        w0 = phi[before] - plain.state[before] @ b
        _, gamma, P = innovation(target, w0, 3)
        left = net[rows] - plain.state[rows] @ b - P @ gamma
        return left @ left / len(rows)

    best = optimize.minimize_scalar(
        lambda b: squares(np.array([b])),
        bounds=(estimate.beta[1] - 0.2, estimate.beta[1] + 0.2),
        options={"xatol": 1e-10},
    )
    assert estimate.beta[1] == pytest.approx(best.x, abs=1e-6)
    assert estimate.objective == pytest.approx(best.fun, rel=1e-10)
    assert estimate.converged


def test_lp_gross_output_is_two_step_gmm(panel):
    groups, _ = build_inputs(
        panel, output="output", free=["employment"], state=["capital"], proxy="materials", by=None
    )
    one = groups["all"]
    estimate = estimate_lp(one, Lp(gross=True, degree=2, markov_degree=2))
    assert estimate.names == ("employment", "capital", "materials")
    rows, before = second_rows(one)
    phi = estimate.phi - one.free @ estimate.beta[:1]
    net = one.y - one.free @ estimate.beta[:1]
    X = np.column_stack([one.state, one.proxy])
    Z = np.column_stack([one.state[rows], one.proxy[before], one.free[before], one.state[before]])

    def parts(b):
        return innovation(net[rows] - X[rows] @ b, phi[before] - X[before] @ b, 2)

    def minimum(weight, start):
        root = np.linalg.cholesky(np.linalg.inv(weight)).T
        return optimize.least_squares(
            lambda b: root @ Z.T @ parts(b)[0],
            start,
            jac="3-point",
            x_scale=0.01,
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
        )

    tried = [minimum(Z.T @ Z, point) for point in ([0.0, 1.0], [0.25, 0.75], [0.6, 0.4])]
    start = min(tried, key=lambda found: found.cost).x
    xi, _, P = parts(start)
    apart = Z - P @ np.linalg.lstsq(P, Z, rcond=None)[0]
    sums = np.zeros((one.firms, 4))
    np.add.at(sums, one.firm[rows], apart * xi[:, None])
    best = minimum(sums.T @ sums, start)
    value = 2 * best.cost
    np.testing.assert_allclose(estimate.beta[1:], best.x, atol=1e-6)
    assert estimate.overid.statistic == pytest.approx(value, rel=1e-5)
    assert estimate.overid.df == 2
    assert estimate.overid.p_value == pytest.approx(stats.chi2.sf(value, 2), rel=1e-5)


@pytest.mark.parametrize("markov_degree", [1, 2, 3])
@pytest.mark.parametrize("labour", ["flexible", "predetermined"])
def test_acf_sets_the_moments_to_zero(plain, markov_degree, labour):
    estimate = estimate_acf(plain, Acf(degree=2, markov_degree=markov_degree, labour=labour))
    xi, gamma, _, rows, before = acf_xi(plain, estimate.beta, 2, markov_degree)
    free = plain.free[before] if labour == "flexible" else plain.free[rows]
    for z in (free[:, 0], plain.state[rows, 0]):
        assert abs(np.corrcoef(z, xi)[0, 1]) < 1e-10
    assert estimate.objective < 1e-20
    np.testing.assert_allclose(estimate.xi[rows], xi, atol=1e-9)
    np.testing.assert_allclose(estimate.markov, gamma, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(estimate.omega, plain.y - plain.X @ estimate.beta, atol=1e-12)


def test_acf_with_an_ar1_is_the_known_instrumental_variables_solution(plain):
    """With w linear in its lag, xi = M(phi - X b - rho (phi_1 - X_1 b)); the solution solves it."""
    settings = Acf(degree=2, markov_degree=1)
    estimate = estimate_acf(plain, settings)
    rho = estimate.markov["omega"]
    rows, before = second_rows(plain)
    phi = estimate.phi
    one = np.ones(len(rows))
    # Given rho, b is a linear instrumental-variables estimate of the quasi-differenced equation.
    X = np.column_stack([one, plain.X[rows] - rho * plain.X[before]])
    Z = np.column_stack([one, plain.free[before], plain.state[rows]])
    b = np.linalg.solve(Z.T @ X, Z.T @ (phi[rows] - rho * phi[before]))[1:]
    np.testing.assert_allclose(estimate.beta, b, rtol=1e-8)
    # And rho is the regression of w on its lag.
    w = phi - plain.X @ b
    assert np.polyfit(w[before], w[rows], 1)[0] == pytest.approx(rho, rel=1e-8)


def test_drivers_enter_the_law_of_motion(inputs):
    estimate = estimate_acf(inputs, Acf(degree=2))
    xi, gamma, _, _, before = acf_xi(inputs, estimate.beta, 2, 3, markov=True)
    assert estimate.markov.index.tolist() == ["constant", "omega", "omega^2", "omega^3", "driver"]
    np.testing.assert_allclose(estimate.markov, gamma, rtol=1e-5, atol=1e-6)
    assert abs(np.corrcoef(inputs.free[before, 0], xi)[0, 1]) < 1e-10
    more = estimate_acf(inputs, Acf(degree=2, interact=1))
    assert more.markov.index[-1] == "driver:omega"


def test_translog_moments_and_elasticities(plain):
    estimate = estimate_acf(plain, Acf(function="translog", degree=3, starts=2))
    x = plain.X - plain.X.mean(axis=0)
    X = np.column_stack([x, x[:, 0] ** 2, x[:, 0] * x[:, 1], x[:, 1] ** 2])
    rows, before = second_rows(plain)
    w = estimate.phi - X @ estimate.beta
    xi, _, _ = innovation(w[rows], w[before], 3)
    z = np.column_stack([x[before, 0], x[rows, 1]])
    Z = np.column_stack([z, z[:, 0] ** 2, z[:, 0] * z[:, 1], z[:, 1] ** 2])
    if estimate.objective < 1e-18:
        np.testing.assert_allclose(np.corrcoef(Z.T, xi)[-1, :-1], 0, atol=1e-8)
    value = xi @ Z @ np.linalg.solve(Z.T @ Z, Z.T @ xi) / len(rows)
    assert estimate.objective == pytest.approx(value, rel=1e-6, abs=1e-18)
    b = estimate.beta
    want = b[0] + 2 * b[2] * x[:, 0] + b[3] * x[:, 1]
    np.testing.assert_allclose(estimate.elasticity_rows[:, 0], want, atol=1e-12)
    np.testing.assert_allclose(estimate.elasticity, estimate.elasticity_rows.mean(axis=0))
    np.testing.assert_allclose(estimate.elasticity, b[:2], atol=1e-12)  # centred at the means


def test_terms_of_three_inputs():
    form = terms(("l", "k", "m"), "translog")
    x = np.random.default_rng(0).normal(size=(5, 3))
    b = np.arange(1.0, 10.0)
    step = 1e-6
    for at in range(3):
        moved = x.copy()
        moved[:, at] += step
        slope = (form.columns(moved) - form.columns(x)) @ b / step
        np.testing.assert_allclose(form.elasticities(x, b)[:, at], slope, rtol=1e-4)


@pytest.mark.parametrize(("estimate", "settings"), [(estimate_lp, Lp()), (estimate_acf, Acf())])
def test_units_only_move_the_constant(plain, estimate, settings):
    base = estimate(plain, settings)
    scaled = replace(
        plain,
        y=plain.y + 5,
        free=plain.free - 2,
        state=plain.state + 7,
        proxy=plain.proxy + 1,
    )
    other = estimate(scaled, settings)
    np.testing.assert_allclose(other.beta, base.beta, rtol=1e-6)
    np.testing.assert_allclose(other.omega - base.omega, (other.omega - base.omega)[0], atol=1e-6)
    np.testing.assert_allclose(other.xi, base.xi, atol=1e-6)


def test_a_driver_that_is_no_driver_changes_little(inputs, plain):
    with_driver, without = estimate_acf(inputs, Acf()), estimate_acf(plain, Acf())
    assert np.abs(with_driver.beta - without.beta).max() < 0.02


def test_overidentified_acf_tests_the_model(plain):
    estimate = estimate_acf(plain, Acf(overidentified=True))
    assert estimate.overid.df == 1
    assert estimate.overid.p_value > 0.001
    assert estimate_acf(plain, Acf()).overid is None


def test_every_start_is_reported(plain):
    estimate = estimate_acf(plain, Acf(starts=5))
    assert len(estimate.starts) == 7
    assert estimate.starts["chosen"].sum() == 1
    chosen = estimate.starts[estimate.starts["chosen"]].iloc[0]
    np.testing.assert_allclose(chosen[["employment", "capital"]].astype(float), estimate.beta)
    assert (estimate.starts.loc[estimate.starts["converged"], "objective"] >= 0).all()


def test_near_starts_from_there_alone(plain):
    full = estimate_acf(plain, Acf())
    again = estimate_acf(plain, Acf(), near=full.beta)
    assert len(again.starts) == 1
    np.testing.assert_allclose(again.beta, full.beta, rtol=1e-9)


def test_settings_are_checked():
    with pytest.raises(SchemaError, match="degree must be a whole number of at least 1"):
        Acf(degree=0)
    with pytest.raises(SchemaError, match=r"function='translogg'.*Did you mean 'translog'"):
        Acf(function="translogg")
    with pytest.raises(SchemaError, match="criterion='nlss'"):
        Lp(criterion="nlss")


def test_recovery_and_the_bias_of_least_squares():
    """True elasticities 0.6 and 0.4; labour responds to productivity."""
    groups, _ = build_inputs(
        draw_panel(5, firms=1500, years=8),
        output="value_added",
        free=["employment"],
        state=["capital"],
        proxy="materials",
        by=None,
    )
    one = groups["all"]
    assert estimate_ols(one, Ols()).beta[0] > 0.7
    np.testing.assert_allclose(estimate_acf(one, Acf()).beta, [0.6, 0.4], atol=0.06)


def test_a_labour_function_of_state_and_proxy_is_refused_by_lp(plain):
    same = replace(plain, free=plain.state**2 + plain.proxy[:, None])
    with pytest.raises(IdentificationError, match="'employment' is a polynomial"):
        estimate_lp(same, Lp())
    estimate_acf(plain, Acf(degree=2))


def test_too_few_rows_for_the_polynomials(plain):
    small = plain.take(plain.firm < 2)
    with pytest.raises(IdentificationError, match=r"rows are too few for 20 first-stage terms"):
        estimate_acf(small, Acf())
    with pytest.raises(IdentificationError, match="second-stage terms"):
        estimate_acf(small, Acf(degree=1, markov_degree=30))


def test_moments_without_a_zero_are_said_to_have_none():
    found = []
    for seed in range(12):
        groups, _ = build_inputs(
            draw_panel(seed, firms=25, years=4),
            output="value_added",
            free=["employment"],
            state=["capital"],
            proxy="materials",
            by=None,
        )
        out = estimate_acf(groups["all"], Acf(degree=2))
        unsolved = out.objective > 1e-12
        said = any("no coefficients set the moments to zero" in note for note in out.notes)
        assert said == (unsolved and out.converged)
        found.append(said)
    assert any(found)
    assert not all(found)


def test_an_unknown_shifter_is_refused(plain):
    with pytest.raises(SchemaError, match="shifters='wage'"):
        estimate_acf(plain, Acf(shifters=("wage",)))

"""Blundell & Bond against R's plm, minimum distance by hand, and invariances."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from spillover.errors import IdentificationError, SchemaError
from spillover.production._system_gmm import cube, lay_out, system_gmm
from spillover.production.bb import Bb, common_factor, estimate_bb
from spillover.production.data import build_inputs

REFERENCE = Path(__file__).parents[1] / "reference"


def made_up() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "production_gmm_input.csv")


def inputs_of(frame, y="va", free=("l1",), state=("k",), **options):
    groups, _ = build_inputs(
        frame, output=y, free=free, state=state, by=None, logged=True, **options
    )
    return groups["all"]


@pytest.fixture(scope="module", params=["made up", "us firms"])
def case(request):
    """A panel's inputs and plm's numbers on it."""
    if request.param == "made up":
        return inputs_of(made_up()), json.loads((REFERENCE / "production_bb.json").read_text())
    shared = request.getfixturevalue("shared")
    frame = pd.read_csv(shared / "firms_teaching_panels" / "RDPerfComp.csv")
    frame = frame.rename(columns={"id": "firm", "y": "va", "n": "l1"}).astype({"year": int})
    numbers = json.loads((REFERENCE / "production_bb_teaching.json").read_text())
    return inputs_of(frame), numbers


def settings_of(fit) -> Bb:
    return Bb(
        min_lag=fit["low"],
        level_lag=1,
        collapse=fit["collapse"],
        two_step=fit["steps"] == "twosteps",
    )


def test_reduced_form_matches_plm(case):
    """plm orders lag(y), n, lag(n), k, lag(k); ours lag(y), n, k, lag(n), lag(k)."""
    inputs, numbers = case
    for fit in numbers["fits"]:
        out = estimate_bb(inputs, settings_of(fit))
        order = [0, 1, 3, 2, 4]
        ours = out.details["reduced_form"].to_numpy()[order]
        vcov = out.details["reduced_form_vcov"].to_numpy()[np.ix_(order, order)]
        assert ours == pytest.approx(fit["coefficients"], rel=1e-6), fit["call"]
        size = np.sqrt(np.outer(np.diag(vcov), np.diag(vcov)))
        assert vcov / size == pytest.approx(np.array(fit["vcov_robust"]) / size, abs=1e-6)
        assert out.details["instruments"] == fit["instruments"]
        assert out.overid.statistic == pytest.approx(fit["sargan"], rel=1e-6)
        assert out.overid.df == fit["sargan_df"]


def serial(inputs, settings, order, *, differenced_moments_only):
    """Arellano-Bond's statistic, its covariance term with all moments or the differenced ones."""
    both = cube(np.column_stack([inputs.y, inputs.X]), inputs.firm, inputs.year, inputs.firms)
    panel = lay_out(
        both[:, :, 0],
        both[:, :, 1:],
        min_lag=settings.min_lag,
        level_lag=settings.level_lag,
        collapse=settings.collapse,
    )
    fit = system_gmm(panel, np.ones(inputs.firms), two_step=settings.two_step)
    y, X, Z = panel.stacked
    K = panel.y_level.shape[1]
    first = system_gmm(panel, np.ones(inputs.firms), two_step=False)
    D = np.diff(np.eye(K), axis=0)
    E = np.vstack([D, np.eye(K)])
    if settings.two_step:
        scores = [z.T @ (yy - x @ first.b) for z, yy, x in zip(Z, y, X, strict=True)]
        S = sum(np.outer(g, g) for g in scores)
        W = np.linalg.inv(S)
    else:
        W = np.linalg.inv(sum(z.T @ E @ E.T @ z for z in Z))
    A = sum(z.T @ x for z, x in zip(Z, X, strict=True))
    B = np.linalg.inv(A.T @ W @ A)
    top = variance = 0.0
    slope, cross = np.zeros(X.shape[2]), np.zeros(Z.shape[2])
    for z, yy, x in zip(Z, y, X, strict=True):
        u = yy - x @ fit.b
        now = np.r_[u[: K - 1], np.zeros(K)]
        lag = np.r_[np.zeros(order), u[: K - 1 - order], np.zeros(K)]
        top += now @ lag
        variance += (now @ lag) ** 2
        slope += lag @ x
        cross += z.T @ (now if differenced_moments_only else u) * (now @ lag)
    return top, variance, slope, cross, B, A, W, fit.vcov


def statistic(parts):
    top, variance, slope, cross, B, A, W, vcov = parts
    return top / np.sqrt(variance - 2 * slope @ B @ A.T @ W @ cross + slope @ vcov @ slope)


def test_serial_correlation_tests(case):
    """plm leaves the level moments out of the covariance of the statistic with the estimate."""
    inputs, numbers = case
    for fit, order in product(numbers["fits"], (1, 2)):
        settings = settings_of(fit)
        out = estimate_bb(inputs, settings)
        peer = statistic(serial(inputs, settings, order, differenced_moments_only=True))
        ours = statistic(serial(inputs, settings, order, differenced_moments_only=False))
        assert out.details[f"m{order}"] == pytest.approx(ours, rel=1e-6)
        assert fit[f"m{order}"] == pytest.approx(peer, rel=1e-5, abs=1e-7)


def test_common_factor_by_hand():
    """One input: the restriction is pi2 + rho * pi1 = 0; compare with a constrained minimum."""
    pi = np.array([0.6, 0.5, 0.45, -0.2, -0.3])
    rng = np.random.default_rng(1)
    root = rng.normal(size=(5, 5)) * 0.05 + 0.1 * np.eye(5)
    V = root @ root.T
    fit = common_factor(pi, V)
    inverse = np.linalg.inv(V)
    found = optimize.minimize(
        lambda p: (p - pi) @ inverse @ (p - pi),
        pi,
        constraints=[
            {"type": "eq", "fun": lambda p: p[3] + p[0] * p[1]},
            {"type": "eq", "fun": lambda p: p[4] + p[0] * p[2]},
        ],
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert np.r_[fit.rho, fit.beta] == pytest.approx(found.x[:3], abs=1e-5)
    assert fit.statistic == pytest.approx(found.fun, rel=1e-6)
    assert fit.df == 2
    exact = common_factor(np.array([0.5, 0.6, 0.3, -0.3, -0.15]), V)
    assert exact.beta == pytest.approx([0.6, 0.3])
    assert exact.statistic == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("settings", [Bb(), Bb(collapse=False), Bb(two_step=False)])
def test_units_and_row_order_do_not_matter(settings):
    frame = made_up()
    plain = estimate_bb(inputs_of(frame), settings)
    moved = frame.assign(firm=-frame["firm"], year=frame["year"] + 30)
    moved = moved.sample(frac=1, random_state=1)
    again = estimate_bb(inputs_of(moved), settings)
    assert again.beta == pytest.approx(plain.beta, rel=1e-6)
    assert again.vcov == pytest.approx(plain.vcov, rel=1e-5)


@pytest.mark.parametrize("settings", [Bb(), Bb(two_step=False)])
def test_weights_are_copies(settings):
    frame = made_up()
    copied = pd.concat([frame, frame[frame["firm"] < 40].assign(firm=lambda d: d["firm"] + 1000)])
    counts = np.where(np.unique(frame["firm"]) < 40, 2, 1)
    weighted = estimate_bb(inputs_of(frame).drawn(counts), settings)
    rows = estimate_bb(inputs_of(copied), settings)
    assert weighted.beta == pytest.approx(rows.beta, rel=1e-6)
    assert weighted.vcov == pytest.approx(rows.vcov, rel=1e-5)
    assert weighted.details["m1"] == pytest.approx(rows.details["m1"], rel=1e-6)
    assert weighted.nobs == rows.nobs


def simulated(rng, firms=300, years=10):
    fixed, w = rng.normal(0, 0.4, firms), rng.normal(0, 0.35, firms)
    x, k, parts = fixed + rng.normal(0, 1, firms), fixed + rng.normal(0, 1, firms), []
    for year in range(years):
        y = 0.6 * x + 0.3 * k + fixed + w + rng.normal(0, 0.05, firms)
        rows = {"firm": range(firms), "year": year, "va": y, "l1": x, "k": k}
        parts.append(pd.DataFrame(rows))
        x = 0.6 * x + 0.4 * fixed + 0.4 * w + rng.normal(0, 0.5, firms)
        k = 0.7 * k + 0.3 * fixed + 0.2 * w + rng.normal(0, 0.4, firms)
        w = 0.6 * w + rng.normal(0, 0.25, firms)
    return pd.concat(parts)


def test_recovers_the_truth():
    rng = np.random.default_rng(8)
    found = [estimate_bb(inputs_of(simulated(rng))) for _ in range(20)]
    betas = np.array([out.beta for out in found])
    error = betas.std(axis=0) / np.sqrt(len(found))
    assert np.abs(betas.mean(axis=0) - [0.6, 0.3]).max() < 4 * error.max()
    assert np.mean([out.markov["rho"] for out in found]) == pytest.approx(0.6, abs=0.06)
    inside = [np.abs(out.beta - [0.6, 0.3]) < 1.96 * out.std_errors for out in found]
    assert np.mean(inside) > 0.8


def test_a_gap_breaks_lags():
    y = np.array([[1.0, 2.0, np.nan, 4.0, 5.0, 6.0]])
    panel = lay_out(y, np.empty((1, 6, 0)), min_lag=2)
    assert panel.seen_level[0].tolist() == [True, False, False, True, True]
    assert panel.seen_diff[0].tolist() == [False, False, False, True]


def test_bad_input():
    frame = made_up()
    with pytest.raises(SchemaError, match="no place for markov"):
        estimate_bb(inputs_of(frame, markov=("i",)))
    with pytest.raises(SchemaError, match="2 <= min_lag"):
        Bb(min_lag=1)
    with pytest.raises(SchemaError, match="level_lag=0"):
        Bb(level_lag=0)
    with pytest.raises(IdentificationError, match="years are too few"):
        estimate_bb(inputs_of(frame[frame["year"] < 2004]))
    with pytest.raises(IdentificationError, match="firms have three years"):
        estimate_bb(inputs_of(frame[frame["firm"] < 8], least=1))
    assert any(
        "instruments for" in note
        for note in estimate_bb(inputs_of(frame[frame["firm"] < 45]), Bb(collapse=False)).notes
    )


def test_a_year_without_rows_costs_no_estimate():
    """Its dummy and its instruments are zero everywhere: they are left out, and not counted."""
    frame = made_up()
    middle = int(frame["year"].max()) + 4  # a second spell after a gap
    spell = frame.assign(year=frame["year"] + middle - int(frame["year"].min()))
    inputs = inputs_of(pd.concat([frame, spell]))
    out = estimate_bb(inputs, Bb(min_lag=2))
    assert np.isfinite(out.beta).all()
    both = cube(np.column_stack([inputs.y, inputs.X]), inputs.firm, inputs.year, inputs.firms)
    panel = lay_out(both[:, :, 0], both[:, :, 1:], min_lag=2, collapse=False)
    for block in (panel.Z_diff, panel.Z_level, panel.X_level):
        assert (block != 0).any(axis=(0, 1)).all()


def test_third_order_serial_correlation_is_the_one_to_look_at(case):
    """Errors of a moving average correlate at the second order by construction."""
    inputs, _ = case
    settings = Bb(level_lag=1)
    out = estimate_bb(inputs, settings)
    want = statistic(serial(inputs, settings, 3, differenced_moments_only=False))
    assert out.details["m3"] == pytest.approx(want, rel=1e-6)

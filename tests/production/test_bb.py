"""Blundell & Bond against R's plm, minimum distance by hand, and invariances."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from spillover.errors import IdentificationError, SchemaError
from spillover.production.bb import Bb, common_factor, estimate_bb
from spillover.production.data import build_inputs

REFERENCE = Path(__file__).parents[1] / "reference"
_SPEC = importlib.util.spec_from_file_location(
    "dense_system_gmm", Path(__file__).with_name("dense_system_gmm.py")
)
dense = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(dense)


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
        assert out.objective == pytest.approx(fit["sargan"], rel=1e-6)
        assert out.overid.df == fit["sargan_df"]
        two = estimate_bb(inputs, replace(settings_of(fit), two_step=True))
        assert out.overid.statistic == pytest.approx(two.objective, rel=1e-9)


def dense_layout(inputs, settings):
    columns = np.column_stack([inputs.y, inputs.X])
    both = dense.cube(columns, inputs.firm, inputs.year, inputs.firms)
    return dense.lay_out(
        both[:, :, 0],
        both[:, :, 1:],
        min_lag=settings.min_lag,
        max_lag=settings.max_lag,
        level_lag=settings.level_lag,
        collapse=settings.collapse,
        years=settings.years,
    )


@pytest.mark.parametrize(
    "settings",
    [
        Bb(),
        Bb(min_lag=2, max_lag=3, collapse=False),
        Bb(min_lag=2, two_step=False, years=False),
        Bb(level_lag=1, max_lag=4),
    ],
)
def test_dense_cubes_give_the_same(settings):
    """With a gap in a third of the firms, an absent year, and firms that count twice or never."""
    frame = made_up()
    rng = np.random.default_rng(5)
    frame = frame[~((frame["firm"] % 3 == 0) & (rng.random(len(frame)) < 0.1))]
    inputs = inputs_of(frame)
    inputs = inputs.drawn(rng.integers(0, 3, inputs.firms))
    out = estimate_bb(inputs, settings)
    panel = dense_layout(inputs, settings)
    times = np.zeros(inputs.firms)
    times[inputs.firm] = inputs.weights
    fit = dense.system_gmm(panel, times, two_step=settings.two_step)
    k = len(out.details["reduced_form"])
    assert out.details["instruments"] == panel.instruments
    assert out.nobs == times @ panel.seen_level.sum(axis=1)
    assert out.nobs_second == times @ panel.seen_diff.sum(axis=1)
    assert out.details["reduced_form"].to_numpy() == pytest.approx(fit.b[:k], rel=1e-7)
    size = np.sqrt(np.diag(fit.vcov[:k, :k]))
    ours = out.details["reduced_form_vcov"].to_numpy() / size / size[:, None]
    assert ours == pytest.approx(fit.vcov[:k, :k] / size / size[:, None], abs=1e-7)
    assert out.objective == pytest.approx(fit.hansen, rel=1e-7)
    for name in ("m1", "m2", "m3"):
        assert out.details[name] == pytest.approx(getattr(fit, name), rel=1e-6), name


def serial(inputs, settings, order, *, differenced_moments_only):
    """Arellano-Bond's statistic, its covariance term with all moments or the differenced ones."""
    panel = dense_layout(inputs, settings)
    fit = dense.system_gmm(panel, np.ones(inputs.firms), two_step=settings.two_step)
    y, X, Z = panel.stacked
    K = panel.y_level.shape[1]
    first = dense.system_gmm(panel, np.ones(inputs.firms), two_step=False)
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
    """Firm 0 lacks year 5: the equations of 5 and 6 go, and the differences of 5, 6 and 7."""
    frame = simulated(np.random.default_rng(3), firms=60)
    whole = estimate_bb(inputs_of(frame), Bb(min_lag=2))
    out = estimate_bb(inputs_of(frame[(frame["firm"] != 0) | (frame["year"] != 5)]), Bb(min_lag=2))
    assert (whole.nobs, whole.nobs_second) == (60 * 9, 60 * 8)
    assert (out.nobs, out.nobs_second) == (60 * 9 - 2, 60 * 8 - 3)


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
    settings = Bb(min_lag=2, collapse=False)
    out = estimate_bb(inputs, settings)
    assert np.isfinite(out.beta).all()
    panel = dense_layout(inputs, settings)
    columns = [panel.Z_diff, panel.Z_level]
    alive = sum(int((block != 0).any(axis=(0, 1)).sum()) for block in columns)
    assert out.details["instruments"] == alive


def test_third_order_serial_correlation_is_the_one_to_look_at(case):
    """Errors of a moving average correlate at the second order by construction."""
    inputs, _ = case
    settings = Bb(level_lag=1)
    out = estimate_bb(inputs, settings)
    want = statistic(serial(inputs, settings, 3, differenced_moments_only=False))
    assert out.details["m3"] == pytest.approx(want, rel=1e-6)

"""Olley & Pakes against R's prodest, statsmodels and brute force."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import optimize

import spillover as sp
from spillover.errors import IdentificationError, SchemaError
from spillover.production._survival import probit, survival_probability
from spillover.production.data import build_inputs
from spillover.production.op import (
    Op,
    estimate_op,
    first_stage,
    second_stage,
)

REFERENCE = Path(__file__).parents[1] / "reference"
PLAIN = Op(degree=2, exit_correction=False)
PEER = Op(degree=2, exit_correction=False, law_outcome="fitted")


def made_up() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "production_gmm_input.csv")


def inputs_of(frame, y="va", free=("l1", "l2"), state=("k",), proxy="i", **options):
    groups, _ = build_inputs(
        frame, output=y, free=free, state=state, proxy=proxy, by=None, logged=True, **options
    )
    return groups["all"]


@pytest.fixture(scope="module", params=["made up", "chile"])
def case(request):
    """A panel's inputs and prodest's numbers on it."""
    if request.param == "made up":
        numbers = json.loads((REFERENCE / "production_op_wooldridge.json").read_text())
        return inputs_of(made_up()), numbers
    shared = request.getfixturevalue("shared")
    frame = pd.read_csv(shared / "firms_chile_prodest" / "chilean.csv")
    names = {"idvar": "firm", "timevar": "year", "Y": "va", "fX1": "l1", "fX2": "l2"}
    frame = frame.rename(columns={**names, "sX": "k", "inv": "i"}).astype({"year": int})
    numbers = json.loads((REFERENCE / "production_op_wooldridge_chile.json").read_text())
    return inputs_of(frame), numbers


def peer_survival(inputs) -> np.ndarray:
    """Peer's probability: leaving after t, given t-1, over all years; probit by statsmodels."""
    last = pd.Series(inputs.year).groupby(inputs.firm).transform("max").to_numpy()
    leaves = ((inputs.year == last) & (last != inputs.year.max())).astype(float)
    k, i = inputs.lagged(inputs.state[:, 0]), inputs.lagged(inputs.proxy)
    Z = np.column_stack([np.ones(len(k)), k, i, k * i, k**2, i**2])
    at = np.isfinite(Z).all(axis=1)
    out = np.full(len(k), np.nan)
    link = sm.families.links.Probit()
    fit = sm.GLM(leaves[at], Z[at], family=sm.families.Binomial(link)).fit(tol=1e-12)
    out[at] = fit.predict(Z[at])
    return out


@pytest.mark.parametrize("exit_correction", [False, True])
def test_matches_prodest(case, exit_correction):
    """The criterion to the peer's own noise, its optimum to the spread of the peer's runs.

    The peer solves normal equations in raw powers (and of the probability of exit): its criterion
    is noisy at 1e-9, with exit 2e-8, of its value, which moves its optimum by 1e-5 to 1e-4.
    """
    noise = 1e-7 if exit_correction else 1e-8
    inputs, numbers = case
    theirs = numbers["op_exit" if exit_correction else "op"]
    survival = peer_survival(inputs) if exit_correction else None
    first = first_stage(inputs, PEER)
    assert first.beta == pytest.approx(theirs["runs"][0]["pars"][:2], rel=1e-8)
    ours = second_stage(inputs, first, PEER, survival)
    assert ours.nobs_second == theirs["nobs"]
    spread = np.ptp([run["pars"][2] for run in theirs["runs"]] + [theirs["state"]])
    assert ours.beta[2] == pytest.approx(theirs["state"], abs=3 * spread + 1e-6)
    assert ours.objective * ours.nobs_second == pytest.approx(theirs["value"], rel=noise)
    if survival is not None:
        at = inputs.second
        assert survival[at].sum() == pytest.approx(theirs["exit_sum"], rel=1e-6)
    values = [ours.criterion(np.array([b])) * ours.nobs_second for b in theirs["at"]]
    assert values == pytest.approx(theirs["criterion"], rel=noise)


def brute(inputs, first, survival=None, drivers=None):
    """Least squares over beta by a fine bracket, the law of motion by lstsq."""
    at = inputs.second
    phi_lag, k = inputs.lagged(first.phi)[at], inputs.state[at, 0]
    k_lag = inputs.lagged(inputs.state[:, 0])[at]
    target = (inputs.y - inputs.free @ first.beta)[at]
    keep = np.isfinite(phi_lag) & (np.isfinite(survival[at]) if survival is not None else True)

    def criterion(b):
        h = (phi_lag - b * k_lag)[keep]
        terms = [h**p for p in range(4)]
        if survival is not None:
            P = survival[at][keep]
            terms += [P, P**2, P**3, P * h, P**2 * h, P * h**2]
        if drivers is not None:
            terms.append(drivers[at][keep])
        G = np.column_stack(terms)
        u = (target - b * k)[keep]
        return float(np.sum((u - G @ np.linalg.lstsq(G, u, rcond=None)[0]) ** 2))

    grid = np.linspace(-1, 2, 301)
    best = grid[np.argmin([criterion(b) for b in grid])]
    found = optimize.minimize_scalar(
        criterion, bounds=(best - 0.02, best + 0.02), method="bounded", options={"xatol": 1e-10}
    )
    return found.x, found.fun


def test_least_squares_by_brute_force(case):
    inputs, _ = case
    first = first_stage(inputs, PLAIN)
    b, value = brute(inputs, first)
    ours = estimate_op(inputs, PLAIN)
    assert ours.objective * ours.nobs_second == pytest.approx(value, rel=1e-9)
    assert ours.beta[2] == pytest.approx(b, abs=2e-5)


def test_exit_correction_by_brute_force(case):
    inputs, _ = case
    settings = Op(degree=2)
    first = first_stage(inputs, settings)
    survival = inputs.lagged(survival_probability(inputs, inputs.proxy, 2).probability)
    b, value = brute(inputs, first, survival)
    ours = estimate_op(inputs, settings)
    assert ours.objective * ours.nobs_second == pytest.approx(value, rel=1e-8)
    assert ours.beta[2] == pytest.approx(b, abs=1e-4)


def test_first_stage_is_statsmodels_ols(case):
    inputs, _ = case
    k, i = inputs.state[:, 0], inputs.proxy
    X = np.column_stack([inputs.free, np.ones(len(k)), k, i, k * i, k**2, i**2])
    fit = sm.OLS(inputs.y, X).fit()
    ours = first_stage(inputs, PLAIN)
    assert ours.beta == pytest.approx(fit.params[:2], rel=1e-8)
    assert ours.phi == pytest.approx(fit.fittedvalues - inputs.free @ fit.params[:2], rel=1e-8)
    assert ours.r2 == pytest.approx(fit.rsquared, rel=1e-9)


def test_probit_is_statsmodels_probit():
    rng = np.random.default_rng(0)
    B = np.column_stack([np.ones(500), rng.normal(size=(500, 2))])
    stays = (B @ [0.8, 0.5, -0.3] + rng.normal(size=500) > 0).astype(float)
    weights = rng.integers(1, 4, 500).astype(float)
    fit = sm.GLM(
        stays,
        B,
        family=sm.families.Binomial(sm.families.links.Probit()),
        freq_weights=weights,
    ).fit(tol=1e-13)
    ours, _ = probit(B, stays, weights)
    assert ours == pytest.approx(np.asarray(fit.params), rel=1e-7)


def test_probit_of_separated_data_is_refused():
    x = np.linspace(-1, 1, 60)
    with pytest.raises(IdentificationError, match="apart perfectly"):
        probit(np.column_stack([np.ones(60), x]), (x > 0).astype(float), np.ones(60))


def test_probit_settles_where_a_few_far_out_rows_are_told_apart():
    """A cubic index runs off in the tails; the likelihood does not."""
    rng = np.random.default_rng(0)
    x = np.r_[rng.normal(size=400), 6.0, 7.0]
    stays = (0.7 + x + rng.normal(size=402) > 0).astype(float)
    B = np.column_stack([np.ones(402), x, x**2, x**3, (x > 5).astype(float)])
    c, _ = probit(B, stays, np.ones(402))
    inside = probit(B[:400, :4], stays[:400], np.ones(400))[0]
    assert c[:4] == pytest.approx(inside, abs=1e-4)


def test_survival_is_timed_from_t_to_next_year_and_leaves_the_last_year_out():
    inputs = inputs_of(made_up())
    fit = survival_probability(inputs, inputs.proxy, 1)
    known = inputs.year < inputs.year.max()
    stays = np.array(
        [
            ((inputs.firm == f) & (inputs.year == t + 1)).any()
            for f, t in zip(inputs.firm, inputs.year, strict=True)
        ]
    )
    assert fit.nobs == known.sum()
    assert fit.exits == (known & ~stays).sum()
    B = np.column_stack([np.ones(len(inputs)), inputs.state[:, 0], inputs.proxy])
    theirs = sm.Probit(stays[known].astype(float), B[known]).fit(disp=0, tol=1e-12)
    assert fit.probability == pytest.approx(theirs.predict(B), rel=1e-5)
    gaps = survival_probability(inputs, inputs.proxy, 1, gaps_are_exits=False)
    assert gaps.exits == fit.exits - fit.comes_back > 0


def test_rows_without_investment_keep_a_productivity_and_are_counted():
    frame = made_up()
    none = frame.index[::7]
    frame.loc[none, "i"] = np.nan
    inputs = inputs_of(frame, optional=("i",))
    out = estimate_op(inputs, PLAIN)
    assert len(inputs) == len(frame)
    assert np.isfinite(out.omega).all()
    assert out.nobs == len(frame) - len(none)
    assert out.details["no_investment"] == len(none)
    assert any(f"{len(none)} rows without positive i" in note for note in out.notes)
    assert np.isnan(out.phi).sum() == len(none)
    # a row without investment still follows one with it: its output is used at t
    lagged = np.isfinite(inputs.lagged(inputs.proxy))
    assert out.nobs_second == (lagged & inputs.has_lag).sum()


def test_nobody_leaves():
    frame = made_up()
    whole = frame.groupby("firm")["year"].transform("size") == frame["year"].nunique()
    out = estimate_op(inputs_of(frame[whole]), Op(degree=2))
    assert any("no correction for exit" in note for note in out.notes)
    assert out.beta == pytest.approx(estimate_op(inputs_of(frame[whole]), PLAIN).beta)


def test_gaps_that_count_as_exit_are_noted():
    out = estimate_op(inputs_of(made_up()), Op(degree=2))
    assert any("come back later" in note for note in out.notes)


@pytest.mark.parametrize("settings", [Op(degree=2), Op(), replace(PEER, degree=3)])
def test_units_and_row_order_do_not_matter(settings):
    frame = made_up()
    plain = estimate_op(inputs_of(frame), settings)
    moved = frame.assign(va=frame["va"] + 3, k=frame["k"] + 2, i=frame["i"] - 1)
    moved = moved.assign(firm=-moved["firm"]).sample(frac=1, random_state=1)
    again = estimate_op(inputs_of(moved), settings)
    assert again.beta == pytest.approx(plain.beta, abs=1e-5)
    assert again.objective == pytest.approx(plain.objective, rel=1e-8)


@pytest.mark.parametrize("settings", [PLAIN, Op(degree=2)])
def test_weights_are_copies(settings):
    frame = made_up()
    copied = pd.concat([frame, frame[frame["firm"] < 40].assign(firm=lambda d: d["firm"] + 1000)])
    inputs = inputs_of(frame)
    counts = np.where(np.unique(frame["firm"]) < 40, 2, 1)
    weighted = estimate_op(inputs.drawn(counts), settings)
    rows = estimate_op(inputs_of(copied), settings)
    assert weighted.beta == pytest.approx(rows.beta, abs=1e-6)
    assert weighted.objective == pytest.approx(rows.objective, rel=1e-8)
    near = estimate_op(inputs.drawn(counts), settings, near=weighted.beta)
    assert near.beta == pytest.approx(weighted.beta, abs=1e-6)


def test_drivers_enter_the_law_of_motion():
    frame = made_up().assign(x=np.random.default_rng(0).normal(size=885))
    inputs = inputs_of(frame, markov=("x",))
    first = first_stage(inputs, PLAIN)
    b, value = brute(inputs, first, drivers=inputs.markov[:, 0])
    ours = estimate_op(inputs, PLAIN)
    assert ours.objective * ours.nobs_second == pytest.approx(value, rel=1e-8)
    assert ours.beta[2] == pytest.approx(b, abs=1e-4)
    assert list(ours.markov.index) == ["constant", "omega", "omega^2", "omega^3", "x"]
    crossed = estimate_op(inputs, replace(PLAIN, interact=1))
    assert crossed.markov.index[-1] == "x:omega"
    assert crossed.objective <= ours.objective


def test_shifters_enter_phi():
    frame = made_up().assign(z=np.random.default_rng(0).normal(size=885))
    inputs = inputs_of(frame, extra=("z",))
    k, i = inputs.state[:, 0], inputs.proxy
    z = inputs.extra["z"]
    X = np.column_stack([inputs.free, np.ones(len(k)), k, i, k * i, k**2, i**2, z])
    fit = sm.OLS(inputs.y, X).fit()
    ours = first_stage(inputs, replace(PLAIN, shifters=("z",)))
    assert ours.beta == pytest.approx(fit.params[:2], rel=1e-8)
    assert ours.phi == pytest.approx(fit.fittedvalues - inputs.free @ fit.params[:2], rel=1e-8)


def test_bad_input():
    frame = made_up()
    with pytest.raises(SchemaError, match="needs proxy='investment'"):
        estimate_op(inputs_of(frame, proxy=None))
    with pytest.raises(SchemaError, match="at least one state"):
        estimate_op(inputs_of(frame, state=()))
    with pytest.raises(SchemaError, match="law_outcome='out'"):
        Op(law_outcome="out")
    with pytest.raises(SchemaError, match="whole number"):
        Op(degree=0)
    with pytest.raises(IdentificationError, match="too few"):
        estimate_op(inputs_of(frame[frame["firm"] < 2], least=1))
    same = frame.assign(l2=frame["k"] ** 2 + frame["i"])
    with pytest.raises(IdentificationError, match="'l2' is a polynomial"):
        estimate_op(inputs_of(same))


def simulated(rng, firms=400, years=8):
    """OP's world: labour flexible, firms leave when productivity is low for their capital.

    Capital is hit by shocks after investment. Without them it is a function of last year's state,
    as (omega, P) are, and only the polynomials' finite degree would identify its coefficient.
    """
    w, k = rng.normal(0, 0.4, firms), rng.normal(2, 0.6, firms)
    alive, parts = np.ones(firms, dtype=bool), []
    for year in range(years):
        i = 0.5 + 0.8 * w + 0.4 * k
        drawn = k + w + rng.normal(0, 0.3, firms)
        y = 0.6 * drawn + 0.4 * k + w + rng.normal(0, 0.1, firms)
        rows = pd.DataFrame({"firm": range(firms), "year": year, "va": y})
        parts.append(rows.assign(l1=drawn, k=k, i=i)[alive])
        plan = np.log(0.7 * np.exp(k) + 0.3 * np.exp(i))
        w = 0.7 * w + rng.normal(0, 0.25, firms)
        alive &= w > -0.1 - 0.5 * (plan - 2)
        k = plan + rng.normal(0, 0.1, firms)
    return pd.concat(parts)


def test_recovers_the_truth_and_the_correction_matters():
    rng = np.random.default_rng(11)
    found = {True: [], False: []}
    for _ in range(12):
        inputs = inputs_of(simulated(rng), free=("l1",))
        for correct, betas in found.items():
            betas.append(estimate_op(inputs, Op(exit_correction=correct)).beta)
    right, wrong = np.mean(found[True], axis=0), np.mean(found[False], axis=0)
    error = np.std(found[True], axis=0) / np.sqrt(12)
    assert np.abs(right - [0.6, 0.4]).max() < 4 * error.max()
    assert abs(right[1] - 0.4) < abs(wrong[1] - 0.4)


def exits_at(k, i):
    """Nobody leaves but three firms, in a middle year, with capital and investment as given."""
    frame = made_up()
    whole = frame.groupby("firm")["year"].transform("size") == frame["year"].nunique()
    frame = frame[whole]
    leave = frame["firm"].unique()[3:6]
    middle = int(frame["year"].median())
    frame = frame[~(frame["firm"].isin(leave) & (frame["year"] > middle))].copy()
    gone = frame["firm"].isin(leave) & (frame["year"] == middle)
    frame.loc[gone, ["k", "i"]] = [k(frame["k"]), i(frame["i"])]
    return inputs_of(frame)


def test_a_probit_that_does_not_settle_is_lowered_with_a_note_or_refused():
    """Exits at one point inside the cloud: a polynomial of high degree tells them apart."""
    inputs = exits_at(lambda k: k.mean(), lambda i: i.mean())
    out = estimate_op(inputs, Op(degree=1, survival_degree=1))
    assert out.details["probit_degree"] == 1
    assert out.details["probit_exits"] == 3
    with pytest.raises(IdentificationError, match=r"probit of survival.*3 exits.*survival_degree"):
        estimate_op(inputs, Op(degree=2, survival_degree=6))
    high = estimate_op(inputs, Op(degree=6))
    assert high.details["probit_degree"] < 6
    assert any("does not settle with degree 6; degree" in note for note in high.notes)


def test_exits_told_apart_by_every_polynomial_are_refused_with_the_remedy():
    inputs = exits_at(lambda k: k.mean(), lambda i: i.min() - 5)
    with pytest.raises(IdentificationError, match=r"apart perfectly.*exit_correction=False"):
        estimate_op(inputs, Op(degree=2))
    assert estimate_op(inputs, Op(degree=2, exit_correction=False)).converged


@pytest.mark.parametrize("degree", [3, 4, 5])
def test_no_warning_and_no_bare_error_on_panels_with_exit(degree):
    for seed in range(6):
        data = sp.simulate.production("op_exit", firms=60, years=range(2000, 2007), rng=seed).data
        groups, _ = build_inputs(
            data,
            output="value_added",
            free=["employment"],
            state=["capital"],
            proxy="investment",
            by=None,
            optional=("investment",),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                out = estimate_op(groups["all"], Op(degree=degree))
            except IdentificationError:
                continue
        assert np.isfinite(out.beta).all()


def test_the_criterion_along_capital_is_the_one_searched(case):
    inputs, _ = case
    out = estimate_op(inputs, PLAIN)
    assert out.searched == ("k",)
    values = [out.criterion(out.beta[2:] + step) for step in (-0.01, 0.0, 0.01)]
    assert values[1] == pytest.approx(out.objective, rel=1e-10)
    assert min(values[0], values[2]) > values[1]


def test_survival_enters_as_a_complete_polynomial_in_natural_units():
    """The law's coefficients reproduce its fit, whatever was centred on the way."""
    inputs = inputs_of(made_up())
    out = estimate_op(inputs, Op(degree=2))
    first = first_stage(inputs, Op(degree=2))
    P = inputs.lagged(survival_probability(inputs, inputs.proxy, 2).probability)
    h = inputs.lagged(first.phi - inputs.state @ out.beta[2:])
    at = np.flatnonzero(np.isfinite(out.xi))
    h, P = h[at], P[at]
    terms = {
        "constant": 1.0,
        "omega": h,
        "survival": P,
        "omega^2": h**2,
        "omega:survival": h * P,
        "survival^2": P**2,
        "omega^3": h**3,
        "omega^2:survival": h**2 * P,
        "omega:survival^2": h * P**2,
        "survival^3": P**3,
    }
    assert sorted(terms) == sorted(out.markov.index)
    fit = sum(out.markov[name] * column for name, column in terms.items())
    net = (inputs.y - inputs.X @ out.beta)[at]
    assert net - fit == pytest.approx(out.xi[at], abs=1e-6)

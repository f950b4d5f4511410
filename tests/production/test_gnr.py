"""Gandhi, Navarro & Rivers against R's gnrprod, known truth, brute force and invariances."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

import spillover as sp
from spillover.errors import IdentificationError, SchemaError
from spillover.production._share import share_regression
from spillover.production.data import build_inputs
from spillover.production.gnr import Gnr, _elasticities, estimate_gnr
from spillover.production.polynomial import basis, exponents

REFERENCE = Path(__file__).parents[1] / "reference"


def made_up() -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "production_gmm_input.csv")
    return frame.assign(share=np.exp(frame["share"]))


def inputs_of(frame, y="y", free=(), state=("l1", "k"), proxy="m", extra=("share",), **options):
    groups, _ = build_inputs(
        frame,
        output=y,
        free=free,
        state=state,
        proxy=proxy,
        by=None,
        logged=True,
        extra=extra,
        **options,
    )
    return groups["all"]


@pytest.fixture(scope="module", params=["made up", "colombia"])
def case(request):
    """A panel and gnrprod's numbers on it."""
    if request.param == "made up":
        return made_up(), json.loads((REFERENCE / "production_gnr.json").read_text())
    shared = request.getfixturevalue("shared")
    frame = pd.read_csv(shared / "firms_colombia_gnr" / "colombian_311.csv")
    names = {"id": "firm", "RGO": "y", "L": "l1", "K": "k", "RI": "m"}
    frame = frame.rename(columns=names).astype({"year": int})
    numbers = json.loads((REFERENCE / "production_gnr_colombia.json").read_text())
    return frame.assign(share=np.exp(frame["share"])), numbers


def by_row(frame):
    """Years numbered without gaps: the peer's lag is the row before, whatever its year."""
    frame = frame.sort_values(["firm", "year"])
    return frame.assign(year=frame.groupby("firm").cumcount())


def peer_terms(numbers) -> np.ndarray:
    return np.array([[int(e) for e in term.split(".")[:-1]] for term in numbers["terms"]])


def raw_terms(X, table):
    return np.column_stack([np.prod(X**row, axis=1) for row in table])


@pytest.mark.parametrize("degrees", ["333", "223"])
def test_share_regression_matches_gnrprod(case, degrees):
    frame, numbers = case
    numbers = numbers[f"degrees_{degrees}"]
    inputs = inputs_of(frame)
    everything = np.column_stack([inputs.X, inputs.proxy])
    out = share_regression(
        everything, np.log(inputs.extra["share"]), int(degrees[0]), inputs.weights
    )
    assert out.converged
    theirs = numbers.get("tight_first") or numbers["default"]
    loose = numbers.get("tight_first") is None or not numbers["tight_first"]
    assert out.ssr == pytest.approx(theirs["ssr"], rel=1e-10 if not loose else 1e-7)
    assert out.elasticity.mean() == pytest.approx(
        theirs["elasticities"][2], rel=1e-7 if not loose else 1e-4
    )


def test_published_share_regression(shared):
    frame = pd.read_csv(shared / "firms_colombia_gnr" / "colombian_311.csv")
    frame = frame.rename(columns={"id": "firm", "RGO": "y", "L": "l1", "K": "k", "RI": "m"})
    frame = frame.astype({"year": int}).assign(share=np.exp(frame["share"]))
    out = estimate_gnr(inputs_of(frame), Gnr(3, 3, 3, share="share"))
    assert round(out.first_stage["ssr"], 4) == 315.1547
    assert round(out.elasticity[2], 4) == 0.6793
    # the peer reports 0.2332 and 0.1124, where its optimiser stops (criterion 0.002222362)
    assert out.elasticity[:2] == pytest.approx([0.2332, 0.1124], abs=0.01)
    assert out.objective < 1e-20


@pytest.mark.parametrize("degrees", ["333", "223"])
def test_second_stage_criterion_at_the_peers_coefficients(case, degrees):
    """Same criterion, elasticities and productivity at the peer's point; ours solves the moments.

    As many moments as coefficients: zero can be reached, and the peer's BFGS, with numerical
    gradients of step 1e-3 in raw powers, stops before.
    """
    frame, numbers = case
    numbers = numbers[f"degrees_{degrees}"]["default"]
    inputs = inputs_of(by_row(frame))
    degree, tau = int(degrees[0]), int(degrees[1])
    everything = np.column_stack([inputs.X, inputs.proxy])
    share = share_regression(everything, np.log(inputs.extra["share"]), degree, inputs.weights)
    table = peer_terms(numbers)
    C = raw_terms(inputs.X, table)
    c = np.array(numbers["coefficients"])
    powers = exponents(3, degree)
    D = share.coefficients / share.constant / (powers[:, 2] + 1)
    G = raw_terms(everything, powers) @ D * inputs.proxy
    level = inputs.y - share.epsilon - G
    assert np.mean(level - C @ c + share.epsilon) == pytest.approx(
        numbers["mean_log_productivity"], abs=2e-4
    )

    def criterion(c):
        omega = level - C @ c
        now, before = omega[inputs.second], inputs.lagged(omega)[inputs.second]
        P = np.column_stack([before**p for p in range(4)])
        xi = now - P @ np.linalg.lstsq(P, now, rcond=None)[0]
        return float(np.sum((C[inputs.second].T @ xi / len(xi)) ** 2))

    assert criterion(c) == pytest.approx(numbers["value"], rel=2e-2, abs=2e-8)
    ours = estimate_gnr(inputs, Gnr(degree, tau, 3, share="share"))
    mine = exponents(2, tau)[1:]
    order = [[tuple(row) for row in mine.tolist()].index(tuple(row)) for row in table.tolist()]
    assert criterion(ours.beta[order]) < 1e-3 * numbers["value"]
    back = np.empty(len(c))
    back[order] = c
    rows = _elasticities(share, everything, back, mine)
    assert rows.mean(axis=0) == pytest.approx(numbers["elasticities"], abs=2e-4)
    assert rows.std(axis=0, ddof=1) == pytest.approx(numbers["sd_rows"], abs=5e-4)


def test_lag_is_the_calendar_year_before(case):
    frame, _ = case
    settings = Gnr(share="share")
    calendar, row = (estimate_gnr(inputs_of(f), settings) for f in (frame, by_row(frame)))
    assert calendar.nobs_second < row.nobs_second
    assert not np.allclose(calendar.elasticity, row.elasticity, atol=1e-5)


def test_share_regression_is_the_least_squares_minimum():
    inputs = inputs_of(made_up())
    everything = np.column_stack([inputs.X, inputs.proxy])
    s = np.log(inputs.extra["share"])
    out = share_regression(everything, s, 2, inputs.weights)
    B = basis(everything, 2, standardise=False)
    polished = optimize.least_squares(
        lambda c: np.log(np.maximum(B @ c, 1e-8)) - s, np.r_[0.5, np.zeros(9)], xtol=1e-14
    )
    assert out.ssr == pytest.approx(2 * polished.cost, rel=1e-9)
    assert out.constant == pytest.approx(np.exp(np.log(B @ out.coefficients) - s).mean())


def test_elasticities_are_derivatives_of_the_function():
    inputs = inputs_of(made_up())
    settings = Gnr(3, 2, 3, share="share")
    out = estimate_gnr(inputs, settings)
    table = exponents(2, 2)[1:]
    everything = np.column_stack([inputs.X, inputs.proxy])
    share = share_regression(everything, np.log(inputs.extra["share"]), 3, inputs.weights)
    powers = exponents(3, 3)
    D = share.coefficients / share.constant / (powers[:, 2] + 1)

    def f(x):
        return raw_terms(x, powers) @ D * x[:, 2] + raw_terms(x[:, :2], table) @ out.beta

    for j in range(3):
        e = np.zeros(3)
        e[j] = 1e-5
        central = (f(everything + e) - f(everything - e)) / 2e-5
        assert out.elasticity_rows[:, j] == pytest.approx(central, abs=1e-8)
    assert out.omega == pytest.approx(inputs.y - f(everything), abs=1e-9)


def test_truth_of_the_simulated_panel(shared):
    """500 firms, 30 years, elasticities 0.25 and 0.65; shares centre on 0.65 in logs (E = 1)."""
    frame = pd.read_parquet(shared / "firms_gnr_sim500" / "gnr_data_500.parquet")
    frame = frame.rename(columns={"id": "firm", "time": "year", "yg": "y", "i": "m"})
    frame = frame[["firm", "year", "y", "k", "m", "si_level"]].rename(columns={"si_level": "share"})
    inputs = inputs_of(frame, state=("k",))
    out = estimate_gnr(inputs, Gnr(share="share", expectation="one"))
    assert out.elasticity == pytest.approx([0.25, 0.65], abs=0.02)
    assert out.elasticity_rows.std(axis=0).max() < 0.01
    divided = estimate_gnr(inputs, Gnr(share="share"))
    E = divided.details["constant"]
    assert divided.elasticity[1] == pytest.approx(out.elasticity[1] / E)
    assert pytest.approx(np.exp(0.2663**2 / 2), abs=2e-3) == E


@pytest.mark.parametrize("degrees", [(1, 1, 1), (2, 2, 3), (3, 2, 2)])
def test_units_and_row_order_do_not_matter(degrees):
    if degrees[0] > degrees[1]:
        pytest.skip("the integral from a log of zero then depends on the flexible input's units")
    frame = made_up()
    plain = estimate_gnr(inputs_of(frame), Gnr(*degrees, share="share"))
    moved = frame.assign(y=frame["y"] + 3, k=frame["k"] + 2, m=frame["m"] - 1, l1=frame["l1"] + 1)
    moved = moved.assign(firm=-moved["firm"]).sample(frac=1, random_state=1)
    again = estimate_gnr(inputs_of(moved), Gnr(*degrees, share="share"))
    assert again.elasticity == pytest.approx(plain.elasticity, abs=1e-6)


def test_weights_are_copies():
    frame = made_up()
    copied = pd.concat([frame, frame[frame["firm"] < 40].assign(firm=lambda d: d["firm"] + 1000)])
    counts = np.where(np.unique(frame["firm"]) < 40, 2, 1)
    weighted = inputs_of(frame).drawn(counts)
    settings = Gnr(share="share")
    one, rows = estimate_gnr(weighted, settings), estimate_gnr(inputs_of(copied), settings)
    assert one.elasticity == pytest.approx(rows.elasticity, abs=1e-7)
    assert one.first_stage["ssr"] == pytest.approx(rows.first_stage["ssr"], rel=1e-9)
    near = estimate_gnr(weighted, settings, near=one.beta)
    assert near.elasticity == pytest.approx(one.elasticity, abs=1e-7)


def test_rows_without_a_share_get_a_productivity_and_are_counted():
    frame = made_up()
    frame.loc[frame.index[::50], "share"] = 0.0
    out = estimate_gnr(inputs_of(frame), Gnr(share="share"))
    lost = len(frame.index[::50])
    assert out.nobs == len(frame) - lost
    assert np.isfinite(out.omega).all()
    assert np.isnan(out.phi).sum() == lost
    assert any(f"{lost} rows without a positive share" in note for note in out.notes)


def test_flexible_labour_is_instrumented_by_its_lag():
    rng = np.random.default_rng(3)
    w, k, parts = rng.normal(0, 0.3, 800), rng.normal(2, 0.8, 800), []
    wage = rng.normal(0, 0.5, 800)
    for year in range(6):
        labour = k + 1.5 * w - wage
        m = (np.log(0.5) + w + 0.3 * labour + 0.15 * k) / 0.5
        e = rng.normal(0, 0.1, 800)
        y = 0.5 * m + 0.3 * labour + 0.15 * k + w + e
        rows = {"firm": range(800), "year": year, "y": y, "l": labour, "k": k, "m": m}
        parts.append(pd.DataFrame({**rows, "share": 0.5 * np.exp(0.005 - e)}))
        k = 0.9 * k + 0.3 * w + rng.normal(0, 0.2, 800)
        wage = 0.7 * wage + rng.normal(0, 0.3, 800)
        w = 0.7 * w + rng.normal(0, 0.2, 800)
    inputs = inputs_of(pd.concat(parts), free=("l",), state=("k",))
    degrees = {"share_degree": 1, "integration_degree": 1, "share": "share"}
    right = estimate_gnr(inputs, Gnr(**degrees, free_timing="flexible"))
    wrong = estimate_gnr(inputs, Gnr(**degrees))
    assert right.inputs == ("l", "k", "m")
    assert right.elasticity == pytest.approx([0.3, 0.15, 0.5], abs=0.05)
    assert abs(wrong.elasticity[0] - 0.3) > 0.1


def test_drivers_enter_the_law_of_motion():
    frame = made_up().assign(x=np.random.default_rng(0).normal(size=885))
    out = estimate_gnr(inputs_of(frame, markov=("x",)), Gnr(share="share", interact=1))
    assert list(out.markov.index[-2:]) == ["x", "x:omega"]


def test_bad_input():
    frame = made_up()
    with pytest.raises(SchemaError, match="flexible input as proxy"):
        estimate_gnr(inputs_of(frame, proxy=None))
    with pytest.raises(SchemaError, match="an input besides"):
        estimate_gnr(inputs_of(frame, state=()))
    with pytest.raises(SchemaError, match="share='nowhere'"):
        estimate_gnr(inputs_of(frame), Gnr(share="nowhere"))
    with pytest.raises(SchemaError, match="integration_degree must be"):
        Gnr(integration_degree=0)
    with pytest.raises(SchemaError, match="expectation='two'"):
        Gnr(expectation="two")
    with pytest.raises(IdentificationError, match="too few"):
        estimate_gnr(inputs_of(frame[frame["firm"] < 3], least=1), Gnr(3, 3, 3))
    same = frame.assign(l1=frame["k"] ** 2)
    with pytest.raises(IdentificationError, match="collinear"):
        estimate_gnr(inputs_of(same), Gnr(share="share"))


def simulated(seed, firms=1000):
    data = sp.simulate.production("gnr", firms=firms, years=range(2000, 2010), rng=seed).data
    groups, _ = build_inputs(
        data, output="output", free=["employment"], state=["capital"], proxy="materials", by=None
    )
    return groups["all"]


@pytest.mark.parametrize("seed", [1050, 1076, 1128])
def test_of_several_roots_the_one_without_negative_elasticities_is_taken(seed):
    """Truth: 0.25, 0.25, 0.40. In these panels three sets of coefficients solve the moments."""
    inputs = simulated(seed)
    out = estimate_gnr(inputs, Gnr())
    assert out.elasticity == pytest.approx([0.25, 0.25, 0.40], abs=0.05)
    assert any("taken is the only one without negative" in note for note in out.notes)
    roots = out.starts[out.starts["objective"] < 1e-24]
    assert roots["capital"].min() < -0.3 < 0 < roots["capital"].max()
    # started at a wrong root alone, the search stays there: it is a root
    wrong = roots.loc[roots["capital"].idxmin(), list(out.names)].to_numpy(dtype=float)
    there = estimate_gnr(inputs, Gnr(), near=wrong)
    assert there.objective < 1e-24
    assert there.elasticity[1] < 0


def test_every_start_is_reported_and_the_criterion_is_the_searched_one():
    inputs = inputs_of(made_up())
    out = estimate_gnr(inputs, Gnr(share="share", starts=3))
    assert 4 < len(out.starts) <= 7
    assert out.starts["chosen"].sum() == 1
    chosen = out.starts[out.starts["chosen"]].iloc[0]
    assert chosen[list(out.names)].to_numpy(dtype=float) == pytest.approx(out.beta)
    assert out.criterion(out.beta) < 1e-20 < out.criterion(out.beta + 0.01)
    assert out.searched == out.names

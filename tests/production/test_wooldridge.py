"""Wooldridge's GMM against R's prodest, linearmodels, brute force, and its own invariances."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from linearmodels.iv import IV2SLS, IVGMM
from scipy import optimize

from spillover.errors import IdentificationError, SchemaError
from spillover.production.data import build_inputs
from spillover.production.wooldridge import Wooldridge, estimate_wooldridge

REFERENCE = Path(__file__).parents[1] / "reference"
R_UNITS = Wooldridge(degree=2, linear_state=False, weighting="two_stage")


def made_up() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "production_gmm_input.csv")


def inputs_of(frame, y="va", free=("l1", "l2"), state=("k",), proxy="m", **options):
    groups, _ = build_inputs(
        frame, output=y, free=free, state=state, proxy=proxy, by=None, logged=True, **options
    )
    return groups["all"]


@pytest.fixture(scope="module", params=["made up", "chile"])
def case(request):
    """A panel, its inputs, and prodest's numbers on it."""
    if request.param == "made up":
        frame = made_up()
        return (
            frame,
            inputs_of(frame),
            json.loads((REFERENCE / "production_op_wooldridge.json").read_text()),
        )
    shared = request.getfixturevalue("shared")
    frame = pd.read_csv(shared / "firms_chile_prodest" / "chilean.csv")
    frame = frame.rename(
        columns={
            "idvar": "firm",
            "timevar": "year",
            "Y": "va",
            "fX1": "l1",
            "fX2": "l2",
            "sX": "k",
            "pX": "m",
        }
    ).astype({"year": int})
    numbers = json.loads((REFERENCE / "production_op_wooldridge_chile.json").read_text())
    return frame, inputs_of(frame), numbers


def stacked(inputs, degree=2):
    """The arrays of both equations, in natural units: now, a year ago."""
    at = inputs.second
    before = inputs.previous[at]

    def powers(rows):
        k, m = inputs.state[rows, 0], inputs.proxy[rows]
        assert degree == 2
        return np.column_stack([k, m, k * m, k**2, m**2])

    return {
        "y": inputs.y[at],
        "F": inputs.free[at],
        "F1": inputs.free[before],
        "S": inputs.state[at],
        "C": powers(at),
        "C1": powers(before),
        "one": np.ones((len(at), 1)),
        "firm": inputs.firm[at],
    }


def test_system_matches_prodest_wrdg_gmm(case):
    _, inputs, numbers = case
    ours = estimate_wooldridge(inputs, R_UNITS)
    assert ours.beta == pytest.approx(numbers["wooldridge"]["gmm"]["pars"], rel=1e-7, abs=1e-9)


def test_prodest_standard_errors_are_iid_ones_of_stacked_equations(case):
    """Peer: sum of squares over 2n rows, times (X'Pz X)^-1, over n; equations independent."""
    _, inputs, numbers = case
    a = stacked(inputs)
    X1 = np.hstack([a["one"], a["F"], a["C"]])
    X2 = np.hstack([a["one"], a["F"], a["S"], a["one"], a["C1"]])
    n, common = len(X1), 1 + a["F"].shape[1] + 1
    X = np.zeros((2 * n, X1.shape[1] + X2.shape[1] - common))
    X[:n, : X1.shape[1]] = X1
    X[n:, :common], X[n:, X1.shape[1] :] = X2[:, :common], X2[:, common:]
    Z = np.zeros((2 * n, X1.shape[1] + 1 + 2 + 1 + 5))
    Z[:n, : X1.shape[1]] = X1
    Z[n:, X1.shape[1] :] = np.hstack([a["one"], a["F1"], a["S"], a["C1"]])
    Q = np.linalg.qr(Z)[0]
    A, target = Q.T @ X, Q.T @ np.r_[a["y"], a["y"]]
    b = np.linalg.lstsq(A, target, rcond=None)[0]
    u = np.r_[a["y"], a["y"]] - X @ b
    iid = np.sqrt(np.diag(np.linalg.inv(A.T @ A)) * (u @ u) / n)[1:4]
    assert iid == pytest.approx(numbers["wooldridge"]["gmm"]["std_errors"], rel=1e-6)
    ours = estimate_wooldridge(inputs, R_UNITS)
    assert ours.beta == pytest.approx(b[1:4], rel=1e-8, abs=1e-10)


def test_second_equation_matches_prodest_rob_and_linearmodels(case):
    _, inputs, numbers = case
    ours = estimate_wooldridge(
        inputs, Wooldridge(degree=2, equations="second", weighting="two_stage")
    )
    assert ours.beta == pytest.approx(numbers["wooldridge"]["robinson"]["pars"], rel=1e-8)
    a = stacked(inputs)
    model = IV2SLS(a["y"], np.hstack([a["one"], a["S"], a["C1"]]), a["F"], a["F1"])
    theirs = model.fit(cov_type="clustered", clusters=a["firm"])
    order = [f"endog.{i}" for i in range(2)] if "endog.0" in theirs.params.index else None
    order = order or list(theirs.params.index[-2:])
    cov = theirs.cov.loc[order, order].to_numpy()
    clusters = len(np.unique(a["firm"]))
    assert ours.beta[:2] == pytest.approx(theirs.params[order].to_numpy(), rel=1e-8)
    ratio = ours.vcov[:2, :2] / cov
    assert ratio == pytest.approx(np.full((2, 2), ratio[0, 0]), rel=1e-6)
    assert ratio[0, 0] == pytest.approx(clusters / (clusters - 1), rel=2e-3)


def test_pooled_equations_match_prodest_wrdg_once_its_first_stage_lacks_a_constant(case):
    """Peer: fitted regressors come from a first stage without a constant, the second has one."""
    _, inputs, numbers = case
    a = stacked(inputs)

    def both(x, y):
        return np.vstack([np.hstack(x), np.hstack(y)])

    X = both([a["F"], a["S"], a["C"]], [a["F"], a["S"], a["C1"]])
    Z = both([a["F1"], a["S"], a["C"]], [a["F1"], a["S"], a["C1"]])
    y, one = np.r_[a["y"], a["y"]], np.ones((2 * len(a["y"]), 1))

    def two_stages(Z):
        fitted = Z @ np.linalg.lstsq(Z, X, rcond=None)[0]
        return np.linalg.lstsq(np.hstack([one, fitted]), y, rcond=None)[0][1:4]

    assert two_stages(Z) == pytest.approx(numbers["wooldridge"]["pooled"]["pars"], rel=1e-6)
    ours = estimate_wooldridge(
        inputs, Wooldridge(degree=2, equations="pooled", weighting="two_stage")
    )
    assert ours.beta == pytest.approx(two_stages(np.hstack([one, Z])), rel=1e-7)


def test_pooled_number_of_the_shared_note(shared):
    numbers = json.loads((REFERENCE / "production_op_wooldridge_chile.json").read_text())
    published = [0.2456482, 0.2141455, 0.1446795]
    assert numbers["wooldridge"]["pooled"]["pars"] == pytest.approx(published, abs=5e-8)


def test_two_step_matches_linearmodels_gmm():
    inputs = inputs_of(made_up())
    frame = made_up()
    frame["l3"] = frame["l2"] ** 2 + frame["l1"]
    one = inputs_of(frame, free=("l1",), extra=("l2",))
    ours = estimate_wooldridge(one, Wooldridge(degree=2, equations="both"))
    a = stacked(one)
    n = len(a["y"])
    C = a["C"]
    X1 = np.hstack([a["F"], a["S"], a["one"], C, 0 * a["one"], 0 * C])
    X2 = np.hstack([a["F"], a["S"], 0 * a["one"], 0 * C, a["one"], a["C1"]])
    Z1 = np.hstack([a["one"], a["F"], C])
    Z2 = np.hstack([a["one"], a["F1"], a["S"], a["C1"]])
    Z = np.zeros((2 * n, Z1.shape[1] + Z2.shape[1]))
    Z[:n, : Z1.shape[1]], Z[n:, Z1.shape[1] :] = Z1, Z2
    # center and scale: linearmodels works with cross-products in the given units
    Q = np.linalg.qr(Z)[0] * np.sqrt(n)
    scale = np.linalg.norm(np.vstack([X1, X2]), axis=0)
    clusters = np.r_[a["firm"], a["firm"]]
    model = IVGMM(
        np.r_[a["y"], a["y"]],
        None,
        np.vstack([X1, X2]) / scale,
        Q,
        weight_type="clustered",
        clusters=clusters,
        center=False,
    )
    theirs = model.fit(iter_limit=2, cov_type="clustered", clusters=clusters)
    assert ours.beta == pytest.approx(theirs.params.to_numpy()[:2] / scale[:2], rel=1e-6)
    groups = len(np.unique(a["firm"]))
    assert ours.overid.statistic == pytest.approx(
        theirs.j_stat.stat, rel=2.0 / groups
    )  # theirs has a small-sample factor in the weights
    assert ours.overid.df == 1
    assert len(inputs) > 0


def test_units_and_row_order_do_not_matter():
    frame = made_up()
    plain = estimate_wooldridge(inputs_of(frame))
    moved = frame.assign(
        va=frame["va"] + 3, k=frame["k"] + 5, m=frame["m"] - 2, firm=-frame["firm"]
    )
    moved = moved.sample(frac=1, random_state=1)
    again = estimate_wooldridge(inputs_of(moved))
    assert again.beta == pytest.approx(plain.beta, rel=1e-6)
    assert again.vcov == pytest.approx(plain.vcov, rel=1e-5)
    assert again.overid.statistic == pytest.approx(plain.overid.statistic, rel=1e-6)


def test_the_peer_layout_depends_on_units():
    """Why linear_state=True is the default: prodest's estimate moves with capital's units."""
    frame = made_up()
    plain = estimate_wooldridge(inputs_of(frame), R_UNITS)
    moved = estimate_wooldridge(inputs_of(frame.assign(k=frame["k"] + 5)), R_UNITS)
    assert np.abs(plain.beta - moved.beta).max() > 0.01


@pytest.mark.parametrize("weighting", ["two_stage", "two_step"])
@pytest.mark.parametrize("equations", ["both", "second"])
def test_weights_are_copies(equations, weighting):
    frame = made_up()
    twice = frame[frame["firm"] < 40]
    copied = pd.concat([frame, twice.assign(firm=twice["firm"] + 1000)])
    settings = Wooldridge(degree=2, equations=equations, weighting=weighting)
    inputs = inputs_of(frame)
    counts = np.where(np.unique(frame["firm"]) < 40, 2, 1)
    weighted = estimate_wooldridge(inputs.drawn(counts), settings)
    rows = estimate_wooldridge(inputs_of(copied), settings)
    assert weighted.beta == pytest.approx(rows.beta, rel=1e-7, abs=1e-9)
    assert weighted.vcov == pytest.approx(rows.vcov, rel=1e-6)
    assert weighted.nobs == rows.nobs


def test_clusters_by_a_coarser_column():
    frame = made_up().assign(region=lambda d: d["firm"] % 45)
    inputs = inputs_of(frame, extra=("region",))
    settings = Wooldridge(degree=2, equations="second", weighting="two_stage")
    firms = estimate_wooldridge(inputs, settings)
    regions = estimate_wooldridge(inputs, replace(settings, cluster="region"))
    assert regions.beta == pytest.approx(firms.beta)
    assert regions.details["clusters"] == 45
    a = stacked(inputs)
    model = IV2SLS(a["y"], np.hstack([a["one"], a["S"], a["C1"]]), a["F"], a["F1"])
    groups = inputs.extra["region"][inputs.second]
    theirs = model.fit(cov_type="clustered", clusters=groups.astype(int))
    expected = theirs.cov.to_numpy()[-2:, -2:]
    ratio = regions.vcov[:2, :2] / expected
    assert ratio == pytest.approx(np.full((2, 2), ratio[0, 0]), rel=1e-5)


def test_drivers_enter_the_lagged_equation():
    frame = made_up()
    rng = np.random.default_rng(0)
    frame["x"] = rng.normal(size=len(frame))
    lag = frame[["firm", "year", "x"]].assign(year=frame["year"] + 1)
    merged = frame.merge(lag, on=["firm", "year"], how="left", suffixes=("", "_lag"))
    frame["va"] = frame["va"] + 0.5 * merged["x_lag"].fillna(0).to_numpy()
    out = estimate_wooldridge(
        inputs_of(frame, markov=("x",)), Wooldridge(degree=2, equations="second")
    )
    assert out.markov["x"] == pytest.approx(0.5, abs=4 * out.markov_vcov.loc["x", "x"] ** 0.5)
    assert out.markov_vcov.loc["x", "x"] < 0.05**2


def test_bad_input():
    frame = made_up()
    with pytest.raises(SchemaError, match="needs proxy"):
        estimate_wooldridge(inputs_of(frame, proxy=None))
    with pytest.raises(SchemaError, match="at least one state"):
        estimate_wooldridge(inputs_of(frame, state=()))
    with pytest.raises(SchemaError, match="cluster='nowhere'"):
        estimate_wooldridge(inputs_of(frame), Wooldridge(cluster="nowhere"))
    with pytest.raises(SchemaError, match="equations='bot'"):
        Wooldridge(equations="bot")
    with pytest.raises(IdentificationError, match="too few"):
        estimate_wooldridge(inputs_of(frame[frame["firm"] < 4], least=1))
    fixed = frame.assign(k=frame["firm"] * 0.01)
    with pytest.raises(IdentificationError, match="coefficient of 'k'"):
        estimate_wooldridge(inputs_of(fixed))


def test_few_clusters_are_noted_or_refused():
    frame = made_up().assign(region=lambda d: d["firm"] % 9, zone=lambda d: d["firm"] % 17)
    inputs = inputs_of(frame, extra=("region", "zone"))
    with pytest.raises(IdentificationError, match="9 clusters are too few to weight"):
        estimate_wooldridge(inputs, Wooldridge(degree=2, cluster="region"))
    out = estimate_wooldridge(inputs, Wooldridge(degree=2, cluster="region", weighting="two_stage"))
    assert any("only 9 clusters" in note for note in out.notes)
    out = estimate_wooldridge(inputs, Wooldridge(degree=2, cluster="zone"))
    assert any("moments for 17 clusters" in note for note in out.notes)


def restricted_parts(inputs, degree=2):
    """Wooldridge's system spelled out: residual and instruments, in raw powers."""
    a = stacked(inputs, degree)
    n = len(a["y"])
    Z1 = np.hstack([a["one"], a["F"], a["C"]])
    Z2 = np.hstack([a["one"], a["F1"], a["S"], a["C1"]])
    Z = np.zeros((2 * n, Z1.shape[1] + Z2.shape[1]))
    Z[:n, : Z1.shape[1]], Z[n:, Z1.shape[1] :] = Z1, Z2
    middle = a["C"].mean(axis=0)

    def residual(b, s, constants, r):
        x = np.hstack([a["F"], a["S"]]) @ b
        v = (a["C1"] - middle) @ s
        first = a["y"] - x - constants[0] - (a["C"] - middle) @ s
        second = a["y"] - x - constants[1] - sum(c * v ** (g + 1) for g, c in enumerate(r))
        return np.r_[first, second]

    return residual, np.linalg.qr(Z)[0], a


@pytest.mark.parametrize("weighting", ["two_stage", "two_step"])
@pytest.mark.parametrize("markov_degree", [1, 2])
def test_restricted_system_is_the_minimum_of_the_criterion_spelled_out(markov_degree, weighting):
    """The paper's second equation: a polynomial of c_lag's, with the s of the first equation."""
    inputs = inputs_of(made_up())
    settings = Wooldridge(
        degree=2, equations="restricted", markov_degree=markov_degree, weighting=weighting
    )
    ours = estimate_wooldridge(inputs, settings)
    residual, Q, a = restricted_parts(inputs)
    k, c = len(ours.beta), a["C"].shape[1]

    def split(theta):
        return theta[:k], theta[k : k + c], theta[k + c : k + c + 2], theta[k + c + 2 :]

    def solve(half, start):
        return optimize.least_squares(
            lambda theta: half @ Q.T @ residual(*split(theta)),
            start,
            jac="3-point",
            x_scale="jac",
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
            max_nfev=2000,
        )

    # start near: a regression of what is left of equation 1 on c, given our coefficients
    left = a["y"] - np.hstack([a["F"], a["S"]]) @ ours.beta
    design = np.hstack([a["C"] - a["C"].mean(axis=0), a["one"]])
    s = np.linalg.lstsq(design, left, rcond=None)[0]
    start = np.r_[ours.beta, s[:-1], s[-1], s[-1], 0.8, np.zeros(markov_degree - 1)]
    found = solve(np.eye(Q.shape[1]), start)
    if weighting == "two_step":
        u = residual(*split(found.x))
        firm = np.r_[a["firm"], a["firm"]]
        sums = pd.DataFrame(Q * u[:, None]).groupby(firm).sum().to_numpy()
        half = np.linalg.cholesky(np.linalg.inv(sums.T @ sums)).T
        found = solve(half, found.x)
    assert ours.objective == pytest.approx(2 * found.cost, rel=1e-6)
    assert ours.beta == pytest.approx(found.x[:k], abs=2e-4)
    assert ours.converged
    if weighting == "two_step":
        assert ours.overid.df == Q.shape[1] - len(found.x)
        assert ours.overid.statistic == ours.objective
        # analytic standard errors: (G'S^-1 G)^-1 with G from numerical derivatives
        G = found.jac
        clusters = len(np.unique(a["firm"]))
        vcov = np.linalg.inv(G.T @ G)[:k, :k] * clusters / (clusters - 1)
        assert ours.vcov == pytest.approx(vcov, rel=2e-2)
    names = ["omega", "omega^2"][:markov_degree]
    assert list(ours.markov.index) == names


def test_random_walk_is_linear_gmm_with_one_polynomial(case):
    _, inputs, _ = case
    ours = estimate_wooldridge(
        inputs, Wooldridge(degree=2, equations="random_walk", weighting="two_stage")
    )
    _, Q, a = restricted_parts(inputs)
    zero = 0 * a["one"]
    X1 = np.hstack([a["F"], a["S"], a["one"], zero, a["C"]])
    X2 = np.hstack([a["F"], a["S"], zero, a["one"], a["C1"]])
    b = np.linalg.lstsq(Q.T @ np.vstack([X1, X2]), Q.T @ np.r_[a["y"], a["y"]], rcond=None)[0]
    assert ours.beta == pytest.approx(b[: len(ours.beta)], rel=1e-6)


def drawn(rng, firms=500, years=6):
    """An AR(1) world in which labour has shocks of its own; elasticities 0.6 and 0.4."""
    w, k, parts = rng.normal(0, 0.28, firms), rng.normal(2, 0.6, firms), []
    for year in range(years):
        labour = k + w + rng.normal(0, 0.4, firms)
        y = 0.6 * labour + 0.4 * k + w + rng.normal(0, 0.1, firms)
        rows = {"firm": range(firms), "year": year, "va": y, "l1": labour, "k": k}
        parts.append(pd.DataFrame({**rows, "m": w + 0.5 * k}))
        k = 0.9 * k + 0.2 * w + 0.2 + rng.normal(0, 0.1, firms)
        w = 0.7 * w + rng.normal(0, 0.2, firms)
    return pd.concat(parts)


def test_restrictions_that_hold_recover_the_truth():
    rng = np.random.default_rng(8)
    found = {"both": [], "restricted": []}
    rho = []
    for _ in range(10):
        inputs = inputs_of(drawn(rng), free=("l1",))
        for how, betas in found.items():
            out = estimate_wooldridge(inputs, Wooldridge(degree=2, equations=how, markov_degree=1))
            betas.append(out.beta)
            if how == "restricted":
                rho.append(out.markov["omega"])
    for betas in found.values():
        assert np.mean(betas, axis=0) == pytest.approx([0.6, 0.4], abs=0.02)
    assert np.mean(rho) == pytest.approx(0.7, abs=0.03)
    free, tied = (np.std(found[how], axis=0)[1] for how in ("both", "restricted"))
    assert tied < free * 1.05


@pytest.mark.parametrize("equations", ["both", "restricted", "second", "random_walk"])
def test_year_effects_take_out_a_price_index(equations):
    """A deflator wrong by year moves nothing with years=True, and does without."""
    frame = made_up()
    wrong = frame.assign(va=frame["va"] + 0.3 * np.sin(frame["year"]))
    settings = Wooldridge(degree=2, equations=equations, markov_degree=1, years=True)
    right = estimate_wooldridge(inputs_of(frame), settings)
    moved = estimate_wooldridge(inputs_of(wrong), settings)
    assert moved.beta == pytest.approx(right.beta, abs=1e-5)
    assert moved.vcov == pytest.approx(right.vcov, rel=1e-3)
    off = replace(settings, years=False)
    plain, hurt = (estimate_wooldridge(inputs_of(f), off) for f in (frame, wrong))
    assert np.abs(plain.beta - hurt.beta).max() > 1e-4


def test_year_effects_in_the_lagged_equation_are_dummies():
    inputs = inputs_of(made_up())
    ours = estimate_wooldridge(
        inputs, Wooldridge(degree=2, equations="second", weighting="two_stage", years=True)
    )
    a = stacked(inputs)
    dummies = pd.get_dummies(inputs.year[inputs.second]).to_numpy(dtype=float)
    model = IV2SLS(a["y"], np.hstack([dummies, a["S"], a["C1"]]), a["F"], a["F1"])
    theirs = model.fit()
    assert ours.beta[:2] == pytest.approx(theirs.params.to_numpy()[-2:], rel=1e-8)


def test_drivers_that_cannot_be_told_apart_are_named():
    frame = made_up().assign(x=lambda d: np.cos(d["year"]))
    inputs = inputs_of(frame, markov=("x",))
    estimate_wooldridge(inputs, Wooldridge(degree=2))
    with pytest.raises(IdentificationError, match="coefficient of 'x'"):
        estimate_wooldridge(inputs, Wooldridge(degree=2, years=True))

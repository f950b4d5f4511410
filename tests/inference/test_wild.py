"""The wild bootstrap against refits with explicit dummies, draw by draw, and wildboottest."""

from __future__ import annotations

import json
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import IdentificationError, SchemaError, SpilloverWarning
from spillover.inference import _wild_problem
from spillover.inference._wild_draws import draw_weights, steps_restricted
from spillover.inference._wild_problem import prepare
from spillover.inference.wild import wild_bootstrap, with_wild
from spillover.panel.clusters import outside_clusters

pytestmark = pytest.mark.filterwarnings(
    "ignore:Only .* clusters:spillover.errors.SpilloverWarning",
)
REFERENCE = Path(__file__).parents[1] / "reference"
TERMS = ["x", "z", "grouped"]


def make_panel(seed=4, firms=36, years=6, industries=6):
    """Firms switch industry, so that firm effects are not nested in industries."""
    rng = np.random.default_rng(seed)
    frame = pd.MultiIndex.from_product([range(firms), range(years)], names=["firm", "year"])
    frame = frame.to_frame(index=False)
    home = rng.integers(0, industries, firms)
    frame["industry"] = home[frame["firm"]]
    moved = rng.random(len(frame)) < 0.15
    frame.loc[moved, "industry"] = rng.integers(0, industries, int(moved.sum()))
    frame["region"] = frame["firm"] % 5
    frame = frame[rng.random(len(frame)) < 0.8].reset_index(drop=True)
    n = len(frame)
    frame["x"] = rng.normal(size=n) + rng.normal(size=industries)[frame["industry"]]
    frame["z"] = rng.normal(size=n) + 0.4 * frame["x"]
    frame["grouped"] = rng.normal(size=(industries, years))[frame["industry"], frame["year"]]
    frame["w"] = rng.uniform(0.2, 3.0, n)
    shock = rng.normal(size=(industries, years))[frame["industry"], frame["year"]]
    frame["y"] = 0.3 * frame["x"] - 0.2 * frame["z"] + shock + rng.normal(size=n)
    return frame


@pytest.fixture(scope="module")
def panel():
    return make_panel()


def dummies(frame, effects):
    blocks = [np.empty((len(frame), 0))]
    for effect in effects:
        labels = frame[effect.split("^")].astype(str).agg("|".join, axis=1)
        blocks.append(pd.get_dummies(labels).to_numpy(dtype=np.float64))
    return np.hstack(blocks)


class Refit:
    """Weighted least squares on regressors and all dummies by the pseudo-inverse."""

    def __init__(self, frame, terms, effects, weights=None):
        X = frame[terms].to_numpy(dtype=np.float64)
        D = dummies(frame, effects) if effects else np.ones((len(frame), 1))
        self.full = np.hstack([X, D])
        self.root = np.ones(len(frame)) if weights is None else np.sqrt(frame[weights].to_numpy())
        self.k = len(terms)
        self.rank = np.linalg.matrix_rank(D)

    def solve(self, y, columns=None):
        M = self.full if columns is None else self.full[:, columns]
        A = M * self.root[:, None]
        coefficients = np.linalg.pinv(A, rcond=1e-11) @ (y * self.root)
        return coefficients, y - M @ coefficients

    def hat(self):
        A = self.full * self.root[:, None]
        return A @ np.linalg.pinv(A, rcond=1e-11)

    def influence(self):
        """Rows of (X'WX)^-1 X'W^(1/2) of the slopes."""
        A = self.full * self.root[:, None]
        return np.linalg.pinv(A, rcond=1e-11)[: self.k]

    def vcov(self, residuals, levels, jackknife=False):
        rows, e = self.influence(), residuals * self.root
        if jackknife:
            e = leave_out(self.hat(), e, levels[0])
        total = np.zeros((self.k, self.k))
        for sign, codes in signed(levels):
            for g in np.unique(codes):
                score = rows[:, codes == g] @ e[codes == g]
                total += sign * np.outer(score, score)
        return total


def leave_out(H, e, codes):
    result = np.empty_like(e)
    for g in np.unique(codes):
        rows = np.flatnonzero(codes == g)
        block = np.eye(len(rows)) - H[np.ix_(rows, rows)]
        result[rows] = np.linalg.pinv(block, rcond=1e-9, hermitian=True) @ e[rows]
    return result


def signed(levels):
    yield from ((1, codes) for codes in levels)
    if len(levels) == 2:
        yield -1, pd.factorize(levels[0] * 10_000 + levels[1])[0]


def brute(frame, terms, effects, term, levels, by, V, *, null, impose, variant="11", weights=None):
    """t of the estimate and of every draw, each by a refit; the null is imposed by a refit too."""
    model = Refit(frame, terms, effects, weights)
    y = frame["y"].to_numpy()
    j = terms.index(term)
    beta, e = model.solve(y)
    t = (beta[j] - null) / np.sqrt(model.vcov(e, levels, variant[1] == "3")[j, j])
    columns = [c for c in range(model.full.shape[1]) if c != j] if impose else None
    x = model.full[:, j]
    _, u = model.solve(y - null * x if impose else y, columns)
    centre = null if impose else beta[j]
    fitted = y - u
    if variant[0] == "3":
        A = (model.full if columns is None else model.full[:, columns]) * model.root[:, None]
        u = leave_out(A @ np.linalg.pinv(A, rcond=1e-11), u * model.root, by) / model.root
    drawn = []
    for v in V:
        b, r = model.solve(fitted + v[by] * u)
        drawn.append((b[j] - centre) / np.sqrt(model.vcov(r, levels, variant[1] == "3")[j, j]))
    return t, np.array(drawn)


def codes_of(frame, level):
    return pd.factorize(frame[level.split("^")].astype(str).agg("|".join, axis=1))[0]


CASES = {
    "no effects": ([], "industry", None),
    "nested effects": (["firm"], "region", None),
    "effects not nested": (["firm", "year"], "industry", None),
    "three effects, weights": (["firm", "year", "industry"], "region", "w"),
    "not nested, weights": (["firm", "region^year"], "industry", "w"),
}


@pytest.mark.parametrize("variant", ["11", "31", "13", "33"])
@pytest.mark.parametrize("impose", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_every_draw_is_a_refit(panel, case, impose, variant):
    effects, level, weights = CASES[case]
    formula = "y ~ x + z + grouped" + (" | " + " + ".join(effects) if effects else "")
    fit = sp.fit(formula, panel, cluster=level, weights=weights)
    V = draw_weights("webb", 6 if level == "industry" else 5, 12, np.random.default_rng(2))[0]
    codes = fit.estimated.design.clusters[level]
    frame = panel.loc[fit.used].reset_index(drop=True)
    t, drawn = brute(
        frame, TERMS, effects, "x", [codes], codes, V,
        null=0.1, impose=impose, variant=variant, weights=weights,
    )  # fmt: skip
    problem = prepare(
        fit.estimated, ["x"], {level: codes}, level, [0.1], impose_null=impose, variant=variant
    )
    rng = np.random.default_rng(2)
    statistics, _, _ = problem.statistics(12, "webb", rng)
    scale = np.sqrt(problem.covariance[0, 0])
    x = (0.1 - fit.params["x"]) / scale
    np.testing.assert_allclose(-x, t, rtol=1e-8)
    np.testing.assert_allclose(statistics.t(x if impose else 0.0), drawn, rtol=1e-8)


def test_statistic_is_the_fit_s(panel):
    fit = sp.fit("y ~ x + z | firm + year", panel, cluster=["industry", "region"])
    test = wild_bootstrap(fit, "x", draws=99)
    assert test.statistic == pytest.approx(fit.tstats["x"], rel=1e-10)


@pytest.mark.parametrize("effects", [["firm", "year"], []])
def test_two_way_variance(panel, effects):
    formula = "y ~ x + z + grouped" + (" | " + " + ".join(effects) if effects else "")
    fit = sp.fit(formula, panel, cluster="firm")
    frame = panel.loc[fit.used].reset_index(drop=True)
    one, two = codes_of(frame, "industry"), codes_of(frame, "year")
    V = draw_weights("normal", 6, 15, np.random.default_rng(7))[0]
    with np.errstate(invalid="ignore"):
        t, drawn = brute(
            frame, TERMS, effects, "z", [one, two], one, V, null=0.0, impose=True
        )  # fmt: skip
    levels = {"industry": one, "year": two}
    problem = prepare(fit.estimated, ["z"], levels, "industry", [0.0])
    statistics, _, _ = problem.statistics(15, "normal", np.random.default_rng(7))
    x = -fit.params["z"] / np.sqrt(problem.covariance[0, 0])
    assert -x == pytest.approx(t, rel=1e-9)
    sound = np.isfinite(drawn)
    np.testing.assert_allclose(statistics.t(x)[sound], drawn[sound], rtol=1e-7)
    exceed = statistics.exceed(x)
    np.testing.assert_array_equal(exceed, ~sound | (np.abs(np.nan_to_num(drawn)) >= abs(t)))


def test_joint_wald(panel):
    fit = sp.fit("y ~ x + z + grouped | firm + year", panel, cluster="industry")
    frame = panel.loc[fit.used].reset_index(drop=True)
    codes = codes_of(frame, "industry")
    model = Refit(frame, TERMS, ["firm", "year"])
    y = frame["y"].to_numpy()
    null = np.array([0.1, -0.1])
    beta, e = model.solve(y)

    def wald(difference, residuals):
        return difference @ np.linalg.solve(model.vcov(residuals, [codes])[:2, :2], difference)

    W = wald(beta[:2] - null, e)
    columns = list(range(2, model.full.shape[1]))
    offset = frame[["x", "z"]].to_numpy() @ null
    _, u = model.solve(y - offset, columns)
    V = draw_weights("rademacher", 6, 64, np.random.default_rng(1))[0]
    drawn = []
    for v in V:
        b, r = model.solve(y - u + v[codes] * u)
        drawn.append(wald(b[:2] - null, r))
    expected = np.mean(np.array(drawn) >= W * (1 - 1e-9))
    test = wild_bootstrap(fit, ["x", "z"], null=null, weights="rademacher", draws=64)
    assert test.enumerated
    assert test.draws == 64
    assert test.p_value == pytest.approx(expected, abs=1e-12)
    assert test.statistic == pytest.approx(W / 2 / prepare_factor(fit, codes), rel=1e-8)
    assert test.confidence_set == ()
    with pytest.raises(SchemaError, match="one coefficient"):
        test.set_at(0.9)


def prepare_factor(fit, codes):
    n, k = fit.nobs, len(fit.params)
    G = int(codes.max()) + 1
    return G / (G - 1) * (n - 1) / (n - k - fit.df_absorbed)


@pytest.mark.parametrize("impose", [True, False])
@pytest.mark.parametrize("weights", ["webb", "rademacher", "mammen", "normal"])
def test_confidence_set_is_the_set_of_values_not_rejected(panel, weights, impose):
    """p-values on a grid, each by a test of its own with the same draws."""
    fit = sp.fit("y ~ x + z | firm + year", panel, cluster="industry^year")
    options = {"draws": 199, "weights": weights, "impose_null": impose, "rng": 5}
    test = wild_bootstrap(fit, "x", level=0.9, **options)
    centre, width = fit.params["x"], 6 * fit.std_errors["x"]
    for value in np.linspace(centre - width, centre + width, 101):
        p = wild_bootstrap(fit, "x", null=value, **options).p_value
        inside = any(low <= value <= high for low, high in test.confidence_set)
        assert inside == (p > 0.1)
    for end in test.interval:
        nearby = [wild_bootstrap(fit, "x", null=end + s, **options).p_value for s in (-1e-7, 1e-7)]
        assert min(nearby) <= 0.1 < max(nearby)


def test_the_p_value_is_exact_on_every_step(panel):
    """Between two places where it changes the p-value is what the draws say."""
    fit = sp.fit("y ~ grouped + x | firm", panel, cluster="firm")
    frame = panel.loc[fit.used].reset_index(drop=True)
    levels = {name: codes_of(frame, name) for name in ("industry", "region")}
    problem = prepare(fit.estimated, ["x"], levels, "industry", [0.0])
    rng = np.random.default_rng(3)
    statistics, _, _ = problem.statistics(300, "normal", rng)
    steps = steps_restricted(statistics)
    assert len(steps.places) > 300
    edges = np.concatenate([[steps.places[0] - 1], steps.places, [steps.places[-1] + 1]])
    wide = np.flatnonzero(np.diff(edges) > 1e-6)
    middles = (edges[wide] + edges[wide + 1]) / 2
    expected = [statistics.exceed(x).mean() for x in middles]
    np.testing.assert_allclose(steps.heights[wide], expected, atol=1e-12)


@pytest.mark.filterwarnings("ignore:The .* confidence set")
def test_wildboottest_reference():
    """p-values and t statistics of the package wildboottest, all sign combinations enumerated.

    It counts draws strictly above; so do we here, by leaving out the ties (one combination and its
    negative), where there are.
    """
    stored = json.loads((REFERENCE / "inference_wild.json").read_text())
    frame = pd.read_csv(REFERENCE / "panel_input.csv")
    for case in stored["cases"]:
        effects = case["effects"]
        formula = "y ~ x + z" + (" | " + " + ".join(effects) if effects else "")
        fit = sp.fit(formula, frame, cluster=case["cluster"], singletons="keep")
        test = wild_bootstrap(
            fit, case["term"], null=case["null"], weights="rademacher", draws=9999,
            variant=case["variant"], impose_null=case["impose_null"],
        )  # fmt: skip
        assert test.enumerated
        # the package counts every dummy as a parameter, we not those nested in clusters
        from_ours = outside_clusters(
            fit.estimated.absorber, fit.estimated.design.effects, fit.estimated.design.clusters
        )
        n, k = case["nobs"], len(fit.params) + from_ours
        factor = np.sqrt((n - case["parameters"]) / (n - k))
        assert test.statistic * factor == pytest.approx(case["t"], rel=1e-8)
        assert test.draws == case["draws"]
        ties = case["ties"] / case["draws"]
        assert test.p_value == pytest.approx(case["p_value"] + ties, abs=1e-12)


def test_few_clusters_leave_the_set_unbounded(panel):
    fit = sp.fit("y ~ x + z | firm", panel, cluster="region")
    with pytest.warns(SpilloverWarning, match="unbounded"):
        test = wild_bootstrap(fit, "x", weights="rademacher")
    assert test.enumerated
    assert test.draws == 32
    assert test.interval == (-np.inf, np.inf)
    assert test.p_value >= 2 / 32
    bounded = wild_bootstrap(fit, "x", weights="webb", level=0.8)
    assert np.isfinite(bounded.interval).all()


def test_disconnected_set():
    """Sixty small designs: some sets are disconnected, and then reported whole."""
    seen = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        sizes = [60, 4, 4, 4, 4, 4]
        frame = pd.DataFrame({"g": np.repeat(range(6), sizes)})
        frame["x"] = rng.normal(size=len(frame)) + (frame["g"] == 0) * rng.normal()
        frame["y"] = rng.standard_t(2, size=len(frame)) + rng.normal(size=6)[frame["g"]] * 2
        fit = sp.fit("y ~ x", frame, cluster="g")
        options = {"draws": 64, "weights": "rademacher", "level": 0.8}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            test = wild_bootstrap(fit, "x", **options)
        for low, high in test.confidence_set:
            assert low < high
        if len(test.confidence_set) > 1:
            seen += 1
            assert any("disconnected" in str(w.message) for w in caught)
            gap = (test.confidence_set[0][1] + test.confidence_set[1][0]) / 2
            with pytest.warns(SpilloverWarning, match="disconnected"):
                assert wild_bootstrap(fit, "x", null=gap, **options).p_value <= 0.2
    assert seen > 0


def test_row_order_units_and_labels_do_not_matter(panel):
    fit = sp.fit("y ~ x + z | firm + year", panel, cluster="industry")
    test = wild_bootstrap(fit, "x", weights="rademacher", draws=64)
    mixed = panel.sample(frac=1, random_state=1).assign(x=lambda d: d["x"] * 1e6)
    again = wild_bootstrap(
        sp.fit("y ~ x + z | firm + year", mixed, cluster="industry"),
        "x", weights="rademacher", draws=64,
    )  # fmt: skip
    assert again.p_value == test.p_value
    np.testing.assert_allclose(np.multiply(again.interval, 1e6), test.interval, rtol=1e-7)


def test_clusters_need_not_be_those_of_the_fit(panel):
    fit = sp.fit("y ~ x + z | firm + year", panel, cluster="firm")
    named = wild_bootstrap(fit, "x", cluster="industry", draws=99)
    given = wild_bootstrap(fit, "x", cluster=panel["industry"], draws=99)
    assert named.cluster == given.cluster == "industry"
    refit = sp.fit("y ~ x + z | firm + year", panel, cluster="industry")
    assert named.statistic == pytest.approx(refit.tstats["x"], rel=1e-10)
    crossed = wild_bootstrap(fit, "x", cluster="industry^year", draws=99)
    assert crossed.n_clusters == panel.loc[fit.used].groupby(["industry", "year"]).ngroups


def test_same_seed_same_result(panel):
    fit = sp.fit("y ~ x + z | firm + year", panel, cluster="industry")
    one, two = (wild_bootstrap(fit, "x", draws=99, rng=3) for _ in range(2))
    assert one.p_value == two.p_value
    assert one.interval == two.interval
    text = repr(one)
    assert "webb weights, 6 clusters of industry" in text
    assert "confidence set" in text


def test_fit_with_wild_errors(panel):
    fit = sp.fit("y ~ x + z | firm + year", panel, cluster="industry")
    wild = with_wild(fit, draws=199, rng=4)
    alone = wild_bootstrap(fit, "z", draws=199, rng=4)
    row = wild.tidy().set_index("term").loc["z"]
    assert row["p_value"] == alone.p_value
    assert (row["conf_low"], row["conf_high"]) == alone.interval
    np.testing.assert_allclose(wild.std_errors, fit.std_errors, rtol=1e-12)
    assert wild.confint(0.5).loc["z", "conf_low"] == alone.set_at(0.5)[0][0]
    assert "wild bootstrap, clustered by industry" in repr(wild)


def test_draws_have_the_right_moments():
    rng = np.random.default_rng(8)
    for kind in ("rademacher", "webb", "mammen", "normal"):
        v = draw_weights(kind, 200, 2000, rng)[0]
        assert abs(v.mean()) < 0.01
        assert abs((v**2).mean() - 1) < 0.02
    assert abs((draw_weights("mammen", 200, 2000, rng)[0] ** 3).mean() - 1) < 0.05
    listed = draw_weights("rademacher", 3, 8, rng)[0]
    assert {tuple(v) for v in listed} == set(product((-1.0, 1.0), repeat=3))


def test_too_many_clusters_are_said(panel, monkeypatch):
    fit = sp.fit("y ~ x + z | year", panel, cluster="firm")
    monkeypatch.setattr(_wild_problem, "MOST_CLUSTERS", 20)
    with pytest.raises(SchemaError, match="firm has 36 clusters; the wild bootstrap is for few"):
        wild_bootstrap(fit, "x")
    coarse = wild_bootstrap(fit, "x", cluster=["firm", "industry"], bootstrap_by="industry")
    assert coarse.error_levels == ("firm", "industry")


def test_errors(panel):
    fit = sp.fit("y ~ x + z | firm + year", panel, cluster="industry")
    with pytest.raises(SchemaError, match=r"'xx' is no term.*Did you mean 'x'"):
        wild_bootstrap(fit, "xx")
    with pytest.raises(SchemaError, match="weights='web' is not an option"):
        wild_bootstrap(fit, "x", weights="web")
    with pytest.raises(SchemaError, match="draws=0"):
        wild_bootstrap(fit, "x", draws=0)
    with pytest.raises(SchemaError, match="level=95"):
        wild_bootstrap(fit, "x", level=95)
    with pytest.raises(SchemaError, match="'regon' is no cluster"):
        wild_bootstrap(fit, "x", cluster="regon")
    with pytest.raises(SchemaError, match="one value per observation"):
        wild_bootstrap(fit, "x", cluster=np.arange(5))
    with pytest.raises(IdentificationError, match="All observations are in one cluster"):
        wild_bootstrap(fit, "x", cluster=np.zeros(fit.nobs))
    with pytest.raises(SchemaError, match="one clustering level"):
        wild_bootstrap(fit, "x", cluster=["industry", "year"], variant="13")
    with pytest.raises(SchemaError, match="twice"):
        wild_bootstrap(fit, ["x", "x"])
    with pytest.raises(SchemaError, match="bootstrap_by"):
        wild_bootstrap(fit, "x", bootstrap_by="year")
    with pytest.raises(SchemaError, match="no coefficient"):
        wild_bootstrap(fit, [])

"""Exposure-robust inference against ShiftShareSE, loops, refits and identities."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from linearmodels.iv import IV2SLS
from scipy import stats

import spillover as sp
from spillover.errors import IdentificationError, SchemaError, SpilloverWarning
from spillover.inference import (
    ConfidenceSet,
    akm,
    exposure,
    share_controls,
    shock_balance,
    shock_regression,
    with_exposure,
)
from spillover.inference.confidence_sets import (
    critical_square,
    effective_number,
    invert,
    joint_p_value,
    null_p_value,
)
from spillover.inference.exposure import apply_exposure, infer
from spillover.inference.exposure_result import ExposureInference
from spillover.inference.exposure_scores import joint_score
from spillover.inference.exposure_terms import find_exposures
from spillover.inference.placebo import _drawn
from spillover.inference.randomisation import complete_sectors
from spillover.inference.share_controls import with_share_controls

_SPEC = importlib.util.spec_from_file_location(
    "exposure_panels", Path(__file__).with_name("exposure_panels.py")
)
panels = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(panels)

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "exposure_adh.json").read_text())
FORMULA = "y ~ horizontal + backward + forward + x | firm + year"


# ---------------------------------------------------------------------------- arrays


@pytest.fixture(scope="module")
def adh(shared):
    folder = shared / "adh_shiftshare"
    rows = pd.read_parquet(folder / "reg.parquet")
    shares = pd.read_parquet(folder / "shares.parquet").to_numpy()
    return rows, shares, pd.read_csv(folder / "shocks.csv")["sic"].to_numpy(), {}


def adh_controls(rows: pd.DataFrame, which: str) -> np.ndarray | None:
    if which == "intercept":
        return None
    names = [name for name in REFERENCE["controls"] if name != "division"]
    division = pd.get_dummies(rows["division"]).to_numpy(float)
    return np.hstack([rows[names].to_numpy(float), division])


@pytest.mark.parametrize(
    "case",
    REFERENCE["cases"],
    ids=lambda c: f"{c['model']}-{c['controls']}-{c['weighted']}-{c['clustered']}-{c['level']}",
)
def test_agrees_with_shiftsharese(adh, case):
    rows, shares, sic, done = adh
    key = tuple(case[name] for name in ("model", "controls", "weighted", "clustered"))
    done[key] = result = done.get(key) or akm(
        rows["d_sh_empl"],
        rows["IV"],
        shares,
        controls=adh_controls(rows, case["controls"]),
        endogenous=rows["shock"] if case["model"] == "iv" else None,
        weights=rows["weights"] if case["weighted"] else None,
        clusters=sic if case["clustered"] else None,
    )
    found = result.confidence_set(case["level"])
    low, high = result.interval(case["level"])
    assert result.estimate == pytest.approx(case["estimate"], rel=1e-10)
    assert result.std_error == pytest.approx(case["se"]["AKM"], rel=1e-10)
    assert (low, high) == pytest.approx((case["low"]["AKM"], case["high"]["AKM"]), rel=1e-10)
    assert result.p_value(case["null"]) == pytest.approx(case["p"]["AKM"], rel=1e-7)
    assert result.null_p_value(case["null"]) == pytest.approx(case["p"]["AKM0"], rel=1e-7)
    ends = (case["low"]["AKM0"], case["high"]["AKM0"])
    # ShiftShareSE writes a complement with its ends exchanged and an infinite standard error
    complement = case["se"]["AKM0"] == "Inf"
    assert found.shape == ("complement" if complement else "interval")
    assert (found.low, found.high) == pytest.approx(ends[::-1] if complement else ends, rel=1e-9)


def test_the_published_example_is_the_card_s(adh):
    rows, shares, _, _ = adh
    result = akm(rows["d_sh_empl"], rows["IV"], shares, weights=rows["weights"])
    found = result.confidence_set()
    assert result.estimate == pytest.approx(-0.100336732117, abs=1e-12)
    assert result.std_error == pytest.approx(0.188571455093, abs=1e-12)
    assert (found.high - found.low) / (2 * 1.959963984540) == pytest.approx(
        0.247481011234, abs=1e-11
    )


def small_arrays(seed: int, shocks: int = 9, n: int = 60):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(shocks, 0.3), n) * rng.uniform(0.3, 1, (n, 1))
    g = rng.standard_normal(shocks)
    y = shares @ rng.standard_normal(shocks) + 0.3 * rng.standard_normal(n)
    Z = np.column_stack([np.ones(n), rng.standard_normal(n), shares.sum(axis=1)])
    return y, shares @ g, shares, g, Z, rng.uniform(0.5, 2, n)


def test_akm_by_loops():
    y, X, shares, g, Z, w = small_arrays(1)
    clusters = np.array([0, 0, 1, 1, 2, 3, 4, 5, 6])
    result = akm(y, X, shares, controls=Z, weights=w, clusters=clusters, shocks=g)
    left = panels.residuals(np.column_stack([y, X]), Z, w)
    b = (w * left[:, 1] * left[:, 0]).sum() / (w * left[:, 1] ** 2).sum()
    e = left[:, 0] - b * left[:, 1]
    total = [sum(w[i] * shares[i, s] for i in range(60)) for s in range(9)]
    mean = sum(t * v for t, v in zip(total, g, strict=True)) / sum(total)
    scores = dict.fromkeys(range(7), 0.0)
    for s in range(9):
        scores[clusters[s]] += (g[s] - mean) * sum(w[i] * shares[i, s] * e[i] for i in range(60))
    se = np.sqrt(sum(v**2 for v in scores.values())) / (w * left[:, 1] ** 2).sum()
    assert result.estimate == pytest.approx(b, rel=1e-12)
    assert result.std_error == pytest.approx(se, rel=1e-11)
    assert result.kappa.sum() == pytest.approx(1, abs=1e-12)
    assert result.rho.sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("critical", ["normal", "effective"])
def test_the_set_holds_what_refits_under_the_null_do_not_reject(seed, critical):
    y, X, shares, g, Z, w = small_arrays(seed, shocks=4 + seed)
    result = akm(y, X, shares, controls=Z, weights=w, shocks=g)
    found = result.confidence_set(0.9, critical=critical)
    shift = max(result.std_error, 1e-3)
    h = g - (w @ shares) @ g / (w @ shares).sum()
    for null in result.estimate + shift * np.array([-300, -8, -3, -1, 0, 1.3, 2.6, 9, 400]):
        left = panels.residuals(np.column_stack([y - null * X, X]), Z, w)
        u = h * (shares.T @ (w * left[:, 0]))
        square = u.sum() ** 2 / (u**2).sum()
        p = joint_p_value(square, 1, result.effective_shocks, critical)
        assert result.null_p_value(null, critical=critical) == pytest.approx(p, rel=1e-8)
        if abs(p - 0.1) > 1e-6:
            assert found.contains(null) == (p > 0.1)


@pytest.mark.parametrize(
    ("shape", "kappa", "rho"),
    [
        ("interval", np.full(10, 0.1), np.r_[0.3, -0.1, -0.2, np.zeros(7)]),
        ("line", np.array([0.4, 0.3, 0.3]), np.array([0.3, -0.1, -0.2])),
        (
            "complement",
            np.array([0.5, 0.15, 0.1, 0.1, 0.05, 0.1]),
            np.array([1.0, -0.2, -0.2, -0.2, -0.2, -0.2]),
        ),
    ],
)
def test_shapes_of_sets(shape, kappa, rho):
    one = invert(1.0, rho, kappa, 0.95, "normal")
    assert one.shape == shape
    for value in (-50.0, -3.0, 0.0, 1.0, 2.0, 30.0):
        kept = null_p_value(rho, kappa, 1.0 - value, "normal") >= 0.05
        assert one.contains(value) == kept
    assert invert(1.0, rho, kappa, 0.95, "effective").shape == "interval"


def test_sets_in_words():
    assert ConfidenceSet("complement", -1, 1).hull == (-np.inf, np.inf)
    assert ConfidenceSet("line", -np.inf, np.inf).contains(1e9)
    assert str(ConfidenceSet("line", -np.inf, np.inf)) == "the whole line"


def test_one_shock_rejects_nothing():
    kappa = np.array([1.0, 0.0])
    assert critical_square(0.95, 1.0, "effective") == np.inf
    found = invert(2.0, np.array([0.1, -0.1]), kappa, 0.95, "effective")
    assert found.hull == (-np.inf, np.inf)
    assert null_p_value(np.array([0.1, -0.1]), kappa, 50.0, "effective") == 1.0


def test_effective_critical_values_are_student_s_for_equal_normal_terms():
    rng = np.random.default_rng(3)
    n = 7
    u = rng.standard_normal((50_000, n))
    square = u.sum(axis=1) ** 2 / (u**2).sum(axis=1)
    t = stats.ttest_1samp(u, 0, axis=1).pvalue
    ours = np.array([joint_p_value(s, 1, n, "effective") for s in square[:500]])
    assert ours == pytest.approx(t[:500], rel=1e-8)
    assert (square > critical_square(0.95, n, "effective")).mean() == pytest.approx(0.05, abs=0.003)


def test_shares_that_do_not_determine_the_shocks_warn_but_order_does_not_matter():
    y, X, shares, g, Z, w = small_arrays(2, shocks=80)
    with pytest.warns(SpilloverWarning, match="not unique"):
        first = akm(y, X, shares, controls=Z, weights=w)
    order = np.random.default_rng(1).permutation(80)
    with pytest.warns(SpilloverWarning, match="not unique"):
        second = akm(y, X, shares[:, order], controls=Z, weights=w)
    assert first.std_error == pytest.approx(second.std_error, rel=1e-8)
    akm(y, X, shares, controls=Z, weights=w, shocks=g)  # observed shocks: no warning


def test_regression_of_shocks_is_equivalent():
    y, X, shares, g, Z, w = small_arrays(4)
    units = akm(y, X, shares, controls=Z, weights=w, shocks=g)
    level = shock_regression(y, X, shares, g, controls=Z, weights=w)
    assert level.estimate == pytest.approx(units.estimate, rel=1e-11)
    assert level.std_error == pytest.approx(units.std_error, rel=1e-10)
    table = level.table
    total = w @ shares / (w @ shares).sum()
    assert table["weight"].to_numpy() == pytest.approx(total, rel=1e-12)
    assert level.effective_shocks == pytest.approx(1 / (total**2).sum(), rel=1e-12)
    iv = IV2SLS(
        table["outcome"], np.ones((9, 1)), table[["regressor"]], g[:, None], weights=total
    ).fit(cov_type="robust", debiased=False)
    assert level.estimate == pytest.approx(iv.params["regressor"], rel=1e-9)
    assert level.std_error == pytest.approx(iv.std_errors["regressor"], rel=1e-7)


def test_clustered_regression_of_shocks_with_controls_and_instrument():
    y, X, shares, g, Z, w = small_arrays(5, shocks=12)
    rng = np.random.default_rng(8)
    D = X + 0.2 * rng.standard_normal(60) + 0.1 * y
    Q = np.column_stack([np.ones(12), np.arange(12) % 2])
    controls = np.column_stack([Z, shares @ Q])
    clusters = np.repeat(np.arange(6), 2)
    units = akm(
        y, X, shares, controls=controls, endogenous=D, weights=w, shocks=g, shock_controls=Q,
        clusters=clusters,
    )  # fmt: skip
    level = shock_regression(
        y, D, shares, g, controls=controls, weights=w, shock_controls=Q, clusters=clusters
    )
    assert level.estimate == pytest.approx(units.estimate, rel=1e-10)
    iv = IV2SLS(
        level.table["outcome"], Q, level.table[["regressor"]], g[:, None],
        weights=level.table["weight"],
    ).fit(cov_type="clustered", clusters=clusters, debiased=False)  # fmt: skip
    assert level.estimate == pytest.approx(iv.params["regressor"], rel=1e-9)
    # linearmodels multiplies by G/(G-1)
    assert level.std_error == pytest.approx(
        iv.std_errors["regressor"] * np.sqrt(5 / 6), rel=1e-7
    ) or level.std_error == pytest.approx(iv.std_errors["regressor"], rel=1e-7)
    assert level.std_error == pytest.approx(units.std_error, rel=1e-9)


def test_balance_is_a_weighted_regression():
    rng = np.random.default_rng(6)
    g, weight = rng.standard_normal(30), rng.uniform(0.1, 2, 30)
    table = pd.DataFrame({"growth": 0.5 * g + rng.standard_normal(30), "wage": np.nan})
    table.loc[:19, "wage"] = rng.standard_normal(20)
    found = shock_balance(g, table, weights=weight)
    h = g - np.average(g, weights=weight)
    h = h / np.sqrt(np.average(h**2, weights=weight))
    fit = sm.WLS(table["growth"], np.column_stack([np.ones(30), h]), weights=weight).fit()
    robust = fit.get_robustcov_results("HC0")
    assert found.loc["growth", "estimate"] == pytest.approx(fit.params.iloc[1], rel=1e-10)
    assert found.loc["growth", "std_error"] == pytest.approx(
        robust.bse[1] * np.sqrt(30 / 29), rel=1e-10
    )
    assert found.loc["wage", "shocks"] == 20


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.ones(59)}, "do not fit"),
        ({"weights": np.r_[0.0, np.ones(59)]}, "not positive"),
        ({"y": np.r_[np.nan, np.ones(59)]}, "1 values that are not finite"),
        ({"shares": np.full((60, 9), np.inf)}, "not finite"),
        ({"clusters": np.arange(8)}, "one label per shock"),
        ({"clusters": np.array([None] + [1] * 8)}, "labels are missing"),
        ({"shocks": np.arange(8.0)}, "8 shocks for 9"),
        ({"controls": np.ones((3, 2))}, "60 rows"),
        ({"X": np.ones((60, 2))}, "one dimension"),
    ],
)
def test_arrays_that_do_not_fit(change, message):
    y, X, shares, _, _, _ = small_arrays(1)
    arguments = {"y": y, "X": X, "shares": shares} | change
    with pytest.raises(SchemaError, match=message):
        akm(arguments.pop("y"), arguments.pop("X"), arguments.pop("shares"), **arguments)


def test_nothing_left_to_identify():
    y, X, shares, g, Z, _ = small_arrays(1)
    with pytest.raises(IdentificationError, match="leave nothing"):
        akm(y, X, shares, controls=np.column_stack([Z, X]), shocks=g)
    with pytest.raises(IdentificationError, match="one cluster"):
        akm(y, X, shares, clusters=np.zeros(9), shocks=g)
    with pytest.raises(SchemaError, match="known for 2"):
        shock_balance(g[:2], pd.DataFrame({"a": [1.0, 2]}), weights=[1, 1])
    with pytest.raises(SchemaError, match="level="):
        akm(y, X, shares, shocks=g).confidence_set(95)


# ---------------------------------------------------------------------------- linkages


def quiet(fit, links=None):
    return infer(fit, links)


def fitted(formula=FORMULA, **options):
    panel, links = panels.attached(**options.pop("attach", {}))
    return sp.fit(formula, panel, inference="hetero", **options), panel, links


@pytest.mark.parametrize("measure", list(sp.MEASURES))
@pytest.mark.parametrize("weights", [None, "w"])
def test_one_measure_is_the_array_level_with_dummies(measure, weights):
    """Shares and shocks from the linkages, residualised by year: the same as by hand."""
    panel, links = panels.attached(measures=list(sp.MEASURES))
    fit = sp.fit(f"y ~ {measure} | firm + year", panel, inference="hetero", weights=weights)
    panel = panel[fit.used]
    W, g, sector, period = panels.long_shares(panel, links, measure)
    year = pd.get_dummies(period).to_numpy(float)
    totals = W.sum(axis=1)[:, None] * panels.dummies(panel, "year")
    by_hand = akm(
        panel["y"],
        panel[measure],
        W,
        controls=np.hstack([panels.dummies(panel, "firm", "year"), totals]),
        weights=None if weights is None else panel[weights],
        clusters=sector,
        shocks=g,
        shock_controls=year,
    )
    found = find_exposures(fit.estimated, fit.links)
    controlled = with_share_controls(fit.estimated, found.values())
    robust = quiet(replace_estimated(fit, controlled))
    assert robust.params[measure] == pytest.approx(by_hand.estimate, rel=1e-8)
    assert robust.std_error(measure) == pytest.approx(by_hand.std_error, rel=1e-8)
    assert robust.score.rho[:, 0] == pytest.approx(by_hand.rho, rel=1e-7, abs=1e-10)
    assert robust.score.kappa[:, 0] == pytest.approx(by_hand.kappa, rel=1e-7, abs=1e-10)
    assert robust.score.unexplained[0] < 1e-8


def replace_estimated(fit, estimated):
    return replace(fit, estimated=estimated)


def test_joint_score_by_loops():
    fit, panel, links = fitted()
    robust = quiet(replace_estimated(fit, _controlled(fit)))
    estimated = _controlled(fit)
    panel = panel[fit.used]
    w = np.ones(len(panel))
    measures = ["horizontal", "backward", "forward"]
    r = panels.loop_scores(panel, links, measures, None, estimated.squares.residuals, w)
    assert r @ estimated.squares.bread[:3, :3] == pytest.approx(robust.score.rho, abs=1e-10)
    block = robust.vcov.loc[measures, measures].to_numpy()
    B = estimated.squares.bread[:3, :3]
    assert block == pytest.approx(B @ r.T @ r @ B, rel=1e-7, abs=1e-12)


def _controlled(fit):
    return with_share_controls(fit.estimated, find_exposures(fit.estimated, fit.links).values())


def test_scores_add_up_with_and_without_the_control():
    fit, _, _ = fitted(weights="w")
    for estimated in (fit.estimated, _controlled(fit)):
        robust = quiet(replace_estimated(fit, estimated))
        assert robust.score.rho.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-10)
        assert robust.score.kappa.sum(axis=0) == pytest.approx(np.ones(3), abs=1e-9)
    plain = quiet(fit)
    assert plain.score.unexplained[0] < 1e-12  # Horizontal's shares add up to 1
    assert (plain.score.unexplained[1:] > 1e-6).all()


def test_null_imposed_test_re_estimates_the_other_regressors():
    fit, panel, links = fitted()
    fit = replace_estimated(fit, _controlled(fit))
    robust = quiet(fit)
    estimated, panel = fit.estimated, panel[fit.used]
    measures, ones = ["horizontal", "backward", "forward"], np.ones(len(panel))
    for m, term in enumerate(measures):
        for null in (-2.0, 0.0, 0.7):
            others = np.delete(estimated.X, m, axis=1)
            y = estimated.y - null * estimated.X[:, m]
            e0 = y - others @ np.linalg.lstsq(others, y, rcond=None)[0]
            r = panels.loop_scores(panel, links, measures, None, e0, ones)
            u = r @ estimated.squares.bread[m, :3]
            delta = robust.params[term] - null
            assert u.sum() == pytest.approx(delta, rel=1e-6, abs=1e-8)
            p = joint_p_value(
                delta**2 / (u**2).sum(), 1, robust.effective_shocks[term], "effective"
            )
            assert robust.p_value(term, null) == pytest.approx(p, rel=1e-6)


def test_joint_test_by_refit_and_of_one_term():
    fit, panel, links = fitted()
    fit = replace_estimated(fit, _controlled(fit))
    robust = quiet(fit)
    estimated, panel = fit.estimated, panel[fit.used]
    terms, null = ["backward", "forward"], [0.5, -0.3]
    y = estimated.y - estimated.X[:, 1:3] @ null
    others = np.delete(estimated.X, [1, 2], axis=1)
    e0 = y - others @ np.linalg.lstsq(others, y, rcond=None)[0]
    r = panels.loop_scores(panel, links, ["horizontal", *terms], None, e0, np.ones(len(panel)))
    psi = (r @ estimated.squares.bread[:3, :3])[:, 1:]
    delta = robust.params[terms].to_numpy() - null
    square = delta @ np.linalg.solve(psi.T @ psi, delta)
    found = robust.test(terms, null)
    assert found["statistic"] == pytest.approx(square, rel=1e-6)
    assert robust.test(["backward"])["p_value"] == pytest.approx(robust.p_value("backward"))
    normal = robust.test(terms, null, critical="normal")
    assert normal["p_value"] == pytest.approx(stats.chi2.sf(square, 2), rel=1e-6)


def test_other_regressors_are_clustered_by_industry():
    panel, _ = panels.attached()
    fit = sp.fit(FORMULA, panel, inference="hetero")
    with pytest.warns(SpilloverWarning, match="clusters"):
        clustered = sp.fit(FORMULA, panel, cluster="industry")
    robust = quiet(fit)
    assert robust.vcov.loc["x", "x"] == pytest.approx(clustered.vcov.loc["x", "x"], rel=1e-9)
    assert np.linalg.eigvalsh(robust.vcov.to_numpy()).min() > -1e-15


def test_rows_only_matter_through_industry_years():
    """Splitting each firm in two changes nothing: what counts is the exposure, not the rows."""
    panel, _ = panels.attached()
    once = quiet(sp.fit("y ~ backward + forward | industry + year", panel, inference="hetero"))
    twice = pd.concat([panel, panel.assign(firm=panel["firm"] + "'")], ignore_index=True)
    twice.attrs = panel.attrs
    double = quiet(sp.fit("y ~ backward + forward | industry + year", twice, inference="hetero"))
    assert double.vcov.to_numpy() == pytest.approx(once.vcov.to_numpy(), rel=1e-8)
    assert double.p_value("backward") == pytest.approx(once.p_value("backward"), rel=1e-8)


def test_shuffled_rows_and_renamed_sectors():
    firms, io = panels.make_firms(), panels.make_table()
    panel, _ = panels.attached()
    base = quiet(sp.fit(FORMULA, panel, inference="hetero"))
    order = np.random.default_rng(1).permutation(len(firms))
    names = {code: f"{9 - i}0" for i, code in enumerate(panels.SECTORS)}
    flip = list(range(6, -1, -1))
    renamed = sp.IOTable.from_arrays(
        [names[io.sectors[i]] for i in flip], total=io.total[np.ix_(flip, flip)],
        output=io.output[flip], unit="EUR",
    )  # fmt: skip
    shuffled = firms.iloc[order].reset_index(drop=True)
    shuffled["industry"] = shuffled["industry"].map(names).astype(int)
    other, _ = panels.attached(shuffled, renamed)
    found = quiet(sp.fit(FORMULA, other, inference="hetero"))
    assert found.vcov.to_numpy() == pytest.approx(base.vcov.to_numpy(), rel=1e-8)
    assert found.p_value("forward") == pytest.approx(base.p_value("forward"), rel=1e-8)


def test_presence_by_region():
    definition = sp.LinkageDefinition(region="own")
    panel, links = panels.attached(definition=definition)
    formula = "y ~ backward | firm + region^year"
    fit = sp.fit(formula, panel, inference="hetero")
    robust = quiet(replace_estimated(fit, _controlled(fit)))
    panel = panel[fit.used]
    A = links.exposure("backward", 2001)
    presence = links.shocks("backward").set_index(["industry", "region", "year"])["presence"]
    keys = list(presence.index)
    W = np.column_stack([
        np.where(
            (panel["region"] == r) & (panel["year"] == t), A[k].reindex(panel["industry"]), 0.0
        )
        for k, r, t in keys
    ])  # fmt: skip
    cell = pd.get_dummies([f"{r}{t}" for _, r, t in keys]).to_numpy(float)
    totals = W.sum(axis=1)[:, None] * panels.dummies(panel, "region^year")
    by_hand = akm(
        panel["y"], panel["backward"], W, shocks=presence.fillna(0).to_numpy(),
        controls=np.hstack([panels.dummies(panel, "firm", "region^year"), totals]),
        clusters=np.array([k for k, _, _ in keys]), shock_controls=cell,
    )  # fmt: skip
    assert robust.params["backward"] == pytest.approx(by_hand.estimate, rel=1e-7)
    assert robust.std_error("backward") == pytest.approx(by_hand.std_error, rel=1e-7)
    assert robust.effective_shocks["backward"] == pytest.approx(by_hand.effective_shocks, rel=1e-7)


def test_firm_left_out_of_its_own_industry():
    panel, _ = panels.attached(definition=sp.LinkageDefinition(leave_one_out=True))
    fit = sp.fit("y ~ horizontal + backward | firm + year", panel, inference="hetero")
    robust = quiet(fit)
    assert robust.score.own[0] > 0.01
    assert robust.score.own[1] == 0
    assert robust.score.kappa.sum(axis=0) == pytest.approx([1, 1], abs=1e-9)
    assert robust.score.rho.sum(axis=0) == pytest.approx([0, 0], abs=1e-10)


def test_differences_lags_and_interactions():
    panel, links = panels.attached()
    fit = sp.fit("y ~ backward | year", panel, transform="first_difference", inference="hetero")
    robust = quiet(fit)
    assert robust.score.own[0] < 1e-12
    assert robust.score.kappa.sum() == pytest.approx(1, abs=1e-9)
    lagged = quiet(sp.fit("y ~ lag(backward, 1) | firm + year", panel, inference="hetero"), links)
    assert lagged.terms == ("lag(backward, 1)",)
    assert lagged.score.own[0] < 1e-12
    mixed = quiet(
        sp.fit("y ~ backward + backward:x | firm + year", panel, inference="hetero"), links
    )
    assert mixed.terms == ("backward", "backward:x")
    assert (mixed.score.own < 1e-12).all()
    assert mixed.score.rho.sum(axis=0) == pytest.approx([0, 0], abs=1e-10)


def test_two_definitions_side_by_side():
    firms, io = panels.make_firms(), panels.make_table()
    panel, _ = panels.attached(firms, io)
    other = sp.linkages(firms, io, sp.LinkageDefinition(own_sector="include"))
    panel = sp.attach(panel, other, measures=["backward"], suffix="_own")
    fit = sp.fit("y ~ backward + backward_own | firm + year", panel, inference="hetero")
    robust = quiet(fit)
    assert robust.terms == ("backward", "backward_own")
    assert robust.score.kappa.sum(axis=0) == pytest.approx([1, 1], abs=1e-8)
    again = quiet(
        sp.fit(
            "y ~ backward + backward_own | firm + year",
            panel.reset_index(drop=True),
            inference="hetero",
        ),
        {"backward": panel.attrs["spillover_linkages"]["backward"].linkages, "backward_own": other},
    )
    assert again.vcov.to_numpy() == pytest.approx(robust.vcov.to_numpy(), rel=1e-10)


# ---------------------------------------------------------------------------- what is said


def test_incomplete_shares_are_warned_of_until_controlled():
    fit, panel, links = fitted()
    with pytest.warns(SpilloverWarning, match=r"add up to less than 1.*backward"):
        exposure(fit)
    controls = share_controls(panel, links, measures=["backward", "forward"])
    assert list(controls.columns[:2]) == ["backward_weight_2001", "backward_weight_2002"]
    expected = panel["industry"].map(links.supply_shares.sum(axis=1))
    there = (panel["year"] == 2003).to_numpy()
    assert controls["backward_weight_2003"][there].to_numpy() == pytest.approx(
        expected[there].to_numpy(), rel=1e-12
    )
    assert (controls["backward_weight_2003"][~there] == 0).all()
    wide = pd.concat([panel, controls], axis=1)
    wide.attrs = panel.attrs
    names = [name for name in controls if not name.endswith("2001")]
    by_hand = sp.fit(FORMULA.replace("+ x", "+ x + " + " + ".join(names)), wide, inference="hetero")
    ours = _controlled(fit)
    assert by_hand.params.iloc[:4].to_numpy() == pytest.approx(ours.squares.beta[:4], rel=1e-7)
    assert ours.X.shape[1] == 4 + 8
    robust = quiet(replace_estimated(fit, ours))
    assert (robust.score.unexplained < 1e-9).all()
    assert quiet(by_hand).std_error("backward") == pytest.approx(
        robust.std_error("backward"), rel=1e-7
    )


def test_shares_that_change_are_warned_of():
    tables = [panels.make_table(3, 2001), panels.make_table(4, 2005)]
    definition = sp.LinkageDefinition(vintage="interpolate")
    panel, _ = panels.attached(io=tables, definition=definition)
    fit = sp.fit("y ~ backward | firm + year", panel, inference="hetero")
    with pytest.warns(SpilloverWarning, match="change over time"):
        robust = exposure(fit)
    assert robust.score.kappa.sum() == pytest.approx(1, abs=1e-9)


def test_fit_with_exposure_robust_errors():
    fit, _, _ = fitted()
    with pytest.warns(SpilloverWarning):
        robust = with_exposure(fit)
    inner = quiet(fit)
    table = robust.tidy().set_index("term")
    assert table.loc["backward", "std_error"] == pytest.approx(inner.std_error("backward"))
    assert table.loc["backward", "p_value"] == pytest.approx(inner.p_value("backward"))
    found = inner.confidence_set("backward")
    assert (table.loc["backward", "conf_low"], table.loc["backward", "conf_high"]) == (
        pytest.approx(found.hull)
    )
    wider = robust.confint(0.99)
    assert (wider["conf_low"] <= table["conf_low"]).all()
    text = repr(robust)
    assert "exposure-robust" in text
    assert "effective number of shocks: horizontal" in text
    assert "as good as random" in text
    assert "exposure-robust" in robust._repr_html_()
    normal = apply_exposure(fit, infer(fit, critical="normal"))
    assert normal.pvalues["backward"] == pytest.approx(inner.p_value("backward", critical="normal"))
    assert robust.wald(["backward", "forward"])["p_value"] > 0


def test_controls_for_shares_are_not_reported():
    fit, _, _ = fitted()
    with pytest.warns(SpilloverWarning, match="^Fewer than 5 effective shocks"):
        robust = with_exposure(fit, share_controls=True)  # shares are no longer warned of
    inner = quiet(replace_estimated(fit, _controlled(fit)))
    assert list(robust.params.index) == list(fit.params.index)
    assert robust.params.to_numpy() == pytest.approx(inner.params.to_numpy()[:4], rel=1e-12)
    assert robust.pvalues["forward"] == pytest.approx(inner.p_value("forward"))
    assert robust.df_resid == fit.df_resid - 8
    e = robust.residuals
    total = ((fit.estimated.design.y - fit.estimated.design.y.mean()) ** 2).sum()
    assert robust.r2 == pytest.approx(1 - e @ e / total, rel=1e-9)
    assert robust.rmse == pytest.approx(np.sqrt(e @ e / robust.df_resid), rel=1e-12)
    assert "incomplete shares x years (8 columns)" in repr(robust)


def test_the_result_prints_and_tabulates():
    fit, _, _ = fitted()
    robust = quiet(fit)
    table = robust.table()
    assert list(table.index) == ["horizontal", "backward", "forward"]
    assert "ExposureInference" in repr(robust)
    assert "<table" in robust._repr_html_()
    assert robust.contributions.sum().to_numpy() == pytest.approx(np.ones(3), abs=1e-9)
    weights = robust.exposures[0].exposure_weights
    assert robust.effective_exposure["horizontal"] == pytest.approx(effective_number(weights))


def test_what_cannot_be_inferred():
    fit, panel, links = fitted()
    with pytest.raises(SchemaError, match="No regressor is a linkage measure"):
        exposure(sp.fit("y ~ x | firm + year", panel, inference="hetero"))
    with pytest.raises(SchemaError, match="kept no arrays"):
        exposure(sp.fit(FORMULA, panel, inference="hetero", lean=True))
    with pytest.raises(SchemaError, match=r"'backwards' is no linkage term\. Did you mean"):
        quiet(fit).p_value("backwards")
    with pytest.raises(SchemaError, match="critical='exact'"):
        exposure(fit, critical="exact")
    with pytest.raises(SchemaError, match="different linkage terms"):
        quiet(fit).test(["backward", "backward"])
    with pytest.raises(SchemaError, match="begins with no measure"):
        exposure(fit, {"other": links})
    moved = panel.assign(industry=panel["industry"].replace({"A": "Z"}))
    elsewhere = sp.fit(FORMULA, moved, inference="hetero")
    with pytest.raises(SchemaError, match="not on the linkages' axes"):
        exposure(elsewhere, links)
    with pytest.raises(SchemaError, match="measures='onward'"):
        share_controls(panel, links, measures=["onward"])


def test_lags_and_interactions_need_no_links():
    panel, _ = panels.attached()
    lagged = quiet(sp.fit("y ~ lag(backward, 1) | firm + year", panel, inference="hetero"))
    assert lagged.terms == ("lag(backward, 1)",)
    mixed = quiet(sp.fit("y ~ forward:x | firm + year", panel, inference="hetero"))
    assert mixed.terms == ("forward:x",)


@pytest.mark.slow
def test_size_of_the_joint_and_of_the_other_regressors():
    """Wald across linkage terms, and a firm-level regressor whose errors cluster by industry."""
    io = sp.simulate.io_table(30, rng=21)
    rng = np.random.default_rng(5)
    frame = pd.MultiIndex.from_product(
        [io.sectors, range(4), range(2000, 2008)], names=["industry", "number", "year"]
    ).to_frame(index=False)
    frame["firm"] = frame["industry"] + frame["number"].astype(str)
    frame["output"], frame["exports"] = 1.0, rng.uniform(0, 0.3, len(frame))
    frame["foreign_share"] = rng.random(len(frame))
    links = sp.linkages(frame, io)
    panel = sp.attach(frame, links)
    at = pd.factorize(frame["industry"])[0], frame["year"].to_numpy() - 2000
    shares = io.supply_shares().to_numpy()
    panel["y"], panel["x"] = rng.standard_normal(len(panel)), rng.standard_normal(len(panel))
    first = sp.fit("y ~ horizontal + backward + forward + x | firm + year", panel)
    found = find_exposures(first.estimated, first.links)
    movable = complete_sectors(list(found.values()))
    rejected = []
    for _ in range(400):
        paths = _drawn(list(found.values()), movable, "ar1", 0.7, rng)
        drawn = {
            j: replace(one, shocks=g) for (j, one), g in zip(found.items(), paths, strict=True)
        }
        for one in drawn.values():
            panel[one.term] = one.rows(one.spread(one.shocks))
        common = rng.standard_normal((30, 8))
        panel["x"] = rng.standard_normal(len(panel)) + common[at]
        demand = np.cumsum(rng.standard_normal((30, 8)), axis=1)
        panel["y"] = (shares @ demand)[at] + common[at] * rng.standard_normal(30)[at[0]]
        fit = sp.fit(
            "y ~ horizontal + backward + forward + x | firm + year", panel, inference="hetero"
        )
        estimated = with_share_controls(fit.estimated, drawn.values())
        score = joint_score(estimated, drawn)
        names = list(estimated.design.terms)
        one = ExposureInference(
            pd.Series(estimated.squares.beta, names), pd.DataFrame(score.vcov, names, names),
            tuple(names[:3]), tuple(drawn.values()), score, "effective", links.axes.sectors,
        )  # fmt: skip
        t = abs(one.params["x"]) / one.std_error("x")
        rejected.append(
            [
                one.test()["p_value"],
                2 * stats.t.sf(t, 29),
                *(one.p_value(term) for term in one.terms),
            ]
        )
    rates = (np.array(rejected) < 0.05).mean(axis=0)
    assert rates[0] < 0.075  # joint, null imposed
    assert 0.02 < rates[1] < 0.12  # clustered by 30 industries of unequal variance
    assert (np.abs(rates[2:] - 0.05) < 0.03).all(), rates


def test_firms_split_over_sectors_are_refused_with_a_way_out():
    world = sp.simulate.panel(industries=8, firms_per_industry=10, rng=1)
    firms = world.firms.astype({"industry": str})
    first, second = sorted(firms["industry"].unique())[:2]
    firms.loc[firms["industry"] == first, "industry"] = "X"
    rows = [(one, one, 1.0) for one in sorted(set(firms["industry"]) - {"X"})]
    table = pd.DataFrame(
        [*rows, ("X", first, 0.6), ("X", second, 0.4)], columns=["source", "target", "weight"]
    )
    split = sp.read_firms(firms).with_industries(sp.Concordance.from_frame(table), several="split")
    panel = split.join_linkages(sp.linkages(split, world.io))
    fit = sp.fit("tfp ~ backward | firm + year", panel)
    with pytest.raises(SchemaError, match=r"stand for several sectors.*several='largest'"):
        sp.inference.exposure(fit)

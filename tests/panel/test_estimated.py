"""What a fit keeps for later tests, and intervals that do not come from a t distribution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import spillover as sp
from spillover.panel.estimated import FrameKeys

pytestmark = pytest.mark.filterwarnings("ignore:Only .* clusters:spillover.errors.SpilloverWarning")


def test_arrays_solve_the_normal_equations(panel):
    fit = sp.fit("y ~ x + z | firm + industry^year", panel, weights="w")
    made = fit.estimated
    w = made.design.weights
    assert made.Xhat is made.X
    np.testing.assert_allclose(made.X.T @ (w * made.squares.residuals), 0, atol=1e-9)
    np.testing.assert_allclose(made.squares.scores, made.X * (w * fit.residuals)[:, None])
    np.testing.assert_allclose(
        made.squares.bread, np.linalg.inv(made.X.T @ (w[:, None] * made.X)), rtol=1e-9
    )
    assert (made.df_absorbed, made.df_resid) == (fit.df_absorbed, fit.df_resid)
    assert len(repr(made.frame_keys)) < 200


def test_instrumented_arrays(panel):
    frame = panel.assign(q=panel["x"] + np.sin(np.arange(len(panel))), r=np.cos(panel["z"]))
    made = sp.fit("y ~ z | firm | x ~ q + r", frame).estimated
    assert made.design.endogenous == ("x",)
    assert made.Z.shape == (len(made.y), 2)
    np.testing.assert_allclose(made.Xhat.T @ made.squares.residuals, 0, atol=1e-9)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_keys_of_the_rows_used(panel, kind):
    data = panel
    if kind == "polars":
        data = pytest.importorskip(kind).from_pandas(panel)
    elif kind == "pyarrow":
        data = pytest.importorskip(kind).Table.from_pandas(panel)
    fit = sp.fit("y ~ x | firm + year", data, sample="domestic")
    used = panel[fit.used]
    for name in ("firm", "industry", "year"):
        key = getattr(fit.estimated.frame_keys, name)
        np.testing.assert_array_equal(key.uniques[key.codes], used[name])
        assert list(key.uniques) == sorted(used[name].unique())


def test_keys_that_are_missing():
    frame = pd.DataFrame({"firm": ["b", None, "a", "b"], "x": 1.0})
    keys = FrameKeys(frame, np.array([True, True, True, True]))
    np.testing.assert_array_equal(keys.firm.codes, [1, -1, 0, 1])
    assert keys.industry is None
    mixed = FrameKeys(pd.DataFrame({"firm": ["b", 3, "a"]}), np.ones(3, dtype=bool))
    assert list(mixed.firm.uniques) == ["b", 3, "a"]


def test_keys_do_not_follow_later_changes_of_the_frame(panel):
    frame = panel.copy()
    fit = sp.fit("y ~ x | firm", frame)
    frame["industry"] = 0
    assert len(fit.estimated.frame_keys.industry.uniques) == panel["industry"].nunique()


def test_lean_keeps_numbers_only(panel):
    lean = sp.fit("y ~ x | firm", panel, lean=True)
    full = sp.fit("y ~ x | firm", panel)
    assert lean.estimated is None
    assert lean.residuals is None
    pd.testing.assert_frame_equal(lean.tidy(), full.tidy())


def test_links_are_the_linkages_attached():
    world = sp.simulate.panel(backward=0.3, rng=1)
    linkages = sp.linkages(world.firms, world.io)
    panel = sp.attach(world.firms, linkages)
    fit = sp.fit("tfp ~ horizontal + backward + exports | firm + year", panel)
    assert set(fit.links) == {"horizontal", "backward"}
    assert fit.links["backward"].linkages is linkages
    assert fit.links["backward"].measure == "backward"


def test_own_intervals_and_p_values_are_the_ones_shown(panel):
    fit = sp.fit("y ~ x + z | firm", panel)

    def intervals(level):
        return pd.DataFrame({"conf_low": -level, "conf_high": level}, fit.params.index)

    own = replace(fit, p_values=pd.Series({"z": 0.25, "x": 0.5}), intervals=intervals)
    assert list(own.pvalues) == [0.5, 0.25]
    assert own.confint(0.9)["conf_high"].tolist() == [0.9, 0.9]
    table = own.tidy(0.8)
    assert table["p_value"].tolist() == [0.5, 0.25]
    assert table["conf_low"].tolist() == [-0.8, -0.8]
    assert "t(" not in repr(own)
    shown = str(sp.tables.regression(own, show="confint", level=0.8))
    assert "[-0.800, 0.800]" in shown


def test_degrees_of_freedom_by_term(panel):
    fit = sp.fit("y ~ x + z | firm", panel)
    own = replace(fit, dfs=pd.Series({"z": 3.5, "x": 9.0}))
    expected = 2 * stats.t.sf(np.abs(fit.tstats.to_numpy()), [9.0, 3.5])
    np.testing.assert_allclose(own.pvalues, expected, rtol=1e-12)
    half = stats.t.ppf(0.975, [9.0, 3.5]) * fit.std_errors
    np.testing.assert_allclose(own.confint()["conf_high"] - own.params, half, rtol=1e-12)


def test_normal_distribution(panel):
    fit = sp.fit("y ~ x + z | firm", panel)
    own = replace(fit, inference=replace(fit.inference, df=np.inf, description="by another method"))
    np.testing.assert_allclose(own.pvalues, 2 * stats.norm.sf(np.abs(fit.tstats)), rtol=1e-10)
    wald = own.wald()
    assert wald["p_value"] == pytest.approx(stats.chi2.sf(2 * wald["statistic"], 2), rel=1e-12)
    assert "by another method" in repr(own)
    assert own.glance()["inference"].tolist() == ["by another method"]

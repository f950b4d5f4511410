"""Figures of diagnostics: what is drawn, labels with units, and no side effects."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

import spillover as sp
from spillover.errors import SchemaError
from spillover.plot.theme import COLOURS

pytestmark = pytest.mark.filterwarnings(
    "ignore:Only .* clusters:spillover.errors.SpilloverWarning",
)


@pytest.fixture(autouse=True)
def _no_side_effects():
    with mpl.rc_context():
        mpl.use("agg")
        before = dict(mpl.rcParams)
        yield
        assert dict(mpl.rcParams) == before
        assert plt.get_fignums() == []


@pytest.fixture(scope="module")
def panel():
    world = sp.simulate.panel(backward=0.3, rng=1, industries=8, firms_per_industry=12)
    return sp.attach(world.firms, sp.linkages(world.firms, world.io))


@pytest.fixture(scope="module")
def fit(panel):
    return sp.fit("tfp ~ horizontal + backward | firm + year", panel, cluster="industry^year")


@pytest.fixture(scope="module")
def left_out(fit):
    return sp.inference.leave_one_out(fit)


def texts_apart(figure, axes, named=False):
    """Whether no two texts of the axes overlap, and none leaves the figure."""
    figure.draw_without_rendering()
    notes = axes.texts
    boxes = [text.get_window_extent() for text in notes if text.get_text()]
    if named:
        boxes += [label.get_window_extent() for label in axes.get_yticklabels()]
    inside = figure.bbox.padded(1)
    for i, box in enumerate(boxes):
        if not (inside.contains(*box.min) and inside.contains(*box.max)):
            return False
        if any(box.overlaps(other) for other in boxes[:i]):
            return False
    return True


# --- leave one out -----------------------------------------------------------------------------
def test_leave_one_out_draws_every_industry_by_name(left_out):
    figure = sp.plot.leave_one_out(left_out, "horizontal")
    axes = figure.axes[0]
    rows = left_out.of("horizontal")
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == rows["label"].tolist()
    drawn = np.sort(np.concatenate([line.get_xdata() for line in axes.lines[2:]]))
    np.testing.assert_allclose(drawn, rows["estimate"])
    assert axes.lines[0].get_xdata()[0] == left_out.full.loc["horizontal", "estimate"]
    assert "Synthetic data" in figure.get_supxlabel()
    assert "clustered by industry^year" in figure.get_supxlabel()
    assert texts_apart(figure, axes, named=True)


def test_what_turns_stands_out_by_shape_and_colour(left_out):
    table = left_out.table.copy()
    row = table.index[(table["term"] == "backward")][3]
    table.loc[row, ["estimate", "conf_low", "conf_high"]] = [-0.2, -0.4, 0.1]
    turned = type(left_out)(**{**vars(left_out), "table": table})
    axes = sp.plot.leave_one_out(turned, "backward").axes[0]
    squares = [line for line in axes.lines if line.get_marker() == "s"]
    assert len(squares) == 1
    assert squares[0].get_xdata().tolist()[0] == -0.2
    assert to_hex(squares[0].get_color()).upper() == COLOURS[1]
    assert "Squares" in axes.figure.get_supxlabel()


def test_many_groups_and_units(panel):
    fit = sp.fit("tfp ~ backward | firm + year", panel, cluster="industry^year")
    found = sp.inference.leave_one_out(fit, "industry^year")
    figure = sp.plot.leave_one_out(found, "backward", unit="log points", labels={"tfp": "TFP"})
    axes = figure.axes[0]
    assert len(axes.get_yticklabels()) == 30
    assert "15 lowest" in figure.get_supxlabel()
    assert axes.get_xlabel() == "Estimate without the industry^year, with 95% interval (log points)"
    assert figure.get_figheight() < 9


def test_own_axes(left_out):
    figure, ax = plt.subplots()
    plt.close(figure)
    assert sp.plot.leave_one_out(left_out, "backward", ax=ax) is figure
    assert "Line and band" in ax.get_xlabel()


# --- influence ---------------------------------------------------------------------------------
def test_influence(fit):
    found = sp.inference.effective_clusters(fit, "industry")
    figure = sp.plot.influence(found, "backward", names=3)
    left, right = figure.axes
    table = found.table("backward")
    np.testing.assert_allclose(left.lines[1].get_xdata(), table["nobs"])
    np.testing.assert_allclose(right.lines[1].get_xdata(), table["without"])
    np.testing.assert_allclose(right.lines[1].get_ydata(), 100 * table["partial_leverage"])
    assert left.get_ylabel() == "Partial leverage for Backward, percent"
    assert len([text for text in left.texts if text.get_text()]) == 3
    assert f"{found.effective.loc['backward', 0.0]:.1f}" in figure.get_supxlabel()
    for axes in figure.axes:
        assert texts_apart(figure, axes)


# --- leads -------------------------------------------------------------------------------------
def test_leads(fit, panel):
    found = sp.inference.leads(fit, panel, "backward", leads=(1, 2), lags=1)
    figure = sp.plot.leads(found, labels={"backward": "Backward (share)"})
    axes = figure.axes[0]
    tidy = found.tidy()
    ahead, now = (container.lines[0] for container in axes.containers)
    assert ahead.get_xdata().tolist() == [-2, -1]
    assert now.get_xdata().tolist() == [0, 1]
    assert list(ahead.get_ydata()) == tidy["estimate"].tolist()[:2]
    assert ahead.get_marker() != now.get_marker()
    assert f"p = {found.joint['p_value']:.3f}" in figure.get_supxlabel()
    assert "Backward (share)" in axes.get_xlabel()


# --- power -------------------------------------------------------------------------------------
def test_power_in_natural_units(fit):
    curve = sp.inference.power_curve(fit, "backward", [0.0, 0.2, 0.6], draws=60)
    figure = sp.plot.power(curve)
    axes = figure.axes[0]
    line = axes.lines[2]
    np.testing.assert_allclose(line.get_xdata(), [0.0, 0.02, 0.06])
    np.testing.assert_allclose(line.get_ydata(), 100 * curve.table["power"])
    assert axes.get_xlabel() == "True effect on tfp of 10 percentage points more Backward"
    assert axes.get_ylabel() == "Found at 5%, percent of draws"


def test_several_curves_differ_by_line_and_marker(fit):
    curves = {
        name: sp.inference.power_curve(fit, "backward", [0.0, 0.5], test=name, draws=20)
        for name in ("cluster", "cr2", "cr3")
    }
    axes = sp.plot.power(curves).axes[0]
    drawn = axes.lines[2:]
    assert len(drawn) == 3
    assert len({line.get_linestyle() for line in drawn}) == 3
    assert len({line.get_marker() for line in drawn}) == 3
    other = sp.inference.power_curve(fit, "horizontal", [0.0, 0.5], draws=10)
    with pytest.raises(SchemaError, match="different terms"):
        sp.plot.power({"a": other, "b": curves["cr2"]})


# --- oster -------------------------------------------------------------------------------------
def test_oster():
    rng = np.random.default_rng(1)
    w, u = rng.standard_normal((2, 500))
    data = pd.DataFrame({"w": w, "x": w + u + rng.standard_normal(500)})
    data["y"] = 0.5 * data["x"] + w + u + rng.standard_normal(500)
    short, long = (sp.fit(f, data, inference="hetero") for f in ("y ~ x", "y ~ x + w"))
    result = sp.inference.oster(short, long, "x", rmax=[0.8, 0.95])
    figure = sp.plot.oster(result)
    left, right = figure.axes
    curve = result.curve(201)
    adjusted = next(line for line in left.lines if line.get_label() == "adjusted")
    np.testing.assert_allclose(adjusted.get_ydata(), curve["beta_star"])
    assert right.get_ylabel() == "δ for an effect of 0"
    assert "overall" in left.get_xlabel()
    with pytest.raises(SchemaError, match="upper"):
        sp.plot.oster(result, upper=0.1)


@pytest.mark.parametrize("name", ["leave_one_out", "influence", "leads", "power", "oster"])
def test_bad_input(name):
    arguments = ["backward"] if name in {"leave_one_out", "influence"} else []
    with pytest.raises(SchemaError, match=r"sp\.inference"):
        getattr(sp.plot, name)(3, *arguments)


def test_unknown_terms_and_axes(left_out, fit):
    with pytest.raises(SchemaError, match="no term"):
        sp.plot.leave_one_out(left_out, "q")
    with pytest.raises(SchemaError, match="no term"):
        sp.plot.influence(sp.inference.effective_clusters(fit), "q")
    with pytest.raises(SchemaError, match="axes"):
        sp.plot.leave_one_out(left_out, "backward", ax=3)

"""Figures of production functions: the artists and data in them, notes, and no side effects."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import spillover as sp
from spillover import plot
from spillover.errors import SchemaError


@pytest.fixture(autouse=True)
def _no_side_effects():
    """Every test must leave settings as they were and no figure open."""
    with mpl.rc_context():
        mpl.use("agg")
        before = dict(mpl.rcParams)
        yield
        assert dict(mpl.rcParams) == before
        assert plt.get_fignums() == []


@pytest.fixture(scope="module")
def data():
    sim = sp.simulate.production("acf2", firms=120, rng=1)
    frame = sim.data.copy()
    number = frame["firm"].str[1:].astype(int)
    frame["industry"] = np.where(number % 3, "15", "17")
    frame["foreign_share"] = np.where(number % 4 == 0, 0.6, 0.0)
    return frame


@pytest.fixture(scope="module")
def ols(data):
    return sp.productivity(data, method="ols")


@pytest.fixture(scope="module")
def lp(data):
    return sp.productivity(data, method="lp", by=None)


def below(figure):
    """The note below a figure, on one line."""
    return figure.get_supxlabel().replace("\n", " ")


def test_elasticities(ols):
    figure = plot.elasticities(ols, labels={"17": "Textiles"}, truth={"employment": 0.6})
    ax = figure.axes[0]
    table = ols.elasticities.set_index(["group", "input"])
    for name, line in zip(("employment", "capital"), ax.lines[:3:2], strict=True):
        expected = table.xs(name, level="input")["estimate"]
        np.testing.assert_allclose(line.get_xdata(), expected)
    whiskers = np.concatenate([c.get_segments() for c in ax.collections])
    ends = table.loc[[("15", "employment"), ("17", "employment")], ["conf_low", "conf_high"]]
    np.testing.assert_allclose(whiskers[:2, :, 0], ends)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["15", "Textiles"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["employment", "capital"]
    assert ax.get_xlabel() == "Elasticity of value added"
    assert "clustered by firm" in below(figure)
    assert "Dashed: true elasticities." in below(figure)


def test_elasticities_without_intervals(lp):
    figure = plot.elasticities(lp, groups=["all"], labels={"value_added": "value added"})
    assert figure.axes[0].get_xlabel() == "Elasticity of value added"
    assert sum(len(c.get_segments()) for c in figure.axes[0].collections) == 0
    assert "95%" not in below(figure)


def test_elasticities_into_axes(ols):
    figure = Figure()
    ax = figure.add_subplot()
    assert plot.elasticities(ols, groups=["17"], ax=ax) is figure
    assert "Method: ols" in ax.get_xlabel()


def test_density(ols, data):
    figure = plot.tfp_density(ols, data)
    ax = figure.axes[0]
    tfp = ols.tfp - ols.tfp.groupby([data["industry"], data["year"]]).transform("mean")
    foreign = data["foreign_share"] >= 0.1
    means = [line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 2]
    np.testing.assert_allclose(means, [tfp[~foreign].mean(), tfp[foreign].mean()])
    for line in (line for line in ax.lines if len(line.get_xdata()) > 2):
        area = np.trapezoid(line.get_ydata(), line.get_xdata())
        assert area == pytest.approx(1.0, abs=0.01)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["domestic (900 firm-years)", "foreign (300 firm-years)"]
    assert "less the mean of its industry and year" in ax.get_xlabel()


def test_density_by_column_and_missing(ols, data):
    holed = data.assign(size=np.where(data["employment"] > 1, "large", "small"))
    holed.loc[holed.index[:5], "size"] = None
    figure = plot.tfp_density(ols, holed, by="size", within=[], labels={"large": "Large firms"})
    texts = [text.get_text().split(" (")[0] for text in figure.axes[0].get_legend().get_texts()]
    assert texts == ["Large firms", "small"]
    assert "5 rows without productivity or class left out" in below(figure)
    assert figure.axes[0].get_xlabel() == "Log productivity"


def test_density_takes_other_libraries(ols, data):
    pl = pytest.importorskip("polars")
    one = plot.tfp_density(ols, data).axes[0].lines[0].get_ydata()
    for panel in (pl.from_pandas(data), sp.read_firms(data)):
        other = plot.tfp_density(ols, panel).axes[0].lines[0].get_ydata()
        np.testing.assert_allclose(other, one)


def test_profile(lp):
    values = [0.3, 0.4, 0.5]
    figure = plot.objective_profile(
        lp, "all", "capital", values=values, truth={"capital": 0.4}, labels={"capital": "ln K"}
    )
    ax = figure.axes[0]
    profile = lp.profile("all", "capital", values)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), profile["objective"])
    chosen = lp["all"].beta[lp["all"].names.index("capital")]
    assert ax.lines[1].get_xdata()[0] == pytest.approx(chosen)
    assert ax.lines[2].get_xdata()[0] == 0.4
    assert ax.get_xlabel() == "Coefficient of ln K"
    assert "Dashed: truth." in below(figure)


def test_profile_is_lowest_at_the_estimate(lp):
    figure = plot.objective_profile(lp, "all")
    line = figure.axes[0].lines[0]
    lowest = line.get_xdata()[np.argmin(line.get_ydata())]
    assert lowest == pytest.approx(lp["all"].beta[1], abs=0.011)


def test_synthetic_is_said(ols, data):
    assert "Synthetic data." in below(plot.tfp_density(ols, data, synthetic=True))
    plain = data.copy()
    plain.attrs = {}
    result = sp.productivity(plain, method="ols", by=None)
    assert "Synthetic" not in below(plot.elasticities(result))
    assert "Synthetic data." in below(plot.elasticities(result, synthetic=True))


@pytest.mark.parametrize(
    ("draw", "match"),
    [
        (lambda r, d, p: plot.elasticities(d), "result is a DataFrame"),
        (lambda r, d, p: plot.elasticities(r, groups=["16"]), "no group '16'"),
        (lambda r, d, p: plot.elasticities(r, groups="15"), "must be a list"),
        (lambda r, d, p: plot.elasticities(r, ax=3), "ax is of type int"),
        (lambda r, d, p: plot.tfp_density(r, d.iloc[:-1]), "result 1,200"),
        (lambda r, d, p: plot.tfp_density(r, d, by="foriegn"), "no column 'foriegn'"),
        (lambda r, d, p: plot.tfp_density(r, d, by="year"), "10 values"),
        (lambda r, d, p: plot.tfp_density(r, d, threshold=10), "threshold=10"),
        (lambda r, d, p: plot.tfp_density(r, d.assign(foreign_share=np.nan)), "No row has both"),
        (lambda r, d, p: plot.tfp_density(r, d.assign(c=["a"] + ["b"] * 1199), by="c"), "fewer"),
        (lambda r, d, p: plot.objective_profile(r, "15"), "no search"),
        (lambda r, d, p: plot.objective_profile(p, "all", "labour"), "no coefficient 'labour'"),
        (lambda r, d, p: plot.objective_profile(p, "15"), "no group '15'"),
    ],
)
def test_bad_input(draw, match, ols, data, lp):
    with pytest.raises(SchemaError, match=match):
        draw(ols, data, lp)


def test_inputs_are_left_alone(ols, data):
    before = data.copy()
    plot.tfp_density(ols, data)
    pd.testing.assert_frame_equal(data, before)

"""Figures: the artists and data in them, labels, missing values, and no side effects."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.colors import LogNorm, Normalize, PowerNorm, to_hex
from matplotlib.figure import Figure

import spillover as sp
from spillover import plot
from spillover.errors import SchemaError
from spillover.iotables import IOTable
from spillover.plot import _linkage_panels as panels
from spillover.plot.theme import shorten, styles, unique_short


@pytest.fixture(autouse=True)
def _no_side_effects():
    """Every test must leave settings as they were and no figure open."""
    with mpl.rc_context():
        mpl.use("agg")
        before = dict(mpl.rcParams)
        yield
        assert dict(mpl.rcParams) == before
        assert plt.get_fignums() == []


def make_fit(terms=("horizontal", "backward"), estimates=(-0.01, 0.04), half=0.02, **extra):
    def tidy(level=0.95):
        width = half * level / 0.95
        return pd.DataFrame(
            {
                "term": list(terms),
                "estimate": estimates,
                "conf_low": np.array(estimates) - width,
                "conf_high": np.array(estimates) + width,
            }
        )

    return SimpleNamespace(
        **{
            "outcome": "tfp",
            "absorbed": ("firm",),
            "tidy": tidy,
            "glance": lambda: pd.DataFrame(
                [{"nobs": 10, "inference": "clustered by industry^year"}]
            ),
            **extra,
        }
    )


def make_links(**columns):
    """Three industries, four years; industry c has no firms, b none in one year."""
    index = pd.MultiIndex.from_product([["a", "b", "c"], range(2000, 2004)])
    frame = pd.DataFrame(index=index.set_names(["industry", "year"])).reset_index()
    nan = np.nan
    frame["horizontal"] = [0.1, 0.2, 0.3, 0.4, 0.5, nan, 0.3, 0.2, nan, nan, nan, nan]
    frame["backward"] = np.linspace(0.01, 0.12, 12)
    frame["firms"] = [10, 10, 10, 10, 30, 0, 30, 30, 0, 0, 0, 0]
    names = {"a": "Food", "b": "Steel", "c": "Cars"}
    return SimpleNamespace(
        data=frame.assign(**columns), labels=names, country="LTU", source="WIOD 2013"
    )


def make_io(**extra):
    arguments = {
        "domestic": [[1.0, 30.0, 2.0], [8.0, 100.0, 0.0], [4.0, 60.0, 80.0]],
        "final_demand": [10.0, 20.0, 30.0],
        "unit": "million EUR",
        "country": "Utopia",
        "year": 2001,
        "source": "Statistics Utopia",
        "labels": {"x": "Agriculture", "y": "Manufacturing"},
        **extra,
    }
    return IOTable.from_arrays(["x", "y", "z"], **arguments)


def below(figure):
    """The footnote of a figure."""
    return figure.get_supxlabel()


# --- theme and helpers ------------------------------------------------------------------------
def test_theme_is_local_and_can_be_overridden():
    before = mpl.rcParams["axes.spines.top"], mpl.rcParams["axes.titlesize"]
    with plot.theme({"axes.titlesize": 20}):
        assert mpl.rcParams["axes.spines.top"] is False
        assert mpl.rcParams["axes.titlesize"] == 20
    assert (mpl.rcParams["axes.spines.top"], mpl.rcParams["axes.titlesize"]) == before


def test_theme_is_undone_after_an_error():
    before = dict(mpl.rcParams)
    with pytest.raises(RuntimeError), plot.theme():
        raise RuntimeError
    assert dict(mpl.rcParams) == before


def test_theme_uses_an_installed_font():
    with plot.theme():
        assert set(mpl.rcParams["font.family"]) <= set(font_manager.get_font_names())


def test_shorten():
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "ab…"
    assert shorten("a  b\nc", 10) == "a b c"
    assert shorten("one, two", 5) == "one…"


def test_shortened_labels_stay_distinct():
    out = unique_short(["Transport by water", "Transport by air", "Food"], 12, ["1", "2", "3"])
    assert len(set(out)) == 3
    assert out[2] == "Food"
    assert all(len(text) <= 12 for text in out)


def test_styles_are_distinct():
    assert len(set(styles(14))) == 14
    with pytest.raises(SchemaError, match="15 models"):
        styles(15)


# --- coefficients -----------------------------------------------------------------------------
def dots(ax):
    return [line for line in ax.lines if line.get_linestyle() == "None" and len(line.get_xdata())
            and not line.get_label().startswith("_")]  # fmt: skip


def test_coefficients_draw_the_numbers():
    figure = plot.coefficients(make_fit())
    (ax,) = figure.axes
    (line,) = dots(ax)
    assert list(line.get_xdata()) == [-0.01, 0.04]
    assert list(line.get_ydata()) == [0, 1]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["Horizontal", "Backward"]
    assert ax.get_ylim() == (1.5, -0.5)  # first term on top
    whiskers = ax.collections[0].get_segments()
    np.testing.assert_allclose(whiskers[1][:, 0], [0.02, 0.06])
    assert ax.get_xlabel() == "Coefficient with 95% confidence interval"
    assert below(figure) == (
        "Dependent variable: tfp.\nInference: clustered by industry × year."
    )  # fmt: skip
    assert ax.get_legend() is None


def test_coefficients_dodge_and_differ_by_marker_colour_and_filling():
    fits = {"OLS": make_fit(), "FE": make_fit(("backward", "forward")), "IV": make_fit(synthetic=1)}
    figure = plot.coefficients(fits, labels={"backward": "Upstream"}, unit="log points")
    (ax,) = figure.axes
    lines = dots(ax)
    assert [line.get_label() for line in lines] == ["OLS", "FE", "IV"]
    assert len({line.get_marker() for line in lines}) == 3
    assert len({line.get_color() for line in lines}) == 3
    heights = [line.get_ydata()[line.get_xdata() == 0.04][0] for line in (lines[0], lines[2])]
    assert heights[0] < 1 < heights[1]
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        "Horizontal", "Upstream", "Forward",
    ]  # fmt: skip
    assert ax.get_xlabel().endswith("(log points)")
    assert below(figure).endswith("Synthetic data.")
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["OLS", "FE", "IV"]
    figure.draw_without_rendering()
    assert legend.get_window_extent().y0 >= ax.get_window_extent().y1 - 1  # outside the data


def test_coefficients_level_reference_and_terms():
    fit = make_fit(("Intercept", "backward"))
    (ax,) = plot.coefficients(fit, level=0.5, reference=1.0).axes
    assert [text.get_text() for text in ax.get_yticklabels()] == ["Backward"]
    np.testing.assert_allclose(np.ptp(ax.collections[0].get_segments()[0][:, 0]), 0.04 * 0.5 / 0.95)
    assert "50%" in ax.get_xlabel()
    assert [line for line in ax.lines if list(line.get_xdata()) == [1.0, 1.0]]
    (bare,) = plot.coefficients(fit, reference=None, terms=["backward", "Intercept"]).axes
    assert [text.get_text() for text in bare.get_yticklabels()] == ["Backward", "Constant"]
    assert not [line for line in bare.lines if list(line.get_xdata()) == [0.0, 0.0]]


def test_coefficients_without_interval_are_counted():
    fit = make_fit(half=np.array([0.01, np.nan]))
    figure = plot.coefficients(fit)
    assert "1 coefficient(s) without an interval." in below(figure)
    assert len(dots(figure.axes[0])[0].get_xdata()) == 2


def test_coefficients_interval_need_not_hold_the_estimate():
    fit = make_fit()
    fit.tidy = lambda level=0.95: pd.DataFrame(
        {"term": ["x"], "estimate": [1.0], "conf_low": [1.5], "conf_high": [2.0]}
    )
    (ax,) = plot.coefficients(fit).axes
    np.testing.assert_allclose(ax.collections[0].get_segments()[0][:, 0], [1.5, 2.0])


def test_coefficients_name_what_differs():
    other = make_fit(outcome="exports", inference=SimpleNamespace(label="HC1", n_clusters=()))
    note = below(plot.coefficients([make_fit(), make_fit(), other]))
    assert "Dependent variable in (1), (2): tfp; (3): exports." in note
    assert "(3): HC1." in note


def test_coefficients_into_given_axes():
    figure = Figure()
    ax = figure.add_subplot()
    assert plot.coefficients([make_fit(), make_fit()], ax=ax, synthetic=True) is ax.figure
    assert ax.get_xlabel().endswith("Synthetic data.")
    assert below(figure) == ""


@pytest.mark.parametrize(
    ("fits", "kwargs", "match"),
    [
        ([], {}, "empty"),
        (pd.DataFrame(), {}, "not a fitted model"),
        (make_fit(), {"terms": ["bakward"]}, "Did you mean 'backward'"),
        (make_fit(), {"terms": "backward"}, "list of terms"),
        (make_fit(), {"terms": []}, "no term to draw"),
        (make_fit(("Intercept", "Intercept2")[:1], (0.1,)), {}, "no term to draw"),
        (make_fit(), {"level": 0}, "level=0"),
        (make_fit(), {"ax": "here"}, "ax is of type str"),
        (make_fit(), {"labels": 3}, "labels"),
        ([make_fit()] * 15, {}, "15 models"),
    ],
)
def test_coefficients_bad_input(fits, kwargs, match):
    with pytest.raises(SchemaError, match=match):
        plot.coefficients(fits, **kwargs)


# --- linkages ---------------------------------------------------------------------------------
TWO = ("horizontal", "backward")


def test_time_panels():
    figure = plot.linkages(make_links(), measures=TWO)
    assert [ax.get_title("left") for ax in figure.axes] == ["Horizontal", "Backward"]
    assert figure.axes[0].get_ylabel() == "Percent"
    assert {ax.get_xlabel() for ax in figure.axes} == {"Year"}
    ax = figure.axes[1]
    thick = max(ax.lines, key=lambda line: line.get_linewidth())
    expected = make_links().data.groupby("year")["backward"].mean() * 100
    np.testing.assert_allclose(thick.get_ydata(), expected)
    np.testing.assert_array_equal(thick.get_xdata(), [2000, 2001, 2002, 2003])
    assert sorted(text.get_text() for text in ax.texts) == ["Cars", "Food", "Mean"]
    assert "Industries without any value, of 3: Horizontal: 1." in below(figure)
    assert "LTU, WIOD 2013" in below(figure)
    assert "Synthetic" not in below(figure)


def test_gaps_break_lines_and_lone_years_are_dots():
    (ax,) = plot.linkages(make_links(), measures=["horizontal"]).axes
    thin = [line for line in ax.lines if line.get_linewidth() == 0.6]
    b = next(line for line in thin if line.get_ydata()[0] == 50)
    assert np.isnan(b.get_ydata()[1])
    lone = [line for line in ax.lines if line.get_marker() == "o"]
    assert [list(line.get_xdata()) for line in lone] == [[2000.0], [2000.0]]  # grey and named
    assert not any(0 in line.get_ydata() for line in ax.lines)


def test_missing_calendar_years_break_lines():
    links = make_links()
    links.data = links.data[links.data["year"] != 2001]
    (ax,) = plot.linkages(links, measures=["backward"]).axes
    assert all(np.isnan(line.get_ydata()[1]) for line in ax.lines if len(line.get_xdata()) == 4)


def test_weighted_mean():
    links = make_links()
    figure = plot.linkages(links, measures=["horizontal"], weights="firms")
    thick = max(figure.axes[0].lines, key=lambda line: line.get_linewidth())
    by_hand = [(10 * 10 + 30 * 50) / 40, 20.0, 30.0, (10 * 40 + 30 * 20) / 40]
    np.testing.assert_allclose(thick.get_ydata(), by_hand)
    assert "mean weighted by firms" in below(figure)


def test_mean_without_weights_in_a_year_is_missing():
    data = pd.DataFrame({2000: [1.0, 3.0], 2001: [np.nan, 2.0]})
    weight = pd.DataFrame({2000: [1.0, 1.0], 2001: [5.0, 0.0]})
    out = panels.mean(data, weight)
    assert out[2000] == 2.0
    assert np.isnan(out[2001])


def test_highlight_and_industries():
    links = make_links()
    (ax,) = plot.linkages(links, measures=["backward"], highlight=["b"]).axes
    assert sorted(text.get_text() for text in ax.texts) == ["Mean", "Steel"]
    (few,) = plot.linkages(links, measures=["backward"], industries=["a"]).axes
    assert sum(line.get_linewidth() == 0.6 for line in few.lines) == 1
    (own,) = plot.linkages(links, measures=["backward"], labels={"a": "F", "backward": "Up"}).axes
    assert own.get_title("left") == "Up"
    assert "F" in {text.get_text() for text in own.texts}


def test_direct_labels_do_not_overlap():
    links = make_links(backward=[0.1] * 12)
    figure = plot.linkages(links, measures=["backward"], highlight=["a", "b", "c"])
    figure.draw_without_rendering()
    boxes = sorted((t.get_window_extent() for t in figure.axes[0].texts), key=lambda b: b.y0)
    assert all(low.y1 <= high.y0 + 1 for low, high in pairwise(boxes))
    assert all(box.x1 <= figure.bbox.x1 + 1 for box in boxes)


def test_industry_dumbbells():
    figure = plot.linkages(make_links(), measures=TWO, kind="industry")
    left, right = figure.axes
    order = [text.get_text() for text in left.get_yticklabels()]
    assert order == ["Food", "Steel", "Cars"]  # by the first measure in the last year, missing last
    start, end = left.lines[:2]
    np.testing.assert_allclose(start.get_xdata(), [10, 50, np.nan])
    np.testing.assert_allclose(end.get_xdata(), [40, 20, np.nan])
    hatched = [patch for patch in left.patches if patch.get_hatch()]
    assert len(hatched) == 1
    assert hatched[0].get_y() < 2 < hatched[0].get_y() + hatched[0].get_height()
    assert not [patch for patch in right.patches if patch.get_hatch()]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["2000", "2003", "no data"]


def test_industry_one_year_and_pair():
    links = make_links()
    figure = plot.linkages(links, measures=["backward"], kind="industry", year=2001)
    (ax,) = figure.axes
    assert len(ax.lines) == 1
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [10, 6, 2])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["2001"]
    pair = plot.linkages(links, measures=["backward"], kind="industry", year=(2001, 2002))
    assert [text.get_text() for text in pair.legends[0].get_texts()] == ["2001", "2002"]


def test_industry_note_counts_only_the_years_drawn():
    links = make_links()
    figure = plot.linkages(links, measures=["horizontal"], kind="industry", year=2001)
    assert "of 3: Horizontal: 2." in below(figure)
    assert sum(bool(patch.get_hatch()) for patch in figure.axes[0].patches) == 2


def test_heatmap_hatches_what_is_missing():
    figure = plot.linkages(make_links(), measures=TWO, kind="heatmap")
    left = figure.axes[0]
    mesh = left.collections[0].get_array()
    assert mesh.shape == (3, 4)
    assert int(np.ma.getmaskarray(mesh).sum()) == 5
    assert mesh[0, 3] == pytest.approx(40)
    assert left.patch.get_hatch()
    assert [text.get_text() for text in left.get_yticklabels()] == ["Food", "Steel", "Cars"]
    assert [text.get_text() for text in left.get_xticklabels()] == ["2000", "2001", "2002", "2003"]
    assert figure.legends[0].get_texts()[0].get_text() == "no data"
    bars = [ax for ax in figure.axes if ax.get_xlabel() == "Percent"]
    assert len(bars) == 2


def test_a_measure_without_values_is_all_hatched():
    links = make_links(horizontal=np.nan)
    for kind in ("time", "industry", "heatmap"):
        figure = plot.linkages(links, measures=TWO, kind=kind)
        assert "Horizontal: 3" in below(figure)
        figure.draw_without_rendering()


def test_one_year_only():
    links = make_links()
    links.data = links.data[links.data["year"] == 2000]
    (ax,) = plot.linkages(links, measures=["backward"]).axes
    assert any(line.get_marker() == "o" for line in ax.lines)


@pytest.mark.parametrize("kind", ["time", "industry", "heatmap"])
def test_synthetic_links(kind):
    links = make_links()
    links.source = "Synthetic table"
    assert below(plot.linkages(links, measures=TWO, kind=kind)).endswith("Synthetic data.")


def test_real_classes():
    simulation = sp.simulate.panel(io=sp.simulate.io_table(8, rng=1), firms_per_industry=20, rng=1)
    links = sp.linkages(sp.read_firms(simulation.firms), simulation.io)
    for kind in ("time", "industry", "heatmap"):
        figure = plot.linkages(links, kind=kind)
        assert below(figure).endswith("Synthetic data.")
    mesh = figure.axes[1].collections[0].get_array()
    wide = links.data.pivot_table(index="industry", columns="year", values="backward", sort=False)
    np.testing.assert_allclose(mesh, 100 * wide.to_numpy())
    assert below(plot.io_table(simulation.io)).endswith("Synthetic data.")


def test_links_are_not_changed():
    links = make_links()
    before = links.data.copy()
    plot.linkages(links, measures=TWO)
    pd.testing.assert_frame_equal(links.data, before)


def test_names_with_dollar_signs_are_text():
    links = make_links()
    links.labels = {"a": "US$ goods $x_{", "b": "$\\frac{", "c": "c"}
    plot.linkages(links, measures=["backward"], kind="heatmap").draw_without_rendering()


@pytest.mark.parametrize(
    ("change", "kwargs", "match"),
    [
        ({}, {"kind": "line"}, "kind='line'"),
        ({}, {"measures": ["bakward"]}, "no column 'bakward'. Did you mean 'backward'"),
        ({}, {"measures": "backward"}, "must be a list"),
        ({}, {"measures": []}, "measures is empty"),
        ({}, {"measures": ["industry"]}, "no numbers"),
        ({}, {"measures": TWO, "industries": ["z"]}, "industries names 'z'"),
        ({}, {"measures": TWO, "industries": []}, "industries is empty"),
        ({}, {"measures": TWO, "year": 1990}, "year=1990.*2000 to 2003"),
        ({}, {"measures": TWO, "year": (2000, 2001, 2002)}, "a pair"),
        ({}, {"measures": TWO, "weights": "output"}, "weights='output' is no column"),
        ({}, {"measures": TWO, "highlight": ["z"]}, "highlight names 'z'"),
        ({}, {"measures": TWO, "highlight": "a"}, "must be a list"),
        ({}, {"measures": TWO, "labels": []}, "labels is a list"),
        ({}, {"measures": ["horizontal"], "industries": ["c"]}, "no value"),
        ({"data": None}, {}, "no frame `data`"),
        ({"data": make_links().data.head(0)}, {"measures": TWO}, "no rows"),
        ({"data": pd.concat([make_links().data] * 2)}, {"measures": TWO}, "twice"),
    ],
)
def test_linkages_bad_input(change, kwargs, match):
    links = make_links()
    vars(links).update(change)
    with pytest.raises(SchemaError, match=match):
        plot.linkages(links, **kwargs)


# --- input-output tables ----------------------------------------------------------------------
def cells(ax):
    mesh = ax.collections[0].get_array()
    return np.ma.filled(np.ma.asarray(mesh, dtype=float), np.nan).reshape(3, 3)


def test_supply_shares():
    figure = plot.io_table(make_io(), flows="domestic")
    ax = figure.axes[0]
    by_hand = np.array(
        [[np.nan, 3000 / 33, 200 / 33], [800 / 108, np.nan, 0], [400 / 144, 6000 / 144, np.nan]]
    )
    np.testing.assert_allclose(cells(ax), by_hand)
    assert ax.get_xlabel() == "Using industry"
    assert ax.get_ylabel() == "Supplying industry"
    rows = [text.get_text() for text in ax.get_yticklabels()]
    assert rows == ["Agriculture", "Manufacturing", "z"]
    title = ax.get_title("left").replace("\n", " ")
    assert title == "Utopia 2001: supply shares, domestic flows (percent)"
    assert "supplier's intermediate sales" in figure.axes[1].get_ylabel()
    assert "Source: Statistics Utopia." in below(figure)
    assert "own sector" in below(figure)
    assert ax.patch.get_hatch()


def test_input_shares_have_suppliers_in_rows():
    ax = plot.io_table(make_io(), flows="domestic", shares="input", own_sector="include").axes[0]
    Z = np.array([[1.0, 30.0, 2.0], [8.0, 100.0, 0.0], [4.0, 60.0, 80.0]])
    np.testing.assert_allclose(cells(ax), 100 * Z / Z.sum(axis=0))


def test_flows():
    figure = plot.io_table(make_io(), flows="domestic", shares="flows")
    ax = figure.axes[0]
    np.testing.assert_allclose(cells(ax)[1], [8, 100, 0])
    assert "(million EUR)" in ax.get_title("left").replace("\n", " ")
    assert "million EUR" in figure.axes[1].get_ylabel().replace("\n", " ")
    assert [text.get_text() for text in ax.texts][3:6] == ["8", "100", "0"]


def test_scales():
    def norm(scale, top=1e4):
        flows = [[1.0, 1.0, 1.0], [1.0, 2.0, 0.0], [1.0, 1.0, top]]
        io = make_io(domestic=flows)
        return (
            plot.io_table(io, flows="domestic", shares="flows", scale=scale).axes[0].collections[0]
        )

    assert isinstance(norm("auto").norm, LogNorm)
    assert isinstance(norm("auto", 10.0).norm, PowerNorm)
    assert type(norm("auto", 3.0).norm) is Normalize
    assert type(norm("linear").norm) is Normalize
    assert isinstance(norm("power").norm, PowerNorm)
    mesh = norm("log")
    assert not np.ma.getmaskarray(mesh.get_array()).any()  # zero is white, not missing
    zero = mesh.get_array().reshape(3, 3)[1, 2]
    assert to_hex(mesh.cmap(mesh.norm(zero))) == "#ffffff"


def test_all_zero_flows_can_be_drawn():
    io = SimpleNamespace(
        sectors=("a", "b"), flows=lambda which: np.zeros((2, 2)), supply_shares=None,
        input_shares=None,
    )  # fmt: skip
    figure = plot.io_table(io, shares="flows")
    figure.draw_without_rendering()
    assert figure.axes[0].get_title("left") == "Total intermediate flows"


def test_negative_flows_are_reported():
    io = SimpleNamespace(
        sectors=("a", "b"), flows=lambda which: np.array([[1.0, -2.0], [1000.0, 1.0]]),
        supply_shares=None, input_shares=None, source="x",
    )  # fmt: skip
    assert "1 negative flow(s) drawn like zero." in below(plot.io_table(io, shares="flows"))
    linear = plot.io_table(io, shares="flows", scale="linear")
    assert "negative" not in below(linear)
    assert linear.axes[0].collections[0].norm.vmin == -2.0


@pytest.mark.parametrize("n", [3, 12, 35, 82])
def test_many_sectors(n):
    codes = [f"D{i:02d}T{i + 1:02d}" for i in range(n)]
    flows = np.random.default_rng(1).lognormal(0, 2, (n, n))
    labels = {code: f"Manufacture of {code} and of other products, n.e.c." for code in codes}
    io = IOTable.from_arrays(codes, domestic=flows, unit="m", labels=labels)
    figure = plot.io_table(io, flows="domestic", shares="flows")
    ax = figure.axes[0]
    figure.draw_without_rendering()
    rows, columns = ax.get_yticklabels(), ax.get_xticklabels()
    assert len(rows) == len(columns) == n
    assert len({text.get_text() for text in rows}) == n
    assert all(len(text.get_text()) <= 38 for text in rows)
    for texts, low, high in ((rows, "y0", "y1"), (columns, "x0", "x1")):
        boxes = sorted((text.get_window_extent() for text in texts), key=lambda b: getattr(b, low))
        overlap = [getattr(a, high) - getattr(b, low) for a, b in pairwise(boxes)]
        assert max(overlap) <= 1.0  # no label covers the next
    assert bool(ax.texts) is (n <= 12)
    for text in (*rows, *columns, ax.title, figure.axes[1].yaxis.label):
        box = text.get_window_extent()
        assert box.x0 >= -1
        assert box.x1 <= figure.bbox.x1 + 1


def test_labels():
    io = make_io()

    def rows(labels):
        ax = plot.io_table(io, flows="domestic", labels=labels).axes[0]
        return [text.get_text() for text in ax.get_yticklabels()]

    assert rows(False) == ["x", "y", "z"]
    assert rows({"x": "A$B"}) == [r"A\$B", "y", "z"]


def test_annotate_can_be_forced():
    io = make_io()
    assert not plot.io_table(io, flows="domestic", annotate=False).axes[0].texts
    assert len(plot.io_table(io, flows="domestic", annotate=True).axes[0].texts) == 6


def test_synthetic_table():
    io = make_io(source="Synthetic, seed 1")
    assert below(plot.io_table(io, flows="domestic")).endswith("Synthetic data.")
    assert "Synthetic data" not in below(plot.io_table(make_io(), flows="domestic"))
    assert "Synthetic data" in below(plot.io_table(make_io(), flows="domestic", synthetic=True))


def test_io_table_into_given_axes():
    figure = Figure(figsize=(5, 4))
    ax = figure.add_subplot()
    assert plot.io_table(make_io(), flows="domestic", ax=ax) is ax.figure
    assert "Source: Statistics Utopia." in ax.get_xlabel()


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"flows": "foreign"}, "flows='foreign'"),
        ({"shares": "output"}, "shares='output'"),
        ({"scale": "root"}, "scale='root'"),
        ({"annotate": "yes"}, "annotate='yes'"),
        ({"flows": "domestic", "labels": 3}, "labels=3"),
        ({"ax": 3}, "ax is of type int"),
        ({"flows": "imported"}, "imported"),
        ({"flows": "domestic", "own_sector": "leave"}, "own_sector"),
    ],
)
def test_io_table_bad_input(kwargs, match):
    with pytest.raises(SchemaError, match=match):
        plot.io_table(make_io(), **kwargs)


def test_io_table_needs_a_table():
    with pytest.raises(SchemaError, match="DataFrame, which is no input-output table"):
        plot.io_table(pd.DataFrame())

"""Figures of what is behind linkage measures: waterfall, network, comparisons, key sectors."""

from __future__ import annotations

from itertools import combinations, pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.patches import FancyArrowPatch
from scipy import stats

import spillover as sp
from spillover import plot
from spillover.errors import SchemaError, SpilloverWarning
from spillover.iotables import key_linkages
from spillover.plot._network_drawing import round_steps
from spillover.plot._point_labels import label_points, two_lines
from spillover.plot.compare import correlation_matrix
from spillover.plot.theme import new_figure

CODES = ("a", "b", "c", "d")
Z = np.array(
    [[5.0, 30.0, 24.0, 10.0], [8.0, 10.0, 40.0, 2.0], [0.0, 60.0, 8.0, 12.0], [3, 4, 5, 6]]
)
X = np.array([120.0, 200.0, 150.0, 90.0])


@pytest.fixture(autouse=True)
def _no_side_effects():
    """Every test must leave settings as they were and no figure open."""
    with mpl.rc_context():
        mpl.use("agg")
        before = dict(mpl.rcParams)
        yield
        assert dict(mpl.rcParams) == before
        assert plt.get_fignums() == []


def make_io(**extra):
    arguments = {"output": X, "unit": "m", "source": "Statistics Utopia", **extra}
    labels = {"a": "Food", "b": "Steel", "c": "Cars", "d": "US$ trade"}
    return sp.IOTable.from_arrays(CODES, domestic=Z, labels=labels, **arguments)


def make_firms(codes=CODES, years=(2000, 2001), **columns):
    """One foreign and one domestic firm an industry; presence is 0.1, 0.2, ... in the first year"""
    rows = [
        {"firm": f"{code}{share > 0}", "year": year, "industry": code, "output": 100.0,
         "foreign_share": share, "exports": 0.0, "region": "N"}
        for i, code in enumerate(codes)
        for t, year in enumerate(years)
        for share in (0.0, min(1.0, 0.2 * (i + 1) * (1 + 0.2 * t * (-1) ** i)))
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(**columns)


def make_links(definition=None, firms=None, **extra):
    chosen = definition or sp.LinkageDefinition(flows="domestic")
    return sp.linkages(make_firms() if firms is None else firms, make_io(), chosen, **extra)


def below(figure):
    """The footnote of a figure, on one line."""
    return figure.get_supxlabel().replace("\n", " ")


def bars(ax):
    return [(patch.get_x(), patch.get_width()) for patch in ax.patches]


# --- contributions ----------------------------------------------------------------------------
def test_waterfall_is_the_measure_taken_apart():
    links = make_links()
    figure = plot.contributions(links, "a", 2000)
    (ax,) = figure.axes
    shares = Z[0] / Z[0].sum()
    by_hand = 100 * shares * np.array([0.0, 0.2, 0.3, 0.4])  # the own sector is left out
    order = [2, 1, 3]
    drawn = bars(ax)
    np.testing.assert_allclose([width for _, width in drawn[:3]], by_hand[order])
    np.testing.assert_allclose([x for x, _ in drawn], [0, *np.cumsum(by_hand[order])[:2], 0])
    np.testing.assert_allclose(drawn[-1][1], by_hand.sum())
    rows = [text.get_text() for text in ax.get_yticklabels()]
    assert rows == ["Cars", "Steel", r"US\$ trade", "Backward"]
    texts = [text.get_text() for text in ax.texts]
    assert texts[:2] == [f"{by_hand[2]:.2f}", f"{shares[2]:.1%} × 30.0%"]
    assert texts[-2:] == [f"{by_hand.sum():.2f}", f"{shares[1:].sum():.1%} of sales"]
    assert ax.get_title("left") == "Backward of Food, 2000"
    assert ax.get_xlabel() == "Percentage points"
    assert "Statistics Utopia" in below(figure)
    assert "Synthetic" not in below(figure)


def test_waterfall_equals_explain_on_the_demonstration():
    links = sp.linkages(sp.datasets.demo_firms(), sp.datasets.demo_io())
    for measure in ("backward", "forward", "horizontal"):
        parts = links.explain("20", 2010, measure)
        figure = plot.contributions(links, "20", 2010, measure, largest=4)
        widths = np.array([width for _, width in bars(figure.axes[0])])
        np.testing.assert_allclose(widths[:-1].sum(), 100 * parts["contribution"].sum())
        np.testing.assert_allclose(widths[-1], 100 * parts["contribution"].sum())
        np.testing.assert_allclose(
            widths[: min(4, len(parts))], 100 * parts["contribution"].head(4)
        )
        if len(parts) > 5:
            assert figure.axes[0].get_yticklabels()[4].get_text() == f"{len(parts) - 4} others"
            np.testing.assert_allclose(widths[4], 100 * parts["contribution"][4:].sum())
        assert below(figure).endswith("Synthetic data.")


def test_one_other_partner_is_named():
    (ax,) = plot.contributions(make_links(), "a", 2000, largest=2).axes
    assert not any("others" in text.get_text() for text in ax.get_yticklabels())
    (few,) = plot.contributions(make_links(), "a", 2000, largest=1, labels={"backward": "Up"}).axes
    assert [text.get_text() for text in few.get_yticklabels()][1:] == ["2 others", "Up"]


def test_unobserved_partners_are_counted():
    with pytest.warns(SpilloverWarning, match="no usable firm data"):
        links = make_links(firms=make_firms(CODES[:3]))
    figure = plot.contributions(links, "a", 2000)
    share = Z[0, 3] / Z[0].sum()
    assert f"1 partner(s) without firm data, with {share:.1%} in weights" in below(figure)
    assert any("no firm data" in text.get_text() for text in figure.axes[0].texts)
    strict = sp.LinkageDefinition(flows="domestic", unobserved="missing")
    with pytest.warns(SpilloverWarning, match="no usable firm data"):
        links = make_links(strict, firms=make_firms(CODES[:3]))
    assert "The measure itself is missing" in below(plot.contributions(links, "a", 2000))


def test_negative_contributions_are_hatched():
    firms = make_firms()
    firms.loc[(firms["industry"] == "b") & (firms["foreign_share"] > 0), "exports"] = 150.0
    with (
        pytest.warns(SpilloverWarning, match="exports exceed output"),
        pytest.warns(SpilloverWarning, match="outside 0 to 1"),
    ):
        links = make_links(firms=firms)
    value = links.explain("a", 2000, "forward").set_index("partner")["contribution"]
    assert value["b"] < 0
    (ax,) = plot.contributions(links, "a", 2000, "forward").axes
    assert [patch.get_hatch() for patch in ax.patches].count("////") == 1
    widths = [width for _, width in bars(ax)]
    np.testing.assert_allclose(sum(widths[:-1]), widths[-1])
    assert ax.get_xlim()[0] <= 100 * value.cumsum().min()
    kept = plot.network(links, "forward", 2000)
    assert "1 link(s) with a negative contribution" not in below(kept)  # three buyers of b
    assert "3 link(s) with a negative contribution are not drawn" in below(kept)


def test_regional_waterfall():
    firms = pd.concat([make_firms(), make_firms(region="S", foreign_share=0.5)])
    firms["firm"] += firms["region"]
    links = make_links(sp.LinkageDefinition(flows="domestic", region="own"), firms=firms)
    figure = plot.contributions(links, "a", 2000, region="S")
    assert "Food (S)" in figure.axes[0].get_title("left")
    np.testing.assert_allclose(bars(figure.axes[0])[-1][1], 50 * Z[0, 1:].sum() / Z[0].sum())
    with pytest.raises(SchemaError, match="region"):
        plot.contributions(links, "a", 2000)
    network = plot.network(links, year=2000, region="S")
    assert network.get_suptitle() == "Backward in S, 2000: where it comes from"
    with pytest.raises(SchemaError, match="region"):
        plot.network(links)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("z", 2000), "industry='z'"),
        (("a", 1990), "year=1990"),
        (("a", 2000, "bakward"), "Did you mean 'backward'"),
    ],
)
def test_contributions_bad_input(arguments, match):
    with pytest.raises(SchemaError, match=match):
        plot.contributions(make_links(), *arguments)


def test_contributions_bad_options():
    links = make_links()
    for largest in (0, 2.5, True):
        with pytest.raises(SchemaError, match="largest="):
            plot.contributions(links, "a", 2000, largest=largest)
    with pytest.raises(SchemaError, match="labels is a list"):
        plot.contributions(links, "a", 2000, labels=[])
    with pytest.raises(SchemaError, match="DataFrame"):
        plot.contributions(links.data, "a", 2000)
    flows = Z.copy()
    flows[0] = 0
    io = sp.IOTable.from_arrays(CODES, domestic=flows, output=X, unit="m")
    idle = sp.linkages(make_firms(), io, sp.LinkageDefinition(flows="domestic"))
    with pytest.raises(SchemaError, match="'a' has no partner"):
        plot.contributions(idle, "a", 2000)


# --- network ----------------------------------------------------------------------------------
def arrows(figure):
    """Width in points by "partner->industry"."""
    return {
        patch.get_gid(): patch.get_linewidth()
        for patch in figure.axes[0].patches
        if isinstance(patch, FancyArrowPatch) and patch.get_gid()
    }


def every_link(links, measure, year):
    table = pd.concat(
        [links.explain(code, year, measure).assign(industry=code) for code in links.axes.sectors]
    )
    table.index = table["partner"] + "->" + table["industry"]
    return table["contribution"].sort_values(ascending=False)


@pytest.mark.parametrize("measure", ["backward", "forward", "total_backward"])
def test_network_draws_the_largest_contributions(measure):
    links = make_links(measures=["backward", "forward", "total_backward"])
    figure = plot.network(links, measure, 2001, largest=6)
    expected = every_link(links, measure, 2001)
    widths = pd.Series(arrows(figure))
    top = expected.head(6)
    assert set(widths.index) == set(top.index)
    np.testing.assert_allclose(widths[top.index] / widths.max(), top / top.max())
    part = top.sum() / expected.sum()
    count = int((expected > 0).sum())
    assert f"The 6 largest of {count} links" in below(figure)
    assert f"they carry {part:.0%} of the sum" in below(figure)


def test_network_threshold_and_default_year():
    links = make_links()
    expected = every_link(links, "backward", 2001)
    figure = plot.network(links, threshold=0.05)
    assert set(arrows(figure)) == set(expected[expected >= 0.05].index)
    assert figure.get_suptitle() == "Backward, 2001: where it comes from"
    everything = plot.network(links)
    assert len(arrows(everything)) == int((expected > 0).sum())
    assert "they carry 100% of the sum" in below(everything)


def test_network_names_industries_with_presence_and_measure():
    links = make_links()
    texts = [text.get_text() for text in plot.network(links, year=2000).axes[0].texts]
    values = links.data.query("year == 2000").set_index("industry")
    for code, name in (("b", "Steel"), ("c", "Cars")):
        assert texts.count(name) == 2
        assert f"{values.loc[code, 'horizontal']:.1%}" in texts
        assert f"{values.loc[code, 'backward']:.1%}" in texts
    assert any(text.startswith("Buyers with foreign presence") for text in texts)
    forward = [text.get_text() for text in plot.network(links, "forward").axes[0].texts]
    assert any(text.startswith("Suppliers with foreign presence") for text in forward)


def test_network_of_many_sectors_is_readable_and_deterministic():
    io = sp.simulate.io_table(35, rng=1)
    simulation = sp.simulate.panel(io=io, firms_per_industry=10, rng=1)
    links = sp.linkages(sp.read_firms(simulation.firms), io)
    names = {code: f"Manufacture of {code} and of other products" for code in io.sectors}
    figure = plot.network(links, labels=names)
    figure.draw_without_rendering()
    (ax,) = figure.axes
    for side in (-1, 1):
        column = [t for t in ax.texts if t.xy[0] == (side + 1) / 2 and t.get_text()[:4] == "Manu"]
        boxes = sorted((t.get_window_extent() for t in column), key=lambda box: box.y0)
        assert len(boxes) > 5
        assert all(low.y1 <= high.y0 + 1 for low, high in pairwise(boxes))
        assert all(box.x0 >= -1 and box.x1 <= figure.bbox.x1 + 1 for box in boxes)
    assert below(figure).endswith("Synthetic data.")
    again = [text.get_text() for text in plot.network(links, labels=names).axes[0].texts]
    assert again == [text.get_text() for text in ax.texts]


def test_network_counts_unobserved_presence():
    with pytest.warns(SpilloverWarning, match="no usable firm data"):
        links = make_links(firms=make_firms(CODES[:3]))
    assert "1 of 4 industries have no observed presence" in below(plot.network(links))


def test_round_steps():
    assert round_steps(1.0, 1.0) == [1.0]
    assert all(0.03 <= step <= 40 for step in round_steps(0.03, 40.0))


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"measure": "horizontal"}, "links no industries"),
        ({"measure": "bakward"}, "Did you mean 'backward'"),
        ({"year": 1990}, "year=1990"),
        ({"threshold": -0.1}, "threshold=-0.1"),
        ({"threshold": "1"}, "threshold='1'"),
        ({"threshold": 0.9}, "at least 0.9; the largest: 0"),
        ({"largest": 0}, "largest=0"),
        ({"region": "N"}, "region='N'"),
        ({"labels": 3}, "labels"),
    ],
)
def test_network_bad_input(kwargs, match):
    with pytest.raises(SchemaError, match=match):
        plot.network(make_links(), **kwargs)


# --- compare ----------------------------------------------------------------------------------
def points(ax):
    return np.vstack([line.get_xydata() for line in ax.lines if line.get_linestyle() == "None"])


def two_definitions(**extra):
    own = sp.LinkageDefinition(flows="domestic", own_sector="include")
    return make_links(**extra), make_links(own, **extra)


def test_compare_draws_every_industry_year():
    first, second = two_definitions()
    figure = plot.compare(first, second)
    (ax,) = figure.axes
    drawn = points(ax)
    expected = 100 * np.column_stack([first.data["backward"], second.data["backward"]])
    assert drawn.shape == (8, 2)
    order = np.lexsort(drawn.T), np.lexsort(expected.T)
    np.testing.assert_allclose(drawn[order[0]], expected[order[1]])
    line = next(line for line in ax.lines if line.get_label() == "45°")
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
    assert ax.get_xlim() == ax.get_ylim()
    r, rank = stats.pearsonr(*expected.T)[0], stats.spearmanr(*expected.T)[0]
    assert f"8 industry-years: {r:.3f} (Pearson), {rank:.3f} (rank)" in below(figure)
    assert "Not drawn" not in below(figure)
    assert "own sector include" in ax.get_ylabel().replace("\n", " ")


def test_compare_names_those_that_differ_most():
    io = sp.simulate.io_table(12, rng=1)
    firms = sp.read_firms(sp.simulate.panel(io=io, firms_per_industry=10, rng=1).firms)
    pair = sp.linkages(firms, io, {
        "x": sp.LinkageDefinition(), "y": sp.LinkageDefinition(weight="none")})  # fmt: skip
    figure = plot.compare(*pair.values(), names=("Output", "Count"))
    (ax,) = figure.axes
    gap = (pair["y"].data["backward"] - pair["x"].data["backward"]).abs()
    most = set(gap.groupby(pair["x"].data["industry"]).mean().nlargest(5).index)
    marked = [line for line in ax.lines if line.get_label() in io.sectors]
    assert {line.get_label() for line in marked} == most
    assert len({line.get_marker() for line in marked}) == 5
    named = {t.get_text().replace("\n", " ") for t in ax.texts if t.get_text()}
    assert named == {two_lines(io.labels.get(code, code)).replace("\n", " ") for code in most}
    assert ax.get_xlabel() == "Output, percent"
    assert below(figure).endswith("Synthetic data.")


def test_compare_with_itself():
    links = make_links()
    figure = plot.compare(links, links)
    assert not [text for text in figure.axes[0].texts if text.get_text()]
    assert "1.000 (Pearson), 1.000 (rank)" in below(figure)
    assert figure.axes[0].get_xlabel() == "First, percent"


def test_compare_counts_what_is_missing():
    with pytest.warns(SpilloverWarning, match="no usable firm data"):
        first = make_links(firms=make_firms(CODES[:3]))
    figure = plot.compare(first, make_links(), "horizontal")
    assert "Not drawn: 2 missing in one of the two, 0 in both." in below(figure)
    assert points(figure.axes[0]).shape == (6, 2)
    both = plot.compare(first, first, "horizontal")
    assert "Not drawn: 0 missing in one of the two, 2 in both." in below(both)


def test_compare_a_constant_has_no_correlation():
    flat = make_links(firms=make_firms(foreign_share=0.5))
    note = below(plot.compare(flat, make_links(), "horizontal"))
    assert "not defined (Pearson), not defined (rank)" in note


def test_compare_regional():
    firms = pd.concat([make_firms(), make_firms(region="S", foreign_share=0.5)])
    firms["firm"] += firms["region"]
    regional = make_links(sp.LinkageDefinition(flows="domestic", region="own"), firms=firms)
    assert "16 industry-region-years" in below(plot.compare(regional, regional))
    with pytest.raises(SchemaError, match=r"differ in their regions.*national"):
        plot.compare(make_links(), regional)


def test_compare_bad_input():
    links = make_links()
    later = make_links(firms=make_firms(years=(2001, 2002)))
    with pytest.raises(SchemaError, match="differ in their years: only one of them has 2000, 2002"):
        plot.compare(links, later)
    io = sp.IOTable.from_arrays(CODES[:3], domestic=Z[:3, :3], output=X[:3], unit="m")
    small = sp.linkages(make_firms(CODES[:3]), io, links.definition)
    with pytest.raises(SchemaError, match=r"'first' and 'second' differ in their sectors.*'d'"):
        plot.compare(links, small)
    with pytest.raises(SchemaError, match="total_backward"):
        plot.compare(links, links, "total_backward")
    with pytest.raises(SchemaError, match="second is a DataFrame"):
        plot.compare(links, links.data)
    for names in ("xy", ["x"], ["x", 2]):
        with pytest.raises(SchemaError, match="names="):
            plot.compare(links, links, names=names)


# --- correlations -----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def named():
    io = sp.simulate.io_table(10, rng=1)
    firms = sp.read_firms(sp.simulate.panel(io=io, firms_per_industry=10, rng=1).firms)
    make = sp.LinkageDefinition
    return sp.linkages(firms, io, {
        "Base": make(), "Count": make(weight="none"), "Own": make(own_sector="include"),
        "Employment": make(weight="employment")})  # fmt: skip


@pytest.mark.parametrize("within", [False, True])
def test_correlations_are_annotated_in_order(named, within):
    figure = plot.correlations(named, within=within)
    ax = figure.axes[0]
    wide = pd.DataFrame({name: one.data["backward"] for name, one in named.items()})
    if within:
        wide -= wide.groupby(named["Base"].data["industry"]).transform("mean")
    labels = [text.get_text() for text in ax.get_yticklabels()]
    order = [label.rsplit("  ", 1)[0] for label in labels]
    assert sorted(order) == sorted(named)
    assert [label.rsplit("  ", 1)[1] for label in labels] == ["(1)", "(2)", "(3)", "(4)"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["(1)", "(2)", "(3)"]
    expected = np.corrcoef(wide[order].to_numpy().T)
    below_diagonal = [(i, j) for i in range(4) for j in range(i)]
    texts = [text.get_text() for text in ax.texts]
    assert texts == [f"{expected[i, j]:.2f}" for i, j in below_diagonal]
    assert ("within" in ax.get_title("left")) is within
    assert f"{len(wide)} industry-years" in below(figure)


def test_correlations_put_the_closest_together(named):
    wide = pd.DataFrame({name: one.data["backward"] for name, one in named.items()})
    order = list(correlation_matrix(wide).columns)
    r = wide.corr()
    closest = max(combinations(named, 2), key=lambda pair: r.loc[pair])
    assert abs(order.index(closest[0]) - order.index(closest[1])) == 1


def test_a_definition_that_does_not_vary_is_hatched():
    flat = make_links(firms=make_firms(foreign_share=0.5))
    figure = plot.correlations({"x": make_links(), "y": flat, "z": make_links()}, "horizontal")
    assert sum(bool(patch.get_hatch()) for patch in figure.axes[0].patches) == 2
    assert [t.get_text() for t in figure.axes[0].texts] == ["1.00"]


def test_correlations_count_what_is_left_out():
    with pytest.warns(SpilloverWarning, match="no usable firm data"):
        gap = make_links(firms=make_firms(CODES[:3]))
    note = below(plot.correlations({"x": make_links(), "y": gap}, "horizontal"))
    assert "6 industry-years with a value in all definitions. Left out: 2 that lack one." in note


def test_correlations_bad_input():
    links = make_links()
    for bad in ({"x": links}, [links, links], links):
        with pytest.raises(SchemaError, match="at least two names"):
            plot.correlations(bad)
    with pytest.raises(SchemaError, match=r"links\['y'\] is a int"):
        plot.correlations({"x": links, "y": 3})
    later = make_links(firms=make_firms(years=(2001, 2002)))
    with pytest.raises(SchemaError, match="'x' and 'y' differ in their years"):
        plot.correlations({"x": links, "y": later})


# --- key linkages -----------------------------------------------------------------------------
def test_indices_by_brute_force():
    A, B = Z / X, Z / X[:, None]
    power = [np.eye(4), np.eye(4)]
    total = [np.eye(4), np.eye(4)]
    for _ in range(400):  # the inverses as sums of rounds
        power = [power[0] @ A, power[1] @ B]
        total = [total[0] + power[0], total[1] + power[1]]
    backward, forward = total[0].sum(axis=0), total[1].sum(axis=1)
    table = key_linkages(make_io(), flows="domestic")
    np.testing.assert_allclose(table["backward"], backward / backward.mean(), rtol=1e-12)
    np.testing.assert_allclose(table["forward"], forward / forward.mean(), rtol=1e-12)
    assert list(table.columns) == ["sector", "label", "backward", "forward", "key"]
    assert table["label"].tolist() == ["Food", "Steel", "Cars", "US$ trade"]
    expected = (backward > backward.mean()) & (forward > forward.mean())
    assert table["key"].tolist() == expected.tolist()
    assert 0 < expected.sum() < 4


def test_german_indices_follow_from_the_multipliers_of_the_manual(shared):
    """Eurostat Manual of Supply, Use and Input-Output Tables (2008), ch. 15: multipliers 1995."""
    io = sp.read_io(shared / "io_small_reference" / "germany_1995.csv", flows="domestic")
    table = key_linkages(io, flows="domestic")
    multipliers = np.array([1.7048, 1.8413, 1.8136, 1.6035, 1.5951, 1.3782])
    np.testing.assert_allclose(table["backward"], multipliers / multipliers.mean(), atol=5e-5)
    assert table["forward"].mean() == pytest.approx(1)


def test_a_sector_without_output_does_not_count():
    flows = np.zeros((5, 5))
    flows[:4, :4] = Z
    labels = {"e": "Households"}
    io = sp.IOTable.from_arrays(
        [*CODES, "e"], domestic=flows, output=[*X, 0.0], unit="m", labels=labels
    )
    table = key_linkages(io, flows="domestic")
    np.testing.assert_allclose(
        table[["backward", "forward"]][:4],
        key_linkages(make_io(), flows="domestic")[["backward", "forward"]],
    )
    assert table.loc[4, ["backward", "forward"]].isna().all()
    assert not table.loc[4, "key"]
    figure = plot.key_linkages(io, flows="domestic")
    assert "Left out, without output: Households." in below(figure)


def test_sales_above_output_are_reported():
    imported = np.zeros((4, 4))
    imported[0, 1] = 100.0
    io = make_io(imported=imported)
    with pytest.warns(SpilloverWarning, match=r"1 sector\(s\).*'a'.*flows='domestic'"):
        figure = plot.key_linkages(io)
    assert "overstated by 1 sector(s)" in below(figure)
    assert "overstated" not in below(plot.key_linkages(io, flows="domestic"))


def test_quadrants_show_and_name_sectors():
    figure = plot.key_linkages(make_io(), flows="domestic", labels={"b": "Iron"})
    (ax,) = figure.axes
    table = key_linkages(make_io(), flows="domestic").set_index("sector")
    squares = next(line for line in ax.lines if line.get_marker() == "s")
    hollow = next(line for line in ax.lines if line.get_marker() == "o")
    for line, is_key in ((squares, True), (hollow, False)):
        part = table[table["key"] == is_key]
        np.testing.assert_allclose(line.get_xydata(), part[["forward", "backward"]])
    texts = {text.get_text() for text in ax.texts}
    assert {"Food", "Iron", "Cars", r"US\$ trade", "Key sectors", "Weak linkages"} <= texts
    assert f"Key sectors (squares): {table['key'].sum()} of 4" in below(figure)
    assert "Statistics Utopia" in below(figure)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert left < min(1, table["forward"].min()) < max(1, table["forward"].max()) < right
    assert bottom < min(1, table["backward"].min()) < max(1, table["backward"].max()) < top


def test_many_sectors_name_key_ones_and_extremes():
    io = sp.simulate.io_table(40, rng=3)
    figure = plot.key_linkages(io, flows="domestic")
    table = key_linkages(io, flows="domestic")
    named = {text.get_text().replace("\n", " ") for text in figure.axes[0].texts}
    labels = {code: two_lines(io.labels.get(code, code)).replace("\n", " ") for code in io.sectors}
    for code in table.loc[table["key"], "sector"]:
        assert labels[code] in named
    assert labels[table.loc[table["backward"].idxmin(), "sector"]] in named
    assert len(named & set(labels.values())) < 40
    assert below(figure).endswith("Synthetic data.")


def test_widely_spread_indices_are_on_a_logarithmic_axis():
    flows = np.array([[0.0, 9.9], [0.0, 0.0]])
    io = sp.IOTable.from_arrays(["a", "b"], domestic=flows, output=[10.0, 100.0], unit="m")
    (linear,) = plot.key_linkages(io, flows="domestic").axes
    assert linear.get_xscale() == "linear"
    chain = np.zeros((9, 9))
    chain[np.arange(8), np.arange(1, 9)] = 0.99
    io = sp.IOTable.from_arrays(list("abcdefghi"), domestic=chain, output=np.ones(9), unit="m")
    (ax,) = plot.key_linkages(io, flows="domestic").axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert 1.0 in ax.get_xticks()


def test_key_linkages_bad_input():
    with pytest.raises(SchemaError, match="DataFrame, which is no input-output table"):
        plot.key_linkages(pd.DataFrame())
    with pytest.raises(SchemaError, match="imported"):
        plot.key_linkages(make_io(), flows="imported")
    with pytest.raises(SchemaError, match="labels is a list"):
        plot.key_linkages(make_io(), flows="domestic", labels=[])
    empty = sp.IOTable.from_arrays(["a", "b"], domestic=np.zeros((2, 2)), unit="m")
    with pytest.raises(SchemaError, match="neither output nor flows"):
        key_linkages(empty, flows="domestic")


# --- names beside points ----------------------------------------------------------------------
def test_names_cover_neither_points_nor_each_other():
    rng = np.random.default_rng(5)
    spots = rng.uniform(0.1, 0.9, (18, 2))
    with plot.theme():
        figure, (ax,) = new_figure(1, (6, 5))
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1)
        notes = label_points(ax, spots, [f"Industry {i}" for i in range(18)], others=spots)
        figure.draw_without_rendering()
    boxes = [note.get_window_extent() for note in notes]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    dots = ax.transData.transform(spots)
    assert not any(box.contains(*dot) for box in boxes for dot in dots)
    assert all(box.x0 >= ax.bbox.x0 - 1 and box.x1 <= ax.bbox.x1 + 1 for box in boxes)


def test_no_names():
    _, (ax,) = new_figure(1, (3, 3))
    assert label_points(ax, np.empty((0, 2)), [], others=np.zeros((1, 2))) == []


def test_two_lines():
    assert two_lines("Food") == "Food"
    assert two_lines("Electricity, gas, water (E)") == "Electricity,\ngas, water (E)"
    assert "…" in two_lines("word " * 30)
    assert all(len(line) <= 28 for line in two_lines("word " * 30).split("\n"))

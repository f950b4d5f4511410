"""Firms whose code goes to several sectors: as if each stood in every one with its part."""

from __future__ import annotations

import pickle
from dataclasses import asdict, replace
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spillover as sp
from spillover.linkage.carried import carried_definitions

from . import oracle
from .panels import (
    ALL_MEASURES,
    ample_table,
    any_definition,
    build,
    definitions,
    io_of,
    placed_cases,
    placed_frame,
    placed_panel,
    quiet,
)
from .test_lazy import LIBRARIES
from .test_measures import SETTINGS, TOLERANCE, number

CONTROLS = ["demand", "herfindahl", "import_penetration"]
SIZES = ("output", "exports", "employment", "capital")
NAMES = ["horizontal", "backward", "forward"]
ROWS, TABLE = placed_panel(), ample_table()
IO = io_of(TABLE)
# A code is called as a sector that it does not go to; weights are no exact floats.
SHARES = {
    "A": {"A": 1.0},
    "B": {"A": 0.3, "C": 0.7},
    "C": {"D": 1.0},
    "D": {"B": 0.1, "C": 0.2, "E": 0.7},
}
CODES = sp.Concordance.from_mapping(SHARES, target_name="io")
LEAVE_ONE_OUT = sp.LinkageDefinition(leave_one_out=True)
DEFINITIONS = {
    "Javorcik (2004)": sp.JAVORCIK_2004,
    "employment, dummy": sp.LinkageDefinition(weight="employment", threshold=0.1),
    "region": sp.LinkageDefinition(region="own", own_sector="include"),
    "entrants": sp.LinkageDefinition(foreign=sp.FirmGroup.entered(0, 2), weight="capital"),
    "stock": sp.LinkageDefinition(stock=0.1, lag=1),
    "owners": sp.LinkageDefinition(local_sourcing=sp.LocalSourcing.of({("A", "full"): 0.2})),
}


def parts(rows, shares) -> list[oracle.PartOfFirm]:
    """Multiply every firm-year into one for each of its sectors."""
    return [
        oracle.PartOfFirm(**{**asdict(row), "industry": sector}, part=weight)
        for row in rows
        for sector, weight in shares[row.industry].items()
    ]


def scaled(rows, shares) -> list[oracle.PlacedFirm]:
    """Multiply every firm-year into smaller firms, one in each of its sectors."""
    smaller = []
    for row in parts(rows, shares):
        values = {name: getattr(row, name) for name in oracle.PlacedFirm.__dataclass_fields__}
        for name in SIZES:
            values[name] = None if values[name] is None else row.part * values[name]
        values["firm"] = 10 * row.firm + "ABCDE".index(row.industry)
        smaller.append(oracle.PlacedFirm(**values))
    return smaller


def recoded(rows=ROWS, shares=SHARES, convert=lambda frame: frame) -> sp.FirmPanel:
    with quiet():
        firms = sp.read_firms(convert(placed_frame(rows)))
    return firms.with_industries(sp.Concordance.from_mapping(shares), several="split")


def averages(values: dict, rows, shares) -> list[float]:
    """Return each firm-year's weighted mean of ``values[sector, year]``."""
    return [
        sum(
            part * number(values[sector, row.year]) for sector, part in shares[row.industry].items()
        )
        for row in rows
    ]


@st.composite
def split_cases(draw):
    """Return a case and where its codes go; in quarters, so that sums are exact."""
    rows, tables, setting = draw(placed_cases())
    sectors = next(iter(tables.values())).sectors
    shares = {}
    for code in sectors:
        chosen = draw(st.lists(st.sampled_from(sectors), min_size=1, max_size=3, unique=True))
        cuts = draw(st.permutations([1, 2, 3]))[: len(chosen) - 1]
        edges = [0, *sorted(cuts), 4]
        shares[code] = {s: (b - a) / 4 for s, (a, b) in zip(chosen, pairwise(edges), strict=True)}
    return rows, tables, setting, shares


# Against plain loops over multiplied firms


@SETTINGS
@given(case=split_cases(), definition=any_definition)
def test_any_measure_of_any_definition(case, definition):
    rows, tables, setting, shares = case
    links = build(rows, tables, definition, setting, shares, measures=ALL_MEASURES)
    expected = oracle.every_measure(parts(rows, shares), tables, definition, setting)
    data = links.data if "region" in links.data else links.data.assign(region="")
    keys = list(zip(data["industry"], data["region"], data["year"], strict=True))
    assert sorted(keys) == sorted(expected)
    for name in ALL_MEASURES:
        wanted = [number(expected[key][name][0]) for key in keys]
        np.testing.assert_allclose(data[name], wanted, rtol=1e-11, atol=TOLERANCE, err_msg=name)


@SETTINGS
@given(case=split_cases(), definition=definitions)
def test_attach_gives_the_mean_of_the_sectors(case, definition):
    rows, tables, _, shares = case
    definition = replace(definition, flows="total", denominator="intermediate")
    links = build(rows, tables, definition, None, shares)
    with quiet():
        attached = sp.attach(recoded(rows, shares), links)
    multiplied = parts(rows, shares)
    cells = oracle.every_measure(multiplied, tables, definition, measures=NAMES)
    for name in NAMES:
        values = {(key[0], key[2]): found[name][0] for key, found in cells.items()}
        wanted = averages(values, rows, shares)
        if name == "horizontal" and definition.leave_one_out:
            without = iter(oracle.leave_one_out(multiplied, definition))
            wanted = [
                sum(part * number(next(without)) for part in shares[row.industry].values())
                for row in rows
            ]
        np.testing.assert_allclose(
            attached[name].to_numpy(float), wanted, rtol=1e-11, atol=TOLERANCE, err_msg=name
        )


@SETTINGS
@given(case=split_cases())
def test_controls_and_counts(case):
    rows, tables, _, shares = case
    links = build(rows, tables, sp.JAVORCIK_2004, None, shares, controls=CONTROLS)
    smaller, multiplied = scaled(rows, shares), parts(rows, shares)
    for row in links.data.itertuples():
        here = (row.industry, row.year)
        counted = sum(
            r.part
            for r in multiplied
            if (r.industry, r.year) == here and None not in (r.output, r.foreign_share)
        )
        wanted = (
            oracle.demand(smaller, tables, sp.JAVORCIK_2004, *here),
            number(oracle.herfindahl(smaller, *here)),
            number(oracle.import_penetration(tables, *here)),
            counted,
        )
        found = (row.demand, row.herfindahl, row.import_penetration, row.firms)
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


# Against the package's own way with firms that were multiplied beforehand


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
def test_as_with_smaller_firms_in_every_sector(definition):
    options = {"measures": ALL_MEASURES, "controls": CONTROLS}
    split = build(ROWS, TABLE, definition, None, SHARES, **options)
    whole = build(scaled(ROWS, SHARES), TABLE, definition, None, **options)
    counts = ["firms", "rows", "net_firms", "unknown"]
    pd.testing.assert_frame_equal(
        split.data.drop(columns="firms"), whole.data.drop(columns="firms"), rtol=1e-11
    )
    pd.testing.assert_frame_equal(
        split.cells.drop(columns=counts, errors="ignore"),
        whole.cells.drop(columns=counts, errors="ignore"),
        rtol=1e-12,
        check_dtype=False,
    )
    pd.testing.assert_frame_equal(split.unobserved, whole.unobserved, rtol=1e-12)


def test_groups_and_thresholds_look_at_the_whole_firm():
    """Half a firm of 60 is no firm of 30."""
    row = replace(ROWS[0], industry="B", foreign_share=1.0, output=1.0, employment=60.0)
    definition = sp.LinkageDefinition(foreign=sp.FirmGroup.of_size(50))
    links = build([row], TABLE, definition, None, {"B": {"A": 0.5, "C": 0.5}})
    assert links.data.groupby("industry")["horizontal"].first()[["A", "C"]].tolist() == [1.0, 1.0]


# Nothing changes where nothing is split


@pytest.mark.parametrize("definition", [*DEFINITIONS.values(), LEAVE_ONE_OUT])
def test_weights_of_one_are_the_old_result(definition):
    one = {code: {code: 1.0} for code in "ABCD"}
    split, plain = build(ROWS, TABLE, definition, None, one), build(ROWS, TABLE, definition)
    assert split.split == {}
    pd.testing.assert_frame_equal(split.data, plain.data, rtol=1e-13, atol=0)
    pd.testing.assert_frame_equal(split.cells, plain.cells, rtol=1e-13, atol=0)
    with quiet():
        attached, wanted = (sp.attach(placed_frame(ROWS), links) for links in (split, plain))
    pd.testing.assert_frame_equal(attached, wanted, rtol=1e-13, atol=0)


def test_the_order_of_rows_and_of_sectors():
    links = build(ROWS, TABLE, LEAVE_ONE_OUT, None, SHARES)
    turned = {code: dict(reversed(to.items())) for code, to in reversed(SHARES.items())}
    order = np.random.default_rng(4).permutation(len(ROWS))
    other = build([ROWS[i] for i in order], TABLE, LEAVE_ONE_OUT, None, turned)
    pd.testing.assert_frame_equal(other.data, links.data, rtol=1e-12)
    with quiet():
        one = sp.attach(recoded(), links)[NAMES].to_numpy()
        two = sp.attach(recoded([ROWS[i] for i in order], turned), other)[NAMES].to_numpy()
    np.testing.assert_allclose(two, one[order], rtol=1e-12)


def test_one_code_or_two_that_are_shared_out_alike():
    longer = [replace(r, industry="BX") if r.industry == "B" and r.firm % 2 else r for r in ROWS]
    links = build(ROWS, TABLE, sp.JAVORCIK_2004, None, SHARES)
    two = build(longer, TABLE, sp.JAVORCIK_2004, None, SHARES | {"BX": SHARES["B"]})
    assert set(two.split) == {*links.split, "BX: A + C"}
    pd.testing.assert_frame_equal(two.data, links.data, rtol=1e-12)


# Additivity


@pytest.mark.parametrize("measure", ALL_MEASURES)
@pytest.mark.parametrize("weight", ["output", "none"])
def test_partners_and_foreign_firms_add_up(measure, weight):
    definition = sp.LinkageDefinition(weight=weight)
    links = build(ROWS, TABLE, definition, None, SHARES, measures=ALL_MEASURES)
    cells = links.data.set_index(["industry", "year"])[measure]
    for industry in "ABCDE":
        total = pytest.approx(cells[industry, 2001], rel=1e-12)
        assert links.explain(industry, 2001, measure)["contribution"].sum() == total
        assert links.foreign_firms(industry, 2001, measure)["contribution"].sum() == total


def test_a_split_firm_is_listed_under_each_partner():
    links = build(ROWS, TABLE, sp.JAVORCIK_2004, None, SHARES)
    firms = links.foreign_firms("E", 2001, largest=1000)
    listed = {r.firm: r for r in ROWS if r.year == 2001}
    several = [firm for firm, count in firms["firm"].value_counts().items() if count > 1]
    assert several
    for row in firms.itertuples():
        one = listed[row.firm]
        assert row.weight == pytest.approx(SHARES[one.industry][row.partner] * one.output)


def test_groups_of_firms_add_up():
    groups = {
        "all": sp.LinkageDefinition(threshold=0.1),
        "minority": sp.LinkageDefinition(threshold=0.1, foreign=sp.FirmGroup.minority()),
        "majority": sp.LinkageDefinition(threshold=0.1, foreign=sp.FirmGroup.majority()),
    }
    with quiet():
        links = sp.linkages(recoded(), IO, groups)
    whole, *rest = (one.data[NAMES] for one in links.values())
    pd.testing.assert_frame_equal(rest[0] + rest[1], whole, rtol=1e-12)


# Libraries


CONVERT = {
    "pandas": lambda frame: frame,
    "pandas, Arrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "Polars": pl.from_pandas,
    "PyArrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}


@pytest.mark.parametrize("definition", [sp.JAVORCIK_2004, LEAVE_ONE_OUT], ids=["all", "others"])
@pytest.mark.parametrize("library", CONVERT)
def test_libraries(library, definition):
    panel = recoded(convert=CONVERT[library])
    base = build(ROWS, TABLE, definition, None, SHARES)
    with quiet():
        links = sp.linkages(panel, IO, definition)
        found, wanted = panel.join_linkages(links), sp.attach(recoded(), base)
    assert type(found) is type(CONVERT[library](placed_frame(ROWS)))
    assert len(found) == len(ROWS), "a split firm keeps its one row"
    pd.testing.assert_frame_equal(links.data, base.data, rtol=1e-12)
    columns = {
        name: found[name].to_pandas() if library == "PyArrow" else found[name] for name in NAMES
    }
    for name, values in columns.items():
        np.testing.assert_allclose(
            pd.Series(values.to_list(), dtype=float), wanted[name], rtol=1e-12
        )


@pytest.mark.parametrize("library", LIBRARIES)
def test_lazy_frames_take_the_concordance_itself(library):
    options = {"measures": ALL_MEASURES, "controls": CONTROLS}
    with quiet():
        eager = sp.linkages(recoded(), IO, DEFINITIONS, **options)
        frame = LIBRARIES[library](placed_frame(ROWS))
        lazy = sp.linkages(frame, IO, DEFINITIONS, concordance=CODES, **options)
    for name, links in lazy.items():
        pd.testing.assert_frame_equal(links.data, eager[name].data, rtol=1e-12, obj=name)
        assert links.split == eager[name].split
        with quiet():
            found, wanted = (sp.attach(recoded(), one) for one in (links, eager[name]))
        pd.testing.assert_frame_equal(found, wanted, rtol=1e-12)


def test_lazy_frames_say_what_is_split():
    count = sum(row.industry in "BD" for row in ROWS)
    text = f"{count} rows with codes that go to several io sectors count in each by its weight: "
    with pytest.warns(sp.SpilloverWarning, match=text + "'B', 'D'"):
        sp.linkages(pl.from_pandas(placed_frame(ROWS)).lazy(), IO, concordance=CODES)


# What is told


def test_the_report_counts_split_firms():
    firms = [
        replace(ROWS[0], firm=i, industry=code, output=y, exports=0.0)
        for i, (code, y) in enumerate([("A", 3.0), ("B", 4.0), ("D", 1.0)])
    ]
    panel = sp.read_firms(placed_frame(firms)).with_industries(CODES, several="split")
    note = (
        "2 rows (62.5% of output) with codes that go to several io sectors count in each by its "
        "weight: 'B', 'D'"
    )
    assert panel.report.notes == (note,)
    assert panel.to_pandas()["industry"].tolist() == ["A", "B: A + C", "D: B + C + E"]
    assert panel.to_pandas()["industry_source"].tolist() == ["A", "B", "D"]
    assert panel.split == {label: tuple(SHARES[label[0]].items()) for label in panel.split}
    assert len(panel) == 3


def test_counts_in_messages_are_of_whole_firms():
    rows = [replace(row, exports=None if row.firm < 20 else 0.0, output=1.0) for row in ROWS]
    rows = [replace(row, foreign_share=0.0 if row.firm else 1.0, region="north") for row in rows]
    count = sum(row.firm < 20 for row in rows)
    with pytest.warns(sp.SpilloverWarning, match=rf"leaves out {count} firm-years whose exports"):
        sp.linkages(recoded(rows), IO)


@pytest.mark.parametrize("definition", [sp.JAVORCIK_2004, LEAVE_ONE_OUT], ids=["all", "others"])
def test_missing_where_one_of_the_sectors_is(definition):
    """No firm stands in E for sure; those of code D do in part."""
    rows = [row for row in ROWS if row.industry != "D"]
    shares = SHARES | {"Z": {"A": 0.5, "E": 0.5}}
    with quiet():
        links = sp.linkages(recoded(rows, shares), IO, definition)
    stranger = replace(ROWS[0], industry="Z", firm=999, region="north")
    panel = recoded([*(row for row in rows if row.industry == "A"), stranger], shares)
    with pytest.warns(
        sp.SpilloverWarning, match=r"horizontal in \d+\).* 1 of them stand for several sectors, one"
    ):
        found = sp.attach(panel, links, measures=["horizontal", "backward"])
    assert np.isnan(found["horizontal"].iloc[-1])
    backward = links.data.set_index(["industry", "year"])["backward"]
    mean = (backward["A", stranger.year] + backward["E", stranger.year]) / 2
    assert found["backward"].iloc[-1] == pytest.approx(mean, rel=1e-14)


def test_frames_remember_the_measures_of_split_industries():
    links = build(ROWS, TABLE, sp.JAVORCIK_2004, None, SHARES)
    with quiet():
        frame = sp.attach(recoded(), links).sort_values("industry", ascending=False)
    assert set(carried_definitions(frame)) == set(NAMES)
    assert set(carried_definitions(pickle.loads(pickle.dumps(frame)))) == set(NAMES)
    assert "backward" not in carried_definitions(frame.assign(backward=frame["backward"] * 100))


def test_the_panels_frame_is_enough_to_attach():
    """The measures know what the labels stand for, so that a user's own frame does."""
    links = build(ROWS, TABLE, LEAVE_ONE_OUT, None, SHARES)
    with quiet():
        from_panel, from_frame = (
            sp.attach(firms, links) for firms in (recoded(), recoded().to_pandas())
        )
    pd.testing.assert_frame_equal(from_frame, from_panel)


# Refused


def test_what_does_not_fit_is_refused():
    links = build(ROWS, TABLE, sp.JAVORCIK_2004, None, SHARES)
    other = recoded(shares=SHARES | {"B": {"A": 0.4, "C": 0.6}})
    with pytest.raises(
        sp.SchemaError, match=r"other weights to the sectors of 'B: A \+ C'.*Recode"
    ):
        sp.attach(other, links)
    told = pytest.raises(sp.ConcordanceError, match=r"'B: A \+ C' .*with_industries.*not its frame")
    with quiet(), told:
        sp.linkages(recoded().data, IO)
    astray = recoded(shares=SHARES | {"B": {"A": 0.5, "Q": 0.5}})
    with pytest.raises(sp.ConcordanceError, match=r"are no sectors of the table: 'Q' \(\d+ rows\)"):
        sp.linkages(astray, IO)
    with pytest.raises(sp.SchemaError, match=r"concordance= is for lazy frames.*with_industries"):
        sp.linkages(placed_frame(ROWS), IO, concordance=CODES)
    lazy = pl.from_pandas(placed_frame(ROWS)).lazy()
    few = sp.Concordance.from_mapping({"A": "A"})
    with pytest.raises(sp.ConcordanceError, match=r"3 of 4 industry codes have no target.*'B' \("):
        sp.linkages(lazy, IO, concordance=few)
    with pytest.raises(sp.SchemaError, match="concordance is a dict; give a Concordance"):
        sp.linkages(lazy, IO, concordance=SHARES)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [("B", "A", 0.3), ("B", "C", 0.6)],
            r"must sum to 1 for each source code; 1 do not: 'B \(0.9\)'",
        ),
        ([("B", "A", 0.0), ("B", "C", 1.0)], "must be positive numbers; they are not for source"),
        ([("B", "A", np.nan), ("B", "C", 1.0)], "must be positive numbers"),
        ([("B", "A", 0.5), ("B", "A", 0.5)], r"1 source code\(s\) list a target twice: 'B'"),
    ],
    ids=["sum", "zero", "missing", "repeated"],
)
def test_bad_weights_never_reach_the_firms(rows, message):
    table = pd.DataFrame(rows, columns=["source", "target", "weight"])
    with pytest.raises(sp.ConcordanceError, match=message):
        sp.Concordance.from_frame(table)

"""Concordances: validation, lookup, coverage, the ones that are shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spillover.errors import ConcordanceError, SchemaError, SpilloverWarning
from spillover.firms import FirmPanel, read_firms
from spillover.iotables import Concordance, concordance, coverage

if TYPE_CHECKING:
    from pathlib import Path


def test_from_frame_finds_its_columns() -> None:
    frame = pd.DataFrame({"isic": [15, 16.0], "wiod": ["c3", " c3 "]})
    c = Concordance.from_frame(frame, source="isic", target="wiod")
    assert c.table["source"].tolist() == ["15", "16"]
    assert c.table["target"].tolist() == ["c3", "c3"]
    assert c.table["weight"].tolist() == [1, 1]
    assert (c.source_name, c.target_name) == ("isic", "wiod")
    assert repr(c) == "Concordance(isic → wiod, 2 codes, many-to-one, exact match)"
    with pytest.raises(SchemaError, match=r"no column 'isicc'. Did you mean 'isic'"):
        Concordance.from_frame(frame, source="isicc", target="wiod")


def test_from_csv_keeps_leading_zeros_and_na(tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text("source,target,weight\n01,NA,1\n1,c2,0.5\n1,c3,0.5\n", encoding="utf-8")
    c = Concordance.from_csv(file)
    assert c.table["source"].tolist() == ["01", "1", "1"]
    assert c.lookup(["01"])["target"].tolist() == ["NA"]
    assert not c.is_many_to_one
    with pytest.raises(SchemaError, match="no concordance file"):
        Concordance.from_csv(tmp_path / "absent.csv")


BAD = [
    ([("1", "a", 0.5), ("1", "b", 0.4)], r"1 do not: '1 \(0.9\)'"),
    ([("1", "a", 1.0), ("1", "b", 1.0)], r"sum to 1"),
    ([("1", "a", -1.0), ("1", "b", 2.0)], r"positive numbers.*'1'"),
    ([("1", "a", "x")], r"positive numbers"),
    ([("1", "a", 0.5), ("1", "a", 0.5)], r"list a target twice: '1'"),
    ([("1", "", 1.0)], r"blank code \(rows 0\)"),
    ([(None, "a", 1.0)], r"blank code"),
    ([], r"is empty"),
]


@pytest.mark.parametrize(("rows", "message"), BAD)
def test_bad_tables_are_named(rows: list[tuple[object, ...]], message: str) -> None:
    table = pd.DataFrame(rows, columns=["source", "target", "weight"])
    with pytest.raises(ConcordanceError, match=message):
        Concordance(table)


def test_missing_columns_and_match() -> None:
    table = pd.DataFrame({"source": ["1"], "target": ["a"]})
    with pytest.raises(SchemaError, match=r"lacks column\(s\) 'weight'"):
        Concordance(table)
    with pytest.raises(SchemaError, match="match='regex'"):
        Concordance(table.assign(weight=1.0), match="regex")  # type: ignore[arg-type]


def test_exact_lookup_lists_unmatched_codes() -> None:
    c = Concordance.from_mapping({"1": "a", "2": {"a": 0.25, "b": 0.75}})
    got = c.lookup(["9", 2, "1", 2.0, None])
    assert got["code"].tolist()[:4] == ["9", "2", "2", "1"]
    assert got["target"].tolist()[1:4] == ["a", "b", "a"]
    np.testing.assert_array_equal(got["weight"], [np.nan, 0.25, 0.75, 1, np.nan])
    assert got["target"].isna().tolist() == [True, False, False, False, True]


def test_longest_prefix_wins() -> None:
    c = Concordance.from_mapping({"3": "x", "323": "c5", "3232": "c4"}, match="prefix")
    assert c.lookup(["3231", "3232", "32329", "39", "4"])["target"].tolist()[:4] == [
        "c5",
        "c4",
        "c4",
        "x",
    ]
    assert c.lookup(["4"])["target"].isna().all()


codes = st.text("0123", min_size=1, max_size=4)


@given(st.dictionaries(codes, st.sampled_from("abc"), min_size=1), st.lists(codes, max_size=8))
def test_prefix_lookup_is_the_longest_start(mapping: dict[str, str], asked: list[str]) -> None:
    c = Concordance.from_mapping(mapping, match="prefix")
    found = c.lookup(asked).set_index("code")["target"]
    for code in asked:
        starts = [s for s in mapping if code.startswith(s)]
        if starts:
            assert found[code] == mapping[max(starts, key=len)]
        else:
            assert pd.isna(found[code])


def test_hint_about_leading_zeros() -> None:
    c = Concordance.from_mapping({"01": "a", "15": "b"})
    assert "Leading zeros differ ('1')" in c.hint(["1", "99"])
    assert "codes look like '01', '15'" in c.hint(["99"])


def test_coverage_counts_rows_and_output() -> None:
    c = Concordance.from_mapping({"1": "a", "2": {"a": 0.5, "b": 0.5}})
    report = coverage(c, ["1", "1", "2", "9", None], [1.0, 2.0, 3.0, 4.0, np.nan])
    assert report.unmatched == ("9", "<missing>")
    assert report.matched_share == 0.6
    table = report.table.set_index("code")
    assert table["rows"].to_dict() == {"1": 2, "2": 1, "9": 1, "<missing>": 1}
    assert table.loc["2", "targets"] == "a, b"
    assert table["matched"].tolist() == [True, True, False, False]
    assert coverage(c, ["1", "1", "2", "9"]).matched_share == 0.75
    with pytest.raises(SchemaError, match="2 values for 1 codes"):
        coverage(c, ["1"], [1.0, 2.0])


# ISIC Rev. 2 titles against ISIC Rev. 3 divisions (UN correspondence): the cases that a mapping by
# three digits would get wrong, and one of each industry.
KNOWN = {
    "1110": "c1",
    "2200": "c2",
    "3112": "c3",
    "3140": "c3",
    "3211": "c4",
    "3220": "c4",
    "3231": "c5",
    "3232": "c4",
    "3233": "c5",
    "3240": "c5",
    "3311": "c6",
    "3320": "c16",
    "3411": "c7",
    "3420": "c7",
    "3530": "c8",
    "3540": "c8",
    "3511": "c9",
    "3522": "c9",
    "3551": "c10",
    "3560": "c10",
    "3610": "c11",
    "3691": "c11",
    "3710": "c12",
    "3811": "c12",
    "3812": "c16",
    "3824": "c13",
    "3825": "c14",
    "3832": "c14",
    "3833": "c13",
    "3843": "c15",
    "3851": "c14",
    "3901": "c16",
    "323": "c5",
    "4101": "c17",
    "5000": "c18",
    "6100": "c20",
    "620": "c21",
    "6310": "c22",
    "7114": "c23",
    "7116": "c26",
    "7200": "c27",
    "8200": "c28",
    "8310": "c29",
    "9100": "c31",
    "9310": "c32",
}


def test_isic2_wiod2013() -> None:
    c = concordance("isic2", "wiod2013")
    assert c.is_many_to_one
    assert c.match == "prefix"
    got = c.lookup(KNOWN).set_index("code")["target"].to_dict()
    assert got == KNOWN
    # ambiguous groups and codes of other revisions have no entry
    assert c.lookup(["9200", "9519", "8329", "15", "17"])["target"].isna().all()
    assert set(c.table["target"]) <= {f"c{i}" for i in range(1, 36)}


def test_unknown_concordance_lists_those_there_are() -> None:
    with pytest.raises(SchemaError, match=r"'isic2_wiod'.* Did you mean 'isic2_wiod2013'"):
        concordance("isic2", "wiod")


def test_chilean_plants_are_covered(shared: Path) -> None:
    frame = pd.read_parquet(
        shared / "firms_chile_enia" / "enia_1986_1994.parquet", columns=["isic4", "gross_output"]
    )
    report = coverage(concordance("isic2", "wiod2013"), frame["isic4"], frame["gross_output"])
    assert report.matched_share == 1
    assert len(report.table) == 88


def test_composition_is_a_product_of_matrices() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.uniform(0.1, 1, (4, 3)), rng.uniform(0.1, 1, (3, 5))
    first /= first.sum(axis=1, keepdims=True)
    second /= second.sum(axis=1, keepdims=True)

    def build(matrix: np.ndarray, source: str, target: str) -> Concordance:
        return Concordance.from_mapping(
            {
                f"{source}{i}": {f"{target}{j}": w for j, w in enumerate(row)}
                for i, row in enumerate(matrix)
            },
            source_name=source,
            target_name=target,
        )

    chained = build(first, "a", "b").compose(build(second, "b", "c"))
    assert (chained.source_name, chained.target_name) == ("a", "c")
    table = chained.table.pivot_table(index="source", columns="target", values="weight")
    np.testing.assert_allclose(table.to_numpy(), first @ second, rtol=1e-12)
    # inversion is Bayes' rule: sizes times weights, normalised by target
    sizes = dict(zip(["a0", "a1", "a2", "a3"], [1.0, 2.0, 3.0, 4.0], strict=True))
    back = build(first, "a", "b").invert(sizes).table
    joint = first * np.array([[1.0], [2], [3], [4]])
    expected = (joint / joint.sum(axis=0)).T
    got = back.pivot_table(index="source", columns="target", values="weight").to_numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_composition_follows_prefixes_and_names_gaps() -> None:
    first = Concordance.from_mapping({"1": "10", "2": "211"}, match="prefix", target_name="b")
    second = Concordance.from_mapping({"1": "x", "21": "y"}, match="prefix", target_name="c")
    chained = first.compose(second)
    assert chained.match == "prefix"
    assert chained.lookup(["155", "2"])["target"].tolist() == ["x", "y"]
    gap = Concordance.from_mapping({"1": "x"}, match="prefix", target_name="c")
    with pytest.raises(ConcordanceError, match=r"1 b code\(s\) have no entry .*'211'.*'2' need"):
        first.compose(gap)
    with pytest.warns(SpilloverWarning, match=r"source → b → c: 1 code\(s\) .*'2'") as seen:
        kept = first.compose(gap, unmatched="drop")
    assert seen[0].filename == __file__
    assert kept.table["source"].tolist() == ["1"]
    with pytest.raises(ConcordanceError, match="no entry"):
        first.compose(Concordance.from_mapping({"9": "x"}), unmatched="drop")


def test_inversion_needs_sizes() -> None:
    c = Concordance.from_mapping({"1": "a", "2": {"a": 0.5, "b": 0.5}, "3": "b"})
    equal = c.invert("equal").table.set_index(["source", "target"])["weight"]
    assert equal["a"].to_dict() == pytest.approx({"1": 2 / 3, "2": 1 / 3})
    zero = c.invert({"1": 1.0, "2": 2.0, "3": 0.0})
    assert zero.lookup(["b"])["target"].tolist() == ["2"]
    with pytest.raises(ConcordanceError, match=r"1 source code\(s\) have no size .*'3'"):
        c.invert({"1": 1.0, "2": 1.0})
    with pytest.raises(ConcordanceError, match=r"not negative; they are not for '1'"):
        c.invert({"1": -1.0, "2": 1.0, "3": 1.0})
    with pytest.raises(ConcordanceError, match=r"no target counterpart: '4'"):
        c.invert({"1": 1.0, "2": 1.0, "3": 1.0, "4": 1.0})
    with pytest.raises(ConcordanceError, match=r"'b'\. Give sizes"):
        c.invert({"1": 1.0, "2": 0.0, "3": 0.0})
    with pytest.raises(SchemaError, match="weights='equl'"):
        c.invert("equl")  # type: ignore[arg-type]
    # with prefixes, sizes come for the codes of the data
    p = Concordance.from_mapping({"32": "c4", "324": "c5"}, match="prefix")
    assert p.invert({"3211": 3.0, "3212": 1.0, "3240": 5.0}).lookup(["c4"])["weight"].tolist() == [
        0.75,
        0.25,
    ]


def panel(**changes: object) -> FirmPanel:
    frame = pd.DataFrame(
        {
            "firm": [1, 1, 2, 3, 4],
            "year": [2000, 2001, 2000, 2000, 2000],
            "industry": ["1", "1", "2", "2", "9"],
            "output": [1.0, 2, 3, 4, 10],
            "foreign_share": 0.0,
        }
    )
    return read_firms(frame.assign(**changes))


SPLIT = Concordance.from_mapping(
    {"1": "a", "2": {"a": 0.25, "b": 0.75}}, source_name="nace", target_name="io"
)


def test_coverage_of_a_panel() -> None:
    report = SPLIT.coverage(panel())
    assert report.matched_share == 0.5
    table = report.table.set_index("code")
    assert table["firms"].to_dict() == {"1": 1, "2": 2, "9": 1}
    got = report.by_target().set_index("target")
    assert got["codes"].to_dict() == {"a": 2, "b": 1}
    assert got["rows"].to_dict() == {"a": 2.5, "b": 1.5}
    assert got["firms"].to_dict() == {"a": 1.5, "b": 1.5}
    assert got["output"].to_dict() == {"a": 3 + 7 / 4, "b": 21 / 4}
    assert str(report).splitlines() == [
        "nace → io: 50.0% of output matched, 2 of 3 codes (4 rows, 3 firms, 50.0% of output)",
        "split by weights: 1 code (2 rows, 2 firms, 35.0% of output): '2'",
        "without target: 1 code (1 row, 1 firm, 50.0% of output): '9'",
    ]
    assert "Left over" in report._repr_html_()
    assert "Targets" in coverage(SPLIT, ["1", "2"])._repr_html_()
    with pytest.raises(SchemaError, match="output= is not needed"):
        coverage(SPLIT, panel(), [1.0] * 5)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_firms_of_split_codes_go_to_the_largest_target(library: str) -> None:
    frame = panel().to_pandas()
    if library != "pandas":
        pl = pytest.importorskip("polars")
        frame = pl.from_pandas(frame)
        frame = frame.to_arrow() if library == "pyarrow" else frame
    firms = read_firms(frame)
    with pytest.raises(ConcordanceError, match=r"1 industry codes go to several io .*several="):
        firms.with_industries(SPLIT, unmatched="drop")
    recoded = firms.with_industries(SPLIT, unmatched="drop", several="largest")
    assert recoded.to_pandas()["industry"].tolist() == ["a", "a", "b", "b"]
    assert recoded.report.notes == (
        "2 rows (70.0% of output) with codes that go to several io sectors went to the one with "
        "the largest weight: '2'",
    )
    tied = Concordance.from_mapping({"1": "a", "2": {"a": 0.5, "b": 0.5}, "9": "c"})
    with pytest.raises(ConcordanceError, match=r"equal weights, .*'2'"):
        firms.with_industries(tied, several="largest")
    with pytest.raises(SchemaError, match="several='first'"):
        firms.with_industries(tied, several="first")  # type: ignore[arg-type]

"""The concordances that come with the package, against independent lists of their codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from spillover._data import data_path
from spillover.errors import SchemaError, SpilloverWarning
from spillover.iotables import IOTable, concordance, concordances

if TYPE_CHECKING:
    from pathlib import Path

C35 = {f"c{i}" for i in range(1, 36)}


def words(text: str) -> list[str]:
    return text.split()


def divisions(text: str) -> list[str]:
    """Write out ranges of two-digit codes: ``"01-03 05"``."""
    out = []
    for part in text.split():
        first, _, last = part.partition("-")
        out += [f"{d:02d}" for d in range(int(first), int(last or first) + 1)]
    return out


# United Nations (2002), ISIC Rev. 3.1, and (2008), ISIC Rev. 4: the divisions of each section.
ISIC31 = divisions(
    "01-02 05 10-14 15-37 40-41 45 50-52 55 60-64 65-67 70-74 75 80 85 90-93 95-97 99"
)
ISIC4 = divisions(
    "01-03 05-09 10-33 35 36-39 41-43 45-47 49-53 55-56 58-63 64-66 68 69-75 77-82 84"
)
ISIC4 += divisions("85 86-88 90-93 94-96 97-98 99")

# The industries of each database as ranges of divisions, in the order of the source: the names
# that the R package exvatools (CRAN) gives them, C for ISIC Rev. 3 and D for ISIC Rev. 4.
WIOD2013 = words("""
    01-05 10-14 15-16 17-18 19 20 21-22 23 24 25 26 27-28 29 30-33 34-35 36-37 40-41 45 50 51 52
    55 60 61 62 63 64 65-67 70 71-74 75 80 85 90-93 95-97
""")
WIOD2016 = words("""
    01 02 03 05-09 10-12 13-15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31-32 33 35 36 37-39
    41-43 45 46 47 49 50 51 52 53 55-56 58 59-60 61 62-63 64 65 66 68 69-70 71 72 73 74-75 77-82
    84 85 86-88 90-96 97-98 99
""")
ICIO2023 = words("""
    01-02 03 05-06 07-08 09 10-12 13-15 16 17-18 19 20 21 22 23 24 25 26 27 28 29 30 31-33 35
    36-39 41-43 45-47 49 50 51 52 53 55-56 58-60 61 62-63 64-66 68 69-75 77-82 84 85 86-88 90-93
    94-96 97-98
""")
# Codes in the files themselves: WIOD release 2016 (as in the R package wiodv2, table WIOD_Corr),
# OECD ICIO edition 2023.
WIOD2016_CODES = words("""
    A01 A02 A03 B C10-C12 C13-C15 C16 C17 C18 C19 C20 C21 C22 C23 C24 C25 C26 C27 C28 C29 C30
    C31_C32 C33 D35 E36 E37-E39 F G45 G46 G47 H49 H50 H51 H52 H53 I J58 J59_J60 J61 J62_J63 K64
    K65 K66 L68 M69_M70 M71 M72 M73 M74_M75 N O84 P85 Q R_S T U
""")
ICIO2023_CODES = words("""
    A01_02 A03 B05_06 B07_08 B09 C10T12 C13T15 C16 C17_18 C19 C20 C21 C22 C23 C24 C25 C26 C27 C28
    C29 C30 C31T33 D E F G H49 H50 H51 H52 H53 I J58T60 J61 J62_63 K L M N O P Q R S T
""")
GROUPS = [
    ("isic31", "wiod2013", [f"c{i}" for i in range(1, 36)], WIOD2013),
    ("nace11", "wiod2013", [f"c{i}" for i in range(1, 36)], WIOD2013),
    ("isic31", "adb35", [f"c{i}" for i in range(1, 36)], WIOD2013),
    ("isic4", "wiod2016", WIOD2016_CODES, WIOD2016),
    ("nace2", "wiod2016", WIOD2016_CODES, WIOD2016),
    ("isic4", "icio2023", ICIO2023_CODES, ICIO2023),
    ("nace2", "icio2023", ICIO2023_CODES, ICIO2023),
]


@pytest.mark.parametrize(("source", "target", "codes", "ranges"), GROUPS)
def test_groups_of_divisions(source: str, target: str, codes: list[str], ranges: list[str]) -> None:
    assert len(codes) == len(ranges)
    every = ISIC31 if source in ("isic31", "nace11") else ISIC4
    expected = {
        division: code
        for code, group in zip(codes, ranges, strict=True)
        for division in divisions(group)
        if division in every
    }
    c = concordance(source, target)
    assert c.is_many_to_one
    assert dict(zip(c.table["source"], c.table["target"], strict=True)) == expected
    # extraterritorial bodies (99) have no industry but in WIOD 2016
    assert set(every) - set(expected) == (set() if target == "wiod2016" else {"99"})


def test_the_lists_are_of_the_official_length() -> None:
    assert (len(ISIC31), len(ISIC4)) == (62, 88)
    assert [len(g) for g in (WIOD2013, WIOD2016_CODES, ICIO2023_CODES)] == [35, 56, 45]


PAIRS = [(row.source, row.target) for row in concordances().itertuples()]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_file_is_sound(source: str, target: str) -> None:
    """Weights sum to one and pairs are unique (checked on loading); splits are flagged."""
    c = concordance(str(source), str(target))
    np.testing.assert_allclose(c.table.groupby("source")["weight"].sum(), 1, rtol=1e-12)
    raw = pd.read_csv(
        data_path("concordances", f"{source}_{target}.csv"), dtype=str, keep_default_na=False
    )
    split = raw[raw["source"].duplicated(keep=False)]
    assert split["note"].str.startswith("equal split, no official weight").all()
    assert "Whole file: " in raw["note"].iloc[0]
    assert not raw.map(lambda cell: cell != cell.strip()).to_numpy().any()


UNCOVERED = {  # official targets that no source code reaches
    ("gtap57", "wiod2013"): set(),
    ("isic4", "adb35"): set(),
    ("nace2", "adb35"): set(),
    ("isic4", "wiod2013"): set(),
    ("nace2", "wiod2013"): set(),
}


@pytest.mark.parametrize(("pair", "missing"), UNCOVERED.items())
def test_all_35_industries_are_reached(pair: tuple[str, str], missing: set[str]) -> None:
    got = set(concordance(*pair).table["target"])
    assert got <= C35
    assert C35 - got == missing


def test_isic2_leaves_out_what_is_ambiguous() -> None:
    assert C35 - set(concordance("isic2", "wiod2013").table["target"]) <= {
        "c19",
        "c29",
        "c30",
        "c35",
    }


def test_divisions_are_the_same_in_nace_and_oked() -> None:
    for pair in (("nace2", "isic4"), ("oked", "nace2")):
        table = concordance(*pair).table
        assert table["source"].tolist() == sorted(ISIC4)
        assert (table["source"] == table["target"]).all()


# Lines of the UN Statistics Division's table ISIC Rev. 4 - ISIC Rev. 3.1 that lead to one industry
# only (Rev. 3.1 class in the comment).
UN_ISIC4 = {
    "0111": "c1",  # 0111
    "1010": "c3",  # 1511
    "1410": "c4",  # 1810
    "1520": "c5",  # 1920
    "2680": "c9",  # 2429
    "2750": "c13",  # 2930
    "2910": "c15",  # 3410
    "3830": "c16",  # 3710, 3720
    "4730": "c19",  # 5050
    "5820": "c30",  # 7221, 7240
    "6391": "c34",  # 9220
    "7310": "c30",  # 7430, 7499
    "7740": "c28",  # 6599
    "8110": "c29",  # 7020
    "8541": "c34",  # 9241, 9309
    "9511": "c30",  # 7250
    "9602": "c34",  # 9302
}


def test_isic4_against_lines_of_the_un_table() -> None:
    for target in ("adb35", "wiod2013"):
        c = concordance("isic4", target)
        assert c.lookup(UN_ISIC4).set_index("code")["target"].to_dict() == UN_ISIC4
        assert set(ISIC4) - set(c.table["source"]) == {"99"}
        split = c.lookup(["33"])
        assert split["target"].tolist() == ["c12", "c13", "c14", "c15"]
        # classes of division 33 by title
        assert c.lookup(["3311", "3312", "3315"])["target"].tolist() == ["c12", "c13", "c15"]
    nace = concordance("nace2", "adb35").table
    isic = concordance("isic4", "adb35").table
    assert nace.equals(isic[isic["source"].str.len() == 2].reset_index(drop=True))


def test_isic2_isic3_against_lines_of_the_un_table() -> None:
    c = concordance("isic2", "isic3")
    known = {"3112": "152", "3231": "191", "3530": "232", "6310": "552", "8101": "651"}
    assert c.lookup(known).set_index("code")["target"].to_dict() == known
    # 3513 (plastic materials) is spread over 241, 243, 251 and 252; 7191 over 630 and 641
    assert c.lookup(["3513", "7191", "3710"])["target"].isna().all()


def test_isic2_by_way_of_isic3_agrees() -> None:
    with pytest.warns(SpilloverWarning, match=r"1 code\(s\) are left out: '960'"):
        chained = concordance("isic2", "isic3").compose(
            concordance("isic31", "wiod2013"), unmatched="drop"
        )
    direct = concordance("isic2", "wiod2013")
    both = chained.table.merge(
        direct.lookup(chained.table["source"]), left_on="source", right_on="code"
    ).dropna()
    assert len(both) > 40
    assert (both["target_x"] == both["target_y"]).all()


def test_naics_against_lines_of_the_census_table() -> None:
    c = concordance("naics2017", "isic4")
    known = {
        "311111": "10",  # 1080
        "312120": "11",  # 1103
        "325412": "21",  # 2100
        "336411": "30",  # 3030
        "424110": "46",  # 4669
        "445110": "47",  # 4711
        "481111": "51",  # 5110
        "517311": "61",  # 6110, 6130
        "541511": "62",  # 6201
        "622110": "86",  # 8610
        "722511": "56",  # 5610
    }
    assert c.lookup(known).set_index("code")["target"].to_dict() == known
    assert set(c.table["target"]) <= set(ISIC4)


# GTAP Data Bases, detailed sectoral list, 57 sectors in their order.
GTAP57 = words("""
    pdr wht gro v_f osd c_b pfb ocr ctl oap rmk wol frs fsh coa oil gas omn cmt omt vol mil pcr
    sgr ofd b_t tex wap lea lum ppp p_c crp nmm i_s nfm fmp mvh otn ele ome omf ely gdt wtr cns
    trd otp wtp atp cmn ofi isr obs ros osg dwe
""")


def test_gtap57_is_complete() -> None:
    c = concordance("gtap57", "wiod2013")
    assert len(GTAP57) == 57
    assert set(c.table["source"]) == set(GTAP57)
    assert c.match == "exact"
    counts = c.table["source"].value_counts()
    assert set(counts.index[counts > 1]) == {"crp", "ome", "trd", "otp", "obs", "ros", "osg"}


def test_kazakhstan_table_aggregates(shared: Path) -> None:
    frame = pd.read_csv(shared / "io_kazakhstan_gtap_sam" / "sectors57.csv")
    assert frame["code"].tolist() == GTAP57
    sam = pd.read_csv(shared / "io_kazakhstan_gtap_sam" / "kazakhstan_sam57.csv", index_col=0)
    flows = sam.loc[GTAP57, GTAP57]
    sales = flows.sum(axis=1)
    io = IOTable.from_arrays(GTAP57, total=flows, final_demand=1.0 + sales, unit="million USD")
    coarse = io.aggregate(concordance("gtap57", "wiod2013"))
    assert set(coarse.sectors) == C35
    assert coarse.flows().sum() == pytest.approx(flows.to_numpy().sum(), rel=1e-9)


def test_listing_and_unknown_pairs() -> None:
    table = concordances()
    assert table.columns.tolist() == ["source", "target", "codes", "targets", "split", "basis"]
    assert (table["basis"].str.len() > 20).all()
    with pytest.raises(SchemaError, match=r"oked_wiod2016.* There are .*oked → nace2.*compose"):
        concordance("oked", "wiod2016")


def test_oked_reaches_the_tables_by_way_of_nace() -> None:
    oked = concordance("oked", "nace2")
    codes = ["06100", "10110", "64190"]  # five digits in Kazakhstan; 06100 is crude oil
    whole = oked.compose(concordance("nace2", "wiod2016"))
    assert whole.lookup(codes)["target"].tolist() == ["B", "C10-C12", "K64"]
    for target in ("adb35", "icio2023"):
        direct = concordance("nace2", target)
        with pytest.warns(SpilloverWarning, match=r"1 code\(s\) are left out: '99'"):
            chained = oked.compose(direct, unmatched="drop")
        pd.testing.assert_frame_equal(chained.lookup(codes), direct.lookup(codes))

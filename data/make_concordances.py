"""Write the concordances of ``data/concordances`` (all but ``isic2_wiod2013``).

Run ``python data/make_concordances.py FOLDER``. The folder holds the correspondence tables of the
UN Statistics Division and the US Census Bureau under their published names:
``ISIC4_ISIC31.txt``, ``ISIC3-ISIC2.txt`` and ``2017_NAICS_to_ISIC_4.xlsx``. Groups of divisions are
typed from the documents named in ``SOURCES``; the UN tables check them and say what they leave out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd


def groups(text: str) -> dict[str, str]:
    """Read ``target code code; target code`` into target -> codes."""
    return dict(item.split(maxsplit=1) for item in text.split(";"))


OUT = Path(__file__).parent / "concordances"
SPLIT = "equal split, no official weight"

# ISIC Rev. 3 divisions of the 35 industries (the same in WIOD 2013 and the ADB tables).
WIOD2013 = {
    "c1": ("01 02 05", "agriculture, hunting, forestry, fishing"),
    "c2": ("10 11 12 13 14", "mining and quarrying"),
    "c3": ("15 16", "food, beverages, tobacco"),
    "c4": ("17 18", "textiles and textile products"),
    "c5": ("19", "leather and footwear"),
    "c6": ("20", "wood and products of wood and cork"),
    "c7": ("21 22", "pulp, paper, printing, publishing"),
    "c8": ("23", "coke, refined petroleum, nuclear fuel"),
    "c9": ("24", "chemicals and chemical products"),
    "c10": ("25", "rubber and plastics"),
    "c11": ("26", "other non-metallic minerals"),
    "c12": ("27 28", "basic metals and fabricated metal"),
    "c13": ("29", "machinery n.e.c."),
    "c14": ("30 31 32 33", "electrical and optical equipment"),
    "c15": ("34 35", "transport equipment"),
    "c16": ("36 37", "manufacturing n.e.c., recycling"),
    "c17": ("40 41", "electricity, gas, water supply"),
    "c18": ("45", "construction"),
    "c19": ("50", "motor vehicle trade and repair, retail of fuel"),
    "c20": ("51", "wholesale trade"),
    "c21": ("52", "retail trade, repair of household goods"),
    "c22": ("55", "hotels and restaurants"),
    "c23": ("60", "inland transport"),
    "c24": ("61", "water transport"),
    "c25": ("62", "air transport"),
    "c26": ("63", "supporting transport activities, travel agencies"),
    "c27": ("64", "post and telecommunications"),
    "c28": ("65 66 67", "financial intermediation"),
    "c29": ("70", "real estate activities"),
    "c30": ("71 72 73 74", "renting of equipment, other business activities"),
    "c31": ("75", "public administration, defence, social security"),
    "c32": ("80", "education"),
    "c33": ("85", "health and social work"),
    "c34": ("90 91 92 93", "other community, social, personal services"),
    "c35": ("95 96 97", "private households with employed persons"),
}

# ISIC Rev. 4 divisions of the 56 industries of WIOD 2016.
WIOD2016 = groups("""
    A01 01; A02 02; A03 03; B 05 06 07 08 09; C10-C12 10 11 12; C13-C15 13 14 15; C16 16; C17
    17; C18 18; C19 19; C20 20; C21 21; C22 22; C23 23; C24 24; C25 25; C26 26; C27 27; C28 28;
    C29 29; C30 30; C31_C32 31 32; C33 33; D35 35; E36 36; E37-E39 37 38 39; F 41 42 43; G45 45;
    G46 46; G47 47; H49 49; H50 50; H51 51; H52 52; H53 53; I 55 56; J58 58; J59_J60 59 60; J61
    61; J62_J63 62 63; K64 64; K65 65; K66 66; L68 68; M69_M70 69 70; M71 71; M72 72; M73 73;
    M74_M75 74 75; N 77 78 79 80 81 82; O84 84; P85 85; Q 86 87 88; R_S 90 91 92 93 94 95 96; T
    97 98; U 99
""")

# ISIC Rev. 4 divisions of the 45 industries of the OECD ICIO, edition 2023.
ICIO2023 = groups("""
    A01_02 01 02; A03 03; B05_06 05 06; B07_08 07 08; B09 09; C10T12 10 11 12; C13T15 13 14 15;
    C16 16; C17_18 17 18; C19 19; C20 20; C21 21; C22 22; C23 23; C24 24; C25 25; C26 26; C27
    27; C28 28; C29 29; C30 30; C31T33 31 32 33; D 35; E 36 37 38 39; F 41 42 43; G 45 46 47;
    H49 49; H50 50; H51 51; H52 52; H53 53; I 55 56; J58T60 58 59 60; J61 61; J62_63 62 63; K 64
    65 66; L 68; M 69 70 71 72 73 74 75; N 77 78 79 80 81 82; O 84; P 85; Q 86 87 88; R 90 91 92
    93; S 94 95 96; T 97 98
""")

# Principal counterpart of ISIC Rev. 4 divisions among the 35 industries.
FROM_ISIC4 = groups("""
    c1 01 02 03; c2 05 06 07 08 09; c3 10 11 12; c4 13 14; c5 15; c6 16; c7 17 18 58; c8 19; c9
    20 21; c10 22; c11 23; c12 24 25; c13 28; c14 26 27; c15 29 30; c16 31 32; c17 35 36; c18 41
    42 43; c19 45; c20 46; c21 47 95; c22 55 56; c23 49; c24 50; c25 51; c26 52 79; c27 53 61;
    c28 64 65 66; c29 68; c30 62 63 69 70 71 72 73 74 77 78 80 81 82; c31 84; c32 85; c33 75 86
    87 88; c34 37 38 39 59 60 90 91 92 93 94 96; c35 97 98
""")
# Where no principal counterpart can be named: repair and installation of machinery moved out of
# the divisions that make it.
SPLIT_ISIC4 = {"33": "c12 c13 c14 c15"}
# Classes whose title names another industry than the one of their division.
BY_TITLE = dict(
    pair.split()
    for pair in ["3250 c14", "3311 c12", "3312 c13", "3313 c14", "3314 c14", "3315 c15"]
)

GTAP57 = groups("""
    c1 pdr wht gro v_f osd c_b pfb ocr ctl oap rmk wol frs fsh; c2 coa oil gas omn; c3 cmt omt
    vol mil pcr sgr ofd b_t; c4 tex wap; c5 lea; c6 lum; c7 ppp; c8 p_c; c11 nmm; c12 i_s nfm
    fmp; c14 ele; c15 mvh otn; c16 omf; c17 ely gdt wtr; c18 cns; c24 wtp; c25 atp; c27 cmn; c28
    ofi isr; c29 dwe
""")
GTAP57_SPLIT = {
    "crp": ("c9 c10", "chemicals; rubber and plastics"),
    "ome": ("c13 c14", "machinery n.e.c.; electrical, medical and optical equipment"),
    "trd": ("c19 c20 c21 c22", "motor trade; wholesale; retail; hotels and restaurants"),
    "otp": ("c23 c26", "road, rail, pipelines; auxiliary transport, travel agencies"),
    "obs": ("c29 c30", "real estate other than dwellings; renting and business activities"),
    "ros": ("c34 c35", "recreation and other services; private households"),
    "osg": ("c31 c32 c33 c34", "public administration; education; health; sanitation, clubs"),
}

WIOD_DOC = "Timmer (ed., 2012), The World Input-Output Database: Contents, Sources and Methods"
UN_DOC = "UN Statistics Division, ISIC Rev. 4 - ISIC Rev. 3.1 correspondence table"
SOURCES = {
    "isic31_wiod2013": f"Groups of ISIC Rev. 3 divisions: {WIOD_DOC}. Divisions have the same "
    "numbers in Rev. 3 and 3.1 (96 and 97 are in 3.1 only). 99 has no counterpart",
    "nace11_wiod2013": f"NACE Rev. 1.1 divisions, which are those of ISIC Rev. 3.1: {WIOD_DOC}. "
    "99 has no counterpart",
    "isic31_adb35": "The ADB multi-regional tables have the 35 industries of WIOD 2013 "
    "(Mariasingham 2015, ADB Multi-Region Input-Output Database). 99 has no counterpart",
    "isic4_wiod2016": "Timmer, Los, Stehrer and de Vries (2016), GGDC research memorandum 162, "
    "industry list",
    "nace2_wiod2016": "NACE Rev. 2 divisions are those of ISIC Rev. 4; Timmer, Los, Stehrer and de "
    "Vries (2016), GGDC research memorandum 162",
    "isic4_icio2023": "OECD Inter-Country Input-Output tables, edition 2023, ReadMe: 45 "
    "industries. 99 has no counterpart",
    "nace2_icio2023": "NACE Rev. 2 divisions are those of ISIC Rev. 4; OECD ICIO, edition 2023, "
    "ReadMe: 45 industries. 99 has no counterpart",
    "nace2_isic4": "Eurostat (2008), NACE Rev. 2, section 1.3: divisions are those of ISIC Rev. 4. "
    "Groups and classes differ: aggregate to divisions",
    "oked_nace2": "Bureau of National Statistics of Kazakhstan, classifier of economic activities "
    "NK RK 03-2019 (in force since 2020), built on NACE Rev. 2: same divisions",
    "isic2_isic3": "UN Statistics Division, ISIC Rev. 3 - Rev. 2 correspondence table: classes of "
    "Rev. 2 that lie in one 3-digit group of Rev. 3; the others are left out",
    "naics2017_isic4": "US Census Bureau, 2017 NAICS to ISIC Rev. 4 concordance: codes of "
    "3 digits or more whose 6-digit industries all lie in one ISIC division; others are left out",
    "gtap57_wiod2013": "GTAP Data Bases, 57 detailed sectoral list (purdue.edu); WIOD 2013 "
    "groups of ISIC Rev. 3 divisions",
}

_ISIC4 = (
    f"{UN_DOC}; ISIC Rev. 3 divisions of the 35 industries as in isic31_wiod2013. A division goes "
    "to its principal counterpart (own judgement by title), classes that lie elsewhere as a whole "
    "are listed. 99 has no counterpart"
)
_NACE2 = (
    f"The division rows of isic4_adb35 ({UN_DOC}); NACE Rev. 2 classes are not those of ISIC "
    "Rev. 4, so that none is listed. 99 has no counterpart"
)
SOURCES |= {"isic4_adb35": _ISIC4, "isic4_wiod2013": _ISIC4}
SOURCES |= {"nace2_adb35": _NACE2, "nace2_wiod2013": _NACE2}

Row = tuple[str, str, float, str]


def by_division(groups: dict[str, str], notes: dict[str, str] | None = None) -> list[Row]:
    """Turn target -> divisions into one row a division."""
    return sorted(
        (division, target, 1.0, (notes or {}).get(division, ""))
        for target, divisions in groups.items()
        for division in divisions.split()
    )


def isic4_rows(folder: Path) -> list[Row]:
    """Divisions of ISIC Rev. 4, and the classes that differ from them, among the 35 industries."""
    table = pd.read_csv(folder / "ISIC4_ISIC31.txt", dtype=str)
    industry = {d: c for c, (divisions, _) in WIOD2013.items() for d in divisions.split()}
    table["target"] = table["ISIC31code"].str[:2].map(industry)
    table = table.dropna(subset=["target"])
    classes = table.groupby("ISIC4code")["target"].agg(lambda s: sorted(set(s), key=_number))
    main = {d: c for c, divisions in FROM_ISIC4.items() for d in divisions.split()}
    rows: list[Row] = []
    for division in sorted({str(code)[:2] for code in classes.index}):
        own = {code: found for code, found in classes.items() if str(code).startswith(division)}
        rows += _division_rows(division, main.get(division), own)
    return rows


def _division_rows(division: str, main: str | None, classes: dict[str, list[str]]) -> list[Row]:
    """One row for a division with a principal counterpart, else an equal split; then exceptions."""
    several = SPLIT_ISIC4.get(division, "").split()
    official = {target for found in classes.values() for target in found}
    if not ({main} if main else set(several)) <= official:
        msg = f"ISIC Rev. 4 division {division}: {main or several} is not in {official}"
        raise ValueError(msg)
    rows: list[Row] = [(division, target, 1 / len(several), SPLIT) for target in several]
    exceptions: list[Row] = []
    for code, found in classes.items():
        named = BY_TITLE.get(code)
        if named:
            others = [c for c in found if c != named]
            exceptions.append((code, named, 1.0, f"by title; parts go to {' '.join(others)}"))
        elif len(found) == 1 and found[0] != main:
            exceptions.append((code, found[0], 1.0, "the whole class"))
    if main:
        listed = {row[0] for row in exceptions}
        parts = {c for code, found in classes.items() if code not in listed for c in found}
        rest = sorted(parts - {main}, key=_number)
        note = f"principal counterpart; parts of classes go to {' '.join(rest)}" if rest else ""
        rows.append((division, main, 1.0, note))
    return rows + exceptions


def _number(code: str) -> int:
    return int(code[1:])


def isic2_rows(folder: Path) -> list[Row]:
    """Classes (or groups) of ISIC Rev. 2 that lie in one group of ISIC Rev. 3."""
    table = pd.read_csv(folder / "ISIC3-ISIC2.txt", dtype=str).dropna(subset=["ISIC2", "ISIC3"])
    pairs = {code: set(found.str[:3]) for code, found in table.groupby("ISIC2")["ISIC3"]}
    return shortest(pairs, 3)


def naics_rows(folder: Path) -> list[Row]:
    """Codes of NAICS 2017 whose industries all lie in one ISIC Rev. 4 division."""
    table = pd.read_excel(folder / "2017_NAICS_to_ISIC_4.xlsx", dtype=str)
    naics, isic = table.columns[1], table.columns[4]
    table = table.dropna(subset=[naics, isic])
    table = table[table[naics].str.strip().str.fullmatch(r"\d{6}")]
    # Leading zeros are lost in the sheet: "111" is class 0111, and "12" (two digits) group 012.
    code = table[isic].str.strip()
    table["division"] = code.str.zfill(3).where(code.str.len() < 3, code.str.zfill(4)).str[:2]
    pairs = {str(code): set(found) for code, found in table.groupby(naics)["division"]}
    return shortest(pairs, 3)


def shortest(pairs: dict[str, set[str]], digits: int) -> list[Row]:
    """List the shortest prefixes (``digits`` or more) under which all codes share one target."""
    rows: dict[str, str] = {}
    for code in sorted(pairs):
        for length in range(digits, len(code) + 1):
            under = set().union(*(t for c, t in pairs.items() if c.startswith(code[:length])))
            if len(under) == 1:
                rows[code[:length]] = next(iter(under))
                break
    return [(source, target, 1.0, "") for source, target in sorted(rows.items())]


def gtap_rows() -> list[Row]:
    """Sectors of GTAP among the 35 industries."""
    rows = by_division(GTAP57)
    for sector, (targets, why) in GTAP57_SPLIT.items():
        codes = targets.split()
        rows += [(sector, code, 1 / len(codes), f"{SPLIT}: {why}") for code in codes]
    return sorted(rows, key=lambda row: (row[0], _number(row[1])))


def write(name: str, rows: list[Row]) -> None:
    """Write one file; its first note carries the source."""
    frame = pd.DataFrame(rows, columns=["source", "target", "weight", "note"])
    first = f"Whole file: {SOURCES[name]}"
    frame.loc[0, "note"] = "; ".join(filter(None, (str(frame.loc[0, "note"]), first)))
    frame.to_csv(OUT / f"{name}.csv", index=False, lineterminator="\n")


def main(folder: Path) -> None:
    """Write every file."""
    old = by_division({code: divisions for code, (divisions, _) in WIOD2013.items()})
    titles = {d: title for divisions, title in WIOD2013.values() for d in divisions.split()}
    old = [(source, target, weight, titles[source]) for source, target, weight, _ in old]
    for name in ("isic31_wiod2013", "nace11_wiod2013", "isic31_adb35"):
        write(name, old)
    for name, groups in (("wiod2016", WIOD2016), ("icio2023", ICIO2023)):
        for source in ("isic4", "nace2"):
            write(f"{source}_{name}", by_division(groups))
    new = isic4_rows(folder)
    for target in ("adb35", "wiod2013"):
        write(f"isic4_{target}", new)
        write(f"nace2_{target}", [row for row in new if len(row[0]) == 2])
    same = [(d, d, 1.0, "") for divisions in WIOD2016.values() for d in divisions.split()]
    write("nace2_isic4", sorted(same))
    write("oked_nace2", sorted(same))
    write("isic2_isic3", isic2_rows(folder))
    write("naics2017_isic4", naics_rows(folder))
    write("gtap57_wiod2013", gtap_rows())


if __name__ == "__main__":
    main(Path(sys.argv[1]))

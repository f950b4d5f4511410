"""Bad input of every kind: the error's class, what it names, its count, and the way out.

Each case is a call and what its message must say, in order: the column, sector or code at fault,
how many rows or which first ones, and what to do.
"""

from __future__ import annotations

import gzip
import re
from functools import cache

import numpy as np
import pandas as pd
import pytest

import spillover as sp

FIRMS = {
    "firm": [1, 1, 2, 3],
    "year": [2000, 2001, 2000, 2001],
    "industry": ["A", "A", "B", "B"],
    "output": [10.0, 12.0, 5.0, 7.0],
    "exports": [0.0, 1.0, 0.0, 1.0],
    "foreign_share": [0.0, 0.0, 0.6, 0.35],
}
TOTAL = [[10.0, 30.0], [20.0, 40.0]]
PERCENT = {"foreign_share_unit": "percent"}


def firms(**columns) -> pd.DataFrame:
    return pd.DataFrame(FIRMS).assign(**columns)


def without(*names: str) -> pd.DataFrame:
    return firms().drop(columns=list(names))


def table(sectors=("A", "B"), **parts) -> sp.IOTable:
    return sp.IOTable.from_arrays(
        sectors, **{"total": TOTAL, "output": [100.0, 120.0], "unit": "EUR", **parts}
    )


def square(**columns) -> pd.DataFrame:
    """A table in a frame: flows, final use, output; it balances as it stands."""
    parts = {"A": [10.0, 20.0], "B": [30.0, 40.0], "use": [60.0, 60.0], "out": [100.0, 120.0]}
    return pd.DataFrame({**parts, **columns}, index=["A", "B"])


def read_square(frame: pd.DataFrame, **options) -> sp.IOTable:
    given = {"flows": "domestic", "final_demand": "use", "output": "out", "unit": "EUR"}
    return sp.read_io(frame, **{**given, **options})


def pairs(**columns) -> pd.DataFrame:
    return pd.DataFrame({"source": ["1", "2"], "target": ["a", "b"], **columns})


@cache
def links() -> sp.Linkages:
    return sp.linkages(firms(), table())


@cache
def world() -> pd.DataFrame:
    return sp.simulate.panel(industries=4, firms_per_industry=10, rng=1).panel()


def fit(formula="tfp ~ output | industry", **options) -> sp.Fit:
    return sp.fit(formula, options.pop("data", world()), **{"cluster": "firm", **options})


@cache
def a_fit() -> sp.Fit:
    return fit(cluster=("firm",), inference="hetero")


def check(call, error, says: str) -> None:
    """The error is exactly of this class, and its message says this, in this order."""
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert re.search(says, str(caught.value), flags=re.DOTALL), str(caught.value)


def cases(*rows):
    return pytest.mark.parametrize(
        ("call", "says"), [pytest.param(call, says, id=name) for name, call, says in rows]
    )


# read_firms --------------------------------------------------------------------------------------

COLUMNS = (
    (
        "missing column",
        lambda: sp.read_firms(without("output").assign(ouput=1.0)),
        r"1 problem.*output: required, but absent.*columns=\{'output'.*Did you mean 'ouput'\?",
    ),
    (
        "column in capitals",
        lambda: sp.read_firms(without("output").assign(OUTPUT=1.0)),
        r"output: required, but absent.*Did you mean 'OUTPUT'\?",
    ),
    (
        "all columns missing",
        lambda: sp.read_firms(pd.DataFrame({"x": [1]})),
        r"5 problems.*firm:.*year:.*industry:.*output:.*foreign_share:.*Choose from 'x'",
    ),
    (
        "keys in the index",
        lambda: sp.read_firms(firms().set_index(["firm", "year"])),
        r"2 problems.*firm: it is in the index. Pass frame.reset_index.*year: it is in the index",
    ),
    (
        "mapping to no column",
        lambda: sp.read_firms(without("output").assign(sales=1.0), columns={"output": "salse"}),
        r"output: there is no column 'salse'.*Did you mean 'sales'\?",
    ),
    (
        "mapping clash",
        lambda: sp.read_firms(firms(sales=1.0), columns={"output": "sales"}),
        r"output: it is mapped to 'sales'.*also has a column called 'output'.*Rename or drop",
    ),
    (
        "unknown canonical name",
        lambda: sp.read_firms(firms(), columns={"foreign_shar": "foreign_share"}),
        r"'foreign_shar' is no canonical column. Did you mean 'foreign_share'\?.*your name",
    ),
    (
        "mapping the wrong way round",
        lambda: sp.read_firms(without("output").assign(sales=1.0), columns={"sales": "output"}),
        r"'sales' is no canonical column.*reads canonical name -> your name",
    ),
    (
        "one column for two names",
        lambda: sp.read_firms(firms(), columns={"capital": "output", "output": "output"}),
        r"one source column for two canonical ones: 'output'. Copy it",
    ),
    (
        "mapping of another kind",
        lambda: sp.read_firms(firms(), columns=["firm", "year"]),
        r"columns=\['firm', 'year'\] must map canonical names to your columns' names, as in",
    ),
    (
        "mapping to a number",
        lambda: sp.read_firms(firms(), columns={"firm": 3}),
        r"columns=\{'firm': 3\} must map canonical names",
    ),
    (
        "column names that are numbers",
        lambda: sp.read_firms(pd.DataFrame(np.zeros((2, 5)))),
        r"source has 5 column names that are no text: 0, 1, 2, 3, 4. Rename them",
    ),
    (
        "repeated column",
        lambda: sp.read_firms(pd.concat([firms(), firms()[["output"]]], axis=1)),
        r"source has several columns called 'output'. Rename or drop",
    ),
    ("no frame", lambda: sp.read_firms({"firm": [1]}), r"source is a dict; give a pandas, Polars"),
    ("a series", lambda: sp.read_firms(firms()["firm"]), r"source is a Series; give a pandas"),
    ("nothing", lambda: sp.read_firms(None), r"source is a NoneType; give a pandas"),
    ("empty", lambda: sp.read_firms(firms().iloc[:0]), r"The panel has no rows. Check how it was"),
    (
        "unknown unit",
        lambda: sp.read_firms(firms(), foreign_share_unit="percentage"),
        r"foreign_share_unit='percentage' is not an option. Did you mean 'percent'\?",
    ),
    (
        "unknown treatment of missing keys",
        lambda: sp.read_firms(firms(), missing_keys="dorp"),
        r"missing_keys='dorp' is not an option. Did you mean 'drop'\?",
    ),
)

VALUES = (
    (
        "text among numbers",
        lambda: sp.read_firms(firms(output=["10", "n/a", "5", "7"])),
        r"output: holds text; 1 row cannot be read as a number \('n/a'\).*to_numeric",
    ),
    (
        "numbers written as text",
        lambda: sp.read_firms(firms(output=["10", "12", "5", "7"])),
        r"output: holds numbers written as text \(first values: '10', '12', '5'\).*to_numeric",
    ),
    (
        "text year",
        lambda: sp.read_firms(firms(year=["2000", "2001", "2000", "2001"])),
        r"year: holds numbers written as text \(first values: '2000'.*Convert it",
    ),
    (
        "date as year",
        lambda: sp.read_firms(firms(year=pd.Timestamp("2000-01-01"))),
        r"year: holds Datetime.*2000-01-01.*Convert it to numbers",
    ),
    (
        "fractional year",
        lambda: sp.read_firms(firms(year=[2000.5, 2001.25, 2000, 2001])),
        r"year: not whole in 2 rows \(2000.5, 2001.25\). Years are whole numbers",
    ),
    (
        "infinite year",
        lambda: sp.read_firms(firms(year=[np.inf, 2001, 2000, 2001])),
        r"year: infinite in 1 row \(inf\). Years are whole numbers",
    ),
    (
        "month as year",
        lambda: sp.read_firms(firms(year=[200001, 200101, 200002, 2001])),
        r"year: beyond 9,999 in 3 rows \(200001, 200101, 200002\)",
    ),
    (
        "fractional industry",
        lambda: sp.read_firms(firms(industry=[15.1, 15.1, 17, 17])),
        r"industry: not whole in 2 rows \(15.1, 15.1\). Give the codes as text",
    ),
    (
        "mixed industry codes",
        lambda: sp.read_firms(firms(industry=["15", 15, "17", 17])),
        r"industry: holds values of several types \(first values: '15', 15, '17'\). Give the codes",
    ),
    (
        "date as industry",
        lambda: sp.read_firms(firms(industry=pd.Timestamp("2000-01-01"))),
        r"industry: holds Datetime.*Give the codes as text or whole numbers",
    ),
    (
        "lists as firms",
        lambda: sp.read_firms(firms(firm=[[1], [1], [2], [3]])),
        r"firm: holds .*\(first values: \[1\], \[1\], \[2\]\). Give text or numbers",
    ),
    (
        "negative output",
        lambda: sp.read_firms(firms(output=[-10.0, 12, -5, 7])),
        r"output: negative in 2 rows \(firm 1, 2000: -10; firm 2, 2000: -5\). Fix or blank them",
    ),
    (
        "infinite capital",
        lambda: sp.read_firms(firms(capital=[np.inf, 1, np.nan, -np.inf])),
        r"capital: infinite in 2 rows \(firm 1, 2000: inf; firm 3, 2001: -inf\). Fix or blank",
    ),
    (
        "percent declared as share",
        lambda: sp.read_firms(firms(foreign_share=[0, 0, 60, 35])),
        r"foreign_share: outside 0 to 1 in 2 rows \(firm 2, 2000: 60; firm 3, 2001: 35\)"
        r".*foreign_share_unit='percent'",
    ),
    (
        "share declared as percent",
        lambda: sp.read_firms(firms(), **PERCENT),
        r"foreign_share: declared as percent.*largest: 0.6.*foreign_share_unit='share'",
    ),
    (
        "more than all foreign",
        lambda: sp.read_firms(firms(foreign_share=[0, 0, 60, 350]), **PERCENT),
        r"foreign_share: outside 0 to 100 in 1 row \(firm 3, 2001: 350\). Fix",
    ),
    (
        "negative share",
        lambda: sp.read_firms(firms(foreign_share=[0, 0, -0.1, 0.5])),
        r"foreign_share: outside 0 to 1 in 1 row \(firm 2, 2000: -0.1\)",
    ),
    (
        "no foreign share at all",
        lambda: sp.read_firms(firms(foreign_share=np.nan)),
        r"foreign_share: missing in every row",
    ),
    (
        "repeated firm-years",
        lambda: sp.read_firms(firms(year=2000, firm=[1, 1, 2, 2])),
        r"firm, year: 2 firm-year\(s\) stand more than once "
        r"\(firm 1, 2000: 2 rows; firm 2, 2000: 2 rows\). Keep one row per firm and year",
    ),
    (
        "missing firm and industry",
        lambda: sp.read_firms(firms(firm=[1, np.nan, 2, 3], industry=["A", "A", None, ""])),
        r"2 problems.*firm: missing in 1 row. Fill it, or pass missing_keys='drop'.*"
        r"industry: missing in 2 rows",
    ),
    (
        "no row with a year",
        lambda: sp.read_firms(firms(year=np.nan), missing_keys="drop"),
        r"Every row lacks year: no row is left. Fill",
    ),
    (
        "several problems at once",
        lambda: sp.read_firms(
            firms(output=[-1.0, np.inf, 5, 7], foreign_share=[0, 0, 60, 0], year=2000, capital=-1)
        ),
        r"has 5 problems:\n  - output: infinite.*\n  - output: negative.*\n  - capital: negative "
        r"in 4 rows.*; \.\.\.\).*\n  - foreign_share: outside.*\n  - firm, year: 1 firm-year",
    ),
    (
        "several wrong types at once",
        lambda: sp.read_firms(firms(year="2000", output="ten", industry=pd.Timestamp("2000"))),
        r"has 3 problems:.*year: holds.*output: holds text; 4 rows.*industry: holds",
    ),
)


@cases(*COLUMNS, *VALUES)
def test_read_firms(call, says):
    check(call, sp.SchemaError, says)


@pytest.mark.parametrize("library", ["polars", "pyarrow", "nullable"])
@cases(
    (
        "negative",
        {"output": [-10.0, 12, -5, 7]},
        r"output: negative in 2 rows \(firm 1, 2000: -10; firm 2, 2000: -5\)",
    ),
    ("infinite", {"output": [np.inf, 12, 5, 7]}, r"output: infinite in 1 row \(firm 1, 2000: inf"),
    ("fraction", {"year": [2000.5, 1, 2, 3]}, r"year: not whole in 1 row \(2000.5\)"),
    ("repeated", {"year": 2000}, r"1 firm-year\(s\).*firm 1, 2000: 2 rows"),
    ("percent", {"foreign_share": [0.0, 0, 60, 1]}, r"outside 0 to 1 in 1 row \(firm 2, 2000: 60"),
    ("text", {"output": ["10", "x", "5", "7"]}, r"1 row cannot be read as a number \('x'\)"),
)
def test_read_firms_says_the_same_of_every_library(library, call, says):
    frame = firms(**call)
    if library == "nullable":
        source = frame.convert_dtypes()
    else:
        module = pytest.importorskip(library)
        columns = {name: frame[name].tolist() for name in frame}
        source = module.DataFrame(columns) if library == "polars" else module.table(columns)
    check(lambda: sp.read_firms(source), sp.SchemaError, says)


GOOD_CSV = "firm,year,industry,output,foreign_share\n1,2000,01,5,0\n"
FILES = (
    ("firms.xlsx", b"x", r"firms.xlsx ends in '.xlsx'; readable are .parquet, .csv.*Read other"),
    ("firms", b"x", r"firms ends in ''; readable are"),
    ("empty.csv", b"", r"empty.csv cannot be read as csv: No columns.*Mend the file"),
    ("ragged.csv", b"firm,year\n1,2\n1,2,3,4\n", r"ragged.csv cannot be read.*line 3.*Mend"),
    ("latin.csv", b"firm,year\n\xff\xfe,2000\n", r"latin.csv cannot be read as csv.*0xff"),
    ("cut.csv.gz", gzip.compress(GOOD_CSV.encode())[:30], r"cut.csv.gz cannot be read as csv.gz"),
    ("no.csv.gz", b"firm,year", r"no.csv.gz cannot be read as csv.gz: Not a gzipped file"),
    ("broken.dta", b"x", r"broken.dta cannot be read as dta.*Mend the file"),
    (
        "semicolons.csv",
        GOOD_CSV.replace(",", ";").encode(),
        r"single column, 'firm;year.*separated by ';'.*pandas.read_csv\(path, sep=';'",
    ),
    (
        "tabs.csv",
        GOOD_CSV.replace(",", "\t").encode(),
        r"single column.*separated by '\\t'.*pandas.read_csv",
    ),
    (
        "commas.tsv",
        GOOD_CSV.encode(),
        r"commas.tsv has a single column.*separated by ','.*pandas.read_csv",
    ),
    (
        "unnamed.csv",
        b"year,industry,output\n1,2000,01,5\n",
        r"rows of unnamed.csv have more fields than its header has names \(3: 'year'.*Give every",
    ),
    (
        "thousands.csv",
        GOOD_CSV.replace(",5,", ',"1,234",').encode(),
        r"output: holds text; 1 row cannot be read as a number \('1,234'\)",
    ),
)


@pytest.mark.parametrize(("name", "content", "says"), FILES, ids=[name for name, *_ in FILES])
def test_read_firms_from_a_bad_file(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    check(lambda: sp.read_firms(tmp_path / name), sp.SchemaError, says)


def test_read_firms_from_a_bad_parquet_file(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "firms.parquet").write_bytes(b"x")
    check(
        lambda: sp.read_firms(tmp_path / "firms.parquet"),
        sp.SchemaError,
        r"firms.parquet cannot be read as parquet.*Mend the file",
    )


def test_read_firms_without_a_file(tmp_path):
    for path in (tmp_path / "absent.csv", tmp_path):
        check(
            lambda path=path: sp.read_firms(path), sp.SchemaError, r"no file at .* Check its path"
        )


CODES = sp.Concordance.from_mapping({"A": "x"}, source_name="nace", target_name="io")
SPLIT = sp.Concordance.from_mapping({"A": {"x": 0.5, "y": 0.5}, "B": "x"}, target_name="io")


@pytest.mark.parametrize(
    ("error", "call", "says"),
    [
        (
            sp.ConcordanceError,
            lambda: sp.read_firms(firms()).with_industries(CODES),
            r"1 of 2 industry codes have no target.*nace -> io: 'B' \(2 rows\).*unmatched=\"drop\"",
        ),
        (
            sp.ConcordanceError,
            lambda: sp.read_firms(firms(industry=["01", "01", "1", "2"])).with_industries(
                sp.Concordance.from_mapping({"01": "x", "02": "y"})
            ),
            r"2 of 3 industry codes.*'1' \(1 row\), '2' \(1 row\). Leading zeros differ",
        ),
        (
            sp.ConcordanceError,
            lambda: sp.read_firms(firms(industry="Z")).with_industries(CODES, unmatched="drop"),
            r"1 of 1 industry codes have no target.*'Z' \(4 rows\).*codes look like 'A'.*Add them",
        ),
        (
            sp.ConcordanceError,
            lambda: sp.read_firms(firms()).with_industries(SPLIT),
            r"1 industry codes go to several io sectors: 'A'.*choose one target per code",
        ),
        (
            sp.SchemaError,
            lambda: sp.read_firms(firms()).with_industries({"A": "x", "B": "y"}),
            r"concordance is a dict; give a Concordance",
        ),
        (
            sp.SchemaError,
            lambda: sp.read_firms(firms(industry_source="s")).with_industries(CODES),
            r"already has a column 'industry_source'.*Rename it",
        ),
        (
            sp.SchemaError,
            lambda: sp.read_firms(firms()).with_industries(CODES, unmatched="ignore"),
            r"unmatched='ignore' is not an option. Choose from 'raise', 'drop'",
        ),
    ],
    ids=["unmatched", "zeros", "none matched", "several targets", "dict", "recoded", "option"],
)
def test_with_industries(error, call, says):
    check(call, error, says)


# Input-output tables and concordances ------------------------------------------------------------


@cases(
    (
        "negative flow",
        lambda: table(total=[[10.0, -3.0], [2.0, 3.0]]),
        r"total has 1 negative flow.*-3 \(A→B.*'A', 'B'.*negative='keep'",
    ),
    (
        "repeated sector",
        lambda: table(sectors=["A", "A"]),
        r"1 sector code\(s\) occur more than once: 'A'; codes must be unique",
    ),
    (
        "one text as sectors",
        lambda: table(sectors="AB"),
        r"sectors is one text \('AB'\); give a list of sector codes",
    ),
    (
        "sector lists differ",
        lambda: table(output=pd.Series([1.0, 2.0], index=["A", "C"])),
        r"output lacks 1 sector\(s\): 'B' and has 1 that are not sectors: 'C'; all parts need",
    ),
    (
        "wrong length",
        lambda: table(output=[1.0, 2.0, 3.0]),
        r"output has shape \(3,\); 2 sectors need \(2,\)",
    ),
    (
        "not square",
        lambda: table(total=[[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]),
        r"total has shape \(2, 3\); 2 sectors need \(2, 2\)",
    ),
    (
        "missing flow",
        lambda: table(total=[[np.nan, 30.0], [20.0, 40.0]]),
        r"total has 1 missing or infinite value\(s\) \(A→A\); write 0",
    ),
    (
        "text flow",
        lambda: table(total=[["ten", 30.0], [20.0, 40.0]]),
        r"total is not numeric.*'ten'",
    ),
    ("no flows", lambda: table(total=None), r"give domestic or total intermediate flows"),
    ("no unit", lambda: table(unit=" "), r"unit is empty; say what the numbers are, such as"),
    (
        "several problems",
        lambda: table(sectors=["A", "A"], output=[1.0], unit=""),
        r"3 problems\n  1\. 1 sector code.*\n  2\. output has shape.*\n  3\. unit is empty",
    ),
    (
        "deliveries without output",
        lambda: table(output=[0.0, 120.0]),
        r"1 sector\(s\) deliver total flows although their output is zero: A. Give their output",
    ),
    (
        "unbalanced",
        lambda: table().check_balance(),
        r"does not balance: in 2 of 2 sectors.*Largest gaps: A \(output 100, uses 40\).*imports=",
    ),
    (
        "unknown flows",
        lambda: table().supply_shares(flows="domestc"),
        r"flows='domestc' is not an option. Did you mean 'domestic'\?",
    ),
    (
        "flows the table does not tell apart",
        lambda: table().input_shares(flows="domestic"),
        r"does not separate domestic from imported.*flows='domestic' is unknown. Use flows='total'",
    ),
    (
        "transposed",
        lambda: read_square(square(A=[10.0, 30.0], B=[20.0, 40.0])),
        r"does not balance: in 2 of 2 sectors.*looks transposed.*orientation='users_in_rows'",
    ),
    (
        "unknown column",
        lambda: read_square(square(), final_demand="usse"),
        r"no column 'usse' for final_demand=. Did you mean 'use'\?",
    ),
    (
        "unknown option of read_io",
        lambda: read_square(square(), outptu="out"),
        r"read_io has no option 'outptu'. Did you mean 'output'\?",
    ),
    (
        "unknown format",
        lambda: sp.read_io(square(), format="matrx"),
        r"format='matrx' is unknown. Did you mean 'matrix'\?",
    ),
    (
        "unit unsaid",
        lambda: read_square(square(), unit=None),
        r"does not state its unit; say unit=, such as 'million EUR'",
    ),
    (
        "flows unsaid",
        lambda: sp.read_io(square(), unit="EUR", final_demand="use", output="out"),
        r"say whether .* holds flows='domestic'.*or flows='total'",
    ),
    ("no such table", lambda: sp.read_io("absent.csv"), r"no file (or folder )?'absent.csv'"),
)
def test_io_tables(call, says):
    check(call, sp.SchemaError, says)


def national(country="CZE", year=2005) -> pd.DataFrame:
    row = {"type": "Domestic", "row": 1, "FD": 1.0, "EXPO": 0.0, "OUT": 2.0}
    return pd.DataFrame([{"country": country, "year": year, **row}])


@cases(
    (
        "country",
        lambda: sp.read_io(national(), country="CZ", year=2005),
        r"no country 'CZ'. Did you mean 'CZE'\?.*Available: 'CZE'",
    ),
    (
        "year",
        lambda: sp.read_io(national(), country="CZE", year=2050),
        r"CZE, has no year 2050.*Available: 2005",
    ),
)
def test_read_io_lists_the_countries_and_years_there_are(call, says):
    check(call, sp.SchemaError, says)


@pytest.mark.parametrize(
    ("error", "call", "says"),
    [
        (
            sp.ConcordanceError,
            lambda: sp.Concordance.from_mapping({"1": {"a": 0.5, "b": 0.4}, "2": "a"}),
            r"weights must sum to 1 for each source code; 1 do not:.*1.*0\.9.*weight for each",
        ),
        (
            sp.ConcordanceError,
            lambda: sp.Concordance.from_frame(pairs(source=["1", "1"])),
            r"weights must sum to 1.*1 do not:.*1.*2",
        ),
        (
            sp.ConcordanceError,
            lambda: sp.Concordance.from_mapping({"1": {"a": -0.5, "b": 1.5}}),
            r"weights must be positive numbers; they are not for source '1'",
        ),
        (
            sp.ConcordanceError,
            lambda: sp.Concordance.from_frame(pairs(target=["a", None])),
            r"1 row\(s\) of the concordance have a blank code \(rows 1\)",
        ),
        (
            sp.ConcordanceError,
            lambda: sp.Concordance.from_frame(pairs(source=["1", "1"], target=["a", "a"])),
            r"1 source code\(s\) list a target twice: '1'",
        ),
        (
            sp.SchemaError,
            lambda: sp.Concordance.from_frame(pairs(), source="sourc"),
            r"no column 'sourc'. Did you mean 'source'\?",
        ),
        (
            sp.SchemaError,
            lambda: sp.Concordance.from_mapping({"1": "a"}, match="prefx"),
            r"match='prefx' is not an option. Did you mean 'prefix'\?",
        ),
        (
            sp.SchemaError,
            lambda: sp.concordance("isic2", "wiod2031"),
            r"'isic2_wiod2031'.*Did you mean 'isic2_wiod2013'\?",
        ),
        (
            sp.SchemaError,
            lambda: sp.Concordance.from_csv("no.csv"),
            r"no concordance file 'no.csv'",
        ),
        (
            sp.ConcordanceError,
            lambda: table().aggregate(CODES),
            r"1 of 2 sectors have no counterpart.*nace → io: 'B'.*Add them to the concordance",
        ),
    ],
    ids=[
        "sum",
        "several without weights",
        "negative",
        "blank",
        "twice",
        "column",
        "match",
        "name",
        "file",
        "aggregate",
    ],
)
def test_concordances(error, call, says):
    check(call, error, says)


# Linkages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [0, -0.1, 1.01, 10, float("nan")])
def test_threshold(threshold):
    check(
        lambda: sp.LinkageDefinition(threshold=threshold),
        sp.SchemaError,
        rf"threshold={threshold} must lie in \(0, 1\]",
    )


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("weight", "ouput", "Did you mean 'output'"),
        ("own_sector", "exlude", "Did you mean 'exclude'"),
        ("flows", "Domestic", "Did you mean 'domestic'"),
        ("denominator", "sales", "Choose from 'intermediate'"),
        ("forward_exports", "nett", "Did you mean 'net'"),
        ("unobserved", None, "Choose from 'zero', 'missing'"),
    ],
)
def test_options_of_the_definition(name, value, hint):
    check(
        lambda: sp.LinkageDefinition(**{name: value}),
        sp.SchemaError,
        rf"{name}={value!r} is not an option. {hint}",
    )


def test_industries_that_are_no_sectors():
    check(
        lambda: sp.linkages(firms(industry=["A", "A", "C", "D"]), table()),
        sp.ConcordanceError,
        r"2 of 3 industries of the panel.*'C' \(1 row.*'D' \(1 row.*sectors are 'A', 'B'"
        r".*with_industries\(concordance\)",
    )


@cases(
    (
        "no exports",
        lambda: sp.linkages(without("exports"), table()),
        r"Forward counts output net of exports.*no column 'exports'.*forward_exports='gross'",
    ),
    (
        "no weight column",
        lambda: sp.linkages(
            firms(employed=1.0), table(), sp.LinkageDefinition(weight="employment")
        ),
        r"definition needs the column 'employment', which the panel lacks.*mean 'employed'\?",
    ),
    (
        "firms and table exchanged",
        lambda: sp.linkages(table(), firms()),
        r"io is a DataFrame; give an IOTable, as sp.read_io returns it",
    ),
    (
        "a frame of links",
        lambda: sp.attach(firms(), links().data),
        r"links is a DataFrame; give the result of sp.linkages",
    ),
    (
        "attached twice",
        lambda: sp.attach(sp.attach(firms(), links()), links()),
        r"already have 'horizontal', 'backward', 'forward'. Pass suffix=",
    ),
    (
        "unknown measure",
        lambda: sp.attach(firms(), links(), measures=["horizontal", "backwrad"]),
        r"'backwrad' is no linkage measure. Did you mean 'backward'\?",
    ),
    (
        "key absent",
        lambda: sp.attach(firms().rename(columns={"industry": "industri"}), links()),
        r"no column 'industry'. Did you mean 'industri'\?",
    ),
    (
        "text years",
        lambda: sp.attach(firms(year="2000"), links()),
        r"year holds String, not numbers. Convert it to whole years",
    ),
    (
        "unmatched",
        lambda: sp.attach(firms(year=[2000, 2009, 2000, 2001]), links(), unmatched="raise"),
        r"1 of 4 firm-years lack a linkage measure.*A 2009.*\(1 row\).*unmatched='warn'",
    ),
    (
        "option",
        lambda: sp.attach(firms(), links(), unmatched="rais"),
        r"unmatched='rais' is not an option. Did you mean 'raise'\?",
    ),
)
def test_linkages_and_attach(call, says):
    check(call, sp.SchemaError, says)


# Regressions -------------------------------------------------------------------------------------


@cases(
    ("no tilde", lambda: fit("tfp output"), r"'tfp output' needs exactly one '~', as in 'tfp ~"),
    ("no outcome", lambda: fit("~ output"), r"formula='~ output' lacks a side, as in"),
    ("no regressor", lambda: fit("tfp ~ | firm"), r"'tfp ~ \| firm' lacks a side"),
    ("no effect", lambda: fit("tfp ~ output |"), r"names no effect after '\|'"),
    (
        "three parts",
        lambda: fit("tfp ~ output | firm | capital"),
        r"has 3 parts on the right.*then 'endogenous ~ instruments'",
    ),
    (
        "effect named twice",
        lambda: fit("tfp ~ output | firm + firm"),
        r"names an absorbed effect twice",
    ),
    (
        "operator in the effects",
        lambda: fit("tfp ~ output | firm*year"),
        r"'firm\*year' is no absorbed effect.*joined by \^.*region\^year",
    ),
    (
        "unknown regressor",
        lambda: fit("tfp ~ outptu | firm"),
        r"no column 'outptu' \(in the formula\). Did you mean 'output'\?",
    ),
    (
        "unknown effect",
        lambda: fit("tfp ~ output | frm"),
        r"no column 'frm' \(absorbed effect or cluster\). Did you mean 'firm'\?",
    ),
    (
        "unknown cluster",
        lambda: fit(cluster="industry^yaer"),
        r"no column 'yaer' \(absorbed effect or cluster\). Did you mean 'year'\?",
    ),
    ("cluster twice", lambda: fit(cluster=["firm", "firm"]), r"names a level twice"),
    ("no cluster", lambda: fit(cluster=[]), r"cluster=\[\] names no level.*inference='hetero'"),
    (
        "unclosed bracket",
        lambda: fit("tfp ~ log(output"),
        r"'log\(output' is no valid formula",
    ),
    (
        "logarithm of text",
        lambda: fit("tfp ~ log(industry)"),
        r"'log\(industry\)' cannot be evaluated on the data",
    ),
    ("text outcome", lambda: fit("industry ~ output"), r"outcome 'industry' has 4 columns"),
    (
        "unknown sample",
        lambda: fit(sample="domestics"),
        r"sample='domestics' is not an option. Did you mean 'domestic'\?",
    ),
    (
        "sample of another length",
        lambda: fit(sample=[True]),
        r"sample= must be one True or False per row: shape \(\d+,\), got bool of shape \(1,\)",
    ),
    (
        "sample of numbers",
        lambda: fit(sample=lambda frame: frame["year"]),
        r"sample= must be one True or False per row.*got int64",
    ),
    (
        "empty sample",
        lambda: fit(sample=lambda frame: frame["year"] > 3000),
        r"No observation is left. Dropped: \d+ not selected",
    ),
    (
        "nothing complete",
        lambda: fit(data=world().assign(output=np.nan)),
        r"No observation is left. Dropped: \d+ output missing",
    ),
    (
        "domestic sample without shares",
        lambda: fit(data=world().drop(columns="foreign_share"), sample="domestic"),
        r"no column 'foreign_share' \(needed by sample='domestic'\)",
    ),
    (
        "unknown weights",
        lambda: fit(weights="outpt"),
        r"no column 'outpt' \(weights\). Did you mean 'output'\?",
    ),
    (
        "weights of zero",
        lambda: fit(data=world().assign(w=0.0), weights="w"),
        r"weights 'w': \d+ values are not positive",
    ),
    (
        "unknown inference",
        lambda: fit(inference="hc1"),
        r"inference='hc1' is not an option\. Did you mean 'hc3'\?",
    ),
    (
        "unknown treatment of singletons",
        lambda: fit(singletons="keeep"),
        r"singletons='keeep' is not an option. Did you mean 'keep'\?",
    ),
    ("no data", lambda: sp.fit("tfp ~ output", None), r"data is a NoneType; give a pandas"),
    ("level in percent", lambda: a_fit().confint(level=95), r"level=95 must lie between 0 and 1"),
    (
        "unknown term",
        lambda: a_fit().wald(["outptu"]),
        r"'outptu' is no term of this regression. Did you mean 'output'\?",
    ),
)
def test_fit(call, says):
    check(call, sp.SchemaError, says)


@cases(
    (
        "absorbed",
        lambda: fit("tfp ~ backward + output | industry^year"),
        r"backward does not vary within 'industry\^year'.*Drop it, or absorb a coarser effect",
    ),
    (
        "absorbed by two together",
        lambda: fit("tfp ~ age | firm + year", data=_with_age()),
        r"age is a linear combination of the absorbed effects firm \+ year together. Drop it",
    ),
    (
        "collinear",
        lambda: fit("tfp ~ output + capital + sum_ | year", data=_with_sum()),
        r"'output', 'capital', 'sum_' are perfectly collinear.*drop one of them",
    ),
    (
        "constant",
        lambda: fit("tfp ~ c + output | firm", data=world().assign(c=3.0)),
        r"c is constant in the sample; drop it",
    ),
    (
        "constant beside the intercept",
        lambda: fit("tfp ~ c + output", data=world().assign(c=3.0)),
        r"'Intercept', 'c' are perfectly collinear: drop one of them",
    ),
    (
        "single cluster",
        lambda: fit(data=world().assign(country="CZ"), cluster="country"),
        r"All observations are in one cluster of country; cluster at a finer level",
    ),
    (
        "no degrees of freedom",
        lambda: fit("tfp ~ output + capital", data=world().iloc[:3], inference="iid"),
        r"3 observations cannot identify 3 coefficients.*no degrees of freedom",
    ),
)
def test_what_is_not_identified(call, says):
    check(call, sp.IdentificationError, says)


def _with_age() -> pd.DataFrame:
    born = world().groupby("firm")["year"].transform("min")
    return world().assign(age=world()["year"] - born)


def _with_sum() -> pd.DataFrame:
    return world().assign(sum_=world()["output"] + 2 * world()["capital"])


# Tables, figures, simulation, data ---------------------------------------------------------------


@cases(
    (
        "number in a table",
        lambda: sp.tables.regression([a_fit(), 3]),
        r"\(2\) is of type int, which is not a fitted model.*sp.fit\(\) returns",
    ),
    (
        "frame as a fit",
        lambda: sp.tables.regression(world()),
        r"DataFrame, which is not a fitted model.*sp.fit\(\)",
    ),
    ("no fit", lambda: sp.tables.regression([]), r"fits is empty: give at least one"),
    (
        "too many names",
        lambda: sp.tables.regression([a_fit()], names=["one", "two"]),
        r"names has 2 name\(s\) for 1 fit\(s\): give a list",
    ),
    (
        "repeated name",
        lambda: sp.tables.regression([a_fit(), a_fit()], names=["one", "one"]),
        r"1 model name\(s\) occur more than once: 'one'. Give every model its own",
    ),
    (
        "unknown term",
        lambda: sp.tables.regression(a_fit(), keep=["outptu"]),
        r"keep names 'outptu', which is in no model. Did you mean 'output'\?",
    ),
    (
        "unknown statistic",
        lambda: sp.tables.regression(a_fit(), statistics=["r2_wthin"]),
        r"statistics names 'r2_wthin', which no model has. Did you mean 'r2_within'\?",
    ),
    (
        "what to show",
        lambda: sp.tables.regression(a_fit(), show="std_err"),
        r"show='std_err' is not an option. Did you mean 'std_error'\?",
    ),
    (
        "digits",
        lambda: sp.tables.regression(a_fit(), digits=-1),
        r"digits=-1 must be a whole number from 0 to 12",
    ),
    (
        "number in a figure",
        lambda: sp.plot.coefficients([3]),
        r"\(1\) is of type int, which is not a fitted model",
    ),
    (
        "unknown term in a figure",
        lambda: sp.plot.coefficients(a_fit(), terms=["outptu"]),
        r"terms names 'outptu', which is in no model. Did you mean 'output'\?",
    ),
    (
        "terms as one text",
        lambda: sp.plot.coefficients(a_fit(), terms="output"),
        r"terms='output' must be a list of terms, not one string",
    ),
    (
        "level of a figure",
        lambda: sp.plot.coefficients(a_fit(), level=95),
        r"level=95 is no coverage between 0 and 1; 0.95 is usual",
    ),
    (
        "axes",
        lambda: sp.plot.coefficients(a_fit(), ax=3),
        r"ax is of type int: give matplotlib axes",
    ),
    (
        "frame as linkages",
        lambda: sp.plot.linkages(world()),
        r"DataFrame.*give what sp.linkages\(\) returns",
    ),
    (
        "frame as table",
        lambda: sp.plot.io_table(world()),
        r"DataFrame, which is no input-output table.*sp.read_io\(\)",
    ),
    (
        "one industry",
        lambda: sp.simulate.panel(industries=1),
        r"industries=1: industries trade; give 2 or more",
    ),
    (
        "years with a gap",
        lambda: sp.simulate.panel(years=[2000, 2001, 2003]),
        r"years=2000, 2001, 2003: give two or more consecutive.*broken before 2003",
    ),
    (
        "effect in percent",
        lambda: sp.simulate.panel(backward=30),
        r"backward=30: effects are on log productivity.*between -20 and 20",
    ),
    (
        "share in percent",
        lambda: sp.simulate.panel(foreign_share_of_firms=20),
        r"foreign_share_of_firms=20: give a share from 0 to 0.5",
    ),
    (
        "industries against the table",
        lambda: sp.simulate.panel(industries=3, io=table()),
        r"industries=3, but io has 2 sectors. Leave industries out",
    ),
    (
        "no such data file",
        lambda: sp.datasets.path("demo/firm.csv"),
        r"no data file 'demo/firm.csv'. Did you mean 'demo/firms.csv'\?",
    ),
)
def test_presentation_simulation_and_data(call, says):
    check(call, sp.SchemaError, says)


def test_a_name_that_does_not_exist():
    with pytest.raises(AttributeError, match="no attribute 'regress'"):
        _ = sp.regress


def test_every_error_is_a_value_error_of_the_package():
    for error in (sp.SchemaError, sp.ConcordanceError, sp.IdentificationError, sp.ConvergenceError):
        assert issubclass(error, sp.SpilloverError)
        assert issubclass(error, ValueError)

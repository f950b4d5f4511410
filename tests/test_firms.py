"""read_firms and FirmPanel: every frame library and file type gives the same panel."""

from __future__ import annotations

import copy
import gzip
import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spillover as sp

ROWS = {
    "firm": ["a", "a", "b", "c"],
    "year": [2000, 2001, 2000, 2001],
    "industry": ["01", "01", "15", "15"],
    "output": [10.0, 12.5, 5.0, 7.0],
    "foreign_share": [0.0, 0.0, 0.6, 0.35],
    "size": [1, 2, 3, 4],
}


def base(**columns) -> pd.DataFrame:
    return pd.DataFrame(ROWS).assign(**columns)


def _polars(frame: pd.DataFrame):
    return pytest.importorskip("polars").DataFrame(_plain(frame), strict=False)


def _arrow(frame: pd.DataFrame):
    return pytest.importorskip("pyarrow").table(_plain(frame))


def _arrow_backed(frame: pd.DataFrame) -> pd.DataFrame:
    pytest.importorskip("pyarrow")
    return frame.convert_dtypes(dtype_backend="pyarrow")


def _plain(frame: pd.DataFrame) -> dict:
    """Python lists; missing text becomes None, missing numbers stay NaN."""
    numeric = {name: pd.api.types.is_float_dtype(frame[name]) for name in frame}
    return {
        name: column.tolist()
        if numeric[name]
        else [None if pd.isna(value) else value for value in column]
        for name, column in frame.items()
    }


LIBRARIES = {
    "pandas": lambda frame: frame,
    "pandas-object": lambda frame: frame.astype(object),
    "pandas-nullable": lambda frame: frame.convert_dtypes(),
    "pandas-arrow": _arrow_backed,
    "polars": _polars,
    "polars-lazy": lambda frame: _polars(frame).lazy(),
    "pyarrow": _arrow,
}
libraries = pytest.mark.parametrize("to", LIBRARIES.values(), ids=LIBRARIES)


def values(panel: sp.FirmPanel, name: str) -> list:
    return panel.to_pandas()[name].tolist()


@libraries
def test_every_library_gives_the_same_panel(to):
    panel = sp.read_firms(to(base()))
    frame = panel.to_pandas()
    assert frame.columns.tolist() == list(ROWS)
    for name, expected in ROWS.items():
        assert frame[name].tolist() == expected
    assert panel.report == sp.PanelReport(rows=4, firms=3, industries=2, years=(2000, 2001))
    assert len(panel) == 4


@libraries
def test_data_stay_in_the_users_library(to):
    source = to(base())
    collected = source.collect() if hasattr(source, "collect") else source
    assert type(sp.read_firms(source).data) is type(collected)


@libraries
def test_missing_values_are_treated_alike(to):
    source = to(base(output=[np.nan, 12.5, 5.0, 7.0], exports=[1.0, np.nan, np.nan, 1.0]))
    with pytest.warns(sp.SpilloverWarning, match="output is missing in 1 of 4 rows") as caught:
        panel = sp.read_firms(source)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert panel.report.missing == {"output": 1, "exports": 2}
    assert panel.frame["output"].is_null().to_list() == [True, False, False, False]


@libraries
def test_nan_and_null_keys_are_dropped_and_counted(to):
    source = to(base(firm=[1.0, np.nan, 2.0, 3.0], industry=[15.0, 15.0, np.nan, 17.0]))
    panel = sp.read_firms(source, missing_keys="drop")
    assert panel.report.dropped == {"no firm or industry": 2}
    assert values(panel, "industry") == ["15", "17"]
    assert values(panel, "firm") == [1.0, 3.0]
    assert "dropped: 2 rows, no firm or industry" in str(panel.report)


@libraries
def test_missing_years_are_dropped_before_years_become_integers(to):
    panel = sp.read_firms(to(base(year=[2000.0, np.nan, 2000.0, 2001.0])), missing_keys="drop")
    assert panel.report.dropped == {"no year": 1}
    years = panel.frame["year"]
    assert years.dtype.is_integer()
    assert years.to_list() == [2000, 2000, 2001]


@libraries
def test_years_and_industries_given_as_floats_become_whole(to):
    panel = sp.read_firms(to(base(year=[2000.0, 2001, 2000, 2001], industry=[15.0, 15, 17, 17])))
    assert panel.frame["year"].dtype.is_integer()
    assert values(panel, "industry") == ["15", "15", "17", "17"]


@libraries
def test_boolean_and_whole_foreign_shares_are_shares(to):
    for given_ in ([False, False, True, True], [0, 0, 1, 1]):
        panel = sp.read_firms(to(base(foreign_share=given_)))
        assert values(panel, "foreign_share") == [0.0, 0.0, 1.0, 1.0]
        assert panel.frame["foreign_share"].dtype.is_float()


@libraries
def test_percent_is_converted_to_shares(to):
    panel = sp.read_firms(to(base(foreign_share=[0, 0, 60, 100])), foreign_share_unit="percent")
    assert values(panel, "foreign_share") == [0.0, 0.0, 0.6, 1.0]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.02, 1.0), min_size=4, max_size=4))
def test_percent_and_share_agree(shares):
    plain = sp.read_firms(base(foreign_share=shares))
    percent = sp.read_firms(
        base(foreign_share=[100 * share for share in shares]), foreign_share_unit="percent"
    )
    assert values(percent, "foreign_share") == pytest.approx(shares, rel=1e-14)
    assert percent.report == plain.report


@libraries
def test_blank_text_is_missing_and_codes_lose_their_blanks(to):
    source = to(base(industry=["01 ", " 01", "15", ""], region=["N", "", "S", "S"]))
    panel = sp.read_firms(source, missing_keys="drop")
    assert values(panel, "industry") == ["01", "01", "15"]
    assert panel.report.dropped == {"no industry": 1}
    assert panel.report.missing == {"region": 1}
    assert panel.report.industries == 2


@libraries
def test_input_is_never_changed(to):
    source = to(
        base(industry=["01 ", "01", "", "15"], foreign_share=[0.0, 0.0, 60.0, 35.0]).rename(
            columns={"output": "sales"}
        )
    )
    before = copy.deepcopy(source)
    sp.read_firms(
        source, columns={"output": "sales"}, foreign_share_unit="percent", missing_keys="drop"
    )
    if isinstance(source, pd.DataFrame):
        pd.testing.assert_frame_equal(source, before)
    elif hasattr(source, "collect"):
        assert source.collect().equals(before.collect())
    else:
        assert source.equals(before)


@libraries
def test_mapping_and_extra_columns(to):
    own = {"firm": "bin", "industry": "nace2", "output": "sales", "exports": "exp"}
    source = base(exports=[1.0, 2.0, 3.0, 4.0], rows=1, n=2, _row_position=3)
    panel = sp.read_firms(to(source.rename(columns=own)), columns=own)
    assert panel.to_pandas().columns.tolist() == source.columns.tolist()
    assert values(panel, "size") == [1, 2, 3, 4]
    assert values(panel, "exports") == [1.0, 2.0, 3.0, 4.0]
    assert (values(panel, "rows"), values(panel, "n")) == ([1] * 4, [2] * 4)


@libraries
def test_mapping_may_exchange_names(to):
    source = to(base(capital=[1.0, 2.0, 3.0, 4.0]))
    panel = sp.read_firms(
        source, columns={"capital": "output", "output": "capital", "employment": "size"}
    )
    assert values(panel, "output") == [1.0, 2.0, 3.0, 4.0]
    assert values(panel, "capital") == ROWS["output"]
    assert values(panel, "employment") == ROWS["size"]


def test_mapping_a_name_to_itself_changes_nothing():
    assert sp.read_firms(base(), columns={"firm": "firm"}).report.firms == 3


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (pd.Categorical(["01", "01", "15", "15"]), ["01", "01", "15", "15"]),
        (pd.Categorical([1, 1, 15, 15]), ["1", "1", "15", "15"]),
        (pd.Categorical([1.0, 1.0, 15.0, 15.0]), ["1", "1", "15", "15"]),
        (pd.array([1, 1, 15, 15], dtype="Int16"), ["1", "1", "15", "15"]),
        (np.array([1, 1, 15, 15], dtype=object), ["1", "1", "15", "15"]),
        (np.array(["01", "01", "15", "15"], dtype=object), ["01", "01", "15", "15"]),
    ],
    ids=["category-text", "category-int", "category-float", "nullable", "object-int", "object"],
)
def test_industry_codes_become_text(codes, expected):
    assert values(sp.read_firms(base(industry=codes)), "industry") == expected


@pytest.mark.parametrize("kind", ["Categorical", "Enum"])
def test_polars_categories(kind):
    pl = pytest.importorskip("polars")
    dtype = pl.Categorical if kind == "Categorical" else pl.Enum(["01", "15"])
    frame = pl.DataFrame(ROWS).with_columns(pl.col("industry").cast(dtype))
    assert values(sp.read_firms(frame), "industry") == ROWS["industry"]


def test_arrow_dictionary_codes():
    pa = pytest.importorskip("pyarrow")
    table = pa.table({**ROWS, "industry": pa.array(ROWS["industry"]).dictionary_encode()})
    assert values(sp.read_firms(table), "industry") == ROWS["industry"]


def test_categorical_firms_and_years():
    source = base(firm=pd.Categorical(ROWS["firm"]), year=pd.Categorical(ROWS["year"]))
    panel = sp.read_firms(source)
    assert values(panel, "year") == ROWS["year"]
    assert panel.report.firms == 3


@pytest.mark.parametrize(
    "ids",
    [
        [2**62, 2**62, 2**62 + 1, 2**62 + 2],
        np.array([2**63 + 5, 2**63 + 5, 2**63 + 6, 1], dtype="uint64"),
        np.array([2**70, 2**70, 2**70 + 1, 3], dtype=object),
    ],
    ids=["int64", "uint64", "beyond 64 bits"],
)
def test_huge_firm_numbers_stay_exact(ids):
    panel = sp.read_firms(base(firm=ids))
    assert [int(value) for value in values(panel, "firm")] == [int(value) for value in ids]
    assert panel.report.firms == 3


def test_objects_that_hold_numbers_are_numbers():
    source = base(output=np.array([1, 2.5, 3, 4], dtype=object))
    assert values(sp.read_firms(source), "output") == [1.0, 2.5, 3.0, 4.0]


def test_decimals_of_polars_are_numbers():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(ROWS).with_columns(pl.col("output").cast(pl.Decimal(12, 2)))
    assert values(sp.read_firms(frame), "output") == ROWS["output"]


def test_negative_investment_and_value_added_are_allowed():
    panel = sp.read_firms(base(investment=[-5.0, 1, 2, 3], value_added=[-1.0, 1, 2, 3]))
    assert values(panel, "investment")[0] == -5.0
    assert panel.report.notes == ()


def test_any_pandas_index_will_do():
    for index in ([7, 7, 7, 7], ["w", "x", "y", "z"]):
        panel = sp.read_firms(base(industry=["01 ", "01", "15", "15"]).set_axis(index, axis=0))
        assert values(panel, "industry") == ROWS["industry"]
        assert values(panel, "output") == ROWS["output"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
def test_row_order_is_kept_and_does_not_matter_to_the_report(order):
    source = base().iloc[list(order)]
    panel = sp.read_firms(source)
    assert values(panel, "size") == source["size"].tolist()
    assert panel.report == sp.read_firms(base()).report


def test_notes_come_once_with_their_counts():
    source = base(
        output=[np.nan, 12.5, 5.0, 7.0],
        foreign_share=[0.0, np.nan, np.nan, 0.5],
        exports=[1.0, 20.0, 6.0, 1.0],
    )
    with pytest.warns(sp.SpilloverWarning) as caught:
        report = sp.read_firms(source).report
    assert len(caught) == 1
    assert report.notes == (
        "output is missing in 1 of 4 rows, which do not count towards presence",
        "foreign_share is missing in 2 of 4 rows, which do not count towards presence",
        "exports exceed output in 2 rows",
    )
    assert str(report).count("note: ") == 3


def test_repr_and_html_escape_what_the_data_hold():
    source = base(firm=["<b>a</b>", "<b>a</b>", "b", "c"], industry=["<i>", "<i>", "15", "15"])
    panel = sp.read_firms(source)
    assert repr(panel) == "FirmPanel(4 firm-years, 3 firms, 2 industries, 2000-2001)"
    html = panel._repr_html_()
    assert "&lt;b&gt;a&lt;/b&gt;" in html
    assert "<b>a</b>" not in html
    recoded = panel.with_industries(sp.Concordance.from_mapping({"15": "A"}), unmatched="drop")
    assert "&lt;i&gt;" in recoded._repr_html_()
    assert "<i>" not in recoded._repr_html_()


def test_html_shows_only_the_first_rows():
    many = pd.concat([base(year=[2000 + k, 2001 + k, 2000 + k, 2001 + k]) for k in (0, 2, 4)])
    assert sp.read_firms(many)._repr_html_().count("<tr") == 6


# Files -------------------------------------------------------------------------------------------


def _write_gz(frame: pd.DataFrame, path) -> None:
    path.write_bytes(gzip.compress(frame.to_csv(index=False).encode()))


WRITERS = {
    "firms.csv": lambda frame, path: frame.to_csv(path, index=False),
    "FIRMS.CSV": lambda frame, path: frame.to_csv(path, index=False),
    "firms.2004.csv": lambda frame, path: frame.to_csv(path, index=False),
    "firms.csv.gz": _write_gz,
    "firms.CSV.GZ": _write_gz,
    "firms.tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    "firms.parquet": lambda frame, path: frame.to_parquet(path),
    "firms.dta": lambda frame, path: frame.to_stata(path, write_index=False),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("as_text", [True, False])
def test_every_file_type_gives_the_same_panel(tmp_path, name, as_text):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    path = tmp_path / name
    WRITERS[name](base(), path)
    panel = sp.read_firms(str(path) if as_text else path)
    for column, expected in ROWS.items():
        assert values(panel, column) == expected
    assert panel.report == sp.read_firms(base()).report


@pytest.mark.parametrize("name", ["firms.csv", "firms.csv.gz", "firms.tsv"])
def test_text_files_keep_leading_zeros_under_the_users_names(tmp_path, name):
    frame = base(firm=["007", "007", "08", "9"], region=["01", "02", "03", "04"])
    WRITERS[name](frame.rename(columns={"firm": "id", "industry": "nace"}), tmp_path / name)
    panel = sp.read_firms(tmp_path / name, columns={"firm": "id", "industry": "nace"})
    assert values(panel, "firm") == ["007", "007", "08", "9"]
    assert values(panel, "industry") == ROWS["industry"]
    assert values(panel, "region") == ["01", "02", "03", "04"]


@pytest.mark.parametrize("name", WRITERS)
def test_missing_values_of_files_are_counted(tmp_path, name):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    frame = base(output=[np.nan, 12.5, 5.0, 7.0], industry=["01", "01", "", "15"])
    WRITERS[name](frame, tmp_path / name)
    with pytest.warns(sp.SpilloverWarning, match="output is missing in 1 of 3 rows"):
        panel = sp.read_firms(tmp_path / name, missing_keys="drop")
    assert panel.report.dropped == {"no industry": 1}
    assert panel.report.missing == {"output": 1}


def test_parquet_with_an_index_of_its_own(tmp_path):
    pytest.importorskip("pyarrow")
    base().set_axis([5, 6, 7, 8], axis=0).to_parquet(tmp_path / "firms.parquet")
    assert values(sp.read_firms(tmp_path / "firms.parquet"), "output") == ROWS["output"]


def test_stata_value_labels_do_not_replace_codes(tmp_path):
    labelled = base(industry=pd.Categorical(["Food", "Food", "Steel", "Steel"]))
    labelled.to_stata(tmp_path / "firms.dta", write_index=False)
    assert values(sp.read_firms(tmp_path / "firms.dta"), "industry") == ["0", "0", "1", "1"]


def test_duckdb_relation():
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    table = pytest.importorskip("pyarrow").table(ROWS)
    connection = duckdb.connect()
    panel = sp.read_firms(connection.from_arrow(table))
    assert panel.report == sp.read_firms(base()).report


# Recoding the industries -------------------------------------------------------------------------

CODES = sp.Concordance.from_mapping({"01": "A", "15": "C"}, source_name="nace", target_name="io")


@libraries
def test_with_industries_recodes_and_keeps_the_old_code(to):
    panel = sp.read_firms(to(base())).with_industries(CODES)
    assert values(panel, "industry") == ["A", "A", "C", "C"]
    assert values(panel, "industry_source") == ROWS["industry"]
    assert values(panel, "size") == ROWS["size"]
    assert panel.report == sp.read_firms(base()).report


@libraries
def test_with_industries_drops_and_counts_what_has_no_target(to):
    firms = sp.read_firms(to(base(industry=["01", "99", "15", "98"])), missing_keys="drop")
    panel = firms.with_industries(CODES, unmatched="drop")
    assert values(panel, "size") == [1, 3]
    assert list(panel.report.dropped.values()) == [2]
    assert "no io sector for codes '98', '99'" in str(panel.report)
    assert firms.report.rows == 4


def test_with_industries_keeps_what_was_dropped_before_and_counts_notes_anew():
    source = base(
        firm=["a", None, "b", "c"], industry=["01", "01", "99", "15"], output=[1, 2, np.nan, 3]
    )
    with pytest.warns(sp.SpilloverWarning, match="1 of 3 rows"):
        firms = sp.read_firms(source, missing_keys="drop")
    panel = firms.with_industries(CODES, unmatched="drop")
    assert panel.report.dropped == {"no firm": 1, "no io sector for codes '99'": 1}
    assert panel.report.notes == ()
    assert panel.report.missing == {}
    assert panel.report.rows == 2


def test_with_industries_uses_the_longest_prefix():
    codes = sp.Concordance.from_mapping({"31": "c3", "3118": "c4", "38": "c14"}, match="prefix")
    firms = sp.read_firms(base(industry=["3111", "3118", "3825", "3100"]))
    assert values(firms.with_industries(codes), "industry") == ["c3", "c4", "c14", "c3"]


def test_with_industries_takes_numeric_codes_and_blanks():
    codes = sp.Concordance.from_mapping({"15": "A", "17": "B"})
    numeric = sp.read_firms(base(industry=[15.0, 15, 17, 17])).with_industries(codes)
    padded = sp.read_firms(base(industry=["15 ", " 15", "17", "17"])).with_industries(codes)
    assert values(numeric, "industry") == values(padded, "industry") == ["A", "A", "B", "B"]


def test_join_linkages_is_attach():
    io = sp.IOTable.from_arrays(["A", "C"], total=[[1, 3], [2, 4]], output=[10, 12], unit="EUR")
    firms = sp.read_firms(base(exports=0.0)).with_industries(CODES)
    links = sp.linkages(firms, io)
    plain, suffixed = firms.join_linkages(links), firms.join_linkages(links, suffix="_io")
    # 2000: A is domestic, C is firm b alone with share 0.6; A sells nothing but to C.
    assert plain["backward"].tolist()[0] == pytest.approx(3 / 4 * 0.6, rel=1e-14)
    assert suffixed["backward_io"].tolist() == plain["backward"].tolist()


def test_a_valid_panel_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sp.read_firms(base()).with_industries(CODES)

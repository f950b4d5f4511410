"""sp.attach: every row kept, in order; what is unmatched is listed; frames remember definitions."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import spillover as sp
from spillover.linkage.carried import KEY, CarriedLinkages, carried_definitions

from .panels import fixed_panel, fixed_table, frame_of, io_of, quiet

NAMES = ["horizontal", "backward", "forward"]
LEAVE_ONE_OUT = sp.LinkageDefinition(leave_one_out=True)
OWN_SECTOR = sp.LinkageDefinition(own_sector="include")


@pytest.fixture(scope="module")
def io() -> sp.IOTable:
    return io_of(fixed_table(sectors=("A", "B", "C", "D")))


@pytest.fixture
def frame() -> pd.DataFrame:
    return frame_of(fixed_panel(missing=0.0, firms=12, years=2))


@pytest.fixture(scope="module")
def links(io) -> sp.Linkages:
    return sp.linkages(frame_of(fixed_panel(missing=0.0, firms=12, years=2)), io)


# Rows and index


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex,
        lambda n: pd.Index(range(n, 0, -1), name="row"),
        lambda n: pd.Index(["same"] * n),
        lambda n: pd.MultiIndex.from_product([["x"], range(n)], names=["a", "b"]),
        lambda n: pd.Index([f"f{i}" for i in range(n)], name="industry"),
        lambda n: pd.Index(range(n), name="year"),
    ],
    ids=["range", "named", "repeated", "multi", "called industry", "called year"],
)
@pytest.mark.parametrize("leave_one_out", [False, True])
def test_rows_order_and_index_are_kept(frame, io, index, leave_one_out):
    links = sp.linkages(frame, io, sp.LinkageDefinition(leave_one_out=leave_one_out))
    shuffled = frame.sample(frac=1, random_state=1)
    shuffled.index = index(len(shuffled))
    with quiet():
        joined = sp.attach(shuffled, links)
    pd.testing.assert_index_equal(joined.index, shuffled.index)
    pd.testing.assert_frame_equal(joined[shuffled.columns], shuffled)
    assert list(joined.columns) == [*shuffled.columns, *NAMES]


def test_each_row_gets_the_value_of_its_industry_and_year(frame, links):
    joined = sp.attach(frame, links)
    cells = links.data.set_index(["industry", "year"])
    for row in joined.itertuples():
        for name in NAMES:
            assert getattr(row, name) == cells.loc[(row.industry, row.year), name]


def test_rows_may_repeat_a_firm_and_year(frame, links):
    twice = pd.concat([frame, frame])
    joined = sp.attach(twice, links)
    assert len(joined) == 2 * len(frame)
    np.testing.assert_array_equal(
        joined[NAMES].iloc[: len(frame)], joined[NAMES].iloc[len(frame) :]
    )


def test_any_subset_of_rows_and_no_rows(frame, links):
    whole = sp.attach(frame, links)
    pd.testing.assert_frame_equal(sp.attach(frame.iloc[::3], links), whole.iloc[::3])
    empty = sp.attach(frame.iloc[:0], links)
    assert empty.shape == (0, whole.shape[1])
    assert list(empty.columns) == list(whole.columns)


@pytest.mark.parametrize(
    "types",
    [{"industry": "category"}, {"industry": object}, {"year": "int16"}, {"year": float}],
    ids=str,
)
def test_the_firms_own_columns_come_back_as_they_were(frame, links, types):
    typed = frame.astype(types)
    pd.testing.assert_frame_equal(sp.attach(typed, links)[typed.columns], typed)


def test_whole_number_codes_come_back_as_numbers(frame):
    codes = {"A": 15, "B": 17, "C": 24, "D": 101}
    numbered = frame.assign(industry=frame["industry"].map(codes).astype("int64"))
    table = fixed_table(sectors=("15", "17", "24", "101"))
    joined = sp.attach(numbered, sp.linkages(numbered, io_of(table)))
    pd.testing.assert_frame_equal(joined[numbered.columns], numbered)
    assert joined[NAMES].notna().all(axis=None)


@pytest.mark.parametrize("leave_one_out", [False, True])
def test_the_input_is_not_changed(frame, io, leave_one_out):
    links = sp.linkages(frame, io, sp.LinkageDefinition(leave_one_out=leave_one_out))
    frame.attrs["mine"] = ["untouched"]
    before, data = copy.deepcopy(frame), links.data.copy()
    with quiet():
        joined = sp.attach(frame, links)
    joined["output"] = 0.0
    joined.attrs["more"] = 1
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == {"mine": ["untouched"]}
    pd.testing.assert_frame_equal(links.data, data)


@pytest.mark.parametrize("convert", [pl.from_pandas, pa.Table.from_pandas, sp.read_firms])
def test_frames_of_other_libraries_are_not_changed(frame, links, convert):
    given = convert(frame)
    native = given.data if isinstance(given, sp.FirmPanel) else given
    before = copy.deepcopy(native)
    sp.attach(given, links)
    assert native.equals(before)


# Libraries


def test_polars_in_polars_out(frame, links):
    joined = sp.attach(pl.from_pandas(frame), links)
    assert isinstance(joined, pl.DataFrame)
    wanted = sp.attach(frame, links)
    np.testing.assert_array_equal(joined.select(NAMES).to_numpy(), wanted[NAMES].to_numpy())
    assert joined["firm"].to_list() == frame["firm"].tolist()
    assert joined.columns == list(wanted.columns)


def test_arrow_in_arrow_out(frame, links):
    joined = sp.attach(pa.Table.from_pandas(frame, preserve_index=False), links)
    assert isinstance(joined, pa.Table)
    assert joined.column_names == [*frame.columns, *NAMES]
    wanted = sp.attach(frame, links)
    for name in ["firm", *NAMES]:
        assert joined[name].to_pylist() == wanted[name].tolist()


def test_a_panel_gives_a_frame_of_its_own_library(frame, links):
    assert isinstance(sp.attach(sp.read_firms(frame), links), pd.DataFrame)
    assert isinstance(sp.attach(sp.read_firms(pl.from_pandas(frame)), links), pl.DataFrame)
    assert isinstance(sp.read_firms(pl.from_pandas(frame)).join_linkages(links), pl.DataFrame)


def test_missing_is_null_outside_pandas(frame, links):
    foreign = frame.assign(industry="elsewhere").head(2)
    with quiet():
        assert sp.attach(pl.from_pandas(foreign), links)["backward"].null_count() == 2
        arrow = sp.attach(pa.Table.from_pandas(foreign), links)
    assert arrow["backward"].null_count == 2


# Unmatched firm-years


def test_unmatched_industry_years_are_listed_with_counts(frame, links):
    changed = frame.copy()
    changed.loc[changed.index[:3], ["industry", "year"]] = ["X9", 2000]
    changed.loc[changed.index[3], ["industry", "year"]] = ["A", 1990]
    with pytest.warns(sp.SpilloverWarning) as caught:
        joined = sp.attach(changed, links)
    assert len(caught) == 1
    text = str(caught[0].message)
    assert text.startswith("4 of 24 firm-years lack a linkage measure")
    assert "(horizontal in 4, backward in 4, forward in 4)" in text
    assert "'A 1990' (1 row), 'X9 2000' (3 rows)" in text
    assert caught[0].filename == __file__, "the warning points at the caller"
    assert joined[NAMES].isna().all(axis=1).tolist() == [True] * 4 + [False] * 20
    assert len(joined) == len(frame)


def test_unmatched_can_be_an_error(frame, links):
    changed = frame.assign(year=frame["year"] + 1)
    with pytest.raises(sp.SchemaError, match=r"12 of 24 firm-years .* 2002' .*unmatched='warn'"):
        sp.attach(changed, links, unmatched="raise")
    sp.attach(frame, links, unmatched="raise")
    with pytest.raises(sp.SchemaError, match="unmatched='drop' is not an option"):
        sp.attach(frame, links, unmatched="drop")


def test_long_lists_are_cut(frame, links):
    changed = frame.assign(industry=[f"X{i:02d}" for i in range(len(frame))])
    with pytest.warns(sp.SpilloverWarning, match="and 16 more"):
        sp.attach(changed, links)


def test_firms_without_industry_stay_without_measures(frame, links):
    changed = frame.copy()
    changed.loc[changed.index[0], "industry"] = None
    with pytest.warns(sp.SpilloverWarning, match="1 of 24 firm-years"):
        joined = sp.attach(changed, links)
    assert joined[NAMES].isna().all(axis=1).sum() == 1


def test_only_the_measures_asked_for_can_be_missing(frame, io):
    """A sector without firms has no Horizontal, but it has a Backward."""
    rest = frame[frame["industry"] != "D"]
    with quiet():
        links = sp.linkages(rest, io)
    sp.attach(frame, links, measures=["backward", "forward"], unmatched="raise")
    with pytest.raises(sp.SchemaError, match="lack a linkage measure"):
        sp.attach(frame, links, measures=["horizontal"], unmatched="raise")


# Names


def test_suffix_holds_definitions_side_by_side(frame, io, links):
    own = sp.linkages(frame, io, OWN_SECTOR)
    joined = sp.attach(sp.attach(frame, links, suffix="_base"), own, suffix="_own")
    assert list(joined.columns[-6:]) == [f"{n}_{s}" for s in ("base", "own") for n in NAMES]
    pd.testing.assert_series_equal(
        joined["backward_own"], sp.attach(frame, own)["backward"], check_names=False
    )
    pd.testing.assert_series_equal(
        joined["backward_base"], sp.attach(frame, links)["backward"], check_names=False
    )


def test_leave_one_out_takes_a_suffix(frame, io):
    links = sp.linkages(frame, io, LEAVE_ONE_OUT)
    with quiet():
        plain, named = sp.attach(frame, links), sp.attach(frame, links, suffix="_loo")
    pd.testing.assert_series_equal(named["horizontal_loo"], plain["horizontal"], check_names=False)
    assert list(named.columns) == [*frame.columns, *(f"{name}_loo" for name in NAMES)]


def test_a_clash_of_names_is_an_error(frame, links):
    joined = sp.attach(frame, links)
    with pytest.raises(sp.SchemaError, match=r"already have 'horizontal', 'backward', 'forward'"):
        sp.attach(joined, links)
    twice = sp.attach(joined, links, suffix="_2")
    assert list(twice.columns) == [*joined.columns, *(f"{name}_2" for name in NAMES)]
    pd.testing.assert_frame_equal(twice[joined.columns], joined)


@pytest.mark.parametrize("name", ["_total", "_firms", "_foreign", "_row_position"])
@pytest.mark.parametrize("convert", [lambda f: f, pl.from_pandas], ids=["pandas", "Polars"])
def test_any_other_name_is_the_users(frame, io, name, convert):
    """Helper columns must not meet the user's own: wrong numbers, or the user's column lost."""
    links = sp.linkages(frame, io, LEAVE_ONE_OUT)
    mine = frame.assign(**{name: 7.0})
    with quiet():
        wanted = sp.attach(convert(frame), links)
        joined = sp.attach(convert(mine), links)
    assert list(joined.columns) == [*mine.columns, *NAMES]
    assert joined[name].to_list() == [7.0] * len(frame)
    np.testing.assert_array_equal(joined[NAMES].to_numpy(), wanted[NAMES].to_numpy())


def test_measures_can_be_chosen(frame, links):
    joined = sp.attach(frame, links, measures=["backward", "backward_weight"])
    assert list(joined.columns) == [*frame.columns, "backward", "backward_weight"]
    with pytest.raises(sp.SchemaError, match=r"'backwards' is no .* Did you mean 'backward'\?"):
        sp.attach(frame, links, measures=["backwards"])
    with pytest.raises(sp.SchemaError, match="'firms' is no linkage measure"):
        sp.attach(frame, links, measures=["firms"])


@pytest.mark.parametrize("measures", [[], ["backward", "backward"], "backward"], ids=str)
def test_measures_that_make_no_list_of_names(frame, links, measures):
    with pytest.raises(sp.SchemaError, match="measure"):
        sp.attach(frame, links, measures=measures)


# Arguments


@pytest.mark.parametrize("key", ["industry", "year"])
def test_absent_keys(frame, links, key):
    changed = frame.rename(columns={key: key + "s"})
    with pytest.raises(sp.SchemaError, match=f"no column '{key}'.*Did you mean '{key}s'"):
        sp.attach(changed, links)


def test_something_else_instead_of_links_or_frame(frame, links):
    with pytest.raises(sp.SchemaError, match=r"links is a DataFrame; .*sp\.linkages"):
        sp.attach(frame, links.data)
    with pytest.raises(sp.SchemaError, match="firms is a dict"):
        sp.attach({"industry": ["A"]}, links)


def test_years_as_text(frame, links):
    with pytest.raises(sp.SchemaError, match=r"year.* holds .*numbers"):
        sp.attach(frame.assign(year=frame["year"].astype(str)), links)


def test_broken_years_match_no_year(frame, links):
    """2000.7 must not become 2000 in silence."""
    with pytest.raises(sp.SchemaError, match="year"):
        sp.attach(frame.assign(year=frame["year"] + 0.7), links)


def test_broken_codes_match_no_industry():
    frame = pd.DataFrame(
        {"firm": [1, 2], "year": 2000, "industry": [15, 17], "output": 1.0, "exports": 0.0}
    ).assign(foreign_share=[0.0, 1.0])
    links = sp.linkages(frame, io_of(fixed_table(sectors=("15", "17"))))
    with pytest.raises(sp.SchemaError, match="industry"):
        sp.attach(frame.assign(industry=[15.6, 17.0]), links)


@pytest.mark.parametrize("column", ["year", "industry"])
def test_missing_number_keys_match_nothing(column):
    frame = pd.DataFrame(
        {"firm": [1, 2], "year": 2000, "industry": [15, 17], "output": 1.0, "exports": 0.0}
    ).assign(foreign_share=[0.0, 1.0])
    links = sp.linkages(frame, io_of(fixed_table(sectors=("15", "17"))))
    broken = frame.assign(**{column: [np.nan, frame[column].iloc[1]]})
    with pytest.warns(sp.SpilloverWarning, match="1 of 2 firm-years"):
        joined = sp.attach(broken, links)
    assert joined["backward"].isna().tolist() == [True, False]
    pd.testing.assert_frame_equal(joined[broken.columns], broken)


# Leaving the firm out


def test_leave_one_out_needs_the_weight_and_the_share(frame, io):
    links = sp.linkages(frame, io, LEAVE_ONE_OUT)
    with pytest.raises(sp.SchemaError, match=r"needs .*column 'output'"):
        sp.attach(frame.drop(columns="output"), links)
    with pytest.raises(sp.SchemaError, match="foreign_share"):
        sp.attach(frame.drop(columns="foreign_share"), links)
    with quiet():
        sp.attach(frame.drop(columns="exports"), links)
    sp.attach(frame[["industry", "year"]], links, measures=["backward"], unmatched="raise")


def test_leave_one_out_with_percent_shares_is_refused(frame, io):
    """The panel was read in percent, the raw frame is attached: minus 30 is no share."""
    percent = frame.assign(foreign_share=frame["foreign_share"] * 100)
    panel = sp.read_firms(percent, foreign_share_unit="percent")
    links = sp.linkages(panel, io, LEAVE_ONE_OUT)
    with quiet():
        joined = sp.attach(panel, links)
    assert joined["horizontal"].dropna().between(-1e-12, 1 + 1e-12).all()
    with pytest.raises(sp.SchemaError, match="foreign_share"):
        sp.attach(percent, links)


@pytest.mark.parametrize(
    "definition",
    [
        LEAVE_ONE_OUT,
        sp.LinkageDefinition(leave_one_out=True, threshold=0.5),
        sp.LinkageDefinition(leave_one_out=True, weight="none"),
    ],
    ids=sp.LinkageDefinition.describe,
)
@pytest.mark.parametrize("column", ["foreign_share", "output"])
def test_nan_and_null_are_the_same_missing_value(frame, io, definition, column):
    frame.loc[frame.index[:4], column] = np.nan
    with quiet():
        links = sp.linkages(frame, io, definition)
        wanted = sp.attach(frame, links)["horizontal"].to_numpy()
        null = sp.attach(pl.from_pandas(frame), links)["horizontal"].to_numpy()
        nan = sp.attach(pl.from_pandas(frame, nan_to_null=False), links)["horizontal"].to_numpy()
    np.testing.assert_array_equal(null, wanted)
    np.testing.assert_array_equal(nan, wanted)


def test_a_yes_no_foreign_share(frame, io):
    foreign = frame.assign(foreign_share=frame["foreign_share"] >= 0.5)
    definition = sp.LinkageDefinition(threshold=0.5, leave_one_out=True)
    with quiet():
        yes_no, share = (
            sp.attach(f, sp.linkages(f, io, definition))["horizontal"] for f in (foreign, frame)
        )
    np.testing.assert_allclose(yes_no, share, rtol=1e-12)


# What a frame remembers


def test_a_pandas_frame_remembers_how_its_columns_were_made(frame, links):
    joined = sp.attach(frame, links)
    assert carried_definitions(joined) == dict.fromkeys(NAMES, "Javorcik (2004)")
    tag = joined.attrs[KEY]["backward"]
    assert isinstance(tag, CarriedLinkages)
    assert tag.linkages is links
    assert carried_definitions(frame) == {}
    assert carried_definitions(sp.attach(pl.from_pandas(frame), links)) == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.copy(),
        lambda f: f.copy(deep=False),
        lambda f: f.assign(log_output=np.log(f["output"])),
        lambda f: f[f["year"] == 2001],
        lambda f: f.sort_values("firm", ascending=False).reset_index(drop=True),
        lambda f: f.drop(columns="exports"),
        copy.copy,
        copy.deepcopy,
    ],
    ids=["copy", "shallow copy", "assign", "filter", "sort", "drop", "copy.copy", "deepcopy"],
)
def test_memory_survives(frame, links, change):
    after = change(sp.attach(frame, links))
    assert carried_definitions(after) == dict.fromkeys(NAMES, "Javorcik (2004)")
    assert after.attrs[KEY]["forward"].linkages is links


def test_memory_survives_a_new_column(frame, links):
    joined = sp.attach(frame, links)
    joined["tfp"] = 1.0
    assert set(carried_definitions(joined)) == set(NAMES)


def test_a_column_that_was_changed_is_forgotten(frame, links):
    joined = sp.attach(frame, links)
    joined["backward"] *= 100
    assert set(carried_definitions(joined)) == {"horizontal", "forward"}
    assert set(carried_definitions(joined.drop(columns="forward"))) == {"horizontal"}


def test_memory_holds_several_definitions(frame, io, links):
    own = sp.linkages(frame, io, OWN_SECTOR)
    joined = sp.attach(sp.attach(frame, links, suffix="_base"), own, suffix="_own")
    assert carried_definitions(joined) == {
        **{f"{name}_base": "Javorcik (2004)" for name in NAMES},
        **{f"{name}_own": "Javorcik (2004), but own sector include" for name in NAMES},
    }


def test_the_users_own_attrs_stay(frame, links):
    frame.attrs["source"] = "survey"
    assert sp.attach(frame, links).attrs["source"] == "survey"


def test_memory_is_text_for_files(frame, links, tmp_path):
    joined = sp.attach(frame, links)
    assert json.loads(json.dumps(joined.attrs)) == {KEY: dict.fromkeys(NAMES, "Javorcik (2004)")}
    path = tmp_path / "panel.parquet"
    joined.to_parquet(path)
    back = pd.read_parquet(path)
    assert back.attrs[KEY] == dict.fromkeys(NAMES, "Javorcik (2004)")
    pd.testing.assert_frame_equal(back, joined)


def test_frames_with_memory_can_be_sent_to_another_process(frame, links):
    """joblib and multiprocessing send frames this way."""
    joined = sp.attach(frame, links)
    back = pickle.loads(pickle.dumps(joined))
    pd.testing.assert_frame_equal(back, joined)
    assert carried_definitions(back) == dict.fromkeys(NAMES, "Javorcik (2004)")

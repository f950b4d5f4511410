"""The sample: every row of the data is used or counted as left out, with its reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import SchemaError, SpilloverWarning
from spillover.panel.design import compress, encode


def iid(formula, frame, **options):
    return sp.fit(formula, frame, inference="iid", **options)


def accounted(fit, frame):
    """Used and left-out rows add up, and the mask says which are used."""
    assert fit.nobs + sum(fit.dropped.values()) == len(frame)
    assert all(count > 0 for count in fit.dropped.values())
    assert fit.used.shape == (len(frame),)
    assert fit.used.sum() == fit.nobs == len(fit.residuals)
    return fit


@pytest.fixture
def holes(panel):
    """Ten rows with something missing, one of them in three columns."""
    frame = panel.reset_index(drop=True).astype({"industry": object, "region": object})
    frame.loc[[0, 1, 2], "y"] = np.nan
    frame.loc[[2, 3], "x"] = np.nan
    frame.loc[[4], "z"] = np.nan
    frame.loc[[5, 6], "industry"] = None
    frame.loc[[2, 7], "w"] = np.nan
    frame.loc[[8], "region"] = None
    return frame.astype({"firm": "Int64"})


# --- rows left out -------------------------------------------------------------------------------


def test_missing_rows_are_counted_by_the_first_column_that_lacks_them(holes):
    fit = iid("y ~ x + z | firm + industry", holes, weights="w", singletons="keep")
    accounted(fit, holes)
    assert fit.dropped == {
        "y missing": 3,
        "x missing": 1,
        "z missing": 1,
        "weights w missing": 1,
        "industry missing": 2,
    }
    assert not fit.used[:8].any()
    assert fit.used[8:].all()


def test_missing_cluster_and_missing_part_of_an_interaction(holes):
    with pytest.warns(SpilloverWarning, match="clusters of region"):
        fit = sp.fit("y ~ x | firm + industry^year", holes, cluster="region", singletons="keep")
    accounted(fit, holes)
    assert fit.dropped["industry^year missing"] == 2
    assert fit.dropped["region missing"] == 1


def test_complete_data_leave_nothing_out(panel):
    fit = accounted(iid("y ~ x | year", panel), panel)
    assert fit.dropped == {}
    assert fit.used.all()


def test_left_out_rows_do_not_matter(holes):
    """The fit is the one on the rows that stay."""
    fit = iid("y ~ x + z | firm + industry", holes, weights="w")
    again = iid("y ~ x + z | firm + industry", holes[fit.used], weights="w")
    assert again.dropped == {}
    np.testing.assert_allclose(again.params, fit.params, rtol=1e-13)
    np.testing.assert_allclose(again.vcov, fit.vcov, rtol=1e-13)


def test_infinite_values_warn_once_and_are_counted_apart(holes):
    frame = holes.assign(k=np.where(np.arange(len(holes)) % 50 == 9, 0.0, 2.0 + holes["x"] ** 2))
    frame.loc[20, "y"] = -np.inf
    zeros = int((frame["k"] == 0).sum())
    assert zeros > 1
    with pytest.warns(SpilloverWarning, match="Infinite") as caught:
        fit = iid("y ~ log(k) | firm", frame, singletons="keep")
    accounted(fit, frame)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "y (1 rows)" in str(caught[0].message)
    assert f"log(k) ({zeros} rows)" in str(caught[0].message)
    assert fit.dropped == {
        "y missing": 3,
        "y infinite": 1,
        "log(k) missing": 1,
        "log(k) infinite": zeros,
    }


def test_logarithm_of_a_negative_number_is_missing(panel):
    fit = accounted(iid("y ~ log(x) | firm", panel, singletons="keep"), panel)
    assert fit.dropped == {"log(x) missing": int((panel["x"] < 0).sum())}


# --- singletons ----------------------------------------------------------------------------------


def chain():
    """Row a is alone in its firm; without it b is alone in its year; then c alone in its firm..."""
    rng = np.random.default_rng(1)
    core = pd.DataFrame({"firm": np.repeat(range(6), 4), "year": np.tile(range(4), 6)})
    links = pd.DataFrame({"firm": [100, 101, 101, 102, 102], "year": [50, 50, 51, 51, 52]})
    frame = pd.concat([core, links], ignore_index=True)
    return frame.assign(x=rng.normal(size=len(frame)), y=rng.normal(size=len(frame)))


def test_singletons_are_dropped_until_none_is_left():
    frame = chain()
    fit = accounted(iid("y ~ x | firm + year", frame), frame)
    assert fit.dropped == {"alone in an absorbed effect": 5}
    assert fit.used[:24].all()
    assert fit.levels == {"firm": 6, "year": 4}


def test_singletons_may_be_kept():
    frame = chain()
    fit = accounted(iid("y ~ x | firm + year", frame, singletons="keep"), frame)
    assert fit.dropped == {}
    assert fit.levels == {"firm": 9, "year": 7}
    without = iid("y ~ x | firm + year", frame)
    np.testing.assert_allclose(fit.params, without.params, rtol=1e-12)
    assert fit.df_resid == without.df_resid


def test_singletons_are_those_of_the_sample(panel):
    """A firm seen twice, once without the outcome, is alone."""
    frame = panel.reset_index(drop=True)
    rows = frame.index[frame["firm"] == frame["firm"].iloc[0]]
    frame.loc[rows[1:], "y"] = np.nan
    fit = accounted(iid("y ~ x | firm", frame), frame)
    assert fit.dropped == {"y missing": len(rows) - 1, "alone in an absorbed effect": 1}


def test_without_effects_there_are_no_singletons(panel):
    assert iid("y ~ x", panel).nobs == len(panel)


def test_nothing_left_says_why():
    frame = chain().assign(firm=range(29))
    with pytest.raises(SchemaError, match=r"No observation is left.*29 alone"):
        iid("y ~ x | firm", frame)
    with pytest.raises(SchemaError, match="29 y missing"):
        iid("y ~ x | year", frame.assign(y=np.nan))
    with pytest.raises(SchemaError, match="No observation is left"):
        iid("y ~ x + C(year) | firm", frame.iloc[:0])


# --- sample= -------------------------------------------------------------------------------------


def test_domestic_and_foreign_share_out_the_firms_that_report(panel):
    frame = panel.reset_index(drop=True)
    frame.loc[[3, 4], "foreign_share"] = np.nan
    frame.loc[5, "foreign_share"] = 0.10
    options = {"singletons": "keep"}
    home = accounted(iid("y ~ x | year", frame, sample="domestic", **options), frame)
    away = accounted(iid("y ~ x | year", frame, sample="foreign", **options), frame)
    np.testing.assert_array_equal(home.used, frame["foreign_share"] < 0.1)
    np.testing.assert_array_equal(away.used, frame["foreign_share"] >= 0.1)
    assert home.dropped == {"other than domestic firms": away.nobs, "foreign_share missing": 2}
    assert away.dropped == {"other than foreign firms": home.nobs, "foreign_share missing": 2}
    assert home.sample == "domestic firms (foreign share < 0.1)"
    assert away.sample == "foreign firms (foreign share >= 0.1)"


CHOICES = {
    "array": lambda frame: (frame["x"] > 0).to_numpy(),
    "list": lambda frame: (frame["x"] > 0).tolist(),
    "series": lambda frame: frame["x"] > 0,
    "function": lambda frame: lambda data: data["x"] > 0,
    "function to array": lambda frame: lambda data: data["x"].to_numpy() > 0,
}


@pytest.mark.parametrize("choose", CHOICES.values(), ids=CHOICES.keys())
def test_masks_and_functions(panel, choose):
    expected = iid("y ~ z | firm", panel[panel["x"] > 0])
    fit = accounted(iid("y ~ z | firm", panel, sample=choose(panel)), panel)
    assert fit.dropped["not selected"] == int((panel["x"] <= 0).sum())
    np.testing.assert_allclose(fit.params, expected.params, rtol=1e-13)
    np.testing.assert_allclose(fit.vcov, expected.vcov, rtol=1e-13)
    np.testing.assert_array_equal(
        np.flatnonzero(fit.used)[:3], np.flatnonzero(panel["x"] > 0)[expected.used][:3]
    )
    assert fit.sample == "selected firms"


def test_a_mask_goes_by_position_not_by_index(panel):
    shuffled = panel.sample(frac=1, random_state=2)
    mask = (shuffled["x"] > 0).to_numpy()
    by_array = iid("y ~ z | firm", shuffled, sample=mask)
    by_series = iid(
        "y ~ z | firm",
        shuffled.reset_index(drop=True),
        sample=pd.Series(mask, index=range(1000, 1000 + len(mask))),
    )
    np.testing.assert_allclose(by_array.params, by_series.params, rtol=1e-13)


def test_a_function_sees_every_column(panel):
    frame = panel.assign(unused=np.arange(len(panel)))
    fit = iid("y ~ z | year", frame, sample=lambda data: data["unused"] >= 10)
    assert fit.dropped == {"not selected": 10}


def test_everything_selected(panel):
    fit = iid("y ~ x | year", panel, sample=np.ones(len(panel), dtype=bool))
    assert fit.dropped == {}
    assert iid("y ~ x | year", panel).sample == "all firms"


@pytest.mark.parametrize(
    ("sample", "match"),
    [
        (lambda frame: frame["size"], "one True or False per row.*int"),
        (lambda frame: [True, False], r"shape \(243,\), got bool of shape \(2,\)"),
        (lambda frame: lambda data: data["x"], "got float64"),
        (lambda frame: "home", "sample='home' is not an option.*'domestic'"),
        (lambda frame: 3, "one True or False per row"),
    ],
)
def test_sample_errors(panel, sample, match):
    with pytest.raises(SchemaError, match=match):
        iid("y ~ x | firm", panel, sample=sample(panel))


def test_an_unknown_sample_is_named_before_a_missing_column(panel):
    with pytest.raises(SchemaError, match="sample='domestik' is not an option"):
        iid("y ~ x | firm", panel.drop(columns="foreign_share"), sample="domestik")


def test_sample_by_share_needs_the_column(panel):
    with pytest.raises(SchemaError, match=r"no column 'foreign_share' \(needed by sample='dom"):
        iid("y ~ x | firm", panel.drop(columns="foreign_share"), sample="domestic")


# --- weights -------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_weights_must_be_positive(panel, bad):
    frame = panel.assign(w=np.where(np.arange(len(panel)) < 4, bad, 1.0))
    with pytest.raises(SchemaError, match="weights 'w': 4 values are not positive"):
        iid("y ~ x | firm", frame, weights="w")


def test_weights_outside_the_sample_may_be_anything(panel):
    frame = panel.assign(w=np.where(panel["x"] > 0, panel["w"], 0.0))
    fit = iid("y ~ z | firm", frame, weights="w", sample=frame["x"] > 0)
    assert fit.nobs > 0


# --- levels of categories ------------------------------------------------------------------------


def test_categories_outside_the_sample_are_no_terms(panel):
    """Neither by the sample nor by missing values, singletons or unused levels of the type."""
    frame = panel.assign(kind=pd.Categorical.from_codes(panel["size"], ["a", "b", "c", "d"]))
    fit = iid("y ~ x + kind | firm", frame)
    assert list(fit.params.index) == ["x", "kind[T.b]", "kind[T.c]"]
    selected = iid("y ~ x + kind | firm", frame, sample=panel["size"] != 1)
    assert list(selected.params.index) == ["x", "kind[T.c]"]


@pytest.mark.parametrize("gone", ["a", "c"])
def test_categories_only_in_incomplete_rows_are_no_terms(panel, gone):
    word = panel["size"].map({0: "a", 1: "b", 2: "c"})
    frame = panel.assign(word=word, y=panel["y"].where(word != gone))
    fit = iid("y ~ x + word | firm", frame)
    expected = iid("y ~ x + word | firm", frame[word != gone])
    assert list(fit.params.index) == list(expected.params.index)
    np.testing.assert_allclose(fit.params, expected.params, rtol=1e-12)


def test_auto_clusters_do_not_cost_rows_they_do_not_need(panel):
    """Clustered by firm in the end, rows without an industry stay."""
    frame = panel.reset_index(drop=True).astype({"industry": object})
    frame.loc[:30, "industry"] = None
    fit = sp.fit("y ~ x | firm", frame, singletons="keep")
    assert fit.inference.levels == ("firm",)
    assert fit.nobs == len(frame)


def test_columns_with_the_same_name(panel):
    twice = pd.concat([panel, panel[["x"]]], axis=1)
    with pytest.raises(SchemaError, match="'x'"):
        iid("y ~ x | firm", twice)


# --- codes ---------------------------------------------------------------------------------------


def test_encode_numbers_pairs_and_marks_missing_parts():
    frame = pd.DataFrame(
        {"a": ["u", "v", None, "u", "u", "v"], "b": [1.0, 1.0, 1.0, 2.0, np.nan, 1.0]}
    )
    codes = encode(frame, ("a", "b"))
    assert (codes == -1).tolist() == [False, False, True, False, True, False]
    assert codes[1] == codes[5]
    assert sorted(set(codes[codes >= 0])) == [0, 1, 2]


def test_encode_many_possible_pairs():
    """More pairs than could be listed; those that occur are numbered."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({name: rng.integers(0, 10**9, 500) for name in "abc"})
    frame = pd.concat([frame, frame], ignore_index=True)
    codes = encode(frame, ("a", "b", "c"))
    np.testing.assert_array_equal(codes[:500], codes[500:])
    np.testing.assert_array_equal(np.unique(codes), np.arange(500))


def test_compress_leaves_no_holes_and_keeps_groups():
    rng = np.random.default_rng(2)
    for size in (5, 50, 10**7):
        codes = rng.integers(0, size, 60)
        made = compress(codes)
        np.testing.assert_array_equal(np.unique(made), np.arange(len(np.unique(codes))))
        np.testing.assert_array_equal(made[:, None] == made, codes[:, None] == codes)
    assert len(compress(np.array([], dtype=np.intp))) == 0

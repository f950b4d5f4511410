"""Formulas: what is read, what is refused and with which words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import SchemaError
from spillover.panel.formula import (
    Model,
    effect_name,
    evaluate,
    parse_effect,
    parse_formula,
    required_columns,
)


def iid(formula, frame, **options):
    return sp.fit(formula, frame, inference="iid", **options)


# --- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("y ~ x", Model("y", "x", ())),
        (" y~x+z|firm ", Model("y", "x+z", (("firm",),))),
        ("y ~ x | firm + year", Model("y", "x", (("firm",), ("year",)))),
        ("y ~ x | firm + region ^ year", Model("y", "x", (("firm",), ("region", "year")))),
        ("y ~ x | a^b^c", Model("y", "x", (("a", "b", "c"),))),
        ("log(y) ~ log(x) + C(r) | firm", Model("log(y)", "log(x) + C(r)", (("firm",),))),
        ("y ~ {x | z} | firm", Model("y", "{x | z}", (("firm",),))),
        ("y ~\n  x +\n  z\n  | firm", Model("y", "x +\n  z", (("firm",),))),
        ("y ~ x | größe_2", Model("y", "x", (("größe_2",),))),
    ],
)
def test_parts(text, model):
    assert parse_formula(text) == model


def test_a_model_prints_as_its_formula():
    text = "y ~ x + z | firm + region^year"
    assert str(parse_formula(text)) == text
    assert parse_formula(str(parse_formula(text))) == parse_formula(text)
    assert str(parse_formula("y~x")) == "y ~ x"
    assert effect_name(parse_effect(" a ^ b ")) == "a^b"


def test_required_columns_without_transforms():
    model = parse_formula("log(y) ~ exp(b) + a:c + C(d) + I(e**2) + b | firm")
    names = required_columns(model)
    assert names[0] == "y"
    assert sorted(names) == ["a", "b", "c", "d", "e", "y"]


# --- refusing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "match"),
    [
        ("y x", "exactly one '~'"),
        ("y ~ x ~ z", "exactly one '~'"),
        ("", "exactly one '~'"),
        (None, "formula is a NoneType"),
        (["y ~ x"], "formula is a list"),
        ("~ x", "lacks a side"),
        ("y ~", "lacks a side"),
        ("y ~ | firm", "lacks a side"),
        ("y ~ x |", "names no effect after"),
        ("y ~ x | firm +", "write a column's name"),
        ("y ~ x | firm year", "'firm year' is no absorbed effect"),
        ("y ~ x | firm*year", r"'firm\*year' is no absorbed effect"),
        ("y ~ x | firm:year", "joined by \\^"),
        ("y ~ x | C(firm)", r"'C\(firm\)' is no absorbed effect"),
        ("y ~ x | 2firm", "'2firm' is no absorbed effect"),
        ("y ~ x | firm^", "'firm\\^' is no absorbed effect"),
        ("y ~ x | firm + firm", "names an absorbed effect twice"),
        ("y ~ x | firm | z", "3 parts on the right.*endogenous ~ instruments"),
        ("y ~ x +  | firm", "no valid formula"),
        ("y ~ log(x | firm", "no valid formula|exactly|cannot"),
        ("y ~ xx | firm", "no column 'xx'.*Did you mean 'x'"),
        ("yy ~ x | firm", "no column 'yy'.*Did you mean 'y'"),
        ("y ~ x | frim", "no column 'frim'.*Did you mean 'firm'"),
        ("y ~ x | firm^yeer", "no column 'yeer'.*Did you mean 'year'"),
        ("y ~ foo(x) | firm", "foo"),
        ("y ~ log(word) | firm", "cannot be evaluated"),
        ("y + z ~ x | firm", "outcome 'y \\+ z' has 2 columns"),
        ("word ~ x | firm", "outcome 'word' has 3 columns"),
    ],
)
def test_errors(panel, formula, match):
    frame = panel.assign(word=panel["size"].map({0: "a", 1: "b", 2: "c"}))
    with pytest.raises(SchemaError, match=match):
        iid(formula, frame)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"cluster": "sector"}, "no column 'sector'"),
        ({"cluster": "firm + year"}, "joined by \\^"),
        ({"cluster": []}, "cluster="),
        ({"cluster": None}, "cluster="),
        ({"cluster": 3}, "cluster="),
        ({"weights": [1.0]}, "weights= is a list; give the name of a column"),
        ({"cluster": ["firm", "firm"]}, "twice"),
        ({"inference": "robust"}, "inference='robust' is not an option"),
        ({"inference": "clustered"}, "Did you mean 'cluster'"),
        ({"singletons": "dropp"}, "Did you mean 'drop'"),
        ({"weights": "wt"}, "no column 'wt' \\(weights\\)"),
    ],
)
def test_options(panel, options, match):
    with pytest.raises(SchemaError, match=match):
        sp.fit("y ~ x | firm", panel, **options)


def test_data_must_be_a_frame():
    with pytest.raises(SchemaError, match="data is a dict; give a pandas, Polars or PyArrow"):
        sp.fit("y ~ x", {"y": [1.0], "x": [2.0]})


# --- transforms, each against the column made by hand --------------------------------------------

TRANSFORMS = {
    "log": ("log(w)", lambda f: {"log(w)": np.log(f["w"])}),
    "square": ("I(x**2)", lambda f: {"I(x ** 2)": f["x"] ** 2}),
    "braces": ("{x * z}", lambda f: {"x * z": f["x"] * f["z"]}),
    "interaction": ("x:z", lambda f: {"x:z": f["x"] * f["z"]}),
    "both": (
        "x*z",
        lambda f: {"x": f["x"], "z": f["z"], "x:z": f["x"] * f["z"]},
    ),
    "category": (
        "C(size)",
        lambda f: {f"C(size)[T.{v}]": (f["size"] == v).astype(float) for v in (1, 2)},
    ),
    "text": (
        "word",
        lambda f: {f"word[T.{v}]": (f["word"] == v).astype(float) for v in ("b", "c")},
    ),
    "slopes by category": (
        "x:C(size)",
        lambda f: {f"x:C(size)[{v}]": f["x"] * (f["size"] == v) for v in (0, 1, 2)},
    ),
    "slope and differences": (
        "x + x:C(size)",
        lambda f: {"x": f["x"]} | {f"x:C(size)[T.{v}]": f["x"] * (f["size"] == v) for v in (1, 2)},
    ),
    "parentheses": ("(x + z)", lambda f: {"x": f["x"], "z": f["z"]}),
    "true and false": ("flag", lambda f: {"flag": f["flag"].astype(float)}),
    "repeated": ("x + x", lambda f: {"x": f["x"]}),
    "odd name": ("`a name+`", lambda f: {"a name+": f["a name+"]}),
}


@pytest.fixture(scope="module")
def frame(panel):
    return panel.assign(
        word=panel["size"].map({0: "a", 1: "b", 2: "c"}),
        flag=panel["x"] > 0.3,
        **{"a name+": panel["x"] - panel["w"]},
    )


@pytest.mark.parametrize("effects", [["firm", "year"], ["firm", "industry^year"]])
@pytest.mark.parametrize(("text", "columns"), TRANSFORMS.values(), ids=TRANSFORMS.keys())
def test_transforms(frame, oracle, text, columns, effects):
    """With absorbed effects a category is coded against its first level."""
    fit = iid(f"y ~ {text} | {' + '.join(effects)}", frame, singletons="keep")
    by_hand = columns(frame)
    assert list(fit.params.index) == list(by_hand)
    made = pd.DataFrame({f"c{i}": column for i, column in enumerate(by_hand.values())})
    sample = pd.concat([frame, made], axis=1)
    truth = oracle(sample, "y", list(made.columns), effects)
    np.testing.assert_allclose(fit.params, truth.params, rtol=1e-9)
    np.testing.assert_allclose(fit.vcov, truth.vcov, rtol=1e-8)


def test_transformed_outcome(frame, oracle):
    fit = iid("log(w) ~ x | firm", frame, singletons="keep")
    truth = oracle(frame.assign(lw=np.log(frame["w"])), "lw", ["x"], ["firm"])
    np.testing.assert_allclose(fit.params, truth.params, rtol=1e-10)
    assert fit.outcome == "log(w)"


def test_category_with_an_intercept(frame):
    fit = iid("y ~ C(size)", frame)
    means = frame.groupby("size")["y"].mean()
    assert list(fit.params.index) == ["Intercept", "C(size)[T.1]", "C(size)[T.2]"]
    np.testing.assert_allclose(fit.params, [means[0], *(means[[1, 2]] - means[0])], rtol=1e-10)


def test_category_without_an_intercept_is_a_mean_per_level(frame):
    fit = iid("y ~ 0 + C(size)", frame)
    np.testing.assert_allclose(fit.params, frame.groupby("size")["y"].mean(), rtol=1e-10)


@pytest.mark.parametrize("formula", ["y ~ 0 + x + z", "y ~ x + z - 1", "y ~ -1 + x + z"])
def test_no_intercept(frame, formula):
    assert sorted(iid(formula, frame).params.index) == ["x", "z"]


def test_constant_written_out_is_the_constant(frame):
    assert list(iid("y ~ 1 + x", frame).params.index) == ["Intercept", "x"]
    one, two = iid("y ~ 1 + x | firm", frame), iid("y ~ x | firm", frame)
    np.testing.assert_allclose(one.params, two.params, rtol=1e-13)


def test_mean_alone(frame):
    fit = iid("y ~ 1", frame)
    assert fit.params["Intercept"] == pytest.approx(frame["y"].mean(), rel=1e-13)
    assert fit.std_errors["Intercept"] == pytest.approx(frame["y"].sem(), rel=1e-12)


def test_the_caller_s_variables_are_out_of_reach(frame):
    """A formula means the same everywhere: it sees the data's columns alone."""
    outside = frame["x"]
    assert len(outside) == len(frame)
    with pytest.raises(SchemaError, match="no column 'outside'"):
        iid("y ~ outside | firm", frame)


def test_plain_columns_take_the_short_way_with_the_same_numbers(frame):
    X, names = evaluate("x + z", frame, intercept=True)
    slow, slow_names = evaluate("x + I(z)", frame, intercept=True)
    np.testing.assert_array_equal(X, slow)
    assert names == ["Intercept", "x", "z"]
    assert slow_names == ["Intercept", "x", "I(z)"]


def test_a_shift_across_firms_does_not_happen(frame):
    """formulaic's lag shifts rows, so a firm's first year would get another firm's value."""
    fit = iid("y ~ lag(x)", frame)
    assert fit.dropped["lag(x, 1) missing"] >= frame["firm"].nunique()


@pytest.mark.parametrize("formula", ["y ~ 1 | firm", "y ~ 0 | firm", "y ~ 0"])
def test_no_regressor(frame, formula):
    with pytest.raises(SchemaError, match="regressor"):
        iid(formula, frame)


def test_numbers_kept_as_objects_are_named(frame):
    """As they come from a data base; they must not turn into a dummy per value."""
    with pytest.raises(SchemaError, match=r"'x'.*object"):
        iid("y ~ x | firm", frame.assign(x=frame["x"].astype(object)))


def test_weights_that_are_text(frame):
    with pytest.raises(SchemaError, match=r"weights 'w'.*not numbers"):
        iid("y ~ x | firm", frame.assign(w="heavy"), weights="w")


def test_foreign_share_that_is_text(frame):
    with pytest.raises(SchemaError, match="foreign_share"):
        iid("y ~ x | firm", frame.assign(foreign_share="10%"), sample="domestic")


def test_message_of_a_broken_formula_is_plain_text(frame):
    with pytest.raises(SchemaError) as caught:
        iid("y ~ x + | firm", frame)
    assert "\x1b" not in str(caught.value)
    assert "⧛" not in str(caught.value)

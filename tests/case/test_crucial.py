"""Bayesian updating against closed forms, and local content against the thesis's description."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

import spillover as sp
from spillover.case import Clue, crucial_case, failure_factor, prior_from_estimate, update_effect
from spillover.errors import SchemaError

probability = st.floats(0.01, 0.99)


def clue(name: str, p: float, q: float, group: str = "") -> Clue:
    return Clue(name, p, q, group=group)


@given(probability, st.lists(st.tuples(probability, probability), min_size=1, max_size=6))
def test_independent_clues_follow_bayes_rule(prior, pairs):
    found = crucial_case("h", prior, [clue(str(i), *pair) for i, pair in enumerate(pairs)])
    for_h = prior * np.prod([p for p, _ in pairs])
    against = (1 - prior) * np.prod([q for _, q in pairs])
    assert found.posterior == pytest.approx(for_h / (for_h + against), rel=1e-12)
    assert found.tidy()["probability"].iloc[-1] == pytest.approx(found.posterior, rel=1e-12)


@given(probability, probability, probability)
def test_clues_that_repeat_each_other_wholly_count_once(prior, p, q):
    once = crucial_case("h", prior, [clue("a", p, q)])
    five = crucial_case("h", prior, [clue(c, p, q, "office") for c in "abcde"], overlap=1)
    assert five.posterior == pytest.approx(once.posterior, rel=1e-9)


def test_overlap_leaves_the_number_of_independent_clues_of_a_correlated_sample():
    clues = [clue(c, 0.8, 0.4, "office") for c in "abcd"]
    found = crucial_case("h", 0.5, clues, overlap=0.5)
    effective = 4 / (1 + 3 * 0.5)
    assert found.posterior == pytest.approx(1 / (1 + 0.5**effective), rel=1e-12)


def test_the_failure_of_a_most_likely_case_has_its_closed_form():
    for p, q in ((0.9, 0.5), (0.7, 0.5), (0.99, 0.5)):
        case = crucial_case("h", 0.6, [clue("failed", 1 - p, 1 - q)])
        odds = 0.6 / 0.4 * failure_factor(p, q)
        assert case.posterior == pytest.approx(odds / (1 + odds), rel=1e-12)


@pytest.mark.parametrize(
    ("p", "q", "kind"),
    [
        (0.9, 0.1, "doubly decisive, for"),
        (0.95, 0.6, "hoop, for"),
        (0.4, 0.05, "smoking gun, for"),
        (0.3, 0.6, "straw in the wind, against"),
        (0.5, 0.5, "says nothing"),
    ],
)
def test_clues_are_named_as_process_tracing_names_them(p, q, kind):
    assert clue("a", p, q).kind == kind


def test_the_posterior_never_stands_alone():
    case = crucial_case("h", 0.7, [clue("a", 0.1, 0.6), clue("b", 0.3, 0.5)])
    low, high = case.range
    assert low < case.posterior < high
    assert f"{low:.2f} to {high:.2f}" in repr(case)
    grid = case.sensitivity(trust=[0], overlaps=[0])
    np.testing.assert_allclose(grid["posterior"], grid["prior"])
    influence = case.without().set_index("clue")
    expected = crucial_case("h", 0.7, [clue("b", 0.3, 0.5)]).posterior
    assert influence.loc["a", "without"] == pytest.approx(expected)
    assert influence.index[0] == "a"
    assert case.posterior < influence.loc["a", "halved"] < influence.loc["a", "without"]


@pytest.mark.parametrize("change", [0.0, 3.0, 20.0])
def test_the_update_of_an_effect_has_its_closed_form(change):
    mean, sd, noticeable, blur = 0.168, 0.3, 4.0, 1.5
    found = update_effect(mean, sd, change=change, noticeable=noticeable, blur=blur)
    scale = np.hypot(blur, change * sd)
    z = (noticeable - mean * change) / scale
    assert found.chance == pytest.approx(stats.norm.cdf(z), rel=1e-7)
    shift = change * sd**2 / scale * stats.norm.pdf(z) / stats.norm.cdf(z)
    assert found.summary().loc["posterior", "mean"] == pytest.approx(mean - shift, abs=1e-6)
    total = integrate.trapezoid(found.table["posterior"], found.table["effect"])
    assert total == pytest.approx(1, rel=1e-6)


def test_a_small_promise_moves_the_belief_little():
    small = update_effect(0.168, 0.3, change=1, noticeable=5, blur=1)
    large = update_effect(0.168, 0.3, change=40, noticeable=5, blur=1)
    assert small.summary().loc["posterior", "mean"] > 0.16
    assert large.summary().loc["posterior", "mean"] < 0.0


def test_the_prior_takes_the_spread_between_countries():
    assert prior_from_estimate(0.168, 0.0241) > 0.999999
    wide = prior_from_estimate(0.168, 0.0241, between=0.4)
    assert wide == pytest.approx(stats.norm.cdf(0.168 / np.hypot(0.0241, 0.4)))


def test_bad_judgements_are_refused():
    with pytest.raises(SchemaError, match="neither of them"):
        clue("a", 1.0, 0.5)
    with pytest.raises(SchemaError, match=r"'a'.*Count each finding once"):
        crucial_case("h", 0.5, [clue("a", 0.5, 0.4)] * 2)
    with pytest.raises(SchemaError, match="at least one"):
        crucial_case("h", 0.5, [])
    with pytest.raises(SchemaError, match="no probability"):
        crucial_case("h", 1.0, [clue("a", 0.5, 0.4)])
    with pytest.raises(SchemaError, match="overlap=2"):
        crucial_case("h", 0.5, [clue("a", 0.5, 0.4)], overlap=2)
    with pytest.raises(SchemaError, match="nor both zero"):
        prior_from_estimate(0.1, 0.0)
    with pytest.raises(SchemaError, match="must be positive"):
        update_effect(0.1, 0.0, change=1, noticeable=1, blur=1)


def test_a_car_assembled_from_imported_parts_alone_has_half_of_local_content():
    """The thesis, section 6.6: half may be reached without a single input made at home."""
    car = sp.case.local_content(
        100, {"kit": (50, "imported"), "wages": 10, "taxes": 15, "advertising": 5}
    )
    assert car.official == 0.5
    assert car.supplier == car.located == car.reach == 0
    assert car.parts["share"].sum() == pytest.approx(1)
    assert car.parts.iloc[-1]["amount"] == 20


@given(st.floats(0, 1), st.floats(0.01, 1))
def test_the_official_share_is_what_its_parts_give(supplier, inputs):
    home = inputs * supplier
    product = sp.case.local_content(
        1.0, {"bought": (home, "domestic supplier"), "kit": (inputs - home, "imported")}
    )
    assert product.official == pytest.approx(sp.case.official_share(supplier, inputs), abs=1e-12)
    assert product.supplier == pytest.approx(supplier, abs=1e-9)
    assert product.official >= 1 - inputs - 1e-12


def test_a_foreign_owned_supplier_is_local_on_paper_only():
    pipe = sp.case.local_content(
        10, {"steel": (4, "foreign-owned supplier"), "coating": (1, "imported")}
    )
    assert (pipe.official, pipe.located, pipe.supplier) == (0.9, 0.8, 0.0)


@pytest.mark.parametrize(
    ("price", "parts", "message"),
    [
        (0, {"a": 1}, "must be positive"),
        (10, {}, "parts is empty"),
        (10, {"a": (12, "imported")}, "sum to 12, more than the price 10"),
        (10, {"a": (-1, "imported")}, "'a' is negative"),
        (10, {"a": (1, "import")}, "imported"),
        (10, {"a": "dear"}, "not a number"),
        (10, {"a": float("nan")}, "finite"),
        (10, {"margin and other costs": 1}, "another name"),
    ],
)
def test_bad_parts_are_named(price, parts, message):
    with pytest.raises(SchemaError, match=message):
        sp.case.local_content(price, parts)

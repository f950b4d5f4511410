"""fsQCA against direct calculation: every Boolean function of three conditions, and bad input."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spillover as sp
from spillover.case import fsqca
from spillover.case.fsqca.boolean import members, prime_implicants, smallest_covers, to_term
from spillover.errors import IdentificationError, SchemaError, SpilloverWarning

ALL_TERMS = list(product((0, 1, None), repeat=3))


def shortest_by_force(sufficient: frozenset[int], allowed: frozenset[int]) -> set[frozenset]:
    """Try every set of terms within ``allowed``, fewest first; maximal terms only."""
    inside = [term for term in ALL_TERMS if members(term) <= allowed]
    maximal = [
        term for term in inside if not any(members(term) < members(other) for other in inside)
    ]
    for size in range(1, 9):
        found = {
            frozenset(chosen)
            for chosen in combinations(maximal, size)
            if sufficient <= frozenset().union(*map(members, chosen))
        }
        if found:
            return found
    return set()


@pytest.mark.parametrize("remainder", [0, 0b10010001, 0b01000010])
def test_minimal_covers_of_every_function_of_three_conditions(remainder):
    for function in range(1, 256):
        sufficient = frozenset(
            at for at in range(8) if function >> at & 1 and not remainder >> at & 1
        )
        if not sufficient:
            continue
        allowed = sufficient | frozenset(at for at in range(8) if remainder >> at & 1)
        primes = prime_implicants(allowed, 3)
        ours = {
            frozenset(to_term(primes[at], 3) for at in chosen)
            for chosen in smallest_covers(primes, sufficient)
        }
        assert ours == shortest_by_force(sufficient, allowed)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 2**16 - 2), st.integers(0, 2**16 - 1))
def test_a_solution_holds_where_it_must_and_nowhere_it_may_not(function, remainder):
    sufficient = frozenset(at for at in range(16) if function >> at & 1 and not remainder >> at & 1)
    absent = frozenset(at for at in range(16) if not (function | remainder) >> at & 1)
    if not sufficient:
        return
    primes = prime_implicants(frozenset(range(16)) - absent, 4)
    sizes = set()
    for chosen in smallest_covers(primes, sufficient):
        covered = frozenset().union(*(members(to_term(primes[at], 4)) for at in chosen))
        assert sufficient <= covered
        assert not covered & absent
        sizes.add(len(chosen))
    assert len(sizes) == 1


def cases(n: int = 30, conditions: int = 4, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    sets = rng.beta(0.6, 0.6, (n, conditions)).round(3)
    sets[sets == 0.5] = 0.51
    y = np.clip(np.maximum(np.minimum(sets[:, 0], 1 - sets[:, 1]), sets[:, 2]) + 0.05, 0, 1)
    names = list("ABCDEFGH")[:conditions]
    return pd.DataFrame(sets, columns=names, index=[f"case {i}" for i in range(n)]).assign(Y=y)


def test_a_known_rule_is_found():
    table = fsqca.truth_table(cases(400), "Y", list("ABCD"), consistency=0.9)
    model = fsqca.minimise(table).models[0]
    assert set(model.terms["term"]) == {"C", "A*~B"}
    assert model.consistency > 0.95


def test_renaming_and_ordering_conditions_change_nothing():
    data = cases()
    one = fsqca.minimise(
        fsqca.truth_table(data, "Y", list("ABCD"), consistency=0.9), "parsimonious"
    )
    other = fsqca.minimise(
        fsqca.truth_table(data.sample(frac=1, random_state=2), "Y", list("DBCA"), consistency=0.9),
        "parsimonious",
    )

    def terms(solution):
        return {
            frozenset(frozenset(t.split("*")) for t in model.terms["term"])
            for model in solution.models
        }

    assert terms(one) == terms(other)


def test_intermediate_lies_between_complex_and_parsimonious():
    table = fsqca.truth_table(cases(14), "Y", list("ABCD"))
    wanted = {"A": True, "B": False, "C": True, "D": True}
    coverage = [
        fsqca.minimise(table, kind, expectations=extra).models[0].coverage
        for kind, extra in (("complex", None), ("intermediate", wanted), ("parsimonious", None))
    ]
    assert coverage == sorted(coverage)


def test_an_excluded_remainder_is_not_assumed():
    table = fsqca.truth_table(cases(10), "Y", list("ABCD"))
    free = fsqca.minimise(table, "parsimonious")
    assumed = free.models[0].simplifying[0]
    combination = {word.lstrip("~"): not word.startswith("~") for word in assumed.split("*")}
    held = fsqca.minimise(table, "parsimonious", exclude=[combination])
    assert all(assumed not in model.simplifying for model in held.models)


def test_calibration_meets_its_anchors_and_turns_round():
    x = pd.Series([2.0, 4.0, 8.0, np.nan], index=list("abcd"))
    with pytest.warns(SpilloverWarning, match=r"1 cases lie on the cross-over 4.*'b'"):
        up = fsqca.calibrate(x, out=2, crossover=4, full=8)
    with pytest.warns(SpilloverWarning):
        down = fsqca.calibrate(x, out=8, crossover=4, full=2)
    np.testing.assert_allclose(up, [0.05, 0.5, 0.95, np.nan])
    np.testing.assert_allclose(up + down, [1, 1, 1, np.nan])


def test_membership_follows_the_rules_of_fuzzy_algebra():
    data = cases()
    np.testing.assert_allclose(
        fsqca.membership("~A*B + C", data),
        np.maximum(np.minimum(1 - data["A"], data["B"]), data["C"]),
    )


def test_robustness_names_cuts_without_a_solution():
    table = fsqca.robustness(cases(), "Y", list("ABC"), consistency=[0.8, 1.0], pri=[0.999])
    assert (table.loc[table["models"] == 0, "why"] != "").all()
    assert set(table["consistency_cut"]) == {0.8, 1.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"A": 1.2}, r"'A' is outside 0 to 1 for 30 cases: 'case 0'"),
        ({"A": np.nan}, r"'A' is missing for 30 cases"),
        ({"A": 0.5}, r"'A' is exactly 0.5 for 'case 0'"),
        ({"A": "high"}, r"'A' holds .*, not memberships"),
    ],
)
def test_bad_memberships_are_named(change, message):
    with pytest.raises(SchemaError, match=message):
        fsqca.truth_table(cases().assign(**change), "Y", list("ABCD"))


def test_bad_arguments_are_explained():
    data = cases()
    with pytest.raises(SchemaError, match="no column 'Z'"):
        fsqca.truth_table(data, "Y", ["A", "Z"])
    with pytest.raises(SchemaError, match="is among the conditions"):
        fsqca.truth_table(data, "~A", ["A", "B"])
    with pytest.raises(SchemaError, match="at most 12"):
        fsqca.truth_table(data, "Y", [f"c{i}" for i in range(13)])
    with pytest.raises(SchemaError, match="frequency=0"):
        fsqca.truth_table(data, "Y", ["A"], frequency=0)
    table = fsqca.truth_table(data, "Y", ["A", "B"])
    with pytest.raises(SchemaError, match="needs them"):
        fsqca.minimise(table, "intermediate")
    with pytest.raises(SchemaError, match="'C' is no condition"):
        fsqca.minimise(table, "intermediate", expectations={"C": True})
    with pytest.raises(SchemaError, match="says nothing of 'B'"):
        fsqca.minimise(table, "parsimonious", exclude=[{"A": True}])
    with pytest.raises(SchemaError, match="not in order"):
        fsqca.calibrate([1, 2], out=1, crossover=3, full=2)
    with pytest.raises(IdentificationError, match="No combination is sufficient"):
        fsqca.minimise(fsqca.truth_table(data, "Y", ["D"], consistency=1.0))


def test_what_a_reader_sees():
    table = fsqca.truth_table(cases(10), "Y", ["A", "B"])
    assert "combinations observed" in repr(table)
    solution = fsqca.minimise(table)
    for shown in (repr(solution), solution._repr_html_(), table._repr_html_()):
        assert "consistency" in shown
    assert len(solution.glance()) == len(solution.models)
    assert set(solution.tidy()["model"]) == set(solution.glance().index)


def test_the_xy_plot_names_the_cases_that_speak_against():
    data = cases(20)
    figure = sp.plot.xy(data, "A", "Y")
    against = set(data.index[data["Y"] < data["A"]])
    assert {text.get_text() for text in figure.axes[0].texts} == against
    assert f"Consistency {fsqca.sufficiency(data['A'], data['Y']).consistency:.3f}" in notes(figure)
    needed = sp.plot.xy(data, "A", "Y", relation="necessity", name_cases=["case 3"])
    assert [text.get_text() for text in needed.axes[0].texts] == ["case 3"]
    with pytest.raises(SchemaError, match="'case 99' is no case"):
        sp.plot.xy(data, "A", "Y", name_cases=["case 99"])


def notes(figure) -> str:
    return figure.get_supxlabel()


def test_the_truth_table_figure_shows_every_observed_combination():
    table = fsqca.truth_table(cases(20), "Y", list("ABC"))
    left, right = sp.plot.truth_table(table, synthetic=True).axes
    assert len(left.lines) == 3 * len(table.observed)
    assert len(right.get_yticks()) == len(table.observed)
    assert "Synthetic data." in notes(left.figure)

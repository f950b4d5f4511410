"""Local sourcing: how much of the textbook's purchases foreign firms really make at home."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spillover as sp

from . import oracle
from .panels import (
    ALL_MEASURES,
    ample_table,
    build,
    io_of,
    placed_cases,
    placed_frame,
    placed_panel,
    quiet,
)
from .test_measures import SETTINGS, TOLERANCE, assert_as_in_the_loops

ROWS, TABLE = placed_panel(), ample_table()
SOURCED = ["backward", "supply_backward", "second_tier_backward", "total_backward"]
NOT_SOURCED = ["horizontal", "forward", "total_forward"]
OF = sp.LocalSourcing.of


def data(sourcing: sp.LocalSourcing, rows=ROWS, tables=TABLE, **options) -> pd.DataFrame:
    definition = sp.LinkageDefinition(local_sourcing=sourcing, **options)
    return build(rows, tables, definition, measures=ALL_MEASURES).data


TEXTBOOK = data(sp.LocalSourcing())


def test_all_at_home_is_the_textbook():
    for one in (OF(1.0), OF(1), OF({"A": 1.0}), OF({("A", "full"): 1.0, ("B", "minority"): 1.0})):
        pd.testing.assert_frame_equal(data(one), TEXTBOOK, rtol=TOLERANCE)


def test_nothing_at_home_is_no_linkage():
    none = data(OF(0.0))
    assert (none[SOURCED] == 0).all(axis=None)
    pd.testing.assert_frame_equal(none[NOT_SOURCED], TEXTBOOK[NOT_SOURCED])


@settings(SETTINGS, max_examples=20)
@given(case=placed_cases(), part=st.floats(0, 1))
def test_between_it_is_a_line(case, part):
    rows, tables, _ = case
    whole, some = data(OF(1.0), rows, tables), data(OF(part), rows, tables)
    np.testing.assert_allclose(some[SOURCED], part * whole[SOURCED], rtol=1e-11, atol=TOLERANCE)
    pd.testing.assert_frame_equal(some[NOT_SOURCED], whole[NOT_SOURCED])


def test_by_buying_industry():
    """The buyer's part counts, not the seller's."""
    some = data(OF({"B": 0.25})).set_index(["industry", "year"])
    whole = TEXTBOOK.set_index(["industry", "year"])
    alpha = io_of(TABLE).supply_shares()
    for industry, year in whole.index:
        lost = 0.75 * alpha.loc[industry, "B"] * whole.loc[("B", year), "horizontal"]
        assert some.loc[(industry, year), "backward"] == pytest.approx(
            whole.loc[(industry, year), "backward"] - lost, rel=1e-12
        )


@pytest.mark.parametrize(
    "shares",
    [
        {"A": 0.3, "C": 0.9},
        {("A", "full"): 0.1, ("A", "minority"): 0.9, ("B", "majority"): 0.5},
        {("A", "full"): 0.1, "A": 0.6},
    ],
)
@pytest.mark.parametrize("threshold", [None, 0.1])
def test_as_in_the_loops(shares, threshold):
    definition = sp.LinkageDefinition(
        local_sourcing=OF(shares), threshold=threshold, unobserved="missing", stock=0.2
    )
    assert_as_in_the_loops(ROWS, TABLE, definition, oracle.Setting())


def test_the_parts_of_the_owners_add_up():
    """Each owner alone at home, the others abroad: together the textbook."""
    owners = ["minority", "majority", "full"]

    def only(owner: str) -> pd.DataFrame:
        parts = {(code, who): float(who == owner) for code in TABLE.sectors for who in owners}
        return data(OF(parts))[SOURCED]

    np.testing.assert_allclose(
        sum(only(owner) for owner in owners), TEXTBOOK[SOURCED], rtol=TOLERANCE, atol=TOLERANCE
    )


def test_every_owner_alike_is_the_same_as_by_industry():
    owners = ["minority", "majority", "full"]
    by_owner = data(OF({("B", who): 0.4 for who in owners}))
    pd.testing.assert_frame_equal(by_owner, data(OF({"B": 0.4})), rtol=TOLERANCE)


def test_the_value():
    sourcing = OF({"29": 0.1, ("10", "full"): 0.05, "10": 0.8})
    assert sourcing.by_owner
    assert not OF({"29": 0.1}).by_owner
    assert [
        sourcing.of_owner(*key) for key in (("29", "full"), ("10", "full"), ("10", "minority"))
    ] == [
        0.1,
        0.05,
        0.8,
    ]
    assert sourcing.of_owner("15", "full") == 1.0
    assert sp.LocalSourcing((("29", "all", 0.1),), otherwise=0.5).of_owner("15", "full") == 0.5
    assert hash(sourcing) == hash(OF({"29": 0.1, ("10", "full"): 0.05, "10": 0.8}))
    assert OF(np.float64(0.5)) == OF(0.5)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        (1.5, "is 1.5; it is 0 to 1"),
        (-0.1, "is -0.1; it is 0 to 1"),
        (np.nan, "is nan; it is 0 to 1"),
        ("half", "is 'half'; it is 0 to 1"),
        ({"29": 50}, "local sourcing of '29' is 50"),
        ({"29": None}, "local sourcing of '29' is None"),
        ({("29", "joint"): 0.5}, "owner='joint' is not an option"),
        ({("29", "full", "x"): 0.5}, r"\('29', 'full', 'x'\)"),
    ],
)
def test_parts_that_are_no_parts(shares, message):
    with pytest.raises(sp.SchemaError, match=message):
        OF(shares)


def test_industries_that_are_no_sectors():
    definition = sp.LinkageDefinition(local_sourcing=OF({"A": 0.5, "a": 0.5}))
    with pytest.raises(sp.SchemaError, match="local_sourcing names 'a', which"), quiet():
        sp.linkages(placed_frame(ROWS), io_of(TABLE), definition)

"""Several definitions in one pass are the same as one by one, in every library."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spillover as sp

from .panels import (
    ALL_MEASURES,
    ample_table,
    any_definition,
    build,
    external_frame,
    io_of,
    placed_cases,
    placed_frame,
    placed_panel,
    quiet,
    weights_frame,
)
from .test_invariance import hide
from .test_lazy import DEFINITIONS, IO, OPTIONS
from .test_measures import SETTINGS

FRAME = placed_frame(placed_panel())
LIBRARIES = {
    "pandas": lambda frame: frame,
    "Polars": pl.from_pandas,
    "PyArrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}


def used(definition: sp.LinkageDefinition, options: dict) -> dict:
    """Return the options without those that the definition has no use for."""
    gone = set() if definition.region == "weighted" else {"region_weights"}
    gone |= set() if definition.unobserved == "external" else {"external"}
    return {name: value for name, value in options.items() if name not in gone}


@pytest.mark.parametrize("library", LIBRARIES)
def test_several_are_one_by_one(library):
    frame = LIBRARIES[library](FRAME)
    with quiet():
        several = sp.linkages(frame, IO, DEFINITIONS, **OPTIONS)
        assert list(several) == list(DEFINITIONS)
        for name, definition in DEFINITIONS.items():
            alone = sp.linkages(frame, IO, definition, **used(definition, OPTIONS))
            found = several[name]
            for part in ("data", "cells", "unobserved"):
                pd.testing.assert_frame_equal(
                    getattr(found, part), getattr(alone, part), rtol=1e-12, atol=1e-12, obj=name
                )
            assert found.definition == definition
            assert found.measures == alone.measures == tuple(ALL_MEASURES)


@settings(SETTINGS, max_examples=8)
@given(case=placed_cases(), definitions=st.lists(any_definition, min_size=2, max_size=4))
def test_any_definitions(case, definitions):
    rows, tables, setting = case
    named = {str(number): one for number, one in enumerate(definitions)}
    options = {"region_weights": weights_frame(setting), "external": external_frame(setting)}
    needed = [used(one, options) for one in definitions]
    given_options = {key: value for one in needed for key, value in one.items()}
    io = {year: io_of(table) for year, table in tables.items()}
    with quiet():
        several = sp.linkages(placed_frame(rows), io, named, **given_options)
    for name, definition in named.items():
        alone = build(rows, tables, definition, setting)
        pd.testing.assert_frame_equal(several[name].data, alone.data, rtol=1e-12, atol=1e-12)


KINDS = LIBRARIES | {
    "pandas, nullable": lambda frame: frame.convert_dtypes(),
    "pandas, Arrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "pandas, objects": lambda frame: frame.astype({"origin": object, "region": object}),
}
LEFT_OUT = {
    "group": sp.LinkageDefinition(
        leave_one_out=True, region="own", foreign=sp.FirmGroup.origin("USA")
    ),
    "range": sp.LinkageDefinition(leave_one_out=True, foreign=sp.FirmGroup.minority()),
}


@pytest.fixture(scope="module")
def base() -> tuple[dict[str, sp.Linkages], dict[str, np.ndarray]]:
    return everything(FRAME)


def everything(frame) -> tuple[dict[str, sp.Linkages], dict[str, np.ndarray]]:
    """Return the linkages, and Horizontal of each firm-year without the firm."""
    with quiet():
        links = sp.linkages(frame, IO, DEFINITIONS | LEFT_OUT, **OPTIONS)
        given = {
            name: sp.attach(frame, links[name], measures=["horizontal"])["horizontal"]
            for name in LEFT_OUT
        }
    arrays = {
        name: pd.Series(column.to_numpy() if isinstance(column, pl.Series) else column)
        for name, column in given.items()
        if not isinstance(column, pa.ChunkedArray)
    }
    arrays |= {n: c.to_pandas() for n, c in given.items() if isinstance(c, pa.ChunkedArray)}
    return links, {n: c.to_numpy(dtype=float, na_value=np.nan) for n, c in arrays.items()}


@pytest.mark.parametrize("absent", [(), ("polars",)], ids=["with Polars", "without Polars"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_in_every_library(kind, absent, base, monkeypatch):
    hide(monkeypatch, absent)
    links, given_values = everything(KINDS[kind](FRAME))
    for name, wanted in base[0].items():
        for part in ("data", "cells"):
            pd.testing.assert_frame_equal(
                getattr(links[name], part),
                getattr(wanted, part),
                rtol=1e-12,
                atol=1e-12,
                obj=f"{part} of {name}",
            )
    for name, wanted in base[1].items():
        np.testing.assert_allclose(given_values[name], wanted, rtol=1e-12, atol=1e-12)
    firms = links["origin"].foreign_firms("A", 2000, largest=1000)
    assert (
        firms["firm"].tolist()
        == base[0]["origin"].foreign_firms("A", 2000, largest=1000)["firm"].tolist()
    )


def test_results_do_not_share_what_a_user_may_change():
    with quiet():
        built = sp.linkages(FRAME, IO, {"a": sp.JAVORCIK_2004, "b": sp.JAVORCIK_2004})
    before = built["b"].data.copy(), built["b"].cells.copy()
    built["a"].data["backward"] = 99.0
    built["a"].cells["foreign"] = 99.0
    pd.testing.assert_frame_equal(built["b"].data, before[0])
    pd.testing.assert_frame_equal(built["b"].cells, before[1])


def test_side_by_side_in_one_panel():
    definitions = {
        "": sp.JAVORCIK_2004,
        "_shared": sp.LinkageDefinition(foreign=sp.FirmGroup.shared()),
        "_full": sp.LinkageDefinition(foreign=sp.FirmGroup.full()),
    }
    frame = FRAME
    with quiet():
        for suffix, links in sp.linkages(FRAME, IO, definitions).items():
            frame = sp.attach(frame, links, measures=["backward"], suffix=suffix)
    assert list(frame.columns[-3:]) == ["backward", "backward_shared", "backward_full"]
    assert (frame["backward"] >= frame["backward_shared"] + frame["backward_full"] - 1e-12).all()


def test_one_warning_for_all_and_it_points_here():
    definitions = {"a": sp.JAVORCIK_2004, "b": sp.LinkageDefinition(own_sector="include")}
    whole = placed_frame(placed_panel(missing=0.0))
    with pytest.warns(sp.SpilloverWarning) as caught:
        sp.linkages(whole, IO, definitions)
    assert [w.filename for w in caught] == [__file__]


def test_the_warning_about_the_firms_points_here_too():
    whole = placed_frame(placed_panel(missing=0.0))
    whole.loc[0, "output"] = np.nan
    table = io_of(ample_table(sectors=("A", "B", "C", "D")))
    with pytest.warns(sp.SpilloverWarning, match="output is missing in 1") as caught:
        sp.linkages(whole, table)
    assert [w.filename for w in caught] == [__file__]
    with pytest.warns(sp.SpilloverWarning, match="output is missing in 1") as caught:
        sp.read_firms(whole)
    assert [w.filename for w in caught] == [__file__]


@pytest.mark.parametrize(
    ("given_definition", "message"),
    [
        ({}, "definition is a dict"),
        ([sp.JAVORCIK_2004], "definition is a list"),
        ("Javorcik", "definition is a str"),
        ({"a": sp.JAVORCIK_2004, "b": None}, "definition 'b' is a NoneType"),
    ],
)
def test_what_is_no_definition(given_definition, message):
    with pytest.raises(sp.SchemaError, match=message), quiet():
        sp.linkages(FRAME, IO, given_definition)

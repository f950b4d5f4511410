"""Panels that stay where they are (Polars LazyFrames, DuckDB relations) give the same measures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spillover as sp

from .panels import (
    ALL_MEASURES,
    ample_table,
    io_of,
    placed_frame,
    placed_panel,
    quiet,
)
from .test_regions import weights

pl = pytest.importorskip("polars")
duckdb = pytest.importorskip("duckdb")

FRAME, TABLE = placed_frame(placed_panel()), ample_table()
IO = {2000: io_of(ample_table(1)), 2002: io_of(ample_table(2))}
LIBRARIES = {
    "Polars": lambda frame: pl.from_pandas(frame).lazy(),
    "Polars, NaN": lambda frame: pl.from_pandas(frame, nan_to_null=False).lazy(),
    "DuckDB": lambda frame: duckdb.connect().from_arrow(pl.from_pandas(frame).to_arrow()),
    "DuckDB, NaN": lambda frame: duckdb.connect().from_arrow(
        pl.from_pandas(frame, nan_to_null=False).to_arrow()
    ),
}
DEFINITIONS = {
    "Javorcik (2004)": sp.JAVORCIK_2004,
    "region": sp.LinkageDefinition(region="own", own_sector="include"),
    "around": sp.LinkageDefinition(region="weighted", vintage="interpolate"),
    "origin": sp.LinkageDefinition(foreign=sp.FirmGroup.origin("USA"), threshold=0.1),
    "entrants": sp.LinkageDefinition(foreign=sp.FirmGroup.entered(0, 2), weight="employment"),
    "owners": sp.LinkageDefinition(
        local_sourcing=sp.LocalSourcing.of({("A", "full"): 0.2}), unobserved="missing"
    ),
    "stock": sp.LinkageDefinition(stock=0.1, lag=1, weight="capital"),
    "counted": sp.LinkageDefinition(weight="none", unobserved="external"),
}
OPTIONS = {
    "measures": ALL_MEASURES,
    "controls": ["demand", "herfindahl", "import_penetration"],
    "region_weights": weights([[1, 0.5, 0.1], [0.5, 1, 0.2], [0.1, 0.2, 1]]),
    "external": pd.DataFrame({"industry": ["E"], "horizontal": [0.5]}),
}


@pytest.fixture(scope="module")
def eager() -> dict[str, sp.Linkages]:
    with quiet():
        return sp.linkages(FRAME, IO, DEFINITIONS, **OPTIONS)


@pytest.mark.parametrize("library", LIBRARIES)
def test_as_eager(library, eager):
    with quiet():
        lazy = sp.linkages(LIBRARIES[library](FRAME), IO, DEFINITIONS, **OPTIONS)
    for name, links in lazy.items():
        pd.testing.assert_frame_equal(
            links.data, eager[name].data, rtol=1e-12, atol=1e-12, obj=name
        )
        pd.testing.assert_frame_equal(
            links.cells, eager[name].cells, rtol=1e-12, check_dtype=False, obj=name
        )
        assert links.panel is None


@pytest.mark.parametrize("library", LIBRARIES)
def test_attach_to_the_eager_frame(library, eager):
    with quiet():
        links = sp.linkages(LIBRARIES[library](FRAME), IO)
        attached = sp.attach(FRAME, links)
        wanted = sp.attach(FRAME, eager["Javorcik (2004)"], measures=["backward"])
    np.testing.assert_allclose(attached["backward"], wanted["backward"], rtol=1e-12)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    "types",
    [
        {"year": "float64"},
        {"year": "int16", "firm": "uint8"},
        {"output": "float32", "foreign_share": "float32"},
    ],
    ids=str,
)
def test_types_of_columns(library, types):
    frame = placed_frame(placed_panel(missing=0.0)).astype(types)
    with quiet():
        lazy = sp.linkages(LIBRARIES[library](frame), io_of(TABLE))
        base = sp.linkages(frame, io_of(TABLE))
    pd.testing.assert_frame_equal(lazy.data, base.data, rtol=1e-12, atol=1e-12)


def test_decimals_and_numeric_industries_of_a_database():
    query = """
        select * from (values
            (1, 2000, 15, 10.00::decimal(12, 2), 0.0, 0.5), (2, 2000, 15, 30.00, 10.0, 0.0),
            (3, 2000, 17, 5.00, 0.0, 1.0))
        as firms(firm, year, industry, output, exports, foreign_share)"""
    io = sp.IOTable.from_arrays(["15", "17"], domestic=[[1, 2], [3, 4]], unit="EUR")
    data = sp.linkages(duckdb.connect().sql(query), io, sp.LinkageDefinition(flows="domestic")).data
    assert data["horizontal"].tolist() == [0.125, 1.0]
    # 15 buys 3 of 4 from 17; 17 buys 2 of 6 from 15, of whose 30 sold at home 5 are foreign
    np.testing.assert_allclose(data["forward"], [3 / 4, 2 / 6 * 5 / 30], rtol=1e-15)


# What is wrong is found where the data lie


def changed(frame: pd.DataFrame, column: str, value: object) -> pd.DataFrame:
    frame = frame.astype({column: object}) if isinstance(value, str) else frame.copy()
    frame.loc[frame.index[[2, 5]], column] = value
    return frame


WHOLE = placed_frame(placed_panel(missing=0.0))
BAD = {
    "no firm": (WHOLE.drop(columns="firm"), "no column 'firm'"),
    "no share": (WHOLE.drop(columns="foreign_share"), "no column 'foreign_share'"),
    "other name": (WHOLE.rename(columns={"year": "Year"}), "Did you mean 'Year'"),
    "no weight": (WHOLE.drop(columns="output"), "needs the column 'output'"),
    "no exports": (WHOLE.drop(columns="exports"), "forward_exports='gross'"),
    "missing industry": (changed(WHOLE, "industry", None), "lacks 'industry' in some rows"),
    "missing year": (changed(WHOLE.astype({"year": float}), "year", np.nan), "lacks 'year'"),
    "half years": (changed(WHOLE.astype({"year": float}), "year", 2000.5), "whole years"),
    "years as text": (WHOLE.astype({"year": str}), "year holds String"),
    "output as text": (WHOLE.assign(output="10"), "output holds String"),
    "percent": (WHOLE.assign(foreign_share=50.0), "180 foreign shares lie outside 0 to 1"),
    "below zero": (changed(WHOLE, "foreign_share", -0.5), "2 foreign shares lie outside 0 to 1"),
    "negative output": (changed(WHOLE, "output", -1.0), "'output' is negative or infinite in 2"),
    "infinite output": (changed(WHOLE, "output", np.inf), "'output' is negative or infinite in 2"),
    "negative exports": (changed(WHOLE, "exports", -1.0), "'exports' is negative or infinite"),
    "repeated": (pd.concat([WHOLE, WHOLE[:3]]), "3 firm-years stand more than once"),
    "no rows": (WHOLE[:0], "no rows"),
    "no shares at all": (WHOLE.assign(foreign_share=np.nan), "no row has a foreign share"),
}


@pytest.mark.parametrize("library", ["Polars", "DuckDB"])
@pytest.mark.parametrize("case", BAD)
def test_bad_input(case, library):
    frame, message = BAD[case]
    with pytest.raises(sp.SchemaError, match=message), quiet():
        sp.linkages(LIBRARIES[library](frame), io_of(TABLE))


@pytest.mark.parametrize("library", ["Polars", "DuckDB"])
def test_industries_that_are_no_sectors(library):
    frame = changed(WHOLE, "industry", "Q")
    with pytest.raises(sp.ConcordanceError, match=r"'Q' \(2 rows\)"), quiet():
        sp.linkages(LIBRARIES[library](frame), io_of(TABLE))


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_is_missing_is_counted(library):
    """No reader has warned of it before, as sp.read_firms does for other frames."""
    frame = WHOLE.copy()
    frame.loc[[2, 5, 7], "output"] = np.nan
    frame.loc[[7, 8], "foreign_share"] = np.nan
    table = io_of(ample_table(sectors=("A", "B", "C", "D")))
    with pytest.warns(sp.SpilloverWarning, match=r"4 firm-years without output or a foreign share"):
        sp.linkages(LIBRARIES[library](frame), table)
    sp.linkages(LIBRARIES[library](WHOLE), table)


def test_exports_that_are_missing_and_regions(recwarn):
    frame = WHOLE.copy()
    frame.loc[[2, 5], "exports"] = np.nan
    frame.loc[[3], "region"] = None
    table = io_of(ample_table(sectors=("A", "B", "C", "D")))
    sp.linkages(LIBRARIES["Polars"](frame), table, sp.LinkageDefinition(region="own"))
    text = str(recwarn.pop(sp.SpilloverWarning).message)
    assert "2 firm-years whose exports are missing" in text
    assert "1 firm-years without a region" in text or "1 firm-year without a region" in text


def test_the_warning_points_to_the_caller():
    with pytest.warns(sp.SpilloverWarning) as caught:
        sp.linkages(LIBRARIES["Polars"](WHOLE), io_of(TABLE))
    assert [w.filename for w in caught] == [__file__]

"""Changes that carry no information leave every measure as it was (relative 1e-12)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import spillover as sp

from .oracle import FirmYear
from .panels import MEASURES, NUMBERS, fixed_panel, fixed_table, frame_of, io_of, quiet

TOLERANCE = 1e-12
DEFINITIONS = {
    "Javorcik (2004), leave-one-out": sp.LinkageDefinition(leave_one_out=True),
    "employment, majority, own sector": sp.LinkageDefinition(
        weight="employment", threshold=0.5, own_sector="include", unobserved="missing"
    ),
    "count, domestic, leave-one-out": sp.LinkageDefinition(
        weight="none",
        flows="domestic",
        denominator="output",
        own_sector="exclude_renormalised",
        leave_one_out=True,
    ),
}
ROWS, TABLE = fixed_panel(), fixed_table()


@pytest.fixture(params=DEFINITIONS, scope="module")
def definition(request) -> sp.LinkageDefinition:
    return DEFINITIONS[request.param]


def measure(frame, io, definition) -> tuple[pd.DataFrame, sp.Linkages]:
    with quiet():
        links = sp.linkages(frame, io, definition)
    return links.data.set_index(["industry", "year"])[MEASURES], links


def attached(frame, links) -> np.ndarray:
    """Return the measures that attach gives, as a plain array in the frame's order."""
    with quiet():
        native = sp.attach(frame, links)
    names = ["horizontal", "backward", "forward"]
    if isinstance(native, pa.Table):
        return np.column_stack([native[name].to_pandas().to_numpy(float) for name in names])
    if isinstance(native, pl.DataFrame):
        return native.select(names).to_numpy().astype(float)
    return np.column_stack([native[n].to_numpy(dtype=float, na_value=np.nan) for n in names])


@cache
def unchanged(definition: sp.LinkageDefinition) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the cells, and what firms get, of the unchanged panel and table."""
    data, links = measure(frame_of(ROWS), io_of(TABLE), definition)
    return data, attached(frame_of(ROWS), links)


def assert_unchanged(frame, definition, *, io=None, order=None, code=str) -> None:
    """Compare the cells, and what firms get, with those of the unchanged panel and table.

    ``order`` says which row of ``frame`` holds each unchanged row; ``code`` undoes a relabelling.
    """
    base, base_given = unchanged(definition)
    other, links = measure(frame, io_of(TABLE) if io is None else io, definition)
    other.index = other.index.set_levels([code(level) for level in other.index.levels[0]], level=0)
    np.testing.assert_allclose(other.loc[base.index], base, rtol=TOLERANCE, atol=TOLERANCE)
    given = attached(frame, links)
    given = given if order is None else given[order]
    np.testing.assert_allclose(given, base_given, rtol=TOLERANCE, atol=TOLERANCE)


def test_shuffled_rows(definition):
    order = np.random.default_rng(3).permutation(len(ROWS))
    frame = frame_of(ROWS).iloc[order]
    assert_unchanged(frame, definition, order=np.argsort(order))


@pytest.mark.parametrize("relabel", [lambda i: 9_000_000_000 - i, lambda i: f"LT-{i:05d}"])
def test_relabelled_firms(definition, relabel):
    frame = frame_of(ROWS)
    assert_unchanged(frame.assign(firm=[relabel(i) for i in frame["firm"]]), definition)


@pytest.mark.parametrize("rate", [3.4528, 1e-6])
def test_another_currency_for_the_firms(definition, rate):
    frame = frame_of(ROWS)
    for name in ("output", "exports", "capital"):
        frame[name] *= rate
    assert_unchanged(frame, definition)


@pytest.mark.parametrize("rate", [3.4528, 1e9])
def test_another_currency_for_the_table(definition, rate):
    assert_unchanged(frame_of(ROWS), definition, io=io_of(TABLE, scale=rate))


def test_percent_instead_of_shares(definition):
    frame = frame_of(ROWS).assign(foreign_share=lambda f: f["foreign_share"] * 100)
    with quiet():
        panel = sp.read_firms(frame, foreign_share_unit="percent")
    assert_unchanged(panel, definition)


def test_reordered_sectors(definition):
    order = [3, 0, 4, 2, 1]
    table = replace(
        TABLE,
        sectors=[TABLE.sectors[i] for i in order],
        domestic=[[TABLE.domestic[i][j] for j in order] for i in order],
        imported=[[TABLE.imported[i][j] for j in order] for i in order],
        final_demand=[TABLE.final_demand[i] for i in order],
        exports=[TABLE.exports[i] for i in order],
    )
    assert_unchanged(frame_of(ROWS), definition, io=io_of(table))


def test_an_added_empty_sector(definition):
    n = len(TABLE.sectors)
    table = replace(
        TABLE,
        sectors=["Z", *TABLE.sectors],
        domestic=[[0.0] * (n + 1), *([0.0, *row] for row in TABLE.domestic)],
        imported=[[0.0] * (n + 1), *([0.0, *row] for row in TABLE.imported)],
        final_demand=[0.0, *TABLE.final_demand],
        exports=[0.0, *TABLE.exports],
    )
    assert_unchanged(frame_of(ROWS), definition, io=io_of(table))
    data, links = measure(frame_of(ROWS), io_of(table), definition)
    assert data.loc["Z", "horizontal"].isna().all()
    assert (data.loc["Z", ["backward", "forward", "backward_weight", "firms"]] == 0).all(axis=None)
    empty = links.unobserved.set_index("industry").loc["Z"]
    assert (empty["backward_share"], empty["forward_share"]) == (0, 0)


def halves(row: FirmYear) -> list[FirmYear]:
    parts = {
        name: None if getattr(row, name) is None else getattr(row, name) / 2
        for name in ("output", "exports", "employment", "capital")
    }
    return [replace(row, firm=row.firm, **parts), replace(row, firm=row.firm + 1000, **parts)]


def test_a_firm_in_two_halves_counts_as_much_as_the_whole():
    split = [half for row in ROWS for half in (halves(row) if row.firm % 3 == 0 else [row])]
    for definition in (
        sp.JAVORCIK_2004,
        sp.LinkageDefinition(weight="employment", threshold=0.1),
        sp.LinkageDefinition(weight="capital", unobserved="missing"),
    ):
        base, _ = measure(frame_of(ROWS), io_of(TABLE), definition)
        other, _ = measure(frame_of(split), io_of(TABLE), definition)
        names = [name for name in MEASURES if name != "firms"]
        np.testing.assert_allclose(other[names], base[names], rtol=TOLERANCE)


def test_a_firm_in_two_halves_counts_twice_where_firms_are_counted():
    rows = [FirmYear(1, 2000, "A", 10.0, 1.0, 0.0), FirmYear(2, 2000, "A", 10.0, 0.0, 0.0)]
    definition = sp.LinkageDefinition(weight="none")
    split, _ = measure(frame_of([*halves(rows[0]), rows[1]]), io_of(TABLE), definition)
    assert split.loc[("A", 2000), "horizontal"] == pytest.approx(2 / 3, rel=1e-15)


CODES = {"A": 15, "B": 17, "C": 24, "D": 101, "E": 202}
NUMERIC_IO = io_of(replace(TABLE, sectors=[str(code) for code in CODES.values()]))
LETTERS = {str(code): letter for letter, code in CODES.items()}


@pytest.mark.parametrize(
    "dtype",
    [
        "int64",
        "int16",
        "float64",
        "Int64",
        "Float64",
        "int64[pyarrow]",
        "str",
        "object",
        "string[python]",
        "string[pyarrow]",
        "category",
    ],
)
def test_types_of_industry_codes(dtype):
    definition = sp.LinkageDefinition(leave_one_out=True)
    frame = frame_of(ROWS)
    numbers = frame["industry"].map(CODES)
    typed = numbers.astype(dtype) if dtype != "object" else numbers.astype(str).astype(object)
    assert_unchanged(
        frame.assign(industry=typed), definition, io=NUMERIC_IO, code=LETTERS.__getitem__
    )


def test_categories_that_no_firm_has_are_not_in_the_panel(definition):
    codes = pd.Categorical(frame_of(ROWS)["industry"], categories=list("QDCBAE"))
    assert_unchanged(frame_of(ROWS).assign(industry=codes), definition)


def arrow_with_nan(frame: pd.DataFrame) -> pa.Table:
    columns = {n: frame[n].to_numpy() if n in NUMBERS else frame[n].tolist() for n in frame}
    return pa.table({name: pa.array(value, from_pandas=False) for name, value in columns.items()})


FRAMES = {
    "pandas": lambda f: f,
    "pandas, object strings": lambda f: f.astype({"industry": object}),
    "pandas, nullable": lambda f: f.convert_dtypes(),
    "pandas, Arrow": lambda f: f.convert_dtypes(dtype_backend="pyarrow"),
    "pandas, small types": lambda f: f.astype({"year": "int16", "firm": "uint8"}),
    "pandas, years in floats": lambda f: f.astype({"year": float}),
    "Polars": pl.from_pandas,
    "Polars, NaN for missing": lambda f: pl.from_pandas(f, nan_to_null=False),
    "Polars, lazy": lambda f: pl.from_pandas(f).lazy(),
    "Polars, categorical": lambda f: pl.from_pandas(f).cast({"industry": pl.Categorical}),
    "Polars, small types": lambda f: pl.from_pandas(f).cast({"year": pl.Int16}),
    "PyArrow": lambda f: pa.Table.from_pandas(f, preserve_index=False),
    "PyArrow, NaN for missing": arrow_with_nan,
    "PyArrow, dictionary": lambda f: pa.Table.from_pandas(
        f.astype({"industry": "category"}), preserve_index=False
    ),
}


@pytest.mark.parametrize("library", FRAMES)
def test_data_frame_libraries(definition, library):
    assert_unchanged(FRAMES[library](frame_of(ROWS)), definition)


def hide(monkeypatch, absent: tuple[str, ...]) -> None:
    """Let the package believe that some libraries are not installed."""
    seen = SimpleNamespace(find_spec=lambda name: None if name in absent else find_spec(name))
    monkeypatch.setattr("spillover._frames.importlib", SimpleNamespace(util=seen))


@pytest.mark.parametrize("absent", [("polars",), ("pyarrow",)])
@pytest.mark.parametrize("library", ["pandas", "pandas, nullable", "pandas, Arrow", "PyArrow"])
def test_without_the_fast_engine(definition, library, absent, monkeypatch):
    """The same numbers from the frame's own library."""
    frame = FRAMES[library](frame_of(ROWS))
    fast, fast_links = measure(frame, io_of(TABLE), definition)
    hide(monkeypatch, absent)
    plain, plain_links = measure(frame, io_of(TABLE), definition)
    np.testing.assert_allclose(plain, fast, rtol=TOLERANCE, atol=TOLERANCE)
    pd.testing.assert_frame_equal(
        plain_links.cells, fast_links.cells, rtol=TOLERANCE, atol=0, check_dtype=False
    )
    np.testing.assert_allclose(
        attached(frame, plain_links), attached(frame, fast_links), rtol=TOLERANCE
    )


@pytest.mark.parametrize("absent", [(), ("polars",)], ids=["with Polars", "without Polars"])
@pytest.mark.parametrize("library", ["Polars", "PyArrow", "pandas, nullable", "pandas, Arrow"])
def test_the_types_of_the_result_do_not_depend_on_the_library(library, absent, monkeypatch):
    base, base_links = measure(frame_of(ROWS), io_of(TABLE), sp.JAVORCIK_2004)
    hide(monkeypatch, absent)
    data, links = measure(FRAMES[library](frame_of(ROWS)), io_of(TABLE), sp.JAVORCIK_2004)
    pd.testing.assert_frame_equal(data, base, rtol=TOLERANCE, atol=0)
    pd.testing.assert_frame_equal(links.cells, base_links.cells, rtol=TOLERANCE, atol=0)


def test_a_panel_and_its_frame_give_the_same(definition):
    with quiet():
        panel = sp.read_firms(frame_of(ROWS))
    assert_unchanged(panel, definition)


def test_years_do_not_look_at_each_other(definition):
    whole, _ = measure(frame_of(ROWS), io_of(TABLE), definition)
    for year in (2000, 2001, 2002):
        one, _ = measure(frame_of([r for r in ROWS if r.year == year]), io_of(TABLE), definition)
        pd.testing.assert_frame_equal(one, whole.loc[one.index], rtol=TOLERANCE, atol=0)

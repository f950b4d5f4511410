"""``read_io`` on small tables made here: every layout, option and error."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spillover.errors import SchemaError, SpilloverWarning
from spillover.iotables import IOTable, detect_format, read_io

if TYPE_CHECKING:
    from pathlib import Path

DOMESTIC = [[1.0, 3.0], [2.0, 2.0]]
IMPORTED = [[0.5, 0.0], [0.0, 1.0]]
NAMES: dict[str, Any] = {
    "final_demand": ["households", "government"],
    "exports": "exports",
    "output": "output",
    "unit": "million EUR",
}


def wide() -> pd.DataFrame:
    """Two sectors; uses beside and value added below; balanced."""
    return pd.DataFrame(
        {
            "sector": ["food", "steel", "value added", "output"],
            "food": [1.0, 2.0, 7.0, 10.0],
            "steel": [3.0, 2.0, 5.0, 10.0],
            "households": [4.0, 1.0, np.nan, np.nan],
            "government": [2.0, 0.0, np.nan, np.nan],
            "exports": [0.0, 5.0, np.nan, np.nan],
            "output": [10.0, 10.0, np.nan, np.nan],
        }
    )


def imported_frame() -> pd.DataFrame:
    frame = pd.DataFrame(IMPORTED, ["food", "steel"], ["food", "steel"])
    return frame.assign(households=[1.0, 0.0])


@pytest.mark.parametrize("suffix", ["csv", "tsv", "xlsx", "parquet", "frame"])
def test_matrix_from_every_kind_of_file(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"table.{suffix}"
    frame = wide()
    writers = {
        "csv": lambda: frame.to_csv(file, index=False),
        "tsv": lambda: frame.to_csv(file, index=False, sep="\t"),
        "xlsx": lambda: frame.to_excel(file, index=False),
        "parquet": lambda: frame.to_parquet(file, index=False),
        "frame": lambda: None,
    }
    writers[suffix]()
    source = frame if suffix == "frame" else file
    assert detect_format(source) == "matrix"
    io = read_io(source, flows="domestic", ignore_rows="value added", **NAMES)
    assert io.sectors == ("food", "steel")
    np.testing.assert_array_equal(io.flows("domestic"), DOMESTIC)
    np.testing.assert_array_equal(io.final_demand, [6, 1])
    np.testing.assert_array_equal(io.output, [10, 10])
    assert io.source == ("the data frame" if suffix == "frame" else file.name)


def test_rows_that_are_no_sectors_are_reported() -> None:
    with pytest.warns(SpilloverWarning, match=r"1 row.*left out: 'value added'") as seen:
        read_io(wide(), flows="domestic", **NAMES)
    assert len(seen) == 1
    assert seen[0].filename == __file__
    names = {**NAMES, "final_demand": "households"}
    with pytest.warns(SpilloverWarning, match=r"1 column.*left out: 'government'"):
        read_io(wide(), flows="domestic", ignore_rows="value added", balance="ignore", **names)


def test_output_from_a_row() -> None:
    frame = wide().drop(columns="output")
    io = read_io(frame, flows="domestic", ignore_rows="value added", **NAMES)
    np.testing.assert_array_equal(io.output, [10, 10])


def test_users_in_rows() -> None:
    turned = wide().set_index("sector").T
    io = read_io(
        turned,
        flows="domestic",
        orientation="users_in_rows",
        ignore_rows="value added",
        **NAMES,
    )
    np.testing.assert_array_equal(io.flows("domestic"), DOMESTIC)


def test_companion_files() -> None:
    alone = read_io(wide(), flows="domestic", ignore_rows="value added", **NAMES)
    both = read_io(
        wide(),
        flows="domestic",
        imported=imported_frame(),
        ignore_rows="value added",
        **NAMES,
    )
    np.testing.assert_array_equal(both.flows("imported"), IMPORTED)
    np.testing.assert_array_equal(both.final_demand, alone.final_demand)

    total: Any = wide().set_index("sector")
    total.loc[["food", "steel"], ["food", "steel"]] += np.array(IMPORTED)
    total.loc["food", "households"] += 1
    less = read_io(
        total, flows="total", imported=imported_frame(), ignore_rows="value added", **NAMES
    )
    with_domestic = read_io(
        total, flows="total", domestic=wide(), ignore_rows="value added", **NAMES
    )
    for io in (less, with_domestic):
        np.testing.assert_array_equal(io.flows("domestic"), DOMESTIC)
        np.testing.assert_array_equal(io.flows("imported"), IMPORTED)
        np.testing.assert_array_equal(io.final_demand, alone.final_demand)
        assert not io.balance()["gap"].any()


def test_total_alone_needs_imports() -> None:
    frame = wide().drop(columns="output").iloc[:2]
    names = {key: NAMES[key] for key in ("final_demand", "exports", "unit")}
    frame["imports"] = [1.0, 0.0]
    io = read_io(frame, flows="total", imports="imports", **names)
    np.testing.assert_array_equal(io.output, [9, 10])


def test_blank_cells() -> None:
    frame: Any = wide().drop(index=2)
    frame.loc[0, "steel"] = np.nan
    with pytest.raises(SchemaError, match="food→steel"):
        read_io(frame, flows="domestic", **NAMES)
    io = read_io(frame, flows="domestic", blank="zero", balance="ignore", **NAMES)
    assert io.flows("domestic")[0, 1] == 0


def edit(column: str, value: Any) -> pd.DataFrame:
    frame: Any = wide().drop(index=2).astype({column: object})
    frame.loc[0, column] = value
    return pd.DataFrame(frame)


PLAIN = wide().drop(index=2)
BAD: list[tuple[pd.DataFrame, dict[str, Any], str]] = [
    (PLAIN, {"flows": None}, r"say whether the data frame holds"),
    (PLAIN, {"exports": "export"}, r"no column 'export' for exports=. Did you mean 'exports'"),
    (PLAIN, {"output": "outptu"}, r"no column 'outptu' for output=. Did you mean 'output'"),
    (PLAIN, {"ignore_rows": "labour"}, r"no label 'labour' for ignore_rows="),
    (PLAIN, {"unit": None}, r"does not state its unit"),
    (PLAIN, {"flows": "both"}, r"flows='both' is not an option"),
    (PLAIN, {"orientation": "rows"}, r"orientation='rows' is not an option"),
    (PLAIN, {"blank": "drop"}, r"blank='drop' is not an option"),
    (PLAIN, {"balance": "no"}, r"balance='no' is not an option"),
    (PLAIN, {"format": "matrx"}, r"format='matrx' is unknown. Did you mean 'matrix'"),
    (PLAIN, {"exprots": "x"}, r"no option 'exprots'. Did you mean 'exports'"),
    (PLAIN, {"object_name": "x"}, r"'matrix' does not use object_name=; its own options: "),
    (edit("food", "n.a."), {}, r"1 cell\(s\) are not numbers: food→food holds 'n.a.'"),
    (edit("sector", "steel"), {}, r"1 row label\(s\) occur more than once: 'steel'"),
    (edit("households", 40.0), {}, r"does not balance: in 1 of 2 sectors .*food"),
    (
        PLAIN.iloc[:2].rename(columns={"food": "a", "steel": "b"}),
        {"output": None},
        r"no label stands both in the rows",
    ),
    (
        PLAIN.assign(Total=1.0).replace({"sector": {"output": "Total"}}),
        {},
        r"'Total' looks like a sum, not a sector",
    ),
    (PLAIN, {"imported": PLAIN.iloc[[0]]}, r"lacks 1 sector\(s\) of the first table: 'steel'"),
    (PLAIN.assign(x=1).rename(columns={"x": ""}), {}, r"column\(s\) 7 hold data but have no label"),
    (PLAIN, {"domestic": PLAIN}, r"flows='domestic' and domestic= are given at once"),
    (PLAIN, {"domestic": PLAIN, "imported": PLAIN}, r"domestic= or imported=, not both"),
]


@pytest.mark.parametrize(("frame", "changes", "message"), BAD)
def test_bad_calls_are_explained(
    frame: pd.DataFrame, changes: dict[str, Any], message: str
) -> None:
    options = {"flows": "domestic", **NAMES, **changes}
    options = {key: value for key, value in options.items() if value is not None}
    with pytest.raises(SchemaError, match=message):
        read_io(frame, **options)


def test_only_intermediate_flows_is_announced() -> None:
    frame = pd.DataFrame(DOMESTIC, ["food", "steel"], ["food", "steel"])
    with pytest.warns(SpilloverWarning, match="output is the sum of intermediate sales"):
        read_io(frame, flows="domestic", unit="m", balance="ignore")


def test_balance_can_warn_or_be_ignored() -> None:
    frame = edit("households", 40.0)
    with pytest.warns(SpilloverWarning, match="does not balance") as seen:
        read_io(frame, flows="domestic", balance="warn", **NAMES)
    assert seen[0].filename == __file__
    read_io(frame, flows="domestic", balance="ignore", **NAMES)
    read_io(frame, flows="domestic", absolute=36, **NAMES)


def test_transposed_file_is_recognised() -> None:
    frame = pd.DataFrame(
        {"food": [1.0, 9.0], "steel": [1.0, 2.0], "use": [8.0, 0.0], "output": [18.0, 3.0]},
        index=["food", "steel"],
    )
    with pytest.raises(SchemaError, match=r"looks transposed.*orientation='users_in_rows'"):
        read_io(frame, flows="domestic", final_demand="use", output="output", unit="m")


def test_missing_files_and_suffixes(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a,b\n", encoding="utf-8")
    (tmp_path / "table.pdf").write_text("", encoding="utf-8")
    with pytest.raises(SchemaError, match=r"no file .*Did you mean 'table.csv'"):
        read_io(tmp_path / "tabel.csv")
    with pytest.raises(SchemaError, match=r"suffix '.pdf' is none of '.csv'"):
        read_io(tmp_path / "table.pdf")
    PLAIN.to_excel(tmp_path / "book.xlsx", index=False, sheet_name="data")
    with pytest.raises(SchemaError, match=r"no sheet 'dta'. Did you mean 'data'"):
        read_io(tmp_path / "book.xlsx", sheet="dta", flows="domestic", **NAMES)
    io = read_io(tmp_path / "book.xlsx", sheet="data", flows="domestic", **NAMES)
    assert io.output.sum() == 20


@pytest.mark.parametrize(
    ("name", "module"), [("a.xls", "xlrd"), ("a.xlsx", "openpyxl"), ("a.rda", "pyreadr")]
)
def test_optional_packages_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str
) -> None:
    (tmp_path / name).write_bytes(b"")
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda m, *a: None if m == module else real(m, *a)
    )
    with pytest.raises(SchemaError, match=rf"'{module}', which is not installed.*spillover\[mrio"):
        read_io(tmp_path / name)


amount = st.floats(0, 1e6, allow_subnormal=False)


@settings(max_examples=30, deadline=None)
@given(
    arrays(np.float64, (3, 3), elements=amount),
    arrays(np.float64, (3, 3), elements=amount),
    arrays(np.float64, (3,), elements=st.floats(1, 1e6)),
    st.sampled_from(["separate", "domestic", "total"]),
)
def test_long_form_round_trip(Z: Any, M: Any, final: Any, kind: str) -> None:
    given_flows: dict[str, Any] = {
        "separate": {"domestic": Z, "imported": M},
        "domestic": {"domestic": Z},
        "total": {"total": Z + M, "imports": np.minimum(final, M.sum(axis=1))},
    }[kind]
    io = IOTable.from_arrays(["x", "y", "z"], final_demand=final, unit="m", **given_flows)
    back = read_io(io.to_frame(), unit="m", balance="ignore")
    for name in ("domestic", "imported", "total", "final_demand", "exports", "output", "imports"):
        before, after = getattr(io, name), getattr(back, name)
        assert (before is None) == (after is None)
        if before is not None:
            np.testing.assert_array_equal(after, before)


def test_long_without_flow_is_a_matrix() -> None:
    cells = wide().drop(index=2).melt("sector", var_name="column").dropna()
    long = cells.rename(columns={"sector": "row"})
    io = read_io(long, flows="domestic", **NAMES)
    np.testing.assert_array_equal(io.flows("domestic"), DOMESTIC)


def test_long_errors() -> None:
    io = IOTable.from_arrays(["a", "b"], domestic=DOMESTIC, unit="m")
    long = io.to_frame()
    with pytest.raises(SchemaError, match="lists 1 cell"):
        read_io(pd.concat([long, long.iloc[[0]]]), unit="m")
    with pytest.raises(SchemaError, match="flow in the data frame='domestc'"):
        read_io(long.replace("domestic", "domestc"), unit="m")
    with pytest.raises(SchemaError, match=r"lacks the column\(s\) 'value'"):
        read_io(long.drop(columns="value"), format="long", unit="m")
    extra = pd.concat([long, long.iloc[[-1]].assign(row="c")])
    with pytest.raises(SchemaError, match="rows that are no sectors: 'c'"):
        read_io(extra, unit="m")


def world() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(1, 50, (6, 6)).astype(float), rng.integers(50, 99, (6, 6)).astype(float)


def test_cut_of_a_world_table_by_loops(tmp_path: Path) -> None:
    Z, F = world()
    x = Z.sum(axis=1) + F.sum(axis=1)
    countries, _industries = ["AAA", "BBB", "CCC"], ["c1", "c2"]
    (tmp_path / "countries.txt").write_text("\n".join(countries), encoding="utf-8")
    (tmp_path / "industries.csv").write_text("code,label\nc1,One\nc2,Two\n", encoding="utf-8")
    np.savez(tmp_path / "world_1999.npz", Z=Z, F=F, x=x)
    io = read_io(tmp_path / "world_1999.npz", country="BBB")
    assert (io.country, io.year, io.labels) == ("BBB", 1999, {"c1": "One", "c2": "Two"})
    for i in range(2):
        row = 2 + i
        abroad = [c for c in range(6) if c not in (2, 3)]
        for j in range(2):
            assert io.flows("domestic")[i, j] == Z[row, 2 + j]
            assert io.flows("imported")[i, j] == Z[i, 2 + j] + Z[4 + i, 2 + j]
        assert io.final_demand[i] == F[row, 2] + F[row, 3]
        assert io.exports[i] == sum(Z[row, c] + F[row, c] for c in abroad)
        assert io.output[i] == x[row]
        used = io.flows("imported")[i].sum() + F[[i, 4 + i]][:, 2:4].sum()
        assert io.imports is not None
        assert io.imports[i] == used
    with pytest.raises(SchemaError, match=r"no country 'BB'. Did you mean 'BBB'.*'AAA', 'BBB'"):
        read_io(tmp_path / "world_1999.npz", country="BB")
    with pytest.raises(SchemaError, match=r"no year 2000.*Available: 1999"):
        read_io(tmp_path / "world_1999.npz", country="AAA", year=2000)
    with pytest.raises(SchemaError, match="say country="):
        read_io(tmp_path / "world_1999.npz")
    np.savez(tmp_path / "small_1999.npz", Z=Z[:4, :4], F=F, x=x)
    with pytest.raises(SchemaError, match="do not fit 3 countries and 2 industries"):
        read_io(tmp_path / "small_1999.npz", country="AAA")
    np.savez(tmp_path / "part_1999.npz", Z=Z)
    with pytest.raises(SchemaError, match="lacks the array"):
        read_io(tmp_path / "part_1999.npz", country="AAA")


def national() -> pd.DataFrame:
    rows = []
    for kind, scale in (("dom", 1.0), ("imp", 0.5)):
        for i, row in enumerate(("c1", "c2")):
            cells = {"c1": 2.0 * scale, "c2": (1.0 + i) * scale, "FD": 10.0 * scale}
            more = {"EXPO": 3.0, "OUT": 16.0 + i} if kind == "dom" else {}
            rows.append({"country": "AAA", "year": 2001, "type": kind, "row": row, **cells, **more})
    return pd.DataFrame(rows)


def test_national_frame() -> None:
    io = read_io(national())
    assert (io.country, io.year, io.unit) == ("AAA", 2001, "million USD")
    np.testing.assert_array_equal(io.flows("imported"), [[1, 0.5], [1, 1]])
    assert io.imports is not None
    np.testing.assert_array_equal(io.imports, [6.5, 7])
    with pytest.raises(SchemaError, match="no year 2002"):
        read_io(national(), year=2002)
    two = pd.concat([national(), national().assign(year=2002)])
    with pytest.raises(SchemaError, match="AAA, holds several: say year="):
        read_io(two, country="AAA")
    with pytest.raises(SchemaError, match="must list the same industries"):
        read_io(national().iloc[:3])
    with pytest.raises(SchemaError, match="does not use exports="):
        read_io(national(), exports="EXPO")


def sam() -> pd.DataFrame:
    accounts = ["food", "steel", "PRIV", "GOV", "INV", "BOP", "ITT", "mtax", "Capital"]
    frame = pd.DataFrame(0.0, accounts, accounts)
    frame.loc[["food", "steel"], ["food", "steel"]] = [[1, 3], [2, 2]]
    frame.loc["food", ["PRIV", "GOV", "INV", "BOP"]] = [6, 1, 1, 2]
    frame.loc["steel", ["PRIV", "BOP", "ITT"]] = [1, 5, 2]
    frame.loc["BOP", ["food", "steel"]] = [3, 1]
    frame.loc["mtax", ["food", "steel"]] = [1, 0.5]
    frame.loc["Capital", ["food", "steel"]] = [7, 5.5]
    return frame


def test_social_accounting_matrix() -> None:
    io = read_io(sam(), country="AAA", year=2007)
    assert io.sectors == ("food", "steel")
    np.testing.assert_array_equal(io.final_demand, [8, 1])
    np.testing.assert_array_equal(io.exports, [2, 7])
    np.testing.assert_array_equal(io.output, [10, 10.5])
    assert not io.balance()["gap"].any()
    long = sam().rename_axis("row").reset_index().melt("row", var_name="col").assign(region="AAA")
    again = read_io(long)
    np.testing.assert_array_equal(again.flows(), io.flows())
    assert again.country == "AAA"
    with pytest.raises(SchemaError, match="no country 'AA'"):
        read_io(long, country="AA")
    with pytest.raises(SchemaError, match=r"lacks the account\(s\) 'INV'"):
        read_io(sam().drop(columns="INV"), format="sam")
    with pytest.raises(SchemaError, match="not square: 'mtax'"):
        read_io(sam().drop(columns="mtax"))


def eurostat() -> pd.DataFrame:
    cells = {
        "CPA_A": {"CPA_A": 1, "CPA_B": 3, "TOTAL": 4, "P3_S14": 5, "P3_S13": 1, "P5": 2, "P52": 1},
        "CPA_B": {"CPA_A": 2, "CPA_B": 2, "TOTAL": 4, "P3_S14": 1, "P3_S13": 0, "P5": 3, "P52": 0},
        "TOTAL": {"CPA_A": 3, "CPA_B": 5},
        "P1": {"CPA_A": 15, "CPA_B": 13},
    }
    frame = pd.DataFrame(cells).T.rename_axis("prod_na").reset_index()
    frame["P6"] = [2, 5, np.nan, np.nan]
    frame["TFU"] = [15, 13, np.nan, np.nan]
    long = frame.melt("prod_na", var_name="induse", value_name="values").dropna()
    return long.assign(geo="XX", time="1999-01-01", unit="MIO_EUR", prod_na_lab="label")


def test_eurostat_long() -> None:
    assert detect_format(eurostat()) == "iotables_long"
    io = read_io(eurostat(), flows="domestic")
    assert (io.sectors, io.country, io.year, io.unit) == (("A", "B"), "XX", 1999, "MIO_EUR")
    np.testing.assert_array_equal(io.final_demand, [9, 4])  # P5 and P52, as the total of uses says
    assert io.labels == {"A": "label", "B": "label"}
    assert not io.balance()["gap"].any()
    inclusive = eurostat()
    inclusive.loc[inclusive["induse"] == "TFU", "values"] -= [1, 0]
    inclusive.loc[inclusive["prod_na"] == "P1", "values"] -= [1, 0]
    np.testing.assert_array_equal(read_io(inclusive, flows="domestic").final_demand, [8, 4])
    wrong = eurostat()
    wrong.loc[wrong["induse"] == "TFU", "values"] += 5
    with pytest.raises(SchemaError, match="no set of final-demand columns adds up to 'TFU'"):
        read_io(wrong, flows="domestic")
    with pytest.raises(SchemaError, match="no known set of final-demand"):
        read_io(eurostat().query("induse != 'P6'"), flows="domestic")
    with pytest.raises(SchemaError, match="no country 'YY'"):
        read_io(eurostat(), flows="domestic", country="YY")
    with pytest.raises(SchemaError, match="no year 1990"):
        read_io(eurostat(), flows="domestic", year=1990)
    with pytest.raises(SchemaError, match="none of the pairs of code columns"):
        read_io(eurostat().rename(columns={"prod_na": "x"}), flows="domestic")
    with pytest.raises(SchemaError, match="lists 1 cell"):
        read_io(pd.concat([eurostat(), eurostat().iloc[[0]]]), flows="domestic")


def test_offices_need_their_layout(tmp_path: Path) -> None:
    PLAIN.to_excel(tmp_path / "book.xlsx", index=False)
    with pytest.raises(SchemaError, match="no 'CZ-NACE' or 'CZ-CPA' header"):
        read_io(tmp_path / "book.xlsx", format="czso")
    with pytest.raises(SchemaError, match="no sheet 'Matriz de insumo-producto'"):
        read_io(tmp_path / "book.xlsx", format="bcch")
    for name in ("czso", "bcch", "rda", "wiod2013_npz"):
        with pytest.raises(SchemaError, match="not a data frame"):
            read_io(PLAIN, format=name, unit="m")


def test_r_files(tmp_path: Path) -> None:
    pyreadr = pytest.importorskip("pyreadr")
    Z, F = world()
    rows = [f"{c}_{i}" for c in ("AAA", "BBB", "CCC") for i in ("01", "02")]
    uses = [f"{c}_{i}" for c in ("AAA", "BBB", "CCC") for i in ("C", "I")]
    frame = pd.DataFrame(np.hstack([Z, F]), rows, rows + uses)
    file = tmp_path / "world.rda"
    # pyreadr does not write row names, so that the first column holds the labels
    pyreadr.write_rdata(str(file), frame.rename_axis("label").reset_index(), df_name="w")
    with pytest.raises(SchemaError, match=r"holds 'w'; .*object_name=.*"):
        read_io(file, object_name="x", unit="m")
    io = read_io(file, flows="domestic", final_demand=uses, unit="m")
    np.testing.assert_array_equal(io.flows("domestic"), Z)

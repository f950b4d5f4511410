"""Statistics Canada's long tables: the symmetric one, and the one made from supply and use."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from spillover.errors import SchemaError, SpilloverWarning
from spillover.iotables import detect_format, read_io

if TYPE_CHECKING:
    from pathlib import Path

CROPS, FACTORIES = "Crop and animal production [BS11A]", "Manufacturing [BS3A0]"
GRAIN, FOOD, TEA = "Grains [M111B]", "Food [M31C0]", "Tea [M3119]"
HOUSEHOLDS = "Household final consumption expenditure [PEC00]"
EXPORTS, REEXPORTS = "International exports [INTEX]", "International re-exports [INTRX]"
IMPORTS = "International imports [INTIM]"


def table(cells: list[tuple[Any, ...]], keys: list[str]) -> pd.DataFrame:
    """A table in the publisher's columns, as in the parser tests of it-is-me-mario/MARIO."""
    frame = pd.DataFrame(cells, columns=[*keys, "VALUE"])
    rest = {
        "REF_DATE": 2019,
        "GEO": "Canada",
        "DGUID": "2016A000011124",
        "UOM": "Dollars",
        "UOM_ID": 81,
        "SCALAR_FACTOR": "millions",
        "SCALAR_ID": 6,
        "VECTOR": "v1",
        "COORDINATE": "1",
        "STATUS": "",
        "DECIMALS": 1,
    }
    return frame.assign(**rest)


def symmetric() -> pd.DataFrame:
    """Two industries; domestic flows with a row of imports and primary inputs."""
    cells = {
        (CROPS, CROPS): 10,
        (CROPS, FACTORIES): 30,
        (CROPS, HOUSEHOLDS): 50,
        (CROPS, EXPORTS): 7,
        (CROPS, REEXPORTS): 3,
        (CROPS, "Total use"): 100,
        (FACTORIES, CROPS): 20,
        (FACTORIES, FACTORIES): 60,
        (FACTORIES, HOUSEHOLDS): 80,
        (FACTORIES, EXPORTS): 40,
        (FACTORIES, "Total use"): 200,
        (IMPORTS, CROPS): 15,
        (IMPORTS, FACTORIES): 25,
        ("Wages and salaries [P5000]", CROPS): 55,
        ("Wages and salaries [P5000]", FACTORIES): 85,
    }
    rows = [("Basic price", s, u, v) for (s, u), v in cells.items()]
    return table(rows, ["Valuation", "Supply", "Use"])


def test_symmetric_table(tmp_path: Path) -> None:
    file = tmp_path / "36100084.csv"
    symmetric().to_csv(file, index=False)
    assert detect_format(file) == "statcan"
    with pytest.warns(SpilloverWarning, match="imports are known by buyer only"):
        io = read_io(file)
    assert (io.country, io.year, io.unit) == ("CAN", 2019, "million CAD")
    assert io.sectors == ("BS11A", "BS3A0")
    assert io.labels["BS3A0"] == "Manufacturing"
    np.testing.assert_array_equal(io.flows("domestic"), [[10, 30], [20, 60]])
    np.testing.assert_array_equal(io.final_demand, [50, 80])
    np.testing.assert_array_equal(io.exports, [10, 40])
    np.testing.assert_array_equal(io.output, [100, 200])
    assert not io.separates_imports


def test_year_geography_and_scale(tmp_path: Path) -> None:
    frame = symmetric()
    other = frame.assign(REF_DATE=2018, GEO="Alberta", VALUE=2 * frame["VALUE"])
    mixed = pd.concat([frame, frame.assign(REF_DATE=2020), other], ignore_index=True)
    mixed.loc[0, ["VALUE", "SCALAR_FACTOR"]] = [10_000.0, "thousands"]
    with zipfile.ZipFile(tmp_path / "36100084-eng.zip", "w") as archive:
        archive.writestr("36100084.csv", mixed.to_csv(index=False))
        archive.writestr("36100084_MetaData.csv", "Cube Title,Product Id\n")
    file = tmp_path / "36100084-eng.zip"
    assert detect_format(file) == "statcan"
    with pytest.warns(SpilloverWarning):
        io = read_io(file, country="Canada", year=2019)
    np.testing.assert_allclose(io.flows("domestic"), [[10, 30], [20, 60]])
    with pytest.warns(SpilloverWarning):
        west = read_io(file, country="Alberta", year=2018)
    np.testing.assert_allclose(west.output, [200, 400])
    assert west.country == "Alberta"
    with pytest.raises(SchemaError, match=r"no country 'Ontario'. Available: 'Alberta', 'Canada'"):
        read_io(file, country="Ontario", year=2019)
    with pytest.raises(SchemaError, match=r"no year 2018. Available: 2019–2020"):
        read_io(file, country="Canada", year=2018)


def supply_and_use() -> pd.DataFrame:
    """Crops make grain and some food; factories make food; tea is imported only."""
    cells = [
        ("Supply", "Basic price", CROPS, GRAIN, 100),
        ("Supply", "Basic price", CROPS, FOOD, 50),
        ("Supply", "Basic price", FACTORIES, FOOD, 150),
        ("Supply", "Basic price", "Total industries", FOOD, 200),
        ("Supply", "Basic price", IMPORTS, GRAIN, 20),
        ("Supply", "Basic price", IMPORTS, FOOD, 40),
        ("Supply", "Basic price", IMPORTS, TEA, 5),
        ("Use", "Basic price", CROPS, GRAIN, 10),
        ("Use", "Basic price", FACTORIES, GRAIN, 60),
        ("Use", "Basic price", FACTORIES, FOOD, 30),
        ("Use", "Basic price", CROPS, TEA, 1),
        ("Use", "Basic price", HOUSEHOLDS, GRAIN, 20),
        ("Use", "Basic price", HOUSEHOLDS, FOOD, 170),
        ("Use", "Basic price", HOUSEHOLDS, TEA, 4),
        ("Use", "Basic price", EXPORTS, GRAIN, 30),
        ("Use", "Basic price", EXPORTS, FOOD, 40),
        ("Use", "Basic price", CROPS, "Wages and salaries [P5000]", 139),
        ("Use", "Basic price", FACTORIES, "Wages and salaries [P5000]", 60),
        ("Use", "Purchaser price", FACTORIES, GRAIN, 66),
    ]
    rows = [(kind, value, industry, product, v) for kind, value, industry, product, v in cells]
    return table(rows, ["Supply and use", "Valuation", "Industry", "Product"])


def test_supply_and_use(tmp_path: Path) -> None:
    file = tmp_path / "36100478.csv"
    supply_and_use().to_csv(file, index=False)
    assert detect_format(file) == "statcan"
    with pytest.warns(SpilloverWarning, match=r"1 product\(s\) .* were left out \(uses of 5\)"):
        io = read_io(file)
    # a quarter of food is made on farms, so that a quarter of its uses and imports is theirs
    np.testing.assert_allclose(io.flows("total"), [[10, 60 + 7.5], [0, 22.5]])
    np.testing.assert_allclose(io.final_demand, [20 + 42.5, 127.5])
    np.testing.assert_allclose(io.exports, [30 + 10, 30])
    assert io.imports is not None
    np.testing.assert_allclose(io.imports, [20 + 10, 30])
    np.testing.assert_allclose(io.output, [150, 150])
    assert np.abs(io.balance()["gap"]).max() < 1e-9
    assert not io.separates_imports


def test_what_is_wrong_is_said() -> None:
    good = symmetric()
    cases = {
        "lacks the column.* 'Valuation'": good.drop(columns="Valuation"),
        "no rows with Valuation 'Basic price'; found 'Market'": good.assign(Valuation="Market"),
        "UOM 'Jobs', 'Dollars'": good.assign(UOM=["Jobs", *["Dollars"] * (len(good) - 1)]),
        "SCALAR_FACTOR 'dozens'": good.assign(SCALAR_FACTOR="dozens"),
        r"1 cell\(s\) occur twice": pd.concat([good, good.iloc[[0]]]),
        "no industries with codes": good.assign(Supply=good["Supply"].str.replace("BS", "ZZ")),
        "lacks the column 'Supply and use'": supply_and_use().drop(columns="Supply and use"),
    }
    for says, frame in cases.items():
        with pytest.raises(SchemaError, match=says):
            read_io(frame, format="statcan")


def test_an_archive_without_data(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a_MetaData.csv", "x\n")
    with pytest.raises(SchemaError, match="holds 0 CSV files of data"):
        read_io(tmp_path / "x.zip", format="statcan")

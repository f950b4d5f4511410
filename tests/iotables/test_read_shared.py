"""Every real table that we have: read, balanced, and compared with published results.

The files cannot be shipped; the tests skip where they are absent. Tolerances are those of the
sources: exact where uses are built as a residual, else the rounding of the printed cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from spillover.errors import SchemaError, SpilloverWarning
from spillover.iotables import IOTable, detect_format, read_io
from spillover.iotables.readers.sources import raw_sheets

if TYPE_CHECKING:
    from pathlib import Path

WIOD_YEARS = range(1995, 2012)


@pytest.fixture(scope="module")
def national(shared: Path) -> pd.DataFrame:
    return pd.read_parquet(shared / "io_wiod2013" / "wiod2013_national.parquet")


def rounding_only(io: IOTable, largest: float) -> None:
    assert io.balance()["gap"].abs().max() <= largest


@pytest.mark.parametrize("country", ["LTU", "CZE", "IDN"])
@pytest.mark.parametrize("year", [1995, 2000, 2011])
def test_wiod_national_is_the_cut_of_the_world(
    shared: Path, national: pd.DataFrame, country: str, year: int
) -> None:
    folder = shared / "io_wiod2013"
    one = read_io(national, country=country, year=year)
    assert not one.balance()["gap"].any()  # exports are the residual of the national tables
    with pytest.warns(SpilloverWarning, match="Its source rounds its cells"):
        world = read_io(folder / f"wiod2013_{year}.npz", country=country, tolerance=0.001)
    rounding_only(world, 113)
    assert one.sectors == world.sectors
    # whole millions are exact in single precision, their sums over partners nearly so
    for name in ("domestic", "imported", "final_demand", "output", "imports"):
        np.testing.assert_allclose(getattr(one, name), getattr(world, name), rtol=1e-6, atol=0.5)
    np.testing.assert_allclose(one.exports, world.exports, atol=113)
    assert world.labels["c14"].startswith("Electrical")


def test_wiod_national_all_countries_and_years(national: pd.DataFrame) -> None:
    for country in national["country"].unique():
        for year in (WIOD_YEARS[0], WIOD_YEARS[-1]):
            table = read_io(national, country=country, year=year, balance="ignore")
            assert not table.balance()["gap"].any()
            # value added contains taxes and margins; the source notes that it is never negative
            assert table.value_added().min() > -1


def test_wiod_value_added(national: pd.DataFrame) -> None:
    # noted with the data: value added with product taxes and margins, billion current US$
    for country, year, billions in (("CZE", 2000, 56.6), ("LTU", 2000, 11.4), ("IDN", 1995, 244.6)):
        table = read_io(national, country=country, year=year)
        assert table.value_added().sum() / 1000 == pytest.approx(billions, abs=0.05)


def test_wiod_names_what_exists(national: pd.DataFrame) -> None:
    with pytest.raises(SchemaError, match=r"no country 'KAZ'.*'CZE'.*'USA'"):
        read_io(national, country="KAZ", year=2000)
    with pytest.raises(SchemaError, match=r"CZE, has no year 2014.*Available: 1995–2011"):
        read_io(national, country="CZE", year=2014)


def test_czech_tables(shared: Path) -> None:
    folder = shared / "io_czech_czso_2015"
    total = read_io(folder / "SIOToxo2015s.xls")
    domestic = read_io(folder / "SIOToxo_dom2015s.xls")
    product = read_io(folder / "SIOTpxp2015s.xls")
    both = read_io(folder / "SIOToxo2015s.xls", domestic=folder / "SIOToxo_dom2015s.xls")
    for io in (total, domestic, product, both):
        assert len(io.sectors) == 82
        assert (io.country, io.year, io.unit) == ("CZE", 2015, "million CZK")
        rounding_only(io, 0)
    assert total.domestic is None
    assert domestic.total is None
    np.testing.assert_array_equal(both.flows(), total.flows())
    np.testing.assert_array_equal(both.flows("domestic"), domestic.flows("domestic"))
    assert both.flows("imported").min() >= 0
    # the domestic file prints imported inputs as a row (P.2 IMP) and value added (B.1g), which
    # with net taxes on products (D.21-D.31) is output less inputs
    raw = raw_sheets(folder / "SIOToxo_dom2015s.xls")["DOM_oxo"]
    foot = raw.iloc[90:].set_index(0)
    printed = foot.loc["P.2 IMP"].iloc[1:83].astype(float)
    np.testing.assert_allclose(both.flows("imported").sum(axis=0), printed, atol=0)
    remaining = foot.loc["B.1g"].iloc[1:83].astype(float).to_numpy()
    remaining = remaining + foot.loc["D.21-D.31"].iloc[1:83].astype(float).to_numpy()
    np.testing.assert_allclose(both.value_added(), remaining, atol=0)
    with pytest.raises(SchemaError, match="total flows first and the domestic one as domestic="):
        read_io(folder / "SIOToxo_dom2015s.xls", domestic=folder / "SIOToxo2015s.xls")


@pytest.mark.parametrize("year", [2008, 2013])
def test_chilean_tables(shared: Path, year: int) -> None:
    io = read_io(shared / "io_chile_bcch" / f"mip_{year}_bcch_12x12.xlsx")
    assert (io.country, io.year, len(io.sectors)) == ("CHL", year, 12)
    assert (io.unit == "million CLP") == (year == 2008)
    assert io.balance()["relative_gap"].abs().max() < 1e-12
    assert io.labels["3"] == ("Minería" if year == 2008 else "Industria manufacturera")


def test_chilean_coefficients_are_the_published_ones(shared: Path) -> None:
    file = shared / "io_chile_bcch" / "mip_2013_bcch_12x12.xlsx"
    io = read_io(file)
    for sheet, matrix in (
        ("2", io.technical_coefficients("domestic")),
        ("3", io.leontief("domestic")),
    ):
        printed = pd.read_excel(file, sheet_name=sheet, header=None).iloc[9:21, 2:14]
        np.testing.assert_allclose(matrix, printed.astype(float), rtol=1e-10, atol=1e-13)


def test_chilean_r_matrices_are_the_workbook(shared: Path) -> None:
    folder = shared / "io_chile_bcch"
    book = read_io(folder / "mip_2013_bcch_12x12.xlsx")
    with pytest.warns(SpilloverWarning, match="output is the sum of intermediate sales"):
        r = read_io(folder / "transaction_matrix.rda", flows="domestic", unit="m", balance="ignore")
    np.testing.assert_allclose(r.flows("domestic"), book.flows("domestic"), rtol=1e-12)
    assert r.sectors[0] == "agriculture_fishing"


def test_kazakh_social_accounting_matrix(shared: Path) -> None:
    folder = shared / "io_kazakhstan_gtap_sam"
    io = read_io(folder / "kazakhstan_sam57.csv", country="KAZ", year=2007)
    assert len(io.sectors) == 57
    assert not io.separates_imports
    # balanced to 0.01 by its makers
    rounding_only(io, 0.01)
    assert detect_format(folder / "sam57_12regions_long.parquet") == "sam"
    again = read_io(folder / "sam57_12regions_long.parquet", country="Kazakhstan")
    place = [again.sectors.index(sector) for sector in io.sectors]
    np.testing.assert_allclose(again.flows()[np.ix_(place, place)], io.flows(), atol=1e-3)
    with pytest.raises(SchemaError, match=r"no country 'China'.*'PRC'"):
        read_io(folder / "sam57_12regions_long.parquet", country="China")


def test_other_regions_of_the_social_accounting_matrix(shared: Path) -> None:
    file = shared / "io_kazakhstan_gtap_sam" / "sam57_12regions_long.parquet"
    frame = pd.read_parquet(file)
    for region in frame["region"].unique():
        io = read_io(frame, country=region, balance="ignore")
        assert io.balance()["relative_gap"].abs().max() < 2e-4
    with pytest.warns(SpilloverWarning, match=r"value added is negative in 1 .*'pfb'"):
        read_io(frame, country="Russia")


@pytest.fixture(scope="module")
def germany(shared: Path) -> IOTable:
    return read_io(shared / "io_small_reference" / "germany_1995.csv", flows="domestic")


def test_german_table_reproduces_the_manual(germany: IOTable) -> None:
    """Eurostat Manual of Supply, Use and Input-Output Tables (2008), ch. 15, tables 15.6-15.10.

    The values are those that the tests of the R package iotables (rOpenGov) state for the manual.
    """
    assert (germany.country, germany.year, germany.unit) == ("DE", 1995, "MIO_EUR")
    rounding_only(germany, 0)
    A = germany.technical_coefficients("domestic")
    for row, column, value in (
        ("A", "A", 0.0258),
        ("B-E", "B-E", 0.2822),
        ("F", "F", 0.0158),
    ):
        assert A.loc[row, column] == pytest.approx(value, abs=5e-5)
    L = germany.leontief("domestic")
    np.testing.assert_allclose(np.diag(L)[:3], [1.0339, 1.4292, 1.0289], atol=5e-5)
    backward = [1.7048, 1.8413, 1.8136, 1.6035, 1.5951, 1.3782]
    np.testing.assert_allclose(L.sum(axis=0), backward, atol=5e-5)
    B = germany.allocation_coefficients("domestic")
    assert B.loc["J-N", "A"] == pytest.approx(0.0053, abs=5e-5)
    assert B.loc["J-N", "J-N"] == pytest.approx(0.2790, abs=5e-5)
    ghosh = germany.ghosh("domestic")["A"]
    np.testing.assert_allclose(ghosh, [1.0339, 0.0118, 0.0037, 0.0103, 0.0117, 0.0043], atol=5e-5)


def test_dutch_table_from_a_matrix(shared: Path) -> None:
    io = read_io(
        shared / "io_small_reference" / "netherlands_2000.csv",
        flows="domestic",
        final_demand=[
            "final_consumption_private",
            "final_consumption_government",
            "gross_fixed_capital_formation",
        ],
        exports="exports",
        output="output_bp",
        ignore_rows=[
            "TOTAL",
            "imports",
            "net_tax",
            "total_use_pp",
            "compensation_employees",
            "value_added_bp",
        ],
        ignore_columns=["final_consumption_households", "total_use"],
        unit="million EUR",
        country="NLD",
        year=2000,
    )
    assert len(io.sectors) == 6
    rounding_only(io, 1)  # one sum of the source is off by its last digit
    # Spicosa / Beutel values in the tests of the R package iotables
    A = io.technical_coefficients("domestic")
    np.testing.assert_allclose(np.diag(A)[:3], [0.125, 0.023, 0.191], atol=5e-4)


def test_croatian_tables(shared: Path) -> None:
    folder = shared / "io_small_reference"
    files = {kind: folder / f"croatia_2010_{kind}.csv" for kind in (1700, 1800, 1900)}
    total = read_io(files[1700], flows="total", absolute=0.01)
    domestic = read_io(files[1800], flows="domestic", absolute=0.01)
    three = [
        read_io(files[1700], flows="total", domestic=files[1800], absolute=0.01),
        read_io(files[1700], flows="total", imported=files[1900], absolute=0.01),
        read_io(files[1800], flows="domestic", imported=files[1900], absolute=0.01),
    ]
    for io in (total, domestic, *three):
        assert len(io.sectors) == 65
        assert (io.country, io.year, io.unit) == ("HR", 2010, "T_NAC")
        # output and uses were estimated apart: C26 differs by 21 thousand kuna, 1.2e-5 of its
        # output; sector U has an output of practically zero
        assert io.balance()["relative_gap"].iloc[:-1].abs().max() < 2e-5
        assert io.balance()["gap"].abs().iloc[-1] <= 0.001
    for io in three:
        np.testing.assert_allclose(io.flows(), total.flows(), atol=1e-2)
        np.testing.assert_allclose(io.flows("domestic"), domestic.flows("domestic"), atol=1e-2)
        np.testing.assert_allclose(io.final_demand, domestic.final_demand, atol=1e-1)
        assert io.flows("imported").min() > -1e-6
    assert total.labels["A01"].startswith("Products of agriculture")
    with pytest.raises(SchemaError, match=r"'U' .*|U \(output"):
        read_io(files[1800], flows="domestic")


def test_fictitious_r_tables(shared: Path) -> None:
    pytest.importorskip("pyreadr")
    folder = shared / "io_small_reference"
    for name in ("wiodtest_data", "iciotest_data"):
        io = read_io(folder / f"{name}.rda", country="ESP", unit="million USD")
        assert io.sectors == ("01T09", "10T39", "41T98")
        assert io.balance()["relative_gap"].abs().max() < 1e-12
        with pytest.raises(SchemaError, match=r"no country 'ESPP'. Did you mean 'ESP'"):
            read_io(folder / f"{name}.rda", country="ESPP", unit="m")


@pytest.mark.parametrize("name", ["decompr_leather", "ioanalysis_toy.IO", "ioanalysis_toy.IO2"])
def test_r_lists_are_explained(shared: Path, name: str) -> None:
    pytest.importorskip("pyreadr")
    with pytest.raises(SchemaError, match="no data frame or matrix, such as a list"):
        read_io(shared / "io_small_reference" / f"{name}.rda", unit="m")


@pytest.mark.parametrize("country", ["CZE", "MEX", "CHN"])
def test_real_numbers_in_the_layout_of_the_oecd(shared: Path, tmp_path: Path, country: str) -> None:
    """WIOD's numbers written as an inter-country CSV give the table that the matrices give."""
    folder = shared / "io_wiod2013"
    places = (folder / "countries.txt").read_text(encoding="utf-8").split()
    codes = [f"c{k + 1}" for k in range(35)]
    rows = [f"{p}_{c}" for p in places for c in codes]
    uses = [f"{p}_{u}" for p in places for u in ("HFCE", "NPISH", "GGFC", "GFCF", "INVNT")]
    with np.load(folder / "wiod2013_2009.npz") as data:
        cells = np.hstack([data["Z"], data["F"], data["x"][:, None]])
    frame = pd.DataFrame(cells, index=rows, columns=[*rows, *uses, "OUT"])
    frame.to_csv(tmp_path / "2009_SML.csv", index_label="V1")
    assert detect_format(tmp_path / "2009_SML.csv") == "icio"
    one = read_io(tmp_path / "2009_SML.csv", country=country, balance="ignore")
    other = read_io(folder / "wiod2013_2009.npz", country=country, balance="ignore")
    assert one.sectors == other.sectors
    for name in ("domestic", "imported", "final_demand", "exports", "output", "imports"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-6)

"""World tables in every official layout give the same country table, known from plain loops."""

from __future__ import annotations

import importlib.util
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from spillover.errors import SchemaError, SpilloverWarning
from spillover.iotables import IOTable, detect_format, from_pymrio, read_io

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_spec = importlib.util.spec_from_file_location(
    "layouts", __file__.replace("test_world.py", "layouts.py")
)
layouts: Any = importlib.util.module_from_spec(_spec)
import sys  # noqa: E402

sys.modules["layouts"] = layouts
_spec.loader.exec_module(layouts)

W = layouts.world()
ADB_UNIT = "million USD"


def same(io: IOTable, country: str, scale: float = 1.0) -> None:
    """The table is the one cut out of the known world."""
    expected = layouts.known(W, country)
    np.testing.assert_allclose(io.flows("domestic"), scale * expected["domestic"], rtol=1e-9)
    np.testing.assert_allclose(io.flows("imported"), scale * expected["imported"], rtol=1e-9)
    for name in ("final_demand", "exports", "imports", "output"):
        np.testing.assert_allclose(getattr(io, name), scale * expected[name], rtol=1e-9)
    assert io.country == country
    assert np.abs(io.balance()["gap"]).max() < 1e-6


FILES: dict[str, tuple[Callable[..., Path], str, int, tuple[str, ...]]] = {
    "wiod2013": (layouts.wiod2013, "wiod2013", 2009, ("c1", "c2", "c3")),
    "wiod2016": (layouts.wiod2016, "wiod2016", 2014, ("A01", "B", "C10-C12")),
    "wiod2016 xlsb": (layouts.wiod2016_binary, "wiod2016", 2014, ("A01", "B", "C10-C12")),
    "wiod2016 csv": (layouts.wiod2016_csv, "wiod2016", 2014, ("A01", "B", "C10-C12")),
    "adb": (layouts.adb, "adb_mrio", 2021, ("c1", "c2", "c3")),
    "adb legacy": (
        lambda folder, w: layouts.adb(folder, w, legacy=True),
        "adb_mrio",
        2021,
        ("c1", "c2", "c3"),
    ),
    **{
        f"icio{release}": (
            lambda folder, w, r=release: layouts.icio(folder, w, r),
            "icio",
            year,
            layouts.ICIO_CODES[release],
        )
        for release, year in ((2016, 2011), (2018, 2014), (2021, 2018), (2025, 2022))
    },
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("country", ["KAZ", "AUS", "MEX", "ROW"])
def test_every_layout_gives_the_known_table(tmp_path: Path, name: str, country: str) -> None:
    if "xlsb" in name:
        pytest.importorskip("pyxlsb")
    write, format_, year, sectors = FILES[name]
    file = write(tmp_path, W)
    assert detect_format(file) == format_
    for kwargs in ({}, {"format": format_, "year": year}):
        io = read_io(file, country=country, **kwargs)
        same(io, country)
        assert (io.year, io.unit, io.sectors) == (year, "million USD", sectors)


@pytest.mark.parametrize("name", FILES)
def test_zip_archives_and_folders(tmp_path: Path, name: str) -> None:
    if "xlsb" in name:
        pytest.importorskip("pyxlsb")
    write, format_, year, _ = FILES[name]
    file = write(tmp_path / "", W)
    archive = layouts.zipped(tmp_path / "archive.zip", [file])
    folder = tmp_path / "folder"
    folder.mkdir()
    shutil.copy(file, folder)
    (folder / "readme.txt").write_text("not a table", encoding="utf-8")
    for place in (archive, folder):
        assert detect_format(place) == format_
        same(read_io(place, country="KAZ", year=year), "KAZ")


@pytest.mark.parametrize("name", FILES)
def test_wrong_country_and_year(tmp_path: Path, name: str) -> None:
    if "xlsb" in name:
        pytest.importorskip("pyxlsb")
    write, _, year, _ = FILES[name]
    file = write(tmp_path, W)
    with pytest.raises(SchemaError, match=r"no country 'KAS'. Did you mean 'KAZ'") as caught:
        read_io(file, country="KAS")
    assert str(caught.value).count("'AUS'") == 1  # the options are listed once
    with pytest.raises(SchemaError, match=r"'Kazakhstan'. Did you mean 'KAZ'\? Available: 'AUS'"):
        read_io(file, country="Kazakhstan")
    with pytest.raises(SchemaError, match="say country="):
        read_io(file)
    with pytest.raises(SchemaError, match=rf"no year 1850. Available: {year}\.$"):
        read_io(file, country="KAZ", year=1850)


def test_years_are_a_range(tmp_path: Path) -> None:
    frame = layouts.icio_frame(W, 2025)
    for year in range(2016, 2021):
        frame.to_csv(tmp_path / f"{year}_SML.csv", index_label="V1")
    with pytest.raises(SchemaError, match=r"has no year 2025. Available: 2016–2020\.$"):
        read_io(tmp_path, country="KAZ", year=2025)
    with pytest.raises(SchemaError, match=r"say year=. Available: 2016–2020\.$"):
        read_io(tmp_path, country="KAZ")
    assert read_io(tmp_path, country="KAZ", year=2019).year == 2019
    frame.to_csv(tmp_path / "ICIO2021_2018.csv", index_label="V1")
    with pytest.raises(SchemaError, match="holds 2 files for 2018"):
        read_io(tmp_path, country="KAZ", year=2018)


@pytest.mark.parametrize("release", [2016, 2018, 2021, 2025])
@pytest.mark.parametrize("country", ["KAZ", "MEX"])
def test_split_regions_are_added_up(tmp_path: Path, release: int, country: str) -> None:
    file = layouts.icio(tmp_path, W, release, split=True)
    same(read_io(file, country=country), country)
    with pytest.raises(SchemaError, match="no country 'MX1'"):
        read_io(file, country="MX1")


def test_icio_discrepancy_and_unknown_rows(tmp_path: Path) -> None:
    frame = layouts.icio_frame(W, 2016)
    frame.loc["KAZ_C10T14MIN", "DISC"] = 3.0
    frame.loc["OUT", "KAZ_C10T14MIN"] += 3.0
    frame.loc["EMPLOYMENT"] = 1.0
    frame.to_csv(tmp_path / "ICIO2016_2005.csv")
    with pytest.warns(SpilloverWarning, match=r"'EMPLOYMENT'.*discrepancy.*in all 3 for KAZ"):
        io = read_io(tmp_path / "ICIO2016_2005.csv", country="KAZ")
    assert io.final_demand[1] == layouts.known(W, "KAZ")["final_demand"][1] + 3.0


def test_icio_purchases_of_non_residents_are_exports(tmp_path: Path) -> None:
    frame = layouts.icio_frame(W, 2021)
    frame = frame.rename(columns={"KAZ_INVNT": "KAZ_NONRES"})
    frame.to_csv(tmp_path / "2010.csv", index_label="V1")
    io = read_io(tmp_path / "2010.csv", country="KAZ")
    expected = layouts.known(W, "KAZ")
    moved = W.F[3:6, 9]  # what industries of KAZ sold to that column
    np.testing.assert_allclose(io.exports, expected["exports"] + moved)
    np.testing.assert_allclose(io.final_demand, expected["final_demand"] - moved)


def test_an_icio_header_that_is_unknown(tmp_path: Path) -> None:
    frame = layouts.icio_frame(W, 2021)
    frame.rename(columns=lambda c: c.replace("HFCE", "CONS")).to_csv(tmp_path / "2010.csv")
    with pytest.raises(SchemaError, match="neither known final uses nor have a row: 'CONS'"):
        read_io(tmp_path / "2010.csv", format="icio", country="KAZ")
    frame.rename(columns=lambda c: c.replace("_", "-")).to_csv(tmp_path / "2011.csv")
    with pytest.raises(SchemaError, match=r"header is not that.*'AUS-01T02'.*Expected a CSV"):
        read_io(tmp_path / "2011.csv", format="icio", country="KAZ")
    only = frame[[c for c in frame.columns if "_HFCE" not in c]].copy()
    only.iloc[0, 0] = np.nan
    only.iloc[0, 1] = np.nan
    only.to_csv(tmp_path / "2012.csv")
    with (
        pytest.warns(SpilloverWarning, match="2 blank cell"),
        pytest.raises(SchemaError, match="does not balance"),
    ):
        read_io(tmp_path / "2012.csv", format="icio", country="AUS")


def test_constant_and_previous_prices(tmp_path: Path) -> None:
    rows = layouts.adb_rows(W, prices="constant 2010")
    layouts._write(tmp_path / "ADB MRIO 2009, at constant 2010 prices.xlsx", {"MRIO": rows})
    io = read_io(tmp_path / "ADB MRIO 2009, at constant 2010 prices.xlsx", country="KAZ")
    assert (io.unit, io.year) == ("million USD at constant 2010 prices", 2009)
    layouts._write(tmp_path / "WIOT2014_PYP_Nov16_ROW.xlsx", {"2014": layouts.wiod2016_rows(W)})
    io = read_io(tmp_path / "WIOT2014_PYP_Nov16_ROW.xlsx", country="KAZ")
    assert io.unit == "million USD at prices of the previous year"


def test_a_year_in_the_title_only(tmp_path: Path) -> None:
    layouts._write(tmp_path / "mine.xlsx", {"x": layouts.wiod2013_rows(W, 2003)})
    assert read_io(tmp_path / "mine.xlsx", country="KAZ").year == 2003
    with pytest.raises(SchemaError, match=r"no year 2004. Available: 2003"):
        read_io(tmp_path / "mine.xlsx", country="KAZ", year=2004)


def test_a_sheet_that_is_unknown(tmp_path: Path) -> None:
    rows = layouts.wiod2013_rows(W)
    layouts._write(tmp_path / "wiot09.xlsx", {"table": rows, "notes": [["text"]]})
    with pytest.raises(SchemaError, match=r"no sheet in the layout of 'adb_mrio'.*c42.*F1..F5"):
        read_io(tmp_path / "wiot09.xlsx", format="adb_mrio", country="KAZ")
    with pytest.raises(SchemaError, match=r"'notes' with no row of codes c1, c2, ... but 'text'"):
        read_io(tmp_path / "wiot09.xlsx", format="wiod2013", country="KAZ", sheet="notes")
    rows[6][4] = "n.a."
    layouts._write(tmp_path / "wiot10.xlsx", {"table": rows})
    with pytest.raises(SchemaError, match=r"row AUS c1 has a cell that is not a number: 'n.a.'"):
        read_io(tmp_path / "wiot10.xlsx", country="AUS")
    (tmp_path / "empty").mkdir()
    for format_ in ("wiod2013", "wiod2016", "adb_mrio", "icio", "eora26"):
        with pytest.raises(SchemaError, match="empty holds nothing; expected"):
            read_io(tmp_path / "empty", format=format_, country="KAZ")


def test_missing_optional_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    for module, write, format_ in (
        ("pyxlsb", layouts.wiod2016_binary, "wiod2016"),
        ("pymrio", lambda folder, w: layouts.exiobase(folder / "exio", w), "exiobase3"),
    ):
        file = write(tmp_path, W)
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda n, m=module: None if n == m else real(n)
        )
        with pytest.raises(SchemaError, match=rf"{module}.*pip install 'spillover\[mrio\]'"):
            read_io(file, format=format_, country="KAZ")


def test_wiod2016_frames(tmp_path: Path) -> None:
    frame = layouts.wiod2016_frame(W)
    assert detect_format(frame) == "wiod2016"
    same(read_io(frame, country="KAZ"), "KAZ")
    stacked = pd.concat([frame.assign(Year=2013.0), frame], ignore_index=True)
    with pytest.raises(SchemaError, match=r"say year=. Available: 2013–2014"):
        read_io(stacked, country="KAZ")
    same(read_io(stacked, country="KAZ", year=2013), "KAZ")
    stacked.to_csv(tmp_path / "all.csv", index=False)
    assert read_io(tmp_path / "all.csv", country="KAZ", year=2013).year == 2013
    assert read_io(frame, country="KAZ").labels["B"] == "Mining, quarrying"
    with pytest.raises(SchemaError, match="has no final uses such as AUS57"):
        read_io(frame.loc[:, ~frame.columns.str.contains("57|58|59|60|61")], country="KAZ")
    with pytest.raises(SchemaError, match="lacks 'Year'"):
        read_io(frame.drop(columns="Year"), country="KAZ")


def test_wiod2016_r_file(tmp_path: Path) -> None:
    pyreadr = pytest.importorskip("pyreadr")
    file = tmp_path / "WIOT2014_October16_ROW.RData"
    pyreadr.write_rdata(str(file), layouts.wiod2016_frame(W), df_name="wiot")
    assert detect_format(file) == "wiod2016"
    same(read_io(file, country="KAZ"), "KAZ")
    archive = layouts.zipped(tmp_path / "WIOTS_in_R.zip", [file])
    same(read_io(archive, country="KAZ", year=2014), "KAZ")
    broken = tmp_path / "WIOT2013_October16_ROW.RData"
    broken.write_bytes(b"no R file")
    with pytest.raises(SchemaError, match=r"as.data.frame\(\)"):
        read_io(broken, country="KAZ")


def test_wiod2013_r_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyreadr = pytest.importorskip("pyreadr")
    objects = {
        "inter95": pd.DataFrame(W.Z),
        "final95": pd.DataFrame(W.F),
        "output95": pd.DataFrame({"output95": W.output}),
        "countries": pd.DataFrame({"countries": ["AUS", "KAZ", "MEX", "RoW"]}),
        "industries": pd.DataFrame({"industries": ["c1", "c2", "c3"]}),
    }
    monkeypatch.setattr(pyreadr, "read_r", lambda path: objects)
    file = tmp_path / "wiod95.rda"
    file.write_bytes(b"")
    assert detect_format(file) == "wiod2013"
    io = read_io(file, country="KAZ")
    same(io, "KAZ")
    assert (io.year, io.sectors) == (1995, ("c1", "c2", "c3"))
    del objects["countries"]
    with pytest.raises(SchemaError, match="lacks 'countries'"):
        read_io(file, country="KAZ")
    objects["countries"] = pd.DataFrame({"countries": ["AUS", "KAZ"]})
    with pytest.raises(SchemaError, match="do not fit 2 countries and 3 industries"):
        read_io(file, country="KAZ")


def test_eora(tmp_path: Path) -> None:
    folder = layouts.eora(tmp_path / "Eora26_2015_bp", W)
    assert detect_format(folder) == "eora26"
    io = read_io(folder, country="KAZ", year=2015)
    same(io, "KAZ")
    assert (io.unit, io.year, io.sectors) == ("thousand USD", 2015, layouts.NAMES)
    archive = layouts.zipped(tmp_path / "Eora26_2015_bp.zip", sorted(folder.iterdir()))
    same(read_io(archive, country="KAZ"), "KAZ")
    with pytest.raises(SchemaError, match=r"no year 2016. Available: 2015"):
        read_io(folder, country="KAZ", year=2016)


def test_eora_labels_beside_the_archive(tmp_path: Path) -> None:
    folder = layouts.eora(tmp_path / "raw", W)
    data = [f for f in folder.iterdir() if f.name.startswith("Eora26")]
    labels = [f for f in folder.iterdir() if f.name.startswith("labels")]
    archive = layouts.zipped(tmp_path / "Eora26_2015_bp.zip", data)
    with pytest.raises(SchemaError, match=r"lacks 'labels_T.txt', 'labels_FD.txt'"):
        read_io(archive, country="KAZ")
    layouts.zipped(tmp_path / "indices.zip", labels)
    same(read_io(archive, country="KAZ"), "KAZ")


def test_eora_discrepancies_are_said(tmp_path: Path) -> None:
    folder = layouts.eora(tmp_path / "raw", W)
    file = folder / "Eora26_2015_bp_VA.txt"
    table = np.loadtxt(file)
    table[0, 4] += 500.0
    np.savetxt(file, table, delimiter="\t")
    with pytest.warns(SpilloverWarning, match=r"1 of 3 sectors \('Mining, quarrying'\)"):
        read_io(folder, country="KAZ")
    labels = folder / "labels_T.txt"
    text = labels.read_text(encoding="utf-8")
    labels.write_text(text.replace("ROW\tIndustries\tAgri", "ROW\tTotal\tAgri X"), encoding="utf-8")
    amount = W.Z[9, 3:6].sum() + W.F[9, 5:10].sum()
    with pytest.warns(SpilloverWarning, match=rf"imports of {amount:.6g} of products that KAZ has"):
        read_io(folder, country="KAZ")
    labels.write_text(text + "a\tb\n", encoding="utf-8")
    with pytest.raises(SchemaError, match=r"line\(s\) 13 have fewer than the four columns"):
        read_io(folder, country="KAZ")
    labels.write_text("\n".join(text.splitlines()[:-1]), encoding="utf-8")
    with pytest.raises(SchemaError, match="the labels list 31 columns"):
        read_io(folder, country="KAZ")
    for name in ("T", "FD", "VA"):
        (folder / f"Eora26_2015_bp_{name}.txt").rename(folder / f"Eora26_2015_pp_{name}.txt")
    with pytest.raises(SchemaError, match="purchasers' prices only"):
        read_io(folder, country="KAZ")


def test_pymrio_systems(tmp_path: Path) -> None:
    pymrio = pytest.importorskip("pymrio")
    folder = layouts.exiobase(tmp_path / "IOT_2011_ixi", W)
    assert detect_format(folder) == "exiobase3"
    io = read_io(folder, country="KAZ")
    same(io, "KAZ")
    assert (io.unit, io.year) == ("M.EUR", 2011)
    (tmp_path / "none").mkdir()
    with pytest.raises(SchemaError, match="pymrio cannot read"):
        read_io(tmp_path / "none", format="exiobase3", country="KAZ")
    system = pymrio.load_all(folder)
    same(from_pymrio(system, "KAZ", year=2011), "KAZ")
    system.unit.iloc[0, 0] = "kg"
    with pytest.raises(SchemaError, match="different units"):
        from_pymrio(system, "KAZ")
    with pytest.raises(SchemaError, match=r"has no (Z|A)"):
        from_pymrio(object(), "KAZ")


def test_pymrio_coefficients(tmp_path: Path) -> None:
    pymrio = pytest.importorskip("pymrio")
    system = pymrio.load_all(layouts.exiobase(tmp_path / "x", W))
    system.calc_all()
    Z = system.Z
    system.Z = None
    same(from_pymrio(system, "KAZ"), "KAZ")
    system.Z = Z
    world = pymrio.load_test()
    io = from_pymrio(world, "reg2", unit="million EUR")
    own = world.Z.loc["reg2"]
    np.testing.assert_allclose(io.flows("domestic"), own["reg2"])
    abroad = world.Z.drop("reg2", level="region").groupby(level="sector").sum()
    np.testing.assert_allclose(io.flows("imported"), abroad["reg2"].loc[list(io.sectors)])


def test_scales_do_not_matter(tmp_path: Path) -> None:
    """Other numbers, another place of the country: the cut follows."""
    bigger = layouts.World(1000 * W.Z, 1000 * W.F)
    same(read_io(layouts.icio(tmp_path, bigger, 2021), country="KAZ"), "KAZ", scale=1000.0)

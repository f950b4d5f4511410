"""Fetching public tables, without a network: pooch is replaced."""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import spillover as sp
from spillover import _fetch, _public
from spillover.errors import SchemaError, SpilloverError

_spec = importlib.util.spec_from_file_location(
    "layouts", Path(__file__).parent / "iotables" / "layouts.py"
)
layouts = importlib.util.module_from_spec(_spec)
sys.modules["layouts"] = layouts
_spec.loader.exec_module(layouts)
W = layouts.world()


class FakePooch(types.ModuleType):
    """What ``_fetch`` uses of pooch; ``content`` is what every address holds."""

    def __init__(self, content: bytes | Exception, registry: dict[str, str] | None = None) -> None:
        super().__init__("pooch")
        self.content, self.calls, self.registry = content, [], registry or {}

    def retrieve(self, url, known_hash, fname, path):
        self.calls.append((url, known_hash, fname))
        if isinstance(self.content, Exception):
            raise self.content
        Path(path).mkdir(parents=True, exist_ok=True)
        (Path(path) / fname).write_bytes(self.content)

    def os_cache(self, name):
        return Path("unused") / name

    def create(self, path, base_url):
        self.calls.append((base_url,))
        return self

    def load_registry_from_doi(self):
        self.calls.append("registry")


@pytest.fixture
def pooch(monkeypatch, tmp_path):
    """A publisher that has the OECD's table in a zip archive."""
    folder = tmp_path / "publisher"
    folder.mkdir()
    files = []
    for year in (2016, 2017):
        file = layouts.icio(folder, W, 2025)
        files.append(file.rename(folder / f"{year}.csv"))
    archive = layouts.zipped(folder / "2016-2020.zip", files)
    fake = FakePooch(archive.read_bytes())
    monkeypatch.setitem(sys.modules, "pooch", fake)
    monkeypatch.setattr(_fetch, "need", lambda *_: None)
    return fake


def test_fetch_once_then_from_the_cache(pooch, tmp_path):
    path = sp.datasets.fetch("icio2023", year=2017, folder=tmp_path)
    assert path == tmp_path / "icio2023" / "icio2023_2016-2020.zip"
    (url, known, _), *rest = pooch.calls
    assert not rest
    assert known is None
    assert url == _public.TABLES["icio2023"].addresses[2016, 2020]
    recorded = path.with_name(f"{path.name}.sha256").read_text(encoding="utf-8")
    assert recorded.split() == [hashlib.sha256(pooch.content).hexdigest(), url]
    assert sp.datasets.fetch("icio2023", year=2016, folder=tmp_path) == path
    assert len(pooch.calls) == 1
    path.write_bytes(b"damaged")
    with pytest.raises(SpilloverError, match="differs from the checksum recorded"):
        sp.datasets.fetch("icio2023", year=2016, folder=tmp_path)


def test_io_table_reads_what_it_fetched(pooch, tmp_path, monkeypatch):
    monkeypatch.setenv("SPILLOVER_CACHE", str(tmp_path / "cache"))
    io = sp.datasets.io_table("icio2023", country="KAZ", year=2016)
    np.testing.assert_allclose(io.flows("domestic"), layouts.known(W, "KAZ")["domestic"])
    assert io.year == 2016
    assert (tmp_path / "cache" / "icio2023").is_dir()


@pytest.mark.parametrize("error", [OSError("no route to host"), ValueError("wrong hash")])
def test_offline_says_what_to_do(monkeypatch, tmp_path, error):
    monkeypatch.setitem(sys.modules, "pooch", FakePooch(error))
    monkeypatch.setattr(_fetch, "need", lambda *_: None)
    with pytest.raises(SpilloverError) as caught:
        sp.datasets.fetch("wiod2016", folder=tmp_path)
    message = str(caught.value)
    for part in (
        "https://dataverse.nl/api/access/datafile/199104",
        str(error),
        str(tmp_path / "wiod2016" / "wiod2016_2000-2014.zip"),
        "https://doi.org/10.34894/PJ2M1C",
        "SPILLOVER_CACHE",
    ):
        assert part in message


def test_a_file_placed_by_hand_is_used(tmp_path):
    place = tmp_path / "eora26"
    with pytest.raises(SpilloverError, match=r"Register.*worldmrio.*Place the file for 2015") as e:
        sp.datasets.fetch("eora26", year=2015, folder=tmp_path)
    assert str(place) in str(e.value)
    layouts.eora(place, W)
    assert sp.datasets.fetch("eora26", year=2015, folder=tmp_path) == place
    io = sp.datasets.io_table("eora26", country="KAZ", year=2015, folder=tmp_path)
    assert io.unit == "thousand USD"
    book = tmp_path / "adb_mrio"
    book.mkdir()
    file = layouts.adb(book, W)
    assert sp.datasets.fetch("adb_mrio", folder=tmp_path) == file
    direct = tmp_path / "wiod2016"
    direct.mkdir()
    (direct / "WIOTS_in_EXCEL.zip").write_bytes(b"mine")
    assert sp.datasets.fetch("wiod2016", folder=tmp_path) == direct / "WIOTS_in_EXCEL.zip"


def test_checksums_of_the_repository_are_used(monkeypatch, tmp_path):
    fake = FakePooch(b"table", {"IOT_2011_ixi.zip": "md5:abc"})
    monkeypatch.setitem(sys.modules, "pooch", fake)
    monkeypatch.setattr(_fetch, "need", lambda *_: None)
    sp.datasets.fetch("exiobase3", year=2011, folder=tmp_path)
    assert fake.calls == [
        ("doi:10.5281/zenodo.15689391/",),
        "registry",
        (
            "https://zenodo.org/records/15689391/files/IOT_2011_ixi.zip",
            "md5:abc",
            "IOT_2011_ixi.zip",
        ),
    ]
    with pytest.raises(SpilloverError, match=r"has no file IOT_2012_ixi.zip"):
        sp.datasets.fetch("exiobase3", year=2012, folder=tmp_path)


def test_wrong_names_and_years(tmp_path):
    with pytest.raises(SchemaError, match=r"no public table 'icio20233'. Did you mean 'icio2023'"):
        sp.datasets.fetch("icio20233", folder=tmp_path)
    with pytest.raises(SchemaError, match=r"icio2023 has no year 2024. Available: 1995–2020\.$"):
        sp.datasets.fetch("icio2023", year=2024, folder=tmp_path)
    with pytest.raises(SchemaError, match="has several files: say year="):
        sp.datasets.fetch("icio2023", folder=tmp_path)
    with pytest.raises(SchemaError, match="has several files: say year="):
        sp.datasets.fetch("icio2016", folder=tmp_path)


def test_pooch_is_named_where_it_is_absent(tmp_path, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pooch" else real(name)
    )
    with pytest.raises(SchemaError, match=r"'pooch'.*pip install 'spillover\[mrio\]'"):
        sp.datasets.fetch("wiod2016", folder=tmp_path)


def test_the_list_of_tables():
    listed = sp.datasets.tables()
    assert listed["name"].tolist() == list(_public.TABLES)
    assert set(listed["download"]) == {"direct", "by hand"}
    for name, table in _public.TABLES.items():
        assert table.format in sp.iotables.read.FORMATS
        assert re.match(r"https://", table.page)
        assert bool(table.addresses) != bool(table.by_hand), name
        assert table.checksum_reason or table.doi
        spans = sorted(table.addresses)
        if spans and table.first is not None:
            assert (spans[0][0], spans[-1][1]) == (table.first, table.last)
            pairs = itertools.pairwise(spans)
            assert all(a[1] + 1 == b[0] for a, b in pairs)

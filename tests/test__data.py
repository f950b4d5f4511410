"""Finding shipped files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spillover import _data
from spillover.errors import SchemaError

if TYPE_CHECKING:
    from pathlib import Path


def test_finds_checkout_and_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "spillover"
    (package / "_data").mkdir(parents=True)
    (tmp_path / "site" / "data").mkdir()
    (package / "_data" / "a.csv").write_text("x", encoding="utf-8")
    monkeypatch.setattr(_data, "_PACKAGE", package)
    assert _data.data_path("a.csv") == package / "_data" / "a.csv"
    with pytest.raises(SchemaError, match=r"ships no data file 'b/c\.csv'"):
        _data.data_path("b", "c.csv")


def test_missing_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_data, "_PACKAGE", tmp_path / "spillover")
    with pytest.raises(SchemaError, match="data folder of spillover is missing"):
        _data.data_path("x")

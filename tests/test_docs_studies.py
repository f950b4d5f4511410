"""The page on the catalogue's Monte Carlo: in step with the stored record, and sound."""

from __future__ import annotations

import importlib.util
import json
import sys
from argparse import Namespace
from pathlib import Path

import pytest

import spillover as sp

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "benchmarks" / "results" / "montecarlo_studies.json"
PAGE = ROOT / "docs" / "validation-studies.md"


@pytest.fixture
def script(monkeypatch):
    """The benchmark as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    path = ROOT / "benchmarks" / "montecarlo_studies.py"
    spec = importlib.util.spec_from_file_location("montecarlo_studies", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "montecarlo_studies", module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def record():
    if not RECORD.is_file():
        pytest.skip("no stored record; python benchmarks/montecarlo_studies.py makes it")
    return json.loads(RECORD.read_text(encoding="utf-8"))


def test_the_table_is_that_of_the_record(script, record):
    page = PAGE.read_text(encoding="utf-8")
    assert script.fill(page, record) == page


def test_the_record_holds_every_study_with_its_published_coefficients(script, record):
    assert set(record["studies"]) == set(script.runnable())
    for name, one in record["studies"].items():
        assert one["failures"] == {}, name
        assert one["equation"] == sp.studies[name].replica_design.equation
        assert one["table"], name
        printed = sp.studies[name].estimates()
        printed = printed[printed["equation"] == one["equation"]].set_index("term")["effect"]
        for row in one["table"]:
            assert row["draws"] == one["draws"]
            if not row["chosen"]:
                assert row["truth"] == pytest.approx(printed[row["term"]], abs=1e-5)


def test_means_are_within_chance_of_the_truth(record):
    for name, one in record["studies"].items():
        if one["draws"] < 30:
            pytest.skip("a record of few draws")
        for row in one["table"]:
            gap = abs(row["mean"] - row["truth"])
            assert gap < 4 * row["error_of_mean"] + 1e-4, (name, row)


def test_one_study_can_be_run_and_laid_out(script):
    given = Namespace(draws=3, scale=0.2, seed=5, workers=1)
    found = script.run_study("takii_2005", given)
    assert found["failures"] == {}
    assert [row["term"] for row in found["table"]] == list(
        sp.studies["takii_2005"].replica(5).truth
    )
    text = script.to_markdown({"takii_2005": found})
    assert "3 draws (seeds 5 to 7), 0.2 of the published size" in text
    assert "(chosen)" in text
    made = script.fill("a\n<!-- studies -->\nold\n<!-- end -->\nb", {"studies": {"t": found}})
    assert made.startswith("a\n<!-- studies -->\nSYNTHETIC replicas: 3 draws")
    with pytest.raises(ValueError, match="0 places"):
        script.fill("nothing", {"studies": {"t": found}})


def test_a_draw_that_fails_is_counted(script, monkeypatch):
    def refuse(*rest, **more):
        raise sp.SchemaError("no panel\nat all")

    monkeypatch.setattr(sp.studies["takii_2005"].__class__, "replica", refuse)
    table = script.one_draw("takii_2005", 1, 0.2)
    assert table["failed"].tolist() == ["no panel"]

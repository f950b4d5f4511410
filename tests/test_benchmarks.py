"""The benchmarks at a small size: contenders agree, and the committed records are complete."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
SAME = 1e-9

for peer in ("duckdb", "polars", "pyfixest", "threadpoolctl"):
    pytest.importorskip(peer, reason="the benchmarks' peers are not installed")


@pytest.fixture
def script(monkeypatch):
    """Import a script of the folder as running it would."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


@pytest.fixture(scope="module")
def panel_path(tmp_path_factory):
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.syspath_prepend(str(FOLDER))
    path = tmp_path_factory.mktemp("benchmarks") / "firms.parquet"
    pq.write_table(importlib.import_module("linkages").firm_table(20_000), path)
    monkeypatch.undo()
    return path


@pytest.mark.parametrize("attach", [False, True], ids=["measures", "attach"])
def test_all_ways_to_the_linkage_measures_agree(script, panel_path, attach):
    linkages = script("linkages")
    entries = linkages.contenders(panel_path, attach)
    ready = {name: prepare(*rest) for name, (prepare, *rest) in entries.items()}
    found = linkages.compare(ready, attach)
    assert set(found) == set(entries)
    assert max(found.values()) < SAME


def test_a_wrong_or_missing_number_counts_as_a_difference(script):
    difference = script("linkages").largest_difference
    right = pd.DataFrame({"horizontal": [0.1, 0.2]})
    assert difference(right, right) == 0
    assert difference(right * (1 + 1e-6), right) == pytest.approx(1e-6)
    assert difference(right.where(right > 0.1), right) == np.inf
    assert difference(right.head(1), right) == np.inf


def test_twenty_definitions_together_and_apart_agree(script, tmp_path):
    definitions, path = script("definitions"), tmp_path / "firms.parquet"
    pq.write_table(definitions.full_table(20_000), path)
    assert definitions.largest_difference(path) < SAME
    ways = [definitions.ONE, definitions.TWENTY]
    found = definitions.stage(path, "polars", ways, ["horizontal", "backward", "forward"], 1, 0)
    assert set(found["same_process"]) == set(ways)
    assert set(found["times_one_definition"]) == {definitions.TWENTY}


@pytest.mark.filterwarnings("ignore")  # the peers', about their own singletons
def test_all_absorbing_estimators_agree(script):
    absorption = script("absorption")
    found = absorption.differences(absorption.firm_panel(2_000))
    assert set(found) == {*absorption.PYFIXEST, *absorption.LINEARMODELS}
    loose = "pyfixest, alternating projections"  # its tolerance of 1e-6 is for the fitted effects
    assert found.pop(loose) < 1e-6
    assert max(found.values()) < SAME


def test_all_absorbers_leave_the_same(script):
    absorption = script("absorption")
    found = absorption.absorbers(absorption.firm_panel(3_000))
    left = found[absorption.OURS]()
    within, loose = "pyfixest, within", "pyfixest, alternating projections"
    assert set(found) == {absorption.OURS, within, loose}
    np.testing.assert_allclose(found[within]()[0], left, atol=1e-4)
    np.testing.assert_allclose(found[loose]()[0], left, atol=1e-2)


def test_memory_and_time_of_a_first_run(script, panel_path, monkeypatch):
    common, linkages, sent = script("_common"), script("linkages"), []
    monkeypatch.setattr(common, "QUIET", np.inf)  # never mind what else the machine does
    arguments = (panel_path, "sum", False)
    common._measure(SimpleNamespace(send=sent.append), linkages.prepare_pandas, arguments)
    (answer,) = sent
    assert 0 < answer.run.seconds < 60
    assert -5 < answer.memory_mb < 1000  # a small panel is within the reading's noise


def test_turns_keep_the_order_and_leave_the_warm_up_out(script, monkeypatch):
    common, calls = script("_common"), []
    monkeypatch.setattr(common, "QUIET", np.inf)  # never mind what else the machine does
    contenders = {name: (lambda name=name: calls.append(name)) for name in ("a", "b")}
    found = common.in_turns(contenders, runs=2, warmups=1)
    assert calls == ["a", "b"] * 3
    assert {entry["runs"] for entry in found.values()} == {2}
    assert all(entry["min"] <= entry["median"] <= entry["max"] for entry in found.values())


RECORDS = {
    "linkages": ("measures", "measures_and_attach", "read_firms"),
    "absorption": (
        "estimation",
        "absorption_alone",
        "fresh_process",
        "largest_relative_difference",
    ),
    "definitions": (
        *(f"{library}, three measures" for library in ("polars", "pandas", "pyarrow")),
        "polars, seven measures",
        "largest_difference",
    ),
}


def stored(name):
    path = FOLDER / "results" / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"no stored record; python benchmarks/{name}.py makes it")
    return json.loads(path.read_text())


@pytest.mark.parametrize("name", RECORDS)
def test_committed_records_are_complete(name):
    record = stored(name)
    assert record["benchmark"] == name
    assert record["sizes"]
    environment = record["environment"]
    assert {"python", "cpus", "memory_gb", "blas", "versions"} <= set(environment)
    assert {"duckdb", "pandas", "polars", "pyfixest", "spillover"} <= set(environment["versions"])
    assert set(RECORDS[name]) <= set(record)


@pytest.mark.parametrize("stage", ["measures", "measures_and_attach"])
def test_committed_linkages_agree_at_full_size(stage):
    record = stored("linkages")
    assert record["sizes"]["firm_years"] == 10_000_000
    assert max(record[stage]["largest_relative_difference"].values()) < SAME
    for place in ("same_process", "fresh_process"):
        assert set(record[stage][place]) == set(record[stage]["largest_relative_difference"])


def test_committed_absorption_agrees_at_full_size():
    record = stored("absorption")
    assert record["sizes"]["rows"] == 1_000_000
    found = record["largest_relative_difference"]
    assert found["pyfixest, within, tolerance 1e-12"] < SAME
    assert found["linearmodels, AbsorbingLS"] < 1e-6


def test_committed_definitions_agree_at_full_size():
    record = stored("definitions")
    assert record["sizes"] == {
        "firm_years": 10_000_000,
        "industries": 60,
        "years": 12,
        "definitions": 20,
    }
    assert record["largest_difference"] < SAME


@pytest.mark.parametrize("stage", RECORDS["definitions"][:-1])
def test_committed_definitions_cost_what_they_say(stage):
    """Twenty in one call take at most twice the time of one, and less than twenty calls."""
    one, twenty, apart = "one definition", "twenty definitions", "twenty calls"
    record = stored("definitions")[stage]
    times = record["same_process"]
    assert {one, twenty} <= set(times)
    for entry in times.values():
        assert 0 < entry["min"] <= entry["median"] <= entry["max"] < 60
        assert entry["runs"] >= 3
    for way, ratio in record["times_one_definition"].items():
        assert ratio == pytest.approx(times[way]["median"] / times[one]["median"], abs=0.006)
    assert 1 < record["times_one_definition"][twenty] <= 2
    if apart in times:
        assert times[apart]["median"] > times[twenty]["median"]
    for entry in record.get("fresh_process", {}).values():
        assert 0 < entry["seconds"]["min"] < 60
        assert 0 <= entry["memory_mb"] < 4000  # the panel itself has 600 MB


def test_records_name_no_machine_and_no_path():
    for path in (FOLDER / "results").glob("*.json"):
        text = path.read_text()
        assert "/" not in text.replace("s/", "")
        assert "hostname" not in text

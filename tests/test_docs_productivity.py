"""The pages on productivity: in the site, runnable, and in step with the stored numbers."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

import spillover as sp

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
RESULTS = ROOT / "benchmarks" / "results"


@pytest.fixture
def script(monkeypatch):
    """Import a benchmark by name."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))

    def load(name):
        spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load


def record(name):
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"no stored record; python benchmarks/{name}.py makes it")
    return json.loads(path.read_text(encoding="utf-8"))


def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


def test_every_page_is_in_the_site():
    yaml = pytest.importorskip("yaml")
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]

    def names(items):
        for item in items:
            for value in item.values():
                yield from [value] if isinstance(value, str) else names(value)

    assert sorted(names(nav)) == sorted(path.name for path in DOCS.glob("*.md"))


def test_monte_carlo_tables_are_those_of_the_record(script):
    found = record("montecarlo_productivity")
    module = script("montecarlo_productivity")
    assert set(found["designs"]) == set(module.CASES)
    assert module.fill(page("validation-productivity.md"), found) == page(
        "validation-productivity.md"
    )
    for name, design in found["designs"].items():
        assert design["panels"] >= 200, name
        assert not design["failures"], name
        assert {row["method"] for row in design["table"]} == set(module.CASES[name].methods)


def test_what_ought_to_be_biased_is_and_what_ought_not_is_not():
    found = {
        name: {(row["method"], row["coefficient"]): row for row in design["table"]}
        for name, design in record("montecarlo_productivity")["designs"].items()
    }
    right = [
        ("acf1", "acf"),
        ("acf2", "acf"),
        ("acf2", "lp"),
        ("acf3", "acf"),
        ("op_exit", "op"),
        ("gnr", "gnr"),
        ("gnr_ces", "gnr"),
        ("endogenous", "acf, one step"),
    ]
    for design, method in right:
        rows = [row for (label, _), row in found[design].items() if label == method]
        for row in rows:
            assert abs(row["bias"]) < 0.03, (design, row)
            # the third design leaves acf a bias of a standard deviation, as its authors found
            assert row["coverage"] > (0.75 if design == "acf3" else 0.85), (design, row)
    wrong = [(design, "ols") for design in found]
    wrong += [("acf1", "lp"), ("acf3", "lp"), ("op_exit", "op, no exit correction")]
    wrong += [("gnr", "acf, gross output"), ("gnr", "lp, gross output")]
    wrong += [("endogenous", "two steps (acf with an exogenous law, then the law with presence)")]
    for design, method in wrong:
        row = found[design][method, "capital"]
        assert abs(row["bias"]) > 0.1, (design, row)
        assert abs(row["bias"]) > 10 * row["error_of_mean"], (design, row)


def test_tables_can_be_made_of_any_record(script):
    module = script("montecarlo_productivity")
    row = {
        "method": "acf",
        "coefficient": "capital",
        "truth": 0.4,
        "mean": 0.4,
        "bias": -0.0001,
        "error_of_mean": 0.001,
        "rmse": 0.01,
        "panels": 200,
        "coverage": 0.945,
        "intervals": 200,
    }
    rows = [row, {**row, "coverage": None}]
    table = module.to_markdown(rows)
    assert "| acf | capital | 0.400 | 0.400 | 0.000 | 0.001 | 0.010 | 0.94 (200) |" in table
    made = module.fill("<!-- gnr -->\nold\n<!-- end -->", {"designs": {"gnr": {"table": rows}}})
    assert made == f"<!-- gnr -->\n{table}\n<!-- end -->"
    with pytest.raises(ValueError, match="0 places for gnr"):
        module.fill("nothing", {"designs": {"gnr": {"table": rows}}})


def test_benchmark_table_is_that_of_the_record(script):
    found = record("productivity")
    assert script("productivity").fill(page("benchmarks.md"), found) == page("benchmarks.md")
    assert found["what"].startswith("50,000 firm-years, 200 draws, 2 workers")
    for one in found["methods"].values():
        assert one["ratio"] >= 20
        assert one["beta"]["spillover"] == pytest.approx(one["beta"]["prodest"], abs=1e-4)


def test_peer_tables_are_what_the_estimators_give(script, shared, monkeypatch):
    monkeypatch.setenv("SPILLOVER_SHARED", str(shared))
    module = script("peers_productivity")
    old = page("validation-peers.md")
    made = module.fill(old, module.tables())
    number = re.compile(r"-?\d[\d,]*\.?\d*(?:e-?\d+)?")
    for before, now in zip(old.splitlines(), made.splitlines(), strict=True):
        assert number.sub("", before) == number.sub("", now)
        if "e-" in now:  # differences at the level of rounding vary with the machine
            continue
        ours, theirs = (
            [float(x.replace(",", "")) for x in number.findall(t)] for t in (now, before)
        )
        assert ours == pytest.approx(theirs, abs=2e-4), now


@pytest.mark.filterwarnings("ignore::spillover.errors.SpilloverWarning")
def test_the_example_with_a_second_step_runs():
    """The page's own code, with fewer draws, on a synthetic panel."""
    blocks = re.findall(r"```python\n(.*?)```", page("productivity.md"), re.DOTALL)
    data = sp.simulate.production("endogenous", firms=150, rng=1).data
    frame = data.assign(backward=data["horizontal"], industry="15")
    (block,) = [text for text in blocks if "second_step" in text]
    block = block.replace("draws=200", "draws=3").replace("workers=2", "progress=False")
    block = block.replace('cluster="industry^year"', 'cluster="firm"')
    space = {"sp": sp, "panel": frame}
    exec(compile(block, "productivity.md", "exec"), space)
    table = space["result"].second_step()
    assert table["term"].tolist() == ["backward"]
    assert table["std_error"].notna().all()
    for text in blocks:
        compile(text, "productivity.md", "exec")

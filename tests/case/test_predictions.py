"""The predictions table: complete, traceable, in own words, with verdicts that follow."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import spillover as sp
from spillover.case.predictions import VERDICTS, verdict
from spillover.errors import SchemaError

ROOT = Path(__file__).resolve().parents[2]
RUN = 8
TEXTS = (
    "data/kazakhstan/sourcing.csv",
    "data/kazakhstan/predictions.csv",
    "docs/kazakhstan.md",
    *(f"spillover/case/{name}.py" for name in
      ("sourcing", "presence", "counterfactual", "sourcing_sensitivity", "predictions", "worlds",
       "worlds_specifications")),
    "spillover/simulate/worlds.py",
    "spillover/simulate/worlds_design.py",
)  # fmt: skip


@pytest.fixture(scope="module")
def found() -> sp.case.Predictions:
    return sp.case.predictions()


def test_verdicts_follow_from_the_sides(found):
    for row in found.table.itertuples():
        assert row.verdict == verdict(row.data_says, row.case_says), row.id


def test_every_verdict_occurs(found):
    assert (found.counts() > 0).all()
    assert found.counts().index.tolist() == list(VERDICTS)


def test_rows_are_complete_and_unique(found):
    table = found.table
    assert table["id"].is_unique
    wanted = ["implication", "if_spillovers", "if_none", "data", "case", "verdict", "reason"]
    assert (table[wanted] != "").all().all()
    told = table["data_says"].isin(["spillovers", "none"])
    assert (table.loc[told, "data_source"] != "").all()
    assert (table.loc[table["case_says"] == "none", "evidence"] != "").all()
    needed = {"sign", "size", "interaction", "industries", "time"}
    assert needed <= set(table["aspect"])


def test_evidence_exists(found):
    known = set(sp.case.kazakhstan().evidence["id"])
    listed = {i for ids in found.table["evidence"] for i in ids.split(";") if i}
    assert listed <= known


def test_published_numbers_are_those_of_the_papers(found, shared):
    notes = (shared.parent / "literature" / "published_meta_results.md").read_text()
    printed = set(re.findall(r"-?\d+\.\d+", notes))
    rows = found.table[found.table["data_source"].str.contains("Irsova")]
    numbers = set(re.findall(r"-?\d+\.\d+", " ".join(rows["data"])))
    assert len(numbers) >= 10
    assert numbers <= printed


@pytest.mark.parametrize("name", ["sourcing", "predictions"])
def test_columns_are_in_the_codebook_and_counts_in_the_readme(name):
    table = getattr(sp.case, name)().table
    book = sp.case.kazakhstan().codebook(name)
    assert set(book["column"]) == set(table.columns)
    controlled = book[book["value"] != ""].groupby("column")["value"].agg(set)
    for column, allowed in controlled.items():
        assert set(table[column]) == allowed, column
    text = (ROOT / "data" / "kazakhstan" / "README.md").read_text(encoding="utf-8")
    line = next(one for one in text.splitlines() if one.startswith(f"| `{name}.csv`"))
    assert f"| {len(table)} |" in line


def test_filter(found):
    assert set(found.filter(verdict="agree").table["verdict"]) == {"agree"}
    assert set(found.filter(aspect="sign").table["aspect"]) == {"sign"}
    with pytest.raises(SchemaError, match="Did you mean 'disagree'"):
        found.filter(verdict="disagre")
    assert "19 implications" in repr(found)
    assert found.table["case"].iloc[0] in found._repr_html_()


def test_no_run_of_eight_words_is_shared_with_the_thesis(shared):
    path = shared.parent / "seed" / "thesis.txt"
    if not path.is_file():
        pytest.skip(f"the thesis is not at {path}")

    def runs(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"[^\W_]+", text.casefold())
        return {tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}

    known = runs(path.read_text(encoding="utf-8"))
    shared_runs = {
        name: {" ".join(run) for run in runs((ROOT / name).read_text(encoding="utf-8")) & known}
        for name in TEXTS
    }
    assert {name: same for name, same in shared_runs.items() if same} == {}


def test_tables_are_the_callers_own():
    first = sp.case.predictions()
    first.table.loc[0, "case"] = "changed"
    assert sp.case.predictions().table.loc[0, "case"] != "changed"
    assert isinstance(first.table, pd.DataFrame)

"""fsQCA against R's QCA on the example data of the packages QCA and SetMethods."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spillover.case import fsqca

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "fsqca.json").read_text())
CASES = REFERENCE["results"]
LABELS = [f"{one['spec']['data']}-{one['spec']['outcome']}-{one['spec']['incl']}" for one in CASES]


def sets(shared, spec) -> pd.DataFrame:
    path = shared / "qca" / f"{spec['data']}.csv"
    if not path.exists():
        pytest.skip("the QCA example data are not at hand")
    columns = [*spec["conditions"], spec["outcome"].lstrip("~")]
    return pd.read_csv(path, index_col=0)[columns].dropna()


def table_of(shared, spec) -> fsqca.TruthTable:
    return fsqca.truth_table(
        sets(shared, spec),
        spec["outcome"],
        spec["conditions"],
        consistency=spec["incl"],
        frequency=spec["n"],
    )


def compare(models, expected) -> None:
    ours = {frozenset(model.terms["term"]): model for model in models}
    assert set(ours) == {frozenset(model["terms"]) for model in expected}
    for model in expected:
        found = ours[frozenset(model["terms"])]
        assert [found.consistency, found.pri, found.coverage] == pytest.approx(
            model["whole"], abs=1e-9
        )
        by_term = found.terms.set_index("term").loc[model["terms"]]
        for column, name in (("consistency", "incl"), ("pri", "pri"), ("coverage", "cov")):
            np.testing.assert_allclose(by_term[column], model[name], atol=1e-9)


@pytest.mark.parametrize("case", CASES, ids=LABELS)
def test_the_truth_table_is_that_of_qca(shared, case):
    table = table_of(shared, case["spec"])
    expected = case["table"]
    assert table.rows["outcome"].tolist() == expected["out"]
    assert table.rows["n"].tolist() == expected["n"]
    observed = table.rows["outcome"] != "?"
    for column, name in (("consistency", "incl"), ("pri", "pri")):
        theirs = np.array(expected[name], dtype=float)[observed]
        np.testing.assert_allclose(table.rows.loc[observed, column], theirs, atol=1e-9)


@pytest.mark.parametrize("kind", ["complex", "parsimonious"])
@pytest.mark.parametrize("case", CASES, ids=LABELS)
def test_complex_and_parsimonious_solutions_are_those_of_qca(shared, case, kind):
    compare(fsqca.minimise(table_of(shared, case["spec"]), kind).models, case[kind])


@pytest.mark.parametrize("case", CASES, ids=LABELS)
def test_intermediate_solutions_are_those_of_qca(shared, case):
    spec = case["spec"]
    directions = dict(zip(spec["conditions"], spec["expect"], strict=True))
    expectations = {name: bool(int(v)) for name, v in directions.items() if v != "-"}
    solution = fsqca.minimise(table_of(shared, spec), "intermediate", expectations=expectations)
    compare(solution.models, [model for pair in case["intermediate"] for model in pair])


@pytest.mark.parametrize("case", CASES, ids=LABELS)
def test_necessity_is_that_of_qca(shared, case):
    spec = case["spec"]
    data = sets(shared, spec)
    table = fsqca.necessary_conditions(data, spec["outcome"].lstrip("~"), spec["conditions"])
    ours = table.set_index("condition").loc[spec["conditions"]]
    for column, name in (("consistency", "incl"), ("coverage", "cov"), ("relevance", "ron")):
        np.testing.assert_allclose(ours[column], case["necessity"][name], atol=1e-9)

"""How far a solution hangs on the researcher's cuts."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pandas as pd

from spillover.case.fsqca.solution import Kind, minimise
from spillover.case.fsqca.truth_table import truth_table
from spillover.errors import IdentificationError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def robustness(
    data: pd.DataFrame | Mapping[str, pd.DataFrame],
    outcome: str,
    conditions: Sequence[str],
    *,
    kind: Kind = "parsimonious",
    expectations: Mapping[str, bool] | None = None,
    consistency: Sequence[float] = (0.75, 0.8, 0.85, 0.9),
    pri: Sequence[float] = (0.0, 0.5),
    frequency: Sequence[int] = (1, 2),
) -> pd.DataFrame:
    """Solve the table for every combination of cuts, and of calibrations if several are given.

    Parameters
    ----------
    data : pandas.DataFrame or mapping of str to pandas.DataFrame
        Memberships; several calibrations by name.
    outcome : str
    conditions : sequence of str
    kind, expectations
        As in :func:`minimise`.
    consistency, pri, frequency : sequences
        Cuts to try.

    Returns
    -------
    pandas.DataFrame
        One row per minimal model: calibration, consistency_cut, pri_cut, frequency_cut,
        expression, consistency, pri, coverage, models (how many the cuts leave), and why (if there
        is no solution).

    Raises
    ------
    SchemaError

    Examples
    --------
    >>> cases = pd.DataFrame({"A": [0.9, 0.8, 0.1], "B": [0.7, 0.2, 0.3], "Y": [0.9, 0.7, 0.2]})
    >>> table = robustness(cases, "Y", ["A", "B"], pri=[0], frequency=[1])
    >>> table["expression"].unique().tolist()
    ['A']
    """
    versions = {"": data} if isinstance(data, pd.DataFrame) else dict(data)
    if not versions:
        raise SchemaError("data holds no calibration.")
    rows = []
    for name, cut, low, cases in product(versions, consistency, pri, frequency):
        head = (name, cut, low, cases)
        try:
            table = truth_table(
                versions[name], outcome, conditions, consistency=cut, pri=low, frequency=cases
            )
            solution = minimise(table, kind, expectations=expectations)
        except IdentificationError as error:
            rows.append((*head, "", *[float("nan")] * 3, 0, str(error)))
            continue
        rows += [
            (*head, m.expression, m.consistency, m.pri, m.coverage, len(solution.models), "")
            for m in solution.models
        ]
    columns = ["calibration", "consistency_cut", "pri_cut", "frequency_cut", "expression"]
    return pd.DataFrame(rows, columns=[*columns, "consistency", "pri", "coverage", "models", "why"])

"""Which single conditions, present or absent, are necessary for the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.case.fsqca.expression import check_sets, membership
from spillover.case.fsqca.fit import necessity

if TYPE_CHECKING:
    from collections.abc import Sequence


def necessary_conditions(
    data: pd.DataFrame, outcome: str, conditions: Sequence[str]
) -> pd.DataFrame:
    """Measure the necessity of every condition and of its negation.

    Parameters
    ----------
    data : pandas.DataFrame
        One row per case, memberships between 0 and 1.
    outcome : str
        A column, or ``~`` and a column for its absence.
    conditions : sequence of str

    Returns
    -------
    pandas.DataFrame
        condition, consistency, coverage, relevance; most consistent first. A consistency of 0.9
        and a relevance well above a half are the usual demands.

    Raises
    ------
    SchemaError

    Examples
    --------
    >>> cases = pd.DataFrame({"A": [0.9, 0.7, 0.2], "Y": [0.8, 0.6, 0.1]})
    >>> necessary_conditions(cases, "Y", ["A"]).round(2).loc[0, "consistency":].tolist()
    [1.0, 0.83, 0.8]
    """
    check_sets(data, list(conditions))
    y = membership(outcome, data).to_numpy(dtype=np.float64)
    rows = []
    for name in conditions:
        for literal in (name, f"~{name}"):
            found = necessity(membership(literal, data).to_numpy(dtype=np.float64), y)
            rows.append((literal, found.consistency, found.coverage, found.relevance))
    table = pd.DataFrame(rows, columns=["condition", "consistency", "coverage", "relevance"])
    return table.sort_values("consistency", ascending=False, kind="stable", ignore_index=True)

"""The truth table: every combination of conditions, its cases, and what they say of the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.case.fsqca.expression import check_sets, membership, term_membership
from spillover.case.fsqca.fit import sufficiency
from spillover.errors import SchemaError, preview

if TYPE_CHECKING:
    from collections.abc import Sequence

MANY = 12
"""Above this many conditions the table has more than 4,096 rows and no cases to fill them."""
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class TruthTable:
    """The combinations of conditions and their outcome.

    Attributes
    ----------
    rows : pandas.DataFrame, (2 ** conditions, ...)
        One row per combination: the conditions (0 or 1), outcome ("1", "0", "C" contradictory,
        "?" without enough cases: a remainder), n (cases), consistency, pri, cases.
    data : pandas.DataFrame
        The memberships.
    outcome : str
    conditions : tuple of str
    consistency, pri, contradiction : float
        The cuts.
    frequency : int
        Cases below which a combination is a remainder.
    """

    rows: pd.DataFrame
    data: pd.DataFrame
    outcome: str
    conditions: tuple[str, ...]
    consistency: float
    pri: float
    contradiction: float
    frequency: int

    @property
    def observed(self) -> pd.DataFrame:
        """The combinations that are no remainders.

        Returns
        -------
        pandas.DataFrame
        """
        return self.rows[self.rows["outcome"] != "?"]

    def numbers(self, *outcomes: str) -> frozenset[int]:
        """Return the combinations with these outcomes, each as the number its conditions spell.

        Parameters
        ----------
        *outcomes : {"1", "0", "C", "?"}

        Returns
        -------
        frozenset of int
            The first condition is the most significant digit, so A*B is 3 and A*~B is 2.
        """
        return frozenset(self.rows.index[self.rows["outcome"].isin(outcomes)].tolist())

    def __repr__(self) -> str:
        head = (
            f"Truth table of {self.outcome}: {len(self.data)} cases, {len(self.conditions)} "
            f"conditions, {len(self.observed)} of {len(self.rows)} combinations observed "
            f"(consistency >= {self.consistency:g}, PRI >= {self.pri:g}, n >= {self.frequency})"
        )
        return head + "\n" + self._shown().to_string(float_format=lambda v: f"{v:.3f}")

    def _repr_html_(self) -> str:
        table = self._shown().to_html(float_format=lambda v: f"{v:.3f}", border=0, na_rep="")
        return f"<div><p><b>{repr(self).splitlines()[0]}</b></p>{table}</div>"

    def _shown(self) -> pd.DataFrame:
        shown = self.observed.sort_values(
            ["outcome", "consistency"], ascending=[False, False], kind="stable"
        )
        return shown.assign(cases=[", ".join(map(str, cases)) for cases in shown["cases"]])


def truth_table(
    data: pd.DataFrame,
    outcome: str,
    conditions: Sequence[str],
    *,
    consistency: float = 0.8,
    pri: float = 0.0,
    contradiction: float | None = None,
    frequency: int = 1,
) -> TruthTable:
    """Lay the cases out by their combination of conditions.

    Parameters
    ----------
    data : pandas.DataFrame
        One row per case (its name the index), memberships between 0 and 1.
    outcome : str
        A column, or ``~`` and a column for its absence.
    conditions : sequence of str
        Columns. Fifteen cases cannot carry more than about four.
    consistency : float
        Least consistency with which a combination counts as sufficient.
    pri : float
        Least proportional reduction in inconsistency as well; 0.5 is often asked for.
    contradiction : float, optional
        Consistency from which a combination that is not sufficient counts as contradictory
        ("C") and not as "0". Without it there are none.
    frequency : int
        Least number of cases; combinations with fewer are remainders.

    Returns
    -------
    TruthTable

    Raises
    ------
    SchemaError
        For columns or cuts that are not valid, and for conditions in which a case has membership
        of exactly 0.5, so that it belongs to no combination.

    Notes
    -----
    A case belongs to the combination in which its membership exceeds 0.5; consistency and PRI of a
    combination are over all cases.

    References
    ----------
    Ragin, C. C. (2008). Redesigning Social Inquiry, ch. 7. University of Chicago Press.

    Examples
    --------
    >>> cases = pd.DataFrame({"A": [0.9, 0.8, 0.1], "B": [0.7, 0.2, 0.3], "Y": [0.9, 0.7, 0.2]},
    ...                      index=["x", "y", "z"])
    >>> truth_table(cases, "Y", ["A", "B"]).numbers("1")
    frozenset({2, 3})
    """
    names = tuple(conditions)
    lower = consistency if contradiction is None else contradiction
    _check_conditions(names, outcome)
    _check_cuts(consistency, pri, lower, frequency)
    sets = check_sets(data, names)
    y = membership(outcome, data).to_numpy(dtype=np.float64)
    for j, name in enumerate(names):
        on = data.index[sets[:, j] == 0.5]
        if len(on):
            raise SchemaError(
                f"{name!r} is exactly 0.5 for {preview(on)}, which so belong to no combination. "
                "Move the cross-over, or drop the cases."
            )
    size = len(names)
    home = (sets > 0.5) @ (1 << np.arange(size)[::-1])
    rows = []
    for number in range(2**size):
        corner = tuple((number >> (size - 1 - j)) & 1 for j in range(size))
        cases = tuple(data.index[home == number])
        fit = sufficiency(term_membership(corner, sets), y)
        value = "?"
        if len(cases) >= frequency:
            enough = fit.consistency >= consistency - ROUNDING and (
                pri == 0 or fit.pri >= pri - ROUNDING
            )
            value = "1" if enough else "C" if lower <= fit.consistency < consistency else "0"
        rows.append((*corner, value, len(cases), fit.consistency, fit.pri, cases))
    columns = [*names, "outcome", "n", "consistency", "pri", "cases"]
    return TruthTable(
        pd.DataFrame(rows, columns=columns),
        data[[*names, outcome.lstrip("~ ")]].astype(float),
        outcome,
        names,
        consistency,
        pri,
        lower,
        frequency,
    )


def _check_conditions(names: tuple[str, ...], outcome: str) -> None:
    if not names or len(set(names)) < len(names):
        raise SchemaError("conditions must be a list of different columns.")
    if len(names) > MANY:
        raise SchemaError(
            f"{len(names)} conditions make {2 ** len(names):,} combinations; at most {MANY} are "
            "taken. Combine conditions into broader sets."
        )
    if outcome.lstrip("~ ") in names:
        raise SchemaError(f"The outcome {outcome!r} is among the conditions.")
    reserved = {"outcome", "n", "consistency", "pri", "cases"} & {*names}
    if reserved:
        raise SchemaError(f"Rename {preview(sorted(reserved))}: the table has columns so named.")


def _check_cuts(consistency: float, pri: float, lower: float, frequency: int) -> None:
    cuts = {"consistency": consistency, "pri": pri, "contradiction": lower}
    for name, cut in cuts.items():
        if not 0 <= cut <= 1:
            raise SchemaError(f"{name}={cut!r} must lie between 0 and 1.")
    if lower > consistency:
        raise SchemaError("contradiction= must not exceed consistency=.")
    if not isinstance(frequency, int | np.integer) or frequency < 1:
        raise SchemaError(f"frequency={frequency!r} must be a whole number of at least 1.")

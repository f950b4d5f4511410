"""Close the small gaps of an input-output table, and say what was changed."""

from __future__ import annotations

import html
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spillover.errors import SchemaError
from spillover.iotables.balance import check_balance
from spillover.iotables.balancing import Balanced, gras
from spillover.iotables.validation import deducted

if TYPE_CHECKING:
    from spillover.iotables.table import IOTable

Array = NDArray[np.float64]
_USES = ("final_demand", "exports")


@dataclass(frozen=True, eq=False, repr=False)
class BalancedTable:
    """An input-output table whose gaps were closed.

    Attributes
    ----------
    table : IOTable
        The balanced table.
    changes : DataFrame
        One row per changed cell, the largest change first: row (supplying sector), column (using
        sector, ``final_demand`` or ``exports``), before, after, change (unit of the table).
    fit : Balanced
        Iterations and what is left of the gaps.
    before : float
        Largest relative gap of a sector before.
    """

    table: IOTable
    changes: pd.DataFrame
    fit: Balanced
    before: float

    def __repr__(self) -> str:
        moved = float(self.changes["change"].abs().sum())
        share = moved / float(self.table.output.sum())
        text = f"{len(self.changes)} cells changed by {moved:,.4g} in all ({share:.2g} of output)"
        if len(self.changes):
            top = self.changes.iloc[0]
            text += f", most {top['row']}→{top['column']} ({top['change']:+,.4g})"
        return f"BalancedTable({text}; largest relative gap was {self.before:.2g})"

    def _repr_html_(self) -> str:
        head = self.changes.head(10).to_html(index=False, border=0, float_format="{:,.5g}".format)
        return f"<div><p>{html.escape(repr(self))}</p>{head}</div>"


def balance_table(
    io: IOTable, *, tolerance: float = 0.05, tol: float = 1e-10, max_iterations: int = 1000
) -> BalancedTable:
    """Make uses equal output in every sector, by GRAS.

    Output, imports, imported flows and the intermediate purchases of every sector (hence its value
    added) stay as they are. Intermediate flows, final demand and exports move; the sums of the
    latter two by one common factor.

    Parameters
    ----------
    io : IOTable
    tolerance : float
        Largest gap to accept, as a share of a sector's output. Balancing is for rounding and
        small statistical discrepancies; a large gap is an error to find, not to spread.
    tol, max_iterations
        As in :func:`gras`.

    Returns
    -------
    BalancedTable

    Raises
    ------
    SchemaError
        If a gap exceeds ``tolerance``, or there is no final use to take up the difference.
    ConvergenceError
        If the zeros of the table do not allow a balance.

    Examples
    --------
    >>> from spillover.iotables import IOTable
    >>> io = IOTable.from_arrays(["food", "steel"], domestic=[[1, 3], [2, 2]], final_demand=[6, 1],
    ...                          exports=[0, 5], output=[10.2, 9.9], unit="m")
    >>> result = balance_table(io)
    >>> bool(result.table.balance()["gap"].abs().max() < 1e-8)
    True
    """
    check_balance(io, tolerance, 0.0, stacklevel=3)
    Z = io.domestic if io.domestic is not None else io.flows("total")
    first = np.column_stack([Z, io.final_demand, io.exports])
    imports = deducted(io.domestic, io.imports)
    rows = io.output if imports is None else io.output + imports
    uses = first.sum(axis=0)
    final, rest = float(uses[-2:].sum()), float(rows.sum() - uses[:-2].sum())
    if final == 0 or rest / final <= 0:
        msg = (
            f"{io!r}: final demand and exports sum to {final:,.5g} and should sum to {rest:,.5g}; "
            "there is no final use to take up the difference. Give final_demand= or exports=."
        )
        raise SchemaError(msg)
    columns = uses.copy()
    columns[-2:] *= rest / final
    names = [*io.sectors, *_USES]
    fit = gras(first, rows, columns, tol, max_iterations, row_names=io.sectors, column_names=names)
    flows, imported = fit.matrix[:, :-2], io.imported
    known = {"total": flows} if io.domestic is None else {"domestic": flows}
    if io.domestic is not None and imported is not None:
        known["total"] = flows + imported
    table = replace(io, **known, final_demand=fit.matrix[:, -2], exports=fit.matrix[:, -1])  # type: ignore[arg-type]
    before = float(np.abs(io.balance()["relative_gap"]).max())
    return BalancedTable(table, _changes(first, fit.matrix, io.sectors, names), fit, before)


def _changes(
    before: Array, after: Array, rows: tuple[str, ...], columns: list[str]
) -> pd.DataFrame:
    """List the cells that differ by more than rounding."""
    change = after - before
    cells = np.argwhere(np.abs(change) > 1e-12 * np.abs(before).max(initial=0.0))
    where = tuple(cells.T)
    frame = pd.DataFrame(
        {
            "row": [rows[i] for i, _ in cells],
            "column": [columns[j] for _, j in cells],
            "before": before[where],
            "after": after[where],
            "change": change[where],
        }
    )
    order = frame["change"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True)

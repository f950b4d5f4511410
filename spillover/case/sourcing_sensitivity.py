"""Backward against local sourcing, from none to all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.case.backward import mean_weights, positions
from spillover.case.presence import PresenceChange, check_sourcing, presence_levels
from spillover.case.sourcing import LEVELS, Sourcing
from spillover.errors import SchemaError
from spillover.linkage.definition import JAVORCIK_2004, LinkageDefinition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.iotables import IOTable

    Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class SourcingSensitivity:
    """Backward against local sourcing, from none to all.

    Attributes
    ----------
    curves : pandas.DataFrame
        varied ("every buyer", or a sector of :func:`.sourcing`, with the others at the case's
        central value), local_sourcing (0 to 1), backward (mean of the industries, percentage
        points).
    industries : pandas.DataFrame
        code, sector, low, central, high: Backward with the case's sourcing; textbook: with all
        purchases local.
    definition : LinkageDefinition
    weights : (industries,) array
        What each industry counts in the mean: its part of output.
    """

    curves: pd.DataFrame
    industries: pd.DataFrame
    definition: LinkageDefinition
    weights: Array

    def tidy(self) -> pd.DataFrame:
        """Return the mean of Backward with the case's sourcing and with the textbook's.

        Returns
        -------
        pandas.DataFrame
            One row: low, central, high, textbook (percentage points).
        """
        columns = [*LEVELS, "textbook"]
        means = {name: [float(self.weights @ self.industries[name])] for name in columns}
        return pd.DataFrame(means)

    def __repr__(self) -> str:
        row = self.tidy().iloc[0]
        return (
            f"SourcingSensitivity(mean Backward in points: {row['textbook']:.2f} if all is bought "
            f"at home, {row['low']:.2f} to {row['high']:.2f} with the case's sourcing)"
        )


def sourcing_sensitivity(
    io: IOTable,
    presence: PresenceChange | Mapping[str, float | tuple[float, float, float]],
    *,
    sourcing: Sourcing | None = None,
    industries: Sequence[str] | None = None,
    definition: LinkageDefinition = JAVORCIK_2004,
    names: Mapping[str, str] | None = None,
    steps: int = 11,
) -> SourcingSensitivity:
    """Compute Backward for local sourcing from 0 to 1, for all buyers and one sector at a time.

    Parameters
    ----------
    io : IOTable
    presence : PresenceChange, or mapping of sector to points or (low, central, high)
        A change of presence, or its level, in percentage points; central values are used.
    sourcing, industries, definition, names
        As in :func:`counterfactual`.
    steps : int
        Points from 0 to 1, 2 or more.

    Returns
    -------
    SourcingSensitivity
        Draw it with :func:`spillover.plot.sourcing`.

    Raises
    ------
    SchemaError, ConcordanceError
        As :func:`counterfactual`.

    Notes
    -----
    Backward is linear in local sourcing, so each curve is a line: what differs is its slope, the
    presence of the buyer times what it buys.

    Examples
    --------
    >>> import spillover as sp
    >>> io = sp.IOTable.from_arrays(["C10T12", "C29"], total=[[0, 80], [20, 0]], output=[150, 100],
    ...     unit="million USD")
    >>> sourcing_sensitivity(io, {"C29": 10.0}, industries=["C10T12"])
    SourcingSensitivity(mean Backward in points: 10.00 if all is bought at home, 0.00 to 1.50 with \
the case's sourcing)
    """
    if not isinstance(steps, int) or steps < 2:
        raise SchemaError(f"steps={steps!r}: give a whole number of 2 or more.")
    rows = check_sourcing(sourcing).assign(io, names)
    weights = mean_weights(io, rows, industries, definition)
    change = presence_levels(io, presence)[1]
    part = weights.buyers * change
    central = rows["central"].to_numpy(dtype=np.float64)
    grid = np.linspace(0, 1, steps)
    curves = [pd.DataFrame({"local_sourcing": grid, "backward": grid * part.sum()})]
    labels = ["every buyer"]
    for sector in dict.fromkeys(rows["sector"]):
        mine = (rows["sector"] == sector).to_numpy()
        if not (part[mine] != 0).any():
            continue
        rest = float((central * part)[~mine].sum())
        line = rest + grid * float(part[mine].sum())
        curves.append(pd.DataFrame({"local_sourcing": grid, "backward": line}))
        labels.append(sector)
    at = positions(io, rows, industries)
    found = rows.loc[at, ["code", "sector"]].reset_index(drop=True)
    for level in LEVELS:
        found[level] = weights.shares @ (rows[level].to_numpy(dtype=np.float64) * change)
    found["textbook"] = weights.shares @ change
    table = pd.concat(curves, keys=labels, names=["varied"]).reset_index("varied")
    return SourcingSensitivity(table.reset_index(drop=True), found, definition, weights.mean)

"""Key sectors of an input-output table: backward and forward linkage indices."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, SpilloverWarning, preview
from spillover.iotables import shares

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.iotables.table import Flows, IOTable

    Array = NDArray[np.float64]


def key_linkages(io: IOTable, *, flows: Flows = "total") -> pd.DataFrame:
    """Compare sectors by how much they pull on, and push, the rest of the economy.

    Parameters
    ----------
    io : IOTable
    flows : {"total", "domestic", "imported"}
        Which intermediate flows. Linkages within the country need ``"domestic"``; ``"total"``
        takes imported inputs for domestic ones and so describes the technology.

    Returns
    -------
    pandas.DataFrame
        One row a sector, in the order of the table: sector, label, backward, forward (indices
        without a unit, 1 on average over the sectors), and key (whether both exceed 1). A sector
        without output and flows has missing indices and does not count in the averages.

    Raises
    ------
    SchemaError
        If the flows are not known, or no sector has output.
    IdentificationError
        If an inverse does not exist.

    Warns
    -----
    SpilloverWarning
        If the sales of a sector exceed its output, as total flows do where imports are large: its
        forward linkage and those of its suppliers are then overstated.

    Notes
    -----
    With L the Leontief inverse, G the Ghosh inverse and n sectors (Rasmussen 1956 for L; row sums
    of G in place of row sums of L after Jones 1976)::

        backward_j = sum_i L_ij / (sum_i sum_k L_ik / n)
        forward_i  = sum_j G_ij / (sum_k sum_j G_kj / n)

    These describe the table alone; Backward and Forward of :func:`spillover.linkages` weigh foreign
    presence.

    References
    ----------
    Hirschman, A. O. (1958). The Strategy of Economic Development. Yale University Press.
    Jones, L. P. (1976). The measurement of Hirschmanian linkages. Quarterly Journal of Economics
    90(2), 323-333.
    Miller, R. E. & Blair, P. D. (2009). Input-Output Analysis: Foundations and Extensions, 2nd
    ed., ch. 12. Cambridge University Press.
    Rasmussen, P. N. (1956). Studies in Inter-Sectoral Relations. North-Holland.

    Examples
    --------
    >>> import spillover as sp
    >>> io = sp.IOTable.from_arrays(["food", "steel"], domestic=[[0, 5], [2, 0]],
    ...                             output=[10, 10], unit="million EUR")
    >>> key_linkages(io, flows="domestic").round(3)
      sector  label  backward  forward    key
    0   food   food     0.889    1.111  False
    1  steel  steel     1.111    0.889  False
    """
    flow = io.flows(flows)
    active = (io.output != 0) | flow.any(axis=0) | flow.any(axis=1)
    if not active.any():
        raise SchemaError(f"{io!r} has neither output nor flows: there are no linkages.")
    _warn_oversold(io, flows)
    leontief = shares.leontief(flow, io.output, sectors=io.sectors)
    ghosh = shares.ghosh(flow, io.output, sectors=io.sectors)
    backward = _index(leontief.sum(axis=0), active)
    forward = _index(ghosh.sum(axis=1), active)
    return pd.DataFrame(
        {
            "sector": list(io.sectors),
            "label": [io.labels.get(code, code) for code in io.sectors],
            "backward": backward,
            "forward": forward,
            "key": (backward > 1) & (forward > 1),
        }
    )


def _index(sums: Array, active: Array) -> Array:
    """Divide by the mean over active sectors; the others are missing."""
    return np.where(active, sums / sums[active].mean(), np.nan)


def oversold(io: IOTable, *, flows: Flows = "total") -> tuple[str, ...]:
    """Name the sectors whose intermediate sales exceed their output.

    Parameters
    ----------
    io : IOTable
    flows : {"total", "domestic", "imported"}

    Returns
    -------
    tuple of str
        Codes, in the order of the table.
    """
    sold = io.flows(flows).sum(axis=1)
    over = (sold > io.output * (1 + 1e-9)) & (io.output > 0)
    return tuple(code for code, flag in zip(io.sectors, over, strict=True) if flag)


def _warn_oversold(io: IOTable, flows: Flows) -> None:
    """Warn of sectors that sell more than they make."""
    over = oversold(io, flows=flows)
    if over:
        fix = " Use flows='domestic'." if flows != "domestic" and io.domestic is not None else ""
        warnings.warn(
            f"{len(over)} sector(s) have {flows} intermediate sales above their output: "
            f"{preview(over)}. Their forward linkages, and those of their suppliers, are "
            f"overstated.{fix}",
            SpilloverWarning,
            stacklevel=3,
        )

"""The mean Backward of some industries, by buying sector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spillover.errors import SchemaError, preview
from spillover.linkage.definition import LinkageDefinition

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from spillover.iotables import IOTable

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """How presence of each buying sector enters the mean Backward of the industries.

    Attributes
    ----------
    shares : (industries, sectors) array
        Supply shares of the industries.
    mean : (industries,) array
        Weights of the industries in the mean; they sum to 1.
    """

    shares: Array
    mean: Array

    @property
    def buyers(self) -> Array:
        """Weight of each buying sector in the mean."""
        return np.asarray(self.mean @ self.shares)


def mean_weights(
    io: IOTable,
    rows: pd.DataFrame,
    industries: Sequence[str] | None,
    definition: LinkageDefinition,
) -> Weights:
    """Return the supply shares of the industries and their weights in the mean.

    Parameters
    ----------
    io : IOTable
    rows : pandas.DataFrame
        From :meth:`.Sourcing.assign`.
    industries : sequence of str or None
        None: the processing industries.
    definition : LinkageDefinition

    Returns
    -------
    Weights

    Raises
    ------
    SchemaError
        If there are no such industries, or they produce nothing.
    """
    if not isinstance(definition, LinkageDefinition):
        raise SchemaError(
            f"definition is a {type(definition).__name__}; give a sp.LinkageDefinition."
        )
    at = positions(io, rows, industries)
    shares = io.supply_shares(
        flows=definition.flows,
        denominator=definition.denominator,
        own_sector=definition.own_sector,
    ).to_numpy(dtype=np.float64)[at]
    output = np.asarray(io.output, dtype=np.float64)[at]
    if not output.sum() > 0:
        raise SchemaError("The industries have no output in the table, so they have no mean.")
    return Weights(shares, output / output.sum())


def positions(
    io: IOTable, rows: pd.DataFrame, industries: Sequence[str] | None
) -> NDArray[np.intp]:
    """Return where the industries stand in the table, by default the processing ones.

    Parameters
    ----------
    io : IOTable
    rows : pandas.DataFrame
        From :meth:`.Sourcing.assign`.
    industries : sequence of str or None

    Returns
    -------
    (industries,) array of int

    Raises
    ------
    SchemaError
        If there are none, or some are unknown or given twice.
    """
    if industries is None:
        at = np.flatnonzero((rows["activity"] == "processing").to_numpy())
        if not len(at):
            raise SchemaError("The table has no processing industry; name some in industries=.")
        return at
    unknown = sorted(set(industries) - set(io.sectors))
    if unknown or not len(industries) or len(set(industries)) < len(industries):
        raise SchemaError(
            f"industries must be different sectors of the table; unknown: {preview(unknown)}."
        )
    return np.array([io.sectors.index(code) for code in industries], dtype=np.intp)

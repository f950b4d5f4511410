"""What linkage regressions control for, from the same firms and table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spillover.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from spillover.iotables import IOTable
    from spillover.linkage.grid import Axes
    from spillover.linkage.operators import Vintages

    Array = NDArray[np.float64]

CONTROLS = ("demand", "herfindahl", "import_penetration")


def build_controls(
    names: Sequence[str],
    cells: pd.DataFrame,
    axes: Axes,
    vintages: Vintages,
    tables: Sequence[IOTable],
) -> dict[str, Array]:
    """Return the chosen controls by sector and year.

    Parameters
    ----------
    names : sequence of str
        Of :data:`CONTROLS`. demand: sum_k c_jk Y_kt over all k (j itself, too), c_jk the sales of
        j to k per unit of k's output in the table and Y_kt the output of the panel's firms in k
        (Javorcik 2004, eq. 4). herfindahl: sum_i (Y_it / Y_jt)^2. import_penetration:
        M / (Y - X + M), from the table of the nearest year.
    cells : pandas.DataFrame
        With the sums output and output_squared.
    axes : Axes
    vintages : Vintages
    tables : sequence of IOTable

    Returns
    -------
    mapping of str to (sectors, years) array

    Raises
    ------
    SchemaError
        If the table has no imports by product.
    """
    keys = ["industry", "year"]
    sums = cells.groupby(keys, as_index=False)[["output", "output_squared"]].sum()
    national = type(axes)(axes.sectors, ("",), axes.years)
    places = national.places(sums)
    output, squares = (
        national.spread(sums[name].to_numpy(), places)[:, 0]
        for name in ("output", "output_squared")
    )
    result: dict[str, Array] = {}
    if "demand" in names:
        inputs = np.stack([shares.inputs for shares in vintages.shares])[vintages.index]
        result["demand"] = np.einsum("tjk,kt->jt", inputs, output)
    if "herfindahl" in names:
        ratio = np.full(output.shape, np.nan)
        np.divide(squares, output**2, out=ratio, where=output > 0)
        result["herfindahl"] = ratio
    if "import_penetration" in names:
        penetration = np.column_stack([_penetration(table) for table in tables])
        years = np.array([table.year or 0 for table in tables])
        nearest = np.abs(axes.years[:, None] - years).argmin(axis=1)
        result["import_penetration"] = penetration[:, nearest]
    return result


def _penetration(table: IOTable) -> Array:
    imports = table.imports
    if imports is None:
        if table.imported is None:
            raise SchemaError(
                "import_penetration needs imports by product, which the table does not have."
            )
        imports = table.imported.sum(axis=1)
    supply = table.output - table.exports + imports
    result: Array = np.divide(imports, supply, out=np.full(len(supply), np.nan), where=supply > 0)
    return result

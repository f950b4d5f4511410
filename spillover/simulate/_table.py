"""A random, balanced input-output table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spillover.errors import SchemaError
from spillover.iotables import IOTable

Array = NDArray[np.float64]
SOURCE = "SYNTHETIC: drawn at random by spillover.simulate.io_table; describes no country"


def io_table(
    n_sectors: int = 20,
    *,
    density: float = 0.5,
    import_share: float = 0.25,
    rng: int | np.random.Generator = 0,
) -> IOTable:
    """Draw a balanced input-output table of an economy that does not exist.

    Domestic final demand and exports are drawn first; gross output then follows from the Leontief
    (1936) identity ``x = inv(I - A_domestic) (f + e)``, so every row balances and every sector has
    positive value added. Sectors buy from a random subset of suppliers in uneven amounts, and a
    good part from themselves, as in published tables.

    Parameters
    ----------
    n_sectors : int
        Number of sectors, 2 or more; they are called ``"S01"``, ``"S02"``, ...
    density : float
        Share of the off-diagonal cells with a flow, in (0, 1]. Each sector has at least one
        customer and one supplier besides itself, however low the density.
    import_share : float
        Average share of imports in each flow, in [0, 1).
    rng : int or numpy.random.Generator
        Seed or generator; the same seed gives the same table.

    Returns
    -------
    IOTable
        With domestic and imported flows, final demand, exports, output and imports, in "million
        (synthetic)".

    Raises
    ------
    SchemaError
        If an argument is out of range.

    Examples
    --------
    >>> table = io_table(5, rng=1)
    >>> table.sectors
    ('S01', 'S02', 'S03', 'S04', 'S05')
    >>> rows = table.domestic.sum(axis=1) + table.final_demand + table.exports
    >>> bool(np.allclose(rows, table.output))
    True
    """
    _check_arguments(n_sectors, density, import_share)
    random = np.random.default_rng(rng)
    coefficients = _coefficients(n_sectors, density, random)
    imported_part = _imported_part(n_sectors, import_share, random)
    final_demand = random.lognormal(6.0, 0.8, n_sectors)
    exports = final_demand * random.uniform(0.05, 0.8, n_sectors)
    domestic_coefficients = coefficients * (1.0 - imported_part)
    leontief_matrix = np.eye(n_sectors) - domestic_coefficients
    output = np.linalg.solve(leontief_matrix, final_demand + exports)
    imported = coefficients * imported_part * output
    width = max(2, len(str(n_sectors)))
    sectors = [f"S{number:0{width}d}" for number in range(1, n_sectors + 1)]
    return IOTable.from_arrays(
        sectors,
        domestic=domestic_coefficients * output,
        imported=imported,
        final_demand=final_demand,
        exports=exports,
        output=output,
        imports=imported.sum(axis=1),
        unit="million (synthetic)",
        source=SOURCE,
        labels={code: f"Synthetic sector {code[1:]}" for code in sectors},
    )


def _check_arguments(n_sectors: int, density: float, import_share: float) -> None:
    if n_sectors < 2:
        raise SchemaError(f"n_sectors={n_sectors}: sectors trade with each other; give 2 or more.")
    if not 0.0 < density <= 1.0:
        raise SchemaError(f"density={density:g}: give a share of cells above 0 and up to 1.")
    if not 0.0 <= import_share < 1.0:
        raise SchemaError(f"import_share={import_share:g}: give a share from 0 to below 1.")


def _coefficients(n: int, density: float, random: np.random.Generator) -> Array:
    """Draw technical coefficients (n, n), suppliers in rows, columns summing to 0.45-0.70."""
    size = random.lognormal(0.0, 0.6, n)
    weight = size[:, None] * random.lognormal(0.0, 1.5, (n, n))
    linked = random.random((n, n)) < density
    ring = np.arange(n)
    linked[ring, (ring + 1) % n] = True
    off_diagonal = np.where(linked, weight, 0.0)
    np.fill_diagonal(off_diagonal, 0.0)
    own = random.uniform(0.05, 0.35, n)
    shares = off_diagonal / off_diagonal.sum(axis=0) * (1.0 - own) + np.diag(own)
    return np.asarray(shares * random.uniform(0.45, 0.70, n), dtype=np.float64)


def _imported_part(n: int, import_share: float, random: np.random.Generator) -> Array:
    """Draw the imported part of each flow (n, n), around ``import_share``, by supplying sector."""
    if import_share == 0.0:
        return np.zeros((n, n))
    precision = 12.0
    a, b = precision * import_share, precision * (1.0 - import_share)
    by_supplier = random.beta(a, b, n)
    cell = by_supplier[:, None] * random.uniform(0.8, 1.2, (n, n))
    return np.asarray(np.minimum(cell, 0.95), dtype=np.float64)

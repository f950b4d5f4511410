"""An invented input-output table of the shape of Kazakhstan's, and where a real one is looked for.

Notebooks 15 and 17 use it. **Nothing in the invented table is a measurement**: its coefficients are
round numbers put down by hand so that a resource economy results, with kits and machines imported.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

import spillover as sp

SHARED = Path(os.environ.get("SPILLOVER_SHARED", "../../shared/data"))
FILE = "io_kazakhstan_gtap_sam/kazakhstan_sam57.csv"

# code, name, output (million dollars), imported part of its product (percent),
# and what 100 of output of each sector, in this order, spend on the product
ROWS = (
    ("A", "Farming", 11000, 5, (12, 0, 0, 38, 18, 12, 0, 2, 0, 0, 0, 0, 0, 0, 1)),
    ("B05_06", "Oil and gas", 32000, 5, (0, 3, 1, 0, 0, 0, 58, 6, 3, 2, 0, 0, 0, 0, 2)),
    ("B07_08", "Ores", 9000, 5, (0, 0, 4, 0, 0, 0, 0, 4, 14, 28, 0, 0, 3, 0, 1)),
    ("C10T12", "Food", 8500, 20, (6, 0, 0, 14, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 3)),
    ("C13T15", "Clothing", 1500, 65, (0, 0, 0, 0, 18, 1, 0, 1, 0, 0, 1, 3, 0, 1, 1)),
    ("C16T18", "Wood, paper", 2500, 50, (0, 0, 0, 3, 1, 20, 0, 2, 3, 0, 2, 1, 3, 2, 2)),
    ("C19", "Refining", 8000, 20, (5, 2, 6, 1, 1, 2, 4, 5, 6, 3, 1, 1, 3, 4, 5)),
    ("C20T22", "Chemicals", 3600, 55, (4, 2, 4, 3, 6, 6, 2, 18, 5, 3, 5, 10, 4, 1, 1)),
    ("C23", "Building mat.", 4600, 25, (0, 2, 1, 1, 0, 0, 0, 1, 12, 1, 1, 2, 15, 0, 1)),
    ("C24T25", "Metals", 14500, 25, (1, 5, 5, 1, 0, 2, 1, 2, 4, 22, 22, 26, 9, 1, 1)),
    ("C26T28", "Machinery", 2200, 80, (2, 5, 6, 1, 1, 1, 1, 1, 2, 3, 18, 14, 5, 1, 2)),
    ("C29T30", "Cars", 900, 85, (1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 14, 0, 1, 2)),
    ("F", "Construction", 20000, 3, (1, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 1, 4)),
    ("G", "Trade", 16000, 3, (4, 3, 4, 7, 8, 7, 5, 6, 6, 6, 7, 6, 6, 4, 3)),
    ("H", "Services", 50000, 12, (5, 12, 14, 7, 7, 9, 7, 9, 12, 10, 9, 7, 12, 20, 17)),
)


def invented_table() -> sp.IOTable:
    """Return the invented table, in million dollars and labelled as 2007."""
    codes = [row[0] for row in ROWS]
    output = np.array([row[2] for row in ROWS], dtype=float)
    imported = np.array([row[3] for row in ROWS]) / 100
    total = np.array([row[4] for row in ROWS]) / 100 * output
    domestic = total * (1 - imported)[:, None]
    return sp.IOTable.from_arrays(
        codes,
        domestic=domestic,
        imported=total - domestic,
        output=output,
        final_demand=output - domestic.sum(axis=1),
        exports=np.zeros(len(codes)),
        imports=(total - domestic).sum(axis=1),
        unit="million US dollars (invented)",
        country="synthetic",
        year=2007,
        source="invented by hand; synthetic",
        labels={row[0]: row[1] for row in ROWS},
    )


def real_table() -> sp.IOTable | None:
    """Return Kazakhstan's table from the folder in ``SPILLOVER_SHARED``, or None."""
    file = SHARED / FILE
    return sp.read_io(file, country="KAZ", year=2007) if file.is_file() else None

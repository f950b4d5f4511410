"""Write the logged plant-years that `production_lp_acf.R` and `production_plants.R` read.

    python tests/reference/make_production_plants.py enia_1986_1994.parquet plants.csv

From the Chilean census, which is not in this repository. Rows: 1990 on, positive value added,
materials, employment and capital; industries (3-digit ISIC Rev. 2) with at least 200 of them.
Investment (buildings, machinery, vehicles) is missing where it is not positive.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

LEAST = 200
NAMES = {"L": "employment", "real_capital": "capital", "plant": "firm"}


def plants(path: str) -> pd.DataFrame:
    """Return firm, year, industry and logs of output, inputs, the proxies."""
    frame = pd.read_parquet(path).rename(columns=NAMES)
    frame["industry"] = frame["isic4"].astype(int).astype(str).str[:3]
    logs = ["value_added", "employment", "capital", "materials"]
    frame = frame[(frame["year"] >= 1990) & (frame[logs] > 0).all(axis=1)]
    frame = frame[frame.groupby("industry")["year"].transform("size") >= LEAST]
    frame[logs] = np.log(frame[logs].astype(float))
    spent = frame[["inv_buildings", "inv_machinery", "inv_vehicles"]].sum(axis=1)
    frame["investment"] = np.log(spent.where(spent > 0))
    return frame[["firm", "year", "industry", *logs, "investment"]].sort_values(["firm", "year"])


if __name__ == "__main__":
    plants(sys.argv[1]).to_csv(sys.argv[2], index=False)

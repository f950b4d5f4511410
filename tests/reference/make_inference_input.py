"""Draw the small panel behind tests/reference/inference_*.json.

    python tests/reference/make_inference_input.py

Firms switch industry now and then, regions hold firms for good, and each region has coordinates.
"""

from pathlib import Path

import numpy as np
import pandas as pd

rng = np.random.default_rng(55)
FIRMS, YEARS, INDUSTRIES, REGIONS = 40, 9, 7, 9
frame = pd.MultiIndex.from_product([range(FIRMS), range(2001, 2001 + YEARS)]).to_frame(index=False)
frame.columns = ["firm", "year"]
home = rng.choice(INDUSTRIES, FIRMS, p=[0.3, 0.2, 0.15, 0.15, 0.1, 0.05, 0.05])
frame["industry"] = home[frame["firm"]]
moved = rng.random(len(frame)) < 0.1
frame.loc[moved, "industry"] = rng.integers(0, INDUSTRIES, int(moved.sum()))
frame["region"] = (frame["firm"] * 7 % REGIONS).to_numpy()
frame = frame[rng.random(len(frame)) < 0.85].reset_index(drop=True)
n, t = len(frame), frame["year"].to_numpy() - 2001
latitude, longitude = rng.uniform(41, 54, REGIONS), rng.uniform(47, 86, REGIONS)
frame["lat"] = latitude[frame["region"]].round(4)
frame["lon"] = longitude[frame["region"]].round(4)
cells = rng.normal(size=(INDUSTRIES, YEARS)).cumsum(axis=1)
frame["x"] = rng.normal(size=n) + 0.7 * cells[frame["industry"], t]
frame["z"] = rng.normal(size=n) + 0.4 * frame["x"] + 0.1 * t
frame["w"] = rng.uniform(0.2, 3.0, n)
common = rng.normal(size=(REGIONS, YEARS)).cumsum(axis=1)
frame["y"] = (
    0.5 * frame["x"]
    - 0.3 * frame["z"]
    + rng.normal(size=FIRMS)[frame["firm"]]
    + 0.5 * common[frame["region"], t]
    + rng.normal(size=n)
)
frame.to_csv(Path(__file__).with_name("inference_input.csv"), index=False, float_format="%.10f")

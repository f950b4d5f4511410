"""Make ``panel_input.csv``, the small unbalanced panel on which R's numbers were computed.

Run from the repository's root: ``python tests/reference/make_panel_input.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

SEED = 20240229
FIRMS, YEARS, INDUSTRIES = 60, range(2001, 2009), 9


def make() -> pd.DataFrame:
    """Draw the panel: about a fifth of the firm-years missing, some firms switching industry."""
    rng = np.random.default_rng(SEED)
    rows = pd.MultiIndex.from_product([range(FIRMS), YEARS], names=["firm", "year"]).to_frame(
        index=False
    )
    home = rng.integers(0, INDUSTRIES, FIRMS)
    rows["industry"] = home[rows["firm"]]
    moved = rng.random(len(rows)) < 0.06
    rows.loc[moved, "industry"] = rng.integers(0, INDUSTRIES, int(moved.sum()))
    rows["region"] = (rows["firm"] % 4).to_numpy()
    shock = rng.normal(size=(INDUSTRIES, len(YEARS)))
    cell = shock[rows["industry"], rows["year"] - min(YEARS)]
    rows["x"] = rng.normal(size=len(rows)) + 0.5 * rng.normal(size=FIRMS)[rows["firm"]]
    rows["z"] = 0.6 * cell + 0.4 * rng.normal(size=len(rows))
    rows["w"] = rng.uniform(0.2, 3.0, len(rows))
    rows["y"] = (
        0.7 * rows["x"]
        - 0.3 * rows["z"]
        + rng.normal(size=FIRMS)[rows["firm"]]
        + 0.1 * (rows["year"] - min(YEARS))
        + rng.normal(size=(INDUSTRIES, len(YEARS)))[rows["industry"], rows["year"] - min(YEARS)]
        + rng.normal(size=len(rows))
    )
    kept = rows[rng.random(len(rows)) < 0.8]
    return kept.sample(frac=1.0, random_state=rng).round(12).reset_index(drop=True)


if __name__ == "__main__":
    make().to_csv(Path(__file__).with_name("panel_input.csv"), index=False)

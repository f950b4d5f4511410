"""Make ``production_gmm_input.csv``, the panel of the R numbers in production_{op,gnr,bb}*.json.

Run from the repository's root: ``python tests/reference/make_production_gmm_input.py``. In logs;
sorted by firm and year, as R's prodest needs it; firms leave for good, a few years are missing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

SEED, FIRMS, YEARS = 20241104, 140, range(2001, 2009)


def make() -> pd.DataFrame:
    """Draw the panel."""
    rng = np.random.default_rng(SEED)
    fixed = rng.normal(0, 0.2, FIRMS)
    w, k = rng.normal(0, 0.3, FIRMS), rng.normal(1.0, 0.7, FIRMS)
    alive, rows = np.ones(FIRMS, dtype=bool), []
    for year in YEARS:
        i = 0.3 + 0.9 * w + 0.3 * k + 0.15 * w * k + rng.normal(0, 0.1, FIRMS)
        l1 = 0.6 * k + 0.8 * w + fixed + rng.normal(0, 0.3, FIRMS)
        l2 = 0.3 * k + 0.4 * w + rng.normal(0, 0.4, FIRMS)
        m = (np.log(0.55) + w + 0.2 * l1 + 0.1 * l2 + 0.15 * k) / 0.45 + rng.normal(0, 0.05, FIRMS)
        e = rng.normal(0, 0.12, FIRMS)
        y = 0.2 * l1 + 0.1 * l2 + 0.15 * k + 0.55 * m + w + e
        va = 0.4 * l1 + 0.2 * l2 + 0.35 * k + w + e
        share = np.log(0.55) + 0.02 * (k - 1) - e
        columns = {"l1": l1, "l2": l2, "k": k, "i": i, "m": m}
        columns |= {"va": va, "y": y, "share": share}
        seen = alive & (rng.random(FIRMS) > 0.04)
        rows.append(pd.DataFrame({"firm": range(FIRMS), "year": year, **columns})[seen])
        alive &= w + 0.2 * k + rng.normal(0, 0.5, FIRMS) > -0.65
        k = np.log(0.88 * np.exp(k) + 0.3 * np.exp(i)) + rng.normal(0, 0.03, FIRMS)
        w = 0.1 * fixed + 0.75 * w - 0.1 * w**2 + rng.normal(0, 0.18, FIRMS)
    return pd.concat(rows).sort_values(["firm", "year"]).round(10).reset_index(drop=True)


if __name__ == "__main__":
    make().to_csv(Path(__file__).with_name("production_gmm_input.csv"), index=False)

"""How often is a true null rejected at 5 percent with few clusters?

Firms in G industries over six years; the regressor varies by industry and year and persists, as
linkage measures do; errors share a persistent part within industries. Firm and year effects are
absorbed, errors clustered by industry, and the coefficient's true value, zero, is tested.
Industries are of equal or of unequal size (the largest of ten has about a third of the firms).

    python benchmarks/montecarlo_clusters.py                  # writes results/clusters.json
    python benchmarks/montecarlo_clusters.py --draws 100 --no-write
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
from _common import environment, write
from tqdm import tqdm

import spillover as sp

CLUSTERS = (6, 10, 20, 50)
METHODS = {
    "hetero": "heteroskedasticity-robust",
    "firm": "CR1 by firm",
    "cr1": "CR1 by industry",
    "cr2": "CR2, Bell-McCaffrey df",
    "cr2_ik": "CR2, Imbens-Kolesar df",
    "cr3": "CR3, t(G-1)",
    "wild_webb": "wild bootstrap, null imposed, Webb",
    "wild_score": "the same from jackknife residuals (WCR-S)",
}
YEARS = 6


def panel(clusters: int, balanced: bool, rng: np.random.Generator) -> pd.DataFrame:
    """Draw one panel with no effect of x on y."""
    firms = 20 * clusters
    share = np.ones(clusters) if balanced else np.exp(-4 * np.arange(clusters) / clusters)
    size = np.maximum(np.round(firms * share / share.sum()).astype(int), 2)
    home = np.repeat(np.arange(clusters), size)
    firm = np.repeat(np.arange(len(home)), YEARS)
    year = np.tile(np.arange(YEARS), len(home))
    industry = home[firm]

    def persistent() -> np.ndarray:
        path = rng.normal(size=(clusters, YEARS))
        for t in range(1, YEARS):
            path[:, t] += 0.7 * path[:, t - 1]
        return path[industry, year]

    x, shock = persistent(), persistent()
    y = rng.normal(size=len(home))[firm] + 0.5 * shock + rng.normal(size=len(firm))
    return pd.DataFrame({"firm": firm, "year": year, "industry": industry, "x": x, "y": y})


def p_values(frame: pd.DataFrame, seed: int) -> dict[str, float]:
    """Test the true null by every method."""
    fit = sp.fit("y ~ x | firm + year", frame, cluster="industry")

    def wild(variant: str) -> float:
        return sp.inference.wild_bootstrap(
            fit, "x", draws=999, weights="webb", variant=variant, rng=seed
        ).p_value

    def small(kind: str, df: str) -> float:
        return float(sp.inference.with_small_sample(fit, kind, df=df).pvalues["x"])

    by_firm = sp.fit("y ~ x | firm + year", frame, cluster="firm")
    hetero = sp.fit("y ~ x | firm + year", frame, inference="hetero")
    return {
        "hetero": float(hetero.pvalues["x"]),
        "firm": float(by_firm.pvalues["x"]),
        "cr1": float(fit.pvalues["x"]),
        "cr2": small("cr2", "satterthwaite"),
        "cr2_ik": small("cr2", "imbens_kolesar"),
        "cr3": small("cr3", "clusters"),
        "wild_webb": wild("11"),
        "wild_score": wild("31"),
    }


def cell(clusters: int, balanced: bool, draws: int, seed: int) -> dict[str, Any]:
    """Rejection rates of one design."""
    rng = np.random.default_rng([seed, clusters, int(balanced)])
    name = f"G={clusters} {'equal' if balanced else 'unequal'}"
    found = pd.DataFrame(
        p_values(panel(clusters, balanced, rng), seed=draw)
        for draw in tqdm(range(draws), desc=name, leave=False)
    )
    rates = (found <= 0.05).mean()
    return {
        "clusters": clusters,
        "sizes": "equal" if balanced else "unequal",
        "draws": draws,
        "rejected": {method: round(float(rates[method]), 4) for method in METHODS},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=55)
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    before, start = environment(), time.perf_counter()
    cells = [
        cell(clusters, balanced, options.draws, options.seed)
        for balanced in (True, False)
        for clusters in CLUSTERS
    ]
    record = {
        "question": "rejection rate of a true null at 5 percent, by clusters and method",
        "methods": METHODS,
        "monte_carlo_standard_error_at_5_percent": round((0.05 * 0.95 / options.draws) ** 0.5, 4),
        "seconds": round(time.perf_counter() - start),
        "environment": before,
        "cells": cells,
    }
    for row in cells:
        print(row["clusters"], row["sizes"], row["rejected"])
    if not options.no_write:
        print(write("clusters", record))


if __name__ == "__main__":
    main()

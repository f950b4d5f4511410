"""Would the regression have seen it? Rates at which specifications report a spillover, by world.

Synthetic resource economies in three worlds: foreign firms buy at home nearly what the table says
(textbook), nothing (enclave), or little beside what the books say (paper). Foreign ownership
follows demand not at all, somewhat, or strongly. Each economy is observed as a statistical office
would observe it, and every specification is fitted.

    python benchmarks/montecarlo_worlds.py                  # writes results/worlds.json
    python benchmarks/montecarlo_worlds.py --draws 20 --no-write
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from typing import Any

import numpy as np
import pandas as pd
from _common import environment, write
from tqdm import tqdm

import spillover as sp

SELECTION = (0.0, 0.5, 1.0)
CHUNK = 10


def piece(job: tuple[float, int, int, int]) -> tuple[float, pd.DataFrame, pd.DataFrame]:
    """Simulate one chunk of draws of all worlds."""
    selection, number, draws, seed = job
    rng = np.random.default_rng([seed, round(10 * selection), number])
    design = sp.simulate.WorldDesign(selection=selection)
    found = sp.case.worlds(draws, design=design, rng=rng)
    shift = number * CHUNK
    return (
        selection,
        found.draws.assign(draw=found.draws["draw"] + shift),
        found.truth.assign(draw=found.truth["draw"] + shift),
    )


def jobs(draws: int, seed: int) -> list[tuple[float, int, int, int]]:
    """Cut the draws into chunks."""
    sizes = [min(CHUNK, draws - start) for start in range(0, draws, CHUNK)]
    return [(s, n, size, seed) for s in SELECTION for n, size in enumerate(sizes)]


def summary(result: Any) -> dict[str, Any]:
    """Round what is recorded."""
    rates = result.rates().round({"rate": 4, "monte_carlo_error": 4, "estimate": 4, "sd": 4})
    chances = result.separation().round({"chance": 3, "error": 3})
    gain = result.truth.groupby("world", sort=False)["gain"].mean().round(2)
    return {
        "selection": result.design.selection,
        "mean_gain_log_points": gain.to_dict(),
        "rates": rates.drop(columns="label").to_dict("records"),
        "separation": chances.drop(columns="label").to_dict("records"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args()
    before, start = environment(), time.perf_counter()
    todo = jobs(options.draws, options.seed)
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        pieces = list(tqdm(pool.imap_unordered(piece, todo), total=len(todo)))
    cells = []
    for selection in SELECTION:
        mine = [(draws, truth) for which, draws, truth in pieces if which == selection]
        result = sp.case.Worlds(
            pd.concat([draws for draws, _ in mine], ignore_index=True).sort_values(
                "draw", kind="stable"
            ),
            pd.concat([truth for _, truth in mine], ignore_index=True).sort_values(
                "draw", kind="stable"
            ),
            sp.simulate.WorldDesign(selection=selection),
            0.05,
        )
        print(f"selection {selection:g}\n{result}")
        cells.append(summary(result))
    record = {
        "question": "percent of economies in which a specification reports a spillover, by world",
        "draws": options.draws,
        "level": 0.05,
        "specifications": {
            name: {"label": one.label, "kind": one.kind}
            for name, one in sp.case.SPECIFICATIONS.items()
        },
        "seconds": round(time.perf_counter() - start),
        "environment": before,
        "cells": cells,
    }
    if not options.no_write:
        print(write("worlds", record))


if __name__ == "__main__":
    main()

"""Does `sp.fit` find the effects that a synthetic panel was built with?

Draws panels with `sp.simulate.panel`, estimates each, and prints a Markdown table of bias and of
the coverage of the 95 percent intervals (errors clustered by industry and year).

    python benchmarks/montecarlo_recovery.py --draws 500
    python benchmarks/montecarlo_recovery.py --draws 200 --feedback
    python benchmarks/montecarlo_recovery.py --draws 200 --selection 1
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from tqdm import tqdm

import spillover as sp

TERMS = ["horizontal", "backward", "forward"]
FORMULA = "tfp ~ horizontal + backward + forward | firm + year + region^year"


def one_draw(seed: int, settings: dict) -> pd.DataFrame:
    """Estimate one panel: a row per term with estimate, std_error, covered."""
    simulation = sp.simulate.panel(rng=seed, **settings)
    fit = sp.fit(FORMULA, simulation.panel(), sample="domestic", cluster="industry^year")
    rows = fit.tidy(level=0.95).set_index("term").loc[TERMS]
    truth = np.array([simulation.truth[term] for term in TERMS])
    inside = (rows["conf_low"] <= truth) & (truth <= rows["conf_high"])
    return rows[["estimate", "std_error"]].assign(truth=truth, covered=inside, draw=seed)


def summarise(draws: pd.DataFrame) -> pd.DataFrame:
    """Bias, precision and coverage by term."""
    rows = []
    for term in TERMS:
        part = draws.loc[term]
        spread = part["estimate"].std(ddof=1)
        bias = part["estimate"].mean() - part["truth"].iloc[0]
        rows.append(
            {
                "term": term,
                "truth": part["truth"].iloc[0],
                "mean": part["estimate"].mean(),
                "bias": bias,
                "Monte Carlo s.e.": spread / np.sqrt(len(part)),
                "RMSE": np.sqrt(((part["estimate"] - part["truth"]) ** 2).mean()),
                "mean s.e. / sd": part["std_error"].mean() / spread,
                "coverage": part["covered"].mean(),
            }
        )
    return pd.DataFrame(rows)


def to_markdown(table: pd.DataFrame) -> str:
    """Lay a table out in Markdown, numbers to four decimals."""
    cells = table.map(lambda value: value if isinstance(value, str) else f"{value:.4f}")
    lines = [list(cells.columns), ["---"] + ["---:"] * (cells.shape[1] - 1), *cells.to_numpy()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    """Run the Monte Carlo and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--seed", type=int, default=10_000, help="the seed of the first draw")
    parser.add_argument("--industries", type=int, default=20)
    parser.add_argument("--firms", type=int, default=60, help="firms per industry")
    parser.add_argument("--periods", type=int, default=8)
    parser.add_argument("--selection", type=float, default=0.0)
    parser.add_argument("--feedback", action="store_true")
    arguments = parser.parse_args()
    settings = {
        "industries": arguments.industries,
        "firms_per_industry": arguments.firms,
        "years": range(2000, 2000 + arguments.periods),
        "selection": arguments.selection,
        "feedback": arguments.feedback,
    }
    start = time.perf_counter()
    seeds = range(arguments.seed, arguments.seed + arguments.draws)
    draws = pd.concat([one_draw(seed, settings) for seed in tqdm(seeds, desc="draws")])
    seconds = time.perf_counter() - start
    stated = ", ".join(f"{name} {value}" for name, value in settings.items())
    print(f"\n{arguments.draws} draws; {stated}; {seconds:.0f} s\n")
    print(to_markdown(summarise(draws)))


if __name__ == "__main__":
    main()

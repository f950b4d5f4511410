"""Does each study of the catalogue recover its truth on its SYNTHETIC replica?

Draws replicas of every study's main equation and prints, by study and term, the published (or
chosen) coefficient, the mean estimate and the coverage of the 95 percent intervals.

    python benchmarks/montecarlo_studies.py --draws 100
    python benchmarks/montecarlo_studies.py --draws 100 --study javorcik_2004 --scale 1
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from tqdm import tqdm

import spillover as sp


def one_study(name: str, draws: int, scale: float) -> pd.DataFrame:
    """Summarise the replicas of one study: a row per term."""
    study = sp.studies[name]
    tables = [study.replica(seed, scale=scale).compare() for seed in range(draws)]
    every = pd.concat(tables)
    rows = []
    for term, part in every.groupby("term", sort=False):
        spread = part["estimate"].std(ddof=1)
        rows.append(
            {
                "study": study.citation.short,
                "equation": study.replica_design.equation,
                "term": str(term),
                "truth": f"{part['truth'].iloc[0]:.4g}"
                + " (chosen)" * bool(part["chosen"].iloc[0]),
                "mean": part["estimate"].mean(),
                "Monte Carlo s.e.": spread / np.sqrt(len(part)),
                "mean s.e. / sd": part["std_error"].mean() / spread,
                "coverage": part["covered"].mean(),
            }
        )
    return pd.DataFrame(rows)


def to_markdown(table: pd.DataFrame) -> str:
    """Lay a table out in Markdown, numbers to three decimals."""
    cells = table.map(lambda value: value if isinstance(value, str) else f"{value:.3f}")
    lines = [list(cells.columns), ["---"] * 4 + ["---:"] * (cells.shape[1] - 4), *cells.to_numpy()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    """Run the Monte Carlo and print its table."""
    runnable = [name for name, study in sp.studies.items() if study.equations]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--scale", type=float, default=0.5, help="part of the published size")
    parser.add_argument("--study", choices=runnable, help="by default all")
    arguments = parser.parse_args()
    chosen = [arguments.study] if arguments.study else runnable
    tables = [one_study(name, arguments.draws, arguments.scale) for name in tqdm(chosen)]
    print(f"\nSYNTHETIC replicas, {arguments.draws} draws, scale {arguments.scale:g}\n")
    print(to_markdown(pd.concat(tables)))


if __name__ == "__main__":
    main()

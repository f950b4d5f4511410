"""Does each study of the catalogue recover its truth on its SYNTHETIC replica?

Draws replicas of every study's main equation and records, by study and term, the published (or
chosen) coefficient, the mean estimate over the draws and the coverage of the 95 percent intervals.

    python benchmarks/montecarlo_studies.py                            # all, 100 draws each
    python benchmarks/montecarlo_studies.py --study javorcik_2004      # only these
    python benchmarks/montecarlo_studies.py --resume                   # those not stored yet
    python benchmarks/montecarlo_studies.py --draws 4 --no-write       # a try

After every study its numbers go to results/montecarlo_studies.json, and the table of
docs/validation-studies.md is written anew from that file. Two workers need some six minutes for
100 draws at three tenths of the published sizes; errors are set to give the published standard
errors at any size.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _common import RESULTS, environment, write
from joblib import Parallel, delayed
from tqdm import tqdm

import spillover as sp

NAME = "montecarlo_studies"
PAGE = Path(__file__).parents[1] / "docs" / "validation-studies.md"
SETTINGS = ("draws", "scale", "seed")
MARK = re.compile(r"(<!-- studies -->\n).*?(<!-- end -->)", re.DOTALL)


def runnable() -> list[str]:
    """Return the studies with a regression."""
    return [name for name, study in sp.studies.items() if study.equations]


def one_draw(name: str, seed: int, scale: float) -> pd.DataFrame:
    """Draw a replica and set its estimates beside the truth; a reason instead, if it fails."""
    try:
        return sp.studies[name].replica(seed, scale=scale).compare()
    except sp.SpilloverError as error:
        return pd.DataFrame({"failed": [str(error).splitlines()[0]]})


def summarise(draws: pd.DataFrame) -> list[dict[str, Any]]:
    """Reduce the draws of one study to a record per term."""
    records = []
    for term, part in draws.groupby("term", sort=False):
        spread = float(part["estimate"].std(ddof=1))
        records.append(
            {
                "term": str(term),
                "truth": round(float(part["truth"].iloc[0]), 5),
                "chosen": bool(part["chosen"].iloc[0]),
                "mean": round(float(part["estimate"].mean()), 5),
                "error_of_mean": round(spread / np.sqrt(len(part)), 5),
                "error_over_spread": round(float(part["std_error"].mean()) / spread, 3),
                "coverage": round(float(part["covered"].mean()), 4),
                "draws": len(part),
            }
        )
    return records


def run_study(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Draw the replicas of one study."""
    start = time.perf_counter()
    tasks = [delayed(one_draw)(name, given.seed + at, given.scale) for at in range(given.draws)]
    found = Parallel(n_jobs=given.workers)(tasks)
    draws = pd.concat(found, ignore_index=True)
    failed = draws["failed"].notna() if "failed" in draws else pd.Series(False, index=draws.index)
    study = sp.studies[name]
    return {
        **{key: getattr(given, key) for key in SETTINGS},
        "cite": study.citation.short,
        "equation": study.replica_design.equation,
        "seconds": round(time.perf_counter() - start, 1),
        "failures": draws.loc[failed, "failed"].value_counts().to_dict() if failed.any() else {},
        "table": summarise(draws[~failed]),
    }


def to_markdown(studies: dict[str, Any]) -> str:
    """Lay the records out as a sentence and a Markdown table."""
    settings = {tuple(one[key] for key in SETTINGS) for one in studies.values()}
    what = "; ".join(
        f"{draws} draws (seeds {seed} to {seed + draws - 1}), {scale:g} of the published size"
        for draws, scale, seed in sorted(settings)
    )
    head = ["study", "equation", "term", "published", "mean", "s.e. of mean", "s.e. / spread"]
    lines = [[*head, "coverage"], ["---"] * 3 + ["---:"] * 5]
    for one in studies.values():
        for row in one["table"]:
            printed = f"{row['truth']:.3f}" + " (chosen)" * row["chosen"]
            numbers = [row[key] for key in ("mean", "error_of_mean", "error_over_spread")]
            lines.append(
                [
                    one["cite"],
                    one["equation"],
                    f"`{row['term']}`",
                    printed,
                    *(f"{number + 0.0:.3f}" for number in numbers[:2]),
                    f"{numbers[2]:.2f}",
                    f"{row['coverage']:.2f}",
                ]
            )
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"SYNTHETIC replicas: {what}.\n\n{table}"


def fill(page: str, record: dict[str, Any]) -> str:
    """Put the record's table in place of the page's, between its two comments."""
    text = to_markdown(record["studies"])
    page, count = MARK.subn(lambda found: f"{found[1]}{text}\n{found[2]}", page)
    if count != 1:
        raise ValueError(f"The page has {count} places for the studies.")
    return page


def stored() -> dict[str, Any]:
    """Return the studies that are stored."""
    path = RESULTS / f"{NAME}.json"
    return json.loads(path.read_text(encoding="utf-8"))["studies"] if path.is_file() else {}


def save(studies: dict[str, Any]) -> None:
    """Store the studies, in the catalogue's order, and bring the page up to date."""
    ordered = {name: studies[name] for name in runnable() if name in studies}
    what = "Monte Carlo of the study catalogue on synthetic replicas"
    record = {"what": what, "environment": environment(), "studies": ordered}
    write(NAME, record)
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), record), encoding="utf-8")


def main() -> None:
    """Run the Monte Carlo and store its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", nargs="+", choices=runnable(), help="by default all")
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="the seed of the first draw")
    parser.add_argument("--scale", type=float, default=0.3, help="part of the published size")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--resume", action="store_true", help="leave out studies that are stored")
    parser.add_argument("--no-write", action="store_true")
    given = parser.parse_args()
    studies = stored()
    for name in tqdm(given.study or runnable(), file=sys.stderr):
        same = all(studies.get(name, {}).get(key) == getattr(given, key) for key in SETTINGS)
        if given.resume and same:
            continue
        studies[name] = run_study(name, given)
        if not given.no_write:
            save(studies)
    print(to_markdown({name: studies[name] for name in given.study or runnable()}))


if __name__ == "__main__":
    main()

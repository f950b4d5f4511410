"""How fast are Levinsohn-Petrin and Ackerberg-Caves-Frazer with a bootstrap, against R's prodest?

Both do the same estimation (polynomial of degree 2, cubic law of motion, firms drawn with
replacement, two workers), in turns, each in a fresh process. prodest is timed with fewer draws,
twice, and its time for all of them is the line through both: its draws all take the same steps
(`--few 20 200 --runs 1` takes all of them instead).

    python benchmarks/productivity.py                       # 50,000 firm-years, 200 draws
    python benchmarks/productivity.py --rows 5000 --draws 20 --runs 1 --largest 0 --no-write

R must find prodest 1.0.1 (set R_LIBS); without R, --no-peer. The numbers go to
results/productivity.json, and from there into the table of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _common import environment, write
from joblib.externals.loky import get_reusable_executor

import spillover as sp
from spillover.production import Bootstrap

YEARS = 10
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
PEER = Path(__file__).with_suffix("").with_name("productivity_prodest.R")
METHODS = ("lp", "acf")
SAME = {"lp": {"degree": 2, "law_outcome": "fitted"}, "acf": {"degree": 2}}
LIMIT = 60.0


def panel(rows: int, industries: int = 1, seed: int = 1) -> pd.DataFrame:
    """Draw firm-years with elasticities 0.6 and 0.3; labour follows productivity and wages."""
    rng = np.random.default_rng(seed)
    firms = rows // YEARS
    w, k = rng.normal(0, 0.3, firms), rng.normal(3, 1, firms)
    wage = rng.normal(0, 0.3, firms)
    columns: dict[str, list[np.ndarray]] = {
        name: [] for name in ("value_added", "employment", "capital", "materials")
    }
    for _ in range(YEARS):
        seen = 0.9 * w + rng.normal(0, 0.1, firms)
        wage = 0.4 * wage + rng.normal(0, 0.3, firms)
        w = 0.8 * seen + rng.normal(0, 0.1, firms)
        labour = 0.8 * k + 1.2 * seen - wage
        value = 0.6 * labour + 0.3 * k + w
        logs = (value + rng.normal(0, 0.1, firms), labour, k, 0.5 * k + 1.5 * w)
        for column, log in zip(columns.values(), logs, strict=True):
            column.append(np.exp(log))
        k = 0.9 * k + 0.2 * w + rng.normal(0.3, 0.15, firms)
    data = {name: np.concatenate(parts) for name, parts in columns.items()}
    firm = np.tile(np.arange(firms), YEARS)
    year = np.repeat(np.arange(2000, 2000 + YEARS), firms)
    industry = np.char.add("N", (firm % industries).astype(str))
    return pd.DataFrame({"firm": firm, "year": year, "industry": industry, **data})


def one(method: str, rows: int, industries: int, draws: int, workers: int) -> None:
    """Time our call in this process, and print seconds and peak memory."""
    frame = panel(rows, industries)
    plan = Bootstrap(draws=draws, workers=workers, progress=False) if draws else None
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SpilloverWarning)
        sp.productivity(frame, method=method, bootstrap=plan, **SAME[method])
    seconds = time.perf_counter() - start
    if draws and workers > 1:
        get_reusable_executor().shutdown(wait=True)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if workers > 1 else 0
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sizes = {"peak_mb": own / 1024, "before_mb": before / 1024, "worker_mb": children / 1024}
    print(json.dumps({"seconds": seconds, **{name: round(mb) for name, mb in sizes.items()}}))


def alone(method: str, rows: int, industries: int, draws: int, workers: int) -> dict[str, float]:
    """Run :func:`one` in a fresh process."""
    numbers = [str(number) for number in (rows, industries, draws, workers)]
    command = [sys.executable, "-W", "ignore", __file__, "--one", method, *numbers]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def peer(path: Path, method: str, draws: int, workers: int) -> dict[str, Any]:
    """Time one call of prodest in a fresh R."""
    command = ["Rscript", str(PEER), str(path), method.upper(), str(draws), str(workers)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def against_peer(given: argparse.Namespace, few: tuple[int, int]) -> dict[str, Any]:
    """Time both, in turns."""
    frame = panel(given.rows)
    rows, draws, workers = given.rows, given.draws, given.workers
    out: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "panel.csv"
        frame.to_csv(path, index=False)
        for method in given.methods:
            ours, low, high = [], [], []
            for _ in range(given.runs):
                ours.append(alone(method, rows, 1, draws, workers))
                low.append(peer(path, method, few[0], workers))
                high.append(peer(path, method, few[1], workers))
            out[method] = compare(method, frame, draws, ours, low, high)
            print(method, json.dumps(out[method], indent=1))
    return out


def spread(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return min, median and max of seconds."""
    times = [entry["seconds"] for entry in found]
    shown = {"min": min(times), "median": float(np.median(times)), "max": max(times)}
    return {**{name: round(value, 3) for name, value in shown.items()}, "runs": len(times)}


def compare(method, frame, draws, ours, low, high) -> dict[str, Any]:
    """Scale the peer's time to all draws, and put the estimates side by side."""
    less, more = (np.median([found["seconds"] for found in some]) for some in (low, high))
    per_draw = (more - less) / (high[0]["draws"] - low[0]["draws"])
    theirs = less + per_draw * (draws - low[0]["draws"])
    mine = float(np.median([found["seconds"] for found in ours]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SpilloverWarning)
        estimate = sp.productivity(frame, method=method, **SAME[method])
    return {
        "spillover_seconds": spread(ours),
        "spillover_memory_mb": max(found["peak_mb"] for found in ours),
        "spillover_memory_mb_per_worker": max(found["worker_mb"] for found in ours),
        "prodest_seconds": {
            str(low[0]["draws"]): spread(low),
            str(high[0]["draws"]): spread(high),
        },
        "prodest_seconds_per_draw": round(float(per_draw), 3),
        "prodest_seconds_scaled": round(float(theirs), 1),
        "prodest_memory_mb_of_the_parent": round(max(found["memory_mb"] for found in high)),
        "ratio": round(float(theirs) / mine, 1),
        "beta": {
            "spillover": [round(float(b), 6) for b in estimate["N0"].beta],
            "prodest": [round(b, 6) for b in high[0]["beta"]],
        },
        "versions": high[0]["versions"],
    }


def largest(start: int, most: int) -> list[dict[str, Any]]:
    """Double the panel until an estimation (20 industries, no bootstrap) takes over a minute."""
    found = []
    rows = start
    while rows <= most:
        timed = alone("acf", rows, 20, 0, 1)
        found.append({"rows": rows, **{name: round(value, 1) for name, value in timed.items()}})
        print(found[-1])
        if timed["seconds"] > LIMIT or rows == most:
            break
        rows = min(2 * rows, most)
    return found


def to_markdown(record: dict[str, Any]) -> str:
    """Lay the record out as the tables of the benchmarks' page."""
    head = [
        "",
        "spillover, s",
        "prodest, s",
        "ratio",
        "spillover, MB",
        "each worker, MB",
        "peer, MB",
    ]
    lines = [head, ["---", *["---:"] * 6]]
    for method, one in record.get("methods", {}).items():
        lines.append(
            [
                method,
                f"{one['spillover_seconds']['median']:.1f}",
                f"{one['prodest_seconds_scaled']:.0f}",
                f"{one['ratio']:.0f}",
                f"{one['spillover_memory_mb']:.0f}",
                f"{one['spillover_memory_mb_per_worker']:.0f}",
                f"{one['prodest_memory_mb_of_the_parent']:.0f}",
            ]
        )
    tables = ["\n".join("| " + " | ".join(line) + " |" for line in lines)]
    if record.get("largest_in_a_minute"):
        lines = [["firm-years, acf in 20 industries", "seconds", "peak, MB", "data alone, MB"]]
        lines.append(["---:"] * 4)
        for one in record["largest_in_a_minute"]:
            cells = [one["rows"], one["seconds"], one["peak_mb"], one["before_mb"]]
            lines.append([f"{cell:,}" for cell in cells])
        tables.append("\n".join("| " + " | ".join(line) + " |" for line in lines))
    return "\n\n".join(tables)


def fill(page: str, record: dict[str, Any]) -> str:
    """Put the record's tables between the page's comments."""
    mark = re.compile(r"(<!-- productivity -->\n).*?(\n<!-- end -->)", re.DOTALL)
    page, count = mark.subn(lambda found: f"{found[1]}{to_markdown(record)}{found[2]}", page)
    if count != 1:
        raise ValueError(f"The page has {count} places for the record.")
    return page


def main() -> None:
    """Run and record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--few", type=int, nargs=2, default=(4, 20), help="prodest's draws")
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--largest", type=int, default=24_000_000, help="0 to leave it out")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--no-write", action="store_true")
    parser.add_argument("--output", type=Path, help="write the record there instead")
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(given.one[0], *(int(number) for number in given.one[1:]))
        return
    record: dict[str, Any] = {
        "benchmark": "productivity",
        "what": f"{given.rows:,} firm-years, {given.draws} draws, {given.workers} workers",
        "environment": environment(),
    }
    if not given.no_peer:
        few = (given.few[0], given.few[1])
        record["methods"] = against_peer(given, few)
    if given.largest:
        record["largest_in_a_minute"] = largest(1_000_000, given.largest)
    if given.output:
        given.output.write_text(json.dumps(record, indent=2) + "\n")
    elif not given.no_write:
        print(write("productivity", record))
        PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), record), encoding="utf-8")


if __name__ == "__main__":
    main()

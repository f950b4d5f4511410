"""Productivity estimators side by side with R's prodest 1.0.1 and gnrprod 1.1.2 on real plants.

    python benchmarks/peers_productivity.py

reads the peers' numbers from tests/reference/ (the R scripts that made them lie there too),
estimates the same on the real data in the folder SPILLOVER_SHARED, which are not in this
repository, and writes the tables of docs/validation-peers.md.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import spillover as sp

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "tests" / "reference"
PAGE = ROOT / "docs" / "validation-peers.md"
SHARED = Path(os.environ.get("SPILLOVER_SHARED", ROOT.parent / "shared" / "data"))
OP = {"method": "op", "degree": 2, "exit_correction": False, "law_outcome": "fitted"}
LP = {"method": "lp", "degree": 2, "law_outcome": "fitted"}
ACF = {"method": "acf", "degree": 2}
SYSTEM = {"method": "wooldridge", "degree": 2, "linear_state": False, "weighting": "two_stage"}
SECOND = {"method": "wooldridge", "degree": 2, "equations": "second", "weighting": "two_stage"}
POOLED = {"method": "wooldridge", "degree": 2, "equations": "pooled", "weighting": "two_stage"}


def peer(name: str) -> dict[str, Any]:
    """Read the numbers that an R script stored."""
    return json.loads((REFERENCE / f"{name}.json").read_text())


def estimate(frame: pd.DataFrame, **call: Any) -> sp.Productivity:
    """Estimate without the notes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SpilloverWarning)
        return sp.productivity(frame, logged=True, least_rows=50, least_firms=5, **call)


def markdown(head: list[str], rows: list[list[object]]) -> str:
    """Lay a table out: the first column is text, numbers are right-aligned."""
    text = [[cell if isinstance(cell, str) else number(cell) for cell in row] for row in rows]
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *text]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: object) -> str:
    """Four decimals; whole numbers as they are; small ones by their power of ten."""
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    return f"{float(value) + 0.0:.4f}".replace("-0.0000", "0.0000")  # type: ignore[arg-type]


def size(value: float) -> str:
    """Two digits and the power of ten; zero below what rounding leaves."""
    return "0" if abs(value) < 1e-16 else f"{value:.1e}"


def chile_prodest() -> str:
    """prodest's own plants: op, lp and wooldridge, coefficient by coefficient."""
    frame = pd.read_csv(SHARED / "firms_chile_prodest" / "chilean.csv")
    frame = frame.rename(columns={"idvar": "firm", "timevar": "year"})
    roles = {"output": "Y", "free": ["fX1", "fX2"], "state": ["sX"], "by": None}
    gmm, free = peer("production_op_wooldridge_chile"), peer("production_lp_acf")["chilean"]
    op_first = gmm["op"]["runs"][0]["pars"][:2]
    cases = [
        ("op, no exit", {**OP, "proxy": "inv"}, [*op_first, gmm["op"]["state"]]),
        (
            "op, exit",
            {**OP, "proxy": "inv", "exit_correction": True},
            [*op_first, gmm["op_exit"]["state"]],
        ),
        ("lp", {**LP, "proxy": "pX"}, free["lp"]["beta"]),
        ("wooldridge, system", {**SYSTEM, "proxy": "pX"}, gmm["wooldridge"]["gmm"]["pars"]),
        ("wooldridge, lagged", {**SECOND, "proxy": "pX"}, gmm["wooldridge"]["robinson"]["pars"]),
        ("wooldridge, pooled", {**POOLED, "proxy": "pX"}, gmm["wooldridge"]["pooled"]["pars"]),
    ]
    rows = []
    for label, call, theirs in cases:
        ours = estimate(frame, **roles, **call)["all"].beta
        for name, mine, other in zip(
            ("skilled", "unskilled", "capital"), ours, theirs, strict=True
        ):
            rows.append([label, name, mine, other, size(abs(mine - other))])
    return markdown(["method", "coefficient", "spillover", "prodest", "difference"], rows)


def chile_acf() -> str:
    """Where each ends, and the value of the criterion there."""
    frame = pd.read_csv(SHARED / "firms_chile_prodest" / "chilean.csv")
    frame = frame.rename(columns={"idvar": "firm", "timevar": "year"})
    roles = {"output": "Y", "free": ["fX1", "fX2"], "state": ["sX"], "by": None, "proxy": "pX"}
    ours = estimate(frame, **roles, **ACF)["all"]
    numbers = peer("production_lp_acf")["chilean"]
    rows = [["spillover", *ours.beta, size(ours.objective)]]
    rows += [
        [f"prodest, seed {one['seed']}", *one["beta"], size(one["value"])] for one in numbers["acf"]
    ]
    for one in numbers["acf_from"]:
        start = ", ".join(map(str, one["start"]))
        rows.append([f"prodest, started at ({start})", *one["beta"], size(one["value"])])
    return markdown(["", "skilled", "unskilled", "capital", "criterion"], rows)


def plants() -> pd.DataFrame:
    """The census's plant-years that the R scripts read."""
    place = REFERENCE / "make_production_plants.py"
    spec = importlib.util.spec_from_file_location("make_production_plants", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.plants(SHARED / "firms_chile_enia" / "enia_1986_1994.parquet")


def by_industry(frame: pd.DataFrame, call: dict[str, Any], peers: dict[str, Any]) -> str:
    """Elasticities of labour and capital by industry, and where there is one, the criterion."""
    result = estimate(frame, **call)
    squares = "value" in next(iter(peers.values()))
    rows = []
    for group, one in peers.items():
        mine, theirs = result[group].beta, one["beta"]
        row: list[object] = [group, len(result.inputs[group])]
        row += [mine[0], theirs[0], mine[1], theirs[1]]
        if squares:
            row += [result[group].objective * result[group].nobs_second, one["value"]]
        else:
            row.append(size(max(abs(mine - np.array(theirs)))))
        rows.append(row)
    head = ["industry", "rows", "labour", "prodest", "capital", "prodest"]
    head += ["sum of squares", "prodest"] if squares else ["difference"]
    return markdown(head, rows)


def acf_by_industry(frame: pd.DataFrame) -> str:
    """Elasticities by industry, with the criterion at ours and at the best of prodest's seeds."""
    result = estimate(frame, **ACF)
    rows = []
    for group, found in peer("production_lp_acf")["plants"].items():
        one = result[group]
        done = [run for run in found["acf"] if "NA" not in run["beta"]]
        cells: list[object] = [group, len(result.inputs[group]), *one.beta, size(one.objective)]
        if done:
            best = min(done, key=lambda run: run["value"])
            cells += [*best["beta"], size(best["value"]), f"{len(done)} of {len(found['acf'])}"]
        else:
            cells += ["NA", "NA", "", f"0 of {len(found['acf'])}"]
        suspect = any("labour's price" in note for note in one.notes)
        rows.append([*cells, "yes" if suspect else ""])
    head = ["industry", "rows", "labour", "capital", "criterion", "prodest: labour", "capital"]
    return markdown([*head, "criterion", "seeds with an answer", "warning"], rows)


def gnr() -> str:
    """Colombian food plants against gnrprod; the simulated panel against its truth."""
    frame = pd.read_csv(SHARED / "firms_colombia_gnr" / "colombian_311.csv")
    frame = frame.rename(columns={"id": "firm", "RGO": "y", "L": "l", "K": "k", "RI": "m"})
    frame = frame.assign(year=frame["year"].astype(int), share=np.exp(frame["share"]))
    by_row = frame.sort_values(["firm", "year"])
    by_row = by_row.assign(year=by_row.groupby("firm").cumcount())
    roles = {
        "method": "gnr",
        "output": "y",
        "free": ["l"],
        "state": ["k"],
        "proxy": "m",
        "by": None,
    }
    numbers = peer("production_gnr_colombia")
    rows = []
    for degrees in ("333", "223"):
        a, b, c = map(int, degrees)
        call = {"share_degree": a, "integration_degree": b, "markov_degree": c, "share": "share"}
        label = f"Colombia 311, degrees {a}, {b}, {c}"
        theirs = numbers[f"degrees_{degrees}"]["default"]["elasticities"]
        rows.append([f"{label}: gnrprod", *theirs])
        for text, data in (("its lags (the row before)", by_row), ("calendar lags", frame)):
            one = estimate(data, **roles, **call)["all"]
            rows.append([f"{label}: spillover, {text}", *one.elasticity])
    made = pd.read_parquet(SHARED / "firms_gnr_sim500" / "gnr_data_500.parquet")
    made = made.rename(columns={"id": "firm", "time": "year", "yg": "y", "i": "m"})
    call = {"share": "si_level", "expectation": "one"}
    one = estimate(made, **{**roles, "free": []}, **call)["all"]
    rows += [
        ["simulated panel: truth", "", 0.25, 0.65],
        ["simulated panel: spillover", "", *one.elasticity],
    ]
    return markdown(["", "labour", "capital", "materials"], rows)


def tables() -> dict[str, str]:
    """Return every table of the page by its name."""
    frame = plants()
    more, free = peer("production_plants")["plants"], peer("production_lp_acf")["plants"]
    invested = frame[frame["investment"].notna()]
    return {
        "chile": chile_prodest(),
        "chile acf": chile_acf(),
        "op": by_industry(invested, OP, {name: one["op"] for name, one in more.items()}),
        "lp": by_industry(frame, LP, {name: one["lp"] for name, one in free.items()}),
        "wooldridge": by_industry(
            frame, SYSTEM, {name: one["wooldridge"] for name, one in more.items()}
        ),
        "acf": acf_by_industry(frame),
        "gnr": gnr(),
    }


def fill(page: str, found: dict[str, str]) -> str:
    """Put tables between the page's comments ``<!-- name -->`` and ``<!-- end -->``."""
    for name, table in found.items():
        mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        page, count = mark.subn(lambda old, table=table: f"{old[1]}{table}\n{old[2]}", page)
        if count != 1:
            raise ValueError(f"The page has {count} places for {name}.")
    return page


def main() -> None:
    """Write the page's tables."""
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), tables()), encoding="utf-8")


if __name__ == "__main__":
    main()

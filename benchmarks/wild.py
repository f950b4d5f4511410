"""How long do 9,999 draws of the wild cluster bootstrap take, against wildboottest?

Both test one coefficient with the null imposed, Webb weights and the same clusters, from a
model that is set up. Ours also gives the confidence set, which wildboottest does not offer. It
takes no absorbed effects, so each is a dummy there. Needs ``pip install wildboottest``.

    python benchmarks/wild.py
    python benchmarks/wild.py --runs 1 --small --no-write
"""

from __future__ import annotations

import argparse
import os
import warnings
from importlib import metadata
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from _common import environment, in_turns, ratios, write
from wildboottest.wildboottest import wildboottest

import spillover as sp

DRAWS = 9_999
CASES = (
    {"rows": 10_000, "clusters": 10, "effects": ()},
    {"rows": 10_000, "clusters": 50, "effects": ()},
    {"rows": 100_000, "clusters": 50, "effects": ("industry", "year")},
    {"rows": 100_000, "clusters": 200, "effects": ("industry", "year")},
)


def data(rows: int, clusters: int, seed: int = 5) -> pd.DataFrame:
    """Draw regressors and errors that share a part within clusters of unequal size."""
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.full(clusters, 2.0))
    frame = pd.DataFrame({"g": rng.choice(clusters, rows, p=share)})
    frame["industry"] = (frame["g"] * 7 + rng.integers(0, 2, rows)) % 20
    frame["year"] = rng.integers(0, 10, rows)
    for name in ("x1", "x2", "x3", "x4", "x5"):
        frame[name] = rng.normal(size=rows) + rng.normal(size=clusters)[frame["g"]]
    frame["y"] = 0.02 * frame["x1"] + rng.normal(size=rows) + rng.normal(size=clusters)[frame["g"]]
    return frame


def compare(rows: int, clusters: int, effects: tuple[str, ...], runs: int) -> dict[str, Any]:
    """Time both on one case; and the p-values, which differ by the draws only."""
    frame = data(rows, clusters)
    formula = "y ~ x1 + x2 + x3 + x4 + x5" + (" | " + " + ".join(effects) if effects else "")
    fit = sp.fit(formula, frame, cluster="g")
    X = frame[["x1", "x2", "x3", "x4", "x5"]].assign(const=1.0)
    for effect in effects:
        X = X.join(pd.get_dummies(frame[effect], prefix=effect, drop_first=True, dtype=float))
    model = sm.OLS(frame["y"], X)

    def ours() -> float:
        return sp.inference.wild_bootstrap(fit, "x1", draws=DRAWS, weights="webb").p_value

    def peer() -> float:
        found = wildboottest(
            model, param="x1", cluster=frame["g"], B=DRAWS, weights_type="webb", seed=1, show=False
        )
        return float(found["p-value"].iloc[0])

    times = in_turns({"spillover": ours, "wildboottest": peer}, runs)
    return {
        "rows": rows,
        "clusters": clusters,
        "absorbed": list(effects),
        "dummies_in_peer": X.shape[1] - 6,
        "p_value": {"spillover": ours(), "wildboottest": peer()},
        "seconds": times,
        "peer_over_ours": ratios(times, "spillover", ["wildboottest"])["wildboottest"],
    }


def large(rows: int) -> dict[str, Any]:
    """Ours alone: a million firm-years, firm and industry-year effects not nested in clusters."""
    rng = np.random.default_rng(2)
    firm = np.sort(rng.integers(0, rows // 4, rows))
    frame = pd.DataFrame({"firm": firm, "year": rng.integers(0, 10, rows)})
    home = rng.integers(0, 60, rows // 4)
    moved = rng.random(rows) < 0.05
    frame["industry"] = np.where(moved, rng.integers(0, 60, rows), home[firm])
    frame["x"] = rng.normal(size=rows) + rng.normal(size=rows // 4)[firm]
    frame["y"] = 0.01 * frame["x"] + rng.normal(size=rows)
    fit = sp.fit("y ~ x | firm + industry^year", frame, cluster="industry")

    def test() -> float:
        return sp.inference.wild_bootstrap(fit, "x", draws=DRAWS).p_value

    return {
        "rows": rows,
        "clusters": 60,
        "absorbed": ["firm", "industry^year"],
        "seconds": in_turns({"spillover": test}, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--small", action="store_true", help="the first case only")
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    before = environment()
    before["versions"] |= {name: metadata.version(name) for name in ("wildboottest", "numba")}
    before["threads"] = os.environ.get("OPENBLAS_NUM_THREADS", "default")
    cases = CASES[:1] if options.small else CASES
    record: dict[str, Any] = {
        "question": "9,999 draws of the wild cluster bootstrap (Webb, null imposed), one test",
        "environment": before,
        "cases": [compare(**case, runs=options.runs) for case in cases],
    }
    if not options.small:
        record["large"] = large(1_000_000)
    for case in record["cases"]:
        seconds = {name: times["median"] for name, times in case["seconds"].items()}
        print(case["rows"], case["clusters"], seconds, case["peer_over_ours"], case["p_value"])
    if "large" in record:
        print("large", record["large"]["seconds"]["spillover"]["median"])
    if not options.no_write:
        print(write("wild", record))


if __name__ == "__main__":
    main()

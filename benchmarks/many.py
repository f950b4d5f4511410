"""Two hundred specifications on one sample: all at once, against a loop over pyfixest.

Five of ten regressors, two hundred combinations of them, firm and industry-year effects, standard
errors clustered by industry and year. The loops are run on some specifications and scaled up;
coefficients and standard errors are compared on those.

    python benchmarks/many.py                      # 1 million firm-years
    python benchmarks/many.py --rows 20000 --specifications 50 --looped 5 --no-write
"""

from __future__ import annotations

import argparse
import time
import warnings
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pyfixest as pf
from _common import environment, write
from absorption import firm_panel

import spillover as sp

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

PEERS = {
    "pyfixest, as it comes": {},
    "pyfixest, within, lean": {
        "demeaner": pf.LsmrDemeaner(),
        "copy_data": False,
        "store_data": False,
        "lean": True,
    },
}


def wide_panel(rows: int) -> pd.DataFrame:
    """Draw a panel with ten regressors."""
    data = firm_panel(rows)
    rng = np.random.default_rng(4)
    more = rng.normal(size=(len(data), 5)) + 0.1 * data[["x1"]].to_numpy()
    return data.assign(**{f"x{j + 6}": more[:, j] for j in range(5)})


def regressor_sets(count: int) -> list[str]:
    """List combinations of five regressors."""
    names = [f"x{j}" for j in range(1, 11)]
    return [" + ".join(chosen) for chosen in list(combinations(names, 5))[:count]]


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return seconds and what was made."""
    start = time.perf_counter()
    made = call()
    return time.perf_counter() - start, made


def run(rows: int, specifications: int, looped: int) -> dict[str, Any]:
    """Time everything, and compare the numbers."""
    warnings.simplefilter("ignore")
    data = wide_panel(rows)
    sets = regressor_sets(specifications)
    formulas = {x: f"y ~ {x} | firm + industry^year" for x in sets}
    some = [sets[j] for j in np.linspace(0, len(sets) - 1, looped).astype(int)]
    at_once, fits = timed(lambda: sp.fit_many(formulas, data, cluster="industry^year"))
    one_by_one, single = timed(
        lambda: {x: sp.fit(formulas[x], data, cluster="industry^year", lean=True) for x in some}
    )
    scale = len(sets) / len(some)
    record: dict[str, Any] = {
        "benchmark": "many",
        "sizes": {"rows": len(data), "specifications": len(sets), "looped": len(some)},
        "environment": environment(),
        "seconds": {"spillover, fit_many": at_once, "spillover, fit in a loop": one_by_one * scale},
        "largest_relative_difference": {
            "spillover, fit in a loop": max(
                float((fits[x].params / single[x].params - 1).abs().max()) for x in some
            )
        },
    }
    for name, options in PEERS.items():
        seconds, theirs = timed(lambda options=options: {x: peer(x, data, options) for x in some})
        record["seconds"][name] = seconds * scale
        record["largest_relative_difference"][name] = max(
            float((theirs[x].coef()[fits[x].params.index] / fits[x].params - 1).abs().max())
            for x in some
        )
    record["times_faster"] = {
        name: seconds / at_once for name, seconds in record["seconds"].items() if seconds != at_once
    }
    return record


def peer(regressors: str, data: pd.DataFrame, options: dict[str, Any]) -> Any:
    """Fit one specification with pyfixest."""
    return pf.feols(
        f"y ~ {regressors} | firm + industry_year",
        data,
        vcov={"CRV1": "industry_year"},
        fixef_rm="singleton",
        **options,
    )


def main() -> None:
    """Read the arguments, run, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--specifications", type=int, default=200)
    parser.add_argument("--looped", type=int, default=5, help="specifications fitted in the loops")
    parser.add_argument("--no-write", action="store_true", help="do not write results/")
    arguments = parser.parse_args()
    record = run(arguments.rows, arguments.specifications, arguments.looped)
    for stage in ("seconds", "times_faster", "largest_relative_difference"):
        print(stage)
        for name, value in record[stage].items():
            print(f"  {name:30s} {value:.4g}")
    if not arguments.no_write:
        print("written:", write("many", record).name)


if __name__ == "__main__":
    main()

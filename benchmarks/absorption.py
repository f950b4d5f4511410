"""How fast is a regression that absorbs firm and industry-year effects, against its peers?

One outcome, five regressors, standard errors clustered by industry and year; pyfixest with each of
its solvers, and linearmodels' two estimators. Then the absorption alone, where a peer offers it.

    python benchmarks/absorption.py                # 1 million firm-years
    python benchmarks/absorption.py --rows 20000 --runs 2 --fresh-runs 0 --no-write
    python benchmarks/absorption.py --rows 10000000 --peers "pyfixest, within" --runs 3
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyfixest as pf
from _common import alone_in_turns, environment, in_turns, ratios, write
from linearmodels.iv.absorbing import AbsorbingLS
from linearmodels.panel import PanelOLS
from pyfixest.core.demean import demean, demean_within

import spillover as sp
from spillover.panel.absorb import Absorber

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

INDUSTRIES = 60
YEARS = 10
REGRESSORS = ["x1", "x2", "x3", "x4", "x5"]
OURS = "spillover"


def firm_panel(rows: int, seed: int = 3) -> pd.DataFrame:
    """Draw an unbalanced panel: firms enter and leave, and one in ten changes its industry once.

    Regressors are correlated with firm and industry-year effects. ``industry_year`` holds the
    interaction as whole numbers, for the peers that want one column.
    """
    rng = np.random.default_rng(seed)
    firms = rows // 4
    spell = np.sort(rng.integers(0, YEARS, (firms, 2)), axis=1)
    length = spell[:, 1] - spell[:, 0] + 1
    firm = np.repeat(np.arange(firms), length)
    age = np.arange(len(firm)) - np.repeat(np.cumsum(length) - length, length)
    year = spell[firm, 0] + age
    moved = (rng.random(firms) < 0.1)[firm] & (age >= length[firm] // 2)
    industry = np.where(
        moved, rng.integers(0, INDUSTRIES, firms)[firm], rng.integers(0, INDUSTRIES, firms)[firm]
    )
    firm, year, industry = firm[:rows], year[:rows], industry[:rows]
    n = len(firm)
    effects = rng.normal(size=firms)[firm] + rng.normal(size=(INDUSTRIES, YEARS))[industry, year]
    x = rng.normal(size=(n, len(REGRESSORS))) + 0.5 * effects[:, None]
    error = rng.normal(size=n) + 0.3 * rng.normal(size=(INDUSTRIES, YEARS))[industry, year]
    columns = {
        "firm": firm,
        "industry": np.array([f"N{code:02d}" for code in range(INDUSTRIES)])[industry],
        "year": year + 2005,
        "industry_year": industry * YEARS + year,
        "y": x @ np.linspace(0.1, 0.5, len(REGRESSORS)) + effects + error,
    }
    return pd.DataFrame(columns | {name: x[:, j] for j, name in enumerate(REGRESSORS)})


def tight(tolerance: float) -> pf.LsmrDemeaner:
    """Return pyfixest's fastest solver with a tolerance of our choice."""
    return pf.LsmrDemeaner(fixef_atol=tolerance, fixef_btol=tolerance)


PYFIXEST = {
    "pyfixest, within": pf.LsmrDemeaner(),
    "pyfixest, within, diagonal": pf.LsmrDemeaner(preconditioner="diagonal"),
    "pyfixest, within, tolerance 1e-12": tight(1e-12),
    "pyfixest, alternating projections": pf.MapDemeaner(),
}
LINEARMODELS = ("linearmodels, AbsorbingLS", "linearmodels, PanelOLS")


def fit_ours(data: pd.DataFrame) -> pd.Series:
    """Fit with spillover; the interaction is built from text and year."""
    formula = f"y ~ {' + '.join(REGRESSORS)} | firm + industry^year"
    return sp.fit(formula, data, cluster="industry^year").params


def fit_pyfixest(data: pd.DataFrame, name: str) -> pd.Series:
    """Fit with pyfixest, without the copies of the data that it keeps by default."""
    return pf.feols(
        f"y ~ {' + '.join(REGRESSORS)} | firm + industry_year",
        data,
        vcov={"CRV1": "industry_year"},
        demeaner=PYFIXEST[name],
        copy_data=False,
        store_data=False,
        lean=True,
    ).coef()


def fit_linearmodels(data: pd.DataFrame, name: str) -> pd.Series:
    """Fit with one of linearmodels' estimators; singletons are dropped as the others do."""
    if name.endswith("PanelOLS"):
        panel = data.set_index(["firm", "year"])
        groups = panel[["industry_year"]]
        effects = {"entity_effects": True, "other_effects": groups, "singletons": False}
        model = PanelOLS(panel["y"], panel[REGRESSORS], **effects)
        return model.fit(use_lsmr=True, cov_type="clustered", clusters=groups).params
    absorbed = data[["firm", "industry_year"]].astype("category")
    model = AbsorbingLS(data["y"], data[REGRESSORS], absorb=absorbed)
    return model.fit(cov_type="clustered", clusters=data["industry_year"]).params


def estimators(peers: Sequence[str] = ()) -> dict[str, Callable[[pd.DataFrame], pd.Series]]:
    """Return name -> estimator of the coefficients; of all peers, or of some."""
    found = (
        {OURS: fit_ours}
        | {name: partial(fit_pyfixest, name=name) for name in PYFIXEST}
        | {name: partial(fit_linearmodels, name=name) for name in LINEARMODELS}
    )
    return {name: fit for name, fit in found.items() if not peers or name in {OURS, *peers}}


def prepare(path: Path, name: str) -> Callable[[], Any]:
    """Read the panel, and return what is timed."""
    warnings.simplefilter("ignore")
    return partial(estimators()[name], pd.read_parquet(path))


def absorbers(data: pd.DataFrame) -> dict[str, Callable[[], Any]]:
    """Return name -> absorption of outcome and regressors, from arrays and codes."""
    columns = data[["y", *REGRESSORS]].to_numpy()
    codes = [pd.factorize(data[name])[0] for name in ("firm", "industry_year")]
    groups = np.column_stack(codes)
    ones = np.ones(len(data))

    def ours() -> Any:
        return Absorber.from_codes(codes).residualise(columns)

    return {
        OURS: ours,
        "pyfixest, within": partial(
            demean_within, columns, groups.astype(np.uint32), None, tol=1e-8
        ),
        "pyfixest, alternating projections": partial(
            demean, columns, groups.astype(np.uintp), ones, tol=1e-6
        ),
    }


def differences(data: pd.DataFrame, peers: Sequence[str] = ()) -> dict[str, float]:
    """Return the largest relative difference of each peer's coefficients from ours."""
    ours = fit_ours(data)
    return {
        name: float((fit(data)[ours.index] / ours - 1).abs().max())
        for name, fit in estimators(peers).items()
        if name != OURS
    }


def run(rows: int, runs: int, fresh_runs: int, peers: Sequence[str] = ()) -> dict[str, Any]:
    """Run the whole benchmark."""
    warnings.simplefilter("ignore")
    data = firm_panel(rows)
    fits: dict[str, Callable[[], Any]] = {
        name: partial(fit, data) for name, fit in estimators(peers).items()
    }
    record: dict[str, Any] = {
        "benchmark": "absorption",
        "sizes": {
            "rows": len(data),
            "firms": int(data["firm"].nunique()),
            "industry_years": int(data["industry_year"].nunique()),
            "regressors": len(REGRESSORS),
        },
        "environment": environment(),
        "largest_relative_difference": differences(data, peers),
        "estimation": in_turns(fits, runs),
        "absorption_alone": in_turns(absorbers(data), runs) if not peers else {},
    }
    for stage in ("estimation", "absorption_alone"):
        others = [name for name in record[stage] if name != OURS]
        record[f"ratios_{stage}"] = ratios(record[stage], OURS, others) if others else {}
    if fresh_runs:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "panel.parquet"
            data.to_parquet(path)
            del data, fits
            entries = {name: (prepare, path, name) for name in estimators(peers)}
            record["fresh_process"] = alone_in_turns(entries, fresh_runs)
    return record


def main() -> None:
    """Read the arguments, run, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5, help="timed runs in one process")
    parser.add_argument("--fresh-runs", type=int, default=3, help="runs in processes of their own")
    parser.add_argument("--peers", nargs="*", default=[], help="only these; all by default")
    parser.add_argument("--no-write", action="store_true", help="do not write results/")
    arguments = parser.parse_args()
    record = run(arguments.rows, arguments.runs, arguments.fresh_runs, arguments.peers)
    for stage in ("largest_relative_difference", "estimation", "absorption_alone", "fresh_process"):
        print(stage)
        for name, value in record.get(stage, {}).items():
            print(f"  {name:40s} {value}")
    if not arguments.no_write:
        name = "absorption" if not arguments.peers else f"absorption_{arguments.rows}"
        print("written:", write(name, record).name)


if __name__ == "__main__":
    main()

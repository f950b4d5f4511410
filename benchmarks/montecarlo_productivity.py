"""Do the productivity estimators find the production function behind a synthetic panel?

Draws panels with `sp.simulate.production`, estimates each by several methods, and records bias,
RMSE and the coverage of 95 percent intervals. Intervals are analytic where a method has analytic
standard errors (clustered by firm); otherwise they come from a bootstrap by firm, which starts
every draw from the panel's own estimate, as `sp.productivity` does.

    python benchmarks/montecarlo_productivity.py                    # all designs
    python benchmarks/montecarlo_productivity.py --design gnr acf1  # only these
    python benchmarks/montecarlo_productivity.py --resume           # those not stored yet
    python benchmarks/montecarlo_productivity.py --panels 4 --bootstrap 4 --no-write  # a try

After every design its numbers go to results/montecarlo_productivity.json, and the tables of
docs/validation-productivity.md are written anew from that file.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from _common import RESULTS, environment, write
from joblib import Parallel, delayed
from tqdm import tqdm

import spillover as sp
from spillover.production.acf import Acf, estimate_acf
from spillover.production.bootstrap import draw_counts
from spillover.production.data import Inputs, build_inputs
from spillover.production.gnr import Gnr, estimate_gnr
from spillover.production.lp import Lp, estimate_lp
from spillover.production.ols import Fe, Ols, estimate_fe, estimate_ols
from spillover.production.op import Op, estimate_op
from spillover.production.polynomial import basis
from spillover.production.wooldridge import Wooldridge, estimate_wooldridge

if TYPE_CHECKING:
    from collections.abc import Callable

Numbers = dict[str, float]
Found = tuple[Numbers, Numbers, "np.ndarray | None"]
"""Coefficients, their analytic standard errors, and from where a bootstrap draw starts."""
FAILURES = (sp.SpilloverError, np.linalg.LinAlgError)
NAME = "montecarlo_productivity"
PAGE = Path(__file__).parents[1] / "docs" / "validation-productivity.md"
SETTINGS = ("panels", "firms", "periods", "seed", "bootstrap")


@dataclass(frozen=True)
class Method:
    """How one row of a table is made: inputs and a starting point in, numbers out.

    ``analytic`` says whether the function also gives standard errors, ``law`` whether the drivers
    are in the law of motion, ``materials`` whether materials are an input like any other, and
    ``resample`` whether it is bootstrapped.
    """

    run: Callable[[Inputs, np.ndarray | None], Found]
    analytic: bool = False
    law: bool = False
    materials: bool = False
    resample: bool = True


@dataclass(frozen=True)
class Case:
    """A design, its columns, the methods tried on it, and how many panels are bootstrapped."""

    design: object
    methods: dict[str, Method]
    output: str = "value_added"
    proxy: str = "materials"
    free: tuple[str, ...] = ("employment",)
    driver: str = ""
    extra: tuple[str, ...] = ()
    resampled: int = 200


def plain(estimator, settings, **kind: bool) -> Method:
    """Read elasticities (and the drivers' effects) off an estimate."""

    def run(inputs: Inputs, near: np.ndarray | None) -> Found:
        started = {} if near is None else {"near": near}
        found = estimator(inputs, settings, **started)
        values = dict(zip(found.inputs, map(float, found.elasticity), strict=True))
        errors = dict(zip(found.names, map(float, found.std_errors), strict=True))
        if kind.get("law") and found.markov is not None:
            values["effect"] = float(found.markov[inputs.names.markov[0]])
        return values, errors if kind.get("analytic") else {}, found.beta

    return Method(run, **kind)


def from_truth(estimator, settings, truth: tuple[float, ...], **kind) -> Method:
    """Like `plain`, but with the search started at the truth."""
    inner = plain(estimator, settings, **kind)
    start = np.array(truth)
    return Method(lambda inputs, _: inner.run(inputs, start), **kind)


def two_step(settings: Acf, second: str) -> Method:
    """ACF with an exogenous law of motion, then productivity on last year's presence."""

    def run(inputs: Inputs, near: np.ndarray | None) -> Found:
        found = estimate_acf(inputs, settings, near=near)
        values = {"effect": SECOND[second](inputs, found.phi - inputs.X @ found.beta)}
        if second == "dynamic":  # the elasticities are the same in both
            values = dict(zip(found.inputs, map(float, found.elasticity), strict=True)) | values
        return values, {}, found.beta

    return Method(run)


def infeasible(second: str) -> Method:
    """The second step with true productivity, which only a simulation knows."""

    def run(inputs: Inputs, _: np.ndarray | None) -> Found:
        return {"effect": SECOND[second](inputs, inputs.extra["true_omega"])}, {}, None

    return Method(run)


def dynamic(inputs: Inputs, omega: np.ndarray) -> float:
    """Regress productivity on a cubic in its lag and on last year's presence."""
    presence = inputs.lagged(inputs.extra["horizontal"])
    before = inputs.lagged(omega)
    use = np.isfinite(before) & np.isfinite(omega)
    X = np.column_stack([presence[use], basis(before[use, None], 3)])
    root = np.sqrt(inputs.weights[use])
    return float(np.linalg.lstsq(X * root[:, None], omega[use] * root, rcond=None)[0][0])


def static(inputs: Inputs, omega: np.ndarray) -> float:
    """Regress productivity on last year's presence with firm and year effects."""
    presence = inputs.lagged(inputs.extra["horizontal"])
    use = np.isfinite(presence) & np.isfinite(omega)
    frame = pd.DataFrame(
        {
            "x": presence[use],
            "y": omega[use],
            "firm": inputs.firm[use],
            "year": inputs.year[use],
            "w": inputs.weights[use],
        }
    )
    for key in ("firm", "year"):  # balanced in years: one pass is exact
        mean = frame.groupby(key)[["x", "y"]].transform("mean")
        if key == "year":
            total = frame.groupby("year")["w"].transform("sum")
            mean = frame[["x", "y"]].mul(frame["w"], axis=0).groupby(frame["year"]).transform("sum")
            mean = mean.div(total, axis=0)
        frame[["x", "y"]] -= mean
    return float(
        (frame["w"] * frame["x"] * frame["y"]).sum() / (frame["w"] * frame["x"] ** 2).sum()
    )


SECOND = {"dynamic": dynamic, "static": static}
TRUE = (0.6, 0.4)
LINEAR = {
    "ols": plain(estimate_ols, Ols(), analytic=True),
    "fe": plain(estimate_fe, Fe(), analytic=True),
}
VALUE_ADDED = {
    **LINEAR,
    "lp": plain(estimate_lp, Lp()),
    "acf": plain(estimate_acf, Acf()),
    "acf, overidentified": plain(estimate_acf, Acf(overidentified=True), resample=False),
    "acf, started at the truth": from_truth(estimate_acf, Acf(), TRUE, resample=False),
    "wooldridge": plain(estimate_wooldridge, Wooldridge(), analytic=True),
    "wooldridge, lagged equation": plain(
        estimate_wooldridge, Wooldridge(equations="second"), analytic=True
    ),
}
GROSS = {
    "ols": plain(estimate_ols, Ols(), analytic=True, materials=True),
    "fe": plain(estimate_fe, Fe(), analytic=True, materials=True),
    "gnr": plain(estimate_gnr, Gnr()),
    "lp, gross output": plain(estimate_lp, Lp(gross=True), resample=False),
    "acf, gross output": plain(
        estimate_acf, Acf(gross=True, labour="predetermined"), resample=False
    ),
}
CASES = {
    **{f"acf{number}": Case(f"acf{number}", VALUE_ADDED) for number in (1, 2, 3)},
    "acf1_noisy_proxy": Case(sp.simulate.AcfDesign(proxy_error_sd=0.2), VALUE_ADDED, resampled=100),
    "op_exit": Case(
        "op_exit",
        {
            **LINEAR,
            "op, no exit correction": plain(estimate_op, Op(exit_correction=False)),
            "op": plain(estimate_op, Op(survival_degree=2)),
        },
        proxy="investment",
        resampled=100,
    ),
    "gnr": Case("gnr", GROSS, output="output", resampled=40),
    "gnr_ces": Case(sp.simulate.GnrDesign(substitution=0.6), GROSS, output="output", resampled=40),
    "endogenous": Case(
        "endogenous",
        {
            **LINEAR,
            "two steps (acf with an exogenous law, then the law with presence)": two_step(
                Acf(), "dynamic"
            ),
            "two steps (acf with an exogenous law, then firm and year effects)": two_step(
                Acf(), "static"
            ),
            "true productivity, then the law with presence": infeasible("dynamic"),
            "true productivity, then firm and year effects": infeasible("static"),
            "acf, one step": plain(estimate_acf, Acf(), law=True),
        },
        driver="horizontal",
        extra=("horizontal", "true_omega"),
    ),
}


def inputs_of(case: Case, simulation: sp.simulate.ProductionSimulation, method: Method) -> Inputs:
    """Log and sort a panel, with the columns in the roles that the method gives them."""
    law = method.law
    data = simulation.data.assign(true_omega=simulation.omega)
    groups, _ = build_inputs(
        data,
        output=case.output,
        free=(*case.free, "materials") if method.materials else case.free,
        state=("capital",),
        proxy=None if method.materials else case.proxy,
        by=None,
        markov=(case.driver,) if law else (),
        extra=tuple(name for name in case.extra if not (law and name == case.driver)),
        optional=("investment",),
    )
    return groups["all"]


def one_panel(
    name: str, methods: list[str], seed: int, shape: tuple[int, int], bootstrap: int
) -> list[dict]:
    """Estimate one panel by every method: a row per method and coefficient."""
    case = CASES[name]
    firms, periods = shape
    years = range(2000, 2000 + periods)
    simulation = sp.simulate.production(case.design, firms=firms, years=years, rng=seed)
    truth = dict(simulation.truth["elasticities"]) | {"effect": simulation.truth["effect"]}
    rows = []
    for label in methods:
        method = case.methods[label]
        inputs = inputs_of(case, simulation, method)
        try:
            values, errors, near = method.run(inputs, None)
        except FAILURES as error:
            rows.append({"method": label, "seed": seed, "failed": str(error).splitlines()[0]})
            continue
        if method.resample and not method.analytic and bootstrap:
            errors = resampled(method, inputs, near, seed, bootstrap)
        rows += [
            {
                "method": label,
                "seed": seed,
                "coefficient": term,
                "truth": truth[term],
                "estimate": value,
                "error": errors.get(term, np.nan),
            }
            for term, value in values.items()
        ]
    return rows


def resampled(
    method: Method, inputs: Inputs, near: np.ndarray | None, seed: int, draws: int
) -> Numbers:
    """Standard errors from a bootstrap by firm; draws that fail are left out."""
    found = []
    for child in np.random.SeedSequence(seed).spawn(draws):
        counts = draw_counts(np.zeros(inputs.firms, dtype=np.int64), child)
        try:
            found.append(method.run(inputs.drawn(counts), near)[0])
        except FAILURES:
            continue
    return pd.DataFrame(found).std(ddof=1).to_dict()


def summarise(draws: pd.DataFrame) -> list[dict[str, Any]]:
    """Bias, precision and coverage by method and coefficient."""
    records = []
    for (method, term), part in draws.groupby(["method", "coefficient"], sort=False):
        gap = part["estimate"] - part["truth"]
        known = part["error"].notna()
        inside = (gap.abs() <= 1.959964 * part["error"])[known]
        records.append(
            {
                "method": method,
                "coefficient": term,
                "truth": round(float(part["truth"].mean()), 5),
                "mean": round(float(part["estimate"].mean()), 5),
                "bias": round(float(gap.mean()), 5),
                "error_of_mean": round(float(gap.std(ddof=1) / np.sqrt(len(gap))), 5),
                "rmse": round(float(np.sqrt((gap**2).mean())), 5),
                "panels": len(part),
                "coverage": round(float(inside.mean()), 4) if known.any() else None,
                "intervals": len(inside),
            }
        )
    return records


def to_markdown(records: list[dict[str, Any]]) -> str:
    """Lay a design's numbers out as a Markdown table."""
    head = ["method", "coefficient", "truth", "mean", "bias", "s.e. of mean", "RMSE"]
    lines = [[*head, "coverage (panels)"], ["---", "---", *["---:"] * 6]]
    for one in records:
        numbers = [one[name] for name in ("truth", "mean", "bias", "error_of_mean", "rmse")]
        covered = one["coverage"]
        shown = "" if covered is None else f"{covered:.2f} ({one['intervals']})"
        cells = [f"{number + 0.0:.3f}".replace("-0.000", "0.000") for number in numbers]
        lines.append([one["method"], one["coefficient"], *cells, shown])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def fill(page: str, record: dict[str, Any]) -> str:
    """Put the record's tables in place of the page's.

    A table stands between the comments ``<!-- name -->`` and ``<!-- end -->``.
    """
    for name, design in record["designs"].items():
        mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        table = to_markdown(design["table"])
        page, count = mark.subn(lambda found, table=table: f"{found[1]}{table}\n{found[2]}", page)
        if count != 1:
            raise ValueError(f"The page has {count} places for {name}.")
    return page


def run_design(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Run one design."""
    case, start = CASES[name], time.perf_counter()
    panels = min(case.resampled, given.panels) if given.bootstrap else 0
    tasks = [
        delayed(one_panel)(
            name,
            list(case.methods),
            given.seed + at,
            (given.firms, given.periods),
            given.bootstrap if at < panels else 0,
        )
        for at in range(given.panels)
    ]
    parallel = Parallel(n_jobs=given.workers, return_as="generator")
    found = list(tqdm(parallel(tasks), total=len(tasks), desc=name, file=sys.stderr))
    draws = pd.DataFrame([row for rows in found for row in rows])
    failed = draws["failed"].notna() if "failed" in draws else pd.Series(False, index=draws.index)
    why = draws[failed].groupby(["method", "failed"]).size() if failed.any() else pd.Series()
    return {
        **{key: getattr(given, key) for key in SETTINGS},
        "bootstrapped_panels": panels,
        "seconds": round(time.perf_counter() - start),
        "failures": {f"{method}: {reason}": int(count) for (method, reason), count in why.items()},
        "table": summarise(draws[~failed]),
    }


def stored() -> dict[str, Any]:
    """Return the designs that are stored."""
    path = RESULTS / f"{NAME}.json"
    return json.loads(path.read_text())["designs"] if path.is_file() else {}


def save(designs: dict[str, Any]) -> None:
    """Store the designs, in the order of the docs, and bring the page up to date."""
    ordered = {name: designs[name] for name in CASES if name in designs}
    what = "Monte Carlo of the productivity estimators on synthetic panels"
    record = {"what": what, "environment": environment(), "designs": ordered}
    write(NAME, record)
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), record), encoding="utf-8")


def main() -> None:
    """Run the Monte Carlo, print its tables and store them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--design", nargs="+", choices=[*CASES, "all"], default=["all"])
    parser.add_argument("--panels", type=int, default=200, help="panels of each design")
    parser.add_argument("--seed", type=int, default=1000, help="the seed of the first panel")
    parser.add_argument("--firms", type=int, default=1000)
    parser.add_argument("--periods", type=int, default=10)
    parser.add_argument("--bootstrap", type=int, default=40, help="bootstrap draws per panel")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--resume", action="store_true", help="leave out designs that are stored")
    parser.add_argument("--no-write", action="store_true")
    given = parser.parse_args()
    designs = stored()
    for name in CASES if "all" in given.design else given.design:
        same = all(designs.get(name, {}).get(key) == getattr(given, key) for key in SETTINGS)
        if given.resume and same:
            continue
        designs[name] = run_design(name, given)
        print(f"\n### {name}: {designs[name]['seconds']} s, failures {designs[name]['failures']}\n")
        print(to_markdown(designs[name]["table"]), flush=True)
        if not given.no_write:
            save(designs)


if __name__ == "__main__":
    main()

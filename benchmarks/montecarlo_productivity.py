"""Do the productivity estimators find the production function behind a synthetic panel?

Draws panels with `sp.simulate.production`, estimates each by several methods, and prints Markdown
tables of bias, RMSE and the coverage of 95 percent intervals. Intervals are analytic where a method
has analytic standard errors (clustered by firm); otherwise they come from a bootstrap by firm, of
`--bootstrap` draws on the first `--panels` panels.

    python benchmarks/montecarlo_productivity.py --design acf1 --draws 200 --workers 2
    python benchmarks/montecarlo_productivity.py --design op_exit --method op --draws 200
    python benchmarks/montecarlo_productivity.py --design all --draws 200 --bootstrap 40 --panels 50
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
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
FAILURES = (sp.SpilloverError, np.linalg.LinAlgError, ValueError)


@dataclass(frozen=True)
class Method:
    """How one row of a table is made: inputs and starting point in, coefficients out.

    ``analytic`` says whether the function also gives standard errors, ``law`` whether the drivers
    are in the law of motion, ``materials`` whether materials are an input like any other, and
    ``resample`` whether it is bootstrapped.
    """

    run: Callable[[Inputs, np.ndarray | None], tuple[Numbers, Numbers]]
    analytic: bool = False
    law: bool = False
    materials: bool = False
    resample: bool = True


@dataclass(frozen=True)
class Case:
    """A design, its columns and the methods that are tried on it."""

    design: object
    methods: dict[str, Method]
    output: str = "value_added"
    proxy: str = "materials"
    free: tuple[str, ...] = ("employment",)
    driver: str = ""
    extra: tuple[str, ...] = ()


def plain(estimator, settings, **kind: bool) -> Method:
    """Read elasticities (and the drivers' effects) off an estimate."""

    def run(inputs: Inputs, near: np.ndarray | None) -> tuple[Numbers, Numbers]:
        started = {} if near is None else {"near": near}
        found = estimator(inputs, settings, **started)
        values = dict(zip(found.inputs, map(float, found.elasticity), strict=True))
        errors = dict(zip(found.names, map(float, found.std_errors), strict=True))
        if kind.get("law") and found.markov is not None:
            values["effect"] = float(found.markov[inputs.names.markov[0]])
        return values, errors if kind.get("analytic") else {}

    return Method(run, **kind)


def from_truth(estimator, settings, truth: tuple[float, ...], **kind) -> Method:
    """Like `plain`, but with the search started at the truth."""
    inner = plain(estimator, settings, **kind)
    start = np.array(truth)
    return Method(lambda inputs, _: inner.run(inputs, start), **kind)


def two_step(settings: Acf, truth: tuple[float, ...], second: str) -> Method:
    """ACF with an exogenous law of motion, then productivity on last year's presence."""

    def run(inputs: Inputs, _: np.ndarray | None) -> tuple[Numbers, Numbers]:
        found = estimate_acf(inputs, settings, near=np.array(truth))
        values = dict(zip(found.inputs, map(float, found.elasticity), strict=True))
        values["effect"] = SECOND[second](inputs, found.phi - inputs.X @ found.beta)
        return values, {}

    return Method(run)


def infeasible(second: str) -> Method:
    """The second step with true productivity, which only a simulation knows."""

    def run(inputs: Inputs, _: np.ndarray | None) -> tuple[Numbers, Numbers]:
        return {"effect": SECOND[second](inputs, inputs.extra["true_omega"])}, {}

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
    "acf": plain(estimate_acf, Acf(), resample=False),
    "acf, overidentified": plain(estimate_acf, Acf(overidentified=True), resample=False),
    "acf, started at the truth": from_truth(estimate_acf, Acf(), TRUE),
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
    "acf1_noisy_proxy": Case(sp.simulate.AcfDesign(proxy_error_sd=0.2), VALUE_ADDED),
    "op_exit": Case(
        "op_exit",
        {
            **LINEAR,
            "op, no exit correction": plain(estimate_op, Op(exit_correction=False)),
            "op": plain(estimate_op, Op(survival_degree=2)),
        },
        proxy="investment",
    ),
    "gnr": Case("gnr", GROSS, output="output"),
    "gnr_ces": Case(sp.simulate.GnrDesign(substitution=0.6), GROSS, output="output"),
    "endogenous": Case(
        "endogenous",
        {
            **LINEAR,
            "acf, exogenous law; dynamic second step": two_step(Acf(), TRUE, "dynamic"),
            "acf, exogenous law; static second step": two_step(Acf(), TRUE, "static"),
            "true productivity; dynamic second step": infeasible("dynamic"),
            "true productivity; static second step": infeasible("static"),
            "acf, one step": from_truth(estimate_acf, Acf(), TRUE, law=True),
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
            values, errors = method.run(inputs, None)
        except FAILURES as error:
            rows.append({"method": label, "seed": seed, "failed": str(error).splitlines()[0]})
            continue
        if method.resample and not method.analytic and bootstrap:
            errors = resampled(method, inputs, seed, bootstrap)
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


def resampled(method: Method, inputs: Inputs, seed: int, draws: int) -> Numbers:
    """Standard errors from a bootstrap by firm; draws that fail are left out."""
    found = []
    for child in np.random.SeedSequence(seed).spawn(draws):
        counts = draw_counts(np.zeros(inputs.firms, dtype=np.int64), child)
        try:
            found.append(method.run(inputs.drawn(counts), None)[0])
        except FAILURES:
            continue
    return pd.DataFrame(found).std(ddof=1).to_dict()


def summarise(draws: pd.DataFrame) -> pd.DataFrame:
    """Bias, precision and coverage by method and coefficient."""
    rows = []
    for (method, term), part in draws.groupby(["method", "coefficient"], sort=False):
        gap = part["estimate"] - part["truth"]
        known = part["error"].notna()
        inside = (gap.abs() <= 1.959964 * part["error"])[known]
        rows.append(
            {
                "method": method,
                "coefficient": term,
                "truth": part["truth"].mean(),
                "mean": part["estimate"].mean(),
                "bias": gap.mean(),
                "Monte Carlo s.e.": gap.std(ddof=1) / np.sqrt(len(gap)),
                "RMSE": np.sqrt((gap**2).mean()),
                "coverage": f"{inside.mean():.2f} ({len(inside)})" if known.any() else "",
                "draws": str(len(part)),
            }
        )
    return pd.DataFrame(rows)


def to_markdown(table: pd.DataFrame) -> str:
    """Lay a table out in Markdown, numbers to three decimals."""
    cells = table.map(lambda value: value if isinstance(value, str) else f"{value:.3f}")
    head = [list(cells.columns), ["---"] * 2 + ["---:"] * (cells.shape[1] - 2)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [*head, *cells.to_numpy()])


def run_case(name: str, arguments: argparse.Namespace) -> None:
    """Run one design and print its table."""
    methods = [
        label
        for label in CASES[name].methods
        if not arguments.method or any(label.startswith(given) for given in arguments.method)
    ]
    start = time.perf_counter()
    tasks = [
        delayed(one_panel)(
            name,
            methods,
            arguments.seed + draw,
            (arguments.firms, arguments.periods),
            arguments.bootstrap if draw < arguments.panels else 0,
        )
        for draw in range(arguments.draws)
    ]
    parallel = Parallel(n_jobs=arguments.workers, return_as="generator")
    found = list(tqdm(parallel(tasks), total=len(tasks), desc=name, file=sys.stderr))
    draws = pd.DataFrame([row for rows in found for row in rows])
    failed = draws["failed"].notna() if "failed" in draws else pd.Series(False, index=draws.index)
    print(f"\n### {name}\n")
    print(
        f"{arguments.draws} panels of {arguments.firms:,} firms and {arguments.periods} years, "
        f"seeds from {arguments.seed}; bootstrap: {arguments.bootstrap} draws on "
        f"{min(arguments.panels, arguments.draws) if arguments.bootstrap else 0} panels; "
        f"{int(failed.sum())} failures; {time.perf_counter() - start:.0f} s\n"
    )
    print(to_markdown(summarise(draws[~failed])))
    if arguments.save:
        draws.to_csv(f"{arguments.save}_{name}.csv", index=False)
    for (method, why), part in draws[failed].groupby(["method", "failed"]) if failed.any() else ():
        print(f"\n{method}: {len(part)} panels without an estimate: {why}")


def main() -> None:
    """Run the Monte Carlo and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--design", choices=[*CASES, "all"], default="acf1")
    parser.add_argument("--method", nargs="*", help="only methods whose name starts so")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1000, help="the seed of the first panel")
    parser.add_argument("--firms", type=int, default=1000)
    parser.add_argument("--periods", type=int, default=10)
    parser.add_argument("--bootstrap", type=int, default=0, help="bootstrap draws per panel")
    parser.add_argument("--panels", type=int, default=100, help="panels that are bootstrapped")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--save", help="write every estimate to <save>_<design>.csv")
    arguments = parser.parse_args()
    for name in CASES if arguments.design == "all" else [arguments.design]:
        run_case(name, arguments)


if __name__ == "__main__":
    main()

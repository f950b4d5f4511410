"""Bias and coverage of quantile regression, probit, logit, Poisson, and dynamic-panel GMM.

Draws panels with a known slope, estimates each, and prints a Markdown table: bias, and how often
the 95 percent interval holds the truth, by kind of standard error.

    python benchmarks/montecarlo_estimators.py --draws 300
    python benchmarks/montecarlo_estimators.py --draws 300 --only quantile system_gmm
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from scipy import integrate, stats
from tqdm import tqdm

import spillover as sp
from spillover.panel import Binary, Gmm, Ppml, Quantile

INDUSTRIES, SIZE = 60, 30
"""Cross-sections: industries, within which regressor and error are shared, and firms in each."""
FIRMS, YEARS, RHO, SLOPE = 200, 8, 0.5, 0.5
"""Panels, and the slopes of all designs."""


def cross_section(rng: np.random.Generator) -> pd.DataFrame:
    """A regressor that varies by industry only (as a linkage measure does), and shared errors."""
    industry = np.repeat(np.arange(INDUSTRIES), SIZE)
    frame = pd.DataFrame({"firm": np.arange(len(industry)), "industry": industry})
    frame["x"] = rng.normal(size=INDUSTRIES)[industry]
    frame["z"] = rng.normal(size=len(frame))
    frame["shared"] = 0.5 * rng.normal(size=INDUSTRIES)[industry]
    return frame


def quantile(rng: np.random.Generator) -> list[tuple]:
    """Normal errors: the slope is the same at every quantile."""
    frame = cross_section(rng)
    frame["y"] = SLOPE * frame["x"] + frame["z"] + frame["shared"] + rng.normal(size=len(frame))
    rows = []
    for tau in (0.25, 0.5):
        for label, options, own in (
            ("clustered, Gaussian kernel", {"cluster": "industry"}, {}),
            ("clustered, uniform kernel", {"cluster": "industry"}, {"density": "uniform"}),
            ("clustered bootstrap", {"cluster": "industry"}, {"bootstrap": 60, "rng": rng}),
            ("robust, not clustered", {"inference": "hetero"}, {}),
        ):
            settings = Quantile(tau, **own)
            fit = sp.fit("y ~ x + z", frame, estimator="quantile", settings=settings, **options)
            rows.append((f"quantile {tau:g}", label, fit, "x", SLOPE))
    return rows


def binary(rng: np.random.Generator) -> list[tuple]:
    """The shared error adds to the spread: what is identified is the slope over its size."""
    frame = cross_section(rng)
    index = SLOPE * frame["x"] + 0.5 * frame["z"] + frame["shared"]
    spread = np.sqrt(1 + 0.25)
    frame["exports"] = (index + rng.normal(size=len(frame)) > 0) * 1.0
    probit = sp.fit("exports ~ x + z", frame, estimator="probit", cluster="industry")
    naive = sp.fit("exports ~ x + z", frame, estimator="probit", inference="iid")
    # E phi(s'(x, z) / spread), with an index of variance (slope^2 + 0.5^2) / spread^2
    variance = (SLOPE**2 + 0.25) / spread**2
    effect = SLOPE / spread / np.sqrt(2 * np.pi * (1 + variance))
    frame["chosen"] = (SLOPE * frame["x"] + rng.logistic(size=len(frame)) > 0) * 1.0
    logit = sp.fit("chosen ~ x", frame, estimator="logit", cluster="industry")
    mean = integrate.quad(
        lambda x: stats.norm.pdf(x) * stats.logistic.pdf(SLOPE * x) * SLOPE, -9, 9
    )[0]
    return [
        ("probit", "clustered", probit, "x", SLOPE / spread),
        ("probit", "classical", naive, "x", SLOPE / spread),
        ("probit, marginal effect", "clustered", sp.panel.margins(probit), "x", effect),
        ("logit", "clustered", logit, "x", SLOPE),
        ("logit, marginal effect", "clustered", sp.panel.margins(logit), "x", mean),
    ]


def mundlak(rng: np.random.Generator) -> list[tuple]:
    """Firm effects correlated with x in a logit: dummies against the regressors' means."""
    firm = np.repeat(np.arange(FIRMS), YEARS)
    effect = rng.normal(size=FIRMS)[firm]
    frame = pd.DataFrame({"firm": firm, "x": 0.7 * effect + rng.normal(size=len(firm))})
    frame["year"] = np.tile(np.arange(YEARS), FIRMS)
    frame["y"] = (SLOPE * frame["x"] + 0.7 * effect + rng.logistic(size=len(firm)) > 0) * 1.0
    dummies = sp.fit("y ~ x | firm", frame, estimator="logit", cluster="firm")
    means = sp.fit(
        "y ~ x | firm", frame, estimator="logit", cluster="firm", settings=Binary("mundlak")
    )
    return [
        ("logit, 200 firm dummies, T = 8", "clustered", dummies, "x", SLOPE),
        ("logit, firm means", "clustered", means, "x", SLOPE),
    ]


def ppml(rng: np.random.Generator) -> list[tuple]:
    """Over-dispersed counts with many zeros; firm and year effects correlated with x."""
    firm = np.repeat(np.arange(FIRMS), YEARS)
    year = np.tile(np.arange(YEARS), FIRMS)
    effect = rng.normal(size=FIRMS)[firm]
    frame = pd.DataFrame({"firm": firm, "year": year})
    frame["x"] = 0.5 * effect + rng.normal(size=len(firm))
    noise = 0.5 * rng.normal(size=FIRMS)[firm] * (year / YEARS) + 0.5 * rng.normal(size=len(firm))
    mean = np.exp(SLOPE * frame["x"] + effect + 0.1 * year - 0.5 + noise)
    frame["y"] = rng.poisson(mean).astype(float)
    rows = []
    for label, options in (
        ("clustered by firm", {"cluster": "firm"}),
        ("robust, not clustered", {"inference": "hetero"}),
        ("classical", {"inference": "iid"}),
    ):
        fit = sp.fit("y ~ x | firm + year", frame, estimator="ppml", settings=Ppml(), **options)
        rows.append(("Poisson", label, fit, "x", SLOPE))
    return rows


def dynamic(rng: np.random.Generator) -> pd.DataFrame:
    """y on its lag and a predetermined x, with firm effects and heteroskedastic errors."""
    effect = rng.normal(size=FIRMS)
    size = rng.uniform(0.5, 1.5, FIRMS)
    x, y, shock, parts = effect.copy(), 3 * effect, np.zeros(FIRMS), []
    for year in range(-10, YEARS):
        x = 0.5 * x + 0.3 * effect + 0.3 * shock + rng.normal(size=FIRMS)
        shock = size * rng.normal(size=FIRMS)
        y = RHO * y + SLOPE * x + effect + shock
        if year >= 0:
            parts.append(pd.DataFrame({"firm": np.arange(FIRMS), "year": year, "y": y, "x": x}))
    return pd.concat(parts, ignore_index=True)


def gmm(estimator: str, rng: np.random.Generator) -> list[tuple]:
    """Two steps with and without Windmeijer's correction, one step, collapsed, deviations."""
    frame = dynamic(rng)
    own = {"predetermined": ("x",)}
    cases = (
        ("two steps, corrected", {"collapse": False}, "cluster"),
        ("two steps, not corrected", {"collapse": False}, "iid"),
        ("one step, robust", {"collapse": False, "steps": 1}, "cluster"),
        ("collapsed, corrected", {"collapse": True}, "cluster"),
        ("collapsed, deviations", {"collapse": True, "orthogonal": True}, "cluster"),
    )
    rows = []
    for label, more, inference in cases:
        fit = sp.fit(
            "y ~ lag(y, 1) + x | year",
            frame,
            estimator=estimator,
            settings=Gmm(**own, **more),
            inference=inference,
        )
        name = estimator.replace("_gmm", " GMM")
        rows.append((f"{name}, lag", label, fit, "lag(y, 1)", RHO))
        rows.append((f"{name}, x", label, fit, "x", SLOPE))
    return rows


DESIGNS = {
    "quantile": quantile,
    "binary": binary,
    "mundlak": mundlak,
    "ppml": ppml,
    "difference_gmm": lambda rng: gmm("difference_gmm", rng),
    "system_gmm": lambda rng: gmm("system_gmm", rng),
}


def simulate(name: str, draws: int, seed: int) -> pd.DataFrame:
    """Draw and estimate; one row per draw and estimate."""
    records = []
    for draw in tqdm(range(draws), desc=name):
        rng = np.random.default_rng([seed, draw])
        for design, label, fit, term, truth in DESIGNS[name](rng):
            low, high = fit.confint().loc[term]
            records.append(
                {
                    "estimator": design,
                    "standard errors": label,
                    "truth": truth,
                    "estimate": fit.params[term],
                    "std_error": fit.std_errors[term],
                    "covered": low <= truth <= high,
                }
            )
    return pd.DataFrame(records)


def summarise(records: pd.DataFrame) -> pd.DataFrame:
    """Bias, precision and coverage of every estimate."""
    groups = records.groupby(["estimator", "standard errors"], sort=False)
    table = groups.agg(
        truth=("truth", "first"),
        mean=("estimate", "mean"),
        spread=("estimate", "std"),
        error=("std_error", "mean"),
        coverage=("covered", "mean"),
    )
    table["bias"] = table["mean"] - table["truth"]
    table["mean s.e. / sd"] = table["error"] / table["spread"]
    columns = ["truth", "bias", "spread", "mean s.e. / sd", "coverage"]
    return table[columns].rename(columns={"spread": "sd"}).reset_index()


def to_markdown(table: pd.DataFrame) -> str:
    """Lay a table out in Markdown, numbers to three decimals."""
    cells = table.map(lambda value: value if isinstance(value, str) else f"{value:.3f}")
    lines = [list(cells.columns), ["---", "---"] + ["---:"] * (cells.shape[1] - 2)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [*lines, *cells.to_numpy()])


def main() -> None:
    """Run the Monte Carlo and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=list(DESIGNS), default=list(DESIGNS))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", sp.SpilloverWarning)  # few rows per firm dummy: that is shown
    start = time.perf_counter()
    records = [simulate(name, arguments.draws, arguments.seed) for name in arguments.only]
    seconds = time.perf_counter() - start
    print(f"\n{arguments.draws} draws; {seconds:.0f} s\n")
    print(to_markdown(summarise(pd.concat(records))))


if __name__ == "__main__":
    main()

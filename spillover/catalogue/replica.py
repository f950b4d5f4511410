"""A SYNTHETIC panel in which an equation's published coefficients are the truth.

Firms, inputs, owners and sales come from :func:`spillover.simulate.panel` without spillovers. The
study's own definitions give the presence on them; the outcome is then the study's own equation with
the published coefficients, effects drawn for what it absorbs, and an error whose size gives the
published standard error where there is one. The sales that weight presence are kept apart from the
outcome, so that presence is independent of the error, as in ``simulate.panel(feedback=False)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spillover.catalogue.columns import without
from spillover.catalogue.estimates import published
from spillover.catalogue.run import (
    choose_equations,
    collected,
    fit_equation,
    prepare,
)
from spillover.errors import SchemaError, preview
from spillover.panel.formula import evaluate, parse_formula
from spillover.simulate import panel as simulate_panel
from spillover.simulate._settings import CAPITAL, EMPLOYMENT, MATERIALS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from spillover.catalogue.result import StudyResult
    from spillover.catalogue.study import Equation, Replica, Study
    from spillover.iotables import IOTable
    from spillover.panel.formula import Model

    Array = NDArray[np.float64]

ELASTICITIES = {
    "log(capital)": CAPITAL,
    "log(employment)": EMPLOYMENT,
    "log(materials)": MATERIALS,
}
EFFECT_SD, SHOCK, NOISE, FIRM_SD = 0.10, 0.05, 0.15, 0.30
SOURCE = "SYNTHETIC: replica of the design of {cite}; describes no country"


@dataclass(frozen=True, eq=False, repr=False)
class StudyReplica:
    """A synthetic panel with a study's design and a known truth.

    Attributes
    ----------
    study : Study
    equation : str
        The equation whose coefficients hold.
    panel : pandas.DataFrame
    io : IOTable or None
        None for country-year studies.
    truth : mapping of str to float
        Term -> coefficient; presence per unit of a share from 0 to 1.
    chosen : tuple of str
        Terms whose coefficient is chosen, because no verified number is published.
    noise : float
        Factor on the error's standard deviations, set to give the published standard error.
    seed : int
    synthetic : bool
        Always True.
    """

    study: Study
    equation: str
    panel: pd.DataFrame
    io: IOTable | None
    truth: Mapping[str, float]
    chosen: tuple[str, ...]
    noise: float
    seed: int
    synthetic: bool = True

    def run(self, *equations: str) -> StudyResult:
        """Run the study on its replica.

        Parameters
        ----------
        *equations : str
            By default the one whose truth is known.

        Returns
        -------
        StudyResult
        """
        return self.study.run(self.panel, self.io, equations=list(equations or (self.equation,)))

    def compare(self, result: StudyResult | None = None) -> pd.DataFrame:
        """Set estimates beside the truth.

        Parameters
        ----------
        result : StudyResult, optional
            By default that of :meth:`run`.

        Returns
        -------
        pandas.DataFrame
            term, truth, chosen, estimate, std_error, conf_low, conf_high, covered (whether the
            95 % interval holds the truth).

        Raises
        ------
        SchemaError
            If the result does not hold the replica's equation.
        """
        found = self.run() if result is None else result
        if self.equation not in found.fits:
            raise SchemaError(f"The result has no equation {self.equation!r}: {found.failed}")
        table = found.fits[self.equation].tidy().set_index("term")
        rows = table.reindex([*self.truth])[["estimate", "std_error", "conf_low", "conf_high"]]
        truth = pd.Series(dict(self.truth), dtype=float)
        rows.insert(0, "truth", truth)
        rows.insert(1, "chosen", [term in self.chosen for term in rows.index])
        rows["covered"] = rows["truth"].between(rows["conf_low"], rows["conf_high"])
        return rows.rename_axis("term").reset_index()

    def _lines(self) -> list[str]:
        terms = ", ".join(
            f"{term} {value:g}{' (chosen)' if term in self.chosen else ''}"
            for term, value in self.truth.items()
        )
        years = self.panel["year"]
        unit = "firm" if self.study.unit == "firm-year" else "country"
        size = f"{len(self.panel):,} {unit}-years, {years.min()}-{years.max()}, seed {self.seed}"
        design = self.study.replica_design
        return [size, f"truth in {self.equation}: {terms}", design.note if design else ""]

    def __repr__(self) -> str:
        lines = [line for line in self._lines() if line]
        return "\n  ".join([f"SYNTHETIC replica of {self.study.citation.short}", *lines])

    def _repr_html_(self) -> str:
        text = "<br>".join(escape(line) for line in self._lines() if line)
        title = f"SYNTHETIC replica of {escape(self.study.citation.short)}"
        head = self.panel.head(5).to_html(index=False, border=0)
        return f"<div><p><b>{title}</b><br>{text}</p>{head}</div>"


def draw_replica(study: Study, seed: int, equation: str | None, scale: float) -> StudyReplica:
    """Draw a replica; see :meth:`spillover.catalogue.Study.replica`."""
    choose_equations(study, None)
    design = study.replica_design
    if design is None:
        raise SchemaError(f"{study.citation.short} has no replica.")
    if not isinstance(scale, int | float) or not 0 < scale <= 10:
        raise SchemaError(f"scale={scale!r}: give a factor above 0 and up to 10.")
    chosen = study.equation(design.equation if equation is None else equation)
    truth, picked = _truth(study, design, chosen)
    random = np.random.default_rng(seed)
    frame, io = _skeleton(study, design, scale * _size(study, design, chosen), random)
    notes: list[str] = []
    with collected(notes):
        prepared, plan = prepare(study, [chosen], _with_outcome(frame, chosen), io)
        job = _Job(study, design, without(chosen, plan.dropped), truth, prepared)
        columns, noise = job.outcome(random)
    frame = frame.assign(**columns)
    frame.attrs["source"] = SOURCE.format(cite=study.citation.short)
    return StudyReplica(
        study=study,
        equation=chosen.name,
        panel=frame,
        io=io,
        truth=MappingProxyType(truth),
        chosen=tuple(picked),
        noise=noise,
        seed=seed,
    )


def _truth(
    study: Study, design: Replica, equation: Equation
) -> tuple[dict[str, float], dict[str, None]]:
    """Return term -> coefficient, and which of them are chosen rather than published."""
    rows = published(study.id, equation.name)
    verified = rows.loc[rows["effect"].notna(), "effect"]
    terms = {str(term): float(value) for term, value in verified.items()}
    uses = equation.formula
    chosen = {
        term: value
        for term, value in design.truth.items()
        if term not in terms and equation.name == design.equation
    }
    truth = {**terms, **chosen}
    if not truth:
        raise SchemaError(
            f"{study.id}: no verified coefficient is published for {equation.name!r} ({uses}); "
            f"the equation to replicate is {design.equation!r}."
        )
    return truth, dict.fromkeys(chosen)


def _size(study: Study, design: Replica, equation: Equation) -> float:
    """Return how many more firms an equation needs than the main one, to have its published n."""
    main = study.equation(design.equation)
    if equation.name == main.name or study.unit != "firm-year":
        return 1.0
    sizes = [published(study.id, one.name)["n"].dropna() for one in (equation, main)]
    if any(len(size) == 0 for size in sizes):
        return 1.0
    span = design.years[1] - design.years[0] + 1
    periods = [max(1, span - _step(one)) for one in (equation, main)]
    return float(sizes[0].iloc[0] / sizes[1].iloc[0] * periods[1] / periods[0])


def _step(equation: Equation) -> int:
    """Years that a difference takes off the panel."""
    if equation.transform == "levels":
        return 0
    return int(dict(equation.options).get("length", 1))


def _skeleton(
    study: Study, design: Replica, scale: float, random: np.random.Generator
) -> tuple[pd.DataFrame, IOTable | None]:
    """Draw firms (or countries) without spillovers, and the study's further columns."""
    first, last = design.years
    io: IOTable | None = None
    if study.unit == "country-year":
        years = range(first, last + 1)
        number = max(10, round(design.countries * scale))
        names = [f"C{place:03d}" for place in range(1, number + 1)]
        index = pd.MultiIndex.from_product([names, years], names=["country", "year"])
        frame = index.to_frame(index=False)
    else:
        world = simulate_panel(
            industries=design.industries,
            firms_per_industry=max(4, round(design.firms_per_industry * scale)),
            years=range(first, last + 1),
            regions=design.regions,
            backward=0.0,
            foreign_share_of_firms=design.foreign_share_of_firms,
            rng=random,
        )
        frame, io = world.firms.drop(columns="tfp"), world.io
    if design.cross_section:
        frame = frame[frame["year"] == last].reset_index(drop=True)
    for name, draw in design.draws.items():
        frame = frame.assign(**{name: draw(frame, random)})
    return frame, io


def _outcome_column(outcome: str) -> tuple[str, bool]:
    """Return the column behind an outcome, and whether the outcome is its log."""
    logged = outcome.startswith("log(") and outcome.endswith(")")
    return (outcome[4:-1] if logged else outcome), logged


def _with_outcome(frame: pd.DataFrame, equation: Equation) -> pd.DataFrame:
    """Hold a place for the outcome, so that it is neither made nor estimated."""
    name, _ = _outcome_column(parse_formula(equation.formula).outcome)
    return frame.assign(**{name: 1.0})


@dataclass(frozen=True)
class _Job:
    """The outcome of one equation on a prepared panel."""

    study: Study
    design: Replica
    equation: Equation
    truth: Mapping[str, float]
    prepared: pd.DataFrame

    @property
    def model(self) -> Model:
        return parse_formula(self.equation.formula)

    @property
    def unit(self) -> str:
        """What has shocks in common: an industry, or a country."""
        return "industry" if self.study.unit == "firm-year" else "country"

    def outcome(self, random: np.random.Generator) -> tuple[dict[str, Any], float]:
        """Return the outcome that truth, effects and errors give, and the error's factor."""
        systematic = self._systematic() + self._effects(random)
        for term, slope in self.design.selection.items():
            means = self.prepared.groupby(self.unit)[term].transform("mean")
            systematic = systematic + slope * means.to_numpy(dtype=float)
        name, logged = _outcome_column(self.model.outcome)
        if self.equation.estimator in ("probit", "logit"):
            error = random.normal(size=len(systematic))
            if self.equation.estimator == "logit":
                error = random.logistic(size=len(systematic))
            index = systematic - np.median(systematic) + error
            return {name: (index > 0).astype(float)}, 1.0
        error = self._error(random)
        noise = self._noise(name, np.exp(error) if logged else error)
        value = systematic + noise * error
        columns: dict[str, Any] = {name: np.exp(value) if logged else value}
        if self.study.unit == "firm-year":
            columns |= _companions(name, value, self.prepared)
        return columns, noise

    def _systematic(self) -> Array:
        """Return regressors times coefficients; missing regressors count as zero."""
        side, outcome = self.model.regressors, self.model.outcome
        X, terms = evaluate(side, self.prepared, intercept=False, implied=True)
        elasticities = ELASTICITIES if outcome == "log(real_output)" else {}
        given = {**elasticities, **self.design.controls, **self.truth}
        unknown = [term for term in self.truth if term not in terms]
        if unknown:
            raise SchemaError(
                f"{self.equation.name}: {preview(unknown)} has a coefficient, but is no term; the "
                f"terms are {preview(terms, 12)}."
            )
        beta = np.array([given.get(term, 0.0) for term in terms])
        return np.asarray(np.nan_to_num(X) @ beta, dtype=np.float64)

    def _effects(self, random: np.random.Generator) -> Array:
        """Draw an effect for each level that is absorbed; in differences, a trend."""
        differences = self.equation.transform != "levels"
        frame = self.prepared
        total = np.zeros(len(frame))
        clock = (frame["year"] - frame["year"].min()).to_numpy(dtype=float)
        for effect in self.model.absorbed:
            codes = frame.groupby(list(effect), observed=True, dropna=False).ngroup().to_numpy()
            drawn = random.normal(0.0, EFFECT_SD, int(codes.max()) + 1)[codes]
            total += drawn * (0.2 * clock if differences and "year" not in effect else 1.0)
        if "firm" in frame and (differences or ("firm",) in self.model.absorbed):
            codes, firms = pd.factorize(frame["firm"])
            total += random.normal(0.0, FIRM_SD, len(firms))[codes]
        return total

    def _error(self, random: np.random.Generator) -> Array:
        """Draw shocks by industry and year, and by row; random walks under differences."""
        years = np.unique(self.prepared["year"])
        period = np.searchsorted(years, self.prepared["year"])
        row = "firm" if self.study.unit == "firm-year" else "country"
        total = np.zeros(len(self.prepared))
        for level, size in ((self.unit, SHOCK), (row, NOISE)):
            codes, names = pd.factorize(self.prepared[level])
            drawn = size * random.normal(size=(len(names), len(years)))
            path = drawn if self.equation.transform == "levels" else drawn.cumsum(axis=1)
            total += path[codes, period]
        return total

    def _noise(self, name: str, error: Array) -> float:
        """Return the factor that gives the focus term the published standard error."""
        rows = published(self.study.id, self.equation.name)
        focus = next((term for term in rows.index if term.startswith(self.design.focus)), None)
        if focus is None or not np.isfinite(rows.loc[focus, "effect_se"]):
            return self.design.noise
        trial = self.prepared.assign(**{name: error})
        found = fit_equation(self.equation, trial).std_errors[focus]
        return float(rows.loc[focus, "effect_se"] / found)


def _companions(name: str, value: Array, prepared: pd.DataFrame) -> dict[str, Array]:
    """Give log productivity and output to each other, so that other equations can be run."""
    inputs = sum(
        elasticity * np.log(prepared[term[4:-1]].to_numpy(dtype=float))
        for term, elasticity in ELASTICITIES.items()
    )
    if name == "tfp":
        return {"real_output": np.exp(value + inputs)}
    return {"tfp": value - inputs} if name == "real_output" else {}

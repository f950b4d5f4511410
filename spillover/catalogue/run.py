"""Apply a study's definitions and equations to a panel."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spillover._frames import as_eager
from spillover.catalogue.columns import equation_columns, make_plan, without
from spillover.catalogue.result import StudyResult
from spillover.errors import SchemaError, SpilloverError, SpilloverWarning
from spillover.firms import FirmPanel, as_panel
from spillover.iotables import IOTable
from spillover.linkage import attach, linkages
from spillover.linkage.controls import CONTROLS
from spillover.panel import fit
from spillover.panel.design import DOMESTIC_BELOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from spillover._frames import NativeFrame
    from spillover.catalogue.columns import Plan
    from spillover.catalogue.study import Equation, Links, Study
    from spillover.linkage.build import Tables
    from spillover.panel import Fit

KEYS = ("firm", "year", "industry", "region", "foreign_share")
SETTINGS = {"quantile": ("spillover.panel.quantile", "Quantile")}
"""Estimator -> where the class of its settings is."""
WITHOUT_TABLE = {"horizontal", "herfindahl"}
"""Measures that no input-output table enters."""


def run_study(
    study: Study,
    panel: FirmPanel | NativeFrame,
    io: Tables | None,
    equations: Sequence[str] | None,
) -> StudyResult:
    """Run a study; see :meth:`spillover.catalogue.Study.run`."""
    chosen = choose_equations(study, equations)
    notes: list[str] = []
    with collected(notes):
        frame, plan = prepare(study, chosen, panel, io)
        notes += plan_notes(plan)
        fits, failed = _fit_all(chosen, frame, plan)
    if not fits:
        reasons = "; ".join(f"{name}: {why}" for name, why in failed.items())
        raise SchemaError(f"{study.citation.short}: no equation could be fitted. {reasons}")
    return StudyResult(
        study=study,
        fits=fits,
        failed=failed,
        notes=tuple(dict.fromkeys(notes)),
        synthetic=says_synthetic(frame) or any(one.synthetic for one in fits.values()),
        rows=len(frame),
    )


def choose_equations(study: Study, names: Sequence[str] | None) -> list[Equation]:
    """Return the equations asked for.

    Raises
    ------
    SchemaError
        If the study has none, or one is unknown.
    """
    if not study.equations:
        what = {"review": "a review", "survey": "a survey of perceptions"}.get(
            study.kind, f"a {study.kind}"
        )
        other = f" Run sp.studies[{study.instead!r}] for the regressions." if study.instead else ""
        raise SchemaError(
            f"{study.citation.short} is {what} and has no regression of firms to run.{other} What "
            f"it says is in .readings, what it publishes in .estimates()."
        )
    if names is None:
        return list(study.equations)
    if isinstance(names, str) or not names:
        raise SchemaError(f"equations={names!r} must be a list of names, such as ['t7'].")
    return [study.equation(name) for name in names]


def prepare(
    study: Study,
    equations: Sequence[Equation],
    panel: FirmPanel | NativeFrame,
    io: Tables | None,
) -> tuple[pd.DataFrame, Plan]:
    """Give a panel every column that the equations need.

    Parameters
    ----------
    study : Study
    equations : sequence of Equation
    panel : FirmPanel or data frame
    io : IOTable or several, optional

    Returns
    -------
    pandas.DataFrame and Plan

    Raises
    ------
    SchemaError
        If columns are missing, or linkage measures are needed and ``io`` is not given.
    """
    frame = to_pandas(panel)
    plan = make_plan(study, equations, frame.columns)
    if io is None and any(set(links.measures) - WITHOUT_TABLE for links in plan.links):
        raise SchemaError(
            f"{study.citation.short} needs an input-output table for its linkage measures: pass "
            "io=, as from sp.read_io()."
        )
    attrs = dict(frame.attrs)
    later = {name: other for name, other in plan.substitutes.items() if other not in frame}
    frame = frame.assign(**{n: frame[o] for n, o in plan.substitutes.items() if n not in later})
    for column in plan.before:
        frame = _make(frame, column.name, column.make)
    if plan.tfp:
        frame = frame.assign(tfp=_productivity(study, frame))
    for name, other in later.items():  # a productivity that was only now estimated
        frame = frame.assign(**{name: frame[other]})
    frame.attrs = attrs
    if plan.links:
        frame = _attach_all(frame, plan.links, _no_table(frame) if io is None else io)
    for column in plan.after:
        frame = _make(frame, column.name, column.make)
    return frame, plan


def _attach_all(frame: pd.DataFrame, every: Sequence[Links], io: Tables) -> pd.DataFrame:
    """Build the measures of each definition and give them to the firms."""
    firms = as_panel(frame)
    for links in every:
        measures = [name for name in links.measures if name not in CONTROLS]
        controls = [name for name in links.measures if name in CONTROLS]
        built = linkages(
            firms, io, links.definition, measures=measures or ["horizontal"], controls=controls
        )
        frame = attach(frame, built, measures=list(links.measures), suffix=links.suffix)
    return frame


def _no_table(frame: pd.DataFrame) -> IOTable:
    """Return a table that holds nothing but the panel's industries."""
    sectors = sorted(frame["industry"].dropna().astype(str).unique())
    flows = np.eye(len(sectors))
    output = np.full(len(sectors), 2.0)
    return IOTable.from_arrays(
        sectors, total=flows, output=output, unit="none", source="no input-output table"
    )


def to_pandas(panel: FirmPanel | NativeFrame) -> pd.DataFrame:
    """Return a pandas frame of the panel, its own rows and attributes."""
    if isinstance(panel, FirmPanel):
        return panel.to_pandas()
    if isinstance(panel, pd.DataFrame):
        return panel.copy(deep=False)
    frame: pd.DataFrame = as_eager(panel, "panel").to_pandas()
    return frame


def _make(
    frame: pd.DataFrame, name: str, make: Callable[[pd.DataFrame], pd.Series[Any]] | None
) -> pd.DataFrame:
    if make is None:
        return frame
    attrs = dict(frame.attrs)
    made = frame.assign(**{name: make(frame)})
    made.attrs = attrs
    return made


def _productivity(study: Study, frame: pd.DataFrame) -> pd.Series[float]:
    from spillover.production.api import productivity  # noqa: PLC0415 (heavy, seldom needed)

    found: pd.Series[float] = productivity(frame, **dict(study.tfp)).tfp
    return found


def plan_notes(plan: Plan) -> list[str]:
    """Say what stands in for what, and what was left out."""
    notes = [f"{name} is taken from {other}." for name, other in plan.substitutes.items()]
    if plan.tfp:
        notes.append("tfp was estimated from the panel by the study's method.")
    if plan.dropped:
        notes.append(f"Left out, for want of the column: {', '.join(plan.dropped)}.")
    return notes


def fit_equation(equation: Equation, frame: pd.DataFrame) -> Fit:
    """Fit one equation on a prepared panel.

    Parameters
    ----------
    equation : Equation
    frame : pandas.DataFrame

    Returns
    -------
    Fit

    Raises
    ------
    SpilloverError
        As :func:`spillover.fit` does.
    """
    given = equation.arguments()
    absent = not_offered(equation)
    if absent:
        raise SchemaError(f"sp.fit() takes no {', '.join(absent)}.")
    if "settings" in given:
        home, name = SETTINGS[equation.estimator]
        given["settings"] = getattr(import_module(home), name)(**dict(given["settings"]))
    used = {*equation_columns(equation), *KEYS}
    part = frame[[name for name in frame.columns if name in used]]
    return fit(equation.formula, part, sample=_sample(equation.sample), **given)


def not_offered(equation: Equation) -> list[str]:
    """List the arguments of an equation that :func:`spillover.fit` does not have."""
    return sorted(set(equation.arguments()) - set(signature(fit).parameters))


def _fit_all(
    equations: Sequence[Equation], frame: pd.DataFrame, plan: Plan
) -> tuple[dict[str, Fit], dict[str, str]]:
    """Fit what can be fitted, and say why the rest cannot."""
    fits, failed = {}, {}
    for equation in equations:
        try:
            fits[equation.name] = fit_equation(without(equation, plan.dropped), frame)
        except SpilloverError as error:
            failed[equation.name] = str(error)
    return fits, failed


def _sample(sample: str) -> Any:  # noqa: ANN401 (a name or a function)
    if sample in ("all", "domestic", "foreign"):
        return sample

    def choose(frame: pd.DataFrame) -> np.ndarray:
        return in_sample(frame, sample)

    choose.__name__ = sample.replace(" ", "_")
    return choose


def in_sample(frame: pd.DataFrame, sample: str) -> np.ndarray:
    """Return which rows belong to a sample of an equation.

    Examples
    --------
    >>> frame = pd.DataFrame({"foreign_share": [0.0, 0.5, 0.0], "small": [1, 1, 0]})
    >>> in_sample(frame, "domestic and small")
    array([ True, False, False])
    """
    keep = np.ones(len(frame), dtype=bool)
    for piece in sample.split(" and "):
        if piece == "domestic":
            keep &= (frame["foreign_share"] < DOMESTIC_BELOW).to_numpy(dtype=bool)
        elif piece == "foreign":
            keep &= (frame["foreign_share"] >= DOMESTIC_BELOW).to_numpy(dtype=bool)
        elif piece != "all":
            keep &= (frame[piece].fillna(0).astype(float) > 0).to_numpy(dtype=bool)
    return keep


def says_synthetic(frame: pd.DataFrame) -> bool:
    """Whether a frame's own note of its source says that it is synthetic."""
    return "synthetic" in str(frame.attrs.get("source", "")).lower()


@contextmanager
def collected(notes: list[str]) -> Iterator[None]:
    """Collect the package's warnings into ``notes``; pass others on."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        if issubclass(warning.category, SpilloverWarning):
            notes.append(str(warning.message))
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )

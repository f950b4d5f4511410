"""Levinsohn & Petrin (2003): an intermediate input as the proxy for productivity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from spillover.errors import check_choice
from spillover.production.estimate import Estimate
from spillover.production.law import Concentrated, concentrate
from spillover.production.polynomial import basis, project
from spillover.production.preparation import (
    check_enough,
    check_free,
    check_whole,
    first_stage_extras,
    law_powers,
    law_table,
    relative,
    required_proxy,
    starting_points,
)
from spillover.production.second import Solved, solve_gmm, solve_nls

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.production.data import Inputs


@dataclass(frozen=True)
class Lp:
    """Settings of Levinsohn & Petrin.

    Attributes
    ----------
    degree : int
        Of the first stage's polynomial in state inputs and proxy.
    markov_degree : int
        Of the law of motion in lagged productivity.
    interact : int
        Highest power of lagged productivity with which the drivers interact (0: they only add).
    gross : bool or None
        Whether output is gross output and the proxy itself an input with a coefficient of its own.
        None: as ``output=`` says.
    criterion : {"auto", "nls", "gmm"}
        Second stage: sum of squared residuals of y - b'x on the law of motion (as the authors'
        ``levpet``), or moments: residual times state inputs at t (with gross output also the lagged
        proxy, free and state inputs: over-identified). "auto": nls for value added, gmm for gross
        output.
    law_outcome : {"output", "fitted"}
        What the law of motion's coefficients are fitted to at t: y net of inputs, so that nls is
        a proper least-squares fit, or the first-stage fit net of inputs (as R's ``prodest``).
    shifters : tuple of str
        Columns that also move the demand for the proxy; they enter the first stage linearly.
    years : bool
        Year effects, in the first stage and in the law of motion: of imperfect deflators, say. They
        stay in TFP. The law is then one of productivity relative to its year's mean.
    starts : int
        Starting points taken from a grid besides pooled and within-firm least squares.
    """

    degree: int = 3
    markov_degree: int = 3
    interact: int = 0
    gross: bool | None = None
    criterion: Literal["auto", "nls", "gmm"] = "auto"
    law_outcome: Literal["output", "fitted"] = "output"
    shifters: tuple[str, ...] = ()
    years: bool = False
    starts: int = 6

    def __post_init__(self) -> None:
        check_choice("criterion", self.criterion, ("auto", "nls", "gmm"))
        check_choice("law_outcome", self.law_outcome, ("output", "fitted"))
        check_choice("years", self.years, (False, True))
        check_whole(self, degree=1, markov_degree=1, interact=0, starts=0)


@dataclass(frozen=True, eq=False)
class _Stages:
    """First stage: fit, phi net of free inputs, their coefficients; second: what is searched."""

    first: dict[str, float]
    phi: NDArray[np.float64]
    beta_free: NDArray[np.float64]
    searched: NDArray[np.float64]
    names: tuple[str, ...]
    law: Concentrated
    rows: NDArray[np.int64]


def estimate_lp(
    inputs: Inputs, settings: Lp, *, near: NDArray[np.float64] | None = None
) -> Estimate:
    """Estimate by Levinsohn & Petrin (2003).

    Parameters
    ----------
    inputs : Inputs
        With a proxy.
    settings : Lp
    near : (p,) array, optional
        Coefficients from which alone the second stage is to start (for bootstrap draws).

    Returns
    -------
    Estimate
        ``names`` are free, state and, with gross output, the proxy.

    Raises
    ------
    SchemaError
        Without a proxy.
    IdentificationError
        With too few rows, or coefficients that the data do not settle.

    Notes
    -----
    Stage 1: y on free inputs and a polynomial in state inputs and proxy gives the free inputs'
    coefficients and phi. Stage 2: the others, from the innovation in w = phi - b'x. Where the firm
    sets labour knowing w, labour is a function of the same variables and stage 1 does not identify
    its coefficient (Ackerberg, Caves & Frazer 2015).
    """
    first, phi, beta_free = _first_stage(inputs, settings)
    gross = bool(settings.gross)
    proxy = required_proxy(inputs)
    searched = np.column_stack([inputs.state, proxy]) if gross else inputs.state
    names = inputs.names.state + ((str(inputs.names.proxy),) if gross else ())
    law, rows = _law(inputs, settings, phi, inputs.y - inputs.free @ beta_free, searched)
    criterion = settings.criterion
    if criterion == "auto":
        criterion = "gmm" if gross else "nls"
    if near is None:
        full = np.column_stack([inputs.free, searched])
        starts = starting_points(inputs, full, years=settings.years)[:, inputs.free.shape[1] :]
        more = settings.starts
    else:
        starts, more = near[None, inputs.free.shape[1] :], 0
    solved = (
        solve_nls(law, starts, names, more=more)
        if criterion == "nls"
        else solve_gmm(law, starts, names, firm=inputs.firm[rows], more=more)
    )
    stages = _Stages(first, phi, beta_free, searched, names, law, rows)
    return _finished(inputs, stages, solved)


def _first_stage(
    inputs: Inputs, settings: Lp
) -> tuple[dict[str, float], NDArray[np.float64], NDArray[np.float64]]:
    """Return the fit's measures, phi net of the free inputs, and their coefficients."""
    F, w = inputs.free, inputs.weights
    B = basis(np.column_stack([inputs.state, required_proxy(inputs)]), settings.degree)
    B = np.column_stack([B, first_stage_extras(inputs, settings.shifters, years=settings.years)])
    terms = F.shape[1] + B.shape[1]
    check_enough(len(inputs), terms, "first-stage", f"degree={settings.degree}")
    check_free(F - project(B, F, w).fitted, F, inputs.names.free)
    fit = project(np.column_stack([F, B]), inputs.y, w)
    beta_free = fit.coefficients[: F.shape[1]]
    first = {
        "r2": fit.r2,
        "nobs": int(w.sum()),
        "degree": settings.degree,
        "terms": fit.rank,
    }
    return first, fit.fitted - F @ beta_free, beta_free


def _law(
    inputs: Inputs,
    settings: Lp,
    phi: NDArray[np.float64],
    net: NDArray[np.float64],
    searched: NDArray[np.float64],
) -> tuple[Concentrated, NDArray[np.int64]]:
    rows = inputs.second
    before = inputs.previous[rows]
    instruments = inputs.state[rows]
    if settings.gross:
        lagged = np.column_stack([required_proxy(inputs), inputs.free, inputs.state])[before]
        instruments = np.column_stack([instruments, lagged])
    powers = law_powers(settings, inputs.markov.shape[1])
    terms = searched.shape[1] + sum(powers) + len(powers)
    check_enough(len(rows), terms, "second-stage", f"markov_degree={settings.markov_degree}")
    level, regressors = relative(inputs, phi, searched, years=settings.years)
    law = concentrate(
        now=(phi[rows], searched[rows]),
        lag=(level[before], regressors[before]),
        instruments=instruments,
        weights=inputs.weights[rows],
        powers=powers,
        multipliers=inputs.markov[rows] if inputs.markov.shape[1] else None,
        labels=inputs.names.markov,
        years=inputs.year[rows] if settings.years else None,
        outcome=net[rows],
        fit_outcome=settings.law_outcome == "output",
    )
    return law, rows


def _finished(inputs: Inputs, stages: _Stages, solved: Solved) -> Estimate:
    law = stages.law
    xi, gamma = law.rows(solved.b)
    innovation = np.full(len(inputs), np.nan)
    innovation[stages.rows] = xi
    return Estimate(
        method="lp",
        names=inputs.names.free + stages.names,
        beta=np.concatenate([stages.beta_free, solved.b]),
        omega=inputs.y - inputs.free @ stages.beta_free - stages.searched @ solved.b,
        nobs=int(inputs.weights.sum()),
        phi=stages.phi + inputs.free @ stages.beta_free,
        xi=innovation,
        first_stage=stages.first,
        objective=solved.objective,
        converged=solved.converged,
        starts=solved.starts,
        overid=solved.overid,
        markov=law_table(gamma, inputs.names.markov, law.powers, constant=not law.years),
        nobs_second=int(law.weights.sum()),
        searched=stages.names,
        criterion=solved.criterion,
        notes=solved.notes,
    )

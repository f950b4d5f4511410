"""Olley & Pakes (1996): investment as the proxy of productivity, with a correction for exit.

Stage 1 regresses output on flexible inputs and a polynomial phi in (state inputs, investment).
A probit gives the probability of staying one year more. Stage 2 finds the state inputs'
coefficients by non-linear least squares, the law of motion g(omega, P) solved inside.

>>> import numpy as np, pandas as pd
>>> from spillover.production.data import build_inputs
>>> rng = np.random.default_rng(3)
>>> n, years = 150, 6
>>> w, k, rows = rng.normal(0, 0.3, n), rng.normal(2, 0.6, n), []
>>> for year in range(years):
...     i = 0.8 * w + 0.3 * k + 0.5
...     l = k + w + rng.normal(0, 0.4, n)
...     y = 0.6 * l + 0.4 * k + w + rng.normal(0, 0.1, n)
...     rows.append(pd.DataFrame({"firm": range(n), "year": year, "y": y, "l": l, "k": k, "i": i}))
...     k = np.log(0.9 * np.exp(k) + np.exp(i) / 4)
...     w = 0.7 * w + rng.normal(0, 0.2, n)
>>> groups, _ = build_inputs(pd.concat(rows), output="y", free=["l"], state=["k"], proxy="i",
...     by=None, logged=True)
>>> estimate = estimate_op(groups["all"], Op(degree=2, exit_correction=False))
>>> bool(np.abs(estimate.beta - [0.6, 0.4]).max() < 0.1)
True
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import linalg

from spillover.errors import IdentificationError, SchemaError, check_choice, preview, rows
from spillover.production._concentrate import Motion, default_starts, search
from spillover.production._survival import Survival, survival_probability
from spillover.production.estimate import Estimate
from spillover.production.lp import check_whole
from spillover.production.polynomial import basis, count_terms, project

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.production.data import Inputs

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Op:
    """Settings of :func:`estimate_op`.

    Attributes
    ----------
    degree : int
        Of phi(state, investment) in stage 1.
    markov_degree : int
        Of g(omega, P) in stage 2.
    exit_correction : bool
        Put the probability of survival in g.
    survival_degree : int, optional
        Of the probit's polynomial; ``degree`` by default.
    gaps : {"exit", "unknown"}
        What absence in the next year means for a firm that comes back later.
    law_outcome : {"output", "fitted"}
        "output" fits g to output less inputs, the least squares of Olley & Pakes. "fitted" fits g
        to the first stage's phi less state inputs and then sums squares in output, as R's prodest
        does; the minimum of that criterion is not the least-squares one.
    interact : int
        Highest power of lagged productivity with which the drivers interact (0: they only add).
    shifters : tuple of str
        Extra columns that also move investment; they enter phi linearly.
    """

    degree: int = 3
    markov_degree: int = 3
    exit_correction: bool = True
    survival_degree: int | None = None
    gaps: Literal["exit", "unknown"] = "exit"
    law_outcome: Literal["output", "fitted"] = "output"
    interact: int = 0
    shifters: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_choice("gaps", self.gaps, ["exit", "unknown"])
        check_choice("law_outcome", self.law_outcome, ["output", "fitted"])
        check_whole(self, degree=1, markov_degree=1, interact=0)


@dataclass(frozen=True, eq=False)
class FirstStage:
    """Coefficients of the flexible inputs, phi by row (NaN without investment), and its fit."""

    beta: Array
    phi: Array
    state_start: Array
    r2: float
    nobs: int
    terms: int


def estimate_op(
    inputs: Inputs, settings: Op | None = None, *, near: Array | None = None
) -> Estimate:
    """Estimate a production function by Olley & Pakes (1996).

    Parameters
    ----------
    inputs : Inputs
        ``proxy`` is log investment, NaN where there is none; such rows leave stage 1 but get a
        productivity.
    settings : Op, optional
    near : (p,) array, optional
        Coefficients from which alone the second stage starts (for bootstrap draws).

    Returns
    -------
    Estimate

    Raises
    ------
    SchemaError
        Without a proxy or a state input.
    IdentificationError
        With too few rows, collinear inputs, or a probit that does not settle.

    References
    ----------
    Olley, G. S. & Pakes, A. (1996). The dynamics of productivity in the telecommunications
    equipment industry. Econometrica 64(6), 1263-1297.
    """
    settings = settings or Op()
    first = first_stage(inputs, settings)
    survival, notes = _exit(inputs, settings)
    chance = None if survival is None else inputs.lagged(survival.probability)
    estimate = second_stage(inputs, first, settings, chance, near=near)
    without = int(inputs.weights[~np.isfinite(_proxy(inputs))].sum())
    if without:
        notes.append(
            f"{rows(without)} without positive {inputs.names.proxy}: not in the first stage"
        )
    details = {"no_investment": without, **_survival_details(survival)}
    return _with(estimate, details, tuple(notes))


def _with(estimate: Estimate, details: dict[str, float], notes: tuple[str, ...]) -> Estimate:
    return replace(
        estimate, details={**estimate.details, **details}, notes=(*notes, *estimate.notes)
    )


def _proxy(inputs: Inputs) -> Array:
    if inputs.proxy is None:
        raise SchemaError("method='op' needs proxy='investment' (or another column).")
    if not inputs.state.shape[1]:
        raise SchemaError("method='op' needs at least one state input, such as 'capital'.")
    return inputs.proxy


def _shifters(inputs: Inputs, settings: Op) -> Array:
    columns = [inputs.extra[name] for name in settings.shifters]
    return np.column_stack(columns) if columns else np.empty((len(inputs), 0))


def first_stage(inputs: Inputs, settings: Op) -> FirstStage:
    """Regress output on the flexible inputs and a polynomial in state inputs and investment.

    Parameters
    ----------
    inputs : Inputs
    settings : Op

    Returns
    -------
    FirstStage

    Raises
    ------
    IdentificationError
    """
    proxy, shifters = _proxy(inputs), _shifters(inputs, settings)
    at = np.flatnonzero(np.isfinite(proxy) & np.isfinite(shifters).all(axis=1))
    a, s = inputs.free.shape[1], inputs.state.shape[1]
    needed = a + count_terms(s + 1, settings.degree) + shifters.shape[1]
    if len(at) <= needed:
        raise IdentificationError(
            f"{rows(len(at))} with positive {inputs.names.proxy} are too few for "
            f"{needed} first-stage terms. Lower degree={settings.degree} or pool groups."
        )
    B = basis(np.column_stack([inputs.state[at], proxy[at]]), settings.degree)
    B = np.column_stack([B, shifters[at]])
    w, F = inputs.weights[at], inputs.free[at]
    inner = project(B, np.column_stack([inputs.y[at], F]), w)
    left = np.column_stack([inputs.y[at], F]) - inner.fitted
    _check_free(left[:, 1:], F, inputs.names.free)
    beta = project(left[:, 1:], left[:, 0], w).coefficients if a else np.empty(0)
    phi = np.full(len(inputs), np.nan)
    phi[at] = inner.fitted[:, 0] - inner.fitted[:, 1:] @ beta
    error = left[:, 0] - left[:, 1:] @ beta
    spread = inputs.y[at] - np.average(inputs.y[at], weights=w)
    r2 = 1.0 - float(w @ error**2) / float(w @ spread**2)
    linear = np.column_stack([np.ones(len(at)), F, inputs.state[at]])
    start = project(linear, inputs.y[at], w).coefficients[1 + a :]
    return FirstStage(beta, phi, start, r2, int(w.sum()), needed)


def _check_free(left: Array, F: Array, names: tuple[str, ...]) -> None:
    tiny = np.linalg.norm(left, axis=0) <= 1e-7 * np.linalg.norm(F - F.mean(axis=0), axis=0)
    if tiny.any():
        bad = [name for name, flat in zip(names, tiny, strict=True) if flat]
        raise IdentificationError(
            f"{preview(bad)} is a polynomial in the state inputs and the proxy: its coefficient "
            "is not identified in the first stage. Use method='acf', or lower the degree."
        )


def _exit(inputs: Inputs, settings: Op) -> tuple[Survival | None, list[str]]:
    """Fit the probit if it is asked for and there are exits."""
    if not settings.exit_correction:
        return None, []
    degree = settings.degree if settings.survival_degree is None else settings.survival_degree
    survival = survival_probability(
        inputs, _proxy(inputs), degree, gaps_are_exits=settings.gaps == "exit"
    )
    if survival is None:
        return None, ["no firm leaves before the last year: no correction for exit is made"]
    notes = []
    if survival.comes_back and settings.gaps == "exit":
        notes.append(
            f"{survival.comes_back} of {survival.exits} exits are of firms that come back later "
            "(gaps='unknown' leaves them out of the probit)"
        )
    return survival, notes


def _survival_details(survival: Survival | None) -> dict[str, float]:
    if survival is None:
        return {}
    return {
        "probit_nobs": survival.nobs,
        "probit_exits": survival.exits,
        "probit_iterations": survival.iterations,
        "probit_come_back": survival.comes_back,
    }


def second_stage(
    inputs: Inputs,
    first: FirstStage,
    settings: Op,
    survival: Array | None = None,
    *,
    near: Array | None = None,
) -> Estimate:
    """Find the state inputs' coefficients, the law of motion solved inside.

    Parameters
    ----------
    inputs : Inputs
    first : FirstStage
    settings : Op
    survival : (n,) array, optional
        For row (i, t) the probability at t-1 of being here at t; NaN where it is unknown.
    near : (p,) array, optional

    Returns
    -------
    Estimate

    Raises
    ------
    IdentificationError
    """
    at, motion = _motion(inputs, first, settings, survival)
    names = inputs.names.state
    a = inputs.free.shape[1]
    columns = list(range(a, a + len(names)))
    starts = (
        default_starts(inputs, columns, first.state_start)
        if near is None
        else {"near": near[columns]}
    )
    found = search(motion.innovation, starts, names)
    _check_curvature(motion, found.b, names)
    beta = np.r_[first.beta, found.b]
    xi = np.full(len(inputs), np.nan)
    xi[at] = motion.innovation(found.b)[0] / motion.root[:, 0]
    return Estimate(
        method="op",
        names=inputs.names.inputs,
        beta=beta,
        omega=inputs.y - inputs.X @ beta,
        nobs=first.nobs,
        phi=first.phi + inputs.free @ first.beta,
        xi=xi,
        first_stage={
            "r2": first.r2,
            "nobs": first.nobs,
            "degree": settings.degree,
            "terms": first.terms,
        },
        objective=found.objective,
        converged=found.converged,
        starts=found.starts,
        markov=motion.coefficients(found.b, inputs.names.markov),
        nobs_second=int(inputs.weights[at].sum()),
        notes=found.notes,
    )


def _motion(
    inputs: Inputs, first: FirstStage, settings: Op, survival: Array | None
) -> tuple[NDArray[np.int64], Motion]:
    phi_lag = inputs.lagged(first.phi)
    usable = np.isfinite(phi_lag)
    if survival is not None:
        usable &= np.isfinite(survival)
    if settings.law_outcome == "fitted":
        usable &= np.isfinite(first.phi)
    at = inputs.second[usable[inputs.second]]
    terms = count_terms(1 if survival is None else 2, settings.markov_degree)
    needed = inputs.state.shape[1] + terms + inputs.markov.shape[1]
    if len(at) <= needed:
        raise IdentificationError(
            f"{rows(len(at))} with a lag are too few for {needed} second-stage terms. Lower "
            f"markov_degree={settings.markov_degree} or pool groups."
        )
    return at, Motion(
        target=(inputs.y - inputs.free @ first.beta)[at],
        X=inputs.state[at],
        phi_lag=phi_lag[at],
        X_lag=inputs.lagged(inputs.state)[at],
        degree=settings.markov_degree,
        survival=None if survival is None else survival[at],
        drivers=inputs.markov[at] if inputs.markov.shape[1] else None,
        weights=inputs.weights[at],
        fitted=first.phi[at] if settings.law_outcome == "fitted" else None,
        interact=settings.interact,
    )


def _check_curvature(motion: Motion, b: Array, names: tuple[str, ...]) -> None:
    """Raise where the criterion does not move with a coefficient."""
    jacobian = motion.innovation(b)[1]
    size = np.linalg.norm(motion.root * (motion.X - motion.X.mean(axis=0)), axis=0)
    values = linalg.svdvals(jacobian / np.where(size > 0, size, 1.0))
    if values.size and values[-1] < 1e-7:
        raise IdentificationError(
            f"The second stage does not tell {preview(names)} apart: the criterion is flat. Check "
            "for inputs that do not vary over time or move together."
        )

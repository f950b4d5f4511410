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
import pandas as pd

from spillover.errors import SchemaError, check_choice, rows
from spillover.production._survival import Survival, survival_probability
from spillover.production.estimate import Estimate
from spillover.production.law import Concentrated, concentrate
from spillover.production.polynomial import basis, count_terms, exponents, project, standardised
from spillover.production.preparation import (
    check_enough,
    check_free,
    check_whole,
    first_stage_extras,
    law_powers,
    relative,
    starting_points,
)
from spillover.production.second import solve_nls

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
        Of the probit's polynomial. By default ``degree``, lowered (with a note) until the probit
        settles, which it does not where its terms tell exits and stayers apart.
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
    years : bool
        Year effects, in the first stage, the probit and the law of motion: of imperfect deflators,
        say. They stay in TFP. The law is then one of productivity relative to its year's mean.
    starts : int
        Starting points taken from a grid besides pooled and within-firm least squares and the
        first stage's linear part.
    """

    degree: int = 3
    markov_degree: int = 3
    exit_correction: bool = True
    survival_degree: int | None = None
    gaps: Literal["exit", "unknown"] = "exit"
    law_outcome: Literal["output", "fitted"] = "output"
    interact: int = 0
    shifters: tuple[str, ...] = ()
    years: bool = False
    starts: int = 6

    def __post_init__(self) -> None:
        check_choice("gaps", self.gaps, ["exit", "unknown"])
        check_choice("law_outcome", self.law_outcome, ["output", "fitted"])
        check_choice("years", self.years, (False, True))
        check_whole(self, degree=1, markov_degree=1, interact=0, starts=0)
        if self.survival_degree is not None:
            check_whole(self, survival_degree=1)


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
    proxy, extra = (
        _proxy(inputs),
        first_stage_extras(inputs, settings.shifters, years=settings.years),
    )
    at = np.flatnonzero(np.isfinite(proxy) & np.isfinite(extra).all(axis=1))
    a, s = inputs.free.shape[1], inputs.state.shape[1]
    needed = a + count_terms(s + 1, settings.degree) + extra.shape[1]
    which = f"first-stage (positive {inputs.names.proxy})"
    check_enough(len(at), needed, which, f"degree={settings.degree}")
    B = basis(np.column_stack([inputs.state[at], proxy[at]]), settings.degree)
    B = np.column_stack([B, extra[at]])
    w, F = inputs.weights[at], inputs.free[at]
    inner = project(B, np.column_stack([inputs.y[at], F]), w)
    left = np.column_stack([inputs.y[at], F]) - inner.fitted
    check_free(left[:, 1:], F, inputs.names.free)
    beta = project(left[:, 1:], left[:, 0], w).coefficients if a else np.empty(0)
    phi = np.full(len(inputs), np.nan)
    phi[at] = inner.fitted[:, 0] - inner.fitted[:, 1:] @ beta
    error = left[:, 0] - left[:, 1:] @ beta
    spread = inputs.y[at] - np.average(inputs.y[at], weights=w)
    r2 = 1.0 - float(w @ error**2) / float(w @ spread**2)
    linear = np.column_stack([np.ones(len(at)), F, inputs.state[at], extra[at]])
    start = project(linear, inputs.y[at], w).coefficients[1 + a : 1 + a + s]
    return FirstStage(beta, phi, start, r2, int(w.sum()), needed)


def _exit(inputs: Inputs, settings: Op) -> tuple[Survival | None, list[str]]:
    """Fit the probit if it is asked for and there are exits."""
    if not settings.exit_correction:
        return None, []
    degree = settings.degree if settings.survival_degree is None else settings.survival_degree
    survival = survival_probability(
        inputs,
        _proxy(inputs),
        degree,
        gaps_are_exits=settings.gaps == "exit",
        years=settings.years,
        lower=settings.survival_degree is None,
    )
    if survival is None:
        return None, ["no firm leaves before the last year: no correction for exit is made"]
    notes = list(survival.notes)
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
        "probit_degree": survival.degree,
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
    at, law = _law(inputs, first, settings, survival)
    names, a = inputs.names.state, inputs.free.shape[1]
    if near is None:
        full = starting_points(inputs, inputs.X, years=settings.years)[:, a:]
        starts, more = np.vstack([full, first.state_start]), settings.starts
    else:
        starts, more = near[None, a:], 0
    found = solve_nls(law, starts, names, more=more)
    beta = np.r_[first.beta, found.b]
    xi = np.full(len(inputs), np.nan)
    xi[at] = law.rows(found.b)[0]
    chance = None if survival is None else survival[at]
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
        markov=_markov(law, found.b, chance, inputs.names.markov, settings),
        nobs_second=int(law.weights.sum()),
        searched=names,
        criterion=found.criterion,
        notes=found.notes,
    )


def _law(
    inputs: Inputs, first: FirstStage, settings: Op, survival: Array | None
) -> tuple[NDArray[np.int64], Concentrated]:
    """Build the law of motion: a complete polynomial in omega and P, and drivers."""
    usable = np.isfinite(inputs.lagged(first.phi))
    if survival is not None:
        usable &= np.isfinite(survival)
    if settings.law_outcome == "fitted":
        usable &= np.isfinite(first.phi)
    at = inputs.second[usable[inputs.second]]
    before, drivers = inputs.previous[at], inputs.markov[at]
    powers, degree = law_powers(settings, drivers.shape[1]), settings.markov_degree
    chances, labels = np.empty((len(at), 0)), list(inputs.names.markov)
    if survival is not None:
        z = standardised(survival[at][:, None])[:, 0]
        chances = np.column_stack([z**power for power in range(1, degree + 1)])
        labels = ["probability of survival"] * degree + labels
        powers = (degree, *range(degree - 1, -1, -1), *powers[1:])
    terms = inputs.state.shape[1] + sum(powers) + len(powers)
    check_enough(len(at), terms, "second-stage", f"markov_degree={degree}")
    level, states = relative(inputs, first.phi, inputs.state, years=settings.years)
    net = (inputs.y - inputs.free @ first.beta)[at]
    fitted = settings.law_outcome == "fitted"
    law = concentrate(
        now=(first.phi[at] if fitted else net, inputs.state[at]),
        lag=(level[before], states[before]),
        instruments=inputs.state[at],
        weights=inputs.weights[at],
        powers=powers,
        multipliers=np.column_stack([chances, drivers]) if labels else None,
        labels=labels,
        outcome=net,
        fit_outcome=not fitted,
        years=inputs.year[at] if settings.years else None,
    )
    return at, law


def _markov(
    law: Concentrated,
    b: Array,
    survival: Array | None,
    drivers: tuple[str, ...],
    settings: Op,
) -> pd.Series[float]:
    """Return the law of motion's coefficients by term, in productivity's own units."""
    h = law.lag[0] - law.lag[1] @ b
    plain = ["omega"] if survival is None else ["omega", "survival"]
    base = h[:, None] if survival is None else np.column_stack([h, survival])
    columns = list(basis(base, settings.markov_degree, standardise=False).T)
    table = exponents(base.shape[1], settings.markov_degree).tolist()
    names = [
        ":".join(_power(v, e) for v, e in zip(plain, row, strict=True) if e) or "constant"
        for row in table
    ]
    known = law.multipliers[:, law.multipliers.shape[1] - len(drivers) :]
    for power in range(settings.interact + 1):
        columns += [column * h**power for column in known.T]
        names += [f"{name}:{_power('omega', power)}" if power else name for name in drivers]
    G = np.column_stack(columns)
    if law.years:
        G, names = law.net(G[:, 1:]), names[1:]
    fit = project(G, law.fitted_to(b), law.weights)
    return pd.Series(fit.coefficients, index=pd.Index(names, name="term"), name="estimate")


def _power(name: str, exponent: int) -> str:
    return name if exponent == 1 else f"{name}^{exponent}"

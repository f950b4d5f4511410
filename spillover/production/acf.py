"""Ackerberg, Caves & Frazer (2015): all coefficients from the second stage."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Literal

import numpy as np

from spillover.errors import check_choice
from spillover.production.estimate import Estimate
from spillover.production.law import Concentrated, concentrate
from spillover.production.polynomial import Projection, basis, project
from spillover.production.preparation import (
    check_enough,
    check_whole,
    first_stage_extras,
    flexible_rise,
    law_powers,
    law_table,
    relative,
    required_proxy,
    starting_points,
)
from spillover.production.second import Solved, solve_gmm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.production.data import Inputs


@dataclass(frozen=True)
class Acf:
    """Settings of Ackerberg, Caves & Frazer.

    Attributes
    ----------
    function : {"cobb-douglas", "translog"}
    degree : int
        Of the first stage's polynomial in all inputs and the proxy.
    markov_degree : int
        Of the law of motion in lagged productivity.
    interact : int
        Highest power of lagged productivity with which the drivers interact (0: they only add).
    labour : {"flexible", "predetermined"}
        Instrument of each free input: its lag (it responds to the innovation), or itself (it was
        set before).
    gross : bool or None
        Whether output is gross output and the proxy an input too, with its lag as instrument. Not
        identified without serially correlated input prices (Gandhi, Navarro & Rivers 2020). None:
        as ``output=`` says.
    overidentified : bool
        Add lagged state inputs to the instruments: a test of the model, and a guard against
        spurious optima.
    shifters : tuple of str
        Columns that also move the demand for the proxy; they enter the first stage linearly.
    years : bool
        Year effects, in the first stage and in the law of motion: of imperfect deflators, say. They
        stay in TFP. The law is then one of productivity relative to its year's mean.
    starts : int
        Starting points taken from a grid besides pooled and within-firm least squares.
    """

    function: Literal["cobb-douglas", "translog"] = "cobb-douglas"
    degree: int = 3
    markov_degree: int = 3
    interact: int = 0
    labour: Literal["flexible", "predetermined"] = "flexible"
    gross: bool | None = None
    overidentified: bool = False
    shifters: tuple[str, ...] = ()
    years: bool = False
    starts: int = 6

    def __post_init__(self) -> None:
        check_choice("function", self.function, ("cobb-douglas", "translog"))
        check_choice("labour", self.labour, ("flexible", "predetermined"))
        check_choice("years", self.years, (False, True))
        check_whole(self, degree=1, markov_degree=1, interact=0, starts=0)


@dataclass(frozen=True, eq=False)
class Terms:
    """A production function linear in coefficients.

    Attributes
    ----------
    names : tuple of str, (p,)
    inputs : tuple of str, (k,)
    pairs : tuple of pairs of int
        Second-order terms (i, j), empty for Cobb-Douglas.
    """

    names: tuple[str, ...]
    inputs: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...] = ()

    def columns(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the regressors of (n, k) log inputs, (n, p).

        Parameters
        ----------
        x : (n, k) array

        Returns
        -------
        (n, p) array
        """
        return np.column_stack([x, *(x[:, i] * x[:, j] for i, j in self.pairs)])

    def elasticities(
        self, x: NDArray[np.float64], beta: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the derivatives of log output by log inputs, (n, k).

        Parameters
        ----------
        x : (n, k) array
        beta : (p,) array

        Returns
        -------
        (n, k) array
        """
        k = x.shape[1]
        out = np.tile(beta[:k], (len(x), 1))
        for (i, j), value in zip(self.pairs, beta[k:], strict=True):
            out[:, i] += value * x[:, j]
            out[:, j] += value * x[:, i]
        return out


def terms(inputs: tuple[str, ...], function: str) -> Terms:
    """Name the terms of a production function.

    Parameters
    ----------
    inputs : tuple of str
    function : {"cobb-douglas", "translog"}

    Returns
    -------
    Terms

    Examples
    --------
    >>> terms(("l", "k"), "translog").names
    ('l', 'k', 'l*l', 'l*k', 'k*k')
    """
    if function == "cobb-douglas":
        return Terms(inputs, inputs)
    pairs = tuple(combinations_with_replacement(range(len(inputs)), 2))
    products = tuple(f"{inputs[i]}*{inputs[j]}" for i, j in pairs)
    return Terms(inputs + products, inputs, pairs)


def estimate_acf(
    inputs: Inputs, settings: Acf, *, near: NDArray[np.float64] | None = None
) -> Estimate:
    """Estimate by Ackerberg, Caves & Frazer (2015).

    Parameters
    ----------
    inputs : Inputs
        With a proxy.
    settings : Acf
    near : (p,) array, optional
        Coefficients from which alone the second stage is to start (for bootstrap draws).

    Returns
    -------
    Estimate
        A translog's elasticities differ by row; its inputs are centred at their means first, so
        that the first-order coefficients are elasticities at the mean firm.

    Raises
    ------
    SchemaError
        Without a proxy.
    IdentificationError
        With too few rows, or coefficients that the moments do not settle.

    Notes
    -----
    Stage 1: output on a polynomial in all inputs and the proxy, kept for its fit phi alone. Stage
    2: for trial b, w = phi - b'x, xi the innovation in its law of motion, and E[xi z] = 0 with z
    the state inputs and the lags of the free ones.
    """
    proxy = required_proxy(inputs)
    gross = bool(settings.gross)
    free = np.column_stack([inputs.free, proxy]) if gross else inputs.free
    own = inputs.names.free + ((str(inputs.names.proxy),) if gross else ())
    x = np.column_stack([free, inputs.state])
    form = terms(own + inputs.names.state, settings.function)
    if form.pairs:
        x = x - (inputs.weights @ x) / inputs.weights.sum()
    first = _first_stage(inputs, settings)
    X = form.columns(x)
    law, rows = _law(inputs, settings, first.fitted, X=X, x=x, form=form, free=free.shape[1])
    if near is None:
        starts = starting_points(inputs, X, years=settings.years)
        more = settings.starts
        if form.pairs:
            flat = starting_points(inputs, x, years=settings.years)
            starts = np.vstack([starts, np.pad(flat, ((0, 0), (0, len(form.pairs))))])
    else:
        starts, more = near[None, :], 0
    respond = free.shape[1] if settings.labour == "flexible" else 0
    sensible = None if near is not None else flexible_rise(starts[0], respond, x.shape[1])
    solved = solve_gmm(
        law, starts, form.names, firm=inputs.firm[rows], more=more, sensible=sensible
    )
    return _finished(inputs, settings.degree, _Stages(first, form, x, X, law, rows), solved)


@dataclass(frozen=True, eq=False)
class _Stages:
    """First stage's fit; form, inputs and regressors of the production function; second stage."""

    first: Projection
    form: Terms
    x: NDArray[np.float64]
    X: NDArray[np.float64]
    law: Concentrated
    rows: NDArray[np.int64]


def _first_stage(inputs: Inputs, settings: Acf) -> Projection:
    proxy = required_proxy(inputs)
    B = basis(np.column_stack([inputs.X, proxy]), settings.degree)
    B = np.column_stack([B, first_stage_extras(inputs, settings.shifters, years=settings.years)])
    check_enough(len(inputs), B.shape[1], "first-stage", f"degree={settings.degree}")
    return project(B, inputs.y, inputs.weights)


def _law(
    inputs: Inputs,
    settings: Acf,
    phi: NDArray[np.float64],
    *,
    X: NDArray[np.float64],
    x: NDArray[np.float64],
    form: Terms,
    free: int,
) -> tuple[Concentrated, NDArray[np.int64]]:
    """Build the concentrated law of motion; ``free`` counts the inputs to be instrumented."""
    rows = inputs.second
    before = inputs.previous[rows]
    z = x[rows].copy()
    if settings.labour == "flexible":
        z[:, :free] = x[before, :free]
    elif settings.gross:
        z[:, free - 1] = x[before, free - 1]
    instruments = form.columns(z)
    if settings.overidentified:
        instruments = np.column_stack([instruments, x[before, free:]])
    powers = law_powers(settings, inputs.markov.shape[1])
    count = X.shape[1] + sum(powers) + len(powers)
    check_enough(len(rows), count, "second-stage", f"markov_degree={settings.markov_degree}")
    level, regressors = relative(inputs, phi, X, years=settings.years)
    law = concentrate(
        now=(phi[rows], X[rows]),
        lag=(level[before], regressors[before]),
        instruments=instruments,
        weights=inputs.weights[rows],
        powers=powers,
        multipliers=inputs.markov[rows] if inputs.markov.shape[1] else None,
        labels=inputs.names.markov,
        years=inputs.year[rows] if settings.years else None,
    )
    return law, rows


def _finished(inputs: Inputs, degree: int, stages: _Stages, solved: Solved) -> Estimate:
    law, form, first = stages.law, stages.form, stages.first
    xi, gamma = law.rows(solved.b)
    innovation = np.full(len(inputs), np.nan)
    innovation[stages.rows] = xi
    by_row = form.elasticities(stages.x, solved.b) if form.pairs else None
    nobs = int(inputs.weights.sum())
    mean = solved.b if by_row is None else (inputs.weights @ by_row) / inputs.weights.sum()
    return Estimate(
        method="acf",
        names=form.names,
        beta=solved.b,
        inputs=form.inputs,
        elasticity=mean,
        elasticity_rows=by_row,
        omega=inputs.y - stages.X @ solved.b,
        nobs=nobs,
        phi=first.fitted,
        xi=innovation,
        first_stage={
            "r2": first.r2,
            "nobs": nobs,
            "degree": degree,
            "terms": first.rank,
        },
        objective=solved.objective,
        converged=solved.converged,
        starts=solved.starts,
        overid=solved.overid,
        markov=law_table(gamma, inputs.names.markov, law.powers, constant=not law.years),
        nobs_second=int(law.weights.sum()),
        searched=form.names,
        criterion=solved.criterion,
        notes=solved.notes,
    )

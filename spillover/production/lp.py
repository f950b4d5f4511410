"""Levinsohn & Petrin (2003): an intermediate input as the proxy for productivity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from spillover.errors import SchemaError, check_choice
from spillover.production.estimate import Estimate
from spillover.production.law import Concentrated, concentrate
from spillover.production.polynomial import basis, project
from spillover.production.second import Solved, law_table, solve_gmm, solve_nls, starting_points

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
    starts: int = 6

    def __post_init__(self) -> None:
        check_choice("criterion", self.criterion, ("auto", "nls", "gmm"))
        check_choice("law_outcome", self.law_outcome, ("output", "fitted"))
        check_whole(self, degree=1, markov_degree=1, interact=0, starts=0)


def check_whole(settings: object, **least: int) -> None:
    """Raise unless settings are whole numbers of at least the given size.

    Parameters
    ----------
    settings : dataclass
    **least : int
        Attribute -> smallest value.

    Raises
    ------
    SchemaError
    """
    for name, smallest in least.items():
        value = getattr(settings, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < smallest:
            kind = type(settings).__name__
            raise SchemaError(
                f"{kind}({name}={value!r}): {name} must be a whole number of at least {smallest}."
            )


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
        starts, more = starting_points(inputs, full)[:, inputs.free.shape[1] :], settings.starts
    else:
        starts, more = near[None, inputs.free.shape[1] :], 0
    solved = (
        solve_nls(law, starts, names, more=more)
        if criterion == "nls"
        else solve_gmm(law, starts, names, firm=inputs.firm[rows], more=more)
    )
    stages = _Stages(first, phi, beta_free, searched, names, law, rows)
    return _finished(inputs, stages, solved)


def required_proxy(inputs: Inputs) -> NDArray[np.float64]:
    """Return the proxy, or raise if there is none.

    Parameters
    ----------
    inputs : Inputs

    Returns
    -------
    (n,) array
    """
    if inputs.proxy is None:
        raise SchemaError("This method needs proxy=, such as 'materials'.")
    return inputs.proxy


def shifter_columns(inputs: Inputs, shifters: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the demand shifters, (n, c).

    Parameters
    ----------
    inputs : Inputs
    shifters : tuple of str

    Returns
    -------
    (n, c) array
    """
    return np.column_stack([np.empty((len(inputs), 0)), *(inputs.extra[name] for name in shifters)])


def _first_stage(
    inputs: Inputs, settings: Lp
) -> tuple[dict[str, float], NDArray[np.float64], NDArray[np.float64]]:
    B = basis(np.column_stack([inputs.state, required_proxy(inputs)]), settings.degree)
    extra = shifter_columns(inputs, settings.shifters)
    fit = project(np.column_stack([inputs.free, B, extra]), inputs.y, inputs.weights)
    beta_free = fit.coefficients[: inputs.free.shape[1]]
    nobs = int(inputs.weights.sum())
    first = {"r2": fit.r2, "nobs": nobs, "degree": settings.degree, "terms": fit.rank}
    return first, fit.fitted - inputs.free @ beta_free, beta_free


def law_powers(settings: object, drivers: int) -> tuple[int, ...]:
    """Return the highest power of lagged productivity for the constant and each driver.

    Parameters
    ----------
    settings : Lp, Acf
    drivers : int

    Returns
    -------
    tuple of int
    """
    return (settings.markov_degree, *[settings.interact] * drivers)  # type: ignore[attr-defined]


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
    law = concentrate(
        now=(phi[rows], searched[rows]),
        lag=(phi[before], searched[before]),
        instruments=instruments,
        weights=inputs.weights[rows],
        powers=law_powers(settings, inputs.markov.shape[1]),
        multipliers=inputs.markov[rows] if inputs.markov.shape[1] else None,
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
        markov=law_table(gamma, inputs.names.markov, law.powers),
        nobs_second=int(law.weights.sum()),
        searched=stages.names,
        criterion=solved.criterion,
        notes=solved.notes,
    )

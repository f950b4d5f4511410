"""Blundell & Bond (2000): a production function with firm effects and AR(1) productivity.

Productivity ``w = rho w_lag + shock`` is taken out by quasi-differencing, which leaves output on
its lag, the inputs and their lags. System GMM estimates these; minimum distance then imposes the
common factor: each lagged input's coefficient is -rho times the input's own.

>>> import numpy as np, pandas as pd
>>> from spillover.production.data import build_inputs
>>> rng = np.random.default_rng(4)
>>> fixed, w, parts = rng.normal(0, 0.4, 400), rng.normal(0, 0.4, 400), []
>>> x = fixed + rng.normal(size=400)
>>> for year in range(9):
...     y = 0.7 * x + fixed + w + rng.normal(0, 0.05, 400)
...     parts.append(pd.DataFrame({"firm": range(400), "year": year, "y": y, "x": x}))
...     x = 0.7 * x + 0.3 * fixed + 0.3 * w + rng.normal(0, 0.5, 400)
...     w = 0.5 * w + rng.normal(0, 0.3, 400)
>>> groups, _ = build_inputs(pd.concat(parts), output="y", free=["x"], by=None, logged=True)
>>> estimate = estimate_bb(groups["all"], Bb())
>>> bool(abs(estimate.beta[0] - 0.7) < 0.1), bool(abs(estimate.markov["rho"] - 0.5) < 0.1)
(True, True)
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import linalg, optimize, stats

from spillover.errors import IdentificationError, SchemaError
from spillover.panel.dynamic_settings import Gmm
from spillover.panel.dynamic_setup import DynamicPanel, instrument_blocks, set_up, stack
from spillover.panel.dynamic_solver import inverse, solve_gmm
from spillover.panel.dynamic_tests import serial_tests
from spillover.panel.transforms import Calendar
from spillover.production.estimate import Estimate, Overid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.panel.dynamic_setup import Setup
    from spillover.panel.dynamic_solver import GmmFit, Moments
    from spillover.production.data import Inputs

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Bb:
    """Settings of :func:`estimate_bb`.

    Attributes
    ----------
    min_lag : int
        Shortest lag of output and inputs that instruments the differenced equation. 3 allows for
        unforeseen shocks or measurement error in output, which make the error a moving average; 2
        rules them out.
    max_lag : int, optional
        Longest such lag.
    level_lag : int, optional
        Lag of the differences that instrument the level equation; ``min_lag - 1`` by default.
        R's plm always uses 1, which is invalid with ``min_lag=3``'s error.
    collapse : bool
        One instrument per variable and lag; else one per variable, lag and year.
    two_step : bool
        With Windmeijer's correction of the covariance.
    years : bool
        Year effects.
    """

    min_lag: int = 3
    max_lag: int | None = None
    level_lag: int | None = None
    collapse: bool = True
    two_step: bool = True
    years: bool = True

    def __post_init__(self) -> None:
        if self.min_lag < 2 or (self.max_lag is not None and self.max_lag < self.min_lag):
            raise SchemaError(
                f"min_lag={self.min_lag} and max_lag={self.max_lag} must satisfy 2 <= min_lag <= "
                "max_lag."
            )
        if self.level_lag is not None and self.level_lag < 1:
            raise SchemaError(f"level_lag={self.level_lag} must be at least 1.")


@dataclass(frozen=True, eq=False)
class CommonFactor:
    """Structural coefficients and rho, their covariance, and the test of the restrictions."""

    beta: Array
    rho: float
    vcov: Array
    statistic: float
    df: int
    converged: bool


def estimate_bb(inputs: Inputs, settings: Bb | None = None) -> Estimate:
    """Estimate a production function by Blundell & Bond (2000).

    Parameters
    ----------
    inputs : Inputs
        ``free`` and ``state`` inputs are treated alike; a proxy is not used.
    settings : Bb, optional

    Returns
    -------
    Estimate
        ``omega`` holds firm and year effects. ``overid`` is Hansen's J of the two-step estimate,
        ``objective`` the same at the estimate itself. ``details`` has the reduced form, Arellano &
        Bond's m1, m2 and m3 (with ``min_lag=3`` the errors are a moving average, m2 is no test and
        m3 is), the instrument count, and the test of the common-factor restrictions.

    Raises
    ------
    SchemaError
        With drivers of productivity, which this method has no place for.
    IdentificationError
        With too few years or firms.

    References
    ----------
    Blundell, R. & Bond, S. (2000). GMM estimation with persistent panel data: an application to
    production functions. Econometric Reviews 19(3), 321-340.
    """
    settings = settings or Bb()
    if inputs.markov.shape[1]:
        raise SchemaError(
            f"method='bb' has no place for markov={list(inputs.names.markov)}. Use 'acf', 'lp', "
            "'op', 'wooldridge' or 'gnr'."
        )
    setup = _setup(inputs, settings)
    names = inputs.names.inputs
    blocks = instrument_blocks(setup, dict.fromkeys(setup.panel.variables, setup.settings.lags))
    moments = stack(setup, blocks, inputs.weights)
    fit = solve_gmm(moments, steps=setup.settings.steps)
    reduced = slice(0, len(setup.terms))
    structure = common_factor(fit.beta[reduced], fit.vcov[reduced, reduced])
    k = len(names)
    g = moments.total(fit.residuals)
    return Estimate(
        method="bb",
        names=names,
        beta=structure.beta,
        omega=inputs.y - inputs.X @ structure.beta,
        nobs=int(inputs.weights[setup.rows].sum()),
        vcov=structure.vcov[:k, :k],
        objective=float(g @ inverse(fit.covariance)[0] @ g),
        converged=structure.converged,
        overid=Overid(*astuple(fit.hansen)) if fit.hansen.df > 0 else None,
        markov=pd.Series({"rho": structure.rho}, name="markov"),
        markov_vcov=pd.DataFrame(structure.vcov[k:, k:], index=["rho"], columns=["rho"]),
        nobs_second=int(inputs.weights[setup.equations.row].sum()),
        details=_details(setup, moments, fit, structure),
        notes=_notes(moments, fit, structure),
    )


def _setup(inputs: Inputs, settings: Bb) -> Setup:
    """Set up output on its lag, the inputs and their lags, none of them exogenous."""
    names = inputs.names.inputs
    if not names:
        raise SchemaError("method='bb' needs at least one input.")
    since = inputs.year - inputs.year.min()
    start, span = max(1, settings.min_lag - 1), int(since.max()) + 1
    if start + 2 > span:
        raise IdentificationError(
            f"{span} years are too few for instruments lagged {settings.min_lag} years; "
            f"{settings.min_lag + 1} are needed."
        )
    complete = inputs.has_lag & (since >= start)
    differenced = complete & complete[inputs.previous]
    firms = len(np.unique(inputs.firm[differenced]))
    years = len(np.unique(since[complete])) if settings.years else 1
    needed = 1 + 2 * len(names) + years
    if firms <= needed:
        raise IdentificationError(
            f"Only {firms} firms have three years running; {needed} coefficients need more. Pool "
            "groups or set years=False."
        )
    terms = ["lagged output", *names, *(f"lagged {name}" for name in names)]
    columns = np.column_stack([inputs.y, inputs.X])
    panel = DynamicPanel(
        y=inputs.y,
        X=np.column_stack([inputs.lagged(inputs.y), inputs.X, inputs.lagged(inputs.X)]),
        outcome="output",
        terms=terms,
        firm=inputs.firm.astype(np.intp),
        calendar=Calendar.from_frame(pd.DataFrame({"firm": inputs.firm, "year": inputs.year})),
        complete=complete,
        variables={str(j): column for j, column in enumerate(columns.T)},
        effects={"year": since.astype(np.intp)} if settings.years else {},
        endogenous=tuple(terms),
    )
    choices = Gmm(
        lags=(settings.min_lag, settings.max_lag),
        level_lag=settings.level_lag,
        collapse=settings.collapse,
        steps=2 if settings.two_step else 1,
        level_only=("year",),
    )
    return set_up(panel, choices, system=True)


def common_factor(reduced: Array, vcov: Array) -> CommonFactor:
    """Impose the common factor on reduced-form coefficients by minimum distance.

    Parameters
    ----------
    reduced : (1 + 2k,) array
        Coefficients of lagged output, the inputs, and the lagged inputs.
    vcov : (1 + 2k, 1 + 2k) array

    Returns
    -------
    CommonFactor
        ``vcov`` (k + 1, k + 1) has rho last; ``statistic`` is chi-squared with k degrees.

    Raises
    ------
    IdentificationError
        If ``vcov`` is not positive definite.

    Examples
    --------
    >>> fit = common_factor(np.array([0.5, 0.6, -0.3]), np.eye(3))
    >>> fit.beta.round(6).tolist(), round(fit.rho, 6), round(fit.statistic, 6)
    ([0.6], 0.5, 0.0)
    """
    k = len(reduced) // 2
    try:
        factor = linalg.cholesky(vcov, lower=True)
    except linalg.LinAlgError as error:
        raise IdentificationError(
            "The reduced form's covariance is singular: too few firms for so many instruments. "
            "Use collapse=True or a smaller max_lag."
        ) from error

    def implied(theta: Array) -> Array:
        out: Array = np.r_[theta[k], theta[:k], -theta[k] * theta[:k]]
        return out

    def scaled(theta: Array) -> Array:
        return np.asarray(linalg.solve_triangular(factor, implied(theta) - reduced, lower=True))

    def slope(theta: Array) -> Array:
        H = np.zeros((1 + 2 * k, k + 1))
        H[0, k] = 1.0
        H[1 : 1 + k, :k] = np.eye(k)
        H[1 + k :, :k] = -theta[k] * np.eye(k)
        H[1 + k :, k] = -theta[:k]
        return H

    def scaled_slope(theta: Array) -> Array:
        return np.asarray(linalg.solve_triangular(factor, slope(theta), lower=True))

    out = optimize.least_squares(
        scaled,
        np.r_[reduced[1 : 1 + k], reduced[0]],
        jac=scaled_slope,
        xtol=1e-14,
        ftol=1e-14,
        gtol=1e-14,
    )
    J = np.asarray(out.jac, dtype=float)
    return CommonFactor(
        out.x[:k],
        float(out.x[k]),
        linalg.inv(J.T @ J),
        2.0 * float(out.cost),
        k,
        bool(out.success),
    )


def _details(
    setup: Setup, moments: Moments, fit: GmmFit, structure: CommonFactor
) -> dict[str, object]:
    terms, size = setup.terms, len(setup.terms)
    m1, m2, m3 = serial_tests(setup, moments, fit, (1, 2, 3))["statistic"].tolist()
    return {
        "reduced_form": pd.Series(fit.beta[:size], index=terms),
        "reduced_form_vcov": pd.DataFrame(fit.vcov[:size, :size], index=terms, columns=terms),
        "m1": m1,
        "m2": m2,
        "m3": m3,
        "instruments": int(moments.Z.shape[1]),
        "common_factor": Overid(
            structure.statistic,
            structure.df,
            float(stats.chi2.sf(structure.statistic, structure.df)),
        ),
    }


def _notes(moments: Moments, fit: GmmFit, structure: CommonFactor) -> tuple[str, ...]:
    instruments = int(moments.Z.shape[1])
    firms = moments.groups if moments.counts is None else int(moments.counts.sum())
    notes = []
    if instruments >= firms:
        notes.append(
            f"{instruments} instruments for {firms} firms: Hansen's test has no power; use "
            "collapse=True or a smaller max_lag"
        )
    if fit.singular or fit.rank < instruments:
        notes.append("the instruments' covariance is singular: a general inverse is used")
    if not -1 < structure.rho < 1:
        notes.append(f"rho = {structure.rho:.3g} is outside (-1, 1)")
    return tuple(notes)

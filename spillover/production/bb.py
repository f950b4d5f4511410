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

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import linalg, optimize, stats

from spillover.errors import IdentificationError, SchemaError
from spillover.production._system_gmm import Layout, SystemFit, cube, lay_out, system_gmm
from spillover.production.estimate import Estimate, Overid

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
        ``omega`` holds firm and year effects. ``overid`` is Hansen's J. ``details`` has the
        reduced form, Arellano & Bond's m1, m2 and m3 (with ``min_lag=3`` the errors are a moving
        average, m2 is no test and m3 is), the instrument count, and the test of the common-factor
        restrictions.

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
    panel, weights = _panel(inputs, settings)
    fit = system_gmm(panel, weights, two_step=settings.two_step)
    k = inputs.X.shape[1]
    reduced = slice(0, 1 + 2 * k)
    structure = common_factor(fit.b[reduced], fit.vcov[reduced, reduced])
    df = panel.instruments - len(fit.b)
    seen = int(weights @ panel.seen_level.sum(axis=1))
    return Estimate(
        method="bb",
        names=inputs.names.inputs,
        beta=structure.beta,
        omega=inputs.y - inputs.X @ structure.beta,
        nobs=seen,
        vcov=structure.vcov[:k, :k],
        objective=fit.hansen,
        converged=structure.converged,
        overid=Overid(fit.hansen, df, float(stats.chi2.sf(fit.hansen, df))) if df > 0 else None,
        markov=pd.Series({"rho": structure.rho}, name="markov"),
        markov_vcov=pd.DataFrame(structure.vcov[k:, k:], index=["rho"], columns=["rho"]),
        nobs_second=int(weights @ panel.seen_diff.sum(axis=1)),
        details=_details(fit, structure, panel, inputs.names.inputs),
        notes=_notes(fit, panel, weights, structure),
    )


def _panel(inputs: Inputs, settings: Bb) -> tuple[Layout, Array]:
    if not inputs.X.shape[1]:
        raise SchemaError("method='bb' needs at least one input.")
    both = cube(np.column_stack([inputs.y, inputs.X]), inputs.firm, inputs.year, inputs.firms)
    panel = lay_out(
        both[:, :, 0],
        both[:, :, 1:],
        min_lag=settings.min_lag,
        max_lag=settings.max_lag,
        level_lag=settings.level_lag,
        collapse=settings.collapse,
        years=settings.years,
    )
    used = panel.seen_diff.any(axis=1)
    needed = panel.X_level.shape[2]
    if used.sum() <= needed:
        raise IdentificationError(
            f"Only {int(used.sum())} firms have three years running; {needed} coefficients need "
            "more. Pool groups or set years=False."
        )
    weights = np.zeros(inputs.firms)
    weights[inputs.firm] = inputs.weights
    return panel, weights


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
    fit: SystemFit, structure: CommonFactor, panel: Layout, names: tuple[str, ...]
) -> dict[str, object]:
    terms = ["lagged output", *names, *(f"lagged {name}" for name in names)]
    size = len(terms)
    return {
        "reduced_form": pd.Series(fit.b[:size], index=terms),
        "reduced_form_vcov": pd.DataFrame(fit.vcov[:size, :size], index=terms, columns=terms),
        "m1": fit.m1,
        "m2": fit.m2,
        "m3": fit.m3,
        "instruments": panel.instruments,
        "common_factor": Overid(
            structure.statistic,
            structure.df,
            float(stats.chi2.sf(structure.statistic, structure.df)),
        ),
    }


def _notes(
    fit: SystemFit, panel: Layout, weights: Array, structure: CommonFactor
) -> tuple[str, ...]:
    firms = int(weights[panel.seen_level.any(axis=1)].sum())
    notes = []
    if panel.instruments >= firms:
        notes.append(
            f"{panel.instruments} instruments for {firms} firms: Hansen's test has no power; use "
            "collapse=True or a smaller max_lag"
        )
    if fit.deficient:
        notes.append("the instruments' covariance is singular: a general inverse is used")
    if not -1 < structure.rho < 1:
        notes.append(f"rho = {structure.rho:.3g} is outside (-1, 1)")
    return tuple(notes)

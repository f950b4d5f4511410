"""Poisson pseudo-maximum likelihood with any number of absorbed effects.

For outcomes that are zero for many firms (exports, patents, R&D), the logarithm drops the zeros and
least squares of logs is biased under heteroskedasticity; the Poisson first-order condition needs
only the right conditional mean (Santos Silva & Tenreyro 2006). Every step of the iteratively
reweighted least squares absorbs the effects with its own weights, ever more exactly
(:mod:`spillover.panel.absorb_reweighted`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from warnings import warn

import numpy as np
from scipy.special import xlogy

from spillover.errors import (
    ConvergenceError,
    IdentificationError,
    SchemaError,
    SpilloverWarning,
    rows,
)
from spillover.panel.absorb import Absorber
from spillover.panel.absorb_reweighted import FINEST, Sweeper
from spillover.panel.clusters import outside_clusters
from spillover.panel.codes import compress
from spillover.panel.nonlinear import Estimate, count_clusters, sandwich, settle
from spillover.panel.ols import LeastSquares, check_identified, least_squares
from spillover.panel.ppml_separation import empty_levels, separated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from spillover.panel.covariance import Kind
    from spillover.panel.design import Design

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Rows = NDArray[np.bool_]

AT_END = 1e-9
"""Largest change of the linear predictor in the last step; the covariance is off by as much."""

COARSEST = 1e-2
"""Part of a column that the effects may still explain in the first step; see FINEST."""


@dataclass(frozen=True)
class Ppml:
    """Settings of Poisson pseudo-maximum likelihood.

    Attributes
    ----------
    tolerance : float
        Relative change of the deviance at which the iteration stops.
    iterations : int
        Most iterations.
    separation : bool
        Whether to look for observations that the regressors and effects separate (Correia,
        Guimaraes & Zylkin 2021). They are left out and counted. Levels of an effect whose
        outcomes are all zero are left out in any case.

    Examples
    --------
    >>> Ppml(iterations=50).tolerance
    1e-12
    """

    tolerance: float = 1e-12
    iterations: int = 200
    separation: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1 or self.iterations < 1:
            raise SchemaError(
                f"tolerance={self.tolerance} must lie between 0 and 1, and iterations="
                f"{self.iterations} must be positive."
            )


@dataclass(frozen=True, eq=False)
class PpmlDetails:
    """What only a Poisson regression has.

    Attributes
    ----------
    fitted : (n,) array
        Conditional means.
    deviance : float
    iterations : int
    """

    fitted: Matrix
    deviance: float
    iterations: int


@dataclass(frozen=True, eq=False)
class _Solution:
    """The last step of the iteration."""

    squares: LeastSquares
    X: Matrix
    mu: Matrix
    deviance: float
    iterations: int


def estimate_ppml(
    design: Design,
    settings: Ppml | None = None,
    *,
    kind: Kind = "cluster",
    clusters: Mapping[str, Codes] | None = None,
) -> Estimate:
    """Estimate a Poisson regression by pseudo-maximum likelihood.

    Parameters
    ----------
    design : Design
        The outcome is not negative; it need not be a count.
    settings : Ppml, optional
    kind : {"cluster", "hetero", "iid"}
        "iid" takes the variance to equal the mean.
    clusters : mapping of str to (n,) codes, optional
        The design's by default.

    Returns
    -------
    Estimate
        Its ``details`` are a :class:`PpmlDetails`; "r2" is one less the share of the deviance that
        is left.

    Raises
    ------
    SchemaError
        If an outcome is negative.
    IdentificationError
        If the outcome is zero throughout, or a regressor is not identified.
    ConvergenceError
        If the iteration does not settle.

    Warns
    -----
    SpilloverWarning
        If rows are separated by regressors and effects, and left out.

    References
    ----------
    Santos Silva, J. & Tenreyro, S. (2006). The log of gravity. Review of Economics and Statistics
    88(4), 641-658.
    Correia, S., Guimaraes, P. & Zylkin, T. (2020). Fast Poisson estimation with high-dimensional
    fixed effects. Stata Journal 20(1), 95-115.
    """
    settings = settings or Ppml()
    clusters = design.clusters if clusters is None else clusters
    kind = settle(kind, clusters)
    keep, dropped = _usable(design)
    apart = 0
    while True:
        data = _checked(design, keep, apart)
        solution, lost = _iterate(data, settings)
        if not lost.any():
            break
        apart += int(lost.sum())
        keep[keep] = ~lost
        more, _ = empty_levels(design.y[keep], {n: c[keep] for n, c in design.effects.items()})
        keep[keep] = more
    if apart:
        dropped["separated: regressors and effects predict zero for certain"] = apart
        warn(
            f"{rows(apart)} left out: a combination of regressors and effects predicts their zeros "
            "for certain, so they have no finite fit and say nothing about the slopes.",
            SpilloverWarning,
            stacklevel=2,
        )
    return _result(design, data, solution, keep=keep, dropped=dropped, kind=kind, clusters=clusters)


def _checked(design: Design, keep: Rows, apart: int) -> _Rows:
    """Select rows; where they do not identify the slopes, say whether others were left out."""
    try:
        return _rows(design, keep)
    except IdentificationError as error:
        if not apart:
            raise
        raise IdentificationError(
            f"{error} Before, {rows(apart)} had been left out, for which regressors and effects "
            "predict zero for certain."
        ) from error


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows that are used."""

    y: Matrix
    X: Matrix
    effects: Mapping[str, Codes]
    w: Matrix | None
    absorber: Absorber | None


def _rows(design: Design, keep: Rows) -> _Rows:
    """Select rows and check that they identify the coefficients."""
    X = design.X[keep]
    effects = {name: compress(codes[keep]) for name, codes in design.effects.items()}
    w = None if design.weights is None else design.weights[keep]
    absorber = Absorber.from_codes(list(effects.values()), w) if effects else None
    check_identified(X, absorber.residualise(X) if absorber else X, design.terms, effects, w)
    k, rank = X.shape[1], absorber.rank if absorber else 0
    if len(X) - k - rank < 1:
        raise IdentificationError(
            f"{len(X):,} observations cannot identify {k} coefficients and absorbed effects of "
            f"rank {rank:,}: no degrees of freedom are left."
        )
    return _Rows(design.y[keep], X, effects, w, absorber)


def _result(
    design: Design,
    data: _Rows,
    solution: _Solution,
    *,
    keep: Rows,
    dropped: Mapping[str, int],
    kind: Kind,
    clusters: Mapping[str, Codes],
) -> Estimate:
    y, w, k = data.y, data.w, data.X.shape[1]
    rank = data.absorber.rank if data.absorber else 0
    used = {n: compress(c[keep]) for n, c in clusters.items()} if kind == "cluster" else {}
    error = y - solution.mu
    vcov = sandwich(
        kind,
        solution.squares.bread,
        solution.X * (error if w is None else w * error)[:, None],
        used,
        parameters=k + rank,
        outside=k + outside_clusters(data.absorber, data.effects, used),
    )
    counts = count_clusters(used)
    null = _deviance(y, np.full(len(y), np.average(y, weights=w)), w)
    return Estimate(
        terms=list(design.terms),
        beta=solution.squares.beta,
        vcov=vcov,
        kind=kind,
        n_clusters=counts,
        df=min(counts) - 1 if counts else len(y) - k - rank,
        df_resid=len(y) - k - rank,
        keep=keep,
        dropped=dropped,
        residuals=error,
        statistics={
            "r2": 1 - solution.deviance / null if null else np.nan,
            "deviance": solution.deviance,
        },
        df_absorbed=rank,
        details=PpmlDetails(solution.mu, solution.deviance, solution.iterations),
    )


def _usable(design: Design) -> tuple[Rows, dict[str, int]]:
    """Find the rows whose levels say something about the coefficients."""
    negative = int((design.y < 0).sum())
    if negative:
        raise SchemaError(
            f"The outcome is negative in {rows(negative)}; a Poisson regression needs values from "
            "zero up. Use estimator='ols', or drop them with sample=."
        )
    if not design.y.any():
        raise IdentificationError("The outcome is zero in every row.")
    keep, lost = empty_levels(design.y, design.effects)
    why = "in a level of an absorbed effect whose outcomes are all zero"
    return keep, {why: lost} if lost else {}


def _deviance(y: Matrix, mu: Matrix, w: Matrix | None) -> float:
    each = 2 * (xlogy(y, y / mu) - (y - mu))
    return float(each.sum() if w is None else w @ each)


def _iterate(data: _Rows, settings: Ppml) -> tuple[_Solution, Rows]:
    """Run iteratively reweighted least squares, halving steps that do not lower the deviance.

    Returns the solution, and the rows that turned out to be separated, if any.
    """
    y, w = data.y, data.w
    none = np.zeros(len(y), dtype=bool)
    sweeper = Sweeper(data.absorber, list(data.effects.values())) if data.absorber else None
    tolerance = COARSEST if sweeper else FINEST
    mu = (y + y.mean()) / 2
    eta = np.log(mu)
    deviance = np.inf
    for step in range(1, settings.iterations + 1):
        weights = mu if w is None else w * mu
        z = eta + (y - mu) / mu
        zt, Xt = z, data.X
        if sweeper:
            left = sweeper.residualise(np.column_stack([z, data.X]), weights, tolerance)
            zt, Xt = left[:, 0], left[:, 1:]
        squares = least_squares(zt, Xt, weights)
        target, part = z - squares.residuals, 1.0
        for _ in range(20):  # far from the solution a whole step can overflow
            proposal = eta + part * (target - eta)
            trial = np.maximum(np.exp(np.minimum(proposal, 700.0)), 1e-300)
            new = _deviance(y, trial, w)
            if new <= deviance * (1 + 1e-10) + 1e-300:
                break
            part /= 2
        change = abs(deviance - new) / (0.1 + abs(new))
        moved = target - eta
        eta, mu, deviance = proposal, trial, new
        solution = _Solution(squares, Xt, mu, deviance, step)
        lost = separated(y, moved) if settings.separation else none
        settled = change < settings.tolerance and tolerance == FINEST
        at_rest = np.abs(moved).max() < AT_END or not settings.separation
        if lost.any() or (settled and at_rest):
            return solution, lost
        if sweeper:
            tolerance = max(FINEST, COARSEST * min(change, 1.0))
    raise ConvergenceError(
        f"The Poisson regression did not settle in {settings.iterations} iterations. Rescale "
        "regressors of very different size, or raise sp.panel.Ppml(iterations=...)."
    )

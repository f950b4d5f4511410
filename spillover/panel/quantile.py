"""Quantile regression with errors that may be shared within industries.

Dimelis & Louri (2002) ask whether spillovers reach the upper and the lower part of the conditional
distribution of productivity alike. Their regressor varies by industry, so errors that ignore this
are too small at every quantile: here the clusters' scores are summed (Parente & Santos Silva 2016),
over quantiles too, so that slopes can be compared across quantiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from scipy import linalg, stats

from spillover.errors import IdentificationError, SchemaError, check_choice
from spillover.panel.covariance import cluster_meat
from spillover.panel.nonlinear import Estimate, count_clusters, settle
from spillover.panel.quantile_bootstrap import bootstrap
from spillover.panel.quantile_canay import without_effects
from spillover.panel.quantile_solver import solve_quantile
from spillover.panel.spelled import Spelled, spell_effects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.panel.covariance import Kind
    from spillover.panel.design import Design

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

Density = Literal["gaussian", "uniform", "difference"]


@dataclass(frozen=True)
class Quantile:
    """Settings of quantile regression.

    Attributes
    ----------
    quantiles : float or tuple of float
        Between 0 and 1, increasing.
    density : {"gaussian", "uniform", "difference"}
        How the density of the errors at the quantile is found. "gaussian": kernel of Powell (1991),
        bandwidth of Hall & Sheather (1988), as ``se="ker"`` of R's quantreg; "uniform": the kernel
        and the bandwidth of Parente & Santos Silva (2016); "difference": Hendricks & Koenker
        (1992), as ``se="nid"``. With ``inference="iid"`` one density (Gaussian kernel) for all.
    effects : {"dummies", "mundlak", "canay"}
        Effects cannot be differenced out of a quantile. "dummies": few levels, as columns;
        "mundlak": regressors' means within the largest effect stand for it (correlated random
        effects); "canay": two steps, the effects estimated by least squares, hence the same at
        every quantile (Canay 2011), which needs many years and bootstrapped errors.
    bootstrap : int
        Draws of clusters (of rows, without clusters); 0 for the analytical covariance.
    rng : int or numpy.random.Generator
        Seed of the draws.
    limit : int
        Most levels that may enter as dummies.

    Examples
    --------
    >>> Quantile(quantiles=(0.25, 0.5, 0.75)).density
    'gaussian'
    """

    quantiles: float | tuple[float, ...] = 0.5
    density: Density = "gaussian"
    effects: Literal["dummies", "mundlak", "canay"] = "dummies"
    bootstrap: int = 0
    rng: int | np.random.Generator = 0
    limit: int = 200

    def __post_init__(self) -> None:
        check_choice("density", self.density, ("gaussian", "uniform", "difference"))
        check_choice("effects", self.effects, ("dummies", "mundlak", "canay"))
        taus = self.taus
        valid = all(0 < tau < 1 for tau in taus) and all(a < b for a, b in pairwise(taus))
        if not taus or not valid:
            raise SchemaError(
                f"quantiles={self.quantiles!r} must lie between 0 and 1, each larger than the one "
                "before: (0.25, 0.5, 0.75), say."
            )
        if self.bootstrap < 0 or self.bootstrap == 1:
            raise SchemaError(f"bootstrap={self.bootstrap} must be 0 or a number of draws.")
        if self.effects == "canay" and not self.bootstrap:
            raise SchemaError(
                "effects='canay' estimates in two steps; its errors come from a bootstrap of both. "
                "Pass bootstrap=499, say."
            )

    @property
    def taus(self) -> tuple[float, ...]:
        """The quantiles, as a tuple.

        Returns
        -------
        tuple of float
        """
        many = isinstance(self.quantiles, tuple | list)
        return tuple(self.quantiles) if many else (self.quantiles,)  # type: ignore[return-value,arg-type]


@dataclass(frozen=True, eq=False)
class QuantileDetails:
    """What only a quantile regression has.

    Attributes
    ----------
    params : pandas.DataFrame
        Coefficients, one column per quantile.
    pseudo_r2 : mapping of float to float
        Koenker & Machado (1999), by quantile.
    bandwidths : mapping of float to float
        On the scale of the quantile.
    draws : (draws, k) array or None
        The bootstrap's coefficients, in the order of the result's terms.
    """

    params: pd.DataFrame
    pseudo_r2: Mapping[float, float]
    bandwidths: Mapping[float, float]
    draws: Matrix | None


def estimate_quantile(
    design: Design,
    settings: Quantile | None = None,
    *,
    kind: Kind = "cluster",
    clusters: Mapping[str, Codes] | None = None,
) -> Estimate:
    """Estimate one or several conditional quantiles.

    Parameters
    ----------
    design : Design
    settings : Quantile, optional
    kind : {"cluster", "hetero", "iid"}
        "hetero" allows the density of the errors to differ between rows; "cluster" also allows
        dependence within clusters.
    clusters : mapping of str to (n,) codes, optional
        The design's by default.

    Returns
    -------
    Estimate
        With several quantiles the terms are ``"x [0.25]"`` and so on, and the covariance is joint.
        Its ``details`` are a :class:`QuantileDetails`.

    Raises
    ------
    IdentificationError
        If a regressor is collinear, effects have too many levels, or rows are too few.
    SchemaError
        For a multi-way bootstrap.

    References
    ----------
    Koenker, R. & Bassett, G. (1978). Regression quantiles. Econometrica 46(1), 33-50.
    Parente, P. & Santos Silva, J. (2016). Quantile regression with clustered data. Journal of
    Econometric Methods 5(1), 1-15.
    """
    settings = settings or Quantile()
    clusters = design.clusters if clusters is None else clusters
    kind = settle(kind, clusters)
    used = clusters if kind == "cluster" else {}
    y, spelled = _columns(design, settings)
    n, k = spelled.X.shape
    if n <= k + 1:
        raise IdentificationError(f"{n:,} rows cannot identify {k} coefficients.")
    solutions = [solve_quantile(y, spelled.X, tau, design.weights) for tau in settings.taus]
    draws, failed, bandwidths = None, 0, dict[float, float]()
    if settings.bootstrap:
        draws, failed = bootstrap(design, settings, used, spelled, len(spelled.terms))
        vcov = np.cov(draws, rowvar=False, ddof=1).reshape(draws.shape[1], -1)
    else:
        vcov, bandwidths = _joint_covariance(
            y,
            spelled.X,
            solutions,
            settings=settings,
            kind=kind,
            clusters=used,
            weights=design.weights,
        )
        picked = _reported(len(spelled.terms), k, len(settings.taus))
        vcov = vcov[np.ix_(picked, picked)]
    counts = count_clusters(used)
    kept = len(spelled.terms)
    names = _names(spelled.terms, settings.taus)
    r2 = {
        tau: _pseudo_r2(y, spelled.X, beta, tau, design.weights)
        for tau, beta in zip(settings.taus, solutions, strict=True)
    }
    params = {tau: beta[:kept] for tau, beta in zip(settings.taus, solutions, strict=True)}
    middle = min(range(len(solutions)), key=lambda j: abs(settings.taus[j] - 0.5))
    return Estimate(
        terms=names,
        beta=np.concatenate([beta[:kept] for beta in solutions]),
        vcov=vcov,
        kind=kind,
        n_clusters=counts,
        df=min(counts) - 1 if counts else n - k,
        df_resid=n - k,
        keep=np.ones(n, dtype=bool),
        residuals=y - spelled.X @ solutions[middle],
        statistics={"r2": r2[settings.taus[middle]]},
        notes=_notes(settings, spelled, failed),
        reason=_reason(settings, used),
        df_absorbed=k - kept,
        details=QuantileDetails(pd.DataFrame(params, index=spelled.terms), r2, bandwidths, draws),
    )


def _columns(design: Design, settings: Quantile) -> tuple[Matrix, Spelled]:
    if settings.effects == "canay":
        return without_effects(design)
    return design.y, spell_effects(design, settings.effects, settings.limit)


def _names(terms: Sequence[str], taus: tuple[float, ...]) -> list[str]:
    if len(taus) == 1:
        return list(terms)
    return [f"{term} [{tau:g}]" for tau in taus for term in terms]


def _reported(kept: int, k: int, quantiles: int) -> NDArray[np.intp]:
    return np.concatenate([np.arange(kept) + q * k for q in range(quantiles)])


def _notes(settings: Quantile, spelled: Spelled, failed: int) -> tuple[str, ...]:
    notes = [f"Quantiles: {', '.join(f'{tau:g}' for tau in settings.taus)}", *spelled.notes]
    if settings.effects == "canay":
        notes.append("effects estimated by least squares and subtracted (Canay 2011)")
    if failed:
        notes.append(f"{failed} bootstrap draws did not identify the coefficients and were redrawn")
    return tuple(notes)


def _reason(settings: Quantile, clusters: Mapping[str, Codes]) -> str:
    if not settings.bootstrap:
        return f"density of the errors by {settings.density}"
    return f"bootstrap of {'clusters' if clusters else 'rows'}, {settings.bootstrap:,} draws"


def hall_sheather(n: int, tau: float, level: float = 0.95) -> float:
    """Return the bandwidth of Hall & Sheather (1988), on the scale of the quantile.

    Halved until tau plus and minus it lie between 0 and 1.

    Examples
    --------
    >>> round(hall_sheather(1000, 0.5), 6)
    0.097156
    """
    q = stats.norm.ppf(tau)
    z = stats.norm.ppf((1 + level) / 2)
    h = n ** (-1 / 3) * z ** (2 / 3) * (1.5 * stats.norm.pdf(q) ** 2 / (2 * q**2 + 1)) ** (1 / 3)
    while tau - h < 0 or tau + h > 1:
        h /= 2
    return float(h)


def densities(
    y: Matrix, X: Matrix, beta: Matrix, tau: float, *, how: str, weights: Matrix | None = None
) -> tuple[Matrix, float]:
    """Return each row's density of the error at the quantile, and the bandwidth.

    Parameters
    ----------
    y : (n,) array
    X : (n, k) array
    beta : (k,) array
    tau : float
    how : {"gaussian", "uniform", "difference"}
    weights : (n,) array, optional

    Returns
    -------
    (n,) array and float
        For the kernels this is K(u_i / b) / b, whose weighted sums estimate the density.

    Raises
    ------
    IdentificationError
        If no residual lies within the bandwidth.
    """
    h = hall_sheather(len(y), tau)
    if how == "difference":
        high, low = (solve_quantile(y, X, tau + sign * h, weights) for sign in (1, -1))
        spread = X @ (high - low)
        apart = spread > 1e-10 * float(np.abs(y).max())  # estimated quantiles can cross
        return np.where(apart, 2 * h / np.where(apart, spread, 1.0), 0.0), h
    u = y - X @ beta
    width = stats.norm.ppf(tau + h) - stats.norm.ppf(tau - h)
    if how == "gaussian":
        quarter = np.quantile(u, [0.25, 0.75])
        b = width * min(float(u.std(ddof=1)), float(quarter[1] - quarter[0]) / 1.34)
        f = stats.norm.pdf(u / b) / b if b > 0 else np.zeros_like(u)
    else:
        b = width * float(np.median(np.abs(u - np.median(u))))
        f = (np.abs(u) <= b) / (2 * b) if b > 0 else np.zeros_like(u)
    if not f.any():
        raise IdentificationError(
            f"Quantile {tau:g}: no residual lies within the bandwidth, so the density of the "
            "errors is not found: the outcome has too many equal values. Use bootstrap=499, say."
        )
    return f, h


def _joint_covariance(
    y: Matrix,
    X: Matrix,
    solutions: Sequence[Matrix],
    *,
    settings: Quantile,
    kind: Kind,
    clusters: Mapping[str, Codes],
    weights: Matrix | None,
) -> tuple[Matrix, dict[float, float]]:
    """Covariance of the coefficients of all quantiles, stacked."""
    n, k = X.shape
    w = np.ones(n) if weights is None else weights
    breads, scores, bandwidths = [], [], {}
    for tau, beta in zip(settings.taus, solutions, strict=True):
        f, bandwidths[tau] = densities(
            y,
            X,
            beta,
            tau,
            how="gaussian" if kind == "iid" else settings.density,
            weights=weights,
        )
        if kind == "iid":
            f = np.full(n, float(w @ f / w.sum()))
        breads.append(_inverse((X * (w * f)[:, None]).T @ X, tau))
        u = y - X @ beta
        below = u < -1e-10 * np.abs(y).max()  # not the rows that the plane goes through
        scores.append(X * (w * (tau - below))[:, None])
    bread = linalg.block_diag(*breads)
    if kind == "cluster":
        meat = cluster_meat(np.hstack(scores), clusters)
        groups = min(count_clusters(clusters))
        if groups < 2:
            raise IdentificationError(
                f"All observations are in one cluster of {next(iter(clusters))}; cluster at a "
                "finer level."
            )
        factor = groups / (groups - 1) * (n - 1) / (n - k)
    else:
        taus = np.array(settings.taus)
        crossing = np.minimum.outer(taus, taus) - np.outer(taus, taus)
        meat = np.kron(crossing, (X * (w**2)[:, None]).T @ X)
        factor = n / (n - k)
    return bread @ meat @ bread * factor, bandwidths


def _inverse(J: Matrix, tau: float) -> Matrix:
    scale = 1 / np.sqrt(np.maximum(np.diagonal(J), 1e-300))
    try:
        factor = linalg.cho_factor(J * scale * scale[:, None])
    except linalg.LinAlgError as error:
        raise IdentificationError(
            f"Quantile {tau:g}: too few residuals lie near zero to find the density of the errors "
            "for every coefficient. Use bootstrap=499, density='gaussian', or fewer dummies."
        ) from error
    solved: Matrix = linalg.cho_solve(factor, np.diag(scale)) * scale[:, None]
    return solved


def _check_loss(u: Matrix, tau: float, w: Matrix) -> float:
    return float(w @ (u * (tau - (u < 0))))


def _pseudo_r2(y: Matrix, X: Matrix, beta: Matrix, tau: float, weights: Matrix | None) -> float:
    w = np.ones(len(y)) if weights is None else weights
    alone = solve_quantile(y, np.ones((len(y), 1)), tau, weights)
    total = _check_loss(y - alone[0], tau, w)
    return 1 - _check_loss(y - X @ beta, tau, w) / total if total else float("nan")

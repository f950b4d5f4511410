"""Least squares and within-firm least squares, the benchmarks that the others improve upon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from spillover.production._effects import year_dummies
from spillover.production.estimate import Estimate
from spillover.production.polynomial import project
from spillover.production.second import clustered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.production.data import Inputs


@dataclass(frozen=True)
class Ols:
    """Settings of pooled least squares.

    Attributes
    ----------
    years : bool
        Year effects. They stay in TFP.
    """

    years: bool = False


@dataclass(frozen=True)
class Fe:
    """Settings of within-firm least squares.

    Attributes
    ----------
    years : bool
        Year effects. They stay in TFP.
    """

    years: bool = False


def within(x: NDArray[np.float64], firm: NDArray[np.int64]) -> NDArray[np.float64]:
    """Take out firm means.

    Parameters
    ----------
    x : (n,) or (n, k) array
    firm : (n,) array
        Codes, non-decreasing.

    Returns
    -------
    array of x's shape

    Examples
    --------
    >>> within(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 1])).tolist()
    [-1.0, 1.0, 0.0]
    """
    first = np.flatnonzero(np.r_[True, firm[1:] != firm[:-1]])
    sizes = np.diff(np.r_[first, len(firm)])
    means = np.add.reduceat(x, first, axis=0)
    means = means / (sizes if x.ndim == 1 else sizes[:, None])
    out: NDArray[np.float64] = x - np.repeat(means, sizes, axis=0)
    return out


def slopes(
    X: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return least-squares slopes beside a constant.

    Parameters
    ----------
    X : (n, p) array
    y, weights : (n,) arrays

    Returns
    -------
    (p,) array
    """
    total = weights.sum()
    centred = X - (weights @ X) / total
    return project(centred, y - (weights @ y) / total, weights).coefficients


def estimate_ols(inputs: Inputs, settings: Ols) -> Estimate:
    """Regress log output on log inputs.

    Parameters
    ----------
    inputs : Inputs
    settings : Ols

    Returns
    -------
    Estimate
        Standard errors clustered by firm.

    Notes
    -----
    Biased where inputs respond to productivity (Marschak & Andrews 1944): up for flexible inputs.
    """
    effects = [np.ones((len(inputs), 1))]
    if settings.years:
        effects.append(year_dummies(inputs.year))
    return _fitted("ols", inputs, inputs.X, inputs.y, effects=effects, absorbed=False)


def estimate_fe(inputs: Inputs, settings: Fe) -> Estimate:
    """Regress log output on log inputs, both net of their firm means.

    Parameters
    ----------
    inputs : Inputs
    settings : Fe

    Returns
    -------
    Estimate
        Standard errors clustered by firm. TFP holds the firm effect.

    Notes
    -----
    Consistent if productivity is constant over time (Mundlak 1961), or inputs do not respond to
    its changes. Measurement error in capital weighs more than in levels.
    """
    X, y = within(inputs.X, inputs.firm), within(inputs.y, inputs.firm)
    effects = [within(year_dummies(inputs.year), inputs.firm)] if settings.years else []
    return _fitted("fe", inputs, X, y, effects=effects, absorbed=True)


def _fitted(
    method: str,
    inputs: Inputs,
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    effects: list[NDArray[np.float64]],
    absorbed: bool,
) -> Estimate:
    """Regress, with a covariance clustered by firm (G/(G-1) (N-1)/(N-K))."""
    weights, p = inputs.weights, X.shape[1]
    design = np.column_stack([X, *effects])
    fit = project(design, y, weights)
    beta = fit.coefficients[:p]
    if effects:
        others = np.column_stack(effects)
        apart = X - project(others, X, weights).fitted
    else:
        apart = X
    bread = linalg.pinvh(apart.T @ (apart * weights[:, None]))
    residual = y - fit.fitted
    meat = clustered(apart * residual[:, None], inputs.firm, weights)
    n = float(weights.sum())
    groups = _clusters(inputs)
    used = fit.rank + (1 if absorbed else 0)
    factor = groups / (groups - 1) * (n - 1) / (n - used) if groups > 1 and n > used else np.nan
    return Estimate(
        method=method,
        names=inputs.names.inputs,
        beta=beta,
        vcov=factor * bread @ meat @ bread,
        omega=inputs.y - inputs.X @ beta,
        nobs=int(n),
        first_stage={"r2": fit.r2, "nobs": int(n)},
    )


def _clusters(inputs: Inputs) -> float:
    first = np.r_[True, inputs.firm[1:] != inputs.firm[:-1]]
    return float(inputs.weights[first].sum())

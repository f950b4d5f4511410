"""The second stage that lp and acf share: starts, moments, over-identification, the law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import linalg, special

from spillover.production.estimate import Overid
from spillover.production.optimum import TIE, Search, grid, search, search_scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from spillover.production.data import Inputs
    from spillover.production.law import Concentrated


TIED = (
    "several sets of coefficients solve the moments equally well (all are in .starts); taken is "
    "one with flexible inputs that rise with productivity, if there is one, then the one whose "
    "productivity is best explained by its past"
)
ODD = (
    "the solution has a negative elasticity, or flexible inputs that fall with productivity, as "
    "the spurious solution has that takes labour's price for productivity"
)
LOCAL = "some starts end in a local optimum other than the one taken (all are in .starts)"


@dataclass(frozen=True, eq=False)
class Solved:
    """The second stage's optimum.

    Attributes
    ----------
    b : (p,) array
    objective : float
    converged : bool
    starts : data frame
    criterion : callable
        The objective at any b.
    overid : Overid or None
    notes : tuple of str
    """

    b: NDArray[np.float64]
    objective: float
    converged: bool
    starts: pd.DataFrame
    criterion: Callable[[NDArray[np.float64]], float]
    overid: Overid | None = None
    notes: tuple[str, ...] = ()


def solve_gmm(
    law: Concentrated,
    starts: NDArray[np.float64],
    names: Sequence[str],
    *,
    firm: NDArray[np.int64],
    more: int,
    sensible: Callable[[NDArray[np.float64]], bool] | None = None,
) -> Solved:
    """Set instruments' moments to zero, or, if there are more of them than coefficients, near it.

    The objective is xi'Z (Z'Z)^-1 Z'xi / n. With more moments than coefficients a second step
    weights them by their covariance, clustered by firm, in which the instruments are taken net of
    the law's right-hand side (whose coefficients are estimated along); the first stage's noise is
    left out of it, and Hansen's J is reported.

    Parameters
    ----------
    law : Concentrated
    starts : (s, p) array
    names : sequence of str
    firm : (n,) array
    more : int
        Number of further starts from a grid.
    sensible : callable, optional
        Tells whether coefficients make sense; decides between tied optima first.

    Returns
    -------
    Solved
    """
    total = law.weights.sum()
    root = _inverse_root(law.instrument_cross * total)
    first = _seek(lambda b: root @ law.moments(b), starts, more)
    chosen = first.choose(law.r2, sensible)
    b, overid = first.optima[chosen], None
    objective = float(first.objectives[chosen])
    if law.instruments.shape[1] > law.parameters and np.isfinite(b).all():
        xi, _ = law.rows(b)
        scores = law.partialled(b) * xi[:, None]
        root = _inverse_root(clustered(scores, firm, law.weights))
        both = np.vstack([b, first.optima[first.distinct()]])
        second = _seek(lambda t: root @ law.moments(t), both, 0)
        at = second.choose(law.r2, sensible)
        b, objective = second.optima[at], float(second.objectives[at])
        df = law.instruments.shape[1] - law.parameters
        overid = Overid(objective, df, float(special.chdtrc(df, objective)))
    table, notes = _described(first, chosen, names)
    if sensible is not None and np.isfinite(b).all() and not sensible(b):
        notes = (*notes, ODD)

    def criterion(b: NDArray[np.float64]) -> float:
        return float(np.sum((root @ law.moments(b)) ** 2))

    return Solved(b, objective, bool(first.converged[chosen]), table, criterion, overid, notes)


def solve_nls(
    law: Concentrated, starts: NDArray[np.float64], names: Sequence[str], *, more: int
) -> Solved:
    """Minimise the mean squared innovation.

    Parameters
    ----------
    law : Concentrated
    starts : (s, p) array
    names : sequence of str
    more : int

    Returns
    -------
    Solved
    """
    total = law.weights.sum()

    def objective(b: NDArray[Any]) -> Any:  # noqa: ANN401 (a number, real or complex)
        return law.ssr(b) / total

    further = grid(lambda b: float(objective(b)), law.parameters, more)
    found = search_scalar(objective, np.vstack([starts, further]))
    chosen = found.choose(law.r2)
    table, notes = _described(found, chosen, names)
    return Solved(
        found.optima[chosen],
        float(found.objectives[chosen]),
        bool(found.converged[chosen]),
        table,
        lambda b: float(objective(b)),
        notes=notes,
    )


def _seek(
    residuals: Callable[[NDArray[Any]], NDArray[Any]], starts: NDArray[np.float64], more: int
) -> Search:
    further = grid(lambda b: float(np.sum(residuals(b) ** 2)), starts.shape[1], more)
    return search(residuals, np.vstack([starts, further]))


def _inverse_root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return R with R'R the inverse of a covariance matrix; weak directions are left out."""
    scale = np.sqrt(np.maximum(np.diagonal(matrix), 1e-300))
    values, vectors = linalg.eigh(matrix / scale / scale[:, None])
    good = values > 1e-12 * values[-1]
    root: NDArray[np.float64] = (vectors[:, good] / np.sqrt(values[good])).T / scale
    return root


def clustered(
    scores: NDArray[np.float64], firm: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum scores by firm and return the sum of their outer products; a firm counts by its weight.

    Parameters
    ----------
    scores : (n, m) array
    firm : (n,) array, non-decreasing
    weights : (n,) array
        The same for all rows of a firm.

    Returns
    -------
    (m, m) array
    """
    first = np.flatnonzero(np.r_[True, firm[1:] != firm[:-1]])
    sums = np.add.reduceat(scores, first, axis=0)
    out: NDArray[np.float64] = sums.T @ (sums * weights[first, None])
    return out


def flexible_rise(
    pooled: NDArray[np.float64], free: int, inputs: int
) -> Callable[[NDArray[np.float64]], bool]:
    """Return a test of coefficients: none negative, and labour that rises with productivity.

    Given the other inputs, flexible inputs rise with w = phi - b'x if and only if their
    coefficients lie below those of least squares. Where the price of labour is a first-order
    process too, phi - labour is a second productivity that solves the moments, with a coefficient
    near one (Kim, Luo & Su 2019); labour falls with it.

    Parameters
    ----------
    pooled : (p,) array
        Least squares.
    free, inputs : int
        How many of the first coefficients are of flexible inputs; of inputs.

    Returns
    -------
    callable

    Examples
    --------
    >>> test = flexible_rise(np.array([0.9, 0.1]), 1, 2)
    >>> test(np.array([0.6, 0.4])), test(np.array([0.97, 0.14])), test(np.array([0.6, -0.1]))
    (True, False, False)
    """
    most = pooled[:free].sum()

    def test(b: NDArray[np.float64]) -> bool:
        return bool((b[:inputs] >= 0).all() and (free == 0 or b[:free].sum() <= most))

    return test


def _described(
    found: Search, chosen: int, names: Sequence[str]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Tabulate where each start led, and say so if local optima disagree."""
    table = pd.DataFrame(found.starts, columns=[f"start_{name}" for name in names])
    for at, name in enumerate(names):
        table[name] = found.optima[:, at]
    table["objective"] = found.objectives
    table["converged"] = found.converged
    table["chosen"] = np.arange(len(table)) == chosen
    distinct = found.distinct()
    if not found.converged.any():
        return table, ("the search converged from none of its starts",)
    if len(distinct) < 2:
        return table, ()
    tied = int(np.sum(found.objectives[distinct] <= found.objectives[chosen] + TIE * found.scale))
    if tied > 1:
        return table, (TIED,)
    return table, (LOCAL,)


def starting_points(inputs: Inputs, X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the coefficients of pooled and of within-firm least squares.

    Parameters
    ----------
    inputs : Inputs
    X : (n, p) array

    Returns
    -------
    (2, p) array
    """
    from spillover.production.ols import slopes, within  # noqa: PLC0415 (they share no other code)

    pooled = slopes(X, inputs.y, inputs.weights)
    fixed = slopes(within(X, inputs.firm), within(inputs.y, inputs.firm), inputs.weights)
    return np.vstack([pooled, np.where(np.isfinite(fixed), fixed, 0.0)])


def law_table(
    gamma: NDArray[np.float64], drivers: Sequence[str], powers: Sequence[int]
) -> pd.Series[float]:
    """Name the law of motion's coefficients.

    Parameters
    ----------
    gamma : array
        In the order of :meth:`.Concentrated.regressors`.
    drivers : sequence of str
    powers : sequence of int
        For the constant and each driver.

    Returns
    -------
    Series

    Examples
    --------
    >>> law_table(np.arange(4.0), ["backward"], (1, 1)).index.tolist()
    ['constant', 'omega', 'backward', 'backward:omega']
    """
    index = []
    for name, top in zip(("", *drivers), powers, strict=True):
        for power in range(top + 1):
            lag = "" if power == 0 else "omega" if power == 1 else f"omega^{power}"
            index.append(":".join(part for part in (name, lag) if part) or "constant")
    return pd.Series(gamma, index=pd.Index(index, name="term"), name="estimate")

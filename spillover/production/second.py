"""The second stage that op, lp, acf and gnr share: starts, criteria, over-identification, law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import linalg, special

from spillover.errors import IdentificationError, preview
from spillover.production.estimate import Overid
from spillover.production.optimum import TIE, Search, grid, jacobian, search, search_scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from spillover.production.law import Concentrated


TIED = (
    "several sets of coefficients solve the moments equally well (all are in .starts), and the "
    "data do not say which is right; taken is one without negative elasticities and with flexible "
    "inputs that rise with productivity, if there is one, then the one whose productivity is best "
    "explained by its past"
)
ONE = (
    "several sets of coefficients solve the moments equally well (all are in .starts); taken is "
    "the only one without negative elasticities and with flexible inputs that rise with "
    "productivity"
)
ODD = (
    "the solution has a negative elasticity, or flexible inputs that fall with productivity, as "
    "the spurious solution has that takes labour's price for productivity"
)
NONE = (
    "no coefficients set the moments to zero, though these are as many; taken are those that come "
    "nearest (where each start led is in .starts)"
)
LOCAL = "some starts end in a local optimum other than the one taken (all are in .starts)"
FLAT = 1e-6
"""A direction in which the moments (the innovations) move by a smaller share is not settled."""


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
    lift: tuple[int, Callable[[NDArray[np.float64]], NDArray[np.float64]]] | None = None,
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
    lift : tuple of int and callable, optional
        How many elasticities the grid runs over, and coefficients from them, where these are not
        the coefficients themselves.

    Returns
    -------
    Solved

    Raises
    ------
    IdentificationError
        If no start leads anywhere, or the moments do not move with some coefficient.
    """
    total = law.weights.sum()
    root = _inverse_root(law.instrument_cross * total)
    first = _seek(lambda b: root @ law.moments(b), starts, more, lift)
    chosen = _chosen(first, law, names, sensible)
    b, overid = first.optima[chosen], None
    exact = law.instruments.shape[1] == law.parameters
    zero = bool(first.objectives[chosen] <= TIE * first.scale)
    if zero or not exact:  # at a minimum above zero of so many moments the slope is singular anyhow
        _check_settled(jacobian(lambda t: root @ law.moments(t), b), law, names)
    objective, converged = float(first.objectives[chosen]), bool(first.converged[chosen])
    if law.instruments.shape[1] > law.parameters:  # a second step
        xi, _ = law.rows(b)
        scores = law.partialled(b) * xi[:, None]
        root = _inverse_root(clustered(scores, firm, law.weights))
        both = np.vstack([b, first.optima[first.distinct()]])
        second = _seek(lambda t: root @ law.moments(t), both, 0)
        at = _chosen(second, law, names, sensible)
        b, objective = second.optima[at], float(second.objectives[at])
        converged = converged and bool(second.converged[at])
        df = law.instruments.shape[1] - law.parameters
        overid = Overid(objective, df, float(special.chdtrc(df, objective)))
    table, notes = _described(first, chosen, names, sensible, root=exact and zero)
    if exact and not zero and converged:
        notes = (NONE,)
    if sensible is not None and not sensible(b):
        notes = (*notes, ODD)

    def criterion(b: NDArray[np.float64]) -> float:
        return float(np.sum((root @ law.moments(b)) ** 2))

    return Solved(b, objective, converged, table, criterion, overid, notes)


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

    Raises
    ------
    IdentificationError
        If no start leads anywhere, or the criterion does not move with some coefficient.
    """
    total = law.weights.sum()

    def objective(b: NDArray[Any]) -> Any:  # noqa: ANN401 (a number, real or complex)
        return law.ssr(b) / total

    further = grid(lambda b: float(objective(b)), law.parameters, more)
    found = search_scalar(objective, np.vstack([starts, further]))
    chosen = _chosen(found, law, names, None)
    b = found.optima[chosen]
    _check_settled(_half_hessian(objective, b), law, names, squared=True)
    table, notes = _described(found, chosen, names)
    return Solved(
        b,
        float(found.objectives[chosen]),
        bool(found.converged[chosen]),
        table,
        lambda b: float(objective(b)),
        notes=notes,
    )


def _seek(
    residuals: Callable[[NDArray[Any]], NDArray[Any]],
    starts: NDArray[np.float64],
    more: int,
    lift: tuple[int, Callable[[NDArray[np.float64]], NDArray[np.float64]]] | None = None,
) -> Search:
    size, raised = (starts.shape[1], lambda point: point) if lift is None else lift
    further = grid(lambda point: float(np.sum(residuals(raised(point)) ** 2)), size, more)
    return search(residuals, np.vstack([starts, *(raised(point)[None] for point in further)]))


def _chosen(
    found: Search,
    law: Concentrated,
    names: Sequence[str],
    sensible: Callable[[NDArray[np.float64]], bool] | None,
) -> int:
    """Choose among the optima; raise if there is none."""
    if not np.isfinite(found.objectives).any():
        raise IdentificationError(
            f"The search for {preview(names)} fails from all {len(found.starts)} starts: the law "
            "of motion is singular. Check for inputs that do not vary, or lower the degrees."
        )
    return found.choose(law.r2, sensible)


def _half_hessian(
    objective: Callable[[NDArray[Any]], Any], b: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Differentiate the exact gradient by central differences, and halve."""
    columns = []
    for at, gap in enumerate(1e-4 * np.maximum(np.abs(b), 0.1)):
        shift = np.zeros(len(b))
        shift[at] = gap
        change = jacobian(objective, b + shift) - jacobian(objective, b - shift)
        columns.append(change / (4 * gap))
    hessian = np.column_stack(columns)
    return np.asarray(hessian + hessian.T) / 2


def _check_settled(
    slope: NDArray[np.float64], law: Concentrated, names: Sequence[str], *, squared: bool = False
) -> None:
    """Raise where the criterion is flat, set against how much each regressor varies."""
    size = np.maximum(law.spread(), 1e-300)
    scaled = slope / size
    if squared:
        scaled = scaled / size[:, None]
    if not np.isfinite(scaled).all():
        return  # at the edge of what can be computed: the search says that it did not converge
    _, values, directions = linalg.svd(scaled, full_matrices=False)
    if values[-1] > (FLAT**2 if squared else FLAT):
        return
    weak = [name for name, share in zip(names, np.abs(directions[-1]), strict=True) if share > 0.3]
    raise IdentificationError(
        f"The second stage does not settle {preview(weak)}: the criterion is flat. Check for "
        "inputs that do not vary over time or move together."
    )


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


def _described(
    found: Search,
    chosen: int,
    names: Sequence[str],
    sensible: Callable[[NDArray[np.float64]], bool] | None = None,
    *,
    root: bool = False,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Tabulate where each start led, and say so if local optima disagree."""
    table = pd.DataFrame(found.starts, columns=[f"start_{name}" for name in names])
    for at, name in enumerate(names):
        table[name] = found.optima[:, at]
    table["objective"] = found.objectives
    table["converged"] = found.converged
    table["chosen"] = np.arange(len(table)) == chosen
    distinct = found.distinct()
    if not found.converged[chosen]:
        return table, ("the search did not converge (where each start led is in .starts)",)
    if len(distinct) < 2:
        return table, ()
    level = found.objectives[distinct]
    tied = distinct[level <= found.objectives[chosen] + TIE * found.scale]
    if len(tied) < 2:
        return table, () if root else (LOCAL,)  # a minimum above zero is no rival of a root
    good = 0 if sensible is None else sum(sensible(found.optima[at]) for at in tied)
    return table, (ONE if good == 1 else TIED,)

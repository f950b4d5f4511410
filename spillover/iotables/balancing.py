"""Fit a matrix to given row and column totals: RAS, and GRAS for matrices with negative cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spillover.errors import ConvergenceError, SchemaError, preview

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

Array = NDArray[np.float64]
_TOTALS_DIFFER = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class Balanced:
    """A matrix that was fitted to its totals.

    Attributes
    ----------
    matrix : (m, n) array
        The result; zero cells of the first matrix stay zero, signs stay.
    iterations : int
        Rounds of rows and columns.
    largest_gap : float
        Largest relative gap between a row or column and its total.
    history : tuple of float
        That gap after each round.
    converged : bool
        True; a fit that does not converge raises.
    row_factors, column_factors : (m,), (n,) arrays
        ``r`` and ``s``: positive cells were multiplied by ``r[i] s[j]``, negative ones divided.
    """

    matrix: Array
    iterations: int
    largest_gap: float
    history: tuple[float, ...]
    converged: bool
    row_factors: Array = field(default_factory=lambda: np.ones(0))
    column_factors: Array = field(default_factory=lambda: np.ones(0))

    def __post_init__(self) -> None:
        for name in ("matrix", "row_factors", "column_factors"):
            frozen = np.array(getattr(self, name), dtype=np.float64)
            frozen.flags.writeable = False
            object.__setattr__(self, name, frozen)

    def __repr__(self) -> str:
        m, n = self.matrix.shape
        return (
            f"Balanced({m} × {n}, {self.iterations} iterations, largest relative gap "
            f"{self.largest_gap:.2g})"
        )


def ras(
    matrix: ArrayLike,
    rows: ArrayLike,
    columns: ArrayLike,
    tol: float = 1e-10,
    max_iterations: int = 1000,
    *,
    row_names: Sequence[str] | None = None,
    column_names: Sequence[str] | None = None,
) -> Balanced:
    """Scale rows and columns in turn until both have the totals asked for (biproportional fit).

    The result ``r[i] A[i, j] s[j]`` has the smallest information distance
    ``sum x ln(x / A)`` to ``A`` among the matrices with these totals (Bacharach 1970).

    Parameters
    ----------
    matrix : (m, n) array
        Not negative. Where it is zero the result is zero.
    rows, columns : (m,), (n,) arrays
        Totals, not negative, with the same sum; in the unit of the matrix or another.
    tol : float
        Largest relative gap allowed in a row or column.
    max_iterations : int
        Rounds before giving up.
    row_names, column_names : sequence of str, optional
        For messages.

    Returns
    -------
    Balanced

    Raises
    ------
    SchemaError
        For shapes that differ, negative or missing numbers, totals of rows and columns with
        different sums, and rows (columns) without any entry that need a total.
    ConvergenceError
        Names the row or column that is furthest off. The zeros of a matrix can make its totals
        impossible.

    References
    ----------
    Stone (1961); Bacharach (1970), Biproportional Matrices and Input-Output Change; Miller and
    Blair (2009), section 7.4.

    Examples
    --------
    >>> ras([[1, 2], [3, 4]], rows=[4, 6], columns=[5, 5]).matrix.round(3)
    array([[1.758, 2.242],
           [3.242, 2.758]])
    """
    A, u, v, names = _inputs(
        matrix,
        rows,
        columns,
        tol=tol,
        max_iterations=max_iterations,
        row_names=row_names,
        column_names=column_names,
    )
    if (A < 0).any():
        i, j = np.argwhere(A < 0)[0]
        msg = (
            f"the matrix has {int((A < 0).sum())} negative cell(s), the first at "
            f"{names[0][int(i)]}→{names[1][int(j)]}; RAS needs none. Use gras, which keeps signs."
        )
        raise SchemaError(msg)
    return _fit(A, u, v, tol=tol, max_iterations=max_iterations, names=names, method="RAS")


def gras(
    matrix: ArrayLike,
    rows: ArrayLike,
    columns: ArrayLike,
    tol: float = 1e-10,
    max_iterations: int = 1000,
    *,
    row_names: Sequence[str] | None = None,
    column_names: Sequence[str] | None = None,
) -> Balanced:
    """Fit a matrix with positive and negative cells to given totals.

    Positive cells are multiplied by ``r[i] s[j]`` and negative ones divided by it, which minimises
    ``sum |a| z (ln z - 1)`` over ``z = x / a`` subject to the totals. In Junius and Oosterhaven
    (2003) the term -1 is missing; with it (Lenzen, Wood and Gallego 2007) a matrix that has its
    totals already stays as it is. Without negative cells this is :func:`ras`.

    Parameters
    ----------
    matrix : (m, n) array
        Signs and zeros stay.
    rows, columns : (m,), (n,) arrays
        Totals of either sign with the same sum.
    tol, max_iterations, row_names, column_names
        As in :func:`ras`.

    Returns
    -------
    Balanced

    Raises
    ------
    SchemaError
        As :func:`ras`, and for rows (columns) whose cells all have the sign opposite to the total.
    ConvergenceError
        Names the row or column that is furthest off.

    References
    ----------
    Junius and Oosterhaven (2003), Economic Systems Research 15(1), 87-96; Lenzen, Wood and Gallego
    (2007), Economic Systems Research 19(4), 461-465; factors of rows without positive cells as in
    Temurshoev, Miller and Bouwmeester (2013), Economic Systems Research 25(3), 361-367.

    Examples
    --------
    >>> gras([[7, 3, -1], [2, 9, 4]], rows=[10, 14], columns=[9, 11, 4]).matrix.sum(axis=1).round(6)
    array([10., 14.])
    """
    A, u, v, names = _inputs(
        matrix,
        rows,
        columns,
        tol=tol,
        max_iterations=max_iterations,
        row_names=row_names,
        column_names=column_names,
    )
    return _fit(A, u, v, tol=tol, max_iterations=max_iterations, names=names, method="GRAS")


Names = tuple[list[str], list[str]]


def _inputs(
    matrix: ArrayLike,
    rows: ArrayLike,
    columns: ArrayLike,
    *,
    tol: float,
    max_iterations: int,
    row_names: Sequence[str] | None,
    column_names: Sequence[str] | None,
) -> tuple[Array, Array, Array, Names]:
    """Return float copies and names, or raise on shapes, missing numbers and sums."""
    try:
        A, u, v = (np.array(value, dtype=np.float64) for value in (matrix, rows, columns))
    except (TypeError, ValueError) as error:
        msg = f"matrix, rows and columns must be numbers ({error})."
        raise SchemaError(msg) from error
    if A.ndim != 2 or u.shape != A.shape[:1] or v.shape != A.shape[1:]:
        msg = (
            f"matrix, rows and columns have shapes {A.shape}, {u.shape}, {v.shape}; an (m, n) "
            "matrix needs m row totals and n column totals."
        )
        raise SchemaError(msg)
    for name, value in (("matrix", A), ("rows", u), ("columns", v)):
        if not np.isfinite(value).all():
            msg = f"{name} has {int((~np.isfinite(value)).sum())} missing or infinite value(s)."
            raise SchemaError(msg)
    if not tol > 0 or max_iterations < 1:
        msg = f"tol={tol} must be positive and max_iterations={max_iterations} at least 1."
        raise SchemaError(msg)
    size = max(float(np.abs(u).sum()), float(np.abs(v).sum()))
    if abs(float(u.sum() - v.sum())) > _TOTALS_DIFFER * size:
        msg = (
            f"row totals sum to {u.sum():,.10g} and column totals to {v.sum():,.10g}; they are "
            "totals of the same cells and must agree. Scale one of them first."
        )
        raise SchemaError(msg)
    names = (
        list(row_names) if row_names is not None else [f"row {i}" for i in range(len(u))],
        list(column_names) if column_names is not None else [f"column {j}" for j in range(len(v))],
    )
    if (len(names[0]), len(names[1])) != A.shape:
        msg = f"{len(names[0])} row and {len(names[1])} column names do not fit shape {A.shape}."
        raise SchemaError(msg)
    return A, u, v, names


def _impossible(A: Array, totals: Array, names: list[str], what: str) -> list[str]:
    """List rows of ``A`` whose cells cannot add up to their total."""
    above, below = (A > 0).any(axis=1), (A < 0).any(axis=1)
    out = []
    for mask, why in (
        (~above & ~below & (totals != 0), "have no entry but need a total"),
        (above & ~below & (totals < 0), "have positive entries only but need a negative total"),
        (below & ~above & (totals > 0), "have negative entries only but need a positive total"),
    ):
        if mask.any():
            listed = preview([names[i] for i in np.flatnonzero(mask)])
            out.append(f"{int(mask.sum())} {what}(s) {why}: {listed}")
    return out


def _emptied(A: Array, u: Array, v: Array) -> Array:
    """Set to zero the cells of one-signed rows and columns whose total is zero."""
    out = A.copy()
    for matrix, totals in ((out, u), (out.T, v)):
        one_signed = (matrix >= 0).all(axis=1) | (matrix <= 0).all(axis=1)
        matrix[one_signed & (totals == 0)] = 0.0
    return out


def _factors(above: Array, below: Array, totals: Array) -> Array:
    """Solve ``above r - below / r = total`` for the positive root of each row."""
    r = np.ones(len(totals))
    both = above > 0
    root = np.sqrt(totals**2 + 4 * above * below)
    # For negative totals the sum in the numerator cancels; the conjugate form does not.
    up, down = both & (totals >= 0), both & (totals < 0)
    r[up] = (totals[up] + root[up]) / (2 * above[up])
    r[down] = 2 * below[down] / (root[down] - totals[down])
    only_below = ~both & (below > 0)
    r[only_below] = -below[only_below] / totals[only_below]
    return r


def _fit(
    A: Array,
    u: Array,
    v: Array,
    *,
    tol: float,
    max_iterations: int,
    names: Names,
    method: str,
) -> Balanced:
    """Alternate between rows and columns; RAS is the case without negative cells."""
    work = _emptied(A, u, v)
    problems = _impossible(work, u, names[0], "row")
    problems += _impossible(work.T, v, names[1], "column")
    if problems:
        msg = f"{method}: no matrix with these signs has these totals. {'; '.join(problems)}."
        raise SchemaError(msg)
    P, N = np.maximum(work, 0.0), np.maximum(-work, 0.0)
    r, s = np.ones(len(u)), np.ones(len(v))
    history: list[float] = []
    X, gaps = work, _gaps(work, u, v)
    while True:
        history.append(float(gaps.max(initial=0.0)))
        if history[-1] <= tol or len(history) > max_iterations:
            break
        with np.errstate(all="ignore"):  # impossible totals drive factors to zero and infinity
            r_new = _factors(P @ s, N @ (1 / s), u)
            s_new = _factors(P.T @ r_new, N.T @ (1 / r_new), v)
            factor = np.outer(r_new, s_new)
            X_new = P * factor - N / factor
        if not (np.isfinite(X_new).all() and np.isfinite(1 / factor).all()):
            break
        r, s, X = r_new, s_new, X_new
        gaps = _gaps(X, u, v)
    if history[-1] > tol:
        k = int(np.argmax(gaps))
        place = names[0][k] if k < len(u) else names[1][k - len(u)]
        sums, totals = np.concatenate([X.sum(axis=1), X.sum(axis=0)]), np.concatenate([u, v])
        msg = (
            f"{method} did not converge in {len(history) - 1} iterations: {place!r} sums to "
            f"{sums[k]:,.6g}, its total is {totals[k]:,.6g} (relative gap {gaps[k]:.2g}, tolerance "
            f"{tol:.2g}). Zero cells may make these totals impossible; check this row or column, "
            "or raise max_iterations or tol."
        )
        raise ConvergenceError(msg)
    return Balanced(X, len(history) - 1, history[-1], tuple(history[1:]), True, r, s)


def _gaps(X: Array, u: Array, v: Array) -> Array:
    """Gap of each row, then each column, as a share of its total or its absolute flows."""
    size = np.abs(X)
    sums = np.concatenate([X.sum(axis=1) - u, X.sum(axis=0) - v])
    scale = np.maximum(
        np.concatenate([np.abs(u), np.abs(v)]), np.concatenate([size.sum(axis=1), size.sum(axis=0)])
    )
    return np.asarray(np.abs(sums) / np.where(scale == 0, 1.0, scale), dtype=np.float64)

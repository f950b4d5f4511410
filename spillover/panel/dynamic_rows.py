"""Equations and instruments of a dynamic panel, as sparse matrices over its level rows.

A transformation, first differences or forward orthogonal deviations, is a matrix M with one row per
transformed equation and one column per level row; it makes the outcome, the regressors, the
ordinary instruments and the first-step weights Z'MM'Z alike, whatever gaps the panel has. Years are
calendar years: a difference over a gap does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from spillover.panel.transforms import Calendar

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Rows = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Equations:
    """Transformed equations of the complete level rows.

    Attributes
    ----------
    matrix : (m, n) sparse
        The transformation of the n complete rows.
    row : (m,) array of int
        The row of the data at which each equation stands.
    shift : int
        Years from that row to the equation's own: 0 for differences, 1 for deviations, which are
        kept one year late so that lags of instruments count alike.
    """

    matrix: sparse.csr_array
    row: Codes
    shift: int


def differences(calendar: Calendar, complete: Rows) -> Equations:
    """Subtract the firm's value of the calendar year before.

    Parameters
    ----------
    calendar : Calendar
        Of all rows of the data.
    complete : (rows,) bool array
        Rows with outcome and regressors.

    Returns
    -------
    Equations
    """
    place = np.cumsum(complete) - 1
    before = calendar.partner(1)
    row = np.flatnonzero(complete & (before >= 0) & complete[before])
    m = len(row)
    data = np.tile([1.0, -1.0], m)
    columns = np.column_stack([place[row], place[before[row]]]).ravel()
    matrix = sparse.csr_array(
        (data, columns, np.arange(0, 2 * m + 1, 2)), shape=(m, int(complete.sum()))
    )
    return Equations(matrix, row.astype(np.intp), 0)


def deviations(firm: Codes, year: NDArray[np.int64], complete: Rows) -> Equations:
    """Subtract the mean of the firm's later complete rows, scaled to keep errors independent.

    Forward orthogonal deviations (Arellano & Bover 1995): independent errors stay so, and a gap
    costs one row, where differences lose two.

    Parameters
    ----------
    firm, year : (rows,) arrays
    complete : (rows,) bool array

    Returns
    -------
    Equations

    Examples
    --------
    >>> three = deviations(np.zeros(3, int), np.array([1, 2, 4]), np.ones(3, bool))
    >>> three.matrix.toarray().round(3)
    array([[ 0.816, -0.408, -0.408],
           [ 0.   ,  0.707, -0.707]])
    """
    rows = np.flatnonzero(complete)
    order = rows[np.lexsort((year[rows], firm[rows]))]
    place = (np.cumsum(complete) - 1)[order]
    ends = np.flatnonzero(np.r_[firm[order][1:] != firm[order][:-1], True])
    last = ends[np.searchsorted(ends, np.arange(len(order)))]
    later = last - np.arange(len(order))
    at = np.flatnonzero(later > 0)
    m = later[at]
    scale = np.sqrt(m / (m + 1.0))
    lengths = m + 1
    starts = np.concatenate([[0], np.cumsum(lengths)])
    offset = np.arange(starts[-1]) - np.repeat(starts[:-1], lengths)
    data = np.where(offset == 0, np.repeat(scale, lengths), np.repeat(-scale / m, lengths))
    columns = place[np.repeat(at, lengths) + offset]
    matrix = sparse.csr_array((data, columns, starts), shape=(len(at), len(rows)))
    return Equations(matrix, order[at].astype(np.intp), 1)


@dataclass(frozen=True, eq=False)
class Block:
    """Instruments that stand or fall together.

    Attributes
    ----------
    label : str
    transformed : (m, q) sparse
        In the transformed equations.
    level : (n, q) sparse or None
        In the level equations of the complete rows; None without them.
    """

    label: str
    transformed: sparse.csr_array
    level: sparse.csr_array | None

    @property
    def count(self) -> int:
        """Number of instruments.

        Returns
        -------
        int
        """
        return int(self.transformed.shape[1])


def lag_columns(
    values: Matrix,
    calendar: Calendar,
    equations: Equations,
    lags: tuple[int, int | None],
    *,
    collapse: bool,
) -> sparse.csr_array:
    """Take levels of a variable ``lags`` years ago as instruments of the transformed equations.

    Parameters
    ----------
    values : (rows,) array
        NaN where not observed, where the instrument is zero.
    calendar : Calendar
    equations : Equations
    lags : (int, int or None)
        First and last, None for all.
    collapse : bool
        One column per lag instead of one per lag and year.

    Returns
    -------
    (m, q) sparse array
        Without columns that are never observed.
    """
    low, high = lags
    top = calendar.span - 1 if high is None else min(high, calendar.span - 1)
    rows, keys, data = [], [], []
    for lag in range(low, top + 1):
        there = calendar.partner(lag - equations.shift)[equations.row]
        known = np.flatnonzero((there >= 0) & np.isfinite(values[there]))
        when = calendar.year[equations.row[known]] * (not collapse)
        rows.append(known)
        keys.append(when * (calendar.span + 2) + lag)
        data.append(values[there[known]])
    return _sparse(rows, keys, data, len(equations.row))


def difference_columns(
    values: Matrix, calendar: Calendar, level_rows: Codes, lag: int, *, collapse: bool
) -> sparse.csr_array:
    """Take changes of a variable ``lag`` years ago as instruments of the level equations.

    Parameters
    ----------
    values : (rows,) array
    calendar : Calendar
    level_rows : (n,) array of int
        The complete rows.
    lag : int
    collapse : bool

    Returns
    -------
    (n, r) sparse array
    """
    new, old = calendar.partner(lag)[level_rows], calendar.partner(lag + 1)[level_rows]
    change = np.where((new >= 0) & (old >= 0), values[new] - values[old], np.nan)
    known = np.flatnonzero(np.isfinite(change))
    when = calendar.year[level_rows[known]] * (not collapse)
    return _sparse([known], [when], [change[known]], len(level_rows))


def _sparse(
    rows: Sequence[Codes], keys: Sequence[NDArray[np.int64]], data: Sequence[Matrix], n: int
) -> sparse.csr_array:
    """One column for each key that occurs."""
    if not rows:
        return sparse.csr_array((n, 0), dtype=np.float64)
    unique, column = np.unique(np.concatenate(keys), return_inverse=True)
    where = (np.concatenate(rows), column)
    return sparse.csr_array((np.concatenate(data), where), shape=(n, len(unique)))


def stack_blocks(blocks: Sequence[Block], n: int) -> sparse.csr_array:
    """Stack the instruments of both equations, (m + n, q); n is 0 without level equations.

    Examples
    --------
    >>> one = sparse.csr_array(np.ones((2, 1)))
    >>> stack_blocks([Block("x", one, one), Block("y", one, None)], 2).toarray()
    array([[1., 1.],
           [1., 1.],
           [1., 0.],
           [1., 0.]])
    """
    upper = sparse.hstack([b.transformed for b in blocks], format="csr")
    if not n:
        return sparse.csr_array(upper)
    lower = sparse.hstack(
        [sparse.csr_array((n, b.count)) if b.level is None else b.level for b in blocks],
        format="csr",
    )
    return sparse.csr_array(sparse.vstack([upper, lower], format="csr"))

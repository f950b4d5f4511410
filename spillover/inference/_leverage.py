"""(I - P_gg)^-1 and its square root times a column: the jackknife (CR3) and CR2.

P_gg is the part of the projection on regressors and absorbed effects that belongs to cluster g, in
units of root weight. Effects nested in the cluster only contribute directions in which regressors
and residuals are zero, so they are left out. What remains is UU', with a column in U for each
regressor and each level of an effect that the cluster shares with others. Where rows or columns of
U are few, its eigenvalues give the result. Else products of UU' with vectors do, by Lanczos's
method: these cost no more than the cluster's non-zero dummies, and some dozens of them suffice,
since the eigenvalues of I - P_gg lie between 0 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import linalg, sparse

from spillover.errors import ConvergenceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from spillover.inference._projection import Projection

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Places = NDArray[np.integer]

SATURATED = 1e-9
"""Eigenvalue of I - P_gg below which the cluster alone decides a direction: its residuals are zero
there."""
DENSE = 400
"""Rows or columns of U up to which its eigenvalues are worked out."""
STEPS = 400
FIRST = 32
"""Steps of Lanczos's method for which there is room at first."""
SETTLED = 1e-12
EXHAUSTED = 1e-13
"""Length of a new direction that is nothing but rounding."""


class Entries(NamedTuple):
    """The entries of a matrix that are not zero, its columns numbered without holes."""

    values: Matrix
    rows: Places
    columns: Places
    width: int

    def dense(self, height: int) -> Matrix:
        """Return the matrix."""
        result = np.zeros((height, self.width))
        result[self.rows, self.columns] = self.values
        return result

    def sparse(self, height: int) -> sparse.csr_array:
        """Return the matrix without its zeros."""
        places = (self.rows, self.columns)
        return sparse.coo_array((self.values, places), shape=(height, self.width)).tocsr()


@dataclass(frozen=True, eq=False)
class Cut:
    """The pieces of U for one cluster.

    Attributes
    ----------
    slopes : (n_g, k) array
        Regressors times the root of their inverse cross products.
    own : (n_g, f) entries or None
        Levels of the largest effect that other clusters share.
    swept : (n_g, m) entries or None
        Levels of the other effects, the largest swept out.
    inverse : (m, m) array or None
        What stands between ``swept`` and its transpose.
    """

    slopes: Matrix
    own: Entries | None
    swept: Entries | None
    inverse: Matrix | None

    @property
    def width(self) -> int:
        """Columns of U."""
        pieces = (self.own, self.swept)
        return int(self.slopes.shape[1]) + sum(p.width for p in pieces if p is not None)

    def dense(self) -> Matrix:
        """Return U (n_g, p)."""
        parts = [self.slopes]
        height = len(self.slopes)
        if self.own is not None:
            parts.append(self.own.dense(height))
        if self.swept is not None and self.inverse is not None:
            parts.append(self.swept.dense(height) @ np.linalg.cholesky(self.inverse))
        return np.hstack(parts)

    def complement(self) -> Callable[[Matrix], Matrix]:
        """Return the function that multiplies a vector by I - UU'."""
        height, slopes, inverse = len(self.slopes), self.slopes, self.inverse
        own = None if self.own is None else self.own.sparse(height)
        swept = None if self.swept is None else self.swept.sparse(height)

        def times(v: Matrix) -> Matrix:
            result: Matrix = v - slopes @ (slopes.T @ v)
            if own is not None:
                result -= own @ (own.T @ v)
            if swept is not None and inverse is not None:
                result -= swept @ (inverse @ (swept.T @ v))
            return result

        return times


class Cuts:
    """Cut a projection by cluster; observations are put in the order of the clusters once."""

    def __init__(self, projection: Projection, codes: Codes) -> None:
        count = int(codes.max()) + 1
        self.order = np.argsort(codes, kind="stable")
        self.starts = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=count))])
        self.root = projection.root[self.order]
        self.slopes = projection.X[self.order] @ np.linalg.cholesky(projection.bread)
        self.slopes *= self.root[:, None]
        self.own: Matrix | None = None
        self.swept: sparse.csr_array | None = None
        absorber = projection.absorber
        if absorber is None:
            return
        largest = absorber.largest
        home = np.empty(len(absorber.totals), dtype=codes.dtype)
        home[largest] = codes
        shared = np.zeros(len(absorber.totals), dtype=bool)
        shared[largest[home[largest] != codes]] = True
        if shared.any():
            self.own = self.root * (shared / np.sqrt(absorber.totals))[largest[self.order]]
            self.largest = largest[self.order]
        reduced = absorber.reduced
        if reduced is None or len(reduced.kept) == 0:
            return
        unit = np.eye(reduced.dummies.shape[1])[:, reduced.kept]
        self.inverse = reduced.solve(unit)[reduced.kept]
        self.inverse = (self.inverse + self.inverse.T) / 2
        rows = reduced.dummies[self.order] - reduced.cross[largest[self.order]]
        swept = rows.tocsc()[:, reduced.kept].tocsr()
        swept.data *= np.repeat(self.root, np.diff(swept.indptr))
        self.swept = swept

    def of(self, g: int) -> Cut:
        """Return the pieces of cluster g."""
        part = slice(int(self.starts[g]), int(self.starts[g + 1]))
        own = swept = inverse = None
        if self.own is not None:
            values = self.own[part]
            alive = np.flatnonzero(values)
            if len(alive):
                own = _compact(values[alive], alive, self.largest[part][alive])[0]
        if self.swept is not None:
            pointers = self.swept.indptr[part.start : part.stop + 1]
            inner = slice(int(pointers[0]), int(pointers[-1]))
            rows = np.repeat(np.arange(part.stop - part.start), np.diff(pointers))
            values, columns = self.swept.data[inner], self.swept.indices[inner]
            if len(values):
                swept, used = _compact(values, rows, columns)
                inverse = self.inverse[np.ix_(used, used)]
        return Cut(self.slopes[part], own, swept, inverse)


def _compact(values: Matrix, rows: Places, columns: Places) -> tuple[Entries, Places]:
    """Return the entries in the columns that occur, and which these are."""
    used, place = np.unique(columns, return_inverse=True)
    return Entries(values, rows, place, len(used)), used


def adjusted(projection: Projection, columns: Matrix, codes: Codes, power: float) -> Matrix:
    """Multiply columns, cluster by cluster, by (I - P_gg)^-power.

    Parameters
    ----------
    projection : Projection
    columns : (n, c) array
        Orthogonal to the effects that vary only within clusters; X and residuals are.
    codes : (n,) array
    power : {1.0, 0.5}
        1 for the jackknife (CR3), 0.5 for CR2.

    Returns
    -------
    (n, c) array
        Where a cluster alone decides a direction, nothing of it is left (the generalised inverse).

    Raises
    ------
    ConvergenceError
        If Lanczos's method does not settle.
    """
    cuts = Cuts(projection, codes)
    result = np.empty_like(columns)
    for g in range(len(cuts.starts) - 1):
        part = slice(cuts.starts[g], cuts.starts[g + 1])
        rows, root = cuts.order[part], cuts.root[part, None]
        cut = cuts.of(g)
        scaled = columns[rows] * root
        if min(len(rows), cut.width) <= DENSE:
            result[rows] = by_eigenvalues(cut.dense(), scaled, power) / root
        else:
            times = cut.complement()
            turned = [by_lanczos(times, column, power) for column in scaled.T]
            result[rows] = np.column_stack(turned) / root
    return result


def by_eigenvalues(U: Matrix, columns: Matrix, power: float) -> Matrix:
    """Return (I - UU')^-power times columns, by the eigenvalues of UU' or U'U."""
    rows, p = U.shape
    if p == 0:
        return columns
    if rows <= p:
        values, vectors = linalg.eigh(U @ U.T, check_finite=False)
        turned: Matrix = vectors @ (_power(1 - values, power)[:, None] * (vectors.T @ columns))
        return turned
    values, vectors = linalg.eigh(U.T @ U, check_finite=False)
    alive = values > 1e-14 * max(values[-1], 1e-300)
    values, vectors = values[alive], vectors[:, alive]
    gain = (_power(1 - values, power) - 1) / values
    left = U @ vectors
    result: Matrix = columns + left @ (gain[:, None] * (left.T @ columns))
    return result


def by_lanczos(times: Callable[[Matrix], Matrix], column: Matrix, power: float) -> Matrix:
    """Return M^-power times a column, M with eigenvalues from 0 to 1 given by its products."""
    size = float(np.linalg.norm(column))
    if size == 0:
        return column
    basis = np.empty((FIRST, len(column)))
    basis[0] = column / size
    diagonal: list[float] = []
    beside: list[float] = []
    before = np.zeros(0)
    while len(diagonal) < STEPS:
        m = len(diagonal) + 1
        w = times(basis[m - 1])
        diagonal.append(float(basis[m - 1] @ w))
        Q = basis[:m]
        for _ in range(2):
            w -= Q.T @ (Q @ w)
        length = float(np.linalg.norm(w))
        done = length < EXHAUSTED
        if done or m % 5 == 0:
            values, vectors = linalg.eigh_tridiagonal(diagonal, beside)
            gain = _power(np.asarray(values, dtype=np.float64), power)
            now = vectors @ (gain * vectors[0])
            change = np.linalg.norm(now - np.pad(before, (0, m - len(before))))
            if done or change <= SETTLED * np.linalg.norm(now):
                result: Matrix = size * (Q.T @ now)
                return result
            before = now
        beside.append(length)
        if m == len(basis):
            basis = np.concatenate([basis, np.empty_like(basis)])
        basis[m] = w / length
    raise ConvergenceError(
        f"CR2 and CR3: the leverage of a cluster of {len(column):,} observations did not settle in "
        f"{STEPS} steps. Use inference='wild', or clusters in which the largest effect is nested."
    )


def _power(left: Matrix, power: float) -> Matrix:
    alive = left > SATURATED
    result = np.zeros_like(left)
    result[alive] = left[alive] ** -power
    return result

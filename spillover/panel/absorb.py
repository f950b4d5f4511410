"""Exact absorption of fixed effects.

The firm effect is the only huge one in a firm panel; industry-year, region-year and the like have
at most a few thousand levels. So the largest effect is swept out by group means, and the others by
solving the dense normal equations of what is left (the Schur complement)::

    S delta = D'W(x - firm mean),   S = D'WD - C'N^-1 C

with D the dummies of the other effects, C their weighted cross-table with the largest effect and N
its level weights. S is as large as the number of those levels; one pivoted Cholesky factor gives
its rank (hence the exact degrees of freedom) and serves every column. No iteration over the data,
no tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from spillover.errors import IdentificationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.integer]

DENSE_LEVELS = 12_000
"""Above this many levels besides the largest effect the dense factor no longer pays."""


@dataclass(frozen=True)
class Reduced:
    """The effects besides the largest, with the factor of their normal equations.

    Attributes
    ----------
    dummies : (n, m) sparse
        Row r has a 1 for the level of each effect that observation r belongs to.
    weighted : (n, m) sparse
        The same with the observation weights.
    cross : (levels of the largest effect, m) sparse
        N^-1 C: weighted shares of each level within each level of the largest effect.
    kept : (rank,) array
        The levels that identify the rest; one per connected component (and more, where effects
        nest) is dropped.
    factor : (rank, rank) array
        Lower Cholesky factor of S over the kept levels, each scaled by its own weight.
    scale : (rank,) array
        The scaling.
    """

    dummies: sparse.csr_array
    weighted: sparse.csr_array
    cross: sparse.csr_array
    kept: NDArray[np.intp]
    factor: Matrix
    scale: Matrix
    normal: Matrix

    def solve(self, right: Matrix) -> Matrix:
        """Return level effects (m, k) for right-hand sides (m, k), with one refinement."""
        result = np.zeros_like(right)
        if len(self.kept) == 0:  # every other effect is nested in the largest
            return result
        target = right[self.kept]
        first = self._solve_kept(target)
        result[self.kept] = first + self._solve_kept(target - self.normal @ first)
        return result

    def _solve_kept(self, right: Matrix) -> Matrix:
        solved: Matrix = lapack.dpotrs(self.factor, right * self.scale[:, None], lower=1)[0]
        return solved * self.scale[:, None]


@dataclass(frozen=True)
class Absorber:
    """Residualises columns on a set of fixed effects.

    Build it with :meth:`from_codes`.

    Attributes
    ----------
    largest : (n,) array of int
        Codes of the effect with most levels.
    totals : (levels,) array
        Weight of each of its levels.
    rank : int
        Dimension of the space that the effects span: what they cost in degrees of freedom.
    members : (n, levels) sparse
        The weight of each observation in the column of its level.
    reduced : Reduced or None
        The other effects.
    """

    largest: Codes
    totals: Matrix
    rank: int
    members: sparse.csr_array
    reduced: Reduced | None

    @classmethod
    def from_codes(cls, codes: Sequence[Codes], weights: Matrix | None = None) -> Absorber:
        """Prepare the absorption.

        Parameters
        ----------
        codes : sequence of (n,) arrays of int
            One array per effect, levels 0, 1, ... without holes.
        weights : (n,) array, optional
            Positive observation weights.

        Returns
        -------
        Absorber

        Raises
        ------
        IdentificationError
            If the effects besides the largest have too many levels for a dense factor.

        Examples
        --------
        >>> firm, year = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
        >>> absorber = Absorber.from_codes([firm, year])
        >>> absorber.rank
        3
        >>> absorber.residualise(np.array([[1.0], [2.0], [3.0], [8.0]])).ravel()
        array([ 1., -1., -1.,  1.])
        """
        ordered = sorted(codes, key=lambda c: int(c.max()), reverse=True)
        largest, others = ordered[0], ordered[1:]
        totals = np.bincount(largest, weights).astype(np.float64)
        levels = len(totals)
        data = np.ones(len(largest)) if weights is None else weights
        members = _indicator(largest.astype(np.int32)[:, None], data, levels)
        if not others:
            return cls(largest, totals, levels, members, None)
        reduced = _reduce(largest, totals, others, weights)
        return cls(largest, totals, levels + len(reduced.kept), members, reduced)

    def residualise(self, columns: Matrix) -> Matrix:
        """Return what is left of each column after the effects.

        Parameters
        ----------
        columns : (n, k) array

        Returns
        -------
        (n, k) array
        """
        share = 1.0 / len(columns)
        left = np.ascontiguousarray(columns - np.full(len(columns), share) @ columns)
        buffer = np.empty_like(left)
        left -= self._spread(self.members.T @ left / self.totals[:, None], buffer)
        if self.reduced is None:
            return left
        delta = self.reduced.solve(self.reduced.weighted.T @ left)
        left += self._spread(self.reduced.cross @ delta, buffer)
        left -= self.reduced.dummies @ delta
        return left

    def _spread(self, levels: Matrix, buffer: Matrix) -> Matrix:
        """Give every observation the row of its level of the largest effect."""
        return np.take(levels, self.largest, axis=0, out=buffer, mode="clip")


def _reduce(
    largest: Codes, totals: Matrix, others: Sequence[Codes], weights: Matrix | None
) -> Reduced:
    sizes = [int(c.max()) + 1 for c in others]
    m, n, q = sum(sizes), len(largest), len(others)
    if m > DENSE_LEVELS:
        raise IdentificationError(
            f"The absorbed effects besides the largest have {m:,} levels together; the exact "
            f"method takes up to {DENSE_LEVELS:,}. Absorb coarser effects (two-digit industries, "
            "say)."
        )
    offsets = np.cumsum([0, *sizes[:-1]])
    levels = np.empty((n, q), dtype=np.int32)
    for j, (code, offset) in enumerate(zip(others, offsets, strict=True)):
        levels[:, j] = code + offset
    dummies = _indicator(levels, np.ones(n * q), m)
    weighted = dummies if weights is None else _indicator(levels, np.repeat(weights, q), m)
    order = np.argsort(largest, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(largest))]) * q
    data = np.ones(n * q) if weights is None else np.repeat(weights[order], q)
    cross = sparse.csr_array(
        (data, levels[order].ravel(), starts.astype(np.int32)), shape=(len(totals), m)
    )
    cross.sum_duplicates()
    shares = cross.copy()
    shares.data /= np.repeat(totals, np.diff(shares.indptr))
    normal = _shared_weight(others, sizes, weights)
    own = np.diagonal(normal).copy()
    normal -= (cross.T @ shares).toarray()
    kept, factor, scale = _factorise(normal, own)
    return Reduced(dummies, weighted, shares, kept, factor, scale, normal[np.ix_(kept, kept)])


def _shared_weight(others: Sequence[Codes], sizes: Sequence[int], weights: Matrix | None) -> Matrix:
    """Return D'WD: the weight of the observations that are in both of two levels."""
    blocks: list[list[Matrix]] = [[np.empty(0)] * len(others) for _ in others]
    for j, (code, size) in enumerate(zip(others, sizes, strict=True)):
        blocks[j][j] = np.diag(np.bincount(code, weights, size).astype(np.float64))
        for i in range(j):
            joint = np.bincount(others[i] * size + code, weights, sizes[i] * size)
            blocks[i][j] = joint.reshape(sizes[i], size).astype(np.float64)
            blocks[j][i] = blocks[i][j].T
    return np.block(blocks)


def _indicator(levels: NDArray[np.int32], data: Matrix, m: int) -> sparse.csr_array:
    n, q = levels.shape
    starts = np.arange(0, n * q + 1, q, dtype=np.int32 if n * q < 2**31 else np.int64)
    return sparse.csr_array((data, levels.ravel(), starts), shape=(n, m))


def _factorise(normal: Matrix, own: Matrix) -> tuple[NDArray[np.intp], Matrix, Matrix]:
    """Pivoted Cholesky: independent levels, factor, scaling.

    Rounding in S is a part of each level's own weight, from which the sweep subtracts; so scaled by
    that weight all of it is alike, and pivots below it are zeros.
    """
    m = len(normal)
    diagonal = np.diagonal(normal).copy()
    alive = np.flatnonzero(diagonal > 1e-10 * own)
    if len(alive) == 0:
        return alive, np.empty((0, 0)), np.empty(0)
    scale = 1 / np.sqrt(own[alive])
    scaled = normal[np.ix_(alive, alive)]
    scaled *= scale
    scaled *= scale[:, None]
    # symmetric: transposed it has LAPACK's order of entries, and is not copied
    factor, pivots, rank, _ = lapack.dpstrf(scaled.T, lower=1, tol=m * 1e-13, overwrite_a=1)
    chosen = pivots[:rank] - 1
    return alive[chosen], np.asfortranarray(factor[:rank, :rank]), scale[chosen]

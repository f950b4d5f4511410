"""Absorb the same effects again with other weights, as iteratively reweighted least squares does.

From one step to the next the weights change and the dummies do not. So the factor of earlier
weights preconditions conjugate gradients for the new ones: S delta = r, with S applied by sweeping
the data, without being formed. r'S^-1 r is the weighted sum of squares that the effects still
explain, which is measured against the column's own; and the step before is a good start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from spillover.panel.absorb import Absorber

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from spillover.panel.absorb import Reduced

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.integer]

FINEST = 1e-12
"""Part of a column, as a norm, that the effects may still explain."""
STALE = 8
"""More steps of conjugate gradients than this cost as much as a new factor."""
MOST = 60
SMALL = 1_000
"""Up to so many levels besides the largest effect's, a factor costs less than sweeping the data."""


class Reweighted:
    """An absorber's effects with other weights, absorbed to a tolerance.

    Parameters
    ----------
    absorber : Absorber
        Its factor preconditions.
    reduced : Reduced
        The absorber's other effects.
    weights : (n,) array
        Positive.
    """

    def __init__(self, absorber: Absorber, reduced: Reduced, weights: Matrix) -> None:
        n, q = len(weights), reduced.dummies.nnz // len(weights)
        self.largest, self.reduced, self.weights = absorber.largest, reduced, weights
        self.totals = np.bincount(absorber.largest, weights, len(absorber.totals))[:, None]
        self.members = sparse.csr_array(
            (weights, absorber.members.indices, absorber.members.indptr),
            shape=absorber.members.shape,
        )
        dummies = reduced.dummies
        self.weighted = sparse.csr_array(
            (np.repeat(weights, q), dummies.indices, dummies.indptr), shape=(n, dummies.shape[1])
        )
        own: Matrix = np.asarray(self.weighted.sum(axis=0)).ravel()[reduced.kept]
        self.scale = 1 / np.sqrt(own)[:, None]

    def residualise(
        self, columns: Matrix, tolerance: float, start: Matrix | None = None
    ) -> tuple[Matrix, Matrix, int]:
        """Take the effects out of columns.

        Parameters
        ----------
        columns : (n, k) array
        tolerance : float
            Norm of what the effects may still explain, as a part of the column's (without its
            means of the largest effect).
        start : (m, k) array, optional
            Guess of the levels of the other effects.

        Returns
        -------
        (n, k) array
            What is left.
        (m, k) array
            The levels of the other effects.
        int
            Steps taken; more than ``MOST`` if they did not suffice.
        """
        left = self._swept(columns - columns.mean(axis=0))
        floor = tolerance**2 * (self.weights @ left**2)
        delta = np.zeros((self.weighted.shape[1], columns.shape[1]))
        if start is not None:
            delta += start
            left -= self._swept(self.reduced.dummies @ start)
        steps = 0
        while True:
            right = self._sums(left)
            direction = self._precondition(right)
            if (np.einsum("ij,ij->j", right, direction) <= floor).all() or steps > MOST:
                return left, delta, steps
            found, taken = self._conjugate_gradients(right, direction, floor / 4)
            steps += taken
            change = np.zeros_like(delta)
            change[self.reduced.kept] = found
            delta += change
            left -= self._swept(self.reduced.dummies @ change)

    def _swept(self, columns: Matrix) -> Matrix:
        """Subtract the means within levels of the largest effect."""
        means = np.asarray(self.members.T @ columns) / self.totals
        swept: Matrix = columns - means[self.largest]
        return swept

    def _sums(self, columns: Matrix) -> Matrix:
        sums: Matrix = np.asarray(self.weighted.T @ columns)[self.reduced.kept]
        return sums

    def _precondition(self, right: Matrix) -> Matrix:
        solved: Matrix = lapack.dpotrs(self.reduced.factor, right * self.scale, lower=1)[0]
        return np.asarray(solved * self.scale)

    def _apply(self, direction: Matrix) -> Matrix:
        """Return S times a direction."""
        levels = np.zeros((self.weighted.shape[1], direction.shape[1]))
        levels[self.reduced.kept] = direction
        return self._sums(self._swept(self.reduced.dummies @ levels))

    def _conjugate_gradients(
        self, right: Matrix, solved: Matrix, floor: Matrix
    ) -> tuple[Matrix, int]:
        """Solve for all columns at once; ``solved`` is the preconditioned right-hand side."""
        result, direction = np.zeros_like(right), solved
        energy = np.einsum("ij,ij->j", right, solved)
        for step in range(1, MOST + 1):
            image = self._apply(direction)
            curvature = np.einsum("ij,ij->j", direction, image)
            length = np.divide(energy, curvature, out=np.zeros_like(energy), where=curvature > 0)
            result = result + length * direction
            right = right - length * image
            solved = self._precondition(right)
            before, energy = energy, np.einsum("ij,ij->j", right, solved)
            if (energy <= floor).all():
                return result, step
            turn = np.divide(energy, before, out=np.zeros_like(energy), where=before > 0)
            direction = solved + turn * direction
        return result, MOST + 1


class Sweeper:
    """Absorb effects step after step while the weights change, with as few factors as will do.

    Parameters
    ----------
    absorber : Absorber
        With any weights.
    codes : sequence of (n,) arrays of int
        Its effects.
    """

    def __init__(self, absorber: Absorber, codes: Sequence[Codes]) -> None:
        self.absorber, self.codes = absorber, codes
        self.rank = absorber.rank
        self._levels: Matrix | None = None
        self._stale = False

    def residualise(self, columns: Matrix, weights: Matrix, tolerance: float) -> Matrix:
        """Take the effects out of columns, the same ones in every step but for small changes.

        Parameters
        ----------
        columns : (n, k) array
        weights : (n,) array
        tolerance : float
            See :meth:`Reweighted.residualise`.

        Returns
        -------
        (n, k) array
        """
        fresh = self._stale
        if fresh:
            self.absorber = Absorber.from_codes(self.codes, weights)
            # where weights are so small that levels vanish, the factor serves these weights alone
            self._stale = self.absorber.rank < self.rank
        reduced = self.absorber.reduced
        if self._stale:
            return self.absorber.residualise(columns)
        if reduced is None or len(reduced.kept) <= SMALL:
            return Absorber.from_codes(self.codes, weights).residualise(columns)
        again = Reweighted(self.absorber, reduced, weights)
        left, levels, steps = again.residualise(columns, tolerance, self._levels)
        self._stale = steps > STALE and not fresh
        if steps <= MOST:
            self._levels = levels
            return left
        if fresh:
            return self.absorber.residualise(columns)
        return self.residualise(columns, weights, tolerance)

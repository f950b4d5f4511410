"""Cross-products of the law of motion's right-hand side for any coefficients.

Lagged productivity is ``U c``: U holds the lagged variables, uncorrelated, c depends on the trial
coefficients. The right-hand side R(c) is powers of ``U c`` times multipliers. Two ways to the same
numbers, all columns net of their year means (of their means, where there is one group):

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> rows = Rows(U=rng.normal(size=(90, 2)), multipliers=np.ones((90, 1)), powers=(3,),
...     weights=np.ones(90), groups=np.zeros(90, dtype=np.int64))
>>> fixed = rows.within(rng.normal(size=(90, 2)))
>>> quick, slow = Monomials.of(rows, fixed), ByRow(rows, fixed)
>>> all(np.allclose(a, b) for a, b in zip(quick.products(np.array([0.6, 0.8])),
...     slow.products(np.array([0.6, 0.8]))))
True
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np

from spillover.production.polynomial import basis, count_terms, exponents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

CHUNK = 8192
"""Rows whose monomials are held at once."""
MOST = 700
"""More monomials than this cost more than going through the rows again for every trial."""


@dataclass(frozen=True, eq=False)
class Rows:
    """What the right-hand side is made of, by row.

    Attributes
    ----------
    U : (n, v) array
    multipliers : (n, q) array
        First column one.
    powers : tuple of int, (q,)
        Highest power of ``U c`` that goes with each.
    weights : (n,) array
    groups : (n,) array of int
        Codes 0 ... g-1 of the years whose means are taken out.
    """

    U: Array
    multipliers: Array
    powers: tuple[int, ...]
    weights: Array
    groups: NDArray[np.int64]

    def within(self, x: NDArray[Any]) -> NDArray[Any]:
        """Take weighted group means out of (n,) or (n, k) columns, real or complex.

        Parameters
        ----------
        x : array

        Returns
        -------
        array of x's shape
        """
        if self.groups.max(initial=0) == 0:
            return np.asarray(x - self.weights @ x / self.weights.sum())
        hot = (self.groups[:, None] == np.arange(self.groups.max() + 1)).astype(float)
        share = (hot * self.weights[:, None]).T
        means = share @ x / np.reshape(share.sum(axis=1), (-1,) + (1,) * (x.ndim - 1))
        out: NDArray[Any] = x - means[self.groups]
        return out


@dataclass(frozen=True, eq=False)
class Monomials:
    """Cross-products of the monomials of U, from which those of R(c) follow by algebra.

    Attributes
    ----------
    cross, mixed : arrays
        Of multiplied monomials with each other, and with the fixed columns.
    """

    cross: Array
    mixed: Array
    _places: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
    _exponents: NDArray[np.int64]
    _counts: Array

    @classmethod
    def of(cls, rows: Rows, fixed: Array) -> Monomials:
        """Sum over the rows.

        Parameters
        ----------
        rows : Rows
        fixed : (n, f) array
            Columns that do not depend on c, net of their group means.

        Returns
        -------
        Monomials
        """
        variables, top = rows.U.shape[1], max(rows.powers)
        sizes = [count_terms(variables, power) for power in rows.powers]
        table = exponents(variables, top)
        groups, width = int(rows.groups.max(initial=0)) + 1, sum(sizes)
        cross, mixed = np.zeros((width, width)), np.zeros((width, fixed.shape[1]))
        sums, total = np.zeros((groups, width)), np.bincount(rows.groups, rows.weights, groups)
        for start in range(0, len(rows.weights), CHUNK):
            part = slice(start, start + CHUNK)
            powers = basis(rows.U[part], top, standardise=False)
            columns = np.empty((len(powers), width), order="F")
            at = 0
            for multiplier, size in zip(rows.multipliers[part].T, sizes, strict=True):
                np.multiply(powers[:, :size], multiplier[:, None], out=columns[:, at : at + size])
                at += size
            weighted = columns * rows.weights[part, None]
            cross += weighted.T @ columns
            mixed += weighted.T @ fixed[part]
            if groups == 1:
                sums[0] += weighted.sum(axis=0)
            else:
                hot = rows.groups[part, None] == np.arange(groups)
                sums += hot.astype(float).T @ weighted
        cross -= sums.T @ (sums / np.where(total > 0, total, 1.0)[:, None])
        counts = np.array(
            [factorial(sum(row)) / np.prod([factorial(e) for e in row]) for row in table.tolist()]
        )
        return cls(cross, mixed, _place(table, rows.powers), table, counts)

    def products(self, c: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return R'WR and R'W times the fixed columns, R without the constant.

        Parameters
        ----------
        c : (v,) array, real or complex

        Returns
        -------
        tuple of two arrays
        """
        power = c[:, None] ** np.arange(self._exponents.sum(axis=1).max() + 1)
        value = self._counts.astype(c.dtype)
        for variable in range(len(c)):
            value = value * power[variable, self._exponents[:, variable]]
        row, column, which = self._places
        lift = np.zeros((row[-1] + 1, column[-1] + 1), dtype=c.dtype)
        lift[row, column] = value[which]
        lift = lift[:, 1:]
        return lift.T @ (self.cross @ lift), lift.T @ self.mixed


@dataclass(frozen=True, eq=False)
class ByRow:
    """The same from the rows, for so many variables that their monomials would be too many."""

    rows: Rows
    fixed: Array

    def products(self, c: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return R'WR and R'W times the fixed columns, R without the constant.

        Parameters
        ----------
        c : (v,) array, real or complex

        Returns
        -------
        tuple of two arrays
        """
        R = self.rows.within(by_powers(self.rows.U @ c, self.rows.multipliers, self.rows.powers))
        weighted = R[:, 1:] * self.rows.weights[:, None]
        return weighted.T @ R[:, 1:], weighted.T @ self.fixed


def cross_products(rows: Rows, fixed: Array) -> Monomials | ByRow:
    """Choose the cheaper way.

    Parameters
    ----------
    rows : Rows
    fixed : (n, f) array

    Returns
    -------
    Monomials or ByRow
    """
    count = sum(count_terms(rows.U.shape[1], power) for power in rows.powers)
    return Monomials.of(rows, fixed) if count <= MOST else ByRow(rows, fixed)


def by_powers(w: NDArray[Any], multipliers: Array, powers: Sequence[int]) -> NDArray[Any]:
    """Return each multiplier times the powers 0 ... top of ``w``.

    Parameters
    ----------
    w : (n,) array
    multipliers : (n, q) array
    powers : sequence of int

    Returns
    -------
    (n, sum of powers + q) array

    Examples
    --------
    >>> by_powers(np.array([2.0]), np.array([[1.0, 5.0]]), (2, 1)).tolist()
    [[1.0, 2.0, 4.0, 5.0, 10.0]]
    """
    out = np.empty((len(w), sum(powers) + len(powers)), dtype=w.dtype, order="F")
    at = 0
    for multiplier, top in zip(multipliers.T, powers, strict=True):
        out[:, at] = multiplier
        for power in range(at + 1, at + top + 1):
            np.multiply(out[:, power - 1], w, out=out[:, power])
        at += top + 1
    return out


def _place(
    table: NDArray[np.int64], tops: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Say where each monomial's coefficient stands: its row, its column (power), which monomial."""
    degree = table.sum(axis=1)
    rows, columns, which = [], [], []
    row = column = 0
    for top in tops:
        inside = np.flatnonzero(degree <= top)
        rows.append(row + inside)
        columns.append(column + degree[inside])
        which.append(inside)
        row, column = row + len(inside), column + top + 1
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(which)

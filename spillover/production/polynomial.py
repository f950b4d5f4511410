"""Complete polynomials and weighted least squares on them, made to be accurate and quick.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(200, 2))
>>> y = 1 + x[:, 0] * x[:, 1]
>>> B = basis(x, 2)                  # 1, a, b, a*a, a*b, b*b of the standardised columns
>>> B.shape
(200, 6)
>>> fit = project(B, y)              # weights= counts a row several times, as the bootstrap does
>>> bool(np.allclose(fit.fitted, y)), fit.rank, round(fit.r2, 6)
(True, 6, 1.0)
>>> exponents(2, 2).tolist()         # one row per column of B
[[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from spillover.errors import SchemaError

if TYPE_CHECKING:
    from numpy.typing import NDArray

RANK_TOLERANCE = 1e-9
"""A column counts as a combination of the others below this share of its own length."""
INDEPENDENT = 1e-10
"""The same for :func:`independent`, which drops instruments and raw powers."""


@dataclass(frozen=True, eq=False)
class Projection:
    """A weighted least-squares fit.

    Attributes
    ----------
    fitted : (n,) or (n, m) array
    coefficients : (p,) or (p, m) array
        Of the columns as given; zero for columns left out because they depend on others.
    rank : int
        Number of independent columns.
    r2 : float
        Of the first outcome, around its weighted mean; NaN for a constant outcome.
    """

    fitted: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    rank: int
    r2: float


@lru_cache(maxsize=256)
def _powers(variables: int, degree: int) -> tuple[tuple[int, ...], ...]:
    return tuple(
        chosen
        for total in range(degree + 1)
        for chosen in combinations_with_replacement(range(variables), total)
    )


def exponents(variables: int, degree: int) -> NDArray[np.int64]:
    """Return the exponents of a complete polynomial, constant first.

    Parameters
    ----------
    variables, degree : int

    Returns
    -------
    (p, variables) array of int
        Total degree rises; within one degree the first variable's power falls.

    Examples
    --------
    >>> exponents(1, 3).ravel().tolist()
    [0, 1, 2, 3]
    """
    terms = _powers(variables, degree)
    table = np.zeros((len(terms), variables), dtype=np.int64)
    for row, chosen in enumerate(terms):
        for variable in chosen:
            table[row, variable] += 1
    return table


def count_terms(variables: int, degree: int) -> int:
    """Return how many terms a complete polynomial has.

    Examples
    --------
    >>> count_terms(3, 3)
    20
    """
    return len(_powers(variables, degree))


def basis(
    columns: NDArray[np.float64], degree: int, *, standardise: bool = True
) -> NDArray[np.float64]:
    """Return the complete polynomial of the columns, with a constant.

    Parameters
    ----------
    columns : (n, k) array
        Finite.
    degree : int
        At least 0.
    standardise : bool
        Centre every column and divide it by its standard deviation first. The span stays the
        same, the condition number falls by orders of magnitude. A constant column becomes zero.

    Returns
    -------
    (n, p) array
        Column-contiguous; the order is that of :func:`exponents`.

    Raises
    ------
    SchemaError
        If ``degree`` is not a whole number of at least 0.

    Examples
    --------
    >>> basis(np.array([[1.0], [2.0], [4.0]]), 2, standardise=False).tolist()
    [[1.0, 1.0, 1.0], [1.0, 2.0, 4.0], [1.0, 4.0, 16.0]]
    """
    if not isinstance(degree, int | np.integer) or degree < 0:
        raise SchemaError(f"degree={degree!r} must be a whole number of at least 0; 3 is usual.")
    x = np.asfortranarray(columns, dtype=float)
    if standardise:
        x = standardised(x)
    terms = _powers(x.shape[1], int(degree))
    place = {term: at for at, term in enumerate(terms)}
    out = np.empty((x.shape[0], len(terms)), order="F")
    out[:, 0] = 1.0
    for at, term in enumerate(terms[1:], start=1):
        np.multiply(out[:, place[term[:-1]]], x[:, term[-1]], out=out[:, at])
    return out


def standardised(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centre columns and divide them by their standard deviations (constants become zero).

    Examples
    --------
    >>> standardised(np.array([[1.0, 5.0], [3.0, 5.0]])).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    centred = columns - columns.mean(axis=0)
    spread = centred.std(axis=0)
    size = np.abs(columns).max(axis=0, initial=0.0)
    flat = spread <= 1e-13 * np.maximum(size, 1.0)
    centred[:, flat] = 0.0
    return np.asfortranarray(centred / np.where(flat, 1.0, spread))


def project(
    B: NDArray[np.float64],
    y: NDArray[np.float64],
    weights: NDArray[np.float64] | None = None,
) -> Projection:
    """Regress one or several outcomes on the columns of ``B``.

    Normal equations of columns scaled to unit length, by Cholesky, with one step of refinement;
    where they are near singular, a pivoted QR that leaves dependent columns out.

    Parameters
    ----------
    B : (n, p) array
    y : (n,) or (n, m) array
    weights : (n,) array, optional
        How often each row counts (at least 0).

    Returns
    -------
    Projection
    """
    weighted = B if weights is None else B * weights[:, None]
    gram = weighted.T @ B
    length = np.sqrt(np.diagonal(gram))
    length = np.where(length > 0, length, 1.0)
    gram = gram / length / length[:, None]
    try:
        factor = linalg.cholesky(gram, lower=False, check_finite=False)
        safe = bool(np.min(np.diagonal(factor)) > np.sqrt(RANK_TOLERANCE))
    except linalg.LinAlgError:
        safe = False
    if not safe:
        return _pivoted(B, y, weights)
    scale = length if y.ndim == 1 else length[:, None]

    def solve(right: NDArray[np.float64]) -> NDArray[np.float64]:
        solved = linalg.cho_solve((factor, False), (weighted.T @ right) / scale) / scale
        return np.asarray(solved, dtype=np.float64)

    coefficients = solve(y)
    fitted = B @ coefficients
    coefficients = coefficients + solve(y - fitted)
    fitted = B @ coefficients
    return Projection(fitted, coefficients, B.shape[1], _r2(y, fitted, weights))


def _pivoted(
    B: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> Projection:
    root = None if weights is None else np.sqrt(weights)
    left = B if root is None else B * root[:, None]
    right = y if root is None else (y * root if y.ndim == 1 else y * root[:, None])
    length = np.linalg.norm(left, axis=0)
    length = np.where(length > 0, length, 1.0)
    Q, R, order = linalg.qr(left / length, mode="economic", pivoting=True, check_finite=False)
    size = np.abs(np.diagonal(R))
    rank = int(np.sum(size > RANK_TOLERANCE * max(size[0], 1e-300))) if size.size else 0
    solved = linalg.solve_triangular(R[:rank, :rank], Q[:, :rank].T @ right, check_finite=False)
    coefficients = np.zeros((B.shape[1], *y.shape[1:]))
    kept = order[:rank]
    coefficients[kept] = solved / (length[kept] if y.ndim == 1 else length[kept, None])
    fitted = B @ coefficients
    return Projection(fitted, coefficients, rank, _r2(y, fitted, weights))


def _r2(
    y: NDArray[np.float64], fitted: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> float:
    first = y if y.ndim == 1 else y[:, 0]
    left = first - (fitted if fitted.ndim == 1 else fitted[:, 0])
    counts = np.ones(len(first)) if weights is None else weights
    size = counts.sum()
    spread = first - counts @ first / size
    total = float(counts @ spread**2)
    flat = total <= 1e-28 * size * max(1.0, float(np.abs(first).max(initial=0.0))) ** 2
    return float("nan") if flat else 1.0 - float(counts @ left**2) / total


def independent(
    A: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return Q and R of the independent columns of ``A``, and which columns these are.

    Parameters
    ----------
    A : (n, p) array

    Returns
    -------
    Q : (n, r) array
    R : (r, r) array
    kept : (r,) array of int

    Examples
    --------
    >>> Q, R, kept = independent(np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 1.0]]))
    >>> Q.shape, sorted(kept.tolist())
    ((2, 2), [1, 2])
    """
    Q, R, order = linalg.qr(A, mode="economic", pivoting=True, check_finite=False)
    norms = np.linalg.norm(A, axis=0)
    size = np.abs(np.diagonal(R)) / np.where(norms > 0, norms, 1.0)[order[: len(R)]]
    rank = int(np.sum(np.cumprod(size > INDEPENDENT)))
    return (
        np.asarray(Q[:, :rank], dtype=np.float64),
        np.asarray(R[:rank, :rank], dtype=np.float64),
        order[:rank].astype(np.int64),
    )

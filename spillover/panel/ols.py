"""Least squares on residualised columns, and what to say when a coefficient is not identified."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from spillover.errors import IdentificationError, preview
from spillover.panel.absorb import Absorber

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

ABSORBED = 1e-8
"""A regressor whose norm falls below this part of its own spread is absorbed: rounding leaves
about 1e-13 of it."""
COLLINEAR = 1e-10
"""1 - R^2 of a regressor on the others below which it counts as their linear combination."""


@dataclass(frozen=True)
class LeastSquares:
    """Coefficients and what inference needs.

    Attributes
    ----------
    beta : (k,) array
    bread : (k, k) array
        (Xhat'WX)^-1.
    residuals : (n,) array
    Xhat : (n, k) array
        The regressors; with instruments, what the instruments say of them.
    weights : (n,) array or None
    """

    beta: Matrix
    bread: Matrix
    residuals: Matrix
    Xhat: Matrix = field(repr=False)
    weights: Matrix | None = field(repr=False)

    @property
    def scores(self) -> Matrix:
        """Contributions to the moments, w_i xhat_i e_i; made anew at each call, to save memory.

        Returns
        -------
        (n, k) array
        """
        e = self.residuals if self.weights is None else self.weights * self.residuals
        scores: Matrix = self.Xhat * e[:, None]
        return scores


def least_squares(
    y: Matrix, X: Matrix, weights: Matrix | None, Xhat: Matrix | None = None
) -> LeastSquares:
    """Solve Xhat'W(y - X beta) = 0 by equations of scaled columns, with one refinement.

    Parameters
    ----------
    y : (n,) array
    X : (n, k) array
        Of full column rank; see :func:`check_identified`.
    weights : (n,) array or None
    Xhat : (n, k) array, optional
        X by default. With instruments, a combination of them for which Xhat'WX is symmetric.

    Returns
    -------
    LeastSquares
    """
    Xhat = X if Xhat is None else Xhat
    weighted = Xhat if weights is None else Xhat * weights[:, None]
    equations = Equations.of(weighted.T @ X)
    beta = equations.solve(weighted.T @ y)
    beta = beta + equations.solve(weighted.T @ (y - X @ beta))
    return LeastSquares(beta, equations.inverse(), y - X @ beta, Xhat, weights)


@dataclass(frozen=True)
class Equations:
    """Symmetric positive definite equations, scaled to a unit diagonal and factored."""

    factor: tuple[Matrix, bool]
    scale: Matrix

    @classmethod
    def of(cls, gram: Matrix) -> Equations:
        """Factor a (k, k) matrix."""
        gram = (gram + gram.T) / 2
        scale = 1 / np.sqrt(np.diagonal(gram))
        return cls(cho_factor(gram * scale * scale[:, None], lower=True), scale)

    def solve(self, right: Matrix) -> Matrix:
        """Solve for a (k,) or (k, m) right-hand side."""
        scale = self.scale if right.ndim == 1 else self.scale[:, None]
        solved: Matrix = scale * cho_solve(self.factor, scale * right)
        return solved

    def inverse(self) -> Matrix:
        """Return the inverse, symmetric."""
        inverse: Matrix = cho_solve(self.factor, np.diag(self.scale)) * self.scale[:, None]
        return (inverse + inverse.T) / 2


def project(W: Matrix, columns: Matrix, weights: Matrix | None) -> Matrix:
    """Return the coefficients of columns on W, with one refinement.

    Parameters
    ----------
    W : (n, l) array
    columns : (n, m) array
    weights : (n,) array or None

    Returns
    -------
    (l, m) array
    """
    if W.shape[1] == 0:
        return np.zeros((0, columns.shape[1]))
    weighted = W if weights is None else W * weights[:, None]
    equations = Equations.of(weighted.T @ W)
    first = equations.solve(weighted.T @ columns)
    return first + equations.solve(weighted.T @ (columns - W @ first))


def check_identified(
    raw: Matrix,
    X: Matrix,
    terms: Sequence[str],
    effects: Mapping[str, Codes],
    weights: Matrix | None,
) -> None:
    """Raise unless every coefficient is identified; name the regressors and the effects at fault.

    Parameters
    ----------
    raw, X : (n, k) arrays
        Regressors before and after absorption.
    terms : sequence of str
    effects : mapping of str to (n,) codes
    weights : (n,) array or None

    Raises
    ------
    IdentificationError
    """
    sizes = Sizes.of(raw, X, absorbed=bool(effects))
    check_varying(sizes, terms, lambda j: raw[:, [j]], effects, weights)
    check_independent(X, sizes.left, terms, absorbed=bool(effects))


class Sizes(NamedTuple):
    """Norms of columns: raw, around their mean, and after absorption."""

    raw: Matrix
    spread: Matrix
    left: Matrix

    @classmethod
    def of(cls, raw: Matrix, X: Matrix, *, absorbed: bool) -> Sizes:
        """Measure (n, k) arrays before and after absorption."""
        size = _norm(raw)
        return cls(size, _norm(raw - raw.mean(axis=0)) if absorbed else size, _norm(X))


def check_varying(
    sizes: Sizes,
    terms: Sequence[str],
    column: Callable[[int], Matrix],
    effects: Mapping[str, Codes],
    weights: Matrix | None,
) -> None:
    """Raise unless every column varies, and not only between the levels of the effects.

    Raises
    ------
    IdentificationError
    """
    for j, term in enumerate(terms):
        size, spread, left = (part[j] for part in sizes)
        if spread <= 1e-12 * size:
            raise IdentificationError(
                f"{term} is constant in the sample; drop it (or widen the sample)."
            )
        rounding = 10 * np.finfo(np.float64).eps * size if effects else 0.0
        if left <= max(ABSORBED * spread, rounding):
            raise IdentificationError(_absorbed_by(term, column(j), effects, weights))


def check_independent(X: Matrix, norm: Matrix, terms: Sequence[str], *, absorbed: bool) -> None:
    """Raise if a column is a linear combination of the others, and name them.

    Raises
    ------
    IdentificationError
    """
    if X.shape[1] == 0:
        return
    values, vectors = np.linalg.eigh(X.T @ X / norm / norm[:, None])
    if values[0] < COLLINEAR:
        involved = [t for t, part in zip(terms, vectors[:, 0], strict=True) if abs(part) > 1e-4]
        where = " once the effects are absorbed" if absorbed else ""
        raise IdentificationError(
            f"{preview(involved, 10)} are perfectly collinear{where}: drop one of them."
        )


def _norm(columns: Matrix) -> Matrix:
    norm: Matrix = np.sqrt(np.einsum("ij,ij->j", columns, columns))
    return norm


def _absorbed_by(
    term: str, column: Matrix, effects: Mapping[str, Codes], weights: Matrix | None
) -> str:
    spread = np.linalg.norm(column - column.mean())
    alone = [
        name
        for name, codes in effects.items()
        if np.linalg.norm(Absorber.from_codes([codes], weights).residualise(column))
        <= ABSORBED * spread
    ]
    if alone:
        return (
            f"{term} does not vary within {preview(alone)}, so the absorbed effects take it up "
            "whole. Drop it, or absorb a coarser effect."
        )
    joint = " + ".join(effects)
    return (
        f"{term} is a linear combination of the absorbed effects {joint} together. Drop it, or "
        "absorb fewer effects."
    )


def sum_of_squares(y: Matrix, weights: Matrix | None, *, centred: bool) -> float:
    """Return the weighted sum of squares, around the weighted mean if ``centred``."""
    if centred:
        y = y - (y.mean() if weights is None else weights @ y / weights.sum())
    return float(y @ y if weights is None else (weights * y) @ y)

"""Least squares on residualised columns, and what to say when a coefficient is not identified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from spillover.errors import IdentificationError, preview
from spillover.panel.absorb import Absorber

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        (X'WX)^-1.
    residuals : (n,) array
    scores : (n, k) array
        w_i x_i e_i.
    """

    beta: Matrix
    bread: Matrix
    residuals: Matrix
    scores: Matrix


def least_squares(y: Matrix, X: Matrix, weights: Matrix | None) -> LeastSquares:
    """Regress y on X by normal equations of scaled columns, with one refinement.

    Parameters
    ----------
    y : (n,) array
    X : (n, k) array
        Of full column rank; see :func:`check_identified`.
    weights : (n,) array or None

    Returns
    -------
    LeastSquares
    """
    weighted = X if weights is None else X * weights[:, None]
    gram = X.T @ weighted
    scale = 1 / np.sqrt(np.diagonal(gram))
    factor = cho_factor(gram * scale * scale[:, None], lower=True)

    def solve(right: Matrix) -> Matrix:
        solved: Matrix = scale * cho_solve(factor, scale * right)
        return solved

    beta = solve(weighted.T @ y)
    beta = beta + solve(weighted.T @ (y - X @ beta))
    residuals = y - X @ beta
    bread = cho_solve(factor, np.diag(scale)) * scale[:, None]
    return LeastSquares(beta, (bread + bread.T) / 2, residuals, weighted * residuals[:, None])


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
    size = _norm(raw)
    spread = _norm(raw - raw.mean(axis=0)) if effects else size
    norm = _norm(X)
    for j, term in enumerate(terms):
        if spread[j] <= 1e-12 * size[j]:
            raise IdentificationError(
                f"{term} is constant in the sample; drop it (or widen the sample)."
            )
        rounding = 10 * np.finfo(np.float64).eps * size[j] if effects else 0.0
        if norm[j] <= max(ABSORBED * spread[j], rounding):
            raise IdentificationError(_absorbed_by(term, raw[:, [j]], effects, weights))
    values, vectors = np.linalg.eigh(X.T @ X / norm / norm[:, None])
    if values[0] < COLLINEAR:
        involved = [t for t, part in zip(terms, vectors[:, 0], strict=True) if abs(part) > 1e-4]
        where = " once the effects are absorbed" if effects else ""
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

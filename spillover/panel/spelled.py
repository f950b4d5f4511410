"""Effects that an estimator cannot absorb, written out as columns.

Quantile regression, probit and logit have no within transformation. Their effects enter as dummies,
which is right for few levels with many observations each, or as the level means of the regressors
(Mundlak 1978; Chamberlain 1982), which models what the effects and the regressors have in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.linalg import lapack

from spillover.errors import IdentificationError, check_choice
from spillover.panel.absorb import Absorber
from spillover.panel.ols import check_identified

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from spillover.panel.design import Design

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

Effects = Literal["dummies", "mundlak"]
CELLS = 200_000_000
"""Largest number of entries of the dummies' matrix."""


@dataclass(frozen=True, eq=False)
class Spelled:
    """Regressors with the effects written out.

    Attributes
    ----------
    X : (n, k + m) array
        The reported columns first; then the constant and the dummies.
    terms : list of str
        Names of the k reported columns: the regressors and, with "mundlak", their means.
    notes : tuple of str
    """

    X: Matrix
    terms: list[str]
    notes: tuple[str, ...] = ()


def spell_effects(design: Design, how: Effects = "dummies", limit: int = 200) -> Spelled:
    """Write a design's absorbed effects out as columns.

    Parameters
    ----------
    design : Design
    how : {"dummies", "mundlak"}
        With "mundlak" the means of the regressors within levels of the largest effect stand for
        that effect; all other effects are dummies.
    limit : int
        Most levels of all dummies together.

    Returns
    -------
    Spelled

    Raises
    ------
    SchemaError
        For an unknown ``how``.
    IdentificationError
        If there are more levels than ``limit``, or a regressor is collinear with the effects.

    References
    ----------
    Mundlak, Y. (1978). On the pooling of time series and cross section data. Econometrica 46(1),
    69-85.
    """
    check_choice("effects", how, ("dummies", "mundlak"))
    effects = dict(design.effects)
    if not effects:
        check_identified(design.X, design.X, design.terms, {}, design.weights)
        return Spelled(design.X, list(design.terms))
    X, terms, notes = design.X, list(design.terms), []
    if how == "mundlak":
        largest = max(effects, key=lambda name: int(effects[name].max()))
        X, more, dropped = _with_means(X, terms, largest, effects.pop(largest))
        terms += more
        if dropped:
            notes.append(
                f"no mean within {largest} of {', '.join(dropped)}: it is the regressor itself, or "
                "a combination of the others"
            )
    _check_size(effects, limit, len(design.y))
    left = X - X.mean(axis=0)
    if effects:
        left = Absorber.from_codes(list(effects.values()), design.weights).residualise(X)
    check_identified(X, left, terms, effects or {"(constant)": _one_level(X)}, design.weights)
    return Spelled(np.hstack([X, _dummies(effects, len(X))]), terms, tuple(notes))


def _one_level(X: Matrix) -> Codes:
    return np.zeros(len(X), dtype=np.intp)


def _check_size(effects: Mapping[str, Codes], limit: int, n: int) -> None:
    counts = {name: int(codes.max()) + 1 for name, codes in effects.items()}
    total = sum(counts.values())
    if total > limit or total * n > CELLS:
        listed = ", ".join(f"{name} ({count:,} levels)" for name, count in counts.items())
        raise IdentificationError(
            f"This estimator cannot absorb effects; as dummies, {listed} are too many (up to "
            f"{min(limit, CELLS // n):,} are taken here). Absorb coarser effects, or pass "
            "effects='mundlak', in which the regressors' means stand for the largest effect."
        )


def _with_means(
    X: Matrix, terms: list[str], name: str, codes: Codes
) -> tuple[Matrix, list[str], list[str]]:
    """Append the level means that add something to the constant and the columns before them."""
    counts = np.bincount(codes)
    basis, columns, more, dropped = np.column_stack([np.ones(len(X)), X]), [X], [], []
    for j, term in enumerate(terms):
        mean = (np.bincount(codes, X[:, j]) / counts)[codes]
        left = mean - basis @ np.linalg.lstsq(basis, mean)[0]
        if np.linalg.norm(left) <= 1e-8 * np.linalg.norm(mean):
            dropped.append(term)
            continue
        basis = np.column_stack([basis, mean])
        columns.append(mean[:, None])
        more.append(f"mean({term} | {name})")
    return np.hstack(columns), more, dropped


def _dummies(effects: Mapping[str, Codes], n: int) -> Matrix:
    """Constant and dummies, without those that are combinations of others."""
    levels = [np.eye(int(codes.max()) + 1)[codes][:, 1:] for codes in effects.values()]
    D = np.hstack([np.ones((n, 1)), *levels])
    if len(effects) < 2:
        return D
    gram = D.T @ D
    scale = 1 / np.sqrt(np.diagonal(gram))
    _, pivots, rank, _ = lapack.dpstrf(gram * scale * scale[:, None], lower=1, tol=1e-10)
    kept = np.sort(pivots[:rank] - 1)
    return np.asarray(D[:, kept])

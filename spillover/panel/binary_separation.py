"""Regressors that predict a zero-one outcome for certain: found, named, and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize, sparse

from spillover.errors import IdentificationError, preview, rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]


def constant_levels(y: Matrix, effects: Mapping[str, Codes]) -> NDArray[np.bool_]:
    """Find the rows in levels within which the outcome varies.

    Examples
    --------
    >>> constant_levels(np.array([0.0, 1, 1, 1]), {"industry": np.array([0, 0, 1, 1])})
    array([ True,  True, False, False])
    """
    keep = np.ones(len(y), dtype=bool)
    while True:
        lost = np.zeros(len(y), dtype=bool)
        for codes in effects.values():
            size = int(codes.max()) + 1
            ones = np.bincount(codes[keep], y[keep], size)
            counts = np.bincount(codes[keep], minlength=size)
            lost |= keep & ((ones == 0) | (ones == counts))[codes]
        if not lost.any():
            return keep
        keep &= ~lost


def predicted_for_certain(y: Matrix, X: Matrix, terms: Sequence[str]) -> None:
    """Raise if a value of a two-valued regressor goes with one outcome only.

    Parameters
    ----------
    y : (n,) array of 0 and 1
    X : (n, k) array
    terms : sequence of str

    Raises
    ------
    IdentificationError
        Naming each such regressor, the value, the outcome, and the number of rows.
    """
    found = []
    for j, term in enumerate(terms):
        low, high = X[:, j].min(), X[:, j].max()
        if low == high or ((X[:, j] != low) & (X[:, j] != high)).any():
            continue
        for value in (low, high):
            outcome = y[X[:, j] == value]
            if outcome.min() == outcome.max():
                found.append(
                    f"{term} = {value:g} goes with the outcome {outcome[0]:g} in all its "
                    f"{rows(len(outcome))}"
                )
    if found:
        raise IdentificationError(
            f"Perfect prediction: {'; '.join(found)}. No finite coefficient fits that. Drop the "
            "variable together with these rows (sample=), or use a linear probability model."
        )


def separating(y: Matrix, X: Matrix, terms: Sequence[str]) -> None:
    """Raise if a combination of regressors parts the outcomes.

    A linear programme looks for the combination that is not negative where y is 1, not positive
    where y is 0, and away from zero in as many rows as possible (Albert & Anderson 1984; Konis
    2007).

    Parameters
    ----------
    y : (n,) array of 0 and 1
    X : (n, k + m) array
    terms : sequence of str
        Names of the first k columns.

    Raises
    ------
    IdentificationError
        Naming the regressors of the combination and the number of rows.
    """
    n, k = X.shape
    norm = np.abs(X).max(axis=0)
    signed = X / norm * np.where(y > 0, 1.0, -1.0)[:, None]
    constraints = sparse.hstack([sparse.csr_array(-signed), sparse.eye_array(n)], format="csr")
    out = optimize.linprog(
        np.concatenate([np.zeros(k), -np.ones(n)]),
        A_ub=constraints,
        b_ub=np.zeros(n),
        bounds=[(None, None)] * k + [(0, 1)] * n,
        method="highs",
    )
    if out.status != 0 or out.x is None or out.x[k:].sum() < 0.5:
        return
    direction = np.asarray(out.x[:k])
    strong = np.abs(direction) > 1e-6 * np.abs(direction).max()
    named = [term for term, is_in in zip(terms, strong, strict=False) if is_in]
    named = [term for term in named if term != "Intercept"] or ["the dummies of the effects"]
    apart = int((signed @ direction > 1e-6).sum())
    raise IdentificationError(
        f"Perfect prediction: a combination of {preview(named, 8)} parts the outcomes without "
        f"error in {rows(apart)} of {n:,}. No finite coefficients fit that. Drop one of them, or "
        "use a linear probability model (estimator='ols')."
    )

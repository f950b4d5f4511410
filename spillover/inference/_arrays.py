"""Checked arrays for shift-share regressions, and what is partialled out of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from warnings import warn

import numpy as np
import pandas as pd

from spillover.errors import IdentificationError, SchemaError, SpilloverWarning

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Rows:
    """Arrays of units: outcome, shift-share variable, regressor, shares, controls, weights."""

    y: Matrix
    X: Matrix
    D: Matrix
    shares: Matrix
    controls: Matrix
    weights: Matrix

    @classmethod
    def of(
        cls,
        y: ArrayLike,
        X: ArrayLike,
        shares: ArrayLike,
        *,
        controls: ArrayLike | None,
        endogenous: ArrayLike | None,
        weights: ArrayLike | None,
    ) -> Rows:
        """Check the arrays of units against each other."""
        outcome, regressor = vector(y, "y"), vector(X, "X")
        n = len(outcome)
        D = regressor if endogenous is None else vector(endogenous, "endogenous")
        w = np.ones(n) if weights is None else vector(weights, "weights")
        W = np.asarray(shares, dtype=np.float64)
        Z = control_columns(controls, n, "controls")
        if W.ndim != 2 or not len(regressor) == len(D) == len(w) == len(W) == n:
            raise SchemaError(
                f"y has {n} rows; X {regressor.shape}, endogenous {D.shape}, weights {w.shape} and "
                f"shares {W.shape} do not fit."
            )
        if not np.isfinite(W).all():
            raise SchemaError("shares holds values that are not finite.")
        if (w <= 0).any():
            raise SchemaError(f"weights: {int((w <= 0).sum())} values are not positive.")
        return cls(outcome, regressor, D, W, Z, w)

    def residualise(self, columns: Matrix) -> Matrix:
        """Take the controls out of columns."""
        return partial_out(columns, self.controls, self.weights)


def vector(values: ArrayLike, name: str) -> Matrix:
    """Return finite numbers of one dimension, or raise."""
    result = np.asarray(values, dtype=np.float64)
    if result.ndim != 1:
        raise SchemaError(f"{name} has shape {result.shape}; give one dimension.")
    if not np.isfinite(result).all():
        count = int((~np.isfinite(result)).sum())
        raise SchemaError(f"{name} holds {count:,} values that are not finite; leave them out.")
    return result


def control_columns(values: ArrayLike | None, n: int, name: str) -> Matrix:
    """Return control columns; a column of ones if there are none."""
    if values is None:
        return np.ones((n, 1))
    result = np.asarray(values, dtype=np.float64)
    result = result[:, None] if result.ndim == 1 else result
    if result.ndim != 2 or len(result) != n or not np.isfinite(result).all():
        raise SchemaError(f"{name} must be {n} rows of finite numbers; got {result.shape}.")
    return result


def partial_out(columns: Matrix, controls: Matrix, weights: Matrix) -> Matrix:
    """Residuals of a weighted regression; dependent controls do no harm."""
    if controls.shape[1] == 0:
        return columns
    root = np.sqrt(weights)[:, None]
    scaled = controls * root
    size = np.linalg.norm(scaled, axis=0)
    scaled = scaled / np.where(size > 0, size, 1.0)
    U, singular, _ = np.linalg.svd(scaled, full_matrices=False)
    U = U[:, singular > 1e-11 * singular[0]]
    left = columns * root
    left = left - U @ (U.T @ left)
    result: Matrix = (left - U @ (U.T @ left)) / root
    return result


def projected_shocks(Xdd: Matrix, shares: Matrix, weights: Matrix) -> Matrix:
    """Regress what controls leave of X on the shares."""
    root = np.sqrt(weights)
    solved, _, rank, _ = np.linalg.lstsq(shares * root[:, None], Xdd * root, rcond=1e-10)
    if rank < shares.shape[1]:
        warn(
            f"The {shares.shape[1]} columns of shares have rank {int(rank)}: the shocks that the "
            "regression on them gives are not unique. Pass the observed ones, shocks=.",
            SpilloverWarning,
            stacklevel=3,
        )
    h: Matrix = solved.astype(np.float64)
    return h


def observed_shocks(shocks: ArrayLike, controls: ArrayLike | None, total: Matrix) -> Matrix:
    """Take shock-level controls out of observed shocks, weighted by total exposure."""
    g = vector(shocks, "shocks")
    if len(g) != len(total):
        raise SchemaError(f"{len(g)} shocks for {len(total)} columns of shares.")
    if (total < 0).any():
        raise SchemaError("Shares must not be negative where shocks are residualised by them.")
    Q = control_columns(controls, len(g), "shock_controls")
    reached = total > 0
    h = np.zeros(len(g))
    h[reached] = partial_out(g[reached, None], Q[reached], total[reached])[:, 0]
    return h


def cluster_codes(clusters: ArrayLike | None, n: int) -> Codes:
    """Code clusters of shocks; each is its own if there are none."""
    if clusters is None:
        return np.arange(n)
    labels = np.asarray(clusters)
    if labels.shape != (n,):
        raise SchemaError(f"clusters has shape {labels.shape}; give one label per shock ({n}).")
    codes, uniques = pd.factorize(labels)
    if (codes < 0).any():
        raise SchemaError(f"clusters: {int((codes < 0).sum())} labels are missing.")
    if len(uniques) < 2:
        raise IdentificationError("All shocks are in one cluster.")
    return np.asarray(codes, dtype=np.intp)

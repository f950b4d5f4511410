"""Instrumental variables: 2SLS, LIML and two-step GMM on columns that the effects have left.

All three solve Xhat'W(y - X beta) = 0 and differ in Xhat, so one sandwich serves them all
(K counts as with least squares: :mod:`spillover.panel.covariance`)::

    2SLS  Xhat = [X1, P X2]                       P projects on all instruments [X1, Z]
    LIML  Xhat = [X1, X2 - kappa (X2 - P X2)]     kappa the smallest root (see references)
    GMM   Xhat = [X1, Z] S^-1 [X1, Z]'WX          S the covariance of the moments at 2SLS

The scores of LIML are made of 2SLS's Xhat, as in Stata and linearmodels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import special
from scipy.linalg import eigh

from spillover.errors import IdentificationError, preview
from spillover.panel.covariance import cluster_meat
from spillover.panel.ols import COLLINEAR, Equations, LeastSquares, least_squares, project

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

Method = Literal["iv", "liml", "gmm"]


@dataclass(frozen=True)
class Overidentification:
    """A test that the instruments in excess of the endogenous regressors are valid.

    Attributes
    ----------
    name : str
    statistic : float
    df : int
        Instruments less endogenous regressors.
    """

    name: str
    statistic: float
    df: int

    @property
    def p_value(self) -> float:
        """From the chi-squared distribution.

        Returns
        -------
        float
        """
        return float(special.chdtrc(self.df, self.statistic))

    def __str__(self) -> str:
        return f"{self.name} {self.statistic:.4g}, chi2({self.df}), p = {self.p_value:.4f}"


@dataclass(frozen=True)
class Moments:
    """How the covariance of the moments is estimated.

    Attributes
    ----------
    kind : str
        "iid", "hetero", or anything clustered.
    clusters : mapping of str to (n,) codes
    absorbed : int
        Rank of the absorbed effects.
    """

    kind: str
    clusters: Mapping[str, Codes]
    absorbed: int

    def covariance(self, Z: Matrix, residuals: Matrix, weights: Matrix | None) -> Matrix:
        """Return the covariance of sum_i w_i z_i e_i, without small-sample factor.

        Returns
        -------
        (l, l) array
        """
        if self.kind == "iid":
            e2 = residuals**2 if weights is None else weights * residuals**2
            weighted = Z if weights is None else Z * weights[:, None]
            gram: Matrix = weighted.T @ Z * (float(e2.sum()) / (len(residuals) - self.absorbed))
            return gram
        scores = Z * (residuals if weights is None else weights * residuals)[:, None]
        return cluster_meat(scores, self.clusters) if self.clusters else scores.T @ scores


@dataclass(frozen=True)
class Instrumented:
    """An estimate with instruments.

    Attributes
    ----------
    squares : LeastSquares
    overidentification : Overidentification or None
        None if there are as many instruments as endogenous regressors.
    kappa : float
        LIML's; 1 for 2SLS.
    """

    squares: LeastSquares
    overidentification: Overidentification | None
    kappa: float = 1.0


def instrument(
    method: Method,
    y: Matrix,
    X: Matrix,
    Z: Matrix,
    weights: Matrix | None,
    *,
    terms: Sequence[str],
    endogenous: Sequence[str],
    moments: Moments,
) -> Instrumented:
    """Estimate with instruments.

    Parameters
    ----------
    method : {"iv", "liml", "gmm"}
    y : (n,) array
    X : (n, k) array
        The endogenous regressors last.
    Z : (n, l) array
        The excluded instruments; see :func:`spillover.panel.ols.check_identified`.
    weights : (n,) array or None
    terms, endogenous : sequence of str
    moments : Moments
        For GMM's weighting and the test of over-identification.

    Returns
    -------
    Instrumented

    Raises
    ------
    IdentificationError
        If the instruments do not move the endogenous regressors apart, or GMM has fewer clusters
        than instruments.

    References
    ----------
    Hansen, L. P. (1982). Large sample properties of generalized method of moments estimators.
    Econometrica 50(4), 1029-1054.
    Davidson, R. & MacKinnon, J. G. (1993). Estimation and Inference in Econometrics, section 18.5.
    """
    first = X.shape[1] - len(endogenous)
    X1, X2 = X[:, :first], X[:, first:]
    W = np.hstack([X1, Z])
    fitted = W @ project(W, X2, weights)
    Xhat = np.hstack([X1, fitted])
    _check_rank(Xhat, X, terms, endogenous, weights)
    squares = least_squares(y, X, weights, Xhat)
    surplus = Z.shape[1] - len(endogenous)
    if method == "liml":
        kappa = _kappa(np.column_stack([y, X2]), X1, W, weights) if surplus else 1.0
        solved = least_squares(y, X, weights, np.hstack([X1, X2 - kappa * (X2 - fitted)]))
        squares = replace(solved, Xhat=Xhat)
        if surplus and moments.kind == "iid":
            statistic = (len(y) - moments.absorbed) * float(np.log(kappa))
            return Instrumented(
                squares, Overidentification("Anderson-Rubin", statistic, surplus), kappa
            )
        return Instrumented(squares, _hansen(squares, y, (X1, X2, Z), moments), kappa)
    if method == "iv" or moments.kind == "iid":  # GMM's weights are then those of 2SLS
        return Instrumented(squares, _hansen(squares, y, (X1, X2, Z), moments))
    weighted = W if weights is None else W * weights[:, None]
    S = _invertible(moments.covariance(W, squares.residuals, weights), W.shape[1], moments)
    squares = least_squares(y, X, weights, W @ S.solve(weighted.T @ X))
    g = weighted.T @ squares.residuals
    test = Overidentification("Hansen J", float(g @ S.solve(g)), surplus) if surplus else None
    return Instrumented(squares, test)


def _check_rank(
    Xhat: Matrix,
    X: Matrix,
    terms: Sequence[str],
    endogenous: Sequence[str],
    weights: Matrix | None,
) -> None:
    """Raise unless the instruments move every endogenous regressor, and apart from the others."""
    weighted = Xhat if weights is None else Xhat * weights[:, None]
    gram = weighted.T @ Xhat
    norm = np.sqrt(np.diagonal(gram))
    w = np.ones(len(X)) if weights is None else weights
    small = norm <= 1e-10 * np.sqrt(np.einsum("i,ij,ij->j", w, X, X))
    if small.any():
        unmoved = [term for term, is_small in zip(terms, small, strict=True) if is_small]
        raise IdentificationError(f"The instruments say nothing about {preview(unmoved)}.")
    values, vectors = np.linalg.eigh(gram / norm / norm[:, None])
    if values[0] < COLLINEAR:
        parts = zip(terms, vectors[:, 0], strict=True)
        involved = [term for term, part in parts if abs(part) > 1e-4]
        raise IdentificationError(
            f"What the instruments say of {preview(endogenous)} does not tell {preview(involved)} "
            "apart: instruments are too few, or irrelevant."
        )


def _kappa(Y: Matrix, X1: Matrix, W: Matrix, weights: Matrix | None) -> float:
    """Return the smallest root of |Y'M1 Y - kappa Y'M Y| = 0, with Y = [y, X2]."""
    w = np.ones((len(Y), 1)) if weights is None else weights[:, None]
    without = Y - X1 @ project(X1, Y, weights)
    left = Y - W @ project(W, Y, weights)
    scale = 1 / np.sqrt(np.einsum("ij,ij->j", without, w * without))
    left, without = left * scale, without * scale
    kappa: float = eigh(without.T @ (w * without), left.T @ (w * left), eigvals_only=True)[0]
    return kappa


def _hansen(
    squares: LeastSquares, y: Matrix, columns: tuple[Matrix, Matrix, Matrix], moments: Moments
) -> Overidentification | None:
    """Sargan's test, or Hansen's J of two-step GMM from these residuals.

    The included regressors are partialled out, which leaves J as it is; so only the excluded
    instruments need enough clusters.
    """
    X1, X2, Z = columns
    surplus = Z.shape[1] - X2.shape[1]
    if surplus == 0:
        return None
    w = squares.weights
    left = np.column_stack([y, X2, Z])
    left = left - X1 @ project(X1, left, w)
    p = X2.shape[1]
    own, endogenous, instruments = left[:, 0], left[:, 1 : p + 1], left[:, p + 1 :]
    S = _invertible(moments.covariance(instruments, squares.residuals, w), Z.shape[1], moments)
    weighted = instruments if w is None else instruments * w[:, None]
    if moments.kind == "iid":
        g = weighted.T @ squares.residuals
        return Overidentification("Sargan", float(g @ S.solve(g)), surplus)
    moved, target = weighted.T @ endogenous, weighted.T @ own
    beta = np.linalg.solve(moved.T @ S.solve(moved), moved.T @ S.solve(target))
    g = target - moved @ beta
    return Overidentification("Hansen J", float(g @ S.solve(g)), surplus)


def _invertible(S: Matrix, instruments: int, moments: Moments) -> Equations:
    """Factor the moments' covariance; say what it lacks if it is singular."""
    scale = 1 / np.sqrt(np.maximum(np.diagonal(S), np.finfo(float).tiny))
    values = np.linalg.eigvalsh(S * scale * scale[:, None])
    if values[0] <= 1e-12 * values[-1]:
        rank = int((values > 1e-12 * values[-1]).sum())
        few = min((int(codes.max()) + 1 for codes in moments.clusters.values()), default=0)
        why = f" with {few} clusters of {preview(moments.clusters)}" if few else ""
        raise IdentificationError(
            f"The covariance of the {instruments} moments has rank {rank}{why}: use fewer "
            "instruments, or estimator='iv' with inference='hetero'."
        )
    return Equations.of(S)

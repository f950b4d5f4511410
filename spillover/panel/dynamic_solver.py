"""One- and two-step GMM with moments summed within groups, and its tests.

It knows nothing of panels: outcome, regressors and (sparse) instruments are stacked rows, each of
one group (a firm, or a cluster of firms). Groups can count several times, as in a bootstrap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import linalg, sparse, special

from spillover.errors import IdentificationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Moments:
    """Stacked equations.

    Attributes
    ----------
    y : (m,) array
    X : (m, k) array
    Z : (m, q) sparse
    group : (m,) array of int
        0, 1, ... without holes.
    first : (q, q) array
        Covariance of the moments under the first step's assumption, but for a factor.
    counts : (groups,) array or None
        How often a group counts.
    """

    y: Matrix
    X: Matrix
    Z: sparse.csr_array
    group: Codes
    first: Matrix
    counts: Matrix | None = None

    @property
    def groups(self) -> int:
        """Number of groups.

        Returns
        -------
        int
        """
        return int(self.group.max()) + 1

    def by_group(self, column: Matrix) -> Matrix:
        """Sum z * column within groups, (groups, q)."""
        m = len(column)
        collect = sparse.csr_array((column, (self.group, np.arange(m))), shape=(self.groups, m))
        summed: Matrix = (collect @ self.Z).toarray()
        return summed

    def total(self, columns: Matrix) -> Matrix:
        """Return Z'columns, groups counted."""
        if self.counts is None:
            return np.asarray(self.Z.T @ columns)
        w = self.counts[self.group]
        return np.asarray(self.Z.T @ (columns * (w if columns.ndim == 1 else w[:, None])))

    def outer(self, scores: Matrix) -> Matrix:
        """Return the sum over groups of s s'."""
        weighted = scores if self.counts is None else scores * self.counts[:, None]
        result: Matrix = scores.T @ weighted
        return result


@dataclass(frozen=True)
class ChiSquared:
    """A test statistic.

    Attributes
    ----------
    statistic : float
    df : int
    p_value : float
    """

    statistic: float
    df: int
    p_value: float


@dataclass(frozen=True, eq=False)
class GmmFit:
    """A GMM estimate.

    Attributes
    ----------
    beta : (k,) array
    vcov : (k, k) array
    residuals : (m,) array
    scores : (groups, q) array
        Summed moments of each group at ``beta``.
    gain : (k, q) array
        d beta / d moments.
    first_beta, first_vcov : arrays
        Of the first step, robust.
    second_weight : (q, q) array
        Inverse of the moments' covariance from the first step's residuals.
    covariance : (q, q) array
        That covariance.
    hansen, sargan : ChiSquared
    rank : int
        Independent instruments.
    """

    beta: Matrix
    vcov: Matrix
    residuals: Matrix
    scores: Matrix
    gain: Matrix
    first_beta: Matrix
    first_vcov: Matrix
    covariance: Matrix
    hansen: ChiSquared
    sargan: ChiSquared
    rank: int
    singular: bool


def chi2_test(statistic: float, df: int) -> ChiSquared:
    """Return a chi-squared test; missing without degrees of freedom.

    Examples
    --------
    >>> chi2_test(0.0, 0)
    ChiSquared(statistic=nan, df=0, p_value=nan)
    """
    if df < 1:
        return ChiSquared(float("nan"), max(df, 0), float("nan"))
    return ChiSquared(statistic, df, float(special.chdtrc(df, statistic)))


def inverse(S: Matrix) -> tuple[Matrix, int]:
    """(Pseudo-)inverse of a covariance on the scale of its diagonal, and its rank.

    Examples
    --------
    >>> inverse(np.array([[2.0, 0], [0, 0]]))
    (array([[0.5, 0. ],
           [0. , 0. ]]), 1)
    """
    size = np.sqrt(np.diagonal(S))
    size = np.where(size > 0, size, 1.0)
    values, vectors = linalg.eigh(S / size / size[:, None])
    good = values > 1e-11 * values[-1]
    half = vectors[:, good] / np.sqrt(values[good])
    return np.asarray(half @ half.T / size / size[:, None]), int(good.sum())


def solve_gmm(
    moments: Moments,
    *,
    steps: Literal[1, 2] = 2,
    robust: bool = True,
    sigma_scale: float = 1.0,
    sigma_rows: slice | None = None,
) -> GmmFit:
    """Estimate by GMM.

    Parameters
    ----------
    moments : Moments
    steps : {1, 2}
    robust : bool
        One step: covariance robust to dependence within groups, else that of the first step's
        assumption. Two steps: with Windmeijer's (2005) correction, or without.
    sigma_scale : float
        Variance of a row's error in units of the idiosyncratic error's: 2 for differences.
    sigma_rows : slice, optional
        The rows from which the error's variance is taken, for Sargan's test.

    Returns
    -------
    GmmFit

    Raises
    ------
    IdentificationError
        If there are fewer independent moments than coefficients.

    References
    ----------
    Windmeijer, F. (2005). A finite sample correction for the variance of linear efficient two-step
    GMM estimators. Journal of Econometrics 126(1), 25-51.
    """
    A, target = moments.total(moments.X), moments.total(moments.y)
    W1, rank = inverse(moments.first)
    k = A.shape[1]
    norm = np.maximum(np.linalg.norm(A, axis=0), 1e-300)
    if rank < k or np.linalg.matrix_rank(A / norm, tol=1e-9) < k:
        raise IdentificationError(
            f"{rank} independent instruments do not settle {k} coefficients. Allow more lags, or "
            "look for regressors that do not vary over time."
        )
    b1, B1 = _solve(A, W1, target)
    e1 = moments.y - moments.X @ b1
    scores1 = moments.by_group(e1)
    S = moments.outer(scores1)
    W2, rank2 = inverse(S)
    gain1 = B1 @ A.T @ W1
    V1 = gain1 @ S @ gain1.T
    b2, B2 = _solve(A, W2, target)
    g2 = target - A @ b2
    hansen = chi2_test(float(g2 @ W2 @ g2), rank - k)
    g1 = target - A @ b1
    sigma2 = _sigma2(moments, e1, sigma_scale, sigma_rows)
    sargan = chi2_test(float(g1 @ W1 @ g1) / sigma2, rank - k)
    if steps == 1:
        beta, gain, e, scores = b1, gain1, e1, scores1
        vcov = V1 if robust else B1 * sigma2
    else:
        beta, gain = b2, B2 @ A.T @ W2
        e = moments.y - moments.X @ b2
        scores = moments.by_group(e)
        vcov = _windmeijer(moments, gain, B2, V1, scores1=scores1, g=W2 @ g2) if robust else B2
    return GmmFit(
        beta=beta,
        vcov=(vcov + vcov.T) / 2,
        residuals=e,
        scores=scores,
        gain=gain,
        first_beta=b1,
        first_vcov=V1,
        covariance=S,
        hansen=hansen,
        sargan=sargan,
        rank=rank,
        singular=rank2 < len(S),
    )


def _sigma2(moments: Moments, e: Matrix, scale: float, which: slice | None) -> float:
    part = slice(None) if which is None else which
    w = np.ones(len(e)) if moments.counts is None else moments.counts[moments.group]
    w, e = w[part], e[part]
    return float(w @ e**2) / float(w.sum()) / scale


def _solve(A: Matrix, W: Matrix, target: Matrix) -> tuple[Matrix, Matrix]:
    B = np.asarray(linalg.pinvh(A.T @ W @ A), dtype=np.float64)
    return B @ (A.T @ (W @ target)), B


def _windmeijer(
    moments: Moments, gain: Matrix, B: Matrix, V1: Matrix, *, scores1: Matrix, g: Matrix
) -> Matrix:
    """Add what estimating the weight matrix costs; g is W times the second step's moments."""
    k = moments.X.shape[1]
    counts = np.ones(moments.groups) if moments.counts is None else moments.counts
    inner = counts * (scores1 @ g)
    D = np.empty((k, k))
    for j in range(k):
        zx = moments.by_group(moments.X[:, j])
        D[:, j] = gain @ (zx.T @ inner + scores1.T @ (counts * (zx @ g)))
    return np.asarray(B + D @ B + B @ D.T + D @ V1 @ D.T)


def hansen_without(moments: Moments, fit: GmmFit, drop: NDArray[np.bool_]) -> ChiSquared:
    """Hansen's test without some instruments, in the metric of all (so the difference is >= 0).

    Parameters
    ----------
    moments : Moments
    fit : GmmFit
    drop : (q,) bool array

    Returns
    -------
    ChiSquared
        Missing if what is left does not over-identify.
    """
    kept = ~drop
    A, target = moments.total(moments.X)[kept], moments.total(moments.y)[kept]
    W, _ = inverse(fit.covariance[np.ix_(kept, kept)])
    rank = inverse(moments.first[np.ix_(kept, kept)])[1] if kept.any() else 0
    k = A.shape[1]
    norm = np.linalg.norm(A, axis=0)
    if rank <= k or (norm == 0).any() or np.linalg.matrix_rank(A / norm, tol=1e-9) < k:
        return chi2_test(float("nan"), 0)
    b, _ = _solve(A, W, target)
    left = target - A @ b
    return chi2_test(float(left @ W @ left), rank - k)

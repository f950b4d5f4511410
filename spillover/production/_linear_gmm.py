"""GMM of stacked equations, linear in the coefficients, with clustered standard errors.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> z, e = rng.normal(size=(2, 300))
>>> x = z + e
>>> Z, clusters = np.column_stack([z, np.ones(300)]), np.arange(300)
>>> system = System(0.5 * x + e, np.column_stack([x, np.ones(300)]), Z, clusters, np.ones(300))
>>> fit = linear_gmm(system, "two_stage", 1, ("x",))
>>> bool(abs(fit.b[0] - 0.5) < 0.15), fit.df
(True, 0)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse

from spillover.errors import IdentificationError, preview
from spillover.production.polynomial import independent

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

WEAK = 1e-8
"""Below this (relative) singular value a coefficient counts as not identified."""


@dataclass(frozen=True, eq=False)
class System:
    """Stacked equations of a linear GMM problem.

    Attributes
    ----------
    y : (m,) array
    X : (m, p) array
        The structural coefficients' regressors come first.
    Z : (m, q) array
        Instruments, zero outside of their equation.
    clusters, weights : (m,) arrays
    copies : bool
        Whether a weight above one stands for that many clusters (firms drawn by the bootstrap).
    """

    y: Array
    X: Array
    Z: Array
    clusters: NDArray[np.int64]
    weights: Array
    copies: bool = True

    @property
    def parameters(self) -> int:
        """Number of coefficients.

        Returns
        -------
        int
        """
        return int(self.X.shape[1])


@dataclass(frozen=True, eq=False)
class Gmm:
    """A GMM estimate.

    Attributes
    ----------
    b : (p,) array
    vcov : (p, p) array
        Clustered.
    j : float
        The criterion.
    moments, rank, clusters : int
        Independent moments; coefficients that these settle; clusters.
    residuals : (m,) array
    converged : bool
    starts : data frame or None
        Of a search, where there is one.
    """

    b: Array
    vcov: Array
    j: float
    moments: int
    rank: int
    clusters: int
    residuals: Array
    converged: bool = True
    starts: pd.DataFrame | None = None

    @property
    def df(self) -> int:
        """Over-identifying restrictions.

        Returns
        -------
        int
        """
        return self.moments - self.rank


def linear_gmm(
    system: System,
    weighting: str,
    structural: int,
    names: tuple[str, ...],
) -> Gmm:
    """Solve a linear GMM problem on orthonormal instruments.

    Parameters
    ----------
    system : System
    weighting : {"two_step", "two_stage"}
    structural : int
        How many leading coefficients matter; the others may be redundant.
    names : tuple of str
        Of the structural coefficients.

    Returns
    -------
    Gmm
        With the factor clusters / (clusters - 1) in the covariance.

    Raises
    ------
    IdentificationError
        If the moments do not settle the structural coefficients.
    """
    root = np.sqrt(system.weights)[:, None]
    Q = independent(root * system.Z)[0]
    X, y = root * system.X, root[:, 0] * system.y
    A, target = Q.T @ X, Q.T @ y
    check_identified(A, structural, names)
    b = linalg.lstsq(A, target)[0]
    half = np.eye(len(A))
    if weighting == "two_step":
        half = inverse_half(*moment_covariance(Q, y - X @ b, system, root), A)
        b = linalg.lstsq(half @ A, half @ target)[0]
    return finished(
        b, Q, y - X @ b, A, system, root=root, half=half, two_step=weighting == "two_step"
    )


def finished(
    b: Array,
    Q: Array,
    u: Array,
    A: Array,
    system: System,
    *,
    root: Array,
    half: Array,
    two_step: bool,
) -> Gmm:
    """Return the estimate with its clustered covariance.

    Parameters
    ----------
    b : (p,) array
    Q : (m, q) array
        Orthonormal instruments.
    u : (m,) array
        Residuals times root weights.
    A : (q, p) array
        Derivative of the moments by b, but for the sign.
    system : System
    root : (m, 1) array
        Of the weights.
    half : (r, q) array
        The weighting matrix is half'half.
    two_step : bool
        Whether that is the inverse of the moments' covariance, and the sandwich falls together.

    Returns
    -------
    Gmm
    """
    gain = linalg.pinv(half @ A) @ half
    spread, groups = moment_covariance(Q, u, system, root)
    if two_step:
        outer = linalg.pinv(half @ A)
        vcov = outer @ outer.T
    else:
        vcov = gain @ spread @ gain.T
    g = half @ (Q.T @ u)
    return Gmm(
        b,
        vcov * groups / max(groups - 1, 1),
        float(g @ g),
        len(A),
        int(np.linalg.matrix_rank(A / np.maximum(np.linalg.norm(A, axis=0), 1e-300))),
        groups,
        u / root[:, 0],
    )


def moment_covariance(Q: Array, u: Array, system: System, root: Array) -> tuple[Array, int]:
    """Sum over clusters the outer product of their moments; a firm drawn twice is two clusters.

    Parameters
    ----------
    Q : (m, q) array
        Instruments, times root weights.
    u : (m,) array
        Residuals, times root weights.
    system : System
    root : (m, 1) array

    Returns
    -------
    (q, q) array, number of clusters
    """
    codes, index = np.unique(system.clusters, return_inverse=True)
    n, times = len(u), np.ones(len(codes))
    scores = Q * u[:, None]  # both hold the root of the weight: a row counts weight times
    if system.copies:
        times[index] = system.weights
        scores = scores / root**2
    pick = sparse.csr_array((np.ones(n), (index, np.arange(n))), shape=(len(codes), n))
    sums = np.asarray(pick @ scores)
    return (sums * times[:, None]).T @ sums, int(times.sum())


def inverse_half(S: Array, groups: int, A: Array) -> Array:
    """Return a root of the (pseudo-)inverse of the moments' covariance.

    Parameters
    ----------
    S : (q, q) array
    groups : int
        Clusters.
    A : (q, p) array
        Derivative of the moments.

    Returns
    -------
    (r, q) array

    Raises
    ------
    IdentificationError
        If there are so few clusters that the moments so weighted do not settle the coefficients.
    """
    values, vectors = linalg.eigh(S)
    good = values > 1e-12 * values[-1]
    half: Array = (vectors[:, good] / np.sqrt(values[good])).T
    size = np.linalg.norm(A, axis=0)
    scaled = A / np.where(size > 0, size, 1.0)
    needed = np.linalg.matrix_rank(scaled)
    if np.linalg.matrix_rank(half @ scaled) < needed:
        raise IdentificationError(
            f"{groups} clusters are too few to weight the moments of {needed} coefficients. Lower "
            "the degree, pool groups, or use weighting='two_stage'."
        )
    return half


def check_identified(A: Array, structural: int, names: tuple[str, ...]) -> None:
    """Raise if the moments do not settle the first coefficients.

    Parameters
    ----------
    A : (q, p) array
        Derivative of the moments.
    structural : int
        How many coefficients must be settled.
    names : tuple of str
        Their names.

    Raises
    ------
    IdentificationError
    """
    scale = np.linalg.norm(A, axis=0)
    A = A / np.where(scale > 0, scale, 1.0)
    nuisance = independent(A[:, structural:])[0]
    left = A[:, :structural] - nuisance @ (nuisance.T @ A[:, :structural])
    values = linalg.svdvals(left)
    weak = np.linalg.norm(left, axis=0) < WEAK
    if weak.any() or values[-1] < WEAK:
        bad = [n for n, w in zip(names, weak, strict=True) if w] or list(names)
        raise IdentificationError(
            f"The instruments do not settle the coefficient of {preview(bad)}. Check for inputs "
            "that do not vary over time, that move together, or that are a function of the proxy."
        )

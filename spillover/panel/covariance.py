"""Covariance of the coefficients: classical, robust, clustered any number of ways.

Small-sample rule (the one of fixest and Stata's reghdfe)::

    V = G/(G-1) (N-1)/(N-K) (X'X)^-1 [sum_g s_g s_g'] (X'X)^-1,   s_g = sum_{i in g} x_i e_i

with K the regressors and the rank of the absorbed effects, where effects nested in a cluster count
as one constant; G the number of clusters (the smallest, with several levels); and t with G - 1
degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal
from warnings import warn

import numpy as np

from spillover.errors import IdentificationError, SpilloverWarning
from spillover.panel.codes import compress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

FEW_CLUSTERS = 40
Kind = Literal["cluster", "hetero", "iid"]


@dataclass(frozen=True)
class Inference:
    """How the standard errors of a result were made.

    Attributes
    ----------
    kind : str
        "cluster", "hetero", "iid", or another method's name.
    levels : tuple of str
        The clustering levels, such as ``("industry^year",)``.
    n_clusters : tuple of int
        Clusters per level.
    df : float
        Degrees of freedom of the t distribution; infinite for the normal.
    reason : str
        Why this level, where it was chosen for the user.
    description : str
        The method in words, where it is not one of the three.
    """

    kind: str
    levels: tuple[str, ...]
    n_clusters: tuple[int, ...]
    df: float
    reason: str = ""
    description: str = ""

    @property
    def label(self) -> str:
        """The inference in words.

        Returns
        -------
        str
        """
        if self.description:
            return self.description
        if self.kind == "cluster":
            return "clustered by " + " and ".join(self.levels)
        return {"hetero": "heteroskedasticity-robust", "iid": "classical"}.get(self.kind, self.kind)


def scores_by_cluster(scores: Matrix, codes: Codes) -> Matrix:
    """Sum scores (n, k) within clusters.

    Returns
    -------
    (clusters, k) array
    """
    return np.column_stack([np.bincount(codes, column) for column in scores.T])


def cluster_meat(scores: Matrix, clusters: Mapping[str, Codes]) -> Matrix:
    """Return the meat of the sandwich for one or several clustering levels.

    Several levels: Cameron, Gelbach & Miller (2011, eq. 2.13), sums over intersections with
    alternating signs.

    Parameters
    ----------
    scores : (n, k) array
        x_i e_i (times the weight).
    clusters : mapping of str to (n,) codes

    Returns
    -------
    (k, k) array
    """
    k = scores.shape[1]
    meat = np.zeros((k, k))
    codes = list(clusters.values())
    for size in range(1, len(codes) + 1):
        for chosen in combinations(codes, size):
            sums = scores_by_cluster(scores, _intersect(chosen))
            meat += (-1) ** (size + 1) * sums.T @ sums
    return meat


def _intersect(codes: tuple[Codes, ...]) -> Codes:
    joint = codes[0]
    for code in codes[1:]:
        joint = compress(joint * (int(code.max()) + 1) + code)
    return joint


def covariance(
    kind: str,
    bread: Matrix,
    scores: Matrix,
    residuals: Matrix,
    *,
    weights: Matrix | None,
    clusters: Mapping[str, Codes],
    parameters: int,
    parameters_outside_clusters: int,
) -> Matrix:
    """Return the covariance matrix of the coefficients.

    Parameters
    ----------
    kind : {"cluster", "hetero", "iid"}
    bread : (k, k) array
        (X'WX)^-1 of the residualised regressors.
    scores : (n, k) array
    residuals : (n,) array
    weights : (n,) array or None
    clusters : mapping of str to (n,) codes
        Used with ``kind="cluster"``.
    parameters : int
        Regressors and absorbed effects.
    parameters_outside_clusters : int
        The same without the effects that are nested in a cluster.

    Returns
    -------
    (k, k) array
        With several levels, negative eigenvalues are set to zero (Cameron, Gelbach & Miller 2011,
        section 2.3), with a warning.

    Raises
    ------
    IdentificationError
        If there is a single cluster.
    """
    n = len(residuals)
    if kind == "iid":
        squares = residuals**2 if weights is None else weights * residuals**2
        return bread * float(squares.sum() / (n - parameters))
    if kind == "hetero":
        return bread @ (scores.T @ scores) @ bread * (n / (n - parameters))
    counts = {name: int(codes.max()) + 1 for name, codes in clusters.items()}
    for name, count in counts.items():
        if count < 2:
            raise IdentificationError(
                f"All observations are in one cluster of {name}; cluster at a finer level."
            )
    smallest = min(counts.values())
    factor = smallest / (smallest - 1) * (n - 1) / (n - parameters_outside_clusters)
    result = bread @ cluster_meat(scores, clusters) @ bread * factor
    return _without_negative(result, bread) if len(counts) > 1 else result


def _without_negative(matrix: Matrix, bread: Matrix) -> Matrix:
    """Set negative eigenvalues to zero, in units that make the regressors alike; say so."""
    scale = 1 / np.sqrt(np.diagonal(bread))
    values, vectors = np.linalg.eigh(matrix * scale * scale[:, None])
    if values.min() >= -1e-12 * values.max(initial=0.0):
        return matrix
    warn(
        f"The multi-way clustered covariance has {int((values < 0).sum())} negative eigenvalues, "
        "for want of clusters; they were set to zero. Do not lean on these standard errors.",
        SpilloverWarning,
        stacklevel=5,
    )
    clipped = (vectors * np.maximum(values, 0)) @ vectors.T
    result: Matrix = clipped / scale / scale[:, None]
    return result

"""What the estimators besides least squares give back, and their shared covariance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from spillover.panel.covariance import covariance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from spillover.panel.covariance import Kind

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Estimate:
    """A nonlinear estimate.

    Attributes
    ----------
    terms : list of str
    beta : (k,) array
    vcov : (k, k) array
    kind : str
        "cluster", "hetero" or "iid": how ``vcov`` was made.
    n_clusters : tuple of int
        Clusters per level, of the rows that stayed.
    df : int
        Degrees of freedom of the t distribution.
    df_resid : int
    keep : (n,) bool array
        The design's rows that stayed.
    dropped : mapping of str to int
        Rows left out by the estimator, by reason.
    residuals : (rows that stayed,) array
    statistics : mapping of str to float
        Fit statistics; "r2" is a pseudo R-squared.
    notes : tuple of str
        What a reader must know, for the foot of a table.
    reason : str
        How the covariance differs from the usual one, in words.
    df_absorbed : int
        Rank of the absorbed effects.
    details : object
        What only this estimator has.
    """

    terms: list[str]
    beta: Matrix
    vcov: Matrix
    kind: Kind
    n_clusters: tuple[int, ...]
    df: int
    df_resid: int
    keep: NDArray[np.bool_]
    residuals: Matrix
    statistics: Mapping[str, float]
    dropped: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    reason: str = ""
    df_absorbed: int = 0
    details: Any = None


def count_clusters(clusters: Mapping[str, Codes]) -> tuple[int, ...]:
    """Return the number of clusters of each level.

    Examples
    --------
    >>> count_clusters({"firm": np.array([0, 1, 1])})
    (2,)
    """
    return tuple(int(codes.max()) + 1 for codes in clusters.values())


def settle(kind: Kind, clusters: Mapping[str, Codes]) -> Kind:
    """Fall back to robust errors where there is nothing to cluster by, as least squares does.

    Examples
    --------
    >>> settle("cluster", {})
    'hetero'
    """
    return "hetero" if kind == "cluster" and not clusters else kind


def sandwich(
    kind: Kind,
    bread: Matrix,
    scores: Matrix,
    clusters: Mapping[str, Codes],
    *,
    parameters: int,
    outside: int | None = None,
) -> Matrix:
    """Return the covariance of a maximum-likelihood or moment estimate.

    Parameters
    ----------
    kind : {"cluster", "hetero", "iid"}
        "iid" returns the bread: the model is taken to be right.
    bread : (k, k) array
        Inverse of minus the derivative of the summed scores.
    scores : (n, k) array
    clusters : mapping of str to (n,) codes
    parameters : int
        What is estimated in all, absorbed effects included.
    outside : int, optional
        The same without the effects nested in a cluster; ``parameters`` by default.

    Returns
    -------
    (k, k) array
        With the small-sample factors of :mod:`spillover.panel.covariance`.
    """
    if kind == "iid":
        return bread
    return covariance(
        kind,
        bread,
        scores,
        np.empty(len(scores)),
        weights=None,
        clusters=clusters,
        parameters=parameters,
        parameters_outside_clusters=parameters if outside is None else outside,
    )

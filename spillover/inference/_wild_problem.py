r"""The wild bootstrap's arrays by cluster, made in one pass over the data, and its draws.

A draw multiplies the residuals of cluster h by a weight v_h. The coefficient of interest then
moves by :math:`\sum_h v_h z_h' W u_h`, z being its row of (X'WX)^-1 X', and its cluster-robust
variance is a sum over clusters g of squares of

.. math:: z_g' W u^*_g = v_g\, z_g' W u_g - \sum_h v_h\, z_g' W P u_{(h)},

where P projects on regressors and absorbed effects and u_(h) is u cut to cluster h.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse

from spillover.errors import IdentificationError, SchemaError, check_choice
from spillover.inference._leverage import adjusted
from spillover.inference._read import intersect, projection_of, term_places
from spillover.inference._wild_draws import Statistics, draw_weights
from spillover.panel.clusters import outside_clusters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.inference._projection import Projection
    from spillover.panel.estimated import Estimated

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

Variant = Literal["11", "31", "13", "33"]
MOST_CLUSTERS = 4_000
"""Clusters up to which matrices of G x G are formed."""
BATCH = 4_000_000
"""Elements of a batch of draws."""


@dataclass(frozen=True, eq=False)
class Problem:
    """The cluster-level arrays of one test, all that draws need.

    Attributes
    ----------
    numerator : (q, c, G) array
        Weighted sums by bootstrap cluster of z_j times residual column c: the residuals and, for
        one coefficient with the null imposed, what a unit of (null - estimate) adds to them.
    gram : (q, q, c, c, G, G) array
        Sums over error clusters of products of the rows of the matrices above.
    covariance : (q, q) array
        Of the estimates, without small-sample factor.
    """

    terms: tuple[str, ...]
    nulls: tuple[float, ...]
    estimates: tuple[float, ...]
    restricted: bool
    variant: Variant
    cluster: str
    error_levels: tuple[str, ...]
    factor: float
    numerator: Matrix
    gram: Matrix
    covariance: Matrix

    def statistics(
        self, draws: int, weights: str, rng: np.random.Generator
    ) -> tuple[Statistics, str, bool]:
        """Draw for one coefficient."""
        variance = float(self.covariance[0, 0])
        if not variance > 0:
            raise IdentificationError(
                f"The clustered variance of {self.terms[0]} is not positive ({variance:.3g}), so "
                "it has no t statistic. Cluster by one level with more clusters."
            )
        V, kind, enumerated = draw_weights(weights, self.numerator.shape[2], draws, rng)
        linear = self.numerator.shape[1] == 2
        n = V @ self.numerator[0].T
        blocks = self.gram[0, 0]
        zero = np.zeros(len(V))
        root = np.sqrt(variance)
        return (
            Statistics(
                n[:, 0] / root,
                n[:, 1] if linear else zero,
                _quadratic(V, blocks[0, 0]) / variance,
                _quadratic(V, blocks[0, 1]) / root if linear else zero,
                _quadratic(V, blocks[1, 1]) if linear else zero,
            ),
            kind,
            enumerated,
        )

    def joint(
        self, shift: Matrix, draws: int, weights: str, rng: np.random.Generator
    ) -> tuple[NDArray[np.bool_], float, str, bool]:
        """Draw for several coefficients; return which Wald statistics exceed, and the estimate's.

        A draw whose covariance is not positive definite counts as exceeding.
        """
        q = len(shift)
        size = np.sqrt(np.abs(np.diagonal(self.covariance)))
        if np.linalg.eigvalsh(self.covariance / size / size[:, None])[0] <= 1e-12:
            raise IdentificationError(
                f"The clustered covariance of {', '.join(self.terms)} is not positive definite, "
                "for want of clusters. Test fewer."
            )
        wald = float(shift @ np.linalg.solve(self.covariance, shift))
        V, kind, enumerated = draw_weights(weights, self.numerator.shape[2], draws, rng)
        n = V @ self.numerator[:, 0].T
        covariance = np.empty((len(V), q, q))
        for i, j in combinations(range(q), 2):
            covariance[:, i, j] = covariance[:, j, i] = _quadratic(V, self.gram[i, j, 0, 0])
        for i in range(q):
            covariance[:, i, i] = _quadratic(V, self.gram[i, i, 0, 0])
        values, vectors = np.linalg.eigh(covariance / size / size[:, None])
        along = np.einsum("bij,bi->bj", vectors, n / size)
        sound = values[:, 0] > 1e-12
        drawn = np.full(len(V), np.inf)
        drawn[sound] = (along[sound] ** 2 / values[sound]).sum(axis=1)
        return drawn >= wald * (1 - 1e-9), wald / self.factor / q, kind, enumerated


def bootstrap_level(levels: Mapping[str, Codes], by: str | None) -> str:
    """Return the level by which residuals are multiplied: that with fewest clusters."""
    if by is None:
        return min(levels, key=lambda name: int(levels[name].max()))
    check_choice("bootstrap_by", by, tuple(levels))
    return by


def prepare(
    estimated: Estimated,
    terms: Sequence[str],
    levels: Mapping[str, Codes],
    by: str,
    nulls: Sequence[float],
    *,
    impose_null: bool = True,
    variant: Variant = "11",
) -> Problem:
    """Make the cluster-level arrays of a test in one pass over the data.

    Parameters
    ----------
    estimated : Estimated
    terms : sequence of str
    levels : mapping of str to (n,) codes
        Clustering levels of the variance.
    by : str
        The one by which residuals are multiplied.
    nulls : sequence of float
    impose_null : bool
    variant : {"11", "31", "13", "33"}

    Returns
    -------
    Problem
    """
    places = term_places(estimated, terms)
    projection = projection_of(estimated, "The wild bootstrap")
    if variant[1] == "3" and len(levels) > 1:
        raise SchemaError(f"variant={variant!r} is for one clustering level; use '11' or '31'.")
    codes = levels[by]
    count = int(codes.max()) + 1
    if count > MOST_CLUSTERS:
        raise SchemaError(
            f"{by} has {count:,} clusters; the wild bootstrap is for few, and takes up to "
            f"{MOST_CLUSTERS:,}. With so many use inference='cluster' (or a coarser bootstrap_by=)."
        )
    beta, residuals = estimated.squares.beta[places], estimated.squares.residuals
    Z = projection.X @ projection.bread[:, places]
    columns = _residual_columns(
        projection, places, beta=beta, nulls=nulls, residuals=residuals, impose_null=impose_null
    )
    if variant[0] == "3":
        used = projection.without(places) if impose_null else projection
        columns = adjusted(used, columns, codes, 1.0)
    left = Z if variant[1] == "1" else adjusted(projection, Z, codes, 1.0)
    w = 1.0 if projection.weights is None else projection.weights
    numerator = np.array([[np.bincount(codes, w * z * c, count) for c in columns.T] for z in Z.T])
    gram, covariance = _variance(
        projection, left=left, columns=columns, residuals=residuals, levels=levels, codes=codes
    )
    return Problem(
        terms=tuple(terms),
        nulls=tuple(nulls),
        estimates=tuple(float(b) for b in beta),
        restricted=impose_null,
        variant=variant,
        cluster=by,
        error_levels=tuple(levels),
        factor=_factor(estimated, levels, variant),
        numerator=numerator,
        gram=gram,
        covariance=covariance,
    )


def _residual_columns(
    projection: Projection,
    places: list[int],
    *,
    beta: Matrix,
    nulls: Sequence[float],
    residuals: Matrix,
    impose_null: bool,
) -> Matrix:
    """Return the residuals that draws multiply: (n, 1), or (n, 2) linear in null - estimate."""
    if not impose_null:
        return residuals[:, None]
    block = projection.bread[np.ix_(places, places)]
    partial = projection.X @ projection.bread[:, places] @ np.linalg.inv(block)
    if len(places) == 1:
        return np.column_stack([residuals, -partial[:, 0]])
    return (residuals - partial @ (np.asarray(nulls) - beta))[:, None]


def _variance(
    projection: Projection,
    *,
    left: Matrix,
    columns: Matrix,
    residuals: Matrix,
    levels: Mapping[str, Codes],
    codes: Codes,
) -> tuple[Matrix, Matrix]:
    """Return the Gram matrices of the draws' scores, and the estimates' covariance."""
    q, c = left.shape[1], columns.shape[1]
    count = int(codes.max()) + 1
    w = np.ones(len(codes)) if projection.weights is None else projection.weights
    right = [projection.sums(column, codes, count) for column in columns.T]
    gram = np.zeros((q * c * count, q * c * count))
    covariance = np.zeros((q, q))
    for sign, error in _error_levels(list(levels.values())):
        groups = int(error.max()) + 1
        scores = np.column_stack([np.bincount(error, w * z * residuals, groups) for z in left.T])
        covariance += sign * scores.T @ scores
        own = [
            _joint_sums(w * z * column, error, codes, groups, count)
            for z in left.T
            for column in columns.T
        ]
        sums = [projection.sums(z, error, groups) for z in left.T]
        iterators = [projection.cross(one, two) for one in sums for two in right]
        for blocks in zip(*iterators, strict=True):
            rows = np.hstack(
                [
                    mine[part].toarray() - block
                    for mine, (part, block) in zip(own, blocks, strict=True)
                ]
            )
            gram += sign * rows.T @ rows
    shaped = gram.reshape(q, c, count, q, c, count).transpose(0, 3, 1, 4, 2, 5)
    return shaped, covariance


def _joint_sums(
    values: Matrix, error: Codes, codes: Codes, groups: int, count: int
) -> sparse.csr_array:
    return sparse.coo_array((values, (error, codes)), shape=(groups, count)).tocsr()


def _error_levels(codes: list[Codes]) -> list[tuple[int, Codes]]:
    """Return the levels and their intersections with the signs of Cameron, Gelbach & Miller."""
    return [
        ((-1) ** (size + 1), intersect(chosen))
        for size in range(1, len(codes) + 1)
        for chosen in combinations(codes, size)
    ]


def _factor(estimated: Estimated, levels: Mapping[str, Codes], variant: str) -> float:
    """Return the small-sample factor of the variance; see :mod:`spillover.panel.covariance`."""
    smallest = min(int(codes.max()) + 1 for codes in levels.values())
    if variant[1] == "3":
        return (smallest - 1) / smallest
    n, k = estimated.X.shape
    used = k + outside_clusters(estimated.absorber, estimated.design.effects, levels)
    return float(smallest / (smallest - 1) * (n - 1) / (n - used))


def _quadratic(V: Matrix, matrix: Matrix) -> Matrix:
    """Return v'Mv for every row v."""
    result = np.empty(len(V))
    step = max(1, BATCH // V.shape[1])
    for start in range(0, len(V), step):
        part = V[start : start + step]
        result[start : start + step] = np.einsum("bg,bg->b", part @ matrix, part)
    return result

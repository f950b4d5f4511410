"""Regressions without one group of observations: exact algebra, and refits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spillover.errors import SchemaError
from spillover.inference._leverage import adjusted
from spillover.inference._read import estimated_of, rows_of
from spillover.panel.absorb import Absorber
from spillover.panel.assemble import Clustering, Sides, solve
from spillover.panel.clusters import outside_clusters
from spillover.panel.codes import compress, nested, without_singletons
from spillover.panel.covariance import covariance
from spillover.panel.ols import COLLINEAR

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from numpy.typing import NDArray

    from spillover.inference._projection import Projection
    from spillover.inference._read import ClusterBy
    from spillover.panel.estimated import Estimated
    from spillover.panel.result import Fit

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Rows = NDArray[np.bool_]

LINEAR = ("ols", "iv", "liml", "gmm")
GONE = 1e-12
"""Part of a regressor's sum of squares (after effects and the other regressors) that must be left
for its coefficient to be identified."""


def linear_arrays(fit: Fit, what: str) -> Estimated:
    """Return the arrays behind a linear fit.

    Raises
    ------
    SchemaError
        If the fit kept none, or is not linear.
    """
    if fit.estimator not in LINEAR:
        raise SchemaError(
            f"{what} is for linear estimators ({', '.join(LINEAR)}), not for {fit.estimator!r}."
        )
    return estimated_of(fit)


def level_names(estimated: Estimated, by: ClusterBy, codes: Codes) -> list[Hashable]:
    """Name the groups of a level: the value, or the values joined by ^ of an interaction.

    Returns
    -------
    list
        Whole numbers where the fit knows no names.
    """
    first = np.unique(codes, return_index=True)[1]
    if not isinstance(by, str):
        return list(rows_of(estimated, by, "cluster")[first])
    parts: list[list[Hashable]] = []
    for name in by.split("^"):
        key = getattr(estimated.frame_keys, name.strip(), None)
        if key is None:
            return list(range(len(first)))
        parts.append(list(key.uniques[key.codes[first]]))
    return (
        parts[0]
        if len(parts) == 1
        else ["^".join(map(str, row)) for row in zip(*parts, strict=True)]
    )


def coefficients_without(estimated: Estimated, projection: Projection, codes: Codes) -> Matrix:
    """Return the coefficients without each group, in one pass.

    With D the effects and P the projection on them, the normal equations without group g are
    X'WX - X_g'W (I - P_gg)^-1 X_g for columns that the effects have left.

    Returns
    -------
    (groups, k) array
        nan where a coefficient is not identified without the group.
    """
    X, y, w = estimated.X, estimated.y, estimated.design.weights
    count, k = int(codes.max()) + 1, X.shape[1]
    columns = np.column_stack([X, y])
    moved = columns
    if estimated.absorber is not None:
        moved = adjusted(projection.without(list(range(k))), columns, codes, 1.0)
    weighted = X if w is None else X * w[:, None]
    whole = weighted.T @ columns
    parts = np.empty((count, k, k + 1))
    for j in range(k):
        for c in range(k + 1):
            parts[:, j, c] = np.bincount(codes, weighted[:, j] * moved[:, c], count)
    result = np.empty((count, k))
    size = np.diagonal(whole)
    for g in range(count):
        left = whole - parts[g]
        alive = identified(left[:, :k], size)
        result[g] = np.nan
        result[g, alive] = _solved(left, alive)
    return result


def identified(gram: Matrix, size: Matrix) -> Rows:
    """Say which coefficients a (k, k) matrix of cross-products identifies.

    Parameters
    ----------
    gram : (k, k) array
    size : (k,) array
        Its diagonal before observations were left out.

    Examples
    --------
    >>> identified(np.diag([0.0, 2.0]), np.array([1.0, 2.0]))
    array([False,  True])
    """
    alive = np.diagonal(gram) > GONE * size
    if not alive.any():
        return alive
    scale = 1 / np.sqrt(np.diagonal(gram)[alive])
    values, vectors = np.linalg.eigh(gram[np.ix_(alive, alive)] * scale * scale[:, None])
    tied = (np.abs(vectors[:, values < COLLINEAR]) > 1e-4).any(axis=1)
    alive[np.flatnonzero(alive)[tied]] = False
    return alive


def _solved(equations: Matrix, alive: Rows) -> Matrix:
    """Solve for the identified coefficients; the others stay in the equations."""
    k = len(alive)
    gram, right = equations[:, :k], equations[:, k]
    diagonal = np.diagonal(gram)
    used = diagonal > 0
    scale = np.where(used, 1 / np.sqrt(np.where(used, diagonal, 1.0)), 0.0)
    inverse = np.linalg.pinv(gram * scale * scale[:, None], rcond=COLLINEAR, hermitian=True)
    solved: Matrix = scale * (inverse @ (scale * right))
    return solved[alive]


@dataclass(frozen=True, eq=False)
class Refit:
    """A regression on part of the rows; nan where a coefficient is not identified."""

    nobs: int
    beta: Matrix
    std_errors: Matrix
    df: float


@dataclass(frozen=True, eq=False)
class Refitter:
    """Repeats a regression on part of its rows.

    Attributes
    ----------
    estimated : Estimated
    method : str
        "ols", "iv", "liml" or "gmm".
    kind : str
        "cluster", "hetero", "iid"; empty for no standard errors.
    clusters : mapping of str to (n,) codes
    still : bool
        Whether the effects are nested in the groups that are left out, so that the columns stay as
        they are.
    singletons : bool
        Whether rows that become alone in a level are dropped.
    """

    estimated: Estimated
    method: str
    kind: str
    clusters: Mapping[str, Codes]
    still: bool
    singletons: bool

    @classmethod
    def of(cls, fit: Fit, kind: str, clusters: Mapping[str, Codes], by: Codes) -> Refitter:
        """Prepare the refits of a fit without each group of ``by``."""
        estimated = linear_arrays(fit, "leave_one_out")
        effects = list(estimated.design.effects.values())
        everything = np.ones(len(estimated.y), dtype=bool)
        return cls(
            estimated,
            fit.estimator,
            kind,
            clusters,
            all(nested(codes, by) for codes in effects),
            bool(without_singletons(effects, everything).all()),
        )

    def on(self, keep: Rows) -> Refit:
        """Fit the rows where ``keep`` is True."""
        design = self.estimated.design
        if self.singletons:
            keep = without_singletons(list(design.effects.values()), keep)
        effects = {name: compress(codes[keep]) for name, codes in design.effects.items()}
        weights = None if design.weights is None else design.weights[keep]
        absorber = Absorber.from_codes(list(effects.values()), weights) if effects else None
        y, X, Z = self._columns(keep, absorber)
        nan = np.full(X.shape[1], np.nan)
        weighted = X if weights is None else X * weights[:, None]
        alive = identified(weighted.T @ X, np.diagonal(_gram(self.estimated)))
        if not alive.any() or (Z is not None and not alive.all()):
            return Refit(len(y), nan, nan, np.nan)
        clusters = {name: compress(codes[keep]) for name, codes in self.clusters.items()}
        rank = absorber.rank if absorber else 0
        outside = outside_clusters(absorber, effects, clusters)
        terms = [term for term, kept in zip(design.terms, alive, strict=True) if kept]
        sides = Sides(
            y=y,
            X=X[:, alive],
            Z=Z,
            weights=weights,
            terms=terms,
            endogenous=design.endogenous,
            instruments=design.Z_terms,
            total=np.nan,
            within=np.nan,
        )
        kind = self.kind or "hetero"
        squares = solve(self.method, sides, Clustering(kind, clusters, "", rank, outside)).squares
        beta, errors = nan.copy(), nan.copy()
        beta[alive] = squares.beta
        df = float(
            min((int(c.max()) for c in clusters.values()), default=len(y) - len(terms) - rank)
        )
        if self.kind and df > 0:
            vcov = covariance(
                kind,
                squares.bread,
                squares.scores,
                squares.residuals,
                weights=weights,
                clusters=clusters,
                parameters=len(terms) + rank,
                parameters_outside_clusters=len(terms) + outside,
            )
            errors[alive] = np.sqrt(np.maximum(np.diagonal(vcov), 0.0))
        return Refit(len(y), beta, errors, df)

    def _columns(
        self, keep: Rows, absorber: Absorber | None
    ) -> tuple[Matrix, Matrix, Matrix | None]:
        """Return outcome, regressors and instruments that the effects leave."""
        estimated, design = self.estimated, self.estimated.design
        if self.still or absorber is None:
            Z = None if estimated.Z is None else estimated.Z[keep]
            return estimated.y[keep], estimated.X[keep], Z
        k = design.X.shape[1]
        blocks: list[Any] = [design.y[keep, None], design.X[keep]]
        blocks += [] if design.Z is None else [design.Z[keep]]
        left = absorber.residualise(np.hstack(blocks))
        return left[:, 0], left[:, 1 : k + 1], None if design.Z is None else left[:, k + 1 :]


def _gram(estimated: Estimated) -> Matrix:
    w = estimated.design.weights
    weighted = estimated.X if w is None else estimated.X * w[:, None]
    gram: Matrix = weighted.T @ estimated.X
    return gram


def names_by_code(fit: Fit) -> dict[str, str]:
    """Return the names of industries, where linkage regressors know them."""
    named: dict[str, str] = {}
    for tag in fit.links.values():
        named.update({str(code): str(name) for code, name in tag.linkages.labels.items()})
    return named


def in_order(names: list[Hashable]) -> list[int]:
    """Return the places of names in rising order; as they come if they cannot be compared.

    Examples
    --------
    >>> in_order([2003, 2001, 2002])
    [1, 2, 0]
    """
    try:
        return sorted(range(len(names)), key=names.__getitem__)  # type: ignore[arg-type]
    except TypeError:
        return list(range(len(names)))

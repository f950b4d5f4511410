"""Clustered standard errors of many draws of the same regression, for the placebo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from spillover.errors import SchemaError
from spillover.inference._read import named_clusters
from spillover.panel.clusters import outside_clusters
from spillover.panel.covariance import cluster_meat
from spillover.panel.ols import LeastSquares, least_squares

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.inference.exposure_result import ExposureInference
    from spillover.inference.exposure_terms import Exposure
    from spillover.panel.estimated import Estimated
    from spillover.panel.result import Fit

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

LEVELS = {
    "firm": ("firm",),
    "industry^year": ("industry^year",),
    "industry": ("industry",),
    "industry and year": ("industry", "year"),
}
ERRORS = (*LEVELS, "hetero", "wild", "exposure", "null imposed, normal", "null imposed")
ELEMENTS = 6_000_000
"""Of the regressors of all draws that are absorbed together."""
WILD_DRAWS = 199


@dataclass(frozen=True, eq=False)
class RowErrors:
    """What the draws share.

    Attributes
    ----------
    estimated : Estimated
    linkage, other : (l,), (z,) arrays
        Positions of the regressors that are drawn, and of the others.
    y, Z : (n,), (n, z) arrays
        What effects leave of the outcome, after Z; and Z.
    clusters : mapping of str to its levels' codes
    factors : mapping of str to (factor, degrees of freedom)
    errors : sequence of str
    """

    estimated: Estimated
    linkage: Codes
    other: Codes
    y: Matrix
    clusters: Mapping[str, Mapping[str, Codes]]
    factors: Mapping[str, tuple[float, float]]
    errors: Sequence[str]
    place: Codes

    @classmethod
    def of(
        cls, fit: Fit, robust: ExposureInference, place: Codes, errors: Sequence[str]
    ) -> RowErrors:
        """Code the clusters and settle the small-sample factors.

        Parameters
        ----------
        fit : Fit
        robust : ExposureInference
            Of the same fit.
        place : (n,) array
            Row -> place on the linkages' grid.
        errors : sequence of str
        """
        estimated = fit.estimated
        if estimated is None:
            raise SchemaError("The fit kept no arrays.")
        n, k = estimated.X.shape
        clusters, factors = {}, {}
        for name in errors:
            if name in LEVELS:
                codes = named_clusters(estimated, list(LEVELS[name]))
                clusters[name] = codes
                groups = min(int(code.max()) + 1 for code in codes.values())
                outside = outside_clusters(estimated.absorber, estimated.design.effects, codes)
                factor = groups / (groups - 1) * (n - 1) / (n - k - outside)
                factors[name] = factor, float(groups - 1)
            elif name == "hetero":
                factors[name] = n / estimated.df_resid, float(estimated.df_resid)
            elif name == "wild":
                clusters[name] = named_clusters(estimated, "industry")
        linkage, other = robust.score.linkage, robust.score.other
        y = _without(estimated, estimated.y[:, None], other)[:, 0]
        return cls(estimated, linkage, other, y, clusters, factors, errors, place)

    @property
    def batch(self) -> int:
        """How many draws to absorb together.

        Returns
        -------
        int
        """
        return max(1, ELEMENTS // (len(self.y) * len(self.linkage)))

    def p_values(
        self,
        exposures: Sequence[Exposure],
        drawn: Sequence[Sequence[Matrix]],
        rng: np.random.Generator,
    ) -> dict[str, list[Matrix]]:
        """Fit each draw by rows and test each coefficient.

        Parameters
        ----------
        exposures : sequence of Exposure
        drawn : sequence of draws
            Each one (sectors, regions, years) array per exposure.
        rng : numpy.random.Generator
            For the wild bootstrap.

        Returns
        -------
        mapping of str to list of (l,) arrays
            Standard error -> p-values by draw.
        """
        found: dict[str, list[Matrix]] = {
            name: [] for name in self.errors if name in self.factors or name == "wild"
        }
        if not found:
            return found
        raw = np.column_stack(
            [
                one.spread(shocks).ravel()[self.place]
                for paths in drawn
                for one, shocks in zip(exposures, paths, strict=True)
            ]
        )
        absorber = self.estimated.absorber
        left = raw if absorber is None else absorber.residualise(raw)
        partial = _without(self.estimated, left, self.other)
        count = len(exposures)
        for d in range(len(drawn)):
            at = slice(d * count, (d + 1) * count)
            squares = least_squares(
                self.y, np.ascontiguousarray(partial[:, at]), self.estimated.design.weights
            )
            scores = squares.scores
            for name, values in found.items():
                values.append(
                    self._wild(left[:, at], rng)
                    if name == "wild"
                    else self._sandwich(name, squares, scores)
                )
        return found

    def _sandwich(self, name: str, squares: LeastSquares, scores: Matrix) -> Matrix:
        factor, df = self.factors[name]
        meat = scores.T @ scores if name == "hetero" else cluster_meat(scores, self.clusters[name])
        variance = np.diagonal(squares.bread @ meat @ squares.bread) * factor
        # a two-way variance that is not positive cannot reject
        t = np.where(variance > 0, np.abs(squares.beta) / np.sqrt(np.maximum(variance, 1e-300)), 0)
        result: Matrix = 2 * stats.t.sf(t, df)
        return result

    def _wild(self, columns: Matrix, rng: np.random.Generator) -> Matrix:
        """Restricted wild cluster bootstrap by industry, one coefficient after the other."""
        from spillover.inference._wild_problem import prepare  # noqa: PLC0415 (used on request)

        estimated = self.estimated
        X = estimated.X.copy()
        X[:, self.linkage] = columns
        squares = least_squares(estimated.y, X, estimated.design.weights)
        drawn = replace(estimated, X=X, Xhat=X, squares=squares)
        terms = [estimated.design.terms[j] for j in self.linkage]
        values = []
        for term in terms:
            problem = prepare(drawn, (term,), self.clusters["wild"], "industry", (0.0,))
            statistics, _, _ = problem.statistics(WILD_DRAWS, "auto", rng)
            shift = -problem.estimates[0] / float(np.sqrt(problem.covariance[0, 0]))
            values.append(float(statistics.exceed(shift, at=None).mean()))
        return np.array(values)


def _without(estimated: Estimated, columns: Matrix, other: Codes) -> Matrix:
    """Take the other regressors out of columns that the effects have left."""
    if len(other) == 0:
        return columns
    Z, w = estimated.X[:, other], estimated.design.weights
    weighted = Z if w is None else Z * w[:, None]
    result: Matrix = (
        columns - Z @ np.linalg.lstsq(weighted.T @ Z, weighted.T @ columns, rcond=None)[0]
    )
    return result

r"""How much each cluster matters: leverage, influence, and the effective number of clusters.

With z the column of :math:`\tilde X (\tilde X'\tilde X)^{-1}` that belongs to a coefficient (the
effects and the other regressors are partialled out of it), the variance of the coefficient under
errors that are correlated :math:`\rho` within clusters and not between them is, up to a factor, the
sum of

.. math:: \gamma_g(\rho) = (1-\rho) \sum_{i \in g} z_i^2 + \rho \Big(\sum_{i \in g} z_i\Big)^2.

The G clusters count as

.. math:: G^*(\rho) = G \big/ (1 + \mathrm{cv}^2), \qquad
          \mathrm{cv}^2 = \frac1G \sum_g (\gamma_g / \bar\gamma - 1)^2

equal ones (Carter, Schnepel & Steigerwald 2017). Tests that take the t distribution with G - 1
degrees of freedom reject too often where G* is small.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, did_you_mean
from spillover.inference._deletion import (
    coefficients_without,
    in_order,
    level_names,
    linear_arrays,
    names_by_code,
)
from spillover.inference._projection import sums_by
from spillover.inference._read import ClusterBy, cluster_codes, projection_of
from spillover.inference.small_sample import leverages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.panel.result import Fit

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

FEW_EFFECTIVE = 20
"""Effective clusters below which the result advises other tests."""
NAMED_KINDS = ("cluster", "wild", "cr2", "cr3")


@dataclass(frozen=True, eq=False, repr=False)
class ClusterInfluence:
    """What each cluster contributes to a regression; see :func:`effective_clusters`.

    Attributes
    ----------
    formula : str
    by : str
        The level.
    params : pandas.Series
    sizes : pandas.Series
        Observations by cluster.
    leverage : pandas.Series
        Trace of the cluster's block of the projection on regressors and absorbed effects; they add
        up to the parameters of the regression.
    partial_leverage : pandas.DataFrame
        Share of each cluster in the variation that identifies each coefficient: (clusters, terms);
        columns add up to 1.
    without : pandas.DataFrame
        Coefficients without the cluster; nan where one is then not identified.
    effective : pandas.DataFrame
        Effective number of clusters: rows terms, columns rho.
    labels : mapping of str to str
        Names of industries, where the linkages behind the regressors know them.
    synthetic : bool
    """

    formula: str
    by: str
    params: pd.Series[float]
    sizes: pd.Series[int]
    leverage: pd.Series[float]
    partial_leverage: pd.DataFrame
    without: pd.DataFrame
    effective: pd.DataFrame
    labels: Mapping[str, str]
    synthetic: bool

    @property
    def jackknife(self) -> pd.Series[float]:
        """Standard errors from the coefficients without each cluster (CR3).

        Returns
        -------
        pandas.Series
            sqrt((G-1)/G sum (b_g - b)^2); nan if a coefficient is not identified without a cluster.
        """
        count = len(self.sizes)
        squares = ((self.without - self.params) ** 2).sum(skipna=False)
        errors = np.sqrt((count - 1) / count * squares.to_numpy())
        return pd.Series(errors, self.params.index, name="jackknife")

    def table(self, term: str) -> pd.DataFrame:
        """Return one row per cluster for one coefficient, by falling influence.

        Parameters
        ----------
        term : str

        Returns
        -------
        pandas.DataFrame
            By cluster: nobs, leverage, partial_leverage, without (the estimate without the
            cluster), change (that less the estimate).

        Raises
        ------
        SchemaError
            For an unknown term.
        """
        check_term(term, list(self.params.index))
        table = pd.DataFrame(
            {
                "nobs": self.sizes,
                "leverage": self.leverage,
                "partial_leverage": self.partial_leverage[term],
                "without": self.without[term],
                "change": self.without[term] - self.params[term],
            }
        )
        return table.sort_values("change", key=np.abs, ascending=False, na_position="first")

    def tidy(self) -> pd.DataFrame:
        """Return one row per coefficient.

        Returns
        -------
        pandas.DataFrame
            term, estimate, clusters, effective_<rho> (one column per rho), largest_partial_leverage
            and cv_partial_leverage (coefficient of variation over clusters), lowest and highest
            (the estimates without one cluster), most_influential (the cluster).
        """
        change = (self.without - self.params).abs()
        unidentified = change.isna().any()
        table = pd.DataFrame({"estimate": self.params, "clusters": len(self.sizes)})
        for rho in self.effective.columns:
            table[f"effective_{rho:g}"] = self.effective[rho]
        table["largest_partial_leverage"] = self.partial_leverage.max()
        table["cv_partial_leverage"] = self.partial_leverage.apply(variation)
        table["lowest"] = self.without.min().mask(unidentified)
        table["highest"] = self.without.max().mask(unidentified)
        table["most_influential"] = change.fillna(np.inf).idxmax()
        return table.rename_axis("term").reset_index()

    def notes(self) -> list[str]:
        """Return what the result says below its table.

        Returns
        -------
        list of str
        """
        sizes = self.sizes
        lines = [
            f"{len(sizes):,} clusters of {self.by}: {sizes.min():,} to {sizes.max():,} "
            f"observations; coefficient of variation of sizes {variation(sizes):.3f}, of "
            f"leverage {variation(self.leverage):.3f}",
            "effective_<rho>: the number of equal clusters that would carry as much information, "
            "with errors correlated rho within clusters",
        ]
        undefined = self.effective.columns[self.effective.isna().any()]
        if len(undefined):
            lines.append(
                f"Not defined for rho = {', '.join(f'{rho:g}' for rho in undefined)}: the effects "
                "take out all that is common within a cluster"
            )
        few = self.effective.min(axis=1)
        few = few[few < FEW_EFFECTIVE]
        if len(few):
            listed = ", ".join(f"{term} {value:.1f}" for term, value in few.items())
            lines.append(
                f"Fewer than {FEW_EFFECTIVE} effective clusters ({listed}): clustered t tests "
                "reject too often; compare the wild bootstrap and CR2 or CR3"
            )
        lost = self.without.isna().any()
        if lost.any():
            names = ", ".join(self.without.columns[lost])
            lines.append(f"Not identified without some cluster: {names}")
        return [*lines, "Synthetic data"] if self.synthetic else lines

    def __repr__(self) -> str:
        body = self.tidy().to_string(index=False, float_format=lambda value: f"{value:.4g}")
        return "\n".join([f"Influence of clusters: {self.formula}", body, *self.notes()])

    def _repr_html_(self) -> str:
        return html(self.formula, self.tidy(), self.notes())


def effective_clusters(
    fit: Fit, cluster: ClusterBy | None = None, *, rho: float | Sequence[float] = (0.0, 1.0)
) -> ClusterInfluence:
    """Measure how unevenly clusters contribute to each coefficient.

    Parameters
    ----------
    fit : Fit
        Least squares, with any absorbed effects and weights.
    cluster : str or array, optional
        The level; by default the (single) one of the fit.
    rho : float or sequence of float
        Correlation of errors within clusters for which to count effective clusters, from 0 to 1.
        MacKinnon, Nielsen & Webb (2023) report 0 and 1.

    Returns
    -------
    ClusterInfluence
        With the leverage and partial leverage of each cluster, and the coefficients without it.

    Raises
    ------
    SchemaError
        For an option that is not valid, a fit with instruments, or one that kept no arrays.
    IdentificationError
        If there is a single cluster, or one is too large for an exact computation.

    Notes
    -----
    With rho = 1 the number is not defined where effects nested in the clusters take out what is
    common within a cluster (a firm effect with clusters by firm). Weights count as precisions:
    everything holds for columns times their square roots.

    References
    ----------
    Carter, A. V., Schnepel, K. T. & Steigerwald, D. G. (2017). Asymptotic behavior of a t-test
    robust to cluster heterogeneity. Review of Economics and Statistics 99(4), 698-709.
    MacKinnon, J. G., Nielsen, M. O. & Webb, M. D. (2023). Leverage, influence, and the jackknife in
    clustered regression models: reliable inference using summclust. Stata Journal 23(4), 942-982.

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(backward=0.3, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> fit = sp.fit("tfp ~ backward | firm + year", panel, cluster="industry^year")
    >>> found = sp.inference.effective_clusters(fit, "industry")
    >>> len(found.sizes), bool(found.effective.loc["backward", 0.0] < 20)
    (20, True)
    """
    rhos = _rhos(rho)
    estimated = linear_arrays(fit, "effective_clusters")
    projection = projection_of(estimated, "effective_clusters")
    level = default_level(fit) if cluster is None else cluster
    name, codes = cluster_codes(estimated, level)
    terms, count = list(fit.params.index), int(codes.max()) + 1
    names = level_names(estimated, level, codes)
    order = in_order(names)
    index = pd.Index([names[g] for g in order], name=name)
    Z = projection.X @ projection.bread * projection.root[:, None]
    own = sums_by(Z**2, codes, count)
    common = sums_by(Z * projection.root[:, None], codes, count)
    return ClusterInfluence(
        formula=fit.formula,
        by=name,
        params=fit.params,
        sizes=pd.Series(np.bincount(codes, minlength=count)[order], index, name="nobs"),
        leverage=pd.Series(
            np.bincount(codes, leverages(projection), count)[order], index, name="leverage"
        ),
        partial_leverage=pd.DataFrame((own / own.sum(axis=0))[order], index, terms),
        without=pd.DataFrame(
            coefficients_without(estimated, projection, codes)[order], index, terms
        ),
        effective=pd.DataFrame(
            {value: effective_number(own, common, value) for value in rhos}, terms
        ),
        labels=names_by_code(fit),
        synthetic=fit.synthetic,
    )


def effective_number(own: Matrix, common: Matrix, rho: float) -> Matrix:
    """Return G* for each coefficient; nan where the variance is zero.

    Parameters
    ----------
    own, common : (clusters, k) arrays
        Sums of squares of z, and sums of z, by cluster.
    rho : float

    Returns
    -------
    (k,) array

    Examples
    --------
    >>> effective_number(np.ones((5, 1)), np.zeros((5, 1)), 0.0)
    array([5.])
    """
    gamma = (1 - rho) * own + rho * common**2
    mean = gamma.mean(axis=0)
    known = mean > 1e-20 * own.mean(axis=0)
    spread = ((gamma / np.where(known, mean, 1.0) - 1) ** 2).mean(axis=0)
    result: Matrix = np.where(known, len(gamma) / (1 + spread), np.nan)
    return result


def variation(values: pd.Series[Any]) -> float:
    """Return the coefficient of variation."""
    return float(values.std() / values.mean())


def default_level(fit: Fit) -> str:
    """Return the one level by which a fit is clustered.

    Raises
    ------
    SchemaError
        If there is none, or several.
    """
    levels = fit.inference.levels
    if fit.inference.kind not in NAMED_KINDS or len(levels) != 1:
        raise SchemaError(
            f"The fit is not clustered by one level ({fit.inference.label}); name one, such as "
            "cluster='industry'."
        )
    return levels[0]


def check_term(term: str, known: Sequence[str]) -> None:
    """Raise unless a term is one of those known.

    Raises
    ------
    SchemaError
    """
    if term not in known:
        raise SchemaError(f"{term!r} is no term of this result.{did_you_mean(str(term), known)}")


def html(title: str, table: pd.DataFrame, notes: Sequence[str]) -> str:
    """Write a result for notebooks."""
    body = table.to_html(index=False, float_format=lambda x: f"{x:.4g}", border=0)
    below = "<br>".join(escape(line) for line in notes)
    return f"<div><p><b>{escape(title)}</b></p>{body}<p style='font-size:smaller'>{below}</p></div>"


def _rhos(rho: float | Sequence[float]) -> list[float]:
    values = [rho] if isinstance(rho, int | float) else list(rho)
    sound = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if not sound or not values or not all(0 <= v <= 1 for v in values):
        raise SchemaError(f"rho={rho!r}: give correlations from 0 to 1, such as (0, 1).")
    return sorted({float(v) for v in values})

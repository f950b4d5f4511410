r"""CR2 and CR3, HC2 and HC3: covariances for few or unequal clusters, with degrees of freedom.

Residuals are smaller than errors, most where a cluster has much leverage. CR2 multiplies the
residuals of cluster g by :math:`(I - P_{gg})^{-1/2}`, P being the projection on regressors and
absorbed effects, which makes the covariance unbiased if errors are independent and alike (Bell &
McCaffrey 2002; with absorbed effects, Pustejovsky & Tipton 2018). CR3 multiplies them by
:math:`(I - P_{gg})^{-1}`, which gives the delete-one-cluster jackknife (MacKinnon, Nielsen & Webb
2023). HC2 and HC3 are the same with each observation a cluster.

The variance of the covariance estimator is matched to that of a chi-square, which gives each
coefficient its degrees of freedom (Satterthwaite). With :math:`p_g` the adjusted rows of cluster g
that make coefficient j, and errors of covariance :math:`\Phi`,

.. math:: df = \frac{(\mathrm{tr}\,\Omega)^2}{\mathrm{tr}\,\Omega^2}, \qquad
          \Omega_{gh} = p_{(g)}' (I - P) \Phi (I - P) p_{(h)};

Bell & McCaffrey take :math:`\Phi = I`, Imbens & Kolesar (2016) errors with a common part in each
cluster. Weights are precisions: all of this holds for columns multiplied by their square roots.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import pandas as pd

from spillover.errors import IdentificationError, SchemaError, check_choice
from spillover.inference._leverage import adjusted
from spillover.inference._projection import sums_by
from spillover.inference._read import ClusterBy, cluster_codes, estimated_of, projection_of
from spillover.panel.covariance import Inference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from spillover.inference._projection import Projection
    from spillover.panel.result import Fit

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

Kind = Literal["cr2", "cr3", "hc2", "hc3"]
KINDS = ("cr2", "cr3", "hc2", "hc3")
DegreesOfFreedom = Literal["auto", "satterthwaite", "imbens_kolesar", "clusters"]
MOST_CLUSTERS = 4_000
"""Clusters up to which an Imbens-Kolesar matrix is formed."""
NAMES = {"cr2": "CR2", "cr3": "CR3 (jackknife)", "hc2": "HC2", "hc3": "HC3"}


@dataclass(frozen=True, eq=False)
class SmallSample:
    """A bias-reduced covariance.

    Attributes
    ----------
    vcov : (k, k) array
        With CR3, (G-1)/G times the sum of squares: the jackknife of MacKinnon, Nielsen & Webb.
    rows : (n, k) array
        Adjusted regressors times (X'WX)^-1: column j weights the residuals that make up the
        variance of coefficient j.
    """

    vcov: Matrix
    rows: Matrix


def bias_reduced(
    projection: Projection, residuals: Matrix, codes: Codes, power: float
) -> SmallSample:
    """Return the covariance with residuals adjusted cluster by cluster.

    Parameters
    ----------
    projection : Projection
        Of regressors and absorbed effects.
    residuals : (n,) array
    codes : (n,) array
        Clusters.
    power : {0.5, 1.0}
        0.5 for CR2 (and HC2), 1 for CR3 (and HC3).

    Returns
    -------
    SmallSample
        CR3 without the factor (G-1)/G.
    """
    count = int(codes.max()) + 1
    if count == len(codes):
        leverage = leverages(projection)
        left = 1 - leverage
        gain = np.where(left > 1e-9, np.maximum(left, 1e-9) ** -power, 0.0)
        X = projection.X * gain[:, None]
    else:
        X = adjusted(projection, projection.X, codes, power)
    rows = X @ projection.bread
    weighted = residuals if projection.weights is None else residuals * projection.weights
    scores = sums_by(rows * weighted[:, None], codes, count)
    return SmallSample(scores.T @ scores, rows)


def leverages(projection: Projection) -> Matrix:
    """Return the diagonal of the projection on regressors and absorbed effects.

    Parameters
    ----------
    projection : Projection

    Returns
    -------
    (n,) array
        Between 0 and 1.
    """
    w: Matrix = np.ones(len(projection.X)) if projection.weights is None else projection.weights
    result: Matrix = w * np.einsum("ij,ij->i", projection.X @ projection.bread, projection.X)
    absorber = projection.absorber
    if absorber is None:
        return result
    result += w / absorber.totals[absorber.largest]
    reduced = absorber.reduced
    if reduced is None or len(reduced.kept) == 0:
        return result
    inverse = reduced.solve(np.eye(reduced.dummies.shape[1])[:, reduced.kept])[reduced.kept]
    step = max(1, 4_000_000 // len(inverse))
    for start in range(0, len(w), step):
        part = slice(start, start + step)
        swept = reduced.dummies[part] - reduced.cross[absorber.largest[part]]
        kept = swept.tocsc()[:, reduced.kept].tocsr()
        result[part] += w[part] * np.asarray(kept.multiply(kept @ inverse).sum(axis=1)).ravel()
    return result


def satterthwaite(projection: Projection, column: Matrix, codes: Codes) -> float:
    """Return Bell & McCaffrey's degrees of freedom of one variance.

    Parameters
    ----------
    projection : Projection
    column : (n,) array
        A column of :attr:`SmallSample.rows`.
    codes : (n,) array

    Returns
    -------
    float
    """
    count = int(codes.max()) + 1
    w = 1.0 if projection.weights is None else projection.weights
    own = np.bincount(codes, w * column**2, count)
    sums = projection.sums(column, codes, count)
    trace = squares = 0.0
    for part, block in projection.cross(sums, sums):
        places = np.arange(part.start, part.stop)
        omega = -block
        omega[places - part.start, places] += own[part]
        trace += float(omega[places - part.start, places].sum())
        squares += float((omega**2).sum())
    return trace**2 / squares


def imbens_kolesar(
    projection: Projection, column: Matrix, residuals: Matrix, codes: Codes
) -> float:
    """Return the degrees of freedom of one variance if errors have a common part by cluster.

    The two variances are estimated from the residuals by their moments.

    Parameters
    ----------
    projection : Projection
        Without weights.
    column : (n,) array
        A column of :attr:`SmallSample.rows`.
    residuals, codes : (n,) arrays

    Returns
    -------
    float
    """
    count, n = int(codes.max()) + 1, len(residuals)
    sizes = np.bincount(codes, minlength=count).astype(np.float64)
    square = float(residuals @ residuals)
    pairs = float((sizes**2).sum()) - n
    common = 0.0
    if pairs > 0:
        common = (float((np.bincount(codes, residuals, count) ** 2).sum()) - square) / pairs
    own = max(square / n - common, 0.0)
    ones = np.ones(n)
    left = -projection.cross_matrix(column, column, codes, count)
    left[np.diag_indices(count)] += np.bincount(codes, column**2, count)
    mixed = -projection.cross_matrix(column, ones, codes, count)
    mixed[np.diag_indices(count)] += np.bincount(codes, column, count)
    omega = own * left + common * mixed @ mixed.T
    return float(np.trace(omega) ** 2 / (omega**2).sum())


def with_small_sample(
    fit: Fit,
    kind: Kind = "cr2",
    *,
    cluster: ClusterBy | None = None,
    df: DegreesOfFreedom = "auto",
) -> Fit:
    """Return the fit with CR2, CR3, HC2 or HC3 standard errors in place of its own.

    Parameters
    ----------
    fit : Fit
        Least squares, with any absorbed effects; weights count as precisions.
    kind : {"cr2", "cr3", "hc2", "hc3"}
        The first two are clustered.
    cluster : str or array, optional
        By default the (single) clustering level of the fit.
    df : {"auto", "satterthwaite", "imbens_kolesar", "clusters"}
        Degrees of freedom of each coefficient: Satterthwaite's with independent errors (Bell &
        McCaffrey), or with a common part by cluster (Imbens & Kolesar); or clusters less one
        (observations less parameters for HC2 and HC3). "auto": Satterthwaite's with CR2, clusters
        less one with CR3, residual degrees of freedom with HC2 and HC3.

    Returns
    -------
    Fit

    Raises
    ------
    SchemaError
        For an option that is not valid, a fit with instruments, or one that kept no arrays.
    IdentificationError
        If there is a single cluster, or a cluster is too large for an exact computation.

    References
    ----------
    Bell, R. M. & McCaffrey, D. F. (2002). Bias reduction in standard errors for linear regression
    with multi-stage samples. Survey Methodology 28(2), 169-181.
    Imbens, G. W. & Kolesar, M. (2016). Robust standard errors in small samples. Review of Economics
    and Statistics 98(4), 701-712.
    Pustejovsky, J. E. & Tipton, E. (2018). Small-sample methods for cluster-robust variance
    estimation and hypothesis testing in fixed effects models. Journal of Business & Economic
    Statistics 36(4), 672-683.
    MacKinnon, J. G., Nielsen, M. O. & Webb, M. D. (2023). Cluster-robust inference: a guide to
    empirical practice. Journal of Econometrics 232(2), 272-299.

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(backward=0.3, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> fit = sp.fit("tfp ~ backward | firm + year", panel, cluster="industry^year")
    >>> careful = sp.inference.with_small_sample(fit, "cr2")
    >>> bool(careful.dfs["backward"] < fit.inference.df)
    True
    """
    check_choice("kind", kind, KINDS)
    check_choice("df", df, ("auto", "satterthwaite", "imbens_kolesar", "clusters"))
    estimated = estimated_of(fit)
    projection = projection_of(estimated, NAMES[kind])
    clustered = kind.startswith("cr")
    name, codes = "", np.arange(len(estimated.y), dtype=np.intp)
    if clustered:
        name, codes = cluster_codes(estimated, _one_level(fit, cluster))
    count = int(codes.max()) + 1
    squares = estimated.squares
    found = bias_reduced(projection, squares.residuals, codes, 0.5 if kind[-1] == "2" else 1.0)
    vcov = found.vcov * ((count - 1) / count if kind == "cr3" else 1.0)
    rule = ("satterthwaite" if kind == "cr2" else "clusters") if df == "auto" else df
    plain = count - 1 if clustered else estimated.df_resid
    dfs = _degrees(projection, found.rows, squares.residuals, codes, rule=rule, plain=plain)
    terms = list(fit.params.index)
    words = {
        "satterthwaite": "Satterthwaite degrees of freedom",
        "imbens_kolesar": "Imbens-Kolesar degrees of freedom",
        "clusters": "",
    }[rule]
    return replace(
        fit,
        vcov=pd.DataFrame(vcov, terms, terms),
        inference=Inference(
            kind,
            (name,) if clustered else (),
            (count,) if clustered else (),
            float(min(dfs)),
            words,
            NAMES[kind] + (f", clustered by {name}" if clustered else ""),
        ),
        dfs=pd.Series(dfs, terms, name="df"),
        p_values=None,
        intervals=None,
    )


def _one_level(fit: Fit, cluster: object) -> ClusterBy:
    """Return the level to cluster by."""
    if cluster is not None:
        if isinstance(cluster, list | tuple):
            raise SchemaError(
                "CR2 and CR3 take one clustering level; several need inference='cluster' or 'wild'."
            )
        return cast("ClusterBy", cluster)
    levels: Sequence[str] = fit.inference.levels
    if len(levels) != 1:
        raise SchemaError(
            f"CR2 and CR3 take one clustering level; the fit has {len(levels)}. Name one by "
            "cluster=."
        )
    return levels[0]


def _degrees(
    projection: Projection,
    rows: Matrix,
    residuals: Matrix,
    codes: Codes,
    *,
    rule: str,
    plain: int,
) -> list[float]:
    if rule == "clusters":
        return [float(plain)] * rows.shape[1]
    count = int(codes.max()) + 1
    if rule == "satterthwaite":
        return [satterthwaite(projection, column, codes) for column in rows.T]
    if projection.weights is not None:
        raise SchemaError(
            "Imbens-Kolesar degrees of freedom are for fits without weights; use "
            "df='satterthwaite'."
        )
    if count > MOST_CLUSTERS:
        raise IdentificationError(
            f"Imbens-Kolesar degrees of freedom take up to {MOST_CLUSTERS:,} clusters, here are "
            f"{count:,}; with so many the choice does not matter: df='clusters'."
        )
    return [imbens_kolesar(projection, column, residuals, codes) for column in rows.T]

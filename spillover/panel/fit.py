"""One call from a formula to a panel regression with absorbed effects and clustered errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from warnings import catch_warnings, simplefilter, warn

import numpy as np
import pandas as pd

from spillover._frames import NativeFrame, as_eager
from spillover.errors import IdentificationError, SchemaError, SpilloverWarning, check_choice
from spillover.firms import FirmPanel
from spillover.linkage.carried import carried_definitions, carried_synthetic
from spillover.panel.absorb import Absorber
from spillover.panel.covariance import FEW_CLUSTERS, Inference, Kind, covariance
from spillover.panel.design import Design, Sample, build_design
from spillover.panel.formula import Effect, effect_name, parse_effect, parse_formula
from spillover.panel.ols import LeastSquares, check_identified, least_squares
from spillover.panel.result import Fit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

INDUSTRY_YEAR: Effect = ("industry", "year")
GROUPED = 0.9
"""Share of a regressor's variance between industry-years from which it counts as grouped."""


def fit(
    formula: str,
    data: FirmPanel | NativeFrame,
    *,
    sample: Sample = "all",
    cluster: str | Sequence[str] = "auto",
    inference: Kind = "cluster",
    weights: str | None = None,
    singletons: Literal["drop", "keep"] = "drop",
) -> Fit:
    """Fit a panel regression by least squares, absorbing fixed effects exactly.

    Parameters
    ----------
    formula : str
        ``outcome ~ regressors | absorbed``, as in fixest and pyfixest: absorbed effects are columns
        joined by ``+``, interacted by ``^`` (``region^year``). Outcome and regressors may use
        formulaic's transforms (``log(output)``, ``C(region)``, ``x:z``).
    data : FirmPanel or data frame
        pandas, Polars or PyArrow.
    sample : {"all", "domestic", "foreign"}, boolean array, or function
        Domestic firms have a ``foreign_share`` below 0.10. A function takes the pandas frame and
        returns one True or False per row; its name then names the sample in tables.
    cluster : str or sequence of str
        Level of clustering, such as ``"industry^year"``; several for multi-way clustering. "auto":
        industry-year where a regressor varies (almost) only there, as linkage measures do (Moulton
        1990), else the firm.
    inference : {"cluster", "hetero", "iid"}
        "hetero" and "iid" ignore ``cluster``.
    weights : str, optional
        Column of positive weights.
    singletons : {"drop", "keep"}
        Observations alone in a level of an absorbed effect say nothing about the coefficients;
        they are dropped and counted.

    Returns
    -------
    Fit

    Raises
    ------
    SchemaError
        For a formula, column, sample or option that is not valid.
    IdentificationError
        If a regressor is constant, collinear, or taken up by the absorbed effects (both are
        named), if no degrees of freedom are left, or if there is a single cluster.

    Warns
    -----
    SpilloverWarning
        If there are fewer than 40 clusters, or infinite values were left out.

    Notes
    -----
    Small-sample rule and degrees of freedom: :mod:`spillover.panel.covariance`; the rank of the
    absorbed effects is exact. Absorption: :mod:`spillover.panel.absorb`.

    References
    ----------
    Moulton, B. R. (1990). An illustration of a pitfall in estimating the effects of aggregate
    variables on micro units. Review of Economics and Statistics 72(2), 334-338.

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(backward=0.3, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> result = sp.fit("tfp ~ horizontal + backward + forward | firm + year", panel,
    ...                 sample="domestic")
    >>> result.inference.label
    'clustered by industry^year'
    """
    model = parse_formula(formula)
    if not (weights is None or isinstance(weights, str)):
        raise SchemaError(f"weights= is a {type(weights).__name__}; give the name of a column.")
    check_choice("inference", inference, ("cluster", "hetero", "iid"))
    check_choice("singletons", singletons, ("drop", "keep"))
    native = data.data if isinstance(data, FirmPanel) else data
    columns = as_eager(native, "data").columns
    levels = _levels(cluster, columns) if inference == "cluster" else []
    design, label = build_design(
        model, native, sample=sample, levels=levels, weights=weights, singletons=singletons
    )
    clusters, reason = _choose_clusters(design, cluster, inference)
    if any(f"{name} missing" in design.dropped for name in set(design.clusters) - set(clusters)):
        # "auto" offered a level that is not used after all: the rows without it stay
        with catch_warnings():
            simplefilter("ignore", SpilloverWarning)
            design, label = build_design(
                model,
                native,
                sample=sample,
                levels=[parse_effect(name) for name in clusters],
                weights=weights,
                singletons=singletons,
            )
        clusters = design.clusters
    estimate = _estimate(design)
    kind = inference if clusters or inference != "cluster" else "hetero"
    vcov = _covariance(estimate, kind, clusters)
    counts = tuple(int(codes.max()) + 1 for codes in clusters.values())
    _warn_if_few(dict(zip(clusters, counts, strict=True)))
    df = min(counts) - 1 if counts else estimate.df_resid
    definitions = carried_definitions(native)
    return Fit(
        formula=str(model),
        outcome=model.outcome,
        params=pd.Series(estimate.squares.beta, design.terms, name="estimate"),
        vcov=pd.DataFrame(vcov, design.terms, design.terms),
        inference=Inference(kind, tuple(clusters), counts, df, reason),
        nobs=len(design.y),
        df_resid=estimate.df_resid,
        levels={name: int(codes.max()) + 1 for name, codes in design.effects.items()},
        df_absorbed=estimate.df_absorbed,
        **_fit_statistics(estimate),
        sample=label,
        dropped=design.dropped,
        definitions={t: definitions[t] for t in design.terms if t in definitions},
        residuals=estimate.squares.residuals,
        used=design.used,
        synthetic=carried_synthetic(native),
    )


@dataclass(frozen=True)
class _Estimate:
    """Least squares after absorption: y (n,) and X (n, k) are the residualised columns."""

    design: Design
    absorber: Absorber | None
    y: Matrix
    X: Matrix
    squares: LeastSquares

    @property
    def df_absorbed(self) -> int:
        return self.absorber.rank if self.absorber else 0

    @property
    def df_resid(self) -> int:
        rows, terms = self.X.shape
        return int(rows - terms - self.df_absorbed)


def _levels(cluster: str | Sequence[str], columns: list[str]) -> list[Effect]:
    """Return the clustering levels to code; for "auto" all that may be chosen."""
    if isinstance(cluster, str) and cluster == "auto":
        offered: list[Effect] = [INDUSTRY_YEAR, ("firm",)]
        return [level for level in offered if set(level) <= set(columns)]
    names = [cluster] if isinstance(cluster, str) else cluster
    if not isinstance(names, list | tuple) or not names or not all(map(_is_text, names)):
        raise SchemaError(
            f"cluster={cluster!r} names no level. Give one, such as 'industry^year', or a list of "
            "several; for errors that are not clustered pass inference='hetero'."
        )
    levels = [parse_effect(name) for name in names]
    if len(set(levels)) < len(levels):
        raise SchemaError(f"cluster={cluster!r} names a level twice.")
    return levels


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _estimate(design: Design) -> _Estimate:
    """Absorb, check identification, and solve."""
    absorber, y, X = None, design.y, design.X
    if design.effects:
        absorber = Absorber.from_codes(list(design.effects.values()), design.weights)
        left = absorber.residualise(np.column_stack([design.y, design.X]))
        y, X = left[:, 0], left[:, 1:]
    check_identified(design.X, X, design.terms, design.effects, design.weights)
    estimate = _Estimate(design, absorber, y, X, least_squares(y, X, design.weights))
    if estimate.df_resid < 1:
        n, k = X.shape
        raise IdentificationError(
            f"{n:,} observations cannot identify {k} coefficients and absorbed effects of rank "
            f"{estimate.df_absorbed:,}: no degrees of freedom are left."
        )
    return estimate


def _choose_clusters(
    design: Design, cluster: str | Sequence[str], inference: Kind
) -> tuple[Mapping[str, Codes], str]:
    """Settle "auto" by where the regressors vary."""
    if inference != "cluster":
        return {}, ""
    if cluster != "auto":
        return design.clusters, ""
    name = effect_name(INDUSTRY_YEAR)
    if name in design.clusters:
        codes = design.clusters[name]
        grouped = [
            term
            for j, term in enumerate(design.terms)
            if _share_between(design.X[:, j], codes) >= GROUPED
        ]
        if grouped:
            few = ", ".join(grouped[:3]) + (", ..." if len(grouped) > 3 else "")
            return {name: codes}, f"chosen because {few} vary by industry and year"
    if "firm" in design.clusters:
        return {"firm": design.clusters["firm"]}, "chosen: repeated observations of a firm"
    return {}, "chosen: the data name no industry, year or firm to cluster by"


def _share_between(column: Matrix, codes: Codes) -> float:
    """Return the share of a column's variance that lies between groups; 0 if it is constant."""
    total = column.var()
    if total == 0:
        return 0.0
    counts = np.bincount(codes)
    means = np.bincount(codes, column) / counts
    return float((counts * (means - column.mean()) ** 2).sum() / len(column) / total)


def _outside_clusters(
    absorber: Absorber | None, effects: Mapping[str, Codes], clusters: Mapping[str, Codes]
) -> int:
    """Return what the absorbed effects cost, those nested in a cluster as one constant."""
    if absorber is None:
        return 0
    nested = [codes for codes in effects.values() if _nested(codes, clusters)]
    if not nested:
        return absorber.rank
    return absorber.rank - Absorber.from_codes(nested).rank + 1


def _nested(codes: Codes, clusters: Mapping[str, Codes]) -> bool:
    for cluster in clusters.values():
        home = np.empty(int(codes.max()) + 1, dtype=cluster.dtype)
        home[codes] = cluster
        if (home[codes] == cluster).all():
            return True
    return False


def _covariance(estimate: _Estimate, kind: Kind, clusters: Mapping[str, Codes]) -> Matrix:
    k = estimate.X.shape[1]
    effects = estimate.design.effects
    return covariance(
        kind,
        estimate.squares.bread,
        estimate.squares.scores,
        estimate.squares.residuals,
        weights=estimate.design.weights,
        clusters=clusters,
        parameters=k + estimate.df_absorbed,
        parameters_outside_clusters=k + _outside_clusters(estimate.absorber, effects, clusters),
    )


def _warn_if_few(counts: Mapping[str, int]) -> None:
    name = min(counts, key=lambda level: counts[level], default="")
    if name and counts[name] < FEW_CLUSTERS:
        warn(
            f"Only {counts[name]} clusters of {name}: with fewer than {FEW_CLUSTERS}, clustered "
            "standard errors are too small and tests reject too often.",
            SpilloverWarning,
            stacklevel=3,
        )


def _fit_statistics(estimate: _Estimate) -> dict[str, float]:
    """Return r2, r2_within and rmse; totals are around the mean where there is a constant."""
    design = estimate.design
    w = np.ones(len(design.y)) if design.weights is None else design.weights
    ssr = float(w @ estimate.squares.residuals**2)
    constant = estimate.absorber is not None or "Intercept" in design.terms
    centred = design.y - (w @ design.y) / w.sum() if constant else design.y
    total = float(w @ centred**2)
    within = float(w @ estimate.y**2) if estimate.absorber else total
    return {
        "r2": 1 - ssr / total if total else np.nan,
        "r2_within": 1 - ssr / within if within else np.nan,
        "rmse": float(np.sqrt(ssr / estimate.df_resid)),
    }

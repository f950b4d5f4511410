"""One call from a formula to a panel regression with absorbed effects and clustered errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from spillover.errors import SchemaError, check_choice
from spillover.panel.absorb import Absorber
from spillover.panel.assemble import (
    Carried,
    Clustering,
    Facts,
    Sides,
    assemble,
    check_degrees,
    overlap_remark,
    solve,
    warn_if_few,
    warn_if_infinite,
)
from spillover.panel.clusters import outside_clusters
from spillover.panel.estimated import Estimated, FrameKeys
from spillover.panel.formula import parse_formula
from spillover.panel.ols import check_identified, sum_of_squares
from spillover.panel.prepare import native_frame, prepare
from spillover.panel.settings import ESTIMATORS, Settings, finish

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover._frames import NativeFrame
    from spillover.firms import FirmPanel
    from spillover.panel.binary import Binary
    from spillover.panel.design import Design, Sample
    from spillover.panel.dynamic_settings import Gmm
    from spillover.panel.ppml import Ppml
    from spillover.panel.quantile import Quantile
    from spillover.panel.result import Fit
    from spillover.panel.settings import How
    from spillover.panel.transforms import Transform

    Matrix = NDArray[np.float64]

Linear = Literal["auto", "ols", "iv", "liml", "gmm"]
Other = Literal["quantile", "probit", "logit", "ppml", "difference_gmm", "system_gmm"]
OTHERS = ("quantile", "probit", "logit", "ppml", "difference_gmm", "system_gmm")
"""Estimators of :mod:`spillover.panel.dispatch`, which is imported when one is asked for."""


def fit(
    formula: str,
    data: FirmPanel | NativeFrame,
    *,
    sample: Sample = "all",
    transform: Transform = "levels",
    length: int | None = None,
    estimator: Linear | Other = "auto",
    settings: Quantile | Binary | Ppml | Gmm | None = None,
    cluster: str | Sequence[str] = "auto",
    inference: How = "cluster",
    inference_settings: Mapping[str, Any] | None = None,
    weights: str | None = None,
    singletons: Literal["drop", "keep"] = "drop",
    lean: bool = False,
) -> Fit:
    """Fit a panel regression, absorbing fixed effects exactly.

    Parameters
    ----------
    formula : str
        ``outcome ~ regressors | absorbed | endogenous ~ instruments``, as in fixest and pyfixest;
        the last two parts may be left out. Absorbed effects are columns joined by ``+``, interacted
        by ``^`` (``region^year``). Outcome, regressors and instruments may use formulaic's
        transforms (``log(output)``, ``C(region)``, ``x:z``) and ``lag(x, 1)``, ``lead(x, 1)``,
        ``diff(x, 1)``: the same firm in another calendar year, in or out of the sample. Without
        further regressors write ``outcome ~ 1 | firm | endogenous ~ instruments``.
    data : FirmPanel or data frame
        pandas, Polars or PyArrow.
    sample : {"all", "domestic", "foreign"}, boolean array, or function
        Domestic firms have a ``foreign_share`` below 0.10. A function takes the pandas frame and
        returns one True or False per row; its name then names the sample in tables.
    transform : {"levels", "first_difference", "long_difference"}
        Differences of outcome, regressors and instruments over calendar years within the firm.
        Absorbed effects, clusters, weights and the sample are those of the end year; a constant is
        the average growth. Firms without the earlier year are counted.
    length : int, optional
        Calendar years of a long difference.
    estimator : {"auto", "ols", "iv", "liml", "gmm"} or another
        "auto": least squares, or two-stage least squares ("iv") if the formula has instruments.
        "gmm" weights the moments by their inverse covariance at 2SLS, clustered as ``cluster``
        says. Others: "quantile", "probit", "logit", "ppml" (Poisson), "difference_gmm",
        "system_gmm"; they return a :class:`spillover.panel.ModelFit`.
    settings : Quantile, Binary, Ppml or Gmm, optional
        Choices of one of the other estimators, such as ``sp.panel.Quantile((0.25, 0.5, 0.75))``.
    cluster : str or sequence of str
        Level of clustering, such as ``"industry^year"``; several for multi-way clustering. "auto":
        industry-year where a regressor varies (almost) only there, as linkage measures do (Moulton
        1990), else the firm.
    inference : str
        "cluster"; "hetero" or "iid", which ignore ``cluster``; for few clusters "wild" (bootstrap),
        "cr2" or "cr3"; "hc2", "hc3"; "driscoll_kraay", "newey_west", "conley"; and for linkage
        measures, whose errors are correlated across industries with similar partners, "exposure"
        or "randomisation". See :mod:`spillover.inference`.
    inference_settings : mapping, optional
        Settings of the method, as of ``sp.inference.with_wild`` and the like:
        ``{"draws": 9_999}``, ``{"latitude": "lat", "longitude": "lon", "cutoff": 200}``.
    weights : str, optional
        Column of positive weights.
    singletons : {"drop", "keep"}
        Observations alone in a level of an absorbed effect say nothing about the coefficients;
        they are dropped and counted.
    lean : bool
        Keep no arrays but the rows used: the result is small, but has no residuals and serves no
        test that needs the data (``Fit.estimated``).

    Returns
    -------
    Fit

    Raises
    ------
    SchemaError
        For a formula, column, sample or option that is not valid.
    IdentificationError
        If a regressor or instrument is constant, collinear, or taken up by the absorbed effects
        (both are named), if no degrees of freedom are left, or if there is a single cluster.

    Warns
    -----
    SpilloverWarning
        If there are fewer than 40 clusters, or infinite values were left out.

    Notes
    -----
    Small-sample rule and degrees of freedom: :mod:`spillover.panel.covariance`; the rank of the
    absorbed effects is exact. Absorption: :mod:`spillover.panel.absorb`. Instruments:
    :mod:`spillover.panel.iv` and :class:`spillover.panel.first_stage.FirstStage`.

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
    check_choice("estimator", estimator, (*ESTIMATORS, *OTHERS))
    options = Settings.checked(
        transform=transform,
        length=length,
        estimator="auto" if estimator in OTHERS else estimator,
        cluster=cluster,
        inference=inference,
        inference_settings=inference_settings,
        weights=weights,
        singletons=singletons,
        lean=lean,
    )
    if estimator in OTHERS:
        if options.errors:
            raise SchemaError(
                f"inference={inference!r} is for linear regressions; estimator={estimator!r} takes "
                "'cluster', 'hetero' or 'iid'."
            )
        from spillover.panel.dispatch import Job, fit_by  # noqa: PLC0415 (statsmodels is slow)

        return fit_by(Job(estimator, model, data, sample, options, settings))
    if settings is not None:
        raise SchemaError(f"settings= goes with one of the estimators {', '.join(OTHERS)}.")
    method = options.method(model)
    native, eager = native_frame(data)
    design, label, clusters, reason = prepare(model, native, sample, options, eager.columns)
    warn_if_infinite(design.dropped)
    absorber, sides = _absorb(design)
    kind = options.inference if clusters or options.inference != "cluster" else "hetero"
    outside = outside_clusters(absorber, design.effects, clusters)
    how = Clustering(kind, clusters, reason, absorber.rank if absorber else 0, outside)
    check_degrees(len(sides.y), len(sides.terms), how.absorbed)
    solved = solve(method, sides, how)
    squares = solved.squares
    keys = FrameKeys(native, design.used)
    estimated = Estimated(design, absorber, sides.y, sides.X, squares.Xhat, squares, keys, sides.Z)
    remarks: tuple[str, ...] = ()
    if options.length and keys.firm is not None:
        remarks = overlap_remark(options.length, keys.firm.codes, clusters)
    levels = {name: int(codes.max()) + 1 for name, codes in design.effects.items()}
    facts = Facts(
        model,
        method,
        options.length,
        levels,
        label,
        design.dropped,
        design.used,
        Carried.by(native),
        remarks,
    )
    kept = None if lean and not options.errors else estimated
    result = assemble(sides, solved, how, facts, kept)
    if not options.errors:
        warn_if_few(how.counts)
    return finish(result, options, native)


def _absorb(design: Design) -> tuple[Absorber | None, Sides]:
    """Take the effects out of every column, and check that something is left."""
    absorber, y, X, Z = None, design.y, design.X, design.Z
    k = X.shape[1]
    if design.effects:
        absorber = Absorber.from_codes(list(design.effects.values()), design.weights)
        raw = [design.y[:, None], X] if Z is None else [design.y[:, None], X, Z]
        left = absorber.residualise(np.hstack(raw))
        y, X = left[:, 0], left[:, 1 : k + 1]
        Z = None if Z is None else left[:, k + 1 :]
    check_identified(design.X, X, design.terms, design.effects, design.weights)
    if Z is not None and design.Z is not None:
        first = k - len(design.endogenous)
        check_identified(
            np.hstack([design.X[:, :first], design.Z]),
            np.hstack([X[:, :first], Z]),
            [*design.terms[:first], *design.Z_terms],
            design.effects,
            design.weights,
        )
    constant = absorber is not None or "Intercept" in design.terms
    total = sum_of_squares(design.y, design.weights, centred=constant)
    return absorber, Sides(
        y=y,
        X=X,
        Z=Z,
        weights=design.weights,
        terms=design.terms,
        endogenous=design.endogenous,
        instruments=design.Z_terms,
        total=total,
        within=sum_of_squares(y, design.weights, centred=False) if absorber else total,
    )

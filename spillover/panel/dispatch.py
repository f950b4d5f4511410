"""From ``sp.fit(..., estimator=...)`` to the estimators besides least squares and instruments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from spillover.errors import SchemaError
from spillover.panel.assemble import Carried, warn_if_few, warn_if_infinite
from spillover.panel.binary import Binary, estimate_binary
from spillover.panel.covariance import Inference
from spillover.panel.dispatch_dynamic import dynamic_panel
from spillover.panel.dynamic import estimate_dynamic
from spillover.panel.dynamic_settings import Gmm
from spillover.panel.model_fit import ModelFit
from spillover.panel.ppml import Ppml, estimate_ppml
from spillover.panel.prepare import native_frame, prepare
from spillover.panel.quantile import Quantile, estimate_quantile
from spillover.panel.transforms import difference_label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from spillover._frames import NativeFrame
    from spillover.firms import FirmPanel
    from spillover.panel.design import Design, Sample
    from spillover.panel.formula import Model
    from spillover.panel.nonlinear import Estimate
    from spillover.panel.settings import Settings

    Codes = NDArray[np.intp]


@dataclass(frozen=True)
class _Rows:
    """What surrounds an estimate.

    ``levels`` are the absorbed effects with their number of levels; ``clusters`` the names of the
    clustering levels.
    """

    used: NDArray[np.bool_]
    sample: str
    dropped: Mapping[str, int]
    levels: Mapping[str, int]
    clusters: tuple[str, ...]
    reason: str


SETTINGS: dict[str, type] = {
    "quantile": Quantile,
    "probit": Binary,
    "logit": Binary,
    "ppml": Ppml,
    "difference_gmm": Gmm,
    "system_gmm": Gmm,
}
"""Estimator -> class of its settings."""


class Job(NamedTuple):
    """What was asked for.

    ``options`` are the checked options of :func:`spillover.fit`, ``settings`` the estimator's own.
    """

    estimator: str
    model: Model
    data: FirmPanel | NativeFrame
    sample: Sample
    options: Settings
    settings: object


def fit_by(job: Job) -> ModelFit:
    """Fit by quantile regression, probit, logit, Poisson, or difference or system GMM.

    Parameters
    ----------
    job : Job
        Its estimator is a key of :data:`SETTINGS`.

    Returns
    -------
    ModelFit

    Raises
    ------
    SchemaError
        For settings of another estimator, or options that the estimator does not take.
    """
    wanted = SETTINGS[job.estimator]
    if job.settings is not None and not isinstance(job.settings, wanted):
        raise SchemaError(
            f"estimator={job.estimator!r} takes settings=sp.panel.{wanted.__name__}(...), not a "
            f"{type(job.settings).__name__}."
        )
    native, estimate, around = _dynamic(job) if wanted is Gmm else _by_row(job)
    warn_if_infinite(around.dropped)
    if estimate.kind == "cluster":
        warn_if_few(dict(zip(around.clusters, estimate.n_clusters, strict=True)))
    return _result(job, native, estimate, around)


def _by_row(job: Job) -> tuple[NativeFrame, Estimate, _Rows]:
    """Estimators that see one row at a time."""
    if job.model.endogenous:
        raise SchemaError(
            f"estimator={job.estimator!r} takes no instruments; drop the last part of the formula."
        )
    native, eager = native_frame(job.data)
    design, label, clusters, reason = prepare(
        job.model, native, job.sample, job.options, eager.columns
    )
    estimate = _estimate(job, design, clusters)
    used = design.used.copy()
    used[used] = estimate.keep
    levels = {n: len(np.unique(codes[estimate.keep])) for n, codes in design.effects.items()}
    named = tuple(clusters) if estimate.kind == "cluster" else ()
    return native, estimate, _Rows(used, label, design.dropped, levels, named, reason)


def _estimate(job: Job, design: Design, clusters: Mapping[str, Codes]) -> Estimate:
    kind, settings = job.options.inference, job.settings
    if job.estimator == "quantile":
        own = settings if isinstance(settings, Quantile) else None
        return estimate_quantile(design, own, kind=kind, clusters=clusters)
    if job.estimator == "ppml":
        return estimate_ppml(
            design, settings if isinstance(settings, Ppml) else None, kind=kind, clusters=clusters
        )
    return estimate_binary(
        design,
        "probit" if job.estimator == "probit" else "logit",
        settings if isinstance(settings, Binary) else None,
        kind=kind,
        clusters=clusters,
    )


def _dynamic(job: Job) -> tuple[NativeFrame, Estimate, _Rows]:
    """Estimators that see a firm's whole history."""
    settings = job.settings if isinstance(job.settings, Gmm) else Gmm()
    options = job.options
    if options.weights:
        raise SchemaError(f"estimator={job.estimator!r} takes no weights.")
    if options.length:
        raise SchemaError(f"estimator={job.estimator!r} differences by itself; drop transform=.")
    native, eager = native_frame(job.data)
    found = dynamic_panel(job.model, eager, settings, sample=job.sample, cluster=options.cluster)
    system = job.estimator == "system_gmm"
    estimate = estimate_dynamic(found.panel, settings, system=system, kind=options.inference)
    dropped = dict(found.dropped)
    alone = int(found.panel.complete.sum() - estimate.keep.sum())
    if alone:
        dropped["without another year to be differenced with"] = alone
    effects = {"firm": found.panel.firm, **found.panel.effects}
    levels = {n: len(np.unique(codes[estimate.keep])) for n, codes in effects.items()}
    named = (found.cluster,) if estimate.kind == "cluster" else ()
    reason = "chosen: moments are summed by firm" if options.cluster == "auto" else ""
    return native, estimate, _Rows(estimate.keep, found.sample, dropped, levels, named, reason)


def _result(job: Job, native: NativeFrame, estimate: Estimate, around: _Rows) -> ModelFit:
    definitions, links, synthetic = Carried.by(native)
    plain = {term: term.partition(" [0.")[0] for term in estimate.terms}
    reason = "; ".join(text for text in (around.reason, estimate.reason) if text)
    n = len(estimate.residuals)
    ssr = float(estimate.residuals @ estimate.residuals)
    return ModelFit(
        formula=str(job.model),
        outcome=job.model.outcome,
        params=pd.Series(estimate.beta, estimate.terms, name="estimate"),
        vcov=pd.DataFrame(estimate.vcov, estimate.terms, estimate.terms),
        inference=Inference(
            estimate.kind, around.clusters, estimate.n_clusters, estimate.df, reason
        ),
        nobs=n,
        df_resid=estimate.df_resid,
        levels=around.levels,
        df_absorbed=estimate.df_absorbed,
        r2=estimate.statistics["r2"],
        r2_within=np.nan,
        rmse=float(np.sqrt(ssr / estimate.df_resid)) if estimate.df_resid > 0 else np.nan,
        sample=around.sample,
        dropped={**around.dropped, **estimate.dropped},
        definitions={t: definitions[p] for t, p in plain.items() if p in definitions},
        residuals=None if job.options.lean else estimate.residuals,
        used=around.used,
        synthetic=synthetic,
        links={t: links[p] for t, p in plain.items() if p in links},
        estimator=job.estimator,
        transform=difference_label(job.options.length),
        remarks=estimate.notes,
        details=estimate.details,
    )


__all__ = ["SETTINGS", "Job", "fit_by"]

"""Probit and logit with average marginal effects.

Aitken, Hanson & Harrison (1997) explain whether a plant exports by the exporting of multinationals
in its state and industry. The regressor is shared within a cell, so the errors are clustered; what
is reported are average marginal effects, in points of probability.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal
from warnings import catch_warnings, simplefilter, warn

import numpy as np
from scipy import linalg, special
from statsmodels.genmod.families import Binomial, links
from statsmodels.genmod.generalized_linear_model import GLM

from spillover.errors import (
    ConvergenceError,
    IdentificationError,
    SchemaError,
    SpilloverWarning,
    check_choice,
    preview,
    rows,
)
from spillover.panel.binary_margins import Margins, Response, average_effects
from spillover.panel.binary_separation import constant_levels, predicted_for_certain, separating
from spillover.panel.codes import compress
from spillover.panel.nonlinear import Estimate, count_clusters, sandwich, settle
from spillover.panel.spelled import Spelled, spell_effects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from spillover.panel.covariance import Kind
    from spillover.panel.design import Design

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

INCIDENTAL = 20
"""Rows per level of an effect below which dummies bias the slopes noticeably."""


@dataclass(frozen=True)
class Binary:
    """Settings of probit and logit.

    Attributes
    ----------
    effects : {"dummies", "mundlak"}
        How absorbed effects enter: as dummies (few levels with many rows each), or the largest as
        the regressors' means within it (correlated random effects; Mundlak 1978).
    limit : int
        Most levels that may enter as dummies.
    information : {"observed", "expected"}
        The second derivative of the likelihood, as Stata's probit, or its expectation, as R's glm.
        The same for logit.
    iterations : int
        Most iterations.

    Examples
    --------
    >>> Binary(effects="mundlak").information
    'observed'
    """

    effects: Literal["dummies", "mundlak"] = "dummies"
    limit: int = 500
    information: Literal["observed", "expected"] = "observed"
    iterations: int = 200

    def __post_init__(self) -> None:
        check_choice("effects", self.effects, ("dummies", "mundlak"))
        check_choice("information", self.information, ("observed", "expected"))


@dataclass(frozen=True, eq=False)
class BinaryDetails:
    """What only a probit or logit has.

    Attributes
    ----------
    margins : Margins
        Average marginal effects by variable, with their joint covariance.
    fitted : (n,) array
        Probabilities.
    loglik, loglik_null : float
    correct : float
        Share of rows whose likelier outcome came true.
    """

    margins: Margins
    fitted: Matrix
    loglik: float
    loglik_null: float
    correct: float


PROBIT = Response(
    cdf=special.ndtr,
    pdf=lambda eta: np.exp(-(eta**2) / 2) / np.sqrt(2 * np.pi),
    slope=lambda eta: -eta * np.exp(-(eta**2) / 2) / np.sqrt(2 * np.pi),
)
LOGIT = Response(
    cdf=special.expit,
    pdf=lambda eta: special.expit(eta) * special.expit(-eta),
    slope=lambda eta: special.expit(eta) * special.expit(-eta) * (1 - 2 * special.expit(eta)),
)


def estimate_binary(
    design: Design,
    link: Literal["probit", "logit"] = "probit",
    settings: Binary | None = None,
    *,
    kind: Kind = "cluster",
    clusters: Mapping[str, Codes] | None = None,
) -> Estimate:
    """Estimate a probit or logit by maximum likelihood.

    Parameters
    ----------
    design : Design
        The outcome is 0 or 1.
    link : {"probit", "logit"}
    settings : Binary, optional
    kind : {"cluster", "hetero", "iid"}
    clusters : mapping of str to (n,) codes, optional
        The design's by default.

    Returns
    -------
    Estimate
        Its ``details`` are :class:`BinaryDetails`; "r2" is McFadden's.

    Raises
    ------
    SchemaError
        If the outcome is not 0 or 1.
    IdentificationError
        If the outcome does not vary, a regressor is collinear, or regressors predict an outcome
        for certain (they are named, with the number of rows).
    ConvergenceError
        If the iteration does not settle.

    Warns
    -----
    SpilloverWarning
        If effects with few rows per level enter as dummies: the slopes are then biased away from
        zero (the incidental-parameters problem). If the outcome never varies within a level, whose
        rows are then left out.
    """
    check_choice("link", link, ("probit", "logit"))
    settings = settings or Binary()
    clusters = design.clusters if clusters is None else clusters
    kind = settle(kind, clusters)
    _check_outcome(design.y)
    design, keep, dropped, used = _usable(design, clusters, settings)
    _warn_of_incidental(design, settings)
    spelled = spell_effects(design, settings.effects, settings.limit)
    predicted_for_certain(design.y, spelled.X[:, : len(spelled.terms)], spelled.terms)
    fitted, bread, scores = _maximise(design, spelled, link, settings)
    used = used if kind == "cluster" else {}
    n, k = spelled.X.shape
    vcov = sandwich(kind, bread, scores, used, parameters=k)
    counts = count_clusters(used)
    df = min(counts) - 1 if counts else n - k
    shown = len(spelled.terms)
    response = PROBIT if link == "probit" else LOGIT
    margins = average_effects(
        spelled.X, fitted, vcov, spelled.terms, response, weights=design.weights, df=df
    )
    probability = response.cdf(spelled.X @ fitted)
    details = _details(design, probability, margins)
    notes = [*spelled.notes, *margins.notes]
    return Estimate(
        terms=list(spelled.terms),
        beta=fitted[:shown],
        vcov=vcov[:shown, :shown],
        kind=kind,
        n_clusters=counts,
        df=df,
        df_resid=n - k,
        keep=keep,
        dropped=dropped,
        residuals=design.y - probability,
        statistics={"r2": 1 - details.loglik / details.loglik_null, "loglik": details.loglik},
        notes=tuple(notes),
        df_absorbed=k - shown,
        details=details,
    )


def _check_outcome(y: Matrix) -> None:
    other = np.unique(y[(y != 0) & (y != 1)])
    if len(other):
        raise SchemaError(
            f"The outcome of a probit or logit is 0 or 1; it holds {preview(other.tolist(), 3)}."
        )
    if y.min() == y.max():
        raise IdentificationError(f"The outcome is {y[0]:g} in every row; it must vary.")


def _usable(
    design: Design, clusters: Mapping[str, Codes], settings: Binary
) -> tuple[Design, NDArray[np.bool_], dict[str, int], dict[str, Codes]]:
    """Leave out levels of effects whose outcome never varies; their dummies fit them perfectly."""
    dummies = dict(design.effects)
    if settings.effects == "mundlak" and dummies:
        dummies.pop(max(dummies, key=lambda name: int(dummies[name].max())))
    keep = constant_levels(design.y, dummies)
    lost = int((~keep).sum())
    dropped = {"in a level of an absorbed effect whose outcome never varies": lost} if lost else {}
    used = {name: compress(codes[keep]) for name, codes in clusters.items()}
    if not lost:
        return design, keep, dropped, used
    if not keep.any():
        raise IdentificationError(
            "The outcome varies within no level of the absorbed effects "
            f"{preview(list(dummies))}: nothing is left to explain."
        )
    warn(
        f"{rows(lost)} left out: in levels of {preview(list(dummies))} within which the outcome "
        "never varies; their dummies would fit them perfectly.",
        SpilloverWarning,
        stacklevel=3,
    )
    kept = replace(
        design,
        y=design.y[keep],
        X=design.X[keep],
        effects={name: compress(codes[keep]) for name, codes in design.effects.items()},
        weights=None if design.weights is None else design.weights[keep],
    )
    return kept, keep, dropped, used


def _warn_of_incidental(design: Design, settings: Binary) -> None:
    if settings.effects != "dummies":
        return
    n = len(design.y)
    thin = {
        name: int(codes.max()) + 1
        for name, codes in design.effects.items()
        if n / (int(codes.max()) + 1) < INCIDENTAL
    }
    if thin:
        listed = ", ".join(
            f"{name} ({n / m:.1f} rows in each of {m:,})" for name, m in thin.items()
        )
        warn(
            f"Few rows per level of {listed}: their dummies bias the slopes away from zero (the "
            "incidental-parameters problem). Pass effects='mundlak', or use a linear probability "
            "model (estimator='ols').",
            SpilloverWarning,
            stacklevel=3,
        )


def _maximise(
    design: Design, spelled: Spelled, link: str, settings: Binary
) -> tuple[Matrix, Matrix, Matrix]:
    """Return coefficients, inverse information, and scores."""
    scale = np.sqrt(np.einsum("ij,ij->j", spelled.X, spelled.X) / len(spelled.X))
    X = spelled.X / scale
    family = Binomial(link=links.Probit() if link == "probit" else links.Logit())
    with catch_warnings(), np.errstate(all="ignore"):
        simplefilter("ignore")  # separation is checked, and named, below
        model = GLM(design.y, X, family=family, var_weights=design.weights)
        result = model.fit(maxiter=settings.iterations, tol=1e-11, tol_criterion="params")
        beta = np.asarray(result.params, dtype=np.float64)
        certain = np.abs(design.y - np.asarray(result.fittedvalues)) < 1e-7
        if certain.any() or not result.converged or not np.isfinite(beta).all():
            separating(design.y, spelled.X, spelled.terms)
        if not result.converged:
            raise ConvergenceError(
                f"The {link} did not settle in {settings.iterations} iterations. Rescale "
                "regressors of very different size."
            )
        curvature = model.hessian_factor(
            beta, scale=1.0, observed=settings.information == "observed"
        )
        scores = X * np.asarray(model.score_factor(beta, scale=1.0))[:, None]
    information = (X * np.asarray(curvature)[:, None]).T @ X
    inverse = linalg.inv(information)
    bread = (inverse + inverse.T) / 2 / scale / scale[:, None]
    return beta / scale, bread, scores * scale


def _details(design: Design, probability: Matrix, margins: Margins) -> BinaryDetails:
    w = np.ones(len(design.y)) if design.weights is None else design.weights
    mean = float(w @ design.y / w.sum())

    def loglik(p: Matrix) -> float:
        return float(w @ (special.xlogy(design.y, p) + special.xlog1py(1 - design.y, -p)))

    return BinaryDetails(
        margins=margins,
        fitted=probability,
        loglik=loglik(probability),
        loglik_null=loglik(np.full(len(design.y), mean)),
        correct=float(w @ ((probability > 0.5) == (design.y > 0.5)) / w.sum()),
    )

"""Outcomes drawn on a design, and tests of them that say which values they keep."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from spillover.errors import SchemaError, check_choice
from spillover.inference._deletion import linear_arrays
from spillover.inference._read import clustered_covariance, named_clusters
from spillover.inference._wild_problem import bootstrap_level, prepare
from spillover.inference.exposure import infer
from spillover.inference.small_sample import with_small_sample
from spillover.panel.covariance import covariance
from spillover.panel.ols import LeastSquares, least_squares

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from spillover.panel.estimated import Estimated
    from spillover.panel.result import Fit

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Kept = Callable[[Fit], Callable[[float], bool]]

KINDS = ("cluster", "hetero", "iid", "cr2", "cr3", "hc2", "hc3", "wild", "exposure")
WILD_DRAWS = 399


def drawn_fit(fit: Fit, estimated: Estimated, errors: Matrix) -> Fit:
    """Return the fit of other outcomes on the same design."""
    design, absorber = estimated.design, estimated.absorber
    y = errors if absorber is None else absorber.residualise(errors[:, None])[:, 0]
    X, Xhat = estimated.X, estimated.Xhat
    if Xhat is X:
        squares = least_squares(y, X, design.weights)
    else:  # the estimator's own combination of instruments stays as it is
        weighted = Xhat if design.weights is None else Xhat * design.weights[:, None]
        beta = np.asarray(np.linalg.solve(weighted.T @ X, weighted.T @ y), dtype=np.float64)
        squares = LeastSquares(beta, estimated.squares.bread, y - X @ beta, Xhat, design.weights)
    new = replace(estimated, design=replace(design, y=errors), y=y, Xhat=Xhat, squares=squares)
    params = pd.Series(squares.beta, fit.params.index, name="estimate")
    return replace(fit, params=params, residuals=squares.residuals, estimated=new)


def keeper(
    fit: Fit,
    kind: str | Callable[[Fit], Fit],
    term: str,
    alpha: float,
    rng: np.random.Generator,
) -> tuple[Kept, str]:
    """Return what makes of a drawn fit the test that says whether a value is kept; and its name."""
    level = 1 - alpha
    if callable(kind):
        return _by_interval(kind, term, level), getattr(kind, "__name__", "a function of the fit")
    check_choice("test", kind, KINDS)
    if kind == "exposure":
        return _by_exposure(term, level), "exposure-robust, null imposed"
    if kind == "wild":
        return by_wild(fit, term, alpha, rng), f"wild bootstrap, {WILD_DRAWS} draws"
    if kind in {"cr2", "cr3", "hc2", "hc3"}:
        small: Any = kind
        return _by_interval(
            lambda drawn: with_small_sample(drawn, small), term, level
        ), kind.upper()
    return _by_t(fit, kind, term, level), _words(fit, kind)


def _words(fit: Fit, kind: str) -> str:
    named = {"hetero": "heteroskedasticity-robust", "iid": "classical"}
    return named.get(kind) or "clustered by " + " and ".join(fit.inference.levels)


def _by_interval(make: Callable[[Fit], Fit], term: str, level: float) -> Kept:
    def kept(drawn: Fit) -> Callable[[float], bool]:
        # what a drawn fit carries of the real one's own intervals must not be read
        plain = replace(drawn, dfs=None, p_values=None, intervals=None)
        low, high = make(plain).confint(level).loc[term].to_numpy(dtype=np.float64)
        return lambda value: bool(low <= value <= high)

    return kept


def _by_exposure(term: str, level: float) -> Kept:
    def kept(drawn: Fit) -> Callable[[float], bool]:
        found = infer(drawn).confidence_set(term, level)
        return found.contains

    return kept


def by_wild(fit: Fit, term: str, alpha: float, rng: np.random.Generator) -> Kept:
    levels = _levels(fit)
    by = bootstrap_level(levels, None)

    def kept(drawn: Fit) -> Callable[[float], bool]:
        estimated = linear_arrays(drawn, "power_curve")
        problem = prepare(estimated, [term], levels, by, [0.0])
        statistics, _, _ = problem.statistics(WILD_DRAWS, "auto", rng)
        scale = float(np.sqrt(problem.covariance[0, 0]))
        estimate = problem.estimates[0]
        return lambda value: bool(statistics.exceed((value - estimate) / scale).mean() > alpha)

    return kept


def _by_t(fit: Fit, kind: str, term: str, level: float) -> Kept:
    levels = _levels(fit) if kind == "cluster" else {}
    place = list(fit.params.index).index(term)
    estimated = linear_arrays(fit, "power_curve")
    counts = [int(codes.max()) for codes in levels.values()]
    df = float(min(counts)) if counts else float(estimated.df_resid)
    t = float(stats.t.ppf((1 + level) / 2, df))

    def kept(drawn: Fit) -> Callable[[float], bool]:
        arrays = linear_arrays(drawn, "power_curve")
        if levels:
            vcov = clustered_covariance(arrays, levels)
        else:
            parameters = arrays.X.shape[1] + arrays.df_absorbed
            vcov = covariance(
                kind,
                arrays.squares.bread,
                arrays.squares.scores,
                arrays.squares.residuals,
                weights=arrays.design.weights,
                clusters={},
                parameters=parameters,
                parameters_outside_clusters=parameters,
            )
        half = t * float(np.sqrt(vcov[place, place]))
        estimate = float(arrays.squares.beta[place])
        return lambda value: abs(value - estimate) <= half

    return kept


def _levels(fit: Fit) -> Mapping[str, Codes]:
    """Return the clusters of a fit."""
    if fit.inference.kind not in {"cluster", "wild", "cr2", "cr3"}:
        raise SchemaError(
            f"The fit is not clustered ({fit.inference.label}), so it cannot be tested by "
            "clusters; fit it with cluster=, or give another test=."
        )
    return named_clusters(linear_arrays(fit, "power_curve"), list(fit.inference.levels))

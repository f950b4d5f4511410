"""The cluster bootstrap of quantile regressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spillover.errors import ConvergenceError, IdentificationError, SchemaError
from spillover.panel.quantile_canay import resampled, without_effects
from spillover.panel.quantile_solver import solve_quantile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from spillover.panel.design import Design
    from spillover.panel.quantile import Quantile
    from spillover.panel.spelled import Spelled

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

PATIENCE = 10
"""Draws may fail this many times as often as they are asked for."""


def bootstrap(
    design: Design,
    settings: Quantile,
    clusters: Mapping[str, Codes],
    spelled: Spelled,
    kept: int,
) -> tuple[Matrix, int]:
    """Draw clusters with replacement and estimate anew.

    Parameters
    ----------
    design : Design
    settings : Quantile
    clusters : mapping of str to (n,) codes
        One level, or none to draw rows.
    spelled : Spelled
        Regressors with the effects written out.
    kept : int
        How many of them are reported.

    Returns
    -------
    (draws, quantiles * kept) array, and the number of draws that were made again
        A draw in which a reported regressor is not identified is made again.

    Raises
    ------
    SchemaError
        With several clustering levels.
    IdentificationError
        If most draws do not identify the coefficients, or there is one cluster.
    """
    if len(clusters) > 1:
        raise SchemaError(
            f"The bootstrap draws one level of clusters; cluster={list(clusters)} names "
            f"{len(clusters)}."
        )
    codes = next(iter(clusters.values())) if clusters else np.arange(len(design.y))
    groups = int(codes.max()) + 1
    if groups < 2:
        raise IdentificationError("The bootstrap needs more than one cluster.")
    rng = np.random.default_rng(settings.rng)
    draws: list[Matrix] = []
    failed = 0
    while len(draws) < settings.bootstrap:
        times = np.bincount(rng.integers(0, groups, groups), minlength=groups)[codes]
        one = _one(design, settings, spelled, kept, times)
        if one is not None:
            draws.append(one)
            continue
        failed += 1
        if failed > PATIENCE * settings.bootstrap:
            raise IdentificationError(
                f"{failed:,} bootstrap draws did not identify the coefficients, {len(draws):,} did:"
                " clusters are too few. Use fewer dummies or the analytical covariance."
            )
    return np.array(draws), failed


def _one(
    design: Design, settings: Quantile, spelled: Spelled, kept: int, times: NDArray[np.intp]
) -> Matrix | None:
    """Estimate on one draw; None where it does not identify the reported coefficients."""
    try:
        if settings.effects == "canay":
            drawn = resampled(design, times)
            y, again = without_effects(drawn)
            X, weights = again.X, drawn.weights
        else:
            y, X, weights = _drawn(design, spelled, kept, times)
        return np.concatenate(
            [solve_quantile(y, X, tau, weights, exact=False)[:kept] for tau in settings.taus]
        )
    except (IdentificationError, ConvergenceError):
        return None


def _drawn(
    design: Design, spelled: Spelled, kept: int, times: NDArray[np.intp]
) -> tuple[Matrix, Matrix, Matrix]:
    """Rows of a draw without the dummies that it does not hold."""
    rows = times > 0
    X = spelled.X[rows]
    X = X[:, np.abs(X).any(axis=0) | (np.arange(X.shape[1]) < kept)]
    w = times[rows].astype(np.float64)
    norm = np.sqrt(np.einsum("ij,ij->j", X, X))
    if (norm == 0).any() or np.linalg.eigvalsh((X / norm).T @ (X / norm))[0] < 1e-11:
        raise IdentificationError("This draw does not identify the coefficients.")
    return design.y[rows], X, w if design.weights is None else w * design.weights[rows]

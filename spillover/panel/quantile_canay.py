"""Canay's (2011) two-step quantile regression with effects that shift location only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from spillover.errors import IdentificationError
from spillover.panel.absorb import Absorber
from spillover.panel.ols import check_identified, least_squares
from spillover.panel.spelled import Spelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.panel.design import Design

    Matrix = NDArray[np.float64]


def without_effects(design: Design) -> tuple[Matrix, Spelled]:
    """Subtract the effects that least squares finds.

    Parameters
    ----------
    design : Design
        With at least one absorbed effect.

    Returns
    -------
    (n,) array and Spelled
        The outcome less the effects, which have mean zero; the regressors and a constant.

    Raises
    ------
    IdentificationError
        Without absorbed effects, or if a regressor does not vary within them.

    References
    ----------
    Canay, I. A. (2011). A simple approach to quantile regression for panel data. Econometrics
    Journal 14(3), 368-386.
    """
    if not design.effects:
        raise IdentificationError(
            "effects='canay' needs an absorbed effect, such as '| firm' in the formula."
        )
    absorber = Absorber.from_codes(list(design.effects.values()), design.weights)
    left = absorber.residualise(np.column_stack([design.y, design.X]))
    check_identified(design.X, left[:, 1:], design.terms, design.effects, design.weights)
    slopes = least_squares(left[:, 0], left[:, 1:], design.weights)
    effects = design.y - design.X @ slopes.beta - slopes.residuals
    w = np.ones(len(effects)) if design.weights is None else design.weights
    outcome = design.y - (effects - w @ effects / w.sum())
    X = np.column_stack([design.X, np.ones(len(design.y))])
    return outcome, Spelled(X, list(design.terms))


def resampled(design: Design, times: NDArray[np.intp]) -> Design:
    """Return the design in which each row counts ``times`` as often.

    Examples
    --------
    >>> from spillover.panel.design import Design
    >>> three = np.arange(3)
    >>> design = Design(y=three * 1.0, X=np.eye(3), terms=["a", "b", "c"], effects={},
    ...                 clusters={}, weights=None, used=np.ones(3, bool), dropped={})
    >>> resampled(design, np.array([2, 0, 1])).weights
    array([2., 1.])
    """
    kept = times > 0
    weights = times[kept].astype(np.float64)
    if design.weights is not None:
        weights = weights * design.weights[kept]
    return replace(
        design,
        y=design.y[kept],
        X=design.X[kept],
        effects={
            name: np.unique(codes[kept], return_inverse=True)[1].astype(np.intp)
            for name, codes in design.effects.items()
        },
        clusters={},
        weights=weights,
    )

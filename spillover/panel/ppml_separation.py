"""Observations for which a Poisson regression has no finite fit.

If a combination of regressors and effects is zero where the outcome is positive, and never negative
where it is zero, the likelihood rises without end along it: the rows where it is positive are
fitted by minus infinity. They say nothing about the other coefficients and can be left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Rows = NDArray[np.bool_]

FALLING, AT_REST = -0.5, 1e-5
"""Steps of rows without a finite fit, and of all others."""


def empty_levels(y: Matrix, effects: Mapping[str, Codes]) -> tuple[Rows, int]:
    """Find rows in levels of effects whose outcomes are not all zero.

    Parameters
    ----------
    y : (n,) array
        Not negative.
    effects : mapping of str to (n,) codes

    Returns
    -------
    (n,) bool array
        The rows to keep; singletons that the search leaves behind are not kept either, unless
        there were some from the start.
    int
        Rows not kept.

    Examples
    --------
    >>> keep, lost = empty_levels(np.array([0.0, 0, 1, 2]), {"firm": np.array([0, 0, 1, 1])})
    >>> keep, lost
    (array([False, False,  True,  True]), 2)
    """
    keep = np.ones(len(y), dtype=bool)
    alone = any((np.bincount(codes) == 1).any() for codes in effects.values())
    while True:
        lost = np.zeros(len(y), dtype=bool)
        for codes in effects.values():
            size = int(codes.max()) + 1
            total = np.bincount(codes[keep], y[keep], size)
            lost |= keep & (total[codes] == 0)
            if not alone and not keep.all():
                lost |= keep & (np.bincount(codes[keep], minlength=size)[codes] == 1)
        if not lost.any():
            return keep, int((~keep).sum())
        keep &= ~lost


def separated(y: Matrix, step: Matrix) -> Rows:
    """Find separated rows by a step of Newton's method near its end.

    A step is a combination of the regressors and effects. On rows without a finite fit its target
    is always one less than before, while all others have come to rest: so a step that is zero
    where y is positive, and zero or well below where y is zero, is a separating combination.

    Parameters
    ----------
    y : (n,) array
        Not negative.
    step : (n,) array
        Change of the linear predictor.

    Returns
    -------
    (n,) bool array
        The separated rows; none while the step is not such a combination.

    References
    ----------
    Correia, S., Guimaraes, P. & Zylkin, T. (2021). Verifying the existence of maximum likelihood
    estimates for generalized linear models. arXiv:1903.01633, proposition 2.

    Examples
    --------
    >>> separated(np.array([0.0, 0, 1, 2]), np.array([-1.0, 1e-9, 0, 0]))
    array([ True, False, False, False])
    """
    apart = (y == 0) & (step < FALLING)
    if not apart.any() or float(np.abs(step[~apart]).max(initial=0.0)) > AT_REST:
        return np.zeros(len(y), dtype=bool)
    result: Rows = apart
    return result

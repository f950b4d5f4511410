"""Direct calibration: from an indicator to a degree of membership, by three anchors."""

from __future__ import annotations

from typing import TYPE_CHECKING
from warnings import warn

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, SpilloverWarning, preview

if TYPE_CHECKING:
    from collections.abc import Sequence


def calibrate(
    values: pd.Series[float] | Sequence[float],
    *,
    out: float,
    crossover: float,
    full: float,
    membership_at_full: float = 0.95,
) -> pd.Series[float]:
    """Turn an indicator into membership of a fuzzy set by the direct method.

    Parameters
    ----------
    values : Series or sequence of numbers, (cases,)
        Missing values stay missing.
    out : float
        Anchor of full non-membership, in the indicator's unit.
    crossover : float
        Anchor of maximal ambiguity, membership 0.5.
    full : float
        Anchor of full membership. ``out < crossover < full``, or all reversed, where less of the
        indicator means more membership.
    membership_at_full : float
        Membership at ``full`` (and one less it at ``out``). 0.95 is that of R's QCA; the fsQCA
        program takes log-odds of 3, which is 0.9526.

    Returns
    -------
    pandas.Series, (cases,)
        Between 0 and 1, with the index of ``values``.

    Raises
    ------
    SchemaError
        If the anchors are not in order, or values are no numbers.

    Warns
    -----
    SpilloverWarning
        If a case lies on the cross-over: with membership 0.5 it belongs to no row of a truth
        table.

    Notes
    -----
    With z the distance from the cross-over and d that of the anchor on its side, the membership is
    ``1 / (1 + exp(-L z / d))``, L the log-odds of ``membership_at_full``.

    References
    ----------
    Ragin, C. C. (2008). Redesigning Social Inquiry: Fuzzy Sets and Beyond, ch. 5. University of
    Chicago Press.

    Examples
    --------
    >>> calibrate([2, 5, 8], out=2, crossover=4, full=8).round(3).tolist()
    [0.05, 0.676, 0.95]
    """
    series = _numbers(values)
    rising = out < crossover < full
    if not (rising or out > crossover > full):
        raise SchemaError(
            f"Anchors out={out!r}, crossover={crossover!r}, full={full!r} are not in order: give "
            "them rising, or falling where less of the indicator means more membership."
        )
    if not 0.5 < membership_at_full < 1:
        raise SchemaError(
            f"membership_at_full={membership_at_full!r} must lie between 0.5 and 1; 0.95 is usual."
        )
    distance = series - crossover
    inside = distance * np.sign(full - crossover) >= 0
    anchor = np.where(inside, full - crossover, crossover - out)
    odds = np.log(membership_at_full / (1 - membership_at_full))
    result: pd.Series[float] = 1 / (1 + np.exp(-odds * distance / anchor))
    on = series.index[distance == 0]
    if len(on):
        warn(
            f"{len(on)} cases lie on the cross-over {crossover:g}, so their membership is 0.5 and "
            f"they belong to neither side: {preview(on)}. Move the anchor.",
            SpilloverWarning,
            stacklevel=2,
        )
    return result


def _numbers(values: pd.Series[float] | Sequence[float]) -> pd.Series[float]:
    series = pd.Series(values)
    if series.dtype.kind not in "biuf":
        raise SchemaError(f"values hold {series.dtype}, not numbers.")
    infinite = series.index[np.isinf(series.astype(float))]
    if len(infinite):
        raise SchemaError(f"values are infinite for {preview(infinite)}.")
    return series.astype(float)

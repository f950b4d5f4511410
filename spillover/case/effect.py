"""From a published estimate to a belief about one country, and back from a case that shows none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from spillover.errors import SchemaError


def prior_from_estimate(
    estimate: float, std_error: float, *, between: float = 0.0, threshold: float = 0.0
) -> float:
    """Return the probability that the effect in a new place exceeds a threshold.

    Parameters
    ----------
    estimate, std_error : float
        Of the pooled effect.
    between : float
        Standard deviation of true effects between places; without it the literature's average
        would be taken for every country's own effect.
    threshold : float
        The least effect that would matter.

    Returns
    -------
    float
        ``Phi((estimate - threshold) / sqrt(std_error^2 + between^2))``.

    Raises
    ------
    SchemaError
        If a standard deviation is negative or both are zero.

    Examples
    --------
    >>> round(prior_from_estimate(0.168, 0.0241, between=0.3), 3)
    0.712
    """
    if std_error < 0 or between < 0 or std_error + between == 0:
        raise SchemaError("std_error and between must not be negative, nor both zero.")
    return float(stats.norm.cdf((estimate - threshold) / np.hypot(std_error, between)))


@dataclass(frozen=True, eq=False, repr=False)
class EffectUpdate:
    """The distribution of an effect before and after a case that showed none.

    Attributes
    ----------
    table : pandas.DataFrame
        effect, prior, likelihood (of showing none), posterior; densities over a grid.
    chance : float
        Probability of showing none, before the case.
    """

    table: pd.DataFrame
    chance: float

    def summary(self) -> pd.DataFrame:
        """Return mean, standard deviation and the probability of a positive effect.

        Returns
        -------
        pandas.DataFrame
            Rows prior and posterior; columns mean, sd, positive.
        """
        x = self.table["effect"].to_numpy(dtype=np.float64)
        rows = {}
        for name in ("prior", "posterior"):
            weight = self.table[name].to_numpy(dtype=np.float64)
            weight = weight / weight.sum()
            mean = float(weight @ x)
            spread = float(np.sqrt(weight @ (x - mean) ** 2))
            rows[name] = (mean, spread, float(weight[x > 0].sum()))
        return pd.DataFrame(rows, index=["mean", "sd", "positive"]).T

    def __repr__(self) -> str:
        table = self.summary()
        before, after = table["mean"].astype(float)
        return (
            f"EffectUpdate(mean {before:.3f} before, {after:.3f} after; a case that shows none was "
            f"{self.chance:.2f} probable)"
        )


def update_effect(
    estimate: float,
    sd: float,
    *,
    change: float,
    noticeable: float,
    blur: float,
    points: int = 4001,
) -> EffectUpdate:
    """Update an effect's distribution by a case in which no effect was noticed.

    Parameters
    ----------
    estimate, sd : float
        Normal prior of the effect: per cent of productivity per percentage point of presence.
    change : float
        By how many percentage points presence rose in the case.
    noticeable : float
        Gain of productivity, per cent, that observers notice half of the time.
    blur : float
        Standard deviation, per cent, of what observers take the gain for; positive.
    points : int
        Of the grid.

    Returns
    -------
    EffectUpdate

    Raises
    ------
    SchemaError
        If ``sd`` or ``blur`` is not positive, or the grid has fewer than 101 points.

    Notes
    -----
    ``P(none noticed | e) = Phi((noticeable - e change) / blur)``. Where the gain that the prior
    promises is far below what can be noticed, the case hardly moves the belief: absence of
    evidence then is no evidence of absence. ``chance`` has the closed form
    ``Phi((noticeable - estimate change) / sqrt(blur^2 + change^2 sd^2))``.

    Examples
    --------
    >>> update_effect(0.168, 0.3, change=10, noticeable=5, blur=2)
    EffectUpdate(mean 0.168 before, 0.089 after; a case that shows none was 0.82 probable)
    """
    if sd <= 0 or blur <= 0:
        raise SchemaError(f"sd={sd!r} and blur={blur!r} must be positive.")
    if points < 101:
        raise SchemaError(f"points={points!r}: give at least 101.")
    x = np.linspace(estimate - 8 * sd, estimate + 8 * sd, points)
    prior = stats.norm.pdf(x, estimate, sd)
    likelihood = stats.norm.cdf((noticeable - x * change) / blur)
    step = x[1] - x[0]
    chance = float((prior * likelihood).sum() * step)
    table = pd.DataFrame(
        {
            "effect": x,
            "prior": prior,
            "likelihood": likelihood,
            "posterior": prior * likelihood / chance,
        }
    )
    return EffectUpdate(table, chance)

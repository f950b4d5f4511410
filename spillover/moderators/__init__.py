"""What spillovers depend on: moderators made of a firm panel, general and reusable.

Every function takes a panel (:class:`spillover.FirmPanel`, or a pandas, Polars or PyArrow frame)
and returns the same kind with columns added, rows and their order unchanged. Values that cannot be
had are missing; one warning counts them by reason. Interact a moderator with a linkage measure in
the formula of :func:`spillover.fit`, and draw the effect with
:func:`spillover.plot.marginal_effects`.
"""

from __future__ import annotations

from spillover.moderators.firm import age, exporter, human_capital, research
from spillover.moderators.industry import above, foreign_mean, herfindahl
from spillover.moderators.owners import origin, ownership, region, trade_agreement
from spillover.moderators.productivity import absorptive_capacity, technology_gap

__all__ = [
    "above",
    "absorptive_capacity",
    "age",
    "exporter",
    "foreign_mean",
    "herfindahl",
    "human_capital",
    "origin",
    "ownership",
    "region",
    "research",
    "technology_gap",
    "trade_agreement",
]

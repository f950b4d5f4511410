"""Figures for publication.

Every function returns the matplotlib figure (or the axes it was given), shows nothing by itself,
and leaves matplotlib's settings as they were. Figures are not kept by pyplot: a notebook shows one
that a cell returns, and ``figure.savefig("name.pdf")`` writes it.
"""

from __future__ import annotations

from spillover.plot.coefficients import coefficients
from spillover.plot.compare import compare, correlations
from spillover.plot.diagnostics import influence, leads, leave_one_out
from spillover.plot.events import event_study
from spillover.plot.explain import contributions
from spillover.plot.io_table import io_table
from spillover.plot.key_linkages import key_linkages
from spillover.plot.linkages import linkages
from spillover.plot.marginal import marginal_effects
from spillover.plot.network import network
from spillover.plot.placebo import placebo
from spillover.plot.production import elasticities, objective_profile, tfp_density
from spillover.plot.sensitivity import oster, power
from spillover.plot.theme import theme

__all__ = [
    "coefficients",
    "compare",
    "contributions",
    "correlations",
    "elasticities",
    "event_study",
    "influence",
    "io_table",
    "key_linkages",
    "leads",
    "leave_one_out",
    "linkages",
    "marginal_effects",
    "network",
    "objective_profile",
    "oster",
    "placebo",
    "power",
    "tfp_density",
    "theme",
]

"""Figures for publication.

Every function returns the matplotlib figure (or the axes it was given), shows nothing by itself,
and leaves matplotlib's settings as they were. Figures are not kept by pyplot: a notebook shows one
that a cell returns, and ``figure.savefig("name.pdf")`` writes it.
"""

from __future__ import annotations

from spillover.plot.case import evidence
from spillover.plot.coefficients import coefficients
from spillover.plot.compare import compare, correlations
from spillover.plot.counterfactual import counterfactual, sourcing
from spillover.plot.crucial import crucial_case, effect_update, failure_factor
from spillover.plot.diagnostics import influence, leads, leave_one_out
from spillover.plot.events import event_study
from spillover.plot.explain import contributions
from spillover.plot.io_table import io_table
from spillover.plot.key_linkages import key_linkages
from spillover.plot.linkages import linkages
from spillover.plot.local_content import local_content
from spillover.plot.marginal import marginal_effects
from spillover.plot.network import network
from spillover.plot.placebo import placebo
from spillover.plot.production import elasticities, objective_profile, tfp_density
from spillover.plot.qca import truth_table, xy
from spillover.plot.sensitivity import oster, power
from spillover.plot.theme import theme
from spillover.plot.worlds import worlds

__all__ = [
    "coefficients",
    "compare",
    "contributions",
    "correlations",
    "counterfactual",
    "crucial_case",
    "effect_update",
    "elasticities",
    "event_study",
    "evidence",
    "failure_factor",
    "influence",
    "io_table",
    "key_linkages",
    "leads",
    "leave_one_out",
    "linkages",
    "local_content",
    "marginal_effects",
    "network",
    "objective_profile",
    "oster",
    "placebo",
    "power",
    "sourcing",
    "tfp_density",
    "theme",
    "truth_table",
    "worlds",
    "xy",
]

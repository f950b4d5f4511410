"""Figures for publication.

Every function returns the matplotlib figure (or the axes it was given), shows nothing by itself,
and leaves matplotlib's settings as they were. Figures are not kept by pyplot: a notebook shows one
that a cell returns, and ``figure.savefig("name.pdf")`` writes it.
"""

from __future__ import annotations

from spillover.plot.coefficients import coefficients
from spillover.plot.io_table import io_table
from spillover.plot.linkages import linkages
from spillover.plot.production import elasticities, objective_profile, tfp_density
from spillover.plot.theme import theme

__all__ = [
    "coefficients",
    "elasticities",
    "io_table",
    "linkages",
    "objective_profile",
    "tfp_density",
    "theme",
]

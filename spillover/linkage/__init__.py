"""Horizontal, Backward and Forward presence of foreign firms."""

from spillover.linkage.attach import attach
from spillover.linkage.build import linkages
from spillover.linkage.definition import JAVORCIK_2004, LinkageDefinition
from spillover.linkage.result import Linkages

__all__ = ["JAVORCIK_2004", "LinkageDefinition", "Linkages", "attach", "linkages"]

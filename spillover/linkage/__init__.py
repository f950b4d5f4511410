"""Linkage measures: Horizontal, Backward, Forward, and what is made of them."""

from spillover.linkage.attach import attach
from spillover.linkage.build import linkages
from spillover.linkage.definition import JAVORCIK_2004, LinkageDefinition, LocalSourcing
from spillover.linkage.groups import FirmGroup
from spillover.linkage.operators import MEASURES
from spillover.linkage.result import Linkages

__all__ = [
    "JAVORCIK_2004",
    "MEASURES",
    "FirmGroup",
    "LinkageDefinition",
    "Linkages",
    "LocalSourcing",
    "attach",
    "linkages",
]

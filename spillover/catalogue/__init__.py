"""The study catalogue: each cited study as a runnable specification with what it published."""

from spillover.catalogue.index import Catalogue
from spillover.catalogue.replica import StudyReplica
from spillover.catalogue.result import StudyResult
from spillover.catalogue.study import (
    Citation,
    Column,
    Data,
    Equation,
    Events,
    Fact,
    Links,
    Moderator,
    Reading,
    Replica,
    Size,
    Study,
)

__all__ = [
    "Catalogue",
    "Citation",
    "Column",
    "Data",
    "Equation",
    "Events",
    "Fact",
    "Links",
    "Moderator",
    "Reading",
    "Replica",
    "Size",
    "Study",
    "StudyReplica",
    "StudyResult",
]

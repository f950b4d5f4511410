"""Input-output tables: reading, checking, shares, inverses, and concordances of their codes."""

from __future__ import annotations

from spillover.iotables.concordance import Concordance, concordance
from spillover.iotables.coverage import Coverage, coverage
from spillover.iotables.read import Layout, detect_format, read_io
from spillover.iotables.table import IOTable

__all__ = [
    "Concordance",
    "Coverage",
    "IOTable",
    "Layout",
    "concordance",
    "coverage",
    "detect_format",
    "read_io",
]

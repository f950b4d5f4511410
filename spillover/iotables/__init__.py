"""Input-output tables: reading, checking, shares, inverses, and concordances of their codes."""

from __future__ import annotations

from spillover.iotables.balanced_table import BalancedTable, balance_table
from spillover.iotables.balancing import Balanced, gras, ras
from spillover.iotables.concordance import Concordance
from spillover.iotables.coverage import Coverage, coverage
from spillover.iotables.detect import detect_format
from spillover.iotables.key_linkages import key_linkages
from spillover.iotables.read import Layout, from_pymrio, read_io
from spillover.iotables.shipped import concordance, concordances
from spillover.iotables.supply_use import SupplyUse
from spillover.iotables.table import IOTable

__all__ = [
    "Balanced",
    "BalancedTable",
    "Concordance",
    "Coverage",
    "IOTable",
    "Layout",
    "SupplyUse",
    "balance_table",
    "concordance",
    "concordances",
    "coverage",
    "detect_format",
    "from_pymrio",
    "gras",
    "key_linkages",
    "ras",
    "read_io",
]

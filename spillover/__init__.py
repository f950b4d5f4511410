"""Productivity spillovers of foreign direct investment, from firm data to estimates.

From firm panels and input-output tables to linkage measures, panel regressions, tables and
figures. Submodules are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spillover import (
        case,
        datasets,
        inference,
        moderators,
        panel,
        plot,
        production,
        simulate,
        tables,
    )
    from spillover.catalogue.index import studies
    from spillover.errors import (
        ConcordanceError,
        ConvergenceError,
        IdentificationError,
        SchemaError,
        SpilloverError,
        SpilloverWarning,
    )
    from spillover.firms import FirmPanel, PanelReport, read_firms
    from spillover.inference.placebo import Placebo, placebo
    from spillover.inference.power import power
    from spillover.iotables import (
        Concordance,
        Coverage,
        IOTable,
        SupplyUse,
        balance_table,
        concordance,
        concordances,
        coverage,
        gras,
        ras,
        read_io,
    )
    from spillover.linkage import (
        JAVORCIK_2004,
        MEASURES,
        FirmGroup,
        LinkageDefinition,
        Linkages,
        LocalSourcing,
        attach,
        linkages,
    )
    from spillover.panel import (
        FirstStage,
        Fit,
        Fits,
        Inference,
        Overidentification,
        fit,
        fit_many,
    )
    from spillover.production.api import productivity
    from spillover.production.deflate import deflate
    from spillover.production.inventory import perpetual_inventory
    from spillover.production.result import Productivity

_HOME = {
    "ConcordanceError": "errors",
    "ConvergenceError": "errors",
    "IdentificationError": "errors",
    "SchemaError": "errors",
    "SpilloverError": "errors",
    "SpilloverWarning": "errors",
    "FirmPanel": "firms",
    "PanelReport": "firms",
    "read_firms": "firms",
    "Placebo": "inference.placebo",
    "placebo": "inference.placebo",
    "power": "inference.power",
    "Concordance": "iotables",
    "Coverage": "iotables",
    "IOTable": "iotables",
    "SupplyUse": "iotables",
    "balance_table": "iotables",
    "concordance": "iotables",
    "concordances": "iotables",
    "coverage": "iotables",
    "gras": "iotables",
    "ras": "iotables",
    "read_io": "iotables",
    "JAVORCIK_2004": "linkage",
    "MEASURES": "linkage",
    "FirmGroup": "linkage",
    "LinkageDefinition": "linkage",
    "Linkages": "linkage",
    "LocalSourcing": "linkage",
    "attach": "linkage",
    "linkages": "linkage",
    "FirstStage": "panel",
    "Fit": "panel",
    "Fits": "panel",
    "Inference": "panel",
    "Overidentification": "panel",
    "fit": "panel",
    "fit_many": "panel",
    "Productivity": "production.result",
    "deflate": "production.deflate",
    "perpetual_inventory": "production.inventory",
    "productivity": "production.api",
    "studies": "catalogue.index",
}
_MODULES = (
    "case",
    "datasets",
    "inference",
    "moderators",
    "panel",
    "plot",
    "production",
    "simulate",
    "tables",
)

__all__ = [
    "JAVORCIK_2004",
    "MEASURES",
    "Concordance",
    "ConcordanceError",
    "ConvergenceError",
    "Coverage",
    "FirmGroup",
    "FirmPanel",
    "FirstStage",
    "Fit",
    "Fits",
    "IOTable",
    "IdentificationError",
    "Inference",
    "LinkageDefinition",
    "Linkages",
    "LocalSourcing",
    "Overidentification",
    "PanelReport",
    "Placebo",
    "Productivity",
    "SchemaError",
    "SpilloverError",
    "SpilloverWarning",
    "SupplyUse",
    "attach",
    "balance_table",
    "case",
    "concordance",
    "concordances",
    "coverage",
    "datasets",
    "deflate",
    "fit",
    "fit_many",
    "gras",
    "inference",
    "linkages",
    "moderators",
    "panel",
    "perpetual_inventory",
    "placebo",
    "plot",
    "power",
    "production",
    "productivity",
    "ras",
    "read_firms",
    "read_io",
    "simulate",
    "studies",
    "tables",
]

try:
    __version__ = version("spillover")
except PackageNotFoundError:  # a checkout that was not installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"spillover.{_HOME[name]}"), name)
    if name in _MODULES:
        return import_module(f"spillover.{name}")
    raise AttributeError(f"module 'spillover' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])

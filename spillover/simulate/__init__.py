"""Synthetic firm panels and input-output tables with known truth, for tests, power and teaching."""

from spillover.simulate._panel import panel
from spillover.simulate._result import Simulation
from spillover.simulate._table import io_table
from spillover.simulate.production import (
    AcfDesign,
    EndogenousDesign,
    GnrDesign,
    OpDesign,
    ProductionSimulation,
    production,
)
from spillover.simulate.worlds import WorldData, world
from spillover.simulate.worlds_design import WorldDesign

__all__ = [
    "AcfDesign",
    "EndogenousDesign",
    "GnrDesign",
    "OpDesign",
    "ProductionSimulation",
    "Simulation",
    "WorldData",
    "WorldDesign",
    "io_table",
    "panel",
    "production",
    "world",
]

"""The sectors, the worlds and the settings of :func:`spillover.simulate.world`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from spillover.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

World = Literal["textbook", "enclave", "paper"]
WORLDS: Mapping[str, str] = {
    "textbook": "foreign firms buy at home nearly what the table says",
    "enclave": "foreign firms import all inputs; suppliers gain nothing",
    "paper": "local content met on paper; few inputs from domestic makers",
}


class Sector(NamedTuple):
    """One sector: presence is the share of firms in foreign hands at the start and at the end."""

    code: str
    label: str
    kind: str
    first: float
    last: float
    imports: float
    exports: float


SECTORS = (
    Sector("OIL", "Oil", "extraction", 0.40, 0.45, 0.35, 0.80),
    Sector("GAS", "Gas", "extraction", 0.30, 0.38, 0.35, 0.60),
    Sector("ORE", "Metal ores", "extraction", 0.30, 0.34, 0.35, 0.60),
    Sector("COA", "Coal", "extraction", 0.10, 0.14, 0.30, 0.35),
    Sector("FOO", "Food", "processing", 0.06, 0.14, 0.30, 0.10),
    Sector("BEV", "Beverages and tobacco", "processing", 0.15, 0.25, 0.40, 0.05),
    Sector("CLO", "Textiles and clothing", "processing", 0.02, 0.05, 0.50, 0.15),
    Sector("WOO", "Wood and furniture", "processing", 0.02, 0.06, 0.45, 0.05),
    Sector("PAP", "Paper and printing", "processing", 0.03, 0.08, 0.50, 0.05),
    Sector("REF", "Refining", "processing", 0.15, 0.20, 0.20, 0.20),
    Sector("CHE", "Chemicals", "processing", 0.08, 0.20, 0.50, 0.40),
    Sector("PLA", "Rubber and plastics", "processing", 0.04, 0.12, 0.55, 0.05),
    Sector("MIN", "Building materials", "processing", 0.10, 0.24, 0.25, 0.05),
    Sector("MET", "Basic metals", "processing", 0.25, 0.30, 0.30, 0.70),
    Sector("FAB", "Metal products", "processing", 0.05, 0.14, 0.45, 0.10),
    Sector("MAC", "Machinery", "processing", 0.04, 0.12, 0.55, 0.15),
    Sector("ELE", "Electrical goods, assembled", "assembly", 0.06, 0.22, 0.75, 0.10),
    Sector("CAR", "Cars, assembled", "assembly", 0.06, 0.28, 0.85, 0.10),
    Sector("CON", "Construction", "services", 0.05, 0.14, 0.30, 0.01),
    Sector("TRD", "Trade", "services", 0.06, 0.14, 0.15, 0.05),
    Sector("TRA", "Transport", "services", 0.05, 0.08, 0.20, 0.20),
    Sector("BUS", "Business services", "services", 0.08, 0.16, 0.15, 0.05),
)


@dataclass(frozen=True, kw_only=True)
class WorldDesign:
    """What holds in all three worlds.

    Attributes
    ----------
    effect : float
        Log productivity of suppliers per unit (0 to 1) of purchases that foreign firms really make
        from them: 0.3 is 0.3 per cent a percentage point.
    selection : float
        Response of the log odds of foreign ownership to a standard deviation of demand (this and
        last year's): foreign firms come to industries and years that boom. 0: they do not.
    demand : float
        Response of measured productivity to demand in customers' industries, in log points per
        standard deviation: prices and use of capacity.
    firms_per_sector, years : int
    shock : float
        Standard deviation of persistent industry shocks to domestic firms, log points.
    noise : float
        The same for single firms and years.
    uncovered : float
        Part of the smaller domestic firms that the statistical office does not see.
    case_error : float
        Standard deviation of what a case study finds for local sourcing of a sector, around the
        truth.
    """

    effect: float = 0.3
    selection: float = 0.5
    demand: float = 0.03
    firms_per_sector: int = 40
    years: int = 10
    shock: float = 0.02
    noise: float = 0.1
    uncovered: float = 0.7
    case_error: float = 0.08

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not np.isfinite(value) or value < 0:
                raise SchemaError(f"{field.name}={value!r}: give a finite number of 0 or more.")
        if self.firms_per_sector < 10 or self.years < 5:
            raise SchemaError(
                f"firms_per_sector={self.firms_per_sector}, years={self.years}: give 10 or more "
                "firms and 5 or more years."
            )
        if self.uncovered > 1:
            raise SchemaError(f"uncovered={self.uncovered!r} is a share from 0 to 1.")

"""Regenerate ``data/demo``: a SYNTHETIC firm panel and input-output table.

    python data/make_demo.py [folder]

The files are the same on every run. The seed is the first one tried; effects, noise and size were
chosen so that a regression finds the effect along the supply chain (backward) and none within the
industry (horizontal). No firm, industry or country in these files exists, and the flows of the
input-output table are random: the industry names only make the tables readable.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import spillover as sp

if TYPE_CHECKING:
    from spillover.iotables import IOTable
    from spillover.simulate import Simulation

SEED = 2004
SETTINGS = {
    "firms_per_industry": 25,
    "years": range(2005, 2015),
    "regions": 6,
    "horizontal": 0.0,
    "backward": 0.5,
    "forward": 0.0,
    "foreign_share_of_firms": 0.22,
    "industry_shock": 0.03,
    "noise": 0.12,
}
INDUSTRIES = {
    "10": "Food products",
    "13": "Textiles",
    "14": "Clothing",
    "15": "Leather and footwear",
    "16": "Wood products",
    "17": "Paper",
    "18": "Printing",
    "20": "Chemicals",
    "21": "Pharmaceuticals",
    "22": "Rubber and plastics",
    "23": "Glass, cement, ceramics",
    "24": "Basic metals",
    "25": "Metal products",
    "26": "Electronics",
    "27": "Electrical equipment",
    "28": "Machinery",
    "29": "Motor vehicles",
    "30": "Other transport equipment",
    "31": "Furniture",
    "32": "Other manufacturing",
    "35": "Electricity and gas",
    "41": "Construction",
    "46": "Wholesale trade",
    "49": "Land transport",
}
COLUMNS = {
    "firm": "id",
    "industry": "nace2",
    "region": "region",
    "output": "sales",
    "exports": "export_sales",
    "employment": "employees",
    "capital": "fixed_assets",
    "materials": "materials",
    "investment": "capex",
    "wage_bill": "wages",
    "value_added": "value_added",
    "foreign_share": "for_pct",
    "origin": "owner_from",
}
UNIT = "million (synthetic)"
IO_SOURCE = "SYNTHETIC: data/make_demo.py of spillover; describes no country"


def demo_table(rng: np.random.Generator) -> IOTable:
    """Draw the table, name its sectors, round it, and keep it balanced."""
    drawn = sp.simulate.io_table(len(INDUSTRIES), rng=rng)
    domestic, imported = drawn.flows("domestic").round(1), drawn.flows("imported").round(1)
    final_demand, exports = drawn.final_demand.round(1), drawn.exports.round(1)
    return sp.IOTable.from_arrays(
        list(INDUSTRIES),
        domestic=domestic,
        imported=imported,
        final_demand=final_demand,
        exports=exports,
        output=(domestic.sum(axis=1) + final_demand + exports).round(1),
        unit=UNIT,
        source=IO_SOURCE,
    )


def demo_simulation() -> Simulation:
    """Draw the table and the firms from one stream of random numbers."""
    rng = np.random.default_rng(SEED)
    return sp.simulate.panel(io=demo_table(rng), rng=rng, **SETTINGS)


def user_columns(firms: pd.DataFrame) -> pd.DataFrame:
    """Round the panel and call its columns what a statistical office might."""
    money = ["output", "exports", "capital", "materials", "investment", "wage_bill"]
    frame = firms.copy()
    frame[money] = frame[money].round().astype("int64")
    frame["value_added"] = frame["output"] - frame["materials"]
    frame["employment"] = frame["employment"].round().clip(lower=1).astype("int64")
    frame["foreign_share"] = (100 * frame["foreign_share"]).round().astype("int64")
    frame["tfp"] = frame["tfp"].round(4)
    return frame.rename(columns=COLUMNS)


def mapping_text() -> str:
    """Write ``map.toml``: how to read the files."""
    columns = "\n".join(f'{ours} = "{theirs}"' for ours, theirs in COLUMNS.items())
    labels = "\n".join(f'{code} = "{label}"' for code, label in INDUSTRIES.items())
    return f"""# SYNTHETIC demonstration data. Written by data/make_demo.py.

[firms]
file = "firms.csv"
foreign_share_unit = "percent"

# canonical name = name in the file
[firms.columns]
{columns}

[io]
file = "io.csv"
format = "matrix"
unit = "{UNIT}"
source = "{IO_SOURCE}"

# how the table is laid out: the options of spillover.read_io
[io.layout]
flows = "domestic"
imported = "io_imported.csv"
final_demand = "final_demand"
exports = "exports"
output = "output"

[io.labels]
{labels}
"""


def truth_text(simulation: Simulation) -> str:
    """Write ``truth.json``: the true coefficients and the recipe."""
    truth = {name: simulation.truth[name] for name in ("horizontal", "backward", "forward")}
    return json.dumps(
        {
            "synthetic": True,
            "recipe": "data/make_demo.py",
            "seed": SEED,
            **truth,
            "elasticities": dict(simulation.truth["elasticities"]),
            "settings": dict(simulation.truth["settings"]),
        },
        indent=2,
    )


def write(folder: Path) -> None:
    """Write all files of the demonstration."""
    simulation = demo_simulation()
    io = simulation.io
    folder.mkdir(parents=True, exist_ok=True)
    firms = user_columns(simulation.firms)
    firms.to_csv(folder / "firms.csv", index=False, lineterminator="\n")
    sector = pd.Index(io.sectors, name="sector")
    domestic = pd.DataFrame(io.flows("domestic"), sector, list(io.sectors))
    uses = {"final_demand": io.final_demand, "exports": io.exports, "output": io.output}
    domestic.assign(**uses).to_csv(folder / "io.csv", lineterminator="\n")
    imported = pd.DataFrame(io.flows("imported"), sector, list(io.sectors))
    imported.to_csv(folder / "io_imported.csv", lineterminator="\n")
    (folder / "map.toml").write_text(mapping_text(), encoding="utf-8")
    (folder / "truth.json").write_text(truth_text(simulation) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "demo")

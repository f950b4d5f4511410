"""Lenaerts & Merlevede (2012, 2015, 2018): own sector; size of the foreign firm."""

from __future__ import annotations

from spillover.catalogue import draws
from spillover.catalogue.study import (
    Citation,
    Data,
    Equation,
    Fact,
    Links,
    Moderator,
    Replica,
    Study,
)
from spillover.linkage import FirmGroup, LinkageDefinition

SIZES = {
    "micro": (0.0, 10.0),
    "small": (10.0, 50.0),
    "medium": (50.0, 250.0),
    "large": (250.0, None),
}
BY_SIZE = " + ".join(f"backward_{size}" for size in SIZES)

STUDY = Study(
    id="lenaerts_merlevede",
    citation=Citation(
        authors=("Lenaerts", "Merlevede"),
        year=2015,
        title="Firm Size and Spillover Effects from Foreign Direct Investment: The Case of Romania",
        outlet="Small Business Economics 45(3), 595-611",
        doi="10.1007/s11187-015-9652-2",
        doi_status="verified",
    ),
    question="Does it matter whether the own sector counts, and how large the foreign firm is?",
    data=Data(
        country="Romania",
        years=Fact("", "open"),
        unit=Fact("manufacturing firms, panel"),
        source=Fact("Amadeus"),
        public="licensed",
    ),
    findings=(
        Fact(
            "Coarse tables: large horizontal, marginal backward effects. Detailed tables: backward "
            "dominates (2012)."
        ),
        Fact(
            "Counting the own sector's purchases enlarges backward and makes horizontal vanish, "
            "with detailed tables (2012)."
        ),
        Fact("Only medium-sized foreign firms give spillovers (2015)."),
        Fact("Only sufficiently productive foreign firms do (2018)."),
    ),
    equations=(
        Equation(
            name="excluded",
            table="Own sector (2012)",
            heading="left out",
            formula="tfp ~ horizontal + backward + log(demand) | firm + year",
            sample="domestic",
            note="Effects and clusters are ours.",
        ),
        Equation(
            name="included",
            table="Own sector (2012)",
            heading="counted",
            formula="tfp ~ horizontal + backward_own + log(demand) | firm + year",
            sample="domestic",
        ),
        Equation(
            name="size",
            table="Size of the foreign firm (2015)",
            heading="domestic",
            formula=f"tfp ~ horizontal + {BY_SIZE} + log(demand) | firm + year",
            sample="domestic",
        ),
    ),
    links=(
        Links(measures=("horizontal", "backward", "demand")),
        Links(
            definition=LinkageDefinition(own_sector="include"),
            measures=("backward",),
            suffix="_own",
        ),
        *(
            Links(
                definition=LinkageDefinition(foreign=FirmGroup.of_size(low, high)),
                measures=("backward",),
                suffix=f"_{size}",
                note="size classes of the EU: 10, 50, 250 employees (verified)",
            )
            for size, (low, high) in SIZES.items()
        ),
    ),
    labels={
        "backward_own": "Backward with own sector",
        **{f"backward_{size}": f"Backward, {size} foreign firms" for size in SIZES},
        "log(demand)": "ln demand",
        "tfp": "TFP",
    },
    productivity=Fact("total factor productivity of firms", "recalled"),
    tfp={"method": "lp", "output": "output", "free": ("employment",), "proxy": "materials"},
    estimator=Fact("", "open"),
    inference=Fact("", "open"),
    moderators=(
        Moderator("size", "employees of the foreign firm", "medium-sized only (2015)"),
        Moderator("productivity", "TFP of the foreign firm", "productive ones only (2018)"),
    ),
    replica_design=Replica(
        equation="included",
        truth={"backward_own": 0.6, "horizontal": 0.0},
        years=(2000, 2006),
        draws={"employment": draws.stretched("employment", 0.5, 1.2, by=("firm",))},
        note="The sign follows the abstract; size, years and firms are chosen. Leaving the own "
        "sector out of Backward then shows what Horizontal picks up.",
    ),
    decisions=("own_sector is an option of the definition: exclude, include, only.",),
    traps=("In coarse tables most trade of suppliers and buyers lies within a sector.",),
    criticism=("With the own sector in, Backward and Horizontal are hard to tell apart.",),
    versions=(
        "2012: Supply Chain Fragmentation and Spillovers from FDI, Ghent working paper 12/822.",
        "2018: Review of World Economics, doi 10.1007/s10290-017-0298-9.",
    ),
)

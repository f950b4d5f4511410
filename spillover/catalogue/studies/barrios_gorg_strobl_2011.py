"""Barrios, Görg & Strobl (2011): measurement of backward linkages, Ireland."""

from __future__ import annotations

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
from spillover.linkage import LinkageDefinition

HEADINGS = {"backward": "standard", "backward_domestic": "domestic inputs"}

STUDY = Study(
    id="barrios_gorg_strobl_2011",
    citation=Citation(
        authors=("Barrios", "Görg", "Strobl"),
        year=2011,
        title="Spillovers through Backward Linkages from Multinationals: Measurement Matters!",
        outlet="European Economic Review 55(6), 862-875",
        doi="10.1016/j.euroecorev.2010.10.002",
        doi_status="verified",
    ),
    question="Does it matter for the result how Backward is measured?",
    data=Data(
        country="Ireland",
        years=Fact("1980s and 1990s", "recalled"),
        unit=Fact("manufacturing plants, panel"),
        source=Fact("Forfas survey", "recalled"),
        public="confidential; the measures can be built for any country with a table of domestic "
        "and imported flows",
    ),
    findings=(
        Fact("With the standard measure there is no robust evidence."),
        Fact("With measures that drop its assumptions, backward effects are robustly positive."),
    ),
    equations=tuple(
        Equation(
            name="standard" if name == "backward" else "domestic",
            table="Measures of Backward",
            heading=heading,
            formula=f"tfp ~ {name} + horizontal | firm + year",
            sample="domestic",
            note="Controls, effects and clusters are recalled. Measures with the home country's "
            "coefficients and with local purchases of affiliates need data that a panel and a "
            "table do not hold.",
        )
        for name, heading in HEADINGS.items()
    ),
    links=(
        Links(measures=("horizontal", "backward")),
        Links(
            definition=LinkageDefinition(flows="domestic"),
            measures=("backward",),
            suffix="_domestic",
        ),
    ),
    labels={"backward_domestic": "Backward, domestic inputs", "tfp": "TFP"},
    productivity=Fact("total factor productivity of plants"),
    tfp={"method": "lp", "output": "output", "free": ("employment",), "proxy": "materials"},
    estimator=Fact("plant and year effects", "recalled"),
    inference=Fact("", "open"),
    moderators=(
        Moderator("origin", "the home country's coefficients", "part of the better measures"),
    ),
    replica_design=Replica(
        equation="domestic",
        truth={"backward_domestic": 0.5, "horizontal": 0.0},
        years=(2000, 2006),
        note="The sign follows the abstract; size, years and firms are chosen.",
    ),
    decisions=(
        "Three assumptions go: affiliates buy imported and domestic inputs alike; they buy like "
        "domestic firms; they buy in proportion to output.",
    ),
    traps=("Home-country tables need a concordance, and the same level of detail.",),
    criticism=("Measures that drop the assumptions need not stay between 0 and 1.",),
    versions=("Kiel 1560, CEPR 7491 and IZA 4477 (2009).",),
    successors=("lenaerts_merlevede",),
)

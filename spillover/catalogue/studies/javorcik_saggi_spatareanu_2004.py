"""Javorcik, Saggi & Spatareanu (2004): vertical spillovers by the investor's nationality."""

from __future__ import annotations

from spillover.catalogue.study import (
    Citation,
    Column,
    Data,
    Equation,
    Fact,
    Links,
    Moderator,
    Reading,
    Replica,
    Study,
)
from spillover.linkage import FirmGroup, LinkageDefinition

ORIGINS = {"european": "Europe", "american": "Americas", "asian": "Asia"}

STUDY = Study(
    id="javorcik_saggi_spatareanu_2004",
    citation=Citation(
        authors=("Javorcik", "Saggi", "Spatareanu"),
        year=2004,
        title="Does It Matter Where You Come From? Vertical Spillovers from FDI and the "
        "Nationality of Investors",
        outlet="World Bank Policy Research Working Paper 3449",
        doi="10.1596/1813-9450-3449",
        doi_status="verified",
    ),
    question="Do Romanian suppliers gain more from American and Asian than from European "
    "investors?",
    data=Data(
        country="Romania",
        years=Fact("1998-2000", "recalled"),
        unit=Fact("firms, panel", "recalled"),
        source=Fact("Amadeus", "recalled"),
        public="licensed",
    ),
    findings=(
        Fact("American and Asian presence downstream goes with higher productivity of suppliers."),
        Fact("European presence downstream goes with lower productivity."),
        Fact("The origins differ significantly."),
    ),
    equations=(
        Equation(
            name="origins",
            table="Backward by origin",
            heading="domestic",
            formula="tfp ~ backward_american + backward_asian + backward_european + herfindahl "
            "| firm + year",
            sample="domestic",
            note="Effects, controls and clusters are recalled.",
        ),
    ),
    links=(
        Links(measures=("herfindahl",)),
        *(
            Links(
                definition=LinkageDefinition(foreign=FirmGroup.origin(place)),
                measures=("backward",),
                suffix=f"_{name}",
                note="the largest owner decides the origin (recalled)",
            )
            for name, place in ORIGINS.items()
        ),
    ),
    columns=(
        Column(
            name="origin",
            meaning="bloc of the largest foreign owner: Europe, Americas, Asia; empty if domestic",
            unit="name",
        ),
    ),
    labels={
        "backward_american": "Backward, American",
        "backward_asian": "Backward, Asian",
        "backward_european": "Backward, European",
        "herfindahl": "Herfindahl",
    },
    productivity=Fact("total factor productivity of firms", "recalled"),
    estimator=Fact("panel regression with firm effects", "recalled"),
    inference=Fact("clustered by industry-year", "recalled"),
    moderators=(
        Moderator(
            "origin",
            "Backward of investors from each bloc",
            "American and Asian positive, European negative",
        ),
        Moderator(
            "trade agreement",
            "tariff preference and distance, offered as reasons together",
            "not told apart",
        ),
    ),
    readings=(
        Reading(
            sections="3.4",
            thesis="Preferential trade agreements shape the size of spillovers.",
            source="Tariff preferences and distance are named together as reasons why investors "
            "from outside Europe source more locally.",
            verdict="partly",
            why="The paper does not separate the agreement from distance.",
        ),
    ),
    replica_design=Replica(
        equation="origins",
        truth={"backward_american": 0.6, "backward_asian": 0.4, "backward_european": -0.4},
        firms_per_industry=60,
        years=(2000, 2005),
        foreign_share_of_firms=0.3,
        note="Signs follow the abstract; sizes, years and firms are chosen.",
    ),
    traps=(
        "The article of 2011 no longer has the negative European effect: never mix the two.",
        "An owner from several blocs needs a rule.",
    ),
    criticism=("Origin stands for the Association Agreement with the EU as much as for distance.",),
    versions=("Superseded by Javorcik & Spatareanu (2011).",),
    successors=("javorcik_spatareanu_2011",),
)

"""Sjöholm (1999): technology gap, competition and spillovers in Indonesia."""

from __future__ import annotations

from spillover import moderators
from spillover.catalogue import derive, draws
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

CONTROLS = "log(capital_per_worker) + log(employment) + skill"
NOTE = "Cross-section; presence, gap and controls are recalled, sector clusters are ours."

STUDY = Study(
    id="sjoholm_1999",
    citation=Citation(
        authors=("Sjöholm",),
        year=1999,
        title="Technology Gap, Competition and Spillovers from Direct Foreign Investment: Evidence "
        "from Establishment Data",
        outlet="Journal of Development Studies 36(1), 53-73",
        doi="10.1080/00220389908422611",
        doi_status="verified",
    ),
    question="Are spillovers larger where competition is strong, and where the gap is wide?",
    data=Data(
        country="Indonesia",
        years=Fact("1980 and 1991", "recalled"),
        unit=Fact("establishments, cross-section and growth", "recalled"),
        source=Fact("establishment census", "recalled"),
        sectors=Fact("four- and five-digit ISIC, districts", "recalled"),
        public="none",
    ),
    findings=(
        Fact("Local establishments benefit from foreign presence."),
        Fact("More so in competitive sectors."),
        Fact("More so where the technology gap is larger."),
    ),
    equations=(
        Equation(
            name="level",
            table="Value added per worker",
            heading="domestic",
            formula=f"log(value_added_per_worker) ~ horizontal + {CONTROLS}",
            sample="domestic",
            cluster="industry",
            note=NOTE,
        ),
        Equation(
            name="competition",
            table="Value added per worker",
            heading="by competition",
            formula="log(value_added_per_worker) ~ horizontal + herfindahl + horizontal:herfindahl "
            f"+ {CONTROLS}",
            sample="domestic",
            cluster="industry",
            note=NOTE,
        ),
        Equation(
            name="gap",
            table="Value added per worker",
            heading="by gap",
            formula=f"log(value_added_per_worker) ~ horizontal + gap + horizontal:gap + {CONTROLS}",
            sample="domestic",
            cluster="industry",
            note=NOTE,
        ),
    ),
    links=(Links(measures=("horizontal", "herfindahl"), note="share of output (recalled)"),),
    columns=(
        Column(
            name="value_added_per_worker",
            meaning="value added per employee",
            unit="money",
            make=derive.ratio("value_added", "employment"),
            needs=("value_added", "employment"),
        ),
        Column(
            name="capital_per_worker",
            meaning="capital per employee",
            unit="money",
            make=derive.ratio("capital", "employment"),
            needs=("capital", "employment"),
        ),
        Column(name="skill", meaning="white-collar part of employees", unit="share", optional=True),
        Column(
            name="gap",
            meaning="log output per worker of the industry's foreign firms over the firm's own",
            unit="log",
            make=derive.moderator(
                moderators.technology_gap, "gap", productivity=("output", "employment")
            ),
            needs=("output", "employment", "foreign_share", "industry", "year"),
        ),
    ),
    labels={
        "herfindahl": "Herfindahl",
        "gap": "technology gap",
        "log(value_added_per_worker)": "ln value added per employee",
    },
    productivity=Fact("value added per employee", "recalled"),
    estimator=Fact("least squares on a cross-section and on growth", "recalled"),
    inference=Fact("", "open"),
    moderators=(
        Moderator("competition", "Herfindahl and protection", "domestic competition raises it"),
        Moderator(
            "technology gap", "output per worker, foreign over local", "a wider gap raises it"
        ),
    ),
    readings=(
        Reading(
            sections="3.4",
            thesis="The degree of competition decides on spillovers.",
            source="Spillovers are larger in competitive sectors, and where the gap is wider.",
            verdict="partly",
            why="The second result, which most later work contradicts, is left out; the working "
            "paper of 1997 calls it unclear.",
        ),
    ),
    replica_design=Replica(
        equation="competition",
        truth={"horizontal": 0.8, "horizontal:herfindahl": -2.0},
        controls={"log(capital_per_worker)": 0.3, "herfindahl": 0.0, "skill": 0.3},
        focus="horizontal",
        industries=60,
        firms_per_industry=40,
        years=(2000, 2001),
        cross_section=True,
        draws={"skill": draws.uniform(0.05, 0.5)},
        note="Signs follow the abstract; sizes, sectors and year are chosen.",
    ),
    traps=(
        "Presence has one value a sector: sectors are the sample.",
        "A gap made of the outcome's own data is tied to it by construction.",
    ),
    criticism=("A cross-section holds no sector fixed.",),
    versions=("The working paper of 1997 finds no effect of import competition.",),
)

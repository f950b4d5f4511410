"""Kinuthia (2016): technology spillovers in Kenya and Malaysia."""

from __future__ import annotations

from spillover import moderators
from spillover.catalogue import derive
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
from spillover.linkage import LinkageDefinition

STUDY = Study(
    id="kinuthia_2016",
    citation=Citation(
        authors=("Kinuthia",),
        year=2016,
        title="Technology Spillovers: Kenya and Malaysia Compared",
        outlet="Journal of International Trade & Economic Development 25(4), 536-569",
        doi="10.1080/09638199.2015.1084524",
        doi_status="verified",
    ),
    question="Through which channels do manufacturers in Kenya and Malaysia gain or lose?",
    data=Data(
        country="Kenya and Malaysia",
        years=Fact("2000-2005"),
        unit=Fact("manufacturing firms, two panels"),
        public="not confirmed",
    ),
    findings=(
        Fact("Kenya: a limited negative effect of competition."),
        Fact("Malaysia: positive demonstration, negative competition, negative backward effects."),
        Fact("Effects depend on the technology gap."),
    ),
    equations=(
        Equation(
            name="kenya",
            table="Kenya",
            heading="domestic",
            formula="tfp ~ horizontal + herfindahl | firm + year",
            sample="domestic",
            note="How demonstration, competition and information are told apart is recalled.",
        ),
        Equation(
            name="malaysia",
            table="Malaysia",
            heading="domestic",
            formula="tfp ~ horizontal + backward + herfindahl | firm + year",
            sample="domestic",
        ),
        Equation(
            name="gap",
            table="Malaysia",
            heading="by gap",
            formula="tfp ~ horizontal + horizontal:gap + backward + backward:gap + gap "
            "+ herfindahl | firm + year",
            sample="domestic",
            note="That effects depend on the gap is verified; its measure and the form are ours.",
        ),
    ),
    links=(
        Links(
            definition=LinkageDefinition(threshold=0.1),
            measures=("horizontal", "backward", "herfindahl"),
            note="a national line of foreign ownership is verified, its 10 percent recalled",
        ),
    ),
    columns=(
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
    labels={"herfindahl": "Herfindahl", "gap": "technology gap", "tfp": "TFP"},
    productivity=Fact("Levinsohn-Petrin", "recalled"),
    tfp={"method": "lp", "output": "output", "free": ("employment",), "proxy": "materials"},
    estimator=Fact("panel regression", "recalled"),
    inference=Fact("", "open"),
    moderators=(Moderator("technology gap", "distance to foreign firms", "decides on the sign"),),
    readings=(
        Reading(
            sections="3.4",
            thesis="The technology gap decides on spillovers.",
            source="It does; and backward effects in Malaysia are negative.",
            verdict="partly",
            why="The main result contradicts the thesis's own statement that vertical evidence is "
            "consistently positive, and is left out.",
        ),
    ),
    replica_design=Replica(
        equation="malaysia",
        truth={"horizontal": 0.3, "backward": -0.5},
        controls={"herfindahl": 0.0},
        years=(2000, 2005),
        note="Years and signs follow the abstract; sizes are chosen.",
    ),
    traps=("Two countries with different surveys: differences may lie in the data.",),
    criticism=("Two countries cannot tell which of their many differences matters.",),
)

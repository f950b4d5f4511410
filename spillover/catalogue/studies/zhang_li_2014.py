"""Zhang & Li (2014), most likely Zhang, Li & Li (2014): spillovers over time in China."""

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

TENURE = "tenure + I(tenure ** 2)"

STUDY = Study(
    id="zhang_li_2014",
    citation=Citation(
        authors=("Zhang", "Li", "Li"),
        year=2014,
        title="FDI Spillovers over Time in an Emerging Market: The Roles of Entry Tenure and "
        "Barriers to Imitation",
        outlet="Academy of Management Journal 57(3), 698-722",
        doi="10.5465/amj.2011.0351",
        doi_status="verified",
    ),
    question="Does productivity of domestic firms rise with the time that foreign firms have been "
    "in the industry?",
    data=Data(
        country="China",
        years=Fact("1998-2007"),
        unit=Fact("manufacturing firms, panel"),
        source=Fact("census of the statistical office", "recalled"),
        public="circulates, but is not licensed for open use",
    ),
    findings=(
        Fact("Tenure of foreign firms raises domestic productivity at a falling rate."),
        Fact("More so where they export less, hold fewer intangibles and entered regularly."),
    ),
    equations=(
        Equation(
            name="tenure",
            table="Productivity and tenure",
            heading="domestic",
            formula=f"tfp ~ {TENURE} + horizontal | firm + year",
            sample="domestic",
            note="Effects, controls and clusters are ours.",
        ),
        Equation(
            name="imitation",
            table="Productivity and tenure",
            heading="by foreign exports",
            formula=f"tfp ~ {TENURE} + tenure:foreign_exports + foreign_exports + horizontal "
            "| firm + year",
            sample="domestic",
        ),
    ),
    links=(Links(measures=("horizontal",)),),
    columns=(
        Column(
            name="foreign_age",
            meaning="years since the firm was first foreign",
            unit="years",
            make=derive.moderator(
                moderators.age, "foreign_age", since="foreign", name="foreign_age"
            ),
            needs=("firm", "year", "foreign_share"),
        ),
        Column(
            name="tenure",
            meaning="mean years since entry of the industry's foreign firms, 0 without one",
            unit="years",
            make=derive.moderator(
                moderators.foreign_mean, "tenure", column="foreign_age", empty=0.0, name="tenure"
            ),
            needs=("foreign_age", "foreign_share", "industry", "year"),
        ),
        Column(
            name="export_share",
            meaning="exports over output",
            unit="share",
            make=derive.ratio("exports", "output"),
            needs=("exports", "output"),
        ),
        Column(
            name="foreign_exports",
            meaning="exports over output of the industry's foreign firms",
            unit="share",
            make=derive.moderator(
                moderators.foreign_mean,
                "foreign_exports",
                column="export_share",
                weight="output",
                name="foreign_exports",
            ),
            needs=("export_share", "output", "foreign_share", "industry", "year"),
        ),
    ),
    labels={
        "tenure": "Tenure of foreign firms",
        "I(tenure ** 2)": "Tenure squared",
        "foreign_exports": "exports of foreign firms",
        "tfp": "TFP",
    },
    productivity=Fact("total factor productivity", "recalled"),
    tfp={"method": "lp", "output": "output", "free": ("employment",), "proxy": "materials"},
    estimator=Fact("panel regression", "recalled"),
    inference=Fact("", "open"),
    moderators=(
        Moderator("age of entry", "tenure and its square", "positive, falling"),
        Moderator("exports", "export intensity of foreign firms", "dampens"),
        Moderator("R&D", "intangible assets of foreign firms", "dampens"),
    ),
    readings=(
        Reading(
            sections="3.4",
            thesis="Advanced domestic firms may imitate what multinationals do.",
            source="Barriers to imitation dampen the gain from tenure.",
            verdict="uncertain",
            why="The thesis has no list of references; the candidate has three authors, two are "
            "cited.",
        ),
    ),
    replica_design=Replica(
        equation="tenure",
        truth={"tenure": 0.08, "I(tenure ** 2)": -0.006},
        controls={"horizontal": 0.1},
        focus="tenure",
        firms_per_industry=50,
        years=(1998, 2007),
        note="Years and signs follow the candidate; sizes are chosen.",
    ),
    traps=("Entry before the first year of the panel is not seen: tenure starts at zero there.",),
    criticism=("Tenure rises with the calendar: year effects carry much of it.",),
    successors=("merlevede_schoors_spatareanu_2014",),
)

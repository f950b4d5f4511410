"""Takii (2005): characteristics of foreign plants and spillovers in Indonesia."""

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

INPUTS = "log(capital) + log(employment)"

STUDY = Study(
    id="takii_2005",
    citation=Citation(
        authors=("Takii",),
        year=2005,
        title="Productivity Spillovers and Characteristics of Foreign Multinational Plants in "
        "Indonesian Manufacturing 1990-1995",
        outlet="Journal of Development Economics 76(2), 521-542",
        doi="10.1016/j.jdeveco.2004.01.006",
        doi_status="recalled",
    ),
    question="Do spillovers depend on how much of their affiliates foreigners own, and on the gap?",
    data=Data(
        country="Indonesia",
        years=Fact("1990-1995"),
        unit=Fact("manufacturing plants, unbalanced panel", "recalled"),
        public="sold by the statistical office",
    ),
    findings=(
        Fact("Presence raises the productivity of local plants.", "recalled"),
        Fact("Less so where foreign plants are wholly or majority owned.", "recalled"),
        Fact("Less so where the gap is larger.", "recalled"),
    ),
    equations=(
        Equation(
            name="presence",
            table="Value added",
            heading="domestic",
            formula=f"log(value_added) ~ horizontal + {INPUTS} | firm + year",
            sample="domestic",
            note="Weights, effects and clusters are recalled.",
        ),
        Equation(
            name="ownership",
            table="Value added",
            heading="by ownership",
            formula="log(value_added) ~ horizontal + horizontal:ownership_degree "
            f"+ {INPUTS} | firm + year",
            sample="domestic",
        ),
        Equation(
            name="gap",
            table="Value added",
            heading="by gap",
            formula=f"log(value_added) ~ horizontal + horizontal:gap + {INPUTS} | firm + year",
            sample="domestic",
        ),
        Equation(
            name="age",
            table="Value added",
            heading="by age",
            formula="log(value_added) ~ horizontal + horizontal:foreign_tenure "
            f"+ {INPUTS} | firm + year",
            sample="domestic",
            note="That age matters is recalled; its measure here is ours.",
        ),
    ),
    links=(Links(definition=LinkageDefinition(weight="employment"), measures=("horizontal",)),),
    columns=(
        Column(
            name="foreign_age",
            meaning="years since the plant was first foreign",
            unit="years",
            make=derive.moderator(
                moderators.age, "foreign_age", since="foreign", name="foreign_age"
            ),
            needs=("firm", "year", "foreign_share"),
        ),
        Column(
            name="foreign_tenure",
            meaning="mean years since entry of the industry's foreign plants",
            unit="years",
            make=derive.moderator(
                moderators.foreign_mean,
                "foreign_tenure",
                column="foreign_age",
                empty=0.0,
                name="foreign_tenure",
            ),
            needs=("foreign_age", "foreign_share", "industry", "year"),
        ),
        Column(
            name="majority_owned",
            meaning="1 if foreigners own half or more",
            make=derive.moderator(moderators.ownership, "majority_owned", kinds=("majority",)),
            needs=("foreign_share",),
        ),
        Column(
            name="ownership_degree",
            meaning="part of the industry's foreign employment in majority-owned plants; missing "
            "without foreign plants",
            unit="share",
            make=derive.moderator(
                moderators.foreign_mean,
                "ownership_degree",
                column="majority_owned",
                weight="employment",
                name="ownership_degree",
            ),
            needs=("majority_owned", "employment", "foreign_share", "industry", "year"),
        ),
        Column(
            name="gap",
            meaning="log output per worker of the industry's foreign plants over the plant's own",
            unit="log",
            make=derive.moderator(
                moderators.technology_gap, "gap", productivity=("output", "employment")
            ),
            needs=("output", "employment", "foreign_share", "industry", "year"),
        ),
    ),
    labels={
        "foreign_tenure": "years since entry",
        "ownership_degree": "majority-owned part",
        "gap": "technology gap",
        "log(value_added)": "ln value added",
    },
    productivity=Fact("log value added on capital and labour", "recalled"),
    estimator=Fact("panel with plant or industry effects", "recalled"),
    inference=Fact("", "open"),
    moderators=(
        Moderator(
            "ownership", "part of foreign activity in majority-owned plants", "negative", "recalled"
        ),
        Moderator(
            "technology gap", "output per worker, foreign over local", "negative", "recalled"
        ),
        Moderator(
            "age",
            "years since foreign entry in the industry",
            "newer plants differ",
            "recalled",
        ),
    ),
    readings=(
        Reading(
            sections="3.4",
            thesis="In Indonesia, 1990-1995, spillovers are smaller where foreign ownership is "
            "high; full control of staff keeps knowledge in.",
            source="Majority and full ownership reduce the spillover.",
            verdict="agrees",
            why="From memory; the text was not at hand.",
            status="recalled",
        ),
    ),
    replica_design=Replica(
        equation="ownership",
        truth={"horizontal": 0.5, "horizontal:ownership_degree": -0.4},
        controls={"log(capital)": 0.3, "log(employment)": 0.6},
        focus="horizontal",
        firms_per_industry=60,
        years=(1990, 1995),
        note="Years follow the paper, signs are recalled, sizes chosen.",
    ),
    decisions=("The degree of ownership exists only where there are foreign plants.",),
    traps=("A share of shares: state the rule for industries without foreign plants.",),
    criticism=("Gap and outcome come from the same productivity data.",),
)

"""Blalock & Simon (2009): which Indonesian suppliers gain from downstream investment."""

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
    Replica,
    Size,
    Study,
)
from spillover.linkage import LinkageDefinition

STUDY = Study(
    id="blalock_simon_2009",
    citation=Citation(
        authors=("Blalock", "Simon"),
        year=2009,
        title="Do All Firms Benefit Equally from Downstream FDI? The Moderating Effect of Local "
        "Suppliers' Capabilities on Productivity Gains",
        outlet="Journal of International Business Studies 40(7), 1095-1112 (recalled)",
    ),
    question="Do suppliers with fewer capabilities gain more from foreign customers?",
    data=Data(
        country="Indonesia",
        years=Fact("1988-1996"),
        unit=Fact("manufacturing plants, panel"),
        sizes=(Size("Table 4", 101269),),
        public="sold by the statistical office",
    ),
    findings=(Fact("Backward is positive, Horizontal insignificant (Table 4)."),),
    equations=(
        Equation(
            name="t4",
            table="Table 4",
            heading="domestic",
            formula="log(real_output) ~ backward + horizontal + log(capital) + log(employment) "
            "+ log(materials) | firm + year",
            sample="domestic",
            note="Inputs and effects are taken from Blalock & Gertler (2008), inferred.",
        ),
        Equation(
            name="capabilities",
            table="By capability",
            heading="domestic",
            formula="log(real_output) ~ backward + backward:absorptive_capacity "
            "+ horizontal + log(capital) + log(employment) "
            "+ log(materials) | firm + year",
            sample="domestic",
            note="The title says that capabilities moderate Backward; which, and how, is not known "
            "here. Output per worker relative to the best plant, at entry, stands in.",
        ),
    ),
    links=(
        Links(
            definition=LinkageDefinition(region="own", vintage="interpolate"),
            measures=("horizontal", "backward"),
            note="as Blalock & Gertler (2008), inferred",
        ),
    ),
    columns=(
        Column(
            name="absorptive_capacity",
            meaning="output per employee over that of the industry's best plant, in the plant's "
            "first year",
            unit="ratio",
            make=derive.moderator(
                moderators.absorptive_capacity,
                "absorptive_capacity",
                productivity=("output", "employment"),
                at="entry",
            ),
            needs=("firm", "year", "industry", "output", "employment"),
        ),
    ),
    moderators=(
        Moderator("absorptive capacity", "suppliers' capabilities", "in the title", "inferred"),
    ),
    labels={
        "log(real_output)": "ln output",
        "absorptive_capacity": "Absorptive capacity",
    },
    productivity=Fact("one step"),
    estimator=Fact("plant and year effects", "inferred"),
    replica_design=Replica(
        equation="t4",
        firms_per_industry=120,
        industries=30,
        regions=4,
        years=(1988, 1996),
        note="Years follow the study; industries and a third of its plants are drawn.",
    ),
    traps=("Known here by the published coding of one table only.",),
    criticism=("See blalock_gertler_2008.",),
)

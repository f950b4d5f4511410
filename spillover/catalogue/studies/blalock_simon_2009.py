"""Blalock & Simon (2009): which Indonesian suppliers gain from downstream investment."""

from __future__ import annotations

from spillover.catalogue.study import (
    Citation,
    Data,
    Equation,
    Fact,
    Links,
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
    ),
    links=(
        Links(
            definition=LinkageDefinition(region="own", vintage="interpolate"),
            measures=("horizontal", "backward"),
            note="as Blalock & Gertler (2008), inferred",
        ),
    ),
    labels={"log(real_output)": "ln output"},
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

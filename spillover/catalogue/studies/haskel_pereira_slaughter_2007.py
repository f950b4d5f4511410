"""Haskel, Pereira & Slaughter (2007): inward investment and British plants."""

from __future__ import annotations

from spillover.catalogue.study import (
    Citation,
    Data,
    Equation,
    Fact,
    Links,
    Replica,
    Study,
)
from spillover.linkage import LinkageDefinition

INPUTS = "log(capital) + log(employment) + log(materials)"

STUDY = Study(
    id="haskel_pereira_slaughter_2007",
    citation=Citation(
        authors=("Haskel", "Pereira", "Slaughter"),
        year=2007,
        title="Does Inward Foreign Direct Investment Boost the Productivity of Domestic Firms?",
        outlet="Review of Economics and Statistics 89(3), 482-496",
        doi="10.1162/rest.89.3.482",
        doi_status="verified",
    ),
    question="Do British plants gain from foreign plants in their industry and region?",
    data=Data(
        country="United Kingdom",
        years=Fact("1973-1992"),
        unit=Fact("plants, panel", "recalled"),
        source=Fact("census of production", "recalled"),
        public="secure laboratory only",
    ),
    findings=(
        Fact("Ten points more foreign presence raise domestic TFP by half a percent."),
        Fact("No regional effect (working paper)."),
        Fact("The gain per job is below what subsidies cost."),
    ),
    equations=(
        Equation(
            name="plants",
            table="Differences",
            heading="one year",
            formula=f"log(real_output) ~ horizontal + {INPUTS} | year",
            sample="domestic",
            transform="first_difference",
            note="Employment weights, controls and clusters are recalled; published: the effect in "
            "the abstract, without standard error.",
        ),
        *(
            Equation(
                name=f"plants_{years}",
                table="Differences",
                heading=f"{years} years",
                formula=f"log(real_output) ~ horizontal + {INPUTS} | year",
                sample="domestic",
                transform="long_difference",
                options=(("length", years),),
            )
            for years in (3, 5)
        ),
    ),
    links=(Links(definition=LinkageDefinition(weight="employment"), measures=("horizontal",)),),
    labels={
        "horizontal": "Foreign share of employment",
        "log(real_output)": "ln output",
        "log(capital)": "ln capital",
        "log(employment)": "ln employment",
        "log(materials)": "ln materials",
    },
    productivity=Fact("output on inputs, in differences"),
    estimator=Fact("differences of one, three and five years; instruments", "recalled"),
    inference=Fact("clustered by industry-year", "recalled"),
    replica_design=Replica(
        equation="plants",
        focus="horizontal",
        firms_per_industry=60,
        years=(1985, 1992),
        note="The published effect; eight of its twenty years, firms drawn. No standard error is "
        "printed in the source at hand, so the noise is chosen.",
    ),
    traps=(
        "Take-overs change which plants are domestic: define it over the whole difference.",
        "Plants taken over move presence and their own productivity at once.",
    ),
    criticism=("Foreign entry follows expected growth of the industry.",),
    versions=("NBER working paper 8724.",),
)

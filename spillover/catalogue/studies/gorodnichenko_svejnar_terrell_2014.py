"""Gorodnichenko, Svejnar & Terrell (2007, 2014): when spillovers are positive, 17 economies."""

from __future__ import annotations

from spillover import moderators
from spillover.catalogue import derive, draws
from spillover.catalogue.study import (
    Citation,
    Column,
    Data,
    Equation,
    Fact,
    Moderator,
    Reading,
    Replica,
    Study,
)

FIRM = "sales_to_foreign + export_share + bought_from_foreign + import_share"
GROWTH = "capital_growth + employment_growth + materials_growth"
EFFECTS = "country + industry"
NOTE = "Names of the measures, effects and clusters are recalled."


def _growth(name: str) -> Column:
    return Column(
        name=f"{name}_growth",
        meaning=f"log growth of {name} over three years",
        unit="log",
        make=derive.log_growth(name, years=3),
        needs=("firm", "year", name),
    )


STUDY = Study(
    id="gorodnichenko_svejnar_terrell_2014",
    citation=Citation(
        authors=("Gorodnichenko", "Svejnar", "Terrell"),
        year=2014,
        title="When Does FDI Have Positive Spillovers? Evidence from 17 Transition Market "
        "Economies",
        outlet="Journal of Comparative Economics 42(4), 954-969",
        doi="10.1016/j.jce.2014.08.003",
        doi_status="recalled",
    ),
    question="Which firms gain from foreign customers, suppliers and competitors?",
    data=Data(
        country="17 transition economies",
        years=Fact("2002-2005"),
        unit=Fact("firms, survey"),
        source=Fact("BEEPS of EBRD and World Bank, with national input-output tables", "recalled"),
        public="after registration; whether Kazakhstan is among the 17 is open",
    ),
    findings=(
        Fact("Backward effects are consistently positive (2007 and 2014)."),
        Fact("Horizontal and forward effects are not consistent (2014)."),
        Fact("Older firms and service firms gain horizontally and forward (2007)."),
        Fact("Distance to the frontier dampens horizontal effects in manufacturing (2007)."),
    ),
    equations=(
        Equation(
            name="channels",
            table="Growth of sales",
            heading="domestic",
            formula=f"output_growth ~ {FIRM} + horizontal_country + {GROWTH} | {EFFECTS}",
            sample="domestic",
            cluster="country^industry",
            note=NOTE,
        ),
        Equation(
            name="age",
            table="Growth of sales",
            heading="by age",
            formula=f"output_growth ~ {FIRM} + horizontal_country + horizontal_country:old + old "
            f"+ {GROWTH} | {EFFECTS}",
            sample="domestic",
            cluster="country^industry",
            note=NOTE,
        ),
        Equation(
            name="frontier",
            table="Growth of sales",
            heading="by gap",
            formula=f"output_growth ~ {FIRM} + horizontal_country + horizontal_country:gap + gap "
            f"+ {GROWTH} | {EFFECTS}",
            sample="domestic",
            cluster="country^industry",
            note=NOTE,
        ),
    ),
    columns=(
        *(_growth(name) for name in ("output", "capital", "employment", "materials")),
        Column(
            name="sales_to_foreign",
            meaning="part of sales that goes to multinationals in the country (backward)",
            unit="share",
        ),
        Column(
            name="export_share",
            meaning="exports over sales",
            unit="share",
            make=derive.ratio("exports", "output"),
            needs=("exports", "output"),
        ),
        Column(
            name="bought_from_foreign",
            meaning="part of inputs bought from multinationals in the country (forward)",
            unit="share",
            optional=True,
        ),
        Column(name="import_share", meaning="imported part of inputs", unit="share", optional=True),
        Column(
            name="horizontal_country",
            meaning="output-weighted foreign share of the industry in the country",
            unit="share",
            make=derive.country_presence,
            needs=("country", "industry", "year", "foreign_share", "output"),
        ),
        Column(name="old", meaning="1 if founded before transition", optional=True),
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
        "sales_to_foreign": "Sales to multinationals",
        "export_share": "Export share",
        "bought_from_foreign": "Bought from multinationals",
        "import_share": "Imported inputs",
        "horizontal_country": "Horizontal",
        "old": "old firm",
        "gap": "technology gap",
        "output_growth": "growth of sales",
    },
    productivity=Fact("growth of sales on growth of inputs"),
    estimator=Fact("least squares with country and industry effects", "recalled"),
    inference=Fact("", "open"),
    moderators=(
        Moderator("age", "firms from before transition", "gain horizontally and forward (2007)"),
        Moderator("services", "service firms", "gain horizontally and forward (2007)"),
        Moderator(
            "technology gap", "distance to the frontier", "dampens horizontal effects (2007)"
        ),
        Moderator("human capital", "part of employees with a degree", "no extra gain (2007)"),
        Moderator("origin", "OECD and other home countries", "no larger effect (2007)"),
    ),
    readings=(
        Reading(
            sections="3.4",
            thesis="The age of domestic firms shapes spillovers (cited by the version of 2007).",
            source="2007: older firms gain horizontally and forward. 2014: only backward effects "
            "are consistent; age is no longer in the abstract.",
            verdict="agrees",
            why="Right for the version cited; the published article puts the weight elsewhere.",
        ),
    ),
    replica_design=Replica(
        equation="channels",
        truth={"sales_to_foreign": 0.2, "horizontal_country": 0.0, "bought_from_foreign": 0.0},
        controls={
            "capital_growth": 0.15,
            "employment_growth": 0.3,
            "materials_growth": 0.5,
        },
        focus="sales_to_foreign",
        firms_per_industry=150,
        years=(2002, 2003),
        cross_section=True,
        draws={
            "country": draws.names([f"C{number:02d}" for number in range(1, 18)], by=("firm",)),
            "sales_to_foreign": draws.uniform(0.0, 0.6),
            "bought_from_foreign": draws.uniform(0.0, 0.4),
            "import_share": draws.uniform(0.0, 0.6),
            "old": draws.binary(0.3, by=("firm",)),
            **{
                f"{name}_growth": draws.uniform(-0.3, 0.6)
                for name in ("capital", "employment", "materials")
            },
        },
        note="17 countries as in the paper; signs follow the abstract, sizes are chosen.",
    ),
    decisions=("Backward is what the firm itself reports to sell to multinationals, no table.",),
    traps=(
        "Whom a firm sells to is its choice: reported sales are not like a table's shares.",
        "Growth over three years is recalled by the respondent.",
        "17 countries are few clusters.",
    ),
    criticism=("Better firms win multinational customers: the sign of selection is positive.",),
    versions=(
        "2007: IZA discussion paper 3079, CEPR 6546, 'Evidence from 17 Emerging Market Economies'.",
        "2014: the article.",
    ),
)

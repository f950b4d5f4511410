"""Djankov & Hoekman (2000): foreign partners and productivity growth of Czech firms."""

from __future__ import annotations

from spillover.catalogue import derive, draws
from spillover.catalogue.study import (
    Citation,
    Column,
    Data,
    Equation,
    Fact,
    Links,
    Reading,
    Replica,
    Size,
    Study,
)
from spillover.linkage import FirmGroup, LinkageDefinition

INPUTS = "capital_growth + employment_growth + materials_growth"
TABLE = "Growth of output"


def _growth(name: str) -> Column:
    return Column(
        name=f"{name}_growth",
        meaning=f"log growth of {name} over a year",
        unit="log",
        make=derive.log_growth(name),
        needs=("firm", "year", name),
    )


STUDY = Study(
    id="djankov_hoekman_2000",
    citation=Citation(
        authors=("Djankov", "Hoekman"),
        year=2000,
        title="Foreign Investment and Productivity Growth in Czech Enterprises",
        outlet="World Bank Economic Review 14(1), 49-64",
        doi="10.1093/wber/14.1.49",
        doi_status="recalled",
    ),
    question="Do foreign investment and joint ventures raise the growth of their own firms, and of "
    "others in the industry?",
    data=Data(
        country="Czech Republic",
        years=Fact("1992-1996"),
        unit=Fact("firms, panel"),
        sectors=Fact("two-digit industries", "recalled"),
        sizes=(Size("firms", 513, "recalled"),),
        public="none",
    ),
    findings=(
        Fact("Foreign investment raises the growth of recipients' TFP, after selection."),
        Fact("Joint ventures and foreign investment together lower that of firms without partner."),
        Fact("Foreign investment alone has a much smaller, insignificant effect."),
    ),
    equations=(
        Equation(
            name="own",
            table=TABLE,
            heading="all",
            formula=f"output_growth ~ fdi + joint_venture + {INPUTS} | industry + year",
            cluster="industry",
            note="Clusters and the weights of presence are recalled; the study also corrects for "
            "selection in two steps (Heckman), which is not repeated here.",
        ),
        Equation(
            name="partners",
            table=TABLE,
            heading="no partner, JV and FDI",
            formula=f"output_growth ~ horizontal_partner + {INPUTS} | year",
            sample="domestic",
            cluster="industry",
        ),
        Equation(
            name="fdi_only",
            table=TABLE,
            heading="no partner, FDI",
            formula=f"output_growth ~ horizontal_fdi + {INPUTS} | year",
            sample="domestic",
            cluster="industry",
        ),
    ),
    links=(
        Links(
            definition=LinkageDefinition(weight="capital", threshold=0.1),
            measures=("horizontal",),
            suffix="_partner",
            note="share of assets (recalled) of firms with a foreign partner",
        ),
        Links(
            definition=LinkageDefinition(
                weight="capital", threshold=0.1, foreign=FirmGroup.majority()
            ),
            measures=("horizontal",),
            suffix="_fdi",
        ),
    ),
    columns=(
        *(_growth(name) for name in ("output", "capital", "employment", "materials")),
        Column(
            name="fdi",
            meaning="1 with a foreign majority",
            make=derive.at_least("foreign_share", 0.5),
            needs=("foreign_share",),
        ),
        Column(
            name="joint_venture",
            meaning="1 with a foreign partner without majority, or by contract",
            make=derive.between("foreign_share", 0.1, 0.5),
            needs=("foreign_share",),
        ),
    ),
    labels={
        "horizontal_partner": "Share of sector with foreign partner",
        "horizontal_fdi": "Share of sector with foreign majority",
        "fdi": "Foreign majority",
        "joint_venture": "Joint venture",
        "output_growth": "growth of output",
    },
    productivity=Fact("growth of output on growth of inputs", "recalled"),
    estimator=Fact("least squares, random effects, two steps for selection"),
    inference=Fact("", "open"),
    readings=(
        Reading(
            sections="3.4",
            thesis="Positive effects are asserted from aggregates or surveys at one point in time, "
            "without evidence of causes (cited by the reprint of 2006).",
            source="A panel of firms with a correction for selection; it finds negative effects on "
            "firms without a partner.",
            verdict="partly",
            why="The study is evidence against such claims, not an example of them.",
        ),
    ),
    replica_design=Replica(
        equation="partners",
        truth={"horizontal_partner": -0.3},
        controls={
            "capital_growth": 0.15,
            "employment_growth": 0.3,
            "materials_growth": 0.5,
        },
        focus="horizontal",
        firms_per_industry=30,
        years=(1992, 1996),
        foreign_share_of_firms=0.25,
        draws={
            f"{name}_growth": draws.uniform(-0.2, 0.3)
            for name in ("capital", "employment", "materials")
        },
        note="Years and sign follow the paper; the size of the effect and of the panel is chosen.",
    ),
    traps=(
        "Presence hardly moves over four years: the cross-section of few industries identifies it.",
        "Initial efficiency is the only thing that tells selection from effect.",
    ),
    criticism=("Twenty industries are few clusters.",),
    versions=(
        "World Bank working paper 2115 (1999); probably reprinted in Hoekman & Javorcik (2006).",
    ),
)

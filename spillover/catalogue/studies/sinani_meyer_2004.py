"""Sinani & Meyer (2004): spillovers of technology transfer in Estonia."""

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
from spillover.linkage import LinkageDefinition

GROWTH = "capital_growth + employment_growth + materials_growth"
MEASURES = {"employment": "employment", "sales": "output", "assets": "capital"}


def _growth(name: str) -> Column:
    return Column(
        name=f"{name}_growth",
        meaning=f"log growth of {name} over a year",
        unit="log",
        make=derive.log_growth(name),
        needs=("firm", "year", name),
    )


STUDY = Study(
    id="sinani_meyer_2004",
    citation=Citation(
        authors=("Sinani", "Meyer"),
        year=2004,
        title="Spillovers of Technology Transfer from FDI: The Case of Estonia",
        outlet="Journal of Comparative Economics 32(3), 445-466",
        doi="10.1016/j.jce.2004.03.002",
        doi_status="verified",
    ),
    question="Do spillovers depend on how presence is measured, and on the firms that receive "
    "them?",
    data=Data(
        country="Estonia",
        years=Fact("1994-1999"),
        unit=Fact("firms, panel", "recalled"),
        source=Fact("statistical office", "recalled"),
        public="none",
    ),
    findings=(
        Fact("Effects depend on whether presence is in employment, sales or equity."),
        Fact("They depend on size, ownership and trade orientation of the receiving firm."),
        Fact("Skilled labour times presence is negative (working paper)."),
        Fact("State- and outsider-owned firms gain, insider-owned do not (working paper)."),
    ),
    equations=(
        *(
            Equation(
                name=name,
                table="Growth of sales",
                heading=f"presence in {name}",
                formula=f"output_growth ~ horizontal_{name} + {GROWTH} | industry + year",
                sample="domestic",
                note="Form of the inputs and clusters are recalled; the study also corrects for "
                "selection in two steps (Heckman), which is not repeated here.",
            )
            for name in MEASURES
        ),
        Equation(
            name="skill",
            table="Growth of sales",
            heading="by skill",
            formula="output_growth ~ horizontal_employment + horizontal_employment:skill + skill "
            f"+ {GROWTH} | industry + year",
            sample="domestic",
        ),
        Equation(
            name="exports",
            table="Growth of sales",
            heading="by exports",
            formula="output_growth ~ horizontal_employment + horizontal_employment:exporter "
            f"+ exporter + {GROWTH} | industry + year",
            sample="domestic",
            note="That trade orientation matters is verified; the form is ours.",
        ),
    ),
    links=tuple(
        Links(
            definition=LinkageDefinition(weight=weight),  # type: ignore[arg-type]
            measures=("horizontal",),
            suffix=f"_{name}",
            note="that results vary by measure is verified; the exact list is recalled",
        )
        for name, weight in MEASURES.items()
    ),
    columns=(
        *(_growth(name) for name in ("output", "capital", "employment", "materials")),
        Column(name="skilled", meaning="skilled employees", unit="persons", optional=True),
        Column(
            name="skill",
            meaning="skilled part of employees",
            unit="share",
            optional=True,
            make=derive.moderator(moderators.human_capital, "skill", name="skill"),
            needs=("skilled", "employment"),
        ),
        Column(
            name="exporter",
            meaning="1 if the firm exports",
            make=derive.moderator(moderators.exporter, "exporter"),
            needs=("exports",),
        ),
    ),
    labels={
        **{f"horizontal_{name}": f"Foreign share of {name}" for name in MEASURES},
        "output_growth": "growth of sales",
    },
    productivity=Fact("growth of sales on growth of inputs"),
    estimator=Fact("panel growth regression, industry and firm effects, two steps for selection"),
    inference=Fact("", "open"),
    moderators=(
        Moderator("human capital", "skilled labour times presence", "negative (working paper)"),
        Moderator("size", "size of the receiving firm", "matters"),
        Moderator("ownership", "state, outsiders, insiders", "insiders do not gain"),
        Moderator("exports", "trade orientation", "matters"),
    ),
    readings=(
        Reading(
            sections="3.4",
            thesis="Multinationals hire the best workers away by paying more, which refutes the "
            "channel of labour turnover.",
            source="Spillovers exist, and depend on the measure and on the firm; hiring away shows "
            "as a negative interaction of skill with presence.",
            verdict="partly",
            why="One interaction of the working paper is told as the result of the article.",
        ),
    ),
    replica_design=Replica(
        equation="skill",
        truth={"horizontal_employment": 0.5, "horizontal_employment:skill": -0.6},
        controls={
            "capital_growth": 0.15,
            "employment_growth": 0.3,
            "materials_growth": 0.5,
            "skill": 0.0,
        },
        focus="horizontal",
        firms_per_industry=40,
        years=(1994, 1999),
        draws={
            "skill": draws.uniform(0.0, 0.6, by=("firm",)),
            **{
                f"{name}_growth": draws.uniform(-0.2, 0.3)
                for name in ("capital", "employment", "materials")
            },
        },
        note="Years and signs follow the paper; sizes are chosen.",
    ),
    traps=(
        "Never average the three measures of presence.",
        "Growth of sales mixes prices with quantities.",
    ),
    criticism=("Standard errors of the second step need the first one's noise.",),
    versions=("The working paper of 2002 has 1995-1999.",),
)

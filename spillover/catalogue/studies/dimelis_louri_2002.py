"""Dimelis & Louri (2002): foreign ownership and efficiency in Greece, by quantiles."""

from __future__ import annotations

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
    Size,
    Study,
)
from spillover.linkage import FirmGroup, LinkageDefinition

CONTROLS = "log(capital_per_worker) + log(employment) + debt + liquidity"
SPLIT = "horizontal_majority + horizontal_minority"
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def _least_squares(who: str, *, split: bool) -> Equation:
    return Equation(
        name=f"ols_{who}" + ("_split" if split else ""),
        table="Working paper, Table 5",
        heading=f"{who} firms",
        formula=f"log(output_per_worker) ~ {SPLIT if split else 'horizontal'} + {CONTROLS}",
        sample="domestic" if who == "all" else f"domestic and {who}",
        cluster="industry",
        note="Published: least squares of a sister working paper, p-values only. Weights of "
        "presence, the cut between small and large, and ratios are open or recalled; sector "
        "clusters are ours.",
    )


STUDY = Study(
    id="dimelis_louri_2002",
    citation=Citation(
        authors=("Dimelis", "Louri"),
        year=2002,
        title="Foreign Ownership and Production Efficiency: A Quantile Regression Analysis",
        outlet="Oxford Economic Papers 54(3), 449-469",
        doi="10.1093/oep/54.3.449",
        doi_status="recalled",
    ),
    question="Does the degree of foreign ownership matter, for the firm itself and for local "
    "firms, and where in the distribution of productivity?",
    data=Data(
        country="Greece",
        years=Fact("1997"),
        unit=Fact("manufacturing firms, one cross-section"),
        source=Fact("ICAP balance sheets"),
        sizes=(
            Size("firms", 4056),
            Size("sister paper, domestic firms", 3535),
            Size("sister paper, small domestic firms", 2619),
            Size("sister paper, large domestic firms", 916),
        ),
        public="none",
    ),
    findings=(
        Fact("The firm's own gain comes with full and majority ownership only."),
        Fact("Local firms gain more from minority than from majority holdings, at most quantiles."),
        Fact("Small local firms gain, large ones do not (sister paper)."),
    ),
    equations=(
        *(
            _least_squares(who, split=split)
            for who in ("all", "small", "large")
            for split in (False, True)
        ),
        *(
            Equation(
                name=f"quantile_{round(100 * tau)}",
                table="Quantile regression",
                heading=f"quantile {tau:g}",
                formula=f"log(output_per_worker) ~ {SPLIT} + {CONTROLS}",
                sample="domestic",
                estimator="quantile",
                options=(("settings", (("quantiles", tau),)),),
                cluster="industry",
                note="The article bootstraps single firms; sector clusters are ours.",
            )
            for tau in QUANTILES
        ),
    ),
    links=(
        Links(measures=("horizontal",), note="weights are open; output here"),
        Links(
            definition=LinkageDefinition(foreign=FirmGroup.majority()),
            measures=("horizontal",),
            suffix="_majority",
        ),
        Links(
            definition=LinkageDefinition(foreign=FirmGroup.minority()),
            measures=("horizontal",),
            suffix="_minority",
        ),
    ),
    columns=(
        Column(
            name="output_per_worker",
            meaning="output per employee",
            unit="money",
            make=derive.ratio("output", "employment"),
            needs=("output", "employment"),
        ),
        Column(
            name="capital_per_worker",
            meaning="capital per employee",
            unit="money",
            make=derive.ratio("capital", "employment"),
            needs=("capital", "employment"),
        ),
        Column(name="debt", meaning="debt over assets", unit="share", optional=True),
        Column(name="liquidity", meaning="current assets over debt", unit="ratio", optional=True),
        Column(
            name="small",
            meaning="fewer than 50 employees (our cut)",
            make=derive.between("employment", 0.0, derive.SMALL),
            needs=("employment",),
        ),
        Column(
            name="large",
            meaning="50 employees or more (our cut)",
            make=derive.at_least("employment", derive.SMALL),
            needs=("employment",),
        ),
    ),
    labels={
        "horizontal": "Foreign share of sector",
        "horizontal_majority": "Majority-owned share of sector",
        "horizontal_minority": "Minority-owned share of sector",
        "log(output_per_worker)": "ln output per employee",
    },
    productivity=Fact("output per employee"),
    estimator=Fact("quantile regression and least squares"),
    inference=Fact("bootstrap", "recalled"),
    moderators=(
        Moderator(
            "ownership", "majority and minority share of the sector", "minority above majority"
        ),
        Moderator("size", "small and large local firms", "small firms gain"),
        Moderator(
            "distribution",
            "quantiles of output per employee",
            "the middle of the distribution for own effects",
        ),
    ),
    readings=(
        Reading(
            sections="3.4",
            thesis="In 4,056 Greek firms technology transfer to domestic firms rises with the "
            "degree of foreign ownership.",
            source="Own gains come with majority and full ownership, but spillovers to local firms "
            "are stronger from minority holdings.",
            verdict="reversed",
            why="The effect on the firm itself was taken for the effect on others. The contrast "
            "that the thesis draws with Takii (2005) then falls: both find less spillover from "
            "high foreign ownership.",
        ),
    ),
    replica_design=Replica(
        equation="ols_all_split",
        controls={"log(capital_per_worker)": 0.3, "log(employment)": 0.05},
        focus="horizontal_minority",
        firms_per_industry=220,
        years=(1996, 1997),
        cross_section=True,
        draws={
            "debt": draws.uniform(0.1, 0.9),
            "liquidity": draws.uniform(0.5, 2.0),
        },
        note="Size follows the sister paper; 20 sectors are drawn. No standard error is printed, "
        "so the noise is chosen.",
    ),
    decisions=("Presence varies over some twenty sectors: that is the effective sample.",),
    traps=(
        "Sector effects would absorb presence whole, so sectors' own productivity is not held "
        "fixed.",
        "A bootstrap of single firms is far too optimistic for sector regressors.",
        "Quantiles are conditional: the lowest are not the least productive firms.",
    ),
    criticism=("One cross-section cannot tell spillovers from sectors that foreigners choose.",),
    versions=("CEPR discussion paper 2868 (2001).",),
)

"""Javorcik & Spatareanu (2008): shared and full foreign ownership in Romania."""

from __future__ import annotations

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
from spillover.linkage import FirmGroup, LinkageDefinition

VERTICAL = "backward_shared + backward_full"
FOUR = f"{VERTICAL} + horizontal_shared + horizontal_full"
METHODS = {"lp": "tfp", "ols": "tfp_ols", "translog": "tfp_translog"}
HEADINGS = {"lp": "Levinsohn-Petrin", "ols": "OLS", "translog": "translog OLS"}


def _equation(method: str, *, all_four: bool) -> Equation:
    return Equation(
        name=f"t3_{method}" + ("" if all_four else "_vertical"),
        table="Table 3",
        heading=HEADINGS[method] + ("" if all_four else ", vertical only"),
        formula=f"{METHODS[method]} ~ {FOUR if all_four else VERTICAL} + herfindahl "
        "| industry + year",
        sample="domestic",
        transform="first_difference",
        note="Industry-year clusters are recalled; that the third method is Levinsohn-Petrin is "
        "inferred.",
    )


STUDY = Study(
    id="javorcik_spatareanu_2008",
    citation=Citation(
        authors=("Javorcik", "Spatareanu"),
        year=2008,
        title="To Share or Not to Share: Does Local Participation Matter for Spillovers from "
        "Foreign Direct Investment?",
        outlet="Journal of Development Economics 85(1-2), 194-217",
        doi="10.1016/j.jdeveco.2006.08.005",
        doi_status="recalled",
    ),
    question="Do jointly owned projects raise the productivity of suppliers more than wholly "
    "foreign-owned ones?",
    data=Data(
        country="Romania",
        years=Fact("1998-2003"),
        unit=Fact("firms, panel"),
        source=Fact("Amadeus"),
        sectors=Fact("three-digit NACE for the linkage measures"),
        sizes=(
            Size("Table 3, domestic firms", 30355),
            Size("Table 5, domestic firms", 30889),
            Size("foreign firms", 6685),
        ),
        public="licensed",
    ),
    findings=(
        Fact("Backward of shared projects is positive in all columns of Table 3."),
        Fact("Backward of wholly owned projects is near zero and imprecise."),
        Fact("Horizontal is negative, more so for full ownership."),
    ),
    equations=tuple(
        _equation(method, all_four=all_four) for all_four in (False, True) for method in METHODS
    ),
    links=(
        Links(measures=("herfindahl",)),
        Links(
            definition=LinkageDefinition(threshold=0.1, foreign=FirmGroup.shared()),
            measures=("horizontal", "backward"),
            suffix="_shared",
            note="firms count fully from 10 percent (verified); shared below 99 percent (recalled)",
        ),
        Links(
            definition=LinkageDefinition(threshold=0.1, foreign=FirmGroup.full()),
            measures=("horizontal", "backward"),
            suffix="_full",
        ),
    ),
    columns=(
        Column(name="tfp_ols", meaning="log TFP from least squares", unit="log", fallback="tfp"),
        Column(name="tfp_translog", meaning="log TFP from a translog", unit="log", fallback="tfp"),
    ),
    labels={
        "backward_shared": "Backward, shared ownership",
        "backward_full": "Backward, full ownership",
        "horizontal_shared": "Horizontal, shared ownership",
        "horizontal_full": "Horizontal, full ownership",
        "herfindahl": "Herfindahl",
        "tfp": "TFP",
        "tfp_ols": "TFP (OLS)",
        "tfp_translog": "TFP (translog)",
    },
    productivity=Fact("TFP from least squares, a translog, and Levinsohn-Petrin", "inferred"),
    tfp={"method": "lp", "output": "output", "free": ("employment",), "proxy": "materials"},
    estimator=Fact("first differences, year and industry effects, concentration as control"),
    inference=Fact("clustered by industry-year", "recalled"),
    moderators=(
        Moderator(
            "ownership",
            "presence of firms with 10 to 99 and with 99 percent or more",
            "shared positive, full near zero",
        ),
    ),
    replica_design=Replica(
        equation="t3_lp",
        focus="backward_shared",
        industries=25,
        firms_per_industry=330,
        years=(1998, 2003),
        note="Years and size follow the paper; 25 industries, their table and the firms are drawn.",
    ),
    decisions=(
        "The claim is about the difference of the two Backward terms: test it.",
        "Threshold counts, not equity shares: the two parts then add up to the total.",
    ),
    traps=(
        "Partial here is 10 to 99 percent; elsewhere minority is below 50: never merge them.",
        "Amadeus shows owners of a recent date; earlier years may be wrong.",
        "Which sample splits Table 4 shows is not in the published coding; its numbers stand in "
        "the estimates without an equation.",
    ),
    criticism=("The standard error of the difference cannot be had from the printed numbers.",),
    successors=("merlevede_schoors_spatareanu_2014",),
)

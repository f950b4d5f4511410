"""Merlevede, Schoors & Spatareanu (2014): spillovers and time since foreign entry."""

from __future__ import annotations

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
    Study,
)
from spillover.linkage import FirmGroup, LinkageDefinition

AGES = {"new": "0-1", "young": "2-3", "settled": "4+"}
GROUPS = {
    f"_{owner}_{age}": f"{owner} {years}"
    for owner in ("majority", "minority")
    for age, years in AGES.items()
}
TERMS = " + ".join(
    f"{measure}{suffix}" for measure in ("horizontal", "backward") for suffix in GROUPS
)
SHOWN = {suffix: group.replace("-", " to ") + " years" for suffix, group in GROUPS.items()}

STUDY = Study(
    id="merlevede_schoors_spatareanu_2014",
    citation=Citation(
        authors=("Merlevede", "Schoors", "Spatareanu"),
        year=2014,
        title="FDI Spillovers and Time since Foreign Entry",
        outlet="World Development 56, 108-126",
        doi="10.1016/j.worlddev.2013.10.022",
        doi_status="recalled",
    ),
    question="How do spillovers change with the years since foreign firms entered?",
    data=Data(
        country="Romania",
        years=Fact("1996-2005", "recalled"),
        unit=Fact("firms, panel"),
        public="licensed",
    ),
    findings=(
        Fact(
            "Majority: horizontal negative at first, positive later; backward comes later, larger "
            "and lasts longer."
        ),
        Fact("Minority: backward positive at once, then fading."),
    ),
    equations=(
        Equation(
            name="cohorts",
            table="By time since entry",
            heading="domestic",
            formula=f"tfp ~ {TERMS} | industry + year",
            sample="domestic",
            transform="first_difference",
            note="The years that part the cohorts, effects and clusters are recalled.",
        ),
        Equation(
            name="levels",
            table="By time since entry",
            heading="domestic, firm effects",
            formula=f"tfp ~ {TERMS} | firm + year",
            sample="domestic",
            note="Firm effects in place of differences are ours.",
        ),
    ),
    links=tuple(
        Links(
            definition=LinkageDefinition(
                threshold=0.1, foreign=FirmGroup(group, "cohort", values=(group,))
            ),
            measures=("horizontal", "backward"),
            suffix=suffix,
        )
        for suffix, group in GROUPS.items()
    ),
    columns=(
        Column(
            name="cohort",
            meaning="ownership and years since entry of foreign firms, such as 'majority 2-3'; "
            "'domestic' otherwise",
            unit="name",
            make=derive.cohort,
            needs=("firm", "year", "foreign_share"),
        ),
    ),
    labels={
        f"{measure}{suffix}": f"{measure.capitalize()}, {text}"
        for measure in ("horizontal", "backward")
        for suffix, text in SHOWN.items()
    }
    | {"tfp": "TFP"},
    productivity=Fact("several estimators of TFP", "recalled"),
    tfp={"method": "lp", "output": "output", "free": ("employment",), "proxy": "materials"},
    estimator=Fact("first differences with industry and year effects", "recalled"),
    inference=Fact("clustered by industry-year", "recalled"),
    moderators=(
        Moderator("age of entry", "cohorts of foreign firms", "effects change sign and size"),
        Moderator("ownership", "majority and minority", "majority later and longer"),
    ),
    replica_design=Replica(
        equation="levels",
        truth={
            "horizontal_majority_new": -0.3,
            "horizontal_majority_settled": 0.2,
            "backward_majority_new": 0.0,
            "backward_majority_settled": 0.8,
            "backward_minority_new": 0.6,
            "backward_minority_settled": 0.0,
        },
        firms_per_industry=60,
        years=(1998, 2005),
        foreign_share_of_firms=0.3,
        note="Signs follow the abstract; sizes, years and firms are chosen.",
    ),
    decisions=("The cohorts part all foreign presence: the total does not enter beside them.",),
    traps=(
        "Entry before the panel's first year is not seen.",
        "Foreign firms that leave change the weights.",
    ),
    criticism=("Twelve measures of one presence ask much of industry-year variation.",),
)

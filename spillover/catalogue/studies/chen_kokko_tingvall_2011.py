"""Chen, Kokko & Tingvall (2011): non-linear spillovers and absorptive capacity in China."""

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

SQUARE = "horizontal + I(horizontal ** 2)"
NOTE = (
    "The study estimates a system by FEVD, whose standard errors are known to be wrong; here fixed "
    "effects. Effects and clusters are ours."
)

STUDY = Study(
    id="chen_kokko_tingvall_2011",
    citation=Citation(
        authors=("Chen", "Kokko", "Tingvall"),
        year=2011,
        title="FDI and Spillovers in China: Non-linearity and Absorptive Capacity",
        outlet="Journal of Chinese Economic and Business Studies 9(1), 1-22",
        doi="10.1080/14765284.2011.542882",
        doi_status="verified",
    ),
    question="Does the spillover rise and then fall with foreign presence, and where most?",
    data=Data(
        country="China",
        years=Fact("", "open"),
        unit=Fact("industries or groups of firms", "open"),
        public="none",
    ),
    findings=(
        Fact("Contagion is an inverse U in foreign presence."),
        Fact("Competition is about linear."),
        Fact("Both are larger in industries that absorb well."),
    ),
    equations=(
        Equation(
            name="contagion",
            table="Contagion",
            heading="domestic",
            formula=f"tfp ~ {SQUARE} | firm + year",
            sample="domestic",
            note=NOTE,
        ),
        Equation(
            name="absorptive",
            table="Contagion",
            heading="absorptive firms",
            formula=f"tfp ~ {SQUARE} | firm + year",
            sample="domestic and absorptive",
        ),
        Equation(
            name="interaction",
            table="Contagion",
            heading="by capacity",
            formula="tfp ~ horizontal + horizontal:absorptive_capacity + absorptive_capacity "
            "| firm + year",
            sample="domestic",
            note="Not the paper's: the split of the sample as an interaction, with output per "
            "worker relative to the best firm in the year before.",
        ),
    ),
    links=(Links(measures=("horizontal",)),),
    columns=(
        Column(
            name="output_per_worker",
            meaning="output per employee",
            unit="money",
            make=derive.ratio("output", "employment"),
            needs=("output", "employment"),
        ),
        Column(
            name="absorptive",
            meaning="1 if output per worker is above the median of the industry's domestic firms",
            make=derive.moderator(
                moderators.above,
                "absorptive",
                column="output_per_worker",
                of="domestic",
                name="absorptive",
            ),
            needs=("output_per_worker", "foreign_share", "industry", "year"),
        ),
        Column(
            name="absorptive_capacity",
            meaning="output per employee over that of the industry's best firm, the year before",
            unit="ratio",
            make=derive.moderator(
                moderators.absorptive_capacity,
                "absorptive_capacity",
                productivity=("output", "employment"),
            ),
            needs=("firm", "year", "industry", "output", "employment"),
        ),
    ),
    labels={
        "I(horizontal ** 2)": "Horizontal squared",
        "absorptive_capacity": "Absorptive capacity",
        "tfp": "TFP",
    },
    productivity=Fact("", "open"),
    tfp={"method": "lp", "output": "output", "free": ("employment",), "proxy": "materials"},
    estimator=Fact("fixed-effect vector decomposition within seemingly unrelated regressions"),
    inference=Fact("that of the decomposition"),
    moderators=(
        Moderator("absorptive capacity", "industries split by efficiency", "raises the spillover"),
        Moderator("presence", "its square", "inverse U"),
    ),
    readings=(
        Reading(
            sections="3.4, 6.5",
            thesis="Absorptive capacity decides; learning depends on how competitive local firms "
            "are.",
            source="Contagion is larger in absorptive and efficient industries.",
            verdict="agrees",
            why="As in the abstract.",
        ),
    ),
    replica_design=Replica(
        equation="contagion",
        truth={"horizontal": 0.8, "I(horizontal ** 2)": -1.0},
        focus="horizontal",
        firms_per_industry=60,
        years=(2000, 2006),
        foreign_share_of_firms=0.35,
        note="An inverse U as in the abstract; sizes, years and firms are chosen.",
    ),
    traps=("A significant square is no inverse U: test both slopes (Lind & Mehlum 2010).",),
    criticism=(
        "FEVD gives wrong standard errors and rests on a strong orthogonality (Greene 2011; "
        "Breusch et al. 2011).",
    ),
)

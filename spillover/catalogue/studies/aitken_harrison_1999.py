"""Aitken & Harrison (1999): foreign plants and domestic plants in Venezuela."""

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
    Study,
)
from spillover.linkage import LinkageDefinition

INPUTS = "log(skilled) + log(unskilled) + log(materials) + log(capital)"
OWN = "foreign_share + horizontal + foreign_share:horizontal"
EMPLOYMENT = LinkageDefinition(weight="employment")
TABLE = "Output on plant and sector foreign ownership"

STUDY = Study(
    id="aitken_harrison_1999",
    citation=Citation(
        authors=("Aitken", "Harrison"),
        year=1999,
        title="Do Domestic Firms Benefit from Direct Foreign Investment? Evidence from Venezuela",
        outlet="American Economic Review 89(3), 605-618",
        doi="10.1257/aer.89.3.605",
        doi_status="verified",
    ),
    question="Does foreign ownership raise the productivity of the plant itself, and of the "
    "domestic plants in its sector?",
    data=Data(
        country="Venezuela",
        years=Fact("1976-1989, some years missing", "recalled"),
        unit=Fact("manufacturing plants, panel", "recalled"),
        source=Fact("annual industrial survey", "recalled"),
        sectors=Fact("four-digit ISIC", "recalled"),
        public="confidential; the Chilean and Colombian censuses come near",
    ),
    findings=(
        Fact("Own foreign equity goes with higher productivity, robustly only in small plants."),
        Fact("Foreign ownership in the sector lowers the productivity of domestic plants."),
        Fact("Without sector effects the sector coefficient is positive (1994 version)."),
        Fact("The net effect of both is small; joint ventures have the gains."),
    ),
    equations=(
        Equation(
            name="no_industry",
            table=TABLE,
            heading="all, no sector effects",
            formula=f"log(real_output) ~ {OWN} + {INPUTS} | year",
            note="Employment weights, inputs and the Moulton correction are recalled.",
        ),
        Equation(
            name="industry",
            table=TABLE,
            heading="all",
            formula=f"log(real_output) ~ {OWN} + {INPUTS} | industry + year",
        ),
        Equation(
            name="domestic",
            table=TABLE,
            heading="domestic",
            formula=f"log(real_output) ~ horizontal + {INPUTS} | industry + year",
            sample="domestic",
        ),
        Equation(
            name="within",
            table=TABLE,
            heading="all, plant effects",
            formula=f"log(real_output) ~ {OWN} + {INPUTS} | firm + year",
        ),
        Equation(
            name="small",
            table="By size",
            heading="small",
            formula=f"log(real_output) ~ {OWN} + {INPUTS} | industry + year",
            sample="small",
            note="The cut at 50 employees is recalled.",
        ),
        Equation(
            name="large",
            table="By size",
            heading="large",
            formula=f"log(real_output) ~ {OWN} + {INPUTS} | industry + year",
            sample="large",
        ),
        Equation(
            name="regional",
            table="By region",
            heading="domestic",
            formula=f"log(real_output) ~ horizontal + horizontal_region + {INPUTS} "
            "| industry + year",
            sample="domestic",
            note="That a regional version was estimated is recalled.",
        ),
    ),
    links=(
        Links(definition=EMPLOYMENT, measures=("horizontal",)),
        Links(
            definition=LinkageDefinition(weight="employment", region="own"),
            measures=("horizontal",),
            suffix="_region",
        ),
    ),
    columns=(
        Column(name="skilled", meaning="skilled employees", unit="persons", fallback="employment"),
        Column(name="unskilled", meaning="unskilled employees", unit="persons", optional=True),
        Column(
            name="small",
            meaning="fewer than 50 employees",
            make=derive.between("employment", 0.0, derive.SMALL),
            needs=("employment",),
        ),
        Column(
            name="large",
            meaning="50 employees or more",
            make=derive.at_least("employment", derive.SMALL),
            needs=("employment",),
        ),
    ),
    labels={
        "foreign_share": "Own foreign share",
        "horizontal": "Foreign share of sector",
        "horizontal_region": "Foreign share of sector in region",
        "log(real_output)": "ln output",
    },
    productivity=Fact("log output on inputs in one step"),
    estimator=Fact("least squares, with and without sector effects; within plants", "recalled"),
    inference=Fact("corrected for groups of sector-year regressors", "recalled"),
    moderators=(
        Moderator("size", "plants below 50 employees", "own effect robust in small plants only"),
        Moderator(
            "region",
            "foreign share of the sector within the region",
            "no local spillover",
            "recalled",
        ),
    ),
    readings=(
        Reading(
            sections="3.4",
            thesis="Multinationals draw demand away and crowd domestic firms out, which refutes "
            "the channel of competition.",
            source="A negative coefficient on foreign presence in the sector, which the authors "
            "read as lost market share; small plants gain from foreign equity of their own.",
            verdict="agrees",
            why="The sign is right; that demand is stolen is an interpretation of it, not "
            "something measured, and the net effect is small.",
        ),
    ),
    replica_design=Replica(
        equation="domestic",
        truth={"horizontal": -0.3},
        controls={
            "foreign_share": 0.1,
            "log(skilled)": 0.15,
            "log(unskilled)": 0.15,
            "log(capital)": 0.15,
            "log(materials)": 0.5,
        },
        focus="horizontal",
        firms_per_industry=60,
        years=(2000, 2006),
        selection={"horizontal": 4.0},
        draws={
            "skilled": draws.part_of("employment", 0.1, 0.5),
            "unskilled": draws.part_of("employment", 0.5, 0.9),
        },
        note="The sign follows the abstract, the size is chosen. Industries with more foreign "
        "ownership are drawn more productive, so that leaving sector effects out turns the sign.",
    ),
    decisions=(
        "Presence weighs equity shares with employment; it is no count of foreign plants.",
        "Comparing the columns without and with sector effects shows how foreign firms choose "
        "productive sectors.",
    ),
    traps=(
        "The sector's share holds the plant's own: use domestic plants, or leave the plant out.",
    ),
    criticism=(
        "Sector-year presence has few independent values; sector clusters are the least to ask.",
    ),
    versions=("The working paper of 1994 is said to weight with assets rather than employment.",),
    successors=("javorcik_2004", "haskel_pereira_slaughter_2007"),
)

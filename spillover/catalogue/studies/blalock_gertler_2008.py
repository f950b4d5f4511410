"""Blalock & Gertler (2008): technology transfer to local suppliers in Indonesia."""

from __future__ import annotations

from spillover.catalogue import draws
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
from spillover.linkage import LinkageDefinition

LOGS = ("log(capital)", "log(employment)", "log(materials)", "log(energy)")
SQUARES = tuple(f"I({name} ** 2)" for name in LOGS)
PRODUCTS = tuple(f"{one}:{two}" for i, one in enumerate(LOGS) for two in LOGS[i + 1 :])
TRANSLOG = " + ".join((*LOGS, *SQUARES, *PRODUCTS))
BRANCHES = ("food", "electronics", "textiles")


def _equation(name: str, terms: str, sample: str = "domestic", heading: str = "") -> Equation:
    return Equation(
        name=name,
        table="Table 6" if name.startswith("t6") else "Table 8",
        heading=heading or ("vertical" if terms == "backward" else "both"),
        formula=f"log(real_output) ~ {terms} + {TRANSLOG} | firm + year",
        sample=sample,
        note="Plant effects are recalled; the level of clustering is open.",
    )


STUDY = Study(
    id="blalock_gertler_2008",
    citation=Citation(
        authors=("Blalock", "Gertler"),
        year=2008,
        title="Welfare Gains from Foreign Direct Investment through Technology Transfer to Local "
        "Suppliers",
        outlet="Journal of International Economics 74(2), 402-421",
        doi="10.1016/j.jinteco.2007.05.011",
        doi_status="verified",
    ),
    question="Do multinationals pass technology to local suppliers, and does that benefit everyone "
    "who buys from them?",
    data=Data(
        country="Indonesia",
        years=Fact("1988-1996"),
        unit=Fact("manufacturing plants, panel"),
        source=Fact("annual census of plants with 20 workers or more", "recalled"),
        sectors=Fact("five-digit industries"),
        sizes=(
            Size("Table 6", 108100),
            Size("Table 6, other sample", 81112),
            Size("food", 29297),
            Size("electronics", 11494),
            Size("textiles", 3621),
        ),
        public="sold by the statistical office",
    ),
    findings=(
        Fact("Downstream foreign presence raises suppliers' output, given inputs."),
        Fact("Horizontal presence does not."),
        Fact("The effect is about thirty times smaller than Javorcik's."),
        Fact(
            "Entry, prices and profits along the chain move as such transfer predicts.", "recalled"
        ),
    ),
    equations=(
        _equation("t6_1", "backward"),
        _equation("t6_3", "backward + horizontal"),
        *(_equation(f"t8_{name}", "backward", f"domestic and {name}", name) for name in BRANCHES),
    ),
    links=(
        Links(
            definition=LinkageDefinition(region="own", vintage="interpolate"),
            measures=("horizontal", "backward"),
            note="linear interpolation of the tables is verified; presence by region, the years of "
            "the tables and the treatment of the own sector are recalled or open",
        ),
    ),
    columns=(
        Column(name="energy", meaning="energy used", unit="money", optional=True),
        *(
            Column(
                name=name,
                meaning=f"1 for plants in {name}",
                optional=True,
            )
            for name in BRANCHES
        ),
    ),
    labels={
        "backward": "Downstream FDI",
        "horizontal": "Horizontal FDI",
        "log(real_output)": "ln output",
        **{name: name[4:-1].join(("ln ", "")) for name in LOGS},
    },
    productivity=Fact("log output on a translog of inputs in one step"),
    estimator=Fact("plant and year effects", "recalled"),
    inference=Fact("t-statistics are printed; the clusters are not known", "open"),
    moderators=(
        Moderator("industry", "food, electronics, textiles apart", "positive in each"),
        Moderator("region", "presence in the plant's own region", "main specification", "recalled"),
    ),
    readings=(
        Reading(
            sections="3.4",
            thesis="Multinationals help several suppliers, so that none can hold them up.",
            source="Transfer to many suppliers lowers concentration and prices upstream, to the "
            "gain of all buyers.",
            verdict="agrees",
            why="As in the abstract.",
        ),
    ),
    replica_design=Replica(
        equation="t6_3",
        firms_per_industry=120,
        industries=30,
        regions=4,
        years=(1988, 1996),
        draws={
            "energy": draws.part_of("materials", 0.02, 0.1),
            **{name: draws.binary(0.3, by=("industry",)) for name in BRANCHES},
        },
        note="Years follow the paper. 30 industries stand for its five-digit ones, with a third of "
        "its plants; the noise gives the printed standard error.",
    ),
    decisions=(
        "Interpolate shares, not flows, between two tables.",
        "Presence by region, shares from the national table.",
    ),
    traps=(
        "Shares that move with the tables mix technology with foreign entry: try fixed ones, too.",
        "Presence is a share from 0 to 1, Javorcik's is in percent: the units differ by 100.",
        "Which other sample and column Table 6 shows is not in the published coding (t6_4, t6_5).",
    ),
    criticism=("Plants below 20 workers, many of them suppliers, are not seen.",),
    successors=("blalock_simon_2009",),
)

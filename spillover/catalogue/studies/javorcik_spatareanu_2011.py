"""Javorcik & Spatareanu (2011): origin of investors and vertical spillovers in Romania."""

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
    Study,
)
from spillover.linkage import FirmGroup, LinkageDefinition

ORIGINS = {"european": "Europe", "american": "Americas"}
BOTH = "backward_american + backward_european"
COSTS = "backward_american:transport_cost + backward_european:transport_cost"

STUDY = Study(
    id="javorcik_spatareanu_2011",
    citation=Citation(
        authors=("Javorcik", "Spatareanu"),
        year=2011,
        title="Does It Matter Where You Come From? Vertical Spillovers from Foreign Direct "
        "Investment and the Origin of Investors",
        outlet="Journal of Development Economics 96(1), 126-138",
        doi="10.1016/j.jdeveco.2010.05.008",
        doi_status="recalled",
    ),
    question="Do suppliers gain more from investors whose home is far and has no trade agreement?",
    data=Data(
        country="Romania",
        years=Fact("1998-2003", "recalled"),
        unit=Fact("firms, panel"),
        source=Fact("Amadeus"),
        public="licensed",
    ),
    findings=(
        Fact("American presence downstream goes with higher productivity of suppliers."),
        Fact("European presence shows no significant relation."),
        Fact("The American effect is larger where the supplier's product is dear to ship."),
    ),
    equations=(
        Equation(
            name="origins",
            table="Backward by origin",
            heading="domestic",
            formula=f"tfp ~ {BOTH} + herfindahl | firm + year",
            sample="domestic",
            note="Effects, controls and clusters are recalled.",
        ),
        Equation(
            name="shipping",
            table="Backward by origin",
            heading="domestic, by shipping cost",
            formula=f"tfp ~ {BOTH} + {COSTS} + herfindahl | firm + year",
            sample="domestic",
        ),
    ),
    links=(
        Links(measures=("herfindahl",)),
        *(
            Links(
                definition=LinkageDefinition(foreign=FirmGroup.origin(place)),
                measures=("backward",),
                suffix=f"_{name}",
            )
            for name, place in ORIGINS.items()
        ),
    ),
    columns=(
        Column(
            name="origin",
            meaning="bloc of the largest foreign owner: Europe, Americas (USA and Canada) or other",
            unit="name",
        ),
        Column(
            name="transport_cost",
            meaning="cost of shipping the industry's product, over its value",
            unit="share",
            optional=True,
        ),
    ),
    labels={
        "backward_american": "Backward, American",
        "backward_european": "Backward, European",
        "transport_cost": "shipping cost",
        "herfindahl": "Herfindahl",
    },
    productivity=Fact("total factor productivity of firms", "recalled"),
    estimator=Fact("panel regression with firm effects", "recalled"),
    inference=Fact("clustered by industry-year", "recalled"),
    moderators=(
        Moderator("origin", "Backward by the owner's bloc", "American positive, European none"),
        Moderator(
            "distance", "cost of shipping the supplier's product", "raises the American effect only"
        ),
    ),
    readings=(
        Reading(
            sections="3.4, 5.5",
            thesis="The farther home is, the more local suppliers are integrated; US and Canadian "
            "investment brings more vertical spillovers than European, so remote Kazakhstan should "
            "gain.",
            source="American presence raises suppliers' productivity, European does not; the "
            "Association Agreement with the EU is named beside distance.",
            verdict="partly",
            why="Two things are left out: origin is tied to tariffs and rules of origin of the "
            "agreement, and the outcome is productivity of suppliers, not whether they join a "
            "chain.",
        ),
    ),
    replica_design=Replica(
        equation="shipping",
        truth={
            "backward_american": 0.5,
            "backward_european": 0.0,
            "backward_american:transport_cost": 2.0,
            "backward_european:transport_cost": 0.0,
        },
        firms_per_industry=60,
        years=(2000, 2005),
        foreign_share_of_firms=0.3,
        draws={"transport_cost": draws.uniform(0.02, 0.3, by=("industry",))},
        note="Signs follow the abstract; sizes, years and firms are chosen.",
    ),
    decisions=("Test that the two coefficients are equal; one star and none is no test.",),
    traps=("The working paper of 2004 has a negative European effect; this article has none.",),
    criticism=("Distance and trade agreement cannot be told apart with two origins.",),
    versions=("World Bank working paper 3449 (2004): see javorcik_saggi_spatareanu_2004.",),
)

"""Merlevede & Schoors (2008): the supply-backward measure, Romania."""

from __future__ import annotations

from spillover.catalogue.study import (
    Citation,
    Data,
    Equation,
    Fact,
    Links,
    Moderator,
    Replica,
    Study,
)

ALL = "horizontal + backward + forward + supply_backward"

STUDY = Study(
    id="merlevede_schoors_2008",
    citation=Citation(
        authors=("Merlevede", "Schoors"),
        year=2008,
        title="How and By How Much does Foreign Direct Investment Increase the Productivity of "
        "Domestic Firms?",
        outlet="HUB Working Paper 2008/39",
    ),
    question="Do local users gain from local suppliers that also supply foreign firms?",
    data=Data(
        country="Romania",
        years=Fact("1998-2001"),
        unit=Fact("firms, panel"),
        source=Fact("Amadeus"),
        public="licensed",
    ),
    findings=(
        Fact("Supply-backward is significant and large."),
        Fact("Vertical effects dominate horizontal ones."),
        Fact("The total effect on productivity is 20 to 50 percent, by initial technology."),
    ),
    equations=(
        Equation(
            name="all",
            table="All channels",
            heading="domestic",
            formula=f"tfp ~ {ALL} | firm + year",
            sample="domestic",
            note="Effects, controls and clusters are ours.",
        ),
        Equation(
            name="textbook",
            table="All channels",
            heading="without supply-backward",
            formula="tfp ~ horizontal + backward + forward | firm + year",
            sample="domestic",
        ),
    ),
    links=(Links(measures=("horizontal", "backward", "forward", "supply_backward")),),
    labels={"supply_backward": "Supply-backward", "tfp": "TFP"},
    productivity=Fact("total factor productivity of firms", "recalled"),
    tfp={"method": "lp", "output": "output", "free": ("employment",), "proxy": "materials"},
    estimator=Fact("", "open"),
    inference=Fact("", "open"),
    moderators=(Moderator("technology gap", "initial technology", "sets the total effect"),),
    replica_design=Replica(
        equation="all",
        truth={"horizontal": 0.1, "backward": 0.4, "forward": 0.0, "supply_backward": 0.8},
        focus="supply_backward",
        years=(2000, 2005),
        note="Signs follow the abstract; sizes, years and firms are chosen.",
    ),
    decisions=("Supply-backward = input shares times Backward; the own sector is left out first.",),
    traps=(
        "Not the supplier's supplier: that is sales shares times Backward (second_tier_backward).",
        "Backward and supply-backward move together: test them jointly.",
    ),
    criticism=("Three chains from one presence leave little variation of their own.",),
    versions=("WDI working paper 886 (2007).",),
    successors=("merlevede_schoors_spatareanu_2014",),
)

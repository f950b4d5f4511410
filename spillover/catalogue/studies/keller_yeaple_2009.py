"""Keller & Yeaple (2009): multinationals, trade and productivity growth in the United States."""

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
    Replica,
    Study,
)
from spillover.linkage import LinkageDefinition

STUDY = Study(
    id="keller_yeaple_2009",
    citation=Citation(
        authors=("Keller", "Yeaple"),
        year=2009,
        title="Multinational Enterprises, International Trade, and Productivity Growth: Firm-Level "
        "Evidence from the United States",
        outlet="Review of Economics and Statistics 91(4), 821-831",
        doi="10.1162/rest.91.4.821",
        doi_status="recalled",
    ),
    question="How much of productivity growth of US firms is due to foreign affiliates, and to "
    "imports?",
    data=Data(
        country="United States",
        years=Fact("1987-1996"),
        unit=Fact("listed firms", "recalled"),
        source=Fact("Compustat, with affiliates' data", "recalled"),
        public="licensed",
    ),
    findings=(
        Fact("Foreign affiliates explain some 14 percent of productivity growth."),
        Fact("Strong in high-technology industries, absent in others."),
        Fact("Small, less productive firms gain more."),
        Fact("Imports matter little."),
    ),
    equations=(
        Equation(
            name="differences",
            table="Differences",
            heading="domestic",
            formula="tfp ~ horizontal + import_share | industry + year",
            sample="domestic",
            transform="first_difference",
            note="Weights, lags, controls and clusters are recalled; instruments are not repeated.",
        ),
        Equation(
            name="levels",
            table="Levels",
            heading="domestic, firm effects",
            formula="tfp ~ horizontal + import_share | firm + year",
            sample="domestic",
            note="Firm effects in place of differences are ours.",
        ),
    ),
    links=(Links(definition=LinkageDefinition(weight="employment"), measures=("horizontal",)),),
    columns=(
        Column(
            name="import_share",
            meaning="import penetration of the industry",
            unit="share",
            optional=True,
        ),
    ),
    labels={
        "horizontal": "Foreign share of employment",
        "import_share": "Import penetration",
        "tfp": "TFP",
    },
    productivity=Fact("Olley-Pakes with exit", "recalled"),
    tfp={"method": "op", "output": "output", "free": ("employment", "materials")},
    estimator=Fact("differences, also with instruments", "recalled"),
    inference=Fact("", "open"),
    moderators=(
        Moderator("technology", "high-technology industries", "the effect is there"),
        Moderator("size", "small and less productive firms", "gain more"),
    ),
    replica_design=Replica(
        equation="levels",
        truth={"horizontal": 0.6, "import_share": 0.0},
        focus="horizontal",
        years=(1987, 1996),
        draws={"import_share": draws.uniform(0.05, 0.4, by=("industry", "year"))},
        note="Years and sign follow the paper; sizes are chosen.",
    ),
    traps=("Presence by product line or by main industry: the choice changes the result.",),
    criticism=("Left out of Irsova & Havranek (2013), for want of vertical terms.",),
)

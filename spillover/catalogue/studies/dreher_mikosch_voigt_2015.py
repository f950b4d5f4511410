"""Dreher, Mikosch & Voigt (2015): membership in international organisations and investment."""

from __future__ import annotations

from spillover.catalogue import derive, draws
from spillover.catalogue.study import (
    Citation,
    Column,
    Data,
    Equation,
    Events,
    Fact,
    Reading,
    Replica,
    Study,
)

CONTROLS = "log(gdp) + log(gdp_per_capita) + growth + trade"

STUDY = Study(
    id="dreher_mikosch_voigt_2015",
    unit="country-year",
    citation=Citation(
        authors=("Dreher", "Mikosch", "Voigt"),
        year=2015,
        title="Membership has its Privileges - The Effect of Membership in International "
        "Organizations on FDI",
        outlet="World Development 66, 346-358",
        doi="10.1016/j.worlddev.2014.08.007",
        doi_status="verified",
    ),
    question="Does membership in organisations that matter to investors bring investment?",
    data=Data(
        country="many countries",
        years=Fact("1971-2012"),
        unit=Fact("country-years, averaged over several", "recalled"),
        public="memberships (Correlates of War) and inflows are public",
    ),
    findings=(
        Fact("Membership in specific organisations raises inflows, robustly."),
        Fact("So it does when membership is taken as endogenous (working paper)."),
    ),
    equations=(
        Equation(
            name="index",
            table="Inflows over GDP",
            heading="index of memberships",
            formula=f"fdi_gdp ~ memberships_lag1 + {CONTROLS} | country + year",
            cluster="country",
            note="Outcome, controls and averaging are recalled; country clusters are ours.",
        ),
        Equation(
            name="wto",
            table="Inflows over GDP",
            heading="WTO alone",
            formula=f"fdi_gdp ~ wto_lag1 + {CONTROLS} | country + year",
            cluster="country",
        ),
    ),
    events=Events(
        outcome="fdi_gdp",
        treatment="wto",
        note="Not the paper's: the same accessions, compared only with countries not yet in. "
        "Countries that are members from their first year on are left out.",
    ),
    columns=(
        Column(name="fdi_gdp", meaning="net inflow of direct investment", unit="percent of GDP"),
        Column(
            name="memberships",
            meaning="memberships in organisations that matter to investors",
            unit="count",
        ),
        Column(name="wto", meaning="1 for members of GATT or WTO"),
        Column(name="gdp", meaning="gross domestic product, constant prices", unit="money"),
        Column(name="gdp_per_capita", meaning="GDP per head, constant prices", unit="money"),
        Column(name="growth", meaning="growth of GDP", unit="percent", optional=True),
        Column(name="trade", meaning="exports and imports over GDP", unit="percent", optional=True),
        *(
            Column(
                name=f"{name}_lag1",
                meaning=f"{meaning}, the year before",
                make=derive.lagged(name, "country"),
                needs=("country", "year", name),
            )
            for name, meaning in (
                ("memberships", "memberships in organisations that matter to investors"),
                ("wto", "1 for members of GATT or WTO"),
            )
        ),
    ),
    labels={
        "memberships_lag1": "Memberships",
        "wto_lag1": "GATT/WTO member",
        "log(gdp)": "ln GDP",
        "log(gdp_per_capita)": "ln GDP per head",
        "growth": "Growth",
        "trade": "Trade over GDP",
        "fdi_gdp": "FDI inflow, percent of GDP",
    },
    productivity=Fact("none; the outcome is inflows"),
    estimator=Fact(
        "panel with country effects; instruments or GMM in the working paper", "recalled"
    ),
    inference=Fact("", "open"),
    readings=(
        Reading(
            sections="3.3",
            thesis="In 168 countries, 1971-2012, membership in the WTO and other organisations for "
            "investment raises inflows considerably.",
            source="An index of specific organisations, over 1971-2012.",
            verdict="partly",
            why="The years are right. The abstract speaks of specific organisations, not of the "
            "WTO as such, and 168 is not in it.",
        ),
    ),
    replica_design=Replica(
        equation="index",
        truth={"memberships_lag1": 0.15},
        controls={"log(gdp_per_capita)": 0.2},
        focus="memberships_lag1",
        noise=10.0,
        countries=120,
        years=(1971, 2012),
        draws={
            "memberships": draws.counter(0.2),
            "wto": draws.adoption(1973, 2015, never=0.2),
            "gdp": draws.walk(24.0, 1.5, 0.03, 0.04),
            "gdp_per_capita": draws.walk(7.0, 0.8, 0.02, 0.04),
            "growth": draws.uniform(-3.0, 9.0),
            "trade": draws.uniform(30.0, 120.0),
        },
        note="Years follow the paper, the sign the abstract; countries and sizes are chosen.",
    ),
    decisions=("Enter organisations one at a time, too: a count gives each the same weight.",),
    traps=("Treaty membership hardly ever ends: the same problems as with accession.",),
    criticism=("A count of memberships rises with the calendar in every country.",),
    versions=("CESifo working paper 3231: 1971-2005.",),
)

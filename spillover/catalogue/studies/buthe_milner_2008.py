"""Büthe & Milner (2008): trade agreements and foreign investment in developing countries."""

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

MAIN = "wto_lag1 + pta_lag1"
CONTROLS = "log(gdp_lag1) + log(gdp_per_capita_lag1) + growth_lag1 + trade_lag1 + democracy_lag1"


def _lag(name: str, meaning: str, unit: str = "", *, optional: bool = False) -> Column:
    return Column(
        name=f"{name}_lag1",
        meaning=f"{meaning}, the year before",
        unit=unit,
        make=derive.lagged(name, "country"),
        needs=("country", "year", name),
        optional=optional,
    )


STUDY = Study(
    id="buthe_milner_2008",
    unit="country-year",
    citation=Citation(
        authors=("Büthe", "Milner"),
        year=2008,
        title="The Politics of Foreign Direct Investment into Developing Countries: Increasing FDI "
        "through International Trade Agreements?",
        outlet="American Journal of Political Science 52(4), 741-762",
        doi="10.1111/j.1540-5907.2008.00340.x",
        doi_status="verified",
    ),
    question="Do membership in GATT/WTO and preferential agreements bring foreign investment?",
    data=Data(
        country="122 developing countries",
        years=Fact("1970-2000"),
        unit=Fact("country-years"),
        public="inflows, accession dates and agreements are public; the file of the study was not "
        "found",
    ),
    findings=(
        Fact("GATT/WTO membership and preferential agreements go with more inflows."),
        Fact("The relation survives when agreements are taken as endogenous."),
    ),
    equations=(
        Equation(
            name="country_effects",
            table="Inflows over GDP",
            heading="country effects",
            formula=f"fdi_gdp ~ {MAIN} + {CONTROLS} | country",
            cluster="country",
            note="Outcome, controls and lags are recalled; country clusters are ours.",
        ),
        Equation(
            name="two_way",
            table="Inflows over GDP",
            heading="country and year effects",
            formula=f"fdi_gdp ~ {MAIN} + {CONTROLS} | country + year",
            cluster="country",
            note="Year effects are not the paper's; with staggered accession see event studies.",
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
        Column(name="wto", meaning="1 for members of GATT or WTO"),
        Column(name="pta", meaning="preferential trade agreements in force", unit="count"),
        Column(name="gdp", meaning="gross domestic product, constant prices", unit="money"),
        Column(name="gdp_per_capita", meaning="GDP per head, constant prices", unit="money"),
        Column(name="growth", meaning="growth of GDP", unit="percent"),
        Column(name="trade", meaning="exports and imports over GDP", unit="percent"),
        Column(name="democracy", meaning="index of democracy", unit="index"),
        _lag("wto", "1 for members of GATT or WTO"),
        _lag("pta", "preferential trade agreements in force", "count", optional=True),
        _lag("gdp", "gross domestic product", "money"),
        _lag("gdp_per_capita", "GDP per head", "money"),
        _lag("growth", "growth of GDP", "percent", optional=True),
        _lag("trade", "exports and imports over GDP", "percent", optional=True),
        _lag("democracy", "index of democracy", "index", optional=True),
    ),
    labels={
        "wto_lag1": "GATT/WTO member",
        "pta_lag1": "Preferential agreements",
        "log(gdp_lag1)": "ln GDP",
        "log(gdp_per_capita_lag1)": "ln GDP per head",
        "growth_lag1": "Growth",
        "trade_lag1": "Trade over GDP",
        "democracy_lag1": "Democracy",
        "fdi_gdp": "FDI inflow, percent of GDP",
    },
    productivity=Fact("none; the outcome is inflows"),
    estimator=Fact("least squares with country effects, and with instruments", "recalled"),
    inference=Fact("robust or panel-corrected", "recalled"),
    readings=(
        Reading(
            sections="3.3, 5.6",
            thesis="In 122 developing countries, 1970-2000, members of the WTO receive more "
            "investment, since breaking commitments is costly.",
            source="GATT/WTO and preferential agreements both; endogeneity is considered.",
            verdict="agrees",
            why="As in the abstract.",
        ),
    ),
    replica_design=Replica(
        equation="country_effects",
        truth={"wto_lag1": 0.8, "pta_lag1": 0.1},
        controls={"log(gdp_per_capita_lag1)": 0.2},
        focus="wto_lag1",
        noise=10.0,
        countries=122,
        years=(1970, 2000),
        draws={
            "wto": draws.adoption(1972, 2005, never=0.2),
            "pta": draws.counter(0.15),
            "gdp": draws.walk(24.0, 1.5, 0.03, 0.04),
            "gdp_per_capita": draws.walk(7.0, 0.8, 0.02, 0.04),
            "growth": draws.uniform(-3.0, 9.0),
            "trade": draws.uniform(30.0, 120.0),
            "democracy": draws.uniform(-8.0, 8.0),
        },
        note="Countries and years follow the paper, signs the abstract; sizes are chosen.",
    ),
    decisions=("Membership never ends: it is a staggered, absorbing treatment.",),
    traps=(
        "Inflows over GDP have enormous outliers.",
        "When did a transition country's membership start? GATT and WTO differ.",
    ),
    criticism=(
        "With staggered accession and effects that differ, two-way fixed effects weigh some "
        "comparisons negatively (Goodman-Bacon 2021; Sun & Abraham 2021).",
    ),
    successors=("dreher_mikosch_voigt_2015",),
)

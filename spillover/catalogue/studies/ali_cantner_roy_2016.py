"""Ali, Cantner & Roy (2016): human capital and knowledge spillovers, 20 European countries."""

from __future__ import annotations

from spillover.catalogue import draws
from spillover.catalogue.study import (
    Citation,
    Column,
    Data,
    Equation,
    Fact,
    Moderator,
    Reading,
    Replica,
    Size,
    Study,
)

STOCKS = "log(rd_domestic) + log(rd_foreign_imports) + log(rd_foreign_fdi)"

STUDY = Study(
    id="ali_cantner_roy_2016",
    unit="country-year",
    citation=Citation(
        authors=("Ali", "Cantner", "Roy"),
        year=2016,
        title="Knowledge Spillovers through FDI and Trade: The Moderating Role of Quality-Adjusted "
        "Human Capital",
        outlet="Journal of Evolutionary Economics 26(4), 837-868",
        doi="10.1007/s00191-016-0462-8",
        doi_status="recalled",
    ),
    question="Does human capital raise what a country gains from foreign knowledge?",
    data=Data(
        country="20 European countries",
        years=Fact("1995-2010"),
        unit=Fact("country-years"),
        sizes=(Size("country-years", 320, "inferred"),),
        public="in principle: Penn World Table, OECD R&D, trade and FDI; vintages are not known",
    ),
    findings=(
        Fact("Foreign R&D raises productivity through imports and through investment."),
        Fact("The two complement each other."),
        Fact("Quality-adjusted human capital raises both effects."),
        Fact("Technological distance plays no role."),
    ),
    equations=(
        Equation(
            name="stocks",
            table="Productivity and R&D",
            heading="countries",
            formula=f"log(productivity) ~ {STOCKS} | country + year",
            cluster="country",
            note="The study uses panel cointegration (recalled); here fixed effects.",
        ),
        Equation(
            name="human_capital",
            table="Productivity and R&D",
            heading="by human capital",
            formula=f"log(productivity) ~ {STOCKS} + log(rd_foreign_fdi):human_capital "
            "+ human_capital | country + year",
            cluster="country",
        ),
    ),
    columns=(
        Column(
            name="productivity", meaning="total factor productivity of the country", unit="index"
        ),
        Column(name="rd_domestic", meaning="domestic stock of R&D", unit="money"),
        Column(
            name="rd_foreign_imports",
            meaning="foreign R&D stock weighted with import shares",
            unit="money",
        ),
        Column(
            name="rd_foreign_fdi",
            meaning="foreign R&D stock weighted with inward investment",
            unit="money",
        ),
        Column(
            name="human_capital",
            meaning="years of schooling, weighted with publications and patents",
            unit="index",
        ),
    ),
    labels={
        "log(rd_domestic)": "ln domestic R&D",
        "log(rd_foreign_imports)": "ln foreign R&D, imports",
        "log(rd_foreign_fdi)": "ln foreign R&D, investment",
        "human_capital": "human capital",
        "log(productivity)": "ln TFP",
    },
    productivity=Fact("of countries"),
    estimator=Fact("panel cointegration", "recalled"),
    inference=Fact("", "open"),
    moderators=(
        Moderator("human capital", "schooling times quality", "raises the spillover"),
        Moderator("technology gap", "distance to the frontier", "no role"),
    ),
    readings=(
        Reading(
            sections="3.4",
            thesis="Human capital decides how large spillovers are.",
            source="It raises the effect of foreign R&D, across countries.",
            verdict="partly",
            why="A study of countries, not of firms: the thesis lists it with the latter.",
        ),
    ),
    replica_design=Replica(
        equation="human_capital",
        truth={"log(rd_foreign_fdi)": 0.05, "log(rd_foreign_fdi):human_capital": 0.1},
        controls={"log(rd_domestic)": 0.1, "log(rd_foreign_imports)": 0.05},
        focus="log(rd_foreign_fdi)",
        countries=20,
        years=(1995, 2010),
        draws={
            "rd_domestic": draws.walk(8.0, 1.0, 0.03, 0.1),
            "rd_foreign_imports": draws.walk(9.0, 0.5, 0.03, 0.2),
            "rd_foreign_fdi": draws.walk(9.0, 0.5, 0.03, 0.3),
            "human_capital": draws.walk(0.0, 0.3, 0.01, 0.05),
        },
        note="Countries and years follow the paper, signs the abstract; sizes are chosen.",
    ),
    traps=("Foreign R&D weighted by trade or investment is itself a shift-share regressor.",),
    criticism=("Trending series: a fixed-effects regression of levels may be spurious.",),
    versions=("Jena Economic Research Papers 2015-014.",),
)

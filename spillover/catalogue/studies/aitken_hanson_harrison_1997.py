"""Aitken, Hanson & Harrison (1997): multinationals and the exports of Mexican plants."""

from __future__ import annotations

from spillover import moderators
from spillover.catalogue import derive
from spillover.catalogue.study import (
    Citation,
    Column,
    Data,
    Equation,
    Fact,
    Reading,
    Replica,
    Size,
    Study,
)

TERMS = "mne_exports_lq + exports_lq + activity_lq + log(employment) + log(capital_per_worker)"
NOTE = "Location quotients, controls and clusters are recalled."

STUDY = Study(
    id="aitken_hanson_harrison_1997",
    citation=Citation(
        authors=("Aitken", "Hanson", "Harrison"),
        year=1997,
        title="Spillovers, Foreign Investment, and Export Behavior",
        outlet="Journal of International Economics 43(1-2), 103-132",
        doi="10.1016/S0022-1996(96)01464-X",
        doi_status="verified",
    ),
    question="Is a plant more likely to export where multinationals (or any exporters) of its "
    "industry are near?",
    data=Data(
        country="Mexico",
        years=Fact("1986 and 1990", "recalled"),
        unit=Fact("manufacturing plants", "recalled"),
        sectors=Fact("four-digit industries in 32 states", "recalled"),
        sizes=(Size("plants, as the thesis has it", 2113, "open"),),
        public="none; World Bank Enterprise Surveys have exports, region and foreign equity",
    ),
    findings=(
        Fact("Nearby multinational activity raises the probability that a plant exports."),
        Fact("Exporting in general does not."),
    ),
    equations=(
        Equation(
            name="probit",
            table="Probability of exporting",
            heading="probit",
            formula=f"exporter ~ {TERMS} | industry",
            sample="domestic",
            estimator="probit",
            cluster="region^industry",
            note=NOTE,
        ),
        Equation(
            name="linear",
            table="Probability of exporting",
            heading="linear",
            formula=f"exporter ~ {TERMS} | industry + year",
            sample="domestic",
            cluster="region^industry",
            note="The linear probability model is not the paper's; it takes many effects.",
        ),
    ),
    columns=(
        Column(
            name="exporter",
            meaning="1 if the plant exports",
            make=derive.moderator(moderators.exporter, "exporter", name="exporter"),
            needs=("exports",),
        ),
        Column(
            name="mne_exports_lq",
            meaning="region's part of the industry's exports by foreign firms over its part of "
            "national exports",
            make=derive.location_quotient("exports", foreign=True),
            needs=("exports", "foreign_share", "region", "industry", "year"),
        ),
        Column(
            name="exports_lq",
            meaning="the same for the exports of all firms",
            make=derive.location_quotient("exports"),
            needs=("exports", "region", "industry", "year", "foreign_share"),
        ),
        Column(
            name="activity_lq",
            meaning="region's part of the industry's output over its part of national output",
            make=derive.location_quotient("output"),
            needs=("output", "region", "industry", "year", "foreign_share"),
        ),
        Column(
            name="capital_per_worker",
            meaning="capital per employee",
            unit="money",
            make=derive.ratio("capital", "employment"),
            needs=("capital", "employment"),
        ),
    ),
    labels={
        "mne_exports_lq": "Concentration of multinationals' exports",
        "exports_lq": "Concentration of exports",
        "activity_lq": "Concentration of activity",
        "log(employment)": "ln employment",
        "log(capital_per_worker)": "ln capital per employee",
        "exporter": "Exports (0/1)",
    },
    productivity=Fact("none; the outcome is whether the plant exports"),
    estimator=Fact(
        "probit, in levels and changes; lagged concentration and instruments", "recalled"
    ),
    inference=Fact("grouped by region and industry", "recalled"),
    readings=(
        Reading(
            sections="5.6",
            thesis="In 2113 Mexican plants, 1986-1990, multinationals act as catalysts of the "
            "exports of nearby local firms.",
            source="Multinational activity nearby raises the probability of exporting; general "
            "export activity nearby does not.",
            verdict="partly",
            why="Direction right. The number of plants could not be verified, and the null result "
            "on other exporters, which makes the point, is left out.",
        ),
    ),
    replica_design=Replica(
        equation="probit",
        truth={"mne_exports_lq": 0.15, "exports_lq": 0.0},
        controls={"log(employment)": 0.3},
        focus="mne_exports_lq",
        firms_per_industry=80,
        regions=12,
        years=(2000, 2001),
        note="Signs follow the abstract; sizes, regions and years are chosen. Exports that make "
        "the location quotients are kept apart from the outcome.",
    ),
    decisions=(
        "Report average marginal effects, not the coefficients of the index.",
        "A plant's own exports are part of its region's: leave them out where cells are small.",
    ),
    traps=(
        "Location quotients are missing, or huge, where a region or industry hardly exports.",
        "Plant effects in a probit are inconsistent with few years.",
    ),
    criticism=("Exporters may settle where exporting is easy; the grouping does not cure that.",),
)

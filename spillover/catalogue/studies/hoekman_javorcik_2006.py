"""Hoekman & Javorcik (2006): lessons on technology diffusion, an overview."""

from __future__ import annotations

from spillover.catalogue.study import Citation, Data, Fact, Reading, Study

STUDY = Study(
    id="hoekman_javorcik_2006",
    kind="review",
    citation=Citation(
        authors=("Hoekman", "Javorcik"),
        year=2006,
        title="Lessons from Empirical Research on International Technology Diffusion through Trade "
        "and Foreign Direct Investment",
        outlet="In Hoekman & Javorcik (eds), Global Integration and Technology Transfer, Palgrave "
        "Macmillan and World Bank, chapter 1",
    ),
    question="What does research know of how technology spreads through trade and investment?",
    data=Data(country="many", years=Fact("", "open"), public="none of its own"),
    findings=(
        Fact(
            "Horizontal effects found in aggregates or cross-sections do not show causes.",
            "recalled",
        ),
        Fact("Evidence for vertical effects was favourable when it was written.", "recalled"),
    ),
    readings=(
        Reading(
            sections="3.4",
            thesis="Claims of positive horizontal effects rest on aggregates or cross-sections.",
            source="An overview of the literature up to 2005 that stresses panel data of firms.",
            verdict="agrees",
            why="The text was not at hand in full.",
            status="recalled",
        ),
        Reading(
            sections="3.4",
            thesis="Evidence on vertical effects is consistently positive.",
            source="So it seemed in 2006. Across 57 studies the average specification gives 0.02, "
            "insignificant (Havranek & Irsova 2011), and Kinuthia (2016), which the thesis cites, "
            "finds negative backward effects in Malaysia.",
            verdict="overtaken",
            why="Later evidence is mixed, and depends on how studies are made.",
        ),
        Reading(
            sections="3.4, 6.5, 6.6",
            thesis="Non-competition clauses limit the movement of workers; entry may raise imports "
            "of intermediates; ventures with a domestic majority link more.",
            source="Points of the overview, made with the studies of that time.",
            verdict="agrees",
            why="The text was not at hand in full.",
            status="recalled",
        ),
    ),
    traps=("An overview has no estimates of its own: cite the studies behind it.",),
    criticism=("Written before the meta-analyses of 2011 and later.",),
    instead="javorcik_2004",
    successors=("havranek_irsova_2011", "irsova_havranek_2013"),
)

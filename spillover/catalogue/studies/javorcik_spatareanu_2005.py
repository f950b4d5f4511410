"""Javorcik & Spatareanu (2005): what firms perceive of foreign entry."""

from __future__ import annotations

from spillover.catalogue.study import Citation, Data, Fact, Reading, Study

STUDY = Study(
    id="javorcik_spatareanu_2005",
    kind="survey",
    citation=Citation(
        authors=("Javorcik", "Spatareanu"),
        year=2005,
        title="Disentangling FDI Spillover Effects: What Do Firm Perceptions Tell Us?",
        outlet="In Moran, Graham & Blomstrom (eds), Does Foreign Direct Investment Promote "
        "Development?, Institute for International Economics",
    ),
    question="Do firms say that foreign entry brought them competition, knowledge, or lost "
    "workers?",
    data=Data(
        country="Czech Republic and Latvia",
        years=Fact("", "open"),
        unit=Fact("enterprises", "recalled"),
        source=Fact("surveys of perceived effects of foreign entry", "recalled"),
        public="none",
    ),
    findings=(
        Fact("Shares of firms that report each effect, linked to productivity.", "recalled"),
    ),
    estimator=Fact("shares of answers; no regression to repeat", "recalled"),
    readings=(
        Reading(
            sections="3.4",
            thesis="Researchers should be wary of general statements on the externalities of "
            "foreign investment in developing countries (quoted, page 47).",
            source="The same sentence, on the same page, opens Smeets (2008).",
            verdict="agrees",
            why="The quotation was checked against another text that quotes it.",
        ),
    ),
    traps=("A perceived effect is no estimate of an effect.",),
    criticism=("Firms that were driven out by foreign entry do not answer.",),
)

"""Javorcik (2006): the chapter that the thesis quotes, most likely the article of 2004."""

from __future__ import annotations

from spillover.catalogue.study import Citation, Data, Fact, Reading, Study

STUDY = Study(
    id="javorcik_2006",
    kind="review",
    citation=Citation(
        authors=("Javorcik",),
        year=2006,
        title="Chapter in Hoekman & Javorcik (eds), Global Integration and Technology Transfer",
        outlet="Palgrave Macmillan and World Bank, ISBN 9780821361269",
    ),
    question="As Javorcik (2004), of which it is most likely a reprint.",
    data=Data(
        country="Lithuania",
        years=Fact("1996-2000", "inferred"),
        public="as Javorcik (2004)",
    ),
    findings=(Fact("As Javorcik (2004).", "inferred"),),
    readings=(
        Reading(
            sections="3.4, 6.5, 7.2",
            thesis="Spillovers across industries are likelier than within, since multinationals "
            "protect what they know from competitors; quoted from page 208.",
            source="The sentence is in the introduction of the article of 2004.",
            verdict="agrees",
            why="The thesis has no list of references, so that the chapter is the reprint is an "
            "inference.",
            status="recalled",
        ),
    ),
    traps=("Do not count it beside Javorcik (2004): the estimates are the same.",),
    criticism=("See javorcik_2004.",),
    instead="javorcik_2004",
)

"""Blomström & Kokko (1998): multinational corporations and spillovers, a review."""

from __future__ import annotations

from spillover.catalogue.study import Citation, Data, Fact, Reading, Study

STUDY = Study(
    id="blomstrom_kokko_1998",
    kind="review",
    citation=Citation(
        authors=("Blomström", "Kokko"),
        year=1998,
        title="Multinational Corporations and Spillovers",
        outlet="Journal of Economic Surveys 12(3), 247-277",
        doi="10.1111/1467-6419.00056",
        doi_status="recalled",
    ),
    question="Through which channels can multinationals raise local productivity?",
    data=Data(country="many", years=Fact("", "open"), public="none of its own"),
    findings=(
        Fact(
            "Channels: demonstration and imitation, competition, movement of workers, linkages.",
            "recalled",
        ),
    ),
    readings=(
        Reading(
            sections="3.4",
            thesis="Competition forces local firms to adopt technology, if they are able to.",
            source="A typology of channels in which competition and ability both have their place.",
            verdict="agrees",
            why="From memory; the text was not at hand.",
            status="recalled",
        ),
    ),
    traps=("A typology is no evidence for any of its channels.",),
    criticism=("Most studies reviewed are cross-sections of industries.",),
    successors=("gorg_strobl_2001", "meyer_sinani_2009"),
)

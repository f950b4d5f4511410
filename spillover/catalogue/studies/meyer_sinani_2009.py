"""Meyer & Sinani (2009): where and when spillovers are positive, a meta-analysis."""

from __future__ import annotations

from spillover.catalogue.study import Citation, Data, Fact, Moderator, Size, Study

STUDY = Study(
    id="meyer_sinani_2009",
    kind="meta-analysis",
    citation=Citation(
        authors=("Meyer", "Sinani"),
        year=2009,
        title="When and Where does Foreign Direct Investment Generate Positive Spillovers? A "
        "Meta-analysis",
        outlet="Journal of International Business Studies 40(7), 1075-1094",
        doi="10.1057/jibs.2008.111",
        doi_status="verified",
    ),
    question="How do spillovers depend on the development of the host country?",
    data=Data(
        country="many",
        years=Fact("", "open"),
        unit=Fact("estimates"),
        sizes=(Size("papers", 66), Size("estimates", 121)),
        public="not found",
    ),
    findings=(
        Fact("Spillovers are a curve in the host's development."),
        Fact("The curve is a U.", "recalled"),
    ),
    estimator=Fact("meta-regression on development and its square"),
    moderators=(
        Moderator("development", "income, institutions, human capital of the host", "curvilinear"),
    ),
    traps=(
        "One regression was taken where several are alike, by its R-squared: a selection rule.",
        "A host's income is no technology gap between two countries.",
    ),
    criticism=("Havranek & Irsova (2011) test a square of the bilateral gap and reject it.",),
    successors=("irsova_havranek_2013",),
)

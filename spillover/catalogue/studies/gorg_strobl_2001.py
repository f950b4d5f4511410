"""Görg & Strobl (2001): the first meta-analysis of spillovers."""

from __future__ import annotations

from spillover.catalogue.study import Citation, Data, Fact, Size, Study

STUDY = Study(
    id="gorg_strobl_2001",
    kind="meta-analysis",
    citation=Citation(
        authors=("Görg", "Strobl"),
        year=2001,
        title="Multinational Companies and Productivity Spillovers: A Meta-Analysis",
        outlet="Economic Journal 111(475), F723-F739",
        doi="10.1111/1468-0297.00669",
        doi_status="recalled",
    ),
    question="Do results depend on how studies are made?",
    data=Data(
        country="many",
        years=Fact("", "open"),
        unit=Fact("estimates"),
        sizes=(Size("estimates", 25), Size("papers", 21, "recalled")),
        public="printed in the article, which was not at hand",
    ),
    findings=(
        Fact("The definition of presence, and cross-section against panel, matter."),
        Fact("There is some evidence of publication bias."),
    ),
    estimator=Fact("t-statistics on traits of studies; log |t| on log degrees of freedom"),
    traps=("A t-statistic is no effect size.",),
    criticism=("25 observations, one a set of regressions.",),
    successors=("meyer_sinani_2009", "havranek_irsova_2011"),
)

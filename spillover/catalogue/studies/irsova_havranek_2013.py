"""Irsova & Havranek (2013): meta-analysis of horizontal spillovers."""

from __future__ import annotations

from spillover.catalogue.study import Citation, Data, Fact, Moderator, Size, Study

STUDY = Study(
    id="irsova_havranek_2013",
    kind="meta-analysis",
    citation=Citation(
        authors=("Irsova", "Havranek"),
        year=2013,
        title="Determinants of Horizontal Spillovers from FDI: Evidence from a Large Meta-Analysis",
        outlet="World Development 42, 1-15",
        doi="10.1016/j.worlddev.2012.07.001",
        doi_status="verified",
    ),
    question="What decides on the sign and size of horizontal spillovers?",
    data=Data(
        country="45 countries",
        years=Fact("52 studies"),
        unit=Fact("estimates"),
        sizes=(Size("collected", 1205), Size("used", 1199), Size("model averaging", 1195)),
        public="meta-analysis.cz, CC BY 4.0",
    ),
    findings=(
        Fact("Zero on average: -0.002; 0.017 by fixed, -0.011 by random effects."),
        Fact("No sign of publication bias."),
        Fact("A small technology gap and partial ownership raise the spillover."),
    ),
    estimator=Fact("funnel regressions with study effects; Bayesian model averaging"),
    inference=Fact("clustered by study"),
    moderators=(
        Moderator("technology gap", "gap between home and host", "-0.294 (posterior mean)"),
        Moderator("openness", "trade openness of the host", "-0.246 (posterior mean)"),
        Moderator("human capital", "of the host", "+0.437, imprecise (posterior mean)"),
        Moderator("ownership", "wholly foreign-owned", "-0.144 (posterior mean)"),
    ),
    traps=(
        "Nine determinants are forced into every model: their inclusion probability of 1 says "
        "nothing.",
        "The bias constant of Table 4, column 2, depends on which collinear dummy is dropped.",
    ),
    criticism=("Country averages of moderators stand for what firms face.",),
    successors=("hampl_havranek_irsova_2020",),
)

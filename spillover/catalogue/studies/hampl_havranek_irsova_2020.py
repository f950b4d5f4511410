"""Hampl, Havranek & Irsova (2020): meta-analysis of Czech spillovers."""

from __future__ import annotations

from spillover.catalogue.study import Citation, Data, Fact, Moderator, Size, Study

STUDY = Study(
    id="hampl_havranek_irsova_2020",
    kind="meta-analysis",
    citation=Citation(
        authors=("Hampl", "Havranek", "Irsova"),
        year=2020,
        title="Foreign Capital and Domestic Productivity in the Czech Republic: A Meta-regression "
        "Analysis",
        outlet="Applied Economics 52(18), 1949-1958",
        doi="10.1080/00036846.2020.1726864",
        doi_status="verified",
    ),
    question="What do eight Czech studies say together?",
    data=Data(
        country="Czech Republic",
        years=Fact("eight studies"),
        unit=Fact("estimates"),
        sizes=(Size("estimates", 332),),
        public="published with the article",
    ),
    findings=(
        Fact("Joint ventures give larger spillovers: 0.733 (0.036) in the specific model."),
        Fact("Studies that observe real links between firms find more: 0.353 (0.024)."),
        Fact("No sign of publication bias."),
    ),
    estimator=Fact("least squares, general to specific; Bayesian model averaging"),
    inference=Fact("clustered by study"),
    moderators=(
        Moderator("ownership", "joint ventures", "+0.733 (specific model)"),
        Moderator("competition", "control for competition", "-0.573 (specific model)"),
    ),
    traps=(
        "The public file has no study identifier, and quality columns are shifted by one row.",
        "Eight clusters against 23 parameters: the clustered covariance has rank 8 at most.",
        "The public file has no standard errors, so the funnel tests cannot be repeated.",
    ),
    criticism=("Eight studies are few for a regression on study traits.",),
)

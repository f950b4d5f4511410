"""Havranek & Irsova (2011): meta-analysis of vertical spillovers."""

from __future__ import annotations

from spillover.catalogue.study import Citation, Data, Fact, Moderator, Size, Study

STUDY = Study(
    id="havranek_irsova_2011",
    kind="meta-analysis",
    citation=Citation(
        authors=("Havranek", "Irsova"),
        year=2011,
        title="Estimating Vertical Spillovers from FDI: Why Results Vary and What the True Effect "
        "Is",
        outlet="Journal of International Economics 85(2), 234-244",
        doi="10.1016/j.jinteco.2011.07.004",
        doi_status="verified",
    ),
    question="What is the effect behind 3,626 estimates, and why do they differ?",
    data=Data(
        country="47 countries",
        years=Fact("studies found up to March 2010"),
        unit=Fact("estimates"),
        sizes=(
            Size("estimates", 3626),
            Size("backward", 1311),
            Size("forward", 1030),
            Size("horizontal", 1154),
        ),
        public="meta-analysis.cz, CC BY 4.0",
    ),
    findings=(
        Fact("Backward, corrected for publication bias: 0.168 (0.024) over all studies."),
        Fact("Forward: 0.087 (0.029). Horizontal: 0.005 (0.007)."),
        Fact("Best practice gives 0.94 for backward, the average specification 0.02."),
    ),
    estimator=Fact("t on precision, random intercept by study, REML"),
    inference=Fact("of the mixed model"),
    moderators=(
        Moderator("distance", "log kilometres between home and host", "+0.249"),
        Moderator("technology gap", "log gap between home and host", "-0.386"),
        Moderator("openness", "trade openness of the host", "+0.409"),
        Moderator("financial development", "of the host", "-0.339"),
        Moderator("ownership", "wholly foreign-owned", "-0.216"),
    ),
    traps=(
        "Effects are per unit of presence from 0 to 1; printed coefficients differ by study.",
        "Three printed numbers of estimates are wrong: 370, 241, 305 are 378, 249, 321.",
        "Older software estimated by REML, newer by ML: slopes move by 1 to 2 percent.",
        "The coding holds slips; see javorcik_2004.",
    ),
    criticism=("A median of 45 estimates a study: dependence within studies dominates.",),
    successors=("irsova_havranek_2013", "hampl_havranek_irsova_2020"),
)

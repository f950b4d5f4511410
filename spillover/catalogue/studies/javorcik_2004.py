"""Javorcik (2004): spillovers through backward linkages in Lithuania."""

from __future__ import annotations

from spillover.catalogue.study import (
    Citation,
    Column,
    Data,
    Equation,
    Fact,
    Links,
    Moderator,
    Reading,
    Replica,
    Size,
    Study,
)
from spillover.linkage import FirmGroup, LinkageDefinition

INPUTS = "log(capital) + log(employment) + log(materials)"
CONTROLS = "herfindahl + log(demand)"
EFFECTS = "industry + region + year"
LAG = "_lag1"


def _levels(sample: str, *, lagged: bool) -> Equation:
    measures = ("backward", "forward", "horizontal")
    terms = " + ".join(name + (LAG if lagged else "") for name in measures)
    own = "foreign_share + " if sample == "all" else ""
    return Equation(
        name=f"t5_{sample}" + ("_lagged" if lagged else ""),
        table="Table 5, levels",
        heading=f"{sample} firms" + (", lagged" if lagged else ""),
        formula=f"log(real_output) ~ {terms} + {own}{INPUTS} | {EFFECTS}",
        sample=sample,
        percent=True,
        note="Industry-year clusters and the form of the inputs are recalled.",
    )


def _changes(
    table: str, terms: str, outcome: str, sample: str, *, step: str = "first", heading: str = ""
) -> Equation:
    """Both sides in differences; year, region and industry effects stay, as trends."""
    own = "foreign_share + " if sample == "all" else ""
    inputs = f"{INPUTS} + " if outcome == "output" else ""
    left = "log(real_output)" if outcome == "output" else "tfp"
    steps = {"first": 1, "second": 2, "longest": 4}
    long = step != "first"
    middle = f"{step}_" if table == "7" else ""
    effects = "region + year" if step == "longest" else EFFECTS
    printed = {"7": f"Table 7, {step} differences"}.get(table, f"Table {table}")
    return Equation(
        name=f"t{table}_{middle}{outcome}_{sample}",
        table=printed,
        heading=heading or f"{'ln output' if outcome == 'output' else 'TFP'}, {sample} firms",
        formula=f"{left} ~ {terms} + {own}{inputs}{CONTROLS} | {effects}",
        sample=sample,
        transform="long_difference" if long else "first_difference",
        options=(("length", steps[step]),) if long else (),
        percent=True,
        note="Industry-year clusters and the log of demand are recalled."
        + (LONGEST if step == "longest" else ""),
    )


LONGEST = (
    " That the longest difference spans four years is inferred from n; industry effects are left "
    "out, since one difference a firm leaves no change of Backward within an industry."
)
ALL_THREE = "backward + forward + horizontal"
BY_OWNER = "backward_shared + backward_full + forward + horizontal"
BY_MARKET = "backward_home + backward_export + forward + horizontal"
PAIRS = tuple((outcome, sample) for outcome in ("output", "tfp") for sample in ("all", "domestic"))

STUDY = Study(
    id="javorcik_2004",
    citation=Citation(
        authors=("Javorcik",),
        year=2004,
        title="Does Foreign Direct Investment Increase the Productivity of Domestic Firms? In "
        "Search of Spillovers Through Backward Linkages",
        outlet="American Economic Review 94(3), 605-627",
        doi="10.1257/0002828041464605",
        doi_status="verified",
    ),
    question="Do firms gain productivity from foreign investors in the industries that they "
    "supply, rather than in their own?",
    data=Data(
        country="Lithuania",
        years=Fact("1996-2000"),
        unit=Fact("manufacturing firms, unbalanced panel", "recalled"),
        source=Fact("annual enterprise survey of the statistical office", "recalled"),
        sectors=Fact("two-digit NACE for the linkage measures"),
        sizes=(
            Size("levels, all firms", 11630),
            Size("levels, domestic firms", 10216),
            Size("first differences, all firms", 6853),
            Size("first differences, domestic firms", 5916),
            Size("first differences of Olley-Pakes TFP, all firms", 3765),
            Size("first differences of Olley-Pakes TFP, domestic firms", 3084),
        ),
        public="confidential; the design can be repeated on any firm panel with an input-output "
        "table",
    ),
    findings=(
        Fact("Backward is positive in every published column."),
        Fact("Only projects with shared ownership have significant backward effects."),
        Fact("Horizontal is small and mostly insignificant in differences."),
        Fact("Forward is negative or insignificant."),
    ),
    equations=(
        *(
            _levels(sample, lagged=lagged)
            for lagged in (False, True)
            for sample in (
                "all",
                "domestic",
            )
        ),
        *(
            _changes("7", ALL_THREE, outcome, sample, step=step)
            for step in ("first", "second", "longest")
            for outcome, sample in PAIRS
        ),
        *(_changes("8", BY_OWNER, outcome, sample) for outcome, sample in PAIRS),
        *(_changes("9", BY_MARKET, outcome, sample) for outcome, sample in PAIRS),
    ),
    links=(
        Links(
            measures=("horizontal", "backward", "forward", "demand", "herfindahl"),
            note="equity weights and percent are verified; own sector out, no rescaling and a "
            "fixed 1996 table with imports are recalled",
        ),
        Links(
            definition=LinkageDefinition(lag=1),
            suffix=LAG,
        ),
        Links(
            definition=LinkageDefinition(foreign=FirmGroup.shared(), threshold=None),
            measures=("backward",),
            suffix="_shared",
        ),
        Links(
            definition=LinkageDefinition(foreign=FirmGroup.full()),
            measures=("backward",),
            suffix="_full",
        ),
        Links(
            definition=LinkageDefinition(foreign=FirmGroup.non_exporters()),
            measures=("backward",),
            suffix="_home",
            note="which firms count as serving the home market is recalled",
        ),
        Links(
            definition=LinkageDefinition(foreign=FirmGroup.exporters()),
            measures=("backward",),
            suffix="_export",
        ),
    ),
    columns=(
        Column(
            name="tfp",
            meaning="log total factor productivity after Olley and Pakes, by industry",
            unit="log",
        ),
    ),
    labels={
        "backward_shared": "Backward, shared ownership",
        "backward_full": "Backward, full ownership",
        "backward_home": "Backward, home-market FDI",
        "backward_export": "Backward, export-oriented FDI",
        "backward_split1": "Backward, first part as printed",
        "backward_split2": "Backward, second part as printed",
        "backward_lag1": "Backward, lagged",
        "forward_lag1": "Forward, lagged",
        "horizontal_lag1": "Horizontal, lagged",
        "foreign_share": "Own foreign share",
        "log(real_output)": "ln output",
        "tfp": "TFP (Olley-Pakes)",
        "log(capital)": "ln capital",
        "log(employment)": "ln employment",
        "log(materials)": "ln materials",
        "log(demand)": "ln demand",
        "herfindahl": "Herfindahl",
    },
    productivity=Fact(
        "log output on capital, labour and materials in one step; Olley-Pakes TFP "
        "by industry in two"
    ),
    tfp={"method": "op", "output": "output", "free": ("employment", "materials")},
    estimator=Fact(
        "least squares in levels, first, second and longest differences; year, region "
        "and industry effects stay in the differences"
    ),
    inference=Fact("clustered by industry-year (Moulton)", "recalled"),
    moderators=(
        Moderator(
            "ownership",
            "Backward of partly and of wholly foreign-owned firms",
            "significant for shared ownership only",
        ),
        Moderator(
            "market",
            "Backward of home-market and of export-oriented affiliates",
            "no clear difference in the printed columns",
            "inferred",
        ),
        Moderator("timing", "presence lagged by a year", "similar in levels"),
    ),
    readings=(
        Reading(
            sections="3.4, 6.5, 7.2",
            thesis="Multinationals keep their knowledge from competitors, so spillovers reach "
            "suppliers rather than rivals; suppliers have to meet quality standards. Cited by its "
            "2006 reprint.",
            source="Backward linkages raise the productivity of local suppliers, horizontal ones "
            "do not; the gain comes from jointly owned projects.",
            verdict="agrees",
            why="The direction is right. That only shared ownership matters is left out.",
        ),
    ),
    replica_design=Replica(
        equation="t7_first_tfp_domestic",
        controls={"foreign_share": 0.1, "herfindahl": 0.0, "log(demand)": 0.0},
        industries=20,
        firms_per_industry=52,
        years=(1996, 2000),
        note="Years and size follow the paper; 20 industries, their table and the firms are drawn.",
    ),
    decisions=(
        "Backward weighs with shares of sales (rows), Forward with shares of purchases (columns) "
        "of the same table.",
        "The denominator of the sales shares decides the scale of the coefficient; here "
        "intermediate sales.",
        "Forward takes exports off the supplier's output, Backward takes nothing off.",
        "A difference needs the firm in both years; its effects by industry and region are trends.",
        "Olley-Pakes drops firm-years without investment, almost half of them.",
    ),
    traps=(
        "Presence is in percent: a hundred times the printed coefficient is the semi-elasticity.",
        "The measures vary by industry and year only, so industries times years is the effective "
        "sample; industry-year clusters leave correlation over time within industries.",
        "The published coding of Table 7, all firms, Horizontal (-0.0030) contradicts Table 9 "
        "(-0.0003): a slip, flagged suspect and left out.",
    ),
    criticism=(
        "Industry-year clusters reject a true null far too often where industries with similar "
        "customers share shocks (Adao, Kolesar & Morales 2019).",
        "Sales shares say what an average firm of the industry buys, not what foreign affiliates "
        "buy locally (Barrios, Gorg & Strobl 2011).",
        "The own sector's purchases are left out of Backward, which matters with coarse tables "
        "(Lenaerts & Merlevede 2012).",
    ),
    versions=(
        "World Bank working paper 2923 (2002) found no difference by ownership and more gain from "
        "home-market investors; the article of 2004 finds shared ownership only.",
        "Probably reprinted in Hoekman & Javorcik (2006); see javorcik_2006.",
    ),
    successors=(
        "javorcik_spatareanu_2008",
        "javorcik_spatareanu_2011",
        "barrios_gorg_strobl_2011",
        "merlevede_schoors_2008",
        "lenaerts_merlevede",
        "havranek_irsova_2011",
    ),
)

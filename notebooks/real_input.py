"""Run spillover end to end on real firm panels and input-output tables.

    python notebooks/real_input.py --shared ../shared/data --out real-input-report --case all

The data are not part of the package and may not be passed on; ``docs/real-input.md`` says what
they are, what is done to them, and what the results can and cannot say. The output folder gets
regression tables, figures of aggregates and ``notes.txt``; it holds no firm-level record.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

import spillover as sp
from spillover.iotables import coverage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MEASURES = ("horizontal", "backward", "forward")
PRODUCTION = "log(output) ~ log(capital) + log(employment) + log(materials)"
TABLE_YEAR = 1995  # the first year of WIOD
STRUCTURE_YEAR = 2000  # the first year of the UN series
SMALL_CELL = 3  # industries with fewer firms in some year are not drawn

UN_GROUPS = {
    "agriculture": "Agriculture, hunting, forestry, fishing (ISIC A-B)",
    "manufacturing": "Manufacturing (ISIC D)",
    "mining and utilities": "Mining, Manufacturing, Utilities (ISIC C-E)",  # less manufacturing
    "construction": "Construction (ISIC F)",
    "trade and hotels": "Wholesale, retail trade, restaurants and hotels (ISIC G-H)",
    "transport": "Transport, storage and communication (ISIC I)",
    "other": "Other Activities (ISIC J-P)",
}
WIOD_GROUPS = {
    "agriculture": (1, 1),
    "manufacturing": (3, 16),
    "mining and utilities": (2, 2),  # and c17
    "construction": (18, 18),
    "trade and hotels": (19, 22),
    "transport": (23, 27),
    "other": (28, 35),
}
# Countries of WIOD in the UN series; Taiwan is not in it.
WIOD_COUNTRIES = {
    "AUS": "Australia", "AUT": "Austria", "BEL": "Belgium", "BGR": "Bulgaria", "BRA": "Brazil",
    "CAN": "Canada", "CHN": "China, People's Republic of", "CYP": "Cyprus",
    "CZE": "Czech Republic", "DEU": "Germany", "DNK": "Denmark", "ESP": "Spain", "EST": "Estonia",
    "FIN": "Finland", "FRA": "France", "GRC": "Greece", "HUN": "Hungary", "IDN": "Indonesia",
    "GBR": "United Kingdom of Great Britain and Northern Ireland", "IND": "India",
    "IRL": "Ireland", "ITA": "Italy", "JPN": "Japan", "KOR": "Republic of Korea",
    "LTU": "Lithuania", "LUX": "Luxembourg", "LVA": "Latvia", "MEX": "Mexico", "MLT": "Malta",
    "NLD": "Netherlands", "POL": "Poland", "PRT": "Portugal", "ROM": "Romania",
    "RUS": "Russian Federation", "SVK": "Slovakia", "SVN": "Slovenia", "SWE": "Sweden",
    "TUR": "Turkey", "USA": "United States",
}  # fmt: skip

# ISIC Rev. 2 groups of the Ghanaian survey's sector names, for the rows without a code.
GHANA_SECTORS = {
    "Alcohol": 3131,
    "Bakery": 3117,
    "Chemical": 352,
    "Food (exc drink)": 311,
    "Furniture": 332,
    "Garment": 322,
    "Metal": 381,
    "Textile": 321,
}


@dataclass
class Log:
    """What was said on the way: printed, and written to ``notes.txt`` at the end."""

    lines: list[str] = field(default_factory=list)

    def say(self, text: str = "") -> None:
        """Print a line and keep it."""
        print(text, flush=True)
        self.lines.append(text)

    @contextmanager
    def notes(self, what: str) -> Iterator[None]:
        """Turn the package's warnings into notes, each said once; pass other warnings on."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", sp.SpilloverWarning)
            yield
        for text, category in dict.fromkeys((str(w.message), w.category) for w in caught):
            if issubclass(category, sp.SpilloverWarning):
                if not any(line.endswith(f": {text}") for line in self.lines):
                    self.say(f"  note ({what}): {text}")
            else:
                warnings.warn(text, category, stacklevel=3)


@dataclass(frozen=True)
class Specification:
    """One column of the regression table."""

    formula: str
    data: str  # key of the frames with linkages
    sample: Literal["domestic"] | Callable[[pd.DataFrame], Sequence[bool]] = "domestic"
    cluster: str = "auto"


@dataclass(frozen=True)
class Case:
    """A country's run: what went in and what came out."""

    name: str
    raw_rows: int
    panel: sp.FirmPanel
    matched_share: float
    table: sp.IOTable
    links: sp.Linkages
    data: pd.DataFrame
    fits: Mapping[str, sp.Fit]
    ranking: pd.DataFrame


# ---- the stand-in table ------------------------------------------------------------------------


def un_structure(shared: Path) -> pd.DataFrame:
    """Return value-added shares by country (rows) and broad group, current US$, UN statistics."""
    frame = pd.read_parquet(shared / "country_year" / "un_value_added_by_isic.parquet")
    frame = frame[(frame["prices"] == "current_usd") & (frame["Year"] == STRUCTURE_YEAR)]
    groups = frame.set_index("Country or area")[list(UN_GROUPS.values())]
    groups = groups.set_axis(list(UN_GROUPS), axis=1)
    groups["mining and utilities"] -= groups["manufacturing"]
    return groups.div(groups.sum(axis=1), axis=0)


def table_structure(shared: Path, log: Log) -> pd.DataFrame:
    """Return the same shares from the WIOD tables themselves (with taxes and margins)."""
    stacked = pd.read_parquet(national_tables(shared))
    rows = {}
    with log.notes(f"WIOD {STRUCTURE_YEAR}"):
        for country in sorted(set(stacked["country"]) - {"RoW"}):
            io = sp.read_io(
                stacked, format="wiod2013_national", country=country, year=STRUCTURE_YEAR
            )
            value = io.value_added()
            sums = {
                group: value.loc[f"c{first}" : f"c{last}"].sum()
                for group, (first, last) in WIOD_GROUPS.items()
            }
            sums["mining and utilities"] += value["c17"]
            rows[country] = pd.Series(sums) / value.sum()
    return pd.DataFrame(rows).T


def rank_stand_ins(shared: Path, country: str, log: Log) -> pd.DataFrame:
    """Rank the WIOD countries by how far their value-added structure is from ``country``'s.

    The distance is half the sum of absolute differences between shares: the part of value added
    that would have to move. ``distance`` compares UN figures with UN figures and decides;
    ``distance_table`` takes the WIOD table's own value added, as a check.
    """
    un = un_structure(shared)
    target = un.loc[country]
    own = un.loc[list(WIOD_COUNTRIES.values())].set_axis(list(WIOD_COUNTRIES))
    tables = table_structure(shared, log)
    ranking = pd.DataFrame(
        {
            "distance": (own - target).abs().sum(axis=1) / 2,
            "distance_table": (tables - target).abs().sum(axis=1) / 2,
        }
    ).sort_values("distance")
    log.say(f"Stand-in for {country}: distance in value-added shares, {STRUCTURE_YEAR}")
    log.say(ranking.head(5).round(3).to_string())
    first, check = ranking.index[0], ranking["distance_table"].idxmin()
    agree = "agrees" if first == check else f"would choose {check}: the choice is not clear-cut"
    log.say(f"  closest: {first}; the WIOD tables' own value added {agree}.")
    return ranking


def national_tables(shared: Path) -> Path:
    """Return the file with the national WIOD tables."""
    return shared / "io_wiod2013" / "wiod2013_national.parquet"


def stand_in(shared: Path, code: str, country: str, log: Log) -> sp.IOTable:
    """Read a country's table and write into its source whose place it takes."""
    with log.notes(f"{code} {TABLE_YEAR}"):
        return sp.read_io(
            national_tables(shared),
            format="wiod2013_national",
            country=code,
            year=TABLE_YEAR,
            source=f"WIOD 2013 release, {TABLE_YEAR}, as STAND-IN for {country}",
        )


# ---- firm panels -------------------------------------------------------------------------------


def report_coverage(codes: pd.Series, output: pd.Series, log: Log) -> float:
    """Say how much of the rows and of output has a sector, rows without a code included."""
    bridge = sp.concordance("isic2", "wiod2013")
    rows, value = coverage(bridge, codes), coverage(bridge, codes, output)
    log.say(f"  ISIC Rev. 2 -> WIOD, by rows: {rows!r}; by output: {value.matched_share:.1%}")
    return value.matched_share


def ghana_raw(shared: Path) -> pd.DataFrame:
    """Return the Ghanaian file, its export flag under another name than export amounts."""
    raw = pd.read_csv(shared / "firms_ghana_rped" / "ghana_firms.csv")
    return raw.rename(columns={"exports": "exporter"})


def ghana_firms(raw: pd.DataFrame, what: str, log: Log) -> sp.FirmPanel:
    """Make the Ghanaian panel; money in real 1991 cedis, foreign ownership yes or no."""
    columns = {
        "industry": "sec",
        "output": "routput",
        "foreign_share": "foreign",
        "region": "locdum",
        "capital": "rcapn",
        "employment": "worker",
        "materials": "rmata",
    }
    raw = raw[["firm", "year", "owndum", *columns.values()]]
    with log.notes(what):
        panel = sp.read_firms(raw, columns=columns, missing_keys="drop")
    return panel.with_industries(sp.concordance("isic2", "wiod2013"), unmatched="drop")


def describe_ghana(raw: pd.DataFrame, log: Log) -> float:
    """Say what the columns hold and how much of output is usable; return the coverage."""
    values = sorted(raw["exporter"].dropna().unique().tolist())
    log.say(f"  exports holds only {values}: a yes/no flag, no amount; Forward takes gross output")
    owners = raw["owndum"].fillna("unknown").to_numpy()
    share = raw["routput"].groupby(owners).sum() / raw["routput"].sum()
    listed = [f"{name} {int((owners == name).sum())} ({part:.1%})" for name, part in share.items()]
    log.say(f"  owners, rows (share of output): {', '.join(listed)}; State counts as domestic")
    largest = raw.groupby("year")["routput"].max() / raw.groupby("year")["routput"].sum()
    log.say(f"  the largest firm has {largest.min():.0%} to {largest.max():.0%} of a year's output")
    return report_coverage(raw["sec"], raw["routput"], log)


def chile_firms(shared: Path, log: Log) -> tuple[sp.FirmPanel, int, float]:
    """Read the Chilean census; presence is a PROXY, money in thousands of (1990) pesos."""
    columns = {
        "firm": "plant",
        "industry": "isic4",
        "output": "gross_output",
        "foreign_share": "licence",
        "employment": "L",
        "capital": "real_capital",
    }
    folder = shared / "firms_chile_enia"
    raw = pd.read_parquet(folder / "enia_1986_1994.parquet")
    log.say(
        "  no equity data: 'foreign share' is 1 if the plant paid for foreign technical assistance "
        "that year, else 0. A PROXY: foreign technology licence, not foreign ownership"
    )
    raw["licence"] = (raw["foreign_licence_fees"] > 0).astype(float)
    raw["licensed_ever"] = raw.groupby("plant")["licence"].transform("max")
    negative = raw["gross_output"] < 0
    raw.loc[negative, "gross_output"] = np.nan
    log.say(f"  {int(negative.sum())} negative gross outputs blanked")
    raw.loc[raw["year"] < 1990, "exports"] = np.nan
    log.say("  exports used from 1990 on only (before: zero-filled, or another variable)")
    _deflate(raw, pd.read_csv(folder / "deflators_1979_1996.csv"), log)
    with log.notes("Chile, reading"):
        panel = sp.read_firms(
            raw[["year", "exports", "licensed_ever", "real_output", "real_materials"]].join(
                raw[list(columns.values())]
            ),
            columns=columns,
        )
    return panel, len(raw), report_coverage(raw["isic4"], raw["gross_output"], log)


def _deflate(raw: pd.DataFrame, prices: pd.DataFrame, log: Log) -> None:
    """Add output and materials in 1990 prices, by the deflators of their ISIC group."""
    group = raw["isic4"] // 10
    group = group.where(group != 311, 312)  # food has one deflator
    prices = prices.set_index("year")
    for letter, money, real in (
        ("y", "gross_output", "real_output"),
        ("m", "materials", "real_materials"),
    ):
        names = [c for c in prices if c[0] == letter and c[1:].isdigit()]
        long = prices[names].rename(columns=lambda c: int(c[1:])).stack()  # noqa: PD013
        key = pd.MultiIndex.from_arrays([raw["year"], group])
        raw[real] = raw[money] / long.reindex(key).to_numpy()
    missing = int(raw["real_output"].isna().sum() - raw["gross_output"].isna().sum())
    log.say(
        "  output and materials deflated by the source's industry price indices, 1990 = 1 "
        f"({missing} rows without an index)"
    )


# ---- linkages and regressions ------------------------------------------------------------------


def measure(
    firms: sp.FirmPanel | pd.DataFrame,
    io: sp.IOTable,
    definition: sp.LinkageDefinition,
    what: str,
    log: Log,
) -> tuple[sp.Linkages, pd.DataFrame]:
    """Build the measures and join them to the firms."""
    with log.notes(what):
        links = sp.linkages(firms, io, definition)
        return links, sp.attach(firms, links)


def estimate(
    specifications: Mapping[str, Specification], frames: Mapping[str, pd.DataFrame], log: Log
) -> dict[str, sp.Fit]:
    """Fit every specification and account for every row."""
    fits = {}
    for name, spec in specifications.items():
        data = frames[spec.data]
        with log.notes(name):
            fit = sp.fit(spec.formula, data, sample=spec.sample, cluster=spec.cluster)
        left = "; ".join(f"{count:,} {why}" for why, count in fit.dropped.items())
        log.say(f"  {name}: {fit.nobs:,} of {len(data):,} rows used; left out: {left or 'none'}")
        if fit.nobs + sum(fit.dropped.values()) != len(data):
            log.say("  WARNING: rows used and rows left out do not add up")
        fits[name] = fit
    return fits


def ghana(shared: Path, log: Log) -> Case:
    """Run the Ghanaian case."""
    log.say("\n== Ghana, RPED/GMES 1991-2002 ==")
    raw = ghana_raw(shared)
    matched = describe_ghana(raw, log)
    panel = ghana_firms(raw, "Ghana, reading", log)
    log.say(f"  {panel.report}".replace("\n", "\n  "))
    named = raw.assign(sec=raw["sec"].fillna(raw["secname"].map(GHANA_SECTORS)))
    ranking = rank_stand_ins(shared, "Ghana", log)
    first, second = ranking.index[:2]
    table = stand_in(shared, first, "Ghana", log)
    gross = sp.LinkageDefinition(forward_exports="gross")
    links, data = measure(panel, table, gross, f"Ghana, {first}", log)
    other = stand_in(shared, second, "Ghana", log)
    frames = {
        "main": data,
        "second": measure(panel, other, gross, f"Ghana, {second}", log)[1],
        "named": measure(
            ghana_firms(named, "Ghana, named sectors", log), table, gross, "named sectors", log
        )[1],
    }
    formula = f"{PRODUCTION} + {' + '.join(MEASURES)} | firm + year"
    fits = estimate(
        {
            "Main": Specification(formula, "main"),
            "By industry": Specification(formula, "main", cluster="industry"),
            "By firm": Specification(formula, "main", cluster="firm"),
            "Region-year": Specification(f"{formula} + region^year", "main"),
            "Named sectors": Specification(formula, "named"),
            f"Table {second}": Specification(formula, "second"),
        },
        frames,
        log,
    )
    return Case("ghana", len(raw), panel, matched, table, links, data, fits, ranking)


def chile(shared: Path, log: Log) -> Case:
    """Run the Chilean case."""
    log.say("\n== Chile, ENIA 1986-1994 ==")
    firms, raw_rows, matched = chile_firms(shared, log)
    log.say(f"  {firms.report}".replace("\n", "\n  "))
    panel = firms.with_industries(sp.concordance("isic2", "wiod2013"), unmatched="drop")
    moved = panel.to_pandas().groupby("firm")["industry"].nunique().gt(1).sum()
    log.say(f"  {moved:,} plants change WIOD sector; the panel has no region")
    ranking = rank_stand_ins(shared, "Chile", log)
    first, second = ranking.index[:2]
    table = stand_in(shared, first, "Chile", log)
    gross = sp.LinkageDefinition(forward_exports="gross")
    links, data = measure(panel, table, gross, f"Chile, {first}", log)
    late = panel.to_pandas().query("year >= 1990")
    other = stand_in(shared, second, "Chile", log)
    frames = {
        "main": data,
        "late": measure(late, table, sp.JAVORCIK_2004, "Chile, net of exports", log)[1],
        "second": measure(panel, other, gross, f"Chile, {second}", log)[1],
    }
    rest = f"{' + '.join(MEASURES)} | firm + year"
    short = f"log(real_output) ~ log(employment) + log(real_materials) + {rest}"
    long = short.replace("~", "~ log(capital) +")
    log.say("  capital is missing for most plant-years: left out, but for one column from 1990 on")
    fits = estimate(
        {
            "Main": Specification(short, "main"),
            "By industry": Specification(short, "main", cluster="industry"),
            "By firm": Specification(short, "main", cluster="firm"),
            "Never licensed": Specification(short, "main", sample=_never_licensed),
            "Net, 1990-94": Specification(short, "late"),
            "With capital": Specification(long, "late"),
            f"Table {second}": Specification(short, "second"),
        },
        frames,
        log,
    )
    return Case("chile", raw_rows, panel, matched, table, links, data, fits, ranking)


def _never_licensed(frame: pd.DataFrame) -> list[bool]:
    flags: list[bool] = frame["licensed_ever"].eq(0).tolist()
    return flags


# ---- presentation ------------------------------------------------------------------------------

LABELS = {
    "log(output)": "ln output",
    "log(real_output)": "ln real output",
    "log(capital)": "ln capital",
    "log(employment)": "ln labour",
    "log(materials)": "ln materials",
    "log(real_materials)": "ln materials",
}
WHERE = {
    "ghana": {
        "title": "Ghana (RPED), 1991-2002: domestic firms",
        "presence": "Presence: output of firms with a foreign owner (yes or no, no equity share); "
        "state-owned firms count as domestic. Forward from gross output: the survey has no export "
        "amounts.",
        "sample": "Domestic: no foreign owner; firms with unknown owner left out. Named sectors: "
        "rows without an ISIC code take the one of the survey's sector name.",
    },
    "chile": {
        "title": "Chile (ENIA), 1986-1994: plants without a foreign licence",
        "presence": "PROXY: presence is the output of plants that pay for foreign technical "
        "assistance, not foreign ownership, which the census does not record.",
        "sample": "Sample: plants without such payments that year (Never licensed: in no year). "
        "Forward from gross output, but net of exports in the columns on 1990-94. No capital but "
        "in the column With capital.",
    },
}


def labels_for(case: Case) -> dict[str, str]:
    """Return the labels of terms; a proxy is called one."""
    proxy = " (licence proxy)" if case.name == "chile" else ""
    return LABELS | {name: name.capitalize() + proxy for name in MEASURES}


def present(case: Case, out: Path, log: Log) -> None:
    """Write the regression table and the figures of a case."""
    words, labels = WHERE[case.name], labels_for(case)
    second = case.ranking.index[1]
    table = sp.tables.regression(
        case.fits,
        labels=labels,
        statistics=("inference", "clusters", "nobs", "r2", "r2_within"),
        title=words["title"],
        notes=[
            words["presence"],
            words["sample"],
            f"Input-output table: {case.table.country}, {case.table.source}; the last column takes "
            f"{second} instead.",
        ],
    )
    log.say(f"\n{table.to_text()}")
    for suffix, text in (
        ("html", table.to_html()),
        ("tex", table.to_latex(f"tab:{case.name}")),
        ("txt", table.to_text()),
    ):
        (out / f"{case.name}_table.{suffix}").write_text(text, encoding="utf-8")
    drawn = _large_industries(case)
    log.say(f"  drawn over time: {len(drawn)} industries with {SMALL_CELL} or more firms each year")
    figures = {
        "coefficients": sp.plot.coefficients(case.fits, terms=MEASURES, labels=labels),
        "linkages": sp.plot.linkages(case.links, industries=drawn, labels=labels),
        "io_table": sp.plot.io_table(case.table),
    }
    for name, figure in figures.items():
        figure.savefig(out / f"{case.name}_{name}.png", dpi=150, bbox_inches="tight")


def _large_industries(case: Case) -> list[str]:
    """Return the industries whose presence rests on no small cell in any year."""
    fewest = case.links.data.groupby("industry", sort=False)["firms"].min()
    return fewest.index[fewest >= SMALL_CELL].tolist()


def tables(shared: Path, out: Path, log: Log) -> dict[tuple[str, int], sp.IOTable]:
    """Read, check and draw tables of Lithuania, the Czech Republic, Indonesia and Kazakhstan."""
    log.say("\n== WIOD tables ==")
    log.say(
        "  national: exports are the residual, rows balance by construction; world: a real test"
    )
    result = {}
    for country, year in (("LTU", 1996), ("LTU", 2000), ("CZE", 2000), ("IDN", 2000)):
        world = shared / "io_wiod2013" / f"wiod2013_{year}.npz"
        with log.notes(f"{country} {year}"):
            io = sp.read_io(
                national_tables(shared), format="wiod2013_national", country=country, year=year
            )
            check = sp.read_io(world, format="wiod2013_npz", country=country, year=year)
        gaps = [table.balance()["gap"].abs().max() for table in (io, check)]
        apart = np.abs(io.flows("total") - check.flows("total")).max()
        value = io.value_added().sum() / 1000
        imported = io.flows("imported").sum() / io.flows("total").sum()
        log.say(
            f"  {country} {year}: {len(io.sectors)} sectors; largest gap {gaps[0]:.2g} (national), "
            f"{gaps[1]:.2g} (world) {io.unit}; flows differ by at most {apart:.2g}; value added "
            f"with product taxes {value:.1f} billion; imported intermediates {imported:.0%}; "
            f"idle: {', '.join(io.idle_sectors) or 'none'}"
        )
        sp.plot.io_table(io).savefig(out / f"table_{country}_{year}.png", dpi=150)
        result[country, year] = io
    with log.notes("Kazakhstan"):
        sam = sp.read_io(shared / "io_kazakhstan_gtap_sam" / "kazakhstan_sam57.csv", format="sam")
        figure = sp.plot.key_linkages(sam)
    figure.savefig(out / "key_linkages_KAZ.png", dpi=150)
    log.say(f"  Kazakhstan (GTAP, about 2007, unverified): {len(sam.sectors)} sectors")
    return result


def summary(cases: list[Case], log: Log) -> None:
    """Say in a few lines what came out."""
    log.say("\n== Summary ==")
    for case in cases:
        fit = case.fits["Main"]
        log.say(
            f"{case.name}: {case.raw_rows:,} rows read, {len(case.panel):,} in the panel, "
            f"{fit.nobs:,} in the main regression; {case.matched_share:.1%} of output with a sector"
        )
        for term in MEASURES:
            ranges = [f.params[term] for f in case.fits.values()]
            log.say(
                f"  {labels_for(case)[term]}: {fit.params[term]:.3f} "
                f"(s.e. {fit.std_errors[term]:.3f}); over all columns {min(ranges):.3f} to "
                f"{max(ranges):.3f}"
            )


def main(arguments: list[str] | None = None) -> int:
    """Run the cases asked for."""
    parser = argparse.ArgumentParser(description="spillover on real data")
    parser.add_argument("--shared", type=Path, required=True, help="folder with the data sets")
    parser.add_argument("--out", type=Path, default=Path("real-input-report"))
    parser.add_argument("--case", choices=("ghana", "chile", "tables", "all"), default="all")
    options = parser.parse_args(arguments)
    if not options.shared.is_dir():
        parser.error(f"--shared: there is no folder {options.shared}")
    options.out.mkdir(parents=True, exist_ok=True)
    log, start, cases = Log(), time.perf_counter(), []
    for name, run in (("ghana", ghana), ("chile", chile)):
        if options.case in {name, "all"}:
            cases.append(run(options.shared, log))
            present(cases[-1], options.out, log)
    if options.case in {"tables", "all"}:
        tables(options.shared, options.out, log)
    summary(cases, log)
    log.say(f"Done in {time.perf_counter() - start:.0f} s; see {options.out}")
    (options.out / "notes.txt").write_text("\n".join(log.lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

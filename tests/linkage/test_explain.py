"""Measures taken apart: exposure and shocks, partner industries, foreign firms."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

import spillover as sp

from .panels import (
    ALL_MEASURES,
    ample_table,
    any_definition,
    build,
    io_of,
    placed_cases,
    placed_frame,
    placed_panel,
    quiet,
)
from .test_measures import SETTINGS, TOLERANCE

ROWS = placed_panel()
TABLES = {2000: ample_table(1), 2002: ample_table(2)}
LINKS = build(ROWS, TABLES, sp.JAVORCIK_2004, measures=ALL_MEASURES)
REGIONAL = build(ROWS, TABLES, sp.LinkageDefinition(region="own"), measures=ALL_MEASURES)


def value(links: sp.Linkages, industry: str, year: int, measure: str, region: str = "") -> float:
    data = links.data if "region" in links.data else links.data.assign(region="")
    place = (data["industry"] == industry) & (data["year"] == year) & (data["region"] == region)
    return data.loc[place, measure].item()


@settings(SETTINGS, max_examples=12)
@given(case=placed_cases(), definition=any_definition)
def test_a_measure_is_exposure_times_shocks(case, definition):
    """And what the partners contribute adds up to it."""
    rows, tables, setting = case
    links = build(rows, tables, definition, setting, measures=ALL_MEASURES)
    data = links.data if "region" in links.data else links.data.assign(region="")
    for measure in ALL_MEASURES:
        shocks = links.shocks(measure)
        shocks = shocks if "region" in shocks else shocks.assign(region="")
        assert list(shocks["industry"]) == list(data["industry"])
        for (region, year), part in data.groupby(["region", "year"]):
            here = shocks[(shocks["region"] == region) & (shocks["year"] == year)]
            presence = here.set_index("industry")["presence"]
            made = links.exposure(measure, year) @ presence.fillna(0)
            found = part.set_index("industry")[measure]
            known = found.notna()
            np.testing.assert_allclose(made[known], found[known], rtol=1e-11, atol=TOLERANCE)
            industry = found.index[0]
            parts = links.explain(industry, year, measure, region=region or None)
            if known[industry]:
                total = parts["contribution"].sum()
                np.testing.assert_allclose(total, found[industry], rtol=1e-11, atol=TOLERANCE)


@pytest.mark.parametrize("measure", ALL_MEASURES)
def test_partners(measure):
    for industry in "ABCD":
        parts = LINKS.explain(industry, 2001, measure)
        assert list(parts) == ["partner", "label", "share", "presence", "contribution", "part"]
        assert parts["contribution"].is_monotonic_decreasing
        assert (parts["share"] != 0).all()
        total = value(LINKS, industry, 2001, measure)
        assert parts["contribution"].sum() == pytest.approx(total, rel=1e-12)
        assert parts["part"].sum() == pytest.approx(1.0, rel=1e-12)
        seen = parts.dropna(subset="presence")
        np.testing.assert_allclose(seen["contribution"], seen["share"] * seen["presence"])


def test_the_own_sector_is_no_partner_of_backward():
    assert "A" not in LINKS.explain("A", 2000)["partner"].tolist()
    assert LINKS.explain("A", 2000, "horizontal")["partner"].tolist() == ["A"]


def test_an_industry_that_sells_to_no_foreign_firm_has_no_parts():
    rows = [r for r in ROWS if not r.foreign_share] + [ROWS[0]]
    links = build(rows, TABLES[2000], sp.LinkageDefinition(threshold=1.0))
    assert links.explain("A", 2001)["part"].isna().all()


def test_partners_by_region():
    for region in ("north", "south", "west"):
        parts = REGIONAL.explain("B", 2002, region=region)
        total = value(REGIONAL, "B", 2002, "backward", region)
        assert parts["contribution"].sum() == pytest.approx(total, rel=1e-12)


def test_labels_of_the_table():
    io = io_of(TABLES[2000])
    named = sp.IOTable.from_arrays(
        io.sectors,
        domestic=io.domestic,
        imported=io.imported,
        final_demand=io.final_demand,
        exports=io.exports,
        unit="EUR",
        labels={"B": "Bricks"},
    )
    with quiet():
        links = sp.linkages(placed_frame(ROWS), named)
    labels = links.explain("A", 2000).set_index("partner")["label"]
    assert labels[["B", "C"]].tolist() == ["Bricks", "C"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LINKS.explain("Q", 2000), "industry='Q' is not an option"),
        (lambda: LINKS.explain("A", 1999), "year=1999 is no year of the panel: 2000, 2001, 2002"),
        (lambda: LINKS.explain("A", 2000, "bakward"), "Did you mean 'backward'"),
        (lambda: LINKS.explain("A", 2000, region="north"), "presence is national"),
        (lambda: REGIONAL.explain("A", 2000), "needs a region"),
        (lambda: REGIONAL.explain("A", 2000, region="nort"), "Did you mean 'north'"),
        (lambda: LINKS.exposure("backward", 1999), "year=1999 is no year"),
        (lambda: LINKS.exposure("firms", 2000), "measure='firms' is not an option"),
        (lambda: LINKS.shocks("firms"), "measure='firms' is not an option"),
        (lambda: LINKS.foreign_firms("Q", 2000), "industry='Q'"),
        (lambda: LINKS.foreign_firms("A", 1999), "year=1999"),
        (lambda: LINKS.foreign_firms("A", 2000, largest=0), "largest=0"),
        (lambda: REGIONAL.foreign_firms("A", 2000), "national presence only"),
    ],
)
def test_what_there_is_not(call, message):
    with pytest.raises(sp.SchemaError, match=message):
        call()


# Foreign firms

PLAIN = {
    "Javorcik (2004)": {},
    "by head": {"weight": "employment", "threshold": 0.1},
    "counted": {"weight": "none", "own_sector": "include"},
    "gross": {"forward_exports": "gross", "unobserved": "missing"},
    "sourcing": {"local_sourcing": sp.LocalSourcing.of({"A": 0.3, "C": 0.0})},
    "entrants": {"foreign": sp.FirmGroup.entered(1)},
    "interpolated": {"vintage": "interpolate", "denominator": "output"},
}


@pytest.mark.parametrize("options", PLAIN.values(), ids=PLAIN)
def test_foreign_firms_add_up(options):
    links = build(ROWS, TABLES, sp.LinkageDefinition(**options), measures=ALL_MEASURES)
    for measure, (industry, largest) in product(ALL_MEASURES, [("A", 1000), ("B", 4), ("C", 1)]):
        total = value(links, industry, 2001, measure)
        if not np.isnan(total):
            firms = links.foreign_firms(industry, 2001, measure, largest=largest)
            assert firms["contribution"].sum() == pytest.approx(total, rel=1e-12, abs=1e-15)
            assert len(firms) <= largest + 1


national = any_definition.map(lambda d: replace(d, region="none", lag=0, stock=None))


@settings(SETTINGS, max_examples=20)
@given(case=placed_cases(), definition=national)
def test_foreign_firms_of_any_definition_add_up_or_are_refused(case, definition):
    rows, tables, setting = case
    links = build(rows, tables, definition, setting, measures=ALL_MEASURES)
    year, industry = rows[0].year, rows[0].industry
    for measure in ("backward", "forward", "total_backward"):
        if definition.local_sourcing.by_owner:
            with pytest.raises(sp.SchemaError, match="sourcing by owner"):
                links.foreign_firms(industry, year, measure)
            continue
        total = value(links, industry, year, measure)
        found = links.foreign_firms(industry, year, measure)["contribution"].sum()
        if not np.isnan(total):
            np.testing.assert_allclose(found, total, rtol=1e-11, atol=TOLERANCE)


@pytest.mark.parametrize("options", [{"lag": 1}, {"stock": 0.0}, {"stock": 0.1}, {"region": "own"}])
def test_presence_that_is_not_of_this_years_firms(options):
    links = build(ROWS, TABLES, sp.LinkageDefinition(**options))
    with pytest.raises(sp.SchemaError, match="this year's national presence only"):
        links.foreign_firms("A", 2001)


def test_the_firms_that_are_listed():
    firms = LINKS.foreign_firms("A", 2001, largest=3)
    assert list(firms) == ["firm", "partner", "foreign_share", "weight", "contribution"]
    assert len(firms) == 4
    assert firms["contribution"][:3].is_monotonic_decreasing
    every = LINKS.foreign_firms("A", 2001, largest=1000)
    assert firms["firm"].iloc[-1] == f"{len(every) - 3} others"
    assert firms["contribution"].iloc[-1] == pytest.approx(every["contribution"][3:].sum())
    assert "A" not in set(every["partner"])
    listed = {r.firm: r for r in ROWS if r.year == 2001}
    for row in every.itertuples():
        one = listed[row.firm]
        assert (one.industry, one.output, one.foreign_share) == (
            row.partner,
            row.weight,
            row.foreign_share,
        )


def test_presence_from_elsewhere_has_no_firms_but_its_own_row():
    external = pd.DataFrame({"industry": ["E"], "horizontal": [0.5]})
    definition = sp.LinkageDefinition(unobserved="external")
    with quiet():
        links = sp.linkages(placed_frame(ROWS), io_of(TABLES[2000]), definition, external=external)
    firms = links.foreign_firms("A", 2000, largest=1000)
    row = firms[firms["partner"] == "E"].squeeze()
    assert row["firm"] == "external presence"
    assert row["contribution"] == links.exposure("backward", 2000).loc["A", "E"] * 0.5
    assert firms["contribution"].sum() == pytest.approx(value(links, "A", 2000, "backward"))


def test_lazy_firms_are_not_kept():
    polars = pytest.importorskip("polars")
    with quiet():
        links = sp.linkages(polars.from_pandas(placed_frame(ROWS)).lazy(), io_of(TABLES[2000]))
    with pytest.raises(sp.SchemaError, match="lazy and are not kept"):
        links.foreign_firms("A", 2000)
    assert len(links.explain("A", 2000)) == 4

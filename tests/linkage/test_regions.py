"""Presence by region: own, weighted; firms without a region; presence from elsewhere."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import spillover as sp

from . import oracle
from .panels import (
    ALL_MEASURES,
    REGIONS,
    ample_table,
    build,
    io_of,
    placed_frame,
    placed_panel,
    quiet,
)
from .test_measures import TOLERANCE, assert_as_in_the_loops

ROWS, TABLE = placed_panel(), ample_table()
WHOLE = placed_panel(missing=0.0)
OWN, WEIGHTED = (sp.LinkageDefinition(region=name) for name in ("own", "weighted"))


def weights(values) -> pd.DataFrame:
    return pd.DataFrame(np.asarray(values, dtype=float), REGIONS, REGIONS)


def linked(definition, frame=None, **options) -> sp.Linkages:
    with quiet():
        return sp.linkages(
            placed_frame(ROWS) if frame is None else frame,
            io_of(TABLE),
            definition,
            measures=ALL_MEASURES,
            **options,
        )


def test_own_region_as_in_the_loops():
    assert_as_in_the_loops(ROWS, TABLE, OWN, oracle.Setting())


def test_one_row_per_sector_region_and_year():
    data = linked(OWN).data
    assert data.columns[:3].tolist() == ["industry", "region", "year"]
    assert len(data) == 5 * 3 * 3
    assert not data.duplicated(["industry", "region", "year"]).any()


def test_shares_are_national():
    national = linked(sp.JAVORCIK_2004)
    pd.testing.assert_frame_equal(
        linked(OWN).exposure("backward", 2000), national.exposure("backward", 2000)
    )


def test_weights_of_the_identity_are_the_own_region():
    around = linked(WEIGHTED, region_weights=weights(np.eye(3)))
    pd.testing.assert_frame_equal(around.data, linked(OWN).data, rtol=TOLERANCE)


def test_weights_of_one_are_the_nation():
    around = linked(WEIGHTED, placed_frame(WHOLE), region_weights=weights(np.ones((3, 3))))
    nation = linked(sp.JAVORCIK_2004, placed_frame(WHOLE)).data.set_index(["industry", "year"])
    for _, part in around.data.groupby("region"):
        found = part.set_index(["industry", "year"]).drop(columns="region")
        pd.testing.assert_frame_equal(found, nation, rtol=TOLERANCE, atol=TOLERANCE)


def test_the_level_of_a_row_of_weights_does_not_matter():
    rng = np.random.default_rng(4)
    decay = rng.uniform(0.1, 1, (3, 3))
    base = linked(WEIGHTED, region_weights=weights(decay)).data
    scaled = linked(WEIGHTED, region_weights=weights(decay * [[2], [0.5], [7]])).data
    pd.testing.assert_frame_equal(base, scaled, rtol=TOLERANCE)


def test_weights_by_hand():
    """South: 10 of 10 foreign at full weight, north: 0 of 30 at a third."""
    frame = pd.DataFrame(
        {
            "firm": [1, 2],
            "year": 2000,
            "industry": "A",
            "output": [10.0, 30.0],
            "exports": 0.0,
            "foreign_share": [1.0, 0.0],
            "region": ["south", "north"],
        }
    )
    around = weights([[1, 1 / 3, 0], [1 / 3, 1, 0], [0, 0, 1]])
    with quiet():
        links = sp.linkages(frame, io_of(TABLE), WEIGHTED, region_weights=around)
    data = links.data.query("industry == 'A'").set_index("region")
    # row north: its own 30 in full, a third of the 10; row south: the 10 and a third of the 30
    assert data.loc["north", "horizontal"] == pytest.approx((10 / 3) / (30 + 10 / 3), rel=1e-14)
    assert data.loc["south", "horizontal"] == pytest.approx(10 / 20, rel=1e-14)
    assert data["firms"].tolist() == [2, 2], "whole firms, however little they weigh"


def test_a_region_without_weight_is_not_observed():
    around = weights([[1, 0, 0], [0, 0, 0], [0, 0, 1]])
    data = linked(WEIGHTED, region_weights=around).data
    lone = data[data["region"] == REGIONS[1]]
    assert lone["horizontal"].isna().all()
    assert (lone["firms"] == 0).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "needs region_weights="),
        (weights(np.eye(3)).drop(columns="west"), r"lacks the regions 'west'"),
        (weights(-np.eye(3)), "negative or missing"),
        (weights(np.full((3, 3), np.nan)), "negative or missing"),
        (np.eye(3), "region_weights is a ndarray"),
        (pd.concat([weights(np.eye(3))] * 2), "more than once"),
    ],
    ids=["none", "lacking", "negative", "missing", "array", "twice"],
)
def test_weights_that_do_not_fit(given, message):
    with pytest.raises(sp.SchemaError, match=message):
        linked(WEIGHTED, region_weights=given)


def test_weights_for_more_regions_than_there_are_firms_in():
    wide = pd.DataFrame(1.0, [*REGIONS, "moon"], [*REGIONS, "moon"])
    narrow = linked(WEIGHTED, region_weights=weights(np.ones((3, 3)))).data
    pd.testing.assert_frame_equal(linked(WEIGHTED, region_weights=wide).data, narrow)


@pytest.mark.parametrize("definition", [sp.JAVORCIK_2004, OWN])
def test_arguments_that_no_definition_uses(definition):
    with pytest.raises(sp.SchemaError, match="region_weights= is used by region='weighted' only"):
        linked(definition, region_weights=weights(np.eye(3)))
    table = pd.DataFrame({"industry": ["E"], "horizontal": [0.5]})
    with pytest.raises(sp.SchemaError, match="external= is used by unobserved='external' only"):
        linked(definition, external=table)


# Firms without a region


def test_firms_without_a_region_are_counted_in_the_warning():
    rows = placed_panel(missing=0.0)
    frame = placed_frame(rows)
    frame.loc[[0, 3, 7], "region"] = None
    table = io_of(ample_table(sectors=("A", "B", "C", "D")))
    with pytest.warns(sp.SpilloverWarning, match="3 firm-years without a region"):
        sp.linkages(frame, table, OWN)
    sp.linkages(frame, table)  # no region, no warning


def test_the_nation_holds_firms_without_a_region_whatever_is_built_beside():
    alone = linked(sp.JAVORCIK_2004)
    beside = linked({"nation": sp.JAVORCIK_2004, "own": OWN}, controls=["herfindahl", "demand"])
    pd.testing.assert_frame_equal(
        beside["nation"].data[alone.data.columns], alone.data, rtol=TOLERANCE
    )
    controlled = linked(sp.JAVORCIK_2004, controls=["herfindahl", "demand"]).data
    pd.testing.assert_frame_equal(beside["nation"].data, controlled, rtol=TOLERANCE)


def test_no_firm_has_a_region():
    frame = placed_frame(WHOLE).assign(region=None)
    with pytest.raises(sp.SchemaError, match="region"):
        linked(OWN, frame)


def test_a_panel_without_the_column():
    with pytest.raises(sp.SchemaError, match="needs the column 'region'"):
        linked(OWN, placed_frame(WHOLE).drop(columns="region"))


@pytest.mark.parametrize("dtype", ["int64", "float64", "Int64", "category", "str"])
@pytest.mark.parametrize(
    "library", [lambda f: f, pl.from_pandas, lambda f: pl.from_pandas(f).lazy()]
)
def test_regions_as_numbers(dtype, library):
    codes = dict(zip(REGIONS, (1, 2, 10), strict=True))
    frame = placed_frame(WHOLE)
    numbered = frame.assign(region=frame["region"].map(codes).astype(dtype))
    base = linked(OWN, frame).data.set_index(["industry", "region", "year"]).sort_index()
    links = linked(OWN, library(numbered))
    names = {str(code): region for region, code in codes.items()}
    data = links.data.assign(region=links.data["region"].map(names))
    data = data.set_index(["industry", "region", "year"]).sort_index()
    pd.testing.assert_frame_equal(data, base, rtol=TOLERANCE, atol=TOLERANCE)
    if dtype != "category":
        with quiet():
            attached = sp.attach(numbered, links)
        assert attached["horizontal"].notna().all()


# To the firms


def test_attach_by_region():
    rows = ROWS
    links = build(rows, TABLE, OWN)
    expected = oracle.every_measure(rows, {2000: TABLE}, OWN, measures=("horizontal", "backward"))
    with quiet():
        attached = sp.attach(placed_frame(rows), links, suffix="_r")
    for name in ("horizontal", "backward"):
        wanted = [
            np.nan if value is None else value
            for value, _ in (
                expected.get((r.industry, r.region, r.year), {}).get(name, (None, 0)) for r in rows
            )
        ]
        np.testing.assert_allclose(
            attached[f"{name}_r"].to_numpy(float), wanted, rtol=TOLERANCE, atol=TOLERANCE
        )


def test_attach_needs_the_region():
    with pytest.raises(sp.SchemaError, match="no column 'region'"):
        sp.attach(placed_frame(WHOLE).drop(columns="region"), linked(OWN))


def test_attach_counts_the_firms_without_a_region():
    table = io_of(ample_table(sectors=("A", "B", "C", "D")))
    frame = placed_frame(WHOLE)
    with quiet():
        links = sp.linkages(frame, table, OWN)
    frame.loc[[0, 3], "region"] = None
    with pytest.warns(sp.SpilloverWarning, match=r"2 of 180 firm-years lack a linkage measure"):
        sp.attach(frame, links)


# Presence from elsewhere

EXTERNAL = pd.DataFrame({"industry": ["A", "E"], "horizontal": [0.9, 0.25]})
BORROWED = sp.LinkageDefinition(unobserved="external")


def test_presence_from_elsewhere_never_replaces_what_is_observed():
    plain = linked(sp.JAVORCIK_2004).data.set_index("industry")
    data = linked(BORROWED, external=EXTERNAL).data.set_index("industry")
    pd.testing.assert_series_equal(data.loc["A", "horizontal"], plain.loc["A", "horizontal"])
    assert (data.loc["E", "horizontal"] == 0.25).all()
    alpha = linked(sp.JAVORCIK_2004).exposure("backward", 2000)["E"]
    for code in "ABCD":
        np.testing.assert_allclose(
            data.loc[code, "backward"], plain.loc[code, "backward"] + 0.25 * alpha[code], rtol=1e-13
        )
    assert (data["backward_weight"] > 0.999).sum() == 0, "own sector is excluded"
    np.testing.assert_allclose(
        data["backward_weight"],
        plain["backward_weight"] + alpha[plain.index].to_numpy(),
        rtol=1e-13,
    )


def test_presence_from_elsewhere_reaches_backward_under_sourcing_by_owner():
    """Owners are unknown there: the part of all owners counts."""
    sourcing = sp.LocalSourcing.of({("A", "full"): 0.1, "E": 0.5})
    definition = sp.LinkageDefinition(unobserved="external", local_sourcing=sourcing)
    setting = oracle.Setting(external={("E", year): 0.25 for year in (2000, 2001, 2002)})
    links = assert_as_in_the_loops(ROWS, TABLE, definition, setting)
    assert links.explain("A", 2000).set_index("partner").loc["E", "presence"] == 0.125


def test_presence_from_elsewhere_by_year_and_in_every_region():
    yearly = pd.DataFrame({"industry": "E", "year": [1990, 2001], "horizontal": [1.0, 0.25]})
    data = linked(BORROWED, external=yearly).data.query("industry == 'E'")
    assert data["horizontal"].fillna(-1).tolist() == [-1, 0.25, -1]
    regional = linked(
        sp.LinkageDefinition(unobserved="external", region="own"), external=EXTERNAL
    ).data.query("industry == 'E'")
    assert (regional["horizontal"] == 0.25).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "needs external="),
        (EXTERNAL.rename(columns={"horizontal": "h"}), "needs the column 'horizontal'"),
        (EXTERNAL.assign(industry=["A", "Q"]), "'Q', which are no sectors"),
        (EXTERNAL.assign(horizontal=[5.0, 25.0]), "outside 0 to 1"),
        (pd.concat([EXTERNAL, EXTERNAL]), "more than once"),
        ({"E": 0.25}, "external is a dict"),
    ],
    ids=["none", "column", "sector", "percent", "twice", "dict"],
)
def test_presence_from_elsewhere_that_does_not_fit(given, message):
    with pytest.raises(sp.SchemaError, match=message):
        linked(BORROWED, external=given)

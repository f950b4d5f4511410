"""Local sourcing by sector: traceable ranges, codes of tables, and what linkages make of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import ConcordanceError, SchemaError

LEVELS = ["low", "central", "high"]


@pytest.fixture(scope="module")
def sourcing() -> sp.case.Sourcing:
    return sp.case.sourcing()


@pytest.fixture(scope="module")
def io() -> sp.IOTable:
    """Food sells to cars and construction; imports known."""
    domestic = np.array([[5.0, 20.0, 30.0], [1.0, 4.0, 10.0], [8.0, 6.0, 2.0]])
    imported = np.array([[2.0, 40.0, 5.0], [3.0, 30.0, 1.0], [0.0, 0.0, 0.0]])
    return sp.IOTable.from_arrays(
        ["C10T12", "C29", "F"],
        domestic=domestic,
        imported=imported,
        output=[100.0, 150.0, 90.0],
        unit="million USD",
    )


def test_ranges_rise_within_0_and_1_and_have_reasons(sourcing):
    values = sourcing.table[LEVELS].to_numpy()
    assert ((values >= 0) & (values <= 1)).all()
    assert (np.diff(values, axis=1) > 0).all()  # nothing is claimed to be known exactly
    assert (sourcing.table["reason"] != "").all()


def test_evidence_exists_and_is_from_the_sector_or_the_whole_economy(sourcing):
    found = sp.case.kazakhstan().evidence.set_index("id")
    for row in sourcing.table.itertuples():
        ids = row.evidence.split(";")
        assert set(ids) <= set(found.index), row.sector
    known = set(found["sector"])
    assert set(sourcing.table["case_sector"]) <= known


def test_sectors_that_the_case_says_nothing_on_are_wide(sourcing):
    silent = sourcing.table[sourcing.table["reason"].str.contains("wide")]
    assert len(silent) >= 5
    assert ((silent["high"] - silent["low"]) >= 0.6).all()


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["mvh", "ofd", "oil", "cns", "osg"], ["cars", "food", "oil and gas", "construction", ...]),
        (["c15", "c3", "c2", "c18", "c35"], ["cars", "food", "oil and gas", "construction", ...]),
        (
            ["C29", "C10T12", "B05_06", "F", "P"],
            ["cars", "food", "oil and gas", "construction", ...],
        ),
        (["29", "D10T12", "06", "41", "85"], ["cars", "food", "oil and gas", "construction", ...]),
    ],
)
def test_codes_of_published_tables_are_known(sourcing, codes, expected):
    found = sourcing.assign(codes)["sector"].tolist()
    assert found == [name if name is not ... else "utilities and services" for name in expected]


@pytest.mark.parametrize("target", ["icio2023", "adb35", "isic4"])
def test_every_code_of_the_shipped_classifications_is_known(sourcing, target):
    names = {"icio2023": "isic4_icio2023", "adb35": "isic4_adb35", "isic4": "isic4_adb35"}
    column = "source" if target == "isic4" else "target"
    frame = pd.read_csv(
        sp._data.data_path("concordances", f"{names[target]}.csv"), dtype=str, comment=None
    )
    codes = sorted(set(frame[column]) - {"99"})
    assert len(sourcing.assign(codes)) == len(codes)


def test_unknown_codes_are_named_and_can_be_mapped(sourcing):
    with pytest.raises(ConcordanceError, match=r"1 of 2 codes.*'steel'.*names="):
        sourcing.assign(["C29", "steel"])
    rows = sourcing.assign(["C29", "steel"], {"steel": "metals"})
    assert rows["sector"].tolist() == ["cars", "metals"]
    with pytest.raises(SchemaError, match="Did you mean 'metals'"):
        sourcing.assign(["steel"], {"steel": "metal"})


def test_ranges_can_be_replaced(sourcing):
    mine = sourcing.with_ranges({"cars": (0.1, 0.2, 0.3), "food": 0.5})
    table = mine.table.set_index("sector")
    assert table.loc["cars", LEVELS].tolist() == [0.1, 0.2, 0.3]
    assert table.loc["food", LEVELS].tolist() == [0.5] * 3
    assert sp.case.sourcing().table.equals(sourcing.table)
    for wrong in ((0.3, 0.2, 0.1), (0, 1, 2), (0.1, 0.2), "much"):
        with pytest.raises(SchemaError, match="cars"):
            sourcing.with_ranges({"cars": wrong})
    with pytest.raises(SchemaError, match="Did you mean 'cars'"):
        sourcing.with_ranges({"car": 0.1})


@pytest.mark.parametrize("flows", ["total", "domestic"])
def test_linkages_scale_the_buyers_presence(sourcing, io, flows):
    """Backward by hand: sum over buyers of supply share x local sourcing x presence."""
    presence = {"C10T12": 0.1, "C29": 0.6, "F": 0.3}
    firms = pd.DataFrame(
        {
            "firm": [1, 2, 3],
            "year": 2010,
            "industry": list(presence),
            "output": 100.0,
            "exports": 0.0,
            "foreign_share": list(presence.values()),
        }
    )
    local = sourcing.local_sourcing(io)
    links = sp.linkages(firms, io, sp.LinkageDefinition(flows=flows, local_sourcing=local))
    Z = io.flows(flows)
    food = (0.03 * 0.6 * Z[0, 1] + 0.5 * 0.3 * Z[0, 2]) / Z[0].sum()
    assert links.data.set_index("industry").loc["C10T12", "backward"] == pytest.approx(food)


def test_sensitivity_agrees_with_linkages_and_is_linear(sourcing, io):
    presence = {"C10T12": 10.0, "C29": 60.0, "F": 30.0}
    firms = pd.DataFrame(
        {
            "firm": [1, 2, 3],
            "year": 2010,
            "industry": list(presence),
            "output": 1.0,
            "exports": 0.0,
            "foreign_share": [value / 100 for value in presence.values()],
        }
    )
    found = sp.case.sourcing_sensitivity(io, presence, steps=3)
    every = found.curves[found.curves["varied"] == "every buyer"].set_index("local_sourcing")
    processing = np.array([100.0, 150.0]) / 250.0
    for share in (0.0, 0.5, 1.0):
        rule = sp.LinkageDefinition(local_sourcing=sp.LocalSourcing.of(share))
        data = sp.linkages(firms, io, rule).data.set_index("industry")["backward"]
        mean = 100 * processing @ data.loc[["C10T12", "C29"]].to_numpy()
        assert every.loc[share, "backward"] == pytest.approx(mean)
    low = sp.LinkageDefinition(local_sourcing=sourcing.local_sourcing(io, "low"))
    data = sp.linkages(firms, io, low).data.set_index("industry")["backward"]
    np.testing.assert_allclose(
        found.industries.set_index("code")["low"], 100 * data.loc[["C10T12", "C29"]]
    )


def test_a_single_sectors_line_passes_through_the_case(sourcing, io):
    found = sp.case.sourcing_sensitivity(io, {"C29": 60.0, "F": 30.0}, steps=101)
    central = found.tidy()["central"].iloc[0]
    line = found.curves[found.curves["varied"] == "cars"].set_index("local_sourcing")["backward"]
    assert line.loc[0.03] == pytest.approx(central)
    assert set(found.curves["varied"]) == {"every buyer", "cars", "construction"}


def test_sensitivity_refuses_what_makes_no_sense(io):
    with pytest.raises(SchemaError, match="steps"):
        sp.case.sourcing_sensitivity(io, {"C29": 1.0}, steps=1)
    with pytest.raises(SchemaError, match="no sectors of the table"):
        sp.case.sourcing_sensitivity(io, {"C99": 1.0})
    with pytest.raises(SchemaError, match="low to high"):
        sp.case.sourcing_sensitivity(io, {"C29": (3.0, 2.0, 1.0)})


def test_a_row_wise_split_of_imports_leaves_backward_as_it_is(io):
    """Under Javorcik's shares, imports proportional by supplying row cancel."""
    share = np.array([0.7, 0.3, 1.0])[:, None]
    split = sp.IOTable.from_arrays(
        io.sectors, domestic=io.flows() * share, imported=io.flows() * (1 - share),
        output=io.output, unit="million USD",
    )  # fmt: skip
    both = [
        sp.case.sourcing_sensitivity(split, {"C29": 50.0},
                                     definition=sp.LinkageDefinition(flows=flows)).tidy()
        for flows in ("total", "domestic")
    ]  # fmt: skip
    pd.testing.assert_frame_equal(*both)


def test_the_social_accounting_matrix_is_covered(sourcing, shared):
    file = shared / "io_kazakhstan_gtap_sam" / "kazakhstan_sam57.csv"
    io = sp.read_io(file, country="KAZ", year=2007)
    rows = sourcing.assign(io)
    assert rows["sector"].nunique() == len(sourcing.table)
    local = sourcing.local_sourcing(io)
    assert local.of_owner("mvh", "all") == 0.03

"""Published examples, and real tables against pymrio's coefficients."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.iotables import key_linkages

# Miller, R. E. & Blair, P. D. (2009). Input-Output Analysis, 2nd ed., chapter 2, Tables 2.3 and 2.4
# and the example after them (recalled: pp. 21-22), as transcribed in the tests of pymrio
# (IndEcol/pymrio, tests/test_math.py).
FLOWS = [[150, 500], [200, 100]]
FINAL_DEMAND = [350, 1700]
OUTPUT = [1000, 2000]
COEFFICIENTS = [[0.15, 0.25], [0.20, 0.05]]
LEONTIEF = [[1.2541, 0.3300], [0.2640, 1.1221]]
NEW_DEMAND, NEW_OUTPUT = [600, 1500], [1247.5, 1841.6]


def test_miller_and_blair_chapter_2():
    io = sp.IOTable.from_arrays(
        ["1", "2"], domestic=FLOWS, final_demand=FINAL_DEMAND, output=OUTPUT, unit="value"
    )
    assert io.balance()["gap"].abs().max() == 0
    np.testing.assert_allclose(io.technical_coefficients(flows="domestic"), COEFFICIENTS)
    inverse = io.leontief(flows="domestic")
    np.testing.assert_allclose(inverse, LEONTIEF, atol=5e-5)
    # printed with rounded intermediate steps
    np.testing.assert_allclose(inverse @ NEW_DEMAND, NEW_OUTPUT, atol=0.25)


# the countries of the cited studies that WIOD has
COUNTRIES = ["LTU", "CZE", "EST", "GRC", "IDN", "MEX", "ROM", "HUN", "POL", "LVA", "CHN"]


@pytest.mark.parametrize("country", COUNTRIES)
def test_shares_of_wiod_tables_against_pymrio(shared, country):
    iomath = pytest.importorskip("pymrio.tools.iomath")
    path = shared / "io_wiod2013" / "wiod2013_national.parquet"
    io = sp.read_io(path, format="wiod2013_national", country=country, year=2000)
    assert io.balance()["relative_gap"].abs().max() < 1e-9
    check_against(iomath, io, "total")
    check_against(iomath, io, "domestic")


def check_against(iomath, io, flows):
    """Our coefficients and shares, from pymrio's A = Z / x."""
    sectors = list(io.sectors)
    Z = pd.DataFrame(io.flows(flows), sectors, sectors)
    x = pd.DataFrame({"indout": io.output}, sectors)
    A = iomath.calc_A(Z, x).to_numpy()
    ours = io.technical_coefficients(flows=flows).to_numpy()
    np.testing.assert_allclose(ours, A, rtol=1e-10, atol=1e-12)
    with np.errstate(invalid="ignore", divide="ignore"):
        sales = A * io.output
        alpha = np.nan_to_num(sales / sales.sum(axis=1, keepdims=True))
        sigma = np.nan_to_num(A / A.sum(axis=0)).T
    supply = io.supply_shares(flows=flows, own_sector="include")
    inputs = io.input_shares(flows=flows, own_sector="include")
    np.testing.assert_allclose(supply, alpha, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(inputs, sigma, rtol=1e-10, atol=1e-12)


def test_kazakhstan_sam_against_pymrio(shared):
    """57 sectors; its cells are neither printed nor stored."""
    iomath = pytest.importorskip("pymrio.tools.iomath")
    io = sp.read_io(shared / "io_kazakhstan_gtap_sam" / "kazakhstan_sam57.csv", format="sam")
    assert len(io.sectors) == 57
    assert io.balance()["relative_gap"].abs().max() < 0.02
    check_against(iomath, io, "total")
    with pytest.warns(sp.SpilloverWarning):  # sectors that sell more than they make
        indices = key_linkages(io, flows="total")
    assert indices[["backward", "forward"]].mean().round(12).eq(1).all()

"""Deflating money: exact division by the right cell, and nothing lost in silence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import SchemaError, SpilloverWarning
from spillover.production.deflate import deflate


def make_firms(n=200, seed=0):
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "firm": np.arange(n) % 40,
            "year": 2000 + np.arange(n) // 40,
            "industry": random.choice(["15", "17", "20"], n),
            "output": random.lognormal(3, 1, n),
            "materials": random.lognormal(2, 1, n),
            "foreign_share": 0.0,
        }
    )


def make_prices(codes=("15", "17", "20"), seed=1):
    random = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([codes, range(2000, 2005)], names=["industry", "year"])
    values = random.uniform(0.5, 2.0, (len(index), 2))
    return pd.DataFrame(values, index=index, columns=["py", "pm"]).reset_index()


PAIRS = {"output": "py", "materials": "pm"}


def by_loops(firms, prices, base_year=None):
    table = {(str(r.industry), r.year): (r.py, r.pm) for r in prices.itertuples()}
    out = []
    for row in firms.itertuples():
        py, pm = table[str(row.industry), row.year]
        if base_year:
            b = table[str(row.industry), base_year]
            py, pm = py / b[0], pm / b[1]
        out.append((row.output / py, row.materials / pm))
    return np.array(out)


@pytest.mark.parametrize("base_year", [None, 2002])
def test_against_loops(base_year):
    firms, prices = make_firms(), make_prices()
    before = firms.copy()
    result = deflate(
        firms, prices.sample(frac=1, random_state=0), columns=PAIRS, base_year=base_year
    )
    expected = by_loops(firms, prices, base_year)
    np.testing.assert_allclose(result[["real_output", "real_materials"]], expected, rtol=1e-14)
    pd.testing.assert_frame_equal(firms, before)
    pd.testing.assert_frame_equal(result[before.columns], before)
    if base_year:
        at = firms["year"] == base_year
        np.testing.assert_allclose(result["real_output"][at], firms["output"][at], rtol=1e-14)


def test_price_units_do_not_matter_after_rebasing():
    firms, prices = make_firms(), make_prices()
    scaled = prices.assign(py=100 * prices["py"])
    one, two = (
        deflate(firms, p, columns={"output": "py"}, base_year=2000) for p in (prices, scaled)
    )
    np.testing.assert_allclose(one["real_output"], two["real_output"], rtol=1e-13)


@pytest.mark.parametrize("kind", ["int", "float", "category", "text with blanks", "nullable"])
def test_codes_of_any_type(kind):
    firms, prices = make_firms(), make_prices()
    expected = by_loops(firms, prices)[:, 0]
    change = {
        "int": lambda c: c.astype(int),
        "float": lambda c: c.astype(float),
        "category": lambda c: c.astype("category"),
        "text with blanks": lambda c: " " + c,
        "nullable": lambda c: c.astype(int).astype("Int64"),
    }[kind]
    for left, right in ((firms, prices.assign(industry=change(prices["industry"]))),
                        (firms.assign(industry=change(firms["industry"])), prices)):  # fmt: skip
        result = deflate(left, right, columns={"output": "py"})
        np.testing.assert_allclose(result["real_output"], expected, rtol=1e-14)


def test_year_only_and_single_column():
    firms = make_firms()
    prices = pd.DataFrame({"year": range(2000, 2005), "cpi": [100.0, 103, 108, 110, 120]})
    result = deflate(firms, prices, by=["year"], columns=["output", "materials"], base_year=2000)
    level = firms["year"].map(dict(zip(prices["year"], prices["cpi"] / 100, strict=True)))
    np.testing.assert_allclose(result["real_materials"], firms["materials"] / level, rtol=1e-14)


def test_replace_in_place_and_names():
    firms, prices = make_firms(), make_prices()
    replaced = deflate(firms, prices, columns={"output": "py"}, into="{}")
    assert replaced.columns.tolist() == firms.columns.tolist()
    np.testing.assert_allclose(replaced["output"], by_loops(firms, prices)[:, 0])
    named = deflate(firms, prices, columns={"output": "py"}, into="{}_2000")
    assert named.columns[-1] == "output_2000"


def test_other_libraries():
    pl = pytest.importorskip("polars")
    firms, prices = make_firms(), make_prices()
    expected = by_loops(firms, prices)
    result = deflate(pl.from_pandas(firms), pl.from_pandas(prices), columns=PAIRS)
    assert isinstance(result, pl.DataFrame)
    np.testing.assert_allclose(result["real_output"].to_numpy(), expected[:, 0], rtol=1e-14)
    arrow = deflate(pl.from_pandas(firms).to_arrow(), prices, columns=PAIRS)
    np.testing.assert_allclose(arrow["real_materials"].to_numpy(), expected[:, 1], rtol=1e-14)


def test_firm_panel_in_and_out():
    firms, prices = make_firms(), make_prices()
    panel = sp.read_firms(firms)
    result = deflate(panel, prices, columns=PAIRS)
    assert isinstance(result, sp.FirmPanel)
    np.testing.assert_allclose(
        result.to_pandas()["real_output"], by_loops(firms, prices)[:, 0], rtol=1e-14
    )
    with pytest.warns(SpilloverWarning):
        holed = deflate(panel, prices[prices["year"] < 2004], columns=PAIRS, unmatched="missing")
    assert any("no price" in note for note in holed.report.notes)
    assert panel.report.notes == result.report.notes


def test_unmatched_cells_are_listed():
    firms, prices = make_firms(), make_prices()
    short = prices[~((prices["industry"] == "17") & (prices["year"] == 2003))]
    lost = int(((firms["industry"] == "17") & (firms["year"] == 2003)).sum())
    with pytest.raises(SchemaError, match=f"{lost} of 200 rows have no price, in 1 cell: '17"):
        deflate(firms, short, columns=PAIRS)
    with pytest.warns(SpilloverWarning, match="'17 2003'"):
        result = deflate(firms, short, columns=PAIRS, unmatched="missing")
    assert result["real_output"].isna().sum() == lost
    assert len(result) == len(firms)


def test_missing_prices_money_and_keys():
    firms, prices = make_firms(), make_prices()
    holed = prices.assign(pm=prices["pm"].where(prices["year"] != 2001))
    with pytest.raises(SchemaError, match="15 2001"):
        deflate(firms, holed, columns=PAIRS)
    result = deflate(firms, holed, columns={"output": "py"})  # the other column is complete
    assert result["real_output"].notna().all()
    with pytest.warns(SpilloverWarning):
        both = deflate(firms, holed, columns=PAIRS, unmatched="missing")
    assert both["real_output"].notna().all()
    money = firms.assign(output=firms["output"].where(firms.index != 3))
    assert deflate(money, prices, columns=PAIRS)["real_output"].isna().sum() == 1
    keys = firms.assign(industry=firms["industry"].where(firms.index != 3))
    with pytest.raises(SchemaError, match=r"\(missing\) 2000"):
        deflate(keys, prices, columns=PAIRS)


@pytest.mark.parametrize(
    ("change", "kwargs", "match"),
    [
        ({}, {"columns": {"outptu": "py"}}, "Did you mean 'output'"),
        ({}, {"columns": {"output": "pyy"}}, "Did you mean 'py'"),
        ({}, {"columns": ["output"]}, "2 columns of prices"),
        ({}, {"columns": "output"}, "list of the panel's columns"),
        ({}, {"columns": PAIRS, "by": "year"}, "by='year' must be a list"),
        ({}, {"columns": PAIRS, "by": ["region"]}, "no column 'region'"),
        ({}, {"columns": PAIRS, "into": "real"}, "must hold {} once"),
        ({}, {"columns": {"industry": "py"}}, "no money to deflate"),
        ({}, {"columns": PAIRS, "unmatched": "drop"}, "unmatched='drop'"),
        ({}, {"columns": PAIRS, "base_year": 1990}, "base_year=1990: 3 price series"),
        ({"py": -1.0}, {"columns": PAIRS}, "not a positive number in 15 rows"),
        ({"py": "x"}, {"columns": PAIRS}, "holds no numbers"),
        ({"year": 2000}, {"columns": PAIRS}, "stand more than once"),
        ({"industry": None}, {"columns": PAIRS}, "15 rows of the price index lack"),
    ],
)
def test_bad_input(change, kwargs, match):
    with pytest.raises(SchemaError, match=match):
        deflate(make_firms(), make_prices().assign(**change), **kwargs)


def test_new_name_must_be_free():
    with pytest.raises(SchemaError, match="already has 'real_output'"):
        deflate(make_firms().assign(real_output=1.0), make_prices(), columns=PAIRS)


def test_base_year_needs_the_year():
    prices = pd.DataFrame({"industry": ["15", "17", "20"], "p": 1.0})
    with pytest.raises(SchemaError, match="needs 'year'"):
        deflate(make_firms(), prices, by=["industry"], columns=["output"], base_year=2000)

"""The productivity index against loops, bilateral index numbers, and its invariances."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spillover.errors import SchemaError
from spillover.production.data import build_inputs
from spillover.production.index import (
    Index,
    cost_shares,
    estimate_index,
    reference_tfp,
    translog_index,
)


def draw(seed, n=60, k=3, years=4):
    """An unbalanced set of firm-years: y, x, shares, year."""
    random = np.random.default_rng(seed)
    shares = random.dirichlet(np.ones(k) * 3, n)
    year = 2000 + np.sort(np.r_[np.arange(years), random.integers(0, years, n - years)])
    return random.normal(2, 1, n), random.normal(1, 1, (n, k)), shares, year


def by_loops(y, x, s, year):
    """The formula of Good, Nadiri and Sickles, term by term."""
    years = sorted(set(year))
    mean = {}
    for t in years:
        at = [i for i in range(len(y)) if year[i] == t]
        count = len(at)
        mean[t] = (
            sum(y[i] for i in at) / count,
            [sum(x[i][n] for i in at) / count for n in range(len(x[0]))],
            [sum(s[i][n] for i in at) / count for n in range(len(x[0]))],
        )
    out = []
    for i in range(len(y)):
        my, mx, ms = mean[year[i]]
        value = y[i] - my
        for n in range(len(mx)):
            value -= 0.5 * (s[i][n] + ms[n]) * (x[i][n] - mx[n])
        for before, now in pairwise(years):
            if now > year[i]:
                break
            value += mean[now][0] - mean[before][0]
            for n in range(len(mx)):
                weight = 0.5 * (mean[now][2][n] + mean[before][2][n])
                value -= weight * (mean[now][1][n] - mean[before][1][n])
        out.append(value)
    return np.array(out)


@given(st.integers(0, 10_000))
def test_against_loops(seed):
    y, x, s, year = draw(seed)
    np.testing.assert_allclose(translog_index(y, x, s, year), by_loops(y, x, s, year), atol=1e-12)


def test_exact_fractions():
    """Two firms, two years, one input with share one, in exact arithmetic."""
    y = [Fraction(3), Fraction(5), Fraction(4), Fraction(8)]
    x = [[Fraction(1)], [Fraction(2)], [Fraction(2)], [Fraction(3)]]
    exact = by_loops(y, x, [[Fraction(1)]] * 4, [1, 1, 2, 2])
    assert exact.tolist() == [Fraction(-1, 2), Fraction(1, 2), Fraction(-1, 2), Fraction(5, 2)]
    ours = translog_index(
        np.array([3.0, 5, 4, 8]), np.array([[1.0], [2], [2], [3]]), np.ones((4, 1)),
        np.array([1, 1, 2, 2]),
    )  # fmt: skip
    np.testing.assert_allclose(ours, [-0.5, 0.5, -0.5, 2.5], atol=1e-15)


def test_unchained_is_the_mean_of_all_bilateral_comparisons():
    """Caves, Christensen and Diewert: EKS of the bilateral Toernqvist productivity indexes."""
    y, x, s, year = draw(1, n=25)
    ours = translog_index(y, x, s, year, chain=False)
    n = len(y)
    bilateral = np.array(
        [
            [y[i] - y[j] - sum(0.5 * (s[i] + s[j]) * (x[i] - x[j])) for j in range(n)]
            for i in range(n)
        ]
    )
    eks = bilateral.mean(axis=1)
    # the mean of (s_i + s_j)(x_i - x_j)/2 over j holds the mean of s_j x_j: a constant apart
    gap = ours - eks
    np.testing.assert_allclose(gap, gap[0], atol=1e-12)


def test_cobb_douglas_is_recovered_exactly():
    """With constant shares equal to the elasticities the index is log productivity."""
    random = np.random.default_rng(2)
    beta, n = np.array([0.3, 0.2, 0.5]), 200
    x, omega = random.normal(size=(n, 3)), random.normal(size=n)
    year = random.integers(2000, 2005, n)
    index = translog_index(x @ beta + omega, x, np.tile(beta, (n, 1)), year)
    gap = index - omega
    np.testing.assert_allclose(gap, gap[0], atol=1e-12)


def test_translog_technology_is_recovered_exactly():
    """The translog index is exact for a translog technology with constant returns, in one year."""
    random = np.random.default_rng(3)
    n, a = 50, np.array([0.4, 0.6])
    B = 0.05 * np.array([[1.0, -1.0], [-1.0, 1.0]])
    x, omega = random.normal(size=(n, 2)), random.normal(size=n)
    y = x @ a + 0.5 * np.einsum("ni,ij,nj->n", x, B, x) + omega
    shares = a + x @ B
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    index = translog_index(y, x, shares, np.full(n, 2000))
    bilateral = index[:, None] - index[None, :]
    truth = omega[:, None] - omega[None, :]
    np.testing.assert_allclose(bilateral, truth, atol=1e-12)


@given(st.integers(0, 10_000))
def test_invariances(seed):
    y, x, s, year = draw(seed)
    base = translog_index(y, x, s, year)
    order = np.random.default_rng(seed).permutation(len(y))
    shuffled = translog_index(y[order], x[order], s[order], year[order])
    np.testing.assert_allclose(shuffled, base[order], atol=1e-11)
    units = translog_index(y + 3.0, x + np.array([1.0, -2.0, 5.0]), s, year)  # changes of units
    np.testing.assert_allclose(np.diff(units), np.diff(base), atol=1e-11)
    np.testing.assert_allclose(units, base, atol=1e-11)  # the reference moves along
    columns = translog_index(y, x[:, ::-1], s[:, ::-1], year)
    np.testing.assert_allclose(columns, base, atol=1e-11)
    twice = translog_index(np.r_[y, y], np.r_[x, x], np.r_[s, s], np.r_[year, year])
    np.testing.assert_allclose(twice[: len(y)], base, atol=1e-11)
    doubled = translog_index(y, x, s, year, weights=np.full(len(y), 2.0))
    np.testing.assert_allclose(doubled, base, atol=1e-11)


@given(st.integers(0, 10_000), st.sampled_from([2000, 2001, 2002, 2003]))
def test_base_year_only_shifts(seed, base_year):
    y, x, s, year = draw(seed)
    first, other = (translog_index(y, x, s, year, base_year=b) for b in (2000, base_year))
    gap = first - other
    np.testing.assert_allclose(gap, gap[0], atol=1e-11)
    bilateral = other[:, None] - other[None, :]
    chained = bilateral[:, [3]] + bilateral[[3], :]  # from i to 3, from 3 to j
    np.testing.assert_allclose(chained, bilateral, atol=1e-11)


def test_mean_firm_of_the_base_year_is_at_zero():
    y, x, s, year = draw(4)
    for base in (2000, 2002):
        at = year == base
        extra = [np.r_[v, [v[at].mean(axis=0)]] for v in (y, x, s)]
        weights = np.r_[np.ones(len(y)), 0.0]
        index = translog_index(*extra, np.r_[year, base], weights=weights, base_year=base)
        assert index[-1] == pytest.approx(0.0, abs=1e-12)


def test_weights_are_copies_of_rows():
    y, x, s, year = draw(5)
    times = np.random.default_rng(0).integers(1, 4, len(y))
    copies = np.repeat(np.arange(len(y)), times)
    long = translog_index(y[copies], x[copies], s[copies], year[copies])
    short = translog_index(y, x, s, year, weights=times.astype(float))
    np.testing.assert_allclose(long, short[copies], atol=1e-11)


def test_missing_rows_do_not_count():
    y, x, s, year = draw(6)
    lost = np.zeros(len(y), dtype=bool)
    lost[[5, 20]] = True
    holed, s2 = y.copy(), s.copy()
    holed[5], s2[20] = np.nan, np.nan
    index = translog_index(holed, x, s2, year)
    assert np.isnan(index[lost]).all()
    rest = translog_index(y[~lost], x[~lost], s[~lost], year[~lost])
    np.testing.assert_allclose(index[~lost], rest, atol=1e-12)


def test_a_year_without_firms_is_bridged():
    y, x, s, year = draw(7)
    keep = year != 2001
    index = translog_index(y[keep], x[keep], s[keep], year[keep])
    np.testing.assert_allclose(index, by_loops(y[keep], x[keep], s[keep], year[keep]), atol=1e-12)


def test_cost_shares():
    costs = np.array([[2.0, 3.0, 5.0], [1.0, np.nan, 1.0], [0.0, 0.0, 0.0], [1.0, -1.0, 2.0]])
    shares, trimmed = cost_shares(costs)
    np.testing.assert_allclose(shares[0], [0.2, 0.3, 0.5])
    assert np.isnan(shares[1:]).all()
    assert trimmed == 0


def test_residual_share():
    costs = np.array([[2.0, 99.0], [12.0, 99.0], [10.0, 99.0], [-1.0, 99.0]])
    revenue = np.full(4, 10.0)
    shares, trimmed = cost_shares(costs, residual=1, revenue=revenue)
    np.testing.assert_allclose(shares[:3], [[0.2, 0.8], [1.0, 0.0], [1.0, 0.0]])
    assert np.isnan(shares[3]).all()
    assert trimmed == 1
    left_out, trimmed = cost_shares(costs, residual=1, revenue=revenue, negative="missing")
    assert np.isnan(left_out[1]).all()
    assert trimmed == 1


def panel(seed=0, n=40, periods=5):
    random = np.random.default_rng(seed)
    size = n * periods
    return pd.DataFrame(
        {
            "firm": np.repeat(np.arange(n), periods),
            "year": np.tile(np.arange(2000, 2000 + periods), n),
            "industry": "15",
            "value_added": random.lognormal(3, 0.5, size),
            "employment": random.lognormal(2, 0.5, size),
            "capital": random.lognormal(2, 0.5, size),
            "wage_bill": random.lognormal(2, 0.5, size),
        }
    )


def groups(frame, settings):
    return build_inputs(
        frame, output="value_added", free=["employment"], state=["capital"],
        extra=settings.columns, by="industry",
    )[0]  # fmt: skip


def test_estimate_index_from_columns():
    settings = Index(costs={"employment": "wage_bill"}, residual="capital", revenue="value_added")
    frame = panel().sample(frac=1.0, random_state=1).reset_index(drop=True)
    inputs = groups(frame, settings)["15"]
    result = estimate_index(inputs, settings)
    labour = np.minimum(frame["wage_bill"] / frame["value_added"], 1.0)
    shares = np.column_stack([labour, 1 - labour])
    expected = by_loops(
        np.log(frame["value_added"]).to_numpy(),
        np.log(frame[["employment", "capital"]]).to_numpy(),
        shares,
        frame["year"].to_numpy(),
    )
    np.testing.assert_allclose(result.omega, expected[inputs.row], atol=1e-12)
    assert result.method == "index"
    np.testing.assert_allclose(result.beta, shares.mean(axis=0))
    assert result.returns_to_scale == pytest.approx(1.0)
    negative = int((frame["wage_bill"] > frame["value_added"]).sum())
    assert negative > 0
    assert result.notes == (f"negative cost of capital in {negative} rows, set to zero",)


def test_missing_costs_are_noted():
    settings = Index(costs={"employment": "wage_bill"}, residual="capital", revenue="value_added")
    frame = panel()
    frame.loc[[3, 8], "wage_bill"] = np.nan
    result = estimate_index(groups(frame, settings)["15"], settings)
    assert np.isnan(result.omega).sum() == 2
    assert result.nobs == len(frame) - 2
    assert any("no index, in 2 rows" in note for note in result.notes)


def test_fixed_shares():
    settings = Index(shares={"capital": 0.3, "employment": 0.7})
    frame = panel()
    result = estimate_index(groups(frame, settings)["15"], settings)
    np.testing.assert_allclose(result.elasticity, [0.7, 0.3])
    logs = np.log(frame[["employment", "capital"]])
    solow = np.log(frame["value_added"]) - logs @ [0.7, 0.3]
    gap = result.omega - solow.to_numpy()
    np.testing.assert_allclose(gap, gap[0], atol=1e-12)


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({}, "needs cost shares"),
        ({"costs": {"employment": "w"}, "shares": {"employment": 1.0}}, "either"),
        ({"shares": {"employment": 0.5}}, "sum to 0.5"),
        ({"shares": {"employment": 1.5, "capital": -0.5}}, "0 or more"),
        ({"costs": {"employment": "w"}, "residual": "capital"}, "belong together"),
        ({"shares": {"employment": 1.0}, "residual": "k", "revenue": "y"}, "not with fixed"),
        ({"costs": {"employment": "w"}, "negative": "drop"}, "negative='drop'"),
        ({"costs": {"employment": "w"}, "chain": False, "base_year": 2000}, "chained index"),
    ],
)
def test_bad_settings(kwargs, match):
    with pytest.raises(SchemaError, match=match):
        Index(**kwargs)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        (Index(costs={"labour": "wage_bill"}), "'labour' has a cost share but is no input"),
        (Index(costs={"employment": "wage_bill"}), "no cost share for 'capital'"),
        (Index(shares={"employment": 0.6, "capital": 0.4}, base_year=1999), "base_year=1999"),
        (
            Index(
                costs={"employment": "wage_bill", "capital": "wage_bill"},
                residual="capital",
                revenue="value_added",
            ),
            "is the residual",
        ),
    ],
)
def test_bad_group(settings, match):
    inputs = groups(panel(), settings)["15"]
    with pytest.raises(SchemaError, match=match):
        estimate_index(inputs, settings)


def test_absent_cost_column():
    settings = Index(costs={"employment": "wages", "capital": "rent"})
    inputs = groups(panel(), Index(shares={"employment": 0.6, "capital": 0.4}))["15"]
    with pytest.raises(SchemaError, match="no cost column 'wages', 'rent'"):
        estimate_index(inputs, settings)


def test_reference_firm():
    """Cobb-Douglas: the mean over the base year is the productivity of the mean firm."""
    frame = panel(1)
    frame["industry"] = np.where(frame["firm"] % 2, "15", "17")
    logs = np.log(frame[["value_added", "employment", "capital"]])
    tfp = logs["value_added"] - 0.7 * logs["employment"] - 0.3 * logs["capital"]
    tfp = tfp.mask(frame.index == 7)
    relative = reference_tfp(tfp, frame, base_year=2002)
    for code, part in frame.groupby("industry"):
        base = logs.loc[part.index[part["year"] == 2002]]
        base = base[base.index != 7].mean()
        firm = base["value_added"] - 0.7 * base["employment"] - 0.3 * base["capital"]
        np.testing.assert_allclose(relative[part.index], tfp[part.index] - firm, atol=1e-12)
        scaled = tfp.where(frame["industry"] != code, tfp + 5.0)  # other units in this industry
        np.testing.assert_allclose(
            reference_tfp(scaled, frame, base_year=2002), relative, atol=1e-12
        )
    assert np.isnan(relative[7])


def test_reference_needs_its_year():
    frame = pd.DataFrame({"industry": ["a", "a", "b"], "year": [1, 2, 2]})
    tfp = pd.Series([1.0, 2.0, 3.0])
    assert reference_tfp(tfp, frame).tolist() == [0.0, 1.0, 0.0]
    assert reference_tfp(tfp, frame, by=None).tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(SchemaError, match="1 groups have no productivity then: 'b'"):
        reference_tfp(tfp, frame, base_year=1)
    with pytest.raises(SchemaError, match="own index"):
        reference_tfp(tfp.iloc[::-1], frame)
    with pytest.raises(SchemaError, match="no column 'sector'"):
        reference_tfp(tfp, frame, by="sector")

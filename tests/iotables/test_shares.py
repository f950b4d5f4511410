"""Shares and inverses against loops, series and identities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from spillover.errors import IdentificationError, SchemaError
from spillover.iotables import shares

Array = NDArray[np.float64]


@st.composite
def flows(draw: st.DrawFn, positive: bool = False) -> Array:
    n = draw(st.integers(2, 6))
    low = 0.1 if positive else 0.0
    cell = st.floats(low, 1e4, allow_subnormal=False).map(lambda v: 0.0 if v < 1e-3 else v)
    return draw(arrays(np.float64, (n, n), elements=cell))


def alpha_by_loop(Z: Array, own: str) -> Array:
    """Javorcik's weights, written as sums over k."""
    n = len(Z)
    out = np.zeros((n, n))
    for j in range(n):
        for k in range(n):
            keep = {"include": True, "only": j == k}.get(own, j != k)
            total = sum(Z[j, m] for m in range(n) if own != "exclude_renormalised" or m != j)
            if keep and total > 0:
                out[j, k] = Z[j, k] / total
    return out


def sigma_by_loop(Z: Array, own: str) -> Array:
    n = len(Z)
    out = np.zeros((n, n))
    for j in range(n):
        for m in range(n):
            keep = {"include": True, "only": j == m}.get(own, j != m)
            total = sum(Z[i, j] for i in range(n) if own != "exclude_renormalised" or i != j)
            if keep and total > 0:
                out[j, m] = Z[m, j] / total
    return out


@given(flows(), st.sampled_from(shares.OWN_SECTOR))
def test_supply_shares_are_the_loop(Z: Array, own: shares.OwnSector) -> None:
    got = shares.supply_shares(Z, own_sector=own)
    np.testing.assert_allclose(got, alpha_by_loop(Z, own), rtol=1e-9, atol=1e-12)


@given(flows(), st.sampled_from(shares.OWN_SECTOR))
def test_input_shares_are_the_loop(Z: Array, own: shares.OwnSector) -> None:
    got = shares.input_shares(Z, own_sector=own)
    np.testing.assert_allclose(got, sigma_by_loop(Z, own), rtol=1e-9, atol=1e-12)


@given(flows(positive=True))
def test_row_sums(Z: Array) -> None:
    full = shares.supply_shares(Z, own_sector="include")
    np.testing.assert_allclose(full.sum(axis=1), 1, rtol=1e-12)
    without = shares.supply_shares(Z)
    np.testing.assert_allclose(without.sum(axis=1), 1 - np.diag(full), rtol=1e-9, atol=1e-12)
    again = shares.supply_shares(Z, own_sector="exclude_renormalised")
    np.testing.assert_allclose(again.sum(axis=1), 1, rtol=1e-9)
    only = shares.supply_shares(Z, own_sector="only")
    np.testing.assert_allclose(only + without, full, rtol=1e-12)
    np.testing.assert_allclose(shares.input_shares(Z, own_sector="include").sum(axis=1), 1)


@given(flows(positive=True), st.floats(1e-3, 1e6), st.randoms(use_true_random=False))
def test_currency_and_order_do_not_matter(Z: Array, rate: float, random: object) -> None:
    order = np.argsort([random.random() for _ in Z])  # type: ignore[attr-defined]
    for function in (shares.supply_shares, shares.input_shares):
        base = function(Z)
        np.testing.assert_allclose(function(rate * Z), base, rtol=1e-9)
        moved = function(Z[np.ix_(order, order)])
        np.testing.assert_allclose(moved, base[np.ix_(order, order)], rtol=1e-12)


@given(flows(positive=True))
def test_an_empty_sector_changes_nothing(Z: Array) -> None:
    wider = np.pad(Z, ((0, 1), (0, 1)))
    x = Z.sum(axis=1) + Z.sum(axis=0)
    longer = np.append(x, 0.0)
    for own in shares.OWN_SECTOR:
        got = shares.supply_shares(wider, own_sector=own)
        np.testing.assert_array_equal(got[:-1, :-1], shares.supply_shares(Z, own_sector=own))
        assert not got[-1].any()
        assert not got[:, -1].any()
    inverse = shares.leontief(wider, longer)
    np.testing.assert_allclose(inverse[:-1, :-1], shares.leontief(Z, x), rtol=1e-9, atol=1e-12)
    assert inverse[-1, -1] == 1


@settings(deadline=None)
@given(flows(positive=True), st.floats(0.2, 2.0))
def test_leontief_and_ghosh_are_power_series(Z: Array, slack: float) -> None:
    x = np.maximum(Z.sum(axis=0), Z.sum(axis=1)) * (1 + slack)
    for function, coefficients in (
        (shares.leontief, Z / x[None, :]),
        (shares.ghosh, Z / x[:, None]),
    ):
        series, term = np.zeros_like(Z), np.eye(len(Z))
        for _ in range(600):
            series += term
            term = term @ coefficients
        np.testing.assert_allclose(function(Z, x), series, rtol=1e-8, atol=1e-10)


@given(flows(positive=True))
def test_leontief_and_ghosh_are_similar_matrices(Z: Array) -> None:
    # x̂⁻¹ L x̂ = G, as A x̂ = x̂ B = Z (Miller & Blair 2009, ch. 12)
    x = Z.sum(axis=0) + Z.sum(axis=1)
    L, G = shares.leontief(Z, x), shares.ghosh(Z, x)
    np.testing.assert_allclose(G, L * x[None, :] / x[:, None], rtol=1e-8, atol=1e-12)


@given(flows(positive=True))
def test_leontief_returns_output(Z: Array) -> None:
    final = Z.sum(axis=0) + 1.0
    x = Z.sum(axis=1) + final
    np.testing.assert_allclose(shares.leontief(Z, x) @ final, x, rtol=1e-8)


def test_negative_flows_do_not_hide_a_divergent_series() -> None:
    Z = np.array([[0.0, -2.0], [2.0, 0.0]])
    with pytest.raises(IdentificationError, match="largest eigenvalue"):
        shares.leontief(Z, np.ones(2))


def test_inverse_names_the_sectors() -> None:
    Z = np.array([[5.0, 6.0], [6.0, 5.0]])
    with pytest.raises(IdentificationError, match=r"is 1.1, .*'steel'"):
        shares.leontief(Z, np.array([10.0, 10.0]), sectors=["food", "steel"])
    with pytest.raises(IdentificationError, match="Ghosh"):
        shares.ghosh(Z, np.array([10.0, 10.0]))


def test_denominator_must_be_positive() -> None:
    with pytest.raises(SchemaError, match=r"denominator is zero or negative in 1 .*'steel'"):
        shares.supply_shares(np.ones((2, 2)), np.array([1.0, 0.0]), sectors=["food", "steel"])
    with pytest.raises(SchemaError, match=r"output is zero or negative in 1 .* 1\."):
        shares.technical_coefficients(np.ones((2, 2)), np.array([1.0, 0.0]))


def test_own_sector_is_checked() -> None:
    with pytest.raises(SchemaError, match="Did you mean 'exclude'"):
        shares.supply_shares(np.ones((2, 2)), own_sector="exclud")  # type: ignore[arg-type]

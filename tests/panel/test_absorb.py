"""The absorber is the orthogonal projection off the dummies, and its rank is theirs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from spillover.errors import IdentificationError
from spillover.panel import absorb
from spillover.panel.absorb import Absorber
from spillover.panel.design import compress


def indicator(codes):
    """One column per level of every effect."""
    return np.hstack([np.eye(int(code.max()) + 1)[code] for code in codes])


def projection(columns, codes, weights=None):
    """Residuals by LAPACK's rank-revealing least squares on all dummies."""
    D = indicator(codes)
    root = np.sqrt(np.ones(len(D)) if weights is None else weights)[:, None]
    return columns - D @ np.linalg.lstsq(D * root, columns * root, rcond=1e-12)[0]


def draw(rng, n, sizes):
    return [compress(rng.integers(0, size, n)) for size in sizes]


@st.composite
def problems(draw_from):
    """Up to four effects of any shape: nested, constant, disconnected and singleton levels."""
    n = draw_from(st.integers(2, 40))
    q = draw_from(st.integers(1, 4))
    codes = [
        compress(np.array(draw_from(st.lists(st.integers(0, top), min_size=n, max_size=n))))
        for top in (draw_from(st.integers(0, 14)) for _ in range(q))
    ]
    weighted = draw_from(st.booleans())
    seed = draw_from(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    return codes, rng.normal(size=(n, 2)), rng.uniform(0.05, 5, n) if weighted else None


@given(problems())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_codes_match_least_squares_on_dummies(problem):
    codes, columns, weights = problem
    absorber = Absorber.from_codes(codes, weights)
    assert absorber.rank == np.linalg.matrix_rank(indicator(codes))
    left = absorber.residualise(columns)
    np.testing.assert_allclose(left, projection(columns, codes, weights), atol=1e-9)


SHAPES = {
    "one": [50],
    "two": [60, 7],
    "three": [60, 7, 12],
    "five": [80, 30, 9, 5, 2],
    "larger last": [4, 9, 90],
}


@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
@pytest.mark.parametrize("sizes", SHAPES.values(), ids=SHAPES.keys())
def test_residuals_are_orthogonal_to_every_dummy_and_idempotent(sizes, weighted):
    rng = np.random.default_rng(3)
    n = 400
    codes = draw(rng, n, sizes)
    weights = rng.uniform(0.1, 3, n) if weighted else None
    absorber = Absorber.from_codes(codes, weights)
    columns = rng.normal(size=(n, 3)) + codes[0][:, None]
    left = absorber.residualise(columns)
    scaled = left if weights is None else left * weights[:, None]
    np.testing.assert_allclose(indicator(codes).T @ scaled, 0, atol=1e-10)
    np.testing.assert_allclose(absorber.residualise(left), left, atol=1e-11)
    np.testing.assert_allclose(left, projection(columns, codes, weights), atol=1e-10)


def test_the_input_is_not_changed():
    rng = np.random.default_rng(4)
    codes, columns = draw(rng, 50, [9, 4]), rng.normal(size=(50, 2))
    before = columns.copy()
    Absorber.from_codes(codes).residualise(columns)
    np.testing.assert_array_equal(columns, before)


def test_effects_nested_in_the_largest_cost_nothing():
    rng = np.random.default_rng(5)
    firm = compress(rng.integers(0, 40, 300))
    industry, sector = firm % 9, firm % 9 % 3
    columns = rng.normal(size=(300, 2))
    nested = Absorber.from_codes([firm, industry, sector])
    assert nested.rank == firm.max() + 1
    np.testing.assert_allclose(
        nested.residualise(columns), Absorber.from_codes([firm]).residualise(columns), atol=1e-13
    )


def test_nested_beside_a_crossing_effect():
    rng = np.random.default_rng(6)
    firm, year = compress(rng.integers(0, 40, 300)), rng.integers(0, 6, 300)
    codes = [firm, firm % 5, year, (firm % 5) * 6 + year]
    codes = [compress(code) for code in codes]
    absorber = Absorber.from_codes(codes)
    columns = rng.normal(size=(300, 2))
    assert absorber.rank == np.linalg.matrix_rank(indicator(codes))
    np.testing.assert_allclose(
        absorber.residualise(columns), projection(columns, codes), atol=1e-10
    )


def test_one_level_is_the_mean():
    columns = np.arange(12.0).reshape(6, 2)
    left = Absorber.from_codes([np.zeros(6, dtype=int)]).residualise(columns)
    np.testing.assert_allclose(left, columns - columns.mean(axis=0), atol=1e-14)


def test_disconnected_components_each_cost_a_level_less():
    rng = np.random.default_rng(7)
    part = np.repeat(np.arange(4), 60)
    firm = compress(part * 100 + rng.integers(0, 15, 240))
    year = compress(part * 100 + rng.integers(0, 5, 240))
    absorber = Absorber.from_codes([firm, year])
    assert absorber.rank == np.linalg.matrix_rank(indicator([firm, year]))
    assert absorber.rank == firm.max() + 1 + year.max() + 1 - 4


def test_very_unbalanced():
    """One firm with half of all rows, some hundred with one to five."""
    rng = np.random.default_rng(8)
    firm = compress(np.concatenate([np.zeros(300, int), rng.integers(1, 150, 300)]))
    year = compress(np.minimum(rng.geometric(0.4, 600), 9))
    industry = compress(rng.integers(0, 20, 600))
    codes = [firm, year, industry]
    weights = np.exp(rng.normal(0, 2, 600))
    columns = rng.normal(size=(600, 2)) + year[:, None]
    for w in (None, weights):
        absorber = Absorber.from_codes(codes, w)
        assert absorber.rank == np.linalg.matrix_rank(indicator(codes))
        np.testing.assert_allclose(
            absorber.residualise(columns), projection(columns, codes, w), atol=1e-9
        )


def test_a_huge_mean_does_not_hide_tiny_variation():
    """The part that varies is exact in binary at this mean, so both answers must agree."""
    rng = np.random.default_rng(9)
    codes = draw(rng, 500, [60, 8])
    small = np.round(rng.normal(size=(500, 1)) * 2**10) / 2**22  # about 1e-3, multiples of 2^-22
    huge = 2.0**27 + small  # 1.3e8
    np.testing.assert_array_equal(huge - 2.0**27, small)
    absorber = Absorber.from_codes(codes)
    left = absorber.residualise(huge)
    np.testing.assert_allclose(left, absorber.residualise(small), atol=1e-11 * small.std())


def test_scale_and_shift():
    rng = np.random.default_rng(10)
    codes, column = draw(rng, 300, [40, 6]), rng.normal(size=(300, 1))
    absorber = Absorber.from_codes(codes)
    left = absorber.residualise(column)
    np.testing.assert_allclose(absorber.residualise(1e9 * column), 1e9 * left, rtol=1e-9)
    np.testing.assert_allclose(absorber.residualise(column + 100.0), left, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_the_unit_of_the_weights_is_irrelevant(scale):
    rng = np.random.default_rng(11)
    codes, column = draw(rng, 300, [40, 6, 5]), rng.normal(size=(300, 2))
    weights = rng.uniform(0.1, 3, 300)
    absorber = Absorber.from_codes(codes, scale * weights)
    assert absorber.rank == Absorber.from_codes(codes, weights).rank
    np.testing.assert_allclose(
        absorber.residualise(column), projection(column, codes, weights), atol=1e-10
    )


def test_too_many_levels_besides_the_largest(monkeypatch):
    monkeypatch.setattr(absorb, "DENSE_LEVELS", 100)
    codes = [np.arange(150), np.arange(150) % 120]
    with pytest.raises(IdentificationError, match=r"120 levels.*up to 100.*coarser") as caught:
        Absorber.from_codes(codes)
    assert "largest" in str(caught.value)
    assert Absorber.from_codes([np.arange(150), np.arange(150) % 100]).rank == 150


@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
def test_rank_when_a_single_mover_links_two_industries(weighted):
    """The count of levels less connected components, where links are as thin as they can be."""
    firms, years, industries = 200, 50, 6
    firm = np.repeat(np.arange(firms), years)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        industry = rng.integers(0, industries, firms)[firm]
        for j in range(industries - 1):
            industry[np.flatnonzero(industry == j)[0]] = j + 1
        weights = rng.uniform(0.1, 3, len(firm)) if weighted else None
        absorber = Absorber.from_codes([firm, industry], weights)
        assert absorber.rank == firms + industries - components(firm, industry)


def components(firm, industry):
    """Connected components of the graph of firms and industries."""
    offset = int(firm.max()) + 1
    size = offset + int(industry.max()) + 1
    links = sparse.coo_array((np.ones(len(firm)), (firm, industry + offset)), shape=(size, size))
    return connected_components(links, directed=False)[0]


@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
def test_rank_of_a_nested_effect_with_weights(weighted):
    """Rounding in what a nested effect leaves over is no extra dimension."""
    rng = np.random.default_rng(14)
    for _ in range(30):
        firm = compress(rng.integers(0, 12, 50))
        weights = rng.uniform(0.05, 5, 50) if weighted else None
        absorber = Absorber.from_codes([firm, firm % 3, firm % 2], weights)
        assert absorber.rank == firm.max() + 1


def test_rank_when_some_levels_weigh_next_to_nothing():
    rng = np.random.default_rng(13)
    firm, region = compress(rng.integers(0, 60, 500)), rng.integers(0, 4, 500)
    weights = np.where(region >= 2, 1e-12, 1.0)
    absorber = Absorber.from_codes([firm, region], weights)
    assert absorber.rank == np.linalg.matrix_rank(indicator([firm, region]))

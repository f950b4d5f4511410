from __future__ import annotations

from math import comb

import numpy as np
import pytest

from spillover.errors import SchemaError
from spillover.production.polynomial import basis, count_terms, exponents, project


@pytest.mark.parametrize(("variables", "degree"), [(1, 0), (1, 4), (3, 3), (5, 2)])
def test_basis_holds_every_monomial_once(variables, degree):
    x = np.random.default_rng(1).normal(size=(30, variables))
    table = exponents(variables, degree)
    assert len(table) == comb(variables + degree, degree) == count_terms(variables, degree)
    assert len(np.unique(table, axis=0)) == len(table)
    want = np.prod(x[:, None, :] ** table[None], axis=2)
    np.testing.assert_allclose(basis(x, degree, standardise=False), want, rtol=1e-13)


def test_standardising_keeps_the_span():
    rng = np.random.default_rng(2)
    x = 50 + rng.normal(size=(200, 2))
    y = rng.normal(size=200)
    raw = np.linalg.lstsq(basis(x - 50, 3, standardise=False), y, rcond=None)[0]
    want = basis(x - 50, 3, standardise=False) @ raw
    np.testing.assert_allclose(project(basis(x, 3), y).fitted, want, atol=1e-12)


@pytest.mark.parametrize("columns", [1, 3])
def test_project_is_weighted_least_squares(columns):
    rng = np.random.default_rng(3)
    B, y = rng.normal(size=(80, 4)), rng.normal(size=(80, columns))
    times = rng.integers(0, 4, 80)
    copied = np.repeat(np.arange(80), times)
    want = np.linalg.lstsq(B[copied], y[copied], rcond=None)[0]
    got = project(B, y, times.astype(float))
    np.testing.assert_allclose(got.coefficients, want, rtol=1e-11)
    alone = project(B, y[:, 0], times.astype(float))
    np.testing.assert_allclose(alone.coefficients, want[:, 0], rtol=1e-11)


def test_dependent_columns_are_left_out():
    rng = np.random.default_rng(4)
    B, y = rng.normal(size=(60, 3)), rng.normal(size=60)
    more = np.column_stack([B, B[:, 0] - 2 * B[:, 2], np.zeros(60)])
    got, want = project(more, y), project(B, y)
    assert (got.rank, want.rank) == (3, 3)
    np.testing.assert_allclose(got.fitted, want.fitted, atol=1e-12)
    assert np.count_nonzero(got.coefficients) == 3


def test_degree_must_be_a_whole_number():
    with pytest.raises(SchemaError, match=r"degree=1\.5"):
        basis(np.ones((3, 1)), 1.5)

"""The same effects with other weights, against a fresh absorber with these weights."""

from __future__ import annotations

import numpy as np
import pytest

from spillover.panel import absorb_reweighted
from spillover.panel.absorb import Absorber
from spillover.panel.absorb_reweighted import FINEST, MOST, STALE, Reweighted, Sweeper
from spillover.panel.codes import compress


@pytest.fixture(autouse=True)
def _whatever_the_size(monkeypatch):
    monkeypatch.setattr(absorb_reweighted, "SMALL", 0)


@pytest.fixture(params=[[60, 9], [80, 30, 12], [50, 40, 5, 3]], ids=str)
def problem(request):
    rng = np.random.default_rng(len(request.param))
    n = 900
    codes = [compress(rng.integers(0, size, n)) for size in request.param]
    columns = np.column_stack(
        [rng.normal(size=(n, 2)) + codes[1][:, None], 1e6 + rng.normal(size=n)]
    )
    return rng, codes, columns


def norm(columns, weights):
    return np.sqrt(weights @ columns**2)


@pytest.mark.parametrize("spread", [0.01, 1.0, 3.0])
@pytest.mark.parametrize("tolerance", [1e-3, FINEST])
def test_equals_a_fresh_absorber(problem, spread, tolerance):
    rng, codes, columns = problem
    weights = np.exp(rng.normal(0, spread, len(columns)))
    base = Absorber.from_codes(codes)
    exact = Absorber.from_codes(codes, weights).residualise(columns)
    again = Reweighted(base, base.reduced, weights)
    left, levels, steps = again.residualise(columns, tolerance)
    size = norm(columns - columns.mean(axis=0), weights)
    assert (norm(left - exact, weights) <= max(tolerance, 2e-12) * size).all()
    assert 1 <= steps <= MOST
    _, _, none = again.residualise(columns, 2 * tolerance, levels)
    assert none == 0  # the solution as the start


def test_own_factor_takes_a_step_or_two(problem):
    rng, codes, columns = problem
    weights = np.exp(rng.normal(size=len(columns)))
    base = Absorber.from_codes(codes, weights)
    assert Reweighted(base, base.reduced, weights).residualise(columns, FINEST)[2] <= 2


def test_a_new_factor_only_where_the_old_one_is_stale(problem, monkeypatch):
    rng, codes, columns = problem
    made = []

    class Counting(Absorber):
        @classmethod
        def from_codes(cls, *args):
            made.append(1)
            return Absorber.from_codes(*args)

    monkeypatch.setattr(absorb_reweighted, "Absorber", Counting)
    sweeper = Sweeper(Absorber.from_codes(codes), codes)
    first, noise = rng.normal(0, 2, (2, len(columns)))
    for step in range(8):
        weights = np.exp(first + 0.1**step * noise)
        left = sweeper.residualise(columns, weights, FINEST)
        exact = Absorber.from_codes(codes, weights).residualise(columns)
        assert (norm(left - exact, weights) <= 1e-11 * norm(columns, weights)).all()
    # nine levels are solved for in nine steps or fewer, whatever the factor
    assert (len(codes) > 2) <= len(made) <= 3
    assert STALE < MOST


def test_vanishing_weights_are_left_to_the_pivoted_factor(problem):
    rng, codes, columns = problem
    sweeper = Sweeper(Absorber.from_codes(codes), codes)
    for power in (0.0, -12.0, -200.0, 0.0):
        weights = np.where(codes[1] == 2, 10.0**power, 1.0) * rng.uniform(0.5, 2, len(columns))
        left = sweeper.residualise(columns, weights, FINEST)
        exact = Absorber.from_codes(codes, weights).residualise(columns)
        assert (norm(left - exact, weights) <= 1e-10 * norm(columns, weights)).all()


@pytest.mark.parametrize("codes", [lambda f: [f], lambda f: [f, f % 5]], ids=["one", "nested"])
def test_nothing_besides_the_largest(codes):
    rng = np.random.default_rng(0)
    codes = codes(compress(rng.integers(0, 30, 200)))
    columns, weights = rng.normal(size=(200, 2)), rng.uniform(0.5, 2, 200)
    left = Sweeper(Absorber.from_codes(codes), codes).residualise(columns, weights, 1e-3)
    np.testing.assert_allclose(
        left, Absorber.from_codes(codes, weights).residualise(columns), atol=1e-13
    )

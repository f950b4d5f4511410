"""The concentrated criterion against regressions on the rows, by numpy's lstsq."""

from __future__ import annotations

import numpy as np
import pytest

from spillover.errors import IdentificationError
from spillover.production import _crosses
from spillover.production.law import concentrate
from spillover.production.optimum import jacobian, search, search_scalar


def problem(seed=0, n=500, p=2, *, drivers=0, powers=(3,), outcome=False, fit_outcome=False):
    rng = np.random.default_rng(seed)
    lag_x = rng.normal(2, 1, (n, p))
    w0 = rng.normal(0, 0.4, n)
    x = 0.8 * lag_x + 0.3 * w0[:, None] + rng.normal(0, 0.5, (n, p))
    b = np.linspace(0.3, 0.6, p)
    w1 = 0.2 + 0.7 * w0 - 0.1 * w0**2 + rng.normal(0, 0.2, n)
    more = rng.normal(size=(n, drivers)) if drivers else None
    return concentrate(
        now=(w1 + x @ b, x),
        lag=(w0 + lag_x @ b, lag_x),
        instruments=np.column_stack([x, lag_x[:, :1]]),
        weights=rng.integers(1, 4, n).astype(float),
        powers=powers,
        multipliers=more,
        outcome=w1 + x @ b + rng.normal(0, 0.1, n) if outcome else None,
        fit_outcome=fit_outcome,
    )


CASES = [
    {},
    {"p": 1, "powers": (4,)},
    {"p": 3},
    {"drivers": 2, "powers": (3, 0, 1)},
    {"outcome": True},
    {"outcome": True, "fit_outcome": True},
]


def by_lstsq(law, b):
    """xi by ordinary least squares on copied rows."""
    lagged = law.lag[0] - law.lag[1] @ b
    P = np.column_stack(
        [
            law.multipliers[:, j] * lagged**power
            for j, top in enumerate(law.powers)
            for power in range(top + 1)
        ]
    )
    result = law.outcome - law.now[1] @ b
    target = result if law.fit_outcome else law.now[0] - law.now[1] @ b
    copied = np.repeat(np.arange(len(P)), law.weights.astype(int))
    gamma = np.linalg.lstsq(P[copied], target[copied], rcond=None)[0]
    return result - P @ gamma, gamma


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("shift", [0.0, 0.4, -1.5])
def test_moments_and_squares_agree_with_the_rows(case, shift):
    law = problem(**case)
    b = np.linspace(0.3, 0.6, law.parameters) + shift
    xi, gamma = by_lstsq(law, b)
    W = law.weights
    scale = np.sqrt(W @ xi**2) * np.sqrt(W @ law.instruments**2)
    np.testing.assert_allclose(
        law.moments(b) / scale, law.instruments.T @ (W * xi) / scale, atol=1e-11
    )
    np.testing.assert_allclose(law.ssr(b), W @ xi**2, rtol=1e-10)
    own, coefficients = law.rows(b)
    np.testing.assert_allclose(own, xi, atol=1e-10)
    np.testing.assert_allclose(coefficients, gamma, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_complex_step_is_the_derivative(case):
    law = problem(**case)
    b = np.linspace(0.25, 0.65, law.parameters)
    step = 1e-5
    for function in (law.moments, law.ssr):
        numeric = np.stack(
            [(function(b + s) - function(b - s)) / (2 * step) for s in np.eye(len(b)) * step], -1
        )
        size = np.abs(numeric).max()
        np.testing.assert_allclose(jacobian(function, b) / size, numeric / size, atol=1e-7)


def test_search_finds_the_least_squares_optimum():
    law = problem(outcome=True, fit_outcome=True, n=3000)
    found = search_scalar(law.ssr, np.array([[0.0, 0.0], [1.0, 1.0]]))
    best = found.optima[found.choose(law.r2)]
    value = by_lstsq(law, best)[0]
    for step in (1e-3, -1e-3):
        for axis in np.eye(2):
            moved = by_lstsq(law, best + step * axis)[0]
            assert law.weights @ moved**2 > law.weights @ value**2
    np.testing.assert_allclose(jacobian(law.ssr, best) / law.ssr(best), 0, atol=1e-11)


def test_ties_go_to_the_greatest_merit():
    found = search(lambda b: np.array([b[0] ** 2 - 4]), np.array([[1.0], [-1.0], [5.0]]))
    assert found.optima[found.choose(lambda b: b[0])] == pytest.approx(2)
    assert found.optima[found.choose(lambda b: -b[0])] == pytest.approx(-2)
    assert len(found.distinct()) == 2


def test_r2_is_that_of_the_rows():
    law = problem()
    b = np.array([0.2, 0.5])
    xi, _ = by_lstsq(law, b)
    w = np.repeat(law.now[0] - law.now[1] @ b, law.weights.astype(int))
    want = 1 - (law.weights @ xi**2) / np.sum((w - w.mean()) ** 2)
    assert law.r2(b) == pytest.approx(want, rel=1e-10)


def with_years(law, years):
    """The same problem with an effect of each year."""
    return concentrate(
        now=law.now,
        lag=law.lag,
        instruments=law.instruments,
        weights=law.weights,
        powers=law.powers,
        multipliers=law.multipliers[:, 1:] if law.multipliers.shape[1] > 1 else None,
        outcome=law.outcome,
        fit_outcome=law.fit_outcome,
        years=years,
    )


@pytest.mark.parametrize("case", CASES)
def test_year_effects_are_dummies_in_the_law(case):
    plain = problem(**case)
    years = np.random.default_rng(5).integers(2000, 2006, len(plain.weights))
    law = with_years(plain, years)
    b = np.linspace(0.3, 0.6, law.parameters) + 0.2
    lagged = law.lag[0] - law.lag[1] @ b
    P = [
        law.multipliers[:, j] * lagged**power
        for j, top in enumerate(law.powers)
        for power in range(top + 1)
    ][1:]
    P = np.column_stack([years[:, None] == np.unique(years), *P])
    result = law.outcome - law.now[1] @ b
    D = P[:, : len(np.unique(years))]
    root = np.sqrt(law.weights)[:, None]
    target = result if law.fit_outcome else law.now[0] - law.now[1] @ b
    gamma = np.linalg.lstsq(P * root, target * root[:, 0], rcond=None)[0]
    free = D.shape[1]
    xi = result - P[:, free:] @ gamma[free:]
    xi = xi - D @ np.linalg.lstsq(D * root, xi * root[:, 0], rcond=None)[0]
    scale = np.sqrt(law.weights @ xi**2) * np.sqrt(law.weights @ law.instruments**2)
    gap = law.moments(b) - law.instruments.T @ (law.weights * xi)
    np.testing.assert_allclose(gap / scale, 0, atol=1e-10)
    np.testing.assert_allclose(law.ssr(b), law.weights @ xi**2, rtol=1e-9)
    own, coefficients = law.rows(b)
    np.testing.assert_allclose(own, xi, atol=1e-9)
    np.testing.assert_allclose(coefficients, gamma[free:], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("years", [False, True])
def test_through_the_rows_is_the_same(case, years, monkeypatch):
    law = problem(**case)
    when = np.random.default_rng(5).integers(2000, 2006, len(law.weights))
    law = with_years(law, when if years else None)
    monkeypatch.setattr(_crosses, "MOST", 0)
    slow = with_years(law, when if years else None)
    assert isinstance(slow._products, _crosses.ByRow)
    b = np.linspace(0.3, 0.6, law.parameters) - 0.1
    size = np.abs(law.weights @ law.instruments**2)
    np.testing.assert_allclose(slow.moments(b) / size, law.moments(b) / size, atol=1e-12)
    np.testing.assert_allclose(slow.ssr(b), law.ssr(b), rtol=1e-11)
    np.testing.assert_allclose(
        jacobian(slow.moments, b) / size[:, None],
        jacobian(law.moments, b) / size[:, None],
        atol=1e-10,
    )


def test_chunks_add_up(monkeypatch):
    law = problem(n=700)
    monkeypatch.setattr(_crosses, "CHUNK", 64)
    again = with_years(law, None)
    b = np.array([0.1, 0.2])
    np.testing.assert_allclose(again.moments(b), law.moments(b), rtol=1e-9)


def test_multipliers_far_from_zero_cost_no_accuracy():
    """A driver such as a year or a price index of 1000: its own mean swamps its variation."""
    law = problem(drivers=1, powers=(3, 1))
    moved = concentrate(
        now=law.now,
        lag=law.lag,
        instruments=law.instruments,
        weights=law.weights,
        powers=law.powers,
        multipliers=law.multipliers[:, 1:] * 1e-3 + 1e3,
    )
    b = np.array([0.1, 0.2])
    np.testing.assert_allclose(moved.moments(b), law.moments(b), rtol=1e-6, atol=1e-7)


def test_multipliers_that_depend_on_each_other_are_named():
    law = problem(drivers=2, powers=(3, 0, 0))
    more = np.column_stack([law.multipliers[:, 1], 2 * law.multipliers[:, 1] - 3])
    with pytest.raises(IdentificationError, match="'backward' in the law of motion is constant or"):
        concentrate(
            now=law.now,
            lag=law.lag,
            instruments=law.instruments,
            weights=law.weights,
            powers=(3, 0, 0),
            multipliers=more,
            labels=("horizontal", "backward"),
        )

"""RAS, GRAS, and the balancing of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from spillover.errors import ConvergenceError, SchemaError
from spillover.iotables import IOTable, balance_table, gras, ras

SIGNED = np.array([[7.0, 3, 5, -3], [2, 9, 8, 1], [-2, 0, 2, 1]])
ROWS = np.array([15.0, 26, -1])
COLUMNS = np.array([9.0, 16, 17, -2])


def test_ras_in_closed_form() -> None:
    """A 2 x 2 fit keeps the odds ratio, which with the totals gives a quadratic equation."""
    A = np.array([[1.0, 2.0], [3.0, 4.0]])
    odds = A[0, 0] * A[1, 1] / (A[0, 1] * A[1, 0])
    # x (1 + x) = odds (4 - x)(5 - x) for the first cell, with totals (4, 6) and (5, 5)
    roots = np.roots([1 - odds, 1 + 9 * odds, -20 * odds])
    x = float(next(r for r in roots if 0 < r < 4))
    got = ras(A, [4, 6], [5, 5])
    np.testing.assert_allclose(got.matrix, [[x, 4 - x], [5 - x, 1 + x]], rtol=1e-9)
    assert got.converged
    assert got.history[-1] == got.largest_gap <= 1e-10
    assert len(got.history) == got.iterations
    assert repr(got).startswith("Balanced(2 × 2, ")


def test_a_table_of_one_row_or_independence() -> None:
    np.testing.assert_allclose(ras([[1, 1, 1]], [6], [1, 2, 3]).matrix, [[1, 2, 3]])
    # a constant matrix becomes the product of the totals (independence)
    u, v = np.array([1.0, 3.0]), np.array([0.5, 1.5, 2.0])
    np.testing.assert_allclose(ras(np.ones((2, 3)), u, v).matrix, np.outer(u, v) / 4, rtol=1e-12)


def test_nothing_moves_when_the_totals_hold() -> None:
    for matrix in (SIGNED, np.abs(SIGNED)):
        got = gras(matrix, matrix.sum(axis=1), matrix.sum(axis=0))
        np.testing.assert_array_equal(got.matrix, matrix)
        assert got.iterations == 0


entries = st.one_of(st.just(0.0), st.floats(0.5, 50))


@given(
    arrays(np.float64, (3, 4), elements=entries),
    arrays(np.float64, (3, 4), elements=st.floats(0.5, 2)),
)
def test_ras_is_biproportional(A: Any, scale: Any) -> None:
    assume((A.sum(axis=1) > 0).all())
    target = A * scale  # a matrix with the same zeros, so that its totals are possible
    u, v = target.sum(axis=1), target.sum(axis=0)
    got = ras(A, u, v, tol=1e-9, max_iterations=5000)
    np.testing.assert_allclose(got.matrix.sum(axis=1), u, rtol=1e-8)
    np.testing.assert_allclose(got.matrix.sum(axis=0), v, rtol=1e-8)
    assert ((got.matrix == 0) == (A == 0)).all()
    r, s = got.row_factors, got.column_factors
    np.testing.assert_allclose(got.matrix, r[:, None] * A * s[None, :], rtol=1e-12)
    # the fitted matrix is no further from A than the one the totals were taken from
    assert divergence(got.matrix, A) <= divergence(target, A) + 1e-6 * A.sum()


def divergence(X: Any, A: Any) -> float:
    """Information distance of Bacharach (1970), with the term that makes it zero at X = A."""
    ok = A > 0
    x, a = X[ok], A[ok]
    return float((x * np.log(x / a) - x + a).sum())


def test_gras_solves_the_programme_it_stands_for() -> None:
    """Minimise sum |a| z (ln z - 1) subject to the totals, by brute force."""
    where = tuple(np.argwhere(SIGNED != 0).T)
    a = SIGNED[where]

    def matrix(z: Any) -> Any:
        X = np.zeros(SIGNED.shape)
        X[where] = a * z
        return X

    def totals(z: Any) -> Any:
        X = matrix(z)
        return np.concatenate([X.sum(axis=1) - ROWS, (X.sum(axis=0) - COLUMNS)[:-1]])

    found = minimize(
        lambda z: float((np.abs(a) * z * (np.log(z) - 1)).sum()),
        np.ones(len(a)),
        jac=lambda z: np.abs(a) * np.log(z),
        bounds=[(1e-9, None)] * len(a),
        constraints=[{"type": "eq", "fun": totals}],
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    assert found.success
    got = gras(SIGNED, ROWS, COLUMNS)
    np.testing.assert_allclose(got.matrix, matrix(found.x), atol=1e-6)
    assert (np.sign(got.matrix) == np.sign(SIGNED)).all()


def test_gras_first_order_conditions() -> None:
    """ln z = sign(a) (lambda_i + mu_j): one number a row and one a column explain every cell."""
    got = gras(SIGNED, ROWS, COLUMNS, tol=1e-13)
    cells = np.argwhere(SIGNED != 0)
    logs = np.array(
        [np.sign(SIGNED[i, j]) * np.log(got.matrix[i, j] / SIGNED[i, j]) for i, j in cells]
    )
    design = np.zeros((len(cells), 7))
    for k, (i, j) in enumerate(cells):
        design[k, i] = design[k, 3 + j] = 1
    fitted = design @ np.linalg.lstsq(design, logs, rcond=None)[0]
    np.testing.assert_allclose(fitted, logs, atol=1e-10)


@given(
    arrays(np.float64, (3, 3), elements=st.floats(-20, 20).filter(lambda x: abs(x) > 0.05)),
    arrays(np.float64, (3, 3), elements=st.floats(0.5, 2)),
)
def test_gras_meets_totals_and_keeps_signs(A: Any, scale: Any) -> None:
    target = A * scale
    u, v = target.sum(axis=1), target.sum(axis=0)
    try:
        got = gras(A, u, v, tol=1e-8, max_iterations=500)
    except ConvergenceError:
        assume(False)
    size = np.abs(got.matrix).sum()
    np.testing.assert_allclose(got.matrix.sum(axis=1), u, atol=1e-7 * size)
    np.testing.assert_allclose(got.matrix.sum(axis=0), v, atol=1e-7 * size)
    assert (np.sign(got.matrix) == np.sign(A)).all()


@given(arrays(np.float64, (3, 4), elements=st.floats(0.1, 10)), st.permutations(range(3)))
def test_gras_is_ras_without_negatives_and_order_does_not_matter(A: Any, order: Any) -> None:
    u, v = A.sum(axis=1)[::-1].copy(), A.sum(axis=0)
    first = ras(A, u, v, tol=1e-12)
    np.testing.assert_array_equal(gras(A, u, v, tol=1e-12).matrix, first.matrix)
    turned = ras(A[order], u[order], v, tol=1e-12)
    np.testing.assert_allclose(turned.matrix, first.matrix[order], rtol=1e-10)
    np.testing.assert_allclose(ras(A.T, v, u, tol=1e-12).matrix, first.matrix.T, rtol=1e-9)
    np.testing.assert_allclose(ras(1e6 * A, u, v, tol=1e-12).matrix, first.matrix, rtol=1e-9)


def test_rows_of_one_sign_and_zero_totals() -> None:
    A = np.array([[-1.0, -2.0], [4.0, 3.0]])
    got = gras(A, [-4, 8], [2, 2])
    np.testing.assert_allclose(got.matrix.sum(axis=1), [-4, 8])
    np.testing.assert_allclose(ras([[1, 1], [1, 1]], [0, 2], [1, 1]).matrix, [[0, 0], [1, 1]])
    balanced = gras([[2, -1], [1, 3]], [0, 4], [2, 2])
    np.testing.assert_allclose(balanced.matrix.sum(axis=1), [0, 4], atol=1e-9)


BAD: list[tuple[Any, Any, Any, str]] = [
    ([[1, 1], [0, 0]], [1, 3], [2, 2], r"1 row\(s\) have no entry but need a total: 'row 1'"),
    ([[1, 0], [1, 0]], [1, 1], [1, 1], r"1 column\(s\) have no entry .*'column 1'"),
    ([[1, 1]], [2], [2, 1], r"row totals sum to 2 and column totals to 3"),
    ([[1, 1]], [2, 1], [2, 1], r"shapes \(1, 2\), \(2,\), \(2,\)"),
    ([[1, -1]], [2], [1, 1], r"1 negative cell\(s\), the first at row 0→column 1.*Use gras"),
    ([[1, np.nan]], [2], [1, 1], r"matrix has 1 missing"),
    ([["a", 1]], [2], [1, 1], r"must be numbers"),
    (
        [[1, 1], [1, 1]],
        [-1, 3],
        [1, 1],
        r"positive entries only but need a negative total: 'row 0'",
    ),
]


@pytest.mark.parametrize(("A", "u", "v", "message"), BAD)
def test_bad_input_is_named(A: Any, u: Any, v: Any, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        ras(A, u, v)


def test_options_are_checked() -> None:
    with pytest.raises(SchemaError, match=r"tol=0 must be positive"):
        ras([[1]], [1], [1], tol=0)
    with pytest.raises(SchemaError, match=r"2 row and 1 column names do not fit"):
        ras([[1]], [1], [1], row_names=["a", "b"])
    with pytest.raises(
        SchemaError, match=r"negative entries only but need a positive .*'column 0'"
    ):
        gras([[-1, 2]], [3], [1, 2])


def test_impossible_zeros_are_reported() -> None:
    with pytest.raises(ConvergenceError, match=r"RAS did not converge .*'food' sums to 2.*is 1"):
        ras([[1, 0], [0, 1]], [1, 2], [2, 1], row_names=["food", "steel"])
    with pytest.raises(ConvergenceError, match=r"in 2 iterations"):
        gras(SIGNED, ROWS, COLUMNS, max_iterations=2)


def table(**changes: Any) -> IOTable:
    parts: dict[str, Any] = {
        "domestic": [[10.0, 20, 0], [5, 10, 30], [0, 5, 20]],
        "imported": [[1.0, 2, 3], [0, 1, 0], [4, 0, 2]],
        "final_demand": [40.0, 3, 40],
        "exports": [10.0, 30, -1],
        "output": [80.0, 77, 63.0],
        "unit": "m",
    }
    return IOTable.from_arrays(["a", "b", "c"], **{**parts, **changes})


def test_balance_table_closes_small_gaps_and_reports() -> None:
    io = table()
    assert io.balance()["gap"].abs().max() == pytest.approx(1)
    got = balance_table(io)
    assert got.table.balance()["gap"].abs().max() < 1e-7
    np.testing.assert_array_equal(got.table.output, io.output)
    np.testing.assert_array_equal(got.table.flows("imported"), io.flows("imported"))
    np.testing.assert_allclose(got.table.value_added(), io.value_added(), rtol=1e-9)
    np.testing.assert_array_equal(
        got.table.flows(), got.table.flows("domestic") + got.table.flows("imported")
    )
    # the report adds up to the difference of the two tables, and its first line is the largest
    frame = got.changes
    assert frame["change"].abs().is_monotonic_decreasing
    moved = np.abs(got.table.flows("domestic") - io.flows("domestic")).sum()
    inner = ~frame["column"].isin(["final_demand", "exports"])
    assert frame.loc[inner, "change"].abs().sum() == pytest.approx(moved)
    assert set(frame["row"]) == {"a", "b", "c"}
    assert got.before == pytest.approx(1 / 63)
    assert "cells changed by" in repr(got)
    assert "<table" in got._repr_html_()


def test_balance_table_with_total_flows_keeps_imports() -> None:
    io = table(
        domestic=None,
        total=np.array([[11.0, 22, 3], [5, 11, 30], [4, 5, 22]]),
        imported=None,
        imports=[6.0, 1, 6],
    )
    got = balance_table(io)
    assert got.table.balance()["gap"].abs().max() < 1e-7
    assert got.table.imports is not None
    np.testing.assert_array_equal(got.table.imports, [6, 1, 6])


def test_balance_table_refuses_large_gaps_and_nothing_to_move() -> None:
    with pytest.raises(SchemaError, match=r"does not balance: in 1 of 3 sectors .*c \(output 90"):
        balance_table(table(output=[80.0, 78, 90]))
    flows = np.full((3, 3), 10.0)
    closed = table(
        domestic=flows,
        imported=None,
        final_demand=[0.0, 0, 0],
        exports=[0.0, 0, 0],
        output=[30.1, 30, 30],
    )
    with pytest.raises(SchemaError, match="no final use to take up"):
        balance_table(closed)


def test_a_balanced_table_stays_as_it_is() -> None:
    io = table(output=None)
    got = balance_table(io)
    assert got.changes.empty
    assert got.fit.iterations == 0
    np.testing.assert_array_equal(got.table.flows(), io.flows())

"""Shares, coefficients and inverses of an input-output table, as functions of arrays.

Notation: ``Z`` is the matrix of intermediate flows with suppliers in the rows and users in the
columns, ``x`` the gross output of the sectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from spillover.errors import IdentificationError, SchemaError, check_choice, preview

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = NDArray[np.float64]
OwnSector = Literal["exclude", "exclude_renormalised", "include", "only"]
_FIX = {
    "the denominator": "Correct the table, or choose denominator='intermediate', which divides by "
    "the sum of the flows themselves.",
    "output": "Correct the output of these sectors; a coefficient needs a positive one.",
}
OWN_SECTOR: tuple[OwnSector, ...] = ("exclude", "exclude_renormalised", "include", "only")


def _names(indices: NDArray[np.intp], sectors: Sequence[str] | None) -> str:
    """List sectors for a message: by name where known, else by position."""
    return preview([int(i) if sectors is None else sectors[i] for i in indices])


def _divide_rows(
    flows: Array, denominator: Array, what: str, sectors: Sequence[str] | None
) -> Array:
    """Divide each row by its denominator; a row without flows and denominator stays zero."""
    empty = ~flows.any(axis=1)
    bad = np.flatnonzero((denominator <= 0) & ~empty)
    if bad.size:
        msg = (
            f"{what} is zero or negative in {bad.size} sector(s) that have flows: "
            f"{_names(bad, sectors)}. {_FIX[what]}"
        )
        raise SchemaError(msg)
    safe = np.where(empty, 1.0, denominator)
    return np.asarray(flows / safe[:, None], dtype=np.float64)


def supply_shares(
    flows: Array,
    denominator: Array | None = None,
    *,
    own_sector: OwnSector = "exclude",
    sectors: Sequence[str] | None = None,
) -> Array:
    """Share of each supplier's sales that goes to each user.

    ``alpha[j, k] = Z[j, k] / d[j]``; the weights of Backward in Javorcik (2004).

    Parameters
    ----------
    flows : (n, n) array
        Intermediate flows, suppliers in rows.
    denominator : (n,) array, optional
        Sales of each supplier to divide by; by default its intermediate sales ``Z.sum(1)``.
    own_sector : {'exclude', 'exclude_renormalised', 'include', 'only'}
        ``'exclude'`` sets the diagonal to zero *after* dividing, so a row sums to one minus the
        own share (Javorcik 2004); ``'exclude_renormalised'`` takes the own flow out of the
        denominator as well; ``'include'`` keeps the diagonal; ``'only'`` keeps nothing else.
    sectors : sequence of str, optional
        Names for error messages.

    Returns
    -------
    (n, n) array
        Unit-free shares. A sector without any flow has a row of zeros.

    Raises
    ------
    SchemaError
        If a sector with flows has a denominator that is not positive.

    Examples
    --------
    >>> supply_shares(np.array([[1.0, 3.0], [2.0, 2.0]]))
    array([[0.  , 0.75],
           [0.5 , 0.  ]])
    """
    check_choice("own_sector", own_sector, OWN_SECTOR)
    sold = flows.sum(axis=1)
    d = sold if denominator is None else denominator
    if own_sector == "exclude_renormalised":
        # The others summed anew: the sum less a large own flow would lose their digits.
        flows = np.where(np.eye(len(flows), dtype=bool), 0.0, flows)
        d = flows.sum(axis=1) + (d - sold)
    shares = _divide_rows(flows, d, "the denominator", sectors)
    if own_sector == "only":
        return np.diag(np.diag(shares))
    if own_sector != "include":
        np.fill_diagonal(shares, 0.0)
    return shares


def input_shares(
    flows: Array,
    *,
    own_sector: OwnSector = "exclude",
    sectors: Sequence[str] | None = None,
) -> Array:
    """Share of each buyer's intermediate purchases that comes from each supplier.

    ``sigma[j, m] = Z[m, j] / sum_m Z[m, j]``; the weights of Forward in Javorcik (2004).

    Parameters
    ----------
    flows : (n, n) array
        Intermediate flows, suppliers in rows.
    own_sector : {'exclude', 'exclude_renormalised', 'include', 'only'}
        As in :func:`supply_shares`.
    sectors : sequence of str, optional
        Names for error messages.

    Returns
    -------
    (n, n) array
        Unit-free shares, buyers in rows and suppliers in columns.

    Examples
    --------
    >>> input_shares(np.array([[1.0, 3.0], [3.0, 2.0]]))
    array([[0.  , 0.75],
           [0.6 , 0.  ]])
    """
    return supply_shares(flows.T, own_sector=own_sector, sectors=sectors)


def technical_coefficients(
    flows: Array, output: Array, *, sectors: Sequence[str] | None = None
) -> Array:
    """Return inputs per unit of the user's output, ``a[j, k] = Z[j, k] / x[k]`` (Leontief 1936).

    Parameters
    ----------
    flows : (n, n) array
        Intermediate flows, suppliers in rows.
    output : (n,) array
        Gross output, in the unit of the flows.
    sectors : sequence of str, optional
        Names for error messages.

    Returns
    -------
    (n, n) array
        Unit-free coefficients; a sector without inputs and output has a column of zeros.

    Raises
    ------
    SchemaError
        If a sector has inputs but no positive output.

    Examples
    --------
    >>> technical_coefficients(np.array([[1.0, 3.0], [2.0, 2.0]]), np.array([4.0, 10.0]))
    array([[0.25, 0.3 ],
           [0.5 , 0.2 ]])
    """
    return _divide_rows(flows.T, output, "output", sectors).T


def allocation_coefficients(
    flows: Array, output: Array, *, sectors: Sequence[str] | None = None
) -> Array:
    """Return sales per unit of output, ``b[j, k] = Z[j, k] / x[j]`` (Ghosh 1958).

    Parameters, returns and errors are those of :func:`technical_coefficients`, by row.

    Examples
    --------
    >>> allocation_coefficients(np.array([[1.0, 3.0], [2.0, 2.0]]), np.array([4.0, 10.0]))
    array([[0.25, 0.75],
           [0.2 , 0.2 ]])
    """
    return _divide_rows(flows, output, "output", sectors)


def _invert(coefficients: Array, sums: Array, what: str, sectors: Sequence[str] | None) -> Array:
    """Return ``inv(I - coefficients)`` once the series behind it is known to converge."""
    if np.abs(sums).max(initial=0.0) >= 1 or (coefficients < 0).any():
        radius = float(np.abs(np.linalg.eigvals(coefficients)).max(initial=0.0))
        if radius >= 1 - 1e-12:
            worst = np.argsort(-sums, kind="stable")[: max(1, int((sums >= 1).sum()))]
            msg = (
                f"the {what} inverse does not exist: the largest eigenvalue of the coefficients "
                f"is {radius:.4g}, it must be below 1. Coefficients sum highest in "
                f"{_names(worst, sectors)}. Check the orientation of the table and its output."
            )
            raise IdentificationError(msg)
    identity = np.eye(len(coefficients))
    return np.asarray(np.linalg.solve(identity - coefficients, identity), dtype=np.float64)


def leontief(flows: Array, output: Array, *, sectors: Sequence[str] | None = None) -> Array:
    """Leontief inverse ``inv(I - A)``: output called forth by a unit of final demand.

    Parameters
    ----------
    flows : (n, n) array
        Intermediate flows, suppliers in rows.
    output : (n,) array
        Gross output, in the unit of the flows.
    sectors : sequence of str, optional
        Names for error messages.

    Returns
    -------
    (n, n) array
        Entry ``[j, k]``: output of ``j`` needed for one unit of final demand for ``k``.

    Raises
    ------
    IdentificationError
        If the spectral radius of the technical coefficients is 1 or more.
    SchemaError
        If a sector has inputs but no positive output.

    Examples
    --------
    >>> leontief(np.array([[0.0, 5.0], [2.0, 0.0]]), np.array([10.0, 10.0])).round(4)
    array([[1.1111, 0.5556],
           [0.2222, 1.1111]])
    """
    a = technical_coefficients(flows, output, sectors=sectors)
    return _invert(a, a.sum(axis=0), "Leontief", sectors)


def ghosh(flows: Array, output: Array, *, sectors: Sequence[str] | None = None) -> Array:
    """Ghosh inverse ``inv(I - B)`` of the allocation coefficients (Ghosh 1958).

    Parameters
    ----------
    flows : (n, n) array
        Intermediate flows, suppliers in rows.
    output : (n,) array
        Gross output, in the unit of the flows.
    sectors : sequence of str, optional
        Names for error messages.

    Returns
    -------
    (n, n) array
        Entry ``[j, k]``: output of ``k`` supported by one unit of primary input of ``j``.

    Raises
    ------
    IdentificationError
        If the spectral radius of the allocation coefficients is 1 or more.
    SchemaError
        If a sector has sales but no positive output.

    Examples
    --------
    >>> ghosh(np.array([[0.0, 5.0], [2.0, 0.0]]), np.array([10.0, 10.0])).round(4)
    array([[1.1111, 0.5556],
           [0.2222, 1.1111]])
    """
    b = allocation_coefficients(flows, output, sectors=sectors)
    return _invert(b, b.sum(axis=1), "Ghosh", sectors)

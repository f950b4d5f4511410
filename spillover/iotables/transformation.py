"""From supply and use tables to a square table: the four transformation matrices.

Notation of the Eurostat Manual of Supply, Use and Input-Output Tables (2008), chapter 11, and of
the UN Handbook on Supply and Use Tables and Input-Output Tables (2018), chapter 12: ``V`` is the
make matrix (industries in rows, products in columns), its transpose ``V'`` the supply matrix,
``q`` the output of products, ``g`` the output of industries, ``U`` the use matrix (products in
rows, industries in columns). A hat puts a vector on a diagonal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from spillover.errors import IdentificationError, SchemaError, check_choice, preview

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Array = NDArray[np.float64]
Model = Literal[
    "product_technology", "industry_technology", "fixed_industry_sales", "fixed_product_sales"
]
MODELS: tuple[Model, ...] = (
    "product_technology",
    "industry_technology",
    "fixed_industry_sales",
    "fixed_product_sales",
)
BY_PRODUCT: tuple[Model, ...] = ("product_technology", "industry_technology")
_SINGULAR = 1e-12
_ALTERNATIVE = {
    "product_technology": "industry_technology",
    "fixed_industry_sales": "fixed_product_sales",
}


def transformation(
    supply: Array,
    model: Model,
    *,
    products: Sequence[str] | None = None,
    industries: Sequence[str] | None = None,
) -> Array:
    """Return the matrix that makes a use table square.

    ==================== ===== =================== =============== ====================
    model                name  square table        ``T``           intermediate flows
    ==================== ===== =================== =============== ====================
    product_technology   A     product × product   inv(V') q̂       ``U T``
    industry_technology  B     product × product   inv(ĝ) V        ``U T``
    fixed_industry_sales C     industry × industry ĝ inv(V')       ``T U``, ``T y``
    fixed_product_sales  D     industry × industry V inv(q̂)        ``T U``, ``T y``
    ==================== ===== =================== =============== ====================

    Parameters
    ----------
    supply : (m, n) array
        Output of product p (row) by industry j (column), ``V'``.
    model : {'product_technology', 'industry_technology', 'fixed_industry_sales', \
'fixed_product_sales'}
        Letters as in Eurostat (2008).
    products, industries : sequence of str, optional
        Names for error messages.

    Returns
    -------
    (n, m) array
        Industries in rows, products in columns; unit-free.

    Raises
    ------
    SchemaError
        If models A or C get a table that is not square.
    IdentificationError
        If the supply matrix, which models A and C invert, is singular.

    References
    ----------
    Eurostat (2008), Manual of Supply, Use and Input-Output Tables, chapter 11 (model D: p. 351);
    United Nations (2018), Handbook on Supply and Use Tables and Input-Output Tables, box 12.3,
    p. 383, where ``C = V' inv(ĝ)`` and ``D = V inv(q̂)``, so that its ``inv(D')`` and ``inv(C)``
    are the ``T`` of A and C.

    Examples
    --------
    >>> transformation(np.array([[8.0, 0.0], [2.0, 10.0]]), "industry_technology")
    array([[0.8, 0.2],
           [0. , 1. ]])
    """
    check_choice("model", model, MODELS)
    q, g = supply.sum(axis=1), supply.sum(axis=0)
    if model == "industry_technology":
        return _ratio(supply.T, g[:, None])
    if model == "fixed_product_sales":
        return _ratio(supply.T, q[None, :])
    inverse = _inverse(supply, model, products, industries)
    scaled = inverse * q[None, :] if model == "product_technology" else g[:, None] * inverse
    return np.asarray(scaled, dtype=np.float64)


def _ratio(numerator: Array, denominator: Array) -> Array:
    """Divide; nothing produced in total gives a share of zero."""
    out = np.zeros(numerator.shape)
    np.divide(numerator, denominator, out=out, where=denominator != 0)
    return out


def _inverse(
    supply: Array,
    model: Model,
    products: Sequence[str] | None,
    industries: Sequence[str] | None,
) -> Array:
    """Invert the supply matrix, or say why that cannot be done."""
    other = f"Use model={_ALTERNATIVE[model]!r}, which inverts nothing"
    m, n = supply.shape
    if m != n:
        msg = (
            f"model={model!r} inverts the supply matrix, which has {m} products and {n} "
            f"industries; it must be square. {other}, or aggregate both to one list."
        )
        raise SchemaError(msg)
    # Rows are scaled first: the test must not depend on how large a product is.
    q = supply.sum(axis=1)
    shares = _ratio(supply, q[:, None])
    if np.linalg.svd(shares, compute_uv=False)[-1] < _SINGULAR:
        msg = (
            f"model={model!r} inverts the supply matrix, which is singular"
            f"{_empty(supply, products, industries)}. {other}, or merge the products or industries "
            "that are made in the same proportions."
        )
        raise IdentificationError(msg)
    inverse = np.linalg.solve(shares, np.eye(n)) / q[None, :]
    return np.asarray(inverse, dtype=np.float64)


def _empty(supply: Array, products: Sequence[str] | None, industries: Sequence[str] | None) -> str:
    """Name products or industries without any output."""
    parts = []
    for axis, names, what in ((1, products, "product"), (0, industries, "industry")):
        empty = np.flatnonzero(~supply.any(axis=axis))
        if empty.size:
            known = names if names is not None else range(supply.shape[1 - axis])
            listed = preview([known[int(i)] for i in empty])
            parts.append(f"no output of {what} {listed}")
    return f" ({'; '.join(parts)})" if parts else ""


def negative_flows(flows: Mapping[str, Array | None], sectors: Sequence[str]) -> str:
    """Describe negative cells beyond rounding: how many, their share, the smallest.

    Examples
    --------
    >>> negative_flows({"domestic": np.array([[4.0, -1.0], [3.0, 2.0]])}, ["food", "steel"])
    'domestic has 1 of 4 (10.00% of the flows; smallest -1 at food→steel)'
    """
    parts = []
    for name, Z in flows.items():
        if Z is None:
            continue
        negative = (-1e-12 * float(np.abs(Z).max(initial=0.0))) > Z
        if negative.any():
            i, j = divmod(int(np.argmin(Z)), Z.shape[1])
            share = -float(Z[negative].sum()) / float(np.abs(Z).sum())
            parts.append(
                f"{name} has {int(negative.sum())} of {Z.size} ({share:.2%} of the flows; smallest "
                f"{float(Z.min()):.4g} at {sectors[i]}→{sectors[j]})"
            )
    return "; ".join(parts)

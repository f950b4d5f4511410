"""Conjunctions of conditions and their memberships.

A term is a tuple with one entry per condition: 1 (present), 0 (negated) or None (either).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, did_you_mean, preview

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Term = tuple[int | None, ...]


def write_term(term: Term, conditions: Sequence[str]) -> str:
    """Write a term, such as ``DEV*~IND``; the term without conditions is ``1``.

    Examples
    --------
    >>> write_term((1, None, 0), ["DEV", "URB", "IND"])
    'DEV*~IND'
    """
    parts = [
        name if value else f"~{name}"
        for name, value in zip(conditions, term, strict=True)
        if value is not None
    ]
    return "*".join(parts) or "1"


def term_membership(term: Term, sets: Array) -> Array:
    """Return the membership of cases (n, conditions) in a term: the least of its conditions."""
    parts = [
        sets[:, j] if value else 1 - sets[:, j] for j, value in enumerate(term) if value is not None
    ]
    return np.minimum.reduce(parts) if parts else np.ones(len(sets))


def membership(expression: str, data: pd.DataFrame) -> pd.Series[float]:
    """Return the membership of every case in an expression.

    Parameters
    ----------
    expression : str
        Names of columns with ``~`` (not), ``*`` (and: the least) and ``+`` (or: the greatest),
        such as ``"DEV*~IND + URB*STB"``.
    data : pandas.DataFrame
        One row per case, memberships between 0 and 1.

    Returns
    -------
    pandas.Series

    Raises
    ------
    SchemaError
        For an unknown name or an empty term.

    Examples
    --------
    >>> cases = pd.DataFrame({"A": [0.9, 0.2], "B": [0.3, 0.6]})
    >>> membership("A*~B + B", cases).tolist()
    [0.7, 0.6]
    """
    if not isinstance(expression, str) or not expression.strip():
        raise SchemaError("expression must be text, such as 'DEV*~IND + URB*STB'.")
    terms = [_conjunction(part, data) for part in expression.split("+")]
    values: Array = np.maximum.reduce(terms)
    return pd.Series(values, data.index, name=expression.strip(), dtype=float)


def _conjunction(text: str, data: pd.DataFrame) -> Array:
    parts = []
    for word in text.split("*"):
        name = word.strip()
        column = name.lstrip("~").strip()
        if column not in data.columns:
            hint = did_you_mean(column, [str(c) for c in data.columns])
            raise SchemaError(f"{column!r} in {text.strip()!r} is no column of the data.{hint}")
        values = check_sets(data, [column])[:, 0]
        parts.append(1 - values if name.count("~") % 2 else values)
    least: Array = np.minimum.reduce(parts)
    return least


def check_sets(data: pd.DataFrame, columns: Sequence[str]) -> Array:
    """Return memberships as an array, raise unless all are numbers between 0 and 1.

    Raises
    ------
    SchemaError
        For an absent or repeated column, missing values, or values outside 0 to 1.
    """
    if not isinstance(data, pd.DataFrame):
        raise SchemaError(f"data is a {type(data).__name__}; give a pandas frame, a row a case.")
    for name in columns:
        if name not in data.columns:
            hint = did_you_mean(name, [str(c) for c in data.columns])
            raise SchemaError(f"The data have no column {name!r}.{hint}")
        column = data[name]
        if column.dtype.kind not in "biuf":
            raise SchemaError(f"{name!r} holds {column.dtype}, not memberships between 0 and 1.")
        values = column.astype(float)
        for wrong, what in ((values.isna(), "missing"), (~values.between(0, 1), "outside 0 to 1")):
            if wrong.any():
                raise SchemaError(
                    f"{name!r} is {what} for {int(wrong.sum())} cases: "
                    f"{preview(data.index[wrong])}. Calibrate it, or drop the cases."
                )
    if data.index.has_duplicates:
        raise SchemaError(f"Cases occur twice: {preview(data.index[data.index.duplicated()])}.")
    return data[list(columns)].to_numpy(dtype=np.float64)

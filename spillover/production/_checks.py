"""Whether one group's data can carry a production function at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from spillover.errors import rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.production.data import Inputs

FLAT = 1e-10
"""A column varies too little below this share of its size."""


def group_problem(
    inputs: Inputs, least: int, least_firms: int, optional: set[str], least_second: int = 0
) -> str:
    """Say why a group cannot be estimated, or "".

    Parameters
    ----------
    inputs : Inputs
    least, least_firms : int
        Rows and firms it must have.
    optional : set of str
        Columns that may be missing.
    least_second : int
        Rows with a lag (and known drivers) it must have.

    Returns
    -------
    str
    """
    found = [
        *_too_few(inputs, least, least_firms),
        *_flat_columns(inputs),
        *_proxy_problems(inputs, least, optional),
        *(_law_problems(inputs, least_second) if least_second else []),
    ]
    if found:
        return found[0]
    spare = collinear(inputs.X)
    if spare is None:
        return ""
    return f"{inputs.names.inputs[spare]!r} is a linear combination of the other inputs"


def _too_few(inputs: Inputs, least: int, least_firms: int) -> list[str]:
    pairs = ((len(inputs), least, "rows"), (inputs.firms, least_firms, "firms"))
    return [
        f"{have:,} {what}, fewer than the {need:,} asked for"
        for have, need, what in pairs
        if have < need
    ]


def _flat_columns(inputs: Inputs) -> list[str]:
    columns = zip((inputs.names.output, *inputs.names.inputs), (inputs.y, *inputs.X.T), strict=True)
    return [f"{name!r} does not vary" for name, column in columns if is_flat(column)]


def _proxy_problems(inputs: Inputs, least: int, optional: set[str]) -> list[str]:
    name = inputs.names.proxy
    if inputs.proxy is None or name is None:
        return []
    known = inputs.proxy[np.isfinite(inputs.proxy)]
    if len(known) < least and name in optional:
        return [f"the proxy {name!r} is positive in only {len(known):,} rows"]
    return [f"the proxy {name!r} does not vary"] if is_flat(known) else []


def _law_problems(inputs: Inputs, least: int) -> list[str]:
    """Say why there can be no law of motion."""
    lags = int(inputs.has_lag.sum())
    if lags < least:
        return [
            f"{rows(lags)} with the firm's calendar year before, fewer than the {least} that a law "
            "of motion needs"
        ]
    known = np.isfinite(inputs.markov) & inputs.has_lag[:, None]
    for name, column in zip(inputs.names.markov, known.T, strict=True):
        if int(column.sum()) < least:
            return [f"the driver {name!r} is known in only {rows(int(column.sum()))} with a lag"]
    second = inputs.second
    if len(second) < least:
        return [f"the drivers are known together in only {rows(len(second))} with a lag"]
    drivers = inputs.markov[second]
    for name, column in zip(inputs.names.markov, drivers.T, strict=True):
        if is_flat(column):
            return [f"the driver {name!r} does not vary"]
    spare = collinear(drivers)
    if spare is None:
        return []
    return [f"the driver {inputs.names.markov[spare]!r} is a linear combination of the others"]


def is_flat(column: NDArray[np.float64]) -> bool:
    """Tell whether a column is constant up to rounding.

    Examples
    --------
    >>> is_flat(np.array([2.0, 2.0])), is_flat(np.array([2.0, 2.1]))
    (True, False)
    """
    if column.size == 0:
        return True
    return bool(np.ptp(column) <= FLAT * max(1.0, float(np.abs(column).max())))


def collinear(X: NDArray[np.float64]) -> int | None:
    """Return a column that the constant and the others make up, or None.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 2))
    >>> collinear(x) is None, collinear(np.column_stack([x, x[:, 0] - 2 * x[:, 1]])) is None
    (True, False)
    """
    if X.shape[1] < 2:
        return None
    centred = X - X.mean(axis=0)
    centred = centred / np.maximum(np.linalg.norm(centred, axis=0), 1e-300)
    R, order = linalg.qr(centred, mode="r", pivoting=True)
    weak = np.flatnonzero(np.abs(np.diagonal(R)) <= 1e-8)
    return int(order[weak[0]]) if weak.size else None

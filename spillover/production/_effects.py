"""Year effects: dummies for a regression, and columns net of their year means.

>>> import numpy as np
>>> year = np.array([2000, 2001, 2001])
>>> year_dummies(year).tolist()                    # the first year is the base
[[0.0], [1.0], [1.0]]
>>> net_of_years(np.array([5.0, 1.0, 3.0]), year, np.ones(3)).tolist()
[0.0, -1.0, 1.0]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def year_dummies(year: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return one column per year after the first, (n, years - 1).

    Parameters
    ----------
    year : (n,) array

    Returns
    -------
    array
    """
    out: NDArray[np.float64] = (year[:, None] == np.unique(year)[1:]).astype(float)
    return out


def net_of_years(
    x: NDArray[np.float64], year: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Take out weighted year means; rows with a missing value stay out of the means.

    Parameters
    ----------
    x : (n,) or (n, k) array
        A row with NaN in one column is left out for all of them.
    year, weights : (n,) arrays

    Returns
    -------
    array of x's shape
    """
    table = x if x.ndim == 2 else x[:, None]
    known = np.isfinite(table).all(axis=1)
    codes = np.unique(year, return_inverse=True)[1]
    counted = np.where(known, weights, 0.0)
    total = np.bincount(codes, counted)
    sums = np.column_stack(
        [np.bincount(codes, counted * np.where(known, column, 0.0)) for column in table.T]
    )
    means = sums / np.where(total > 0, total, 1.0)[:, None]
    out: NDArray[np.float64] = (table - means[codes]).reshape(x.shape)
    return out

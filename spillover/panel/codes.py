"""Levels of effects and clusters as whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Codes = NDArray[np.intp]


def encode(frame: pd.DataFrame, effect: Sequence[str]) -> Codes:
    """Code the levels of an effect or of an interaction; -1 where a part is missing.

    Examples
    --------
    >>> encode(pd.DataFrame({"region": ["N", "S", "N"], "year": [1, 1, 2]}), ("region", "year"))
    array([0, 2, 1])
    """
    codes, uniques = pd.factorize(frame[effect[0]])
    size = len(uniques)
    for name in effect[1:]:
        more, uniques = pd.factorize(frame[name])
        joint = codes.astype(np.int64) * len(uniques) + more
        joint[(codes < 0) | (more < 0)] = -1
        size *= len(uniques)
        codes = _renumber(joint, size)
    return np.asarray(codes, dtype=np.intp)


def compress(codes: Codes) -> Codes:
    """Renumber the levels that occur to 0, 1, ... without holes.

    Examples
    --------
    >>> compress(np.array([5, 2, 5]))
    array([1, 0, 1])
    """
    return _renumber(codes, int(codes.max(initial=-1)) + 1)


def _renumber(codes: NDArray[Any], size: int) -> Codes:
    """Renumber codes below ``size`` by a table where that is small, else by hashing."""
    if size > 8 * len(codes) + 1000:
        result = np.full(len(codes), -1, dtype=np.intp)
        known = codes >= 0
        result[known] = pd.factorize(codes[known])[0]
        return result
    seen = np.zeros(size + 1, dtype=bool)
    seen[codes] = True
    seen[size] = False  # where index -1, a missing code, points to
    number = np.cumsum(seen) - 1
    number[size] = -1
    return np.asarray(number[codes], dtype=np.intp)


def nested(codes: Codes, cluster: Codes) -> bool:
    """Whether every level lies within one cluster.

    Examples
    --------
    >>> nested(np.array([0, 0, 1]), np.array([3, 3, 3])), nested(np.array([0, 0]), np.array([0, 1]))
    (True, False)
    """
    home = np.empty(int(codes.max(initial=-1)) + 1, dtype=cluster.dtype)
    home[codes] = cluster
    return bool((home[codes] == cluster).all())


def share_between(column: NDArray[np.float64], codes: Codes) -> float:
    """Return the share of a column's variance that lies between groups; 0 if it is constant.

    Examples
    --------
    >>> share_between(np.array([1.0, 1.0, 4.0]), np.array([0, 0, 1]))
    1.0
    """
    total = column.var()
    if total == 0:
        return 0.0
    counts = np.bincount(codes)
    means = np.bincount(codes, column) / counts
    return float((counts * (means - column.mean()) ** 2).sum() / len(column) / total)


def without_singletons(effects: Sequence[Codes], keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Leave out rows that are alone in a level of an absorbed effect, until none is left."""
    keep = keep.copy()
    while True:
        alone = np.zeros(len(keep), dtype=bool)
        for codes in effects:
            counts = np.bincount(codes[keep], minlength=int(codes.max(initial=0)) + 1)
            alone |= keep & (counts[codes] == 1)
        if not alone.any():
            return keep
        keep &= ~alone

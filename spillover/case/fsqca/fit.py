"""Parameters of fit: how far one fuzzy set is a subset of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spillover.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Memberships = Sequence[float] | NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Sufficiency:
    """How far X is a subset of Y.

    Attributes
    ----------
    consistency : float
        ``sum min(x, y) / sum x`` (Ragin 2006, eq. 1).
    pri : float
        Proportional reduction in inconsistency: what is left of it once membership in both Y and
        not-Y is taken out. Far below the consistency, X is about as much a subset of not-Y.
    coverage : float
        ``sum min(x, y) / sum y``.
    """

    consistency: float
    pri: float
    coverage: float


@dataclass(frozen=True)
class Necessity:
    """How far Y is a subset of X.

    Attributes
    ----------
    consistency : float
        ``sum min(x, y) / sum y``.
    coverage : float
        ``sum min(x, y) / sum x``.
    relevance : float
        ``sum (1 - x) / sum (1 - min(x, y))`` (Schneider & Wagemann 2012): near 0 where X is nearly
        everywhere present, so that its necessity is trivial.
    """

    consistency: float
    coverage: float
    relevance: float


def sufficiency(x: Memberships, y: Memberships) -> Sufficiency:
    """Measure how far X is sufficient for Y.

    Parameters
    ----------
    x, y : (cases,) arrays
        Memberships, 0 to 1.

    Returns
    -------
    Sufficiency
        A measure is NaN where its denominator is zero.

    Raises
    ------
    SchemaError
        If the lengths differ or memberships lie outside 0 to 1.

    References
    ----------
    Ragin, C. C. (2006). Set relations in social research: evaluating their consistency and
    coverage. Political Analysis 14(3), 291-310.

    Examples
    --------
    >>> sufficiency([0.25, 0.75, 0.5], [0.5, 1.0, 0.25])
    Sufficiency(consistency=0.8333333333333334, pri=0.75, coverage=0.7142857142857143)
    """
    a, b = _pair(x, y)
    both = np.minimum(a, b).sum()
    ambiguous = np.minimum(a, np.minimum(b, 1 - b)).sum()
    return Sufficiency(
        _ratio(both, a.sum()),
        _ratio(both - ambiguous, a.sum() - ambiguous),
        _ratio(both, b.sum()),
    )


def necessity(x: Memberships, y: Memberships) -> Necessity:
    """Measure how far X is necessary for Y.

    Parameters
    ----------
    x, y : (cases,) arrays
        Memberships, 0 to 1.

    Returns
    -------
    Necessity
        A measure is NaN where its denominator is zero.

    Raises
    ------
    SchemaError
        If the lengths differ or memberships lie outside 0 to 1.

    Examples
    --------
    >>> necessity([1, 0.75, 0.5], [0.5, 1, 0.5]).consistency
    0.875
    """
    a, b = _pair(x, y)
    both = np.minimum(a, b)
    return Necessity(
        _ratio(both.sum(), b.sum()),
        _ratio(both.sum(), a.sum()),
        _ratio((1 - a).sum(), (1 - both).sum()),
    )


def _pair(x: Memberships, y: Memberships) -> tuple[Array, Array]:
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or a.size == 0:
        raise SchemaError(f"x and y must be of one length: got shapes {a.shape} and {b.shape}.")
    for name, values in (("x", a), ("y", b)):
        if not ((values >= 0) & (values <= 1)).all():
            raise SchemaError(f"{name} must lie between 0 and 1, without missing values.")
    return a, b


def _ratio(top: float, bottom: float) -> float:
    return float(np.clip(top / bottom, 0, 1)) if bottom > 1e-12 else float("nan")

"""Weights of the wild bootstrap, and the set of values that a studentised bootstrap keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

Weights = Literal["auto", "rademacher", "webb", "mammen", "normal"]
WEIGHTS = ("auto", "rademacher", "webb", "mammen", "normal")
FEW = 12
"""Below this many clusters "auto" takes Webb's six points."""
TIE = 1e-9


def draw_weights(
    kind: str, clusters: int, draws: int, rng: np.random.Generator
) -> tuple[Matrix, str, bool]:
    """Draw one weight per draw and cluster.

    Parameters
    ----------
    kind : {"auto", "rademacher", "webb", "mammen", "normal"}
        Webb (2023): six points. Mammen (1993): two points with third moment 1.
    clusters, draws : int
    rng : numpy.random.Generator

    Returns
    -------
    (draws, clusters) array, kind, enumerated
        With Rademacher weights all 2^G combinations, once each, where these are no more than
        ``draws``.

    Examples
    --------
    >>> draw_weights("rademacher", 2, 9, np.random.default_rng(0))[0]
    array([[ 1.,  1.],
           [-1.,  1.],
           [ 1., -1.],
           [-1., -1.]])
    """
    if kind == "auto":
        kind = "webb" if clusters < FEW else "rademacher"
    if kind == "rademacher" and clusters < 63 and 2**clusters <= draws:
        bits = np.arange(2**clusters)[:, None] >> np.arange(clusters) & 1
        return np.where(bits == 0, 1.0, -1.0), kind, True
    shape = (draws, clusters)
    if kind == "normal":
        return rng.standard_normal(shape), kind, False
    if kind == "mammen":
        root = np.sqrt(5.0)
        low, high = (1 - root) / 2, (1 + root) / 2
        return np.where(rng.random(shape) < (root + 1) / (2 * root), low, high), kind, False
    points = np.array([-1.0, 1.0])
    if kind == "webb":
        half = np.sqrt([0.5, 1.0, 1.5])
        points = np.concatenate([-half, half])
    return points[rng.integers(0, len(points), shape, dtype=np.int8)], kind, False


class Statistics(NamedTuple):
    """What each draw's t statistic is made of, as functions of x.

    x is the null less the estimate, in estimated standard errors (before the small-sample factor).
    The draw's numerator is ``a + x b`` and its variance ``c + 2 x d + x^2 e``, in units such that
    the estimate's own statistic is x and its variance 1.
    """

    a: Matrix
    b: Matrix
    c: Matrix
    d: Matrix
    e: Matrix

    def exceed(self, x: float, *, at: float | None = None) -> NDArray[np.bool_]:
        """Say which draws' |t| is at least |x|, ties included.

        With ``at`` the bootstrap world is that of another null (0: no null imposed). A draw whose
        (multi-way) variance is not positive counts as exceeding.
        """
        y = x if at is None else at
        left = (self.a + y * self.b) ** 2
        right = x * x * (self.c + 2 * y * self.d + y * y * self.e)
        result: NDArray[np.bool_] = left >= right - TIE * np.abs(right) - TIE**2
        return result

    def t(self, x: float) -> Matrix:
        """Return each draw's t statistic in the world where the null is x."""
        variance = self.c + 2 * x * self.d + x * x * self.e
        with np.errstate(divide="ignore", invalid="ignore"):
            result: Matrix = (self.a + x * self.b) / np.sqrt(np.maximum(variance, 0.0))
        return result


class Steps(NamedTuple):
    """The p-value as a function of x: constant between places, where it changes."""

    places: Matrix
    heights: Matrix  # one more than places

    def set_above(self, level: float) -> tuple[tuple[float, float], ...]:
        """Return the intervals of x where the p-value is above ``level``."""
        inside = self.heights > level
        edges = np.diff(np.concatenate([[False], inside, [False]]).astype(np.int8))
        bounds = np.concatenate([[-np.inf], self.places, [np.inf]])
        starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        pairs = zip(bounds[starts], bounds[stops], strict=True)
        return tuple((float(low), float(high)) for low, high in pairs)


def steps_restricted(draws: Statistics) -> Steps:
    """Find every place where the p-value of the null-imposed bootstrap changes.

    A draw's |t| exceeds |x| where a quartic in x is positive, so its roots are all the places.
    """
    a, b, c, d, e = draws
    polynomial = np.column_stack([a * a, 2 * a * b, b * b - c, -2 * d, -e])
    size = np.abs(polynomial).max(axis=1)
    tie = size < TIE  # the draw in which every cluster has the same sign
    polynomial = polynomial[~tie] / size[~tie, None]
    roots = _real_roots(polynomial)
    bounds = np.sort(np.where(np.isnan(roots), np.inf, roots), axis=1)
    finite = np.where(np.isfinite(bounds), bounds, np.nan)
    low = np.column_stack([finite[:, :1] - 1, finite])
    high = np.column_stack([finite, np.full(len(finite), np.nan)])
    # beyond the last root, and with none at all
    middle = np.where(np.isnan(high), low + 1 + np.abs(low), (low + high) / 2)
    middle[:, 0] = np.where(np.isnan(middle[:, 0]), 0.0, middle[:, 0] - np.abs(middle[:, 0]))
    powers = [polynomial[:, [j]] * np.nan_to_num(middle) ** j for j in range(5)]
    above = sum(powers) > 0
    above[np.isnan(middle)] = False
    start = int(above[:, 0].sum()) + int(tie.sum())
    change = np.diff(above.astype(np.int8), axis=1)
    real = np.isfinite(bounds)
    places, jumps = bounds[real], change[real]
    order = np.argsort(places, kind="stable")
    heights = start + np.concatenate([[0], np.cumsum(jumps[order])])
    return Steps(places[order], heights / len(a))


def _real_roots(polynomial: Matrix) -> Matrix:
    """Return the real roots (draws, 4) of quartics with rising coefficients; nan for the others."""
    lead = polynomial[:, 4]
    lead = np.where(np.abs(lead) < 1e-14, np.where(lead < 0, -1e-14, 1e-14), lead)
    companion = np.zeros((len(polynomial), 4, 4))
    companion[:, [1, 2, 3], [0, 1, 2]] = 1.0
    companion[:, :, 3] = -polynomial[:, :4] / lead[:, None]
    roots = np.linalg.eigvals(companion)
    real = np.abs(roots.imag) <= 1e-6 * (1 + np.abs(roots.real))
    result: Matrix = np.where(real, roots.real, np.nan)
    return result


def steps_unrestricted(draws: Statistics) -> Steps:
    """Find the places where the p-value changes if no null is imposed: +-|t| of each draw."""
    sizes = np.sort(np.abs(draws.t(0.0)))
    sizes = np.where(np.isnan(sizes), np.inf, sizes)
    n = len(sizes)
    kept = sizes[np.isfinite(sizes)]
    rest = np.arange(n, n - len(kept), -1)
    heights = np.concatenate([[n - len(kept)], rest[::-1], rest[1:], [n - len(kept)]])
    return Steps(np.concatenate([-kept[::-1], kept]), heights / n)

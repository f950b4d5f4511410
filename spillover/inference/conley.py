"""Errors correlated over space: Conley's covariance by coordinates of regions.

Scores are summed by location first, so the cost grows with locations, not with observations::

    V = (X'WX)^-1 [sum_a sum_b K(d_ab) h_a h_b'] (X'WX)^-1

d is the great-circle distance, K a kernel that is zero beyond a cutoff. Within each year only, with
a Newey-West part for the same unit in other years, it is the covariance of Hsiang (2010).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from warnings import warn

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.spatial import cKDTree

from spillover.errors import IdentificationError, SchemaError, SpilloverWarning, check_choice
from spillover.inference._projection import sums_by
from spillover.inference._read import ClusterBy, cluster_codes, estimated_of, rows_of
from spillover.inference.hac import calendar_years, freedom, lagged_meat, put
from spillover.panel.covariance import Inference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.panel.result import Fit

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

Kernel = Literal["uniform", "bartlett"]
Column = np.ndarray[Any, Any] | pd.Series
EARTH = 6371.0088
"""Mean radius, km (IUGG)."""
FEW_LOCATIONS = 20


def spatial_kernel(
    latitude: Matrix, longitude: Matrix, cutoff: float, kernel: Kernel = "uniform"
) -> sparse.csr_array:
    """Return kernel weights between locations by great-circle distance.

    Parameters
    ----------
    latitude, longitude : (m,) arrays
        Degrees.
    cutoff : float
        Kilometres.
    kernel : {"uniform", "bartlett"}
        1 up to the cutoff; or 1 - distance / cutoff.

    Returns
    -------
    (m, m) sparse array

    Examples
    --------
    >>> K = spatial_kernel(np.array([0.0, 0.0]), np.array([0.0, 1.0]), 222.39, "bartlett")
    >>> K.toarray().round(3)
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    phi, theta = np.radians(latitude), np.radians(longitude)
    points = np.column_stack(
        [np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)]
    )
    angle = min(cutoff / EARTH, np.pi)
    reach = 2 * np.sin(angle / 2) * (1 + 1e-12) + 1e-12
    pairs = cKDTree(points).query_pairs(reach, output_type="ndarray")
    chord = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    distance = 2 * EARTH * np.arcsin(np.minimum(chord / 2, 1.0))
    inside = distance <= cutoff
    pairs, distance = pairs[inside], distance[inside]
    weights = np.ones(len(pairs)) if kernel == "uniform" else 1 - distance / cutoff
    m = len(points)
    half = sparse.coo_array((weights, (pairs[:, 0], pairs[:, 1])), shape=(m, m)).tocsr()
    result: sparse.csr_array = (half + half.T + sparse.eye_array(m)).tocsr()
    return result


def conley(
    bread: Matrix,
    scores: Matrix,
    latitude: Matrix,
    longitude: Matrix,
    cutoff: float,
    *,
    kernel: Kernel = "uniform",
    years: Codes | None = None,
    units: Codes | None = None,
    lags: int = 0,
) -> Matrix:
    """Return Conley's covariance; no small-sample factor.

    Parameters
    ----------
    bread : (k, k) array
        (X'WX)^-1.
    scores : (n, k) array
        w_i x_i e_i.
    latitude, longitude : (n,) arrays
        Degrees.
    cutoff : float
        Kilometres.
    kernel : {"uniform", "bartlett"}
    years : (n,) array of int, optional
        With them only observations of the same year are paired; without, all are.
    units : (n,) array of int, optional
        Whose errors are autocorrelated over ``lags`` years, locations by default.
    lags : int
        With ``years``.

    Returns
    -------
    (k, k) array

    Examples
    --------
    >>> scores = np.array([[1.0], [2.0], [-1.0]])  # the first two are 111 km apart
    >>> latitude, longitude = np.array([0.0, 1.0, 40.0]), np.zeros(3)
    >>> conley(np.eye(1), scores, latitude, longitude, 200.0)
    array([[10.]])
    """
    codes, places = locations(latitude, longitude)
    K = spatial_kernel(places[:, 0], places[:, 1], cutoff, kernel)
    if years is None:
        sums = sums_by(scores, codes, len(places))
        whole: Matrix = bread @ (sums.T @ (K @ sums)) @ bread
        return whole
    calendar, first = np.unique(years, return_inverse=True)
    meat = np.zeros((scores.shape[1], scores.shape[1]))
    for t in range(len(calendar)):
        mine = first == t
        sums = sums_by(scores[mine], codes[mine], len(places))
        meat += sums.T @ (K @ sums)
    if lags:
        who = codes if units is None else units
        cells, place = np.unique(np.column_stack([who, years]), axis=0, return_inverse=True)
        sums = sums_by(scores, place.ravel(), len(cells))
        meat += lagged_meat(sums, cells[:, 0], cells[:, 1], lags) - sums.T @ sums
    result: Matrix = bread @ meat @ bread
    return result


def locations(latitude: Matrix, longitude: Matrix) -> tuple[Codes, Matrix]:
    """Return the location of each observation as codes, and their coordinates (m, 2)."""
    latitudes, first = np.unique(latitude, return_inverse=True)
    longitudes, second = np.unique(longitude, return_inverse=True)
    joint, codes = np.unique(first * len(longitudes) + second, return_inverse=True)
    places = np.column_stack(
        [latitudes[joint // len(longitudes)], longitudes[joint % len(longitudes)]]
    )
    return codes.astype(np.intp), places


def with_conley(
    fit: Fit,
    latitude: Column,
    longitude: Column,
    *,
    cutoff: float,
    kernel: Kernel = "uniform",
    within_year: bool = False,
    lags: int = 0,
    unit: ClusterBy | None = None,
    small_sample: bool = True,
) -> Fit:
    """Return the fit with Conley's spatial standard errors in place of its own.

    Parameters
    ----------
    fit : Fit
        Linear, with or without instruments.
    latitude, longitude : array or Series
        Degrees, one per observation of the fit or per row of its data; those of a firm's region do.
    cutoff : float
        Kilometres beyond which errors are uncorrelated.
    kernel : {"uniform", "bartlett"}
        "uniform" is Conley's (1999) and the habit; "bartlett" lets weights fall with distance.
    within_year : bool
        Whether only observations of the same year are paired. False pairs those of all years, as
        fixest does, so that shocks may persist.
    lags : int
        With ``within_year``, years over which errors of the same unit are correlated (Hsiang 2010).
    unit : str or array, optional
        That unit; the location by default.
    small_sample : bool
        Multiply by (N-1)/(N-K).

    Returns
    -------
    Fit
        t with locations less one degrees of freedom.

    Raises
    ------
    SchemaError
        For coordinates that are missing or out of range, or an option that is not valid.
    IdentificationError
        If there is one location, or the cutoff reaches across all of them (with the uniform kernel
        the covariance is then zero).

    Warns
    -----
    SpilloverWarning
        If there are fewer than 20 locations, or a variance is not positive.

    References
    ----------
    Conley, T. G. (1999). GMM estimation with cross sectional dependence. Journal of Econometrics
    92(1), 1-45.
    Hsiang, S. M. (2010). Temperatures and cyclones strongly associated with economic production in
    the Caribbean and Central America. PNAS 107(35), 15367-15372.

    Examples
    --------
    >>> import spillover as sp
    >>> rng = np.random.default_rng(0)
    >>> region = rng.integers(0, 30, 600)
    >>> frame = pd.DataFrame({"x": rng.normal(size=600), "y": rng.normal(size=600)})
    >>> fit = sp.fit("y ~ x", frame, inference="hetero")
    >>> place = rng.uniform(40, 50, 30), rng.uniform(50, 80, 30)
    >>> spatial = sp.inference.with_conley(fit, place[0][region], place[1][region], cutoff=200)
    >>> spatial.inference.label
    'Conley, 200 km (uniform)'
    """
    check_choice("kernel", kernel, ("uniform", "bartlett"))
    estimated = estimated_of(fit)
    lat, lon = (
        _degrees(rows_of(estimated, column, name), name, most)
        for column, name, most in ((latitude, "latitude", 90), (longitude, "longitude", 360))
    )
    if isinstance(cutoff, bool) or not isinstance(cutoff, int | float) or not cutoff > 0:
        raise SchemaError(f"cutoff={cutoff!r} must be a distance in km above 0.")
    if isinstance(lags, bool) or not isinstance(lags, int | np.integer) or lags < 0:
        raise SchemaError(f"lags={lags!r} must be a whole number of years, 0 or more.")
    if lags and not within_year:
        raise SchemaError("lags= goes with within_year=True; else all years are paired already.")
    codes, places = locations(lat, lon)
    _check_reach(places, cutoff, kernel)
    squares = estimated.squares
    vcov = conley(
        squares.bread,
        squares.scores,
        lat,
        lon,
        float(cutoff),
        kernel=kernel,
        years=calendar_years(estimated, None) if within_year else None,
        units=None if unit is None else cluster_codes(estimated, unit)[1],
        lags=int(lags),
    )
    if small_sample:
        vcov = vcov * freedom(estimated, {"location": codes})
    _warn_if_odd(vcov, list(fit.params.index), len(places))
    label = f"Conley, {cutoff:g} km ({kernel})"
    if within_year:
        label += f" within years, {lags} lags" if lags else " within years"
    count = len(places)
    return put(fit, vcov, Inference("conley", ("location",), (count,), count - 1, "", label))


def _degrees(values: np.ndarray[Any, Any], name: str, most: int) -> Matrix:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise SchemaError(f"{name}= holds values that are no numbers; give degrees.") from None
    missing = int((~np.isfinite(numbers)).sum())
    if missing:
        raise SchemaError(f"{name}= is missing in {missing:,} rows of the fit.")
    outside = int((np.abs(numbers) > most).sum())
    if outside:
        raise SchemaError(
            f"{name}= is beyond {most} degrees in {outside:,} rows; are latitude and longitude "
            "swapped, or in other units?"
        )
    return numbers


def _check_reach(places: Matrix, cutoff: float, kernel: str) -> None:
    if len(places) < 2:
        raise IdentificationError("All observations are in one location; Conley errors need more.")
    if kernel == "uniform":
        reach = spatial_kernel(places[:, 0], places[:, 1], cutoff)
        if reach.nnz == len(places) ** 2:
            raise IdentificationError(
                f"cutoff={cutoff:g} km reaches from every location to every other, so the scores "
                "sum to zero and nothing is left to estimate. Lower it."
            )


def _warn_if_odd(vcov: Matrix, terms: list[str], count: int) -> None:
    negative = [t for t, v in zip(terms, np.diagonal(vcov), strict=True) if not v > 0]
    if negative:
        warn(
            f"The spatial variance of {', '.join(negative)} is not positive, which kernels on the "
            "plane do not rule out: no standard error. Change the cutoff, or use "
            "kernel='bartlett'.",
            SpilloverWarning,
            stacklevel=3,
        )
    if count < FEW_LOCATIONS:
        warn(
            f"Only {count} locations: spatial standard errors rest on many, and with fewer than "
            f"{FEW_LOCATIONS} they are too small.",
            SpilloverWarning,
            stacklevel=3,
        )

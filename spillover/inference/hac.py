"""Errors correlated over time: Driscoll-Kraay across all firms, Newey-West within each.

Scores w_i x_i e_i are summed by calendar year (Driscoll & Kraay 1998), or by unit and year (Newey &
West 1987); their autocovariances at lag l get Bartlett's weight 1 - l / (L + 1)::

    V = (X'WX)^-1 [G_0 + sum_l (1 - l/(L+1)) (G_l + G_l')] (X'WX)^-1,   G_l = sum_t h_t h_{t-l}'

Lags count calendar years: across a gap nothing is paired. Driscoll-Kraay allows any correlation
between firms of a year, but needs many years: its t has one degree of freedom per year.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from warnings import warn

import numpy as np
import pandas as pd

from spillover.errors import IdentificationError, SchemaError, SpilloverWarning, preview
from spillover.inference._projection import sums_by
from spillover.inference._read import ClusterBy, cluster_codes, estimated_of, rows_of
from spillover.panel.clusters import outside_clusters
from spillover.panel.covariance import Inference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from spillover.panel.estimated import Estimated
    from spillover.panel.result import Fit

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

FEW_YEARS = 20


def default_lags(years: int) -> int:
    """Return the whole part of the fourth root of the number of years, the rule of plm and fixest.

    Parameters
    ----------
    years : int

    Returns
    -------
    int

    Examples
    --------
    >>> default_lags(10), default_lags(16)
    (1, 2)
    """
    return int(np.floor(years**0.25 + 1e-9))


def lagged_meat(sums: Matrix, units: Codes, years: Codes, lags: int) -> Matrix:
    """Return Bartlett-weighted sums of autocovariances within units.

    Parameters
    ----------
    sums : (m, k) array
        One row per unit and year.
    units, years : (m,) arrays of int
    lags : int

    Returns
    -------
    (k, k) array
    """
    meat = sums.T @ sums
    span = int(years.max() - years.min()) + lags + 1
    key = units.astype(np.int64) * span + (years - years.min() + lags)
    order = np.argsort(key)
    ordered = key[order]
    for lag in range(1, lags + 1):
        place = np.searchsorted(ordered, key - lag)
        place[place == len(key)] = 0
        now = np.flatnonzero(ordered[place] == key - lag)
        gamma = sums[now].T @ sums[order[place[now]]]
        meat += (1 - lag / (lags + 1)) * (gamma + gamma.T)
    return meat


def newey_west(bread: Matrix, scores: Matrix, units: Codes, years: Codes, lags: int) -> Matrix:
    """Return the covariance with autocorrelation within units; no small-sample factor.

    Parameters
    ----------
    bread : (k, k) array
        (X'WX)^-1.
    scores : (n, k) array
        w_i x_i e_i.
    units : (n,) array of int
        Codes from 0. Scores of one unit and year are summed first.
    years : (n,) array of int
        Calendar years.
    lags : int

    Returns
    -------
    (k, k) array

    Examples
    --------
    >>> scores = np.array([[1.0], [2.0], [-1.0]])
    >>> newey_west(np.eye(1), scores, np.zeros(3, int), np.array([2001, 2002, 2003]), 1)
    array([[6.]])
    """
    first = int(years.min())
    span = int(years.max()) - first + 1
    cells, place = np.unique(units.astype(np.int64) * span + (years - first), return_inverse=True)
    sums = sums_by(scores, place, len(cells))
    result: Matrix = bread @ lagged_meat(sums, cells // span, cells % span, lags) @ bread
    return result


def driscoll_kraay(bread: Matrix, scores: Matrix, years: Codes, lags: int) -> Matrix:
    """Return the Driscoll-Kraay covariance; no small-sample factor.

    Parameters
    ----------
    bread, scores, years, lags
        As in :func:`newey_west`.

    Returns
    -------
    (k, k) array

    Examples
    --------
    >>> scores = np.array([[1.0], [2.0], [-1.0]])
    >>> driscoll_kraay(np.eye(1), scores, np.array([2001, 2001, 2002]), 0)
    array([[10.]])
    """
    return newey_west(bread, scores, np.zeros(len(years), dtype=np.intp), years, lags)


def with_driscoll_kraay(
    fit: Fit,
    *,
    lags: int | None = None,
    years: np.ndarray[Any, Any] | pd.Series | None = None,
    small_sample: bool = True,
) -> Fit:
    """Return the fit with Driscoll-Kraay standard errors in place of its own.

    Parameters
    ----------
    fit : Fit
        Linear, with or without instruments.
    lags : int, optional
        Whole part of the fourth root of the number of years by default.
    years : array, optional
        Calendar year of each observation (or row of the data); the column ``year`` by default.
    small_sample : bool
        Multiply by T/(T-1) (N-1)/(N-K), as with clusters of years. False is plm's default.

    Returns
    -------
    Fit
        t with T - 1 degrees of freedom.

    Raises
    ------
    SchemaError
        If the years are missing or no whole numbers, or the lags are not.
    IdentificationError
        If there are fewer than two years.

    Warns
    -----
    SpilloverWarning
        If there are fewer than 20 years: the covariance is then too small.

    References
    ----------
    Driscoll, J. C. & Kraay, A. C. (1998). Consistent covariance matrix estimation with spatially
    dependent panel data. Review of Economics and Statistics 80(4), 549-560.
    Hoechle, D. (2007). Robust standard errors for panel regressions with cross-sectional
    dependence. Stata Journal 7(3), 281-312.

    Examples
    --------
    >>> import warnings
    >>> import spillover as sp
    >>> world = sp.simulate.panel(backward=0.3, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> fit = sp.fit("tfp ~ backward | firm", panel, cluster="industry^year")
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     sp.inference.with_driscoll_kraay(fit, lags=1).inference.label
    'Driscoll-Kraay, 1 lag'
    """
    estimated = estimated_of(fit)
    calendar = calendar_years(estimated, years)
    count = len(np.unique(calendar))
    if count < 2:
        raise IdentificationError("Driscoll-Kraay errors need several years; there is one.")
    chosen = _lags(lags, count)
    squares = estimated.squares
    vcov = driscoll_kraay(squares.bread, squares.scores, calendar, chosen)
    if small_sample:
        codes = np.unique(calendar, return_inverse=True)[1].astype(np.intp)
        vcov = vcov * count / (count - 1) * freedom(estimated, {"year": codes})
    if count < FEW_YEARS:
        warn(
            f"Only {count} years: Driscoll-Kraay standard errors rest on many years, and with "
            f"fewer than {FEW_YEARS} they are too small.",
            SpilloverWarning,
            stacklevel=2,
        )
    inference = Inference(
        "driscoll_kraay", ("year",), (count,), count - 1, "", f"Driscoll-Kraay, {_in_words(chosen)}"
    )
    return put(fit, vcov, inference)


def with_newey_west(
    fit: Fit,
    *,
    lags: int | None = None,
    unit: ClusterBy = "firm",
    years: np.ndarray[Any, Any] | pd.Series | None = None,
    small_sample: bool = True,
) -> Fit:
    """Return the fit with errors autocorrelated within units up to some lag.

    Parameters
    ----------
    fit, lags
        As in :func:`with_driscoll_kraay`.
    unit : str or array
        Whose errors are autocorrelated; those of one unit and year may be correlated at will.
    years
        As in :func:`with_driscoll_kraay`.
    small_sample : bool
        Multiply by (N-1)/(N-K).

    Returns
    -------
    Fit
        t with units less one degrees of freedom.

    Raises
    ------
    SchemaError, IdentificationError
        As :func:`with_driscoll_kraay`, and for a unit that is not known.

    References
    ----------
    Newey, W. K. & West, K. D. (1987). A simple, positive semi-definite, heteroskedasticity and
    autocorrelation consistent covariance matrix. Econometrica 55(3), 703-708.

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(backward=0.3, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> fit = sp.fit("tfp ~ backward | firm + year", panel, cluster="industry^year")
    >>> sp.inference.with_newey_west(fit, lags=2).inference.label
    'Newey-West within firm, 2 lags'
    """
    estimated = estimated_of(fit)
    calendar = calendar_years(estimated, years)
    name, codes = cluster_codes(estimated, unit)
    chosen = _lags(lags, len(np.unique(calendar)))
    squares = estimated.squares
    vcov = newey_west(squares.bread, squares.scores, codes, calendar, chosen)
    if small_sample:
        vcov = vcov * freedom(estimated, {name: codes})
    count = int(codes.max()) + 1
    label = f"Newey-West within {name}, {_in_words(chosen)}"
    inference = Inference("newey_west", (name,), (count,), count - 1, "", label)
    return put(fit, vcov, inference)


def put(fit: Fit, vcov: Matrix, inference: Inference) -> Fit:
    """Return the fit with another covariance and t distribution."""
    terms = fit.params.index
    return replace(
        fit,
        vcov=pd.DataFrame(vcov, terms, terms),
        inference=inference,
        dfs=None,
        p_values=None,
        intervals=None,
    )


def freedom(estimated: Estimated, levels: Mapping[str, Codes]) -> float:
    """Return (N-1)/(N-K), where effects nested in a level count as one constant."""
    n, k = estimated.X.shape
    used = k + outside_clusters(estimated.absorber, estimated.design.effects, levels)
    return float((n - 1) / (n - used))


def calendar_years(estimated: Estimated, years: np.ndarray[Any, Any] | pd.Series | None) -> Codes:
    """Return the calendar year of each observation.

    Raises
    ------
    SchemaError
        If there are none, or some are missing or no whole numbers.
    """
    if years is None:
        key = estimated.frame_keys.year
        if key is None:
            raise SchemaError("The data have no column 'year'; pass years=, one per observation.")
        missing = int((key.codes < 0).sum())
        values = key.uniques.to_numpy()[key.codes]
        if missing:
            raise SchemaError(f"'year' is missing in {missing:,} of the rows of the fit.")
    else:
        values = rows_of(estimated, years, "years")
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise SchemaError(
            f"The years are no numbers (first values: {preview(values[:3].tolist(), 3)}); convert "
            "them, with astype(int) for example."
        ) from None
    odd = ~(np.isfinite(numbers) & (numbers == np.floor(numbers)))
    if odd.any():
        raise SchemaError(
            f"{int(odd.sum()):,} years are missing or no whole numbers (first: "
            f"{preview(numbers[odd][:3].tolist(), 3)})."
        )
    return numbers.astype(np.intp)


def _lags(lags: int | None, years: int) -> int:
    if lags is None:
        return default_lags(years)
    if isinstance(lags, bool) or not isinstance(lags, int | np.integer) or lags < 0:
        raise SchemaError(f"lags={lags!r} must be a whole number of years, 0 or more.")
    return int(lags)


def _in_words(lags: int) -> str:
    return "1 lag" if lags == 1 else f"{lags} lags"

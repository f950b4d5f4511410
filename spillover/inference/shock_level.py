"""The regression at the level of shocks, and the test that shocks are balanced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from spillover.errors import IdentificationError, SchemaError
from spillover.inference._arrays import (
    Rows,
    cluster_codes,
    control_columns,
    observed_shocks,
    partial_out,
    vector,
)
from spillover.inference.confidence_sets import effective_number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class ShockRegression:
    """The equivalent regression at the level of shocks; see :func:`shock_regression`.

    Attributes
    ----------
    estimate, std_error : float
    table : pandas.DataFrame
        One row per shock: outcome, regressor, shock (each what controls leave of it), weight.
    effective_shocks : float
        1 / sum of squared weights, summed within clusters; the weights add up to 1.
    """

    estimate: float
    std_error: float
    table: pd.DataFrame
    effective_shocks: float


def shock_regression(
    y: ArrayLike,
    X: ArrayLike,
    shares: ArrayLike,
    shocks: ArrayLike,
    *,
    controls: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    shock_controls: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
) -> ShockRegression:
    """Turn a shift-share regression into a weighted IV regression of shocks.

    The outcome and the regressor of shock s are averages of what the controls leave of y and of X,
    with the exposure to s as weights; the first is regressed on the second, instrumented by the
    shock, with the total exposure to s as weight. If the unit-level controls contain the shares'
    totals times the shock-level controls (for a column of ones: the sum of shares), the coefficient
    is that of the unit-level regression to the last digit (Borusyak, Hull & Jaravel 2022,
    proposition 1 and section 3.2).

    Parameters
    ----------
    y, X : (n,) arrays
        Outcome and regressor: the shift-share variable itself, or the endogenous regressor.
    shares : (n, shocks) array
    shocks : (shocks,) array
    controls, weights, shock_controls, clusters
        As in :func:`akm`.

    Returns
    -------
    ShockRegression
        Standard errors are robust, or clustered, without small-sample factor.

    Raises
    ------
    SchemaError
        For arrays that do not fit together.
    IdentificationError
        If the shocks say nothing about the regressor.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> shares = rng.dirichlet(np.ones(12), size=200)
    >>> shocks = rng.standard_normal(12)
    >>> y = rng.standard_normal(200)
    >>> from spillover.inference import akm
    >>> units = akm(y, shares @ shocks, shares).estimate
    >>> bool(abs(shock_regression(y, shares @ shocks, shares, shocks).estimate - units) < 1e-12)
    True
    """
    rows = Rows.of(y, X, shares, controls=controls, endogenous=None, weights=weights)
    left = rows.residualise(np.column_stack([rows.y, rows.X]))
    total = rows.weights @ rows.shares
    reached = total > 0
    h = observed_shocks(shocks, shock_controls, total)
    sums = rows.shares.T @ (rows.weights[:, None] * left)
    strength = float(h @ sums[:, 1])
    if abs(strength) <= 1e-12 * np.sqrt((h @ (total * h)) * (rows.weights @ left[:, 1] ** 2)):
        raise IdentificationError("The shocks are not related to the regressor.")
    estimate = float(h @ sums[:, 0]) / strength
    codes = cluster_codes(clusters, len(h))
    scores = np.bincount(codes, h * (sums[:, 0] - estimate * sums[:, 1]))
    weight = total / total.sum()
    means = np.full_like(sums, np.nan)
    np.divide(sums, total[:, None], out=means, where=reached[:, None])
    table = pd.DataFrame(
        {"outcome": means[:, 0], "regressor": means[:, 1], "shock": h, "weight": weight}
    )
    grouped = np.bincount(codes, weight).astype(np.float64)
    return ShockRegression(
        estimate,
        float(np.sqrt(scores @ scores) / abs(strength)),
        table,
        effective_number(grouped),
    )


def shock_balance(
    shocks: ArrayLike,
    characteristics: pd.DataFrame,
    *,
    weights: ArrayLike,
    clusters: ArrayLike | None = None,
    shock_controls: ArrayLike | None = None,
) -> pd.DataFrame:
    """Regress what was known before on the shocks: if they are as good as random, nothing is found.

    Parameters
    ----------
    shocks : (shocks,) array
    characteristics : pandas.DataFrame, (shocks, m)
        One column per characteristic, such as earlier growth, capital intensity or wages.
    weights : (shocks,) array
        Total exposure to each shock (``ShockRegression.table["weight"]``).
    clusters : (shocks,) array, optional
    shock_controls : (shocks, q) array, optional
        A column of ones by default.

    Returns
    -------
    pandas.DataFrame
        By characteristic: estimate (its difference for a shock one standard deviation larger),
        std_error, statistic, p_value (t with clusters less one degrees of freedom), shocks (used).

    Raises
    ------
    SchemaError
        For arrays that do not fit together, or no shock with a characteristic.

    References
    ----------
    Borusyak, Hull & Jaravel (2022), section 4.3.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> size = pd.DataFrame({"size": rng.standard_normal(50)})
    >>> table = shock_balance(rng.standard_normal(50), size, weights=np.ones(50))
    >>> bool(table.loc["size", "p_value"] > 0.05)
    True
    """
    g, weight = vector(shocks, "shocks"), vector(weights, "weights")
    if not len(g) == len(weight) == len(characteristics):
        raise SchemaError(
            f"{len(g)} shocks, {len(weight)} weights and {len(characteristics)} rows of "
            "characteristics: give one of each per shock."
        )
    codes = cluster_codes(clusters, len(g))
    Q = control_columns(shock_controls, len(g), "shock_controls")
    found = {}
    for name in characteristics.columns:
        value = characteristics[name].to_numpy(dtype=np.float64, na_value=np.nan)
        used = np.isfinite(value) & np.isfinite(g) & (weight > 0)
        if used.sum() < 3:
            raise SchemaError(f"{name!r} is known for {int(used.sum())} shocks; 3 are needed.")
        found[str(name)] = _balance_row(value[used], g[used], Q[used], weight[used], codes[used])
    columns = ["estimate", "std_error", "statistic", "p_value", "shocks"]
    return pd.DataFrame.from_dict(found, orient="index", columns=columns)


def _balance_row(
    value: Matrix, g: Matrix, Q: Matrix, weight: Matrix, codes: Codes
) -> tuple[float, float, float, float, int]:
    h, v = partial_out(np.column_stack([g, value]), Q, weight).T
    scale = np.sqrt(weight @ h**2 / weight.sum())
    if scale <= 1e-12 * np.abs(g).max():
        raise IdentificationError("The shock-level controls leave nothing of the shocks.")
    h = h / scale
    strength = float(weight @ h**2)
    estimate = float(weight @ (h * v)) / strength
    groups = np.unique(codes, return_inverse=True)[1]
    scores = np.bincount(groups, weight * h * (v - estimate * h))
    count = len(scores)
    error = float(np.sqrt(scores @ scores * count / (count - 1)) / strength)
    statistic = estimate / error if error > 0 else np.nan
    return estimate, error, statistic, float(2 * stats.t.sf(abs(statistic), count - 1)), len(value)

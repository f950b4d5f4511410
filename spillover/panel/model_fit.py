"""The result of an estimator besides least squares and instruments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spillover.errors import SchemaError
from spillover.panel.binary import BinaryDetails
from spillover.panel.quantile import QuantileDetails
from spillover.panel.result import Fit

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, eq=False, repr=False)
class ModelFit(Fit):
    """A fitted quantile, probit, logit, Poisson, or dynamic-panel regression.

    Everything of :class:`Fit`, and what only its estimator has. ``r2`` is a pseudo R-squared.

    Attributes
    ----------
    details : object
        :class:`~spillover.panel.quantile.QuantileDetails`,
        :class:`~spillover.panel.binary.BinaryDetails` (with the marginal effects),
        :class:`~spillover.panel.ppml.PpmlDetails` or
        :class:`~spillover.panel.dynamic_settings.GmmDetails` (with the tests).
    """

    details: Any = None

    def _notes(self) -> list[str]:
        lines = super()._notes()
        at = next(j for j, line in enumerate(lines) if line.startswith("R2 "))
        pseudo = "" if np.isnan(self.r2) else f"; pseudo R2 {self.r2:.4f}"
        lines[at] = f"Estimator: {self.estimator.replace('_', ' ')}{pseudo}"
        return lines


def margins(fit: Fit) -> ModelFit:
    """Return the average marginal effects of a probit or logit as a result of their own.

    Tables and figures take it like any other.

    Parameters
    ----------
    fit : Fit
        Of ``estimator="probit"`` or ``"logit"``.

    Returns
    -------
    ModelFit
        In points of probability: for a unit of the variable; from 0 to 1 for a dummy; from the base
        for a category. Standard errors by the delta method.

    Raises
    ------
    SchemaError
        For another estimator.

    Examples
    --------
    >>> import spillover as sp
    >>> rng = np.random.default_rng(0)
    >>> data = pd.DataFrame({"firm": range(500), "x": rng.normal(size=500)})
    >>> data["exports"] = (data["x"] + rng.normal(size=500) > 0) * 1
    >>> probit = sp.fit("exports ~ x", data, estimator="probit")
    >>> round(float(sp.panel.margins(probit).params["x"]), 1)
    0.3
    """
    if not (isinstance(fit, ModelFit) and isinstance(fit.details, BinaryDetails)):
        raise SchemaError(
            f"margins() takes a fit with estimator='probit' or 'logit'; this is {fit.estimator!r}, "
            "whose coefficients are marginal effects (or elasticities) already."
        )
    made = fit.details.margins
    return replace(
        fit,
        params=made.estimates,
        vcov=made.vcov,
        definitions={t: text for t, text in fit.definitions.items() if t in made.estimates.index},
        remarks=("Average marginal effects", *fit.remarks),
    )


def by_quantile(fit: Fit) -> dict[float, ModelFit]:
    """Split a fit of several quantiles into one result per quantile.

    Parameters
    ----------
    fit : Fit
        Of ``estimator="quantile"``.

    Returns
    -------
    dict of float to ModelFit
        Quantile -> its result, with the terms' plain names, for tables and figures.

    Raises
    ------
    SchemaError
        For another estimator.

    Examples
    --------
    >>> import spillover as sp
    >>> rng = np.random.default_rng(0)
    >>> data = pd.DataFrame({"firm": range(200), "x": rng.normal(size=200)})
    >>> data["y"] = data["x"] + rng.normal(size=200)
    >>> several = sp.panel.Quantile((0.25, 0.75))
    >>> fit = sp.fit("y ~ x", data, estimator="quantile", settings=several)
    >>> list(by_quantile(fit)), list(by_quantile(fit)[0.75].params.index)
    ([0.25, 0.75], ['Intercept', 'x'])
    """
    fit, details = _of_quantiles(fit)
    taus = [float(tau) for tau in details.params.columns]
    k = len(details.params)
    result: dict[float, ModelFit] = {}
    for q, tau in enumerate(taus):
        at = slice(q * k, (q + 1) * k)
        terms = list(details.params.index)
        named = fit.vcov.iloc[at, at].set_axis(terms).set_axis(terms, axis=1)
        result[tau] = replace(
            fit,
            params=pd.Series(fit.params.iloc[at].to_numpy(), terms, name="estimate"),
            vcov=named,
            r2=details.pseudo_r2[tau],
            definitions={t.removesuffix(f" [{tau:g}]"): d for t, d in fit.definitions.items()},
            sample=f"{fit.sample}, quantile {tau:g}",
            details=replace(
                details,
                params=details.params[[tau]],
                draws=None if details.draws is None else details.draws[:, at],
            ),
        )
    return result


def equal_slopes(fit: Fit, terms: Sequence[str] | None = None) -> pd.Series[float]:
    """Test that slopes are the same at every quantile.

    Parameters
    ----------
    fit : Fit
        Of ``estimator="quantile"`` with several quantiles.
    terms : sequence of str, optional
        Plain names; all but the intercept by default.

    Returns
    -------
    pandas.Series
        statistic (F), df_num, df_denom, p_value.

    Raises
    ------
    SchemaError
        For another estimator, one quantile, or an unknown term.

    References
    ----------
    Koenker, R. & Bassett, G. (1982). Robust tests for heteroscedasticity based on regression
    quantiles. Econometrica 50(1), 43-61.

    Examples
    --------
    >>> import spillover as sp
    >>> rng = np.random.default_rng(0)
    >>> data = pd.DataFrame({"firm": range(500), "x": rng.uniform(1, 3, 500)})
    >>> data["y"] = data["x"] * (1 + rng.normal(size=500))  # steeper where y is high
    >>> several = sp.panel.Quantile((0.25, 0.75))
    >>> fit = sp.fit("y ~ x", data, estimator="quantile", settings=several)
    >>> bool(equal_slopes(fit, ["x"])["p_value"] < 0.01)
    True
    """
    fit, details = _of_quantiles(fit)
    known = [t for t in details.params.index if t != "Intercept"]
    chosen = known if terms is None else list(terms)
    unknown = [t for t in chosen if t not in details.params.index]
    quantiles, k = details.params.shape[1], len(details.params)
    if unknown or quantiles < 2:
        raise SchemaError(
            f"{unknown[0]!r} is no term of this regression; it has {known}."
            if unknown
            else "equal_slopes() compares quantiles; fit several: Quantile((0.25, 0.5, 0.75)), say."
        )
    rows = []
    for term in chosen:
        j = list(details.params.index).index(term)
        for q in range(1, quantiles):
            row = np.zeros(quantiles * k)
            row[j], row[q * k + j] = -1.0, 1.0
            rows.append(row)
    R = np.array(rows)
    gaps = pd.Series(R @ fit.params.to_numpy(), [f"gap {i}" for i in range(len(R))])
    covariance = pd.DataFrame(R @ fit.vcov.to_numpy() @ R.T, gaps.index, gaps.index)
    return replace(fit, params=gaps, vcov=covariance, dfs=None, p_values=None).wald()


def _of_quantiles(fit: Fit) -> tuple[ModelFit, QuantileDetails]:
    if not (isinstance(fit, ModelFit) and isinstance(fit.details, QuantileDetails)):
        raise SchemaError(f"This takes a fit with estimator='quantile'; it is {fit.estimator!r}.")
    return fit, fit.details

"""The effect of a linkage over a moderator: slopes, intervals, and for whom it is above zero."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from spillover._fits import check_level
from spillover.errors import SchemaError
from spillover.inference._slopes import Slopes, levels, slopes_of
from spillover.inference.diagnostics import html
from spillover.panel.result import Fit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover._frames import NativeFrame
    from spillover.firms import FirmPanel

    Array = NDArray[np.float64]

POINTS = 101
FEW = 10
"""Distinct values up to which a moderator is shown value by value."""
SHARES = ("positive", "positive_significant", "negative", "negative_significant")


@dataclass(frozen=True, eq=False, repr=False)
class MarginalEffects:
    """The effect of one variable over another; see :func:`marginal_effects`.

    Attributes
    ----------
    term, over, outcome : str
        The effect of ``term`` on ``outcome`` over ``over``.
    table : pandas.DataFrame
        value, estimate, std_error, statistic, p_value, conf_low, conf_high.
    shares : pandas.DataFrame
        Shares of observations (and of firms, where they are known) whose effect is positive,
        significantly so, negative, significantly so.
    observed : (nobs,) array
        The moderator on the rows of the regression.
    at : mapping of str to object
        Where further variables that the effect depends on are held.
    crossings : tuple of float
        Values of the moderator at which the estimate changes its sign.
    level : float
        Of the intervals.
    terms : tuple of str
        The coefficients that it is made of.
    inference : str
    notes : tuple of str
    synthetic : bool
    """

    term: str
    over: str
    outcome: str
    table: pd.DataFrame
    shares: pd.DataFrame
    observed: NDArray[Any]
    at: Mapping[str, Any]
    crossings: tuple[float, ...]
    level: float
    terms: tuple[str, ...]
    inference: str
    notes: tuple[str, ...] = ()
    synthetic: bool = False

    @property
    def continuous(self) -> bool:
        """Whether the moderator is drawn as a line rather than value by value.

        Returns
        -------
        bool
        """
        return len(self.table) > FEW and self.table["value"].dtype.kind == "f"

    def tidy(self) -> pd.DataFrame:
        """Return one row per value of the moderator.

        Returns
        -------
        pandas.DataFrame
            term, over, and the columns of ``table``.
        """
        table = self.table.copy()
        table.insert(0, "over", self.over)
        table.insert(0, "term", self.term)
        return table

    def lines(self) -> list[str]:
        """Return what tables and figures say below the numbers.

        Returns
        -------
        list of str
        """
        lines = [f"{100 * self.level:g}% intervals, delta method; {self.inference}."]
        for unit, row in self.shares.iterrows():
            lines.append(
                f"Of {unit}, {row['positive']:.0%} have a positive effect "
                f"({row['positive_significant']:.0%} distinguishable from zero), "
                f"{row['negative']:.0%} a negative one ({row['negative_significant']:.0%})."
            )
        if self.crossings:
            places = ", ".join(f"{value:.4g}" for value in self.crossings)
            lines.append(f"The estimate changes its sign at {self.over} = {places}.")
        return [*lines, *self.notes]

    def __repr__(self) -> str:
        shown = self._shown().to_string(index=False, float_format=lambda value: f"{value:.4g}")
        return "\n".join([self._title(), shown, *self._all_lines()])

    def _repr_html_(self) -> str:
        return html(self._title(), self._shown(), self._all_lines())

    def _title(self) -> str:
        return f"Effect of {self.term} on {self.outcome} over {self.over}"

    def _shown(self) -> pd.DataFrame:
        """Return at most eleven rows."""
        if len(self.table) <= FEW + 1:
            return self.table
        return self.table.iloc[np.linspace(0, len(self.table) - 1, FEW + 1).round().astype(int)]

    def _all_lines(self) -> list[str]:
        return [*self.lines(), "Synthetic data"] if self.synthetic else self.lines()


def marginal_effects(
    fit: Fit,
    term: str,
    over: str,
    *,
    data: FirmPanel | NativeFrame | None = None,
    values: Sequence[Any] | None = None,
    at: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> MarginalEffects:
    """Compute the effect of a variable over a moderator, with intervals.

    Parameters
    ----------
    fit : Fit
        With the two interacted: ``tfp ~ horizontal + horizontal:gap + gap | firm + year``. Powers
        (``horizontal:I(gap**2)``, or a column that is the square), products of three and categories
        are read from the formula.
    term : str
        The column whose effect is asked for, such as ``"horizontal"``.
    over : str
        The moderator's column. It may be ``term`` itself where the formula has its square.
    data : FirmPanel or data frame, optional
        What the regression was fitted on. Not needed where the formula has each column by itself,
        too.
    values : sequence, optional
        Values of the moderator. By default all if it has at most 10, else 101 between the 1st and
        the 99th percentile of the regression's rows.
    at : mapping of str to value, optional
        Where to hold further columns that the effect depends on; by default at the mean of the
        regression's rows (the commonest category).
    level : float
        Of the intervals.

    Returns
    -------
    MarginalEffects
        Draw it with :func:`spillover.plot.marginal_effects`.

    Raises
    ------
    SchemaError
        If the formula has no product of the two, columns are not at hand, or an argument is wrong.

    Notes
    -----
    The effect is the derivative of the regression in ``term``, linear in the coefficients: g'b. Its
    variance is g'Vg with the fit's covariance, whatever that is; intervals use the fit's t
    distribution (the smallest degrees of freedom, where terms differ). With wild-bootstrap,
    randomisation or exposure-robust inference, single coefficients have intervals of their own
    kind; these are Wald intervals from the same covariance. Intervals hold value by value, not for
    the whole line. With probit and logit the effect is on the index.

    Shares count each observation at its own value of the moderator; a firm's effect is the mean
    over its years.

    References
    ----------
    Brambor, T., Clark, W. & Golder, M. (2006). Understanding interaction models. Political Analysis
    14(1), 63-82. Hainmueller, J., Mummolo, J. & Xu, Y. (2019). How much should we trust estimates
    from multiplicative interaction models? Political Analysis 27(2), 163-192, on why the
    moderator's distribution belongs in the figure.

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(industries=8, firms_per_industry=15, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> panel["age"] = panel["year"] - panel.groupby("firm")["year"].transform("min")
    >>> fit = sp.fit("tfp ~ backward + backward:age + age | firm + industry", panel,
    ...     cluster="industry^year")
    >>> effects = sp.inference.marginal_effects(fit, "backward", "age", values=[0, 2])
    >>> b = fit.params
    >>> np.allclose(effects.table["estimate"], b["backward"] + b["backward:age"] * np.array([0, 2]))
    True
    """
    if not isinstance(fit, Fit):
        raise SchemaError(f"fit is a {type(fit).__name__}; give what sp.fit() returns.")
    check_level(level)
    slopes = slopes_of(fit, term, over, data, at)
    observed = slopes.rows[over]
    grid = _grid(observed, over, values)
    weights = slopes.weights(over, grid)
    df = _degrees(fit, weights)
    table = _table(fit, weights, df, level)
    numeric = observed.dtype.kind in "biuf"
    table.insert(0, "value", np.asarray(grid, dtype=np.float64) if numeric else list(grid))
    shares = _shares(fit, slopes, observed, df, level)
    held = {
        name: value
        for name, value in slopes.at.items()
        if name != over and name not in slopes.tied and name in _matters(slopes, over, grid)
    }
    return MarginalEffects(
        term=term,
        over=over,
        outcome=fit.outcome,
        table=table,
        shares=shares,
        observed=observed.to_numpy(dtype=np.float64) if numeric else observed.to_numpy(),
        at=MappingProxyType(held),
        crossings=_crossings(table) if numeric and len(grid) > FEW else (),
        level=level,
        terms=tuple(fit.params.index[np.abs(weights).max(axis=0) > 0]),
        inference=fit.inference.label,
        notes=tuple(_notes(fit, held, table, numeric=numeric, chosen=values is not None)),
        synthetic=fit.synthetic,
    )


def _grid(observed: pd.Series[Any], over: str, values: Sequence[Any] | None) -> Sequence[Any]:
    """Return the values of the moderator at which the effect is taken."""
    numeric = observed.dtype.kind in "biuf"
    if values is not None:
        if isinstance(values, str) or not len(values):
            raise SchemaError(f"values={values!r}: give a list of values of {over!r}.")
        if numeric and not np.isfinite(np.asarray(values, dtype=np.float64)).all():
            raise SchemaError(f"values= of {over!r} must be finite numbers.")
        return list(values)
    if not numeric:
        return levels(observed)
    distinct = np.unique(observed.to_numpy(dtype=np.float64))
    if len(distinct) <= FEW:
        return list(distinct)
    low, high = np.quantile(observed.to_numpy(dtype=np.float64), (0.01, 0.99))
    return list(np.linspace(low, high, POINTS))


def _degrees(fit: Fit, weights: Array) -> float:
    """Return the degrees of freedom: the fewest of the terms that matter."""
    if fit.dfs is None:
        return float(fit.inference.df)
    used = fit.params.index[np.abs(weights).max(axis=0) > 0]
    return float(fit.dfs.reindex(used).fillna(fit.inference.df).min())


def _table(fit: Fit, weights: Array, df: float, level: float) -> pd.DataFrame:
    """Return slopes with their errors by the delta method, a row per row of ``weights``."""
    estimate = weights @ fit.params.to_numpy()
    V = fit.vcov.to_numpy()
    error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", weights, V, weights), 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = estimate / error
    half = stats.t.ppf((1 + level) / 2, df) * error
    return pd.DataFrame(
        {
            "estimate": estimate,
            "std_error": error,
            "statistic": statistic,
            "p_value": 2 * stats.t.sf(np.abs(statistic), df),
            "conf_low": estimate - half,
            "conf_high": estimate + half,
        }
    )


def _shares(
    fit: Fit, slopes: Slopes, observed: pd.Series[Any], df: float, level: float
) -> pd.DataFrame:
    """Return for which part of observations and firms the effect is above or below zero."""
    codes, uniques = pd.factorize(observed, sort=False)
    by_value = slopes.weights(str(observed.name), list(uniques))
    counts = np.bincount(codes, minlength=len(uniques)).astype(float)
    rows = {"observations": _part(_table(fit, by_value, df, level), counts)}
    keys = fit.estimated.frame_keys.firm if fit.estimated is not None else None
    if keys is not None and (keys.codes >= 0).all():
        firms = len(keys.uniques)
        years = np.bincount(keys.codes, minlength=firms)
        weights = np.zeros((firms, by_value.shape[1]))
        for place, column in enumerate(by_value.T):
            weights[:, place] = np.bincount(keys.codes, column[codes], minlength=firms) / years
        rows["firms"] = _part(_table(fit, weights, df, level), np.ones(firms))
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(SHARES))


def _part(table: pd.DataFrame, counts: Array) -> list[float]:
    above, below = table["estimate"] > 0, table["estimate"] < 0
    clear = (table["conf_low"] > 0) | (table["conf_high"] < 0)
    chosen = (above, above & clear, below, below & clear)
    return [float(counts[rows.to_numpy()].sum() / counts.sum()) for rows in chosen]


def _matters(slopes: Slopes, over: str, grid: Sequence[Any]) -> list[str]:
    """List the held columns on which the effect depends, by moving each one."""
    found = []
    start = slopes.weights(over, grid)
    for name, value in slopes.at.items():
        column = slopes.rows[name]
        if name == over or name in slopes.tied:
            continue
        if column.dtype.kind in "biuf":
            other: Any = float(value) + (float(column.std()) or 1.0)
        else:
            other = next((one for one in levels(column) if one != value), value)
        moved = replace(slopes, at={**slopes.at, name: other})
        gap = np.abs(moved.weights(over, grid) - start).max(initial=0.0)
        if gap > 1e-7 * max(1.0, float(np.abs(start).max(initial=0.0))):
            found.append(name)
    return found


def _crossings(table: pd.DataFrame) -> tuple[float, ...]:
    """Interpolate where the estimate changes its sign."""
    x, y = table["value"].to_numpy(dtype=np.float64), table["estimate"].to_numpy()
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    turns = np.flatnonzero(np.sign(y[:-1]) * np.sign(y[1:]) < 0)
    return tuple(float(x[i] - y[i] * (x[i + 1] - x[i]) / (y[i + 1] - y[i])) for i in turns)


def _notes(
    fit: Fit, held: Mapping[str, Any], table: pd.DataFrame, *, numeric: bool, chosen: bool
) -> list[str]:
    notes = []
    if held:
        places = ", ".join(
            f"{name} = {value:.4g}" if isinstance(value, float) else f"{name} = {value}"
            for name, value in held.items()
        )
        notes.append(f"Held at {places}.")
    if numeric and not chosen and len(table) > FEW:
        notes.append("From the 1st to the 99th percentile of the moderator.")
    if fit.intervals is not None:
        notes.append(
            f"Single coefficients have intervals of their own kind under {fit.inference.label}; "
            "these are Wald intervals from its covariance."
        )
    if fit.estimator in ("probit", "logit"):
        notes.append("Effect on the index, not on the probability.")
    return notes

r"""The smallest effect that a design would find, and what a finding then looks like.

An estimate with standard error s is found (its test at level :math:`\alpha` rejects zero) with
probability :math:`1 - F(c - \theta/s) + F(-c - \theta/s)` if the effect is :math:`\theta`; F is
the distribution of t with the test's degrees of freedom and c its critical value (Gelman & Carlin
2014).
That is at least the power asked for, for effects from

.. math:: \mathrm{MDE} = (t_{1-\alpha/2} + t_{\mathrm{power}})\, s

on (Bloom 1995; the other tail adds next to nothing). Where intervals do not come from a t
distribution (wild bootstrap, exposure), half the length of the interval takes the place of
:math:`t_{1-\alpha/2}\, s`.

**Observed power is not power.** At :math:`\theta = \hat\beta` the formula restates the p-value: an
estimate with p just below 0.05 has "power" 0.5 whatever the truth (Hoenig & Heisey 2001). Ask it of
effects that come from elsewhere: other studies, or the smallest one that would matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from warnings import warn

import numpy as np
import pandas as pd
from scipy import stats

from spillover.errors import SchemaError, SpilloverWarning
from spillover.inference._read import term_places
from spillover.inference.diagnostics import check_term, html

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from spillover.panel.result import Fit

    Matrix = NDArray[np.float64]

POINTS = 0.10
"""Ten percentage points of a measure that runs from 0 to 1."""


@dataclass(frozen=True, eq=False, repr=False)
class Power:
    """The smallest effects that a regression would have found; see :func:`power`.

    Attributes
    ----------
    formula, outcome : str
    table : pandas.DataFrame
        By term: estimate, std_error, df, critical (half the interval), mde (per unit of the
        regressor), mde_10_points (per 10 percentage points of presence; linkage regressors only),
        within_sd (standard deviation of what the absorbed effects leave of the regressor),
        mde_within_sd (per such standard deviation), mde_outcome_sd (that in within standard
        deviations of the outcome).
    power, alpha : float
    inference : str
    by_t : bool
        Whether intervals come from a t distribution.
    synthetic : bool
    """

    formula: str
    outcome: str
    table: pd.DataFrame
    power: float
    alpha: float
    inference: str
    by_t: bool
    synthetic: bool

    def tidy(self) -> pd.DataFrame:
        """Return one row per term.

        Returns
        -------
        pandas.DataFrame
            term, and the columns of ``table``.
        """
        return self.table.rename_axis("term").reset_index()

    def of_effect(self, term: str, effects: float | Sequence[float]) -> pd.DataFrame:
        """Return power and the errors of a significant estimate, if the effect is as given.

        Parameters
        ----------
        term : str
        effects : float or sequence of float
            Per unit of the regressor, from outside this regression.

        Returns
        -------
        pandas.DataFrame
            effect, power, type_s (probability that a significant estimate has the wrong sign),
            exaggeration (its expected size over the effect's).

        Raises
        ------
        SchemaError
            For an unknown term or effects that are not finite numbers.

        Warns
        -----
        SpilloverWarning
            If an effect is the estimate itself: its power only restates the p-value.
        """
        check_term(term, list(self.table.index))
        row = numbers_of(self.table, term)
        values = checked_effects(effects)
        if np.isclose(values, row["estimate"], rtol=1e-6, atol=0.0).any():
            warn(
                f"An effect equals the estimate of {term}: its 'observed power' restates the "
                "p-value. Ask for effects from other studies, or the smallest that would matter.",
                SpilloverWarning,
                stacklevel=2,
            )
        return design_errors(values, row["std_error"], row["df"], critical=row["critical"])

    def notes(self) -> list[str]:
        """Return what the result says below its table.

        Returns
        -------
        list of str
        """
        rule = "(t(1 - alpha/2) + t(power)) standard errors"
        if not self.by_t:
            rule = "half the interval + t(power) standard errors"
        lines = [
            f"mde: the smallest effect found with probability {self.power:g} by a two-sided test "
            f"at {100 * self.alpha:g} %, {rule}; per unit of the regressor",
            f"Inference: {self.inference}",
            "These are properties of the design. Power at the estimate itself restates the p-value "
            "and says nothing more",
        ]
        if not np.isfinite(self.table["mde"]).all():
            names = ", ".join(self.table.index[~np.isfinite(self.table["mde"])])
            lines.append(f"No effect would be found, the interval being unbounded: {names}")
        return [*lines, "Synthetic data"] if self.synthetic else lines

    def __repr__(self) -> str:
        body = self.table.to_string(float_format=lambda value: f"{value:.4g}")
        return "\n".join([f"Power: {self.formula}", body, *self.notes()])

    def _repr_html_(self) -> str:
        return html(f"Power: {self.formula}", self.tidy(), self.notes())


def power(
    fit: Fit,
    terms: str | Sequence[str] | None = None,
    *,
    power: float = 0.80,
    alpha: float = 0.05,
) -> Power:
    """Say how small an effect this design would have found.

    Parameters
    ----------
    fit : Fit
        With any inference: the standard errors, degrees of freedom or intervals are its own.
    terms : str or sequence of str, optional
        All but the intercept by default.
    power : float
        Probability of finding the effect, above ``alpha``.
    alpha : float
        Level of the two-sided test.

    Returns
    -------
    Power
        :meth:`Power.of_effect` gives power and the sign and size errors of a significant estimate
        for effects from elsewhere; :func:`spillover.inference.power_curve` simulates.

    Raises
    ------
    SchemaError
        For an unknown term or an option that is not valid.

    References
    ----------
    Bloom, H. S. (1995). Minimum detectable effects. Evaluation Review 19(5), 547-556.
    Gelman, A. & Carlin, J. (2014). Beyond power calculations: assessing type S (sign) and type M
    (magnitude) errors. Perspectives on Psychological Science 9(6), 641-651.
    Hoenig, J. M. & Heisey, D. M. (2001). The abuse of power. American Statistician 55(1), 19-24.

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(backward=0.3, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> fit = sp.fit("tfp ~ horizontal + backward | firm + year", panel, sample="domestic")
    >>> result = sp.power(fit)
    >>> ratio = result.table["mde"] / fit.std_errors
    >>> [round(float(r), 2) for r in ratio]
    [2.82, 2.82]
    >>> result.of_effect("backward", 0.3)["power"].round(1).tolist()
    [0.7]
    """
    for name, value in (("power", power), ("alpha", alpha)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
            raise SchemaError(f"{name}={value!r} must lie between 0 and 1.")
    if power <= alpha:
        raise SchemaError(f"power={power} must be above alpha={alpha}.")
    known = list(fit.params.index)
    chosen = [t for t in known if t != "Intercept"] if terms is None else terms
    chosen = [chosen] if isinstance(chosen, str) else list(chosen)
    for term in chosen:
        check_term(term, known)
    interval = fit.confint(1 - alpha)
    dfs = pd.Series(fit.inference.df, known) if fit.dfs is None else fit.dfs
    table = pd.DataFrame(
        {
            "estimate": fit.params,
            "std_error": fit.std_errors,
            "df": dfs.reindex(known).astype(float),
            "critical": (interval["conf_high"] - interval["conf_low"]) / 2,
        }
    ).loc[chosen]
    table["mde"] = table["critical"] + stats.t.ppf(power, table["df"]) * table["std_error"]
    shares = table.index.isin(list(fit.definitions))
    table["mde_10_points"] = np.where(shares, POINTS * table["mde"], np.nan)
    spread, outcome = _within(fit, chosen)
    table["within_sd"] = spread
    table["mde_within_sd"] = table["mde"] * spread
    table["mde_outcome_sd"] = table["mde_within_sd"] / outcome
    return Power(
        fit.formula,
        fit.outcome,
        table,
        float(power),
        float(alpha),
        fit.inference.label,
        fit.intervals is None,
        fit.synthetic,
    )


def design_errors(
    effects: ArrayLike,
    std_error: float,
    df: float = np.inf,
    *,
    critical: float | None = None,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Return power, sign error and exaggeration of significant estimates.

    Parameters
    ----------
    effects : array of float
        True effects.
    std_error : float
    df : float
        Degrees of freedom of the estimate's t distribution around the effect; infinite for the
        normal.
    critical : float, optional
        Size from which an estimate is significant; by default t(1 - alpha/2) standard errors.
    alpha : float

    Returns
    -------
    pandas.DataFrame
        effect, power, type_s, exaggeration (nan for an effect of zero, or with one degree of
        freedom).

    References
    ----------
    Gelman & Carlin (2014), whose simulation is an integral here.

    Examples
    --------
    >>> design_errors([2.0], 8.1).round(2).iloc[0].tolist()
    [2.0, 0.06, 0.24, 9.54]
    """
    theta = np.atleast_1d(np.asarray(effects, dtype=np.float64))
    half = stats.t.ppf(1 - alpha / 2, df) * std_error if critical is None else critical
    size = np.abs(theta) / std_error
    c = half / std_error
    right, wrong = stats.t.sf(c - size, df), stats.t.sf(c + size, df)
    found = right + wrong
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = size * (right - wrong) + _tail_mean(c - size, df) + _tail_mean(c + size, df)
        table = {
            "effect": theta,
            "power": found,
            "type_s": np.where(size > 0, wrong / found, np.nan),
            "exaggeration": np.where(size > 0, mean / found / size, np.nan),
        }
    return pd.DataFrame(table)


def _tail_mean(start: Matrix, df: float) -> Matrix:
    """Return the integral of x times the density of t from ``start`` on."""
    if np.isinf(df):
        result: Matrix = stats.norm.pdf(start)
        return result
    if df <= 1:
        return np.full_like(start, np.nan)
    tail: Matrix = stats.t.pdf(start, df) * (df + start**2) / (df - 1)
    return tail


def checked_effects(effects: float | Sequence[float] | Matrix) -> Matrix:
    """Return effects as finite numbers.

    Raises
    ------
    SchemaError
    """
    try:
        values = np.atleast_1d(np.asarray(effects, dtype=np.float64))
    except (TypeError, ValueError):
        values = np.array([np.nan])
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise SchemaError(f"effects={effects!r} must be finite numbers.")
    return values


def numbers_of(table: pd.DataFrame, term: str) -> dict[str, float]:
    """Return one row of a table of numbers."""
    values = table.loc[[term]].to_numpy(dtype=np.float64)[0]
    return {str(name): float(v) for name, v in zip(table.columns, values, strict=True)}


def _within(fit: Fit, terms: list[str]) -> tuple[Matrix, float]:
    """Return the standard deviations of regressors and outcome after absorption; nan if unknown."""
    estimated = fit.estimated
    if estimated is None:
        return np.full(len(terms), np.nan), np.nan
    columns = estimated.X[:, term_places(estimated, terms)]
    w = estimated.design.weights
    spread = [_deviation(column, w) for column in columns.T]
    return np.array(spread), _deviation(estimated.y, w)


def _deviation(column: Matrix, weights: Matrix | None) -> float:
    w = np.ones(len(column)) if weights is None else weights / weights.mean()
    mean = float(w @ column) / len(column)
    return float(np.sqrt(w @ (column - mean) ** 2 / len(column)))

"""Average marginal effects of probit and logit, with standard errors by the delta method.

The effect of a variable goes through all terms that hold it: ``x``, ``x:z``, ``I(x ** 2)``. Terms
are made anew with the variable moved a little (for variables with two values and for categories:
moved from 0, or the base, to 1); the rest is analytic.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from spillover.errors import SchemaError
from spillover.panel.formula import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

STEP = 1e-4
"""Step of the numerical derivative of a term, in standard deviations; exact for products."""
_NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Response:
    """A distribution function, its density, and the density's derivative."""

    cdf: Callable[[Matrix], Matrix]
    pdf: Callable[[Matrix], Matrix]
    slope: Callable[[Matrix], Matrix]


@dataclass(frozen=True, eq=False)
class Margins:
    """Average marginal effects.

    Attributes
    ----------
    estimates : pandas.Series
        By variable: the change in probability for a unit of it (from 0 to 1 for a dummy, from the
        base for a category), averaged over the rows.
    vcov : pandas.DataFrame
        By the delta method, from the covariance of the coefficients.
    discrete : tuple of str
        The variables for which it is a change, not a derivative.
    df : int
        Degrees of freedom of the t distribution.
    notes : tuple of str
        Variables left out, and why.
    """

    estimates: pd.Series[float]
    vcov: pd.DataFrame
    discrete: tuple[str, ...]
    df: int
    notes: tuple[str, ...] = ()

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per variable.

        Parameters
        ----------
        level : float
            Of the confidence interval.

        Returns
        -------
        pandas.DataFrame
            term, estimate, std_error, statistic, p_value, conf_low, conf_high.

        Raises
        ------
        SchemaError
            If ``level`` is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise SchemaError(f"level={level!r} must lie between 0 and 1; 0.95 is usual.")
        errors = pd.Series(np.sqrt(np.diagonal(self.vcov)), self.estimates.index)
        statistic = self.estimates / errors
        half = stats.t.ppf((1 + level) / 2, self.df) * errors
        return (
            pd.DataFrame(
                {
                    "estimate": self.estimates,
                    "std_error": errors,
                    "statistic": statistic,
                    "p_value": 2 * stats.t.sf(np.abs(statistic), self.df),
                    "conf_low": self.estimates - half,
                    "conf_high": self.estimates + half,
                }
            )
            .rename_axis("term")
            .reset_index()
        )


class Terms:
    """Columns of regressors as functions of the variables in them.

    Parameters
    ----------
    X : (n, k + m) array
    names : sequence of str
        Of the first k columns; the others do not depend on any variable.

    Attributes
    ----------
    variables : list of str
        Factors that stand alone as a regressor and are not functions of another.
    lacking : list of str
        Factors of interactions that do not stand alone, so their values are not known.
    """

    def __init__(self, X: Matrix, names: Sequence[str]) -> None:
        self.X = X
        self.factors = {j: split_factors(name) for j, name in enumerate(names)}
        alone = {f[0]: j for j, f in self.factors.items() if len(f) == 1 and f[0] != "Intercept"}
        self.known = {name: X[:, j] for name, j in alone.items()}
        everything = dict.fromkeys(name for f in self.factors.values() for name in f)
        everything.pop("Intercept", None)
        self.inside = {name: self._inside(name) for name in everything}
        self.lacking = [n for n in everything if n not in self.known and not self.inside[n]]
        self.variables = [name for name in self.known if not self.inside[name]]

    def _inside(self, name: str) -> list[str]:
        """List the variables of which a factor is a function."""
        if _NAME.fullmatch(name) or "[" in name or name.startswith("mean("):
            return []
        return [n for n in _NAME.findall(name) if n in self.known and n != name]

    def holding(self, variable: str) -> list[int]:
        """List the columns that move with a variable.

        Returns
        -------
        list of int
        """
        return [
            j
            for j, factors in self.factors.items()
            if any(variable == f or variable in self.inside.get(f, ()) for f in factors)
        ]

    def moved(self, new: Mapping[str, Matrix]) -> Matrix:
        """Return the columns for other values of some variables.

        Returns
        -------
        (n, k + m) array
        """
        result = self.X.copy()
        for j in dict.fromkeys(j for variable in new for j in self.holding(variable)):
            column = np.ones(len(result))
            for factor in self.factors[j]:
                column = column * self._factor(factor, new)
            result[:, j] = column
        return result

    def _factor(self, name: str, new: Mapping[str, Matrix]) -> Matrix:
        if name in new:
            return new[name]
        if not self.inside[name] or not set(self.inside[name]) & set(new):
            return self.known[name]
        frame = pd.DataFrame({n: new.get(n, self.known[n]) for n in self.inside[name]})
        return evaluate(name, frame, intercept=False)[0][:, 0]


def split_factors(term: str) -> tuple[str, ...]:
    """Split an interaction into its factors, at colons outside brackets.

    Examples
    --------
    >>> split_factors("x:C(region)[T.a:b]")
    ('x', 'C(region)[T.a:b]')
    """
    parts, depth = [""], 0
    for char in term:
        depth += (char in "([{") - (char in ")]}")
        if char == ":" and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return tuple(part.strip() for part in parts)


def average_effects(
    X: Matrix,
    beta: Matrix,
    vcov: Matrix,
    terms: Sequence[str],
    response: Response,
    *,
    weights: Matrix | None,
    df: int,
) -> Margins:
    """Average the effects of each variable over the rows.

    Parameters
    ----------
    X : (n, k + m) array
    beta : (k + m,) array
    vcov : (k + m, k + m) array
    terms : sequence of str
        Names of the first k columns; interactions are written ``a:b``.
    response : Response
    weights : (n,) array or None
    df : int

    Returns
    -------
    Margins
    """
    made = Terms(X, terms)
    share = np.full(len(X), 1 / len(X)) if weights is None else weights / weights.sum()
    blocked = {
        name
        for name in made.variables
        if any(f in made.lacking for j in made.holding(name) for f in made.factors[j])
    }
    names, values, gradients, discrete = [], [], [], []
    for name in made.variables:
        if name in blocked:
            continue
        column = made.known[name]
        if ((column == 0) | (column == 1)).all():
            value, gradient = _change(made, name, beta, response, share)
            discrete.append(name)
        else:
            value, gradient = _derivative(made, name, beta, response, share)
        names.append(name)
        values.append(value)
        gradients.append(gradient)
    G = np.array(gradients).reshape(len(names), len(beta))
    left_out = [*sorted(blocked), *made.lacking]
    note = (
        f"no marginal effect of {', '.join(left_out)}: {', '.join(made.lacking)} is in an "
        "interaction but not a regressor of its own"
    )
    return Margins(
        pd.Series(values, names, name="estimate", dtype=np.float64),
        pd.DataFrame(G @ vcov @ G.T, names, names),
        tuple(discrete),
        df,
        (note,) if left_out else (),
    )


def _derivative(
    made: Terms, name: str, beta: Matrix, response: Response, share: Matrix
) -> tuple[float, Matrix]:
    column = made.known[name]
    step = STEP * (float(column.std()) or 1.0)
    dX = (made.moved({name: column + step}) - made.moved({name: column - step})) / (2 * step)
    eta, slope = made.X @ beta, dX @ beta
    density = share * response.pdf(eta)
    gradient: Matrix = (share * response.slope(eta) * slope) @ made.X + density @ dX
    return float(density @ slope), gradient


def _change(
    made: Terms, name: str, beta: Matrix, response: Response, share: Matrix
) -> tuple[float, Matrix]:
    """From 0 to 1; of a category, from the base, the other levels' dummies at 0."""
    zeros = np.zeros(len(made.X))
    family = name.split("[", 1)[0] + "["
    others = [v for v in made.variables if "[" in name and v.startswith(family) and v != name]
    base = dict.fromkeys([name, *others], zeros)
    low, high = made.moved(base), made.moved({**base, name: zeros + 1})
    eta_low, eta_high = low @ beta, high @ beta
    value = float(share @ (response.cdf(eta_high) - response.cdf(eta_low)))
    gradient: Matrix = (share * response.pdf(eta_high)) @ high - (
        share * response.pdf(eta_low)
    ) @ low
    return value, gradient

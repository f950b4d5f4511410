"""What goes into the two stages of op, lp, acf and gnr: checked settings and columns, starts.

>>> flexible_rise(np.array([0.9, 0.1]), 1, 2)(np.array([0.6, 0.4]))
True
>>> law_table(np.arange(4.0), ["backward"], (1, 1)).index.tolist()
['constant', 'omega', 'backward', 'backward:omega']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.errors import IdentificationError, SchemaError, preview, rows
from spillover.production._effects import net_of_years, year_dummies
from spillover.production.ols import slopes, within

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from spillover.production.data import Inputs


def check_whole(settings: object, **least: int) -> None:
    """Raise unless settings are whole numbers of at least the given size.

    Parameters
    ----------
    settings : dataclass
    **least : int
        Attribute -> smallest value.

    Raises
    ------
    SchemaError
    """
    for name, smallest in least.items():
        value = getattr(settings, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < smallest:
            kind = type(settings).__name__
            raise SchemaError(
                f"{kind}({name}={value!r}): {name} must be a whole number of at least {smallest}."
            )


def required_proxy(inputs: Inputs) -> NDArray[np.float64]:
    """Return the proxy, or raise if there is none.

    Parameters
    ----------
    inputs : Inputs

    Returns
    -------
    (n,) array
    """
    if inputs.proxy is None:
        raise SchemaError("This method needs proxy=, such as 'materials'.")
    return inputs.proxy


def first_stage_extras(
    inputs: Inputs, shifters: tuple[str, ...], *, years: bool
) -> NDArray[np.float64]:
    """Return what enters a first stage linearly beside its polynomial: shifters, year dummies.

    Parameters
    ----------
    inputs : Inputs
    shifters : tuple of str
    years : bool

    Returns
    -------
    (n, c) array

    Raises
    ------
    SchemaError
        If a shifter is unknown.
    """
    unknown = [name for name in shifters if name not in inputs.extra]
    if unknown:
        raise SchemaError(
            f"shifters={preview(unknown)} not among the extra columns "
            f"({preview(list(inputs.extra)) or 'none'})."
        )
    columns = [inputs.extra[name] for name in shifters]
    dummies = year_dummies(inputs.year) if years else np.empty((len(inputs), 0))
    return np.column_stack([np.empty((len(inputs), 0)), *columns, dummies])


def check_enough(have: int, terms: int, which: str, hint: str) -> None:
    """Raise if there are no more rows than terms.

    Parameters
    ----------
    have, terms : int
    which : str
        Such as "first-stage".
    hint : str
        What to lower.

    Raises
    ------
    IdentificationError
    """
    if have <= terms:
        raise IdentificationError(
            f"{rows(have)} are too few for {terms} {which} terms. Lower {hint} or pool groups."
        )


def check_free(
    left: NDArray[np.float64], free: NDArray[np.float64], names: tuple[str, ...]
) -> None:
    """Raise if a free input is a function of what the first stage's polynomial holds.

    Parameters
    ----------
    left : (n, a) array
        Free inputs net of the polynomial.
    free : (n, a) array
    names : tuple of str

    Raises
    ------
    IdentificationError
    """
    tiny = np.linalg.norm(left, axis=0) <= 1e-7 * np.linalg.norm(free - free.mean(axis=0), axis=0)
    if tiny.any():
        bad = [name for name, flat in zip(names, tiny, strict=True) if flat]
        raise IdentificationError(
            f"{preview(bad)} is a polynomial in the state inputs and the proxy: its coefficient "
            "is not identified in the first stage. Use method='acf', or lower the degree."
        )


def law_powers(settings: object, drivers: int) -> tuple[int, ...]:
    """Return the highest power of lagged productivity for the constant and each driver.

    Parameters
    ----------
    settings : Lp, Acf
    drivers : int

    Returns
    -------
    tuple of int
    """
    return (settings.markov_degree, *[settings.interact] * drivers)  # type: ignore[attr-defined]


def flexible_rise(
    pooled: NDArray[np.float64], free: int, inputs: int
) -> Callable[[NDArray[np.float64]], bool]:
    """Return a test of coefficients: none negative, and labour that rises with productivity.

    Given the other inputs, flexible inputs rise with w = phi - b'x if and only if their
    coefficients lie below those of least squares. Where the price of labour is a first-order
    process too, phi - labour is a second productivity that solves the moments, with a coefficient
    near one (Kim, Luo & Su 2019); labour falls with it.

    Parameters
    ----------
    pooled : (p,) array
        Least squares.
    free, inputs : int
        How many of the first coefficients are of flexible inputs; of inputs.

    Returns
    -------
    callable

    Examples
    --------
    >>> test = flexible_rise(np.array([0.9, 0.1]), 1, 2)
    >>> test(np.array([0.6, 0.4])), test(np.array([0.97, 0.14])), test(np.array([0.6, -0.1]))
    (True, False, False)
    """
    most = pooled[:free].sum()

    def test(b: NDArray[np.float64]) -> bool:
        return bool((b[:inputs] >= 0).all() and (free == 0 or b[:free].sum() <= most))

    return test


def starting_points(
    inputs: Inputs, X: NDArray[np.float64], *, years: bool = False
) -> NDArray[np.float64]:
    """Return the coefficients of pooled and of within-firm least squares.

    Parameters
    ----------
    inputs : Inputs
    X : (n, p) array
    years : bool
        Take year means out first.

    Returns
    -------
    (2, p) array
    """
    y = inputs.y
    if years:
        y, X = (net_of_years(column, inputs.year, inputs.weights) for column in (y, X))
    pooled = slopes(X, y, inputs.weights)
    fixed = slopes(within(X, inputs.firm), within(y, inputs.firm), inputs.weights)
    return np.vstack([pooled, np.where(np.isfinite(fixed), fixed, 0.0)])


def relative(
    inputs: Inputs, a: NDArray[np.float64], X: NDArray[np.float64], *, years: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a and X net of their year means where years have effects, else as they are.

    Lagged productivity then is relative to its year's mean, (a - X b) less the mean of (a - X b),
    so that an effect of the year (a deflator's error) does not pass through the law of motion.

    Parameters
    ----------
    inputs : Inputs
    a : (n,) array
        NaN where it is unknown; such rows stay out of the means.
    X : (n, p) array
    years : bool

    Returns
    -------
    tuple of (n,) and (n, p) arrays
    """
    if not years:
        return a, X
    both = net_of_years(np.column_stack([a, X]), inputs.year, inputs.weights)
    return both[:, 0], both[:, 1:]


def law_table(
    gamma: NDArray[np.float64],
    drivers: Sequence[str],
    powers: Sequence[int],
    *,
    constant: bool = True,
) -> pd.Series[float]:
    """Name the law of motion's coefficients.

    Parameters
    ----------
    gamma : array
        In the order of :meth:`.Concentrated.regressors`.
    drivers : sequence of str
    powers : sequence of int
        For the constant and each driver.
    constant : bool
        Whether the constant is among them.

    Returns
    -------
    Series

    Examples
    --------
    >>> law_table(np.arange(4.0), ["backward"], (1, 1)).index.tolist()
    ['constant', 'omega', 'backward', 'backward:omega']
    """
    index = []
    for name, top in zip(("", *drivers), powers, strict=True):
        for power in range(top + 1):
            lag = "" if power == 0 else "omega" if power == 1 else f"omega^{power}"
            index.append(":".join(part for part in (name, lag) if part) or "constant")
    names = index if constant else index[1:]
    return pd.Series(gamma, index=pd.Index(names, name="term"), name="estimate")

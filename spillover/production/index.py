r"""Index numbers of productivity: no regression, and the reference firm of estimated ones.

The multilateral translog index of Caves, Christensen and Diewert (1982), chained over years by
Good, Nadiri and Sickles (1997), compares firm *i* in year *t* with the mean firm of its year, and
the mean firms with each other:

.. math::
    \ln A_{it} = (y_{it} - \bar y_t) + \sum_{\tau \le t} (\bar y_\tau - \bar y_{\tau-1})
      - \sum_n \tfrac12 (s_{nit} + \bar s_{nt}) (x_{nit} - \bar x_{nt})
      - \sum_{\tau \le t} \sum_n \tfrac12 (\bar s_{n\tau} + \bar s_{n,\tau-1})
        (\bar x_{n\tau} - \bar x_{n,\tau-1}),

with *s* the cost shares and bars the means of logs and of shares. It assumes constant returns and
that inputs are paid their marginal products. Estimated productivity is made comparable over
industries by the reference firm of Aw, Chen and Roberts (2001), as in Topalova and Khandelwal
(2011).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spillover.errors import SchemaError, check_choice, did_you_mean, preview, rows
from spillover.production.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spillover.production.data import Inputs

Array = NDArray[np.float64]

SUM_TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Index:
    """How the index is built.

    Attributes
    ----------
    costs : mapping of str to str
        Input -> column with what the firm pays for it, as in ``{"employment": "wage_bill",
        "materials": "materials_cost"}``.
    residual : str, optional
        The input whose cost is what ``revenue`` leaves after the others, such as ``"capital"``;
        it has no column in ``costs``.
    revenue : str, optional
        Column with the value of output, in the unit of the costs; needed with ``residual``.
    shares : mapping of str to float, optional
        Fixed cost shares, instead of costs; they sum to one.
    negative : {"trim", "missing"}
        A negative residual cost becomes zero, so that the shares of the others rise to sum to one
        (counted in the notes); or the row has no index.
    chain : bool
        Compare each year with its own mean firm and chain these (Good, Nadiri & Sickles); False
        compares with the mean firm of all years (Caves, Christensen & Diewert).
    base_year : int, optional
        Year whose mean firm has log productivity 0; the first by default. Chained index only.

    Examples
    --------
    >>> Index(costs={"employment": "wage_bill"}, residual="capital", revenue="value_added").columns
    ('wage_bill', 'value_added')
    """

    costs: Mapping[str, str] | None = None
    residual: str | None = None
    revenue: str | None = None
    shares: Mapping[str, float] | None = None
    negative: Literal["trim", "missing"] = "trim"
    chain: bool = True
    base_year: int | None = None

    def __post_init__(self) -> None:
        check_choice("negative", self.negative, ("trim", "missing"))
        if (self.shares is None) == (self.costs is None):
            raise SchemaError(
                "The index needs cost shares: give either costs={input: column, ...} or fixed "
                "shares={input: share, ...}."
            )
        if (self.residual is None) != (self.revenue is None):
            raise SchemaError(
                f"residual={self.residual!r} and revenue={self.revenue!r} belong together: the "
                "residual input is paid what revenue leaves after the other costs."
            )
        if self.shares is not None:
            values = np.array(list(self.shares.values()), dtype=float)
            if not np.isfinite(values).all() or (values < 0).any():
                raise SchemaError(f"shares={dict(self.shares)}: give numbers of 0 or more.")
            if abs(values.sum() - 1.0) > SUM_TOLERANCE:
                raise SchemaError(f"shares sum to {values.sum():g}; cost shares sum to 1.")
            if self.residual is not None:
                raise SchemaError("residual= goes with costs=, not with fixed shares=.")
        if self.base_year is not None and not self.chain:
            raise SchemaError(
                "base_year= is for the chained index: without chaining, the reference is the mean "
                "firm of all years."
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that must come with the data.

        Returns
        -------
        tuple of str
        """
        costs = tuple((self.costs or {}).values())
        return tuple(dict.fromkeys([*costs, *([self.revenue] if self.revenue else [])]))


def estimate_index(inputs: Inputs, settings: Index) -> Estimate:
    """Compute the multilateral translog index of one group.

    Parameters
    ----------
    inputs : Inputs, with the cost columns (``settings.columns``) in ``extra``
    settings : Index

    Returns
    -------
    Estimate
        ``omega`` is the log index, ``elasticity_rows`` the cost shares, ``beta`` their means.

    Raises
    ------
    SchemaError
        If shares or costs do not name the inputs, a cost column is absent, the base year is not in
        the data, or no row has shares.
    """
    names = inputs.names.inputs
    shares, notes = _shares_of(inputs, settings)
    if not np.isfinite(shares).all(axis=1).any():
        raise SchemaError(
            f"No row of group {inputs.group} has cost shares: {'; '.join(notes)}. Check the costs."
        )
    omega = translog_index(
        inputs.y,
        inputs.X,
        shares,
        inputs.year,
        weights=inputs.weights,
        chain=settings.chain,
        base_year=settings.base_year,
    )
    known = np.isfinite(omega)
    mean = np.average(shares[known], axis=0, weights=inputs.weights[known])
    return Estimate(
        method="index",
        names=names,
        beta=mean,
        omega=omega,
        nobs=int(known.sum()),
        elasticity=mean,
        elasticity_rows=shares,
        details={"shares": pd.Series(mean, index=list(names)), "chained": settings.chain},
        notes=tuple(notes),
    )


def _shares_of(inputs: Inputs, settings: Index) -> tuple[Array, list[str]]:
    """Return the (n, k) cost shares in the order of the inputs, and what to report."""
    names = inputs.names.inputs
    _check_inputs(names, settings)
    if settings.shares is not None:
        row = np.array([settings.shares[name] for name in names])
        return np.tile(row, (len(inputs), 1)), []
    absent = [column for column in settings.columns if column not in inputs.extra]
    if absent:
        hint = did_you_mean(absent[0], list(inputs.extra))
        raise SchemaError(f"There is no cost column {preview(absent)}.{hint}")
    costs = np.full((len(inputs), len(names)), np.nan)
    for place, name in enumerate(names):
        if settings.costs and name in settings.costs:
            costs[:, place] = inputs.extra[settings.costs[name]]
    if settings.residual is None or settings.revenue is None:
        shares, _ = cost_shares(costs)
        trimmed = 0
    else:
        place = names.index(settings.residual)
        revenue = inputs.extra[settings.revenue]
        shares, trimmed = cost_shares(
            costs, residual=place, revenue=revenue, negative=settings.negative
        )
    notes = []
    if trimmed:
        what = "set to zero" if settings.negative == "trim" else "left without an index"
        notes.append(f"negative cost of {settings.residual} in {rows(trimmed)}, {what}")
    lost = int((~np.isfinite(shares).all(axis=1)).sum())
    if lost:
        notes.append(f"no cost shares, and so no index, in {rows(lost)}")
    return shares, notes


def _check_inputs(names: tuple[str, ...], settings: Index) -> None:
    given = list(settings.shares if settings.shares is not None else settings.costs or {})
    given += [settings.residual] if settings.residual else []
    for name in given:
        if name not in names:
            raise SchemaError(
                f"{name!r} has a cost share but is no input.{did_you_mean(name, list(names))}"
            )
    lacking = [name for name in names if name not in given]
    if lacking:
        raise SchemaError(
            f"There is no cost share for {preview(lacking)}. Add it to costs= or shares=, or name "
            "it as residual=."
        )
    if len(set(given)) < len(given):
        raise SchemaError(f"{settings.residual!r} has a column in costs= and is the residual.")


def cost_shares(
    costs: Array,
    *,
    residual: int | None = None,
    revenue: Array | None = None,
    negative: Literal["trim", "missing"] = "trim",
) -> tuple[Array, int]:
    """Turn costs into shares that sum to one.

    Parameters
    ----------
    costs : (n, k) array
        Money paid for each input; the residual's column is ignored.
    residual : int, optional
        The input that is paid what ``revenue`` (n,) leaves after the others.
    revenue : (n,) array, optional
    negative : {"trim", "missing"}
        What to do with a negative residual.

    Returns
    -------
    shares : (n, k) array
        NaN in rows with a missing or negative cost, or with no cost at all.
    trimmed : int
        Rows with a negative residual.

    Examples
    --------
    >>> shares, trimmed = cost_shares(np.array([[6.0, 0], [12.0, 0]]), residual=1,
    ...     revenue=np.array([10.0, 10.0]))
    >>> shares.tolist(), trimmed
    ([[0.6, 0.4], [1.0, 0.0]], 1)
    """
    money = np.array(costs, dtype=float)
    trimmed = 0
    if residual is not None:
        others = np.delete(money, residual, axis=1).sum(axis=1)
        left = np.asarray(revenue, dtype=float) - others
        below = left < 0
        trimmed = int(below.sum())
        money[:, residual] = np.where(below, 0.0 if negative == "trim" else np.nan, left)
    total = money.sum(axis=1)
    usable = np.isfinite(money).all(axis=1) & (money >= 0).all(axis=1) & (total > 0)
    shares = np.full(money.shape, np.nan)
    shares[usable] = money[usable] / total[usable, None]
    return shares, trimmed


def translog_index(
    y: Array,
    x: Array,
    shares: Array,
    year: NDArray[np.int64],
    *,
    weights: Array | None = None,
    chain: bool = True,
    base_year: int | None = None,
) -> Array:
    """Compute the multilateral translog index; see the module for the formula.

    Parameters
    ----------
    y, x : (n,) and (n, k) arrays
        Log output and log inputs.
    shares : (n, k) array
        Cost shares; rows with a missing value have no index and are in no mean.
    year : (n,) int array
        Years without a row are bridged: the chain links the years that there are.
    weights : (n,) array, optional
        Weight of each row in the mean firm.
    chain, base_year
        As in :class:`Index`.

    Returns
    -------
    (n,) array

    Raises
    ------
    SchemaError
        If no row is complete or the base year has none.

    Examples
    --------
    Two firms with the same inputs, one makes twice as much, in two years:

    >>> y = np.log([2.0, 4.0, 2.0, 4.0])
    >>> index = translog_index(y, np.zeros((4, 1)), np.ones((4, 1)), np.array([1, 1, 2, 2]))
    >>> np.exp(index[1] - index[0]).round(12), (index[2] - index[0]).round(12)
    (np.float64(2.0), np.float64(0.0))
    """
    whole = np.isfinite(y) & np.isfinite(x).all(axis=1) & np.isfinite(shares).all(axis=1)
    if not whole.any():
        raise SchemaError("No row has output, inputs and cost shares. Check for missing values.")
    weight = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    calendar = np.asarray(year) if chain else np.zeros(len(y), dtype=np.int64)
    years, cell = np.unique(calendar[whole], return_inverse=True)
    mean_y = _means(y[whole, None], cell, weight[whole])[:, 0]
    mean_x = _means(x[whole], cell, weight[whole])
    mean_s = _means(shares[whole], cell, weight[whole])
    own = y[whole] - mean_y[cell]
    own -= ((shares[whole] + mean_s[cell]) / 2 * (x[whole] - mean_x[cell])).sum(axis=1)
    steps = np.diff(mean_y) - ((mean_s[1:] + mean_s[:-1]) / 2 * np.diff(mean_x, axis=0)).sum(axis=1)
    level = np.concatenate([[0.0], np.cumsum(steps)])
    if base_year is not None:
        if base_year not in years:
            raise SchemaError(
                f"base_year={base_year}: there are only {preview(years.tolist(), 12)}."
            )
        level -= level[np.searchsorted(years, base_year)]
    out = np.full(len(y), np.nan)
    out[whole] = own + level[cell]
    return out


def _means(values: Array, cell: NDArray[np.intp], weight: Array) -> Array:
    """Return the weighted means of (n, k) values by cell, (cells, k)."""
    total = np.bincount(cell, weights=weight)
    columns = [np.bincount(cell, weights=weight * column) / total for column in values.T]
    return np.column_stack(columns)


def reference_tfp(
    tfp: pd.Series[float],
    panel: pd.DataFrame,
    *,
    by: str | None = "industry",
    base_year: int | None = None,
) -> pd.Series[float]:
    """Measure log productivity from a reference firm, so that industries can be compared.

    Aw, Chen and Roberts (2001) and Topalova and Khandelwal (2011) take the difference from a firm
    with the industry's mean log output and mean log inputs in a base year. Log productivity that is
    linear in these logs (Cobb-Douglas) has its mean there, so that mean is taken off.

    Parameters
    ----------
    tfp : Series
        Log productivity, on the index of ``panel``; missing values stay missing.
    panel : DataFrame
        With ``year`` and ``by``.
    by : str, optional
        Groups with a reference firm of their own; None for a single one.
    base_year : int, optional
        By default each group's first year with productivity.

    Returns
    -------
    Series
        Log points above the reference firm.

    Raises
    ------
    SchemaError
        If the two are not aligned, a column is absent, or groups lack the base year.

    Examples
    --------
    >>> panel = pd.DataFrame({"industry": ["a", "a", "b", "b"], "year": [1, 2, 1, 2]})
    >>> reference_tfp(pd.Series([2.0, 2.5, 7.0, 6.0]), panel).tolist()
    [0.0, 0.5, 0.0, -1.0]
    """
    for name in ("year", *([by] if by else [])):
        if name not in panel.columns:
            hint = did_you_mean(name, [str(column) for column in panel.columns])
            raise SchemaError(f"The panel has no column {name!r}.{hint}")
    if not isinstance(tfp, pd.Series) or not tfp.index.equals(panel.index):
        raise SchemaError("tfp must be a Series on the panel's own index, row by row.")
    group = panel[by].astype(str) if by else pd.Series("all", index=panel.index)
    year = panel["year"].where(tfp.notna())
    first = year.groupby(group).transform("min") if base_year is None else base_year
    reference = tfp.where(year == first).groupby(group).mean()
    lacking = reference.index[reference.isna()]
    used = group[tfp.notna()].unique()
    bad = [name for name in lacking if name in set(used)]
    if bad:
        raise SchemaError(
            f"base_year={base_year}: {len(bad)} groups have no productivity then: {preview(bad)}. "
            "Choose another year, or leave it out to take each group's first."
        )
    relative: pd.Series[float] = tfp - group.map(reference).astype(float)
    return relative

"""Tests of a dynamic panel's moments: serial correlation, and subsets of instruments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from spillover.panel.dynamic_rows import differences
from spillover.panel.dynamic_solver import chi2_test, hansen_without

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spillover.panel.dynamic_rows import Block
    from spillover.panel.dynamic_setup import Setup
    from spillover.panel.dynamic_solver import GmmFit, Moments


def serial_tests(
    setup: Setup, moments: Moments, fit: GmmFit, orders: Sequence[int] = (1, 2)
) -> pd.DataFrame:
    """Test the first differences of the errors for serial correlation.

    Of first order there is some by construction; of second order there must be none, or lags of two
    years are no instruments. Whatever the transformation, first differences are tested.

    Parameters
    ----------
    setup : Setup
    moments : Moments
    fit : GmmFit
    orders : sequence of int

    Returns
    -------
    pandas.DataFrame
        order, statistic (standard normal), p_value.

    References
    ----------
    Arellano, M. & Bond, S. (1991), section 3.
    """
    panel = setup.panel
    made = differences(panel.calendar, panel.complete)
    change = made.matrix @ (panel.y[setup.rows] - setup.X @ fit.beta)
    dX = made.matrix @ setup.X
    number = np.full(int(setup.groups.max()) + 1, -1)
    number[setup.groups[setup.at]] = moments.group
    group = number[setup.groups[made.row]]
    place = np.full(len(panel.y), -1)
    place[made.row] = np.arange(len(made.row))
    counts = np.ones(moments.groups) if moments.counts is None else moments.counts
    out = []
    for order in orders:
        there = panel.calendar.partner(order)[made.row]
        earlier = np.where(there >= 0, place[there], -1)
        if not (earlier >= 0).any():
            out.append((order, np.nan, np.nan))
            continue
        lagged = np.where(earlier >= 0, change[earlier], 0.0)
        each = np.bincount(group, lagged * change, minlength=moments.groups)
        counted = counts * each
        slope = (counts[group] * lagged) @ dX
        cross = fit.gain @ (fit.scores.T @ counted)
        variance = float(each @ counted - 2 * slope @ cross + slope @ fit.vcov @ slope)
        z = float(counted.sum() / np.sqrt(variance)) if variance > 0 else np.nan
        out.append((order, z, float(2 * special.ndtr(-abs(z)))))
    return pd.DataFrame(out, columns=["order", "statistic", "p_value"])


def subset_tests(blocks: Sequence[Block], moments: Moments, fit: GmmFit) -> pd.DataFrame:
    """Test every block of instruments, and all of the level equation's together.

    Parameters
    ----------
    blocks : sequence of Block
    moments : Moments
    fit : GmmFit

    Returns
    -------
    pandas.DataFrame
        subset, instruments, Hansen's test without it, and the difference, whose null is that the
        subset is exogenous; missing where too few instruments remain.
    """
    owner = np.repeat(np.arange(len(blocks)), [block.count for block in blocks])
    sets = {block.label: owner == b for b, block in enumerate(blocks)}
    level = [b for b, block in enumerate(blocks) if "(levels)" in block.label]
    if level:
        sets = {"all differences (levels)": np.isin(owner, level)} | sets
    out = []
    for label, drop in sets.items():
        without = hansen_without(moments, fit, drop)
        gap = chi2_test(fit.hansen.statistic - without.statistic, fit.hansen.df - without.df)
        if np.isnan(without.statistic):
            gap = chi2_test(np.nan, 0)
        out.append(
            {
                "subset": label,
                "instruments": int(drop.sum()),
                "hansen_without": without.statistic,
                "df_without": without.df,
                "p_without": without.p_value,
                "difference": gap.statistic,
                "df": gap.df,
                "p_value": gap.p_value,
            }
        )
    return pd.DataFrame(out)

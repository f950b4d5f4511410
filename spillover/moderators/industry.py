"""What an industry is like: its concentration, its foreign firms, who stands above the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from spillover.errors import SchemaError
from spillover.moderators._columns import add, chosen, keys_of, numbers, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spillover._frames import NativeFrame
    from spillover.firms import FirmPanel


def herfindahl(
    panel: FirmPanel | NativeFrame,
    *,
    weight: str = "output",
    by: Sequence[str] = ("industry", "year"),
    name: str = "herfindahl",
) -> NativeFrame:
    """Add the Herfindahl index of an industry and year: the sum of squared shares of its firms.

    Parameters
    ----------
    panel : FirmPanel or data frame
    weight : str
        What the shares are of. Missing and negative values do not count.
    by : sequence of str
        What makes a market, such as ``("industry", "region", "year")``.
    name : str
        The new column: 1 for a monopoly, 1/n for n equal firms.

    Returns
    -------
    FirmPanel or data frame
        As ``panel``.

    Raises
    ------
    SchemaError
        For absent columns, or a name that is taken.

    Warns
    -----
    SpilloverWarning
        With the count of rows without a value: markets whose weight is zero.

    Notes
    -----
    ``sp.linkages(..., controls=["herfindahl"])`` gives the same by sector of the input-output
    table; this does without a table. A panel that leaves out small firms overstates it.

    References
    ----------
    Used as competition by Sjöholm, F. (1999), Journal of Development Studies 36(1).

    Examples
    --------
    >>> frame = pd.DataFrame(
    ...     {"industry": ["a", "a", "b"], "year": 2000, "output": [30.0, 10.0, 5.0]})
    >>> herfindahl(frame)["herfindahl"].tolist()
    [0.625, 0.625, 1.0]
    """
    keys = keys_of(by)
    frame = read(panel, [weight, *keys], "herfindahl")
    size = numbers(frame, weight)
    size = size.where(size >= 0)
    groups = [frame[key] for key in keys]
    total = size.groupby(groups).transform("sum")
    squares = (size**2).groupby(groups).transform("sum")
    return add(panel, {name: squares / total.where(total > 0) ** 2}, {"want of weight": total <= 0})


def foreign_mean(
    panel: FirmPanel | NativeFrame,
    column: str,
    *,
    weight: str | None = None,
    by: Sequence[str] = ("industry", "year"),
    empty: float | None = None,
    name: str | None = None,
) -> NativeFrame:
    """Add the mean of a column over the foreign firms of an industry and year.

    It says what kind of foreign firms a firm meets: how many are majority-owned, how long they have
    been there, how much they export, what they spend on R&D.

    Parameters
    ----------
    panel : FirmPanel or data frame
    column : str
    weight : str, optional
        Such as ``"employment"``; by default each firm counts once.
    by : sequence of str
    empty : float, optional
        The value where there is no foreign firm; by default it is missing there.
    name : str, optional
        The new column; by default ``foreign_<column>``.

    Returns
    -------
    FirmPanel or data frame
        As ``panel``.

    Raises
    ------
    SchemaError
        For absent columns, or a name that is taken.

    Warns
    -----
    SpilloverWarning
        With the count of rows without a foreign firm.

    References
    ----------
    Takii, S. (2005), Journal of Development Economics 76(2), for the part of foreign employment in
    majority-owned plants; Zhang, Y., Li, Y. & Li, H. (2014), Academy of Management Journal 57(3),
    for the years since entry.

    Examples
    --------
    >>> frame = pd.DataFrame({"industry": "a", "year": 2000, "foreign_share": [0.0, 0.3, 1.0],
    ...     "employment": [10.0, 30.0, 10.0]})
    >>> frame = frame.assign(majority=(frame["foreign_share"] >= 0.5) * 1.0)
    >>> foreign_mean(frame, "majority", weight="employment")["foreign_majority"].tolist()
    [0.25, 0.25, 0.25]
    """
    keys = keys_of(by)
    names = [column, *keys, "foreign_share", *([weight] if weight else [])]
    frame = read(panel, names, "foreign_mean")
    values = numbers(frame, column)
    size = numbers(frame, weight) if weight else pd.Series(1.0, frame.index)
    size = size.where(chosen(frame, "foreign") & values.notna().to_numpy(), 0.0)
    groups = [frame[key] for key in keys]
    total = size.groupby(groups).transform("sum")
    mean = (values.fillna(0.0) * size).groupby(groups).transform("sum") / total.where(total > 0)
    if empty is not None:
        mean = mean.where(total > 0, empty)
    made = name or f"foreign_{column}"
    return add(panel, {made: mean}, {"want of foreign firms in the group": total <= 0})


def above(
    panel: FirmPanel | NativeFrame,
    column: str,
    *,
    percentile: float = 50.0,
    of: Literal["all", "domestic", "foreign"] = "all",
    by: Sequence[str] = ("industry", "year"),
    name: str | None = None,
) -> NativeFrame:
    """Add 1 where a column is above a percentile of its industry and year, else 0.

    Parameters
    ----------
    panel : FirmPanel or data frame
    column : str
    percentile : float
        Above 0 and below 100; 50 is the median.
    of : {"all", "domestic", "foreign"}
        Over which firms the percentile is taken.
    by : sequence of str
        What makes a group.
    name : str, optional
        The new column; by default ``high_<column>``.

    Returns
    -------
    FirmPanel or data frame
        As ``panel``.

    Raises
    ------
    SchemaError
        For absent columns, a wrong percentile, or a name that is taken.

    Warns
    -----
    SpilloverWarning
        With the count of rows without a value, or without firms to compare with.

    References
    ----------
    Chen, T., Kokko, A. & Tingvall, P. (2011), Journal of Chinese Economic and Business Studies
    9(1), split a sample by how efficient it is. A split throws the distance away; see
    :func:`technology_gap`.

    Examples
    --------
    >>> frame = pd.DataFrame({"industry": "a", "year": 2000, "tfp": [1.0, 2.0, 3.0]})
    >>> above(frame, "tfp")["high_tfp"].tolist()
    [0.0, 0.0, 1.0]
    """
    if isinstance(percentile, bool) or not 0 < percentile < 100:
        raise SchemaError(f"percentile={percentile!r} must lie between 0 and 100.")
    keys = keys_of(by)
    share = [] if of == "all" else ["foreign_share"]
    frame = read(panel, [column, *keys, *share], "above")
    values = numbers(frame, column)
    groups = values.where(chosen(frame, of)).groupby([frame[key] for key in keys])
    lines = groups.transform(lambda part: part.quantile(percentile / 100))
    high = pd.Series(np.where(values > lines, 1.0, 0.0), frame.index)
    reasons = {
        f"want of {column}": values.isna(),
        "want of firms to compare with": lines.isna(),
    }
    made = name or f"high_{column}"
    return add(panel, {made: high.where(values.notna() & lines.notna())}, reasons)

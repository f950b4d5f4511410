"""Who owns a firm, from where, and where it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, check_choice, preview
from spillover.linkage.groups import FULL
from spillover.moderators._columns import add, chosen, numbers, read
from spillover.panel.design import DOMESTIC_BELOW

if TYPE_CHECKING:
    from spillover._frames import NativeFrame
    from spillover.firms import FirmPanel

MAJORITY = 0.5


def ownership(
    panel: FirmPanel | NativeFrame,
    *,
    kinds: Sequence[str] = ("minority", "majority", "partial", "full"),
    suffix: str = "_owned",
) -> NativeFrame:
    """Add 0 or 1 for how much of a firm foreigners own.

    Parameters
    ----------
    panel : FirmPanel or data frame
        With foreign_share, from 0 to 1.
    kinds : sequence of str
        Of "foreign" (from 10 percent), "minority" (from 10 to below 50), "majority" (from 50),
        "partial" (from 10 to below 99), "full" (from 99 percent).
    suffix : str
        Put behind each kind for the new column: ``minority_owned``.

    Returns
    -------
    FirmPanel or data frame
        As ``panel``.

    Raises
    ------
    SchemaError
        For absent columns, an unknown kind, or a name that is taken.

    Warns
    -----
    SpilloverWarning
        With the count of rows without foreign_share.

    Notes
    -----
    For a moderator of *presence* (are spillovers larger from joint ventures?) build linkage
    measures by owner with ``LinkageDefinition(foreign=sp.FirmGroup.minority())``, or take
    ``foreign_mean(..., "majority_owned", weight="employment")``.

    References
    ----------
    Dimelis, S. & Louri, H. (2002), Oxford Economic Papers 54(3), for minority and majority;
    Javorcik, B. & Spatareanu, M. (2008), Journal of Development Economics 85(1-2), for partial and
    full.

    Examples
    --------
    >>> frame = pd.DataFrame({"foreign_share": [0.0, 0.3, 1.0]})
    >>> ownership(frame, kinds=["partial", "full"])
       foreign_share  partial_owned  full_owned
    0            0.0            0.0         0.0
    1            0.3            1.0         0.0
    2            1.0            0.0         1.0
    """
    ranges = {
        "foreign": (DOMESTIC_BELOW, np.inf),
        "minority": (DOMESTIC_BELOW, MAJORITY),
        "majority": (MAJORITY, np.inf),
        "partial": (DOMESTIC_BELOW, FULL),
        "full": (FULL, np.inf),
    }
    if isinstance(kinds, str) or not kinds:
        raise SchemaError(f"kinds={kinds!r}: give a list, such as ['minority', 'majority'].")
    for kind in kinds:
        check_choice("kinds", kind, tuple(ranges))
    frame = read(panel, ["foreign_share"], "ownership")
    share = numbers(frame, "foreign_share")
    columns = {}
    for kind in kinds:
        low, high = ranges[kind]
        inside = ((share >= low) & (share < high)).astype(float)
        columns[f"{kind}{suffix}"] = inside.where(share.notna())
    return add(panel, columns, {"want of foreign_share": share.isna()})


def origin(
    panel: FirmPanel | NativeFrame,
    groups: Mapping[str, Sequence[str]],
    *,
    column: str = "origin",
    prefix: str = "origin_",
) -> NativeFrame:
    """Add 0 or 1 for the homes of a firm's foreign owners; domestic firms are 0 in all.

    Parameters
    ----------
    panel : FirmPanel or data frame
        With foreign_share and the owner's home.
    groups : mapping of str to sequence of str
        Name -> homes, such as ``{"eu": ["DEU", "FRA"], "north_america": ["USA", "CAN"]}``.
    column : str
        Which column names the home.
    prefix : str
        Put before each name for the new column.

    Returns
    -------
    FirmPanel or data frame
        As ``panel``.

    Raises
    ------
    SchemaError
        For absent columns, groups that are none, or a name that is taken.

    Warns
    -----
    SpilloverWarning
        With the count of foreign firms whose home is not known: they are missing.

    Notes
    -----
    For presence by origin, use ``LinkageDefinition(foreign=sp.FirmGroup.origin("USA"))``.

    References
    ----------
    Javorcik, B., Saggi, K. & Spatareanu, M. (2004), World Bank working paper 3449; Javorcik, B. &
    Spatareanu, M. (2011), Journal of Development Economics 96(1).

    Examples
    --------
    >>> frame = pd.DataFrame({"foreign_share": [0.0, 1.0], "origin": [None, "USA"]})
    >>> origin(frame, {"america": ["USA", "CAN"]})["origin_america"].tolist()
    [0.0, 1.0]
    """
    frame = read(panel, [column, "foreign_share"], "origin")
    return add(panel, *_groups(frame, column, groups, prefix, foreign_only=True))


def region(
    panel: FirmPanel | NativeFrame,
    groups: Mapping[str, Sequence[str]],
    *,
    column: str = "region",
    prefix: str = "region_",
) -> NativeFrame:
    """Add 0 or 1 for groups of regions, such as the capital or special zones.

    Parameters
    ----------
    panel : FirmPanel or data frame
    groups : mapping of str to sequence of str
        Name -> regions.
    column : str
    prefix : str
        Put before each name for the new column.

    Returns
    -------
    FirmPanel or data frame
        As ``panel``.

    Raises
    ------
    SchemaError
        For absent columns, groups that are none, or a name that is taken.

    Warns
    -----
    SpilloverWarning
        With the count of firms without a region.

    Notes
    -----
    For presence *within* the region, use ``LinkageDefinition(region="own")``.

    References
    ----------
    Aitken, B. & Harrison, A. (1999), American Economic Review 89(3), for presence near and far.

    Examples
    --------
    >>> frame = pd.DataFrame({"region": ["ALM", "AST", "KAR"]})
    >>> region(frame, {"cities": ["ALM", "AST"]})["region_cities"].tolist()
    [1.0, 1.0, 0.0]
    """
    frame = read(panel, [column], "region")
    return add(panel, *_groups(frame, column, groups, prefix, foreign_only=False))


def trade_agreement(
    panel: FirmPanel | NativeFrame,
    since: Mapping[str, int],
    *,
    column: str = "origin",
    name: str = "trade_agreement",
) -> NativeFrame:
    """Add 1 where the owner's home has a trade agreement in force with the host in that year.

    Parameters
    ----------
    panel : FirmPanel or data frame
        With foreign_share, year and the owner's home.
    since : mapping of str to int
        Home -> first year in force. Homes not named have none.
    column : str
        Which column names the home.
    name : str
        The new column: 0 for domestic firms.

    Returns
    -------
    FirmPanel or data frame
        As ``panel``.

    Raises
    ------
    SchemaError
        For absent columns, years that are no numbers, or a name that is taken.

    Warns
    -----
    SpilloverWarning
        With the count of foreign firms whose home is not known: they are missing.

    References
    ----------
    Javorcik, B. & Spatareanu, M. (2011), Journal of Development Economics 96(1): within an
    agreement inputs from home are cheap, so that investors from outside it buy more in the host.

    Examples
    --------
    >>> frame = pd.DataFrame({"foreign_share": [1.0, 1.0, 1.0], "origin": ["DEU", "DEU", "USA"],
    ...     "year": [1994, 1996, 1996]})
    >>> trade_agreement(frame, {"DEU": 1995})["trade_agreement"].tolist()
    [0.0, 1.0, 0.0]
    """
    good = isinstance(since, Mapping) and all(
        isinstance(value, int) and not isinstance(value, bool) for value in since.values()
    )
    if not good or not since:
        raise SchemaError(f"since={since!r}: give home -> first year, such as {{'DEU': 1995}}.")
    frame = read(panel, [column, "foreign_share", "year"], "trade_agreement")
    unknown = _homeless(frame, column)
    start = frame[column].astype(object).map(dict(since)).astype(float)
    foreign = chosen(frame, "foreign")
    inside = ((numbers(frame, "year") >= start) & foreign).astype(float)
    return add(panel, {name: inside.where(~unknown)}, _unknown_homes(frame, unknown))


def _groups(
    frame: pd.DataFrame,
    column: str,
    groups: Mapping[str, Sequence[str]],
    prefix: str,
    *,
    foreign_only: bool,
) -> tuple[dict[str, pd.Series[Any]], dict[str, Any]]:
    """Return 0 or 1 by group of values, and why values are missing."""
    if not isinstance(groups, Mapping) or not groups:
        raise SchemaError(f"groups={groups!r}: give name -> values, such as {{'eu': ['DEU']}}.")
    wrong = [name for name, values in groups.items() if isinstance(values, str) or not list(values)]
    if wrong:
        raise SchemaError(f"groups: {preview(wrong)} must be a list of values, and not empty.")
    values = frame[column].astype(object)
    unknown = _homeless(frame, column) if foreign_only else frame[column].isna()
    counts = chosen(frame, "foreign") if foreign_only else np.ones(len(frame), dtype=bool)
    made = {
        f"{prefix}{name}": (values.isin(list(members)) & counts).astype(float).where(~unknown)
        for name, members in groups.items()
    }
    if foreign_only:
        return made, _unknown_homes(frame, unknown)
    return made, {f"want of {column}": unknown}


def _homeless(frame: pd.DataFrame, column: str) -> pd.Series[bool]:
    """Return where neither home nor foreign share tells: foreign firms of unknown home."""
    share = numbers(frame, "foreign_share")
    foreign = pd.Series(chosen(frame, "foreign"), frame.index)
    return share.isna() | (foreign & frame[column].isna())


def _unknown_homes(frame: pd.DataFrame, unknown: pd.Series[bool]) -> dict[str, pd.Series[bool]]:
    absent = numbers(frame, "foreign_share").isna()
    return {"want of foreign_share": absent, "foreign firms of unknown home": unknown & ~absent}

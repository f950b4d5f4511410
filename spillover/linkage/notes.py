"""What a reader of linkage measures must know: who is unobserved, and what does not count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spillover.errors import preview
from spillover.linkage.grid import over_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from spillover.linkage.definition import LinkageDefinition
    from spillover.linkage.grid import Axes, Field
    from spillover.linkage.operators import Kind, Vintages

    Matrix = NDArray[np.float64]


def unobserved_sectors(
    axes: Axes,
    vintages: Vintages,
    operators: Mapping[str, Matrix],
    fields: Mapping[Kind, Field],
    reached: NDArray[np.bool_],
) -> pd.DataFrame:
    """List sectors without usable presence and how much the sectors with firms lean on them.

    Parameters
    ----------
    axes : Axes
    vintages : Vintages
    operators : mapping of measure to (distinct, sectors, sectors) array
    fields : mapping of kind to Field
    reached : (years,) array of bool
        As from :func:`years_reached`; the other years are left aside.

    Returns
    -------
    pandas.DataFrame
        As :attr:`Linkages.unobserved`.
    """
    if not reached.any():
        reached = np.ones_like(reached)
    observed, net_observed = (fields[kind].observed[..., reached] for kind in ("plain", "net"))
    with_firms = observed.any(axis=(1, 2))
    with_firms |= not with_firms.any()  # without any, average over all
    unseen, net_unseen = 1 - observed, 1 - net_observed
    share = np.bincount(vintages.index[reached], minlength=len(vintages.shares)) / reached.sum()
    supply, inputs = (
        np.tensordot(share, operators[name], axes=1)[with_firms].mean(axis=0)
        for name in ("backward", "forward")
    )
    years = np.maximum(unseen, net_unseen).max(axis=1).sum(axis=1).astype(int)
    kept = np.flatnonzero(years)
    return pd.DataFrame(
        {
            "industry": [axes.sectors[place] for place in kept],
            "years": years[kept],
            "backward_share": (supply * unseen.mean(axis=(1, 2)))[kept],
            "forward_share": (inputs * net_unseen.mean(axis=(1, 2)))[kept],
        }
    )


def years_reached(years: NDArray[np.int64], definition: LinkageDefinition) -> NDArray[np.bool_]:
    """Return in which years the panel has the years that a lag and a stock need.

    Parameters
    ----------
    years : (years,) array
        Of the panel.
    definition : LinkageDefinition

    Returns
    -------
    (years,) array of bool
    """
    found: NDArray[np.bool_] = np.isfinite(over_time(np.ones(len(years)), years, definition))
    return found


def skipped_years(years: NDArray[np.int64], definition: LinkageDefinition) -> list[str]:
    """Say which years' measures are missing since the panel skips earlier ones.

    That a lag has nothing in the panel's first years goes without saying.

    Parameters
    ----------
    years : (years,) array
        Of the panel.
    definition : LinkageDefinition

    Returns
    -------
    list of str
    """
    gaps = years[~years_reached(years, definition) & (years - definition.lag >= years[0])]
    if not len(gaps):
        return []
    return [
        f"Measures are missing in {preview(gaps.tolist())}: the years that the lag or the stock "
        "needs are not all in the panel."
    ]


def notes(
    sums: Mapping[str, NDArray[Any]],
    unobserved: pd.DataFrame,
    definition: LinkageDefinition,
    *,
    nowhere: int,
    lazy: bool,
) -> list[str]:
    """Say which firms and sectors do not count as one may expect.

    Parameters
    ----------
    sums : mapping of str to (cells,) array
        The columns of :attr:`Linkages.cells`, without the keys.
    unobserved : pandas.DataFrame
        As :attr:`Linkages.unobserved`.
    definition : LinkageDefinition
    nowhere : int
        Firm-years without a region.
    lazy : bool
        Whether the firms were lazy, so that no reader has told what is missing.

    Returns
    -------
    list of str
    """
    found = []
    if definition.nets_exports:
        lacking = round(float((sums["firms"] - sums["net_firms"]).sum()))
        if lacking:
            found.append(
                f"Forward leaves out {lacking:,} firm-years whose exports are missing; Horizontal "
                "and Backward count them."
            )
        outside = (sums["net_foreign"] < 0) | (sums["net_foreign"] > sums["net_total"])
        if outside.any():
            found.append(
                f"Presence net of exports lies outside 0 to 1 in {int(outside.sum())} "
                "industry-years, where firms export more than they make."
            )
    if nowhere and definition.region != "none":
        found.append(f"{nowhere:,} firm-years without a region do not count in any.")
    if lazy or definition.weight in {"employment", "capital"}:
        without = round(float((sums["rows"] - sums["firms"]).sum()))
        weight = "" if definition.weight == "none" else f"{definition.weight} or "
        if without:
            found.append(
                f"{without:,} firm-years without {weight}a foreign share do not count towards "
                "presence."
            )
    unknown = round(float(sums["unknown"].sum()))
    if unknown and definition.foreign is not None:
        found.append(
            f"{unknown:,} foreign firm-years count as outside the group "
            f"{definition.foreign.name!r}: their {definition.foreign.column!r} is missing."
        )
    if len(unobserved):
        found.append(_lost_weight(unobserved, definition))
    return found


def _lost_weight(unobserved: pd.DataFrame, definition: LinkageDefinition) -> str:
    lost = unobserved[["backward_share", "forward_share"]].sum()
    effect = {
        "zero": "They count with zero foreign presence",
        "missing": "Measures that lean on them are missing",
        "external": "The external presence has nothing for them; they count with zero",
    }[definition.unobserved]
    return (
        f"{len(unobserved)} sectors of the table have no usable firm data in at least one year: "
        f"{preview(unobserved['industry'], 8)}. {effect}; on average they hold "
        f"{lost['backward_share']:.1%} of the supply shares and {lost['forward_share']:.1%} of "
        "the input shares of the industries with firms (see .unobserved and, for the shares that "
        "are observed, backward_weight and forward_weight)."
    )

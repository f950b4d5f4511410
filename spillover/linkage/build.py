"""From a firm panel and an input-output table to Horizontal, Backward and Forward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from warnings import warn

import numpy as np
import pandas as pd

from spillover.errors import (
    ConcordanceError,
    SchemaError,
    SpilloverWarning,
    preview,
    preview_counts,
)
from spillover.firms import FirmPanel, as_panel
from spillover.iotables import IOTable
from spillover.linkage.definition import JAVORCIK_2004, LinkageDefinition
from spillover.linkage.presence import check_columns, presence_cells
from spillover.linkage.result import Linkages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from spillover._frames import NativeFrame

    Matrix = NDArray[np.float64]


def linkages(
    firms: FirmPanel | NativeFrame,
    io: IOTable,
    definition: LinkageDefinition = JAVORCIK_2004,
) -> Linkages:
    """Build Horizontal, Backward and Forward foreign presence.

    Parameters
    ----------
    firms : FirmPanel or data frame
        All firms, foreign and domestic: presence is a property of the industry, not of the
        estimation sample. Its industries are sectors of ``io``
        (see :meth:`FirmPanel.with_industries`).
    io : IOTable
        Its shares hold for every year of the panel.
    definition : LinkageDefinition
        Every choice behind the measures; by default those of Javorcik (2004).

    Returns
    -------
    Linkages

    Raises
    ------
    SchemaError
        If the panel lacks a column that the definition needs.
    ConcordanceError
        If the panel has industries that are no sectors of the table.

    Warns
    -----
    SpilloverWarning
        Once, if sectors of the table have no usable firm data, with the weight that is lost, or if
        firms drop out of Forward for want of exports.

    References
    ----------
    Javorcik (2004), section II. Formulas: :class:`LinkageDefinition`.

    Examples
    --------
    >>> import pandas as pd
    >>> import spillover as sp
    >>> io = sp.IOTable.from_arrays(["A", "B"], total=[[10, 30], [20, 40]], output=[100, 120],
    ...     unit="EUR")
    >>> firms = pd.DataFrame({"firm": [1, 2, 3], "year": 2000, "industry": ["A", "A", "B"],
    ...     "output": [60.0, 40.0, 120.0], "exports": [0.0, 0.0, 20.0],
    ...     "foreign_share": [0.5, 0.0, 1.0]})
    >>> sp.linkages(firms, io).data[["industry", "horizontal", "backward", "forward"]]
      industry  horizontal  backward   forward
    0        A         0.3      0.75  0.666667
    1        B         1.0      0.10  0.128571
    """
    if not isinstance(io, IOTable):
        raise SchemaError(
            f"io is a {type(io).__name__}; give one IOTable, as sp.read_io returns it. Its shares "
            "hold for all years of the panel."
        )
    if not isinstance(definition, LinkageDefinition):
        raise SchemaError(
            f"definition is a {type(definition).__name__}; give a LinkageDefinition, such as "
            "sp.LinkageDefinition(own_sector='include')."
        )
    panel = as_panel(firms)
    check_columns(panel.frame.columns, definition)
    supply = io.supply_shares(
        flows=definition.flows,
        denominator=definition.denominator,
        own_sector=definition.own_sector,
    )
    inputs = io.input_shares(flows=definition.flows, own_sector=definition.own_sector)
    cells = presence_cells(panel.frame, definition)
    _check_sectors(cells, io.sectors)
    years = np.sort(cells["year"].unique())
    plain = _presence(cells, "", io.sectors, years)
    net = _presence(cells, "net_", io.sectors, years) if definition.nets_exports else plain
    how = definition.unobserved
    backward = _weighted(supply.to_numpy(), plain, how)
    forward = _weighted(inputs.to_numpy(), net, how)
    unobserved = _unobserved(io.sectors, supply, inputs, plain, net)
    notes = _notes(cells, unobserved, definition)
    if notes:
        warn(" ".join(notes), SpilloverWarning, stacklevel=2)
    data = pd.DataFrame(
        {
            "industry": np.repeat(np.array(io.sectors, dtype=object), len(years)),
            "year": np.tile(years, len(io.sectors)),
            "horizontal": plain.value.ravel(),
            "backward": backward.ravel(),
            "forward": forward.ravel(),
            "backward_weight": (supply.to_numpy() @ plain.observed).ravel(),
            "forward_weight": (inputs.to_numpy() @ net.observed).ravel(),
            "firms": plain.firms.ravel(),
        }
    ).astype({"industry": cells["industry"].dtype})
    return Linkages(
        data=data,
        cells=cells,
        supply_shares=supply,
        input_shares=inputs,
        unobserved=unobserved,
        definition=definition,
        country=io.country,
        source=io.source,
        labels=io.labels,
    )


@dataclass(frozen=True)
class _Presence:
    """Presence by sector and year, each array (sectors, years); value is NaN if not observed."""

    value: Matrix
    firms: NDArray[np.int64]

    @property
    def observed(self) -> Matrix:
        return np.isfinite(self.value).astype(float)


def _presence(
    cells: pd.DataFrame, prefix: Literal["", "net_"], sectors: Sequence[str], years: Matrix
) -> _Presence:
    """Spread the cell sums over a (sectors, years) grid and divide; no positive total, no value."""
    row = pd.Index(sectors).get_indexer(pd.Index(cells["industry"]))
    column = np.searchsorted(years, cells["year"].to_numpy())
    foreign, total = np.zeros((2, len(sectors), len(years)))
    firms = np.zeros(foreign.shape, dtype=np.int64)
    foreign[row, column] = cells[f"{prefix}foreign"]
    total[row, column] = cells[f"{prefix}total"]
    firms[row, column] = cells[f"{prefix}firms"]
    value = np.full(foreign.shape, np.nan)
    np.divide(foreign, total, out=value, where=(firms > 0) & (total > 0))
    return _Presence(value, firms)


def _weighted(shares: Matrix, presence: _Presence, how: Literal["zero", "missing"]) -> Matrix:
    """Return shares @ presence, (sectors, years), unobserved presence as the definition says."""
    result: Matrix = shares @ np.nan_to_num(presence.value)
    if how == "missing":
        leans = shares @ (1 - presence.observed) > 0
        result[leans] = np.nan
    return result


def _check_sectors(cells: pd.DataFrame, sectors: Sequence[str]) -> None:
    rows = cells.groupby("industry")["rows"].sum()
    unknown = rows[~rows.index.isin(sectors)]
    if len(unknown):
        listed = preview_counts({str(code): int(count) for code, count in unknown.items()})
        raise ConcordanceError(
            f"{len(unknown)} of {len(rows)} industries of the panel are no sectors of the table: "
            f"{listed}. The table's sectors are {preview(sectors, 8)}. Recode the firms with "
            "firms.with_industries(concordance), or drop them."
        )


def _unobserved(
    sectors: Sequence[str],
    supply: pd.DataFrame,
    inputs: pd.DataFrame,
    plain: _Presence,
    net: _Presence,
) -> pd.DataFrame:
    """List sectors without usable presence and how much the sectors with firms lean on them."""
    with_firms = plain.observed.any(axis=1)
    with_firms |= not with_firms.any()  # without any, average over all
    unseen, net_unseen = 1 - plain.observed, 1 - net.observed
    table = pd.DataFrame(
        {
            "industry": list(sectors),
            "years": np.maximum(unseen, net_unseen).sum(axis=1).astype(int),
            "backward_share": supply.to_numpy()[with_firms].mean(axis=0) * unseen.mean(axis=1),
            "forward_share": inputs.to_numpy()[with_firms].mean(axis=0) * net_unseen.mean(axis=1),
        }
    )
    return table[table["years"] > 0].reset_index(drop=True)


def _notes(
    cells: pd.DataFrame, unobserved: pd.DataFrame, definition: LinkageDefinition
) -> list[str]:
    notes = []
    if definition.nets_exports:
        lacking = int((cells["firms"] - cells["net_firms"]).sum())
        if lacking:
            notes.append(
                f"Forward leaves out {lacking:,} firm-years whose exports are missing; Horizontal "
                "and Backward count them."
            )
    if len(unobserved):
        notes.append(_lost_weight(unobserved, definition.unobserved))
    return notes


def _lost_weight(unobserved: pd.DataFrame, how: Literal["zero", "missing"]) -> str:
    lost = unobserved[["backward_share", "forward_share"]].sum()
    effect = (
        "They count with zero foreign presence"
        if how == "zero"
        else "Measures that lean on them are missing"
    )
    return (
        f"{len(unobserved)} sectors of the table have no usable firm data in at least one year: "
        f"{preview(unobserved['industry'], 8)}. {effect}; on average they hold "
        f"{lost['backward_share']:.1%} of the supply shares and {lost['forward_share']:.1%} of "
        "the input shares of the industries with firms (see .unobserved and, for the shares that "
        "are observed, backward_weight and forward_weight)."
    )


def check_linkages(links: object, name: str = "links") -> Linkages:
    """Return ``links`` if it is a :class:`Linkages`, else raise.

    Raises
    ------
    SchemaError
    """
    if isinstance(links, Linkages):
        return links
    raise SchemaError(f"{name} is a {type(links).__name__}; give the result of sp.linkages(...).")

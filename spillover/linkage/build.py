"""From a firm panel and input-output tables to linkage measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload
from warnings import warn

import narwhals as nw
import numpy as np
import pandas as pd

from spillover._frames import row_engine
from spillover._industries import recode
from spillover.errors import (
    SchemaError,
    SpilloverWarning,
)
from spillover.firms import FirmPanel, as_panel
from spillover.iotables import IOTable
from spillover.linkage.arguments import (
    check_arguments,
    check_sectors,
    check_sourcing,
    check_used,
    region_matrix,
    sorted_tables,
)
from spillover.linkage.controls import build_controls
from spillover.linkage.definition import JAVORCIK_2004, OWNERS, LinkageDefinition
from spillover.linkage.grid import Field, Grid, build_fields
from spillover.linkage.groups import ENTRY_AGE
from spillover.linkage.lazy import lazy_rows
from spillover.linkage.notes import notes, skipped_years, unobserved_sectors, years_reached
from spillover.linkage.operators import MEASURES, Vintages, choose_vintages
from spillover.linkage.presence import (
    CELL,
    REGIONAL,
    Cells,
    Presence,
    check_columns,
    sum_cells,
)
from spillover.linkage.result import DEFAULT_MEASURES, Linkages

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover._frames import NativeFrame
    from spillover._industries import Split
    from spillover.iotables import Concordance

    Matrix = NDArray[np.float64]

Tables = IOTable | Sequence[IOTable] | Mapping[int, IOTable]


@overload
def linkages(
    firms: FirmPanel | NativeFrame,
    io: Tables,
    definition: LinkageDefinition = ...,
    *,
    measures: Sequence[str] = ...,
    controls: Sequence[str] = ...,
    external: pd.DataFrame | None = ...,
    region_weights: pd.DataFrame | None = ...,
    concordance: Concordance | None = ...,
) -> Linkages: ...


@overload
def linkages(
    firms: FirmPanel | NativeFrame,
    io: Tables,
    definition: Mapping[str, LinkageDefinition],
    *,
    measures: Sequence[str] = ...,
    controls: Sequence[str] = ...,
    external: pd.DataFrame | None = ...,
    region_weights: pd.DataFrame | None = ...,
    concordance: Concordance | None = ...,
) -> dict[str, Linkages]: ...


def linkages(
    firms: FirmPanel | NativeFrame,
    io: Tables,
    definition: LinkageDefinition | Mapping[str, LinkageDefinition] = JAVORCIK_2004,
    *,
    measures: Sequence[str] = DEFAULT_MEASURES,
    controls: Sequence[str] = (),
    external: pd.DataFrame | None = None,
    region_weights: pd.DataFrame | None = None,
    concordance: Concordance | None = None,
) -> Linkages | dict[str, Linkages]:
    """Build linkage measures: Horizontal, Backward, Forward and what is made of them.

    Parameters
    ----------
    firms : FirmPanel or data frame
        All firms, foreign and domestic: presence is a property of the industry, not of the
        estimation sample. Its industries are sectors of ``io``
        (see :meth:`FirmPanel.with_industries`). A lazy frame with canonical columns (DuckDB
        relation, Polars LazyFrame) is summed where it lies.
    io : IOTable, or several
        One table, whose shares hold for every year; or tables of several years (a sequence, or
        year -> table), see ``vintage`` of the definition.
    definition : LinkageDefinition, or name -> LinkageDefinition
        Every choice behind the measures; by default those of Javorcik (2004). Several are built
        in one pass over the firms.
    measures : sequence of str
        Of :data:`spillover.linkage.MEASURES`: horizontal, backward, forward, supply_backward,
        second_tier_backward, total_backward, total_forward.
    controls : sequence of str
        Of demand, herfindahl, import_penetration; see
        :func:`spillover.linkage.controls.build_controls`.
    external : pandas.DataFrame, optional
        Presence of industries without firm data, for ``unobserved="external"``: industry, (year,)
        horizontal from 0 to 1.
    region_weights : pandas.DataFrame, (regions, regions), optional
        For ``region="weighted"``: row r holds what firms of each region count around r.
    concordance : Concordance, optional
        For lazy frames: from their industry codes to the sectors of ``io``. Firms whose code goes
        to several sectors count in each by its weight, as after
        ``with_industries(concordance, several="split")``, which is the way for other frames.

    Returns
    -------
    Linkages, or name -> Linkages

    Raises
    ------
    SchemaError
        If the panel lacks a column that the definition needs, or an argument does not fit.
    ConcordanceError
        If the panel has industries that are no sectors of the table, or codes that the concordance
        does not have.

    Warns
    -----
    SpilloverWarning
        Once, if sectors of the table have no usable firm data, with the weight that is lost; if
        firms drop out for want of exports, a region or a known group; if the panel skips years
        that a lag or a stock needs; or if codes of a lazy frame go to several sectors.

    References
    ----------
    Javorcik (2004), section II. Formulas: :class:`LinkageDefinition`, :data:`MEASURES`.

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
    named = {"": definition} if isinstance(definition, LinkageDefinition) else definition
    check_arguments(named, measures, controls)
    check_used(named, external, region_weights)
    tables = sorted_tables(io)
    lazy = lazy_rows(firms)
    if lazy is None and concordance is not None:
        raise SchemaError(
            "concordance= is for lazy frames. Recode these firms beforehand, so that sp.attach "
            "finds their sectors: sp.read_firms(...).with_industries(concordance, several='split')."
        )
    panel = as_panel(firms) if lazy is None else None
    rows = lazy if lazy is not None else panel.frame  # type: ignore[union-attr]
    cells = _sum(rows, list(named.values()), controls=bool(controls))
    cells, split, told = _by_sector(cells, panel, concordance)
    check_sectors(cells.frame, tables[0].sectors)
    sectors = tables[0].sectors
    grids = {
        regional: Grid.of(cells, sectors, regional=regional)
        for regional in {one.region != "none" for one in named.values()}
    }
    inputs = (tables, tuple(measures), tuple(controls), external, region_weights)
    job = _Job(*inputs, panel, split, cells, grids)
    built = {name: _build(job, one) for name, one in named.items()}
    said = dict.fromkeys((*told, *(note for _, found in built.values() for note in found)))
    if said:
        warn(" ".join(said), SpilloverWarning, stacklevel=2)
    links = {name: result for name, (result, _) in built.items()}
    return links[""] if isinstance(definition, LinkageDefinition) else links


@dataclass(frozen=True)
class _Job:
    """What all definitions of one call share."""

    tables: tuple[IOTable, ...]
    measures: tuple[str, ...]
    controls: tuple[str, ...]
    external: pd.DataFrame | None
    region_weights: pd.DataFrame | None
    panel: FirmPanel | None
    split: Split
    cells: Cells
    grids: Mapping[bool, Grid]
    matrices: dict[tuple[object, ...], tuple[Vintages, dict[str, Matrix]]] = field(
        default_factory=dict
    )

    def operators(self, definition: LinkageDefinition) -> tuple[Vintages, dict[str, Matrix]]:
        """Return the shares and the measures' matrices; definitions that differ in firms share."""
        axes = self.grids[definition.region != "none"].axes
        key = (
            definition.region != "none",
            definition.flows,
            definition.denominator,
            definition.own_sector,
            definition.vintage,
        )
        if key not in self.matrices:
            names = dict.fromkeys((*self.measures, *DEFAULT_MEASURES))
            needed = {*names, *self.controls}
            vintages = choose_vintages(self.tables, axes.years, definition, needed)
            self.matrices[key] = vintages, {name: vintages.operator(name) for name in names}
        return self.matrices[key]


def _sum(
    rows: nw.DataFrame[Any] | nw.LazyFrame[Any],
    definitions: Sequence[LinkageDefinition],
    *,
    controls: bool,
) -> Cells:
    presences: list[Presence] = []
    for one in definitions:
        presences += [Presence.of(one), Presence.of(one, net=True)]
        if one.local_sourcing.by_owner:
            presences += [Presence.of(one, owner=group) for group in OWNERS.values()]
    regional = any(one.region != "none" for one in definitions)
    offered = rows.collect_schema().names()
    check_columns(offered, presences, regional=regional)
    if isinstance(rows, nw.DataFrame):  # carry to the engine what is summed, not the whole panel
        used = {*(REGIONAL if regional else CELL), *(name for p in presences for name in p.columns)}
        used |= {"firm"} if ENTRY_AGE in used else set()
        used |= {"output"} if controls else set()
        rows = row_engine(rows.select(name for name in offered if name in used))
    return sum_cells(rows, presences, regional=regional, controls=controls)


def _by_sector(
    cells: Cells, panel: FirmPanel | None, concordance: Concordance | None
) -> tuple[Cells, Split, list[str]]:
    """Return the cells of sectors, what stands for several of them, and what to say about it."""
    if panel is not None or concordance is None:
        split = {} if panel is None else panel.split
        return cells.by_sector(split), split, []
    rows = cells.frame.groupby("industry")["rows"].sum()
    held = {str(code): int(count) for code, count in rows.items()}
    found = recode(concordance, held, "split")
    moves = {code: found.shared.get(code, ((one, 1.0),)) for code, one in found.targets.items()}
    count = sum(held[code] for code in found.shared)
    return cells.by_sector(moves), found.split, [f"{found.note(count)}."] if count else []


def _build(job: _Job, definition: LinkageDefinition) -> tuple[Linkages, list[str]]:
    table, grid = job.tables[0], job.grids[definition.region != "none"]
    axes = grid.axes
    weights = region_matrix(job.region_weights, axes) if definition.region == "weighted" else None
    if definition.unobserved == "external" and job.external is None:
        raise SchemaError("unobserved='external' needs external=, a frame of industry, horizontal.")
    check_sourcing(definition, axes.sectors)
    vintages, operators = job.operators(definition)
    reached = years_reached(axes.years, definition)
    fields = build_fields(grid, definition, weights, job.external)
    columns: dict[str, NDArray[Any]] = {}
    for name in job.measures:
        value, weight = _weigh(operators[name], vintages, fields[MEASURES[name].kind], definition)
        if name == "horizontal":  # unknown, not zero, where there are no firms
            value = fields["plain"].value.copy()
        value[..., ~reached] = np.nan
        columns[name], columns[f"{name}_weight"] = value.ravel(), weight.ravel()
    columns.pop("horizontal_weight", None)
    firms = fields["plain"].firms.ravel()
    columns["firms"] = firms if job.split else firms.astype(np.int64)
    if job.controls:
        found = build_controls(job.controls, job.cells.frame, axes, vintages, job.tables)
        for name, values in found.items():
            columns[name] = np.repeat(values[:, None, :], len(axes.regions), axis=1).ravel()
    sums = _cell_sums(grid, definition)
    unobserved = unobserved_sectors(axes, vintages, operators, fields, reached)
    links = Linkages(
        data=pd.DataFrame({**grid.keys, **columns}),
        cells=pd.DataFrame({name: column.array for name, column in grid.cells.keys.items()} | sums),
        unobserved=unobserved,
        definition=definition,
        measures=job.measures,
        axes=axes,
        operators=operators,
        vintages=vintages,
        fields=fields,
        panel=job.panel,
        country=table.country,
        source=table.source,
        labels=table.labels,
        split=job.split,
    )
    nowhere = job.cells.nowhere
    said = notes(sums, unobserved, definition, nowhere=nowhere, lazy=job.panel is None)
    return links, [*skipped_years(axes.years, definition), *said]


def _weigh(
    operator: Matrix, vintages: Vintages, field: Field, definition: LinkageDefinition
) -> tuple[Matrix, Matrix]:
    """Return operator @ presence and operator @ observed, each (sectors, regions, years)."""
    value, weight = np.empty(field.value.shape), np.empty(field.value.shape)
    observed, filled = field.observed, np.nan_to_num(field.value)
    leans = np.zeros(field.value.shape, dtype=bool)
    for number, matrix in enumerate(operator):
        years = vintages.index == number
        value[..., years] = np.tensordot(matrix, filled[..., years], axes=1)
        weight[..., years] = np.tensordot(matrix, observed[..., years], axes=1)
        leans[..., years] = np.tensordot(matrix, 1 - observed[..., years], axes=1) > 0
    if definition.unobserved == "missing":
        value[leans] = np.nan
    return value, weight


def _cell_sums(grid: Grid, definition: LinkageDefinition) -> dict[str, NDArray[Any]]:
    sums = grid.cells.of(Presence.of(definition))
    if definition.nets_exports:
        net = grid.cells.of(Presence.of(definition, net=True))
        sums |= {f"net_{name}": net[name] for name in ("firms", "foreign", "total")}
    return sums


def check_linkages(links: object, name: str = "links") -> Linkages:
    """Return ``links`` if it is a :class:`Linkages`, else raise.

    Raises
    ------
    SchemaError
    """
    if isinstance(links, Linkages):
        return links
    raise SchemaError(f"{name} is a {type(links).__name__}; give the result of sp.linkages(...).")

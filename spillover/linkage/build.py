"""From a firm panel and input-output tables to linkage measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, overload
from warnings import warn

import numpy as np
import pandas as pd

from spillover._frames import row_engine
from spillover.errors import (
    ConcordanceError,
    SchemaError,
    SpilloverWarning,
    check_choice,
    preview,
    preview_counts,
)
from spillover.firms import FirmPanel, as_panel
from spillover.iotables import IOTable
from spillover.linkage.controls import CONTROLS, build_controls
from spillover.linkage.definition import JAVORCIK_2004, OWNERS, LinkageDefinition
from spillover.linkage.grid import Axes, Field, build_fields
from spillover.linkage.lazy import lazy_rows
from spillover.linkage.operators import MEASURES, Vintages, choose_vintages
from spillover.linkage.presence import Cells, Presence, check_columns, sum_cells
from spillover.linkage.result import DEFAULT_MEASURES, Linkages

if TYPE_CHECKING:
    import narwhals as nw
    from numpy.typing import NDArray

    from spillover._frames import NativeFrame

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

    Returns
    -------
    Linkages, or name -> Linkages

    Raises
    ------
    SchemaError
        If the panel lacks a column that the definition needs, or an argument does not fit.
    ConcordanceError
        If the panel has industries that are no sectors of the table.

    Warns
    -----
    SpilloverWarning
        Once, if sectors of the table have no usable firm data, with the weight that is lost, or if
        firms drop out for want of exports, a region or a known group.

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
    _check_arguments(named, measures, controls)
    tables = _sorted_tables(io)
    job = _Job(tables, tuple(measures), tuple(controls), external, region_weights)
    panel = None if (lazy := lazy_rows(firms)) is not None else as_panel(firms)
    rows = lazy if lazy is not None else row_engine(panel.frame)  # type: ignore[union-attr]
    cells = _sum(rows, list(named.values()), controls=bool(controls))
    _check_sectors(cells.frame, tables[0].sectors)
    built = {name: _build(job, cells, panel, one) for name, one in named.items()}
    notes = dict.fromkeys(note for _, found in built.values() for note in found)
    if notes:
        warn(" ".join(notes), SpilloverWarning, stacklevel=2)
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


def _check_arguments(named: object, measures: Sequence[str], controls: Sequence[str]) -> None:
    if not isinstance(named, Mapping) or not named:
        raise SchemaError(
            f"definition is a {type(named).__name__}; give a LinkageDefinition, such as "
            "sp.LinkageDefinition(own_sector='include'), or a dict of several."
        )
    for name, one in named.items():
        if not isinstance(one, LinkageDefinition):
            raise SchemaError(
                f"definition {name!r} is a {type(one).__name__}; give a LinkageDefinition."
            )
    for given, what, options in (
        (measures, "measures", list(MEASURES)),
        (controls, "controls", list(CONTROLS)),
    ):
        if isinstance(given, str):
            raise SchemaError(f"{what}={given!r} must be a list, such as [{given!r}].")
        for name in given:
            check_choice(what, name, options)


def _sorted_tables(io: object) -> tuple[IOTable, ...]:
    """Return the tables by year, all with the same sectors."""
    if isinstance(io, IOTable):
        return (io,)
    tables = list(io.values()) if isinstance(io, Mapping) else io
    if (
        not isinstance(tables, list | tuple)
        or not tables
        or not all(isinstance(table, IOTable) for table in tables)
    ):
        raise SchemaError(
            f"io is a {type(io).__name__}; give an IOTable, as sp.read_io returns it, or several."
        )
    if isinstance(io, Mapping):
        wrong = [year for year, table in io.items() if table.year not in {None, year}]
        if wrong:
            raise SchemaError(f"io: the tables given for {preview(wrong)} say another year.")
        years = list(io)
    else:
        years = [table.year for table in tables]
    if None in years or len(set(years)) < len(years):
        raise SchemaError(f"Several tables need distinct years; they say {preview(years, 12)}.")
    for table in tables[1:]:
        if table.sectors != tables[0].sectors:
            odd = sorted(set(table.sectors) ^ set(tables[0].sectors)) or ["their order"]
            raise SchemaError(
                f"The tables differ in their sectors: {preview(odd)}. Aggregate them to one list "
                "with io.aggregate(concordance)."
            )
    dated = zip(years, tables, strict=True)
    return tuple(
        replace(table, year=year) for year, table in sorted(dated, key=lambda pair: pair[0])
    )


def _sum(
    rows: nw.LazyFrame[Any], definitions: Sequence[LinkageDefinition], *, controls: bool
) -> Cells:
    presences: list[Presence] = []
    for one in definitions:
        presences += [Presence.of(one), Presence.of(one, net=True)]
        if one.local_sourcing.by_owner:
            presences += [Presence.of(one, owner=group) for group in OWNERS.values()]
    regional = any(one.region != "none" for one in definitions)
    check_columns(rows.collect_schema().names(), presences, regional=regional)
    return sum_cells(rows, presences, regional=regional, controls=controls)


def _build(
    job: _Job, cells: Cells, panel: FirmPanel | None, definition: LinkageDefinition
) -> tuple[Linkages, list[str]]:
    table = job.tables[0]
    regional = definition.region != "none"
    own = cells.of(Presence.of(definition), regional=regional)
    axes = Axes(
        table.sectors,
        tuple(sorted(own["region"].astype(str).unique())) if regional else ("",),
        np.sort(own["year"].unique()),
    )
    weights = _region_matrix(job.region_weights, axes) if definition.region == "weighted" else None
    if definition.unobserved == "external" and job.external is None:
        raise SchemaError("unobserved='external' needs external=, a frame of industry, horizontal.")
    vintages = choose_vintages(job.tables, axes.years, definition)
    fields = build_fields(cells, axes, definition, weights, job.external)
    operators = {name: vintages.operator(name) for name in {*job.measures, *DEFAULT_MEASURES}}
    data = _frame(axes)
    for name in job.measures:
        data[name], data[f"{name}_weight"] = _weigh(
            operators[name], vintages, fields[MEASURES[name].kind], definition
        )
    data = data.drop(columns="horizontal_weight", errors="ignore")
    data["firms"] = fields["plain"].firms.ravel().astype(np.int64)
    found = (
        build_controls(job.controls, cells.frame, axes, vintages, job.tables)
        if job.controls
        else {}
    )
    for name, values in found.items():
        data[name] = np.repeat(values[:, None, :], len(axes.regions), axis=1).ravel()
    sums = _cells_frame(cells, definition, own)
    unobserved = _unobserved(axes, vintages, operators, fields)
    links = Linkages(
        data=data.astype({"industry": own["industry"].dtype}),
        cells=sums,
        unobserved=unobserved,
        definition=definition,
        measures=job.measures,
        axes=axes,
        operators=operators,
        vintages=vintages,
        fields=fields,
        panel=panel,
        country=table.country,
        source=table.source,
        labels=table.labels,
    )
    return links, _notes(sums, unobserved, definition)


def _frame(axes: Axes) -> pd.DataFrame:
    sectors, regions, years = axes.shape
    columns: dict[str, NDArray[Any]] = {
        "industry": np.repeat(np.array(axes.sectors, dtype=object), regions * years)
    }
    if axes.regions != ("",):
        columns["region"] = np.tile(np.repeat(np.array(axes.regions, dtype=object), years), sectors)
    columns["year"] = np.tile(axes.years, sectors * regions)
    return pd.DataFrame(columns)


def _weigh(
    operator: Matrix, vintages: Vintages, field: Field, definition: LinkageDefinition
) -> tuple[Matrix, Matrix]:
    """Return operator @ presence and operator @ observed, flat over (sectors, regions, years)."""
    value, weight = np.empty(field.value.shape), np.empty(field.value.shape)
    observed, filled = field.observed, np.nan_to_num(field.value)
    leans = np.zeros(field.value.shape, dtype=bool)
    for number, matrix in enumerate(operator):
        years = vintages.index == number
        value[..., years] = np.tensordot(matrix, filled[..., years], axes=1)
        weight[..., years] = np.tensordot(matrix, observed[..., years], axes=1)
        leans[..., years] = np.tensordot(matrix, 1 - observed[..., years], axes=1) > 0
    missing = leans if definition.unobserved == "missing" else np.zeros_like(leans)
    if operator.shape[-1] and np.array_equal(operator[0], np.eye(operator.shape[-1])):
        missing = observed == 0  # Horizontal is unknown, not zero, where there are no firms
    value[missing] = np.nan
    return value.ravel(), weight.ravel()


def _cells_frame(cells: Cells, definition: LinkageDefinition, own: pd.DataFrame) -> pd.DataFrame:
    table = own.copy()
    if definition.nets_exports:
        net = cells.of(Presence.of(definition, net=True), regional=definition.region != "none")
        for name in ("firms", "foreign", "total"):
            table[f"net_{name}"] = net[name]
    return table


def _region_matrix(weights: pd.DataFrame | None, axes: Axes) -> Matrix:
    if weights is None:
        raise SchemaError("region='weighted' needs region_weights=, a frame of regions × regions.")
    table = weights.copy()
    table.index, table.columns = table.index.astype(str), table.columns.astype(str)
    lacking = sorted(set(axes.regions) - (set(table.index) & set(table.columns)))
    if lacking:
        raise SchemaError(f"region_weights lacks the regions {preview(lacking)}.")
    matrix = table.loc[list(axes.regions), list(axes.regions)].to_numpy(dtype=float)
    if not (np.isfinite(matrix) & (matrix >= 0)).all():
        raise SchemaError("region_weights holds negative or missing weights.")
    return matrix


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
    axes: Axes, vintages: Vintages, operators: Mapping[str, Matrix], fields: Mapping[Any, Field]
) -> pd.DataFrame:
    """List sectors without usable presence and how much the sectors with firms lean on them."""
    observed, net_observed = fields["plain"].observed, fields["net"].observed
    with_firms = observed.any(axis=(1, 2))
    with_firms |= not with_firms.any()  # without any, average over all
    unseen, net_unseen = 1 - observed, 1 - net_observed
    share = np.bincount(vintages.index, minlength=len(vintages.shares)) / len(axes.years)
    supply, inputs = (
        np.tensordot(share, operators[name], axes=1)[with_firms].mean(axis=0)
        for name in ("backward", "forward")
    )
    table = pd.DataFrame(
        {
            "industry": list(axes.sectors),
            "years": np.maximum(unseen, net_unseen).max(axis=1).sum(axis=1).astype(int),
            "backward_share": supply * unseen.mean(axis=(1, 2)),
            "forward_share": inputs * net_unseen.mean(axis=(1, 2)),
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
        outside = (cells["net_foreign"] < 0) | (cells["net_foreign"] > cells["net_total"])
        if outside.any():
            notes.append(
                f"Presence net of exports lies outside 0 to 1 in {int(outside.sum())} "
                "industry-years, where firms export more than they make."
            )
    if definition.weight in {"employment", "capital"}:
        without = int((cells["rows"] - cells["firms"]).sum())
        if without:
            notes.append(
                f"{without:,} firm-years without {definition.weight} or a foreign share do not "
                "count towards presence."
            )
    unknown = int(cells["unknown"].sum())
    if unknown and definition.foreign is not None:
        notes.append(
            f"{unknown:,} foreign firm-years count as outside the group "
            f"{definition.foreign.name!r}: their {definition.foreign.column!r} is missing."
        )
    if len(unobserved):
        notes.append(_lost_weight(unobserved, definition))
    return notes


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


def check_linkages(links: object, name: str = "links") -> Linkages:
    """Return ``links`` if it is a :class:`Linkages`, else raise.

    Raises
    ------
    SchemaError
    """
    if isinstance(links, Linkages):
        return links
    raise SchemaError(f"{name} is a {type(links).__name__}; give the result of sp.linkages(...).")

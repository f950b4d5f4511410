"""Cutting one country out of a world table while its rows are read, one row at a time.

A row of a world table is looked at once: the home country's rows give domestic flows, final demand
and exports; of every other product row only the cells in the home country's columns are used. The
memory needed is that of one country (about ``n x columns`` numbers), not of the whole table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spillover.errors import SchemaError, preview
from spillover.iotables.readers.sources import Parts, choose, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
# Final uses that are sales abroad wherever they stand.
_ABROAD = ("export", "nonres", "re-export")


class Column(NamedTuple):
    """A column of a world table: where its cell stands in a row, and what it is."""

    position: int
    country: str
    item: str
    final: bool


@dataclass(frozen=True)
class Layout:
    """The columns of a world table, and the totals beside and below them.

    Attributes
    ----------
    columns : sequence of Column
        Industries and final uses of all countries.
    output_column : int, optional
        Position of gross output by row.
    output_rows : frozenset of str
        Names of the row with gross output by column.
    residual_column : int, optional
        Position of a statistical discrepancy that belongs to no country.
    passive_rows : frozenset of str
        Names of rows (taxes, value added, margins, sums) that are no products.
    """

    columns: Sequence[Column]
    output_column: int | None = None
    output_rows: frozenset[str] = frozenset()
    residual_column: int | None = None
    passive_rows: frozenset[str] = frozenset()

    @property
    def countries(self) -> list[str]:
        """Countries that have industries, in order."""
        return list(dict.fromkeys(c.country for c in self.columns if not c.final))


@dataclass
class Cut:
    """One country's pieces, and its purchases of products that it has no industry for."""

    parts: Parts
    unmatched: Array


@dataclass
class _Home:
    """Positions of the home country's columns and the sums that rows are added to."""

    industries: list[str]
    buys: Indices  # positions of home industries
    sums: Array  # (len(buys), n): adds the columns of split regions up
    uses: Indices  # positions of home final uses
    abroad: Indices
    products: frozenset[tuple[str, str]]
    domestic: Array
    imported: Array
    final: Array
    exports: Array
    imports: Array
    stated: Array  # gross output by row
    below: Array | None = None  # gross output by column
    residual: float = 0.0
    unmatched: Array = field(default_factory=lambda: np.zeros(0))
    lost: float = 0.0
    blanks: int = 0
    seen: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)


def _home(layout: Layout, country: str) -> _Home:
    own = [c for c in layout.columns if c.country == country]
    industries = list(dict.fromkeys(c.item for c in own if not c.final))
    place = {item: i for i, item in enumerate(industries)}
    bought = [c for c in own if not c.final]
    sums = np.zeros((len(bought), len(industries)))
    sums[np.arange(len(bought)), [place[c.item] for c in bought]] = 1.0
    sold = [c for c in own if c.final and c.item.casefold().startswith(_ABROAD)]
    elsewhere = [*(c for c in layout.columns if c.country != country), *sold]
    n = len(industries)
    return _Home(
        industries,
        _positions(bought),
        sums,
        _positions([c for c in own if c.final and c not in set(sold)]),
        _positions(elsewhere),
        frozenset((c.country, c.item) for c in layout.columns if not c.final),
        domestic=np.zeros((n, n)),
        imported=np.zeros((n, n)),
        final=np.zeros(n),
        exports=np.zeros(n),
        imports=np.zeros(n),
        stated=np.zeros(n),
        unmatched=np.zeros(n),
    )


def _positions(columns: Sequence[Column]) -> Indices:
    return np.array([column.position for column in columns], dtype=np.intp)


def cut_rows(
    rows: Iterable[tuple[str, str, Sequence[object] | Array]],
    layout: Layout,
    country: str | None,
    *,
    where: str,
    expected: str = "",
) -> Cut:
    """Cut one country out of a world table.

    Parameters
    ----------
    rows : iterable of (country, item, cells)
        The rows, suppliers; ``cells[column.position]`` is the cell of a column. Cells may be
        numbers, text or blank. Rows of split regions carry the country they are part of.
    layout : Layout
        The columns.
    country : str or None
        The country to cut.
    where : str
        Name of the file for messages.
    expected : str
        What the layout should be, for messages.

    Returns
    -------
    Cut
        ``parts`` with domestic flows, imports added up by product over all other countries, final
        demand for domestic products, exports of intermediate and final products, imports by
        product and gross output.

    Raises
    ------
    SchemaError
        If the country does not exist, one of its industries has no row, or a cell is no number.
    """
    name = choose("country", country, layout.countries, where)
    home = _home(layout, name)
    place = {item: i for i, item in enumerate(home.industries)}
    for place_of, item, cells in rows:
        label = f"{where}, row {place_of} {item}".strip()
        if (place_of, item) in home.products:
            if place_of == name:
                _add_home(home, place[item], cells, layout, label)
                home.seen.add(item)
            else:
                _add_foreign(home, place.get(item), cells, label)
        elif item in layout.output_rows:
            home.below = _numbers(home, cells, home.buys, label) @ home.sums
        elif item not in layout.passive_rows:
            home.unknown.append(f"{place_of} {item}".strip())
    _check_rows(home, name, where, expected)
    return Cut(_parts(home, layout, name), home.unmatched)


def _add_home(
    home: _Home, i: int, cells: Sequence[object] | Array, layout: Layout, label: str
) -> None:
    home.domestic[i] += _numbers(home, cells, home.buys, label) @ home.sums
    home.final[i] += _numbers(home, cells, home.uses, label).sum()
    home.exports[i] += _numbers(home, cells, home.abroad, label).sum()
    if layout.output_column is not None:
        column = np.array([layout.output_column], dtype=np.intp)
        home.stated[i] += _numbers(home, cells, column, label)[0]
    if layout.residual_column is not None:
        column = np.array([layout.residual_column], dtype=np.intp)
        amount = float(_numbers(home, cells, column, label)[0])
        home.final[i] += amount
        home.residual += abs(amount)


def _add_foreign(home: _Home, i: int | None, cells: Sequence[object] | Array, label: str) -> None:
    bought = _numbers(home, cells, home.buys, label) @ home.sums
    used = float(_numbers(home, cells, home.uses, label).sum())
    if i is None:
        home.unmatched += bought
        home.lost += float(bought.sum()) + used
        return
    home.imported[i] += bought
    home.imports[i] += bought.sum() + used


def _numbers(home: _Home, cells: Sequence[object] | Array, positions: Indices, label: str) -> Array:
    """Take some cells of a row as floats; blank cells are zero and are counted."""
    if isinstance(cells, np.ndarray):
        picked = np.asarray(cells[positions], dtype=np.float64)
    else:
        wanted = [cells[p] if p < len(cells) else None for p in positions]
        try:
            picked = np.array(wanted, dtype=np.float64)
        except (TypeError, ValueError):
            picked = np.array([_number(cell, label) for cell in wanted], dtype=np.float64)
    blank = np.isnan(picked)
    if blank.any():
        home.blanks += int(blank.sum())
        picked = np.where(blank, 0.0, picked)
    return picked


def _number(cell: object, label: str) -> float:
    word = text(cell)
    if not word:
        return float("nan")
    try:
        return float(word)
    except ValueError:
        msg = f"{label} has a cell that is not a number: {word!r}."
        raise SchemaError(msg) from None


def _check_rows(home: _Home, country: str, where: str, expected: str) -> None:
    missing = [item for item in home.industries if item not in home.seen]
    if missing:
        msg = (
            f"{where}: {len(missing)} of {len(home.industries)} columns of {country} are neither "
            f"known final uses nor have a row: {preview(missing, 12)}. Expected {expected}."
        )
        raise SchemaError(msg)


def _parts(home: _Home, layout: Layout, country: str) -> Parts:
    """Put the pieces together, with notes on what was left out or assumed."""
    total = home.domestic.sum(axis=1) + home.final + home.exports
    output = home.stated if layout.output_column is not None else home.below
    notes = []
    if home.unknown:
        notes.append(
            f"{len(home.unknown)} row(s) are no products and were left out: "
            f"{preview(home.unknown, 12)}"
        )
    if home.lost:
        notes.append(
            f"imports of {home.lost:,.6g} of products that {country} has no industry for are "
            "in no column of imports"
        )
    if home.residual:
        notes.append(
            f"the statistical discrepancy of the source (in all {home.residual:,.6g} for "
            f"{country}) was added to final demand"
        )
    if home.blanks:
        notes.append(f"{home.blanks} blank cell(s) were read as zero")
    return Parts(
        home.industries,
        domestic=home.domestic,
        imported=home.imported,
        final_demand=home.final,
        exports=home.exports,
        imports=home.imports,
        output=total if output is None else output,
        country=country,
        notes=notes,
    )

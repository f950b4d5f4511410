"""The input-output table of one country and year."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spillover.errors import SchemaError, check_choice
from spillover.iotables import balance as balances
from spillover.iotables import display, shares
from spillover.iotables import validation as checks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spillover.iotables.concordance import Concordance
    from spillover.iotables.shares import OwnSector

Array = NDArray[np.float64]
Flows = Literal["total", "domestic", "imported"]
Denominator = Literal["intermediate", "intermediate_and_final", "output"]
FLOWS: tuple[Flows, ...] = ("total", "domestic", "imported")
DENOMINATORS: tuple[Denominator, ...] = ("intermediate", "intermediate_and_final", "output")


@dataclass(frozen=True, eq=False, repr=False)
class IOTable:
    """Intermediate flows, uses and output of the sectors of one country in one year.

    Build it with :meth:`from_arrays` (which checks everything) or :func:`read_io`. Matrices have
    the supplying sector in the rows and the using sector in the columns. All arrays are read-only
    copies in one currency unit.

    Attributes
    ----------
    sectors : tuple of str
        The n sector codes.
    domestic, imported, total : (n, n) array or None
        Intermediate flows of domestic products, of imported products, and their sum. A source that
        does not tell them apart gives ``total`` only.
    final_demand : (n,) array
        Final use at home: consumption, investment and change in stocks (may be negative). Of
        domestic products if ``domestic`` is known, else of domestic and imported products together.
    exports, output : (n,) array
        Exports and gross output.
    imports : (n,) array or None
        Imports of each product; a table with total flows only needs them to balance.
    unit, country, year, source
        What the numbers are, for reports.
    labels : mapping
        Sector code to description.
    """

    sectors: tuple[str, ...]
    domestic: Array | None
    imported: Array | None
    total: Array | None
    final_demand: Array
    exports: Array
    output: Array
    imports: Array | None
    unit: str
    country: str = ""
    year: int | None = None
    source: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (*FLOWS, "final_demand", "exports", "output", "imports"):
            value = getattr(self, name)
            if value is not None:
                frozen = np.array(value, dtype=np.float64)
                frozen.flags.writeable = False
                object.__setattr__(self, name, frozen)

    @classmethod
    def from_arrays(
        cls,
        sectors: Sequence[object],
        *,
        domestic: checks.Input | None = None,
        imported: checks.Input | None = None,
        total: checks.Input | None = None,
        final_demand: checks.Input | None = None,
        exports: checks.Input | None = None,
        output: checks.Input | None = None,
        imports: checks.Input | None = None,
        unit: str,
        country: str = "",
        year: int | None = None,
        source: str = "",
        labels: Mapping[str, str] | None = None,
        negative: Literal["error", "keep"] = "error",
    ) -> IOTable:
        """Check the pieces of a table and put them together.

        Parameters
        ----------
        sectors : sequence of str
            Sector codes; they fix the order. Data frames and series are aligned by their labels.
        domestic, imported, total : (n, n) array or DataFrame, optional
            Intermediate flows. At least ``domestic`` or ``total``; two of them give the third.
        final_demand, exports : (n,) array or Series, optional
            Uses; zero if left out.
        output : (n,) array or Series, optional
            Gross output. If left out it is the sum of the uses (less ``imports`` for a table with
            total flows only), so that the table balances by construction.
        imports : (n,) array or Series, optional
            Imports by product.
        unit : str
            Currency and scale, such as ``"million EUR"``.
        country, year, source, labels : optional
            For reports.
        negative : {'error', 'keep'}
            Negative intermediate flows are refused, or kept with a warning.

        Raises
        ------
        SchemaError
            Lists everything that is wrong at once: sector codes, shapes, labels that differ,
            missing or negative values, deliveries of sectors without output.

        Examples
        --------
        >>> io = IOTable.from_arrays(["food", "steel"], domestic=[[1, 3], [2, 2]],
        ...                          final_demand=[6, 1], exports=[0, 5], unit="million EUR")
        >>> io.output
        array([10., 10.])
        """
        names, flows, uses = checks.assemble(
            sectors,
            {"domestic": domestic, "imported": imported, "total": total},
            {
                "final_demand": final_demand,
                "exports": exports,
                "output": output,
                "imports": imports,
            },
            unit=unit,
            negative=negative,
            subject=source or country,
        )
        return cls(
            names,
            *flows,
            uses.final_demand,
            uses.exports,
            uses.output,
            uses.imports,
            unit=unit,
            country=country,
            year=None if year is None else int(year),
            source=source,
            labels={str(k): str(v) for k, v in (labels or {}).items()},
        )

    @property
    def separates_imports(self) -> bool:
        """Whether domestic and imported intermediate flows are known apart."""
        return self.imported is not None

    @property
    def idle_sectors(self) -> tuple[str, ...]:
        """Sectors that sell nothing to, or buy nothing from, other firms as intermediates.

        Their row of supply shares or of input shares is zero rather than undefined.
        """
        known = self.total if self.total is not None else self.flows("domestic")
        idle = (known == 0).all(axis=1) | (known == 0).all(axis=0)
        return tuple(s for s, flag in zip(self.sectors, idle, strict=True) if flag)

    def flows(self, which: Flows = "total") -> Array:
        """Return the matrix of intermediate flows, suppliers in rows.

        ``which`` takes all products, domestic products only or imported products only; the array
        is read-only. Raises :class:`SchemaError` if the table does not know these flows.
        """
        check_choice("flows", which, FLOWS)
        value: Array | None = getattr(self, which)
        if value is None:
            known = [f"{name!r}" for name in FLOWS if getattr(self, name) is not None]
            reason = (
                "does not separate domestic from imported flows"
                if self.domestic is None
                else "holds domestic flows only"
            )
            msg = f"{self!r} {reason}; flows={which!r} is unknown. Use flows={' or '.join(known)}."
            raise SchemaError(msg)
        return value

    def supply_shares(
        self,
        flows: Flows = "total",
        denominator: Denominator = "intermediate",
        own_sector: OwnSector = "exclude",
    ) -> pd.DataFrame:
        """Share of each sector's sales that goes to each using sector (weights of Backward).

        ``alpha[j, k] = Z[j, k] / d[j]`` with suppliers j in rows and customers k in columns
        (Javorcik 2004).

        Parameters
        ----------
        flows : {'total', 'domestic', 'imported'}
            Which intermediate flows.
        denominator : {'intermediate', 'intermediate_and_final', 'output'}
            Sales of j to divide by: ``sum_k Z[j, k]``, the same plus final demand at home, or
            gross output. The latter two fit flows of domestic products.
        own_sector : {'exclude', 'exclude_renormalised', 'include', 'only'}
            See :func:`spillover.iotables.shares.supply_shares`.

        Returns
        -------
        DataFrame
            n rows (suppliers), n columns (customers). Sectors without intermediate sales
            (see :attr:`idle_sectors`) have a row of zeros.

        Raises
        ------
        SchemaError
            If the flows are unknown, the denominator is not positive, or imported flows are to
            be divided by sales of domestic products.

        Warns
        -----
        SpilloverWarning
            If total flows, which include imported products, exceed the output or sales of domestic
            products in some sectors: their shares sum to more than one.

        Examples
        --------
        >>> io = IOTable.from_arrays(["food", "steel"], domestic=[[1, 3], [2, 2]], unit="m")
        >>> io.supply_shares("domestic")
        user      food  steel
        supplier
        food       0.0   0.75
        steel      0.5   0.00
        """
        check_choice("denominator", denominator, DENOMINATORS)
        Z = self.flows(flows)
        if denominator != "intermediate" and flows == "imported":
            msg = (
                f"denominator={denominator!r} counts sales of domestic sectors, of which imported "
                "flows are no part. Use denominator='intermediate'."
            )
            raise SchemaError(msg)
        d = self.output if denominator == "output" else Z.sum(axis=1)
        if denominator == "intermediate_and_final":
            d = d + self.final_demand
        alpha = shares.supply_shares(Z, d, own_sector=own_sector, sectors=self.sectors)
        balances.warn_large_shares(self, Z, d, denominator)
        return self._labelled(alpha, "supplier", "user")

    def input_shares(
        self, flows: Flows = "total", own_sector: OwnSector = "exclude"
    ) -> pd.DataFrame:
        """Share of each sector's intermediate purchases that comes from each supplier.

        ``sigma[j, m] = Z[m, j] / sum_m Z[m, j]`` with buyers j in rows and suppliers m in columns
        (the weights of Forward in Javorcik 2004).

        Parameters and errors are those of :meth:`supply_shares`.

        Examples
        --------
        >>> io = IOTable.from_arrays(["food", "steel"], domestic=[[1, 3], [3, 2]], unit="m")
        >>> io.input_shares("domestic")
        supplier  food  steel
        user
        food       0.0   0.75
        steel      0.6   0.00
        """
        sigma = shares.input_shares(self.flows(flows), own_sector=own_sector, sectors=self.sectors)
        return self._labelled(sigma, "user", "supplier")

    def technical_coefficients(self, flows: Flows = "total") -> pd.DataFrame:
        """Return inputs per unit of output; see :func:`.shares.technical_coefficients`."""
        a = shares.technical_coefficients(self.flows(flows), self.output, sectors=self.sectors)
        return self._labelled(a, "supplier", "user")

    def allocation_coefficients(self, flows: Flows = "total") -> pd.DataFrame:
        """Return sales per unit of output; see :func:`.shares.allocation_coefficients`."""
        b = shares.allocation_coefficients(self.flows(flows), self.output, sectors=self.sectors)
        return self._labelled(b, "supplier", "user")

    def leontief(self, flows: Flows = "total") -> pd.DataFrame:
        """Leontief inverse of the technical coefficients; see :func:`.shares.leontief`."""
        inverse = shares.leontief(self.flows(flows), self.output, sectors=self.sectors)
        return self._labelled(inverse, "supplier", "user")

    def ghosh(self, flows: Flows = "total") -> pd.DataFrame:
        """Ghosh inverse of the allocation coefficients; see :func:`.shares.ghosh`."""
        inverse = shares.ghosh(self.flows(flows), self.output, sectors=self.sectors)
        return self._labelled(inverse, "supplier", "user")

    def value_added(self) -> pd.Series:
        """Output less intermediate inputs, by sector.

        Inputs are the total flows; a table with domestic flows only cannot take imported inputs
        off, so that its value added includes them. Taxes on products and margins that the source
        keeps outside the flows are in value added, too.

        Returns
        -------
        Series
            Indexed by sector, in the unit of the table.
        """
        known = self.total if self.total is not None else self.flows("domestic")
        value = self.output - known.sum(axis=0)
        return pd.Series(value, index=self._index("sector"), name="value_added")

    def balance(self) -> pd.DataFrame:
        """Compare output with the sum of uses, sector by sector.

        Uses are ``domestic.sum(1) + final_demand + exports``; for a table with total flows only
        ``total.sum(1) + final_demand + exports - imports``.

        Returns
        -------
        DataFrame
            Columns sector, output, uses, gap (output less uses), relative_gap (share of output;
            infinite where a sector has uses but no output), value_added (see :meth:`value_added`).

        Examples
        --------
        >>> io = IOTable.from_arrays(["food", "steel"], domestic=[[1, 3], [2, 2]],
        ...                          final_demand=[6, 1], output=[10, 8], unit="million EUR")
        >>> io.balance()[["sector", "output", "uses", "gap"]]
          sector  output  uses  gap
        0   food    10.0  10.0  0.0
        1  steel     8.0   5.0  3.0
        """
        return balances.balance(self)

    def check_balance(self, tolerance: float = 0.02, *, absolute: float = 0.0) -> None:
        """Raise unless output equals uses in every sector.

        Parameters
        ----------
        tolerance : float
            Largest gap allowed, as a share of the sector's output.
        absolute : float
            A gap up to this amount (in the unit of the table) is allowed whatever the share;
            for sources that round their cells.

        Raises
        ------
        SchemaError
            Names the sectors with the largest gaps, and says whether the transposed table would
            balance, which means that rows and columns were exchanged.

        Warns
        -----
        SpilloverWarning
            If the rows balance but some sectors have negative value added.
        """
        balances.check_balance(self, tolerance, absolute)

    def aggregate(self, concordance: Concordance) -> IOTable:
        """Add up sectors to a coarser classification.

        Flows become ``W' Z W`` and vectors ``W' v``, where ``W`` holds the weights of the
        concordance. Totals and the row identity are kept exactly. Where a sector is split by
        weights, its purchases and sales are assumed to split in the same proportions.

        Raises :class:`ConcordanceError` if a sector has no counterpart.
        """
        return balances.aggregate(self, concordance)

    def to_frame(self) -> pd.DataFrame:
        """Return everything in long form; ``read_io(path, format="long")`` reads it back.

        Columns are row, column, flow and value. ``flow`` is ``domestic``, ``imported`` or ``total``
        for cells of a matrix, else ``final_demand``, ``exports``, ``output`` or ``imports``, and
        then ``column`` repeats it.
        """
        return display.to_frame(self)

    def _index(self, name: str) -> pd.Index:
        return pd.Index(list(self.sectors), name=name)

    def _labelled(self, matrix: Array, rows: str, columns: str) -> pd.DataFrame:
        return pd.DataFrame(matrix, index=self._index(rows), columns=self._index(columns))

    def __repr__(self) -> str:
        return display.one_line(self)

    def _repr_html_(self) -> str:
        return display.html_summary(self)

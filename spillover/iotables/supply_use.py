"""Supply and use tables, and the symmetric tables that can be made of them."""

from __future__ import annotations

import html
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spillover.errors import SchemaError, SpilloverWarning, preview
from spillover.iotables.rectangular import assemble
from spillover.iotables.table import IOTable
from spillover.iotables.transformation import (
    BY_PRODUCT,
    MODELS,
    negative_flows,
    transformation,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from spillover.iotables.rectangular import Input
    from spillover.iotables.transformation import Model

Array = NDArray[np.float64]
_MATRICES = ("domestic", "imported", "total")
_GIVEN = ("supply", "make", *_MATRICES)


@dataclass(frozen=True, eq=False, repr=False)
class SupplyUse:
    """Supply and use of m products by n industries of one country in one year, at basic prices.

    Build it with :meth:`from_arrays`, which checks everything. Products are in the rows of every
    matrix and industries in the columns. (The *make* matrix ``V`` of the literature is the
    transpose of ``supply``.) All arrays are read-only copies in one currency unit.

    Attributes
    ----------
    products, industries : tuple of str
        Codes.
    supply : (m, n) array
        Domestic output of each product by each industry.
    domestic, imported, total : (m, n) array or None
        Intermediate use of domestic products, of imported products, and of both.
    final_demand, exports : (m,) array
        Uses; of domestic products if ``domestic`` is known, else of domestic and imported ones.
    imports : (m,) array or None
        Imports by product; a table with total use only needs them to balance.
    value_added : (n,) array
        Everything an industry pays beside intermediate products, taxes on these included.
    unit, country, year, source, labels
        As in :class:`IOTable`.
    """

    products: tuple[str, ...]
    industries: tuple[str, ...]
    supply: Array
    domestic: Array | None
    imported: Array | None
    total: Array | None
    final_demand: Array
    exports: Array
    imports: Array | None
    value_added: Array
    unit: str
    country: str = ""
    year: int | None = None
    source: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        vectors = ("final_demand", "exports", "imports", "value_added")
        for name in ("supply", *_MATRICES, *vectors):
            value = getattr(self, name)
            if value is not None:
                frozen = np.array(value, dtype=np.float64)
                frozen.flags.writeable = False
                object.__setattr__(self, name, frozen)

    @classmethod
    def from_arrays(
        cls,
        products: Sequence[object],
        industries: Sequence[object],
        *,
        supply: Input | None = None,
        make: Input | None = None,
        domestic: Input | None = None,
        imported: Input | None = None,
        total: Input | None = None,
        final_demand: Input | None = None,
        exports: Input | None = None,
        imports: Input | None = None,
        value_added: Input | None = None,
        unit: str,
        country: str = "",
        year: int | None = None,
        source: str = "",
        labels: Mapping[str, str] | None = None,
        negative: Literal["error", "keep"] = "error",
    ) -> SupplyUse:
        """Check the pieces of the tables and put them together.

        Parameters
        ----------
        products, industries : sequence of str
            Codes; they fix the order. Data frames and series are aligned by their labels.
        supply : (m, n) array or DataFrame, optional
            Domestic output, products in rows. Give this or ``make``.
        make : (n, m) array or DataFrame, optional
            Its transpose, industries in rows.
        domestic, imported, total : (m, n) array or DataFrame, optional
            Intermediate use, products in rows; at least ``domestic`` or ``total``, two of them
            give the third.
        final_demand, exports : (m,) array or Series, optional
            Zero if left out.
        imports : (m,) array or Series, optional
            Imports by product.
        value_added : (n,) array or Series, optional
            If left out, output less intermediate use, so that the industries balance.
        unit, country, year, source, labels
            For reports.
        negative : {'error', 'keep'}
            Negative cells of supply and use are refused, or kept with a warning.

        Raises
        ------
        SchemaError
            Lists everything that is wrong at once.

        Examples
        --------
        >>> sut = SupplyUse.from_arrays(["food", "steel"], ["farms", "mills"],
        ...     supply=[[8, 0], [2, 10]], domestic=[[1, 3], [2, 2]], final_demand=[4, 8], unit="m")
        >>> sut.to_symmetric("fixed_product_sales").flows("domestic").round(3)
        array([[1.333, 3.333],
               [1.667, 1.667]])
        """
        parts = assemble(
            products,
            industries,
            matrices=dict(zip(_GIVEN, (supply, make, domestic, imported, total), strict=True)),
            vectors={"final_demand": final_demand, "exports": exports, "imports": imports},
            value_added=value_added,
            unit=unit,
            negative=negative,
            subject=source or country,
        )
        return cls(
            **parts,
            unit=unit,
            country=country,
            year=None if year is None else int(year),
            source=source,
            labels={str(k): str(v) for k, v in (labels or {}).items()},
        )

    @property
    def product_output(self) -> Array:
        """Domestic output by product, (m,): ``q``."""
        return np.asarray(self.supply.sum(axis=1), dtype=np.float64)

    @property
    def industry_output(self) -> Array:
        """Domestic output by industry, (n,): ``g``."""
        return np.asarray(self.supply.sum(axis=0), dtype=np.float64)

    @property
    def secondary_share(self) -> float:
        """Share of output off the diagonal of a square supply matrix; NaN if it is not square."""
        if len(self.products) != len(self.industries):
            return float("nan")
        return 1.0 - float(np.trace(self.supply)) / float(self.supply.sum())

    def _known(self) -> Array:
        known = self.total if self.total is not None else self.domestic
        return np.zeros(self.supply.shape) if known is None else known

    def balance(self) -> pd.DataFrame:
        """Compare output with uses (products) and with costs (industries).

        Returns
        -------
        DataFrame
            Columns kind (product or industry), code, output, counterpart, gap (output less
            counterpart), relative_gap (share of output). The counterpart of a product is
            intermediate use, final demand and exports (less imports for a table with total use
            only), that of an industry intermediate use and value added.
        """
        rows = self.domestic if self.domestic is not None else self._known()
        uses = rows.sum(axis=1) + self.final_demand + self.exports
        if self.domestic is None and self.imports is not None:
            uses = uses - self.imports
        costs = self._known().sum(axis=0) + self.value_added
        output = np.concatenate([self.product_output, self.industry_output])
        other = np.concatenate([uses, costs])
        gap = output - other
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(gap == 0, 0.0, gap / output)
        kinds = ["product"] * len(self.products) + ["industry"] * len(self.industries)
        return pd.DataFrame(
            {
                "kind": kinds,
                "code": [*self.products, *self.industries],
                "output": output,
                "counterpart": other,
                "gap": gap,
                "relative_gap": relative,
            }
        )

    def check_balance(self, tolerance: float = 0.02, *, absolute: float = 0.0) -> None:
        """Raise unless every product and every industry balances.

        Parameters
        ----------
        tolerance : float
            Largest gap allowed, as a share of output.
        absolute : float
            A gap up to this amount (in the unit of the table) is allowed whatever the share.

        Raises
        ------
        SchemaError
            Names the products and industries with the largest gaps.
        """
        frame = self.balance()
        off = frame[frame["gap"].abs() > np.maximum(tolerance * frame["output"], absolute)]
        if off.empty:
            return
        worst = off.loc[off["gap"].abs().sort_values(ascending=False).index].head(5)
        listed = "; ".join(
            f"{row.kind} {row.code} ({row.output:,.5g} against {row.counterpart:,.5g})"
            for row in worst.itertuples()
        )
        msg = (
            f"{self!r} does not balance: {len(off)} of {len(frame)} products and industries differ "
            f"by more than {tolerance:.2g} of output. Largest gaps (output against uses or costs): "
            f"{listed}. Check that supply and "
            "use are both at basic prices, and that imports are given for total use."
        )
        raise SchemaError(msg)

    def to_symmetric(self, model: Model = "fixed_product_sales") -> IOTable:
        """Turn the tables into one symmetric input-output table.

        Parameters
        ----------
        model : {'fixed_product_sales', 'industry_technology', 'product_technology', \
'fixed_industry_sales'}
            What to assume about secondary products; letters as in Eurostat (2008):

            - ``fixed_product_sales`` (model D, industry × industry, the default): a product is
              sold to the same users whichever industry makes it. No negatives; firms belong to
              industries, so that this is the table for firm data.
            - ``industry_technology`` (B, product × product): an industry makes all its products
              with the same inputs. No negatives.
            - ``product_technology`` (A, product × product): a product needs the same inputs
              whichever industry makes it. Needs as many products as industries.
            - ``fixed_industry_sales`` (C, industry × industry): an industry sells all its
              products to the same users. Needs as many products as industries.

        Returns
        -------
        IOTable
            Domestic and imported flows stay apart if they are known apart. It balances where the
            supply and use tables do. Formulas: :func:`.transformation.transformation`.

        Raises
        ------
        SchemaError
            If products that no industry makes (or industries that make nothing) have uses (or
            inputs) that the model cannot place, or A or C get unequal numbers.
        IdentificationError
            If the supply matrix is singular (A and C).

        Warns
        -----
        SpilloverWarning
            If A or C give negative flows, with their number and sum.

        References
        ----------
        Eurostat (2008), Manual of Supply, Use and Input-Output Tables, chapter 11. United Nations
        (2018), Handbook on Supply and Use Tables and Input-Output Tables, box 12.3, p. 383; A and D
        fulfil its criteria of quality best (p. 406). Miller and Blair (2009),
        Input-Output Analysis, chapter 5.
        """
        T = transformation(self.supply, model, products=self.products, industries=self.industries)
        by_product = model in BY_PRODUCT
        self._check_empty(model)

        def place(value: Array | None, *, matrix: bool) -> Array | None:
            if value is None or (by_product and not matrix):
                return value
            return value @ T if by_product else T @ value

        flows = {name: place(getattr(self, name), matrix=True) for name in _MATRICES}
        if flows["domestic"] is not None and flows["imported"] is not None:
            flows["total"] = flows["domestic"] + flows["imported"]
        codes = self.products if by_product else self.industries
        final_demand, exports = (
            place(value, matrix=False) for value in (self.final_demand, self.exports)
        )
        io = IOTable(
            codes,
            **flows,
            final_demand=self.final_demand if final_demand is None else final_demand,
            exports=self.exports if exports is None else exports,
            output=self.product_output if by_product else self.industry_output,
            imports=place(self.imports, matrix=False),
            unit=self.unit,
            country=self.country,
            year=self.year,
            source="; ".join(filter(None, (self.source, f"symmetric by {model}"))),
            labels={code: self.labels[code] for code in codes if code in self.labels},
        )
        message = _negative_message(io, model)
        if message:
            warnings.warn(message, SpilloverWarning, stacklevel=2)
        return io

    def _check_empty(self, model: Model) -> None:
        """Raise where a division by zero output would drop uses or inputs in silence."""
        if model == "fixed_product_sales":
            used = np.abs(self._known()).sum(axis=1) + np.abs(self.final_demand) + self.exports
            lost = np.flatnonzero((self.product_output == 0) & (used > 0))
            names, what, have = self.products, "product", "uses"
        elif model == "industry_technology":
            used = np.abs(self._known()).sum(axis=0)
            lost = np.flatnonzero((self.industry_output == 0) & (used > 0))
            names, what, have = self.industries, "industry", "inputs"
        else:
            return
        if lost.size:
            msg = (
                f"{lost.size} {what} code(s) have {have} but no domestic output: "
                f"{preview([names[i] for i in lost])}. model={model!r} cannot place them; "
                f"aggregate each into a related {what}, or choose another model."
            )
            raise SchemaError(msg)

    def __repr__(self) -> str:
        place = " ".join(str(part) for part in (self.country, self.year) if part)
        known = [name for name in _MATRICES[:2] if getattr(self, name) is not None] or ["total"]
        return (
            f"SupplyUse({place or self.source or 'unnamed'}, {len(self.products)} products × "
            f"{len(self.industries)} industries, {'+'.join(known)} use, {self.unit})"
        )

    def _repr_html_(self) -> str:
        frame = self.balance()
        rows = {
            "Output": f"{self.supply.sum():,.4g} {self.unit}",
            "Secondary output": f"{self.secondary_share:.1%}",
            "Value added": f"{self.value_added.sum():,.4g}",
            "Largest relative gap": f"{frame['relative_gap'].abs().max():.2g}",
            "Models": ", ".join(MODELS),
        }
        body = "".join(
            f"<tr><th style='text-align:left'>{key}</th><td>{html.escape(text)}</td></tr>"
            for key, text in rows.items()
        )
        return f"<table><caption>{html.escape(repr(self))}</caption>{body}</table>"


def _negative_message(io: IOTable, model: Model) -> str:
    """Describe the negative flows that models A and C can give; empty if there are none."""
    kept = _MATRICES if io.domestic is None else _MATRICES[:2]
    found = negative_flows({name: getattr(io, name) for name in kept}, io.sectors)
    if not found:
        return ""
    return (
        f"{io!r}: model={model!r} gives negative flows: {found}. They come from secondary products "
        "made with other inputs (or sold to other users) than the model assumes; shares of such a "
        "table can leave the range 0 to 1."
    )

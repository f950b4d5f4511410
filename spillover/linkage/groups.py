"""Which foreign firms a presence counts: by ownership, origin, age of entry, exports, size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw

from spillover.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterable

FULL = 0.99
"""Foreign share from which a firm counts as wholly foreign-owned (Javorcik & Spatareanu 2008)."""
ABOVE_ZERO = 5e-324
"""The smallest positive number: a range from here holds what is above zero."""
ENTRY_AGE = "foreign_age"
"""Years since a firm was first foreign; computed from the panel unless it has this column."""


@dataclass(frozen=True, slots=True)
class FirmGroup:
    """A part of the foreign firms, by the values of one column of the panel.

    The measure of a group keeps the whole industry in its denominator, so that the measures of
    groups that part the foreign firms add up to the measure of all.

    Parameters
    ----------
    name : str
        For labels, such as ``"majority"``.
    column : str
        A column of the panel, or ``"foreign_age"``.
    values : tuple, optional
        The values that belong to the group.
    low, high : float, optional
        Or the range that does: from ``low`` (included) to ``high`` (excluded).

    Raises
    ------
    SchemaError
        If neither or both of values and range are given, or they hold nothing.

    Examples
    --------
    >>> FirmGroup.minority()
    FirmGroup(name='minority', column='foreign_share', values=None, low=0.1, high=0.5)
    >>> FirmGroup.origin("USA", "CAN").name
    'from USA, CAN'
    """

    name: str
    column: str
    values: tuple[str | float, ...] | None = None
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        ranged = self.low is not None or self.high is not None
        if ranged == (self.values is not None):
            raise SchemaError(
                f"FirmGroup {self.name!r} needs either values=(...) or low= and/or high=."
            )
        if self.values is not None:
            given: object = self.values
            if isinstance(given, str) or not tuple(self.values):
                raise SchemaError(
                    f"FirmGroup {self.name!r}: values={self.values!r} must be a list of values, "
                    "such as ('USA', 'CAN')."
                )
            object.__setattr__(self, "values", tuple(self.values))
        elif self.low is not None and self.high is not None and not self.low < self.high:
            raise SchemaError(
                f"FirmGroup {self.name!r}: no value lies from low={self.low!r} (included) to "
                f"high={self.high!r} (excluded)."
            )

    @classmethod
    def minority(cls) -> FirmGroup:
        """Foreign share from 10 to less than 50 percent (Merlevede et al. 2014)."""
        return cls("minority", "foreign_share", low=0.1, high=0.5)

    @classmethod
    def majority(cls) -> FirmGroup:
        """Foreign share of 50 percent or more."""
        return cls("majority", "foreign_share", low=0.5)

    @classmethod
    def shared(cls, full: float = FULL) -> FirmGroup:
        """Foreign share from 10 percent to less than full (Javorcik & Spatareanu 2008)."""
        return cls("shared", "foreign_share", low=0.1, high=full)

    @classmethod
    def full(cls, full: float = FULL) -> FirmGroup:
        """Foreign share of 99 percent or more (Javorcik & Spatareanu 2008)."""
        return cls("full", "foreign_share", low=full)

    @classmethod
    def origin(cls, *origins: str) -> FirmGroup:
        """Owners from these places (Javorcik & Spatareanu 2011): nations, blocs, distances."""
        return cls(f"from {', '.join(origins)}", "origin", values=origins)

    @classmethod
    def exporters(cls) -> FirmGroup:
        """Firms with exports (Javorcik 2004, Table 9)."""
        return cls("exporters", "exports", low=ABOVE_ZERO)

    @classmethod
    def non_exporters(cls) -> FirmGroup:
        """Firms without exports."""
        return cls("non-exporters", "exports", values=(0.0,))

    @classmethod
    def entered(cls, low: int, high: int | None = None) -> FirmGroup:
        """Foreign for ``low`` to less than ``high`` years (Merlevede et al. 2014).

        Counted from the first year in which the panel shows the firm foreign, which for firms
        that were foreign before is the panel's first year; a column ``foreign_age`` of the panel
        takes precedence.
        """
        span = f"{low} years or more" if high is None else f"{low} to {high - 1} years"
        return cls(f"foreign for {span}", ENTRY_AGE, low=low, high=high)

    @classmethod
    def of_size(cls, low: float, high: float | None = None) -> FirmGroup:
        """Firms with ``low`` to less than ``high`` employees (Lenaerts & Merlevede 2015)."""
        span = f"{low:g} or more" if high is None else f"{low:g} to {high:g}"
        return cls(f"employment {span}", "employment", low=low, high=high)

    def describe(self) -> str:
        """Say its name and what it holds.

        Returns
        -------
        str

        Examples
        --------
        >>> FirmGroup.minority().describe(), FirmGroup.exporters().describe()
        ('minority (foreign_share >= 0.1, < 0.5)', 'exporters (exports > 0)')
        """
        if self.values is not None:
            return f"{self.name} ({self.column} {', '.join(map(str, self.values))})"
        low = "> 0" if self.low == ABOVE_ZERO else f">= {self.low}"
        bounds = [low] if self.low is not None else []
        bounds += [f"< {self.high}"] if self.high is not None else []
        return f"{self.name} ({self.column} {', '.join(bounds)})"

    def member(self) -> nw.Expr:
        """Return the expression of membership; false where the column is missing.

        Returns
        -------
        narwhals.Expr
        """
        column = nw.col(self.column)
        if self.values is not None:
            return column.is_in(self.values).fill_null(value=False)
        bounds = []
        if self.low is not None:
            bounds.append((column >= self.low).fill_null(value=False))
        if self.high is not None:
            bounds.append((column < self.high).fill_null(value=False))
        return bounds[0] if len(bounds) == 1 else bounds[0] & bounds[1]

    def unknown(self) -> nw.Expr:
        """Return the expression of whether membership is not known.

        Returns
        -------
        narwhals.Expr
        """
        return nw.col(self.column).is_null()


def with_entry_age(
    rows: nw.LazyFrame[Any], groups: Iterable[FirmGroup | None]
) -> nw.LazyFrame[Any]:
    """Add the years since each firm was first foreign, if a group needs and the panel lacks it.

    Parameters
    ----------
    rows : narwhals.LazyFrame
    groups : iterable of FirmGroup or None

    Returns
    -------
    narwhals.LazyFrame
    """
    needed = any(group is not None and group.column == ENTRY_AGE for group in groups)
    if not needed or ENTRY_AGE in rows.collect_schema().names():
        return rows
    foreign_year = nw.when(nw.col("foreign_share") > 0).then(nw.col("year"))
    first = foreign_year.min().over("firm")
    return rows.with_columns((nw.col("year") - first).alias(ENTRY_AGE))

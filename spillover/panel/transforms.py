"""Values of the same firm in another calendar year: lags, leads and differences, never by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, check_choice, preview, rows
from spillover.panel.formula import evaluate
from spillover.panel.names import panel_calls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

Transform = Literal["levels", "first_difference", "long_difference"]
TRANSFORMS = ("levels", "first_difference", "long_difference")


@dataclass(frozen=True, eq=False)
class Calendar:
    """Where a firm's row of another calendar year stands.

    Build it with :meth:`from_frame`.

    Attributes
    ----------
    key : (n,) array of int
        Number of the firm-year; -1 where the firm or the year is missing.
    year : (n,) array of int
        Years since the first, below ``span``.
    span : int
    rows : (size,) array or None
        Firm-year -> row, -1 where there is none; None if that table would be too large.
    order, ordered : arrays
        Rows sorted by firm-year, and their firm-years, in place of the table.
    """

    key: NDArray[np.int64]
    year: NDArray[np.int64]
    span: int
    rows: Codes | None
    order: Codes
    ordered: NDArray[np.int64]

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Calendar:
        """Give every firm-year of a frame its number.

        Parameters
        ----------
        frame : pandas.DataFrame
            With ``firm`` and ``year``.

        Raises
        ------
        SchemaError
            If years are no whole numbers, or a firm-year occurs twice.

        Examples
        --------
        >>> frame = pd.DataFrame({"firm": [1, 1, 2], "year": [2001, 2003, 2003]})
        >>> Calendar.from_frame(frame).shifted(np.array([[5.0], [7.0], [9.0]]), 2).ravel()
        array([nan,  5., nan])
        """
        firm, firms = pd.factorize(frame["firm"])
        year = _whole_years(frame["year"])
        known = (firm >= 0) & (year != _UNKNOWN)
        first = int(year[known].min()) if known.any() else 0
        since = np.where(known, year - first, 0)
        span = int(since.max(initial=0)) + 1
        key = np.where(known, firm.astype(np.int64) * span + since, -1)
        size = len(firms) * span
        if size <= 20 * len(frame) + 1000:
            counts = np.bincount(key[known], minlength=size)
            if counts.max(initial=0) > 1:
                _refuse_repeated(frame, key, np.flatnonzero(counts > 1))
            table = np.full(size, -1, dtype=np.intp)
            table[key[known]] = np.flatnonzero(known)
            none = np.empty(0, dtype=np.int64)
            return cls(key, since, span, table, none.astype(np.intp), none)
        order = np.flatnonzero(known)
        order = order[np.argsort(key[order], kind="stable")]
        ordered = key[order]
        repeated = ordered[1:][np.diff(ordered) == 0]
        if len(repeated):
            _refuse_repeated(frame, key, repeated)
        return cls(key, since, span, None, order, ordered)

    def partner(self, years: int) -> Codes:
        """Return the row of the same firm ``years`` earlier (later, if negative); -1 if none.

        Returns
        -------
        (n,) array
        """
        there = self.year - years
        inside = (self.key >= 0) & (there >= 0) & (there < self.span)
        wanted = self.key[inside] - years
        found = np.full(len(self.key), -1, dtype=np.intp)
        if self.rows is not None:
            found[inside] = self.rows[wanted]
        elif len(self.ordered):
            place = np.minimum(np.searchsorted(self.ordered, wanted), len(self.ordered) - 1)
            found[inside] = np.where(self.ordered[place] == wanted, self.order[place], -1)
        return found

    def shifted(self, columns: Matrix, years: int) -> Matrix:
        """Return the columns as they were ``years`` earlier, missing where no row tells.

        Parameters
        ----------
        columns : (n, k) array
        years : int

        Returns
        -------
        (n, k) array
        """
        partner = self.partner(years)
        result = columns[partner]  # fancy indexing copies
        result[partner < 0] = np.nan
        return result


_UNKNOWN = np.iinfo(np.int64).min


def _whole_years(column: pd.Series) -> NDArray[np.int64]:
    if column.dtype.kind not in "iuf":
        raise SchemaError(
            f"year holds {column.dtype}, as in {preview(column.dropna().head(2))}; lags and "
            "differences count calendar years: convert it to whole numbers."
        )
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    known = np.isfinite(values)
    odd = known & (values != np.floor(values))
    if odd.any():
        raise SchemaError(
            f"year is no whole number in {rows(int(odd.sum()))}, as in {values[odd][0]:g}; lags "
            "and differences count calendar years."
        )
    result = np.full(len(values), _UNKNOWN, dtype=np.int64)
    result[known] = values[known].astype(np.int64)
    return result


def _refuse_repeated(
    frame: pd.DataFrame, key: NDArray[np.int64], repeated: NDArray[np.int64]
) -> None:
    at = np.isin(key, repeated)
    first = frame.loc[at, ["firm", "year"]].drop_duplicates().head(3)
    listed = "; ".join(f"firm {firm!r} in {year}" for firm, year in first.to_numpy().tolist())
    raise SchemaError(
        f"{rows(int(at.sum()))} share their firm and year with another ({listed}), so last year's "
        "value is not one number. Keep one row per firm and year."
    )


def with_calls(frame: pd.DataFrame, sides: Iterable[str]) -> pd.DataFrame:
    """Add the values of ``lag(x, 1)``, ``lead(x, 1)`` and ``diff(x, 1)`` as columns so named.

    Parameters
    ----------
    frame : pandas.DataFrame
        All rows of the data: a value may come from a row that the sample leaves out.
    sides : iterable of str

    Returns
    -------
    pandas.DataFrame
        The same frame where no side has a call.

    Raises
    ------
    SchemaError
        If a call's argument is not one number per row; and see :meth:`Calendar.from_frame`.

    Examples
    --------
    >>> frame = pd.DataFrame({"firm": 1, "year": [2001, 2002], "x": [5.0, 7.0]})
    >>> with_calls(frame, ["x + diff(x)"])["diff(x, 1)"].tolist()
    [nan, 2.0]
    """
    calls = list(dict.fromkeys(call for side in sides for call in panel_calls(side)))
    calls = [call for call in calls if str(call) not in frame.columns]
    if not calls:
        return frame
    frame = with_calls(frame, [call.argument for call in calls])
    calendar = Calendar.from_frame(frame)
    made = {}
    for call in calls:
        values, names = evaluate(call.argument, frame, intercept=False)
        if len(names) != 1:
            raise SchemaError(
                f"{call} has {len(names)} variables in its brackets ({preview(names)}); write one "
                "call for each, and categories without a call."
            )
        years = -call.years if call.function == "lead" else call.years
        moved = calendar.shifted(values, years)
        made[str(call)] = (values - moved if call.function == "diff" else moved)[:, 0]
    return frame.assign(**made)


def difference_length(transform: str, length: int | None) -> int:
    """Return the calendar years of a difference, 0 for levels.

    Raises
    ------
    SchemaError

    Examples
    --------
    >>> difference_length("long_difference", 4)
    4
    """
    check_choice("transform", transform, TRANSFORMS)
    if transform == "long_difference":
        if isinstance(length, bool) or not isinstance(length, int) or length < 2:
            raise SchemaError(
                f"transform='long_difference' needs length=, a whole number of calendar years from "
                f"2 up; got {length!r}."
            )
        return length
    if length is not None:
        raise SchemaError(f"length={length!r} goes with transform='long_difference'.")
    return 1 if transform == "first_difference" else 0


def difference_label(length: int) -> str:
    """Say what was differenced; empty for levels.

    Examples
    --------
    >>> difference_label(4)
    'differences over 4 calendar years'
    """
    if length == 0:
        return ""
    return "first differences" if length == 1 else f"differences over {length} calendar years"

"""The package's errors and its one warning.

Every message says what is wrong, where (column, first rows or codes, count) and what to do.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class SpilloverError(ValueError):
    """Base of all errors that spillover raises on purpose."""


class SchemaError(SpilloverError):
    """A table or an argument does not have the form it should have."""


class ConcordanceError(SpilloverError):
    """Codes of one classification have no (or no unique) counterpart in another."""


class IdentificationError(SpilloverError):
    """A coefficient cannot be told apart from the others or from the absorbed effects."""


class ConvergenceError(SpilloverError):
    """An iterative method stopped before it reached its tolerance."""


class SpilloverWarning(UserWarning):
    """A result stands, but its reader must know something about it."""


def preview(values: Iterable[object], limit: int = 5) -> str:
    """List the first few values for a message, and say how many more there are.

    Parameters
    ----------
    values : iterable
        What to list; it is printed with ``repr`` for strings and ``str`` otherwise.
    limit : int
        How many values to show.

    Returns
    -------
    str

    Examples
    --------
    >>> preview(["c1", "c2", "c3"], limit=2)
    "'c1', 'c2' and 1 more"
    """
    items = list(values)
    shown = ", ".join(repr(v) if isinstance(v, str) else str(v) for v in items[:limit])
    rest = len(items) - limit
    return f"{shown} and {rest} more" if rest > 0 else shown


def preview_counts(counts: Mapping[str, int], limit: int = 8) -> str:
    """List the first few codes with the number of rows that hold them.

    Examples
    --------
    >>> preview_counts({"15": 2, "16": 1, "17": 9}, limit=2)
    "'15' (2 rows), '16' (1 row) and 1 more"
    """
    shown = ", ".join(f"{code!r} ({rows(n)})" for code, n in list(counts.items())[:limit])
    rest = len(counts) - limit
    return f"{shown} and {rest} more" if rest > 0 else shown


def rows(count: int) -> str:
    """Write a number of rows.

    Examples
    --------
    >>> rows(1), rows(1200)
    ('1 row', '1,200 rows')
    """
    return "1 row" if count == 1 else f"{count:,} rows"


def did_you_mean(name: str, options: Sequence[str]) -> str:
    """Return a hint naming the closest option (in whatever case), or the list of options.

    Examples
    --------
    >>> did_you_mean("ouput", ["output", "year"])
    " Did you mean 'output'?"
    >>> did_you_mean("YEAR", ["output", "year"])
    " Did you mean 'year'?"
    >>> did_you_mean("zzz", ["output", "year"])
    " Choose from 'output', 'year'."
    """
    folded = {str(option).casefold(): str(option) for option in options}
    close = difflib.get_close_matches(str(name).casefold(), folded, n=1)
    if close:
        return f" Did you mean {folded[close[0]]!r}?"
    return f" Choose from {preview(folded.values(), 12)}."


def check_choice(name: str, value: object, options: Sequence[object]) -> None:
    """Raise :class:`SchemaError` unless ``value`` is one of ``options``.

    Examples
    --------
    >>> check_choice("weight", "output", ["output", "none"])
    >>> check_choice("weight", "ouput", ["output", "none"])
    Traceback (most recent call last):
        ...
    spillover.errors.SchemaError: weight='ouput' is not an option. Did you mean 'output'?
    """
    if value not in options:
        hint = did_you_mean(str(value), [str(option) for option in options])
        raise SchemaError(f"{name}={value!r} is not an option.{hint}")

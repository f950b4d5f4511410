"""Find names and calls in a side of a formula, and keep formulaic from mistaking them.

formulaic looks names up in the data before its own functions, so a column called ``log`` breaks
``log(x)``; and its ``lag`` shifts rows. Both are written as harmless aliases before formulaic sees
them, and read back in the names of the terms: ``_of_6c6f67_`` stands for ``log``.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spillover.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

PANEL_CALLS = ("lag", "lead", "diff")
_TOKEN = re.compile(
    r"`(?P<quoted>[^`]*)`|'[^']*'|\"[^\"]*\"|(?<![\w.])(?P<name>[^\W\d]\w*)(?P<after>\s*[(.=]?=?)"
)
_ALIAS = re.compile(r"`?_of_((?:[0-9a-f]{2})+)_`?")


@dataclass(frozen=True)
class PanelCall:
    """``lag(x, 2)``: the value of an expression for the same firm in another calendar year.

    Attributes
    ----------
    function : {"lag", "lead", "diff"}
    argument : str
        A side with one variable; may hold calls itself.
    years : int
        At least 1.
    """

    function: str
    argument: str
    years: int

    def __str__(self) -> str:
        return f"{self.function}({self.argument}, {self.years})"


def _functions() -> Container[str]:
    from formulaic.transforms import TRANSFORMS  # noqa: PLC0415 (slow, and of no use before a fit)

    names: Container[str] = TRANSFORMS
    return names


def split(text: str, mark: str) -> list[str]:
    """Split at ``mark`` outside brackets.

    Examples
    --------
    >>> split("x + I(x + z)", "+")
    ['x ', ' I(x + z)']
    """
    parts, depth = [""], 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        if char == mark and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def protect(side: str, columns: Sequence[str]) -> str:
    """Write panel calls, and columns that share a function's name, as aliases.

    Examples
    --------
    >>> restore(protect("log(x) + log + lag(x)", ["x", "log"]))
    'log(x) + log + lag(x, 1)'
    """
    functions = _functions()

    def replace(match: re.Match[str]) -> str:
        name = match["quoted"] if match["quoted"] is not None else match["name"]
        if name is None or (match["after"] or "").strip() in {"(", "="}:
            return match[0]
        odd = name in functions or keyword.iskeyword(name) or not name.isidentifier()
        if odd and name in columns:
            return _alias(name) + (match["after"] or "")
        return match[0]

    return _TOKEN.sub(replace, _outside_calls(side, lambda call: _alias(str(call))))


def restore(text: str) -> str:
    """Read aliases back.

    Examples
    --------
    >>> restore("log(_of_6c6f67_)")
    'log(log)'
    """
    return _ALIAS.sub(lambda match: bytes.fromhex(match[1]).decode(), text)


def _alias(text: str) -> str:
    return f"_of_{text.encode().hex()}_"


def names_used(side: str, columns: Sequence[str], *, made: bool = False) -> list[str]:
    """List the columns that a side uses, in the order written.

    Parameters
    ----------
    side : str
    columns : sequence of str
        The data's columns, if known.
    made : bool
        Whether panel calls count as columns by themselves, rather than what is in their brackets.

    Examples
    --------
    >>> names_used("log(x) + lag(z, 1) + C(r, contr.treatment)", ["x", "z", "r"])
    ['x', 'z', 'r']
    """
    found: list[str] = []
    for call in panel_calls(side):
        found += [str(call)] if made else names_used(call.argument, columns)
    rest, functions = _outside_calls(side, lambda _: "1"), _functions()
    for match in _TOKEN.finditer(rest):
        if match["quoted"] is not None:
            found.append(match["quoted"])
            continue
        name, after = match["name"], (match["after"] or "").strip()
        if name is None or keyword.iskeyword(name) or after in {"(", "="}:
            continue
        inside = _depth(rest[: match.start()]) > 0
        function = name in functions and (inside or not columns)
        if name in columns or not (function or after == "."):
            found.append(name)
    return sorted(dict.fromkeys(found), key=lambda name: _place(side, name))


def _depth(text: str) -> int:
    return sum(text.count(mark) for mark in "([{") - sum(text.count(mark) for mark in ")]}")


def _place(side: str, name: str) -> int:
    place = side.find(name)
    return place if place >= 0 else len(side)


def panel_calls(side: str) -> list[PanelCall]:
    """List the outermost ``lag``, ``lead`` and ``diff`` of a side.

    Raises
    ------
    SchemaError
        If a call is not of the form ``lag(x)`` or ``lag(x, 2)``.

    Examples
    --------
    >>> [str(call) for call in panel_calls("y + lag(log(x)) + diff(lag(z, k=2), 3)")]
    ['lag(log(x), 1)', 'diff(lag(z, k=2), 3)']
    """
    calls: list[PanelCall] = []

    def note(call: PanelCall) -> str:
        calls.append(call)
        return "1"

    _outside_calls(side, note)
    return calls


def _outside_calls(side: str, write: Callable[[PanelCall], str]) -> str:
    """Rewrite the outermost panel calls of a side, and leave the rest."""
    result, position = [], 0
    for match in _TOKEN.finditer(side):
        called = match["name"] in PANEL_CALLS and (match["after"] or "").strip() == "("
        if not called or match.start() < position:
            continue
        end = _closing(side, match.end())
        result += [side[position : match.start()], write(_read(match["name"], side, match, end))]
        position = end + 1
    return "".join([*result, side[position:]])


def _closing(side: str, start: int) -> int:
    depth = 1
    for place in range(start, len(side)):
        depth += (side[place] in "([{") - (side[place] in ")]}")
        if depth == 0:
            return place
    raise SchemaError(f"{side!r} is no valid formula: a bracket is not closed.")


def _read(function: str, side: str, match: re.Match[str], end: int) -> PanelCall:
    text = side[match.start() : end + 1]
    argument, *more = (part.strip() for part in split(side[match.end() : end], ","))
    years = re.sub(r"^k\s*=\s*", "", more[0]) if more else "1"
    if not argument or len(more) > 1 or not re.fullmatch(r"[1-9]\d*", years):
        raise SchemaError(
            f"{text!r}: write {function}(x) or {function}(x, 2), with a whole number of calendar "
            "years, at least 1 (lead() looks ahead, lag() back)."
        )
    return PanelCall(function, argument, int(years))

"""How a number becomes a cell, and how a cell is taken apart to align it."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CELL = re.compile(
    r"(?P<open>\(?)(?P<sign>-?)(?P<whole>\d[\d,]*)(?P<fraction>\.\d+)?(?P<close>\)?)(?P<stars>\D*)"
)
_NOT_AVAILABLE = "n.a."


class Cell(NamedTuple):
    """A numeric cell in pieces: ``(-1,234.500)***``."""

    opening: str
    sign: str
    whole: str
    fraction: str
    closing: str
    stars: str


def format_number(value: float, digits: int = 3) -> str:
    """Format a number with fixed digits, but never a non-zero number as zero.

    Parameters
    ----------
    value : float
    digits : int
        Digits after the decimal point.

    Returns
    -------
    str
        Two significant digits if fixed digits would show only zeros, scientific notation from
        1e8 on, "n.a." if the value is missing.

    Examples
    --------
    >>> format_number(1234.5678), format_number(-0.00012), format_number(-0.0)
    ('1,234.568', '-0.00012', '0.000')
    >>> format_number(1.25e-8), format_number(float("nan"))
    ('1.2e-8', 'n.a.')
    """
    if math.isnan(value):
        return _NOT_AVAILABLE
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if abs(value) >= 1e8:
        return _short_exponent(f"{value:.3e}")
    text = f"{value:,.{digits}f}"
    if float(text.replace(",", "")) != 0:
        return text
    return text.lstrip("-") if value == 0 else _short_exponent(f"{value:#.2g}")


def _short_exponent(text: str) -> str:
    """Write 1.2e-05 as 1.2e-5 and 1.2e+09 as 1.2e9."""
    return re.sub(r"e([+-])0*(\d+)$", lambda m: f"e{m[1].strip('+')}{m[2]}", text)


def format_count(value: float) -> str:
    """Format a count with a thousands separator.

    Examples
    --------
    >>> format_count(1234567)
    '1,234,567'
    """
    return f"{int(value):,}"


def stars_for(p_value: float, levels: Mapping[float, str]) -> str:
    """Return the symbol of the strictest level that ``p_value`` is below.

    Examples
    --------
    >>> stars_for(0.03, {0.1: "*", 0.05: "**", 0.01: "***"})
    '**'
    """
    passed = [level for level in levels if p_value < level]
    return levels[min(passed)] if passed else ""


def split_cell(text: str) -> Cell | None:
    """Take a numeric cell apart; None if it is a count, has an exponent or is text.

    Examples
    --------
    >>> split_cell("-0.120**")
    Cell(opening='', sign='-', whole='0', fraction='.120', closing='', stars='**')
    >>> split_cell("clustered by firm") is None
    True
    """
    match = _CELL.fullmatch(text)
    if match is None or not (match["fraction"] or match["open"] or match["stars"]):
        return None
    return Cell(*(piece or "" for piece in match.groups()))


def align_text(cells: Sequence[str], digits: int) -> list[str]:
    """Pad the numeric cells of one column so that their decimal points meet.

    Examples
    --------
    >>> align_text(["12.500**", "(0.250)", "", "Yes"], digits=3)
    ['12.500**', '(0.250) ', '', 'Yes']
    """
    pairs = [anchor_split(cell, digits) for cell in cells]
    left = max((len(pair[0]) for pair in pairs if pair), default=0)
    right = max((len(pair[1]) for pair in pairs if pair), default=0)
    return [
        pair[0].rjust(left) + pair[1].ljust(right) if pair else cell
        for pair, cell in zip(pairs, cells, strict=True)
    ]


def anchor_split(text: str, digits: int) -> tuple[str, str] | None:
    """Split a numeric cell after its last regular digit: what follows hangs to the right.

    Examples
    --------
    >>> anchor_split("(0.00012)", digits=3)
    ('(0.000', '12)')
    """
    cell = split_cell(text)
    if cell is None:
        return None
    kept = cell.fraction[: digits + 1] if digits else ""
    rest = cell.fraction[len(kept) :]
    return cell.opening + cell.sign + cell.whole + kept, rest + cell.closing + cell.stars

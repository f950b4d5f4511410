"""How much foreign firms buy at home, by sector, as the case evidence has it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from spillover._data import data_path
from spillover.errors import ConcordanceError, SchemaError, check_choice, preview
from spillover.iotables import IOTable
from spillover.linkage.definition import LocalSourcing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEVELS = ("low", "central", "high")
SCHEMES = ("isic4", "gtap57", "adb35")
_SHOWN = ("sector", "activity", "low", "central", "high", "evidence", "reason")
Level = Literal["low", "central", "high"]


@dataclass(frozen=True, eq=False, repr=False)
class Sourcing:
    """Local sourcing by sector: a range, the findings behind it and the reason.

    Attributes
    ----------
    table : pandas.DataFrame
        sector, case_sector (as in the evidence), activity ("extraction", "processing",
        "construction", "trade", "other"), low, central, high (0 to 1), evidence (ids), reason,
        isic4, gtap57, adb35 (codes of the sector in these lists, separated by semicolons).

    Notes
    -----
    The share is the part of what an input-output table says foreign firms buy from an industry at
    home that they really buy from domestic suppliers. No statistic measures it, and nobody
    interviewed gave a number: the ranges are this package's judgement of what the findings allow,
    wide where they say nothing. Change them with :meth:`with_ranges`.
    """

    table: pd.DataFrame

    def with_ranges(self, ranges: Mapping[str, float | tuple[float, float, float]]) -> Sourcing:
        """Put other judgements in the place of the shipped ones.

        Parameters
        ----------
        ranges : mapping of sector to (low, central, high), or to one number for all three

        Returns
        -------
        Sourcing

        Raises
        ------
        SchemaError
            For an unknown sector, or numbers that do not rise from low to high within 0 to 1.

        Examples
        --------
        >>> from spillover.case import sourcing
        >>> mine = sourcing().with_ranges({"cars": (0.0, 0.2, 0.5), "food": 0.8})
        >>> mine.table.set_index("sector").loc["cars", "high"]
        np.float64(0.5)
        """
        table = self.table.copy().set_index("sector", drop=False)
        for sector, given in ranges.items():
            check_choice("sector", sector, table.index.tolist())
            values = tuple(given) if isinstance(given, tuple | list) else (given,) * 3
            _check_range(sector, values)
            for level, value in zip(LEVELS, values, strict=True):
                table.loc[sector, level] = float(value)
            table.loc[sector, ["evidence", "reason"]] = ["", "given by the user"]
        return replace(self, table=table.reset_index(drop=True))

    def assign(
        self, sectors: IOTable | Sequence[str], names: Mapping[str, str] | None = None
    ) -> pd.DataFrame:
        """Find the case's sector for each sector of a table.

        Parameters
        ----------
        sectors : IOTable or sequence of str
            Codes of GTAP (57 sectors), of the ADB's 35 (``c1``), of the OECD's tables (``C10T12``)
            or of ISIC Rev. 4 divisions and sections. The list that fits all codes is used.
        names : mapping of code to sector of ``table``, optional
            For other codes, or to overrule.

        Returns
        -------
        pandas.DataFrame
            One row per code: code, sector, activity, low, central, high.

        Raises
        ------
        ConcordanceError
            If codes are left that no list knows.
        SchemaError
            If ``names`` holds a sector that is not in the table.

        Notes
        -----
        Codes of several divisions go to the last of them: the OECD's ``B05_06`` (coal, oil and gas)
        to oil and gas, whose weight in Kazakhstan is far larger. So does the ADB's ``c2`` (mining).

        Examples
        --------
        >>> from spillover.case import sourcing
        >>> sourcing().assign(["C10T12", "C29", "F"])[["code", "sector", "central"]]
             code        sector  central
        0  C10T12          food     0.60
        1     C29          cars     0.03
        2       F  construction     0.50
        """
        given_codes = sectors.sectors if isinstance(sectors, IOTable) else sectors
        codes = [str(code) for code in given_codes]
        given = dict(names or {})
        known = self.table["sector"].tolist()
        for sector in given.values():
            check_choice("sector", sector, known)
        found = _best_scheme(self.table, [code for code in codes if code not in given])
        found |= {code: sector for code, sector in given.items() if code in codes}
        left = [code for code in codes if code not in found]
        if left:
            raise ConcordanceError(
                f"{len(left)} of {len(codes)} codes are neither of GTAP, the ADB's 35, the OECD's "
                f"nor ISIC Rev. 4: {preview(left, 8)}. Pass names={{{left[0]!r}: 'food', ...}} "
                f"with sectors out of {preview(known, 20)}."
            )
        rows = self.table.set_index("sector").loc[[found[code] for code in codes]].reset_index()
        rows.insert(0, "code", codes)
        return rows[["code", "sector", "activity", *LEVELS]]

    def local_sourcing(
        self,
        io: IOTable | Sequence[str],
        level: Level = "central",
        *,
        names: Mapping[str, str] | None = None,
    ) -> LocalSourcing:
        """Return local sourcing of a table's sectors, for the definition of linkage measures.

        Parameters
        ----------
        io : IOTable or sequence of str
            Buying sectors; see :meth:`assign`.
        level : {"low", "central", "high"}
        names : mapping, optional
            See :meth:`assign`.

        Returns
        -------
        LocalSourcing

        Raises
        ------
        ConcordanceError, SchemaError
            As :meth:`assign`.

        Examples
        --------
        >>> import spillover as sp
        >>> local = sp.case.sourcing().local_sourcing(["C10T12", "C29"], "low")
        >>> sp.LinkageDefinition(local_sourcing=local).describe()
        'Javorcik (2004), but local sourcing C10T12 0.3, C29 0.0, others 1.0'
        """
        check_choice("level", level, LEVELS)
        rows = self.assign(io, names)
        shares = {
            str(code): float(value) for code, value in zip(rows["code"], rows[level], strict=True)
        }
        return LocalSourcing.of(shares)

    def __repr__(self) -> str:
        middle = self.table["central"]
        return (
            f"Sourcing({len(self.table)} sectors: central {middle.min():.2f} to "
            f"{middle.max():.2f}, lowest {self.table['low'].min():.2f}, highest "
            f"{self.table['high'].max():.2f}; judgements)"
        )

    def _repr_html_(self) -> str:
        with pd.option_context("display.max_colwidth", None):
            shown = self.table[list(_SHOWN)].to_html(index=False, border=0)
        return f"<div><p><b>{escape(repr(self))}</b></p>{shown}</div>"


def sourcing() -> Sourcing:
    """Return local sourcing of foreign firms in Kazakhstan, by sector.

    Returns
    -------
    Sourcing

    Raises
    ------
    SchemaError
        If the data that come with the package are missing.

    Examples
    --------
    >>> from spillover.case import sourcing
    >>> sourcing()
    Sourcing(16 sectors: central 0.03 to 0.70, lowest 0.00, highest 1.00; judgements)
    """
    table = pd.read_csv(data_path("kazakhstan", "sourcing.csv"), dtype=str, keep_default_na=False)
    return Sourcing(table.astype(dict.fromkeys(LEVELS, np.float64)))


def _check_range(sector: str, values: tuple[float, ...]) -> None:
    if len(values) != len(LEVELS) or not all(
        isinstance(v, int | float | np.number) and not isinstance(v, bool) and 0 <= v <= 1
        for v in values
    ):
        raise SchemaError(
            f"local sourcing of {sector!r} is {values!r}: give (low, central, high), each 0 to 1."
        )
    low, central, high = values
    if not low <= central <= high:
        raise SchemaError(f"local sourcing of {sector!r} is {values!r}: it must rise to the high.")


def _best_scheme(table: pd.DataFrame, codes: Sequence[str]) -> dict[str, str]:
    """Return code -> sector by the list that knows most of the codes."""
    best: dict[str, str] = {}
    for scheme in SCHEMES:
        lookup = {
            code: sector
            for listed, sector in zip(table[scheme], table["sector"], strict=True)
            for code in listed.split(";")
            if code
        }
        keys = {code: _division(code) if scheme == "isic4" else code for code in codes}
        found = {code: lookup[key] for code, key in keys.items() if key in lookup}
        best = found if len(found) > len(best) else best
    return best


def _division(code: str) -> str:
    """Return the last ISIC division in a code, or its section.

    Examples
    --------
    >>> [_division(code) for code in ("C10T12", "D01T03", "F", "2910", "ofi")]
    ['12', '03', 'F', '29', '']
    """
    match = re.fullmatch(r"([A-U]?)(\d{2,4})?(?:[T_-](?:[A-U]?)(\d{2,4}))?", code)
    if match is None:
        return ""
    letter, first, last = match.groups()
    digits = last or first
    return digits[:2] if digits else letter

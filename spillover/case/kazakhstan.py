"""The evidence on Kazakhstan: case findings, figures, and how far each finding tells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from spillover._data import data_path
from spillover.case.crucial import Clue
from spillover.errors import SchemaError, check_choice, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERS = {
    "evidence": ("value",),
    "figures": ("value", "out_of"),
    "likelihoods": ("if_true", "if_false"),
}
_SHOWN = ("id", "section", "channel", "sector", "statement", "strength")
_ROWS_SHOWN = 12


@dataclass(frozen=True, eq=False, repr=False)
class KazakhstanCase:
    """What the thesis on Kazakhstan found, in tables that name their sections.

    Attributes
    ----------
    evidence : pandas.DataFrame
        One row per finding: id, mechanism, channel, sector, direction, statement, source_kind,
        office, organisation, date, value, unit, section, hypothesis, bearing, strength,
        strength_reason, note.
    figures : pandas.DataFrame
        One row per number: id, series, item, period, qualifier, value, unit, out_of, section,
        source, basis, note, conflicts_with.
    likelihoods : pandas.DataFrame
        One row per clue: id, hypothesis, name, evidence (ids), if_true, if_false, reason, group.
    sections : pandas.DataFrame
        The thesis's sections: section, chapter, title (in other words than the thesis's).

    Notes
    -----
    The tables report what the thesis and those it quotes say; they do not vouch for it. Statements
    are in own words, and people are named by office and organisation only.
    """

    evidence: pd.DataFrame
    figures: pd.DataFrame
    likelihoods: pd.DataFrame
    sections: pd.DataFrame

    def filter(
        self,
        *,
        channel: str | Sequence[str] | None = None,
        mechanism: str | Sequence[str] | None = None,
        sector: str | Sequence[str] | None = None,
        section: str | Sequence[str] | None = None,
        source_kind: str | Sequence[str] | None = None,
        organisation: str | Sequence[str] | None = None,
        direction: str | Sequence[str] | None = None,
        hypothesis: str | Sequence[str] | None = None,
        strength: str | Sequence[str] | None = None,
    ) -> KazakhstanCase:
        """Keep the findings that meet all conditions.

        Parameters
        ----------
        channel, mechanism, sector, source_kind, organisation, direction, hypothesis, strength : \
str or sequence of str, optional
            One value or several; see :meth:`codebook` for what there is.
        section : str or sequence of str, optional
            ``"6.6"`` for a section, ``"6"`` for a chapter. Figures are restricted to it, too.

        Returns
        -------
        KazakhstanCase
            With fewer rows of evidence, which may be none; likelihoods stay as they are.

        Raises
        ------
        SchemaError
            If a value does not occur in the column; the nearest one is named.

        Examples
        --------
        >>> from spillover.case import kazakhstan
        >>> cars = kazakhstan().filter(sector="cars", channel=["backward", "local content"])
        >>> sorted(set(cars.evidence["section"]))
        ['6.6']
        """
        wanted = {
            "channel": channel,
            "mechanism": mechanism,
            "sector": sector,
            "source_kind": source_kind,
            "organisation": organisation,
            "direction": direction,
            "hypothesis": hypothesis,
            "strength": strength,
        }
        table, figures = self.evidence, self.figures
        for column, values in wanted.items():
            if values is not None:
                table = table[table[column].isin(_check(column, values))]
        if section is not None:
            known = [*self.sections["section"], *self.sections["chapter"].unique()]
            asked = _listed(section)
            for one in asked:
                check_choice("section", one, known)
            table = table[_within(table["section"], asked)]
            figures = figures[_within(figures["section"], asked)]
        return replace(
            self,
            evidence=table.reset_index(drop=True),
            figures=figures.reset_index(drop=True),
        )

    def clues(self, hypothesis: str) -> list[Clue]:
        """Return the likelihoods of one hypothesis as clues for :func:`.crucial_case`.

        Parameters
        ----------
        hypothesis : {"T1", "T2"}
            T1: openness and foreign investment bring spillovers. T2: a mismatch between new formal
            and old informal rules blocks them. Two tests on one case, to be kept apart.

        Returns
        -------
        list of Clue
            The probabilities are this package's judgements, open to change; clues of one ``group``
            come from one informant, survey or story.

        Raises
        ------
        SchemaError
            For another hypothesis.

        Examples
        --------
        >>> from spillover.case import crucial_case, kazakhstan
        >>> clues = kazakhstan().clues("T1")
        >>> len(clues), clues[0].kind
        (14, 'straw in the wind, against')
        """
        check_choice("hypothesis", hypothesis, tuple(self.likelihoods["hypothesis"].unique()))
        rows = self.likelihoods[self.likelihoods["hypothesis"] == hypothesis]
        return [
            Clue(
                name=row["name"],
                if_true=float(row["if_true"]),
                if_false=float(row["if_false"]),
                reason=row["reason"],
                group=row["group"],
                source=row["evidence"].replace(";", ", "),
            )
            for row in rows.to_dict("records")
        ]

    def codebook(self, table: str | None = None) -> pd.DataFrame:
        """Say what every column and every value of a controlled vocabulary means.

        Parameters
        ----------
        table : {"evidence", "figures", "likelihoods", "sections"}, optional
            All tables by default.

        Returns
        -------
        pandas.DataFrame
            table, column, value (empty for the column itself), meaning.

        Raises
        ------
        SchemaError
            If there is no such table.

        Examples
        --------
        >>> from spillover.case import kazakhstan
        >>> book = kazakhstan().codebook("evidence")
        >>> book.loc[book["value"] == "hoop", "column"].tolist()
        ['strength']
        """
        book = _read("codebook").copy()
        if table is None:
            return book
        check_choice("table", table, tuple(book["table"].unique()))
        return book[book["table"] == table].reset_index(drop=True)

    def counts(self) -> pd.DataFrame:
        """Count findings by mechanism, channel and direction.

        Returns
        -------
        pandas.DataFrame
            mechanism, channel, direction, findings; combinations that occur.

        Examples
        --------
        >>> from spillover.case import kazakhstan
        >>> case = kazakhstan()
        >>> int(case.counts()["findings"].sum()) == len(case.evidence)
        True
        """
        keys = ["mechanism", "channel", "direction"]
        return self.evidence.groupby(keys, sort=True).size().reset_index(name="findings")

    def __repr__(self) -> str:
        n = self.evidence["direction"].value_counts()
        return (
            f"KazakhstanCase({len(self.evidence)} findings: {n.get('against', 0)} against "
            f"spillovers, {n.get('supports', 0)} for, {n.get('neither', 0)} neither; "
            f"{len(self.figures)} figures)"
        )

    def _repr_html_(self) -> str:
        head = self.evidence[list(_SHOWN)].head(_ROWS_SHOWN)
        rest = len(self.evidence) - len(head)
        more = f"<p>… and {rest} more in <code>.evidence</code></p>" if rest else ""
        with pd.option_context("display.max_colwidth", None):
            shown = head.to_html(index=False, border=0)
        return f"<div><p><b>{escape(repr(self))}</b></p>{shown}{more}</div>"


def kazakhstan() -> KazakhstanCase:
    """Return the case evidence on Kazakhstan.

    Returns
    -------
    KazakhstanCase

    Raises
    ------
    SchemaError
        If the data that come with the package are missing.

    Notes
    -----
    Transcribed in own words from a doctoral thesis on technology policy and WTO accession: 73
    interviews with officials and managers, official figures and documents. It was read whole;
    every row names its section. No finding is called doubly decisive: none is certain under one
    hypothesis and improbable under the other.

    Examples
    --------
    >>> from spillover.case import kazakhstan
    >>> case = kazakhstan()
    >>> jam = case.evidence.set_index("id").loc["K6-39"]
    >>> jam["channel"], float(jam["value"]), jam["unit"], jam["section"]
    ('backward', 4000.0, 'kilometres', '6.5')
    """
    tables = {name: _read(name).copy() for name in ("evidence", "figures", "likelihoods")}
    return KazakhstanCase(sections=_read("sections").copy(), **tables)


@lru_cache(maxsize=8)
def _read(name: str) -> pd.DataFrame:
    """Read one of the shipped tables: text as text (empty, not missing), numbers as floats."""
    table = pd.read_csv(data_path("kazakhstan", f"{name}.csv"), dtype=str, keep_default_na=False)
    for column in _NUMBERS.get(name, ()):
        table[column] = pd.to_numeric(table[column].replace("", None))
    return table


def _listed(values: str | Sequence[str]) -> list[str]:
    """Return one value or several as a list."""
    return [values] if isinstance(values, str) else list(values)


def _check(column: str, values: str | Sequence[str]) -> list[str]:
    """Return the values asked for, or raise naming the nearest that the whole case has."""
    known = sorted(set(_read("evidence")[column]) - {""})
    asked = _listed(values)
    for one in asked:
        if one not in known:
            hint = did_you_mean(str(one), known)
            raise SchemaError(f"{column}={one!r} does not occur in the evidence.{hint}")
    return asked


def _within(sections: pd.Series[str], asked: Sequence[str]) -> pd.Series[bool]:
    """Mark sections that are asked for, or that belong to a chapter asked for."""
    return sections.isin(asked) | sections.str.split(".").str[0].isin(asked)

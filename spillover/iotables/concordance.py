"""Concordances: how the codes of one classification map into another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from spillover.errors import ConcordanceError, SchemaError, check_choice, did_you_mean, preview
from spillover.iotables import concordance_algebra as algebra

if TYPE_CHECKING:
    from spillover.firms import FirmPanel
    from spillover.iotables.coverage import Coverage

Match = Literal["exact", "prefix"]
MATCHES: tuple[Match, ...] = ("exact", "prefix")
_COLUMNS = ["source", "target", "weight"]


def as_code(value: object) -> str | None:
    """Return a classification code as text; whole numbers lose their ``.0``, blanks give None.

    Examples
    --------
    >>> as_code(311.0), as_code(" 15 "), as_code(float("nan"))
    ('311', '15', None)
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float | np.floating):
        number = float(value)
        if np.isnan(number):
            return None
        return str(int(number)) if number.is_integer() else str(number)
    return str(value).strip() or None


@dataclass(frozen=True, eq=False)
class Concordance:
    """Map from source codes to target codes, with weights.

    Attributes
    ----------
    table : DataFrame
        Columns source, target (text) and weight (float, sums to 1 for each source code).
    source_name, target_name : str
        Names of the two classifications.
    match : {'exact', 'prefix'}
        With ``'prefix'`` a code takes the entry of the longest source code it starts with, so
        that 3-digit entries serve 4-digit codes and exceptions can be listed beside them.
    """

    table: pd.DataFrame
    source_name: str = "source"
    target_name: str = "target"
    match: Match = "exact"

    def __post_init__(self) -> None:
        check_choice("match", self.match, MATCHES)
        object.__setattr__(self, "table", _checked(self.table, self.source_name))

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        source: str = "source",
        target: str = "target",
        weight: str | None = None,
        source_name: str | None = None,
        target_name: str | None = None,
        match: Match = "exact",
    ) -> Concordance:
        """Build a concordance from a data frame.

        Parameters
        ----------
        frame : DataFrame
            One row for each pair of codes.
        source, target : str
            Columns with the codes.
        weight : str, optional
            Column with the weights; left out, each source code must occur once (weight 1). A
            column named ``weight`` is used without asking.
        source_name, target_name : str, optional
            Names of the classifications; by default the column names.
        match : {'exact', 'prefix'}
            See the class.

        Returns
        -------
        Concordance

        Raises
        ------
        SchemaError
            If a column is missing.
        ConcordanceError
            If weights do not sum to one by source code, are not positive, or a pair is repeated.

        Examples
        --------
        >>> pairs = pd.DataFrame({"isic": ["15", "16"], "wiod": ["c3", "c3"]})
        >>> Concordance.from_frame(pairs, source="isic", target="wiod").is_many_to_one
        True
        """
        if weight is None and "weight" in frame.columns:
            weight = "weight"
        for name in filter(None, (source, target, weight)):
            if name not in frame.columns:
                columns = [str(column) for column in frame.columns]
                msg = f"the concordance has no column {name!r}.{did_you_mean(name, columns)}"
                raise SchemaError(msg)
        table = pd.DataFrame(
            {
                "source": frame[source].to_numpy(),
                "target": frame[target].to_numpy(),
                "weight": 1.0 if weight is None else frame[weight].to_numpy(),
            }
        )
        return cls(table, source_name or source, target_name or target, match)

    @classmethod
    def from_mapping(
        cls,
        mapping: Mapping[str, str | Mapping[str, float]],
        *,
        source_name: str = "source",
        target_name: str = "target",
        match: Match = "exact",
    ) -> Concordance:
        """Build a concordance from a dictionary.

        Parameters
        ----------
        mapping : mapping
            Source code to target code, or to a mapping of target codes and weights.
        source_name, target_name, match
            As in :meth:`from_frame`.

        Returns
        -------
        Concordance

        Examples
        --------
        >>> c = Concordance.from_mapping({"15": "c3", "30": {"c13": 0.2, "c14": 0.8}})
        >>> c.lookup(["30"])["target"].tolist()
        ['c13', 'c14']
        """
        rows: list[tuple[object, object, object]] = []
        for source, value in mapping.items():
            if isinstance(value, Mapping):
                rows.extend((source, target, weight) for target, weight in value.items())
            else:
                rows.append((source, value, 1.0))
        table = pd.DataFrame(rows, columns=_COLUMNS)
        return cls(table, source_name, target_name, match)

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        *,
        source: str = "source",
        target: str = "target",
        weight: str | None = None,
        source_name: str | None = None,
        target_name: str | None = None,
        match: Match = "exact",
    ) -> Concordance:
        """Read a concordance from a CSV file; codes stay text, so leading zeros survive.

        Parameters
        ----------
        path : str or Path
            File with a header row.
        source, target, weight, source_name, target_name, match
            As in :meth:`from_frame`.

        Returns
        -------
        Concordance

        Raises
        ------
        SchemaError
            If there is no such file, or a column is missing.
        """
        file = Path(path)
        if not file.is_file():
            msg = f"there is no concordance file {str(path)!r}."
            raise SchemaError(msg)
        frame = pd.read_csv(file, dtype=str, keep_default_na=False)
        return cls.from_frame(
            frame,
            source=source,
            target=target,
            weight=weight,
            source_name=source_name,
            target_name=target_name,
            match=match,
        )

    @property
    def is_many_to_one(self) -> bool:
        """Whether every source code has exactly one target."""
        return not bool(self.table["source"].duplicated().any())

    @cached_property
    def _sources(self) -> frozenset[str]:
        return frozenset(self.table["source"])

    def _entry(self, code: str | None) -> str | None:
        """Return the source code whose entry serves ``code``."""
        if code is None or code in self._sources:
            return code
        if self.match == "prefix":
            for length in range(len(code) - 1, 0, -1):
                if code[:length] in self._sources:
                    return code[:length]
        return None

    def lookup(self, codes: Iterable[object]) -> pd.DataFrame:
        """Look codes up; each distinct code is listed once per target.

        Parameters
        ----------
        codes : iterable
            Source codes; numbers are read as text. Repeated codes are listed once.

        Returns
        -------
        DataFrame
            Columns code, target, weight in the order of first appearance. A code without entry
            has a missing target and weight.

        Examples
        --------
        >>> c = Concordance.from_mapping({"32": "c4", "324": "c5"}, match="prefix")
        >>> c.lookup(["3211", "3240", "99"])
           code target  weight
        0  3211     c4     1.0
        1  3240     c5     1.0
        2    99    NaN     NaN
        """
        distinct = list(dict.fromkeys(as_code(code) for code in codes))
        asked = pd.DataFrame(
            {"code": distinct, "entry": [self._entry(code) for code in distinct]}, dtype=object
        )
        known = asked.dropna(subset=["entry"]).reset_index(names="order")
        unknown = asked[asked["entry"].isna()].reset_index(names="order")
        table = self.table.astype({"source": object, "target": object})
        found = known.merge(table, left_on="entry", right_on="source", how="left")
        out = pd.concat([found, unknown.assign(target=np.nan, weight=np.nan)])
        out = out.sort_values("order", kind="stable").reset_index(drop=True)
        return out[["code", "target", "weight"]].astype({"weight": float})

    def compose(
        self, other: Concordance, *, unmatched: Literal["raise", "drop"] = "raise"
    ) -> Concordance:
        """Chain two concordances, A to B and B to C, into one from A to C.

        A code that goes to b with weight v, which goes to c with weight w, goes to c with the sum
        of the products v w over all b.

        Parameters
        ----------
        other : Concordance
            Its sources are the targets of this one.
        unmatched : {'raise', 'drop'}
            What to do with codes of which a target has no entry in ``other``; dropped codes are
            listed in a warning.

        Returns
        -------
        Concordance
            From ``source_name`` to ``other.target_name``, matched as this one is.

        Raises
        ------
        ConcordanceError
            If targets have no entry (and ``unmatched="raise"``, or no code is left).

        Examples
        --------
        >>> a = Concordance.from_mapping({"1": {"x": 0.5, "y": 0.5}})
        >>> b = Concordance.from_mapping({"x": "c", "y": {"c": 0.2, "d": 0.8}})
        >>> a.compose(b).lookup(["1"])["weight"].tolist()
        [0.6, 0.4]
        """
        return algebra.compose(self, other, unmatched)

    def invert(self, weights: Mapping[str, float] | Literal["equal"]) -> Concordance:
        """Turn the concordance around: from its targets to its sources.

        A target goes to each source in proportion to the source's size times its weight. Official
        tables do not say how large the sources are, so that sizes must be given.

        Parameters
        ----------
        weights : mapping or 'equal'
            Size (such as output) of every source code; with prefix matching these may be longer
            codes, which are looked up. ``"equal"`` takes the codes of the table itself as equally
            large. Codes of size zero are left out.

        Returns
        -------
        Concordance
            Exact match.

        Raises
        ------
        ConcordanceError
            If a source code has no size, sizes are negative or missing, or have no entry.

        Examples
        --------
        >>> c = Concordance.from_mapping({"15": "c3", "16": "c3"})
        >>> c.invert({"15": 9.0, "16": 1.0}).lookup(["c3"])["weight"].tolist()
        [0.9, 0.1]
        """
        return algebra.invert(self, weights)

    def coverage(self, firms: FirmPanel) -> Coverage:
        """Report which firms of a panel the concordance serves; see :func:`.coverage.coverage`."""
        from spillover.iotables.coverage import coverage  # noqa: PLC0415 (it needs this module)

        return coverage(self, firms)

    def hint(self, unmatched: Sequence[str]) -> str:
        """Say what may be wrong with codes that have no entry, such as lost leading zeros."""
        padded = [c for c in unmatched if c and {f"0{c}", c.lstrip("0")} & self._sources]
        if padded:
            return f"Leading zeros differ ({preview(padded, 3)}). "
        examples = preview(self.table["source"].drop_duplicates(), 4)
        return f"Its {self.source_name} codes look like {examples}. "

    def __repr__(self) -> str:
        kind = "many-to-one" if self.is_many_to_one else "weighted"
        return (
            f"Concordance({self.source_name} → {self.target_name}, {len(self._sources)} codes, "
            f"{kind}, {self.match} match)"
        )


def _checked(table: pd.DataFrame, source_name: str) -> pd.DataFrame:
    """Return a clean copy of the three columns, or raise on blanks, repeats and weights."""
    missing = [column for column in _COLUMNS if column not in table.columns]
    if missing:
        msg = (
            f"the concordance lacks column(s) {preview(missing)}; it needs source, target, weight."
        )
        raise SchemaError(msg)
    if table.empty:
        msg = "the concordance is empty."
        raise ConcordanceError(msg)
    codes = {name: [as_code(value) for value in table[name]] for name in ("source", "target")}
    blank = [
        i for i in range(len(table)) if codes["source"][i] is None or codes["target"][i] is None
    ]
    if blank:
        msg = f"{len(blank)} row(s) of the concordance have a blank code (rows {preview(blank)})."
        raise ConcordanceError(msg)
    weight = pd.to_numeric(table["weight"], errors="coerce").to_numpy(dtype=np.float64)
    out = pd.DataFrame({**codes, "weight": weight})
    repeated = out.loc[out.duplicated(["source", "target"]), "source"].drop_duplicates()
    if len(repeated):
        msg = f"{len(repeated)} {source_name} code(s) list a target twice: {preview(repeated)}."
        raise ConcordanceError(msg)
    bad = out.loc[~(np.isfinite(out["weight"]) & (out["weight"] > 0)), "source"].drop_duplicates()
    if len(bad):
        msg = f"weights must be positive numbers; they are not for {source_name} {preview(bad)}."
        raise ConcordanceError(msg)
    sums = out.groupby("source", sort=False)["weight"].sum()
    off = sums[(sums - 1).abs() > 1e-9]
    if len(off):
        shown = preview([f"{code} ({total:.6g})" for code, total in off.items()])
        msg = (
            f"weights must sum to 1 for each {source_name} code; {len(off)} do not: {shown}. "
            "A code with several targets needs a weight for each."
        )
        raise ConcordanceError(msg)
    return out

"""Read and validate a firm panel: canonical columns, units, and all problems reported at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any, Literal
from warnings import warn

import narwhals as nw

from spillover._canonical import (
    NUMERIC,
    OPTIONAL,
    REQUIRED,
    canonical_types,
    check_mapping,
    drop_missing_keys,
    one_missing_value,
    plain_values,
    rename,
)
from spillover._checks import collected, key_problems, report_notes, value_problems
from spillover._frames import NativeFrame, as_eager, load
from spillover._industries import Several, Split, recode
from spillover.errors import SchemaError, SpilloverWarning, check_choice, preview, rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from spillover.iotables import Concordance
    from spillover.linkage import Linkages


@dataclass(frozen=True)
class PanelReport:
    """What a panel holds and what was noticed while reading it.

    Attributes
    ----------
    rows, firms, industries : int
        Firm-years, distinct firms, distinct industry codes.
    years : tuple of int
        First and last year.
    missing : mapping of str to int
        Missing values per canonical column, where there are any.
    dropped : mapping of str to int
        Rows left out, by reason.
    notes : tuple of str
        What a reader should know (counts included).
    """

    rows: int
    firms: int
    industries: int
    years: tuple[int, int]
    missing: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        first, last = self.years
        lines = [
            f"{self.rows:,} firm-years, {self.firms:,} firms, "
            f"{self.industries} industries, {first}-{last}"
        ]
        lines += [f"dropped: {rows(count)}, {why}" for why, count in self.dropped.items()]
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)


@dataclass(frozen=True, eq=False, repr=False)
class FirmPanel:
    """A validated firm panel.

    Attributes
    ----------
    data : data frame
        In the user's own library, one row per firm-year, canonical column names; further columns
        keep their names.
    report : PanelReport
        Sizes, missing values, dropped rows, notes.
    split : mapping of str to tuple
        The industries that stand for several sectors of an input-output table: the label in the
        column ``industry`` -> (sector, weight) pairs. See :meth:`with_industries`.
    """

    data: NativeFrame
    report: PanelReport
    split: Split = field(default_factory=dict)

    def __len__(self) -> int:
        return self.report.rows

    def __repr__(self) -> str:
        return f"FirmPanel({self.report})"

    def _repr_html_(self) -> str:
        head = self.frame.head(5).to_pandas().to_html(index=False, border=0)
        text = escape(str(self.report)).replace("\n", "<br>")
        return f"<div><p><b>Firm panel</b><br>{text}</p>{head}</div>"

    @property
    def frame(self) -> nw.DataFrame[Any]:
        """The data as a narwhals frame."""
        return as_eager(self.data)

    def to_pandas(self) -> pd.DataFrame:
        """Return the data as a pandas frame.

        Returns
        -------
        pandas.DataFrame
        """
        return self.frame.to_pandas()

    def with_industries(
        self,
        concordance: Concordance,
        *,
        unmatched: Literal["raise", "drop"] = "raise",
        several: Several = "raise",
    ) -> FirmPanel:
        """Recode the industries, for example from ISIC to an input-output table's sectors.

        Parameters
        ----------
        concordance : Concordance
            See :meth:`.Concordance.coverage` for what it serves and leaves over.
        unmatched : {"raise", "drop"}
            What to do with firms whose code has no target; dropped rows are counted in the report.
        several : {"raise", "largest", "split"}
            What to do with codes that the concordance gives to several sectors: refuse them, take
            the sector with the largest weight (refused if tied), or split them. A firm of a split
            code counts in each sector with that part of its output, employment, capital and
            exports (and as that part of a firm), and :func:`spillover.attach` gives it the
            weighted mean of its sectors' measures. It keeps its one row; its industry is called
            ``"33: c13 + c14"`` and listed in :attr:`split`. The report notes how many rows and how
            much output the choice concerns.

        Returns
        -------
        FirmPanel
            The old code stays in the column ``industry_source``.

        Raises
        ------
        ConcordanceError
            If codes have no target (and ``unmatched="raise"``, or none has one) or more than one
            (and ``several="raise"``, or two have the largest weight).
        SchemaError
            If there already is a column ``industry_source``.

        Examples
        --------
        >>> import pandas as pd
        >>> import spillover as sp
        >>> firms = sp.read_firms(pd.DataFrame({"firm": [1, 2], "year": [2000, 2000],
        ...     "industry": ["3111", "3825"], "output": [9.0, 5.0], "foreign_share": [0.0, 1.0]}))
        >>> recoded = firms.with_industries(sp.concordance("isic2", "wiod2013"))
        >>> recoded.to_pandas()["industry"].tolist()
        ['c3', 'c14']
        >>> c = sp.Concordance.from_mapping({"3111": "c3", "3825": {"c13": 0.2, "c14": 0.8}})
        >>> firms.with_industries(c, several="split").split
        {'3825: c13 + c14': (('c13', 0.2), ('c14', 0.8))}
        """
        check_choice("unmatched", unmatched, ("raise", "drop"))
        if "industry_source" in self.frame.columns:
            raise SchemaError(
                "The panel already has a column 'industry_source', which would be lost. Rename it, "
                "or recode once, with one concordance from the original codes."
            )
        counts = self.frame.group_by("industry").agg(nw.len().alias("rows")).sort("industry")
        held = dict(counts.select("industry", "rows").rows())
        found = recode(concordance, held, several, unmatched)
        targets = found.targets
        frame = self.frame.filter(nw.col("industry").is_in(list(targets)))
        noted = found.notes(frame)
        frame = frame.rename({"industry": "industry_source"}).with_columns(
            nw.col("industry_source")
            .replace_strict(list(targets), list(targets.values()), return_dtype=nw.String)
            .alias("industry")
        )
        why = f"no {concordance.target_name} sector for codes {preview(found.lost, 5)}"
        dropped = {why: sum(held[code] for code in found.lost)} if found.lost else {}
        notes = (*report_notes(frame), *noted)
        report = _describe(frame, notes, {**self.report.dropped, **dropped})
        return replace(self, data=frame.to_native(), report=report, split=found.split)

    def join_linkages(self, links: Linkages, *, suffix: str = "") -> NativeFrame:
        """Attach linkage measures to the firms; see :func:`spillover.attach`.

        Parameters
        ----------
        links : Linkages
        suffix : str
            Added to the names of the new columns.

        Returns
        -------
        data frame
            In the panel's own library.
        """
        from spillover.linkage import attach  # noqa: PLC0415 (the one step forward, on request)

        return attach(self, links, suffix=suffix)


def read_firms(
    source: NativeFrame | str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    foreign_share_unit: Literal["share", "percent"] = "share",
    missing_keys: Literal["raise", "drop"] = "raise",
) -> FirmPanel:
    """Read a firm panel, give its columns their canonical names, and check it.

    Parameters
    ----------
    source : data frame or path
        pandas, Polars or PyArrow frame, or a ``.parquet``, ``.csv``, ``.csv.gz``, ``.tsv`` or
        ``.dta`` file (read with pandas).
    columns : mapping, optional
        Canonical name -> name in ``source``, for the columns that are called otherwise. Canonical
        are firm, year, industry, output, foreign_share (required); region, exports, employment,
        capital, materials, investment, wage_bill, value_added, origin (optional). Further columns
        pass through.
    foreign_share_unit : {"share", "percent"}
        Unit of ``foreign_share``: 0 to 1, or 0 to 100. Inside it is always a share.
    missing_keys : {"raise", "drop"}
        What to do with rows that lack firm, year or industry; dropped rows are counted.

    Returns
    -------
    FirmPanel
        Industry codes are text (without blanks around them), years integers; NaN, nulls and empty
        text are all missing values. Money stays in the user's unit.

    Raises
    ------
    SchemaError
        One error that lists every problem found: missing or clashing columns, types, values out
        of range, infinite values, repeated firm-years, each with its count and first rows.

    Warns
    -----
    SpilloverWarning
        Once, where the panel stands but a reader must know something: missing output or foreign
        share, exports above output.

    Examples
    --------
    >>> import pandas as pd
    >>> import spillover as sp
    >>> frame = pd.DataFrame({"id": [1, 1, 2], "year": [2000, 2001, 2000],
    ...     "nace": ["15", "15", "17"], "sales": [10.0, 12.0, 5.0], "for_pct": [0, 0, 60]})
    >>> sp.read_firms(frame, columns={"firm": "id", "industry": "nace", "output": "sales",
    ...     "foreign_share": "for_pct"}, foreign_share_unit="percent")
    FirmPanel(3 firm-years, 2 firms, 2 industries, 2000-2001)
    """
    panel = _read(source, columns, foreign_share_unit, missing_keys)
    _warn(panel, stacklevel=3)
    return panel


def _read(
    source: NativeFrame | str | Path,
    columns: Mapping[str, str] | None = None,
    foreign_share_unit: Literal["share", "percent"] = "share",
    missing_keys: Literal["raise", "drop"] = "raise",
) -> FirmPanel:
    check_choice("foreign_share_unit", foreign_share_unit, ("share", "percent"))
    check_choice("missing_keys", missing_keys, ("raise", "drop"))
    mapping = check_mapping({} if columns is None else columns)
    codes = tuple(mapping.get(name, name) for name in ("firm", "industry", "region"))
    frame = rename(as_eager(load(source, codes), "source"), mapping)
    if len(frame) == 0:
        raise SchemaError("The panel has no rows. Check how it was filtered or read.")
    frame = plain_values(frame)
    numeric = [name for name in NUMERIC if name in frame.columns]
    problems = key_problems(frame, numeric)
    if problems:
        raise collected(problems)
    frame, dropped = drop_missing_keys(one_missing_value(frame), missing_keys)
    frame = canonical_types(frame, numeric, 100.0 if foreign_share_unit == "percent" else 1.0)
    problems = value_problems(frame, numeric, foreign_share_unit)
    if problems:
        raise collected(problems)
    return FirmPanel(frame.to_native(), _describe(frame, report_notes(frame), dropped))


def _warn(panel: FirmPanel, stacklevel: int) -> None:
    notes = panel.report.notes
    if notes:
        text = "Firm panel: " + "; ".join(notes) + "."
        warn(text, SpilloverWarning, stacklevel=stacklevel)


def as_panel(firms: FirmPanel | NativeFrame, *, stacklevel: int = 3) -> FirmPanel:
    """Return a panel as it is, and check a plain frame of canonical columns.

    A warning points to the caller of the function that calls this one (``stacklevel=3``).

    Examples
    --------
    >>> import pandas as pd
    >>> as_panel(pd.DataFrame({"firm": [1], "year": [2000], "industry": ["15"],
    ...     "output": [1.0], "foreign_share": [0.5]}))
    FirmPanel(1 firm-years, 1 firms, 1 industries, 2000-2000)
    """
    if isinstance(firms, FirmPanel):
        return firms
    panel = _read(firms)
    _warn(panel, stacklevel=stacklevel + 1)
    return panel


def _describe(
    frame: nw.DataFrame[Any], notes: tuple[str, ...], dropped: Mapping[str, int]
) -> PanelReport:
    named = [name for name in (*REQUIRED, *OPTIONAL) if name in frame.columns]
    sizes = frame.select(
        nw.col("firm").n_unique().alias("firms"),
        nw.col("industry").n_unique().alias("industries"),
        nw.col("year").min().alias("first"),
        nw.col("year").max().alias("last"),
    ).rows(named=True)[0]
    nulls = frame.select(nw.col(*named).is_null().sum()).rows(named=True)[0]
    return PanelReport(
        rows=len(frame),
        firms=int(sizes["firms"]),
        industries=int(sizes["industries"]),
        years=(int(sizes["first"]), int(sizes["last"])),
        missing={name: int(count) for name, count in nulls.items() if count},
        dropped=dict(dropped),
        notes=notes,
    )

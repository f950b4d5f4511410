"""Read and validate a firm panel: canonical columns, units, and all problems reported at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any, Literal
from warnings import warn

import narwhals as nw
import pandas as pd

from spillover._checks import Problem, key_problems, report_notes, value_problems
from spillover._frames import NativeFrame, as_eager, load
from spillover.errors import (
    ConcordanceError,
    SchemaError,
    SpilloverWarning,
    check_choice,
    did_you_mean,
    preview,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from spillover.iotables import Concordance
    from spillover.linkage import Linkages

REQUIRED = ("firm", "year", "industry", "output", "foreign_share")
OPTIONAL = (
    "region",
    "exports",
    "employment",
    "capital",
    "materials",
    "investment",
    "wage_bill",
    "value_added",
    "origin",
)
NUMERIC = (*REQUIRED[3:], *OPTIONAL[1:8])


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
        lines += [f"dropped: {count:,} rows, {why}" for why, count in self.dropped.items()]
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
    """

    data: NativeFrame
    report: PanelReport

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
        self, concordance: Concordance, *, unmatched: Literal["raise", "drop"] = "raise"
    ) -> FirmPanel:
        """Recode the industries, for example from ISIC to an input-output table's sectors.

        Parameters
        ----------
        concordance : Concordance
            Every source code must have one target: a firm belongs to one sector.
        unmatched : {"raise", "drop"}
            What to do with firms whose code has no target; dropped rows are counted in the report.

        Returns
        -------
        FirmPanel
            The old code stays in the column ``industry_source``.

        Raises
        ------
        ConcordanceError
            If codes have no target (and ``unmatched="raise"``) or more than one.

        Examples
        --------
        >>> import spillover as sp
        >>> firms = sp.read_firms(pd.DataFrame({"firm": [1, 2], "year": [2000, 2000],
        ...     "industry": ["3111", "3825"], "output": [9.0, 5.0], "foreign_share": [0.0, 1.0]}))
        >>> recoded = firms.with_industries(sp.concordance("isic2", "wiod2013"))
        >>> recoded.to_pandas()["industry"].tolist()
        ['c3', 'c14']
        """
        check_choice("unmatched", unmatched, ("raise", "drop"))
        counts = self.frame.group_by("industry").agg(nw.len().alias("rows")).to_pandas()
        rows = dict(zip(counts["industry"], counts["rows"], strict=True))
        targets, lost = _unique_targets(concordance, rows)
        if lost and unmatched == "raise":
            listed = preview([f"{code!r} ({rows[code]} rows)" for code in lost], 8)
            raise ConcordanceError(
                f"{len(lost)} of {len(rows)} industry codes have no target in the concordance "
                f"{concordance.source_name} -> {concordance.target_name}: {listed}. "
                'Add them to the concordance, or pass unmatched="drop" to leave those firms out.'
            )
        frame = self.frame.filter(nw.col("industry").is_in(list(targets)))
        frame = frame.rename({"industry": "industry_source"}).with_columns(
            nw.col("industry_source")
            .replace_strict(list(targets), list(targets.values()), return_dtype=nw.String)
            .alias("industry")
        )
        why = f"no {concordance.target_name} sector for codes {preview(lost, 5)}"
        dropped = {why: sum(rows[code] for code in lost)} if lost else {}
        report = _describe(frame, self.report.notes, {**self.report.dropped, **dropped})
        return replace(self, data=frame.to_native(), report=report)

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


def _unique_targets(
    concordance: Concordance, rows: Mapping[str, int]
) -> tuple[dict[str, str], list[str]]:
    """Return code -> target for the matched codes, and the codes without a target."""
    table = concordance.lookup(sorted(rows))
    several = table.loc[table.duplicated("code", keep=False), "code"].drop_duplicates().tolist()
    if several:
        raise ConcordanceError(
            f"{len(several)} industry codes go to several {concordance.target_name} sectors: "
            f"{preview(several)}. A firm belongs to one sector: choose one target per code, or "
            "aggregate the input-output table."
        )
    matched = table["target"].notna()
    lost = table.loc[~matched, "code"].tolist()
    return dict(zip(table.loc[matched, "code"], table.loc[matched, "target"], strict=True)), lost


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
        Industry codes are text, years integers. Money stays in the user's unit.

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
    >>> import spillover as sp
    >>> frame = pd.DataFrame({"id": [1, 1, 2], "year": [2000, 2001, 2000],
    ...     "nace": ["15", "15", "17"], "sales": [10.0, 12.0, 5.0], "for_pct": [0, 0, 60]})
    >>> sp.read_firms(frame, columns={"firm": "id", "industry": "nace", "output": "sales",
    ...     "foreign_share": "for_pct"}, foreign_share_unit="percent")
    FirmPanel(3 firm-years, 2 firms, 2 industries, 2000-2001)
    """
    check_choice("foreign_share_unit", foreign_share_unit, ("share", "percent"))
    check_choice("missing_keys", missing_keys, ("raise", "drop"))
    mapping = _check_mapping(columns or {})
    codes = tuple(mapping.get(name, name) for name in ("firm", "industry", "region"))
    frame = _rename(as_eager(load(source, codes), "source"), mapping)
    if len(frame) == 0:
        raise SchemaError("The panel has no rows.")
    numeric = [name for name in NUMERIC if name in frame.columns]
    problems = key_problems(frame, numeric)
    if problems:
        raise _collected(problems)
    frame = _canonical_types(frame, numeric, 100.0 if foreign_share_unit == "percent" else 1.0)
    frame, dropped = _drop_missing_keys(frame, missing_keys)
    problems = value_problems(frame, numeric, foreign_share_unit)
    if problems:
        raise _collected(problems)
    notes = report_notes(frame)
    if notes:
        warn("Firm panel: " + "; ".join(notes) + ".", SpilloverWarning, stacklevel=2)
    return FirmPanel(frame.to_native(), _describe(frame, notes, dropped))


def as_panel(firms: FirmPanel | NativeFrame) -> FirmPanel:
    """Return a panel as it is, and check a plain frame of canonical columns.

    Examples
    --------
    >>> as_panel(pd.DataFrame({"firm": [1], "year": [2000], "industry": ["15"],
    ...     "output": [1.0], "foreign_share": [0.5]}))
    FirmPanel(1 firm-years, 1 firms, 1 industries, 2000-2000)
    """
    return firms if isinstance(firms, FirmPanel) else read_firms(firms)


def _check_mapping(columns: Mapping[str, str]) -> Mapping[str, str]:
    canonical = (*REQUIRED, *OPTIONAL)
    for name in columns:
        if name not in canonical:
            raise SchemaError(
                f"columns={{{name!r}: ...}}: {name!r} is no canonical column."
                f"{did_you_mean(name, canonical)} (The mapping reads canonical name -> your name.)"
            )
    doubled = pd.Series(list(columns.values()), dtype=object)
    if doubled.duplicated().any():
        twice = preview(doubled[doubled.duplicated()].unique())
        raise SchemaError(f"columns= uses one source column for two canonical ones: {twice}.")
    return columns


def _rename(frame: nw.DataFrame[Any], mapping: Mapping[str, str]) -> nw.DataFrame[Any]:
    """Rename the user's columns to canonical ones; report every missing or clashing one at once."""
    problems = []
    present = frame.columns
    for name, own in mapping.items():
        if own not in present:
            hint = did_you_mean(own, present)
            problems.append(Problem(name, f"there is no column {own!r} to map it to.{hint}"))
        elif name in present and own != name:
            problems.append(
                Problem(
                    name,
                    f"it is mapped to {own!r}, but the panel also has a column called {name!r}. "
                    "Rename or drop one of them.",
                )
            )
    for name in REQUIRED:
        if name not in mapping and name not in present:
            hint = did_you_mean(name, present)
            problems.append(
                Problem(name, f"required, but absent. Map it with columns={{{name!r}: ...}}.{hint}")
            )
    if problems:
        raise _collected(problems)
    return frame.rename({own: name for name, own in mapping.items() if own != name})


def _collected(problems: list[Problem]) -> SchemaError:
    lines = "\n".join(f"  - {problem}" for problem in problems)
    many = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return SchemaError(f"The firm panel has {many}:\n{lines}")


def _canonical_types(
    frame: nw.DataFrame[Any], numeric: list[str], scale: float
) -> nw.DataFrame[Any]:
    """Years to integers, codes to text, numbers to floats with one kind of missing value."""
    industry = nw.col("industry")
    if frame.schema["industry"].is_numeric():
        industry = industry.cast(nw.Int64)
    numbers = [nw.col(name).cast(nw.Float64) for name in numeric if name != "foreign_share"]
    share = nw.col("foreign_share").cast(nw.Float64)
    if scale != 1.0:
        share = share / scale
    frame = frame.with_columns(
        nw.col("year").cast(nw.Int64), industry.cast(nw.String), share, *numbers
    )
    return frame.with_columns(nw.col(name).fill_nan(None) for name in numeric)


def _drop_missing_keys(
    frame: nw.DataFrame[Any], how: Literal["raise", "drop"]
) -> tuple[nw.DataFrame[Any], dict[str, int]]:
    keys = ("firm", "year", "industry")
    counts = frame.select(nw.col(*keys).is_null().sum()).rows()[0]
    missing = {key: int(count) for key, count in zip(keys, counts, strict=True) if count}
    if not missing:
        return frame, {}
    if how == "raise":
        raise _collected(
            [
                Problem(
                    key,
                    f"missing in {count:,} rows. Fill it, or pass missing_keys='drop' to leave "
                    "those rows out.",
                )
                for key, count in missing.items()
            ]
        )
    kept = frame.filter(~nw.any_horizontal(nw.col(*keys).is_null(), ignore_nulls=False))
    if len(kept) == 0:
        raise SchemaError(f"Every row lacks one of {preview(missing)}; nothing is left.")
    return kept, {f"no {' or '.join(missing)}": len(frame) - len(kept)}


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

"""How well a concordance serves the codes of a data set."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, preview, rows
from spillover.iotables.concordance import Concordance, as_code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike

    from spillover.firms import FirmPanel

_MISSING = "<missing>"


@dataclass(frozen=True, eq=False, repr=False)
class Coverage:
    """Which codes went where, how much they carry, and what was left over.

    Attributes
    ----------
    table : DataFrame
        One row per code: code, rows (how often it occurs), firms (distinct firms, if known),
        output (sum of the amounts, or NaN), targets (comma-separated), matched (bool).
    matched_share : float
        Share of the amounts (of the rows, if no amounts were given) whose code has a target.
    unmatched : tuple of str
        Codes without target; a missing code is listed as ``"<missing>"``.
    allocation : DataFrame
        One row per matched code and target: code, target, weight, and rows, firms and output
        times the weight.
    by_amount : bool
        Whether ``matched_share`` is of the amounts.
    names : tuple of str
        The two classifications.
    """

    table: pd.DataFrame
    matched_share: float
    unmatched: tuple[str, ...]
    allocation: pd.DataFrame = field(default_factory=pd.DataFrame)
    by_amount: bool = False
    names: tuple[str, str] = ("source", "target")

    @property
    def split(self) -> tuple[str, ...]:
        """Codes that go to several targets by weights."""
        counts = self.allocation["code"].value_counts(sort=False)
        return tuple(counts.index[counts > 1])

    def by_target(self) -> pd.DataFrame:
        """Sum up what each target gets: codes (distinct), rows, firms and output by weight."""
        sums = [name for name in ("rows", "firms", "output") if name in self.allocation]
        grouped = self.allocation.groupby("target", sort=False)
        counts = grouped["code"].nunique().rename("codes")
        return pd.concat([counts, grouped[sums].sum(min_count=1)], axis=1).reset_index()

    def _share(self, codes: tuple[str, ...]) -> str:
        """Say how many rows, firms and how much output some codes carry."""
        part = self.table[self.table["code"].isin(codes)]
        words = [rows(int(part["rows"].sum()))]
        if "firms" in part:
            words.append(_count(int(part["firms"].sum()), "firm"))
        if self.by_amount:
            total = float(self.table["output"].sum())
            words.append(f"{float(part['output'].sum()) / total if total else 0.0:.1%} of output")
        return ", ".join(words)

    def __repr__(self) -> str:
        lost = f"; without target: {preview(self.unmatched)}" if self.unmatched else ""
        return f"Coverage({self.matched_share:.1%} matched, {len(self.table)} codes{lost})"

    def __str__(self) -> str:
        matched = tuple(self.table.loc[self.table["matched"], "code"])
        of = "output" if self.by_amount else "rows"
        lines = [
            f"{' → '.join(self.names)}: {self.matched_share:.1%} of {of} matched, "
            f"{len(matched)} of {len(self.table)} codes ({self._share(matched)})"
        ]
        if self.split:
            lines.append(
                f"split by weights: {_count(len(self.split), 'code')} ({self._share(self.split)}): "
                f"{preview(self.split)}"
            )
        if self.unmatched:
            lines.append(
                f"without target: {_count(len(self.unmatched), 'code')} "
                f"({self._share(self.unmatched)}): "
                f"{preview(self.unmatched)}"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        text = html.escape(str(self)).replace("\n", "<br>")
        lost = self.table[~self.table["matched"]]
        shown = lost if len(lost) else self.by_target()
        what = "Left over" if len(lost) else "Targets"
        table = shown.head(20).to_html(index=False, border=0, float_format="{:,.5g}".format)
        return f"<div><p>{text}</p><p><b>{what}</b></p>{table}</div>"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def coverage(
    concordance: Concordance,
    codes: Iterable[object] | FirmPanel,
    output: ArrayLike | None = None,
) -> Coverage:
    """Report which codes of a data set a concordance serves, and how much they carry.

    Parameters
    ----------
    concordance : Concordance
    codes : iterable or FirmPanel
        Code of each of the n rows; or a panel, whose industries, firms and output are used.
    output : (n,) array, optional
        Amount of each row, such as its output; missing amounts count as zero.

    Returns
    -------
    Coverage

    Raises
    ------
    SchemaError
        If ``output`` has another length than ``codes``, or is given beside a panel.

    Examples
    --------
    >>> c = Concordance.from_mapping({"15": "c3"})
    >>> report = coverage(c, ["15", "15", "99"], [4.0, 5.0, 1.0])
    >>> report
    Coverage(90.0% matched, 2 codes; without target: '99')
    >>> print(report)
    source → target: 90.0% of output matched, 1 of 2 codes (2 rows, 90.0% of output)
    without target: 1 code (1 row, 10.0% of output): '99'
    """
    data, by_amount = _collect(codes, output)
    grouped = data.groupby("code", sort=True)
    parts = {"rows": grouped.size()}
    if "firm" in data:
        parts["firms"] = grouped["firm"].nunique()
    parts["output"] = grouped["output"].sum(min_count=1)
    table = pd.DataFrame(parts).reset_index()
    found = concordance.lookup(table.loc[table["code"] != _MISSING, "code"])
    found = found.dropna(subset=["target"])
    targets = found.groupby("code")["target"].agg(", ".join)
    table["targets"] = table["code"].map(targets.to_dict())
    table["matched"] = table["targets"].notna()
    by = table["output"].fillna(0.0) if by_amount else table["rows"]
    total = float(by.sum())
    return Coverage(
        table,
        float(by[table["matched"]].sum()) / total if total else float("nan"),
        tuple(table.loc[~table["matched"], "code"]),
        _allocation(table, found),
        by_amount,
        (concordance.source_name, concordance.target_name),
    )


def _collect(
    codes: Iterable[object] | FirmPanel, output: ArrayLike | None
) -> tuple[pd.DataFrame, bool]:
    """Return a frame of code, output (and firm), and whether there are amounts."""
    if hasattr(codes, "frame"):
        if output is not None:
            msg = "output= is not needed with a firm panel, whose own output is used."
            raise SchemaError(msg)
        panel = codes.frame.select("industry", "output", "firm").to_pandas()
        panel = panel.rename(columns={"industry": "code"})
        panel["code"] = [as_code(code) or _MISSING for code in panel["code"]]
        return panel.astype({"output": np.float64}), True
    text = [as_code(code) or _MISSING for code in codes]
    amount = np.full(len(text), np.nan)
    if output is not None:
        amount = np.asarray(output, dtype=np.float64).ravel()
        if len(amount) != len(text):
            msg = f"output has {len(amount)} values for {len(text)} codes; give one for each."
            raise SchemaError(msg)
    return pd.DataFrame({"code": text, "output": amount}), output is not None


def _allocation(table: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Spread rows, firms and output of each code over its targets."""
    sums = [name for name in ("rows", "firms", "output") if name in table]
    out = found.merge(table[["code", *sums]], on="code", how="left")
    out[sums] = out[sums].multiply(out["weight"], axis=0)
    return out[["code", "target", "weight", *sums]]

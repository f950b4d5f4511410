"""Where a firm panel's industry codes go: one sector each, or several by weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw
import pandas as pd

from spillover.errors import (
    ConcordanceError,
    SchemaError,
    check_choice,
    preview,
    preview_counts,
    rows,
)

if TYPE_CHECKING:
    from spillover.iotables import Concordance

Several = Literal["raise", "largest", "split"]
Shares = tuple[tuple[str, float], ...]
"""The sectors of one code and their weights, which sum to one."""
Split = Mapping[str, Shares]
"""The industries that stand for several sectors: label -> sectors and weights."""
_TIE = 1e-9


@dataclass(frozen=True)
class Recoding:
    """Where each industry code goes.

    Attributes
    ----------
    targets : dict of str to str
        Code -> sector, or the label of a split.
    lost : list of str
        Codes without target.
    shared : mapping of str to Shares
        The codes that the concordance gives to several sectors.
    how : {"raise", "largest", "split"}
        What was done with them.
    target_name : str
        Of the classification.
    """

    targets: dict[str, str]
    lost: list[str]
    shared: Split
    how: Several
    target_name: str

    @property
    def split(self) -> dict[str, Shares]:
        """Label -> sectors and weights."""
        shared = self.shared if self.how == "split" else {}
        return {self.targets[code]: shares for code, shares in shared.items()}

    def note(self, count: int, share: str = "") -> str:
        """Say what became of the firm-years whose codes go to several sectors."""
        fate = {
            "largest": "went to the one with the largest weight",
            "split": "count in each by its weight",
        }[self.how]
        return (
            f"{rows(count)}{share} with codes that go to several {self.target_name} sectors "
            f"{fate}: {preview(self.shared)}"
        )

    def notes(self, frame: nw.DataFrame[Any]) -> tuple[str, ...]:
        """Say how many rows, and how much output, have codes that go to several sectors.

        ``frame`` has the codes that were looked up, in the column ``industry``.
        """
        if not self.shared:
            return ()
        part = frame.filter(nw.col("industry").is_in(list(self.shared)))
        total, moved = (float(f["output"].sum() or 0.0) for f in (frame, part))
        return (self.note(len(part), f" ({moved / total:.1%} of output)" if total else ""),)


def recode(
    concordance: Concordance,
    codes: Mapping[str, int],
    several: Several,
    unmatched: Literal["raise", "drop"] = "raise",
) -> Recoding:
    """Look up where industry codes go.

    Parameters
    ----------
    concordance : Concordance
    codes : mapping
        Code -> rows.
    several : {"raise", "largest", "split"}
        What to do with codes that go to several sectors.
    unmatched : {"raise", "drop"}
        What to do with codes without target.

    Returns
    -------
    Recoding

    Raises
    ------
    SchemaError
        If ``concordance`` is none.
    ConcordanceError
        If codes have no target and these are refused, or no code has one; if codes have several
        targets and these are refused, or none of them has the largest weight.
    """
    if not hasattr(concordance, "lookup"):
        raise SchemaError(
            f"concordance is a {type(concordance).__name__}; give a Concordance, as from "
            "sp.concordance(...) or sp.Concordance.from_mapping(...)."
        )
    check_choice("several", several, ("raise", "largest", "split"))
    found = concordance.lookup(codes).dropna(subset="target")
    options: dict[str, Shares] = {
        str(code): tuple(zip(part["target"], part["weight"].tolist(), strict=True))
        for code, part in found.groupby("code", sort=False)
    }
    shared = {code: shares for code, shares in options.items() if len(shares) > 1}
    if shared and several == "raise":
        raise ConcordanceError(_refused(list(shared), concordance))
    targets = {code: shares[0][0] for code, shares in options.items()}
    if several == "split":
        targets |= {code: _label(code, shares) for code, shares in shared.items()}
    else:
        targets |= _largest(shared, concordance)
    lost = [code for code in codes if code not in targets]
    if lost and (unmatched == "raise" or not targets):
        raise ConcordanceError(_unserved(lost, codes, concordance, some=bool(targets)))
    return Recoding(targets, lost, shared, several, concordance.target_name)


def _label(code: str, shares: Shares) -> str:
    """Name a split.

    Examples
    --------
    >>> _label("33", (("c13", 0.2), ("c14", 0.8)))
    '33: c13 + c14'
    """
    return f"{code}: {' + '.join(sector for sector, _ in shares)}"


def is_label(industry: str, sectors: set[str]) -> bool:
    """Whether an industry is called as a split over some of these sectors.

    Examples
    --------
    >>> is_label("33: c13 + c14", {"c13", "c14"}), is_label("33", {"c13", "c14"})
    (True, False)
    """
    _, mark, listed = industry.partition(": ")
    return bool(mark) and set(listed.split(" + ")) <= sectors


def _largest(shared: Split, concordance: Concordance) -> dict[str, str]:
    ranked = {code: sorted(shares, key=lambda one: -one[1]) for code, shares in shared.items()}
    tied = [code for code, (first, second, *_) in ranked.items() if first[1] - second[1] < _TIE]
    if tied:
        raise ConcordanceError(
            f"{len(tied)} industry codes go to several {concordance.target_name} sectors with "
            f"equal weights, so that none is the largest: {preview(tied)}. Use longer codes, "
            'choose one target per code, pass several="split", or aggregate the input-output '
            "table."
        )
    return {code: shares[0][0] for code, shares in ranked.items()}


def _refused(codes: list[str], concordance: Concordance) -> str:
    return (
        f"{len(codes)} industry codes go to several {concordance.target_name} sectors: "
        f'{preview(codes)}. Pass several="split" to count their firms in each by its weight, or '
        'several="largest" to take the one with the largest weight; or choose one target per '
        "code, or aggregate the input-output table."
    )


def _unserved(
    lost: list[str], codes: Mapping[str, int], concordance: Concordance, *, some: bool
) -> str:
    leave = ', or pass unmatched="drop" to leave those firms out' if some else ""
    return (
        f"{len(lost)} of {len(codes)} industry codes have no target in the concordance "
        f"{concordance.source_name} -> {concordance.target_name}: "
        f"{preview_counts({code: codes[code] for code in lost})}. "
        f"{concordance.hint(lost)}Add them to the concordance{leave}."
    )


def spread(frame: pd.DataFrame, split: Split, powers: Mapping[str, int]) -> pd.DataFrame:
    """Repeat the rows of split industries, once for each of their sectors.

    Parameters
    ----------
    frame : pandas.DataFrame
        With a column industry; other industries stay as they are.
    split : mapping of str to Shares
    powers : mapping of str to int
        The columns that are multiplied by the weight, and how often: what grows with the square
        of a firm's size takes it twice.

    Returns
    -------
    pandas.DataFrame

    Examples
    --------
    >>> sums = pd.DataFrame({"industry": ["a", "2: a + b"], "output": [1.0, 8.0]})
    >>> spread(sums, {"2: a + b": (("a", 0.25), ("b", 0.75))}, {"output": 1})
      industry  output
    0        a     1.0
    1        a     2.0
    2        b     6.0
    """
    present = split.keys() & set(frame["industry"])
    if not present:
        return frame
    listed = [(label, *share) for label in sorted(present) for share in split[label]]
    table = pd.DataFrame(listed, columns=["industry", "_sector", "_part"])
    out = frame.merge(table, on="industry", how="left")
    part = out.pop("_part").fillna(1.0)
    out["industry"] = out.pop("_sector").fillna(out["industry"])
    if (part != 1).any():
        for name, power in powers.items():
            out[name] = out[name] * part**power
    return out

"""How well a concordance serves the codes of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, preview
from spillover.iotables.concordance import Concordance, as_code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class Coverage:
    """How well a concordance covers the codes of a data set.

    Attributes
    ----------
    table : DataFrame
        One row per code: code, rows (how often it occurs), output (sum of the amounts, or NaN),
        targets (comma-separated), matched (bool).
    matched_share : float
        Share of the amounts (of the rows, if no amounts were given) whose code has a target.
    unmatched : tuple of str
        Codes without target; a missing code is listed as ``"<missing>"``.
    """

    table: pd.DataFrame
    matched_share: float
    unmatched: tuple[str, ...]

    def __repr__(self) -> str:
        lost = f"; without target: {preview(self.unmatched)}" if self.unmatched else ""
        return f"Coverage({self.matched_share:.1%} matched, {len(self.table)} codes{lost})"


def coverage(
    concordance: Concordance, codes: Iterable[object], output: ArrayLike | None = None
) -> Coverage:
    """Report which codes of a data set a concordance serves, and how much they carry.

    Parameters
    ----------
    concordance : Concordance
    codes : iterable
        Code of each of the n rows.
    output : (n,) array, optional
        Amount of each row, such as its output; missing amounts count as zero.

    Returns
    -------
    Coverage

    Raises
    ------
    SchemaError
        If ``output`` has another length than ``codes``.

    Examples
    --------
    >>> c = Concordance.from_mapping({"15": "c3"})
    >>> coverage(c, ["15", "15", "99"], [4.0, 5.0, 1.0])
    Coverage(90.0% matched, 2 codes; without target: '99')
    """
    text = [as_code(code) for code in codes]
    amount = np.full(len(text), np.nan)
    if output is not None:
        amount = np.asarray(output, dtype=np.float64).ravel()
        if len(amount) != len(text):
            msg = f"output has {len(amount)} values for {len(text)} codes; give one for each."
            raise SchemaError(msg)
    rows = pd.DataFrame({"code": ["<missing>" if c is None else c for c in text], "output": amount})
    grouped = rows.groupby("code", sort=True)["output"]
    table = pd.DataFrame({"rows": grouped.size(), "output": grouped.sum(min_count=1)}).reset_index()
    found = concordance.lookup(table.loc[table["code"] != "<missing>", "code"])
    targets = found.dropna(subset=["target"]).groupby("code")["target"].agg(", ".join)
    table["targets"] = table["code"].map(targets.to_dict())
    table["matched"] = table["targets"].notna()
    by = table["rows"] if output is None else table["output"].fillna(0.0)
    total = float(by.sum())
    share = float(by[table["matched"]].sum()) / total if total else float("nan")
    return Coverage(table, share, tuple(table.loc[~table["matched"], "code"]))

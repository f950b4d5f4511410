"""Composition and inversion of concordances, behind the methods of :class:`Concordance`."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.errors import ConcordanceError, SpilloverWarning, check_choice, preview

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from spillover.iotables.concordance import Concordance


def compose(
    first: Concordance, second: Concordance, unmatched: Literal["raise", "drop"]
) -> Concordance:
    """Chain two concordances; see :meth:`Concordance.compose`."""
    check_choice("unmatched", unmatched, ("raise", "drop"))
    found = second.lookup(first.table["target"])
    lost = set(found.loc[found["target"].isna(), "code"])
    route = f"{first.source_name} → {first.target_name} → {second.target_name}"
    codes = first.table.loc[first.table["target"].isin(lost), "source"].drop_duplicates()
    everything = len(codes) == first.table["source"].nunique()
    if lost and (unmatched == "raise" or everything):
        leave = "" if everything else ', or pass unmatched="drop" to leave those codes out'
        msg = (
            f"{len(lost)} {first.target_name} code(s) have no entry on the way {route}: "
            f"{preview(sorted(lost))}; {first.source_name} code(s) {preview(codes)} need them. "
            f"{second.hint(sorted(lost))}Add them{leave}."
        )
        raise ConcordanceError(msg)
    if lost:
        msg = f"{route}: {len(codes)} code(s) are left out: {preview(codes)}."
        warnings.warn(msg, SpilloverWarning, stacklevel=3)
    kept = first.table[~first.table["source"].isin(codes)]
    pairs = kept.merge(
        found.rename(columns={"code": "target", "target": "last", "weight": "share"}), on="target"
    )
    pairs["weight"] = pairs["weight"] * pairs["share"]
    table = pairs.groupby(["source", "last"], sort=False)["weight"].sum().reset_index()
    table = table.rename(columns={"last": "target"})
    return type(first)(table, first.source_name, second.target_name, first.match)


def invert(
    concordance: Concordance, weights: Mapping[str, float] | Literal["equal"]
) -> Concordance:
    """Turn a concordance around; see :meth:`Concordance.invert`."""
    if isinstance(weights, str):
        check_choice("weights", weights, ("equal",))
        sizes = dict.fromkeys(concordance.table["source"], 1.0)
    else:
        sizes = {str(code): float(size) for code, size in weights.items()}
    _check_sizes(concordance, sizes)
    found = concordance.lookup(sizes)
    lost = found.loc[found["target"].isna(), "code"].tolist()
    if lost:
        msg = (
            f"{len(lost)} of the codes in weights have no {concordance.target_name} counterpart: "
            f"{preview(lost)}. {concordance.hint(lost)}"
        )
        raise ConcordanceError(msg)
    mass = found["weight"] * found["code"].map(sizes)
    table = pd.DataFrame({"source": found["target"], "target": found["code"], "weight": mass})
    table = table[table["weight"] > 0].reset_index(drop=True)
    empty = sorted(set(concordance.table["target"]) - set(table["source"]))
    if empty:
        msg = (
            f"{len(empty)} {concordance.target_name} code(s) get no {concordance.source_name} code "
            f"with a positive size and would be lost: {preview(empty)}. Give sizes for them."
        )
        raise ConcordanceError(msg)
    table["weight"] /= table.groupby("source")["weight"].transform("sum")
    names = (concordance.target_name, concordance.source_name)
    return type(concordance)(table, *names, "exact")


def _check_sizes(concordance: Concordance, sizes: Mapping[str, float]) -> None:
    """Raise unless every source code has a size that is a number and not negative."""
    bad = [code for code, size in sizes.items() if not (np.isfinite(size) and size >= 0)]
    if bad:
        msg = f"weights must be numbers that are not negative; they are not for {preview(bad)}."
        raise ConcordanceError(msg)
    sources = concordance.table["source"].drop_duplicates()
    served = set(sizes)
    if concordance.match == "prefix":
        served = {code[:length] for code in sizes for length in range(1, len(code) + 1)}
    without = [code for code in sources if code not in served]
    if without:
        msg = (
            f"{len(without)} {concordance.source_name} code(s) have no size in weights: "
            f"{preview(without)}. Give every code its size (zero to leave it out)."
        )
        raise ConcordanceError(msg)

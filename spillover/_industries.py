"""One sector for every industry code: what a firm panel needs of a concordance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw

from spillover.errors import ConcordanceError, preview, rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spillover.iotables import Concordance

Several = Literal["raise", "largest"]
_TIE = 1e-9


def single_targets(
    concordance: Concordance, codes: Mapping[str, int], several: Several
) -> tuple[dict[str, str], list[str], dict[str, float]]:
    """Give each code one target.

    Parameters
    ----------
    concordance : Concordance
    codes : mapping
        Code -> rows.
    several : {"raise", "largest"}
        What to do with codes that go to several targets.

    Returns
    -------
    tuple
        Code -> target; codes without target; and, for codes with several targets, code -> weight
        of the one that was taken.

    Raises
    ------
    ConcordanceError
        If codes have several targets and these are refused, or none has the largest weight.
    """
    table = concordance.lookup(codes)
    split = table[table.duplicated("code", keep=False)]
    if len(split) and several == "raise":
        raise ConcordanceError(_several(split["code"].unique().tolist(), concordance))
    chosen: dict[str, float] = {}
    tied = []
    for code, weights in split.groupby("code", sort=False)["weight"]:
        first, second = weights.nlargest(2)
        chosen[str(code)] = float(first)
        if first - second < _TIE:
            tied.append(str(code))
    if tied:
        raise ConcordanceError(
            f"{len(tied)} industry codes go to several {concordance.target_name} sectors with "
            f"equal weights, so that none is the largest: {preview(tied)}. Use longer codes, "
            "choose one target per code, or aggregate the input-output table."
        )
    ranked = table.sort_values("weight", ascending=False, kind="stable")
    table = ranked.drop_duplicates("code").sort_index()
    matched = table["target"].notna()
    lost = table.loc[~matched, "code"].tolist()
    found = dict(zip(table.loc[matched, "code"], table.loc[matched, "target"], strict=True))
    return found, lost, chosen


def _several(codes: list[str], concordance: Concordance) -> str:
    return (
        f"{len(codes)} industry codes go to several {concordance.target_name} sectors: "
        f"{preview(codes)}. A firm belongs to one sector: choose one target per code, pass "
        'several="largest" to take the one with the largest weight, or aggregate the input-output '
        "table."
    )


def split_note(
    frame: nw.DataFrame[Any], chosen: Mapping[str, float], target_name: str
) -> tuple[str, ...]:
    """Say how many rows, and how much output, went to the largest of several targets.

    ``frame`` still has the codes that were looked up, in the column ``industry``.
    """
    if not chosen:
        return ()
    part = frame.filter(nw.col("industry").is_in(list(chosen)))
    total, moved = (float(f["output"].sum() or 0.0) for f in (frame, part))
    share = f" ({moved / total:.1%} of output)" if total else ""
    return (
        f"{rows(len(part))}{share} with codes that go to several {target_name} sectors went to the "
        f"one with the largest weight: {preview(chosen)}",
    )

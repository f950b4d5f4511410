"""Row identity, its check, and aggregation of an input-output table."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spillover.errors import ConcordanceError, SchemaError, SpilloverWarning, preview
from spillover.iotables.validation import deducted, sum_uses

if TYPE_CHECKING:
    from spillover.iotables.concordance import Concordance
    from spillover.iotables.table import IOTable

Array = NDArray[np.float64]
# A transposed table is suspected when its gaps are smaller than this share of the gaps as read.
_MUCH_BETTER = 0.1


def _row_flows(io: IOTable) -> Array:
    """Return the flows that the row identity is about."""
    return io.domestic if io.domestic is not None else io.flows("total")


def balance(io: IOTable) -> pd.DataFrame:
    """Compare output with uses; see :meth:`IOTable.balance`."""
    imports = deducted(io.domestic, io.imports)
    uses = sum_uses(_row_flows(io), io.final_demand, io.exports, imports)
    gap = io.output - uses
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(gap == 0, 0.0, gap / io.output)
    return pd.DataFrame(
        {
            "sector": list(io.sectors),
            "output": io.output,
            "uses": uses,
            "gap": gap,
            "relative_gap": relative,
            "value_added": io.value_added().to_numpy(),
        }
    )


def _transposed_gap(io: IOTable) -> float:
    """Sum of absolute gaps if rows and columns of the flows were exchanged."""
    imports = deducted(io.domestic, io.imports)
    uses = sum_uses(_row_flows(io).T, io.final_demand, io.exports, imports)
    return float(np.abs(io.output - uses).sum())


_TRANSPOSED = (
    " The table looks transposed: rows must supply and columns use. Exchange them "
    "(orientation='users_in_rows' in read_io)."
)


def check_balance(io: IOTable, tolerance: float, absolute: float, stacklevel: int = 3) -> None:
    """Raise or warn about gaps and signs; see :meth:`IOTable.check_balance`."""
    if not (tolerance >= 0 and absolute >= 0):
        msg = f"tolerance={tolerance} and absolute={absolute} must not be negative."
        raise SchemaError(msg)
    frame = balance(io)
    size = frame["gap"].abs()
    off = frame[size > np.maximum(tolerance * frame["output"], absolute)]
    negative = frame.loc[frame["value_added"] < 0, "sector"].tolist()
    signs = f"value added is negative in {len(negative)} sector(s): {preview(negative)}."
    if not off.empty:
        worst = off.loc[off["gap"].abs().sort_values(ascending=False).index].head(5)
        listed = "; ".join(
            f"{row.sector} (output {row.output:,.5g}, uses {row.uses:,.5g})"
            for row in worst.itertuples()
        )
        transposed = _transposed_gap(io) < _MUCH_BETTER * float(size.sum())
        msg = (
            f"{io!r} does not balance: in {len(off)} of {len(frame)} sectors output differs from "
            f"uses by more than {tolerance:.2g} of output. Largest gaps: {listed}."
            + (_TRANSPOSED if transposed else _cause(io))
            + (f" Also, {signs}" if negative else "")
        )
        raise SchemaError(msg)
    if negative:
        msg = f"{io!r}: {signs} Check its orientation, prices and signs before use."
        warnings.warn(msg, SpilloverWarning, stacklevel=stacklevel)


def _cause(io: IOTable) -> str:
    """Suggest the usual reasons for a gap."""
    if io.domestic is None and io.imports is None:
        return " Total flows include imported products: give imports=, or domestic flows."
    return (
        " Check that final demand, exports and output are in the unit and prices of the flows, and "
        "that no total was read as a sector."
    )


def warn_large_shares(io: IOTable, Z: Array, d: Array, denominator: str) -> None:
    """Warn where intermediate sales exceed the denominator of the shares."""
    above = np.flatnonzero(Z.sum(axis=1) > d * (1 + 1e-9))
    if above.size:
        msg = (
            f"{io!r}: intermediate flows exceed denominator={denominator!r} in {above.size} "
            f"sector(s), so that shares sum to more than 1: "
            f"{preview([io.sectors[i] for i in above])}. Use flows='domestic' or "
            "denominator='intermediate'."
        )
        warnings.warn(msg, SpilloverWarning, stacklevel=3)


def aggregate(io: IOTable, concordance: Concordance) -> IOTable:
    """Add up sectors; see :meth:`IOTable.aggregate`."""
    found = concordance.lookup(io.sectors)
    lost = found.loc[found["target"].isna(), "code"].tolist()
    if lost:
        msg = (
            f"{len(lost)} of {len(io.sectors)} sectors have no counterpart in the concordance "
            f"{concordance.source_name} → {concordance.target_name}: {preview(lost)}. "
            f"{concordance.hint(lost)}Add them to the concordance."
        )
        raise ConcordanceError(msg)
    targets = list(dict.fromkeys(found["target"]))
    rows = [io.sectors.index(code) for code in found["code"]]
    columns = [targets.index(target) for target in found["target"]]
    W = np.zeros((len(io.sectors), len(targets)))
    W[rows, columns] = found["weight"].to_numpy(dtype=np.float64)

    def matrix(Z: Array | None) -> Array | None:
        return None if Z is None else W.T @ Z @ W

    # Total last, so that it is exactly the sum of its two parts.
    domestic, imported = matrix(io.domestic), matrix(io.imported)
    both = domestic is not None and imported is not None
    return type(io)(
        tuple(targets),
        domestic=domestic,
        imported=imported,
        total=domestic + imported if both else matrix(io.total),  # type: ignore[operator]
        final_demand=W.T @ io.final_demand,
        exports=W.T @ io.exports,
        output=W.T @ io.output,
        imports=None if io.imports is None else W.T @ io.imports,
        unit=io.unit,
        country=io.country,
        year=io.year,
        source=io.source,
        labels={t: io.labels[t] for t in targets if t in io.labels},
    )

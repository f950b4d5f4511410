"""How an input-output table is printed and exported."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from spillover.iotables.table import IOTable


def title(io: IOTable) -> str:
    """Return country and year, else the source."""
    place = " ".join(str(part) for part in (io.country, io.year) if part)
    return place or io.source or "unnamed"


def one_line(io: IOTable) -> str:
    """Return the text of ``repr``."""
    known = [name for name in ("domestic", "imported") if getattr(io, name) is not None]
    kinds = "+".join(known) or "total"
    return f"IOTable({title(io)}, {len(io.sectors)} sectors, {kinds} flows, {io.unit})"


def html_summary(io: IOTable) -> str:
    """Return a short table for notebooks."""
    kinds = "domestic only" if io.total is None else "total (imports not separated)"
    rows = {
        "Sectors": str(len(io.sectors)),
        "Flows": "domestic and imported" if io.separates_imports else kinds,
        "Unit": io.unit,
        "Output": f"{io.output.sum():,.4g}",
        "Value added": f"{io.value_added().sum():,.4g}"
        + ("" if io.total is not None else " (with imported inputs)"),
        "Largest relative gap": f"{io.balance()['relative_gap'].abs().max():.2g}",
        "Source": io.source,
    }
    body = "".join(
        f"<tr><th style='text-align:left'>{key}</th><td>{html.escape(text)}</td></tr>"
        for key, text in rows.items()
        if text
    )
    caption = html.escape(title(io))
    return f"<table><caption>Input-output table: {caption}</caption>{body}</table>"


def to_frame(io: IOTable) -> pd.DataFrame:
    """Return all parts in long form; see :meth:`IOTable.to_frame`."""
    n = len(io.sectors)
    names = np.asarray(io.sectors, dtype=object)
    matrices = ("total",) if io.domestic is None else ("domestic", "imported")
    frames = []
    for flow in matrices:
        matrix = getattr(io, flow)
        if matrix is not None:
            pairs = {"row": np.repeat(names, n), "column": np.tile(names, n)}
            frames.append(pd.DataFrame(pairs).assign(flow=flow, value=matrix.ravel()))
    for use in ("final_demand", "exports", "output", "imports"):
        vector = getattr(io, use)
        if vector is not None:
            frames.append(pd.DataFrame({"row": names}).assign(column=use, flow=use, value=vector))
    return pd.concat(frames, ignore_index=True)

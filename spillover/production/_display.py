"""How a :class:`.Productivity` shows itself: a table of elasticities, and what to know about it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from spillover.errors import rows

if TYPE_CHECKING:
    import pandas as pd

    from spillover.production.result import Productivity

SHOWN = 12
"""Groups in the table."""
REASONS = 6
"""Reasons for which rows were left out."""


def as_text(result: Productivity) -> str:
    """Lay a result out as text."""
    body = _table(result).to_string(float_format=lambda value: f"{value:.4f}")
    return "\n".join([f"Productivity by {result.method}", body, *_more(result), *_lines(result)])


def as_html(result: Productivity) -> str:
    """Lay a result out for a notebook."""
    body = _table(result).to_html(float_format=lambda value: f"{value:.4f}", border=0)
    rest = "".join(f"<p>{escape(line)}</p>" for line in _more(result))
    notes = "<br>".join(escape(line) for line in _lines(result))
    return (
        f"<div><p><b>Productivity by {escape(result.method)}</b></p>{body}{rest}"
        f"<p style='font-size:smaller'>{notes}</p></div>"
    )


def _table(result: Productivity) -> pd.DataFrame:
    table = result.elasticities
    shown = table[table["group"].isin(list(result.estimates)[:SHOWN])]
    wide = shown.pivot_table(index="group", columns="input", values="estimate", sort=False)
    wide = wide[list(dict.fromkeys(shown["input"]))]
    wide["returns to scale"] = wide.sum(axis=1)
    wide["rows"] = [result.estimates[group].nobs for group in wide.index]
    return wide.rename_axis(columns=None)


def _more(result: Productivity) -> list[str]:
    more = len(result.estimates) - SHOWN
    return [f"... and {more} more groups"] if more > 0 else []


def _lines(result: Productivity) -> list[str]:
    known = int(result.tfp.notna().sum())
    lines = [
        f"Output: {result.output}; {len(result.estimates)} group(s) by {result.by or 'nothing'}",
        f"TFP known for {known:,} of {rows(len(result.tfp))}",
        f"Standard errors: {result.inference}",
    ]
    dropped = list(result.report.dropped.items())
    lines += [f"Left out: {rows(count)}, {why}" for why, count in dropped[:REASONS]]
    if len(dropped) > REASONS:
        rest = sum(count for _, count in dropped[REASONS:])
        lines.append(f"Left out: {rows(rest)} for {len(dropped) - REASONS} more reasons (.report)")
    lines += [f"Note: {note}" for note in result.notes]
    return [*lines, "Synthetic data"] if result.synthetic else lines

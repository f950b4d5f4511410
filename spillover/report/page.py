"""The self-contained HTML page of a report."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

import spillover
from spillover.report.job import MEASURES, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from spillover.panel import Fit
    from spillover.tables import RegressionTable

STYLE = """
body { font: 16px/1.5 Georgia, 'Times New Roman', serif; color: #1a1a1a; max-width: 60rem;
       margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.7rem; margin-bottom: .2rem; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
figure { margin: 1.2rem 0; } figure img { max-width: 100%; }
figcaption, .small { font-size: .85rem; color: #444; }
.answer { border-left: 4px solid #1f4e79; padding: .4rem 1rem; background: #f3f6fa; }
.synthetic { border: 1px solid #b35900; background: #fff6ea; padding: .4rem 1rem;
             font-weight: bold; }
table { border-collapse: collapse; } .plain td, .plain th { padding: .15rem .8rem; text-align:
right; } .plain th:first-child, .plain td:first-child { text-align: left; }
.plain thead th { border-bottom: 1px solid #1a1a1a; }
.scroll { overflow-x: auto; } li { margin: .3rem 0; }
"""
CAPTIONS = {
    "linkages-over-time": "Foreign presence by channel over time; thin lines are industries.",
    "linkages-by-industry": "Foreign presence by industry, first and last year.",
    "io-table": "The table behind Backward: the share of each supplying industry's sales (row) "
    "that each using industry (column) buys.",
    "coefficients": "Estimates of the models in the table, with 95 % confidence intervals.",
    "inference": "Model (1) with standard errors clustered at other levels.",
}


def semi_elasticity(fit: Fit, term: str) -> str:
    """Read a coefficient on presence: the effect of ten percentage points more of it.

    Parameters
    ----------
    fit : Fit
        With an outcome in logarithms and presence in shares.
    term : str

    Returns
    -------
    str
    """
    low, high = fit.confint().loc[term].to_numpy()
    effect, low, high = 100 * np.expm1(0.1 * np.array([fit.params[term], low, high]))
    return f"{_signed(effect)} % (95 % interval {_signed(low)} to {_signed(high)})"


def _signed(value: float) -> str:
    text = f"{value:+.1f}".replace("-", "\N{MINUS SIGN}")
    return "0.0" if text[1:] == "0.0" else text


def page(
    outcome: Outcome,
    tables: Mapping[str, RegressionTable],
    pictures: Mapping[str, str],
    *,
    executed: bool,
) -> str:
    """Return the page.

    Parameters
    ----------
    outcome : Outcome
    tables : mapping of str to RegressionTable
        regressions and inference.
    pictures : mapping of str to str
        Figure name -> PNG as base64 text.
    executed : bool
        Whether the notebook was executed.

    Returns
    -------
    str
        HTML without any outside resource.
    """
    parts = [
        "<h1>Foreign presence and the productivity of domestic firms</h1>",
        f"<p class='small'>spillover {escape(spillover.__version__)}</p>",
        _banner(outcome),
        _answer(outcome),
        "<h2>Data</h2>",
        _data(outcome),
        "<h2>Linkage measures</h2>",
        f"<p>{escape(repr(outcome.links))}. Units: shares of output, 0 to 1.</p>",
        _frame(outcome.links.summary().rename(index=str.capitalize).astype({"count": int})),
        _figure(pictures, "linkages-over-time"),
        _figure(pictures, "linkages-by-industry"),
        _figure(pictures, "io-table"),
        "<h2>Estimates</h2>",
        f"<div class='scroll'>{tables['regressions'].to_html()}</div>",
        _figure(pictures, "coefficients"),
        "<h2>How far to trust the standard errors</h2>",
        "<p>The measures vary by industry and year, so firms of an industry share their errors "
        "(Moulton 1990). Intervals that change a lot with the level of clustering are a warning; "
        "errors may also be correlated across industries that buy from or sell to the same "
        "others, which none of these levels covers.</p>",
        f"<div class='scroll'>{tables['inference'].to_html()}</div>",
        _figure(pictures, "inference"),
        "<h2>Notes and warnings</h2>",
        _notes(outcome, executed=executed),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>Spillover report</title><style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def _banner(outcome: Outcome) -> str:
    if not outcome.synthetic:
        return ""
    return "<p class='synthetic'>Synthetic data: no firm, industry or country here exists.</p>"


def _answer(outcome: Outcome) -> str:
    fit = outcome.main
    logs = fit.outcome == "tfp" or fit.outcome.startswith("log(")
    read = "; ".join(
        f"{term.capitalize()} {semi_elasticity(fit, term)}"
        if logs
        else f"{term.capitalize()} {fit.params[term]:.4g} (s.e. {fit.std_errors[term]:.4g})"
        for term in MEASURES
    )
    lead = (
        "Ten percentage points more foreign presence go with a change in productivity of"
        if logs
        else f"Coefficients on {fit.outcome} per unit of foreign presence (0 to 1):"
    )
    truth = ""
    if outcome.settings.truth:
        known = ", ".join(f"{name} {value:g}" for name, value in outcome.settings.truth.items())
        found = ", ".join(f"{name} {fit.params[name]:.3f}" for name in MEASURES)
        truth = f" The true coefficients are {known}; estimated are {found}."
    return (
        f"<p class='answer'>Model (1), {escape(fit.sample)}, {fit.nobs:,} observations. "
        f"{escape(lead)}: {escape(read)}.{escape(truth)}</p>"
    ).replace(":: ", ": ")


def _data(outcome: Outcome) -> str:
    lines = str(outcome.firms.report).split("\n")
    io = outcome.io
    where = " ".join(str(part) for part in (io.country, io.year) if part)
    gap = f"largest gap between uses and output {io.balance()['relative_gap'].abs().max():.2%}"
    parts = [f"{len(io.sectors)} sectors", where, io.source, io.unit, gap]
    table = "Input-output table: " + "; ".join(part for part in parts if part) + "."
    items = "".join(f"<li>{escape(line)}</li>" for line in [*lines, table])
    return f"<ul>{items}</ul>"


def _frame(frame: pd.DataFrame) -> str:
    html = frame.to_html(float_format=lambda value: f"{value:.3f}", border=0, classes="plain")
    return f"<div class='scroll'>{html}</div>"


def _figure(pictures: Mapping[str, str], name: str) -> str:
    caption = escape(CAPTIONS[name])
    return (
        f"<figure><img alt='{caption}' src='data:image/png;base64,{pictures[name]}'>"
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _notes(outcome: Outcome, *, executed: bool) -> str:
    notes = list(outcome.notes) or ["None."]
    if not executed:
        notes.append(
            "report.ipynb was written but not executed: install spillover[notebooks] for that."
        )
    return "<ul>" + "".join(f"<li>{escape(note)}</li>" for note in notes) + "</ul>"

"""The catalogue as tables and cards: what is in it, and both readings of each study."""

from __future__ import annotations

import textwrap
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spillover.catalogue.study import Study

_WIDTH = 96


def study_list(studies: Iterable[Study]) -> pd.DataFrame:
    """Return one row a study; see ``sp.studies.list``."""
    rows = [
        {
            "study": study.id,
            "cite": study.citation.short,
            "kind": study.kind,
            "country": study.data.country,
            "years": str(study.data.years),
            "equations": len(study.equations),
            "estimates": len(study.estimates()),
            "question": study.question,
        }
        for study in studies
    ]
    return pd.DataFrame(rows)


def readings(studies: Iterable[Study]) -> pd.DataFrame:
    """Return one row a reading; see ``sp.studies.readings``."""
    rows = [
        {
            "study": study.id,
            "cite": study.citation.short,
            "sections": reading.sections,
            "thesis_says": reading.thesis,
            "source_says": reading.source,
            "verdict": reading.verdict,
            "why": reading.why,
            "status": reading.status,
        }
        for study in studies
        for reading in study.readings
    ]
    return pd.DataFrame(rows)


def _blocks(study: Study) -> list[tuple[str, list[str]]]:
    """List the headings of a study's card, with their lines."""
    data = study.data
    facts = [
        f"{data.country}, {data.years}",
        f"unit: {data.unit}",
        f"source: {data.source}",
        f"sectors: {data.sectors}",
        *(f"{size.label}: n = {size.n:,} ({size.status})" for size in data.sizes),
        f"data: {data.public}",
    ]
    equations = [
        f"{one.name} [{one.table} {one.heading}; {one.sample}; {one.transform}; {one.estimator}]: "
        f"{one.formula}" + (f" ({one.note})" if one.note else "")
        for one in study.equations
    ]
    made = [
        f"{', '.join(links.columns)}: {links.definition.describe()}"
        + (f" ({links.note})" if links.note else "")
        for links in study.links
    ]
    method = [
        f"productivity: {study.productivity}",
        f"estimator: {study.estimator}",
        f"standard errors: {study.inference}",
    ]
    moderators = [
        f"{one.name}: {one.measure}; {one.finding} ({one.status})" for one in study.moderators
    ]
    said = [
        f"[{one.sections}] the thesis: {one.thesis} The source: {one.source} "
        f"Verdict: {one.verdict}. {one.why} ({one.status})"
        for one in study.readings
    ]
    return [
        ("Question", [study.question]),
        ("Data", facts),
        ("Method", method if study.kind == "regression" else []),
        ("Linkage measures", made),
        ("Equations", equations),
        ("Moderators", moderators),
        ("Findings", [str(finding) for finding in study.findings]),
        ("What the thesis says, what the source says", said),
        ("Decisions", list(study.decisions)),
        ("Traps", list(study.traps)),
        ("Criticism", list(study.criticism)),
        ("Versions", list(study.versions)),
        ("Carried on by", list(study.successors)),
    ]


def study_text(study: Study) -> str:
    """Write a study's card as text."""
    lines = textwrap.wrap(str(study.citation), _WIDTH)
    for heading, items in _blocks(study):
        kept = [item for item in items if item]
        if kept:
            lines += ["", heading]
        for item in kept:
            lines += textwrap.wrap(
                item,
                _WIDTH,
                initial_indent="  - ",
                subsequent_indent="    ",
                break_on_hyphens=False,
            )
    count = len(study.estimates())
    return "\n".join([*lines, "", f"{count} verified published estimates: .estimates()"])


def study_html(study: Study) -> str:
    """Write a study's card as HTML."""
    parts = [f"<p><b>{escape(str(study.citation))}</b></p>"]
    for heading, items in _blocks(study):
        kept = [f"<li>{escape(item)}</li>" for item in items if item]
        if kept:
            parts.append(f"<p>{escape(heading)}</p><ul>{''.join(kept)}</ul>")
    parts.append(f"<p>{len(study.estimates())} verified published estimates</p>")
    return f"<div>{''.join(parts)}</div>"

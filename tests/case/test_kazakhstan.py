"""The case evidence: traceable, in own words, without names, and consistent in itself."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.case import Clue, KazakhstanCase
from spillover.errors import SchemaError

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "data" / "kazakhstan"
RUN = 8
HEADING = re.compile(r"^\s*([1-7]\.\d)\.\s+\S")


@pytest.fixture(scope="module")
def case() -> KazakhstanCase:
    return sp.case.kazakhstan()


@pytest.fixture(scope="module")
def thesis(shared: Path) -> str:
    path = shared.parent / "seed" / "thesis.txt"
    if not path.is_file():
        pytest.skip(f"the thesis is not at {path}")
    return path.read_text(encoding="utf-8")


def by_section(text: str) -> dict[str, str]:
    """Text of every section; headings follow each other, which references in prose do not."""
    found, current = {}, ""
    for line in text.splitlines():
        match = HEADING.match(line)
        if match and _follows(current, match[1]):
            current = match[1]
        if current:
            found[current] = found.get(current, "") + " " + line
    return {name: " ".join(part.split()) for name, part in found.items()}


def _follows(last: str, new: str) -> bool:
    if not last:
        return new == "1.1"
    chapter, number = map(int, last.split("."))
    return new in (f"{chapter}.{number + 1}", f"{chapter + 1}.1")


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def runs(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[i : i + RUN]) for i in range(len(found) - RUN + 1)}


def ours() -> dict[str, str]:
    files = [*FOLDER.iterdir(), ROOT / "docs" / "kazakhstan.md"]
    files += [
        ROOT / "spillover" / "case" / "kazakhstan.py",
        ROOT / "spillover" / "plot" / "case.py",
    ]
    return {path.name: path.read_text(encoding="utf-8") for path in files}


# Every row can be traced -------------------------------------------------------------------------


def test_every_row_points_at_a_section_that_exists(case):
    known = set(case.sections["section"])
    assert set(case.evidence["section"]) <= known
    assert set(case.figures["section"]) <= known


def test_sections_are_those_of_the_thesis(case, thesis):
    assert list(by_section(thesis)) == case.sections["section"].tolist()
    assert (case.sections["section"].str[0] == case.sections["chapter"]).all()


def test_chapters_4_to_7_are_all_covered(case):
    empty = {"4.1", "4.7", "5.1", "5.7", "6.1", "6.7", "7.1", "7.4"}  # outlines and summaries
    cases = case.sections[case.sections["chapter"].isin(list("4567"))]["section"]
    assert set(cases) - empty <= set(case.evidence["section"])


def test_every_row_has_a_source_kind_and_an_organisation(case):
    table = case.evidence
    assert (table["source_kind"] != "").all()
    assert (table["organisation"] != "").all()
    interviews = table[table["source_kind"] == "elite interview"]
    assert (interviews["office"] != "").all()
    assert (case.figures["source"] != "").all()


def test_dates_are_those_of_the_interviews(case, thesis):
    table = case.evidence[case.evidence["date"].str.len() == len("2016-07-26")]
    cited = re.findall(r"interview,\s+(\d+)(?:st|nd|rd|th)\s+(\w+)\s+(\d{4})", thesis)
    days = {str(pd.Timestamp(f"{d} {m} {y}").date()) for d, m, y in cited}
    assert set(table["date"]) <= days
    assert days <= set(table["date"])  # no informant is left out


def test_figures_stand_in_their_sections(case, thesis):
    text = by_section(thesis)
    printed = case.figures[case.figures["basis"] == "digits"]
    assert len(printed) > 0.85 * len(case.figures)
    absent = [
        (row.id, row.item, row.value)
        for row in printed.itertuples()
        if not any(_stands(form, text[row.section]) for form in forms(abs(row.value)))
    ]
    assert absent == []


def forms(value: float) -> set[str]:
    """Ways in which a number may be printed: 3748 as 3,748 or 3, 748; 2000 as 2 billion million."""
    if value != int(value):
        return {f"{value:g}", f"{value:g}".replace(".", ",")}
    n = int(value)
    found = {str(n), *(f"{n:,}".replace(",", mark) for mark in (",", ", ", " "))}
    if n >= 1000 and n % 1000 == 0:
        found |= {f"{n // 1000} {unit}" for unit in ("thousand", "billion")}
    return found


def _stands(form: str, text: str) -> bool:
    return re.search(rf"(?<!\d){re.escape(form)}(?!\d)", text) is not None


# Own words, no names -----------------------------------------------------------------------------


def test_no_run_of_eight_words_is_shared_with_the_thesis(thesis):
    known = runs(thesis)
    shared_runs = {name: {" ".join(r) for r in runs(text) & known} for name, text in ours().items()}
    assert {name: found for name, found in shared_runs.items() if found} == {}


def test_no_interviewee_is_named(thesis):
    cited = re.findall(r"\(([A-Z]\w+)\s+([A-Z]\w+),?\s+interview", thesis)
    names = {name.casefold() for pair in cited for name in pair}
    assert len(names) > 20
    for file, text in ours().items():
        assert names & set(words(text)) == set(), file


def test_no_other_person_in_office_is_named(thesis):
    """Names that follow a title in the thesis."""
    title = r"(?:President|Director-General|Prosecutor|Parliament\),)"
    names = {m.casefold() for m in re.findall(title + r"\s+[A-Z]\w+\s+([A-Z]\w+)", thesis)}
    names -= {"of", "the", "avto"}
    assert "nazarbayev" in names
    for file, text in ours().items():
        assert names & set(words(text)) - {"general", "kazakhstan"} == set(), file


# Vocabulary and consistency ----------------------------------------------------------------------


@pytest.mark.parametrize("table", ["evidence", "figures", "likelihoods"])
def test_values_are_those_of_the_codebook(case, table):
    frame, book = getattr(case, table), case.codebook(table)
    assert set(book["column"]) == set(frame.columns)
    controlled = book[book["value"] != ""].groupby("column")["value"].agg(set)
    for column, allowed in controlled.items():
        assert set(frame[column]) <= allowed, column
    assert (book["meaning"] != "").all()


def test_controlled_values_are_used(case):
    book = case.codebook("evidence")
    for column in ("mechanism", "channel", "sector", "source_kind"):
        assert set(book[(book["column"] == column) & (book["value"] != "")]["value"]) == set(
            case.evidence[column]
        )


@pytest.mark.parametrize("table", ["evidence", "figures", "likelihoods", "sections"])
def test_rows_are_unique(case, table):
    frame = getattr(case, table)
    key = "section" if table == "sections" else "id"
    assert frame[key].is_unique
    assert not frame.drop(columns=key).duplicated().any()


def test_chapter_in_the_id_is_that_of_the_section(case):
    assert (case.evidence["id"].str[1] == case.evidence["section"].str[0]).all()


def test_figures_are_numbers_with_units(case):
    assert np.isfinite(case.figures["value"]).all()
    assert (case.figures["unit"] != "").all()
    ranks = case.figures[case.figures["out_of"].notna()]
    assert (ranks["value"] <= ranks["out_of"]).all()
    valued = case.evidence["value"].notna()
    assert (valued == (case.evidence["unit"] != "")).all()


def test_references_between_rows_resolve(case):
    ids = set(case.evidence["id"])
    for column in ("note", "statement", "strength_reason"):
        for text in case.evidence[column]:
            assert set(re.findall(r"\bK\d-\d+", text)) <= ids
    for listed in case.likelihoods["evidence"]:
        assert set(listed.split(";")) <= ids
    pairs = {
        (row.id, other)
        for row in case.figures.itertuples()
        for other in filter(None, row.conflicts_with.split(";"))
    }
    assert {other for _, other in pairs} <= set(case.figures["id"])
    assert all(one != other for one, other in pairs)


def test_neutral_findings_say_nothing_and_only_they(case):
    neutral = case.evidence["bearing"] == "neutral"
    assert (neutral == (case.evidence["strength"] == "says nothing")).all()


def test_direction_and_bearing_agree_on_the_spillover_hypothesis(case):
    table = case.evidence[case.evidence["hypothesis"] == "T1"]
    told = table[table["direction"] != "neither"]
    expected = told["direction"].map({"supports": "supports", "against": "undermines"})
    assert (told["bearing"] == expected).all()


@pytest.mark.parametrize("hypothesis", ["T1", "T2"])
def test_clues_can_be_used_and_point_both_ways(case, hypothesis):
    clues = case.clues(hypothesis)
    assert 8 <= len(clues) <= 14
    assert all(isinstance(clue, Clue) and clue.reason and clue.source for clue in clues)
    assert {clue.decibels > 0 for clue in clues} == {True, False}
    update = sp.case.crucial_case(hypothesis, 0.5, clues)
    assert 0 < update.range[0] < update.range[1] < 1


def test_likelihoods_are_probabilities(case):
    for side in ("if_true", "if_false"):
        assert case.likelihoods[side].between(0, 1, inclusive="neither").all()


def test_a_clue_is_as_strong_as_the_finding_that_leads_it(case):
    findings = case.evidence.set_index("id")
    for row in case.likelihoods.itertuples():
        lead = findings.loc[row.evidence.split(";")[0]]
        clue = Clue(row.name, row.if_true, row.if_false)
        strength, side = clue.kind.rsplit(", ", 1)
        assert lead["hypothesis"] == row.hypothesis, row.id
        assert lead["strength"] == strength, row.id
        assert lead["bearing"] == {"for": "supports", "against": "undermines"}[side], row.id


def test_counts_of_the_readme_hold(case):
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    tables = {
        "evidence": case.evidence,
        "figures": case.figures,
        "likelihoods": case.likelihoods,
        "sections": case.sections,
        "codebook": case.codebook(),
    }
    for name, frame in tables.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}.csv`"))
        assert f"| {len(frame)} |" in row


# The object --------------------------------------------------------------------------------------


def test_filter_keeps_what_meets_all_conditions(case):
    kept = case.filter(channel=["backward", "local content"], sector="cars", section="6")
    expected = case.evidence[
        case.evidence["channel"].isin(["backward", "local content"])
        & (case.evidence["sector"] == "cars")
        & case.evidence["section"].str.startswith("6.")
    ]
    pd.testing.assert_frame_equal(kept.evidence, expected.reset_index(drop=True))
    assert set(kept.figures["section"].str[0]) == {"6"}
    assert len(case.filter().evidence) == len(case.evidence)
    assert case.filter(section="6.6").figures["section"].eq("6.6").all()


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"channel": "bakward"}, "channel='bakward'.*Did you mean 'backward'"),
        ({"sector": ["cars", "car"]}, "sector='car'.*Did you mean 'cars'"),
        ({"source_kind": "interview"}, "Did you mean 'elite interview'|Choose from"),
        ({"strength": "straw"}, "strength='straw'"),
        ({"section": "6.9"}, "section='6.9'.*Did you mean"),
    ],
)
def test_unknown_values_are_named_with_the_nearest(case, condition, message):
    with pytest.raises(SchemaError, match=message):
        case.filter(**condition)


def test_unknown_hypothesis_and_table_are_named(case):
    with pytest.raises(SchemaError, match="T3"):
        case.clues("T3")
    with pytest.raises(SchemaError, match="Did you mean 'figures'"):
        case.codebook("figurs")


def test_tables_are_the_callers_own():
    first = sp.case.kazakhstan()
    first.evidence.loc[0, "statement"] = "changed"
    assert sp.case.kazakhstan().evidence.loc[0, "statement"] != "changed"


def test_html_shows_statements_whole_and_escapes(case):
    html = case._repr_html_()
    assert case.evidence["statement"].iloc[0] in html
    assert "201 findings" in html
    assert "and 189 more" in html


def test_heat_map_shows_every_finding_once(case):
    figure = sp.plot.evidence(case)
    ax = figure.axes[0]
    shown = sum(int(text.get_text()) for text in ax.texts)
    assert shown == len(case.evidence)
    marks = {line.get_marker() for line in ax.lines}
    assert marks == {"v", "^", "o"}  # told apart without colour
    names = [label.get_text() for label in ax.get_xticklabels()]
    count = (case.evidence["channel"] == "backward").sum()
    assert f"backward ({count})" in names
    assert plt.get_fignums() == []


def test_heat_map_refuses_what_it_cannot_draw(case):
    with pytest.raises(SchemaError, match="DataFrame"):
        sp.plot.evidence(case.evidence)
    with pytest.raises(SchemaError, match="No finding is left"):
        sp.plot.evidence(case.filter(sector="food", channel="forward"))

"""Regression tables: content of cells, notes, and validity of every format."""

from __future__ import annotations

import csv
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover import tables
from spillover.errors import SchemaError
from spillover.tables.cells import align_text, format_number, split_cell, stars_for
from spillover.tables.render import latex_escape

TIDY = {
    "estimate": [-0.0123, 0.0401, 0.00012],
    "std_error": [0.0200, 0.0099, 0.00005],
    "statistic": [-0.615, 4.0504, 2.4],
    "p_value": [0.5386, 0.00005, 0.0164],
    "conf_low": [-0.0515, 0.0207, 0.000022],
    "conf_high": [0.0269, 0.0595, 0.000218],
}
TERMS = ("horizontal", "backward", "forward")


def make_fit(terms=TERMS, *, outcome="tfp", absorbed=("firm", "year"), values=None, **extra):
    """A stand-in for a fitted model."""
    columns = {name: list(column[: len(terms)]) for name, column in (values or TIDY).items()}
    tidy = pd.DataFrame({"term": list(terms), **columns})
    glance = {
        "outcome": outcome,
        "nobs": 1234567,
        "r2": 0.87149,
        "r2_within": 0.0213,
        "rmse": 0.4,
        "sample": "domestic",
        **extra.pop("glance", {}),
    }
    defaults = {
        "inference": SimpleNamespace(label="clustered by industry^year", n_clusters=(240,)),
        "definitions": {},
        "sample": "domestic",
    }
    return SimpleNamespace(
        outcome=outcome,
        absorbed=absorbed,
        tidy=lambda level=0.95: tidy,
        glance=lambda: pd.DataFrame([glance]),
        **{**defaults, **extra},
    )


def cell(table, row, part="", column="(1)", block=None):
    found = table.frame.xs((row, part), level=("row", "part"))[column]
    assert len(found) == 1
    if block is not None:
        assert found.index[0] == block
    return found.iloc[0]


# --- numbers ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (0.0, 3, "0.000"),
        (-0.0, 3, "0.000"),
        (0.0005, 3, "0.001"),  # prints a digit, so fixed digits stay
        (0.00049, 3, "0.00049"),
        (-0.00012, 3, "-0.00012"),
        (1.23e-9, 3, "1.2e-9"),
        (-4e-12, 2, "-4.0e-12"),
        (1234.5, 2, "1,234.50"),
        (0.4, 0, "0.40"),
        (12.4, 0, "12"),
        (1.5e10, 3, "1.500e10"),
        (float("nan"), 3, "n.a."),
        (float("-inf"), 3, "-inf"),
    ],
)
def test_format_number(value, digits, expected):
    assert format_number(value, digits) == expected


def test_no_nonzero_number_prints_as_zero():
    for value in np.concatenate([10.0 ** np.arange(-30, 10), -(10.0 ** np.arange(-30, 10))]):
        for digits in range(6):
            text = format_number(float(value), digits)
            assert float(text.replace(",", "")) == pytest.approx(value, rel=0.51)


def test_stars_use_strict_inequality():
    levels = {0.10: "*", 0.05: "**", 0.01: "***"}
    assert [stars_for(p, levels) for p in (0.1, 0.0999, 0.05, 0.01, 0.0099, float("nan"))] == [
        "", "*", "*", "**", "***", "",
    ]  # fmt: skip


def test_split_cell_leaves_counts_and_exponents_whole():
    assert split_cell("1,234") is None
    assert split_cell("(1.0e-9)") is None
    assert split_cell("[0.01, 0.02]") is None
    assert split_cell("(-1.250)").opening == "("


def test_decimal_points_meet():
    column = align_text(["-0.012", "(0.020)", "12.300***", "0.00012**", "Yes", ""], 3)
    assert {text.index(".") for text in column[:4]} == {2}
    assert len({len(text) for text in column[:4]}) == 1
    assert column[4:] == ["Yes", ""]


# --- content ----------------------------------------------------------------------------------
def test_cells_of_one_model():
    table = tables.regression(make_fit())
    assert cell(table, "Horizontal", "estimate", block="coefficients") == "-0.012"
    assert cell(table, "Horizontal", "std_error") == "(0.020)"
    assert cell(table, "Backward", "estimate") == "0.040***"
    assert cell(table, "Forward", "estimate") == "0.00012**"
    assert cell(table, "Forward", "std_error") == "(5.0e-5)"
    assert cell(table, "firm", block="absorbed effects") == "Yes"
    assert cell(table, "Clustered by", block="statistics") == "industry × year"
    assert cell(table, "Clusters") == "240"
    assert cell(table, "Observations") == "1,234,567"
    assert cell(table, "R²") == "0.871"
    assert cell(table, "Within R²") == "0.021"
    assert cell(table, "Sample") == "domestic"
    assert table.outcomes == ("tfp",)


def test_models_side_by_side():
    other = make_fit(
        ("backward", "backward:small"),
        outcome="log_output",
        absorbed=("firm", "year^region"),
        inference=SimpleNamespace(
            label="clustered by firm and industry^year", n_clusters=(4321, 99)
        ),
    )
    third = make_fit(absorbed=("region^year",))
    table = tables.regression({"A": make_fit(), "B": other, "C": third}, labels={"small": "Small"})
    assert list(table.frame.columns) == ["A", "B", "C"]
    assert cell(table, "Horizontal", "estimate", "B") == ""
    assert cell(table, "Horizontal", "std_error", "B") == ""
    assert cell(table, "Backward × Small", "estimate", "A") == ""
    assert cell(table, "Clusters", column="B") == "4,321 / 99"
    # region^year and year^region are one effect
    assert list(table.frame.loc[("absorbed effects", "year × region", "")]) == ["", "Yes", "Yes"]
    assert list(table.frame.loc[("absorbed effects", "year", "")]) == ["Yes", "", ""]


def test_inference_of_different_kinds_is_printed_in_full():
    robust = make_fit(inference=SimpleNamespace(label="heteroskedasticity-robust", n_clusters=()))
    table = tables.regression([make_fit(), robust])
    assert cell(table, "Standard errors") == "clustered by industry × year"
    assert cell(table, "Standard errors", column="(2)") == "heteroskedasticity-robust"
    assert cell(table, "Clusters", column="(2)") == ""


def test_a_minimal_fit_is_enough():
    fit = SimpleNamespace(
        outcome="y",
        absorbed=(),
        tidy=lambda level=0.95: pd.DataFrame(
            {"term": ["x"], **{k: [v[0]] for k, v in TIDY.items()}}
        ),
        glance=lambda: pd.DataFrame([{"nobs": 10, "clusters": pd.NA, "r2": np.nan}]),
    )
    table = tables.regression(fit)
    assert list(table.frame.index.get_level_values("block").unique()) == [
        "coefficients", "statistics",
    ]  # fmt: skip
    assert list(table.frame.loc["statistics"].index.get_level_values("row")) == ["Observations"]


@pytest.mark.parametrize(
    ("show", "part", "text", "note"),
    [
        ("confint", "confint", "[0.021, 0.059]", "95% confidence intervals in brackets"),
        ("t", "t", "(4.050)", "t statistics in parentheses"),
        ("std_error", "std_error", "(0.010)", "Standard errors in parentheses"),
    ],
)
def test_show(show, part, text, note):
    table = tables.regression(make_fit(), show=show)
    assert cell(table, "Backward", part) == text
    assert note in table.notes[0]


def test_level_reaches_tidy_and_note():
    seen = []
    fit = make_fit()
    inner = fit.tidy
    fit.tidy = lambda level=0.95: (seen.append(level), inner(level))[1]
    table = tables.regression(fit, show="confint", level=0.9)
    assert seen == [0.9]
    assert table.notes[0].startswith("90% confidence")


def test_order_keep_drop():
    fit = make_fit((*TERMS[:2], "Intercept"))
    labels = tables.regression(fit).frame.loc["coefficients"].index.get_level_values("row")
    assert list(dict.fromkeys(labels)) == ["Horizontal", "Backward", "Constant"]
    table = tables.regression(fit, order=["backward"], drop=["Inter*"])
    labels = table.frame.loc["coefficients"].index.get_level_values("row")
    assert list(dict.fromkeys(labels)) == ["Backward", "Horizontal"]
    assert "Not shown: Constant." in table.notes
    kept = tables.regression(fit, keep=["*ward"])
    assert "Not shown: Horizontal, Constant." in kept.notes


def test_exact_term_comes_before_pattern():
    fit = make_fit(("C(size)[T.a]", "C(size)[T.b]"))
    table = tables.regression(fit, keep=["C(size)[T.b]"])
    assert "C(size)[T.b]" in table.to_text()
    assert "C(size)[T.a]" in table.notes[-1]


def test_stars():
    plain = tables.regression(make_fit(), stars=False)
    assert cell(plain, "Backward", "estimate") == "0.040"
    assert not any("p <" in note for note in plain.notes)
    own = tables.regression(make_fit(), stars={0.05: "†", 0.001: "‡"})
    assert cell(own, "Backward", "estimate") == "0.040‡"
    assert cell(own, "Forward", "estimate") == "0.00012†"
    assert "† p < 0.05, ‡ p < 0.001." in own.notes
    assert "* p < 0.10, ** p < 0.05, *** p < 0.01." in tables.regression(make_fit()).notes


def test_definitions_are_grouped():
    same = dict.fromkeys(TERMS, "output weights (Javorcik 2004)")
    other = {**same, "backward": "employment weights."}
    table = tables.regression([make_fit(definitions=same), make_fit(definitions=same)])
    assert "Horizontal, Backward, Forward: output weights (Javorcik 2004)." in table.notes
    mixed = tables.regression([make_fit(definitions=same), make_fit(definitions=other)])
    assert "Horizontal, Forward: output weights (Javorcik 2004)." in mixed.notes
    assert "Backward in (1): output weights (Javorcik 2004)." in mixed.notes
    assert "Backward in (2): employment weights." in mixed.notes


def test_synthetic_and_notes():
    assert "Synthetic data." not in tables.regression(make_fit()).notes
    assert "Synthetic data." in tables.regression(make_fit(synthetic=True)).notes
    assert "Synthetic data." in tables.regression(make_fit(), synthetic=True).notes
    assert "Mine." in tables.regression(make_fit(), notes="Mine.").notes
    assert tables.regression(make_fit(), notes=["a", "b"]).notes[-2:] == ("a", "b")


def test_statistics():
    table = tables.regression(make_fit(), statistics=["rmse", "nobs"], labels={"rmse": "s"})
    assert list(table.frame.loc["statistics"].index.get_level_values("row")) == [
        "s",
        "Observations",
    ]
    assert cell(table, "s") == "0.400"
    assert "inference: clustered by industry × year" in table.notes[0]
    flagged = tables.regression(make_fit(glance={"iv": True}), statistics=["iv"])
    assert cell(flagged, "iv") == "Yes"


def test_fits_can_come_from_a_generator():
    table = tables.regression((make_fit() for _ in range(3)), names=["a", "b", "c"])
    assert list(table.frame.columns) == ["a", "b", "c"]


# --- text, Markdown, CSV ----------------------------------------------------------------------
def test_text():
    table = tables.regression([make_fit(), make_fit()], title="Spillovers")
    lines = table.to_text().splitlines()
    assert lines[0] == "Spillovers"
    assert repr(table) == table.to_text()
    body = [line for line in lines if line.startswith(("Horizontal", "Backward", "Forward"))]
    assert len({line.index(".") for line in body}) == 1
    assert sum(set(line) == {"="} for line in lines) == 2
    assert [line for line in lines if line.startswith("  firm")]


def test_long_statistics_are_broken_in_text_and_latex_only():
    fit = make_fit(glance={"sample": "domestic firms (foreign share < 0.1)"})
    table = tables.regression(fit)
    lines = [line.split() for line in table.to_text().splitlines()]
    start = lines.index(["Sample", "domestic", "firms"])
    assert lines[start + 1] == ["(foreign", "share", "<", "0.1)"]
    assert r"Sample & domestic firms \\" in check_latex(table.to_latex())
    assert cell(table, "Sample") == "domestic firms (foreign share < 0.1)"
    assert "domestic firms (foreign share &lt; 0.1)" in table.to_html()
    assert max(len(line) for line in table.to_text().splitlines()) < 80


def test_markdown():
    fit = make_fit(("a|b_c", "<i>x</i>", "[l](u)"))
    lines = tables.regression(fit, title="T*").to_markdown().splitlines()
    rows = [line for line in lines if line.startswith("|")]
    pipes = {len(re.findall(r"(?<!\\)\|", line)) for line in rows}
    assert pipes == {3}
    assert re.fullmatch(r"\| :-+ \| -+: \|", rows[1])
    text = "\n".join(lines)
    assert r"a\|b\_c" in text
    assert "<i>" not in text
    assert r"\[l\](u)" in text
    assert lines[0] == r"**T\***"


def test_csv_keeps_everything(tmp_path):
    table = tables.regression([make_fit(), make_fit(synthetic=True)], title="Title")
    path = tmp_path / "t.csv"
    table.to_csv(path)
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle))
    assert rows[0] == ["block", "row", "part", "(1)", "(2)"]
    assert rows[1] == ["outcome", "Dependent variable", "", "tfp", "tfp"]
    assert ["statistics", "Observations", "", "1,234,567", "1,234,567"] in rows
    assert ["note", "Synthetic data.", "", "", ""] in rows
    assert ["title", "Title", "", "", ""] in rows


# --- HTML -------------------------------------------------------------------------------------
class Reader(HTMLParser):
    """Check that tags are balanced and collect rows of text."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.rows = [], set(), []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if any(tag in {"td", "th"} for tag in self.open):
            self.rows[-1][-1] += data


def read_html(text):
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


def test_html_content():
    other = make_fit(outcome="log_output")
    table = tables.regression([make_fit(), make_fit(), other], title="Spillovers")
    reader = read_html(table.to_html())
    assert ["Dependent variable", "tfp", "log_output"] in reader.rows
    assert ["", "(1)", "(2)", "(3)"] in reader.rows
    assert ["Horizontal", "−0.012", "−0.012", "−0.012"] in reader.rows
    assert reader.rows[7][:2] == ["", "(5.0×10−5)"]
    assert 'colspan="2"' in table.to_html()
    assert table._repr_html_() == table.to_html()


def test_html_is_self_contained_and_escaped():
    evil = "<script>alert('x')</script>"
    fit = make_fit(
        (evil, "backward", "forward"),
        outcome=evil,
        absorbed=(evil,),
        definitions={"backward": evil},
        inference=SimpleNamespace(label=evil, n_clusters=(3,)),
        glance={"sample": evil},
    )
    html = tables.regression({evil: fit}, title=evil, notes=evil, stars={0.5: "<b>"}).to_html()
    reader = read_html(html)
    parts = {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"}
    assert reader.tags <= parts | {"style", "span", "p", "sup"}
    assert "&lt;script&gt;" in html
    assert "http" not in html


# --- LaTeX ------------------------------------------------------------------------------------
def check_latex(text):
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert stack == []
    bare = text.replace(r"\{", "").replace(r"\}", "").replace(r"\textbackslash", "")
    assert bare.count("{") == bare.count("}")
    body = text.split(r"\toprule")[1].split(r"\bottomrule")[0]
    columns = int(re.search(r"l\*\{(\d+)\}\{c\}", text)[1])
    for line in body.splitlines():
        if line.endswith(r"\\"):
            spans = [int(n) for n in re.findall(r"multicolumn\{(\d+)\}", line)]
            ampersands = len(re.findall(r"(?<!\\)&", line))
            assert ampersands + sum(n - 1 for n in spans) == columns
    return body


def test_latex():
    table = tables.regression(
        [make_fit(), make_fit(), make_fit(outcome="log_output")], title="All 100% & more"
    )
    text = table.to_latex("tab:main_1")
    body = check_latex(text)
    assert r"\caption{All 100\% \& more}" in text
    assert r"\label{tab:main_1}" in text
    assert r"\multicolumn{2}{c}{tfp} & \multicolumn{1}{c}{log\_output}" in body
    assert r"\cmidrule(lr){2-3}" in body
    assert r"Horizontal & \llap{$-$}0.012" in body
    assert r"0.040\rlap{$^{***}$}" in body
    assert r"(5.0$\times10^{-5}$)" in body
    assert r"industry $\times$ year" in body
    assert r"R$^2$" in body
    assert r"\item * p $<$ 0.10" not in text  # a leading star is shielded
    assert r"\item {}* p $<$ 0.10" in text
    assert text.count(r"\label") == 1
    assert r"\label" not in table.to_latex()
    assert r"\caption" not in tables.regression(make_fit()).to_latex()


def test_latex_escapes_hostile_names():
    fit = make_fit(("[a_1]", "x&y%#", "\\input{z}~^"), outcome="$y$")
    text = tables.regression(fit, names=["{}"]).to_latex()
    body = check_latex(text)
    assert r"{}[a\_1]" in body
    assert r"x\&y\%\#" in body
    assert r"\textbackslash{}input\{z\}" in body
    assert r"\$y\$" in body
    assert not re.search(r"(?<!\\)_", body)
    assert not re.search(r"(?<!\\)%", body)


def test_latex_escape_is_one_line():
    assert latex_escape("a\n\nb") == "a b"


@pytest.mark.parametrize("label", ["a b", "a{b", "a%b"])
def test_latex_label_is_checked(label):
    with pytest.raises(SchemaError, match="letters, digits"):
        tables.regression(make_fit()).to_latex(label)


# --- the package's own classes ----------------------------------------------------------------
def test_real_fits():
    simulation = sp.simulate.panel(io=sp.simulate.io_table(8, rng=1), firms_per_industry=20, rng=1)
    firms = sp.read_firms(simulation.firms)
    panel = firms.join_linkages(sp.linkages(firms, simulation.io))
    inference = {"cluster": ["industry^year"]}
    one = sp.fit("tfp ~ horizontal + backward | firm + year", panel, **inference)
    two = sp.fit("tfp ~ backward | firm + region^year", panel, inference="hetero")
    table = tables.regression([one, two])
    assert cell(table, "Backward", "estimate").rstrip("*") == f"{one.params['backward']:.3f}"
    assert cell(table, "Backward", "std_error") == f"({one.std_errors['backward']:.3f})"
    assert cell(table, "Backward", "estimate", "(2)").rstrip("*") == f"{two.params['backward']:.3f}"
    assert cell(table, "Clusters") == str(one.inference.n_clusters[0])
    assert cell(table, "Observations") == f"{one.nobs:,}"
    assert list(table.frame.loc[("absorbed effects", "region × year", "")]) == ["", "Yes"]
    assert "Synthetic data." in table.notes
    check_latex(table.to_latex())
    read_html(table.to_html())


# --- bad input --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fits", "kwargs", "match"),
    [
        ([], {}, "empty"),
        ({}, {}, "empty"),
        (pd.DataFrame(), {}, "DataFrame.*not a fitted model.*tidy"),
        ("fit", {}, "str.*not a fitted model"),
        (3, {}, "int.*not a fitted model"),
        ([3], {}, r"\(1\) is of type int"),
        ({"a": None}, {}, "a is of type NoneType"),
        ({1: make_fit()}, {}, "non-empty text"),
        ([make_fit()] * 2, {"names": ["a", "a"]}, "more than once: 'a'"),
        ([make_fit()] * 2, {"names": ["a"]}, r"1 name\(s\) for 2 fit"),
        ([make_fit()], {"names": "a"}, "one name per fit"),
        ({"a": make_fit()}, {"names": ["a"]}, "leave out names"),
        (make_fit(), {"show": "se"}, "show='se'"),
        (make_fit(), {"digits": -1}, "digits"),
        (make_fit(), {"digits": 2.5}, "digits"),
        (make_fit(), {"level": 95}, "level=95"),
        (make_fit(), {"stars": "yes"}, "stars"),
        (make_fit(), {"stars": {5: "*"}}, "between 0 and 1"),
        (make_fit(), {"stars": {0.05: ""}}, "symbol"),
        (make_fit(), {"keep": "backward"}, "list of terms"),
        (make_fit(), {"keep": ["bakward"]}, "Did you mean 'backward'"),
        (make_fit(), {"drop": ["*"]}, "no term to print"),
        (make_fit(), {"order": ["zzz"]}, "order names 'zzz'"),
        (make_fit(), {"labels": ["a"]}, "labels is a list"),
        (make_fit(), {"labels": {"a": 1}}, "no text"),
        (make_fit(), {"labels": {"backward": "Horizontal"}}, "distinct labels"),
        (make_fit(), {"statistics": "r2"}, "list of names"),
        (make_fit(), {"statistics": ["r2_betwen"]}, "which no model has"),
        (make_fit(("a", "a", "b")), {}, "lists 'a' more than once"),
        (make_fit(values={"estimate": [1.0, 2.0, 3.0]}), {}, "no column 'std_error', 'p_value'"),
    ],
)
def test_bad_input(fits, kwargs, match):
    with pytest.raises(SchemaError, match=match):
        tables.regression(fits, **kwargs)


def test_glance_must_have_one_row():
    fit = make_fit()
    fit.glance = lambda: pd.DataFrame({"nobs": [1, 2]})
    with pytest.raises(SchemaError, match="2 rows"):
        tables.regression(fit)

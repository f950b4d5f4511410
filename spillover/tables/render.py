"""Writers of a regression table: text, HTML, LaTeX, Markdown."""

from __future__ import annotations

import itertools
import re
import textwrap
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from spillover.errors import SchemaError
from spillover.tables.cells import Cell, align_text, anchor_split, split_cell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spillover.tables.result import RegressionTable

_EFFECTS = "absorbed effects"
_GAP = 2
_CELL_WIDTH = 22  # characters; longer text goes on over several lines
_MINUS = re.compile(r"(?<![\w.])-(?=\d)")
_POWER = re.compile(r"(?<=\d\.\d|\.\d\d|\d\d\d)e(-?\d+)")

_CSS = (
    "<style>"
    ".spillover-table{border-collapse:collapse;margin:.5em 0;font-size:.95em;color:inherit;"
    "font-variant-numeric:tabular-nums lining-nums}"
    ".spillover-table caption{caption-side:top;"
    "text-align:left!important;font-weight:600;padding:.3em .6em;"
    "color:inherit}"
    ".spillover-table tr,.spillover-table tr:nth-child(even),.spillover-table tr:hover"
    "{background:transparent!important}"
    ".spillover-table th,.spillover-table td{border:0;padding:.12em 1.5em;"
    "text-align:center!important;"
    "font-weight:normal;line-height:1.3;max-width:14em;vertical-align:top;text-wrap:balance}"
    ".spillover-table tbody th,.spillover-table thead th:first-child"
    "{text-align:left!important;padding-left:.6em;max-width:24em}"
    ".spillover-table thead th:first-child{white-space:nowrap}"
    ".spillover-table .sp-in{padding-left:1.6em!important}"
    ".spillover-table .sp-span{border-bottom:.05em solid}"
    ".spillover-table .sp-gap>*{padding-top:.5em}"
    ".spillover-table thead tr:first-child>*{border-top:.12em solid}"
    ".spillover-table thead tr:last-child>*,.spillover-table .sp-rule>*"
    "{border-bottom:.06em solid}"
    ".spillover-table tbody tr:last-child>*{border-bottom:.12em solid}"
    ".spillover-table .sp-num{display:inline-block;text-align:right!important;"
    "white-space:nowrap}"
    ".spillover-table .sp-hang{display:inline-block;width:0;text-align:left!important}"
    ".spillover-table sup{line-height:0}"
    ".spillover-table tfoot td{text-align:left!important;font-size:.85em;padding:.35em .6em 0;"
    "max-width:none}"
    ".spillover-table tfoot p{margin:0 0 .15em}"
    "</style>"
)
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    '"': "''",
    "×": r"$\times$",
    "²": r"$^2$",
    "−": "$-$",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "·": r"$\cdot$",
    "…": r"\ldots{}",
    "–": "--",
    "—": "---",
    "†": r"\textdagger{}",
    "‡": r"\textdaggerdbl{}",
    "\N{NO-BREAK SPACE}": "~",
    "Σ": r"$\Sigma$",
    "Δ": r"$\Delta$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "γ": r"$\gamma$",
    "δ": r"$\delta$",
    "ε": r"$\varepsilon$",
    "θ": r"$\theta$",
    "λ": r"$\lambda$",
    "μ": r"$\mu$",
    "ρ": r"$\rho$",
    "σ": r"$\sigma$",
    "φ": r"$\varphi$",
    "ω": r"$\omega$",
}


class Row(NamedTuple):
    """One printed line: its label, its cells, and how it sits in the table."""

    label: str
    cells: tuple[str, ...]
    block: str
    starts_block: bool
    continues: bool  # a further line of the same row, printed without a label


def rows(table: RegressionTable) -> list[Row]:
    """List the printed lines of a table, with the heading of the absorbed effects."""
    out: list[Row] = []
    blank = ("",) * table.frame.shape[1]
    previous_block, previous_label = "", None
    for index, cells in zip(table.frame.index, table.frame.to_numpy().tolist(), strict=True):
        block, label = index[0], index[1]
        starts = block != previous_block
        continues = block == "coefficients" and label == previous_label and not starts
        if block == _EFFECTS and starts:
            out.append(Row("Absorbed effects", blank, "heading", True, False))
            starts = False
        out.append(Row("" if continues else label, tuple(cells), block, starts, continues))
        previous_block, previous_label = block, label
    return out


def wrapped_rows(table: RegressionTable) -> list[Row]:
    """List the printed lines with long statistics (such as the clustering) broken into lines."""
    out: list[Row] = []
    for row in rows(table):
        columns = [_broken(cell) if row.block == "statistics" else [cell] for cell in row.cells]
        for i, cells in enumerate(itertools.zip_longest(*columns, fillvalue="")):
            label, starts = (row.label, row.starts_block) if i == 0 else ("", False)
            out.append(Row(label, cells, row.block, starts, row.continues or i > 0))
    return out


def _broken(cell: str) -> list[str]:
    """Break a text at spaces, but never around a times sign.

    Examples
    --------
    >>> _broken("clustered by firm and industry × year")
    ['clustered by firm and', 'industry × year']
    """
    joined = cell.replace(" × ", "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}")
    lines = textwrap.wrap(joined, _CELL_WIDTH, break_long_words=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines] or [""]


def spans(outcomes: tuple[str, ...]) -> list[tuple[str, int]]:
    """Join neighbouring columns of one dependent variable: (name, number of columns)."""
    return [(name, len(list(group))) for name, group in itertools.groupby(outcomes)]


def _label(row: Row) -> str:
    """Indent the absorbed effects below their heading (text and Markdown)."""
    return f"  {row.label}" if row.block == _EFFECTS else row.label


# --- text -----------------------------------------------------------------------------------
def text(table: RegressionTable) -> str:
    """Write a table for a terminal."""
    lines = wrapped_rows(table)
    columns = []
    for j, name in enumerate(table.frame.columns):
        body = align_text([row.cells[j] for row in lines], table.digits)
        cells = [table.outcomes[j], str(name), *body]
        width = max(len(cell) for cell in cells)
        columns.append([cell.center(width) for cell in cells])
    labels = ["Dependent variable", "", *(_label(row) for row in lines)]
    width = max(len(label) for label in labels)
    joined = [
        (" " * _GAP).join([label.ljust(width), *(column[i] for column in columns)]).rstrip()
        for i, label in enumerate(labels)
    ]
    full = width + sum(len(column[0]) + _GAP for column in columns)
    out = [*textwrap.wrap(table.title, max(full, 60)), "=" * full, *joined[:2], "-" * full]
    for line, row in zip(joined[2:], lines, strict=True):
        if row.starts_block and line is not joined[2]:
            out.append("-" * full)
        out.append(line)
    out.append("=" * full)
    for note in table.notes:
        out += textwrap.wrap(note, max(full, 60))
    return "\n".join(out)


# --- HTML -----------------------------------------------------------------------------------
def html(table: RegressionTable) -> str:
    """Write a table as HTML."""
    lines = rows(table)
    parts = [_CSS, '<table class="spillover-table">']
    if table.title:
        parts.append(f"<caption>{escape(table.title)}</caption>")
    heads = "".join(
        f'<th scope="colgroup" colspan="{n}"{" class=sp-span" if n > 1 else ""}>{escape(name)}</th>'
        for name, n in spans(table.outcomes)
    )
    names = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in table.frame.columns)
    parts.append(f"<thead><tr><th>Dependent variable</th>{heads}</tr>")
    parts.append(f"<tr><th></th>{names}</tr></thead><tbody>")
    parts += list(_html_rows(lines, table.digits))
    parts.append("</tbody>")
    if table.notes:
        notes = "".join(f"<p>{escape(note)}</p>" for note in table.notes)
        span = table.frame.shape[1] + 1
        parts.append(f'<tfoot><tr><td colspan="{span}">{notes}</td></tr></tfoot>')
    return "\n".join([*parts, "</table>"])


def _html_widths(lines: list[Row], digits: int) -> list[int]:
    """Return each column's widest number before its hanging part, in characters."""
    columns = zip(*(row.cells for row in lines), strict=True)
    split = ([anchor_split(cell, digits) for cell in column] for column in columns)
    return [max((len(pair[0]) for pair in pairs if pair), default=1) for pairs in split]


def _html_rows(lines: list[Row], digits: int) -> Iterator[str]:
    """Write the body's rows; a rule stands above every block but the first."""
    widths = _html_widths(lines, digits)
    for i, row in enumerate(lines):
        following = lines[i + 1] if i + 1 < len(lines) else None
        rule = following is not None and following.starts_block
        gap = row.block == "coefficients" and not row.continues
        classes = [name for name, on in (("sp-rule", rule), ("sp-gap", gap)) if on]
        css = f' class="{" ".join(classes)}"' if classes else ""
        inside = ' class="sp-in"' if row.block == _EFFECTS else ""
        cells = "".join(
            f"<td>{_html_cell(cell, digits, width)}</td>"
            for cell, width in zip(row.cells, widths, strict=True)
        )
        yield f'<tr{css}><th scope="row"{inside}>{escape(row.label)}</th>{cells}</tr>'


def _html_cell(cell: str, digits: int, width: int) -> str:
    """Set a number so that its decimal point is aligned and its stars hang."""
    pair = anchor_split(cell, digits)
    if pair is None:
        plain = re.sub(_MINUS, "−", escape(cell))
        return re.sub(_POWER, lambda m: f"×10<sup>{m[1].replace('-', '−')}</sup>", plain)
    body, tail = escape(pair[0].replace("-", "−")), escape(pair[1])
    hang = f'<span class="sp-hang">{tail}</span>' if tail else ""
    return f'<span class="sp-num" style="width:{width}ch">{body}{hang}</span>'


# --- LaTeX ----------------------------------------------------------------------------------
def latex_escape(value: str) -> str:
    r"""Escape text for LaTeX.

    Examples
    --------
    >>> latex_escape("share_x 10%")
    'share\\_x 10\\%'
    """
    return "".join(_LATEX.get(char, char) for char in " ".join(value.split()))


def latex(table: RegressionTable, label: str = "") -> str:
    """Write a table for LaTeX (booktabs, threeparttable)."""
    if re.search(r"[^\w:.\-]", label):
        raise SchemaError(f"label={label!r}: use letters, digits and : . - _ only.")
    lines = wrapped_rows(table)
    columns = table.frame.shape[1]
    out = [
        r"% needs \usepackage{booktabs,threeparttable}",
        r"\begin{table}[htbp]",
        r"\centering",
        r"\setlength{\tabcolsep}{9pt}",
        r"\begin{threeparttable}",
    ]
    if table.title:
        out.append(rf"\caption{{{latex_escape(table.title)}}}")
    if label:
        out.append(rf"\label{{{label}}}")
    out += [rf"\begin{{tabular}}{{@{{}}l*{{{columns}}}{{c}}}}", r"\toprule"]
    out += [
        *_latex_head(table),
        r"\midrule",
        *_latex_rows(lines, table.digits),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    if table.notes:
        notes = [rf"\item {_shield(latex_escape(note))}" for note in table.notes]
        out += [r"\begin{tablenotes}[flushleft]", r"\footnotesize", *notes, r"\end{tablenotes}"]
    return "\n".join([*out, r"\end{threeparttable}", r"\end{table}", ""])


def _latex_head(table: RegressionTable) -> list[str]:
    """Write the dependent variables, spanning their columns, and the models' names."""
    cells, rules, start = ["Dependent variable"], [], 2
    for name, n in spans(table.outcomes):
        cells.append(rf"\multicolumn{{{n}}}{{c}}{{{latex_escape(name)}}}")
        if n > 1:
            rules.append(rf"\cmidrule(lr){{{start}-{start + n - 1}}}")
        start += n
    names = ["", *(latex_escape(str(name)) for name in table.frame.columns)]
    heads = [" & ".join(cells) + r" \\", *rules, " & ".join(names) + r" \\"]
    return [head for head in heads if head]


def _latex_rows(lines: list[Row], digits: int) -> Iterator[str]:
    """Write the body's rows."""
    columns = zip(*(row.cells for row in lines), strict=True)
    parsed = ([split_cell(cell) for cell in column] for column in columns)
    widths = [max((len(cell.whole) for cell in cells if cell), default=1) for cells in parsed]
    for i, row in enumerate(lines):
        if row.starts_block and i:
            yield r"\midrule"
        elif row.block == "coefficients" and not row.continues and i:
            yield r"\addlinespace"
        indent = r"\quad " if row.block == _EFFECTS else ""
        label = indent + _shield(latex_escape(row.label))
        pairs = zip(row.cells, widths, strict=True)
        cells = (_latex_cell(cell, width, digits) for cell, width in pairs)
        yield " & ".join([label, *cells]) + r" \\"


def _shield(value: str) -> str:
    r"""Keep a leading [ or * from being read as an argument of the ``\\`` or item before it."""
    return "{}" + value if value[:1] in {"[", "*"} else value


def _latex_cell(value: str, width: int, digits: int) -> str:
    """Set a number with hanging sign, brackets and stars, padded to ``width`` whole digits."""
    cell = split_cell(value)
    if cell is None:
        plain = re.sub(_MINUS, "$-$", latex_escape(value))
        return re.sub(_POWER, r"$\\times10^{\1}$", plain)
    pad = width - len(cell.whole)
    lead = cell.opening + cell.sign.replace("-", "$-$")
    kept = cell.fraction[: digits + 1] if digits else ""
    tail = cell.fraction[len(kept) :] + _latex_tail(cell)
    return (
        (rf"\phantom{{{'0' * pad}}}" if pad else "")
        + (rf"\llap{{{lead}}}" if lead else "")
        + cell.whole
        + kept
        + (rf"\rlap{{{tail}}}" if tail else "")
    )


def _latex_tail(cell: Cell) -> str:
    """Write what hangs to the right of a number: bracket, stars."""
    if set(cell.stars) == {"*"}:
        stars = f"$^{{{cell.stars}}}$"
    else:
        stars = rf"\textsuperscript{{{latex_escape(cell.stars)}}}" if cell.stars else ""
    return cell.closing + stars


# --- Markdown -------------------------------------------------------------------------------
def markdown(table: RegressionTable) -> str:
    """Write a table as a Markdown pipe table."""
    grid = [
        ["", *(str(name) for name in table.frame.columns)],
        ["Dependent variable", *table.outcomes],
        *([row.label, *row.cells] for row in rows(table)),
    ]
    cells = [[_markdown_escape(cell) for cell in line] for line in grid]
    widths = [max(3, *(len(line[j]) for line in cells)) for j in range(len(cells[0]))]
    body = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    marks = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    rule = "| " + " | ".join(marks) + " |"
    out = [f"**{_markdown_escape(table.title)}**", ""] if table.title else []
    out += [body[0], rule, *body[1:]]
    for note in table.notes:
        out += ["", _markdown_escape(note)]
    return "\n".join(out)


def _markdown_escape(value: str) -> str:
    """Escape what Markdown would read as markup, and HTML."""
    flat = " ".join(value.split())
    marked = re.sub(r"([\\`*_|\[\]])", r"\\\1", flat)
    return marked.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

"""Figures of qualitative comparative analysis: XY plots and truth tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.case.fsqca import TruthTable, membership, necessity, sufficiency
from spillover.errors import SchemaError, check_choice, did_you_mean
from spillover.plot._notes import write_notes
from spillover.plot._point_labels import label_points
from spillover.plot.theme import COLOURS, GREY, literal, new_figure, theme

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STATES = {"1": "sufficient", "0": "not sufficient", "C": "contradictory"}


def xy(
    data: pd.DataFrame,
    expression: str,
    outcome: str,
    *,
    relation: Literal["sufficiency", "necessity"] = "sufficiency",
    name_cases: Sequence[str] | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw memberships in an expression against memberships in the outcome.

    Parameters
    ----------
    data : pandas.DataFrame
        One row per case, memberships between 0 and 1.
    expression : str
        Such as ``"DEV*~IND + URB*STB"``, or a model's ``expression``.
    outcome : str
        A column, or ``~`` and a column.
    relation : {"sufficiency", "necessity"}
        Which triangle the cases should fill, and which measures are printed.
    name_cases : sequence of str, optional
        Cases to name; all those that speak against the relation by default.
    synthetic : bool
        Say below the figure that the data are synthetic.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SchemaError
        For an unknown column, case or relation.

    Notes
    -----
    Sufficient: all cases on or above the diagonal. Necessary: on or below. A case with more than
    0.5 in the expression and less than 0.5 in the outcome contradicts sufficiency in kind, not
    only in degree; such cases are filled.

    Examples
    --------
    >>> import pandas as pd
    >>> import spillover as sp
    >>> cases = pd.DataFrame({"A": [0.9, 0.7, 0.2], "Y": [0.8, 0.9, 0.3]}, index=list("xyz"))
    >>> sp.plot.xy(cases, "A", "Y").axes[0].get_xlabel()
    'Membership in A'
    """
    check_choice("relation", relation, ("sufficiency", "necessity"))
    x, y = membership(expression, data), membership(outcome, data)
    for case in name_cases or ():
        if case not in data.index:
            hint = did_you_mean(str(case), [str(one) for one in data.index])
            raise SchemaError(f"{case!r} is no case.{hint}")
    against = (y < x) if relation == "sufficiency" else (y > x)
    low, high = (x, y) if relation == "necessity" else (y, x)
    contradicts = (high > 0.5) & (low < 0.5)
    named = data.index[against] if name_cases is None else pd.Index(list(name_cases))
    with theme():
        figure, (ax,) = new_figure(1, (4.9, 5.3))
        _square(ax, f"Membership in {expression}", f"Membership in {outcome}", relation)
        write_notes(
            figure, _xy_notes(x, y, relation, int(contradicts.sum())), [], synthetic=synthetic
        )
        _dots(ax, x[~contradicts], y[~contradicts], COLOURS[0], "white")
        _dots(ax, x[contradicts], y[contradicts], COLOURS[1], COLOURS[1])
        points = np.column_stack([x, y])
        label_points(
            ax,
            points[data.index.get_indexer(named)].reshape(-1, 2),
            [literal(str(case)) for case in named],
            others=points,
            styles=[{"color": "#333333"}] * len(named),
            segments=[np.array([[0.0, 0.0], [1.0, 1.0]])],
        )
    return figure


def _dots(ax: Axes, x: pd.Series[float], y: pd.Series[float], colour: str, face: str) -> None:
    if len(x):  # the extent of no dots would upset the layout
        ax.plot(x, y, "o", markersize=4.5, color=colour, markerfacecolor=face, clip_on=False)


def _square(ax: Axes, x: str, y: str, relation: str) -> None:
    ax.set_xlim(-0.04, 1.04)
    ax.set_ylim(-0.04, 1.04)
    ax.set_aspect("equal")
    fill = [0, 1] if relation == "sufficiency" else [0, 0]
    ax.fill_between([0, 1], [0, 1], [fill[1], fill[1]], color="#f2f2f2", zorder=0)
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, zorder=1)
    for half in (ax.axhline, ax.axvline):
        half(0.5, color=GREY, linewidth=0.6, linestyle=":", zorder=1)
    ax.set_xlabel(literal(x))
    ax.set_ylabel(literal(y))


def _xy_notes(
    x: pd.Series[float], y: pd.Series[float], relation: str, contradictions: int
) -> list[str]:
    a, b = x.to_numpy(dtype=np.float64), y.to_numpy(dtype=np.float64)
    if relation == "sufficiency":
        enough = sufficiency(a, b)
        line = (
            f"Consistency {enough.consistency:.3f}, PRI {enough.pri:.3f}, coverage "
            f"{enough.coverage:.3f}."
        )
    else:
        needed = necessity(a, b)
        line = (
            f"Consistency {needed.consistency:.3f}, coverage {needed.coverage:.3f}, relevance "
            f"{needed.relevance:.3f}."
        )
    kind = f"{len(a)} cases; {contradictions} contradict {relation} in kind (filled)."
    return [line, f"{kind} Shaded: where {relation} holds."]


def truth_table(table: TruthTable, *, synthetic: bool = False) -> Figure:
    """Draw the observed combinations of a truth table, most consistent first.

    Parameters
    ----------
    table : TruthTable
    synthetic : bool
        Say below the figure that the data are synthetic.

    Returns
    -------
    matplotlib.figure.Figure
        Left: conditions, filled where present. Right: consistency and PRI with the cut; the cases.

    Raises
    ------
    SchemaError
        If ``table`` is no truth table.

    Examples
    --------
    >>> import pandas as pd
    >>> import spillover as sp
    >>> cases = pd.DataFrame({"A": [0.9, 0.7, 0.2], "Y": [0.8, 0.9, 0.3]}, index=list("xyz"))
    >>> figure = sp.plot.truth_table(sp.case.fsqca.truth_table(cases, "Y", ["A"]))
    >>> [text.get_text() for text in figure.axes[0].get_xticklabels()]
    ['A']
    """
    if not isinstance(table, TruthTable):
        raise SchemaError(
            f"table is a {type(table).__name__}; give what sp.case.fsqca.truth_table() returns."
        )
    rows = table.observed.sort_values("consistency", ascending=False, kind="stable")
    height = 1.6 + 0.3 * len(rows)
    with theme():
        figure, (left, right) = new_figure(2, (7.4, height))
        write_notes(figure, _table_notes(table), [], synthetic=synthetic)
        _conditions(left, rows, table.conditions)
        _fits(right, rows, table)
    return figure


def _conditions(ax: Axes, rows: pd.DataFrame, conditions: Sequence[str]) -> None:
    for at, (_, row) in enumerate(rows.iterrows()):
        for j, name in enumerate(conditions):
            ax.plot(
                j,
                at,
                marker="o",
                markersize=8,
                color=COLOURS[0],
                markerfacecolor=COLOURS[0] if row[name] else "white",
            )
    ax.set_xticks(range(len(conditions)), [literal(name) for name in conditions], rotation=45)
    ax.set_yticks(range(len(rows)), [f"{row['n']}" for _, row in rows.iterrows()])
    ax.set_ylabel("Cases in the combination")
    ax.set_xlim(-0.6, len(conditions) - 0.4)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(visible=False)


def _fits(ax: Axes, rows: pd.DataFrame, table: TruthTable) -> None:
    places = np.arange(len(rows))
    ax.axvline(table.consistency, color=GREY, linewidth=0.8, linestyle="--")
    ax.plot(
        rows["consistency"],
        places,
        marker="o",
        linestyle="none",
        color=COLOURS[0],
        label="consistency",
    )
    ax.plot(
        rows["pri"],
        places,
        marker="D",
        linestyle="none",
        color=COLOURS[1],
        markerfacecolor="white",
        label="PRI",
    )
    labels = [f"{_STATES[row['outcome']]}: {_few(row['cases'])}" for _, row in rows.iterrows()]
    ax.set_yticks(places, [literal(label) for label in labels])
    ax.yaxis.tick_right()
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlabel(literal(f"Consistency with {table.outcome}"))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def _few(cases: Sequence[object], most: int = 4) -> str:
    shown = ", ".join(map(str, cases[:most]))
    return f"{shown} and {len(cases) - most} more" if len(cases) > most else shown


def _table_notes(table: TruthTable) -> list[str]:
    remainders = len(table.rows) - len(table.observed)
    return [
        f"{len(table.data)} cases, {len(table.observed)} of {len(table.rows)} combinations; "
        f"{remainders} remainders not drawn. Filled: condition present.",
        f"Cuts: consistency {table.consistency:g} (dashed), PRI {table.pri:g}, at least "
        f"{table.frequency} cases.",
    ]

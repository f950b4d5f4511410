"""The finished regression table and the ways to write it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from spillover.tables import render

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, eq=False, repr=False)
class RegressionTable:
    """A regression table, ready to print.

    Attributes
    ----------
    frame : pandas.DataFrame
        The cells as text: one column a model; the index has the levels ``block``
        (coefficients, absorbed effects, statistics), ``row`` (label) and ``part``
        (estimate, std_error, ...). Work on a copy if you want to change it.
    outcomes : tuple of str
        The dependent variable of each column.
    title : str
        Empty if there is none.
    notes : tuple of str
        Lines below the table.
    digits : int
        Digits after the decimal point, for alignment.
    """

    frame: pd.DataFrame
    outcomes: tuple[str, ...]
    title: str = ""
    notes: tuple[str, ...] = field(default=())
    digits: int = 3

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return self.to_html()

    def to_text(self) -> str:
        """Write the table for a terminal, decimal points aligned."""
        return render.text(self)

    def to_html(self) -> str:
        """Write the table as HTML with its own style sheet; all names are escaped."""
        return render.html(self)

    def to_latex(self, label: str = "") -> str:
        r"""Write the table for LaTeX; needs the packages booktabs and threeparttable.

        Parameters
        ----------
        label : str
            Key for ``\ref``; none is written if empty.

        Raises
        ------
        SchemaError
            If ``label`` holds a character that LaTeX does not take in a key.
        """
        return render.latex(self, label)

    def to_markdown(self) -> str:
        """Write the table as a Markdown pipe table, with the notes below."""
        return render.markdown(self)

    def to_csv(self, path: str | Path) -> None:
        """Write the cells as CSV (UTF-8): block, row, part, then one column a model.

        The dependent variables are the first row, title and notes the last ones, so that
        nothing is lost on the way.

        Parameters
        ----------
        path : str or pathlib.Path
        """
        flat = self.frame.reset_index()
        rows = [["outcome", "Dependent variable", "", *self.outcomes], *flat.to_numpy().tolist()]
        extra = [("title", self.title)] if self.title else []
        extra += [("note", note) for note in self.notes]
        blank = [""] * (self.frame.shape[1] + 1)
        rows += [[kind, value, *blank] for kind, value in extra]
        pd.DataFrame(rows, columns=flat.columns).to_csv(path, index=False, encoding="utf-8")

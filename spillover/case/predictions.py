"""Two stories and what follows from each: where data and case agree, and where neither can tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape

import pandas as pd

from spillover._data import data_path
from spillover.errors import check_choice

VERDICTS = (
    "agree",
    "disagree",
    "only the data tell",
    "only the case tells",
    "neither can tell",
)
SIDES = ("spillovers", "none")
_SHOWN = ("implication", "data", "data_says", "case", "case_says", "verdict", "reason")


@dataclass(frozen=True, eq=False, repr=False)
class Predictions:
    """Implications of "foreign investment spills over" and of "it does not".

    Attributes
    ----------
    table : pandas.DataFrame
        One row per implication: id, aspect (sign, size, interaction, industries, time, ...),
        implication, if_spillovers, if_none (what each story expects), data (what the aggregate
        literature finds), data_source, data_says, case, evidence (ids), case_says ("spillovers",
        "none", "mixed", "silent"), verdict, reason.

    Notes
    -----
    "none" is the story in which domestic firms cannot supply, so that presence does not reach them.
    Whose side a finding takes is this package's judgement.
    """

    table: pd.DataFrame

    def filter(self, *, verdict: str | None = None, aspect: str | None = None) -> Predictions:
        """Keep the implications with a verdict or an aspect.

        Parameters
        ----------
        verdict, aspect : str, optional

        Returns
        -------
        Predictions

        Raises
        ------
        SchemaError
            For a verdict or an aspect that does not occur.

        Examples
        --------
        >>> from spillover.case import predictions
        >>> predictions().filter(verdict="disagree").table["aspect"].tolist()
        ['sign', 'sign', 'ownership', 'exports']
        """
        table = self.table
        for name, value in (("verdict", verdict), ("aspect", aspect)):
            if value is not None:
                check_choice(name, value, tuple(dict.fromkeys(self.table[name])))
                table = table[table[name] == value]
        return replace(self, table=table.reset_index(drop=True))

    def counts(self) -> pd.Series[int]:
        """Count verdicts.

        Returns
        -------
        pandas.Series
            By verdict.
        """
        return self.table["verdict"].value_counts().reindex(list(VERDICTS), fill_value=0)

    def __repr__(self) -> str:
        said = ", ".join(f"{count} {name}" for name, count in self.counts().items() if count)
        return f"Predictions({len(self.table)} implications: {said})"

    def _repr_html_(self) -> str:
        with pd.option_context("display.max_colwidth", None):
            shown = self.table[list(_SHOWN)].to_html(index=False, border=0)
        return f"<div><p><b>{escape(repr(self))}</b></p>{shown}</div>"


def predictions() -> Predictions:
    """Return what follows from either story, with what data and case say to it.

    Returns
    -------
    Predictions

    Raises
    ------
    SchemaError
        If the data that come with the package are missing.

    Examples
    --------
    >>> from spillover.case import predictions
    >>> predictions().counts()["neither can tell"] > 0
    np.True_
    """
    path = data_path("kazakhstan", "predictions.csv")
    return Predictions(pd.read_csv(path, dtype=str, keep_default_na=False))


def verdict(data_says: str, case_says: str) -> str:
    """Return the verdict that follows from whose side data and case take.

    Parameters
    ----------
    data_says, case_says : {"spillovers", "none", "mixed", "silent"}

    Returns
    -------
    str
        Of :data:`VERDICTS`.

    Examples
    --------
    >>> verdict("spillovers", "none"), verdict("mixed", "silent")
    ('disagree', 'neither can tell')
    """
    if data_says in SIDES and case_says in SIDES:
        return "agree" if data_says == case_says else "disagree"
    if data_says in SIDES:
        return "only the data tell"
    return "only the case tells" if case_says in SIDES else "neither can tell"

"""The frozen result of :func:`spillover.linkages`."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from spillover.linkage.definition import LinkageDefinition

MEASURES = ("horizontal", "backward", "forward")


@dataclass(frozen=True, eq=False, repr=False)
class Linkages:
    """Horizontal, Backward and Forward by industry and year.

    Attributes
    ----------
    data : pandas.DataFrame
        One row per sector of the table and year of the panel: industry, year, horizontal,
        backward, forward (shares, 0 to 1), backward_weight and forward_weight (the sum of the
        supply or input shares that rest on observed industries: what a measure would be if
        foreign presence were 1 wherever it is observed), firms (firms behind horizontal).
    cells : pandas.DataFrame
        The sums behind foreign presence, one row per industry-year with firms: industry, year,
        rows, firms, foreign, total (and net_firms, net_foreign, net_total).
    supply_shares : pandas.DataFrame, (sectors, sectors)
        alpha: rows supplying, columns using sectors, as used (own sector as the definition says).
    input_shares : pandas.DataFrame, (sectors, sectors)
        sigma: rows buying, columns supplying sectors.
    unobserved : pandas.DataFrame
        Sectors of the table without usable firm data in some year: industry, years (how many),
        backward_share and forward_share (the part of the supply and input shares of the sectors
        with firms that rests on it while it is unobserved, averaged over sectors and years).
    definition : LinkageDefinition
    country, source : str
        Of the input-output table.
    labels : mapping of str to str
        Sector -> name.
    """

    data: pd.DataFrame
    cells: pd.DataFrame
    supply_shares: pd.DataFrame
    input_shares: pd.DataFrame
    unobserved: pd.DataFrame
    definition: LinkageDefinition
    country: str
    source: str
    labels: Mapping[str, str]

    def __repr__(self) -> str:
        years = self.data["year"]
        return (
            f"Linkages({self.data['industry'].nunique()} sectors, {years.min()}-{years.max()}; "
            f"{self.definition.describe()}; table: {self.source or self.country or 'unnamed'})"
        )

    def _repr_html_(self) -> str:
        table = self.summary().to_html(float_format=lambda value: f"{value:.4f}", border=0)
        return f"<div><p><b>{escape(repr(self))}</b></p>{table}</div>"

    def summary(self) -> pd.DataFrame:
        """Describe each measure over the industry-years that have firms.

        Returns
        -------
        pandas.DataFrame
            Rows: the measures; columns: count, mean, std, min, 25%, 50%, 75%, max.
        """
        observed = self.data.loc[self.data["firms"] > 0, list(MEASURES)]
        return observed.describe().T

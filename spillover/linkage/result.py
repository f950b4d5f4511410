"""The frozen result of :func:`spillover.linkages`."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, check_choice, preview
from spillover.linkage.operators import MEASURES, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from spillover._industries import Split
    from spillover.firms import FirmPanel
    from spillover.linkage.definition import LinkageDefinition
    from spillover.linkage.grid import Axes, Field
    from spillover.linkage.operators import Vintages

    Matrix = NDArray[np.float64]

DEFAULT_MEASURES = ("horizontal", "backward", "forward")


@dataclass(frozen=True, eq=False, repr=False)
class Linkages:
    """Linkage measures by industry and year (and region).

    Attributes
    ----------
    data : pandas.DataFrame
        One row per sector of the table (and region) and year of the panel: the keys, the measures
        (shares, 0 to 1), ``<measure>_weight`` (the sum of the shares that rest on observed
        industries: what the measure would be if foreign presence were 1 wherever it is observed),
        firms (firms behind horizontal; of a split industry's, the parts that count here), and the
        controls asked for.
    cells : pandas.DataFrame
        The sums behind foreign presence, one row per industry-year with firms: industry,
        (region,) year, rows, firms, foreign, total (and net_firms, net_foreign, net_total).
    unobserved : pandas.DataFrame
        Sectors of the table without usable firm data in some year: industry, years (how many),
        backward_share and forward_share (the part of the supply and input shares of the sectors
        with firms that rests on it while it is unobserved, averaged over sectors and years).
    definition : LinkageDefinition
    measures : tuple of str
    axes, operators, vintages, fields
        The arrays behind the measures; :meth:`exposure` and :meth:`shocks` give them by name.
    panel : FirmPanel or None
        The firms, for :meth:`explain`; None if they were lazy.
    country, source : str
        Of the (first) input-output table.
    labels : mapping of str to str
        Sector -> name.
    split : mapping of str to tuple
        As :attr:`FirmPanel.split`: the industries of firms that stand for several sectors.
    """

    data: pd.DataFrame
    cells: pd.DataFrame
    unobserved: pd.DataFrame
    definition: LinkageDefinition
    measures: tuple[str, ...]
    axes: Axes
    operators: Mapping[str, Matrix]
    vintages: Vintages
    fields: Mapping[Kind, Field]
    panel: FirmPanel | None
    country: str
    source: str
    labels: Mapping[str, str]
    split: Split = field(default_factory=dict)

    def __repr__(self) -> str:
        years = self.axes.years
        tables = f" ({', '.join(self.vintages.labels)})" if len(self.vintages.labels) > 1 else ""
        return (
            f"Linkages({len(self.axes.sectors)} sectors, {years.min()}-{years.max()}; "
            f"{self.definition.describe()}; table: {self.source or self.country or 'unnamed'}"
            f"{tables})"
        )

    def _repr_html_(self) -> str:
        table = self.summary().to_html(float_format=lambda value: f"{value:.4f}", border=0)
        return f"<div><p><b>{escape(repr(self))}</b></p>{table}</div>"

    @property
    def supply_shares(self) -> pd.DataFrame:
        """Supply shares alpha of the first year: rows supplying, columns using sectors."""
        return self.exposure("backward", int(self.axes.years[0]))

    @property
    def input_shares(self) -> pd.DataFrame:
        """Input shares sigma of the first year: rows buying, columns supplying sectors."""
        return self.exposure("forward", int(self.axes.years[0]))

    def summary(self) -> pd.DataFrame:
        """Describe each measure over the industry-years that have firms.

        Returns
        -------
        pandas.DataFrame
            Rows: the measures; columns: count, mean, std, min, 25%, 50%, 75%, max.
        """
        observed = self.data.loc[self.data["firms"] > 0, list(self.measures)]
        return observed.describe().T

    def exposure(self, measure: str, year: int) -> pd.DataFrame:
        """Return what each industry's presence weighs in a measure: its exposure shares.

        Parameters
        ----------
        measure : str
        year : int
            Of the panel; the shares differ by year if the tables do.

        Returns
        -------
        pandas.DataFrame, (sectors, sectors)
            Rows: measured industries; columns: industries whose presence counts.

        Raises
        ------
        SchemaError
            For a measure that was not built, or a year outside the panel.
        """
        check_choice("measure", measure, list(self.operators))
        matrix = self.operators[measure][self.vintages.index[self._year(year)]]
        sectors = list(self.axes.sectors)
        return pd.DataFrame(matrix, sectors, sectors)

    def shocks(self, measure: str) -> pd.DataFrame:
        """Return the presence that a measure weighs: its shocks.

        Parameters
        ----------
        measure : str

        Returns
        -------
        pandas.DataFrame
            industry, (region,) year, presence (missing where unobserved).
        """
        check_choice("measure", measure, list(self.operators))
        keys = [name for name in ("industry", "region", "year") if name in self.data]
        table = self.data[keys].copy()
        table["presence"] = self.fields[MEASURES[measure].kind].value.ravel()
        return table

    def explain(
        self,
        industry: str,
        year: int,
        measure: str = "backward",
        *,
        region: str | None = None,
    ) -> pd.DataFrame:
        """Take a measure apart: what each partner industry contributes to it.

        Parameters
        ----------
        industry : str
            The measured industry.
        year : int
        measure : str
        region : str, optional
            Needed where presence is regional.

        Returns
        -------
        pandas.DataFrame
            One row per partner industry with a share, largest contribution first: partner, label,
            share, presence, contribution (share × presence; they add up to the measure), and
            part (of the measure).

        Raises
        ------
        SchemaError
            For an unknown industry, year, region or measure.

        Examples
        --------
        >>> import spillover as sp
        >>> links = sp.linkages(sp.datasets.demo_firms(), sp.datasets.demo_io())
        >>> parts = links.explain("29", 2014)
        >>> row = links.data.query("industry == '29' and year == 2014")
        >>> bool(abs(parts["contribution"].sum() - row["backward"].item()) < 1e-12)
        True
        """
        check_choice("industry", industry, self.axes.sectors)
        self._check_region(region)
        shares = self.exposure(measure, year).loc[industry]
        place = (slice(None), self.axes.regions.index(region or ""), self._year(year))
        presence = self.fields[MEASURES[measure].kind].value[place]
        table = pd.DataFrame(
            {
                "partner": list(self.axes.sectors),
                "label": [self.labels.get(code, code) for code in self.axes.sectors],
                "share": shares.to_numpy(),
                "presence": presence,
                "contribution": shares.to_numpy() * np.nan_to_num(presence),
            }
        )
        table = table[table["share"] != 0].sort_values(
            ["contribution", "share"], ascending=False, ignore_index=True
        )
        total = table["contribution"].sum()
        table["part"] = table["contribution"] / total if total else np.nan
        return table

    def foreign_firms(
        self, industry: str, year: int, measure: str = "backward", *, largest: int = 10
    ) -> pd.DataFrame:
        """List the foreign firms that a measure rests on, largest contribution first.

        Parameters
        ----------
        industry : str
            The measured industry.
        year : int
        measure : str
            Built on this year's national presence (no lag, stock, region or sourcing by owner).
        largest : int
            How many to list; the rest is summed in a last row.

        Returns
        -------
        pandas.DataFrame
            firm, partner (its industry), foreign_share, weight, contribution; a firm of a split
            industry has a row for each of its sectors, with its part of the weight; presence taken
            from ``external`` has a row of its own by partner.

        Raises
        ------
        SchemaError
            If the firms were lazy, or the presence is not this year's national one; for an unknown
            industry, year or measure.
        """
        from spillover.linkage.firms import contributions  # noqa: PLC0415 (used on request)

        return contributions(self, industry, year, measure, largest)

    def _check_region(self, region: str | None) -> None:
        if self.axes.regions == ("",):
            if region is not None:
                raise SchemaError(
                    f"region={region!r}, but presence is national here; leave it out."
                )
        elif region is None:
            raise SchemaError(
                f"Presence is regional; it needs a region: {preview(self.axes.regions)}."
            )
        else:
            check_choice("region", region, self.axes.regions)

    def _year(self, year: int) -> int:
        found = np.flatnonzero(self.axes.years == year)
        if len(found) == 0:
            raise SchemaError(
                f"year={year!r} is no year of the panel: {preview(self.axes.years.tolist(), 20)}."
            )
        return int(found[0])

"""Draw synthetic firm panels whose production function is known, to test its estimators."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.errors import SchemaError
from spillover.simulate._designs import (
    DESIGNS,
    AcfDesign,
    Design,
    EndogenousDesign,
    GnrDesign,
    OpDesign,
    design_of,
)
from spillover.simulate._paths import (
    BURN_IN,
    Foreseen,
    Paths,
    acf_paths,
    draw_presence,
    gnr_paths,
    op_paths,
)
from spillover.simulate._settings import whole_years

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "AcfDesign",
    "EndogenousDesign",
    "GnrDesign",
    "OpDesign",
    "ProductionSimulation",
    "production",
]


@dataclass(frozen=True, eq=False, repr=False)
class ProductionSimulation:
    """A synthetic firm panel whose elasticities and productivity are known.

    Attributes
    ----------
    data : pandas.DataFrame
        One row per firm-year, canonical column names, levels (not logs).
    omega : pandas.Series
        True log productivity, on the index of ``data``.
    elasticities : pandas.DataFrame
        True elasticity of output to each input, by row of ``data``.
    truth : mapping
        ``"elasticities"`` (means over rows), ``"persistence"``, ``"effect"`` of presence in the
        law of motion (0 where there is none), ``"settings"``: the design's parameters.
    design : str
        The design's name, or its class's.
    synthetic : bool
        Always True.
    """

    data: pd.DataFrame
    omega: pd.Series
    elasticities: pd.DataFrame
    truth: Mapping[str, object]
    design: str
    synthetic: bool = True

    def _lines(self) -> list[str]:
        means = self.elasticities.mean()
        shown = ", ".join(f"{name} {value:.3g}" for name, value in means.items())
        years = self.data["year"]
        lines = [
            f"{len(self.data):,} firm-years, {self.data['firm'].nunique():,} firms, "
            f"{years.min()}-{years.max()}",
            f"true elasticities: {shown}",
            f"log productivity: sd {self.omega.std():.3f}, "
            f"autocorrelation {self.truth['persistence']:g}",
        ]
        if self.truth["effect"]:
            lines.append(f"effect of last year's presence: {self.truth['effect']:g}")
        return lines

    def __repr__(self) -> str:
        return "\n  ".join([f"SYNTHETIC production panel ({self.design})", *self._lines()])

    def _repr_html_(self) -> str:
        text = "<br>".join(escape(line) for line in self._lines())
        head = self.data.head(5).to_html(index=False, border=0)
        title = f"SYNTHETIC production panel ({escape(self.design)})"
        return f"<div><p><b>{title}</b><br>{text}</p>{head}</div>"


def production(
    design: str | Design = "acf1",
    *,
    firms: int = 1000,
    years: Iterable[int] = range(2000, 2010),
    rng: int | np.random.Generator = 0,
) -> ProductionSimulation:
    r"""Draw a synthetic panel with a known production function.

    Log output is a function of log inputs plus log productivity ``omega``, which the firm knows
    (in part) when it chooses inputs, plus an error that nobody foresees.

    ==============  ===============================================================================
    ``"acf1"``      Ackerberg, Caves & Frazer (2015), first design: labour is chosen half a year
                    before the full productivity of the year is known, wages differ over firms and
                    persist, the cost of adjusting capital differs over firms. ACF is consistent;
                    Levinsohn & Petrin is not (materials tell output, labour nothing more).
    ``"acf2"``      Their second: labour with full knowledge, one wage, an optimisation error in
                    labour that materials do not follow. Both are consistent.
    ``"acf3"``      Their third: both. Neither is, ACF nearly.
    ``"op_exit"``   Firms leave below a threshold that falls in capital; investment is the proxy.
    ``"gnr"``       Gross output, flexible materials (Gandhi, Navarro & Rivers 2020).
    ``"endogenous"``  As the first, with last year's foreign presence in the law of motion of
                    productivity (De Loecker 2013), which investment foresees.
    ==============  ===============================================================================

    Parameter values of the three ACF designs are those of the paper as recalled: elasticities 0.6
    and 0.4, autocorrelation 0.7, 1,000 firms, 10 years; see :class:`AcfDesign`. Firms have run for
    60 years before the first that is kept.

    Parameters
    ----------
    design : str or design
        A name above, or :class:`AcfDesign`, :class:`OpDesign`, :class:`GnrDesign`,
        :class:`EndogenousDesign` with parameters of your own.
    firms : int
        Firms alive in each year.
    years : iterable of int
        Two or more consecutive years.
    rng : int or numpy.random.Generator
        Seed or generator. The default is a fixed seed: give another for another panel.

    Returns
    -------
    ProductionSimulation
        ``data`` has firm, year, industry, output, value_added, employment, capital, materials,
        investment, wage_bill, foreign_share (0); the gross-output design materials_cost (output
        is the numeraire), the endogenous one horizontal. In the value-added designs materials are
        used in fixed proportion to output, and ``output`` equals ``value_added``.

    Raises
    ------
    SchemaError
        If an argument is out of range or the design is not known.

    Examples
    --------
    >>> import spillover as sp
    >>> sim = sp.simulate.production("acf1", firms=50, rng=1)
    >>> sim.truth["elasticities"]
    {'employment': 0.6, 'capital': 0.4}
    >>> len(sim.data), sim.synthetic
    (500, True)
    """
    chosen = design_of(design)
    calendar = whole_years(years)
    if len(calendar) < 2 or any(np.diff(calendar) != 1):
        raise SchemaError(
            f"years={list(calendar[:5])}...: give two or more consecutive years in rising order."
        )
    if not isinstance(firms, int | np.integer) or firms < 2:
        raise SchemaError(f"firms={firms!r}: give a whole number of 2 or more.")
    name = next((key for key, value in DESIGNS.items() if value == chosen), type(chosen).__name__)
    random = np.random.default_rng(rng)
    industry = np.zeros(firms, dtype=np.intp)
    if isinstance(chosen, EndogenousDesign):
        industry = np.arange(firms) % chosen.industries
    paths = _draw(chosen, int(firms), len(calendar), industry, random)
    return _assemble(name, chosen, paths, calendar, industry)


def _draw(
    design: Design,
    firms: int,
    periods: int,
    industry: np.ndarray,
    random: np.random.Generator,
) -> Paths:
    if isinstance(design, OpDesign):
        return op_paths(design, firms, periods, random)
    if isinstance(design, GnrDesign):
        return gnr_paths(design, firms, periods, random)
    if isinstance(design, EndogenousDesign):
        presence = draw_presence(design, BURN_IN + periods, random)
        return acf_paths(design, firms, periods, random, Foreseen(design, presence, industry))
    return acf_paths(design, firms, periods, random)


def _assemble(
    name: str, design: Design, paths: Paths, years: tuple[int, ...], industry: np.ndarray
) -> ProductionSimulation:
    """Lay the paths out as a table, sorted by firm and year."""
    periods, places = paths.output.shape
    data = pd.DataFrame(
        {
            "firm": paths.firm.ravel(),
            "year": np.repeat(years, places),
            "industry": [f"{code + 1:02d}" for code in np.tile(industry, periods)],
            "output": np.exp(paths.output).ravel(),
            "value_added": np.exp(paths.output).ravel(),
            "employment": np.exp(paths.labour).ravel(),
            "capital": np.exp(paths.capital).ravel(),
            "materials": np.exp(paths.materials).ravel(),
            "investment": np.exp(paths.investment).ravel(),
            "wage_bill": np.exp(paths.labour + paths.wage).ravel(),
            "foreign_share": 0.0,
        }
    )
    if paths.price is not None:
        data["materials_cost"] = np.exp(paths.materials + paths.price).ravel()
        data["value_added"] = data["output"] - data["materials_cost"]
    if paths.presence is not None:
        data["horizontal"] = paths.presence.ravel()
    truth = pd.DataFrame({key: value.ravel() for key, value in paths.elasticities.items()})
    order = np.lexsort([data["year"], data["firm"]])
    data = data.iloc[order].reset_index(drop=True)
    data["firm"] = "F" + pd.Series(pd.factorize(data["firm"])[0] + 1).astype(str).str.zfill(5)
    data.attrs["source"] = "synthetic: spillover.simulate.production"
    truth = truth.iloc[order].reset_index(drop=True)
    means = {key: round(float(value), 12) for key, value in truth.mean().items()}
    return ProductionSimulation(
        data=data,
        omega=pd.Series(paths.omega.ravel()[order], name="omega"),
        elasticities=truth,
        truth=MappingProxyType(
            {
                "elasticities": means,
                "persistence": design.persistence,
                "effect": getattr(design, "effect", 0.0),
                "settings": asdict(design),
            }
        ),
        design=name,
    )

"""What a study computes: columns, linkage measures, equations, and how to draw its replica."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from spillover.linkage import LinkageDefinition

Make = Callable[[pd.DataFrame], "pd.Series[Any]"]
Draw = Callable[[pd.DataFrame, Any], "pd.Series[Any]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column that an equation needs.

    Parameters
    ----------
    name, meaning : str
    unit : str
    fallback : str, optional
        The column that stands in where the panel lacks this one; the result says so.
    optional : bool
        A control whose terms are left out where the panel lacks it; the result says so.
    make : callable, optional
        Makes the column from the panel where the panel lacks it.
    needs : tuple of str
        What ``make`` reads.
    after : bool
        Whether ``make`` reads linkage measures.
    """

    name: str
    meaning: str
    unit: str = ""
    fallback: str | None = None
    optional: bool = False
    make: Make | None = None
    needs: tuple[str, ...] = ()
    after: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Linkage measures of one definition, as columns of the panel.

    Parameters
    ----------
    definition : LinkageDefinition
    measures : tuple of str
        Measures, and controls such as ``"demand"``.
    suffix : str
        Put behind each measure's name, such as ``"_shared"``.
    note : str
        What is certain about the definition.
    """

    definition: LinkageDefinition = field(default_factory=LinkageDefinition)
    measures: tuple[str, ...] = ("horizontal", "backward", "forward")
    suffix: str = ""
    note: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it gives."""
        return tuple(name + self.suffix for name in self.measures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equation:
    """One regression of a study, in the notation of :func:`spillover.fit`.

    Parameters
    ----------
    name : str
        Unique in the study.
    table : str
        Where it is printed, and the heading under which the result shows it.
    heading : str
        Of its column.
    formula : str
        With canonical columns.
    sample : {"all", "domestic", "foreign"} or str
        Or a column of the panel: the rows where it is true (of domestic firms if it begins with
        "domestic and ").
    transform, estimator : str
        As ``sp.fit`` takes them.
    options : tuple of (str, object)
        Further arguments of ``sp.fit``; ``settings`` as pairs of attribute and value.
    cluster : str or tuple of str
    inference : str
    percent : bool
        Whether the study measures presence in percent, so that its printed coefficient is a
        hundredth of one per unit share.
    note : str
        What is recalled, or differs from the study.
    """

    name: str
    formula: str
    table: str = ""
    heading: str = ""
    sample: str = "all"
    transform: str = "levels"
    estimator: str = "ols"
    options: tuple[tuple[str, Any], ...] = ()
    cluster: str | tuple[str, ...] = "industry^year"
    inference: str = "cluster"
    percent: bool = False
    note: str = ""

    def arguments(self) -> dict[str, Any]:
        """Return what :func:`spillover.fit` takes besides formula, data and sample.

        Returns
        -------
        dict
        """
        given: dict[str, Any] = dict(self.options)
        if self.transform != "levels":
            given["transform"] = self.transform
        if self.estimator != "ols":
            given["estimator"] = self.estimator
        given["inference"] = self.inference
        if self.inference == "cluster":
            wanted = self.cluster
            given["cluster"] = wanted if isinstance(wanted, str) else list(wanted)
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """The event study of a country-year study: what happens before and after accession.

    Parameters
    ----------
    outcome : str
    treatment : str
        A column of 0 and 1.
    controls : str
        A side of a formula; empty for none, since accession may change them.
    leads, lags : int
        Years with their own coefficient; the ends are binned.
    note : str
    """

    outcome: str
    treatment: str
    controls: str = ""
    leads: int = 5
    lags: int = 10
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """How to draw a synthetic panel in which an equation's coefficients are known.

    Parameters
    ----------
    equation : str
        Its verified published coefficients are the truth, in units of a share from 0 to 1.
    truth : mapping of str to float
        Coefficients that are *chosen*, because none is published or verified.
    controls : mapping of str to float
        Chosen coefficients of controls.
    focus : str
        The term whose standard error the noise is set to give, where one is published.
    industries, firms_per_industry, regions : int
    years : tuple of int
        First and last.
    foreign_share_of_firms : float
    draws : mapping of str to callable
        Further columns: name -> function of (panel, generator).
    selection : mapping of str to float
        Term -> what an industry's (country's) mean of it adds to the industry's effect: foreign
        firms are then found in industries that are productive anyway.
    noise : float
        Factor on the error (0.05 log points by industry-year, 0.15 by firm) where no standard
        error is published.
    cross_section : bool
        Keep the last year only.
    countries : int
        For country-year studies.
    note : str
        What was chosen, and why.
    """

    equation: str
    truth: Mapping[str, float] = field(default_factory=dict)
    controls: Mapping[str, float] = field(default_factory=dict)
    focus: str = "backward"
    industries: int = 20
    firms_per_industry: int = 60
    regions: int = 8
    years: tuple[int, int] = (2000, 2005)
    foreign_share_of_firms: float = 0.2
    draws: Mapping[str, Draw] = field(default_factory=dict)
    selection: Mapping[str, float] = field(default_factory=dict)
    noise: float = 1.0
    cross_section: bool = False
    countries: int = 100
    note: str = ""

"""A study in the catalogue: small frozen values that a reader can check.

A study is one module in :mod:`spillover.catalogue.studies` with a constant ``STUDY``. Nothing in it
computes; :mod:`spillover.catalogue.run` and :mod:`spillover.catalogue.replica` read it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from spillover.catalogue.facts import (
    UNKNOWN,
    VERDICTS,
    Citation,
    Data,
    Fact,
    Moderator,
    Reading,
    Size,
)
from spillover.catalogue.spec import Column, Equation, Events, Links, Replica
from spillover.errors import SchemaError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from spillover._frames import NativeFrame
    from spillover.catalogue.replica import StudyReplica
    from spillover.catalogue.result import StudyResult
    from spillover.firms import FirmPanel
    from spillover.linkage.build import Tables
    from spillover.panel.events import EventStudy

__all__ = [
    "UNKNOWN",
    "VERDICTS",
    "Citation",
    "Column",
    "Data",
    "Equation",
    "Events",
    "Fact",
    "Links",
    "Moderator",
    "Reading",
    "Replica",
    "Size",
    "Study",
]

Kind = Literal["regression", "review", "survey", "meta-analysis"]
Unit = Literal["firm-year", "country-year"]
_NAME = re.compile(r"[a-z0-9_]+")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Study:
    """A study: what it asks, observes, estimates and publishes, and what is said of it.

    Parameters
    ----------
    id : str
        ``first_author_year``, as in ``sp.studies``.
    kind : {"regression", "review", "survey", "meta-analysis"}
    unit : {"firm-year", "country-year"}
    citation : Citation
    question : str
    data : Data
    findings : tuple of Fact
        What it reports, in our words.
    equations : tuple of Equation
    links : tuple of Links
    columns : tuple of Column
        Columns beyond the canonical ones.
    labels : mapping of str to str
        Term -> what the tables print.
    productivity : Fact
        How it measures productivity.
    tfp : mapping
        Arguments of ``sp.productivity`` that give its ``tfp``, if the panel has none.
    estimator, inference : Fact
    moderators : tuple of Moderator
    readings : tuple of Reading
    replica_design : Replica, optional
    events : Events, optional
        Of country-year studies: accession as an event.
    decisions, traps, criticism, versions : tuple of str
    successors : tuple of str
        Studies of the catalogue that carry it on.
    instead : str
        For a text that has nothing to run: the study to run.

    Raises
    ------
    SchemaError
        If names repeat, or the replica names no equation.
    """

    id: str
    citation: Citation
    question: str
    data: Data
    kind: Kind = "regression"
    unit: Unit = "firm-year"
    findings: tuple[Fact, ...] = ()
    equations: tuple[Equation, ...] = ()
    links: tuple[Links, ...] = ()
    columns: tuple[Column, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    productivity: Fact = UNKNOWN
    tfp: Mapping[str, Any] = field(default_factory=dict)
    estimator: Fact = UNKNOWN
    inference: Fact = UNKNOWN
    moderators: tuple[Moderator, ...] = ()
    readings: tuple[Reading, ...] = ()
    replica_design: Replica | None = None
    events: Events | None = None
    decisions: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()
    criticism: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    successors: tuple[str, ...] = ()
    instead: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.id):
            raise SchemaError(f"id={self.id!r}: use small letters, digits and underscores.")
        names = [equation.name for equation in self.equations]
        if len(set(names)) < len(names):
            raise SchemaError(f"{self.id}: two equations have the same name.")
        given = [column for links in self.links for column in links.columns]
        if len(set(given)) < len(given):
            raise SchemaError(f"{self.id}: two linkage columns have the same name; use suffix=.")
        if self.replica_design is not None:
            self.equation(self.replica_design.equation)

    def equation(self, name: str) -> Equation:
        """Return one equation.

        Parameters
        ----------
        name : str

        Returns
        -------
        Equation

        Raises
        ------
        SchemaError
            If there is none of that name.
        """
        found = {equation.name: equation for equation in self.equations}
        if name not in found:
            raise SchemaError(f"{self.id} has no equation {name!r}.{did_you_mean(name, [*found])}")
        return found[name]

    def estimates(
        self, *, include_recalled: bool = False, include_suspect: bool = False
    ) -> pd.DataFrame:
        """Return what the study published; see ``sp.studies.estimates``.

        Parameters
        ----------
        include_recalled, include_suspect : bool

        Returns
        -------
        pandas.DataFrame
        """
        from spillover.catalogue.estimates import estimates  # noqa: PLC0415 (reads a file)

        return estimates(
            self.id, include_recalled=include_recalled, include_suspect=include_suspect
        )

    def run(
        self,
        panel: FirmPanel | NativeFrame,
        io: Tables | None = None,
        *,
        equations: Sequence[str] | None = None,
    ) -> StudyResult:
        """Apply the study's definitions and equations to a panel.

        Parameters
        ----------
        panel : FirmPanel or data frame
            With the columns of :meth:`needs`.
        io : IOTable or several, optional
            Needed where measures go across industries (not for Horizontal alone).
        equations : sequence of str, optional
            Names; by default all.

        Returns
        -------
        StudyResult

        Raises
        ------
        SchemaError
            If the study has no regression, or columns are missing (all are named at once).
        """
        from spillover.catalogue.run import run_study  # noqa: PLC0415 (brings in estimation)

        return run_study(self, panel, io, equations)

    def event_study(
        self,
        panel: NativeFrame,
        **options: Any,  # noqa: ANN401 (those of sp.panel.event_study)
    ) -> EventStudy:
        """Follow the outcome before and after accession, by several estimators.

        Parameters
        ----------
        panel : data frame
            Country-years, with the columns of the study's ``events``.
        **options
            Of :func:`spillover.panel.event_study`: ``controls``, ``leads``, ``lags``,
            ``estimators``, ``leavers`` (left out by default, and counted).

        Returns
        -------
        EventStudy

        Raises
        ------
        SchemaError
            If the study has no event, or columns are missing.
        """
        from spillover.catalogue.country_year import events_of  # noqa: PLC0415 (estimation)

        return events_of(self, panel, options)

    def replica(
        self, seed: int = 0, *, equation: str | None = None, scale: float = 1.0
    ) -> StudyReplica:
        """Draw a SYNTHETIC panel in which the published coefficients are the truth.

        Parameters
        ----------
        seed : int
        equation : str, optional
            Whose coefficients hold; by default the study's main one.
        scale : float
            Firms, as a part of the number that gives the published sample size.

        Returns
        -------
        StudyReplica

        Raises
        ------
        SchemaError
            If the study has no regression, or the equation no coefficients.
        """
        from spillover.catalogue.replica import draw_replica  # noqa: PLC0415 (brings in simulate)

        return draw_replica(self, seed, equation, scale)

    def needs(self) -> pd.DataFrame:
        """List the columns that the equations use.

        Returns
        -------
        pandas.DataFrame
            column, meaning, unit, origin ("panel", "linkage", "made if absent", "optional", or
            what stands in).
        """
        from spillover.catalogue.columns import describe_columns  # noqa: PLC0415

        return describe_columns(self)

    def __repr__(self) -> str:
        from spillover.catalogue.overview import study_text  # noqa: PLC0415

        return study_text(self)

    def _repr_html_(self) -> str:
        from spillover.catalogue.overview import study_html  # noqa: PLC0415

        return study_html(self)

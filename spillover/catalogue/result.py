"""What running a study gives: the fits, and the published numbers beside them."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from spillover.catalogue.columns import linkage_columns
from spillover.catalogue.estimates import published
from spillover.errors import check_choice
from spillover.linkage.controls import CONTROLS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

    from spillover._fits import FitLike
    from spillover.catalogue.study import Equation, Study
    from spillover.panel import Fit
    from spillover.tables import RegressionTable

Units = Literal["paper", "share"]


@dataclass(frozen=True, eq=False)
class Scaled:
    """A fit whose presence is measured in percent, as the paper prints it."""

    fit: Fit
    linkages: frozenset[str]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever the fit has)
        return getattr(self.fit, name)

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return the coefficients, divided by 100 for each presence in the term."""
        table = self.fit.tidy(level).copy()
        power = [sum(part in self.linkages for part in term.split(":")) for term in table["term"]]
        factor = np.power(100.0, -np.asarray(power, dtype=float))
        for name in ("estimate", "std_error", "conf_low", "conf_high"):
            table[name] *= factor
        return table

    def glance(self) -> pd.DataFrame:
        """Return the fit's own summary."""
        return self.fit.glance()


@dataclass(frozen=True, eq=False)
class Published:
    """Printed coefficients that tables and plots read like a fit."""

    outcome: str
    rows: pd.DataFrame
    share: bool
    absorbed: tuple[str, ...] = ()
    inference: str = "as published"

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per coefficient; intervals are estimate ± z times standard error."""
        estimate = self.rows["effect"] if self.share else self.rows["estimate"]
        error = self.rows["effect_se"]
        if not self.share:
            error = error * (self.rows["estimate"] / self.rows["effect"]).abs()
        statistic = estimate / error
        p_value = self.rows["p"].fillna(
            pd.Series(2 * stats.norm.sf(statistic.abs()), self.rows.index)
        )
        half = stats.norm.ppf((1 + level) / 2) * error
        table = pd.DataFrame(
            {
                "estimate": estimate,
                "std_error": error,
                "statistic": statistic,
                "p_value": p_value,
                "conf_low": estimate - half,
                "conf_high": estimate + half,
            }
        )
        return table.rename_axis("term").reset_index()

    def glance(self) -> pd.DataFrame:
        """Return the printed number of observations."""
        return pd.DataFrame({"nobs": self.rows["n"].iloc[:1].to_numpy()})


@dataclass(frozen=True, eq=False, repr=False)
class StudyResult:
    """A study on a panel.

    Attributes
    ----------
    study : Study
    fits : mapping of str to Fit
        Equation -> fit. Coefficients on presence are per unit of a share from 0 to 1.
    failed : mapping of str to str
        Equations that could not be fitted, and why.
    notes : tuple of str
        What stood in for what, and every warning on the way.
    synthetic : bool
    rows : int
        Of the panel.
    """

    study: Study
    fits: Mapping[str, Fit]
    failed: Mapping[str, str]
    notes: tuple[str, ...]
    synthetic: bool
    rows: int

    @property
    def table_names(self) -> tuple[str, ...]:
        """The tables of the study that were run.

        Returns
        -------
        tuple of str
        """
        return tuple(dict.fromkeys(equation.table for equation in self._equations()))

    def _equations(self, table: str | None = None) -> list[Equation]:
        found = [one for one in self.study.equations if one.name in self.fits]
        return [one for one in found if table is None or one.table == table]

    def models(
        self, table: str | None = None, *, units: Units = "paper", with_published: bool = True
    ) -> dict[str, FitLike]:
        """Return the columns of a table: each equation, and what was published for it.

        Parameters
        ----------
        table : str, optional
            Of :attr:`table_names`; by default all.
        units : {"paper", "share"}
            The paper's own unit, or per unit of a share from 0 to 1.
        with_published : bool

        Returns
        -------
        dict

        Raises
        ------
        SchemaError
            For an unknown table or unit.
        """
        check_choice("units", units, ("paper", "share"))
        if table is not None:
            check_choice("table", table, self.table_names)
        columns: dict[str, FitLike] = {}
        linkages = frozenset(linkage_columns(self.study))
        for number, equation in enumerate(self._equations(table), 1):
            fit = self.fits[equation.name]
            name = f"({number}) {equation.heading}".strip()
            percent = equation.percent and units == "paper"
            columns[name] = Scaled(fit, linkages) if percent else fit
            rows = published(self.study.id, equation.name)
            if with_published and len(rows):
                columns[f"({number}) published"] = Published(fit.outcome, rows, units == "share")
        return columns

    def table(self, table: str | None = None, *, units: Units = "paper") -> RegressionTable:
        """Set the estimates in the paper's layout, the published numbers beside them.

        Parameters
        ----------
        table : str, optional
            Of :attr:`table_names`; by default the first.
        units : {"paper", "share"}

        Returns
        -------
        RegressionTable

        Raises
        ------
        SchemaError
            For an unknown table or unit.
        """
        from spillover.tables import regression  # noqa: PLC0415 (used on request)

        chosen = self.table_names[0] if table is None else table
        models = self.models(chosen, units=units)
        equations = self._equations(chosen)
        percent = any(equation.percent for equation in equations)
        scale = "share (0 to 1)" if units == "share" or not percent else "percentage point"
        notes = [f"Foreign presence per {scale}." if self.study.links else ""]
        notes += [equation.note for equation in equations]
        terms = [name for name in linkage_columns(self.study) if self._has(models, name)]
        return regression(
            models,
            labels=self.study.labels,
            order=terms,
            digits=4 if percent and units == "paper" else 3,
            title=f"{self.study.citation.short}{', ' if chosen else ''}{chosen}",
            notes=[note for note in dict.fromkeys([*notes, *self._failures()]) if note],
            synthetic=self.synthetic,
        )

    @staticmethod
    def _has(models: Mapping[str, FitLike], term: str) -> bool:
        return any((model.tidy()["term"] == term).any() for model in models.values())

    def _failures(self) -> list[str]:
        return [f"{name} was not fitted: {why}" for name, why in self.failed.items()]

    def figure(self, table: str | None = None) -> Figure:
        """Draw the linkage coefficients, the published ones beside them.

        Parameters
        ----------
        table : str, optional
            By default the first.

        Returns
        -------
        matplotlib.figure.Figure
            Coefficients per unit of a share from 0 to 1.

        Raises
        ------
        SchemaError
            For an unknown table, or one without a coefficient on a linkage measure.
        """
        from spillover.plot import coefficients  # noqa: PLC0415 (brings in matplotlib)

        chosen = self.table_names[0] if table is None else table
        models = self.models(chosen, units="share")
        known = [term for model in models.values() for term in model.tidy()["term"]]
        linkages = set(linkage_columns(self.study)) - set(CONTROLS)
        terms = [term for term in dict.fromkeys(known) if linkages & set(term.split(":"))]
        if not terms:
            terms = [term for term in dict.fromkeys(known) if term != "Intercept"]
        return coefficients(
            models,
            terms=terms,
            labels=self.study.labels,
            unit="per unit share",
            synthetic=self.synthetic,
        )

    def save(self, folder: Path) -> list[Path]:
        """Write every table (text, HTML, LaTeX) and its figure (PNG, PDF).

        Parameters
        ----------
        folder : pathlib.Path
            Made if absent.

        Returns
        -------
        list of pathlib.Path
            The files written.
        """
        from matplotlib import pyplot as plt  # noqa: PLC0415 (brings in matplotlib)

        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name in self.table_names:
            stem = "-".join(filter(None, [self.study.id, _slug(name)]))
            table = self.table(name)
            texts = {".txt": table.to_text(), ".html": table.to_html(), ".tex": table.to_latex()}
            for ending, text in texts.items():
                path = folder / f"{stem}{ending}"
                path.write_text(text + "\n", encoding="utf-8")
                written.append(path)
            figure = self.figure(name)
            for ending in (".png", ".pdf"):
                path = folder / f"{stem}{ending}"
                bare = {"CreationDate": None} if ending == ".pdf" else None
                figure.savefig(path, dpi=150, bbox_inches="tight", metadata=bare)
                written.append(path)
            plt.close(figure)
        return written

    def _lines(self) -> list[str]:
        kind = "SYNTHETIC data" if self.synthetic else "your data"
        lines = [f"{self.study.citation.short} on {kind}: {len(self.fits)} equation(s)"]
        return [*lines, *self.notes, *self._failures()]

    def __repr__(self) -> str:
        first = self.table(self.table_names[0]).to_text()
        rest = self.table_names[1:]
        more = [f"Further tables: {', '.join(rest)}."] if rest else []
        return "\n".join([*self._lines(), first, *more])

    def _repr_html_(self) -> str:
        notes = "<br>".join(escape(line) for line in self._lines())
        tables = "".join(self.table(name).to_html() for name in self.table_names)
        return f"<div><p>{notes}</p>{tables}</div>"


def _slug(text: str) -> str:
    kept = "".join(char if char.isalnum() else " " for char in text.lower())
    return "-".join(kept.split())

"""The frozen result of exposure-robust inference."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, check_choice, did_you_mean
from spillover.inference.confidence_sets import (
    CRITICAL,
    ConfidenceSet,
    Critical,
    effective_number,
    invert,
    joint_p_value,
    null_p_value,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spillover.inference.exposure_scores import JointScore
    from spillover.inference.exposure_terms import Exposure

STATEMENT = (
    "Identification: the shares are technology and no experiment; the estimates rest on changes in "
    "foreign presence being as good as random across industries, given the effects and controls: "
    "unrelated to what else moves the outcome of the industries that sell to or buy from them."
)


@dataclass(frozen=True, eq=False, repr=False)
class ExposureInference:
    """Exposure-robust inference on a regression; see :func:`exposure`.

    Attributes
    ----------
    params : pandas.Series
        All coefficients by term.
    vcov : pandas.DataFrame
        Joint covariance of all coefficients: linkage terms by shock, others by industry.
    terms : tuple of str
        The linkage regressors.
    exposures : tuple of Exposure
        Their shares and shocks.
    score : JointScore
    critical : {"effective", "normal"}
        Which critical values tests and sets use unless told otherwise.
    sectors : tuple of str
        The shock clusters.
    """

    params: pd.Series[float]
    vcov: pd.DataFrame
    terms: tuple[str, ...]
    exposures: tuple[Exposure, ...]
    score: JointScore
    critical: Critical
    sectors: tuple[str, ...]

    @property
    def effective_shocks(self) -> pd.Series[float]:
        """Effective number of shocks behind each linkage coefficient, 1 / sum kappa_k^2.

        Returns
        -------
        pandas.Series
        """
        values = [effective_number(kappa) for kappa in self.score.kappa.T]
        return pd.Series(values, list(self.terms), name="effective_shocks")

    @property
    def effective_exposure(self) -> pd.Series[float]:
        """Effective number of shocks by exposure alone, 1 / sum s_k^2 (Borusyak et al. 2022).

        Returns
        -------
        pandas.Series
        """
        values = [effective_number(one.exposure_weights) for one in self.exposures]
        return pd.Series(values, list(self.terms), name="effective_exposure")

    @property
    def contributions(self) -> pd.DataFrame:
        """Return what each industry's presence contributes to each coefficient's variation.

        Returns
        -------
        pandas.DataFrame
            By industry, one column per linkage term; each adds up to 1.
        """
        return pd.DataFrame(self.score.kappa, list(self.sectors), list(self.terms))

    def std_error(self, term: str) -> float:
        """Return the exposure-robust standard error, equation (3) of the scores' module.

        Parameters
        ----------
        term : str

        Returns
        -------
        float
        """
        return float(np.sqrt(self.vcov.loc[term, term]))  # type: ignore[arg-type]

    def p_value(self, term: str, null: float = 0.0, *, critical: Critical | None = None) -> float:
        """Test one linkage coefficient with the null imposed.

        Parameters
        ----------
        term : str
        null : float
        critical : {"effective", "normal"}, optional

        Returns
        -------
        float
        """
        m = self._place(term)
        delta = float(self.params[term]) - null
        return null_p_value(
            self.score.rho[:, m], self.score.kappa[:, m], delta, critical or self.critical
        )

    def confidence_set(
        self, term: str, level: float = 0.95, *, critical: Critical | None = None
    ) -> ConfidenceSet:
        """Return the values of one linkage coefficient that the test with the null imposed keeps.

        Parameters
        ----------
        term : str
        level : float
        critical : {"effective", "normal"}, optional

        Returns
        -------
        ConfidenceSet
            An interval, the complement of one, or the whole line.
        """
        m = self._place(term)
        return invert(
            float(self.params[term]),
            self.score.rho[:, m],
            self.score.kappa[:, m],
            level,
            critical or self.critical,
        )

    def test(
        self,
        terms: Sequence[str] | None = None,
        null: float | Sequence[float] = 0.0,
        *,
        critical: Critical | None = None,
    ) -> pd.Series[float]:
        """Test several linkage coefficients jointly, with the null imposed on all of them.

        Parameters
        ----------
        terms : sequence of str, optional
            All linkage terms by default.
        null : float or sequence of float
        critical : {"effective", "normal"}, optional

        Returns
        -------
        pandas.Series
            statistic (chi-squared form), terms, effective_shocks (the fewest of the terms),
            p_value.

        Raises
        ------
        SchemaError
            For an unknown term, or as many terms as shocks.
        """
        chosen = list(self.terms) if terms is None else [*terms]
        M = [self._place(term) for term in chosen]
        if not M or len(set(M)) < len(M):
            raise SchemaError(f"terms={chosen!r} must name different linkage terms.")
        rule = critical or self.critical
        check_choice("critical", rule, CRITICAL)
        delta = self.params[chosen].to_numpy() - np.broadcast_to(null, len(M))
        a = np.linalg.solve(self.score.bread[np.ix_(M, M)], delta)
        psi = self.score.rho[:, M] + self.score.P[:, M][:, :, M] @ a
        meat = psi.T @ psi
        scale = np.sqrt(np.diagonal(meat))
        correlation = meat / scale / scale[:, None]
        if np.linalg.matrix_rank(correlation, tol=1e-10, hermitian=True) < len(M):
            raise SchemaError(f"{len(M)} terms cannot be tested jointly with so few shocks.")
        square = float(delta / scale @ np.linalg.solve(correlation, delta / scale))
        effective = float(self.effective_shocks[chosen].min())
        return pd.Series(
            {
                "statistic": square,
                "terms": float(len(M)),
                "effective_shocks": effective,
                "p_value": joint_p_value(square, len(M), effective, rule),
            }
        )

    def table(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per linkage term.

        Parameters
        ----------
        level : float
            Of the confidence sets.

        Returns
        -------
        pandas.DataFrame
            By term: estimate, std_error, p_value and confidence_set (null imposed), conf_low,
            conf_high, shape, effective_shocks.
        """
        rows = {}
        for term, effective in zip(self.terms, self.effective_shocks, strict=True):
            found = self.confidence_set(term, level)
            rows[term] = {
                "estimate": self.params[term],
                "std_error": self.std_error(term),
                "p_value": self.p_value(term),
                "confidence_set": str(found),
                "conf_low": found.low,
                "conf_high": found.high,
                "shape": found.shape,
                "effective_shocks": effective,
            }
        return pd.DataFrame.from_dict(rows, orient="index")

    def notes(self) -> list[str]:
        """Return what the result says below its table.

        Returns
        -------
        list of str
        """
        effective = ", ".join(f"{t} {v:.1f}" for t, v in self.effective_shocks.items())
        rule = {
            "effective": "critical values for that number of shocks",
            "normal": "normal critical values",
        }[self.critical]
        lines = [
            f"Exposure-robust: scores by the {len(self.sectors)} industries whose presence it is; "
            f"effective number of shocks: {effective}",
            f"Linkage terms: p-values and intervals with the null imposed, {rule}; standard "
            "errors do not impose it and are too small with few shocks",
        ]
        for term in self.terms:
            found = self.confidence_set(term)
            if found.shape != "interval":
                lines.append(f"{term}: the 95 % confidence set is {found}")
        return [*lines, STATEMENT]

    def __repr__(self) -> str:
        columns = ["estimate", "std_error", "p_value", "confidence_set", "effective_shocks"]
        table = self.table()[columns].to_string(float_format=lambda value: f"{value:.4g}")
        return "\n".join(["ExposureInference", table, *self.notes()])

    def _repr_html_(self) -> str:
        columns = ["estimate", "std_error", "p_value", "confidence_set", "effective_shocks"]
        table = self.table()[columns].to_html(float_format=lambda x: f"{x:.4f}", border=0)
        notes = "<br>".join(escape(line) for line in self.notes())
        return f"<div>{table}<p style='font-size:smaller'>{notes}</p></div>"

    def _place(self, term: str) -> int:
        if term not in self.terms:
            raise SchemaError(f"{term!r} is no linkage term.{did_you_mean(term, self.terms)}")
        return self.terms.index(term)

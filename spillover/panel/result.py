"""The frozen result of :func:`spillover.fit`."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import special

from spillover.errors import IdentificationError, SchemaError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.linkage.carried import CarriedLinkages
    from spillover.panel.covariance import Inference
    from spillover.panel.estimated import Estimated
    from spillover.panel.first_stage import FirstStage
    from spillover.panel.iv import Overidentification


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """A fitted panel regression.

    Attributes
    ----------
    formula, outcome : str
    params : pandas.Series, (k,)
        Coefficients by term.
    vcov : pandas.DataFrame, (k, k)
    inference : Inference
        How the standard errors were made.
    nobs, df_resid : int
        Observations, and these less regressors and absorbed effects.
    levels : mapping of str to int
        Absorbed effect -> number of levels.
    df_absorbed : int
        What the absorbed effects cost: the rank of all of them together.
    r2, r2_within, rmse : float
        Fit of the whole model; of the regressors after absorption; root mean squared error with
        ``df_resid``.
    sample : str
    dropped : mapping of str to int
        Rows left out, by reason.
    definitions : mapping of str to str
        Linkage regressor -> how it was made.
    residuals : (nobs,) array or None
        None from ``fit(..., lean=True)``.
    used : (rows of the data,) bool array
        The rows behind the result.
    synthetic : bool
        Whether the linkages come from a table that says it is synthetic; tables and figures then
        say so too.
    links : mapping of str to CarriedLinkages
        Linkage regressor -> the linkages it was made from, where the frame still had them.
    estimated : Estimated or None
        The arrays behind the result, which later tests read; None from ``fit(..., lean=True)``.
    dfs : pandas.Series, optional
        Degrees of freedom of each term's t distribution, where they differ from ``inference.df``.
    p_values : pandas.Series, optional
        p-values by term, where they do not come from a t distribution.
    intervals : function of a level, optional
        Returns conf_low and conf_high by term, where they do not come from a t distribution.
    estimator : str
        Such as "ols", "iv" (two-stage least squares), "liml", "gmm".
    transform : str
        What was differenced, in words; empty for levels.
    first_stage : FirstStage or None
        The strength of the instruments.
    overidentification : Overidentification or None
        The test of instruments beyond those needed.
    remarks : tuple of str
        Further lines for the notes.
    """

    formula: str
    outcome: str
    params: pd.Series[float]
    vcov: pd.DataFrame
    inference: Inference
    nobs: int
    df_resid: int
    levels: Mapping[str, int]
    df_absorbed: int
    r2: float
    r2_within: float
    rmse: float
    sample: str
    dropped: Mapping[str, int]
    definitions: Mapping[str, str]
    residuals: NDArray[np.float64] | None
    used: NDArray[np.bool_]
    synthetic: bool = False
    links: Mapping[str, CarriedLinkages] = field(default_factory=dict)
    estimated: Estimated | None = None
    dfs: pd.Series[float] | None = None
    p_values: pd.Series[float] | None = None
    intervals: Callable[[float], pd.DataFrame] | None = None
    estimator: str = "ols"
    transform: str = ""
    first_stage: FirstStage | None = None
    overidentification: Overidentification | None = None
    remarks: tuple[str, ...] = ()

    @property
    def absorbed(self) -> tuple[str, ...]:
        """The absorbed effects.

        Returns
        -------
        tuple of str
        """
        return tuple(self.levels)

    @property
    def std_errors(self) -> pd.Series[float]:
        """Standard errors by term.

        Returns
        -------
        pandas.Series
        """
        return pd.Series(np.sqrt(np.diagonal(self.vcov)), self.params.index, name="std_error")

    @property
    def tstats(self) -> pd.Series[float]:
        """Coefficients over standard errors.

        Returns
        -------
        pandas.Series
        """
        return (self.params / self.std_errors).rename("statistic")

    @property
    def pvalues(self) -> pd.Series[float]:
        """Two-sided p-values against zero: ``p_values``, or t with ``inference.df`` (``dfs``).

        Returns
        -------
        pandas.Series
        """
        if self.p_values is not None:
            return self.p_values.reindex(self.params.index).rename("p_value")
        values = 2 * special.stdtr(self._df(), -np.abs(self.tstats))
        return pd.Series(values, self.params.index, name="p_value")

    def _df(self) -> NDArray[np.float64]:
        if self.dfs is None:
            same: NDArray[np.float64] = np.full(len(self.params), self.inference.df, np.float64)
            return same
        return np.asarray(self.dfs.reindex(self.params.index), dtype=np.float64)

    def confint(self, level: float = 0.95) -> pd.DataFrame:
        """Return confidence intervals.

        Parameters
        ----------
        level : float
            Between 0 and 1.

        Returns
        -------
        pandas.DataFrame
            conf_low and conf_high by term.

        Raises
        ------
        SchemaError
            If ``level`` is not between 0 and 1.
        """
        if not isinstance(level, int | float) or not 0 < level < 1:
            raise SchemaError(f"level={level!r} must lie between 0 and 1; 0.95 is usual.")
        if self.intervals is not None:
            return self.intervals(level).reindex(self.params.index)
        half = special.stdtrit(self._df(), (1 + level) / 2) * self.std_errors
        return pd.DataFrame({"conf_low": self.params - half, "conf_high": self.params + half})

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per coefficient.

        Parameters
        ----------
        level : float
            Of the confidence interval.

        Returns
        -------
        pandas.DataFrame
            term, estimate, std_error, statistic, p_value, conf_low, conf_high.
        """
        table = pd.DataFrame(
            {
                "estimate": self.params,
                "std_error": self.std_errors,
                "statistic": self.tstats,
                "p_value": self.pvalues,
            }
        ).join(self.confint(level))
        return table.rename_axis("term").reset_index()

    def glance(self) -> pd.DataFrame:
        """Return one row that describes the regression.

        Returns
        -------
        pandas.DataFrame
            outcome, sample, nobs, df_resid, absorbed, inference, clusters (the smallest number, or
            missing), r2, r2_within, rmse.
        """
        clusters = min(self.inference.n_clusters, default=None)
        return pd.DataFrame(
            {
                "outcome": [self.outcome],
                "sample": self.sample,
                "nobs": self.nobs,
                "df_resid": self.df_resid,
                "absorbed": " + ".join(self.absorbed),
                "inference": self.inference.label,
                "clusters": pd.array([clusters], dtype="Int64"),
                "r2": self.r2,
                "r2_within": self.r2_within,
                "rmse": self.rmse,
            }
        )

    def wald(self, terms: Sequence[str] | None = None) -> pd.Series[float]:
        """Test that coefficients are jointly zero.

        Parameters
        ----------
        terms : sequence of str, optional
            All but the intercept by default.

        Returns
        -------
        pandas.Series
            statistic (F), df_num, df_denom, p_value.

        Raises
        ------
        SchemaError
            For an unknown term, or none.
        IdentificationError
            If the covariance of the terms is singular: more terms than clusters less one, say.
        """
        chosen = [t for t in self.params.index if t != "Intercept"] if terms is None else [*terms]
        if not chosen:
            raise SchemaError("wald() has no terms to test.")
        for term in chosen:
            if term not in self.params.index:
                hint = did_you_mean(term, list(self.params.index))
                raise SchemaError(f"{term!r} is no term of this regression.{hint}")
        scale = self.std_errors[chosen].to_numpy()
        tstats = self.params[chosen].to_numpy() / scale
        correlation = self.vcov.loc[chosen, chosen].to_numpy() / scale / scale[:, None]
        rank = int(np.linalg.matrix_rank(correlation, tol=1e-10, hermitian=True))
        if rank < len(chosen):
            raise IdentificationError(
                f"{len(chosen)} terms cannot be tested jointly: their covariance "
                f"({self.inference.label}) has rank {rank}, for want of clusters. Test fewer."
            )
        df = (len(chosen), self.inference.df)
        statistic = float(tstats @ np.linalg.solve(correlation, tstats)) / df[0]
        return pd.Series(
            {
                "statistic": statistic,
                "df_num": df[0],
                "df_denom": df[1],
                "p_value": float(
                    special.fdtrc(*df, statistic)
                    if np.isfinite(df[1])
                    else special.chdtrc(df[0], statistic * df[0])
                ),
            }
        )

    def _notes(self) -> list[str]:
        counts = [
            f"{count:,} {name} clusters"
            for name, count in zip(self.inference.levels, self.inference.n_clusters, strict=True)
        ]
        reason = f" ({self.inference.reason})" if self.inference.reason else ""
        effects = [f"{name} ({count:,})" for name, count in self.levels.items()]
        lines = [
            f"Sample: {self.sample}; {self.nobs:,} observations",
            f"Absorbed: {', '.join(effects) or 'nothing'}",
            f"Standard errors: {self.inference.label}{reason}"
            + (f"; {', '.join(counts)}" if counts else "")
            + self._distribution(),
            *self._caution(),
            f"R2 {self.r2:.4f}, within {self.r2_within:.4f}; RMSE {self.rmse:.4g}",
        ]
        if self.transform:
            lines.append(f"In {self.transform}")
        if self.first_stage is not None:
            method = {"iv": "two-stage least squares", "liml": "LIML", "gmm": "two-step GMM"}
            lines.append(f"Estimator: {method.get(self.estimator, self.estimator)}")
            lines += self.first_stage.lines()
        if self.overidentification is not None:
            lines.append(f"Over-identification: {self.overidentification}")
        lines += self.remarks
        if self.dropped:
            left = "; ".join(f"{count:,} {why}" for why, count in self.dropped.items())
            lines.append(f"Left out: {left}")
        made: dict[str, list[str]] = {}
        for term, text in self.definitions.items():
            made.setdefault(text, []).append(term)
        lines += [f"{', '.join(terms)}: {text}" for text, terms in made.items()]
        return [*lines, "Synthetic data"] if self.synthetic else lines

    def _caution(self) -> list[str]:
        """Say where plain errors leave out what linkage measures bring with them."""
        if not self.links or self.inference.kind not in {"cluster", "hetero", "iid"}:
            return []
        return [
            f"These errors leave out that industries with similar partners share shocks through "
            f"{', '.join(self.links)}; inference='exposure' allows for it"
        ]

    def _distribution(self) -> str:
        if self.p_values is not None or self.dfs is not None:
            return ""
        return f"; t({self.inference.df:,})" if np.isfinite(self.inference.df) else "; normal"

    def __repr__(self) -> str:
        table = self.tidy().set_index("term").rename_axis(None)
        body = table.to_string(float_format=lambda value: f"{value:.4g}")
        return "\n".join([f"Fit: {self.formula}", body, *self._notes()])

    def _repr_html_(self) -> str:
        table = self.tidy().set_index("term").rename_axis(None)
        formats = {"p_value": lambda p: "<0.0001" if p < 1e-4 else f"{p:.4f}"}
        body = table.to_html(float_format=lambda x: f"{x:.4f}", formatters=formats, border=0)
        notes = "<br>".join(escape(line) for line in self._notes())
        return (
            f"<div><p><b>{escape(self.formula)}</b></p>{body}"
            f"<p style='font-size:smaller'>{notes}</p></div>"
        )

    # The six names by which the maketables package reads any result.
    @property
    def __maketables_coef_table__(self) -> pd.DataFrame:
        table = self.tidy().set_index("term")
        names = {
            "estimate": "b",
            "std_error": "se",
            "statistic": "t",
            "p_value": "p",
            "conf_low": "ci95l",
            "conf_high": "ci95u",
        }
        return table.rename(columns=names).rename_axis("Coefficient")

    @property
    def __maketables_depvar__(self) -> str:
        return self.outcome

    @property
    def __maketables_fixef_string__(self) -> str | None:
        return "+".join(self.absorbed) or None

    @property
    def __maketables_var_labels__(self) -> dict[str, str] | None:
        return None

    @property
    def __maketables_vcov_info__(self) -> dict[str, Any]:
        clustered = self.inference.kind == "cluster"
        return {
            "vcov_type": "CRV1" if clustered else self.inference.kind,
            "clustervar": list(self.inference.levels) or None,
        }

    def __maketables_stat__(self, key: str) -> float | int | str | None:
        values: dict[str, float | int | str] = {
            "N": self.nobs,
            "r2": self.r2,
            "r2_within": self.r2_within,
            "rmse": self.rmse,
            "se_type": self.inference.label,
            "df_resid": self.df_resid,
        }
        if self.inference.n_clusters:
            values["n_clusters"] = min(self.inference.n_clusters)
        return values.get(key)

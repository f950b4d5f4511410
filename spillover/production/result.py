"""The frozen result of :func:`spillover.productivity`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from spillover._frames import as_eager
from spillover.errors import SchemaError, did_you_mean, preview
from spillover.firms import FirmPanel
from spillover.production._columns import add_columns, check_same_rows
from spillover.production._display import as_html, as_text
from spillover.production.data import codes
from spillover.production.profile import trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover._frames import NativeFrame
    from spillover.production.bootstrap import Draws
    from spillover.production.data import Inputs, Report
    from spillover.production.estimate import Estimate

LEVEL = 0.95


@dataclass(frozen=True, eq=False, repr=False)
class Productivity:
    """Production functions by group, and the productivity that they leave.

    Attributes
    ----------
    method, output : str
        Estimator; name of the output column.
    by : str or None
        Column of the groups.
    settings : object
        The method's settings.
    estimates : mapping of str to Estimate
        By group.
    inputs : mapping of str to Inputs
        The logged data by group.
    tfp : Series, (rows of the panel,)
        Log productivity, y less the inputs' contribution, on the panel's index; NaN where it cannot
        be computed. Constants are in it: compare levels within groups only.
    why_missing : Series of str
        Why ``tfp`` is missing, "" where it is not.
    report : Report
        Rows used and dropped, groups not estimated.
    bootstrap : Draws or None
    notes : tuple of str
    synthetic : bool
        Whether the panel says that it is made up.
    """

    method: str
    output: str
    by: str | None
    settings: object
    estimates: Mapping[str, Estimate]
    inputs: Mapping[str, Inputs]
    tfp: pd.Series[float]
    why_missing: pd.Series[str]
    report: Report
    bootstrap: Draws | None = None
    notes: tuple[str, ...] = ()
    synthetic: bool = False

    def __getitem__(self, group: str | float) -> Estimate:
        group = str(codes(pd.Series([group]))[0])
        if group not in self.estimates:
            if group in self.report.failed:
                raise SchemaError(f"{group!r} was not estimated: {self.report.failed[group]}.")
            hint = did_you_mean(str(group), list(self.estimates))
            raise SchemaError(f"There is no group {group!r}.{hint}")
        return self.estimates[group]

    @property
    def inference(self) -> str:
        """How standard errors were made.

        Returns
        -------
        str
        """
        if self.bootstrap is not None:
            return f"bootstrap by firm, {self.bootstrap.draws:,} draws"
        analytic = any(estimate.vcov is not None for estimate in self.estimates.values())
        return "analytic, clustered by firm" if analytic else "none; pass bootstrap=200"

    @property
    def elasticities(self) -> pd.DataFrame:
        """Mean output elasticities by group, with 95 percent intervals.

        Returns
        -------
        pandas.DataFrame
            group, input, estimate, std_error, conf_low, conf_high.
        """
        parts = []
        for group, estimate in self.estimates.items():
            part = pd.DataFrame({"input": estimate.inputs, "estimate": estimate.elasticity})
            part.insert(0, "group", group)
            part["std_error"] = self._errors(group, "elasticity")
            parts.append(part)
        return _intervals(pd.concat(parts, ignore_index=True), LEVEL)

    @property
    def returns_to_scale(self) -> pd.DataFrame:
        """Sum of the elasticities by group.

        Returns
        -------
        pandas.DataFrame
            group, estimate, std_error, conf_low, conf_high.
        """
        records = []
        for group, estimate in self.estimates.items():
            error = np.nan
            if self.bootstrap is not None:
                error = float(_spread(self.bootstrap.elasticity[group].sum(axis=1)[:, None])[0])
            elif estimate.vcov is not None and estimate.inputs == estimate.names:
                error = float(np.sqrt(estimate.vcov.sum()))
            records.append((group, estimate.returns_to_scale, error))
        table = pd.DataFrame(records, columns=["group", "estimate", "std_error"])
        return _intervals(table, LEVEL)

    @property
    def law_of_motion(self) -> pd.DataFrame:
        """Coefficients of the law of motion by group, in natural units; empty without one.

        Returns
        -------
        pandas.DataFrame
            group, term, estimate, std_error, conf_low, conf_high. ``omega`` is productivity a year
            before; a driver's row is its effect on productivity.
        """
        columns = ["group", "term", "estimate", "std_error"]
        parts = [pd.DataFrame(columns=columns)]
        for group, estimate in self.estimates.items():
            if estimate.markov is None:
                continue
            part = pd.DataFrame(
                {"term": estimate.markov.index, "estimate": estimate.markov.to_numpy()}
            )
            part.insert(0, "group", group)
            part["std_error"] = self._law_errors(group)
            parts.append(part)
        filled = [part for part in parts if len(part)] or parts
        return _intervals(pd.concat(filled, ignore_index=True), LEVEL)

    @property
    def starts(self) -> pd.DataFrame:
        """Where each starting point of each group's search led.

        Returns
        -------
        pandas.DataFrame
            group, start_<name>, <name>, objective, converged, chosen.
        """
        parts = [
            estimate.starts.assign(group=group)
            for group, estimate in self.estimates.items()
            if estimate.starts is not None
        ]
        if not parts:
            return pd.DataFrame(columns=["group", "objective", "converged", "chosen"])
        table = pd.concat(parts, ignore_index=True)
        return table[["group", *(name for name in table.columns if name != "group")]]

    def tidy(self, level: float = LEVEL) -> pd.DataFrame:
        """Return one row per group and coefficient.

        Parameters
        ----------
        level : float
            Of the confidence interval, normal approximation.

        Returns
        -------
        pandas.DataFrame
            group, term, estimate, std_error, statistic, p_value, conf_low, conf_high.

        Raises
        ------
        SchemaError
            If ``level`` is not between 0 and 1.
        """
        if not isinstance(level, int | float) or not 0 < level < 1:
            raise SchemaError(f"level={level!r} must lie between 0 and 1; 0.95 is usual.")
        parts = []
        for group, estimate in self.estimates.items():
            part = pd.DataFrame({"term": estimate.names, "estimate": estimate.beta})
            part.insert(0, "group", group)
            part["std_error"] = self._errors(group, "beta")
            parts.append(part)
        table = pd.concat(parts, ignore_index=True)
        table["statistic"] = table["estimate"] / table["std_error"]
        table["p_value"] = 2 * special.ndtr(-table["statistic"].abs().to_numpy(dtype=float))
        return _intervals(table, level)

    def glance(self) -> pd.DataFrame:
        """Return one row per group that describes its estimation.

        Returns
        -------
        pandas.DataFrame
            group, method, nobs, firms, nobs_second, first_stage_r2, objective, converged, starts,
            returns_to_scale, overid_statistic, overid_df, overid_p, draws, failed_draws, gaps
            (rows that follow a gap in the years and so have no lag).
        """
        records = []
        for group, estimate in self.estimates.items():
            overid = estimate.overid
            failed = {} if self.bootstrap is None else self.bootstrap.failures.get(group, {})
            records.append(
                {
                    "group": group,
                    "method": self.method,
                    "nobs": estimate.nobs,
                    "firms": self.inputs[group].firms,
                    "nobs_second": estimate.nobs_second,
                    "first_stage_r2": estimate.first_stage.get("r2", np.nan),
                    "objective": estimate.objective,
                    "converged": estimate.converged,
                    "starts": 0 if estimate.starts is None else len(estimate.starts),
                    "returns_to_scale": estimate.returns_to_scale,
                    "overid_statistic": np.nan if overid is None else overid.statistic,
                    "overid_df": 0 if overid is None else overid.df,
                    "overid_p": np.nan if overid is None else overid.p_value,
                    "draws": 0 if self.bootstrap is None else self.bootstrap.draws,
                    "failed_draws": sum(failed.values()),
                    "gaps": self.inputs[group].gaps,
                }
            )
        return pd.DataFrame(records)

    def profile(
        self, group: str, name: str, values: Sequence[float] | None = None, points: int = 61
    ) -> pd.DataFrame:
        """Trace the second stage's objective along one coefficient, the others re-optimised.

        Parameters
        ----------
        group, name : str
        values : sequence of float, optional
            From 0.6 below to 0.6 above the estimate by default.
        points : int

        Returns
        -------
        pandas.DataFrame
            value, objective.

        Raises
        ------
        SchemaError
            If the method searches for no such coefficient.
        """
        estimate = self[group]
        criterion = estimate.criterion
        if criterion is None or name not in estimate.searched:
            where = preview(estimate.searched) if estimate.searched else "none"
            raise SchemaError(
                f"{self.method} searches for no coefficient {name!r} (but for: {where})."
            )
        best = float(estimate.beta[estimate.names.index(name)])
        line = np.linspace(best - 0.6, best + 0.6, points) if values is None else list(values)
        least = trace(criterion, estimate, estimate.searched.index(name), line)
        return pd.DataFrame({"value": line, "objective": least})

    def attach(self, panel: FirmPanel | NativeFrame, *, into: str = "tfp") -> NativeFrame:
        """Give the panel a column of log productivity, in its own library.

        Parameters
        ----------
        panel : FirmPanel or data frame
            The one that was estimated on: the same rows in the same order.
        into : str
            Name of the column, which is new.

        Returns
        -------
        FirmPanel or data frame
            As ``panel``, with the column; missing where productivity is.

        Raises
        ------
        SchemaError
            If the rows are not those of the result, or the column exists.
        """
        frame = panel.frame if isinstance(panel, FirmPanel) else as_eager(panel, "panel")
        if into in frame.columns:
            raise SchemaError(f"The panel already has a column {into!r}. Drop it or choose into=.")
        check_same_rows(self, frame)
        native = add_columns(frame, {into: np.asarray(self.tfp, dtype=np.float64)})
        return replace(panel, data=native) if isinstance(panel, FirmPanel) else native

    def second_step(self, estimate: object | None = None) -> pd.DataFrame:
        """Put the bootstrap's standard errors on the second step's coefficients.

        Parameters
        ----------
        estimate : Fit, Series or mapping, optional
            The second step on the full sample; by default as the bootstrap took it, on the
            firm-years that were estimated on.

        Returns
        -------
        pandas.DataFrame
            term, estimate, std_error (noise of TFP included), conf_low, conf_high.

        Raises
        ------
        SchemaError
            If there was no ``Bootstrap(second_step=...)``, or it gave other coefficients.
        """
        from spillover.production.bootstrap import coefficients  # noqa: PLC0415 (imports joblib)

        draws = None if self.bootstrap is None else self.bootstrap.second_step
        if self.bootstrap is None or draws is None:
            raise SchemaError(
                "The bootstrap had no second step. Pass bootstrap=Bootstrap(second_step=...)."
            )
        values = coefficients(self.bootstrap.second_full if estimate is None else estimate)
        absent = [str(name) for name in values.index if name not in draws.columns]
        if absent:
            raise SchemaError(
                f"The bootstrap's second step has no coefficient {preview(absent)}."
                f"{did_you_mean(absent[0], [str(name) for name in draws.columns])}"
            )
        draws = draws.reindex(columns=values.index)
        table = pd.DataFrame({"term": values.index, "estimate": values.to_numpy()})
        table["std_error"] = _spread(draws.to_numpy())
        return _intervals(table, LEVEL)

    def _errors(self, group: str, what: str) -> NDArray[np.float64]:
        estimate = self.estimates[group]
        if self.bootstrap is not None:
            return _spread(getattr(self.bootstrap, what)[group])
        if what == "beta" or estimate.inputs == estimate.names:
            return estimate.std_errors
        return np.full(len(estimate.elasticity), np.nan)

    def _law_errors(self, group: str) -> NDArray[np.float64]:
        estimate = self.estimates[group]
        if self.bootstrap is not None:
            return _spread(self.bootstrap.law[group])
        if estimate.markov_vcov is not None:
            out: NDArray[np.float64] = np.sqrt(np.diagonal(estimate.markov_vcov))
            return out
        return np.full(0 if estimate.markov is None else len(estimate.markov), np.nan)

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)


def _spread(draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return standard deviations over the draws that have a value; NaN with fewer than two."""
    known = np.isfinite(draws).sum(axis=0)
    enough = known > 1
    out = np.full(draws.shape[1], np.nan)
    if enough.any():
        out[enough] = np.nanstd(draws[:, enough], axis=0, ddof=1)
    return out


def _intervals(table: pd.DataFrame, level: float) -> pd.DataFrame:
    half = special.ndtri((1 + level) / 2) * table["std_error"].astype(float)
    estimate = table["estimate"].astype(float)
    return table.assign(conf_low=estimate - half, conf_high=estimate + half)

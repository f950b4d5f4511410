"""The same regression without each industry in turn: which of them drives the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from spillover.errors import SchemaError
from spillover.inference._deletion import (
    Refit,
    Refitter,
    in_order,
    level_names,
    linear_arrays,
    names_by_code,
)
from spillover.inference._read import ClusterBy, check_level, cluster_codes
from spillover.inference.diagnostics import check_term, html

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from numpy.typing import NDArray

    from spillover.panel.estimated import Estimated
    from spillover.panel.result import Fit

    Codes = NDArray[np.intp]

MOST_GROUPS = 500
ROBUST = {"hetero": "hetero", "hc2": "hetero", "hc3": "hetero", "iid": "iid"}
CLUSTERED = ("cluster", "wild", "cr2", "cr3")


@dataclass(frozen=True, eq=False, repr=False)
class LeaveOneOut:
    """Estimates without each group; see :func:`leave_one_out`.

    Attributes
    ----------
    formula, outcome : str
    by : str
        The level whose groups are left out.
    full : pandas.DataFrame
        By term: estimate, std_error, conf_low, conf_high of the fit itself.
    table : pandas.DataFrame
        One row per term and group: term, without, label, nobs, estimate, std_error, conf_low,
        conf_high, change (the estimate less that with all).
    level : float
        Of the intervals.
    intervals : str
        How those without a group were made, in words.
    inference : str
        How the fit's own was made.
    exact : bool
        Whether the effects are nested in the groups, so that nothing had to be absorbed anew. The
        estimates are exact in any case.
    synthetic : bool
    """

    formula: str
    outcome: str
    by: str
    full: pd.DataFrame
    table: pd.DataFrame
    level: float
    intervals: str
    inference: str
    exact: bool
    synthetic: bool

    def of(self, term: str) -> pd.DataFrame:
        """Return the rows of one term, by rising estimate.

        Parameters
        ----------
        term : str

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        SchemaError
            For an unknown term.
        """
        check_term(term, list(self.full.index))
        rows = self.table[self.table["term"] == term]
        return rows.sort_values("estimate", na_position="last").reset_index(drop=True)

    def tidy(self) -> pd.DataFrame:
        """Return one row per term and group.

        Returns
        -------
        pandas.DataFrame
            The columns of ``table``.
        """
        return self.table.copy()

    def summary(self) -> pd.DataFrame:
        """Return one row per term.

        Returns
        -------
        pandas.DataFrame
            By term: estimate, lowest, highest (without one group), without_lowest, without_highest
            (the groups), sign_changes, and includes_zero: groups without which the interval of an
            estimate that excludes zero includes it.
        """
        return pd.DataFrame.from_dict(
            {term: self._summary(term) for term in self.full.index}, orient="index"
        )

    def _summary(self, term: str) -> dict[str, object]:
        rows, full = self.of(term).dropna(subset="estimate"), self.full.loc[term]
        if rows.empty:
            return {"estimate": full["estimate"]}
        outside = (full["conf_low"] > 0) or (full["conf_high"] < 0)
        covered = (rows["conf_low"] <= 0) & (rows["conf_high"] >= 0)
        return {
            "estimate": full["estimate"],
            "lowest": rows["estimate"].iloc[0],
            "without_lowest": rows["label"].iloc[0],
            "highest": rows["estimate"].iloc[-1],
            "without_highest": rows["label"].iloc[-1],
            "sign_changes": int((np.sign(rows["estimate"]) != np.sign(full["estimate"])).sum()),
            "includes_zero": int(covered.sum()) if outside else 0,
        }

    def notes(self) -> list[str]:
        """Return what the result says below its table.

        Returns
        -------
        list of str
        """
        groups = self.table["without"].nunique()
        lines = [
            f"{groups} estimates, each without one {self.by}",
            f"Intervals without one: {self.intervals}; with all: {self.inference}",
        ]
        lost = self.table[self.table["estimate"].isna()]
        for term, names in lost.groupby("term", sort=False)["label"]:
            lines.append(f"{term} is not identified without {', '.join(map(str, names))}")
        return [*lines, "Synthetic data"] if self.synthetic else lines

    def __repr__(self) -> str:
        body = self.summary().to_string(float_format=lambda value: f"{value:.4g}")
        return "\n".join([f"Without each {self.by}: {self.formula}", body, *self.notes()])

    def _repr_html_(self) -> str:
        table = self.summary().rename_axis("term").reset_index()
        return html(f"Without each {self.by}: {self.formula}", table, self.notes())


def leave_one_out(fit: Fit, by: ClusterBy = "industry", *, level: float = 0.95) -> LeaveOneOut:
    """Repeat a regression without each group of a level.

    Parameters
    ----------
    fit : Fit
        Linear: least squares or instruments, with any absorbed effects and weights.
    by : str or array
        What to leave out one by one: "industry", "year", "region", a cluster or an absorbed effect
        of the fit, an interaction by ^, or one value per row.
    level : float
        Of the confidence intervals.

    Returns
    -------
    LeaveOneOut
        Draw it with :func:`spillover.plot.leave_one_out`.

    Raises
    ------
    SchemaError
        For an unknown level, one with more than 500 groups, or a fit that kept no arrays.
    IdentificationError
        If there is a single group.

    Notes
    -----
    Estimates are exact: those of ``sp.fit`` on the data without the group. The linkage measures are
    left as they are: presence in an industry that is left out still counts in Backward and Forward
    of the others. Standard errors are clustered (or robust, or classical) as in the fit; a wild,
    CR2 or CR3 fit has ordinary clustered ones here, and for other inference there are none.

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(backward=0.3, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> fit = sp.fit("tfp ~ backward | firm + year", panel, cluster="industry^year")
    >>> left_out = sp.inference.leave_one_out(fit)
    >>> len(left_out.of("backward"))
    20
    """
    check_level(level)
    estimated = linear_arrays(fit, "leave_one_out")
    name, codes = cluster_codes(estimated, by)
    count = int(codes.max()) + 1
    if count > MOST_GROUPS:
        raise SchemaError(
            f"by={name!r} has {count:,} groups; leave_one_out takes up to {MOST_GROUPS}. For many "
            "groups use sp.inference.effective_clusters, which needs no refits."
        )
    kind, clusters = _errors(fit, estimated)
    refitter = Refitter.of(fit, kind, clusters, codes)
    names = level_names(estimated, by, codes)
    order = in_order(names)
    refits = [refitter.on(codes != g) for g in order]
    full = fit.tidy(level).set_index("term")
    return LeaveOneOut(
        formula=fit.formula,
        outcome=fit.outcome,
        by=name,
        full=full[["estimate", "std_error", "conf_low", "conf_high"]],
        table=_table(
            full["estimate"], [names[g] for g in order], names_by_code(fit), refits, level
        ),
        level=level,
        intervals=_words(kind, clusters),
        inference=fit.inference.label,
        exact=refitter.still,
        synthetic=fit.synthetic,
    )


def _errors(fit: Fit, estimated: Estimated) -> tuple[str, dict[str, Codes]]:
    """Settle how standard errors without a group are made; an empty kind for none."""
    kind = fit.inference.kind
    if kind in CLUSTERED:
        levels = fit.inference.levels
        return "cluster", {level: cluster_codes(estimated, level)[1] for level in levels}
    return ROBUST.get(kind, ""), {}


def _words(kind: str, clusters: Mapping[str, Codes]) -> str:
    if not kind:
        return "none"
    words = {"hetero": "heteroskedasticity-robust", "iid": "classical"}
    return words.get(kind) or "clustered by " + " and ".join(clusters)


def _table(
    estimate: pd.Series[float],
    names: list[Hashable],
    labels: Mapping[str, str],
    refits: list[Refit],
    level: float,
) -> pd.DataFrame:
    """Return one row per term and group."""
    pieces = []
    for j, term in enumerate(estimate.index):
        values = np.array([refit.beta[j] for refit in refits])
        errors = np.array([refit.std_errors[j] for refit in refits])
        dfs = np.array([refit.df for refit in refits])
        half = stats.t.ppf((1 + level) / 2, dfs) * errors
        pieces.append(
            pd.DataFrame(
                {
                    "term": term,
                    "without": pd.Series(names),
                    "label": [_label(name, labels) for name in names],
                    "nobs": [refit.nobs for refit in refits],
                    "estimate": values,
                    "std_error": errors,
                    "conf_low": values - half,
                    "conf_high": values + half,
                    "change": values - float(estimate[term]),
                }
            )
        )
    return pd.concat(pieces, ignore_index=True)


def _label(name: Hashable, labels: Mapping[str, str]) -> str:
    text = str(name)
    known = labels.get(text, text)
    return text if known in {"", text} else f"{text} {known}"

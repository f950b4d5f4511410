"""Event studies of a staggered treatment: the originals' estimator and those made for it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from spillover._fits import check_level
from spillover.errors import SchemaError, SpilloverError, check_choice
from spillover.panel.events_design import build_events
from spillover.panel.events_estimators import ESTIMATORS, REFERENCE, Estimates
from spillover.panel.weights import TreatmentWeights, weights_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spillover._frames import NativeFrame
    from spillover.panel.events_design import EventDesign, Leavers

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "twfe": "two-way fixed effects",
        "sun_abraham": "Sun & Abraham",
        "gardner": "Gardner, two stages",
    }
)


@dataclass(frozen=True, eq=False, repr=False)
class EventStudy:
    """Effects by years since treatment, by several estimators; see :func:`event_study`.

    Attributes
    ----------
    outcome, treatment : str
    estimates : mapping of str to Estimates
        Estimator -> what it gives.
    weights : TreatmentWeights
        How two-way fixed effects weigh the treated rows.
    leads, lags : int
        Event time is binned from ``-leads`` down and from ``lags`` up.
    rows : pandas.Series
        Event time -> rows of the panel.
    cohorts : pandas.Series
        First year of treatment -> units.
    never : int
        Units that are never treated.
    dropped : mapping of str to int
        Rows left out, by reason.
    failed : mapping of str to str
        Estimators that could not be computed, and why.
    synthetic : bool
    """

    outcome: str
    treatment: str
    estimates: Mapping[str, Estimates]
    weights: TreatmentWeights
    leads: int
    lags: int
    rows: pd.Series[int]
    cohorts: pd.Series[int]
    never: int
    dropped: Mapping[str, int]
    failed: Mapping[str, str]
    synthetic: bool = False

    def label(self, event: int) -> str:
        """Write an event time, its bin included.

        Parameters
        ----------
        event : int

        Returns
        -------
        str
        """
        if event == -self.leads:
            return f"≤ {event}".replace("-", "−")
        return f"≥ {event}" if event == self.lags else f"{event}".replace("-", "−")

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per estimator and event time.

        Parameters
        ----------
        level : float
            Of the intervals, with t of the units less 1.

        Returns
        -------
        pandas.DataFrame
            estimator, event, rows, estimate, std_error, p_value, conf_low, conf_high, reference
            (whether it is zero by construction).
        """
        check_level(level)
        parts = []
        for name, found in self.estimates.items():
            table = pd.DataFrame({"event": found.events, "estimate": found.params})
            table["std_error"] = np.sqrt(np.diagonal(found.vcov))
            table["reference"] = False
            if REFERENCE not in found.events:
                zero = pd.DataFrame(
                    {"event": [REFERENCE], "estimate": 0.0, "std_error": 0.0, "reference": True}
                )
                table = pd.concat([table, zero]).sort_values("event", ignore_index=True)
            table.insert(0, "estimator", name)
            parts.append(_with_interval(table, found.units, level))
        joined = pd.concat(parts, ignore_index=True)
        joined.insert(2, "rows", joined["event"].map(self.rows).fillna(0).astype(int))
        last = joined.pop("reference")
        return joined.assign(reference=last)

    def overall(self, level: float = 0.95) -> pd.DataFrame:
        """Return each estimator's effect over all treated rows, and its test of the leads.

        Parameters
        ----------
        level : float

        Returns
        -------
        pandas.DataFrame
            estimator, estimate, std_error, p_value, conf_low, conf_high, leads_p (F test that all
            leads are zero), units, nobs.
        """
        check_level(level)
        rows = []
        for name, found in self.estimates.items():
            one = pd.DataFrame(
                {
                    "estimator": [name],
                    "estimate": found.overall,
                    "std_error": found.overall_error,
                }
            )
            one = _with_interval(one, found.units, level)
            rows.append(one.assign(leads_p=_leads(found), units=found.units, nobs=found.nobs))
        return pd.concat(rows, ignore_index=True)

    def notes(self) -> list[str]:
        """Return what the numbers rest on.

        Returns
        -------
        list of str
        """
        treated = int(self.cohorts.sum())
        lines = [
            f"{treated} units enter {self.treatment} in {len(self.cohorts)} different years, "
            f"{self.never} never do. Standard errors: clustered by unit.",
            f"Two-way fixed effects and Sun & Abraham: relative to the year before. "
            f"Ends: all years up to {-self.leads} and from {self.lags} on.",
            str(self.weights),
        ]
        if "gardner" in self.estimates:
            lines.append(
                "Gardner's leads are relative to the untreated years' own average, not to the year "
                "before."
            )
        lines += [f"{NAMES[name]}: {one.note}" for name, one in self.estimates.items() if one.note]
        if self.dropped:
            left = "; ".join(f"{count:,} rows {why}" for why, count in self.dropped.items())
            lines.append(f"Left out: {left}.")
        lines += [f"{NAMES[name]} was not computed: {why}" for name, why in self.failed.items()]
        return [*lines, "Synthetic data"] if self.synthetic else lines

    def _wide(self) -> pd.DataFrame:
        table = self.tidy()
        parts = {
            name: part.set_index("event")[["estimate", "std_error"]]
            for name, part in table.groupby("estimator", sort=False)
        }
        wide = pd.concat(parts, axis=1).sort_index()
        return wide.rename(index=self.label).rename_axis(index="years since")

    def __repr__(self) -> str:
        body = self._wide().to_string(float_format=lambda value: f"{value:.4g}", na_rep="")
        every = self.overall().to_string(index=False, float_format=lambda value: f"{value:.4g}")
        title = f"Event study of {self.outcome}: {self.treatment}"
        return "\n".join([title, body, "All treated rows:", every, *self.notes()])

    def _repr_html_(self) -> str:
        body = self._wide().to_html(float_format=lambda value: f"{value:.3f}", na_rep="", border=0)
        every = self.overall().to_html(index=False, float_format=lambda x: f"{x:.3f}", border=0)
        title = escape(f"Event study of {self.outcome}: {self.treatment}")
        notes = "<br>".join(escape(line) for line in self.notes())
        return (
            f"<div><p><b>{title}</b></p>{body}<p>All treated rows</p>{every}"
            f"<p style='font-size:smaller'>{notes}</p></div>"
        )


def event_study(
    data: NativeFrame,
    outcome: str,
    treatment: str,
    *,
    controls: str = "",
    unit: str = "country",
    time: str = "year",
    leads: int = 5,
    lags: int = 10,
    estimators: Sequence[str] = ("twfe", "sun_abraham", "gardner"),
    leavers: Leavers = "raise",
    synthetic: bool = False,
) -> EventStudy:
    """Estimate what happens before and after units enter a treatment at different times.

    Parameters
    ----------
    data : data frame
        One row per unit and time.
    outcome : str
        A column or an expression, such as ``"log(inflow)"``.
    treatment : str
        A column of 0 and 1 that, once 1, stays so: membership in an organisation.
    controls : str
        A side of a formula. Controls that treatment changes take part of its effect away.
    unit, time : str
    leads, lags : int
        Years before and after that have their own coefficient; earlier and later ones are binned
        with the last.
    estimators : sequence of str
        "twfe": dummies for leads and lags with unit and time effects; a single dummy for the
        overall effect. "sun_abraham": leads and lags of each cohort, averaged by its rows.
        "gardner": unit and time effects from untreated rows only (by pyfixest, which
        ``spillover[events]`` installs).
    leavers : {"raise", "drop", "absorb"}
        What to do with units that leave treatment.
    synthetic : bool
        Say that the data are synthetic.

    Returns
    -------
    EventStudy
        Draw it with :func:`spillover.plot.event_study`.

    Raises
    ------
    SchemaError
        For absent columns, a treatment that is not 0 and 1, or leaves again, units with two rows in
        a year, no unit that enters, or if no estimator can be computed.

    Notes
    -----
    Units treated from their first row on say nothing of before and after; they are left out, and
    counted. All estimators rest on parallel trends and on no effect before treatment. Two-way fixed
    effects also compare late with early adopters; where effects differ by cohort or grow, that
    gives negative weights (:func:`treatment_weights`), also across leads and lags.

    References
    ----------
    Sun, L. & Abraham, S. (2021). Journal of Econometrics 225(2), 175-199. Gardner, J. (2022).
    Two-stage differences in differences. arXiv:2207.05943. Goodman-Bacon, A. (2021). Journal of
    Econometrics 225(2), 254-277. de Chaisemartin, C. & D'Haultfœuille, X. (2020). American
    Economic Review 110(9), 2964-2996.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> frame = pd.MultiIndex.from_product([range(40), range(1990, 2005)],
    ...     names=["country", "year"]).to_frame(index=False)
    >>> start = frame["country"].map(lambda unit: 1995 + unit % 4 if unit % 5 else 9999)
    >>> frame["wto"] = (frame["year"] >= start) * 1
    >>> frame["inflow"] = 2.0 * frame["wto"] + rng.normal(size=len(frame))
    >>> study = event_study(frame, "inflow", "wto", leads=3, lags=4,
    ...     estimators=("twfe", "sun_abraham"))
    >>> study.overall()["estimate"].round(0).tolist()
    [2.0, 2.0]
    """
    if isinstance(estimators, str) or not estimators:
        raise SchemaError(f"estimators={estimators!r}: give a list, such as ['twfe'].")
    for name in estimators:
        check_choice("estimators", name, tuple(ESTIMATORS))
    design = build_events(
        data,
        outcome,
        treatment,
        controls,
        unit=unit,
        time=time,
        leads=leads,
        lags=lags,
        leavers=leavers,
    )
    found: dict[str, Estimates] = {}
    failed: dict[str, str] = {}
    for name in dict.fromkeys(estimators):
        try:
            found[name] = ESTIMATORS[name](design)
        except SpilloverError as error:
            failed[name] = str(error)
    if not found:
        raise SchemaError("; ".join(f"{name}: {why}" for name, why in failed.items()))
    return _result(design, outcome, treatment, found, failed, synthetic=synthetic)


def _result(
    design: EventDesign,
    outcome: str,
    treatment: str,
    found: Mapping[str, Estimates],
    failed: Mapping[str, str],
    *,
    synthetic: bool,
) -> EventStudy:
    units = design.frame.drop_duplicates("unit")["cohort"]
    rows = design.bins.dropna().astype(int).value_counts().sort_index()
    return EventStudy(
        outcome=outcome,
        treatment=treatment,
        estimates=MappingProxyType(dict(found)),
        weights=weights_of(design, treatment),
        leads=design.leads,
        lags=design.lags,
        rows=rows,
        cohorts=units.dropna().astype(int).value_counts().sort_index(),
        never=int(units.isna().sum()),
        dropped=MappingProxyType(design.dropped),
        failed=MappingProxyType(dict(failed)),
        synthetic=synthetic,
    )


def _with_interval(table: pd.DataFrame, units: int, level: float) -> pd.DataFrame:
    """Add p-values and intervals; none for what is zero by construction."""
    error = table["std_error"].where(table["std_error"] > 0)
    half = stats.t.ppf((1 + level) / 2, units - 1) * error
    return table.assign(
        p_value=2 * stats.t.sf(np.abs(table["estimate"] / error), units - 1),
        conf_low=table["estimate"] - half,
        conf_high=table["estimate"] + half,
    )


def _leads(found: Estimates) -> float:
    """Test that all leads are zero; missing where they cannot be tested jointly."""
    chosen = np.flatnonzero(np.asarray(found.events) < 0)
    if not len(chosen):
        return float("nan")
    V, b = found.vcov[np.ix_(chosen, chosen)], found.params[chosen]
    if np.linalg.matrix_rank(V, hermitian=True) < len(chosen):
        return float("nan")
    statistic = float(b @ np.linalg.solve(V, b)) / len(chosen)
    return float(stats.f.sf(statistic, len(chosen), found.units - 1))

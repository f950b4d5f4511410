"""Two-way fixed effects, Sun & Abraham's and Gardner's estimators of an event study."""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, SpilloverWarning
from spillover.panel.fit import fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.panel.events_design import EventDesign

    Array = NDArray[np.float64]

REFERENCE = -1


@dataclass(frozen=True)
class Estimates:
    """What one estimator gives.

    Attributes
    ----------
    events : tuple of int
        Event times (ends binned) that it estimates.
    params : (e,) array
    vcov : (e, e) array
    overall, overall_error : float
        Effect on the treated in all their treated rows, and its standard error.
    units, nobs : int
    note : str
    """

    events: tuple[int, ...]
    params: Array
    vcov: Array
    overall: float
    overall_error: float
    units: int
    nobs: int
    note: str = ""


def two_way(design: EventDesign) -> Estimates:
    """Estimate leads and lags with unit and time effects; the overall effect with one dummy.

    Returns
    -------
    Estimates
    """
    bins = design.bins
    events = [int(e) for e in sorted(bins.dropna().unique()) if e != REFERENCE]
    frame = design.frame.assign(**{f"e{place}": bins.eq(e) * 1.0 for place, e in enumerate(events)})
    names = [f"e{place}" for place in range(len(events))]
    found = _fit(frame, [*names, *design.controls])
    one = _fit(frame, ["treated", *design.controls])
    return Estimates(
        events=tuple(events),
        params=found.params[names].to_numpy(),
        vcov=found.vcov.loc[names, names].to_numpy(),
        overall=float(one.params["treated"]),
        overall_error=float(one.std_errors["treated"]),
        units=found.inference.n_clusters[0],
        nobs=found.nobs,
    )


def sun_abraham(design: EventDesign) -> Estimates:
    """Estimate each cohort's leads and lags, and average them by the cohorts' rows.

    The never treated are the comparison; without any, the last cohort before its own treatment.

    Returns
    -------
    Estimates
    """
    design, note = _with_comparison(design)
    bins, cohort = design.bins, design.frame["cohort"]
    referred = set(cohort[bins == REFERENCE].dropna())
    lost = (cohort.notna() & ~cohort.isin(referred)).to_numpy()
    if lost.any():
        note += f" {int(lost.sum()):,} rows of cohorts not observed the year before are left out."
        design = design.without(lost)
        bins, cohort = design.bins, design.frame["cohort"]
    cells = pd.DataFrame({"cohort": cohort, "bin": bins}).dropna().value_counts().sort_index()
    cells = cells[cells.index.get_level_values("bin") != REFERENCE]
    names = [f"c{place}" for place in range(len(cells))]
    dummies = {
        name: ((cohort == c) & (bins == e)) * 1.0
        for name, (c, e) in zip(names, cells.index, strict=True)
    }
    wide = pd.concat([design.frame, pd.DataFrame(dummies)], axis=1)
    found = _fit(wide, [*names, *design.controls])
    at = cells.index.get_level_values("bin").to_numpy()
    events = [int(e) for e in np.unique(at)]
    counts = cells.to_numpy(dtype=np.float64)
    weights = np.array([np.where(at == e, counts, 0.0) / counts[at == e].sum() for e in events])
    post = np.where(at >= 0, counts, 0.0) / counts[at >= 0].sum()
    beta, V = found.params[names].to_numpy(), found.vcov.loc[names, names].to_numpy()
    return Estimates(
        events=tuple(events),
        params=weights @ beta,
        vcov=weights @ V @ weights.T,
        overall=float(post @ beta),
        overall_error=float(np.sqrt(post @ V @ post)),
        units=found.inference.n_clusters[0],
        nobs=found.nobs,
        note=note.strip(),
    )


def gardner(design: EventDesign) -> Estimates:
    """Fit effects and controls on untreated rows, then regress what is left on event time.

    Computed by pyfixest's ``did2s``, with its standard errors for both steps.

    Returns
    -------
    Estimates

    Raises
    ------
    SchemaError
        If pyfixest is not installed.
    """
    if importlib.util.find_spec("pyfixest") is None:
        raise SchemaError("Gardner's estimator needs pyfixest: install spillover[events].")
    from pyfixest.did.estimation import did2s  # noqa: PLC0415 (optional)

    design, note = _imputable(design)
    bins = design.bins
    events = [int(e) for e in sorted(bins.dropna().unique())]
    names = [f"e{place}" for place in range(len(events))]
    frame = design.frame.assign(
        **{name: bins.eq(e) * 1.0 for name, e in zip(names, events, strict=True)}
    )
    first = f"~ {' + '.join(design.controls) or '0'} | unit + time"

    def run(second: str) -> Any:  # noqa: ANN401 (pyfixest's)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return did2s(
                frame.assign(treated=frame["treated"] > 0, effect=frame["treated"]),
                yname="y",
                first_stage=first,
                second_stage=second,
                treatment="treated",
                cluster="unit",
            )

    found, one = run("~ 0 + " + " + ".join(names)), run("~ 0 + effect")
    place = [list(found.coef().index).index(name) for name in names]
    return Estimates(
        events=tuple(events),
        params=found.coef()[names].to_numpy(dtype=np.float64),
        vcov=np.asarray(found._vcov, dtype=np.float64)[np.ix_(place, place)],
        overall=float(one.coef().iloc[0]),
        overall_error=float(one.se().iloc[0]),
        units=int(frame["unit"].nunique()),
        nobs=len(frame),
        note=note,
    )


ESTIMATORS = {"twfe": two_way, "sun_abraham": sun_abraham, "gardner": gardner}


def _fit(frame: pd.DataFrame, names: list[str]) -> Any:  # noqa: ANN401 (a Fit)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Only .* clusters", SpilloverWarning)
        return fit(f"y ~ {' + '.join(names)} | unit + time", frame, cluster="unit")


def _with_comparison(design: EventDesign) -> tuple[EventDesign, str]:
    """Return a design with never-treated units: without any, the last cohort becomes one."""
    if design.never:
        return design, ""
    frame = design.frame
    last = frame["cohort"].max()
    late = (frame["time"] >= last).to_numpy()
    kept = frame[~late].reset_index(drop=True)
    own = kept["cohort"] == last
    kept.loc[own, ["cohort", "event"]] = np.nan
    if not (kept["treated"] > 0).any():
        raise SchemaError("All units are treated in the same year: there is no comparison.")
    made = type(design)(kept, design.controls, design.leads, design.lags, design.dropped)
    return made, f"No unit is never treated: compared with cohort {last:g}, before {last:g}."


def _imputable(design: EventDesign) -> tuple[EventDesign, str]:
    """Leave out rows whose unit or year effect the untreated rows do not give."""
    frame = design.frame
    keep = np.ones(len(frame), dtype=bool)
    while True:
        free = frame[keep & (frame["treated"] == 0).to_numpy()]
        counts = [frame[key].map(free[key].value_counts()).fillna(0) for key in ("unit", "time")]
        good = keep & (counts[0] > 1).to_numpy() & (counts[1] > 1).to_numpy()
        if (good == keep).all():
            break
        keep = good
    lost = int((~keep).sum())
    note = f"{lost:,} rows of units or years with fewer than two untreated rows left out."
    return design.without(~keep), note if lost else ""

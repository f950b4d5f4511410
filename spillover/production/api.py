"""One call for every estimator of firm productivity."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from warnings import warn

import numpy as np
import pandas as pd

from spillover._frames import as_eager
from spillover.errors import (
    IdentificationError,
    SchemaError,
    SpilloverError,
    SpilloverWarning,
    check_choice,
    did_you_mean,
    preview,
    rows,
)
from spillover.firms import FirmPanel
from spillover.production.bootstrap import Bootstrap, run
from spillover.production.data import Inputs, Report, build_inputs
from spillover.production.methods import Bound, Method, make_settings, method_named
from spillover.production.notes import group_notes, lag_notes, nothing, row_notes, with_failed
from spillover.production.result import Productivity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spillover._frames import NativeFrame
    from spillover.production.estimate import Estimate

LEAST_SECOND = 20
"""Rows with a lag that a law of motion needs."""
SPARE = 20
"""Rows that a first stage needs beyond the terms of its polynomial."""


@dataclass(frozen=True)
class _Roles:
    """Which column does what."""

    output: str
    free: tuple[str, ...]
    state: tuple[str, ...]
    proxy: str | None
    markov: tuple[str, ...]
    extra: tuple[str, ...]


def productivity(
    panel: FirmPanel | NativeFrame,
    *,
    method: str = "acf",
    output: str | None = None,
    free: Sequence[str] | None = None,
    state: Sequence[str] = ("capital",),
    proxy: str | None = None,
    by: str | None = "industry",
    markov: Sequence[str] = (),
    driver_lag: int = 1,
    linear: Sequence[str] = (),
    logged: bool = False,
    settings: object | None = None,
    bootstrap: int | Bootstrap | None = None,
    least_rows: int = 60,
    least_firms: int = 10,
    **options: Any,  # noqa: ANN401 (attributes of many classes)
) -> Productivity:
    """Estimate production functions by group, and every firm-year's log productivity.

    Parameters
    ----------
    panel : FirmPanel or data frame
        With firm, year, ``by`` and the columns named below, in levels and deflated. Rows in any
        order; one per firm and year.
    method : str
        "ols", "fe", "bb" (Blundell & Bond), "op" (Olley & Pakes), "lp" (Levinsohn & Petrin), "acf"
        (Ackerberg, Caves & Frazer), "wooldridge", "gnr" (Gandhi, Navarro & Rivers), "index".
    output : str, optional
        "value_added" (the column, or output less materials where there is none), "output", or
        another column. By default value added, for gnr and index output.
    free : sequence of str, optional
        Flexible inputs; employment by default, and materials where output is gross and the method
        takes them as an input rather than a proxy.
    state : sequence of str
        Inputs set before the year's productivity is known.
    proxy : str, optional
        "materials" for lp, acf, wooldridge and gnr, "investment" for op by default.
    by : str, optional
        Column of the groups, each with elasticities of its own; None for one group.
    markov : sequence of str
        Drivers in the law of motion of productivity (De Loecker 2013), never logged: spillover
        measures, say. Their effects are in ``.law_of_motion``.
    driver_lag : {1, 0}
        Whether last year's or this year's drivers move productivity from last year to this.
    linear : sequence of str
        Inputs that are not to be logged, such as age.
    logged : bool
        Output and inputs are logs already.
    settings : object, optional
        ``sp.production.Acf(...)`` and the like; or give its attributes by keyword (``degree=2``).
    bootstrap : int or Bootstrap, optional
        Number of draws, or ``sp.production.Bootstrap(draws=200, rng=0, workers=2)``.
    least_rows, least_firms : int
        Groups with fewer are not estimated (and counted in a warning).
    **options
        Attributes of the method's settings.

    Returns
    -------
    Productivity

    Raises
    ------
    SchemaError
        For wrong arguments, absent or non-numeric columns and repeated firm-years, before any
        long work.
    IdentificationError
        If no group can be estimated.

    Warns
    -----
    SpilloverWarning
        Once: rows left out, rows after a gap in the years, groups not estimated, what the
        estimators noticed; with counts, columns and groups.

    Examples
    --------
    >>> import spillover as sp
    >>> rng = np.random.default_rng(1)
    >>> years = pd.MultiIndex.from_product([range(60), range(2000, 2006)], names=["firm", "year"])
    >>> frame = pd.DataFrame(index=years).reset_index().assign(industry="15")
    >>> frame["employment"], frame["capital"] = rng.lognormal(3, 1, (2, len(frame)))
    >>> frame["value_added"] = frame["employment"] ** 0.6 * frame["capital"] ** 0.3
    >>> result = sp.productivity(frame, method="ols")
    >>> result.elasticities[["group", "input", "estimate"]].round(3).values.tolist()
    [['15', 'employment', 0.6], ['15', 'capital', 0.3]]
    >>> bool(result.tfp.abs().max() < 1e-10), (result.why_missing == "").all().item()
    (True, True)
    """
    chosen = method_named(method)
    frame, synthetic = _frame(panel)
    made = make_settings(method, chosen, settings, options)
    plan = None if bootstrap is None else _bootstrap(bootstrap)
    _check_numbers(least_rows=least_rows, least_firms=least_firms)
    frame, roles, notes = _roles(
        frame,
        method,
        chosen,
        made,
        output=output,
        free=free,
        state=state,
        proxy=proxy,
        by=by,
        markov=markov,
        logged=logged,
    )
    check_choice("driver_lag", driver_lag, (0, 1))
    if hasattr(made, "gross") and made.gross is None:
        made = replace(made, gross=roles.output == "output")  # type: ignore[type-var]
    groups, report = build_inputs(
        frame,
        output=roles.output,
        free=roles.free,
        state=roles.state,
        proxy=roles.proxy,
        by=by,
        markov=roles.markov,
        extra=roles.extra,
        complete=_names("shifters", getattr(made, "shifters", ())),
        linear=linear,
        logged=logged,
        optional=(roles.proxy,) if chosen.proxy_optional and roles.proxy else (),
        driver_lag=driver_lag,
        least=least_rows,
        least_firms=least_firms,
        least_second=LEAST_SECOND if chosen.drivers else 0,
    )
    estimator = chosen.estimator(made)
    estimates, failed = _estimate(groups, estimator)
    report = with_failed(report, failed, groups, by)
    if not estimates:
        raise IdentificationError(nothing(method, report))
    used = {name: groups[name] for name in estimates}
    draws = None if plan is None else run(plan, used, estimates, estimator, frame)
    if chosen.drivers:
        notes = (*notes, *lag_notes(used))
    notes = (*row_notes(report), *notes, *group_notes(report, estimates, draws))
    if notes:
        warn(f"Productivity by {method}: " + "; ".join(notes) + ".", SpilloverWarning, stacklevel=2)
    tfp, why = _tfp(frame, used, estimates, report)
    return Productivity(
        method, roles.output, by, made, estimates, used, tfp, why, report, draws, notes, synthetic
    )


def _frame(panel: FirmPanel | NativeFrame) -> tuple[pd.DataFrame, bool]:
    """Return the panel in pandas, with its own index."""
    native = panel.data if isinstance(panel, FirmPanel) else panel
    frame = as_eager(native, "panel")
    if len(frame) == 0:
        raise SchemaError("The panel has no rows. Check how it was filtered or read.")
    synthetic = "synthetic" in str(getattr(native, "attrs", {})).lower()
    return (native if isinstance(native, pd.DataFrame) else frame.to_pandas()), synthetic


def _bootstrap(given: int | Bootstrap) -> Bootstrap:
    if isinstance(given, Bootstrap):
        return given
    return Bootstrap(draws=given)


def _check_numbers(**given: object) -> None:
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise SchemaError(f"{name}={value!r} must be a whole number of 1 or more.")


def _names(argument: str, given: Sequence[str] | str | None) -> tuple[str, ...]:
    """Take one name or several."""
    if given is None:
        return ()
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        if not isinstance(name, str):
            raise SchemaError(f"{argument}={given!r} must be names of columns.")
    return names


def _roles(
    frame: pd.DataFrame,
    name: str,
    method: Method,
    settings: object,
    *,
    output: str | None,
    free: Sequence[str] | None,
    state: Sequence[str],
    proxy: str | None,
    by: str | None,
    markov: Sequence[str],
    logged: bool,
) -> tuple[pd.DataFrame, _Roles, tuple[str, ...]]:
    """Settle which column does what; refuse what does not go together."""
    target = output or method.output
    notes: tuple[str, ...] = ()
    if by is not None and not isinstance(by, str):
        raise SchemaError(
            f"by={by!r} must be one column, or None. Join columns into one, as in "
            "panel['cell'] = panel['industry'] + ' ' + panel['region']."
        )
    if target == "value_added" and target not in frame.columns:
        frame, notes = _value_added(frame, logged)
    if name == "wooldridge" and target == "output":
        notes = (
            *notes,
            "materials are the proxy and no input: of gross output, that is right only if they are "
            "used in fixed proportion to it (else take value added, or lp, acf or gnr)",
        )
    if proxy is not None and method.proxy is None:
        raise SchemaError(f"method={name!r} takes no proxy; leave proxy={proxy!r} out.")
    proxy = proxy or method.proxy
    drivers = _names("markov", markov)
    if drivers and not method.drivers:
        raise SchemaError(
            f"method={name!r} has no law of motion to put markov={preview(drivers)} in. Choose op, "
            "lp, acf, wooldridge or gnr, or regress tfp on them."
        )
    if free is None:
        materials = method.materials_free and target == "output"
        free = ("employment", "materials") if materials else ("employment",)
    frame = _coded(frame, getattr(settings, "cluster", None))
    extra = (*_names("shifters", getattr(settings, "shifters", ())), *_extra(settings))
    roles = _Roles(
        target,
        _names("free", free),
        _names("state", state),
        proxy,
        drivers,
        tuple(dict.fromkeys(extra)),
    )
    if not roles.free and not roles.state:
        raise SchemaError("There is no input: name some in free= or state=.")
    if by is not None and by not in frame.columns:
        hint = did_you_mean(str(by), [str(column) for column in frame.columns])
        raise SchemaError(f"by={by!r} is no column.{hint} Pass by=None for one group.")
    return frame, roles, notes


def _coded(frame: pd.DataFrame, column: str | None) -> pd.DataFrame:
    """Give the clusters numbers, if they are text."""
    if column is None or column not in frame or pd.api.types.is_numeric_dtype(frame[column]):
        return frame
    return frame.assign(**{column: pd.factorize(frame[column])[0]})


def _extra(settings: object) -> tuple[str, ...]:
    """Return further columns that the settings name."""
    found: list[str] = []
    for attribute in ("columns", "cluster", "share"):
        value = getattr(settings, attribute, None)
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, tuple):
            found += [item for item in value if isinstance(item, str)]
    return tuple(found)


def _value_added(frame: pd.DataFrame, logged: bool) -> tuple[pd.DataFrame, tuple[str, ...]]:
    lacking = [name for name in ("output", "materials") if name not in frame.columns]
    if lacking or logged:
        raise SchemaError(
            "There is no column 'value_added'"
            + (f", nor {preview(lacking)} to make it from" if lacking else "")
            + ". Name the output with output=, such as output='output'."
        )
    made = frame["output"].astype(float) - frame["materials"].astype(float)
    return frame.assign(value_added=made), ("value added is output less materials",)


def _estimate(
    groups: Mapping[str, Inputs], estimator: Bound
) -> tuple[dict[str, Estimate], dict[str, str]]:
    """Estimate group by group; one that fails is set aside with its reason."""
    estimates: dict[str, Estimate] = {}
    failed: dict[str, str] = {}
    for name, inputs in groups.items():
        try:
            estimate = estimator(inputs)
        except SchemaError:
            raise  # the call is wrong, not the group
        except (SpilloverError, np.linalg.LinAlgError) as error:
            failed[name] = str(error).rstrip(".")
            continue
        problem = _unusable(estimate, inputs)
        if problem:
            failed[name] = problem
        else:
            estimates[name] = estimate
    return estimates, failed


def _unusable(estimate: Estimate, inputs: Inputs) -> str:
    """Say why an estimate is none, or ""."""
    terms = int(estimate.first_stage.get("terms", 0))
    if terms and terms + SPARE > estimate.nobs:
        return (
            f"{rows(estimate.nobs)} are too few for the first stage's polynomial of {terms:,} "
            f"terms ({SPARE} more than these are needed); lower its degree"
        )
    if estimate.method == "fe" and inputs.firms == len(inputs):
        return "no firm has two rows, so that nothing varies within firms"
    if not np.isfinite(estimate.beta).all():
        return "; ".join(estimate.notes) or "the search found no coefficients"
    return ""


def _tfp(
    frame: pd.DataFrame,
    groups: Mapping[str, Inputs],
    estimates: Mapping[str, Estimate],
    report: Report,
) -> tuple[pd.Series[float], pd.Series[str]]:
    """Align productivity to the panel; give every missing value its reason."""
    values = np.full(len(frame), np.nan)
    why = report.why.to_numpy(dtype=object).copy()
    for name, estimate in estimates.items():
        at = groups[name].row
        values[at] = estimate.omega
        unknown = at[~np.isfinite(estimate.omega)]
        why[unknown] = f"{estimate.method} gives this row no productivity"
    return (
        pd.Series(values, index=frame.index, name="tfp"),
        pd.Series(why, index=frame.index, name="why_missing", dtype=object),
    )

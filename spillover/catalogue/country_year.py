"""Country-year studies: accession as an event, beside the originals' two-way fixed effects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from spillover.catalogue.columns import parts_of, without
from spillover.catalogue.run import collected, prepare, says_synthetic
from spillover.catalogue.spec import Equation
from spillover.errors import SchemaError, did_you_mean
from spillover.panel.events import event_study
from spillover.panel.formula import parse_formula
from spillover.panel.weights import TreatmentWeights, treatment_weights

if TYPE_CHECKING:
    import pandas as pd

    from spillover._frames import NativeFrame
    from spillover.catalogue.spec import Events
    from spillover.catalogue.study import Study
    from spillover.panel.events import EventStudy

LEAVERS: Literal["drop"] = "drop"


def events_of(study: Study, panel: NativeFrame, options: dict[str, Any]) -> EventStudy:
    """Run a study's event study; see :meth:`spillover.catalogue.Study.event_study`."""
    design = _design(study)
    controls = options.pop("controls", design.controls)
    frame, model = _prepared(study, panel, design.outcome, design.treatment, controls)
    given = {"leads": design.leads, "lags": design.lags, "leavers": LEAVERS, **options}
    return event_study(
        frame,
        design.outcome,
        design.treatment,
        controls=_controls(model, design.treatment),
        synthetic=says_synthetic(frame) or bool(given.pop("synthetic", False)),
        **given,
    )


def weights_of_equation(
    study: Study, panel: NativeFrame, equation: str, *, treatment: str | None = None
) -> TreatmentWeights:
    """Return how an equation of a study weighs the effect of treatment in each country and year.

    Parameters
    ----------
    study : Study
    panel : data frame
        As for :meth:`spillover.catalogue.Study.run`.
    equation : str
        With country and year effects.
    treatment : str, optional
        The 0/1 regressor; by default the accession of the study's event study, a year before.

    Returns
    -------
    TreatmentWeights

    Raises
    ------
    SchemaError
        If the equation has no such regressor or other effects, or columns are missing.

    Examples
    --------
    >>> import spillover as sp
    >>> study = sp.studies["buthe_milner_2008"]
    >>> panel = study.replica(1, scale=0.3).panel
    >>> weights = weights_of_equation(study, panel, "two_way")
    >>> weights.negative > 0, round(weights.table["weight"].sum(), 6).item()
    (True, 1.0)
    """
    chosen = study.equation(equation)
    frame, plan = prepare(study, [chosen], panel, None)
    model = parse_formula(without(chosen, plan.dropped).formula)
    regressors = parts_of(model.regressors)
    name = treatment or f"{_design(study).treatment}_lag1"
    if name not in regressors:
        raise SchemaError(
            f"{equation!r} has no regressor {name!r}.{did_you_mean(name, regressors)}"
        )
    if set(model.absorbed) != {("country",), ("year",)}:
        raise SchemaError(
            f"{equation!r} absorbs {', '.join(map('^'.join, model.absorbed))}: the weights are "
            "those of country and year effects."
        )
    return treatment_weights(frame, name, controls=_controls(model, name), leavers=LEAVERS)


def _design(study: Study) -> Events:
    if study.events is None:
        raise SchemaError(
            f"{study.citation.short} has no event study; sp.studies['buthe_milner_2008'] and "
            "sp.studies['dreher_mikosch_voigt_2015'] have one."
        )
    return study.events


def _prepared(
    study: Study, panel: NativeFrame, outcome: str, treatment: str, controls: str
) -> tuple[pd.DataFrame, Any]:
    """Make the columns, and leave out optional controls that the panel does not have."""
    sides = " + ".join([treatment, *([controls] if controls else [])])
    wanted = Equation(
        name="events", formula=f"{outcome} ~ {sides} | country + year", cluster="country"
    )
    notes: list[str] = []
    with collected(notes):
        frame, plan = prepare(study, [wanted], panel, None)
    return frame, parse_formula(without(wanted, plan.dropped).formula)


def _controls(model: Any, treatment: str) -> str:  # noqa: ANN401 (a Model)
    return " + ".join(part for part in parts_of(model.regressors) if part != treatment)

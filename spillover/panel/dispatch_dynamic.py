"""Read a dynamic panel from a formula and a data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spillover.errors import SchemaError
from spillover.panel.codes import encode, nested
from spillover.panel.dynamic import instrument_lags
from spillover.panel.dynamic_setup import DynamicPanel
from spillover.panel.formula import check_present, effect_name, evaluate, parse_effect
from spillover.panel.names import names_used
from spillover.panel.source import Source
from spillover.panel.transforms import Calendar, with_calls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import narwhals as nw
    import pandas as pd
    from numpy.typing import NDArray

    from spillover.panel.design import Sample
    from spillover.panel.dynamic_settings import Gmm
    from spillover.panel.formula import Effect, Model

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Rows = NDArray[np.bool_]


class Found(NamedTuple):
    """A panel, the sample's name, rows left out by reason, and the clustering level."""

    panel: DynamicPanel
    sample: str
    dropped: Mapping[str, int]
    cluster: str


def dynamic_panel(
    model: Model,
    eager: nw.DataFrame[Any],
    settings: Gmm,
    *,
    sample: Sample,
    cluster: str | Sequence[str],
) -> Found:
    """Evaluate a formula on all rows: instruments reach beyond the sample and its complete rows.

    Parameters
    ----------
    model : Model
        The firm's effect is implied; other absorbed effects become dummies.
    eager : narwhals.DataFrame
        With ``firm`` and ``year``.
    settings : Gmm
    sample : see :func:`spillover.fit`
    cluster : str or sequence of str
        "auto" or one level in which firms are nested.

    Returns
    -------
    Found

    Raises
    ------
    SchemaError
        For absent columns, several clustering levels, or one that firms move between.
    """
    check_present(["firm", "year"], eager.columns, "needed by difference and system GMM")
    level = _level(cluster)
    source = Source(eager, [model], sample=sample, levels=[level], weights=None)
    frame = eager.to_pandas()
    frame = with_calls(frame, [*model.sides, *settings.instruments])
    outcome, names = evaluate(model.outcome, frame, intercept=False)
    if len(names) != 1:
        raise SchemaError(f"The outcome {model.outcome!r} has {len(names)} columns.")
    absorbing = bool(model.absorbed)
    X, terms = evaluate(model.regressors, frame, intercept=not absorbing, implied=absorbing)
    endogenous: list[str] = []
    Z: dict[str, Matrix] = {}
    if model.endogenous:
        more, endogenous = evaluate(model.endogenous, frame, intercept=False)
        values, z_terms = evaluate(model.instruments, frame, intercept=False, implied=True)
        Z = dict(zip(z_terms, values.T, strict=True))
        X, terms = np.hstack([X, more]), [*terms, *endogenous]
    firm = encode(frame, ("firm",))
    calendar = Calendar.from_frame(frame)
    effects = {effect_name(e): encode(frame, e) for e in model.absorbed if e != ("firm",)}
    groups = encode(frame, level)
    columns = {model.outcome: outcome[:, 0], **dict(zip(terms, X.T, strict=True)), **Z}
    codes = {**effects, effect_name(level): groups, "firm": firm, "year": calendar.key}
    complete, dropped = _complete(source.chosen, columns, codes, dict(source.dropped))
    if level != ("firm",) and not nested(firm[complete], groups[complete]):
        raise SchemaError(
            f"cluster={effect_name(level)!r}: firms move between its levels, but the moments of a "
            "firm are summed over its years. Cluster by 'firm', or by something a firm keeps."
        )
    panel = DynamicPanel(
        y=outcome[:, 0],
        X=X,
        outcome=model.outcome,
        terms=terms,
        firm=firm,
        calendar=calendar,
        complete=complete,
        variables=_variables(model, terms, settings, frame),
        effects=effects,
        groups=None if level == ("firm",) else groups,
        endogenous=tuple(endogenous),
        Z=Z,
    )
    return Found(panel, source.label, dropped, effect_name(level))


def _level(cluster: str | Sequence[str]) -> Effect:
    if isinstance(cluster, str):
        return ("firm",) if cluster == "auto" else parse_effect(cluster)
    if len(cluster) != 1:
        raise SchemaError(
            f"cluster={list(cluster)!r}: the moments of difference and system GMM are summed over "
            "one level. Name one."
        )
    return parse_effect(cluster[0])


def _variables(
    model: Model, terms: Sequence[str], settings: Gmm, frame: pd.DataFrame
) -> dict[str, Matrix]:
    """Evaluate the variables whose past is an instrument."""
    result = {}
    for name in instrument_lags(model.outcome, terms, settings):
        check_present(names_used(name, list(frame.columns)), list(frame.columns), "in sp.panel.Gmm")
        values, made = evaluate(name, frame, intercept=False)
        if len(made) != 1:
            raise SchemaError(f"{name!r} in sp.panel.Gmm is {len(made)} columns, not a variable.")
        result[name] = values[:, 0]
    return result


def _complete(
    chosen: Rows,
    columns: Mapping[str, Matrix],
    codes: Mapping[str, NDArray[np.integer[Any]]],
    dropped: dict[str, int],
) -> tuple[Rows, dict[str, int]]:
    """Find the complete rows of the sample; count the others by the first column they lack."""
    keep = chosen.copy()
    for name, column in columns.items():
        for why, bad in (("infinite", np.isinf(column)), ("missing", np.isnan(column))):
            lost = keep & bad
            if lost.any():
                dropped[f"{name} {why}"] = int(lost.sum())
                keep &= ~lost
    for name, code in codes.items():
        lost = keep & (code < 0)
        if lost.any():
            dropped[f"{name} missing"] = int(lost.sum())
            keep &= ~lost
    if not keep.any():
        listed = ", ".join(f"{count:,} {why}" for why, count in dropped.items())
        raise SchemaError(f"No observation is left. Dropped: {listed}.")
    return keep, dropped

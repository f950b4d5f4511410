"""The inference methods that ``sp.fit(inference=...)`` knows besides the plain covariances.

Each takes a fit (least squares or, where it says so, instruments) and its own settings, and returns
the fit with other standard errors, p-values and intervals.
"""

from __future__ import annotations

from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any

from spillover._frames import as_eager
from spillover.errors import SchemaError, did_you_mean
from spillover.inference.conley import with_conley
from spillover.inference.exposure import with_exposure
from spillover.inference.hac import with_driscoll_kraay, with_newey_west
from spillover.inference.randomised import with_randomisation
from spillover.inference.small_sample import with_small_sample
from spillover.inference.wild import with_wild

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spillover._frames import NativeFrame
    from spillover.panel.result import Fit

METHODS: Mapping[str, Callable[..., Fit]] = {
    "wild": with_wild,
    "cr2": partial(with_small_sample, kind="cr2"),
    "cr3": partial(with_small_sample, kind="cr3"),
    "hc2": partial(with_small_sample, kind="hc2"),
    "hc3": partial(with_small_sample, kind="hc3"),
    "driscoll_kraay": with_driscoll_kraay,
    "newey_west": with_newey_west,
    "conley": with_conley,
    "exposure": with_exposure,
    "randomisation": with_randomisation,
}
COLUMNS = ("latitude", "longitude", "years")
"""Settings that may name a column of the data."""


def apply(name: str, fit: Fit, settings: Mapping[str, Any] | None, data: NativeFrame) -> Fit:
    """Put a method's standard errors into a fit.

    Parameters
    ----------
    name : str
        A key of :data:`METHODS`.
    fit : Fit
        With its arrays.
    settings : mapping, optional
        Keyword arguments of the method.
    data : data frame
        Behind the fit.

    Returns
    -------
    Fit

    Raises
    ------
    SchemaError
        For a setting that the method does not have, or lacks.
    """
    method, given = METHODS[name], dict(settings or {})
    fixed = method.keywords if isinstance(method, partial) else {}
    offered = {
        key: option
        for key, option in list(signature(method).parameters.items())[1:]
        if key not in fixed
    }
    for key, value in given.items():
        if key not in offered:
            raise SchemaError(
                f"inference={name!r} has no setting {key!r}.{did_you_mean(key, list(offered))}"
            )
        if key in COLUMNS and isinstance(value, str):
            given[key] = _column(value, data)
    lacking = [k for k, option in offered.items() if option.default is option.empty]
    lacking = [key for key in lacking if key not in given]
    if lacking:
        raise SchemaError(
            f"inference={name!r} needs inference_settings={{...}} with {', '.join(lacking)}; see "
            f"help(sp.inference.with_{name})."
        )
    return method(fit, **given)


def _column(name: str, data: NativeFrame) -> Any:  # noqa: ANN401 (a column of any type)
    eager = as_eager(data, "data")
    if name not in eager.columns:
        raise SchemaError(f"The data have no column {name!r}.{did_you_mean(name, eager.columns)}")
    return eager[name].to_pandas()

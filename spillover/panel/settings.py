"""The options of a fit, checked before any work, and the errors that are put in at its end."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from spillover.errors import SchemaError, check_choice
from spillover.panel.transforms import difference_length

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spillover._frames import NativeFrame
    from spillover.panel.covariance import Kind
    from spillover.panel.formula import Model
    from spillover.panel.result import Fit

ESTIMATORS = ("auto", "ols", "iv", "liml", "gmm")
PLAIN = ("cluster", "hetero", "iid")
BASES: Mapping[str, Kind] = {
    "wild": "cluster",
    "cr2": "cluster",
    "cr3": "cluster",
    "hc2": "hetero",
    "hc3": "hetero",
    "driscoll_kraay": "hetero",
    "newey_west": "hetero",
    "conley": "hetero",
    "exposure": "hetero",
    "randomisation": "hetero",
}
"""Method of :mod:`spillover.inference.methods` -> plain errors of the fit that it starts from."""
How = Literal[
    "cluster",
    "hetero",
    "iid",
    "wild",
    "cr2",
    "cr3",
    "hc2",
    "hc3",
    "driscoll_kraay",
    "newey_west",
    "conley",
    "exposure",
    "randomisation",
]


class Settings(NamedTuple):
    """Checked options of a fit.

    ``inference`` are its plain errors; ``errors`` puts others in their place, if it is not "".
    """

    length: int
    estimator: str
    cluster: str | Sequence[str]
    inference: Kind
    errors: str
    errors_settings: Mapping[str, Any]
    weights: str | None
    singletons: Literal["drop", "keep"]
    lean: bool

    @classmethod
    def checked(
        cls,
        *,
        transform: str,
        length: int | None,
        estimator: str,
        cluster: str | Sequence[str],
        inference: How,
        inference_settings: Mapping[str, Any] | None,
        weights: str | None,
        singletons: Literal["drop", "keep"],
        lean: bool,
    ) -> Settings:
        """Check every option before any work.

        Raises
        ------
        SchemaError
        """
        if not (weights is None or isinstance(weights, str)):
            raise SchemaError(f"weights= is a {type(weights).__name__}; give the name of a column.")
        check_choice("inference", inference, (*PLAIN, *BASES))
        errors = "" if inference in PLAIN else inference
        if inference_settings is not None and not errors:
            raise SchemaError(
                f"inference={inference!r} takes no inference_settings=; they go with "
                f"{', '.join(BASES)}."
            )
        check_choice("singletons", singletons, ("drop", "keep"))
        check_choice("estimator", estimator, ESTIMATORS)
        years = difference_length(transform, length)
        plain = BASES.get(inference) or cast("Kind", inference)
        given = dict(inference_settings or {})
        return cls(years, estimator, cluster, plain, errors, given, weights, singletons, lean)

    def method(self, model: Model) -> str:
        """Settle "auto" by whether the formula has instruments.

        Raises
        ------
        SchemaError
        """
        if self.estimator == "auto":
            return "iv" if model.endogenous else "ols"
        if (self.estimator == "ols") == bool(model.endogenous):
            has = "has" if model.endogenous else "has no"
            raise SchemaError(
                f"estimator={self.estimator!r}, but the formula {has} instruments: they are its "
                "last part, '| endogenous ~ instruments'."
            )
        return self.estimator


def finish(fit: Fit, settings: Settings, data: NativeFrame) -> Fit:
    """Put another method's standard errors into a fit, if one was asked for."""
    if not settings.errors:
        return fit
    methods = import_module("spillover.inference.methods")
    found: Fit = methods.apply(settings.errors, fit, settings.errors_settings, data)
    return replace(found, estimated=None, residuals=None) if settings.lean else found

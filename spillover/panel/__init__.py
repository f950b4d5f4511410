"""Panel regressions: formula, absorbed effects, instruments, covariance, result."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from spillover.panel.covariance import Inference
from spillover.panel.design import Sample
from spillover.panel.first_stage import FirstStage
from spillover.panel.fit import fit
from spillover.panel.iv import Overidentification
from spillover.panel.many import Fits, fit_many
from spillover.panel.result import Fit

if TYPE_CHECKING:
    from spillover.panel.binary import Binary
    from spillover.panel.dynamic_settings import Gmm
    from spillover.panel.events import EventStudy, event_study
    from spillover.panel.model_fit import ModelFit, by_quantile, equal_slopes, margins
    from spillover.panel.ppml import Ppml
    from spillover.panel.quantile import Quantile
    from spillover.panel.weights import TreatmentWeights, treatment_weights

_HOME = {
    "Binary": "binary",
    "EventStudy": "events",
    "Gmm": "dynamic_settings",
    "ModelFit": "model_fit",
    "Ppml": "ppml",
    "Quantile": "quantile",
    "TreatmentWeights": "weights",
    "by_quantile": "model_fit",
    "equal_slopes": "model_fit",
    "event_study": "events",
    "margins": "model_fit",
    "treatment_weights": "weights",
}

__all__ = [
    "Binary",
    "EventStudy",
    "FirstStage",
    "Fit",
    "Fits",
    "Gmm",
    "Inference",
    "ModelFit",
    "Overidentification",
    "Ppml",
    "Quantile",
    "Sample",
    "TreatmentWeights",
    "by_quantile",
    "equal_slopes",
    "event_study",
    "fit",
    "fit_many",
    "margins",
    "treatment_weights",
]


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"spillover.panel.{_HOME[name]}"), name)
    raise AttributeError(f"module 'spillover.panel' has no attribute {name!r}")

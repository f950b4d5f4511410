"""Panel regressions: formula, absorbed effects, covariance, result."""

from spillover.panel.covariance import Inference
from spillover.panel.design import Sample
from spillover.panel.fit import fit
from spillover.panel.result import Fit

__all__ = ["Fit", "Inference", "Sample", "fit"]

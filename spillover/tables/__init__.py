"""Tables for publication: text, HTML, LaTeX, Markdown and CSV from fitted models."""

from __future__ import annotations

from spillover.tables.regression import regression
from spillover.tables.result import RegressionTable

__all__ = ["RegressionTable", "regression"]

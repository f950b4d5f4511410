"""Case evidence, and what it says about aggregate estimates."""

from spillover.case import fsqca

__all__ = ["fsqca"]

"""Firm productivity: production functions by every method of the literature.

The one call is :func:`spillover.productivity`; here are each method's settings, the parts of its
result, and levels of productivity that can be compared over industries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spillover.production.acf import Acf
    from spillover.production.bb import Bb
    from spillover.production.bootstrap import Bootstrap, Draws
    from spillover.production.estimate import Estimate, Overid
    from spillover.production.gnr import Gnr
    from spillover.production.index import Index, reference_tfp
    from spillover.production.lp import Lp
    from spillover.production.ols import Fe, Ols
    from spillover.production.op import Op
    from spillover.production.wooldridge import Wooldridge

_HOME = {
    "Acf": "acf",
    "Bb": "bb",
    "Bootstrap": "bootstrap",
    "Draws": "bootstrap",
    "Estimate": "estimate",
    "Fe": "ols",
    "Gnr": "gnr",
    "Index": "index",
    "Lp": "lp",
    "Ols": "ols",
    "Op": "op",
    "Overid": "estimate",
    "Wooldridge": "wooldridge",
    "reference_tfp": "index",
}

__all__ = [
    "Acf",
    "Bb",
    "Bootstrap",
    "Draws",
    "Estimate",
    "Fe",
    "Gnr",
    "Index",
    "Lp",
    "Ols",
    "Op",
    "Overid",
    "Wooldridge",
    "reference_tfp",
]


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"spillover.production.{_HOME[name]}"), name)
    raise AttributeError(f"module 'spillover.production' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)

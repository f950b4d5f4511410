"""Case evidence, and what it says about aggregate estimates."""

from spillover.case import fsqca
from spillover.case.crucial import Clue, CrucialCase, crucial_case, failure_factor
from spillover.case.effect import EffectUpdate, prior_from_estimate, update_effect
from spillover.case.kazakhstan import KazakhstanCase, kazakhstan
from spillover.case.local_content import LocalContent, local_content, official_share

__all__ = [
    "Clue",
    "CrucialCase",
    "EffectUpdate",
    "KazakhstanCase",
    "LocalContent",
    "crucial_case",
    "failure_factor",
    "fsqca",
    "kazakhstan",
    "local_content",
    "official_share",
    "prior_from_estimate",
    "update_effect",
]

"""Case evidence, and what it says about aggregate estimates."""

from spillover.case import fsqca
from spillover.case.counterfactual import EFFECTS, Counterfactual, counterfactual
from spillover.case.crucial import Clue, CrucialCase, crucial_case, failure_factor
from spillover.case.effect import EffectUpdate, prior_from_estimate, update_effect
from spillover.case.kazakhstan import KazakhstanCase, kazakhstan
from spillover.case.local_content import LocalContent, local_content, official_share
from spillover.case.predictions import Predictions, predictions
from spillover.case.presence import PresenceChange, presence_change, thesis_flows
from spillover.case.sourcing import Sourcing, sourcing
from spillover.case.sourcing_sensitivity import SourcingSensitivity, sourcing_sensitivity
from spillover.case.worlds import Worlds, worlds
from spillover.case.worlds_specifications import SPECIFICATIONS

__all__ = [
    "EFFECTS",
    "SPECIFICATIONS",
    "Clue",
    "Counterfactual",
    "CrucialCase",
    "EffectUpdate",
    "KazakhstanCase",
    "LocalContent",
    "Predictions",
    "PresenceChange",
    "Sourcing",
    "SourcingSensitivity",
    "Worlds",
    "counterfactual",
    "crucial_case",
    "failure_factor",
    "fsqca",
    "kazakhstan",
    "local_content",
    "official_share",
    "predictions",
    "presence_change",
    "prior_from_estimate",
    "sourcing",
    "sourcing_sensitivity",
    "thesis_flows",
    "update_effect",
    "worlds",
]

"""Inference for regressions on linkage measures."""

from __future__ import annotations

from spillover.inference.confidence_sets import ConfidenceSet
from spillover.inference.conley import conley, spatial_kernel, with_conley
from spillover.inference.diagnostics import ClusterInfluence, effective_clusters
from spillover.inference.exposure import exposure, with_exposure
from spillover.inference.exposure_result import ExposureInference
from spillover.inference.exposure_shares import (
    ShiftShare,
    akm,
)
from spillover.inference.hac import (
    driscoll_kraay,
    newey_west,
    with_driscoll_kraay,
    with_newey_west,
)
from spillover.inference.leads import Leads, leads
from spillover.inference.leave_one_out import LeaveOneOut, leave_one_out
from spillover.inference.marginal import MarginalEffects, marginal_effects
from spillover.inference.oster import Oster, oster
from spillover.inference.placebo import Placebo, placebo
from spillover.inference.power import Power, design_errors, power
from spillover.inference.power_curve import PowerCurve, power_curve
from spillover.inference.randomisation import Randomisation, randomise
from spillover.inference.randomised import with_randomisation
from spillover.inference.share_controls import share_controls
from spillover.inference.shock_level import ShockRegression, shock_balance, shock_regression
from spillover.inference.small_sample import with_small_sample
from spillover.inference.wild import WildTest, wild_bootstrap, with_wild

__all__ = [
    "ClusterInfluence",
    "ConfidenceSet",
    "ExposureInference",
    "Leads",
    "LeaveOneOut",
    "MarginalEffects",
    "Oster",
    "Placebo",
    "Power",
    "PowerCurve",
    "Randomisation",
    "ShiftShare",
    "ShockRegression",
    "WildTest",
    "akm",
    "conley",
    "design_errors",
    "driscoll_kraay",
    "effective_clusters",
    "exposure",
    "leads",
    "leave_one_out",
    "marginal_effects",
    "newey_west",
    "oster",
    "placebo",
    "power",
    "power_curve",
    "randomise",
    "share_controls",
    "shock_balance",
    "shock_regression",
    "spatial_kernel",
    "wild_bootstrap",
    "with_conley",
    "with_driscoll_kraay",
    "with_exposure",
    "with_newey_west",
    "with_randomisation",
    "with_small_sample",
    "with_wild",
]

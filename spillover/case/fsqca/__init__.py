"""Fuzzy-set qualitative comparative analysis (Ragin 1987, 2000, 2008).

Calibrate raw indicators to set memberships, ask which conditions are necessary, lay the cases out
in a truth table, and minimise it to the complex, parsimonious and intermediate solutions.
"""

from spillover.case.fsqca.calibration import calibrate
from spillover.case.fsqca.expression import membership
from spillover.case.fsqca.fit import Necessity, Sufficiency, necessity, sufficiency
from spillover.case.fsqca.necessary import necessary_conditions
from spillover.case.fsqca.robustness import robustness
from spillover.case.fsqca.solution import Model, Solution, minimise
from spillover.case.fsqca.truth_table import TruthTable, truth_table

__all__ = [
    "Model",
    "Necessity",
    "Solution",
    "Sufficiency",
    "TruthTable",
    "calibrate",
    "membership",
    "minimise",
    "necessary_conditions",
    "necessity",
    "robustness",
    "sufficiency",
    "truth_table",
]

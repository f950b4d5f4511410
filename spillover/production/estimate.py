"""What every estimator of one group returns.

>>> import numpy as np
>>> from spillover.production.estimate import Estimate
>>> e = Estimate(method="ols", names=("employment", "capital"), beta=np.array([0.6, 0.3]),
...     omega=np.zeros(4), nobs=4)
>>> round(e.returns_to_scale, 3)                   # sum of `elasticity`, which is beta by default
0.9
>>> e.elasticity.tolist(), e.inputs
([0.6, 0.3], ('employment', 'capital'))
>>> e.std_errors.tolist()                           # NaN without an analytic vcov
[nan, nan]

A translog or GNR estimate also gives ``inputs``, ``elasticity`` (means) and ``elasticity_rows``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from spillover.errors import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Overid:
    """A test of over-identifying restrictions.

    Attributes
    ----------
    statistic : float
    df : int
    p_value : float
        Chi-squared.
    """

    statistic: float
    df: int
    p_value: float


@dataclass(frozen=True, eq=False, repr=False)
class Estimate:
    """A production function estimated for one group.

    Attributes
    ----------
    method : str
    names : tuple of str, (p,)
        Coefficients searched for (without constant and nuisance terms).
    beta : (p,) array
    omega : (n,) array
        Log productivity by row of the inputs, ``y`` less the inputs' contribution; NaN where it
        cannot be computed. It holds the constant and the unforeseen shock.
    nobs : int
        Rows that the (first-stage) regression uses.
    vcov : (p, p) array or None
        Analytic covariance of ``beta``; None where only the bootstrap gives one.
    inputs : tuple of str, (k,)
        The inputs that ``elasticity`` belongs to; ``names`` by default.
    elasticity : (k,) array
        Mean output elasticities; ``beta`` by default.
    elasticity_rows : (n, k) array or None
        Elasticities by row, where they differ.
    phi : (n,) array or None
        First-stage fit of output, where there is one; NaN where it cannot be computed.
    xi : (n,) array or None
        Innovation in productivity, NaN without a lag.
    first_stage : mapping
        Such as r2, nobs, degree, terms.
    objective : float
        At the optimum; NaN where there is a closed form.
    converged : bool
    starts : data frame or None
        One row per start: start_<name>, <name> (optimum), objective, converged, chosen.
    overid : Overid or None
    markov : Series or None
        Coefficients of the law of motion by term, drivers included.
    markov_vcov : data frame or None
        Their covariance where it is known analytically.
    nobs_second : int
        Rows with a lag that the second stage uses; 0 without one.
    searched : tuple of str
        The names that the second stage searches for.
    criterion : callable or None
        Value of the second stage's objective at coefficients of ``searched``.
    details : mapping
        Whatever a method adds (variances, probit of exit, ...).
    notes : tuple of str
        What a reader should know; each becomes part of one warning.
    """

    method: str
    names: tuple[str, ...]
    beta: NDArray[np.float64]
    omega: NDArray[np.float64]
    nobs: int
    vcov: NDArray[np.float64] | None = None
    inputs: tuple[str, ...] = ()
    elasticity: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    elasticity_rows: NDArray[np.float64] | None = None
    phi: NDArray[np.float64] | None = None
    xi: NDArray[np.float64] | None = None
    first_stage: Mapping[str, Any] = field(default_factory=dict)
    objective: float = float("nan")
    converged: bool = True
    starts: pd.DataFrame | None = None
    overid: Overid | None = None
    markov: pd.Series[float] | None = None
    markov_vcov: pd.DataFrame | None = None
    nobs_second: int = 0
    searched: tuple[str, ...] = ()
    criterion: Callable[[NDArray[np.float64]], float] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.inputs:
            object.__setattr__(self, "inputs", self.names)
        if self.elasticity.size == 0:
            object.__setattr__(self, "elasticity", np.asarray(self.beta, dtype=float))

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name} {value:.4f}" for name, value in zip(self.names, self.beta, strict=True)
        )
        state = "" if self.converged else ", not converged"
        return f"Estimate({self.method}: {shown}; {rows(self.nobs)}{state})"

    @property
    def std_errors(self) -> NDArray[np.float64]:
        """Analytic standard errors of ``beta``, NaN without them.

        Returns
        -------
        (p,) array
        """
        if self.vcov is None:
            return np.full(len(self.beta), np.nan)
        return np.sqrt(np.diagonal(self.vcov))

    @property
    def returns_to_scale(self) -> float:
        """Sum of the mean elasticities.

        Returns
        -------
        float
        """
        return float(np.sum(self.elasticity))

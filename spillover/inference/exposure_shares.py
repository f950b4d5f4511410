r"""Shift-share inference on arrays: AKM, AKM0, and the regression at the level of shocks.

A shift-share variable is :math:`X_i = \sum_s w_{is} g_s`: shares w, shocks g. Residuals of units
with similar shares are correlated, wherever the units are; so scores are summed by shock, not by
unit. With Xdd what the controls leave of X, e the residuals and :math:`\omega` the weights,

.. math:: r_c = \sum_{s \in c} h_s \sum_i \omega_i w_{is} e_i, \qquad
          se = \sqrt{\sum_c r_c^2} \Big/ \Big|\sum_i \omega_i \ddot X_i D_i\Big|, \tag{1}

D the regressor (Xdd itself, or what the controls leave of the endogenous one), h the shocks that
the controls leave, c clusters of shocks. Adao, Kolesar & Morales (2019) take h from the regression
of Xdd on the shares (their remark 5); where the shocks are observed they can be used themselves,
less what shock-level controls explain of them (Borusyak, Hull & Jaravel 2022), which is unique even
where there are more shocks than distinct rows of shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from spillover.errors import IdentificationError
from spillover.inference._arrays import Rows, cluster_codes, observed_shocks, projected_shocks
from spillover.inference.confidence_sets import (
    ConfidenceSet,
    Critical,
    check_level,
    effective_number,
    invert,
    null_p_value,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ShiftShare:
    """A coefficient with exposure-robust inference; see :func:`akm`.

    Attributes
    ----------
    estimate, std_error : float
        The standard error is AKM's, equation (1).
    rho, kappa : (clusters,) arrays
        What each cluster of shocks contributes to estimate less truth, from the residuals, and to
        the variation of the regressor; see :mod:`spillover.inference.confidence_sets`.
    nobs, n_shocks : int
    """

    estimate: float
    std_error: float
    rho: Matrix
    kappa: Matrix
    nobs: int
    n_shocks: int

    @property
    def effective_shocks(self) -> float:
        """1 / sum kappa_c^2.

        Returns
        -------
        float
        """
        return effective_number(self.kappa)

    def p_value(self, null: float = 0.0) -> float:
        """Return AKM's p-value: a normal test with the standard error.

        Parameters
        ----------
        null : float

        Returns
        -------
        float
        """
        return float(2 * stats.norm.sf(abs(self.estimate - null) / self.std_error))

    def null_p_value(self, null: float = 0.0, *, critical: Critical = "normal") -> float:
        """Return AKM0's p-value: the test with the null imposed.

        Parameters
        ----------
        null : float
        critical : {"normal", "effective"}

        Returns
        -------
        float
        """
        return null_p_value(self.rho, self.kappa, self.estimate - null, critical)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return AKM's interval.

        Parameters
        ----------
        level : float

        Returns
        -------
        (float, float)
        """
        check_level(level)
        half = float(stats.norm.ppf((1 + level) / 2)) * self.std_error
        return self.estimate - half, self.estimate + half

    def confidence_set(
        self, level: float = 0.95, *, critical: Critical = "normal"
    ) -> ConfidenceSet:
        """Return AKM0's set: the values that the test with the null imposed keeps.

        Parameters
        ----------
        level : float
        critical : {"normal", "effective"}

        Returns
        -------
        ConfidenceSet
        """
        return invert(self.estimate, self.rho, self.kappa, level, critical)


def akm(
    y: ArrayLike,
    X: ArrayLike,
    shares: ArrayLike,
    *,
    controls: ArrayLike | None = None,
    endogenous: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    shocks: ArrayLike | None = None,
    shock_controls: ArrayLike | None = None,
) -> ShiftShare:
    """Regress y on a shift-share variable, or use it as an instrument, with exposure-robust errors.

    Parameters
    ----------
    y : (n,) array
    X : (n,) array
        The shift-share variable; the instrument if ``endogenous`` is given.
    shares : (n, shocks) array
        Exposure of each unit to each shock. In a panel, shocks are shock-years and a unit has zeros
        in other years.
    controls : (n, p) array, optional
        Partialled out of everything; a column of ones by default. Pass an array without columns for
        arrays that were residualised before.
    endogenous : (n,) array, optional
        The regressor that X is the instrument of.
    weights : (n,) array, optional
        Positive.
    clusters : (shocks,) array, optional
        Shocks of the same cluster may be correlated, as those of an industry over time.
    shocks : (shocks,) array, optional
        The observed shocks. Without them h comes from the regression of X on the shares.
    shock_controls : (shocks, q) array, optional
        What is partialled out of observed shocks, with the shares' totals as weights; a column of
        ones by default.

    Returns
    -------
    ShiftShare

    Raises
    ------
    SchemaError
        For arrays that do not fit together, are not finite, or weights that are not positive.
    IdentificationError
        If the controls leave nothing of X, or X says nothing about the endogenous regressor.

    Warns
    -----
    SpilloverWarning
        If the shares have dependent columns and shocks are not given: h is then not unique. The
        solution of least norm is taken, which does not depend on the columns' order.

    References
    ----------
    Adao, R., Kolesar, M. & Morales, E. (2019). Shift-share designs: theory and inference.
    Quarterly Journal of Economics 134(4), 1949-2010.

    Borusyak, K., Hull, P. & Jaravel, X. (2022). Quasi-experimental shift-share research designs.
    Review of Economic Studies 89(1), 181-213.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> shares = rng.dirichlet(np.ones(12), size=200)
    >>> X = shares @ rng.standard_normal(12)
    >>> y = shares @ rng.standard_normal(12) + rng.standard_normal(200)
    >>> result = akm(y, X, shares)
    >>> bool(result.confidence_set().contains(result.estimate))
    True
    """
    rows = Rows.of(y, X, shares, controls=controls, endogenous=endogenous, weights=weights)
    left = rows.residualise(np.column_stack([rows.y, rows.X, rows.D]))
    ydd, Xdd, Ddd = left.T
    w = rows.weights
    strength = float(w @ (Xdd * Ddd))
    scale = np.sqrt(float(w @ Xdd**2) * float(w @ Ddd**2))
    if w @ Xdd**2 <= 1e-16 * (w @ rows.X**2):
        raise IdentificationError("The controls leave nothing of the shift-share variable.")
    if abs(strength) <= 1e-12 * scale:
        raise IdentificationError("The instrument is not related to the endogenous regressor.")
    estimate = float(w @ (Xdd * ydd)) / strength
    h = (
        projected_shocks(Xdd, rows.shares, w)
        if shocks is None
        else observed_shocks(shocks, shock_controls, w @ rows.shares)
    )
    codes = cluster_codes(clusters, len(h))
    rho, kappa = (
        np.bincount(codes, h * (rows.shares.T @ (w * column))) / strength
        for column in (ydd - Ddd * estimate, Ddd)
    )
    return ShiftShare(
        estimate, float(np.sqrt(rho @ rho)), rho, kappa, len(ydd), rows.shares.shape[1]
    )

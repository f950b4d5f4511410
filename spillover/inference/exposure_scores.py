r"""The joint score of Horizontal, Backward and Forward, summed by industry of presence.

Let linkage regressor m of firm i in industry j and year t be
:math:`X^m_{it} = \sum_k w^m_{jk} g^m_{kt}`: shares w (the identity for Horizontal, alpha for
Backward, sigma for Forward, their products for the other measures) and shocks g, the presence of
industry k (net of exports for Forward). All of them are moved by what happens to presence in the
same industries, so their scores are summed together, by k over all years:

.. math:: r_k = \sum_t \sum_m h^m_{kt} R^m_{kt}\,\iota_m, \qquad
          R^m_{kt} = \sum_{i} \omega_{it} w^m_{jk} e_{it}, \tag{1}

with :math:`\iota_m` the m-th unit vector, e the residuals, :math:`\omega` the weights and

.. math:: h^m_{kt} = g^m_{kt} - \sum_l s^m_{lt} g^m_{lt} \Big/ \sum_l s^m_{lt}, \qquad
          s^m_{kt} = \sum_i \omega_{it} w^m_{jk} \tag{2}

the shocks less their exposure-weighted mean of the year: the shock-level counterpart of year
effects and of the control for incomplete shares x year (Borusyak, Hull & Jaravel 2022, eq. 11).
A constant of industry k drops out of (1) by itself where firm effects are absorbed, because
residuals add up to zero over a firm's years.

**What the shocks do not explain.** :math:`X^m_{it} - \sum_k w^m_{jk} h^m_{kt}` is the year's mean
times the sum of shares, and the firm's own part where Horizontal leaves the firm out. Effects and
controls take it up, but for what they leave: :math:`q^m_{it}`. That part is no shift-share of the
shocks; :math:`\omega q^m e` is added to r of the firm's own industry, so that always
:math:`\sum_k r_k = \tilde X_L' \Omega e` exactly. Incomplete shares without
their control show here.

**Composition of the covariance.** With B the inverse of the cross-products of all regressors (the
bread), L the linkage regressors and Z the others, shock cluster k contributes

.. math:: \psi^L_k = B_{LL}\, r_k, \qquad
          \psi^Z_k = \sqrt{c}\; B_{Z\cdot} \sum_{i \in k} \omega_i \tilde x_i e_i, \qquad
          V = \sum_k \psi_k \psi_k'. \tag{3}

The block of L is that of Adao, Kolesar & Morales (2019) with Z among their controls: given errors
and Z only the shocks are random. The block of Z is the usual one clustered by industry, with its
small-sample factor c. V is positive semi-definite and gives Wald tests across both.

**Null imposed.** Under :math:`\beta_M = b_0` the others are estimated anew: residuals are
:math:`e + \tilde X B_{\cdot M} B_{MM}^{-1} \delta`, :math:`\delta = \hat\beta_M - b_0`, so

.. math:: \psi_k(b_0) = \rho_k + P_k B_{MM}^{-1} \delta, \qquad
          \sum_k \psi_k(b_0) = \delta, \tag{4}

linear in delta, with :math:`\rho_k = B_{LL} r_k(e)` and column m of :math:`P_k` equal to
:math:`B_{LL} r_k(\tilde X B_{\cdot m})`. For one coefficient
:math:`\kappa_k = P_{k,mm} / B_{mm}`, and (4) is what
:mod:`spillover.inference.confidence_sets` inverts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spillover.panel.clusters import outside_clusters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from spillover.inference.exposure_terms import Exposure
    from spillover.panel.estimated import Estimated

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

SPANNED = 1e-6
"""Part of a regressor's sum of squares below which what the shocks do not explain is rounding."""


@dataclass(frozen=True, eq=False)
class JointScore:
    """The arrays of equations (1) to (4).

    Attributes
    ----------
    linkage, other : (l,), (z,) arrays
        Positions of linkage regressors and of the others.
    rho : (clusters, l) array
    P : (clusters, l, l) array
        P[k, m, m'] of equation (4).
    psi_other : (clusters, z) array
    bread : (l, l) array
        B_LL.
    unexplained : (l,) array
        Part of each linkage regressor's sum of squares that its shocks do not explain because
        shares are incomplete.
    own : (l,) array
        The same for other reasons: the firm left out of its own industry, firms that change
        industry between the years of a difference.
    """

    linkage: Codes
    other: Codes
    rho: Matrix
    P: Matrix
    psi_other: Matrix
    bread: Matrix
    unexplained: Matrix
    own: Matrix

    @property
    def kappa(self) -> Matrix:
        """What each shock contributes to each coefficient's variation, (clusters, l)."""
        diagonal = np.diagonal(self.P, axis1=1, axis2=2)
        result: Matrix = diagonal / np.diagonal(self.bread)
        return result

    @property
    def vcov(self) -> Matrix:
        """Equation (3), in the order of all regressors."""
        size = len(self.linkage) + len(self.other)
        psi = np.zeros((len(self.rho), size))
        psi[:, self.linkage] = self.rho
        psi[:, self.other] = self.psi_other
        result: Matrix = psi.T @ psi
        return result


def joint_score(estimated: Estimated, exposures: Mapping[int, Exposure]) -> JointScore:
    """Sum the scores of a regression by shock.

    Parameters
    ----------
    estimated : Estimated
        Of least squares.
    exposures : mapping of int to Exposure
        From :func:`spillover.inference.exposure_terms.find_exposures`; all on the same sectors.

    Returns
    -------
    JointScore
    """
    squares, w = estimated.squares, estimated.design.weights
    linkage = np.array(sorted(exposures), dtype=np.intp)
    other = np.setdiff1d(np.arange(estimated.X.shape[1]), linkage)
    terms = [exposures[int(j)] for j in linkage]
    shocks = [term.residualise(term.shocks) for term in terms]
    gap, unexplained, own = _gaps(estimated, terms, shocks, linkage, other)
    homes = [term.layout.home for term in terms]
    clusters = len(terms[0].layout.links.axes.sectors)

    def by_shock(column: Matrix) -> Matrix:
        values = column if w is None else column * w
        result = np.empty((clusters, len(terms)))
        for m, (term, h) in enumerate(zip(terms, shocks, strict=True)):
            result[:, m] = (h * term.collect(term.cell_sums(values))).sum(axis=(1, 2))
            rest = gap[m]
            if rest is not None:
                result[:, m] += np.bincount(homes[m], values * rest, clusters)
        return result

    bread = squares.bread[np.ix_(linkage, linkage)]
    rho = by_shock(squares.residuals) @ bread
    P = np.empty((clusters, len(terms), len(terms)))
    for m, j in enumerate(linkage):
        P[:, :, m] = by_shock(estimated.X @ squares.bread[:, j]) @ bread
    psi_other = _other_scores(estimated, other, homes[0], clusters)
    return JointScore(linkage, other, rho, P, psi_other, bread, unexplained, own)


def _gaps(
    estimated: Estimated,
    terms: list[Exposure],
    shocks: list[Matrix],
    linkage: Codes,
    other: Codes,
) -> tuple[list[Matrix | None], Matrix, Matrix]:
    """Return what shocks do not explain of each regressor, after effects and other regressors."""
    gap: list[Matrix | None] = []
    parts = np.zeros((2, len(terms)))
    for m, (term, h, j) in enumerate(zip(terms, shocks, linkage, strict=True)):
        exact = term.rows(term.spread(term.shocks))
        explained = term.rows(term.spread(h))
        column = estimated.design.X[:, j]
        rest = column - exact
        columns = [exact - explained]
        if np.abs(rest).max(initial=0.0) > 1e-9 * max(float(np.ptp(column)), 1e-300):
            columns.append(rest)
        left = _leave(estimated, np.column_stack(columns), other)
        whole = _leave(estimated, estimated.X[:, [j]], other, absorbed=True)[:, 0]
        for row, values in enumerate(left.T):
            parts[row, m] = _square(values, estimated) / _square(whole, estimated)
        matters = parts[: left.shape[1], m] > SPANNED
        gap.append(left[:, matters].sum(axis=1) if matters.any() else None)
    return gap, parts[0], parts[1]


def _square(values: Matrix, estimated: Estimated) -> float:
    w = estimated.design.weights
    return float(values @ (values if w is None else values * w))


def _leave(
    estimated: Estimated, columns: Matrix, other: Codes, *, absorbed: bool = False
) -> Matrix:
    """Residualise columns on the absorbed effects and the other regressors."""
    if estimated.absorber is not None and not absorbed:
        columns = estimated.absorber.residualise(columns)
    if len(other) == 0:
        return columns
    Z, w = estimated.X[:, other], estimated.design.weights
    weighted = Z if w is None else Z * w[:, None]
    solved = np.linalg.lstsq(weighted.T @ Z, weighted.T @ columns, rcond=None)[0]
    result: Matrix = columns - Z @ solved
    return result


def _other_scores(estimated: Estimated, other: Codes, home: Codes, clusters: int) -> Matrix:
    """Return psi of the other regressors, by the firms' own industry."""
    if len(other) == 0:
        return np.empty((clusters, 0))
    squares = estimated.squares
    scores = squares.scores
    sums = np.column_stack([np.bincount(home, column, clusters) for column in scores.T])
    groups = len(np.unique(home))
    rows, k = scores.shape
    outside = outside_clusters(estimated.absorber, estimated.design.effects, {"industry": home})
    factor = groups / max(groups - 1, 1) * (rows - 1) / max(rows - k - outside, 1)
    result: Matrix = np.sqrt(factor) * sums @ squares.bread[:, other]
    return result

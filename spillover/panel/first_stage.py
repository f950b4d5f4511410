"""How strong the instruments are: first-stage F, Kleibergen-Paap, Cragg-Donald, effective F."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from spillover.panel.covariance import covariance
from spillover.panel.ols import Equations, project

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

BIAS = (0.05, 0.10, 0.20, 0.30)


@dataclass(frozen=True, eq=False)
class FirstStage:
    """The strength of the instruments.

    Every F uses the covariance of the regression (``label``) with its small-sample rule; the tests
    of Cragg-Donald and partial R2 are homoskedastic by their nature.

    Attributes
    ----------
    table : pandas.DataFrame
        By endogenous regressor: f, df_num, df_denom, p_value, partial_r2.
    instruments : tuple of str
        The excluded ones.
    kleibergen_paap_f : float
        Wald F of the rank (Kleibergen & Paap 2006); with one endogenous regressor the first-stage
        F.
    kleibergen_paap_lm, lm_df, lm_p_value : float, int, float
        LM test that the instruments do not identify the coefficients.
    cragg_donald_f : float
        The smallest eigenvalue, as F (Stock & Yogo 2005).
    effective_f : float
        Of Montiel Olea & Pflueger (2013); missing with several endogenous regressors.
    critical_values : pandas.Series
        Worst-case bias of 2SLS, as a share of the benchmark -> what ``effective_f`` must exceed, at
        5 per cent.
    label : str

    References
    ----------
    Kleibergen, F. & Paap, R. (2006). Generalized reduced rank tests using the singular value
    decomposition. Journal of Econometrics 133(1), 97-126.
    Montiel Olea, J. L. & Pflueger, C. (2013). A robust test for weak instruments. Journal of
    Business & Economic Statistics 31(3), 358-369; the simplified (conservative) critical values.
    """

    table: pd.DataFrame
    instruments: tuple[str, ...]
    kleibergen_paap_f: float
    kleibergen_paap_lm: float
    lm_df: int
    lm_p_value: float
    cragg_donald_f: float
    effective_f: float
    critical_values: pd.Series[float]
    label: str

    def lines(self) -> list[str]:
        """Say it in words, a line for each endogenous regressor and one for all.

        Returns
        -------
        list of str
        """
        rows = [
            f"First stage of {name}: F({row['df_num']:.0f}, {row['df_denom']:,.0f}) = "
            f"{row['f']:.4g}, partial R2 {row['partial_r2']:.4f}"
            for name, row in self.table.iterrows()
        ]
        strength = (
            f"effective F {self.effective_f:.4g} (10 % bias: {self.critical_values[0.10]:.4g})"
            if np.isfinite(self.effective_f)
            else f"Kleibergen-Paap F {self.kleibergen_paap_f:.4g}"
        )
        return [*rows, f"Instruments {', '.join(self.instruments)}: {strength}"]

    def __repr__(self) -> str:
        return "\n".join(self.lines())


class Errors(NamedTuple):
    """The covariance of the regression, applied to the first stage."""

    kind: str
    clusters: Mapping[str, Codes]
    absorbed: int
    outside_clusters: int
    df: float | None
    label: str


def first_stage(
    X: Matrix,
    Z: Matrix,
    weights: Matrix | None,
    *,
    endogenous: Sequence[str],
    instruments: Sequence[str],
    errors: Errors,
) -> FirstStage:
    """Measure how well the excluded instruments predict the endogenous regressors.

    Parameters
    ----------
    X : (n, k) array
        Regressors that the effects leave, the endogenous ones last.
    Z : (n, l) array
        Excluded instruments that the effects leave.
    weights : (n,) array or None
    endogenous, instruments : sequence of str
    errors : Errors

    Returns
    -------
    FirstStage
    """
    p, count = len(endogenous), Z.shape[1]
    included = X.shape[1] - p
    columns = np.hstack([X[:, included:], Z])
    columns = columns - X[:, :included] @ project(X[:, :included], columns, weights)
    X2, Z2 = columns[:, :p], columns[:, p:]
    Pi = project(Z2, X2, weights)
    left = X2 - Z2 @ Pi
    parameters = included + count + errors.absorbed
    V = _joint_covariance(Z2, left, weights, errors, included + count, small=True)
    df = len(X) - parameters if errors.df is None else errors.df
    wX2 = X2 if weights is None else X2 * weights[:, None]
    wZ2 = Z2 if weights is None else Z2 * weights[:, None]
    wleft = left if weights is None else left * weights[:, None]
    total, residual, Q = wX2.T @ X2, wleft.T @ left, wZ2.T @ Z2
    records = []
    for j in range(p):
        block = slice(j * count, (j + 1) * count)
        f = float(Pi[:, j] @ Equations.of(V[block, block]).solve(Pi[:, j])) / count
        records.append(
            {
                "f": f,
                "df_num": count,
                "df_denom": df,
                "p_value": float(special.fdtrc(count, df, f)),
                "partial_r2": 1 - float(residual[j, j] / total[j, j]),
            }
        )
    null = _joint_covariance(Z2, X2, weights, errors, 0, small=False)
    wald = _rank_statistic(Pi, V, Q, total)
    lm = _rank_statistic(Pi, null, Q, total)
    surplus = count - p + 1
    effective, critical = _effective(Pi, V, Q) if p == 1 else (np.nan, np.full(len(BIAS), np.nan))
    return FirstStage(
        table=pd.DataFrame(records, index=pd.Index(endogenous, name="endogenous")),
        instruments=tuple(instruments),
        kleibergen_paap_f=wald / count,
        kleibergen_paap_lm=lm,
        lm_df=surplus,
        lm_p_value=float(special.chdtrc(surplus, lm)),
        cragg_donald_f=_cragg_donald(total, residual, len(X) - parameters, count),
        effective_f=effective,
        critical_values=pd.Series(critical, pd.Index(BIAS, name="bias"), name="critical_value"),
        label=errors.label,
    )


def _joint_covariance(
    Z: Matrix,
    residuals: Matrix,
    weights: Matrix | None,
    errors: Errors,
    regressors: int,
    *,
    small: bool,
) -> Matrix:
    """Return the covariance of vec(Pi), instruments fastest; without ``small``, no factor."""
    n, p = residuals.shape
    weighted = Z if weights is None else Z * weights[:, None]
    bread = Equations.of(weighted.T @ Z).inverse()
    if errors.kind == "iid":
        wr = residuals if weights is None else residuals * weights[:, None]
        df = n - errors.absorbed - (regressors if small else 0)
        classical: Matrix = np.kron(wr.T @ residuals / df, bread)
        return classical
    scores = np.hstack([weighted * residuals[:, [j]] for j in range(p)])
    joint = np.asarray(np.kron(np.eye(p), bread), dtype=np.float64)
    if small or errors.clusters:
        V = covariance(
            "cluster" if errors.clusters else "hetero",
            joint,
            scores,
            residuals[:, 0],
            weights=weights,
            clusters=errors.clusters,
            parameters=regressors + errors.absorbed,
            parameters_outside_clusters=regressors + errors.outside_clusters,
        )
        if small:
            return V
        groups = min(int(codes.max()) + 1 for codes in errors.clusters.values())
        outside = n - regressors - errors.outside_clusters
        plain: Matrix = V / (groups / (groups - 1) * (n - 1) / outside)
        return plain
    robust: Matrix = joint @ (scores.T @ scores) @ joint
    return robust


def _rank_statistic(Pi: Matrix, V: Matrix, Q: Matrix, total: Matrix) -> float:
    """Test that Pi has less than full column rank (Kleibergen & Paap 2006, theorem 1).

    Pi is scaled to canonical correlations; the smallest singular value and the left vectors beside
    the larger ones span the null, and the form is invariant to the choice of their basis.
    """
    p = Pi.shape[1]
    G = np.linalg.cholesky(Q).T
    F = np.linalg.inv(np.linalg.cholesky(total)).T
    U, singular, Vt = np.linalg.svd(G @ Pi @ F)
    outer = np.kron(Vt[p - 1] @ F.T, U[:, p - 1 :].T @ G)
    direction = np.zeros(U.shape[0] - p + 1)
    direction[0] = singular[p - 1]
    return float(direction @ np.linalg.solve(outer @ V @ outer.T, direction))


def _cragg_donald(total: Matrix, residual: Matrix, df: int, count: int) -> float:
    explained = total - residual
    half = np.linalg.inv(np.linalg.cholesky(residual / df))
    return float(np.linalg.eigvalsh(half @ explained @ half.T)[0]) / count


def _effective(Pi: Matrix, V: Matrix, Q: Matrix) -> tuple[float, Matrix]:
    """Return the effective F and its critical values at 5 per cent."""
    half = np.linalg.cholesky(Q).T
    W = half @ V @ half.T
    trace = float(np.trace(W))
    effective = float(Pi[:, 0] @ Q @ Pi[:, 0]) / trace
    x = 1 / np.array(BIAS)
    largest = float(np.linalg.eigvalsh(W)[-1])
    df = trace**2 * (1 + 2 * x) / (float((W * W).sum()) + 2 * x * trace * largest)
    return effective, special.chndtrix(0.95, df, x * df) / df

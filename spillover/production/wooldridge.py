"""Wooldridge (2009): both proxy equations at once by GMM, with analytic standard errors.

Equation 1 is output on inputs and a polynomial c(state, proxy) that stands for productivity.
Equation 2 puts last year's c in its place, so that flexible inputs are instrumented by their lags.

>>> import numpy as np, pandas as pd
>>> from spillover.production.data import build_inputs
>>> rng = np.random.default_rng(5)
>>> w, k, parts = rng.normal(0, 0.3, 200), rng.normal(2, 0.6, 200), []
>>> for year in range(6):
...     l = k + w + rng.normal(0, 0.4, 200)
...     y, m = 0.6 * l + 0.4 * k + w + rng.normal(0, 0.1, 200), w + 0.5 * k
...     rows = {"firm": range(200), "year": year, "y": y, "l": l, "k": k, "m": m}
...     parts.append(pd.DataFrame(rows))
...     k = 0.9 * k + 0.2 * w + 0.2 + rng.normal(0, 0.2, 200)
...     w = 0.7 * w + rng.normal(0, 0.2, 200)
>>> groups, _ = build_inputs(pd.concat(parts), output="y", free=["l"], state=["k"], proxy="m",
...     by=None, logged=True)
>>> estimate = estimate_wooldridge(groups["all"], Wooldridge(degree=2))
>>> bool(np.abs(estimate.beta - [0.6, 0.4]).max() < 0.08), estimate.overid.df
(True, 1)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from scipy import linalg, sparse, stats

from spillover.errors import IdentificationError, SchemaError, check_choice, preview, rows
from spillover.production._concentrate import independent
from spillover.production.estimate import Estimate, Overid
from spillover.production.polynomial import basis, exponents

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.production.data import Inputs

    Array = NDArray[np.float64]

WEAK = 1e-8
"""Below this (relative) singular value a coefficient counts as not identified."""


@dataclass(frozen=True)
class Wooldridge:
    """Settings of :func:`estimate_wooldridge`.

    Attributes
    ----------
    degree : int
        Of the polynomial c(state, proxy).
    equations : {"both", "second", "pooled"}
        "both" is Wooldridge's system. "second" uses the lagged equation alone, by two-stage least
        squares or GMM (Petrin, Reiter & White 2011; Petrin & Levinsohn 2012). "pooled" stacks the
        equations with one and the same polynomial and instruments, as R's prodestWRDG does; it
        holds if productivity is a random walk without drift and labour reacts after a year.
    weighting : {"two_step", "two_stage"}
        "two_step" weights moments by the inverse of their clustered covariance at the two-stage
        least-squares estimate; "two_stage" stops there.
    linear_state : bool
        Whether c holds the state inputs linearly in equation 1, as productivity's inverse demand
        does. Without (R's prodestWRDG_GMM), equation 1 takes their whole linear part for the
        production function's, and what "linear" means changes with the inputs' units.
    shifters : tuple of str
        Extra columns that also move the proxy; they enter c linearly.
    cluster : str, optional
        An extra column whose values are the clusters; firms by default.
    """

    degree: int = 3
    equations: Literal["both", "second", "pooled"] = "both"
    weighting: Literal["two_step", "two_stage"] = "two_step"
    linear_state: bool = True
    shifters: tuple[str, ...] = ()
    cluster: str | None = None

    def __post_init__(self) -> None:
        check_choice("equations", self.equations, ["both", "second", "pooled"])
        check_choice("weighting", self.weighting, ["two_step", "two_stage"])


@dataclass(frozen=True, eq=False)
class System:
    """Stacked equations of a linear GMM problem.

    Attributes
    ----------
    y : (m,) array
    X : (m, p) array
        The structural coefficients' regressors come first.
    Z : (m, q) array
        Instruments, zero outside of their equation.
    clusters, weights : (m,) arrays
    copies : bool
        Whether a weight above one stands for that many clusters (firms drawn by the bootstrap).
    """

    y: Array
    X: Array
    Z: Array
    clusters: NDArray[np.int64]
    weights: Array
    copies: bool = True


@dataclass(frozen=True, eq=False)
class Gmm:
    """A linear GMM estimate: coefficients, their clustered covariance, J, moments, clusters."""

    b: Array
    vcov: Array
    j: float
    moments: int
    clusters: int
    residuals: Array


def estimate_wooldridge(inputs: Inputs, settings: Wooldridge | None = None) -> Estimate:
    """Estimate a production function by Wooldridge's (2009) one-step GMM.

    Parameters
    ----------
    inputs : Inputs
    settings : Wooldridge, optional

    Returns
    -------
    Estimate
        ``vcov`` is robust to any dependence within clusters. ``overid`` is Hansen's J (with
        "two_step"; None where the equations are just identified).

    Raises
    ------
    SchemaError
        Without a proxy, or with an unknown cluster column.
    IdentificationError
        With too few rows or clusters, or collinear inputs.

    Notes
    -----
    Equation 2's function of last year's (state, proxy) is left free, as in the applied literature:
    f(c(state, proxy)) is one such function. The price is that the state input needs variation that
    last year's state and proxy do not explain, such as shocks to capital or to its price. Demand
    for the proxy must not depend on flexible inputs given productivity, as it does where
    materials are proportional to output and labour is not chosen with full knowledge (the first
    and third designs of Ackerberg, Caves & Frazer 2015): use ``acf`` there.

    References
    ----------
    Wooldridge, J. M. (2009). On estimating firm-level production functions using proxy variables
    to control for unobservables. Economics Letters 104(3), 112-114.
    """
    settings = settings or Wooldridge()
    at = _rows(inputs, settings)
    system, labels = _system(inputs, at, settings)
    free, state = inputs.free.shape[1], inputs.state.shape[1]
    structural = free + state
    _check_size(at, system, settings)
    gmm = linear_gmm(system, settings.weighting, structural, inputs.names.inputs)
    beta, vcov = gmm.b[:structural], gmm.vcov[:structural, :structural]
    drivers = inputs.markov.shape[1]
    df = gmm.moments - len(gmm.b)
    chain = slice(structural, structural + drivers)
    return Estimate(
        method="wooldridge",
        names=inputs.names.inputs,
        beta=beta,
        omega=inputs.y - inputs.X @ beta,
        nobs=int(inputs.weights[at].sum()),
        vcov=vcov,
        first_stage={"degree": settings.degree, "terms": labels, "moments": gmm.moments},
        objective=gmm.j,
        overid=Overid(gmm.j, df, float(stats.chi2.sf(gmm.j, df)))
        if df > 0 and settings.weighting == "two_step"
        else None,
        markov=pd.Series(gmm.b[chain], index=list(inputs.names.markov), name="markov")
        if drivers
        else None,
        markov_vcov=pd.DataFrame(
            gmm.vcov[chain, chain], index=inputs.names.markov, columns=inputs.names.markov
        )
        if drivers
        else None,
        nobs_second=int(inputs.weights[at].sum()),
        details={"clusters": gmm.clusters, "equations": settings.equations},
        notes=_notes(gmm, settings),
    )


def _notes(gmm: Gmm, settings: Wooldridge) -> tuple[str, ...]:
    notes = []
    if gmm.clusters < 40:
        notes.append(f"standard errors rest on only {gmm.clusters} clusters")
    if settings.weighting == "two_step" and gmm.moments >= gmm.clusters:
        notes.append(
            f"{gmm.moments} moments for {gmm.clusters} clusters: the two-step weights are not "
            "reliable; lower degree or use weighting='two_stage'"
        )
    return tuple(notes)


def _shifters(inputs: Inputs, settings: Wooldridge) -> Array:
    columns = [inputs.extra[name] for name in settings.shifters]
    return np.column_stack(columns) if columns else np.empty((len(inputs), 0))


def _rows(inputs: Inputs, settings: Wooldridge) -> NDArray[np.int64]:
    """Rows with a lag, a proxy now and a year ago, and known drivers."""
    if inputs.proxy is None:
        raise SchemaError("method='wooldridge' needs proxy='materials' (or another column).")
    if not inputs.state.shape[1]:
        raise SchemaError("method='wooldridge' needs at least one state input, such as 'capital'.")
    here = np.isfinite(np.column_stack([inputs.proxy, _shifters(inputs, settings)])).all(axis=1)
    known = here & np.isfinite(inputs.lagged(np.where(here, 0.0, np.nan)))
    return inputs.second[known[inputs.second]]


def _check_size(at: NDArray[np.int64], system: System, settings: Wooldridge) -> None:
    needed = system.X.shape[1]
    if len(at) <= needed:
        raise IdentificationError(
            f"{rows(len(at))} with a lag are too few for {needed} coefficients. Lower "
            f"degree={settings.degree} or pool groups."
        )
    if len(np.unique(system.clusters)) < 2:
        raise IdentificationError("All rows belong to one cluster: there are no standard errors.")


def _clusters(inputs: Inputs, at: NDArray[np.int64], settings: Wooldridge) -> NDArray[np.int64]:
    if settings.cluster is None:
        return inputs.firm[at]
    if settings.cluster not in inputs.extra:
        raise SchemaError(
            f"cluster={settings.cluster!r} is not among the extra columns "
            f"({preview(list(inputs.extra)) or 'none'})."
        )
    codes = pd.factorize(inputs.extra[settings.cluster][at], use_na_sentinel=True)[0]
    if (codes < 0).any():
        raise SchemaError(f"{settings.cluster} is missing in {rows(int((codes < 0).sum()))}.")
    return codes.astype(np.int64)


def _system(inputs: Inputs, at: NDArray[np.int64], settings: Wooldridge) -> tuple[System, int]:
    """Lay out regressors and instruments; polynomials standardised, with now's and lag's scales."""
    before = inputs.previous[at]
    plain = not settings.linear_state and settings.equations == "both"
    C, C_lag = _polynomials(inputs, at, settings, natural=plain or settings.equations == "pooled")
    F, S, D = inputs.free[at], inputs.state[at], inputs.markov[at]
    n, one, y, w = len(at), np.ones((len(at), 1)), inputs.y[at], inputs.weights[at]
    clusters, copies = _clusters(inputs, at, settings), settings.cluster is None
    lagged = [one, inputs.free[before], S, D, C_lag]
    if settings.equations == "second":
        X = np.column_stack([F, S, D, one, C_lag])
        return System(y, X, np.column_stack(lagged), clusters, w, copies), C_lag.shape[1]
    twice = {
        "y": np.r_[y, y],
        "clusters": np.r_[clusters, clusters],
        "weights": np.r_[w, w],
        "copies": copies,
    }
    inputs_twice = np.vstack([np.column_stack([F, S])] * 2)
    zero = np.zeros_like
    if settings.equations == "pooled":
        rest = np.column_stack([np.r_[zero(D), D], np.ones(2 * n), np.vstack([C, C_lag])])
        lag_twice = np.vstack([np.column_stack([inputs.free[before], S])] * 2)
        Z = np.column_stack([lag_twice, rest])
        return System(X=np.column_stack([inputs_twice, rest]), Z=Z, **twice), C.shape[1]
    if not settings.linear_state:
        linear = _linear_state(S.shape[1], settings.degree)
        C = C[:, np.r_[~linear, np.ones(C.shape[1] - len(linear), dtype=bool)]]
    X = np.column_stack(
        [inputs_twice, np.vstack([zero(D), D]), linalg.block_diag(np.column_stack([one, C]), one)]
    )
    X = np.column_stack([X, np.vstack([zero(C_lag), C_lag])])
    Z = linalg.block_diag(np.column_stack([one, F, S, C]), np.column_stack(lagged))
    return System(X=X, Z=Z, **twice), C_lag.shape[1]


def _polynomials(
    inputs: Inputs, at: NDArray[np.int64], settings: Wooldridge, *, natural: bool
) -> tuple[Array, Array]:
    """Terms of c without the constant, now and a year ago; in the inputs' own units or scaled."""
    proxy, shifters = np.column_stack([inputs.state, inputs.proxy]), _shifters(inputs, settings)  # type: ignore[list-item]
    now, before = (
        np.column_stack(
            [basis(proxy[r], settings.degree, standardise=not natural)[:, 1:], shifters[r]]
        )
        for r in (at, inputs.previous[at])
    )
    return now, before


def _linear_state(states: int, degree: int) -> NDArray[np.bool_]:
    """Tell which terms after the constant are a state input alone."""
    powers = exponents(states + 1, degree)[1:]
    alone: NDArray[np.bool_] = (powers.sum(axis=1) == 1) & (powers[:, -1] == 0)
    return alone


def linear_gmm(
    system: System,
    weighting: str,
    structural: int,
    names: tuple[str, ...],
) -> Gmm:
    """Solve a linear GMM problem on orthonormal instruments.

    Parameters
    ----------
    system : System
    weighting : {"two_step", "two_stage"}
    structural : int
        How many leading coefficients matter; the others may be redundant.
    names : tuple of str
        Of the structural coefficients.

    Returns
    -------
    Gmm
        With the factor clusters / (clusters - 1) in the covariance.

    Raises
    ------
    IdentificationError
        If the moments do not settle the structural coefficients.
    """
    root = np.sqrt(system.weights)[:, None]
    Q = independent(root * system.Z)[0]
    X, y = root * system.X, root[:, 0] * system.y
    A, target = Q.T @ X, Q.T @ y
    _check_identified(A, structural, names)
    b = linalg.lstsq(A, target)[0]
    S, groups = _moment_covariance(Q, y - X @ b, system, root)
    half = np.eye(len(A))
    if weighting == "two_step":
        half = _inverse_half(S)
        b = linalg.lstsq(half @ A, half @ target)[0]
    u = y - X @ b
    spread = S if weighting == "two_step" else _moment_covariance(Q, u, system, root)[0]
    inner = linalg.pinv(half @ A)
    gain = inner @ half
    vcov = gain @ spread @ gain.T * groups / max(groups - 1, 1)
    g = half @ (Q.T @ u)
    return Gmm(b, vcov, float(g @ g), len(A), groups, u / root[:, 0])


def _moment_covariance(Q: Array, u: Array, system: System, root: Array) -> tuple[Array, int]:
    """Sum over clusters the outer product of their moments; a firm drawn twice is two clusters."""
    codes, index = np.unique(system.clusters, return_inverse=True)
    n, times = len(u), np.ones(len(codes))
    scores = Q * u[:, None]  # both hold the root of the weight: a row counts weight times
    if system.copies:
        times[index] = system.weights
        scores = scores / root**2
    pick = sparse.csr_array((np.ones(n), (index, np.arange(n))), shape=(len(codes), n))
    sums = np.asarray(pick @ scores)
    return (sums * times[:, None]).T @ sums, int(times.sum())


def _inverse_half(S: Array) -> Array:
    """Return a root of the (pseudo-)inverse of S."""
    values, vectors = linalg.eigh(S)
    good = values > 1e-12 * values[-1]
    half: Array = (vectors[:, good] / np.sqrt(values[good])).T
    return half


def _check_identified(A: Array, structural: int, names: tuple[str, ...]) -> None:
    scale = np.linalg.norm(A, axis=0)
    A = A / np.where(scale > 0, scale, 1.0)
    nuisance = independent(A[:, structural:])[0]
    left = A[:, :structural] - nuisance @ (nuisance.T @ A[:, :structural])
    values = linalg.svdvals(left)
    weak = np.linalg.norm(left, axis=0) < WEAK
    if weak.any() or values[-1] < WEAK:
        bad = [n for n, w in zip(names, weak, strict=True) if w] or list(names)
        raise IdentificationError(
            f"The instruments do not settle the coefficient of {preview(bad)}. Check for inputs "
            "that do not vary over time, that move together, or that are a function of the proxy."
        )

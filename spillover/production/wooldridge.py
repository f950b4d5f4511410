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
from scipy import linalg, stats

from spillover.errors import IdentificationError, SchemaError, check_choice, preview, rows
from spillover.production._effects import year_dummies
from spillover.production._linear_gmm import Gmm, System, linear_gmm
from spillover.production._restricted import Restricted, restricted_gmm
from spillover.production.estimate import Estimate, Overid
from spillover.production.polynomial import basis, count_terms, exponents
from spillover.production.preparation import check_whole, first_stage_extras

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.production.data import Inputs

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Wooldridge:
    """Settings of :func:`estimate_wooldridge`.

    Attributes
    ----------
    degree : int
        Of the polynomial c(state, proxy).
    equations : {"both", "restricted", "random_walk", "second", "pooled"}
        The paper's equations are y = a + x'b + c's + e (1) and y = a2 + x'b + f(c_lag's) + u (2),
        with c the polynomial's terms, s their coefficients and f a polynomial of degree
        ``markov_degree``. "restricted" estimates just these, s in (2) the same as in (1), by
        non-linear GMM. "random_walk" is the paper's linear special case, f(v) = v: productivity a
        random walk with drift. "both" leaves the function of c_lag in (2) free, each term with a
        coefficient of its own: linear, and right whatever the law of motion, but the state inputs'
        coefficients then come from (2) alone. "second" uses (2) so freed alone, by two-stage least
        squares or GMM (Petrin, Reiter & White 2011; Petrin & Levinsohn 2012), which does not need
        labour to be free of (1)'s functional dependence. "pooled" stacks the equations with one
        polynomial, one constant and the instruments of (2) in both, as R's prodestWRDG does; it
        holds if productivity is a random walk without drift and labour reacts after a year.
    markov_degree : int
        Of f, in "restricted".
    weighting : {"two_step", "two_stage"}
        "two_step" weights moments by the inverse of their clustered covariance at the two-stage
        least-squares estimate; "two_stage" stops there.
    linear_state : bool
        Whether c holds the state inputs linearly in equation 1, as productivity's inverse demand
        does. Without (R's prodestWRDG_GMM), equation 1 takes their whole linear part for the
        production function's, and what "linear" means changes with the inputs' units.
    shifters : tuple of str
        Extra columns that also move the proxy; they enter c linearly.
    years : bool
        Year effects in both equations, not tied to each other: of imperfect deflators, say. They
        stay in TFP.
    cluster : str, optional
        An extra column whose values are the clusters; firms by default.
    """

    degree: int = 3
    equations: Literal["both", "restricted", "random_walk", "second", "pooled"] = "both"
    markov_degree: int = 3
    weighting: Literal["two_step", "two_stage"] = "two_step"
    linear_state: bool = True
    shifters: tuple[str, ...] = ()
    years: bool = False
    cluster: str | None = None

    def __post_init__(self) -> None:
        choices = ["both", "restricted", "random_walk", "second", "pooled"]
        check_choice("equations", self.equations, choices)
        check_choice("weighting", self.weighting, ["two_step", "two_stage"])
        check_choice("years", self.years, (False, True))
        check_whole(self, degree=1, markov_degree=1)


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
    By default equation 2's function of last year's (state, proxy) is left free, as in the applied
    literature: f(c(state, proxy)) is one such function. The price is that the state input needs
    variation that last year's state and proxy do not explain, such as shocks to capital or to its
    price; "restricted" also uses the same coefficients' reappearance in equation 1. Demand
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
    free, state, drivers = (part.shape[1] for part in (inputs.free, inputs.state, inputs.markov))
    structural = free + state
    problem = _problem(inputs, at, settings)
    _check_size(at, problem, settings)
    names = (*inputs.names.inputs, *inputs.names.markov)
    if isinstance(problem, Restricted):
        gmm = restricted_gmm(problem, settings.weighting, structural + drivers, names)
    else:
        gmm = linear_gmm(problem, settings.weighting, structural + drivers, names)
    beta, vcov = gmm.b[:structural], gmm.vcov[:structural, :structural]
    df = gmm.df
    chain = slice(structural, structural + drivers)
    return Estimate(
        method="wooldridge",
        names=inputs.names.inputs,
        beta=beta,
        omega=inputs.y - inputs.X @ beta,
        nobs=int(inputs.weights[at].sum()),
        vcov=vcov,
        first_stage={
            "degree": settings.degree,
            "terms": count_terms(state + 1, settings.degree) - 1 + len(settings.shifters),
            "moments": gmm.moments,
        },
        objective=gmm.j,
        converged=gmm.converged,
        starts=gmm.starts,
        overid=Overid(gmm.j, df, float(stats.chi2.sf(gmm.j, df)))
        if df > 0 and settings.weighting == "two_step"
        else None,
        markov=_markov(gmm, inputs, settings),
        markov_vcov=pd.DataFrame(
            gmm.vcov[chain, chain], index=inputs.names.markov, columns=inputs.names.markov
        )
        if drivers
        else None,
        nobs_second=int(inputs.weights[at].sum()),
        details={"clusters": gmm.clusters, "equations": settings.equations},
        notes=_notes(gmm, settings),
    )


def _markov(gmm: Gmm, inputs: Inputs, settings: Wooldridge) -> pd.Series[float] | None:
    """Return the coefficients of the drivers, and of f's powers where f is spelled out."""
    at, drivers = len(inputs.names.inputs), len(inputs.names.markov)
    values, names = gmm.b[at : at + drivers], list(inputs.names.markov)
    if settings.equations == "restricted":
        powers = range(1, settings.markov_degree + 1)
        values = np.r_[gmm.b[-settings.markov_degree :], values]
        names = ["omega" if power == 1 else f"omega^{power}" for power in powers] + names
    return pd.Series(values, index=names, name="markov") if names else None


def _notes(gmm: Gmm, settings: Wooldridge) -> tuple[str, ...]:
    notes = [] if gmm.converged else ["the search did not converge: see starts"]
    if gmm.starts is not None:
        best = gmm.j + 1e-6 * max(gmm.j, 1.0)
        found = gmm.starts[gmm.starts["converged"]]
        if (found["objective"] > best).any():
            notes.append("some starts end in a local optimum other than the one taken: see starts")
    if gmm.clusters < 40:
        notes.append(f"standard errors rest on only {gmm.clusters} clusters")
    if settings.weighting == "two_step" and gmm.moments >= gmm.clusters:
        notes.append(
            f"{gmm.moments} moments for {gmm.clusters} clusters: the two-step weights are not "
            "reliable; lower degree or use weighting='two_stage'"
        )
    return tuple(notes)


def _rows(inputs: Inputs, settings: Wooldridge) -> NDArray[np.int64]:
    """Rows with a lag, a proxy now and a year ago, and known drivers."""
    if inputs.proxy is None:
        raise SchemaError("method='wooldridge' needs proxy='materials' (or another column).")
    if not inputs.state.shape[1]:
        raise SchemaError("method='wooldridge' needs at least one state input, such as 'capital'.")
    extra = first_stage_extras(inputs, settings.shifters, years=False)
    here = np.isfinite(np.column_stack([inputs.proxy, extra])).all(axis=1)
    known = here & np.isfinite(inputs.lagged(np.where(here, 0.0, np.nan)))
    return inputs.second[known[inputs.second]]


def _check_size(at: NDArray[np.int64], system: System | Restricted, settings: Wooldridge) -> None:
    needed = system.parameters
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


def _problem(inputs: Inputs, at: NDArray[np.int64], settings: Wooldridge) -> System | Restricted:
    """Lay out regressors and instruments."""
    before, how = inputs.previous[at], settings.equations
    C, C_lag = _polynomials(inputs, at, settings)
    F, S, D = inputs.free[at], inputs.state[at], inputs.markov[at]
    n, y, w = len(at), inputs.y[at], inputs.weights[at]
    one = np.ones((n, 1))
    if settings.years:
        one = np.column_stack([one, year_dummies(inputs.year[at])])
    clusters, copies = _clusters(inputs, at, settings), settings.cluster is None
    lagged = np.column_stack([one, inputs.free[before], S, D, C_lag])
    if how == "second":
        X = np.column_stack([F, S, D, one, C_lag])
        return System(y, X, lagged, clusters, w, copies)
    twice = {
        "y": np.r_[y, y],
        "clusters": np.r_[clusters, clusters],
        "weights": np.r_[w, w],
        "copies": copies,
    }
    both = np.column_stack(
        [np.vstack([np.column_stack([F, S])] * 2), np.vstack([np.zeros_like(D), D])]
    )
    stacked = np.vstack([C, C_lag])
    if how == "pooled":
        lag_twice = np.vstack([np.column_stack([inputs.free[before], S])] * 2)
        rest = np.column_stack([both[:, F.shape[1] + S.shape[1] :], np.vstack([one, one]), stacked])
        Z = np.column_stack([lag_twice, rest])
        X = np.column_stack([both[:, : F.shape[1] + S.shape[1]], rest])
        return System(X=X, Z=Z, **twice)
    if how == "both" and not settings.linear_state:
        linear = _linear_state(S.shape[1], settings.degree)
        C = C[:, np.r_[~linear, np.ones(C.shape[1] - len(linear), dtype=bool)]]
    Z = linalg.block_diag(np.column_stack([one, F, S, C]), lagged)
    X = np.column_stack([both, linalg.block_diag(one, one)])
    if how == "both":
        return System(X=np.column_stack([X, linalg.block_diag(C, C_lag)]), Z=Z, **twice)
    if how == "random_walk":
        return System(X=np.column_stack([X, stacked]), Z=Z, **twice)
    return Restricted(System(X=X, Z=Z, **twice), C, C_lag, settings.markov_degree)


def _polynomials(
    inputs: Inputs, at: NDArray[np.int64], settings: Wooldridge
) -> tuple[Array, Array]:
    """Terms of c without the constant, now and a year ago, on one scale.

    In the inputs' own units where the estimate depends on them, because terms are left out or a
    constant is shared; standardised elsewhere.
    """
    natural = settings.equations == "pooled" or (
        settings.equations == "both" and not settings.linear_state
    )
    rows = np.r_[at, inputs.previous[at]]
    proxy = np.column_stack([inputs.state[rows], inputs.proxy[rows]])  # type: ignore[index]
    terms = basis(proxy, settings.degree, standardise=not natural)[:, 1:]
    extra = first_stage_extras(inputs, settings.shifters, years=False)[rows]
    both = np.column_stack([terms, extra])
    return both[: len(at)], both[len(at) :]


def _linear_state(states: int, degree: int) -> NDArray[np.bool_]:
    """Tell which terms after the constant are a state input alone."""
    powers = exponents(states + 1, degree)[1:]
    alone: NDArray[np.bool_] = (powers.sum(axis=1) == 1) & (powers[:, -1] == 0)
    return alone

"""The wild cluster bootstrap, for few clusters or unequal ones.

Residuals are multiplied by one random weight per cluster, the regression is run again on what
results, and its t statistics say how large the estimate's must be (Cameron, Gelbach & Miller 2008).
All of it needs only a G x G matrix, made in one pass over the data (Roodman, MacKinnon, Nielsen &
Webb 2019), also where absorbed effects are not nested in the clusters; a draw then costs G^2,
whatever n. With the null imposed the residuals are linear in the value tested, so the p-value is
known as a function of it, and the confidence set is exact for the draws at hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from warnings import warn

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, SpilloverWarning, check_choice
from spillover.inference._read import (
    ClusterBy,
    check_level,
    clustered_covariance,
    estimated_of,
    named_clusters,
)
from spillover.inference._wild_draws import (
    WEIGHTS,
    Steps,
    Weights,
    steps_restricted,
    steps_unrestricted,
)
from spillover.inference._wild_problem import Problem, Variant, bootstrap_level, prepare
from spillover.panel.covariance import Inference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from spillover.panel.result import Fit

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class WildTest:
    """A wild cluster bootstrap test.

    Attributes
    ----------
    terms : tuple of str
    null : tuple of float
        The values tested.
    estimate : tuple of float
    statistic : float
        t of one coefficient (with the small-sample factor of the clustered covariance), or the Wald
        F of several.
    p_value : float
        Share of draws whose statistic is at least as large, ties included.
    level : float
        Of the interval.
    confidence_set : tuple of (float, float)
        The intervals of values with a p-value above 1 - level; several if it is disconnected, with
        infinite ends if the draws cannot bound it. Empty for several coefficients.
    draws : int
    enumerated : bool
        Whether the draws are all combinations of signs, once each.
    weights : str
    restricted : bool
        Whether the null was imposed on the draws.
    variant : {"11", "31", "13", "33"}
    cluster : str
        The level by which residuals are multiplied.
    error_levels : tuple of str
        The levels of the variance.
    n_clusters : int
        Clusters of ``cluster``.
    """

    terms: tuple[str, ...]
    null: tuple[float, ...]
    estimate: tuple[float, ...]
    statistic: float
    p_value: float
    level: float
    confidence_set: tuple[tuple[float, float], ...]
    draws: int
    enumerated: bool
    weights: str
    restricted: bool
    variant: Variant
    cluster: str
    error_levels: tuple[str, ...]
    n_clusters: int
    _steps: Steps | None = None
    _scale: float = 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """The smallest interval around the confidence set.

        Returns
        -------
        (float, float)
        """
        return _hull(self.confidence_set)

    def set_at(self, level: float) -> tuple[tuple[float, float], ...]:
        """Return the confidence set at another level; no draw is repeated.

        Parameters
        ----------
        level : float

        Returns
        -------
        tuple of (float, float)

        Raises
        ------
        SchemaError
            For several coefficients, or a level outside 0 to 1.
        """
        check_level(level)
        if self._steps is None:
            raise SchemaError("Confidence sets are for one coefficient; test them one by one.")
        middle = self.estimate[0]
        return tuple(
            (middle + low * self._scale, middle + high * self._scale)
            for low, high in self._steps.set_above(1 - level)
        )

    def __repr__(self) -> str:
        kind = "null imposed" if self.restricted else "null not imposed"
        many = "all" if self.enumerated else "drawn"
        tested = ", ".join(f"{t} = {v:g}" for t, v in zip(self.terms, self.null, strict=True))
        lines = [
            f"Wild cluster bootstrap ({kind}): {tested}",
            f"statistic {self.statistic:.4g}, p = {self.p_value:.4g}",
            f"{self.draws:,} draws ({many}), {self.weights} weights, {self.n_clusters:,} clusters "
            f"of {self.cluster}",
        ]
        if self.confidence_set:
            text = " or ".join(f"[{low:.4g}, {high:.4g}]" for low, high in self.confidence_set)
            lines.insert(2, f"{100 * self.level:g} % confidence set {text}")
        if self.error_levels != (self.cluster,):
            lines.append("Variance clustered by " + " and ".join(self.error_levels))
        return "\n".join(lines)


def wild_bootstrap(
    fit: Fit,
    terms: str | Sequence[str],
    *,
    cluster: ClusterBy | Sequence[ClusterBy] | None = None,
    bootstrap_by: str | None = None,
    null: float | Sequence[float] = 0.0,
    impose_null: bool = True,
    draws: int = 9_999,
    weights: Weights = "auto",
    variant: Variant = "11",
    level: float = 0.95,
    rng: int | np.random.Generator = 0,
) -> WildTest:
    """Test one coefficient, or several jointly, by the wild cluster bootstrap.

    Parameters
    ----------
    fit : Fit
        Least squares, with any absorbed effects and weights.
    terms : str or sequence of str
        One coefficient (with a confidence set) or several (a Wald test).
    cluster : str, array, or a sequence of these, optional
        Level of clustering of the variance; several for multi-way clustering. By default that of
        the fit.
    bootstrap_by : str, optional
        The level by which residuals are multiplied, with several: by default the one with fewest
        clusters.
    null : float or sequence of float
        Value of each coefficient under the null.
    impose_null : bool
        True is WCR, what the literature advises; False is WCU.
    draws : int
    weights : {"auto", "rademacher", "webb", "mammen", "normal"}
        "auto": Webb's six points below 12 clusters, else Rademacher. Rademacher weights are
        enumerated if all combinations are no more than ``draws``.
    variant : {"11", "31", "13", "33"}
        First digit 3: the draws start from jackknife residuals. Second digit 3: the variance is the
        jackknife's (CR3), of the estimate and of the draws. "31" is WCR-S, "13" WCR-V and "33"
        WCR-B of MacKinnon, Nielsen & Webb (2023).
    level : float
        Of the confidence set.
    rng : int or numpy.random.Generator

    Returns
    -------
    WildTest

    Raises
    ------
    SchemaError
        For a term, level or option that is not valid, a fit with instruments, or one that kept no
        arrays.
    IdentificationError
        If there is a single cluster, or the variance is not positive.

    Warns
    -----
    SpilloverWarning
        If the confidence set is disconnected or unbounded.

    Notes
    -----
    Ties count as exceeding, so that an enumerated test has its size: with five clusters and
    Rademacher weights no p-value is below 2/32. Packages that count strictly report 2/2^G less.
    A draw whose multi-way variance is not positive counts as exceeding too.

    References
    ----------
    Cameron, A. C., Gelbach, J. B. & Miller, D. L. (2008). Bootstrap-based improvements for
    inference with clustered errors. Review of Economics and Statistics 90(3), 414-427.
    Roodman, D., MacKinnon, J. G., Nielsen, M. O. & Webb, M. D. (2019). Fast and wild. Stata
    Journal 19(1), 4-60.
    MacKinnon, J. G., Nielsen, M. O. & Webb, M. D. (2023). Fast and reliable jackknife and bootstrap
    methods for cluster-robust inference. Journal of Applied Econometrics 38(5), 671-694.

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(backward=0.3, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> fit = sp.fit("tfp ~ backward | firm + year", panel, cluster="industry^year")
    >>> test = sp.inference.wild_bootstrap(fit, "backward", draws=999, rng=1)
    >>> test.interval[0] < float(fit.params["backward"]) < test.interval[1]
    True
    """
    names = (terms,) if isinstance(terms, str) else tuple(terms)
    nulls = tuple(float(v) for v in np.broadcast_to(np.asarray(null, dtype=float), len(names)))
    _check(names, weights, variant, draws, level)
    estimated = estimated_of(fit)
    levels = named_clusters(estimated, fit.inference.levels if cluster is None else cluster)
    by = bootstrap_level(levels, bootstrap_by)
    problem = prepare(estimated, names, levels, by, nulls, impose_null=impose_null, variant=variant)
    return _test(problem, draws, weights, level, np.random.default_rng(rng))


def with_wild(
    fit: Fit,
    *,
    cluster: ClusterBy | Sequence[ClusterBy] | None = None,
    bootstrap_by: str | None = None,
    impose_null: bool = True,
    draws: int = 9_999,
    weights: Weights = "auto",
    variant: Variant = "11",
    rng: int | np.random.Generator = 0,
) -> Fit:
    """Return the fit with wild-bootstrap p-values and confidence intervals in place of its own.

    Parameters
    ----------
    fit, cluster, bootstrap_by, impose_null, draws, weights, variant, rng
        As in :func:`wild_bootstrap`; every coefficient is tested against zero, with the same draws
        if ``rng`` is a number.

    Returns
    -------
    Fit
        Standard errors are clustered as before; p-values and intervals are the bootstrap's. A
        confidence set that is disconnected is shown as the smallest interval around it.

    Raises
    ------
    SchemaError, IdentificationError
        As :func:`wild_bootstrap`.

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(backward=0.3, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> fit = sp.fit("tfp ~ backward | firm + year", panel, cluster="industry^year")
    >>> sp.inference.with_wild(fit, draws=999).inference.label
    'wild bootstrap, clustered by industry^year'
    """
    _check(tuple(fit.params.index), weights, variant, draws, 0.5)
    estimated = estimated_of(fit)
    levels = named_clusters(estimated, fit.inference.levels if cluster is None else cluster)
    by = bootstrap_level(levels, bootstrap_by)
    tests = {}
    for term in fit.params.index:
        problem = prepare(
            estimated, [term], levels, by, [0.0], impose_null=impose_null, variant=variant
        )
        tests[term] = _test(problem, draws, weights, None, np.random.default_rng(rng))
    first = tests[fit.params.index[0]]

    def intervals(level: float) -> pd.DataFrame:
        hulls = [_hull(test.set_at(level)) for test in tests.values()]
        return pd.DataFrame(hulls, list(tests), ["conf_low", "conf_high"])

    counts = tuple(int(codes.max()) + 1 for codes in levels.values())
    return replace(
        fit,
        vcov=pd.DataFrame(
            clustered_covariance(estimated, levels), fit.params.index, fit.params.index
        ),
        inference=Inference(
            "wild",
            tuple(levels),
            counts,
            min(counts) - 1,
            f"{first.draws:,} {first.weights} draws by {by}",
            "wild bootstrap, clustered by " + " and ".join(levels),
        ),
        dfs=None,
        p_values=pd.Series({term: test.p_value for term, test in tests.items()}, name="p_value"),
        intervals=intervals,
    )


def _hull(found: tuple[tuple[float, float], ...]) -> tuple[float, float]:
    return (found[0][0], found[-1][1]) if found else (np.nan, np.nan)


def _test(
    problem: Problem, draws: int, weights: str, level: float | None, rng: np.random.Generator
) -> WildTest:
    """Draw, and compare; without a level no confidence set is worked out."""
    clusters = problem.numerator.shape[2]
    shift = np.subtract(problem.nulls, problem.estimates)
    if len(problem.terms) == 1:
        statistics, kind, enumerated = problem.statistics(draws, weights, rng)
        scale = float(np.sqrt(problem.covariance[0, 0]))
        x = float(shift[0]) / scale
        exceed = statistics.exceed(x, at=None if problem.restricted else 0.0)
        value = -x / np.sqrt(problem.factor)
        make = steps_restricted if problem.restricted else steps_unrestricted
        steps: Steps | None = make(statistics)
        count = len(exceed)
    else:
        exceed, value, kind, enumerated = problem.joint(shift, draws, weights, rng)
        steps, scale, count = None, 1.0, len(exceed)
    result = WildTest(
        terms=problem.terms,
        null=problem.nulls,
        estimate=problem.estimates,
        statistic=float(value),
        p_value=float(exceed.mean()),
        level=0.95 if level is None else level,
        confidence_set=(),
        draws=count,
        enumerated=enumerated,
        weights=kind,
        restricted=problem.restricted,
        variant=problem.variant,
        cluster=problem.cluster,
        error_levels=problem.error_levels,
        n_clusters=clusters,
        _steps=steps,
        _scale=scale,
    )
    if steps is None or level is None:
        return result
    found = result.set_at(level)
    _warn_of_odd_set(problem.terms[0], found, level)
    return replace(result, confidence_set=found)


def _check(names: tuple[str, ...], weights: str, variant: str, draws: int, level: float) -> None:
    if not names:
        raise SchemaError("terms= names no coefficient to test.")
    check_choice("weights", weights, WEIGHTS)
    check_choice("variant", variant, ("11", "31", "13", "33"))
    check_level(level)
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 1:
        raise SchemaError(f"draws={draws!r} must be a whole number above 0; 9999 is usual.")


def _warn_of_odd_set(term: str, found: tuple[tuple[float, float], ...], level: float) -> None:
    name = f"The {100 * level:g} % confidence set of {term}"
    if len(found) > 1:
        shown = " or ".join(f"[{low:.4g}, {high:.4g}]" for low, high in found)
        warn(
            f"{name} is disconnected: {shown}. Its ends are those of the smallest interval around "
            "it; read confidence_set.",
            SpilloverWarning,
            stacklevel=4,
        )
    if found and not np.isfinite([found[0][0], found[-1][1]]).all():
        warn(
            f"{name} is unbounded: with so few clusters the draws reject no value at that level "
            "far out. Take weights='webb', or more clusters.",
            SpilloverWarning,
            stacklevel=4,
        )

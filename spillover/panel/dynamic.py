"""Difference and system GMM for panels with a lagged outcome and few years.

The firm effect is correlated with the lagged outcome, so it is differenced out (Arellano & Bond
1991) and what then correlates with the differenced error is instrumented by its own past; system
GMM adds the equation in levels, instrumented by past differences (Blundell & Bond 1998).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from warnings import warn

import numpy as np

from spillover.errors import SpilloverWarning
from spillover.panel.dynamic_settings import Gmm, GmmDetails
from spillover.panel.dynamic_setup import (
    DynamicPanel,
    instrument_blocks,
    set_up,
    stack,
    variable_of,
)
from spillover.panel.dynamic_solver import solve_gmm
from spillover.panel.dynamic_tests import serial_tests, subset_tests
from spillover.panel.nonlinear import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spillover.panel.covariance import Kind
    from spillover.panel.dynamic_settings import Lags
    from spillover.panel.dynamic_solver import Moments

__all__ = ["DynamicPanel", "Gmm", "GmmDetails", "estimate_dynamic", "instrument_lags"]


def instrument_lags(outcome: str, terms: Sequence[str], settings: Gmm) -> dict[str, Lags]:
    """Return the lags of the variables whose past is an instrument.

    Examples
    --------
    >>> instrument_lags("n", ["lag(n, 1)", "w"], Gmm(endogenous=("w",)))
    {'n': (2, None), 'w': (2, None)}
    """
    return settings.lags_of(outcome, tuple(dict.fromkeys(variable_of(term) for term in terms)))


def estimate_dynamic(
    panel: DynamicPanel,
    settings: Gmm | None = None,
    *,
    system: bool = False,
    kind: Kind = "cluster",
) -> Estimate:
    """Estimate a dynamic panel by difference or system GMM.

    Parameters
    ----------
    panel : DynamicPanel
    settings : Gmm, optional
    system : bool
        Add the equations in levels.
    kind : {"cluster", "iid"}
        "cluster" (and "hetero"): robust to any dependence within groups; with two steps, corrected
        as by Windmeijer (2005). "iid": neither.

    Returns
    -------
    Estimate
        Its ``details`` are :class:`GmmDetails`.

    Raises
    ------
    IdentificationError
        If a regressor does not vary over time, years or firms are too few, or instruments are
        fewer than coefficients.

    Warns
    -----
    SpilloverWarning
        If there are more instruments than groups.

    References
    ----------
    Arellano, M. & Bond, S. (1991). Some tests of specification for panel data. Review of Economic
    Studies 58(2), 277-297.
    Blundell, R. & Bond, S. (1998). Initial conditions and moment restrictions in dynamic panel data
    models. Journal of Econometrics 87(1), 115-143.
    Roodman, D. (2009). How to do xtabond2. Stata Journal 9(1), 86-136.
    """
    settings = settings or Gmm()
    robust = kind != "iid"
    setup = set_up(panel, settings, system=system)
    blocks = instrument_blocks(setup, instrument_lags(panel.outcome, panel.terms, settings))
    moments = stack(setup, blocks)
    m, n = len(setup.equations.row), len(setup.rows)
    alike = settings.orthogonal or settings.first_step == "identity"
    fit = solve_gmm(
        moments,
        steps=settings.steps,
        robust=robust,
        sigma_scale=1.0 if alike else 2.0,
        sigma_rows=slice(0, m),
    )
    _warn_of_count(moments, settings)
    details = GmmDetails(
        steps=settings.steps,
        transformation="orthogonal deviations" if settings.orthogonal else "first differences",
        instruments=int(moments.Z.shape[1]),
        independent_instruments=fit.rank,
        groups=moments.groups,
        hansen=fit.hansen,
        sargan=fit.sargan,
        serial=serial_tests(setup, moments, fit),
        subsets=subset_tests(blocks, moments, fit),
        blocks={block.label: block.count for block in blocks},
        transformed_rows=m,
        level_rows=n if system else 0,
        first_step=fit.first_beta[: len(setup.terms)],
    )
    k = len(setup.terms)
    used = np.zeros(len(panel.y), dtype=bool)
    used[setup.rows if system else setup.equations.row] = True
    return Estimate(
        terms=setup.terms,
        beta=fit.beta[:k],
        vcov=fit.vcov[:k, :k],
        kind="cluster" if robust else "iid",
        n_clusters=(moments.groups,) if robust else (),
        df=moments.groups - 1,
        df_resid=int(used.sum()) - setup.X.shape[1],
        keep=used,
        residuals=fit.residuals[m:] if system else fit.residuals,
        statistics={"r2": float("nan")},
        notes=_notes(details, singular=fit.singular),
        reason=_reason(settings, robust=robust),
        df_absorbed=setup.X.shape[1] - k,
        details=details,
    )


def _reason(settings: Gmm, *, robust: bool) -> str:
    steps = "one step" if settings.steps == 1 else "two steps"
    if not robust:
        return f"{steps}, not robust"
    return f"{steps}, Windmeijer's correction" if settings.steps == 2 else f"{steps}, robust"


def _warn_of_count(moments: Moments, settings: Gmm) -> None:
    count = int(moments.Z.shape[1])
    way = "fewer lags" if settings.collapse else "collapse=True or fewer lags"
    if count > moments.groups:
        warn(
            f"{count} instruments for {moments.groups} groups: with more instruments than groups "
            "the two-step weights are singular, Hansen's test has no power and the estimate leans "
            f"towards least squares. Use {way} in sp.panel.Gmm.",
            SpilloverWarning,
            stacklevel=3,
        )


def _notes(details: GmmDetails, *, singular: bool) -> tuple[str, ...]:
    (m1, m2), (p1, p2) = details.serial["statistic"], details.serial["p_value"]
    J = details.hansen
    lines = [
        f"{details.instruments} instruments, {details.groups} groups; {details.transformation}",
        f"Hansen J = {J.statistic:.2f} (df {J.df}, p = {J.p_value:.3f}); AR(1) z = {m1:.2f} "
        f"(p = {p1:.3f}), AR(2) z = {m2:.2f} (p = {p2:.3f})",
    ]
    if singular:
        lines.append("the moments' covariance is singular: a general inverse is used")
    return tuple(lines)

r"""Power by simulation: outcomes drawn on the real design, tested as the real outcome was.

A draw takes the residuals times one random sign per cluster, as the wild bootstrap does, puts them
in the outcome's place and regresses them on the same regressors and effects. Adding an effect
:math:`\theta` to the outcome moves the estimate by :math:`\theta` and changes no standard error, so
that the test rejects zero with the effect if and only if its interval without the effect leaves out
:math:`-\theta`: one regression and one interval per draw give the whole curve. Residuals are scaled
up by the small-sample factor of the clustered variance, so that the draws' variance is the
estimated one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.errors import SchemaError
from spillover.inference._deletion import linear_arrays
from spillover.inference._power_tests import drawn_fit, keeper
from spillover.inference._read import (
    ClusterBy,
    cluster_codes,
    named_clusters,
    term_places,
)
from spillover.inference.diagnostics import html
from spillover.inference.power import checked_effects, design_errors, numbers_of, power
from spillover.panel.clusters import outside_clusters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.panel.estimated import Estimated
    from spillover.panel.result import Fit

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Kept = Callable[[Fit], Callable[[float], bool]]


@dataclass(frozen=True, eq=False, repr=False)
class PowerCurve:
    """Power by simulation; see :func:`power_curve`.

    Attributes
    ----------
    formula, term : str
    table : pandas.DataFrame
        effect, power, mc_error (its standard error by simulation), type_s, exaggeration (of
        significant estimates), analytic (power by the formula of :func:`spillover.power`).
    draws : int
    power, alpha : float
    errors_by : str
        The level by which residuals were multiplied.
    test : str
    std_error : float
        Standard deviation of the estimates over the draws.
    linkage : bool
        Whether the term is a linkage measure, a share from 0 to 1.
    outcome : str
    synthetic : bool
    """

    formula: str
    term: str
    table: pd.DataFrame
    draws: int
    power: float
    alpha: float
    errors_by: str
    test: str
    std_error: float
    linkage: bool
    outcome: str
    synthetic: bool

    @property
    def mde(self) -> float:
        """The smallest positive effect found with the power asked for, by interpolation.

        Returns
        -------
        float
            nan if the curve does not reach it.
        """
        rows = self.table[self.table["effect"] >= 0]
        effect, found = rows["effect"].to_numpy(), rows["power"].to_numpy()
        reached = np.flatnonzero(found >= self.power)
        if not len(reached):
            return float("nan")
        i = int(reached[0])
        if i == 0:
            return float(effect[0])
        part = (self.power - found[i - 1]) / (found[i] - found[i - 1])
        return float(effect[i - 1] + part * (effect[i] - effect[i - 1]))

    def tidy(self) -> pd.DataFrame:
        """Return one row per effect.

        Returns
        -------
        pandas.DataFrame
            term, and the columns of ``table``.
        """
        table = self.table.copy()
        table.insert(0, "term", self.term)
        return table

    def notes(self) -> list[str]:
        """Return what the result says below its table.

        Returns
        -------
        list of str
        """
        found = self.mde
        text = "beyond the effects tried" if np.isnan(found) else f"{found:.4g}"
        lines = [
            f"Effect found with probability {self.power:g} by a two-sided test at "
            f"{100 * self.alpha:g} %: {text}, per unit of {self.term}",
            f"{self.draws:,} draws of the outcome on the real design: residuals times one random "
            f"sign per {self.errors_by}; test: {self.test}",
        ]
        return [*lines, "Synthetic data"] if self.synthetic else lines

    def __repr__(self) -> str:
        body = self.table.to_string(index=False, float_format=lambda value: f"{value:.4g}")
        return "\n".join([f"Power of {self.term}: {self.formula}", body, *self.notes()])

    def _repr_html_(self) -> str:
        return html(f"Power of {self.term}: {self.formula}", self.table, self.notes())


def power_curve(
    fit: Fit,
    term: str,
    effects: Sequence[float] | None = None,
    *,
    test: str | Callable[[Fit], Fit] | None = None,
    errors_by: ClusterBy | None = None,
    draws: int = 400,
    power: float = 0.80,
    alpha: float = 0.05,
    rng: int | np.random.Generator = 0,
) -> PowerCurve:
    """Simulate how often effects of several sizes are found on this design.

    Parameters
    ----------
    fit : Fit
        Linear, with any absorbed effects and weights.
    term : str
        The coefficient.
    effects : sequence of float, optional
        True effects per unit of the regressor; by default 21 from 0 to twice the smallest effect
        that :func:`spillover.power` gives. At 0 the curve shows the size of the test.
    test : str or function, optional
        How to test: "cluster" (as the fit is clustered), "hetero", "iid", "cr2", "cr3", "hc2",
        "hc3", "wild" (null imposed, 399 draws in each draw), "exposure" (null imposed); or a
        function that takes a fit and returns one with other inference, such as
        ``sp.inference.with_driscoll_kraay``. By default as the fit.
    errors_by : str or array, optional
        The level by which residuals are multiplied: errors of the draws are correlated as the
        residuals are within it, and not between. By default the coarsest level of the fit;
        "industry" with exposure; each observation with "hetero" and "iid".
    draws : int
    power, alpha : float
        As in :func:`spillover.power`.
    rng : int or numpy.random.Generator

    Returns
    -------
    PowerCurve
        Draw it with :func:`spillover.plot.power`.

    Raises
    ------
    SchemaError
        For an option that is not valid, or a fit that kept no arrays.

    Notes
    -----
    Regressors, and with "exposure" the shocks, stay as they are: only errors are drawn. Time is
    that of one regression per draw (and of its wild bootstrap).

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(backward=0.3, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> fit = sp.fit("tfp ~ backward | firm + year", panel, sample="domestic")
    >>> curve = sp.inference.power_curve(fit, "backward", [0.0, 0.4], draws=200, rng=1)
    >>> curve.table["power"].iloc[0] < 0.15 < 0.8 < curve.table["power"].iloc[1]
    np.True_
    """
    estimated = linear_arrays(fit, "power_curve")
    (place,) = term_places(estimated, [term])
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 2:
        raise SchemaError(f"draws={draws!r} must be a whole number, 2 or more; 400 is usual.")
    smallest = _power(fit, term, power, alpha)
    if effects is None:
        top = float(smallest["mde"])
        top = top if np.isfinite(top) else 6 * float(smallest["std_error"])
        effects = np.linspace(0, 2 * top, 21).tolist()
    theta = checked_effects(effects)
    generator = np.random.default_rng(rng)
    kind = fit.inference.kind if test is None else test
    name, codes = _error_groups(fit, kind, errors_by)
    scale = _scale(estimated, name, codes)
    kept, words = keeper(fit, kind, term, alpha, generator)
    estimates = np.empty(draws)
    found = np.empty((draws, len(theta)), dtype=bool)
    count = int(codes.max()) + 1
    for d in range(draws):
        signs = generator.choice(np.array([-1.0, 1.0]), count)
        drawn = drawn_fit(fit, estimated, estimated.squares.residuals * signs[codes] * scale)
        estimates[d] = drawn.params.iloc[place]
        keeps = kept(drawn)
        found[d] = [not keeps(-value) for value in theta]
    return PowerCurve(
        formula=fit.formula,
        term=term,
        table=_table(theta, estimates, found, smallest),
        draws=draws,
        power=power,
        alpha=alpha,
        errors_by=name,
        test=words,
        std_error=float(estimates.std(ddof=1)),
        linkage=term in fit.definitions,
        outcome=fit.outcome,
        synthetic=fit.synthetic,
    )


def _power(fit: Fit, term: str, wanted: float, alpha: float) -> dict[str, float]:
    return numbers_of(power(fit, term, power=wanted, alpha=alpha).table, term)


def _table(
    theta: Matrix, estimates: Matrix, found: NDArray[np.bool_], smallest: Mapping[str, float]
) -> pd.DataFrame:
    """Return power and the errors of significant estimates by effect."""
    share = found.mean(axis=0)
    moved = estimates[:, None] + theta
    many = np.maximum(found.sum(axis=0), 1)
    wrong = (found & (np.sign(moved) != np.sign(theta))).sum(axis=0) / many
    size = np.where(found, np.abs(moved), 0.0).sum(axis=0) / many
    defined = (theta != 0) & found.any(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        exaggeration = np.where(defined, size / np.abs(theta), np.nan)
    analytic = design_errors(
        theta, smallest["std_error"], smallest["df"], critical=smallest["critical"]
    )
    return pd.DataFrame(
        {
            "effect": theta,
            "power": share,
            "mc_error": np.sqrt(share * (1 - share) / len(estimates)),
            "type_s": np.where(defined, wrong, np.nan),
            "exaggeration": exaggeration,
            "analytic": analytic["power"],
        }
    )


def _error_groups(
    fit: Fit, kind: str | Callable[[Fit], Fit], errors_by: ClusterBy | None
) -> tuple[str, Codes]:
    """Settle by what residuals are multiplied."""
    estimated = linear_arrays(fit, "power_curve")
    if errors_by is not None:
        return cluster_codes(estimated, errors_by)
    if kind in {"hetero", "iid", "hc2", "hc3"}:
        return "observation", np.arange(len(estimated.y), dtype=np.intp)
    if kind == "exposure":
        return cluster_codes(estimated, "industry")
    levels = [level for level in fit.inference.levels if level not in {"shock", "location"}]
    if not levels:
        raise SchemaError(
            f"The fit has no clusters ({fit.inference.label}): say by errors_by= within which "
            "groups the drawn errors are correlated, such as 'industry' or 'firm'."
        )
    found = named_clusters(estimated, levels)
    name = min(found, key=lambda level: int(found[level].max()))
    return name, found[name]


def _scale(estimated: Estimated, name: str, codes: Codes) -> float:
    """Return the root of the small-sample factor of the variance clustered by these groups."""
    n, k = estimated.X.shape
    groups = int(codes.max()) + 1
    if groups == n:
        return float(np.sqrt(n / estimated.df_resid))
    outside = outside_clusters(estimated.absorber, estimated.design.effects, {name: codes})
    return float(np.sqrt(groups / (groups - 1) * (n - 1) / (n - k - outside)))

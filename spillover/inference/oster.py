r"""How strong selection on unobservables would have to be (Oster 2019).

A short regression of the outcome on a term, a long one with further controls, and a hypothetical
one with the unobservables too, whose :math:`R^2` is :math:`R_{max}`. Controls and effects that are
in both regressions are partialled out of everything. With :math:`\dot\beta, \dot R` of the short,
:math:`\tilde\beta, \tilde R` of the long regression, :math:`\sigma_y^2` the variance of the
outcome, :math:`\sigma_x^2` that of the term, :math:`\tau` that of what the long regression's other
regressors leave of the term, and :math:`\delta` how much more the unobservables are related to the
term than the added controls are, the bias :math:`\nu = \tilde\beta - \beta^*` is a root of

.. math::

    0 = \delta (R_{max} - \tilde R) \sigma_y^2 (\dot\beta - \tilde\beta) \sigma_x^2
      &+ \nu [\delta (R_{max} - \tilde R) \sigma_y^2 (\sigma_x^2 - \tau)
              - (\tilde R - \dot R) \sigma_y^2 \tau
              - \sigma_x^2 \tau (\dot\beta - \tilde\beta)^2] \\
      &+ \nu^2 \tau (\dot\beta - \tilde\beta) \sigma_x^2 (\delta - 2)
      + \nu^3 (\delta - 1) \tau (\sigma_x^2 - \tau),

quadratic if :math:`\delta = 1`, and linear in :math:`\delta` given :math:`\nu`. Only differences of
:math:`R^2` times :math:`\sigma_y^2` enter, so the within and the overall :math:`R^2` give the same
equation; what differs is which :math:`R_{max}` one takes for plausible.

A single real root is the answer. Of several, those are kept whose bias has the sign that selection
implies: that of :math:`\dot\beta - \tilde\beta` if :math:`\delta > 0` (Oster's assumption 3: the
added controls move the term as their estimated effects say); of these the one with the least bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from spillover.errors import IdentificationError, SchemaError, check_choice
from spillover.inference._deletion import linear_arrays
from spillover.inference._oster_equation import Moments, bias_of
from spillover.inference._read import term_places
from spillover.inference.diagnostics import html
from spillover.panel.absorb import Absorber

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from spillover.panel.estimated import Estimated
    from spillover.panel.result import Fit

    Matrix = NDArray[np.float64]

RSquared = Literal["within", "overall"]
RULE = 1.3
"""Oster's R_max as a multiple of the long regression's R^2: 90 percent of the randomised results
that she reviewed survive it."""


@dataclass(frozen=True, eq=False, repr=False)
class Oster:
    """Sensitivity to unobservables; see :func:`oster`.

    Attributes
    ----------
    term, outcome : str
    moments : Moments
    table : pandas.DataFrame
        One row per R_max: r_max, delta_for_target (how strong selection must be for the target to
        be the truth), beta_star (at ``delta``), set_low and set_high (from the long estimate to
        beta_star), other_solutions (text), unique
        (whether no other solution has the sign that selection implies), implied (whether beta_star
        has it).
    delta, target : float
    r2 : {"within", "overall"}
    long_formula, short_formula : str
    synthetic : bool
    """

    term: str
    outcome: str
    moments: Moments
    table: pd.DataFrame
    delta: float
    target: float
    r2: RSquared
    short_formula: str
    long_formula: str
    synthetic: bool

    def tidy(self) -> pd.DataFrame:
        """Return one row per R_max.

        Returns
        -------
        pandas.DataFrame
            term, short, long (estimates), r2_short, r2_long, and the columns of ``table``.
        """
        table = self.table.copy()
        for place, name in enumerate(("short", "long", "r2_short", "r2_long")):
            table.insert(place, name, getattr(self.moments, name))
        table.insert(0, "term", self.term)
        return table

    def curve(self, points: int = 101, *, upper: float = 1.0) -> pd.DataFrame:
        """Return delta and beta* over a range of R_max.

        Parameters
        ----------
        points : int
        upper : float
            Of R_max; the range starts just above the long regression's R^2.

        Returns
        -------
        pandas.DataFrame
            r_max, delta_for_target, beta_star.

        Raises
        ------
        SchemaError
            If ``upper`` is not above the long R^2, or beyond 1.
        """
        m = self.moments
        if not m.r2_long < upper <= 1 or points < 2:
            raise SchemaError(
                f"upper={upper!r} must lie above the long R2 ({m.r2_long:.4g}) and up to 1, and "
                f"points={points!r} be 2 or more."
            )
        r_max = np.linspace(m.r2_long, upper, points + 1)[1:]
        return pd.DataFrame(
            {
                "r_max": r_max,
                "delta_for_target": [m.delta(r, self.target) for r in r_max],
                "beta_star": [m.long - bias_of(m, r, self.delta)[0] for r in r_max],
            }
        )

    def notes(self) -> list[str]:
        """Return what the result says below its table.

        Returns
        -------
        list of str
        """
        lines = [
            f"Short: {self.short_formula}",
            f"Long: {self.long_formula}",
            f"beta_star: the effect if selection on unobservables is {self.delta:g} times that on "
            f"the added controls; delta_for_target: how many times it must be for the effect to be "
            f"{self.target:g}",
            f"R2 {self.r2}; R_max is on the same scale",
        ]
        if not self.table["unique"].all():
            lines.append("Several solutions; the one of the implied sign with least bias is shown")
        if not self.table["implied"].all():
            lines.append(
                "implied False: no solution has the sign of bias that selection implies (the only "
                "one is shown, or none of several); the assumptions do not fit the data there"
            )
        return [*lines, "Synthetic data"] if self.synthetic else lines

    def __repr__(self) -> str:
        body = self.tidy().to_string(index=False, float_format=lambda value: f"{value:.4g}")
        return "\n".join([f"Selection on unobservables (Oster): {self.term}", body, *self.notes()])

    def _repr_html_(self) -> str:
        return html(f"Selection on unobservables (Oster): {self.term}", self.tidy(), self.notes())


def oster(
    short: Fit,
    long: Fit,
    term: str,
    *,
    rmax: float | Sequence[float] | None = None,
    delta: float = 1.0,
    target: float = 0.0,
    r2: Literal["auto", "within", "overall"] = "auto",
) -> Oster:
    """Bound the bias of a coefficient by how much it moves as controls are added.

    Parameters
    ----------
    short, long : Fit
        Least squares on the same rows, weights and outcome; ``long`` has the regressors and effects
        of ``short``, and more. What is in both is partialled out.
    term : str
        The coefficient.
    rmax : float or sequence of float, optional
        R^2 if the unobservables were in too; by default 1.3 times the long R^2 (Oster's rule, 1 at
        most), and 1.
    delta : float
        Selection on unobservables relative to that on the added controls, for beta*.
    target : float
        The effect that delta is asked for.
    r2 : {"auto", "within", "overall"}
        On which scale R_max is: of the variation within the absorbed effects, or of all. "auto":
        within if both regressions absorb the same effects, else overall. With the same R_max in
        units of the outcome both give the same answer, but 1.3 times an R^2 is not the same: firm
        effects alone often explain more than 1/1.3 of the outcome, and the overall rule then
        is R_max = 1, which asks most.

    Returns
    -------
    Oster
        Draw it with :func:`spillover.plot.oster`.

    Raises
    ------
    SchemaError
        If the regressions do not fit together, or an option is not valid.
    IdentificationError
        If the added controls explain nothing of outcome or term.

    Notes
    -----
    Equation, choice of roots: this module's head. Oster (2019) reads delta_for_target above 1, or a
    set from the long estimate to beta* that leaves out zero, as robust; both are conventions. The
    method takes selection on unobservables to be proportional to that on the *added* controls, so
    it says little if these are poor proxies, and nothing about simultaneity.

    References
    ----------
    Oster, E. (2019). Unobservable selection and coefficient stability: theory and evidence. Journal
    of Business & Economic Statistics 37(2), 187-204.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> import spillover as sp
    >>> rng = np.random.default_rng(1)
    >>> w, u = rng.standard_normal((2, 2000))
    >>> data = pd.DataFrame({"w": w, "x": w + u + rng.standard_normal(2000)})
    >>> data["y"] = 0.5 * data["x"] + w + u + rng.standard_normal(2000)
    >>> short, long = (sp.fit(f, data, inference="hetero") for f in ("y ~ x", "y ~ x + w"))
    >>> result = sp.inference.oster(short, long, "x", rmax=0.84)
    >>> 0.4 < result.table["beta_star"][0] < 0.6 < long.params["x"] < short.params["x"]
    np.True_
    """
    check_choice("r2", r2, ("auto", "within", "overall"))
    for name, value in (("delta", delta), ("target", target)):
        if isinstance(value, bool) or not np.isfinite(value):
            raise SchemaError(f"{name}={value!r} must be a finite number.")
    _check_nested(short, long, term)
    same = set(short.absorbed) == set(long.absorbed)
    scale: RSquared = ("within" if same and long.absorbed else "overall") if r2 == "auto" else r2
    if scale == "within" and not (same and long.absorbed):
        raise SchemaError("r2='within' needs the same absorbed effects in both regressions.")
    moments = moments_of(short, long, term, scale)
    rows = []
    for value in _r_max(rmax, moments.r2_long):
        bias, others = bias_of(moments, value, delta)
        star = moments.long - bias
        rows.append(
            {
                "r_max": value,
                "delta_for_target": moments.delta(value, target),
                "beta_star": star,
                "set_low": min(moments.long, star),
                "set_high": max(moments.long, star),
                "other_solutions": ", ".join(f"{moments.long - v:.4g}" for v in others),
                "unique": not any(moments.implied(v, delta) for v in others),
                "implied": bool(moments.implied(bias, delta)),
            }
        )
    return Oster(
        term=term,
        outcome=long.outcome,
        moments=moments,
        table=pd.DataFrame(rows),
        delta=float(delta),
        target=float(target),
        r2=scale,
        short_formula=short.formula,
        long_formula=long.formula,
        synthetic=long.synthetic,
    )


def moments_of(short: Fit, long: Fit, term: str, r2: RSquared) -> Moments:
    """Collect what enters the equation.

    Raises
    ------
    IdentificationError
        If the added controls explain nothing.
    """
    values = [_variances(linear_arrays(fit, "oster"), term) for fit in (short, long)]
    e = linear_arrays(long, "oster")
    w = e.design.weights
    y = e.y if r2 == "within" else e.design.y
    total = float(np.sum(w)) if w is not None else float(len(y))
    mean = 0.0 if r2 == "within" else float(np.average(y, weights=w))
    result = Moments(
        short=float(short.params[term]),
        long=float(long.params[term]),
        r2_short=short.r2_within if r2 == "within" else short.r2,
        r2_long=long.r2_within if r2 == "within" else long.r2,
        outcome=float(np.sum((y - mean) ** 2 * (1.0 if w is None else w))) / total,
        term=values[0] / total,
        left=values[1] / total,
    )
    if result.r2_long - result.r2_short <= 1e-12:
        raise IdentificationError(
            "The added controls explain nothing of the outcome, so nothing can be learnt from them."
        )
    if result.term - result.left <= 1e-12 * result.term:
        raise IdentificationError(
            f"The added controls are unrelated to {term!r}: they say nothing about selection."
        )
    return result


def _variances(estimated: Estimated, term: str) -> float:
    """Return the sum of squares that the other regressors and the effects leave of a term."""
    (place,) = term_places(estimated, [term])
    return 1 / float(estimated.squares.bread[place, place])


def _check_nested(short: Fit, long: Fit, term: str) -> None:
    """Raise unless the regressions fit together."""
    one, two = linear_arrays(short, "oster"), linear_arrays(long, "oster")
    if short.estimator != "ols" or long.estimator != "ols":
        raise SchemaError("oster() is for least squares; fit without instruments.")
    if short.outcome != long.outcome or short.transform != long.transform:
        raise SchemaError(
            f"The regressions have different outcomes: {short.outcome!r} and {long.outcome!r}."
        )
    for fit in (one, two):
        term_places(fit, [term])
    if not np.array_equal(one.design.used, two.design.used):
        raise SchemaError(
            f"The regressions use different rows ({short.nobs:,} and {long.nobs:,}): fit the short "
            "one on the rows of the long one, sample=long.used."
        )
    weights = one.design.weights, two.design.weights
    if (weights[0] is None) != (weights[1] is None) or (
        weights[0] is not None and not np.array_equal(*weights)  # type: ignore[arg-type]
    ):
        raise SchemaError("The regressions have different weights.")
    absent = [t for t in one.design.terms if t not in two.design.terms and t != "Intercept"]
    if absent:
        raise SchemaError(f"The long regression lacks {absent[0]!r}, which the short one has.")
    lost = [name for name in one.design.effects if name not in two.design.effects]
    if lost:
        joint = Absorber.from_codes([*one.design.effects.values(), *two.design.effects.values()])
        if joint.rank > two.df_absorbed:
            raise SchemaError(
                f"The long regression does not absorb {lost[0]!r}, the short one does."
            )
    if len(one.design.terms) + one.df_absorbed >= len(two.design.terms) + two.df_absorbed:
        raise SchemaError("The long regression has no control that the short one lacks.")


def _r_max(rmax: float | Sequence[float] | None, r2: float) -> list[float]:
    if rmax is None:
        return list(dict.fromkeys([min(RULE * r2, 1.0), 1.0]))
    values = [rmax] if isinstance(rmax, int | float) else list(rmax)
    if not values or not all(r2 < float(v) <= 1 for v in values):
        raise SchemaError(
            f"rmax={rmax!r} must lie above the R2 of the long regression ({r2:.4g}), up to 1."
        )
    return [float(v) for v in values]

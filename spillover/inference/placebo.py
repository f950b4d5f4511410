"""How often each standard error finds spillovers from presence that was drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from scipy import stats

from spillover._frames import as_eager
from spillover.errors import SchemaError, check_choice
from spillover.firms import FirmPanel
from spillover.inference.cell_algebra import Cells, regress
from spillover.inference.confidence_sets import null_p_value
from spillover.inference.exposure import controlled, infer
from spillover.inference.placebo_errors import ERRORS, RowErrors
from spillover.inference.randomisation import cells_of, complete_sectors, redraw
from spillover.linkage.attach import attach
from spillover.linkage.build import linkages
from spillover.linkage.result import Linkages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from spillover._frames import NativeFrame
    from spillover.inference.exposure_terms import Exposure
    from spillover.linkage.build import Tables
    from spillover.panel.design import Sample
    from spillover.panel.result import Fit

    Matrix = NDArray[np.float64]

Shocks = Literal["permute", "iid", "ar1"]
SHOCKS = ("permute", "iid", "ar1")
FORMULA = "tfp ~ horizontal + backward + forward | firm + year"
"""What :func:`placebo` fits by default."""
DEFAULT_ERRORS = (
    "firm",
    "industry^year",
    "industry",
    "industry and year",
    "exposure",
    "null imposed, normal",
    "null imposed",
)


@dataclass(frozen=True, eq=False, repr=False)
class Placebo:
    """Rejection rates of a true null; see :func:`placebo`.

    Attributes
    ----------
    p_values : mapping of str to pandas.DataFrame
        Standard error -> p-value by draw and term.
    level : float
        The nominal rate.
    draws : int
    shocks : str
        How presence was drawn, in words.
    formula, sample : str
    effective_shocks : pandas.Series
        By term, the median over the draws.
    synthetic : bool
    """

    p_values: dict[str, pd.DataFrame]
    level: float
    draws: int
    shocks: str
    formula: str
    sample: str
    effective_shocks: pd.Series[float]
    synthetic: bool

    def tidy(self) -> pd.DataFrame:
        """Return one row per standard error and term.

        Returns
        -------
        pandas.DataFrame
            error, term, rejection_rate, mc_error (its standard error by simulation), draws.
        """
        rows = [
            (name, term, float((table[term] <= self.level).mean()), len(table))
            for name, table in self.p_values.items()
            for term in table.columns
        ]
        result = pd.DataFrame(rows, columns=["error", "term", "rejection_rate", "draws"])
        rate = result["rejection_rate"]
        result.insert(3, "mc_error", np.sqrt(rate * (1 - rate) / result["draws"]))
        return result

    def table(self) -> pd.DataFrame:
        """Return rejection rates: rows standard errors, columns terms.

        Returns
        -------
        pandas.DataFrame
        """
        rates = {name: (table <= self.level).mean() for name, table in self.p_values.items()}
        return pd.DataFrame(rates).T

    def notes(self) -> list[str]:
        """Return what the result says below its table.

        Returns
        -------
        list of str
        """
        effective = ", ".join(f"{t} {v:.1f}" for t, v in self.effective_shocks.items())
        wide = 1.96 * np.sqrt(self.level * (1 - self.level) / self.draws)
        lines = [
            f"Share of {self.draws:,} draws in which a true null is rejected at "
            f"{100 * self.level:g} %; a right error stays within "
            f"{100 * max(self.level - wide, 0):.1f} to {100 * (self.level + wide):.1f} %",
            f"Presence: {self.shocks}; outcome, firms, shares and effects are the data's own",
            f"{self.formula}; {self.sample}",
            f"Effective number of shocks (median): {effective}",
        ]
        return [*lines, "Synthetic data"] if self.synthetic else lines

    def __repr__(self) -> str:
        body = self.table().to_string(float_format=lambda value: f"{value:.3f}")
        return "\n".join(["Placebo", body, *self.notes()])

    def _repr_html_(self) -> str:
        body = self.table().to_html(float_format=lambda value: f"{value:.3f}", border=0)
        notes = "<br>".join(escape(line) for line in self.notes())
        return f"<div>{body}<p style='font-size:smaller'>{notes}</p></div>"


def placebo(
    panel: FirmPanel | NativeFrame,
    io_or_links: Tables | Linkages,
    *,
    formula: str = FORMULA,
    sample: Sample = "all",
    weights: str | None = None,
    shocks: Shocks = "permute",
    persistence: float = 0.7,
    share_controls: bool = True,
    errors: Sequence[str] = DEFAULT_ERRORS,
    draws: int = 500,
    level: float = 0.05,
    rng: int | np.random.Generator = 0,
) -> Placebo:
    """Draw foreign presence at random and count how often each standard error finds an effect.

    The panel keeps its outcome, firms, shares and effects; only presence is drawn, by industry, so
    that no linkage measure has an effect. A standard error that fits the data rejects in ``level``
    of the draws.

    Parameters
    ----------
    panel : FirmPanel or data frame
        With the outcome of the formula; linkage measures are attached if they are absent.
    io_or_links : IOTable (or several), or Linkages
        Tables, to build the default measures from the panel; or measures that were built.
    formula : str
        Least squares; see :func:`spillover.fit`.
    sample, weights
        See :func:`spillover.fit`.
    shocks : {"permute", "iid", "ar1"}
        Whole paths of observed presence, permuted across industries; or normal draws around each
        industry's mean, with the panel's common standard deviation within industries, independent
        over time or autoregressive. The presence net of exports is drawn with the correlation that
        it has with the plain one.
    persistence : float
        Of ``shocks="ar1"``, from -1 to 1.
    share_controls : bool
        Control for incomplete shares x year. Without it the general level of presence, which is the
        same in all draws, makes Backward and Forward depend on the sums of shares.
    errors : sequence of str
        Of "firm", "industry^year", "industry", "industry and year" (two-way), "hetero", "wild"
        (restricted wild cluster bootstrap by industry, 199 draws, slow), "exposure" (AKM),
        "null imposed, normal" (AKM0), "null imposed" (critical values by the effective number of
        shocks: what ``inference="exposure"`` reports).
    draws : int
    level : float
        Nominal rate.
    rng : int or numpy.random.Generator

    Returns
    -------
    Placebo

    Raises
    ------
    SchemaError
        If an option is not valid, no regressor is a linkage measure, or presence of fewer than five
        industries is known in all years.

    References
    ----------
    Adao, Kolesar & Morales (2019), section II; Bertrand, Duflo & Mullainathan (2004), QJE 119(1).

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(industries=8, firms_per_industry=10, rng=1)
    >>> result = sp.inference.placebo(world.firms, world.io, draws=20, rng=1)
    >>> result.table().loc["firm"].between(0, 1).all()
    np.True_
    """
    _check(shocks, persistence, errors, draws, level)
    fit, links = _fit(panel, io_or_links, formula, sample, weights)
    if share_controls:
        fit = controlled(fit, links)
    robust = infer(fit, links)
    cells, outcome, place = cells_of(fit, robust)
    movable = complete_sectors(robust.exposures)
    if len(movable) < 5:
        raise SchemaError(
            f"Presence of {len(movable)} industries is known in all years; 5 are needed."
        )
    generator = np.random.default_rng(rng)
    by_rows = RowErrors.of(fit, robust, place, errors)
    collected: dict[str, list[Matrix]] = {name: [] for name in errors}
    effective = np.empty((draws, len(robust.terms)))
    batch = by_rows.batch
    for start in range(0, draws, batch):
        drawn = [
            _drawn(robust.exposures, movable, shocks, persistence, generator)
            for _ in range(min(batch, draws - start))
        ]
        for name, values in by_rows.p_values(robust.exposures, drawn, generator).items():
            collected[name] += values
        for d, paths in enumerate(drawn, start):
            found, effective[d] = _exposure_p_values(cells, robust.exposures, paths, outcome)
            for name in collected.keys() & found.keys():
                collected[name].append(found[name])
    terms = list(robust.terms)
    return Placebo(
        {name: pd.DataFrame(np.array(rows), columns=terms) for name, rows in collected.items()},
        level,
        draws,
        _words(shocks, persistence),
        fit.formula,
        fit.sample,
        pd.Series(np.median(effective, axis=0), terms),
        fit.synthetic or "synthetic" in links.source.lower(),
    )


def _check(
    shocks: str, persistence: float, errors: Sequence[str], draws: int, level: float
) -> None:
    check_choice("shocks", shocks, SHOCKS)
    if isinstance(errors, str) or not errors or len(set(errors)) < len(errors):
        raise SchemaError(f"errors={errors!r} must be a list of different standard errors.")
    for name in errors:
        check_choice("errors", name, ERRORS)
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 1:
        raise SchemaError(f"draws={draws!r}: give a whole number from 1 up; 500 is usual.")
    if not -1 < persistence < 1:
        raise SchemaError(f"persistence={persistence!r} must lie between -1 and 1.")
    if not 0 < level < 1:
        raise SchemaError(f"level={level!r} must lie between 0 and 1; 0.05 is usual.")


def _fit(
    panel: FirmPanel | NativeFrame,
    io_or_links: Tables | Linkages,
    formula: str,
    sample: Sample,
    weights: str | None,
) -> tuple[Fit, Linkages]:
    """Attach the measures where they are absent, and fit."""
    from spillover.panel.fit import fit  # noqa: PLC0415 (it imports what this package uses)

    links = io_or_links if isinstance(io_or_links, Linkages) else linkages(panel, io_or_links)
    native = panel.data if isinstance(panel, FirmPanel) else panel
    columns = as_eager(native, "panel").columns
    absent = [name for name in links.measures if name not in columns]
    if absent:
        native = attach(native, links, measures=absent)
    return fit(
        formula, native, sample=sample, weights=weights, inference="hetero", cluster="firm"
    ), links


def _words(shocks: str, persistence: float) -> str:
    return {
        "permute": "observed paths permuted across industries",
        "iid": "independent normal draws by industry and year",
        "ar1": f"autoregressive draws by industry ({persistence:g})",
    }[shocks]


def _exposure_p_values(
    cells: Cells, exposures: Sequence[Exposure], paths: list[Matrix], outcome: Matrix
) -> tuple[dict[str, Matrix], Matrix]:
    """Return the p-values of exposure-robust tests of zero, and the effective shocks."""
    draw = regress(cells, exposures, paths, outcome)
    beta, rho = draw.beta[:, 0], draw.rho[..., 0]
    kappa = np.diagonal(draw.P, axis1=1, axis2=2) / np.diagonal(draw.bread)
    statistic = np.abs(beta) / np.sqrt((rho**2).sum(axis=0))
    found = {"exposure": 2 * stats.norm.sf(statistic)}
    for name, critical in (("null imposed, normal", "normal"), ("null imposed", "effective")):
        found[name] = np.array(
            [
                null_p_value(rho[:, m], kappa[:, m], float(beta[m]), critical)  # type: ignore[arg-type]
                for m in range(len(beta))
            ]
        )
    return found, 1 / (kappa**2).sum(axis=0)


def _drawn(
    exposures: Sequence[Exposure],
    movable: NDArray[np.intp],
    shocks: Shocks,
    persistence: float,
    rng: np.random.Generator,
) -> list[Matrix]:
    """Draw presence for all exposures alike."""
    if shocks == "permute":
        return redraw(exposures, movable, "permute", rng)
    first = exposures[0].shocks[movable]
    common = _normal(first.shape, persistence if shocks == "ar1" else 0.0, rng)
    extra = _normal(first.shape, persistence if shocks == "ar1" else 0.0, rng)
    base = _within(first)
    result = []
    for one in exposures:
        path = one.shocks[movable]
        own = _within(path)
        r = float((base * own).sum() / np.sqrt((base**2).sum() * (own**2).sum()))
        z = r * common + np.sqrt(max(1 - r * r, 0.0)) * extra
        drawn = one.shocks.copy()
        mean = path.mean(axis=-1, keepdims=True)
        drawn[movable] = np.where(one.observed[movable], mean + own.std() * z, 0.0)
        result.append(drawn)
    return result


def _within(path: Matrix) -> Matrix:
    result: Matrix = path - path.mean(axis=-1, keepdims=True)
    return result


def _normal(shape: tuple[int, ...], persistence: float, rng: np.random.Generator) -> Matrix:
    z: Matrix = rng.standard_normal(shape)
    for t in range(1, shape[-1]):
        z[..., t] = persistence * z[..., t - 1] + np.sqrt(1 - persistence**2) * z[..., t]
    return z

"""Randomisation inference: what would have been found, had the shocks fallen elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, check_choice, did_you_mean
from spillover.inference.cell_algebra import Cells, regress
from spillover.inference.confidence_sets import check_level
from spillover.inference.exposure import infer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.inference.exposure_result import ExposureInference
    from spillover.inference.exposure_terms import Exposure
    from spillover.linkage.result import Linkages
    from spillover.panel.result import Fit

    Matrix = NDArray[np.float64]

Scheme = Literal["permute", "flip"]
Statistic = Literal["studentised", "coefficient"]
LEAST_SECTORS = 5


@dataclass(frozen=True, eq=False, repr=False)
class Randomisation:
    """Randomisation inference on linkage coefficients; see :func:`randomise`.

    Attributes
    ----------
    terms : tuple of str
    params : pandas.Series
        Estimates of the terms.
    scheme : {"permute", "flip"}
    statistic : {"studentised", "coefficient"}
    draws : int
    sectors : tuple of str
        Those whose paths were redrawn.
    joint_p_value : float
        Of no effect of all terms together.
    """

    terms: tuple[str, ...]
    params: pd.Series[float]
    scheme: Scheme
    statistic: Statistic
    draws: int
    sectors: tuple[str, ...]
    joint_p_value: float
    _pieces: Mapping[str, _Pieces]

    def p_value(self, term: str, null: float = 0.0) -> float:
        """Return (b + 1) / (draws + 1), b the draws with a statistic at least as large.

        Parameters
        ----------
        term : str
        null : float
            The value tested.

        Returns
        -------
        float
        """
        if term not in self.terms:
            raise SchemaError(f"{term!r} is no linkage term.{did_you_mean(term, self.terms)}")
        delta = float(self.params[term]) - null
        return self._pieces[term].p_value(delta, self.statistic)

    def confint(self, level: float = 0.95) -> pd.DataFrame:
        """Return the smallest interval around the values that the test keeps.

        Parameters
        ----------
        level : float

        Returns
        -------
        pandas.DataFrame
            conf_low and conf_high by term; infinite where no end was found within 1,000 times the
            distance at which a normal interval would end.
        """
        check_level(level)
        rows = {}
        for term in self.terms:
            piece, estimate = self._pieces[term], float(self.params[term])
            down = piece.end(level, self.statistic, 1.0)
            up = piece.end(level, self.statistic, -1.0)
            rows[term] = (estimate - down, estimate - up)
        return pd.DataFrame.from_dict(rows, orient="index", columns=["conf_low", "conf_high"])

    def table(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per linkage term.

        Parameters
        ----------
        level : float

        Returns
        -------
        pandas.DataFrame
            By term: estimate, p_value, conf_low, conf_high.
        """
        p = pd.Series({term: self.p_value(term) for term in self.terms}, name="p_value")
        return pd.concat([self.params.rename("estimate"), p, self.confint(level)], axis=1)

    def notes(self) -> list[str]:
        """Return what the result says below its table.

        Returns
        -------
        list of str
        """
        how = {
            "permute": "paths of presence permuted across industries",
            "flip": "deviations of presence from the year's mean, signs drawn by industry",
        }[self.scheme]
        return [
            f"Randomisation inference: {how} ({len(self.sectors)} industries), {self.draws:,} "
            f"draws, {self.statistic} statistic",
            f"All terms together: p = {self.joint_p_value:.4f}",
        ]

    def __repr__(self) -> str:
        body = self.table().to_string(float_format=lambda value: f"{value:.4g}")
        return "\n".join(["Randomisation", body, *self.notes()])

    def _repr_html_(self) -> str:
        body = self.table().to_html(float_format=lambda x: f"{x:.4f}", border=0)
        notes = "<br>".join(escape(line) for line in self.notes())
        return f"<div>{body}<p style='font-size:smaller'>{notes}</p></div>"


@dataclass(frozen=True, eq=False)
class _Pieces:
    """One term's draws as functions of delta, the estimate less the value tested.

    With the null imposed the outcome is linear in delta, and so are a draw's coefficient
    a + b delta and its scores: one pass over the draws serves every value.
    """

    rho: Matrix  # (clusters,) of the estimate
    kappa: Matrix
    a: Matrix  # (draws,)
    b: Matrix
    rho_a: Matrix  # (draws, clusters)
    rho_b: Matrix
    kappas: Matrix

    def p_value(self, delta: float, statistic: Statistic) -> float:
        beta = self.a + delta * self.b
        if statistic == "coefficient":
            ours, theirs = delta**2, beta**2
        else:
            u = self.rho + delta * self.kappa
            v = self.rho_a + delta * self.rho_b + beta[:, None] * self.kappas
            ours = delta**2 / max(float(u @ u), 1e-300)
            theirs = beta**2 / np.maximum(np.einsum("dk,dk->d", v, v), 1e-300)
        beaten = int((theirs >= ours * (1 - 1e-10)).sum())
        return (1 + beaten) / (1 + len(beta))

    def end(self, level: float, statistic: Statistic, sign: float) -> float:
        """Return where the p-value falls below 1 - level for good, going out from delta = 0."""
        unit = 2 * np.sqrt(float(self.rho @ self.rho))
        grid = sign * unit * np.geomspace(1e-2, 1e3, 51)
        kept = [self.p_value(delta, statistic) >= 1 - level for delta in grid]
        if kept[-1]:
            return float(sign * np.inf)
        last = max((i for i, keep in enumerate(kept) if keep), default=-1)
        low, high = (grid[last] if last >= 0 else 0.0), grid[last + 1]
        for _ in range(30):
            middle = (low + high) / 2
            if self.p_value(middle, statistic) >= 1 - level:
                low = middle
            else:
                high = middle
        return float(low)


def randomise(
    fit: Fit,
    links: Linkages | Mapping[str, Linkages] | None = None,
    *,
    draws: int = 999,
    scheme: Scheme = "permute",
    statistic: Statistic = "studentised",
    rng: int | np.random.Generator = 0,
) -> Randomisation:
    """Redraw which industries had which paths of presence, and estimate anew.

    Parameters
    ----------
    fit : Fit
        Of least squares, with arrays (not ``lean``).
    links : Linkages, or column -> Linkages, optional
        See :func:`spillover.inference.exposure`.
    draws : int
    scheme : {"permute", "flip"}
        Whole paths over the years are permuted across industries: exact if any industry might have
        had any path. Or each industry's deviations from the year's mean keep or change their sign:
        exact if shocks are symmetric and independent across industries, whose variances may differ.
    statistic : {"studentised", "coefficient"}
        The coefficient over its null-imposed exposure-robust error, or by itself.
    rng : int or numpy.random.Generator

    Returns
    -------
    Randomisation

    Raises
    ------
    SchemaError
        If fewer than five industries have presence in all years, or there are interactions.

    Notes
    -----
    Horizontal, Backward and Forward are rebuilt from the same draw through their shares, the
    presence net of exports moving with the plain one; regressions are those of
    :mod:`spillover.inference.cell_algebra`, so that the number of firms does not matter. The joint
    test is exact under its assumption. The test of one coefficient takes what the others explain
    (estimated under the null) as given. Industries that are not observed in all years keep their
    path. Where Horizontal leaves the firm itself out, its industry's presence stands in for it.

    References
    ----------
    Fisher (1935), The Design of Experiments; Borusyak & Hull (2023), Econometrica 91(6).

    Examples
    --------
    >>> import warnings
    >>> import spillover as sp
    >>> world = sp.simulate.panel(backward=0.3, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> result = sp.fit("tfp ~ horizontal + backward | firm + year", panel, sample="domestic")
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     random = sp.inference.randomise(result, draws=99, rng=1)
    >>> bool(0 < random.p_value("backward") <= 1)
    True
    """
    check_choice("scheme", scheme, ("permute", "flip"))
    check_choice("statistic", statistic, ("studentised", "coefficient"))
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 19:
        raise SchemaError(f"draws={draws!r}: give a whole number from 19 up; 999 is usual.")
    robust = infer(fit, links)
    cells, outcome, _ = cells_of(fit, robust)
    movable = complete_sectors(robust.exposures)
    if len(movable) < LEAST_SECTORS:
        raise SchemaError(
            f"Presence of {len(movable)} industries is known in all years; {LEAST_SECTORS} are "
            "needed to redraw it."
        )
    generator = np.random.default_rng(rng)
    redraws = (redraw(robust.exposures, movable, scheme, generator) for _ in range(draws))
    beta, pieces, joint = _draw(robust, cells, outcome, redraws, draws)
    sectors = tuple(robust.sectors[k] for k in movable)
    params = pd.Series(beta, list(robust.terms), name="estimate")
    return Randomisation(
        robust.terms, params, scheme, statistic, draws, sectors, joint, dict(pieces)
    )


def cells_of(fit: Fit, robust: ExposureInference) -> tuple[Cells, Matrix, NDArray[np.intp]]:
    """Reduce a regression to its cells: the cells, the outcome's sums (cells, 1), the rows' places.

    Raises
    ------
    SchemaError
        For interactions of a linkage measure, which vary within cells.
    """
    estimated = fit.estimated
    if estimated is None:  # exposure() has refused before
        raise SchemaError("The fit kept no arrays.")
    mixed = [one.term for one in robust.exposures if one.factor is not None]
    if mixed:
        raise SchemaError(f"{mixed[0]!r} varies within industry-years; shocks cannot be redrawn.")
    place = robust.exposures[0].layout.place
    other = robust.score.other
    cells = Cells.of(estimated, place, other)
    left = estimated.y
    w = estimated.design.weights
    if len(other):
        Z = estimated.X[:, other]
        weighted = Z if w is None else Z * w[:, None]
        left = left - Z @ np.linalg.lstsq(weighted.T @ Z, weighted.T @ left, rcond=None)[0]
    sums = cells.sums(place, left if w is None else left * w)
    return cells, sums[:, None], place


def complete_sectors(exposures: Sequence[Exposure]) -> NDArray[np.intp]:
    """Return the sectors whose presence is known wherever that of any is."""
    known = np.ones(exposures[0].shocks.shape[0], dtype=bool)
    for one in exposures:
        needed = one.observed.any(axis=0)
        known &= (one.observed | ~needed).all(axis=(1, 2))
    return np.flatnonzero(known)


def redraw(
    exposures: Sequence[Exposure],
    movable: NDArray[np.intp],
    scheme: Scheme,
    rng: np.random.Generator,
) -> list[Matrix]:
    """Permute paths, or change the signs of deviations, alike for all exposures."""
    result = []
    order = movable[rng.permutation(len(movable))]
    signs = rng.choice([-1.0, 1.0], size=(len(movable), 1, 1))
    for one in exposures:
        shocks = one.shocks.copy()
        if scheme == "permute":
            shocks[movable] = one.shocks[order]
        else:
            deviations = one.residualise(one.shocks)[movable]
            shocks[movable] = one.shocks[movable] + (signs - 1) * deviations
        result.append(shocks)
    return result


def _draw(
    robust: ExposureInference,
    cells: Cells,
    outcome: Matrix,
    redraws: Iterable[list[Matrix]],
    draws: int,
) -> tuple[Matrix, dict[str, _Pieces], float]:
    """Run the draws; each regresses the residuals, each term's own part, and the outcome."""
    terms, exposures = robust.terms, robust.exposures
    shocks = [one.shocks for one in exposures]
    actual = regress(cells, exposures, shocks, outcome)
    X = np.column_stack(
        [one.spread(g).ravel()[cells.where] for one, g in zip(exposures, shocks, strict=True)]
    )
    GX = cells.gram @ X
    residuals = outcome - GX @ actual.beta
    own = GX @ actual.bread / np.diagonal(actual.bread)
    outcomes = np.column_stack([residuals, own, outcome])
    count, clusters = len(terms), len(robust.sectors)
    a, b = np.empty((draws, count)), np.empty((draws, count))
    rho_a, rho_b, kappas = (np.empty((draws, clusters, count)) for _ in range(3))
    observed = joint_square(actual.beta[:, 0], actual.rho[..., 0], actual.P, actual.bread)
    beaten = 0
    for d, drawn in enumerate(redraws):
        found = regress(cells, exposures, drawn, outcomes)
        diagonal = np.arange(count)
        a[d], b[d] = found.beta[:, 0], found.beta[diagonal, 1 + diagonal]
        rho_a[d] = found.rho[..., 0]
        rho_b[d] = found.rho[:, diagonal, 1 + diagonal]
        kappas[d] = found.P[:, diagonal, diagonal] / np.diagonal(found.bread)
        theirs = joint_square(found.beta[:, -1], found.rho[..., -1], found.P, found.bread)
        beaten += theirs >= observed * (1 - 1e-10)
    kappa = np.diagonal(actual.P, axis1=1, axis2=2) / np.diagonal(actual.bread)
    pieces = {
        term: _Pieces(
            actual.rho[:, m, 0], kappa[:, m], a[:, m], b[:, m],
            rho_a[:, :, m], rho_b[:, :, m], kappas[:, :, m],
        )
        for m, term in enumerate(terms)
    }  # fmt: skip
    return actual.beta[:, 0], pieces, (1 + int(beaten)) / (1 + draws)


def joint_square(beta: Matrix, rho: Matrix, P: Matrix, bread: Matrix) -> float:
    """Return the null-imposed statistic of all coefficients being zero."""
    psi = rho + P @ np.linalg.solve(bread, beta)
    meat = psi.T @ psi
    return float(beta @ np.linalg.lstsq(meat, beta, rcond=1e-12)[0])

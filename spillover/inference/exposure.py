"""Exposure-robust inference for linkage regressors, from the linkages that the columns carry."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from warnings import warn

import numpy as np
import pandas as pd
from scipy import stats

from spillover.errors import SchemaError, SpilloverWarning, check_choice, preview
from spillover.inference.confidence_sets import CRITICAL, Critical, check_level
from spillover.inference.exposure_result import ExposureInference
from spillover.inference.exposure_scores import SPANNED, joint_score
from spillover.inference.exposure_terms import find_exposures
from spillover.inference.share_controls import with_share_controls
from spillover.linkage.build import check_linkages
from spillover.linkage.carried import CarriedLinkages
from spillover.panel.covariance import Inference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spillover.linkage.result import Linkages
    from spillover.panel.estimated import Estimated
    from spillover.panel.result import Fit

FEW_SHOCKS = 5
STRANGE = 0.01
"""Part of a regressor's variation that shares and shocks may leave without a word."""


def exposure(
    fit: Fit,
    links: Linkages | Mapping[str, Linkages] | None = None,
    *,
    critical: Critical = "effective",
) -> ExposureInference:
    """Infer on linkage coefficients from the shocks behind them.

    Parameters
    ----------
    fit : Fit
        Of least squares, with arrays (not ``lean``).
    links : Linkages, or column -> Linkages, optional
        Where the data no longer carry them (a Polars frame, a file): what the columns named as
        measures were attached from.
    critical : {"effective", "normal"}
        Critical values of the tests with the null imposed: Student's with the effective number of
        shocks, or the normal ones of the published test; see
        :mod:`spillover.inference.confidence_sets`.

    Returns
    -------
    ExposureInference

    Raises
    ------
    SchemaError
        If no regressor is a linkage measure, the fit has no arrays or is not least squares, or rows
        are not on the linkages' axes.

    Warns
    -----
    SpilloverWarning
        Once: if shares are incomplete and nothing controls for them, shares change over time, or
        fewer than ten effective shocks stand behind a coefficient.

    Notes
    -----
    Formulas: :mod:`spillover.inference.exposure_scores`. Observed shocks are used, not the
    projection of the regressor on the shares: with fewer measured industries than partner
    industries that projection is not unique.

    References
    ----------
    Adao, Kolesar & Morales (2019), QJE 134(4); Borusyak, Hull & Jaravel (2022), REStud 89(1).

    Examples
    --------
    >>> import warnings
    >>> import spillover as sp
    >>> world = sp.simulate.panel(backward=0.3, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> result = sp.fit("tfp ~ horizontal + backward | firm + year", panel, sample="domestic")
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     robust = sp.inference.exposure(result)
    >>> robust.terms
    ('horizontal', 'backward')
    """
    result = infer(fit, links, critical=critical)
    said = _warnings(result)
    if said:
        warn(" ".join(said), SpilloverWarning, stacklevel=2)
    return result


def infer(
    fit: Fit,
    links: Linkages | Mapping[str, Linkages] | None = None,
    *,
    critical: Critical = "effective",
) -> ExposureInference:
    """Do what :func:`exposure` does, without its warnings."""
    check_choice("critical", critical, CRITICAL)
    estimated = _arrays(fit)
    tags = {**fit.links, **_tags(links)}
    found = find_exposures(estimated, tags, differenced(fit))
    if not found:
        raise SchemaError(
            "No regressor is a linkage measure of this frame: attach them with sp.attach, leave "
            "their columns as they are, or pass links= (with sp.fit, and with frames that are not "
            "pandas: inference_settings={'links': links}). Regressors: "
            f"{preview(estimated.design.terms, 12)}."
        )
    terms = tuple(estimated.design.terms[j] for j in sorted(found))
    exposures = tuple(found[j] for j in sorted(found))
    sectors = exposures[0].layout.links.axes.sectors
    if any(one.layout.links.axes.sectors != sectors for one in exposures):
        raise SchemaError(
            "The linkage regressors come from tables with different sectors; their shocks cannot "
            "be matched. Build them from tables of one classification."
        )
    score = joint_score(estimated, found)
    names = list(estimated.design.terms)
    return ExposureInference(
        params=pd.Series(estimated.squares.beta, names, name="estimate"),
        vcov=pd.DataFrame(score.vcov, names, names),
        terms=terms,
        exposures=exposures,
        score=score,
        critical=critical,
        sectors=sectors,
    )


def with_exposure(
    fit: Fit,
    links: Linkages | Mapping[str, Linkages] | None = None,
    *,
    critical: Critical = "effective",
    share_controls: bool = False,
) -> Fit:
    """Return the fit with exposure-robust inference in place of its own.

    Parameters
    ----------
    fit, links, critical
        As in :func:`exposure`.
    share_controls : bool
        Add the sums of incomplete shares x years to the regressors, solve anew, and leave them out
        of the table; see :func:`spillover.inference.share_controls`.

    Returns
    -------
    Fit
        Standard errors of equation (3); p-values and intervals of linkage terms with the null
        imposed, of others by t with industries less one degrees of freedom. An interval that is not
        bounded has infinite ends; ``sp.inference.exposure(fit)`` gives its shape.

    Raises
    ------
    SchemaError
        As :func:`exposure`.

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(backward=0.3, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> fit = sp.fit("tfp ~ backward | firm + year", panel, sample="domestic")
    >>> with_exposure(fit, share_controls=True).inference.kind
    'exposure'
    """
    if share_controls:
        fit = controlled(fit, links)
    robust = infer(fit, links, critical=critical)
    said = _warnings(robust)
    if said:
        warn(" ".join(said), SpilloverWarning, stacklevel=2)
    return apply_exposure(fit, robust)


def controlled(fit: Fit, links: Linkages | Mapping[str, Linkages] | None = None) -> Fit:
    """Return the fit with the control for incomplete shares x years, which it does not report.

    Parameters
    ----------
    fit, links
        As in :func:`exposure`.

    Returns
    -------
    Fit
        Coefficients, residuals and measures of fit are new; its covariance is not: put another in
        its place, as :func:`with_exposure` does.
    """
    before = _arrays(fit)
    tags = {**fit.links, **_tags(links)}
    after = with_share_controls(before, find_exposures(before, tags, differenced(fit)).values())
    count = after.X.shape[1] - before.X.shape[1]
    w = before.design.weights
    e = after.squares.residuals
    old, new = (float(r @ (r if w is None else w * r)) for r in (before.squares.residuals, e))
    kept = fit.params.index
    return replace(
        fit,
        params=pd.Series(after.squares.beta[: len(kept)], kept, name="estimate"),
        residuals=e,
        df_resid=after.df_resid,
        r2=1 - (1 - fit.r2) * new / old if old else fit.r2,
        r2_within=1 - (1 - fit.r2_within) * new / old if old else fit.r2_within,
        rmse=float(np.sqrt(new / after.df_resid)),
        estimated=after,
        remarks=(*fit.remarks, f"Controls: sums of incomplete shares x years ({count} columns)"),
    )


def apply_exposure(fit: Fit, robust: ExposureInference) -> Fit:
    """Put exposure-robust inference into a fit.

    Parameters
    ----------
    fit : Fit
    robust : ExposureInference
        Of the same fit.

    Returns
    -------
    Fit
    """
    shown = fit.params.index
    industries = len(np.unique(robust.exposures[0].layout.home))
    df = max(industries - 1, 1)
    errors = pd.Series(np.sqrt(np.diagonal(robust.vcov)), robust.params.index)

    def p_values() -> pd.Series[float]:
        plain = 2 * stats.t.sf(np.abs(robust.params / errors), df)
        values = pd.Series(plain, robust.params.index, name="p_value")
        for term in robust.terms:
            values[term] = robust.p_value(term)
        return values[shown]

    def intervals(level: float) -> pd.DataFrame:
        check_level(level)
        half = stats.t.ppf((1 + level) / 2, df) * errors
        table = pd.DataFrame({"conf_low": robust.params - half, "conf_high": robust.params + half})
        for term in robust.terms:
            table.loc[term] = robust.confidence_set(term, level).hull
        return table.loc[shown]

    inference = Inference(
        kind="exposure",
        levels=("shock",),
        n_clusters=(len(robust.sectors),),
        df=df,
        description="exposure-robust",
    )
    return replace(
        fit,
        vcov=robust.vcov.loc[shown, shown],
        inference=inference,
        p_values=p_values(),
        intervals=intervals,
        remarks=(*fit.remarks, *robust.notes()),
    )


def differenced(fit: Fit) -> int:
    """Return over how many calendar years the variables of a fit were differenced; 0 for levels.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> differenced(SimpleNamespace(transform="differences over 4 calendar years"))
    4
    """
    if not fit.transform:
        return 0
    years = re.search(r"\d+", fit.transform)
    return int(years[0]) if years else 1


def _arrays(fit: Fit) -> Estimated:
    estimated = fit.estimated
    if estimated is None:
        raise SchemaError(
            "The fit kept no arrays (lean=True, or an estimator without them); fit it anew."
        )
    if estimated.Xhat is not estimated.X:
        raise SchemaError(
            "Exposure-robust inference takes least squares; for a linkage measure as an instrument "
            "use sp.inference.akm(..., endogenous=)."
        )
    return estimated


def _tags(links: Linkages | Mapping[str, Linkages] | None) -> dict[str, CarriedLinkages]:
    if links is None:
        return {}
    if hasattr(links, "items"):
        tags = {}
        for column, one in links.items():
            check_linkages(one, f"links[{column!r}]")
            names = [name for name in one.measures if str(column).startswith(name)]
            if not names:
                raise SchemaError(
                    f"{column!r} begins with no measure of its linkages: {preview(one.measures)}."
                )
            tags[str(column)] = CarriedLinkages(one, max(names, key=len))
        return tags
    check_linkages(links)
    return {name: CarriedLinkages(links, name) for name in links.measures}


def _warnings(result: ExposureInference) -> list[str]:
    said = []
    score = result.score
    open_shares = {
        term: part
        for term, part in zip(result.terms, score.unexplained, strict=True)
        if part > SPANNED
    }
    if open_shares:
        listed = ", ".join(f"{t} ({100 * part:.2g} %)" for t, part in open_shares.items())
        said.append(
            "The shares of a measure add up to less than 1 and differ by industry, and nothing "
            f"controls for them: part of the variation of {listed} is the general level of "
            "presence times the sum of shares, not where presence changed. Pass "
            "share_controls=True to with_exposure (inference_settings={'share_controls': True} to "
            "fit), or absorb year effects if there are none."
        )
    strange = {
        one.term: part
        for one, part in zip(result.exposures, score.own, strict=True)
        if part > STRANGE and not one.layout.links.definition.leave_one_out
    }
    if strange:
        listed = ", ".join(f"{t} ({100 * part:.2g} %)" for t, part in strange.items())
        said.append(
            f"Shares and presence do not give the variation of {listed}: firms that change "
            "industry between the years of a difference, or a column that was changed. That part "
            "is clustered by the firms' own industry."
        )
    moving = [one.term for one in result.exposures if len(np.unique(one.index[one.index >= 0])) > 1]
    if moving:
        said.append(
            f"The shares of {', '.join(moving)} change over time: they may respond to presence, "
            "and inference takes them as given. Fix them at one table for inference."
        )
    few = {t: v for t, v in result.effective_shocks.items() if v < FEW_SHOCKS}
    if few:
        listed = ", ".join(f"{term} {value:.1f}" for term, value in few.items())
        said.append(
            f"Fewer than {FEW_SHOCKS} effective shocks ({listed}): do not use the standard errors; "
            "read the tests with the null imposed, and compare with "
            "sp.inference.randomise."
        )
    return said

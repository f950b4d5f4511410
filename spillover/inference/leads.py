"""Does the outcome move before presence does? A test of strict exogeneity by leads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, did_you_mean
from spillover.inference._read import check_level
from spillover.inference.diagnostics import html
from spillover.inference.exposure import differenced, infer
from spillover.inference.wild import wild_bootstrap
from spillover.panel.formula import parse_formula
from spillover.panel.names import split

if TYPE_CHECKING:
    from spillover._frames import NativeFrame
    from spillover.firms import FirmPanel
    from spillover.panel.result import Fit


@dataclass(frozen=True, eq=False, repr=False)
class Leads:
    """A regression with future (and past) values of a regressor; see :func:`leads`.

    Attributes
    ----------
    fit : Fit
        The regression with leads and lags.
    term : str
    terms : mapping of int to str
        Calendar years from the outcome back to the regressor -> term: negative for leads (the
        regressor is measured later), 0 for the regressor itself, positive for lags.
    joint : pandas.Series
        Test that all leads are zero: statistic, df_num, df_denom, p_value.
    method : str
        How ``joint`` was made.
    """

    fit: Fit
    term: str
    terms: dict[int, str]
    joint: pd.Series[float]
    method: str

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per lead and lag, leads first.

        Parameters
        ----------
        level : float
            Of the confidence intervals.

        Returns
        -------
        pandas.DataFrame
            years (see ``terms``), term, estimate, std_error, statistic, p_value, conf_low,
            conf_high.
        """
        check_level(level)
        table = self.fit.tidy(level).set_index("term").loc[list(self.terms.values())]
        table.insert(0, "term", table.index)
        table.insert(0, "years", list(self.terms))
        return table.reset_index(drop=True)

    def notes(self) -> list[str]:
        """Return what the result says below its table.

        Returns
        -------
        list of str
        """
        joint = self.joint
        degrees = (
            "" if np.isnan(joint["df_denom"]) else f"({joint['df_num']:g}, {joint['df_denom']:g})"
        )
        lines = [
            "years: from the regressor to the outcome; negative where the regressor comes later",
            f"All leads zero ({self.method}): {joint['statistic']:.4g} {degrees}".rstrip()
            + f", p = {joint['p_value']:.4g}",
            "A small p-value says that the outcome is related to later values: no strict "
            "exogeneity, or trends before presence changed. A large one may be for want of power",
            f"{self.fit.nobs:,} observations; standard errors: {self.fit.inference.label}",
        ]
        return [*lines, "Synthetic data"] if self.fit.synthetic else lines

    def __repr__(self) -> str:
        body = self.tidy().to_string(index=False, float_format=lambda value: f"{value:.4g}")
        return "\n".join([f"Leads of {self.term}: {self.fit.formula}", body, *self.notes()])

    def _repr_html_(self) -> str:
        return html(f"Leads of {self.term}: {self.fit.formula}", self.tidy(), self.notes())


def leads(
    fit: Fit | str,
    panel: FirmPanel | NativeFrame,
    term: str,
    *,
    leads: int | Sequence[int] = (1, 2),
    lags: int | Sequence[int] = (),
    **options: Any,  # noqa: ANN401 (those of sp.fit)
) -> Leads:
    """Test strict exogeneity: add future values of a regressor, which should not matter.

    Parameters
    ----------
    fit : Fit or str
        A regression, or its formula. With a fit the same rows, transform and inference are used.
    panel : FirmPanel or data frame
        The data of the regression, with ``firm`` and ``year``.
    term : str
        A regressor, as written in the formula.
    leads, lags : int or sequence of int
        Calendar years ahead and back, 1 or more. Later values are those of the same firm, in or out
        of the sample; rows without them are left out.
    **options
        Of :func:`spillover.fit`, such as ``cluster``, ``sample`` or ``weights``; they override
        those of the fit.

    Returns
    -------
    Leads
        Draw it with :func:`spillover.plot.leads`.

    Raises
    ------
    SchemaError
        For an unknown term or years that are not whole and positive, a fit with weights if
        ``weights`` is not given, or whatever :func:`spillover.fit` refuses.
    IdentificationError
        If the leads are collinear, or too many for a joint test.

    Notes
    -----
    With fixed effects the regressors must be unrelated to the errors of all years, not only of the
    same one; then a lead has coefficient zero (Wooldridge 2010, section 10.7.1). The joint test is
    Wald's F with the covariance of the fit; with ``inference="exposure"`` (or "randomisation") the
    exposure-robust test with the null imposed on all leads, with "wild" the bootstrap's.

    References
    ----------
    Wooldridge, J. M. (2010). Econometric Analysis of Cross Section and Panel Data, 2nd ed. MIT
    Press, section 10.7.

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(backward=0.3, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> fit = sp.fit("tfp ~ backward | firm + year", panel, sample="domestic")
    >>> test = sp.inference.leads(fit, panel, "backward", leads=(1, 2), lags=1)
    >>> list(test.terms)
    [-2, -1, 0, 1]
    """
    from spillover.panel.fit import fit as refit  # noqa: PLC0415 (it imports this package's readers)

    ahead, back = _years(leads, "leads"), _years(lags, "lags")
    if not ahead:
        raise SchemaError("leads= names no year ahead: give at least one, such as leads=(1, 2).")
    given = None if isinstance(fit, str) else fit
    formula = fit if isinstance(fit, str) else fit.formula
    terms = {-k: f"lead({term}, {k})" for k in reversed(ahead)} | {0: term}
    terms |= {k: f"lag({term}, {k})" for k in back}
    wider = _with_terms(formula, term, [name for name in terms.values() if name != term])
    settings = {**({} if given is None else _settings(given, options)), **options}
    found = refit(wider, panel, **settings)
    if given is not None and "sample" not in options:
        found = replace(found, sample=given.sample)
    joint, method = joint_test(found, [name for years, name in terms.items() if years < 0])
    return Leads(found, term, terms, joint, method)


def _years(value: int | Sequence[int], name: str) -> list[int]:
    items: list[Any] = list(value) if isinstance(value, Iterable) else [value]
    whole = all(isinstance(k, int | np.integer) and not isinstance(k, bool) for k in items)
    if not whole or any(k < 1 for k in items) or len(set(items)) < len(items):
        raise SchemaError(
            f"{name}={value!r}: give different whole numbers of calendar years, 1 or more."
        )
    return sorted(int(k) for k in items)


def _with_terms(formula: str, term: str, more: list[str]) -> str:
    """Write the formula with more regressors."""
    model = parse_formula(formula)
    if term in {part.strip() for part in split(model.endogenous, "+")}:
        raise SchemaError(
            f"{term!r} is instrumented; test the leads of a regressor, or fit the reduced form."
        )
    known = [part.strip() for part in split(model.regressors, "+")]
    if term not in known:
        raise SchemaError(f"{term!r} is no regressor of {formula!r}.{did_you_mean(term, known)}")
    added = [name for name in more if name not in known]
    return str(replace(model, regressors=" + ".join([model.regressors, *added])))


def _settings(fit: Fit, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with which a fit was made, as far as it knows them."""
    settings: dict[str, Any] = {"sample": fit.used, "estimator": fit.estimator}
    years = differenced(fit)
    if years:
        settings |= {"transform": "long_difference", "length": years}
    inference = fit.inference
    if "inference" not in options:
        settings["inference"] = inference.kind
    if inference.kind in {"cluster", "wild", "cr2", "cr3"}:
        settings["cluster"] = list(inference.levels)
    if fit.estimated is None:
        raise SchemaError("The fit kept no arrays; give its formula and options instead.")
    if fit.estimated.design.weights is not None and "weights" not in options:
        raise SchemaError("The fit has weights, whose column it does not name: pass weights=.")
    return settings


def joint_test(fit: Fit, terms: list[str]) -> tuple[pd.Series[float], str]:
    """Test that several coefficients are zero, as the fit's inference does.

    Returns
    -------
    pandas.Series and str
        statistic, df_num, df_denom (missing where there is none), p_value; how it was made.
    """
    kind = fit.inference.kind
    if kind in {"exposure", "randomisation"}:
        robust = infer(fit)
        if set(terms) <= set(robust.terms):
            test = robust.test(terms)
            values = {
                "statistic": test["statistic"],
                "df_num": test["terms"],
                "df_denom": np.nan,
                "p_value": test["p_value"],
            }
            return pd.Series(values), "exposure-robust chi-squared, null imposed"
    if kind == "wild":
        wild = wild_bootstrap(fit, terms)
        values = {
            "statistic": wild.statistic,
            "df_num": float(len(terms)),
            "df_denom": np.nan,
            "p_value": wild.p_value,
        }
        return pd.Series(values), "wild bootstrap"
    return fit.wald(terms), "F"

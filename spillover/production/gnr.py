"""Gandhi, Navarro & Rivers (2020): gross output with one flexible input, without a proxy.

The flexible input's first-order condition says that its share of revenue is its elasticity times a
shock. Integrating the elasticity gives output but for a function C of the other inputs, which the
law of motion of productivity settles.

>>> import numpy as np, pandas as pd
>>> from spillover.production.data import build_inputs
>>> rng = np.random.default_rng(7)
>>> w, k, parts = rng.normal(0, 0.3, 300), rng.normal(2, 0.8, 300), []
>>> for year in range(6):                        # elasticities 0.3 and 0.6
...     m = (np.log(0.6) + w + 0.3 * k) / 0.4
...     e = rng.normal(0, 0.1, 300)
...     parts.append(pd.DataFrame({"firm": range(300), "year": year, "m": m, "k": k,
...         "y": 0.6 * m + 0.3 * k + w + e}))
...     k = 0.9 * k + 0.3 * w + rng.normal(0, 0.2, 300)
...     w = 0.7 * w + rng.normal(0, 0.2, 300)
>>> groups, _ = build_inputs(pd.concat(parts), output="y", state=["k"], proxy="m", by=None,
...     logged=True)
>>> estimate = estimate_gnr(groups["all"], Gnr(share_degree=1, integration_degree=1))
>>> estimate.inputs, bool(np.abs(estimate.elasticity - [0.3, 0.6]).max() < 0.05)
(('k', 'm'), True)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from spillover.errors import SchemaError, check_choice, preview, rows
from spillover.production._integration import Integration
from spillover.production._share import Share, derivative, integral, monomials, share_regression
from spillover.production.estimate import Estimate
from spillover.production.polynomial import basis, count_terms, exponents
from spillover.production.preparation import check_enough, check_whole, law_powers, law_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from spillover.production.data import Inputs

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Gnr:
    """Settings of :func:`estimate_gnr`; degrees 2, 2 and 3 as in the paper.

    Attributes
    ----------
    share_degree : int
        Of the flexible input's elasticity, a polynomial in all inputs.
    integration_degree : int
        Of C, the polynomial in the other inputs.
    markov_degree : int
        Of the law of motion.
    share : str, optional
        Extra column with the flexible input's cost as a share of revenue (a fraction, not a log).
        Without it, exp(m - y), right if both are values or share a deflator.
    free_timing : {"predetermined", "flexible"}
        Whether ``free`` inputs are set before this year's productivity is known, so that they
        instrument for themselves, or with it, so that last year's take their place.
    expectation : {"estimated", "one"}
        E[exp(epsilon)], by which the share regression is divided. "one" is right where firms choose
        the flexible input as if the shock were to be zero.
    interact : int
        Highest power of lagged productivity with which the drivers interact (0: they only add).
    years : bool
        Year effects in the law of motion: of imperfect deflators, say. They stay in TFP. The law is
        then one of productivity relative to its year's mean. The share regression has none: a
        share of revenue in current prices needs no deflator (give ``share`` where it is known).
    starts : int
        Starting points taken from a grid of elasticities, besides least squares in levels and
        differences and none.
    """

    share_degree: int = 2
    integration_degree: int = 2
    markov_degree: int = 3
    share: str | None = None
    free_timing: Literal["predetermined", "flexible"] = "predetermined"
    expectation: Literal["estimated", "one"] = "estimated"
    interact: int = 0
    years: bool = False
    starts: int = 6

    def __post_init__(self) -> None:
        check_choice("expectation", self.expectation, ["estimated", "one"])
        check_choice("free_timing", self.free_timing, ["predetermined", "flexible"])
        check_choice("years", self.years, (False, True))
        check_whole(
            self, share_degree=0, integration_degree=1, markov_degree=1, interact=0, starts=0
        )


def estimate_gnr(
    inputs: Inputs, settings: Gnr | None = None, *, near: Array | None = None
) -> Estimate:
    """Estimate a gross-output production function by Gandhi, Navarro & Rivers (2020).

    Parameters
    ----------
    inputs : Inputs
        ``proxy`` is the log of the flexible input; ``free`` and ``state`` are the others.
    settings : Gnr, optional
    near : (p,) array, optional
        Coefficients of C from which alone the second stage starts (for bootstrap draws).

    Returns
    -------
    Estimate
        ``names`` and ``beta`` are the terms of C (in logs of the inputs, no constant);
        ``elasticity`` the means over rows, ``elasticity_rows`` by row, the flexible input last.

    Raises
    ------
    SchemaError
        Without a flexible input or a usable share.
    IdentificationError
        With too few rows, or inputs that the moments do not tell apart.

    Notes
    -----
    Output and input markets are taken to be competitive; with a mark-up the elasticities are too
    low by its factor. C has no constant, so that the level of productivity holds it.

    References
    ----------
    Gandhi, A., Navarro, S. & Rivers, D. A. (2020). On the identification of gross output
    production functions. Journal of Political Economy 128(8), 2973-3016.
    """
    settings = settings or Gnr()
    part, usable, everything, share = _share_stage(inputs, settings)
    G = integral(share, everything)
    epsilon = _spread(share.epsilon, usable)
    table = exponents(inputs.X.shape[1], settings.integration_degree)[1:]
    names = _term_names(inputs.names.inputs, table)
    levels = (inputs.y - epsilon - G)[usable]
    own = np.column_stack([derivative(share, everything, j) for j in range(inputs.X.shape[1])])
    base = np.average(own[usable], axis=0, weights=part.weights)
    second = Integration.of(part, levels, settings, base=base)
    found = second.solve(names, part, near=near, more=settings.starts)
    elasticity = _elasticities(share, everything, found.b, table, own)
    innovation, gamma = second.law.rows(second.R @ found.b)
    xi = np.full(len(part), np.nan)
    xi[second.at] = innovation
    return Estimate(
        method="gnr",
        names=names,
        beta=found.b,
        omega=inputs.y - G - monomials(inputs.X, table) @ found.b,
        nobs=int(part.weights.sum()),
        inputs=(*inputs.names.inputs, str(inputs.names.proxy)),
        elasticity=np.average(elasticity[usable], axis=0, weights=part.weights),
        elasticity_rows=elasticity,
        phi=inputs.y - epsilon,
        xi=_spread(xi, usable),
        first_stage=_first_stage(share, settings, part),
        objective=found.objective,
        converged=found.converged and share.converged,
        starts=found.starts,
        markov=law_table(
            gamma, inputs.names.markov, second.law.powers, constant=not settings.years
        ),
        nobs_second=int(second.law.weights.sum()),
        searched=names,
        criterion=found.criterion,
        details={"constant": share.constant, "share_coefficients": share.coefficients},
        notes=(
            *_unusable(inputs, usable, settings),
            *share.notes,
            *found.notes,
            *_negative(elasticity, inputs),
        ),
    )


def _share_stage(inputs: Inputs, settings: Gnr) -> tuple[Inputs, NDArray[np.bool_], Array, Share]:
    """Return rows with a share, which these are, all inputs of all rows, and the regression."""
    flexible = _flexible(inputs)
    log_share, usable = _log_share(inputs, settings)
    part = inputs if usable.all() else inputs.take(usable)
    _check_size(part, settings)
    everything = np.column_stack([inputs.X, flexible])
    share = share_regression(
        everything[usable],
        log_share[usable],
        settings.share_degree,
        part.weights,
        unit_constant=settings.expectation == "one",
    )
    return part, usable, everything, share


def _spread(values: Array, usable: NDArray[np.bool_]) -> Array:
    """Put values of the usable rows in their places, NaN elsewhere."""
    out = np.full(len(usable), np.nan)
    out[usable] = values
    return out


def _unusable(inputs: Inputs, usable: NDArray[np.bool_], settings: Gnr) -> tuple[str, ...]:
    count = int(inputs.weights[~usable].sum())
    return (f"{rows(count)} without a positive {settings.share}: not estimated from",) * bool(count)


def _first_stage(share: Share, settings: Gnr, inputs: Inputs) -> dict[str, float | int | bool]:
    return {
        "r2": share.r2,
        "ssr": share.ssr,
        "nobs": int(inputs.weights.sum()),
        "degree": settings.share_degree,
        "terms": len(share.coefficients),
        "iterations": share.iterations,
        "converged": share.converged,
    }


def _negative(elasticity: Array, inputs: Inputs) -> tuple[str, ...]:
    low = (elasticity < 0).any(axis=1)
    count = int(inputs.weights[low].sum())
    return (f"{rows(count)} with a negative elasticity of some input",) if count else ()


def _flexible(inputs: Inputs) -> Array:
    if inputs.proxy is None:
        raise SchemaError("method='gnr' needs its flexible input as proxy='materials'.")
    if not inputs.X.shape[1]:
        raise SchemaError("method='gnr' needs an input besides the flexible one, as state=[...].")
    if not np.isfinite(inputs.proxy).all():
        missing = int((~np.isfinite(inputs.proxy)).sum())
        raise SchemaError(f"{inputs.names.proxy} is missing in {rows(missing)}; drop them first.")
    return inputs.proxy


def _log_share(inputs: Inputs, settings: Gnr) -> tuple[Array, NDArray[np.bool_]]:
    """Log share by row, and the rows that have one."""
    if settings.share is None:
        share = np.asarray(inputs.proxy, dtype=float) - inputs.y
        return share, np.ones(len(share), dtype=bool)
    if settings.share not in inputs.extra:
        raise SchemaError(
            f"share={settings.share!r} is not among the extra columns "
            f"({preview(list(inputs.extra)) or 'none'})."
        )
    share = inputs.extra[settings.share]
    usable = np.isfinite(share) & (share > 0)
    return np.log(np.where(usable, share, 1.0)), usable


def _check_size(inputs: Inputs, settings: Gnr) -> None:
    k = inputs.X.shape[1]
    hint = f"share_degree={settings.share_degree}"
    check_enough(len(inputs), count_terms(k + 1, settings.share_degree), "share-regression", hint)
    powers = law_powers(settings, inputs.markov.shape[1])
    second = count_terms(k, settings.integration_degree) - 1 + sum(powers) + len(powers)
    hint = f"integration_degree={settings.integration_degree}"
    check_enough(len(inputs.second), second, "second-stage", hint)


def _term_names(names: Sequence[str], table: NDArray[np.int64]) -> tuple[str, ...]:
    return tuple(
        "*".join(f"{n}^{e}" if e > 1 else n for n, e in zip(names, row, strict=True) if e)
        for row in table.tolist()
    )


def _elasticities(
    share: Share,
    everything: Array,
    c: Array,
    table: NDArray[np.int64],
    own: Array | None = None,
) -> Array:
    """Elasticities by row, (n, k + 1): the fixed inputs', then the flexible one's.

    ``own`` holds the derivatives of the share regression's integral, if they are known.
    """
    k = everything.shape[1] - 1
    out = np.empty_like(everything)
    for j in range(k):
        lowered = table.copy()
        lowered[:, j] = np.maximum(lowered[:, j] - 1, 0)
        first = derivative(share, everything, j) if own is None else own[:, j]
        out[:, j] = first + monomials(everything[:, :k], lowered) @ (table[:, j] * c)
    D = basis(everything, share.degree, standardise=False) @ share.coefficients
    out[:, k] = D / share.constant
    return out

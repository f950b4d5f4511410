"""What the firms of a synthetic production panel do: arrays of shape (periods, firms) in logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

if TYPE_CHECKING:
    from spillover.simulate._designs import AcfDesign, EndogenousDesign, GnrDesign, OpDesign

Array = NDArray[np.float64]

BURN_IN = 60
TINY = 1e-9
GRID_STEPS = 80


@dataclass(frozen=True)
class Paths:
    """Logs, each (periods, firms), NaN where a firm does not exist.

    ``output`` and ``materials`` are as measured; ``presence`` is that of the firm's industry.
    """

    output: Array
    labour: Array
    capital: Array
    materials: Array
    investment: Array
    omega: Array
    wage: Array
    firm: NDArray[np.intp]
    elasticities: dict[str, Array]
    price: Array | None = None
    presence: Array | None = None


def autoregression(
    periods: int, firms: int, persistence: float, sd: float, random: np.random.Generator
) -> Array:
    """Draw stationary first-order autoregressions with standard deviation ``sd``."""
    path = np.empty((periods, firms))
    path[0] = random.normal(0.0, sd, firms)
    shock = sd * np.sqrt(1.0 - persistence**2)
    for t in range(1, periods):
        path[t] = persistence * path[t - 1] + random.normal(0.0, shock, firms)
    return path


def planned_investment(design: AcfDesign, omega: Array, wage: Array, drift: Array) -> Array:
    """Return optimal investment at unit adjustment cost; the closed form of constant returns.

    With ``1 - labour`` the elasticity of capital, maximised profit is proportional to capital, so
    the value of a unit of capital next year does not depend on how much there is, and investment
    ``I`` at cost ``I^2 / (2 phi)`` is ``phi`` times its discounted expectation,

    ``d * sum_h (d (1 - delta))^h E_t[profit per unit of capital in t + 1 + h]``,

    each expectation lognormal. Firms take measured output for expected output and do not foresee
    their optimisation errors; neither matters for the truth of the elasticities.

    Parameters
    ----------
    design : AcfDesign
    omega, wage : (n,) arrays
        Log productivity and log wage this year.
    drift : (H, n) array or (H, 1) of zeros
        What presence is expected to have added to log productivity h + 1 years ahead; its first
        dimension says how many years are summed.

    Returns
    -------
    (n,) array
    """
    rho, phi = design.persistence, design.wage_persistence
    ratio, power = design.labour / (1 - design.labour), 1 / (1 - design.labour)
    margin = design.labour**ratio - design.labour**power
    growth = design.discount * (1 - design.depreciation)
    planned = rho ** (2 * design.timing) * design.early_variance
    total = np.zeros_like(omega)
    for ahead, expected in enumerate(drift):
        variance = planned + design.shock_variance * sum(
            rho ** (2 * j) for j in range(1, ahead + 1)
        )
        wage_variance = design.wage_sd**2 * (1 - phi ** (2 * (ahead + 1)))
        exponent = power * (rho ** (ahead + 1) * omega + expected + design.late_variance / 2)
        exponent = exponent - ratio * phi ** (ahead + 1) * wage
        exponent = exponent + power**2 * variance / 2 + ratio**2 * wage_variance / 2
        total += growth**ahead * np.exp(exponent)
    return np.asarray(design.discount * margin * total)


def horizon(design: AcfDesign) -> int:
    """Return how many years ahead matter to investment."""
    return int(np.ceil(np.log(TINY) / np.log(design.discount * (1 - design.depreciation))))


@dataclass(frozen=True)
class Foreseen:
    """Presence that enters the law of motion, and what firms expect of it.

    Attributes
    ----------
    design : EndogenousDesign
    presence : (BURN_IN + periods, industries) array
    industry : (firms,) array
        Each firm's column of ``presence``.
    """

    design: EndogenousDesign
    presence: Array
    industry: NDArray[np.intp]

    def push(self, t: int) -> Array:
        """Return what presence in year t adds to log productivity in the next, (firms,)."""
        return np.asarray(self.design.effect * self.presence[t, self.industry])

    def drift(self, t: int) -> Array:
        """Return what presence should have added 1, 2, ... years after t, (H, firms).

        Firms forecast presence by its autoregression around its mean and neglect its uncertainty.
        """
        mean, rho = self.design.presence_mean, self.design.persistence
        keep = self.design.presence_persistence
        years = np.arange(1, horizon(self.design) + 1)[:, None]
        level = mean * (1 - rho**years) / (1 - rho)
        gap = (self.presence[t] - mean) * (keep**years - rho**years) / (keep - rho)
        return np.asarray((self.design.effect * (level + gap))[:, self.industry])


def draw_presence(design: EndogenousDesign, periods: int, random: np.random.Generator) -> Array:
    """Draw presence by year and industry: a logistic function of autoregressions."""
    odds = autoregression(
        periods, design.industries, design.presence_persistence, design.presence_sd, random
    )
    return np.asarray(expit(logit(design.presence_mean) + odds))


def acf_paths(
    design: AcfDesign,
    firms: int,
    periods: int,
    random: np.random.Generator,
    foreseen: Foreseen | None = None,
) -> Paths:
    """Draw the panel of Ackerberg, Caves and Frazer (2015), or its version with presence.

    Parameters
    ----------
    design : AcfDesign
    firms, periods : int
    random : numpy.random.Generator
    foreseen : Foreseen, optional

    Returns
    -------
    Paths
    """
    total, keep = BURN_IN + periods, slice(BURN_IN, None)
    wage = autoregression(total, firms, design.wage_persistence, design.wage_sd, random)
    omega, planned = _productivity(design, total, firms, random, foreseen)
    capital, investment = _capital(design, omega, wage, random, foreseen)
    omega, planned, wage = omega[keep], planned[keep], wage[keep]
    k, share = np.log(capital[keep]), 1 - design.labour
    plan = k + (np.log(design.labour) + planned + design.late_variance / 2 - wage) / share
    labour = plan + random.normal(0.0, design.labour_error_sd, plan.shape)
    output = share * k + design.labour * labour + omega
    materials = share * k + design.labour * plan + omega
    return Paths(
        output=output + random.normal(0.0, design.output_error_sd, k.shape),
        labour=labour,
        capital=k,
        materials=materials + random.normal(0.0, design.proxy_error_sd, k.shape),
        investment=np.log(investment[keep]),
        omega=omega,
        wage=wage,
        firm=np.tile(np.arange(firms), (periods, 1)),
        elasticities=_constant(k.shape, employment=design.labour, capital=share),
        presence=None if foreseen is None else foreseen.presence[keep][:, foreseen.industry],
    )


def _productivity(
    design: AcfDesign,
    total: int,
    firms: int,
    random: np.random.Generator,
    foreseen: Foreseen | None,
) -> tuple[Array, Array]:
    """Draw log productivity, and what firms expect of it when they choose labour."""
    rho, timing = design.persistence, design.timing
    early, late = np.sqrt(design.early_variance), np.sqrt(design.late_variance)
    omega, planned = np.empty((total, firms)), np.empty((total, firms))
    before = random.normal(0.0, design.productivity_sd, firms)
    for t in range(total):
        planned[t] = rho * before + rho**timing * random.normal(0.0, early, firms)
        if foreseen is not None and t:
            planned[t] += foreseen.push(t - 1)
        omega[t] = planned[t] + random.normal(0.0, late, firms)
        before = omega[t]
    return omega, planned


def _capital(
    design: AcfDesign,
    omega: Array,
    wage: Array,
    random: np.random.Generator,
    foreseen: Foreseen | None,
) -> tuple[Array, Array]:
    """Return capital and investment in levels; the first year starts where capital would stay."""
    ease = np.exp(random.normal(0.0, design.adjustment_sd, omega.shape[1]))
    none = np.zeros((horizon(design), 1))
    investment = np.array(
        [
            ease * planned_investment(design, w, p, none if foreseen is None else foreseen.drift(t))
            for t, (w, p) in enumerate(zip(omega, wage, strict=True))
        ]
    )
    capital = np.empty_like(investment)
    capital[0] = investment[0] / design.depreciation
    for t in range(1, len(capital)):
        capital[t] = (1 - design.depreciation) * capital[t - 1] + investment[t - 1]
    return capital, investment


def _constant(size: tuple[int, ...], **values: float) -> dict[str, Array]:
    return {name: np.full(size, value) for name, value in values.items()}


def op_paths(design: OpDesign, firms: int, periods: int, random: np.random.Generator) -> Paths:
    """Draw a panel whose firms leave below a threshold; each is replaced by an entrant.

    Parameters
    ----------
    design : OpDesign
    firms : int
        Firms alive in each year.
    periods : int
    random : numpy.random.Generator

    Returns
    -------
    Paths
        A column is a place that one firm after the other holds; ``firm`` says which.
    """
    total = BURN_IN + periods
    sd, rho = design.productivity_sd, design.persistence
    shock, idle = sd * np.sqrt(1 - rho**2), norm.ppf(design.idle) * sd if design.idle else -np.inf
    k, w = _entrants(design, firms, random)
    firm = np.arange(firms)
    kept: dict[str, list[Array]] = {"k": [], "w": [], "i": [], "firm": []}
    for _ in range(total):
        rule = np.log(design.depreciation) + design.productivity_slope * w
        i = np.where(w > idle, rule + design.capital_slope * k, -np.inf)
        for name, value in {"k": k, "w": w, "i": i, "firm": firm}.items():
            kept[name].append(value)
        k = np.log((1 - design.depreciation) * np.exp(k) + np.exp(i))
        w = rho * w + random.normal(0.0, shock, firms)
        gone = w < design.exit_level - design.exit_slope * k
        new_k, new_w = _entrants(design, firms, random)
        k, w = np.where(gone, new_k, k), np.where(gone, new_w, w)
        firm = np.where(gone, firm.max() + np.cumsum(gone), firm)
    k, w, i, names = (np.array(kept[name][BURN_IN:]) for name in ("k", "w", "i", "firm"))
    error = random.normal(0.0, design.labour_error_sd, k.shape)
    labour = (np.log(design.labour) + w + design.capital * k) / (1 - design.labour)
    output = design.capital * k + design.labour * (labour + error) + w
    return Paths(
        output=output + random.normal(0.0, design.output_error_sd, k.shape),
        labour=labour + error,
        capital=k,
        materials=design.capital * k + design.labour * labour + w,
        investment=i,
        omega=w,
        wage=np.zeros(k.shape),
        firm=names.astype(np.intp),
        elasticities=_constant(k.shape, employment=design.labour, capital=design.capital),
    )


def _entrants(design: OpDesign, firms: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Draw log capital and productivity of entrants, all of them above the threshold."""
    k = random.normal(design.entrant_capital, design.entrant_sd, firms)
    least = norm.cdf((design.exit_level - design.exit_slope * k) / design.productivity_sd)
    draw = least + (1 - least) * random.random(firms)
    w = design.productivity_sd * norm.ppf(np.clip(draw, TINY, 1 - TINY))
    return k, np.asarray(w)


def gnr_paths(design: GnrDesign, firms: int, periods: int, random: np.random.Generator) -> Paths:
    """Draw a gross-output panel with flexible materials.

    Log labour and log investment follow rules that rise with last year's productivity and have
    their own shocks; both inputs are given when the year's productivity shock comes.

    Parameters
    ----------
    design : GnrDesign
    firms, periods : int
    random : numpy.random.Generator

    Returns
    -------
    Paths
    """
    total = BURN_IN + periods
    omega = autoregression(total, firms, design.persistence, design.productivity_sd, random)
    k, labour = np.empty((total, firms)), np.empty((total, firms))
    investment = np.empty((total, firms))
    k[0], labour[0] = random.normal(0.0, 0.7, firms), random.normal(0.0, 0.7, firms)
    for t in range(total):
        luck = random.normal(0.0, 0.2, firms)
        investment[t] = np.log(design.depreciation) + 2.0 * omega[t] + 0.7 * k[t] + luck
        if t + 1 < total:
            k[t + 1] = np.log((1 - design.depreciation) * np.exp(k[t]) + np.exp(investment[t]))
            hiring = random.normal(0.0, 0.2, firms)
            labour[t + 1] = 0.8 * labour[t] + 0.1 * k[t] + 0.6 * omega[t] + hiring
    keep = slice(BURN_IN, None)
    omega, k, labour, investment = omega[keep], k[keep], labour[keep], investment[keep]
    price = random.normal(0.0, design.price_sd, (periods, 1))
    materials = optimal_materials(design, k, labour, omega, price)
    inputs, elasticities = aggregate(design, k, labour, materials)
    error = random.normal(0.0, design.output_error_sd, k.shape)
    return Paths(
        output=inputs + omega + error,
        labour=labour,
        capital=k,
        materials=materials,
        investment=investment,
        omega=omega,
        wage=np.zeros(k.shape),
        firm=np.tile(np.arange(firms), (periods, 1)),
        elasticities=elasticities,
        price=np.broadcast_to(price, k.shape).copy(),
    )


def aggregate(
    design: GnrDesign, k: Array, labour: Array, materials: Array
) -> tuple[Array, dict[str, Array]]:
    """Return the log of the inputs' aggregate, and the elasticity of output to each input."""
    weights = np.array([design.capital, design.labour, design.materials]) / design.scale
    logs = np.stack([k, labour, materials])
    r = 1 - 1 / design.substitution
    shape = (3, *[1] * k.ndim)
    if r == 0.0:
        shares = np.broadcast_to(weights.reshape(shape), logs.shape)
        value = (weights.reshape(shape) * logs).sum(axis=0)
    else:
        parts = np.log(weights).reshape(shape) + r * logs
        summed = np.logaddexp.reduce(parts, axis=0)
        value, shares = summed / r, np.exp(parts - summed)
    names = ("capital", "employment", "materials")
    elasticity = dict(zip(names, design.scale * shares, strict=True))
    return design.scale * value, elasticity


def optimal_materials(
    design: GnrDesign, k: Array, labour: Array, omega: Array, price: Array
) -> Array:
    """Return the log of the materials that maximise expected profit, by bisection.

    The first-order condition ``elasticity * expected output = price * materials`` has a single
    root: with decreasing returns the gap falls in materials.
    """
    low, high = np.full(k.shape, -30.0), np.full(k.shape, 30.0)
    for _ in range(GRID_STEPS):
        middle = (low + high) / 2
        value, elasticity = aggregate(design, k, labour, middle)
        expected = value + omega + design.output_error_sd**2 / 2
        too_few = np.log(elasticity["materials"]) + expected > price + middle
        low, high = np.where(too_few, middle, low), np.where(too_few, high, middle)
    return np.asarray((low + high) / 2)

"""The firms of a synthetic panel: who exists when, who is foreign when, inputs and noise.

Nothing here depends on the spillovers; :mod:`spillover.simulate._panel` adds them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from spillover.simulate._settings import (
    CAPITAL,
    DEPRECIATION,
    DOMESTIC_BELOW,
    EMPLOYMENT,
    EMPLOYMENT_RESPONSE,
    MATERIALS,
    Settings,
)

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Flag = NDArray[np.bool_]

MEAN_PRODUCTIVITY = 2.2
FIRM_SD = 0.3
BOOM_PERSISTENCE = 0.8
WHOLLY_OWNED = 0.4


@dataclass(frozen=True)
class Industries:
    """Paths of the industries, each (n, periods).

    Attributes
    ----------
    openness
        Smooth path between 0 and 1 that drives foreign entry.
    shock
        Productivity shock that domestic firms of an industry share; part of the error term.
    copy
        Another draw of the shock's iid part, which moves output instead when there is no feedback.
    """

    openness: Array
    shock: Array
    copy: Array


@dataclass(frozen=True)
class Slots:
    """Every firm that ever exists, one entry a firm (S,), and when it exists (S, periods)."""

    industry: Index
    region: Index
    effect: Array
    greenfield: Flag
    alive: Flag
    foreign: Flag
    share: Array


@dataclass(frozen=True)
class Rows:
    """Firm-years before spillovers, one entry a row.

    ``systematic`` is log productivity without spillovers and shocks, ``error`` what measured
    productivity adds to it, ``log_output`` log output without spillovers, ``treated`` whether
    spillovers reach the firm, ``allocation`` the log deviation of the materials share.
    """

    slot: Index
    period: Index
    industry: Index
    foreign_share: Array
    treated: Flag
    systematic: Array
    error: Array
    log_output: Array
    log_employment: Array
    log_capital: Array
    log_capital_next: Array
    allocation: Array
    export_share: Array


def draw_industries(
    settings: Settings, supply_shares: Array, random: np.random.Generator
) -> Industries:
    """Draw the industries' paths.

    With ``selection`` above zero a persistent boom (first-order autoregression, unit variance)
    raises productivity in the booming industry and in those that supply it, and draws foreign
    investors to the booming industry.

    Parameters
    ----------
    settings : Settings
    supply_shares : (n, n) array
        Share of each row's sales that goes to each column.
    random : numpy.random.Generator

    Returns
    -------
    Industries
    """
    n, periods = len(supply_shares), settings.periods
    clock = np.linspace(-1.0, 1.0, periods)
    level, slope = random.normal(0.0, 0.7, (n, 1)), random.normal(0.5, 2.2, (n, 1))
    height, phase = random.normal(0.0, 1.0, (n, 1)), random.uniform(0.0, 2 * np.pi, (n, 1))
    pace = random.uniform(1.0, 2.5, (n, 1))
    boom = _autoregression(n, periods, random)
    logit = level + slope * clock + height * np.cos(pace * clock + phase)
    logit += settings.selection * boom
    drift = settings.selection * (boom + supply_shares @ boom)
    shock = settings.industry_shock * (random.normal(size=(n, periods)) + drift)
    copy = settings.industry_shock * random.normal(size=(n, periods))
    return Industries(np.asarray(expit(logit)), shock, copy)


def _autoregression(n: int, periods: int, random: np.random.Generator) -> Array:
    innovations = random.normal(size=(n, periods))
    path = innovations.copy()
    for t in range(1, periods):
        path[:, t] = BOOM_PERSISTENCE * path[:, t - 1]
        path[:, t] += np.sqrt(1.0 - BOOM_PERSISTENCE**2) * innovations[:, t]
    return path


def draw_slots(settings: Settings, openness: Array, random: np.random.Generator) -> Slots:
    """Draw the firms, their lives and their foreign owners.

    Each firm has a fixed threshold. A domestic firm is in foreign hands while its industry's
    openness is above the threshold (acquisition, and sale back to residents); a greenfield firm
    exists from the first year in which it is until the first in which it is no longer.

    Parameters
    ----------
    settings : Settings
    openness : (n, periods) array
    random : numpy.random.Generator

    Returns
    -------
    Slots
    """
    n, periods = openness.shape
    industry, birth, greenfield = _births(settings, n, random)
    count = len(industry)
    effect = random.normal(0.0, FIRM_SD, count)
    pull = settings.selection / np.hypot(1.0, settings.selection)
    luck = random.normal(size=count)
    threshold = ndtr(np.sqrt(1.0 - pull**2) * luck - pull * effect / FIRM_SD)
    reach = settings.foreign_share_of_firms * 2.0 * (1.0 - settings.greenfield)
    is_open = threshold[:, None] < np.where(greenfield, 1.0, reach)[:, None] * openness[industry]
    start = np.where(greenfield, np.argmax(is_open, axis=1), birth)
    years = np.arange(periods)
    first = np.concatenate([[True], industry[1:] != industry[:-1]])
    stays = first | greenfield
    end = start + np.where(stays, periods, _lives(settings, count, random))
    alive = (years >= start[:, None]) & (years < end[:, None])
    closed = np.maximum.accumulate((years >= start[:, None]) & ~is_open, axis=1)
    never = ~is_open.any(axis=1)
    alive &= ~(greenfield[:, None] & (closed | never[:, None]))
    part = np.round(random.uniform(DOMESTIC_BELOW, 1.0, count), 2)
    share = np.where(random.random(count) < WHOLLY_OWNED, np.ones(count), part)
    region = random.integers(0, settings.regions, count)
    return Slots(industry, region, effect, greenfield, alive, is_open, share)


def _births(settings: Settings, n: int, random: np.random.Generator) -> tuple[Index, Index, Flag]:
    """Industry, first period and kind of every firm, sorted by industry; the first never exits."""
    size, periods = settings.firms_per_industry, settings.periods
    green = settings.foreign_share_of_firms * settings.greenfield
    incumbents = max(1, round(size * (1.0 - green)))
    arrivals = random.poisson(incumbents * settings.entry_rate, (n, periods - 1))
    born = np.column_stack([np.full(n, incumbents), arrivals, np.full(n, round(2 * size * green))])
    cells = np.repeat(np.arange(born.size), born.ravel())
    industry, column = np.divmod(cells, periods + 1)
    return industry, column, column == periods


def _lives(settings: Settings, count: int, random: np.random.Generator) -> Index:
    """Years each firm would live: geometric, unrelated to its productivity."""
    if settings.exit_rate == 0.0:
        return np.full(count, settings.periods, dtype=np.intp)
    return random.geometric(settings.exit_rate, count).astype(np.intp)


def draw_rows(
    settings: Settings, slots: Slots, industries: Industries, random: np.random.Generator
) -> Rows:
    """Draw what firms do before spillovers.

    Parameters
    ----------
    settings : Settings
    slots : Slots
    industries : Industries
    random : numpy.random.Generator

    Returns
    -------
    Rows
        Sorted by firm and year.
    """
    slot, period = np.nonzero(slots.alive)
    industry, size = slots.industry[slot], len(slot)
    is_foreign = slots.foreign[slot, period]
    foreign_share = np.where(is_foreign, slots.share[slot], 0.0)
    domestic = foreign_share < DOMESTIC_BELOW
    treated = domestic | (not settings.domestic_only_effect)
    systematic = _systematic(settings, slots, slot, period, random)
    systematic += settings.foreign_premium * foreign_share
    shock = domestic * industries.shock[industry, period]
    noise = settings.noise * random.normal(size=size)
    if settings.feedback:
        shock_in_output, noise_in_output = shock, noise
    else:
        shock_in_output = domestic * industries.copy[industry, period]
        noise_in_output = settings.noise * random.normal(size=size)
    capital = _log_capital(settings, slots, random)
    log_capital = capital[slot, period]
    allocation = np.clip(random.normal(0.0, 0.1, size), -0.4, 0.4)
    labour = -1.0 + 0.6 * log_capital + random.normal(0.0, 0.15, size)
    labour += EMPLOYMENT_RESPONSE * (systematic - MEAN_PRODUCTIVITY + shock_in_output)
    log_output = systematic + shock_in_output + noise_in_output
    log_output += CAPITAL * log_capital + EMPLOYMENT * labour
    log_output += MATERIALS * (np.log(MATERIALS) + allocation)
    return Rows(
        slot=slot,
        period=period,
        industry=industry,
        foreign_share=foreign_share,
        treated=treated,
        systematic=systematic,
        error=shock + noise,
        log_output=log_output / (1.0 - MATERIALS),
        log_employment=labour,
        log_capital=log_capital,
        log_capital_next=capital[slot, period + 1],
        allocation=allocation,
        export_share=_export_share(slots, is_foreign, slot, random),
    )


def _systematic(
    settings: Settings, slots: Slots, slot: Index, period: Index, random: np.random.Generator
) -> Array:
    """Firm, year and region-year effects on log productivity, one entry a row."""
    years = 0.01 * np.arange(settings.periods) + random.normal(0.0, 0.02, settings.periods)
    places = random.normal(0.0, 0.05, (settings.regions, settings.periods))
    value = MEAN_PRODUCTIVITY + slots.effect[slot] + years[period]
    return np.asarray(value + places[slots.region[slot], period], dtype=np.float64)


def _log_capital(settings: Settings, slots: Slots, random: np.random.Generator) -> Array:
    """Log capital (S, periods + 1): a random walk that never shrinks faster than it depreciates."""
    count = len(slots.industry)
    start = 6.7 + slots.effect + 0.8 * slots.greenfield + random.normal(0.0, 0.9, count)
    growth = random.normal(0.02, 0.06, (count, settings.periods))
    growth = np.maximum(growth, np.log(1.0 - DEPRECIATION))
    return np.column_stack([start, start[:, None] + np.cumsum(growth, axis=1)])


def _export_share(
    slots: Slots, is_foreign: Flag, slot: Index, random: np.random.Generator
) -> Array:
    """Draw exports over output: zero for most domestic firms, at most 0.9."""
    count = len(slots.industry)
    drive, share = random.random(count), 0.9 * random.beta(2.0, 3.0, count)
    return np.where(drive[slot] < 0.3 + 0.35 * is_foreign, share[slot], 0.0)

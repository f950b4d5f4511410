"""Draw a synthetic firm panel with known spillovers."""

from __future__ import annotations

from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spillover.errors import SchemaError
from spillover.simulate._firms import Rows, Slots, draw_industries, draw_rows, draw_slots
from spillover.simulate._presence import Presence, cell_sums, presence, solve
from spillover.simulate._result import MEASURES, Simulation
from spillover.simulate._settings import (
    CAPITAL,
    DEPRECIATION,
    EMPLOYMENT,
    EMPLOYMENT_RESPONSE,
    MATERIALS,
    OUTPUT_RESPONSE,
    Settings,
    whole_years,
)
from spillover.simulate._table import io_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spillover.iotables import IOTable

Array = NDArray[np.float64]

ORIGINS = ("Europe", "Americas", "Asia")
ORIGIN_SHARES = (0.5, 0.3, 0.2)


def panel(
    *,
    industries: int | None = None,
    firms_per_industry: int = 60,
    years: Iterable[int] = range(2000, 2008),
    regions: int = 8,
    io: IOTable | None = None,
    horizontal: float = 0.0,
    backward: float = 0.3,
    forward: float = 0.0,
    foreign_share_of_firms: float = 0.2,
    greenfield: float = 0.4,
    foreign_premium: float = 0.1,
    selection: float = 0.0,
    industry_shock: float = 0.05,
    noise: float = 0.15,
    feedback: bool = False,
    domestic_only_effect: bool = True,
    exit_rate: float = 0.05,
    entry_rate: float = 0.05,
    rng: int | np.random.Generator = 0,
) -> Simulation:
    r"""Draw a synthetic firm panel whose spillovers are known.

    Measured log productivity of firm *i* in industry *j*, region *r* and year *t* is

    .. math::
        tfp_{it} = a_i + d_t + d_{rt} + \pi FS_{it}
            + D_{it} (b_H H_{jt} + b_B B_{jt} + b_F F_{jt} + u_{jt}) + e_{it},

    with ``D = 1`` for domestic firms (foreign share below 0.10) and H, B, F the measures of
    Javorcik (2004), computed from the panel's own final data: H is the output-weighted foreign
    share, B weights the H of other industries by the share of *j*'s intermediate sales (all flows,
    own sector left out, no renormalisation), F weights foreign presence net of exports by the
    share of *j*'s inputs. Output is Cobb-Douglas in capital, employment and materials; spillovers
    raise it, so presence and output are solved together, to 1e-13.

    **What may move output.** ``u`` and ``e`` are the regression's error. If they moved output they
    would move the output weights of H: a good year for domestic firms would lower foreign
    presence. By default output therefore carries *other* draws of ``u`` and ``e`` with the same
    variances, so that presence is independent of the error and a regression of ``tfp`` on H, B and
    F with firm, year and region-year effects, on domestic firms, is unbiased. With
    ``feedback=True`` output carries the same draws; then ``tfp`` is exactly log output less the
    inputs at their elasticities, as in real data, and the estimate of Horizontal is biased
    downwards. (A shock common to *all* firms of an industry would scale all outputs alike and
    cancel from every measure; that is why ``u`` is one of domestic firms.) Productivity that is
    estimated from ``output`` always has this feedback, whatever the setting.

    **Who is foreign when.** Each industry has a smooth random path of openness; firms are acquired
    (and sold back) as it passes their thresholds, and greenfield firms enter and leave with it.
    Entry and exit of domestic firms are random; the first firm of each industry never exits.

    Parameters
    ----------
    industries : int, optional
        Number of industries, 2 or more; by default 20, or those of ``io``.
    firms_per_industry : int
        Firms that an industry has in an average year, about.
    years : iterable of int
        Two or more consecutive years.
    regions : int
        Number of regions.
    io : IOTable, optional
        Input-output table whose sectors are the industries; by default a synthetic one, drawn by
        :func:`io_table`.
    horizontal, backward, forward : float
        True effects on log productivity per unit of presence (0 to 1).
    foreign_share_of_firms : float
        Share of firms in foreign hands, on average over industries and years, about; 0 to 0.5.
    greenfield : float
        Share of foreign firms that were founded by foreigners rather than acquired, 0 to 1.
    foreign_premium : float
        Log productivity of a wholly foreign-owned firm above that of a domestic one.
    selection : float
        Above 0, foreign investors go where productivity rises: a persistent boom of ``selection``
        times ``industry_shock`` joins ``u`` in the booming industry and in its suppliers, and
        raises the openness of the booming industry. Fixed-effects estimates are then biased
        upwards. Foreigners also pick more productive firms, which firm effects absorb.
    industry_shock : float
        Standard deviation of ``u``, in log points.
    noise : float
        Standard deviation of ``e``, in log points.
    feedback : bool
        Whether output moves with the error of measured productivity (see above).
    domestic_only_effect : bool
        Whether spillovers reach only domestic firms, or all firms.
    exit_rate, entry_rate : float
        Firms that leave, and new domestic firms, as a share of firms per year.
    rng : int or numpy.random.Generator
        Seed or generator. The default is a fixed seed: give another for another panel.

    Returns
    -------
    Simulation
        ``firms`` has firm, year, industry, region, output, exports, employment, capital,
        materials, investment, wage_bill, value_added, foreign_share, origin and tfp; money in
        thousands of a currency that does not exist, constant prices.

    Raises
    ------
    SchemaError
        If an argument is out of range, or ``industries`` contradicts ``io``.
    ConvergenceError
        If effects are so strong that presence and output have no common solution.

    Examples
    --------
    >>> import spillover as sp
    >>> sim = sp.simulate.panel(industries=6, firms_per_industry=20, backward=0.3, rng=1)
    >>> sim.truth["backward"], sim.synthetic
    (0.3, True)
    >>> sim.links.columns.tolist()
    ['industry', 'year', 'horizontal', 'backward', 'forward']
    """
    settings = Settings(
        firms_per_industry=firms_per_industry,
        years=whole_years(years),
        regions=regions,
        horizontal=horizontal,
        backward=backward,
        forward=forward,
        foreign_share_of_firms=foreign_share_of_firms,
        greenfield=greenfield,
        foreign_premium=foreign_premium,
        selection=selection,
        industry_shock=industry_shock,
        noise=noise,
        feedback=feedback,
        domestic_only_effect=domestic_only_effect,
        exit_rate=exit_rate,
        entry_rate=entry_rate,
    )
    random = np.random.default_rng(rng)
    table = _table(industries, io, random)
    return _simulate(settings, table, random)


def _table(industries: int | None, io: IOTable | None, random: np.random.Generator) -> IOTable:
    if io is None:
        number = 20 if industries is None else industries
        if number < 2:
            raise SchemaError(f"industries={number}: industries trade; give 2 or more.")
        return io_table(number, rng=random)
    if industries is not None and industries != len(io.sectors):
        raise SchemaError(
            f"industries={industries}, but io has {len(io.sectors)} sectors. Leave industries out; "
            "the panel takes the sectors of io."
        )
    return io


def _simulate(settings: Settings, io: IOTable, random: np.random.Generator) -> Simulation:
    supply = io.supply_shares("total", "intermediate", "exclude").to_numpy(dtype=np.float64)
    inputs = io.input_shares("total", "exclude").to_numpy(dtype=np.float64)
    paths = draw_industries(settings, supply, random)
    slots = draw_slots(settings, paths.openness, random)
    rows = draw_rows(settings, slots, paths, random)
    shape = paths.openness.shape
    cell = rows.industry * settings.periods + rows.period

    def sums(log_output: Array, chosen: Array) -> Array:
        output = np.exp(log_output) * chosen
        return cell_sums(cell, output, rows.export_share * output, rows.foreign_share, shape)

    treated = rows.treated.astype(np.float64)
    base = sums(rows.log_output, treated), sums(rows.log_output, 1.0 - treated)
    point = solve(settings, *base, supply, inputs)
    spill = treated * point.effect.ravel()[cell]
    log_output = rows.log_output + OUTPUT_RESPONSE * spill
    final = presence(sums(log_output, np.ones_like(treated)), supply, inputs)
    tfp = rows.systematic + treated * final.effect(settings).ravel()[cell] + rows.error
    firms = _frame(settings, io, slots, rows, spill=spill, output=np.exp(log_output), random=random)
    return Simulation(
        firms=firms.assign(tfp=tfp),
        io=io,
        links=_links(settings, io, final),
        truth=_truth(settings),
        steps=point.steps,
        gap=float(np.abs(final.effect(settings) - point.effect).max()),
    )


def _frame(
    settings: Settings,
    io: IOTable,
    slots: Slots,
    rows: Rows,
    *,
    spill: Array,
    output: Array,
    random: np.random.Generator,
) -> pd.DataFrame:
    """Lay out the firms in canonical columns; money in thousands, constant prices."""
    used, firm = np.unique(rows.slot, return_inverse=True)
    names = np.array([f"F{number:0{len(str(len(used)))}d}" for number in range(1, len(used) + 1)])
    origin = random.choice(len(ORIGINS), len(slots.industry), p=ORIGIN_SHARES)
    origin_code = np.where(rows.foreign_share > 0, origin[rows.slot], -1)
    regions = np.array([f"R{number}" for number in range(1, settings.regions + 1)])
    capital = np.exp(rows.log_capital)
    materials = MATERIALS * output * np.exp(rows.allocation)
    wage_noise = np.clip(random.normal(0.0, 0.1, len(output)), -0.4, 0.4)
    return pd.DataFrame(
        {
            "firm": _text(firm, names),
            "year": np.asarray(settings.years, dtype=np.int64)[rows.period],
            "industry": _text(rows.industry, np.asarray(io.sectors)),
            "region": _text(slots.region[rows.slot], regions),
            "output": output,
            "exports": rows.export_share * output,
            "employment": np.exp(rows.log_employment + EMPLOYMENT_RESPONSE * spill),
            "capital": capital,
            "materials": materials,
            "investment": np.maximum(
                np.exp(rows.log_capital_next) - (1.0 - DEPRECIATION) * capital, 0.0
            ),
            "wage_bill": EMPLOYMENT * output * np.exp(wage_noise),
            "value_added": output - materials,
            "foreign_share": rows.foreign_share,
            "origin": _text(origin_code, np.array(ORIGINS)),
        }
    )


def _text(codes: NDArray[np.intp], names: NDArray[np.str_]) -> pd.Series:
    """Turn codes into text (-1 into missing), fast for few names and many rows."""
    text = pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(names)))
    return text.astype(object).infer_objects()


def _links(settings: Settings, io: IOTable, final: Presence) -> pd.DataFrame:
    n, periods = final.horizontal.shape
    columns = {name: getattr(final, name).ravel() for name in MEASURES}
    industry = np.repeat(np.asarray(io.sectors), periods)
    year = np.tile(np.asarray(settings.years, dtype=np.int64), n)
    return pd.DataFrame({"industry": industry, "year": year, **columns})


def _truth(settings: Settings) -> MappingProxyType[str, object]:
    elasticities = {"capital": CAPITAL, "employment": EMPLOYMENT, "materials": MATERIALS}
    return MappingProxyType(
        {
            **{name: float(getattr(settings, name)) for name in MEASURES},
            "elasticities": MappingProxyType(elasticities),
            "settings": MappingProxyType(asdict(settings)),
        }
    )

"""One stylised resource economy in three worlds that an aggregate table cannot tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from spillover.errors import check_choice
from spillover.iotables import IOTable
from spillover.simulate.worlds_design import SECTORS, WORLDS, World, WorldDesign

Array = NDArray[np.float64]
CAPITAL, EMPLOYMENT, MATERIALS = 0.15, 0.30, 0.50
PERSISTENCE = 0.7
START = 2005
SOURCE = "SYNTHETIC: drawn at random by spillover.simulate.world; describes no country"


@dataclass(frozen=True, eq=False, repr=False)
class WorldData:
    """A synthetic economy, as a statistical office sees it, and the truth behind it.

    Attributes
    ----------
    world : str
    firms : pandas.DataFrame
        Firms that are covered, canonical columns, and ``imported_share`` (of materials, as
        recorded), ``log_output``, ``log_capital``, ``log_employment``, ``log_materials``, ``tfp``
        (output less inputs at their cost shares).
    io : IOTable
        The official table.
    sourcing : pandas.DataFrame
        sector, true (local sourcing of foreign firms), official (what the books imply), case (what
        a case study finds).
    truth : pandas.DataFrame
        industry, year, backward (with true sourcing), gain (log points), demand.
    design : WorldDesign
    synthetic : bool
        Always True.
    """

    world: str
    firms: pd.DataFrame
    io: IOTable
    sourcing: pd.DataFrame
    truth: pd.DataFrame
    design: WorldDesign
    synthetic: bool = True

    def _lines(self) -> list[str]:
        share = self.sourcing[["true", "official", "case"]].mean()
        return [
            f"{WORLDS[self.world]}",
            f"{len(self.firms):,} firm-years, {self.firms['firm'].nunique():,} firms, "
            f"{len(self.io.sectors)} sectors",
            f"local sourcing: true {share['true']:.2f}, in the books {share['official']:.2f}, "
            f"found by a case study {share['case']:.2f}",
            f"mean gain of suppliers {100 * self.truth['gain'].mean():.2f} log points",
        ]

    def __repr__(self) -> str:
        return "\n  ".join([f"SYNTHETIC economy, world {self.world!r}", *self._lines()])

    def _repr_html_(self) -> str:
        text = "<br>".join(escape(line) for line in self._lines())
        return f"<div><p><b>SYNTHETIC economy, world {escape(self.world)!r}</b><br>{text}</p></div>"


def world(
    name: World, design: WorldDesign | None = None, *, rng: int | np.random.Generator = 0
) -> WorldData:
    r"""Draw a landlocked resource economy in one of three worlds.

    Parameters
    ----------
    name : {"textbook", "enclave", "paper"}
        textbook: foreign firms buy 80 to 100 percent of what the table says from domestic makers.
        enclave: nothing; what they need is imported, and recorded as imports. paper: 0 to 20
        percent, the rest imported through firms registered at home and recorded as domestic.
    design : WorldDesign, optional
    rng : int or numpy.random.Generator
        The same seed gives the same firms, demand and investors in all three worlds.

    Returns
    -------
    WorldData

    Raises
    ------
    SchemaError
        For an unknown world.

    Notes
    -----
    With e the effect, s local sourcing, H presence, b demand and alpha supply shares,

    .. math::
        \omega_{it} = a_i + d_t + e \sum_k \alpha_{jk} s_k H_{kt}
            + \delta (b_{jt} / 2 + \sum_k \alpha_{jk} b_{kt}) + u_{jt} + \epsilon_{it}

    for domestic firms; foreign ones gain nothing from each other. The log odds of foreign ownership
    follow a trend from each sector's first to its last share, plus ``selection`` times demand, plus
    a random path. Presence that suppliers meet is that of outputs before they gain.

    Examples
    --------
    >>> import spillover as sp
    >>> enclave = sp.simulate.world("enclave", rng=1)
    >>> float(enclave.truth["gain"].abs().max()), enclave.synthetic
    (0.0, True)
    """
    check_choice("name", name, tuple(WORLDS))
    plan = WorldDesign() if design is None else design
    random = np.random.default_rng(rng)
    total, imported = _coefficients(random)
    demand, openness = _paths(plan, random)
    firms = _Firms.draw(plan, openness, random)
    true, official, case = _sourcing(name, plan, random)
    books = _books(total, imported, openness.mean(axis=1), official, random)
    alpha = books.supply_shares("total", "intermediate", "exclude").to_numpy(dtype=np.float64)
    pressure = 0.5 * demand + alpha @ demand
    presence = firms.presence(plan.demand * pressure)
    backward = alpha @ (true[:, None] * presence)
    gain = plan.effect * backward
    frame = firms.frame(plan, gain, plan.demand * pressure, official, random)
    years = np.arange(START, START + plan.years)
    codes = [sector.code for sector in SECTORS]
    return WorldData(
        world=name,
        firms=frame,
        io=books,
        sourcing=pd.DataFrame({"sector": codes, "true": true, "official": official, "case": case}),
        truth=pd.DataFrame(
            {
                "industry": np.repeat(codes, plan.years),
                "year": np.tile(years, len(codes)),
                "backward": backward.ravel(),
                "gain": gain.ravel(),
                "demand": pressure.ravel(),
            }
        ),
        design=plan,
    )


def _of(name: str) -> Array:
    return np.array([getattr(sector, name) for sector in SECTORS], dtype=np.float64)


def _kind(kind: str) -> NDArray[np.bool_]:
    return np.array([sector.kind == kind for sector in SECTORS])


def _coefficients(random: np.random.Generator) -> tuple[Array, Array]:
    """Draw technical coefficients (n, n), suppliers in rows, and the imported part of each."""
    n = len(SECTORS)
    weight = random.lognormal(0.0, 0.7, n)[:, None] * random.lognormal(0.0, 1.2, (n, n))
    weight *= random.random((n, n)) < 0.6
    weight[_kind("services")] += 0.5 * random.lognormal(0.0, 0.5, (int(_kind("services").sum()), n))
    np.fill_diagonal(weight, 0.0)
    own = random.uniform(0.05, 0.25, n)
    shares = weight / weight.sum(axis=0) * (1 - own) + np.diag(own)
    total = shares * random.uniform(0.45, 0.65, n)
    tradable = np.where(_kind("services"), 0.3, 1.15)[:, None]
    part = np.clip(tradable * _of("imports") * random.uniform(0.8, 1.2, (n, n)), 0.0, 0.95)
    return total, part


def _books(
    total: Array, part: Array, presence: Array, official: Array, random: np.random.Generator
) -> IOTable:
    """Balance the official table: what foreign firms do not record as domestic is imported."""
    n = len(SECTORS)
    domestic = total * (1 - part) * (1 - presence * (1 - official))
    final = random.lognormal(6.0, 0.5, n)
    exports = final * _of("exports") / (1 - _of("exports"))
    output = np.linalg.solve(np.eye(n) - domestic, final + exports)
    imported = (total - domestic) * output
    return IOTable.from_arrays(
        [sector.code for sector in SECTORS],
        domestic=domestic * output,
        imported=imported,
        final_demand=final,
        exports=exports,
        output=output,
        imports=imported.sum(axis=1),
        unit="million (synthetic)",
        source=SOURCE,
        labels={sector.code: sector.label for sector in SECTORS},
    )


def _sourcing(
    name: str, plan: WorldDesign, random: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Return true, recorded and found local sourcing by sector."""
    n = len(SECTORS)
    rank, error = random.random(n), random.normal(0.0, plan.case_error, n)
    low, high = {"textbook": (0.8, 1.0), "enclave": (0.0, 0.0), "paper": (0.0, 0.2)}[name]
    true = low + (high - low) * rank
    official = {"textbook": true, "enclave": true, "paper": 0.8 + 0.2 * rank}[name]
    found = true + np.where(true + error > 1, -np.abs(error), np.abs(error))
    found = np.where(true > 0.5, true + error, found)
    return true, official, np.clip(found, 0.0, 1.0)


def _autoregression(shape: tuple[int, int], random: np.random.Generator) -> Array:
    """Draw stationary paths with unit variance, (n, periods)."""
    path = random.standard_normal(shape)
    for t in range(1, shape[1]):
        path[:, t] = PERSISTENCE * path[:, t - 1] + np.sqrt(1 - PERSISTENCE**2) * path[:, t]
    return path


def _paths(plan: WorldDesign, random: np.random.Generator) -> tuple[Array, Array]:
    """Return demand and the share of firms in foreign hands, each (n, years)."""
    n, periods = len(SECTORS), plan.years
    common = _autoregression((1, periods + 1), random)
    own = _autoregression((n, periods + 1), random)
    demand = np.sqrt(0.3) * common + np.sqrt(0.7) * own
    time = np.linspace(0, 1, periods)
    first, last = logit(_of("first"))[:, None], logit(_of("last"))[:, None]
    attraction = (demand[:, 1:] + demand[:, :-1]) / 2
    luck = 0.3 * _autoregression((n, periods), random)
    odds = first + (last - first) * time + plan.selection * attraction + luck
    return demand[:, 1:], np.minimum(expit(odds), 0.8)


@dataclass(frozen=True)
class _Firms:
    """Firms x years: what does not depend on the world."""

    home: NDArray[np.intp]
    foreign: Array
    log_capital: Array
    log_employment: Array
    allocation: Array
    base: Array
    covered: NDArray[np.bool_]

    @classmethod
    def draw(cls, plan: WorldDesign, openness: Array, random: np.random.Generator) -> _Firms:
        n, per, periods = len(SECTORS), plan.firms_per_sector, plan.years
        home = np.repeat(np.arange(n), per)
        rank = np.concatenate([(random.permutation(per) + 0.5) / per for _ in range(n)])
        stake = random.uniform(0.3, 1.0, len(home))
        foreign = np.where(rank[:, None] < openness[home], stake[:, None], 0.0)
        size = random.normal(0.0, 1.0, len(home)) + 0.6 * (rank < 0.3)
        wander = 0.1 * np.cumsum(random.standard_normal((len(home), periods)), axis=1)
        capital = size[:, None] + wander
        employment = 0.9 * size[:, None] + 0.1 * random.standard_normal(foreign.shape)
        shock = plan.shock * _autoregression((n, periods), random)
        domestic = foreign == 0
        base = random.normal(0.0, 0.2, len(home))[:, None] + 0.1 * foreign
        base = base + 0.01 * np.arange(periods) + domestic * shock[home]
        base = base + plan.noise * random.standard_normal(foreign.shape)
        small = size < np.quantile(size, 0.5)
        hidden = small & (foreign.max(axis=1) == 0) & (random.random(len(home)) < plan.uncovered)
        allocation = 0.2 * random.standard_normal(foreign.shape)
        return cls(home, foreign, capital, employment, allocation, base, ~hidden)

    def outputs(self, moved: Array) -> tuple[Array, Array]:
        """Return log output and log materials; materials follow what firms know of ``moved``."""
        materials = 0.4 * self.log_capital + 0.6 * self.log_employment + self.allocation + moved
        output = CAPITAL * self.log_capital + EMPLOYMENT * self.log_employment
        return output + MATERIALS * materials + self.base + moved, materials

    def presence(self, pressure: Array) -> Array:
        """Return the foreign share of output of all firms, (n, years)."""
        output = np.exp(self.outputs(pressure[self.home])[0])
        n = pressure.shape[0]
        sums = np.zeros((2, n, output.shape[1]))
        np.add.at(sums[0], self.home, self.foreign * output)
        np.add.at(sums[1], self.home, output)
        return np.asarray(sums[0] / sums[1])

    def frame(
        self,
        plan: WorldDesign,
        gain: Array,
        pressure: Array,
        official: Array,
        random: np.random.Generator,
    ) -> pd.DataFrame:
        """Lay out what the statistical office sees."""
        domestic = self.foreign == 0
        log_output, log_materials = self.outputs(pressure[self.home] + domestic * gain[self.home])
        usual = _of("imports")[self.home][:, None]
        bought = np.where(domestic, usual, usual + (1 - usual) * (1 - official[self.home][:, None]))
        recorded = np.clip(bought + random.normal(0.0, 0.05, bought.shape), 0.0, 1.0)
        at, periods = self.covered, plan.years
        output = np.exp(log_output)
        codes = np.array([sector.code for sector in SECTORS])
        columns = {
            "output": output,
            "exports": output * _of("exports")[self.home][:, None],
            "employment": np.exp(self.log_employment),
            "capital": np.exp(self.log_capital),
            "materials": np.exp(log_materials),
            "foreign_share": self.foreign,
            "imported_share": recorded,
            "log_output": log_output,
            "log_capital": self.log_capital,
            "log_employment": self.log_employment,
            "log_materials": log_materials,
        }
        number = np.flatnonzero(at)
        frame = pd.DataFrame(
            {
                "firm": np.repeat(number, periods),
                "year": np.tile(np.arange(START, START + periods), len(number)),
                "industry": np.repeat(codes[self.home[at]], periods),
                **{name: values[at].ravel() for name, values in columns.items()},
            }
        )
        weighted = CAPITAL * frame["log_capital"] + EMPLOYMENT * frame["log_employment"]
        return frame.assign(tfp=frame["log_output"] - weighted - MATERIALS * frame["log_materials"])

"""Small panels with known shares and shocks, and inference written out by loops."""

from __future__ import annotations

import numpy as np
import pandas as pd

import spillover as sp

SECTORS = ("A", "B", "C", "D", "E", "F", "G")
YEARS = range(2001, 2006)


def make_table(seed: int = 3, year: int = 2001) -> sp.IOTable:
    """A dense table with uneven rows, so that shares without the own sector differ in sum."""
    rng = np.random.default_rng(seed)
    flows = rng.gamma(0.5, size=(7, 7)) + np.diag(rng.gamma(2.0, size=7))
    return sp.IOTable.from_arrays(
        list(SECTORS), total=flows, output=flows.sum(axis=1) * 1.5 + 1, unit="EUR", year=year
    )


def make_firms(seed: int = 5, *, per_industry: int = 6, regions: int = 2) -> pd.DataFrame:
    """An unbalanced panel; some firms change industry."""
    rng = np.random.default_rng(seed)
    frame = pd.MultiIndex.from_product(
        [SECTORS, range(per_industry), YEARS], names=["industry", "number", "year"]
    ).to_frame(index=False)
    frame["firm"] = frame["industry"] + frame["number"].astype(str)
    frame["region"] = np.array(["north", "south", "west"])[frame["number"] % regions]
    n = len(frame)
    frame["output"] = rng.gamma(3.0, size=n)
    frame["exports"] = frame["output"] * rng.uniform(0, 0.5, n)
    frame["foreign_share"] = np.where(rng.random(n) < 0.5, rng.uniform(0.1, 1, n), 0.0)
    frame["employment"] = rng.gamma(2.0, size=n)
    frame["x"] = rng.standard_normal(n)
    frame["w"] = rng.uniform(0.5, 2, n)
    frame["y"] = rng.standard_normal(n) + rng.standard_normal(7)[
        pd.factorize(frame["industry"])[0]
    ] * (frame["year"] - 2003)
    keep = rng.random(n) < 0.9
    return frame[keep].drop(columns="number").reset_index(drop=True)


def attached(firms=None, io=None, **options) -> tuple[pd.DataFrame, sp.Linkages]:
    """A panel with its measures."""
    firms = make_firms() if firms is None else firms
    links = sp.linkages(firms, make_table() if io is None else io, **options)
    return sp.attach(firms, links), links


def dummies(frame: pd.DataFrame, *effects: str) -> np.ndarray:
    """All dummies of effects, interactions by ^."""
    blocks = []
    for effect in effects:
        labels = frame[effect.split("^")].astype(str).agg("|".join, axis=1)
        blocks.append(pd.get_dummies(labels).to_numpy(dtype=float))
    return np.hstack(blocks)


def long_shares(frame: pd.DataFrame, links: sp.Linkages, measure: str):
    """Exposure of each row to each (sector, year), the shocks, their sector and year."""
    years = [int(year) for year in links.axes.years]
    presence = links.shocks(measure).set_index(["industry", "year"])["presence"]
    shocks, sector, period, columns = [], [], [], []
    for year in years:
        shares = links.exposure(measure, year)
        for k in links.axes.sectors:
            columns.append(
                np.where(frame["year"] == year, shares[k].reindex(frame["industry"]).to_numpy(), 0)
            )
            shocks.append(presence[k, year])
            sector.append(k)
            period.append(year)
    return np.column_stack(columns), np.array(shocks), np.array(sector), np.array(period)


def residuals(columns: np.ndarray, controls: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted residuals by a pseudo-inverse."""
    root = np.sqrt(weights)[:, None]
    return columns - controls @ (np.linalg.pinv(controls * root) @ (columns * root))


def loop_scores(frame, links, measures, controls, e, weights):
    """r_k of equation (1) with residualised shocks of equation (2), by loops; e (n,)."""
    result = np.zeros((len(links.axes.sectors), len(measures)))
    for m, measure in enumerate(measures):
        W, g, sector, period = long_shares(frame, links, measure)
        for year in np.unique(period):
            at = np.flatnonzero(period == year)
            total = (weights[:, None] * W[:, at]).sum(axis=0)
            h = g[at] - (total * g[at]).sum() / total.sum()
            for place, column in enumerate(at):
                k = links.axes.sectors.index(sector[column])
                result[k, m] += h[place] * (weights * W[:, column] * e).sum()
    return result

"""Synthetic and real panels that the production tests share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spillover.production.data import build_inputs


def draw_panel(seed: int = 0, firms: int = 200, years: int = 8, *, gaps: float = 0.1):
    """A value-added panel: labour set after half of the innovation is known, wages persistent."""
    rng = np.random.default_rng(seed)
    w, k, wage = rng.normal(0, 0.3, firms), rng.normal(3, 0.8, firms), rng.normal(0, 0.5, firms)
    parts = []
    for year in range(2000, 2000 + years):
        half = 0.85 * w + rng.normal(0, 0.1, firms)
        wage = 0.6 * wage + rng.normal(0, 0.3, firms)
        labour = 0.7 * k + 1.5 * half - wage
        w = 0.85 * half + rng.normal(0, 0.1, firms)
        m = 0.6 * labour + 0.4 * k + w
        y = 0.6 * labour + 0.4 * k + w + rng.normal(0, 0.1, firms)
        parts.append(
            pd.DataFrame(
                {
                    "firm": np.arange(firms),
                    "year": year,
                    "industry": np.where(np.arange(firms) % 2, "15", "17"),
                    "value_added": np.exp(y),
                    "employment": np.exp(labour),
                    "capital": np.exp(k),
                    "materials": np.exp(m),
                    "driver": rng.normal(size=firms),
                }
            )
        )
        k = 0.9 * k + 0.25 * w + 0.3 + rng.normal(0, 0.15, firms)
    frame = pd.concat(parts, ignore_index=True)
    frame["output"] = frame["value_added"] + frame["materials"]
    return frame[rng.random(len(frame)) >= gaps].reset_index(drop=True)


@pytest.fixture(scope="session")
def panel() -> pd.DataFrame:
    return draw_panel()


@pytest.fixture(scope="session")
def inputs(panel):
    groups, _ = build_inputs(
        panel,
        output="value_added",
        free=["employment"],
        state=["capital"],
        proxy="materials",
        by=None,
        markov=["driver"],
    )
    return groups["all"]


@pytest.fixture(scope="session")
def chilean(shared):
    """prodest's Chilean plants: logs, two kinds of labour."""
    frame = pd.read_csv(shared / "firms_chile_prodest" / "chilean.csv")
    return frame.rename(columns={"idvar": "firm", "timevar": "year"})


@pytest.fixture(scope="session")
def chilean_inputs(chilean):
    groups, _ = build_inputs(
        chilean,
        output="Y",
        free=["fX1", "fX2"],
        state=["sX"],
        proxy="pX",
        by=None,
        logged=True,
    )
    return groups["all"]

"""op and wooldridge against R's prodest 1.0.1 by industry (tests/reference/production_plants.R)."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from spillover.production.data import build_inputs
from spillover.production.op import Op, estimate_op
from spillover.production.wooldridge import Wooldridge, estimate_wooldridge

FOLDER = Path(__file__).parents[1] / "reference"
REFERENCE = json.loads((FOLDER / "production_plants.json").read_text())["plants"]
PEER_OP = Op(degree=2, exit_correction=False, law_outcome="fitted")
SYSTEM = Wooldridge(degree=2, linear_state=False, weighting="two_stage")
LOCAL = {"321", "341", "355", "382", "383"}
"""Industries where prodest stops in a local minimum of its own criterion."""


@pytest.fixture(scope="module")
def plants(shared):
    place = FOLDER / "make_production_plants.py"
    spec = importlib.util.spec_from_file_location("make_production_plants", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.plants(shared / "firms_chile_enia" / "enia_1986_1994.parquet")


def groups(frame, proxy):
    made, report = build_inputs(
        frame,
        output="value_added",
        free=["employment"],
        state=["capital"],
        proxy=proxy,
        logged=True,
    )
    assert not report.failed
    return made


def test_op(plants):
    inputs = groups(plants[plants["investment"].notna()], "investment")
    for industry, numbers in REFERENCE.items():
        peer = numbers["op"]
        assert len(inputs[industry]) == peer["rows"]
        ours = estimate_op(inputs[industry], PEER_OP)
        assert ours.beta[0] == pytest.approx(peer["beta"][0], rel=1e-8)
        there = ours.criterion(np.array(peer["beta"][1:])) * ours.nobs_second
        assert there == pytest.approx(peer["value"], rel=2e-6)
        assert ours.objective * ours.nobs_second <= there * (1 + 1e-12)
        if industry in LOCAL:
            assert ours.objective * ours.nobs_second < 0.999 * there
        else:
            assert ours.beta[1] == pytest.approx(peer["beta"][1], abs=1e-3)


def test_wooldridge(plants):
    inputs = groups(plants, "materials")
    for industry, numbers in REFERENCE.items():
        ours = estimate_wooldridge(inputs[industry], SYSTEM)
        assert ours.beta == pytest.approx(numbers["wooldridge"]["beta"], abs=1e-6)

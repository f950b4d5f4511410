"""Fixtures that every test module can use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# Shared machines are slow at times: a test must not fail for the time that an example takes.
settings.register_profile("spillover", deadline=None)
settings.load_profile("spillover")

collect_ignore_glob = ["reference/*"]  # scripts that make reference numbers, with their own needs


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real data that cannot be shipped; tests that need it skip where it is absent."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SPILLOVER_SHARED", beside))
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}; set SPILLOVER_SHARED to the folder")
    return folder


@pytest.fixture(autouse=True)
def _global_rng_untouched() -> Iterator[None]:
    """Fail a test that draws from, or seeds, numpy's global random state."""
    before = np.random.get_state(legacy=False)  # noqa: NPY002
    yield
    after = np.random.get_state(legacy=False)  # noqa: NPY002
    same = np.array_equal(before["state"]["key"], after["state"]["key"])
    if not (same and before["state"]["pos"] == after["state"]["pos"]):
        pytest.fail("this test changed numpy's global random state; pass a Generator instead")

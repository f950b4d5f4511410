"""``sp.fit(inference=...)`` is the method applied to the fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import SchemaError
from spillover.inference.methods import METHODS
from spillover.panel.settings import BASES, PLAIN

FORMULA = "tfp ~ horizontal + backward | firm + year"
SETTINGS = {
    "wild": {"draws": 199},
    "randomisation": {"draws": 49},
    "conley": {"latitude": "lat", "longitude": "lon", "cutoff": 300},
}


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    world = sp.simulate.panel(backward=0.3, rng=1)
    frame = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    rng = np.random.default_rng(0)
    region = pd.factorize(frame["region"])[0] if "region" in frame else frame["firm"] % 40
    frame["lat"], frame["lon"] = rng.uniform(40, 50, 60)[region], rng.uniform(50, 80, 60)[region]
    return frame


def fit(panel, **options) -> sp.Fit:
    return sp.fit(FORMULA, panel, sample="domestic", **options)


def options_for(name: str) -> dict[str, object]:
    options: dict[str, object] = {"inference": name}
    if BASES[name] == "cluster":
        options["cluster"] = "industry"
    if name in SETTINGS:
        options["inference_settings"] = SETTINGS[name]
    return options


def test_every_method_has_a_base_and_a_name():
    assert list(METHODS) == list(BASES)
    assert set(BASES.values()) <= set(PLAIN)


@pytest.mark.filterwarnings("ignore::spillover.errors.SpilloverWarning")
@pytest.mark.parametrize("name", METHODS)
def test_the_short_way_is_the_long_way(panel, name):
    short = fit(panel, **options_for(name))
    cluster = {"cluster": "industry"} if BASES[name] == "cluster" else {}
    settings = dict(SETTINGS.get(name, {}))
    for key in ("latitude", "longitude"):
        if key in settings:
            settings[key] = panel[settings[key]]
    long = METHODS[name](fit(panel, inference=BASES[name], **cluster), **settings)
    assert short.inference == long.inference
    assert short.inference.kind == name
    pd.testing.assert_frame_equal(short.tidy(), long.tidy())


@pytest.mark.filterwarnings("ignore::spillover.errors.SpilloverWarning")
@pytest.mark.parametrize("name", ["cr2", "exposure", "driscoll_kraay"])
def test_many_specifications_take_the_method_too(panel, name):
    options = options_for(name)
    many = sp.fit_many([FORMULA], panel, samples="domestic", **options)[FORMULA]
    pd.testing.assert_frame_equal(many.tidy(), fit(panel, **options).tidy())
    assert many.estimated is None


@pytest.mark.filterwarnings("ignore::spillover.errors.SpilloverWarning")
def test_a_lean_fit_keeps_the_errors_and_drops_the_arrays(panel):
    lean = fit(panel, inference="exposure", lean=True)
    assert lean.estimated is None
    assert lean.residuals is None
    pd.testing.assert_frame_equal(lean.tidy(), fit(panel, inference="exposure").tidy())


def test_settings_are_checked(panel):
    with pytest.raises(SchemaError, match=r"no setting 'drws'.*draws"):
        fit(panel, inference="wild", inference_settings={"drws": 99})
    with pytest.raises(SchemaError, match=r"needs inference_settings.*latitude, longitude, cutoff"):
        fit(panel, inference="conley")
    with pytest.raises(SchemaError, match="no column 'latt'"):
        fit(
            panel,
            inference="conley",
            inference_settings={"latitude": "latt", "longitude": "lon", "cutoff": 9},
        )
    with pytest.raises(SchemaError, match="takes no inference_settings"):
        fit(panel, inference_settings={"draws": 99})
    with pytest.raises(SchemaError, match="wild"):
        fit(panel, inference="wildd")
    with pytest.raises(SchemaError, match="is for linear regressions"):
        fit(panel, inference="cr2", estimator="quantile")

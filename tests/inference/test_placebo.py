"""The placebo: its p-values are those of single fits, its rates what they should be."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import SchemaError, SpilloverWarning
from spillover.inference import placebo
from spillover.inference.exposure import infer
from spillover.inference.placebo import _drawn, _exposure_p_values, _fit
from spillover.inference.placebo_errors import ERRORS, RowErrors
from spillover.inference.randomisation import cells_of, complete_sectors

_SPEC = importlib.util.spec_from_file_location(
    "exposure_panels", Path(__file__).with_name("exposure_panels.py")
)
panels = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(panels)

FORMULA = "y ~ horizontal + backward + forward + x | firm + year"
BY_ROWS = ("firm", "industry^year", "industry", "industry and year", "hetero")


@pytest.mark.parametrize("weights", [None, "w"])
def test_p_values_are_those_of_single_fits(weights):
    panel, links = panels.attached()
    fit, _ = _fit(panel, links, FORMULA, "all", weights)
    robust = infer(fit)
    _, _, place = cells_of(fit, robust)
    rng = np.random.default_rng(1)
    movable = complete_sectors(robust.exposures)
    drawn = [_drawn(robust.exposures, movable, "ar1", 0.7, rng) for _ in range(3)]
    by_rows = RowErrors.of(fit, robust, place, BY_ROWS)
    found = by_rows.p_values(robust.exposures, drawn, rng)
    for d, paths in enumerate(drawn):
        other = panel.copy()
        for one, g in zip(robust.exposures, paths, strict=True):
            other[one.term] = np.nan
            other.loc[fit.used, one.term] = one.rows(one.spread(g))
        for name in BY_ROWS:
            how = {"inference": "hetero"} if name == "hetero" else {"cluster": name.split(" and ")}
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always", SpilloverWarning)
                single = sp.fit(FORMULA, other, weights=weights, **how)
            if any("negative eigenvalues" in str(one.message) for one in said):
                continue  # a fit sets them to zero; a placebo takes the variance as it is
            expected = single.pvalues[list(robust.terms)].to_numpy()
            assert found[name][d] == pytest.approx(expected, rel=1e-6)


def test_exposure_p_values_are_those_of_the_inference():
    panel, links = panels.attached()
    alone, _ = _fit(panel, links, "y ~ horizontal | firm + year", "all", None)
    single = infer(alone)
    cells, outcome, _ = cells_of(alone, single)
    found, _ = _exposure_p_values(cells, single.exposures, [single.exposures[0].shocks], outcome)
    assert found["null imposed"][0] == pytest.approx(single.p_value("horizontal"), rel=1e-8)
    assert found["null imposed, normal"][0] == pytest.approx(
        single.p_value("horizontal", critical="normal"), rel=1e-8
    )


@pytest.mark.parametrize("shocks", ["permute", "iid", "ar1"])
def test_result(shocks):
    firms, io = panels.make_firms(), panels.make_table()
    result = placebo(firms, io, formula=FORMULA, shocks=shocks, draws=12, errors=ERRORS, rng=1)
    table = result.table()
    assert list(table.index) == list(ERRORS)
    assert list(table.columns) == ["horizontal", "backward", "forward"]
    assert table.to_numpy() == pytest.approx(np.clip(table, 0, 1))
    tidy = result.tidy()
    assert len(tidy) == 3 * len(ERRORS)
    assert (tidy["draws"] == 12).all()
    assert "Placebo" in repr(result)
    assert "<table" in result._repr_html_()
    again = placebo(firms, io, formula=FORMULA, shocks=shocks, draws=12, errors=ERRORS, rng=1)
    for name in ERRORS:
        pd.testing.assert_frame_equal(result.p_values[name], again.p_values[name])


def test_linkages_in_place_of_a_table_and_other_frames():
    panel, links = panels.attached()
    firms = panels.make_firms()
    arguments = {"formula": FORMULA, "draws": 6, "errors": ["industry", "null imposed"], "rng": 2}
    first = placebo(panel, links, **arguments)
    second = placebo(firms, links, **arguments)
    third = placebo(firms, panels.make_table(), **arguments)
    for other in (second, third):
        pd.testing.assert_frame_equal(
            first.p_values["null imposed"], other.p_values["null imposed"]
        )
    polars = pytest.importorskip("polars")
    fourth = placebo(polars.from_pandas(firms), links, **arguments)
    pd.testing.assert_frame_equal(
        first.p_values["industry"], fourth.p_values["industry"], rtol=1e-8
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"errors": []}, "list of different"),
        ({"errors": ["firms"]}, "errors='firms'"),
        ({"shocks": "normal"}, "shocks='normal'"),
        ({"draws": 0}, "draws=0"),
        ({"persistence": 1.0}, "persistence=1.0"),
        ({"level": 5}, "level=5"),
        ({"formula": "y ~ x | firm"}, "No regressor is a linkage measure"),
    ],
)
def test_bad_options(change, message):
    with pytest.raises(SchemaError, match=message):
        placebo(panels.make_firms(), panels.make_table(), **({"formula": FORMULA} | change))


@pytest.mark.slow
@pytest.mark.parametrize("shocks", ["permute", "ar1"])
def test_rejection_rates(shocks):
    """Shocks that travel along the linkages: usual errors over-reject, the null-imposed do not."""
    io = sp.simulate.io_table(20, rng=3)
    rates = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        frame = pd.MultiIndex.from_product(
            [io.sectors, range(5), range(2000, 2008)], names=["industry", "number", "year"]
        ).to_frame(index=False)
        frame["firm"] = frame["industry"] + frame["number"].astype(str)
        frame["output"], frame["exports"] = 1.0, rng.uniform(0, 0.3, len(frame))
        frame["foreign_share"] = rng.random(len(frame))
        demand = np.cumsum(rng.standard_normal((20, 8)), axis=1)
        reached = io.supply_shares().to_numpy() @ demand
        at = pd.factorize(frame["industry"])[0], frame["year"].to_numpy() - 2000
        frame["tfp"] = reached[at] + 0.3 * rng.standard_normal(len(frame))
        result = placebo(frame, io, shocks=shocks, draws=500, rng=seed)
        rates.append(result.table())
    mean = sum(rates) / len(rates)
    assert (mean.loc["firm"] > 0.25).all()
    if shocks == "ar1":  # the panel's own paths are independent over time, which spares this error
        assert (mean.loc["industry^year"] > 0.12).all()
    assert mean.loc["null imposed"].between(0.03, 0.07).all()


def test_figure():
    result = placebo(
        panels.make_firms(), panels.make_table(), formula=FORMULA, draws=10,
        errors=["firm", "industry", "null imposed"], rng=1,
    )  # fmt: skip
    plot = sp.plot.placebo
    figure = plot(result, labels={"backward": "Upstream"})
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "Clustered by firm",
        "Clustered by industry",
        "Exposure-robust, null imposed,\neffective shocks",
    ]
    drawn = {line.get_label(): line.get_xdata() for line in axes.get_lines()}
    assert drawn["Upstream"] == pytest.approx(100 * result.table()["backward"].to_numpy())
    assert len(plot(result, terms=["backward"], ax=axes).axes) == 1
    with pytest.raises(SchemaError, match="no term"):
        plot(result, terms=["x"])
    with pytest.raises(SchemaError, match="give what"):
        plot(result.table())

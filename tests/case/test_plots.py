"""Figures of the case: what is drawn is what was computed, and it can be read without colour."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

import spillover as sp
from spillover.errors import SchemaError


@pytest.fixture(scope="module")
def io() -> sp.IOTable:
    return sp.IOTable.from_arrays(
        ["C10T12", "C29", "F"],
        total=[[10, 30, 60], [5, 10, 20], [5, 5, 40]],
        output=[200, 100, 300],
        unit="million USD",
    )


@pytest.fixture(scope="module")
def crucial() -> sp.case.CrucialCase:
    return sp.case.crucial_case("T1", 0.5, sp.case.kazakhstan().clues("T1"))


@pytest.fixture(autouse=True)
def _nothing_is_left_open():
    yield
    assert plt.get_fignums() == []


def test_counterfactual_shows_both_distributions(io):
    result = sp.case.counterfactual(io, {"C29": (5.0, 10.0, 20.0)}, draws=500)
    figure = sp.plot.counterfactual(result)
    left, right = figure.axes
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    assert labels == ["textbook sourcing", "sourcing of the case"]
    row = result.tidy().iloc[0]
    said = f"{row['mean']:.2f} [{row['conf_low']:.2f}, {row['conf_high']:.2f}]"
    assert said in [text.get_text() for text in left.texts]
    assert {line.get_linestyle() for line in left.lines} >= {"-", "--"}
    widths = sorted(patch.get_width() for patch in right.patches)
    np.testing.assert_allclose(widths, sorted(100 * result.variance["total"].clip(lower=0)))
    assert "percent" in left.get_xlabel()


def test_counterfactual_without_spread_is_drawn(io):
    result = sp.case.counterfactual(io, {"C29": 10.0}, effect=0.2, draws=100)
    assert len(sp.plot.counterfactual(result).axes) == 2


def test_sourcing_lines(io):
    found = sp.case.sourcing_sensitivity(io, {"C29": 10.0, "F": 5.0})
    ax = sp.plot.sourcing(found).axes[0]
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels[0] == "every buyer"
    assert set(labels[1:]) == {"construction only", "cars only"}
    every = next(line for line in ax.lines if line.get_label() == "every buyer")
    assert every.get_ydata()[-1] == pytest.approx(found.tidy()["textbook"].iloc[0])


def test_worlds_rates_and_order():
    result = sp.case.worlds(2, specifications=["levels", "adjusted", "leads"], rng=1)
    ax = sp.plot.worlds(result).axes[0]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == result.rates()["label"].drop_duplicates().tolist()
    marks = {line.get_marker() for line in ax.lines if line.get_linestyle() == "None"}
    assert marks == {"o", "s", "^"}
    rates = result.rates()
    drawn = np.concatenate(
        [line.get_xdata() for line in ax.lines if line.get_marker() in {"o", "s", "^"}]
    )
    np.testing.assert_allclose(np.sort(drawn), np.sort(100 * rates["rate"]))


def test_crucial_case_paths_and_cells(crucial):
    figure = sp.plot.crucial_case(crucial, priors=(0.5, 0.9))
    left, right = figure.axes
    line = next(one for one in left.lines if one.get_label() == "0.5 before")
    path = crucial.tidy()["probability"].to_numpy()
    np.testing.assert_allclose(line.get_xdata(), [0.5, *path])
    assert line.get_xdata()[-1] == pytest.approx(crucial.posterior)
    grid = crucial.sensitivity(priors=[0.5, 0.9])
    texts = [text.get_text() for text in right.texts]
    for (prior, power), part in grid.groupby(["prior", "trust"]):
        low, high = part["posterior"].min(), part["posterior"].max()
        assert f"{low:.2f}\nto {high:.2f}" in texts, (prior, power)
    assert len(texts) == 6
    assert len(left.get_yticklabels()) == len(crucial.clues) + 1


def test_bands_hold_the_line(crucial):
    left = sp.plot.crucial_case(crucial).axes[0]
    for band, name in zip(left.collections, ("0.25", "0.5", "0.9"), strict=True):
        line = next(one for one in left.lines if one.get_label() == f"{name} before")
        vertices = band.get_paths()[0].vertices
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True):
            at = vertices[np.isclose(vertices[:, 1], y)][:, 0]
            assert at.min() - 1e-9 <= x <= at.max() + 1e-9


def test_failure_factor_curve():
    ax = sp.plot.failure_factor(success_if_false=(0.5,), mark=(0.9, 0.5)).axes[0]
    curve = next(line for line in ax.lines if len(line.get_xdata()) > 100)
    np.testing.assert_allclose(curve.get_ydata(), (1 - curve.get_xdata()) / 0.5)
    assert any(text.get_text() == "times 0.2" for text in ax.texts)
    with pytest.raises(SchemaError, match="probability"):
        sp.plot.failure_factor(mark=(1.0, 0.5))


def test_effect_update_says_how_sure():
    update = sp.case.update_effect(0.168, 0.3, change=10, noticeable=5, blur=2)
    left, right = sp.plot.effect_update(update).axes
    texts = [text.get_text() for text in left.get_legend().get_texts()]
    table = update.summary()
    for text, name in zip(texts, ("prior", "posterior"), strict=True):
        assert f"mean {table.loc[name, 'mean']:.2f}" in text
    assert right.get_ylabel() == "Chance that none is noticed"


def test_local_content_bars_add_up():
    kit = sp.case.local_content(100, {"kit": (50, "imported"), "wages": 12, "taxes": 14})
    deep = sp.case.local_content(
        100, {"parts": (20, "imported"), "home": (40, "domestic supplier"), "pay": 30}
    )
    ax = sp.plot.local_content({"kits": kit, "suppliers": deep}).axes[0]
    widths: dict[float, float] = {}
    for bar in ax.patches:
        place = round(bar.get_y() + bar.get_height() / 2, 6)
        widths[place] = widths.get(place, 0) + bar.get_width()
    np.testing.assert_allclose(list(widths.values()), 100)
    texts = [text.get_text() for text in ax.texts]
    assert "official: 50 percent" in texts
    assert "from domestic\nsuppliers: 0 percent" in texts
    assert "from domestic\nsuppliers: 67 percent" in texts
    assert {bar.get_hatch() for bar in ax.patches} >= {"////"}  # imports can be told in grey


@pytest.mark.parametrize(
    "draw",
    ["counterfactual", "sourcing", "worlds", "crucial_case", "effect_update", "local_content"],
)
def test_figures_refuse_what_they_cannot_draw(draw):
    with pytest.raises(SchemaError, match=r"is a (int|dict)"):
        getattr(sp.plot, draw)(3)


def test_local_content_refuses_an_empty_mapping(crucial):
    with pytest.raises(SchemaError, match="dict"):
        sp.plot.local_content({})
    with pytest.raises(SchemaError, match="priors"):
        sp.plot.crucial_case(crucial, priors=())

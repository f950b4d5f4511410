"""Oster's delta and beta* against robomit, an exact construction, and published numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import IdentificationError, SchemaError
from spillover.inference._oster_equation import Moments, bias_of
from spillover.inference.oster import moments_of

REFERENCE = Path(__file__).parents[1] / "reference"
STORED = json.loads((REFERENCE / "inference_oster.json").read_text())["cases"]
CASES = {f"{c['controls']}, {c['r_max']}, {c['delta']}": c for c in STORED}


def robomit_data():
    """The columns that the R script adds."""
    data = pd.read_csv(REFERENCE / "inference_input.csv")
    place = np.arange(1, len(data) + 1)
    data["c1"] = data["x"] + np.sin(1.7 * place)
    data["c2"] = 0.3 * data["x"] + np.cos(0.9 * place)
    data["out"] = data["y"] + 0.6 * data["c1"] + 0.4 * data["c2"]
    return data


@pytest.mark.parametrize("case", CASES)
def test_robomit(case):
    stored, data = CASES[case], robomit_data()
    short = sp.fit("out ~ x", data, inference="hetero")
    long = sp.fit(f"out ~ x + {stored['controls']}", data, inference="hetero")
    result = sp.inference.oster(short, long, "x", rmax=stored["r_max"], delta=stored["delta"])
    row = result.tidy().iloc[0]
    for ours, theirs in (("short", "short"), ("long", "long"), ("r2_long", "r2_long")):
        assert row[ours] == pytest.approx(stored[theirs], rel=1e-10)
    assert row["beta_star"] == pytest.approx(stored["beta_star"], abs=6e-7)
    assert row["delta_for_target"] == pytest.approx(stored["delta_for_zero"], abs=6e-7)


def test_bate():
    """Breastfeeding and child IQ (NLSY): what the R package bate 0.1.0 makes of its README's case.

    osterdelstar(parameters, 0.61) and osterbds(parameters, 0.61).
    """
    m = Moments(0.04447926, 0.01740748, 0.04465201, 0.255621, 0.9900242**2, 4.629618**2, 18.99883)
    assert m.delta(0.61, 0.0) == pytest.approx(0.366194609612362, rel=1e-12)
    bias, others = bias_of(m, 0.61, 1.0)
    assert round(m.long - bias, 4) == -0.0337
    assert [round(m.long - other, 4) for other in others] == [0.3752]
    assert m.delta(0.61, m.long - bias) == pytest.approx(1.0, rel=1e-12)


def exact_world(delta, beta=0.4, n=400, seed=3):
    """A sample in which the population conditions of proportional selection hold exactly."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(np.column_stack([np.ones(n), rng.standard_normal((n, 5))]))
    a, b, c, d, e = (basis[:, 1:] * np.sqrt(n)).T  # orthogonal, mean 0, variance 1
    w1, w2 = 1.5 * a, 0.8 * b  # the observed index, and the unobserved
    # Cov(x, w2) / Var(w2) = delta Cov(x, w1) / Var(w1)
    x = 0.6 * w1 + 0.6 * delta * w2 + c
    y = beta * x + w1 + w2 + 0.7 * d
    return pd.DataFrame({"x": x, "y": y, "w1": w1, "w2": w2, "noise": e, "firm": np.arange(n) % 40})


@pytest.mark.parametrize("delta", [1.0, 0.5, 1.7, -0.4])
def test_truth_is_recovered(delta):
    data = exact_world(delta)
    short, long, full = (
        sp.fit(f, data, inference="hetero") for f in ("y ~ x", "y ~ x + w1", "y ~ x + w1 + w2")
    )
    assert full.params["x"] == pytest.approx(0.4)
    result = sp.inference.oster(short, long, "x", rmax=full.r2, delta=delta, target=0.4)
    row = result.table.iloc[0]
    solutions = [row["beta_star"], *(float(v) for v in row["other_solutions"].split(", ") if v)]
    assert min(abs(v - 0.4) for v in solutions) < 1e-4
    assert row["delta_for_target"] == pytest.approx(delta, rel=1e-9)
    if delta > 0:
        assert row["beta_star"] == pytest.approx(0.4, rel=1e-8)
        assert row["implied"]


def test_within_and_overall_agree():
    """With effects in both regressions R_max in units of the outcome is all that matters."""
    data = exact_world(0.8)
    rng = np.random.default_rng(0)
    data["y"] += rng.standard_normal(40)[data["firm"]]
    short, long = (
        sp.fit(f, data, inference="hetero") for f in ("y ~ x | firm", "y ~ x + w1 | firm")
    )
    within = sp.inference.oster(short, long, "x", rmax=0.9)
    assert within.r2 == "within"
    taken = 1 - (1 - long.r2) / (1 - long.r2_within)  # R2 of the effects alone
    overall = sp.inference.oster(short, long, "x", rmax=taken + 0.9 * (1 - taken), r2="overall")
    for column in ("beta_star", "delta_for_target"):
        assert overall.table[column][0] == pytest.approx(within.table[column][0], rel=1e-8)
    # the same by regressors in the place of effects, which both regressions have
    dummies = " + C(firm)"
    written = [sp.fit(f + dummies, data, inference="hetero") for f in ("y ~ x", "y ~ x + w1")]
    plain = sp.inference.oster(*written, "x", rmax=taken + 0.9 * (1 - taken))
    assert plain.r2 == "overall"
    assert plain.table["beta_star"][0] == pytest.approx(within.table["beta_star"][0], rel=1e-7)


def test_effects_among_the_added_controls():
    data = exact_world(0.8)
    data["w1"] = data.groupby("firm")["w1"].transform("mean") * 4
    data["y"] += data["w1"]
    data["x"] += data["w1"]
    short = sp.fit("y ~ x", data, inference="hetero")
    absorbed = sp.fit("y ~ x | firm", data, inference="hetero")
    dummies = sp.fit("y ~ x + C(firm)", data, inference="hetero")
    one = sp.inference.oster(short, absorbed, "x", rmax=0.99)
    two = sp.inference.oster(short, dummies, "x", rmax=0.99)
    assert one.r2 == "overall"
    assert one.table["beta_star"][0] == pytest.approx(two.table["beta_star"][0], rel=1e-8)
    with pytest.raises(SchemaError, match="same absorbed effects"):
        sp.inference.oster(short, absorbed, "x", r2="within")


def test_invariance():
    """Scales of x, y and the controls change nothing but units; weights of one nothing at all."""
    data = exact_world(0.8)
    data["one"] = 1.0
    moved = data.assign(x=data["x"] * 1000, y=data["y"] * 0.01, w1=data["w1"] * 7)

    def star(frame, **options):
        fits = [sp.fit(f, frame, inference="hetero", **options) for f in ("y ~ x", "y ~ x + w1")]
        return sp.inference.oster(*fits, "x", rmax=0.9).table

    base, other = star(data), star(moved)
    assert other["beta_star"][0] == pytest.approx(base["beta_star"][0] * 1e-5, rel=1e-9)
    assert other["delta_for_target"][0] == pytest.approx(base["delta_for_target"][0], rel=1e-9)
    assert star(data, weights="one")["beta_star"][0] == pytest.approx(base["beta_star"][0])


def test_several_r_max_and_the_curve():
    data = exact_world(1.0)
    short, long = (sp.fit(f, data, inference="hetero") for f in ("y ~ x", "y ~ x + w1"))
    result = sp.inference.oster(short, long, "x")
    assert 1.3 * long.r2 > 1
    assert list(result.table["r_max"]) == [1.0]
    assert result.tidy()["term"].tolist() == ["x"]
    curve = result.curve(11)
    assert curve["r_max"].iloc[-1] == 1
    assert curve["beta_star"].iloc[-1] == pytest.approx(result.table["beta_star"].iloc[-1])
    assert curve["delta_for_target"].is_monotonic_decreasing
    assert "beta_star" in repr(result)
    assert "<table" in result._repr_html_()
    with pytest.raises(SchemaError, match="upper"):
        result.curve(upper=0.1)


def test_no_room_no_bias():
    m = Moments(1.0, 0.8, 0.2, 0.5, 2.0, 1.0, 0.6)
    assert bias_of(m, 0.5, 1.0)[0] == pytest.approx(0.0, abs=1e-12)
    assert bias_of(m, 0.9, 0.0)[0] == pytest.approx(0.0, abs=1e-12)


def test_bad_input():
    data = exact_world(1.0)
    short, long = (sp.fit(f, data, inference="hetero") for f in ("y ~ x", "y ~ x + w1"))
    oster = sp.inference.oster
    with pytest.raises(SchemaError, match="no control that the short"):
        oster(short, short, "x")
    with pytest.raises(SchemaError, match="lacks 'w1'"):
        oster(long, short, "x")
    with pytest.raises(SchemaError, match="no term"):
        oster(short, long, "w1")
    with pytest.raises(SchemaError, match="rmax"):
        oster(short, long, "x", rmax=0.1)
    with pytest.raises(SchemaError, match="delta"):
        oster(short, long, "x", delta=np.nan)
    part = sp.fit("y ~ x + w1", data, inference="hetero", sample=np.arange(len(data)) < 300)
    with pytest.raises(SchemaError, match="different rows"):
        oster(short, part, "x")
    with pytest.raises(SchemaError, match="different outcomes"):
        oster(short, sp.fit("noise ~ x + w1", data, inference="hetero"), "x")
    weighted = data.assign(w=1 + data["firm"])
    other = sp.fit("y ~ x + w1", weighted, inference="hetero", weights="w")
    with pytest.raises(SchemaError, match="weights"):
        oster(short, other, "x")
    with pytest.raises(SchemaError, match="does not absorb"):
        oster(sp.fit("y ~ x | firm", data, inference="hetero"), long, "x")
    with pytest.raises(SchemaError, match="kept no arrays"):
        oster(sp.fit("y ~ x", data, inference="hetero", lean=True), long, "x")
    with pytest.raises(IdentificationError, match="unrelated"):
        oster(
            short, sp.fit("y ~ x + w1", data.assign(w1=orthogonal(data)), inference="hetero"), "x"
        )
    iv = sp.fit("y ~ w1 | x ~ w2", data, inference="hetero")
    with pytest.raises(SchemaError, match="least squares"):
        oster(short, iv, "x")


def orthogonal(data):
    """Noise that moves the outcome's R2 and is unrelated to x."""
    x = data["x"] - data["x"].mean()
    rng = np.random.default_rng(5)
    v = rng.standard_normal(len(data))
    v -= v.mean()
    return v - x * (x @ v) / (x @ x)


def test_moments():
    data = exact_world(1.0)
    short, long = (sp.fit(f, data, inference="hetero") for f in ("y ~ x", "y ~ x + w1"))
    m = moments_of(short, long, "x", "overall")
    assert m.outcome == pytest.approx(data["y"].var(ddof=0))
    assert m.term == pytest.approx(data["x"].var(ddof=0))
    left = sp.fit("x ~ w1", data, inference="hetero").residuals
    assert m.left == pytest.approx(np.mean(left**2))

"""Event studies: pyfixest, regressions spelled out, and panels whose effects are known exactly."""

from __future__ import annotations

import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import SchemaError
from spillover.panel.events import event_study
from spillover.panel.weights import treatment_weights

pf = pytest.importorskip("pyfixest", reason="the estimators' peer is not installed")
MODERN = ("sun_abraham", "gardner")
ITERATED = 5e-5
"""How closely pyfixest's alternating projections come to the exact effects."""


def staggered(effect, *, units=40, never=0.25, noise=1.0, seed=0, years=range(1990, 2010)):
    """A balanced panel; ``effect(cohort, event)`` in treated rows."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(units), years], names=["country", "year"])
    frame = index.to_frame(index=False)
    start = rng.choice([1995, 1998, 2001, 2004], units).astype(float)
    start[: round(never * units)] = np.inf
    frame["cohort"] = start[frame["country"]]
    frame["event"] = frame["year"] - frame["cohort"]
    frame["wto"] = (frame["event"] >= 0) * 1
    frame["size"] = rng.normal(size=len(frame))
    base = rng.normal(size=units)[frame["country"]] + 0.1 * (frame["year"] - 1990) ** 1.5
    treated = [
        effect(c, e) if e >= 0 else 0.0
        for c, e in zip(frame["cohort"], frame["event"], strict=True)
    ]
    frame["effect"] = treated
    frame["y"] = base + treated + noise * rng.normal(size=len(frame))
    return frame


def constant(cohort, event):
    return 2.0


def growing(cohort, event):
    return (1.0 + 0.5 * event) * (2005 - cohort) / 5


def old_gardner(frame, controls=()):
    """Two regressions with dummies spelled out."""
    D = pd.get_dummies(frame[["country", "year"]].astype(str), dtype=float)
    X = np.column_stack([D, frame[list(controls)]])
    free = (frame["wto"] == 0).to_numpy()
    beta = np.linalg.lstsq(X[free], frame.loc[free, "y"], rcond=None)[0]
    return frame["y"] - X @ beta


# Against others ----------------------------------------------------------------------------------


def test_sun_abraham_is_that_of_pyfixest():
    frame = staggered(growing)
    study = event_study(frame, "y", "wto", leads=30, lags=30, estimators=["sun_abraham"])
    ours = study.tidy().set_index("event")
    given = frame.assign(g=frame["cohort"].replace(np.inf, 0).astype(int))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = pf.event_study(
            given, yname="y", idname="country", tname="year", gname="g", estimator="saturated"
        )
        theirs = fit.aggregate()
    for event, row in theirs.iterrows():
        one = ours.loc[int(event)]
        assert one["estimate"] == pytest.approx(float(row["Estimate"]), abs=1e-9)
        if not one["reference"]:
            assert one["std_error"] == pytest.approx(float(row["Std. Error"]), rel=1e-6)


@pytest.mark.parametrize("controls", ["", "size"])
def test_gardner_is_two_regressions_spelled_out(controls):
    frame = staggered(growing, seed=1)
    study = event_study(frame, "y", "wto", controls=controls, estimators=["gardner"])
    left = old_gardner(frame, [controls] if controls else [])
    bins = frame["event"].clip(-5, 10)
    table = study.tidy().set_index("event")
    for event, part in left.groupby(bins[np.isfinite(frame["event"])]):
        assert table.loc[int(event), "estimate"] == pytest.approx(part.mean(), abs=ITERATED)
        assert table.loc[int(event), "rows"] == len(part)
    treated = (frame["wto"] == 1).to_numpy()
    overall = study.overall()["estimate"].item()
    assert overall == pytest.approx(left[treated].mean(), abs=ITERATED)


def test_gardners_errors_are_those_of_pyfixest():
    frame = staggered(growing, seed=1)
    study = event_study(frame, "y", "wto", estimators=["gardner"])
    given = frame.assign(g=frame["cohort"].replace(np.inf, 0).astype(int))
    fit = pf.event_study(
        given, yname="y", idname="country", tname="year", gname="g", estimator="did2s"
    )
    one = study.overall().iloc[0]
    assert one["estimate"] == pytest.approx(float(fit.coef().iloc[0]), abs=1e-8)
    assert one["std_error"] == pytest.approx(float(fit.se().iloc[0]), rel=1e-6)


@pytest.mark.parametrize("controls", ["", "size"])
def test_two_way_effects_are_dummies_spelled_out(controls):
    frame = staggered(growing, seed=2)
    study = event_study(frame, "y", "wto", controls=controls, leads=3, lags=4, estimators=["twfe"])
    bins = frame["event"].clip(-3, 4).where(np.isfinite(frame["event"]))
    events = [-3, -2, 0, 1, 2, 3, 4]
    dummies = np.column_stack([bins.eq(e) for e in events]).astype(float)
    D = pd.get_dummies(frame[["country", "year"]].astype(str), dtype=float)
    X = np.column_stack([dummies, frame[["size"] if controls else []], D])
    beta = np.linalg.lstsq(X, frame["y"], rcond=None)[0]
    found = study.tidy().set_index("event").loc[events, "estimate"]
    np.testing.assert_allclose(found, beta[: len(events)], atol=1e-9)
    assert study.tidy().set_index("event").loc[-1, "reference"]


# Known effects -----------------------------------------------------------------------------------


@pytest.mark.parametrize("never", [0.25, 0.0])
def test_modern_estimators_find_growing_effects_exactly(never):
    """Without noise: the mean effect of the treated rows used; two-way effects miss it."""
    frame = staggered(growing, noise=0.0, never=never)
    study = event_study(frame, "y", "wto", leads=30, lags=30)
    assert set(study.failed) == (set() if never else {"twfe"})  # whose leads and lags need them
    table = study.tidy().set_index(["estimator", "event"])["estimate"]
    last = frame["cohort"].max() if never == 0 else np.inf
    used = frame[(frame["wto"] == 1) & (frame["year"] < last)]
    for event, truth in used.groupby("event")["effect"].mean().items():
        for name in MODERN:
            assert table[name, event] == pytest.approx(truth, abs=ITERATED), (name, event)
    assert abs(table["sun_abraham"].loc[-8:-1]).max() < 1e-7
    overall = study.overall().set_index("estimator")["estimate"]
    mean = used["effect"].mean()
    for name in MODERN:
        assert overall[name] == pytest.approx(mean, abs=ITERATED)
    if never:
        assert abs(overall["twfe"] - mean) > 0.1 * mean


def test_a_constant_effect_is_found_by_all_whatever_the_bins():
    frame = staggered(constant, noise=0.0)
    study = event_study(frame, "y", "wto", leads=2, lags=3)
    table = study.tidy()
    np.testing.assert_allclose(table["estimate"], np.where(table["event"] < 0, 0, 2), atol=ITERATED)
    np.testing.assert_allclose(study.overall()["estimate"], 2.0, atol=ITERATED)


@pytest.mark.slow
def test_intervals_hold_the_truth():
    found = []
    for seed in range(100):
        frame = staggered(constant, seed=seed)
        table = event_study(frame, "y", "wto", estimators=["twfe", *MODERN]).overall()
        found.append(table.set_index("estimator")[["conf_low", "conf_high"]])
    every = pd.concat(found)
    inside = (every["conf_low"] <= 2.0) & (every["conf_high"] >= 2.0)
    assert (inside.groupby("estimator").mean() > 0.87).all()  # 0.87: four errors below 0.95


@pytest.mark.parametrize("controls", ["", "size"])
@pytest.mark.parametrize("always", [False, True])
def test_weights_give_the_two_way_coefficient(controls, always):
    """Without noise the coefficient is the weighted sum of the effects, on any unbalanced panel."""
    rng = np.random.default_rng(5)
    frame = staggered(lambda c, e: rng.normal(), noise=0.0)
    if always:
        frame["wto"] = np.where(frame["country"] < 4, 1, frame["wto"])
        frame.loc[frame["country"] < 4, "effect"] = rng.normal(size=80)
        frame["y"] += np.where(frame["country"] < 4, frame["effect"], 0.0)
    frame = frame.sample(frac=0.8, random_state=rng)
    weights = treatment_weights(frame, "wto", controls=controls)
    table = weights.table.merge(
        frame, left_on=["unit", "time"], right_on=["country", "year"], validate="one_to_one"
    )
    assert len(table) == frame["wto"].sum()
    assert table["weight"].sum() == pytest.approx(1.0)
    side = " + ".join(["wto", *([controls] if controls else [])])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sp.fit(f"y ~ {side} | country + year", frame, cluster="country")
    wanted = (table["weight"] * table["effect"]).sum()
    if controls:  # whose coefficient is then not zero: take its part of the outcome away
        outcome = frame.assign(y=frame["effect"])
        fit = sp.fit(f"y ~ {side} | country + year", outcome, cluster="country")
    assert fit.params["wto"] == pytest.approx(wanted, abs=1e-9)


def test_late_years_of_early_cohorts_weigh_negatively():
    frame = staggered(constant, never=0.1)
    weights = treatment_weights(frame, "wto")
    assert weights.negative > 0
    assert weights.negative_sum < 0
    by_event = weights.by_event().set_index("event")
    assert by_event["weight"].iloc[0] > by_event["weight"].iloc[-1]
    assert by_event["weight"].sum() == pytest.approx(1.0)
    assert "negative weight" in str(weights)


# Rows and refusals -------------------------------------------------------------------------------


def test_rows_are_accounted_for():
    frame = staggered(constant).drop(columns=["cohort", "event"])
    frame.loc[frame["country"] == 30, "wto"] = 1  # from the first row on
    frame.loc[[7, 8], "y"] = np.nan
    study = event_study(frame, "y", "wto", estimators=["twfe"])
    assert dict(study.dropped) == {
        "of units treated from their first row on": 20,
        "without outcome or controls": 2,
    }
    assert study.never == 10
    assert study.cohorts.sum() == 29
    assert "20 rows of units treated from their first row on" in repr(study)
    assert study.rows.sum() == 29 * 20


def test_units_that_leave_are_named_dropped_or_kept():
    frame = staggered(constant)
    frame.loc[(frame["country"] == 39) & (frame["year"] == 2008), "wto"] = 0
    with pytest.raises(SchemaError, match=r"1 unit\(s\) leave 'wto' again: 39"):
        event_study(frame, "y", "wto")
    kept = event_study(frame, "y", "wto", leavers="absorb", estimators=["twfe"])
    gone = event_study(frame, "y", "wto", leavers="drop", estimators=["twfe"])
    assert kept.overall()["nobs"].item() == 800
    assert gone.overall()["nobs"].item() == 780


def test_order_and_library_do_not_matter():
    pl = pytest.importorskip("polars")
    frame = staggered(growing)
    one = event_study(frame, "y", "wto").tidy()
    mixed = frame.sample(frac=1, random_state=np.random.default_rng(0))
    for other in (mixed, pl.from_pandas(mixed)):
        pd.testing.assert_frame_equal(event_study(other, "y", "wto").tidy(), one)


def test_expressions_are_taken():
    frame = staggered(constant)
    one = event_study(frame.assign(up=np.exp(frame["y"])), "log(up)", "wto", estimators=["twfe"])
    two = event_study(frame, "y", "wto", estimators=["twfe"])
    pd.testing.assert_frame_equal(one.tidy(), two.tidy())


def test_units_without_two_untreated_rows_are_left_out_of_gardner_and_said():
    frame = staggered(constant)
    late = frame[~((frame["country"] == 39) & (frame["year"] < frame["cohort"] - 1))]
    study = event_study(late, "y", "wto", estimators=["gardner"])
    assert "fewer than two untreated rows" in study.estimates["gardner"].note


def test_without_pyfixest_the_others_stand(monkeypatch):
    import importlib.util as util  # noqa: PLC0415

    find = util.find_spec
    monkeypatch.setattr(
        util, "find_spec", lambda name, *rest: None if name == "pyfixest" else find(name, *rest)
    )
    study = event_study(staggered(constant), "y", "wto")
    assert set(study.estimates) == {"twfe", "sun_abraham"}
    assert "install spillover[events]" in study.failed["gardner"]
    assert "was not computed" in repr(study)
    with pytest.raises(SchemaError, match="needs pyfixest"):
        event_study(staggered(constant), "y", "wto", estimators=["gardner"])


@pytest.mark.parametrize(
    ("change", "options", "text"),
    [
        ({}, {"estimators": "twfe"}, "estimators='twfe'"),
        ({}, {"estimators": ["csdid"]}, "estimators='csdid'"),
        ({}, {"leads": 0}, "leads=0"),
        ({}, {"leavers": "keep"}, "leavers='keep'"),
        ({}, {"controls": "gdp"}, "no column 'gdp'"),
        ({"wto": 2}, {}, "must be 0 or 1"),
        ({"wto": 0}, {}, "No unit enters"),
        ({"year": 2000.5}, {}, "whole numbers"),
        ({"year": 2000}, {}, "rows repeat a country and year"),
    ],
)
def test_what_cannot_be_done_is_said(change, options, text):
    with pytest.raises(SchemaError, match=text):
        event_study(staggered(constant).assign(**change), "y", "wto", **options)


# The figure --------------------------------------------------------------------------------------


def test_the_figure_sets_estimators_beside_each_other():
    study = event_study(staggered(growing), "y", "wto", leads=3, lags=4, synthetic=True)
    with mpl.rc_context():
        mpl.use("agg")
        figure = sp.plot.event_study(study, labels={"wto": "accession", "y": "inflow"})
        (axes,) = figure.axes
        figure.draw_without_rendering()
    assert [text.get_text() for text in axes.get_xticklabels()] == [
        *("≤ −3", "−2", "−1", "0", "1", "2", "3", "≥ 4")
    ]
    assert axes.get_ylabel() == "Effect on inflow"
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["two-way fixed effects", "Sun & Abraham", "Gardner, two stages"]
    assert "Synthetic data." in figure._supxlabel.get_text()
    with pytest.raises(SchemaError, match="estimators='csdid'"):
        sp.plot.event_study(study, estimators=["csdid"])
    with pytest.raises(SchemaError, match="give what"):
        sp.plot.event_study(study.tidy())

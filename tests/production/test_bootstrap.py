from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import SchemaError, SpilloverWarning
from spillover.production import Acf, Bootstrap, Fe, Lp, Ols
from spillover.production.acf import estimate_acf
from spillover.production.bootstrap import coefficients, draw_counts
from spillover.production.data import build_inputs
from spillover.production.lp import estimate_lp
from spillover.production.ols import estimate_fe, estimate_ols

#: The panel has gaps, which is said in a warning; tests that are about it catch it.
pytestmark = pytest.mark.filterwarnings("ignore:.*after a gap:spillover.errors.SpilloverWarning")

QUIET = {"progress": False}


@pytest.mark.parametrize(
    ("estimate", "settings"),
    [
        (estimate_ols, Ols()),
        (estimate_fe, Fe()),
        (estimate_lp, Lp()),
        (estimate_lp, Lp(gross=True)),
        (estimate_acf, Acf(degree=2)),
        (estimate_acf, Acf(degree=2, overidentified=True)),
    ],
)
def test_weights_are_copied_firms(panel, inputs, estimate, settings):
    """A drawn sample is the same as one whose rows were copied under new firm names."""
    counts = draw_counts(np.zeros(inputs.firms, dtype=np.int64), np.random.SeedSequence(3))
    assert counts.sum() == inputs.firms
    weighted = estimate(inputs.drawn(counts), settings)
    parts = [
        panel[panel["firm"] == firm].assign(firm=1000 * firm + copy)
        for firm, times in zip(np.sort(panel["firm"].unique()), counts, strict=True)
        for copy in range(times)
    ]
    groups, _ = build_inputs(
        pd.concat(parts),
        output="value_added",
        free=["employment"],
        state=["capital"],
        proxy="materials",
        by=None,
        markov=["driver"],
    )
    copied = estimate(groups["all"], settings)
    np.testing.assert_allclose(weighted.beta, copied.beta, rtol=1e-6, atol=1e-8)
    assert weighted.nobs == copied.nobs
    if copied.vcov is not None:
        np.testing.assert_allclose(weighted.vcov, copied.vcov, rtol=1e-8)
    if copied.overid is not None:
        assert weighted.overid.statistic == pytest.approx(copied.overid.statistic, rel=1e-4)


def run(panel, workers=1, seed=4, **more):
    plan = Bootstrap(draws=6, rng=seed, workers=workers, **QUIET, **more)
    return sp.productivity(panel, method="lp", degree=2, bootstrap=plan)


def test_draws_do_not_depend_on_workers(panel):
    one, two = run(panel), run(panel, workers=2)
    for group in ("15", "17"):
        np.testing.assert_array_equal(one.bootstrap.beta[group], two.bootstrap.beta[group])
    other = run(panel, seed=5)
    assert not np.array_equal(one.bootstrap.beta["15"], other.bootstrap.beta["15"])


def test_standard_errors_are_the_spread_of_draws(panel):
    result = run(panel)
    rows = result.tidy()
    spread = np.concatenate([d.std(axis=0, ddof=1) for d in result.bootstrap.beta.values()])
    np.testing.assert_allclose(rows["std_error"], spread, rtol=1e-12)
    total = result.bootstrap.elasticity["15"].sum(axis=1).std(ddof=1)
    assert result.returns_to_scale["std_error"][0] == pytest.approx(total)
    assert "6 draws" in result.inference


def test_order_of_rows_and_names_of_firms_do_not_matter(panel):
    one = run(panel)
    other = run(
        panel.sort_values(["firm", "year"]).assign(firm=lambda f: "f" + f["firm"].astype(str))
    )
    np.testing.assert_allclose(other.tidy()["estimate"], one.tidy()["estimate"], rtol=1e-10)


def test_bootstrap_error_is_near_the_analytic_one(panel):
    analytic = sp.productivity(panel, method="ols", by=None)
    plan = Bootstrap(draws=300, rng=1, **QUIET)
    drawn = sp.productivity(panel, method="ols", by=None, bootstrap=plan)
    np.testing.assert_allclose(drawn.tidy()["std_error"], analytic.tidy()["std_error"], rtol=0.15)


def second(frame):
    return sp.fit("tfp ~ driver | firm", frame, cluster="firm")


def test_second_step_carries_the_noise_of_tfp(panel):
    result = run(panel, second_step=second)
    draws = result.bootstrap.second_step
    assert draws.columns.tolist() == ["driver"]
    assert len(draws) == 6
    full = second(panel.assign(tfp=result.tfp))
    table = result.second_step(full)
    assert table["estimate"][0] == full.params["driver"]
    assert table["std_error"][0] == pytest.approx(draws["driver"].std(ddof=1))


def test_second_step_sees_copies_as_firms(panel):
    seen = []

    def keep(frame):
        seen.append(frame)
        return {"rows": len(frame)}

    run(panel, second_step=keep)
    for frame in seen:
        assert not frame.duplicated(["firm", "year"]).any()
        assert frame["tfp"].notna().all()
        assert frame["firm"].nunique() == panel["firm"].nunique()


def test_failed_draws_are_counted(panel, monkeypatch):
    calls = {"n": 0}
    from spillover.production import lp  # noqa: PLC0415

    real = lp.estimate_lp

    def sometimes(inputs, settings, *, near=None):
        calls["n"] += 1
        if near is not None and calls["n"] % 5 == 0:
            return replace(real(inputs, settings, near=near), converged=False)
        return real(inputs, settings, near=near)

    monkeypatch.setattr(lp, "estimate_lp", sometimes)
    with pytest.warns(SpilloverWarning, match="bootstrap estimates failed"):
        result = run(panel)
    failed = sum(sum(reasons.values()) for reasons in result.bootstrap.failures.values())
    assert failed > 0
    assert result.glance()["failed_draws"].sum() == failed
    lost = sum(np.isnan(d[:, 0]).sum() for d in result.bootstrap.beta.values())
    assert lost == failed


def test_wrong_settings_and_results_are_refused(panel):
    with pytest.raises(SchemaError, match="draws=1"):
        Bootstrap(draws=1)
    with pytest.raises(SchemaError, match="workers=0"):
        Bootstrap(workers=0)
    with pytest.raises(SchemaError, match="second_step returned a float"):
        coefficients(1.0)
    with pytest.raises(SchemaError, match="no second step"):
        run(panel).second_step({"driver": 0.0})


def test_a_mistake_in_the_second_step_shows_before_the_draws(panel):
    calls = []

    def wrong(frame):
        calls.append(len(frame))
        return sp.fit("tfp ~ drivr | firm", frame)

    with pytest.raises(SchemaError, match="no column 'drivr'"):
        run(panel, second_step=wrong)
    assert calls == [len(panel)]


def test_second_step_on_the_full_sample_comes_with_the_draws(panel):
    result = run(panel, second_step=second)
    full = second(panel.assign(tfp=result.tfp))
    table = result.second_step()
    assert table["estimate"][0] == pytest.approx(full.params["driver"], rel=1e-10)
    pd.testing.assert_frame_equal(table, result.second_step(full), rtol=1e-10)
    with pytest.raises(SchemaError, match=r"no coefficient 'drivr'\. Did you mean 'driver'"):
        result.second_step({"drivr": 1.0})


def test_second_steps_that_fail_are_counted(panel):
    calls = []

    def sometimes(frame):
        calls.append(1)
        if len(calls) in {3, 5}:
            raise SchemaError("not today")
        return second(frame)

    with pytest.warns(SpilloverWarning, match=r"2 bootstrap estimates failed .in 'second step'"):
        result = run(panel, second_step=sometimes)
    assert len(result.bootstrap.second_step) == 4
    assert result.bootstrap.failures["second step"] == {"not today": 2}
    assert result.second_step()["std_error"].notna().all()


def test_second_step_does_not_depend_on_workers(panel):
    def step(frame):  # local, so that it is sent to the workers by value
        return sp.fit("tfp ~ driver | firm", frame, cluster="firm")

    one, two = run(panel, second_step=step), run(panel, workers=2, second_step=step)
    pd.testing.assert_frame_equal(one.bootstrap.second_step, two.bootstrap.second_step)
    assert one.second_step().equals(two.second_step())


def test_a_generator_is_a_seed_too(panel):
    first = run(panel, seed=np.random.default_rng(7))
    second_run = run(panel, seed=np.random.default_rng(7))
    np.testing.assert_array_equal(first.bootstrap.beta["15"], second_run.bootstrap.beta["15"])
    with pytest.raises(SchemaError, match="rng='a' must be a whole number"):
        Bootstrap(rng="a")
    with pytest.raises(SchemaError, match="rng=-1 must be"):
        Bootstrap(rng=-1)


def test_progress_is_shown_and_can_be_turned_off(panel, capsys):
    plan = Bootstrap(draws=3, rng=1)
    result = sp.productivity(panel, method="ols", bootstrap=plan)
    assert "3/3" in capsys.readouterr().err
    sp.productivity(panel, method="ols", bootstrap=replace(plan, progress=False))
    assert capsys.readouterr().err == ""
    assert repr(result.bootstrap) == "Draws(3 draws of 2 group(s), 0 failures)"

"""Leave-one-out estimates against fits on the data without the group."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import SchemaError, SpilloverWarning

pytestmark = pytest.mark.filterwarnings(
    "ignore:Only .* clusters:spillover.errors.SpilloverWarning",
)
DATA = pd.read_csv(Path(__file__).parents[1] / "reference" / "inference_input.csv")
INDUSTRIES = DATA.groupby("firm")["industry"].transform("nunique")
NESTED = DATA[INDUSTRIES == 1]
CASES = [
    ("y ~ x + z | firm + year", "industry", {"cluster": "industry^year"}),
    ("y ~ x + z | firm + year", "industry", {"cluster": "firm", "weights": "w"}),
    ("y ~ x + z | firm + year", "year", {"cluster": ["industry", "firm"]}),
    ("y ~ x + z", "industry", {"inference": "hetero"}),
    ("y ~ x | year", "region", {"inference": "iid", "weights": "w"}),
    ("y ~ x | industry + year | z ~ lat", "region", {"cluster": "firm"}),
    ("y ~ x | industry | z ~ lat + lon", "year", {"cluster": "firm", "estimator": "liml"}),
    ("y ~ x | industry | z ~ lat + lon", "year", {"cluster": "firm", "estimator": "gmm"}),
]


def instruments(frame):
    """Location becomes a cause of z."""
    return frame.assign(z=frame["z"] + 0.05 * frame["lat"] + 0.03 * frame["lon"])


def check(found, data, formula, by, options):
    assert found.table["without"].nunique() > 3
    for name in found.table["without"].unique():
        rest = data[data[by] != name]
        expected = sp.fit(formula, rest, **options).tidy().set_index("term")
        rows = found.table[found.table["without"] == name].set_index("term")
        for column in ("estimate", "std_error", "conf_low", "conf_high"):
            np.testing.assert_allclose(
                rows.loc[expected.index, column], expected[column], rtol=1e-6, err_msg=column
            )


@pytest.mark.parametrize(("formula", "by", "options"), CASES)
def test_refits(formula, by, options):
    data = instruments(DATA)
    fit = sp.fit(formula, data, **options)
    found = sp.inference.leave_one_out(fit, by)
    check(found, data, formula, by, options)
    np.testing.assert_allclose(
        found.table["change"],
        found.table["estimate"] - fit.params[found.table["term"]].to_numpy(),
    )


@pytest.mark.parametrize(
    "options", [{"cluster": "industry^year"}, {"cluster": "firm", "weights": "w"}]
)
def test_nested_effects_need_no_refit(options):
    formula = "y ~ x + z | firm + industry^year"
    fit = sp.fit(formula, NESTED, **options)
    found = sp.inference.leave_one_out(fit)
    assert found.exact
    check(found, NESTED, formula, "industry", options)


def test_other_inference():
    fit = sp.fit("y ~ x + z | year", DATA, cluster="industry")
    plain = sp.inference.leave_one_out(fit, "region")
    careful = sp.inference.leave_one_out(sp.inference.with_small_sample(fit, "cr2"), "region")
    pd.testing.assert_frame_equal(plain.table, careful.table)
    assert careful.intervals == "clustered by industry"
    assert careful.inference.startswith("CR2")
    with pytest.warns(SpilloverWarning, match="Only 9 years"):
        kraay = sp.inference.with_driscoll_kraay(fit)
    none = sp.inference.leave_one_out(kraay, "region")
    assert none.intervals == "none"
    assert none.table["std_error"].isna().all()
    np.testing.assert_allclose(none.table["estimate"], plain.table["estimate"])


def test_agrees_with_effective_clusters():
    fit = sp.fit("y ~ x + z | firm + year", DATA, cluster="industry", singletons="keep")
    one = sp.inference.leave_one_out(fit).tidy().pivot_table("estimate", "without", "term")
    two = sp.inference.effective_clusters(fit).without
    np.testing.assert_allclose(one[["x", "z"]], two[["x", "z"]], rtol=1e-8)


def test_not_identified():
    data = DATA.assign(only=np.where(DATA["industry"] == 2, DATA["x"], 0.0))
    fit = sp.fit("y ~ z + only | year", data, cluster="industry")
    found = sp.inference.leave_one_out(fit)
    lost = found.table[found.table["estimate"].isna()]
    assert lost[["term", "without"]].to_numpy().tolist() == [["only", 2]]
    assert "only is not identified without 2" in repr(found)
    expected = sp.fit("y ~ z | year", data[data["industry"] != 2], cluster="industry")
    row = found.of("z").set_index("without").loc[2]
    assert row["estimate"] == pytest.approx(expected.params["z"])
    assert row["std_error"] == pytest.approx(expected.std_errors["z"])


def test_summary_and_names():
    world = sp.simulate.panel(backward=0.3, rng=1, industries=8, firms_per_industry=12)
    panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    fit = sp.fit("tfp ~ backward | firm + year", panel, cluster="industry^year")
    found = sp.inference.leave_one_out(fit)
    rows, summary = found.of("backward"), found.summary().loc["backward"]
    assert rows["estimate"].is_monotonic_increasing
    assert summary["without_lowest"] == rows["label"].iloc[0]
    assert summary["highest"] == rows["estimate"].iloc[-1]
    assert rows["label"].str.len().min() > 3  # the industry is named
    assert "Synthetic data" in repr(found)
    assert "<table" in found._repr_html_()


def test_bad_input():
    fit = sp.fit("y ~ x | year", DATA, cluster="industry")
    with pytest.raises(SchemaError, match="no cluster"):
        sp.inference.leave_one_out(fit, "sector")
    with pytest.raises(SchemaError, match="level"):
        sp.inference.leave_one_out(fit, level=95)
    with pytest.raises(SchemaError, match="no term"):
        sp.inference.leave_one_out(fit).of("q")
    many = sp.fit("y ~ x", pd.concat([DATA] * 3, ignore_index=True), inference="hetero")
    with pytest.raises(SchemaError, match="groups"):
        sp.inference.leave_one_out(many, np.arange(3 * len(DATA)))

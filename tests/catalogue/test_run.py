"""Running a study: missing columns, substitutes, tables in the paper's unit, files."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.catalogue.run import in_sample
from spillover.cli import main

LEVELS = ["t5_all", "t5_domestic", "t5_all_lagged", "t5_domestic_lagged"]


@pytest.fixture(scope="module")
def world():
    return sp.simulate.panel(industries=12, firms_per_industry=30, backward=0.5, rng=4)


@pytest.fixture(scope="module")
def result(world):
    return sp.studies["javorcik2004"].run(world.firms, world.io, equations=LEVELS)


def test_the_fit_is_the_one_made_by_hand(world, result):
    """No short cut: the same definitions, formula and clusters through sp.linkages and sp.fit."""
    links = sp.linkages(world.firms, world.io)
    panel = sp.attach(world.firms, links)
    by_hand = sp.fit(
        "log(output) ~ backward + forward + horizontal + log(capital) + log(employment) "
        "+ log(materials) | industry + region + year",
        panel,
        sample="domestic",
        cluster="industry^year",
    )
    fit = result.fits["t5_domestic"]
    pd.testing.assert_series_equal(fit.params, by_hand.params)
    pd.testing.assert_frame_equal(fit.vcov, by_hand.vcov)


def test_the_paper_prints_per_percentage_point(result):
    fit = result.fits["t5_domestic"]
    models = result.models("Table 5, levels")
    table = models["(2) domestic firms"].tidy().set_index("term")
    assert table.loc["backward", "estimate"] == pytest.approx(fit.params["backward"] / 100)
    assert table.loc["backward", "std_error"] == pytest.approx(fit.std_errors["backward"] / 100)
    assert table.loc["log(capital)", "estimate"] == fit.params["log(capital)"]
    printed = models["(2) published"].tidy().set_index("term")
    assert printed.loc["backward", "estimate"] == 0.0086
    assert printed.loc["backward", "std_error"] == pytest.approx(0.0051)
    shares = result.models("Table 5, levels", units="share")
    assert shares["(2) published"].tidy().set_index("term").loc["backward", "estimate"] == (
        pytest.approx(0.86)
    )


def test_the_table_has_the_published_numbers_beside(result):
    text = result.table().to_text()
    assert "(2) published" in text
    assert "0.0105**" in text  # Table 5, all firms, Backward
    assert "11,630" in text
    assert "Foreign presence per percentage point." in text
    assert "published" in result.table(units="share").to_html()
    with pytest.raises(sp.SchemaError, match="table="):
        result.table("Table 99")
    with pytest.raises(sp.SchemaError, match="units="):
        result.table(units="percent")


def test_all_missing_columns_are_named_at_once_with_their_meaning(world):
    poor = world.firms.drop(columns=["capital", "exports", "region"])
    with pytest.raises(sp.SchemaError) as caught:
        sp.studies["javorcik2004"].run(poor, world.io, equations=["t5_domestic"])
    text = str(caught.value)
    assert "3 column(s)" in text
    for meaning in ("capital: capital stock", "exports: exports, part of output", "region:"):
        assert meaning in text


def test_a_table_is_asked_for_where_measures_go_across_industries(world):
    with pytest.raises(sp.SchemaError, match="needs an input-output table"):
        sp.studies["javorcik2004"].run(world.firms, equations=["t5_domestic"])
    without = sp.studies["aitken_harrison_1999"].run(world.firms, equations=["domestic"])
    table = sp.studies["aitken_harrison_1999"].run(world.firms, world.io, equations=["domestic"])
    pd.testing.assert_series_equal(without.fits["domestic"].params, table.fits["domestic"].params)


def test_what_stands_in_and_what_is_left_out_is_said(world):
    result = sp.studies["aitken_harrison_1999"].run(world.firms, world.io, equations=["domestic"])
    assert "skilled is taken from employment." in result.notes
    assert "real_output is taken from output." in result.notes
    assert any("unskilled" in note and "Left out" in note for note in result.notes)
    assert "log(unskilled)" not in result.fits["domestic"].params.index


def test_an_equation_that_cannot_be_fitted_is_named_and_the_rest_stands(world):
    study = sp.studies["blalock_gertler_2008"]
    result = study.run(world.firms, world.io, equations=["t6_1", "t8_food"])
    assert list(result.fits) == ["t6_1"]
    assert "needs food" in result.failed["t8_food"]
    assert "t8_food was not fitted" in repr(result)
    with pytest.raises(sp.SchemaError, match="no equation could be fitted"):
        study.run(world.firms, world.io, equations=["t8_food"])


def test_warnings_are_kept_as_notes(world):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = sp.studies["javorcik2004"].run(
            world.firms, world.io, equations=["t5_domestic_lagged"]
        )
    assert any("lack a linkage measure" in note for note in result.notes)


def test_tfp_is_estimated_by_the_studys_method_if_absent(world):
    firms = world.firms.drop(columns="tfp")
    result = sp.studies["kinuthia_2016"].run(firms, world.io, equations=["malaysia"])
    assert any("tfp was estimated" in note for note in result.notes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SpilloverWarning)  # local optima, listed in .starts
        by_hand = sp.productivity(
            firms, method="lp", output="output", free=("employment",), proxy="materials"
        )
    links = sp.linkages(
        firms, world.io, sp.LinkageDefinition(threshold=0.1), controls=["herfindahl"]
    )
    panel = sp.attach(firms, links).assign(tfp=by_hand.tfp)
    fit = sp.fit(
        "tfp ~ horizontal + backward + herfindahl | firm + year",
        panel,
        sample="domestic",
        cluster="industry^year",
    )
    pd.testing.assert_series_equal(result.fits["malaysia"].params, fit.params)


@pytest.mark.parametrize("kind", ["polars", "FirmPanel"])
def test_other_frames_give_the_same(world, result, kind):
    if kind == "polars":
        panel = pytest.importorskip("polars").from_pandas(world.firms)
    else:
        panel = sp.read_firms(world.firms)
    other = sp.studies["javorcik2004"].run(panel, world.io, equations=["t5_domestic"])
    np.testing.assert_allclose(
        other.fits["t5_domestic"].params, result.fits["t5_domestic"].params, rtol=1e-9
    )


def test_the_users_frame_is_left_alone(world):
    before = world.firms.copy(deep=True)
    sp.studies["javorcik2004"].run(world.firms, world.io, equations=["t5_domestic"])
    pd.testing.assert_frame_equal(world.firms, before)


def test_samples_by_column():
    frame = pd.DataFrame({"foreign_share": [0.0, 0.0, 0.9], "small": [1.0, np.nan, 1.0]})
    assert in_sample(frame, "all").tolist() == [True, True, True]
    assert in_sample(frame, "small").tolist() == [True, False, True]
    assert in_sample(frame, "domestic and small").tolist() == [True, False, False]
    assert in_sample(frame, "foreign").tolist() == [False, False, True]


def test_equations_are_checked(world):
    study = sp.studies["javorcik2004"]
    with pytest.raises(sp.SchemaError, match="Did you mean 't5_all'"):
        study.run(world.firms, world.io, equations=["t5_al"])
    with pytest.raises(sp.SchemaError, match="list of names"):
        study.run(world.firms, world.io, equations="t5_all")


def test_files_are_written(result, tmp_path):
    written = result.save(tmp_path / "out")
    assert {path.suffix for path in written} == {".txt", ".html", ".tex", ".png", ".pdf"}
    assert all(path.stat().st_size > 500 for path in written)


def test_reproduce_on_the_command_line(tmp_path, capsys):
    out = tmp_path / "replica"
    assert main(["reproduce", "kinuthia2016", "--out", str(out), "--seed", "3"]) == 0
    names = {path.name for path in out.iterdir()}
    assert {f"kinuthia_2016-malaysia{end}" for end in (".txt", ".html", ".tex", ".png")} <= names
    said = capsys.readouterr().out
    assert "SYNTHETIC replica of Kinuthia (2016)" in said
    assert "Synthetic data." in (out / "kinuthia_2016-malaysia.txt").read_text(encoding="utf-8")
    assert main(["reproduce", "list"]) == 0
    assert "javorcik_2004" in capsys.readouterr().out
    assert main(["reproduce", "nobody1900"]) == 2
    assert "There is no study" in capsys.readouterr().err


def test_reproduce_on_ones_own_data(tmp_path, capsys):
    columns = str(sp.datasets.path("demo/map.toml"))
    arguments = ["reproduce", "kinuthia_2016", "--columns", columns, "--out", str(tmp_path)]
    assert main(arguments) == 0
    assert "Malaysia" in capsys.readouterr().out


def test_a_country_study_runs_on_the_real_panel(shared):
    """Büthe & Milner (2008) on public data: 114 countries; the published numbers are not known."""
    path = shared / "country_year" / "fdi_panel_1986_2014.csv"
    if not path.is_file():
        pytest.skip("the country panel is not here")
    names = {
        "fdiGDP": "fdi_gdp",
        "gdpCap": "gdp_per_capita",
        "gdpGr": "growth",
        "tradeGDP": "trade",
        "polity2": "democracy",
    }
    raw = pd.read_csv(path)
    panel = raw.rename(columns=names)
    panel["country"] = panel.filter(regex="^(country|ccode|iso3c?)$").iloc[:, 0]
    panel["wto"] = (panel["gatt_wto_member"] == 1).astype(float)
    result = sp.studies["buthe_milner_2008"].run(panel)
    assert result.failed == {}
    assert not result.synthetic
    assert any("pta" in note for note in result.notes)
    assert result.fits["two_way"].nobs > 1500


def test_a_firm_study_runs_on_the_real_panel(shared):
    """Aitken & Harrison (1999) on Ghanaian manufacturers; no table is needed for Horizontal."""
    found = sorted((shared / "firms_ghana_rped").glob("ghana_firms.csv"))
    if not found:
        pytest.skip("the Ghanaian panel is not here")
    raw = pd.read_csv(found[0])
    panel = raw.drop(columns=["output"], errors="ignore").rename(
        columns={
            "routput": "output",
            "rcapn": "capital",
            "rmata": "materials",
            "worker": "employment",
            "secname": "industry",
            "foreign": "foreign_share",
            "exports": "export_flag",
        }
    )
    panel = panel.dropna(subset=["industry", "foreign_share", "output", "employment"])
    result = sp.studies["aitken_harrison_1999"].run(panel, equations=["domestic", "within"])
    assert "domestic" in result.fits
    assert result.fits["domestic"].nobs > 500
    assert not result.synthetic


@pytest.mark.filterwarnings("ignore::spillover.errors.SpilloverWarning")
def test_a_substitute_may_be_estimated_first(world):
    """Two measures of productivity fall back on one that the study estimates itself."""
    study = sp.studies["javorcik_spatareanu_2008"]
    panel = world.firms.drop(columns="tfp")
    assert not {"tfp", "tfp_ols", "tfp_translog"} & set(panel)
    result = study.run(panel, world.io)
    assert any("estimated" in note for note in result.notes)
    assert any("tfp_ols is taken from tfp" in note for note in result.notes)

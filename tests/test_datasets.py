"""The files that come with the package: complete, documented, reproducible."""

from __future__ import annotations

import importlib.util
import re
import warnings

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.errors import SchemaError

MEASURES = ["horizontal", "backward", "forward"]


@pytest.fixture(scope="module")
def firms():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return sp.datasets.demo_firms()


@pytest.fixture(scope="module")
def io():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return sp.datasets.demo_io()


@pytest.fixture(scope="module")
def recipe():
    place = sp.datasets.path("demo/firms.csv").parents[1] / "make_demo.py"
    spec = importlib.util.spec_from_file_location("make_demo", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_list_and_path_agree():
    listed = sp.datasets.list()
    assert listed.columns.tolist() == ["name", "kilobytes"]
    for name in listed["name"]:
        assert sp.datasets.path(name).is_file()
    demo = listed[listed["name"].str.startswith("demo/")]
    assert demo["kilobytes"].sum() < 800


def test_unknown_file_gets_a_hint():
    with pytest.raises(SchemaError, match=r"'demo/firm.csv'.*mean 'demo/firms.csv'"):
        sp.datasets.path("demo/firm.csv")


def test_demo_panel_is_canonical(firms, io):
    data = firms.to_pandas()
    assert firms.report.rows == 5999
    assert firms.report.firms == 867
    assert firms.report.years == (2005, 2014)
    assert set(data["industry"]) == set(io.sectors) == set(io.labels)
    shares = data["foreign_share"]
    assert (shares.eq(0) | shares.between(0.1, 1.0)).all()
    assert (data["exports"] <= data["output"]).all()
    assert (data["value_added"] > 0).all()
    assert (data["value_added"] == data["output"] - data["materials"]).all()
    assert data.drop(columns="origin").notna().all().all()


def test_demo_table_balances_and_says_synthetic(io):
    rows = io.domestic.sum(axis=1) + io.final_demand + io.exports
    np.testing.assert_allclose(rows, io.output, rtol=0, atol=1e-6)
    assert (io.output > io.total.sum(axis=0)).all()
    assert "SYNTHETIC" in io.source


def test_recipe_writes_the_same_files(recipe, tmp_path):
    recipe.write(tmp_path)
    shipped = sp.datasets.path("demo/firms.csv").parent
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in shipped.iterdir())
    for name in ("map.toml", "truth.json"):
        assert (tmp_path / name).read_bytes() == (shipped / name).read_bytes()
    for name in ("firms.csv", "io.csv", "io_imported.csv"):
        new, old = pd.read_csv(tmp_path / name), pd.read_csv(shipped / name)
        # one unit in the last rounded digit: mathematical libraries differ in the last bit
        numbers = new.select_dtypes("number").columns
        pd.testing.assert_frame_equal(
            new.drop(columns=numbers), old.drop(columns=numbers), check_exact=True
        )
        np.testing.assert_allclose(new[numbers], old[numbers], rtol=0, atol=1.01)
        assert (new[numbers] != old[numbers]).to_numpy().mean() < 1e-3


def test_truth_is_the_recipe(recipe):
    truth = sp.datasets.demo_truth()
    assert truth["synthetic"] is True
    assert truth["seed"] == recipe.SEED
    for name in MEASURES:
        assert truth[name] == recipe.SETTINGS[name]
    assert truth["settings"]["years"] == list(recipe.SETTINGS["years"])


def test_rounding_does_not_move_presence(recipe, firms, io):
    exact = recipe.demo_simulation().links
    links = sp.linkages(firms, io).data
    merged = exact.merge(links, on=["industry", "year"], suffixes=("", "_file"))
    assert len(merged) == 240
    for name in MEASURES:
        np.testing.assert_allclose(merged[name], merged[f"{name}_file"], rtol=0, atol=1e-4)


def test_a_regression_finds_the_truth(firms, io):
    panel = firms.join_linkages(sp.linkages(firms, io))
    fit = sp.fit(
        "tfp ~ horizontal + backward + forward | firm + year + region^year",
        panel,
        sample="domestic",
        cluster="industry^year",
    )
    interval = fit.confint(level=0.95)
    truth = sp.datasets.demo_truth()
    for name in MEASURES:
        low, high = interval.loc[name]
        assert low < truth[name] < high
    assert fit.tstats["backward"] > 4
    assert abs(fit.params["horizontal"]) < 0.05


def test_every_column_is_in_the_dictionary():
    readme = (sp.datasets.path("demo/firms.csv").parents[1] / "README.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `([^`]+)`", readme, flags=re.MULTILINE))
    columns = pd.read_csv(sp.datasets.path("demo/firms.csv"), nrows=1).columns
    assert set(columns) <= documented
    assert {"sector", "final_demand", "exports", "output"} <= documented
    files = [name for name in sp.datasets.list()["name"] if name.startswith("demo/")]
    assert all(f"`{name}`" in readme for name in files)

"""Many specifications at once give the numbers of one at a time, and share what is the same."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pyfixest as pf
import pytest

import spillover as sp
from spillover.errors import IdentificationError, SchemaError, SpilloverWarning
from spillover.panel import workshop
from spillover.panel.absorb import Absorber

FEW = pytest.mark.filterwarnings("ignore:Only .* clusters:spillover.errors.SpilloverWarning")


@pytest.fixture
def counted(monkeypatch):
    """Count the factors of effects, and the columns that were absorbed."""
    counts = {"factors": 0, "columns": 0}
    build, residualise = Absorber.from_codes.__func__, Absorber.residualise

    def from_codes(cls, codes, weights=None):
        counts["factors"] += 1
        return build(cls, codes, weights)

    def absorb(self, columns):
        counts["columns"] += columns.shape[1]
        return residualise(self, columns)

    monkeypatch.setattr(workshop.Absorber, "from_codes", classmethod(from_codes))
    monkeypatch.setattr(workshop.Absorber, "residualise", absorb)
    return counts


def same(one, two):
    """Everything that a result says."""
    assert list(one.params.index) == list(two.params.index)
    np.testing.assert_allclose(one.params, two.params, rtol=1e-12)
    scale = np.sqrt(np.outer(np.diagonal(two.vcov), np.diagonal(two.vcov)))
    assert np.abs((one.vcov - two.vcov).to_numpy() / scale).max() < 1e-12
    for name in ("formula", "outcome", "nobs", "df_resid", "df_absorbed", "sample", "estimator"):
        assert getattr(one, name) == getattr(two, name)
    assert dict(one.levels) == dict(two.levels)
    assert dict(one.dropped) == dict(two.dropped)
    assert one.inference == two.inference
    assert one.transform == two.transform
    assert one.remarks == two.remarks
    np.testing.assert_allclose(
        [one.r2, one.r2_within, one.rmse], [two.r2, two.r2_within, two.rmse], rtol=1e-12, atol=1e-14
    )
    np.testing.assert_array_equal(one.used, two.used)


FORMULAS = [
    "y ~ x + z | firm + year",
    "y ~ x | firm + year",
    "y ~ x + grouped | firm + year",
    "y ~ z + x | firm + industry^year",
    "x ~ z | firm + year",
    "log(w) ~ x + I(z**2) | firm + year",
    "y ~ x + C(size) | firm",
    "y ~ x:C(size) | year",
    "y ~ x + z",
    "y ~ lag(x) + z | firm + year",
    "y ~ z | firm + year | x ~ q + grouped",
    "y ~ 1 | firm | x ~ q",
]
OPTIONS = {
    "auto": {},
    "hetero": {"inference": "hetero"},
    "iid, weighted": {"inference": "iid", "weights": "w"},
    "two-way": {"cluster": ["firm", "industry^year"]},
    "clustered, weighted": {"cluster": "industry", "weights": "w"},
    "singletons kept": {"singletons": "keep"},
    "not lean": {"lean": False},
}
SAMPLES = {"all": "all", "domestic": "domestic", "late": lambda f: f["year"] > 2002}


@pytest.fixture(scope="module")
def holes(panel):
    """Different columns miss different rows."""
    rng = np.random.default_rng(2)
    frame = panel.assign(q=panel["x"] + rng.normal(size=len(panel)))
    for j, name in enumerate(["z", "grouped", "q"]):
        frame.loc[rng.choice(len(frame), 5 + j, replace=False), name] = np.nan
    frame.loc[[3, 50], "region"] = np.nan
    return frame


@FEW
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_equals_a_loop(holes, options):
    fits = sp.fit_many(FORMULAS, holes, samples=SAMPLES, **options)
    assert len(fits) == len(FORMULAS) * len(SAMPLES)
    lean = options.get("lean", True)
    for formula in FORMULAS:
        for label, sample in SAMPLES.items():
            one = fits[f"{formula}, {label}"]
            two = sp.fit(formula, holes, sample=sample, **options)
            same(one, two)
            if one.first_stage is not None:
                np.testing.assert_allclose(one.first_stage.table, two.first_stage.table, rtol=1e-9)
            assert (one.residuals is None) == lean
            if not lean:
                np.testing.assert_allclose(one.residuals, two.residuals, atol=1e-12)
                np.testing.assert_allclose(one.estimated.X, two.estimated.X, atol=1e-12)
                np.testing.assert_array_equal(one.estimated.design.X, two.estimated.design.X)
                assert one.estimated.frame_keys.firm.codes.max() >= 1


@FEW
@pytest.mark.parametrize(
    "options",
    [{"transform": "first_difference"}, {"transform": "long_difference", "length": 3}],
)
def test_differences(holes, options):
    formulas = ["y ~ x + z | year", "y ~ x", "y ~ z | year | x ~ q", "y ~ x:z | industry^year"]
    fits = sp.fit_many(formulas, holes, samples=SAMPLES, **options)
    for formula in formulas:
        for label, sample in SAMPLES.items():
            two = sp.fit(formula, holes, sample=sample, **options)
            same(fits[f"{formula}, {label}"], two)


@FEW
@pytest.mark.parametrize("method", ["iv", "liml", "gmm"])
def test_estimators(holes, method):
    formulas = ["y ~ z | firm | x ~ q + grouped", "y ~ 1 | year | x ~ q + grouped + z"]
    fits = sp.fit_many(formulas, holes, estimator=method)
    for formula in formulas:
        two = sp.fit(formula, holes, estimator=method)
        same(fits[formula], two)
        assert fits[formula].overidentification.statistic == pytest.approx(
            two.overidentification.statistic, rel=1e-9
        )


@FEW
def test_equal_rows_are_shared_and_others_are_not(panel, counted):
    """Six specifications on one set of rows need one factor, and each column once."""
    frame = panel.assign(v=panel["x"] ** 2, u=panel["z"] ** 3)
    formulas = [f"y ~ {a} + {b} | firm + year" for a, b in combinations(["x", "z", "v", "u"], 2)]
    sp.fit_many(formulas, frame, cluster="industry^year")
    assert counted == {"factors": 1, "columns": 5}
    frame.loc[7, "u"] = np.nan
    counted.update(factors=0, columns=0)
    fits = sp.fit_many(formulas, frame, cluster="industry^year")
    assert counted == {"factors": 2, "columns": 4 + 5}
    assert {fits[f].nobs for f in formulas} == {fits[formulas[0]].nobs, fits[formulas[-1]].nobs}
    assert fits[formulas[0]].used is fits[formulas[1]].used


@FEW
def test_as_many_rows_are_not_the_same_rows(panel):
    """Each regressor lacks one row, but another one."""
    frame = panel.copy()
    frame.loc[10, "x"] = np.nan
    frame.loc[11, "z"] = np.nan
    fits = sp.fit_many(["y ~ x | year", "y ~ z | year"], frame)
    assert fits["y ~ x | year"].nobs == fits["y ~ z | year"].nobs == len(frame) - 1
    assert not fits["y ~ x | year"].used[10]
    assert fits["y ~ z | year"].used[10]
    for formula, one in fits.items():
        same(one, sp.fit(formula, frame))


@FEW
def test_auto_clusters_are_chosen_for_each(panel):
    """A row without industry is lost only where the industry-year is the cluster."""
    frame = panel.astype({"industry": object})
    frame.loc[[2, 9], "industry"] = None
    formulas = ["y ~ x | firm", "y ~ x + grouped | firm"]
    fits = sp.fit_many(formulas, frame)
    assert fits[formulas[0]].inference.levels == ("firm",)
    assert fits[formulas[1]].inference.levels == ("industry^year",)
    for formula in formulas:
        same(fits[formula], sp.fit(formula, frame))


def test_pyfixest(panel):
    formulas = {name: f"y ~ {name} | firm + year" for name in ("x", "z", "x + z")}
    fits = sp.fit_many(formulas, panel, inference="iid")
    for name, formula in formulas.items():
        theirs = pf.feols(
            formula,
            panel,
            vcov="iid",
            fixef_rm="singleton",
            demeaner=pf.LsmrDemeaner(fixef_atol=1e-13, fixef_btol=1e-13),
        )
        np.testing.assert_allclose(fits[name].params, theirs.coef(), rtol=1e-9)
        np.testing.assert_allclose(fits[name].std_errors, theirs.se(), rtol=1e-9)


@FEW
@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_kind_of_frame(holes, kind):
    library = pytest.importorskip(kind)
    other = library.from_pandas(holes) if kind == "polars" else library.Table.from_pandas(holes)
    one, two = sp.fit_many(FORMULAS[:4], holes), sp.fit_many(FORMULAS[:4], other)
    for name in one:
        np.testing.assert_allclose(one[name].params, two[name].params, rtol=1e-12)


# --- the mapping ---------------------------------------------------------------------------------


@FEW
def test_names_and_tables(panel):
    fits = sp.fit_many(
        {"short": "y ~ x | firm", "long": "y ~ x + z | firm"},
        panel,
        samples={"all": "all", "home": "domestic"},
    )
    assert list(fits) == ["short, all", "short, home", "long, all", "long, home"]
    tidy = fits.tidy(0.9)
    assert list(tidy.columns[:2]) == ["model", "term"]
    assert len(tidy) == 6
    pd.testing.assert_frame_equal(
        tidy[tidy["model"] == "long, home"].drop(columns="model").reset_index(drop=True),
        fits["long, home"].tidy(0.9),
    )
    assert list(fits.glance()["model"]) == list(fits)
    assert "4 fits" in repr(fits)
    assert "<table" in fits._repr_html_()
    assert "short, home" in str(sp.tables.regression(fits))
    figure = sp.plot.coefficients(fits)
    assert figure is not None


@FEW
def test_names_without_several_samples(panel):
    assert list(sp.fit_many(["y ~ x | firm"], panel, samples="domestic")) == ["y ~ x | firm"]
    assert list(sp.fit_many({"a": "y ~ x"}, panel, samples={"one": "all"})) == ["a"]


@pytest.mark.parametrize(
    ("formulas", "options", "match"),
    [
        ("y ~ x", {}, "must be a list of formulas"),
        ([], {}, "at least one formula"),
        (["y ~ x"], {"samples": {}}, "at least one formula and one sample"),
        (["y ~ x", "y ~ x"], {}, "more than once"),
        ({1: "y ~ x"}, {}, "must be text"),
        (["y ~ xx"], {}, "no column 'xx'"),
        (["y ~ x"], {"samples": {"home": "home"}}, "sample='home' is not an option"),
        (["y ~ x"], {"estimator": "liml"}, "y ~ x: estimator='liml', but the formula has no"),
    ],
)
def test_bad_input(panel, formulas, options, match):
    with pytest.raises(SchemaError, match=match):
        sp.fit_many(formulas, panel, inference="iid", **options)


def test_errors_name_the_specification(panel):
    frame = panel.assign(fixed=panel["firm"] * 1.0)
    formulas = {"good": "y ~ x | firm", "bad": "y ~ fixed | firm"}
    with pytest.raises(IdentificationError, match=r"^bad: fixed does not vary within 'firm'"):
        sp.fit_many(formulas, frame, inference="iid")
    with pytest.raises(IdentificationError, match=r"^both: 'x', 'twice' are perfectly collinear"):
        sp.fit_many(
            {"both": "y ~ x + twice | firm"}, panel.assign(twice=2 * panel["x"]), inference="iid"
        )


def test_warns_once_for_all(panel):
    frame = panel.assign(k=np.where(panel.index == 5, 0.0, panel["w"]))
    with pytest.warns(SpilloverWarning) as caught:
        sp.fit_many(["y ~ log(k)", "y ~ x", "x ~ log(k)"], frame, cluster="region")
    assert len(caught) == 2
    assert {w.filename for w in caught} == {__file__}
    assert "Only 5 clusters of region" in str(caught[0].message)
    assert "log(k) (1 rows)" in str(caught[1].message)

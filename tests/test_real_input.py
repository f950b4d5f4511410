"""Real data, end to end; every expected value is computed here, from the raw files.

Skipped where the data are absent: they may not be passed on.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
MEASURES = ["horizontal", "backward", "forward"]
GHANA_ROWS, CHILE_ROWS = 1857, 42214  # of the files, by their documentation


@pytest.fixture(scope="module")
def script():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location(
        "real_input", ROOT / "notebooks" / "real_input.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["real_input"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["real_input"]


@pytest.fixture(scope="module")
def sectors():
    """ISIC Rev. 2 -> WIOD by longest prefix, from the file, without the package."""
    path = ROOT / "data" / "concordances" / "isic2_wiod2013.csv"
    entries = pd.read_csv(path, dtype=str).set_index("source")["target"].to_dict()

    def target(code):
        text = str(int(code))
        return next((entries[text[:n]] for n in (4, 3, 2) if text[:n] in entries), None)

    return target


@pytest.fixture(scope="module")
def ghana(script, shared, sectors, tmp_path_factory):
    raw = pd.read_csv(shared / "firms_ghana_rped" / "ghana_firms.csv")
    raw = raw.assign(industry=[None if np.isnan(c) else sectors(c) for c in raw["sec"]])
    log, out = script.Log(), tmp_path_factory.mktemp("ghana")
    case = script.ghana(shared, log)
    script.present(case, out, log)
    return SimpleNamespace(raw=raw, case=case, log=log, out=out)


@pytest.fixture(scope="module")
def chile(script, shared, sectors):
    raw = pd.read_parquet(shared / "firms_chile_enia" / "enia_1986_1994.parquet")
    codes = {code: sectors(code) for code in raw["isic4"].unique()}
    output = raw["gross_output"].where(raw["gross_output"] >= 0)
    raw = raw.assign(
        industry=raw["isic4"].map(codes),
        output=output,
        licence=(raw["foreign_licence_fees"] > 0).astype(float),
    )
    log = script.Log()
    return SimpleNamespace(raw=raw, case=script.chile(shared, log), log=log)


def without_singletons(frame, columns):
    """Drop rows alone in a level of any column until none is left."""
    while True:
        alone = np.zeros(len(frame), dtype=bool)
        for column in columns:
            alone |= (frame.groupby(column)[column].transform("size") == 1).to_numpy()
        if not alone.any():
            return frame
        frame = frame[~alone]


def direct_horizontal(frame, share, output):
    """Horizontal by industry and year, from rows with owner, output and industry known."""
    known = frame.dropna(subset=[share, output, "industry"])
    cells = known.assign(top=known[share] * known[output]).groupby(["industry", "year"])
    return cells["top"].sum() / cells[output].sum()


def total_flows(shared, country, year):
    """Total intermediate flows of one country: a frame, suppliers in rows."""
    raw = pd.read_parquet(shared / "io_wiod2013" / "wiod2013_national.parquet")
    raw = raw[(raw["country"] == country) & (raw["year"] == year)]
    columns = [c for c in raw.columns if c[0] == "c" and c[1:].isdigit()]
    return raw.astype(dict.fromkeys(columns, float)).groupby("row")[columns].sum().loc[columns]


def ghana_sample(raw):
    domestic = raw["foreign"] < 0.1
    usable = raw["industry"].notna() & (raw["rmata"] > 0)
    return without_singletons(raw[domestic & usable], ["firm", "year"])


# ---- Ghana -------------------------------------------------------------------------------------


def test_ghana_accounts_for_every_row(ghana):
    report = ghana.case.panel.report
    missing = int(ghana.raw["industry"].isna().sum())
    assert ghana.case.raw_rows == len(ghana.raw) == GHANA_ROWS
    assert sum(report.dropped.values()) == missing == 253
    assert report.rows == len(ghana.case.panel.to_pandas()) == GHANA_ROWS - missing
    assert report.missing["foreign_share"] == 213


def test_ghana_coverage_counts_the_rows_without_a_code(ghana):
    matched = ghana.raw.loc[ghana.raw["industry"].notna(), "routput"].sum()
    assert ghana.case.matched_share == pytest.approx(matched / ghana.raw["routput"].sum())
    assert any("86.4%" in line and "<missing>" in line for line in ghana.log.lines)


def test_ghana_exports_are_a_flag_and_are_not_netted(ghana):
    assert set(ghana.raw["exports"].dropna()) == {0, 1}
    assert not ghana.case.links.definition.nets_exports


def test_ghana_horizontal_equals_a_direct_computation(ghana):
    expected = direct_horizontal(ghana.raw, "foreign", "routput")
    found = ghana.case.links.data.set_index(["industry", "year"])["horizontal"].dropna()
    pd.testing.assert_series_equal(
        found.sort_index(), expected.sort_index(), check_names=False, rtol=1e-12
    )


def test_ghana_backward_and_forward_equal_a_direct_computation(ghana, shared):
    Z = total_flows(shared, ghana.case.table.country, 1995).to_numpy()
    names = [f"c{i}" for i in range(1, 36)]
    horizontal = direct_horizontal(ghana.raw, "foreign", "routput")
    presence = np.array([horizontal.get((name, 1995), 0.0) for name in names])
    j = names.index("c6")
    others = np.arange(35) != j
    row = ghana.case.links.data.query("industry == 'c6' and year == 1995").iloc[0]
    backward = (Z[j] / Z[j].sum() * presence)[others].sum()
    forward = (Z[:, j] / Z[:, j].sum() * presence)[others].sum()
    assert row["backward"] == pytest.approx(backward, rel=1e-12)
    assert row["forward"] == pytest.approx(forward, rel=1e-12)


def test_ghana_regression_equals_least_squares_with_dummies(ghana):
    used = ghana_sample(ghana.raw)
    fit = ghana.case.fits["Main"]
    assert fit.nobs == len(used)
    links = ghana.case.links.data[["industry", "year", *MEASURES]]
    rows = used.merge(links, on=["industry", "year"], validate="m:1")
    X = np.column_stack(
        [
            *(np.log(rows[name]) for name in ("rcapn", "worker", "rmata")),
            *(rows[name] for name in MEASURES),
            pd.get_dummies(rows["firm"], dtype=float),
            pd.get_dummies(rows["year"], dtype=float),
        ]
    )
    beta, *_ = np.linalg.lstsq(X, np.log(rows["routput"].to_numpy()), rcond=None)
    np.testing.assert_allclose(fit.params.to_numpy(), beta[:6], rtol=1e-7)
    assert fit.inference.n_clusters == (len(rows.drop_duplicates(["industry", "year"])),)


def test_ghana_output_is_tables_and_figures_of_aggregates(ghana):
    n = f"{len(ghana_sample(ghana.raw)):,}"
    names = {file.name for file in ghana.out.iterdir()}
    assert names == {
        *(f"ghana_table.{suffix}" for suffix in ("html", "tex", "txt")),
        *(f"ghana_{kind}.png" for kind in ("coefficients", "linkages", "io_table")),
    }
    for suffix in ("html", "tex", "txt"):
        text = (ghana.out / f"ghana_table.{suffix}").read_text(encoding="utf-8")
        assert n in text.replace("{,}", ",")
        assert "STAND-IN for Ghana" in " ".join(text.split())


def test_few_clusters_become_a_note(ghana):
    assert any("note (By industry): Only 6 clusters" in line for line in ghana.log.lines)


# ---- Chile -------------------------------------------------------------------------------------


def test_chile_accounts_for_every_row(chile):
    assert chile.case.raw_rows == len(chile.raw) == CHILE_ROWS
    assert len(chile.case.panel) == CHILE_ROWS
    assert not chile.case.panel.report.dropped
    assert chile.raw["industry"].notna().all()
    assert chile.case.matched_share == pytest.approx(1.0)


def test_chile_horizontal_equals_a_direct_computation(chile):
    expected = direct_horizontal(chile.raw, "licence", "output")
    found = chile.case.links.data.set_index(["industry", "year"])["horizontal"].dropna()
    pd.testing.assert_series_equal(
        found.sort_index(), expected.sort_index(), check_names=False, rtol=1e-12
    )
    assert len(found) == 14 * 9


@pytest.mark.parametrize(
    ("name", "choose"),
    [
        ("Main", lambda raw: raw["licence"].eq(0)),
        ("Never licensed", lambda raw: raw.groupby("plant")["licence"].transform("max").eq(0)),
        ("Net, 1990-94", lambda raw: raw["licence"].eq(0) & raw["year"].ge(1990)),
        (
            "With capital",
            lambda raw: raw["licence"].eq(0) & raw["year"].ge(1990) & raw["real_capital"].gt(0),
        ),
    ],
)
def test_chile_observations(chile, name, choose):
    raw = chile.raw
    usable = raw["output"].gt(0) & raw["materials"].gt(0) & raw["L"].gt(0)
    used = without_singletons(raw[choose(raw) & usable], ["plant", "year"])
    assert chile.case.fits[name].nobs == len(used)


def test_chile_is_labelled_a_proxy(chile, script):
    labels = script.labels_for(chile.case)
    assert all("proxy" in labels[name] for name in MEASURES)
    assert "PROXY" in script.WHERE["chile"]["presence"]


# ---- both --------------------------------------------------------------------------------------


@pytest.fixture(params=["ghana", "chile"])
def either(request):
    return request.getfixturevalue(request.param)


def test_measures_are_shares(either):
    data = either.case.links.data
    for name in [*MEASURES, "backward_weight", "forward_weight"]:
        assert data[name].dropna().between(0, 1 + 1e-12).all()
    for side in ("backward", "forward"):
        assert (data[side] <= data[f"{side}_weight"] + 1e-12).all()


def test_regressions_account_for_every_row_and_have_standard_errors(either):
    late = int(either.raw["year"].ge(1990).sum())
    sizes = {"Net, 1990-94": late, "With capital": late, "Named sectors": GHANA_ROWS}
    for name, fit in either.case.fits.items():
        total = sizes.get(name, len(either.case.panel))
        assert fit.nobs + sum(fit.dropped.values()) == total
        assert np.isfinite(fit.std_errors).all()
        assert (fit.std_errors > 0).all()
        assert set(MEASURES) <= set(fit.params.index)


def test_clustering_changes_standard_errors_only(either):
    fits = either.case.fits
    for name in ("By industry", "By firm"):
        pd.testing.assert_series_equal(fits[name].params, fits["Main"].params, rtol=1e-12)
        assert not np.allclose(fits[name].std_errors, fits["Main"].std_errors)


def test_the_stand_in_has_the_closest_value_added_structure(either, script, shared):
    un = pd.read_parquet(shared / "country_year" / "un_value_added_by_isic.parquet")
    un = un[un["prices"].eq("current_usd") & un["Year"].eq(2000)].set_index("Country or area")
    columns = [c for c in un.columns if "(ISIC" in c]
    assert len(columns) == 7

    def structure(country):
        value = un.loc[country, columns].to_numpy(dtype=float, copy=True)
        value[1] -= value[2]  # C-E less D
        return value / un.loc[country, "Total Value Added"]

    target = structure(either.case.name.capitalize())
    distance = {
        code: np.abs(structure(name) - target).sum() / 2
        for code, name in script.WIOD_COUNTRIES.items()
    }
    assert either.case.table.country == min(distance, key=distance.get)
    assert "STAND-IN" in either.case.table.source
    assert either.case.ranking["distance"].iloc[0] == pytest.approx(
        min(distance.values()), abs=2e-3
    )  # the UN's total differs a little from the sum of its groups


# ---- tables ------------------------------------------------------------------------------------


def test_wiod_tables_agree_with_the_world_table(script, shared, tmp_path):
    tables = script.tables(shared, tmp_path, script.Log())
    assert set(tables) == {("LTU", 1996), ("LTU", 2000), ("CZE", 2000), ("IDN", 2000)}
    folder = shared / "io_wiod2013"
    countries = (folder / "countries.txt").read_text(encoding="utf-8").split()
    for (country, year), io in tables.items():
        with np.load(folder / f"wiod2013_{year}.npz") as world:
            Z, x = world["Z"].astype(float), world["x"].astype(float)
        at = countries.index(country)
        own = slice(35 * at, 35 * at + 35)
        into = Z[:, own].reshape(len(countries), 35, 35)
        np.testing.assert_allclose(io.domestic, into[at], atol=0.5)
        np.testing.assert_allclose(io.total, into.sum(axis=0), atol=0.5)
        np.testing.assert_allclose(io.output, x[own], atol=0.5)
        uses = io.domestic.sum(axis=1) + io.final_demand + io.exports
        np.testing.assert_allclose(uses, io.output, atol=1e-6)
        assert (tmp_path / f"table_{country}_{year}.png").stat().st_size > 10_000


@pytest.mark.parametrize(("country", "billion"), [("CZE", 56.6), ("LTU", 11.4)])
def test_value_added_is_that_of_the_data_documentation(shared, script, country, billion):
    io = script.sp.read_io(script.national_tables(shared), country=country, year=2000)
    assert io.value_added().sum() / 1000 == pytest.approx(billion, abs=0.05)


def test_an_absent_folder_is_named(script, tmp_path, capsys):
    with pytest.raises(SystemExit):
        script.main(["--shared", str(tmp_path / "nowhere")])
    assert "nowhere" in capsys.readouterr().err

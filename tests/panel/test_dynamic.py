"""Difference and system GMM: logs of xtabond2 and xtabond, R's plm, and brute force."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spillover as sp
from spillover.panel import Gmm

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
PLM = json.loads((REFERENCE / "panel_dynamic.json").read_text(encoding="utf-8"))["fits"]
_SPEC = importlib.util.spec_from_file_location(
    "dense_system_gmm", REFERENCE.parent / "production" / "dense_system_gmm.py"
)
dense = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(dense)
few = pytest.mark.filterwarnings("ignore:Only .* clusters:spillover.errors.SpilloverWarning")


def lagged(name, *lags):
    return [name if lag == 0 else f"lag({name}, {lag})" for lag in lags]


def errors(fit):
    return fit.std_errors.to_numpy()


# --- xtabond2 -------------------------------------------------------------------------------------


@pytest.fixture
def abdata(shared):
    data = pd.read_csv(shared / "test_vectors" / "pydynpd_xtabond2" / "abdata.csv")
    return data.rename(columns={"id": "firm"})[["firm", "year", "n", "w", "k", "ys"]]


def test_xtabond2_difference(abdata):
    """Printed by: xtabond2 n L(1/2).n w k, gmm(n, lag(2 4)) gmm(w, lag(1 3)) iv(k) nolevel twostep
    robust. All digits of the log."""
    fit = sp.fit(
        "n ~ lag(n, 1) + lag(n, 2) + w + k",
        abdata,
        estimator="difference_gmm",
        settings=Gmm(predetermined=("w",), lags=(2, 4), collapse=False),
    )
    assert list(fit.params.index) == ["lag(n, 1)", "lag(n, 2)", "w", "k"]
    np.testing.assert_allclose(
        fit.params, [0.1700616, -0.0113381, -0.9510582, 0.4637223], atol=5.1e-8
    )
    np.testing.assert_allclose(
        errors(fit), [0.1046652, 0.0377205, 0.1277298, 0.0718328], atol=5.1e-8
    )
    details = fit.details
    assert (fit.nobs, details.groups, details.instruments) == (611, 140, 36)
    assert (round(details.hansen.statistic, 2), details.hansen.df) == (47.86, 32)
    assert round(details.hansen.p_value, 3) == 0.035
    assert (round(details.sargan.statistic, 2), details.sargan.df) == (91.61, 32)
    assert details.serial.round({"statistic": 2, "p_value": 3}).to_numpy().tolist() == [
        [1, -1.19, 0.235],
        [2, -0.81, 0.417],
    ]
    table = details.subsets.round(2).set_index("subset")
    columns = ["hansen_without", "df_without", "difference", "df"]
    assert table.loc["n, lags 2 to 4", columns].tolist() == [23.75, 15, 24.11, 17]
    assert table.loc["w, lags 1 to 3", columns].tolist() == [17.25, 14, 30.61, 18]
    assert table.loc["k", columns].tolist() == [38.33, 31, 9.53, 1]
    p_values = details.subsets[["p_without", "p_value"]].round(3).to_numpy()
    assert p_values.tolist() == [[0.069, 0.117], [0.243, 0.032], [0.171, 0.002]]


def test_system_of_two_other_programs(abdata):
    """The same in system GMM: seven digits of one program, of which another prints four."""
    fit = sp.fit(
        "n ~ lag(n, 1) + lag(n, 2) + w + k",
        abdata,
        estimator="system_gmm",
        settings=Gmm(predetermined=("w",), lags=(2, 4), collapse=False),
    )
    assert fit.params.index[0] == "Intercept"
    np.testing.assert_allclose(
        fit.params, [1.5630849, 0.9453810, -0.0860069, -0.4477795, 0.1235808], atol=5.1e-8
    )
    np.testing.assert_allclose(
        errors(fit), [0.4993484, 0.1429764, 0.1082318, 0.1521917, 0.0508836], atol=5.1e-8
    )
    details = fit.details
    assert (fit.nobs, details.instruments, details.hansen.df) == (751, 51, 46)
    assert round(details.hansen.statistic, 3) == 96.442
    assert details.serial["statistic"].round(2).tolist() == [-2.35, -1.15]


# --- Arellano & Bond (1991), table 4, as other programs print it ----------------------------------

FULL = lagged("n", 1, 2) + lagged("w", 0, 1) + lagged("k", 0, 1, 2) + lagged("ys", 0, 1, 2)
SHORT = lagged("n", 1, 2) + lagged("w", 0, 1) + ["k"] + lagged("ys", 0, 1)
ENDOGENOUS = lagged("n", 1) + lagged("w", 0, 1) + lagged("k", 0, 1)


def numbers(text):
    return np.array(text.split(), dtype=float)


# Roodman (2009, Stata Journal 9(1), section 3.3): xtabond2 n L.n L2.n w L.w L(0/2).(k ys) yr*,
# gmm(L.n) iv(w L.w L(0/2).(k ys) yr*) nolevel robust. By his footnote it matches the article's
# column a1; Stata's manual of xtabond, example 2, has the same digits and says the same.
A1 = (
    numbers(
        ".6862261 -.0853582 -.6078208 .3926237 .3568456 -.0580012 -.0199475 .6085073 -.7111651 "
        ".1057969"
    ),
    numbers(
        ".1445943 .0560155 .1782055 .1679931 .0590203 .0731797 .0327126 .1725313 .2317163 .1412021"
    ),
)
# The manual's example 4, "twostep vce(robust)", as others quote it: column a2 (its coefficients by
# Roodman's footnote), with Windmeijer's correction.
A2 = (
    numbers(
        ".6287089 -.0651882 -.5257597 .3112899 .2783619 .0140994 -.0402484 .5919243 -.5659863 "
        ".1005433"
    ),
    numbers(
        ".1934138 .0450501 .1546107 .2030006 .0728019 .0924575 .0432745 .1730916 .2611008 .1610987"
    ),
)


@pytest.mark.parametrize(("steps", "printed"), [(1, A1), (2, A2)], ids=["a1", "a2"])
def test_arellano_bond_table_4_columns_a(abdata, steps, printed):
    fit = sp.fit(
        f"n ~ {' + '.join(FULL)} | firm + year",
        abdata,
        estimator="difference_gmm",
        settings=Gmm(steps=steps, collapse=False),
    )
    np.testing.assert_allclose(fit.params, printed[0], atol=5.1e-8)
    np.testing.assert_allclose(errors(fit), printed[1], atol=5.1e-8)
    details = fit.details
    assert (fit.nobs, details.groups, details.instruments) == (611, 140, 41)
    assert (round(details.hansen.statistic, 2), details.hansen.df) == (31.38, 25)
    assert round(details.hansen.p_value, 3) == 0.177
    assert round(details.sargan.statistic, 2) == 67.59
    if steps == 1:
        assert details.serial["statistic"].round(2).tolist() == [-3.60, -0.52]
        # the manual's "estat sargan": its variance of the errors has degrees of freedom taken off
        assert round(details.sargan.statistic * (611 - 16) / 611, 4) == 65.8181


def test_roodman_2009_wages_and_capital_endogenous(abdata):
    """The next log: gmm(L.(n w k)) iv(L(0/2).ys yr*) nolevel robust small."""
    fit = sp.fit(
        f"n ~ {' + '.join(FULL)} | firm + year",
        abdata,
        estimator="difference_gmm",
        settings=Gmm(endogenous=("w", "k"), steps=1, collapse=False),
    )
    params = numbers(
        ".8179867 -.1122756 -.6816685 .6557083 .3525689 -.1536626 -.0304529 .6509498 -.9162028 "
        ".2786584"
    )
    np.testing.assert_allclose(fit.params, params, atol=5.1e-8)
    printed = numbers(
        ".0859761 .0502366 .1425813 .202368 .1217997 .0862928 .0321355 .189582 .2639274 .1855286"
    )
    factor = printed / errors(fit)  # "small" multiplies all by one number
    np.testing.assert_allclose(factor, factor[0], rtol=3e-6)
    details = fit.details
    assert details.instruments == 90
    assert (round(details.hansen.statistic, 2), details.hansen.df) == (73.72, 74)
    assert round(details.sargan.statistic, 2) == 120.62


def test_arellano_bond_table_4_column_b(uk):
    """As R's plm prints it, with Windmeijer's correction (its tests/test_pgmm.Rout.save)."""
    fit = fit_case(uk, "b")
    np.testing.assert_allclose(
        fit.params,
        [0.474151, -0.052967, -0.513205, 0.224640, 0.292723, 0.609775, -0.446373],
        atol=5.1e-7,
    )
    np.testing.assert_allclose(
        errors(fit),
        [0.185398, 0.051749, 0.145565, 0.141950, 0.062627, 0.156263, 0.217302],
        atol=5.1e-7,
    )
    assert round(fit.details.hansen.statistic, 5) == 30.11247
    np.testing.assert_allclose(fit.details.serial["statistic"], [-1.53845, -0.2796829], atol=5.1e-6)


# --- plm ------------------------------------------------------------------------------------------


@pytest.fixture
def uk(shared):
    data = pd.read_csv(shared / "firms_teaching_panels" / "EmplUK.csv")
    logs = {"n": "emp", "w": "wage", "k": "capital", "ys": "output"}
    return data[["firm", "year"]].assign(**{a: np.log(data[b]) for a, b in logs.items()})


BOTH = {"endogenous": ("w", "k")}
CASES = {
    "a1": (FULL, "firm + year", Gmm(steps=1, collapse=False)),
    "a2": (FULL, "firm + year", Gmm(collapse=False)),
    "b": (SHORT, "firm + year", Gmm(collapse=False)),
    "b_no_years": (SHORT, "firm", Gmm(collapse=False)),
    "b_collapsed": (SHORT, "year", Gmm(collapse=True)),
    "endogenous": (ENDOGENOUS, "year", Gmm(steps=1, collapse=False, **BOTH)),
    "system1": (
        ENDOGENOUS,
        "firm + year",
        Gmm(steps=1, level_only=("year",), collapse=False, **BOTH),
    ),
    "system2": (ENDOGENOUS, "year", Gmm(level_only=("year",), collapse=False, **BOTH)),
    "system_collapsed": (ENDOGENOUS, "year", Gmm(collapse=True, level_only=("year",), **BOTH)),
}


def fit_case(uk, name, **options):
    terms, effects, settings = CASES[name]
    estimator = "system_gmm" if name.startswith("system") else "difference_gmm"
    formula = f"n ~ {' + '.join(terms)} | {effects}"
    return sp.fit(formula, uk, estimator=estimator, settings=settings, **options)


@pytest.mark.parametrize("name", CASES)
def test_plm(uk, name):
    stored = PLM[name]
    fit = fit_case(uk, name)
    rtol = 1e-7 if name.startswith("system") else 1e-9
    assert fit.details.instruments == stored["instruments"]
    np.testing.assert_allclose(fit.params, stored["coefficients"], rtol=rtol)
    np.testing.assert_allclose(fit.vcov, stored["robust"], rtol=100 * rtol, atol=1e-9)
    assert fit.details.hansen.df == stored["sargan_df"]
    if fit.details.steps == 2:  # with one step plm's Sargan has weights of its own
        np.testing.assert_allclose(fit.details.hansen.statistic, stored["sargan"], rtol=1e-7)
        plain = fit_case(uk, name, inference="iid")
        np.testing.assert_allclose(plain.vcov, stored["vcov"], rtol=1e-5, atol=1e-9)
        assert "not robust" in plain.inference.reason
    if not name.startswith("system"):  # plm's m tests of a system leave the level moments out
        z = fit.details.serial["statistic"]
        np.testing.assert_allclose(z, [stored["m1"], stored["m2"]], rtol=1e-7)


# --- brute force on an unbalanced panel with gaps -------------------------------------------------


def make_panel(seed=0, firms=60, years=7, absent=0.12):
    rng = np.random.default_rng(seed)
    parts = []
    for firm in range(firms):
        effect = rng.normal()
        y, x = effect * 2 + rng.normal(), rng.normal()
        for year in range(years):
            x = 0.6 * x + 0.3 * effect + rng.normal()
            e = rng.normal() * (0.5 + rng.random())
            y = 0.5 * y + 0.4 * x + effect + e
            z = rng.normal()
            parts.append((firm, 2000 + year, y + 0.3 * z, x + 0.2 * e, z, firm % 15))
    frame = pd.DataFrame(parts, columns=["firm", "year", "y", "x", "z", "group"])
    return frame[rng.random(len(frame)) > absent].reset_index(drop=True)


@pytest.fixture(scope="module")
def gaps():
    return make_panel()


class Oracle:
    """One firm at a time, dense, from dictionaries of (firm, year)."""

    def __init__(self, frame, *, lags, x_lags, system, orthogonal, collapse, group="firm"):
        self.system, self.orthogonal = system, orthogonal
        value = {
            (r.firm, r.year): {"y": r.y, "x": r.x, "z": r.z} for r in frame.itertuples(index=False)
        }
        home = dict(zip(frame["firm"], frame[group], strict=True))
        first, last = frame["year"].min(), frame["year"].max()
        span = range(first, last + 1)
        self.firms = {}
        for firm in sorted(frame["firm"].unique()):
            rows = [t for t in span if (firm, t) in value and (firm, t - 1) in value]
            full = {t: self._row(value, firm, t) for t in rows}
            trans, weights = self._transform(rows)
            diff, level, H = [], [], []
            for (t, at), w in zip(trans, weights, strict=True):
                y = sum(w[s] * value[firm, s]["y"] for s in w)
                X = sum(w[s] * full[s] for s in w)
                Z = {}
                for v, (low, high) in (("y", lags), ("x", x_lags)):
                    for lag in range(low, high + 1):
                        if (firm, at - lag) in value:
                            key = (v, lag) if collapse else (v, lag, at)
                            Z["d", *key] = value[firm, at - lag][v]
                Z["z"] = sum(w[s] * value[firm, s]["z"] for s in w)
                diff.append((t, y, X, Z, w))
            if system:
                for t in rows:
                    Z = {"one": 1.0, "z": value[firm, t]["z"]}
                    for v, (low, _) in (("y", lags), ("x", x_lags)):
                        a, b = (firm, t - low + 1), (firm, t - low)
                        if a in value and b in value:
                            key = (v,) if collapse else (v, t)
                            Z["l", *key] = value[a][v] - value[b][v]
                    level.append((t, value[firm, t]["y"], full[t], Z, {t: 1.0}))
            if diff or level:
                self.firms[firm] = diff, level, H
        self._matrices(home)

    def _row(self, value, firm, t):
        row = [value[firm, t - 1]["y"], value[firm, t]["x"], value[firm, t]["z"]]
        return np.array([1.0, *row] if self.system else row)

    def _transform(self, rows):
        if not self.orthogonal:
            kept = [t for t in rows if t - 1 in rows]
            return [(t, t) for t in kept], [{t: 1.0, t - 1: -1.0} for t in kept]
        out, weights = [], []
        for j, t in enumerate(rows[:-1]):
            later = rows[j + 1 :]
            c = np.sqrt(len(later) / (len(later) + 1))
            out.append((t, t + 1))
            weights.append({t: c} | dict.fromkeys(later, -c / len(later)))
        return out, weights

    def _matrices(self, home):
        keys = sorted(
            {k for d, lv, _ in self.firms.values() for row in d + lv for k in row[3]}, key=str
        )
        self.parts, self.home = [], []
        for firm, (diff, level, _) in self.firms.items():
            rows = diff + level
            Z = np.array([[row[3].get(k, 0.0) for k in keys] for row in rows])
            y, X = np.array([r[1] for r in rows]), np.array([r[2] for r in rows])
            years = sorted({s for r in rows for s in r[4]})
            M = np.array([[r[4].get(s, 0.0) for s in years] for r in rows])
            self.parts.append((y, X, Z, M @ M.T, diff))
            self.home.append(home[firm])

    def solve(self):
        A = sum(Z.T @ X for _, X, Z, _, _ in self.parts)
        b = sum(Z.T @ y for y, _, Z, _, _ in self.parts)
        W1 = np.linalg.pinv(sum(Z.T @ H @ Z for _, _, Z, H, _ in self.parts), rcond=1e-12)
        B1 = np.linalg.inv(A.T @ W1 @ A)
        b1 = B1 @ A.T @ W1 @ b

        def scores(beta):
            total = {}
            for (y, X, Z, _, _), g in zip(self.parts, self.home, strict=True):
                total[g] = total.get(g, 0) + Z.T @ (y - X @ beta)
            return np.array(list(total.values()))

        def two(weighting_beta):
            s = scores(weighting_beta)
            W = np.linalg.pinv(s.T @ s, rcond=1e-12)
            B = np.linalg.inv(A.T @ W @ A)
            return B @ A.T @ W @ b, W, B

        s1 = scores(b1)
        V1 = B1 @ A.T @ W1 @ s1.T @ s1 @ W1 @ A @ B1
        b2, W2, B2 = two(b1)
        # Windmeijer: how the second step moves with the first, by numbers
        D, h = np.empty((len(b1), len(b1))), 1e-5
        for j in range(len(b1)):
            up, down = b1.copy(), b1.copy()
            up[j] += h
            down[j] -= h
            D[:, j] = self._at_fixed_moments(A, b, scores, up, down, b2) / (2 * h)
        V2 = B2 + D @ B2 + B2 @ D.T + D @ V1 @ D.T
        g = b - A @ b2
        return {
            "b1": b1,
            "V1": V1,
            "b2": b2,
            "V2": V2,
            "hansen": g @ W2 @ g,
            "m2": self._serial(2, b2, V2, B2 @ A.T @ W2, scores(b2)),
        }

    def _at_fixed_moments(self, A, b, scores, up, down, b2):
        """Change of the second step's estimate as its weights change, moments held at b2."""

        def estimate(beta):
            s = scores(beta)
            W = np.linalg.pinv(s.T @ s, rcond=1e-12)
            return np.linalg.solve(A.T @ W @ A, A.T @ W @ (b - A @ b2))

        return estimate(up) - estimate(down)

    def _serial(self, order, beta, V, gain, s):
        each, slope = {}, 0
        for (_, _, _, _, diff), g in zip(self.parts, self.home, strict=True):
            e = {t: y - X @ beta for t, y, X, _, _ in diff}
            value = 0.0
            for t, _, X, _, _ in diff:
                if t - order in e:
                    value += e[t] * e[t - order]
                    slope = slope + e[t - order] * X
            each[g] = each.get(g, 0) + value
        each = np.array(list(each.values()))
        variance = each @ each - 2 * slope @ gain @ (s.T @ each) + slope @ V @ slope
        return each.sum() / np.sqrt(variance)


@few
@pytest.mark.parametrize("system", [False, True], ids=["difference", "system"])
@pytest.mark.parametrize("orthogonal", [False, True], ids=["first", "forward"])
@pytest.mark.parametrize("collapse", [False, True], ids=["years", "collapsed"])
@pytest.mark.parametrize("group", ["firm", "group"])
def test_brute_force(gaps, system, orthogonal, collapse, group):
    if group == "group" and not collapse:
        pytest.skip("15 groups are too few for an instrument per year")
    oracle = Oracle(
        gaps, lags=(2, 3), x_lags=(1, 2), system=system, orthogonal=orthogonal,
        collapse=collapse, group=group,
    )  # fmt: skip
    expected = oracle.solve()
    options = {
        "estimator": "system_gmm" if system else "difference_gmm",
        "cluster": group,
    }
    settings = Gmm(predetermined=("x",), lags=(2, 3), orthogonal=orthogonal, collapse=collapse)
    two = sp.fit("y ~ lag(y, 1) + x + z", gaps, settings=settings, **options)
    np.testing.assert_allclose(two.params, expected["b2"], rtol=1e-7)
    np.testing.assert_allclose(two.vcov, expected["V2"], rtol=1e-4, atol=1e-8)
    np.testing.assert_allclose(two.details.hansen.statistic, expected["hansen"], rtol=1e-7)
    if not orthogonal:
        z = two.details.serial["statistic"].iloc[1]
        np.testing.assert_allclose(z, expected["m2"], rtol=1e-4)
    settings = Gmm(
        predetermined=("x",), lags=(2, 3), orthogonal=orthogonal, collapse=collapse, steps=1
    )
    one = sp.fit("y ~ lag(y, 1) + x + z", gaps, settings=settings, **options)
    np.testing.assert_allclose(one.params, expected["b1"], rtol=1e-8)
    np.testing.assert_allclose(one.vcov, expected["V1"], rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(one.details.hansen.statistic, expected["hansen"], rtol=1e-7)


@pytest.mark.parametrize("collapse", [False, True])
@pytest.mark.parametrize("steps", [1, 2])
def test_dense_cubes_give_the_same(collapse, steps):
    frame = make_panel(3, firms=150)
    both = dense.cube(
        frame[["y", "x"]].to_numpy(), frame["firm"].to_numpy(), frame["year"].to_numpy(), 150
    )
    layout = dense.lay_out(
        both[:, :, 0], both[:, :, 1:], min_lag=2, max_lag=3, collapse=collapse, years=False
    )
    theirs = dense.system_gmm(layout, np.ones(150), two_step=steps == 2)
    ours = sp.fit(
        "y ~ lag(y, 1) + x + lag(x, 1)",
        frame,
        estimator="system_gmm",
        settings=Gmm(endogenous=("x",), lags=(2, 3), collapse=collapse, steps=steps),
    )
    order = ["lag(y, 1)", "x", "lag(x, 1)", "Intercept"]
    np.testing.assert_allclose(ours.params[order], theirs.b, rtol=1e-8)
    np.testing.assert_allclose(ours.vcov.loc[order, order], theirs.vcov, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(ours.details.serial["statistic"], [theirs.m1, theirs.m2], rtol=1e-6)
    if steps == 2:
        np.testing.assert_allclose(ours.details.hansen.statistic, theirs.hansen, rtol=1e-8)


def test_deviations_are_differences_on_a_balanced_panel():
    """Arellano & Bover (1995): with all lags and one step, the transformation does not matter."""
    frame = make_panel(5, firms=80, years=6, absent=0.0)
    fits = [
        sp.fit(
            "y ~ lag(y, 1) + x",
            frame,
            estimator="difference_gmm",
            settings=Gmm(predetermined=("x",), steps=1, orthogonal=orthogonal, collapse=False),
        )
        for orthogonal in (False, True)
    ]
    np.testing.assert_allclose(fits[0].params, fits[1].params, rtol=1e-8)
    np.testing.assert_allclose(fits[0].vcov, fits[1].vcov, rtol=1e-7)
    np.testing.assert_allclose(
        fits[0].details.sargan.statistic, fits[1].details.sargan.statistic, rtol=0.2
    )


def test_order_names_and_units_do_not_matter(gaps):
    options = {
        "estimator": "system_gmm",
        "settings": Gmm(endogenous=("x",), collapse=True),
    }
    base = sp.fit("y ~ lag(y, 1) + x + z | year", gaps, **options)
    moved = gaps.sample(frac=1, random_state=np.random.default_rng(1)).assign(
        firm=lambda d: "f" + d["firm"].astype(str), year=lambda d: d["year"] - 900,
        x=lambda d: 1e4 * d["x"],
    )  # fmt: skip
    again = sp.fit("y ~ lag(y, 1) + x + z | firm + year", moved, **options)
    np.testing.assert_allclose(again.params * [1, 1e4, 1], base.params, rtol=1e-6)
    np.testing.assert_allclose(again.std_errors * [1, 1e4, 1], base.std_errors, rtol=1e-5)
    np.testing.assert_allclose(
        again.details.hansen.statistic, base.details.hansen.statistic, rtol=1e-6
    )


def test_sample_and_instruments_from_outside(gaps):
    """The sample picks equations; instruments reach rows outside it. An outside instrument."""
    early = gaps["year"] < 2003
    late = sp.fit(
        "y ~ lag(y, 1) + z",
        gaps,
        sample=~early.to_numpy(),
        estimator="difference_gmm",
        settings=Gmm(lags=(2, 2), collapse=False),
    )
    assert late.details.blocks["y, lags 2"] == 3  # 2004 to 2006, from 2002 on
    assert late.dropped["not selected"] == int(early.sum())
    external = sp.fit(
        "y ~ lag(y, 1) | firm | x ~ z",
        gaps,
        estimator="difference_gmm",
        settings=Gmm(collapse=True, lags=(2, 3)),
    )
    assert list(external.params.index) == ["lag(y, 1)", "x"]
    assert list(external.details.blocks) == ["y, lags 2 to 3", "z"]
    both = Gmm(collapse=True, lags=(2, 3), instruments={"x": (3, 4)})
    more = sp.fit("y ~ lag(y, 1) + z", gaps, estimator="difference_gmm", settings=both)
    assert list(more.details.blocks) == ["y, lags 2 to 3", "x, lags 3 to 4", "z"]


@few
def test_too_many_instruments_are_said(gaps):
    small = gaps[gaps["firm"] < 20]
    with pytest.warns(sp.SpilloverWarning, match="30 instruments for 18 groups"):
        sp.fit(
            "y ~ lag(y, 1) + x",
            small,
            estimator="difference_gmm",
            settings=Gmm(endogenous=("x",), collapse=False),
        )


def test_bad_input(gaps):
    def run(formula="y ~ lag(y, 1) + x", frame=gaps, estimator="difference_gmm", **options):
        return sp.fit(formula, frame, estimator=estimator, **options)

    constant = gaps.assign(s=gaps["firm"] % 7)
    with pytest.raises(sp.IdentificationError, match="s does not vary over time within firms"):
        run("y ~ lag(y, 1) + s", constant)
    assert "s" in run("y ~ lag(y, 1) + s", constant, "system_gmm").params
    with pytest.raises(sp.SchemaError, match="takes no weights"):
        run(weights="z")
    with pytest.raises(sp.SchemaError, match="differences by itself"):
        run(transform="first_difference")
    with pytest.raises(sp.SchemaError, match="summed over one level"):
        run(cluster=["firm", "year"])
    with pytest.raises(sp.SchemaError, match="firms move between its levels"):
        run(cluster="year")
    with pytest.raises(sp.SchemaError, match=r"'w' is endogenous or predetermined .* not in the"):
        run(settings=Gmm(endogenous=("w",)))
    with pytest.raises(sp.SchemaError, match="no column 'q'"):
        run(settings=Gmm(instruments={"q": (1, 2)}))
    with pytest.raises(sp.SchemaError, match="both endogenous and predetermined"):
        Gmm(endogenous=("x",), predetermined=("x",))
    with pytest.raises(sp.SchemaError, match="endogenous='x' is text"):
        Gmm(endogenous="x")
    with pytest.raises(sp.SchemaError, match="level_lag=-1 must be at least 0"):
        Gmm(level_lag=-1)
    with pytest.raises(sp.SchemaError, match=r"lags=\(3, 2\) must be a first lag"):
        Gmm(lags=(3, 2))
    with pytest.raises(sp.IdentificationError, match="2 independent instruments do not settle 3"):
        run("y ~ lag(y, 1) + lag(y, 2) + z", settings=Gmm(lags=(2, 2), collapse=True))
    alternate = gaps[gaps["year"] % 2 == 0]
    with pytest.raises(sp.IdentificationError, match="No firm has two complete years running"):
        run("y ~ z", alternate)
    with pytest.raises(sp.SchemaError, match="No observation is left"):
        run("y ~ lag(y, 1)", alternate)
    with pytest.raises(sp.SchemaError, match=r"no column 'year' \(needed by difference"):
        run("y ~ x", gaps.drop(columns="year"))

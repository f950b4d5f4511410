"""Panels to fit, and an oracle that absorbs by explicit dummies and a rank-revealing solver."""

from __future__ import annotations

import importlib.util
import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.tools.sm_exceptions import SingularMatrixWarning

from spillover.panel.design import Design

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FIRMS, YEARS, INDUSTRIES = 50, 7, 8


class Oracle(NamedTuple):
    """What least squares with explicit dummies gives for the slopes."""

    params: np.ndarray
    vcov: np.ndarray
    residuals: np.ndarray
    r2: float
    r2_within: float
    rmse: float
    rank: int
    X: np.ndarray  # what the dummies leave of the regressors


def make_panel(seed: int = 1) -> pd.DataFrame:
    """Draw an unbalanced panel (a quarter of the firm-years absent) where firms switch industry."""
    rng = np.random.default_rng(seed)
    frame = pd.MultiIndex.from_product(
        [range(FIRMS), range(2000, 2000 + YEARS)], names=["firm", "year"]
    ).to_frame(index=False)
    home = rng.integers(0, INDUSTRIES, FIRMS)
    frame["industry"] = home[frame["firm"]]
    moved = rng.random(len(frame)) < 0.1
    frame.loc[moved, "industry"] = rng.integers(0, INDUSTRIES, int(moved.sum()))
    frame["region"] = (frame["firm"] % 5).to_numpy()
    frame["size"] = rng.integers(0, 3, len(frame))
    frame = frame[rng.random(len(frame)) < 0.75].reset_index(drop=True)
    n = len(frame)
    cells = rng.normal(size=(INDUSTRIES, YEARS))
    frame["x"] = rng.normal(size=n) + rng.normal(size=FIRMS)[frame["firm"]]
    frame["z"] = rng.normal(size=n) + 0.4 * frame["x"] + 0.1 * (frame["year"] - 2000)
    frame["grouped"] = cells[frame["industry"], frame["year"] - 2000]
    frame["w"] = rng.uniform(0.1, 4.0, n)
    frame["foreign_share"] = np.where(rng.random(n) < 0.3, rng.uniform(0.1, 1.0, n), 0.0)
    frame["y"] = (
        1.5
        + 0.8 * frame["x"]
        - 0.5 * frame["z"]
        + 0.3 * frame["grouped"]
        + rng.normal(size=FIRMS)[frame["firm"]]
        + rng.normal(size=(INDUSTRIES, YEARS))[frame["industry"], frame["year"] - 2000]
        + rng.normal(size=n)
    )
    return frame


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Keep BLAS to one thread where that can be set: on matrices this small more only wait."""
    if importlib.util.find_spec("threadpoolctl") is None:
        yield
        return
    with importlib.import_module("threadpoolctl").threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def panel() -> pd.DataFrame:
    """Some 260 firm-years; tests copy before they change it."""
    return make_panel()


def dummy_matrix(frame: pd.DataFrame, effects: Sequence[str]) -> np.ndarray:
    """All dummies of all effects (none left out), interactions written ``a^b``."""
    blocks = []
    for effect in effects:
        labels = frame[effect.split("^")].astype(str).agg("|".join, axis=1)
        blocks.append(pd.get_dummies(labels).to_numpy(dtype=np.float64))
    return np.hstack(blocks)


@pytest.fixture(scope="session")
def dummies():
    return dummy_matrix


@pytest.fixture(scope="session")
def oracle():
    return explicit_dummies


def explicit_dummies(
    frame: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str],
    effects: Sequence[str],
    weights: str | None = None,
) -> Oracle:
    """Fit by statsmodels' pseudo-inverse on the regressors and every dummy."""
    y = frame[outcome].to_numpy(dtype=np.float64)
    X = frame[list(regressors)].to_numpy(dtype=np.float64)
    w = np.ones(len(y)) if weights is None else frame[weights].to_numpy(dtype=np.float64)
    D = dummy_matrix(frame, effects)
    k = X.shape[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularMatrixWarning)  # every dummy is in on purpose
        result = sm.WLS(y, np.hstack([X, D]), weights=w).fit(method="pinv")
    root = np.sqrt(w)[:, None]
    basis, singular, _ = np.linalg.svd(D * root, full_matrices=False)
    basis = basis[:, singular > singular[0] * 1e-11]
    columns = np.column_stack([y, X]) * root
    within = (columns - basis @ (basis.T @ columns)) / root
    residuals = y - np.hstack([X, D]) @ result.params
    return Oracle(
        params=result.params[:k],
        vcov=np.asarray(result.cov_params())[:k, :k],
        residuals=residuals,
        r2=result.rsquared,
        r2_within=1 - float(w @ residuals**2) / float(w @ within[:, 0] ** 2),
        rmse=float(np.sqrt(result.mse_resid)),
        rank=int(np.linalg.matrix_rank(D)),
        X=within[:, 1:],
    )


def plain_design(
    formula: str, frame: pd.DataFrame, *, cluster: Sequence[str] = (), weights: str | None = None
) -> Design:
    """Build a design from columns alone, without the package's reader: ``y ~ x + z | firm``."""
    outcome, _, right = formula.partition("~")
    regressors, _, absorbed = right.partition("|")
    terms = [term.strip() for term in regressors.split("+")]
    effects = [name.strip() for name in absorbed.split("+") if name.strip()]
    X = frame[terms].to_numpy(dtype=np.float64)
    if not effects:
        X, terms = np.column_stack([np.ones(len(X)), X]), ["Intercept", *terms]

    def codes(name: str) -> np.ndarray:
        return pd.factorize(frame[name.split("^")].astype(str).agg("|".join, axis=1))[0]

    return Design(
        y=frame[outcome.strip()].to_numpy(dtype=np.float64),
        X=X,
        terms=terms,
        effects={name: codes(name) for name in effects},
        clusters={name: codes(name) for name in cluster},
        weights=None if weights is None else frame[weights].to_numpy(dtype=np.float64),
        used=np.ones(len(frame), dtype=bool),
        dropped={},
    )


@pytest.fixture(scope="session")
def design_of():
    return plain_design

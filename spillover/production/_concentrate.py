"""The law of motion solved inside, so that only a few coefficients are searched for.

For trial coefficients ``b`` productivity a year ago is ``h = phi_lag - X_lag b``. What is left of
``u = target - X b`` after regressing it on a polynomial of ``h`` (and the probability of survival,
and drivers) is the innovation. Its derivative in ``b`` is exact (Golub & Pereyra 1973), so the
search needs few steps.

>>> import numpy as np
>>> rng = np.random.default_rng(1)
>>> X, X_lag, h = rng.normal(size=(3, 400, 1))
>>> u = 0.5 * X[:, 0] + 0.8 * h[:, 0] ** 2
>>> motion = Motion(u, X, h[:, 0] + 0.5 * X_lag[:, 0], X_lag, degree=2)
>>> xi, slope = motion.innovation(np.array([0.5]))
>>> bool(np.abs(xi).max() < 1e-12), slope.shape
(True, (400, 1))
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import linalg, optimize

from spillover.errors import IdentificationError
from spillover.production.polynomial import basis, exponents, project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.production.data import Inputs

    Array = NDArray[np.float64]

RANK = 1e-10
SAME = 1e-4
"""Optima whose coefficients differ by less count as one."""
ROOT = 1e-12
"""Below this criterion the moments are solved."""


@dataclass(frozen=True, eq=False)
class Motion:
    """What the second stage of a control-function estimator works with.

    Attributes
    ----------
    target : (n,) array
        Output less what the first stage has settled.
    X, X_lag : (n, p) arrays
        Regressors of the coefficients searched for, now and a year ago.
    phi_lag : (n,) array
        Productivity a year ago plus ``X_lag b``.
    degree : int
        Of the polynomial in productivity (and survival).
    survival : (n,) array, optional
        Probability, a year ago, of being here now.
    drivers : (n, q) array, optional
        Enter linearly, and times powers of productivity up to ``interact``.
    weights : (n,) array, optional
        How often a row counts.
    fitted : (n,) array, optional
        Outcome that the polynomial is fitted to, if it is not ``target``.
    interact : int
    """

    target: Array
    X: Array
    phi_lag: Array
    X_lag: Array
    degree: int = 3
    survival: Array | None = None
    drivers: Array | None = None
    weights: Array | None = None
    fitted: Array | None = None
    interact: int = 0

    @property
    def root(self) -> Array:
        """Square roots of the weights, (n, 1).

        Returns
        -------
        array
        """
        weights = np.ones(len(self.target)) if self.weights is None else self.weights
        return np.sqrt(weights)[:, None]

    def design(self, h: Array, *, standardise: bool = True) -> tuple[Array, Array]:
        """Return the terms of the law of motion and their derivatives in ``h``, both (n, m).

        Parameters
        ----------
        h : (n,) array
        standardise : bool

        Returns
        -------
        tuple of two arrays
        """
        z, scale = h, 1.0
        if standardise:
            scale = float(h.std()) or 1.0
            z = (h - h.mean()) / scale
        base = z[:, None] if self.survival is None else np.column_stack([z, self.survival])
        G = basis(base, self.degree, standardise=False)
        powers = exponents(base.shape[1], self.degree)[:, 0]
        below = _one_power_less(base.shape[1], self.degree)
        slope = np.where(powers > 0, powers, 0) * G[:, below] / scale
        if self.drivers is not None and self.drivers.shape[1]:
            G = np.column_stack([G, self.drivers])
            slope = np.column_stack([slope, np.zeros_like(self.drivers)])
            for power in range(1, self.interact + 1):
                G = np.column_stack([G, self.drivers * z[:, None] ** power])
                steep = power * z[:, None] ** (power - 1) / scale
                slope = np.column_stack([slope, self.drivers * steep])
        return G, slope

    def innovation(self, b: Array) -> tuple[Array, Array]:
        """Return the innovation, (n,), and its derivative, (n, p), both times root weights.

        Parameters
        ----------
        b : (p,) array

        Returns
        -------
        tuple of two arrays
        """
        root = self.root
        G, H = self.design(self.phi_lag - self.X_lag @ b)
        X = root * self.X
        u = root[:, 0] * self.target - X @ b
        v = u if self.fitted is None else root[:, 0] * self.fitted - X @ b
        Q, R, kept = independent(root * G)
        c = linalg.solve_triangular(R, Q.T @ v)
        left = v - Q @ (Q.T @ v)
        H = root * H[:, kept]
        moved = (H @ c)[:, None] * self.X_lag
        curve = linalg.solve_triangular(R, H.T @ (self.X_lag * left[:, None]), trans="T")
        jacobian = (moved - X) - Q @ (Q.T @ (moved - X)) + Q @ curve
        return u - v + left, jacobian

    def coefficients(self, b: Array, names: Sequence[str]) -> pd.Series[float]:
        """Return the law of motion's coefficients by term, in productivity's own units.

        Parameters
        ----------
        b : (p,) array
        names : sequence of str
            Of the drivers.

        Returns
        -------
        pandas.Series
        """
        G, _ = self.design(self.phi_lag - self.X_lag @ b, standardise=False)
        outcome = self.target if self.fitted is None else self.fitted
        fit = project(G, outcome - self.X @ b, self.weights)
        index = pd.Index(self._terms(names), name="term")
        return pd.Series(fit.coefficients, index=index, name="estimate")

    def _terms(self, names: Sequence[str]) -> list[str]:
        plain = ["omega"] if self.survival is None else ["omega", "survival"]
        table = exponents(len(plain), self.degree)
        terms = [
            ":".join(_power(v, e) for v, e in zip(plain, row, strict=True) if e)
            for row in table.tolist()
        ]
        terms[0] = "constant"
        crossed = [
            f"{name}:{_power('omega', power)}"
            for power in range(1, self.interact + 1)
            for name in names
        ]
        return [*terms, *names, *(crossed if self.drivers is not None else [])]


def _power(name: str, exponent: int) -> str:
    return name if exponent == 1 else f"{name}^{exponent}"


def _one_power_less(variables: int, degree: int) -> list[int]:
    """Place of each term divided by its first variable (0 where it does not hold it)."""
    table = [tuple(row) for row in exponents(variables, degree).tolist()]
    place = {row: at for at, row in enumerate(table)}
    return [place.get((row[0] - 1, *row[1:]), 0) for row in table]


def independent(A: Array) -> tuple[Array, Array, NDArray[np.int64]]:
    """Return Q and R of the independent columns of ``A``, and which columns these are.

    Examples
    --------
    >>> Q, R, kept = independent(np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 1.0]]))
    >>> Q.shape, sorted(kept.tolist())
    ((2, 2), [1, 2])
    """
    Q, R, order = linalg.qr(A, mode="economic", pivoting=True, check_finite=False)
    norms = np.linalg.norm(A, axis=0)
    size = np.abs(np.diagonal(R)) / np.where(norms > 0, norms, 1.0)[order[: len(R)]]
    rank = int(np.sum(np.cumprod(size > RANK)))
    return (
        np.asarray(Q[:, :rank], dtype=np.float64),
        np.asarray(R[:rank, :rank], dtype=np.float64),
        order[:rank].astype(np.int64),
    )


@dataclass(frozen=True, eq=False)
class Found:
    """Outcome of a search from several starts."""

    b: Array
    objective: float
    converged: bool
    starts: pd.DataFrame
    notes: tuple[str, ...] = field(default=())


def search(
    residuals: Callable[[Array], tuple[Array, Array]],
    starts: Mapping[str, Array],
    names: Sequence[str],
    tolerance: float = 1e-10,
    *,
    exact: bool = False,
) -> Found:
    """Minimise a sum of squares from every start; keep the best, report all.

    Parameters
    ----------
    residuals : callable
        From (p,) to the residuals, (m,), and their derivative, (m, p).
    starts : mapping of str to (p,) array
    names : sequence of str, (p,)
    tolerance : float
        On the criterion, the coefficients and the gradient.
    exact : bool
        As many residuals as coefficients: a minimum above zero is no rival of a root.

    Returns
    -------
    Found

    Raises
    ------
    IdentificationError
        If no start leads to finite coefficients.
    """
    table, bests = [], []
    for label, start in starts.items():
        b, value, fine = _descend(residuals, np.asarray(start, dtype=float), tolerance)
        bests.append((b, value, fine))
        row = {"start": label}
        row |= {f"start_{name}": x for name, x in zip(names, start, strict=True)}
        row |= dict(zip(names, b, strict=True))
        table.append({**row, "objective": value, "converged": fine})
    usable = [
        i for i, (b, value, _) in enumerate(bests) if np.isfinite(value) and np.isfinite(b).all()
    ]
    if not usable:
        raise IdentificationError(
            f"The search for {', '.join(names)} fails from all {len(bests)} starts. Check the "
            "inputs for constants and collinear columns, or lower the degrees."
        )
    best = min(usable, key=lambda i: (not bests[i][2], bests[i][1]))
    lowest = min(usable, key=lambda i: bests[i][1])
    if bests[lowest][1] < bests[best][1] * (1 - 1e-6) - 1e-12:
        best = lowest
    frame = pd.DataFrame(table)
    frame["chosen"] = np.arange(len(frame)) == best
    b, value, fine = bests[best]
    notes = _disagreement(bests, best, exact=exact)
    if not fine:
        notes = (*notes, "the search did not converge: see starts")
    return Found(b, value, fine, frame, notes)


def _descend(
    residuals: Callable[[Array], tuple[Array, Array]], start: Array, tolerance: float
) -> tuple[Array, float, bool]:
    kept: dict[bytes, tuple[Array, Array]] = {}

    def both(b: Array) -> tuple[Array, Array]:
        key = b.tobytes()
        if key not in kept:
            kept.clear()
            kept[key] = residuals(b)
        return kept[key]

    def value(b: Array) -> Array:
        return both(b)[0]

    def slope(b: Array) -> Array:
        return both(b)[1]

    try:
        out = optimize.least_squares(
            value,
            start,
            jac=slope,
            x_scale="jac",
            ftol=tolerance**1.5,
            xtol=tolerance,
            gtol=tolerance**1.5,
            max_nfev=200,
        )
    except (linalg.LinAlgError, ValueError):  # this start runs into a singular or infinite point
        return start, float("nan"), False
    return out.x, float(2.0 * out.cost), bool(out.success)


def _disagreement(
    bests: Sequence[tuple[Array, float, bool]], best: int, *, exact: bool
) -> tuple[str, ...]:
    b, value, _ = bests[best]
    others = [
        (other, worse)
        for other, worse, fine in bests
        if fine
        and np.abs(other - b).max() > SAME * max(1.0, float(np.abs(b).max()))
        and not (exact and value < ROOT < worse)
    ]
    if not others:
        return ()
    nearest = min(worse for _, worse in others)
    return (
        f"{len(others)} of {len(bests)} starts end at another local minimum (lowest criterion "
        f"{nearest:.6g} there, {value:.6g} at the one chosen): see starts",
    )


def default_starts(inputs: Inputs, columns: Sequence[int], first: Array | None) -> dict[str, Array]:
    """Return OLS, within, first-stage and grid starts for some columns of ``inputs.X``.

    Parameters
    ----------
    inputs : Inputs
    columns : sequence of int
    first : (p,) array or None
        Coefficients that the first stage suggests.

    Returns
    -------
    dict of str to (p,) array
    """
    at, X, w = list(columns), inputs.X, inputs.weights
    constant = np.ones((len(inputs), 1))
    out = {"ols": project(np.column_stack([constant, X]), inputs.y, w).coefficients[1:][at]}
    both = np.column_stack([inputs.y, X])
    count = np.bincount(inputs.firm)
    means = np.column_stack([np.bincount(inputs.firm, column) / count for column in both.T])
    within = both - means[inputs.firm]
    out["within"] = project(within[:, 1:], within[:, 0], w).coefficients[at]
    if first is not None:
        out["first stage"] = first
    for share in (0.1, 0.5, 0.9):
        out[f"grid {share}"] = np.full(len(at), share / len(at))
    return out

"""Wooldridge's (2009) equations with the same coefficients of c in both: non-linear GMM.

Equation 1 is y = x'b + t + c's + e, equation 2 y = x'b + t2 + r1 v + r2 v^2 + ... + u, with
v = c_lag's: s of equation 1 reappears in equation 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import linalg, optimize

from spillover.errors import IdentificationError, preview
from spillover.production._linear_gmm import (
    Gmm,
    System,
    check_identified,
    finished,
    inverse_half,
    linear_gmm,
    moment_covariance,
)
from spillover.production.polynomial import independent, project

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Restricted:
    """Both equations.

    Attributes
    ----------
    system : System
        Outcome, instruments, clusters and weights of both, and what is linear in coefficients that
        the equations share or that belong to one of them: inputs, drivers, constants.
    C, C_lag : (n, c) arrays
        Terms of c, now and a year ago, on one scale.
    degree : int
        Of the law of motion.
    """

    system: System
    C: Array
    C_lag: Array
    degree: int

    @property
    def clusters(self) -> NDArray[np.int64]:
        """Clusters of the stacked rows.

        Returns
        -------
        array
        """
        return self.system.clusters

    @property
    def parameters(self) -> int:
        """Number of coefficients: linear ones, s, and r.

        Returns
        -------
        int
        """
        return int(self.system.X.shape[1] + self.C.shape[1] + self.degree)

    def parts(self, theta: Array) -> tuple[Array, Array, Array]:
        """Split the coefficients.

        Parameters
        ----------
        theta : (p,) array

        Returns
        -------
        linear, s, r : arrays
        """
        p, c = self.system.X.shape[1], self.C.shape[1]
        return theta[:p], theta[p : p + c], theta[p + c :]

    def fitted(self, theta: Array) -> Array:
        """Return the systematic part, (2n,).

        Parameters
        ----------
        theta : (p,) array

        Returns
        -------
        array
        """
        linear, s, r = self.parts(theta)
        v = self.C_lag @ s
        law = sum(value * v**power for power, value in enumerate(r, start=1))
        out: Array = self.system.X @ linear + np.r_[self.C @ s, law]
        return out

    def slope(self, theta: Array) -> Array:
        """Return the derivative of :meth:`fitted`, (2n, p).

        Parameters
        ----------
        theta : (p,) array

        Returns
        -------
        array
        """
        _, s, r = self.parts(theta)
        v = self.C_lag @ s
        steep = sum(power * value * v ** (power - 1) for power, value in enumerate(r, start=1))
        powers = np.column_stack([v**power for power in range(1, self.degree + 1)])
        return np.column_stack(
            [
                self.system.X,
                np.vstack([self.C, np.reshape(steep, (-1, 1)) * self.C_lag]),
                np.vstack([np.zeros_like(powers), powers]),
            ]
        )


def restricted_gmm(
    problem: Restricted, weighting: str, structural: int, names: tuple[str, ...]
) -> Gmm:
    """Estimate by non-linear GMM from two linear estimates on.

    Parameters
    ----------
    problem : Restricted
    weighting : {"two_step", "two_stage"}
    structural : int
        How many leading coefficients must be settled.
    names : tuple of str
        Theirs.

    Returns
    -------
    Gmm
        ``b`` has the linear coefficients, s and r, in this order.

    Raises
    ------
    IdentificationError
        If the moments do not settle them.
    """
    system = problem.system
    root = np.sqrt(system.weights)[:, None]
    Q = independent(root * system.Z)[0]
    starts = _starts(problem, structural, names)
    found = [_descend(problem, start, Q, root, np.eye(Q.shape[1])) for start in starts]
    theta, _, done = _best(found, names)
    u = root[:, 0] * (system.y - problem.fitted(theta))
    A = Q.T @ (root * problem.slope(theta))
    check_identified(A, structural, names)
    half = np.eye(Q.shape[1])
    if weighting == "two_step":
        half = inverse_half(*moment_covariance(Q, u, system, root), A)
        found = [_descend(problem, start, Q, root, half) for start in (theta, *starts)]
        theta, _, done = _best(found, names)
        u = root[:, 0] * (system.y - problem.fitted(theta))
        A = Q.T @ (root * problem.slope(theta))
    two_step = weighting == "two_step"
    out = finished(theta, Q, u, A, system, root=root, half=half, two_step=two_step)
    begun = [theta, *starts] if two_step else starts
    return replace(out, converged=done, starts=_table(begun, found, theta, names))


def _starts(problem: Restricted, structural: int, names: tuple[str, ...]) -> list[Array]:
    """Begin with c_lag's function left free, and with a random walk."""
    system, C, C_lag = problem.system, problem.C, problem.C_lag
    p, n = system.X.shape[1], len(problem.C)
    out = []
    for more in (linalg.block_diag(C, C_lag), np.vstack([C, C_lag])):
        try:
            X = np.column_stack([system.X, more])
            b = linear_gmm(replace(system, X=X), "two_stage", structural, names).b
        except IdentificationError:
            continue  # the restrictions may settle what the free function does not
        s = b[p : p + C.shape[1]]
        left = system.y[n:] - system.X[n:] @ b[:p]
        v = C_lag @ s
        powers = np.column_stack([v**power for power in range(1, problem.degree + 1)])
        r = project(powers, left, system.weights[n:]).coefficients
        out.append(np.r_[b[:p], s, r])
    if not out:
        raise IdentificationError(
            f"The instruments do not settle the coefficients of {preview(names)}. Check for inputs "
            "that do not vary over time, that move together, or that are a function of the proxy."
        )
    return out


def _descend(
    problem: Restricted, start: Array, Q: Array, root: Array, half: Array
) -> tuple[Array, float, bool]:
    lead = half @ Q.T * root[:, 0]

    def residuals(theta: Array) -> Array:
        return np.asarray(lead @ (problem.system.y - problem.fitted(theta)))

    def slope(theta: Array) -> Array:
        return np.asarray(-lead @ problem.slope(theta))

    with np.errstate(all="ignore"):
        try:
            out = optimize.least_squares(
                residuals,
                start,
                jac=slope,
                x_scale="jac",
                method="lm" if len(half) >= len(start) else "trf",
                ftol=1e-15,
                xtol=1e-12,
                gtol=1e-15,
                max_nfev=500,
            )
        except (linalg.LinAlgError, ValueError):  # the powers of v run out of bounds
            return start, float("inf"), False
    return np.asarray(out.x), 2.0 * float(out.cost), bool(out.status > 0)


def _best(
    found: list[tuple[Array, float, bool]], names: tuple[str, ...]
) -> tuple[Array, float, bool]:
    best = min(found, key=lambda one: one[1])
    if not np.isfinite(best[1]):
        raise IdentificationError(
            f"The search for {preview(names)} fails from all {len(found)} starts. Lower the "
            "degrees."
        )
    return best


def _table(
    starts: list[Array],
    found: list[tuple[Array, float, bool]],
    theta: Array,
    names: tuple[str, ...],
) -> pd.DataFrame:
    rows = []
    for start, (end, value, done) in zip(starts, found, strict=True):
        row = {f"start_{name}": start[at] for at, name in enumerate(names)}
        row |= {name: end[at] for at, name in enumerate(names)}
        row |= {"objective": value, "converged": done, "chosen": end is theta}
        rows.append(row)
    return pd.DataFrame(rows)

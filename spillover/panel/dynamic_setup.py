"""What a dynamic panel's equations are made of: rows, regressors, instruments, moments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from spillover.errors import IdentificationError
from spillover.panel.codes import compress
from spillover.panel.dynamic_rows import (
    Block,
    Equations,
    deviations,
    difference_columns,
    differences,
    lag_columns,
    stack_blocks,
)
from spillover.panel.dynamic_solver import Moments
from spillover.panel.names import panel_calls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.panel.dynamic_settings import Gmm, Lags
    from spillover.panel.transforms import Calendar

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Rows = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class DynamicPanel:
    """All rows of the data, of which the complete ones are estimated on.

    Attributes
    ----------
    y : (n,) array
    X : (n, k) array
        NaN where missing.
    outcome : str
    terms : list of str
        The k regressors; a constant called "Intercept" is used by system GMM only.
    firm : (n,) array of int
    calendar : Calendar
    complete : (n,) bool array
        Rows of the sample with outcome, regressors and effects.
    variables : mapping of str to (n,) array
        Values of the variables whose past is an instrument.
    effects : mapping of str to (n,) codes
        Effects besides the firm's, which enter as dummies; -1 where missing.
    groups : (n,) array of int
        The level of clustering: firms, or groups of firms.
    endogenous : tuple of str
        Terms instrumented from outside.
    Z : mapping of str to (n,) array
        Their instruments.
    """

    y: Matrix
    X: Matrix
    outcome: str
    terms: list[str]
    firm: Codes
    calendar: Calendar
    complete: Rows
    variables: Mapping[str, Matrix]
    effects: Mapping[str, Codes] = field(default_factory=dict)
    groups: Codes | None = None
    endogenous: tuple[str, ...] = ()
    Z: Mapping[str, Matrix] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Setup:
    """The equations of one estimate.

    Attributes
    ----------
    panel : DynamicPanel
    settings : Gmm
    system : bool
        Whether the equations in levels are added.
    equations : Equations
        The transformation.
    rows : (n,) array of int
        The complete rows.
    X : (n, k + h) array
        Their regressors, in levels: reported ones, then dummies of effects and a constant.
    terms : list of str
        The k reported ones.
    """

    panel: DynamicPanel
    settings: Gmm
    system: bool
    equations: Equations
    rows: Codes
    X: Matrix
    terms: list[str]

    @property
    def groups(self) -> Codes:
        """Group of every row of the data.

        Returns
        -------
        (rows,) array
        """
        return self.panel.firm if self.panel.groups is None else self.panel.groups

    @property
    def at(self) -> Codes:
        """Row of the data behind every stacked equation.

        Returns
        -------
        (m + n,) or (m,) array
        """
        return np.r_[self.equations.row, self.rows] if self.system else self.equations.row


def variable_of(term: str) -> str:
    """Return the variable behind a term: ``n`` for ``lag(n, 2)``.

    Examples
    --------
    >>> variable_of("lag(log(emp), 2)"), variable_of("w")
    ('log(emp)', 'w')
    """
    calls = panel_calls(term)
    while calls and str(calls[0]) == term:
        term = calls[0].argument
        calls = panel_calls(term)
    return term


def set_up(panel: DynamicPanel, settings: Gmm, *, system: bool) -> Setup:
    """Transform the equations and check that every regressor survives it.

    Raises
    ------
    IdentificationError
        If no firm has two complete years, or a regressor does not vary over time.
    """
    rows = np.flatnonzero(panel.complete)
    equations = (
        deviations(panel.firm, panel.calendar.year, panel.complete)
        if settings.orthogonal
        else differences(panel.calendar, panel.complete)
    )
    if not len(equations.row):
        raise IdentificationError(
            f"No firm has two complete years{'' if settings.orthogonal else ' running'}: nothing "
            "is left after the transformation. Lags and differences count calendar years."
        )
    kept = [j for j, term in enumerate(panel.terms) if system or term != "Intercept"]
    X, terms = panel.X[rows][:, kept], [panel.terms[j] for j in kept]
    _check_variation(X, equations.matrix @ X, terms, system=system)
    hidden = _hidden(panel, equations, rows, system=system)
    return Setup(panel, settings, system, equations, rows, np.hstack([X, hidden]), terms)


def _check_variation(X: Matrix, moved: Matrix, terms: Sequence[str], *, system: bool) -> None:
    size, left = np.linalg.norm(X, axis=0), np.linalg.norm(moved, axis=0)
    for j, term in enumerate(terms):
        if term == "Intercept":
            continue
        if np.ptp(X[:, j]) == 0:
            raise IdentificationError(f"{term} is constant in the sample; drop it.")
        if left[j] <= 1e-10 * size[j] and not system:
            raise IdentificationError(
                f"{term} does not vary over time within firms, so differences remove it. Drop it, "
                "or use estimator='system_gmm'."
            )


def _hidden(panel: DynamicPanel, equations: Equations, rows: Codes, *, system: bool) -> Matrix:
    """Dummies of the effects (and a constant, in levels), without those that others imply."""
    columns = [np.eye(int(c.max()) + 1)[c] for c in _effects(panel, rows)]
    if system:
        columns.insert(0, np.ones((len(rows), 1)))
    D = np.hstack(columns) if columns else np.empty((len(rows), 0))
    kept = _independent(D if system else equations.matrix @ D)
    if system and "Intercept" in panel.terms:
        kept = kept[kept > 0]
    return np.asarray(D[:, kept])


def _effects(panel: DynamicPanel, rows: Codes) -> list[Codes]:
    return [compress(codes[rows]) for codes in panel.effects.values()]


def _independent(D: Matrix) -> Codes:
    """Find columns that span the others, earlier ones first where that can be chosen."""
    gram = D.T @ D
    size = np.sqrt(np.diagonal(gram))
    alive = np.flatnonzero(size > 1e-10)
    if not len(alive):
        return alive
    order = np.linspace(1.0, 1.0 - 1e-6, len(alive)) / size[alive]
    scaled = gram[np.ix_(alive, alive)] * order * order[:, None]
    _, pivots, rank, _ = lapack.dpstrf(scaled, lower=1, tol=1e-9)
    return np.asarray(np.sort(alive[pivots[:rank] - 1]), dtype=np.intp)


def instrument_blocks(setup: Setup, lags: Mapping[str, Lags]) -> list[Block]:
    """List the instruments: lags of variables, then what instruments itself or from outside.

    Parameters
    ----------
    setup : Setup
    lags : mapping of str to (int, int or None)
        Of the variables whose past is an instrument.

    Returns
    -------
    list of Block
    """
    panel, equations = setup.panel, setup.equations
    blocks, collapse = [], setup.settings.collapse
    for name, (low, high) in lags.items():
        values = panel.variables[name]
        in_levels = lag_columns(values, panel.calendar, equations, (low, high), collapse=collapse)
        until = "" if high == low else f" to {'all' if high is None else high}"
        blocks.append(Block(f"{name}, lags {low}{until}", in_levels, None))
        if setup.system:
            set_lag = setup.settings.level_lag
            lag = max(low - 1, 0) if set_lag is None else set_lag
            changes = difference_columns(values, panel.calendar, setup.rows, lag, collapse=collapse)
            none = sparse.csr_array((len(equations.row), changes.shape[1]))
            blocks.append(Block(f"difference of {name}, lag {lag} (levels)", none, changes))
    columns = {
        term: setup.X[:, [j]]
        for j, term in enumerate(setup.terms)
        if _exogenous(term, lags, panel.endogenous)
    }
    columns |= {name: values[setup.rows, None] for name, values in panel.Z.items()}
    columns[" + ".join(panel.effects) or "constant"] = setup.X[:, len(setup.terms) :]
    blocks += [_ordinary(setup, name, column) for name, column in columns.items()]
    return [block for block in blocks if block.count]


def _ordinary(setup: Setup, name: str, column: Matrix) -> Block:
    """Columns that are instruments as they are: transformed above, in levels below."""
    level_only = bool(
        {name, variable_of(name), *name.split(" + ")} & set(setup.settings.level_only)
    )
    moved = setup.equations.matrix @ column
    if setup.system and (level_only or name == "Intercept"):
        moved = np.zeros_like(moved)
    level = sparse.csr_array(column) if setup.system else None
    return Block(name, sparse.csr_array(moved), level)


def _exogenous(term: str, lags: Mapping[str, Lags], endogenous: Sequence[str]) -> bool:
    """Whether a term instruments itself: no part of it is instrumented otherwise."""
    if term in endogenous:
        return False
    parts = {variable_of(part) for part in term.split(":")}
    parts |= {call.argument for call in panel_calls(term)}
    return not parts & set(lags)


def stack(setup: Setup, blocks: Sequence[Block], counts: Matrix | None = None) -> Moments:
    """Stack both equations, with the covariance that the first step assumes.

    Parameters
    ----------
    setup : Setup
    blocks : sequence of Block
    counts : (rows,) array, optional
        How often a row of the data counts: the same for all rows of a group.

    Returns
    -------
    Moments
    """
    M, X, y = setup.equations.matrix, setup.X, setup.panel.y[setup.rows]
    m, first_step = len(setup.equations.row), setup.settings.first_step
    Z = stack_blocks(blocks, len(setup.rows) if setup.system else 0)
    upper, lower = Z[:m], Z[m:]
    by_row = None if counts is None else counts[setup.rows]
    if first_step == "identity":
        first = _gram(Z, None if counts is None else counts[setup.at])
    elif first_step == "full" and setup.system:
        first = _gram(M.T @ upper + lower, by_row)
    else:
        first = _gram(M.T @ upper, by_row)
        first = first + _gram(lower, by_row) if setup.system else first
    group = compress(setup.groups[setup.at])
    times = None
    if counts is not None:
        times = np.empty(int(group.max()) + 1)
        times[group] = counts[setup.at]
    return Moments(
        y=np.concatenate([M @ y, y]) if setup.system else np.asarray(M @ y),
        X=np.vstack([M @ X, X]) if setup.system else np.asarray(M @ X),
        Z=Z,
        group=group,
        first=first.toarray(),
        counts=times,
    )


def _gram(root: sparse.csr_array, counts: Matrix | None) -> sparse.csr_array:
    weighted = root if counts is None else sparse.diags_array(counts) @ root
    return sparse.csr_array(root.T @ weighted)

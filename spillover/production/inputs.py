"""What an estimator gets: the logged arrays of one group; and what became of the rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from spillover.errors import rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Names:
    """Column names behind the arrays of :class:`Inputs`."""

    output: str
    free: tuple[str, ...]
    state: tuple[str, ...]
    proxy: str | None = None
    markov: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Free, then state inputs.

        Returns
        -------
        tuple of str
        """
        return (*self.free, *self.state)


@dataclass(frozen=True, eq=False)
class Inputs:
    """The data of one group, in logs, sorted by firm and year.

    Attributes
    ----------
    group : str
    y : (n,) array
        Log output.
    free, state : (n, a) and (n, s) arrays
        Logs of the flexible and of the predetermined inputs.
    proxy : (n,) array or None
        Log of the proxy; NaN where it is missing or not positive if the method allows such rows
        (``optional`` in :func:`build_inputs`), else finite.
    markov : (n, q) array
        Drivers of productivity as they enter g(omega at t-1, drivers): for row (i, t) the value at
        t-1 (or t, with ``driver_lag=0``); NaN where that is unknown.
    extra : mapping of str to (n,) array
        Further columns as given, neither logged nor checked (NaN where missing).
    firm : (n,) int array
        Codes 0 ... firms-1, non-decreasing.
    year : (n,) int array
    previous : (n,) int array
        Row of the same firm in the calendar year before, in this group; -1 without one.
    survives : (n,) array
        1 if the panel has the firm in the next year (in any group), 0 if not, NaN in the last year.
    weights : (n,) array
        How often a row counts: 1, or the bootstrap's number of draws of its firm. The same for all
        rows of a firm. Estimators must use it in every sum.
    row : (n,) int array
        Position in the frame.
    names : Names
    """

    group: str
    y: NDArray[np.float64]
    free: NDArray[np.float64]
    state: NDArray[np.float64]
    proxy: NDArray[np.float64] | None
    markov: NDArray[np.float64]
    firm: NDArray[np.int64]
    year: NDArray[np.int64]
    previous: NDArray[np.int64]
    survives: NDArray[np.float64]
    weights: NDArray[np.float64]
    row: NDArray[np.int64]
    names: Names
    extra: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.y)

    @property
    def X(self) -> NDArray[np.float64]:  # noqa: N802 (the matrix's name in the literature)
        """Free and state inputs side by side, (n, a + s).

        Returns
        -------
        array
        """
        return np.column_stack([self.free, self.state])

    @property
    def has_lag(self) -> NDArray[np.bool_]:
        """Rows with the firm's calendar year before, (n,).

        Returns
        -------
        array of bool
        """
        return self.previous >= 0

    @property
    def second(self) -> NDArray[np.int64]:
        """Rows fit for the law of motion: with a lag and known drivers.

        Returns
        -------
        array of int
        """
        known = np.isfinite(self.markov).all(axis=1) if self.markov.shape[1] else True
        return np.flatnonzero(self.has_lag & known)

    @property
    def gaps(self) -> int:
        """Rows whose firm has earlier rows, but none in the calendar year before: no lag.

        Returns
        -------
        int
        """
        earlier = np.r_[False, self.firm[1:] == self.firm[:-1]][: len(self)]
        return int((earlier & ~self.has_lag).sum())

    @property
    def firms(self) -> int:
        """Number of firms.

        Returns
        -------
        int
        """
        return int(self.firm[-1]) + 1 if len(self.firm) else 0

    def lagged(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``x`` (n,) or (n, k) of the calendar year before, NaN where that is absent.

        Parameters
        ----------
        x : array

        Returns
        -------
        array of x's shape
        """
        out = np.asarray(x, dtype=float)[self.previous]
        out[~self.has_lag] = np.nan
        return out

    def take(self, keep: NDArray[np.bool_]) -> Inputs:
        """Keep some rows (not necessarily whole firms); lags and firm codes are renewed.

        Parameters
        ----------
        keep : (n,) bool array

        Returns
        -------
        Inputs
        """
        at = np.flatnonzero(keep)
        place = np.full(len(self) + 1, -1, dtype=np.int64)
        place[at] = np.arange(len(at))
        firm = self.firm[at]
        codes = np.cumsum(np.r_[False, firm[1:] != firm[:-1]]) if len(at) else firm
        return replace(
            self,
            y=self.y[at],
            free=self.free[at],
            state=self.state[at],
            proxy=None if self.proxy is None else self.proxy[at],
            markov=self.markov[at],
            firm=codes.astype(np.int64),
            year=self.year[at],
            previous=place[self.previous[at]],
            survives=self.survives[at],
            weights=self.weights[at],
            row=self.row[at],
            extra={name: column[at] for name, column in self.extra.items()},
        )

    def drawn(self, counts: NDArray[np.int64]) -> Inputs:
        """Return a bootstrap sample: each firm weighted by how often it was drawn.

        Parameters
        ----------
        counts : (firms,) array of int

        Returns
        -------
        Inputs
            Without the firms that were not drawn; the same sums as with rows copied and firms
            given new names.
        """
        times = counts[self.firm]
        part = self.take(times > 0)
        return replace(part, weights=part.weights * times[times > 0])


@dataclass(frozen=True, eq=False)
class Report:
    """What became of the rows.

    Attributes
    ----------
    rows, used : int
        In the frame; in groups that can be estimated.
    dropped : mapping of str to int
        Rows left out, by reason (the first that applies).
    failed : mapping of str to str
        Group -> why it cannot be estimated.
    why : Series of str
        Reason by row of the frame, "" where the row is used; the frame's index.
    notes : tuple of str
    where : mapping of str to mapping of str to int
        Reason -> group -> rows, without those of groups that are not estimated.
    """

    rows: int
    used: int
    dropped: Mapping[str, int]
    failed: Mapping[str, str]
    why: pd.Series[str]
    notes: tuple[str, ...] = ()
    where: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.used:,} of {rows(self.rows)} used"]
        lines += [f"dropped: {rows(count)}, {why}" for why, count in self.dropped.items()]
        lines += [f"not estimated: {group}: {why}" for group, why in self.failed.items()]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

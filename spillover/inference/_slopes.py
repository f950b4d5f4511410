"""The derivative of a regression in one variable, as weights on its coefficients."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spillover._frames import as_eager
from spillover.errors import SchemaError, did_you_mean, preview
from spillover.firms import FirmPanel
from spillover.panel.formula import evaluate, parse_formula
from spillover.panel.names import names_used, panel_calls, split
from spillover.panel.transforms import with_calls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover._frames import NativeFrame
    from spillover.panel.result import Fit

    Array = NDArray[np.float64]

LEARNING = ("poly", "bs", "cs", "cr", "cc", "scale", "center", "standardize")
"""Functions of formulas that depend on all rows, and so cannot be evaluated at one value."""
STENCIL = ((-2.0, 1 / 12), (-1.0, -2 / 3), (1.0, 2 / 3), (2.0, -1 / 12))
"""Steps and weights of the central difference of fourth order, exact for polynomials up to it."""
STEP = 1e-3
ROUNDING = 1e-11
"""Changes below this part of a column's size are none."""
POWERS = (2, 3)


@dataclass(frozen=True)
class Slopes:
    """How the outcome changes with ``term`` at given values of the other variables.

    Attributes
    ----------
    fit : Fit
    term : str
    side : str
        The parts of the formula with ``term`` in it.
    rows : pandas.DataFrame
        The columns that these parts use, on the rows of the regression.
    at : mapping of str to object
        Where the other variables are held.
    """

    fit: Fit
    term: str
    side: str
    rows: pd.DataFrame
    at: Mapping[str, Any]

    @cached_property
    def step(self) -> float:
        """A small change of the term, in its own units."""
        spread = float(np.nanstd(self.rows[self.term].to_numpy(dtype=np.float64)))
        return STEP * (spread if spread > 0 else 1.0)

    def weights(self, over: str, values: Sequence[Any] | Array) -> Array:
        """Return the weights (values, k) that give the slope from the k coefficients.

        Raises
        ------
        SchemaError
            If a term that matters has no coefficient in the fit.
        """
        held = {name: value for name, value in self.at.items() if name != over}
        grid = pd.DataFrame({over: self._column(over, values)}).assign(
            **{name: self._column(name, [value] * len(values)) for name, value in held.items()}
        )
        total, size = np.zeros((len(values), 0)), np.zeros(0)
        names: list[str] = []
        for steps, weight in STENCIL:
            moved = grid.copy()
            if over == self.term:
                moved[over] = grid[over] + steps * self.step
            else:
                moved[self.term] = grid[self.term].astype(float) + steps * self.step
            for name, (root, power) in self.tied.items():
                moved[name] = moved[root].astype(float) ** power
            matrix, names = evaluate(self.side, moved, intercept=True)
            part, largest = weight * matrix / self.step, np.abs(matrix).max(axis=0, initial=0.0)
            total = total + part if total.size else part
            size = np.maximum(size, largest) if size.size else largest
        total[np.abs(total) < ROUNDING * size / self.step] = 0.0
        slopes = pd.DataFrame(total, columns=names).drop(columns="Intercept", errors="ignore")
        self._check_known([str(name) for name in slopes if slopes[name].abs().max() > 0])
        weights: Array = slopes.reindex(columns=self.fit.params.index, fill_value=0.0).to_numpy()
        return weights

    def _check_known(self, names: Sequence[str]) -> None:
        absent = [name for name in names if name not in self.fit.params.index]
        if absent:
            hint = " Split several quantiles with sp.panel.by_quantile()."
            raise SchemaError(
                f"The fit has no coefficient {preview(absent)}, on which the effect of "
                f"{self.term!r} depends.{hint if self.fit.estimator == 'quantile' else ''}"
            )

    @cached_property
    def tied(self) -> dict[str, tuple[str, int]]:
        """Columns that are powers of another: column -> (the other, power)."""
        numeric = [name for name in map(str, self.rows) if self.rows[name].dtype.kind in "biuf"]
        found: dict[str, tuple[str, int]] = {}
        for name in numeric:
            values = self.rows[name].to_numpy(dtype=np.float64)
            if np.isin(values, (0.0, 1.0)).all():
                continue
            for root in numeric:
                base = self.rows[root].to_numpy(dtype=np.float64)
                for power in POWERS:
                    if name != root and np.allclose(values, base**power, rtol=1e-9, atol=0):
                        found[name] = (root, power)
        return found

    def _column(self, name: str, values: Sequence[Any] | Array) -> Any:  # noqa: ANN401
        """Return values as a column of the type that the regression had."""
        sample = self.rows[name]
        if sample.dtype.kind in "biuf":
            return np.asarray(values, dtype=np.float64)
        known = levels(sample)
        strange = [value for value in values if value not in known]
        if strange:
            raise SchemaError(f"{name!r} has no value {preview(strange)}; it has {preview(known)}.")
        return pd.Categorical(list(values), categories=known)


def levels(column: pd.Series[Any]) -> list[Any]:
    """Return the categories that a column has, as formulas order them."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return list(column.cat.remove_unused_categories().cat.categories)
    return sorted(column.dropna().unique())


def slopes_of(
    fit: Fit,
    term: str,
    over: str,
    data: FirmPanel | NativeFrame | None,
    at: Mapping[str, Any] | None,
) -> Slopes:
    """Find the parts of a formula with ``term``, and the columns that they use.

    Raises
    ------
    SchemaError
        If the formula does not use ``term``, or uses it in a function that learns from all rows;
        if the columns are neither in the fit nor in ``data``; if ``at`` names an unused column.
    """
    model = parse_formula(fit.formula)
    parts = [*split(model.regressors, "+"), *(split(model.endogenous, "+"))]
    known = _columns_of(fit, data)
    used = {part.strip(): names_used(part, known, made=True) for part in parts if part.strip()}
    chosen = {part: names for part, names in used.items() if term in names}
    every = list(dict.fromkeys(name for names in used.values() for name in names))
    if not chosen:
        raise SchemaError(
            f"term={term!r} is no variable of {fit.formula!r}.{did_you_mean(term, every)}"
        )
    for part in chosen:
        learning = [name for name in LEARNING if re.search(rf"(?<![\w.]){name}\s*\(", part)]
        if learning:
            raise SchemaError(
                f"{part!r}: {learning[0]}() depends on all rows, so that its slope at one value is "
                f"not known. Write powers, such as I({term}**2), or make the column beforehand."
            )
    names = list(dict.fromkeys(name for names in chosen.values() for name in names))
    if over not in names and over in every:
        raise SchemaError(
            f"The effect of {term!r} does not depend on {over!r}: they are not interacted. Fit "
            f"with {term}:{over}."
        )
    if over not in names:
        hint = did_you_mean(over, [name for name in names if name != term] or names)
        raise SchemaError(f"over={over!r} does not stand in a product with {term!r}.{hint}")
    side = " + ".join(chosen)
    rows = _rows(fit, side, names, data)
    if rows[term].dtype.kind not in "biuf":
        raise SchemaError(f"term={term!r} holds {rows[term].dtype}, not numbers.")
    return Slopes(fit, term, side, rows, _held(rows, at))


def _columns_of(fit: Fit, data: FirmPanel | NativeFrame | None) -> list[str]:
    """Return column names that the formula may use, as far as they are known."""
    if data is None:
        return list(fit.estimated.design.terms) if fit.estimated else []
    return (data.frame if isinstance(data, FirmPanel) else as_eager(data, "data")).columns


def _rows(
    fit: Fit, side: str, names: Sequence[str], data: FirmPanel | NativeFrame | None
) -> pd.DataFrame:
    """Return the columns on the rows of the regression, from the data or from the fit."""
    if data is None:
        return _rows_of_fit(fit, names)
    eager = data.frame if isinstance(data, FirmPanel) else as_eager(data, "data")
    if len(eager) != len(fit.used):
        raise SchemaError(
            f"data has {len(eager):,} rows, but the regression was given {len(fit.used):,}: pass "
            "the frame that it was fitted on."
        )
    calls = panel_calls(side)
    wanted = [*names_used(side, eager.columns), *(["firm", "year"] if calls else [])]
    absent = [name for name in dict.fromkeys(wanted) if name not in eager.columns]
    if absent:
        raise SchemaError(f"data has no column {preview(absent)}.")
    frame = eager.select(list(dict.fromkeys(wanted))).to_pandas()
    frame = with_calls(frame, [side])
    return frame.loc[fit.used, list(names)].reset_index(drop=True)


def _rows_of_fit(fit: Fit, names: Sequence[str]) -> pd.DataFrame:
    estimated = fit.estimated
    found = {} if estimated is None or fit.transform else dict.fromkeys(estimated.design.terms)
    absent = [name for name in names if name not in found]
    if absent or estimated is None:
        raise SchemaError(
            f"The fit does not hold the column(s) {preview(absent or list(names))} by themselves: "
            "pass data=, the frame that it was fitted on."
        )
    places = {name: list(estimated.design.terms).index(name) for name in names}
    return pd.DataFrame({name: estimated.design.X[:, at] for name, at in places.items()})


def _held(rows: pd.DataFrame, at: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return where variables are held: as given, else at their mean or commonest value."""
    given = dict(at or {})
    strange = [name for name in given if name not in rows.columns]
    if strange:
        raise SchemaError(
            f"at= names {preview(strange)}, on which the effect does not depend."
            f"{did_you_mean(strange[0], list(rows.columns))}"
        )
    for name in map(str, rows):
        if name in given:
            continue
        numeric = rows[name].dtype.kind in "biuf"
        given[name] = float(rows[name].mean()) if numeric else rows[name].mode().iloc[0]
    return given

"""Read ``y ~ x1 + x2 | firm + year + region^year``, the notation of fixest and pyfixest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from formulaic import Formula
from formulaic.errors import FormulaicError

from spillover.errors import SchemaError, did_you_mean, preview

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Effect = tuple[str, ...]
"""The columns whose interaction is one absorbed effect or one clustering level."""

_NAME = re.compile(r"[^\W\d]\w*")
_BY_ROW = re.compile(r"\blag\s*\(")
EXAMPLE = "'tfp ~ horizontal + backward | firm + year'"


@dataclass(frozen=True)
class Model:
    """A parsed formula.

    Attributes
    ----------
    outcome, regressors : str
        The left side, and the first part of the right side.
    absorbed : tuple of Effect
        The absorbed effects, in the order written.
    """

    outcome: str
    regressors: str
    absorbed: tuple[Effect, ...]

    def __str__(self) -> str:
        effects = " + ".join(effect_name(effect) for effect in self.absorbed)
        return f"{self.outcome} ~ {self.regressors}" + (f" | {effects}" if effects else "")


def effect_name(effect: Effect) -> str:
    """Write an effect as in the formula.

    Examples
    --------
    >>> effect_name(("region", "year"))
    'region^year'
    """
    return "^".join(effect)


def parse_effect(text: str) -> Effect:
    """Read one effect such as ``region^year``.

    Raises
    ------
    SchemaError
        If it is not one name, or several joined by ``^``.

    Examples
    --------
    >>> parse_effect("region^year")
    ('region', 'year')
    """
    names = tuple(part.strip() for part in text.split("^"))
    if not all(_NAME.fullmatch(name) for name in names):
        raise SchemaError(
            f"{text.strip()!r} is no absorbed effect or cluster: write a column's name, or several "
            "joined by ^ for their interaction, as in region^year."
        )
    return names


def parse_formula(formula: str) -> Model:
    """Split a formula into outcome, regressors and absorbed effects.

    Parameters
    ----------
    formula : str
        ``outcome ~ regressors`` or ``outcome ~ regressors | effect + effect``. Outcome and
        regressors may use formulaic's transforms, such as ``log(capital)`` or ``C(region)``.

    Raises
    ------
    SchemaError

    Examples
    --------
    >>> parse_formula("tfp ~ backward | firm + region^year").absorbed
    (('firm',), ('region', 'year'))
    """
    if not isinstance(formula, str):
        raise SchemaError(f"formula is a {type(formula).__name__}; give text, as in {EXAMPLE}.")
    left, mark, right = (side.strip() for side in formula.partition("~"))
    parts = [part.strip() for part in _split(right, "|")]
    if not mark or any("~" in part for part in parts[:2]):
        raise SchemaError(f"formula={formula!r} needs exactly one '~', as in {EXAMPLE}.")
    if not left or not parts[0]:
        raise SchemaError(f"formula={formula!r} lacks a side, as in {EXAMPLE}.")
    if len(parts) > 2:
        raise SchemaError(
            f"formula={formula!r} has {len(parts)} parts on the right; it takes regressors and "
            "absorbed effects, separated by one '|'. Instruments: use linearmodels.IV2SLS."
        )
    if _BY_ROW.search(formula):
        raise SchemaError(
            f"formula={formula!r} uses lag(), which would shift rows, across firms and gaps in the "
            "years. Add a column with the value of the firm's previous calendar year instead."
        )
    effects: tuple[Effect, ...] = ()
    if len(parts) == 2:
        if not parts[1]:
            raise SchemaError(f"formula={formula!r} names no effect after '|'.")
        effects = tuple(parse_effect(text) for text in parts[1].split("+"))
    if len(set(effects)) < len(effects):
        raise SchemaError(f"formula={formula!r} names an absorbed effect twice.")
    return Model(left, parts[0], effects)


def _split(text: str, mark: str) -> list[str]:
    """Split at ``mark`` outside brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        if char == mark and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def required_columns(model: Model) -> list[str]:
    """List the data columns that the outcome and the regressors use.

    Raises
    ------
    SchemaError
        If a side is no valid formula.

    Examples
    --------
    >>> required_columns(parse_formula("log(y) ~ x + log(k) | firm"))
    ['y', 'x', 'k']
    """
    names: list[str] = []
    for side in (model.outcome, model.regressors):
        try:
            used = Formula(f"0 + {side}").required_variables
        except (FormulaicError, SyntaxError) as error:
            plain = str(error).splitlines()[0]  # what follows draws the place in colours
            raise SchemaError(f"{side!r} is no valid formula: {plain}") from error
        order = sorted(used, key=lambda name: side.find(str(name)))
        names += [str(name) for name in order if str(name) not in names]
    return names


def check_present(names: Sequence[str], columns: Sequence[str], role: str) -> None:
    """Raise unless every name is a column.

    Raises
    ------
    SchemaError
    """
    absent = [name for name in names if name not in columns]
    if absent:
        raise SchemaError(
            f"The data have no column {preview(absent)} ({role}).{did_you_mean(absent[0], columns)}"
        )


def evaluate(
    side: str, frame: pd.DataFrame, *, intercept: bool, implied: bool = False
) -> tuple[NDArray[np.float64], list[str]]:
    """Evaluate one side of a formula.

    Parameters
    ----------
    side : str
    frame : pandas.DataFrame
    intercept : bool
        Whether the result has an intercept (unless the formula says ``0 +``).
    implied : bool
        Whether absorbed effects span the intercept: categories are then coded against a base.

    Returns
    -------
    (n, k) array and k names
        Missing values stay missing.

    Raises
    ------
    SchemaError
        If the formula cannot be evaluated on the data.
    """
    plain = [term.strip() for term in side.split("+")]
    numeric = all(
        term in frame.columns and frame[term].dtype.kind in "biuf" for term in plain
    ) and len(set(plain)) == len(plain)
    if numeric:
        columns = [frame[term].to_numpy(dtype=np.float64, na_value=np.nan) for term in plain]
        if intercept:
            columns, plain = [np.ones(len(frame)), *columns], ["Intercept", *plain]
        return np.column_stack(columns), plain
    for name in required_columns(Model(side, side, ())):
        kind = pd.api.types.infer_dtype(frame[name]) if frame[name].dtype == object else "string"
        if kind not in {"string", "boolean", "empty"}:
            raise SchemaError(
                f"{name!r} holds {kind} values as Python objects, which a formula would take for "
                "categories; convert it, with astype(float) for example."
            )
    matrix = _materialise(side if intercept or implied else f"0 + {side}", frame)
    if implied:
        matrix = matrix.drop(columns="Intercept", errors="ignore")
    text = [name for name in matrix.columns if matrix[name].dtype.kind not in "biuf"]
    if text:
        raise SchemaError(f"{preview(text)} in {side!r} are not numbers.")
    return matrix.to_numpy(dtype=np.float64), [str(name) for name in matrix.columns]


def _materialise(formula: str, frame: pd.DataFrame) -> pd.DataFrame:
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            matrix: Any = Formula(formula).get_model_matrix(
                frame, na_action="ignore", context={}, output="pandas"
            )
    except (FormulaicError, SyntaxError, TypeError, ValueError) as error:
        raise SchemaError(f"{formula!r} cannot be evaluated on the data: {error}") from error
    result: pd.DataFrame = matrix
    return result

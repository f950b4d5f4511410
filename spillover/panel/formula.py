"""Read ``y ~ x1 + x2 | firm + year | endogenous ~ instruments``, the notation of fixest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, did_you_mean, preview
from spillover.panel.names import names_used, protect, restore, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Effect = tuple[str, ...]
"""The columns whose interaction is one absorbed effect or one clustering level."""

_NAME = re.compile(r"[^\W\d]\w*")
EXAMPLE = "'tfp ~ horizontal + backward | firm + year'"
WITH_INSTRUMENTS = "'tfp ~ horizontal | firm + year | backward ~ z1 + z2'"


@dataclass(frozen=True)
class Model:
    """A parsed formula.

    Attributes
    ----------
    outcome, regressors : str
        The left side, and the first part of the right side.
    absorbed : tuple of Effect
        The absorbed effects, in the order written.
    endogenous, instruments : str
        Of the last part; empty without instruments.
    """

    outcome: str
    regressors: str
    absorbed: tuple[Effect, ...]
    endogenous: str = ""
    instruments: str = ""

    def __str__(self) -> str:
        effects = " + ".join(effect_name(effect) for effect in self.absorbed)
        return (
            f"{self.outcome} ~ {self.regressors}"
            + (f" | {effects}" if effects else "")
            + (f" | {self.endogenous} ~ {self.instruments}" if self.endogenous else "")
        )

    @property
    def sides(self) -> tuple[str, ...]:
        """The parts that hold variables: outcome, regressors, endogenous, instruments.

        Returns
        -------
        tuple of str
        """
        parts = (self.outcome, self.regressors, self.endogenous, self.instruments)
        return tuple(part for part in parts if part)


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
    """Split a formula into outcome, regressors, absorbed effects and instruments.

    Parameters
    ----------
    formula : str
        ``outcome ~ regressors``, then ``| effect + effect`` and ``| endogenous ~ instruments``,
        each or both. Outcome, regressors and instruments may use formulaic's transforms, such as
        ``log(capital)`` or ``C(region)``, and ``lag(x, k)``, ``lead(x, k)``, ``diff(x, k)``.

    Raises
    ------
    SchemaError

    Examples
    --------
    >>> parse_formula("tfp ~ backward | firm + region^year").absorbed
    (('firm',), ('region', 'year'))
    >>> parse_formula("tfp ~ 1 | firm | backward ~ tariff + quota").instruments
    'tariff + quota'
    """
    if not isinstance(formula, str):
        raise SchemaError(f"formula is a {type(formula).__name__}; give text, as in {EXAMPLE}.")
    left, mark, right = (side.strip() for side in formula.partition("~"))
    parts = [part.strip() for part in split(right, "|")]
    last = [side.strip() for side in split(parts[-1], "~")] if len(parts) > 1 else []
    instrumented = len(last) == 2
    if not mark:
        raise SchemaError(f"formula={formula!r} needs exactly one '~', as in {EXAMPLE}.")
    if any("~" in part for part in parts[: len(parts) - instrumented]):
        raise SchemaError(
            f"formula={formula!r} needs exactly one '~' before the first '|', as in {EXAMPLE}; a "
            f"second one is for instruments, last: {WITH_INSTRUMENTS}."
        )
    if not left or not parts[0] or (instrumented and not all(last)):
        raise SchemaError(f"formula={formula!r} lacks a side, as in {EXAMPLE}.")
    middle = parts[1 : len(parts) - instrumented]
    if len(middle) > 1:
        raise SchemaError(
            f"formula={formula!r} has {len(parts)} parts on the right; it takes regressors, then "
            "absorbed effects, then 'endogenous ~ instruments', separated by '|', as in "
            f"{WITH_INSTRUMENTS}."
        )
    effects: tuple[Effect, ...] = ()
    if middle:
        if not middle[0]:
            raise SchemaError(f"formula={formula!r} names no effect after '|'.")
        effects = tuple(parse_effect(text) for text in middle[0].split("+"))
    if len(set(effects)) < len(effects):
        raise SchemaError(f"formula={formula!r} names an absorbed effect twice.")
    return Model(left, parts[0], effects, *(last if instrumented else ("", "")))


def required_columns(model: Model, columns: Sequence[str] = ()) -> list[str]:
    """List the data columns that the sides of the formula use.

    Parameters
    ----------
    model : Model
    columns : sequence of str
        The data's columns; a name that is one of them and also a function of formulas (``log``) is
        a column unless a bracket follows.

    Raises
    ------
    SchemaError
        If a side is no valid formula.

    Examples
    --------
    >>> required_columns(parse_formula("log(y) ~ x + log(k) | firm"))
    ['y', 'x', 'k']
    """
    from formulaic import Formula  # noqa: PLC0415 (slow, and of no use before a fit)
    from formulaic.errors import FormulaicError  # noqa: PLC0415

    names: list[str] = []
    for side in model.sides:
        try:
            Formula(f"0 + {protect(side, columns)}")
        except (FormulaicError, SyntaxError) as error:
            plain = restore(str(error).splitlines()[0])  # what follows draws the place in colours
            raise SchemaError(f"{side!r} is no valid formula: {plain}") from error
        names += names_used(side, columns)
    return list(dict.fromkeys(names))


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


def plain_terms(side: str, columns: Sequence[str]) -> list[str] | None:
    """Return the terms of a side if all of them are columns (or calls made into columns).

    Examples
    --------
    >>> plain_terms("x + lag(x, 1)", ["x", "lag(x, 1)"])
    ['x', 'lag(x, 1)']
    >>> plain_terms("x + log(x)", ["x"]) is None
    True
    """
    terms = [restore(term.strip()) for term in split(protect(side, columns), "+")]
    if all(term in columns for term in terms) and len(set(terms)) == len(terms):
        return terms
    return None


def evaluate(
    side: str, frame: pd.DataFrame, *, intercept: bool, implied: bool = False
) -> tuple[NDArray[np.float64], list[str]]:
    """Evaluate one side of a formula.

    Parameters
    ----------
    side : str
    frame : pandas.DataFrame
        With the values of ``lag(x, 1)`` in a column of that name, and so on.
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
    plain = plain_terms(side, list(frame.columns))
    if plain is not None and all(frame[term].dtype.kind in "biuf" for term in plain):
        columns = [frame[term].to_numpy(dtype=np.float64, na_value=np.nan) for term in plain]
        if intercept:
            columns, plain = [np.ones(len(frame)), *columns], ["Intercept", *plain]
        return np.column_stack(columns), plain
    used = names_used(side, list(frame.columns), made=True)
    for name in used:
        kind = pd.api.types.infer_dtype(frame[name]) if frame[name].dtype == object else "string"
        if kind not in {"string", "boolean", "empty"}:
            raise SchemaError(
                f"{name!r} holds {kind} values as Python objects, which a formula would take for "
                "categories; convert it, with astype(float) for example."
            )
    text = protect(side, list(frame.columns))
    view = frame[used].rename(columns=lambda name: protect(f"`{name}`", [name]).strip("`"))
    matrix = _materialise(text if intercept or implied else f"0 + {text}", view, side)
    if implied:
        matrix = matrix.drop(columns="Intercept", errors="ignore")
    strange = [restore(n) for n in matrix.columns if matrix[n].dtype.kind not in "biuf"]
    if strange:
        raise SchemaError(f"{preview(strange)} in {side!r} are not numbers.")
    return matrix.to_numpy(dtype=np.float64), [restore(str(name)) for name in matrix.columns]


def _materialise(formula: str, frame: pd.DataFrame, side: str) -> pd.DataFrame:
    from formulaic import Formula  # noqa: PLC0415 (slow, and of no use before a fit)
    from formulaic.errors import FormulaicError  # noqa: PLC0415

    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            matrix: Any = Formula(formula).get_model_matrix(
                frame, na_action="ignore", context={}, output="pandas"
            )
    except (FormulaicError, SyntaxError, TypeError, ValueError) as error:
        reason = restore(str(error))
        raise SchemaError(f"{side!r} cannot be evaluated on the data: {reason}") from error
    result: pd.DataFrame = matrix
    return result

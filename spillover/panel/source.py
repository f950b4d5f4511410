"""The rows of one sample, and the columns and codes that formulas ask of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, check_choice, preview
from spillover.panel.codes import encode, without_singletons
from spillover.panel.formula import check_present, evaluate, plain_terms, required_columns
from spillover.panel.names import names_used, panel_calls
from spillover.panel.transforms import Calendar, with_calls

if TYPE_CHECKING:
    import narwhals as nw
    from numpy.typing import NDArray

    from spillover.panel.formula import Effect, Model

    Column = NDArray[np.float64]
    Codes = NDArray[np.intp]

Mask = Sequence[bool] | np.ndarray[Any, np.dtype[np.bool_]] | pd.Series
Sample = Literal["all", "domestic", "foreign"] | Mask | Callable[[pd.DataFrame], Mask]
DOMESTIC_BELOW = 0.10
"""Firms with a smaller foreign share are domestic (the OECD's and IMF's line for direct
investment)."""


class Parts(NamedTuple):
    """The columns of one model on all rows of a sample."""

    y: Column
    X: list[Column]
    terms: list[str]
    endogenous: tuple[str, ...]
    Z: list[Column]
    Z_terms: list[str]


class Source:
    """The chosen rows of the data, with what was read from them.

    Attributes
    ----------
    frame : pandas.DataFrame
        The chosen rows.
    chosen : (rows of the data,) bool array
    label : str
        The sample's name.
    dropped : dict of str to int
        Rows that the sample leaves out, by reason.
    length : int
        Calendar years of the difference, 0 for levels.
    unmatched : (rows,) bool array or None
        Rows without the firm's row ``length`` years earlier.
    """

    def __init__(
        self,
        eager: nw.DataFrame[Any],
        models: Sequence[Model],
        *,
        sample: Sample,
        levels: Sequence[Effect],
        weights: str | None,
        length: int = 0,
    ) -> None:
        frame = _read(eager, models, sample, levels, weights, timed=length > 0)
        self.chosen, self.label, self.dropped = _choose(frame, sample)
        frame = with_calls(frame, [side for model in models for side in model.sides])
        self.length = length
        everything = self.chosen.all()
        self.frame = frame if everything else frame.loc[self.chosen]
        self.unmatched: NDArray[np.bool_] | None = None
        self._full: pd.DataFrame | None = None
        if length:
            self._full = frame
            self._earlier = Calendar.from_frame(frame).partner(length)
            self.unmatched = self._earlier[self.chosen] < 0
        self._codes: dict[Effect, Codes] = {}
        self._sides: dict[tuple[str, bool, bool], tuple[list[Column], list[str]]] = {}
        self._plain: dict[str, Column] = {}
        self._weights: dict[str, Column] = {}
        self._gaps: dict[int, NDArray[np.bool_] | None] = {}
        self._absent: dict[Effect, NDArray[np.bool_] | None] = {}
        self._held: dict[tuple[tuple[Effect, ...], bytes], NDArray[np.bool_]] = {}
        self._ones: Column | None = None

    def codes(self, effect: Effect) -> Codes:
        """Return the levels of an effect on the chosen rows, -1 where missing.

        Returns
        -------
        (rows,) array
        """
        if effect not in self._codes:
            self._codes[effect] = encode(self.frame, effect)
        return self._codes[effect]

    def absent(self, effect: Effect) -> NDArray[np.bool_] | None:
        """Return where a level is missing, None where nowhere.

        Returns
        -------
        (rows,) bool array or None
        """
        if effect not in self._absent:
            bad = self.codes(effect) < 0
            self._absent[effect] = bad if bad.any() else None
        return self._absent[effect]

    def gaps(self, column: Column) -> NDArray[np.bool_] | None:
        """Return where a column of :meth:`parts` or :meth:`weights` is not finite; None if nowhere.

        Returns
        -------
        (rows,) bool array or None
        """
        key = id(column)  # parts and weights keep their columns alive
        if key not in self._gaps:
            bad = ~np.isfinite(column)
            self._gaps[key] = bad if bad.any() else None
        return self._gaps[key]

    def held(self, effects: tuple[Effect, ...], keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Leave out rows that are alone in a level of an absorbed effect, until none is left.

        Returns
        -------
        (rows,) bool array
        """
        key = (tuple(sorted(effects)), np.packbits(keep).tobytes())
        if key not in self._held:
            self._held[key] = without_singletons([self.codes(e) for e in effects], keep)
        return self._held[key]

    def weights(self, name: str) -> Column:
        """Return a column of weights.

        Raises
        ------
        SchemaError
            If they are no numbers, or not positive.
        """
        if name in self._weights:
            return self._weights[name]
        if self.frame[name].dtype.kind not in "biuf":
            raise SchemaError(f"weights {name!r} holds {self.frame[name].dtype}, not numbers.")
        w = self.frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
        if (w <= 0).any():
            raise SchemaError(f"weights {name!r}: {int((w <= 0).sum())} values are not positive.")
        self._weights[name] = w
        return w

    def parts(self, model: Model, used: NDArray[np.bool_] | None = None) -> Parts:
        """Evaluate the sides of a model.

        Parameters
        ----------
        model : Model
        used : (rows,) bool array, optional
            Evaluate on these rows only, so that categories are coded by what they have.

        Returns
        -------
        Parts

        Raises
        ------
        SchemaError
            If the outcome is not one column, or no regressor is left.
        """
        absorbing = bool(model.absorbed)
        (y, *others), names = self._side(model.outcome, used, intercept=False, implied=False)
        if others:
            raise SchemaError(f"The outcome {model.outcome!r} has {len(names)} columns.")
        X, terms = self._side(model.regressors, used, intercept=not absorbing, implied=absorbing)
        endogenous: list[str] = []
        Z: list[Column] = []
        Z_terms: list[str] = []
        if model.endogenous:
            more, endogenous = self._side(model.endogenous, used, intercept=False, implied=False)
            spanned = absorbing or "Intercept" in terms
            Z, Z_terms = self._side(model.instruments, used, intercept=False, implied=spanned)
            _check_roles(terms, endogenous, Z_terms)
            X, terms = [*X, *more], [*terms, *endogenous]
        if not terms:
            raise SchemaError(
                f"{model.regressors!r} leaves no regressor: it is empty, or its categories do not "
                "vary."
            )
        return Parts(y, X, terms, tuple(endogenous), Z, Z_terms)

    def has_categories(self, model: Model) -> bool:
        """Whether a side of the model may hold categories.

        Returns
        -------
        bool
        """
        return any(self._categories(side) for side in model.sides)

    def _categories(self, side: str) -> bool:
        names = names_used(side, list(self.frame.columns))
        return "C(" in side or any(self.frame[n].dtype.kind not in "biuf" for n in names)

    def _side(
        self, side: str, used: NDArray[np.bool_] | None, *, intercept: bool, implied: bool
    ) -> tuple[list[Column], list[str]]:
        """Evaluate a side, differenced where the source is."""
        key = (side, intercept, implied)
        if used is None and key in self._sides:
            return self._sides[key]
        frame = self.frame if self._full is None else self._full
        if used is not None and self._full is None:
            frame = frame.loc[used]
            for name in frame.columns:
                if isinstance(frame[name].dtype, pd.CategoricalDtype):
                    frame = frame.assign(**{name: frame[name].cat.remove_unused_categories()})
        plain = plain_terms(side, list(frame.columns))
        if plain is not None and all(frame[term].dtype.kind in "biuf" for term in plain):
            columns = [self._plain_column(term) for term in plain]
            names = plain
            if intercept:
                columns, names = [self._constant(), *columns], ["Intercept", *names]
            columns = columns if used is None else [column[used] for column in columns]
        else:
            matrix, names = evaluate(side, frame, intercept=intercept, implied=implied)
            columns = list(matrix.T)
            if self._full is not None:
                columns = self._differenced(side, columns, names)
                columns = columns if used is None else [column[used] for column in columns]
        if used is None:
            self._sides[key] = (columns, names)
        return columns, names

    def _plain_column(self, term: str) -> Column:
        """Return a column as numbers, the same array each time."""
        if term not in self._plain:
            frame = self.frame if self._full is None else self._full
            values = frame[term].to_numpy(dtype=np.float64, na_value=np.nan)
            if self._full is not None:
                (values,) = self._differenced(term, [values], [term])
            self._plain[term] = values
        return self._plain[term]

    def _constant(self) -> Column:
        if self._ones is None:
            self._ones = np.ones(len(self.frame))
        return self._ones

    def _differenced(self, side: str, columns: list[Column], names: list[str]) -> list[Column]:
        """Difference columns over the calendar; a constant stays, as the average growth."""
        if self._categories(side):
            raise SchemaError(
                f"{side!r} has a category, which has no difference: absorb it after '|', where it "
                "is taken at the end year."
            )
        earlier = self._earlier[self.chosen]

        def change(column: Column) -> Column:
            before = column[earlier]
            before[earlier < 0] = np.nan
            return column[self.chosen] - before

        return [
            self._constant() if name == "Intercept" else change(column)
            for name, column in zip(names, columns, strict=True)
        ]


def _check_roles(exogenous: list[str], endogenous: list[str], instruments: list[str]) -> None:
    """Refuse a variable in two roles, and more endogenous variables than instruments."""
    for one, other, text in (
        (
            exogenous,
            endogenous,
            "both a regressor and endogenous; write it after the last '|' only",
        ),
        (endogenous, instruments, "its own instrument; write it among the regressors instead"),
        (
            exogenous,
            instruments,
            "a regressor and thus an instrument already; drop it after the '~'",
        ),
    ):
        both = [name for name in one if name in other]
        if both:
            raise SchemaError(f"{preview(both)} is {text}.")
    if len(instruments) < len(endogenous):
        raise SchemaError(
            f"{len(endogenous)} endogenous regressors ({preview(endogenous)}) need at least as "
            f"many instruments; there are {len(instruments)} ({preview(instruments)})."
        )


def _read(
    eager: nw.DataFrame[Any],
    models: Sequence[Model],
    sample: Sample,
    levels: Sequence[Effect],
    weights: str | None,
    *,
    timed: bool,
) -> pd.DataFrame:
    """Read the columns that are needed; all, where the sample is a function of them."""
    if isinstance(sample, str):
        check_choice("sample", sample, ("all", "domestic", "foreign"))
    columns = eager.columns
    wanted: list[str] = []
    effects = list(levels)
    for model in models:
        wanted += required_columns(model, columns)
        effects += model.absorbed
    check_present(list(dict.fromkeys(wanted)), columns, "in the formula")
    grouped = sorted({name for effect in effects for name in effect})
    check_present(grouped, columns, "absorbed effect or cluster")
    extra = [weights] if weights else []
    check_present(extra, columns, "weights")
    if isinstance(sample, str) and sample != "all":
        check_present(["foreign_share"], columns, f"needed by sample={sample!r}")
        extra.append("foreign_share")
    if timed or any(panel_calls(side) for model in models for side in model.sides):
        check_present(["firm", "year"], columns, "needed by lags and differences")
        extra += ["firm", "year"]
    names = list(dict.fromkeys([*wanted, *grouped, *extra]))
    frame: pd.DataFrame = (eager if callable(sample) else eager.select(names)).to_pandas()
    return frame


def _choose(frame: pd.DataFrame, sample: Sample) -> tuple[NDArray[np.bool_], str, dict[str, int]]:
    """Return the mask of the sample, its name, and the rows it leaves out by reason."""
    if isinstance(sample, str):
        if sample == "all":
            return np.ones(len(frame), dtype=bool), "all firms", {}
        if frame["foreign_share"].dtype.kind not in "biuf":
            held = frame["foreign_share"].dtype
            raise SchemaError(f"'foreign_share' holds {held}, not numbers from 0 to 1.")
        share = frame["foreign_share"].to_numpy(dtype=np.float64, na_value=np.nan)
        if sample == "domestic":
            chosen, label = share < DOMESTIC_BELOW, f"foreign share < {DOMESTIC_BELOW:g}"
        else:
            chosen, label = share >= DOMESTIC_BELOW, f"foreign share >= {DOMESTIC_BELOW:g}"
        unknown = int(np.isnan(share).sum())
        dropped = {f"other than {sample} firms": int(len(share) - chosen.sum()) - unknown}
        if unknown:
            dropped["foreign_share missing"] = unknown
        return chosen, f"{sample} firms ({label})", {k: v for k, v in dropped.items() if v}
    mask = np.asarray(sample(frame) if callable(sample) else sample)
    if mask.dtype != bool or mask.shape != (len(frame),):
        raise SchemaError(
            f"sample= must be one True or False per row: shape {(len(frame),)}, got "
            f"{mask.dtype} of shape {mask.shape}."
        )
    left_out = int((~mask).sum())
    name = getattr(sample, "__name__", "<lambda>")
    label = "selected firms" if name == "<lambda>" else name.replace("_", " ")
    return mask, label, {"not selected": left_out} if left_out else {}

"""Who is treated when: cohorts, event time, and the rows that an event study can use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from spillover._frames import as_eager
from spillover.errors import SchemaError, check_choice, preview
from spillover.panel.formula import check_present, evaluate
from spillover.panel.names import names_used

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover._frames import NativeFrame

    Array = NDArray[np.float64]

Leavers = Literal["raise", "drop", "absorb"]
NEVER = np.nan


@dataclass(frozen=True)
class EventDesign:
    """The rows of an event study.

    Attributes
    ----------
    frame : pandas.DataFrame
        unit, time (int), y, cohort (first treated year) and event (years since then), both missing
        for the never treated, treated (0 or 1), and controls x0, x1, ...
    controls : tuple of str
        Names of the control columns.
    leads, lags : int
        Event time is binned from ``-leads`` down and from ``lags`` up.
    dropped : mapping of str to int
        Rows left out, by reason.
    """

    frame: pd.DataFrame
    controls: tuple[str, ...]
    leads: int
    lags: int
    dropped: dict[str, int]

    @property
    def bins(self) -> pd.Series[float]:
        """Event time with its ends binned; missing for the never treated."""
        return self.frame["event"].clip(-self.leads, self.lags)

    @property
    def never(self) -> bool:
        """Whether a unit is never treated."""
        return bool(self.frame["cohort"].isna().any())

    def without(self, rows: NDArray[np.bool_]) -> EventDesign:
        """Leave rows out."""
        kept = self.frame[~rows].reset_index(drop=True)
        return EventDesign(kept, self.controls, self.leads, self.lags, self.dropped)


def build_events(
    data: NativeFrame,
    outcome: str,
    treatment: str,
    controls: str,
    *,
    unit: str,
    time: str,
    leads: int,
    lags: int,
    leavers: Leavers,
    always: Literal["drop", "keep"] = "drop",
) -> EventDesign:
    """Read a panel with a 0/1 treatment.

    Raises
    ------
    SchemaError
        For absent columns, a treatment other than 0 and 1, two rows of a unit and time, units that
        leave treatment (unless ``leavers`` says what to do), or no unit that enters it.
    """
    check_choice("leavers", leavers, ("raise", "drop", "absorb"))
    for name, value in (("leads", leads), ("lags", lags)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise SchemaError(f"{name}={value!r}: give a whole number of years, 1 or more.")
    frame, names, dropped = _read(data, outcome, treatment, controls, unit=unit, time=time)
    frame = _absorbing(frame, treatment, leavers, dropped)
    first = frame[frame["treated"] > 0].groupby("unit")["time"].min()
    frame["cohort"] = frame["unit"].map(first).astype(float)
    frame["event"] = frame["time"] - frame["cohort"]
    start = frame.groupby("unit")["time"].transform("min")
    already = (frame["cohort"] == start).to_numpy()
    if always == "drop":
        _count(dropped, "of units treated from their first row on", int(already.sum()))
        frame = frame[~already].reset_index(drop=True)
    missing = frame[["y", *names]].isna().any(axis=1).to_numpy()
    _count(dropped, "without outcome or controls", int(missing.sum()))
    frame = frame[~missing].reset_index(drop=True)
    if frame.empty or not (frame["treated"] > 0).any() or (frame["treated"] > 0).all():
        raise SchemaError(
            f"No unit enters {treatment!r} within the data while others are outside it: there is "
            "nothing to compare."
        )
    return EventDesign(frame, tuple(names), leads, lags, dropped)


def _read(
    data: NativeFrame, outcome: str, treatment: str, controls: str, *, unit: str, time: str
) -> tuple[pd.DataFrame, list[str], dict[str, int]]:
    """Return the columns under fixed names, and the names of the controls."""
    eager = as_eager(data, "data")
    sides = [outcome, *([controls] if controls else [])]
    used = [name for side in sides for name in names_used(side, eager.columns)]
    wanted = list(dict.fromkeys([unit, time, treatment, *used]))
    check_present(wanted, eager.columns, "in the event study")
    native = eager.select(wanted).to_pandas().reset_index(drop=True)
    y, parts = evaluate(outcome, native, intercept=False)
    if len(parts) != 1:
        raise SchemaError(f"The outcome {outcome!r} has {len(parts)} columns.")
    frame = pd.DataFrame({"unit": native[unit], "time": native[time], "y": y[:, 0]})
    frame["treated"] = native[treatment]
    names: list[str] = []
    if controls:
        X, found = evaluate(controls, native, intercept=False, implied=True)
        names = [f"x{place}" for place in range(len(found))]
        frame[names] = X
    frame[["y", *names]] = frame[["y", *names]].replace([np.inf, -np.inf], np.nan)
    dropped: dict[str, int] = {}
    keys = frame[["unit", "time", "treated"]].isna().any(axis=1)
    _count(dropped, f"without {unit}, {time} or {treatment}", int(keys.sum()))
    frame = frame[~keys].reset_index(drop=True)
    _check(frame, treatment, unit, time)
    return frame.assign(time=frame["time"].astype(int)), names, dropped


def _check(frame: pd.DataFrame, treatment: str, unit: str, time: str) -> None:
    """Raise unless time is whole, treatment 0 or 1, and rows do not repeat."""
    years = frame["time"]
    if years.dtype.kind not in "biuf" or not np.allclose(years % 1, 0):
        raise SchemaError(f"{time!r} must hold whole numbers, such as years.")
    values = frame["treated"]
    if values.dtype.kind not in "biuf" or not values.isin([0, 1]).all():
        strange = sorted(set(values.unique()) - {0, 1}, key=str)
        raise SchemaError(f"{treatment!r} must be 0 or 1; it holds {preview(strange)}.")
    twice = frame.duplicated(["unit", "time"])
    if twice.any():
        where = frame.loc[twice, "unit"].unique().tolist()
        raise SchemaError(
            f"{int(twice.sum()):,} rows repeat a {unit} and {time}, of {preview(where)}."
        )


def _absorbing(
    frame: pd.DataFrame, treatment: str, leavers: Leavers, dropped: dict[str, int]
) -> pd.DataFrame:
    """See to it that treatment, once begun, lasts."""
    frame = frame.sort_values(["unit", "time"], kind="stable").reset_index(drop=True)
    frame["treated"] = frame["treated"].astype(float)
    since = frame.groupby("unit")["treated"].cummax()
    left = (since > frame["treated"]).groupby(frame["unit"]).transform("any")
    if not left.any():
        return frame
    units = frame.loc[left, "unit"].unique().tolist()
    if leavers == "raise":
        raise SchemaError(
            f"{len(units)} unit(s) leave {treatment!r} again: {preview(units)}. leavers='drop' "
            "leaves them out, leavers='absorb' counts them as treated ever after."
        )
    if leavers == "absorb":
        return frame.assign(treated=since)
    _count(dropped, "of units that leave treatment", int(left.sum()))
    return frame[~left].reset_index(drop=True)


def _count(dropped: dict[str, int], why: str, rows: int) -> None:
    if rows:
        dropped[why] = rows

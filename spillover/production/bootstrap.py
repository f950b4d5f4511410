"""Bootstrap by firm: every draw repeats the whole estimation on firms drawn with replacement.

A firm drawn twice counts twice, as two firms. Sums weighted by the number of draws are the same as
sums over copied rows, so no row is copied. Firms are drawn within groups (of several, the first by
name), and each draw has its own random numbers, whatever the number of workers.

>>> counts = draw_counts(np.array([0, 0, 0, 1, 1]), np.random.SeedSequence(1))
>>> int(counts[:3].sum()), int(counts[3:].sum())
(3, 2)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm import tqdm

from spillover.errors import SchemaError, SpilloverError, SpilloverWarning
from spillover.production.data import Inputs, firm_codes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from spillover.production.estimate import Estimate

Estimator = Callable[[Inputs, "NDArray[np.float64]"], "Estimate"]
"""Takes a group's inputs and the full sample's coefficients, from which a search may start."""
SecondStep = Callable[[pd.DataFrame], Any]


@dataclass(frozen=True)
class Bootstrap:
    """How to bootstrap.

    Attributes
    ----------
    draws : int
    rng : int or numpy.random.Generator
        The same seed gives the same draws for any number of workers. A generator moves on with
        every use.
    workers : int
        Processes; -1 for all cores.
    progress : bool
        Whether to show a progress bar.
    second_step : callable, optional
        Takes the drawn firm-years (the panel's columns, ``tfp``, and ``firm`` renamed so that a
        firm drawn twice is two) and returns coefficients: a :class:`.Fit`, a Series or a mapping.
        Their spread over the draws holds the noise of TFP. It is first called on the firm-years
        as they are, so that a mistake in it shows before the draws start.

    Examples
    --------
    >>> Bootstrap(draws=400, rng=1, workers=2).draws
    400
    """

    draws: int = 200
    rng: int | np.random.Generator = 0
    workers: int = 1
    progress: bool = True
    second_step: SecondStep | None = None

    def __post_init__(self) -> None:
        if isinstance(self.draws, bool) or not isinstance(self.draws, int) or self.draws < 2:
            raise SchemaError(f"draws={self.draws!r} must be a whole number of at least 2.")
        if not isinstance(self.workers, int) or self.workers == 0 or self.workers < -1:
            raise SchemaError(f"workers={self.workers!r} must be 1 or more, or -1 for all cores.")
        try:
            np.random.default_rng(self.rng)
        except (TypeError, ValueError) as error:
            raise SchemaError(
                f"rng={self.rng!r} must be a whole number of 0 or more, or a numpy generator: "
                f"{error}."
            ) from error
        if self.second_step is not None and not callable(self.second_step):
            raise SchemaError("second_step must be a function of a data frame.")


@dataclass(frozen=True, eq=False, repr=False)
class Draws:
    """What the draws gave.

    Attributes
    ----------
    draws : int
        Number asked for.
    beta, elasticity, law : mapping of str to (draws, p) arrays
        By group; NaN where a draw failed.
    failures : mapping of str to dict
        Group -> reason -> number of draws without an estimate.
    second_step : data frame or None
        One row per draw, one column per coefficient.
    second_full : Series or None
        The second step's coefficients on the firm-years as they are.
    """

    draws: int
    beta: Mapping[str, NDArray[np.float64]]
    elasticity: Mapping[str, NDArray[np.float64]]
    law: Mapping[str, NDArray[np.float64]]
    failures: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    second_step: pd.DataFrame | None = None
    second_full: pd.Series[float] | None = None

    def __repr__(self) -> str:
        lost = sum(sum(reasons.values()) for reasons in self.failures.values())
        return f"Draws({self.draws:,} draws of {len(self.beta)} group(s), {lost:,} failures)"


@dataclass(frozen=True, eq=False)
class _Task:
    """What a worker needs for any draw."""

    groups: Mapping[str, Inputs]
    near: Mapping[str, NDArray[np.float64]]
    codes: Mapping[str, NDArray[np.int64]]
    strata: NDArray[np.int64]
    estimator: Estimator
    second_step: SecondStep | None
    frame: pd.DataFrame | None


def draw_counts(strata: NDArray[np.int64], seed: np.random.SeedSequence) -> NDArray[np.int64]:
    """Draw firms with replacement within strata.

    Parameters
    ----------
    strata : (firms,) array of int
    seed : SeedSequence

    Returns
    -------
    (firms,) array of int
        How often each firm was drawn.
    """
    rng = np.random.default_rng(seed)
    counts = np.zeros(len(strata), dtype=np.int64)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        chosen = rng.integers(0, len(members), len(members))
        counts[members] = np.bincount(chosen, minlength=len(members))
    return counts


def run(
    settings: Bootstrap,
    groups: Mapping[str, Inputs],
    full: Mapping[str, Estimate],
    estimator: Estimator,
    frame: pd.DataFrame,
) -> Draws:
    """Estimate every draw.

    Parameters
    ----------
    settings : Bootstrap
    groups : mapping of str to Inputs
    full : mapping of str to Estimate
        The full sample's estimates, of the same groups.
    estimator : callable
    frame : pandas.DataFrame
        The panel, with firm and year; its rows are those that ``Inputs.row`` counts.

    Returns
    -------
    Draws

    Raises
    ------
    Whatever the second step raises on the full sample.
    """
    codes, strata = _firms(groups, frame)
    seeds = _seeds(settings)
    task = _Task(
        groups,
        {name: estimate.beta for name, estimate in full.items()},
        codes,
        strata,
        estimator,
        settings.second_step,
        None if settings.second_step is None else frame,
    )
    whole = _second_full(task, full)
    found: list[dict[str, Any]] = []
    with tqdm(total=settings.draws, desc="bootstrap", disable=not settings.progress) as bar:
        for part in _parts(settings, task, seeds):
            found += part
            bar.update(len(part))
    return _gathered(settings, full, found, whole)


def _second_full(task: _Task, full: Mapping[str, Estimate]) -> pd.Series[float] | None:
    """Take the second step on the firm-years as they are."""
    if task.second_step is None or task.frame is None:
        return None
    tfp = np.full(len(task.frame), np.nan)
    for name, inputs in task.groups.items():
        tfp[inputs.row] = full[name].omega
    once = np.ones(len(task.strata), dtype=np.int64)
    return coefficients(task.second_step(_drawn_frame(task, task.frame, once, tfp)))


def _seeds(settings: Bootstrap) -> list[np.random.SeedSequence]:
    rng = np.random.default_rng(settings.rng)
    entropy = [int(word) for word in rng.integers(0, 2**32, 4)]
    return np.random.SeedSequence(entropy).spawn(settings.draws)


def _parts(
    settings: Bootstrap, task: _Task, seeds: Sequence[np.random.SeedSequence]
) -> Iterator[list[dict[str, Any]]]:
    """Run the draws in batches, in order."""
    if settings.workers == 1:
        for seed in seeds:
            yield _batch(task, [seed])
        return
    wide = 8 if settings.workers < 0 else settings.workers
    size = max(1, min(len(seeds) // (4 * wide), 50))
    batches = [seeds[at : at + size] for at in range(0, len(seeds), size)]
    with Parallel(n_jobs=settings.workers, return_as="generator", max_nbytes="1M") as parallel:
        yield from parallel(delayed(_batch)(task, batch) for batch in batches)


def _firms(
    groups: Mapping[str, Inputs], frame: pd.DataFrame
) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.int64]]:
    """Return firms' numbers over all groups, and as stratum the first group they are in."""
    used = np.concatenate([inputs.row for inputs in groups.values()])
    overall = np.full(len(frame), -1, dtype=np.int64)
    overall[used] = firm_codes(frame["firm"].iloc[used])
    strata = np.full(int(overall.max()) + 1, -1, dtype=np.int64)
    codes = {}
    for at, (name, inputs) in enumerate(groups.items()):
        first = np.flatnonzero(np.r_[True, inputs.firm[1:] != inputs.firm[:-1]])
        codes[name] = overall[inputs.row[first]]
        own = codes[name]
        strata[own[strata[own] < 0]] = at
    return codes, strata


def _batch(task: _Task, seeds: Sequence[np.random.SeedSequence]) -> list[dict[str, Any]]:
    with catch_warnings():  # what a single draw says is no news to the reader
        simplefilter("ignore", SpilloverWarning)
        return [_one(task, seed) for seed in seeds]


def _one(task: _Task, seed: np.random.SeedSequence) -> dict[str, Any]:
    """Estimate one draw: a vector triple or the reason of failure by group."""
    counts = draw_counts(task.strata, seed)
    answer: dict[str, Any] = {"groups": {}, "second": None, "error": ""}
    tfp = None if task.frame is None else np.full(len(task.frame), np.nan)
    for name, inputs in task.groups.items():
        drawn = inputs.drawn(counts[task.codes[name]])
        try:
            estimate = task.estimator(drawn, task.near[name])
        except (SpilloverError, np.linalg.LinAlgError) as error:
            answer["groups"][name] = str(error).split("\n", maxsplit=1)[0]
            continue
        if not estimate.converged:
            answer["groups"][name] = "the search did not converge"
            continue
        law = np.empty(0) if estimate.markov is None else estimate.markov.to_numpy()
        answer["groups"][name] = (estimate.beta, estimate.elasticity, law)
        if tfp is not None:
            tfp[drawn.row] = estimate.omega
    if task.second_step is not None and task.frame is not None and tfp is not None:
        try:
            answer["second"] = coefficients(
                task.second_step(_drawn_frame(task, task.frame, counts, tfp))
            )
        except (SpilloverError, np.linalg.LinAlgError) as error:
            answer["error"] = str(error).split("\n", maxsplit=1)[0]
    return answer


def _drawn_frame(
    task: _Task, panel: pd.DataFrame, counts: NDArray[np.int64], tfp: NDArray[np.float64]
) -> pd.DataFrame:
    """Copy the rows of the firms drawn, each copy of a firm under a name of its own."""
    rows, firm = [], []
    for name, inputs in task.groups.items():
        rows.append(inputs.row)
        firm.append(task.codes[name][inputs.firm])
    row, code = np.concatenate(rows), np.concatenate(firm)
    times = counts[code]
    copies = np.repeat(np.arange(len(row)), times)
    number = np.arange(len(copies)) - np.repeat(np.cumsum(times) - times, times)
    picked = row[copies]
    frame = panel.iloc[picked].reset_index(drop=True)
    return frame.assign(firm=code[copies] * (int(counts.max()) + 1) + number, tfp=tfp[picked])


def coefficients(result: object) -> pd.Series[float]:
    """Read coefficients from a fit, a Series or a mapping.

    Parameters
    ----------
    result : object
        With ``params``, or a Series or mapping of name to number.

    Returns
    -------
    Series

    Raises
    ------
    SchemaError
        For anything else.

    Examples
    --------
    >>> coefficients({"backward": 0.1}).to_dict()
    {'backward': 0.1}
    """
    values = getattr(result, "params", result)
    if isinstance(values, pd.Series):
        return values.astype(float)
    if isinstance(values, Mapping):
        return pd.Series({str(name): float(value) for name, value in values.items()}, dtype=float)
    raise SchemaError(
        f"second_step returned a {type(result).__name__}; return a sp.fit result, a Series or a "
        "mapping of names to coefficients."
    )


def _gathered(
    settings: Bootstrap,
    full: Mapping[str, Estimate],
    found: list[dict[str, Any]],
    whole: pd.Series[float] | None,
) -> Draws:
    beta, elasticity, law = {}, {}, {}
    failures: dict[str, dict[str, int]] = {}
    for name, estimate in full.items():
        sizes = (
            len(estimate.beta),
            len(estimate.elasticity),
            0 if estimate.markov is None else len(estimate.markov),
        )
        arrays = [np.full((len(found), size), np.nan) for size in sizes]
        reasons: Counter[str] = Counter()
        for at, answer in enumerate(found):
            got = answer["groups"][name]
            if isinstance(got, str):
                reasons[got] += 1
                continue
            for array, values in zip(arrays, got, strict=True):
                array[at] = values
        beta[name], elasticity[name], law[name] = arrays
        if reasons:
            failures[name] = dict(reasons)
    lost = Counter(answer["error"] for answer in found if answer["error"])
    if lost:
        failures["second step"] = dict(lost)
    seconds = [answer["second"] for answer in found if answer["second"] is not None]
    table = None
    if whole is not None:
        table = pd.DataFrame(seconds, columns=whole.index).reset_index(drop=True)
    return Draws(settings.draws, beta, elasticity, law, failures, table, whole)

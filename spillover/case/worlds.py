"""Would the regression have seen it? Three worlds, observed as a statistical office would."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.case.worlds_specifications import SPECIFICATIONS, estimate
from spillover.errors import SchemaError, check_choice
from spillover.simulate.worlds import world
from spillover.simulate.worlds_design import WORLDS, WorldDesign

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEAST = 2
POINTS = 100.0


@dataclass(frozen=True, eq=False, repr=False)
class Worlds:
    """What each specification reports in each world, draw by draw.

    Attributes
    ----------
    draws : pandas.DataFrame
        draw, world, specification, estimate, std_error, p_value, reported: for spillovers, positive
        and significant; for tests, significant (imported inputs: and positive).
    truth : pandas.DataFrame
        draw, world, gain (mean over industries and years, log points).
    design : WorldDesign
    level : float
        Of the tests.
    """

    draws: pd.DataFrame
    truth: pd.DataFrame
    design: WorldDesign
    level: float

    @property
    def count(self) -> int:
        """Number of draws of each world.

        Returns
        -------
        int
        """
        return int(self.draws["draw"].nunique())

    def rates(self) -> pd.DataFrame:
        """Return how often each specification reports a spillover (or each test rejects).

        Returns
        -------
        pandas.DataFrame
            specification, label, kind, world, rate, monte_carlo_error, estimate (mean), sd, draws
            (identified).
        """
        rows = []
        for name in self._names():
            for home in self._worlds():
                part = self._part(name, home)
                n = len(part)
                rate = float(part["reported"].mean()) if n else float("nan")
                rows.append(
                    {
                        "specification": name,
                        "label": SPECIFICATIONS[name].label,
                        "kind": SPECIFICATIONS[name].kind,
                        "world": home,
                        "rate": rate,
                        "monte_carlo_error": float(np.sqrt(rate * (1 - rate) / n)) if n else rate,
                        "estimate": float(part["estimate"].mean()),
                        "sd": float(part["estimate"].std()),
                        "draws": n,
                    }
                )
        return pd.DataFrame(rows)

    def table(self) -> pd.DataFrame:
        """Return the rates, specifications in rows and worlds in columns.

        Returns
        -------
        pandas.DataFrame
        """
        rates = self.rates().pivot_table(index="label", columns="world", values="rate", sort=False)
        return rates.reindex(columns=self._worlds())

    def separation(self) -> pd.DataFrame:
        """Say how well each statistic tells two worlds apart.

        Returns
        -------
        pandas.DataFrame
            specification, label, first, second, chance: probability that the t-statistic of a draw
            of the first world exceeds that of a draw of the second (0.5: it tells nothing; Mann &
            Whitney 1947); error: its standard error over draws (Hanley & McNeil 1982).
        """
        rows = []
        for name in self._names():
            for first, second in combinations(self._worlds(), 2):
                one, two = (self._statistics(name, home) for home in (first, second))
                chance, error = chance_above(one, two)
                rows.append((name, SPECIFICATIONS[name].label, first, second, chance, error))
        columns = ["specification", "label", "first", "second", "chance", "error"]
        return pd.DataFrame(rows, columns=columns)

    def notes(self) -> list[str]:
        """Return what the result says below its table.

        Returns
        -------
        list of str
        """
        plan = self.design
        return [
            f"{self.count} synthetic economies per world; tests at {100 * self.level:g} percent.",
            f"True effect {plan.effect:g} per unit of purchases really made; foreign ownership "
            f"follows demand with {plan.selection:g}, measured productivity with {plan.demand:g} "
            "log points per standard deviation, in all worlds alike.",
            "Synthetic data: rates hold for this design, not for a country.",
        ]

    def _names(self) -> list[str]:
        used = set(self.draws["specification"])
        return [name for name in SPECIFICATIONS if name in used]

    def _worlds(self) -> list[str]:
        used = set(self.draws["world"])
        return [name for name in WORLDS if name in used]

    def _part(self, name: str, home: str) -> pd.DataFrame:
        table = self.draws
        part = table[(table["specification"] == name) & (table["world"] == home)]
        return part[part["p_value"].notna()]

    def _statistics(self, name: str, home: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        part = self._part(name, home)
        return np.asarray(part["estimate"] / part["std_error"], dtype=np.float64)

    def __repr__(self) -> str:
        body = (100 * self.table()).round(0).to_string(float_format=lambda v: f"{v:.0f}")
        return "\n".join(["Percent of draws that report a spillover (or reject)", body])

    def _repr_html_(self) -> str:
        table = (100 * self.table()).to_html(border=0, float_format=lambda v: f"{v:.0f}")
        notes = "<br>".join(escape(note) for note in self.notes())
        title = "Percent of draws that report a spillover (or reject)"
        return f"<div><p><b>{title}</b></p>{table}<p>{notes}</p></div>"


def worlds(
    draws: int = 50,
    *,
    design: WorldDesign | None = None,
    names: Sequence[str] = tuple(WORLDS),
    specifications: Sequence[str] = tuple(SPECIFICATIONS),
    level: float = 0.05,
    rng: int | np.random.Generator = 0,
) -> Worlds:
    """Ask what the literature's specifications report in worlds with and without spillovers.

    Parameters
    ----------
    draws : int
        Economies per world; about a second each with all specifications.
    design : WorldDesign, optional
        What holds in all worlds; ``WorldDesign(selection=0)`` keeps foreign firms from following
        demand.
    names : sequence of str
        Of "textbook", "enclave", "paper"; see :func:`spillover.simulate.world`.
    specifications : sequence of str
        Of ``sp.case.SPECIFICATIONS``.
    level : float
        Of the tests.
    rng : int or numpy.random.Generator
        The same draws of firms, demand and investors are used in all worlds.

    Returns
    -------
    Worlds
        Draw it with :func:`spillover.plot.worlds`.

    Raises
    ------
    SchemaError
        For unknown worlds or specifications, or fewer than two draws.

    Notes
    -----
    The analyst sees firms above a size, the official table and presence by industry, but not who
    sells to whom. In the enclave nothing spills over; a specification that reports a spillover
    there takes for one that foreign firms went where demand grew. The two worlds without supply
    differ in the books only: in the paper world what is imported counts as domestic.

    Examples
    --------
    >>> import spillover as sp
    >>> result = sp.case.worlds(2, names=["enclave"], specifications=["levels"], rng=1)
    >>> result.rates()[["specification", "world", "draws"]]
      specification    world  draws
    0        levels  enclave      2
    """
    if not isinstance(draws, int) or draws < _LEAST:
        raise SchemaError(f"draws={draws!r}: give a whole number of {_LEAST} or more.")
    if not 0 < level < 1:
        raise SchemaError(f"level={level!r} must lie between 0 and 1.")
    for given, what, offered in (
        (names, "names", tuple(WORLDS)),
        (specifications, "specifications", tuple(SPECIFICATIONS)),
    ):
        if isinstance(given, str) or not len(given) or len(set(given)) < len(given):
            raise SchemaError(f"{what}={given!r}: give a list of different ones of {offered}.")
        for one in given:
            check_choice(what, one, offered)
    plan = WorldDesign() if design is None else design
    seeds = np.random.default_rng(rng).integers(0, 2**63, draws)
    rows: list[tuple[object, ...]] = []
    truths: list[tuple[object, ...]] = []
    for number, seed in enumerate(seeds):
        for name in names:
            data = world(name, plan, rng=int(seed))  # type: ignore[arg-type]
            truths.append((number, name, float(POINTS * data.truth["gain"].mean())))
            rows += [(number, name, *found) for found in estimate(data, specifications)]
    table = pd.DataFrame(
        rows, columns=["draw", "world", "specification", "estimate", "std_error", "p_value"]
    )
    table["reported"] = _reported(table, level)
    columns = ["draw", "world", "gain"]
    return Worlds(table, pd.DataFrame(truths, columns=columns), plan, level)


def _reported(table: pd.DataFrame, level: float) -> pd.Series[bool]:
    """Mark what a reader would be told: a positive, significant effect; a test that rejects."""
    either = table["specification"] == "leads"
    return (table["p_value"] <= level) & ((table["estimate"] > 0) | either)


def chance_above(
    one: np.ndarray[tuple[int], np.dtype[np.float64]],
    two: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> tuple[float, float]:
    """Return the chance that a value of the first sample exceeds one of the second, and its error.

    Parameters
    ----------
    one, two : (n,) and (m,) arrays

    Returns
    -------
    tuple of float
        Ties count half. NaN without values.

    Examples
    --------
    >>> chance, _ = chance_above(np.array([1.0, 2.0]), np.array([0.0, 1.0]))
    >>> chance
    0.875
    """
    n, m = len(one), len(two)
    if not n or not m:
        return float("nan"), float("nan")
    above = one[:, None] > two[None, :]
    level = one[:, None] == two[None, :]
    a = float((above + 0.5 * level).mean())
    first, second = a / (2 - a), 2 * a**2 / (1 + a)
    variance = a * (1 - a) + (n - 1) * (first - a**2) + (m - 1) * (second - a**2)
    return a, float(np.sqrt(max(variance, 0.0) / (n * m)))

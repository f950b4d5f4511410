"""What aggregate estimates predict for one country, with textbook and with the case's sourcing."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.case.backward import Weights, mean_weights, positions
from spillover.case.presence import PresenceChange, check_sourcing, presence_levels
from spillover.case.sourcing import LEVELS, Sourcing
from spillover.errors import SchemaError, check_choice
from spillover.linkage.definition import JAVORCIK_2004, LinkageDefinition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.iotables import IOTable

    Array = NDArray[np.float64]

EFFECTS: Mapping[str, tuple[float, float, str]] = {
    "all": (0.168, 0.0241, "Havranek & Irsova (2011), Table 1, backward, all estimates"),
    "published": (0.178, 0.0295, "Havranek & Irsova (2011), Table 1, backward, published"),
    "homogeneous": (0.307, 0.0380, "Havranek & Irsova (2011), Table 1, backward, homogeneous"),
    "javorcik_2004": (3.47, 1.93, "Javorcik (2004), Table 7, domestic firms, Olley-Pakes"),
}
"""Per cent of productivity per percentage point of Backward: estimate, standard error, source."""
INPUTS = ("effect", "sourcing", "presence")
TEXTBOOK, CASE = "textbook sourcing", "sourcing of the case"


@dataclass(frozen=True, eq=False, repr=False)
class Counterfactual:
    """Predicted gains of domestic productivity, as distributions.

    Attributes
    ----------
    draws : pandas.DataFrame
        effect (per cent per point), textbook, case (per cent), lost (textbook less case).
    sectors : pandas.DataFrame
        One row per industry: code, sector, weight, backward and backward_case (percentage points),
        textbook and case (per cent), all at central values.
    buyers : pandas.DataFrame
        One row per buying sector: code, sector, presence (points), sourcing, contribution to the
        mean of Backward and, with the case's sourcing, contribution_case; largest first.
    variance : pandas.DataFrame
        Sobol's shares of the variance of the case's prediction: input, first (alone), total (with
        interactions).
    effect : tuple of float
        Estimate and spread.
    source : str
        Of the effect.
    definition : LinkageDefinition
    how : str
        How presence was made.
    """

    draws: pd.DataFrame
    sectors: pd.DataFrame
    buyers: pd.DataFrame
    variance: pd.DataFrame
    effect: tuple[float, float]
    source: str
    definition: LinkageDefinition
    how: str

    def interval(self, level: float = 0.95) -> pd.DataFrame:
        """Return equal-tailed intervals of the predictions.

        Parameters
        ----------
        level : float

        Returns
        -------
        pandas.DataFrame
            Rows textbook, case, lost; columns conf_low, conf_high (per cent).

        Raises
        ------
        SchemaError
            If the level is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise SchemaError(f"level={level!r} must lie between 0 and 1.")
        tails = [(1 - level) / 2, (1 + level) / 2]
        found = self.draws[["textbook", "case", "lost"]].quantile(tails).T
        found.columns = pd.Index(["conf_low", "conf_high"])
        return found

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return what is predicted with either sourcing, and what the case's takes away.

        Parameters
        ----------
        level : float

        Returns
        -------
        pandas.DataFrame
            prediction, central (all inputs at their central values), mean, sd, conf_low, conf_high:
            per cent over the whole period.
        """
        table = self.interval(level)
        table.insert(0, "sd", self.draws[table.index].std())
        table.insert(0, "mean", self.draws[table.index].mean())
        weight = self.sectors["weight"].to_numpy(dtype=np.float64)
        gains = self.sectors[["textbook", "case"]].to_numpy(dtype=np.float64)
        central = dict(zip(("textbook", "case"), map(float, weight @ gains), strict=True))
        central["lost"] = central["textbook"] - central["case"]
        table.insert(0, "central", pd.Series(central))
        return table.rename_axis("prediction").reset_index()

    @property
    def kept(self) -> float:
        """Part of the textbook's prediction that the case's sourcing leaves, at central values.

        Returns
        -------
        float
            NaN if the textbook predicts nothing.
        """
        textbook, case, _ = self.tidy()["central"].to_numpy(dtype=np.float64)
        return float(case / textbook) if textbook else float("nan")

    def notes(self) -> list[str]:
        """Return what the result says below its table.

        Returns
        -------
        list of str
        """
        estimate, spread = self.effect
        return [
            f"Per cent over the whole period, mean of {len(self.sectors)} industries weighted by "
            f"output. Effect {estimate:g} per cent per percentage point (spread {spread:g}): "
            f"{self.source}.",
            self.how,
            f"Backward: {self.definition.describe()}; imported inputs "
            f"{'out' if self.definition.flows == 'domestic' else 'in'}.",
            "Sourcing: judgements on case evidence, not measurements.",
        ]

    def __repr__(self) -> str:
        table = self.tidy().set_index("prediction")
        said = [
            f"{name} {row['mean']:.2f} [{row['conf_low']:.2f}, {row['conf_high']:.2f}]"
            for name, row in table.iterrows()
        ]
        return f"Counterfactual(gain in per cent: {'; '.join(said)})"

    def _repr_html_(self) -> str:
        table = self.tidy().to_html(index=False, border=0, float_format=lambda v: f"{v:.3f}")
        notes = "<br>".join(escape(note) for note in self.notes())
        return f"<div><p><b>{escape(repr(self))}</b></p>{table}<p>{notes}</p></div>"


def counterfactual(
    io: IOTable,
    presence: PresenceChange | Mapping[str, float | tuple[float, float, float]],
    *,
    effect: str | float | tuple[float, float] = "all",
    between: float = 0.0,
    sourcing: Sourcing | None = None,
    industries: Sequence[str] | None = None,
    definition: LinkageDefinition = JAVORCIK_2004,
    together: bool = True,
    names: Mapping[str, str] | None = None,
    draws: int = 4000,
    rng: int | np.random.Generator = 0,
) -> Counterfactual:
    """Predict the gain of domestic productivity from foreign presence downstream.

    Parameters
    ----------
    io : IOTable
    presence : PresenceChange, or mapping of sector to points or (low, central, high)
        Change of foreign presence, in percentage points; see :func:`.presence_change`.
    effect : str, float or (estimate, standard error)
        Per cent of productivity per percentage point of Backward; a key of ``EFFECTS`` ("all",
        "published", "homogeneous": pooled and corrected for publication bias; "javorcik_2004").
    between : float
        Standard deviation of true effects between countries. The default, 0, takes the literature's
        mean for the country's own effect, as predictions from it do.
    sourcing : Sourcing, optional
        Of the case by default.
    industries : sequence of str, optional
        Sectors of the table whose firms' gain is predicted; by default the processing industries.
    definition : LinkageDefinition
        Flows (imports in or out), denominator and own sector count; the rest does not.
    together : bool
        One judgement moves sourcing (presence) of all sectors together, or sectors vary on their
        own, which makes sums of them too certain.
    names : mapping, optional
        See :meth:`.Sourcing.assign`.
    draws : int
        100 or more.
    rng : int or numpy.random.Generator

    Returns
    -------
    Counterfactual
        Draw it with :func:`spillover.plot.counterfactual`.

    Raises
    ------
    SchemaError, ConcordanceError
        For an unknown effect or sector, or numbers out of range.

    Notes
    -----
    With supply shares alpha and change of presence dH, industry j gains
    ``e * sum_k alpha_jk s_k dH_k`` per cent, ``s_k = 1`` in the textbook. e is normal, s and dH are
    triangular between low and high with the mode at the central value; all three are independent.
    Shares of the variance by pick-freeze (Jansen 1999).

    References
    ----------
    Havranek, T. & Irsova, Z. (2011). Estimating vertical spillovers from FDI: why results vary and
    what the true effect is. Journal of International Economics 85(2), 234-244.

    Jansen, M. J. W. (1999). Analysis of variance designs for model output. Computer Physics
    Communications 117, 35-43.

    Examples
    --------
    >>> import spillover as sp
    >>> io = sp.IOTable.from_arrays(["C10T12", "C29"], total=[[0, 80], [20, 0]], output=[150, 100],
    ...     unit="million USD")
    >>> result = counterfactual(io, {"C29": 10.0}, industries=["C10T12"], rng=1)
    >>> result.tidy()[["prediction", "central"]].round(2)
      prediction  central
    0   textbook     1.68
    1       case     0.05
    2       lost     1.63
    """
    estimate, spread, source = _effect(effect, between)
    if not isinstance(draws, int) or draws < 100:
        raise SchemaError(f"draws={draws!r}: give a whole number of 100 or more.")
    rows = check_sourcing(sourcing).assign(io, names)
    weights = mean_weights(io, rows, industries, definition)
    ranges = {
        "sourcing": rows[list(LEVELS)].to_numpy(dtype=np.float64).T,
        "presence": presence_levels(io, presence),
    }
    random = np.random.default_rng(rng)
    blocks = [_draw(ranges, (estimate, spread), draws, random, together=together) for _ in range(2)]
    first = blocks[0]
    textbook = _gain(weights.buyers, first, textbook=True)
    case = _gain(weights.buyers, first)
    how = presence.how if isinstance(presence, PresenceChange) else "Change of presence as given."
    return Counterfactual(
        draws=pd.DataFrame(
            {
                "effect": first["effect"][:, 0],
                "textbook": textbook,
                "case": case,
                "lost": textbook - case,
            }
        ),
        sectors=_sectors(rows, positions(io, rows, industries), weights, ranges, estimate),
        buyers=_buyers(rows, weights, ranges),
        variance=_variance(weights.buyers, blocks),
        effect=(estimate, spread),
        source=source,
        definition=definition,
        how=how,
    )


def _effect(effect: object, between: float) -> tuple[float, float, str]:
    if isinstance(effect, str):
        check_choice("effect", effect, tuple(EFFECTS))
        estimate, error, source = EFFECTS[effect]
    elif isinstance(effect, tuple | list) and len(effect) == 2:
        estimate, error, source = float(effect[0]), float(effect[1]), "as given"
    elif isinstance(effect, int | float | np.number) and not isinstance(effect, bool):
        estimate, error, source = float(effect), 0.0, "as given"
    else:
        raise SchemaError(
            f"effect={effect!r}: give a number, (estimate, standard error), or one of "
            f"{list(EFFECTS)}."
        )
    if not np.isfinite([estimate, error, between]).all() or error < 0 or between < 0:
        raise SchemaError(f"effect={effect!r}, between={between!r}: errors must not be negative.")
    return estimate, float(np.hypot(error, between)), source


def _draw(
    ranges: Mapping[str, Array],
    effect: tuple[float, float],
    draws: int,
    random: np.random.Generator,
    *,
    together: bool,
) -> dict[str, Array]:
    """Draw all inputs: effect (draws, 1), sourcing and presence (draws, sectors)."""
    estimate, spread = effect
    found = {"effect": estimate + spread * random.standard_normal((draws, 1))}
    for name, levels in ranges.items():
        rank = random.random((draws, 1 if together else levels.shape[1]))
        found[name] = triangular(rank, levels)
    return found


def triangular(rank: Array, levels: Array) -> Array:
    """Return quantiles of triangular distributions.

    Parameters
    ----------
    rank : (draws, 1) or (draws, n) array
        Probabilities.
    levels : (3, n) array
        Low, mode, high; all three may be equal.

    Returns
    -------
    (draws, n) array

    Examples
    --------
    >>> triangular(np.array([[0.0], [0.5], [1.0]]), np.array([[0.0], [0.5], [1.0]])).ravel()
    array([0. , 0.5, 1. ])
    """
    low, mode, high = levels
    width = np.where(high > low, high - low, 1.0)
    turn = (mode - low) / width
    left = low + np.sqrt(rank * width * (mode - low))
    right = high - np.sqrt((1 - rank) * width * (high - mode))
    return np.asarray(np.where(high > low, np.where(rank < turn, left, right), low + 0 * rank))


def _gain(buyers: Array, block: Mapping[str, Array], *, textbook: bool = False) -> Array:
    """Return the mean gain of every draw, per cent."""
    local = 1.0 if textbook else block["sourcing"]
    return np.asarray(block["effect"][:, 0] * ((local * block["presence"]) @ buyers))


def _variance(buyers: Array, blocks: Sequence[Mapping[str, Array]]) -> pd.DataFrame:
    """Return first-order and total shares of the variance, by Jansen's estimators."""
    one, two = blocks
    base, other = _gain(buyers, one), _gain(buyers, two)
    whole = np.concatenate([base, other]).var()
    rows = []
    for name in INPUTS:
        mixed = _gain(buyers, {**one, name: two[name]})
        total = float(((base - mixed) ** 2).mean() / (2 * whole)) if whole else float("nan")
        alone = 1 - float(((other - mixed) ** 2).mean() / (2 * whole)) if whole else float("nan")
        rows.append((name, alone, total))
    return pd.DataFrame(rows, columns=["input", "first", "total"])


def _sectors(
    rows: pd.DataFrame,
    at: NDArray[np.intp],
    weights: Weights,
    ranges: Mapping[str, Array],
    estimate: float,
) -> pd.DataFrame:
    local, change = ranges["sourcing"][1], ranges["presence"][1]
    backward, adjusted = weights.shares @ change, weights.shares @ (local * change)
    return pd.DataFrame(
        {
            "code": rows["code"].to_numpy()[at],
            "sector": rows["sector"].to_numpy()[at],
            "weight": weights.mean,
            "backward": backward,
            "backward_case": adjusted,
            "textbook": estimate * backward,
            "case": estimate * adjusted,
        }
    )


def _buyers(rows: pd.DataFrame, weights: Weights, ranges: Mapping[str, Array]) -> pd.DataFrame:
    local, change = ranges["sourcing"][1], ranges["presence"][1]
    part = weights.buyers * change
    table = rows[["code", "sector"]].assign(
        presence=change, sourcing=local, contribution=part, contribution_case=local * part
    )
    return table.sort_values("contribution", ascending=False, kind="stable", ignore_index=True)

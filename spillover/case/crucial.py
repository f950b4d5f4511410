"""What one crucial case should do to a belief: Bayesian updating with every judgement in sight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, preview

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

SHARED = 0.5
"""Default overlap of clues that come from the same kind of source."""


@dataclass(frozen=True)
class Clue:
    """A piece of evidence and how probable it is under either hypothesis.

    Attributes
    ----------
    name : str
    if_true, if_false : float
        Probability of finding it if the hypothesis holds, and if it does not; between 0 and 1.
    reason : str
        Why these probabilities.
    group : str
        Clues of one group (one informant, one office, one document) overlap; "" stands alone.
    source : str
        Where it is from.
    """

    name: str
    if_true: float
    if_false: float
    reason: str = ""
    group: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        for side in ("if_true", "if_false"):
            value = getattr(self, side)
            if not 0 < value < 1:
                raise SchemaError(
                    f"{side} of clue {self.name!r} is {value!r}: give a probability between 0 and "
                    "1, neither of them, since no finding is certain or impossible."
                )

    @property
    def decibels(self) -> float:
        """Weight of evidence for the hypothesis, ten times the log of the likelihood ratio.

        Returns
        -------
        float
        """
        return float(10 * np.log10(self.if_true / self.if_false))

    @property
    def kind(self) -> str:
        """The test that the clue passes, in process tracing's terms.

        Returns
        -------
        str
            "doubly decisive", "smoking gun", "hoop" or "straw in the wind", and for which side.

        Notes
        -----
        For the side that it speaks for, a clue is a passed hoop test if that side makes it all but
        certain (at least 0.8), a smoking gun if the other side makes it improbable (at most 0.2),
        and doubly decisive if both
        (Van Evera 1997; the cuts are this module's).
        """
        high, low = max(self.if_true, self.if_false), min(self.if_true, self.if_false)
        if high == low:
            return "says nothing"
        side = "for" if self.if_true > self.if_false else "against"
        name = {
            (True, True): "doubly decisive",
            (True, False): "hoop",
            (False, True): "smoking gun",
            (False, False): "straw in the wind",
        }[(high >= 0.8, low <= 0.2)]
        return f"{name}, {side}"


@dataclass(frozen=True, eq=False, repr=False)
class CrucialCase:
    """A belief before and after a case, and how it hangs on each judgement.

    Attributes
    ----------
    hypothesis : str
    prior : float
        Probability before the case.
    clues : tuple of Clue
    overlap : float
        How far clues of one group repeat each other: 0 not at all, 1 wholly.
    """

    hypothesis: str
    prior: float
    clues: tuple[Clue, ...]
    overlap: float

    @property
    def posterior(self) -> float:
        """Probability after the case, with the judgements as given.

        Returns
        -------
        float
        """
        return float(_probability(_log_odds(self.prior) + self._weights().sum()))

    @property
    def range(self) -> tuple[float, float]:
        """Least and greatest posterior over the sensitivity grid.

        Returns
        -------
        tuple of float
        """
        grid = self.sensitivity()["posterior"]
        return float(grid.min()), float(grid.max())

    def _weights(self) -> Array:
        """Return each clue's log likelihood ratio, discounted for its group."""
        raw = np.array([np.log(c.if_true / c.if_false) for c in self.clues])
        size = [
            1 if not c.group else sum(o.group == c.group for o in self.clues) for c in self.clues
        ]
        return raw / (1 + (np.array(size, dtype=np.float64) - 1) * self.overlap)

    def tidy(self) -> pd.DataFrame:
        """Return one row per clue, in order.

        Returns
        -------
        pandas.DataFrame
            clue, group, if_true, if_false, kind, decibels (alone), counted (after the discount for
            overlap), probability (after this clue and those before), reason, source.
        """
        weights = self._weights()
        path = _probability(_log_odds(self.prior) + np.cumsum(weights))
        return pd.DataFrame(
            {
                "clue": [c.name for c in self.clues],
                "group": [c.group for c in self.clues],
                "if_true": [c.if_true for c in self.clues],
                "if_false": [c.if_false for c in self.clues],
                "kind": [c.kind for c in self.clues],
                "decibels": [c.decibels for c in self.clues],
                "counted": 10 * weights / np.log(10),
                "probability": path,
                "reason": [c.reason for c in self.clues],
                "source": [c.source for c in self.clues],
            }
        )

    def sensitivity(
        self,
        *,
        priors: Sequence[float] | None = None,
        trust: Sequence[float] = (0.25, 0.5, 1.0),
        overlaps: Sequence[float] = (0.0, 0.5, 1.0),
    ) -> pd.DataFrame:
        """Vary all judgements together.

        Parameters
        ----------
        priors : sequence of float, optional
            The own prior and 0.25, 0.5, 0.75 and 0.9 by default.
        trust : sequence of float
            Power to which likelihood ratios are raised: 1 takes them as given, 0.5 halves their
            weight.
        overlaps : sequence of float

        Returns
        -------
        pandas.DataFrame
            prior, trust, overlap, posterior.

        Raises
        ------
        SchemaError
            If a value is out of range.
        """
        chosen = sorted({self.prior, 0.25, 0.5, 0.75, 0.9}) if priors is None else list(priors)
        rows = []
        for prior, power, overlap in product(chosen, trust, overlaps):
            _check_prior(prior)
            _check_overlap(overlap)
            if power < 0:
                raise SchemaError(f"trust={power!r} must not be negative.")
            weight = replace(self, overlap=overlap)._weights().sum()
            rows.append((prior, power, overlap, _probability(_log_odds(prior) + power * weight)))
        return pd.DataFrame(rows, columns=["prior", "trust", "overlap", "posterior"])

    def without(self) -> pd.DataFrame:
        """Leave out each clue in turn, and move its likelihoods half of the way to each other.

        Returns
        -------
        pandas.DataFrame
            clue, without (posterior), halved (posterior), most influential first.
        """
        rows = []
        base = _log_odds(self.prior)
        for at, clue in enumerate(self.clues):
            rest = replace(self, clues=self.clues[:at] + self.clues[at + 1 :])._weights().sum()
            middle = (clue.if_true + clue.if_false) / 2
            softer = replace(
                clue,
                if_true=(clue.if_true + middle) / 2,
                if_false=(clue.if_false + middle) / 2,
            )
            soft = replace(self, clues=(*self.clues[:at], softer, *self.clues[at + 1 :]))
            rows.append((clue.name, float(_probability(base + rest)), soft.posterior))
        table = pd.DataFrame(rows, columns=["clue", "without", "halved"])
        order = (table["without"] - self.posterior).abs().sort_values(ascending=False).index
        return table.loc[order].reset_index(drop=True)

    def __repr__(self) -> str:
        low, high = self.range
        return (
            f"CrucialCase({self.hypothesis!r}: {self.prior:.2f} before, {self.posterior:.2f} after "
            f"{len(self.clues)} clues; {low:.2f} to {high:.2f} over priors, trust and overlap)"
        )

    def _repr_html_(self) -> str:
        table = self.tidy().to_html(index=False, border=0, float_format=lambda v: f"{v:.2f}")
        return f"<div><p><b>{escape(repr(self))}</b></p>{table}</div>"


def crucial_case(
    hypothesis: str, prior: float, clues: Sequence[Clue], *, overlap: float = SHARED
) -> CrucialCase:
    """Update a belief by the evidence of one case.

    Parameters
    ----------
    hypothesis : str
        In words. Two hypotheses tested on one case are two calls, each with its own likelihoods:
        that one fails does not by itself support the other.
    prior : float
        Its probability before the case, between 0 and 1; see :func:`.prior_from_estimate`.
    clues : sequence of Clue
        Each clue's likelihoods are to be judged given those before it, apart from what ``overlap``
        takes off.
    overlap : float
        How far clues of one group repeat each other. m clues with overlap r count as
        ``m / (1 + (m - 1) r)`` independent ones, as correlated observations do.

    Returns
    -------
    CrucialCase

    Raises
    ------
    SchemaError
        If a probability is not between 0 and 1, or clues are missing or share a name.

    References
    ----------
    Eckstein, H. (1975). Case study and theory in political science. In: Handbook of Political
    Science, vol. 7. Addison-Wesley.

    Fairfield, T. & Charman, A. E. (2017). Explicit Bayesian analysis for process tracing:
    guidelines, opportunities, and caveats. Political Analysis 25(3), 363-380.

    Examples
    --------
    >>> failed = Clue("no spillover where it was most likely", if_true=0.1, if_false=0.5)
    >>> round(crucial_case("FDI spills over", 0.5, [failed]).posterior, 3)
    0.167
    """
    _check_prior(prior)
    _check_overlap(overlap)
    given = tuple(clues)
    if not given or not all(isinstance(clue, Clue) for clue in given):
        raise SchemaError("clues must be a list of Clue objects, at least one.")
    names = [clue.name for clue in given]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SchemaError(f"Clues occur twice: {preview(twice)}. Count each finding once.")
    return CrucialCase(hypothesis, float(prior), given, float(overlap))


def failure_factor(success_if_true: float, success_if_false: float) -> float:
    """Return what the failure of one case multiplies the odds of a hypothesis by.

    Parameters
    ----------
    success_if_true, success_if_false : float
        Probability that the case would have shown the effect if the hypothesis holds, and if not.

    Returns
    -------
    float
        ``(1 - p) / (1 - q)``. Only a case that was all but sure to succeed, with p near 1, is
        crucial.

    Raises
    ------
    SchemaError
        If a probability is not between 0 and 1.

    Examples
    --------
    >>> round(failure_factor(0.9, 0.5), 3), round(failure_factor(0.7, 0.5), 3)
    (0.2, 0.6)
    """
    _check_prior(success_if_true)
    _check_prior(success_if_false)
    return (1 - success_if_true) / (1 - success_if_false)


def _log_odds(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def _probability(log_odds: Array | float) -> Array:
    value: Array = 1 / (1 + np.exp(-np.asarray(log_odds)))
    return value


def _check_prior(value: object) -> None:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | np.number)
        or not 0 < value < 1
    ):
        raise SchemaError(f"{value!r} is no probability strictly between 0 and 1.")


def _check_overlap(value: float) -> None:
    if not 0 <= value <= 1:
        raise SchemaError(f"overlap={value!r} must lie between 0 (independent) and 1 (the same).")

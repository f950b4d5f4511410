"""From a solved regression to its result: covariance, inference, statistics, first stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from warnings import warn

import numpy as np
import pandas as pd

from spillover.errors import (
    IdentificationError,
    SpilloverWarning,
    preview,
)
from spillover.linkage.carried import CarriedLinkages, carried_tags
from spillover.panel.codes import nested
from spillover.panel.covariance import FEW_CLUSTERS, Inference, covariance
from spillover.panel.first_stage import Errors, FirstStage, first_stage
from spillover.panel.iv import Instrumented, Moments, instrument
from spillover.panel.names import names_used
from spillover.panel.ols import least_squares
from spillover.panel.result import Fit
from spillover.panel.transforms import difference_label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.panel.estimated import Estimated
    from spillover.panel.formula import Model

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]


class Carried(NamedTuple):
    """What a frame remembers of the linkages attached to it."""

    definitions: Mapping[str, str]
    links: Mapping[str, CarriedLinkages]
    synthetic: bool

    @classmethod
    def by(cls, frame: object) -> Carried:
        """Read a frame's memory, once."""
        tags = carried_tags(frame)
        return cls(
            {name: str(tag) for name, tag in tags.items()},
            {name: tag for name, tag in tags.items() if isinstance(tag, CarriedLinkages)},
            any("synthetic" in tag.lower() for tag in tags.values()),
        )


@dataclass(frozen=True)
class Sides:
    """The columns of a regression that the effects leave.

    Attributes
    ----------
    y : (n,) array
    X : (n, k) array
        The endogenous regressors last.
    Z : (n, l) array or None
    weights : (n,) array or None
    terms, endogenous, instruments : sequence of str
    total : float
        Weighted sum of squares of the raw outcome, around its mean where there is a constant.
    within : float
        Of y.
    """

    y: Matrix
    X: Matrix
    Z: Matrix | None
    weights: Matrix | None
    terms: Sequence[str]
    endogenous: Sequence[str]
    instruments: Sequence[str]
    total: float
    within: float


@dataclass(frozen=True)
class Clustering:
    """How errors are grouped, and what the absorbed effects cost.

    Attributes
    ----------
    kind : {"cluster", "hetero", "iid"}
    clusters : mapping of str to (n,) codes
    reason : str
    absorbed, outside : int
        Rank of the effects; the same with those nested in a cluster as one constant.
    """

    kind: str
    clusters: Mapping[str, Codes]
    reason: str
    absorbed: int
    outside: int

    @property
    def counts(self) -> dict[str, int]:
        """Clusters of each level.

        Returns
        -------
        dict of str to int
        """
        return {name: int(codes.max()) + 1 for name, codes in self.clusters.items()}

    def inference(self, df_resid: int) -> Inference:
        """Say how the standard errors are made.

        Returns
        -------
        Inference
        """
        counts = tuple(self.counts.values())
        df = min(counts) - 1 if counts else df_resid
        return Inference(self.kind, tuple(self.clusters), counts, df, self.reason)


def check_degrees(n: int, k: int, absorbed: int) -> None:
    """Raise unless degrees of freedom are left.

    Raises
    ------
    IdentificationError
    """
    if n - k - absorbed < 1:
        raise IdentificationError(
            f"{n:,} observations cannot identify {k} coefficients and absorbed effects of rank "
            f"{absorbed:,}: no degrees of freedom are left."
        )


def solve(method: str, sides: Sides, how: Clustering) -> Instrumented:
    """Estimate by least squares or with instruments.

    Returns
    -------
    Instrumented
    """
    if sides.Z is None:
        return Instrumented(least_squares(sides.y, sides.X, sides.weights), None)
    return instrument(
        method,  # type: ignore[arg-type]
        sides.y,
        sides.X,
        sides.Z,
        sides.weights,
        terms=sides.terms,
        endogenous=sides.endogenous,
        moments=Moments(how.kind, how.clusters, how.absorbed),
    )


@dataclass(frozen=True)
class Facts:
    """What a result says besides its numbers."""

    model: Model
    method: str
    length: int
    levels: Mapping[str, int]
    sample: str
    dropped: Mapping[str, int]
    used: NDArray[np.bool_]
    carried: Carried
    remarks: tuple[str, ...] = ()


def assemble(
    sides: Sides,
    solved: Instrumented,
    how: Clustering,
    facts: Facts,
    estimated: Estimated | None,
) -> Fit:
    """Compute covariance, statistics and first stage, and put the result together.

    Returns
    -------
    Fit
    """
    squares, terms = solved.squares, list(sides.terms)
    n, k = sides.X.shape
    df_resid = n - k - how.absorbed
    inference = how.inference(df_resid)
    vcov = covariance(
        how.kind,
        squares.bread,
        squares.scores,
        squares.residuals,
        weights=sides.weights,
        clusters=how.clusters,
        parameters=k + how.absorbed,
        parameters_outside_clusters=k + how.outside,
    )
    e = squares.residuals
    ssr = float(e @ e if sides.weights is None else (sides.weights * e) @ e)
    definitions, links, synthetic = facts.carried
    return Fit(
        formula=str(facts.model),
        outcome=facts.model.outcome,
        params=pd.Series(squares.beta, terms, name="estimate"),
        vcov=pd.DataFrame(vcov, terms, terms),
        inference=inference,
        nobs=n,
        df_resid=df_resid,
        levels=facts.levels,
        df_absorbed=how.absorbed,
        r2=1 - ssr / sides.total if sides.total else np.nan,
        r2_within=1 - ssr / sides.within if sides.within else np.nan,
        rmse=float(np.sqrt(ssr / df_resid)),
        sample=facts.sample,
        dropped=facts.dropped,
        definitions={t: definitions[t] for t in terms if t in definitions},
        residuals=None if estimated is None else e,
        used=facts.used,
        synthetic=synthetic,
        links={
            column: tag
            for column, tag in links.items()
            if any(column in names_used(side, list(links)) for side in facts.model.sides)
        },
        estimated=estimated,
        estimator=facts.method,
        transform=difference_label(facts.length),
        first_stage=_strength(sides, how, inference),
        overidentification=solved.overidentification,
        remarks=facts.remarks,
    )


def _strength(sides: Sides, how: Clustering, inference: Inference) -> FirstStage | None:
    if sides.Z is None:
        return None
    errors = Errors(
        how.kind,
        how.clusters,
        how.absorbed,
        how.outside,
        inference.df if how.clusters else None,
        inference.label,
    )
    return first_stage(
        sides.X,
        sides.Z,
        sides.weights,
        endogenous=sides.endogenous,
        instruments=sides.instruments,
        errors=errors,
    )


def overlap_remark(length: int, firms: Codes, clusters: Mapping[str, Codes]) -> tuple[str, ...]:
    """Remark on differences whose clusters do not hold whole firms.

    Parameters
    ----------
    length : int
    firms : (n,) codes
    clusters : mapping of str to (n,) codes

    Returns
    -------
    tuple of str
        Empty where nothing is amiss.
    """
    if not length or any(nested(firms, codes) for codes in clusters.values()):
        return ()
    how = f"clusters of {' and '.join(clusters)} do not" if clusters else "errors are taken not to"
    return (f"Differences of one firm overlap in time, which {how} cover; cluster by firm as well",)


def warn_if_few(counts: Mapping[str, int], stacklevel: int = 3) -> None:
    """Warn if there are fewer than 40 clusters of a level.

    Warns
    -----
    SpilloverWarning
    """
    name = min(counts, key=lambda level: counts[level], default="")
    if name and counts[name] < FEW_CLUSTERS:
        warn(
            f"Only {counts[name]} clusters of {name}: with fewer than {FEW_CLUSTERS}, clustered "
            "standard errors are too small and tests reject too often.",
            SpilloverWarning,
            stacklevel=stacklevel,
        )


def warn_if_infinite(dropped: Mapping[str, int], stacklevel: int = 3) -> None:
    """Warn if rows were left out for infinite values.

    Warns
    -----
    SpilloverWarning
    """
    ending = " infinite"
    found = [
        f"{reason.removesuffix(ending)} ({count:,} rows)"
        for reason, count in dropped.items()
        if reason.endswith(ending)
    ]
    if found:
        warn(
            f"Infinite values, such as the logarithm of zero, were left out: {preview(found)}.",
            SpilloverWarning,
            stacklevel=stacklevel,
        )

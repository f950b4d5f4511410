"""What the inference functions read from a fit, with the errors they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from spillover.errors import IdentificationError, SchemaError, did_you_mean, preview
from spillover.inference._projection import Projection
from spillover.panel.clusters import outside_clusters
from spillover.panel.codes import compress
from spillover.panel.covariance import covariance
from spillover.panel.formula import parse_effect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.panel.estimated import Estimated
    from spillover.panel.result import Fit

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]

ClusterBy = str | np.ndarray[Any, Any] | pd.Series
"""A clustering level: the name of one in the fit (interactions by ^), or one value per row."""


def estimated_of(fit: Fit) -> Estimated:
    """Return the arrays behind a fit.

    Raises
    ------
    SchemaError
        If the fit did not keep them.
    """
    estimated: Estimated | None = getattr(fit, "estimated", None)
    if estimated is None:
        raise SchemaError(
            "This fit kept no arrays, so nothing can be tested after it: fit again without "
            "lean=True (and by an estimator that is linear)."
        )
    return estimated


def projection_of(estimated: Estimated, what: str) -> Projection:
    """Return the projection of a least-squares estimation.

    Raises
    ------
    SchemaError
        If there are instruments.
    """
    if estimated.Xhat is not estimated.X:
        raise SchemaError(
            f"{what} is for least squares; this fit has instruments. Use inference='cluster', or "
            "fit the reduced form (the outcome on the instruments)."
        )
    return Projection(
        estimated.X, estimated.squares.bread, estimated.absorber, estimated.design.weights
    )


def term_places(estimated: Estimated, terms: Sequence[str]) -> list[int]:
    """Return where terms stand among the regressors.

    Raises
    ------
    SchemaError
        For a term that is not one of them, or stands twice.
    """
    known = list(estimated.design.terms)
    for term in terms:
        if term not in known:
            raise SchemaError(f"{term!r} is no term of this regression.{did_you_mean(term, known)}")
    if len(set(terms)) < len(terms):
        raise SchemaError(f"A term stands twice in {preview(terms)}.")
    return [known.index(term) for term in terms]


def cluster_codes(estimated: Estimated, cluster: ClusterBy) -> tuple[str, Codes]:
    """Return the name and the codes (n,) of a clustering level.

    Raises
    ------
    SchemaError
        If it is neither in the fit nor one value per row.
    IdentificationError
        If there is a single cluster.
    """
    if isinstance(cluster, str):
        name, codes = cluster, _named(estimated, cluster)
    else:
        name, codes = str(getattr(cluster, "name", None) or "cluster"), _given(estimated, cluster)
    if int(codes.max()) < 1:
        raise IdentificationError(
            f"All observations are in one cluster of {name}; cluster at a finer level."
        )
    return name, codes


def named_clusters(
    estimated: Estimated, cluster: ClusterBy | Sequence[ClusterBy]
) -> dict[str, Codes]:
    """Return the codes of one or several clustering levels by name.

    Raises
    ------
    SchemaError
        If there is none, or one stands twice.
    IdentificationError
        If one of them has a single cluster.
    """
    levels: list[ClusterBy] = (
        list(cluster) if isinstance(cluster, list | tuple) else [cast("ClusterBy", cluster)]
    )
    found: dict[str, Codes] = {}
    for level in levels:
        name, codes = cluster_codes(estimated, level)
        if name in found:
            raise SchemaError(f"cluster= names the level {name!r} twice.")
        found[name] = codes
    if not found:
        raise SchemaError("cluster= names no level. Give one, such as 'industry^year'.")
    return found


def clustered_covariance(estimated: Estimated, levels: Mapping[str, Codes]) -> Matrix:
    """Return the ordinary clustered covariance (k, k); see :mod:`spillover.panel.covariance`."""
    squares, design = estimated.squares, estimated.design
    k = len(squares.beta)
    return covariance(
        "cluster",
        squares.bread,
        squares.scores,
        squares.residuals,
        weights=design.weights,
        clusters=levels,
        parameters=k + estimated.df_absorbed,
        parameters_outside_clusters=k
        + outside_clusters(estimated.absorber, design.effects, levels),
    )


def intersect(codes: Sequence[Codes]) -> Codes:
    """Return the codes of the intersections of several levels.

    Examples
    --------
    >>> intersect([np.array([0, 0, 1]), np.array([0, 1, 1])])
    array([0, 1, 2])
    """
    joint = codes[0]
    for part in codes[1:]:
        joint = compress(joint * (int(part.max()) + 1) + part)
    return joint


def check_level(level: float) -> None:
    """Raise unless a confidence level lies between 0 and 1.

    Raises
    ------
    SchemaError
    """
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
        raise SchemaError(f"level={level!r} must lie between 0 and 1; 0.95 is usual.")


def _named(estimated: Estimated, cluster: str) -> Codes:
    known: dict[str, Codes] = {**estimated.design.effects, **estimated.design.clusters}
    if cluster in known:
        return known[cluster]
    return intersect([_part(estimated, known, name) for name in parse_effect(cluster)])


def _part(estimated: Estimated, known: Mapping[str, Codes], name: str) -> Codes:
    if name in known:
        return known[name]
    key = None
    if name in {"firm", "industry", "year", "region"}:
        key = getattr(estimated.frame_keys, name)
    if key is None:
        options = [*known, "firm", "industry", "year", "region"]
        raise SchemaError(
            f"cluster={name!r} is no cluster, absorbed effect or key column of this fit."
            f"{did_you_mean(name, options)} Or give one value per observation (an array)."
        )
    missing = int((key.codes < 0).sum())
    if missing:
        raise SchemaError(f"cluster={name!r} is missing in {missing:,} of the rows of the fit.")
    codes: Codes = key.codes
    return codes


def _given(estimated: Estimated, cluster: np.ndarray[Any, Any] | pd.Series) -> Codes:
    values = rows_of(estimated, cluster, "cluster")
    codes = pd.factorize(values)[0]
    if (codes < 0).any():
        raise SchemaError(f"cluster= is missing in {int((codes < 0).sum()):,} rows of the fit.")
    return np.asarray(codes, dtype=np.intp)


def rows_of(
    estimated: Estimated, values: np.ndarray[Any, Any] | pd.Series, name: str
) -> np.ndarray[Any, Any]:
    """Return one value per row of the fit from one per such row, or per row of the data.

    Raises
    ------
    SchemaError
        If the length is neither.
    """
    array = np.asarray(values)
    used = estimated.design.used
    if array.shape == (len(estimated.y),):
        return array
    if array.shape == used.shape:
        return np.asarray(array[used])
    raise SchemaError(
        f"{name}= has shape {array.shape}; give one value per observation of the fit "
        f"({len(estimated.y):,}) or per row of its data ({len(used):,})."
    )

"""At which level to cluster, and what the absorbed effects then cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spillover.errors import SchemaError
from spillover.panel.absorb import Absorber
from spillover.panel.codes import nested, share_between
from spillover.panel.formula import Effect, effect_name, parse_effect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Codes = NDArray[np.intp]

INDUSTRY_YEAR: Effect = ("industry", "year")
GROUPED = 0.9
"""Share of a regressor's variance between industry-years from which it counts as grouped."""


def cluster_levels(cluster: str | Sequence[str], columns: Sequence[str]) -> list[Effect]:
    """Return the clustering levels to code; for "auto" all that may be chosen.

    Raises
    ------
    SchemaError

    Examples
    --------
    >>> cluster_levels("auto", ["firm", "year", "industry"])
    [('industry', 'year'), ('firm',)]
    """
    if isinstance(cluster, str) and cluster == "auto":
        offered: list[Effect] = [INDUSTRY_YEAR, ("firm",)]
        return [level for level in offered if set(level) <= set(columns)]
    names = [cluster] if isinstance(cluster, str) else cluster
    texts = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
    if not texts or not names:
        raise SchemaError(
            f"cluster={cluster!r} names no level. Give one, such as 'industry^year', or a list of "
            "several; for errors that are not clustered pass inference='hetero'."
        )
    levels = [parse_effect(name) for name in names]
    if len(set(levels)) < len(levels):
        raise SchemaError(f"cluster={cluster!r} names a level twice.")
    return levels


def choose_clusters(
    clusters: Mapping[str, Codes], terms: Sequence[str], share: Callable[[int, str], float]
) -> tuple[Mapping[str, Codes], str]:
    """Settle "auto" by where the regressors vary.

    Parameters
    ----------
    clusters : mapping of str to (n,) codes
        The levels on offer.
    terms : sequence of str
    share : function of a term's position and a level
        Returns the share of the term's variance between clusters.

    Returns
    -------
    The chosen levels, and the reason
    """
    name = effect_name(INDUSTRY_YEAR)
    if name in clusters:
        grouped = [term for j, term in enumerate(terms) if share(j, name) >= GROUPED]
        if grouped:
            few = ", ".join(grouped[:3]) + (", ..." if len(grouped) > 3 else "")
            return {name: clusters[name]}, f"chosen because {few} vary by industry and year"
    if "firm" in clusters:
        return {"firm": clusters["firm"]}, "chosen: repeated observations of a firm"
    return {}, "chosen: the data name no industry, year or firm to cluster by"


def outside_clusters(
    absorber: Absorber | None, effects: Mapping[str, Codes], clusters: Mapping[str, Codes]
) -> int:
    """Return what the absorbed effects cost, those nested in a cluster as one constant.

    Returns
    -------
    int
    """
    if absorber is None:
        return 0
    inside = [
        codes
        for codes in effects.values()
        if any(nested(codes, cluster) for cluster in clusters.values())
    ]
    if not inside:
        return absorber.rank
    return absorber.rank - Absorber.from_codes(inside).rank + 1


__all__ = ["choose_clusters", "cluster_levels", "outside_clusters", "share_between"]

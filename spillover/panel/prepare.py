"""What every estimator starts from: the data, the rows and columns, and the clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from spillover._frames import NativeFrame, as_eager
from spillover.firms import FirmPanel
from spillover.panel.clusters import choose_clusters, cluster_levels, share_between
from spillover.panel.design import Design, Sample, build_design
from spillover.panel.formula import Model, parse_effect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import narwhals as nw
    import numpy as np
    from numpy.typing import NDArray

    from spillover.panel.formula import Effect
    from spillover.panel.settings import Settings

    Codes = NDArray[np.intp]


def native_frame(data: FirmPanel | NativeFrame) -> tuple[NativeFrame, nw.DataFrame[Any]]:
    """Return the data as they came, and wrapped; a lazy frame is collected once."""
    native = data.data if isinstance(data, FirmPanel) else data
    eager = as_eager(native, "data")
    return native if isinstance(native, pd.DataFrame) else eager.to_native(), eager


class Prepared(NamedTuple):
    """A design, the name of its sample, and the clusters with the reason for choosing them."""

    design: Design
    sample: str
    clusters: Mapping[str, Codes]
    reason: str


def prepare(
    model: Model, native: NativeFrame, sample: Sample, settings: Settings, columns: Sequence[str]
) -> Prepared:
    """Build the design and settle the clusters.

    Parameters
    ----------
    model : Model
    native : data frame
    sample : see :func:`spillover.fit`
    settings : Settings
    columns : sequence of str
        Of the data.

    Returns
    -------
    Prepared
        Without clusters unless ``settings.inference`` is "cluster".
    """

    def build(levels: Sequence[Effect]) -> tuple[Design, str]:
        return build_design(
            model,
            native,
            sample=sample,
            levels=levels,
            weights=settings.weights,
            singletons=settings.singletons,
            length=settings.length,
        )

    if settings.inference != "cluster":
        design, label = build([])
        return Prepared(design, label, {}, "")
    design, label = build(cluster_levels(settings.cluster, columns))
    if settings.cluster != "auto":
        return Prepared(design, label, design.clusters, "")
    clusters, reason = choose_clusters(
        design.clusters,
        design.terms,
        lambda j, name: share_between(design.X[:, j], design.clusters[name]),
    )
    if any(f"{name} missing" in design.dropped for name in set(design.clusters) - set(clusters)):
        # "auto" offered a level that is not used after all: the rows without it stay
        design, label = build([parse_effect(name) for name in clusters])
        clusters = design.clusters
    return Prepared(design, label, clusters, reason)

"""The control for incomplete shares: the sum of a measure's shares, times the years.

The own industry, final demand and exports are left out of Backward, so that its shares add up to
:math:`S_j < 1`. A change in the general level of presence, common to all industries, then moves
Backward by S_j times that change: part of what looks like spillovers is the average effect of years
on industries that sell more to other industries. S_j times year effects takes it out (Borusyak,
Hull & Jaravel 2022, section 4.2); firm effects take out S_j alone, but not that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.linalg import lapack

from spillover._frames import as_eager
from spillover.errors import SchemaError, check_choice
from spillover.firms import FirmPanel
from spillover.linkage.attach import attach
from spillover.linkage.build import check_linkages
from spillover.panel.ols import check_identified, least_squares

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from spillover._frames import NativeFrame
    from spillover.inference.exposure_terms import Exposure
    from spillover.linkage.result import Linkages
    from spillover.panel.estimated import Estimated

    Matrix = NDArray[np.float64]

DEPENDENT = 1e-10
"""Part of a control's sum of squares below which what is left of it counts as rounding."""
SAME = 1e-9


def share_controls(
    panel: FirmPanel | NativeFrame, links: Linkages, *, measures: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return the sums of shares, times each year, as columns to control for.

    Parameters
    ----------
    panel : FirmPanel or data frame
        With the columns industry and year (and region, where presence is regional).
    links : Linkages
    measures : sequence of str, optional
        By default all that were built and whose shares do not add up to 1.

    Returns
    -------
    pandas.DataFrame
        One row per row of the panel, in its order and with its index if it is a pandas frame;
        columns ``<measure>_weight_<year>``: the sum of the shares that rest on observed industries
        in that year, 0 in other years; missing where the measure is.

    Raises
    ------
    SchemaError
        If a measure was not built, or the panel lacks its keys.

    Notes
    -----
    ``sp.inference.with_exposure(fit, share_controls=True)`` takes them out without reporting them.

    Examples
    --------
    >>> import spillover as sp
    >>> firms = sp.datasets.demo_firms()
    >>> links = sp.linkages(firms, sp.datasets.demo_io())
    >>> controls = sp.inference.share_controls(firms, links, measures=["backward"])
    >>> controls.columns[0], len(controls) == len(firms.to_pandas())
    ('backward_weight_2005', True)
    """
    check_linkages(links)
    offered = [name for name in links.measures if name != "horizontal"]
    chosen = _incomplete(links, offered) if measures is None else [*measures]
    for name in chosen:
        check_choice("measures", name, offered)
    native = panel.data if isinstance(panel, FirmPanel) else panel
    eager = as_eager(native, "panel")
    names = [name for name in ("industry", "region", "year") if name in links.data]
    lacking = [name for name in names if name not in eager.columns]
    if lacking:
        raise SchemaError(f"The panel lacks {lacking[0]!r}, which the linkages are keyed by.")
    frame = eager.select(names).to_pandas()
    if not chosen:
        return pd.DataFrame(index=frame.index)
    weights = [f"{name}_weight" for name in chosen]
    joined = attach(frame, links, measures=weights)
    year = joined["year"].to_numpy(dtype=np.float64)
    columns = {
        f"{weight}_{at}": joined[weight].to_numpy(dtype=np.float64) * (year == at)
        for weight in weights
        for at in np.unique(year[np.isfinite(year)]).astype(int)
    }
    return pd.DataFrame(columns, index=frame.index)


def _incomplete(links: Linkages, measures: Sequence[str]) -> list[str]:
    """Return the measures whose shares do not add up to the same number everywhere."""
    spread = {name: np.ptp(links.data[f"{name}_weight"].to_numpy()) for name in measures}
    return [name for name, width in spread.items() if not width <= 1e-9]


def share_columns(exposures: Iterable[Exposure]) -> dict[str, Matrix]:
    """Return the sums of shares x periods, row by row, of regressors with incomplete shares.

    Parameters
    ----------
    exposures : iterable of Exposure

    Returns
    -------
    mapping of str to (n,) array
        ``<term> shares x <period>``; a period is a year, or a region-year where those effects are
        absorbed.
    """
    found = {}
    for one in exposures:
        layout = one.layout
        axes = layout.links.axes
        total = one.spread(one.observed.astype(np.float64))
        reached = layout.totals > 0
        if one.factor is None and np.ptp(total[reached]) <= SAME and abs(
            total[reached].max() - 1) <= SAME:  # fmt: skip
            continue
        periods = [
            (str(year) if not layout.by_region or region == "" else f"{region} {year}", r, t)
            for t, year in enumerate(axes.years)
            for r, region in enumerate(axes.regions if layout.by_region else ("",))
        ]
        for name, r, t in periods:
            cells = np.zeros_like(total)
            at = (slice(None), r if layout.by_region else slice(None), t)
            cells[at] = total[at]
            if (cells[reached] != 0).any():
                found[f"{one.term} shares x {name}"] = one.rows(cells)
    return found


def with_share_controls(estimated: Estimated, exposures: Iterable[Exposure]) -> Estimated:
    """Add the sums of shares x periods to the regressors of an estimation, and solve anew.

    Parameters
    ----------
    estimated : Estimated
        Of least squares.
    exposures : iterable of Exposure
        From :func:`spillover.inference.exposure_terms.find_exposures`.

    Returns
    -------
    Estimated
        With the controls after the other terms; those that effects or other controls take up are
        left out. The first terms are those of the model.

    Raises
    ------
    IdentificationError
        If a regressor is a combination of the controls.
    """
    columns = share_columns(exposures)
    if not columns:
        return estimated
    raw = np.column_stack(list(columns.values()))
    left = estimated.absorber.residualise(raw) if estimated.absorber else raw
    design, w = estimated.design, estimated.design.weights
    kept = _independent(left, raw, w)
    terms = [*design.terms, *(list(columns)[j] for j in kept)]
    X = np.hstack([estimated.X, left[:, kept]])
    whole = np.hstack([design.X, raw[:, kept]])
    check_identified(whole, X, terms, design.effects, w)
    squares = least_squares(estimated.y, X, w)
    design = replace(design, X=whole, terms=terms)
    return replace(estimated, design=design, X=X, Xhat=X, squares=squares)


def _independent(left: Matrix, raw: Matrix, weights: Matrix | None) -> NDArray[np.intp]:
    """Choose columns that the effects and the columns chosen before do not take up."""
    root = np.ones(len(raw)) if weights is None else np.sqrt(weights)
    size = np.sqrt(np.einsum("ij,ij->j", raw * root[:, None], raw * root[:, None]))
    scaled = left * root[:, None] / np.where(size > 0, size, 1.0)
    _, pivots, rank, _ = lapack.dpstrf(scaled.T @ scaled, lower=1, tol=DEPENDENT)
    return np.sort(pivots[:rank] - 1)

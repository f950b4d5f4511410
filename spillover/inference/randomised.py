"""Put randomisation inference into a fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from spillover.inference.exposure import with_exposure
from spillover.inference.randomisation import randomise

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from spillover.inference.randomisation import Scheme, Statistic
    from spillover.linkage.result import Linkages
    from spillover.panel.result import Fit


def with_randomisation(
    fit: Fit,
    links: Linkages | Mapping[str, Linkages] | None = None,
    *,
    draws: int = 999,
    scheme: Scheme = "permute",
    statistic: Statistic = "studentised",
    rng: int | np.random.Generator = 0,
) -> Fit:
    """Return the fit with randomisation p-values and intervals of its linkage terms.

    Parameters
    ----------
    fit, links, draws, scheme, statistic, rng
        As in :func:`randomise`.

    Returns
    -------
    Fit
        Standard errors, and the p-values and intervals of other terms, are the exposure-robust
        ones.

    Raises
    ------
    SchemaError
        As :func:`randomise`.

    Examples
    --------
    >>> import warnings
    >>> import spillover as sp
    >>> world = sp.simulate.panel(backward=0.3, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> fit = sp.fit("tfp ~ backward | firm + year", panel, sample="domestic")
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     with_randomisation(fit, draws=19).inference.kind
    'randomisation'
    """
    robust = with_exposure(fit, links)
    random = randomise(fit, links, draws=draws, scheme=scheme, statistic=statistic, rng=rng)
    p_values = robust.pvalues.copy()
    for term in random.terms:
        p_values[term] = random.p_value(term)

    def intervals(level: float) -> pd.DataFrame:
        table = robust.confint(level)
        table.loc[list(random.terms)] = random.confint(level)
        return table

    described = replace(robust.inference, kind="randomisation", description="randomisation")
    return replace(
        robust,
        inference=described,
        p_values=p_values,
        intervals=intervals,
        remarks=(*fit.remarks, *random.notes()),
    )

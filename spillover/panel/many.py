"""Many specifications on the same data, with everything that they share computed once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from spillover.errors import SchemaError, SpilloverError, preview
from spillover.panel.assemble import Carried, warn_if_few, warn_if_infinite
from spillover.panel.clusters import cluster_levels
from spillover.panel.formula import Model, parse_formula
from spillover.panel.prepare import native_frame
from spillover.panel.result import Fit
from spillover.panel.settings import Settings
from spillover.panel.source import Source
from spillover.panel.workshop import Workshop

if TYPE_CHECKING:
    from spillover._frames import NativeFrame
    from spillover.firms import FirmPanel
    from spillover.panel.fit import Linear
    from spillover.panel.settings import How
    from spillover.panel.source import Sample
    from spillover.panel.transforms import Transform


class Fits(Mapping[str, Fit]):
    """Results by name; give it to ``sp.tables.regression`` or ``sp.plot.coefficients`` as it is.

    Parameters
    ----------
    fits : mapping of str to Fit
    """

    def __init__(self, fits: Mapping[str, Fit]) -> None:
        self._fits = dict(fits)

    def __getitem__(self, name: str) -> Fit:
        return self._fits[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fits)

    def __len__(self) -> int:
        return len(self._fits)

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return the coefficients of all results, one row each.

        Parameters
        ----------
        level : float
            Of the confidence interval.

        Returns
        -------
        pandas.DataFrame
            model, and the columns of :meth:`spillover.Fit.tidy`.
        """
        tables = {name: one.tidy(level) for name, one in self._fits.items()}
        return pd.concat(tables, names=["model"]).reset_index("model").reset_index(drop=True)

    def glance(self) -> pd.DataFrame:
        """Return one row for each result.

        Returns
        -------
        pandas.DataFrame
            model, and the columns of :meth:`spillover.Fit.glance`.
        """
        tables = {name: one.glance() for name, one in self._fits.items()}
        return pd.concat(tables, names=["model"]).reset_index("model").reset_index(drop=True)

    def __repr__(self) -> str:
        shown = ["model", "outcome", "sample", "nobs", "absorbed", "inference", "r2_within"]
        return f"{len(self)} fits\n{self.glance()[shown].to_string(index=False)}"

    def _repr_html_(self) -> str:
        html: str = self.glance().to_html(index=False, border=0)
        return html


def fit_many(
    formulas: Sequence[str] | Mapping[str, str],
    data: FirmPanel | NativeFrame,
    *,
    samples: Sample | Mapping[str, Sample] = "all",
    transform: Transform = "levels",
    length: int | None = None,
    estimator: Linear = "auto",
    cluster: str | Sequence[str] = "auto",
    inference: How = "cluster",
    inference_settings: Mapping[str, Any] | None = None,
    weights: str | None = None,
    singletons: Literal["drop", "keep"] = "drop",
    lean: bool = True,
) -> Fits:
    """Fit many specifications as :func:`spillover.fit` does, sharing what they have in common.

    Codes of effects and clusters, the factor of the absorbed effects and the columns that they
    leave are computed once for every set of rows. Two specifications share them only if they use
    the very same rows: those with other missing values get their own.

    Parameters
    ----------
    formulas : sequence of str, or mapping of name to formula
        See :func:`spillover.fit`. For several outcomes and sets of regressors write them as a
        comprehension: ``[f"{y} ~ {x} | firm + year" for y in outcomes for x in regressors]``.
    data : FirmPanel or data frame
    samples : sample, or mapping of name to sample
        Every formula is fitted on every sample.
    transform, length, estimator, cluster, inference, inference_settings, weights, singletons
        See :func:`spillover.fit`.
    lean : bool
        As with :func:`spillover.fit`, but True by default: hundreds of results stay small.

    Returns
    -------
    Fits
        By the formula's name (the formula itself for a sequence), followed by the sample's where
        there are several.

    Raises
    ------
    SchemaError, IdentificationError
        As :func:`spillover.fit`; the message starts with the name of the specification.

    Examples
    --------
    >>> import spillover as sp
    >>> world = sp.simulate.panel(backward=0.3, rng=1)
    >>> panel = sp.attach(world.firms, sp.linkages(world.firms, world.io))
    >>> fits = sp.fit_many(
    ...     {x: f"tfp ~ {x} | firm + year" for x in ["horizontal", "backward"]},
    ...     panel,
    ...     samples={"domestic": "domestic", "all": "all"},
    ... )
    >>> list(fits)
    ['horizontal, domestic', 'horizontal, all', 'backward, domestic', 'backward, all']
    """
    named = _named(formulas)
    groups = samples if isinstance(samples, Mapping) else {"": samples}
    if not named or not groups:
        raise SchemaError("fit_many() needs at least one formula and one sample.")
    settings = Settings.checked(
        transform=transform,
        length=length,
        estimator=estimator,
        cluster=cluster,
        inference=inference,
        inference_settings=inference_settings,
        weights=weights,
        singletons=singletons,
        lean=lean,
    )
    native, eager = native_frame(data)
    levels = cluster_levels(cluster, eager.columns) if settings.inference == "cluster" else []
    carried = Carried.by(native)
    results: dict[str, Fit] = {}
    for label, sample in groups.items():
        source = Source(
            eager,
            list(named.values()),
            sample=sample,
            levels=levels,
            weights=weights,
            length=settings.length,
        )
        shop = Workshop(source, native, settings, levels, carried)
        for name, model in named.items():
            full = f"{name}, {label}" if len(groups) > 1 else name
            try:
                results[full] = shop.fit(model)
            except SpilloverError as error:
                raise type(error)(f"{full}: {error}") from error
    order = [f"{name}, {label}" if len(groups) > 1 else name for name in named for label in groups]
    _warn(results, few=not settings.errors)
    return Fits({name: results[name] for name in order})


def _named(formulas: object) -> dict[str, Model]:
    """Parse every formula, under its name."""
    if isinstance(formulas, str) or not isinstance(formulas, Mapping | Sequence):
        raise SchemaError(
            "formulas= must be a list of formulas, or a mapping of name to formula; for a single "
            "one use sp.fit()."
        )
    if isinstance(formulas, Mapping):
        odd = [name for name in formulas if not isinstance(name, str)]
        if odd:
            raise SchemaError(f"names of formulas must be text: {preview(odd)}.")
        return {name: parse_formula(text) for name, text in formulas.items()}
    repeated = sorted({str(text) for text in formulas if formulas.count(text) > 1})
    if repeated:
        raise SchemaError(f"formulas= holds {preview(repeated, 2)} more than once.")
    return {text: parse_formula(text) for text in formulas}


def _warn(results: Mapping[str, Fit], *, few: bool) -> None:
    """Say once what would otherwise be said for every fit."""
    fewest: dict[str, int] = {}
    infinite: dict[str, int] = {}
    for one in results.values():
        for name, count in zip(one.inference.levels, one.inference.n_clusters, strict=True):
            fewest[name] = min(count, fewest.get(name, count))
        for why, count in one.dropped.items():
            infinite[why] = max(count, infinite.get(why, 0))
    if few:
        warn_if_few(fewest, stacklevel=4)
    warn_if_infinite(infinite, stacklevel=4)

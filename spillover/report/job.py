"""The job itself: read, link, estimate; nothing is written here."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spillover.errors import SpilloverWarning
from spillover.firms import FirmPanel, read_firms
from spillover.iotables import Concordance, IOTable, concordance, read_io
from spillover.linkage import Linkages, attach, linkages
from spillover.panel import Fit, Sample, fit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from spillover.report.settings import Settings

MEASURES = ("horizontal", "backward", "forward")
INPUTS = ("capital", "employment", "materials")
CLUSTERS: Mapping[str, tuple[str, ...]] = {
    "industry-year": ("industry^year",),
    "industry": ("industry",),
    "firm": ("firm",),
    "firm and industry-year": ("firm", "industry^year"),
}
Step = Callable[[str], None]
"""Called with a few words before each step."""


@dataclass(frozen=True)
class Outcome:
    """What the job found.

    Attributes
    ----------
    firms, io, links, panel
        The inputs as read, the measures, and the panel with the measures attached.
    models : mapping of str to Fit
        The regression table's columns.
    inference : mapping of str to Fit
        The first model with other standard errors.
    notes : tuple of str
        Every warning on the way.
    settings : Settings
    synthetic : bool
        Whether the data say that they are synthetic.
    """

    firms: FirmPanel
    io: IOTable
    links: Linkages
    panel: pd.DataFrame
    models: Mapping[str, Fit]
    inference: Mapping[str, Fit]
    notes: tuple[str, ...]
    settings: Settings
    synthetic: bool

    @property
    def main(self) -> Fit:
        """The model that the report's first sentence reads.

        Returns
        -------
        Fit
        """
        return next(iter(self.models.values()))


def run(settings: Settings, step: Step = lambda _: None) -> Outcome:
    """Read the inputs, build the measures and fit the models.

    Parameters
    ----------
    settings : Settings
    step : callable
        Told what comes next, for a progress bar.

    Returns
    -------
    Outcome

    Raises
    ------
    SpilloverError
        Whatever is wrong with the inputs.

    Examples
    --------
    >>> from spillover.report import demo_settings
    >>> outcome = run(demo_settings())
    >>> outcome.synthetic, list(outcome.models)
    (True, ['(1)', '(2)', '(3)', '(4)'])
    """
    notes: list[str] = []
    with _noted(notes):
        step("reading firms")
        firms = _read_firms(settings)
        step("reading the input-output table")
        io = _read_io(settings)
        step("building linkage measures")
        links = linkages(firms, io, settings.definition)
        panel = attach(firms.to_pandas(), links)
        step("fitting regressions")
        models = _models(panel, settings)
        step("checking the standard errors")
        inference = _inference(panel, settings, models)
    synthetic = "synthetic" in io.source.lower()
    unique = tuple(dict.fromkeys(notes))
    return Outcome(firms, io, links, panel, models, inference, unique, settings, synthetic)


def read_inputs(settings: Settings) -> tuple[FirmPanel, IOTable]:
    """Read the firm panel and the input-output table that the settings describe.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    FirmPanel, IOTable

    Raises
    ------
    SpilloverError
        Whatever is wrong with the inputs.
    """
    return _read_firms(settings), _read_io(settings)


@contextmanager
def _noted(notes: list[str]) -> Iterator[None]:
    """Collect the package's warnings; pass others on."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        if issubclass(warning.category, SpilloverWarning):
            notes.append(str(warning.message))
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )


def _read_firms(settings: Settings) -> FirmPanel:
    options = {key: value for key, value in settings.section("firms").items() if key != "file"}
    firms = read_firms(settings.firms, **options)
    section = dict(settings.section("concordance"))
    if not section:
        return firms
    choices = {key: section.pop(key) for key in ("unmatched", "several") if key in section}
    file = section.pop("file", None)
    if file is None:
        table = concordance(section["source"], section["target"])
    else:
        table = Concordance.from_csv(settings.beside(file), **section)
    return firms.with_industries(table, **choices)


def _read_io(settings: Settings) -> IOTable:
    section = {key: value for key, value in settings.section("io").items() if key != "file"}
    layout: dict[str, Any] = dict(section.pop("layout", {}))
    for key in ("imported", "domestic"):
        if key in layout:
            layout[key] = settings.beside(layout[key])
    return read_io(settings.io, **section, **layout)


def _equation(panel: pd.DataFrame, settings: Settings) -> tuple[str, list[str]]:
    """Return the outcome and the controls: what the settings say, else what the panel has.

    Without settings the outcome is ``tfp`` if the panel has it, else log output on the log inputs
    it has (Javorcik 2004, eq. 1).
    """
    section = settings.section("regression")
    controls = list(section.get("controls", []))
    controls += [f"log({name})" for name in section.get("log_controls", [])]
    if "outcome" in section:
        outcome = section["outcome"]
        return (f"log({outcome})" if section.get("log_outcome") else outcome), controls
    if "tfp" in panel.columns:
        return "tfp", controls
    inputs = [f"log({name})" for name in INPUTS if name in panel.columns]
    return "log(output)", [*inputs, *controls]


def _models(panel: pd.DataFrame, settings: Settings) -> dict[str, Fit]:
    section = settings.section("regression")
    outcome, controls = _equation(panel, settings)
    absorb = list(section.get("absorb", ["firm", "year"]))
    sample = settings.sample
    regional = [*absorb, "region^year"]

    def model(effects: list[str], *extra: str, whose: Sample = sample) -> Fit:
        right = " + ".join([*MEASURES, *controls, *extra])
        return fit(f"{outcome} ~ {right} | {' + '.join(effects)}", panel, sample=whose)

    fits = [model(absorb)]
    if "region" in panel.columns and "region^year" not in absorb:
        fits.append(model(regional))
    if "industry" not in absorb:
        fits.append(model(["industry", *(name for name in absorb if name != "firm")]))
    if sample != "all":
        fits.append(model(absorb, "foreign_share", whose="all"))
    return {f"({number})": fitted for number, fitted in enumerate(fits, 1)}


def _inference(
    panel: pd.DataFrame, settings: Settings, models: Mapping[str, Fit]
) -> dict[str, Fit]:
    """Refit the first model under each level of clustering that the literature uses."""
    first = next(iter(models.values()))
    return {
        name: fit(first.formula, panel, sample=settings.sample, cluster=list(levels))
        for name, levels in CLUSTERS.items()
    }

"""What would be reported: the literature's specifications, fitted to one synthetic economy."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from spillover.errors import IdentificationError, SpilloverWarning
from spillover.inference.exposure import controlled, infer
from spillover.inference.leads import leads
from spillover.linkage import LinkageDefinition, LocalSourcing, attach, linkages
from spillover.panel import fit, fit_many

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover.panel.result import Fit
    from spillover.simulate.worlds import WorldData

    Array = NDArray[np.float64]

INPUTS = ("log_capital", "log_employment", "log_materials")
CONTROLS = "horizontal + backward + forward"
CELL = "industry^year"


class Specification(NamedTuple):
    """What a specification is called, and whether it claims a spillover or tests an assumption."""

    label: str
    kind: str
    level: str


SPECIFICATIONS: Mapping[str, Specification] = {
    "levels_firm": Specification("Levels, output; by firm", "spillover", "firm"),
    "levels": Specification("Levels, output; by industry-year", "spillover", CELL),
    "levels_industry": Specification("Levels, output; by industry", "spillover", "industry"),
    "differences": Specification("First differences; by industry-year", "spillover", CELL),
    "tfp_index": Specification("TFP, index; by industry-year", "spillover", CELL),
    "tfp_ols": Specification("TFP, two steps; by industry-year", "spillover", CELL),
    "demand": Specification("Levels, demand controlled", "spillover", CELL),
    "domestic": Specification("Levels, domestic flows only", "spillover", CELL),
    "exposure": Specification("Levels; exposure-robust", "spillover", "shocks"),
    "exposure_shares": Specification(
        "Levels; exposure-robust, share controls", "spillover", "shocks"
    ),
    "adjusted": Specification("Backward with the case's sourcing", "spillover", CELL),
    "race_official": Specification("Horse race: official Backward", "spillover", CELL),
    "race_adjusted": Specification("Horse race: Backward of the case", "spillover", CELL),
    "leads": Specification("Test of leads", "test", CELL),
    "imports": Specification("Imported inputs rise with presence", "test", "industry"),
}
"""Every specification by name; errors are clustered as the label says."""
NEEDS_EXPOSURE = ("exposure", "exposure_shares")


class Outcome(NamedTuple):
    """One specification in one economy."""

    specification: str
    estimate: float
    std_error: float
    p_value: float


@dataclass(frozen=True)
class Observed:
    """An economy with its measures: official, of domestic flows, and with the case's sourcing."""

    panel: pd.DataFrame
    cells: pd.DataFrame


def observe(data: WorldData) -> Observed:
    """Measure linkages as an analyst would, who has firms, the official table and the case.

    Parameters
    ----------
    data : WorldData

    Returns
    -------
    Observed
    """
    found = data.sourcing
    local = {str(k): float(v) for k, v in zip(found["sector"], found["case"], strict=True)}
    definitions = {
        "": LinkageDefinition(),
        "_domestic": LinkageDefinition(flows="domestic"),
        "_case": LinkageDefinition(local_sourcing=LocalSourcing.of(local)),
    }
    links = linkages(data.firms, data.io, definitions, controls=["demand"])
    panel = attach(data.firms, links[""])
    for suffix in ("_domestic", "_case"):
        other = links[suffix].data[["industry", "year", "backward"]]
        named = other.rename(columns={"backward": f"backward{suffix}"})
        carried = dict(panel.attrs)
        panel = panel.merge(named, on=["industry", "year"], how="left", validate="m:1")
        panel.attrs.update(carried)
    panel["log_demand"] = np.log(panel["demand"])
    panel["tfp_ols"] = two_step(panel)
    return Observed(panel, _cells(panel))


def two_step(panel: pd.DataFrame) -> Array:
    """Return residuals of output on inputs, by least squares within each industry.

    Parameters
    ----------
    panel : pandas.DataFrame
        industry, foreign_share and logs of output and inputs. Elasticities are those of domestic
        firms; year effects are taken out of them, not out of the residual.

    Returns
    -------
    (rows,) array
    """
    y = panel["log_output"].to_numpy(dtype=np.float64)
    X = panel[list(INPUTS)].to_numpy(dtype=np.float64)
    domestic = (panel["foreign_share"] < 0.1).to_numpy()
    rest = np.full(len(panel), np.nan)
    for rows in panel.groupby("industry").indices.values():
        used = rows[domestic[rows]]
        years = pd.get_dummies(panel["year"].iloc[used]).to_numpy(dtype=np.float64)
        beta = np.linalg.lstsq(np.hstack([X[used], years]), y[used])[0][: X.shape[1]]
        rest[rows] = y[rows] - X[rows] @ beta
    return rest


def _cells(panel: pd.DataFrame) -> pd.DataFrame:
    """Return the imported share of materials by industry and year, all firms, with presence."""
    parts = panel.assign(imported=panel["imported_share"] * panel["materials"])
    table = parts.groupby(["industry", "year"], as_index=False).agg(
        imported=("imported", "sum"),
        materials=("materials", "sum"),
        horizontal=("horizontal", "first"),
    )
    table["firm"] = table["industry"]
    return table.assign(imported_share=table["imported"] / table["materials"])


def estimate(data: WorldData, chosen: Sequence[str]) -> list[Outcome]:
    """Fit the chosen specifications to one economy.

    Parameters
    ----------
    data : WorldData
    chosen : sequence of str
        Of :data:`SPECIFICATIONS`.

    Returns
    -------
    list of Outcome
        For Backward; for "leads" the first lead and the joint test; for "imports" presence. Missing
        values where a specification is not identified.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpilloverWarning)
        seen = observe(data)
        fits = _plain(seen.panel, chosen)
        found: dict[str, Outcome] = {}
        for name, (model, term) in fits.items():
            if name in SPECIFICATIONS and model is not None:
                found[name] = _outcome(name, model, term)
        main = fits["levels"][0]
        if main is not None:
            found |= _robust(main, seen.panel, chosen)
        if "imports" in chosen:
            model = fit("imported_share ~ horizontal | industry + year", seen.cells,
                        cluster="industry")  # fmt: skip
            found["imports"] = _outcome("imports", model, "horizontal")
    missing = float("nan")
    return [found.get(name, Outcome(name, missing, missing, missing)) for name in chosen]


def _outcome(name: str, model: Fit, term: str) -> Outcome:
    return Outcome(
        name,
        float(model.params[term]),
        float(model.std_errors[term]),
        float(model.pvalues[term]),
    )


def _formulas(chosen: Sequence[str]) -> dict[str, str]:
    """Return the formulas that share rows and clusters."""
    plain = " + ".join(INPUTS)
    effects = "firm + year"
    offered = {
        "levels": f"log_output ~ {plain} + {CONTROLS} | {effects}",
        "tfp_index": f"tfp ~ {CONTROLS} | {effects}",
        "tfp_ols": f"tfp_ols ~ {CONTROLS} | {effects}",
        "demand": f"log_output ~ {plain} + {CONTROLS} + log_demand | {effects}",
        "domestic": f"log_output ~ {plain} + horizontal + backward_domestic + forward | {effects}",
        "adjusted": f"log_output ~ {plain} + horizontal + backward_case + forward | {effects}",
        "race": f"log_output ~ {plain} + {CONTROLS} + backward_case | {effects}",
    }
    wanted = {"levels", *chosen}
    if wanted & {"race_official", "race_adjusted"}:
        wanted.add("race")
    return {name: formula for name, formula in offered.items() if name in wanted}


def _plain(panel: pd.DataFrame, chosen: Sequence[str]) -> dict[str, tuple[Fit | None, str]]:
    """Fit what needs no more than least squares; a Fit and the term that is reported."""
    terms = {"domestic": "backward_domestic", "adjusted": "backward_case"}
    formulas = _formulas(chosen)
    models: dict[str, Fit | None] = {}
    try:
        models |= dict(fit_many(formulas, panel, samples="domestic", cluster=CELL, lean=False))
    except IdentificationError:  # one specification of an economy may be collinear; try them alone
        models |= {name: _alone(formula, panel) for name, formula in formulas.items()}
    found = {name: (model, terms.get(name, "backward")) for name, model in models.items()}
    race = found.pop("race", (None, ""))[0]
    found["race_official"], found["race_adjusted"] = (race, "backward"), (race, "backward_case")
    levels = formulas["levels"]
    for name in ("levels_firm", "levels_industry"):
        if name in chosen:
            level = SPECIFICATIONS[name].level
            found[name] = (fit(levels, panel, sample="domestic", cluster=level), "backward")
    if "differences" in chosen:
        formula = levels.replace("| firm + year", "| year")
        model = fit(formula, panel, sample="domestic", transform="first_difference", cluster=CELL)
        found["differences"] = (model, next(t for t in model.params.index if "backward" in t))
    return found


def _alone(formula: str, panel: pd.DataFrame) -> Fit | None:
    try:
        return fit(formula, panel, sample="domestic", cluster=CELL)
    except IdentificationError:
        return None


def _robust(main: Fit, panel: pd.DataFrame, chosen: Sequence[str]) -> dict[str, Outcome]:
    """Return exposure-robust inference and the test of leads on the main regression."""
    found = {}
    if "exposure" in chosen:
        found["exposure"] = _exposed("exposure", main)
    if "exposure_shares" in chosen:
        found["exposure_shares"] = _exposed("exposure_shares", controlled(main))
    if "leads" in chosen:
        test = leads(main, panel, "backward", leads=(1,))
        row = test.tidy().iloc[0]
        found["leads"] = Outcome(
            "leads", float(row["estimate"]), float(row["std_error"]), float(test.joint["p_value"])
        )
    return found


def _exposed(name: str, model: Fit) -> Outcome:
    robust = infer(model)
    position = list(robust.vcov.index).index("backward")
    variance = float(robust.vcov.to_numpy(dtype=np.float64)[position, position])
    return Outcome(
        name,
        float(robust.params["backward"]),
        float(np.sqrt(variance)),
        float(robust.p_value("backward")),
    )

"""Write the report folder: one self-contained page, tables, figures, data, executed notebook."""

from __future__ import annotations

import base64
import importlib.util
import io as streams
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from spillover import plot, tables
from spillover.report.job import MEASURES, Outcome, Step
from spillover.report.notebook import execute, notebook_text
from spillover.report.page import page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

    from spillover.panel import Fit
    from spillover.tables import RegressionTable

LABELS = {
    "horizontal": "Horizontal",
    "backward": "Backward",
    "forward": "Forward",
    "foreign_share": "Own foreign share",
    "tfp": "log TFP",
}


def write_report(outcome: Outcome, out: Path, step: Step = lambda _: None) -> Path:
    """Write everything that a reader of the job needs.

    Parameters
    ----------
    outcome : Outcome
    out : pathlib.Path
        Folder, made if absent; files of the same name are replaced.
    step : callable
        Told what comes next.

    Returns
    -------
    pathlib.Path
        ``report.html``. Beside it: ``tables/`` (CSV and LaTeX), ``figures/`` (PNG and PDF),
        ``linkages.csv``, and ``report.ipynb``, executed where the ``notebooks`` extra is
        installed.
    """
    for folder in (out, out / "tables", out / "figures"):
        folder.mkdir(parents=True, exist_ok=True)
    step("drawing figures")
    figures = _figures(outcome)
    pictures = {name: _save(figure, out / "figures", name) for name, figure in figures.items()}
    step("writing tables")
    made = _tables(outcome)
    for name, table in made.items():
        table.to_csv(out / "tables" / f"{name}.csv")
        (out / "tables" / f"{name}.tex").write_text(table.to_latex(), encoding="utf-8")
    outcome.links.data.to_csv(out / "linkages.csv", index=False)
    step("executing the notebook")
    text = notebook_text(outcome, out)
    executed = importlib.util.find_spec("nbclient") is not None
    notebook = execute(text, out) if executed else text
    (out / "report.ipynb").write_text(notebook, encoding="utf-8")
    step("writing the page")
    target = out / "report.html"
    target.write_text(page(outcome, made, pictures, executed=executed), encoding="utf-8")
    return target


def _tables(outcome: Outcome) -> dict[str, RegressionTable]:
    first = list(MEASURES)
    return {
        "regressions": tables.regression(
            outcome.models,
            labels=LABELS,
            order=first,
            title="Productivity and foreign presence",
            synthetic=outcome.synthetic,
        ),
        "inference": tables.regression(
            outcome.inference,
            labels=LABELS,
            keep=first,
            statistics=("clusters", "nobs"),
            title="The same coefficients under other standard errors",
            synthetic=outcome.synthetic,
        ),
    }


def _figures(outcome: Outcome) -> Mapping[str, Figure]:
    links, synthetic = outcome.links, outcome.synthetic
    industries = list(links.data.loc[links.data["firms"] > 0, "industry"].unique())

    def estimates(fits: Mapping[str, Fit]) -> Figure:
        return plot.coefficients(fits, terms=list(MEASURES), labels=LABELS, synthetic=synthetic)

    return {
        "linkages-over-time": plot.linkages(links, industries=industries),
        "linkages-by-industry": plot.linkages(links, kind="industry", industries=industries),
        "io-table": plot.io_table(outcome.io, flows=links.definition.flows),
        "coefficients": estimates(outcome.models),
        "inference": estimates(outcome.inference),
    }


def _save(figure: Figure, folder: Path, name: str) -> str:
    """Save a figure as PNG and PDF and return the PNG as base64 text."""
    buffer = streams.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, bbox_inches="tight")
    figure.savefig(folder / f"{name}.pdf", bbox_inches="tight", metadata={"CreationDate": None})
    plt.close(figure)
    (folder / f"{name}.png").write_bytes(buffer.getvalue())
    return base64.b64encode(buffer.getvalue()).decode("ascii")

"""The notebook of a report: the same job in the user's own hands, cell by cell."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from spillover.report.job import Outcome


def notebook_text(outcome: Outcome, out: Path) -> str:
    """Return the notebook, not executed, as JSON text.

    Parameters
    ----------
    outcome : Outcome
    out : pathlib.Path
        Where it will lie; inputs are named relative to it.

    Returns
    -------
    str
    """
    demo = bool(outcome.settings.truth)
    kind = "**Synthetic data.** " if outcome.synthetic else ""
    cells = [
        (
            "markdown",
            f"# Foreign presence and productivity\n\n{kind}The job of this report, step "
            "by step, to change and run again.",
        ),
        (
            "code",
            "import warnings\n\nimport spillover as sp\n\n"
            "%config InlineBackend.figure_formats = ['png']",
        ),
        ("markdown", "## Read"),
        ("code", _reading(outcome, out)),
        ("code", "firms"),
        ("code", "io"),
        ("markdown", "## Link"),
        (
            "code",
            f"definition = {'sp.JAVORCIK_2004' if demo else 'settings.definition'}\n"
            "links = sp.linkages(firms, io, definition)\nlinks",
        ),
        ("code", "sp.plot.linkages(links)"),
        ("code", "panel = sp.attach(firms.to_pandas(), links)"),
        ("markdown", "## Estimate"),
        ("code", _fitting(outcome)),
        ("code", "sp.tables.regression(models)"),
        ("code", "sp.plot.coefficients(models, terms=['horizontal', 'backward', 'forward'])"),
    ]
    return json.dumps(_document(cells), indent=1) + "\n"


def execute(text: str, out: Path) -> str:
    """Run the notebook in ``out`` and return it with its outputs.

    Parameters
    ----------
    text : str
        From :func:`notebook_text`.
    out : pathlib.Path
        The working folder.

    Returns
    -------
    str

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    import nbformat  # noqa: PLC0415 (the notebooks extra)
    from nbclient import NotebookClient  # noqa: PLC0415

    notebook = nbformat.from_dict(json.loads(text))
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(out)}}
    )
    inline = "module://matplotlib_inline.backend_inline"
    client.execute(env={**os.environ, "MPLBACKEND": inline})
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _reading(outcome: Outcome, out: Path) -> str:
    if outcome.settings.truth:
        return "firms = sp.datasets.demo_firms()\nio = sp.datasets.demo_io()"
    settings = outcome.settings
    columns = json.dumps(_relative(settings.folder, out))
    firms, io = (json.dumps(_relative(path, out)) for path in (settings.firms, settings.io))
    return (
        "from pathlib import Path\n\n"
        "from spillover.report import read_settings, run\n\n"
        "# the settings that the report was made with\n"
        f"settings = read_settings(next(Path({columns}).glob('*.toml')), Path({firms}), "
        f"Path({io}))\n"
        "outcome = run(settings)\n"
        "firms, io = outcome.firms, outcome.io"
    )


def _relative(path: Path, out: Path) -> str:
    return os.path.relpath(path.resolve(), out.resolve())


def _fitting(outcome: Outcome) -> str:
    lines = []
    for name, fit in outcome.models.items():
        sample = fit.sample.split()[0]
        lines.append(f'    "{name}": sp.fit("{fit.formula}", panel, sample="{sample}"),')
    return "models = {\n" + "\n".join(lines) + "\n}\n" + f'models["{next(iter(outcome.models))}"]'


def _document(cells: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "cells": [
            {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": source}
            | ({"outputs": [], "execution_count": None} if kind == "code" else {})
            for number, (kind, source) in enumerate(cells)
        ],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }

#!/usr/bin/env python3
"""The project's two commands; each sets up what it needs on a machine with only Python and pip.

    python3 tasks.py demo [--out DIR]     run the whole job on the shipped synthetic data
    python3 tasks.py test                 lint, types, tests, notebooks

Both work in a virtual environment of their own, ``.venv`` (or the folder in ``SPILLOVER_VENV``).
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = Path(os.environ.get("SPILLOVER_VENV", ROOT / ".venv"))
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
EXTRAS = {"demo": "notebooks", "test": "notebooks,fast,scale,mrio,dev"}


def run(*command: str | Path) -> None:
    """Run a command in the project's folder and stop at its failure."""
    print("+", *(str(part).replace(f"{ROOT}{os.sep}", "") for part in command), flush=True)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    if code:
        sys.exit(code)


def install(extras: str) -> None:
    """Make the virtual environment and install the project, unless that is done already."""
    stamp = VENV / "installed"
    wanted = extras + hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if stamp.is_file() and wanted in stamp.read_text(encoding="utf-8").split("\n"):
        return
    if not BIN.is_dir():
        venv.create(VENV, with_pip=True)
    run(BIN / "python", "-m", "pip", "install", "--quiet", "--editable", f".[{extras}]")
    with stamp.open("a", encoding="utf-8") as file:
        file.write(wanted + "\n")


def main() -> None:
    """Run the command named on the command line."""
    name, *rest = sys.argv[1:] or ["help"]
    if sys.version_info < (3, 11):  # noqa: UP036 (the one file that an older Python may run)
        sys.exit("spillover needs Python 3.11 or newer.")
    if name not in EXTRAS:
        sys.exit(__doc__)
    install(EXTRAS[name])
    if name == "demo":
        run(BIN / "spillover", "demo", *rest)
        return
    run(BIN / "ruff", "check", ".")
    run(BIN / "ruff", "format", "--check", ".")
    run(BIN / "mypy")
    workers = str(min(4, os.cpu_count() or 1))
    run(BIN / "pytest", "-n", workers, "--nbmake", "tests", "spillover", "notebooks", *rest)


if __name__ == "__main__":
    main()

"""What the README and the documentation say is run, not believed."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import matplotlib as mpl
import pytest

import spillover as sp

ROOT = Path(__file__).parents[1]


def code_blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def test_readme_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    mpl.use("Agg")
    (block,) = code_blocks(ROOT / "README.md", "python")
    assert len(block.strip().splitlines()) <= 13  # ten statements, two of them wrapped
    exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "Backward" in printed
    assert "Synthetic data" in printed


def test_readme_names_both_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "python3 tasks.py demo" in text
    assert "python3 tasks.py test" in text
    assert "tasks.py test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "page",
    ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))],
)
def test_local_links_exist(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#]+?)\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{page} links to {target}"


def test_every_public_name_is_in_the_api_page() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    names = [f"sp.{name}" for name in sp.__all__ if not inspect.ismodule(getattr(sp, name))]
    for module in ("plot", "tables", "simulate", "datasets", "inference"):
        public = getattr(sp, module)
        names += [f"sp.{module}.{name}" for name in public.__all__ if name not in sp.__all__]
    missing = [name for name in names if f"`{name}" not in text]
    assert missing == []

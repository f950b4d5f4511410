"""The package as a whole: imports, public names and their documentation, files, sizes."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_origin

import pytest

import spillover as sp

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "spillover"
SOURCES = sorted(PACKAGE.rglob("*.py"))
MODULES = (
    "case",
    "case.fsqca",
    "datasets",
    "inference",
    "moderators",
    "panel",
    "plot",
    "production",
    "simulate",
    "tables",
)

# Imports -----------------------------------------------------------------------------------------


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )


def test_import_takes_less_than_half_a_second():
    seconds = []
    for _ in range(3):
        lines = _python("-X", "importtime", "-c", "import spillover").stderr.splitlines()
        fields = next(line for line in lines if line.endswith("| spillover")).split("|")
        seconds.append(int(fields[1]) / 1e6)
    assert min(seconds) < 0.5


def test_import_brings_in_nothing_heavy():
    code = "import json, sys, spillover; print(json.dumps(sorted(sys.modules)))"
    loaded = {name.split(".")[0] for name in json.loads(_python("-c", code).stdout)}
    heavy = {
        *("numpy", "pandas", "scipy", "matplotlib", "seaborn", "statsmodels", "linearmodels"),
        *("formulaic", "narwhals", "polars", "pyarrow", "duckdb", "tqdm", "IPython"),
    }
    assert loaded & heavy == set()


def test_estimation_brings_in_no_plotting():
    code = "import json, sys, spillover as sp; sp.read_firms, sp.linkages, sp.attach, sp.fit; "
    code += "print(json.dumps(sorted(sys.modules)))"
    loaded = {name.split(".")[0] for name in json.loads(_python("-c", code).stdout)}
    assert loaded & {"matplotlib", "seaborn", "statsmodels", "linearmodels"} == set()


def test_panel_waits_with_what_is_slow_to_import():
    code = "import json, sys, spillover.panel; print(json.dumps(sorted(sys.modules)))"
    loaded = set(json.loads(_python("-c", code).stdout))
    assert loaded & {"statsmodels", "formulaic", "scipy.stats", "scipy.optimize"} == set()


# Public names ------------------------------------------------------------------------------------


def _public() -> dict[str, object]:
    """Everything a user may call: the package's names and those of its public modules."""
    found = {name: getattr(sp, name) for name in sp.__all__}
    for module in MODULES:
        inside = importlib.import_module(f"spillover.{module}")
        items = {name: getattr(inside, name) for name in inside.__all__}
        found |= {
            f"{module}.{name}": item
            for name, item in items.items()
            if not (name in sp.__all__ and getattr(sp, name) is item)  # once is enough
            and get_origin(item) is None  # an alias of types
        }
    return found


PUBLIC = _public()
FUNCTIONS = {name: item for name, item in PUBLIC.items() if inspect.isfunction(item)}
CLASSES = {name: item for name, item in PUBLIC.items() if inspect.isclass(item)}
METHODS = {
    f"{name}.{method}": getattr(item, method)
    for name, item in CLASSES.items()
    for method, value in vars(item).items()
    if not method.startswith("_") and isinstance(value, property | classmethod | type(_public))
}


def test_all_is_what_the_package_offers():
    assert sp.__all__ == sorted(set(sp.__all__), key=_isort)
    assert set(dir(sp)) == {*sp.__all__, "__version__"}
    homes = {*sp._HOME, *sp._MODULES}
    assert homes == set(sp.__all__)


def _isort(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, as ruff sorts ``__all__``."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_type_checkers_see_the_same_names():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == set(sp.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_have_docstrings(name):
    item = PUBLIC[name]
    if inspect.ismodule(item) or inspect.isfunction(item) or inspect.isclass(item):
        lines = (item.__doc__ or "").strip().splitlines()
        assert lines, "no docstring"
        assert lines[0].rstrip().endswith((".", "?")), "no full sentence"
    else:  # a constant, which is documented by its class
        assert type(item).__doc__


@pytest.mark.parametrize("name", METHODS)
def test_public_methods_have_docstrings(name):
    lines = (METHODS[name].__doc__ or "").strip().splitlines()
    assert lines
    assert lines[0].rstrip().endswith(".")


def test_the_list_of_public_names_is_complete():
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`sp\.([\w.]+)", text))
    assert listed - set(PUBLIC) == set(), "listed, but absent"
    missing = {name for name in set(PUBLIC) - listed if not inspect.ismodule(PUBLIC[name])}
    assert missing == set(), "not listed"


NEVER_RAISE = {
    "plot.theme",
    *(f"inference.{name}" for name in ("conley", "driscoll_kraay", "newey_west", "spatial_kernel")),
    "inference.design_errors",
}


def _section(item: object, title: str) -> str:
    text = inspect.getdoc(item) or ""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\S[^\n]*\n-{{3,}}$|\Z)", text, re.M | re.S)
    return found[1] if found else ""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_functions_document_what_they_take_give_and_raise(name):
    function = FUNCTIONS[name]
    if not inspect.isgeneratorfunction(inspect.unwrap(function)):  # not a context manager
        assert _section(function, "Returns"), "no section Returns"
    assert ">>>" in _section(function, "Examples"), "no example"
    names = re.findall(
        r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: :.*)?$", _section(function, "Parameters"), re.M
    )
    documented = [part.lstrip("*") for group in names for part in group.split(", ")]
    assert documented == list(inspect.signature(function).parameters)
    if documented and name not in NEVER_RAISE:
        assert _section(function, "Raises"), "no section Raises"


@pytest.mark.parametrize("name", [n for n, c in CLASSES.items() if not issubclass(c, Exception)])
def test_public_classes_document_their_fields(name):
    item = CLASSES[name]
    sections = [_section(c, title) for c in item.__mro__ for title in ("Attributes", "Parameters")]
    text = "\n".join(sections)
    documented = re.findall(r"^(\w+(?:, \w+)*)(?: :.*)?$", text, re.M)
    fields = [field for field in getattr(item, "__dataclass_fields__", {}) if field[0] != "_"]
    known = {part for group in documented for part in group.split(", ")}
    assert set(fields) <= known


def test_every_public_function_is_typed():
    for name, function in FUNCTIONS.items():
        parameters = inspect.signature(function).parameters.values()
        assert all(p.annotation is not p.empty for p in parameters), name
        assert inspect.signature(function).return_annotation is not inspect.Signature.empty, name


# Files -------------------------------------------------------------------------------------------

#: Names on conda-forge that differ from those in pyproject.toml.
CONDA = {"duckdb": "python-duckdb"}
EXTRAS = ("notebooks", "fast", "scale", "mrio", "events", "docs", "dev")


def _ranges(requirements: list[str], names: dict[str, str]) -> dict[str, set[str]]:
    """Package -> its version ranges."""
    found: dict[str, set[str]] = {}
    for requirement in requirements:
        name, ranges = re.fullmatch(r"([\w.-]+)\s*(.*)", requirement).groups()
        parts = {part.strip() for part in ranges.split(",")}
        found.setdefault(names.get(name, name), set()).update(parts)
    return found


def test_environment_is_in_step_with_pyproject():
    yaml = pytest.importorskip("yaml")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert set(extras) == set(EXTRAS)
    wanted = [*project["dependencies"], *(item for extra in EXTRAS for item in extras[extra])]
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["name"] == "spillover"
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    listed = [item for item in environment["dependencies"] if isinstance(item, str)]
    assert listed.count("pip") == 1
    listed.remove("pip")
    expected = _ranges(wanted, CONDA) | {"python": {project["requires-python"]}}
    assert _ranges(listed, {}) == expected
    assert len(listed) == len(expected), "a package is listed twice"
    pip = [item["pip"] for item in environment["dependencies"] if isinstance(item, dict)]
    assert pip == [["--editable ."]]


def test_one_package_has_one_range_in_all_extras():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    ranges: dict[str, set[str]] = {}
    for requirement in (item for items in lists for item in items):
        name, version = re.fullmatch(r"([\w.-]+)\s*(.*)", requirement).groups()
        ranges.setdefault(name, set()).add(version)
    assert {name: found for name, found in ranges.items() if len(found) > 1} == {}


def test_every_import_is_a_declared_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {re.match(r"[\w.-]+", item)[0] for items in lists for item in items}
    imported: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(str(node.module).split(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - {"spillover"}
    assert foreign - declared == set()


def _text_files() -> dict[str, str]:
    """The text of all files under version control, or about to be."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    found = {}
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file() and b"\0" not in (raw := path.read_bytes()):
            found[name] = raw.decode("utf-8", errors="replace")
    return found


# Written in pieces, so that this file does not hold what it looks for.
FOLDERS = "|".join(["home", "root", "work", "tmp", "Users", "mnt", "srv", "opt", "private"])
MACHINE_PATH = re.compile(rf"(?<![\w.:/~-])/(?:{FOLDERS})/\w|\b[A-Za-z]:\\\\?(?:{FOLDERS})\\")
REGISTRIES = [
    *("py" + "pi.org", "python" + "hosted.org", "ana" + "conda.org", "ana" + "conda.com"),
    *("npm" + "js.org", "npm" + "js.com", "crates" + ".io", "proxy.go" + "lang.org"),
    *("deb." + "debian.org", "index" + "-url", "trusted" + "-host", "arti" + "factory"),
]


def test_no_file_names_a_machine_path_or_a_package_registry():
    found = []
    for name, text in _text_files().items():
        for number, line in enumerate(text.splitlines(), 1):
            lowered = line.lower()
            if MACHINE_PATH.search(line) or any(host in lowered for host in REGISTRIES):
                found.append(f"{name}:{number}: {line.strip()[:120]}")
    assert found == []


def test_the_patterns_find_what_they_should():
    for bad in ("see /" + "home/me/x", '"/' + "tmp/x.csv", "C:\\" + "Users\\me", "(/" + "work/a"):
        assert MACHINE_PATH.search(bad), bad
    for good in (
        "docs/home/x",
        "https://example.org/" + "work/a",
        "n/a",
        "a / tmp",
        "~/" + "work/x",
    ):
        assert not MACHINE_PATH.search(good), good


def test_text_files_end_with_a_newline_and_have_unix_ends():
    for name, text in _text_files().items():
        assert "\r\n" not in text, name
        assert text == "" or text.endswith("\n") or name.endswith(".svg"), name


def test_the_package_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").is_file()


def test_version_and_licence_agree_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("BSD 3-Clause")
    assert project["license"] == "BSD-3-Clause"
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(rf"^version: \"?{re.escape(project['version'])}\"?$", citation, re.M)
    assert re.search(r"^license: BSD-3-Clause$", citation, re.M)
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert sp.__version__ in {project["version"], "0+unknown"}


# Sizes and habits --------------------------------------------------------------------------------

LONGEST_MODULE, LONGEST_FUNCTION, MOST_METHODS = 400, 80, 15


def _functions(path: Path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    total = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node) is None:
        return total
    text = node.body[0]
    return total - (text.end_lineno - text.lineno + 1)


def test_modules_are_short():
    sizes = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in SOURCES
    }
    assert {name: size for name, size in sizes.items() if size > LONGEST_MODULE} == {}


def test_functions_are_short():
    long = {
        f"{path.relative_to(ROOT).as_posix()}:{node.name}": _code_lines(node)
        for path in SOURCES
        for node in _functions(path)
        if _code_lines(node) > LONGEST_FUNCTION
    }
    assert long == {}


def test_most_functions_are_small_and_classes_have_few_methods():
    sizes = sorted(_code_lines(node) for path in SOURCES for node in _functions(path))
    assert sizes[int(0.9 * len(sizes))] < 40
    counts = {
        f"{path.relative_to(ROOT).as_posix()}:{node.name}": sum(
            isinstance(part, ast.FunctionDef) and not part.name.startswith("_")
            for part in node.body
        )
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    assert {name: count for name, count in counts.items() if count > MOST_METHODS} == {}


def test_habits_that_the_linter_does_not_know():
    """No bare assert, no swallowed exception, no pickle, eval or exec, no global random state."""
    found = []
    for path in SOURCES:
        where = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            line = f"{where}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Assert):
                found.append(f"{line}: assert")
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None or all(isinstance(part, ast.Pass) for part in node.body)
            ):
                found.append(f"{line}: swallowed exception")
            if isinstance(node, ast.Import) and {a.name for a in node.names} & {"pickle", "shelve"}:
                found.append(f"{line}: pickle")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                found += [f"{line}: {node.func.id}"] if node.func.id in {"eval", "exec"} else []
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "np.random.seed":
                found.append(f"{line}: global random state")
    assert found == []

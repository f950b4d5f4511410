"""The command line, end to end on the shipped data and on a user's own files."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import spillover as sp
from spillover.cli import main
from spillover.report import demo_settings, read_settings, run, write, write_report

if TYPE_CHECKING:
    from pathlib import Path

DEMO = sp.datasets.path("demo/map.toml").parent


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    assert main(["demo", "--out", str(out)]) == 0
    return out


def test_demo_writes_everything(report: Path) -> None:
    names = {str(path.relative_to(report)) for path in report.rglob("*") if path.is_file()}
    assert {"report.html", "report.ipynb", "linkages.csv"} <= names
    for table in ("regressions", "inference"):
        assert {f"tables/{table}.csv", f"tables/{table}.tex"} <= names
    for figure in (
        "linkages-over-time",
        "linkages-by-industry",
        "io-table",
        "coefficients",
        "inference",
    ):
        assert {f"figures/{figure}.png", f"figures/{figure}.pdf"} <= names


def test_demo_page_is_self_contained_and_says_synthetic(report: Path) -> None:
    page = (report / "report.html").read_text(encoding="utf-8")
    assert "Synthetic data: no firm" in page
    assert not re.search(r"(src|href)=['\"](?!data:)", page)
    assert page.count("data:image/png;base64,") == 5


def test_demo_notebook_was_executed_without_error(report: Path) -> None:
    cells = json.loads((report / "report.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code)
    kinds = [output["output_type"] for cell in code for output in cell["outputs"]]
    assert "error" not in kinds
    pictures = [o for c in code for o in c["outputs"] if "image/png" in o.get("data", {})]
    assert len(pictures) == 2


def test_demo_tables_hold_the_fits(report: Path) -> None:
    outcome = run(demo_settings())
    table = (report / "tables" / "regressions.csv").read_text(encoding="utf-8")
    for fitted in outcome.models.values():
        assert f"{fitted.params['backward']:.3f}" in table
    data = pd.read_csv(report / "linkages.csv", dtype={"industry": str})
    pd.testing.assert_frame_equal(data, outcome.links.data, check_dtype=False)


def test_demo_recovers_its_truth() -> None:
    outcome = run(demo_settings())
    interval = outcome.main.confint()
    for term, value in outcome.settings.truth.items():
        assert interval.loc[term, "conf_low"] < value < interval.loc[term, "conf_high"]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A user's own files: other column names, no exports, no region, codes in need of recoding."""
    firms = sp.datasets.demo_firms().to_pandas()
    firms = firms.assign(code="X" + firms["industry"]).drop(
        columns=["exports", "region", "industry", "tfp"]
    )
    firms.to_csv(tmp_path / "panel.csv", index=False)
    io = sp.datasets.demo_io()
    io.to_frame()  # exists
    for name in ("io.csv", "io_imported.csv"):
        (tmp_path / name).write_text((DEMO / name).read_text(encoding="utf-8"), encoding="utf-8")
    pairs = [f"X{sector},{sector}" for sector in io.sectors if sector != "49"]
    (tmp_path / "codes.csv").write_text(
        "source,target\n" + "\n".join(pairs) + "\n", encoding="utf-8"
    )
    (tmp_path / "map.toml").write_text(
        """
[firms]
[firms.columns]
industry = "code"
[io]
unit = "million"
[io.layout]
imported = "io_imported.csv"
flows = "domestic"
final_demand = "final_demand"
exports = "exports"
output = "output"
[concordance]
file = "codes.csv"
unmatched = "drop"
[linkages]
forward_exports = "gross"
""",
        encoding="utf-8",
    )
    return tmp_path


def arguments(own: Path, *rest: str) -> list[str]:
    files = ["--firms", str(own / "panel.csv"), "--io", str(own / "io.csv")]
    return ["demo", *files, "--columns", str(own / "map.toml"), "--out", str(own / "out"), *rest]


def test_own_data_end_to_end(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(own)) == 0
    assert "log(output) ~ horizontal + backward + forward + log(capital)" in capsys.readouterr().out
    page = (own / "out" / "report.html").read_text(encoding="utf-8")
    assert "Synthetic data: no firm" not in page
    assert "no usable firm data" in page  # the lost sector is reported
    assert "&#x27;X49&#x27;" in page  # and so are the dropped codes
    notebook = json.loads((own / "out" / "report.ipynb").read_text(encoding="utf-8"))
    assert all(c["execution_count"] for c in notebook["cells"] if c["cell_type"] == "code")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[io]", "[table]"), "section \\[table\\] that has no meaning"),
        (('unit = "million"', 'units = "million"'), "'units' has no meaning. Did you mean 'unit'"),
        (("forward_exports", "forward_export"), "Did you mean 'forward_exports'"),
        (('"gross"', '"grss"'), "Did you mean 'gross'"),
        (('"codes.csv"', '"cods.csv"'), "'cods.csv', but there is no file"),
        (("[firms]\n", "[firms\n"), "no valid TOML"),
        (("[linkages]", "[regression]\noutcome = '__import__(1)'\n[linkages]"), "no column name"),
        (
            ("[linkages]", "[regression]\nsample = 'native'\n[linkages]"),
            "'native' is not an option",
        ),
        (('industry = "code"', 'industry = "cod"'), "Did you mean 'code'"),
    ],
)
def test_bad_settings_are_named(
    own: Path, change: tuple[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = own / "map.toml"
    text = path.read_text(encoding="utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change), encoding="utf-8")
    assert main(arguments(own)) == 2
    assert re.search(message, capsys.readouterr().err)


def test_missing_files_and_settings_are_named(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--firms", str(own / "panel.csv")]) == 2
    assert "--columns map.toml" in capsys.readouterr().err
    assert main(["demo", "--firms", "no.csv", "--columns", str(own / "map.toml")]) == 2
    assert "no file at no.csv" in capsys.readouterr().err
    assert main(["demo", "--columns", str(own / "none.toml")]) == 2
    assert "no settings file" in capsys.readouterr().err
    assert main(["demo", "--columns", str(own / "map.toml")]) == 2
    assert "Give the firms file" in capsys.readouterr().err


def test_report_without_the_notebook_extra_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write.importlib.util, "find_spec", lambda _: None)
    target = write_report(run(demo_settings()), tmp_path)
    assert "install spillover[notebooks]" in target.read_text(encoding="utf-8")
    cells = json.loads((tmp_path / "report.ipynb").read_text(encoding="utf-8"))["cells"]
    assert all(c["execution_count"] is None for c in cells if c["cell_type"] == "code")


def test_codes_of_several_sectors_can_be_split(own: Path) -> None:
    table = (own / "codes.csv").read_text(encoding="utf-8").splitlines()
    first, second = (line.split(",")[1] for line in table[1:3])
    lines = ["source,target,weight", f"X{first},{first},0.4", f"X{first},{second},0.6"]
    lines += [f"{line},1" for line in table[2:]]
    (own / "codes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = (own / "map.toml").read_text(encoding="utf-8")
    text = text.replace("[linkages]", 'several = "split"\n[linkages]')
    (own / "map.toml").write_text(text, encoding="utf-8")
    outcome = run(read_settings(own / "map.toml", own / "panel.csv", own / "io.csv"))
    label = f"X{first}: {first} + {second}"
    assert outcome.firms.split == {label: ((first, 0.4), (second, 0.6))}
    assert "count in each by its weight" in str(outcome.firms.report)
    cells = outcome.links.data.set_index(["industry", "year"])["backward"]
    row = outcome.panel[outcome.panel["industry"] == label].iloc[0]
    mean = 0.4 * cells[first, row["year"]] + 0.6 * cells[second, row["year"]]
    assert row["backward"] == pytest.approx(mean, rel=1e-12)


def test_settings_resolve_beside_the_file(own: Path) -> None:
    settings = read_settings(own / "map.toml", own / "panel.csv", own / "io.csv")
    assert settings.beside("codes.csv") == (own / "codes.csv").resolve()
    assert settings.definition == sp.LinkageDefinition(forward_exports="gross")

"""The command line: ``spillover demo`` and ``spillover reproduce``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from spillover.errors import SchemaError, SpilloverError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spillover.report import Settings

STEPS = 9


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        0, or 2 after an error that the user can mend (printed to standard error).
    """
    options = _parser().parse_args(arguments)
    try:
        return _reproduce(options) if options.command == "reproduce" else _demo(options)
    except SpilloverError as error:
        sys.stderr.write(f"spillover: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="spillover",
        description="Do foreign investors raise the productivity of domestic firms?",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser(
        "demo",
        help="the whole job, on the shipped synthetic data or on your own",
        description="Firm panel + input-output table -> linkage measures -> regressions -> report "
        "folder. Without --firms and --io it runs on the shipped synthetic data.",
    )
    demo.add_argument("--out", type=Path, default=Path("report"), help="folder (default: report)")
    _add_data(demo)
    reproduce = commands.add_parser(
        "reproduce",
        help="a published study, on your data or on its synthetic replica",
        description="Apply a study's definitions and equations; write its tables (text, HTML, "
        "LaTeX), the published numbers beside, and a figure of each. Without --firms and --io it "
        "runs on a SYNTHETIC replica in which the published coefficients are the truth.",
    )
    reproduce.add_argument("study", help="such as javorcik2004; 'list' lists them")
    reproduce.add_argument("--out", type=Path, help="folder (default: the study's name)")
    reproduce.add_argument("--seed", type=int, default=0, help="of the replica (default: 0)")
    _add_data(reproduce)
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--firms", type=Path, help="firm panel (.csv, .parquet, .dta)")
    parser.add_argument("--io", type=Path, help="input-output table")
    parser.add_argument(
        "--columns", type=Path, help="TOML file that maps your columns (docs/your-own-data.md)"
    )


def _settings(options: argparse.Namespace) -> Settings:
    from spillover.report import demo_settings, read_settings  # noqa: PLC0415 (fast --help)

    own = [options.firms, options.io, options.columns]
    if not any(own):
        return demo_settings()
    if options.columns is None:
        raise SchemaError(
            "Your own data need --columns map.toml, which says what their columns are called; "
            "docs/your-own-data.md has an example."
        )
    return read_settings(options.columns, options.firms, options.io)


def _demo(options: argparse.Namespace) -> int:
    from tqdm import tqdm  # noqa: PLC0415 (fast --help)

    start = time.perf_counter()
    settings = _settings(options)
    from spillover.report import run, write_report  # noqa: PLC0415 (after the arguments are checked)

    with tqdm(total=STEPS, bar_format="{n_fmt}/{total_fmt} {desc} [{elapsed}]") as bar:

        def step(what: str) -> None:
            bar.set_description_str(what, refresh=False)
            bar.update(1)

        outcome = run(settings, step)
        target = write_report(outcome, options.out, step)
    print(outcome.main)
    print(f"\nReport: {target} ({time.perf_counter() - start:.0f} s)")
    return 0


def _reproduce(options: argparse.Namespace) -> int:
    from spillover.catalogue.index import studies  # noqa: PLC0415 (fast --help)

    if options.study == "list":
        print(studies.list()[["study", "cite", "kind", "country", "equations"]].to_string())
        return 0
    study = studies[options.study]
    if any([options.firms, options.io, options.columns]):
        from spillover.report.job import read_inputs  # noqa: PLC0415 (after the arguments)

        firms, io = read_inputs(_settings(options))
        result = study.run(firms, io)
    else:
        replica = study.replica(options.seed)
        print(replica)
        result = study.run(replica.panel, replica.io)
    out = options.out or Path(study.id)
    written = result.save(out)
    print(f"\n{result}\n\n{len(written)} files in {out}")
    return 0

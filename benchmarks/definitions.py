"""What do twenty ways to measure cost, against one?

One call of ``sp.linkages`` builds twenty definitions (with all seven measures, or with the usual
three) from ten million firm-years; the contender is the same call with one definition. Twenty calls
with one definition each, the way without a shared pass, stand beside them.

    python benchmarks/definitions.py               # 10 million firm-years
    python benchmarks/definitions.py --rows 100000 --runs 3 --fresh-runs 0 --no-write
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from _common import alone_in_turns, environment, in_turns, write
from linkages import INDUSTRIES, LIBRARIES, YEARS, codes, firm_table, io_table, read

import spillover as sp
from spillover.linkage import MEASURES, FirmGroup

if TYPE_CHECKING:
    from collections.abc import Callable

Define = sp.LinkageDefinition
DEFINITIONS = {
    "Javorcik (2004)": Define(),
    "own sector in": Define(own_sector="include"),
    "own sector out, scaled up": Define(own_sector="exclude_renormalised"),
    "domestic flows": Define(flows="domestic"),
    "domestic flows, own sector in": Define(flows="domestic", own_sector="include"),
    "imported flows": Define(flows="imported"),
    "with final demand": Define(flows="domestic", denominator="intermediate_and_final"),
    "per output": Define(flows="domestic", denominator="output"),
    "foreign from 10 %": Define(threshold=0.1),
    "foreign from 50 %": Define(threshold=0.5),
    "minority-owned": Define(foreign=FirmGroup.minority()),
    "majority-owned": Define(foreign=FirmGroup.majority()),
    "wholly owned": Define(foreign=FirmGroup.full()),
    "shared": Define(foreign=FirmGroup.shared()),
    "exporters": Define(foreign=FirmGroup.exporters()),
    "50 employees or more": Define(foreign=FirmGroup.of_size(50)),
    "weighted by employment": Define(weight="employment"),
    "weighted by capital": Define(weight="capital"),
    "firms counted": Define(weight="none"),
    "lagged a year": Define(lag=1),
}
ONE, TWENTY, APART = "one definition", "twenty definitions", "twenty calls"


def full_table(rows: int) -> pa.Table:
    """Add employment and capital to the panel of the linkages benchmark."""
    firms = firm_table(rows)
    rng = np.random.default_rng(5)
    output = firms["output"].to_numpy()
    for name, size in (("employment", 0.02), ("capital", 0.5)):
        firms = firms.append_column(name, pa.array(output * size * rng.lognormal(0, 0.5, rows)))
    return firms


def split_table() -> sp.IOTable:
    """Split the flows of the linkages benchmark into domestic and imported ones."""
    total = io_table().flows("total")
    domestic = total * np.random.default_rng(6).uniform(0.3, 1, total.shape)
    return sp.IOTable.from_arrays(
        codes(), domestic=domestic, total=total, output=3 * total.sum(axis=1), unit="million EUR"
    )


def build(panel: Any, io: sp.IOTable, way: str, measures: list[str]) -> Any:
    """Build what is timed; the note that a lag leaves the first year without presence is known."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SpilloverWarning)
        if way == ONE:
            return sp.linkages(panel, io, measures=measures)
        if way == TWENTY:
            return sp.linkages(panel, io, DEFINITIONS, measures=measures)
        return {
            name: sp.linkages(panel, io, one, measures=measures)
            for name, one in DEFINITIONS.items()
        }


def prepare(path: Path, library: str, way: str, measures: list[str]) -> Callable[[], Any]:
    """Hold a checked panel in a library's frame, and return what is timed."""
    return partial(build, sp.read_firms(read(path, library)), split_table(), way, measures)


def largest_difference(path: Path) -> float:
    """Return how far twenty definitions in one call are from twenty calls, over all measures."""
    together, apart = (prepare(path, "polars", way, list(MEASURES))() for way in (TWENTY, APART))
    return max(
        float((together[name].data[measure] - apart[name].data[measure]).abs().max())
        for name in DEFINITIONS
        for measure in MEASURES
    )


def stage(
    path: Path, library: str, ways: list[str], measures: list[str], runs: int, fresh_runs: int
) -> dict[str, Any]:
    """Time the ways in turns, and take their memory in processes of their own."""
    entries = {way: (prepare, path, library, way, measures) for way in ways}
    ready = {way: made(*rest) for way, (made, *rest) in entries.items()}
    record: dict[str, Any] = {"same_process": in_turns(ready, runs)}
    del ready
    times = {way: entry["median"] for way, entry in record["same_process"].items()}
    record["times_one_definition"] = {
        way: round(seconds / times[ONE], 2) for way, seconds in times.items() if way != ONE
    }
    if fresh_runs:
        few = {way: entry for way, entry in entries.items() if way != APART}
        record["fresh_process"] = alone_in_turns(few, fresh_runs)
    return record


def run(rows: int, runs: int, fresh_runs: int) -> dict[str, Any]:
    """Run the whole benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "firms.parquet"
        pq.write_table(full_table(rows), path)
        record: dict[str, Any] = {
            "benchmark": "definitions",
            "sizes": {
                "firm_years": rows,
                "industries": INDUSTRIES,
                "years": YEARS,
                "definitions": len(DEFINITIONS),
            },
            "environment": environment(),
            "largest_difference": largest_difference(path),
        }
        for library in LIBRARIES:
            ways = [ONE, TWENTY, APART] if library == "polars" else [ONE, TWENTY]
            usual = ["horizontal", "backward", "forward"]
            record[f"{library}, three measures"] = stage(
                path, library, ways, usual, runs, fresh_runs
            )
        record["polars, seven measures"] = stage(
            path, "polars", [ONE, TWENTY], list(MEASURES), runs, 0
        )
        return record


def main() -> None:
    """Read the arguments, run, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=5, help="timed runs in one process")
    parser.add_argument("--fresh-runs", type=int, default=3, help="runs in processes of their own")
    parser.add_argument("--no-write", action="store_true", help="do not write results/")
    arguments = parser.parse_args()
    record = run(arguments.rows, arguments.runs, arguments.fresh_runs)
    for name, found in record.items():
        if isinstance(found, dict) and "same_process" in found:
            print(name, found["times_one_definition"])
            for place in ("same_process", "fresh_process"):
                for way, value in found.get(place, {}).items():
                    print(f"  {place}  {way:20s} {value}")
    print("largest difference", record["largest_difference"])
    if not arguments.no_write:
        print("written:", write("definitions", record).name)


if __name__ == "__main__":
    main()

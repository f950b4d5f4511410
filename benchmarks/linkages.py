"""How fast are Horizontal, Backward and Forward, against pandas and DuckDB by hand?

Every contender starts from the same firm panel, in the form it likes best, and returns the same
numbers: the measures by industry and year, or the firm rows with the measures attached.

    python benchmarks/linkages.py                  # 10 million firm-years
    python benchmarks/linkages.py --rows 100000 --runs 3 --fresh-runs 0 --no-write
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from _common import alone_in_turns, environment, in_turns, ratios, write

import spillover as sp

if TYPE_CHECKING:
    from collections.abc import Callable

INDUSTRIES = 60
YEARS = 12
KEYS = ["industry", "year"]
MEASURES = ["horizontal", "backward", "forward"]
LIBRARIES = ("polars", "pandas", "pyarrow")


def codes() -> list[str]:
    """Return the industries' codes, text like those of NACE's divisions."""
    return [f"N{number:02d}" for number in range(1, INDUSTRIES + 1)]


def firm_table(rows: int, seed: int = 1) -> pa.Table:
    """Draw a firm panel, sorted by firm and year; 8 percent of the firms are foreign."""
    rng = np.random.default_rng(seed)
    firms = -(-rows // YEARS)
    firm = np.repeat(np.arange(firms), YEARS)[:rows]
    industry = rng.integers(0, INDUSTRIES, firms).astype(np.int8)
    output = rng.lognormal(7, 1.5, rows)
    exported = rng.beta(1, 4, rows) * (rng.random(rows) < 0.3)
    share = np.where(rng.random(firms) < 0.08, rng.uniform(0.1, 1, firms), 0)
    return pa.table(
        {
            "firm": firm,
            "industry": pa.array(codes()).take(pa.array(industry[firm])),
            "year": np.tile(np.arange(2005, 2005 + YEARS), firms)[:rows],
            "output": output,
            "exports": output * exported,
            "foreign_share": share[firm],
        }
    )


def io_table(seed: int = 2) -> sp.IOTable:
    """Draw an input-output table."""
    flows = np.random.default_rng(seed).lognormal(0, 2, (INDUSTRIES, INDUSTRIES))
    return sp.IOTable.from_arrays(
        codes(), total=flows, output=3 * flows.sum(axis=1), unit="million EUR"
    )


def long_shares() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return supply and input shares in long form (industry, partner, share), own sector left out.

    Computed here from the flows, not by spillover.
    """
    flows = io_table().flows("total")
    names = codes()
    supply = flows / flows.sum(axis=1, keepdims=True)
    inputs = (flows / flows.sum(axis=0)).T
    pairs = {"industry": np.repeat(names, INDUSTRIES), "partner": np.tile(names, INDUSTRIES)}
    long = [pd.DataFrame(pairs | {"share": shares.ravel()}) for shares in (supply, inputs)]
    others = long[0]["industry"] != long[0]["partner"]
    return long[0][others], long[1][others]


# --- by hand: pandas ------------------------------------------------------------------------------


def pandas_presence_by_transform(firms: pd.DataFrame) -> pd.DataFrame:
    """Compute presence on the firm rows, as a script in this field usually does."""
    firms = firms[[*KEYS, "output", "exports", "foreign_share"]].copy()
    firms["foreign_output"] = firms["foreign_share"] * firms["output"]
    firms["net"] = firms["output"] - firms["exports"]
    firms["foreign_net"] = firms["foreign_share"] * firms["net"]
    cells = firms.groupby(KEYS)
    firms["horizontal"] = cells["foreign_output"].transform("sum") / cells["output"].transform(
        "sum"
    )
    firms["horizontal_net"] = cells["foreign_net"].transform("sum") / cells["net"].transform("sum")
    return firms.drop_duplicates(KEYS)[[*KEYS, "horizontal", "horizontal_net"]]


def pandas_presence_by_sum(firms: pd.DataFrame) -> pd.DataFrame:
    """Compute presence with one grouped sum: the fastest we could write in pandas."""
    net = firms["output"] - firms["exports"]
    parts = firms[[*KEYS, "output"]].assign(
        foreign_output=firms["foreign_share"] * firms["output"],
        net=net,
        foreign_net=firms["foreign_share"] * net,
    )
    sums = parts.groupby(KEYS, as_index=False).sum()
    sums["horizontal"] = sums["foreign_output"] / sums["output"]
    sums["horizontal_net"] = sums["foreign_net"] / sums["net"]
    return sums[[*KEYS, "horizontal", "horizontal_net"]]


def pandas_script(
    firms: pd.DataFrame,
    presence_of: Callable[[pd.DataFrame], pd.DataFrame],
    supply: pd.DataFrame,
    inputs: pd.DataFrame,
    attach: bool,
) -> pd.DataFrame:
    """Build the measures with merges and grouped sums, and merge them to the firms."""
    presence = presence_of(firms)
    measures = presence[[*KEYS, "horizontal"]]
    for name, shares, column in (
        ("backward", supply, "horizontal"),
        ("forward", inputs, "horizontal_net"),
    ):
        partners = presence.rename(columns={"industry": "partner"})[["partner", "year", column]]
        pairs = shares.merge(partners, on="partner")
        pairs[name] = pairs["share"] * pairs[column]
        measures = measures.merge(pairs.groupby(KEYS, as_index=False)[name].sum(), on=KEYS)
    if not attach:
        return measures
    return firms.merge(measures, on=KEYS, how="left", validate="many_to_one")


# --- by hand: DuckDB ------------------------------------------------------------------------------

SQL = """
with presence as (
    select industry, year,
        sum(foreign_share * output) / sum(output) as horizontal,
        sum(foreign_share * (output - exports)) / sum(output - exports) as horizontal_net
    from {firms} group by industry, year
), backward as (
    select s.industry, p.year, sum(s.share * p.horizontal) as backward
    from supply s join presence p on p.industry = s.partner group by s.industry, p.year
), forward as (
    select s.industry, p.year, sum(s.share * p.horizontal_net) as forward
    from inputs s join presence p on p.industry = s.partner group by s.industry, p.year
), measures as (
    select industry, year, horizontal, backward, forward
    from presence join backward using (industry, year) join forward using (industry, year)
)
"""
ENDINGS = {
    "measures": "select * from measures",
    "attach": """select f.*, horizontal, backward, forward
        from {firms} f left join measures using (industry, year)""",
    "attach, only firm and year": """select firm, f.year, horizontal, backward, forward
        from {firms} f left join measures using (industry, year)""",
}


def duckdb_script(
    connection: duckdb.DuckDBPyConnection, firms: str, ending: str
) -> pa.Table | pd.DataFrame:
    """Run the SQL; the many rows of an attachment are fetched as Arrow, which DuckDB does best.

    DuckDB need not keep the order of the rows, so that even its leanest answer needs their keys.
    """
    relation = connection.sql((SQL + ENDINGS[ending]).format(firms=firms))
    return relation.df() if ending == "measures" else relation.to_arrow_table()


# --- contenders -----------------------------------------------------------------------------------


def read(path: Path, library: str) -> Any:
    """Read the panel into a library's frame."""
    readers: dict[str, Callable[[Path], Any]] = {
        "polars": pl.read_parquet,
        "pandas": pd.read_parquet,
        "pyarrow": pq.read_table,
    }
    return readers[library](path)


def prepare_ours(path: Path, library: str, attach: bool) -> Callable[[], Any]:
    """Hold a checked panel in a library's frame, and return what is timed."""
    panel = sp.read_firms(read(path, library))
    io = io_table()

    def run() -> Any:
        links = sp.linkages(panel, io)
        return sp.attach(panel, links) if attach else links.data

    return run


def prepare_pandas(path: Path, way: str, attach: bool) -> Callable[[], Any]:
    """Hold the panel and the shares in pandas; "objects" hold text as pandas did before 3.0."""
    presence = pandas_presence_by_sum if way == "sum" else pandas_presence_by_transform
    firms, (supply, inputs) = read(path, "pandas"), long_shares()
    if way == "transform, objects":
        firms = firms.astype({"industry": object})
    return partial(pandas_script, firms, presence, supply, inputs, attach)


def prepare_duckdb(path: Path, form: str, ending: str) -> Callable[[], Any]:
    """Hold the panel in a DuckDB table or as a registered Arrow table."""
    connection = duckdb.connect()
    for name, shares in zip(("supply", "inputs"), long_shares(), strict=True):
        connection.register("frame", shares)
        connection.execute(f"create table {name} as select * from frame")
    if form == "table":
        connection.execute("create table firms as select * from read_parquet(?)", [str(path)])
    else:
        connection.register("firms", read(path, "pyarrow"))
    return partial(duckdb_script, connection, "firms", ending)


OURS = {f"spillover, {library}": (prepare_ours, library) for library in LIBRARIES}
BY_HAND = {
    "pandas, transform": (prepare_pandas, "transform"),
    "pandas, transform, text as objects": (prepare_pandas, "transform, objects"),
    "pandas, grouped sum": (prepare_pandas, "sum"),
}
DUCKDB = {
    "DuckDB, own table": (prepare_duckdb, "table"),
    "DuckDB, Arrow": (prepare_duckdb, "arrow"),
}


def contenders(path: Path, attach: bool) -> dict[str, tuple[Any, ...]]:
    """Return name -> (prepare, *arguments)."""
    found: dict[str, tuple[Any, ...]] = {
        name: (prepare, path, form, attach) for name, (prepare, form) in (OURS | BY_HAND).items()
    }
    endings = ["attach", "attach, only firm and year"] if attach else ["measures"]
    for name, (prepare, form) in DUCKDB.items():
        for ending in endings:
            short = name + ending.removeprefix("attach").removeprefix("measures")
            found[short] = (prepare, path, form, ending)
    return found


def as_pandas(result: Any, attach: bool) -> pd.DataFrame:
    """Bring a result into one form: the measures, sorted by industry or firm, and year."""
    frame = result if isinstance(result, pd.DataFrame) else result.to_pandas()
    keys = ["firm", "year"] if attach else KEYS
    return frame.sort_values(keys, ignore_index=True)[MEASURES]


def largest_difference(result: pd.DataFrame, reference: pd.DataFrame) -> float:
    """Return the largest relative difference of two results; infinite if one lacks a value."""
    ours, theirs = result.to_numpy(float), reference.to_numpy(float)
    if ours.shape != theirs.shape or not (np.isfinite(ours) & np.isfinite(theirs)).all():
        return float("inf")
    apart = np.abs(ours - theirs)
    return float(np.divide(apart, np.abs(theirs), out=apart, where=apart > 0).max())


def compare(ready: dict[str, Callable[[], Any]], attach: bool) -> dict[str, float]:
    """Return how far each contender's numbers are from those of the pandas script."""
    reference = as_pandas(ready["pandas, grouped sum"](), attach)
    return {
        name: largest_difference(as_pandas(run(), attach), reference) for name, run in ready.items()
    }


def stage(path: Path, attach: bool, runs: int, fresh_runs: int) -> dict[str, Any]:
    """Check and time one stage: the measures, or the measures and their attachment."""
    entries = contenders(path, attach)
    ready = {name: prepare(*rest) for name, (prepare, *rest) in entries.items()}
    record: dict[str, Any] = {
        "largest_relative_difference": compare(ready, attach),
        "same_process": in_turns(ready, runs),
    }
    del ready
    peers = [name for name in entries if name not in OURS]
    record["ratios_same_process"] = {
        name: ratios(record["same_process"], name, peers) for name in OURS
    }
    if fresh_runs:
        record["fresh_process"] = alone_in_turns(entries, fresh_runs)
        first = {name: entry["seconds"] for name, entry in record["fresh_process"].items()}
        record["ratios_fresh_process"] = {name: ratios(first, name, peers) for name in OURS}
    return record


def run(rows: int, runs: int, fresh_runs: int) -> dict[str, Any]:
    """Run the whole benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "firms.parquet"
        pq.write_table(firm_table(rows), path)
        reading = {library: partial(sp.read_firms, read(path, library)) for library in LIBRARIES}
        return {
            "benchmark": "linkages",
            "sizes": {"firm_years": rows, "industries": INDUSTRIES, "years": YEARS},
            "environment": environment(),
            "measures": stage(path, False, runs, fresh_runs),
            "measures_and_attach": stage(path, True, runs, fresh_runs),
            "read_firms": in_turns(reading, max(1, min(runs, 3))),
        }


def main() -> None:
    """Read the arguments, run, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=7, help="timed runs in one process")
    parser.add_argument("--fresh-runs", type=int, default=3, help="runs in processes of their own")
    parser.add_argument("--no-write", action="store_true", help="do not write results/")
    arguments = parser.parse_args()
    record = run(arguments.rows, arguments.runs, arguments.fresh_runs)
    for name in ("measures", "measures_and_attach"):
        print(name)
        for place in ("same_process", "fresh_process"):
            for contender, value in record[name].get(place, {}).items():
                print(f"  {place}  {contender:45s} {value}")
    print("read_firms", record["read_firms"])
    if not arguments.no_write:
        print("written:", write("linkages", record).name)


if __name__ == "__main__":
    main()

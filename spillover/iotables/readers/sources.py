"""Getting raw frames out of files, and the containers that readers exchange."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, did_you_mean, preview

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from spillover.iotables.validation import Input

T = TypeVar("T")
Source = str | Path | pd.DataFrame
EXCEL = (".xlsx", ".xlsm", ".xls")
TEXT = {".csv": ",", ".tsv": "\t", ".txt": "\t", ".tab": "\t"}


@dataclass(frozen=True)
class Options:
    """What the caller of ``read_io`` said about the file."""

    country: str | None = None
    year: int | None = None
    flows: str | None = None
    domestic: Source | None = None
    imported: Source | None = None
    orientation: str = "suppliers_in_rows"
    final_demand: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    output: str | None = None
    ignore_rows: tuple[str, ...] = ()
    ignore_columns: tuple[str, ...] = ()
    blank: str = "error"
    sheet: str | None = None
    object_name: str | None = None


@dataclass
class Parts:
    """What a reader found: the arguments of ``IOTable.from_arrays``, and notes for a warning."""

    sectors: list[str]
    domestic: Input | None = None
    imported: Input | None = None
    total: Input | None = None
    final_demand: Input | None = None
    exports: Input | None = None
    output: Input | None = None
    imports: Input | None = None
    unit: str = ""
    country: str = ""
    year: int | None = None
    source: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    rounding: float = 0.0  # largest gap between output and uses that the source's rounding makes


def need(module: str, purpose: str) -> None:
    """Raise unless an optional dependency is installed."""
    if importlib.util.find_spec(module) is None:
        msg = (
            f"{purpose} needs the package {module!r}, which is not installed. "
            "Install it with: pip install 'spillover[mrio]'"
        )
        raise SchemaError(msg)


def existing(source: str | Path) -> Path:
    """Return the path of a file that exists."""
    path = Path(source)
    if not path.is_file():
        near = sorted(p.name for p in path.parent.glob("*")) if path.parent.is_dir() else []
        hint = did_you_mean(path.name, near) if near else ""
        msg = f"there is no file {str(source)!r}.{hint}"
        raise SchemaError(msg)
    return path


def name_of(source: Source) -> str:
    """Return the file name for messages."""
    return "the data frame" if isinstance(source, pd.DataFrame) else Path(source).name


def raw_sheets(path: Path) -> dict[str, pd.DataFrame]:
    """Return the sheets of a workbook as they stand: no header, blank cells as NaN."""
    if path.suffix.lower() == ".xls":
        need("xlrd", "reading .xls files")
        import xlrd  # type: ignore[import-untyped]  # noqa: PLC0415

        book = xlrd.open_workbook(str(path))
        cells = {s.name: [s.row_values(i) for i in range(s.nrows)] for s in book.sheets()}
    else:
        need("openpyxl", "reading .xlsx files")
        import openpyxl  # type: ignore[import-untyped]  # noqa: PLC0415

        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        cells = {s.title: [list(r) for r in s.iter_rows(values_only=True)] for s in book.worksheets}
        book.close()
    return {name: _blanks(pd.DataFrame(rows, dtype=object)) for name, rows in cells.items()}


def _blanks(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn None and empty text into NaN."""
    return frame.mask(frame.map(lambda v: v is None or (isinstance(v, str) and not v.strip())))


def pick_sheet(path: Path, sheets: dict[str, pd.DataFrame], sheet: str | None) -> pd.DataFrame:
    """Return the sheet that was asked for, else the first one."""
    chosen = next(iter(sheets)) if sheet is None else sheet
    if chosen not in sheets:
        msg = f"{path.name} has no sheet {sheet!r}.{did_you_mean(str(sheet), list(sheets))}"
        raise SchemaError(msg)
    return sheets[chosen]


def load_frame(source: Source, sheet: str | None = None) -> pd.DataFrame:
    """Read a file with one header row (CSV, TSV, Excel, Parquet), or pass a frame through."""
    if isinstance(source, pd.DataFrame):
        return source
    path = existing(source)
    suffix = path.suffix.lower()
    if suffix in EXCEL:
        raw = pick_sheet(path, raw_sheets(path), sheet)
        return raw.iloc[1:].set_axis(list(raw.iloc[0]), axis=1).reset_index(drop=True)
    if suffix == ".parquet":
        need("pyarrow", "reading Parquet files")
        return pd.read_parquet(path)
    if suffix in TEXT:
        return pd.read_csv(path, sep=TEXT[suffix], low_memory=False)
    known = [*TEXT, *EXCEL, ".parquet"]
    msg = f"cannot read {path.name}: the suffix {suffix!r} is none of {preview(known, 9)}."
    raise SchemaError(msg)


def text(value: object) -> str:
    """Return a label as stripped text; blanks give an empty text, whole floats lose ``.0``."""
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(str(value).split())


def to_numbers(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """Turn every cell into a float; name the cells that hold text instead."""
    columns = [pd.to_numeric(frame.iloc[:, j], errors="coerce") for j in range(frame.shape[1])]
    numbers = pd.concat(columns, axis=1) if columns else frame
    bad = numbers.isna() & frame.notna() & frame.map(lambda v: text(v) != "")
    if bad.to_numpy().any():
        cells = [
            f"{text(frame.index[i])}→{text(frame.columns[j])} holds {text(frame.iloc[i, j])!r}"
            for i, j in zip(*bad.to_numpy().nonzero(), strict=True)
        ]
        msg = f"{where}: {len(cells)} cell(s) are not numbers: {'; '.join(cells[:3])}."
        raise SchemaError(msg)
    return numbers.astype(float)


def choose(name: str, wanted: T | None, available: Iterable[T], where: str) -> T:
    """Return the entry of ``available`` that was asked for, or its only one.

    The error names the closest entry, if there is one, and lists all of them once; years are
    listed as a range.
    """
    options = sorted(set(available), key=str)
    if wanted is None:
        if len(options) == 1:
            return options[0]
        msg = f"{where} holds several: say {name}=. Available: {listed(options)}."
        raise SchemaError(msg)
    if wanted not in options:
        msg = f"{where} has no {name} {wanted!r}.{_closest(wanted, options)}"
        raise SchemaError(f"{msg} Available: {listed(options)}.")
    return wanted


def listed(options: Sequence[object]) -> str:
    """Write out all options; whole numbers without gaps as ``first–last``.

    Examples
    --------
    >>> listed([1995, 1996, 1997]), listed([2000, 2007]), listed(["CZE", "KAZ"])
    ('1995–1997', '2000, 2007', "'CZE', 'KAZ'")
    """
    numbers = [option for option in options if isinstance(option, int | np.integer)]
    if len(numbers) == len(options) > 1 and max(numbers) - min(numbers) == len(numbers) - 1:
        return f"{min(numbers)}–{max(numbers)}"
    return preview([o.item() if isinstance(o, np.integer) else o for o in options], 250)


def _closest(wanted: object, options: Sequence[object]) -> str:
    """Name the closest option; nothing for numbers, and nothing where no option is close."""
    if isinstance(wanted, int | np.integer):
        return ""
    names = [str(option) for option in options]
    start = [n for n in names if len(n) == 3 and str(wanted).casefold().startswith(n.casefold())]
    hint = did_you_mean(start[0] if start else str(wanted), names)
    return hint if "mean" in hint else ""

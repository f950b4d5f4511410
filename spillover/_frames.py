"""The one place where data frame libraries meet; everything inside is narwhals expressions."""

from __future__ import annotations

import importlib.util
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import narwhals as nw
import numpy as np
import pandas as pd

from spillover.errors import SchemaError, preview

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NativeFrame = Any
"""A pandas, Polars, PyArrow (or other narwhals-supported) data frame, as the user has it."""

_SUFFIXES = (".parquet", ".csv", ".csv.gz", ".tsv", ".dta")


def as_eager(data: NativeFrame, name: str = "data") -> nw.DataFrame[Any]:
    """Wrap a native frame; a lazy one is collected.

    Parameters
    ----------
    data : pandas, Polars or PyArrow frame
    name : str
        The argument's name, for the message.

    Raises
    ------
    SchemaError
        If ``data`` is no data frame, or its column names are repeated or no text.

    Examples
    --------
    >>> as_eager(pd.DataFrame({"a": [1]})).columns
    ['a']
    """
    if isinstance(data, pd.DataFrame):
        _check_names(data.columns, name)
    try:
        frame = nw.from_native(data)
    except TypeError:
        raise SchemaError(
            f"{name} is a {type(data).__name__}; give a pandas, Polars or PyArrow data frame."
        ) from None
    if isinstance(frame, nw.LazyFrame):
        return frame.collect()
    return cast("nw.DataFrame[Any]", frame)


def _check_names(columns: pd.Index, name: str) -> None:
    """Refuse what only pandas allows: column names that are repeated or no text."""
    odd = [column for column in columns if not isinstance(column, str)]
    if odd:
        raise SchemaError(
            f"{name} has {len(odd)} column names that are no text: {preview(odd)}. Rename them, as "
            "with frame.set_axis([...], axis=1)."
        )
    twice = columns[columns.duplicated()].unique()
    if len(twice):
        raise SchemaError(f"{name} has several columns called {preview(twice)}. Rename or drop.")


def row_engine(frame: nw.DataFrame[Any]) -> nw.LazyFrame[Any]:
    """Return the frame lazily, on the fastest engine that is installed.

    Polars (the ``fast`` extra) reads pandas' and Arrow's columns almost without copying and groups
    them on all cores; without it the frame's own library does the work, with the same numbers.

    Examples
    --------
    >>> row_engine(as_eager(pd.DataFrame({"a": [1, 2]}))).collect()["a"].sum()
    3
    """
    if frame.implementation.is_polars() or importlib.util.find_spec("polars") is None:
        return frame.lazy()
    if importlib.util.find_spec("pyarrow") is None:  # Polars needs it to read their text
        return frame.lazy()
    if frame.implementation.is_pandas():
        import polars as pl  # noqa: PLC0415 (optional)

        native: pl.DataFrame = pl.from_pandas(frame.to_native(), rechunk=False)
        return nw.from_native(native.lazy())
    return frame.lazy(backend="polars")


def collect(frame: nw.LazyFrame[Any]) -> nw.DataFrame[Any]:
    """Run a lazy frame; Polars streams it through all cores and stores nothing in between.

    Which core adds which rows is settled as it runs, so sums agree from run to run to some 14
    digits, not to the last bit.

    Examples
    --------
    >>> collect(row_engine(as_eager(pd.DataFrame({"a": [1, 2]}))))["a"].sum()
    3
    """
    return (
        frame.collect(engine="streaming") if frame.implementation.is_polars() else frame.collect()
    )


def positions(column: nw.Series[Any], values: Sequence[str]) -> NDArray[np.intp]:
    """Return where each text of a column stands in ``values``; -1 if it stands nowhere.

    Examples
    --------
    >>> positions(as_eager(pd.DataFrame({"a": ["y", "x", None]}))["a"], ["x", "y"])
    array([ 1,  0, -1])
    """
    native = column.to_native()
    if column.implementation.is_polars():
        import polars as pl  # noqa: PLC0415 (optional; a Polars column proves that it is there)

        code = native.cast(pl.Enum(values), strict=False).to_physical()
        return np.array(code.cast(pl.Int64).fill_null(-1), dtype=np.intp)
    codes, levels = pd.factorize(
        native.to_pandas() if column.implementation.is_pyarrow() else native
    )
    return np.append(pd.Index(values).get_indexer(levels), -1)[codes]


def load(source: NativeFrame | str | Path, text_columns: tuple[str, ...] = ()) -> NativeFrame:
    """Read a file into pandas; pass a data frame through.

    Parameters
    ----------
    source : path or data frame
        ``.parquet``, ``.csv``, ``.csv.gz``, ``.tsv`` or ``.dta``.
    text_columns : tuple of str
        Columns of a text file to keep as text, so that the code ``"01"`` stays ``"01"``.

    Raises
    ------
    SchemaError
        If the file does not exist, cannot be parsed, or has another ending.

    Examples
    --------
    >>> load(pd.DataFrame({"a": [1]})).shape
    (1, 1)
    """
    if not isinstance(source, str | Path):
        return source
    path = Path(source)
    if not path.is_file():
        raise SchemaError(f"There is no file at {path.absolute()}. Check its path and ending.")
    ends = [end.lower() for end in path.suffixes[-2:]]
    suffix = "".join(ends) if ends[-1:] == [".gz"] else "".join(ends[-1:])
    if suffix not in _SUFFIXES:
        endings = ", ".join(_SUFFIXES)
        raise SchemaError(
            f"{path.name} ends in {suffix!r}; readable are {endings}. "
            "Read other formats with pandas and pass the data frame."
        )
    try:
        frame = _parse(path, suffix, text_columns)
    except ImportError as error:
        raise SchemaError(f"Reading {path.name} needs pyarrow: install spillover[fast].") from error
    except (ValueError, OSError, EOFError, zlib.error) as error:
        detail = str(error).strip().rstrip(".")
        raise SchemaError(
            f"{path.name} cannot be read as {suffix[1:]}: {detail}. Mend the file, or read it with "
            "pandas and pass the data frame."
        ) from error
    if suffix not in {".parquet", ".dta"}:
        _check_fields(frame, path.name)
    return frame


def _parse(path: Path, suffix: str, text_columns: tuple[str, ...]) -> pd.DataFrame:
    if suffix == ".parquet":
        return pd.read_parquet(path)
    if suffix == ".dta":
        return pd.read_stata(path, convert_categoricals=False)
    separator = "\t" if suffix.startswith(".tsv") else ","
    return pd.read_csv(path, sep=separator, dtype=dict.fromkeys(text_columns, str))


def _check_fields(frame: pd.DataFrame, name: str) -> None:
    """Refuse a text table whose only column is really several, or whose rows outgrow its header."""
    header = str(frame.columns[0]) if len(frame.columns) == 1 else ""
    mark = next((mark for mark in ";\t|," if mark in header), None)
    if mark:
        raise SchemaError(
            f"{name} has a single column, {header!r}: its columns are separated by {mark!r}. Read "
            f"it with pandas.read_csv(path, sep={mark!r}, decimal=...) and pass the data frame."
        )
    if not isinstance(frame.index, pd.RangeIndex):
        raise SchemaError(
            f"The rows of {name} have more fields than its header has names "
            f"({len(frame.columns)}: {preview(frame.columns)}). Give every column a name."
        )

"""The one place where data frame libraries meet; everything inside is narwhals expressions."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, cast

import narwhals as nw
import pandas as pd

from spillover.errors import SchemaError

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
        If ``data`` is no data frame.

    Examples
    --------
    >>> as_eager(pd.DataFrame({"a": [1]})).columns
    ['a']
    """
    try:
        frame = nw.from_native(data)
    except TypeError:
        raise SchemaError(
            f"{name} is a {type(data).__name__}; give a pandas, Polars or PyArrow data frame."
        ) from None
    if isinstance(frame, nw.LazyFrame):
        return frame.collect()
    return cast("nw.DataFrame[Any]", frame)


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
    needed_by_strings = importlib.util.find_spec("pyarrow") is not None
    return frame.lazy(backend="polars") if needed_by_strings else frame.lazy()


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
        raise SchemaError(f"There is no file at {path}.")
    suffix = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
    suffix = suffix.lower()
    if suffix not in _SUFFIXES:
        endings = ", ".join(_SUFFIXES)
        raise SchemaError(
            f"{path.name} ends in {suffix!r}; readable are {endings}. "
            "Read other formats with pandas and pass the data frame."
        )
    try:
        return _parse(path, suffix, text_columns)
    except ImportError as error:
        raise SchemaError(f"Reading {path.name} needs pyarrow: install spillover[fast].") from error
    except (ValueError, UnicodeDecodeError, OSError) as error:
        raise SchemaError(f"{path.name} cannot be read as {suffix[1:]}: {error}") from error


def _parse(path: Path, suffix: str, text_columns: tuple[str, ...]) -> pd.DataFrame:
    if suffix == ".parquet":
        return pd.read_parquet(path)
    if suffix == ".dta":
        return pd.read_stata(path, convert_categoricals=False)
    separator = "\t" if suffix == ".tsv" else ","
    return pd.read_csv(path, sep=separator, dtype=dict.fromkeys(text_columns, str))

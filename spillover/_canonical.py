"""From the user's columns to canonical ones: names, types, one kind of missing value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import narwhals as nw
import pandas as pd
from pandas.api.types import is_numeric_dtype, is_object_dtype

from spillover._checks import Problem, collected
from spillover._frames import as_eager
from spillover.errors import SchemaError, did_you_mean, preview, rows

REQUIRED = ("firm", "year", "industry", "output", "foreign_share")
OPTIONAL = (
    "region",
    "exports",
    "employment",
    "capital",
    "materials",
    "investment",
    "wage_bill",
    "value_added",
    "origin",
)
NUMERIC = (*REQUIRED[3:], *OPTIONAL[1:8])
TEXT = ("firm", "industry", "region", "origin")
KEYS = ("firm", "year", "industry")


def check_mapping(columns: Mapping[str, str]) -> Mapping[str, str]:
    """Raise unless the mapping leads from canonical names to distinct columns."""
    canonical = (*REQUIRED, *OPTIONAL)
    if not isinstance(columns, Mapping) or not all(isinstance(v, str) for v in columns.values()):
        raise SchemaError(
            f"columns={columns!r} must map canonical names to your columns' names, as in "
            "columns={'firm': 'id', 'output': 'sales'}."
        )
    for name in columns:
        if name not in canonical:
            raise SchemaError(
                f"columns={{{name!r}: ...}}: {name!r} is no canonical column."
                f"{did_you_mean(name, canonical)} (The mapping reads canonical name -> your name.)"
            )
    doubled = pd.Series(list(columns.values()), dtype=object)
    if doubled.duplicated().any():
        twice = preview(doubled[doubled.duplicated()].unique())
        raise SchemaError(
            f"columns= uses one source column for two canonical ones: {twice}. Copy it under a "
            "second name first."
        )
    return columns


def rename(frame: nw.DataFrame[Any], mapping: Mapping[str, str]) -> nw.DataFrame[Any]:
    """Rename the user's columns to canonical ones; report every missing or clashing one at once."""
    problems = []
    present = frame.columns
    for name, own in mapping.items():
        if own not in present:
            hint = did_you_mean(own, present)
            problems.append(Problem(name, f"there is no column {own!r} to map it to.{hint}"))
        elif name in present and own != name and name not in mapping.values():
            problems.append(
                Problem(
                    name,
                    f"it is mapped to {own!r}, but the panel also has a column called {name!r}. "
                    "Rename or drop one of them.",
                )
            )
    native = frame.to_native()
    index = native.index.names if isinstance(native, pd.DataFrame) else ()
    for name in REQUIRED:
        if name in mapping or name in present:
            continue
        if name in index:
            problems.append(Problem(name, "it is in the index. Pass frame.reset_index()."))
        else:
            hint = did_you_mean(name, present)
            problems.append(
                Problem(name, f"required, but absent. Map it with columns={{{name!r}: ...}}.{hint}")
            )
    if problems:
        raise collected(problems)
    return frame.rename({own: name for name, own in mapping.items() if own != name})


def plain_values(frame: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Show the types that pandas hides: numbers kept as objects, and categories of numbers."""
    native = frame.to_native()
    if not isinstance(native, pd.DataFrame):
        return frame
    shown = {}
    for name in (name for name in (*REQUIRED, *OPTIONAL) if name in frame.columns):
        kind = native[name].dtype
        if isinstance(kind, pd.CategoricalDtype) and is_numeric_dtype(kind.categories):
            shown[name] = native[name].astype(kind.categories.dtype)
        elif is_object_dtype(kind):
            inferred = native[name].infer_objects()
            if not is_object_dtype(inferred.dtype):
                shown[name] = inferred
    return as_eager(native.assign(**shown)) if shown else frame


def one_missing_value(frame: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Make NaN and empty text null in canonical columns; take blanks off the industry codes."""
    named = [name for name in (*REQUIRED, *OPTIONAL) if name in frame.columns]
    floats = [nw.col(name).fill_nan(None) for name in named if frame.schema[name].is_float()]
    frame = frame.with_columns(floats) if floats else frame
    if isinstance(frame.schema["industry"], nw.Categorical | nw.Enum):
        frame = frame.with_columns(nw.col("industry").cast(nw.String))
    for name in (name for name in TEXT if frame.schema.get(name) == nw.String):
        text = nw.col(name)
        if name == "industry" and any(c != c.strip() for c in frame[name].drop_nulls().unique()):
            frame = frame.with_columns(text.str.strip_chars())
        if (frame[name] == "").any():
            frame = frame.with_columns(nw.when(text != "").then(text).alias(name))
    return frame


def canonical_types(
    frame: nw.DataFrame[Any], numeric: list[str], scale: float
) -> nw.DataFrame[Any]:
    """Years to integers, codes to text, numbers to floats, foreign shares to 0 to 1."""
    industry = nw.col("industry")
    if frame.schema["industry"].is_numeric():
        industry = industry.cast(nw.Int64)
    numbers = [nw.col(name).cast(nw.Float64) for name in numeric if name != "foreign_share"]
    share = nw.col("foreign_share").cast(nw.Float64)
    if scale != 1.0:
        share = share / scale
    return frame.with_columns(
        nw.col("year").cast(nw.Int64), industry.cast(nw.String), share, *numbers
    )


def drop_missing_keys(
    frame: nw.DataFrame[Any], how: Literal["raise", "drop"]
) -> tuple[nw.DataFrame[Any], dict[str, int]]:
    """Leave out the rows without firm, year or industry, and count them; or raise."""
    counts = frame.select(nw.col(*KEYS).is_null().sum()).rows()[0]
    missing = {key: int(count) for key, count in zip(KEYS, counts, strict=True) if count}
    if not missing:
        return frame, {}
    if how == "raise":
        raise collected(
            [
                Problem(
                    key,
                    f"missing in {rows(count)}. Fill it, or pass missing_keys='drop' to leave "
                    "those rows out.",
                )
                for key, count in missing.items()
            ]
        )
    kept = frame.filter(~nw.any_horizontal(nw.col(*KEYS).is_null(), ignore_nulls=False))
    if len(kept) == 0:
        raise SchemaError(f"Every row lacks {' or '.join(missing)}: no row is left. Fill them.")
    return kept, {f"no {' or '.join(missing)}": len(frame) - len(kept)}

"""Checks on the raw pieces of supply and use tables, whose rows and columns have other codes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from spillover.errors import SpilloverWarning, check_choice, preview
from spillover.iotables.validation import NEGATIVE, Problems, sector_names, split_flows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Array = NDArray[np.float64]
Input = ArrayLike | pd.DataFrame | pd.Series
Codes = tuple[str, ...]


def _order(labels: pd.Index, codes: Codes, what: str, problems: Problems) -> list[int] | None:
    """Return the positions of ``codes`` among ``labels``, or note what differs."""
    have = [str(label).strip() for label in labels]
    missing = [code for code in codes if code not in set(have)]
    extra = [label for label in have if label not in set(codes)]
    if missing or extra or len(have) != len(set(have)):
        parts = [f"lacks {len(missing)} code(s): {preview(missing)}"] if missing else []
        parts += [f"has {len(extra)} unknown code(s): {preview(extra)}"] if extra else []
        problems.add(f"{what} {' and '.join(parts) or 'has repeated labels'}.")
        return None
    return [have.index(code) for code in codes]


def numbers(value: Input, axes: tuple[Codes, ...], name: str, problems: Problems) -> Array | None:
    """Return ``value`` as a float array in the order of the codes, or None after a complaint."""
    orders: list[list[int]] = []
    if isinstance(value, pd.DataFrame | pd.Series):
        for labels, codes, word in zip(value.axes, axes, ("rows", "columns"), strict=False):
            what = name if isinstance(value, pd.Series) else f"the {word} of {name}"
            order = _order(labels, codes, what, problems)
            if order is None:
                return None
            orders.append(order)
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        problems.add(f"{name} is not numeric ({error}).")
        return None
    shape = tuple(len(codes) for codes in axes)
    if array.shape != shape:
        problems.add(f"{name} has shape {array.shape}; its codes need {shape}.")
        return None
    if orders:
        array = array[np.ix_(*orders)]
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        cells = ["→".join(axes[k][i] for k, i in enumerate(cell)) for cell in bad]
        problems.add(
            f"{name} has {len(bad)} missing or infinite value(s) ({preview(cells, 4)}); write 0 "
            "where there is no flow."
        )
        return None
    return array


def _negative(
    parts: Mapping[str, Array | None],
    products: Codes,
    industries: Codes,
    negative: str,
    p: Problems,
) -> None:
    """Note negative cells, or warn about them once if they are kept."""
    kept = []
    for name, matrix in parts.items():
        if matrix is None or not (matrix < 0).any():
            continue
        cells = [f"{products[i]}→{industries[j]}" for i, j in np.argwhere(matrix < 0)]
        text = (
            f"{name} has {len(cells)} negative cell(s), the smallest {matrix.min():.4g} "
            f"({preview(cells, 4)})"
        )
        if negative == "keep":
            kept.append(text)
        else:
            p.add(f"{text}. Correct them, or pass negative='keep' to use them as they are.")
    if kept:
        msg = f"supply and use tables: {'; '.join(kept)}. They are used as they are."
        warnings.warn(msg, SpilloverWarning, stacklevel=4)


def assemble(
    products: Sequence[object],
    industries: Sequence[object],
    *,
    matrices: Mapping[str, Input | None],
    vectors: Mapping[str, Input | None],
    value_added: Input | None,
    unit: str,
    negative: str,
    subject: str,
) -> dict[str, Any]:
    """Check all pieces; return the arguments of :class:`SupplyUse` but its description."""
    check_choice("negative", negative, NEGATIVE)
    p, title = Problems(), f"supply and use tables {subject}".rstrip()
    rows, columns = sector_names(products, p), sector_names(industries, p)
    given = {name: value for name, value in matrices.items() if value is not None}
    if ("supply" in given) == ("make" in given):
        p.add("give the supply table or its transpose, the make table (exactly one of them).")
    if not {"domestic", "total"} & set(given):
        p.add("give domestic or total intermediate use.")
    if not unit.strip():
        p.add("unit is empty; say what the numbers are, such as 'million EUR'.")
    p.report(title)
    read = {
        name: numbers(value, (columns, rows) if name == "make" else (rows, columns), name, p)
        for name, value in given.items()
    }
    flat = {
        name: numbers(value, (rows,), name, p)
        for name, value in vectors.items()
        if value is not None
    }
    added = None if value_added is None else numbers(value_added, (columns,), "value_added", p)
    p.report(title)
    make = read.get("make")
    supply = make.T if make is not None else read["supply"]
    flows = split_flows(read.get("domestic"), read.get("imported"), read.get("total"), p)
    if supply is None:  # a complaint about it was raised above
        return {}
    checked = {"supply": supply, **{k: v for k, v in flows._asdict().items() if k != "total"}}
    if flows.domestic is None:
        checked["total"] = flows.total
    _negative(checked, rows, columns, negative, p)
    p.report(title)
    known = flows.total if flows.total is not None else flows.domestic
    if added is None and known is not None:
        added = supply.sum(axis=0) - known.sum(axis=0)
    zero = np.zeros(len(rows))
    return {
        "products": rows,
        "industries": columns,
        "supply": supply,
        **flows._asdict(),
        "final_demand": flat.get("final_demand", zero),
        "exports": flat.get("exports", zero),
        "imports": flat.get("imports"),
        "value_added": added,
    }

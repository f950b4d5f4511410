"""Checks on the raw pieces of an input-output table: all problems are found before any is raised.

:func:`clean` turns user input (arrays or labelled pandas objects) into plain float arrays.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from spillover.errors import SchemaError, SpilloverWarning, check_choice, preview

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Array = NDArray[np.float64]
Input = ArrayLike | pd.DataFrame | pd.Series
NEGATIVE = ("error", "keep")


@dataclass
class Problems:
    """A list of complaints that is raised as one error."""

    found: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Note one more complaint."""
        self.found.append(text)

    def report(self, subject: str) -> None:
        """Raise one :class:`SchemaError` with all complaints, if there are any."""
        if len(self.found) == 1:
            msg = f"{subject}: {self.found[0]}"
            raise SchemaError(msg)
        if self.found:
            lines = "\n".join(f"  {i}. {text}" for i, text in enumerate(self.found, 1))
            msg = f"{subject}: {len(self.found)} problems\n{lines}"
            raise SchemaError(msg)


def sector_names(sectors: Sequence[object], problems: Problems) -> tuple[str, ...]:
    """Return the sector codes as stripped text; note empty, missing and repeated ones."""
    if isinstance(sectors, str):
        problems.add(f"sectors is one text ({sectors!r}); give a list of sector codes.")
        return ()
    blank = [i for i, s in enumerate(sectors) if pd.isna(s) or not str(s).strip()]  # type: ignore[call-overload]
    if blank:
        problems.add(
            f"{len(blank)} sector code(s) are blank (positions {preview(blank)}); "
            "every sector needs a code."
        )
    names = tuple(str(s).strip() for s in sectors)
    counts = pd.Series(names, dtype=object).value_counts()
    repeated = sorted(set(counts.index[counts > 1]) - {names[i] for i in blank})
    if repeated:
        problems.add(
            f"{len(repeated)} sector code(s) occur more than once: {preview(repeated)}; "
            "codes must be unique."
        )
    if not names:
        problems.add("there is no sector at all.")
    return names


def _label_problem(
    labels: pd.Index, sectors: tuple[str, ...], what: str, problems: Problems
) -> bool:
    """Note labels that are repeated, missing or unknown; True if there was a problem."""
    have = [str(label).strip() for label in labels]
    missing = [s for s in sectors if s not in set(have)]
    extra = [s for s in have if s not in set(sectors)]
    parts = []
    if missing:
        parts.append(f"lacks {len(missing)} sector(s): {preview(missing)}")
    if extra:
        parts.append(f"has {len(extra)} that are not sectors: {preview(extra)}")
    if not parts and len(have) != len(set(have)):
        parts.append("has repeated labels")
    if parts:
        problems.add(f"{what} {' and '.join(parts)}; all parts need the same sector list.")
    return bool(parts)


def _strip(index: pd.Index) -> pd.Index:
    return pd.Index([str(label).strip() for label in index], dtype=object)


def _aligned(
    value: Input, sectors: tuple[str, ...], name: str, problems: Problems
) -> ArrayLike | None:
    """Put a labelled pandas object into the order of ``sectors``; pass arrays through."""
    if isinstance(value, pd.DataFrame):
        bad = _label_problem(value.index, sectors, f"the rows of {name}", problems)
        bad |= _label_problem(value.columns, sectors, f"the columns of {name}", problems)
        if bad:
            return None
        labelled = value.set_axis(_strip(value.index), axis=0)
        labelled = labelled.set_axis(_strip(value.columns), axis=1)
        return labelled.loc[list(sectors), list(sectors)].to_numpy()
    if isinstance(value, pd.Series):
        if _label_problem(value.index, sectors, name, problems):
            return None
        return value.set_axis(_strip(value.index)).loc[list(sectors)].to_numpy()
    return value


def _cells(mask: NDArray[np.bool_], sectors: tuple[str, ...]) -> str:
    """Name the first cells where ``mask`` holds."""
    where = np.argwhere(mask)
    return preview(["→".join(sectors[i] for i in cell) for cell in where], 4).replace("'", "")


def numeric(
    value: Input | None, sectors: tuple[str, ...], name: str, ndim: int, problems: Problems
) -> Array | None:
    """Return ``value`` as an aligned float array, or None after noting what is wrong with it."""
    if value is None:
        return None
    aligned = _aligned(value, sectors, name, problems)
    if aligned is None:
        return None
    try:
        array = np.array(aligned, dtype=np.float64)
    except (TypeError, ValueError) as error:
        problems.add(f"{name} is not numeric ({error}).")
        return None
    shape = (len(sectors),) * ndim
    if array.shape != shape:
        problems.add(f"{name} has shape {array.shape}; {len(sectors)} sectors need {shape}.")
        return None
    bad = ~np.isfinite(array)
    if bad.any():
        problems.add(
            f"{name} has {int(bad.sum())} missing or infinite value(s) ({_cells(bad, sectors)}); "
            "write 0 where there is no flow."
        )
        return None
    return array


class SplitFlows(NamedTuple):
    """Intermediate flows, each (n, n) or None if unknown."""

    domestic: Array | None
    imported: Array | None
    total: Array | None


def check_signs(
    flows: SplitFlows,
    output: Array,
    sectors: tuple[str, ...],
    negative: str,
    problems: Problems,
) -> list[str]:
    """Note negative flows and output; return the texts to warn about instead if they are kept."""
    check_choice("negative", negative, NEGATIVE)
    kept = []
    for name, matrix in flows._asdict().items():
        derived = name == "total" and flows.domestic is not None and flows.imported is not None
        if matrix is None or derived or not (matrix < 0).any():
            continue
        rows, columns = np.nonzero(matrix < 0)
        involved = set(rows) | set(columns)
        names = [s for i, s in enumerate(sectors) if i in involved]
        text = (
            f"{name} has {len(rows)} negative flow(s), the smallest {matrix.min():.4g} "
            f"({_cells(matrix < 0, sectors)}; sectors {preview(names)})"
        )
        if negative == "keep":
            kept.append(text)
        else:
            problems.add(f"{text}. Correct them, or pass negative='keep' to use them as they are.")
    if (output < 0).any():
        problems.add(
            f"output is negative in {int((output < 0).sum())} sector(s): "
            f"{_cells(output < 0, sectors)}."
        )
    return kept


def check_idle(
    flows: SplitFlows,
    output: Array,
    has_imports: bool,
    sectors: tuple[str, ...],
    problems: Problems,
) -> None:
    """Note intermediate deliveries of sectors whose output is zero.

    Total flows may come from imports alone, so they count only where no imports are given.
    """
    name, matrix = "domestic", flows.domestic
    if matrix is None and not has_imports:
        name, matrix = "total", flows.total
    if matrix is None:
        return
    bad = (output == 0) & (matrix != 0).any(axis=1)
    if bad.any():
        problems.add(
            f"{int(bad.sum())} sector(s) deliver {name} flows although their output is zero: "
            f"{_cells(bad, sectors)}. Give their output (or the imports), or set the flows to zero."
        )


def warn_kept(kept: Sequence[str], source: str) -> None:
    """Warn once about negative flows that are used as they are."""
    if kept:
        of = f" of {source}" if source else ""
        msg = f"input-output table{of}: {'; '.join(kept)}. They are used as they are."
        warnings.warn(msg, SpilloverWarning, stacklevel=5)


def split_flows(
    domestic: Array | None, imported: Array | None, total: Array | None, problems: Problems
) -> SplitFlows:
    """Complete the identity ``total = domestic + imported`` where two of the three are known."""
    if domestic is not None and imported is not None:
        summed = domestic + imported
        if total is None:
            return SplitFlows(domestic, imported, summed)
        gap = float(np.abs(total - summed).max(initial=0.0))
        if gap > 1e-6 * max(1.0, float(np.abs(total).max(initial=0.0))):
            problems.add(
                f"total differs from domestic + imported by up to {gap:.4g}; give two of the "
                "three, the third follows."
            )
    elif total is not None and domestic is not None:
        imported = total - domestic
    elif total is not None and imported is not None:
        domestic = total - imported
    return SplitFlows(domestic, imported, total)


class Uses(NamedTuple):
    """The vectors of a table, each (n,)."""

    final_demand: Array
    exports: Array
    output: Array
    imports: Array | None


def deducted(domestic: Array | None, imports: Array | None) -> Array | None:
    """Subtract imports from uses only where the flows include imported products."""
    return imports if domestic is None else None


def sum_uses(flows: Array, final_demand: Array, exports: Array, imports: Array | None) -> Array:
    """Add up the uses of each row."""
    uses = np.asarray(flows.sum(axis=1) + final_demand + exports, dtype=np.float64)
    return uses if imports is None else uses - imports


def _complete(flows: SplitFlows, vectors: Mapping[str, Array | None]) -> Uses:
    """Fill in final demand, exports (zero) and output (the sum of uses) where not given."""
    known = flows.domestic if flows.domestic is not None else flows.total
    if known is None:  # the caller has refused this case with a full message
        msg = "give domestic or total intermediate flows."
        raise SchemaError(msg)
    zero = np.zeros(len(known))
    final_demand, exports, output, imports = (
        vectors[name] for name in ("final_demand", "exports", "output", "imports")
    )
    final_demand = zero if final_demand is None else final_demand
    exports = zero if exports is None else exports
    if output is None:
        output = sum_uses(known, final_demand, exports, deducted(flows.domestic, imports))
    return Uses(final_demand, exports, output, imports)


def assemble(
    sectors: Sequence[object],
    matrices: Mapping[str, Input | None],
    vectors: Mapping[str, Input | None],
    *,
    unit: str,
    negative: str,
    subject: str,
) -> tuple[tuple[str, ...], SplitFlows, Uses]:
    """Check all pieces of a table; the two reports list everything that can be known by then."""
    p = Problems()
    names = sector_names(sectors, p)
    square = {key: numeric(value, names, key, 2, p) for key, value in matrices.items()}
    flat = {key: numeric(value, names, key, 1, p) for key, value in vectors.items()}
    if matrices["domestic"] is None and matrices["total"] is None:
        p.add("give domestic or total intermediate flows.")
    if not unit.strip():
        p.add("unit is empty; say what the numbers are, such as 'million EUR'.")
    title = f"input-output table {subject}".rstrip()
    p.report(title)
    flows = split_flows(square["domestic"], square["imported"], square["total"], p)
    uses = _complete(flows, flat)
    kept = check_signs(flows, uses.output, names, negative, p)
    check_idle(flows, uses.output, uses.imports is not None, names, p)
    p.report(title)
    warn_kept(kept, subject)
    return names, flows, uses

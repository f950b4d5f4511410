"""Where specifications share what they have in common: codes, factors, and columns left."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spillover.errors import SchemaError
from spillover.panel.absorb import Absorber
from spillover.panel.assemble import (
    Clustering,
    Facts,
    Sides,
    assemble,
    check_degrees,
    overlap_remark,
    solve,
)
from spillover.panel.clusters import choose_clusters, outside_clusters, share_between
from spillover.panel.codes import compress
from spillover.panel.design import Design, stack, take, usable_rows
from spillover.panel.estimated import Estimated, FrameKeys
from spillover.panel.formula import effect_name, parse_effect
from spillover.panel.ols import Sizes, check_independent, check_varying, sum_of_squares
from spillover.panel.settings import Settings, finish

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from spillover._frames import NativeFrame
    from spillover.panel.assemble import Carried
    from spillover.panel.formula import Effect, Model
    from spillover.panel.result import Fit
    from spillover.panel.source import Parts, Source

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Rows = NDArray[np.bool_]

BATCH = 8
"""Columns absorbed at a time: more would only cost memory."""


class Column(NamedTuple):
    """A column on the rows of a block; ``key`` if it is kept there."""

    raw: Matrix
    left: Matrix
    sizes: tuple[float, float, float]
    key: int | None = None


class Block:
    """One set of rows with one set of absorbed effects.

    Attributes
    ----------
    keep : (rows of the sample,) bool array
    used : (rows of the data,) bool array
    effects : mapping of str to (n,) codes
    absorber : Absorber or None
    weights : (n,) array or None
    """

    def __init__(
        self, source: Source, absorbed: Sequence[Effect], keep: Rows, weights: str | None
    ) -> None:
        self.source, self.keep = source, keep
        self.used = source.chosen.copy()
        self.used[source.chosen] = keep
        self.effects = {effect_name(e): compress(take(source.codes(e), keep)) for e in absorbed}
        self.weights = take(source.weights(weights), keep) if weights else None
        codes = list(self.effects.values())
        self.absorber = Absorber.from_codes(codes, self.weights) if codes else None
        self.levels = {name: int(codes.max()) + 1 for name, codes in self.effects.items()}
        self._clusters: dict[str, Codes] = {}
        self._outside: dict[tuple[str, ...], int] = {}
        self._columns: dict[int, Column] = {}
        self._shares: dict[tuple[int, str], float] = {}
        self._totals: dict[tuple[int, bool], float] = {}

    def clusters(self, levels: Sequence[Effect]) -> dict[str, Codes]:
        """Return the codes of clustering levels."""
        for level in levels:
            if (name := effect_name(level)) not in self._clusters:
                self._clusters[name] = compress(take(self.source.codes(level), self.keep))
        return {effect_name(level): self._clusters[effect_name(level)] for level in levels}

    def outside(self, clusters: Mapping[str, Codes]) -> int:
        """Return what the effects cost, those nested in a cluster as one constant."""
        key = tuple(clusters)
        if key not in self._outside:
            self._outside[key] = outside_clusters(self.absorber, self.effects, clusters)
        return self._outside[key]

    def columns(self, arrays: Sequence[Matrix], *, shared: bool) -> list[Column]:
        """Return columns with what the effects leave of them.

        Parameters
        ----------
        arrays : sequence of arrays
            Of the sample's rows; or, not shared, of the block's.
        shared : bool
            Whether the source holds the arrays, so that their identity is their key.
        """
        if not shared:
            return self._absorb(arrays)
        new = [array for array in arrays if id(array) not in self._columns]
        new = list({id(array): array for array in new}.values())
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            made = self._absorb([take(array, self.keep) for array in batch])
            for array, column in zip(batch, made, strict=True):
                self._columns[id(array)] = column._replace(key=id(array))
        return [self._columns[id(array)] for array in arrays]

    def _absorb(self, raw: Sequence[Matrix]) -> list[Column]:
        matrix = np.column_stack(raw)
        left = matrix if self.absorber is None else self.absorber.residualise(matrix)
        sizes = Sizes.of(matrix, left, absorbed=self.absorber is not None)
        rows = np.ascontiguousarray(left.T)
        return [
            Column(one, rows[j], tuple(float(size[j]) for size in sizes))  # type: ignore[arg-type]
            for j, one in enumerate(raw)
        ]

    def share(self, column: Column, level: str) -> float:
        """Return the share of a column's variance between clusters."""
        if column.key is None:
            return share_between(column.raw, self._clusters[level])
        key = (column.key, level)
        if key not in self._shares:
            self._shares[key] = share_between(column.raw, self._clusters[level])
        return self._shares[key]

    def total(self, column: Column, *, centred: bool) -> float:
        """Return the weighted sum of squares of a raw column."""
        if column.key is None:
            return sum_of_squares(column.raw, self.weights, centred=centred)
        key = (column.key, centred)
        if key not in self._totals:
            self._totals[key] = sum_of_squares(column.raw, self.weights, centred=centred)
        return self._totals[key]


class Workshop:
    """Fit models on one sample; blocks are kept as long as it lives.

    Parameters
    ----------
    source : Source
    native : data frame
    settings : Settings
    levels : sequence of Effect
        Clustering levels, or those on offer for "auto".
    carried : Carried
    """

    def __init__(
        self,
        source: Source,
        native: NativeFrame,
        settings: Settings,
        levels: Sequence[Effect],
        carried: Carried,
    ) -> None:
        self.source, self.native, self.settings = source, native, settings
        self.levels, self.carried = levels, carried
        self._blocks: dict[tuple[tuple[Effect, ...], bytes], Block] = {}

    def fit(self, model: Model) -> Fit:
        """Fit one model.

        Returns
        -------
        Fit
        """
        method = self.settings.method(model)
        levels = list(self.levels)
        parts, block, columns, dropped = self._prepare(model, levels)
        clusters, reason = self._choose(block, columns[1 : len(parts.terms) + 1], parts, levels)
        if any(f"{effect_name(e)} missing" in dropped for e in levels) and len(clusters) < len(
            levels
        ):
            levels = [parse_effect(name) for name in clusters]
            parts, block, columns, dropped = self._prepare(model, levels)
            clusters = block.clusters(levels)
        kind = self.settings.inference
        how = Clustering(
            "hetero" if kind == "cluster" and not clusters else kind,
            clusters,
            reason,
            block.absorber.rank if block.absorber else 0,
            block.outside(clusters),
        )
        sides = _sides(block, parts, columns)
        check_degrees(len(sides.y), len(sides.terms), how.absorbed)
        solved = solve(method, sides, how)
        remarks: tuple[str, ...] = ()
        if self.settings.length:
            firms = take(self.source.codes(("firm",)), block.keep)
            remarks = overlap_remark(self.settings.length, firms, clusters)
        facts = Facts(
            model,
            method,
            self.settings.length,
            block.levels,
            self.source.label,
            dropped,
            block.used,
            self.carried,
            remarks,
        )
        estimated = None
        if not self.settings.lean or self.settings.errors:
            squares = solved.squares
            estimated = Estimated(
                _design(block, parts, columns, clusters, dropped),
                block.absorber,
                sides.y,
                sides.X,
                squares.Xhat,
                squares,
                FrameKeys(self.native, block.used),
                sides.Z,
            )
        result = assemble(sides, solved, how, facts, estimated)
        return finish(result, self.settings, self.native)

    def _prepare(
        self, model: Model, levels: Sequence[Effect]
    ) -> tuple[Parts, Block, list[Column], dict[str, int]]:
        """Find the rows of a model and the columns on them."""
        source, settings = self.source, self.settings
        parts = source.parts(model)
        keep, dropped = usable_rows(
            source,
            model,
            parts,
            levels=levels,
            weights=settings.weights,
            singletons=settings.singletons,
        )
        if not keep.any():
            left_out = ", ".join(f"{count:,} {why}" for why, count in dropped.items())
            raise SchemaError(f"No observation is left. Dropped: {left_out or 'none'}.")
        key = (model.absorbed, np.packbits(keep).tobytes())
        if key not in self._blocks:
            self._blocks[key] = Block(source, model.absorbed, keep, settings.weights)
        block = self._blocks[key]
        shared = not source.has_categories(model)
        if not shared:  # categories are coded by the levels that the rows have
            parts = source.parts(model, keep)
        columns = block.columns([parts.y, *parts.X, *parts.Z], shared=shared)
        return parts, block, columns, dropped

    def _choose(
        self, block: Block, columns: Sequence[Column], parts: Parts, levels: Sequence[Effect]
    ) -> tuple[Mapping[str, Codes], str]:
        if self.settings.inference != "cluster":
            return {}, ""
        clusters = block.clusters(levels)
        if self.settings.cluster != "auto":
            return clusters, ""
        return choose_clusters(clusters, parts.terms, lambda j, name: block.share(columns[j], name))


def _sides(block: Block, parts: Parts, columns: Sequence[Column]) -> Sides:
    """Put the columns side by side, and check that they are identified."""
    k, absorbed = len(parts.terms), block.absorber is not None
    y, X, Z = columns[0], columns[1 : k + 1], columns[k + 1 :]
    matrix = _matrix(X)
    _check(block, X, matrix, parts.terms)
    instruments = _matrix(Z) if Z else None
    if instruments is not None:
        first = k - len(parts.endogenous)
        both = [*X[:first], *Z]
        _check(block, both, _matrix(both), [*parts.terms[:first], *parts.Z_terms])
    constant = absorbed or "Intercept" in parts.terms
    total = block.total(y, centred=constant)
    return Sides(
        y=y.left,
        X=matrix,
        Z=instruments,
        weights=block.weights,
        terms=parts.terms,
        endogenous=parts.endogenous,
        instruments=parts.Z_terms,
        total=total,
        within=sum_of_squares(y.left, block.weights, centred=False) if absorbed else total,
    )


def _matrix(columns: Sequence[Column]) -> Matrix:
    """Return the columns as an (n, k) array whose columns are contiguous."""
    return np.array([column.left for column in columns]).T


def _check(block: Block, columns: Sequence[Column], X: Matrix, terms: Sequence[str]) -> None:
    sizes = Sizes(*np.array([column.sizes for column in columns]).T)
    check_varying(sizes, terms, lambda j: columns[j].raw[:, None], block.effects, block.weights)
    check_independent(X, sizes.left, terms, absorbed=block.absorber is not None)


def _design(
    block: Block,
    parts: Parts,
    columns: Sequence[Column],
    clusters: Mapping[str, Codes],
    dropped: Mapping[str, int],
) -> Design:
    everything = np.ones(len(columns[0].raw), dtype=bool)
    raw = [column.raw for column in columns]
    k = len(parts.terms)
    return Design(
        y=raw[0],
        X=stack(raw[1 : k + 1], everything),
        terms=parts.terms,
        effects=block.effects,
        clusters=clusters,
        weights=block.weights,
        used=block.used,
        dropped=dropped,
        endogenous=parts.endogenous,
        Z=stack(raw[k + 1 :], everything) if parts.endogenous else None,
        Z_terms=tuple(parts.Z_terms),
    )

"""Let a pandas frame remember which linkage measures were attached to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spillover.linkage.result import Linkages

KEY = "spillover_linkages"
ROWS_COMPARED = 200


class CarriedLinkages(str):
    """The definition's text, which any file format can store, with the object behind it.

    pandas copies ``attrs`` deeply with every frame and writes them to Parquet as JSON; a string
    that hands out itself survives both.
    """

    __slots__ = ("linkages", "measure")
    linkages: Linkages
    measure: str

    def __new__(cls, linkages: Linkages, measure: str) -> Self:
        """Make the text of the definition and keep the object."""
        table = linkages.source or linkages.country
        source = f"; table: {table}" if table else ""
        text = super().__new__(cls, linkages.definition.describe() + source)
        text.linkages = linkages
        text.measure = measure
        return text

    def __reduce__(self) -> tuple[type[Self], tuple[Linkages, str]]:
        return type(self), (self.linkages, self.measure)

    def __deepcopy__(self, memo: dict[int, Any]) -> CarriedLinkages:
        return self


def carry(frame: pd.DataFrame, linkages: Linkages, columns: Mapping[str, str]) -> None:
    """Record in ``frame.attrs`` which columns were made from ``linkages``.

    Parameters
    ----------
    frame : pandas.DataFrame
        Changed in place; the caller owns it.
    linkages : Linkages
    columns : mapping of str to str
        Measure -> column.
    """
    tags = {column: CarriedLinkages(linkages, measure) for measure, column in columns.items()}
    frame.attrs[KEY] = dict(frame.attrs.get(KEY, {})) | tags


def carried_tags(frame: object) -> dict[str, str]:
    """Return column -> tag, for the linkage columns that a frame remembers.

    Parameters
    ----------
    frame : data frame
        Only pandas frames remember. A column whose values are no longer those of the linkages
        (multiplied by 100, say) is left out.

    Returns
    -------
    dict of str to str
        :class:`CarriedLinkages` where the object is still at hand; after a trip through a file
        plain text.
    """
    if not isinstance(frame, pd.DataFrame):
        return {}
    tags = frame.attrs.get(KEY, {})
    return {name: tag for name, tag in tags.items() if _holds(frame, name, tag)}


def carried_definitions(frame: object) -> Mapping[str, str]:
    """Return column -> how it was made; see :func:`carried_tags`.

    Parameters
    ----------
    frame : data frame

    Returns
    -------
    mapping of str to str
    """
    return {name: str(tag) for name, tag in carried_tags(frame).items()}


def _holds(frame: pd.DataFrame, name: str, tag: str) -> bool:
    """Compare the first rows of a column with the measure, where both are at hand."""
    if name not in frame or not isinstance(tag, CarriedLinkages):
        return name in frame
    names = [key for key in ("industry", "region", "year") if key in tag.linkages.data]
    if not set(names) <= set(frame.columns):
        return True
    if tag.linkages.definition.leave_one_out and tag.measure == "horizontal":
        return True
    head = frame.loc[frame[name].notna(), [*names, name]].head(ROWS_COMPARED)
    head = head[~head["industry"].astype(str).isin(tag.linkages.split)]  # those hold means
    measure = tag.linkages.data.set_index(names)[tag.measure]
    types = {key: int if key == "year" else str for key in names}
    keys = pd.MultiIndex.from_frame(head[names].astype(types))
    return bool(np.allclose(measure.reindex(keys), head[name].astype(float), rtol=1e-9, atol=1e-12))

"""Let a pandas frame remember which linkage measures were attached to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from spillover.linkage.result import Linkages

KEY = "spillover_linkages"


class CarriedLinkages(str):
    """The definition's text, which any file format can store, with the object behind it.

    pandas copies ``attrs`` deeply with every frame and writes them to Parquet as JSON; a string
    that hands out itself survives both.
    """

    __slots__ = ("linkages",)
    linkages: Linkages

    def __new__(cls, linkages: Linkages) -> Self:
        """Make the text of the definition and keep the object."""
        text = super().__new__(cls, linkages.definition.describe())
        text.linkages = linkages
        return text

    def __deepcopy__(self, memo: dict[int, Any]) -> CarriedLinkages:
        return self


def carry(frame: pd.DataFrame, linkages: Linkages, columns: tuple[str, ...]) -> None:
    """Record in ``frame.attrs`` that ``columns`` were made from ``linkages``.

    Parameters
    ----------
    frame : pandas.DataFrame
        Changed in place; the caller owns it.
    linkages : Linkages
    columns : tuple of str
    """
    tag = CarriedLinkages(linkages)
    frame.attrs[KEY] = dict(frame.attrs.get(KEY, {})) | dict.fromkeys(columns, tag)


def carried_definitions(frame: object) -> Mapping[str, str]:
    """Return column -> how it was made, for the linkage columns that a frame remembers.

    Parameters
    ----------
    frame : data frame
        Only pandas frames remember.

    Returns
    -------
    mapping of str to str
    """
    return {name: str(tag) for name, tag in _tags(frame).items()}


def carried_synthetic(frame: object) -> bool:
    """Whether a frame remembers linkages whose table says that it is synthetic.

    Parameters
    ----------
    frame : data frame

    Returns
    -------
    bool
    """
    tags = [tag for tag in _tags(frame).values() if isinstance(tag, CarriedLinkages)]
    return any("synthetic" in tag.linkages.source.lower() for tag in tags)


def _tags(frame: object) -> Mapping[str, str]:
    tags: Mapping[str, str] = getattr(frame, "attrs", {}).get(KEY, {})
    return tags

"""Where the files live that come with the package (concordances, catalogues, example data)."""

from __future__ import annotations

from pathlib import Path

from spillover.errors import SchemaError

_PACKAGE = Path(__file__).resolve().parent


def data_path(*parts: str) -> Path:
    """Return the path of a file or folder that is shipped with the package.

    An installed wheel keeps these files in ``spillover/_data``, a source checkout in ``data``
    beside the package; the first of the two that exists is used.

    Parameters
    ----------
    *parts : str
        Names below the data folder, such as ``"concordances", "isic2_wiod2013.csv"``.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    SchemaError
        If there is no data folder, or it has no such file.

    Examples
    --------
    >>> data_path("concordances", "isic2_wiod2013.csv").name
    'isic2_wiod2013.csv'
    """
    places = [_PACKAGE / "_data", _PACKAGE.parent / "data"]
    root = next((place for place in places if place.is_dir()), None)
    if root is None:
        msg = (
            "the data folder of spillover is missing (looked for 'spillover/_data' and 'data'): "
            "reinstall the package, or work from a complete checkout."
        )
        raise SchemaError(msg)
    path = root.joinpath(*parts)
    if not path.exists():
        msg = f"spillover ships no data file {'/'.join(parts)!r} (looked below {root.name!r})."
        raise SchemaError(msg)
    return path

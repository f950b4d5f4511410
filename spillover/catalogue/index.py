"""``sp.studies``: find a study by name, list them all, and what they published."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from spillover.catalogue import estimates as published
from spillover.catalogue import overview
from spillover.catalogue.study import Study
from spillover.errors import SchemaError, did_you_mean

if TYPE_CHECKING:
    import builtins

    import pandas as pd

FOLDER = "spillover.catalogue.studies"


class Catalogue(Mapping[str, Study]):
    """The studies by name: ``sp.studies["javorcik_2004"]``, with or without underscores.

    A study's module is imported when the study is first asked for.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, Study] = {}

    def _names(self) -> builtins.list[str]:
        folder = import_module(FOLDER).__path__
        return sorted(found.name for found in pkgutil.iter_modules(folder) if found.name[0] != "_")

    def __getitem__(self, name: str) -> Study:
        """Return a study.

        Raises
        ------
        SchemaError
            If there is none of that name.
        """
        names = self._names()
        plain = {own.replace("_", ""): own for own in names}
        key = plain.get(str(name).lower().replace("_", "").replace(" ", ""))
        if key is None:
            raise SchemaError(f"There is no study {name!r}.{did_you_mean(str(name), names)}")
        if key not in self._loaded:
            study: Study = import_module(f"{FOLDER}.{key}").STUDY
            if study.id != key:
                raise SchemaError(f"The study in {key}.py calls itself {study.id!r}.")
            self._loaded[key] = study
        return self._loaded[key]

    def __contains__(self, name: object) -> bool:
        try:
            self[str(name)]
        except SchemaError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def list(self) -> pd.DataFrame:
        """List the studies.

        Returns
        -------
        pandas.DataFrame
            study, cite, kind, country, years, equations (how many), estimates (verified
            published numbers), question.

        Examples
        --------
        >>> import spillover as sp
        >>> table = sp.studies.list().set_index("study")
        >>> table.loc["javorcik_2004", "country"]
        'Lithuania'
        """
        return overview.study_list(self.values())

    def estimates(
        self,
        study: str | None = None,
        *,
        channel: str | None = None,
        include_recalled: bool = False,
        include_suspect: bool = False,
    ) -> pd.DataFrame:
        """Return published estimates as a tidy table.

        Parameters
        ----------
        study : str, optional
            By default all.
        channel : str, optional
            "horizontal", "backward", "forward", or "" for what is no linkage coefficient.
        include_recalled : bool
            Also numbers from memory. They stand in no default computation.
        include_suspect : bool
            Also numbers whose published coding seems to hold a slip.

        Returns
        -------
        pandas.DataFrame
            See :func:`spillover.catalogue.estimates.estimates`.

        Raises
        ------
        SchemaError
            For an unknown study or channel.

        Examples
        --------
        >>> import spillover as sp
        >>> table = sp.studies.estimates("javorcik_2004", channel="backward")
        >>> row = table[(table["table"] == "T7") & (table["n"] == 3084)].iloc[0]
        >>> row["estimate"].item(), row["unit"], round(row["effect"], 2).item()
        (0.0347, 'per percentage point', 3.47)
        """
        chosen = None if study is None else self[study].id
        return published.estimates(
            chosen,
            channel=channel,
            include_recalled=include_recalled,
            include_suspect=include_suspect,
        )

    def readings(self) -> pd.DataFrame:
        """Set what the thesis says of each study beside what the study says.

        Returns
        -------
        pandas.DataFrame
            study, cite, sections, thesis_says, source_says, verdict, why, status.

        Examples
        --------
        >>> import spillover as sp
        >>> table = sp.studies.readings()
        >>> table.loc[table["verdict"] == "reversed", "study"].tolist()
        ['dimelis_louri_2002']
        """
        return overview.readings(self.values())

    def __repr__(self) -> str:
        return f"sp.studies: {len(self)} studies ({', '.join(self._names())})"

    def _repr_html_(self) -> str:
        table = self.list().to_html(index=False, border=0)
        return f"<div><p><b>sp.studies</b></p>{table}</div>"


studies = Catalogue()
"""The catalogue."""

"""What is known of a study: citation, data, findings, readings, and how far each was checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from spillover.errors import SchemaError, check_choice

Status = Literal["verified", "recalled", "inferred", "open"]
"""verified: read in a copy of the source, or in the published coding of it. recalled: from memory,
never used in a computation. inferred: follows from something verified. open: not known."""
Verdict = Literal["agrees", "partly", "reversed", "overtaken", "uncertain"]

VERDICTS: tuple[Verdict, ...] = ("agrees", "partly", "reversed", "overtaken", "uncertain")
_DOI = re.compile(r"10\.\d{4,9}/\S+")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a source says, and how far it was checked.

    Parameters
    ----------
    value : str
        Empty if it is open.
    status : {"verified", "recalled", "inferred", "open"}
    """

    value: str
    status: Status = "verified"

    def __str__(self) -> str:
        if self.status == "open":
            return self.value or "not known"
        return self.value if self.status == "verified" else f"{self.value} ({self.status})"


UNKNOWN = Fact("", "open")


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """Where a study was published.

    Parameters
    ----------
    authors : tuple of str
        Family names, in print order.
    year : int
    title, outlet : str
        Outlet with volume and pages.
    doi : str or None
        None if the text has none, or none is known.
    doi_status : {"verified", "recalled", "open"}

    Raises
    ------
    SchemaError
        If the DOI is not of the form 10.x/y.
    """

    authors: tuple[str, ...]
    year: int
    title: str
    outlet: str
    doi: str | None = None
    doi_status: Status = "open"

    def __post_init__(self) -> None:
        if self.doi is not None and not _DOI.fullmatch(self.doi):
            raise SchemaError(f"doi={self.doi!r} is no DOI; it reads 10.<number>/<name>.")

    @property
    def short(self) -> str:
        """Authors and year, such as ``"Aitken & Harrison (1999)"``."""
        names = " & ".join(self.authors) if len(self.authors) < 3 else ""
        return f"{names or f'{self.authors[0]} et al.'} ({self.year})"

    def __str__(self) -> str:
        *first, last = self.authors
        names = f"{', '.join(first)} & {last}" if first else last
        doi = f" doi:{self.doi}" if self.doi else ""
        mark = " (DOI recalled)" if self.doi and self.doi_status == "recalled" else ""
        return f"{names} ({self.year}). {self.title}. {self.outlet}.{doi}{mark}"


@dataclass(frozen=True, slots=True)
class Size:
    """Observations of one sample: a label, the number and its status."""

    label: str
    n: int
    status: Status = "verified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What a study observes.

    Parameters
    ----------
    country : str
    years, unit, source, sectors : Fact
    sizes : tuple of Size
    public : str
        Whether others can have the data, and what comes nearest.
    """

    country: str
    years: Fact = UNKNOWN
    unit: Fact = UNKNOWN
    source: Fact = UNKNOWN
    sectors: Fact = UNKNOWN
    sizes: tuple[Size, ...] = ()
    public: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the thesis says of a study, beside what the source says.

    Parameters
    ----------
    sections : str
        Of the thesis.
    thesis, source : str
        Both in our words.
    verdict : {"agrees", "partly", "reversed", "overtaken", "uncertain"}
    why : str
    status : Status
        Whether the source was seen.
    """

    sections: str
    thesis: str
    source: str
    verdict: Verdict
    why: str
    status: Status = "verified"

    def __post_init__(self) -> None:
        check_choice("verdict", self.verdict, VERDICTS)


@dataclass(frozen=True, slots=True)
class Moderator:
    """What the effect depends on: a name, how the study measures it, what it finds."""

    name: str
    measure: str
    finding: str
    status: Status = "verified"

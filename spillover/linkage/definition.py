"""How a linkage measure is made: one small frozen value that is stored with every result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from spillover.errors import SchemaError, check_choice, preview
from spillover.linkage.groups import FirmGroup

OPTIONS: dict[str, tuple[object, ...]] = {
    "weight": ("output", "employment", "capital", "none"),
    "own_sector": ("exclude", "exclude_renormalised", "include", "only"),
    "flows": ("total", "domestic", "imported"),
    "denominator": ("intermediate", "intermediate_and_final", "output"),
    "forward_exports": ("net", "gross"),
    "unobserved": ("zero", "missing", "external"),
    "region": ("none", "own", "weighted"),
    "vintage": ("exact", "nearest", "interpolate"),
    "leave_one_out": (True, False),
}


def _is_share(value: object) -> bool:
    return isinstance(value, int | float | np.number) and bool(0 <= value <= 1)


@dataclass(frozen=True, slots=True)
class LocalSourcing:
    """How much foreign firms buy at home, as a part of what the table says they buy.

    Parameters
    ----------
    shares : tuple of (industry, owner, share)
        Buying industry; "all", "minority", "majority" or "full" foreign ownership; and the part
        (0 to 1) of the table's purchases that is really bought from domestic suppliers.
    otherwise : float
        The part for the industries (and owners) that are not listed.

    Raises
    ------
    SchemaError
        For parts outside 0 to 1 and unknown owners.

    Examples
    --------
    >>> LocalSourcing.of({"29": 0.1, "10": 0.8})
    LocalSourcing(shares=(('29', 'all', 0.1), ('10', 'all', 0.8)), otherwise=1.0)
    >>> LocalSourcing.of({("29", "full"): 0.05}).of_owner("29", "full")
    0.05
    """

    shares: tuple[tuple[str, str, float], ...] = ()
    otherwise: float = 1.0

    def __post_init__(self) -> None:
        for industry, owner, share in (*self.shares, ("the others", "all", self.otherwise)):
            check_choice("owner", owner, ("all", *OWNERS))
            if not _is_share(share):
                raise SchemaError(f"local sourcing of {industry!r} is {share!r}; it is 0 to 1.")

    @classmethod
    def of(
        cls, shares: float | Mapping[str, float] | Mapping[tuple[str, str], float]
    ) -> LocalSourcing:
        """Make it from a number, from industry -> part, or from (industry, owner) -> part.

        Parameters
        ----------
        shares : float or mapping

        Returns
        -------
        LocalSourcing

        Raises
        ------
        SchemaError
        """
        if not isinstance(shares, Mapping):
            return cls((), shares)
        listed = []
        for key, share in shares.items():
            pair = key if isinstance(key, tuple) else (key, "all")
            if len(pair) != 2:
                raise SchemaError(
                    f"local sourcing: {key!r} is no industry and no (industry, owner)."
                )
            listed.append((str(pair[0]), str(pair[1]), share))
        return cls(tuple(listed))

    @property
    def by_owner(self) -> bool:
        """Whether it differs by degree of ownership."""
        return any(owner != "all" for _, owner, _ in self.shares)

    def of_owner(self, industry: str, owner: str) -> float:
        """Return the part for one industry and degree of ownership.

        Parameters
        ----------
        industry, owner : str

        Returns
        -------
        float
        """
        listed = {(code, who): share for code, who, share in self.shares}
        return listed.get((industry, owner), listed.get((industry, "all"), self.otherwise))


OWNERS: dict[str, FirmGroup] = {
    "minority": FirmGroup("minority", "foreign_share", high=0.5),
    "majority": FirmGroup("majority", "foreign_share", low=0.5, high=0.99),
    "full": FirmGroup.full(),
}
"""Degrees of ownership that part all foreign firms, for :class:`LocalSourcing`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkageDefinition:
    """The choices behind the linkage measures; the defaults are Javorcik (2004).

    Parameters
    ----------
    weight : {"output", "employment", "capital", "none"}
        What firms are weighted with in an industry's foreign presence. Javorcik (2004) and most
        studies use output, Aitken & Harrison (1999) employment; "none" counts firms.
    threshold : float, optional
        None: a firm counts with its foreign share. A number in (0, 1]: it counts fully if its
        foreign share is at least that (0.1: the OECD's and IMF's line; 0.5: majority).
    foreign : FirmGroup, optional
        Count only these foreign firms (degree of ownership, origin, age of entry, exporters,
        size); the denominator stays the whole industry.
    leave_one_out : bool
        Horizontal without the firm itself, in numerator and denominator. It then varies by firm
        and is computed by :func:`spillover.attach`; the only firm of an industry-year gets a
        missing value.
    own_sector : {"exclude", "exclude_renormalised", "include", "only"}
        Whether Backward and Forward contain the industry's dealings with itself. Javorcik (2004)
        excludes them, since Horizontal carries them, and does not scale the other shares up;
        Lenaerts & Merlevede (2012) include them.
    flows : {"total", "domestic", "imported"}
        Which intermediate flows weight the industries. Javorcik (2004): total; Barrios, Görg &
        Strobl (2011) argue for domestic.
    denominator : {"intermediate", "intermediate_and_final", "output"}
        What Backward's supply shares are shares of: intermediate sales, these and domestic final
        demand, or gross output.
    forward_exports : {"net", "gross"}
        Whether Forward counts a supplying firm's output net of its exports, as Javorcik (2004)
        does; "gross" where the panel has no exports.
    unobserved : {"zero", "missing", "external"}
        An industry of the table without usable firm data in a year: count its foreign presence as
        zero (the lost weight is reported), make measures that lean on it missing, or take it from
        the ``external`` presence given to :func:`spillover.linkages` (zero, and reported, where
        that has none).
    region : {"none", "own", "weighted"}
        "own": presence within the industry and region, with national shares (Blalock & Gertler
        2008). "weighted": presence around a region, firms of region s counting with the weight
        w_rs in numerator and denominator (distance decay, say). Firms without a region count in
        none.
    vintage : {"exact", "nearest", "interpolate"}
        Which table's shares hold for a year, if several tables are given: the table of that very
        year, the nearest one, or shares interpolated between the two around it (Blalock & Gertler
        2008), the nearest outside.
    lag : int
        Years by which presence is lagged (calendar years). Where the panel lacks the year, every
        measure is missing, whatever ``unobserved`` says.
    stock : float, optional
        Depreciation rate d of accumulated presence K_t = H_t + (1 - d) K_{t-1}, which then takes
        the place of presence. A year without presence breaks the sum: missing from then on; every
        measure, if it is a year that the panel skips.
    local_sourcing : LocalSourcing
        The part of the table's purchases that foreign firms really make from domestic suppliers;
        it scales the buying industry's presence in Backward and what is built on it. 1: all, what
        the textbook measure assumes. Where it differs by owner, presence from ``external``, whose
        owners are unknown, takes the part of "all".

    Raises
    ------
    SchemaError
        For a value that is not an option.

    Notes
    -----
    With i firms, j, k, m industries, t years, FS the foreign share, w the weight, X exports::

        Horizontal_jt = sum_{i in j} FS_it w_it / sum_{i in j} w_it
        Backward_jt   = sum_{k != j} alpha_jk Horizontal_kt
        Forward_jt    = sum_{m != j} sigma_jm HN_mt,
        HN_mt         = sum_{i in m} FS_it (w_it - X_it) / sum_{i in m} (w_it - X_it)

    alpha_jk is the share of j's sales that k buys, sigma_jm the share of j's inputs that m sells.
    Exports are netted only when the weight is output. Further measures: :data:`MEASURES`.

    References
    ----------
    Javorcik, B. S. (2004). Does foreign direct investment increase the productivity of domestic
    firms? American Economic Review 94(3), 605-627, section II.

    Examples
    --------
    >>> LinkageDefinition(own_sector="include", threshold=0.1).describe()
    'Javorcik (2004), but foreign share >= 0.1, own sector include'
    >>> LinkageDefinition().describe()
    'Javorcik (2004)'
    """

    weight: Literal["output", "employment", "capital", "none"] = "output"
    threshold: float | None = None
    foreign: FirmGroup | None = None
    leave_one_out: bool = False
    own_sector: Literal["exclude", "exclude_renormalised", "include", "only"] = "exclude"
    flows: Literal["total", "domestic", "imported"] = "total"
    denominator: Literal["intermediate", "intermediate_and_final", "output"] = "intermediate"
    forward_exports: Literal["net", "gross"] = "net"
    unobserved: Literal["zero", "missing", "external"] = "zero"
    region: Literal["none", "own", "weighted"] = "none"
    vintage: Literal["exact", "nearest", "interpolate"] = "nearest"
    lag: int = 0
    stock: float | None = None
    local_sourcing: LocalSourcing = LocalSourcing()

    def __post_init__(self) -> None:
        for name, options in OPTIONS.items():
            check_choice(name, getattr(self, name), options)
        if self.threshold is not None and not (_is_share(self.threshold) and self.threshold > 0):
            raise SchemaError(f"threshold={self.threshold!r} must lie in (0, 1], or be None.")
        if self.stock is not None and not _is_share(self.stock):
            raise SchemaError(f"stock={self.stock!r} is a rate from 0 to 1, or None.")
        if not isinstance(self.lag, int) or isinstance(self.lag, bool) or self.lag < 0:
            raise SchemaError(f"lag={self.lag!r} must be a whole number of years, 0 or more.")
        for name, kind in (("foreign", FirmGroup | None), ("local_sourcing", LocalSourcing)):
            if not isinstance(getattr(self, name), kind):
                raise SchemaError(
                    f"{name}={getattr(self, name)!r} is no {str(kind).rsplit('.', 1)[-1]}; make "
                    "one, as with sp.FirmGroup.majority() or sp.LocalSourcing.of(0.5)."
                )
        over_time = self.lag > 0 or self.stock is not None
        if self.leave_one_out and (self.region == "weighted" or over_time):
            raise SchemaError(
                "leave_one_out takes the firm out of this year's presence; it does not go with "
                "region='weighted', lag or stock."
            )

    @property
    def nets_exports(self) -> bool:
        """Whether Forward takes exports off the weight."""
        return self.weight == "output" and self.forward_exports == "net"

    def describe(self) -> str:
        """Say in a line what differs from Javorcik (2004).

        Returns
        -------
        str
        """
        changed = [self._say(f.name) for f in fields(self) if getattr(self, f.name) != f.default]
        return "Javorcik (2004)" + (f", but {', '.join(changed)}" if changed else "")

    def _say(self, name: str) -> str:
        value = getattr(self, name)
        special = {
            "weight": "firms unweighted" if value == "none" else f"weighted by {value}",
            "threshold": f"foreign share >= {value}",
            "foreign": f"only foreign firms {self.foreign.describe() if self.foreign else ''}",
            "leave_one_out": "without the firm itself",
            "lag": f"lagged {value} {'year' if value == 1 else 'years'}",
            "stock": f"accumulated, depreciating {value} a year",
            "local_sourcing": f"local sourcing {self._say_sourcing()}",
        }
        return special.get(name, f"{name.replace('_', ' ')} {value}")

    def _say_sourcing(self) -> str:
        sourcing = self.local_sourcing
        if not sourcing.shares:
            return f"{sourcing.otherwise}"
        named = [
            f"{code}{'' if owner == 'all' else f' ({owner})'} {share}"
            for code, owner, share in sourcing.shares
        ]
        return f"{preview(named, 6).replace(chr(39), '')}, others {sourcing.otherwise}"


JAVORCIK_2004 = LinkageDefinition()
"""Horizontal, Backward and Forward as in Javorcik (2004)."""

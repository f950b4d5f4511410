"""How a linkage measure is made: one small frozen value that is stored with every result."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from spillover.errors import SchemaError, check_choice

OPTIONS: dict[str, tuple[object, ...]] = {
    "weight": ("output", "employment", "capital", "none"),
    "own_sector": ("exclude", "exclude_renormalised", "include", "only"),
    "flows": ("total", "domestic", "imported"),
    "denominator": ("intermediate", "intermediate_and_final", "output"),
    "forward_exports": ("net", "gross"),
    "unobserved": ("zero", "missing"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkageDefinition:
    """The choices behind Horizontal, Backward and Forward; the defaults are Javorcik (2004).

    Parameters
    ----------
    weight : {"output", "employment", "capital", "none"}
        What firms are weighted with in an industry's foreign presence. Javorcik (2004) and most
        studies use output, Aitken & Harrison (1999) employment; "none" counts firms.
    threshold : float, optional
        None: a firm counts with its foreign share. A number in (0, 1]: it counts fully if its
        foreign share is at least that (0.1: the OECD's and IMF's line; 0.5: majority).
    leave_one_out : bool
        Horizontal without the firm itself, in numerator and denominator. It then varies by firm
        and is computed by :func:`spillover.attach`; the only firm of an industry-year gets a
        missing value.
    own_sector : {"exclude", "exclude_renormalised", "include", "only"}
        Whether Backward and Forward contain the industry's dealings with itself. Javorcik (2004)
        excludes them, since Horizontal carries them, and does not scale the other shares up.
    flows : {"total", "domestic", "imported"}
        Which intermediate flows weight the industries. Javorcik (2004): total; Barrios, Görg &
        Strobl (2011) argue for domestic.
    denominator : {"intermediate", "intermediate_and_final", "output"}
        What Backward's supply shares are shares of: intermediate sales, these and domestic final
        demand, or gross output.
    forward_exports : {"net", "gross"}
        Whether Forward counts a supplying firm's output net of its exports, as Javorcik (2004)
        does; "gross" where the panel has no exports.
    unobserved : {"zero", "missing"}
        An industry of the table without usable firm data in a year: count its foreign presence as
        zero (the lost weight is reported), or make measures that lean on it missing.

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
    Exports are netted only when the weight is output.

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
    leave_one_out: bool = False
    own_sector: Literal["exclude", "exclude_renormalised", "include", "only"] = "exclude"
    flows: Literal["total", "domestic", "imported"] = "total"
    denominator: Literal["intermediate", "intermediate_and_final", "output"] = "intermediate"
    forward_exports: Literal["net", "gross"] = "net"
    unobserved: Literal["zero", "missing"] = "zero"

    def __post_init__(self) -> None:
        for name, options in OPTIONS.items():
            check_choice(name, getattr(self, name), options)
        check_choice("leave_one_out", self.leave_one_out, (True, False))
        if self.threshold is not None and not (
            isinstance(self.threshold, int | float) and 0 < self.threshold <= 1
        ):
            raise SchemaError(
                f"threshold={self.threshold!r} must lie in (0, 1]: shares run from 0 to 1."
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
            "leave_one_out": "without the firm itself",
        }
        return special.get(name, f"{name.replace('_', ' ')} {value}")


JAVORCIK_2004 = LinkageDefinition()
"""Horizontal, Backward and Forward as in Javorcik (2004)."""

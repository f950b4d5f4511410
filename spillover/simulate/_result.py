"""What a simulation returns."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from spillover.iotables import IOTable

MEASURES = ("horizontal", "backward", "forward")


@dataclass(frozen=True, eq=False, repr=False)
class Simulation:
    """A synthetic firm panel whose true effects are known.

    Attributes
    ----------
    firms : pandas.DataFrame
        One row per firm-year, canonical column names; ``tfp`` is measured log productivity.
    io : IOTable
        The input-output table behind Backward and Forward.
    links : pandas.DataFrame
        True presence by ``industry`` and ``year``: ``horizontal``, ``backward``, ``forward``, as
        shares from 0 to 1.
    truth : mapping
        ``"horizontal"``, ``"backward"``, ``"forward"`` (effect on log productivity per unit of
        presence), ``"elasticities"`` of the technology, ``"settings"``: the arguments.
    steps : int
        Iterations of the fixed point between presence and output.
    gap : float
        Largest difference between the effect that entered output and the effect of the final
        data's presence, in log points.
    synthetic : bool
        Always True.
    """

    firms: pd.DataFrame
    io: IOTable
    links: pd.DataFrame
    truth: Mapping[str, object]
    steps: int
    gap: float
    synthetic: bool = True

    def panel(self) -> pd.DataFrame:
        """Return the firms with their industry's true presence beside them.

        Returns
        -------
        pandas.DataFrame
            A new frame in the row order of ``firms``, with the columns horizontal, backward and
            forward.

        Examples
        --------
        >>> import spillover as sp
        >>> sim = sp.simulate.panel(industries=4, firms_per_industry=5, rng=1)
        >>> sim.panel().columns[-4:].tolist()
        ['tfp', 'horizontal', 'backward', 'forward']
        """
        return self.firms.merge(self.links, on=["industry", "year"], how="left", validate="m:1")

    def _lines(self) -> list[str]:
        years = self.firms["year"]
        effects = ", ".join(f"{name} {self.truth[name]:g}" for name in MEASURES)
        presence = self.links["horizontal"]
        within = presence - presence.groupby(self.links["industry"]).transform("mean")
        return [
            f"{len(self.firms):,} firm-years, {self.firms['firm'].nunique():,} firms, "
            f"{len(self.io.sectors)} industries, {years.min()}-{years.max()}",
            f"true effects on log productivity: {effects}",
            f"output-weighted foreign presence: mean {presence.mean():.2f}, "
            f"within-industry sd {within.std():.2f}",
            f"fixed point: {self.steps} steps, gap {self.gap:.1e}",
        ]

    def __repr__(self) -> str:
        return "\n  ".join(["SYNTHETIC panel (spillover.simulate.panel)", *self._lines()])

    def _repr_html_(self) -> str:
        text = "<br>".join(escape(line) for line in self._lines())
        head = self.firms.head(5).to_html(index=False, border=0)
        return f"<div><p><b>SYNTHETIC panel</b><br>{text}</p>{head}</div>"

"""Local content on paper and in purchases: one car, two shares."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from spillover.errors import SchemaError, check_choice, preview

if TYPE_CHECKING:
    from collections.abc import Mapping

Origin = Literal["imported", "domestic supplier", "foreign-owned supplier", "own"]
INPUTS = ("imported", "domestic supplier", "foreign-owned supplier")
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class LocalContent:
    """What a retail price is made of, and the shares that can be read from it.

    Attributes
    ----------
    parts : pandas.DataFrame
        part, origin ("imported", "domestic supplier", "foreign-owned supplier", "own": wages,
        taxes, logistics, margins and the like), amount, share (of the price), counted (officially
        as local).
    price : float
    """

    parts: pd.DataFrame
    price: float

    @property
    def official(self) -> float:
        """Retail price less imported components, as a share of the price: the official rule.

        Returns
        -------
        float
        """
        return 1 - self._of("imported") / self.price

    @property
    def supplier(self) -> float:
        """Share of purchased inputs that comes from domestic suppliers; NaN without inputs.

        Returns
        -------
        float
        """
        inputs = self._of(*INPUTS)
        return self._of("domestic supplier") / inputs if inputs > 0 else float("nan")

    @property
    def located(self) -> float:
        """Share of purchased inputs made in the country by whomever; NaN without inputs.

        Returns
        -------
        float
        """
        inputs = self._of(*INPUTS)
        return 1 - self._of("imported") / inputs if inputs > 0 else float("nan")

    @property
    def reach(self) -> float:
        """Domestic suppliers' sales as a share of the price: all that a spillover can act on.

        Returns
        -------
        float
        """
        return self._of("domestic supplier") / self.price

    def tidy(self) -> pd.DataFrame:
        """Return the shares side by side.

        Returns
        -------
        pandas.DataFrame
            share, value, meaning.
        """
        rows = [
            ("official", self.official, "price less imported components, of the price"),
            ("located", self.located, "inputs made in the country, of all inputs"),
            ("supplier", self.supplier, "inputs from domestic suppliers, of all inputs"),
            ("reach", self.reach, "inputs from domestic suppliers, of the price"),
        ]
        return pd.DataFrame(rows, columns=["share", "value", "meaning"])

    def _of(self, *origins: str) -> float:
        chosen = self.parts["origin"].isin(origins)
        return float(self.parts.loc[chosen, "amount"].sum())

    def __repr__(self) -> str:
        shares = self.tidy().set_index("share")["value"]
        listed = ", ".join(f"{name} {value:.1%}" for name, value in shares.items())
        return f"LocalContent(price {self.price:g}: {listed})"

    def _repr_html_(self) -> str:
        table = self.tidy().to_html(index=False, border=0, float_format=lambda v: f"{v:.3f}")
        return f"<div><p><b>{escape(repr(self))}</b></p>{table}</div>"


def local_content(
    price: float,
    parts: Mapping[str, float | tuple[float, Origin]],
    *,
    rest: str = "margin and other costs",
) -> LocalContent:
    """Take a retail price apart and compare the official local content with purchases.

    Parameters
    ----------
    price : float
        Retail price, in any unit.
    parts : mapping of str to number or (number, origin)
        What the price contains, in the same unit. Origins: "imported" components, inputs from a
        "domestic supplier", inputs from a "foreign-owned supplier" registered in the country
        (officially local), and "own": everything else, which is what a bare number means.
    rest : str
        Name of what is left of the price; its origin is "own".

    Returns
    -------
    LocalContent

    Raises
    ------
    SchemaError
        If the price is not positive, a part is negative or no number, an origin is unknown, or the
        parts exceed the price.

    Notes
    -----
    With imported components M, domestic inputs D and price P the official share is ``1 - M / P``
    and that of suppliers ``D / (D + M)``. Wages, taxes, transport, assembly, testing and
    advertising raise the first and leave the second alone, so with ``D = 0`` the official share is
    whatever these costs are.

    Examples
    --------
    A car of 100 made from an imported kit of 50 has half of local content and no local input:

    >>> car = local_content(100, {"kit": (50, "imported"), "wages": 12, "taxes": 14})
    >>> car.official, car.supplier
    (0.5, 0.0)
    """
    price = _number(price, "price")
    if price <= 0:
        raise SchemaError(f"price={price!r} must be positive.")
    rows = [(name, *_part(name, part)) for name, part in parts.items()]
    if not rows:
        raise SchemaError("parts is empty: give at least the imported components.")
    left = price - sum(amount for _, amount, _ in rows)
    if left < -ROUNDING * price:
        raise SchemaError(
            f"The parts sum to {price - left:g}, more than the price {price:g}: check the units of "
            f"{preview(parts)}."
        )
    if rest in parts:
        raise SchemaError(f"{rest!r} is among the parts; pass another name as rest=.")
    if left > ROUNDING * price:
        rows.append((rest, left, "own"))
    frame = pd.DataFrame(rows, columns=["part", "amount", "origin"])
    frame["share"] = frame["amount"] / price
    frame["counted"] = frame["origin"] != "imported"
    return LocalContent(frame[["part", "origin", "amount", "share", "counted"]], price)


def _part(name: str, part: float | tuple[float, Origin]) -> tuple[float, str]:
    amount, origin = part if isinstance(part, tuple) else (part, "own")
    check_choice(f"origin of {name!r}", origin, get_args(Origin))
    value = _number(amount, name)
    if value < 0:
        raise SchemaError(f"{name!r} is negative ({value:g}).")
    return value, origin


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise SchemaError(f"{name!r} is {value!r}, not a number.")
    if not np.isfinite(value):
        raise SchemaError(f"{name!r} is {value!r}: give a finite number.")
    return float(value)


def official_share(supplier: float, inputs: float) -> float:
    """Return the official local content that goes with a share of domestic suppliers.

    Parameters
    ----------
    supplier : float
        Share of purchased inputs from domestic suppliers, 0 to 1; the rest is imported.
    inputs : float
        Purchased inputs as a share of the retail price, 0 to 1.

    Returns
    -------
    float
        ``1 - inputs (1 - supplier)``: even with no domestic supplier it is ``1 - inputs``.

    Raises
    ------
    SchemaError
        If a share lies outside 0 to 1.

    Examples
    --------
    >>> official_share(supplier=0.0, inputs=0.5)
    0.5
    """
    for name, value in (("supplier", supplier), ("inputs", inputs)):
        if not 0 <= value <= 1:
            raise SchemaError(f"{name}={value!r} must lie between 0 and 1.")
    return 1 - inputs * (1 - supplier)

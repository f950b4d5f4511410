"""Which foreign firms a measure rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw
import pandas as pd

from spillover._industries import spread
from spillover.errors import SchemaError
from spillover.linkage.groups import with_entry_age
from spillover.linkage.operators import MEASURES
from spillover.linkage.presence import Presence

if TYPE_CHECKING:
    from spillover.linkage.result import Linkages


def contributions(
    links: Linkages, industry: str, year: int, measure: str, largest: int
) -> pd.DataFrame:
    """See :meth:`Linkages.foreign_firms`."""
    definition = links.definition
    if largest < 1:
        raise SchemaError(f"largest={largest!r} must be 1 or more.")
    if links.panel is None:
        raise SchemaError("The firms were lazy and are not kept; pass a panel to sp.linkages.")
    if definition.region != "none" or definition.lag or definition.stock is not None:
        raise SchemaError("foreign_firms() takes apart this year's national presence only.")
    if definition.local_sourcing.by_owner:
        raise SchemaError("foreign_firms() does not go with local sourcing by owner.")
    parts = links.explain(industry, year, measure).set_index("partner")
    kind = MEASURES[measure].kind
    presence = Presence.of(definition, net=kind == "net")
    rows = with_entry_age(links.panel.frame.lazy(), presence.groups)
    firms = (
        rows.filter(nw.col("year") == year)
        .with_columns(_F=presence.foreignness(), _w=presence.weighting())
        .select("firm", "industry", "foreign_share", "_F", "_w")
        .collect()
        .to_pandas()
    )
    firms = firms[firms["_w"].notna()].astype({"_F": float, "_w": float})
    firms = spread(firms, links.split, {"_w": 1})
    firms["total"] = firms.groupby("industry")["_w"].transform("sum")
    firms = firms[firms["total"] > 0]  # else presence is not observed
    foreign = firms[(firms["_F"] > 0) & firms["industry"].isin(parts.index)]
    scale = foreign["industry"].map(parts["share"]).astype(float)
    if kind == "sourced":
        scale *= (
            foreign["industry"]
            .map(lambda code: definition.local_sourcing.of_owner(code, "all"))
            .astype(float)
        )
    table = pd.DataFrame(
        {
            "firm": foreign["firm"],
            "partner": foreign["industry"],
            "foreign_share": foreign["foreign_share"],
            "weight": foreign["_w"],
            "contribution": scale * foreign["_F"] * foreign["_w"] / foreign["total"],
        }
    )
    given = parts[~parts.index.isin(firms["industry"]) & (parts["contribution"] != 0)]
    if len(given):
        elsewhere = pd.DataFrame(
            {
                "firm": "external presence",
                "partner": given.index,
                "contribution": given["contribution"].to_numpy(),
            }
        )
        table = pd.concat([table.astype({"firm": object}), elsewhere], ignore_index=True)
    table = table.sort_values("contribution", ascending=False, ignore_index=True)
    rest = table.iloc[largest:]
    if len(rest) == 0:
        return table
    last = pd.DataFrame(
        {
            "firm": [f"{len(rest)} others"],
            "partner": "",
            "weight": rest["weight"].sum(),
            "contribution": rest["contribution"].sum(),
        }
    )
    return pd.concat([table.head(largest).astype({"firm": object}), last], ignore_index=True)

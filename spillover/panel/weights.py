"""How two-way fixed effects weigh the effects of treated cells, and which weights are negative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spillover._frames import as_eager
from spillover.panel.absorb import Absorber
from spillover.panel.codes import encode
from spillover.panel.events_design import EventDesign, build_events

if TYPE_CHECKING:
    import pandas as pd

    from spillover._frames import NativeFrame
    from spillover.panel.events_design import Leavers


@dataclass(frozen=True, eq=False, repr=False)
class TreatmentWeights:
    """The weights behind a two-way fixed-effects coefficient; see :func:`treatment_weights`.

    Attributes
    ----------
    table : pandas.DataFrame
        unit, time, event, weight: a row per treated row of the panel. Weights sum to 1.
    treatment : str
    """

    table: pd.DataFrame
    treatment: str

    @property
    def negative(self) -> int:
        """Treated rows with a negative weight.

        Returns
        -------
        int
        """
        return int((self.table["weight"] < 0).sum())

    @property
    def negative_sum(self) -> float:
        """Sum of the negative weights.

        Returns
        -------
        float
        """
        return float(self.table["weight"].clip(upper=0).sum())

    def by_event(self) -> pd.DataFrame:
        """Return the weight of each event time.

        Returns
        -------
        pandas.DataFrame
            event, rows, weight, negative (rows with a negative weight).
        """
        groups = self.table.assign(negative=self.table["weight"] < 0).groupby("event")
        return groups.agg(
            rows=("weight", "size"), weight=("weight", "sum"), negative=("negative", "sum")
        ).reset_index()

    def __str__(self) -> str:
        return (
            f"Two-way fixed effects give {self.negative:,} of {len(self.table):,} treated rows a "
            f"negative weight (sum {self.negative_sum:.3f}; all sum to 1)."
        )

    def __repr__(self) -> str:
        return f"TreatmentWeights({self.treatment}): {self}"


def treatment_weights(
    data: NativeFrame,
    treatment: str,
    *,
    controls: str = "",
    unit: str = "country",
    time: str = "year",
    leavers: Leavers = "raise",
) -> TreatmentWeights:
    """Return how ``y ~ treatment | unit + time`` weighs the effect in each treated row.

    Parameters
    ----------
    data : data frame
    treatment : str
        A column of 0 and 1.
    controls : str
        A side of a formula, such as ``"log(gdp) + growth"``.
    unit, time : str
    leavers : {"raise", "drop", "absorb"}
        What to do with units that leave treatment.

    Returns
    -------
    TreatmentWeights

    Raises
    ------
    SchemaError
        For absent columns, or a treatment that is not 0 and 1.

    Notes
    -----
    With parallel trends the coefficient's expectation is the weighted sum of the effects in the
    treated rows; the weight of a row is its treatment less what unit, time and controls explain of
    it, over the sum of these. Late years of early cohorts can have negative weights: where effects
    grow or differ, the coefficient may lie outside all of them, or have the wrong sign. Units that
    are always treated count here as they do in the regression.

    References
    ----------
    de Chaisemartin, C. & D'Haultfœuille, X. (2020). Two-way fixed effects estimators with
    heterogeneous treatment effects. American Economic Review 110(9), 2964-2996.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"country": np.repeat(["a", "b", "c"], 3), "year": [1, 2, 3] * 3,
    ...     "wto": [0, 1, 1, 0, 0, 1, 0, 0, 1]})
    >>> weights = treatment_weights(frame, "wto")
    >>> weights.table["weight"].round(3).tolist(), weights.negative
    ([1.0, -0.5, 0.25, 0.25], 1)
    """
    frame: pd.DataFrame = as_eager(data, "data").to_pandas()
    design = build_events(
        frame.assign(_zero_=0.0),
        "_zero_",
        treatment,
        controls,
        unit=unit,
        time=time,
        leads=1,
        lags=1,
        leavers=leavers,
        always="keep",
    )
    return weights_of(design, treatment)


def weights_of(design: EventDesign, treatment: str) -> TreatmentWeights:
    """Return the weights on a design.

    Returns
    -------
    TreatmentWeights
    """
    frame = design.frame
    codes = [encode(frame, ("unit",)), encode(frame, ("time",))]
    columns = frame[["treated", *design.controls]].to_numpy(dtype=np.float64)
    left = Absorber.from_codes(codes).residualise(columns)
    own, others = left[:, 0], left[:, 1:]
    if others.shape[1]:
        own = own - others @ np.linalg.lstsq(others, own, rcond=None)[0]
    treated = (frame["treated"] > 0).to_numpy()
    weights = own[treated] / own[treated].sum()
    weights[np.abs(weights) < 1e-12] = 0.0
    table = frame.loc[treated, ["unit", "time", "event"]].reset_index(drop=True)
    return TreatmentWeights(table.assign(weight=weights), treatment)

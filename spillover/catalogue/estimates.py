"""Published estimates as a tidy table, units made comparable."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from spillover._data import data_path
from spillover.errors import SchemaError, check_choice

CHANNELS = ("horizontal", "backward", "forward", "")
COLUMNS = (
    *("study", "country", "table", "equation", "sample", "spec", "channel", "term", "printed"),
    *("estimate", "std_error", "t", "p", "n", "unit", "effect", "effect_se"),
    *("flag", "suspect", "source", "note"),
)
PER_SHARE = {
    "per percentage point": 100.0,
    "per unit share": 1.0,
    "percent per 10 percentage points": 0.1,
}
"""Factor from the printed coefficient to one per unit of presence from 0 to 1."""
OTHER_UNITS = ("t-statistic", "percent", "moderator of the semi-elasticity")
FLAGS = ("verified", "recalled")


@lru_cache(maxsize=1)
def _table() -> pd.DataFrame:
    text = ["study", "country", "table", "equation", "sample", "spec", "channel", "term"]
    text += ["printed", "unit", "flag", "source", "note"]
    raw = pd.read_csv(
        data_path("studies", "estimates.csv"),
        dtype=dict.fromkeys(text, str),
        keep_default_na=False,
        na_values={name: [""] for name in ("estimate", "std_error", "t", "p", "n")},
    )
    for name in ("estimate", "std_error", "t", "p"):
        raw[name] = raw[name].astype(float)
    factor = raw["unit"].map(PER_SHARE)
    implied = (raw["estimate"] / raw["t"]).abs()
    error = raw["std_error"].fillna(implied)
    table = raw.assign(
        n=raw["n"].astype("Int64"),
        effect=raw["estimate"] * factor,
        effect_se=error * factor,
        suspect=raw["note"].str.startswith("SUSPECT"),
    )
    bad = table.loc[~table["unit"].isin([*PER_SHARE, *OTHER_UNITS]), "unit"].unique()
    if len(bad) or not table["flag"].isin(FLAGS).all():
        raise SchemaError(f"estimates.csv: units {list(bad)} or flags other than {FLAGS}.")
    return table[list(COLUMNS)]


def estimates(
    study: str | None = None,
    *,
    channel: str | None = None,
    include_recalled: bool = False,
    include_suspect: bool = False,
) -> pd.DataFrame:
    """Return published estimates, one row each.

    Parameters
    ----------
    study : str, optional
        The study's id.
    channel : {"horizontal", "backward", "forward", ""}, optional
    include_recalled, include_suspect : bool
        Both are left out by default.

    Returns
    -------
    pandas.DataFrame
        study, country, table (of the publication), equation (of the catalogue), sample, spec,
        channel, term (as the catalogue's formulas call it), printed (as the publication does),
        estimate, std_error, t, p, n and unit as printed; ``effect`` and ``effect_se``: change in
        log outcome for presence from 0 to 1 (standard error from t where only t is printed), NaN
        where the unit is another; flag, suspect, source, note.

    Raises
    ------
    SchemaError
        For an unknown channel.

    Examples
    --------
    >>> both = estimates("javorcik_2004"), estimates("blalock_gertler_2008")
    >>> [table.loc[table["channel"] == "backward", "effect"].median().round(2).item()
    ...  for table in both]
    [3.6, 0.09]
    """
    if channel is not None:
        check_choice("channel", channel, CHANNELS)
    table = _table()
    keep = np.ones(len(table), dtype=bool)
    if study is not None:
        keep &= (table["study"] == study).to_numpy()
    if channel is not None:
        keep &= (table["channel"] == channel).to_numpy()
    if not include_recalled:
        keep &= (table["flag"] == "verified").to_numpy()
    if not include_suspect:
        keep &= ~table["suspect"].to_numpy(dtype=bool)
    return table[keep].reset_index(drop=True)


def published(study: str, equation: str) -> pd.DataFrame:
    """Return the verified published coefficients of one equation, indexed by term.

    Parameters
    ----------
    study, equation : str

    Returns
    -------
    pandas.DataFrame
        The columns of :func:`estimates`; empty if there are none.
    """
    table = estimates(study)
    return table[table["equation"] == equation].set_index("term")

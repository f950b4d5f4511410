"""The concordances that come with the package."""

from __future__ import annotations

import pandas as pd

from spillover._data import data_path
from spillover.errors import SchemaError, did_you_mean
from spillover.iotables.concordance import Concordance


def concordance(source: str, target: str) -> Concordance:
    """Load a concordance that comes with the package.

    Parameters
    ----------
    source, target : str
        Names of the classifications, such as ``"isic2"`` and ``"wiod2013"``; see
        :func:`concordances`.

    Returns
    -------
    Concordance
        Numeric codes match by their longest prefix, so that 2-digit entries serve 4-digit codes.

    Raises
    ------
    SchemaError
        If there is none for this pair; the message lists those there are.

    Examples
    --------
    >>> concordance("isic2", "wiod2013").lookup([3112, 3825])["target"].tolist()
    ['c3', 'c14']
    """
    folder = data_path("concordances")
    shipped = sorted(file.stem for file in folder.glob("*.csv"))
    name = f"{source}_{target}"
    if name not in shipped:
        pairs = ", ".join(" → ".join(stem.split("_")) for stem in shipped)
        msg = (
            f"no concordance {name!r} comes with spillover.{did_you_mean(name, shipped)} There are "
            f"{pairs}. Two of them can be chained with compose()."
        )
        raise SchemaError(msg)
    frame = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
    numeric = bool(frame["source"].str.fullmatch(r"\d+").all())
    return Concordance.from_frame(
        frame,
        source_name=source,
        target_name=target,
        match="prefix" if numeric else "exact",
    )


def concordances() -> pd.DataFrame:
    """List the concordances that come with the package.

    Returns
    -------
    DataFrame
        One row each: source and target (the arguments of :func:`concordance`), codes (entries of
        the source classification), targets, split (codes that go to several targets by weights),
        basis (where the correspondence is from).

    Examples
    --------
    >>> table = concordances()
    >>> table.loc[table["source"] == "nace2", "target"].tolist()
    ['adb35', 'icio2023', 'isic4', 'wiod2013', 'wiod2016']
    """
    rows = []
    for file in sorted(data_path("concordances").glob("*.csv")):
        frame = pd.read_csv(file, dtype=str, keep_default_na=False)
        source, target = file.stem.split("_")
        counts = frame["source"].value_counts()
        rows.append(
            {
                "source": source,
                "target": target,
                "codes": len(counts),
                "targets": frame["target"].nunique(),
                "split": int((counts > 1).sum()),
                "basis": frame["note"].iloc[0].partition("Whole file: ")[2],
            }
        )
    return pd.DataFrame(rows)

"""What a firm is like: age, people, exports, research."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from spillover.errors import SchemaError, check_choice, preview
from spillover.moderators._columns import add, chosen, keys_of, numbers, ratio_of, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spillover._frames import NativeFrame
    from spillover.firms import FirmPanel


def age(
    panel: FirmPanel | NativeFrame,
    *,
    founded: str | None = None,
    since: Literal["seen", "foreign"] = "seen",
    name: str = "age",
) -> NativeFrame:
    """Add a firm's age in years: since it was founded, first seen, or first foreign.

    Parameters
    ----------
    panel : FirmPanel or data frame
        With firm and year.
    founded : str, optional
        The column with the year of foundation; ``since`` then does not matter.
    since : {"seen", "foreign"}
        Without it: since the first year in the panel, or the first with a foreign share of 10
        percent (missing before, and for firms that are never foreign).
    name : str
        The new column.

    Returns
    -------
    FirmPanel or data frame
        As ``panel``.

    Raises
    ------
    SchemaError
        For absent columns, a foundation after the firm is seen, or a name that is taken.

    Warns
    -----
    SpilloverWarning
        With the count of rows without an age.

    Notes
    -----
    Since it is first seen, a firm's age is too low by what passed before the panel's first year.

    References
    ----------
    Merlevede, B., Schoors, K. & Spatareanu, M. (2014), World Development 56, for time since foreign
    entry; Gorodnichenko, Y., Svejnar, J. & Terrell, K. (2014), Journal of Comparative Economics
    42(4), for firms older than transition.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"firm": [1, 1, 2], "year": [2000, 2003, 2003],
    ...     "foreign_share": [0.0, 0.5, 0.5]})
    >>> age(frame)["age"].tolist()
    [0.0, 3.0, 0.0]
    """
    check_choice("since", since, ("seen", "foreign"))
    more = [founded] if founded else (["foreign_share"] if since == "foreign" else [])
    frame = read(panel, ["firm", "year", *more], "age")
    year = numbers(frame, "year")
    if founded is not None:
        years = year - numbers(frame, founded)
        if (years < 0).any():
            firms = frame.loc[years < 0, "firm"]
            raise SchemaError(
                f"{int((years < 0).sum()):,} rows come before the year in {founded!r}, of firms "
                f"{preview(firms.unique().tolist())}. Mend the years of foundation."
            )
        return add(panel, {name: years}, {f"want of {founded}": years.isna()})
    if since == "seen":
        return add(panel, {name: year - year.groupby(frame["firm"]).transform("min")})
    entry = year.where(chosen(frame, "foreign")).groupby(frame["firm"]).transform("min")
    years = (year - entry).where(year >= entry)
    return add(panel, {name: years}, {"firms that are not, or not yet, foreign": years.isna()})


def human_capital(
    panel: FirmPanel | NativeFrame,
    *,
    skilled: str | None = "skilled",
    wage_bill: str = "wage_bill",
    employment: str = "employment",
    by: Sequence[str] = ("industry", "year"),
    name: str = "human_capital",
) -> NativeFrame:
    """Add a firm's human capital: the skilled part of its employees, or its relative wage.

    Parameters
    ----------
    panel : FirmPanel or data frame
    skilled : str or None
        The column with the number of skilled (white-collar, university) employees. With None, the
        wage per employee over the mean of the industry and year stands in: skill as the market
        pays for it.
    wage_bill, employment : str
    by : sequence of str
        Whose mean wage, with ``skilled=None``.
    name : str
        The new column: a share from 0 to 1, or a ratio around 1.

    Returns
    -------
    FirmPanel or data frame
        As ``panel``.

    Raises
    ------
    SchemaError
        For absent columns, more skilled employees than employees, or a name that is taken.

    Warns
    -----
    SpilloverWarning
        With the count of rows without a value.

    References
    ----------
    Sinani, E. & Meyer, K. (2004), Journal of Comparative Economics 32(3), for skilled labour;
    Blalock, G. & Gertler, P. (2009), Journal of Development Economics 90(2), for educated employees
    as absorptive capacity (recalled). Foreign firms pay more: a wage measures that, too.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"skilled": [2.0, 5.0], "employment": [10.0, 10.0]})
    >>> human_capital(frame)["human_capital"].tolist()
    [0.2, 0.5]
    """
    if skilled is not None:
        frame = read(panel, [skilled, employment], "human_capital")
        share = ratio_of(frame, skilled, employment)
        odd = (share > 1) | (share < 0)
        if odd.any():
            raise SchemaError(
                f"{int(odd.sum()):,} rows have more {skilled!r} than {employment!r}, or fewer than "
                f"none: rows {preview(frame.index[odd].tolist())}. {skilled!r} counts employees."
            )
        return add(panel, {name: share}, {f"want of {skilled} or {employment}": share.isna()})
    keys = keys_of(by)
    frame = read(panel, [wage_bill, employment, *keys], "human_capital")
    wage = ratio_of(frame, wage_bill, employment)
    mean = wage.groupby([frame[key] for key in keys]).transform("mean")
    return add(
        panel,
        {name: wage / mean.where(mean > 0)},
        {f"want of {wage_bill} or {employment}": wage.isna()},
    )


def exporter(
    panel: FirmPanel | NativeFrame,
    *,
    exports: str = "exports",
    output: str = "output",
    threshold: float = 0.0,
    share: bool = False,
    name: str = "exporter",
) -> NativeFrame:
    """Add 1 for firms that export, else 0.

    Parameters
    ----------
    panel : FirmPanel or data frame
    exports, output : str
        ``output`` is read only with a threshold, or with ``share``.
    threshold : float
        The part of output, from 0 to below 1, that exports must exceed.
    share : bool
        Add exports over output, too, as ``<name>_share``.
    name : str
        The new column.

    Returns
    -------
    FirmPanel or data frame
        As ``panel``.

    Raises
    ------
    SchemaError
        For absent columns, a wrong threshold, or a name that is taken.

    Warns
    -----
    SpilloverWarning
        With the count of rows without a value.

    References
    ----------
    Aitken, B., Hanson, G. & Harrison, A. (1997), Journal of International Economics 43(1-2);
    Sinani, E. & Meyer, K. (2004), Journal of Comparative Economics 32(3).

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"exports": [0.0, 2.0], "output": [10.0, 10.0]})
    >>> exporter(frame, share=True)[["exporter", "exporter_share"]].to_numpy().tolist()
    [[0.0, 0.0], [1.0, 0.2]]
    """
    if isinstance(threshold, bool) or not 0 <= threshold < 1:
        raise SchemaError(f"threshold={threshold!r} must lie from 0 to below 1.")
    relative = share or threshold > 0
    frame = read(panel, [exports, *([output] if relative else [])], "exporter")
    sold = ratio_of(frame, exports, output) if relative else numbers(frame, exports)
    columns = {name: (sold > threshold).astype(float).where(sold.notna())}
    columns |= {f"{name}_share": sold} if share else {}
    return add(panel, columns, {f"want of {exports}": sold.isna()})


def research(
    panel: FirmPanel | NativeFrame,
    *,
    spending: str = "research_spending",
    output: str = "output",
    name: str = "research",
) -> NativeFrame:
    """Add R&D intensity, spending over output, and 1 for firms with any.

    Parameters
    ----------
    panel : FirmPanel or data frame
    spending, output : str
    name : str
        The new column; ``<name>_any`` is 1 where spending is above 0, else 0.

    Returns
    -------
    FirmPanel or data frame
        As ``panel``.

    Raises
    ------
    SchemaError
        For absent columns, or a name that is taken.

    Warns
    -----
    SpilloverWarning
        With the count of rows without spending: surveys often leave it empty for zero, which only
        their documentation can tell.

    References
    ----------
    Cohen, W. & Levinthal, D. (1989), Economic Journal 99(397): research teaches a firm to learn
    from others (recalled).

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"research_spending": [0.0, 1.0], "output": [10.0, 20.0]})
    >>> research(frame)[["research", "research_any"]].to_numpy().tolist()
    [[0.0, 0.0], [0.05, 1.0]]
    """
    frame = read(panel, [spending, output], "research")
    spent = numbers(frame, spending)
    intensity = ratio_of(frame, spending, output)
    columns = {name: intensity, f"{name}_any": (spent > 0).astype(float).where(spent.notna())}
    return add(panel, columns, {f"want of {spending}": spent.isna()})

"""What is left in memory of an estimation: the arrays that every later test reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spillover._frames import NativeFrame, as_eager

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spillover.panel.absorb import Absorber
    from spillover.panel.design import Design
    from spillover.panel.ols import LeastSquares

    Matrix = NDArray[np.float64]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Key:
    """One column that says what a row is about, as codes.

    Attributes
    ----------
    codes : (n,) array
        0, 1, ... without holes, in the order of ``uniques``; -1 where the value is missing.
    uniques : pandas.Index
        The values behind the codes, sorted where they can be.
    """

    codes: Codes
    uniques: pd.Index


class FrameKeys:
    """Firm, industry and year of the rows of a regression; read from the data when first asked.

    Parameters
    ----------
    data : data frame
    used : (rows of the data,) bool array
        The rows of the regression.

    Examples
    --------
    >>> keys = FrameKeys(pd.DataFrame({"firm": [7, 7, 9]}), np.array([True, False, True]))
    >>> keys.firm.codes, list(keys.firm.uniques), keys.industry
    (array([0, 1]), [7, 9], None)
    """

    def __init__(self, data: NativeFrame, used: NDArray[np.bool_]) -> None:
        eager = as_eager(data, "data")
        names = [name for name in ("firm", "industry", "year", "region") if name in eager.columns]
        self._frame = eager.select(names)
        self._used = used

    @cached_property
    def firm(self) -> Key | None:
        """Firm of each row, None if the data have no such column."""
        return self._key("firm")

    @cached_property
    def industry(self) -> Key | None:
        """Industry of each row, None if the data have no such column."""
        return self._key("industry")

    @cached_property
    def year(self) -> Key | None:
        """Calendar year of each row, None if the data have no such column."""
        return self._key("year")

    @cached_property
    def region(self) -> Key | None:
        """Region of each row, None if the data have no such column."""
        return self._key("region")

    def _key(self, name: str) -> Key | None:
        if name not in self._frame.columns:
            return None
        column = self._frame[name].to_pandas()
        column = column if self._used.all() else column[self._used]
        codes, uniques = pd.factorize(column)
        try:
            order = uniques.argsort()
        except TypeError:  # values of several types: as they come
            order = np.arange(len(uniques))
        rank = np.empty(len(uniques) + 1, dtype=np.intp)
        rank[order] = np.arange(len(uniques))
        rank[-1] = -1  # where code -1, a missing value, points to
        return Key(rank[codes], pd.Index(uniques[order]))


@dataclass(frozen=True, eq=False)
class Estimated:
    """A linear estimation after absorption. Nothing is copied: with least squares Xhat is X.

    Attributes
    ----------
    design : Design
        Raw columns, codes of effects and clusters, weights.
    absorber : Absorber or None
    y : (n,) array
        The outcome that the effects leave.
    X : (n, k) array
        The actual regressors that the effects leave, in the order of ``design.terms``.
    Xhat : (n, k) array
        What the scores are made of: X with least squares, its projection on the instruments with
        2SLS and LIML, weighted moments with GMM; see :mod:`spillover.panel.iv`.
    squares : LeastSquares
        beta, bread (Xhat'WX)^-1, residuals, scores w_i xhat_i e_i.
    frame_keys : FrameKeys
        Firm, industry and year of the rows.
    Z : (n, l) array or None
        The excluded instruments that the effects leave.
    """

    design: Design
    absorber: Absorber | None
    y: Matrix
    X: Matrix
    Xhat: Matrix
    squares: LeastSquares
    frame_keys: FrameKeys = field(repr=False)
    Z: Matrix | None = None

    @property
    def df_absorbed(self) -> int:
        """Rank of the absorbed effects.

        Returns
        -------
        int
        """
        return self.absorber.rank if self.absorber else 0

    @property
    def df_resid(self) -> int:
        """Observations less regressors and absorbed effects.

        Returns
        -------
        int
        """
        rows, terms = self.X.shape
        return int(rows - terms - self.df_absorbed)

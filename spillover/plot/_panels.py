"""Figures of two panels of unequal width."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def two_panels(size: tuple[float, float], ratios: tuple[float, float]) -> tuple[Figure, Axes, Axes]:
    """Create a figure that pyplot does not keep, with two axes side by side.

    Parameters
    ----------
    size : (width, height)
        In inches.
    ratios : (left, right)
        Widths.

    Returns
    -------
    figure, left axes, right axes
    """
    figure, grid = plt.subplots(
        1, 2, figsize=size, layout="constrained", squeeze=False, width_ratios=ratios
    )
    plt.close(figure)
    return figure, grid[0, 0], grid[0, 1]

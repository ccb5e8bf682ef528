"""What clouds of points look like, in numbers to draw: histograms and regions of highest density."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import ArrayLike

from ..errors import ShapeError

MASSES = (0.95, 0.8, 0.5, 0.2)
"""The shares of the rows that nested regions of highest density hold."""

_INSIDE = (0.002, 0.998)
"""The quantiles between which a column is shown: a single outlier must not shrink everything else."""


class Histogram(NamedTuple):
    """The density of one column in bins.

    Attributes:
        edges: shape (bins + 1,), in the column's units.
        density: per unit of the column, over all points, those outside of the edges included; shape (bins,).
    """

    edges: np.ndarray
    density: np.ndarray


class Region(NamedTuple):
    """The smoothed density of two columns on a grid, and the levels that bound regions of highest density.

    Attributes:
        x, y: centres of the grid's cells, in the columns' units, shapes (nx,) and (ny,).
        density: share of the shown points in each cell, shape (ny, nx).
        levels: strictly increasing; above each lies about the share `MASSES` of the shown points.
    """

    x: np.ndarray
    y: np.ndarray
    density: np.ndarray
    levels: np.ndarray


class Comparison(NamedTuple):
    """Two clouds of points of the same columns, side by side.

    Attributes:
        limits: the shown interval of every column, shape (d, 2).
        histograms: for every column those of the two clouds, in the same bins.
        regions: for every pair (i, j) with i < j those of the two clouds, column i along x, on the same grid.
    """

    limits: np.ndarray
    histograms: list[tuple[Histogram, Histogram]]
    regions: dict[tuple[int, int], tuple[Region, Region]]


def compare(first: ArrayLike, second: ArrayLike, *, bins: int = 60, pairs: bool = True) -> Comparison:
    """Return histograms and regions of highest density of two clouds, column by column and pair by pair.

    Args:
        first: points that also decide what is shown, shape (n, d).
        second: points to compare, shape (m, d).
        bins: of every histogram, and of each side of the grids.
        pairs: whether regions are wanted.

    Raises:
        ShapeError: if the arrays are no matrices of equally many columns, or empty.
    """
    ours, theirs = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if ours.ndim != 2 or theirs.ndim != 2 or ours.shape[1] != theirs.shape[1] or not ours.size * theirs.size:
        raise ShapeError(
            f"compare: expected points of shapes (n, d) and (m, d), got {ours.shape} and {theirs.shape}."
        )
    limits = np.array([shown(column) for column in ours.T])
    edges = [np.linspace(low, high, bins + 1) for low, high in limits]
    size = ours.shape[1]
    wanted = [(i, j) for i in range(size) for j in range(i + 1, size)] if pairs else []
    return Comparison(
        limits,
        [(histogram(ours[:, i], edges[i]), histogram(theirs[:, i], edges[i])) for i in range(size)],
        {
            (i, j): (
                region(ours[:, i], ours[:, j], edges[i], edges[j]),
                region(theirs[:, i], theirs[:, j], edges[i], edges[j]),
            )
            for i, j in wanted
        },
    )


def shown(column: np.ndarray) -> tuple[float, float]:
    """Return an interval that shows all of a column but its most extreme values, with a margin of 4 %."""
    low, high = np.quantile(column, _INSIDE)
    margin = 0.04 * (high - low) or 0.5
    return float(low - margin), float(high + margin)


def histogram(column: ArrayLike, edges: np.ndarray) -> Histogram:
    """Return the histogram of a column, shape (n,), in given bins."""
    values = np.asarray(column, dtype=np.float64)
    counts = np.histogram(values, edges)[0]
    return Histogram(edges, counts / (len(values) * np.diff(edges)))


def region(
    x: np.ndarray,
    y: np.ndarray,
    x_edges: np.ndarray,
    y_edges: np.ndarray,
    *,
    masses: Sequence[float] = MASSES,
    width: float = 1.0,
) -> Region:
    """Return the smoothed density of two columns and its levels.

    Args:
        x, y: the columns, shape (n,).
        x_edges, y_edges: bounds of the grid's cells.
        masses: decreasing shares in (0, 1).
        width: standard deviation of the smoothing, in cells.
    """
    counts = np.histogram2d(y, x, bins=(y_edges, x_edges))[0]
    density = _smooth(_smooth(counts, width).T, width).T
    density /= max(density.sum(), 1e-300)
    ordered = np.sort(density.ravel())[::-1]
    held = np.cumsum(ordered)
    places = np.minimum(np.searchsorted(held, masses), len(ordered) - 1)
    # Contours want strictly increasing levels; where two coincide, the grid cannot tell their regions apart.
    levels = np.unique(ordered[places])
    return Region((x_edges[1:] + x_edges[:-1]) / 2, (y_edges[1:] + y_edges[:-1]) / 2, density, levels)


def _smooth(table: np.ndarray, width: float) -> np.ndarray:
    """Convolve every column with a normal kernel; what would leave the grid is kept at its edge."""
    reach = int(np.ceil(3 * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    padded = np.pad(table, ((reach, reach), (0, 0)), mode="symmetric")
    rows = [padded[shift : shift + len(table)] * weight for shift, weight in enumerate(kernel / kernel.sum())]
    return np.sum(rows, axis=0)

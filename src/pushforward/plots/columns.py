"""Small pictures of single columns and of pairs, for columns of any kind: data against samples."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ..diagnostics.shapes import Histogram
from .embedding import plain_text
from .pairs import histogram_pair, legend_handles
from .planes import DENSITY
from .style import DATA, DATA_FILL, FAINT, SAMPLES, look, open_sides

_LONGEST = 16
"""Letters of a level's name that are shown."""


class Shares(NamedTuple):
    """The shares of some levels among data and samples; shapes (levels,)."""

    labels: Sequence[str]
    data: np.ndarray
    samples: np.ndarray


class Axis(NamedTuple):
    """One side of a plane of cells.

    Attributes:
        name: of the column.
        edges: of the cells, increasing, shape (cells + 1,).
        labels: of the cells, where they are levels; else the edges are values.
        dates: whether the values are days since the beginning of 1970.
    """

    name: str
    edges: np.ndarray
    labels: Sequence[str] = ()
    dates: bool = False


def short(text: str, most: int = _LONGEST) -> str:
    """Return a text that fits: cut off, and without what cannot be printed."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return clean if len(clean) <= most else clean[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def column_picture(
    histograms: tuple[Histogram, Histogram] | None, shares: Shares | None, *, dates: bool = False
) -> Figure:
    """Draw one column: the histograms of its continuous values, the shares of its levels, or both side by side.

    Args:
        histograms: of data and samples, in the same bins.
        shares: of levels, point masses and missing values.
        dates: whether the histograms are over days since the beginning of 1970.
    """
    lines = 0 if shares is None else len(shares.labels)
    with look(), plain_text():
        tall = 2.0 if histograms is not None else max(2.0, 0.55 + 0.2 * lines)
        figure = Figure(figsize=(3.6, tall), layout="constrained")
        panels = (histograms is not None) + (shares is not None)
        ratios = [2.1, 1.0] if panels == 2 else [1.0]
        axes = list(figure.subplots(1, panels, squeeze=False, width_ratios=ratios)[0])
        if histograms is not None:
            panel = axes.pop(0)
            histogram_pair(panel, *histograms)
            panel.margins(x=0)
            _values(panel.xaxis, dates, 5)
        if shares is not None:
            _bars(axes[0], shares)
    return figure


def column_legend() -> Figure:
    """Draw what the colours of the small pictures mean."""
    with look(), plain_text():
        figure = Figure(figsize=(3.0, 0.32))
        figure.legend(
            handles=legend_handles(("data", "samples")), loc="center left", ncols=2, borderaxespad=0
        )
    return figure


def _bars(axes: Axes, shares: Shares) -> None:
    """Draw a bar of the data and one of the samples for every level, the first level on top."""
    places = np.arange(len(shares.labels))
    axes.barh(places - 0.2, shares.data, 0.38, color=DATA_FILL[1], edgecolor=DATA, linewidth=0.6)
    axes.barh(places + 0.2, shares.samples, 0.38, color=SAMPLES, alpha=0.85)
    axes.set_yticks(places, [short(label) for label in shares.labels])
    axes.set_ylim(len(places) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    top = float(max(shares.data.max(), shares.samples.max(), 1e-9))
    axes.set_xlim(0, 1.08 * top)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0 if top > 0.03 else 1))
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    open_sides(axes)


def pair_picture(x: Axis, y: Axis, data: np.ndarray, samples: np.ndarray) -> Figure:
    """Draw the shares of data and samples in the cells of a plane, side by side and in the same shades.

    Args:
        x, y: the two sides.
        data, samples: shares, shape (cells of y, cells of x).
    """
    norm = PowerNorm(0.5, vmin=0, vmax=max(float(data.max()), float(samples.max()), 1e-12))
    with look(), plain_text():
        figure = Figure(figsize=(5.4, 2.8), layout="constrained")
        panels = figure.subplots(1, 2, sharex=True, sharey=True)
        for axes, shares, title in zip(panels, (data, samples), ("data", "samples"), strict=True):
            mesh = axes.pcolormesh(x.edges, y.edges, shares, cmap=DENSITY, norm=norm)
            mesh.set_rasterized(True)
            axes.set_title(title)
            axes.set_xlabel(short(x.name, 28))
            open_sides(axes)
            _side(axes.xaxis, x)
        _side(panels[0].yaxis, y)
        panels[0].set_ylabel(short(y.name, 28))
        for axes in panels:
            if x.labels and max(map(len, x.labels)) * len(x.labels) > 22:
                axes.tick_params(axis="x", rotation=90)
    return figure


def _side(axis: object, side: Axis) -> None:
    if side.labels:
        places = (side.edges[1:] + side.edges[:-1]) / 2
        axis.set_ticks(places, [short(label) for label in side.labels])  # pyright: ignore
        axis.set_tick_params(length=0)  # pyright: ignore
    else:
        _values(axis, side.dates, 4)


def _values(axis: object, dates: bool, most: int) -> None:
    if dates:
        locator = AutoDateLocator(minticks=2, maxticks=most)
        axis.set_major_locator(locator)  # pyright: ignore
        axis.set_major_formatter(ConciseDateFormatter(locator))  # pyright: ignore
    else:
        axis.set_major_locator(MaxNLocator(most))  # pyright: ignore


def stage_picture(points: np.ndarray, shade: np.ndarray) -> Figure:
    """Draw two coordinates of some points, in limits that leave out the most extreme ones.

    Args:
        points: shape (n, 2).
        shade: from 0 to 1, which colours each point, shape (n,).
    """
    with look(), plain_text():
        figure = Figure(figsize=(3.4, 2.9), layout="constrained")
        axes = figure.subplots()
        cloud = axes.scatter(
            points[:, 0], points[:, 1], c=shade, s=3, cmap="viridis", linewidths=0, alpha=0.7
        )
        cloud.set_rasterized(True)
        for values, limit in zip(points.T, (axes.set_xlim, axes.set_ylim), strict=True):
            low, high = np.quantile(values, (0.002, 0.998))
            room = 0.08 * (high - low) or 0.5
            limit(low - room, high + room)
        axes.locator_params(nbins=5)
        open_sides(axes)
    return figure

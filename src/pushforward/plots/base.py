"""The base picture: where a flow puts the rows of a table, beside the law that it should make of them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Circle
from matplotlib.ticker import MultipleLocator

from ..diagnostics.shapes import Comparison, Histogram
from .pairs import histogram_pair, legend_handles
from .style import INK, look, open_sides

_COLOURS = "viridis_r"


def base_space(
    data: np.ndarray,
    base: np.ndarray,
    radius: np.ndarray,
    *,
    names: tuple[str, str],
    radii: tuple[Histogram, Histogram],
    circles: Sequence[float],
    marginals: Comparison,
    labels: tuple[str, str] = ("rows", "base law"),
    title: str = "",
) -> Figure:
    """Draw rows in the data's units and in base space, their distances from the origin, and marginals.

    Args:
        data: two columns of some rows, shape (n, 2).
        base: two base coordinates of the same rows, shape (n, 2).
        radius: distance of each row from the origin of the base space, shape (n,); it colours the points.
        names: of the two data columns, with units.
        radii: histograms of the distances of all rows, and of draws from the base law.
        circles: radii to draw in the base space; it is shown a little beyond the largest.
        marginals: of all base coordinates, with those of draws from the base law.
        labels: what the two are in all histograms.
        title: a headline.
    """
    with look():
        figure = Figure(figsize=(11.0, 7.6), layout="constrained")
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=14)
        upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=[2.0, 1.35])[:, 0]
        left, middle, right = upper.subplots(1, 3, width_ratios=[1.1, 1.2, 0.9])
        _points(left, data, radius)
        left.set(title="rows in the data's units", xlabel=names[0], ylabel=names[1])
        shade = _points(middle, base, radius)
        middle.set(title="the same rows in base space", xlabel="z1", ylabel="z2")
        reach = 1.6 * max(circles)  # a single row far out must not shrink all others
        middle.set(aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach))
        for size in circles:
            middle.add_patch(
                Circle((0, 0), size, fill=False, color=INK, linewidth=0.7, linestyle=(0, (4, 3)))
            )
        upper.colorbar(shade, ax=middle, label="|z|", shrink=0.8, pad=0.02)
        histogram_pair(right, *radii)
        right.set(title="distance from the origin", xlabel="|z|")
        _marginals(lower, marginals, labels)
    return figure


def _points(axes: Axes, points: np.ndarray, radius: np.ndarray) -> PathCollection:
    """Draw points coloured by their radius, the outermost on top."""
    open_sides(axes)
    order = np.argsort(radius)
    return axes.scatter(
        points[order, 0],
        points[order, 1],
        c=radius[order],
        s=4,
        cmap=_COLOURS,
        vmax=radius[order][round(0.99 * (len(radius) - 1))],
        linewidths=0,
        alpha=0.8,
        rasterized=True,
    )


def _marginals(figure: SubFigure, marginals: Comparison, labels: tuple[str, str]) -> None:
    """Draw the histograms of all base coordinates, and the legend in the place behind the last."""
    count = len(marginals.histograms)
    panels = figure.subplots(2, count // 2 + 1, squeeze=False).ravel()
    for place, axes in enumerate(panels):
        if place < count:
            histogram_pair(axes, *marginals.histograms[place])
            axes.set_title(f"z{place + 1}", fontsize=9)
            axes.xaxis.set_major_locator(MultipleLocator(2))
        else:
            axes.set_axis_off()
    panels[count].legend(handles=legend_handles(labels), loc="center left", bbox_to_anchor=(-0.1, 0.5))

"""Pieces of the plane side by side: grids that a map bent, areas, arrows, points, densities."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from ..diagnostics.plane import Field, Limits
from .style import ACCENT, DATA, FAINT, INK, SAMPLES, look, open_sides

GROUPS = ("#D1495B", "#2E86AB", "#EDAE49", "#3B8B62", "#7A5195", "#22303C")
"""Colours of points that belong together."""

DENSITY = LinearSegmentedColormap.from_list(
    "density", ["#FFFFFF", "#D6E6F0", "#7FB2D0", "#2E6F9E", "#12304F"]
)
"""From white, where there is no density, to dark."""

_AREA, _EDGE = (0.93, 0.68, 0.29, 0.5), "#B7791F"


@dataclass(frozen=True)
class Plane:
    """What one panel shows; everything is optional and drawn in this order.

    Attributes:
        title: above the panel.
        limits: the shown rectangle; by default all that is there.
        field: a density, as shades.
        top: the density of the darkest shade; by default the highest.
        lines: a grid as of `pushforward.diagnostics.grid_lines`, mapped or not, shape (2, lines, points, 2).
        areas: corners of polygons, each (n, 2), filled.
        outlines: corners of polygons, each (n, 2), drawn as dashed lines.
        arrows: pairs of points, tail and head, each (2, 2).
        points: shape (n, 2).
        groups: of the points, whole numbers that choose their colours, shape (n,); by default none has one.
        note: a line below the panel.
        names: of the two coordinates.
    """

    title: str = ""
    limits: Limits | None = None
    field: Field | None = None
    top: float | None = None
    lines: np.ndarray | None = None
    areas: Sequence[np.ndarray] = ()
    outlines: Sequence[np.ndarray] = ()
    arrows: Sequence[np.ndarray] = ()
    points: np.ndarray | None = None
    groups: np.ndarray | None = None
    note: str = ""
    names: tuple[str, str] = ("", "")


def planes(
    panels: Sequence[Plane],
    *,
    columns: int = 0,
    title: str = "",
    width: float = 9.0,
    aspect: float = 1.0,
    size: float = 2.0,
    scale: str = "",
    ticks: bool = True,
) -> Figure:
    """Draw pieces of the plane side by side, each with equal units on both axes.

    Args:
        panels: what to draw, row by row.
        columns: panels in a row; by default all.
        title: a headline.
        width: of the figure, in inches.
        aspect: height over width of a panel.
        size: of the points, in typographic points squared.
        scale: what the shades are; draws a colour bar for them, one for all panels, from zero to the highest density.
        ticks: whether the axes have numbers.

    Returns:
        A figure; `figure.savefig(path)` writes it.
    """
    columns = columns or len(panels)
    rows = -(-len(panels) // columns)
    extra = 0.42 + 0.2 * any(panel.names[0] or panel.note for panel in panels)
    height = rows * (width / columns * 0.88 * aspect + extra) + 0.35 * bool(title)
    top = max([1e-300, *(panel.field.density.max() for panel in panels if panel.field)]) if scale else None
    with look():
        figure = Figure(figsize=(width, height))
        figure.set_layout_engine("constrained", h_pad=0.07, w_pad=0.07, hspace=0.03, wspace=0.02)
        grid = figure.subplots(rows, columns, squeeze=False)
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=12)
        for axes, panel in zip(grid.flat, panels, strict=False):
            draw_plane(axes, panel, size=size, top=top, ticks=ticks)
        for axes in grid.flat[len(panels) :]:
            axes.set_axis_off()
        if top is not None:
            shades = ScalarMappable(Normalize(0, top), DENSITY)
            bar = figure.colorbar(shades, ax=grid.ravel().tolist(), shrink=0.85, aspect=28, pad=0.015)
            bar.set_label(scale)
            bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    return figure


def draw_plane(
    axes: Axes, panel: Plane, *, size: float = 2.0, top: float | None = None, ticks: bool = True
) -> Any:
    """Draw one panel; `top` is the density of the darkest shade. Returns the collection of points, or None."""
    if panel.field is not None:
        (left, right), (low, high) = panel.field.limits
        axes.imshow(
            panel.field.density,
            extent=(left, right, low, high),
            origin="lower",
            cmap=DENSITY,
            vmin=0,
            vmax=top or panel.top or panel.field.density.max(),
            interpolation="bilinear",
            aspect="auto",
        )
    if panel.lines is not None:
        for lines, colour in zip(panel.lines, (ACCENT, SAMPLES), strict=True):
            axes.add_collection(LineCollection(list(lines), colors=colour, linewidths=0.8, alpha=0.6))
    for corners in panel.areas:
        axes.add_patch(Polygon(corners, facecolor=_AREA))
        axes.add_patch(Polygon(corners, fill=False, edgecolor=_EDGE, linewidth=1.5, zorder=2.5))
    for corners in panel.outlines:
        axes.add_patch(
            Polygon(corners, fill=False, edgecolor=INK, linewidth=1.2, linestyle=(0, (4, 2.5)), zorder=2.6)
        )
    for tail, head in panel.arrows:
        style = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.3, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", xy=tuple(head), xytext=tuple(tail), arrowprops={**style, "mutation_scale": 11})
        axes.update_datalim([tail, head])
    drawn = None if panel.points is None else _points(axes, panel.points, panel.groups, size)
    _frame(axes, panel, ticks)
    return drawn


def _points(axes: Axes, points: np.ndarray, groups: np.ndarray | None, size: float) -> Any:
    colours = DATA if groups is None else [GROUPS[group % len(GROUPS)] for group in groups]
    return axes.scatter(
        points[:, 0], points[:, 1], s=size, c=colours, linewidths=0, alpha=0.7, rasterized=True, zorder=3
    )


def _frame(axes: Axes, panel: Plane, ticks: bool) -> None:
    """Name the axes, and set what is shown."""
    axes.set_title(panel.title)
    axes.set(xlabel="\n".join(filter(None, [panel.names[0], panel.note])), ylabel=panel.names[1])
    if panel.limits is None:
        axes.autoscale_view()
    else:
        axes.set(xlim=panel.limits[0], ylim=panel.limits[1])
    axes.set_aspect("equal", adjustable="datalim" if panel.limits is None else "box")
    axes.tick_params(colors=INK)
    if ticks:
        open_sides(axes)
        axes.locator_params(nbins=5)
    else:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color(FAINT)

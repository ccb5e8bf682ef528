"""Densities of the plane as heights: the mass is the volume below them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from ..diagnostics.plane import Field, Limits
from .planes import DENSITY
from .style import FAINT, INK, look

_WALL = "#A9C7DB"


def density_surfaces(
    fields: Sequence[Field],
    titles: Sequence[str],
    names: Sequence[tuple[str, str]],
    *,
    limits: Sequence[Limits],
    width: float = 9.0,
) -> Figure:
    """Draw densities as solids side by side, all to one scale, so that their volumes can be compared.

    Args:
        fields: densities, each zero outside of its own rectangle.
        titles: one for each.
        names: of the two coordinates, for each.
        limits: the shown rectangles, for each; of equal sizes, or the solids are not to one scale.
        width: of the figure, in inches.

    Returns:
        A figure; `figure.savefig(path)` writes it.
    """
    top = max(field.density.max() for field in fields)
    with look():
        figure = Figure(figsize=(width, 1.06 * width / len(fields)))
        figure.subplots_adjust(left=0.01, right=0.94, bottom=0.08, top=0.98, wspace=0.12)
        panels = figure.subplots(1, len(fields), squeeze=False, subplot_kw={"projection": "3d"})[0]
        for axes, field, title, name, shown in zip(panels, fields, titles, names, limits, strict=True):
            _solid(axes, field, top)
            _frame(axes, shown, top)
            axes.set_title(title, y=0.93, loc="center", linespacing=1.4)
            axes.set(xlabel=name[0], ylabel=name[1])
    return figure


def _solid(axes: Any, field: Field, top: float) -> None:
    """Draw the surface, and walls where it breaks off at the two sides that face the viewer."""
    (left, right), (low, high) = field.limits
    rows, columns = field.density.shape
    x, y = np.meshgrid(np.linspace(left, right, columns), np.linspace(low, high, rows))
    shades = DENSITY(0.25 + 0.6 * field.density / top)
    axes.plot_surface(
        x,
        y,
        field.density,
        facecolors=shades,
        rcount=40,
        ccount=40,
        linewidth=0,
        shade=False,
        antialiased=True,
    )
    edges = [(x[0], y[0], field.density[0]), (x[:, -1], y[:, -1], field.density[:, -1])]
    for along, across, height in edges:
        foot = np.stack([along, across, np.zeros_like(height)], axis=1)
        roof = np.stack([along, across, height], axis=1)
        wall = np.concatenate([foot, roof[::-1]])
        axes.add_collection3d(
            Poly3DCollection([wall], facecolors=_WALL, edgecolors=INK, linewidths=0.5, alpha=0.9)
        )


def _frame(axes: Any, limits: Limits, top: float) -> None:
    (left, right), (low, high) = limits
    axes.set(xlim=(left, right), ylim=(low, high), zlim=(0, top))
    axes.set_box_aspect((right - left, high - low, 0.75 * (right - left)), zoom=1.12)
    axes.view_init(elev=22, azim=-52)
    axes.locator_params(nbins=5)
    axes.patch.set_visible(False)  # it would cover the numbers of the panel on its left
    axes.tick_params(pad=-1)
    for side in (axes.xaxis, axes.yaxis, axes.zaxis):
        side.set_pane_color((1, 1, 1, 0))
        side.line.set_color(FAINT)
        side._axinfo["grid"].update(color=FAINT, linewidth=0.4)

"""Matrices as pictures, in which an exact zero is seen to be one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from .style import FAINT, INK, look

SIGNED = LinearSegmentedColormap.from_list("signed", ["#1F5F8B", "#8FBDD6", "#F4F1EC", "#E9A1A6", "#B23A48"])
"""Blue below zero, red above."""

_POSITIVE = LinearSegmentedColormap.from_list("positive", ["#F4F1EC", "#E9A1A6", "#B23A48"])


@dataclass(frozen=True)
class Matrix:
    """What one panel shows.

    Attributes:
        values: shape (rows, columns); exact zeros are left white with a dot.
        title: above the panel.
        note: below it.
        names: what rows and columns are.
        row_names: of every row; by default none.
        column_names: of every column; by default none.
    """

    values: np.ndarray
    title: str = ""
    note: str = ""
    names: tuple[str, str] = ("", "")
    row_names: Sequence[str] = ()
    column_names: Sequence[str] = ()


def matrices(
    panels: Sequence[Matrix],
    *,
    columns: int = 0,
    limit: float | None = None,
    scale: str = "",
    numbers: bool = False,
    width: float = 9.0,
) -> Figure:
    """Draw matrices side by side, every panel's first row above, all with the same colours.

    Args:
        panels: what to draw, row by row.
        columns: panels in a row; by default all.
        limit: the colours span minus to plus this, or zero to this if nothing is below zero; by default the largest
            absolute value.
        scale: what the numbers are; draws a colour bar.
        numbers: whether to write them into the cells.
        width: of the figure, in inches.

    Returns:
        A figure; `figure.savefig(path)` writes it.
    """
    columns = columns or len(panels)
    rows = -(-len(panels) // columns)
    shape = panels[0].values.shape
    extra = 0.5 + 0.25 * any(panel.note for panel in panels)
    height = rows * (0.88 * width / columns * shape[0] / shape[1] + extra)
    limit = limit or max(float(np.abs(panel.values).max()) for panel in panels) or 1.0
    signed = any(float(panel.values.min()) < 0 for panel in panels)
    shades = ScalarMappable(Normalize(-limit if signed else 0, limit), SIGNED if signed else _POSITIVE)
    with look():
        figure = Figure(figsize=(width, 0.95 * height if scale else height))
        figure.set_layout_engine("constrained", h_pad=0.07, w_pad=0.07, hspace=0.05, wspace=0.02)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, panel in zip(grid.flat, panels, strict=False):
            draw_matrix(axes, panel, shades, numbers=numbers)
        for axes in grid.flat[len(panels) :]:
            axes.set_axis_off()
        if scale:
            bar = figure.colorbar(shades, ax=grid.ravel().tolist(), shrink=0.8, aspect=30, pad=0.015)
            bar.set_label(scale)
            bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    return figure


def draw_matrix(axes: Axes, panel: Matrix, shades: ScalarMappable, *, numbers: bool = False) -> None:
    """Draw one panel with the given colours."""
    values = panel.values
    low, high = shades.get_clim()
    axes.imshow(np.where(values == 0, np.nan, values), cmap=shades.cmap, vmin=low, vmax=high, aspect="equal")
    places = np.argwhere(values == 0)
    if not numbers:
        axes.plot(places[:, 1], places[:, 0], ".", color=FAINT, markersize=3)
    else:
        for (row, column), value in np.ndenumerate(values):
            axes.text(
                column,
                row,
                f"{value:.2f}" if value else "0",
                ha="center",
                va="center",
                fontsize=11,
                color=INK,
            )
    rows, columns = values.shape
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.2)
    axes.tick_params(which="both", length=0)
    axes.set_xticks(range(len(panel.column_names)), panel.column_names)
    axes.set_yticks(range(len(panel.row_names)), panel.row_names)
    axes.set_title(panel.title)
    axes.set(xlabel="\n".join(filter(None, [panel.names[1], panel.note])), ylabel=panel.names[0])
    axes.spines[:].set_color(FAINT)

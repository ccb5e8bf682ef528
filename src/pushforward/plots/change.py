"""The change of variables in one dimension: two densities and the map between them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from .style import ACCENT, DATA, FAINT, INK, SAMPLES, look, open_sides

_SHADES = LinearSegmentedColormap.from_list("strips", ["#2E86AB", "#6FB7A8", "#EDAE49", "#D1495B", "#7A5195"])


def change_of_variables(
    z: np.ndarray,
    x: np.ndarray,
    base: np.ndarray,
    data: np.ndarray,
    bounds: np.ndarray,
    *,
    note: str = "",
    width: float = 8.0,
) -> Figure:
    """Draw the density of the base below a map's graph, that of the data on its left, in strips that belong together.

    Args:
        z: increasing base points, shape (n,).
        x: what the map makes of them, increasing, shape (n,).
        base: density of the base at z, shape (n,).
        data: density of the data at x, shape (n,).
        bounds: increasing base points between which the strips lie, shape (strips + 1,), within z.
        note: text in the free corner.
        width: of the square figure, in inches.

    Returns:
        A figure; `figure.savefig(path)` writes it.
    """
    with look():
        figure = Figure(figsize=(width, width * 0.88), layout="constrained")
        grid = figure.subplots(
            2, 2, sharex="col", sharey="row", width_ratios=[1.0, 2.2], height_ratios=[2.2, 1.0]
        )
        (left, middle), (corner, below) = grid
        for place in range(len(bounds) - 1):
            colour = _SHADES(place / max(len(bounds) - 2, 1))
            _strip(left, middle, below, (z, x, base, data), bounds[place : place + 2], colour)
        below.plot(z, base, color=INK, linewidth=1.2)
        left.plot(data, x, color=INK, linewidth=1.2)
        middle.plot(z, x, color=INK, linewidth=1.6)
        _name(left, middle, below)
        corner.set_axis_off()
        corner.text(0.0, 0.5, note, transform=corner.transAxes, va="center", fontsize=10, linespacing=1.5)
        for axes in (left, middle, below):
            open_sides(axes)
            axes.tick_params(labelleft=True, labelbottom=True)
    return figure


def _name(left: Axes, middle: Axes, below: Axes) -> None:
    middle.set_title("the map x = f(z)")
    below.set_title("density of the base")
    left.set_title("density of the data")
    below.set(xlabel="z", ylabel="p(z)")
    left.set(xlabel="p(x)", ylabel="x")
    left.invert_xaxis()  # towards the graph the density is zero, as below
    below.set_ylim(bottom=0)
    left.set_xlim(right=0)
    middle.margins(0.01)


def _strip(
    left: Axes,
    middle: Axes,
    below: Axes,
    curves: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    ends: Sequence[float] | np.ndarray,
    colour: tuple[float, float, float, float],
) -> None:
    """Shade one interval below both densities, and lead it up to the graph and over to the other side."""
    z, x, base, data = curves
    inside = (z >= ends[0]) & (z <= ends[1])
    low, high = (float(np.interp(end, z, x)) for end in ends)
    foot, head = x[0], z[0]
    below.fill_between(z[inside], base[inside], color=colour, linewidth=0, alpha=0.85)
    left.fill_betweenx(x[inside], data[inside], color=colour, linewidth=0, alpha=0.85)
    middle.fill_between(z[inside], foot, x[inside], color=colour, linewidth=0, alpha=0.22)
    middle.fill_betweenx(x[inside], head, z[inside], color=colour, linewidth=0, alpha=0.22)
    middle.plot([ends[1], ends[1], head], [foot, high, high], color="white", linewidth=0.8)
    middle.plot([ends[0], ends[0], head], [foot, low, low], color="white", linewidth=0.8)


def log_terms(z: np.ndarray, base: np.ndarray, slope: np.ndarray, *, width: float = 8.0) -> Figure:
    """Draw log p(x) along the base as the sum of its two terms.

    Args:
        z: increasing base points, shape (n,).
        base: log p(z), in nats, shape (n,).
        slope: log f'(z), in nats, shape (n,).
        width: of the figure, in inches.

    Returns:
        A figure; `figure.savefig(path)` writes it.
    """
    with look():
        figure = Figure(figsize=(width, width * 0.42), layout="constrained")
        axes = figure.subplots()
        axes.axhline(0, color=FAINT, linewidth=0.8)
        curves = [
            (base, DATA, "log p(z)", "-"),
            (-slope, ACCENT, "-log f'(z)", "-"),
            (base - slope, SAMPLES, "their sum, log p(x) at x = f(z)", "-"),
        ]
        for values, colour, label, style in curves:
            axes.plot(z, values, color=colour, linewidth=1.8, linestyle=style, label=label)
        axes.set(xlabel="z", ylabel="nats")
        axes.margins(x=0)
        axes.legend(loc="lower center", ncols=3, bbox_to_anchor=(0.5, 1.0))
        open_sides(axes)
    return figure

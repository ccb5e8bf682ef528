"""One affine coupling layer of the plane, in six panels."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from .matrices import SIGNED, Matrix, draw_matrix
from .style import FAINT, INK, look, open_sides

_KNOWN = LinearSegmentedColormap.from_list("known", ["#2E86AB", "#6FB7A8", "#EDAE49", "#D1495B"])


class CouplingPicture(NamedTuple):
    """What the six panels show of y1 = x1, y2 = s(x1) x2 + t(x1).

    Attributes:
        known: increasing values of x1, shape (n,).
        passed: y1 at these, shape (n,).
        scale: s(x1) at these, shape (n,).
        shift: t(x1) at these, shape (n,).
        chosen: some values of x1, shape (k,).
        inputs: values of x2, shape (m,).
        outputs: y2 for every chosen x1 and every x2, shape (k, m).
        before: points (x1, x2), shape (p, 2).
        after: the same points (y1, y2), shape (p, 2).
        point: an event, shape (2,).
        jacobian: of the layer there, outputs in rows, shape (2, 2).
    """

    known: np.ndarray
    passed: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    chosen: np.ndarray
    inputs: np.ndarray
    outputs: np.ndarray
    before: np.ndarray
    after: np.ndarray
    point: np.ndarray
    jacobian: np.ndarray


def coupling_panels(picture: CouplingPicture, *, width: float = 9.0) -> Figure:
    """Draw what an affine coupling does, step by step; colour is x1, the known half, throughout.

    Args:
        picture: the numbers.
        width: of the figure, in inches.

    Returns:
        A figure; `figure.savefig(path)` writes it.
    """
    shades = ScalarMappable(Normalize(picture.known[0], picture.known[-1]), _KNOWN)
    with look():
        figure = Figure(figsize=(width, 0.69 * width))
        figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.08, hspace=0.04, wspace=0.03)
        grid = figure.subplots(2, 3)
        _curve(grid[0, 0], picture.known, picture.passed, shades)
        grid[0, 0].set(title="1  one half passes unchanged", ylabel="y1 = x1")
        _curve(grid[0, 1], picture.known, picture.scale, shades)
        grid[0, 1].set(title="2  it decides a scale ...", ylabel="s(x1)")
        grid[0, 1].set_ylim(bottom=0)
        _curve(grid[0, 2], picture.known, picture.shift, shades)
        grid[0, 2].set(title="3  ... and a shift", ylabel="t(x1)")
        _lines(grid[1, 0], picture, shades)
        _clouds(grid[1, 1], picture, shades)
        values = picture.jacobian
        limit = 1.4 * float(np.abs(values).max())
        at = f"at x = ({picture.point[0]:g}, {picture.point[1]:g});  det = 1 * {values[1, 1]:.2f}"
        names = {"row_names": ("y1", "y2"), "column_names": ("x1", "x2")}
        panel = Matrix(values, "6  a triangular Jacobian", at, **names)
        draw_matrix(grid[1, 2], panel, ScalarMappable(Normalize(-limit, limit), SIGNED), numbers=True)
        bar = figure.colorbar(shades, ax=grid.ravel().tolist(), shrink=0.6, aspect=32, pad=0.015)
        bar.set_label("x1, the known half")
        bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    return figure


def _curve(axes: Axes, x: np.ndarray, y: np.ndarray, shades: Any) -> None:
    points = np.stack([x, y], axis=1)
    pieces = np.stack([points[:-1], points[1:]], axis=1)
    axes.axhline(0, color=FAINT, linewidth=0.8)
    axes.add_collection(
        LineCollection(list(pieces), colors=shades.to_rgba(x[:-1]), linewidths=2.4, capstyle="round")
    )
    axes.autoscale_view()
    axes.set_xlabel("x1")
    open_sides(axes)


def _lines(axes: Axes, picture: CouplingPicture, shades: Any) -> None:
    axes.plot(picture.inputs, picture.inputs, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    for value, outputs in zip(picture.chosen, picture.outputs, strict=True):
        axes.plot(picture.inputs, outputs, color=shades.to_rgba(value), linewidth=1.8)
    axes.set(title="4  lines for the other half", xlabel="x2", ylabel="y2 = s(x1) x2 + t(x1)")
    axes.margins(x=0)
    open_sides(axes)


def _clouds(axes: Axes, picture: CouplingPicture, shades: Any) -> None:
    axes.scatter(*picture.before.T, s=3, color=FAINT, linewidths=0, rasterized=True)
    axes.scatter(
        *picture.after.T,
        s=3,
        c=shades.to_rgba(picture.before[:, 0]),
        linewidths=0,
        alpha=0.8,
        rasterized=True,
    )
    axes.set(title="5  before (grey) and after", xlabel="x1, y1", ylabel="x2, y2")
    open_sides(axes)

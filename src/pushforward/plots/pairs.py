"""The pair plot: two clouds of points, column by column and pair by pair."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from ..diagnostics.shapes import MASSES, Comparison, Histogram, Region
from .style import DATA, DATA_FILL, SAMPLES, bare, look


def pair_plot(
    comparison: Comparison,
    names: Sequence[str],
    *,
    labels: tuple[str, str] = ("data", "samples"),
    title: str = "",
    width: float = 11.0,
) -> Figure:
    """Draw two clouds of points over each other: histograms, and below the diagonal regions of high density.

    Args:
        comparison: of the two clouds, with pairs; see `pushforward.diagnostics.compare`.
        names: one for each column, with its unit.
        labels: what the two clouds are.
        title: a headline.
        width: of the square figure, in inches.

    Returns:
        A figure; `figure.savefig(path)` writes it.
    """
    size = len(names)
    with look():
        figure = Figure(figsize=(width, width))
        grid = figure.subplots(size, size, squeeze=False, gridspec_kw={"wspace": 0.08, "hspace": 0.08})
        figure.subplots_adjust(left=0.075, right=0.985, bottom=0.07, top=0.985)
        for row in range(size):
            for column in range(size):
                axes = grid[row, column]
                if column > row:
                    axes.set_visible(False)
                    continue
                if column == row:
                    histogram_pair(axes, *comparison.histograms[row])
                else:
                    _regions(axes, *comparison.regions[column, row])
                    axes.set_ylim(*comparison.limits[row])
                axes.set_xlim(*comparison.limits[column])
                _ticks(axes, row, column, size, names)
        figure.align_labels()
        _legend(figure, labels, title, size)
    return figure


def histogram_pair(axes: Axes, first: Histogram, second: Histogram) -> None:
    """Draw the first histogram filled and the second as a line over it."""
    axes.stairs(first.density, first.edges, fill=True, color=DATA_FILL[1])
    axes.stairs(first.density, first.edges, color=DATA, linewidth=0.7)
    axes.stairs(second.density, second.edges, color=SAMPLES, linewidth=1.1)
    axes.set_ylim(0, 1.12 * max(first.density.max(), second.density.max()))
    bare(axes)


def _regions(axes: Axes, first: Region, second: Region) -> None:
    top = max(first.density.max(), first.levels[-1]) * 1.01
    colours = DATA_FILL[-len(first.levels) :]
    axes.contourf(first.x, first.y, first.density, levels=[*first.levels, top], colors=colours)
    axes.contour(
        second.x, second.y, second.density, levels=second.levels, colors=[SAMPLES], linewidths=0.8, alpha=0.95
    )


def _ticks(axes: Axes, row: int, column: int, size: int, names: Sequence[str]) -> None:
    """Name and number only the outer sides of the triangle."""
    axes.xaxis.set_major_locator(MaxNLocator(3, prune="both"))
    if row == size - 1:
        axes.set_xlabel(names[column])
    else:
        axes.set_xticklabels([])
    if column == row:
        return
    axes.yaxis.set_major_locator(MaxNLocator(3, prune="both"))
    if column == 0:
        axes.set_ylabel(names[row])
    else:
        axes.set_yticklabels([])


def legend_handles(labels: tuple[str, str]) -> list[Patch | Line2D]:
    """Return what stands in a legend for the two clouds."""
    return [
        Patch(facecolor=DATA_FILL[1], edgecolor=DATA, linewidth=0.7, label=labels[0]),
        Line2D([], [], color=SAMPLES, linewidth=1.4, label=labels[1]),
    ]


def _legend(figure: Figure, labels: tuple[str, str], title: str, size: int) -> None:
    """Write into the empty upper right."""
    shares = ", ".join(f"{mass:.0%}" for mass in sorted(MASSES))
    left = 0.5 if size > 2 else 0.56
    figure.text(left, 0.955, title, fontsize=14, va="top")
    handles = legend_handles(labels)
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(left - 0.008, 0.925), fontsize=11)
    figure.text(left, 0.85, f"Regions hold {shares} of the rows.", fontsize=9.5, va="top", color=DATA)

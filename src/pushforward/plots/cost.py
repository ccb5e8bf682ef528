"""What something costs as its size grows."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from .planes import GROUPS
from .style import FAINT, look, open_sides


def cost_curves(
    sizes: Sequence[int],
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    size_name: str = "features",
    cost_name: str = "milliseconds",
    width: float = 9.0,
) -> Figure:
    """Draw costs against sizes, both logarithmic, on the same axes in all panels.

    Args:
        sizes: increasing, one for each cost.
        panels: for every panel's title its curves, by name.
        size_name: what the sizes are.
        cost_name: what the costs are.
        width: of the figure, in inches.

    Returns:
        A figure; `figure.savefig(path)` writes it.
    """
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    with look():
        figure = Figure(figsize=(width, 0.46 * width))
        figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.08, wspace=0.04)
        grid = figure.subplots(1, len(panels), squeeze=False, sharex=True, sharey=True)[0]
        for axes, (title, curves) in zip(grid, panels.items(), strict=True):
            for name, costs in curves.items():
                colour = GROUPS[names.index(name) % len(GROUPS)]
                axes.plot(sizes, costs, "o-", color=colour, linewidth=1.8, markersize=4, label=name)
            axes.set(title=title, xlabel=size_name)
            _logarithmic(axes, sizes)
        grid[0].set_ylabel(cost_name)
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(names))
    return figure


def _logarithmic(axes: Axes, sizes: Sequence[int]) -> None:
    axes.set(xscale="log", yscale="log")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    open_sides(axes)

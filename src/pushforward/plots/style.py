"""One look for all pictures, given to each figure alone: matplotlib's global settings stay as they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes

DATA = "#5B7083"
SAMPLES = "#D1495B"
ACCENT = "#2E86AB"
INK = "#22303C"
FAINT = "#C9D2DA"
DATA_FILL = ("#E9EEF2", "#CBD6DF", "#A3B5C3", "#73899B")

_SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.edgecolor": "#8A99A6",
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.titlesize": 10.0,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.unicode_minus": True,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@contextmanager
def look() -> Iterator[None]:
    """Draw in the project's look; what was set before holds again afterwards."""
    with mpl.rc_context(_SETTINGS):
        yield


def open_sides(axes: Axes) -> None:
    """Remove the frame above and on the right."""
    axes.spines[["top", "right"]].set_visible(False)


def bare(axes: Axes) -> None:
    """Leave of the frame and the ticks only the lower line with its ticks."""
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_yticks([])

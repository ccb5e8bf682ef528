"""Points on their way through the layers of a flow, as an animation."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.figure import Figure

from ..diagnostics.plane import Limits
from .planes import Plane, draw_plane
from .style import look


def flow_animation(
    stages: Sequence[np.ndarray],
    groups: np.ndarray,
    titles: Sequence[str],
    *,
    limits: Limits,
    steps: int = 6,
    rest: int = 8,
    size: float = 4.0,
    width: float = 4.2,
) -> FuncAnimation:
    """Draw points that move from stage to stage, in straight lines, and rest at the first and the last.

    Args:
        stages: the same points at every stage, each of shape (n, 2); see `Flow.intermediates`.
        groups: whole numbers that choose the points' colours, shape (n,).
        titles: one for every stage.
        limits: the shown rectangle.
        steps: frames from one stage to the next.
        rest: frames that the first and the last stage stay.
        size: of the points, in typographic points squared.
        width: of the square figure, in inches.

    Returns:
        An animation without end; `animation.save("flow.gif", writer="pillow")` writes it.
    """
    with look():
        figure = Figure(figsize=(width, width), layout="constrained")
        axes = figure.subplots()
        start = Plane(titles[0], limits, points=stages[0], groups=groups)
        cloud = draw_plane(axes, start, size=size, ticks=False)
        cloud.set_antialiased(False)  # few colours: the file is half as large
    ways = [(0, 0.0)] * rest
    for place in range(1, len(stages)):
        # Half a cosine: slow, fast, slow.
        ways += [(place, 0.5 - 0.5 * np.cos(np.pi * step / steps)) for step in range(1, steps + 1)]
    ways += [(len(stages) - 1, 1.0)] * rest

    def draw(frame: int) -> tuple[Any, ...]:
        place, part = ways[frame]
        before = stages[max(place - 1, 0)]
        cloud.set_offsets((1 - part) * before + part * stages[place])
        axes.set_title(titles[place], loc="left")
        return (cloud,)

    return FuncAnimation(figure, draw, frames=len(ways), interval=80, blit=False, repeat=True)

"""A determinant is an area.

A matrix sends the unit square to the parallelogram between its columns. The parallelogram's area is the
absolute value of the determinant, and so is the factor by which the matrix changes every other area. A
density loses what the area gains: it is divided by `|det A|`. The sign of the determinant only says whether
the plane was turned over.
"""

import jax.numpy as jnp
import numpy as np

from pushforward import plots
from pushforward.diagnostics import grid_lines

MATRICES = {
    "a stretch": [[1.5, 0.0], [0.0, 0.6]],
    "a shear": [[1.0, 0.8], [0.0, 1.0]],
    "a rotation": [[0.8, -0.6], [0.6, 0.8]],
    "a reflection": [[0.3, 1.2], [1.1, 0.2]],
    "any matrix": [[1.4, 0.5], [0.3, 1.2]],
}
SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
LIMITS = ((-0.95, 2.1), (-0.6, 2.0))


def area(corners):
    """The shoelace formula, which knows nothing of determinants."""
    x, y = corners.T
    return abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2


def pictures(quick=False):
    grid = grid_lines(((-4, 4), (-4, 4)), lines=33, points=2)
    panels = [
        plots.Plane(
            "the unit square", LIMITS, lines=grid, areas=[SQUARE], arrows=arrows(np.eye(2)), note="area 1"
        )
    ]
    for name, rows in MATRICES.items():
        matrix = np.asarray(rows)
        sign, log_det = jnp.linalg.slogdet(matrix)
        det = float(sign * jnp.exp(log_det))
        image = SQUARE @ matrix.T
        note = f"area {area(image):.2f},  det {det:.2f},  log|det| {float(log_det):+.2f}"
        lines, columns = grid @ matrix.T, arrows(matrix)
        panels.append(plots.Plane(name, LIMITS, lines=lines, areas=[image], arrows=columns, note=note))
    yield (
        plots.planes(panels, columns=3, aspect=0.85, ticks=False),
        "The arrows are the images of the two unit vectors, the columns of the matrix. Areas are measured "
        "from the corners by the shoelace formula, and agree with the determinants. Blue lines were upright "
        "before, red ones level.",
        "Six panels: the unit square on a grid, and the parallelograms that five matrices make of it, with "
        "areas and determinants.",
    )


def arrows(matrix):
    return [np.stack([np.zeros(2), column]) for column in matrix.T]

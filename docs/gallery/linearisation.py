"""Every smooth map is a matrix, seen closely.

A flow's maps bend the plane, so no single matrix describes them. But near a point `z` a smooth map is as good
as linear: `f(z + h) = f(z) + J h` with the Jacobian `J` at `z`. A small square goes to almost a
parallelogram, and its area changes by almost `|det J|`. This is why the formula for densities has the
determinant of the Jacobian, point by point.

The map here is two affine couplings; their conditioners are written by hand instead of learned.
"""

import jax
import jax.numpy as jnp
import numpy as np

from pushforward import plots
from pushforward.bijectors import Affine, Chain, Coupling
from pushforward.diagnostics import grid_lines, jacobian

POINT = np.array([0.4, 0.3])


def conditioner(known, context=None, *, key=None):
    return jnp.stack([0.35 * jnp.sin(1.7 * known), 0.45 * jnp.cos(1.6 * known)])  # raw scale, shift


def pictures(quick=False):
    f = Chain([Coupling(Affine(), conditioner, mask) for mask in ([True, False], [False, True])])
    matrix, image = jacobian(f, POINT), np.asarray(f.forward(jnp.asarray(POINT)))
    log_det = f.forward_and_log_det(jnp.asarray(POINT))[1]
    rows = jax.jit(jax.vmap(f.forward))

    def mapped(points):
        return np.asarray(rows(jnp.asarray(points.reshape(-1, 2), float))).reshape(points.shape)

    grid = grid_lines(((-1.5, 1.5), (-1.5, 1.5)), lines=13)
    sides = (0.8, 0.4, 0.1)
    squares = [outline(side) for side in sides]
    panels = [
        plots.Plane("the plane before", lines=grid, areas=squares[:1]),
        plots.Plane(
            "and after",
            lines=mapped(grid),
            areas=[mapped(squares[0])],
            outlines=[tangent(squares[0], matrix, image)],
        ),
    ]
    yield (
        plots.planes(panels, ticks=False),
        "The square of side 0.8 goes to a bent figure. Dashed: what the Jacobian at its centre alone would "
        "make of it.",
        "A regular grid with a shaded square, and the grid bent by the map, where the square has become a "
        "bent figure, with a dashed parallelogram over it.",
    )

    closer, reach = [], 0.6 * np.abs(matrix).sum(axis=1).max()
    for side, square in zip(sides, squares, strict=True):
        curved = mapped(square)
        ratio = area(curved) / side**2
        limits = tuple((float(c - reach * side), float(c + reach * side)) for c in image)
        fine = grid_lines(tuple((float(c - 2 * side), float(c + 2 * side)) for c in POINT), lines=17)
        closer.append(
            plots.Plane(
                f"side {side}",
                limits,
                lines=mapped(fine),
                areas=[curved],
                outlines=[tangent(square, matrix, image)],
                note=f"area after / before: {ratio:.4f}",
            )
        )
    yield (
        plots.planes(closer, ticks=False),
        "The same point under a magnifying glass. As the square shrinks, the bent figure and the "
        "parallelogram become one, and the ratio of areas tends to |det J| = "
        f"{abs(np.linalg.det(matrix)):.4f}. The map says log|det J| = {float(log_det):.4f} itself, without "
        f"ever forming J: exp({float(log_det):.4f}) = {np.exp(float(log_det)):.4f}.",
        "Three enlargements around the point: the smaller the square, the better its image agrees with the "
        "dashed parallelogram.",
    )


def outline(side, points=60):
    """A square around the point, as many points along its sides."""
    along, fixed = np.linspace(-0.5, 0.5, points), np.full(points, 0.5)
    sides = [(along, -fixed), (fixed, along), (-along, fixed), (-fixed, -along)]
    return POINT + side * np.concatenate([np.stack(ends, axis=1) for ends in sides])


def tangent(points, matrix, image):
    return image + (points - POINT) @ matrix.T


def area(corners):
    x, y = (corners - corners.mean(axis=0)).T
    return abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2

"""Stacking layers with alternating masks.

One coupling moves only half of the coordinates. So the next one moves the other half, and so on in turn. Each
layer is simple; together they bend the plane as they like, and the log-determinants add up.
"""

import functools

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import pushforward as pf
from pushforward import plots
from pushforward.bijectors import Affine, Chain, Coupling
from pushforward.diagnostics import grid_lines


def conditioner(known, context=None, *, key=None, phase=0.0):
    return jnp.stack([0.25 * jnp.sin(1.5 * known + phase), 0.42 * jnp.sin(1.4 * known + 2 * phase)])


def pictures(quick=False):
    f = Chain(
        [
            Coupling(
                Affine(), functools.partial(conditioner, phase=0.8 * place), [place % 2 == 0, place % 2 == 1]
            )
            for place in range(5)
        ]
    )
    flow = pf.Flow(pf.distributions.StandardNormal((2,)), f)
    grid = grid_lines(((-2, 2), (-2, 2)), lines=13)
    stages = [np.asarray(stage).reshape(grid.shape) for stage in flow.intermediates(grid.reshape(-1, 2))]
    limits = 2 * ((-float(np.abs(stages).max()) - 0.1, float(np.abs(stages).max()) + 0.1),)
    names = ["the base", *(f"layer {k}: {'x1' if k % 2 == 0 else 'x2'} moves" for k in range(1, 6))]
    yield (
        plots.planes(
            [plots.Plane(name, limits, lines=stage) for name, stage in zip(names, stages, strict=True)],
            columns=3,
            ticks=False,
        ),
        "A grid after each of five couplings. A layer that moves `x2` shifts and stretches every upright "
        "line by itself; one that moves `x1` does so with the level lines.",
        "Six panels: a regular grid, and the same grid after one to five couplings, bent more and more.",
    )

    wide = shaken(pf.flows.realnvp(jr.key(1), features=8, layers=2 if quick else 6, hidden=(16,)), 0)
    stages = jnp.stack(wide.intermediates(jr.normal(jr.key(2), (500, 8))))
    change = np.asarray(jnp.abs(jnp.diff(stages, axis=0)).mean(axis=1)).T
    yield (
        plots.matrices(
            [
                plots.Matrix(
                    change,
                    names=("coordinate", "layer"),
                    row_names=[f"x{k}" for k in range(1, 9)],
                    column_names=[str(k) for k in range(1, change.shape[1] + 1)],
                )
            ],
            scale="mean absolute change",
            width=5.6,
        ),
        "How far 500 draws move at each layer of `realnvp(features=8)` with random weights. A dot is an "
        "exact zero: that coordinate passed unchanged.",
        "A table of eight coordinates and six layers in the pattern of a chessboard: every layer changes "
        "every second coordinate.",
    )


def shaken(module, seed, scale=0.12):
    """Fresh layers are the identity; add noise to all weights, so that they do something."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: leaf + scale * rng.normal(size=leaf.shape).astype(leaf.dtype), module)

"""Triangular Jacobians.

The determinant of a full matrix of size `D` costs `D^3`. Flows are built from layers whose Jacobian is
triangular, so that it costs `D`: the product of the diagonal. Here are the Jacobians of such layers by
automatic differentiation, at one point, with random weights. White with a dot is an exact zero.
"""

import equinox as eqx
import jax
import jax.random as jr
import numpy as np

from pushforward import plots
from pushforward.bijectors import (
    Affine,
    Autoregressive,
    Chain,
    Coupling,
    Invert,
    Permute,
    alternating,
    halves,
)
from pushforward.diagnostics import jacobian
from pushforward.nets import MADE, MLP

SIZE = 8


def coupling(seed, mask):
    return shaken(
        Coupling(Affine(), MLP(jr.key(0), SIZE // 2, SIZE, hidden=(16,), activation="tanh"), mask), seed
    )


def pictures(quick=False):
    x = jr.normal(jr.key(1), (SIZE,))
    upper, lower = coupling(1, halves(SIZE)), coupling(2, halves(SIZE, swap=True))
    autoregressive = shaken(
        Autoregressive(Affine(), MADE(jr.key(0), SIZE, 2, hidden=(16,), activation="tanh")), 4
    )
    permute = Permute([2, 5, 0, 7, 4, 1, 6, 3])
    layers = {
        "coupling, mask of halves": upper,
        "coupling, alternating mask": coupling(3, alternating(SIZE)),
        "autoregressive layer": autoregressive,
        "the inverse of that layer": Invert(autoregressive),
        "a permutation": permute,
        "permutation, then coupling": Chain([permute, upper]),
        "permutation, then autoregressive": Chain([permute, autoregressive]),
        "two couplings, halves swapped": Chain([upper, lower]),
        "all of these": Chain([upper, permute, autoregressive, lower]),
    }
    if quick:
        layers = dict(list(layers.items())[:1])
    panels = []
    for name, layer in layers.items():
        matrix = jacobian(layer, x)
        _, by_slogdet = np.linalg.slogdet(matrix.astype(np.float64))
        log_det = eqx.filter_jit(layer.forward_and_log_det)(x)[1]
        note = f"log|det|: slogdet {by_slogdet:.4f}, layer {float(log_det):.4f}"
        panels.append(plots.Matrix(matrix, name, note))
    yield (
        plots.matrices(
            panels, columns=1 if quick else 3, limit=2.5, scale="dy / dx, outputs in rows, inputs in columns"
        ),
        "First row: triangular as they are; with an alternating mask the coupling is triangular once the "
        "elements are sorted. Second row: the inverse is triangular too, and a permutation has determinant "
        "one and only shuffles the columns. Third row: compositions fill up, yet their log-determinant is "
        "the sum over the layers. Below each panel: the log-determinant of the matrix by elimination, and "
        "what the layer returns without forming the matrix. Beyond 2.5 colours do not change.",
        "Nine matrices of size eight as coloured squares: couplings and autoregressive layers are "
        "triangular, permuted ones are shuffled, and compositions fill up.",
    )


def shaken(module, seed, scale=0.5):
    """Fresh layers are the identity; add noise to all weights, so that they do something."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: leaf + scale * rng.normal(size=leaf.shape).astype(leaf.dtype), module)

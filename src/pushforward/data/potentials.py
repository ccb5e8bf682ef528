"""The four potentials of Rezende and Mohamed in the plane: unnormalised densities to fit flows to.

Of the four energies only the first bounds the first coordinate; exp(-U) of the others has infinite mass. The densities
here are therefore exp(-U(x)) inside |x_1| <= 4, which is what the paper shows, and fall off outside as a normal of
standard deviation 0.4: a smooth wall, the same for all four.

Reference: Rezende and Mohamed 2015, Variational Inference with Normalizing Flows, arXiv:1505.05770, table 1. The
paper's figures have one mode of w_1 where the sine, of period 4, has two between -4 and 4; the table is followed.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax.nn import sigmoid
from jaxtyping import Array

_WALL, _WALL_WIDTH = 4.0, 0.4


class Potential(NamedTuple):
    """An unnormalised density in the plane.

    Attributes:
        log_density: takes points of shape (..., 2) and returns log p~ in nats, shape (...).
        log_normalizer: log of the integral of p~, in nats.
    """

    log_density: Callable[[Array], Array]
    log_normalizer: float


def u1(x: Array) -> Array:
    """Energy of two facing arcs of a ring of radius 2, x of shape (..., 2)."""
    # The square is kept off 0, where the root has no derivative.
    radius = jnp.sqrt(jnp.maximum(jnp.sum(jnp.square(x), axis=-1), jnp.finfo(x.dtype).tiny))
    left, right = _bump(x[..., 0], -2.0, 0.6), _bump(x[..., 0], 2.0, 0.6)
    return -_bump(radius, 2.0, 0.4) - jnp.logaddexp(left, right)


def u2(x: Array) -> Array:
    """Energy of a band along a sine, x of shape (..., 2)."""
    return -_bump(x[..., 1], _w1(x), 0.4)


def u3(x: Array) -> Array:
    """Energy of a band along a sine that splits in two around x_1 = 1, x of shape (..., 2)."""
    bump = 3 * jnp.exp(_bump(x[..., 0], 1.0, 0.6))
    return -jnp.logaddexp(_bump(x[..., 1], _w1(x), 0.35), _bump(x[..., 1], _w1(x) - bump, 0.35))


def u4(x: Array) -> Array:
    """Energy of a band along a sine with a second one that leaves it near x_1 = 1, x of shape (..., 2)."""
    step = 3 * sigmoid((x[..., 0] - 1) / 0.3)
    return -jnp.logaddexp(_bump(x[..., 1], _w1(x), 0.4), _bump(x[..., 1], _w1(x) - step, 0.35))


def _w1(x: Array) -> Array:
    return jnp.sin(0.5 * jnp.pi * x[..., 0])


def _bump(x: Array, centre: Array | float, width: float) -> Array:
    return -0.5 * jnp.square((x - centre) / width)


def _walled(energy: Callable[[Array], Array]) -> Callable[[Array], Array]:
    def log_density(x: Array) -> Array:
        beyond = jnp.maximum(jnp.abs(x[..., 0]) - _WALL, 0.0)
        return -energy(x) - 0.5 * jnp.square(beyond / _WALL_WIDTH)

    return log_density


# Across the band the densities of u2, u3 and u4 are normals, which integrate to their widths times sqrt(2 pi); along
# it, to the length between the walls and their two halves of a normal.
_ALONG = math.log(2 * _WALL + math.sqrt(2 * math.pi) * _WALL_WIDTH)
_ROOT = 0.5 * math.log(2 * math.pi)

POTENTIALS: dict[str, Potential] = {
    "u1": Potential(_walled(u1), 1.8775016),
    "u2": Potential(_walled(u2), _ALONG + _ROOT + math.log(0.4)),
    "u3": Potential(_walled(u3), _ALONG + _ROOT + math.log(0.7)),
    "u4": Potential(_walled(u4), _ALONG + _ROOT + math.log(0.75)),
}
"""The potentials by name, with their walls. The normaliser of u1 is by quadrature."""

"""Increasing functions of an interval, continued by straight lines, and their numerical inverse."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .elementary import reach_limit
from .roots import increasing_root

Map = Callable[[Array, Array], tuple[Array, Array]]
"""From parameters of shape (num_params, *shape) and x of shape `shape` to y and log_dydx; elementwise, increasing."""

_FAR = 1e15
"""Beyond it the slope of a tail has no gradient: a product with a larger distance may leave float32."""


def linear_tails(function: Map, params: Array, x: Array, bound: float) -> tuple[Array, Array]:
    """Return function(params, x) for x in [-bound, bound], and beyond the tangents at both ends.

    Args:
        function: the map of the interval.
        params: its parameters.
        x: real numbers, any shape.
        bound: half width of the interval.

    Returns:
        y and log_dydx, both of x's shape; log_dydx in nats.

    Gradients: finite for finite x where those of function are at x in [-bound, bound]. Beyond 1e15 the slope of a tail
        passes none on to y.
    """
    # Unlike that of `jnp.clip`, the gradient at the ends is 1.
    near = jnp.where(x < -bound, -bound, jnp.where(x > bound, bound, x))
    y, log_dydx = function(params, near)
    slope = jnp.exp(log_dydx)
    slope = jnp.where(jnp.abs(x) > _FAR, jax.lax.stop_gradient(slope), slope)
    return y + slope * (x - near), log_dydx


def linear_tails_inverse(
    function: Map, params: Array, y: Array, bound: float, start: Array
) -> tuple[Array, Array]:
    """Inverse of `linear_tails`, by Newton's steps within a bracket.

    Args:
        function: the map of the interval.
        params: its parameters.
        y: real numbers, any shape.
        bound: half width of the interval.
        start: a guess of x, of y's shape.

    Returns:
        x and log_dxdy, both of y's shape; log_dxdy in nats.

    Raises:
        NotConverged: as `increasing_root`, if function is not what it should be.

    Gradients: implicit, finite for finite y as in `linear_tails`.
    Accuracy: function(x) misses y by a few roundings of 1 + |y| (tests/numerics/test_tails.py::test_inverse).
    """
    # Near the largest float x may overflow, which would be no failure of the search. So it ends well before, where
    # the map has long been a straight line.
    limit = reach_limit(y.dtype, 0.75)
    near = jnp.where(y < -limit, -limit, jnp.where(y > limit, limit, y))

    def value_and_slope(params: Array, x: Array) -> tuple[Array, Array]:
        value, log_slope = linear_tails(function, params, x, bound)
        return value, jnp.exp(log_slope)

    start = jnp.clip(start, -bound, bound)
    x = increasing_root(value_and_slope, near, params, start=start, unit=1.0, with_slope=True)
    _, log_dydx = linear_tails(function, params, x, bound)
    beyond = jnp.where(jnp.isfinite(near), y - near, 0.0)
    return x + beyond * jnp.exp(jax.lax.stop_gradient(-log_dydx)), -log_dydx

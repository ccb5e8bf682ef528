"""Elementwise: a scalar map with free parameters for every element."""

import math
from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..errors import ShapeError
from ..numerics.batching import batch_last
from .base import Bijector, Cheap, as_float
from .scalar.base import ScalarMap


class Elementwise(Bijector):
    """y_i = map(x_i) with parameters of its own for every element i.

    Args:
        map: the scalar map.
        shape: shape of the event.
        params: initial parameters, shape (*shape, map.num_params); zeros if left out.

    Raises:
        ShapeError: if the parameters have another shape.
    """

    map: ScalarMap
    params: Array
    in_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: None = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)

    def __init__(self, map: ScalarMap, shape: Sequence[int], params: ArrayLike | None = None) -> None:
        self.map = map
        self.in_shape = tuple(shape)
        expected = (*self.in_shape, map.num_params)
        self.params = jnp.zeros(expected) if params is None else as_float(params)
        if self.params.shape != expected:
            raise ShapeError(
                f"Elementwise: expected params of shape {expected}, got shape {self.params.shape}."
            )
        self.context_shape = None
        self.cheap = "both"

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Map every element; see `Bijector`."""
        del context, key
        return map_elements(self.map.forward, jnp.moveaxis(self.params, -1, 0), x)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Map every element back; see `Bijector`."""
        del context, key
        return map_elements(self.map.inverse, jnp.moveaxis(self.params, -1, 0), y)


def map_elements(function: Callable, params: Array, values: Array) -> tuple[Array, Array]:
    """Apply one direction of a scalar map to every element and sum the log-derivatives.

    Args:
        function: `forward` or `inverse` of a `ScalarMap`.
        params: shape (num_params, *values.shape).
        values: any shape.

    Returns:
        The mapped values, and the log-determinant, a scalar in nats.
    """
    if function.__self__.elementwise:
        mapped, log_derivatives = _all_at_once(params, values, function=function)
    else:
        rows = jnp.moveaxis(params.reshape(params.shape[0], -1), 0, 1)
        mapped, log_derivatives = jax.vmap(function)(rows, values.reshape(-1))
        mapped = mapped.reshape(values.shape)
    return mapped, jnp.sum(log_derivatives)


_PIECE = 8192
"""Numbers mapped at a time on a CPU, where what a spline computes on the way then stays in the cache."""


def _map(params: Array, values: Array, *, function: Callable) -> tuple[Array, Array]:
    shape = jnp.broadcast_shapes(params.shape[1:], values.shape)

    def whole(params: Array, values: Array) -> tuple[Array, Array]:
        # What is computed on the way is computed again for the gradient: it is cheap, and there is much of it.
        mapped, log_derivatives = jax.checkpoint(function)(params, values)
        return jnp.broadcast_to(mapped, shape), jnp.broadcast_to(log_derivatives, shape)

    rows = max(_PIECE // math.prod(shape[1:]), 1) if math.prod(shape) else 1
    if math.prod(shape) <= 2 * _PIECE or shape[0] <= rows:
        return whole(params, values)

    def in_pieces(params: Array, values: Array) -> tuple[Array, Array]:
        count = -(-shape[0] // rows)
        size = -(-shape[0] // count)
        missing = count * size - shape[0]
        # Filled up with copies of the last row rather than zeros, at which a map need not be defined.
        params, values = (
            jnp.concatenate(
                [a, *[jax.lax.slice_in_dim(a, -1 + a.shape[k], a.shape[k], axis=k)] * missing], axis=k
            )
            for k, a in ((1, params), (0, jnp.broadcast_to(values, shape)))
        )

        def piece(index: Array) -> tuple[Array, Array]:
            cut = [
                jax.lax.dynamic_slice_in_dim(a, index * size, size, axis=k)
                for k, a in ((1, params), (0, values))
            ]
            mapped, log_derivatives = jax.checkpoint(function)(*cut)
            return tuple(jnp.broadcast_to(a, (size, *shape[1:])) for a in (mapped, log_derivatives))

        pieces = jax.lax.map(piece, jnp.arange(count))
        return tuple(a.reshape(count * size, *shape[1:])[: shape[0]] for a in pieces)

    return jax.lax.platform_dependent(params, values, cpu=in_pieces, default=whole)


_all_at_once = batch_last(_map, carried=(0, 1))

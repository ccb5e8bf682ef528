"""Elementwise: a scalar map with free parameters for every element."""

import functools
import math
from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
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
        self.cheap = map.cheap

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
        return mapped, _total(log_derivatives)
    rows = params.reshape(params.shape[0], values.size).T
    mapped, log_derivatives = jax.vmap(function)(rows, values.reshape(-1))
    return mapped.reshape(values.shape), jnp.sum(log_derivatives)


def _total(values: Array) -> Array:
    """Return the sum of all values, by a product with ones.

    The compiler for CPUs fuses a sum with all that leads to its terms and does not vectorise that: a step of a spline
    flow took 1.05 times as long.
    """
    return jnp.tensordot(jnp.ones_like(values), values, axes=values.ndim, precision="highest")


_PIECE = 8192
"""Numbers mapped at a time on a CPU, where what a spline computes on the way then stays in the cache."""

_MANY_PARAMS = 64
"""More parameters of one element than this are not taken apart, which would take long to compile."""


def _map(params: Array, values: Array, *, function: Callable) -> tuple[Array, Array]:
    """Map all elements: shapes (num_params, n, *batch) and (n, *batch), where a batch of 1 serves any."""
    shape = jnp.broadcast_shapes(params.shape[1:], values.shape)
    values = jnp.broadcast_to(values, shape)
    whole = functools.partial(_whole, function)
    if math.prod(shape) <= 2 * _PIECE or shape[0] == 1:
        return whole(params, values)
    return jax.lax.platform_dependent(params, values, cpu=functools.partial(_in_pieces, whole), default=whole)


def _whole(function: Callable, params: Array, values: Array) -> tuple[Array, Array]:
    """Map all elements at once. What is computed on the way is cheap and much: the gradient computes it again.

    The gradient keeps the parameters one by one: cut out of one stored array at an index, as in a loop over layers,
    they would keep the compiler for CPUs from vectorising what follows.
    """

    def of_rows(rows: Sequence[Array], values: Array) -> tuple[Array, Array]:
        mapped, log_derivatives = function(jnp.concatenate(rows), values)
        return jnp.broadcast_to(mapped, values.shape), jnp.broadcast_to(log_derivatives, values.shape)

    count = params.shape[0]
    sizes = [1] * count if 0 < count <= _MANY_PARAMS else [count]
    return jax.checkpoint(of_rows)(jax.lax.split(params, sizes), values)


def _in_pieces(whole: Callable, params: Array, values: Array) -> tuple[Array, Array]:
    """Apply `whole` to some rows of elements after the other, about _PIECE numbers each."""
    rows = values.shape[0]
    count = -(-rows // max(_PIECE // math.prod(values.shape[1:]), 1))
    size = -(-rows // count)
    # Filled up with copies of the last row rather than zeros, at which a map need not be defined.
    filled = np.minimum(np.arange(count * size), rows - 1)
    if count * size > rows:
        params, values = params[:, filled], values[filled]

    def piece(index: Array) -> tuple[Array, Array]:
        cut = functools.partial(jax.lax.dynamic_slice_in_dim, start_index=index * size, slice_size=size)
        return whole(cut(params, axis=1), cut(values, axis=0))

    mapped, log_derivatives = jax.lax.map(piece, jnp.arange(count))
    shape = (count * size, *values.shape[1:])
    return mapped.reshape(shape)[:rows], log_derivatives.reshape(shape)[:rows]


_all_at_once = batch_last(_map, carried=(0, 1))

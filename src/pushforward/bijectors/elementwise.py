"""Elementwise: a scalar map with free parameters for every element."""

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


def _map(params: Array, values: Array, *, function: Callable) -> tuple[Array, Array]:
    # What is computed on the way is computed again for the gradient: it is cheap, and there is much of it.
    mapped, log_derivatives = jax.checkpoint(function)(params, values)
    shape = jnp.broadcast_shapes(params.shape[1:], values.shape)
    return jnp.broadcast_to(mapped, shape), jnp.broadcast_to(log_derivatives, shape)


_all_at_once = batch_last(_map, carried=(0, 1))

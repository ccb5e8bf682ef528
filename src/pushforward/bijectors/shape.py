"""Bijectors that only move elements, or leave them: Identity, Permute and Reverse."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, PRNGKeyArray

from ..errors import ConfigError
from .base import Bijector, Cheap


class Identity(Bijector):
    """y = x: for a flow whose base is the law itself.

    Args:
        shape: shape of the event.
    """

    in_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: None = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)

    def __init__(self, shape: Sequence[int]) -> None:
        self.in_shape = tuple(shape)
        self.context_shape = None
        self.cheap = "both"

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Return x; the log-determinant is 0. See `Bijector`."""
        del context, key
        return x, jnp.zeros((), x.dtype)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Return y; the log-determinant is 0. See `Bijector`."""
        del context, key
        return y, jnp.zeros((), y.dtype)


class Permute(Bijector):
    """y = x[order], on vectors. The order is an array, so that layers of a Stack may have different ones.

    Args:
        order: a permutation of 0 .. features - 1.

    Raises:
        ConfigError: if it is not a permutation.
    """

    order: Array
    inverse_order: Array
    in_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: None = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)

    def __init__(self, order: Sequence[int] | Array | np.ndarray) -> None:
        # Under tracing, as when a model file asks for the structure alone, there are no numbers to look at.
        if not isinstance(order, Tracer):
            given = np.asarray(order)
            if given.ndim != 1 or sorted(given.tolist()) != list(range(given.size)):
                raise ConfigError(
                    f"Permute: expected each of 0 to {given.size - 1} once, got {given.tolist()}."
                )
        self.order = jnp.asarray(order, dtype=jnp.int32)
        self.inverse_order = jnp.argsort(self.order).astype(jnp.int32)
        self.in_shape = self.order.shape
        self.context_shape = None
        self.cheap = "both"

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Reorder the elements; the log-determinant is 0. See `Bijector`."""
        del context, key
        return x[self.order], jnp.zeros((), x.dtype)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Restore the order; the log-determinant is 0. See `Bijector`."""
        del context, key
        return y[self.inverse_order], jnp.zeros((), y.dtype)


class Reverse(Bijector):
    """y = the elements of x in reversed order, along the last axis.

    Args:
        shape: shape of the event.
    """

    in_shape: tuple[int, ...] = eqx.field(static=True)
    context_shape: None = eqx.field(static=True)
    cheap: Cheap = eqx.field(static=True)

    def __init__(self, shape: Sequence[int]) -> None:
        self.in_shape = tuple(shape)
        self.context_shape = None
        self.cheap = "both"

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y, the same as of x."""
        return self.in_shape

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Reverse the last axis; the log-determinant is 0. See `Bijector`."""
        del context, key
        return jnp.flip(x, -1), jnp.zeros((), x.dtype)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Reverse the last axis again; the log-determinant is 0. See `Bijector`."""
        del context, key
        return jnp.flip(y, -1), jnp.zeros((), y.dtype)

"""Amortised: a bijector whose parameters a network reads off the context, anew for each event."""

import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from ..errors import ConfigError, ShapeError
from ..numerics.batching import reshaped
from .base import Bijector, Cheap
from .frozen import trainable


class Amortised(Bijector):
    """A bijector's parameters plus net(context): amortised variational inference gives each event its own map.

    Where the net returns zeros, as an `MLP` does at its start, the map is the bijector as given, whose own parameters
    are trained too. It serves every bijector whose map is invertible for all values of its parameters.

    Args:
        bijector: the map; it must not take a context itself.
        net: called as net(nothing, context, key=key) with an empty vector; returns `count_parameters(bijector)`
            numbers. An `MLP` with `in_features=0` is one.
        context_shape: shape of the context that the net takes.

    Raises:
        ConfigError: if the bijector takes a context, or has no parameters.
        ShapeError: when called, if the net returns another number of parameters.

    Reference: Rezende and Mohamed 2015, arXiv:1505.05770, section 4; van den Berg et al. 2018, arXiv:1803.05649: in
        both the parameters of every layer are functions of the datapoint.
    """

    bijector: Bijector
    net: Callable
    context_shape: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, bijector: Bijector, net: Callable, context_shape: tuple[int, ...]) -> None:
        if bijector.context_shape is not None:
            raise ConfigError(
                f"Amortised: expected a bijector without a context, got {type(bijector).__name__} with one of shape "
                f"{bijector.context_shape}."
            )
        if not count_parameters(bijector):
            raise ConfigError(
                f"Amortised: expected a bijector with parameters, got {type(bijector).__name__}."
            )
        self.bijector = bijector
        self.net = net
        self.context_shape = tuple(context_shape)

    @property
    def in_shape(self) -> tuple[int, ...]:
        """Shape of x: the bijector's."""
        return self.bijector.in_shape

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of y: the bijector's."""
        return self.bijector.out_shape

    @property
    def cheap(self) -> Cheap:
        """The bijector's cheap direction; the net is passed once in both."""
        return self.bijector.cheap

    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Apply the map of this context; see `Bijector`."""
        return self._given(x, context, key).forward_and_log_det(x)

    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Invert the map of this context; see `Bijector`."""
        return self._given(y, context, key).inverse_and_log_det(y)

    def _given(self, event: Array, context: Array | None, key: PRNGKeyArray | None) -> Bijector:
        """Return the bijector with the parameters of one context."""
        numbers = self.net(jnp.zeros(0, event.dtype), context, key=key)
        own, rest = eqx.partition(self.bijector, trainable(self.bijector))
        leaves, structure = jax.tree.flatten(own)
        sizes = [leaf.size for leaf in leaves]
        if numbers.size != sum(sizes):
            raise ShapeError(
                f"Amortised: expected a net that returns {sum(sizes)} parameters, got {numbers.size} from "
                f"{type(self.net).__name__}."
            )
        parts = jax.lax.split(reshaped(numbers, shape=(sum(sizes),)), sizes)
        moved = [leaf + part.reshape(leaf.shape) for leaf, part in zip(leaves, parts, strict=True)]
        return eqx.combine(jax.tree.unflatten(structure, moved), rest)


def count_parameters(bijector: Bijector) -> int:
    """Return how many trainable numbers a bijector holds: what a net must return for it."""
    own = eqx.filter(bijector, trainable(bijector))
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(own))

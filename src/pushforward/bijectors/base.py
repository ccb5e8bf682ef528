"""The contract of every invertible map, and the checks at its door."""

import abc
import functools
from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..errors import ConfigError, DomainError, ShapeError

Cheap = Literal["both", "forward", "inverse", "neither"]
Context = ArrayLike | None

BATCH_AXIS = "pushforward batch"
"""The name of the axis along which an objective maps a training batch, for layers that take its statistics."""


class Bijector(eqx.Module):
    """An invertible map y = f(x; context) on ONE event, with log|det df/dx|.

    `forward` goes from the base to the data, for every bijector. Batches are made by `jax.vmap`, never
    inside. A subclass is final. It gives the four attributes and the two abstract methods; shape, dtype and
    context are checked before its own code runs, so it need not check them again.

    Attributes:
        in_shape: shape of x.
        out_shape: shape of y.
        context_shape: shape of the context of one event, or None if the map takes none.
        cheap: the direction that costs one pass; the other one is sequential or iterative. "neither" is what
            a chain of maps with opposite cheap directions has.
    """

    in_shape: eqx.AbstractVar[tuple[int, ...]]
    out_shape: eqx.AbstractVar[tuple[int, ...]]
    context_shape: eqx.AbstractVar[tuple[int, ...] | None]
    cheap: eqx.AbstractVar[Cheap]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, attribute, letter in (
            ("forward_and_log_det", "in_shape", "x"),
            ("inverse_and_log_det", "out_shape", "y"),
            ("forward", "in_shape", "x"),
            ("inverse", "out_shape", "y"),
        ):
            if name in cls.__dict__:
                setattr(cls, name, _door(cls.__dict__[name], attribute, letter))

    @abc.abstractmethod
    def forward_and_log_det(
        self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Map one base event to the data side.

        Args:
            x: the event, shape `in_shape`.
            context: the condition, shape `context_shape`; None exactly if the map takes none.
            key: randomness for what is random inside the map; without it the map is deterministic.

        Returns:
            y of shape `out_shape`, and log|det dy/dx|, a scalar in nats.
        """

    @abc.abstractmethod
    def inverse_and_log_det(
        self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        """Map one data event to the base side.

        Args:
            y: the event, shape `out_shape`.
            context: the condition, shape `context_shape`; None exactly if the map takes none.
            key: randomness for what is random inside the map; without it the map is deterministic.

        Returns:
            x of shape `in_shape`, and log|det dx/dy|, a scalar in nats.
        """

    def forward(self, x: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None) -> Array:
        """Return y alone. Under `jax.jit` the unused log-determinant costs nothing."""
        return self.forward_and_log_det(x, context, key=key)[0]

    def inverse(self, y: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None) -> Array:
        """Return x alone. Under `jax.jit` the unused log-determinant costs nothing."""
        return self.inverse_and_log_det(y, context, key=key)[0]


def _door(method: Callable, attribute: str, letter: str) -> Callable:
    """Wrap one direction of a bijector in the checks of shape, dtype and context."""

    @functools.wraps(method)
    def checked(
        self: Bijector, event: Array, context: Array | None = None, *, key: PRNGKeyArray | None = None
    ) -> tuple[Array, Array]:
        who = f"{type(self).__name__}.{method.__name__}"
        event = as_float(event, who)
        expected = getattr(self, attribute)
        if event.shape != expected:
            hint = ""
            if event.ndim > len(expected) and event.shape[event.ndim - len(expected) :] == expected:
                hint = " A bijector maps one event: use jax.vmap for a batch."
            raise ShapeError(
                f"{who}: expected one event of shape {expected}, got {letter} of shape {event.shape}.{hint}"
            )
        context = check_context(who, context, self.context_shape)
        return method(self, event, context, key=key)

    return checked


def check_context(who: str, context: Context, expected: tuple[int, ...] | None) -> Array | None:
    """Return the context of one event as an array, or raise if it does not fit `expected`."""
    if expected is None:
        if context is not None:
            raise ShapeError(
                f"{who}: expected no context, got one of shape {jnp.shape(context)}. "
                "Build the map with context_features to condition it."
            )
        return None
    if context is None:
        raise ShapeError(f"{who}: expected a context of shape {expected}, got none.")
    array = as_float(context, who)
    if array.shape != expected:
        raise ShapeError(f"{who}: expected a context of shape {expected}, got shape {array.shape}.")
    return array


def as_float(value: ArrayLike, who: str = "as_float") -> Array:
    """Return an array of floats: integers and booleans become the default float, floats keep their dtype.

    Args:
        value: numbers.
        who: whose argument it is, for the error.

    Raises:
        DomainError: if they are complex, or an array of something else, as text.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind in "OSUMm":
        raise DomainError(f"{who}: expected real numbers, got {value.dtype} of shape {value.shape}.")
    array = value if isinstance(value, jax.Array) else jnp.asarray(value)
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        raise DomainError(f"{who}: expected real numbers, got {array.dtype} of shape {array.shape}.")
    return array if jnp.issubdtype(array.dtype, jnp.floating) else array.astype(float)


def check_features(who: str, features: int) -> None:
    """Raise a ConfigError unless the size of a vector is a whole number of at least 1."""
    if type(features) is not int or features < 1:
        raise ConfigError(f"{who}: expected features to be a whole number of at least 1, got {features!r}.")


def merge_context_shapes(who: str, shapes: list[tuple[int, ...] | None]) -> tuple[int, ...] | None:
    """Return the one context shape of several maps, those without left out, or raise if they differ."""
    given = {shape for shape in shapes if shape is not None}
    if len(given) > 1:
        raise ShapeError(f"{who}: its parts expect contexts of different shapes: {sorted(given)}.")
    return given.pop() if given else None

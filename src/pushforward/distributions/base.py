"""The contract of every distribution."""

import abc

import equinox as eqx
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from .bound import public
from .door import draw, map_events


class Distribution(eqx.Module):
    """A law over events of shape `event_shape`, given an optional context of shape `context_shape`.

    A subclass is final. It gives the two attributes and the two abstract methods, which speak of ONE event;
    the public methods check shapes, broadcast batches and compile.

    Attributes:
        event_shape: shape of one event.
        context_shape: shape of the context of one event, or None if the law takes none.
    """

    event_shape: eqx.AbstractVar[tuple[int, ...]]
    context_shape: eqx.AbstractVar[tuple[int, ...] | None]

    @abc.abstractmethod
    def _log_prob(self, x: Array, context: Array | None) -> Array:
        """Return the log-density of one event, a scalar in nats."""

    @abc.abstractmethod
    def _sample_and_log_prob(self, key: PRNGKeyArray, context: Array | None) -> tuple[Array, Array]:
        """Draw one event and return it with its log-density, without inverting anything numerically."""

    @public
    def log_prob(self, x: ArrayLike, context: ArrayLike | None = None) -> Array:
        """Return the log-density of every event.

        Args:
            x: events, shape (*batch, *event_shape).
            context: conditions, shape (*batch, *context_shape); the two batches broadcast.

        Returns:
            Log-densities in nats, of the broadcast batch shape. Outside the support -inf. NaN in x stays NaN.

        Raises:
            ShapeError: if x or the context has another shape, or a context is missing or superfluous.
        """
        return map_events(self, "log_prob", x, context)

    @public
    def sample(
        self, key: PRNGKeyArray, shape: int | tuple[int, ...] = (), context: ArrayLike | None = None
    ) -> Array:
        """Draw events.

        Draw number i depends on the key and on i alone: a longer sample begins with the shorter one.

        Args:
            key: a JAX random key.
            shape: how many independent draws for each context.
            context: conditions, shape (*batch, *context_shape).

        Returns:
            Events of shape (*shape, *batch, *event_shape).

        Raises:
            ShapeError: if the context has another shape, or is missing or superfluous.
            ConfigError: if the key is no JAX random key.
        """
        return draw(self, "sample", key, shape, context)

    @public
    def sample_and_log_prob(
        self, key: PRNGKeyArray, shape: int | tuple[int, ...] = (), context: ArrayLike | None = None
    ) -> tuple[Array, Array]:
        """Draw events together with their log-densities; cheaper and more accurate than two calls.

        Args:
            key: a JAX random key.
            shape: how many independent draws for each context.
            context: conditions, shape (*batch, *context_shape).

        Returns:
            Events of shape (*shape, *batch, *event_shape), and log-densities in nats of shape (*shape,
            *batch).

        Raises:
            ShapeError: if the context has another shape, or is missing or superfluous.
            ConfigError: if the key is no JAX random key.
        """
        return draw(self, "sample_and_log_prob", key, shape, context)

    def _sample(self, key: PRNGKeyArray, context: Array | None) -> Array:
        return self._sample_and_log_prob(key, context)[0]

"""The contract of every distribution: the checks at its door, and the only place where batches are made."""

import abc
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..bijectors.base import as_float
from ..errors import ShapeError

ROWS_PER_CALL = 4096
"""Rows that one compiled call handles; longer batches run in several calls of this size."""


class Distribution(eqx.Module):
    """A law over events of shape `event_shape`, given an optional context of shape `context_shape`.

    A subclass is final. It gives the two attributes and the two abstract methods, which speak of ONE event; the
    public methods check shapes, broadcast batches and compile.

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
        return self._map_events("log_prob", self._log_prob, x, context)

    def sample(
        self, key: PRNGKeyArray, shape: int | tuple[int, ...] = (), context: ArrayLike | None = None
    ) -> Array:
        """Draw events.

        Args:
            key: a JAX random key.
            shape: how many independent draws for each context.
            context: conditions, shape (*batch, *context_shape).

        Returns:
            Events of shape (*shape, *batch, *event_shape).

        Raises:
            ShapeError: if the context has another shape, or is missing or superfluous.
        """
        return self._draw("sample", self._sample, key, shape, context)

    def sample_and_log_prob(
        self, key: PRNGKeyArray, shape: int | tuple[int, ...] = (), context: ArrayLike | None = None
    ) -> tuple[Array, Array]:
        """Draw events together with their log-densities; cheaper and more accurate than two calls.

        Args:
            key: a JAX random key.
            shape: how many independent draws for each context.
            context: conditions, shape (*batch, *context_shape).

        Returns:
            Events of shape (*shape, *batch, *event_shape) and log-densities of shape (*shape, *batch), in nats.

        Raises:
            ShapeError: if the context has another shape, or is missing or superfluous.
        """
        return self._draw("sample_and_log_prob", self._sample_and_log_prob, key, shape, context)

    def _sample(self, key: PRNGKeyArray, context: Array | None) -> Array:
        return self._sample_and_log_prob(key, context)[0]

    def _map_events(
        self,
        method: str,
        function: Callable,
        x: ArrayLike,
        context: ArrayLike | None,
        *,
        event_shape: tuple[int, ...] | None = None,
        name: str = "x",
    ) -> Any:
        """Map a function of (event, context) over a batch of events, by default events of the law itself."""
        who = f"{type(self).__name__}.{method}"
        event_shape = self.event_shape if event_shape is None else event_shape
        events = as_float(x)
        batch = split_batch(who, "events", name, events.shape, event_shape)
        conditions, context_batch = self._conditions(who, context)
        try:
            full = jnp.broadcast_shapes(batch, context_batch)
        except ValueError as error:
            raise ShapeError(
                f"{who}: the batch {batch} of {name} and the batch {context_batch} of the context do not broadcast."
            ) from error
        rows = _to_rows(events, full, event_shape)
        if conditions is None or not context_batch:
            out = map_rows(function, (rows,), (conditions,))
        else:
            out = map_rows(function, (rows, _to_rows(conditions, full, self.context_shape)))
        return jax.tree.map(lambda leaf: leaf.reshape(full + leaf.shape[1:]), out)

    def _draw(
        self,
        method: str,
        function: Callable,
        key: PRNGKeyArray,
        shape: int | tuple[int, ...],
        context: ArrayLike | None,
    ) -> Any:
        """Map a function of (key, context) over as many keys as draws are asked for."""
        who = f"{type(self).__name__}.{method}"
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        if any(size < 0 for size in shape):
            raise ShapeError(f"{who}: expected sizes of at least 0, got shape {shape}.")
        conditions, context_batch = self._conditions(who, context)
        full = shape + context_batch
        keys = jr.split(key, math.prod(full))
        if conditions is None or not context_batch:
            out = map_rows(function, (keys,), (conditions,))
        else:
            out = map_rows(function, (keys, _to_rows(conditions, full, self.context_shape)))
        return jax.tree.map(lambda leaf: leaf.reshape(full + leaf.shape[1:]), out)

    def _conditions(self, who: str, context: ArrayLike | None) -> tuple[Array | None, tuple[int, ...]]:
        """Return the context as an array with its batch shape, or raise if it does not fit."""
        if self.context_shape is None:
            if context is not None:
                raise ShapeError(
                    f"{who}: expected no context, got one of shape {jnp.shape(context)}. "
                    "Build the flow with context_features to condition it."
                )
            return None, ()
        if context is None:
            raise ShapeError(f"{who}: expected contexts of shape {self.context_shape}, got none.")
        conditions = as_float(context)
        return conditions, split_batch(who, "contexts", "context", conditions.shape, self.context_shape)


def split_batch(
    who: str, what: str, name: str, shape: tuple[int, ...], event_shape: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the batch part of a shape that must end in `event_shape`, or raise."""
    cut = len(shape) - len(event_shape)
    if cut < 0 or shape[cut:] != event_shape:
        hint = f" The law was built for {event_shape[0]} features." if len(event_shape) == 1 else ""
        raise ShapeError(f"{who}: expected {what} of shape {event_shape}, got {name} of shape {shape}.{hint}")
    return shape[:cut]


def map_rows(function: Callable, rows: tuple[Any, ...], shared: tuple[Any, ...] = ()) -> Any:
    """Map `function(*row, *shared)` over the leading axis of `rows`.

    Outside of JAX transformations the map is compiled, in calls of at most `ROWS_PER_CALL` rows. A shorter rest is
    padded to a power of two, so that any number of rows meets one of a dozen compiled programs.

    Args:
        function: a module, a module's method or a function of (*row, *shared), for one row.
        rows: arrays of shape (n, ...), n of any size, 0 included.
        shared: what every row sees alike.

    Returns:
        The results, stacked along the first axis.
    """
    leaves = jax.tree.leaves((function, rows, shared))
    count = jax.tree.leaves(rows)[0].shape[0]
    if count == 0 or any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        return jax.vmap(lambda *row: function(*row, *shared))(*rows)
    results, start = [], 0
    while start < count:
        size = min(ROWS_PER_CALL, count - start)
        block = jax.tree.map(lambda leaf, i=start, n=size: _padded(leaf[i : i + n]), rows)
        result = _map_compiled(function, block, shared)
        results.append(jax.tree.map(lambda leaf, n=size: leaf[:n], result))
        start += size
    return results[0] if len(results) == 1 else jax.tree.map(lambda *parts: jnp.concatenate(parts), *results)


@eqx.filter_jit
def _map_compiled(function: Callable, rows: tuple[Any, ...], shared: tuple[Any, ...]) -> Any:
    return jax.vmap(lambda *row: function(*row, *shared))(*rows)


def _padded(rows: Array) -> Array:
    """Repeat the last row until the number of rows is a power of two."""
    missing = (1 << (rows.shape[0] - 1).bit_length()) - rows.shape[0]
    return rows if missing == 0 else jnp.concatenate([rows, jnp.repeat(rows[-1:], missing, axis=0)])


def _to_rows(array: Array, batch: tuple[int, ...], event_shape: tuple[int, ...] | None) -> Array:
    event_shape = event_shape or ()
    return jnp.broadcast_to(array, batch + event_shape).reshape((math.prod(batch), *event_shape))

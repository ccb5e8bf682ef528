"""The contract of every distribution: the checks at its door, and the only place where batches are made."""

import abc
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..bijectors.base import as_float
from ..errors import ConfigError, ShapeError
from ..numerics.convergence import naming_failures

ROWS_PER_CALL = 16384
"""The most rows of one compiled call; longer batches run in several calls."""

# Measured on two cores: a spline flow of 21 features is fastest in blocks of 1024 rows; events of a few numbers go in
# one block.
_BLOCK_ROWS = ROWS_PER_CALL
_BLOCK_NUMBERS = 1024 * 32


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
            Events of shape (*shape, *batch, *event_shape), and log-densities in nats of shape (*shape,
            *batch).

        Raises:
            ShapeError: if the context has another shape, or is missing or superfluous.
            ConfigError: if the key is no JAX random key.
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
        events = _numbers(x, who)
        batch = split_batch(who, "events", name, events.shape, event_shape)
        conditions, context_batch = self._conditions(who, context)
        try:
            full = jnp.broadcast_shapes(batch, context_batch)
        except ValueError as error:
            raise ShapeError(
                f"{who}: expected batches that broadcast, got {batch} of {name} and {context_batch} of the "
                "context."
            ) from error
        rows = (_to_rows(events, full, event_shape),)
        return self._map(function, rows, full, conditions, context_batch)

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
        sizes = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
        if any(size < 0 for size in sizes):
            raise ShapeError(f"{who}: expected sizes of at least 0, got shape {shape}.")
        if not isinstance(key, jax.Array | np.ndarray):
            raise ConfigError(f"{who}: expected a key like jax.random.key(0), got {key!r}.")
        conditions, context_batch = self._conditions(who, context)
        full = sizes + context_batch
        rows = (np.arange(math.prod(full), dtype=np.uint32),)
        return self._map(_Draw(function, key), rows, full, conditions, context_batch)

    def _map(
        self,
        function: Callable,
        rows: tuple[Any, ...],
        batch: tuple[int, ...],
        conditions: Any,
        context_batch: tuple[int, ...],
    ) -> Any:
        """Map a function of (*row, condition) over rows; every row has its condition, or all have one."""
        width = max(math.prod(self.event_shape), 1)
        if conditions is None or not context_batch:
            out = map_rows(function, rows, (conditions,), width=width)
        else:
            out = map_rows(function, (*rows, _to_rows(conditions, batch, self.context_shape)), width=width)
        return jax.tree.map(lambda leaf: _reshaped(leaf, batch + leaf.shape[1:]), out)

    def _conditions(self, who: str, context: ArrayLike | None) -> tuple[Any, tuple[int, ...]]:
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
        conditions = _numbers(context, who)
        return conditions, split_batch(who, "contexts", "context", conditions.shape, self.context_shape)


def split_batch(
    who: str, what: str, name: str, shape: tuple[int, ...], event_shape: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the batch part of a shape that must end in `event_shape`, or raise."""
    cut = len(shape) - len(event_shape)
    if cut < 0 or shape[cut:] != event_shape:
        features = "features" if what == "events" else "context features"
        hint = f" The law was built for {event_shape[0]} {features}." if len(event_shape) == 1 else ""
        raise ShapeError(f"{who}: expected {what} of shape {event_shape}, got {name} of shape {shape}.{hint}")
    return shape[:cut]


class _Draw(eqx.Module):
    """A function of (key, *rest) as one of (number of the draw, *rest)."""

    function: Callable
    key: PRNGKeyArray

    def __call__(self, index: Array, *rest: Any) -> Any:
        return self.function(jr.fold_in(self.key, index), *rest)


def map_rows(
    function: Callable, rows: tuple[Any, ...], shared: tuple[Any, ...] = (), *, width: int = 1
) -> Any:
    """Map `function(*row, *shared)` over the leading axis of `rows`.

    The map is compiled. Outside of JAX transformations it runs in calls of at most `ROWS_PER_CALL` rows, the last one
    padded to the next of a few sizes: any number of rows meets one or two of some twenty compiled programs.
    Cutting and padding are NumPy's work: in JAX each new number of rows would compile a few small programs of
    its own. A program goes through its rows in blocks that stay in the processor's cache.

    Args:
        function: a module, a module's method or a function of (*row, *shared), for one row.
        rows: arrays of shape (n, ...), n of any size, 0 included.
        shared: what every row sees alike.
        width: how many numbers one row's work is about; wider rows go in smaller blocks.

    Returns:
        The results, stacked along the first axis.
    """
    count = rows[0].shape[0]
    if count == 0:
        shapes = eqx.filter_eval_shape(_map_compiled, function, rows, shared, None)
        return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves((function, rows, shared))):
        return _map_compiled(function, rows, shared, None)
    block = min(max(_BLOCK_NUMBERS // width, 64), _BLOCK_ROWS)
    block = 1 << (block.bit_length() - 1)
    results, start, sizes = [], 0, _program_rows(count)
    if sizes == [count]:
        # Nothing below waits for this call: it may yet read NumPy arguments after their owner changed them.
        rows, shared = jax.tree.map(_owned, (rows, shared))
    for size in sizes:
        piece = tuple(_padded(np.asarray(row)[start : start + size], size) for row in rows)
        with naming_failures():
            cut = math.gcd(block, size)
            results.append(_map_compiled(function, piece, shared, cut if size > cut else None))
        start += size
    if sizes == [count]:
        return results[0]
    return jax.tree.map(lambda *parts: _joined(parts, count), *results)


def _owned(leaf: Any) -> Any:
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


def _joined(parts: tuple[Any, ...], count: int) -> Array:
    # Concrete rows inside somebody's jit give traced results.
    if any(isinstance(part, Tracer) for part in parts):
        return jnp.concatenate(parts)[:count]
    return jax.device_put(np.concatenate(parts)[:count])


@eqx.filter_jit
def _map_compiled(
    function: Callable, rows: tuple[Any, ...], shared: tuple[Any, ...], block: int | None
) -> Any:
    if block is None:
        return jax.vmap(lambda *row: function(*row, *shared))(*rows)
    return jax.lax.map(lambda row: function(*row, *shared), rows, batch_size=block)


def _program_rows(count: int) -> list[int]:
    """Return the sizes of the calls that `count` rows are cut into; only the last may be larger than its rest.

    The last one's is a power of two up to 1024, a multiple of 1024 up to 8192, and then one of 2048.
    """
    full, rest = divmod(count, ROWS_PER_CALL)
    sizes = [ROWS_PER_CALL] * full
    if 0 < rest <= 1024:
        sizes.append(1 << (rest - 1).bit_length())
    elif rest:
        step = 1024 if rest <= 8192 else 2048
        sizes.append(-(-rest // step) * step)
    return sizes


def _padded(rows: np.ndarray, size: int) -> np.ndarray:
    """Repeat the last row until there are `size` of them."""
    missing = size - len(rows)
    return np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)]) if missing else rows


def _numbers(value: ArrayLike, who: str) -> Any:
    """Return floats as `as_float` does, in a NumPy array unless they are traced."""
    if isinstance(value, Tracer):
        return as_float(value, who)
    array = np.asarray(value)
    if not jnp.issubdtype(array.dtype, jnp.floating):
        return np.asarray(as_float(array, who))
    with np.errstate(over="ignore"):  # float64 beyond float32 is infinite there, as in JAX
        return array.astype(jnp.result_type(array), copy=False)


def _to_rows(array: Any, batch: tuple[int, ...], event_shape: tuple[int, ...] | None) -> Any:
    event_shape = event_shape or ()
    library = jnp if isinstance(array, Tracer) else np
    return library.broadcast_to(array, batch + event_shape).reshape((math.prod(batch), *event_shape))


def _reshaped(array: Array, shape: tuple[int, ...]) -> Array:
    if array.shape == shape or isinstance(array, Tracer):
        return array.reshape(shape)
    return jax.device_put(np.asarray(array).reshape(shape))

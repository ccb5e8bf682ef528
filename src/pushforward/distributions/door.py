"""The door of every distribution: what came in is checked and becomes rows, and results become batches again.

Functions of a law and not its methods, and `Partial` for what is mapped: a bound method of a module is a module, and
making one takes longer than all of these checks.
"""

import math
from collections.abc import Callable
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.core import Tracer
from jax.tree_util import Partial
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from ..bijectors.base import as_float
from ..errors import ConfigError, ShapeError
from ..numerics.programs import on_cpu
from .rows import map_rows


class Law(Protocol):
    """What the door asks of a distribution."""

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one event."""
        ...

    @property
    def context_shape(self) -> tuple[int, ...] | None:
        """Shape of the context of one event, or None."""
        ...


def map_events(
    law: Law,
    method: str,
    x: ArrayLike,
    context: ArrayLike | None,
    *,
    event_shape: tuple[int, ...] | None = None,
    name: str = "x",
) -> Any:
    """Map the law's `_method`, a function of (event, context), over a batch of events, by default the law's own."""
    who = f"{type(law).__name__}.{method}"
    event_shape = law.event_shape if event_shape is None else event_shape
    events = _numbers(x, who)
    batch = split_batch(who, "events", name, events.shape, event_shape)
    conditions, context_batch = conditions_of(law, who, context)
    try:
        full = np.broadcast_shapes(batch, context_batch)
    except ValueError as error:
        raise ShapeError(
            f"{who}: expected batches that broadcast, got {batch} of {name} and {context_batch} of the "
            "context."
        ) from error
    rows = (_to_rows(events, full, event_shape),)
    return _map(law, _for_one(law, method), rows, full, conditions, context_batch)


def draw(
    law: Law,
    method: str,
    key: PRNGKeyArray,
    shape: int | tuple[int, ...],
    context: ArrayLike | None,
) -> Any:
    """Map the law's `_method`, a function of (key, context), over as many keys as draws are asked for."""
    who = f"{type(law).__name__}.{method}"
    sizes = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    if any(size < 0 for size in sizes):
        raise ShapeError(f"{who}: expected sizes of at least 0, got shape {shape}.")
    if not isinstance(key, jax.Array | np.ndarray):
        raise ConfigError(f"{who}: expected a key like jax.random.key(0), got {key!r}.")
    conditions, context_batch = conditions_of(law, who, context)
    full = sizes + context_batch
    rows = (np.arange(math.prod(full), dtype=np.uint32),)
    function = Partial(_drawn, _for_one(law, method), key)
    return _map(law, function, rows, full, conditions, context_batch)


def _map(
    law: Law,
    function: Callable,
    rows: tuple[Any, ...],
    batch: tuple[int, ...],
    conditions: Any,
    context_batch: tuple[int, ...],
) -> Any:
    """Map a function of (*row, condition) over rows; every row has its condition, or all have one."""
    width = max(math.prod(law.event_shape), 1)
    if conditions is None or not context_batch:
        out = map_rows(function, rows, (conditions,), width=width)
    else:
        out = map_rows(function, (*rows, _to_rows(conditions, batch, law.context_shape)), width=width)
    return jax.tree.map(lambda leaf: _reshaped(leaf, batch + leaf.shape[1:]), out)


def conditions_of(law: Law, who: str, context: ArrayLike | None) -> tuple[Any, tuple[int, ...]]:
    """Return the context as an array with its batch shape, or raise if it does not fit."""
    if law.context_shape is None:
        if context is not None:
            raise ShapeError(
                f"{who}: expected no context, got one of shape {jnp.shape(context)}. "
                "Build the flow with context_features to condition it."
            )
        return None, ()
    if context is None:
        raise ShapeError(f"{who}: expected contexts of shape {law.context_shape}, got none.")
    conditions = _numbers(context, who)
    return conditions, split_batch(who, "contexts", "context", conditions.shape, law.context_shape)


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


def _for_one(law: Law, method: str) -> Partial:
    """Return the law's function for one event that stands behind a public method."""
    return Partial(getattr(type(law), f"_{method}"), law)


def _drawn(function: Callable, key: PRNGKeyArray, index: Array, *rest: Any) -> Any:
    return function(jr.fold_in(key, index), *rest)


def _numbers(value: ArrayLike, who: str) -> Any:
    """Return floats as `as_float` does, in a NumPy array unless JAX has them, traced or on an accelerator."""
    if _is_jax(value):
        return as_float(value, who)
    array = np.asarray(value)
    if array.dtype == np.float32:
        return array
    if not jnp.issubdtype(array.dtype, jnp.floating):
        return np.asarray(as_float(array, who))
    with np.errstate(over="ignore"):  # float64 beyond float32 is infinite there, as in JAX
        return array.astype(jnp.result_type(array), copy=False)


def _is_jax(value: Any) -> bool:
    """Return whether a value is JAX's to work with: on a CPU, where each new shape would compile, NumPy does it."""
    return isinstance(value, Tracer) or (isinstance(value, jax.Array) and not on_cpu())


def _to_rows(array: Any, batch: tuple[int, ...], event_shape: tuple[int, ...] | None) -> Any:
    event_shape = event_shape or ()
    shape = batch + event_shape
    if array.shape == shape and len(batch) == 1:
        return array
    library = jnp if _is_jax(array) else np
    return library.broadcast_to(array, shape).reshape((math.prod(batch), *event_shape))


def _reshaped(array: Array, shape: tuple[int, ...]) -> Array:
    if array.shape == shape:
        return array
    if _is_jax(array):
        return array.reshape(shape)
    return jax.device_put(np.asarray(array).reshape(shape))

"""How an event passes through layers, one by one or in a loop; what `Chain` and `Stack` do."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray, PyTree

from ..errors import ConfigError
from ..numerics.programs import computed_once
from .base import Bijector
from .norm import BatchNorm
from .reversible import Layers, Lift, Memory, Method, apply_reversibly, pull_back


def checked_memory(who: str, memory: Memory, layers: Sequence[Bijector]) -> Memory:
    """Return the argument `memory` of a container.

    Raises:
        ConfigError: if it is unknown, or the layers cannot be undone while they are trained.
    """
    if memory not in get_args(Memory):
        raise ConfigError(f"{who}: expected memory store or constant, got {memory!r}.")
    nodes = jax.tree.leaves(layers, is_leaf=lambda node: isinstance(node, BatchNorm))
    if memory == "constant" and any(isinstance(node, BatchNorm) for node in nodes):
        raise ConfigError(
            f"{who}: memory constant undoes every layer in training, but BatchNorm, which then normalises by the "
            "statistics of its input, cannot be undone from its output. Leave it out, or take memory store."
        )
    return memory


def chained(
    parts: tuple[Bijector, ...],
    method: Method,
    event: Array,
    context: Array | None,
    key: PRNGKeyArray | None,
    memory: Memory,
) -> tuple[Array, Array]:
    """Apply one direction of different layers, given in sampling order, one by one."""
    arrays, static = eqx.partition(parts, eqx.is_array)
    order = range(len(parts)) if method == "forward_and_log_det" else range(len(parts))[::-1]

    def layer(index: int) -> Callable:
        return _one_layer(static[index], index)

    def apply(
        arrays: Any, event: Array, context: Array | None, key: PRNGKeyArray | None
    ) -> tuple[Array, Array]:
        total = jnp.zeros((), event.dtype)
        for index in order:
            event, log_det = layer(index)(method, arrays[index], event, context, key)
            total = total + log_det
        return event, total

    def pull(
        lift: Lift, arrays: Any, y: Array, context: Array | None, key: PRNGKeyArray | None, cotangents: Any
    ) -> tuple[Any, Array, Array | None]:
        by_y, by_log_det = cotangents
        by_arrays, by_context = list(arrays), _zeros(context)
        for index in reversed(order):
            given = (arrays[index], y, context, key)
            y, by_arrays[index], by_y, more = pull_back(layer(index), method, lift, given, (by_y, by_log_det))
            by_context = _sum(by_context, more)
        return tuple(by_arrays), by_y, by_context

    if memory == "store":
        return apply(arrays, event, context, key)
    return apply_reversibly(Layers(apply, pull), arrays, _promoted(event, arrays, context), context, key)


@dataclasses.dataclass(frozen=True)
class Loop:
    """How `jax.lax.scan` goes through the layers of a stack.

    Attributes:
        depth: how many layers there are.
        unroll: how many of them one turn of the loop holds.
        small: the largest number of elements of an array that is turned in the loop rather than read at its index.
    """

    depth: int
    unroll: int
    small: int

    def run(self, step: Callable, start: PyTree, arrays: PyTree, *, reverse: bool) -> tuple[PyTree, PyTree]:
        """Run a step for every layer.

        Args:
            step: takes the carry, the arrays of one layer and its number; returns the carry and what to collect.
            start: the first carry.
            arrays: of all layers, stacked.
            reverse: whether to go from the last layer to the first.

        Returns:
            The last carry, and what was collected, stacked in the order of the layers.
        """
        here, onward = (-1, 1) if reverse else (0, -1)
        turned, read = eqx.partition(arrays, lambda leaf: leaf[0].size <= self.small)

        def turn(carry: tuple[PyTree, PyTree], layer: tuple[PyTree, Array]) -> tuple[Any, PyTree]:
            (state, turned), (leaves, index) = carry, layer
            leaves = eqx.combine(jax.tree.map(lambda leaf: leaf[here], turned), leaves)
            state, out = step(state, leaves, index)
            return (state, jax.tree.map(lambda leaf: jnp.roll(leaf, onward, axis=0), turned)), out

        layers = (read, jnp.arange(self.depth))
        (state, _), out = jax.lax.scan(turn, (start, turned), layers, reverse=reverse, unroll=self.unroll)
        return state, out


def stacked(
    stack: Bijector,
    loop: Loop,
    method: Method,
    event: Array,
    context: Array | None,
    key: PRNGKeyArray | None,
    memory: Memory,
) -> tuple[Array, Array]:
    """Apply one direction of layers of one structure, whose arrays are stacked in sampling order."""
    arrays, static = eqx.partition(stack, eqx.is_array)
    reverse = method == "inverse_and_log_det"

    def apply(
        arrays: Any, event: Array, context: Array | None, key: PRNGKeyArray | None
    ) -> tuple[Array, Array]:
        def step(carry: tuple[Array, Array], leaves: Any, index: Array) -> tuple[tuple[Array, Array], None]:
            event, log_det = _one_layer(static, index)(method, leaves, carry[0], context, key)
            event = event if loop.unroll == 1 else computed_once(event)
            return (event, carry[1] + log_det), None

        start = (event, jnp.zeros((), event.dtype))
        return loop.run(step, start, arrays, reverse=reverse)[0]

    def pull(
        lift: Lift, arrays: Any, y: Array, context: Array | None, key: PRNGKeyArray | None, cotangents: Any
    ) -> tuple[Any, Array, Array | None]:
        def step(carry: tuple[Array, Array, Array | None], leaves: Any, index: Array) -> tuple[Any, Any]:
            y, by_y, by_context = carry
            given, cotangent = (leaves, y, context, key), (by_y, cotangents[1])
            layer = _one_layer(static, index)
            x, by_leaves, by_x, more = pull_back(layer, method, lift, given, cotangent)
            return (x, by_x, _sum(by_context, more)), by_leaves

        start = (y, cotangents[0], _zeros(context))
        (_, by_event, by_context), by_arrays = loop.run(step, start, arrays, reverse=not reverse)
        return by_arrays, by_event, by_context

    # The carry must keep its dtype: start with the one that parameters and context lead to.
    event = _promoted(event, arrays, context)
    if memory == "store":
        return apply(arrays, event, context, key)
    return apply_reversibly(Layers(apply, pull), arrays, event, context, key)


def _one_layer(static: Any, index: int | Array) -> Callable:
    """Return one layer as a function of (method, arrays, event, context, key)."""

    def run(
        method: Method, arrays: Any, event: Array, context: Array | None, key: PRNGKeyArray | None
    ) -> tuple[Array, Array]:
        layer = eqx.combine(arrays, static)
        condition = None if layer.context_shape is None else context
        key = None if key is None else jr.fold_in(key, index)
        return getattr(layer, method)(event, condition, key=key)

    return run


def _promoted(event: Array, arrays: Any, context: Array | None) -> Array:
    inexact = jax.tree.leaves(eqx.filter((arrays, context), eqx.is_inexact_array))
    return event.astype(jnp.result_type(event, *inexact))


def _zeros(context: Array | None) -> Array | None:
    return None if context is None else jnp.zeros_like(context)


def _sum(first: Array | None, second: Array | None) -> Array | None:
    return None if first is None or second is None else first + second

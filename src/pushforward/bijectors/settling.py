"""Rows pushed from data to base, layer by layer, to give layers what they must know of the values that reach them."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from ..errors import ConfigError
from ..numerics.moments import moments
from .base import Bijector
from .compose import Chain, Invert, Stack
from .norm import ActNorm, BatchNorm

Kinds = tuple[type[ActNorm] | type[BatchNorm], ...]
"""The classes of layers that are to learn."""


class Passing(eqx.Module):
    """Rows on their way from data to base.

    Attributes:
        x: what they are by now, shape (chunks, rows per chunk, *shape).
        context: conditions, shape (chunks, rows per chunk, *context_shape), or None.
        weights: 1 for a row, 0 for padding, shape (chunks, rows per chunk).
    """

    x: Array
    context: Array | None
    weights: Array


def holds(tree: PyTree, kinds: Kinds) -> bool:
    """Say whether there is a layer of these classes anywhere in a tree."""
    nodes = jax.tree.leaves(tree, is_leaf=lambda node: isinstance(node, kinds))
    return any(isinstance(node, kinds) for node in nodes)


def learn(
    bijector: Bijector, rows: Passing, kinds: Kinds, *, forward: bool = False
) -> tuple[Bijector, Passing]:
    """Let each layer of some classes learn from the rows that reach it, in the order in which they reach it.

    What a layer learns depends on the layers that the rows passed before, as these are after learning.

    Args:
        bijector: the map; layers that learn may lie in chains, stacks and inverses.
        rows: where they are before the map.
        kinds: which layers learn.
        forward: whether the rows go through the map forward, as in an `Invert`, rather than inversely.

    Returns:
        The map with what its layers learned, and the rows behind it.

    Raises:
        ConfigError: if such a layer lies in another container, or is of use only in the other direction.
    """
    if not holds(bijector, kinds):
        return bijector, _through(bijector, rows, forward)
    if isinstance(bijector, Chain):
        parts = list(bijector)
        places = range(len(parts))
        for index in places if forward else reversed(places):
            parts[index], rows = learn(parts[index], rows, kinds, forward=forward)
        return Chain(parts, memory=bijector.memory), rows
    if isinstance(bijector, Invert):
        inner, rows = learn(bijector.bijector, rows, kinds, forward=not forward)
        return Invert(inner), rows
    if isinstance(bijector, Stack):
        return _learn_stack(bijector, rows, kinds, forward)
    if isinstance(bijector, ActNorm | BatchNorm):
        layer = bijector.learned(*moments(rows.x, rows.weights), forward=forward)
        return layer, _through(layer, rows, forward)
    raise lost(bijector, kinds)


def lost(where: PyTree, kinds: Kinds) -> ConfigError:
    """Return the error about a layer in a place where rows cannot be followed."""
    nodes = jax.tree.leaves(where, is_leaf=lambda node: isinstance(node, kinds))
    layer = next(type(node).__name__ for node in nodes if isinstance(node, kinds))
    return ConfigError(
        f"{layer}: rows can be followed to it through Flow, Chain, Stack and Invert, but it lies in "
        f"{type(where).__name__}."
    )


def _learn_stack(stack: Stack, rows: Passing, kinds: Kinds, forward: bool) -> tuple[Stack, Passing]:
    arrays, static = eqx.partition(stack.stacked, eqx.is_array)
    # As in Stack: the carry must keep its dtype.
    inexact = jax.tree.leaves(eqx.filter((arrays, rows.context), eqx.is_inexact_array))
    start = rows.x.astype(jnp.result_type(rows.x, *inexact))

    def step(x: Array, leaves: Any) -> tuple[Array, Any]:
        before = Passing(x, rows.context, rows.weights)
        layer, after = learn(eqx.combine(leaves, static), before, kinds, forward=forward)
        return after.x, eqx.filter(layer, eqx.is_array)

    x, arrays = jax.lax.scan(step, start, arrays, reverse=not forward)
    learned = eqx.tree_at(lambda node: node.stacked, stack, eqx.combine(arrays, static))
    return learned, Passing(x, rows.context, rows.weights)


def _through(bijector: Bijector, rows: Passing, forward: bool) -> Passing:
    """Map all rows, one chunk after the other."""
    method = bijector.forward if forward else bijector.inverse
    if bijector.context_shape is None or rows.context is None:
        x = jax.lax.map(jax.vmap(method), rows.x)
    else:
        x = jax.lax.map(lambda chunk: jax.vmap(method)(*chunk), (rows.x, rows.context))
    return Passing(x, rows.context, rows.weights)

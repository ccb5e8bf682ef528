"""A masked network used one element at a time: every unit computed once, when all that it sees is known."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

Find = Callable[[Array, Array], tuple[Array, Any]]
"""From an element's parameters and its target, or targets, to the element and whatever else is asked for."""

BLOCK = 8
"""Elements of a block: what earlier blocks contribute is one matrix product."""


class Grouped(NamedTuple):
    """A linear layer of a masked network, its inputs and outputs sorted into one group per turn.

    Attributes:
        weight: shape (turns * outputs, turns * inputs); a group of outputs sees the groups of inputs up to its own, the
            rest is zero.
        bias: shape (turns * outputs, 1) or (turns * outputs, n).
        outputs: outputs of a group.
        inputs: inputs of a group.
    """

    weight: Array
    bias: Array
    outputs: int
    inputs: int


def take_turns(
    body: Callable[[Callable[[int, Array], Array], Array], Array],
    layers: Sequence[Grouped],
    find: Find,
    targets: Array,
    block: int = BLOCK,
) -> tuple[Array, Any]:
    """Find elements in turn, where the network gives the parameters of each from those before.

    In turn i arrive the element before i and with it group i of every layer's inputs. What has arrived is kept, so that
    a layer's group i is one product with it. Turns come in blocks: the product with all that earlier blocks kept
    is done at once for a block, and within it the products are small.

    Args:
        body: the network as a function of (linear, x): linear(i, values) applies layer i to a group of its inputs, x is
            the group of inputs of the first layer.
        layers: the layers, for as many turns as there are targets.
        find: from parameters of shape (outputs of the last layer, n) and targets (n,), or (k, n), to an element, shape
            (n,), and other numbers, an array or several.
        targets: shape (turns, n), or (turns, k, n) if an element takes k numbers to be found.
        block: turns of a block.

    Returns:
        The elements, shape (turns, n), and the other numbers, with the turns as their first axis.
    """
    turns, n = targets.shape[0], targets.shape[-1]
    blocks = -(-turns // block)
    block = -(-turns // blocks)
    missing = blocks * block - turns
    layers = [_filled(layer, missing) for layer in layers]
    targets = jnp.pad(targets, ((0, missing), *[(0, 0)] * (targets.ndim - 1)))
    dtype = jnp.result_type(targets, *(layer.weight for layer in layers))

    def do_block(carry: tuple, turn: tuple) -> tuple[tuple, tuple]:
        arrived, before = carry
        index, rows, goals = turn
        parts = []
        for (weight, bias), seen, layer in zip(rows, arrived, layers, strict=True):
            width = block * layer.inputs
            inner = jax.lax.dynamic_slice_in_dim(weight, index * width, width, axis=1)
            parts.append((_groups(weight @ seen + bias, block), _groups(inner, block)))
        found, before, fresh = _in_block(body, layers, find, parts, goals, before)
        arrived = tuple(
            jax.lax.dynamic_update_slice_in_dim(seen, new, index * block * layer.inputs, axis=0)
            for seen, new, layer in zip(arrived, fresh, layers, strict=True)
        )
        return (arrived, before), found

    empty = tuple(jnp.zeros((blocks * block * layer.inputs, n), dtype) for layer in layers)
    rows = [(_groups(layer.weight, blocks), _groups(layer.bias, blocks)) for layer in layers]
    start = (empty, jnp.zeros(n, dtype))
    _, found = jax.lax.scan(do_block, start, (jnp.arange(blocks), rows, _groups(targets, blocks)))
    return jax.tree.map(lambda part: part.reshape(blocks * block, *part.shape[2:])[:turns], found)


def _in_block(
    body: Callable,
    layers: Sequence[Grouped],
    find: Find,
    parts: list[tuple[Array, Array]],
    goals: Array,
    before: Array,
) -> tuple[tuple[Array, Any], Array, tuple[Array, ...]]:
    """Take the turns of one block; return what was found, the last element, and what arrived in every layer."""
    count, n = goals.shape[0], goals.shape[-1]

    def take(carry: tuple, turn: tuple) -> tuple[tuple, tuple]:
        arrived, before = list(carry[0]), carry[1]
        index, rows, goal = turn

        def linear(i: int, values: Array) -> Array:
            arrived[i] = jax.lax.dynamic_update_slice_in_dim(
                arrived[i], values, index * layers[i].inputs, axis=0
            )
            known, weight = rows[i]
            return known + weight @ arrived[i]

        element, other = find(body(linear, before[None]), goal)
        return (tuple(arrived), element), (element, other)

    empty = tuple(jnp.zeros((count * layer.inputs, n), before.dtype) for layer in layers)
    (arrived, last), found = jax.lax.scan(take, (empty, before), (jnp.arange(count), parts, goals))
    return found, last, arrived


def _filled(layer: Grouped, missing: int) -> Grouped:
    """Return the layer with as many more turns, of weight zero."""
    rows, columns = missing * layer.outputs, missing * layer.inputs
    return layer._replace(
        weight=jnp.pad(layer.weight, ((0, rows), (0, columns))), bias=jnp.pad(layer.bias, ((0, rows), (0, 0)))
    )


def _groups(array: Array, count: int) -> Array:
    return array.reshape(count, array.shape[0] // count, *array.shape[1:])

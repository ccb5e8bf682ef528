"""A masked network used one element at a time: every unit computed once, when all that it sees is known."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..numerics.products import matmul

Find = Callable[[Array, Array], tuple[Array, Any]]
"""From an element's parameters and its target, or targets, to the element and whatever else is asked for."""

BLOCK = 8
"""Turns of a block: what earlier blocks contribute is one matrix product."""


class Sorted(NamedTuple):
    """A linear layer of a masked network, its inputs and outputs sorted by the turn in which they come.

    An output sees the inputs of its own turn and of those before it; other weights have no effect.

    Attributes:
        weight: shape (outputs, inputs).
        bias: shape (outputs, 1) or (outputs, n).
        outputs: the turn of each output, increasing.
        inputs: the turn of each input, increasing.
    """

    weight: Array
    bias: Array
    outputs: np.ndarray
    inputs: np.ndarray


class _Windows(NamedTuple):
    """For the parts of a level: where the units begin that come in a part, and how many units are taken for it."""

    starts: np.ndarray
    size: int


class _Plan(NamedTuple):
    """What stays the same in all turns: the network, and for every layer the windows of its sides at each level.

    Level 0 is all turns, level 1 has the blocks and level 2 the single turns; spans are their lengths in turns.
    """

    body: Callable[[Callable[[int, Array], Array], Array], Array]
    find: Find
    spans: tuple[int, int, int]
    outputs: list[list[_Windows]]
    inputs: list[list[_Windows]]


_Lines = list[tuple[Array, Array]]
"""For every layer what is known of some outputs, and their weights to what is not."""


def take_turns(
    body: Callable[[Callable[[int, Array], Array], Array], Array],
    layers: Sequence[Sorted],
    find: Find,
    targets: Array,
    block: int = BLOCK,
) -> tuple[Array, Any]:
    """Find elements in turn, where the network gives the parameters of each from those before.

    In turn i arrive the element before i and with it those inputs of every layer that are of turn i. Turns come in
    blocks. What earlier blocks contribute to the outputs of a block is one matrix product, done when the block begins;
    within it the products are small.

    Units are sorted by turn, so those of a block are neighbours. All blocks, and all turns, take as many as the fullest
    needs, from where theirs begin: what they take too much has weight zero, or is computed again when it is due.

    Args:
        body: the network as a function of (linear, x): linear(i, values) applies layer i to the inputs of a turn, x is
            the input of the first layer.
        layers: the layers, for as many turns as there are targets; those of the last have as many outputs each.
        find: from parameters of shape (outputs of a turn in the last layer, n) and targets (n,), or (k, n), to an
            element, shape (n,), and other numbers, an array or several.
        targets: shape (turns, n), or (turns, k, n) if an element takes k numbers to be found.
        block: turns of a block at most.

    Returns:
        The elements, shape (turns, n), and the other numbers, with the turns as their first axis.
    """
    turns, n = targets.shape[0], targets.shape[-1]
    blocks = -(-turns // block)
    block = -(-turns // blocks)
    spans = (blocks * block, block, 1)
    sides = [[_windows(side, spans) for side in (layer.outputs, layer.inputs)] for layer in layers]
    plan = _Plan(body, find, spans, [outputs for outputs, _ in sides], [inputs for _, inputs in sides])
    # Turns too many repeat the last one, so they give no numbers that it does not.
    goals = jnp.pad(targets, ((0, spans[0] - turns), *[(0, 0)] * (targets.ndim - 1)), mode="edge")
    dtype = jnp.result_type(targets, *(layer.weight for layer in layers))
    lines = [
        (layer.bias, jnp.where(layer.outputs[:, None] >= layer.inputs, layer.weight, 0.0)) for layer in layers
    ]
    arrived = tuple(jnp.zeros((layer.inputs.size, n), dtype) for layer in layers)
    start = (arrived, jnp.zeros(n, dtype))
    _, found = _take_part(plan, 0, jnp.zeros((), int), lines, start, goals)
    return jax.tree.map(lambda part: part[:turns], found)


def _take_part(
    plan: _Plan, level: int, index: Array, lines: _Lines, start: tuple, goals: Array
) -> tuple[tuple, tuple[Array, Any]]:
    """Take the turns of one part of a level, in parts of the level below.

    Args:
        plan: the plan.
        level: 0 for all turns, 1 for those of a block.
        index: which part of its level it is.
        lines: for the outputs of this part what is known of them, and their weights to the inputs that arrive in it.
        start: the inputs of each layer that arrive in this part, as far as they are there, and the last element.
        goals: the targets of the turns, shape (turns of the part, n) or (turns of the part, k, n).

    Returns:
        What `start` has become, and what was found, with the turns of the part as first axis.
    """
    count = plan.spans[level] // plan.spans[level + 1]
    parts = index * count + jnp.arange(count)
    cut = jax.vmap(jax.lax.dynamic_slice_in_dim, in_axes=(None, 0, None))
    pieces = []
    for windows, pair in zip(plan.outputs, lines, strict=True):
        places = _offset(windows, level, index, parts)
        pieces.append(tuple(cut(rows, places, windows[level + 1].size) for rows in pair))

    def take(carry: tuple, part: tuple) -> tuple[tuple, tuple]:
        part_index, lines, goals = part
        offsets = [_offset(windows, level, index, part_index) for windows in plan.inputs]
        if level == 1:
            return _take_turn(plan, lines, offsets, carry, goals[0])
        return _take_block(plan, part_index, lines, offsets, carry, goals)

    goals = goals.reshape(count, plan.spans[level + 1], *goals.shape[1:])
    end, found = jax.lax.scan(take, start, (parts, pieces, goals))
    return end, jax.tree.map(lambda part: part.reshape(plan.spans[level], *part.shape[2:]), found)


def _take_block(
    plan: _Plan, index: Array, lines: _Lines, offsets: list[Array], carry: tuple, goals: Array
) -> tuple[tuple, tuple[Array, Any]]:
    """Take the turns of a block, once what arrived before it is multiplied; arguments as in `_take_part`.

    The lines reach over all inputs; those of this block begin at the offsets.
    """
    arrived, before = carry
    inner_lines, inner_arrived = [], []
    for windows, (known, weight), seen, offset in zip(plan.inputs, lines, arrived, offsets, strict=True):
        size = windows[1].size
        inner = jax.lax.dynamic_slice_in_dim(weight, offset, size, axis=1)
        outer = jax.lax.dynamic_update_slice_in_dim(weight, jnp.zeros_like(inner), offset, axis=1)
        inner_lines.append((known + matmul(outer, seen), inner))
        inner_arrived.append(jax.lax.dynamic_slice_in_dim(seen, offset, size))
    (fresh, before), found = _take_part(plan, 1, index, inner_lines, (tuple(inner_arrived), before), goals)
    arrived = tuple(
        jax.lax.dynamic_update_slice_in_dim(seen, new, offset, axis=0)
        for seen, new, offset in zip(arrived, fresh, offsets, strict=True)
    )
    return (arrived, before), found


def _take_turn(
    plan: _Plan, lines: _Lines, offsets: list[Array], carry: tuple, goal: Array
) -> tuple[tuple, tuple[Array, Any]]:
    """Take one turn: what arrived goes to its place, and the outputs of the turn are complete."""
    arrived, before = list(carry[0]), carry[1]

    def linear(i: int, values: Array) -> Array:
        arrived[i] = jax.lax.dynamic_update_slice_in_dim(arrived[i], values, offsets[i], axis=0)
        known, weight = lines[i]
        return known + matmul(weight, arrived[i])

    element, others = plan.find(plan.body(linear, before[None]), goal)
    return (tuple(arrived), element), jax.tree.map(lambda part: part[None], (element, others))


def _offset(windows: list[_Windows], level: int, index: Array, part: Array) -> Array:
    """Return where the units of a part, or of several, of the level below begin within those of part `index`."""
    return jnp.asarray(windows[level + 1].starts)[part] - jnp.asarray(windows[level].starts)[index]


def _windows(turns: np.ndarray, spans: Sequence[int]) -> list[_Windows]:
    """Return the windows of each level for units of the given turns; those of a part hold those of its parts."""
    bounds = np.searchsorted(turns, np.arange(spans[0] + 1))
    starts, ends = bounds[:-1], bounds[1:]
    found = []
    for span in reversed(spans):
        finer = spans[0] // span
        starts = starts.reshape(finer, -1)[:, 0]
        size = max(int((ends.reshape(finer, -1)[:, -1] - starts).max()), 1)
        starts = np.minimum(starts, turns.size - size)
        ends = starts + size
        found.append(_Windows(starts, size))
    return found[::-1]

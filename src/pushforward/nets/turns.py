"""A masked network used one element at a time: every unit computed once, when all that it sees is known."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array


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
    """What stays the same in all turns: the network, and for every layer the windows of its sides at each level."""

    body: Callable[[Callable[[int, Array], Array], Array], Array]
    find: Callable[[Array, Array], tuple[Array, Array]]
    spans: tuple[int, ...]
    outputs: list[list[_Windows]]
    inputs: list[list[_Windows]]
    turns: list[np.ndarray]


_Lines = list[tuple[Array, Array]]  # for every layer: what is known of some outputs, and weights to what is not


def take_turns(
    body: Callable[[Callable[[int, Array], Array], Array], Array],
    layers: Sequence[Sorted],
    find: Callable[[Array, Array], tuple[Array, Array]],
    targets: Array,
    lengths: Sequence[int] = (),
) -> tuple[Array, Array]:
    """Find elements in turn, where the network gives the parameters of each from those before.

    In turn i arrive the element before i and with it those inputs of every layer that are of turn i. Turns come in
    blocks, and these in blocks of a higher level. What earlier blocks contribute to the outputs of a block is one
    matrix product, done when the block begins; what its own turns contribute is left to the level below.

    Units are sorted by turn, so those of a block are neighbours. All blocks of a level take as many as the fullest
    needs, from where theirs begin: what they take too much is zero, or comes again, or is overwritten later.

    Args:
        body: the network as a function of (linear, x): linear(i, values) applies layer i to the inputs of a turn, x is
            the input of the first layer.
        layers: the layers, for as many turns as there are targets; those of the last have as many outputs each.
        find: from parameters of shape (outputs of a turn in the last layer, n) and targets (n,) to an element and
            another number, shape (n,) each.
        targets: shape (turns, n).
        lengths: turns in a block of each level, the largest first, each a multiple of the next; `block_lengths` by
            default.

    Returns:
        The elements and the other numbers, shape (turns, n) each.
    """
    turns, n = targets.shape
    lengths = tuple(lengths) or block_lengths(turns, n)
    total = math.ceil(turns / lengths[0]) * lengths[0]
    spans = (total, *lengths, 1)
    outputs = [_windows(layer.outputs, spans) for layer in layers]
    inputs = [_windows(layer.inputs, spans) for layer in layers]
    plan = _Plan(body, find, spans, outputs, inputs, [layer.outputs for layer in layers])
    # Turns too many repeat the last one.
    goals = jnp.pad(targets, ((0, total - turns), (0, 0)), mode="edge")
    dtype = jnp.result_type(targets, *(layer.weight for layer in layers))
    lines, arrived = [], []
    for layer in layers:
        weight = jnp.where(layer.outputs[:, None] >= layer.inputs, layer.weight, 0.0)
        lines.append((layer.bias, weight))
        arrived.append(jnp.zeros((layer.inputs.size, n), dtype))
    start = (tuple(arrived), jnp.zeros(n, dtype))
    _, found = _take_part(plan, 0, jnp.zeros((), int), lines, start, goals)
    return found[0][:turns], found[1][:turns]


def block_lengths(turns: int, n: int) -> tuple[int, ...]:
    """Return the lengths of blocks that measured fastest, see docs/inverting.md.

    Args:
        turns: number of turns.
        n: number of events at once.
    """
    del n
    return (min(turns, 8),)


def _take_part(
    plan: _Plan, level: int, index: Array, lines: _Lines, start: tuple, goals: Array
) -> tuple[tuple, tuple[Array, Array]]:
    """Take the turns of one part of a level, in parts of the level below.

    Args:
        plan: the plan.
        level: 0 for all turns.
        index: which part of its level it is.
        lines: for the outputs of this part what is known of them, and their weights to the inputs that arrive in it.
        start: the inputs of each layer that arrive in this part, as far as they are there, and the last element.
        goals: the targets of the turns, shape (turns of the part, n).

    Returns:
        What `start` has become, and what was found: elements and other numbers, shape (turns of the part, n).
    """
    count = plan.spans[level] // plan.spans[level + 1]
    parts = index * count + jnp.arange(count)
    pieces = []
    for windows, (known, weight) in zip(plan.outputs, lines, strict=True):
        places = jnp.asarray(windows[level + 1].starts)[parts] - jnp.asarray(windows[level].starts)[index]
        cut = jax.vmap(jax.lax.dynamic_slice_in_dim, in_axes=(None, 0, None))
        pieces.append(tuple(cut(lines, places, windows[level + 1].size) for lines in (known, weight)))

    def take(carry: tuple, part: tuple) -> tuple[tuple, tuple]:
        part_index, lines, goals = part
        offsets = [
            jnp.asarray(w[level + 1].starts)[part_index] - jnp.asarray(w[level].starts)[index]
            for w in plan.inputs
        ]
        if plan.spans[level + 1] == 1:
            return _take_turn(plan, lines, offsets, carry, goals[0])
        return _descend(plan, level + 1, part_index, lines, offsets, carry, goals)

    goals = goals.reshape(count, plan.spans[level + 1], goals.shape[1])
    end, found = jax.lax.scan(take, start, (parts, pieces, goals))
    return end, tuple(numbers.reshape(plan.spans[level], -1) for numbers in found)


def _descend(
    plan: _Plan, level: int, index: Array, lines: _Lines, offsets: list[Array], carry: tuple, goals: Array
) -> tuple[tuple, tuple[Array, Array]]:
    """Take the turns of a block, once what arrived before it is multiplied; arguments as in `_take_part`.

    The lines reach over all inputs of the level above; those of this block begin at the offsets.
    """
    arrived, before = carry
    inner_lines, inner_arrived = [], []
    for windows, (known, weight), seen, offset in zip(plan.inputs, lines, arrived, offsets, strict=True):
        size = windows[level].size
        inner = jax.lax.dynamic_slice_in_dim(weight, offset, size, axis=1)
        outer = jax.lax.dynamic_update_slice_in_dim(weight, jnp.zeros_like(inner), offset, axis=1)
        inner_lines.append((known + outer @ seen, inner))
        inner_arrived.append(jax.lax.dynamic_slice_in_dim(seen, offset, size))
    (fresh, before), found = _take_part(
        plan, level, index, inner_lines, (tuple(inner_arrived), before), goals
    )
    arrived = tuple(
        jax.lax.dynamic_update_slice_in_dim(seen, new, offset, axis=0)
        for seen, new, offset in zip(arrived, fresh, offsets, strict=True)
    )
    return (arrived, before), found


def _take_turn(
    plan: _Plan, lines: _Lines, offsets: list[Array], carry: tuple, goal: Array
) -> tuple[tuple, tuple[Array, Array]]:
    """Take one turn: what arrived goes to its place, and the outputs of the turn are complete."""
    arrived, before = list(carry[0]), carry[1]

    def linear(i: int, values: Array) -> Array:
        arrived[i] = jax.lax.dynamic_update_slice_in_dim(arrived[i], values, offsets[i], axis=0)
        known, weight = lines[i]
        return known + weight @ arrived[i]

    element, other = plan.find(plan.body(linear, before[None]), goal)
    return (tuple(arrived), element), (element[None], other[None])


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

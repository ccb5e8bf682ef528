"""Taking turns: blocks of any length, and units spread over the turns as they please, give what full passes give."""

from itertools import pairwise

import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.nets import turns

TURNS, WIDTHS, N = 11, (9, 14), 3


def layers(bias_columns):
    """A network with two hidden layers whose units are spread at random: some turns have many, some none."""
    random = np.random.default_rng(0)
    hidden = [np.sort(random.integers(0, TURNS, width)) for width in WIDTHS]
    sides = [np.arange(1, TURNS + 1), *hidden, np.repeat(np.arange(TURNS), 2)]
    return [
        turns.Sorted(
            jnp.asarray(random.normal(size=(len(rows), len(columns))) / 2, jnp.float32),
            jnp.asarray(random.normal(size=(len(rows), bias_columns)), jnp.float32),
            rows,
            columns,
        )
        for columns, rows in pairwise(sides)
    ]


def body(linear, x):
    values = jnp.tanh(linear(0, x))
    return linear(2, jnp.tanh(linear(1, values)))


def find(params, targets):
    return targets + params[0], params[1]


def by_full_passes(network, targets):
    """One pass of the whole masked network for every element."""

    def linear(i, values):
        layer = network[i]
        seen = layer.outputs[:, None] >= layer.inputs
        return np.where(seen, layer.weight, 0) @ np.asarray(values) + layer.bias

    found, others = np.zeros_like(targets), np.zeros_like(targets)
    for i in range(TURNS):
        params = body(linear, found).reshape(TURNS, 2, N)
        found[i], others[i] = find(params[i], targets[i])
    return found, others


@pytest.mark.parametrize("bias_columns", [1, N])
@pytest.mark.parametrize("block", [1, 4, 8, 11, 20])
def test_same_as_full_passes(block, bias_columns):
    network = layers(bias_columns)
    targets = np.random.default_rng(1).normal(size=(TURNS, N)).astype(np.float32)
    found = turns.take_turns(body, network, find, jnp.asarray(targets), block)
    for ours, expected in zip(found, by_full_passes(network, targets), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)


def test_several_targets_and_other_numbers():
    network, targets = layers(1), np.random.default_rng(1).normal(size=(TURNS, 2, N)).astype(np.float32)

    def find_both(params, pair):
        return params[0] + pair[0] * pair[1], {"shift": params[0], "targets": pair}

    found, others = turns.take_turns(body, network, find_both, jnp.asarray(targets))
    expected, _ = by_full_passes(network, targets[:, 0] * targets[:, 1])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(others["targets"], targets)
    np.testing.assert_allclose(
        others["shift"], expected - targets[:, 0] * targets[:, 1], rtol=1e-5, atol=1e-5
    )

"""memory="constant": the values and gradients of the stored layers, in memory that does not grow with depth."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import (
    Affine,
    BatchNorm,
    Chain,
    Coupling,
    Elementwise,
    Invert,
    Permute,
    Shift,
    Stack,
    compose,
    halves,
)
from pushforward.errors import ConfigError
from pushforward.nets import MLP

ROWS = 6


def layers(randomised, count=3, *, context=3, dropout=0.2, hidden=8, features=5):
    """Couplings of different permutations, some of their arrays larger and some smaller than `_SMALL` in the tests."""
    shape = (context,) if context else None

    def one(key):
        size = 2 * (features - features // 2)
        net = MLP(key, features // 2, size, context_features=context, hidden=(hidden,), dropout=dropout)
        return Coupling(Affine(), net, halves(features), shape)

    permutations = [np.random.default_rng(seed).permutation(features) for seed in range(count)]
    return [
        Chain([Permute(order), randomised(lambda: one(jr.key(0)), seed)])
        for seed, order in enumerate(permutations)
    ]


CONTAINERS = {
    "Chain": lambda parts, memory: Chain(parts, memory=memory),
    "Stack": lambda parts, memory: Stack(parts, memory=memory),
    "Stack-unrolled": lambda parts, memory: Stack(parts, unroll=2, memory=memory),
    "Invert": lambda parts, memory: Invert(Stack(parts, memory=memory)),
    "nested": lambda parts, memory: Chain([Stack(parts[:2], memory=memory), *parts[2:]], memory=memory),
}


def results(bijector, x, context, key, batched):
    """Values of both directions for a batch, and the gradients of a function of them by arrays, events and contexts."""
    arrays, static = eqx.partition(bijector, eqx.is_inexact_array)

    def loss(arrays, x, context):
        whole = eqx.combine(arrays, static)

        def one(x, context, key):
            y, log_det = whole.forward_and_log_det(x, context, key=key)
            z, back = whole.inverse_and_log_det(x, context, key=key)
            return y, log_det, z, back

        out = jax.vmap(one, in_axes=(0, *(0 if each else None for each in batched)))(x, context, key)
        return sum(jnp.sum(jnp.sin(value)) for value in out), out

    return jax.jit(jax.grad(loss, (0, 1, 2), has_aux=True))(arrays, x, context)


EACH, ONE = (True, True), (False, False)
"""Whether context and key are those of every event, or one for all."""

QUICK = [("Chain", ONE, False), ("Stack", EACH, True)]
ALL = [(name, batched, wide) for name in CONTAINERS for batched in (EACH, ONE) for wide in (False, True)]


@pytest.mark.parametrize(
    ("name", "batched", "wide"),
    [pytest.param(*case, marks=[] if case in QUICK else [pytest.mark.slow]) for case in ALL],
)
def test_values_and_gradients_are_those_of_stored_layers(name, batched, wide, randomised, monkeypatch):
    monkeypatch.setattr(compose, "_SMALL", 30)
    with jax.enable_x64(wide):
        dtype = jnp.float64 if wide else jnp.float32
        parts = jax.tree.map(
            lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, layers(randomised)
        )
        random = np.random.default_rng(0)
        x, context = (
            jnp.asarray(random.normal(size=(ROWS, 5)), dtype),
            jnp.asarray(random.normal(size=(ROWS, 3)), dtype),
        )
        keys = jr.split(jr.key(1), ROWS)
        given = (x, context if batched[0] else context[0], keys if batched[1] else keys[0], batched)
        stored, constant = (
            results(CONTAINERS[name](parts, memory), *given) for memory in ("store", "constant")
        )
        tolerance = 1e-12 if wide else 2e-5
        found, wanted = jax.tree.leaves(constant), jax.tree.leaves(stored)
        assert len(found) == len(wanted) >= 10
        for a, b in zip(found, wanted, strict=True):
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * (1 + np.max(np.abs(b))))


def test_gradients_without_a_batch_a_context_or_a_key(randomised):
    parts, x = layers(randomised, context=0, dropout=0.0), jnp.linspace(-1, 1, 5)

    def loss(whole, x):
        y, log_det = whole.forward_and_log_det(x)
        return jnp.sum(jnp.sin(y)) + log_det

    by_stored, by_constant = (
        eqx.filter_jit(eqx.filter_grad(loss))(Stack(parts, memory=memory), x)
        for memory in ("store", "constant")
    )
    for a, b in zip(jax.tree.leaves(by_constant), jax.tree.leaves(by_stored), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_batch_of_maps_and_gradients_for_every_event(randomised):
    """vmap over the arrays, as for ensembles; and vmap of a gradient, which gives one per event."""
    many = [layers(randomised, count=2, context=0, dropout=0.0) for _ in range(2)]
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 5)), jnp.float32)

    def loss(arrays, static, x):
        y, log_det = eqx.combine(arrays, static).inverse_and_log_det(x)
        return jnp.sum(jnp.sin(y)) + log_det

    found = {}
    for memory in ("store", "constant"):
        arrays, static = eqx.partition(Stack(many[0], memory=memory), eqx.is_inexact_array)
        several = jax.tree.map(lambda leaf: jnp.stack([leaf, 0.5 * leaf]), arrays)
        of_each = jax.jit(jax.vmap(jax.grad(lambda a, x, s=static: loss(a, s, x)), in_axes=(None, 0)))(
            arrays, x
        )
        of_both = jax.jit(
            jax.grad(lambda many, x, s=static: jax.vmap(lambda a, x: loss(a, s, x))(many, x).sum())
        )(several, x)
        found[memory] = (of_each, of_both)
    for a, b in zip(jax.tree.leaves(found["constant"]), jax.tree.leaves(found["store"]), strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_dtypes_are_promoted_as_by_stored_layers(randomised):
    parts = layers(randomised, count=2)
    with jax.enable_x64(True):
        for memory in ("store", "constant"):
            for container in (Chain, Stack):
                bijector = container(parts, memory=memory)
                y, log_det = jax.eval_shape(
                    bijector.forward_and_log_det, np.zeros(5, np.float32), np.zeros(3, np.float64)
                )
                assert (y.dtype, log_det.dtype) == (jnp.float64, jnp.float64)


def _temporary(randomised, depth, memory):
    """Bytes of temporary memory of a compiled gradient."""
    parts = layers(randomised, count=1, context=0, dropout=0.0, hidden=64, features=16)
    stack = Stack(parts * depth, memory=memory)
    arrays, static = eqx.partition(stack, eqx.is_inexact_array)

    def loss(arrays, x):
        y, log_det = jax.vmap(eqx.combine(arrays, static).forward_and_log_det)(x)
        return jnp.sum(y**2) + jnp.sum(log_det)

    compiled = jax.jit(jax.grad(loss)).lower(arrays, jnp.zeros((256, 16))).compile()
    return compiled.memory_analysis().temp_size_in_bytes


def test_memory_does_not_grow_with_depth(randomised):
    """Stored layers keep 256 rows of 64 hidden units each; the rest, such as the small arrays, is little."""
    store, constant = (
        [_temporary(randomised, d, memory) for d in (4, 16)] for memory in ("store", "constant")
    )
    assert store[1] - store[0] > 12 * 256 * 64 * 4 * 0.9
    assert constant[1] - constant[0] < 0.1 * (store[1] - store[0])


@pytest.mark.parametrize("container", [Chain, Stack])
def test_what_cannot_be_undone_is_refused(container):
    with pytest.raises(ConfigError) as caught:
        container([Chain([BatchNorm((3,))])], memory="constant")
    assert str(caught.value) == (
        f"{container.__name__}: memory constant undoes every layer in training, but BatchNorm, which then normalises "
        "by the statistics of its input, cannot be undone from its output. Leave it out, or take memory store."
    )
    with pytest.raises(ConfigError) as caught:
        container([Elementwise(Shift(), (2,))], memory="none")
    assert str(caught.value) == f"{container.__name__}: expected memory store or constant, got 'none'."

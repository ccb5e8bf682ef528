"""MADE: the zero pattern is exact, and its two faces agree."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.errors import ConfigError
from pushforward.nets import MADE
from pushforward.numerics import masks

CASES = [
    (5, 2, 0, (16, 16)),
    (5, 3, 2, (16, 16)),
    (1, 2, 3, (8,)),
    (19, 1, 0, (7, 7, 7)),
    (11, 2, 0, (30, 30)),
]
OPTIONS = [
    {},
    {"order": "reversed"},
    {"order": "random", "residual": True},
    {"direct": True, "activation": "tanh"},
    {"residual": True, "direct": True, "order": "random"},
]


def made(features, num_params, context_features, hidden, **options):
    net = MADE(jr.key(0), features, num_params, context_features=context_features, hidden=hidden, **options)
    parameters, rest = eqx.partition(net, eqx.is_inexact_array)
    moved = jax.tree.map(lambda leaf: leaf + 0.3 * jr.normal(jr.key(leaf.size), leaf.shape), parameters)
    return eqx.combine(moved, rest)


def condition(context_features):
    return jnp.linspace(-1, 1, context_features) if context_features else None


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("case", CASES)
def test_output_sees_exactly_the_elements_before(case, options):
    features, _, context_features, _ = case
    net, context = made(*case, **options | {"activation": "tanh"}), condition(case[2])
    x = jr.normal(jr.key(1), (features,))
    order = np.arange(features) if net.order is None else np.asarray(net.order)
    jacobian = np.abs(jax.jacobian(lambda v: net(v, context))(x)).sum(axis=0)[order][:, order]
    assert (np.triu(jacobian) == 0).all()
    if min(case[3]) >= features - 1 or options.get(
        "direct"
    ):  # wide enough for every degree: everything before is seen
        assert (jacobian[np.tril_indices(features, -1)] > 0).all()
    if context_features:
        assert (np.abs(jax.jacobian(lambda c: net(x, c))(context)).sum(axis=(1, 2)) > 0).all()


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("case", CASES)
def test_turns_give_what_one_pass_gives(case, options):
    """An element found as its target plus a mix of its parameters is what subtracting the mix leads back from."""
    net, n = made(*case, **options), 3
    targets = jr.normal(jr.key(2), (case[0], n))
    context = jr.normal(jr.key(3), (case[2], n)) if case[2] else None
    mix = jnp.linspace(0.5, 1.0, case[1])

    def find(params, target):
        return target + mix @ params, mix @ params

    found, shifts = net.in_turn(find, targets, context)
    axes = (1, None if context is None else 1)
    expected = jnp.tensordot(mix, jax.vmap(net, in_axes=axes, out_axes=-1)(found, context), axes=1)
    np.testing.assert_allclose(shifts, expected, atol=2e-5, rtol=2e-5)
    np.testing.assert_allclose(found - shifts, targets, atol=2e-5, rtol=2e-5)


def test_starts_at_zero_and_dropout_needs_a_key():
    net = MADE(jr.key(0), 4, 3, hidden=(8,), dropout=0.5)
    x = jnp.ones(4)
    assert (net(x) == 0).all()
    net = made(4, 3, 0, (8,), dropout=0.5)
    assert (net(x) == net(x)).all()
    assert not (net(x, key=jr.key(1)) == net(x)).all()


def test_huge_inputs_do_not_overflow():
    net = made(4, 3, 0, (8, 8))
    assert np.isfinite(net(jnp.full(4, 1e38))).all()
    assert np.isfinite(eqx.filter_grad(lambda n: n(jnp.full(4, 1e38)).sum())(net).layers[0].weight).all()


def test_unknown_activation():
    with pytest.raises(ConfigError, match=r"^MADE: expected activation relu, .*, got 'cube'\.$"):
        MADE(jr.key(0), 4, 3, activation="cube")


@pytest.mark.parametrize(
    "options", [{}, {"residual": True, "direct": True}, {"order": "random"}, {"context_features": 2}]
)
def test_large_layers_leave_zeros_out_and_lose_nothing(options, monkeypatch, randomised):
    """Of large layers only the steps of the mask's staircase are multiplied: as the whole layer gives it."""
    size = {"hidden": (256, 192) if "residual" not in options else (192, 192)}
    net = randomised(lambda: MADE(jr.key(0), 21, 23, **size, **options), scale=0.1)
    x, context = np.linspace(-2, 2, 21, dtype=np.float32), condition(options.get("context_features", 0))
    assert any(net._staircase(i)[0] for i in range(len(net.layers)))
    found = eqx.filter_jit(lambda n: n(x, context))(net)
    monkeypatch.setattr(masks, "staircase", lambda *args, **times: None)
    assert not any(net._staircase(i)[0] for i in range(len(net.layers)))
    np.testing.assert_allclose(found, eqx.filter_jit(lambda n: n(x, context))(net), rtol=1e-4, atol=1e-5)


def test_no_copies_of_the_weights_are_kept_for_the_gradient():
    """Of stacked layers a gradient keeps what each made on the way; masked weights are made again, which is faster."""
    layers = [MADE(jr.key(i), 40, 2, hidden=(256, 256)) for i in range(3)]
    rest = eqx.filter(layers[0], eqx.is_array, inverse=True)
    arrays = [eqx.filter(layer, eqx.is_array) for layer in layers]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *arrays)

    def through(stacked, x):
        return jax.lax.scan(lambda x, arrays: (eqx.combine(arrays, rest)(x)[0], None), x, stacked)[0]

    _, back = jax.vjp(through, stacked, jnp.ones(40))
    given = {id(leaf) for leaf in jax.tree.leaves(stacked)}
    kept = [leaf for leaf in jax.tree.leaves(back) if id(leaf) not in given and leaf.dtype == jnp.float32]
    assert sum(leaf.size for leaf in kept) < 0.1 * sum(leaf.size for leaf in jax.tree.leaves(stacked))

"""No parameters make a LipschitzMLP steeper than its bound; context moves it freely."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from pushforward.errors import ConfigError, ShapeError
from pushforward.nets import LipschitzMLP

KEY = jr.key(0)


def filled(net, scale, seed=0):
    """The net with normal numbers of a scale for parameters."""
    random = np.random.default_rng(seed)
    return jax.tree.map(
        lambda leaf: (
            jnp.asarray((scale * random.normal(size=leaf.shape)).astype(np.float32))
            if eqx.is_inexact_array(leaf)
            else leaf
        ),
        net,
    )


@eqx.filter_jit
def _norms(net, points, context):
    """Spectral norms of the Jacobians at points, shape (n, features)."""
    jacobians = jax.vmap(jax.jacfwd(lambda x: net(x, context)))(points)
    return jnp.linalg.norm(jacobians, 2, axis=(1, 2))


@eqx.filter_jit
def _ascent(net, points, context):
    """The points after 60 steps uphill in the spectral norm."""

    def norm(x):
        return jnp.linalg.norm(jax.jacfwd(lambda x: net(x, context))(x), 2)

    def step(_, x):
        slope = jax.vmap(jax.grad(norm))(x)
        return x + 0.2 * slope / (1e-12 + jnp.linalg.norm(slope, axis=1, keepdims=True))

    return jax.lax.fori_loop(0, 60, step, points)


@pytest.mark.parametrize("activation", ["lip_swish", "elu"])
def test_no_jacobian_exceeds_the_bound(activation):
    """At 512 points near and far, and uphill from 64 of them; weights of every scale, and aligned to be steep."""
    base = LipschitzMLP(KEY, 3, context_features=2, hidden=(16, 16), activation=activation, lipschitz=0.9)
    context = jnp.array([0.3, -2.0])
    points = np.random.default_rng(1).normal(size=(512, 3)) * np.logspace(-3, 7, 512)[:, None]
    points = jnp.asarray(points, jnp.float32)
    nets = [filled(base, scale) for scale in (0.01, 0.1, 1.0, 10.0, 100.0)]
    # Weights that pass one direction on as it is come as near the bound as a net can.
    weights = lambda net: [layer.weight for layer in net.layers]  # noqa: E731
    aligned = [jnp.full(leaf.shape, 1e3, leaf.dtype) for leaf in weights(base)]
    nets.append(eqx.tree_at(weights, nets[0], aligned))
    steepest = []
    for net in nets:
        norms = np.asarray(_norms(net, points, context))
        top = points[np.argsort(norms)[-64:]]
        steepest.append(max(norms.max(), np.asarray(_norms(net, _ascent(net, top, context), context)).max()))
    assert max(steepest) <= 0.9 * (1 + 1e-5)  # rounding of the SVD
    assert steepest[-1] > 0.85


def test_an_affine_net_reaches_its_bound():
    """Weights beyond the bound are scaled to it, others are left as they are."""
    net = filled(LipschitzMLP(KEY, 4, hidden=(), lipschitz=0.5), 3.0)
    jacobian = np.asarray(jax.jacfwd(net)(jnp.ones(4)), float)
    weight = np.asarray(net.layers[0].weight, float)
    np.testing.assert_allclose(np.linalg.norm(jacobian, 2), 0.5, rtol=1e-3)
    np.testing.assert_allclose(jacobian / jacobian[0, 0], weight / weight[0, 0], rtol=1e-5)
    small = filled(LipschitzMLP(KEY, 4, hidden=(), lipschitz=0.5), 0.01)
    np.testing.assert_allclose(jax.jacfwd(small)(jnp.ones(4)), small.layers[0].weight, rtol=1e-6)


def test_prepared_is_the_same_function():
    net = filled(LipschitzMLP(KEY, 3, context_features=2, hidden=(8,)), 5.0)
    x, context = jnp.array([0.1, -2.0, 3.0]), jnp.array([1.0, 2.0])
    ready = net.prepared()
    np.testing.assert_allclose(ready(x, context), net(x, context), rtol=1e-6)
    assert ready.prepared() is ready
    assert (ready.features, ready.lipschitz) == (3, 0.97)
    # The last layer's norm is below its share of the bound, so that nothing is left to scale.
    assert np.linalg.norm(np.asarray(ready.weights[-1], float), 2) <= 0.97**0.5


def test_it_starts_at_zero_in_any_context():
    net = LipschitzMLP(KEY, 3, context_features=2, hidden=(8, 8))
    np.testing.assert_array_equal(net(jnp.ones(3), jnp.ones(2)), np.zeros(3))


def test_a_batch_scales_its_weights_once():
    """The bound of a weight does not depend on the event: its products have no batch axis in the program."""
    net = LipschitzMLP(KEY, 5, hidden=(7,))
    text = str(jax.make_jaxpr(jax.vmap(net))(jnp.ones((11, 5))))
    assert "f32[5,5] = dot_general" in text
    assert "f32[11,5,5]" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"activation": "relu"}, "LipschitzMLP: expected activation lip_swish, elu, got 'relu'."),
        ({"lipschitz": 1.0}, "LipschitzMLP: expected lipschitz between 0 and 1, got 1.0."),
        ({"lipschitz": 0}, "LipschitzMLP: expected lipschitz between 0 and 1, got 0."),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ConfigError) as caught:
        LipschitzMLP(KEY, 2, **arguments)
    assert str(caught.value) == message


def test_a_missing_context_is_refused():
    with pytest.raises(ShapeError) as caught:
        LipschitzMLP(KEY, 2, context_features=3)(jnp.ones(2))
    assert str(caught.value) == "LipschitzMLP: expected a context of 3 elements, got 0."
